/**
 * Lifted `jit`: a compiled program takes the entries that it uses as inputs and gives those that it
 * writes. It is kept together with all that its recording looked at, and holds where that is the same.
 *
 * @module
 */
import { NDArray } from "../core/array.ts";
import { sameAval, type ShapedArray } from "../core/aval.ts";
import { neededVars } from "../core/dead_code.ts";
import { describeValue, StateError } from "../core/errors.ts";
import { type TreeDef, treeFlatten, treeUnflatten } from "../core/tree.ts";
import { jitBy, type Session } from "../transforms/jit.ts";
import type { Recording } from "../transforms/recorder.ts";
import type { AnyFunction, JitOptions } from "../transforms/types.ts";
import type { Context } from "./context.ts";
import { type Application, type Engine, type Fn, roles } from "./engine.ts";
import { copied, sameData } from "./plain_data.ts";
import { assemble, type Read, type Write } from "./record.ts";
import { arraysOf, type Stream } from "./streams.ts";
import { type Effects, nameIn, placeOf, type Values } from "./world.ts";

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
  readonly read: readonly { readonly name: string; readonly like: Likeness }[];
  /** What all streams were like. */
  readonly drawn: readonly { readonly name: string; readonly like: Likeness }[];
  /** Entries that were looked for and not there. */
  readonly absent: readonly string[];
  /** Entries and streams that are inputs, with which of their arrays. */
  readonly inputs: readonly { readonly name: string; readonly used: readonly boolean[] }[];
  readonly streams: readonly { readonly name: string; readonly used: readonly boolean[] }[];
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

function likenessOf(tree: unknown): Likeness {
  const [leaves, def] = treeFlatten(tree);
  return { def, leaves: leaves.map((x) => x instanceof NDArray ? x.aval : x) };
}

function isLike(tree: unknown, { def, leaves }: Likeness): boolean {
  if (tree === undefined) return false;
  const [own, ownDef] = treeFlatten(tree);
  return ownDef === def &&
    own.every((x, i) =>
      x instanceof NDArray ? sameAval(x.aval, leaves[i] as ShapedArray) : Object.is(x, leaves[i])
    );
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
    const needed = neededVars(r.jaxpr, outputs);
    // Without what holds tracers of the trace that is over.
    const { drawn, names, removed } = r.effects;
    const inputs = [...r.reads, ...r.streams].map(([name, read]) => ({
      name,
      used: read.vars.map((v) => needed[v.id] === 1),
      vars: read.vars,
    }));
    const program = assemble(r, {
      inputs: inputs.flatMap(({ used, vars }) => vars.filter((_, i) => used[i])),
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
        read: likenesses(r.reads).filter(({ name }) => app.get(name) !== undefined),
        drawn: likenesses(r.streams),
        absent: r.world.flatMap(({ account }, i) =>
          [...account.absent].filter((key) => !app.world[i]!.has(key)).map((key) => nameIn(i, key))
        ),
        inputs: inputs.slice(0, r.reads.size),
        streams: inputs.slice(r.reads.size),
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
        names.every(([group, key, value]) => sameData(context.names.get(group, key), value));
    }) && read.every(({ name, like }) => isLike(app.get(name), like)) &&
      drawn.every(({ name, like }) => isLike(this.#stream(name), like)) &&
      absent.every((name) => app.get(name) === undefined);
  }

  /** A stream of this call, as its function gets it. */
  #stream(name: string): Stream {
    if (this.#streams.has(name)) return this.#streams.get(name);
    const [i, stream] = placeOf(name);
    const context = this.app.world[i]!;
    const own = context.rules.part(context.peek(stream), roles.body);
    this.#streams.set(name, own);
    return own;
  }

  inputs(beyond: unknown): readonly NDArray[] {
    const { inputs, streams } = beyond as Beyond;
    const taken = (list: Beyond["inputs"], get: (name: string) => unknown): NDArray[] =>
      list.flatMap(({ name, used }) =>
        used.includes(true) ? arraysOf(get(name)).filter((_, i) => used[i]) : []
      );
    return [
      ...taken(inputs, (name) => this.app.get(name)),
      ...taken(streams, (name) => this.#stream(name)),
    ];
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
  [...reads].map(([name, { outer }]) => ({ name, like: likenessOf(outer) }));

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
