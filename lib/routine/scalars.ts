/**
 * Scalar functions of routines that JavaScript does not have.
 *
 * @module
 */
const f64 = /* @__PURE__ */ new Float64Array(1);
const f32 = /* @__PURE__ */ new Float32Array(f64.buffer);
const i32 = /* @__PURE__ */ new Int32Array(f64.buffer);

/** The nearest integer, the even one of two. */
export function nearest(x: number): number {
  const whole = Math.round(x);
  const even = Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : whole;
  return even === 0 ? copysign(0, x) : even;
}

/** The first number with the sign of the second one. */
export function copysign(x: number, y: number): number {
  const negative = y < 0 || Object.is(y, -0);
  return negative ? -Math.abs(x) : Math.abs(x);
}

/** Bits of a float32, as an int32. */
export function bits(x: number): number {
  f32[0] = x;
  return i32[0]!;
}

/** Upper half of the bits of a float64. */
export function high(x: number): number {
  f64[0] = x;
  return i32[1]!;
}

/** Lower half of the bits of a float64. */
export function low(x: number): number {
  f64[0] = x;
  return i32[0]!;
}
