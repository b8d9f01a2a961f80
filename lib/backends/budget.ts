/**
 * How much memory arrays may take on a backend's heap.
 *
 * @module
 */

/** Bytes that results and copies of arguments may take where nothing else is said: 512 MiB. */
export const DEFAULT_BUDGET: number = 512 * 1024 * 1024;

/** A budget that was given for a backend, checked. */
export function checkBudget(backend: string, bytes: number): number {
  if (!(typeof bytes === "number" && bytes >= 0)) {
    throw new RangeError(
      `${backend}.memoryBudget must be a number of bytes that is not negative, not ${bytes}`,
    );
  }
  return bytes;
}
