/**
 * Transposition of linear programs: from cotangents of the outputs to cotangents of the inputs. Two
 * loops over the equations, one forward for what does not depend on linear inputs and one backward.
 *
 * @module
 */
import {
  type Atom,
  bind,
  DifferentiationError,
  type Eqn,
  type Jaxpr,
  Linear,
  memoize,
  type NDArray,
  setEvaluated,
  type ShapedArray,
  type Tangent,
  Var,
} from "../core/mod.ts";
import { add, zeros } from "../primitives/mod.ts";
import { stageClosed } from "./staging.ts";

/**
 * Pulls cotangents back through `jaxpr`, which is linear in the inputs that are `Linear`. Gives a
 * cotangent for each input: `null` for zeros and for inputs that are not `Linear`.
 *
 * @throws {DifferentiationError} where an equation has no transpose.
 */
export function backwardPass(
  jaxpr: Jaxpr,
  args: readonly (NDArray | Linear)[],
  cotangents: readonly Tangent[],
): Tangent[] {
  const before = setEvaluated(null);
  try {
    return pulledBack(jaxpr, args, cotangents);
  } finally {
    setEvaluated(before);
  }
}

function pulledBack(
  jaxpr: Jaxpr,
  args: readonly (NDArray | Linear)[],
  cotangents: readonly Tangent[],
): Tangent[] {
  const values: (NDArray | undefined)[] = new Array(jaxpr.numVars);
  jaxpr.inputs.forEach((v, i) => {
    const x = args[i]!;
    if (!(x instanceof Linear)) values[v.id] = x;
  });
  const read = (a: Atom): NDArray | Linear =>
    a instanceof Var ? values[a.id] ?? new Linear(a.aval) : a.value;

  const linear: Eqn[] = [];
  for (const eqn of jaxpr.eqns) {
    const inputs = eqn.inputs.map(read);
    if (inputs.some((x) => x instanceof Linear)) {
      linear.push(eqn);
    } else {
      setEvaluated(eqn);
      const outs = bind(eqn.primitive, inputs as NDArray[], eqn.params);
      eqn.outputs.forEach((v, i) => values[v.id] = outs[i]!);
    }
  }

  const cts: Tangent[] = new Array(jaxpr.numVars).fill(null);
  const accumulate = (a: Atom, ct: Tangent | undefined): void => {
    if (ct === null || ct === undefined || !(a instanceof Var)) return;
    const sum = cts[a.id];
    cts[a.id] = sum === null || sum === undefined ? ct : add(sum, ct);
  };
  jaxpr.outputs.forEach((a, i) => accumulate(a, cotangents[i]));

  for (let k = linear.length - 1; k >= 0; k--) {
    const eqn = linear[k]!;
    if (eqn.primitive.passes.effect !== null) throw effectOfTangents(eqn.primitive.name);
    const outCts = eqn.outputs.map((v) => cts[v.id] ?? null);
    if (outCts.every((ct) => ct === null)) continue;
    for (const v of eqn.outputs) cts[v.id] = null;
    const rule = eqn.primitive.transpose;
    if (rule === "nonlinear") {
      throw new DifferentiationError(
        `reverse-mode differentiation reached ${eqn.primitive.name}, which is not linear. ` +
          "If it comes from a custom derivative rule, the rule must be linear in the tangents",
      );
    }
    setEvaluated(eqn);
    const inCts = rule(outCts, eqn.inputs.map(read), eqn.params);
    eqn.inputs.forEach((a, i) => accumulate(a, inCts[i]));
  }
  return jaxpr.inputs.map((v, i) => args[i] instanceof Linear ? cts[v.id] ?? null : null);
}

/** What is done with a tangent, which the backward pass never computes. */
function effectOfTangents(name: string): DifferentiationError {
  return new DifferentiationError(
    `reverse-mode differentiation reached ${name} of a tangent, as in a rule of customJvp or a linear ` +
      "function: backwards there are no tangents. Do it with the values, or with the cotangents in the " +
      "backward rule of customVjp",
  );
}

/** A program that pulls cotangents back, and which inputs of the original get one. */
export interface TransposedJaxpr {
  /** From what is known and the cotangents that are not zero to those of the inputs with one. */
  readonly jaxpr: Jaxpr;
  /** Which inputs of the original have a cotangent; that of the others is zero. */
  readonly active: readonly boolean[];
}

/**
 * The program that pulls cotangents back: inputs are the inputs of `jaxpr` with `linear[i]` false,
 * then the cotangents of the outputs with `given[i]`; those of the others are zero, and stay so: a
 * zero that is written out becomes NaN where it meets an infinite slope. Inputs with
 * `instantiate[i]` get a cotangent in any case.
 */
export const transposeJaxpr: (
  jaxpr: Jaxpr,
  linear: readonly boolean[],
  given: readonly boolean[],
  instantiate?: readonly boolean[],
) => TransposedJaxpr = /* @__PURE__ */ memoize((
  jaxpr: Jaxpr,
  linear: readonly boolean[],
  given: readonly boolean[],
  instantiate: readonly boolean[] = [],
): TransposedJaxpr => {
  const avals: readonly ShapedArray[] = jaxpr.inputs.map((v) => v.aval);
  const known = avals.filter((_, i) => !linear[i]);
  let active: boolean[] = [];
  const transposed = stageClosed("transpose", (args) => {
    let next = 0;
    const inputs = avals.map((aval, i) => linear[i] ? new Linear(aval) : args[next++]!);
    const outCts = given.map((g) => g ? args[next++]! : null);
    const cts = backwardPass(jaxpr, inputs, outCts)
      .map((ct, i) => ct ?? (instantiate[i] ? zeros(avals[i]!) : null));
    active = cts.map((ct) => ct !== null);
    return cts.filter((ct) => ct !== null);
  }, [...known, ...jaxpr.outputs.flatMap((a, i) => given[i] ? [a.aval] : [])]);
  return { jaxpr: transposed, active };
});

/** What `transposeJaxpr` takes and gives in terms of a call: its inputs, and all its cotangents. */
export function notZero(cts: readonly Tangent[]): [given: boolean[], cts: NDArray[]] {
  return [cts.map((ct) => ct !== null), cts.filter((ct) => ct !== null)];
}
