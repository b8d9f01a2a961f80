/**
 * The default dictionary: transforms of pure functions.
 *
 * @module
 */
import {
  checkpoint,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  valueAndGrad,
  vjp,
} from "./autodiff.ts";
import { customJvp, customVjp } from "./custom.ts";
import { customLinearSolve, customRoot } from "./implicit.ts";
import { evalShape } from "./inspect.ts";
import { jit } from "./jit.ts";
import { cond, switchCase } from "./branches.ts";
import { foriLoop, map, scan, whileLoop } from "./loops.ts";
import { checkedMembers } from "./members.ts";
import { associativeScan } from "./prefixes.ts";
import type { Transforms } from "./types.ts";
import { vmap } from "./vmap.ts";

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
  initialize() {},
  isInitializing: () => false,
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
export const pure: Transforms = checkedMembers(members);
