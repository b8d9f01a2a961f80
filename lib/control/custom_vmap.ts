/**
 * Functions with a rule of their own for the lanes of a `vmap`.
 *
 * @module
 */
import {
  bind,
  definePrimitive,
  evalJaxpr,
  type Jaxpr,
  type NDArray,
  type Passes,
  type Primitive,
  stationary,
} from "../core/mod.ts";
import { batchAxesInFront } from "../interpreters/batch.ts";
import { jvpFlat, jvpJaxpr } from "../interpreters/jvp.ts";
import { batchAxisInFront, mul, sub, zeros } from "../primitives/mod.ts";
import { splitTangents, spread, transposeCall } from "./call.ts";
import { calls, once, program, vec3, whole } from "./jaxprs.ts";

/**
 * Outputs for lanes, and which of them differ by lane, from arguments of which some do: those have the lanes
 * along their first axis.
 */
export type LaneRule = (
  size: number,
  batched: readonly boolean[],
  args: readonly NDArray[],
) => readonly [outs: readonly NDArray[], batched: readonly boolean[]];

/** Parameters of `custom_vmap`. */
export interface CustomVmapParams {
  /** The function, of values that it captured and its arguments. */
  readonly jaxpr: Jaxpr;
  /** The rule for the arguments. */
  readonly rule: LaneRule;
  /** Number of values that the function captured, of which the rule does not know. */
  readonly numConsts: number;
  /** The function's name. */
  readonly name: string;
}

/** The rule of the derivative: the derivative of the rule. Arguments are followed by some of their tangents. */
function differentiatedRule(
  { rule, name }: CustomVmapParams,
  active: readonly boolean[],
  activeOut: readonly boolean[],
): LaneRule {
  return (size, batched, args) => {
    const n = active.length;
    const at = spread(active, args.slice(n));
    const dotBatched: boolean[] = [];
    let next = n;
    active.forEach((a, i) => dotBatched[i] = a && batched[next++]!);
    const either = batched.slice(0, n).map((b, i) => b || dotBatched[i]!);
    const inLanes = (x: NDArray, has: boolean, i: number): NDArray =>
      either[i] && !has ? batchAxisInFront(x, null, size) : x;
    const primals = args.slice(0, n).map((x, i) => inLanes(x, batched[i]!, i));
    const dots = at.map((t, i) => t === null ? null : inLanes(t, dotBatched[i]!, i));
    let outBatched: readonly boolean[] = [];
    const [outs, outDots] = jvpFlat(
      `the rule of ${name}`,
      (xs) => {
        const [ys, mask] = rule(size, either, xs);
        outBatched = mask;
        return ys;
      },
      primals,
      dots,
    );
    const given = outs.map((x, i) => activeOut[i] ? outDots[i] ?? zeros(x.aval) : null);
    return [
      [...outs, ...given.filter((d) => d !== null)],
      [...outBatched, ...outBatched.filter((_, i) => activeOut[i])],
    ];
  };
}

/** What it says to passes. */
function passes(): Passes<CustomVmapParams> {
  return {
    ...stationary,
    programs: {
      ...calls<CustomVmapParams>({
        // Tangents are recorded one by one: what is linear in them has no rule.
        partial: (_, args, { jaxpr }) => evalJaxpr(jaxpr, args, bind),
        narrow: whole,
        within: null,
      }),
      list: ({ jaxpr, numConsts }) => [once("call", jaxpr, { first: 0, count: numConsts })],
      extend: (params, _, jaxpr, count) => ({
        ...params,
        jaxpr,
        numConsts: params.numConsts + count,
      }),
    },
  };
}

/** A function with a rule for lanes. */
export const customVmapP: Primitive<CustomVmapParams> = /* @__PURE__ */ definePrimitive<
  CustomVmapParams
>({
  name: "custom_vmap",
  abstractEval: (_, { jaxpr }) => jaxpr.outputs.map((a) => a.aval),
  impl: { evaluate: (args, { jaxpr }) => evalJaxpr(jaxpr, args, bind) },
  jvp(primals, tangents, params) {
    const { numConsts } = params;
    const mask = tangents.map((t) => t !== null);
    const { jaxpr, active } = jvpJaxpr(params.jaxpr, mask);
    const given = tangents.filter((t) => t !== null);
    const inputs = [...primals, ...given];
    // Tangents of captured values are captured too, as far as the rule is concerned: it takes none then.
    const outs = mask.slice(0, numConsts).includes(true)
      ? evalJaxpr(jaxpr, inputs, bind)
      : bind(customVmapP, inputs, {
        ...params,
        jaxpr,
        rule: differentiatedRule(params, mask.slice(numConsts), active),
      });
    return splitTangents(outs, active);
  },
  transpose: (cts, inputs, { jaxpr }) => transposeCall(jaxpr, cts, inputs),
  batch(args, dims, size, { numConsts, rule, name }) {
    if (dims.slice(0, numConsts).some((d) => d !== null)) {
      throw new TypeError(
        `customVmap: ${name} uses a value from outside that differs by lane, and its rule does not know ` +
          "of it. Pass the value as an argument",
      );
    }
    const front = batchAxesInFront(args, dims, size).slice(numConsts);
    const [outs, batched] = rule(size, dims.slice(numConsts).map((d) => d !== null), front);
    return [outs, batched.map((b) => b ? 0 : null)];
  },
  passes: /* @__PURE__ */ passes(),
  lower: (g, inputs, { jaxpr }) => g.inline(jaxpr, inputs),
  kernel: (b, inputs, { jaxpr }) => b.inline(jaxpr, inputs),
  samples: () => [{
    name: "a function whose rule is elementwise too",
    inputs: [vec3, vec3],
    params: {
      jaxpr: program([vec3, vec3], (x, y) => [sub(mul(x, y), x)]),
      numConsts: 0,
      name: "sample",
      rule(size, batched, args) {
        const [x, y] = args.map((a, i) => batched[i] ? a : batchAxisInFront(a, null, size));
        return [[sub(mul(x!, y!), x!)], [true]];
      },
    },
  }],
});
