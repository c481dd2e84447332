/**
 * Takes JavaScript containers apart: what of an array, a plain object or a `Map` becomes which entry of a Lua table.
 *
 * Every own property either becomes an entry or is refused by name, so that nothing is lost unseen. Prototypes of other
 * realms (frames, `node:vm`) count as one's own.
 */

import { EncodeError } from '../errors.js';
import { isBytes, keyText } from '../bytes/text.js';
import { LuaFunction, LuaLibrary, TableReference } from './values.js';

/**
 * Where a value lies in what is being encoded.
 *
 * @typedef {{ readonly parent: Place | null, readonly step: string }} Place
 */

/**
 * What a Lua table is made of.
 *
 * @typedef {object} Parts
 * @property {any[]} items values of the keys 1 to n, none of them nil
 * @property {[any, any][]} pairs all other keys with their values
 */

/**
 * Writes a place as JavaScript would.
 *
 * @param {Place | null} place
 * @returns {string}
 */
export function pathOf(place) {
  let path = '';
  for (let at = place; at !== null; at = at.parent) path = at.step + path;
  return path;
}

/**
 * Writes the step from a table to what a key names in it, as JavaScript would write it.
 *
 * @param {any} key
 * @returns {string}
 */
export function stepTo(key) {
  if (typeof key === 'string') return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
  if (typeof key === 'object' && key !== null) return `[${className(key) || 'object'}]`;
  return `[${String(key)}]`;
}

/** What to give Lua instead of an instance of a well-known class. */
const REMEDIES = new Map([
  ['Date', 'give its getTime() or toISOString()'],
  ['RegExp', 'give its source; Lua has patterns of its own'],
  ['Set', 'give Array.from() of it'],
  ['ArrayBuffer', 'give new Uint8Array() of it, which is a string of its bytes'],
  ['SharedArrayBuffer', 'give new Uint8Array() of it, which is a string of its bytes'],
  ['DataView', 'give a Uint8Array of its buffer, which is a string of its bytes'],
  ['Number', 'give its valueOf()'],
  ['String', 'give its valueOf()'],
  ['Boolean', 'give its valueOf()'],
  ['BigInt', 'give its valueOf()'],
  ['Symbol', 'give its description'],
  ['URL', 'give its href'],
]);

/**
 * Takes a container apart, leaving out what is nil.
 *
 * @param {any} container
 * @param {Place | null} place of the container, for errors
 * @returns {Parts}
 * @throws {EncodeError} for what is no container, and for properties that no entry can stand for
 */
export function partsOf(container, place) {
  if (Array.isArray(container)) return arrayParts(container, place);
  if (isMap(container)) return mapParts(container, place);
  return objectParts(container, place);
}

/**
 * Tells whether a value is nil in Lua.
 *
 * @param {any} value
 * @returns {boolean}
 */
function isNil(value) {
  return value === null || value === undefined;
}

/**
 * Refuses a value, or a part of it.
 *
 * @param {Place | null} place
 * @param {string} problem
 * @returns {never}
 */
function refuse(place, problem) {
  throw new EncodeError(problem, pathOf(place));
}

/**
 * @param {any[]} array
 * @param {Place | null} place
 * @returns {Parts}
 */
function arrayParts(array, place) {
  // In every realm, Array.prototype is an array, and what a class inherits from it is none.
  if (!Array.isArray(Object.getPrototypeOf(array))) refuseInstance(array, place, 'give Array.from() of it');
  refuseSymbols(array, place);
  const names = Object.getOwnPropertyNames(array);
  const { length } = array;
  // Indices come first, in their order, and then `length`.
  const isWhole = length === 0 || names[length - 1] === String(length - 1);
  /** @type {[any, any][]} */
  const pairs = [];
  let items = isWhole ? array.slice() : [];
  if (!isWhole || items.some(isNil)) {
    items = [];
    for (const name of names) {
      if (name === 'length') break;
      const item = array[Number(name)];
      if (!isNil(item)) pairs.push([Number(name) + 1, item]);
    }
  }
  if (names[names.length - 1] !== 'length') {
    for (const name of names.slice(names.indexOf('length') + 1)) takeProperty(array, name, pairs, place);
  }
  return { items, pairs };
}

/**
 * @param {any} object
 * @returns {boolean} whether it is a `Map`, of whatever realm, and not only called one
 */
function isMap(object) {
  if (!(object instanceof Map) && Object.prototype.toString.call(object) !== '[object Map]') return false;
  try {
    Map.prototype.has.call(object, 0);
    return true;
  } catch (_pretender) {
    return false;
  }
}

/**
 * @param {object | null} prototype
 * @returns {boolean} whether it is the prototype of all objects, of whatever realm
 */
function isRoot(prototype) {
  return prototype !== null && Object.getPrototypeOf(prototype) === null && Object.prototype.hasOwnProperty.call(prototype, 'isPrototypeOf');
}

/**
 * @param {Map<any, any>} map
 * @param {Place | null} place
 * @returns {Parts}
 */
function mapParts(map, place) {
  const prototype = Object.getPrototypeOf(map);
  if (prototype === null || !isRoot(Object.getPrototypeOf(prototype))) refuseInstance(map, place, 'give new Map() of it');
  refuseSymbols(map, place);
  const [name] = Object.getOwnPropertyNames(map);
  if (name !== undefined) refuse(place, `the Map has a property '${name}', which is no entry of it: give it as an entry`);
  checkKeys(map, place);
  return { items: [], pairs: Array.from(map).filter((pair) => !isNil(pair[1])) };
}

/**
 * @param {any} object
 * @param {Place | null} place
 * @returns {Parts}
 */
function objectParts(object, place) {
  const prototype = Object.getPrototypeOf(object);
  if (prototype !== null && !isRoot(prototype)) refuseInstance(object, place);
  refuseSymbols(object, place);
  const names = Object.getOwnPropertyNames(object);
  /** @type {[any, any][]} */
  const pairs = [];
  for (const name of names) takeProperty(object, name, pairs, place);
  return { items: [], pairs };
}

/**
 * Adds a named property to the pairs of a table.
 *
 * @param {any} object
 * @param {string} name
 * @param {[any, any][]} pairs
 * @param {Place | null} place
 */
function takeProperty(object, name, pairs, place) {
  if (!Object.prototype.propertyIsEnumerable.call(object, name)) {
    const copy = Array.isArray(object) ? '[...it]' : '{ ...it }';
    refuse(place, `the property '${name}' is not enumerable, and would be lost: give ${copy}, which leaves it out`);
  }
  const value = object[name];
  if (!isNil(value)) pairs.push([name, value]);
}

/**
 * Refuses an instance of a class.
 *
 * @param {any} object
 * @param {Place | null} place
 * @param {string} [remedy] what to do instead
 * @returns {never}
 */
function refuseInstance(object, place, remedy = remedyFor(object)) {
  const name = className(object);
  if (name === 'Object' || name === '') refuse(place, 'an object that inherits from another has no Lua form: give { ...it }, which has its own properties');
  refuse(place, `a JavaScript ${name} has no Lua form: ${remedy}`);
}

/**
 * @param {any} object
 * @returns {string}
 */
function remedyFor(object) {
  if (typeof object.then === 'function') return 'Lua does not wait for it';
  if (ArrayBuffer.isView(object) && !(object instanceof DataView)) return 'give Array.from() of it for a list, or a Uint8Array of its buffer for a string of its bytes';
  return REMEDIES.get(className(object)) || 'give a plain object with what Lua needs of it';
}

/**
 * @param {any} object
 * @returns {string} empty if it has none
 */
function className(object) {
  const { constructor } = object;
  return typeof constructor === 'function' && typeof constructor.name === 'string' ? constructor.name : '';
}

/**
 * Refuses keys that are symbols. Namespaces of the language (`Math`, `JSON`) have one that says their name; those of modules
 * have it, too, beside properties that can be taken.
 *
 * @param {any} object
 * @param {Place | null} place
 */
function refuseSymbols(object, place) {
  const symbols = Object.getOwnPropertySymbols(object);
  if (symbols.length === 0) return;
  const tag = object[Symbol.toStringTag];
  const isNamespace = symbols.length === 1 && symbols[0] === Symbol.toStringTag && typeof tag === 'string';
  if (!isNamespace) refuse(place, `the key ${String(symbols[0])} has no Lua form: Lua has no symbols`);
  if (tag === 'Module' && Object.getPrototypeOf(object) === null) return;
  refuse(place, `the JavaScript namespace ${tag} has no Lua form: give the functions of it that Lua needs, as ${example(tag, object)}`);
}

/**
 * @param {string} tag
 * @param {any} namespace
 * @returns {string} an object with one function of a namespace
 */
function example(tag, namespace) {
  const name = Object.getOwnPropertyNames(namespace).find((each) => typeof namespace[each] === 'function') || 'name';
  return `{ ${name}: ${tag}.${name} }`;
}

/**
 * Refuses keys that Lua does not have, and two keys of a Map that are one in Lua.
 *
 * @param {Map<any, any>} map
 * @param {Place | null} place
 */
function checkKeys(map, place) {
  /** @type {Set<string>} */
  const seen = new Set();
  for (const key of map.keys()) {
    if (isNil(key) || key !== key) refuse(place, `${String(key)} cannot be a key of a Lua table`);
    const form = identityOf(key);
    if (form === null) continue;
    if (seen.has(form)) refuse(place, `two keys of the Map are the same key in Lua: ${form.slice(1)}`);
    seen.add(form);
  }
}

/**
 * Makes a text that tells a key from others in Lua, where different JavaScript values may be one.
 *
 * @param {any} key
 * @returns {string | null} null where each JavaScript value is a key of its own
 */
function identityOf(key) {
  if (typeof key === 'string') return `s${key}`;
  if (isBytes(key)) return `s${keyText(key, 0, key.length)}`;
  if (typeof key === 'bigint' || Number.isInteger(key)) return `n${BigInt(key)}`;
  if (key instanceof TableReference) return `texternal table ${key.id}`;
  if (key instanceof LuaFunction && key.id !== 0) return `ffunction ${key.id}`;
  if ((key instanceof LuaFunction || key instanceof LuaLibrary) && key.name !== '') return `l${key.name}`;
  return null;
}
