/**
 * Functions as files of WebAssembly and TypeScript: they run without the library, on typed arrays.
 *
 * @module
 */
import {
  exportWasm,
  exportWasmWith,
  type NDArray,
  numpy as np,
  scan,
  ShapeDtype,
  TreeError,
  whileLoop,
} from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { loadModule } from "../support/wasm_files.ts";

const powers = (p: { w: NDArray; b: NDArray }, n: NDArray): { y: NDArray; more: NDArray[] } => {
  const double = (
    i: NDArray,
    y: NDArray,
  ): [NDArray, NDArray] => [i.add(1), np.matmul(p.w, y).add(p.b)];
  const [, y] = whileLoop(
    ([i]) => np.less(i, n),
    ([i, y]) => double(i, y),
    [np.array(0, { dtype: "int32" }), np.ones([2])],
  );
  return { y, more: [y.sum(), np.array([1, 2, 3], { dtype: "float64" }), np.greater(y, 3)] };
};

Deno.test("a file with a loop runs on typed arrays, by the names of its arguments", async () => {
  const i32 = new ShapeDtype([], "int32");
  const files = exportWasm(powers, { w: np.ones([2, 2]), b: np.ones([2]) }, i32);
  assert(files.wasm.length < 4096, `${files.wasm.length} bytes`);
  const run = await loadModule(files);
  const w = [1, 0.5, -1, 2], b = [0.25, 3];
  for (const n of [0, 1, 5]) {
    const { y, more } = powers(
      { w: np.array(w).reshape([2, 2]), b: np.array(b) },
      np.array(n, { dtype: "int32" }),
    );
    const out = run({ "arg0.w": w, "arg0.b": b, "arg1": [n] });
    assertEquals([...out["out.y"] as Float32Array], y.toArray());
    assertEquals([...out["out.more[0]"] as Float32Array], [more[0]!.item()]);
    assertEquals([...out["out.more[1]"] as Float64Array], [1, 2, 3]);
    assertEquals([...out["out.more[2]"] as Uint8Array].map(Boolean), more[2]!.toArray());
  }
});

Deno.test("calls do not see each other, and results are the caller's to keep", async () => {
  const run = await loadModule(exportWasm((x: NDArray) => x.mul(2), np.ones([3])));
  const first = run({ arg0: [1, 2, 3] });
  run({ arg0: [7, 8, 9] });
  assertEquals([...first["out"] as Float32Array], [2, 4, 6]);
});

Deno.test("any number but 0 is true", async () => {
  const run = await loadModule(
    exportWasm((c: NDArray) => np.where(c, 1, -1), new ShapeDtype([3], "bool")),
  );
  assertEquals([...run({ arg0: [5, 0, 0.5] })["out"] as Float32Array], [1, -1, 1]);
});

Deno.test("captured arrays are in the module, and large ones too", async () => {
  const table = np.arange(50000, { dtype: "float64" });
  const run = await loadModule(
    exportWasm(
      (x: NDArray) => scan((c, t: NDArray) => [np.add(c, t), null], x, table)[0],
      np.zeros([], { dtype: "float64" }),
    ),
  );
  assertEquals([...run({ arg0: [0.5] })["out"] as Float64Array], [50000 * 49999 / 2 + 0.5]);
});

Deno.test("names are one's own, and what is missing or of another length is said", async () => {
  const f = (x: NDArray, y: NDArray): NDArray => x.add(y);
  const files = exportWasmWith(
    { argumentNames: ["x", "y"], name: "sum" },
    f,
    np.ones([2]),
    np.ones([2]),
  );
  assert(files.typescript.startsWith("// sum, compiled by Injax."));
  const run = await loadModule(files);
  assertThrows(() => run({ x: [1, 2] }), RangeError, "y: 2 numbers are needed, not nothing");
  assertThrows(() => run({ x: [1], y: [1, 2] }), RangeError, "x: 2 numbers are needed, not 1");
  assertThrows(
    () => exportWasmWith({ argumentNames: ["a", "b"] }, (x: NDArray) => x, np.ones([1])),
    TreeError,
    "exportWasm: argumentNames has 2 names",
  );
});
