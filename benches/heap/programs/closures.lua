-- Closures and coroutines: counters, memoisation, generators, pipelines.
local function counter(start)
  local n = start
  return function(step) n = n + (step or 1) return n end, function() return n end
end
local keep = {}
for round = 1, 10 do
  for i = 1, 1500 do
    local add, get = counter(i)
    add(round)
    keep[i % 300 + 1] = get
  end
  local cache = {}
  local function fib(n)
    if n < 2 then return n end
    cache[n] = cache[n] or fib(n - 1) + fib(n - 2)
    return cache[n]
  end
  assert(fib(60) == 1548008755920)
  for i = 1, 150 do
    local generate = coroutine.wrap(function() for j = 1, 10 do coroutine.yield({ j, i }) end end)
    for _ = 1, 10 do generate() end
  end
end
