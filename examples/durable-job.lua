-- Durable job: work that survives being stopped
--
-- The job counts prime numbers in pieces. After each piece it notes in _home how far it has come, so that whatever stops it
-- costs the pieces since the last save, and nothing else. An argument says how many pieces to do in this run:
--
--   lua-persistent durable-job.lua --state job.state 4
--
-- durable-job.mjs beside this file runs the same program from JavaScript and can be killed at any moment.

local LIMIT, PIECE = 200000, 10000

_home.job = _home.job or {next = 1, found = 0, pieces = 0, finished = false}
local job = _home.job

local function isPrime(n)
  if n < 4 then return n > 1 end
  if n % 2 == 0 then return false end
  for divisor = 3, math.floor(math.sqrt(n)), 2 do
    if n % divisor == 0 then return false end
  end
  return true
end

-- A piece changes locals alone; what it has found is noted in one go.
local function doPiece()
  local first, last, found = job.next, math.min(job.next + PIECE - 1, LIMIT), 0
  for n = first, last do
    if isPrime(n) then found = found + 1 end
  end
  job.next, job.found, job.pieces = last + 1, job.found + found, job.pieces + 1
  job.finished = last == LIMIT
  print(string.format("%6d to %6d: %4d primes, %5d so far", first, last, found, job.found))
end

if job.finished then
  print("This job is finished.")
elseif job.pieces > 0 then
  print("Going on at " .. job.next .. ".")
end

local pieces = tonumber((...)) or math.huge
while not job.finished and pieces > 0 do
  doPiece()
  pieces = pieces - 1
  -- Whoever runs the program in steps gets a turn here: it may save, show the progress, or stop.
  if coroutine.isyieldable() then coroutine.yield() end
end

print(string.format("%d primes up to %d", job.found, job.next - 1))
return job.found
