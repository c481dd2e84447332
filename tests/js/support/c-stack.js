// Measures how deep the module's C stack gets: it is filled with a pattern before a run, and what lost the pattern was used.
// The stack lies at the start of the memory and grows towards address 0, below which a program traps.

/** Bytes of the C stack, as the module is linked (`STACK_SIZE` in codegen/src/lua/compile.rs). */
export const STACK_SIZE = 256 * 1024;

const PAINT = 0xa5;

/** Paint the stack of an instance, between two calls. */
export function paint(instance) {
  new Uint8Array(instance.exports.memory.buffer, 0, STACK_SIZE).fill(PAINT);
}

/** Bytes of the stack that were used since it was painted. */
export function usedStack(instance) {
  const stack = new Uint8Array(instance.exports.memory.buffer, 0, STACK_SIZE);
  let unused = 0;
  while (unused < STACK_SIZE && stack[unused] === PAINT) unused++;
  return STACK_SIZE - unused;
}
