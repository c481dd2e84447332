// Tests the program behind `cargo xtask serve`: the address that it prints, and how it ends.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../web/page/serve.js', import.meta.url));

/** Starts the program. What it prints is gathered. */
function start(...words) {
  const child = spawn(process.execPath, [PROGRAM, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (printed.out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (printed.err += text));
  return { child, printed };
}

test('it says where the page is, serves it there, and ends cleanly when it is interrupted', async () => {
  const { child, printed } = start('--port', '0');
  await once(child.stdout, 'data');
  const [origin] = /http:\/\/127\.0\.0\.1:\d+\//.exec(printed.out);
  const page = await fetch(origin);
  assert.match(await page.text(), /<title>Lua playground<\/title>/);
  assert.equal((await fetch(`${origin}../../web/package.json`)).status, 404);
  assert.equal((await fetch(`${origin}no-such-file`)).status, 404);
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'close'), [0, null]);
  assert.equal(printed.err, '');
});

test('a port that is taken is named, with the way out', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address();
  const { child, printed } = start('--port', String(port));
  const [code] = await once(child, 'close');
  taken.close();
  assert.equal(code, 1);
  assert.equal(printed.err, `port ${port} is taken: end what uses it, or choose another with --port N\n`);
});

for (const words of [['--port'], ['--port', 'x'], ['--port', '65536'], ['8000']]) {
  test(`'${words.join(' ')}' is refused with what would be right`, async () => {
    const { child, printed } = start(...words);
    const [code] = await once(child, 'close');
    assert.equal(code, 1);
    assert.match(printed.err, /^usage: .*--port N/);
  });
}
