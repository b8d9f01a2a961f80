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
import type { AnyFunction, Transforms } from "../transforms/types.ts";
import { checkpoint, jit, vmap } from "./calls.ts";
import { associativeScan, branches, foriLoop, map, scan, whileLoop } from "./control.ts";
import { customJvp, customLinearSolve, customRoot, customVjp } from "./custom.ts";
import { derivative, jvp, linearize, vjp } from "./derivatives.ts";
import { Engine, type Fn, pure } from "./engine.ts";
import type { StateProtocol } from "./protocol.ts";

/** Options of `liftTransforms`. */
export interface LiftOptions {
  /**
   * Whether `whileLoop` raises `StateChangedError` where initialising its condition or body creates an
   * entry, rather than running them once to create it.
   */
  readonly strict?: boolean;
}

const protocols = new WeakMap<Transforms, StateProtocol>();

/** The protocol behind a dictionary made by `liftTransforms`. */
export function protocolOf(transforms: Transforms): StateProtocol | undefined {
  return protocols.get(transforms);
}

/** Derives a dictionary of transforms for a stateful system. */
export function liftTransforms(protocol: StateProtocol, options: LiftOptions = {}): Transforms {
  const engine = new Engine(protocol, options.strict ?? false);
  const lifted = dictionary(engine) as unknown as Transforms;
  protocols.set(lifted, protocol);
  return lifted;
}

function dictionary(e: Engine): Record<keyof Transforms, Fn> {
  return {
    jit: jit(e),
    grad: derivative(e, "grad"),
    valueAndGrad: derivative(e, "valueAndGrad"),
    jacfwd: derivative(e, "jacfwd"),
    jacrev: derivative(e, "jacrev"),
    hessian: derivative(e, "hessian"),
    jvp: e.now("jvp", jvp(e)),
    vjp: e.now("vjp", vjp(e)),
    linearize: e.now("linearize", linearize(e)),
    vmap: vmap(e),
    checkpoint: checkpoint(e),
    customJvp: customJvp(e),
    customVjp: customVjp(e),
    customRoot: e.now("customRoot", customRoot(e)),
    customLinearSolve: e.now("customLinearSolve", customLinearSolve(e)),
    scan: e.now("scan", scan(e)),
    map: e.now("map", map(e)),
    associativeScan: e.now("associativeScan", associativeScan(e)),
    whileLoop: e.now("whileLoop", whileLoop(e)),
    foriLoop: e.now("foriLoop", foriLoop(e)),
    // Branches are recorded in the order ifFalse, ifTrue or 0, 1, ...; names follow that order.
    cond: e.now(
      "cond",
      (pred, ifTrue, ifFalse, ...operands) =>
        branches(
          e,
          "cond",
          [ifFalse, ifTrue] as AnyFunction[],
          operands,
          ([no, yes], state) => pure.cond(pred, yes, no, state, ...operands),
        ),
    ),
    switchCase: e.now(
      "switchCase",
      (index, cases, ...operands) =>
        branches(
          e,
          "switchCase",
          cases as AnyFunction[],
          operands,
          (runs, state) => pure.switchCase(index, runs, state, ...operands),
        ),
    ),
    evalShape: e.now("evalShape", (f, ...args) => {
      const bundle = e.protocol.snapshot();
      return pure.evalShape(
        (...xs: unknown[]) => e.run(bundle, () => (f as Fn)(...xs)).out,
        ...args,
      );
    }),
    initialize: e.now("initialize", (f, ...args) => {
      e.initialize(() => (f as Fn)(...args));
    }),
    isInitializing: () => e.protocol.active() && e.protocol.snapshot().phase !== "apply",
  };
}
