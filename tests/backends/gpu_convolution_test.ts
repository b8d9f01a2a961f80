/**
 * Convolutions on a GPU: the runtime's Conv where it is right, and a product with the elements of windows
 * where it is not. Shapes of all kinds that it gets wrong are tried, and random ones.
 *
 * `INJAX_CONVOLUTIONS` sets how many random ones, `INJAX_SEED` which.
 *
 * @module
 */
import { interpreter } from "../../lib/backends/mod.ts";
import { webgpu } from "../../lib/backends/webgpu.ts";
import { sizeOf } from "../../lib/core/dtype.ts";
import type { Jaxpr } from "../../lib/core/primitive.ts";
import { lowerJaxpr } from "../../lib/onnx/export.ts";
import { convolution } from "../../lib/primitives/windows/convolution.ts";
import { type ConvolutionParams, countWindows } from "../../lib/primitives/windows/window.ts";
import { difference } from "../support/arrays.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { gpuTest } from "../support/gpu.ts";
import { array, f32, program } from "../support/programs.ts";
import { Random, seedNote } from "../support/random.ts";

const TRIES = Number(Deno.env.get("INJAX_CONVOLUTIONS") ?? 40);

/** A convolution of one batch or more, by its numbers. */
interface Numbers {
  readonly groups?: number;
  /** Of a group. */
  readonly features: number;
  /** Of a group. */
  readonly outputs: number;
  readonly batch?: number;
  readonly space: readonly number[];
  readonly kernel: readonly number[];
  readonly padding?: readonly (readonly [number, number])[];
  readonly strides?: readonly number[];
  readonly windowDilation?: readonly number[];
}

function parts(n: Numbers): { jaxpr: Jaxpr; shapes: [readonly number[], readonly number[]] } {
  const { groups = 1, features, outputs, batch = 1, space, kernel } = n;
  const params: ConvolutionParams = {
    groups,
    strides: n.strides ?? space.map(() => 1),
    windowDilation: n.windowDilation ?? space.map(() => 1),
    baseDilation: space.map(() => 1),
    padding: n.padding ?? space.map(() => [0, 0]),
  };
  const shapes = [
    [batch, groups * features, ...space],
    [groups * outputs, features, ...kernel],
  ] as [number[], number[]];
  const [x, w] = shapes.map((shape) => f32(...shape));
  return { jaxpr: program((x, w) => [convolution(x, w, params)], x!, w!), shapes };
}

/** What is wrong with it on the GPU; `null` where nothing is. */
async function wrong(n: Numbers, random: Random): Promise<string | null> {
  const { jaxpr, shapes } = parts(n);
  const args = shapes.map((shape) => array(random.list(sizeOf(shape)), shape));
  const [expected] = interpreter.compile(jaxpr, "convolution").run(args);
  const compiled = webgpu.compile(jaxpr, "convolution");
  const [out] = compiled.run(args);
  const got = array([...await out!.data()], expected!.shape);
  out!.dispose();
  compiled.release();
  const found = difference(got, expected!, 1e-3, { anyZero: true });
  return found === null ? null : `${JSON.stringify(n)}: ${found}`;
}

/** By what the runtime's Conv gets wrong there. */
const hard: Readonly<Record<string, Numbers>> = {
  "five outputs in each group": { groups: 2, features: 3, outputs: 5, space: [6], kernel: [3] },
  "six outputs for each feature": {
    groups: 3,
    features: 1,
    outputs: 6,
    space: [5, 4],
    kernel: [2, 3],
  },
  "ten outputs in each group": { groups: 4, features: 2, outputs: 10, space: [7], kernel: [1] },
  "six features and four outputs": { features: 6, outputs: 4, space: [6, 6], kernel: [3, 3] },
  "nine features and eight outputs": { features: 9, outputs: 8, space: [7], kernel: [1] },
  "zeros behind, and a kernel of one element": {
    features: 3,
    outputs: 5,
    space: [4, 4],
    kernel: [1, 1],
    padding: [[0, 1], [0, 2]],
  },
  "zeros behind, and a kernel as long as the array": {
    features: 3,
    outputs: 4,
    space: [4],
    kernel: [4],
    padding: [[0, 2]],
  },
  "groups along three axes": {
    groups: 2,
    features: 2,
    outputs: 2,
    space: [3, 4, 3],
    kernel: [2, 2, 2],
  },
};

/** Where it is right. */
const easy: Readonly<Record<string, Numbers>> = {
  "images of three colours": { features: 3, outputs: 16, space: [9, 9], kernel: [3, 3] },
  "many features": { features: 16, outputs: 32, space: [6, 6], kernel: [3, 3] },
  "each feature by itself": { groups: 6, features: 1, outputs: 1, space: [8, 8], kernel: [3, 3] },
  "strides, gaps and zeros around": {
    batch: 2,
    features: 4,
    outputs: 5,
    space: [9, 7],
    kernel: [3, 2],
    padding: [[1, 2], [0, 1]],
    strides: [2, 1],
    windowDilation: [1, 2],
  },
  "three axes": { features: 4, outputs: 3, space: [4, 3, 5], kernel: [2, 2, 2] },
  "eight outputs in each group": { groups: 2, features: 3, outputs: 8, space: [9], kernel: [3] },
};

const hasConv = (n: Numbers): boolean =>
  lowerJaxpr(parts(n).jaxpr, { target: "webgpu" }).graph.nodes.some(({ op }) => op === "Conv");

for (const [what, list] of [["a product", hard], ["Conv", easy]] as const) {
  for (const [name, numbers] of Object.entries(list)) {
    Deno.test(`on a GPU it is ${what}: ${name}`, () => {
      assertEquals(hasConv(numbers), what === "Conv");
    });
    gpuTest(`a GPU gives the sums of products: ${name}`, async () => {
      const found = await wrong(numbers, new Random(name));
      assert(found === null, found ?? "");
    });
  }
}

gpuTest(`random convolutions on a GPU are those of eager code (${seedNote})`, async () => {
  for (let k = 0; k < TRIES; k++) {
    const random = new Random(`convolution ${k}`);
    const one = <T>(list: readonly T[]): T => list[random.integer(0, list.length)]!;
    const rank = one([1, 1, 2, 2, 3]);
    const each = <T>(list: readonly T[]): T[] => Array.from({ length: rank }, () => one(list));
    const numbers: Required<Numbers> = {
      groups: one([1, 1, 2, 3, 8]),
      features: one([1, 1, 2, 3, 4, 6, 9, 12, 16]),
      outputs: one([1, 2, 3, 4, 5, 6, 8, 10, 16]),
      batch: one([1, 2]),
      space: each([1, 4, 5, 7, 9]),
      kernel: each([1, 1, 2, 3, 4]),
      strides: each([1, 1, 2]),
      windowDilation: each([1, 1, 2]),
      padding: each([[0, 0], [0, 1], [1, 1], [2, 0]]),
    };
    const { space, kernel, ...places } = numbers;
    const baseDilation = space.map(() => 1);
    if (countWindows(space, kernel, { ...places, baseDilation }).includes(0)) continue;
    const found = await wrong(numbers, random);
    assert(found === null, found ?? "");
  }
});
