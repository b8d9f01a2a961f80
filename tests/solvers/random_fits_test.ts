/**
 * Fits made at random: linear ones have the values and standard errors of the textbook from any start, in any units; no
 * fit claims a point from which the gradient leads down, leaves its bounds, or ends at a point that is worse than one
 * that it has met.
 */
import {
  curveFit,
  type DType,
  gaussNewton,
  jacfwd,
  jit,
  leastSquares,
  levenbergMarquardt,
  type NDArray,
  numpy as np,
  vmap,
} from "../../mod.ts";
import { assert } from "../support/assert.ts";
import { Random, seedNote } from "../support/random.ts";

const dtypes = ["float64", "float32"] as const;
const array = (x: readonly unknown[], dtype: DType): NDArray => np.array(x as number[], { dtype });
const range = <T>(n: number, f: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => f(i));
const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((s, v, i) => s + v * b[i]!, 0);

/** Least squares by Gram and Schmidt, each column twice: values, and diagonal elements of (A^T A)^-1. */
function textbook(rows: readonly number[][], b: readonly number[]) {
  const n = rows[0]!.length;
  const q: number[][] = [];
  const r = range(n, () => range(n, () => 0));
  for (let j = 0; j < n; j++) {
    const v = rows.map((row) => row[j]!);
    for (const k of [...q.keys(), ...q.keys()]) {
      const share = dot(q[k]!, v);
      r[k]![j]! += share;
      q[k]!.forEach((x, i) => v[i]! -= share * x);
    }
    r[j]![j] = Math.sqrt(dot(v, v));
    q.push(v.map((x) => x / r[j]![j]!));
  }
  const back = (c: readonly number[]): number[] => {
    const x = [...c];
    for (let j = n - 1; j >= 0; j--) {
      for (let k = j + 1; k < n; k++) x[j]! -= r[j]![k]! * x[k]!;
      x[j]! /= r[j]![j]!;
    }
    return x;
  };
  const left = [...b];
  const c = q.map((v) => {
    const share = dot(v, left);
    v.forEach((x, i) => left[i]! -= share * x);
    return share;
  });
  const inverse = range(n, (j) => back(range(n, (k) => +(k === j))));
  return {
    value: back(c),
    diagonal: range(n, (a) => inverse.reduce((s, v) => s + v[a]! ** 2, 0)),
    chi: dot(left, left),
  };
}

Deno.test("linear fits are those of the textbook from any start, in any units", () => {
  const random = new Random("linear fits");
  const [lanes, m, n] = [30, 9, 3];
  const pick = (xs: readonly number[]): number => xs[random.integer(0, xs.length)]!;
  for (const dtype of dtypes) {
    const cases = range(lanes, () => {
      const unit = pick([dtype === "float64" ? 1e-100 : 1e-25, 1e-12, 1, 1e6]);
      const scales = range(n, () => 10 ** random.uniform(-3, 3));
      const own = (xs: readonly number[]): number[] => [...array(xs, dtype).dataSync()] as number[];
      const rows = range(m, () => own(scales.map((s) => s * random.uniform(-1, 1))));
      const truth = scales.map((s) => random.uniform(-2, 2) * unit / s);
      const noise = pick([0.02, 0.3]);
      const y = own(rows.map((r) => dot(r, truth) + noise * unit * random.uniform(-1, 1)));
      const sigma = own(range(m, () => unit * random.uniform(0.1, 1)));
      const far = pick([0, 1, 1e3]);
      const start = scales.map((s) => pick([0, 1, random.uniform(-2, 2) * far * unit / s]));
      return { rows, y, sigma, start };
    });
    const fit = jit(vmap((rows: NDArray, y: NDArray, sigma: NDArray, start: NDArray) => {
      const model = (p: NDArray, a: NDArray): NDArray => a.matmul(p);
      const absolute = { sigma, absoluteSigma: true };
      const [f, g] = [{ sigma }, absolute].map((o) => curveFit(model, { x: rows, y }, start, o));
      const { standardError } = f!.predict(rows);
      const { value, status } = f!;
      return [value, status, f!.standardErrors, g!.standardErrors, standardError] as const;
    }));
    const all = (of: (c: (typeof cases)[number]) => unknown): NDArray =>
      array(cases.map(of), dtype);
    const [value, status, errors, absolute, ofCurve] = fit(
      all((c) => c.rows),
      all((c) => c.y),
      all((c) => c.sigma),
      all((c) => c.start),
    ).map((x) => x.dataSync());
    cases.forEach(({ rows, y, sigma, start }, lane) => {
      const weighed = rows.map((r, i) => r.map((v) => v / sigma[i]!));
      const right = textbook(weighed, y.map((v, i) => v / sigma[i]!));
      const told = `${dtype}, lane ${lane} from ${start}, ${seedNote}`;
      assert(status![lane] === 0, `status ${status![lane]}: ${told}`);
      for (let j = 0; j < n; j++) {
        const at = lane * n + j;
        const error = Math.sqrt(right.diagonal[j]!);
        const scatter = Math.sqrt(right.chi / (m - n));
        // What is claimed is known to the tolerance, or to as small a share of its error.
        const share = dtype === "float64" ? 1e-9 : 2e-3;
        const most = share * (Math.abs(right.value[j]!) + error * scatter);
        const off = Math.abs(value![at]! - right.value[j]!);
        assert(off <= most, `${value![at]}, right ${right.value[j]}: ${told}`);
        for (const [found, e] of [[errors, error * scatter], [absolute, error]] as const) {
          assert(
            Math.abs(found![at]! / e - 1) < share,
            `error ${found![at]}, right ${e}: ${told}`,
          );
        }
      }
      // Of the curve at the points, variances over those of the data add up to the number of parameters.
      const sum = sigma.reduce((s, e, i) => s + (ofCurve![lane * m + i]! / e) ** 2, 0);
      const share = sum / (n * right.chi / (m - n));
      assert(
        Math.abs(share - 1) < (dtype === "float64" ? 1e-8 : 1e-2),
        `bands ${share}: ${told}`,
      );
    });
  }
});

type Curve = (p: NDArray, x: NDArray) => NDArray;
const curves: Readonly<Record<string, Curve>> = {
  "logistic curves": (p, x) => np.div(p.at(0), np.exp(p.at(1).mul(x.sub(p.at(2))).neg()).add(1)),
  "decays": (p, x) => p.at(0).mul(np.exp(p.at(1).mul(x).neg())).add(p.at(2)),
  // Of data that fall, the best one has no slope: then the residuals bend where they have none.
  "lines of a slope that is a square": (p, x) =>
    p.at(0).square().mul(x).add(p.at(1)).add(p.at(2).mul(0.1)),
};

for (const [name, curve] of Object.entries(curves)) {
  Deno.test(`${name} at random are claimed only where nothing leads down, and end at their best points`, () => {
    const random = new Random(name);
    const [lanes, m, n] = [30, 6, 3];
    const x = range(m, (i) => i * 0.8 - 1.5);
    const list = (low: number, high: number): number[] => random.list(n, low, high);
    const cases = range(lanes, (lane) => {
      const truth = list(-2, 2);
      const lower = truth.map((t) => lane % 2 === 0 ? -1e3 : t - random.uniform(-0.2, 1));
      return {
        y: [...curve(array(truth, "float64"), array(x, "float64")).dataSync()].map((v) =>
          v + random.uniform(-0.5, 0.5)
        ),
        start: list(-3, 3),
        lower,
        upper: lower.map((l) => lane % 2 === 0 ? 1e3 : l + random.uniform(0.1, 3)),
      };
    });
    const solvers = [levenbergMarquardt(), gaussNewton()];
    for (const [i, solver] of solvers.entries()) {
      for (const dtype of dtypes.slice(0, 2 - i)) {
        const [y, start, lower, upper] = (["y", "start", "lower", "upper"] as const).map((k) =>
          array(cases.map((c) => c[k]), dtype)
        ) as [NDArray, NDArray, NDArray, NDArray];
        const solve = jit(vmap((y: NDArray, start: NDArray, lower: NDArray, upper: NDArray) => {
          const residuals = (p: NDArray): NDArray => curve(p, array(x, dtype)).sub(y);
          const bounds = { lower, upper };
          const s = leastSquares(residuals, start, {
            solver,
            bounds,
            history: true,
            maxSteps: 300,
          });
          const best = np.nanmin(s.history!);
          return [s.value, s.status, s.residualNorm, best] as const;
        }));
        const [value, status, size, best] = solve(y, start, lower, upper);
        const at = jit(vmap((p: NDArray, y: NDArray) => {
          const residuals = (p: NDArray): NDArray => curve(p, array(x, "float64")).sub(y);
          return [residuals(p), jacfwd(residuals)(p)] as const;
        }));
        const [r, jacobian] = at(value.astype("float64"), y.astype("float64"));
        const [v, lo, hi, rs, js] = [value, lower, upper, r, jacobian].map((a) => a.dataSync());
        for (let lane = 0; lane < lanes; lane++) {
          const told = `${solver.description}, ${dtype}, lane ${lane}, ${seedNote}`;
          const point = range(n, (j) => v![lane * n + j]!);
          const ends = point.map((p, j) => [lo![lane * n + j]!, p, hi![lane * n + j]!] as const);
          assert(
            ends.every(([a, p, b]) => a <= p && p <= b),
            `outside its bounds: ${point}, ${told}`,
          );
          const [own, least] = [size.dataSync()[lane]!, best.dataSync()[lane]!];
          const slack = dtype === "float64" ? 1e-6 : 1e-2;
          assert(own <= least * (1 + slack) + slack ** 2, `${own} is worse than ${least}: ${told}`);
          if (status.dataSync()[lane] !== 0) continue;
          const residual = range(m, (i) => rs![lane * m + i]!);
          const norm = Math.sqrt(dot(residual, residual));
          ends.forEach(([a, p, b], j) => {
            const column = range(m, (i) => js![(lane * m + i) * n + j]!);
            const slope = dot(column, residual);
            const held = p === a && slope > 0 || p === b && slope < 0;
            const most = slack * Math.sqrt(dot(column, column)) * norm + slack ** 2;
            // Where an unknown has no slope of its own, the sum bends instead.
            assert(
              held || Math.abs(slope) <= most,
              `slope ${slope} of ${j} at ${point} in ${
                ends.map((e) => [e[0], e[2]].join(".."))
              }, size ${norm}, y ${cases[lane]!.y} start ${cases[lane]!.start}: ${told}`,
            );
          });
        }
      }
    }
  });
}
