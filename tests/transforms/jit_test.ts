/**
 * `jit`: when a function is traced again, what it may capture, static arguments, backends, and what
 * becomes of values in flight.
 *
 * @module
 */
import {
  AxisError,
  BackendError,
  checkpoint,
  ConcretizationError,
  grad,
  jit,
  LeakedTracerError,
  loadBackend,
  type NDArray,
  numpy as np,
  ready,
  scan,
  TreeError,
  vmap,
  whileLoop,
} from "../../mod.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { arr, assertClose, plain } from "../support/arrays.ts";
import { counted } from "../support/counted.ts";
import { interpreter } from "../support/everywhere.ts";

await loadBackend("onnx");

Deno.test("jit() traces once per shapes, dtypes and structure", () => {
  const c = counted((x: unknown) => (Array.isArray(x) ? x[0] : x).mul(2));
  const f = jit(c.f, interpreter);
  const traced = (x: unknown, times: number): void => {
    f(x);
    assertEquals(c.calls(), times);
  };
  traced(arr([1, 2]), 1);
  traced(arr([3, 4]), 1);
  traced(arr([1, 2, 3]), 2);
  traced(arr([1, 2], "float32"), 3);
  traced(arr([[1, 2]]), 4);
  traced([arr([1, 2])], 5);
  traced([arr([5, 6])], 5);
  traced(2, 6);
  traced(3, 6);
  traced(true, 7);
  traced(new Float64Array([1, 2]), 7);
  traced(arr([9, 9]), 7);
});

Deno.test("jit() of keys in another order is the same structure", () => {
  const c = counted((p: { a: NDArray; b: NDArray }) => p.a.sub(p.b));
  const f = jit(c.f, interpreter);
  assertClose(f({ a: arr(5), b: arr(3) }), 2);
  assertClose(f({ b: arr(3), a: arr(5) }), 2);
  assertEquals(c.calls(), 1);
});

Deno.test("jit() under other transforms traces once too", () => {
  const c = counted((x: NDArray) => np.sin(x));
  const f = jit(c.f, interpreter);
  const g = grad(f);
  g(arr(1));
  g(arr(2));
  vmap(f)(arr([1, 2]));
  vmap(g)(arr([1, 2]));
  f(arr(3));
  assertEquals(c.calls(), 1);
});

Deno.test("jit() with static arguments: by value, by identity, negative positions, functions", () => {
  const c = counted((x: NDArray, n: unknown, mode: unknown): NDArray => {
    let y = x;
    for (let i = 0; i < (n as number); i++) {
      y = mode === "double" ? y.mul(2) : (mode as (v: NDArray) => NDArray)(y);
    }
    return y;
  });
  const f = jit(c.f, { ...interpreter, staticArgnums: [1, -1] });
  assertClose(f(arr(1), 3, "double"), 8);
  assertClose(f(arr(2), 3, "double"), 16);
  assertEquals(c.calls(), 1);
  assertClose(f(arr(1), 4, "double"), 16);
  assertEquals(c.calls(), 2);
  const half = (v: NDArray): NDArray => v.mul(0.5);
  assertClose(f(arr(1), 1, half), 0.5);
  assertClose(f(arr(4), 1, half), 2);
  assertEquals(c.calls(), 3);
  const byShape = counted((shape: readonly number[], x: NDArray) => x.reshape(shape));
  const g = jit(byShape.f, { ...interpreter, staticArgnums: 0 });
  assertEquals(g([2, 1], arr([1, 2])).shape, [2, 1]);
  assertEquals(g([2, 1], arr([1, 2])).shape, [2, 1]);
  assertEquals(g([1, 2], arr([1, 2])).shape, [1, 2]);
  assertEquals(byShape.calls(), 2);
  assertThrows(
    () => jit((x: NDArray) => x, { staticArgnums: 3 })(arr(1)),
    AxisError,
    "staticArgnums 3",
  );
});

Deno.test("static arguments that have defaults may be left out, as in JAX, and no others", () => {
  let calls = 0;
  const f = jit((x: NDArray, n: number = 2, flip: boolean = false) => {
    calls++;
    return x.mul(flip ? -n : n);
  }, { ...interpreter, staticArgnums: [1, 2] });
  assertEquals([f(arr(1)), f(arr(1), 3), f(arr(1), 3, true)].map((y) => y.item()), [2, 3, -3]);
  assertEquals([f(arr(1), undefined), f(arr(2)), f(arr(2), 2)].map((y) => y.item()), [2, 4, 4]);
  assertEquals(calls, 4);
  const rest = jit((x: NDArray, ...by: number[]) => x.add(by[0] ?? 5), { staticArgnums: 1 });
  assertEquals([rest(arr(1)).item(), rest(arr(1), 1).item()], [6, 2]);
  const again = checkpoint((x: NDArray, n: number = 2) => np.pow(x, n), { staticArgnums: 1 });
  assertEquals(grad((x: NDArray) => again(x))(arr(3)).item(), 6);
  const due = [(x: NDArray, n: number) => x.mul(n), function (x: NDArray): NDArray {
    return x;
  }];
  for (const f of due as ((x: NDArray) => NDArray)[]) {
    assertThrows(() => jit(f, { staticArgnums: 1 })(arr(1)), AxisError, "1 is out of range");
  }
});

Deno.test("jit() of a function with static arguments can be differentiated and vmapped", () => {
  const f = jit((x: NDArray, n: number) => np.pow(x, n), { ...interpreter, staticArgnums: 1 });
  assertClose(grad((x: NDArray) => f(x, 3))(arr(2)), 12);
  assertClose(vmap((x: NDArray) => f(x, 2))(arr([1, 2])), [1, 4]);
});

Deno.test("jit() captures arrays as constants and traced values as inputs", () => {
  const w = arr([1, 2]);
  const f = (x: NDArray): NDArray => jit((y: NDArray) => y.mul(x).mul(w).sum(), interpreter)(x);
  assertClose(f(arr([3, 4])), 9 + 32);
  assertClose(grad(f)(arr([3, 4])), [6, 16]);
  assertClose(vmap(f)(arr([[3, 4], [1, 1]])), [41, 3]);
  // A function that captured a traced value is traced again for the next one.
  let captured: NDArray = arr(2);
  const g = jit((x: NDArray) => x.mul(captured), interpreter);
  assertClose(
    grad((c: NDArray) => {
      captured = c;
      return g(arr(5));
    })(arr(3)),
    5,
  );
  captured = arr(7);
  assertClose(g(arr(5)), 35);
});

Deno.test("jit() keeps what a variable held when it traced", () => {
  let factor = 2;
  const f = jit((x: NDArray) => x.mul(factor), interpreter);
  assertClose(f(arr(1)), 2);
  factor = 3;
  assertClose(f(arr(1)), 2);
});

Deno.test("jit() results: trees, arguments passed through, constants, the same result twice", () => {
  for (const backend of ["cpu", "interpreter", "onnx"]) {
    const f = jit((x: NDArray, y: { z: NDArray }) => {
      const s = x.add(1);
      return { x, s: [s, s], y, c: arr([1, 2]), n: null, k: np.array(3, { dtype: "int32" }), t: 2 };
    }, { backend });
    assertEquals(plain(f(arr(1), { z: arr([5]) })), {
      x: 1,
      s: [2, 2],
      y: { z: [5] },
      c: [1, 2],
      n: null,
      k: 3,
      t: 2,
    });
  }
});

Deno.test("jit() of functions without arguments, without results, and with empty arrays", () => {
  for (const backend of ["cpu", "interpreter", "onnx"]) {
    assertClose(jit(() => arr([1, 2]).mul(2), { backend })(), [2, 4]);
    assertEquals(jit((_: NDArray) => null, { backend })(arr(1)), null);
    assertEquals(plain(jit((_: NDArray) => [], { backend })(arr(1))), []);
    const empty = jit((x: NDArray) => [np.sin(x), x.sum()], { backend })(np.zeros([0, 2]));
    assertEquals(empty[0]!.shape, [0, 2]);
    assertEquals(empty[1]!.item(), 0);
  }
});

Deno.test("jit() inside jit(), also on another backend, runs as the outer one's", () => {
  const inner = jit((x: NDArray) => np.sin(x), interpreter);
  const outer = jit((x: NDArray) => inner(x).mul(inner(x.mul(2))));
  assertClose(outer(arr(1)), Math.sin(1) * Math.sin(2));
  assertClose(grad(outer)(arr(1)), Math.cos(1) * Math.sin(2) + 2 * Math.sin(1) * Math.cos(2));
});

Deno.test("results of one jitted function are inputs of the next, and of eager operations", async () => {
  const f = jit((x: NDArray) => x.mul(2));
  const x = f(f(arr([1, 2])));
  assertClose(x.add(1), [5, 9]);
  assertClose(await f(x).data(), new Float64Array([8, 16]));
  const big = np.ones([300, 300], { dtype: "float64" });
  const y = jit((x: NDArray) => np.matmul(x, x))(big);
  assertClose(jit((x: NDArray) => x.sum())(y), 300 ** 3);
  assertEquals(y.mul(2).at(0).at(0).item(), 600);
});

Deno.test("a program that ran keeps giving what it gave: no state is shared between calls", () => {
  const f = jit((x: NDArray) => [x.add(1), x.mul(2)]);
  const first = f(arr([1, 2]));
  const second = f(arr([10, 20]));
  assertEquals(plain(first), [[2, 3], [2, 4]]);
  assertEquals(plain(second), [[11, 21], [20, 40]]);
});

Deno.test("a backend that there is not is reported by jit() with the names there are", () => {
  const e = assertThrows(() => jit((x: NDArray) => x, { backend: "cuda" }), BackendError, '"cuda"');
  for (const name of ["cpu", "onnx", "webgpu", "interpreter"]) {
    assert(e.message.includes(`"${name}"`), e.message);
  }
  return assertRejects(() => loadBackend("tpu"), BackendError, '"tpu"').then(() => {});
});

Deno.test("traced values tell where they leaked from", () => {
  let leaked: NDArray | undefined;
  const store = function storing(x: NDArray): NDArray {
    leaked = x.mul(2);
    return x.sum();
  };
  const uses: readonly ((x: NDArray) => unknown)[] = [
    (x) => x.add(1),
    (x) => np.stack([x, x]),
    (x) => grad((y: NDArray) => y.mul(x).sum())(arr([1, 2])),
    (x) => jit((y: NDArray) => y.mul(x), interpreter)(arr([1, 2])),
    (x) => vmap((y: NDArray) => y.mul(x))(arr([1, 2])),
    (x) => x.toArray(),
    (x) => x.sum().item(),
    (x) => scan((c: NDArray) => [c.add(x), null], arr([1, 2]), null, { length: 1 }),
  ];
  const transforms: readonly (readonly [string, () => unknown])[] = [
    ["jit of storing", () => jit(store, interpreter)(arr([1, 2]))],
    ["grad of storing", () => grad(store)(arr([1, 2]))],
    ["vmap of storing", () => vmap(store)(arr([[1, 2]]))],
    [
      "scan of ",
      () => scan((c: NDArray, x: NDArray) => [c.add(store(x)), null], arr(0), arr([[1, 2]])),
    ],
  ];
  for (const [what, run] of transforms) {
    for (const use of uses) {
      run();
      const e = assertThrows(() => use(leaked!), LeakedTracerError, what);
      assert(/float64\[2\]/.test(e.message), e.message);
      assert(/jit_test\.ts:\d+:\d+/.test(e.message), `no place in: ${e.message}`);
      assert(/Return it from the function/.test(e.message), e.message);
    }
  }
});

Deno.test("a tracer of an outer transform may be used inside, and dies with its own", () => {
  const f = (x: NDArray): NDArray =>
    grad((y: NDArray) => y.mul(x))(x).add(vmap((z: NDArray) => z.mul(x))(arr([1, 2])).sum());
  assertClose(grad(f)(arr(3)), 4);
  let inner: NDArray | undefined;
  const g = (x: NDArray): NDArray => {
    grad((y: NDArray) => inner = y.mul(x))(x);
    return inner!.add(x);
  };
  assertThrows(() => jit(g, interpreter)(arr(1)), LeakedTracerError, "grad of");
});

Deno.test("concrete values are asked for in vain while a function is traced", () => {
  const asks: readonly ((x: NDArray) => unknown)[] = [
    (x) => (x.sum() as unknown as number) > 0 ? x : x.neg(),
    (x) => x.toArray(),
    (x) => x.sum().item(),
    (x) => JSON.stringify(x),
    (x) => x.dataSync(),
  ];
  for (const ask of asks) {
    assertThrows(
      () => jit((x: NDArray) => ask(x) as NDArray, interpreter)(arr([1, 2])),
      ConcretizationError,
    );
  }
  assertThrows(
    () => whileLoop((x: NDArray) => (x as unknown as number) < 3, (x: NDArray) => x.add(1), arr(0)),
    ConcretizationError,
    "whileLoop",
  );
});

Deno.test("what jit() cannot take or return is named with its path", () => {
  const f = jit((x: { a: unknown[] }) => x.a[0] as NDArray, interpreter);
  const at = assertThrows(() => f({ a: [arr(1), "text"] }), TreeError);
  assert(/\.a\[1\]/.test(at.message) && /"text"/.test(at.message), at.message);
  assertThrows(() => jit(() => undefined as never, interpreter)(), TreeError, "undefined");
  assertThrows(
    () => jit(() => Promise.resolve(arr(1)) as never, interpreter)(),
    TreeError,
    "promise",
  );
  assertThrows(() => jit(5 as never), TypeError, "number 5");
});

Deno.test("an exception in a traced function leaves jit() usable", () => {
  let fail = true;
  const f = jit((x: NDArray) => {
    if (fail) throw new RangeError("not today");
    return x.mul(2);
  }, interpreter);
  assertThrows(() => f(arr(1)), RangeError, "not today");
  fail = false;
  assertClose(f(arr(1)), 2);
  assertClose(arr(1).add(1), 2);
});

Deno.test("ready() waits for everything in a tree", async () => {
  const f = jit((x: NDArray) => ({ a: x.mul(2), b: [x.sum()] }));
  const out = f(arr([1, 2]));
  assertEquals(await ready(out), out);
  assertEquals(plain(out), { a: [2, 4], b: [3] });
});

Deno.test("a list that changes after a call is another static argument", () => {
  let traces = 0;
  const f = jit((x: NDArray, s: number[]) => {
    traces++;
    return x.mul(s[0]!);
  }, { staticArgnums: 1 });
  const s = [2];
  assertEquals(f(np.array(1), s).item(), 2);
  s[0] = 3;
  assertEquals([f(np.array(1), s).item(), f(np.array(1), [3]).item(), traces], [3, 3, 2]);
  assertEquals([f(np.array(1), [2]).item(), traces], [2, 2]);
});
