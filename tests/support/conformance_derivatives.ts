/**
 * Derivative rules against finite differences and against each other.
 *
 * Finite differences are in float64, central, of fourth order. An element passes if it agrees at any
 * of three step sizes, so that a kink or jump inside one stencil does no harm: a wrong derivative
 * agrees at none of them.
 *
 * @module
 */
import type { NDArray } from "../../lib/core/array.ts";
import { formatAval, isFloat, sameAval } from "../../lib/core/dtype.ts";
import type { ConcreteArray } from "../../lib/core/concrete.ts";
import { checkJaxpr } from "../../lib/core/jaxpr.ts";
import { Linear, type Tangent } from "../../lib/core/primitive.ts";
import { jvpFlat, jvpJaxpr } from "../../lib/interpreters/jvp.ts";
import { linearizeFlat } from "../../lib/interpreters/partial.ts";
import { backwardPass, transposeJaxpr } from "../../lib/interpreters/transpose.ts";
import { make, preview } from "./arrays.ts";
import { type Case, programOf, type Report } from "./conformance.ts";
import type { Random } from "./random.ts";

type Flat = (xs: readonly NDArray[]) => readonly NDArray[];

/** Step sizes, each with the error that rounding and truncation leave of it, relative. */
const STEPS: readonly (readonly [step: number, tolerance: number])[] = [
  [2 ** -9, 1e-7],
  [2 ** -12, 1e-8],
  [2 ** -17, 1e-6],
];

/** How far slopes by different steps, and from either side, may be apart where there is one slope. */
const SMOOTH = 1e-4;

/** Which of some arrays can have tangents. */
export function floatMask(xs: readonly NDArray[]): boolean[] {
  return xs.map((x) => isFloat(x.dtype));
}

/** The nonempty subsets of the true entries of a mask; beyond three, singles and the whole. */
export function subsets(mask: readonly boolean[]): boolean[][] {
  const at = mask.flatMap((m, i) => m ? [i] : []);
  const pick = (chosen: readonly number[]): boolean[] => mask.map((_, i) => chosen.includes(i));
  if (at.length === 0) return [];
  if (at.length > 3) return [pick(at), ...at.map((i) => pick([i]))];
  return Array.from(
    { length: 2 ** at.length - 1 },
    (_, bits) => pick(at.filter((_, k) => (bits + 1) & (1 << k))),
  );
}

/** A random array of the type of `x`, elements in [-1, 1). */
export function randomLike(x: NDArray, random: Random): ConcreteArray {
  return make(x.aval, random.list(x.size));
}

function moved(x: ConcreteArray, t: Tangent, by: number): ConcreteArray {
  if (t === null) return x;
  const { values } = t as ConcreteArray;
  return make(x.aval, Array.from(x.values, (v, i) => v + by * values[i]!));
}

/**
 * Compares a derivative with central differences of `f` along `tangents`. `value` is `f` at `xs`. With
 * `smooth`, elements are left out at which there is no one slope: differences by all steps and from
 * both sides must be finite and agree.
 */
function againstDifferences(
  f: Flat,
  xs: readonly ConcreteArray[],
  tangents: readonly Tangent[],
  value: readonly NDArray[],
  derivative: readonly Tangent[],
  smooth = false,
): string | null {
  const stencil = ([step]: readonly [number, number]): Float64Array[] => {
    const at = (k: number): ArrayLike<number>[] =>
      f(xs.map((x, i) => moved(x, tangents[i]!, k * step))).map((y) => y.dataSync());
    const [a, b, c, d] = [at(-2), at(-1), at(1), at(2)];
    return a.map((_, k) =>
      Float64Array.from(
        { length: a[k]!.length },
        (_, j) => (8 * (c[k]![j]! - b[k]![j]!) - (d[k]![j]! - a[k]![j]!)) / (12 * step),
      )
    );
  };
  const estimates: Float64Array[][] = [];
  const sides = smooth ? oneSided(f, xs, tangents, value) : null;
  for (let k = 0; k < value.length; k++) {
    if (!isFloat(value[k]!.dtype)) continue;
    const got = (derivative[k] as ConcreteArray | null)?.values;
    const y = value[k]!.dataSync();
    let scale = 1;
    for (const v of y) if (Number.isFinite(v)) scale = Math.max(scale, Math.abs(v));
    for (let j = 0; j < y.length; j++) {
      const exact = got?.[j] ?? 0;
      const agrees = STEPS.some((step, s) => {
        const e = (estimates[s] ??= stencil(step))[k]![j]!;
        return Math.abs(exact - e) <= step[1] * (scale + Math.abs(e));
      });
      if (agrees) continue;
      if (sides !== null) {
        const slopes = [...sides[k]![j]!, ...STEPS.map((_, s) => estimates[s]![k]![j]!)];
        const spread = Math.max(...slopes) - Math.min(...slopes);
        if (!(spread <= SMOOTH * (1 + Math.min(...slopes.map(Math.abs))))) continue;
      }
      const all = STEPS.map((_, s) => estimates[s]![k]![j]!).join(", ");
      return `output ${k}, element ${j}: the rule gives ${exact}, finite differences ${all} ` +
        `(inputs ${xs.map((x) => preview(x.values)).join("; ")})`;
    }
  }
  return null;
}

/** For each element of each output, the slopes before and after it by the smallest step. */
function oneSided(
  f: Flat,
  xs: readonly ConcreteArray[],
  tangents: readonly Tangent[],
  value: readonly NDArray[],
): (readonly [before: number, after: number])[][] {
  const [step] = STEPS.at(-1)!;
  const at = (by: number): ArrayLike<number>[] =>
    f(xs.map((x, i) => moved(x, tangents[i]!, by))).map((y) => y.dataSync());
  const [before, after] = [at(-step), at(step)];
  return value.map((y, k) =>
    Array.from(y.dataSync(), (v, j) => [
      (v - before[k]![j]!) / step,
      (after[k]![j]! - v) / step,
    ])
  );
}

/** Which tangents a rule was given, for messages. */
function along(mask: readonly boolean[]): string {
  return `along inputs ${mask.flatMap((m, i) => m ? [i] : []).join(", ")}`;
}

/** The jvp rule: types, `null` for what has no tangents, first and second order. */
export function checkJvp(c: Case, report: Report): void {
  const { primitive, sample, wide, random } = c;
  const masks = subsets(floatMask(wide));
  if (masks.length === 0) return;
  if (report.skips("jvp", c)) return checkSlope(c, report);
  for (const mask of masks) {
    const tangents = wide.map((x, i) => mask[i] ? randomLike(x, random) : null);
    const detail = along(mask);
    report.check("jvp", c, detail, () => {
      const value = c.apply(wide);
      const [outs, dots] = primitive.jvp(wide, tangents, sample.params);
      const wrong = wrongTypes(value, outs, dots);
      if (wrong !== null) return wrong;
      return againstDifferences(c.apply, wide, tangents, value, dots);
    });
    if (!c.apply(wide).some((y) => isFloat(y.dtype))) continue;
    report.check("jvp of jvp", c, detail, () => {
      const inner: Flat = (xs) => jvpFlat("inner", (ys) => c.apply(ys), xs, tangents)[1].map(fill);
      const fill = (t: Tangent, k: number): NDArray =>
        t ?? make(shapes[k]!.aval, new Float64Array(shapes[k]!.size));
      const shapes = c.apply(wide);
      const second = wide.map((x, i) => mask[i] ? randomLike(x, random) : null);
      const [value, dots] = jvpFlat("outer", inner, wide, second);
      return againstDifferences(inner, wide, second, value, dots);
    });
  }
  report.check("jvp program", c, "", () => {
    const mask = floatMask(c.inputs);
    checkJaxpr(jvpJaxpr(programOf(c), mask).jaxpr);
    checkJaxpr(jvpJaxpr(programOf(c), mask, c.apply(c.inputs).map((y) => isFloat(y.dtype))).jaxpr);
    return null;
  });
}

/**
 * The jvp rule on samples with kinks, jumps and limits: where the function has one slope all the same
 * (at 0, for most), the rule gives it. What finite differences cannot see, since it is not finite or a
 * step away from it is nothing or everything, is replaced by 1.
 */
function checkSlope(c: Case, report: Report): void {
  const { primitive, sample, random } = c;
  if (sample.inputs.every((input) => input.values === undefined)) return;
  if (report.skips("slope", c)) return;
  const seen = (v: number): boolean => v === 0 || (Math.abs(v) > 2 ** -20 && Math.abs(v) < 2 ** 20);
  const xs = c.wide.map((x) => make(x.aval, Array.from(x.values, (v) => seen(v) ? v : 1)));
  for (const mask of subsets(floatMask(xs))) {
    const tangents = xs.map((x, i) => mask[i] ? randomLike(x, random) : null);
    report.check("jvp where smooth", c, along(mask), () => {
      const value = c.apply(xs);
      const [outs, dots] = primitive.jvp(xs, tangents, sample.params);
      const wrong = wrongTypes(value, outs, dots);
      if (wrong !== null) return wrong;
      return againstDifferences(c.apply, xs, tangents, value, dots, true);
    });
  }
}

function wrongTypes(
  value: readonly NDArray[],
  outs: readonly NDArray[],
  dots: readonly Tangent[],
): string | null {
  if (outs.length !== value.length || dots.length !== value.length) {
    return `the rule gives ${outs.length} outputs and ${dots.length} tangents, not ${value.length}`;
  }
  for (let k = 0; k < value.length; k++) {
    const dot = dots[k]!;
    if (!sameAval(outs[k]!.aval, value[k]!.aval)) {
      return `output ${k} of the rule is ${formatAval(outs[k]!.aval)}, not ${
        formatAval(value[k]!.aval)
      }`;
    }
    const a = outs[k]!.dataSync(), b = value[k]!.dataSync();
    if (a.some((v, j) => !Object.is(v, b[j]))) {
      return `output ${k} of the rule is ${preview(a)}, but the primitive gives ${preview(b)}`;
    }
    if (dot === null) continue;
    if (!isFloat(value[k]!.dtype)) return `output ${k} is ${value[k]!.dtype} but has a tangent`;
    if (!sameAval(dot.aval, value[k]!.aval)) {
      return `the tangent of output ${k} is ${formatAval(dot.aval)}, not ${
        formatAval(value[k]!.aval)
      }`;
    }
  }
  return null;
}

/** Sum of products over lists of arrays, and the sum of their absolute values for a tolerance. */
function dot(xs: readonly Tangent[], ys: readonly Tangent[]): [sum: number, size: number] {
  let sum = 0, size = 0;
  xs.forEach((x, i) => {
    if (x === null || ys[i] === null || ys[i] === undefined) return;
    const a = x.dataSync(), b = ys[i].dataSync();
    for (let j = 0; j < a.length; j++) {
      sum += a[j]! * b[j]!;
      size += Math.abs(a[j]! * b[j]!);
    }
  });
  return [sum, size];
}

/** Cotangents of all inputs from those of all outputs, by linearisation and transposition. */
function pullBack(
  f: Flat,
  xs: readonly NDArray[],
  cts: readonly Tangent[],
): { readonly back: Tangent[]; readonly lin: ReturnType<typeof linearizeFlat> } {
  const lin = linearizeFlat("conformance", f, xs);
  const n = lin.consts.length;
  const args = lin.jaxpr.inputs.map((v, i) => lin.consts[i] ?? new Linear(v.aval));
  const outs = backwardPass(lin.jaxpr, args, cts.filter((_, k) => lin.activeOut[k])).slice(n);
  let next = 0;
  return { back: lin.activeIn.map((a) => a ? outs[next++]! : null), lin };
}

/** Tangents of the outputs: by the jvp rule, or by differences where there is reverse mode alone. */
function forward(c: Case, tangents: readonly Tangent[]): Tangent[] {
  if (c.sample.skip?.jvp !== "reverse mode only") {
    return jvpFlat("conformance", (xs) => c.apply(xs), c.wide, tangents)[1];
  }
  const step = 2 ** -12;
  const at = (k: number): NDArray[] =>
    c.apply(c.wide.map((x, i) => moved(x, tangents[i]!, k * step)));
  const [a, b, p, q] = [at(-2), at(-1), at(1), at(2)];
  return a.map((y, k) => {
    const [ya, yb, yp, yq] = [a, b, p, q].map((ys) => ys[k]!.dataSync());
    return make(
      y.aval,
      Array.from(ya!, (_, j) => (8 * (yp![j]! - yb![j]!) - (yq![j]! - ya![j]!)) / (12 * step)),
    );
  });
}

/**
 * `<ct, J t> = <J^T ct, t>` with J by forward and J^T by reverse mode. Gives 1 where the
 * primitive itself is in the linear program, so that its transpose rule was used.
 */
export function checkVjp(c: Case, report: Report): number {
  const { wide, random } = c;
  if (!floatMask(wide).some((m) => m) || report.skips("transpose", c)) return 0;
  const outs = c.apply(wide);
  if (!outs.some((y) => isFloat(y.dtype))) return 0;
  let reached = false;
  // Differences in place of the jvp rule are exact to 1e-8 at best; float32 to its own rounding.
  const tolerance = outs.some((y) => y.dtype === "float32")
    ? 1e-6
    : c.sample.skip?.jvp === "reverse mode only"
    ? 1e-8
    : 1e-11;
  for (const mask of subsets(outs.map((y) => isFloat(y.dtype)))) {
    report.check(
      "vjp",
      c,
      `from outputs ${mask.flatMap((m, k) => m ? [k] : []).join(", ")}`,
      () => {
        const tangents = wide.map((x) => isFloat(x.dtype) ? randomLike(x, random) : null);
        const cts = outs.map((y, k) => mask[k] ? randomLike(y, random) : null);
        const { back, lin } = pullBack(c.apply, wide, cts);
        reached ||= lin.jaxpr.eqns.some((e) => e.primitive === c.primitive);
        checkJaxpr(lin.jaxpr);
        const linear = lin.jaxpr.inputs.map((_, i) => i >= lin.consts.length);
        const given = lin.activeOut.flatMap((a, k) => a ? [mask[k]!] : []);
        checkJaxpr(transposeJaxpr(lin.jaxpr, linear, given).jaxpr);
        for (let i = 0; i < wide.length; i++) {
          const ct = back[i]!;
          if (ct !== null && !sameAval(ct.aval, wide[i]!.aval)) {
            return `the cotangent of input ${i} is ${formatAval(ct.aval)}, not ${
              formatAval(wide[i]!.aval)
            }`;
          }
        }
        const dots = forward(c, tangents);
        const [left, size] = dot(cts, dots);
        const [right, size2] = dot(back, tangents);
        if (Math.abs(left - right) <= tolerance * (size + size2)) return null;
        return `<ct, J t> is ${left}, but <J^T ct, t> is ${right}`;
      },
    );
  }
  return Number(reached);
}

/**
 * The transpose rule itself, on every set of inputs in which the primitive is linear: whether it is,
 * is found out by trying. Gives the number of sets.
 */
export function checkTranspose(c: Case, report: Report): number {
  const { primitive, wide, random } = c;
  const rule = primitive.transpose;
  if (rule === "nonlinear" || report.skips("transpose", c) || report.skips("linear", c)) return 0;
  let linearSets = 0;
  for (const mask of subsets(floatMask(wide))) {
    const draw = (): ConcreteArray[] => wide.map((x, i) => mask[i] ? randomLike(x, random) : x);
    const [x, y] = [draw(), draw()];
    const at = (xs: readonly NDArray[]): NDArray[] => c.apply(xs);
    // Linear for the sample's indices is not enough: a cond may be so in one branch alone.
    const linear = [-1, 0, 1].every((by) => isLinear(at, mask, counted(x, by), counted(y, by)));
    if (!linear) continue;
    linearSets++;
    report.check("transpose", c, along(mask).replace("along", "linear"), () => {
      const outs = at(x);
      const cts = outs.map((o) => isFloat(o.dtype) ? randomLike(o, random) : null);
      const args = x.map((v, i) => mask[i] ? new Linear(v.aval) : v);
      const back = rule(cts, args, c.sample.params);
      if (back.length !== x.length) {
        return `the rule gives ${back.length} cotangents for ${x.length} inputs`;
      }
      for (let i = 0; i < x.length; i++) {
        const ct = back[i]!;
        if (ct === null) continue;
        if (!mask[i]) return `input ${i} is not linear but has a cotangent`;
        if (!sameAval(ct.aval, x[i]!.aval)) {
          return `the cotangent of input ${i} is ${formatAval(ct.aval)}, not ${
            formatAval(x[i]!.aval)
          }`;
        }
      }
      const [left, size] = dot(cts, outs.map((o) => isFloat(o.dtype) ? o : null));
      const [right, size2] = dot(back, x.map((v, i) => mask[i] ? v : null));
      // Results rounded to float32 carry its error.
      const narrow = outs.some((o) => o.dtype === "float32");
      if (Math.abs(left - right) <= (narrow ? 1e-6 : 1e-12) * (size + size2)) return null;
      return `<ct, f(x)> is ${left}, but <f^T(ct), x> is ${right}`;
    });
    report.check("transpose", c, "of zero cotangents", () => {
      const args = x.map((v, i) => mask[i] ? new Linear(v.aval) : v);
      const outs = at(x);
      // Each output's cotangent alone, the others left out, as the backward pass may do.
      for (let k = 0; k < outs.length; k++) {
        if (!isFloat(outs[k]!.dtype)) continue;
        const ct = randomLike(outs[k]!, random);
        const back = rule(outs.map((_, j) => j === k ? ct : null), args, c.sample.params);
        const [left, size] = dot([ct], [outs[k]!]);
        const [right, size2] = dot(back, x.map((v, i) => mask[i] ? v : null));
        const narrow = outs.some((o) => o.dtype === "float32");
        if (Math.abs(left - right) > (narrow ? 1e-6 : 1e-12) * (size + size2)) {
          return `from output ${k} alone: <ct, f(x)> is ${left}, but <f^T(ct), x> is ${right}`;
        }
      }
      return null;
    });
  }
  return linearSets;
}

/** The inputs with whole numbers moved by `by`. */
function counted(xs: readonly ConcreteArray[], by: number): ConcreteArray[] {
  return xs.map((x) => x.dtype === "int32" ? make(x.aval, Array.from(x.values, (v) => v + by)) : x);
}

/** Whether `f(2 x - 3 y) = 2 f(x) - 3 f(y)` in the inputs of `mask`, with something to see of it. */
function isLinear(
  f: (xs: readonly NDArray[]) => NDArray[],
  mask: readonly boolean[],
  x: readonly ConcreteArray[],
  y: readonly ConcreteArray[],
): boolean {
  const z = x.map((v, i) => {
    if (!mask[i]) return v;
    const other = y[i]!.values;
    return make(v.aval, Array.from(v.values, (a, j) => 2 * a - 3 * other[j]!));
  });
  const [fx, fy, fz] = [f(x), f(y), f(z)];
  let seen = false;
  for (let k = 0; k < fx.length; k++) {
    const [a, b, s] = [fx[k]!.dataSync(), fy[k]!.dataSync(), fz[k]!.dataSync()];
    const allowed = fx[k]!.dtype === "float32" ? 1e-5 : 1e-10;
    for (let j = 0; j < a.length; j++) {
      const want = 2 * a[j]! - 3 * b[j]!;
      if (!(Math.abs(want - s[j]!) <= allowed * (1 + Math.abs(a[j]!) + Math.abs(b[j]!)))) {
        return false;
      }
      if (isFloat(fx[k]!.dtype) && a[j] !== 0) seen = true;
    }
  }
  return seen;
}
