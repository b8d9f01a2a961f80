/** Long solves from the host: the same numbers as in one go, stopped, watched, saved and gone on with. */
import {
  advance,
  anderson,
  CheckError,
  ConvergenceError,
  curveFit,
  damped,
  finish,
  fixedPoint,
  jit,
  leastSquares,
  type LegOptions,
  loadBackend,
  type NDArray,
  numpy as np,
  progress,
  pure,
  random,
  rootFind,
  ShapeError,
  start,
  type Tree,
  treeLeaves,
  vmap,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { lineFor } from "../../lib/solvers/progress.ts";

await loadBackend("onnx");

const f64 = { dtype: "float64" } as const;
const w = np.array([[0.5, -0.6, 0.1], [0.6, 0.4, 0.2], [-0.1, 0.2, 0.7]], f64);
const target = np.array([1, 2, 3, 4, 5, 6], f64);
const curve = np.array([2.1, 1.2, 0.8, 0.4, 0.3, 0.2], f64);

/** A solve of each family, and how many evaluations make a part of it. */
const families: Readonly<Record<string, (options: Partial<LegOptions>) => Tree>> = {
  "fixedPoint by anderson": (o) =>
    fixedPoint((x) => np.matmul(w, np.tanh(x)).add(1), np.zeros([3], f64), o),
  "fixedPoint by damped, with a history and an aux": (o) =>
    fixedPoint((x) => [np.cos(x), { twice: x.mul(2) }], np.array([1, 0.3], f64), {
      solver: damped({ damping: 0.1 }),
      history: true,
      hasAux: true,
      ...o,
    }),
  "fixedPoint of a tree in float32": (o) =>
    fixedPoint(({ a, b }) => ({ a: np.cos(b), b: np.sin(a).mul(0.5) }), {
      a: np.ones([2]),
      b: np.zeros([2]),
    }, {
      solver: anderson({ memory: 2 }),
      ...o,
    }),
  "fixedPoint that fails": (o) =>
    fixedPoint((x) => x.mul(-1.5).add(1), np.array([3, 1]), { maxSteps: 11, ...o }),
  rootFind: (o) =>
    rootFind(
      ({ x, y }) => ({ x: x.mul(x).add(y).sub(3), y: np.exp(x).sub(y.mul(y)) }),
      { x: np.array(-3, f64), y: np.array(7, f64) },
      o,
    ),
  leastSquares: (o) =>
    leastSquares(
      ({ a, b }) => np.exp(target.mul(b).neg()).mul(a).sub(curve),
      { a: np.array(9, f64), b: np.array(2, f64) },
      { history: true, ...o },
    ),
  curveFit: (o) =>
    curveFit(({ a, b }, x) => a.mul(np.exp(b.mul(x).neg())), { x: target, y: curve }, {
      a: np.array(9, f64),
      b: np.array(2, f64),
    }, o),
};

function same(got: Tree, want: Tree, what: string): void {
  const [a, b] = [got, want].map((t) => treeLeaves(t) as NDArray[]);
  assertEquals(a!.length, b!.length, what);
  a!.forEach((x, i) =>
    assertEquals([...x.dataSync()], [...b![i]!.dataSync()], `${what}, leaf ${i}`)
  );
}

for (const [name, solve] of Object.entries(families)) {
  Deno.test(`${name} in parts is the solve in one go, bit for bit`, () => {
    for (const backend of ["cpu", "interpreter", "onnx"]) {
      const whole = jit(() => solve({}), { backend })() as Tree;
      for (const every of [1, 3, 1000]) {
        let run = start(solve, { backend });
        for (let parts = 0; !run.done; parts++) {
          assert(parts < 200);
          run = advance(run, every);
        }
        const what = `${backend}, ${every} at a time`;
        same(run.solution, whole, what);
        same(finish(run), whole, `${what}, finished`);
        same(advance(run, every).solution, whole, `${what}, gone on with`);
      }
      same(finish(start(solve, { backend })), whole, `${backend}, at once`);
      same(finish(advance(start(solve, { backend }), 2)), whole, `${backend}, after 2`);
    }
  });

  Deno.test(`${name} goes on from what was saved as text, and from a state`, () => {
    const whole = jit(() => solve({}))() as Tree;
    const run = advance(start(solve), 2);
    const text = JSON.stringify(run);
    same(finish(start(solve, { from: JSON.parse(text) })), whole, "text");
    same(finish(start(solve, { from: run.state })), whole, "state");
    same(finish(start(solve, { from: run })), whole, "run");
    assertEquals(JSON.stringify(start(solve, { from: JSON.parse(text) })), text);
  });
}

Deno.test("one program makes all parts: the function is compiled with the first and never again", () => {
  let calls = 0;
  const solve = (o: Partial<LegOptions>) =>
    fixedPoint(
      (x) => {
        calls++;
        return np.cos(x);
      },
      1,
      o,
    );
  let run = advance(start(solve), 2);
  const once = calls;
  run = advance(advance(run, 3), 1);
  finish(advance(run, 5));
  assertEquals(calls, once);
});

Deno.test("a run says what it has done, and that it is paused", () => {
  const run = start((o) => fixedPoint((x) => np.cos(x), 1, { throw: true, ...o }));
  assert(!run.done);
  assertEquals(run.solution.statusName, "paused");
  assertEquals(run.solution.steps.item(), 0);
  const next = advance(run, 4);
  assertEquals(run.solution.steps.item(), 0);
  assertEquals(next.solution.steps.item(), 4);
  assert(next.solution.message.includes("paused after 4 evaluations; the best residual norm is"));
  assertThrows(() => next.solution.orThrow(), ConvergenceError, "paused after 4");
});

Deno.test("a solve that is to throw does so at its end, not when it pauses", () => {
  const solve = (o: Partial<LegOptions>) =>
    fixedPoint((x) => x.mul(2).add(1), np.array([1, 3]), {
      throw: true,
      maxSteps: 6,
      solver: damped(),
      ...o,
    });
  const run = advance(start(solve), 5);
  assertEquals(run.solution.statusName, "paused");
  assertThrows(() => advance(run, 1).solution.steps.item(), CheckError, "did not converge");
});

Deno.test("progress gives the run after each part until it ends, and leaving it stops", async () => {
  const solve = (o: Partial<LegOptions>) =>
    fixedPoint((x) => np.cos(x), np.array(1, f64), { solver: damped(), ...o });
  const whole = solve({});
  const steps: number[] = [];
  let run = start(solve);
  for await (run of progress(run, { every: 25 })) steps.push(run.solution.steps.item());
  const last = whole.steps.item();
  assertEquals(steps, [...[25, 50, 75].filter((n) => n < last), last]);
  same(run.solution, whole, "at the end");
  for await (run of progress(start(solve), { every: 7 })) break;
  assertEquals(run.solution.steps.item(), 7);
  same(finish(run), whole, "gone on with");
  for await (const _ of progress(run, { every: 1000 })) run = _;
  for await (const _ of progress(run)) assert(false, "it had ended");
});

Deno.test("progress waits for a backend that gives its results later", async () => {
  let run = start((o) => fixedPoint((x) => np.cos(x), 1, o), { backend: "onnx" });
  let parts = 0;
  for await (run of progress(run, { every: 3 })) parts++;
  assert(parts > 1 && run.solution.converged);
});

Deno.test("progress ends with the reason of a signal, and timers have their turn", async () => {
  const solve = (o: Partial<LegOptions>) =>
    fixedPoint((x) => x.mul(0.999).add(1), np.array(0, f64), {
      solver: damped(),
      maxSteps: 1e6,
      ...o,
    });
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("enough")), 5);
  let run = start(solve);
  await assertRejects(
    async () => {
      for await (run of progress(run, { every: 2, signal: controller.signal }));
    },
    Error,
    "enough",
  );
  assertEquals(run.solution.statusName, "paused");
  const late = AbortSignal.abort(new Error("before"));
  await assertRejects(() => progress(run, { signal: late }).next(), Error, "before");
});

Deno.test("the line on a terminal says how far a run is", () => {
  const run = advance(
    start((o) => fixedPoint((x) => np.cos(x), np.array(1, f64), { maxSteps: 8, ...o })),
    2,
  );
  assertEquals(
    lineFor(run, 8),
    `[######..................] 2 of at most 8 evaluations, residual norm ${
      run.solution.residualNorm.item().toExponential(2)
    }`,
  );
});

Deno.test("a module system's functions are solved in parts, and write once, at the end", () => {
  const model = hk.transformWithState((x: NDArray) => {
    const layer = new hk.Linear(3);
    const f = (z: NDArray): NDArray => {
      const seen = hk.getState("seen", [], { init: (s) => np.zeros(s) });
      hk.setState("seen", seen.add(1));
      return np.tanh(layer.call(z).mul(0.3).add(x));
    };
    const solve = (o: object) => fixedPoint(f, np.zeros([3]), { transforms: hk.transforms, ...o });
    if (hk.transforms.isInitializing()) return solve({}).value;
    let run = start(solve, { transforms: hk.transforms, backend: "interpreter" });
    while (!run.done) run = advance(run, 2);
    return finish(run).value;
  });
  const inOne = hk.transformWithState((x: NDArray) => {
    const layer = new hk.Linear(3);
    return fixedPoint(
      (z) => {
        const seen = hk.getState("seen", [], { init: (s) => np.zeros(s) });
        hk.setState("seen", seen.add(1));
        return np.tanh(layer.call(z).mul(0.3).add(x));
      },
      np.zeros([3]),
      { transforms: hk.transforms },
    ).value;
  });
  const x = np.array([0.1, -0.4, 0.7]);
  const [params, state] = model.init(random.key(0), x);
  const [value, after] = model.apply(params, state, null, x);
  const [want, wanted] = inOne.apply(params, state, null, x);
  same(value, want, "value");
  same(after as Tree, wanted as Tree, "state");
});

Deno.test("a module object is solved in parts, and counts as in one go", () => {
  class Model extends nnx.Module {
    layer = new nnx.Linear(3, 3, { rngs: new nnx.Rngs(0) });
    count = new nnx.Variable(np.array(0));
    call(z: NDArray): NDArray {
      this.count.value = this.count.value.add(1);
      return np.tanh(this.layer.call(z).mul(0.3).add(0.5));
    }
  }
  const [parts, whole] = [new Model(), new Model()];
  const solve = (m: Model) => (o: object) =>
    fixedPoint((z) => m.call(z), np.zeros([3]), { transforms: nnx.transformsFor(m), ...o });
  let run = start(solve(parts), {
    transforms: nnx.transformsFor(parts),
    backend: "interpreter",
  });
  while (!run.done) run = advance(run, 2);
  same(finish(run).value, solve(whole)({}).value, "value");
  assertEquals(parts.count.value.item(), whole.count.value.item());
});

Deno.test("what cannot be driven from the host is refused, with what to write instead", () => {
  const f = (x: NDArray): NDArray => np.cos(x);
  assertThrows(
    () => start(() => fixedPoint(f, 1)),
    TypeError,
    "did not hand its options to a solver",
  );
  assertThrows(
    () => start((o) => [fixedPoint(f, 1, o), fixedPoint(f, 2, o)]),
    TypeError,
    "calls 2 solvers with the options",
  );
  assertThrows(
    () => start((o) => vmap((x: NDArray) => fixedPoint(f, x, o).value)(np.ones([2]))),
    TypeError,
    "inside of another transform",
  );
  assertThrows(
    () => start((o) => fixedPoint(f, 1, { ...o, transforms: hk.transforms })),
    TypeError,
    "start(solve, { transforms })",
  );
  assertThrows(
    () => jit((x: NDArray) => start((o) => fixedPoint(f, x, o)).solution.value)(np.array(1)),
    TypeError,
    "outside of jit",
  );
  assertThrows(() => start(3 as never), TypeError, "start");
  assertThrows(
    () => start((o) => fixedPoint(f, 1, o), { bakcend: "cpu" } as never),
    TypeError,
    "backend",
  );
  assertThrows(() => fixedPoint(f, 1, { leg: 3 as never }), TypeError, "what start() gives");
  const run = start((o) => fixedPoint(f, 1, o));
  assertThrows(() => advance(run, 0), RangeError, "at least 1");
  assertThrows(() => advance(run, 1.5), RangeError, "1.5");
  assertThrows(() => advance(run.solution as never, 1), TypeError, "what start() gives");
  assertThrows(() => progress(run, { every: -1 }), RangeError, "-1");
  assertThrows(() => progress(run, { signal: 3 as never }), TypeError, "AbortSignal");
  const other = start((o) => fixedPoint(f, np.ones([4]), o));
  assertThrows(
    () => start((o) => fixedPoint(f, np.ones([4]), o), { from: run }),
    ShapeError,
    "state.best is float32[1], in this one it is float32[4]",
  );
  assertThrows(
    () => start((o) => fixedPoint(f, 1, { ...o, solver: damped() }), { from: other }),
    TypeError,
    "its state has",
  );
  assertThrows(
    () => start((o) => fixedPoint(f, 1, o), { from: 3 as never }),
    TypeError,
    "not number 3",
  );
  assertThrows(
    () =>
      start((o) => fixedPoint(f, 1, o), {
        from: { arrays: [{ dtype: "float32", shape: [2], data: [1] }] },
      }),
    TypeError,
    "array 0 of from",
  );
});

Deno.test("the pure dictionary may be given as any other", () => {
  const run = start((o) => fixedPoint((x) => np.cos(x), 1, o), { transforms: pure });
  assert(finish(run).converged);
});
