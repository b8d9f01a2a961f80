/**
 * Lifted derivatives and `checkpoint`: the function runs once, under the pure transform, and what it
 * did leaves as an auxiliary output.
 *
 * @module
 */
import { describeValue, StateError } from "../core/mod.ts";
import { checkArgnums, checkList } from "../transforms/autodiff.ts";
import type { EntryOptions } from "../transforms/lifted_types.ts";
import type { DiffOptions } from "../transforms/types.ts";
import { flattenArrays } from "../transforms/trees.ts";
import { collectionOf, pathOf } from "./context.ts";
import { type Application, type Engine, type Fn, instead, pure, roles } from "./engine.ts";
import { evaluate } from "./record.ts";
import { type Effects, homeOf, nameIn, systemIn, type Values, type WorldOptions } from "./world.ts";

/** What a function did, as an auxiliary output. */
type Written = readonly [born: Values, written: Values];

/** `transform` applied to a function with what it did as an auxiliary output. */
function threaded(
  e: Engine,
  name: string,
  f: unknown,
  transform: (call: (o?: WorldOptions) => Fn, app: Application) => [result: unknown, did: unknown],
): unknown {
  const app = e.begin(name);
  let effects: Effects | null = null;
  const call = (options?: WorldOptions): Fn =>
    instead(f, (...xs) => {
      const run = app.run(roles.body, f as Fn, xs, options);
      effects = run.effects;
      return [run.out, [run.effects.born, run.effects.written]];
    });
  const [result, did] = transform(call, app);
  const [born, written] = did as Written;
  app.set(born);
  app.set(written);
  if (effects !== null) app.note(effects);
  app.commit();
  return result;
}

export const checkpoint = (e: Engine): Fn =>
  e.member(
    "checkpoint",
    (f, options) => (...args) =>
      threaded(
        e,
        "checkpoint",
        f,
        (call) => (pure.checkpoint(call(), options) as Fn)(...args) as Pair,
      ),
  );

type Pair = [unknown, unknown];

/** A function's value, and as auxiliary output its own with what it did. */
function withEffects(call: Fn, hasAux: boolean): Fn {
  return instead(call, (...xs) => {
    const [out, did] = call(...xs) as Pair;
    // What is not a pair is left to the pure transform to report.
    if (!hasAux) return [out, [null, did]];
    return Array.isArray(out) && out.length === 2 ? [out[0], [out[1], did]] : out;
  });
}

export function derivative(
  e: Engine,
  name: "grad" | "valueAndGrad" | "jacfwd" | "jacrev" | "hessian",
): Fn {
  return e.member(name, (f, options = {}) => (...args) => {
    const { hasAux = false, entries, ...rest } = options as Partial<EntryOptions>;
    return threaded(e, name, f, (call, app) => {
      const [g, given, wanted] = entries === undefined
        ? [call(), args, rest]
        : overEntries(app, name, f as Fn, args, call, { ...rest, entries });
      const transformed = pure[name](withEffects(g, hasAux), { ...wanted, hasAux: true }) as Fn;
      const result = transformed(...given);
      if (name === "valueAndGrad") {
        const [[value, [aux, did]], g] = result as [[unknown, Pair], unknown];
        return [[hasAux ? [value, aux] : value, g], did];
      }
      const [derivative, [aux, did]] = result as [unknown, Pair];
      return [hasAux ? [derivative, aux] : derivative, did];
    });
  });
}

/**
 * A function with the arguments and the entries to differentiate by in front, as its first argument:
 * so a derivative is, wherever one stands, the pair of those by arguments and by entries.
 */
function overEntries(
  app: Application,
  name: string,
  f: Fn,
  args: readonly unknown[],
  call: (options?: WorldOptions) => Fn,
  { entries, argnums = 0 }: EntryOptions,
): [call: Fn, args: unknown[], options: DiffOptions] {
  // Entries that are to be created have to exist before they can be differentiated by.
  if (app.initializing) create(app, f, args);
  const chosen = chosenEntries(app, entries);
  const values = Object.fromEntries(chosen.map(([path, entry]) => [path, app.get(entry)]));
  const positions = checkArgnums(name, f, argnums, args.length);
  const single = typeof argnums === "number";
  const own = positions.map((n) => args[n]);
  const over: Fn = (pair, ...rest) => {
    const [given, held] = pair as [unknown, Values];
    positions.forEach((n, i) => rest[n] = single ? given : (given as unknown[])[i]);
    const inner = new Map(chosen.map(([path, entry]) => [entry, held[path]]));
    return call({ lift: (entry, outer) => inner.has(entry) ? inner.get(entry) : outer })(...rest);
  };
  return [instead(f, over), [[single ? own[0] : own, values], ...args], { argnums: 0 }];
}

/** Creates what a function creates, and does nothing else. */
export function create(app: Application, f: Fn, args: readonly unknown[]): void {
  const [leaves, def] = flattenArrays(app.op, args, "an argument");
  const r = app.record(f, def, leaves.map((x) => x.aval), { role: roles.body, anyResult: true });
  app.set(evaluate(r, r.births, leaves));
}

/** The entries that are meant: paths, all of a collection, or what a function says yes to. */
function chosenEntries(
  app: Application,
  wanted: EntryOptions["entries"],
): [path: string, name: string][] {
  const known = app.world.flatMap((context, i) =>
    context.keys().map((key) => ({
      path: pathOf(key),
      collection: collectionOf(key),
      name: nameIn(i, key),
    }))
  );
  const all = (): string =>
    known.length === 0
      ? "There are none"
      : `There is ${known.map((k) => k.path).sort().join(", ")}`;
  const found = typeof wanted === "function"
    ? known.filter((k) => wanted(k.path, k.collection, systemIn(app.world, k.name)))
    : typeof wanted === "string"
    ? known.filter(({ collection }) => collection === wanted)
    : Array.isArray(wanted)
    ? wanted.flatMap((path) => {
      const own = known.filter((k) => k.path === path);
      if (own.length > 0) return own;
      throw new StateError(
        `${app.where}: there is no parameter or state entry ${describeValue(path)}. ${all()}`,
      );
    })
    : null;
  if (found === null) {
    throw new StateError(
      `${app.where}: entries must be a list of paths, the name of a collection or a function that says ` +
        `which paths, not ${describeValue(wanted)}`,
    );
  }
  if (found.length === 0 && typeof wanted === "string") {
    throw new StateError(
      `${app.where}: no entry is in a collection ${describeValue(wanted)}. The collections are ${
        [...new Set(known.map((k) => k.collection))].sort().join(", ") || "none"
      }`,
    );
  }
  const paths = new Set<string>();
  const twice = found.find(({ path }) => paths.size === paths.add(path).size);
  if (twice !== undefined) {
    const places = found.filter((k) => k.path === twice.path)
      .map((k) => homeOf(app.world, k.name));
    throw new StateError(
      `${app.where}: entries: ${twice.path} is in ${
        places.join(" and in ")
      }, so that a derivative by it would be one of two. Choose the others by a function of path, ` +
        "collection and system, or name one of them otherwise",
    );
  }
  return found.map(({ path, name }) => [path, name]);
}

/** The primals, which are read before the pure transform sees them. */
function listOf(op: string, primals: unknown): unknown[] {
  checkList(op, "the primals", primals);
  return primals;
}

export const jvp = (e: Engine): Fn => (f, primals, tangents, options = {}) =>
  threaded(e, "jvp", f, (call) => {
    const { hasAux = false } = options as { hasAux?: boolean };
    const g = withEffects(call(), hasAux);
    const list = listOf("jvp", primals);
    const [value, dot, [aux, did]] = pure.jvp(g, list, tangents, { hasAux: true }) as [
      unknown,
      unknown,
      Pair,
    ];
    return [hasAux ? [value, dot, aux] : [value, dot], did];
  });

export const linearize = (e: Engine): Fn => (f, primals, options = {}) =>
  threaded(e, "linearize", f, (call) => {
    const { hasAux = false } = options as { hasAux?: boolean };
    const g = withEffects(call(), hasAux);
    const list = listOf("linearize", primals);
    const [value, push, [aux, did]] = pure.linearize(g, list, { hasAux: true }) as [
      unknown,
      Fn,
      Pair,
    ];
    return [hasAux ? [value, push, aux] : [value, push], did];
  });

export const vjp = (e: Engine): Fn => (f, primals, options = {}) =>
  threaded(e, "vjp", f, (call) => {
    const { hasAux = false } = options as { hasAux?: boolean };
    const [value, pull, [aux, did]] = pure.vjp(
      withEffects(call(), hasAux),
      listOf("vjp", primals),
      { hasAux: true },
    ) as [unknown, Fn, Pair];
    return [hasAux ? [value, pull, aux] : [value, pull], did];
  });
