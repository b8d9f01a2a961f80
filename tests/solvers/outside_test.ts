/**
 * Problems of other books and libraries, with solutions from there: in both dtypes, and in units of 2^-40 and 2^20, which
 * change nothing. Fits are held to SciPy's standard errors; equations to the roots of their sources.
 */
import {
  curveFit,
  fixedPoint,
  jit,
  type NDArray,
  numpy as np,
  rootFind,
  type Solution,
} from "../../mod.ts";
import { assert, assertEquals } from "../support/assert.ts";

const dtypes = ["float64", "float32"] as const;
const units = [1, 2 ** -40, 2 ** 20];

interface Fit {
  readonly name: string;
  readonly x: number[];
  readonly y: number[];
  readonly start: Record<string, number>;
  readonly sigma: number[] | null;
  readonly absolute: boolean;
  readonly bounds: number[][] | null;
  readonly value: Record<string, number>;
  readonly errors: Record<string, number>;
  readonly chi: number;
}

const fits: Fit[] = JSON.parse(
  Deno.readTextFileSync(new URL("../reference/fits.json", import.meta.url)),
);

type Parameters = Record<string, NDArray>;
const { exp, log } = np;
const inverse = (x: NDArray): NDArray => np.divide(1, x.add(1));

/** The curves of `record_fits.py`. */
const curves: Record<string, (p: Parameters, x: NDArray) => NDArray> = {
  michaelis: ({ vmax, km }, x) => vmax!.mul(x).div(x.add(km!)),
  logistic: ({ top, mid, scale }, x) => top!.mul(inverse(exp(mid!.sub(x).div(scale!)))),
  hill: ({ bottom, top, ec50, slope }, x) =>
    bottom!.add(top!.sub(bottom!).mul(inverse(exp(log(x.div(ec50!)).mul(slope!).neg())))),
  decay: ({ a, k, b }, x) => a!.mul(exp(x.mul(k!).neg())).add(b!),
  peak: ({ a, m, s, c }, x) => a!.mul(exp(x.sub(m!).div(s!).square().mul(-0.5))).add(c!),
  lorentz: ({ a, m, s, b, n, u }, x) =>
    a!.mul(inverse(x.sub(m!).div(s!).square())).add(b!.mul(inverse(x.sub(n!).div(u!).square()))),
  wave: ({ a, k, w, phi }, x) => a!.mul(exp(x.mul(k!).neg())).mul(np.sin(x.mul(w!).add(phi!))),
  line: ({ a, b }, x) => x.mul(b!).add(a!),
  quintic: (c, x) => Object.values(c).reduceRight((sum, v) => sum.mul(x).add(v), np.zeros([])),
  arrhenius: ({ a, e }, x) => exp(a!.sub(e!.div(x.mul(8.314)))),
  growth: ({ a, b, c }, x) => a!.mul(inverse(exp(b!.sub(x.mul(c!))))),
  weibull: ({ a, b, c, d }, x) => a!.sub(b!.mul(exp(exp(c!.add(log(x).mul(d!))).neg()))),
  gompertz: ({ a, b, c }, x) => a!.mul(exp(exp(b!.sub(x.mul(c!))).neg())),
  two: ({ a, k, b, l }, x) => a!.mul(exp(x.mul(k!).neg())).add(b!.mul(exp(x.mul(l!).neg()))),
  power: ({ a, b, c }, x) => a!.mul(exp(log(x).mul(b!))).add(c!),
};

Deno.test("curves have the parameters and standard errors of SciPy, in whatever units", () => {
  for (const { name, x, y, start, sigma, absolute, bounds, value, errors, chi } of fits) {
    const curve = curves[name]!;
    const names = Object.keys(start);
    const named = <T>(of: (name: string, i: number) => T): Record<string, T> =>
      Object.fromEntries(names.map((n, i) => [n, of(n, i)]));
    for (const dtype of dtypes) {
      const array = (v: number | readonly number[]): NDArray => np.array(v as number[], { dtype });
      const data = array(y);
      // Units are arguments, so that one program makes all fits.
      const fitted = jit((ofY: NDArray, ofP: NDArray) =>
        curveFit(
          (p: Parameters, x) => curve(named((n) => p[n]!.div(ofP)), x).mul(ofY),
          { x: array(x), y: data.mul(ofY) },
          named((n) => array(start[n]!).mul(ofP)),
          {
            ...sigma !== null && { sigma: array(sigma).mul(ofY), absoluteSigma: absolute },
            ...bounds !== null && {
              bounds: {
                lower: named((_, i) => ofP.mul(bounds[i]![0]!)),
                upper: named((_, i) => ofP.mul(bounds[i]![1]!)),
              },
            },
          },
        )
      );
      for (const [ofY, ofP] of [[1, 1], [2 ** -40, 1], [2 ** 20, 1], [1, 2 ** -40], [1, 2 ** 20]]) {
        const fit = fitted(array(ofY!), array(ofP!));
        const what = `${name} in ${dtype}, units ${ofY} of y and ${ofP} of parameters`;
        assert(fit.converged, `${what}: ${fit.message}`);
        const [near, alike] = dtype === "float64" ? [1e-5, 1e-4] : [0.03, 0.05];
        for (const n of names) {
          const off = Math.abs(fit.value[n]!.item() / ofP! - value[n]!) / errors[n]!;
          assert(off < near!, `${what}: ${n} is off by ${off} standard errors`);
          const error = fit.standardErrors[n]!.item() / ofP! / errors[n]!;
          assert(Math.abs(error - 1) < alike!, `${what}: error of ${n} is ${error} of SciPy's`);
        }
        const own = fit.chiSquare.item() / (sigma === null ? ofY! ** 2 : 1);
        assert(Math.abs(own / chi - 1) < alike!, `${what}: chi-square ${own}, not ${chi}`);
      }
    }
  }
});

interface Equation {
  readonly start: readonly number[];
  readonly f: (x: NDArray, array: (v: readonly number[]) => NDArray) => NDArray;
  /** The root, and how near to it one comes in float64 and float32 beside the largest of its elements. */
  readonly root: readonly number[];
  readonly near?: readonly [number, number];
}

const repeated = (n: number, ...xs: number[]): number[] =>
  Array.from({ length: n }, (_, i) => xs[i % xs.length]!);
/** The neighbours to both sides, 0 behind the ends. */
const beside = (x: NDArray): readonly [NDArray, NDArray] => {
  const [n, none] = [x.size, np.zeros([1], { dtype: x.dtype })];
  return [
    np.concatenate([none, x.slice([0], [n - 1])]),
    np.concatenate([x.slice([1], [n]), none]),
  ];
};
const both = (f: (a: NDArray, b: NDArray) => NDArray[]) => (x: NDArray): NDArray =>
  np.stack(f(x.at(0), x.at(1)));

/** `f(x) = 0`: SciPy's and GSL's manuals, Moré, Garbow and Hillstrom (1981), mpmath 1.3 at 30 digits. */
const roots: Record<string, Equation> = {
  "the system of SciPy's fsolve": {
    start: [1, 1],
    f: both((a, b) => [a.mul(np.cos(b)).sub(4), a.mul(b).sub(b).sub(5)]),
    root: [6.504097110250447, 0.908414208740453],
  },
  "x + 2 cos x": {
    start: [0.3],
    f: (x) => x.add(np.cos(x).mul(2)),
    root: [-1.0298665293222589],
  },
  "Rosenbrock's of GSL, from afar": {
    start: [-10, -5],
    f: both((a, b) => [a.neg().add(1), b.sub(a.square()).mul(10)]),
    root: [1, 1],
  },
  "a badly scaled one of Powell": {
    start: [0, 1],
    f: both((a, b) => [
      a.mul(b).mul(1e4).sub(1),
      exp(a.neg()).add(exp(b.neg())).sub(1.0001),
    ]),
    root: [1.09815932969982e-5, 9.10614673986652],
    near: [1e-9, 5e-3],
  },
  "Freudenstein and Roth's, near": {
    start: [6, 3],
    f: both((a, b) => [
      a.sub(13).add(b.neg().add(5).mul(b).sub(2).mul(b)),
      a.sub(29).add(b.add(1).mul(b).sub(14).mul(b)),
    ]),
    root: [5, 4],
  },
  "a cube root of 1": {
    start: [0.5, 0.5],
    f: both((a, b) => [
      a.pow(3).sub(a.mul(b.square()).mul(3)).sub(1),
      a.square().mul(b).mul(3).sub(b.pow(3)),
    ]),
    root: [1, 0],
  },
  "Himmelblau's": {
    start: [1, 1],
    f: both((a, b) => [a.square().add(b).sub(11), a.add(b.square()).sub(7)]),
    root: [3, 2],
  },
  "Kepler's at eccentricity 0.99": {
    start: [0.5],
    f: (x) => x.sub(np.sin(x).mul(0.99)).sub(0.01),
    root: [0.342270316491775],
    near: [1e-12, 1e-5],
  },
  "Colebrook's of the friction in a pipe": {
    start: [0.01],
    f: (x) => {
      const root = np.sqrt(x);
      return np.divide(1, root).add(
        log(np.divide(2.51e-5, root).add(1e-4 / 3.7)).mul(2 / Math.LN10),
      );
    },
    root: [0.018513866077471],
  },
  "a logarithm, with steps to where there is none": {
    start: [3],
    f: (x) => log(x),
    root: [1],
  },
  "an arc tangent, from where Newton's steps diverge": {
    start: [10],
    f: (x) => np.arctan(x),
    root: [0],
  },
  "a double root": { start: [0], f: (x) => x.sub(2).square(), root: [2], near: [1e-4, 1e-2] },
  "Powell's, singular at the root": {
    start: [3, -1, 0, 1],
    f: (x) => {
      const [a, b, c, d] = [0, 1, 2, 3].map((i) => x.at(i)) as [NDArray, NDArray, NDArray, NDArray];
      return np.stack([
        a.add(b.mul(10)),
        c.sub(d).mul(Math.sqrt(5)),
        b.sub(c.mul(2)).square(),
        a.sub(d).square().mul(Math.sqrt(10)),
      ]);
    },
    root: [0, 0, 0, 0],
    near: [1e-4, 1e-2],
  },
  "ten of Rosenbrock's in a chain": {
    start: repeated(10, -1.2, 1),
    f: (x) =>
      np.concatenate([
        x.slice([0], [1]).neg().add(1),
        x.slice([1], [10]).sub(x.slice([0], [9]).square()).mul(10),
      ]),
    root: repeated(10, 1),
    near: [1e-10, 5e-3],
  },
};

/** `f(x) = x`: SciPy's manual, the logistic map, the mean field of a magnet, and closed forms. */
const fixedPoints: Record<string, Equation> = {
  "SciPy's of two lanes": {
    start: [1.2, 1.3],
    f: (x, array) => np.sqrt(np.divide(array([10, 12]), x.add(array([3, 5])))),
    root: [1.4920333011718, 1.37228132326901],
  },
  "a cosine": { start: [1], f: (x) => np.cos(x), root: [0.7390851332151607] },
  "Lambert's of 1": { start: [1], f: (x) => exp(x.neg()), root: [0.5671432904097838] },
  "a root of 2 from afar": {
    start: [100],
    f: (x) => x.add(np.divide(2, x)).mul(0.5),
    root: [Math.SQRT2],
  },
  ...Object.fromEntries([2.9, 3.2, 3.83, 4].map((rate) => [
    `the logistic map of rate ${rate}`,
    { start: [0.3], f: (x: NDArray) => x.mul(x.neg().add(1)).mul(rate), root: [1 - 1 / rate] },
  ])),
  "twice x": { start: [1], f: (x) => x.mul(2), root: [0] },
  "minus x": { start: [1], f: (x) => x.neg(), root: [0] },
  "1 / x": { start: [3], f: (x) => np.divide(1, x), root: [1] },
  "a turn by a right angle, moved": {
    start: [1, 2],
    f: both((a, b) => [b.neg().add(1), a]),
    root: [0.5, 0.5],
  },
  ...Object.fromEntries([2, 3, 4, 5, 6, 7].map((n) => [
    `a cycle of ${n}, drawn to 1`,
    {
      start: repeated(n, 1, 2, 3),
      f: (x: NDArray) => np.roll(x, 1).mul(0.99).add(0.01),
      root: repeated(n, 1),
      near: [1e-9, 1e-3] as const, // a hundred times the residual
    },
  ])),
  "Poisson's equation by Jacobi's steps": {
    start: repeated(7, 0),
    f: (x) => {
      const [left, right] = beside(x);
      return left.add(right).add(2 / 64).mul(0.5);
    },
    root: [7, 12, 15, 16, 15, 12, 7].map((k) => k / 64),
  },
};

function testEquations(
  equations: Record<string, Equation>,
  solve: (f: (x: NDArray) => NDArray, x0: NDArray) => Solution<NDArray>,
): void {
  for (const [name, { start, f, root, near = [1e-9, 1e-4] }] of Object.entries(equations)) {
    dtypes.forEach((dtype, i) => {
      const array = (v: readonly number[]): NDArray => np.array([...v], { dtype });
      const solved = jit((unit: NDArray) =>
        solve((x) => f(x.div(unit), array).mul(unit), array(start).mul(unit))
      );
      const steps = units.map((unit) => {
        const solution = solved(np.array(unit, { dtype }));
        const what = `${name} in ${dtype}, unit ${unit}`;
        assert(solution.converged, `${what}: ${solution.message}`);
        const size = Math.max(...root.map(Math.abs)) || 1;
        solution.value.dataSync().forEach((v, k) => {
          const off = Math.abs(v / unit - root[k]!) / size;
          assert(off < near[i]!, `${what}: x[${k}] is ${v / unit}, not ${root[k]}`);
        });
        return solution.steps.item();
      });
      assertEquals(steps, steps.map(() => steps[0]), `${name} in ${dtype}: steps by unit`);
    });
  }
}

Deno.test("square systems have the roots of their sources, in whatever units", () => {
  testEquations(roots, (f, x0) => rootFind(f, x0, { maxSteps: 1000 }));
});

Deno.test("maps have the fixed points of their sources, in whatever units", () => {
  testEquations(fixedPoints, (f, x0) => fixedPoint(f, x0));
});
