/**
 * Lifted `jit`: a compiled program takes the entries that it uses as inputs and gives those that it
 * writes. It is kept together with all that its recording looked at, and holds where that is the same.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { sameAval, type ShapedArray } from "../core/aval.ts";
import { neededVars } from "../core/dead_code.ts";
import { describeValue, StateError } from "../core/errors.ts";
import { type TreeDef, treeFlatten, treeUnflatten } from "../core/tree.ts";
import { jitBy, type Session } from "../transforms/jit.ts";
import type { Recording } from "../transforms/recorder.ts";
import type { AnyFunction, JitOptions } from "../transforms/types.ts";
import type { Context } from "./context.ts";
import { type Application, arraysIn, type Engine, type Fn, roles } from "./engine.ts";
import { copied, sameData } from "./plain_data.ts";
import { assemble, type Write } from "./record.ts";
import { arraysOf } from "./streams.ts";
import { type Effects, nameIn, placeOf, type Values } from "./world.ts";

/** What a program depends on beyond its arguments, and what it does beyond its result. */
interface Beyond {
  /** The systems whose contexts were open, with what is static in them. */
  readonly contexts: readonly {
    readonly system: Context["protocol"];
    readonly initializing: boolean;
    readonly statics: unknown;
    readonly streams: string;
    /** Names that were looked up. */
    readonly names: readonly (readonly [group: string, key: string, value: unknown])[];
  }[];
  /** Types of all entries that were looked at. */
  readonly read: readonly {
    readonly name: string;
    readonly def: TreeDef;
    readonly avals: readonly ShapedArray[];
  }[];
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
          names: r.world[i]!.names.looked(),
        })),
        read: [...r.reads].map(([name, { outer, arrays }]) => ({
          name,
          def: treeFlatten(outer)[1],
          avals: arrays.map((x) => x.aval),
        })),
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
    const { contexts, read, absent } = beyond as Beyond;
    if (contexts.length !== app.outer.length) return false;
    return contexts.every(({ system, initializing, statics, streams, names }, i) => {
      const context = app.world[i]!;
      return system === context.protocol && initializing === context.initializing &&
        sameData(statics, context.statics) && streams === context.streamNames().join() &&
        names.every(([group, key, value]) => sameData(context.names.get(group, key), value));
    }) && read.every(({ name, def, avals }) => {
      const value = app.get(name);
      if (value === undefined) return false;
      const [leaves, own] = treeFlatten(value) as [NDArray[], TreeDef];
      return own === def && avals.every((aval, i) => sameAval(leaves[i]!.aval, aval));
    }) && absent.every((name) => app.get(name) === undefined);
  }

  inputs(beyond: unknown): readonly NDArray[] {
    const { app } = this;
    const { inputs, streams } = beyond as Beyond;
    const entries = inputs.flatMap(({ name, used }) =>
      used.includes(true) ? arraysIn(app.get(name)).filter((_, i) => used[i]) : []
    );
    const keys = streams.flatMap(({ name, used }) => {
      const [i, stream] = placeOf(name);
      const context = app.world[i]!;
      const own = context.rules.part(context.peek(stream), roles.body);
      return arraysOf(own).filter((_, k) => used[k]);
    });
    return [...entries, ...keys];
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
