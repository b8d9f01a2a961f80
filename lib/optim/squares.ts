/**
 * Parts of optimisers that divide by the size of gradients so far, or by nothing but their sign: AdaGrad, RMSProp,
 * AdaDelta, Lion.
 *
 * @module
 */
import { checkCall, type NDArray, type OptionTable } from "../core/mod.ts";
import { sign } from "../api/arithmetic.ts";
import { where } from "../api/logic.ts";
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
import { beside, checkScalar, checkScalars, counted, filled, mixed, noSteps } from "./scalars.ts";

/** What `scaleByRss` keeps. */
export interface RssState {
  /** Sums of squares of gradients: a tree like the parameters. */
  readonly sumOfSquares: Kept;
}

/** Options of `scaleByRss`. */
export interface RssOptions {
  /** What sums begin with (default 0.1). */
  readonly initialAccumulatorValue?: Scalar | undefined;
  /** Added under the root (default 1e-7). */
  readonly eps?: Scalar | undefined;
}

/** The names of `RssOptions`. */
export const rssOptions: OptionTable<RssOptions> = {
  initialAccumulatorValue: "operand",
  eps: "operand",
};

/**
 * AdaGrad's directions (Duchi, Hazan and Singer, 2011): gradients over the root of the sum of all squares so far.
 *
 * @throws {RangeError} where a number is negative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { scaleByRss } from "@injax/injax/optim";
 *
 * const part = scaleByRss({ initialAccumulatorValue: 0 });
 * const g = np.array([2, -4]);
 * console.log(part.update(g, part.init(g))[0].toArray()); // [ 1, -1 ]
 * ```
 */
export function scaleByRss(options: RssOptions = {}): Optimiser<RssState> {
  if (arguments.length > 0) checkCall("scaleByRss(options)", arguments, rssOptions);
  return rssPart("scaleByRss", options);
}

/** `scaleByRss` under the name by which users called it. */
export function rssPart(name: string, options: RssOptions): Optimiser<RssState> {
  const { initialAccumulatorValue = 0.1, eps = 1e-7 } = options;
  checkScalars(name, "notNegative", { initialAccumulatorValue, eps });
  const op = `${name}.update`;
  return transformation<RssState>(name, {
    keeps: ["sumOfSquares"],
    init: (params) => ({ sumOfSquares: filled(params, initialAccumulatorValue) }),
    update(gradient, state) {
      const g: Named = ["the gradient", gradient];
      const sums = mapTrees(
        op,
        [g, ["the state's sumOfSquares", state.sumOfSquares]],
        (g, s) => g.square().add(s),
      );
      const updates = mapTrees(op, [g, ["the sums", sums]], (g, s) => {
        const none = s.lessEqual(0);
        return where(none, 0, g.div(where(none, 1, s.add(beside(eps, s))).sqrt()));
      });
      return [updates, { sumOfSquares: sums as Kept }];
    },
  });
}

/** What `scaleByRms` keeps. */
export interface RmsState {
  /** Mean of squares: a tree like the parameters. */
  readonly nu: Kept;
}

/** Options of `scaleByRms` and `scaleByStddev`. */
export interface RmsOptions {
  /** Share of the means that is kept in each step (default 0.9). */
  readonly decay?: Scalar | undefined;
  /** Added under the root (default 1e-8). */
  readonly eps?: Scalar | undefined;
  /** What the mean of squares begins with (default 0). */
  readonly initialScale?: Scalar | undefined;
}

/** The names of `RmsOptions`. */
export const rmsOptions: OptionTable<RmsOptions> = {
  decay: "operand",
  eps: "operand",
  initialScale: "operand",
};

function checkedRms(
  op: string,
  options: RmsOptions,
): Required<{ [K in keyof RmsOptions]: Scalar }> {
  const { decay = 0.9, eps = 1e-8, initialScale = 0 } = options;
  checkScalar(op, "decay", decay, "fraction");
  checkScalars(op, "notNegative", { eps, initialScale });
  return { decay, eps, initialScale };
}

/**
 * RMSProp's directions (Tieleman and Hinton, 2012): gradients over the root of the mean of their squares.
 *
 * @throws {RangeError} where `decay` is not in [0, 1), or another number is negative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { scaleByRms } from "@injax/injax/optim";
 *
 * const part = scaleByRms({ decay: 0.75 });
 * const g = np.array([1, -10]);
 * console.log(part.update(g, part.init(g))[0].round(3).toArray()); // [ 2, -2 ]
 * ```
 */
export function scaleByRms(options: RmsOptions = {}): Optimiser<RmsState> {
  if (arguments.length > 0) checkCall("scaleByRms(options)", arguments, rmsOptions);
  return rmsPart("scaleByRms", options);
}

/** `scaleByRms` under the name by which users called it. */
export function rmsPart(name: string, options: RmsOptions): Optimiser<RmsState> {
  const { decay, eps, initialScale } = checkedRms(name, options);
  const op = `${name}.update`;
  return transformation<RmsState>(name, {
    keeps: ["nu"],
    init: (params) => ({ nu: filled(params, initialScale) }),
    update(gradient, state) {
      const g: Named = ["the gradient", gradient];
      const nu = mapTrees(
        op,
        [g, ["the state's nu", state.nu]],
        (g, v) => mixed(v, g.square(), decay),
      );
      const updates = mapTrees(
        op,
        [g, ["the state's nu", nu]],
        (g, v) => g.div(v.add(beside(eps, v)).sqrt()),
      );
      return [updates, { nu: nu as Kept }];
    },
  });
}

/** What `scaleByStddev` keeps. */
export interface StddevState extends RmsState {
  /** Mean of gradients: a tree like the parameters. */
  readonly mu: Kept;
}

/**
 * Gradients over their standard deviation so far: centred RMSProp (Graves, 2013).
 *
 * @throws {RangeError} where `decay` is not in [0, 1), or another number is negative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { scaleByStddev } from "@injax/injax/optim";
 *
 * const part = scaleByStddev({ decay: 0.5 });
 * const g = np.array([1, -10]);
 * console.log(part.update(g, part.init(g))[0].round(3).toArray()); // [ 2, -2 ]
 * ```
 */
export function scaleByStddev(options: RmsOptions = {}): Optimiser<StddevState> {
  if (arguments.length > 0) checkCall("scaleByStddev(options)", arguments, rmsOptions);
  return stddevPart("scaleByStddev", options);
}

/** `scaleByStddev` under the name by which users called it. */
export function stddevPart(name: string, options: RmsOptions): Optimiser<StddevState> {
  const { decay, eps, initialScale } = checkedRms(name, options);
  const op = `${name}.update`;
  return transformation<StddevState>(name, {
    keeps: ["mu", "nu"],
    init: (params) => ({ mu: zerosOf(params), nu: filled(params, initialScale) }),
    update(gradient, state) {
      const g: Named = ["the gradient", gradient];
      const mu = mapTrees(op, [g, ["the state's mu", state.mu]], (g, m) => mixed(m, g, decay));
      const nu = mapTrees(
        op,
        [g, ["the state's nu", state.nu]],
        (g, v) => mixed(v, g.square(), decay),
      );
      const updates = mapTrees(
        op,
        [g, ["the state's mu", mu], ["the state's nu", nu]],
        // A variance is not negative, which rounding does not know.
        (g, m, v) => g.div(v.sub(m.square()).maximum(0).add(beside(eps, v)).sqrt()),
      );
      return [updates, { mu: mu as Kept, nu: nu as Kept }];
    },
  });
}

/** What `scaleByAdadelta` keeps. */
export interface AdadeltaState {
  /** Mean of squares of gradients: a tree like the parameters. */
  readonly eG: Kept;
  /** Mean of squares of updates: a tree like the parameters. */
  readonly eX: Kept;
}

/** Options of `scaleByAdadelta`. */
export interface AdadeltaOptions {
  /** Share of the means that is kept in each step (default 0.9). */
  readonly rho?: Scalar | undefined;
  /** Added under the roots (default 1e-6). */
  readonly eps?: Scalar | undefined;
}

/** The names of `AdadeltaOptions`. */
export const adadeltaOptions: OptionTable<AdadeltaOptions> = { rho: "operand", eps: "operand" };

/**
 * AdaDelta's directions (Zeiler, 2012): gradients in the size of the updates so far.
 *
 * @throws {RangeError} where `rho` is not in [0, 1), or `eps` is negative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { scaleByAdadelta } from "@injax/injax/optim";
 *
 * const part = scaleByAdadelta({ rho: 0, eps: 1 });
 * const g = np.array([0, 1]);
 * console.log(part.update(g, part.init(g))[0].round(3).toArray()); // [ 0, 0.707... ]
 * ```
 */
export function scaleByAdadelta(options: AdadeltaOptions = {}): Optimiser<AdadeltaState> {
  if (arguments.length > 0) checkCall("scaleByAdadelta(options)", arguments, adadeltaOptions);
  return adadeltaPart("scaleByAdadelta", options);
}

/** `scaleByAdadelta` under the name by which users called it. */
export function adadeltaPart(name: string, options: AdadeltaOptions): Optimiser<AdadeltaState> {
  const { rho = 0.9, eps = 1e-6 } = options;
  checkScalar(name, "rho", rho, "fraction");
  checkScalar(name, "eps", eps, "notNegative");
  const op = `${name}.update`;
  const root = (x: NDArray): NDArray => x.add(beside(eps, x)).sqrt();
  return transformation<AdadeltaState>(name, {
    keeps: ["eG", "eX"],
    init: (params) => ({ eG: zerosOf(params), eX: zerosOf(params) }),
    update(gradient, state) {
      const g: Named = ["the gradient", gradient];
      const eG = mapTrees(
        op,
        [g, ["the state's eG", state.eG]],
        (g, e) => mixed(e, g.square(), rho),
      );
      const updates = mapTrees(
        op,
        [g, ["the state's eG", eG], ["the state's eX", state.eX]],
        (g, e, x) => root(x).div(root(e)).mul(g),
      );
      const eX = mapTrees(
        op,
        [["the updates", updates], ["the state's eX", state.eX]],
        (u, x) => mixed(x, u.square(), rho),
      );
      return [updates, { eG: eG as Kept, eX: eX as Kept }];
    },
  });
}

/** What `scaleByLion` keeps. */
export interface LionState {
  /** Steps so far. */
  readonly count: NDArray;
  /** Mean of gradients: a tree like the parameters. */
  readonly mu: Kept;
}

/** Options of `scaleByLion`. */
export interface LionOptions {
  /** Share of the mean in the direction (default 0.9). */
  readonly b1?: Scalar | undefined;
  /** Share of the mean that is kept in each step (default 0.99). */
  readonly b2?: Scalar | undefined;
}

/** The names of `LionOptions`. */
export const lionOptions: OptionTable<LionOptions> = { b1: "operand", b2: "operand" };

/**
 * Lion's directions (Chen and others, 2023): the sign of a mean of gradients.
 *
 * @throws {RangeError} where `b1` or `b2` is not in [0, 1).
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { scaleByLion } from "@injax/injax/optim";
 *
 * const part = scaleByLion();
 * const g = np.array([0.1, -100]);
 * console.log(part.update(g, part.init(g))[0].toArray()); // [ 1, -1 ]
 * ```
 */
export function scaleByLion(options: LionOptions = {}): Optimiser<LionState> {
  if (arguments.length > 0) checkCall("scaleByLion(options)", arguments, lionOptions);
  return lionPart("scaleByLion", options);
}

/** `scaleByLion` under the name by which users called it. */
export function lionPart(name: string, options: LionOptions): Optimiser<LionState> {
  const { b1 = 0.9, b2 = 0.99 } = options;
  checkScalars(name, "fraction", { b1, b2 });
  return transformation<LionState>(name, {
    keeps: ["count", "mu"],
    init: (params) => ({ count: noSteps(), mu: zerosOf(params) }),
    update(gradient, state) {
      const parts: [Named, Named] = [["the gradient", gradient], ["the state's mu", state.mu]];
      const mean = (b: Scalar, f = (x: NDArray): NDArray => x): Tree =>
        mapTrees(`${name}.update`, parts, (g, m) => f(mixed(m, g, b)));
      return [mean(b1, (x) => sign(x)), { count: counted(state.count), mu: mean(b2) as Kept }];
    },
  });
}
