/**
 * Functions as files of WebAssembly and TypeScript: they run without the library, on typed arrays.
 *
 * @module
 */
import {
  check,
  exportOnnxWith,
  exportWasm,
  exportWasmWith,
  jit,
  type NDArray,
  numpy as np,
  scan,
  ShapeDtype,
  TreeError,
  whileLoop,
} from "../../mod.ts";
import { evalJaxpr } from "../../lib/core/jaxpr.ts";
import { bind } from "../../lib/core/trace.ts";
import { difference, make } from "../support/arrays.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { decodeModel } from "../support/decode_model.ts";
import { exactTrial } from "../support/kernel_trials.ts";
import { any } from "../support/mistakes.ts";
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

const PROGRAMS = Number(Deno.env.get("INJAX_PROGRAMS") ?? 5);

Deno.test("random programs in files give the bits of jit, whatever they were called with before", async () => {
  for (let n = 0; n < PROGRAMS; n++) {
    const [{ recorded, args }, text] = exactTrial(70_000 + n);
    const f = (...xs: NDArray[]): NDArray[] => evalJaxpr(recorded, xs, bind);
    const run = await loadModule(exportWasm(f, ...args));
    const call = (xs: readonly NDArray[]) => {
      const given = xs.map((x, i) => [`arg${i}`, any(x.dataSync())]);
      return Object.values(run(Object.fromEntries(given)));
    };
    const isFloat = ({ dtype }: NDArray): boolean => dtype.startsWith("float");
    const others = args.map((x) => isFloat(x) ? x.mul(-1.7) : x);
    const nothing = args.map((x) => isFloat(x) ? x.mul(NaN) : x);
    for (const xs of [args, others, nothing, args]) {
      const wanted = jit(f, { backend: "cpu" })(...xs) as NDArray[];
      const found = call(xs);
      assertEquals(found.length, wanted.length);
      wanted.forEach((want, k) => {
        const wrong = difference(make(want.aval, found[k]!), want, 0);
        assert(wrong === null, `program ${n}, output ${k} ${wrong}\n${text()}`);
      });
    }
  }
});

Deno.test("any number but 0 is true", async () => {
  const run = await loadModule(
    exportWasm((c: NDArray) => np.where(c, 1, -1), new ShapeDtype([5], "bool")),
  );
  const given = [5, 0, 0.5, NaN, -0];
  assertEquals([...run({ arg0: given })["out"] as Float32Array], [1, -1, 1, 1, -1]);
});

Deno.test("what is no list of the numbers that are due is refused, with what to write", async () => {
  const run = await loadModule(exportWasmWith(
    { argumentNames: ["w", "s", "i", "u", "b"] },
    (...xs: NDArray[]) => xs,
    new ShapeDtype([2, 2]),
    new ShapeDtype([], "float64"),
    new ShapeDtype([2], "int32"),
    new ShapeDtype([2], "uint32"),
    new ShapeDtype([2], "bool"),
  ));
  const right = { w: [1, 2, 3, 4], s: [0.5], i: [1, -2], u: [1, 4e9], b: [1, 0] };
  const wrong: readonly [given: unknown, kind: typeof TypeError, ...told: string[]][] = [
    [undefined, TypeError, '{ "w": [...], "s": [...]', "not undefined"],
    [{}, RangeError, "w: 4 numbers are needed, not nothing (float32[2,2]", "no inputs"],
    [{ ...right, i: null, j: [1, 2] }, RangeError, "i: 2 numbers", "not nothing", '"j"'],
    [{ ...right, s: 3 }, TypeError, "s: 1 number is needed, not the number 3", "Write [3]"],
    [{ ...right, i: "12" }, TypeError, "i: 2 numbers", 'the string "12"'],
    [{ ...right, w: [[1, 2], [3, 4]] }, RangeError, "w: 4 numbers", "not 2", "x.flat(Infinity)"],
    [{ ...right, i: [[1, 2], [3, 4]] }, TypeError, "i: 2 numbers", "[0] is a list", "x.flat"],
    [{ ...right, w: ["1", 2, 3, 4] }, TypeError, "w: 4 numbers", '[0] is the string "1"'],
    [{ ...right, w: new Array(4) }, TypeError, "w: 4 numbers", "[0] is undefined"],
    [{ ...right, i: new BigInt64Array(2) }, TypeError, "i: 2 numbers", "[0] is the bigint 0"],
    [{ ...right, i: new Float32Array([1, NaN]) }, RangeError, "i: [1] is NaN", "int32[2]"],
    [{ ...right, i: new Uint32Array([4e9, 1]) }, RangeError, "i: [0] is 4000000000", "int32[2]"],
    [{ ...right, u: new Int32Array([1, -1]) }, RangeError, "u: [1] is -1", "uint32[2]"],
    [{ ...right, b: ["false", "true"] }, TypeError, "b: 2 numbers", 'the string "false"'],
  ];
  for (const [given, kind, first, ...told] of wrong) {
    const { message } = assertThrows(() => run(any(given)), kind, first);
    for (const part of told) assert(message.includes(part), `${part} is not in: ${message}`);
  }
  const other = {
    w: new Float64Array(right.w),
    s: new Float32Array(right.s),
    i: [1.9, -2.9],
    u: new Float64Array(right.u),
    b: any([true, false]),
  };
  for (const given of [right, other]) {
    assertEquals(
      Object.values(run(given)).map((x) => [...x as Float64Array]),
      [right.w, right.s, right.i, right.u, right.b],
    );
  }
});

Deno.test("names that occur twice get a number, as in files of ONNX", async () => {
  const options = { argumentNames: ["x", "x", "y"] };
  const f = (x: NDArray, y: NDArray, z: NDArray): NDArray => x.sub(y).mul(z);
  const two = np.array(2);
  const run = await loadModule(exportWasmWith(options, f, two, two, two));
  assertEquals([...run({ x: [5], x_2: [1], y: [3] })["out"] as Float32Array], [12]);
  const { inputs } = decodeModel(exportOnnxWith(options, f, two, two, two)).graph;
  assertEquals(inputs.map((v) => v.name), ["x", "x_2", "y"]);
});

Deno.test("the text of a file has types that hold, and says what conditions there are", async () => {
  const pair = (x: NDArray): NDArray[] => {
    check(x.sum().greater(0), "a sum of {} */ is too small", x.sum());
    check(x.max().less(9), "too large");
    return [x];
  };
  const texts = [
    exportWasm(() => np.ones([2])),
    exportWasm(pair, np.ones([2])),
    exportWasm(
      (p: Record<string, NDArray>) => p,
      { "a b": np.ones([1], { dtype: "bool" }), '"`${1}*/': np.ones([2], { dtype: "int32" }) },
    ),
  ].map((files) => files.typescript);
  const condition = '1: a sum of {} * / is too small\n   * 2: too large\n   */\n  readonly "check"';
  assert(texts[1]!.includes(condition), texts[1]!);
  const folder = await Deno.makeTempDir();
  try {
    const strict = ["strict", "noUncheckedIndexedAccess", "noUnusedLocals", "isolatedDeclarations"];
    const compilerOptions = Object.fromEntries(strict.map((name) => [name, true]));
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ compilerOptions }));
    const paths = texts.map((_, k) => `${folder}/${k}.ts`);
    await Promise.all(texts.map((text, k) => Deno.writeTextFile(paths[k]!, text)));
    const args = ["check", "--quiet", "--config", `${folder}/deno.json`, ...paths];
    const { success, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    assert(success, new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
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
