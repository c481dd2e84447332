-- Reads and writes records as a data-handling script does: parse, group, serialise, keep some.
local function serialise(value)
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for key, item in pairs(value) do parts[#parts + 1] = ("%q:%s"):format(key, serialise(item)) end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end
local lines = {}
for i = 1, 600 do lines[i] = ("%d;name%d;%s;%.3f"):format(i, i * 37 % 211, ("x"):rep(i % 40), i / 7) end
local store = {}
for round = 1, 8 do
  local groups = {}
  for _, line in ipairs(lines) do
    local id, name, note, value = line:match("^(%d+);(%w+);(%w*);([%d.]+)$")
    local record = { id = tonumber(id), name = name, note = note, value = tonumber(value), tags = { name, round } }
    local group = groups[name] or {}
    groups[name] = group
    group[#group + 1] = record
  end
  local text = serialise(groups)
  store[round % 3] = text
  assert(#text > 20000)
end
