// Generates random Lua programs that always end and print much about how they got there: closures, coroutines, string
// building, tables, metatables, errors, sorting, varargs, goto, arithmetic, external tables. A program's text depends on its
// seed alone, and its output on its text alone.

/** @import { Lua } from '../../../web/lua-persistent.js' */

import { random } from './random.js';

/** The beginning of every program. `emit` shows values without addresses and in an order that nothing can change. */
const PRELUDE = `
local lines, acc = {}, 1
local function show(value, depth)
  if type(value) == 'string' then return (('%q'):format(value):gsub('\\\\\\n', '\\\\n')) end
  if math.type(value) == 'float' then return ('%a'):format(value) end
  if type(value) == 'table' then
    if depth == 0 then return '{...}' end
    local parts = {}
    for key, item in pairs(value) do parts[#parts + 1] = show(key, 0) .. '=' .. show(item, depth - 1) end
    table.sort(parts)
    return '{' .. table.concat(parts, ',') .. '}'
  end
  if type(value) == 'function' or type(value) == 'thread' then return type(value) end
  return tostring(value)
end
local function emit(...)
  local shown = table.pack(...)
  for i = 1, shown.n do shown[i] = show(shown[i], 3) end
  local line = table.concat(shown, ' ')
  lines[#lines + 1] = line
  for i = 1, #line, 7 do acc = (acc * 31 + line:byte(i)) & 0xffffffff end
end
`;

const EPILOGUE = `
emit(acc)
return acc, #lines, table.concat(lines, '\\n')
`;

/**
 * A program.
 *
 * @param {number} seed
 * @returns {string}
 */
export function program(seed) {
  const below = random(seed * 2654435761 + 1);
  // The first numbers of a small seed are small ones.
  for (let skip = 0; skip < 8; skip++) below(2);
  return `math.randomseed(${seed})\n${PRELUDE}${new Writer(below).block(3, 3 + below(3))}${EPILOGUE}`;
}

class Writer {
  constructor(below) {
    this.below = below;
    this.names = 0;
  }

  /** Some pieces, one after the other, each with locals of its own. */
  block(depth, count) {
    let text = '';
    for (let piece = 0; piece < count; piece++) text += `do\n${this.piece(depth)}end\n`;
    return text;
  }

  piece(depth) {
    const kind = PIECES[this.below(PIECES.length)];
    return kind(this, () => (depth > 0 ? this.block(depth - 1, 1) : this.leaf()));
  }

  leaf() {
    return LEAVES[this.below(LEAVES.length)](this);
  }

  name() {
    this.names++;
    return `v${this.names}`;
  }

  upto(most) {
    return 1 + this.below(most);
  }

  integer() {
    return ['0', '1', '-1', '7', '255', '1 << 31', '1 << 62', 'math.maxinteger', 'math.mininteger', `${this.below(100000)}`][this.below(10)];
  }

  number() {
    return this.below(2) ? `(${this.integer()})` : ['0.5', '-0.25', '1e15', '1e-7', '3.0', '0x1p-3', `${this.below(1000)}.125`][this.below(7)];
  }

  text() {
    return ["''", "'a'", "'the quick brown fox'", "('xyz'):rep(9)", "'\\0\\255\\n'", "'äöü€'", `'k${this.below(20)}'`][this.below(7)];
  }
}

const LEAVES = [
  (w) => `emit(${w.number()} ${['+', '-', '*', '<', '=='][w.below(5)]} ${w.number()})\n`,
  (w) => `emit(${w.integer()} ${['&', '|', '~'][w.below(3)]} (${w.integer()}))\n`,
  (w) => `emit(${w.text()} .. ${w.text()}, #${w.text()})\n`,
  (w) => `emit(math.random(${w.upto(1000)}), acc % ${w.upto(97)})\n`,
  (w) => `emit(pcall(function() return ${w.number()} // ${w.integer()}, ${w.number()} % (${w.integer()}) end))\n`,
  (w) => `emit((${w.text()}):upper(), (${w.text()}):find('[k-z]+'))\n`,
  () => 'print(acc)\n',
  () => "io.write('out ', acc, ' ')\n",
];

const PIECES = [
  // Loops of all kinds.
  (w, inner) => `for i = 1, ${w.upto(12)} do acc = (acc + i) & 0xffff\n${inner()}end\n`,
  (w, inner) => `for x = 0, ${w.upto(4)}, 0.5 do emit(x)\n${inner()}end\n`,
  (w, inner) => `local n = ${w.upto(9)} while n > 0 do n = n - 1\n${inner()}end\n`,
  (w, inner) => `local n = 0 repeat n = n + 1 local last = n >= ${w.upto(7)}\n${inner()}until last\n`,
  (w, inner) => `for i = 1, ${w.upto(20)} do if i % ${1 + w.upto(4)} == 0 then goto continue end\n${w.leaf()}acc = acc ~ i ::continue:: end\n${inner()}`,
  (w) => `local i = 1 ::top:: local seen = function() i = i + ${w.upto(3)} return i end if seen() < ${w.upto(60)} then goto top end emit(i)\n`,
  // Closures that share variables.
  (w, inner) => {
    const n = w.name();
    return `local ${n} = ${w.below(9)} local function up() ${n} = ${n} + 1 return ${n} end local function down() ${n} = ${n} - 2 return ${n} end
for i = 1, ${w.upto(8)} do emit(up(), i % 3 == 0 and down())\n${inner()}end emit(${n})\n`;
  },
  (w) => `local fs = {} for i = 1, ${w.upto(9)} do local j = i * ${w.upto(5)} fs[i] = function(d) j = j + d return j, i end end
for round = 1, ${w.upto(4)} do for i = 1, #fs do emit(fs[i](round)) end end\n`,
  (w) => `local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end emit(fib(${w.upto(12)}))\n`,
  (w) => `local function count(n, a) if n == 0 then return a end return count(n - 1, a + n) end emit(count(${w.upto(300)}, 0))\n`,
  // Coroutines: as generators, passing values in, nested, wrapped, failing, closed.
  (w, inner) => `local co = coroutine.create(function(a) local s = a for i = 1, ${w.upto(8)} do s = s + coroutine.yield(s, i)\n${inner()}end return 'end', s end)
local value = ${w.upto(5)} while coroutine.status(co) ~= 'dead' do emit(coroutine.resume(co, value)) value = value + 1 end\n`,
  (w, inner) => `local function tree(n) if n > 0 then tree(n - 1) coroutine.yield(n) tree(n - 1) end end
for x in coroutine.wrap(function() tree(${w.upto(4)}) end) do acc = acc + x\n${inner()}end\n`,
  (w) => `local inside = coroutine.wrap(function() for i = 1, ${w.upto(6)} do coroutine.yield(i) end error({code = ${w.below(9)}}) end)
emit(pcall(function() local s = 0 while true do s = s + inside() emit(s) end end))\n`,
  (w, inner) => `local out = coroutine.wrap(function() local deep = coroutine.wrap(function() for i = 1, ${w.upto(5)} do coroutine.yield(i * i) end end)
for i = 1, ${w.upto(5)} do local got = deep() if not got then break end coroutine.yield(got)\n${inner()}end end)
for i = 1, ${w.upto(4)} do emit(out()) end\n`,
  (w) => `local co = coroutine.create(function() local guard <close> = setmetatable({}, {__close = function() emit('closed') end}) for i = 1, 9 do coroutine.yield(i) end end)
for i = 1, ${w.upto(5)} do emit(coroutine.resume(co)) end emit(coroutine.close(co), coroutine.status(co))\n`,
  // Errors.
  (w, inner) => `emit(pcall(function() for i = 1, ${w.upto(8)} do if i == ${w.upto(8)} then error(${['"text"', '{i}', 'nil', '42', '"at", 0'][w.below(5)]}) end\n${inner()}end end))\n`,
  (w) => `emit(xpcall(function(...) local t = nil return select('#', ...) + t.x end, function(m) return 'handled: ' .. m end, ${w.upto(3)}))\n`,
  (w) => `emit(select(2, pcall(function() local ok, e = pcall(error, {depth = ${w.upto(5)}}) e.depth = e.depth * 2 error(e) end)))\n`,
  // Strings.
  (w, inner) => `local s = '' for i = 1, ${w.upto(40)} do s = s .. string.char(97 + i % 26)\nend emit(s, #s)\n${inner()}`,
  (w, inner) => `for word, n in ('a=1, bc=22, def=333, k${w.below(9)}=4'):gmatch('(%w+)=(%d+)') do emit(word, tonumber(n) * ${w.upto(9)})\n${inner()}end\n`,
  (w) => `emit((${w.text()} .. 'hello world'):gsub('%w+', function(x) acc = acc + #x return x:reverse() end))\n`,
  (w) => `emit(('%5.${w.below(5)}f|%x|%-8s|%i'):format(${w.below(1000)} / 7, ${w.below(100000)}, 'ab', ${w.below(9)}))\n`,
  (w) => `local parts = {} for i = 1, ${w.upto(200)} do parts[#parts + 1] = i % ${w.upto(9)} end emit(table.concat(parts))\n`,
  // Tables.
  (w) => `local t = {} for i = 1, ${w.upto(60)} do t[i] = (i * 7919 + acc) % 101 end table.sort(t, function(a, b) return a ${'<>'[w.below(2)]} b end) emit(t[1], t[#t], #t)\n`,
  (w, inner) => `local q = {} for i = 1, ${w.upto(10)} do table.insert(q, ${w.below(2) ? '1, ' : ''}i * ${w.upto(9)}) if i % 3 == 0 then emit(table.remove(q)) end\n${inner()}end emit(table.unpack(q))\n`,
  (w, inner) => `local t = {} for i = 1, ${w.upto(12)} do t['k' .. i % 5] = i t[i] = -i end local s = 0 for key, value in pairs(t) do s = s + value\n${inner()}end emit(s, t)\n`,
  (w) => `local t = {x = {y = {${w.integer()}, ${w.text()}}}} t.self = t t.x.up = t.x emit(t.self.self.x.up.y, rawlen(t.x.y), next({}))\n`,
  (w) => `local function pass(...) local a, b = ... return select('#', ...), b, a, ... end emit(pass(${w.number()}, nil, ${w.text()}), (pass(1, 2)))\n`,
  // Metatables.
  (w) => `local V = {} V.__index = V V.__add = function(a, b) return setmetatable({n = a.n + b.n}, V) end V.__eq = function(a, b) return a.n == b.n end V.__tostring = function(a) return 'V' .. a.n end V.__lt = function(a, b) return a.n < b.n end V.__call = function(a, x) return a.n * x end
local a, b = setmetatable({n = ${w.upto(9)}}, V), setmetatable({n = ${w.upto(9)}}, V) for i = 1, ${w.upto(9)} do a = a + b emit(tostring(a), a < b, a == b, a(i)) end\n`,
  (w) => `local log = {} local p = setmetatable({}, {__index = function(_, k) log[#log + 1] = k return #log end, __newindex = function(t, k, v) rawset(t, k, v * 2) end, __len = function() return ${w.upto(99)} end})
for i = 1, ${w.upto(9)} do p['n' .. i % 4] = (p['n' .. i % 4] or 0) + i end emit(#p, rawget(p, 'n1'), log)\n`,
  (w, inner) => `local it = setmetatable({}, {__pairs = function() return function(_, i) i = (i or 0) + 1 if i <= ${w.upto(6)} then return i, i * i end end end}) for i, x in pairs(it) do emit(i, x)\n${inner()}end\n`,
  (w, inner) => `do local r <close> = setmetatable({}, {__close = function(_, e) emit('close', e) end})\n${inner()}end\n`,
  (w) => `local f = load('local a, b = ... return a ${['+', '*', '-'][w.below(3)]} b, ${w.upto(99)}') emit(f(${w.upto(9)}, ${w.upto(9)}), load('return +'))\n`,
  // External tables.
  (w, inner) => `for i = 1, ${w.upto(10)} do _home.n = (_home.n or 0) + i _home[i % 4] = ${w.text()} .. i\n${inner()}end emit(_home.n, _home[1], #_home)\n`,
  (w, inner) => `local t = ext.table() for i = 1, ${w.upto(10)} do t[i] = i * ${w.upto(9)} t['k' .. i] = {i, {deep = i}} end local s = 0
for key, value in pairs(t) do if type(value) == 'table' then s = s + value[2].deep else s = s - value end emit(key)\n${inner()}end emit(s, #t, t)\n`,
  (w) => `local n = ${w.below(9)} _home.add = function(d) n = n + d return n end _home.get = function() return n end for i = 1, ${w.upto(6)} do emit(_home.add(i), n, _home.get()) n = n + 1 end\n`,
  (w, inner) => `local list = ext.table({5, 3, 9, 1}) for i = 1, ${w.upto(8)} do table.insert(list, (i * 37) % 11)\n${inner()}end table.sort(list) emit(table.concat(list, ','), table.remove(list, 1), list)\n`,
  (w, inner) => `_home.p = {1} local p = _home.p p.self = p for i = 1, ${w.upto(7)} do p[i] = i if i > 3 then p[i - 3] = nil end emit(rawequal(p, _home.p), p.self == p, #p)\n${inner()}end\n`,
  (w) => `local p = setmetatable({v = ${w.upto(9)}}, {__index = {twice = function(s) return s.v * 2 end}}) _home.obj = p p.v = p.v + 1 emit(_home.obj:twice(), p:twice())\n`,
];

/**
 * Run what is left of a machine's program.
 *
 * @param {Lua} lua
 * @returns {{ values: string[], output: string, error: string, ticks: number }}
 */
export function finish(lua) {
  try {
    const { values, output, ticks } = lua.step();
    return { values: values.map(String), output, error: '', ticks };
  } catch (error) {
    if (error.name !== 'LuaError') throw error;
    return { values: [], output: error.output, error: error.message, ticks: 0 };
  }
}
