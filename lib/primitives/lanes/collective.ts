/**
 * Operations between the lanes of a `vmap` whose axis has a name. They have values there alone: the batching
 * rule of that axis makes reductions and rearrangements of them, and other rules let them stand.
 *
 * All work on a first axis as long as there are lanes, where they need one; other places of it, and several
 * axes at once, are the business of `api/collectives.ts`.
 *
 * @module
 */
import {
  AxisError,
  type BatchResult,
  bind1,
  definePrimitive,
  type NDArray,
  ordinary,
  type Primitive,
  type SampleInput,
  shaped,
  type ShapedArray,
} from "../../core/mod.ts";
import { int32Constant, iota, scalarLike, zeros } from "../constants/constants.ts";
import { mul } from "../elementwise/arithmetic.ts";
import { convert } from "../elementwise/convert.ts";
import { gather } from "../indexing/gather.ts";
import { moveAxis, reshape } from "../shape/shape.ts";
import { concatenate } from "../slicing/concatenate.ts";
import { batchAxisInFront, reduceSum } from "../sum/broadcast.ts";

/** Parameters of an operation between lanes. */
export interface LaneParams {
  /** The name of the axis. */
  readonly axisName: string;
  /** Its length, the number of lanes. */
  readonly size: number;
}

/** Parameters of `ppermute`. */
export interface PermuteParams extends LaneParams {
  /** For each lane the one whose value it gets; -1 for zeros. */
  readonly sources: readonly number[];
}

/** What operations between lanes differ in. */
interface Collective<P extends LaneParams> {
  /** The shape that a lane gets for a shape of one. */
  readonly shape: (shape: readonly number[], size: number) => readonly number[];
  /** The result for lanes along an axis `dim` (`null`: all have the same value). */
  readonly lanes: (x: NDArray, dim: number | null, params: P) => readonly [NDArray, number | null];
  /** The cotangent of the operand. */
  readonly transpose: (ct: NDArray, params: P) => NDArray;
  readonly sample: SampleInput;
  readonly params: P;
}

/** Raised where the axis is not there; users' functions are asked for it before (`api/collectives.ts`). */
function unbound(name: string, { axisName }: LaneParams): AxisError {
  return new AxisError(
    `${name}: no vmap around has the axis ${
      JSON.stringify(axisName)
    }. A function that works between ` +
      `lanes runs inside of vmap(f, { axisName: ${JSON.stringify(axisName)} })`,
  );
}

const noValue = "has values inside of a vmap alone; tests of the family of lanes compare them";

function collective<P extends LaneParams>(name: string, own: Collective<P>): Primitive<P> {
  const self: Primitive<P> = definePrimitive<P>({
    name,
    abstractEval: ([x], { size }) => [shaped(own.shape(x!.shape, size), x!.dtype)],
    impl: {
      evaluate(_, params) {
        throw unbound(name, params);
      },
    },
    jvp([x], [t], params) {
      return [[bind1(self, [x!], params)], [bind1(self, [t!], params)]];
    },
    transpose: ([ct], _, params) => [ct === null ? null : own.transpose(ct!, params)],
    batch([x], [dim], _, params, axisName): BatchResult {
      if (axisName === params.axisName) {
        const [out, at] = own.lanes(x!, dim!, params);
        return [[out], [at]];
      }
      // Lanes of another axis: theirs goes last, out of the way.
      const last = x!.ndim - 1;
      const out = bind1(self, [moveAxis(x!, dim!, last)], params);
      return [[out], [out.ndim - 1]];
    },
    over: ({ axisName }) => axisName,
    passes: ordinary,
    lower(_, __, params) {
      throw unbound(name, params);
    },
    kernel(_, __, params) {
      throw unbound(name, params);
    },
    samples: () => [{
      name: "in three lanes",
      inputs: [own.sample],
      params: own.params,
      skip: { jvp: noValue, transpose: noValue, batch: noValue, onnx: noValue },
    }],
  });
  return self;
}

const vector: SampleInput = { shape: [3, 2], dtype: "float64" };
const three: LaneParams = { axisName: "lanes", size: 3 };
const same = (shape: readonly number[]): readonly number[] => shape;

/** The sum over all lanes, in each of them. */
const psumP: Primitive<LaneParams> = /* @__PURE__ */ collective<LaneParams>("psum", {
  shape: same,
  lanes: (x, dim, { size }) => [
    dim === null ? mul(x, scalarLike(size, x)) : reduceSum(x, [dim]),
    null,
  ],
  transpose: psum,
  sample: vector,
  params: three,
});

/** The values of all lanes along a first axis, in each of them. */
const allGatherP: Primitive<LaneParams> = /* @__PURE__ */ collective<LaneParams>("all_gather", {
  shape: (shape, size) => [size, ...shape],
  lanes: (x, dim, { size }) => [batchAxisInFront(x, dim, size), null],
  transpose: psumScatter,
  sample: vector,
  params: three,
});

/** The sum over all lanes, of which each gets the slice of its number along the first axis. */
const psumScatterP: Primitive<LaneParams> = /* @__PURE__ */ collective<LaneParams>("psum_scatter", {
  shape: (shape) => shape.slice(1),
  lanes: (x, dim, params) => [
    dim === null ? mul(x, scalarLike(params.size, x)) : reduceSum(x, [dim]),
    0,
  ],
  transpose: allGather,
  sample: vector,
  params: three,
});

/** Slice `j` of lane `i` becomes slice `i` of lane `j`. */
const allToAllP: Primitive<LaneParams> = /* @__PURE__ */ collective<LaneParams>("all_to_all", {
  shape: same,
  // In front of all the lanes that give and behind these the lanes that get.
  lanes: (x, dim, { size }) => [batchAxisInFront(x, dim, size), 1],
  transpose: allToAll,
  sample: vector,
  params: three,
});

/** The value of another lane, or zeros. */
const ppermuteP: Primitive<PermuteParams> = /* @__PURE__ */ collective<PermuteParams>("ppermute", {
  shape: same,
  lanes(x, dim, { size, sources }) {
    const values = batchAxisInFront(x, dim, size);
    const from = int32Constant(sources.map((at) => at < 0 ? size : at));
    const none = zeros(shaped([1, ...values.shape.slice(1)], values.dtype));
    const given = sources.includes(-1) ? concatenate([values, none], 0) : values;
    return [gather(given, reshape(from, [size, 1])), 0];
  },
  transpose(ct, { sources, ...params }) {
    return ppermute(ct, { ...params, sources: sources.map((_, i) => sources.indexOf(i)) });
  },
  sample: vector,
  params: { ...three, sources: [1, 2, -1] },
});

/** The number of the lane. */
const axisIndexP: Primitive<LaneParams> = /* @__PURE__ */ definePrimitive<LaneParams>({
  name: "axis_index",
  abstractEval: () => [indexType],
  impl: {
    evaluate(_, params) {
      throw unbound("axisIndex", params);
    },
  },
  jvp: (_, __, params) => [[bind1(axisIndexP, [], params)], [null]],
  transpose: "nonlinear",
  batch: (_, __, size) => [[iota([size], 0, "int32")], [0]],
  over: ({ axisName }) => axisName,
  passes: ordinary,
  lower(_, __, params) {
    throw unbound("axisIndex", params);
  },
  kernel(_, __, params) {
    throw unbound("axisIndex", params);
  },
  samples: () => [{
    name: "in three lanes",
    inputs: [],
    params: three,
    skip: { jvp: noValue, batch: noValue, onnx: noValue },
  }],
});

const indexType: ShapedArray = /* @__PURE__ */ shaped([], "int32");

/** The sum of a value over all lanes; of booleans, how many are true. */
export function psum(x: NDArray, { axisName, size }: LaneParams): NDArray {
  const terms = x.dtype === "bool" ? convert(x, "int32") : x;
  return bind1(psumP, [terms], { axisName, size });
}

/** The values of all lanes, along a first axis. */
export function allGather(x: NDArray, { axisName, size }: LaneParams): NDArray {
  return bind1(allGatherP, [x], { axisName, size });
}

/** Of the sum over all lanes the slice of the lane's number along the first axis, as long as there are lanes. */
export function psumScatter(x: NDArray, { axisName, size }: LaneParams): NDArray {
  return bind1(psumScatterP, [x], { axisName, size });
}

/** Of each lane the slice of this lane's number along the first axis, in the order of the lanes. */
export function allToAll(x: NDArray, { axisName, size }: LaneParams): NDArray {
  return bind1(allToAllP, [x], { axisName, size });
}

/** The value of the lane that `sources` names for this one. */
export function ppermute(x: NDArray, params: PermuteParams): NDArray {
  return bind1(ppermuteP, [x], params);
}

/** The number of the lane, an int32 scalar. */
export function axisIndex({ axisName, size }: LaneParams): NDArray {
  return bind1(axisIndexP, [], { axisName, size });
}
