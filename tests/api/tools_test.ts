/**
 * What tools that know no arrays make of them: comparisons, reactive proxies, freezing, consoles, and
 * libraries that ask any object for a length.
 *
 * @module
 */
import {
  fixedPoint,
  grad,
  InFlightError,
  jit,
  loadBackend,
  makeJaxpr,
  NDArray,
  numpy as np,
  ready,
  ShapeDtype,
  ShapeError,
  treeMap,
  treeStructure,
  vmap,
} from "../../mod.ts";
import { ConcreteArray } from "../../lib/core/concrete.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { deepStrictEqual } from "node:assert";
import { inspect, isDeepStrictEqual } from "node:util";

const double = (x: NDArray): NDArray => x.mul(2);
const onOnnx = jit(double, { backend: "onnx" });
const values = (): NDArray => np.array([1, 2, 3]);
/** A function of an array that is still on its way. */
const late = (x: NDArray): NDArray =>
  ConcreteArray.inFlight(x.aval, Promise.resolve().then(() => x.dataSync()));

/** As a tool would look into an array: what lies there is typed as anything. */
const open = (x: NDArray): Record<string, unknown> => x as unknown as Record<string, unknown>;

// ---------------------------------------------------------------- comparisons

const loop = (a: number) => fixedPoint((x) => np.cos(x.mul(a)), 1);
const program = (a: number) => makeJaxpr((x) => x.mul(a))(new ShapeDtype([2]));

/** Something, the same made again, and others that differ from it. */
const compared: Readonly<Record<string, readonly [() => unknown, ...(() => unknown)[]]>> = {
  "an array": [
    values,
    () => np.array([1, 2, 4]),
    () => np.array([1, 2]),
    () => np.array([1, 2, 3], { dtype: "int32" }),
    () => values().reshape([3, 1]),
    () => [1, 2, 3],
  ],
  "a scalar": [() => np.array(1), () => np.array(2), () => np.array([1]), () => 1],
  "NaN": [() => np.array([NaN]), () => np.array([0])],
  "a tree": [
    () => ({ w: values(), layers: [np.ones([2, 2])] }),
    () => ({ w: values(), layers: [np.zeros([2, 2])] }),
    () => ({ w: values() }),
  ],
  "a TreeDef": [() => treeStructure({ a: 1 }), () => treeStructure({ b: 1 })],
  "a ShapeDtype": [() => new ShapeDtype([2]), () => new ShapeDtype([3])],
  "a ClosedJaxpr": [() => program(2), () => program(3)],
  "a Solution": [() => loop(1), () => loop(0.5)],
};

for (const [name, [make, ...others]] of Object.entries(compared)) {
  Deno.test(`tools that compare look into ${name}`, () => {
    assertEquals(make(), make());
    assert(isDeepStrictEqual(make(), make()));
    for (const other of others) {
      assert(!isDeepStrictEqual(make(), other()), `it equals ${inspect(other())}`);
      assertThrows(() => assertEquals(make(), other()), Error);
      assertThrows(() => deepStrictEqual(make(), other()), Error);
    }
  });
}

Deno.test("arrays on a device are compared by their values, and with those in host memory", async () => {
  await loadBackend("onnx");
  const x = np.ones([100_000]);
  assert(open(onOnnx(x)).device !== null, "the result is not on the device: make it larger");
  assert(isDeepStrictEqual(onOnnx(x), x.mul(2)));
  assert(isDeepStrictEqual(onOnnx(x), onOnnx(x)));
  assert(!isDeepStrictEqual(onOnnx(x), x));
  assert(!isDeepStrictEqual(x, onOnnx(x)));
});

Deno.test("arrays in flight cannot be compared, which is an error and no answer", async () => {
  const x = late(values());
  assertThrows(() => isDeepStrictEqual(x, values()), InFlightError, "await ready(tree)");
  assertThrows(() => isDeepStrictEqual(x, late(values())), InFlightError);
  assertEquals(Object.keys(x), ["aval", "values"]);
  await ready(x);
  assert(isDeepStrictEqual(x, values()));
  assert(!isDeepStrictEqual(x, np.zeros([3])));
});

// ---------------------------------------------------------------- proxies and freezing

/** A proxy as reactive frameworks make them: objects that are read through it are proxies too. */
function reactive<T extends object>(target: T): T {
  return new Proxy(target, {
    get(object, key, receiver) {
      const value: unknown = Reflect.get(object, key, receiver);
      const kind = Object.prototype.toString.call(value);
      const wrapped = kind === "[object Object]" || kind === "[object Array]";
      return wrapped && Object.isExtensible(value) ? reactive(value as object) : value;
    },
  });
}

Deno.test("an array seen through a reactive proxy is an array", async () => {
  await loadBackend("onnx");
  const large = np.ones([100_000]);
  const state = reactive({ w: values(), late: late(values()), large: onOnnx(large) });
  for (const w of [state.w, state.late]) {
    await ready(w);
    assertEquals(w.add(1).toArray(), [2, 3, 4]);
    assertEquals(np.add(1, w).toArray(), [2, 3, 4]);
    assertEquals(grad((w: NDArray) => w.square().sum())(w).toArray(), [2, 4, 6]);
    assertEquals(vmap(double)(w).toArray(), [2, 4, 6]);
    assertEquals(onOnnx(w).toArray(), [2, 4, 6]);
    assertEquals(String(w), "Array(float32[3], [1,2,3])");
    assertEquals(JSON.stringify(w), "[1,2,3]");
    assertEquals(Array.from(await w.data()), [1, 2, 3]);
  }
  assert(open(state.large).device !== null);
  assertEquals(state.large.sum().item(), 200_000);
  assertEquals(treeMap((x: NDArray) => x.ndim, state), { w: 1, late: 1, large: 1 });
  state.large.dispose();
  assertThrows(() => state.large.sum(), TypeError, "used after dispose()");
});

Deno.test("what is frozen works as before, and arrives", async () => {
  const x = Object.freeze(late(values()));
  await ready(x);
  assertEquals(x.add(1).toArray(), [2, 3, 4]);
  const y = Object.freeze(values());
  y.dispose(); // there is nothing to free
  assertEquals(y.toArray(), [1, 2, 3]);
});

Deno.test("a disposed array has no elements, wherever they were", async () => {
  await loadBackend("onnx");
  for (const x of [values(), late(values()), onOnnx(np.ones([100_000]))]) {
    x.dispose();
    x.dispose();
    assertThrows(() => x.dataSync(), TypeError, "used after dispose()");
    assertThrows(() => x.add(1), TypeError, "used after dispose()");
    assert(String(x).endsWith("disposed)"));
  }
});

// ---------------------------------------------------------------- what tools ask for

/** A function whose code lies in a certain file, as far as stacks tell. */
function from(file: string, parameter: string, body: string): (value: unknown) => unknown {
  return new Function(parameter, `${body}\n//# sourceURL=${file}`) as (value: unknown) => unknown;
}

const installed = [
  "file:///app/node_modules/lodash/lodash.js",
  "file:///cache/npm/registry/expect/30.2.0/build/index.js",
  "https://cdn.example/matcher@4.17.21/es2022/matcher.mjs",
  "node:internal/util/inspect",
];
const written = ["file:///app/main.js", "https://app.example/assets/main.js"];

Deno.test("installed tools may ask an array for a length and for elements; persons get errors", () => {
  const length = "return x.length";
  const element = "return x[0]";
  const spread = "return [...x]";
  for (const file of installed) {
    assertEquals(from(file, "x", length)(values()), undefined);
    assertEquals(from(file, "x", element)(values()), undefined);
    assertEquals(from(file, "x", spread)(np.array(3)), []);
  }
  for (const file of written) {
    assertThrows(() => from(file, "x", length)(values()), TypeError, "x.shape[0]");
    assertThrows(() => from(file, "x", element)(values()), TypeError, "x.at(0)");
    assertThrows(() => from(file, "x", spread)(np.array(3)), ShapeError, "x.item()");
  }
});

Deno.test("a write is an error, whoever writes", () => {
  for (const file of [...installed, ...written]) {
    assertThrows(() => from(file, "x", "x[0] = 1")(values()), TypeError, "np.setAt");
  }
});

Deno.test("consoles show the prototypes of arrays, and proxies of arrays", () => {
  assertEquals(Deno.inspect(NDArray.prototype), "NDArray {}");
  assertEquals(inspect(ConcreteArray.prototype), Deno.inspect(ConcreteArray.prototype));
  let tracer: object = {};
  grad((x: NDArray) => (tracer = x, x))(1);
  assert(Deno.inspect(Object.getPrototypeOf(tracer)).endsWith(" {}"));
  assertEquals(Deno.inspect(new Proxy(values(), {})), String(values()));
});
