-- Counter: how often a program has been run
--
-- What a program assigns to the table _home outlives it. With --state FILE that is kept in a file:
--
--   lua-persistent counter.lua --state counter.state

_home.count = (_home.count or 0) + 1
print("This program has run " .. _home.count .. (_home.count == 1 and " time." or " times."))
return _home.count
