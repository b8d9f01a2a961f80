/** Projections, proximal gradients, and first-order optimisers as methods of `minimise`. */
import {
  type Amount,
  DTypeError,
  first,
  grad,
  jacfwd,
  jacrev,
  jit,
  minimise,
  type NDArray,
  numpy as np,
  projectBox,
  projectL1Ball,
  projectL2Ball,
  projectNonNegative,
  projectSimplex,
  proximalGradient,
  ShapeError,
  softThreshold,
  TreeError,
  vmap,
} from "../../mod.ts";
import { adam, sgd } from "../../lib/optim/mod.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../support/assert.ts";

const f64 = (xs: readonly number[]): NDArray => np.array([...xs], { dtype: "float64" });
const scalar = (x: number): NDArray => np.array(x, { dtype: "float64" });

/** Numbers between -1/2 and 1/2, the same each time. */
function noise(size: number): number[] {
  let seed = 1;
  return Array.from({ length: size }, () => {
    seed = (seed * 16807) % 2147483647;
    return seed / 2147483647 - 0.5;
  });
}

const norm1 = (x: readonly number[]): number => x.reduce((s, v) => s + Math.abs(v), 0);

/** The projection onto a set `{x: size(x) = limit}` by bisection of what is taken off each element. */
function byBisection(x: readonly number[], limit: number, taken: (v: number, t: number) => number) {
  let [lo, hi] = [-10, 10];
  for (let k = 0; k < 200; k++) {
    const middle = (lo + hi) / 2;
    if (norm1(x.map((v) => taken(v, middle))) > limit) lo = middle;
    else hi = middle;
  }
  return x.map((v) => taken(v, lo));
}

const points: readonly number[][] = [
  [0.5, 1.5, -1, 0.2],
  [0.1, 0.1, 0.1, 0.1],
  [-3, -2, -5, -4],
  [4, 0, 0, -4],
  noise(4).map((v) => 6 * v),
];

/** Projections, and the same by other means. */
const projections: readonly {
  readonly name: string;
  readonly f: (x: NDArray) => NDArray;
  readonly right: (x: readonly number[]) => number[];
}[] = [
  {
    name: "projectNonNegative",
    f: (x) => projectNonNegative(x),
    right: (x) => x.map((v) => Math.max(v, 0)),
  },
  {
    name: "projectBox",
    f: (x) => projectBox(x, -0.5, f64([0.3, 1, 2, 3])),
    right: (x) => x.map((v, i) => Math.min(Math.max(v, -0.5), [0.3, 1, 2, 3][i]!)),
  },
  {
    name: "projectSimplex",
    f: (x) => projectSimplex(x),
    right: (x) => byBisection(x, 1, (v, t) => Math.max(v - t, 0)),
  },
  {
    name: "projectSimplex of the sum 2.5",
    f: (x) => projectSimplex(x, 2.5),
    right: (x) => byBisection(x, 2.5, (v, t) => Math.max(v - t, 0)),
  },
  {
    name: "projectL2Ball",
    f: (x) => projectL2Ball(x, 0.5),
    right: (x) => x.map((v) => v * Math.min(1, 0.5 / Math.hypot(...x))),
  },
  {
    name: "projectL1Ball",
    f: (x) => projectL1Ball(x, 1),
    right: (x) =>
      norm1(x) <= 1
        ? [...x]
        : byBisection(x, 1, (v, t) => Math.sign(v) * Math.max(Math.abs(v) - Math.max(t, 0), 0)),
  },
  {
    name: "softThreshold",
    f: (x) => softThreshold(x, 0.3),
    right: (x) => x.map((v) => Math.sign(v) * Math.max(Math.abs(v) - 0.3, 0)),
  },
];

for (const { name, f, right } of projections) {
  Deno.test(`${name} is the nearest point, of each vector, with derivatives`, () => {
    const all = np.array(points.map((x) => [...x]), { dtype: "float64" });
    const [batch, lanes] = [f(all).dataSync(), jit(vmap(f))(all).dataSync()];
    points.forEach((x, i) => {
      const found = f(f64(x)).dataSync();
      right(x).forEach((v, j) => {
        assertAlmostEquals(found[j]!, v, 1e-12, `${x}`);
        assertAlmostEquals(batch[4 * i + j]!, v, 1e-12, `${x}`);
        assertAlmostEquals(lanes[4 * i + j]!, v, 1e-12, `${x}`);
      });
    });
    // Differences, where the point is at no kink.
    const x = points[4]!;
    const jacobian = jacfwd(f)(f64(x)).dataSync();
    x.forEach((_, j) => {
      const bump = (h: number) => f(f64(x.map((v, k) => k === j ? v + h : v))).dataSync();
      const [up, down] = [bump(1e-6), bump(-1e-6)];
      x.forEach((_, i) => {
        assertAlmostEquals(jacobian[4 * i + j]!, (up[i]! - down[i]!) / 2e-6, 1e-8);
      });
    });
    const slope = grad((x: NDArray) => f(x).sum())(f64(points[1]!)).dataSync();
    assert(slope.every(Number.isFinite), `${slope}`);
  });
}

Deno.test("points far away are brought to the simplex and the ball as near ones are", () => {
  const near = [0.25, -0.5, 0.25, 0, 0.125];
  for (const dtype of ["float32", "float64"] as const) {
    const allowed = dtype === "float32" ? 1e-6 : 1e-14;
    for (const offset of [0, 3, 100, 1e4, 1e9, 1e30]) {
      for (const sign of [1, -1]) {
        const x = np.array(near.map((v) => sign * (v + offset)), { dtype });
        const numbers = [...x.dataSync()];
        const most = Math.max(...numbers);
        // What is added to all changes nothing.
        const right = byBisection(numbers.map((v) => v - most), 1, (v, t) => Math.max(v - t, 0));
        const where = `${offset * sign}, ${dtype}`;
        const [found, ball] = [projectSimplex(x).dataSync(), projectL1Ball(x).dataSync()];
        right.forEach((v, i) => assertAlmostEquals(found[i]!, v, allowed, where));
        const [total, length] = [norm1([...found]), norm1([...ball])];
        assertAlmostEquals(total, 1, allowed, where);
        assert(length <= 1 + allowed && (offset === 0 || length >= 1 - allowed), where);
        const jacobian = jacrev((x: NDArray) => projectSimplex(x))(x).dataSync();
        const free = found.filter((v) => v > 0).length;
        found.forEach((v, i) =>
          found.forEach((w, j) => {
            const slope = v > 0 && w > 0 ? (i === j ? 1 : 0) - 1 / free : 0;
            assertAlmostEquals(jacobian[5 * i + j]!, slope, allowed, where);
          })
        );
      }
    }
  }
});

Deno.test("projections have derivatives with respect to their sets, and finite ones at 0", () => {
  const of = (f: (r: NDArray) => NDArray, r: number): number => grad(f)(scalar(r)).item();
  const x = f64([2, 1, -3]);
  assertAlmostEquals(of((r) => projectL2Ball(x, r).at(0), 1), 2 / Math.sqrt(14), 1e-12);
  assertAlmostEquals(of((r) => projectL1Ball(x, r).at(2), 1.5), -0.5, 1e-12);
  assertAlmostEquals(of((r) => projectSimplex(x, r).at(0), 2), 0.5, 1e-12);
  assertAlmostEquals(of((t) => softThreshold(x, t).at(0), 0.5), -1, 1e-12);
  const zero = grad((x: NDArray) => projectL2Ball(x).at(0))(f64([0, 0])).dataSync();
  assertEquals([...zero], [1, 0]);
  const large = projectL2Ball(f64([3e200, 4e200])).dataSync();
  assertAlmostEquals(large[0]!, 0.6, 1e-12);
});

// ---------------------------------------------------------------- proximal gradients

const [m, n] = [40, 60];
const a = np.array(noise(m * n), { dtype: "float64" }).reshape([m, n]);
const b = np.array(noise(m * n + m).slice(m * n), { dtype: "float64" });
const misfit = (x: NDArray): NDArray => a.matmul(x).sub(b).square().sum().mul(0.5);
const slopes = (x: NDArray): Float64Array =>
  a.transpose().matmul(a.matmul(x).sub(b)).dataSync() as Float64Array;

const lasso = (penalty: NDArray) =>
  minimise(misfit, np.zeros([n], { dtype: "float64" }), {
    solver: proximalGradient((x: NDArray, step) => softThreshold(x, step.mul(penalty))),
  });

Deno.test("a sparse minimum meets the conditions of one", () => {
  const found = jit(lasso)(scalar(0.5));
  assertEquals(found.statusName, "converged", found.message);
  assert(found.steps.item() < 150, found.message);
  const [x, g] = [found.value.dataSync(), slopes(found.value)];
  assert(x.filter((v) => v !== 0).length === 10);
  x.forEach((v, i) => {
    if (v === 0) assert(Math.abs(g[i]!) <= 0.5);
    else assertAlmostEquals(g[i]!, -0.5 * Math.sign(v), 1e-10);
  });
});

Deno.test("a sparse minimum has a derivative with respect to its penalty", () => {
  const size = (penalty: NDArray): NDArray => lasso(penalty).value.abs().sum();
  const h = 1e-5;
  const difference = (size(scalar(0.5 + h)).item() - size(scalar(0.5 - h)).item()) / (2 * h);
  assertAlmostEquals(jit(grad(size))(scalar(0.5)).item(), difference, 1e-6);
});

Deno.test("a minimum on the simplex meets the conditions of one, and units do not matter", () => {
  const solve = (unit: number) =>
    jit((x: NDArray) =>
      minimise((x) => misfit(x.div(unit)), x, {
        solver: proximalGradient((x: NDArray) => projectSimplex(x, unit)),
      })
    )(np.ones([n], { dtype: "float64" }).mul(unit / n));
  const found = solve(1);
  assertEquals(found.statusName, "converged", found.message);
  const [x, g] = [found.value.dataSync(), slopes(found.value)];
  const level = Math.min(...g);
  x.forEach((v, i) => {
    assert(v >= 0);
    if (v > 0) assertAlmostEquals(g[i]!, level, 1e-9);
  });
  const other = solve(2 ** -40);
  assertEquals(other.steps.item(), found.steps.item());
  assertEquals([...other.value.mul(2 ** 40).dataSync()], [...x]);
});

Deno.test("projections are operators as they are: what they take besides is a size, and no step", () => {
  const target = f64([0.8, 0.6, -0.4]);
  const f = (x: NDArray) => x.sub(target).square().sum().mul(2);
  const own = { projectNonNegative, projectSimplex, projectL1Ball, projectL2Ball };
  for (const [name, project] of Object.entries(own)) {
    const found = minimise(f, f64([1, 1, 1]), { solver: proximalGradient(project) });
    const want = project(target); // the nearest point, since lengths are all that f measures
    assertEquals(found.statusName, "converged", name);
    found.value.dataSync().forEach((v, i) => assertAlmostEquals(v, want.dataSync()[i]!, 1e-7));
  }
});

Deno.test("trees have proximal operators leaf by leaf, and what cannot be is explained", () => {
  const found = minimise(
    ({ x, y }) => x.sub(f64([3, 0.5])).square().sum().mul(0.5).add(y.add(2).square()),
    { x: f64([0, 0]), y: scalar(1) },
    {
      solver: proximalGradient(({ x, y }: { x: NDArray; y: NDArray }, step) => ({
        x: softThreshold(x, step),
        y: projectNonNegative(y),
      })),
    },
  );
  assertEquals(found.statusName, "converged", found.message);
  assertAlmostEquals(found.value.x.dataSync()[0]!, 2, 1e-10);
  assertEquals([found.value.x.dataSync()[1], found.value.y.item()], [0, 0]);
  const start = f64([0, 0]);
  const square = (x: NDArray): NDArray => x.square().sum();
  const solver = proximalGradient((x: NDArray) => x.sum() as never);
  assertThrows(() => minimise(square, start, { solver }), TreeError, "gives what it takes");
  assertThrows(
    () =>
      minimise(square, start, {
        solver: proximalGradient((x: NDArray) => x),
        bounds: { lower: 0 },
      }),
    TypeError,
    "projectBox()",
  );
  assertThrows(() => projectSimplex(np.array([1, 2], { dtype: "int32" })), DTypeError, "int32");
  assertThrows(() => projectSimplex(scalar(1)), ShapeError, "last axis");
  assertThrows(() => projectL1Ball(start, f64([1, 2, 3])), ShapeError, "radius");
});

// ---------------------------------------------------------------- optimisers

Deno.test("an optimiser minimises until the Hessian says that nothing is left", () => {
  const bowl = (x: NDArray): NDArray => np.cosh(x.sub(f64([1, 2]))).sum();
  for (const solver of [first(adam(0.1)), first(sgd(0.1))]) {
    const solve = (x: NDArray) => minimise(bowl, x, { solver });
    const found = jit(solve)(f64([0, 0]));
    assertEquals(found.statusName, "converged", found.message);
    [1, 2].forEach((v, i) => assertAlmostEquals(found.value.dataSync()[i]!, v, 1e-9));
    assert(found.evaluations.products.item() > 0);
  }
  // A rate that is far too small is not taken for convergence.
  const slow = jit((x: NDArray) => minimise(bowl, x, { solver: first(sgd(1e-9)), maxSteps: 500 }))(
    f64([0, 0]),
  );
  assertEquals(slow.statusName, "maxSteps", slow.message);
  // One that is too large is not either.
  const wild = jit((x: NDArray) =>
    minimise((x) => x.square().sum(), x, { solver: first(sgd(1.1)), maxSteps: 500 })
  )(f64([1, 1]));
  assert(!wild.converged, wild.message);
});

Deno.test("an optimiser sees the tree, and bounds hold", () => {
  const found = minimise(
    ({ w, c }) => w.sub(3).square().sum().add(c.sub(1).square()),
    { w: f64([0, 0]), c: scalar(0) },
    { solver: first(adam(0.05)), bounds: { upper: 2 } },
  );
  assertEquals(found.statusName, "converged", found.message);
  assertEquals([...found.value.w.dataSync()], [2, 2]);
  assertAlmostEquals(found.value.c.item(), 1, 1e-9);
  assertThrows(() => first({} as never), TypeError, "an optimiser such as adam(1e-3)");
});

Deno.test("sets of no points are refused, or NaN where they are computed; what is not a number has no nearest point", () => {
  const x = f64([1, 2]);
  const sizes = { projectSimplex, projectL1Ball, projectL2Ball, softThreshold };
  const onBox = (x: NDArray, lower: Amount) => projectBox(x, lower, 1);
  for (const [name, project] of Object.entries({ ...sizes, projectBox: onBox })) {
    const none = name === "projectBox" ? 1.5 : -0.5;
    assertThrows(() => project(x, none), RangeError, `${name}: `);
    assertThrows(() => project(x, scalar(none)), RangeError, `${name}: `);
    const all = jit(project)(x, none).dataSync();
    assert(all.every(Number.isNaN), `${name}: ${all}`);
    for (const run of [project, jit(project)]) {
      assert(Number.isNaN(run(f64([NaN, 2]), 0.5).dataSync()[0]), name);
      assert(run(x, 0.5).dataSync().every(Number.isFinite), name);
    }
    // A lane of no points leaves the others alone.
    const lanes = vmap((r: NDArray) => project(x, r))(f64([none, 0.5]));
    assertEquals([...lanes.dataSync()].slice(2), [...project(x, 0.5).dataSync()], name);
  }
  for (const project of [projectSimplex, projectL1Ball, projectL2Ball]) {
    assertEquals([...project(x, 0).dataSync()], [0, 0], project.name);
  }
});
