/**
 * Compilation: a function is traced once per signature, and the program runs on a backend. Which
 * programs are kept is in `programs.ts`.
 *
 * @module
 */
import { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { defaultBackend, getBackend } from "../core/backend.ts";
import { AxisError } from "../core/errors.ts";
import { bind, Tracer } from "../core/trace.ts";
import { leafDef, type TreeDef, treeFlatten, treeUnflatten } from "../core/tree.ts";
import { type CallParams, jitCall } from "../control/call.ts";
import { holdsOpenRules } from "../control/custom.ts";
import { type NamedAxes, withAxesAsked } from "../interpreters/batch.ts";
import { derivativesToCome } from "./closed_rules.ts";
import { Programs, type Signature } from "./programs.ts";
import { plainly, type Recording } from "./recorder.ts";
import { checkFunction, flattenArrays, nameOf, withName } from "./trees.ts";
import type { AnyFunction, JitOptions } from "./types.ts";

/** What a lifted `jit` adds to a call: a recorder whose programs are kept, as long as they fit. */
export interface Session {
  /** Records the function for this call. */
  record(
    op: string,
    f: AnyFunction,
    def: TreeDef,
    avals: readonly ShapedArray[],
  ): Recording & { readonly beyond: unknown };
  /** Whether a program holds for what is around the call now. */
  fits(beyond: unknown): boolean;
  /** Its inputs beyond the arguments. */
  inputs(beyond: unknown): readonly NDArray[];
  /** Takes its outputs beyond the result. */
  finish(beyond: unknown, outs: readonly NDArray[]): void;
}

interface Entry extends Signature {
  /** What the session knows of it. */
  readonly beyond: unknown;
  /** Whether derivative rules in it may hold values of the trace that is over: see closed_rules.ts. */
  readonly open: boolean;
  /** Number of derivatives for which its rules were closed. */
  readonly derivatives: number;
  /** The named axes around that it asked for. */
  readonly axes: NamedAxes;
  readonly consts: readonly NDArray[];
  readonly params: CallParams;
  readonly outDef: TreeDef;
}

/** A static argument as it is now: arrays compare by value, and the user may change them later. */
function snapshot(value: unknown): unknown {
  return Array.isArray(value) ? value.map(snapshot) : value;
}

/** See `Transforms.jit`. */
export function jit(f: AnyFunction, options: JitOptions = {}): AnyFunction {
  return jitBy(null, f, options);
}

const plain = { record: plainly.record, fits: (): boolean => true } as const;

/** `jit` with a session for each call. */
export function jitBy(
  begin: ((f: AnyFunction) => Session) | null,
  f: AnyFunction,
  options: JitOptions = {},
): AnyFunction {
  checkFunction("jit", f);
  const backend = getBackend(options.backend ?? defaultBackend).name;
  const { staticArgnums = [] } = options;
  const staticList = typeof staticArgnums === "number" ? [staticArgnums] : [...staticArgnums];
  const programs = new Programs<Entry>(f, nameOf(f), staticList);

  const trace = (
    def: TreeDef,
    arrays: readonly NDArray[],
    call: AnyFunction,
    statics: readonly unknown[],
    session: Session | null,
  ): Entry => {
    const avals = arrays.map((x) => x.aval);
    const derivatives = derivativesToCome();
    const [recording, axes] = withAxesAsked(() =>
      (session ?? plain).record("jit", call, def, avals)
    );
    const { jaxpr, consts } = recording.program();
    return {
      beyond: (recording as { beyond?: unknown }).beyond,
      open: holdsOpenRules(jaxpr),
      derivatives,
      axes,
      def,
      avals,
      statics: statics.map(snapshot),
      consts,
      params: { jaxpr, name: f.name || "function", backend },
      outDef: recording.outDef,
    };
  };

  return withName("jit", f, (...args: unknown[]) => {
    let call = f;
    let statics: unknown[] = [];
    let dynamic = args;
    if (staticList.length > 0) [call, dynamic, statics] = splitStatic(f, args, staticList);
    const [arrays, def] = fastFlatten(dynamic) ??
      flattenArrays("jit", dynamic, `an argument of ${nameOf(f)}`);
    const session = begin === null ? null : begin(f);
    let entry = programs.find(def, arrays, statics, session);
    if (entry === undefined) {
      entry = trace(def, arrays, call, statics, session);
      // A program that captured traced values belongs to this one call.
      if (!entry.consts.some((c) => c instanceof Tracer)) programs.add(entry);
    }
    const inputs = entry.consts.length === 0 ? arrays : [...entry.consts, ...arrays];
    if (session === null) {
      const outs = bind(jitCall, inputs, entry.params);
      return entry.outDef === leafDef ? outs[0] : treeUnflatten(entry.outDef, outs);
    }
    const { beyond, outDef } = entry;
    const outs = bind(jitCall, [...inputs, ...session.inputs(beyond)], entry.params);
    session.finish(beyond, outs.slice(outDef.numLeaves));
    return treeUnflatten(outDef, outs.slice(0, outDef.numLeaves));
  });
}

function fastFlatten(args: unknown[]): [NDArray[], TreeDef] | null {
  const [leaves, def] = treeFlatten(args);
  for (let i = 0; i < leaves.length; i++) if (!(leaves[i] instanceof NDArray)) return null;
  return [leaves as NDArray[], def];
}

/** A function of the other arguments, those arguments, and the static ones. */
function splitStatic(
  f: AnyFunction,
  args: readonly unknown[],
  list: readonly number[],
): [AnyFunction, unknown[], unknown[]] {
  const positions = list.map((n) => {
    if (!Number.isInteger(n) || n < -args.length || n >= args.length) {
      throw new AxisError(
        `jit: staticArgnums ${n} is out of range: ${
          nameOf(f)
        } was called with ${args.length} arguments`,
      );
    }
    return n < 0 ? n + args.length : n;
  });
  const statics = positions.map((n) => args[n]);
  const dynamic = args.filter((_, i) => !positions.includes(i));
  const call = (...rest: unknown[]): unknown => {
    const all = [...rest];
    [...positions].sort((a, b) => a - b).forEach((n) =>
      all.splice(n, 0, statics[positions.indexOf(n)])
    );
    return (f as (...args: unknown[]) => unknown)(...all);
  };
  Object.defineProperty(call, "name", { value: f.name });
  return [call, dynamic, statics];
}
