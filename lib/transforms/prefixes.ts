/**
 * Prefixes of an associative function on pytrees, in a logarithmic number of steps.
 *
 * @module
 */
import {
  bind,
  evalJaxpr,
  type NDArray,
  normalizeAxis,
  ShapeError,
  TreeError,
  treeFlatten,
  treeUnflatten,
} from "../core/mod.ts";
import type { Staged } from "../interpreters/staging.ts";
import { add, concatenate, convert, pad, rev, scalarLike, slice } from "../primitives/mod.ts";
import { plainly, type Recorder } from "./recorder.ts";
import { checkFunction, checkSameType, flattenArrays, nameOf } from "./trees.ts";
import type { AnyFunction, AssociativeScanOptions } from "./types.ts";

/** See `Transforms.associativeScan`. */
export function associativeScan(
  f: AnyFunction,
  elems: unknown,
  options: AssociativeScanOptions = {},
): unknown {
  return prefixesBy(plainly, f, elems, options);
}

/** `associativeScan` with a recorder. */
export function prefixesBy(
  recorder: Recorder,
  f: AnyFunction,
  elems: unknown,
  options: AssociativeScanOptions = {},
): unknown {
  checkFunction("associativeScan", f);
  const [leaves, def] = flattenArrays("associativeScan", elems, "elems");
  if (leaves.length === 0) throw new TreeError("associativeScan: elems has no arrays");
  const axes = leaves.map((x) => normalizeAxis("associativeScan", options.axis ?? 0, x.ndim));
  const n = leaves[0]!.shape[axes[0]!]!;
  leaves.forEach((x, i) => {
    if (x.shape[axes[i]!] !== n) {
      throw new ShapeError(
        `associativeScan: the arrays have lengths ${n} and ${x.shape[axes[i]!]} along axis ${
          axes[i]
        }; they must agree`,
      );
    }
  });
  // Recorded once for each length that occurs, since the levels differ in that alone.
  const programs = new Map<number, Staged>();
  const pairDef = treeFlatten([treeUnflatten(def, leaves), treeUnflatten(def, leaves)])[1];
  const combine = (a: readonly NDArray[], b: readonly NDArray[]): NDArray[] => {
    const length = a[0]!.shape[axes[0]!]!;
    let program = programs.get(length);
    if (program === undefined) {
      const avals = a.map((x) => x.aval);
      const recorded = recorder.record("associativeScan", f, pairDef, [...avals, ...avals], {
        first: () => [...a, ...b],
        part: "test",
      });
      checkSameType(
        "associativeScan",
        `an element and the result of ${nameOf(f)}`,
        avals,
        def,
        recorded.outAvals,
        recorded.outDef,
        "Combining two elements must give an element",
      );
      programs.set(length, program = recorded.program());
    }
    return evalJaxpr(program.jaxpr, [...program.consts, ...a, ...b], bind);
  };
  const part = (xs: readonly NDArray[], start: number, stop: number, step = 1): NDArray[] =>
    xs.map((x, i) => {
      const lo = x.shape.map(() => 0), hi = [...x.shape], by = x.shape.map(() => 1);
      lo[axes[i]!] = start;
      hi[axes[i]!] = stop;
      by[axes[i]!] = step;
      return slice(x, lo, hi, by);
    });
  // Pairs are combined, the half-length problem solved, and the odd places filled in.
  const solve = (xs: NDArray[]): NDArray[] => {
    const length = xs[0]!.shape[axes[0]!]!;
    if (length < 2) return xs;
    const even = length - length % 2;
    const odd = solve(combine(part(xs, 0, even, 2), part(xs, 1, even, 2)));
    const numOdd = even / 2;
    const rest = length > 2
      ? combine(part(odd, 0, Math.ceil(length / 2) - 1), part(xs, 2, length, 2))
      : [];
    const first = part(xs, 0, 1);
    return xs.map((_, i) => {
      const evens = rest.length === 0 ? first[i]! : concatenate([first[i]!, rest[i]!], axes[i]!);
      return interleaved(evens, odd[i]!, axes[i]!, length, numOdd);
    });
  };
  const flip = (xs: NDArray[]): NDArray[] => xs.map((x, i) => rev(x, [axes[i]!]));
  const reverse = options.reverse ?? false;
  const outs = reverse ? flip(solve(flip(leaves))) : solve(leaves);
  return treeUnflatten(def, outs);
}

/** `a0 b0 a1 b1 ...` along an axis, by dilating both with zeros and adding. */
function interleaved(
  a: NDArray,
  b: NDArray,
  axis: number,
  length: number,
  numB: number,
): NDArray {
  const dilate = (x: NDArray, count: number, offset: number): NDArray => {
    const low = x.shape.map(() => 0), high = x.shape.map(() => 0), gap = x.shape.map(() => 0);
    low[axis] = offset;
    high[axis] = length - offset - (2 * count - 1);
    gap[axis] = 1;
    return pad(x, scalarLike(0, x), low, high, gap);
  };
  if (a.dtype === "bool") {
    const whole = (x: NDArray): NDArray => convert(x, "int32");
    return convert(interleaved(whole(a), whole(b), axis, length, numB), "bool");
  }
  return add(dilate(a, a.shape[axis]!, 0), dilate(b, numB, 1));
}
