/**
 * Compares functions compiled to WebAssembly with the interpreter, on memory in which all that is not
 * theirs is NaN.
 *
 * @module
 */
import { makeJaxpr, type NDArray } from "../../mod.ts";
import { openJaxpr } from "../../lib/extend.ts";
import { simplify } from "../../lib/compile/pipeline.ts";
import { ConcreteArray } from "../../lib/core/concrete.ts";
import { evalJaxpr } from "../../lib/core/jaxpr.ts";
import type { Jaxpr } from "../../lib/core/primitive.ts";
import { bind } from "../../lib/core/trace.ts";
import type { CompileOptions } from "../../lib/kernel/program.ts";
import { type Allowed, difference, ulps } from "./arrays.ts";
import { runProgram } from "./cpu_program.ts";

/** How to compile, and how far results may be apart. */
export interface Comparison extends Partial<CompileOptions> {
  /** Where the memory begins that a run uses. */
  readonly start?: number | undefined;
  /** What is allowed for a result; where left out, 64 rounding errors of its largest element. */
  readonly allowed?: (expected: NDArray, k: number) => Allowed;
}

/** A function as the program that would be compiled, and all that it takes. */
export interface Staged {
  /** As it was recorded. */
  readonly recorded: Jaxpr;
  /** Simplified. */
  readonly jaxpr: Jaxpr;
  /** Captured arrays, then the arguments. */
  readonly args: readonly ConcreteArray[];
}

/** Records a function of arrays. */
export function staged(
  f: (...args: NDArray[]) => unknown,
  inputs: readonly NDArray[],
): Staged {
  const made = makeJaxpr(f as (...args: NDArray[]) => NDArray)(...inputs);
  const { jaxpr: recorded, consts } = openJaxpr(made);
  return {
    recorded,
    jaxpr: simplify(recorded),
    args: [...consts, ...inputs] as ConcreteArray[],
  };
}

/** What is different between a function compiled and in the interpreter; `null` where nothing is. */
export function compiledDifference(
  { recorded, jaxpr, args }: Staged,
  { allowed = (want) => ulps(want, 64), start, ...options }: Comparison = {},
): string | null {
  const expected = evalJaxpr(recorded, args as readonly NDArray[], bind) as NDArray[];
  const actual = runProgram(jaxpr, args.map((x) => x.values), {
    large: 64,
    fma: false,
    poison: true,
    ...options,
  }, start);
  for (let k = 0; k < expected.length; k++) {
    const want = expected[k]!;
    const got = ConcreteArray.fromHost(want.aval, actual[k]!);
    const found = difference(got, want, allowed(want, k));
    if (found !== null) return `output ${k} ${found}`;
  }
  return null;
}
