/**
 * Compilation: a function is traced once per signature, and the program runs on a backend.
 *
 * @module
 */
import { NDArray } from "../core/array.ts";
import { sameAval, type ShapedArray } from "../core/aval.ts";
import { getBackend } from "../core/backend.ts";
import { AxisError } from "../core/errors.ts";
import { bind, Tracer } from "../core/trace.ts";
import { leafDef, type TreeDef, treeFlatten, treeUnflatten } from "../core/tree.ts";
import { type CallParams, jitCall } from "../control/call.ts";
import { stage } from "../interpreters/staging.ts";
import { checkFunction, flatFunction, flattenArrays, nameOf, withName } from "./trees.ts";
import type { AnyFunction, JitOptions } from "./types.ts";

interface Entry {
  readonly def: TreeDef;
  readonly avals: readonly ShapedArray[];
  readonly statics: readonly unknown[];
  readonly consts: readonly NDArray[];
  readonly params: CallParams;
  readonly outDef: TreeDef;
}

/** Programs that a function is kept compiled for; the least recently used is dropped beyond that. */
const maxEntries = 64;

/** Whether two static arguments are the same: identical, or arrays of the same. */
function sameStatic(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return Object.is(a, b);
  return a.length === b.length && a.every((x, i) => sameStatic(x, b[i]));
}

/** A static argument as it is now: arrays compare by value, and the user may change them later. */
function snapshot(value: unknown): unknown {
  return Array.isArray(value) ? value.map(snapshot) : value;
}

function matches(
  e: Entry,
  def: TreeDef,
  arrays: readonly NDArray[],
  statics: readonly unknown[],
): boolean {
  if (e.def !== def) return false;
  for (let i = 0; i < arrays.length; i++) {
    if (!sameAval(e.avals[i]!, arrays[i]!.aval)) return false;
  }
  for (let i = 0; i < statics.length; i++) {
    if (!sameStatic(e.statics[i], statics[i])) return false;
  }
  return true;
}

/** See `Transforms.jit`. */
export function jit(f: AnyFunction, options: JitOptions = {}): AnyFunction {
  checkFunction("jit", f);
  const backend = getBackend(options.backend ?? "wasm").name;
  const { staticArgnums = [] } = options;
  const staticList = typeof staticArgnums === "number" ? [staticArgnums] : [...staticArgnums];
  const entries: Entry[] = [];

  const trace = (
    def: TreeDef,
    arrays: readonly NDArray[],
    call: AnyFunction,
    statics: readonly unknown[],
  ): Entry => {
    const flat = flatFunction("jit", call, def);
    const avals = arrays.map((x) => x.aval);
    const { jaxpr, consts } = stage(`jit of ${nameOf(f)}`, (xs) => flat.call(xs), avals);
    return {
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
    let at = 0;
    while (at < entries.length && !matches(entries[at]!, def, arrays, statics)) at++;
    let entry = entries[at];
    if (entry === undefined) {
      entry = trace(def, arrays, call, statics);
      // A program that captured traced values belongs to this one call.
      if (!entry.consts.some((c) => c instanceof Tracer)) {
        entries.unshift(entry);
        if (entries.length > maxEntries) entries.pop();
      }
    } else if (at > 0) {
      entries.splice(at, 1);
      entries.unshift(entry);
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
