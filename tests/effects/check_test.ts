/**
 * `check`: where it raises, and what.
 *
 * @module
 */
import {
  bracketRoot,
  check,
  CheckError,
  checkpoint,
  cond,
  customVjp,
  exportOnnx,
  exportOnnxWith,
  exportWasm,
  exportWasmWith,
  foriLoop,
  grad,
  jit,
  jvp,
  loadBackend,
  type NDArray,
  numpy as np,
  random,
  scan,
  ShapeDtype,
  vmap,
  whileLoop,
} from "../../mod.ts";
import { shaped } from "../../lib/core/dtype.ts";
import { ConcreteArray } from "../../lib/core/concrete.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { arr, assertClose } from "../support/arrays.ts";
import { backends } from "../support/everywhere.ts";
import { openFile } from "../support/files.ts";
import { gpuTest } from "../support/gpu.ts";
import { apply, init, param, setStat, stat, transforms } from "../lift/toy.ts";

await loadBackend("onnx");
const ways = [...backends, { backend: "cpu" }];

/** What a function raises. */
function raised(run: () => unknown): CheckError {
  try {
    run();
  } catch (error) {
    assert(error instanceof CheckError, String(error));
    return error;
  }
  throw new Error("nothing was raised");
}

const root = (x: NDArray): NDArray => {
  check(x.greaterEqual(0), "x is {}, its double {}", x, x.mul(2));
  return np.sqrt(x);
};

for (const way of ways) {
  const on = `on ${way.backend}`;

  Deno.test(`a check that fails throws out of the call, with its values, ${on}`, () => {
    const f = jit(root, way);
    assertEquals(f(np.array(9)).item(), 3);
    const error = raised(() => f(np.array(-4)));
    assertEquals(error.message, "x is -4, its double -8");
    assertEquals(error.lane, []);
    assertEquals(error.values.map((v) => (v as NDArray).item()), [-4, -8]);
    assertEquals(f(np.array(4)).item(), 2, "and leaves the function usable");
  });

  Deno.test(`the first lane that fails is named, outer lanes first, ${on}`, () => {
    const error = raised(() => jit(vmap(vmap(root)), way)(np.array([[1, 2], [1, -1], [-2, 1]])));
    assertEquals(error.message, "x is -1, its double -2 (in lane 1, 1 of 3 x 2)");
    assertEquals(error.lane, [1, 1]);
  });

  Deno.test(`a value that all lanes share is in the message of the lane that fails, ${on}`, () => {
    const f = (x: NDArray, most: NDArray): NDArray => {
      check(x.less(most), "{} of at most {}", x, most);
      return x;
    };
    const error = raised(() => jit(vmap(f, { inAxes: [0, null] }), way)(np.arange(3), np.array(1)));
    assertEquals(error.message, "1 of at most 1 (in lane 1 of 3)");
  });

  Deno.test(`of several checks the first one that fails is raised, ${on}`, () => {
    const f = jit((x: NDArray) => {
      check(x.less(5), "first {}", x);
      check(x.less(3), "second {}", x);
      check(x.less(1), "third {}", x);
      return x;
    }, way);
    assertEquals(raised(() => f(np.array(4))).message, "second 4");
    assertEquals(raised(() => f(np.array(6))).message, "first 6");
  });

  Deno.test(`a loop raises what its first failing step has, ${on}`, () => {
    const f = jit((x: NDArray) =>
      scan(
        (c: NDArray, u: NDArray) => {
          check(c.less(3), "step {}", c);
          return [c.add(u), null];
        },
        x,
        np.ones([6]),
      )[0], way);
    assertEquals(raised(() => f(np.array(1))).message, "step 3");
    assertEquals(f(np.array(-9)).item(), -3);
  });

  Deno.test(`a loop that only a check ends is ended by it, ${on}`, () => {
    const f = jit((x: NDArray) =>
      whileLoop((c: NDArray) => c.less(100), (c: NDArray) => {
        check(c.greater(-5), "went to {}", c);
        return c.sub(1);
      }, x), way);
    assertEquals(raised(() => f(np.array(1))).message, "went to -5");
  });

  Deno.test(`the condition of a loop may check, in each lane while it is in the loop, ${on}`, () => {
    const f = (x: NDArray): NDArray =>
      whileLoop((c: NDArray) => {
        check(c.less(20), "tested {}", c);
        return c.less(10);
      }, (c: NDArray) => {
        check(c.less(10), "stepped {}", c);
        return c.add(6);
      }, x);
    assertEquals(jit(vmap(f), way)(np.array([1, 9, 15])).toArray(), [13, 15, 15]);
    assertEquals(
      raised(() => jit(vmap(f), way)(np.array([1, 25]))).message,
      "tested 25 (in lane 1 of 2)",
    );
  });

  Deno.test(`a branch checks for those lanes alone that take it, ${on}`, () => {
    const f = (x: NDArray): NDArray =>
      cond(x.greater(0), (x: NDArray) => {
        check(x.greater(0), "positive {}", x);
        return x;
      }, (x: NDArray) =>
        foriLoop(0, 3, (_: unknown, c: NDArray) => {
          check(c.greater(-3), "negative {}", c);
          return c.sub(1);
        }, x), x);
    assertEquals(jit(vmap(f), way)(np.array([1, 0, 3])).toArray(), [1, -3, 3]);
    const slope = grad((x: NDArray) => vmap(f)(x).sum());
    assertEquals(jit(slope, way)(np.array([1, 0, 3])).toArray(), [1, 1, 1]);
    assertEquals(
      raised(() => jit(slope, way)(np.array([1, 0, -1]))).message,
      "negative -3 (in lane 2 of 3)",
    );
  });

  Deno.test(`a condition of an array needs all of its elements, ${on}`, () => {
    const f = jit((x: NDArray) => {
      check(x.less(5), "x is {}", x);
      return [];
    }, way);
    f(np.array([1, 2]));
    assertEquals(raised(() => f(np.array([4, 7]))).message, "x is [4,7]");
  });

  Deno.test(`derivatives check values, whose tangents do not matter, ${on}`, () => {
    const f = (x: NDArray): NDArray => root(x.sub(1)).mul(x);
    for (
      const g of [grad(f), grad(checkpoint(f)), grad(grad(f)), (x: NDArray) => jvp(f, [x], [x])[1]]
    ) {
      assert(Number.isFinite(jit(g, way)(np.array(5)).item()));
      assertEquals(raised(() => jit(g, way)(np.array(0))).message, "x is -1, its double -2");
    }
  });

  Deno.test(`a check whose function has a rule is made with and without derivatives, ${on}`, () => {
    const f = customVjp(
      (x: NDArray) => root(x),
      (x: NDArray) => [root(x), x] as const,
      (x: NDArray, ct: NDArray) => [ct.mul(x)],
    );
    assertEquals(raised(() => jit(f, way)(np.array(-1))).message, "x is -1, its double -2");
    assertEquals(raised(() => jit(grad(f), way)(np.array(-1))).message, "x is -1, its double -2");
    assertEquals(raised(() => jit(vmap(grad(f)), way)(np.array([1, -1]))).lane, [1]);
  });

  Deno.test(`the entries of a module system are checked in a loop that reads them for nothing else, ${on}`, () => {
    const model = (x: NDArray): NDArray =>
      transforms.scan(
        (c: NDArray) => {
          param("w", []);
          check(stat("steps").less(3), "steps {}", stat("steps"));
          setStat("steps", stat("steps").add(1));
          check(param("limit", []).greater(c), "limit {}", param("limit", []));
          return [c.add(1), null];
        },
        x,
        null,
        { length: 3 },
      )[0];
    const variables = init(random.key(0), () => model(np.array(-100)));
    const set = (limit: number, steps: number) => ({
      params: { ...variables.params, limit: np.array(limit) },
      stats: { steps: np.array(steps) },
    });
    const run = jit((v: ReturnType<typeof set>, x: NDArray) => apply(v, null, () => model(x)), way);
    assertEquals(run(set(9, 0), np.array(1))[0].item(), 4);
    assertEquals(raised(() => run(set(9, 1), np.array(1))).message, "steps 3");
    assertEquals(raised(() => run(set(2.5, 0), np.array(1))).message, "limit 2.5");
    const lifted = transforms.jit(() => model(np.array(1)), way);
    assertEquals(raised(() => apply(set(2.5, 0), null, lifted)).message, "limit 2.5");
  });

  Deno.test(`a check of what arrives later rejects the results, ${on}`, async () => {
    const late = (): NDArray =>
      ConcreteArray.inFlight(
        shaped([], "float32"),
        new Promise((done) => setTimeout(() => done(Float32Array.of(-1)))),
      );
    await assertRejects(() => jit(root, way)(late()).data(), CheckError, "x is -1");
  });
}

gpuTest(
  "on webgpu the results of a check that fails reject, and what is made of them",
  async () => {
    await loadBackend("webgpu");
    const way = { backend: "webgpu" };
    const f = jit((x: NDArray) =>
      scan(
        (c: NDArray, u: NDArray) => {
          check(c.less(3), "step {}", c);
          return [c.add(u), c];
        },
        x,
        np.ones([6]),
      )[1], way);
    assertEquals([...await f(np.array(-9)).data()], [-9, -8, -7, -6, -5, -4]);
    await assertRejects(() => f(np.array(1)).data(), CheckError, "step 3");
    const twice = jit((x: NDArray) => x.mul(2), way);
    await assertRejects(() => twice(f(np.array(1))).data(), CheckError, "step 3");
    assertEquals([...await twice(f(np.array(-9))).data()], [-18, -16, -14, -12, -10, -8]);
    const roots = jit(
      vmap((a: NDArray) =>
        bracketRoot((x: NDArray) => x.mul(x).sub(a), [0, 2], { throw: true }).value
      ),
      way,
    );
    assertClose(np.array(Array.from(await roots(np.array([1, 2])).data())), [1, Math.SQRT2], 1e-5);
    await assertRejects(() => roots(np.array([1, -1])).data(), CheckError, "(in lane 1 of 2)");
  },
);

Deno.test("a file says which check failed first, or nothing of checks", async () => {
  const f = (x: NDArray): NDArray => {
    check(x.sum().less(10), "the sum is {}", x.sum());
    return scan(
      (c: NDArray, u: NDArray) => {
        check(c.less(3), "step {}", c);
        return [c.add(u), null];
      },
      x.at(0),
      x,
    )[0];
  };
  const bytes = exportOnnx(f, new ShapeDtype(["n"]));
  const text = new TextDecoder().decode(bytes);
  assert(["check.1", "the sum is {}", "check.2", "step {}"].every((s) => text.includes(s)));
  const file = await openFile(bytes);
  assertEquals(file.outputs, ["out", "check"]);
  const status = async (x: number[]): Promise<number> =>
    (await file.run([arr(x, "float32")]))[1]!.item();
  assertEquals([await status([1, 0, 0]), await status([1, 2, 1]), await status([5, 6])], [0, 2, 1]);
  await file.release();
  const without = await openFile(exportOnnxWith({ checks: "none" }, f, new ShapeDtype(["n"])));
  assertEquals(without.outputs, ["out"]);
  assertEquals((await without.run([arr([5, 6], "float32")]))[0]!.item(), 16);
  await without.release();
});

Deno.test("a function in a WebAssembly file gives the number of the check that failed first", () => {
  const f = (x: NDArray): NDArray => {
    check(x.less(10), "first {}", x);
    check(x.less(5), "second {}", x);
    return x.mul(2);
  };
  const { typescript } = exportWasm(f, np.array(1));
  assert(typescript.includes('"check"'));
  assert(!exportWasmWith({ checks: "none" }, f, np.array(1)).typescript.includes('"check"'));
});
