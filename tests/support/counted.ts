/**
 * Functions that count their calls.
 *
 * @module
 */

/** A function that counts how often it is called, which jit does when it traces. */
export function counted<A extends unknown[], R>(
  f: (...args: A) => R,
): { f: (...args: A) => R; calls: () => number } {
  let calls = 0;
  return {
    f: (...args) => {
      calls++;
      return f(...args);
    },
    calls: () => calls,
  };
}
