/**
 * What JavaScript lacks of the scalar operations: the words of floats, rounding to even, and
 * conversion to integers with saturation.
 *
 * @module
 */
const little = /* @__PURE__ */ new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** Where the words of a float64 are among the int32 of its memory. */
export const float64Words: { readonly high: number; readonly low: number } = little
  ? { high: 1, low: 0 }
  : { high: 0, low: 1 };

/** The nearest integer, the even one of two. Keeps the sign of zeros. */
export function nearestEven(x: number): number {
  const size = Math.abs(x);
  // Beyond are no fractions; NaN stays.
  if (!(size < 4503599627370496)) return x;
  const y = size + 4503599627370496 - 4503599627370496;
  return x < 0 || Object.is(x, -0) ? -y : y;
}

/** Conversion of floats towards zero: to the limits beyond them, NaN to 0. */
export function saturate(ty: "i32" | "u32"): (x: number) => number {
  return ty === "i32"
    ? (x) => x >= 2147483647 ? 2147483647 : x <= -2147483648 ? -2147483648 : x | 0
    : (x) => x >= 4294967295 ? 4294967295 : x > 0 ? x >>> 0 : 0;
}
