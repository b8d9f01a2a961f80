/**
 * Finds the equation at which a compiled program goes wrong: every prefix of the program is compiled and
 * compared with the interpreter.
 *
 * @module
 */
import type { NDArray } from "../../lib/core/array.ts";
import { ConcreteArray } from "../../lib/core/concrete.ts";
import { evalJaxpr } from "../../lib/core/jaxpr.ts";
import type { Jaxpr } from "../../lib/core/primitive.ts";
import { bind } from "../../lib/core/trace.ts";
import { difference, ulps } from "./arrays.ts";
import { runProgram } from "./cpu_program.ts";

/** The first equation after which values differ, in words; `null` where there is none. */
export function firstWrongEquation(
  jaxpr: Jaxpr,
  args: readonly ConcreteArray[],
  rounding = 64,
): string | null {
  for (let n = 1; n <= jaxpr.eqns.length; n++) {
    const eqns = jaxpr.eqns.slice(0, n);
    const { primitive, outputs } = eqns.at(-1)!;
    const prefix: Jaxpr = { ...jaxpr, eqns, outputs };
    const expected = evalJaxpr(prefix, args as readonly NDArray[], bind) as ConcreteArray[];
    let actual: ConcreteArray[];
    try {
      actual = runProgram(prefix, args.map((x) => x.values)).map((v, i) =>
        ConcreteArray.fromHost(expected[i]!.aval, v)
      );
    } catch (error) {
      return `equation ${n}, ${primitive.name}: ${error}`;
    }
    for (let k = 0; k < actual.length; k++) {
      const found = difference(actual[k]!, expected[k]!, ulps(expected[k]!, rounding));
      if (found !== null) return `equation ${n}, ${primitive.name}, output ${k} ${found}`;
    }
  }
  return null;
}
