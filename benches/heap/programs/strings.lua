-- Builds and takes apart text: concatenation, formatting, patterns, buffers.
local words = {}
for i = 1, 2000 do words[i] = ("w%05d"):format(i * 7919 % 100003) end
for round = 1, 12 do
  local parts = {}
  for i, word in ipairs(words) do parts[#parts + 1] = word .. "-" .. (i % 97) end
  local text = table.concat(parts, " ")
  local upper = text:gsub("%a+", string.upper)
  local count = 0
  for token in upper:gmatch("%S+") do count = count + #token end
  local line = ""
  for i = 1, 150 do line = line .. words[i] end
  assert(count > 0 and #line == 150 * 6)
end
