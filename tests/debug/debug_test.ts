/**
 * Instruments: programs at each stage, and the operations in which a backend and eager code part.
 *
 * @module
 */
import {
  debug,
  grad,
  jit,
  linalg,
  loadBackend,
  type NDArray,
  nn,
  numpy as np,
  scan,
  vmap,
} from "../../mod.ts";
import { defaultBackend } from "../../lib/core/backend.ts";
import { definePrimitive, ordinary, type Primitive } from "../../lib/core/primitive.ts";
import { bind1 } from "../../lib/core/trace.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { arr } from "../support/arrays.ts";

await loadBackend("onnx");

/** Adds 1 in eager code, and in compiled code adds `wrong` or multiplies by it. */
function planted(name: string, wrong: number, op = "Add"): (x: NDArray) => NDArray {
  const primitive: Primitive<null> = definePrimitive<null>({
    name,
    abstractEval: ([x]) => [x!],
    impl: ([x]) => [(x!.values as Float32Array).map((v) => v + 1)],
    jvp: ([x], [t]) => [[bind1(primitive, [x!], null)], [t!]],
    transpose: "nonlinear",
    batch: ([x], [dim]) => [[bind1(primitive, [x!], null)], [dim!]],
    passes: ordinary,
    lower: (g, [x], _, [aval]) => [g.node(op, [x!, g.scalar(wrong, aval!.dtype)])],
    kernel: (b, inputs, _, __, [out]) => [
      b.map(inputs, out!, (e, [v]) => op === "Add" ? e.add(v!, wrong) : e.mul(v!, wrong)),
    ],
    samples: () => [],
  });
  return (x) => bind1(primitive, [x], null);
}

// What is planted is in what is compiled; the interpreter is eager code.
const tried = { backend: defaultBackend === "interpreter" ? "cpu" : defaultBackend };
const off = planted("test_off", 1.5);
const close = planted("test_close", 1 + 2 ** -21);
const x = np.array([0.5, 2]);

/** Functions in which the operation is applied, everywhere that an operation can be. */
const places: Readonly<Record<string, (op: (x: NDArray) => NDArray) => (x: NDArray) => NDArray>> = {
  "plain code": (op) => (x) => op(x).mul(2),
  "a jitted function": (op) => (x) => jit((v: NDArray) => op(v).mul(2))(x),
  "a loop": (op) => (x) => scan((c: NDArray) => [op(c.mul(0.5)), null], x, null, { length: 3 })[0],
  "a gradient": (op) => grad((x: NDArray) => op(x).square().sum()),
  lanes: (op) => (x) => vmap((v: NDArray) => op(v.mul(3)))(x),
};

for (const [place, make] of Object.entries(places)) {
  Deno.test(`an operation that differs is named with the line that applied it: in ${place}`, async () => {
    const found = await debug.whereJitDiffersWith(tried, make(off), x);
    assertEquals(found.operations.length, 1, String(found));
    const [first] = found.operations;
    assert(first!.what.startsWith("test_off(float32["), first!.what);
    assert(first!.where.includes("debug_test.ts"), first!.where);
    assertEquals(first!.compiled - first!.eager, 0.5);
    assert(found.whole !== null);
    assert(String(found).includes("these differ:\n  test_off"), String(found));
  });
}

Deno.test("what differs on another backend is found there", async () => {
  const { operations } = await debug.whereJitDiffersWith({ backend: "onnx" }, off, x);
  assertEquals(operations[0]!.compiled - operations[0]!.eager, 0.5);
  const found = await debug.whereJitDiffersWith({ backend: "interpreter" }, off, x);
  assertEquals(found.operations.length, 0);
});

Deno.test("rounding is not a difference, unless it is asked for", async () => {
  const f = (x: NDArray): NDArray => close(x);
  const { operations } = await debug.whereJitDiffersWith(tried, f, x);
  assertEquals(operations.length, 1); // 4 units of the last place of 1.5
  assertEquals(operations[0]!.ulps, 4);
  const coarse = await debug.whereJitDiffersWith({ ...tried, ulps: 4 }, f, x);
  assertEquals([coarse.operations.length, coarse.whole], [0, null]);
});

Deno.test("functions of the library differ nowhere from eager code", async () => {
  const f = (x: NDArray): NDArray =>
    nn.softmax(linalg.solve(np.eye(2).mul(3).add(np.outer(x, x)), np.tanh(x))).cumsum();
  for (const backend of ["cpu", "onnx", "interpreter"]) {
    const found = await debug.whereJitDiffersWith({ backend }, f, x);
    assert(found.compared > 8);
    assertEquals(
      String(found),
      `${found.compared} operations compared with ${backend}: no difference`,
    );
  }
});

Deno.test("zeros of another sign, NaN and infinities are told from rounding", async () => {
  const zero = (to: number): (x: NDArray) => NDArray =>
    planted(`test_special_${String(to).replace("-", "minus")}`, to);
  for (const to of [NaN, Infinity, -Infinity]) {
    const { operations } = await debug.whereJitDiffersWith(tried, zero(to), x);
    assertEquals(operations[0]!.ulps, Infinity);
  }
  const turned = planted("test_special_zero", 0, "Mul");
  const found = await debug.whereJitDiffersWith(tried, turned, np.array([-1]));
  const [{ eager, compiled, ulps }] = found.operations as [debug.Difference];
  assertEquals([eager, compiled, ulps], [0, -0, Infinity]);
  assertEquals(found.backend, tried.backend);
  assert(
    String(found).includes(`eager 0, ${tried.backend} -0 (no rounding)`),
    String(found),
  );
});

Deno.test("program() shows each stage", () => {
  const f = (x: NDArray): NDArray => {
    np.exp(x);
    return jit((v: NDArray) => np.sin(v).mul(2))(x);
  };
  const traced = debug.program(f, [arr([1, 2])]);
  assert(traced.includes("exp a") && traced.includes("jit["), traced);
  assertEquals(
    debug.program(f, [arr([1, 2])], { stage: "simplified" }),
    "{ lambda a:float64[2] ; let\n  b:float64[2] = sin a\n  c:float64[2] = mul b 2:float64[]\nin (c) }",
  );
  const onnx = debug.program(
    (x: NDArray) => scan((c: NDArray, u: NDArray) => [c.add(u), np.sin(c)], x.sum(), x)[1],
    [np.ones([4])],
    { stage: "onnx" },
  );
  for (
    const part of ["graph program(", "= Scan(", "body=graph ", "= Add(", "return ", "opset"]
  ) {
    assert(onnx.includes(part), `${part} is missing:\n${onnx}`);
  }
});

Deno.test("what is asked for wrongly is told", async () => {
  const f = (x: NDArray): NDArray => x;
  assertThrows(() => debug.program(f, x as never), TypeError, "program(f, [x])");
  assertThrows(
    () => debug.program(f, [x], { stage: "lowered" as never }),
    TypeError,
    '"simplified"',
  );
  assertThrows(
    () => debug.program(f, [x], { backend: "interpreter" as never }),
    TypeError,
    "webgpu",
  );
  await assertRejects(() => debug.whereJitDiffers(3 as never), TypeError, "must be a function");
  await assertRejects(
    () => debug.whereJitDiffersWith({ backend: "cuda" }, f as never, x),
    Error,
    "there is no backend",
  );
});
