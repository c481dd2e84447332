-- What else of the library takes sizes, at the edges of 32, 53 and 64 bits: a line for each call.
local edges = {0, 1, 2, 255, 256, 65536}
for _, n in ipairs {2^31, 2^32, 2^33, 2^48, 2^53, 2^62} do
  for offset = -2, 2 do edges[#edges + 1] = math.tointeger(n) + offset end
end
edges[#edges + 1] = math.maxinteger
edges[#edges + 1] = math.maxinteger - 1
for n = #edges, 1, -1 do edges[#edges + 1] = -edges[n] end
edges[#edges + 1] = math.mininteger

local function show(name, ...)
  local got = table.pack(pcall(...))
  for n = 1, got.n do got[n] = (tostring(got[n]):gsub("^[^\n]-:%d+: ", "")) end
  print(name .. ": " .. table.concat(got, " ", 1, got.n))
end

local function sized(n, at) return setmetatable({}, { __len = function() return n end, __index = function(_, k) return at and at[k] end, __newindex = function() end }) end

for _, n in ipairs(edges) do
  -- (what is long enough to be made natively is too long here)
  if n < 3 or n > 2^53 then
    show("rep " .. n, function() return #string.rep("ab", n), #string.rep("a", n, "-") end)
    show("rep of nothing " .. n, function() return n < 3 and #string.rep("", n) end)
  end
  show("sort " .. n, function() if n <= 0 or n >= 2^31 - 1 then table.sort(sized(n)) end return "sorted" end)
  show("concat of length " .. n, function() if n < 3 then return table.concat(sized(n, {"a", "b", "c"})) end end)
  show("concat at the end " .. n, function() return table.concat(sized(n, {[n] = "x"}), ",", n) end)
  show("unpack of length " .. n, function() return select("#", table.unpack(sized(n), math.max(n - 1, math.mininteger))) end)
  show("unpack of many " .. n, function() if n > 2^31 - 3 then return table.unpack({}, 1, n) end end)
  show("unpack of many before 0 " .. n, function() if n < -2^31 then return table.unpack({}, n, 0) end end)
  show("insert at the end " .. n, function() local at, v local t = setmetatable({}, { __len = function() return n end, __newindex = function(_, k, x) at, v = k, x end }) table.insert(t, "x") return at, v end)
  show("remove at the end " .. n, function() local asked = {} local t = setmetatable({}, { __len = function() return n end, __index = function(_, k) asked[#asked + 1] = k return k end, __newindex = function(_, k) asked[#asked + 1] = "set " .. k end }) return table.remove(t), table.concat(asked, ",") end)
  show("insert beyond " .. n, function() table.insert(sized(n), n + 2, "x") end)
  show("insert behind " .. n, function() local at local t = setmetatable({}, { __len = function() return n end, __newindex = function(_, k) at = k end }) table.insert(t, n + 1, "x") return at end)
  for _, m in ipairs {-1, 0, 1, 2} do
    local from, to = n, n + m
    show(("move %d %d"):format(n, m), function()
      local log = {}
      local t = setmetatable({}, { __index = function(_, k) return k end })
      local into = setmetatable({}, { __newindex = function(_, k, v) log[#log + 1] = k .. "=" .. v end })
      table.move(t, from, to, 1, into) table.move(t, 1, 2, from, into)
      return table.concat(log, " ")
    end)
  end
  show("move many " .. n, function() if n >= math.maxinteger - 1 then table.move({}, -1, n, 1) end end)
  show("move far " .. n, function() if n >= math.maxinteger - 1 then table.move({}, 1, n, 3) end end)
  for _, field in ipairs {"year", "month", "day", "hour", "min", "sec"} do
    show("os.time " .. field .. " " .. n, function()
      local t = {year = 2020, month = 1, day = 1, hour = 12}
      t[field] = n
      return os.time(t), t.year, t.month, t.day, t.hour, t.min, t.sec, t.wday, t.yday
    end)
    show("os.time " .. field .. " as text " .. n, function() local t = {year = 2020, month = 1, day = 1} t[field] = tostring(n) return os.time(t) end)
    show("os.time " .. field .. " as float " .. n, function() local t = {year = 2020, month = 1, day = 1} t[field] = n + 0.0 return os.time(t) end)
  end
  show("os.date " .. n, os.date, "!%Y-%m-%d %H:%M:%S", n)
  show("os.date table " .. n, function() local t = os.date("!*t", n) return t.year, t.month, t.day, t.hour, t.min, t.sec, t.wday, t.yday end)
  show("os.difftime " .. n, os.difftime, n, 1)
  show("setpause " .. n, function() local before = collectgarbage("setpause", 200) collectgarbage("setpause", n) local after = collectgarbage("setpause", before) return after end)
  show("setstepmul " .. n, function() local before = collectgarbage("setstepmul", 100) collectgarbage("setstepmul", n) local after = collectgarbage("setstepmul", before) return after end)
  show("step " .. n, function() return type(collectgarbage("step", n)) end)
  show("incremental " .. n, function() local mode = collectgarbage("incremental", n, n, n) collectgarbage("setpause", 200) collectgarbage("setstepmul", 100) collectgarbage("incremental", 200, 100, 13) return mode end)
  show("generational " .. n, function() local mode = collectgarbage("generational", n, n) collectgarbage("incremental", 200, 100, 13) return mode end)
  show("parameters " .. n, function()
    local name = ({"minormul", "majorminor", "minormajor", "pause", "stepmul", "stepsize"})[1 + n % 6]
    local before = collectgarbage("param", name, 300)
    collectgarbage("param", name, n)
    return collectgarbage("param", name, before)
  end)
  show("load level " .. n, function() return pcall(error, "x", n) end)
  show("getinfo " .. n, function() if n < 0 or n > 100 then return type(debug.getinfo(n)) end end)
  show("getlocal " .. n, function() if n < 0 or n > 100 then return debug.getlocal(1, n) end end)
  show("getlocal of level " .. n, function() if n < 0 or n > 100 then return (debug.getlocal(n, 1)) end end)
  show("parameter " .. n, debug.getlocal, show, n)
  show("setupvalue " .. n, function() if n < 0 or n > 100 then local own return debug.setupvalue(function() return own end, n, 1) end end)
  show("upvalueid " .. n, function() if n < 0 or n > 100 then return type(debug.upvalueid(function() return show end, n)) end end)
  show("upvaluejoin " .. n, function() if n < 0 or n > 100 then local f = function() return show end return debug.upvaluejoin(f, n, f, 1) end end)
  show("uservalue " .. n, function() return debug.getuservalue(io.stdout or 1, n) end)
  show("sethook count " .. n, function() debug.sethook(function() end, "", n) local f, mask, count = debug.gethook() debug.sethook() return type(f), mask, count end)
  show("format width " .. n, function() return #string.format("%" .. n .. "d", 1) end)
  show("format precision " .. n, function() return #string.format("%." .. n .. "f", 1) end)
  show("packsize " .. n, function() return string.packsize("i" .. n), string.packsize("c" .. n) end)
  show("pack alignment " .. n, function() return string.packsize("!" .. n .. "i8") end)
  show("pack string " .. n, function() if n < 300 then return #string.pack("c" .. n, "") end end)
  show("xor " .. n, function() return n ~ 1, n // 3, n % 7, n << 1, n * n end)
  show("for " .. n, function() local count = 0 for i = n, n + 2 do count = count + 1 if count > 5 then break end end return count end)
  show("for from the end " .. n, function() local count = 0 for i = math.maxinteger - 2, n do count = count + 1 if count > 5 then break end end return count end)
  show("for with a step " .. n, function() if n ~= 0 then local count, last = 0 for i = 1, math.maxinteger, n do count = count + 1 last = i if count > 5 then break end end return count, last end end)
  show("load reader " .. n, function() local t = {"return ", tostring(n)} local at = 0 return load(function() at = at + 1 return t[at] end)() end)
  show("coroutine.close " .. n, function() return select("#", coroutine.resume(coroutine.create(function(...) return ... end), n)) end)
  show("ult " .. n, math.ult, n, 1)
  show("tointeger " .. n, math.tointeger, n + 0.0)
  show("string index " .. n, function() return ("x"):rep(3, ","):byte(n, n) end)
  show("select negative " .. n, function() return select(n, 1, 2, 3) end)
end
