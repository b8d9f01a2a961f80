/**
 * Parts of optimisers that keep two running means: Adam and its kin. Those with one are in `squares.ts`.
 *
 * `mu` is a running mean of gradients, `nu` one of their squares (or what stands for it). Both begin at 0, and
 * are divided by the weight gathered (`gatheredBy` in `scalars.ts`).
 *
 * @module
 */
import { checkCall, type NDArray, type OptionTable } from "../core/mod.ts";
import { div, sign } from "../api/arithmetic.ts";
import { where } from "../api/logic.ts";
import { full } from "../primitives/mod.ts";
import type { Tree } from "../transforms/tree_types.ts";
import {
  type Kept,
  mapTrees,
  type Named,
  type Optimiser,
  type Scalar,
  transformation,
  zerosOf,
} from "./optimiser.ts";
import {
  beside,
  checkScalar,
  checkScalars,
  complement,
  counted,
  filled,
  gatheredBy,
  mixed,
  noSteps,
  scaled,
} from "./scalars.ts";

/** What Adam and most of its kin keep. */
export interface MomentsState {
  /** Steps so far. */
  readonly count: NDArray;
  /** Mean of gradients: a tree like the parameters. */
  readonly mu: Kept;
  /** Mean of their squares: a tree like the parameters. */
  readonly nu: Kept;
}

/** Options of `scaleByAdam` and others with two running means. */
export interface MomentsOptions {
  /** Share of the mean of gradients that is kept in each step (default 0.9). */
  readonly b1?: Scalar | undefined;
  /** Share of the mean of squares that is kept in each step (default 0.999). */
  readonly b2?: Scalar | undefined;
  /** Added to the root of the mean of squares (default 1e-8). */
  readonly eps?: Scalar | undefined;
}

/** Options of `scaleByAdam`. */
export interface AdamOptions extends MomentsOptions {
  /** Added under the root (default 0); with more than 0, the update has derivatives where gradients are 0. */
  readonly epsRoot?: Scalar | undefined;
  /** Whether to look a step ahead, as Nesterov does (default false). */
  readonly nesterov?: boolean | undefined;
}

/** The names of `MomentsOptions`. */
export const momentsOptions: OptionTable<MomentsOptions> = {
  b1: "operand",
  b2: "operand",
  eps: "operand",
};

/** The names of `AdamOptions`. */
export const adamOptions: OptionTable<AdamOptions> = {
  ...momentsOptions,
  epsRoot: "operand",
  nesterov: "boolean",
};

/** Options with the defaults of Adam, checked. */
function resolved(
  op: string,
  { b1 = 0.9, b2 = 0.999, eps = 1e-8, epsRoot = 0, nesterov = false }: AdamOptions,
): { b1: Scalar; b2: Scalar; eps: Scalar; epsRoot: Scalar; nesterov: boolean } {
  checkScalars(op, "fraction", { b1, b2 });
  checkScalars(op, "notNegative", { eps, epsRoot });
  return { b1, b2, eps, epsRoot, nesterov };
}

const noMoments = (params: Tree): MomentsState => ({
  count: noSteps(),
  mu: zerosOf(params),
  nu: zerosOf(params),
});

/** `m / (sqrt(v + epsRoot) + eps)`. */
const divided = (m: NDArray, v: NDArray, eps: Scalar, epsRoot: Scalar = 0): NDArray =>
  m.div((epsRoot === 0 ? v : v.add(beside(epsRoot, v))).sqrt().add(beside(eps, v)));

/**
 * Divides `mu` by the weight that it has gathered; with `nesterov`, by that of the next step, and the gradient is once
 * more in it.
 */
function meanBy(
  b1: Scalar,
  count: NDArray,
  nesterov: boolean,
): (m: NDArray, g: NDArray) => NDArray {
  const weight = gatheredBy(b1, count);
  if (!nesterov) return (m) => m.div(weight(m));
  const next = gatheredBy(b1, counted(count));
  return (m, g) => mixed(m.div(next(m)), g.div(weight(g)), b1);
}

/** The weight that a mean has gathered, in the dtype of a leaf. */
type Weight = (x: NDArray) => NDArray;

/** How an optimiser with `mu` and `nu` differs from Adam. */
interface Kin {
  readonly settings: ReturnType<typeof resolved>;
  readonly init?: (params: Tree) => MomentsState;
  /** The next `nu` of a leaf, for the gradient and the new `mu`. */
  readonly nu: (v: NDArray, g: NDArray, m: NDArray) => NDArray;
  /** The update, of `mu` over its weight and `nu` with the one that is to divide it. */
  readonly update: (m: NDArray, v: NDArray, weight: Weight, count: NDArray) => NDArray;
}

/** An optimiser that keeps `mu` and `nu`. */
function kin(
  name: string,
  { settings, init = noMoments, nu, update }: Kin,
): Optimiser<MomentsState> {
  const op = `${name}.update`;
  const { b1, b2, nesterov } = settings;
  return transformation<MomentsState>(name, {
    keeps: ["count", "mu", "nu"],
    init,
    update(gradient, state) {
      const count = counted(state.count);
      const g: Named = ["the gradient", gradient];
      const mu = mapTrees(op, [g, ["the state's mu", state.mu]], (g, m) => mixed(m, g, b1));
      const next = mapTrees(
        op,
        [g, ["the state's nu", state.nu], ["the state's mu", mu]],
        (g, v, m) => nu(v, g, m),
      );
      const [mean, weight] = [meanBy(b1, count, nesterov), gatheredBy(b2, count)];
      const updates = mapTrees(
        op,
        [g, ["the state's mu", mu], ["the state's nu", next]],
        (g, m, v) => update(mean(m, g), v, weight, count),
      );
      return [updates, { count, mu: mu as Kept, nu: next as Kept }];
    },
  });
}

/**
 * Adam's directions (Kingma and Ba, 2015): the mean of gradients over the root of the mean of their squares. With
 * `nesterov`, those of NAdam (Dozat, 2016).
 *
 * @throws {RangeError} where `b1` or `b2` is not in [0, 1), or `eps` or `epsRoot` is negative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { scaleByAdam } from "@injax/injax/optim";
 *
 * const part = scaleByAdam();
 * const g = np.array([1e-3, -1e3]);
 * console.log(part.update(g, part.init(g))[0].round(3).toArray()); // [ 1, -1 ]
 * ```
 */
export function scaleByAdam(options: AdamOptions = {}): Optimiser<MomentsState> {
  if (arguments.length > 0) checkCall("scaleByAdam(options)", arguments, adamOptions);
  return adamPart("scaleByAdam", options);
}

/** `scaleByAdam` under the name by which users called it. */
export function adamPart(op: string, options: AdamOptions): Optimiser<MomentsState> {
  const settings = resolved(op, options);
  const { b2, eps, epsRoot } = settings;
  return kin(op, {
    settings,
    nu: (v, g) => mixed(v, g.square(), b2),
    update: (m, v, weight) => divided(m, v.div(weight(v)), eps, epsRoot),
  });
}

/**
 * AdaMax's directions (Kingma and Ba, 2015): the mean of gradients over the largest gradient, which is forgotten by
 * `b2` in each step.
 *
 * @throws {RangeError} where `b1` or `b2` is not in [0, 1), or `eps` is negative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { scaleByAdamax } from "@injax/injax/optim";
 *
 * const part = scaleByAdamax();
 * const g = np.array([2, -4]);
 * console.log(part.update(g, part.init(g))[0].round(3).toArray()); // [ 1, -1 ]
 * ```
 */
export function scaleByAdamax(options: MomentsOptions = {}): Optimiser<MomentsState> {
  if (arguments.length > 0) checkCall("scaleByAdamax(options)", arguments, momentsOptions);
  return adamaxPart("scaleByAdamax", options);
}

/** `scaleByAdamax` under the name by which users called it. */
export function adamaxPart(op: string, options: MomentsOptions): Optimiser<MomentsState> {
  const settings = resolved(op, options);
  const { b2, eps } = settings;
  return kin(op, {
    settings,
    nu: (v, g) => g.abs().add(beside(eps, g)).maximum(scaled(v, b2)),
    update: (m, v) => m.div(v),
  });
}

/** Options of `scaleByBelief`. */
export interface BeliefOptions extends AdamOptions {
  /** Added to the root (default 1e-16). */
  readonly eps?: Scalar | undefined;
  /** Added to the mean of squares in each step (default 1e-16). */
  readonly epsRoot?: Scalar | undefined;
}

/**
 * AdaBelief's directions (Zhuang and others, 2020): squares are those of what the mean did not foresee.
 *
 * @throws {RangeError} where `b1` or `b2` is not in [0, 1), or `eps` or `epsRoot` is negative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { scaleByBelief } from "@injax/injax/optim";
 *
 * const part = scaleByBelief();
 * const g = np.array([1, -10]);
 * console.log(part.update(g, part.init(g))[0].round(2).toArray()); // [ 1.11..., -1.11... ]
 * ```
 */
export function scaleByBelief(options: BeliefOptions = {}): Optimiser<MomentsState> {
  if (arguments.length > 0) checkCall("scaleByBelief(options)", arguments, adamOptions);
  return beliefPart("scaleByBelief", options);
}

/** `scaleByBelief` under the name by which users called it. */
export function beliefPart(op: string, options: BeliefOptions): Optimiser<MomentsState> {
  const settings = resolved(op, { eps: 1e-16, epsRoot: 1e-16, ...options });
  const { b2, eps, epsRoot } = settings;
  return kin(op, {
    settings,
    nu: (v, g, m) => mixed(v, g.sub(m).square(), b2).add(beside(epsRoot, v)),
    update: (m, v, weight) => divided(m, v.div(weight(v)), eps),
  });
}

/** Options of `scaleByYogi`. */
export interface YogiOptions extends MomentsOptions {
  /** Added to the root (default 1e-3). */
  readonly eps?: Scalar | undefined;
  /** Added under the root (default 0). */
  readonly epsRoot?: Scalar | undefined;
  /** What both means begin with (default 1e-6). */
  readonly initialAccumulatorValue?: Scalar | undefined;
}

/** The names of `YogiOptions`. */
export const yogiOptions: OptionTable<YogiOptions> = {
  ...momentsOptions,
  epsRoot: "operand",
  initialAccumulatorValue: "operand",
};

/**
 * Yogi's directions (Zaheer and others, 2018): the mean of squares goes towards the new square by a share of
 * that, so that it does not fall at once.
 *
 * @throws {RangeError} where `b1` or `b2` is not in [0, 1), or another number is negative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { scaleByYogi } from "@injax/injax/optim";
 *
 * const part = scaleByYogi();
 * const g = np.array([1, -10]);
 * console.log(part.update(g, part.init(g))[0].round(2).toArray()); // [ 1, -1 ]
 * ```
 */
export function scaleByYogi(options: YogiOptions = {}): Optimiser<MomentsState> {
  if (arguments.length > 0) checkCall("scaleByYogi(options)", arguments, yogiOptions);
  return yogiPart("scaleByYogi", options);
}

/** `scaleByYogi` under the name by which users called it. */
export function yogiPart(op: string, options: YogiOptions): Optimiser<MomentsState> {
  const { initialAccumulatorValue = 1e-6, ...rest } = options;
  checkScalar(op, "initialAccumulatorValue", initialAccumulatorValue, "notNegative");
  const settings = resolved(op, { eps: 1e-3, ...rest });
  const { b2, eps, epsRoot } = settings;
  const begin = (params: Tree): Kept => filled(params, initialAccumulatorValue);
  return kin(op, {
    settings,
    init: (params) => ({ count: noSteps(), mu: begin(params), nu: begin(params) }),
    nu(v, g) {
      const square = g.square();
      return v.sub(scaled(sign(v.sub(square)).mul(square), complement(b2)));
    },
    update: (m, v, weight) => divided(m, v.div(weight(v)), eps, epsRoot),
  });
}

/** Options of `scaleByRadam`. */
export interface RadamOptions extends AdamOptions {
  /** Degrees of freedom from which on squares are divided by (default 5). */
  readonly threshold?: Scalar | undefined;
}

/** The names of `RadamOptions`. */
export const radamOptions: OptionTable<RadamOptions> = { ...adamOptions, threshold: "operand" };

/**
 * RAdam's directions (Liu and others, 2020): Adam's, with less weight while few squares have been gathered, and the
 * mean alone at the very beginning.
 *
 * @throws {RangeError} where `b1` or `b2` is not in [0, 1), or another number is negative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { scaleByRadam } from "@injax/injax/optim";
 *
 * const part = scaleByRadam();
 * const g = np.array([0.5, -2]);
 * console.log(part.update(g, part.init(g))[0].round(3).toArray()); // [ 0.5, -2 ]
 * ```
 */
export function scaleByRadam(options: RadamOptions = {}): Optimiser<MomentsState> {
  if (arguments.length > 0) checkCall("scaleByRadam(options)", arguments, radamOptions);
  return radamPart("scaleByRadam", options);
}

/** `scaleByRadam` under the name by which users called it. */
export function radamPart(op: string, options: RadamOptions): Optimiser<MomentsState> {
  const { threshold = 5, ...rest } = options;
  checkScalar(op, "threshold", threshold, "notNegative");
  const settings = resolved(op, rest);
  const { b2, eps, epsRoot } = settings;
  return kin(op, {
    settings,
    nu: (v, g) => mixed(v, g.square(), b2),
    update(m, v, weightOf, count) {
      const weight = weightOf(v);
      const steps = count.astype(v.dtype);
      const most = div(2, typeof b2 === "number" ? full([], 1 - b2, v.dtype) : complement(b2)).sub(
        1,
      )
        .astype(v.dtype);
      // rho_t of the paper; 1 - weight is b2^t.
      const freedom = most.sub(steps.mul(2).mul(weight.neg().add(1)).div(weight));
      const enough = freedom.greaterEqual(beside(threshold, freedom));
      const shares = (rho: NDArray): NDArray => rho.sub(4).mul(rho.sub(2));
      const known = where(enough, freedom, most);
      const rectified = shares(known).mul(most).div(shares(most).mul(known)).sqrt();
      return where(enough, divided(m, v.div(weight), eps, epsRoot).mul(rectified), m);
    },
  });
}

/** Options of `scaleByAmsgrad`. */
export interface AmsgradOptions extends MomentsOptions {
  /** Added under the root (default 0). */
  readonly epsRoot?: Scalar | undefined;
}

/** The names of `AmsgradOptions`. */
export const amsgradOptions: OptionTable<AmsgradOptions> = {
  ...momentsOptions,
  epsRoot: "operand",
};

/** What `scaleByAmsgrad` keeps. */
export interface AmsgradState extends MomentsState {
  /** The largest mean of squares so far: a tree like the parameters. */
  readonly nuMax: Kept;
}

/**
 * AMSGrad's directions (Reddi, Kale and Kumar, 2018): Adam's, with the largest mean of squares so far.
 *
 * @throws {RangeError} where `b1` or `b2` is not in [0, 1), or `eps` or `epsRoot` is negative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { scaleByAmsgrad } from "@injax/injax/optim";
 *
 * const part = scaleByAmsgrad();
 * const g = np.array([1, -10]);
 * console.log(part.update(g, part.init(g))[0].round(3).toArray()); // [ 1, -1 ]
 * ```
 */
export function scaleByAmsgrad(options: AmsgradOptions = {}): Optimiser<AmsgradState> {
  if (arguments.length > 0) checkCall("scaleByAmsgrad(options)", arguments, amsgradOptions);
  return amsgradPart("scaleByAmsgrad", options);
}

/** `scaleByAmsgrad` under the name by which users called it. */
export function amsgradPart(name: string, options: AmsgradOptions): Optimiser<AmsgradState> {
  const { b1, b2, eps, epsRoot } = resolved(name, options);
  const op = `${name}.update`;
  return transformation<AmsgradState>(name, {
    keeps: ["count", "mu", "nu", "nuMax"],
    init: (params) => ({ ...noMoments(params), nuMax: zerosOf(params) }),
    update(gradient, state) {
      const count = counted(state.count);
      const g: Named = ["the gradient", gradient];
      const mu = mapTrees(op, [g, ["the state's mu", state.mu]], (g, m) => mixed(m, g, b1));
      const nu = mapTrees(
        op,
        [g, ["the state's nu", state.nu]],
        (g, v) => mixed(v, g.square(), b2),
      );
      const [mean, weight] = [meanBy(b1, count, false), gatheredBy(b2, count)];
      const nuMax = mapTrees(
        op,
        [["the state's nu", nu], ["the state's nuMax", state.nuMax]],
        (v, most) => v.div(weight(v)).maximum(most),
      );
      const updates = mapTrees(
        op,
        [["the state's mu", mu], ["the state's nuMax", nuMax]],
        (m, v) => divided(mean(m, m), v, eps, epsRoot),
      );
      return [updates, { count, mu: mu as Kept, nu: nu as Kept, nuMax: nuMax as Kept }];
    },
  });
}
