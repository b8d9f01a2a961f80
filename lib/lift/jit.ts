/**
 * Lifted `jit`: a compiled program takes the entries that it uses as inputs and gives those that it
 * writes. It is kept together with all that its recording looked at, and holds where that is the same.
 *
 * @module
 */
import {
  describeValue,
  leafDef,
  NDArray,
  neededFor,
  sameAval,
  type ShapedArray,
  StateError,
  type TreeDef,
  treeFlatten,
  treeUnflatten,
} from "../core/mod.ts";
import { jitBy, type Session } from "../transforms/jit.ts";
import type { Recording } from "../transforms/recorder.ts";
import type { AnyFunction, JitOptions } from "../transforms/types.ts";
import type { Context } from "./context.ts";
import { type Application, type Engine, type Fn, roles } from "./engine.ts";
import { copied, sameData } from "./names.ts";
import { assemble, type Read, type Recorded, type Write } from "./record.ts";
import { arraysOf, type Stream } from "./streams.ts";
import { type Effects, nameIn, placeOf, type Values } from "./world.ts";

/** Where an entry or a stream is: each call asks for all of them. */
interface Place {
  readonly context: number;
  readonly key: string;
}

const placed = (name: string): Place => {
  const [context, key] = placeOf(name);
  return { context, key };
};

/** What a program depends on beyond its arguments, and what it does beyond its result. */
interface Beyond {
  /** The systems whose contexts were open, with what is static in them. */
  readonly contexts: readonly {
    readonly system: Context["protocol"];
    readonly initializing: boolean;
    readonly statics: unknown;
    readonly streams: string;
    /** The keys of all entries, where they were asked for. */
    readonly listed: readonly string[] | null;
    /** Names that were looked up. */
    readonly names: readonly (readonly [group: string, key: string, value: unknown])[];
  }[];
  /** What all entries that were looked at were like. */
  readonly read: readonly (Place & { readonly like: Likeness })[];
  /** What all streams were like. */
  readonly drawn: readonly (Place & { readonly like: Likeness })[];
  /** Entries that were looked for and not there. */
  readonly absent: readonly Place[];
  /** Entries and streams that are inputs, with which of their arrays; without those that have none. */
  readonly inputs: readonly (Place & { readonly used: readonly boolean[] })[];
  readonly streams: readonly (Place & { readonly used: readonly boolean[] })[];
  /** What it writes, in the order of outputs. */
  readonly births: readonly (readonly [name: string, Write])[];
  readonly writes: readonly (readonly [name: string, Write])[];
  /** What else it does. */
  readonly effects: Pick<Effects, "drawn" | "names" | "removed">;
}

/** What of a tree a program is made for: all but the elements of its arrays. */
interface Likeness {
  readonly def: TreeDef;
  /** Types of arrays; other leaves as they are. */
  readonly leaves: readonly unknown[];
}

/** Whether a value is an array of a type, or the very same. */
function isLikeLeaf(x: unknown, like: unknown): boolean {
  return x instanceof NDArray ? sameAval(x.aval, like as ShapedArray) : Object.is(x, like);
}

function likenessOf(tree: unknown): Likeness {
  const [leaves, def] = treeFlatten(tree);
  return { def, leaves: leaves.map((x) => x instanceof NDArray ? x.aval : x) };
}

function isLike(tree: unknown, { def, leaves }: Likeness): boolean {
  if (tree === undefined) return false;
  // Most entries are arrays.
  if (tree instanceof NDArray) return def === leafDef && isLikeLeaf(tree, leaves[0]);
  const [own, ownDef] = treeFlatten(tree);
  return ownDef === def && own.every((x, i) => isLikeLeaf(x, leaves[i]));
}

export function jit(e: Engine): Fn {
  return e.member(
    "jit",
    (f, options) =>
      jitBy(
        () => new JitSession(e.begin("jit")),
        f as AnyFunction,
        options as JitOptions,
      ) as Fn,
  );
}

/** One call. */
class JitSession implements Session {
  readonly #streams = new Map<string, Stream>();

  constructor(readonly app: Application) {}

  record(
    _op: string,
    f: AnyFunction,
    def: TreeDef,
    avals: readonly ShapedArray[],
  ): Recording & { readonly beyond: Beyond } {
    const { app } = this;
    // Before anything is traced: what cannot be compared is refused.
    const statics = app.outer.map((context) => plainStatics(app.where, context));
    const r = app.record(f, def, avals, { role: roles.body, liftStreams: true });
    const births = [...r.births], writes = [...r.writes];
    const outputs = [...r.outs, ...[...births, ...writes].flatMap(([, w]) => w.atoms)];
    const needed = neededFor(r.jaxpr, outputs, true).vars;
    // Without what holds tracers of the trace that is over.
    const { drawn, names, removed } = r.effects;
    const inputsOf = (reads: Recorded["reads"]): Beyond["inputs"] =>
      [...reads].flatMap(([name, { vars }]) => {
        const used = vars.map((v) => needed[v.id] === 1);
        return used.includes(true) ? [{ ...placed(name), used }] : [];
      });
    const program = assemble(r, {
      inputs: [...r.reads.values(), ...r.streams.values()].flatMap(({ vars }) =>
        vars.filter((v) => needed[v.id] === 1)
      ),
      outputs,
    });
    return {
      outDef: r.outDef,
      outAvals: r.outs.map((a) => a.aval),
      program: () => program,
      beyond: {
        contexts: app.outer.map((context, i) => ({
          system: context.protocol,
          initializing: context.initializing,
          statics: statics[i],
          streams: context.streamNames().join(),
          listed: r.world[i]!.account.listed,
          names: r.world[i]!.names.looked(),
        })),
        // What was created in something that failed is read by nothing.
        read: likenesses(r.reads).filter((place) => this.#entry(place) !== undefined),
        drawn: likenesses(r.streams),
        absent: r.world.flatMap(({ account }, i) =>
          [...account.absent].filter((key) => !app.world[i]!.has(key)).map((key) => ({
            context: i,
            key,
          }))
        ),
        inputs: inputsOf(r.reads),
        streams: inputsOf(r.streams),
        births,
        writes,
        effects: { drawn, names, removed },
      },
    };
  }

  fits(beyond: unknown): boolean {
    const { app } = this;
    const { contexts, read, drawn, absent } = beyond as Beyond;
    if (contexts.length !== app.outer.length) return false;
    return contexts.every(({ system, initializing, statics, streams, listed, names }, i) => {
      const context = app.world[i]!;
      return system === context.protocol && initializing === context.initializing &&
        sameData(statics, context.statics) && streams === context.streamNames().join() &&
        (listed === null || sameData(listed, context.keys())) &&
        names.every(([group, key, value]) => sameData(context.names.peek(group, key), value));
    }) && read.every((place) => isLike(this.#entry(place), place.like)) &&
      drawn.every((place) => isLike(this.#stream(place), place.like)) &&
      absent.every((place) => this.#entry(place) === undefined);
  }

  /** An entry as it is now. */
  #entry({ context, key }: Place): unknown {
    return this.app.world[context]!.get(key);
  }

  /** A stream of this call, as its function gets it. */
  #stream({ context: i, key }: Place): Stream {
    const name = nameIn(i, key);
    if (this.#streams.has(name)) return this.#streams.get(name);
    const context = this.app.world[i]!;
    const own = context.rules.part(context.peek(key), roles.body);
    this.#streams.set(name, own);
    return own;
  }

  inputs(beyond: unknown): readonly NDArray[] {
    const { inputs, streams } = beyond as Beyond;
    const taken: NDArray[] = [];
    const take = (value: unknown, used: readonly boolean[]): void => {
      if (value instanceof NDArray) taken.push(value);
      else taken.push(...arraysOf(value).filter((_, i) => used[i]));
    };
    for (const place of inputs) take(this.#entry(place), place.used);
    for (const place of streams) take(this.#stream(place), place.used);
    return taken;
  }

  finish(beyond: unknown, outs: readonly NDArray[]): void {
    const { app } = this;
    const { births, writes, effects } = beyond as Beyond;
    let next = 0;
    const taken = (list: Beyond["writes"]): Values =>
      Object.fromEntries(
        list.map(([name, { def, atoms }]) => [
          name,
          treeUnflatten(def, outs.slice(next, next += atoms.length)),
        ]),
      );
    app.set(taken(births));
    app.set(taken(writes));
    app.note(effects);
    app.commit();
  }
}

const likenesses = (reads: ReadonlyMap<string, Read>): Beyond["read"] =>
  [...reads].map(([name, { outer }]) => ({ ...placed(name), like: likenessOf(outer) }));

/** What is static in a context, as it is now. */
function plainStatics(where: string, context: Context): unknown {
  const data = copied(context.statics);
  if (data !== null) return data.value;
  throw new StateError(
    `${where}: the statics of ${context.protocol.system} must be plain data (numbers, strings, lists, ` +
      `objects, Map, Set), since compiled programs are kept by them; there is ${
        describeValue(context.statics)
      }`,
  );
}
