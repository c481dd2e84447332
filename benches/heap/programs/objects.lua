-- Objects with metatables: a binary tree, a linked queue, vectors that come and go.
local Vector = {}
Vector.__index = Vector
Vector.__add = function(a, b) return setmetatable({ x = a.x + b.x, y = a.y + b.y }, Vector) end
local function tree(depth)
  if depth == 0 then return { value = depth } end
  return { left = tree(depth - 1), right = tree(depth - 1), value = depth }
end
local kept = tree(10)
for round = 1, 8 do
  local t = tree(9)
  local sum = setmetatable({ x = 0, y = 0 }, Vector)
  for i = 1, 4000 do sum = sum + setmetatable({ x = i, y = -i }, Vector) end
  local head, tail
  for i = 1, 2000 do
    local node = { item = i }
    if tail then tail.next = node else head = node end
    tail = node
    if i % 3 == 0 then head = head.next end
  end
  assert(sum.x == 8002000 and t and head)
end
assert(kept.left.right.value == 8)
