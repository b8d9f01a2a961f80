/**
 * An end to loops that a fault would make endless, so that it shows as a failure of its test and not
 * as tests that do not finish.
 *
 * @module
 */
import type { NDArray } from "../../lib/core/array.ts";
import {
  definePrimitive,
  ordinary,
  type Primitive,
  type Tangent,
} from "../../lib/core/primitive.ts";
import { bind } from "../../lib/core/trace.ts";

/** More evaluations than the loops of a file of tests make. */
const LIMIT = 10_000;

let evaluations = 0;

const limitedP: Primitive<null> = definePrimitive<null>({
  name: "limited",
  abstractEval: (inputs) => inputs,
  impl: (inputs) => {
    if (++evaluations > LIMIT) {
      evaluations = 0;
      throw new Error("a loop does not end");
    }
    return inputs.map((x) => x.values);
  },
  jvp: (primals, tangents) => [bind(limitedP, [...primals], null), tangents],
  transpose: (cotangents): readonly Tangent[] => cotangents,
  batch: (args, dims) => [bind(limitedP, [...args], null), dims],
  passes: ordinary,
  lower: (_, inputs) => [...inputs],
  kernel: (_, inputs) => inputs,
  samples: () => [],
});

/**
 * The array itself, or an error after very many evaluations, as in the body of a loop whose condition
 * stays true. A backend that compiles does not count: let the loop run eagerly first.
 */
export function limited(x: NDArray): NDArray {
  return bind(limitedP, [x], null)[0]!;
}
