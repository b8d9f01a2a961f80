/**
 * Extremes of floats in WebAssembly, which are found in parts where there are enough elements: NaN wins, and of
 * zeros the one with the right sign, whichever axes they run over and however the array lies.
 *
 * @module
 */
import { simplify } from "../../lib/compile/pipeline.ts";
import { allocate, shaped, sizeOf, type TypedArray } from "../../lib/core/dtype.ts";
import { stage } from "../../lib/interpreters/staging.ts";
import { reduceMax, reduceMin } from "../../lib/primitives/reduce/extremes.ts";
import { transpose } from "../../lib/primitives/shape/shape.ts";
import { assert } from "../support/assert.ts";
import { runProgram } from "../support/cpu_program.ts";
import { Random, seedNote } from "../support/random.ts";

type Float = "float32" | "float64";

/** What elements are drawn from: some rows have zeros alone, most have no NaN. */
const kinds = [[0, -0], [-0], [0, -0, -0, -0, -1], [0, 0, -0, 1], [-Infinity, -0, 0], [
  1e-310,
  0,
  -0,
]]
  .map((values) => [...values, ...values, ...values]);
const drawn = (random: Random): number => {
  const values = kinds[random.integer(0, kinds.length)]!;
  return values[random.integer(0, values.length)]!;
};

/** The elements of a result by what they are reduced from, with extremes by JavaScript's own functions. */
function expected(
  values: TypedArray,
  shape: readonly number[],
  axes: readonly number[],
  of: (a: number, b: number) => number,
): number[] {
  const kept = shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const out = new Array<number>(sizeOf(kept.map((i) => shape[i]!))).fill(-of(-Infinity, Infinity));
  values.forEach((v, at) => {
    const places = shape.map((n, i) => Math.floor(at / sizeOf(shape.slice(i + 1))) % n);
    const k = kept.reduce((sum, i) => sum * shape[i]! + places[i]!, 0);
    out[k] = of(out[k]!, v);
  });
  return out;
}

/** What is wrong with extremes of an array; `null` where nothing is. */
function wrongExtreme(
  dtype: Float,
  shape: readonly number[],
  axes: readonly number[],
  perm: readonly number[],
): string | null {
  const random = new Random(`extremes ${dtype} ${shape} ${axes} ${perm}`);
  const turned = perm.map((i) => shape[i]!);
  const jaxpr = simplify(
    stage("extremes", ([x]) => {
      const y = transpose(x!, perm);
      return [reduceMax(y, axes), reduceMin(y, axes)];
    }, [shaped(shape, dtype)]).jaxpr,
  );
  for (let round = 0; round < 4; round++) {
    const values = allocate(dtype, sizeOf(shape)).map(() => drawn(random));
    if (round % 2 === 0) values[random.integer(0, values.length)] = NaN;
    const from = values.map((_, i) => {
      const places = turned.map((n, k) => Math.floor(i / sizeOf(turned.slice(k + 1))) % n);
      return values[shape.reduce((sum, n, axis) => sum * n + places[perm.indexOf(axis)]!, 0)]!;
    });
    const found = runProgram(jaxpr, [values]);
    for (const [k, of] of [Math.max, Math.min].entries()) {
      const want = expected(from, turned, axes, of);
      const at = want.findIndex((v, i) => !Object.is(v, found[k]![i]!));
      const show = (v: number): string => Object.is(v, -0) ? "-0" : `${v}`;
      if (at >= 0) return `${of.name} ${at} is ${show(found[k]![at]!)}, not ${show(want[at]!)}`;
    }
  }
  return null;
}

const lengths = [1, 2, 3, 5, 7, 8, 9, 11, 12, 13, 16, 17, 30, 33, 63, 64, 65, 130, 257];

for (const dtype of ["float32", "float64"] as const) {
  for (
    const [name, places] of [
      ["all", (n: number) => [[n], [0], [0]]],
      ["along rows", (n: number) => [[19, n], [1], [0, 1]]],
      ["along columns", (n: number) => [[n, 19], [0], [0, 1]]],
      ["along columns of few", (n: number) => [[5, n], [0], [0, 1]]],
      ["over axes on both sides", (n: number) => [[3, 5, n], [0, 2], [0, 1, 2]]],
      ["along an axis in between", (n: number) => [[3, n, 5], [1], [0, 1, 2]]],
      ["along rows of a matrix that is turned", (n: number) => [[n, 9], [1], [1, 0]]],
      ["along columns of a matrix that is turned", (n: number) => [[9, n], [0], [1, 0]]],
    ] as const
  ) {
    Deno.test(`${dtype} extremes ${name} have NaN and the signs of zeros`, () => {
      for (const n of lengths) {
        const [shape, axes, perm] = places(n) as [number[], number[], number[]];
        const wrong = wrongExtreme(dtype, shape, axes, perm);
        assert(wrong === null, `of [${shape}]: ${wrong} (${seedNote})`);
      }
    });
  }
}
