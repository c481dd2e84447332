// Runs the wasm32 build of the comparison: replays the recorded traces and counts what fits.
// Arguments: module, contenders and measures (comma-separated), replays per timing, timings, trace files.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

const [modulePath, contenderList, measureList, times, rounds, ...traces] = process.argv.slice(2);
const contenders = contenderList.split(',');
const { instance } = await WebAssembly.instantiate(readFileSync(modulePath), {});
const { memory, trace_buffer, replay_trace, measure_fit } = instance.exports;

/** @param {string[]} cells */
const row = (cells) => console.log(`| ${cells.join(' | ')} |`);
/** @param {string[]} columns */
const header = (columns) => {
  row(columns);
  console.log(`|${' --- |'.repeat(columns.length)}`);
};

console.log(`\nwasm32 in Node ${process.version}: ns per operation\n`);
header(['program', ...contenders]);
for (const path of traces) {
  const trace = readFileSync(path);
  const pointer = trace_buffer(trace.length / 8);
  new Uint8Array(memory.buffer, pointer, trace.length).set(trace);
  const best = contenders.map(() => Infinity);
  const failures = contenders.map(() => 0);
  for (let round = 0; round < Number(rounds); round++) {
    contenders.forEach((_, contender) => {
      const start = performance.now();
      failures[contender] = replay_trace(contender, Number(times));
      best[contender] = Math.min(best[contender], performance.now() - start);
    });
  }
  row([
    basename(path, '.trace'),
    ...best.map((time, contender) => {
      const nanoseconds = ((time * 1e6) / (Number(times) * (trace.length / 8))).toFixed(2);
      return failures[contender] ? `${nanoseconds} (${failures[contender]} failed)` : nanoseconds;
    }),
  ]);
}

console.log('\nwasm32: how many fit\n');
const real = contenders.slice(0, -1);
header(['what', ...real]);
measureList.split(',').forEach((measure, number) => {
  const [name, unit] = measure.split('\t');
  row([name, ...real.map((_, contender) => `${measure_fit(contender, number)} ${unit}`.trim())]);
});
