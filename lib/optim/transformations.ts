/**
 * Parts of optimisers that look at one gradient at a time, or keep a sum: scales, momentum, averages.
 * Limits are in `clipping.ts`, decay of weights and noise in `decay.ts` and `noise.ts`, those with a second moment in `moments.ts` and `squares.ts`, those made of others in
 * `combine.ts` and `masked.ts`.
 *
 * @module
 */
import { checkCall, describeValue, NDArray, type OptionTable } from "../core/mod.ts";
import { checkFunction } from "../transforms/trees.ts";
import type { Arrays, Tree, TreeLike } from "../transforms/tree_types.ts";
import { sign } from "../api/arithmetic.ts";
import { logicalOr, where } from "../api/logic.ts";
import { normOf } from "./clipping.ts";
import {
  floats,
  type Kept,
  mapLeaves,
  mapTrees,
  type Named,
  type Optimiser,
  type Scalar,
  transformation,
  withoutState,
  zerosOf,
} from "./optimiser.ts";
import {
  beside,
  checkScalar,
  checkScalars,
  complement,
  counted,
  gatheredBy,
  mixed,
  noSteps,
  scaled,
} from "./scalars.ts";

/**
 * Gives gradients as they are.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { identity } from "@injax/injax/optim";
 *
 * console.log(identity().update(np.array([1, 2]), null)[0].toArray()); // [ 1, 2 ]
 * ```
 */
export function identity(): Optimiser<null> {
  if (arguments.length > 0) checkCall("identity()", arguments);
  return identityPart("identity");
}

/** `identity` under the name by which users called it. */
export function identityPart(op: string): Optimiser<null> {
  return withoutState(op, { description: "identity", of: (_, gradient) => gradient });
}

/**
 * A part of one's own that keeps nothing: a function of a leaf of the gradient and, where `update` is given
 * them, that of the parameters.
 *
 * @throws {TypeError} where `f` is not a function, or gives something else than an array.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { chain, sgd, stateless } from "@injax/injax/optim";
 *
 * const optimiser = chain(stateless((g) => np.tanh(g)), sgd(1));
 * const g = np.array([100, -100]);
 * console.log(optimiser.update(g, optimiser.init(g))[0].toArray()); // [ -1, 1 ]
 * ```
 */
export function stateless(f: (gradient: NDArray, param?: NDArray) => NDArray): Optimiser<null> {
  if (arguments.length > 1) checkCall("stateless(f)", arguments);
  checkFunction("stateless", f);
  const applied = (g: NDArray, p?: NDArray): NDArray => {
    const u = f(g, p);
    if (u instanceof NDArray) return u;
    throw new TypeError(`stateless: f must give an array, not ${describeValue(u)}`);
  };
  return withoutState("stateless", {
    of: (op, gradient, params) =>
      params === undefined
        ? mapLeaves(gradient, (g) => applied(g))
        : mapTrees(op, [["the gradient", gradient], ["the parameters", params]], applied),
  });
}

/**
 * Gives zeros: for parameters that are to stay as they are, in `partition`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { setToZero } from "@injax/injax/optim";
 *
 * console.log(setToZero().update(np.array([1, 2]), null)[0].toArray()); // [ 0, 0 ]
 * ```
 */
export function setToZero(): Optimiser<null> {
  if (arguments.length > 0) checkCall("setToZero()", arguments);
  return withoutState("setToZero", { of: (_, gradient) => zerosOf(gradient) });
}

/**
 * Multiplies by a factor.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { scale } from "@injax/injax/optim";
 *
 * console.log(scale(-0.5).update(np.array([1, 2]), null)[0].toArray()); // [ -0.5, -1 ]
 * ```
 */
export function scale(factor: Scalar): Optimiser<null> {
  if (arguments.length > 1) checkCall("scale(factor)", arguments);
  checkScalar("scale", "factor", factor, "finite");
  return withoutState("scale", {
    description: `scale ${factor}`,
    of: (_, gradient) => mapLeaves(gradient, (g) => scaled(g, factor)),
  });
}

/**
 * Takes the sign of each element.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { scaleBySign } from "@injax/injax/optim";
 *
 * console.log(scaleBySign().update(np.array([0.1, -2]), null)[0].toArray()); // [ 1, -1 ]
 * ```
 */
export function scaleBySign(): Optimiser<null> {
  if (arguments.length > 0) checkCall("scaleBySign()", arguments);
  return withoutState("scaleBySign", { of: (_, gradient) => mapLeaves(gradient, (g) => sign(g)) });
}

/**
 * Subtracts the mean over all axes but the first, of each leaf that has more than one. (Yong and others,
 * "Gradient centralization", 2020.)
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { centralize } from "@injax/injax/optim";
 *
 * const [g] = centralize().update(np.array([[1, 2], [3, 6]]), null);
 * console.log(g.toArray()); // [ [ -0.5, 0.5 ], [ -1.5, 1.5 ] ]
 * ```
 */
export function centralize(): Optimiser<null> {
  if (arguments.length > 0) checkCall("centralize()", arguments);
  const centred = (g: NDArray): NDArray =>
    g.ndim < 2 ? g : g.sub(g.mean(g.shape.slice(1).map((_, i) => i + 1), { keepDims: true }));
  return withoutState("centralize", { of: (_, gradient) => mapLeaves(gradient, centred) });
}

/** What `trace` keeps. */
export interface TraceState {
  /** The gradients so far, each step's share smaller: a tree like the parameters. */
  readonly trace: Kept;
}

/** Options of `trace`. */
export interface TraceOptions {
  /** Whether to look a step ahead, as Nesterov does (default false). */
  readonly nesterov?: boolean | undefined;
}

/**
 * Momentum: `t <- g + decay t`.
 *
 * @throws {RangeError} where `decay` is not in [0, 1].
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { trace } from "@injax/injax/optim";
 *
 * const part = trace(0.5);
 * const g = np.array([1]);
 * const [, state] = part.update(g, part.init(g));
 * console.log(part.update(g, state)[0].toArray()); // [ 1.5 ]
 * ```
 */
export function trace(decay: Scalar, options: TraceOptions = {}): Optimiser<TraceState> {
  if (arguments.length > 1) checkCall("trace(decay, options)", arguments, { nesterov: "boolean" });
  checkScalar("trace", "decay", decay, "share");
  return tracePart("trace", decay, options);
}

/** `trace` under the name by which users called it, with a decay that has been checked. */
export function tracePart(
  name: string,
  decay: Scalar,
  { nesterov = false }: TraceOptions,
): Optimiser<TraceState> {
  const next = (g: NDArray, t: NDArray): NDArray => g.add(scaled(t, decay));
  return transformation<TraceState>(name, {
    description: `${nesterov ? "Nesterov momentum" : "momentum"} ${decay}`,
    keeps: ["trace"],
    init: (params) => ({ trace: zerosOf(params) }),
    update(gradient, state) {
      const add = (kept: Tree): Tree =>
        mapTrees(`${name}.update`, [["the gradient", gradient], ["the state's trace", kept]], next);
      const trace = add(state.trace) as Kept;
      return [nesterov ? add(trace) : trace, { trace }];
    },
  });
}

/** What `ema` keeps. */
export interface EmaState {
  /** Steps so far. */
  readonly count: NDArray;
  /** The mean: a tree like the parameters. */
  readonly ema: Kept;
}

/** Options of `ema`. */
export interface EmaOptions {
  /** Whether to divide by the weight gathered so far, so that the first mean is the first gradient (default true). */
  readonly debias?: boolean | undefined;
}

/**
 * The exponential moving average of gradients.
 *
 * @throws {RangeError} where `decay` is not in [0, 1).
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { ema } from "@injax/injax/optim";
 *
 * const part = ema(0.5, { debias: false });
 * const g = np.array([1]);
 * const [, state] = part.update(g, part.init(g));
 * console.log(part.update(g, state)[0].toArray()); // [ 0.75 ]
 * ```
 */
export function ema(decay: Scalar, options: EmaOptions = {}): Optimiser<EmaState> {
  if (arguments.length > 1) checkCall("ema(decay, options)", arguments, { debias: "boolean" });
  const { debias = true } = options;
  checkScalar("ema", "decay", decay, "fraction");
  return transformation<EmaState>("ema", {
    description: `moving average ${decay}`,
    keeps: ["count", "ema"],
    init: (params) => ({ count: noSteps(), ema: zerosOf(params) }),
    update(gradient, state) {
      const count = counted(state.count);
      const mean = mapTrees(
        "ema.update",
        [["the gradient", gradient], ["the state's ema", state.ema]],
        (g, m) => mixed(m, g, decay),
      ) as Kept;
      const kept = { count, ema: mean };
      if (!debias) return [mean, kept];
      const weight = gatheredBy(decay, count);
      return [mapLeaves(mean, (m) => m.div(weight(m))), kept];
    },
  });
}

/** Options of `scaleByTrustRatio`. */
export interface TrustRatioOptions {
  /** Norms count for at least this (default 0). */
  readonly minNorm?: Scalar | undefined;
  /** Factor of the ratio (default 1). */
  readonly trustCoefficient?: Scalar | undefined;
  /** Added to the update's norm (default 0). */
  readonly eps?: Scalar | undefined;
}

const trustRatioOptions: OptionTable<TrustRatioOptions> = {
  minNorm: "operand",
  trustCoefficient: "operand",
  eps: "operand",
};

/**
 * Scales each leaf of the update to the norm of the parameters: what makes LARS and LAMB.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { scaleByTrustRatio } from "@injax/injax/optim";
 *
 * const [g] = scaleByTrustRatio().update(np.array([0, 2]), null, np.array([3, 4]));
 * console.log(g.toArray()); // [ 0, 5 ]
 * ```
 */
export function scaleByTrustRatio(options: TrustRatioOptions = {}): Optimiser<null> {
  const op = "scaleByTrustRatio";
  if (arguments.length > 0) checkCall(`${op}(options)`, arguments, trustRatioOptions);
  return trustPart(op, options);
}

/** `scaleByTrustRatio` under the name by which users called it. */
export function trustPart(
  op: string,
  { minNorm = 0, trustCoefficient = 1, eps = 0 }: TrustRatioOptions,
): Optimiser<null> {
  checkScalars(op, "notNegative", { minNorm, trustCoefficient, eps });
  const norm = (x: NDArray): NDArray => normOf(x).maximum(beside(minNorm, x));
  const trusted = (u: NDArray, p: NDArray): NDArray => {
    const [size, step] = [norm(p), norm(u)];
    const none = logicalOr(size.equal(0), step.equal(0));
    const ratio = scaled(size, trustCoefficient).div(where(none, 1, step.add(beside(eps, step))));
    return u.mul(where(none, 1, ratio));
  };
  return withoutState(op, {
    description: "trust ratio",
    needsParams: true,
    of: (at, gradient, params) =>
      mapTrees(at, [["the gradient", gradient], ["the parameters", params]], trusted),
  });
}

/**
 * A tree that follows another: `stepSize newTree + (1 - stepSize) oldTree`, as for averages of parameters and
 * for target networks.
 *
 * @throws {TreeError} where the two are not of one structure.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { incrementalUpdate } from "@injax/injax/optim";
 *
 * console.log(incrementalUpdate(np.array([4]), np.array([0]), 0.25).toArray()); // [ 1 ]
 * ```
 */
export function incrementalUpdate<T>(
  newTree: T,
  oldTree: TreeLike<T>,
  stepSize: Scalar,
): Arrays<T> {
  const op = "incrementalUpdate";
  if (arguments.length > 3) checkCall(`${op}(newTree, oldTree, stepSize)`, arguments);
  checkScalar(op, "stepSize", stepSize, "share");
  const parts: [Named, Named] = [
    ["the new tree", floats(op, newTree, "the new tree")],
    ["the old tree", floats(op, oldTree, "the old tree")],
  ];
  return mapTrees(
    op,
    parts,
    (x, y) => scaled(x, stepSize).add(scaled(y, complement(stepSize))),
  ) as Arrays<T>;
}
