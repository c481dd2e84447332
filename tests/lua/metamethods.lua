-- Metamethods of tables that may be external, and what yields in them. Prints the same wherever tables lie.
-- The global `tables` makes them external: `new` makes one, `start` restarts what runs in steps.

local new = ext and ext.table or function() return {} end

local function text(value)
  if type(value) == "table" or type(value) == "function" or type(value) == "thread" then return type(value) end
  return tostring(value)
end

local function show(name, ...)
  local values = table.pack(...)
  for n = 1, values.n do values[n] = text(values[n]) end
  print(name, table.concat(values, " "))
end

-- Runs `body` in a coroutine, answers each of its yields, and shows all of it.
local function drive(name, body, ...)
  local co = coroutine.create(body)
  local answer = table.pack(co, ...)
  for round = 1, 50 do
    local got = table.pack(coroutine.resume(table.unpack(answer, 1, answer.n)))
    show(name .. " " .. round .. " " .. coroutine.status(co), table.unpack(got, 1, got.n))
    if coroutine.status(co) == "dead" then
      if not got[1] then print((debug.traceback(co):gsub("\n.*%[C%].*", ""))) end
      return
    end
    collectgarbage()
    answer = table.pack(co, "answer" .. round, round)
  end
end

local yield = coroutine.yield
local function with(mt) return setmetatable(new(), mt) end

-- Reading, by each instruction.
local function reader() return with { __index = function(t, k) return (yield("index", k)) end } end
drive("field", function() local t = reader() return t.x, t.y end)
drive("integer", function() local t = reader() return t[1], t[255], t[256], t[-1] end)
drive("key", function() local t, k = reader(), {} return t[1.5], t[true], t[("long"):rep(20)], t[k == nil], t["a b"] end)
drive("self", function()
  local t = with { __index = function(t, k) local got = yield("self", k) return function(self, a) return got, self == t, a end end }
  return t:method(7)
end)
drive("environment", function()
  local _ENV = reader()
  return a, b
end)
drive("upvalue", function()
  local t = reader()
  return (function() return t.x .. t.y end)()
end)
drive("target", function() local t = reader() t = t.x return t end)
drive("condition", function() local t = reader() if t.x then return "yes" end return "no" end)
drive("arithmetic", function()
  local t = with { __index = function(_, k) local _, n = yield("n", k) return n end }
  return t.a + t.b * t.c, -t.d, t.e .. t.f, t.g < t.h, t.i == t.j, #tostring(t.k)
end)
drive("arguments", function() local t = reader() return select("#", t.a, t.b, t.c), (t.d) end)
drive("constructor", function() local t = reader() local r = { t.a, t.b, x = t.c, t.d } return #r, r[1], r[2], r.x, r[3] end)
drive("tail", function() local t = reader() local function f(...) return ... end return f(t.a, t.b) end)
drive("varargs", function(...) local t = reader() return t.a, ... end, 1, 2)

-- Writing.
local function writer()
  return with { __newindex = function(t, k, v) rawset(t, k, tostring(v) .. tostring((yield("newindex", k, v)))) end }
end
drive("set field", function() local t = writer() t.x = 1 t.x = 2 return t.x end)
drive("set integer", function() local t = writer() t[1] = 1 t[2] = 2 t[1] = 3 return t[1], t[2], #t end)
drive("set key", function() local t, k = writer(), "k" t[k] = k t[1.5] = 1 t[true] = 2 return t.k, t[1.5], t[true] end)
drive("set environment", function()
  local _ENV = writer()
  a = 1 b = 2
  return a, b
end)
drive("set nil", function() local t = writer() t.x = nil return t.x end)
drive("set many", function() local t = writer() t.a, t.b, t.c = 1, 2, 3 return t.a, t.b, t.c end)

-- Chains.
drive("chain", function()
  local last = with { __index = function(t, k) return (yield("last", k, rawget(t, "name"))) end }
  last.name = "last" last.there = "there"
  local middle = with { __index = last }
  local first = with { __index = middle }
  local plain = setmetatable({}, { __index = first })
  return plain.x, first.y, middle.z, plain.there, first.there
end)
drive("chain of writes", function()
  local last = with { __newindex = function(t, k, v) rawset(t, k, v .. tostring((yield("last", k)))) end }
  local middle = with { __newindex = last }
  local first = with { __newindex = middle }
  local plain = setmetatable({}, { __newindex = first })
  plain.a = "a" first.b = "b" middle.c = "c" last.a = "again" plain.a = "third"
  return rawget(plain, "a"), rawget(first, "b"), rawget(middle, "c"), last.a, last.b, last.c
end)
drive("chain over a string", function()
  local mt = getmetatable("")
  local before = mt.__index
  local last = with { __index = function(_, k) return (yield("behind strings", k)) end }
  mt.__index = setmetatable({ here = "here" }, { __index = last })
  local t = with { __index = "a string" }
  local x, y, z = t.here, t.x, ("another").y
  mt.__index = before
  return x, y, z
end)
for _, length in ipairs { 1, 10, 1990, 1999, 2000, 2001, 2100 } do
  drive("long chain " .. length, function()
    local mt = { __index = function(_, k) return (yield("end", k)) end, __newindex = function(_, k, v) yield("end", k, v) end }
    local t = setmetatable({}, mt)
    for n = 1, length do
      local made = n % 50 == 0 and new() or {}
      t = setmetatable(made, { __index = t, __newindex = t })
    end
    t.y = 1
    return t.x
  end)
end
show("loop", pcall(function() local t = new() setmetatable(t, { __index = t, __newindex = t }) return t.x end))
show("loop of writes", pcall(function() local t = new() setmetatable(t, { __index = t, __newindex = t }) t.x = 1 end))
show("two in a loop", pcall(function()
  local a, b = new(), new()
  setmetatable(a, { __index = b, __newindex = b }) setmetatable(b, { __index = a, __newindex = a })
  return a.x
end))

-- What is no function and no table.
show("number behind", pcall(function() local t = with { __index = 5 } return t.x end))
show("boolean behind", pcall(function() local t = with { __newindex = true }
  t.x = 1
end))
show("string behind", pcall(function() local t = with { __index = "s" } return t.upper("x"), t.none end))
show("write to a string", pcall(function() local t = with { __newindex = "s" } t.x = 1 end))
show("C function", pcall(function() local t = with { __index = rawequal } return t.x, t[1] end))
drive("yield itself", function() local t = with { __index = yield, __newindex = yield } t.x = 1 return t.x end)
show("nil key", pcall(function() local t = new() t[nil] = 1 end))
show("nan key", pcall(function() local t = new() t[0/0] = 1 end))
show("nil key with __newindex", pcall(function() local seen local t = with { __newindex = function(_, k, v) seen = text(k) .. text(v) end }
  t[nil] = 1
  local first = seen t[0/0] = nil
  return first, seen
end))
show("nil key read", pcall(function() local t = with { __index = function(_, k) return text(k) end } return t[nil], t[0/0] end))

-- Errors, before and after a resume, at the right lines.
drive("error in __index", function()
  local t = with { __index = function(_, k)
    yield("before", k)
    error("raised for " .. k)
  end }
  local x = 1
  return t.x
end)
drive("error behind __index", function()
  local t = reader()
  local x = t.x
  local y = t.y
  return x + {}
end)
drive("error of type", function()
  local t = reader()
  local x = t.x
  return x.y.z
end)
drive("error in __newindex", function()
  local t = with { __newindex = function(_, k)
    yield("before", k)

    error { k }
  end }
  t.x = 1
end)
drive("pcall", function()
  local t = with { __index = function(_, k) local a = yield("within", k) error("raised " .. a, 2) end }
  local ok, message = pcall(function() return t.x end)
  return ok, message, select(2, pcall(function() return t.y end))
end)
drive("xpcall", function()
  local t = with { __newindex = function(_, k) local a = yield("within", k) error("raised " .. a) end }
  return xpcall(function() t.x = 1 end, function(m) return "handled " .. m end)
end)
drive("close", function()
  local closed = {}
  local t = with { __index = function(_, k)
    local c <close> = setmetatable({}, { __close = function() yield("closing") closed[#closed + 1] = k end })
    return (yield("open", k))
  end }
  return t.x, t.y, #closed
end)

-- Loops and coroutines in coroutines.
drive("wrap", function()
  local t = with { __index = function(t, k) if k <= 3 then return (yield(k)) end end }
  local out = {}
  for value in coroutine.wrap(function() for n = 1, 4 do local x = t[n] end end) do out[#out + 1] = value end
  return table.concat(out, ",")
end)
drive("for", function()
  local t = reader()
  local out = {}
  for n = 1, 3 do out[n] = t[n] end
  for k in function(_, k) return t[(k or 0)] == "answer6" and nil or (#out < 6 and k or nil) end do out[#out + 1] = k end
  return table.concat(out, ",")
end)
drive("ipairs", function()
  local t = with { __index = function(_, k) return k < 4 and k * 10 or nil end }
  local out = {}
  for i, v in ipairs(t) do out[#out + 1] = i .. "=" .. v yield(i) end
  return table.concat(out, ",")
end)
drive("ipairs does not yield", function()
  local t = reader()
  for i, v in ipairs(t) do return i, v end
end)
drive("library", function()
  local t = reader()
  return pcall(table.concat, t, ",", 1, 2)
end)
drive("within a C call", function()
  local t = reader()
  return pcall(string.gsub, "x", "x", t)
end)
drive("sort", function()
  local t = with { __index = function(_, k) return (yield(k)) end, __len = function() return 2 end }
  return pcall(table.sort, t)
end)
drive("nested", function()
  local inner = reader()
  local outer = with { __index = function(_, k) return "outer " .. inner[k] end }
  return outer.a, outer.b
end)
drive("recursive", function()
  local t
  t = with { __index = function(t, k) if k == 0 then return (yield("bottom")) end return t[k - 1] .. k end }
  return t[20]
end)
drive("both", function()
  local t = with {}
  setmetatable(t, {
    __index = function(t, k) local v = yield("missing", k) t[k] = v return v end,
    __newindex = function(t, k, v) yield("storing", k, v) rawset(t, k, v) end,
  })
  return t.x, t.x, t.y
end)

-- Metatables that change meanwhile.
drive("metatable replaced", function()
  local t
  t = with { __index = function(t, k)
    setmetatable(t, { __index = function(_, k) return "new " .. k end })
    local a = yield("old", k)
    return a
  end }
  return t.x, t.y
end)
drive("metatable taken", function()
  local t = with { __newindex = function(t, k, v) setmetatable(t, nil) yield("taken") t[k] = v end }
  t.x = 1 t.y = 2
  return t.x, t.y, getmetatable(t)
end)
drive("metamethod changed", function()
  local mt = {}
  local t = with(mt)
  mt = getmetatable(t)
  local before = t.x
  mt.__index = function(_, k) mt.__index = nil return (yield("once", k)) end
  local first, second = t.x, t.y
  mt.__index = { z = "z" }
  return before, first, second, t.z
end)
drive("collected", function()
  local t = with { __index = function(_, k) local v = yield("collecting", k) collectgarbage() return { v } end }
  local x = t.x
  return x[1], t.y[1]
end)

-- The other metamethods, yielding in each.
local function event(name, result)
  return function(...)
    local args = table.pack(...)
    for n = 1, args.n do args[n] = text(args[n]) end
    local got = yield(name, table.unpack(args, 1, args.n))
    if result ~= nil then return result end
    return got
  end
end
local binary = {
  add = function(a, b) return a + b end, sub = function(a, b) return a - b end, mul = function(a, b) return a * b end,
  div = function(a, b) return a / b end, mod = function(a, b) return a % b end, pow = function(a, b) return a ^ b end,
  idiv = function(a, b) return a // b end, band = function(a, b) return a & b end, bor = function(a, b) return a | b end,
  bxor = function(a, b) return a ~ b end, shl = function(a, b) return a << b end, shr = function(a, b) return a >> b end,
  concat = function(a, b) return a .. b end,
}
local names = {}
for name in pairs(binary) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
  local f = binary[name]
  drive("__" .. name, function()
    local a, b = with { ["__" .. name] = event(name) }, new()
    return f(a, 1), f(1, a), f(a, b), f(b, a), f(a, a)
  end)
end
drive("__concat in a row", function() local a = with { __concat = event("concat") } return "x" .. a .. "y" .. 1, a .. "z" .. a end)
drive("__unm", function() local a = with { __unm = event("unm"), __bnot = event("bnot") } return -a, ~a end)
drive("__len", function() local a = with { __len = event("len", 7) } return #a, #a + 1 end)
drive("__eq", function()
  local mt = { __eq = event("eq", true) }
  local a, b = with(mt), with(mt)
  local r = {}
  if a == b then r[1] = "same" end
  if a ~= b then r[2] = "different" end
  return a == b, a ~= b, a == a, rawequal(a, b), r[1], r[2], a == new(), new() == a, a == 1
end)
for _, value in ipairs { true, false } do
  drive("__lt " .. tostring(value), function()
    local mt = { __lt = event("lt", value), __le = event("le", value) }
    local a, b = with(mt), new()
    local r = {}
    if a < b then r[#r + 1] = "lt" end
    if not (a <= b) then r[#r + 1] = "gt" end
    while a > b do r[#r + 1] = "while" break end
    return a < b, b < a, a <= 1, 1 <= a, a > 2, 2 >= a, table.concat(r, " ")
  end)
end
drive("__call", function()
  local a = with { __call = function(self, ...) local got = yield("call", ...) return got, ... end }
  local function tail() return a("tail") end
  return a(1, 2), a(), (tail())
end)
drive("__call of __call", function()
  local a = with { __call = with { __call = function(self, other, ...) return yield("twice", ...) end } }
  return a(1)
end)
drive("__close", function()
  local log = {}
  do
    local a <close> = with { __close = function(_, e) log[#log + 1] = text(e) yield("closing a") log[#log + 1] = "a" end }
    local b <close> = with { __close = function(_, e) yield("closing b") log[#log + 1] = "b" end }
  end
  return table.concat(log, " "), pcall(function()
    local c <close> = with { __close = function(_, e) yield("closing c", e) error("again " .. e, 0) end }
    error("first", 0)
  end)
end)
drive("__tostring", function() return pcall(tostring, with { __tostring = event("tostring") }) end)
drive("__name", function() return (tostring(with { __name = "Kind" }):gsub("0?x?%x+$", "")), pcall(function() return with { __name = "Kind" } + 1 end) end)
drive("__pairs", function()
  local out = {}
  for k, v in pairs(with { __pairs = function(t)
    local start = yield("pairs")
    return function(_, k) if k ~= "end" then return yield("next", k) and (k and "end" or start) end end, t, nil
  end }) do out[#out + 1] = k end
  return table.concat(out, " ")
end)
drive("__metatable", function()
  local t = with { __metatable = "locked" }
  return getmetatable(t), pcall(setmetatable, t, {})
end)
drive("inherited", function()
  local mt = setmetatable(new(), { __index = { __add = function() return "inherited" end } })
  return pcall(function() return with(mt) + 1 end)
end)
show("done", "all")
