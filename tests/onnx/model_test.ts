/**
 * ONNX models survive the way to bytes and back, and ONNX Runtime reads the bytes.
 *
 * Owns: the encoding. Leaves to others: the runtime, which is only asked whether it agrees.
 *
 * @module
 */
import {
  type Attribute,
  encodeModel,
  type Graph,
  type Model,
  type OnnxType,
  onnxTypeCode,
  type Tensor,
} from "../../lib/onnx/model.ts";
import { typeOfCode } from "../../lib/onnx/wire.ts";
import { decodeModel } from "../support/decode_model.ts";
import { loadOrt } from "../../lib/backends/ort_direct.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

const emptyGraph: Graph = { name: "g", nodes: [], initializers: [], inputs: [], outputs: [] };

/** A model whose only node has these attributes. */
function withAttributes(attributes: Record<string, Attribute>): Model {
  const nodes = [{ op: "Op", inputs: ["x"], outputs: ["y"], attributes }];
  return { graph: { ...emptyGraph, nodes }, opset: 21, irVersion: 10 };
}

function withInitializer(tensor: Tensor): Model {
  return { graph: { ...emptyGraph, initializers: [tensor] }, opset: 21, irVersion: 10 };
}

function roundTrip(model: Model): Model {
  return decodeModel(encodeModel(model));
}

Deno.test("a model with every optional part survives the round trip", () => {
  const model: Model = {
    graph: {
      name: "main",
      nodes: [
        { op: "Clip", inputs: ["x", "", "high"], outputs: ["y"], name: "clip" },
        { op: "Inverse", inputs: ["y"], outputs: ["z"], domain: "com.microsoft" },
      ],
      initializers: [
        { name: "high", type: "float32", shape: [], data: new Float32Array([0.5]) },
      ],
      inputs: [{ name: "x", type: "float32", shape: [2, 2] }],
      outputs: [{ name: "z", type: "float32" }],
    },
    opset: 21,
    irVersion: 9,
    producer: "test",
    domains: ["com.microsoft", "ai.onnx.ml"],
    metadata: { purpose: "a test", "": "no key" },
  };
  assertEquals(roundTrip(model), model);
});

Deno.test("parts left out stay out, except the version of the format", () => {
  const model: Model = { graph: emptyGraph, opset: 20 };
  assertEquals(roundTrip(model), { ...model, irVersion: 10 });
});

Deno.test("every kind of attribute survives the round trip", () => {
  const model = withAttributes({
    axis: { int: -1 },
    perm: { ints: [1, 0, -3, 2 ** 31, -(2 ** 40)] },
    none: { ints: [] },
    alpha: { float: 0.25 },
    scales: { floats: [1.5, -0.5, Infinity] },
    mode: { string: "linear" },
    value: { tensor: { name: "", type: "int32", shape: [2], data: new Int32Array([1, 2]) } },
    body: { graph: emptyGraph },
  });
  assertEquals(roundTrip(model), model);
});

Deno.test("integers keep all 64 bits", () => {
  for (const int of [INT64_MAX, INT64_MIN, 2n ** 53n, -(2n ** 60n) - 1n]) {
    const model = withAttributes({ a: { int } });
    assertEquals(roundTrip(model), model);
  }
  for (const int of [0, 1, -1, 2 ** 31, -(2 ** 31), Number.MAX_SAFE_INTEGER]) {
    const model = withAttributes({ a: { int } });
    assertEquals(roundTrip(model), model);
    assertEquals(roundTrip(withAttributes({ a: { int: BigInt(int) } })), model);
  }
  const data = new BigInt64Array([INT64_MAX, INT64_MIN, -1n]);
  const model = withInitializer({ name: "c", type: "int64", shape: [3], data });
  assertEquals(roundTrip(model), model);
});

Deno.test("graphs nest in attributes", () => {
  let graph: Graph = {
    ...emptyGraph,
    name: "innermost",
    initializers: [{ name: "c", type: "bool", shape: [1], data: new Uint8Array([1]) }],
    outputs: [{ name: "c", type: "bool", shape: [1] }],
  };
  for (let depth = 0; depth < 20; depth++) {
    const attributes = { then_branch: { graph }, else_branch: { graph: emptyGraph } };
    const nodes = [{ op: "If", inputs: ["c"], outputs: [`y${depth}`], attributes }];
    graph = { ...emptyGraph, name: `depth ${depth}`, nodes };
  }
  const model: Model = { graph, opset: 21, irVersion: 10 };
  assertEquals(roundTrip(model), model);
});

Deno.test("tensors of every type that a graph computes with survive the round trip", () => {
  const tensors: Tensor[] = [
    { name: "a", type: "float32", shape: [2, 1], data: new Float32Array([-1.5, NaN]) },
    { name: "b", type: "float64", shape: [2], data: new Float64Array([1e300, -Infinity]) },
    { name: "c", type: "int32", shape: [2], data: new Int32Array([-(2 ** 31), 2 ** 31 - 1]) },
    { name: "d", type: "int64", shape: [1], data: new BigInt64Array([-5n]) },
    { name: "e", type: "uint32", shape: [2], data: new Uint32Array([0, 2 ** 32 - 1]) },
    { name: "f", type: "bool", shape: [2, 2], data: new Uint8Array([0, 1, 1, 0]) },
    { name: "g", type: "uint8", shape: [3], data: new Uint8Array([0, 128, 255]) },
    { name: "h", type: "float64", shape: [], data: new Float64Array([7]) },
    { name: "i", type: "float32", shape: [3, 0], data: new Float32Array(0) },
  ];
  assertEquals(
    new Set(tensors.map((tensor) => tensor.type)).size,
    typeOfCode.size,
  );
  for (const tensor of tensors) {
    const model = withInitializer(tensor);
    assertEquals(roundTrip(model), model);
  }
});

Deno.test("a tensor takes only the part of the buffer that its view shows", () => {
  const whole = new Float32Array([1, 2, 3, 4]);
  const [tensor] = roundTrip(
    withInitializer({ name: "c", type: "float32", shape: [2], data: whole.subarray(1, 3) }),
  ).graph.initializers;
  assertEquals(tensor?.data, new Float32Array([2, 3]));
});

Deno.test("unknown sizes, an unknown rank and a scalar are told apart", () => {
  const inputs = [
    { name: "sizes", type: "float32", shape: [-1, 3, 0] },
    { name: "scalar", type: "float32", shape: [] },
    { name: "rank", type: "float32" },
  ] as const;
  const model: Model = { graph: { ...emptyGraph, inputs }, opset: 21, irVersion: 10 };
  assertEquals(roundTrip(model), model);
});

Deno.test("names may be long and in any script", () => {
  for (const length of [0, 1, 127, 128, 200, 16_383, 20_000]) {
    for (const letter of ["v", "é", "数", "😀"]) {
      const name = letter.repeat(length);
      const model: Model = { graph: { ...emptyGraph, name }, opset: 21, irVersion: 10 };
      assertEquals(roundTrip(model).graph.name.length, name.length);
      assert(roundTrip(model).graph.name === name);
    }
  }
});

Deno.test("bytes may start anywhere in a buffer", () => {
  const data = new Float64Array([1, 2]);
  const model = withInitializer({ name: "c", type: "float64", shape: [2], data });
  const bytes = encodeModel(model);
  for (let offset = 0; offset < 8; offset++) {
    const room = new Uint8Array(bytes.length + 16);
    room.set(bytes, offset);
    assertEquals(decodeModel(room.subarray(offset, offset + bytes.length)), model);
  }
});

Deno.test("data that does not fit the shape is an error that names the tensor", () => {
  const tensor: Tensor = { name: "w", type: "int64", shape: [2], data: new Float32Array(2) };
  assertThrows(() => encodeModel(withInitializer(tensor)), RangeError, '"w"');
});

Deno.test("damaged bytes are an error", () => {
  const bytes = encodeModel(withAttributes({ axis: { int: 1 }, mode: { string: "linear" } }));
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => decodeModel(bytes.subarray(0, length)), Error);
  }
});

Deno.test("what a model cannot hold is an error, not left out", () => {
  // Field 25 of a model, local functions, here one empty message.
  const functions = new Uint8Array([...encodeModel({ graph: emptyGraph, opset: 21 }), 202, 1, 0]);
  assertThrows(() => decodeModel(functions), Error, "functions");

  const model = withInitializer({ name: "c", type: "uint8", shape: [2], data: new Uint8Array(2) });
  const bytes = encodeModel(model);
  // Tag and code of the element type, once each in these bytes. Code 10 is float16.
  const at = bytes.findIndex((byte, i) => byte === 16 && bytes[i + 1] === onnxTypeCode.uint8);
  bytes[at + 1] = 10;
  assertThrows(() => decodeModel(bytes), Error, "element type 10");
});

Deno.test("ONNX Runtime reads every type of constant", async () => {
  const ort = await loadOrt();
  const cases: Readonly<Record<OnnxType, Tensor["data"]>> = {
    float32: new Float32Array([1.5, -2]),
    float64: new Float64Array([1e300, -2]),
    int32: new Int32Array([-1, 2 ** 31 - 1]),
    int64: new BigInt64Array([INT64_MAX, INT64_MIN]),
    uint32: new Uint32Array([1, 2 ** 32 - 1]),
    bool: new Uint8Array([1, 0]),
    uint8: new Uint8Array([1, 255]),
  };
  for (const type of Object.keys(cases) as OnnxType[]) {
    const tensor = { type, shape: [2], data: cases[type] };
    const session = ort.createSession(encodeModel({
      graph: {
        name: type,
        nodes: [
          { op: "Identity", inputs: ["c"], outputs: ["y"] },
          {
            op: "Constant",
            inputs: [],
            outputs: ["z"],
            attributes: { value: { tensor: { name: "", ...tensor } } },
          },
        ],
        initializers: [{ name: "c", ...tensor }],
        inputs: [],
        outputs: [{ name: "y", type, shape: [2] }, { name: "z", type }],
      },
      opset: 21,
    }));
    for (const output of session.run([])) {
      assertEquals(output.type, type);
      assertEquals<ArrayBufferView>(output.read(), cases[type]);
      output.release();
    }
    session.release();
  }
});

Deno.test("ONNX Runtime reads every kind of attribute", async () => {
  const ort = await loadOrt();
  const session = ort.createSession(encodeModel({
    graph: {
      name: "attributes",
      nodes: [
        { op: "Transpose", inputs: ["x"], outputs: ["t"], attributes: { perm: { ints: [1, 0] } } },
        {
          op: "LeakyRelu",
          inputs: ["t"],
          outputs: ["r"],
          attributes: { alpha: { float: 0.5 } },
          name: "relu",
        },
        { op: "Softmax", inputs: ["r"], outputs: ["s"], attributes: { axis: { int: -2 } } },
        {
          op: "Einsum",
          inputs: ["s"],
          outputs: ["e"],
          attributes: { equation: { string: "ij->j" } },
        },
        {
          op: "Constant",
          inputs: [],
          outputs: ["f"],
          attributes: { value_floats: { floats: [10, 20] } },
        },
        { op: "Add", inputs: ["e", "f"], outputs: ["y"] },
        { op: "FusedMatMul", inputs: ["r", "r"], outputs: ["z"], domain: "com.microsoft" },
      ],
      initializers: [],
      inputs: [{ name: "x", type: "float32", shape: [-1, 2] }],
      outputs: [{ name: "y", type: "float32" }, { name: "z", type: "float32" }],
    },
    opset: 21,
    producer: "test",
    domains: ["com.microsoft"],
    metadata: { key: "value" },
  }));
  const x = ort.tensor("float32", [2, 2], new Float32Array([1, 2, 3, -4]));
  const [y, z] = session.run([x]);
  // Columns of a softmax over the rows add up to 1. Then [[1, 3], [2, -2]] squared.
  assertEquals<unknown>(y?.read(), new Float32Array([11, 21]));
  assertEquals<unknown>(z?.read(), new Float32Array([7, -3, -2, 10]));
  for (const held of [x, y, z, session]) held?.release();
});

Deno.test("ONNX Runtime runs a branch inside a loop", async () => {
  const ort = await loadOrt();
  const branch = (name: string, op: string): Attribute => ({
    graph: {
      ...emptyGraph,
      name,
      // The value of the enclosing body is used without being passed in.
      nodes: [{ op, inputs: ["state", "two"], outputs: [`${name}_result`] }],
      outputs: [{ name: `${name}_result`, type: "float64" }],
    },
  });
  const body: Graph = {
    name: "body",
    nodes: [
      { op: "Less", inputs: ["state", "limit"], outputs: ["small"] },
      {
        op: "If",
        inputs: ["small"],
        outputs: ["next"],
        attributes: { then_branch: branch("grow", "Mul"), else_branch: branch("shrink", "Sub") },
      },
      { op: "Identity", inputs: ["go"], outputs: ["go_on"] },
      { op: "Identity", inputs: ["next"], outputs: ["seen"] },
    ],
    initializers: [
      { name: "limit", type: "float64", shape: [], data: new Float64Array([10]) },
      { name: "two", type: "float64", shape: [], data: new Float64Array([2]) },
    ],
    inputs: [
      { name: "i", type: "int64", shape: [] },
      { name: "go", type: "bool", shape: [] },
      { name: "state", type: "float64", shape: [] },
    ],
    outputs: [
      { name: "go_on", type: "bool", shape: [] },
      { name: "next", type: "float64", shape: [] },
      { name: "seen", type: "float64", shape: [] },
    ],
  };
  const session = ort.createSession(encodeModel({
    graph: {
      name: "main",
      nodes: [{
        op: "Loop",
        inputs: ["trips", "", "start"],
        outputs: ["last", "all"],
        attributes: { body: { graph: body } },
      }],
      initializers: [{ name: "trips", type: "int64", shape: [], data: new BigInt64Array([6n]) }],
      inputs: [{ name: "start", type: "float64", shape: [] }],
      outputs: [{ name: "last", type: "float64" }, { name: "all", type: "float64" }],
    },
    opset: 21,
  }));
  const start = ort.tensor("float64", [], new Float64Array([3]));
  const [last, all] = session.run([start]);
  assertEquals<unknown>(all?.read(), new Float64Array([6, 12, 10, 8, 16, 14]));
  assertEquals<unknown>(last?.read(), new Float64Array([14]));
  for (const held of [start, last, all, session]) held?.release();
});

Deno.test("a model beyond what a file can hold is refused before it is written", () => {
  const data = {
    byteLength: 4e8,
    get buffer(): never {
      throw new Error("it is being written");
    },
  } as unknown as Float32Array;
  const initializers = Array.from({ length: 6 }, (_, i): Tensor => ({
    name: `c${i}`,
    type: "float32",
    shape: [1e8],
    data,
  }));
  const error = assertThrows(
    () => encodeModel({ graph: { ...emptyGraph, name: "large", initializers }, opset: 21 }),
    RangeError,
    "the ONNX file of large would have 2.2 GiB (2400000000 bytes)",
  );
  assert(/float32\[100000000\]/.test(error.message), error.message);
  assert(/arguments instead of capturing/.test(error.message), error.message);
});
