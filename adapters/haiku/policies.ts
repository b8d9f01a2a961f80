/**
 * What policies of mixed precision do: which one is in force for a class of modules, and how methods
 * run under it. How users set them is in `mixed_precision.ts`.
 *
 * @module
 */
import { isFloat } from "../../lib/extend.ts";
import { type Context, type DType, NDArray, treeMap } from "../../mod.ts";
import { currentScope, scopeIn, withScope } from "./context.ts";
import type { Creator, Getter, Handlers, NamedModule, Policy } from "./handlers.ts";

/** A class of modules. */
export type ModuleClass = abstract new (...args: never[]) => NamedModule;

/** Classes by number: what is in force is plain data. */
const numbers = new WeakMap<object, string>();
let count = 0;

/** Handlers with another policy for a class, or with none. */
export function withPolicy(handlers: Handlers, made: ModuleClass, policy: Policy | null): Handlers {
  let number = numbers.get(made);
  if (number === undefined) numbers.set(made, number = String(count++));
  const { [number]: _, ...others } = handlers.policies ?? {};
  return { ...handlers, policies: policy === null ? others : { ...others, [number]: policy } };
}

/** The policy for a class, if there is one. */
export function policyIn({ policies }: Handlers, made: object): Policy | undefined {
  const number = policies === undefined ? undefined : numbers.get(made);
  return number === undefined ? undefined : policies![number];
}

/** A tree with its floating-point arrays in a dtype. */
function cast<T>(tree: T, dtype: DType): T {
  return treeMap(
    (x: unknown) => x instanceof NDArray && isFloat(x.dtype) ? x.astype(dtype) : x,
    tree as never,
  ) as T;
}

/** The policy in force where a handler runs; one put in by a module runs under that module alone. */
const running = (): Policy => currentScope("hk.mixedPrecision").handlers.policy!;

const creator: Creator = (next, shape, dtype, init) =>
  next(shape, isFloat(dtype) ? running().params : dtype, init);

const getter: Getter = (next, value) => next(cast(value, running().compute));

/** Runs a method of a module as the policy of its class says, if it has one. */
export function underPolicy(
  context: Context,
  module: NamedModule,
  args: readonly unknown[],
  run: (args: readonly unknown[]) => unknown,
): unknown {
  const scope = scopeIn(context);
  const { handlers } = scope;
  const policy = policyIn(handlers, module.constructor);
  if (policy === undefined) return run(args);
  const { paramCreators, paramGetters, stateGetters } = handlers;
  // Under a module with a policy the handlers are there already, and ask what is in force.
  const hooks = handlers.policy !== undefined ? {} : {
    paramCreators: [...paramCreators, creator],
    paramGetters: [...paramGetters, getter],
    stateGetters: [...stateGetters, getter],
  };
  const inner = { ...scope, handlers: { ...handlers, ...hooks, policy } };
  return withScope(context, inner, () => cast(run(cast(args, policy.compute)), policy.output));
}
