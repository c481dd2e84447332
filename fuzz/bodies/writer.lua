local shared, n = { "shared", 1.5 }, 10
local mt = { __index = { inherited = 1 }, __len = function() return n end, __name = "Thing", __call = function(self, x) return x end }
_home.values = { nil, true, false, 1, -1, math.maxinteger, 0.5, 0/0, 1/0, "text", "\xFF\n\0", print, string.format, string, _G }
_home.keys = { [1] = 1, ["1"] = 2, [1.5] = 3, [true] = 4, [""] = 5, ["[x]"] = 6, ["\n"] = 7, ["\xFF"] = 8, [("long"):rep(100) .. "\n"] = 9 }
_home.thing = setmetatable({ shared, { shared } }, mt)
_home.cycle = { self = nil }
_home.cycle.self = _home.cycle
_home.up = function() n = n + 1 return n, shared end
_home.down = function() n = n - 1 return _home.up end
_home.even = function(k) return k end
local function a() return n, mt end
local function b() return a, shared end
_home.ab = { a = a, b = b, a2 = a }
_home.long = ("x"):rep(3000)
