/**
 * Mixed precision: in which dtypes modules of a class keep their parameters, compute, and give results.
 *
 * @module
 */
import { checkCall, describeValue, isFloat, type OptionTable } from "../../lib/extend.ts";
import { type DType, StateError } from "../../mod.ts";
import { ambientHandlers, currentScope, protocol, scopeIn, withScope } from "./context.ts";
import type { Handlers, Policy } from "./handlers.ts";
import { type ModuleClass, policyIn, withPolicy } from "./policies.ts";

export type { ModuleClass };

/** What a policy says: dtypes of floating-point arrays, each float32 where left out. */
export interface PolicyOptions {
  /** Of parameters as they are made and stored. */
  readonly params?: DType | undefined;
  /** Of parameters and state as modules read them, and of the arguments of methods. */
  readonly compute?: DType | undefined;
  /** Of what methods return. */
  readonly output?: DType | undefined;
}

const policyOptions: OptionTable<PolicyOptions> = {
  params: "dtype",
  compute: "dtype",
  output: "dtype",
};

function checkClass(op: string, made: unknown): void {
  if (typeof made === "function") return;
  throw new StateError(
    `${op}: expected a class of modules, such as hk.Linear, not ${describeValue(made)}`,
  );
}

function policyOf(op: string, options: PolicyOptions): Policy {
  if (typeof options !== "object" || options === null) {
    throw new StateError(
      `${op}: expected a policy, such as { params: "float64", compute: "float32" }, not ${
        describeValue(options)
      }. hk.mixedPrecision.clearPolicy takes one away`,
    );
  }
  const { params = "float32", compute = "float32", output = "float32" } = options;
  for (const [what, dtype] of Object.entries({ params, compute, output })) {
    if (isFloat(dtype)) continue;
    throw new StateError(
      `${op}: ${what} must be "float32" or "float64", not ${JSON.stringify(dtype)}`,
    );
  }
  return { params, compute, output };
}

function inForce(): Handlers {
  const context = protocol.top();
  return context === null ? ambientHandlers.value : scopeIn(context).handlers;
}

/** Changes what is in force from now on. */
function change(op: string, made: ModuleClass, policy: Policy | null): void {
  if (protocol.top() !== null) {
    throw new StateError(
      `${op} is for the program around: inside of a transformed function use ` +
        "hk.mixedPrecision.pushPolicy(moduleClass, policy, () => ...)",
    );
  }
  ambientHandlers.value = withPolicy(ambientHandlers.value, made, policy);
}

/**
 * Has all modules of a class, in functions that run from now on, keep their parameters, compute and give
 * results in these dtypes, and modules that they use as well where these have no policy of their own.
 * Subclasses are other classes. Integers and bools stay what they are.
 *
 * @throws {StateError} where it is no class, or a dtype is not a floating-point one; inside of a
 * transformed function, where `pushPolicy` does for a part.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * hk.mixedPrecision.setPolicy(hk.Linear, { params: "float64", compute: "float32" });
 * const model = hk.transform((x: NDArray) => new hk.Linear(2).call(x));
 * const params = model.init(random.key(0), np.ones([3]));
 * const out = model.apply(params, null, np.ones([3]));
 * console.log(params.linear!.w!.dtype, out.dtype); // float64 float32
 * hk.mixedPrecision.clearPolicy(hk.Linear);
 * ```
 */
export function setPolicy(moduleClass: ModuleClass, options: PolicyOptions): void {
  const op = "hk.mixedPrecision.setPolicy";
  checkClass(op, moduleClass);
  const policy = policyOf(op, options);
  checkCall(`${op}(moduleClass, options)`, arguments, policyOptions);
  change(op, moduleClass, policy);
}

/**
 * Takes the policy of a class away.
 *
 * @throws {StateError} as `setPolicy`.
 *
 * @example See `setPolicy`.
 */
export function clearPolicy(moduleClass: ModuleClass): void {
  const op = "hk.mixedPrecision.clearPolicy";
  if (arguments.length > 1) checkCall(`${op}(moduleClass)`, arguments);
  checkClass(op, moduleClass);
  change(op, moduleClass, null);
}

/**
 * The policy that was given to a class, or `null`.
 *
 * @throws {StateError} where it is no class.
 *
 * @example
 * ```ts
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const { getPolicy, pushPolicy } = hk.mixedPrecision;
 * const within = pushPolicy(hk.MLP, { params: "float64" }, () => getPolicy(hk.MLP)!.params);
 * console.log(within, getPolicy(hk.MLP)); // float64 null
 * ```
 */
export function getPolicy(moduleClass: ModuleClass): Policy | null {
  const op = "hk.mixedPrecision.getPolicy";
  if (arguments.length > 1) checkCall(`${op}(moduleClass)`, arguments);
  checkClass(op, moduleClass);
  return policyIn(inForce(), moduleClass) ?? null;
}

/**
 * The policy that the running code is under: that of the innermost module that has one, or `null`.
 *
 * @throws {StateError} outside of a transformed function.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * class Shown extends hk.Module {
 *   call(x: NDArray): NDArray {
 *     console.log(hk.mixedPrecision.currentPolicy()?.compute ?? null, x.dtype);
 *     return x;
 *   }
 * }
 * const model = hk.transform((x: NDArray) => {
 *   new Shown().call(x);
 *   return hk.mixedPrecision.pushPolicy(Shown, { compute: "float64" }, () => new Shown().call(x));
 * });
 * console.log(model.apply({}, null, np.ones([2])).dtype);
 * // null float32
 * // float64 float64
 * // float32
 * ```
 */
export function currentPolicy(): Policy | null {
  const op = "hk.mixedPrecision.currentPolicy";
  if (arguments.length > 0) checkCall(`${op}()`, arguments);
  return currentScope(op).handlers.policy ?? null;
}

/**
 * Runs `f` with a policy for a class, as `setPolicy` would give it; afterwards there is that of before.
 *
 * @throws {StateError} where it is no class or `f` is no function, or a dtype is not a floating-point one.
 *
 * @example See `currentPolicy`.
 */
export function pushPolicy<R>(moduleClass: ModuleClass, options: PolicyOptions, f: () => R): R {
  const op = "hk.mixedPrecision.pushPolicy";
  checkClass(op, moduleClass);
  const policy = policyOf(op, options);
  checkCall(`${op}(moduleClass, options, f)`, arguments, policyOptions);
  if (typeof f !== "function") {
    throw new StateError(`${op}: expected a function to run, not ${describeValue(f)}`);
  }
  const context = protocol.top();
  if (context !== null) {
    const scope = scopeIn(context);
    return withScope(
      context,
      { ...scope, handlers: withPolicy(scope.handlers, moduleClass, policy) },
      f,
    );
  }
  const before = ambientHandlers.value;
  ambientHandlers.value = withPolicy(before, moduleClass, policy);
  try {
    return f();
  } finally {
    ambientHandlers.value = before;
  }
}
