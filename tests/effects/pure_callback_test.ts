/**
 * `pureCallback`: values from functions that are no programs, in eager and compiled code, lanes, loops and
 * branches, with derivatives of the user's own, and mistakes.
 *
 * @module
 */
import {
  BackendError,
  cond,
  customJvp,
  DifferentiationError,
  exportOnnx,
  exportWasm,
  grad,
  jit,
  loadBackend,
  type NDArray,
  numpy as np,
  pureCallback,
  scan,
  ShapeDtype,
  TreeError,
  vmap,
  whileLoop,
} from "../../mod.ts";
import { arr, assertClose, plain } from "../support/arrays.ts";
import { assertEquals } from "../support/assert.ts";
import { any, mistake, named } from "../support/mistakes.ts";
import { cpu, interpreter } from "../support/everywhere.ts";

await loadBackend("onnx");

const f64 = (...shape: number[]) => new ShapeDtype(shape, "float64");
const x = arr([3, 1, 2]);
const sorted = (x: NDArray): NDArray => arr([...x.dataSync()].sort((a, b) => a - b));
// A graph runs as a whole: onnxruntime can ask nobody.
const places = [cpu, interpreter];

Deno.test("pureCallback() gives what the function returns, eagerly and compiled", () => {
  const f = (x: NDArray): NDArray => pureCallback(sorted, x, [x.mul(2)]).add(1);
  assertClose(f(x), [3, 5, 7]);
  for (const where of places) assertClose(jit(f, where)(x), [3, 5, 7]);
  // Large arrays are passed by address.
  const large = np.arange(100000).mul(-1).astype("float64");
  for (const where of places) {
    assertClose(
      jit((x: NDArray) => f(x).sum(), where)(large),
      large.sum().mul(2).add(100000),
      1e-9,
    );
  }
});

Deno.test("pureCallback() takes and gives trees, numbers, several dtypes and empty arrays", () => {
  const stats = (p: { a: NDArray; n: NDArray }): unknown => ({
    total: p.a.sum().item() + p.n.sum().item(),
    some: [p.n, p.a.size > 2],
    none: np.zeros([0]),
  });
  const types = {
    total: f64(),
    some: [new ShapeDtype([2], "int32"), new ShapeDtype([], "bool")],
    none: new ShapeDtype([0]),
  };
  const f = (a: NDArray, n: NDArray) => pureCallback(stats, types, [{ a, n }]);
  const n = arr([4, 5], "int32");
  const want = { total: 15, some: [[4, 5], true], none: [] };
  assertEquals(plain(f(x, n)), want);
  for (const where of places) assertEquals(plain(jit(f, where)(x, n)), want);
});

Deno.test("pureCallback() meets lanes one by one, or all at once", () => {
  const m = arr([[3, 1, 2], [9, 8, 7]]);
  const seen: string[] = [];
  const plus = (x: NDArray, y: NDArray): NDArray => {
    seen.push(`${x.shape.join("x")} ${y.shape.join("x")}`);
    return x.add(y);
  };
  const shapes: Record<string, string[]> = {
    sequential: ["3 3", "3 3"],
    expandDims: ["2x3 1x3"],
    broadcastAll: ["2x3 2x3"],
  };
  for (const vmapMethod of ["sequential", "expandDims", "broadcastAll"] as const) {
    const f = vmap((x: NDArray) => pureCallback(plus, x, [x, arr([1, 2, 3])], { vmapMethod }));
    for (const g of [f, jit(f, cpu), jit(f, interpreter)]) {
      seen.length = 0;
      assertClose(g(m), [[4, 3, 5], [10, 10, 10]]);
      assertEquals(seen, shapes[vmapMethod]);
    }
    const two = vmap(vmap((a: NDArray) => pureCallback(plus, a, [a, arr(1)], { vmapMethod })));
    assertClose(jit(two, cpu)(m), [[4, 2, 3], [10, 9, 8]]);
  }
});

Deno.test("pureCallback() in loops and branches is called where they go", () => {
  let calls = 0;
  const half = (x: NDArray): NDArray => {
    calls++;
    return x.div(2);
  };
  const ask = (x: NDArray): NDArray => pureCallback(half, f64(), [x]);
  const f = (x: NDArray): NDArray =>
    scan((c, u) => [cond(u.greater(1), (c) => ask(c), (c) => c.add(u), c), null], arr(8), x)[0];
  for (const g of [f, jit(f, cpu), jit(f, interpreter)]) {
    calls = 0;
    assertClose(g(x), 2.5);
    assertEquals(calls, 2);
  }
  // Nor is it asked before a loop that makes no step, for what would not change from step to step.
  const until = (n: NDArray, x: NDArray): NDArray =>
    whileLoop(
      ([i]: [NDArray, NDArray]) => i.less(n),
      ([i, c]: [NDArray, NDArray]): [NDArray, NDArray] => [i.add(1), c.add(ask(x))],
      [arr(0), arr(8)] as [NDArray, NDArray],
    )[1];
  for (const g of [until, jit(until, cpu), jit(until, interpreter)]) {
    for (const steps of [0, 3]) {
      calls = 0;
      assertClose(g(arr(steps), arr(1)), 8 + steps / 2);
      assertEquals(calls, steps);
    }
  }
  // What nobody reads is not asked for.
  calls = 0;
  jit((x: NDArray) => {
    ask(x.sum());
    return x;
  }, cpu)(x);
  assertEquals(calls, 0);
});

Deno.test("pureCallback() may call compiled functions, and its errors leave the call", () => {
  const inner = jit((x: NDArray) => x.square().sum());
  const f = jit((x: NDArray) => pureCallback((x: NDArray) => inner(x), f64(), [x]).mul(2), cpu);
  assertClose(f(x), 28);
  const fails = jit((x: NDArray) =>
    pureCallback(
      (): NDArray => {
        throw new RangeError("no such table");
      },
      f64(),
      [x],
    ), cpu);
  mistakeOf(() => fails(x));
  assertClose(f(x), 28);
});

function mistakeOf(f: () => unknown): void {
  let message = "";
  try {
    f();
  } catch (error) {
    message = String(error);
  }
  assertEquals(message, "RangeError: no such table");
}

Deno.test("pureCallback() has the derivatives that customJvp gives it", () => {
  const sin = (x: NDArray): NDArray => pureCallback((x: NDArray) => x.sin(), x, [x]);
  const f = customJvp(sin, ([x], [t]) => [sin(x), t.mul(x.cos())]);
  assertClose(grad((x: NDArray) => f(x).sum())(x), x.cos());
  assertClose(jit(grad((x: NDArray) => f(x).sum()), cpu)(x), x.cos());
});

mistake(
  "the derivative of a function that is no program",
  () => grad((x: NDArray) => pureCallback(named("table", sorted), x, [x]).sum())(x),
  DifferentiationError,
  "pureCallback | table | customJvp",
);
for (
  const [where, run] of [["eagerly", (f: () => NDArray) => f()], [
    "compiled",
    (f: () => NDArray) => jit(f, cpu)(),
  ]] as const
) {
  mistake(
    `a function that gives another shape than it was to give, ${where}`,
    () => run(() => pureCallback(named("table", () => x), f64(2), [x])),
    TreeError,
    "pureCallback: table returned float64[3], but it was to give float64[2]",
  );
  mistake(
    `a function that gives another structure than it was to give, ${where}`,
    () => run(() => pureCallback(named("table", () => [x]), f64(3), [x])),
    TreeError,
    "pureCallback: what table returned differs from what it was to give at the top",
  );
  mistake(
    `a function that gives a promise, ${where}`,
    () => run(() => pureCallback(named("table", () => Promise.resolve(x)), f64(3), [x])),
    TreeError,
    "pureCallback: table returned a promise",
  );
}
mistake(
  "a result that is no type",
  () => pureCallback(sorted, any([3]), [x]),
  TreeError,
  "pureCallback: result[0] must be a ShapeDtype",
);
mistake(
  "arguments that are no list",
  () => pureCallback(any(sorted), x, any(x)),
  TypeError,
  "pureCallback: the arguments must be a list, as in pureCallback(f, result, [x])",
);
mistake(
  "a method for lanes that there is not",
  () => pureCallback(sorted, x, [x], { vmapMethod: any("fast") }),
  TypeError,
  'pureCallback: vmapMethod must be "sequential" or "expandDims" or "broadcastAll"',
);
mistake(
  "a function that is no program, in a graph",
  () => jit((x: NDArray) => pureCallback(sorted, x, [x]), { backend: "onnx" })(x),
  BackendError,
  'pureCallback | ONNX | "cpu"',
);
mistake(
  "a function that is no program, in a WebAssembly file",
  () => exportWasm((x: NDArray) => pureCallback(sorted, x, [x]), x),
  BackendError,
  "exportWasm | asks a function",
);

Deno.test("a function that is no program cannot be in an ONNX file", async () => {
  let message = "";
  try {
    await exportOnnx((x: NDArray) => pureCallback(sorted, x, [x]), x);
  } catch (error) {
    message = String(error);
  }
  assertEquals(message.includes("pureCallback"), true);
});
