// How the benchmarks measure, and how they show it.

/** The median of an odd number of figures. */
export function median(figures) {
  return figures.sort((a, b) => a - b)[figures.length >> 1];
}

/** Microseconds per call of a function: the median of several rounds, after warming up. */
export function perCall(count, call) {
  for (let warm = 0; warm < count; warm++) call();
  const rounds = [];
  for (let round = 0; round < 9; round++) {
    const begin = performance.now();
    for (let index = 0; index < count; index++) call();
    rounds.push(((performance.now() - begin) * 1000) / count);
  }
  return median(rounds);
}

/** As `perCall`, for a function that gives a promise. */
export async function perAwait(count, call) {
  for (let warm = 0; warm < count; warm++) await call();
  const rounds = [];
  for (let round = 0; round < 5; round++) {
    const begin = performance.now();
    for (let index = 0; index < count; index++) await call();
    rounds.push(((performance.now() - begin) * 1000) / count);
  }
  return median(rounds);
}

/** Microseconds per operation of a call that makes so many: the median of three rounds, each with its own preparation. */
export function perOperation(operations, prepare, call) {
  const rounds = [];
  for (let round = 0; round < 3; round++) {
    const subject = prepare();
    const begin = performance.now();
    call(subject);
    rounds.push(((performance.now() - begin) * 1000) / operations);
  }
  return median(rounds);
}

/** Show rows of a name and a figure in microseconds for each column, null where there is none. */
export function show(title, columns, rows) {
  const micros = (value) => (value === null ? '' : `${value.toFixed(value < 10 ? 3 : 1)} µs`);
  console.log(`\n${title.padEnd(44)}${columns.map((column) => column.padStart(14)).join('')}`);
  for (const [name, ...figures] of rows) console.log(`${name.padEnd(44)}${figures.map((figure) => micros(figure).padStart(14)).join('')}`);
}
