/**
 * Batching rules against a loop over the lanes.
 *
 * @module
 */
import type { NDArray } from "../../lib/core/array.ts";
import {
  formatAval,
  isFloat,
  sameAval,
  shaped,
  type ShapedArray,
  sizeOf,
} from "../../lib/core/dtype.ts";
import type { ConcreteArray } from "../../lib/core/concrete.ts";
import { checkJaxpr, evalJaxpr } from "../../lib/core/jaxpr.ts";
import { bind } from "../../lib/core/trace.ts";
import { batchJaxpr } from "../../lib/interpreters/batch.ts";
import { difference, make, ulps } from "./arrays.ts";
import { type Case, drawValues, programOf, type Report } from "./conformance.ts";
import { subsets } from "./conformance_derivatives.ts";

/**
 * Rounding errors of the dtype, relative to the largest element, by which a lane of the batched
 * operation may differ from the operation on the lane: sums may be taken in another order.
 */
const ROUNDING = 16;

/** An input for each lane. Fixed elements vary with the lane too, in ways that keep them valid. */
function lanesOf(c: Case, i: number, size: number): ConcreteArray[] {
  const input = c.sample.inputs[i]!;
  return Array.from({ length: size }, (_, lane) => {
    const values = drawValues(input, c.random);
    if (input.values === undefined) return make(input, values);
    // Floats grow with the lane; whole numbers and booleans move up by one place, or count up.
    if (isFloat(input.dtype)) return make(input, values.map((v) => v * (1 + 0.25 * lane)));
    if (values.length === 1) {
      return make(input, [input.dtype === "bool" ? (values[0]! + lane) % 2 : values[0]! + lane]);
    }
    return make(input, values.map((_, j) => values[(j + lane) % values.length]!));
  });
}

/** Stacks lanes along an axis. */
function stackAt(lanes: readonly ConcreteArray[], aval: ShapedArray, axis: number): ConcreteArray {
  const { shape, dtype } = aval;
  const size = lanes.length;
  const inner = sizeOf(shape.slice(axis));
  const outer = sizeOf(shape.slice(0, axis));
  const values: number[] = [];
  for (let o = 0; o < outer; o++) {
    for (const lane of lanes) {
      for (let k = 0; k < inner; k++) values.push(lane.values[o * inner + k]!);
    }
  }
  return make(shaped([...shape.slice(0, axis), size, ...shape.slice(axis)], dtype), values);
}

/** One lane of an array. */
function laneOf(x: NDArray, axis: number, lane: number): ConcreteArray {
  const { shape, dtype } = x.aval;
  const size = shape[axis]!;
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const data = x.dataSync();
  const values: number[] = [];
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k < inner; k++) values.push(data[(o * size + lane) * inner + k]!);
  }
  return make(shaped([...shape.slice(0, axis), ...shape.slice(axis + 1)], dtype), values);
}

/** The batching rule for every choice of mapped inputs and several positions of their axes. */
export function checkBatch(c: Case, report: Report): void {
  const { primitive, sample, inputs } = c;
  if (inputs.length === 0 || report.skips("batch", c)) return;
  const places: readonly (readonly [name: string, size: number, axis: (i: number) => number])[] = [
    ["all in front", 3, () => 0],
    ["all last", 2, (i) => inputs[i]!.ndim],
    ["here and there", 2, (i) => (i + 1) % (inputs[i]!.ndim + 1)],
    ["a single lane", 1, (i) => i % (inputs[i]!.ndim + 1)],
  ];
  for (const mapped of subsets(inputs.map(() => true))) {
    for (const [place, size, axis] of places) {
      const which = mapped.flatMap((m, i) => m ? [`${i} at ${axis(i)}`] : []).join(", ");
      report.check("batch", c, `${place} (input ${which}; ${size} lanes)`, () => {
        const lanes = inputs.map((x, i) => mapped[i] ? lanesOf(c, i, size) : [x]);
        const dims = inputs.map((_, i) => mapped[i] ? axis(i) : null);
        const args = inputs.map((x, i) => mapped[i] ? stackAt(lanes[i]!, x.aval, axis(i)) : x);
        const [outs, outDims] = primitive.batch(args, dims, size, sample.params);
        const expected = Array.from(
          { length: size },
          (_, lane) => c.apply(inputs.map((x, i) => mapped[i] ? lanes[i]![lane]! : x)),
        );
        return compareLanes(outs, outDims, expected, size);
      });
    }
    report.check("batch program", c, "", () => {
      const { jaxpr, batched } = batchJaxpr(programOf(c), 2, mapped);
      checkJaxpr(jaxpr);
      const lanes = inputs.map((x, i) => mapped[i] ? lanesOf(c, i, 2) : [x]);
      const args = inputs.map((x, i) => mapped[i] ? stackAt(lanes[i]!, x.aval, 0) : x);
      const outs = evalJaxpr(jaxpr, args, bind);
      const expected = [0, 1].map((lane) =>
        c.apply(inputs.map((x, i) => mapped[i] ? lanes[i]![lane]! : x))
      );
      return compareLanes(outs, batched.map((b) => b ? 0 : null), expected, 2);
    });
  }
}

function compareLanes(
  outs: readonly NDArray[],
  dims: readonly (number | null)[],
  expected: readonly (readonly NDArray[])[],
  size: number,
): string | null {
  const first = expected[0]!;
  if (outs.length !== first.length || dims.length !== first.length) {
    return `gave ${outs.length} outputs and ${dims.length} axes, not ${first.length}`;
  }
  for (let k = 0; k < outs.length; k++) {
    const out = outs[k]!;
    const dim = dims[k]!;
    const wanted = first[k]!.aval;
    if (dim !== null && (dim < 0 || dim >= out.ndim || out.shape[dim] !== size)) {
      return `output ${k} is ${formatAval(out.aval)}, said to be mapped along axis ${dim}`;
    }
    for (let lane = 0; lane < size; lane++) {
      const actual = dim === null ? out : laneOf(out, dim, lane);
      if (!sameAval(actual.aval, wanted)) {
        return `output ${k} is ${formatAval(out.aval)} with the lanes along axis ${dim}, ` +
          `but a lane should be ${formatAval(wanted)}`;
      }
      const want = expected[lane]![k]!;
      const found = difference(actual, want, ulps(want, ROUNDING));
      if (found !== null) return `output ${k}, lane ${lane}: ${found}`;
    }
  }
  return null;
}
