// Kills processes that save.

import { spawn } from 'node:child_process';

/** Starts a process that saves, kills it after some of its lines of output, and gives what it told. */
export function killAfter(program, file, seed, lines, delay) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, file, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let told = '';
    let isDue = false;
    child.stdout.on('data', (data) => {
      told += data;
      if (isDue || told.split('\n').length <= lines) return;
      isDue = true;
      setTimeout(() => child.kill('SIGKILL'), delay);
    });
    child.on('error', reject);
    child.on('close', (_code, signal) => (signal === 'SIGKILL' ? resolve(told) : reject(new Error(`the process ended by itself: ${told}`))));
  });
}
