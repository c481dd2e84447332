-- Fills arrays and hashes by growth, removes from them, sorts.
for round = 1, 6 do
  local list, index = {}, {}
  for i = 1, 8000 do list[i] = (i * 7919) % 10007 end
  for i = 1, 4000 do index["k" .. list[i]] = i end
  for i = 1, 4000, 2 do index["k" .. list[i]] = nil end
  table.sort(list)
  for i = 1, 2000 do table.remove(list) end
  local grid = {}
  for y = 1, 60 do
    grid[y] = {}
    for x = 1, 60 do grid[y][x] = x * y end
  end
end
