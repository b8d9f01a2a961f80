/**
 * Compilation: a function is traced once per signature, and the program runs on a backend. Which
 * programs are kept is in `programs.ts`.
 *
 * Arguments that are part of a function: any values, which are not traced.
 *
 * @module
 */
import { type CallParams, jitCall } from "../control/call.ts";
import { holdsOpenRules } from "../control/custom.ts";
import {
  AxisError,
  bind,
  defaultBackend,
  describeValue,
  getBackend,
  isPlain,
  leafDef,
  NDArray,
  type ShapedArray,
  Tracer,
  type TreeDef,
  treeFlatten,
  treeUnflatten,
} from "../core/mod.ts";
import { type NamedAxes, withAxesAsked } from "../interpreters/batch.ts";
import { derivativesToCome } from "./closed_rules.ts";
import { Programs, type Signature } from "./programs.ts";
import { plainly, type Recording } from "./recorder.ts";
import { type Sources, withSources } from "./sources.ts";
import { checkFunction, flattenArrays, nameOf, withName } from "./trees.ts";
import type { AnyFunction, Argnums, JitOptions } from "./types.ts";

/** A list of positions. */
export function positionsOf(argnums: Argnums | undefined): readonly number[] {
  return argnums === undefined ? [] : typeof argnums === "number" ? [argnums] : [...argnums];
}

/**
 * Whether a function may take an argument at a place that was left out: one with a default, or one of the rest.
 * What it is written as says that, but for functions that are not written.
 */
function maySkip(f: AnyFunction, n: number): boolean {
  const written = String(f);
  if (f.length > n || /^(async\s+)?[\w$]+\s*=>/.test(written)) return false;
  const [, places] = /^[^(]*\(([^]*?)\)\s*(?:=>|\{)/.exec(written) ?? [];
  return places === undefined || /=|\.\.\.|\[native code\]/.test(places) ||
    /\barguments\b/.test(written);
}

/**
 * A function of the other arguments, those arguments, and the static ones in the order of the list. One that
 * was left out, where it has a default, is `undefined`.
 */
export function splitStatic(
  op: string,
  option: string,
  f: AnyFunction,
  args: readonly unknown[],
  list: readonly number[],
): [call: AnyFunction, dynamic: unknown[], statics: unknown[]] {
  const positions = [
    ...new Set(list.map((n) => {
      const isLeftOut = n >= args.length && maySkip(f, n);
      if (!Number.isInteger(n) || n < -args.length || n >= args.length && !isLeftOut) {
        throw new AxisError(
          `${op}: ${option} ${n} is out of range: ${
            nameOf(f)
          } was called with ${args.length} arguments`,
        );
      }
      return n < 0 ? n + args.length : n;
    })),
  ];
  const statics = positions.map((n) => args[n]);
  const dynamic = args.filter((_, i) => !positions.includes(i));
  return [joined(f, positions.filter((n) => n < args.length), args), dynamic, statics];
}

/** A function of the other arguments alone. */
function joined(
  f: AnyFunction,
  positions: readonly number[],
  args: readonly unknown[],
): AnyFunction {
  const call = (...rest: unknown[]): unknown => {
    const all = [...rest];
    [...positions].sort((a, b) => a - b).forEach((n) => all.splice(n, 0, args[n]));
    return (f as (...args: unknown[]) => unknown)(...all);
  };
  return Object.defineProperty(call, "name", { value: f.name });
}

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
  /** The named axes around that it asked for; `null` for none. */
  readonly axes: NamedAxes | null;
  /** What objects held that it was recorded with; `null` for nothing. */
  readonly sources: Sources | null;
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

/** Names of entries of the last argument of `f`, as a list. */
export function namesOf(
  op: string,
  option: string,
  names: unknown,
  f: AnyFunction,
): readonly string[] {
  const list = names === undefined ? [] : Array.isArray(names) ? names : [names];
  const whole = list.length === 0 ? [] : namesOfArguments(f);
  for (const name of list) {
    const i = whole.indexOf(name);
    if (typeof name === "string" && i < 0) continue;
    throw new TypeError(
      `${op}: ${option} must be names of entries of the last argument, not ${
        i < 0
          ? describeValue(name)
          : `argument ${i}, ${name}. Write ${option.replace("names", "nums")}: ${i}`
      }`,
    );
  }
  return list;
}

/** What a function calls its arguments, as far as its source has them by one name each. */
function namesOfArguments(f: AnyFunction): string[] {
  return (/^[^(={]*\(([\w$,\s]*)/.exec(String(f))?.[1] ?? "").split(/[,\s]+/);
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
  const staticList = positionsOf(options.staticArgnums);
  const donated = positionsOf(options.donateArgnums);
  const staticNames = namesOf("jit", "staticArgnames", options.staticArgnames, f);
  const donatedNames = namesOf("jit", "donateArgnames", options.donateArgnames, f);
  const donates = donated.length + donatedNames.length > 0;
  const programs = new Programs<Entry>(f, nameOf(f), staticList, staticNames);

  const trace = (
    def: TreeDef,
    arrays: readonly NDArray[],
    call: AnyFunction,
    statics: readonly unknown[],
    session: Session | null,
  ): Entry => {
    const avals = arrays.map((x) => x.aval);
    const derivatives = derivativesToCome();
    const [[recording, axes], sources] = withSources(() =>
      withAxesAsked(() => (session ?? plain).record("jit", call, def, avals))
    );
    const { jaxpr, consts } = recording.program();
    return {
      beyond: (recording as { beyond?: unknown }).beyond,
      open: holdsOpenRules(jaxpr),
      derivatives,
      axes: axes.size === 0 ? null : axes,
      sources,
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
    if (staticList.length > 0) {
      [call, dynamic, statics] = splitStatic("jit", "staticArgnums", f, args, staticList);
    }
    if (staticNames.length > 0) {
      const [inner, others, named] = splitNames(call, dynamic, staticNames);
      [call, dynamic, statics] = [inner, others, [...statics, ...named]];
    }
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
      if (donates) dispose(f, args, donated, donatedNames, outs);
      return entry.outDef === leafDef ? outs[0] : treeUnflatten(entry.outDef, outs);
    }
    const { beyond, outDef } = entry;
    const outs = bind(jitCall, [...inputs, ...session.inputs(beyond)], entry.params);
    session.finish(beyond, outs.slice(outDef.numLeaves));
    if (donates) dispose(f, args, donated, donatedNames, outs);
    return treeUnflatten(outDef, outs.slice(0, outDef.numLeaves));
  });
}

function fastFlatten(args: unknown[]): [NDArray[], TreeDef] | null {
  const [leaves, def] = treeFlatten(args);
  for (let i = 0; i < leaves.length; i++) if (!(leaves[i] instanceof NDArray)) return null;
  return [leaves as NDArray[], def];
}

/** The entries of the last argument that are static, and the call without them. */
export function splitNames(
  f: AnyFunction,
  args: readonly unknown[],
  names: readonly string[],
): [call: AnyFunction, dynamic: unknown[], statics: unknown[]] {
  const last = args.at(-1);
  if (!isPlain(last)) return [f, [...args], names.map(() => undefined)];
  const own = names.filter((name) => Object.hasOwn(last, name));
  const fixed = Object.fromEntries(own.map((name) => [name, last[name]]));
  const rest = Object.fromEntries(Object.entries(last).filter(([name]) => !own.includes(name)));
  const call = (...xs: unknown[]): unknown => {
    const options = { ...xs.at(-1) as Record<string, unknown>, ...fixed };
    return (f as (...args: unknown[]) => unknown)(...xs.slice(0, -1), options);
  };
  Object.defineProperty(call, "name", { value: f.name });
  return [call, [...args.slice(0, -1), rest], names.map((name) => fixed[name])];
}

/** Frees the arrays of arguments that are used up, but for those that are results too. */
function dispose(
  f: AnyFunction,
  args: readonly unknown[],
  list: readonly number[],
  names: readonly string[],
  outs: readonly NDArray[],
): void {
  const [, rest, given] = splitStatic("jit", "donateArgnums", f, args, list);
  const [, , named] = splitNames(f, rest, names);
  for (const leaf of treeFlatten([given, named])[0]) {
    if (leaf instanceof NDArray && !outs.includes(leaf)) leaf.dispose();
  }
}
