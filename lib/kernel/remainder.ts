/**
 * The remainder of two floats, for which there is no instruction.
 *
 * @module
 */
import { F64, Fn, type Module } from "./encoder.ts";

/**
 * A function of two `f64`: the remainder of the division that rounds towards zero, with the sign of the
 * first. By subtracting multiples of the divisor by powers of two, all of which is exact.
 */
export function remainderFn(module: Module): Fn {
  return module.shared("remainder", () => {
    const f = new Fn([F64, F64], [F64]);
    const [x, y] = [0, 1];
    const rest = f.local(F64);
    const step = f.local(F64);
    // |x| < infinity and |y| > 0, or else there is no remainder: NaN.
    f.get(x).op(0x99).tee(rest).f64(Infinity).op(0x63);
    f.get(y).op(0x99).tee(y).f64(0).op(0x64).op(0x71, 0x45);
    f.block("if").f64(NaN).op(0x0f).end();
    f.get(y).set(step);
    f.block("block").block("loop");
    f.get(step).get(step).op(0xa0).get(rest).op(0x65, 0x45).branch(1, true);
    f.get(step).get(step).op(0xa0).set(step).branch(0).end().end();
    f.block("block").block("loop");
    f.get(rest).get(step).op(0x66).block("if");
    f.get(rest).get(step).op(0xa1).set(rest).end();
    // An infinite divisor is left at once, and so is one that is greater than x.
    f.get(step).get(y).op(0x61).branch(1, true);
    f.get(step).f64(0.5).op(0xa2).set(step).branch(0).end().end();
    f.get(rest).get(x).op(0xa6);
    return f;
  });
}
