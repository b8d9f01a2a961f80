/**
 * `debug.print`, `debug.callback` and `debug.nans`: what they do, where, and what users are told.
 *
 * @module
 */
import {
  BackendError,
  check,
  checkpoint,
  cond,
  customJvp,
  customVjp,
  debug,
  DifferentiationError,
  DTypeError,
  exportOnnx,
  exportOnnxWith,
  foriLoop,
  grad,
  jit,
  jvp,
  loadBackend,
  makeJaxpr,
  NanError,
  type NDArray,
  numpy as np,
  scan,
  vmap,
  whileLoop,
} from "../../mod.ts";
import { shaped } from "../../lib/core/dtype.ts";
import { ConcreteArray } from "../../lib/core/concrete.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { backends, interpreter } from "../support/everywhere.ts";
import { any, mistake } from "../support/mistakes.ts";

await loadBackend("onnx");

/** What is printed while `run` runs. */
function printed(run: () => unknown): string[] {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);
  try {
    run();
  } finally {
    console.log = log;
  }
  return lines;
}

const root = (x: NDArray): NDArray => {
  check(x.greaterEqual(0), "x is {}, its double {}", x, x.mul(2));
  return np.sqrt(x);
};

Deno.test("prints are made where the program is, with values in the places of {}", () => {
  const f = (x: NDArray): NDArray => {
    debug.print("x = {}, twice {}, {}", x, { a: [x.mul(2), "text"] }, null);
    return x;
  };
  const want = ["x = 1, twice {a: [2, text]}, null"];
  assertEquals(printed(() => f(np.array(1))), want);
  assertEquals(printed(() => jit(f, interpreter)(np.array(1))), want);
  assertEquals(printed(() => jit(grad(f), interpreter)(np.array(1))), want);
  assertEquals(printed(() => jit(f, interpreter)(np.array(0.1))), [
    "x = 0.1, twice {a: [0.2, text]}, null",
  ]);
  assertEquals(printed(() => makeJaxpr(f)(np.array(1))), [], "not while it is traced");
});

Deno.test("a print of values that no lane has is made once", () => {
  const f = (x: NDArray): NDArray => {
    debug.print("hello");
    debug.print("{}", x);
    return x;
  };
  assertEquals(printed(() => vmap(f)(np.arange(2))), ["hello", "0", "1"]);
});

Deno.test("a callback may compute, call jitted functions, and throw", () => {
  const inner = jit((x: NDArray) => np.exp(x).mul(0), interpreter);
  const seen: unknown[] = [];
  const f = jit((x: NDArray) => {
    debug.callback(
      (x: NDArray, tag: string, rest: { y: NDArray }) => {
        if (x.item() > 1) throw new RangeError("too much");
        seen.push([inner(x).add(1).item(), tag, rest.y.toArray()]);
      },
      x,
      "tag",
      { y: x.mul(np.ones([2])) },
    );
    return grad((x: NDArray) => x.mul(x))(x);
  }, interpreter);
  assertEquals(f(np.array(1)).item(), 2);
  assertEquals(seen, [[1, "tag", [1, 1]]]);
  assertThrows(() => f(np.array(2)), RangeError, "too much");
  assertEquals(f(np.array(0.5)).item(), 1);
});

Deno.test("a function that returns nothing of use is run for what it does", () => {
  const f = jit((x: NDArray) => {
    foriLoop(0, 2, (i: unknown, c: NDArray) => {
      debug.print("{} {}", i, c);
      return c.add(1);
    }, x);
    return [];
  }, interpreter);
  assertEquals(printed(() => f(np.array(5))), ["0 5", "1 6"]);
});

Deno.test("a function with a rule does what its rule does when it is differentiated", () => {
  const f = customJvp((x: NDArray) => {
    debug.print("value {}", x);
    return x.mul(2);
  }, ([x]: [NDArray], [t]: [NDArray]) => {
    debug.print("rule {}", x);
    return [x.mul(2), t.mul(2)];
  });
  assertEquals(printed(() => jit(f, interpreter)(np.array(1))), ["value 1"]);
  assertEquals(printed(() => jit(grad(f), interpreter)(np.array(1))), ["rule 1"]);
  assertEquals(printed(() => jvp(f, [np.array(1)], [np.array(1)])), ["rule 1"]);
});

Deno.test("a tangent can be printed forwards, and backwards is refused", () => {
  const f = customJvp((x: NDArray) => x.mul(2), ([x]: [NDArray], [t]: [NDArray]) => {
    debug.print("tangent {}", t);
    return [x.mul(2), t.mul(2)];
  });
  assertEquals(printed(() => jvp(f, [np.array(1)], [np.array(3)])), ["tangent 3"]);
  assertThrows(() => grad(f)(np.array(1)), DifferentiationError, "debug_print of a tangent");
});

Deno.test("a cotangent is printed in the backward rule of customVjp", () => {
  const f = customVjp(
    (x: NDArray) => x,
    (x: NDArray) => [x, null] as const,
    (_: null, ct: NDArray) => {
      debug.print("cotangent {}", ct);
      return [ct];
    },
  );
  const g = grad((x: NDArray) => f(x.mul(3)).mul(2));
  assertEquals(printed(() => jit(g, interpreter)(np.array(1))), ["cotangent 2"]);
});

Deno.test("prints of what is in flight come when it arrives", async () => {
  const late = ConcreteArray.inFlight(shaped([], "float32"), Promise.resolve(Float32Array.of(7)));
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);
  try {
    const f = jit((x: NDArray) => {
      debug.print("x {}", x);
      return x.mul(2);
    }, interpreter);
    const y = f(late);
    assertEquals(lines, []);
    assertEquals([...await y.data()], [14]);
    assertEquals(lines, ["x 7"]);
  } finally {
    console.log = log;
  }
});

Deno.test("comparing a function with its compiled program does what it does once", async () => {
  const seen: number[] = [];
  const f = (x: NDArray): NDArray => {
    debug.callback((x: NDArray) => seen.push(x.item()), x.sum());
    return scan(
      (c: NDArray, u: NDArray) => {
        debug.callback((u: NDArray) => seen.push(u.item()), u);
        return [c.add(u), null];
      },
      x.at(0),
      x,
    )[0];
  };
  const found = await debug.whereJitDiffers(f, np.array([1, 2]));
  assertEquals(found.operations.length, 0);
  assertEquals(seen, [3, 1, 2]);
});

// ---------------------------------------------------------------- nans

const logs = (x: NDArray): NDArray =>
  scan((c: NDArray) => [np.log(c), null], x, null, { length: 4 })[0];

for (const way of backends) {
  Deno.test(`a NaN is raised where it first appears, on ${way.backend}`, () => {
    const watched = debug.nans(jit(logs, way));
    assertThrows(() => watched(np.array(2)), NanError, "log gave NaN as float32[], at ");
    assertThrows(() => watched(np.array(2)), NanError, "debug_test.ts");
    assert(watched(np.array(1e30)).item() < 1);
    assert(Number.isNaN(jit(logs, way)(np.array(2)).item()), "a function not watched goes on");
  });

  Deno.test(`a function may be watched inside of one that is compiled, on ${way.backend}`, () => {
    const f = jit(vmap((x: NDArray) => debug.nans(logs)(x).mul(2)), way);
    const error = assertThrows(() => f(np.array([1e30, 2])), NanError) as NanError;
    assertEquals(error.lane, [1]);
  });
}

Deno.test("NaNs of derivatives are found where nans is outermost", () => {
  const f = (x: NDArray): NDArray => np.sqrt(x).mul(0);
  assertEquals(debug.nans(f)(np.array(0)).item(), 0);
  for (const g of [grad(f), jit(grad(f), interpreter), grad(jit(f, interpreter))]) {
    assertThrows(() => debug.nans(g)(np.array(0)), NanError, "mul gave NaN");
  }
});

/** The line of this file from which it is called. */
const callersLine = (): string =>
  /debug_test\.ts:\d+:/.exec(new Error().stack!.split("\n")[2]!)![0];

Deno.test("a NaN in a loop or a branch names the line of its operation, under every transform", () => {
  let line = "";
  const log = (x: NDArray): NDArray => (line = callersLine(), np.log(x));
  const loop = (c: NDArray, xs: NDArray): NDArray =>
    scan(
      (c: NDArray, x: NDArray) => {
        const y = log(c.add(x));
        return [y, y];
      },
      c,
      xs,
    )[1].sum();
  const branch = (c: NDArray): NDArray =>
    cond(
      c.less(3),
      (c: NDArray) => log(c.sub(9)),
      (c: NDArray) => c,
      c,
    );
  const ends = (c: NDArray): NDArray =>
    whileLoop(
      (c: NDArray) => c.less(3),
      (c: NDArray) => log(c.sub(9)),
      c,
    );
  const c = np.array([0.5, 0.25]), xs = np.array([[1, -5], [1, 2]]);
  const ways: Readonly<Record<string, () => unknown>> = {
    "a loop": () => debug.nans(loop)(c.at(0), xs.at(0)),
    "its lanes": () => debug.nans(vmap(loop))(c, xs),
    "its lanes, compiled": () => debug.nans(jit(vmap(loop)))(c, xs),
    "its compiled function's lanes": () => debug.nans(vmap(jit(loop)))(c, xs),
    "its tangent": () => debug.nans(() => jvp(loop, [c.at(0), xs.at(0)], [c.at(0), xs.at(0)]))(),
    "its gradient": () => debug.nans(grad(loop))(c.at(0), xs.at(0)),
    "lanes of its gradient": () => debug.nans(vmap(grad(loop)))(c, xs),
    "what is computed again": () => debug.nans(vmap(grad(checkpoint(loop))))(c, xs),
    "lanes of a branch": () => debug.nans(vmap(branch))(c),
    "lanes of a loop with a condition": () => debug.nans(vmap(ends))(c),
  };
  for (const [what, run] of Object.entries(ways)) {
    const error = assertThrows(run, NanError, "log gave NaN") as NanError;
    assert(error.message.includes(line), `${what}: ${error.message}, not ${line}`);
  }
});

Deno.test("a NaN of the way back names the line whose derivative it is", () => {
  let rooted = "";
  const f = (x: NDArray): NDArray =>
    scan(
      (c: NDArray, u: NDArray) => [c.add((rooted = callersLine(), np.sqrt(x)).mul(u).mul(0)), null],
      x,
      np.array([1, 2]),
    )[0];
  const error = assertThrows(() => debug.nans(grad(f))(np.array(0)), NanError) as NanError;
  assert(error.message.includes(rooted), `${error.message}, not ${rooted}`);
});

Deno.test("a function compiled before names the operation", () => {
  const f = jit(logs, interpreter);
  f(np.array(1e30));
  assertThrows(() => debug.nans(f)(np.array(2)), NanError, "log gave NaN as float32[]");
});

// ---------------------------------------------------------------- mistakes

const x = np.array([1, 2]);
mistake(
  "a condition that is no bool",
  () => check(x, "wrong"),
  DTypeError,
  "check | float32[2] | greater",
);
mistake("a condition that is no array", () => check(any("yes"), "no"), TypeError, 'check | "yes"');
mistake(
  "a check without a message",
  () => check(true, any(undefined)),
  TypeError,
  "check | message",
);
mistake(
  "a message with too few places",
  () => check(true, "x", x),
  TypeError,
  '"x" has 0 {} for 1 value',
);
mistake(
  "a format with names, as Python has them",
  () => debug.print("x is {x}", x),
  TypeError,
  '"x is {x}" has 0 {} for 1 value; write one for each, without names',
);
mistake(
  "a format with too many",
  () => debug.print("{} {}", x),
  TypeError,
  "debug.print | 2 {} for 1 value",
);
mistake(
  "a format that is an array",
  () => debug.print(any(x)),
  TypeError,
  'debug.print("x is {}", x)',
);
mistake(
  "a callback of no function",
  () => debug.callback(any(x)),
  TypeError,
  "debug.callback | function",
);
mistake("nans of a value", () => debug.nans(any(x)), TypeError, "debug.nans | function");
const printing = (x: NDArray): NDArray => {
  debug.print("{}", x);
  return x;
};
mistake(
  "a print in a graph",
  () => jit(printing, { backend: "onnx" })(x),
  BackendError,
  'debug.print | jit(f), whose backend "cpu" can',
);
mistake("a print in a file", () => exportOnnx(printing, x), BackendError, "debug.print");
mistake(
  "checks of a file that are neither",
  () => exportOnnxWith({ checks: any("some") }, root, np.array(1)),
  TypeError,
  'checks must be "output" or "none" | "some"',
);
