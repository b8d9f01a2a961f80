/**
 * The direct binding to ONNX Runtime computes, keeps tensors valid, and recovers from errors.
 *
 * Owns: the binding. Leaves to others: what each operator computes, and the encoding of models.
 *
 * @module
 */
import { loadOrt, type OrtRuntime, type OrtSession } from "../../lib/backends/ort_direct.ts";
import {
  encodeModel,
  type Graph,
  type Node,
  type OnnxType,
  type Tensor,
} from "../../lib/onnx/model.ts";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "../support/assert.ts";

const workerBefore = globalThis.Worker;
const ort: OrtRuntime = await loadOrt();

/** Bytes of a model whose values all have one type, and any shape. */
function bytesOf(
  type: OnnxType,
  nodes: readonly Node[],
  inputs: readonly string[],
  outputs: readonly string[],
  initializers: readonly Tensor[] = [],
): Uint8Array {
  const graph = {
    name: "test",
    nodes,
    initializers,
    inputs: inputs.map((name) => ({ name, type })),
    outputs: outputs.map((name) => ({ name, type })),
  };
  return encodeModel({ graph, opset: 21 });
}

/** A session for one operator on two values. */
function binary(op: string, type: OnnxType): OrtSession {
  return ort.createSession(
    bytesOf(type, [{ op, inputs: ["a", "b"], outputs: ["c"] }], ["a", "b"], ["c"]),
  );
}

/** A session for one operator on one value. */
function unary(op: string, type: OnnxType): OrtSession {
  return ort.createSession(bytesOf(type, [{ op, inputs: ["a"], outputs: ["b"] }], ["a"], ["b"]));
}

Deno.test("loading again gives the same runtime", async () => {
  assertStrictEquals(await loadOrt(), ort);
});

Deno.test("loading leaves the global Worker alone", () => {
  assertStrictEquals(globalThis.Worker, workerBefore);
});

Deno.test("a session adds, into a new output and into a given one", () => {
  const session = binary("Add", "float32");
  assertEquals(session.inputNames, ["a", "b"]);
  assertEquals(session.outputNames, ["c"]);
  const a = ort.tensor("float32", [2, 2], new Float32Array([1, 2, 3, 4]));
  const b = ort.tensor("float32", [2, 2], new Float32Array([10, 20, 30, 40]));
  const expected = new Float32Array([11, 22, 33, 44]);

  const [made] = session.run([a, b]);
  assertEquals(made!.type, "float32");
  assertEquals(made!.shape, [2, 2]);
  assertEquals(made!.byteLength, 16);
  assertEquals<unknown>(made!.read(), expected);

  const given = [ort.tensor("float32", [2, 2])];
  const results = session.run([a, b], given);
  assertStrictEquals(results, given);
  assertEquals<unknown>(results[0]!.read(), expected);

  a.write(new Float32Array([0, 0, 0, 1]));
  session.run([a, b], given);
  assertEquals<unknown>(given[0]!.read(), new Float32Array([10, 20, 30, 41]));
  // The output made earlier is not touched by later runs.
  assertEquals<unknown>(made!.read(), expected);
  for (const held of [a, b, made!, given[0]!, session]) held.release();
});

Deno.test("given and new outputs mix", () => {
  const session = ort.createSession(bytesOf(
    "float32",
    ["Neg", "Abs", "Exp"].map((op) => ({ op, inputs: ["x"], outputs: [op] })),
    ["x"],
    ["Neg", "Abs", "Exp"],
  ));
  const x = ort.tensor("float32", [1], new Float32Array([-2]));
  const middle = ort.tensor("float32", [1]);
  const results = session.run([x], [null, middle, null]);
  assertEquals(results.length, 3);
  assertStrictEquals(results[1], middle);
  assertEquals(results.map((t) => t.read()[0]), [2, 2, Math.fround(Math.exp(-2))]);
  for (const held of [x, ...results, session]) held.release();
});

Deno.test("an output goes on as the next input without a copy", () => {
  const session = binary("Add", "float32");
  const one = ort.tensor("float32", [3], new Float32Array([1, 2, 3]));
  let sum = ort.tensor("float32", [3], new Float32Array(3));
  for (let i = 0; i < 100; i++) {
    const [next] = session.run([sum, one]);
    sum.release();
    sum = next!;
  }
  assertEquals<unknown>(sum.read(), new Float32Array([100, 200, 300]));
  for (const held of [one, sum, session]) held.release();
});

Deno.test("an output outlives its session", () => {
  const k: Tensor = { name: "k", type: "float32", shape: [2], data: new Float32Array([1, 2]) };
  const nodes = [{ op: "Identity", inputs: ["k"], outputs: ["y"] }];
  const session = ort.createSession(bytesOf("float32", nodes, [], ["y", "k"], [k]));
  const results = session.run([]);
  // Constants of the model are handed out as copies: writing to one changes nothing else.
  results[0]!.write(new Float32Array([8, 9]));
  results[1]!.write(new Float32Array([8, 9]));
  const again = session.run([]);
  session.release();
  for (const tensor of again) assertEquals<unknown>(tensor.read(), new Float32Array([1, 2]));
  for (const tensor of results) assertEquals<unknown>(tensor.read(), new Float32Array([8, 9]));
  for (const held of [...results, ...again]) held.release();
});

Deno.test("float64 keeps its precision", () => {
  const session = binary("Add", "float64");
  const a = ort.tensor("float64", [2], new Float64Array([1, 1e300]));
  const b = ort.tensor("float64", [2], new Float64Array([2 ** -52, 1e284]));
  const [c] = session.run([a, b]);
  assertEquals<unknown>(c!.read(), new Float64Array([1 + 2 ** -52, 1e300 + 1e284]));
  for (const held of [a, b, c!, session]) held.release();
});

Deno.test("integers keep their bits", () => {
  const add = binary("Add", "int32");
  const a = ort.tensor("int32", [2], new Int32Array([2 ** 31 - 1, -7]));
  const b = ort.tensor("int32", [2], new Int32Array([1, 2]));
  const [c] = add.run([a, b]);
  assertEquals<unknown>(c!.read(), new Int32Array([-(2 ** 31), -5]));

  const same = unary("Identity", "int64");
  const extremes = new BigInt64Array([2n ** 63n - 1n, -(2n ** 63n), 0n]);
  const d = ort.tensor("int64", [3], extremes);
  const [e] = same.run([d]);
  assertEquals<unknown>(e!.read(), extremes);

  const flip = unary("BitwiseNot", "uint32");
  const f = ort.tensor("uint32", [1], new Uint32Array([1]));
  const [g] = flip.run([f]);
  assertEquals<unknown>(g!.read(), new Uint32Array([2 ** 32 - 2]));
  for (const held of [a, b, c!, d, e!, f, g!, add, same, flip]) held.release();
});

Deno.test("bool and uint8 take a byte each", () => {
  const not = unary("Not", "bool");
  const a = ort.tensor("bool", [3], new Uint8Array([1, 0, 1]));
  const [b] = not.run([a]);
  assertEquals(b!.type, "bool");
  assertEquals(b!.byteLength, 3);
  assertEquals<unknown>(b!.read(), new Uint8Array([0, 1, 0]));

  const add = binary("Add", "uint8");
  const c = ort.tensor("uint8", [5], new Uint8Array([1, 2, 3, 4, 255]));
  const [d] = add.run([c, c]);
  assertEquals(d!.type, "uint8");
  assertEquals<unknown>(d!.read(), new Uint8Array([2, 4, 6, 8, 254]));
  for (const held of [a, b!, c, d!, not, add]) held.release();
});

Deno.test("tensors may have no elements, or no axes", () => {
  const session = unary("Neg", "float32");
  for (const shape of [[0], [3, 0], [0, 2, 5]]) {
    const empty = ort.tensor("float32", shape, new Float32Array(0));
    const given = ort.tensor("float32", shape);
    const [made] = session.run([empty]);
    session.run([empty], [given]);
    for (const tensor of [empty, given, made!]) {
      assertEquals(tensor.shape, shape);
      assertEquals(tensor.byteLength, 0);
      assertEquals<unknown>(tensor.read(), new Float32Array(0));
      tensor.release();
    }
  }
  const scalar = ort.tensor("float32", [], new Float32Array([5]));
  const given = ort.tensor("float32", []);
  const [made] = session.run([scalar]);
  session.run([scalar], [given]);
  for (const tensor of [given, made!]) {
    assertEquals(tensor.shape, []);
    assertEquals<unknown>(tensor.read(), new Float32Array([-5]));
  }
  for (const held of [scalar, given, made!, session]) held.release();
});

Deno.test("a read is a copy, and a write takes what the view shows", () => {
  const a = ort.tensor("float32", [2], new Float32Array([0, 1, 2, 3]).subarray(1, 3));
  const copy = a.read();
  assertEquals<unknown>(copy, new Float32Array([1, 2]));
  assert(copy.buffer instanceof ArrayBuffer);
  copy[0] = 9;
  assertEquals<unknown>(a.read(), new Float32Array([1, 2]));
  // Bytes count, whatever the type of the view.
  a.write(new DataView(new Float32Array([5, 6]).buffer));
  assertEquals<unknown>(a.read(), new Float32Array([5, 6]));
  a.release();
});

Deno.test("a new tensor keeps its shape when the caller's array changes", () => {
  const shape = [2, 3];
  const a = ort.tensor("float32", shape);
  shape[0] = 7;
  assertEquals(a.shape, [2, 3]);
  a.release();
});

// Before the tests that make the heap large: what leaked would fit into the room they leave.
Deno.test("neither success nor failure leaks memory", () => {
  // Each line of a step that left its tensor or model behind would add 200 MB in all.
  const steps = 25;
  const length = 2 ** 21;
  const divide = binary("Div", "int32");
  const one = ort.tensor("int32", [length], new Int32Array(length).fill(1));
  const zero = ort.tensor("int32", [length], new Int32Array(length));
  const data = new Float32Array(length);
  const weights: Tensor[] = [{ name: "w", type: "float32", shape: [length], data }];
  const [good, bad] = ["w", "nowhere"].map((b) =>
    bytesOf("float32", [{ op: "Add", inputs: ["x", b], outputs: ["y"] }], ["x"], ["y"], weights)
  );
  const step = (): void => {
    for (const tensor of divide.run([one, one])) tensor.release();
    assertThrows(() => divide.run([one, zero]), Error);
    ort.createSession(good!).release();
    assertThrows(() => ort.createSession(bad!), Error);
  };
  step();
  const before = ort.heapBytes;
  for (let i = 0; i < steps; i++) step();
  assert(ort.heapBytes - before < 100e6, `${ort.heapBytes - before} bytes more`);
  for (const held of [one, zero, divide]) held.release();
});

Deno.test("memory that grows within a run is seen", () => {
  // The result is larger than the heap was before the run.
  const nodes = [{ op: "Expand", inputs: ["x", "shape"], outputs: ["y"] }];
  const length = ort.heapBytes / 4 + 1000;
  const data = new BigInt64Array([BigInt(length)]);
  const shape: Tensor = { name: "shape", type: "int64", shape: [1], data };
  const session = ort.createSession(bytesOf("float32", nodes, ["x"], ["y"], [shape]));
  const x = ort.tensor("float32", [1], new Float32Array([3]));
  const [y] = session.run([x]);
  assertEquals(y!.shape, [length]);
  assertEquals(y!.read()[length - 1], 3);
  assertEquals<unknown>(x.read(), new Float32Array([3]));
  for (const held of [x, y!, session]) held.release();
});

Deno.test("growth of the heap by 300 MB keeps everything valid", () => {
  const session = ort.createSession(bytesOf(
    "float32",
    [
      { op: "Gather", inputs: ["x", "ends"], outputs: ["y"] },
    ],
    ["x"],
    ["y"],
    [
      { name: "ends", type: "int64", shape: [2], data: new BigInt64Array([0n, -1n]) },
    ],
  ));
  const small = ort.tensor("float32", [3], new Float32Array([1, 2, 3]));
  const given = ort.tensor("float32", [2]);
  const [made] = session.run([small]);

  const large = ort.tensor("float32", [75_000_000]);
  assert(ort.heapBytes >= 300e6);
  const data = new Float32Array(75_000_000);
  data[0] = 4;
  data[data.length - 1] = 5;
  large.write(data);

  assertEquals<unknown>(small.read(), new Float32Array([1, 2, 3]));
  assertEquals<unknown>(made!.read(), new Float32Array([1, 3]));
  session.run([large], [given]);
  assertEquals<unknown>(given.read(), new Float32Array([4, 5]));
  small.write(new Float32Array([6, 7, 8]));
  session.run([small], [given]);
  assertEquals<unknown>(given.read(), new Float32Array([6, 8]));
  for (const held of [small, made!, large, given, session]) held.release();
});

Deno.test("a failing run carries the runtime's message and leaves the session usable", () => {
  const session = binary("Div", "int32");
  const six = ort.tensor("int32", [1], new Int32Array([6]));
  const zero = ort.tensor("int32", [1], new Int32Array([0]));
  const two = ort.tensor("int32", [1], new Int32Array([2]));
  const given = [ort.tensor("int32", [1])];
  for (let i = 0; i < 3; i++) {
    assertThrows(() => session.run([six, zero]), Error, "Integer division by zero");
    assertThrows(() => session.run([six, zero], given), Error, "Integer division by zero");
    const [made] = session.run([six, two]);
    assertEquals<unknown>(made!.read(), new Int32Array([3]));
    session.run([six, two], given);
    assertEquals<unknown>(given[0]!.read(), new Int32Array([3]));
    made!.release();
  }
  for (const held of [six, zero, two, given[0]!, session]) held.release();
});

Deno.test("inputs and outputs that do not fit are errors", () => {
  const session = binary("Add", "float32");
  const a = ort.tensor("float32", [2], new Float32Array([1, 2]));
  const other = ort.tensor("float32", [3]);
  const double = ort.tensor("float64", [2]);
  assertThrows(() => session.run([a]), RangeError, "2 inputs");
  assertThrows(() => session.run([a, a, a]), RangeError, "2 inputs");
  assertThrows(() => session.run([a, a], []), RangeError, "1 outputs");
  assertThrows(() => session.run([a, other]), Error);
  assertThrows(() => session.run([a, double]), Error, "data type");
  assertThrows(() => session.run([a, a], [double]), Error, "data type");
  assertThrows(() => session.run([a, a], [other]), Error);
  const [sum] = session.run([a, a]);
  assertEquals<unknown>(sum!.read(), new Float32Array([2, 4]));
  for (const held of [a, other, double, sum!, session]) held.release();
});

Deno.test("tensors that cannot be are errors", () => {
  assertThrows(() => ort.tensor("float32", [-1]), RangeError, "shape");
  assertThrows(() => ort.tensor("float32", [1.5]), RangeError, "shape");
  assertThrows(() => ort.tensor("float32", [2], new Float32Array(3)), RangeError, "12");
  assertThrows(() => ort.tensor("float32", [2 ** 30]), RangeError, "memory");
  assertThrows(() => ort.tensor("float32", [2 ** 40]), RangeError, "memory");
  const a = ort.tensor("float32", [2], new Float32Array([1, 2]));
  assertThrows(() => a.write(new Float32Array(1)), RangeError, "float32[2]");
  assertEquals<unknown>(a.read(), new Float32Array([1, 2]));
  a.release();
});

Deno.test("a model that is refused carries the runtime's message", () => {
  const unknown = bytesOf("float32", [{ op: "Nope", inputs: ["a"], outputs: ["b"] }], ["a"], ["b"]);
  assertThrows(() => ort.createSession(unknown), Error, "Nope");
  assertThrows(() => ort.createSession(new Uint8Array([1, 2, 3])), Error, "protobuf");
  assertThrows(() => ort.createSession(new Uint8Array(0)), Error, "graph");
  const session = unary("Neg", "float32");
  session.release();
});

Deno.test("every level of optimization gives the same result", () => {
  const bytes = bytesOf(
    "float32",
    [
      { op: "Neg", inputs: ["x"], outputs: ["y"] },
      { op: "Neg", inputs: ["y"], outputs: ["z"] },
    ],
    ["x"],
    ["z"],
  );
  const x = ort.tensor("float32", [1], new Float32Array([3]));
  for (const graphOptimization of ["disabled", "basic", "all"] as const) {
    const session = ort.createSession(bytes, { graphOptimization });
    const [z] = session.run([x]);
    assertEquals<unknown>(z!.read(), new Float32Array([3]));
    for (const held of [z!, session]) held.release();
  }
  x.release();
});

Deno.test("a Loop runs inside the runtime", () => {
  const body: Graph = {
    name: "body",
    nodes: [
      { op: "Add", inputs: ["state", "step"], outputs: ["next"] },
      { op: "Identity", inputs: ["next"], outputs: ["trace"] },
      { op: "Identity", inputs: ["condition"], outputs: ["again"] },
    ],
    initializers: [],
    inputs: [
      { name: "iteration", type: "int64", shape: [] },
      { name: "condition", type: "bool", shape: [] },
      { name: "state", type: "float32" },
    ],
    outputs: [
      { name: "again", type: "bool", shape: [] },
      { name: "next", type: "float32" },
      { name: "trace", type: "float32" },
    ],
  };
  const session = ort.createSession(encodeModel({
    graph: {
      name: "loop",
      nodes: [{
        op: "Loop",
        inputs: ["trips", "", "start"],
        outputs: ["last", "all"],
        attributes: { body: { graph: body } },
      }],
      initializers: [],
      inputs: [
        { name: "trips", type: "int64", shape: [] },
        { name: "start", type: "float32" },
        { name: "step", type: "float32" },
      ],
      outputs: [{ name: "last", type: "float32" }, { name: "all", type: "float32" }],
    },
    opset: 21,
  }));
  const trips = ort.tensor("int64", [], new BigInt64Array([3n]));
  const start = ort.tensor("float32", [2], new Float32Array([0, 10]));
  const step = ort.tensor("float32", [2], new Float32Array([1, -1]));
  const [last, all] = session.run([trips, start, step]);
  assertEquals<unknown>(last!.read(), new Float32Array([3, 7]));
  assertEquals(all!.shape, [3, 2]);
  assertEquals<unknown>(all!.read(), new Float32Array([1, 9, 2, 8, 3, 7]));
  for (const held of [trips, start, step, last!, all!, session]) held.release();
});

Deno.test("releasing again does nothing, and what is released cannot be used", () => {
  const session = unary("Neg", "float32");
  const a = ort.tensor("float32", [2], new Float32Array([1, 2]));
  const [b] = session.run([a]);
  assertEquals(b!.shape, [2]);
  const [unseen] = session.run([a]);
  for (const tensor of [a, b!, unseen!]) {
    assert(tensor.handle !== 0);
    tensor.release();
    assertEquals(tensor.handle, 0);
    // Had the first release left its memory to be freed again, these two would share it.
    const c = ort.tensor("float32", [2], new Float32Array([3, 4]));
    tensor.release();
    const d = ort.tensor("float32", [2], new Float32Array([5, 6]));
    assertEquals<unknown>(c.read(), new Float32Array([3, 4]));
    assertEquals<unknown>(d.read(), new Float32Array([5, 6]));
    assertThrows(() => tensor.read(), Error, "released");
    assertThrows(() => tensor.write(new Float32Array(2)), Error, "released");
    assertThrows(() => session.run([tensor]), Error, "released");
    assertThrows(() => session.run([c], [tensor]), Error, "released");
    for (const held of [c, d]) held.release();
  }
  assertThrows(() => unseen!.shape, Error, "released");
  session.release();
  session.release();
  const c = ort.tensor("float32", [2]);
  assertThrows(() => session.run([c]), Error, "released");
  c.release();
});
