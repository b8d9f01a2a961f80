/**
 * Loops over slices of which several steps stand in one.
 *
 * Numbers of steps of loops over slices.
 *
 * Prefixes of an associative function on pytrees, in a logarithmic number of steps.
 *
 * @module
 */
import { scanP, type ScanParams } from "../control/scan.ts";
import {
  AxisError,
  bind,
  describeValue,
  evalJaxpr,
  formatShape,
  type Jaxpr,
  memoize,
  type NDArray,
  normalizeAxis,
  shaped,
  ShapeError,
  type TreeDef,
  TreeError,
  treeFlatten,
  treePaths,
  treeUnflatten,
} from "../core/mod.ts";
import { stageClosed, type Staged } from "../interpreters/staging.ts";
import {
  add,
  concatenate,
  convert,
  expandDims,
  pad,
  reshape,
  rev,
  scalarLike,
  slice,
} from "../primitives/mod.ts";
import { plainly, type Recorder } from "./recorder.ts";
import { checkFunction, checkSameType, flattenArrays, nameOf } from "./trees.ts";
import type { AnyFunction, AssociativeScanOptions } from "./types.ts";

/** The number of steps of a scan. */
export function scanLength(
  xs: readonly NDArray[],
  def: TreeDef,
  length?: number,
  op = "scan",
): number {
  const paths = treePaths(def);
  const at = (i: number): string => paths[i] === "" ? "xs" : `xs${paths[i]}`;
  let from = "length";
  xs.forEach((x, i) => {
    if (x.ndim === 0) {
      throw new ShapeError(
        `${op}: ${
          at(i)
        } is a scalar and has no axis to loop over. A list is a tree of arrays: make ` +
          "one array of it with np.array(...), or np.stack([...])",
      );
    }
    if (length !== undefined && x.shape[0] !== length) {
      throw new ShapeError(
        `${op}: ${at(i)} has shape ${formatShape(x.shape)}, so ${
          x.shape[0]
        } steps, but ${from} says ${length}`,
      );
    }
    if (length === undefined) {
      length = x.shape[0]!;
      from = at(i);
    }
  });
  if (length === undefined) {
    const fix = op === "scan" ? "give length" : "pass arrays";
    throw new TreeError(`${op}: xs has no arrays, so the number of steps is unknown: ${fix}`);
  }
  if (!Number.isInteger(length) || length < 0) {
    throw new AxisError(`scan: length must be a non-negative integer, not ${length}`);
  }
  return length;
}

/** How many steps stand in one, from the option. */
export function stepsInOne(
  op: string,
  unroll: number | boolean | undefined,
  length: number,
): number {
  if (unroll === undefined || unroll === false) return 1;
  if (unroll === true) return Math.max(1, length);
  if (Number.isInteger(unroll) && unroll > 0) return Math.max(1, Math.min(unroll, length));
  throw new RangeError(
    `${op}: unroll must be a positive number of steps, or true for all, not ${
      describeValue(unroll)
    }`,
  );
}

/** Slices `from` up to `to` of the first axis. */
function span(x: NDArray, from: number, to: number): NDArray {
  const rest = x.shape.slice(1);
  return slice(x, [from, ...rest.map(() => 0)], [to, ...rest]);
}

/** Steps one after the other, from slices stacked on a first axis to results stacked there. */
function steps(
  jaxpr: Jaxpr,
  args: readonly NDArray[],
  { numConsts, numCarry, count, reverse }: {
    readonly numConsts: number;
    readonly numCarry: number;
    readonly count: number;
    readonly reverse: boolean;
  },
): NDArray[] {
  const consts = args.slice(0, numConsts);
  const xs = args.slice(numConsts + numCarry);
  let carry = args.slice(numConsts, numConsts + numCarry);
  const ys: NDArray[][] = jaxpr.outputs.slice(numCarry).map(() => new Array(count));
  for (let k = 0; k < count; k++) {
    const i = reverse ? count - 1 - k : k;
    const own = xs.map((x) => reshape(span(x, i, i + 1), x.shape.slice(1)));
    const outs = evalJaxpr(jaxpr, [...consts, ...carry, ...own], bind);
    carry = outs.slice(0, numCarry);
    ys.forEach((y, j) => y[i] = expandDims(outs[numCarry + j]!, [0]));
  }
  return [...carry, ...ys.map((y) => y.length === 1 ? y[0]! : concatenate(y, 0))];
}

/** The program of `count` steps. */
const turnOf = /* @__PURE__ */ memoize((
  jaxpr: Jaxpr,
  numConsts: number,
  numCarry: number,
  count: number,
  reverse: boolean,
): Jaxpr => {
  const types = jaxpr.inputs.map(({ aval }, i) =>
    i < numConsts + numCarry ? aval : shaped([count, ...aval.shape], aval.dtype)
  );
  const how = { numConsts, numCarry, count, reverse };
  return stageClosed("scan", (args) => steps(jaxpr, args, how), types);
});

/** Binds a `scan` of which `count` steps stand in one; those that are left over come last. */
export function scanInTurns(
  args: readonly NDArray[],
  params: ScanParams,
  count: number,
): NDArray[] {
  if (count === 1) return bind(scanP, args, params);
  const { jaxpr, numConsts, numCarry, length, reverse } = params;
  const turns = Math.floor(length / count);
  const left = length - turns * count;
  const [first, whole] = reverse ? [left, turns * count] : [0, turns * count];
  const at = numConsts + numCarry;
  const xs = args.slice(at);
  const inTurns = xs.map((x) =>
    reshape(span(x, first, first + whole), [turns, count, ...x.shape.slice(1)])
  );
  const main = bind(scanP, [...args.slice(0, at), ...inTurns], {
    ...params,
    jaxpr: turnOf(jaxpr, numConsts, numCarry, count, reverse),
    length: turns,
  });
  const ys = main.slice(numCarry).map((y) => reshape(y, [whole, ...y.shape.slice(2)]));
  if (left === 0) return [...main.slice(0, numCarry), ...ys];
  const rest = xs.map((x) => reverse ? span(x, 0, left) : span(x, whole, length));
  const end = steps(
    jaxpr,
    [...args.slice(0, numConsts), ...main.slice(0, numCarry), ...rest],
    { numConsts, numCarry, count: left, reverse },
  );
  return [
    ...end.slice(0, numCarry),
    ...ys.map((y, i) => {
      const more = end[numCarry + i]!;
      return concatenate(reverse ? [more, y] : [y, more], 0);
    }),
  ];
}

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
