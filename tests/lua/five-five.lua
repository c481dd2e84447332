-- What is new or different in Lua 5.5: a line for each thing, which a native Lua 5.5 prints as well.
local function clean(text) return (tostring(text):gsub("%[string .-%]:", "chunk:"):gsub("0x%x+", "ADDRESS")) end

local function show(name, ...)
  local got = table.pack(...)
  for n = 1, got.n do got[n] = clean(got[n]) end
  print(name .. ": " .. table.concat(got, " ", 1, got.n))
end

local function try(name, f, ...) show(name, pcall(f, ...)) end

-- Runs a chunk, or says why it does not compile.
local function run(text, ...)
  local f, message = load(text)
  if not f then return show(text, "refused", message) end
  show(text, pcall(f, ...))
end

-- Loop variables are constants.
for _, text in ipairs {
  "for i = 1, 3 do i = 2 end",
  "for i = 1.0, 3 do i = i + 1 end",
  "for k in pairs({}) do k = 1 end",
  "for k, v in pairs({1, 2}) do v = v + 1 end return 'v may be set'",
  "for i = 1, 3 do local i = i i = i + 1 end return 'so may its copy'",
  "local f for i = 1, 3 do f = f or function() return i end end return f()",
  "for i = 1, 3 do (function() i = 2 end)() end",
  "local s = 0 for i = math.maxinteger - 1, math.maxinteger do s = s + 1 end return s",
  "local s = {} for x = 1, 2, 0.25 do s[#s + 1] = x end return table.concat(s, ' ')",
  "local s = 0 for x = 0.1, 1, 0.1 do s = s + 1 end return s",
  "for i = 1, 2, 0 do end",
  "for i = 'a', 2 do end",
} do run(text) end

-- Declarations of globals.
for _, text in ipairs {
  "global x x = 1 return x",
  "global x y = 1",
  "global x return y",
  "global print y = 1",
  "global * y = 7 return y",
  "global<const> * return type(print)",
  "global<const> * y = 1",
  "global<const> print print = 1",
  "global x <const> x = 1",
  "global a, b <const>, c a = 1 c = 2 return a, b, c",
  "global a1 <close>",
  "global a = 1, 2 return a",
  "global a2, b2 = 1, 2 return a2 + b2",
  "global a2 = 3",
  "global function f1(n) if n == 0 then return 'done' end return f1(n - 1) end return f1(3)",
  "global function f1() end",
  "do global z z = 1 end z = 2 return z",
  "local x = 5 do global x x = 6 end return x, _ENV.x",
  "global x local function g() return y end",
  "global none x = 1",
  "global = 1 return global",
  "local global = 2 return global + 1",
  "global _ENV",
  "local _ENV <const> = {} global q q = 1 return q",
  "global x <const>, y x = 1",
  "global x; global y; x, y = 1, 2; return x, y",
  "goto l global x ::l:: x = 1",
  "global<const> type, tostring return type(tostring)",
} do run(text) end

-- Named varargs.
for _, text in ipairs {
  "local function f(...t) return t.n, #t, t[1], t[2] end return f('a', nil, 'c')",
  "local function f(...t) t[1] = 'changed' return ... end return f('a', 'b')",
  "local function f(...t) t.n = 1 return ... end return f('a', 'b')",
  "local function f(...t) t.n = -1 return ... end return f('a', 'b')",
  "local function f(...t) t.n = 'x' return ... end return f('a', 'b')",
  "local function f(...t) t.n = 1e9 // 1 | 0 return ... end return f('a', 'b')",
  "local function f(...t) t.n = 3 t[3] = 'new' return select('#', ...), ... end return f('a', 'b')",
  "local function f(...t) return function() return t[1], t.n end end return f('kept')()",
  "local function f(...t) t = {} end",
  "local function f(a, b, ...t) return a, b, t.n, t[1], ... end return f(1, 2, 3, 4)",
  "local function f(...t) local u = t u[2] = 9 return ... end return f(1, 2, 3)",
  "local function f(...t) return t.n, t.x, t[1.0], t[0], t[-1], t[2^53], t['1'] end return f(5)",
  "local function f(...t) t.x = 1 return t.x, ... end return f(5)",
  "local function f(...t) setmetatable(t, {__index = function() return 'missing' end}) return t[9], ... end return f(nil, 2)",
  "local function f(...t) for i = 1, t.n do t[i] = t[i] * 2 end return ... end return f(1, 2, 3)",
  "local function f(...t) return t end local a, b = f(1), f(1) return a == b, a.n, #a",
  "local function f(...t) return (...) end return f(1, 2)",
  "local function f(...t) if t.n == 0 then return 'end' end return f(table.unpack(t, 2)) end return f(1, 2, 3)",
  "return (function(...t) return coroutine.wrap(function() t[1] = coroutine.yield(t[1]) return t[1] end) end)(1)()",
} do run(text) end

-- Attributes in front of names, and other syntax.
for _, text in ipairs {
  "local<const> a, b = 1, 2 return a + b",
  "local<const> a, b = 1, 2 b = 3",
  "local<close> x = nil return x",
  "local<const> a, b <close> = 1, nil return a, b",
  "local a<const>, b = 1, 2 b = 3 return a, b",
  "break",
  "goto nowhere",
  "::a:: ::a::",
  "do goto l local x ::l:: print(x) end",
  "return 0x7fffffffffffffff + 1, 1e309, -0.0, 3 | 0",
} do run(text) end

-- Numbers as text.
for _, n in ipairs {0.1, 0.1 + 0.2, 1 / 3, 1e15, 1e16, 1e100, 2.0 ^ 53, 2.0 ^ 63, -1.5e-300, 5e-324, 1.7976931348623157e308, 123456.789, 100.0, 3.14159265358979, 1e14 + 0.5} do
  show("number", n, tonumber(tostring(n)) == n, n .. "", ("%s %g %.14g"):format(n, n, n))
end
do
  local state, wrong = 12345, 0
  for _ = 1, 2000 do
    state = (state * 6364136223846793005 + 1442695040888963407)
    local n = string.unpack("d", string.pack("j", state))
    if n == n then
      wrong = wrong + (tonumber(tostring(n)) == n and 0 or 1)
      if state % 50 == 0 then show("random", n) end
    end
  end
  show("numbers that are not read as they were written", wrong)
end

-- The library.
local text = "aä€😀z"
for n = -6, 6 do try("utf8.offset " .. n, utf8.offset, text, n) end
for i = 0, 13 do try("utf8.offset 0 at " .. i, utf8.offset, text, 0, i) end
try("utf8.offset of bad bytes", utf8.offset, "\x80\x80", 1)
for _, arguments in ipairs {{}, {0}, {10}, {10, 10}, {-1}, {0, -1}, {"3"}, {1.5}, {2^31}, {2^31 | 0}, {0, 2^31 | 0}, {{}}} do
  try("table.create", function(...) local t = table.create(...) return type(t), #t, next(t) end, table.unpack(arguments))
end
do
  local t = table.create(100)
  for i = 1, 100 do t[i] = i end
  show("filled", #t, t[100], next({}), rawlen(t))
  local u = table.create(4, 4) u.x, u[1], u[3] = 1, 2, 3
  local keys = {} for k in pairs(u) do keys[#keys + 1] = tostring(k) end
  table.sort(keys) show("keys", table.concat(keys, " "))
end
for _, option in ipairs {"setpause", "setstepmul", "param", "incremental", "generational", "incremental", "isrunning", "nonsense"} do
  try("collectgarbage " .. option, function() return collectgarbage(option) end)
end
for _, name in ipairs {"minormul", "majorminor", "minormajor", "pause", "stepmul", "stepsize", "nonsense"} do
  try("param " .. name, function()
    local before = collectgarbage("param", name)
    local same = collectgarbage("param", name, 150)
    local now = collectgarbage("param", name, before)
    return before == same, now, collectgarbage("param", name) == before
  end)
end
show("functions", math.frexp and "frexp", math.ldexp and "ldexp", math.pow and "pow", debug.setcstacklimit and "setcstacklimit", table.create and "create")
show("frexp", math.frexp(10.5)) show("ldexp", math.ldexp(0.5, 10))
try("unpack of a value without length", table.unpack, 5)
try("concat of a string", table.concat, "abc")
try("load in mode B", load, "return 1", "x", "B")
try("load of what was dumped", function() return load(string.dump(function(...t) global print return t.n, ... end), "d", "b")(1, 2) end)
try("and stripped", function() return load(string.dump(function() local x <const> = 5 for i = 1, 2 do x2 = i end return x, x2 end, true))() end)
show("extraargs", debug.getinfo(function() end, "t").extraargs)
do
  local inner = setmetatable({}, {__call = function(...) return debug.getinfo(1, "t").extraargs, select("#", ...) end})
  local outer = setmetatable({}, {__call = inner})
  show("call of a table", inner(1)) show("of one more", outer(1))
  local chain = function() return "end" end
  for _ = 1, 14 do chain = setmetatable({}, {__call = chain}) end
  try("a chain of 14", chain)
  chain = setmetatable({}, {__call = setmetatable({}, {__call = chain})})
  try("a chain of 16", chain)
  try("an error in an extra argument", setmetatable({}, {__call = string.rep}))
  try("and in another", setmetatable({}, {__call = string.rep}), {})
end
try("error of nothing", error) try("error of nil", error, nil) try("error of false", error, false)
show("handler", xpcall(error, function(m) return m == nil, type(m) end, nil))
show("handler that returns nil", xpcall(error, function() return nil end, "x"))

-- Coroutines that close themselves.
local function closing(f) local co = coroutine.create(f) local got = table.pack(coroutine.resume(co)) show("closed", coroutine.status(co), table.unpack(got, 1, got.n)) end
closing(function() coroutine.close() print("not reached") end)
closing(function() pcall(function() coroutine.close(coroutine.running()) end) print("not reached") end)
closing(function() pcall(pcall, pcall, function() coroutine.close() end) print("not reached") end)
closing(function() local x <close> = setmetatable({}, {__close = function(_, e) print("closes x", e) end}) coroutine.close() end)
closing(function() local x <close> = setmetatable({}, {__close = function() error("in close", 0) end}) pcall(coroutine.close) end)
closing(function() local x <close> = setmetatable({}, {__close = function() error({}) end}) coroutine.close() end)
closing(function() ("a"):gsub("a", function() pcall(function() coroutine.close() end) end) print("not reached") end)
closing(function() table.sort({3, 2, 1}, function() coroutine.close() end) end)
closing(function() local co = coroutine.wrap(function() coroutine.close() end) co() return "the outer goes on" end)
closing(function() local t = setmetatable({}, {__index = function() coroutine.close() end}) return t.x end)
closing(function() for _ in function() coroutine.close() end do end end)
closing(function() load(function() coroutine.close() end) end)
try("close of the main thread", coroutine.close)
try("close of what waits", function() local co co = coroutine.create(function() return coroutine.resume(coroutine.create(function() coroutine.close(co) end)) end) return select(2, coroutine.resume(co)) end)
do
  local count = 0
  for _ = 1, 300 do
    local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = function() count = count + 1 end}) pcall(function() coroutine.close() end) end)
    coroutine.resume(co)
  end
  show("closed", count)
end

-- What `debug` may do to a loop and to varargs.
do
  local seen = {}
  for i = 1, 3 do
    seen[#seen + 1] = i
    if i == 1 then
      local n = 1 while debug.getlocal(1, n) ~= "i" do n = n + 1 end
      show("name", debug.getlocal(1, n), debug.getlocal(1, n - 1), debug.getlocal(1, n - 2))
    end
  end
  show("loop", table.concat(seen, " "))
  local function f(a, ...t) return debug.getinfo(1, "u").nparams, debug.getinfo(1, "u").isvararg, debug.getlocal(1, 2), debug.getlocal(1, -1) end
  show("varargs", (function(...) return select("#", ...) end)(f(1, 2)))
  show("activelines", next(debug.getinfo(function(...) return ... end, "L").activelines) ~= nil)
end
