/**
 * Running a function while some variables have other values: what it does to all others counts as usual.
 *
 * @module
 */
import { describeValue } from "../../lib/extend.ts";
import { type Context, NDArray, StateError } from "../../mod.ts";
import { type Bindable, needScope } from "./binding.ts";
import { protocol } from "./context.ts";
import { type Filter, inFilter } from "./filters.ts";
import { collectionOf, isPlain, type Nested, pathOf, put, toValue } from "./variables.ts";

/** Values of variables by key. */
export type Values = Readonly<Record<string, unknown>>;

/** How a view differs from what is around it. */
export interface ViewOptions {
  /** Variables that have these values in it, whether they exist outside or not. */
  readonly values: Values;
  /** Variables that are its own: outside they do not count, and what is done to them does not. */
  readonly owns: (key: string) => boolean;
}

/**
 * Runs `f` in a view; gives its result, and the view's own variables after it. It may be in a transform
 * that is inside of the one where `values` were found.
 */
export function viewing<T>(
  what: string,
  { values, owns }: ViewOptions,
  f: () => T,
): { readonly out: T; readonly after: Values } {
  const context = protocol.need(what);
  const inner = context.child({
    lift: (key, outer) => owns(key) ? undefined : outer,
    makesHere: owns,
  });
  for (const [key, value] of Object.entries(values)) inner.keep(key, value);
  const out = protocol.run(inner, f);
  const { made, born, written, removed, drawn } = inner.account;
  const after: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values)) {
    after[key] = inner.get(key);
    if (after[key] !== value && !owns(key)) context.set(key, after[key]);
  }
  for (const [key, value] of made) context.adopt(key, value);
  for (const [key, value] of born) if (!owns(key)) context.set(key, value);
  for (const [key, value] of written) {
    if (owns(key)) after[key] = value;
    else context.set(key, value);
  }
  for (const key of removed) if (!owns(key)) context.delete(key);
  for (const stream of drawn) context.draw(stream);
  context.names.apply(inner.names.changes());
  return { out, after };
}

/** The variables of a module and its submodules that a filter means. */
export class Subtree {
  readonly #path: string;

  /**
   * The subtree of `module`.
   *
   * @throws {StateError} where it has no place in the model that is running.
   */
  constructor(
    readonly what: string,
    module: Bindable,
    readonly filter: Filter,
  ) {
    this.#path = needScope(protocol.need(what), module, what).path;
  }

  /** Whether a variable is in it. */
  has(key: string): boolean {
    return inFilter(this.filter, collectionOf(key)) && isBelow(this.#path, pathOf(key));
  }

  /** Its variables as they are now. */
  values(context: Context = protocol.need(this.what)): Values {
    const keys = context.keys().filter((key) => this.has(key));
    return Object.fromEntries(keys.map((key) => [key, context.get(key)]));
  }

  /** Values as users see them: trees by collection, as seen from the module. */
  nested(values: Values): Nested {
    const out: Nested = {};
    const start = this.#path === "" ? 0 : this.#path.length + 1;
    for (const [key, value] of Object.entries(values)) {
      put(out, `${collectionOf(key)}:${pathOf(key).slice(start)}`, value);
    }
    return out;
  }

  /** Trees by collection as values. What is no plain object is a variable. */
  flat(trees: unknown): Values {
    const out: Record<string, unknown> = {};
    const { what } = this;
    const wrong = (found: unknown): StateError =>
      new StateError(
        `${what}: variables must be { collection: { name: array } }, but there is ${
          describeValue(found)
        }`,
      );
    const visit = (prefix: string, tree: Nested): void => {
      for (const [name, value] of Object.entries(tree)) {
        const key = prefix + name;
        if (isPlain(value)) visit(`${key}/`, value);
        else out[key] = value instanceof NDArray ? value : toValue(what, key, value);
      }
    };
    if (!isPlain(trees)) throw wrong(trees);
    for (const [collection, tree] of Object.entries(trees)) {
      if (!isPlain(tree)) throw wrong(tree);
      visit(`${collection}:${this.#path === "" ? "" : `${this.#path}/`}`, tree);
    }
    return out;
  }
}

/** Whether a path is below that of a module. */
export function isBelow(module: string, path: string): boolean {
  return module === "" || path.startsWith(`${module}/`);
}
