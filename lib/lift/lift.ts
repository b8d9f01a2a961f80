/**
 * One engine that lifts all transforms: given a protocol, it derives a dictionary whose members may
 * be applied to stateful functions.
 *
 * Each lifted transform does the same four things. While initialising, it runs the function once to
 * create the missing entries and keeps only those. It takes a snapshot. It applies the pure
 * transform to a function from state to state, which runs the user's function in a context of its
 * own; parameters are captured like any other value, so derivatives and loops see them. It commits
 * the outcome. An exception anywhere leaves the context as it was.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../core/signature.ts";
import { checkedMembers, type ImmediateName, type MakerName } from "../transforms/members.ts";
import type { LiftedTransforms } from "../transforms/lifted_types.ts";
import type { Transforms } from "../transforms/types.ts";
import { checkpoint, jit, vmap } from "./calls.ts";
import { associativeScan, branches, foriLoop, map, scan, whileLoop } from "./control.ts";
import { customJvp, customLinearSolve, customRoot, customVjp } from "./custom.ts";
import { derivative, jvp, linearize, vjp } from "./derivatives.ts";
import { asArrays, Engine, type Fn, instead, pure } from "./engine.ts";
import type { StateProtocol } from "./protocol.ts";

/** Options of `liftTransforms`. */
export interface LiftOptions {
  /**
   * Whether `whileLoop` raises `StateChangedError` where initialising its condition or body creates an
   * entry, rather than running them once to create it.
   */
  readonly strict?: boolean | undefined;
}

const liftOptions: OptionTable<LiftOptions> = { strict: "boolean" };

/** What a dictionary was made from. */
export interface Origin {
  /** The systems whose state it threads. */
  readonly protocols: readonly StateProtocol[];
  /** As in `LiftOptions`. */
  readonly strict: boolean;
}

const origins = new WeakMap<Transforms, Origin>();

/** What a dictionary was made from, if it was made by `liftTransforms` or `compose`. */
export function originOf(transforms: Transforms): Origin | undefined {
  return origins.get(transforms);
}

/** Notes what a dictionary was made from; gives it back. */
export function registerOrigin<D extends Transforms>(transforms: D, origin: Origin): D {
  origins.set(transforms, origin);
  return transforms;
}

/**
 * Derives a dictionary of transforms for a stateful system.
 *
 * @example
 * ```ts
 * import { liftTransforms, type NDArray, numpy as np, type StateBundle } from "@injax/injax";
 *
 * // A system whose contexts are bundles on a stack.
 * const stack: StateBundle[] = [];
 * const transforms = liftTransforms({
 *   system: "Stack",
 *   dictionary: "transforms",
 *   active: () => stack.length > 0,
 *   snapshot: () => stack.at(-1)!,
 *   commit: (bundle) => void (stack[stack.length - 1] = bundle),
 *   run(bundle, f) {
 *     stack.push(bundle);
 *     try {
 *       return [f(), stack.at(-1)!];
 *     } finally {
 *       stack.pop();
 *     }
 *   },
 * });
 *
 * const count = () => (stack.at(-1)!.state.n as NDArray);
 * const bump = () => {
 *   const top = stack.at(-1)!;
 *   stack[stack.length - 1] = { ...top, state: { n: count().add(1) } };
 * };
 * const state = { n: np.array(0) };
 * stack.push({ params: {}, state, initial: {}, rng: {}, phase: "apply", names: null });
 * transforms.foriLoop(0, 5, (_, x) => {
 *   bump();
 *   return x;
 * }, 0);
 * console.log(count().item()); // 5
 * ```
 */
export function liftTransforms(
  protocol: StateProtocol,
  options: LiftOptions = {},
): LiftedTransforms {
  if (arguments.length > 1) checkCall("liftTransforms(protocol, options)", arguments, liftOptions);
  const { strict = false } = options;
  const lifted = checkedMembers<LiftedTransforms>(dictionary(new Engine(protocol, strict)));
  return registerOrigin(lifted, { protocols: [protocol], strict });
}

function dictionary(e: Engine): Record<keyof Transforms, Fn> {
  const makers: Record<MakerName, Fn> = {
    jit: jit(e),
    grad: derivative(e, "grad"),
    valueAndGrad: derivative(e, "valueAndGrad"),
    jacfwd: derivative(e, "jacfwd"),
    jacrev: derivative(e, "jacrev"),
    hessian: derivative(e, "hessian"),
    vmap: vmap(e),
    checkpoint: checkpoint(e),
    customJvp: customJvp(e),
    customVjp: customVjp(e),
  };
  const immediate: Record<Exclude<ImmediateName, "isInitializing">, Fn> = {
    jvp: jvp(e),
    vjp: vjp(e),
    linearize: linearize(e),
    customRoot: customRoot(e),
    customLinearSolve: customLinearSolve(e),
    scan: scan(e),
    map: map(e),
    associativeScan: associativeScan(e),
    whileLoop: whileLoop(e),
    foriLoop: foriLoop(e),
    // Branches are recorded in the order ifFalse, ifTrue or 0, 1, ...; names follow that order.
    cond: (pred, ifTrue, ifFalse, ...operands) =>
      branches(
        e,
        "cond",
        [ifFalse, ifTrue],
        operands,
        ([no, yes], state) => pure.cond(pred, yes, no, state, ...operands),
      ),
    switchCase: (index, cases, ...operands) =>
      Array.isArray(cases)
        ? branches(
          e,
          "switchCase",
          cases,
          operands,
          (runs, state) => pure.switchCase(index, runs, state, ...operands),
        )
        : pure.switchCase(index, cases, ...operands),
    evalShape(f, ...args) {
      const bundle = e.protocol.snapshot();
      const run: Fn = (...xs) => e.protocol.run(bundle, () => (f as Fn)(...xs))[0];
      return pure.evalShape(instead(f, run), ...args);
    },
    initialize: (f, ...args) => e.initialize(f, () => asArrays(args)),
  };
  const atOnce = Object.entries(immediate).map(([name, member]) => [
    name,
    e.now(name as ImmediateName, member),
  ]);
  return {
    ...makers,
    ...Object.fromEntries(atOnce) as typeof immediate,
    isInitializing: () => e.protocol.active() && e.protocol.snapshot().phase !== "apply",
  };
}
