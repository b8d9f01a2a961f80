/**
 * Lifted derivatives. Written state leaves as an auxiliary output.
 *
 * @module
 */
import { checkArgnums, checkList } from "../transforms/autodiff.ts";
import type { EntryOptions } from "../transforms/lifted_types.ts";
import type { DiffOptions } from "../transforms/types.ts";
import { type Application, type Engine, type Fn, instead, pure } from "./engine.ts";
import type { Entries } from "./protocol.ts";

/** A function's value, and as auxiliary output its own with what it wrote. */
function withWritten(call: Fn, hasAux: boolean): Fn {
  return instead(call, (...xs) => {
    const [out, written] = call(...xs) as [unknown, unknown];
    // What is not a pair is left to the pure transform to report.
    if (!hasAux) return [out, [null, written]];
    return Array.isArray(out) && out.length === 2 ? [out[0], [out[1], written]] : out;
  });
}

export function derivative(
  e: Engine,
  name: "grad" | "valueAndGrad" | "jacfwd" | "jacrev" | "hessian",
): Fn {
  return e.member(name, (f, options = {}) => (args) => {
    const { hasAux = false, entries, ...rest } = options as Partial<EntryOptions>;
    return e.threaded(name, f, args, (call, app) => {
      const [g, given, wanted] = entries === undefined
        ? [call, args, rest]
        : overEntries(app, name, f, args, { ...rest, entries });
      const transformed = pure[name](withWritten(g, hasAux), { ...wanted, hasAux: true }) as Fn;
      const result = transformed(...given);
      if (name === "valueAndGrad") {
        const [[value, [aux, written]], g] = result as [[unknown, [unknown, unknown]], unknown];
        return [[hasAux ? [value, aux] : value, g], written];
      }
      const [derivative, [aux, written]] = result as [unknown, [unknown, unknown]];
      return [hasAux ? [derivative, aux] : derivative, written];
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
  { entries, argnums = 0 }: EntryOptions,
): [call: Fn, args: unknown[], options: DiffOptions] {
  const values = app.entries(entries);
  const positions = checkArgnums(name, f, argnums, args.length);
  const single = typeof argnums === "number";
  const own = positions.map((n) => args[n]);
  const call: Fn = (pair, ...rest) => {
    const [chosen, held] = pair as [unknown, Entries];
    positions.forEach((n, i) => rest[n] = single ? chosen : (chosen as unknown[])[i]);
    const { out, written } = app.run(() => f(...rest), app.withEntries(held));
    return [out, written];
  };
  return [instead(f, call), [[single ? own[0] : own, values], ...args], { argnums: 0 }];
}

/** The primals, which are read before the pure transform sees them. */
function listOf(op: string, primals: unknown): unknown[] {
  checkList(op, "the primals", primals);
  return primals;
}

export const jvp = (e: Engine): Fn => (f, primals, tangents) =>
  e.threaded("jvp", f as Fn, listOf("jvp", primals), (call) => {
    const [[out, written], [dot]] = pure.jvp(call, primals, tangents) as [
      [unknown, unknown],
      [unknown],
    ];
    return [[out, dot], written];
  });

export const linearize = (e: Engine): Fn => (f, primals) =>
  e.threaded("linearize", f as Fn, listOf("linearize", primals), (call) => {
    const [[out, written], push] = pure.linearize(call, primals) as [[unknown, unknown], Fn];
    return [[out, (...dots: unknown[]) => (push(...dots) as unknown[])[0]], written];
  });

export const vjp = (e: Engine): Fn => (f, primals, options = {}) =>
  e.threaded("vjp", f as Fn, listOf("vjp", primals), (call) => {
    const { hasAux = false } = options as { hasAux?: boolean };
    const [value, pull, [aux, written]] = pure.vjp(withWritten(call, hasAux), primals, {
      hasAux: true,
    }) as [unknown, Fn, [unknown, unknown]];
    return [hasAux ? [value, pull, aux] : [value, pull], written];
  });
