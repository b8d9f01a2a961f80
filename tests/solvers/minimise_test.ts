/** `minimise`: known minima, honesty about failure, units, bounds, derivatives. */
import {
  advance,
  bfgs,
  ConvergenceError,
  DTypeError,
  first,
  grad,
  hessian,
  implicit,
  jit,
  lbfgs,
  minimise,
  type Minimiser,
  type NDArray,
  nelderMead,
  newtonCg,
  nonlinearCg,
  numpy as np,
  oneStep,
  projectBox,
  proximalGradient,
  ShapeError,
  start,
  type Stepper,
  type Tree,
  TreeError,
  treeLeaves,
  vmap,
} from "../../mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import { adam } from "../../lib/optim/mod.ts";
import { assertClose } from "../support/arrays.ts";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "../support/assert.ts";
import { squares } from "./truth/mgh.ts";

const f64 = (xs: readonly number[]): NDArray => np.array([...xs], { dtype: "float64" });
const scalar = (x: number): NDArray => np.array(x, { dtype: "float64" });

/** Rosenbrock's function, chained. */
const valley = (x: NDArray): NDArray => {
  const n = x.size;
  const [left, right] = [x.slice([0], [n - 1]), x.slice([1], [n])];
  return right.sub(left.square()).square().mul(100).add(left.sub(1).square()).sum();
};
const alternating = (n: number): NDArray =>
  f64(Array.from({ length: n }, (_, i) => i % 2 ? 1 : -1.2));

for (const solver of [bfgs(), lbfgs(), nonlinearCg(), newtonCg()]) {
  const { description } = solver;

  Deno.test(`${description} takes the same steps in the units of nobody`, () => {
    for (const { name, f, start: x0 } of squares) {
      // Units are arguments, so that one program serves all; powers of 2, so that rounding is the same.
      const run = jit((x: NDArray, unit: NDArray, weight: NDArray) =>
        minimise((x) => f(x.div(unit)).square().sum().mul(weight), x, { solver, maxSteps: 150 })
      );
      const solve = (unit: number, weight: number): string => {
        const start = f64(x0.map((x) => x * unit));
        const { statusName, steps } = run(start, scalar(unit), scalar(weight));
        return `${statusName} after ${steps.item()}`;
      };
      const own = solve(1, 1);
      for (const [unit, weight] of [[2 ** -40, 1], [2 ** 20, 2 ** -40], [1, 2 ** 20]] as const) {
        assertEquals(solve(unit, weight), own, `${name}, ${unit}, ${weight}`);
      }
    }
  });

  Deno.test(`${description}: nothing is evaluated outside of the bounds, which unknowns may end at`, () => {
    const bounds = { lower: -0.5, upper: 0.9 };
    const within = (x: NDArray): NDArray =>
      np.where(np.logicalAnd(x.greaterEqual(-0.5), x.lessEqual(0.9)).all(), valley(x), NaN);
    const solve = jit((x: NDArray) =>
      minimise(within, x, { solver, bounds, history: true, maxSteps: 2000 })
    );
    // The start, outside, is brought inside.
    const found = solve(alternating(12));
    const norms = [...found.history!.dataSync()].slice(0, found.steps.item());
    assert(norms.every(Number.isFinite));
    assertEquals(found.statusName, "converged", found.message);
    // By L-BFGS-B of SciPy 1.17.1.
    assertAlmostEquals(found.cost!.item(), 5.812178313346981, 1e-9);
    assert(found.value.dataSync().some((v) => v === 0.9));
  });
}

Deno.test("a long valley is followed in as many evaluations as by the best", () => {
  const found = jit((x: NDArray) => minimise(valley, x))(alternating(100));
  assertEquals(found.statusName, "converged", found.message);
  // SciPy 1.17.1 needs 639.
  assert(found.steps.item() <= 700, found.message);
  for (const x of found.value.dataSync()) assertAlmostEquals(x, 1, 1e-9);
});

Deno.test("trees of several dtypes are minimised, eagerly and compiled alike", () => {
  const f = ({ a, b }: { a: NDArray; b: NDArray }): NDArray =>
    a.sub(f64([1, 2, 3])).square().sum().add(np.exp(b).sub(b.mul(2)).sum());
  const start = { a: f64([5, 5, 5]), b: np.array([0, 1]) };
  const eager = minimise(f, start);
  const compiled = jit((x: typeof start) => minimise(f, x))(start);
  assertEquals([eager.statusName, compiled.statusName], ["converged", "converged"]);
  assertEquals(eager.steps.item(), compiled.steps.item());
  assertEquals(eager.value.b.dtype, "float32");
  for (const { value } of [eager, compiled]) {
    [1, 2, 3].forEach((right, i) => assertAlmostEquals(value.a.dataSync()[i]!, right, 1e-5));
    for (const b of value.b.dataSync()) assertAlmostEquals(b, Math.LN2, 1e-5);
  }
});

Deno.test("a leaf does not hide another that is much smaller or larger", () => {
  const found = minimise(
    ({ big, small }) => big.sub(3e8).square().mul(1e-16).add(np.cosh(small.sub(1e-8).mul(1e8))),
    { big: scalar(1e8), small: scalar(1e-9) },
  );
  assertEquals(found.statusName, "converged", found.message);
  assertAlmostEquals(found.value.big.item() / 3e8, 1, 1e-9);
  assertAlmostEquals(found.value.small.item() / 1e-8, 1, 1e-7);
});

Deno.test("the value's rounding does not limit the unknowns", () => {
  const found = minimise((x) => np.cosh(x.sub(f64([1, 2]))).sum().add(1e8), f64([5, 5]));
  assertEquals(found.statusName, "converged", found.message);
  assertAlmostEquals(found.value.dataSync()[0]!, 1, 1e-10);
});

Deno.test("slow progress below the value's rounding is no end, in bounds and out of them", () => {
  // Curvatures from 1 to 10000, and a value beside which the last gains are nothing.
  const n = 200;
  const weights = f64(Array.from({ length: n }, (_, i) => 10 ** (4 * i / (n - 1))));
  const target = f64(Array.from({ length: n }, (_, i) => 2 * Math.sin(3 * i)));
  const f = (x: NDArray): NDArray =>
    weights.mul(x.sub(target).square()).sum().add(x.sum().square()).mul(0.5).add(1e8);
  for (const solver of [lbfgs(), bfgs(), newtonCg()]) {
    for (const bounds of [undefined, { lower: -1, upper: 1 }]) {
      const found = jit((x: NDArray) => minimise(f, x, { solver, bounds, maxSteps: 2000 }))(
        np.zeros([n], { dtype: "float64" }),
      );
      assertEquals(found.statusName, "converged", found.message);
      assert(found.gradientNorm!.item() < 1e-6, found.message);
    }
  }
});

Deno.test("saddles and maxima are left, also where the gradient is 0", () => {
  const top = minimise((x: NDArray) => np.cos(x), scalar(0));
  assertEquals(top.statusName, "converged", top.message);
  assertAlmostEquals(Math.abs(top.value.item()), Math.PI, 1e-9);
  // x^2 - y^2 + y^4 / 4 from the axis where y is 0: minima at y^2 = 2.
  const saddle = minimise(
    ({ x, y }) => x.square().sub(y.square()).add(y.pow(4).mul(0.25)),
    { x: scalar(1), y: scalar(0) },
  );
  assertEquals(saddle.statusName, "converged", saddle.message);
  assertAlmostEquals(saddle.cost!.item(), -1, 1e-12);
});

Deno.test("where there is no minimum, that is said", () => {
  const line = minimise((x: NDArray) => x.sum(), f64([1, 5]));
  assertEquals(line.statusName, "diverged", line.message);
  assertStringIncludes(line.message, "the function fell along a line as far as one could go");
  const cap = minimise((x: NDArray) => x.square().sum().neg(), f64([1, 5]));
  assertEquals(cap.statusName, "diverged", cap.message);
  const kink = minimise((x: NDArray) => x.abs().add(x.square()).sum(), f64([3, -4]));
  assertEquals(kink.statusName, "stagnated", kink.message);
  assertStringIncludes(kink.message, "the gradient norm at the best point, 1.4");
  const undefinedStart = minimise((x: NDArray) => np.log(x).sum(), f64([-1]));
  assertEquals(undefinedStart.statusName, "nonfinite");
  assert(Number.isNaN(undefinedStart.value.dataSync()[0]!));
});

Deno.test("a trial where nothing is defined is a shorter step", () => {
  const barrier = jit((x: NDArray) => minimise((x) => x.sub(np.log(x)), x))(scalar(1e-3));
  assertEquals(barrier.statusName, "converged", barrier.message);
  assertAlmostEquals(barrier.value.item(), 1, 1e-10);
});

Deno.test("a minimum has the derivatives of the implicit function theorem, of any order", () => {
  // exp x = a: log a.
  const at = (a: NDArray): NDArray => minimise((x) => np.exp(x).sub(x.mul(a)), scalar(1)).value;
  const right = [1 / 2, -1 / 4, 1 / 4];
  let f = at;
  for (const d of right) {
    f = grad(f);
    assertAlmostEquals(f(scalar(2)).item(), d, 1e-11);
    assertAlmostEquals(jit(f)(scalar(2)).item(), d, 1e-11);
  }
  const all = vmap(grad(at))(f64([1, 2, 4]));
  [1, 0.5, 0.25].forEach((d, i) => assertAlmostEquals(all.dataSync()[i]!, d, 1e-11));
});

Deno.test("many unknowns are differentiated by products with the Hessian", () => {
  // The minimum of x^T A x / 2 - b x + sum x^4 / 4, of 200 unknowns.
  const n = 200;
  const a = f64(Array.from({ length: n }, (_, i) => 1 + i / 20));
  const f = (b: NDArray): NDArray =>
    minimise((x) => a.mul(x.square()).mul(0.5).sub(b.mul(x)).add(x.pow(4).mul(0.25)).sum(), b, {
      adjoint: implicit({ linearSolver: "iterative" }),
    }).value.sum();
  const b = f64(Array.from({ length: n }, (_, i) => Math.sin(i)));
  const slope = jit(grad(f))(b).dataSync();
  const x = minimise(
    (x: NDArray) => a.mul(x.square()).mul(0.5).sub(b.mul(x)).add(x.pow(4).mul(0.25)).sum(),
    b,
  ).value.dataSync();
  for (let i = 0; i < n; i++) {
    assertAlmostEquals(slope[i]!, 1 / (1 + i / 20 + 3 * x[i]! ** 2), 1e-9);
  }
});

Deno.test("the cost is differentiable too, and so is a bound that an unknown rests at", () => {
  const best = (a: NDArray): NDArray =>
    minimise((x) => x.sub(a).square().add(a.square()), scalar(0)).cost!;
  assertAlmostEquals(grad(best)(scalar(3)).item(), 6, 1e-9);
  const at = (upper: NDArray): NDArray => {
    const { value } = minimise(({ x, y }) => x.sub(3).square().add(x.add(y).square()), {
      x: scalar(0),
      y: scalar(0),
    }, { bounds: { lower: -10, upper: { x: upper, y: scalar(10) } } });
    return value.y;
  };
  assertAlmostEquals(at(scalar(2)).item(), -2, 1e-9);
  assertAlmostEquals(grad(at)(scalar(2)).item(), -1, 1e-9);
});

Deno.test("with hasAux, what is given beside the value comes out once, with derivatives", () => {
  const f = (a: NDArray): NDArray => {
    const fit = minimise(
      (x) => [x.sub(a).square(), { twice: x.mul(2).add(a) }],
      scalar(0),
      { hasAux: true },
    );
    return fit.aux.twice;
  };
  assertAlmostEquals(f(scalar(3)).item(), 9, 1e-9);
  assertAlmostEquals(grad(f)(scalar(3)).item(), 3, 1e-9);
});

Deno.test("second derivatives of least costs are those of the envelope theorem", () => {
  const a = np.array([[3, 1], [1, 2]], { dtype: "float64" });
  // min x^T A x / 2 - b x = -b A^-1 b / 2
  const least = (b: NDArray): NDArray =>
    minimise((x) => x.matmul(a.matmul(x)).mul(0.5).sub(x.matmul(b)), f64([1, 0])).cost!;
  const h = jit(hessian(least))(f64([1, 2])) as NDArray;
  [-0.4, 0.2, 0.2, -0.6].forEach((v, i) => assertAlmostEquals(h.dataSync()[i]!, v, 1e-9));
});

Deno.test("lanes are those of a batch where another lane fails", () => {
  const solve = jit(vmap((a: NDArray) => {
    const { value, status, steps } = minimise(
      (x) => valley(x).add(x.sum().mul(a)),
      f64([-1.2, 1, 0.5]),
    );
    return { value, status, steps };
  }));
  const well = solve(f64([0, 0.5, 1]));
  const ill = solve(f64([0, 0.5, NaN]));
  assertEquals(ill.value.dataSync().slice(0, 6), well.value.dataSync().slice(0, 6));
  assertEquals([...ill.status.dataSync()], [0, 0, 2]);
  assertEquals([...ill.steps.dataSync()].slice(0, 2), [...well.steps.dataSync()].slice(0, 2));
});

Deno.test("lanes of every method are those of a batch where another lane fails", () => {
  const clipped = proximalGradient((x: NDArray) => projectBox(x, -2, 2));
  const all = [bfgs(), nonlinearCg(), newtonCg(), nelderMead(), clipped, first(adam(0.05))];
  for (const solver of all) {
    const solve = jit(vmap((a: NDArray) => {
      const { value, status } = minimise(
        (x) => np.cosh(x.sub(a)).sum().add(x.at(0).mul(x.at(1)).mul(0.1)),
        f64([-1.2, 1]),
        { solver },
      );
      return { value, status };
    }));
    const well = solve(f64([0.3, 0.5]));
    const ill = solve(f64([0.3, NaN]));
    const { description } = solver;
    assertEquals([...well.status.dataSync()], [0, 0], description);
    assertEquals(ill.value.dataSync().slice(0, 2), well.value.dataSync().slice(0, 2), description);
    assertEquals(ill.status.dataSync()[1], 2, description);
  }
});

Deno.test("in float32, values of 1e-30 and 1e30 and unknowns of 1e-12 are minimised as others are", () => {
  const clipped = proximalGradient((x: NDArray) => projectBox(x, -2, 4));
  for (const solver of [lbfgs(), bfgs(), nonlinearCg(), newtonCg(), clipped]) {
    const { description } = solver;
    for (const weight of [1e-30, 1, 1e30]) {
      const f = (x: NDArray): NDArray => np.cosh(x.sub(1)).sum().sub(2).mul(weight);
      const found = minimise(f, np.array([3, 0]), { solver });
      assertEquals(found.statusName, "converged", `${description}, ${weight}`);
      for (const x of found.value.dataSync()) assertAlmostEquals(x, 1, 1e-4, description);
    }
    const small = minimise((x) => x.sub(1e-12).square().sum(), np.array([3e-12, 0]), { solver });
    assertEquals(small.statusName, "converged", description);
    for (const x of small.value.dataSync()) assertAlmostEquals(x * 1e12, 1, 1e-4, description);
  }
});

Deno.test("a solve of no steps is its start, and unknowns that bounds fix stay", () => {
  for (
    const solver of [lbfgs(), bfgs(), nonlinearCg(), newtonCg(), nelderMead(), first(adam(0.1))]
  ) {
    const none = minimise(valley, f64([2, 3]), { solver, maxSteps: 0 });
    assertEquals([none.statusName, ...none.value.dataSync()], ["maxSteps", 2, 3]);
    const fixed = minimise((x: NDArray) => x.square().sum(), f64([3, 2]), {
      solver,
      bounds: { lower: f64([1, 2]), upper: f64([5, 2]) },
    });
    assertEquals([fixed.statusName, ...fixed.value.dataSync()], ["converged", 1, 2]);
  }
});

Deno.test("a minimum over a model is that of the pure function of its weights, and so is its gradient", () => {
  class Model extends nnx.Module {
    readonly linear = new nnx.Linear(2, 2, { rngs: new nnx.Rngs(0) });
    /** An energy, and how often it was asked for. */
    readonly calls = new nnx.BatchStat(np.zeros([]));
    energy(z: NDArray): NDArray {
      this.calls.value = this.calls.value.add(1);
      return np.cosh(this.linear.call(z).sub(1)).sum().add(z.square().sum());
    }
  }
  const pureLeast = (solver: Minimiser) => (kernel: NDArray, bias: NDArray): NDArray =>
    minimise(
      (z) => np.cosh(z.matmul(kernel).add(bias).sub(1)).sum().add(z.square().sum()),
      np.zeros([2]),
      { solver },
    ).value.sum();
  for (const solver of [lbfgs(), newtonCg()]) {
    const least = (m: Model): NDArray =>
      minimise((z) => m.energy(z), np.zeros([2]), {
        solver,
        transforms: nnx.transformsFor(m),
      }).value.sum();
    const { kernel, bias } = new Model().linear;
    const [dk, db] = grad(pureLeast(solver), { argnums: [0, 1] })(
      kernel.value,
      bias!.value,
    );
    for (const run of [nnx.grad(least), nnx.jit(nnx.grad(least))]) {
      const m = new Model();
      const { linear } = run(m) as { linear: Record<"kernel" | "bias", unknown> };
      const slopes = treeLeaves([linear.kernel, linear.bias] as Tree);
      assertClose(slopes, [dk, db], 1e-4);
      // What is written is that of one evaluation, at the solution.
      assertEquals(m.calls.value.item(), 1);
    }
  }
});

Deno.test("a solve goes on with what another has learnt", () => {
  const solve = (shift: number, warmStart?: { memory: unknown }) =>
    minimise((x: NDArray) => valley(x.sub(shift)), alternating(10), {
      keepMemory: true,
      warmStart,
    });
  const cold = solve(0);
  const near = minimise((x: NDArray) => valley(x.sub(1e-3)), cold.value, {
    warmStart: cold,
    keepMemory: true,
  });
  const unaided = minimise((x: NDArray) => valley(x.sub(1e-3)), cold.value);
  assertEquals(near.statusName, "converged", near.message);
  assert(near.steps.item() < unaided.steps.item(), `${near.steps.item()}, ${unaided.steps.item()}`);
});

Deno.test("a long solve goes on from the host where it paused, and ends the same", () => {
  const solve = (options: object) => minimise(valley, alternating(10), options);
  const whole = solve({});
  let run = start(solve);
  while (!run.done) run = advance(run, 7);
  assertEquals(run.solution.steps.item(), whole.steps.item());
  assertEquals(run.solution.value.dataSync(), whole.value.dataSync());
});

Deno.test("a method of one's own sees value and gradient", () => {
  const descent: Stepper<null> = {
    description: "steepest descent",
    init: () => null,
    step: (x, r) => [x.sub(r.mul(0.1)), null],
  };
  const found = minimise((x: NDArray) => np.cosh(x.sub(1)).sum(), f64([0, 2]), {
    solver: descent,
  });
  assertEquals(found.statusName, "converged", found.message);
  assertAlmostEquals(found.value.dataSync()[0]!, 1, 1e-9);
});

Deno.test("by products with the Hessian a minimum takes few steps, past saddles too", () => {
  const found = jit((x: NDArray) => minimise(valley, x, { solver: newtonCg() }))(alternating(50));
  assertEquals(found.statusName, "converged", found.message);
  assert(found.steps.item() < 200, found.message);
  assert(found.evaluations.products.item() > found.steps.item());
  const saddle = minimise(
    ({ x, y }) => x.square().sub(y.square()).add(y.pow(4).mul(0.25)),
    { x: scalar(1), y: scalar(0) },
    { solver: newtonCg() },
  );
  assertEquals(saddle.statusName, "converged", saddle.message);
  assertAlmostEquals(saddle.cost!.item(), -1, 1e-12);
});

Deno.test("values alone are enough for a simplex, which is made anew before a minimum is claimed", () => {
  const solver = nelderMead();
  const found = jit((x: NDArray) => minimise(valley, x, { solver }))(f64([-1.2, 1]));
  assertEquals(found.statusName, "converged", found.message);
  found.value.dataSync().forEach((x) => assertAlmostEquals(x, 1, 1e-6));
  assert(found.gradientNorm!.item() < 1e-4);
  const kink = minimise((x: NDArray) => x.sub(f64([1, -2, 0])).abs().sum(), f64([3, 3, 3]), {
    solver,
  });
  assertEquals(kink.statusName, "converged", kink.message);
  [1, -2, 0].forEach((x, i) => assertAlmostEquals(kink.value.dataSync()[i]!, x, 1e-6));
  // McKinnon's function, on which a simplex collapses far from the minimum at (0, -1/2).
  const mckinnon = ({ x, y }: { x: NDArray; y: NDArray }): NDArray =>
    x.square().mul(np.where(x.less(0), 360, 6)).add(y).add(y.square());
  const trap = minimise(mckinnon, { x: scalar(1), y: scalar(1) }, { solver });
  assertEquals(trap.statusName, "converged", trap.message);
  assertAlmostEquals(trap.cost!.item(), -0.25, 1e-10);
  const few = minimise(valley, alternating(8), { solver, maxSteps: 50 });
  assertEquals(few.statusName, "maxSteps");
});

Deno.test("a simplex stays within bounds, and a lane has no say in another's", () => {
  const solver = nelderMead();
  const within = (x: NDArray): NDArray => np.where(x.greater(0.25).any(), NaN, valley(x));
  const found = minimise(within, f64([-1.2, 0.2]), { solver, bounds: { upper: 0.25 } });
  assertEquals(found.statusName, "converged", found.message);
  assertAlmostEquals(found.value.dataSync()[0]!, 0.25, 1e-6);
  const solve = jit(
    vmap((a: NDArray) =>
      minimise((x) => valley(x).add(x.sum().mul(a)), f64([-1.2, 1]), { solver }).value
    ),
  );
  const [well, ill] = [solve(f64([0, 0.5])), solve(f64([0, NaN]))];
  assertEquals(ill.dataSync().slice(0, 2), well.dataSync().slice(0, 2));
});

Deno.test("mistakes in the use of minimise are explained", () => {
  const bowl = (x: NDArray): NDArray => x.square().sum();
  const from = f64([1, 2]);
  assertThrows(() => minimise((x) => x.square(), from), ShapeError, "must return a scalar");
  assertThrows(() => minimise((x) => [x.sum(), x.sum()] as never, from), TreeError, "hasAux");
  assertThrows(() => minimise((x) => x.sum().astype("int32"), from), DTypeError, "int32");
  assertThrows(() => minimise(bowl, np.array([1], { dtype: "int32" })), DTypeError);
  assertThrows(() => minimise(bowl, from, { tol: 1 } as never), TypeError, "tol");
  assertThrows(() => minimise(bowl, from, { solver: bfgs as never }), TypeError, "Call it");
  assertThrows(() => minimise(bowl, from, { adjoint: oneStep() }), TypeError, "implicit()");
  assertThrows(() => minimise(bowl, from, { rtol: -1 }), RangeError, "rtol");
  assertThrows(() => lbfgs({ memory: 0 }), RangeError, "memory must be at least 1");
  assertThrows(
    () => minimise(bowl, from, { bounds: { lower: 2, upper: 1 } }),
    RangeError,
    "lower bound 2 is above the upper bound 1",
  );
  assertThrows(() => minimise(bowl, from, { hasAux: true } as never), TreeError, "[value, aux]");
  assertThrows(
    () => minimise(valley, from, { maxSteps: 3, throw: true }),
    ConvergenceError,
    "maxSteps",
  );
});
