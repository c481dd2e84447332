-- Random operations on external tables and, alike, on a model of them in plain tables. What the two
-- hold, in which order, and what each operation gives must be the same.
--
-- The pool is a list of pairs of tables. Values may be tables of the pool, so that tables lead to each
-- other in every way. The first few of the pool are only used as sequences.

local SEQUENCES, TABLES = 3, 9
local seed

local function random(n)  -- xorshift64*, from 1 to n
  seed = seed ~ (seed >> 12)
  seed = seed ~ (seed << 25)
  seed = seed ~ (seed >> 27)
  return ((seed * 0x2545F4914F6CDD1D) >> 33) % n + 1
end

-- model[i]: { values = plain table, order = list of the keys as they came }; stored[i]: the external one
local model, stored, index_of

-- Reads the pool from `_home`, which has it in full; the model is that of an earlier machine, or new.
function begin(from, text)
  seed = from
  model = text and load(text)() or nil
  stored, index_of = {}, {}
  if not model then
    model = {}
    _home.pool = {}
    for i = 1, TABLES do
      model[i] = { values = {}, order = {} }
      -- One made as external, one made external by its assignment.
      _home.pool[i] = i % 2 == 0 and ext.table() or {}
    end
  end
  for i = 1, TABLES do
    stored[i] = _home.pool[i]
    index_of[stored[i]] = i
  end
end

local function reference(i) return setmetatable({ index = i }, { __eq = function(a, b) return a.index == b.index end }) end

local references = {}
for i = 1, TABLES do references[i] = reference(i) end

local strings = { "a", "name", "", "[5]", "[", "\n", "\0zero", "\xFF\xFE", "é", "漢字", "\u{FEFF}", "[meta]", "1", "true", ("long"):rep(20), ("\r\n"):rep(40) }
local numbers = { 0, 1, 2, 3, -1, 10, 1 << 53, (1 << 53) + 1, math.maxinteger, math.mininteger, 1.5, -0.5, 1e300, 2^53, 1 / 0, -1 / 0, 3.0, 5e-324 }

local function key()
  local kind = random(10)
  if kind <= 4 then return strings[random(#strings)] end
  if kind <= 6 then return "key" .. random(20) end
  if kind <= 9 then return numbers[random(#numbers)] end
  return random(2) == 1
end

-- A value for the model, and the same for an external table.
local function value()
  local kind = random(12)
  if kind == 1 then return nil, nil end
  if kind <= 3 then
    local i = random(TABLES)
    return references[i], stored[i]
  end
  local v
  if kind == 4 then v = random(2) == 1
  elseif kind <= 7 then v = strings[random(#strings)] .. random(9)
  elseif kind <= 10 then v = numbers[random(#numbers)]
  elseif kind == 11 then v = 0 / 0
  else v = ({ print, string.format, table.concat })[random(3)] end
  return v, v
end

local function same(m, e)
  if m ~= m then return e ~= e end
  if getmetatable(m) and type(m) == "table" then return index_of[e] == m.index end
  return m == e and math.type(m) == math.type(e) and (m ~= 0 or 1 / m == 1 / e)
end

local function check(m, e, what)
  if not same(m, e) then error(("%s: %s in the model, %s in the external table"):format(what, ('%q'):format(tostring(m)), ('%q'):format(tostring(e))), 2) end
end

-- As a table does: floats with the value of an integer are that integer.
local function plain_key(k) return math.type(k) == "float" and math.tointeger(k) or k end

local function assign(i, k, v)
  local entry = model[i]
  k = plain_key(k)
  if v == nil then
    if entry.values[k] ~= nil then
      for n, other in ipairs(entry.order) do
        if other == k then table.remove(entry.order, n) break end
      end
    end
  elseif entry.values[k] == nil then
    entry.order[#entry.order + 1] = k
  end
  entry.values[k] = v
end

local function compare(i)
  local entry, e = model[i], stored[i]
  local n = 0
  for k, v in pairs(e) do
    n = n + 1
    check(entry.order[n], k, "key " .. n .. " of table " .. i)
    check(entry.values[k], v, "table " .. i .. " at " .. tostring(k))
  end
  check(#entry.order, n, "the number of keys of table " .. i)
  check(#entry.order, ext.size(e), "ext.size of table " .. i)
  if i <= SEQUENCES then check(#entry.values, #e, "length of table " .. i) end
end

-- Operations on any table.

local function set()
  local i, k = random(TABLES - SEQUENCES) + SEQUENCES, key()
  local m, e = value()
  stored[i][k] = e
  assign(i, k, m)
end

local function get()
  local i, k = random(TABLES), key()
  check(model[i].values[k], stored[i][k], "get " .. tostring(k))
end

local function raw()
  local i, k = random(TABLES - SEQUENCES) + SEQUENCES, key()
  check(model[i].values[k], rawget(stored[i], k), "rawget " .. tostring(k))
  local m, e = value()
  rawset(stored[i], k, e)
  assign(i, k, m)
  check(rawequal(stored[i], _home.pool[i]), true, "rawequal")
end

local function delete_while_walking()
  local i = random(TABLES - SEQUENCES) + SEQUENCES
  local gone, n = random(4), 0
  for k, v in next, stored[i] do
    check(model[i].values[k], v, "walking table " .. i)
    n = n + 1
    if n % 4 == gone then
      stored[i][k] = nil
      assign(i, k, nil)
    elseif n % 4 == gone + 1 then
      stored[i][k] = n
      assign(i, k, n)
    end
  end
end

-- A single `next` may go on where an earlier loop stopped, in the order of that time: what it gives is
-- another key that is there, and nothing only behind the last one.
local function walk_by_next()
  local i = random(TABLES)
  local entry = model[i]
  local n = random(#entry.order + 1)
  local k, v = next(stored[i], entry.order[n - 1])
  if k == nil then
    check(entry.order[n], nil, "next of table " .. i .. " behind key " .. n - 1)
  else
    check(entry.values[k], v, "next of table " .. i .. " at " .. tostring(k))
    check(rawequal(k, entry.order[n - 1]), false, "next of table " .. i .. " gives the key itself")
  end
end

-- Operations on sequences: the library's functions do to the external table what they do to a plain one.

local function sequence()
  local i = random(SEQUENCES)
  return i, model[i].values, stored[i]
end

-- Tells the model of the order what an operation on the plain table did to its keys.
local function renew(i, length, downwards)
  local entry, new = model[i], #model[i].values
  for n = length + 1, new do entry.order[n] = downwards and new + length + 1 - n or n end
  if new < length then
    local left = {}
    for _, k in ipairs(entry.order) do
      if k <= new then left[#left + 1] = k end
    end
    entry.order = left
  end
end

local function insert()
  local i, m, e = sequence()
  if #m >= 40 then return end
  local at, length = random(#m + 1), #m
  local mv, ev = value()
  if mv == nil then mv, ev = 7, 7 end
  table.insert(m, at, mv)
  table.insert(e, at, ev)
  renew(i, length)
end

local function append()
  local i, m, e = sequence()
  if #m >= 40 then return end
  m[#m + 1], e[#e + 1] = 1.25, 1.25
  renew(i, #m - 1)
end

local function remove()
  local i, m, e = sequence()
  if #m == 0 then return end
  local at, length = random(#m), #m
  check(table.remove(m, at), table.remove(e, at), "table.remove")
  renew(i, length)
end

local function length()
  local i, m, e = sequence()
  check(#m, #e, "length")
  check(#m, rawlen(e), "rawlen")
end

local function each()
  local i, m, e = sequence()
  local n = 0
  for k, v in ipairs(e) do
    n = n + 1
    check(n, k, "ipairs")
    check(m[k], v, "ipairs")
  end
  check(#m, n, "ipairs")
end

local function unpack_some()
  local i, m, e = sequence()
  local first = random(#m + 1)
  local ms, es = table.pack(table.unpack(m, first)), table.pack(table.unpack(e, first))
  check(ms.n, es.n, "table.unpack")
  for n = 1, ms.n do check(ms[n], es[n], "table.unpack") end
end

local function sort_and_concat()
  local i, m, e = sequence()
  local length = #m
  for n = 1, length do
    local v = random(1000)
    m[n], e[n] = v, v
  end
  local order = random(2) == 1 and function(a, b) return a > b end or nil
  table.sort(m, order)
  table.sort(e, order)
  check(table.concat(m, ","), table.concat(e, ","), "table.concat")
end

local function move()
  local i, m, e = sequence()
  local j, m2, e2 = sequence()
  if #m == 0 or #m2 >= 40 then return end
  local first = random(#m)
  local last = first + random(#m - first + 1) - 1
  local to = random(#m2 + 1)
  local length = #m2
  table.move(m, first, last, to, m2)
  table.move(e, first, last, to, e2)
  -- What overlaps is moved from its end on.
  renew(j, length, i == j and to > first and to <= last)
end

local operations = {
  set, set, set, set, set, get, get, get, raw, delete_while_walking, walk_by_next,
  insert, append, remove, length, each, unpack_some, sort_and_concat, move,
}

function run(count)
  for n = 1, count do
    operations[random(#operations)]()
    if n % 100 == 0 then compare(random(TABLES)) end
  end
  for i = 1, TABLES do compare(i) end
  return seed
end

-- The model as a chunk that makes it again.
function save()
  local out = {}
  local function write(v)
    if type(v) == "table" then return "references[" .. v.index .. "]" end
    if type(v) == "function" then
      return v == print and "print" or v == string.format and "string.format" or "table.concat"
    end
    if v ~= v then return "0/0" end
    return (("%q"):format(v):gsub("[\128-\255]", function(byte) return ("\\%d"):format(byte:byte()) end))
  end
  for i, entry in ipairs(model) do
    local values, order = {}, {}
    for n, k in ipairs(entry.order) do
      order[n] = write(k)
      values[n] = "[" .. write(k) .. "]=" .. write(entry.values[k])
    end
    out[i] = "{values={" .. table.concat(values, ",") .. "},order={" .. table.concat(order, ",") .. "}}"
  end
  return "local references = model_references return {" .. table.concat(out, ",") .. "}"
end
model_references = references
