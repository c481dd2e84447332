/**
 * Lists what a tour gives, in every environment.
 */
export const EXPECTED = {
  value: 42,
  lines: ['hello'],
  message: "tour:1: attempt to index a nil value (local 't')",
  sum: 3,
  limit: 'instructions',
  restored: 43,
  kept: 44,
};
