// Tests that random programs, cut at a random step, go on in another process as if nothing had happened.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { Lua } from '../../../web/lua-persistent.js';
import { finish, program } from '../support/programs.js';
import { random } from '../support/random.js';

const PROGRAMS = 1000;
const BATCH = 250;
const CHILD = fileURLToPath(new URL('./resume-child.js', import.meta.url));

/** Returns the result of a program that nothing interrupts. */
async function uncut(code) {
  const lua = await Lua.create();
  lua.start(code);
  const outcome = finish(lua);
  lua.close();
  return outcome;
}

/** A program that has run for some ticks: what it has printed, and a snapshot of it; null if it has ended. */
async function cut(code, ticks, compress) {
  const lua = await Lua.create();
  lua.start(code);
  const step = attempt(() => lua.step(ticks));
  const paused = step === null || step.done ? null : { output: step.output, snapshot: await lua.snapshot({ compress }) };
  lua.close();
  return paused;
}

/** Returns the result of a call; null if it fails. */
function attempt(call) {
  try {
    return call();
  } catch (error) {
    if (error.name !== 'LuaError') throw error;
    return null;
  }
}

/** Restores programs from snapshots in another process and returns their results. */
async function elsewhere(snapshots) {
  const directory = mkdtempSync(path.join(tmpdir(), 'lua-resume-'));
  try {
    const file = path.join(directory, 'snapshots');
    const pieces = snapshots.flatMap((snapshot) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(snapshot.length);
      return [length, snapshot];
    });
    writeFileSync(file, Buffer.concat(pieces));
    const { stdout } = await promisify(execFile)(process.execPath, [CHILD, file], { maxBuffer: 1 << 28 });
    return stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test(`${PROGRAMS} random programs, cut at a random step and resumed in another process, give what they give uncut`, async () => {
  const below = random(20);
  let resumed = 0;
  for (let seed = 1; resumed < PROGRAMS; ) {
    const expected = [];
    const snapshots = [];
    for (; snapshots.length < BATCH; seed++) {
      const code = program(seed);
      const whole = await uncut(code);
      // Where a program that fails was is not known; most fail soon enough.
      const ticks = 1 + below(whole.error === '' ? whole.ticks - 1 : 40);
      const paused = await cut(code, ticks, seed % 10 === 0);
      if (paused === null) continue;
      expected.push({ seed, ticks, whole, output: paused.output });
      snapshots.push(paused.snapshot);
    }
    const outcomes = await elsewhere(snapshots);
    assert.equal(outcomes.length, snapshots.length);
    outcomes.forEach((outcome, index) => {
      const { seed, ticks, whole, output } = expected[index];
      const where = `program ${seed} cut after ${ticks} ticks`;
      assert.equal(outcome.error, whole.error, where);
      assert.deepEqual(outcome.values, whole.values, where);
      assert.equal(output + outcome.output, whole.output, where);
    });
    resumed += outcomes.length;
  }
});
