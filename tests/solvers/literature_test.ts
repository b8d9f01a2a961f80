/**
 * Systems and fits of the literature with known answers: found in all units, in no more evaluations than are stated.
 * Roots are by mpmath with 40 digits; parameters and their standard errors are those that R's `nls` prints,
 * with more digits by SciPy 1.17's `curve_fit`.
 */
import {
  curveFit,
  gaussNewton,
  jit,
  leastSquares,
  levenbergMarquardt,
  type NDArray,
  numpy as np,
  rootFind,
} from "../../mod.ts";
import { assert, assertEquals } from "../support/assert.ts";

const dtypes = ["float64", "float32"] as const;

interface Known {
  readonly f: (...x: readonly NDArray[]) => readonly NDArray[];
  readonly start: readonly number[];
  readonly root: readonly number[];
  /** Evaluations in float64: those that were made, and two. */
  readonly most: number;
  /** Whether it asks for more than the precision of float32. */
  readonly double?: boolean;
}

const systems: Readonly<Record<string, Known>> = {
  "Dennis and Schnabel, example 5.4.2": {
    f: (x, y) => [
      x!.square().add(y!.square()).sub(2),
      np.exp(x!.sub(1)).add(y!.pow(3)).sub(2),
    ],
    start: [2, 3],
    root: [1, 1],
    most: 11,
  },
  "Ferraris and Tronconi": {
    f: (x, y) => [
      np.sin(x!.mul(y!)).mul(0.5).sub(y!.mul(0.25 / Math.PI)).sub(x!.mul(0.5)),
      np.exp(x!.mul(2)).sub(Math.E).mul(1 - 0.25 / Math.PI).add(y!.mul(Math.E / Math.PI))
        .sub(x!.mul(2 * Math.E)),
    ],
    start: [0.4, 3],
    root: [0.29944869249092632, 2.8369277704589397],
    most: 10,
  },
  "a neuron's model (Verschelde)": {
    f: (a, b, c, d, e, g) => [
      a!.square().add(c!.square()).sub(1),
      b!.square().add(d!.square()).sub(1),
      e!.mul(c!.pow(3)).add(g!.mul(d!.pow(3))).sub(1),
      e!.mul(a!.pow(3)).add(g!.mul(b!.pow(3))).sub(0.5),
      e!.mul(a!).mul(c!.square()).add(g!.mul(d!.square()).mul(b!)).sub(0.3),
      e!.mul(a!.square()).mul(c!).add(g!.mul(b!.square()).mul(d!)).sub(0.2),
    ],
    start: [0.9, 0.4, 0.5, 0.9, 0.6, 0.6],
    root: [
      0.96592582628906829,
      0.25881904510252076,
      0.25881904510252076,
      0.96592582628906829,
      0.53365386845310702,
      1.099339293402345,
    ],
    most: 9,
  },
  "carbonic acid in rain": {
    f: (h, a, c, b, oh) => [
      h!.mul(a!).sub(c!.mul(4.45e-7)),
      h!.mul(b!).sub(a!.mul(4.69e-11)),
      h!.mul(oh!).sub(1e-14),
      c!.sub(1.3e-5),
      h!.sub(a!).sub(b!.mul(2)).sub(oh!),
    ],
    start: [1e-7, 1e-6, 1e-5, 1e-9, 1e-7],
    root: [
      2.4073274411445053e-6,
      2.4030798225145734e-6,
      1.3e-5,
      4.6817247105508381e-11,
      4.1539841357209566e-9,
    ],
    most: 10,
    double: true,
  },
  "two diodes in a row": {
    f: (u, v) => {
      const first = np.expm1(u!.sub(v!).div(0.0259)).mul(1e-13);
      return [u!.neg().add(10).div(1000).sub(first), first.sub(np.expm1(v!.div(0.0518)).mul(1e-9))];
    },
    start: [1.2, 0.6],
    root: [1.4784924886134696, 0.82662978401223378],
    most: 17,
  },
  "Kepler's equation, e = 0.99": {
    f: (x) => [x!.sub(np.sin(x!).mul(0.99)).sub(0.05)],
    start: [0.05],
    root: [0.64589145695041153],
    most: 13,
  },
};

for (const [name, { f, start, root, most, double = false }] of Object.entries(systems)) {
  Deno.test(`a system of the literature is solved in all units: ${name}`, () => {
    for (const dtype of dtypes) {
      for (const unit of dtype === "float64" ? [1, 1e-12, 1e6] : [1]) {
        const at = (v: NDArray): NDArray =>
          np.stack(f(...root.map((_, i) => v.at(i).div(unit)))).mul(unit);
        const s = jit((x: NDArray) => rootFind(at, x))(np.array([...start], { dtype }).mul(unit));
        const x = s.value.div(unit).dataSync();
        const error = Math.max(...root.map((r, i) => Math.abs(x[i]! / r - 1)));
        if (dtype === "float32" && double) {
          assert(!s.converged || error < 1e-3, `${error}, ${s.message}`);
          continue;
        }
        assertEquals(s.statusName, "converged", s.message);
        assert(error < (dtype === "float32" ? 1e-5 : 1e-12), `${error}, ${s.message}`);
        if (dtype === "float64") assert(s.steps.item() <= most, s.message);
      }
    }
  });
}

Deno.test("minima of large residuals are claimed, to which steps of Gauss and Newton do not come", () => {
  // Dennis and Schnabel, "Numerical methods for unconstrained optimization and nonlinear equations", example 10.2.4:
  // the larger the residuals, the slower; from the fourth they diverge. Minima by mpmath with 30 digits.
  const minima = [
    [8, 0.69314718055994531],
    [3, 0.44004985808229998],
    [-1, 0.044743984190662197],
    [-4, -0.37192873255882377],
    [-8, -0.79148633705921137],
  ] as const;
  for (
    const solver of [levenbergMarquardt(), levenbergMarquardt({ geodesic: true }), gaussNewton()]
  ) {
    for (const dtype of dtypes) {
      const t = np.array([1, 2, 3], { dtype });
      const fit = jit((last: NDArray, x: NDArray) =>
        leastSquares(
          (x) =>
            np.exp(t.mul(x)).sub(np.stack([np.array(2, { dtype }), np.array(4, { dtype }), last])),
          x,
          { solver },
        )
      );
      for (const [last, known] of minima) {
        for (const start of [1, -0.7]) {
          const s = fit(np.array(last, { dtype }), np.array(start, { dtype }));
          if (dtype === "float64") assertEquals(s.statusName, "converged", s.message);
          const error = Math.abs(s.value.item() / known - 1);
          assert(
            !s.converged || error < (dtype === "float64" ? 1e-9 : 1e-3),
            `${error}, ${s.message}`,
          );
        }
      }
    }
  }
});

const twice = (xs: readonly number[]): number[] => xs.flatMap((x) => [x, x]);
type Params = Readonly<Record<string, NDArray>>;
const saturation = ({ a, b }: Params, x: NDArray): NDArray => a!.mul(x).div(b!.add(x));

interface Fit {
  readonly model: (params: Params, x: NDArray) => NDArray;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly start: Readonly<Record<string, number>>;
  readonly known: readonly number[];
  readonly errors: readonly number[];
}

const fits: Readonly<Record<string, Fit>> = {
  // Bates and Watts, "Nonlinear Regression Analysis and Its Applications", 1988.
  "Puromycin, treated": {
    model: saturation,
    x: twice([0.02, 0.06, 0.11, 0.22, 0.56, 1.1]),
    y: [76, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200],
    start: { a: 205, b: 0.08 },
    known: [212.6837, 0.06412128],
    errors: [6.9472, 0.0082809],
  },
  "biochemical oxygen demand": {
    model: ({ a, b }, x) => np.expm1(b!.mul(x).neg()).mul(a!).neg(),
    x: [1, 2, 3, 4, 5, 7],
    y: [8.3, 10.3, 19, 16, 15.6, 19.8],
    start: { a: 20, b: 0.5 },
    known: [19.14258, 0.5310914],
    errors: [2.4959, 0.20308],
  },
  "an assay of DNase": {
    model: ({ a, b, c }, x) => a!.div(np.exp(b!.sub(np.log(x)).div(c!)).add(1)),
    x: twice([0.04882812, 0.1953125, 0.390625, 0.78125, 1.5625, 3.125, 6.25, 12.5]),
    y: [
      0.017,
      0.018,
      0.121,
      0.124,
      0.206,
      0.215,
      0.377,
      0.374,
      0.614,
      0.609,
      1.019,
      1.001,
      1.334,
      1.364,
      1.73,
      1.71,
    ],
    start: { a: 3, b: 0, c: 1 },
    known: [2.345179, 1.483089, 1.041455],
    errors: [0.078154, 0.081353, 0.032271],
  },
  "indometacin in plasma, from equal rates": {
    model: ({ a, b, c, d }, x) =>
      a!.mul(np.exp(np.exp(b!).mul(x).neg())).add(c!.mul(np.exp(np.exp(d!).mul(x).neg()))),
    x: [0.25, 0.5, 0.75, 1, 1.25, 2, 3, 4, 5, 6, 8],
    y: [1.5, 0.94, 0.78, 0.48, 0.37, 0.19, 0.12, 0.11, 0.08, 0.07, 0.05],
    start: { a: 1, b: 0, c: 1, d: 0 },
    known: [2.029278, 0.5793898, 0.191548, -1.787783],
    errors: [0.1099, 0.12465, 0.11063, 0.78713],
  },
};

for (const [name, { model, x, y, start, known, errors }] of Object.entries(fits)) {
  Deno.test(`a fit of the literature has the published parameters and errors: ${name}`, () => {
    for (const dtype of dtypes) {
      const data = { x: np.array([...x], { dtype }), y: np.array([...y], { dtype }) };
      const fit = curveFit(model, data, start);
      assertEquals(fit.statusName, "converged", fit.message);
      const told = (values: Params): number[] => Object.values(values).map((v) => v.item());
      // Of two terms that may change places, the published order.
      const order = (v: number[]): number[] =>
        known.length === 4 && told(fit.value)[1]! < 0 ? [v[2]!, v[3]!, v[0]!, v[1]!] : v;
      order(told(fit.value)).forEach((v, i) =>
        assert(Math.abs(v / known[i]! - 1) < 1e-5, `${i}: ${v}, ${dtype}`)
      );
      order(told(fit.standardErrors)).forEach((v, i) =>
        assert(Math.abs(v / errors[i]! - 1) < 1e-4, `${i}: ${v}, ${dtype}`)
      );
    }
  });
}
