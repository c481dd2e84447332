// What is run to compare interpreters: small programs, each of which gives a number that has to be the same everywhere.

export const PROGRAMS = {
  'calls: `fib(27)`': `
    local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
    return fib(27)`,
  'a loop of 3,000,000 rounds, warm': `
    local sum = 0
    for i = 1, 3000000 do sum = sum + i % 7 end
    return sum`,
  'floats: 20,000 steps of n bodies': `
    local bodies = {}
    for i = 1, 5 do bodies[i] = {x = i, y = i * 2, z = i * 3, vx = 0, vy = 0, vz = 0, mass = 1 / i} end
    for step = 1, 20000 do
      for i = 1, 5 do
        local a = bodies[i]
        for j = i + 1, 5 do
          local b = bodies[j]
          local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
          local d = dx * dx + dy * dy + dz * dz + 0.01
          local m = 0.001 / (d * d ^ 0.5)
          a.vx, a.vy, a.vz = a.vx - dx * b.mass * m, a.vy - dy * b.mass * m, a.vz - dz * b.mass * m
          b.vx, b.vy, b.vz = b.vx + dx * a.mass * m, b.vy + dy * a.mass * m, b.vz + dz * a.mass * m
        end
      end
      for i = 1, 5 do
        local b = bodies[i]
        b.x, b.y, b.z = b.x + 0.001 * b.vx, b.y + 0.001 * b.vy, b.z + 0.001 * b.vz
      end
    end
    return (bodies[1].x * 1e6) // 1`,
  'tables: sort 20,000 numbers': `
    local t, x = {}, 42.0
    for i = 1, 20000 do x = (x * 16807.0) % 2147483647.0 t[i] = x end
    table.sort(t)
    return t[10000]`,
  'strings: 5,000 formatted, joined, searched': `
    local parts = {}
    for i = 1, 5000 do parts[i] = string.format("%d:%s", i, i % 3 == 0 and "fizz" or "") end
    local text, count = table.concat(parts, ","), 0
    for _ in text:gmatch("%d+:fizz") do count = count + 1 end
    return count`,
  'closures and methods: 200,000 calls': `
    local Counter = {} Counter.__index = Counter
    function Counter:add(n) self.n = self.n + n return self end
    local function each(n, f) for i = 1, n do f(i) end end
    local counter = setmetatable({n = 0}, Counter)
    each(200000, function(i) counter:add(i % 5) end)
    return counter.n`,
  '20,000 coroutines resumed and yielding': `
    local sum = 0
    local co = coroutine.wrap(function() for i = 1, 20000 do coroutine.yield(i) end return 0 end)
    for i = 1, 20000 do sum = sum + co() end
    return sum`,
  '2,000 errors caught by `pcall`': `
    local caught = 0
    for i = 1, 2000 do if not pcall(error, "x") then caught = caught + 1 end end
    return caught`,
};
