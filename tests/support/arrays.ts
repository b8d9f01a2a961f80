/**
 * Arrays for tests, made and compared without any operation of the library, so that a test of an
 * operation does not rest on others.
 *
 * @module
 */
import { NDArray } from "../../lib/core/array.ts";
import {
  allocate,
  type DType,
  epsilon,
  formatAval,
  isFloat,
  sameAval,
  shaped,
  type ShapedArray,
  sizeOf,
} from "../../lib/core/dtype.ts";
import { ConcreteArray } from "../../lib/core/concrete.ts";
import { treePaths, treeStructure } from "../../lib/core/tree.ts";

/** Nested numbers. */
export type Numbers = number | boolean | readonly Numbers[];

/** An array of the given type with the given elements. */
export function make(aval: ShapedArray, values: ArrayLike<number>): ConcreteArray {
  const out = allocate(aval.dtype, sizeOf(aval.shape));
  if (out.length !== values.length) {
    throw new Error(`${formatAval(aval)} takes ${out.length} elements, not ${values.length}`);
  }
  for (let i = 0; i < out.length; i++) {
    out[i] = aval.dtype === "bool" ? Number(values[i] !== 0) : values[i]!;
  }
  return ConcreteArray.fromHost(shaped(aval.shape, aval.dtype), out);
}

/** An array from nested numbers; float64 where no dtype is given. */
export function arr(values: Numbers, dtype: DType = "float64"): NDArray {
  const shape: number[] = [];
  for (let v = values; Array.isArray(v); v = v[0] as Numbers) {
    shape.push(v.length);
    if (v.length === 0) break;
  }
  const flat = ([values] as unknown[]).flat(Infinity as 1);
  return make(shaped(shape, dtype), flat.map(Number));
}

/** Nested plain numbers from arrays at the leaves of any tree of plain objects and arrays. */
export function plain(tree: unknown): unknown {
  if (tree instanceof NDArray) return tree.toArray();
  if (Array.isArray(tree)) return tree.map(plain);
  if (
    typeof tree === "object" && tree !== null && Object.getPrototypeOf(tree) === Object.prototype
  ) {
    return Object.fromEntries(Object.entries(tree).map(([k, v]) => [k, plain(v)]));
  }
  return tree;
}

/** How far elements may be apart: a number, or one for each element. */
export type Allowed = number | ((i: number, expected: number) => number);

/**
 * What is different between an array and what it should be, or `null`. Infinities and NaN have to be
 * the same, and so have signs of zeros, unless `anyZero` says that the sign is noise here.
 */
export function difference(
  actual: NDArray,
  expected: NDArray,
  allowed: Allowed,
  options: { readonly anyZero?: boolean } = {},
): string | null {
  if (!sameAval(actual.aval, expected.aval)) {
    return `is ${formatAval(actual.aval)} and not ${formatAval(expected.aval)}`;
  }
  const x = actual.dataSync(), y = expected.dataSync();
  if (x.length !== y.length) return `has ${x.length} elements and not ${y.length}`;
  let worst = -1, excess = 0;
  for (let i = 0; i < x.length; i++) {
    const a = x[i]!, b = y[i]!;
    if (a === 0 && b === 0 && !Object.is(a, b) && !options.anyZero) {
      return `element ${i} of ${formatAval(actual.aval)} is ${signed(a)} and not ${signed(b)}; ` +
        `got ${preview(x)}, expected ${preview(y)}`;
    }
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    const tolerance = typeof allowed === "number" ? allowed : allowed(i, b);
    const distance = Math.abs(a - b);
    if (distance <= tolerance) continue;
    const by = Number.isFinite(distance) ? distance / (tolerance || Number.MIN_VALUE) : Infinity;
    if (worst < 0 || by > excess) [worst, excess] = [i, by];
  }
  if (worst < 0) return null;
  const b = y[worst]!;
  const tolerance = typeof allowed === "number" ? allowed : allowed(worst, b);
  return `element ${worst} of ${formatAval(actual.aval)} is ${x[worst]} and not ${b} ` +
    `(off by ${Math.abs(x[worst]! - b)}, allowed ${tolerance}); ` +
    `got ${preview(x)}, expected ${preview(y)}`;
}

/** A number as one writes it, which for -0 `String` does not give. */
function signed(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** The first elements. */
export function preview(values: ArrayLike<number>): string {
  const shown = Array.from({ length: Math.min(values.length, 8) }, (_, i) => signed(values[i]!));
  return `[${shown.join(", ")}${values.length > 8 ? ", ..." : ""}]`;
}

/** A tolerance relative to the largest element: `ulps` rounding errors of the dtype. */
export function ulps(expected: NDArray, count: number): number {
  if (!isFloat(expected.dtype)) return 0;
  let scale = 0;
  for (const v of expected.dataSync()) {
    if (Number.isFinite(v)) scale = Math.max(scale, Math.abs(v));
  }
  return count * epsilon(expected.dtype) * scale;
}

/**
 * Asserts that the arrays of two trees agree within `tolerance`, relative to the largest element of
 * each. What is expected may be given as nested numbers, whose zeros stand for either.
 */
export function assertClose(
  actual: unknown,
  expected: unknown,
  tolerance = 1e-12,
  what = "",
): void {
  const where = what === "" ? "" : `${what}: `;
  const compare = (a: unknown, e: unknown, path: string): void => {
    if (a instanceof NDArray) {
      const want = e instanceof NDArray ? e : arr(e as Numbers, a.dtype);
      const scale = Math.max(1, ulps(want, 1) / (epsilon(want.dtype) || 1));
      const allowed = isFloat(want.dtype) ? tolerance * scale : 0;
      const found = difference(a, want, allowed, { anyZero: !(e instanceof NDArray) });
      if (found !== null) throw new Error(`${where}the array${path} ${found}`);
      return;
    }
    if (Array.isArray(a) && Array.isArray(e) && a.length === e.length) {
      a.forEach((x, i) => compare(x, e[i], `${path}[${i}]`));
      return;
    }
    if (
      typeof a === "object" && a !== null && typeof e === "object" && e !== null &&
      !Array.isArray(e) && Object.keys(a).sort().join() === Object.keys(e).sort().join()
    ) {
      for (const k of Object.keys(a)) {
        compare(
          (a as Record<string, unknown>)[k],
          (e as Record<string, unknown>)[k],
          `${path}.${k}`,
        );
      }
      return;
    }
    if (a === e || (typeof a === "number" && Math.abs(a - (e as number)) <= tolerance)) return;
    const show = (t: unknown): string =>
      `${treeStructure(t)}${treePaths(treeStructure(t)).slice(0, 4).join(" ")}`;
    throw new Error(`${where}at ${path || "the top"}: ${show(a)} and not ${show(e)}`);
  };
  compare(actual, expected, "");
}
