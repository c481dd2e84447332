// Draws how time and memory grow with the number of entries, as SVG: a panel for each row, both axes logarithmic.

const PANELS = ['create', 'sum a field', 'sort by a field', 'map of strings, create', 'pairs over the map', 'process memory, records'];
const COLOURS = { here: '#0b62c4', before: '#8fb9e8', plain: '#2a8f4f', wasmoon: '#d9731a', native: '#777777', documented: '#9a4fb5' };
const [WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM] = [360, 250, 58, 34, 14, 34];

const steps = (low, high) => Array.from({ length: Math.round(high - low) + 1 }, (_, index) => low + index);

function label(row, exponent) {
  if (row.includes('memory')) return exponent >= 9 ? `${10 ** (exponent - 9)} GB` : `${10 ** (exponent - 6)} MB`;
  return exponent >= 3 ? `${10 ** (exponent - 3)} s` : exponent >= 0 ? `${10 ** exponent} ms` : `${10 ** (exponent + 3)} µs`;
}

function panel(results, row, x, y) {
  const sizes = Object.keys(results.figures).map(Number);
  const lines = Object.keys(COLOURS).map((name) => [name, sizes.flatMap((size) => {
    const figure = results.figures[size][name]?.[row];
    return figure === undefined ? [] : [[Math.log10(size), Math.log10(figure)]];
  })]);
  const values = lines.flatMap(([, points]) => points.map(([, value]) => value));
  if (values.length === 0) return '';
  const [first, last] = [Math.floor(Math.log10(Math.min(...sizes))), Math.ceil(Math.log10(Math.max(...sizes)))];
  const [low, high] = [Math.floor(Math.min(...values)), Math.ceil(Math.max(...values))];
  const across = (value) => (x + LEFT + ((value - first) / (last - first)) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const up = (value) => (y + HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const grid = [
    ...steps(first, last).map((at) => `<path d="M${across(at)} ${up(low)}V${up(high)}" class="grid"/><text x="${across(at)}" y="${y + HEIGHT - BOTTOM + 16}" text-anchor="middle">${(10 ** at).toLocaleString('en')}</text>`),
    ...steps(low, high).map((at) => `<path d="M${across(first)} ${up(at)}H${across(last)}" class="grid"/><text x="${x + LEFT - 6}" y="${Number(up(at)) + 4}" text-anchor="end">${label(row, at)}</text>`),
  ];
  const drawn = lines.filter(([, points]) => points.length > 0).map(([name, points]) => {
    const places = points.map(([size, value]) => `${across(size)} ${up(value)}`);
    const dots = points.map(([size, value]) => `<circle cx="${across(size)}" cy="${up(value)}" r="2.5" fill="${COLOURS[name]}"/>`).join('');
    return `<path d="M${places.join('L')}" fill="none" stroke="${COLOURS[name]}" stroke-width="1.8"/>${dots}`;
  });
  return [`<text x="${x + LEFT}" y="${y + 20}" class="title">${row}</text>`, ...grid, ...drawn].join('\n');
}

/** The figure of all panels. */
export function growth(results) {
  const panels = PANELS.map((row, index) => panel(results, row, (index % 3) * WIDTH, 30 + Math.floor(index / 3) * HEIGHT));
  const there = Object.keys(COLOURS).filter((name) => Object.values(results.figures).some((figures) => name in figures));
  const legend = there.map((name, index) => `<path d="M${LEFT + index * 120} 18h22" stroke="${COLOURS[name]}" stroke-width="3"/><text x="${LEFT + 28 + index * 120}" y="22">${name}</text>`);
  const [width, height] = [3 * WIDTH, 40 + 2 * HEIGHT];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<style>text { font: 11px sans-serif; fill: #333333 } .title { font-size: 13px; font-weight: bold } .grid { stroke: #dddddd; stroke-width: 1; fill: none }</style>
<rect width="${width}" height="${height}" fill="#ffffff"/>
${legend.join('\n')}
${panels.join('\n')}
</svg>
`;
}
