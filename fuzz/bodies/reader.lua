local left, seen = 300, {}
local touch

local function each(t)
  local n = 0
  for k, v in next, t do
    n = n + 1
    if n > 60 then break end
    touch(v)
  end
end

local uses = {
  function(t) return #t, rawlen(t) end,
  function(t) return tostring(t) .. type(t) end,
  function(t) return t.missing, t[1], t[-1], t[1.5], t[true], t[""] end,
  function(t) return t + 1 end,
  function(t) return t .. "x" end,
  function(t) return t == {}, t < t end,
  function(t) touch(getmetatable(t)) end,
  function(t) return ext.size(t), ext.id(t) end,
  each,
  function(t) for i, v in ipairs(t) do if i > 20 then break end touch(v) end end,
  function(t) return next(t, next(t)), next(t, "a"), next(t, 1) end,
  function(t) return table.concat(t, ","), table.unpack(t, 1, 3) end,
  function(t) t.new = { 1, { 2 } } t.new = nil end,
  function(t) table.insert(t, 1) table.remove(t) end,
  function(t) setmetatable(t, getmetatable(t)) end,
  function(t) return setmetatable({}, t) .. "x" end,
  function(t) return load("return " .. tostring(t[1])) end,
}

function touch(v)
  left = left - 1
  if left < 0 or seen[v] then return end
  if type(v) == "table" then
    seen[v] = true
    for _, use in ipairs(uses) do pcall(use, v) end
  elseif type(v) == "function" and debug.getinfo(v, "S").what == "Lua" then
    seen[v] = true
    pcall(v, 1)
    local n = 1
    while debug.getupvalue(v, n) do
      touch(select(2, debug.getupvalue(v, n)))
      n = n + 1
    end
  end
end

touch(_home)
pcall(ext.collect)
collectgarbage()
seen = {}
left = 100
touch(_home)
return _home
