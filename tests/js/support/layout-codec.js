// Encodes, decodes and makes up bytes by the layouts of abi.json alone: what a host in any language could generate. Tests
// compare it with the encoders and decoders that are written by hand, in JavaScript and in the module.

import { abi } from './export-calls.js';

/** Bytes that do not follow a layout. */
export class LayoutError extends Error {}

const layouts = new Map(abi.layouts.map((layout) => [layout.name, layout]));
const constants = new Map(abi.constants.map((constant) => [constant.name, constant]));
const types = new Map(abi.types.map(({ name, base }) => [name, base]));
const rules = new Map(abi.keys.map(({ name, is }) => [name, is]));

const SCALARS = { u8: 1, u16: 2, i32: 4, u32: 4, i64: 8, u64: 8, f64: 8 };
const scalarOf = (type) => types.get(type) ?? type;

/** The constants whose names begin so, by their values. */
const family = (prefix) => abi.constants.filter(({ name, items }) => name.startsWith(prefix) && items !== undefined);

/** The tags that a value may have at a place. */
const tagsAt = (place, item = {}) => family('TAG_').filter(({ name, where, only }) => where.includes(place) && only === undefined && (item.tags ?? [name]).includes(name));

const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Reads bytes from an offset on. */
class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = view(bytes);
    this.at = 0;
    this.tables = 0;
  }

  fail(problem) {
    throw new LayoutError(`at byte ${this.at} of ${this.bytes.length}: ${problem}`);
  }

  take(count) {
    if (count > this.bytes.length - this.at) this.fail(`${count} bytes are needed`);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  scalar(type) {
    const { length, byteOffset } = this.take(SCALARS[type]);
    const at = byteOffset - this.bytes.byteOffset;
    switch (type) {
      case 'u8': return this.view.getUint8(at);
      case 'u16': return this.view.getUint16(at, true);
      case 'i32': return this.view.getInt32(at, true);
      case 'u32': return this.view.getUint32(at, true);
      case 'i64': return this.view.getBigInt64(at, true);
      case 'u64': return this.view.getBigUint64(at, true);
      default: return this.view.getFloat64(at, true, length);
    }
  }

  items(items, place) {
    const read = {};
    for (const item of items) read[item.name] = this.item(item, read, item.place ?? place);
    return read;
  }

  item(item, read, place) {
    const isBytes = item.type === 'bytes' || item.type === 'text';
    if (item.optional) return this.at < this.bytes.length ? this.one(item, place) : null;
    if (item.type === 'key') return this.keys(item);
    if (item.count === undefined) return this.one(item, place);
    const count = item.count === 'rest' ? Infinity : read[item.count] - (item.less ?? 0);
    if (isBytes) return this.string(item, count);
    const list = [];
    while (list.length < count && (count !== Infinity || this.at < this.bytes.length)) list.push(this.one(item, place));
    return list;
  }

  string(item, count) {
    const bytes = this.take(count === Infinity ? this.bytes.length - this.at : count);
    if (bytes.length > (item.max ?? Infinity)) this.fail(`${item.name} is too long`);
    const text = Buffer.from(bytes).toString();
    if (item.type === 'text' && !Buffer.from(text).equals(bytes)) this.fail(`${item.name} is not UTF-8`);
    return bytes;
  }

  keys(item) {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.take(this.bytes.length - this.at));
    const keys = item.count === undefined ? [text] : text === '' ? [] : text.split(item.joined);
    for (const key of keys) if (!matches(item.rule, key)) this.fail(`${JSON.stringify(key)} is no key`);
    return keys;
  }

  one(item, place) {
    const scalar = scalarOf(item.type);
    if (scalar in SCALARS) {
      const number = this.scalar(scalar);
      if (number < (item.min ?? -Infinity) || number > (item.max ?? Infinity)) this.fail(`${item.name} is ${number}`);
      if (item.index_of && number >= this.tables) this.fail(`there is no ${item.index_of} ${number}`);
      return number;
    }
    if (item.type === 'value') return this.tagged(tagsAt(place, item), item, place);
    if (constants.has(item.type)) return this.tagged([constants.get(item.type)], item, place);
    if (item.type.endsWith('_')) return this.tagged(family(item.type), item, place);
    return this.items(layouts.get(item.type).items, place);
  }

  tagged(tags, item, place) {
    const number = this.scalar('u8');
    const tag = tags.find(({ value }) => value === number);
    if (tag === undefined) this.fail(`${number} may not stand at ${place}`);
    if (tag.name === 'TAG_TABLE') this.tables++;
    const value = { tag: tag.name, ...this.items(tag.items, place) };
    for (const except of item.except ?? []) {
      if (except === 'nil' ? tag.name === 'TAG_NIL' : Number.isNaN(value.number)) this.fail(`${item.name} is ${except}`);
    }
    if (item.holds) decode(item.holds, value.string);
    return value;
  }
}

/** What bytes consist of, by a layout. Throws a `LayoutError` where they do not follow it. */
export function decode(layout, bytes) {
  const reader = new Reader(bytes);
  const read = reader.items(layouts.get(layout).items);
  if (reader.at < bytes.length && !layouts.get(layout).open) reader.fail('more bytes follow');
  return read;
}

/** The bytes of what `decode` gives. */
export function encode(layout, read) {
  const chunks = [];
  const scalar = (type, number) => {
    const bytes = new Uint8Array(SCALARS[type]);
    const write = { u8: 'setUint8', u16: 'setUint16', i32: 'setInt32', u32: 'setUint32', i64: 'setBigInt64', u64: 'setBigUint64', f64: 'setFloat64' }[type];
    view(bytes)[write](0, number, true);
    chunks.push(bytes);
  };
  const each = (items, values) => {
    for (const item of items) put(item, values[item.name]);
  };
  const put = (item, value) => {
    if (value === null) return;
    if (item.type === 'bytes' || item.type === 'text') chunks.push(value);
    else if (item.type === 'key') chunks.push(Buffer.from(value.join(item.joined)));
    else if (Array.isArray(value)) value.forEach((one) => put({ ...item, count: undefined }, one));
    else if (scalarOf(item.type) in SCALARS) scalar(scalarOf(item.type), value);
    else if (value.tag !== undefined) {
      scalar('u8', constants.get(value.tag).value);
      each(constants.get(value.tag).items, value);
    } else each(layouts.get(item.type).items, value);
  };
  each(layouts.get(layout).items, read);
  return Uint8Array.from(Buffer.concat(chunks));
}

/** Random numbers, the same for the same seed. */
export function randomFrom(seed) {
  let state = BigInt(seed) * 2654435761n + 88172645463325252n;
  return (limit) => {
    state ^= (state << 13n) & 0xffffffffffffffffn;
    state ^= state >> 7n;
    state ^= (state << 17n) & 0xffffffffffffffffn;
    return Number(state % BigInt(limit));
  };
}

/** Makes up what a layout allows. `without`: tags that are left out; `strings`: what bytes are, by the names of their tags. */
export function makeUp(layout, random, { without = [], strings = {} } = {}) {
  let tables = 0;
  let depth = 0;
  const pick = (list) => list[random(list.length)];
  const number = (item) => {
    const type = scalarOf(item.type);
    if (item.index_of) return random(tables);
    if (type === 'f64') return pick([0, -0, 1, 0.5, -1.5, 1e300, 5e-324, Infinity, -Infinity, random(1e9) / 7]);
    if (type === 'i64' || type === 'u64') return BigInt.asIntN(64, BigInt(pick([0, 1, 2 ** 53, random(1e9)])) * (type === 'i64' ? pick([1n, -1n]) : 1n));
    const most = item.max ?? (type === 'u8' ? 255 : type === 'u16' ? 65_535 : 100_000);
    return (item.min ?? 0) + random(Math.max(most - (item.min ?? 0) + 1, 1));
  };
  const each = (items, place, tag) => {
    const made = {};
    const counts = {};
    for (const { count, less = 0, type } of items) {
      if (count === undefined || count === 'rest') continue;
      counts[count] ??= (type === 'bytes' || type === 'text' ? random(12) : random(depth < 4 ? 4 : 1)) + less;
      if (less > 0) counts[count] = Math.max(counts[count], less + 1);
    }
    for (const item of items) {
      if (item.type === 'bytes' || item.type === 'text') {
        const fixed = item.known ? pick(item.known) : strings[tag] ? pick(strings[tag]) : undefined;
        made[item.name] = fixed === undefined ? Uint8Array.from({ length: item.count === 'rest' ? random(12) : counts[item.count] }, () => pick([0x61, 0x7a, 0x20, 0x5b])) : Buffer.from(fixed);
        if (item.count in made) made[item.count] = made[item.name].length;
        continue;
      }
      if (item.name in counts) {
        made[item.name] = counts[item.name];
        continue;
      }
      const count = item.count === undefined ? undefined : item.count === 'rest' ? random(4) : counts[item.count] - (item.less ?? 0);
      const at = item.place ?? place;
      if (item.optional && random(2) === 0) made[item.name] = null;
      else made[item.name] = count === undefined ? one(item, at) : Array.from({ length: count }, () => one(item, at));
    }
    return made;
  };
  const one = (item, place) => {
    if (scalarOf(item.type) in SCALARS) return number(item);
    if (layouts.has(item.type)) return each(layouts.get(item.type).items, place);
    const all = item.type === 'value' ? tagsAt(place, item) : constants.has(item.type) ? [constants.get(item.type)] : family(item.type);
    const usable = all.filter(({ name }) => !without.includes(name) && (name !== 'TAG_SAME_TABLE' || tables > 0) && !(item.except?.includes('nil') && name === 'TAG_NIL'));
    const tag = pick(usable);
    if (tag.name === 'TAG_TABLE') tables++;
    depth++;
    const made = { tag: tag.name, ...each(tag.items, place, tag.name) };
    depth--;
    return made;
  };
  return each(layouts.get(layout).items);
}

/** Whether a text is one that a rule of the grammar of keys matches. */
export function matches(rule, text) {
  const characters = [...text];
  /** The places at which what a part matches from a place on can end. */
  const ends = (is, at) => {
    const [[kind, what]] = Object.entries(is);
    switch (kind) {
      case 'text': return characters.slice(at, at + [...what].length).join('') === what ? new Set([at + [...what].length]) : new Set();
      case 'rule': return ends(rules.get(what), at);
      case 'character_except': return at < characters.length && !what.includes(characters[at]) ? new Set([at + 1]) : new Set();
      case 'choice': return new Set(what.flatMap((part) => [...ends(part, at)]));
      case 'sequence': return what.reduce((places, part) => new Set([...places].flatMap((place) => [...ends(part, place)])), new Set([at]));
      case 'optional': return new Set([at, ...ends(what, at)]);
      case 'repeat': {
        const reached = new Set([at]);
        // A set gives what is added to it meanwhile, too.
        for (const place of reached) for (const end of ends(what, place)) reached.add(end);
        return reached;
      }
      default: throw new LayoutError(`what is ${kind}?`);
    }
  };
  return ends(rules.get(rule), 0).has(characters.length);
}

/** Makes up a text that a rule matches. */
export function makeUpKey(rule, random) {
  const make = (is, depth) => {
    const [[kind, what]] = Object.entries(is);
    switch (kind) {
      case 'text': return what;
      case 'rule': return make(rules.get(what), depth + 1);
      case 'character_except': {
        const usable = ['a', ' ', '"', '[', ']', '\\', '\t', '\u{e9}', '\u{feff}', '\u{1f600}', '\n', '\0'].filter((character) => !what.includes(character));
        return usable[random(usable.length)];
      }
      case 'choice': return make(what[random(what.length)], depth);
      case 'sequence': return what.map((part) => make(part, depth)).join('');
      case 'optional': return random(2) === 0 ? '' : make(what, depth);
      default: return Array.from({ length: random(4) }, () => make(what, depth)).join('');
    }
  };
  return make(rules.get(rule), 0);
}
