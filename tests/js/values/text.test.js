// Tests keys as text (web/bytes/text.js): any bytes are restored as they were, and different bytes give different texts.

import assert from 'node:assert/strict';
import test from 'node:test';

import { decodeUtf8, KeyCache, keyBytes, keyText } from '../../../web/bytes/text.js';
import { random } from '../support/random.js';

test('a key of UTF-8 text is that text', () => {
  for (const text of ['', 'counter', 'h\u00e9llo', '\u20ac\u{1f600}', '\ufeffmark', 'long '.repeat(50)]) {
    const bytes = Buffer.from(text);
    assert.equal(keyText(bytes, 0, bytes.length), text);
    assert.deepEqual(Buffer.from(keyBytes(text)), bytes);
  }
});

test('a key of any bytes comes back from its text, and no two keys share one', () => {
  const next = random(5);
  const seen = new Map();
  const interesting = [0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xa0, 0xed, 0x9f, 0xb2, 0xef, 0xf0, 0x90, 0xf4, 0x8f, 0xff];
  for (let round = 0; round < 50_000; round++) {
    const bytes = Uint8Array.from({ length: next(8) }, () => interesting[next(interesting.length)]);
    const text = keyText(bytes, 0, bytes.length);
    assert.deepEqual(keyBytes(text), bytes);
    const hex = Buffer.from(bytes).toString('hex');
    assert.equal(seen.get(text) ?? hex, hex);
    seen.set(text, hex);
  }
});

test('valid text is told from other bytes exactly as the platform tells it', () => {
  const next = random(9);
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from({ length: next(6) }, () => next(256));
    let expected = null;
    try {
      expected = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      // Not UTF-8.
    }
    assert.equal(decodeUtf8(bytes, 0, bytes.length), expected);
  }
});

test('a lone surrogate that stands for no byte is refused', () => {
  assert.throws(() => keyBytes('a\ud800'), RangeError);
  assert.throws(() => keyBytes('\udc7f'), RangeError);
});

test('the key cache answers as if it remembered nothing', () => {
  const cache = new KeyCache();
  const next = random(3);
  const memory = new Uint8Array(80);
  for (let round = 0; round < 50_000; round++) {
    const start = next(8);
    const end = start + next(round % 100 === 0 ? 70 : 4);
    for (let at = start; at < end; at++) memory[at] = next(40) === 0 ? 128 + next(128) : 97 + next(26);
    assert.equal(cache.text(memory, start, end), keyText(memory, start, end));
  }
});
