/**
 * Optimisers made of others: one after the other, once in several steps, only where gradients are finite.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  type NDArray,
  scalarArray,
  TreeError,
  treeLeaves,
} from "../core/mod.ts";
import type { Tree } from "../transforms/tree_types.ts";
import { isFinite, logicalAnd, logicalOr, where } from "../api/logic.ts";
import {
  checkOptimiser,
  type Kept,
  mapTrees,
  type Named,
  type Optimiser,
  type Scalar,
  transformation,
  zerosOf,
} from "./optimiser.ts";
import { checkScalar, counted, noSteps, scaled } from "./scalars.ts";

/**
 * One optimiser after the other: each is given the updates of the one before. The state is a list of theirs.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { chain, clipByGlobalNorm, sgd } from "@injax/injax/optim";
 *
 * const optimiser = chain(clipByGlobalNorm(1), sgd(0.5));
 * const params = np.zeros([2]);
 * const [updates] = optimiser.update(np.array([30, 40]), optimiser.init(params), params);
 * console.log(updates.round(3).toArray()); // [ -0.300..., -0.400... ]
 * ```
 */
export function chain<S extends readonly unknown[]>(
  ...parts: { readonly [K in keyof S]: Optimiser<S[K]> }
): Optimiser<S> {
  parts.forEach((part, i) => checkOptimiser("chain", `argument ${i}`, part));
  return chainOf("chain", parts);
}

/** `chain` under the name by which users called it. */
export function chainOf<S extends readonly unknown[]>(
  name: string,
  parts: { readonly [K in keyof S]: Optimiser<S[K]> },
): Optimiser<S> {
  const optimisers = parts as readonly Optimiser[];
  // What a part says of itself beside the name of the whole.
  const described = optimisers.map((part) => part.description ?? "an optimiser")
    .filter((text) => text !== name && text !== "identity").join(", ");
  return {
    description: name === "chain" ? described : `${name} (${described})`,
    init: (params) => optimisers.map((part) => part.init(params)) as unknown as S,
    update(gradient, state, params) {
      if (!Array.isArray(state) || state.length !== optimisers.length) {
        throw new TreeError(
          `${name}.update: the state must be what init(params) or the last update gave, a list of ${optimisers.length}, not ${
            describeValue(state)
          }. Write update(gradient, state, params)`,
        );
      }
      let updates: unknown = gradient;
      const kept = optimisers.map((part, i) => {
        const [next, own] = part.update(updates, state[i], params as never);
        updates = next;
        return own;
      });
      return [updates as never, kept as unknown as S];
    },
  };
}

/** Takes `yes` where a condition holds, and `no` elsewhere, leaf by leaf. */
function choose<T>(op: string, condition: NDArray, yes: T, no: T): T {
  const parts: [Named, Named] = [["the new state", yes], ["the old state", no]];
  return mapTrees(op, parts, (a, b) => where(condition, a, b)) as T;
}

/** What `multiSteps` keeps. */
export interface MultiStepsState<S> {
  /** Gradients gathered since the last step. */
  readonly miniStep: NDArray;
  /** Steps of the inner optimiser. */
  readonly gradientStep: NDArray;
  /** What the inner optimiser keeps. */
  readonly inner: S;
  /** The mean of the gradients gathered: a tree like the parameters. */
  readonly accumulated: Kept;
}

/**
 * Gathers the mean of several gradients, and then lets an optimiser make its step: as if the batch were larger.
 * In between, updates are 0.
 *
 * @param every How many gradients make a step.
 * @throws {RangeError} where `every` is not a positive integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { multiSteps, sgd } from "@injax/injax/optim";
 *
 * const optimiser = multiSteps(sgd(1), 2);
 * const [first, state] = optimiser.update(np.array([1]), optimiser.init(np.zeros([1])));
 * console.log(first.toArray(), optimiser.update(np.array([3]), state)[0].toArray()); // [ 0 ] [ -2 ]
 * ```
 */
export function multiSteps<S>(inner: Optimiser<S>, every: number): Optimiser<MultiStepsState<S>> {
  const name = "multiSteps";
  if (arguments.length > 2) checkCall(`${name}(inner, every)`, arguments);
  checkOptimiser(name, "the first argument", inner);
  if (!Number.isInteger(every) || every < 1) {
    throw new RangeError(`${name}: every must be a positive integer, not ${describeValue(every)}`);
  }
  const op = `${name}.update`;
  return transformation<MultiStepsState<S>>(name, {
    description: `${inner.description ?? "an optimiser"}, every ${every} gradients`,
    keeps: ["miniStep", "gradientStep", "inner", "accumulated"],
    init: (params) => ({
      miniStep: noSteps(),
      gradientStep: noSteps(),
      inner: inner.init(params),
      accumulated: zerosOf(params),
    }),
    update(gradient, state, params) {
      const weight = state.miniStep.add(1);
      const parts: [Named, Named] = [
        ["the gradient", gradient],
        ["the state's mean", state.accumulated],
      ];
      const mean = mapTrees(
        op,
        parts,
        (g, kept) => kept.add(g.sub(kept).div(weight.astype(g.dtype))),
      ) as Kept;
      const full = weight.equal(every);
      const [updates, own] = inner.update(mean as Tree, state.inner, params as never);
      const none = zerosOf(gradient);
      return [
        choose(op, full, updates as Tree, none as Tree),
        {
          miniStep: where(full, 0, weight),
          gradientStep: where(full, counted(state.gradientStep), state.gradientStep),
          inner: choose(op, full, own, state.inner),
          accumulated: choose(op, full, none, mean),
        },
      ];
    },
  });
}

/** What `applyIfFinite` keeps. */
export interface ApplyIfFiniteState<S> {
  /** Gradients in a row that were not finite. */
  readonly notFiniteCount: NDArray;
  /** Whether the last one was finite. */
  readonly lastFinite: NDArray;
  /** Gradients so far that were not finite. */
  readonly totalNotFinite: NDArray;
  /** What the inner optimiser keeps. */
  readonly inner: S;
}

/**
 * Leaves out gradients that are not finite: the update is 0, and the inner optimiser does not see them. After too
 * many in a row they are applied, so that a run that is lost does not look like one that stands still.
 *
 * @param maxConsecutiveErrors How many in a row are left out.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { applyIfFinite, sgd } from "@injax/injax/optim";
 *
 * const optimiser = applyIfFinite(sgd(1), 3);
 * const [updates, state] = optimiser.update(np.array([1, NaN]), optimiser.init(np.zeros([2])));
 * console.log(updates.toArray(), state.totalNotFinite.item()); // [ 0, 0 ] 1
 * ```
 */
export function applyIfFinite<S>(
  inner: Optimiser<S>,
  maxConsecutiveErrors: number,
): Optimiser<ApplyIfFiniteState<S>> {
  const name = "applyIfFinite";
  if (arguments.length > 2) checkCall(`${name}(inner, maxConsecutiveErrors)`, arguments);
  checkOptimiser(name, "the first argument", inner);
  if (!Number.isInteger(maxConsecutiveErrors) || maxConsecutiveErrors < 0) {
    throw new RangeError(
      `${name}: maxConsecutiveErrors must be an integer, 0 or more, not ${
        describeValue(maxConsecutiveErrors)
      }`,
    );
  }
  const op = `${name}.update`;
  return transformation<ApplyIfFiniteState<S>>(name, {
    description: `${inner.description ?? "an optimiser"}, where gradients are finite`,
    keeps: ["notFiniteCount", "lastFinite", "totalNotFinite", "inner"],
    init: (params) => ({
      notFiniteCount: noSteps(),
      lastFinite: scalarArray(1, "bool"),
      totalNotFinite: noSteps(),
      inner: inner.init(params),
    }),
    update(gradient, state, params) {
      const finite = (treeLeaves(gradient) as NDArray[]).map((g) => isFinite(g).all())
        .reduce((a, b) => logicalAnd(a, b), scalarArray(1, "bool"));
      const inRow = where(finite, 0, counted(state.notFiniteCount));
      const apply = logicalOr(finite, inRow.greater(maxConsecutiveErrors));
      const [updates, own] = inner.update(gradient, state.inner, params as never);
      return [
        choose(op, apply, updates as Tree, zerosOf(gradient) as Tree),
        {
          notFiniteCount: inRow,
          lastFinite: finite,
          totalNotFinite: where(finite, state.totalNotFinite, counted(state.totalNotFinite)),
          inner: choose(op, apply, own, state.inner),
        },
      ];
    },
  });
}

/** What `lookahead` keeps. */
export interface LookaheadState<S> {
  /** Steps since the slow parameters followed. */
  readonly stepsSinceSync: NDArray;
  /** The slow parameters: a tree like the parameters. */
  readonly slow: Kept;
  /** What the inner optimiser keeps. */
  readonly inner: S;
}

/**
 * Slow parameters that follow after several steps of an optimiser, which then goes on from them (Zhang and others,
 * "Lookahead optimizer", 2019). They are in the state, as `slow`.
 *
 * @param syncPeriod Steps from one time to the next.
 * @param slowStepSize Share of the way that the slow parameters go.
 * @throws {RangeError} where `syncPeriod` is not a positive integer, or `slowStepSize` not in [0, 1].
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { lookahead, sgd } from "@injax/injax/optim";
 *
 * const optimiser = lookahead(sgd(1), 1, 0.5);
 * const params = np.array([4]);
 * const [updates, state] = optimiser.update(np.array([2]), optimiser.init(params), params);
 * console.log(updates.toArray(), String(state.slow)); // [ -1 ] Array(float32[1], [3])
 * ```
 */
export function lookahead<S>(
  inner: Optimiser<S>,
  syncPeriod: number,
  slowStepSize: Scalar,
): Optimiser<LookaheadState<S>> {
  const name = "lookahead";
  if (arguments.length > 3) checkCall(`${name}(inner, syncPeriod, slowStepSize)`, arguments);
  checkOptimiser(name, "the first argument", inner);
  if (!Number.isInteger(syncPeriod) || syncPeriod < 1) {
    throw new RangeError(
      `${name}: syncPeriod must be a positive integer, not ${describeValue(syncPeriod)}`,
    );
  }
  checkScalar(name, "slowStepSize", slowStepSize, "share");
  const op = `${name}.update`;
  return transformation<LookaheadState<S>>(name, {
    description: `${inner.description ?? "an optimiser"}, looked at every ${syncPeriod} steps`,
    keeps: ["stepsSinceSync", "slow", "inner"],
    needsParams: true,
    init: (params) => ({
      stepsSinceSync: noSteps(),
      slow: params as Kept,
      inner: inner.init(params),
    }),
    update(gradient, state, params) {
      const steps = state.stepsSinceSync.add(1);
      const due = steps.equal(syncPeriod);
      const [updates, own] = inner.update(gradient, state.inner, params as never);
      const slow = mapTrees(
        op,
        [["the state's slow", state.slow], ["the parameters", params], ["the updates", updates]],
        (s, p, u) => where(due, s.add(scaled(p.add(u).sub(s), slowStepSize)), s),
      );
      const moved = mapTrees(
        op,
        [["the updates", updates], ["the state's slow", slow], ["the parameters", params]],
        (u, s, p) => where(due, s.sub(p), u),
      );
      return [
        moved,
        { stepsSinceSync: where(due, 0, steps), slow: slow as Kept, inner: own },
      ];
    },
  });
}
