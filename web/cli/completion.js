/**
 * Completes names at the prompt: keywords, globals, locals of earlier inputs, fields and methods.
 *
 * @import { Lua } from '../lua-persistent.js'
 */

import { LuaError } from '../lua-persistent.js';

const KEYWORDS = (
  'and break do else elseif end false for function goto if in local nil not or repeat return then true until while'
).split(' ');

/** The end of a line that can be completed: names with dots, perhaps a colon, and the beginning of one more. */
const TAIL = /((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*[.:])?([A-Za-z_]\w*)?$/;

/** Names behind `local`, to the end of the list. */
const LOCALS = /\blocal\s+(?:function\s+)?([A-Za-z_]\w*(?:\s*<\w+>)?(?:\s*,\s*[A-Za-z_]\w*(?:\s*<\w+>)?)*)/g;

/**
 * Lua code that lists the names in a value. Nothing of it calls metamethods: completing must not change anything. External
 * tables may hold millions of entries, of which the first are looked at.
 */
const LIST = `(function(path, prefix, methods, value)
  for name in path:gmatch("[%a_][%w_]*") do
    for _ = 1, 10 do
      local found
      if type(value) == "table" then found = rawget(value, name) end
      local meta = debug.getmetatable(value)
      local index = meta and rawget(meta, "__index")
      if found ~= nil or index == nil then value = found break end
      value = index
    end
  end
  local names, seen, left = {}, {}, 20000
  for _ = 1, 10 do
    if type(value) == "table" then
      for key, field in next, value do
        left = left - 1
        if left < 0 then break end
        if type(key) == "string" and key:sub(1, #prefix) == prefix and key:find("^[%a_][%w_]*$") and not seen[key]
          and (not methods or type(field) == "function") then
          seen[key] = true
          names[#names + 1] = key
        end
      end
    end
    local meta = debug.getmetatable(value)
    value = meta and rawget(meta, "__index")
    if value == nil then break end
  end
  table.sort(names)
  return names
end)`;

/** Completes the ends of lines. */
export class Completer {
  /** @param {Lua} lua */
  constructor(lua) {
    /** @private */
    this.lua = lua;
    /**
     * What may be locals of earlier inputs.
     * @private
     * @type {Set<string>}
     */
    this.locals = new Set();
  }

  /**
   * Remember the locals of an input.
   *
   * @param {string} text
   */
  learn(text) {
    for (const [, list] of text.matchAll(LOCALS)) {
      for (const name of list.replace(/<\w+>/g, '').split(',')) this.locals.add(name.trim());
    }
  }

  /**
   * @param {string} line up to the cursor
   * @returns {[string[], string]} what the end of the line may become, and that end
   */
  complete(line) {
    const [tail, path = '', prefix = ''] = /** @type {RegExpExecArray} */ (TAIL.exec(line));
    // Behind anything else that ends in a dot or colon, as a call or an index, stands a value that is not known.
    if (tail === '' || /[.:\w]$/.test(line.slice(0, -tail.length))) return [[], tail];
    const names = path === '' ? this.names(prefix) : this.fields(path, prefix);
    return [names.map((name) => path + name), tail];
  }

  /**
   * @private
   * @param {string} prefix
   * @returns {string[]}
   */
  names(prefix) {
    const locals = [...this.locals].filter((name) => name.startsWith(prefix));
    // A name that was local inside of something only is nil here.
    const set = this.ask(`{${locals.map((name) => `${name} ~= nil`).join(', ')}}`) || [];
    const globals = this.ask(`${LIST}("", "${prefix}", false, _G)`) || [];
    const keywords = KEYWORDS.filter((name) => name.startsWith(prefix));
    return [...new Set([...locals.filter((_, index) => set[index]), ...globals, ...keywords])].sort();
  }

  /**
   * @private
   * @param {string} path names with a dot behind each, or a colon behind the last
   * @param {string} prefix
   * @returns {string[]}
   */
  fields(path, prefix) {
    const [first, ...rest] = path.slice(0, -1).split('.');
    if (KEYWORDS.includes(first)) return [];
    return this.ask(`${LIST}("${rest.join('.')}", "${prefix}", ${path.endsWith(':')}, ${first})`) || [];
  }

  /**
   * @private
   * @param {string} expression
   * @returns {any} null if it cannot be known
   */
  ask(expression) {
    try {
      const { value } = this.lua.eval(expression, { name: '=completion' });
      return Array.isArray(value) ? value : null;
    } catch (error) {
      if (error instanceof LuaError) return null;
      throw error;
    }
  }
}
