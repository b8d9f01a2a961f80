/**
 * Arguments that are part of a function: any values, which are not traced.
 *
 * @module
 */
import { AxisError } from "../core/errors.ts";
import { nameOf } from "./trees.ts";
import type { AnyFunction, Argnums } from "./types.ts";

/** A list of positions. */
export function positionsOf(argnums: Argnums | undefined): readonly number[] {
  return argnums === undefined ? [] : typeof argnums === "number" ? [argnums] : [...argnums];
}

/** A function of the other arguments, those arguments, and the static ones in the order of the list. */
export function splitStatic(
  op: string,
  option: string,
  f: AnyFunction,
  args: readonly unknown[],
  list: readonly number[],
): [call: AnyFunction, dynamic: unknown[], statics: unknown[]] {
  const positions = list.map((n) => {
    if (!Number.isInteger(n) || n < -args.length || n >= args.length) {
      throw new AxisError(
        `${op}: ${option} ${n} is out of range: ${
          nameOf(f)
        } was called with ${args.length} arguments`,
      );
    }
    return n < 0 ? n + args.length : n;
  });
  const statics = positions.map((n) => args[n]);
  const dynamic = args.filter((_, i) => !positions.includes(i));
  return [joined(f, positions, statics), dynamic, statics];
}

/** A function of the other arguments alone. */
function joined(
  f: AnyFunction,
  positions: readonly number[],
  statics: readonly unknown[],
): AnyFunction {
  const call = (...rest: unknown[]): unknown => {
    const all = [...rest];
    [...positions].sort((a, b) => a - b).forEach((n) =>
      all.splice(n, 0, statics[positions.indexOf(n)])
    );
    return (f as (...args: unknown[]) => unknown)(...all);
  };
  return Object.defineProperty(call, "name", { value: f.name });
}
