-- State machine: functions and metatables that outlive the program
--
-- An order goes from one state to the next. Not only its state is kept, but the machine itself: the functions on its
-- transitions, the variable that they share, and the metatable with its methods. Each run sends the order the next event, and
-- the last of them begins with a new order:
--
--   lua-persistent state-machine.lua --state order.state

local EVENTS = {"pay", "ship", "lose", "ship", "deliver"}

local function newOrder(number)
  -- All actions share this variable, in this run and in those to come.
  local attempts = 0

  local Order = {}
  Order.__index = Order

  function Order:send(event)
    local transition = self.transitions[self.state][event]
    if not transition then
      error(string.format("%s: cannot %s what is %s", self, event, self.state), 2)
    end
    local from = self.state
    self.state = transition.to
    if transition.action then transition.action(self) end
    self.history[#self.history + 1] = from .. " -> " .. self.state
  end

  function Order:__tostring() return "order " .. self.number end

  return setmetatable({
    number = number,
    state = "placed",
    history = {},
    transitions = {
      placed = {pay = {to = "paid"}, cancel = {to = "cancelled"}},
      paid = {
        ship = {to = "shipped", action = function(order)
          attempts = attempts + 1
          print(string.format("%s is on its way, attempt %d", order, attempts))
        end},
      },
      shipped = {
        deliver = {to = "delivered", action = function(order)
          print(string.format("%s has arrived after %d attempts", order, attempts))
        end},
        lose = {to = "paid", action = function(order) print(tostring(order) .. " was lost") end},
      },
      delivered = {},
      cancelled = {},
    },
  }, Order)
end

if not _home.order or _home.sent == #EVENTS then
  _home.order = newOrder(_home.order and _home.order.number + 1 or 1)
  _home.sent = 0
end

local order = _home.order
_home.sent = _home.sent + 1
local event = EVENTS[_home.sent]
order:send(event)
print(string.format("%s: %s, so it is %s", order, event, order.state))

-- What a state does not allow is an error, and changes nothing.
local ok, message = pcall(order.send, order, "pay")
if not ok then print(message) end

print(table.concat(order.history, ", "))
return order.state
