/**
 * Holds `lua.wasm` as text in `lua-persistent/inline`, and that of another line in a script of its own: the build of the
 * package writes it here.
 */

/** Compressed in the zlib format, in base64, and the length of what comes out. */
export const INLINED = { text: '', length: 0 };
