/**
 * Models as graphs.
 *
 * @module
 */
import { jit, type NDArray, nn, numpy as np, ShapeDtype, StateError } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

/** A graph taken apart: the titles of boxes with what they are in, operations with their box, edges. */
function parsed(dot: string) {
  const boxes: string[] = [], nodes = new Map<string, { label: string; box: string }>();
  const edges: [string, string][] = [];
  const around: string[] = [];
  for (const line of dot.split("\n").map((line) => line.trim())) {
    const node = /^(n\d+) \[label=("(?:[^"\\]|\\.)*"), shape=\w+\];$/.exec(line);
    const edge = /^(n\d+) -> (n\d+)( \[style=dashed\])?;$/.exec(line);
    if (line.startsWith("subgraph")) around.push("");
    else if (line.startsWith("label=")) {
      around[around.length - 1] = JSON.parse(line.slice(6, -1));
      boxes.push(around.join(" > "));
    } else if (line === "}") around.pop();
    else if (node !== null) {
      nodes.set(node[1]!, { label: JSON.parse(node[2]!), box: around.join(" > ") });
    } else if (edge !== null) edges.push([edge[1]!, edge[2]!]);
    else assert(["digraph {", "style=rounded;", ""].includes(line), line);
  }
  const name = (id: string): string => nodes.get(id)!.label.split("\n")[0]!;
  return {
    boxes,
    operations: [...nodes.values()].map(({ label, box }) => `${label.split("\n")[0]} in ${box}`),
    edges: edges.map(([from, to]) => `${name(from)} -> ${name(to)}`),
  };
}

class Add extends hk.Module {
  call(a: NDArray, b: NDArray): NDArray {
    return a.add(b);
  }
  twice(a: NDArray): NDArray {
    return this.call(a, a);
  }
}

const one = np.ones([]);

Deno.test("a graph has a node for an operation, in the box of its module, and edges for what it reads", () => {
  const { boxes, operations, edges } = parsed(
    hk.toDot((a: NDArray, b: NDArray) => new Add().call(a, b))(one, one),
  );
  assertEquals(boxes, ["add"]);
  assertEquals(operations, ["argument 1 in ", "argument 2 in ", "result in ", "add in add"]);
  assertEquals(edges, ["argument 1 -> add", "argument 2 -> add", "add -> result"]);
});

Deno.test("methods, modules in modules, parameters and types are told", () => {
  const dot = hk.toDot((x: NDArray) => new Add().twice(new hk.MLP([2]).call(x)))(np.ones([3]));
  const { boxes, edges } = parsed(dot);
  assertEquals(boxes, ["mlp", "mlp > mlp/~/linear_0", "add (twice)", "add (twice) > add"]);
  assert(edges.includes("params mlp/~/linear_0/w -> dot_general"), String(edges));
  assert(dot.includes(String.raw`dot_general\nfloat32[2]`), dot);
});

Deno.test("loops, branches and compiled functions are boxes, with the modules in them", () => {
  const f = (x: NDArray, flag: NDArray): NDArray => {
    const core = new hk.Linear(2, { name: "core" });
    const h = hk.transforms.jit((x: NDArray) => np.tanh(core.call(x)))(x);
    const [y] = hk.transforms.scan((h: NDArray) => [core.call(h), null], h, null, { length: 3 });
    return hk.transforms.cond(flag, (y: NDArray) => core.call(y), (y: NDArray) => nn.relu(y), y);
  };
  const { boxes, operations } = parsed(hk.toDot(f)(np.ones([2]), np.array(true)));
  assertEquals(boxes, [
    "jit",
    "jit > core",
    "scan",
    "scan > core",
    "cond, part 1",
    "cond, part 2",
    "cond, part 2 > core",
  ]);
  assert(operations.includes("tanh in jit"), String(operations));
});

Deno.test("modules are told inside of transforms, and of what was compiled before", () => {
  const layer = hk.transform((x: NDArray) => {
    const step = hk.transforms.jit((x: NDArray) => new hk.Linear(1).call(x).sum(), {
      backend: "interpreter",
    });
    const scale = (x: NDArray): NDArray => new Add().call(x, x).sum();
    return [hk.transforms.vmap(step)(x), hk.transforms.grad(scale)(x)];
  });
  const x = np.ones([4, 3]);
  const params = { linear: { w: np.ones([3, 1]), b: np.ones([1]) } };
  jit((x: NDArray) => layer.apply(params, null, x), { backend: "interpreter" })(x);
  assertEquals(parsed(hk.toDot(layer)(x)).boxes, ["jit", "jit > linear", "add"]);
});

Deno.test("nothing is computed: types will do, state is an input, other values stay what they are", () => {
  const f = (x: NDArray, count: number): NDArray => {
    const n = hk.getState("n", [], { init: (s) => np.zeros(s) });
    hk.setState("n", n.add(1));
    let y = x;
    for (let i = 0; i < count; i++) y = np.sin(y);
    return y.mul(n);
  };
  const { operations } = parsed(
    hk.toDot(hk.transformWithState(f))(new ShapeDtype([2]) as never, 3),
  );
  assertEquals(operations.filter((o) => o.startsWith("sin")).length, 3);
  assert(operations.includes("state ~/n in "), String(operations));
  assertEquals(hk.toDot(() => 0)(), "digraph {\n}\n");
  assertThrows(() => hk.toDot(3 as never), StateError, "hk.toDot: expected a function");
});
