// Shows the figures of the benchmark of data as Markdown.

import { GROUPS, STATE_GROUPS } from './programs.mjs';

const STATE_ROWS = Object.values(STATE_GROUPS).flat();

const isBytes = (row) => /memory|size/.test(row);

/** A figure as a person reads it: milliseconds, or bytes. */
export function shown(row, figure) {
  const [value, unit] = isBytes(row) ? [figure / 1e6, 'MB'] : figure < 1 ? [figure * 1000, 'µs'] : figure < 1000 ? [figure, 'ms'] : [figure / 1000, 's'];
  return `${value < 100 ? Number(value.toPrecision(2)) : Math.round(value)} ${unit}`;
}

const groupOf = (row) => Object.keys(GROUPS).find((name) => GROUPS[name].some((step) => step.row === row)) ?? Object.keys(STATE_GROUPS).find((name) => STATE_GROUPS[name].includes(row));

/** Rows of one size: a cell for each contender, and the ratios of the first to others. */
function table(results, size, rows, names, ratios) {
  const figures = results.figures[size];
  const failures = results.failures[size] ?? {};
  const cell = (name, row) => {
    if (figures[name]?.[row] !== undefined) return shown(row, figures[name][row]);
    return failures[name]?.[groupOf(row)] === undefined ? '' : 'no';
  };
  const ratio = ([a, b], row) => {
    const [over, under] = [figures[a]?.[row], figures[b]?.[row]];
    return over === undefined || under === undefined ? '' : (over / under).toFixed(over / under < 10 ? 2 : 0);
  };
  const lines = rows.filter((row) => names.some((name) => cell(name, row) !== '')).map((row) => [row, ...names.map((name) => cell(name, row)), ...ratios.map((pair) => ratio(pair, row))]);
  if (lines.length === 0) return '';
  const head = ['', ...names, ...ratios.map(([a, b]) => `${a} / ${b}`)];
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** All tables, by size, each with the reasons for what could not be done. */
export function summary(results) {
  const parts = [results.setting];
  for (const size of Object.keys(results.figures)) {
    const there = Object.keys(results.figures[size]);
    const names = there.filter((name) => name !== 'file' && name !== 'sqlite');
    const pairs = [['here', 'wasmoon'], ['here', 'plain'], ['here', 'before'], ['documented', 'documented, before']];
    const ratios = pairs.filter((pair) => pair.every((name) => names.includes(name)));
    parts.push(`## ${Number(size).toLocaleString('en')} entries`);
    parts.push(table(results, size, Object.values(GROUPS).flatMap((steps) => steps.flatMap(({ row }) => row ?? [])), names, ratios));
    parts.push(table(results, size, STATE_ROWS, there.filter((name) => !names.includes(name)), []));
    const reasons = Object.entries(results.failures[size] ?? {}).flatMap(([name, groups]) => Object.entries(groups).map(([group, reason]) => `- ${name}, ${group}: ${reason}`));
    parts.push(reasons.join('\n'));
  }
  return parts.filter((part) => part !== '').join('\n\n');
}

/** The page of the last full run. */
export function findings(results) {
  return `# Data in \`_home\`, beside plain tables

What \`npm --prefix benches/js run data -- --full --write\` measured: the least of several times, in one run in which the
contenders took turns, each group of rows in processes of its own. The records are
\`{ id = i, name = "name " .. i, score = i * 0.5 }\` in a list. *here* keeps them in \`_home\`, *documented* in \`_home\` of a host
with the five imports and a \`Map\` of bytes, *plain* in plain tables of the same 2 MiB, *wasmoon* and *native* in plain tables of
wasmoon 1.16 and native Lua. *no* is what could not be done, for the reason below the table.

![How time and memory grow](growth.svg)

${summary(results)}
`;
}
