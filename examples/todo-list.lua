-- Todo list: records in a list that outlives the program
--
--   lua-persistent todo-list.lua --state todo.state add Buy milk
--   lua-persistent todo-list.lua --state todo.state done 1
--   lua-persistent todo-list.lua --state todo.state list
--   lua-persistent todo-list.lua --state todo.state clear
--
-- A host without a command line puts the same words into _io.input ("add Buy milk"). Without any, the program makes a list
-- when there is none, and does what is next on it when there is.

_home.todo = _home.todo or {}
local todo = _home.todo

local commands = {}

function commands.add(text)
  assert(text ~= "", "what is to be done?")
  -- A table that is assigned to a field of an external one is external itself from then on.
  todo[#todo + 1] = {text = text, done = false}
end

function commands.done(number)
  local item = todo[tonumber(number)]
  assert(item, "there is no item " .. number)
  item.done = true
end

function commands.list()
  if #todo == 0 then print("Nothing to do.") end
  for number, item in ipairs(todo) do
    print(string.format("%d. [%s] %s", number, item.done and "x" or " ", item.text))
  end
end

function commands.clear()
  _home.todo = nil
  print("The list is empty.")
end

-- The first item that is not done yet.
local function nextItem()
  for number, item in ipairs(todo) do
    if not item.done then return number end
  end
end

local function demonstrate()
  local number = nextItem()
  if number then
    print("Doing: " .. todo[number].text)
    commands.done(number)
  elseif #todo > 0 then
    return commands.clear()
  else
    for _, text in ipairs {"Learn Lua", "Write a program", "Run it again"} do commands.add(text) end
  end
  commands.list()
end

local words = table.concat({...}, " ")
if words == "" then words = _io.input or "" end

local name, rest = words:match("^%s*(%S+)%s*(.-)%s*$")
if not name then
  demonstrate()
elseif commands[name] then
  commands[name](rest)
  if name ~= "list" and name ~= "clear" then commands.list() end
else
  error("there is no command '" .. name .. "': add, done, list, clear", 0)
end
