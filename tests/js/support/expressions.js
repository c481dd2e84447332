// Generates Lua expressions from a seed, for comparing this build with a native Lua.
//
// Every expression is deterministic, names no address, and calls transcendental functions only through `near`, which rounds
// to ten digits: C libraries differ in the last bit there.

import { random } from './random.js';

const NUMBERS = [
  '0', '1', '-1', '2', '3', '7', '10', '-13', '100', '255', '65536', '1000000007', '2147483647', '-2147483648', '4294967296',
  'math.maxinteger', 'math.mininteger', '(1 << 53)', '((1 << 53) + 1)', '0x7fffffffffffffff', '0xffffffffffffffff', '0xA5',
  '9223372036854775807', '9223372036854775808', '-9223372036854775808',
  '0.0', '-0.0', '0.1', '0.5', '-0.5', '1.5', '2.5', '-2.5', '3.0', '1e15', '1e16', '1e100', '1e-5', '1e-300', '5e-324',
  '1.7976931348623157e308', '2^53', '-2^63', '2^63', '123456.789', '3.14159265358979', '0x1p-4', '0x.8', '0xA.8p1', '1/3',
  'math.huge', '-math.huge', '(0/0)', 'math.pi',
];

const STRINGS = [
  '""', '"a"', '"hello"', '"Hello World"', '"10"', '"0x10"', '" 42 "', '"1e2"', '"-7"', '"3.0"', '"abc123def456"', '"%d"', '"a,b,,c"',
  '"\\0x\\0"', '"h\\u{e9}llo"', '"\\u{20ac}uro"', '"\\u{1F600}"', '"\\xff\\xfe"', '"key = value"', '"  trim me  "', '"[brackets]"',
  '"a.b.c"', '"line1\\nline2\\n"', '"tab\\tsep"', '("x"):rep(40)', '"THE (quick) fox"', '"f(a(b)c)d"', '"\\127\\1"', '"1.5e+3"',
];

const PATTERNS = [
  '"%a+"', '"%d+"', '"%s"', '"."', '".-"', '"(%w+)"', '"(%w+) = (%w+)"', '"^%s*(.-)%s*$"', '"[^,]*"', '"[a-f]+"', '"%b()"', '"%f[%w]%w+"',
  '"()l()"', '"[%]]"', '"$"', '"^"', '"%%"', '"l*"', '"(l)(l)"', '"%x%x"', '"[^%w%s]"', '"%u"', '"%p+"', '"(a)(%1)"', '"[a-"', '"%"', '"(x"',
  '"x)"', '"%g+$"', '"o.?"', '"[\\0-\\31]"', '"%z"', '"%f[a"', '"%b"', '"(.)(.)(.)"', '"[%a_][%w_]*"', '"-"', '"a-b"', '"%1"',
];

const FORMATS = [
  '%d', '%5d', '%-5d|', '%05d', '%+d', '% d', '%.3d', '%8.3d', '%i', '%u', '%c', '%x', '%X', '%#x', '%o', '%#o', '%16x', '%-8X|',
  '%f', '%.0f', '%.1f', '%.2f', '%.10f', '%.20f', '%10.3f', '%-10.3f|', '%+.2f', '%010.2f', '%#.0f', '% f', '%F',
  '%e', '%.0e', '%.3e', '%E', '%12.4e', '%g', '%.3g', '%.14g', '%.17g', '%G', '%#g', '%10g', '%-12g|', '%+g', '%.0g', '%.99f', '%.99g',
  '%a', '%A', '%.0a', '%.1a', '%.3a', '%.13a', '%.20a', '%20a', '%-20a|', '%+a', '%020a', '%#.0a',
  '%s', '%10s', '%-10s|', '%.3s', '%10.3s', '%q', '%%', '%5%', '%', '%y', '%10', '%123d', '%.123f', '%- +#0d', '%#d', '%0s', '%+s', '%.q', '%-c|', '%5c',
];

const INTEGER_CONVERSIONS = /[diouxXc]/;

const BINARY = ['+', '-', '*', '/', '//', '%', '&', '|', '~', '<<', '>>', '==', '~=', '<', '<=', '>', '>=', '..', 'and', 'or'];

// Without `l`, `L`, `T` and a bare `s`, whose sizes are the platform's.
const PACK = [
  'b', 'B', 'h', 'H', 'i', 'I', 'j', 'J', 'f', 'd', 'n', 'i3', 'I3', 'i7', 'I16', 'i16', '<i4', '>i4', '=i4', '!4 i8', '>!8 b Xi8 i8',
  's1', 's2', 's4', 'z', 'x', 'c5', 'i17', 'i0', '!3 i4', 'Xz', 'q', 'c', '>s2', '<I5',
];

const DATE_SPECIFIERS = 'aAbBcdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%';

/** Lua source of `count` expressions, all different in their seed's sequence. */
export function expressions(count, seed) {
  const next = random(seed);
  const pick = (list) => list[next(list.length)];
  const small = () => String(next(12) - 4);
  const bits = () => `string.unpack("<d", "${Array.from({ length: 8 }, () => `\\x${next(256).toString(16).padStart(2, '0')}`).join('')}")`;
  const integerBits = () => `0x${Array.from({ length: 1 + next(16) }, () => next(16).toString(16)).join('')}`;
  const decimal = () => {
    const digits = Array.from({ length: 1 + next(20) }, () => next(10)).join('');
    const point = next(digits.length + 1);
    return `${digits.slice(0, point)}.${digits.slice(point)}0e${next(640) - 330}`;
  };

  const number = (depth) => {
    switch (next(depth > 0 ? 9 : 4)) {
      case 0: return String(next(2000) - 1000);
      case 1: return integerBits();
      case 2: return decimal();
      case 3: return pick(NUMBERS);
      case 4: return `(${number(depth - 1)} ${pick(['+', '-', '*', '/', '//', '%'])} ${number(depth - 1)})`;
      case 5: return `(${number(depth - 1)} ${pick(['&', '|', '~', '<<', '>>'])} ${number(depth - 1)})`;
      case 6: return `${pick(['-', '~', '- -'])} ${number(depth - 1)}`;
      case 7: return `#${string(depth - 1)}`;
      default: return `tonumber(${string(depth - 1)})`;
    }
  };

  const string = (depth) => {
    switch (next(depth > 0 ? 8 : 2)) {
      case 0:
      case 1: return pick(STRINGS);
      case 2: return `(${string(depth - 1)} .. ${string(depth - 1)})`;
      case 3: return `tostring(${number(depth - 1)})`;
      case 4: return `(${string(depth - 1)}):${pick(['upper', 'lower', 'reverse'])}()`;
      case 5: return `(${string(depth - 1)}):sub(${small()}, ${small()})`;
      case 6: return `(${string(depth - 1)}):rep(${next(4)}, ${pick(STRINGS)})`;
      default: return `string.char(${next(256)}, ${next(128)})`;
    }
  };

  const numeral = () => {
    const sign = pick(['', '', '-', '+', '- ']);
    const space = pick(['', '', ' ', '\\t', '\\n']);
    const body = pick([
      () => String(next(100_000)),
      decimal,
      integerBits,
      () => `0x${next(65536).toString(16)}.${next(65536).toString(16)}p${next(60) - 30}`,
      () => `0X${next(4096).toString(16).toUpperCase()}P-${next(9)}`,
      () => pick(['', '.', '0x', '0x.', '1e', '1e+', 'nan', 'inf', '1_000', '0b1', '1.2.3', '1 2', '0x1p', '.5', '5.', '00012', '1e1000', '1e-1000', '0x1p5000', '9'.repeat(30)]),
    ])();
    return `"${space}${sign}${body}${pick(['', '', ' ', '\\0', 'x'])}"`;
  };

  const list = () => `{${Array.from({ length: next(7) }, () => pick([small(), pick(['1.5', '10', '-3', '0.25', '7.0']), pick(STRINGS.slice(1, 5))])).join(', ')}}`;
  const numbers = () => `{${Array.from({ length: next(12) }, () => next(100) - 50).join(', ')}}`;

  const kinds = [
    () => number(3),
    () => number(3),
    () => `${number(2)} ${pick(BINARY)} ${number(2)}`,
    () => `${pick([number, string])(1)} ${pick(BINARY)} ${pick([number, string])(1)}`,
    () => `tostring(${pick([bits, decimal, integerBits])()})`,
    () => `string.format("%.17g %.3f %a", ${number(1)}, ${number(1)}, ${number(1)})`,
    () => {
      const format = pick(FORMATS);
      const argument = /[sq]/.test(format) ? pick([string, number])(1) : INTEGER_CONVERSIONS.test(format) ? pick([integerBits, small, () => pick(NUMBERS)])() : pick([decimal, bits, () => pick(NUMBERS), () => String(next(1000))])();
      return `string.format("${format}", ${argument})`;
    },
    () => `string.format("%${pick(['', '-', '0', '+', ' ', '#'])}${pick(['', '1', '7', '15'])}${pick(['', '.0', '.1', '.5', '.15', '.30'])}${pick(['f', 'e', 'g', 'G', 'E', 'a'])}", ${pick([decimal, bits])()})`,
    () => `string.format("%q", ${pick([decimal, bits, integerBits, () => string(2), () => 'math.mininteger'])()})`,
    () => `tonumber(${numeral()})`,
    () => `tonumber(${numeral()})`,
    () => `tonumber("${pick(['', '-', ' '])}${pick(['zz', '7', 'ff', '101', '8', 'Z1', '', '1.0', '7fffffffffffffff', '1234567890123456789012'])}", ${next(40)})`,
    () => `math.tointeger(${pick([() => number(1), numeral])()})`,
    () => `math.${pick(['floor', 'ceil', 'abs', 'type', 'sqrt', 'modf', 'tointeger'])}(${number(2)})`,
    () => `math.${pick(['ult', 'max', 'min'])}(${number(1)}, ${number(1)})`,
    // C compilers differ in which argument of fmod they look at first, so both are numbers.
    () => `math.fmod(${number(0)}, ${number(0)})`,
    () => `near(math.${pick(['sin', 'cos', 'tan', 'exp', 'log', 'atan', 'asin', 'acos', 'rad', 'deg'])}(${pick([small, () => `${next(1000)} / 1000`, () => pick(['0.0', '1', '-1', '0.5', '100'])])()}))`,
    () => `near(math.${pick(['log', 'atan'])}(${1 + next(100)}, ${pick(['2', '10', '3', '0.5'])}))`,
    () => `near(${next(50)} ^ ${pick(['0', '1', '2', '0.5', '-1', '1.5', '10', '-2.5'])})`,
    () => `${pick(['2', '10', '-3', '1.5', '0', '-0.0', 'math.huge', '-math.huge'])} ^ ${next(9)}`,
    () => `(${string(1)}):${pick(['find', 'match'])}(${pick(PATTERNS)}${pick(['', `, ${small()}`])})`,
    () => `(${string(2)}):find(${pick(STRINGS)}, ${small()}, true)`,
    () => `(${string(1)}):gsub(${pick(PATTERNS)}, ${pick(['"<%0>"', '"%1"', '"%%"', '"%2"', '"%"', 'string.upper', '{l = "L", a = false}', '""'])}${pick(['', ', 1', ', 0'])})`,
    () => `collect((${string(1)}):gmatch(${pick(PATTERNS)}))`,
    () => `(${string(2)}):byte(${small()}, ${small()})`,
    () => `(${string(2)}):sub(${pick([small(), 'math.mininteger', 'math.maxinteger', '1.0', '"2"'])}, ${pick([small(), 'math.maxinteger', '-1'])})`,
    // Never of an empty string: Lua would repeat that as often as asked.
    () => `("r" .. ${string(1)}):rep(${pick([small(), 'math.maxinteger', '3.0', '2.5'])}, ${pick(STRINGS)}) .. ""`,
    () => `string.unpack(${packed(pick, next)})`,
    () => `string.pack("${pick(PACK)}", ${pick([small, integerBits, () => string(0), decimal])()})`,
    () => `string.packsize("${pick(PACK)}${pick(['', ' ', 'i4'])}${pick(['', 'b', 'd'])}")`,
    () => `utf8.char(${next(0x800)}, ${pick(['0x20AC', '0x1F600', '0x7FFFFFFF', '-1', '0xD800', '65'])})`,
    () => `utf8.${pick(['len', 'codepoint', 'offset'])}(${string(1)}, ${small()}${pick(['', `, ${small()}`])}${pick(['', ', true'])})`,
    () => `utf8.len("${Array.from({ length: 1 + next(5) }, () => `\\x${pick(['41', 'c3', 'a9', 'e2', '82', 'ac', 'f0', '9f', '98', '80', 'ed', 'a0', 'c0', 'ff'])}`).join('')}")`,
    () => `codes("${pick(['abc', 'h\\u{e9}', '\\u{20ac}\\u{1F600}', '\\xff', 'a\\xe2\\x82'])}")`,
    () => `os.date("!${Array.from({ length: 1 + next(3) }, () => `%${DATE_SPECIFIERS[next(DATE_SPECIFIERS.length)]}`).join(' ')}", ${(next(2 ** 31) - 2 ** 29) * (1 + next(3))})`,
    () => `fields(os.date("!*t", ${next(2 ** 31) * 2}))`,
    () => `os.date("!%${pick(['E', 'O', 'q', '', 'Ey', 'Od', 'EY', '1'])}", ${next(2 ** 31)})`,
    () => `os.time{year = ${1970 + next(100)}, month = ${next(30) - 6}, day = ${next(70) - 20}, hour = ${next(50) - 10}, min = ${next(100)}, sec = ${next(100)}}`,
    () => `os.difftime(${number(0)}, ${next(1000)})`,
    () => `table.concat(${list()}, ${pick(['", "', '""', '1', '"\\0"'])}${pick(['', ', 2', ', 1, 3', ', 3, 2', ', 1, 20'])})`,
    () => `table.unpack(${list()}${pick(['', ', 2', ', 1, 3', ', -1, 1', ', 1, 1e8'])})`,
    () => `sorted(${numbers()})`,
    () => `sorted(${list()}${pick(['', ', function(a, b) return tostring(a) > tostring(b) end', ', function() return true end'])})`,
    () => `edited(${list()}, function(t) return table.${pick([`insert(t, ${small()}, "new")`, 'insert(t, "end")', `remove(t, ${small()})`, 'remove(t)', `move(t, ${small()}, ${small()}, ${small()})`, 'insert(t, 1, 2, 3)'])} end)`,
    () => `select("#", table.unpack(${list()})), #${list()}, select(${small()}, 1, 2, 3)`,
    () => `loop(${pick(NUMBERS)}, ${pick(NUMBERS)}, ${pick(['1', '-1', '0', '0.5', '1e18', 'math.maxinteger', 'math.mininteger', '3'])})`,
    () => `load("return " .. ${pick([numeral, () => string(1)])()})`.replace(/^load\((.*)\)$/s, 'compiled($1)'),
    () => `compiled(${JSON.stringify(pick(['x =', 'return return', 'for i = 1 do end', 'goto x', 'break', 'local x <const> = 1 x = 2', '::a:: ::a::', 'x = }', 'return "\\400"', 'return "\\u{110000000}"', 'local function end', 'a.b:c = 1', 'return 0x', 'return 3x', '--[[', 'return [==[x', 'f() = 1', 'return ...', 'local t <close> = 1', 'return 1 .. 2', 'x = "abc', 'return \\', 'if', 'local x <foo> = 1', 'return @']))})`,
    () => `seeded(${next(1000)}${pick(['', ', 6', ', 10, 20', ', 0', ', -5, 5', ', math.mininteger, math.maxinteger', ', 5, 1', ', 2^53'])})`,
    () => `${pick(['tostring', 'type', 'math.type', 'rawlen', 'tonumber', 'next', 'ipairs', 'string.len', 'string.reverse', 'utf8.char', 'math.floor', 'table.concat', 'os.date', 'error', 'assert', 'select', 'setmetatable'])}(${pick(['', 'nil', 'true', '{}', '1.5', '"x"', '-1'])})`.replace(/^(next|ipairs|setmetatable)\(\{\}\)$/, 'type({})').replace(/^ipairs\(.*\)$/, 'pcall(ipairs)').replace(/^tostring\(\{\}\)$/, 'type({})').replace(/^os\.date\(.*\)$/, 'os.date("!%H", 0)').replace(/^(error|assert)\(\{\}\)$/, 'type({})'),
    () => `${number(1)} == ${number(1)}, ${number(1)} < ${number(1)}, ${string(1)} < ${string(1)}`,
    () => `math.maxinteger ${pick(['+', '*', '-', '//', '%'])} ${pick(['1', '-1', '2', 'math.maxinteger', 'math.mininteger', '1.0', '0', '0.0'])}`,
    () => `math.mininteger ${pick(['+', '*', '-', '//', '%', '/'])} ${pick(['1', '-1', '2', 'math.maxinteger', 'math.mininteger', '-1.0', '0'])}`,
    () => `${integerBits()} ${pick(['<<', '>>'])} ${next(140) - 70}`,
  ];
  return Array.from({ length: count }, () => pick(kinds)());
}

/** Arguments of `string.unpack`: a format and bytes that may or may not suit it. */
function packed(pick, next) {
  const raw = Array.from({ length: next(20) }, () => `\\x${next(256).toString(16).padStart(2, '0')}`).join('');
  return `"${pick(PACK)}", "${raw}"${pick(['', ', 2', ', -3', ', 100'])}`;
}

/** Defines the functions that expressions call, and evaluates and prints each expression on one line. */
export const PRELUDE = `
function near(x) return string.format("%.10g", x) end
function collect(...)
  local found = {}
  for a, b, c in ... do
    found[#found + 1] = tostring(a) .. "/" .. tostring(b) .. "/" .. tostring(c)
    if #found == 50 then break end
  end
  return table.concat(found, ";")
end
function codes(s) local r = {} for p, c in utf8.codes(s) do r[#r + 1] = p .. ":" .. c end return table.concat(r, " ") end
function fields(t)
  local r = {}
  for _, name in ipairs{"year", "month", "day", "hour", "min", "sec", "wday", "yday", "isdst"} do r[#r + 1] = tostring(t[name]) end
  return table.concat(r, " ")
end
function sorted(t, less) table.sort(t, less) return table.unpack(t) end
function edited(t, edit) local r = edit(t) r = type(r) == "table" and "t" or r return r, table.unpack(t, 1, 12) end
function loop(from, to, step)
  local seen = {}
  for i = from, to, step do
    seen[#seen + 1] = tostring(i)
    if #seen == 5 then break end
  end
  return table.concat(seen, " ")
end
function compiled(source)
  local chunk, message = load(source, "=chunk")
  if not chunk then return message end
  return pcall(chunk)
end
function seeded(seed, ...) math.randomseed(seed) return math.random(...), math.random(100), math.random() end
local function show(value)
  if type(value) == "string" then return string.format("%q", value):gsub("\\n", "n") end
  if type(value) == "function" or type(value) == "table" then return type(value) end
  return tostring(value) .. ":" .. tostring(math.type(value))
end
local function finish(ok, ...)
  local parts = {}
  for i = 1, select("#", ...) do parts[i] = (show((select(i, ...)))) end
  return (ok and "" or "error ") .. table.concat(parts, ", ")
end
function try(source)
  local chunk, message = load("return " .. source, "=expression")
  print(chunk and finish(pcall(chunk)) or "refused " .. message)
end
`;
