/**
 * Compilation: a function is traced once per signature, and the program runs on a backend. Which
 * programs are kept is in `programs.ts`.
 *
 * @module
 */
import { NDArray } from "../core/array.ts";
import { getBackend } from "../core/backend.ts";
import { AxisError } from "../core/errors.ts";
import { bind, Tracer } from "../core/trace.ts";
import { leafDef, type TreeDef, treeFlatten, treeUnflatten } from "../core/tree.ts";
import { type CallParams, jitCall } from "../control/call.ts";
import { holdsOpenRules } from "../control/custom.ts";
import { stage } from "../interpreters/staging.ts";
import { derivativesToCome } from "./closed_rules.ts";
import { Programs, type Signature } from "./programs.ts";
import { checkFunction, flatFunction, flattenArrays, nameOf, withName } from "./trees.ts";
import type { AnyFunction, JitOptions } from "./types.ts";

interface Entry extends Signature {
  /** Whether derivative rules in it may hold values of the trace that is over: see closed_rules.ts. */
  readonly open: boolean;
  /** Number of derivatives for which its rules were closed. */
  readonly derivatives: number;
  /** The program to use instead where they must not. */
  closed?: Entry;
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
  checkFunction("jit", f);
  const backend = getBackend(options.backend ?? "wasm").name;
  const { staticArgnums = [] } = options;
  const staticList = typeof staticArgnums === "number" ? [staticArgnums] : [...staticArgnums];
  const programs = new Programs<Entry>(f, nameOf(f), staticList);

  const trace = (
    def: TreeDef,
    arrays: readonly NDArray[],
    call: AnyFunction,
    statics: readonly unknown[],
  ): Entry => {
    const flat = flatFunction("jit", call, def);
    const avals = arrays.map((x) => x.aval);
    const derivatives = derivativesToCome();
    const { jaxpr, consts } = stage(`jit of ${nameOf(f)}`, (xs) => flat.call(xs), avals);
    return {
      open: holdsOpenRules(jaxpr),
      derivatives,
      def,
      avals,
      statics: statics.map(snapshot),
      consts,
      params: { jaxpr, name: f.name || "function", backend },
      outDef: flat.outDef(),
    };
  };

  return withName("jit", f, (...args: unknown[]) => {
    let call = f;
    let statics: unknown[] = [];
    let dynamic = args;
    if (staticList.length > 0) [call, dynamic, statics] = splitStatic(f, args, staticList);
    const [arrays, def] = fastFlatten(dynamic) ??
      flattenArrays("jit", dynamic, `an argument of ${nameOf(f)}`);
    let entry = programs.find(def, arrays, statics);
    if (entry === undefined) {
      entry = trace(def, arrays, call, statics);
      // A program that captured traced values belongs to this one call.
      if (!entry.consts.some((c) => c instanceof Tracer)) programs.add(entry);
    }
    if (entry.open && derivativesToCome() > entry.derivatives) {
      const { closed = entry } = entry;
      const isEnough = !closed.open || derivativesToCome() <= closed.derivatives;
      const program = isEnough ? closed : trace(def, arrays, call, statics);
      if (!program.consts.some((c) => c instanceof Tracer)) entry.closed = program;
      entry = program;
    }
    const inputs = entry.consts.length === 0 ? arrays : [...entry.consts, ...arrays];
    const outs = bind(jitCall, inputs, entry.params);
    return entry.outDef === leafDef ? outs[0] : treeUnflatten(entry.outDef, outs);
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
