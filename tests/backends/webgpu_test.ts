/**
 * The backend `"webgpu"`: results in flight, the life of buffers, loops driven by the host. Each operation
 * is tried in `gpu_kernels_test.ts`, the loss of the device in `gpu_loss_test.ts`.
 *
 * @module
 */
import { interpreter, loadBackend, ready } from "../../lib/backends/mod.ts";
import { onnx } from "../../lib/backends/onnx.ts";
import { webgpu } from "../../lib/backends/webgpu.ts";
import { jitCall } from "../../lib/control/call.ts";
import type { NDArray } from "../../lib/core/array.ts";
import { dtypes, shaped } from "../../lib/core/dtype.ts";
import { getBackend } from "../../lib/core/backend.ts";
import { ConcreteArray } from "../../lib/core/concrete.ts";
import { BackendError } from "../../lib/core/errors.ts";
import { bind } from "../../lib/core/trace.ts";
import { scalarLike } from "../../lib/primitives/constants/constants.ts";
import { add, mul } from "../../lib/primitives/elementwise/arithmetic.ts";
import { lt, not } from "../../lib/primitives/elementwise/compare.ts";
import { select } from "../../lib/primitives/elementwise/select.ts";
import { reduceSum } from "../../lib/primitives/sum/broadcast.ts";
import { scan, whileLoop } from "../../lib/transforms/loops.ts";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import { gpuTest } from "../support/gpu.ts";
import { array, chain, elements, f32, loop, loops, program } from "../support/programs.ts";

const LARGE = 100_000;

gpuTest("results are in flight, and go into the next program from where they are", async () => {
  const plus = webgpu.compile(program((x, y) => [add(x, y)], f32(4), f32(4)), "plus");
  const x = array([1, 2, 3, 4], [4]);
  const [first] = plus.run([x, x]);
  assert(!first!.ready);
  const [second] = plus.run([first!, x]);
  assertEquals(await elements([second!, first!]), [[3, 6, 9, 12], [2, 4, 6, 8]]);
  assertEquals(second!.device?.backend, "webgpu");
  assertEquals(await elements(plus.run([second!, second!])), [[6, 12, 18, 24]]);
  plus.release();
  assertThrows(() => plus.run([x, x]), BackendError, "released");
});

gpuTest("inputs may be disposed of as soon as a run has been asked for", async () => {
  const twice = webgpu.compile(program((x) => [add(x, x)], f32(LARGE)), "twice");
  let y = array(1, [LARGE]);
  for (let i = 0; i < 10; i++) {
    const [next] = twice.run([y]);
    y.dispose();
    y = next!;
  }
  const gone = y;
  const [last] = twice.run([y]);
  gone.dispose();
  assertEquals((await last!.data())[LARGE - 1], 2048);
  assertThrows(() => twice.run([gone]), TypeError, "dispose");
});

gpuTest("ready brings results to the host", async () => {
  const sum = webgpu.compile(program((x) => [reduceSum(x, [0]), add(x, x)], f32(LARGE)), "sum");
  const x = array(1, [LARGE]);
  for (let i = 0; i < 2; i++) {
    const outs = sum.run([x]);
    await ready(outs);
    assertEquals(outs[0]!.item(), LARGE);
    assertEquals(outs[1]!.values[5], 2);
    outs.forEach((out) => out.dispose());
  }
});

gpuTest("every dtype but float64 goes in and comes out, also without elements", async () => {
  for (const dtype of dtypes.filter((d) => d !== "float64")) {
    for (const shape of [[], [3], [0, 3], [70_001]]) {
      const aval = shaped(shape, dtype);
      const jaxpr = program(
        (c, x, y) => [select(c, x, y), x, array([2], [])],
        shaped([], "bool"),
        aval,
        aval,
      );
      const args = [array([1], [], "bool"), array(1, shape, dtype), array(0, shape, dtype)];
      const outs = webgpu.compile(jaxpr, "pass").run(args);
      assertEquals(outs.map((o) => o.aval), [aval, aval, f32()]);
      const ones = await elements([args[1]!]);
      assertEquals(await elements(outs), [ones[0]!, ones[0]!, [2]], `${dtype}[${shape}]`);
    }
  }
});

gpuTest("a bool array of any length survives a stay on the GPU", async () => {
  const aval = shaped([LARGE + 1], "bool");
  const flip = webgpu.compile(program((x) => [not(x)], aval), "flip");
  const bits = Array.from({ length: LARGE + 1 }, (_, i) => i % 3 === 0 ? 1 : 0);
  const [once] = flip.run([array(bits, [LARGE + 1], "bool")]);
  const [again] = flip.run([once!]);
  assertEquals((await elements([again!]))[0], bits);
});

gpuTest("a program without elements to compute gives empty arrays", async () => {
  const jaxpr = program((x) => [add(x, x)], f32(0, 2));
  assertEquals(await elements(webgpu.compile(jaxpr, "empty").run([array(0, [0, 2])])), [[]]);
});

gpuTest("arrays of other backends and arrays in flight are taken", async () => {
  await loadBackend("onnx");
  const twice = program((x) => [add(x, x)], f32(LARGE));
  const onHeap = onnx.compile(twice, "twice").run([array(1, [LARGE])])[0]!;
  const late = ConcreteArray.inFlight(
    f32(LARGE),
    new Promise((resolve) => setTimeout(() => resolve(new Float32Array(LARGE).fill(4)), 5)),
  );
  const gpu = webgpu.compile(twice, "twice");
  const outs = [onHeap, late].map((x) => gpu.run([x])[0]!);
  assertEquals((await elements(outs)).map((v) => v[7]), [4, 8]);
  const back = onnx.compile(twice, "twice").run([outs[0]!]);
  assertEquals((await elements(back)).map((v) => v[7]), [8]);
});

gpuTest("a failure reaches every result that depends on it, and nothing else", async () => {
  const twice = webgpu.compile(program((x) => [add(x, x)], f32(2)), "twice");
  const failed = ConcreteArray.inFlight(f32(2), Promise.reject(new Error("lost")));
  const [first] = twice.run([failed]);
  const [second] = twice.run([first!]);
  await assertRejects(() => second!.data(), Error, "lost");
  const [fine] = twice.run([array([1, 2], [2])]);
  assertEquals(await elements([fine!]), [[2, 4]]);
});

gpuTest("float64 is refused, wherever it is in the program", () => {
  const inner = program((x) => [add(x, x)], shaped([2], "float64"));
  const error = assertThrows(() => webgpu.compile(inner, "f"), BackendError) as Error;
  assert(error.message.startsWith("float64 is not available on webgpu: convert with astype"));
});

gpuTest("programs compile and run side by side", async () => {
  const x = array([0.5, 1, 2], [3]);
  const programs = [1, 2, 3, 4].map((n) => webgpu.compile(chain(n, f32(3)), `chain ${n}`));
  const outs = programs.map((p) => p.run([x])[0]!);
  const expected = [1, 2, 3, 4].map((n) => interpreter.compile(chain(n, f32(3)), "").run([x])[0]!);
  const got = await elements(outs);
  const want = await elements(expected);
  got.flat().forEach((v, i) => assertAlmostEquals(v, want.flat()[i]!, 1e-4));
});

gpuTest("control flow gives the interpreter's results", async () => {
  const x = array([1, -2, 0.5], [3]);
  for (const jaxpr of [loops(f32(3)), loop(5, f32(3))]) {
    const expected = await elements(interpreter.compile(jaxpr, "p").run([x]));
    const got = await elements(webgpu.compile(jaxpr, "p").run([x]));
    got.flat().forEach((v, i) => assertAlmostEquals(v, expected.flat()[i]!, 1e-3));
  }
});

gpuTest("a while loop makes exactly the steps that it should", async () => {
  for (const limit of [0, 1, 2, 3, 4, 7, 50]) {
    const jaxpr = program((x) => {
      const zero = reduceSum(mul(x, scalarLike(0, x)), [0]);
      return whileLoop(
        ([n]: [NDArray, NDArray]) => lt(n, scalarLike(limit, n)),
        ([n, y]: [NDArray, NDArray]) => [add(n, scalarLike(1, n)), add(y, x)],
        [zero, x],
      ) as NDArray[];
    }, f32(2));
    const outs = await elements(webgpu.compile(jaxpr, "loop").run([array([1, 2], [2])]));
    assertEquals(outs, [[limit], [limit + 1, 2 * limit + 2]]);
  }
});

gpuTest("loops within loops, in calls, with outputs passed through", async () => {
  const count = program((x) => {
    const zero = reduceSum(mul(x, scalarLike(0, x)), [0]);
    const [, y] = whileLoop(
      ([n]: [NDArray, NDArray]) => lt(n, scalarLike(3, n)),
      ([n, y]: [NDArray, NDArray]) => [add(n, scalarLike(1, n)), add(y, scalarLike(1, y))],
      [zero, x],
    ) as NDArray[];
    return [y!];
  }, f32(4));
  const jaxpr = program(
    (xs, c) => {
      const [last, [sums, same]] = scan(
        ((c: NDArray, x: NDArray) => {
          const [z] = bind(jitCall, [c], { jaxpr: count, name: "count", backend: "onnx" });
          return [add(z!, x), [reduceSum(z!, [0]), x]];
        }) as never,
        c,
        xs,
        { reverse: true },
      ) as [NDArray, [NDArray, NDArray]];
      return [xs, last, sums, same, last, array([3], [])];
    },
    f32(5),
    f32(4),
  );
  const args = [array([1, 2, 3, 4, 5], [5]), array([1, 0, -1, 2], [4])];
  const expected = await elements(interpreter.compile(jaxpr, "nested").run(args));
  const nested = webgpu.compile(jaxpr, "nested");
  for (let i = 0; i < 2; i++) assertEquals(await elements(nested.run(args)), expected);
  nested.release();
});

Deno.test("the backend is known, loaded or not", () => {
  assertEquals(getBackend("webgpu").name, "webgpu");
  assertEquals(getBackend("webgpu").ready, webgpu.ready);
});
