/**
 * What all reductions share, so that each states only what is its own: loops over runs of axes, checks,
 * batching, results for no elements. The sum, to which broadcasts transpose, is in `sum/broadcast.ts`.
 *
 * Running sums and places of extremes on the CPU: along the middle axis of three.
 *
 * @module
 */
import {
  allocate,
  AxisError,
  bind1,
  checkDType,
  definePrimitive,
  type DType,
  formatAval,
  formatShape,
  type HostValue,
  type NDArray,
  ordinary,
  type Primitive,
  type Sample,
  shaped,
  type ShapedArray,
  sizeOf,
  type Tangent,
  type TypedArray,
} from "../../core/mod.ts";
import type { Reducer } from "../../core/kernel.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import { type Routine, routine } from "../../routine/routine.ts";
import { shiftAxes } from "../axes.ts";
import { emptyOutput, filled } from "../graph/nodes.ts";
import { perDType } from "../loops/loops.ts";

/**
 * Running sums, from the end where `reverse` is 1: in double precision, infinite from where they
 * overflow; of integers modulo 2^32.
 */
export const cumsumRoutine: Routine = /* @__PURE__ */ routine(`
cumsum(in x: T[outer, n, inner], out y: T[outer, n, inner], scratch totals: Wide[inner],
       outer, n, inner, reverse) {
  for p in 0..outer {
    if inner < 4 {
      for q in 0..inner {
        let total = Wide(0)
        for k in 0..n {
          let i = select(reverse != 0, n - 1 - k, k)
          total += Wide(x[p, i, q])
          if isFloat and abs(total) >= overflow { total *= Infinity }
          y[p, i, q] = T(total)
        }
      }
    } else {
      vector q in 0..inner { totals[q] = 0 }
      for k in 0..n {
        let i = select(reverse != 0, n - 1 - k, k)
        vector q in 0..inner {
          let sum = totals[q] + Wide(x[p, i, q])
          let next = select(isFloat and abs(sum) >= overflow, sum * Infinity, sum)
          totals[q] = next
          y[p, i, q] = T(next)
        }
      }
    }
  }
}`);

/** Ways to find the places of extremes: along whatever axis, and of many columns side by side. */
export interface Places {
  /** Of an array [outer, n, inner]. */
  readonly each: Routine;
  /** The same, for an `inner` that is worth vectors. */
  readonly columns: Routine;
}

/**
 * The first place of the element before which no other comes, or of the first NaN. Of long rows most stretches
 * hold nothing that comes before the best so far: vectors find out whether one does.
 */
function extreme(name: string, behind: "<=" | ">="): Places {
  const look = (range: string) =>
    `for i in ${range} {
  let next = x[p, i, q]
  if not (next ${behind} best) {
    if best != best { break }
    best = next
    place = i
  }
}`;
  const each = routine(`
${name}(in x: T[outer, n, inner], out places: i32[outer, inner], outer, n, inner) {
  for p in 0..outer {
    for q in 0..inner {
      let best = x[p, 0, q]
      let place = 0
      if inner == 1 and n > 64 {
        for k in 1..n by 64 {
          let end = min(n, k + 64)
          let found = sum(i in k..end: select(x[p * n + i] ${behind} best, T(0), T(1)))
          if found != 0 { ${look("k..end")} }
        }
      } else { ${look("1..n")} }
      places[p, q] = place
    }
  }
}`);
  // Rows are read as they lie in memory. Vectors have one width: places beside float64 are float64 as well.
  const rows = (places: string, type: string) =>
    `vector q in 0..inner {
  bests[q] = x[p, 0, q]
  ${places} = 0
}
for i in 1..n {
  let place = ${type}(i)
  vector q in 0..inner {
    let next = x[p, i, q]
    let best = bests[q]
    let wins = best == best and not (next ${behind} best)
    bests[q] = select(wins, next, best)
    ${places} = select(wins, place, ${places})
  }
}`;
  const columns = routine(`
${name}Columns(in x: T[outer, n, inner], out places: i32[outer, inner], scratch bests: T[inner],
       scratch wide: f64[inner], outer, n, inner) {
  for p in 0..outer {
    if T == f64 {
      ${rows("wide[q]", "f64")}
      vector q in 0..inner { places[p, q] = i32(wide[q]) }
    } else { ${rows("places[p, q]", "i32")} }
  }
}`);
  return { each, columns };
}

/** The first place of the largest element, or of the first NaN. */
export const argmaxRoutines: Places = /* @__PURE__ */ extreme("argmax", "<=");
/** The first place of the smallest element, or of the first NaN. */
export const argminRoutines: Places = /* @__PURE__ */ extreme("argmin", ">=");

/** Parameters of a reduction. */
export interface ReduceAxes {
  /** The axes reduced over, ascending. */
  readonly axes: readonly number[];
}

/** Two elements put together. */
export type Combine = (a: number, b: number) => number;

// out[p, q] = combination over k of a[p, k, q].
function loopReduce(
  combine: Combine,
  start: number,
  out: TypedArray,
  a: TypedArray,
  outer: number,
  n: number,
  inner: number,
): void {
  if (inner === 1) {
    for (let p = 0, i = 0; p < outer; p++) {
      let total = start;
      for (let k = 0; k < n; k++, i++) total = combine(total, a[i]!);
      out[p] = total;
    }
    return;
  }
  out.fill(start);
  for (let p = 0, i = 0; p < outer; p++) {
    for (let k = 0; k < n; k++) {
      for (let q = 0, o = p * inner; q < inner; q++, o++, i++) out[o] = combine(out[o]!, a[i]!);
    }
  }
}

/** Reduces over the axes one run of neighbours after the other, innermost first. */
function reduceValues(
  loop: typeof loopReduce,
  combine: Combine,
  start: number,
  x: HostValue,
  axes: readonly number[],
): TypedArray {
  let values = x.values;
  let inner = 1;
  for (let axis = x.shape.length - 1; axis >= 0;) {
    if (!axes.includes(axis)) {
      inner *= x.shape[axis--]!;
      continue;
    }
    let n = 1;
    while (axis >= 0 && axes.includes(axis)) n *= x.shape[axis--]!;
    const outer = sizeOf(x.shape.slice(0, axis + 1));
    const next = allocate(x.dtype, outer * inner);
    loop(combine, start, next, values, outer, n, inner);
    values = next;
  }
  return values;
}

function checkAxes(op: string, x: ShapedArray, axes: readonly number[]): void {
  const rank = x.shape.length;
  if (!axes.every((a, i) => Number.isInteger(a) && a > (axes[i - 1] ?? -1) && a < rank)) {
    throw new AxisError(
      `${op}: axes ${formatShape(axes)} are not ascending axes of x, which is ${formatAval(x)}`,
    );
  }
}

/** A shape without the axes that are reduced over. */
export function withoutAxes(shape: readonly number[], axes: readonly number[]): number[] {
  return shape.filter((_, i) => !axes.includes(i));
}

/** Where the batch axis is once the reduced ones, counted with it, are gone. */
function dimAfter(dim: number, axes: readonly number[]): number {
  return dim - axes.filter((a) => a < dim).length;
}

/** What a reduction states. */
export interface Reduction {
  /** Name of the primitive. */
  readonly name: string;
  /** The dtypes that it has. */
  readonly dtypes: readonly DType[];
  /** The operation. */
  readonly combine: (dtype: DType) => Combine;
  /** The result for no elements. */
  readonly start: (dtype: DType) => number;
  /** Tangent of the result `out` for tangent `t` of `x`. */
  readonly tangent: (x: NDArray, out: NDArray, t: NDArray, axes: readonly number[]) => Tangent;
  /** Nodes for at least one axis and one element. */
  readonly lower: (
    g: Lowering,
    x: Value,
    axes: readonly number[],
    aval: ShapedArray,
  ) => Value;
  /** What combines two elements in a compiled loop. */
  readonly kernel: Reducer;
  /** What to test it on. */
  readonly samples: readonly Sample<ReduceAxes>[];
}

/** Defines a reduction over axes, which vanish. */
export function defineReduction(r: Reduction): Primitive<ReduceAxes> {
  const loops = perDType(loopReduce);
  const self: Primitive<ReduceAxes> = definePrimitive<ReduceAxes>({
    name: r.name,
    abstractEval([x], { axes }) {
      checkDType(r.name, "x", x!, r.dtypes);
      checkAxes(r.name, x!, axes);
      return [shaped(withoutAxes(x!.shape, axes), x!.dtype)];
    },
    impl([x], { axes }) {
      const { dtype } = x!;
      return [reduceValues(loops(dtype), r.combine(dtype), r.start(dtype), x!, axes)];
    },
    jvp([x], [t], params) {
      const out = bind1(self, [x!], params);
      return [[out], [r.tangent(x!, out, t!, params.axes)]];
    },
    transpose: "nonlinear",
    batch([x], [dim], _, { axes }) {
      const shifted = shiftAxes(axes, dim!);
      return [[bind1(self, [x!], { axes: shifted })], [dimAfter(dim!, shifted)]];
    },
    passes: ordinary,
    lower(g, [x], { axes }, [aval], [out]) {
      const empty = emptyOutput(g, out!);
      if (empty !== null) return [empty];
      if (axes.length === 0) return [x!];
      const { dtype } = aval!;
      if (sizeOf(aval!.shape) === 0) {
        return [filled(g, g.scalar(r.start(dtype), dtype), out!.shape)];
      }
      return [r.lower(g, x!, axes, aval!)];
    },
    kernel: (b, [x], { axes }) => [b.reduce(x!, axes, r.kernel)],
    heavy: { work: ([x]) => sizeOf(x!.shape), sameBits: r.kernel !== "mul" },
    samples: () => r.samples,
  });
  return self;
}

/** A reduction node; the axes vanish. */
export function reduceNode(g: Lowering, op: string, x: Value, axes: readonly number[]): Value {
  return g.node(op, [x, g.int64(axes)], { keepdims: 0 });
}
