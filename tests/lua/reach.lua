-- Walks whatever Lua code can reach, from everywhere that Lua code can run, and does to it whatever can be done to a value.
-- `seed` and `host`, a function of the host that calls what it is given, are globals.

local pcall, type, next, tostring, select, rawset, rawget, rawlen, rawequal = pcall, type, next, tostring, select, rawset, rawget, rawlen, rawequal
local debug, coroutine, collectgarbage, setmetatable, error, load, xpcall = debug, coroutine, collectgarbage, setmetatable, error, load, xpcall
local getlocal, setlocal, getinfo, getupvalue, setupvalue = debug.getlocal, debug.setlocal, debug.getinfo, debug.getupvalue, debug.setupvalue
local getmetatable, debug_setmetatable, sethook = debug.getmetatable, debug.setmetatable, debug.sethook
local getuservalue, setuservalue, upvaluejoin, upvalueid = debug.getuservalue, debug.setuservalue, debug.upvaluejoin, debug.upvalueid
local resume, wrap, running, close, status = coroutine.resume, coroutine.wrap, coroutine.running, coroutine.close, coroutine.status
local gsub, sort, rep, tojson = string.gsub, table.sort, string.rep, nil
local home, ext, io, host = _home, ext, io, host

local state = seed * 2654435761 + 12345
local function below(n)
  state = (state * 6364136223846793005 + 1442695040888963407)
  return (state >> 33) % n
end

-- The walk itself is not to be called or changed by what it does.
local own = {}
local known, list = {}, {}
local visit

local function add(value)
  local kind = type(value)
  if kind ~= "table" and kind ~= "function" and kind ~= "userdata" and kind ~= "thread" and kind ~= "upvalue" then return end
  if known[value] or own[value] then return end
  known[value] = true
  if #list < 3000 then list[#list + 1] = value end
end

local function frames(thread, level)
  for depth = level, level + 12 do
    local info = thread and getinfo(thread, depth, "f") or not thread and getinfo(depth, "f")
    if not info then return end
    add(info.func)
    for n = -3, 40 do
      local name, value
      if thread then name, value = getlocal(thread, depth, n) else name, value = getlocal(depth, n) end
      if name then add(value) end
      if name and below(40) == 0 and not own[info.func] then
        local new = list[below(#list + 1)]
        if thread then setlocal(thread, depth, n, new) else setlocal(depth, n, new) end
      end
    end
  end
end

function visit(value)
  local kind = type(value)
  add(getmetatable(value))
  if kind == "table" then
    local key, item = next(value)
    for _ = 1, 60 do
      if key == nil then break end
      add(key) add(item)
      key, item = next(value, key)
    end
  elseif kind == "function" then
    for n = 1, 20 do
      local name, item = getupvalue(value, n)
      if not name then break end
      add(item)
    end
    add(getinfo(value, "f").func)
  elseif kind == "userdata" then
    for n = 1, 3 do add((getuservalue(value, n))) end
  elseif kind == "thread" then
    frames(value, 0)
  end
end

local plain = {0, 1, -1, 2.5, "x", "name", "%d", "k", true, false}
local function any()
  local n = below(12)
  if n < 7 and #list > 0 then return list[1 + below(#list)] end
  if n == 7 then return {} end
  if n == 8 then return function(...) return ... end end
  return plain[1 + below(#plain)]
end

local deeds = {
  function(v) tostring(v) end,
  function(v) return next(v) end,
  function(v) return #v, rawlen(v) end,
  function(v) rawset(v, any(), any()) end,
  function(v) v[any()] = any() end,
  function(v) rawset(v, next(v), nil) end,
  function(v) local k = next(v) rawset(v, next(v, k), nil) end,
  function(v) return v == any(), rawequal(v, any()) end,
  function(v) return v(any(), any(), any()) end,
  function(v) return v() end,
  function(v) return v(any()) end,
  function(v) return v .. any() end,
  function(v) return v < any() end,
  function(v) setmetatable(v, any()) end,
  function(v) debug_setmetatable(v, any()) end,
  function(v) setuservalue(v, any(), 1) end,
  function(v) setupvalue(v, 1 + below(4), any()) end,
  function(v) upvaluejoin(v, 1 + below(3), any(), 1 + below(3)) end,
  function(v) return upvalueid(v, 1 + below(3)) end,
  function(v) home[any()] = v end,
  function(v) local t = {v} return t[1] == v, ({[v] = 1})[v] end,
  function(v) return resume(v, any()) end,
  function(v) return close(v) end,
  function(v) return wrap(v)(any()) end,
  function(v) debug.sethook(v, any(), "crl") debug.sethook(v) end,
  function(v) return string.format("%s %q", v, v) end,
  function(v) local n = 0 return load(function() n = n + 1 if n < 6 then return v() end end) end,
  function(v) return string.dump(v) end,
  function(v) local x <close> = v end,
  function(v) return select("#", table.unpack(v, 1, 20)) end,
  function(v) return home.a, home[v] end,
  function(v) return getinfo(v, "SlnrutfL") end,
}

local function act()
  local value = list[1 + below(#list)]
  if value == nil then return end
  pcall(visit, value)
  pcall(deeds[1 + below(#deeds)], value)
end

local busy = false
local function look()
  if busy then return end
  busy = true
  pcall(frames, nil, 2)
  for _ = 1, 4 do act() end
  busy = false
end

local bad = function() end
local cyclic = setmetatable({}, {__tostring = function() look() return "cyclic" end, __name = "c"})
local counter = 0
local function count() counter = counter + 1 return counter end

local scenes = {
  function() look() end,
  -- errors inside of operations on external tables, seen by a message handler
  function() xpcall(function() home.x = coroutine.create(bad) end, look) end,
  function() xpcall(function() home[{}] = 1 end, look) end,
  function() xpcall(function() home.f = function() return counter, bad, cyclic, home end end, look) end,
  function() xpcall(function() local io = io home.f = function() return io.stdout end end, look) end,
  function() xpcall(function() return next(home, "not there") end, look) end,
  function() xpcall(function() setmetatable(home, {__index = io.stdout}) end, look) end,
  function() xpcall(ext.collect, look) end,
  -- finalizers
  function()
    for i = 1, 10 do setmetatable({}, {__gc = look}) end
    for i = 1, 40 do home["g" .. i] = {i, {i}} end
    for k, v in next, home do local _ = v end
    home.f = count
    collectgarbage()
  end,
  -- callbacks of the library
  function() gsub(rep("x", 300), "x", function() look() return rep("y", 20) end) end,
  function() sort({3, 2, 1, 5, 4}, function(a, b) look() return a < b end) end,
  function() load(function() look() return nil end) end,
  function() local n = 0 load(function() n = n + 1 look() return n < 6 and "x = {1, 'long constant " .. n .. "'} " or nil end) end,
  function() print(cyclic) end,
  function() pcall(error, cyclic) end,
  function() for k in pairs(setmetatable({}, {__pairs = function() look() return next, {}, nil end})) do end end,
  function() table.concat(setmetatable({}, {__index = function() look() return "x" end, __len = function() return 4 end})) end,
  function() require("not there") end,
  -- the host, which calls back
  function() host(look) end,
  function() host(look, rep("long", 300), {1, 2, {3}}) end,
  function() home.h = host end,
  -- hooks
  function() sethook(look, "crl") home.x = {1, 2} local _ = home.x.y, #home gsub(rep("z", 3000), "z", "%0%0") sethook() end,
  function() sethook(look, "", 7) for i = 1, 20 do home[i] = i local a, b, c = home[i], next(home) end sethook() end,
  function() sethook(look, "r") local _ = load("local a, b = 1, 2 return function() return a, b end")() sethook() end,
  -- coroutines
  function() wrap(function() look() coroutine.yield(1) look() end)() end,
  function() local co = coroutine.create(function() local t <close> = setmetatable({}, {__close = look}) coroutine.yield(home) end) resume(co) frames(co, 0) close(co) end,
  function() coroutine.wrap(function() xpcall(function() home.x = coroutine.create(bad) end, look) end)() end,
  -- registers that nobody has written to
  function() local t = setmetatable({}, {__add = look}) local a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s = 1 if a == 2 then local x1, x2, x3, x4, x5, x6, x7, x8, x9 = bad() return x1 end return t + 1 end,
  function() for i = 1, 3 do for n = 1, 12 do setlocal(1, n, any()) end end end,
  function() for i = 1.5, 3 do for n = 1, 12 do setlocal(1, n, any()) end end end,
  function() local function grab() for n = 1, 20 do setlocal(2, n, any()) end return 1 end local t = {grab(), 2, grab()} return t end,
  function() collectgarbage(({"step", "collect", "incremental", "generational", "count"})[1 + below(5)]) end,
}

for _, mine in next, {own, known, list, deeds, scenes, plain, add, frames, visit, any, act, look, below, count} do own[mine] = true end
for _, mine in next, deeds do own[mine] = true end
-- With a reader that never ends, `load` never ends.
own[load] = true
for _, mine in next, scenes do own[mine] = true end
add(_G) add(debug.getregistry()) add(running()) add(home) add(host) add(io.stdout) add(io.lines) add(math.random) add(string.gmatch("a", "a"))
add(package) add(ext) for _, sample in next, {"", 0, true, print} do add(getmetatable(sample)) end

return function()
  for _ = 1, 12 do act() end
  pcall(scenes[1 + below(#scenes)])
  sethook()
end
