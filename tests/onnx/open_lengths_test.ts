/**
 * Files with open lengths: at any length they give what eager code gives, or there is no such file.
 *
 * @module
 */
import {
  ConcretizationError,
  evalShape,
  exportOnnx,
  exportOnnxWith,
  loadBackend,
  makeJaxpr,
  type NDArray,
  numpy as np,
  ShapeDtype,
  ShapeError,
  treeLeaves,
  vmap,
} from "../../mod.ts";
import { difference, ulps } from "../support/arrays.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { decodeModel } from "../support/decode_model.ts";
import { openFile } from "../support/files.ts";
import { any, named } from "../support/mistakes.ts";
import { notOpen, openCases } from "../support/open_programs.ts";
import { Random } from "../support/random.ts";
import { inputShapes, randomProgram } from "../support/random_programs.ts";

await loadBackend("onnx"); // for what is jitted inside

/** Lengths to try; the second symbol gets the next one. */
const LENGTHS = [1, 2, 7, 64, 129];

/** Arguments of the types, with these lengths. */
function draw(
  types: readonly ShapeDtype<number | string>[],
  length: number,
  random: Random,
): NDArray[] {
  const lengths = new Map<string, number>();
  return types.map(({ shape, dtype }) => {
    const sizes = shape.map((n) => {
      if (typeof n === "number") return n;
      if (!lengths.has(n)) lengths.set(n, length + lengths.size);
      return lengths.get(n)!;
    });
    const values = random.list(sizes.reduce((a, b) => a * b, 1));
    const elements = dtype === "int32" ? values.map((v) => Math.floor(3.4 * (v + 1))) : values;
    return np.array(elements, { dtype }).reshape(sizes);
  });
}

/** Runs a file beside the function it was made of. */
async function compare(
  f: (...args: NDArray[]) => unknown,
  types: readonly ShapeDtype<number | string>[],
  bytes: Uint8Array,
  lengths: readonly number[],
  rounding: number,
  level: "basic" | "all" = "basic",
): Promise<void> {
  const file = await openFile(bytes, level);
  try {
    for (const length of lengths) {
      const args = draw(types, length, new Random(`length ${length}`));
      const wanted = treeLeaves(f(...args)) as NDArray[];
      const found = await file.run(args);
      assertEquals(found.length, wanted.length);
      wanted.forEach((want, k) => {
        const allowed = Math.max(ulps(want, rounding), 1e-15 * rounding);
        const wrong = difference(found[k]!, want, allowed);
        assert(wrong === null, `with length ${length}, output ${k} ${wrong}`);
      });
    }
  } finally {
    await file.release();
  }
}

for (const { name, f, types, shapes } of openCases) {
  Deno.test(`a file with open lengths is right at all of them: ${name}`, async () => {
    const bytes = exportOnnx(any(f), ...types);
    const { inputs, outputs } = decodeModel(bytes).graph;
    assertEquals(inputs.map((v) => v.shape), types.map((t) => t.shape));
    if (shapes !== undefined) {
      assertEquals(outputs.slice(0, shapes.length).map((v) => v.shape), [...shapes]);
    }
    await compare(f, types, bytes, LENGTHS, 300);
    if (types.every((t) => t.dtype !== "float64")) {
      await compare(f, types, bytes, LENGTHS, 300, "all");
    }
  });
}

for (const { name, f, types, told } of notOpen) {
  Deno.test(`there is no file with open lengths of ${name}`, () => {
    const e = assertThrows(
      () => exportOnnx(any(named("network", f)), ...types),
      ConcretizationError,
      "exportOnnx",
    );
    for (const part of ["network", told, '"batch"', "batch = 1", "a number in its place"]) {
      assert(e.message.includes(part), `${part} is not in: ${e.message}`);
    }
  });
}

const PROGRAMS = Number(Deno.env.get("INJAX_PROGRAMS") ?? 24);

for (let n = 0; n < PROGRAMS; n++) {
  Deno.test(`a vmapped random program has a file with an open batch: ${n}`, async () => {
    const { f, steps } = randomProgram(`open ${n}`, 8);
    const lanes = (...xs: NDArray[]) => vmap((...xs: NDArray[]) => f(xs))(...xs);
    const types = inputShapes.map((shape) => new ShapeDtype(["batch", ...shape], "float64"));
    try {
      await compare(any(lanes), types, exportOnnx(any(lanes), ...types), [1, 2, 7, 40], 4000);
    } catch (error) {
      throw new Error(`${steps.join(" ")}: ${(error as Error).message}`, { cause: error });
    }
  });
}

Deno.test("a random program with an open axis has a right file, or none", async () => {
  let files = 0;
  for (let n = 0; n < PROGRAMS; n++) {
    const { f, steps } = randomProgram(`axis ${n}`, 6);
    const spread = (...xs: NDArray[]) => f(xs);
    const types = [[], ["n"], [2, "n"]].map((shape) => new ShapeDtype(shape, "float64"));
    let bytes: Uint8Array;
    try {
      bytes = exportOnnx(any(spread), ...types);
    } catch (error) {
      // A program made for three elements may be none for others, and then it is not the export's fault.
      const own = error instanceof ShapeError || error instanceof RangeError ||
        error instanceof TypeError;
      assert(own && /^exportOnnx/.test(error.message), `${steps.join(" ")}: ${error}`);
      continue;
    }
    files++;
    try {
      await compare(any(spread), types, bytes, [2, 7, 40], 4000);
    } catch (error) {
      throw new Error(`${steps.join(" ")}: ${(error as Error).message}`, { cause: error });
    }
  }
  assert(files >= PROGRAMS / 3, `only ${files} files of ${PROGRAMS} programs`);
});

Deno.test("notes are kept in files, open lengths or not", () => {
  const metadata = { version: "7", labels: '["cat","dog"]', "": "no key", __proto__key: "ü" };
  for (const type of [new ShapeDtype([2]), new ShapeDtype(["n"])]) {
    const bytes = exportOnnxWith({ metadata, name: "net" }, (x: NDArray) => x.mul(2), type);
    const model = decodeModel(bytes);
    assertEquals(model.metadata, metadata);
    assertEquals(model.graph.name, "net");
  }
  assertEquals(decodeModel(exportOnnx((x: NDArray) => x.mul(2), np.ones([2]))).metadata, undefined);
});

Deno.test("names of lengths are names, and for files alone", () => {
  assertEquals(String(new ShapeDtype(["batch", 3], "int32")), "int32[batch,3]");
  for (const bad of ["", "a b", "2", "ü"]) {
    assertThrows(() => new ShapeDtype([bad, 3]), ShapeError, "ShapeDtype");
  }
  assertThrows(() => new ShapeDtype(["n", -1]), ShapeError, "ShapeDtype");
  const open: ShapeDtype = any(new ShapeDtype([2, "batch"]));
  for (
    const [op, use] of [
      ["evalShape", () => evalShape((p: { x: NDArray }) => p.x, { x: open })],
      ["makeJaxpr", () => makeJaxpr((p: { x: NDArray }) => p.x)({ x: open })],
    ] as const
  ) {
    const e = assertThrows(use, ShapeError, op);
    for (const part of ["[0].x", '"batch"', "exportOnnx", "number"]) {
      assert(e.message.includes(part), `${part} is not in: ${e.message}`);
    }
  }
});

Deno.test("shapes that fit no length are told with the length that was tried", () => {
  const e = assertThrows(
    () => exportOnnx((x: NDArray) => x.add(np.ones([5, 4])), new ShapeDtype(["batch", 4])),
    ShapeError,
    "exportOnnx, where batch = ",
  );
  assert(/add: shapes \[\d+,4\] and \[5,4\]/.test(e.message), e.message);
});
