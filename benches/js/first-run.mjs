// One first run, for compare.mjs: a long loop as the first thing that a process runs, in milliseconds, on standard output.

import { CONTENDERS } from './contenders.mjs';

const machine = await CONTENDERS[process.argv[2]]();
const begin = performance.now();
const value = machine.run('local sum = 0 for i = 1, 10000000 do sum = sum + i % 7 end return sum');
const milliseconds = performance.now() - begin;
if (value !== 29999997) throw new Error(`the sum is ${value}`);
process.stdout.write(String(milliseconds));
