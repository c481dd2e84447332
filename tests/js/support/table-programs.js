// Makes random programs over external tables: lists of operations, each as Lua code and as what it does to the model of
// table-model.js. In Lua, each operation leaves a line of text; the model goes on with these lines, and says whether they are
// right.

import assert from 'node:assert/strict';

import { compareWithStore, copyOf, Counter, Ids, reachable, Table } from './table-model.js';
import { random } from './random.js';

/** Tables that a machine holds over from call to call, and walks that are under way. */
const HANDLES = 10;
const WALKS = 3;
/** Entries of a walk that are shown one by one; of longer ones there is a checksum. */
const SHOWN = 40;

/** What each machine runs first. */
export const PRELUDE = `
H, W, L, LIST_IDS, LISTS, KEPT = {}, {}, {}, {}, setmetatable({}, { __mode = 'k' }), {}
local names, last = setmetatable({}, { __mode = 'k' }), 0
local function escape(text)
  if #text > 60 then text = #text .. text:sub(1, 20) .. text:sub(-20) end
  return (text:gsub('[^%w]', function(c) return ('%%%02x'):format(c:byte()) end))
end
function S(v)
  local kind = math.type(v) or type(v)
  if kind == 'integer' then return 'i' .. v end
  if kind == 'float' then return v ~= v and 'nan' or 'f' .. ('>d'):pack(v):gsub('.', function(c) return ('%02x'):format(c:byte()) end) end
  if kind == 'string' then return 's' .. escape(v) end
  if kind == 'table' then return ext.id(v) and 'x' .. ext.id(v) or 'p' .. (names[v] or '?') end
  return kind == 'function' and kind or tostring(v)
end
function NAMED(t, name) names[t] = name return t end
-- A list is known by its table, or by its id from the call on that follows the one that made it.
function LIST(t) LISTS[t] = true KEPT[#KEPT + 1] = t end
function IS_ANY() return true end
function IS_MAP(t) return not IS_LIST(t) end
function IS_EXTERNAL(t) return ext.id(t) ~= nil end
function FIND(first, is_right)
  for n = first, first + ${HANDLES - 1} do
    local t = H[(n - 1) % ${HANDLES} + 1]
    if type(t) == 'table' and is_right(t) then return t end
  end
end
function IS_LIST(t) return LISTS[t] or LIST_IDS[ext.id(t) or 0] or false end
function JOIN(lines)
  if #lines <= ${SHOWN} then return table.concat(lines, ' ') end
  local sum = 0
  for i = 1, #lines do
    local line = lines[i]
    for at = 1, #line do sum = (sum * 31 + line:byte(at)) & 0xffffffff end
  end
  return #lines .. ' lines ' .. sum
end
function T(n, f)
  local ok, text = pcall(f)
  L[#L + 1] = n .. ':' .. (ok and text or 'E' .. tostring(text):gsub('\\n', ' '))
end
function BEGIN(number, lists)
  CALL = nil
  L, LIST_IDS = {}, {}
  CALL = number
  for i = 1, #lists do LIST_IDS[lists[i]] = true end
  KEPT = {}
end
`;

// Values, in the model's terms.

const LONG = new Map([
  ['long'.repeat(20), "('long'):rep(20)"],
  ['0123456789'.repeat(150), "('0123456789'):rep(150)"],
  ['\0\xff'.repeat(3000), "('\\0\\xFF'):rep(3000)"],
]);
const STRINGS = ['', 'a', 'name', '[5]', '[', '\n', '\0zero', '\xff\xfe', '\xc3\xa9', '[meta]', '1', 'true', ...LONG.keys()];
const INTEGERS = [0n, 1n, 2n, 3n, -1n, 10n, 255n, 1n << 31n, -(1n << 31n), 1n << 53n, (1n << 53n) + 1n, (1n << 63n) - 1n, -(1n << 63n)];
const FLOATS = [1.5, -0.5, -0, 0, 3, 2 ** 53, 1e300, Infinity, -Infinity, 5e-324];

/** A value as Lua code. */
export function literal(value) {
  if (value === null) return 'nil';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return value === -(1n << 63n) ? 'math.mininteger' : String(value);
  if (typeof value === 'number') {
    if (Number.isNaN(value)) return '(0/0)';
    if (!Number.isFinite(value)) return value > 0 ? '(1/0)' : '(-1/0)';
    if (Object.is(value, -0)) return '-0.0';
    return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value);
  }
  return LONG.get(value) ?? `"${Array.from(value, (c) => (/\w/.test(c) ? c : `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)).join('')}"`;
}

/** A value as `S` in Lua shows it; a table is left to the caller. */
function show(value) {
  if (value === null) return 'nil';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return `i${value}`;
  if (value instanceof Counter) return 'function';
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    return Number.isNaN(value) ? 'nan' : `f${bytes.toString('hex')}`;
  }
  const text = value.length > 60 ? value.length + value.slice(0, 20) + value.slice(-20) : value;
  return `s${Array.from(text, (c) => (/[0-9A-Za-z]/.test(c) ? c : `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`)).join('')}`;
}

/** What the machines of a program share, and what each of them holds. */
export class World {
  constructor(machines = 1) {
    this.home = new Table('_home', true);
    this.machines = Array.from({ length: machines }, () => ({ handles: Array(HANDLES + 1).fill(null), walks: Array(WALKS + 1).fill(null) }));
    this.ids = new Ids((table) => reachable(this.roots).has(table));
    this.names = 0;
  }

  get roots() {
    return [this.home, ...this.machines.flatMap(({ handles, walks }) => [...handles, ...walks.map((walk) => walk?.table ?? null)])];
  }

  /** The world as it is now, to return to. */
  copy() {
    const copy = copyOf(this.roots);
    const other = Object.assign(new World(0), { home: copy(this.home), names: this.names });
    other.machines = this.machines.map(({ handles, walks }) => ({
      handles: handles.map(copy),
      walks: walks.map((walk) => walk && { ...walk, table: copy(walk.table) }),
    }));
    for (const [table, id] of this.ids.byTable) {
      if (copy(table) === table) continue;
      other.ids.byTable.set(copy(table), id);
      other.ids.byId.set(id, copy(table));
    }
    return other;
  }

  /** A machine that begins anew. */
  forget(machine) {
    this.machines[machine] = new World().machines[0];
  }

  /** Compares text that `S` gave with a value. */
  same(text, value, where) {
    if (!(value instanceof Table)) return assert.equal(text, show(value), where);
    if (!value.isExternal) return assert.equal(text, `p${value.name}`, where);
    assert.match(text, /^x\d+$/, `${where}: an external table`);
    this.ids.bind(value, Number(text.slice(1)), where);
  }

  /** As `JOIN` shows lines; tables have to be known. */
  join(lines) {
    if (lines.length <= SHOWN) return lines.join(' ');
    let sum = 0;
    for (const line of lines) for (let at = 0; at < line.length; at++) sum = (Math.imul(sum, 31) + line.charCodeAt(at)) >>> 0;
    return `${lines.length} lines ${sum}`;
  }

  /** Compares what `JOIN` gave with lists of values. */
  sameLines(text, lines, where) {
    if (lines.length > SHOWN) {
      const shown = lines.map((values) => values.map((value) => this.shown(value)).join('='));
      if (shown.every((line) => !line.includes('?'))) assert.equal(text, this.join(shown), where);
      else assert.equal(text.split(' ')[0], String(lines.length), where);
      return;
    }
    const seen = text === '' ? [] : text.split(' ');
    assert.equal(seen.length, lines.length, `${where}: ${text}`);
    seen.forEach((line, at) => {
      const values = line.split('=');
      lines[at].forEach((value, n) => this.same(values[n], value, `${where}, line ${at + 1}`));
    });
  }

  shown(value) {
    if (!(value instanceof Table)) return show(value);
    return value.isExternal ? `x${this.ids.byTable.get(value) ?? '?'}` : `p${value.name}`;
  }

  /** Ids of lists, which only operations on lists change. */
  get lists() {
    const alive = reachable(this.roots);
    return [...this.ids.byTable].filter(([table]) => table.isList && alive.has(table)).map(([, id]) => id);
  }

  compare(entriesOf, options) {
    return compareWithStore(entriesOf, this.home, this.ids, options);
  }

  newTable(isExternal, isList = false) {
    this.names++;
    return Object.assign(new Table(String(this.names), isExternal), { isList });
  }
}

/** Follows `__index`; undefined if that is an error. */
function index(table, key) {
  for (let steps = 0; steps < 2000; steps++) {
    const value = table.get(key);
    const next = table.meta?.get('__index') ?? null;
    if (value !== null || next === null) return value;
    // What is no table can be indexed if it is a string, which has none of these keys.
    if (!(next instanceof Table)) return typeof next === 'string' ? null : undefined;
    table = next;
  }
  return undefined;
}

/** The table that gets an assignment, by `__newindex`; undefined if that is an error. */
function target(table, key) {
  for (let steps = 0; steps < 2000; steps++) {
    const next = table.meta?.get('__newindex') ?? null;
    if (table.get(key) !== null || next === null) return table;
    if (!(next instanceof Table)) return undefined;
    table = next;
  }
  return undefined;
}

/**
 * An operation: Lua code that returns a line, and what it does to the model, which gets the line. An operation that failed
 * because the host did has done nothing (`apply` is not called), or nobody knows what to the tables of `touches`.
 *
 * @typedef {object} Operation
 * @property {string} kind
 * @property {string} lua
 * @property {(context: { world: World, handles: any[], walks: any[], line: string, where: string }) => void} apply
 * @property {(context: { world: World, handles: any[], walks: any[] }) => any[]} [touches] tables that it changes in steps
 * @property {boolean} [mayFail] whether Lua may raise an error; `apply` then gets its line, which begins with E
 */

/** Makes operations. */
export class Programs {
  /**
   * @param {number} seed
   * @param {object} [options]
   * @param {string[]} [options.without] kinds of operations to leave out
   * @param {number} [options.large] most entries that an operation adds
   */
  constructor(seed, { without = [], large = 400 } = {}) {
    this.below = random(Math.imul(seed, 2654435761) + 1 || 1);
    for (let skip = 0; skip < 8; skip++) this.below(2);
    this.large = large;
    this.kinds = Object.entries(OPERATIONS).flatMap(([kind, [weight]]) => (without.includes(kind) ? [] : Array(weight).fill(kind)));
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  handle() {
    return 1 + this.below(HANDLES);
  }

  key() {
    const kind = this.below(12);
    if (kind < 5) return `k${this.below(12)}`;
    if (kind < 9) return BigInt(1 + this.below(12));
    if (kind === 9) return this.pick(STRINGS);
    return kind === 10 ? this.pick(this.below(3) ? INTEGERS : FLOATS) : this.below(2) === 1;
  }

  plain() {
    const kind = this.below(10);
    if (kind < 4) return this.pick(INTEGERS);
    if (kind < 6) return this.pick(FLOATS);
    if (kind < 9) return this.pick(STRINGS);
    return this.below(4) === 0 ? NaN : this.below(2) === 1;
  }

  /** A count, mostly small. */
  count() {
    const kind = this.below(12);
    return 1 + this.below(kind < 8 ? 8 : kind < 11 ? 120 : this.large);
  }

  /** @returns {Operation} */
  operation() {
    const kind = this.pick(this.kinds);
    return { kind, ...OPERATIONS[kind][1](this) };
  }

  /** Operations of a call. */
  call(count) {
    const operations = Array.from({ length: count }, () => this.operation());
    // Ids may be given again behind this, and the call knows lists by their ids.
    const last = operations.findIndex(({ kind }) => kind === 'collect');
    return last < 0 ? operations : operations.slice(0, last + 1);
  }
}

const isTable = (value) => value instanceof Table;

/** Lua code that works on a table that is held, the first of a kind from a handle on, or returns `-`. */
const on = (isRight) => (h, code) => `local t = FIND(${h}, ${isRight}) if not t then return '-' end ${code}`;
const [onAny, onMap, onList, onExternal] = ['IS_ANY', 'IS_MAP', 'IS_LIST', 'IS_EXTERNAL'].map(on);

/** The table that `FIND` gives. */
function find(handles, h, isRight) {
  for (let n = h; n < h + HANDLES; n++) {
    const table = handles[((n - 1) % HANDLES) + 1];
    if (!isTable(table)) continue;
    if (table.isUnknown) throw new Lost();
    if (isRight(table)) return table;
  }
  return null;
}

/** Is thrown where nobody knows any more what the tables should hold. */
export class Lost extends Error {}

/** Calls `act` with the table that `FIND` gives; if there is none, the line has to be `-`. */
function withTable(h, isRight, act) {
  return (context) => {
    const table = find(context.handles, h, isRight);
    if (table === null) assert.equal(context.line, '-', context.where);
    else act(table, context);
  };
}
const anyTable = () => true;
const isMap = (table) => !table.isList;
const isList = (table) => table.isList;
const isExternal = (table) => table.isExternal;

/** An error is right. */
const isError = (line, where) => assert.match(line, /^E/, where);
const isDone = (line, where) => assert.equal(line, '.', where);

/** A value of an operation: a plain one, or the table of another handle. */
function valueOf(p) {
  const h = p.below(3) === 0 ? p.handle() : 0;
  const plain = p.below(6) === 0 ? null : p.plain();
  return h > 0 ? { lua: `H[${h}]`, of: (handles) => handles[h] } : { lua: literal(plain), of: () => plain };
}

/** Ends a line of operations that have nothing to show. */
const DONE = " return '.'";

/** @type {Record<string, [number, (p: Programs) => Omit<Operation, 'kind'>]>} */
const OPERATIONS = {
  // Handles.
  newTable: [5, (p) => {
    const h = p.handle();
    const isExternalTable = p.below(3) === 0;
    return {
      lua: `H[${h}] = ${isExternalTable ? 'ext.table()' : '{}'} NAMED(H[${h}], 'new') return 'new'`,
      apply: ({ world, handles }) => {
        handles[h] = world.newTable(isExternalTable);
        handles[h].name = 'new';
      },
    };
  }],
  newList: [5, (p) => {
    const h = p.handle();
    const values = Array.from({ length: p.below(9) }, () => p.plain());
    return {
      lua: `local t = {${values.map(literal).join(', ')}} NAMED(t, 'list') LIST(t) H[${h}] = t return 'list'`,
      apply: ({ world, handles }) => {
        const list = world.newTable(false, true);
        list.name = 'list';
        values.forEach((value, at) => list.set(BigInt(at + 1), value));
        handles[h] = list;
      },
    };
  }],
  newGraph: [3, (p) => {
    const [h, other] = [p.handle(), p.handle()];
    const value = p.plain();
    return {
      // A constructor whose order is that of its hash, a cycle, and a table that is there twice.
      lua: `local t = NAMED({ x = ${literal(value)}, y = NAMED({}, 'y') }, 'graph') t.y.up = t t.y.both = t.y t.other = H[${other}] H[${h}] = t return 'graph'`,
      apply: ({ world, handles }) => {
        const [t, y] = [world.newTable(false), world.newTable(false)];
        [t.name, y.name] = ['graph', 'y'];
        t.set('x', value);
        t.set('y', y);
        y.set('up', t);
        y.set('both', y);
        t.set('other', handles[other]);
        handles[h] = t;
      },
    };
  }],
  drop: [2, (p) => {
    const h = p.handle();
    return { lua: `H[${h}] = nil${DONE}`, apply: ({ handles }) => { handles[h] = null; } };
  }],
  home: [6, (p) => {
    const [h, name] = [p.handle(), `k${p.below(12)}`];
    return {
      lua: `_home[${literal(name)}] = H[${h}]${DONE}`,
      apply: ({ world, handles, line, where }) => {
        isDone(line, where);
        world.home.set(name, handles[h]);
      },
    };
  }],
  fetch: [6, (p) => {
    const [h, name] = [p.handle(), `k${p.below(12)}`];
    return {
      lua: `local v = _home[${literal(name)}] if type(v) == 'table' then H[${h}] = v end return S(v)`,
      apply({ world, handles, line, where }) {
        const value = world.home.get(name);
        world.same(line, value, where);
        if (isTable(value)) handles[h] = value;
      },
    };
  }],
  descend: [5, (p) => {
    const [h, to, key] = [p.handle(), p.handle(), p.key()];
    return {
      lua: onAny(h, `local v = rawget(t, ${literal(key)}) if type(v) == 'table' then H[${to}] = v end return S(v)`),
      apply: withTable(h, anyTable, (table, { world, handles, line, where }) => {
        const value = table.get(key);
        world.same(line, value, where);
        if (isTable(value)) handles[to] = value;
      }),
    };
  }],
  // Entries.
  set: [14, (p) => {
    const [h, key, value] = [p.handle(), p.key(), valueOf(p)];
    return {
      lua: onMap(h, `t[${literal(key)}] = ${value.lua}${DONE}`),
      mayFail: true,
      apply: withTable(h, isMap, (table, { handles, line, where }) => {
        const to = target(table, key);
        if (to === undefined) return isError(line, where);
        isDone(line, where);
        to.set(key, value.of(handles));
      }),
    };
  }],
  rawset: [4, (p) => {
    const [h, key, value] = [p.handle(), p.key(), valueOf(p)];
    return {
      lua: onMap(h, `rawset(t, ${literal(key)}, ${value.lua})${DONE}`),
      apply: withTable(h, isMap, (table, { handles, line, where }) => {
        isDone(line, where);
        table.set(key, value.of(handles));
      }),
    };
  }],
  delete: [4, (p) => {
    const [h, key] = [p.handle(), p.key()];
    return {
      lua: onMap(h, `rawset(t, ${literal(key)}, nil)${DONE}`),
      apply: withTable(h, isMap, (table, { line, where }) => {
        isDone(line, where);
        table.set(key, null);
      }),
    };
  }],
  get: [8, (p) => {
    const [h, key] = [p.handle(), p.key()];
    return {
      lua: onAny(h, `return S(t[${literal(key)}])`),
      mayFail: true,
      apply: withTable(h, anyTable, (table, { world, line, where }) => {
        const value = index(table, key);
        if (value === undefined) isError(line, where);
        else world.same(line, value, where);
      }),
    };
  }],
  rawget: [3, (p) => {
    const [h, key] = [p.handle(), p.key()];
    return {
      lua: onAny(h, `return S(rawget(t, ${literal(key)}))`),
      apply: withTable(h, anyTable, (table, { world, line, where }) => world.same(line, table.get(key), where)),
    };
  }],
  count: [3, (p) => {
    const [h, name] = [p.handle(), `k${p.below(12)}`];
    return {
      lua: onExternal(h, `return ext.size(t) .. ' ' .. tostring(rawequal(t, _home[${literal(name)}])) .. ' ' .. tostring(ext.attach(ext.id(t)) == t)`),
      apply: withTable(h, isExternal, (table, { world, line, where }) => assert.equal(line, `${table.entries.size} ${world.home.get(name) === table} true`, where)),
    };
  }],
  length: [4, (p) => {
    const h = p.handle();
    return {
      lua: onAny(h, "return #t .. ' ' .. rawlen(t)"),
      apply: withTable(h, anyTable, (table, { line, where }) => {
        for (const length of line.split(' ')) assert.ok(table.isBorder(BigInt(length)), `${where}: ${length} is no border`);
      }),
    };
  }],
  unstorable: [3, (p) => {
    const h = p.handle();
    const code = p.pick([
      't.co = coroutine.create(print)', 't[{}] = 1', 't[nil] = 1', 't[0/0] = 1', 't.deep = { 1, { a = { b = coroutine.create(print) } } }', 'rawset(t, print, 1)',
      "t[('k'):rep(20000)] = 1", 'setmetatable(t, { __gc = true, x = { io.stdout } })', 't.a = { 1, 2, { [{}] = 1 } }', 't.f = { function() return t end, coroutine.running() }',
    ]);
    return {
      lua: onExternal(h, `if getmetatable(t) then return '-' end ${code}${DONE}`),
      mayFail: true,
      apply: withTable(h, isExternal, (table, { line, where }) => (table.meta === null ? isError(line, where) : assert.equal(line, '-', where))),
    };
  }],
  setmetatable: [3, (p) => {
    const [h, mt] = [p.handle(), p.below(4) === 0 ? 0 : p.handle()];
    return {
      lua: onMap(h, `setmetatable(t, ${mt ? `H[${mt}]` : 'nil'})${DONE}`),
      apply: withTable(h, isMap, (table, { handles, line, where }) => {
        isDone(line, where);
        table.setMeta(mt ? handles[mt] : null);
      }),
    };
  }],
  metamethod: [3, (p) => {
    const [h, value, name] = [p.handle(), p.below(3) === 0 ? 0 : p.handle(), p.below(2) ? '__index' : '__newindex'];
    return {
      // Assignments that `__newindex` passes on may be to any key.
      lua: onMap(h, `local v = ${value ? `H[${value}]` : 'nil'} if v and IS_LIST(v) then v = nil end rawset(t, '${name}', v)${DONE}`),
      apply: withTable(h, isMap, (table, { handles, line, where }) => {
        isDone(line, where);
        table.set(name, value && !handles[value]?.isList ? handles[value] : null);
      }),
    };
  }],
  // Many entries at once.
  grow: [4, (p) => {
    const [h, count, first] = [p.handle(), p.count(), p.below(1000)];
    return {
      lua: onMap(h, `for i = 1, ${count} do rawset(t, 'g' .. i, ${first} + i) end${DONE}`),
      touches: ({ handles }) => [find(handles, h, isMap)],
      apply: withTable(h, isMap, (table, { line, where }) => {
        isDone(line, where);
        for (let i = 1; i <= count; i++) table.set(`g${i}`, BigInt(first + i));
      }),
    };
  }],
  shrink: [3, (p) => {
    const [h, first] = [p.handle(), p.count()];
    return {
      lua: onMap(h, `for i = ${first}, ${first + 2000} do local k = 'g' .. i if rawget(t, k) == nil then break end rawset(t, k, nil) end${DONE}`),
      touches: ({ handles }) => [find(handles, h, isMap)],
      apply: withTable(h, isMap, (table, { line, where }) => {
        isDone(line, where);
        for (let i = first; i <= first + 2000 && table.get(`g${i}`) !== null; i++) table.set(`g${i}`, null);
      }),
    };
  }],
  walk: [8, (p) => {
    const h = p.handle();
    const [action, every, stop, key] = [p.below(5), 1 + p.below(4), p.below(3) === 0 ? 1 + p.below(9) : 1e9, p.key()];
    const acts = [
      '', 'if not list and n % EVERY == 0 then rawset(t, k, nil) end', 'if not list and n % EVERY == 0 then rawset(t, k, n) end', 'if not list and n == EVERY then rawset(t, KEY, nil) end',
      'if n % 7 == EVERY then local s = 0 for a, b in next, t do s = s + 1 if s > 5 then break end end end',
    ];
    const act = acts[action].replaceAll('EVERY', every).replace('KEY', () => literal(key));
    return {
      lua: onExternal(h, `local n, lines, list = 0, {}, IS_LIST(t)
for k, v in next, t do n = n + 1 lines[n] = S(k) .. '=' .. S(v) ${act} if n == ${stop} then break end end
return JOIN(lines)`),
      touches: ({ handles }) => [find(handles, h, isExternal)],
      apply: withTable(h, isExternal, (table, { world, line, where }) => {
        if (table.isUnordered) order(table, line, where);
        const lines = [];
        for (const [key0, value] of [...table.entries.values()]) {
          if (table.get(key0) === null) continue;
          lines.push([key0, value]);
          const n = lines.length;
          if (!table.isList) {
            if (action === 1 && n % every === 0) table.set(key0, null);
            if (action === 2 && n % every === 0) table.set(key0, BigInt(n));
            if (action === 3 && n === every) table.set(key, null);
          }
          if (n === stop) break;
        }
        world.sameLines(line, lines, where);
      }),
    };
  }],
  next: [3, (p) => {
    const [h, count] = [p.handle(), p.below(6)];
    return {
      lua: onExternal(h, `local k for i = 1, ${count} do k = next(t, k) if k == nil then break end end return S(k)`),
      apply: withTable(h, isExternal, (table, { world, line, where }) => {
        if (!table.isUnordered) world.same(line, count === 0 ? null : ([...table.entries.values()][count - 1]?.[0] ?? null), where);
      }),
    };
  }],
  beginWalk: [2, (p) => {
    const [h, w] = [p.handle(), 1 + p.below(WALKS)];
    return {
      lua: onExternal(h, `W[${w}] = coroutine.wrap(function() for k, v in next, t do coroutine.yield(k, v) end end)${DONE}`),
      apply: withTable(h, isExternal, (table, { walks }) => {
        walks[w] = { table, additions: table.isUnordered ? -1 : table.additions, forms: [...table.entries.keys()], at: 0, isOver: false };
      }),
    };
  }],
  stepWalk: [5, (p) => {
    const [w, steps] = [1 + p.below(WALKS), 1 + p.below(5)];
    return {
      lua: `local f, lines = W[${w}], {} if not f then return '-' end for i = 1, ${steps} do local k, v = f() lines[i] = S(k) .. '=' .. S(v) if k == nil then break end end return JOIN(lines)`,
      mayFail: true,
      apply({ world, walks, line, where }) {
        const walk = walks[w];
        if (walk === null) return assert.equal(line, '-', where);
        if (walk.isOver) return isError(line, where);
        if (line.startsWith('E') || line.includes('nil=')) walk.isOver = true;
        const { table } = walk;
        if (table.isUnordered || walk.additions !== table.additions) {
          // What was added may come or not.
          walk.additions = -1;
          return;
        }
        const lines = [];
        while (lines.length < steps) {
          while (walk.at < walk.forms.length && !table.entries.has(walk.forms[walk.at])) walk.at++;
          if (walk.at >= walk.forms.length) {
            lines.push([null, null]);
            walk.isOver = true;
            break;
          }
          lines.push(table.entries.get(walk.forms[walk.at++]).slice());
        }
        world.sameLines(line, lines, where);
      },
    };
  }],
  // Lists, with the functions of the library.
  append: [5, (p) => {
    const [h, count, value] = [p.handle(), p.count(), valueOf(p)];
    return {
      lua: onList(h, `local v = ${value.lua} if v == nil then v = 7 end for i = 1, ${count} do t[#t + 1] = v end${DONE}`),
      touches: ({ handles }) => [find(handles, h, isList)],
      apply: withTable(h, isList, (list, { handles, line, where }) => {
        isDone(line, where);
        for (let i = 1, { length } = list; i <= count; i++) list.set(BigInt(length + i), value.of(handles) ?? 7n);
      }),
    };
  }],
  records: [4, (p) => {
    const [h, count] = [p.handle(), p.count()];
    return {
      lua: onList(h, `for i = 1, ${count} do t[#t + 1] = NAMED({ id = i, name = 'record ' .. i, part = i % 50 == 0 and NAMED({ i }, 'part') or nil }, 'record') end${DONE}`),
      touches: ({ handles }) => [find(handles, h, isList)],
      apply: withTable(h, isList, (list, { world, line, where }) => {
        isDone(line, where);
        for (let i = 1, { length } = list; i <= count; i++) {
          const record = world.newTable(false);
          record.name = 'record';
          record.set('id', BigInt(i));
          record.set('name', `record ${i}`);
          if (i % 50 === 0) {
            const part = world.newTable(false);
            part.name = 'part';
            part.set(1n, BigInt(i));
            record.set('part', part);
          }
          list.set(BigInt(length + i), record);
        }
      }),
    };
  }],
  updateRecords: [4, (p) => {
    const [h, step] = [p.handle(), 1 + p.below(5)];
    return {
      lua: onList(h, `local sum = 0 for i = 1, #t, ${step} do local r = t[i] local id = type(r) == 'table' and rawget(r, 'id') if math.type(id) == 'integer' then sum = sum + id rawset(r, 'id', id + 1) end end return S(sum)`),
      touches: ({ handles }) => (find(handles, h, isList)?.values() ?? []).filter(isTable),
      apply: withTable(h, isList, (list, { world, line, where }) => {
        let sum = 0n;
        for (let i = 1, { length } = list; i <= length; i += step) {
          const record = list.get(BigInt(i));
          const id = isTable(record) ? record.get('id') : null;
          if (typeof id !== 'bigint') continue;
          sum = BigInt.asIntN(64, sum + id);
          record.set('id', BigInt.asIntN(64, id + 1n));
        }
        world.same(line, sum, where);
      }),
    };
  }],
  truncate: [3, (p) => {
    const [h, keep] = [p.handle(), p.below(10)];
    return {
      lua: onList(h, `for i = #t, ${keep + 1}, -1 do t[i] = nil end${DONE}`),
      touches: ({ handles }) => [find(handles, h, isList)],
      apply: withTable(h, isList, (list, { line, where }) => {
        isDone(line, where);
        for (let i = list.length; i > keep; i--) list.set(BigInt(i), null);
      }),
    };
  }],
  insert: [4, (p) => {
    const [h, part, value] = [p.handle(), p.below(100), p.plain()];
    return {
      lua: onList(h, `local n = #t if n > 300 then return '-' end table.insert(t, n * ${part} // 100 + 1, ${literal(value)})${DONE}`),
      touches: ({ handles }) => [find(handles, h, isList)],
      apply: withTable(h, isList, (list, { line, where }) => {
        const { length } = list;
        if (length > 300) return assert.equal(line, '-', where);
        isDone(line, where);
        const at = Math.floor((length * part) / 100) + 1;
        for (let i = length + 1; i > at; i--) list.set(BigInt(i), list.get(BigInt(i - 1)));
        list.set(BigInt(at), value);
      }),
    };
  }],
  remove: [4, (p) => {
    const [h, part] = [p.handle(), p.below(100)];
    return {
      lua: onList(h, `local n = #t if n == 0 or n > 300 then return '-' end return S(table.remove(t, n * ${part} // 100 + 1))`),
      touches: ({ handles }) => [find(handles, h, isList)],
      apply: withTable(h, isList, (list, { world, line, where }) => {
        const { length } = list;
        if (length === 0 || length > 300) return assert.equal(line, '-', where);
        const at = Math.floor((length * part) / 100) + 1;
        world.same(line, list.get(BigInt(at)), where);
        for (let i = at; i < length; i++) list.set(BigInt(i), list.get(BigInt(i + 1)));
        list.set(BigInt(length), null);
      }),
    };
  }],
  sort: [3, (p) => {
    const [h, seed, isDown] = [p.handle(), 1 + p.below(100000), p.below(2) === 1];
    return {
      lua: onList(h, `local n, seed = #t, ${seed} for i = 1, n do seed = (seed * 16807) % 2147483647 t[i] = seed end
table.sort(t${isDown ? ', function(a, b) return a > b end' : ''}) return table.concat(t, ',', 1, math.min(n, 20))`),
      touches: ({ handles }) => [find(handles, h, isList)],
      apply: withTable(h, isList, (list, { line, where }) => {
        const { length } = list;
        const values = [];
        for (let i = 1, s = seed; i <= length; i++) values.push((s = (s * 16807) % 2147483647));
        values.sort((a, b) => (isDown ? b - a : a - b));
        values.forEach((value, at) => list.set(BigInt(at + 1), BigInt(value)));
        assert.equal(line, values.slice(0, 20).join(','), where);
      }),
    };
  }],
  move: [2, (p) => {
    const [h, first, count, to] = [p.handle(), 1 + p.below(5), p.below(6), 1 + p.below(8)];
    return {
      lua: onList(h, `local n = #t if n < ${first + count} or ${to} > n then return '-' end table.move(t, ${first}, ${first + count}, ${to})${DONE}`),
      touches: ({ handles }) => [find(handles, h, isList)],
      apply: withTable(h, isList, (list, { line, where }) => {
        const { length } = list;
        if (length < first + count || to > length) return assert.equal(line, '-', where);
        isDone(line, where);
        const values = Array.from({ length: count + 1 }, (_, at) => list.get(BigInt(first + at)));
        // What overlaps is moved from its end on.
        const order = to > first && to <= first + count ? [...values.keys()].reverse() : [...values.keys()];
        for (const at of order) list.set(BigInt(to + at), values[at]);
      }),
    };
  }],
  unpack: [2, (p) => {
    const [h, first, count] = [p.handle(), 1 + p.below(4), p.below(8)];
    return {
      lua: onList(h, `local lines = table.pack(table.unpack(t, ${first}, ${first + count})) for i = 1, lines.n do lines[i] = S(lines[i]) end return JOIN(lines)`),
      apply: withTable(h, isList, (list, { world, line, where }) => {
        world.sameLines(line, Array.from({ length: count + 1 }, (_, at) => [list.get(BigInt(first + at))]), where);
      }),
    };
  }],
  ipairs: [2, (p) => {
    const h = p.handle();
    return {
      lua: onAny(h, `if getmetatable(t) then return '-' end local lines = {} for i, v in ipairs(t) do lines[i] = S(i) .. '=' .. S(v) end return JOIN(lines)`),
      apply: withTable(h, anyTable, (table, { world, line, where }) => {
        if (table.meta !== null) return assert.equal(line, '-', where);
        const lines = [];
        for (let i = 1n; table.get(i) !== null; i++) lines.push([i, table.get(i)]);
        world.sameLines(line, lines, where);
      }),
    };
  }],
  // Stored functions that count.
  defineCounter: [2, (p) => {
    const [up, down, first] = [`f${p.below(4)}`, `f${p.below(4)}`, BigInt(p.below(100))];
    return {
      lua: `local n = ${first} _home.${up} = function(d) n = n + d return n end _home.${down} = function(d) n = n + d return n end${DONE}`,
      apply({ world, line, where }) {
        isDone(line, where);
        const variable = { value: first };
        world.home.set(up, new Counter(variable));
        world.home.set(down, new Counter(variable));
      },
    };
  }],
  callCounter: [4, (p) => {
    const [name, d] = [`f${p.below(4)}`, BigInt(p.below(7) - 3)];
    return {
      lua: `local f = _home.${name} if type(f) ~= 'function' then return '-' end return S(f(${d}))`,
      apply({ world, line, where }) {
        const counter = world.home.get(name);
        if (!(counter instanceof Counter)) return assert.equal(line, '-', where);
        counter.variable.value += d;
        world.same(line, counter.variable.value, where);
      },
    };
  }],
  // The machine.
  garbage: [2, (p) => {
    const count = 50 + p.below(300);
    return { lua: `local s = {} for i = 1, ${count} do s[i] = ('x'):rep(200) .. i end collectgarbage(${p.below(2) ? '' : "'step'"})${DONE}`, apply: () => {} };
  }],
  collect: [1, () => ({ lua: `collectgarbage() ext.collect()${DONE}`, apply: ({ line, where }) => isDone(line, where) })],
  host: [3, () => ({ lua: "L[#L + 1] = '?' host(table.concat(L, '\\n')) L[#L] = nil return '.'", apply: ({ line, where }) => isDone(line, where) })],
};

/** Puts the entries of a table whose order nobody knew into that of a walk. */
function order(table, line, where) {
  const seen = line === '' ? [] : line.split(' ');
  if (line.includes(' lines ')) throw new Lost();
  const byKey = new Map([...table.entries].map(([form, entry]) => [show(entry[0]), [form, entry]]));
  const entries = new Map();
  for (const text of seen) {
    const found = byKey.get(text.split('=')[0]);
    assert.ok(found, `${where}: the key of ${text}`);
    entries.set(...found);
  }
  table.isUnordered = entries.size < table.entries.size;
  for (const [form, entry] of table.entries) entries.set(form, entry);
  table.entries = entries;
}
