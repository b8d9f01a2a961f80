/**
 * Whole programs as graphs, and as files that onnxruntime runs.
 *
 * @module
 */
import { interpreter } from "../../lib/backends/deferred.ts";
import { loadOrt } from "../../lib/backends/ort_direct.ts";
import { jitCall } from "../../lib/control/call.ts";
import { limits } from "../../lib/core/dtype.ts";
import { Literal } from "../../lib/core/primitive.ts";
import { bind } from "../../lib/core/trace.ts";
import { buildModel } from "../../lib/onnx/builder.ts";
import { exportJaxpr, lowerEqns, lowerJaxpr } from "../../lib/onnx/export.ts";
import { encodeModel, type Graph } from "../../lib/onnx/model.ts";
import { add, mul } from "../../lib/primitives/elementwise/arithmetic.ts";
import { convert } from "../../lib/primitives/elementwise/convert.ts";
import { cos, sin } from "../../lib/primitives/elementwise/elementary.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { decodeModel } from "../support/decode_model.ts";
import { array, chain, elements, f32, loop, loops, program } from "../support/programs.ts";

function ops(graph: Graph): string[] {
  return graph.nodes.map((n) => n.op);
}

Deno.test("a jaxpr becomes a graph with its inputs and outputs in order", () => {
  const jaxpr = program((x, y) => [mul(sin(x), y), add(x, y)], f32(3), f32(3));
  const { graph, opset } = lowerJaxpr(jaxpr, { target: "onnx", name: "f" });
  assertEquals(graph.name, "f");
  assertEquals(ops(graph), ["Sin", "Mul", "Add"]);
  assertEquals(graph.inputs.map((v) => [v.type, v.shape]), [["float32", [3]], ["float32", [3]]]);
  assertEquals(graph.outputs.map((v) => v.name), ["output_0", "output_1"]);
  assertEquals(opset, 21);
});

Deno.test("captured arrays become initializers, each once", () => {
  const weights = array(2, [100]);
  const scalar = array([3], []);
  const jaxpr = program(
    (x) => [mul(add(mul(x, weights), weights), scalar), mul(x, array([3], []))],
    f32(100),
  );
  const { graph } = lowerJaxpr(jaxpr, { target: "onnx" });
  assertEquals(graph.initializers.map((t) => t.shape), [[100], []]);
  // The elements are the array's own; they are copied when bytes are made of the model.
  assert(graph.initializers[0]!.data === weights.values);
});

Deno.test("equal expressions of a program are computed once", () => {
  const jaxpr = program((x) => [add(mul(sin(x), cos(x)), mul(sin(x), cos(x)))], f32(3));
  assertEquals(ops(lowerJaxpr(jaxpr, { target: "onnx" }).graph), ["Sin", "Cos", "Mul", "Add"]);
});

Deno.test("calls are lowered in place, and their programs can be shared", () => {
  const inner = program((x) => [sin(x)], f32(3));
  const params = { jaxpr: inner, name: "inner", backend: "onnx" };
  const jaxpr = program((x) => {
    const [once] = bind(jitCall, [x], params);
    return bind(jitCall, [once!], params);
  }, f32(3));
  assertEquals(ops(lowerJaxpr(jaxpr, { target: "onnx" }).graph), ["Sin", "Sin"]);
});

Deno.test("lowerEqns adds a program to a graph under construction", () => {
  const jaxpr = program((x) => [sin(x)], f32(3));
  const { graph } = buildModel({
    target: "onnx",
    name: "outer",
    inputs: [f32(3)],
    outputs: [f32(3)],
    build: (g, [x]) => lowerEqns(g, jaxpr, lowerEqns(g, jaxpr, [x!])),
  });
  assertEquals(ops(graph), ["Sin", "Sin"]);
});

Deno.test("20,000 equations: no recursion over them", () => {
  const bytes = encodeModel(lowerJaxpr(chain(20000, f32(4)), { target: "onnx" }));
  assertEquals(decodeModel(bytes).graph.nodes.length, 20000);
});

Deno.test("control flow becomes Loop, Scan and If", () => {
  const { graph } = lowerJaxpr(loops(f32(3)), { target: "portable" });
  const all = ops(graph);
  assert(all.includes("Loop") && all.includes("Scan"), String(all));
  assertEquals(ops(lowerJaxpr(loop(5, f32(3)), { target: "onnx" }).graph).includes("Cos"), true);
});

Deno.test("loops in files are given their first condition: some readers make no step without it", () => {
  for (const jaxpr of [loops(f32(3)), loop(500, f32(3))]) {
    const { nodes } = lowerJaxpr(jaxpr, { target: "portable" }).graph;
    const found = nodes.filter((n) => n.op === "Loop");
    assert(found.length > 0, "there is no loop");
    for (const { inputs } of found) assert(inputs[1] !== "", String(inputs));
  }
});

Deno.test("an exported program has names, notes and the results of the original", async () => {
  const jaxpr = loops(f32(3));
  const names = ["steps", "", "y", "y", "x"];
  const bytes = exportJaxpr(jaxpr, {
    inputNames: ["x"],
    outputNames: names,
    name: "loops",
    metadata: { injax: "0.1.0" },
  });
  const model = decodeModel(bytes);
  assertEquals(model.graph.name, "loops");
  assertEquals(model.metadata, { injax: "0.1.0" });
  assertEquals(model.graph.inputs.map((v) => v.name), ["x"]);
  assertEquals(
    model.graph.outputs.map((v) => v.name),
    ["steps", "output_1", "y", "y_2", "x_2"],
  );
  assertEquals(model.domains, undefined);
  const x = array([1, -2, 0.5], [3]);
  const ort = await loadOrt();
  const session = ort.createSession(bytes);
  const got = session.run([ort.tensor("float32", [3], x.values)]).map((t) => {
    const values = Array.from(t.read(), Number);
    t.release();
    return values;
  });
  session.release();
  assertEquals(got, await elements(interpreter.compile(jaxpr, "loops").run([x])));
});

Deno.test("a literal or an input may be an output", () => {
  const jaxpr = program((x) => [x, array([4], [])], f32(2));
  assert(jaxpr.outputs[1] instanceof Literal);
  const { graph } = lowerJaxpr(jaxpr, { target: "onnx" });
  assertEquals(ops(graph), ["Identity", "Identity"]);
});

Deno.test("outside of WebAssembly, floats are cast to integers only within the integers' range", () => {
  for (const target of ["portable", "webgpu"] as const) {
    for (const from of ["float32", "float64"] as const) {
      for (const to of ["int32", "uint32"] as const) {
        const jaxpr = program((x) => [convert(x, to)], { ...f32(3), dtype: from });
        const { nodes, initializers } = lowerJaxpr(jaxpr, { target }).graph;
        const cast = nodes.find((n) => n.op === "Cast")!;
        const clip = nodes.find((n) => n.outputs[0] === cast.inputs[0])!;
        assertEquals(clip.op, "Clip", `${target}: ${from} to ${to}`);
        const [low, high] = clip.inputs.slice(1).map((name) =>
          (initializers.find((t) => t.name === name)!.data as Float32Array)[0]!
        );
        const [min, max] = limits(to);
        assert(low! >= min && high! <= max, `${low} to ${high}`);
        // What goes into Clip is never NaN.
        const where = nodes.find((n) => n.outputs[0] === clip.inputs[0])!;
        assertEquals(where.op, "Where");
      }
    }
  }
});
