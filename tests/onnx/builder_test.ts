/**
 * Graphs under construction: sharing, names, bodies, and the helpers that lowerings use.
 *
 * @module
 */
import type { Lowering, Value } from "../../lib/core/lowering.ts";
import { loadOrt } from "../../lib/backends/ort_direct.ts";
import { buildModel, type Port } from "../../lib/onnx/builder.ts";
import { encodeModel, type Graph, type Model, type Node } from "../../lib/onnx/model.ts";
import type { DType } from "../../lib/core/dtype.ts";
import { InternalError } from "../../lib/core/errors.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const f32 = (...shape: number[]): Port => ({ shape, dtype: "float32" });
const port = (dtype: DType, shape: number[], name?: string): Port => ({ dtype, shape, name });

function model(
  inputs: readonly Port[],
  outputs: readonly Port[],
  build: (g: Lowering, inputs: Value[]) => Value[],
  target: Lowering["target"] = "onnx",
): Model {
  return buildModel({ target, name: "test", inputs, outputs, build });
}

function ops(graph: Graph): string[] {
  return graph.nodes.map((n) => n.op);
}

/** All names that a model defines. */
function definitions(graph: Graph): string[] {
  const names = [
    ...graph.inputs.map((v) => v.name),
    ...graph.initializers.map((t) => t.name),
    ...graph.nodes.flatMap((n) => n.outputs),
  ];
  for (const body of bodies(graph)) names.push(...definitions(body));
  return names;
}

function bodies(graph: Graph): Graph[] {
  return graph.nodes.flatMap((n: Node) =>
    Object.values(n.attributes ?? {}).flatMap((a) => "graph" in a ? [a.graph] : [])
  );
}

/** Runs a model on the runtime itself, and twice, so that sharing of memory would show. */
async function run(
  m: Model,
  inputs: readonly (readonly [DType | "int64", number[], ArrayBufferView])[],
): Promise<number[][]> {
  const ort = await loadOrt();
  const session = ort.createSession(encodeModel(m));
  const tensors = inputs.map(([type, shape, data]) => ort.tensor(type, shape, data));
  const first = session.run(tensors);
  first.forEach((t) => t.release());
  const outs = session.run(tensors);
  const values = outs.map((t) => Array.from(t.read(), Number));
  [...outs, ...tensors, session].forEach((t) => t.release());
  return values;
}

Deno.test("equal nodes and constants are shared, unused ones dropped", () => {
  const { graph } = model([f32(3)], [f32(3), f32(3)], (g, [x]) => {
    const a = g.node("Add", [x!, g.scalar(1, "float32")]);
    const b = g.node("Add", [x!, g.constant([1], [], "float32")]);
    assertEquals(a, b);
    g.node("Exp", [g.node("Sin", [x!])]);
    g.scalar(7, "float32");
    return [g.node("Mul", [a, b]), g.node("Neg", [a])];
  });
  assertEquals(ops(graph), ["Add", "Mul", "Neg"]);
  assertEquals(graph.initializers.length, 1);
});

Deno.test("constants differ by dtype, shape, and the sign of zero", () => {
  model([], [], (g) => {
    const all = [
      g.scalar(0, "float32"),
      g.scalar(-0, "float32"),
      g.scalar(0, "float64"),
      g.scalar(0, "int64"),
      g.constant([0], [1], "float32"),
      g.int64([0]),
      g.scalar(0, "bool"),
      g.scalar(0, "uint8"),
    ];
    assertEquals(new Set(all).size, all.length);
    assertEquals(g.scalar(NaN, "float32"), g.scalar(NaN, "float32"));
    assertEquals(g.int64([1, 2]), g.int64([1, 2]));
    const large = new Float32Array(1000);
    assertEquals(g.constant(large, [1000], "float32"), g.constant(large, [1000], "float32"));
    assert(g.constant(large, [10, 100], "float32") !== g.constant(large, [1000], "float32"));
    assertThrows(() => g.constant([1, 2], [3], "float32"), InternalError);
    return [];
  });
});

Deno.test("attributes tell nodes apart, and floats must say so", () => {
  const { graph } = model([f32(2, 3)], [f32(3, 2), f32(2, 3)], (g, [x]) => {
    assertThrows(() => g.node("LeakyRelu", [x!], { alpha: 0.5 }), InternalError, "{ float }");
    return [
      g.node("Transpose", [x!], { perm: [1, 0] }),
      g.node("Transpose", [x!], { perm: [0, 1] }),
    ];
  });
  assertEquals(graph.nodes.length, 2);
});

Deno.test("operators of other domains are declared", () => {
  const m = model(
    [f32(2, 2)],
    [f32(2, 2)],
    (g, [x]) => [g.node("com.microsoft.Inverse", [x!])],
  );
  assertEquals(m.domains, ["com.microsoft"]);
  assertEquals(m.graph.nodes[0]!.op, "Inverse");
  assertEquals(m.graph.nodes[0]!.domain, "com.microsoft");
});

Deno.test("outputs that are inputs, constants or duplicates are told apart", async () => {
  const large = new Float32Array(30000).fill(5);
  const m = model(
    [f32(2)],
    [f32(2), f32(2), f32(), f32(2), f32(2), f32(30000)],
    (g, [x]) => {
      const y = g.node("Neg", [x!]);
      return [x!, x!, g.scalar(3, "float32"), y, y, g.constant(large, [30000], "float32")];
    },
  );
  const names = m.graph.outputs.map((v) => v.name);
  assertEquals(new Set([...names, ...m.graph.inputs.map((v) => v.name)]).size, 7);
  const outs = await run(m, [["float32", [2], Float32Array.of(1, 2)]]);
  assertEquals(outs.slice(0, 5), [[1, 2], [1, 2], [3], [-1, -2], [-1, -2]]);
  assertEquals(outs[5]![29999], 5);
});

Deno.test("names that users choose are kept, made unique, and never clash", () => {
  const { graph } = buildModel({
    target: "portable",
    name: "",
    inputs: [port("float32", [], "add_0"), port("float32", [], ""), port("float32", [], "a b.ü")],
    outputs: [port("float32", [], "a b.ü"), port("float32", [], "add_0"), port("float32", [])],
    build: (g, [x, y, z]) => [g.node("Add", [x!, y!]), g.node("Add", [y!, z!]), x!],
  });
  assertEquals(graph.inputs.map((v) => v.name), ["add_0", "input_1", "a b.ü"]);
  assertEquals(graph.outputs.map((v) => v.name), ["a b.ü_2", "add_0_2", "output_2"]);
  assertEquals(graph.name, "program");
  const defined = definitions(graph);
  assertEquals(new Set(defined).size, defined.length);
});

const iteration = { shape: [], dtype: "int64" } as const;
const flag = { shape: [], dtype: "bool" } as const;

/** A Loop of `trips` steps; `step` gives the next carry. */
function loop(
  g: Lowering,
  trips: number,
  init: readonly Value[],
  specs: readonly Port[],
  step: (g: Lowering, carry: Value[]) => Value[],
): Value[] {
  const body = g.subgraph(
    "body",
    [iteration, flag, ...specs],
    (g, [, go, ...carry]) => [go!, ...step(g, carry)],
    [flag, ...specs],
  );
  return g.nodes("Loop", [g.scalar(trips, "int64"), "", ...init], specs.length, { body });
}

Deno.test("bodies: captured, swapped, duplicated and constant outputs", async () => {
  const spec = f32(2);
  const m = model([spec, spec], [spec, spec, spec, spec], (g, [x, y]) => {
    const three = g.constant([3, 3], [2], "float32");
    return loop(
      g,
      3,
      [x!, y!, x!, x!],
      [spec, spec, spec, spec],
      (g, [a, b]) => [b!, a!, three, g.node("Add", [y!, a!])],
    );
  });
  const inputs = [Float32Array.of(1, 2), Float32Array.of(10, 20)].map((v) =>
    ["float32", [2], v] as const
  );
  assertEquals(await run(m, inputs.map(([t, s, v]) => [t, [...s], v])), [
    [10, 20],
    [1, 2],
    [3, 3],
    [11, 22],
  ]);
  const same = model(
    [spec],
    [spec, spec],
    (g, [x]) => loop(g, 2, [x!, x!], [spec, spec], (_, [a]) => [a!, a!]),
  );
  assertEquals(await run(same, [["float32", [2], Float32Array.of(1, 2)]]), [[1, 2], [1, 2]]);
  const defined = definitions(m.graph);
  assertEquals(new Set(defined).size, defined.length);
});

Deno.test("a scan's body may give its inputs and constants", async () => {
  const scalar = f32();
  for (const direction of [0, 1]) {
    const m = model(
      [scalar, f32(3)],
      [scalar, scalar, f32(3), f32(3), f32(3)],
      (g, [c, xs]) => {
        const body = g.subgraph(
          "scan",
          [scalar, scalar, scalar],
          (g, [a, b, x]) => [g.node("Add", [a!, x!]), b!, a!, x!, g.scalar(9, "float32")],
          [scalar, scalar, scalar, scalar, scalar],
        );
        return g.nodes("Scan", [c!, c!, xs!], 5, {
          body,
          num_scan_inputs: 1,
          scan_input_directions: [direction],
          scan_output_directions: [direction, direction, direction],
        });
      },
    );
    const outs = await run(m, [
      ["float32", [], Float32Array.of(1)],
      ["float32", [3], Float32Array.of(1, 2, 4)],
    ]);
    const carries = direction === 0 ? [1, 2, 4] : [7, 5, 1];
    assertEquals(outs, [[8], [1], carries, [1, 2, 4], [9, 9, 9]]);
  }
});

Deno.test("a loop of no steps gives its initial carry, in memory of its own", async () => {
  const spec = f32(2);
  const m = model([spec], [spec], (g, [x]) => loop(g, 0, [x!], [spec], (_, c) => c));
  assertEquals(await run(m, [["float32", [2], Float32Array.of(1, 2)]]), [[1, 2]]);
});

Deno.test("what does not change in a loop moves out of it; what is unused inside goes", async () => {
  const spec = f32(2);
  const m = model([spec, spec], [spec], (g, [x, w]) =>
    loop(g, 4, [x!], [spec], (g, [a]) => {
      const fixed = g.node("Exp", [g.node("Mul", [w!, g.scalar(0, "float32")])]);
      g.node("Sin", [a!]);
      const inner = loop(g, 2, [a!], [spec], (g, [b]) => [
        g.node("Add", [b!, g.node("Neg", [g.node("Neg", [fixed])])]),
      ]);
      return [
        g.node("Add", [inner[0]!, g.node("Exp", [g.node("Mul", [w!, g.scalar(0, "float32")])])]),
      ];
    }));
  assertEquals(ops(m.graph), ["Mul", "Exp", "Neg", "Neg", "Loop"]);
  assertEquals(bodies(m.graph).map(ops), [["Loop", "Add"]]);
  assertEquals(
    await run(m, ["x", "w"].map((_) => ["float32", [2], Float32Array.of(1, 2)])),
    [[13, 14]],
  );
});

Deno.test("what a branch computes stays in it, and may be shared with what is outside", async () => {
  const spec = f32(2);
  const m = model([{ shape: [], dtype: "bool" }, spec], [spec], (g, [c, x]) => {
    const outside = g.node("Sin", [x!]);
    return g.nodes("If", [c!], 1, {
      then_branch: g.subgraph("then", [], (g) => [g.node("Exp", [x!])], [spec]),
      else_branch: g.subgraph("else", [], (g) => {
        assertEquals(g.node("Sin", [x!]), outside);
        return [x!];
      }, [spec]),
    });
  });
  assertEquals(ops(m.graph), ["If"]);
  assertEquals(bodies(m.graph).map(ops), [["Exp"], ["Identity"]]);
  const x = ["float32", [2], Float32Array.of(1, 2)] as const;
  assertEquals(await run(m, [["bool", [], Uint8Array.of(0)], [x[0], [...x[1]], x[2]]]), [[1, 2]]);
});

Deno.test("renaming an output reaches the bodies that read it", async () => {
  const spec = f32(2);
  const m = buildModel({
    target: "portable",
    name: "test",
    inputs: [spec],
    outputs: [{ ...spec, name: "shown" }, { ...spec, name: "looped" }],
    build: (g, [x]) => {
      const shown = g.node("Neg", [x!]);
      const [looped] = loop(g, 2, [x!], [spec], (g, [a]) => [
        ...loop(g, 1, [a!], [spec], (g, [b]) => [g.node("Add", [b!, shown])]),
      ]);
      return [shown, looped!];
    },
  });
  assertEquals(m.graph.outputs.map((v) => v.name), ["shown", "looped"]);
  assertEquals(await run(m, [["float32", [2], Float32Array.of(1, 2)]]), [[-1, -2], [-1, -2]]);
});

Deno.test("where works for every dtype, with broadcasting", async () => {
  const data: Record<DType, [ArrayBufferView, ArrayBufferView, number[]]> = {
    float32: [Float32Array.of(1), Float32Array.of(NaN, -0), [1, -0]],
    float64: [Float64Array.of(1), Float64Array.of(NaN, -0), [1, -0]],
    int32: [Int32Array.of(-5), Int32Array.of(6, -2147483648), [-5, -2147483648]],
    uint32: [Uint32Array.of(4294967295), Uint32Array.of(7, 4000000000), [4294967295, 4000000000]],
    bool: [Uint8Array.of(1), Uint8Array.of(1, 0), [1, 0]],
  };
  for (const dtype of Object.keys(data) as DType[]) {
    const [a, b, expected] = data[dtype];
    const m = model(
      [port("bool", [2]), port(dtype, []), port(dtype, [2])],
      [port(dtype, [2])],
      (g, [c, a, b]) => [g.where(c!, a!, b!, dtype)],
    );
    const outs = await run(m, [["bool", [2], Uint8Array.of(1, 0)], [dtype, [], a], [
      dtype,
      [2],
      b,
    ]]);
    assertEquals(outs, [expected], dtype);
  }
});

Deno.test("casts and reshapes, also of empty arrays", async () => {
  const m = model(
    [f32(0, 3), port("uint32", [2])],
    [f32(3, 0, 2), port("float64", [2, 1])],
    (g, [x, y]) => {
      assertEquals(g.cast(x!, "float32", "float32"), x);
      return [g.reshape(x!, [3, 0, 2]), g.reshape(g.cast(y!, "uint32", "float64"), [2, 1])];
    },
  );
  const outs = await run(m, [
    ["float32", [0, 3], new Float32Array(0)],
    ["uint32", [2], Uint32Array.of(1, 4294967295)],
  ]);
  assertEquals(outs, [[], [1, 4294967295]]);
});

Deno.test("a rule or body with the wrong number of outputs is an internal error", () => {
  assertThrows(() => model([f32()], [f32(), f32()], (_, [x]) => [x!]), InternalError);
  assertThrows(
    () => model([f32()], [f32()], (g, [x]) => loop(g, 1, [x!], [f32()], () => [])),
    InternalError,
    "body",
  );
});
