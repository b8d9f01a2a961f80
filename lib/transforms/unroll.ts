/**
 * Loops over slices of which several steps stand in one.
 *
 * Numbers of steps of loops over slices.
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
  shaped,
  ShapeError,
  type TreeDef,
  TreeError,
  treePaths,
} from "../core/mod.ts";
import { stageClosed } from "../interpreters/staging.ts";
import { concatenate, expandDims, reshape, slice } from "../primitives/mod.ts";

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
