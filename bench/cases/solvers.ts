/**
 * Solvers as users write them: Levenberg and Marquardt's method for a fit, one and a thousand at once,
 * and L-BFGS. A step is a hundred small operations and more, which is what runtimes for large arrays are
 * slow at.
 *
 * @module
 */
import {
  type DType,
  foriLoop,
  jacfwd,
  type NDArray,
  numpy as np,
  valueAndGrad,
  vmap,
  whileLoop,
} from "../../mod.ts";
import * as library from "../../mod.ts";
import { injax, plain } from "../entries.ts";
import type { Case } from "../harness.ts";
import { noise64 } from "../problems.ts";

const int = (v: number): NDArray => np.array(v, { dtype: "int32" });

// ---------------------------------------------------------------- least squares

const POINTS = 100;
const FIT_STEPS = 30;
const times = Float64Array.from({ length: POINTS }, (_, i) => i / 20);
const data = times.map((t, i) => 2.5 * Math.exp(-1.3 * t) + 0.5 + 0.02 * Math.sin(37 * i));
const start = [1, 1, 0];

/** `p0 exp(-p1 t) + p2 - y` */
const residuals = (t: NDArray, y: NDArray, p: NDArray): NDArray =>
  np.exp(t.mul(p.at(1)).neg()).mul(p.at(0)).add(p.at(2)).sub(y);

/** `h x = g` for a symmetric h, by cofactors, whose diagonal is taken `scale` times. */
function solveThree(h: NDArray, g: NDArray, scale: NDArray): NDArray {
  const at = (i: number, j: number): NDArray => h.at(i).at(j);
  const [a, d, f] = [0, 1, 2].map((i) => at(i, i).mul(scale)) as [NDArray, NDArray, NDArray];
  const [b, c, e] = [at(0, 1), at(0, 2), at(1, 2)];
  const aa = d.mul(f).sub(e.mul(e));
  const bb = c.mul(e).sub(b.mul(f));
  const cc = b.mul(e).sub(c.mul(d));
  const dd = a.mul(f).sub(c.mul(c));
  const ee = b.mul(c).sub(a.mul(e));
  const ff = a.mul(d).sub(b.mul(b));
  const det = a.mul(aa).add(b.mul(bb)).add(c.mul(cc));
  const row = (x: NDArray, y: NDArray, z: NDArray): NDArray =>
    x.mul(g.at(0)).add(y.mul(g.at(1))).add(z.mul(g.at(2))).div(det);
  return np.stack([row(aa, bb, cc), row(bb, dd, ee), row(cc, ee, ff)]);
}

/** Parameters and sum of squares after 30 steps. */
function fit(t: NDArray, y: NDArray, p0: NDArray): NDArray[] {
  const { dtype } = p0;
  const f = (p: NDArray): NDArray => residuals(t, y, p);
  const number = (v: number): NDArray => np.array(v, { dtype });
  const [p, , cost] = whileLoop(([, , , k]) => k.less(FIT_STEPS), ([p, damping, cost, k]) => {
    const r = f(p);
    const j = jacfwd(f)(p);
    const [h, g] = [j.transpose().matmul(j), j.transpose().matmul(r)];
    const next = p.sub(solveThree(h, g, damping.add(1)));
    const left = f(next);
    const nextCost = left.mul(left).sum();
    const better = nextCost.less(cost);
    return [
      np.where(better, next, p),
      np.where(better, damping.mul(0.3), damping.mul(4)),
      np.where(better, nextCost, cost),
      k.add(1),
    ];
  }, [p0, number(1e-2), number(1e30), int(0)] as [NDArray, NDArray, NDArray, NDArray]);
  return [p, cost];
}

function fitPlain(y: Float64Array): Float64Array[] {
  let p = Float64Array.from(start);
  let [damping, cost] = [1e-2, 1e30];
  for (let k = 0; k < FIT_STEPS; k++) {
    // Three numbers, which the type of a Float64Array does not say.
    const [p0, p1, p2] = p as unknown as [number, number, number];
    let [a, b, c, d, e, f, g0, g1, g2] = [0, 0, 0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < POINTS; i++) {
      const t = times[i]!;
      const j0 = Math.exp(-p1 * t);
      const j1 = -p0 * t * j0;
      const r = p0 * j0 + p2 - y[i]!;
      a += j0 * j0;
      b += j0 * j1;
      c += j0;
      d += j1 * j1;
      e += j1;
      f += 1;
      g0 += j0 * r;
      g1 += j1 * r;
      g2 += r;
    }
    a *= 1 + damping;
    d *= 1 + damping;
    f *= 1 + damping;
    const [aa, bb, cc] = [d * f - e * e, c * e - b * f, b * e - c * d];
    const [dd, ee, ff] = [a * f - c * c, b * c - a * e, a * d - b * b];
    const det = a * aa + b * bb + c * cc;
    const next = Float64Array.of(
      p0 - (aa * g0 + bb * g1 + cc * g2) / det,
      p1 - (bb * g0 + dd * g1 + ee * g2) / det,
      p2 - (cc * g0 + ee * g1 + ff * g2) / det,
    );
    let nextCost = 0;
    for (let i = 0; i < POINTS; i++) {
      const r = next[0]! * Math.exp(-next[1]! * times[i]!) + next[2]! - y[i]!;
      nextCost += r * r;
    }
    if (nextCost < cost) {
      [p, cost] = [next, nextCost];
      damping *= 0.3;
    } else damping *= 4;
  }
  return [p, Float64Array.of(cost)];
}

const fitArgs = (dtype: DType) => () => [times, data, start].map((x) => np.array(x, { dtype }));

const FITS = 1000;
/** Each fit's data are a little different. */
const allData = (): Float64Array =>
  Float64Array.from(
    { length: FITS * POINTS },
    (_, n) => data[n % POINTS]! + 0.01 * Math.sin((n % POINTS) * Math.floor(n / POINTS)),
  );

// ---------------------------------------------------------------- minimisation

const UNKNOWNS = 100;
const MINIMISER_STEPS = 500;
const MEMORY = 10;
const MOST_HALVINGS = 20;
const SUFFICIENT = 1e-4;
/** Pairs of changes whose inner product is below have no curvature to tell. */
const LEAST_CURVATURE = 1e-10;
const firstGuess = (): Float64Array => noise64(UNKNOWNS, 34, 1);

/** Rosenbrock's function, chained: the sum of `10 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2`. */
function rosenbrock(x: NDArray): NDArray {
  const [left, right] = [x.slice([0], [-1]), x.slice([1], [UNKNOWNS])];
  const [u, v] = [right.sub(left.mul(left)), left.neg().add(1)];
  return u.mul(u).mul(10).add(v.mul(v)).sum();
}

type State = [
  k: NDArray,
  x: NDArray,
  value: NDArray,
  gradient: NDArray,
  s: NDArray,
  y: NDArray,
  rho: NDArray,
];

/** L-BFGS with halving of steps, 500 steps, as users write it: the last point and value. */
function minimise(x0: NDArray): NDArray[] {
  const { dtype } = x0;
  const zeros = (...shape: number[]): NDArray => np.zeros(shape, { dtype });
  const evaluate = valueAndGrad(rosenbrock);
  const row = (m: NDArray, i: NDArray): NDArray =>
    np.dynamicSlice(m, [i, 0], [1, UNKNOWNS]).reshape([UNKNOWNS]);
  const withRow = (m: NDArray, v: NDArray, i: NDArray): NDArray =>
    np.dynamicUpdateSlice(m, v.reshape([1, UNKNOWNS]), [i, 0]);
  const element = (v: NDArray, i: NDArray): NDArray => np.dynamicSlice(v, [i], [1]).reshape([]);
  const withElement = (v: NDArray, x: NDArray, i: NDArray): NDArray =>
    np.dynamicUpdateSlice(v, x.reshape([1]), [i]);

  const step = ([k, x, value, gradient, s, y, rho]: State): State => {
    const [back, alphas] = foriLoop(0, MEMORY, (j, [q, alphas]) => {
      const i = np.mod(k.sub(j).sub(1), MEMORY);
      const alpha = row(s, i).mul(q).sum().mul(element(rho, i));
      return [q.sub(row(y, i).mul(alpha)), withElement(alphas, alpha, i)];
    }, [gradient, zeros(MEMORY)] as [NDArray, NDArray]);
    const q = foriLoop(0, MEMORY, (j, q) => {
      const i = np.mod(k.add(j), MEMORY);
      const beta = row(y, i).mul(q).sum().mul(element(rho, i));
      return q.add(row(s, i).mul(element(alphas, i).sub(beta)));
    }, back);
    const direction = q.neg();
    const slope = direction.mul(gradient).sum();
    const [length] = whileLoop(
      ([t, halvings]) =>
        np.logicalAnd(
          rosenbrock(x.add(direction.mul(t))).greater(value.add(t.mul(slope).mul(SUFFICIENT))),
          halvings.less(MOST_HALVINGS),
        ),
      ([t, halvings]) => [t.mul(0.5), halvings.add(1)],
      [np.array(1, { dtype }), int(0)] as [NDArray, NDArray],
    );
    const ds = direction.mul(length);
    const next = x.add(ds);
    const [nextValue, nextGradient] = evaluate(next);
    const dy = nextGradient.sub(gradient);
    const curvature = ds.mul(dy).sum();
    const i = np.mod(k, MEMORY);
    const inverse = np.where(curvature.greater(LEAST_CURVATURE), np.reciprocal(curvature), 0);
    return [
      k.add(1),
      next,
      nextValue,
      nextGradient,
      withRow(s, ds, i),
      withRow(y, dy, i),
      withElement(rho, inverse, i),
    ];
  };
  const [value, gradient] = evaluate(x0);
  const memory = [zeros(MEMORY, UNKNOWNS), zeros(MEMORY, UNKNOWNS), zeros(MEMORY)] as const;
  const [, x, least] = whileLoop(
    ([k]) => k.less(MINIMISER_STEPS),
    step,
    [int(0), x0, value, gradient, ...memory] as State,
  );
  return [x, least];
}

function rosenbrockPlain(x: Float64Array, gradient: Float64Array | null): number {
  let value = 0;
  gradient?.fill(0);
  for (let i = 0; i + 1 < x.length; i++) {
    const [u, v] = [x[i + 1]! - x[i]! * x[i]!, 1 - x[i]!];
    value += 10 * u * u + v * v;
    if (gradient !== null) {
      gradient[i]! += -40 * u * x[i]! - 2 * v;
      gradient[i + 1]! += 20 * u;
    }
  }
  return value;
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
}

function minimisePlain(x0: Float64Array): Float64Array[] {
  const n = UNKNOWNS;
  const vectors = (): Float64Array[] => Array.from({ length: MEMORY }, () => new Float64Array(n));
  const [s, y, rho, alphas] = [
    vectors(),
    vectors(),
    new Float64Array(MEMORY),
    new Float64Array(10),
  ];
  const x = x0.slice();
  const [g, q, trial, before] = Array.from({ length: 4 }, () => new Float64Array(n)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  let value = rosenbrockPlain(x, g);
  for (let k = 0; k < MINIMISER_STEPS; k++) {
    q.set(g);
    for (let j = 0; j < MEMORY; j++) {
      const i = (k - j - 1 + MEMORY) % MEMORY;
      if (rho[i] === 0) continue;
      const alpha = alphas[i] = dot(s[i]!, q) * rho[i]!;
      for (let l = 0; l < n; l++) q[l]! -= alpha * y[i]![l]!;
    }
    for (let j = 0; j < MEMORY; j++) {
      const i = (k + j) % MEMORY;
      if (rho[i] === 0) continue;
      const c = alphas[i]! - dot(y[i]!, q) * rho[i]!;
      for (let l = 0; l < n; l++) q[l]! += c * s[i]![l]!;
    }
    const slope = -dot(q, g);
    let t = 1;
    for (let halvings = 0;; halvings++, t /= 2) {
      for (let l = 0; l < n; l++) trial[l] = x[l]! - t * q[l]!;
      if (!(rosenbrockPlain(trial, null) > value + t * slope * SUFFICIENT)) break;
      if (halvings >= MOST_HALVINGS) break;
    }
    before.set(g);
    value = rosenbrockPlain(trial, g);
    const i = k % MEMORY;
    for (let l = 0; l < n; l++) {
      s[i]![l] = -t * q[l]!;
      y[i]![l] = g[l]! - before[l]!;
    }
    x.set(trial);
    const curvature = dot(s[i]!, y[i]!);
    rho[i] = curvature > LEAST_CURVATURE ? 1 / curvature : 0;
  }
  return [x, Float64Array.of(value)];
}

// ---------------------------------------------------------------- linear systems

const EQUATIONS = 100;
const RESTART = 50;
const LINEAR_TOLERANCE = 1e-10;
/** The identity and noise, which takes some 140 steps. */
const matrixOfNoise = (): Float64Array =>
  noise64(EQUATIONS * EQUATIONS, 35, 0.34).map((x, i) => x + (i % (EQUATIONS + 1) === 0 ? 1 : 0));
const sideOfNoise = (): Float64Array => noise64(EQUATIONS, 36, 1);

/** Restarted GMRES by modified Gram-Schmidt and rotations, as textbooks have it. */
function gmresPlain(a: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  const x = new Float64Array(n);
  const size = Math.sqrt(dot(b, b));
  const times = (v: Float64Array): Float64Array =>
    Float64Array.from({ length: n }, (_, i) => dot(a.subarray(i * n, (i + 1) * n), v));
  for (let cycles = 0; cycles < 100; cycles++) {
    const product = times(x);
    const r = b.map((v, i) => v - product[i]!);
    const first = Math.sqrt(dot(r, r));
    if (first <= LINEAR_TOLERANCE * size) break;
    const v = [r.map((u) => u / first)];
    const g = [first];
    const [h, cos, sin]: [number[][], number[], number[]] = [[], [], []];
    for (let k = 0; k < RESTART && Math.abs(g[k]!) > LINEAR_TOLERANCE * size; k++) {
      const w = times(v[k]!);
      const column: number[] = [];
      for (let j = 0; j <= k; j++) {
        const c = dot(w, v[j]!);
        column.push(c);
        for (let i = 0; i < n; i++) w[i]! -= c * v[j]![i]!;
      }
      const rest = Math.sqrt(dot(w, w));
      v.push(w.map((u) => u / rest));
      for (let j = 0; j < k; j++) {
        const [p, q] = [column[j]!, column[j + 1]!];
        column[j] = cos[j]! * p + sin[j]! * q;
        column[j + 1] = cos[j]! * q - sin[j]! * p;
      }
      const rho = Math.hypot(column[k]!, rest);
      cos.push(column[k]! / rho);
      sin.push(rest / rho);
      column[k] = rho;
      h.push(column);
      g.push(-sin[k]! * g[k]!);
      g[k]! *= cos[k]!;
    }
    const y = new Float64Array(h.length);
    for (let k = h.length - 1; k >= 0; k--) {
      let sum = g[k]!;
      for (let j = k + 1; j < h.length; j++) sum -= h[j]![k]! * y[j]!;
      y[k] = sum / h[k]![k]!;
      for (let i = 0; i < n; i++) x[i]! += y[k]! * v[k]![i]!;
    }
  }
  return x;
}

/** All of them. */
export const solverCases: readonly Case[] = [
  {
    name: "lm-f32",
    title: "Levenberg-Marquardt, 3 parameters, 100 points, 30 steps, float32",
    entries: [
      ...injax({ args: fitArgs("float32"), f: (t, y, p) => fit(t!, y!, p!) }),
      plain(() => () => fitPlain(data)),
    ],
  },
  {
    name: "lm-f64",
    title: "the same in float64",
    entries: [
      ...injax({ args: fitArgs("float64"), f: (t, y, p) => fit(t!, y!, p!), tolerance: 1e-6 }),
      plain(() => () => fitPlain(data), 1e-6),
    ],
  },
  {
    name: "lm-vmap",
    title: "vmap of 1,000 such fits, float32",
    entries: [
      ...injax({
        args: () => [
          np.array(times, { dtype: "float32" }),
          np.array(allData(), { dtype: "float32" }).reshape([FITS, POINTS]),
          np.array(start),
        ],
        f: (t, ys, p) => [vmap((y: NDArray) => fit(t!, y, p!)[0]!)(ys!)],
      }),
      plain(() => {
        const all = allData();
        const fits = Array.from(
          { length: FITS },
          (_, n) => all.subarray(n * POINTS, (n + 1) * POINTS),
        );
        return () => {
          const out = new Float64Array(3 * FITS);
          fits.forEach((y, n) => out.set(fitPlain(y)[0]!, 3 * n));
          return [out];
        };
      }),
    ],
  },
  {
    name: "lbfgs",
    title: "L-BFGS, 100 unknowns, memory 10, 500 steps, float64",
    entries: [
      ...injax({
        args: () => [np.array(firstGuess(), { dtype: "float64" })],
        f: (x) => minimise(x!),
      }),
      plain(() => {
        const x0 = firstGuess();
        return () => minimisePlain(x0);
      }),
    ],
  },
  {
    name: "minimise",
    title: "the library's minimise, 100 unknowns, 500 evaluations at most, float64",
    entries: [
      ...injax({
        args: () => [np.array(firstGuess(), { dtype: "float64" })],
        f: (x) => {
          const { value, cost } = library.minimise(rosenbrock, x!, { maxSteps: MINIMISER_STEPS });
          return [value, cost!];
        },
        tolerance: 1e-6,
      }),
      plain(() => {
        const x0 = firstGuess();
        return () => minimisePlain(x0);
      }, 1e-6),
    ],
  },
  {
    name: "gmres",
    title: "the library's GMRES, 100 unknowns, restarts of 50, to 1e-10, float64",
    entries: [
      ...injax({
        args: () => [
          np.array(matrixOfNoise(), { dtype: "float64" }).reshape([EQUATIONS, EQUATIONS]),
          np.array(sideOfNoise(), { dtype: "float64" }),
        ],
        f: (a, b) => {
          const solver = library.gmres({ restart: RESTART });
          return [library.linearSolve(a!, b!, { solver, rtol: LINEAR_TOLERANCE }).value];
        },
        tolerance: 1e-6,
      }),
      plain(() => {
        const [a, b] = [matrixOfNoise(), sideOfNoise()];
        return () => [gmresPlain(a, b)];
      }, 1e-6),
    ],
  },
];
