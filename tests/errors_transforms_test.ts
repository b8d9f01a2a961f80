/**
 * What users are told of mistakes with derivatives, loops, branches, backends, leaked values, and
 * arrays that are disposed of or in flight. See `errors_test.ts`.
 *
 * @module
 */
import {
  AxisError,
  BackendError,
  ConcretizationError,
  cond,
  customJvp,
  customVjp,
  DifferentiationError,
  DTypeError,
  exportOnnx,
  exportOnnxWith,
  foriLoop,
  grad,
  InFlightError,
  jit,
  jvp,
  LeakedTracerError,
  loadBackend,
  map,
  type NDArray,
  numpy as np,
  random,
  ready,
  scan,
  ShapeError,
  switchCase,
  TreeError,
  treeMap,
  vjp,
  whileLoop,
} from "../mod.ts";
import { ConcreteArray } from "../lib/core/concrete.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "./support/assert.ts";
import { assertClose } from "./support/arrays.ts";
import { any, mistake, named } from "./support/mistakes.ts";
import { interpreter } from "./support/everywhere.ts";

const x = np.array([1, 2, 3]);
const y = np.array([4, 5, 6, 7]);
const ints = np.array([1, 2], { dtype: "int32" });
const one = np.array(1);

// Derivatives
mistake(
  "grad of a function that is not scalar",
  () => grad(named("loss", (x: NDArray) => x))(x),
  ShapeError,
  "grad | loss | float32[3] | sum | jacrev",
);
mistake(
  "grad of a function that returns a tree",
  () => grad((x: NDArray) => any({ a: x.sum() }))(x),
  ShapeError,
  "grad | {a: *}",
);
mistake(
  "grad of an integer argument",
  () => grad(named("loss", (x: NDArray) => x.sum()))(ints),
  DTypeError,
  "grad | argument 0 of loss | int32[2] | astype | argnums",
);
mistake(
  "grad of an integer leaf",
  () => grad((p: { w: NDArray; n: NDArray[] }) => p.w.sum())({ w: x, n: [ints] }),
  DTypeError,
  "argument 0 | .n[0] | int32[2]",
);
mistake(
  "grad of an integer result",
  () => grad(named("count", (x: NDArray) => x.astype("int32").sum()))(x),
  DTypeError,
  "grad | result of count | int32[]",
);
mistake(
  "argnums out of range",
  () => grad(named("loss", (x: NDArray) => x.sum()), { argnums: 2 })(x),
  AxisError,
  "grad | argnums 2 | loss | 1 argument",
);
mistake(
  "grad of a value",
  () => grad(any(x.sum())),
  TypeError,
  "grad | first argument must be a function",
);
mistake(
  "a gradient function that was not called",
  () => np.add(any(grad((x: NDArray) => x.sum())), 1),
  TypeError,
  "add | grad(anonymous) | call it",
);
mistake(
  "a tangent of another shape",
  () => jvp((x: NDArray) => x, [x], [y]),
  ShapeError,
  "jvp | tangent at [0] | float32[4] | float32[3]",
);
mistake(
  "a tangent of another dtype",
  () => jvp((x: NDArray) => x, [x], [x.astype("float64")]),
  ShapeError,
  "jvp | float64[3] | float32[3]",
);
mistake(
  "primals outside a list",
  () => jvp((x: NDArray) => x, any(x), any(x)),
  TreeError,
  "jvp(f, [x])",
);
mistake(
  "a cotangent of another shape",
  () => vjp((x: NDArray) => x, [x])[1](y),
  ShapeError,
  "vjp | cotangent | float32[4] | float32[3]",
);
mistake(
  "reverse mode through whileLoop",
  () =>
    grad((x: NDArray) => whileLoop((v: NDArray) => v.less(9), (v: NDArray) => v.mul(2), x))(one),
  DifferentiationError,
  "whileLoop | foriLoop | jacfwd",
);
mistake(
  "forward mode through customVjp",
  () =>
    jvp(
      customVjp(
        named("area", (x: NDArray) => x),
        (x: NDArray) => [x, null],
        (_, ct: NDArray) => [ct],
      ),
      [x],
      [x],
    ),
  DifferentiationError,
  "area | customJvp",
);
mistake(
  "a custom rule that is not linear",
  () =>
    grad(
      customJvp(named("odd", (x: NDArray) => x), ([x]: [NDArray], [t]: [NDArray]) => [x, t.mul(t)]),
    )(one),
  DifferentiationError,
  "linear",
);

// Loops and branches
mistake(
  "a carry that changes its dtype",
  () => scan((c: NDArray, x: NDArray) => [c.add(x), c], ints.at(0), x),
  TreeError,
  "scan | carry | convert init",
  /int32\[\].*float32\[\]|float32\[\].*int32\[\]/,
);
mistake(
  "a carry that changes its shape: what is init and what was returned",
  () =>
    scan(
      named("step", (c: NDArray, x: NDArray) => [np.stack([c, x]), c]),
      np.array(0),
      x,
    ),
  TreeError,
  "scan | step",
  /returned and init: float32\[2\] and float32\[\]|init and [^:]*returned: float32\[\] and float32\[2\]/,
);
mistake(
  "a carry that changes its structure",
  () => scan((c: { a: NDArray; b: NDArray }) => [any({ a: c.a }), null], { a: one, b: one }, x),
  TreeError,
  "scan | keys {a, b} and {a}",
);
mistake(
  "a step that returns no pair",
  () => scan(any((c: NDArray, x: NDArray) => c.add(x)), np.array(0), x),
  TreeError,
  "scan | [carry, y] | [carry, null] | float32[]",
);
mistake(
  "slices of different lengths",
  () => scan((c: NDArray) => [c, null], one, { a: x, b: [y] }),
  ShapeError,
  "scan | xs.b[0] has shape [4] | xs.a says 3",
);
mistake(
  "a scan over a scalar",
  () => scan((c: NDArray) => [c, null], one, [one]),
  ShapeError,
  "scan | xs[0] is a scalar",
);
mistake(
  "branches that differ in shape",
  () => cond(true, () => one, () => np.ones([2])),
  TreeError,
  "cond | ifFalse and ifTrue: float32[2] and float32[]",
);
mistake(
  "branches that differ in dtype",
  () => switchCase(0, [() => ints, () => np.ones([2])]),
  TreeError,
  "switchCase | branches 0 and 1: int32[2] and float32[2]",
);
mistake(
  "a predicate that is a vector",
  () => cond(x.greater(1), () => one, () => one),
  ShapeError,
  "cond | [3] | np.where",
);
mistake(
  "a branch that is a value",
  () => cond(true, any(x), any(x)),
  TypeError,
  "cond | second argument must be a function",
);
mistake(
  "a while condition that is not bool",
  () => whileLoop((x: NDArray) => x, (x: NDArray) => x, one),
  TreeError,
  "whileLoop | bool scalar | float32[] | Compare",
);
mistake(
  "a while carry that changes its shape: what is init and what was returned",
  () => whileLoop((x: NDArray) => x.less(3), (x: NDArray) => x.add(np.ones([2])), one),
  TreeError,
  "whileLoop",
  /returned and init: float32\[2\] and float32\[\]|init and [^:]*returned: float32\[\] and float32\[2\]/,
);
mistake(
  "a loop bound that is no integer",
  () => foriLoop(0, 2.5, (_, x) => x, x),
  AxisError,
  "foriLoop | upper bound | 2.5",
);

// Keys and backends
mistake(
  "a seed in the place of a key",
  () => random.normal(any(5), [2]),
  TypeError,
  "normal | number 5 | random.key(seed)",
);
mistake(
  "a vector in the place of a key",
  () => random.normal(x, [2]),
  TypeError,
  "normal | float32[3] | uint32[2]",
);
mistake(
  "a backend that there is not",
  () => jit((x: NDArray) => x, { backend: "cuda" }),
  BackendError,
  '"cuda" | "cpu" | "onnx" | "webgpu" | "interpreter"',
);
mistake(
  "a backend in capitals",
  () => jit((x: NDArray) => x, { backend: "CPU" }),
  BackendError,
  'Did you mean "cpu"?',
);
mistake(
  "a GPU by its shortest name",
  () => jit((x: NDArray) => x, { backend: "gpu" }),
  BackendError,
  'Did you mean "webgpu"?',
);
mistake(
  "the name that the onnx backend had",
  () => jit((x: NDArray) => x, { backend: "wasm" }),
  BackendError,
  'the backend "wasm" is called "onnx" now',
);
mistake(
  "a static argument that there is not",
  () => jit(named("step", (x: NDArray) => x), { staticArgnums: 4 })(x),
  AxisError,
  "jit | staticArgnums 4 | step",
);

// Values past their time
let leaked: NDArray = one;
mistake(
  "a traced value that leaked",
  () => {
    jit(named("step", (x: NDArray) => leaked = x.mul(2)), interpreter)(x);
    return leaked.add(1);
  },
  LeakedTracerError,
  "float32[3] | jit of step | Return it | transforms:",
  /errors_transforms_test\.ts:\d+:\d+/,
);
const gone = np.array([1, 2]);
gone.dispose();
const addOne = jit((x: NDArray) => x.add(1), interpreter);
mistake("adding to a disposed array", () => gone.add(1), TypeError, "float32[2] | dispose()");
mistake("reading a disposed array", () => gone.toArray(), TypeError, "float32[2] | dispose()");
mistake("jit of a disposed array", () => addOne(gone), TypeError, "float32[2] | dispose()");

/** An array that is in flight until it is told otherwise. */
function flying() {
  const { promise, resolve, reject } = Promise.withResolvers<Float32Array<ArrayBuffer>>();
  const array = ConcreteArray.inFlight({ shape: [2], dtype: "float32" }, promise);
  return { array, arrive: resolve, fail: reject };
}
const { array: pending, arrive } = flying();
mistake(
  "reading an array in flight",
  () => pending.toArray(),
  InFlightError,
  "float32[2] | in flight | await x.data() | ready(tree)",
);
mistake("item() in flight", () => pending.sum().item(), InFlightError, "float32[] | await");
mistake("a number in flight", () => any(pending.sum()) + 1, InFlightError, "float32[] | await");

Deno.test("an array in flight prints, has a shape, and can be calculated with", async () => {
  assertEquals(String(pending), "Array(float32[2], in flight)");
  assertEquals(pending.shape, [2]);
  const doubled = pending.mul(2);
  arrive(new Float32Array([1, 2]));
  await ready([doubled]);
  assertEquals(doubled.toArray(), [2, 4]);
});

Deno.test("a computation that fails says so to all who wait for it, and to nobody else", async () => {
  const { array, fail } = flying();
  const next = array.add(1);
  fail(new RangeError("the device is gone"));
  await assertRejects(() => next.data(), RangeError, "the device is gone");
  await assertRejects(() => ready({ deep: [array] }), RangeError, "the device is gone");
  assertEquals(String(array), "Array(float32[2], failed)");
  let message = "";
  try {
    array.toArray();
  } catch (e) {
    message = (e as Error).message;
  }
  assertEquals(message, "the device is gone");
});

Deno.test("a traced value's data() rejects instead of hanging", async () => {
  let promise: Promise<unknown> = Promise.resolve();
  jit((x: NDArray) => {
    promise = x.data();
    return x;
  }, interpreter)(x);
  await assertRejects(() => promise, ConcretizationError, "data()");
});

Deno.test("loadBackend() of a name that there is not lists those there are", async () => {
  await assertRejects(() => loadBackend("tpu"), BackendError, '"onnx"');
  await assertRejects(() => loadBackend("wasm"), BackendError, 'called "onnx" now');
});

Deno.test("errors have the classes that the documentation promises", () => {
  for (
    const kind of [
      ShapeError,
      DTypeError,
      TreeError,
      ConcretizationError,
      LeakedTracerError,
      DifferentiationError,
    ]
  ) {
    const e = new kind("m");
    assert(e instanceof TypeError, `${kind.name} is no TypeError`);
    assertEquals(e.name, kind.name);
  }
  assert(new AxisError("m") instanceof RangeError);
  for (const kind of [InFlightError, BackendError]) assertEquals(new kind("m").name, kind.name);
});

mistake("map over a scalar", () => map((x: NDArray) => x, one), ShapeError, "map: xs is a scalar");
mistake(
  "treeMap without a function",
  () => treeMap(3 as never, { a: 1 }),
  TypeError,
  "treeMap | first argument | function",
);

mistake(
  "a map that forgets to return",
  () => map(named("double", () => undefined) as never, x),
  TreeError,
  "map | double | undefined | forget a return",
);
mistake(
  "a foriLoop that changes a shape",
  () => foriLoop(0, 3, named("grow", (_: NDArray, x: NDArray) => np.concatenate([x, x])), x),
  TreeError,
  "foriLoop | grow | float32[3] and float32[6]",
);
mistake(
  "a bad carry of a foriLoop with traced bounds",
  () => jit((n: NDArray) => foriLoop(0, n, named("grow", () => x), one), interpreter)(ints.at(0)),
  TreeError,
  "foriLoop | grow | float32[] and float32[3]",
);

// Files
mistake(
  "exporting a function without results",
  () => exportOnnx(named("nothing", () => null)),
  TreeError,
  "exportOnnx | nothing | returned no arrays",
);
mistake(
  "more names than arguments",
  () => exportOnnxWith({ argumentNames: ["a", "b"] }, (x: NDArray) => x.mul(2), x),
  TreeError,
  "exportOnnx | argumentNames has 2 names | 1 example",
);
mistake(
  "a name that is none for a runtime",
  () => exportOnnxWith({ argumentNames: ["a\0b"] }, (x: NDArray) => x.mul(2), x),
  TypeError,
  "exportOnnx | argumentNames[0] | control characters",
);

mistake(
  "metadata that is no text",
  () => exportOnnxWith({ metadata: any({ epoch: 3 }) }, (x: NDArray) => x.mul(2), x),
  TypeError,
  'exportOnnx | metadata has number 3 for "epoch" | String(value)',
);
mistake(
  "metadata that is a list",
  () => exportOnnxWith({ metadata: any(["a"]) }, (x: NDArray) => x.mul(2), x),
  TypeError,
  "exportOnnx | metadata is a JavaScript array of length 1 | object of strings",
);

Deno.test("comparisons by methods can steer trace-time control flow under grad", () => {
  const f = (x: NDArray): NDArray => x.sum().greater(0).item() ? x.sum() : x.mul(-2).sum();
  assertClose(grad(f)(x), [1, 1, 1]);
  assertClose(grad(f)(x.neg()), [-2, -2, -2]);
});

Deno.test("a value that a rule of a loop's body leaks is told with the line that started its transform", () => {
  let kept: NDArray | undefined;
  const sine = customJvp(
    (x: NDArray): NDArray => np.sin(x),
    ([x], [t]) => {
      grad((y: NDArray) => (kept = y).square())(x!);
      return [np.sin(x!), t!.mul(np.cos(x!))];
    },
  );
  grad((x: NDArray) => scan((c: NDArray) => [sine(c), null], x, null, { length: 3 })[0])(
    np.array(0.5),
  );
  assertThrows(() => kept!.add(1), LeakedTracerError, "errors_transforms_test.ts");
});
