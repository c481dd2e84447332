/**
 * Keeps snapshots of a machine in IndexedDB, from a page. The machine has functions that share a variable, and a suspended
 * coroutine.
 *
 * The functions check themselves: each step of the machine changes all its parts, and they have to agree.
 */

import { Lua } from '../../web/lua-persistent.js';

/** @type {Lua | null} */
let lua = null;

const BEGIN = `
  local shared = 0
  function increase() shared = shared + 1 return shared end
  function look() return shared end
  items = setmetatable({}, { __index = function(_, key) return -key end })
  for i = 1, 10000 do items[i] = i end
  walker = coroutine.wrap(function()
    local steps = 0
    while true do
      local guard <close> = setmetatable({}, { __close = function() closed = steps end })
      steps = steps + 1
      for i = 1, 2 do coroutine.yield(steps) end
    end
  end)
  _home.steps = 0
`;

/** The coroutine stops twice per round: inside the loop, then at its last turn with the variable still to be closed. */
const STEP = `
  assert(walker() == look() + 1)
  local steps = walker()
  assert(closed == nil or closed == steps - 1)
  increase()
  items[steps % 10000 + 1] = -steps
  _home.steps = steps
`;

const CHECK = `
  local steps = look()
  assert(_home.steps == steps, "the external table is of another step")
  assert(#items == 10000 and items[20000] == -20000, "the table is not what it was")
  assert(steps == 0 or items[steps % 10000 + 1] == -steps, "the items are of another step")
  assert((closed or 0) == math.max(steps - 1, 0), "the coroutine is at another step")
  return steps
`;

/**
 * Go on with the machine that is kept, or begin a new one.
 *
 * @param {string} name
 * @returns {Promise<number>} how many steps it has made
 */
export async function open(name) {
  const bytes = await access('readonly', (images) => images.get(name));
  if (bytes === undefined) {
    lua = await Lua.create();
    lua.compute(BEGIN);
  } else {
    lua = await Lua.restore(bytes);
  }
  return lua.compute(CHECK).value;
}

/** Let the machine make a step. */
export function step() {
  lua.compute(STEP);
  return lua.compute(CHECK).value;
}

/**
 * Keep the machine as it is now.
 *
 * @param {string} name
 */
export async function save(name) {
  const bytes = await lua.snapshot();
  await access('readwrite', (images) => images.put(bytes, name));
}

/**
 * Step and save without end.
 *
 * @param {string} name
 * @param {(step: number) => void} saved is told each step when it is safe
 */
export async function saveForever(name, saved) {
  for (;;) {
    const number = step();
    await save(name);
    saved(number);
  }
}

/** Make one request in a transaction of its own, and give its result when the transaction is complete. */
function access(mode, request) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('images', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('images');
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const transaction = database.transaction('images', mode);
      const requested = request(transaction.objectStore('images'));
      transaction.oncomplete = () => {
        database.close();
        resolve(requested.result);
      };
      transaction.onabort = () => reject(transaction.error);
    };
  });
}
