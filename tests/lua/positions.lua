-- What the functions of the library make of positions and sizes at the edges of 32, 53 and 64 bits: a line for each call.
local edges = {0, 1, 2, 3, 5, 6, 7}
for _, n in ipairs {2^31, 2^32, 2^33, 2^48, 2^53, 2^62} do
  for offset = -3, 3 do edges[#edges + 1] = math.tointeger(n) + offset end
end
for offset = 0, 3 do edges[#edges + 1] = math.maxinteger - offset end
for n = #edges, 1, -1 do edges[#edges + 1] = -edges[n] end
edges[#edges + 1] = math.mininteger

local function show(name, ...)
  local got = table.pack(pcall(...))
  for n = 1, got.n do got[n] = (tostring(got[n]):gsub("^[^\n]-:%d+: ", "")) end
  print(name .. ": " .. table.concat(got, " ", 1, got.n))
end

local small = {}
for _, n in ipairs(edges) do
  if n >= -10 and n <= 10 then small[#small + 1] = n end
  show("byte " .. n, string.byte, "hello", n)
  show("sub " .. n, string.sub, "hello", n)
  show("find " .. n, string.find, "hello", "l", n)
  show("find plain " .. n, string.find, "hello", "", n, true)
  show("match " .. n, string.match, "hello", "()", n)
  show("gmatch " .. n, function() local all = {} for at in ("hello"):gmatch("()", n) do all[#all + 1] = at end return table.concat(all, ",") end)
  show("gsub " .. n, string.gsub, "hello", "l", "L", n)
  show("unpack " .. n, string.unpack, "B", "hello", n)
  show("unpack s8 " .. n, string.unpack, "<s8", string.pack("<i8", n) .. "hello")
  show("unpack s4 " .. n, string.unpack, "<s4", string.pack("<i8", n):sub(1, 4) .. "hello")
  show("char " .. n, string.char, n)
  show("select " .. n, select, n, "a", "b", "c")
  show("utf8.char " .. n, utf8.char, n)
  show("utf8.len " .. n, utf8.len, "h\u{e9}llo", n)
  show("utf8.codepoint " .. n, utf8.codepoint, "h\u{e9}llo", n)
  show("utf8.offset " .. n, utf8.offset, "h\u{e9}llo", n)
  show("utf8.offset from " .. n, utf8.offset, "h\u{e9}llo", 1, n)
  show("insert " .. n, function() local t = {1, 2, 3} table.insert(t, n, 9) return table.concat(t, ",") end)
  show("remove " .. n, function() local t = {1, 2, 3} return table.remove(t, n), table.concat(t, ",") end)
  show("tonumber " .. n, tonumber, "11", n)
  show("random " .. n, function() math.randomseed(42) return math.random(n), math.random(math.min(n, 1), math.max(n, 1)) end)
  show("randomseed " .. n, function() math.randomseed(n) return math.random(0) end)
  show("date " .. n, function() return type(os.date("!%Y", n)) end)
  show("shift " .. n, function() return 1 << n, 1 >> n, -1 >> n end)
  show("pack i4 " .. n, function() return (string.pack("<i4", n):gsub(".", function(c) return c:byte() .. "," end)) end)
  show("traceback " .. n, function() return #debug.traceback("", n) > 1000 end)
  show("upvalue " .. n, function() return (debug.getupvalue(show, n)) end)
  for _, m in ipairs {0, 1, 2, -1, 2^31 | 0, 2^32 | 0, (2^32 | 0) + 1, -(2^32 | 0), math.maxinteger, math.mininteger} do
    show(("byte %d %d"):format(n, m), string.byte, "hello", n, m)
    show(("sub %d %d"):format(n, m), string.sub, "hello", n, m)
    show(("utf8.len %d %d"):format(n, m), utf8.len, "hello", n, m)
    show(("utf8.codepoint %d %d"):format(n, m), utf8.codepoint, "hello", n, m)
    show(("unpack %d %d"):format(n, m), function()
      if m - n >= 0 and m - n < 5 or n > m then return table.unpack({1, 2, 3}, n, m) end
    end)
    show(("concat %d %d"):format(n, m), function()
      if n > m or m - n >= 0 and m - n < 5 then return table.concat({"a", "b", "c"}, "-", n, m) end
    end)
    show(("move %d %d"):format(n, m), function()
      if m - n >= 0 and m - n < 5 or n > m then local t = table.move({1, 2, 3}, n, m, 2) return t[1], t[2], t[3] end
    end)
  end
end
for _, form in ipairs {"!4294967297", "i4294967297", "s4294967300", "%4294967297d", "%.4294967297f", "xx4294967297"} do
  show("pack " .. form, string.pack, form, 1)
  show("packsize " .. form, string.packsize, form)
  show("format " .. form, string.format, form, 1)
end
