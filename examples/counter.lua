-- Counts how often it has been run. With --state FILE the count outlives the process:
--
--   cargo xtask run examples/counter.lua --state counter.state

_home.count = (_home.count or 0) + 1
print("This program has run " .. _home.count .. (_home.count == 1 and " time." or " times."))
return _home.count
