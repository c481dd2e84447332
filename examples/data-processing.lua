-- Data processing: more records than the memory has room for
--
-- The machine has 2 MiB. This program makes 100,000 sales in external tables, several times as much, and then works on them:
-- totals by group, an index, the largest, the median. Each field is a column, a table of its own, which takes less room than
-- a table for each sale. With --state FILE a second run finds the data, and only evaluates them:
--
--   lua-persistent data-processing.lua --state sales.state

local COUNT = 100000
local REGIONS = {"north", "east", "south", "west"}

local function make()
  -- The same sales on every run.
  math.randomseed(42)
  local sales = {amount = ext.table(), region = ext.table(), note = ext.table()}
  -- Locals are faster than fields of external tables, which ask the host.
  local amount, region, note = sales.amount, sales.region, sales.note
  for i = 1, COUNT do
    amount[i] = math.random(10000) / 100
    region[i] = REGIONS[math.random(#REGIONS)]
    note[i] = "sale number " .. i .. ", delivered by the ordinary way"
  end
  return sales
end

if _home.sales then
  print("Found " .. ext.size(_home.sales.amount) .. " sales.")
else
  _home.sales = make()
  print("Made " .. ext.size(_home.sales.amount) .. " sales.")
end
local amount, region, note = _home.sales.amount, _home.sales.region, _home.sales.note

-- Totals by region: the groups are few, so they are an ordinary table.
local totals, counts = {}, {}
for i = 1, COUNT do
  local name, value = region[i], amount[i]
  totals[name] = (totals[name] or 0) + value
  counts[name] = (counts[name] or 0) + 1
end
for _, name in ipairs(REGIONS) do
  print(string.format("%-6s %6d sales %12.2f in all", name, counts[name], totals[name]))
end

-- An index, whole cents -> sales, is as large as the data, and lies outside like them.
local byCents = ext.table()
for i = 1, COUNT do
  local cents = math.floor(amount[i] * 100 + 0.5)
  byCents[cents] = (byCents[cents] or "") .. i .. " "
end

-- With it, the sales in the order of their amounts, without sorting them.
local seen, largest, median = 0, {}, nil
for cents = 10000, 1, -1 do
  local list = byCents[cents]
  if list then
    for i in list:gmatch("%d+") do
      seen = seen + 1
      if #largest < 3 then largest[#largest + 1] = math.tointeger(i) end
      if seen == COUNT // 2 then median = cents / 100 end
    end
  end
end
print(string.format("median %.2f", median))
for rank, i in ipairs(largest) do
  print(string.format("%d. %.2f (%s)", rank, amount[i], note[i]:match("^[^,]+")))
end

print(string.format("%d bytes of notes alone, with %d KiB of heap", COUNT * #note[COUNT], collectgarbage("count") // 1))
