/**
 * Modules with variables: what `bind` gives, and what that is taken apart to.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../lib/extend.ts";
import { Context } from "../../mod.ts";
import { beginRun, type Bindable, isModule, needScope } from "./binding.ts";
import { protocol, type Statics } from "./context.ts";
import { checkFilter, type Filter } from "./filters.ts";
import { type Rngs, streamsOf } from "./run.ts";
import {
  entriesOf,
  type GivenVariables,
  isPlain,
  nodeAt,
  type Variables,
  variablesIn,
} from "./variables.ts";

/** Options of `Module.bind`. */
export interface BindOptions {
  /** Keys of random streams. */
  readonly rngs?: Rngs | undefined;
  /** Collections that may change (default: none). */
  readonly mutable?: Filter | undefined;
}

const bindOptions: OptionTable<BindOptions> = { rngs: "object", mutable: "object" };

/** What a module with variables has besides what the module has. */
export interface BoundMembers<M> {
  /** Its variables as they are now. */
  readonly variables: Variables;
  /** The module, and its variables as they are now: as if it were a model of its own. */
  unbind(): [module: M, variables: Variables];
}

/** Runs `f` while a module has the fields that its `setup` gives it. */
export type WithFields = (context: Context, module: Bindable, f: () => unknown) => unknown;

/** As `Module.bind`. */
export function boundModule<M extends Bindable>(
  module: M,
  variables: GivenVariables,
  options: BindOptions | undefined,
  withFields: WithFields,
): BoundMembers<M> {
  const op = `${module.constructor.name}.bind(variables, options)`;
  checkCall("module.bind(variables, options)", [variables, options], bindOptions);
  const { rngs = {}, mutable = false } = options ?? {};
  checkFilter(op, "mutable", mutable);
  const context = Context.open(protocol, {
    entries: entriesOf(op, variables),
    streams: streamsOf(op, rngs),
    statics: { mutable } satisfies Statics,
  });
  beginRun(context, module, variables);
  const now = (part: Bindable): Variables => {
    const { path } = protocol.run(context, () => needScope(context, part, op));
    const all = variablesIn(context, variables, true);
    if (path === "") return all;
    const own = Object.keys(all).map((name): [string, unknown] => [
      name,
      nodeAt(all, `${name}:${path}`),
    ]);
    return Object.fromEntries(own.filter(([, tree]) => isPlain(tree))) as Variables;
  };
  const stands = new WeakMap<object, unknown>();
  const standIn = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(standIn);
    if (isPlain(value)) {
      return Object.fromEntries(Object.entries(value).map(([k, x]) => [k, standIn(x)]));
    }
    if (!isModule(value)) return value;
    let stand = stands.get(value);
    if (stand === undefined) stands.set(value, stand = proxyOf(value));
    return stand;
  };
  const proxyOf = (part: Bindable): unknown =>
    new Proxy(part, {
      get(target, name) {
        if (name === "variables") return now(part);
        if (name === "unbind") return () => [part, now(part)];
        const found = protocol.run(
          context,
          () => withFields(context, part, () => Reflect.get(target, name, target)),
        );
        if (typeof found !== "function") return standIn(found);
        return (...args: unknown[]) => protocol.run(context, () => found.apply(target, args));
      },
    });
  return standIn(module) as BoundMembers<M>;
}
