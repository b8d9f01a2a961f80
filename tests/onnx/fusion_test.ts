/** Fused nodes: what is fused, what must not be, and that results stay the same. */
import {
  foriLoop,
  grad,
  jit,
  loadBackend,
  makeJaxpr,
  type NDArray,
  numpy as np,
  scan,
  type Tree,
  vmap,
} from "../../mod.ts";
import { openJaxpr } from "../../lib/extend.ts";
import { lowerJaxpr } from "../../lib/onnx/export.ts";
import type { Graph } from "../../lib/onnx/model.ts";
import { assert, assertEquals } from "../support/assert.ts";

await loadBackend("onnx");

/** How often each operator stands in a graph and its bodies. */
function operators(f: (...args: NDArray[]) => Tree, ...args: NDArray[]): Record<string, number> {
  const count: Record<string, number> = {};
  const visit = (graph: Graph): void => {
    for (const node of graph.nodes) {
      count[node.op] = (count[node.op] ?? 0) + 1;
      for (const value of Object.values(node.attributes ?? {})) {
        if ("graph" in value) visit(value.graph);
      }
    }
  };
  visit(lowerJaxpr(openJaxpr(makeJaxpr(f)(...args)).jaxpr, { target: "onnx" }).graph);
  return count;
}

function agrees(f: (...args: NDArray[]) => NDArray, ...args: NDArray[]): void {
  const eager = f(...args).dataSync(), compiled = jit(f)(...args).dataSync();
  eager.forEach((v, i) => {
    const bound = 1e-5 * Math.max(1, Math.abs(v));
    assert(Math.abs(v - compiled[i]!) <= bound, `element ${i}: ${compiled[i]}, eager ${v}`);
  });
}

const a = np.linspace(-1, 1, 6).reshape([2, 3]), b = np.linspace(0, 1, 12).reshape([3, 4]);

Deno.test("a product and an addition become one Gemm, for all addends that it takes", () => {
  for (const shape of [[], [4], [1, 4], [2, 1], [2, 4]]) {
    const f = (a: NDArray, b: NDArray, c: NDArray) => np.tanh(c.add(a.matmul(b)));
    const c = np.ones(shape).mul(0.3);
    assertEquals(operators(f, a, b, c), { Gemm: 1, Tanh: 1 }, `addend of shape [${shape}]`);
    agrees(f, a, b, c);
  }
});

Deno.test("a product that is read twice, or that the addition would broadcast, stays", () => {
  const twice = (a: NDArray, b: NDArray) => {
    const p = a.matmul(b);
    return p.add(1).mul(p);
  };
  assertEquals(operators(twice, a, b).Gemm, undefined);
  agrees(twice, a, b);
  const row = np.ones([1, 3]), c = np.ones([2, 4]);
  const wider = (a: NDArray, b: NDArray, c: NDArray) => a.matmul(b).add(c);
  assertEquals(operators(wider, row, b, c).Gemm, undefined);
  agrees(wider, row, b, c);
  const batched = (a: NDArray, b: NDArray) => a.matmul(b).add(1);
  assertEquals(operators(batched, np.ones([2, 2, 3]), b).Gemm, undefined);
  agrees(batched, np.ones([2, 2, 3]), b);
});

Deno.test("a square and a sum become one node; a product of two values does not", () => {
  assertEquals(operators((a: NDArray) => a.square().sum(), a), { ReduceSumSquare: 1 });
  agrees((a) => a.square().sum(1), a);
  assertEquals(operators((a: NDArray, b: NDArray) => a.mul(b).sum(), a, a), {
    Mul: 1,
    ReduceSum: 1,
  });
});

Deno.test("loops are fused inside, and what a body captures counts as read", () => {
  const f = (w: NDArray, c: NDArray) =>
    foriLoop(0, 3, (_, z: NDArray) => np.tanh(z.matmul(w).add(c)), np.zeros([2, 3]));
  const w = np.linspace(-1, 1, 9).reshape([3, 3]);
  assertEquals(operators(f, w, a).Gemm, 1);
  agrees(f, w, a);
  const captured = (w: NDArray) => {
    const p = a.matmul(w);
    return p.add(1).add(foriLoop(0, 2, (_, z: NDArray) => z.mul(p), np.ones([2, 3])));
  };
  agrees(captured, w);
});

Deno.test("fission takes out of a scan what the carry does not need", () => {
  const cell = (w: NDArray, u: NDArray, b: NDArray, xs: NDArray) =>
    scan(
      (h: NDArray, x: NDArray) => {
        const next = np.tanh(h.matmul(w).add(x.matmul(u)).add(b));
        return [next, np.exp(next).sum()];
      },
      np.zeros([3]),
      xs,
    );
  const w = np.linspace(-1, 1, 9).reshape([3, 3]), bias = np.ones([3]);
  const xs = np.linspace(-1, 1, 15).reshape([5, 3]);
  const model = lowerJaxpr(openJaxpr(makeJaxpr(cell)(w, w, bias, xs)).jaxpr, { target: "onnx" });
  const loop = model.graph.nodes.find((n) => n.op === "Scan")!;
  const body = (loop.attributes!.body as { graph: Graph }).graph;
  assertEquals(body.nodes.filter((n) => n.op !== "Identity").map((n) => n.op), [
    "MatMul",
    "Add",
    "Tanh",
  ]);
  agrees(
    (w, u, b, xs) => np.concatenate([cell(w, u, b, xs)[0], cell(w, u, b, xs)[1]]),
    w,
    w,
    bias,
    xs,
  );
});

Deno.test("a Gemm reads what was transposed for it, and a Transpose that others read stays", () => {
  const both = (x: NDArray) => {
    const t = x.T;
    return [np.tensordot(t, x, [[1], [1]]).T, t];
  };
  for (const dtype of ["float32", "float64"] as const) {
    const x = np.array([[1, 2], [3, 4]], { dtype });
    const [product, turned] = jit(both)(x);
    assertEquals(product!.toArray(), [[7, 10], [15, 22]]);
    assertEquals(turned!.toArray(), [[1, 3], [2, 4]]);
    // A dense layer over a batch, whose backward pass reads the transposed operand too.
    const layer = (x: NDArray) => vmap((row: NDArray) => x.T.matmul(row))(x).square().sum();
    const eager = grad(layer)(x).toArray();
    assertEquals(jit(grad(layer))(x).toArray(), eager);
    assertEquals(grad((x: NDArray) => jit(layer)(x))(x).toArray(), eager);
  }
});
