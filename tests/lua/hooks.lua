-- Which events hooks are called for, in their order. Prints the same wherever it runs.

local events
local function hook(event, line)
  local info = debug.getinfo(2, "nSlt")
  local what = info.what .. (info.istailcall and " tail" or "")
  events[#events + 1] = event .. (line and ":" .. line or "") .. "[" .. what .. " " .. tostring(info.currentline) .. "]"
end

local function watch(name, body, mask, count)
  events = {}
  debug.sethook(hook, mask, count)
  local ok, message = pcall(body)
  debug.sethook()
  print(name, mask, count, ok, message, #events)
  for n = 1, #events, 8 do print("", table.concat(events, " ", n, math.min(n + 7, #events))) end
end

local bodies = {
  { "while at the first instruction", function()
    while true do
      break
    end
  end },
  { "while with a count", (function()
    local n = 0
    return function()
      while n < 5 do n = n + 1 end
      n = 0
    end
  end)() },
  { "while of some lines", function()
    local n = 0
    while n < 3 do
      n = n + 1
    end
  end },
  { "repeat", function()
    local n = 0
    repeat
      n = n + 1
      local done = n == 3
    until done
  end },
  { "repeat in a line", function() local n = 0 repeat n = n + 1 until n == 4 end },
  { "numeric for", function()
    local sum = 0
    for n = 1, 4 do
      sum = sum + n
    end
    for n = 1.0, 2.0, 0.5 do sum = sum + n end
    for n = 1, 0 do sum = n end
    return sum
  end },
  { "generic for", function()
    for k, v in ipairs { 1, 2, 3 } do
      local x = v
    end
    for k in pairs { a = 1 } do end
    for k in function(_, n) n = (n or 0) + 1 if n < 4 then return n end end do
      local y = k
    end
  end },
  { "goto", function()
    local n = 0
    ::again::
    n = n + 1
    if n < 4 then goto again end
    for i = 1, 3 do
      if i == 2 then goto continue end
      n = n + 1
      ::continue::
    end
    do goto out end
    n = 0
    ::out::
  end },
  { "continue at the first instruction", function()
    ::top::
    if not rawget(_G, "seen") then
      seen = true
      goto top
    end
    seen = nil
  end },
  { "nested loops", function()
    for i = 1, 3 do
      local j = 0
      while j < i do
        j = j + 1
        repeat local k = j until true
      end
    end
  end },
  { "calls", function()
    local function f(n) return n end
    for n = 1, 3 do
      f(n)
      local s = ("x"):rep(n)
    end
    return (f(1))
  end },
  { "tail calls", function()
    local function f(n)
      if n == 0 then return "end" end
      return f(n - 1)
    end
    local function loop(n)
      while n > 0 do n = n - 1 end
      return f(2)
    end
    f(4)
    return loop(2)
  end },
  { "tail call to a loop at the first instruction", function()
    local n = 0
    local function f() while n < 3 do n = n + 1 end end
    local function g() return f() end
    g() n = 0
    f()
  end },
  { "metamethods", function()
    local t = setmetatable({}, { __index = function(_, k) return k end, __newindex = function() end,
      __add = function() return 1 end, __call = function(_, x) return x end, __lt = function() return true end,
      __close = function() end })
    local x = t.a
    t.b = x
    x = t + 1
    x = t(2)
    x = t < t
    do local c <close> = t end
    return x
  end },
  { "errors", function()
    local function f() error("x") end
    for n = 1, 2 do pcall(f) end
    pcall(error)
    error("end", 0)
  end },
  { "coroutines", function()
    local co = coroutine.wrap(function(n)
      while n > 0 do n = coroutine.yield(n) end
      return "end"
    end)
    co(1) co(2)
    return co(0)
  end },
  { "varargs", function()
    local function f(...)
      while select("#", ...) == 1 do break end
      return ...
    end
    f(1) f(1, 2)
    return f()
  end },
  { "deep", function()
    local function f(n) if n > 0 then f(n - 1) end end
    f(5)
  end },
  { "sort and gsub", function()
    table.sort({ 3, 1, 2 }, function(a, b) return a < b end)
    return (("abc"):gsub(".", function(c) return c:upper() end))
  end },
}

for _, case in ipairs(bodies) do
  for _, mask in ipairs { "c", "r", "cr", "l", "crl" } do watch(case[1], case[2], mask) end
  for _, count in ipairs { 1, 2, 3, 7 } do watch(case[1], case[2], "", count) end
  watch(case[1], case[2], "crl", 1)
end

-- A hook of another coroutine.
do
  local seen = {}
  local co = coroutine.create(function()
    for n = 1, 3 do
      coroutine.yield(n)
    end
    while true do break end
  end)
  debug.sethook(co, function(event, line) seen[#seen + 1] = event .. (line and ":" .. line or "") end, "crl", 2)
  for n = 1, 4 do seen[#seen + 1] = "resume" coroutine.resume(co) end
  print("coroutine", coroutine.status(co), table.concat(seen, " "))
  print(debug.gethook(co) ~= nil, debug.gethook())
end

-- A hook that yields by an error, and one that changes itself.
do
  local n = 0
  local ok, message = pcall(function()
    debug.sethook(function() n = n + 1 if n == 5 then error("stopped") end end, "l")
    while true do
      local x = 1
    end
  end)
  debug.sethook()
  print(ok, message, n)
  local log = {}
  debug.sethook(function(event, line)
    log[#log + 1] = event .. tostring(line)
    debug.sethook(function(e, l) log[#log + 1] = "second " .. e .. tostring(l) end, "", 3)
  end, "l")
  for i = 1, 4 do
    local y = i
  end
  debug.sethook()
  print(table.concat(log, " "))
end
