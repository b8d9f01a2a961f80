/**
 * One model of the models at several lengths: its constants are computed from the lengths, or there is
 * no such model.
 *
 * @module
 */
import { numpy as np } from "../../mod.ts";
import { buildModel } from "../../lib/onnx/builder.ts";
import { DifferentModels, generalize } from "../../lib/onnx/generalize.ts";
import { encodeModel, type Model } from "../../lib/onnx/model.ts";
import { nearbySizes } from "../../lib/onnx/open.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { openFile } from "../support/files.ts";

/** `x + c` for `x` of any length n, where `c` is the array of these elements. */
function withConstant(element: (i: number, n: number) => number): Model {
  const sizes = nearbySizes(1, 0);
  const models = sizes.map(([n]) => {
    const aval = { shape: [n!], dtype: "float32" } as const;
    return buildModel({
      target: "portable",
      name: "add",
      inputs: [{ ...aval, name: "x" }],
      outputs: [{ ...aval, name: "out" }],
      build(g, [x]) {
        const elements = Float32Array.from({ length: n! }, (_, i) => element(i, n!));
        return [g.node("Add", [x!, g.constant(elements, [n!], "float32")])];
      },
    });
  });
  return generalize(models, sizes, [{ name: "n", input: 0, axis: 0 }]);
}

/** Elements that a file can compute. */
const computed: Readonly<Record<string, (i: number, n: number) => number>> = {
  "one number": () => 3,
  "one that depends on the length": (_, n) => 1 / Math.fround(n),
  "numbers that count": (i) => 2 * i - 1,
  "numbers that count, from the length down": (i, n) => n - i,
};

for (const [name, element] of Object.entries(computed)) {
  Deno.test(`an array of constants is computed from its length: ${name}`, async () => {
    const file = await openFile(encodeModel(withConstant(element)));
    for (const n of [1, 2, 5, 300]) {
      const [out] = await file.run([np.zeros([n])]);
      const expected = Float32Array.from({ length: n }, (_, i) => element(i, n));
      assertEquals(out!.dataSync(), expected, `n = ${n}`);
    }
    await file.release();
  });
}

/** Elements that it cannot. */
const others: Readonly<Record<string, (i: number, n: number) => number>> = {
  squares: (i) => i * i,
  "numbers that count, except the last": (i, n) => i === n - 1 ? 0 : i,
  "one number, except the last": (i, n) => i === n - 1 ? 0 : 1,
  "numbers that count by steps of another kind": (i, n) => i * (n % 7),
};

for (const [name, element] of Object.entries(others)) {
  Deno.test(`an array of other constants is refused: ${name}`, () => {
    assertThrows(() => withConstant(element), DifferentModels, "a file cannot compute");
  });
}
