/**
 * Long sums in WebAssembly have few rounding errors, whichever axes they run over and however the
 * array lies: in stages, errors grow with the logarithm of the length.
 *
 * @module
 */
import { simplify } from "../../lib/compile/pipeline.ts";
import { shaped, sizeOf } from "../../lib/core/dtype.ts";
import { stage } from "../../lib/interpreters/staging.ts";
import { transpose } from "../../lib/primitives/shape/shape.ts";
import { reduceSum } from "../../lib/primitives/sum/broadcast.ts";
import { sumInto } from "../../lib/primitives/sum/loops.ts";
import { assert } from "../support/assert.ts";
import { runProgram } from "../support/cpu_program.ts";
import { Random, seedNote } from "../support/random.ts";

/** Largest relative error of sums of positive numbers, in units of 2^-24. */
function worstError(
  shape: readonly number[],
  axes: readonly number[],
  perm: readonly number[],
): number {
  const random = new Random(`sums ${shape} ${axes} ${perm}`);
  const values = new Float32Array(sizeOf(shape)).map(() => random.next());
  const jaxpr = simplify(
    stage("sums", ([x]) => {
      return [reduceSum(transpose(x!, perm), axes)];
    }, [shaped(shape, "float32")]).jaxpr,
  );
  const [sums] = runProgram(jaxpr, [values]);
  const exact = new Float64Array(sums!.length);
  const original = axes.map((a) => perm[a]!).sort((a, b) => a - b);
  sumInto("float64", exact, new Float64Array(values), shape, original);
  return exact.reduce((worst, s, i) => Math.max(worst, Math.abs(sums![i]! - s) / s * 2 ** 24), 0);
}

for (
  const [name, shape, axes, perm] of [
    ["all", [300000], [0], [0]],
    ["along rows", [3, 100000], [1], [0, 1]],
    ["along columns", [100000, 7], [0], [0, 1]],
    ["along an axis in between", [3, 30000, 5], [1], [0, 1, 2]],
    ["over axes on both sides", [300, 5, 300], [0, 2], [0, 1, 2]],
    ["over two axes in front, of which one is kept behind the other", [300, 3, 300, 4], [0, 2], [
      0,
      1,
      2,
      3,
    ]],
    ["along rows of a matrix that is turned", [100000, 5], [1], [1, 0]],
    ["along columns of a matrix that is turned", [5, 100000], [0], [1, 0]],
  ] as const
) {
  Deno.test(`sums ${name} are accurate`, () => {
    const error = worstError(shape, axes, perm);
    assert(error < 8, `an error of ${error} roundings (${seedNote})`);
  });
}
