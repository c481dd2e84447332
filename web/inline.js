/**
 * The entry point `lua-persistent/inline`: the same as `lua-persistent`, in one file that has the module in it. The build of the
 * package puts `artifact-inline.js` in the place of `artifact.js`; before it, the module is the file beside this one.
 */

export * from './lua-persistent.js';
