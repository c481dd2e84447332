-- What a value looks like, the same for a table in the heap and for an external one.
function describe(value)
  local seen, count = {}, 0
  local function go(v)
    if type(v) == "function" then return "function" end
    if type(v) ~= "table" then return type(v) .. ":" .. tostring(v) end
    if seen[v] then return "#" .. seen[v] end
    count = count + 1
    seen[v] = count
    local keys = {}
    for k in next, v do keys[#keys + 1] = k end
    table.sort(keys, function(a, b) return type(a) .. tostring(a) < type(b) .. tostring(b) end)
    local parts = {}
    for i, k in ipairs(keys) do parts[i] = go(k) .. "=" .. go(rawget(v, k)) end
    local mt = getmetatable(v)
    return "{" .. table.concat(parts, ",") .. "}" .. (mt and "^" .. go(mt) or "")
  end
  return go(value)
end
function subject() end

-- The ids of the external tables that a value in the heap leads to.
function held(value)
  local seen, ids = {}, {}
  local function go(v)
    if type(v) ~= "table" or seen[v] then return end
    seen[v] = true
    if ext.id(v) then ids[#ids + 1] = ext.id(v) return end
    for k, x in next, v do go(x) end
    go(getmetatable(v))
  end
  go(value)
  return table.concat(ids, " ")
end
