/**
 * The default dictionary: transforms of pure functions.
 *
 * @module
 */
import { grad, hessian, jacfwd, jacrev, jvp, linearize, valueAndGrad, vjp } from "./autodiff.ts";
import { checkpoint } from "./checkpoint.ts";
import { customJvp, customVjp } from "./custom.ts";
import { customLinearSolve, customRoot } from "./implicit.ts";
import { evalShape } from "./inspect.ts";
import { jit } from "./jit.ts";
import { cond, switchCase } from "./branches.ts";
import { foriLoop, map, scan, whileLoop } from "./loops.ts";
import { checkedMember } from "./members.ts";
import { associativeScan } from "./unroll.ts";
import * as checked from "./public.ts";
import type { Transforms } from "./types.ts";
import { vmap } from "./vmap.ts";

function initialize(): void {}

function isInitializing(): boolean {
  return false;
}

/** The members by themselves, for code that lifts them. */
export const members: Readonly<Record<keyof Transforms, unknown>> = {
  jit,
  grad,
  valueAndGrad,
  jvp,
  vjp,
  linearize,
  jacfwd,
  jacrev,
  hessian,
  vmap,
  checkpoint,
  customJvp,
  customVjp,
  customRoot,
  customLinearSolve,
  scan,
  map,
  whileLoop,
  foriLoop,
  cond,
  switchCase,
  associativeScan,
  evalShape,
  initialize,
  isInitializing,
};

/**
 * The transforms of pure functions: the default wherever library code takes a dictionary.
 *
 * @example
 * ```ts
 * import { numpy as np, pure } from "@injax/injax";
 *
 * const [last, all] = pure.scan((c, x) => [c.add(x), c], np.zeros([]), np.arange(4));
 * console.log(last.item(), all.toArray()); // 6 [ 0, 0, 1, 3 ]
 * ```
 */
export const pure: Transforms = {
  jit: checked.jit,
  grad: checked.grad,
  valueAndGrad: checked.valueAndGrad,
  jvp: checked.jvp,
  vjp: checked.vjp,
  linearize: checked.linearize,
  jacfwd: checked.jacfwd,
  jacrev: checked.jacrev,
  hessian: checked.hessian,
  vmap: checked.vmap,
  checkpoint: checked.checkpoint,
  customJvp: checked.customJvp,
  customVjp: checked.customVjp,
  customRoot: checked.customRoot,
  customLinearSolve: checked.customLinearSolve,
  scan: checked.scan,
  map: checked.map,
  whileLoop: checked.whileLoop,
  foriLoop: checked.foriLoop,
  cond: checked.cond,
  switchCase: checked.switchCase,
  associativeScan: checked.associativeScan,
  evalShape: checked.evalShape,
  initialize: /* @__PURE__ */ checkedMember("initialize", initialize),
  isInitializing: /* @__PURE__ */ checkedMember("isInitializing", isInitializing),
};
