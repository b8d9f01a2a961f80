/**
 * Graphs that optimisers of ONNX Runtime get wrong give the right results, since these are off. Were
 * the tests to pass with all of them on, the list of them could go.
 *
 * @module
 */
import { loadOrt } from "../../lib/backends/ort_direct.ts";
import { encodeModel, type Node, type OnnxType, type Tensor } from "../../lib/onnx/model.ts";
import { assertEquals } from "../support/assert.ts";

const ort = await loadOrt();

/**
 * Bytes of a model whose values all have one type. The shapes of its inputs are known, without which
 * no addition would be dropped.
 */
function bytesOf(
  type: OnnxType,
  nodes: readonly Node[],
  inputs: Readonly<Record<string, readonly number[]>>,
  outputs: readonly string[],
  initializers: readonly Tensor[] = [],
): Uint8Array {
  const graph = {
    name: "test",
    nodes,
    initializers,
    inputs: Object.entries(inputs).map(([name, shape]) => ({ name, type, shape })),
    outputs: outputs.map((name) => ({ name, type })),
  };
  return encodeModel({ graph, opset: 21 });
}

Deno.test("a constant that is 0 only as a float32 is added and subtracted all the same", () => {
  const tiny = 2 ** -600;
  const c: Tensor = { name: "c", type: "float64", shape: [], data: new Float64Array([tiny]) };
  for (const [op, want] of [["Add", -tiny], ["Sub", tiny]] as const) {
    const nodes = [
      { op: "Abs", inputs: ["a"], outputs: ["b"] },
      { op, inputs: ["b", "c"], outputs: ["d"] },
      { op: "Neg", inputs: ["d"], outputs: ["e"] },
    ];
    for (const graphOptimization of ["basic", "all"] as const) {
      const bytes = bytesOf("float64", nodes, { a: [1] }, ["e"], [c]);
      const session = ort.createSession(bytes, { graphOptimization });
      const x = ort.tensor("float64", [1], new Float64Array([0]));
      const [y] = session.run([x]);
      assertEquals<unknown>(y!.read(), new Float64Array([want]));
      for (const held of [x, y!, session]) held.release();
    }
  }
});

Deno.test("adding a constant 0 makes 0 of -0", () => {
  const zero: Tensor = { name: "c", type: "float32", shape: [], data: new Float32Array([0]) };
  const nodes = [
    { op: "Neg", inputs: ["a"], outputs: ["b"] },
    { op: "Add", inputs: ["b", "c"], outputs: ["d"] },
    { op: "Reciprocal", inputs: ["d"], outputs: ["e"] },
  ];
  for (const graphOptimization of ["basic", "all"] as const) {
    const bytes = bytesOf("float32", nodes, { a: [2] }, ["e"], [zero]);
    const session = ort.createSession(bytes, { graphOptimization });
    const x = ort.tensor("float32", [2], new Float32Array([0, -0]));
    const [y] = session.run([x]);
    assertEquals<unknown>(y!.read(), new Float32Array([Infinity, Infinity]));
    for (const held of [x, y!, session]) held.release();
  }
});

Deno.test("a product may be an output, as may its transpose and the transposed factor that it reads", () => {
  const perm = { ints: [1, 0] };
  const nodes = [
    { op: "Transpose", inputs: ["b"], outputs: ["turned"], attributes: { perm } },
    { op: "Gemm", inputs: ["a", "turned"], outputs: ["product"] },
    { op: "Transpose", inputs: ["product"], outputs: ["back"], attributes: { perm } },
  ];
  const expected: Record<string, [shape: number[], elements: number[]]> = {
    turned: [[3, 2], [1, 4, 2, 5, 3, 6]],
    product: [[1, 2], [123, 456]],
    back: [[2, 1], [123, 456]],
  };
  const a = ort.tensor("float32", [1, 3], new Float32Array([100, 10, 1]));
  const b = ort.tensor("float32", [2, 3], new Float32Array([1, 2, 3, 4, 5, 6]));
  for (const graphOptimization of ["basic", "all"] as const) {
    for (
      const outputs of [
        ["product", "back"],
        ["back", "product"],
        ["turned", "product"],
        ["turned", "product", "back"],
      ]
    ) {
      const bytes = bytesOf("float32", nodes, { a: [1, 3], b: [2, 3] }, outputs);
      const session = ort.createSession(bytes, { graphOptimization });
      const results = session.run([a, b]);
      for (const [i, name] of outputs.entries()) {
        const [shape, elements] = expected[name]!;
        assertEquals(results[i]!.shape, shape, `${name} of ${outputs}`);
        assertEquals<unknown>(
          results[i]!.read(),
          new Float32Array(elements),
          `${name} of ${outputs}`,
        );
      }
      for (const held of [...results, session]) held.release();
    }
  }
  for (const held of [a, b]) held.release();
});

Deno.test("a transposed matrix times a vector stays that", () => {
  const nodes = [
    { op: "Transpose", inputs: ["a"], outputs: ["t"], attributes: { perm: { ints: [1, 0] } } },
    { op: "MatMul", inputs: ["t", "v"], outputs: ["y"] },
  ];
  for (const graphOptimization of ["basic", "all"] as const) {
    const bytes = bytesOf("float32", nodes, { a: [2, 2], v: [2] }, ["y"]);
    const session = ort.createSession(bytes, { graphOptimization });
    const a = ort.tensor("float32", [2, 2], new Float32Array([1, 2, 3, 4]));
    const v = ort.tensor("float32", [2], new Float32Array([1, 10]));
    const [y] = session.run([a, v]);
    assertEquals<unknown>(y!.read(), new Float32Array([31, 42]));
    for (const held of [a, v, y!, session]) held.release();
  }
});

Deno.test("a quotient of a constant 1 of more axes, times a number, keeps its axes", () => {
  const one: Tensor = { name: "one", type: "float32", shape: [1, 1], data: new Float32Array([1]) };
  const two: Tensor = { name: "two", type: "float32", shape: [], data: new Float32Array([2]) };
  const nodes = [
    { op: "Div", inputs: ["one", "a"], outputs: ["b"] },
    { op: "Mul", inputs: ["b", "two"], outputs: ["c"] },
    { op: "Shape", inputs: ["c"], outputs: ["s"] },
    { op: "Cast", inputs: ["s"], outputs: ["y"], attributes: { to: { int: 1 } } },
  ];
  for (const graphOptimization of ["basic", "all"] as const) {
    const bytes = bytesOf("float32", nodes, { a: [2] }, ["c", "y"], [one, two]);
    const session = ort.createSession(bytes, { graphOptimization });
    const a = ort.tensor("float32", [2], new Float32Array([1, 4]));
    const [c, y] = session.run([a]);
    assertEquals(c!.shape, [1, 2]);
    assertEquals<unknown>(y!.read(), new Float32Array([1, 2]));
    for (const held of [a, c!, y!, session]) held.release();
  }
});
