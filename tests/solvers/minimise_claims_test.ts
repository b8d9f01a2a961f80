/** What the methods of `minimise` may not claim: minima that are none, and worse points than they have met. */
import {
  bfgs,
  first,
  jit,
  lbfgs,
  minimise,
  type NDArray,
  nelderMead,
  newtonCg,
  nonlinearCg,
  numpy as np,
} from "../../mod.ts";
import { adam } from "../../lib/optim/mod.ts";
import { assert } from "../support/assert.ts";
import { squares } from "./truth/mgh.ts";
import { numbersFrom, type Point, randomProblem } from "./truth/random_problems.ts";

Deno.test("conjugate gradients claim no minima that are none", () => {
  for (const dtype of ["float64", "float32"] as const) {
    for (const { name, f, start: x0, minima } of squares) {
      const sum = (x: NDArray): NDArray => f(x.astype("float64")).square().sum();
      const solve = jit((x: NDArray) =>
        minimise((x) => sum(x).astype(dtype), x, { solver: nonlinearCg() })
      );
      const found = solve(np.array([...x0], { dtype }));
      const least = sum(found.value).item();
      const [absolute, relative] = dtype === "float64" ? [1e-8, 1e-6] : [1e-5, 1e-3];
      const right = minima.some((m) => Math.abs(least - m) <= absolute + relative * m);
      assert(right || !found.converged, `${name}: ${least}, ${found.message}`);
    }
  }
});

Deno.test("a simplex gives the best point that it has met, where an expansion goes too far", () => {
  const well = (x: np.NDArray) => np.exp(x.square().neg()).neg();
  const { value, converged } = minimise(well, np.array(3, { dtype: "float64" }), {
    solver: nelderMead(),
  });
  assert(converged && Math.abs(value.item()) < 1e-6, `${value.item()}`);
});

Deno.test("a simplex claims minima at kinks, where derivatives promise what values do not keep", () => {
  const kinks = [
    (a: NDArray, b: NDArray) => np.abs(a).add(np.abs(b)),
    (a: NDArray, b: NDArray) => np.maximum(np.abs(a.add(b)), np.abs(a.sub(b).mul(3))).add(2),
    (a: NDArray, b: NDArray) => np.abs(a).add(b.square()),
  ];
  for (const dtype of ["float64", "float32"] as const) {
    const solver = nelderMead();
    for (const f of kinks) {
      const s = jit((x: NDArray) =>
        minimise((x) => f(x.at(0).sub(1), x.at(1).sub(2)), x, { solver })
      )(np.array([0.3, 0.1], { dtype }));
      const off = Math.abs(s.value.at(0).item() - 1) + Math.abs(s.value.at(1).item() - 2);
      assert(s.converged && off < (dtype === "float64" ? 1e-6 : 1e-2), `${off}: ${s.message}`);
    }
  }
});

Deno.test("nothing is claimed where all that is left is rounding of unknowns that have run away", () => {
  for (const [seed, dtype] of [[62, "float64"], [292, "float32"], [26, "float64"]] as const) {
    const p = randomProblem(seed, false, dtype);
    for (const solver of [lbfgs(), bfgs(), newtonCg()]) {
      const s = jit((x: Point) => minimise(p.scalar, x, { solver }))(p.start);
      assert(!s.converged, `${p.name}: ${s.message}`);
    }
  }
});

// From starts that differ in their last places steps end elsewhere below what is rounding, as by the rounding of another
// backend: so it is tried on one alone.
for (
  const [solver, starts] of [[lbfgs(), 40], [bfgs(), 4], [nonlinearCg(), 4], [
    newtonCg(),
    4,
  ]] as const
) {
  Deno.test(`tails beside bowls are not claimed from starts nearby: ${solver.description}`, () => {
    for (const seed of [3, 25, 26, 28]) {
      for (const dtype of ["float64", "float32"] as const) {
        const p = randomProblem(seed, false, dtype);
        const next = numbersFrom(seed);
        const eps = dtype === "float64" ? 2 ** -52 : 2 ** -23;
        const near = (x: NDArray): NDArray => {
          const places = Array.from({ length: x.size }, () => 8 * next() - 4);
          return x.mul(np.array(places, { dtype }).mul(eps).add(1));
        };
        const solve = jit((x: Point) => minimise(p.scalar, x, { solver }), { backend: "cpu" });
        for (let i = 0; i < starts; i++) {
          const s = solve({ u: near(p.start.u), v: near(p.start.v) });
          assert(!s.converged, `${p.name}, start ${i}: ${s.message}, ${s.cost!.item()}`);
        }
      }
    }
  });
}

Deno.test("a simplex claims no tails on which it has run away beside bowls", () => {
  for (const [seed, dtype] of [[286, "float64"], [87, "float32"], [291, "float32"]] as const) {
    const p = randomProblem(seed, false, dtype);
    const s = jit((x: Point) => minimise(p.scalar, x, { solver: nelderMead() }))(p.start);
    assert(!s.converged, `${p.name}: ${s.message}`);
  }
});

Deno.test("a saddle that steps come to along its line of symmetry is none, by an optimiser too", () => {
  const saddle = (x: np.NDArray) => {
    const [a, b] = [x.at(0), x.at(1)];
    return a.square().sub(b.square()).add(b.square().square());
  };
  for (const dtype of ["float64", "float32"] as const) {
    const solver = first(adam(0.05));
    const s = jit((x: np.NDArray) => minimise(saddle, x, { solver }))(np.array([1, 0], { dtype }));
    assert(!s.converged || Math.abs(s.value.at(1).item()) > 0.5, s.message);
  }
});

Deno.test("a start at 0 where derivatives vanish is a minimum only where values rise", () => {
  const power = (k: number, sign: number) => (x: NDArray) => np.pow(x, k).sum().mul(sign);
  for (const solver of [lbfgs(), newtonCg(), first(adam(0.05))]) {
    for (const dtype of ["float64", "float32"] as const) {
      for (const [k, sign, rises] of [[3, 1, false], [4, -1, false], [4, 1, true]] as const) {
        const s = minimise(power(k, sign), np.zeros([2], { dtype }), { solver, maxSteps: 60 });
        assert(s.converged === rises, `${sign} x^${k}, ${dtype}: ${s.message}`);
      }
    }
  }
});

Deno.test("saddles of higher order, and falls beside what is steep, are no minima", () => {
  type Of2 = (a: NDArray, b: NDArray) => NDArray;
  const power = (x: NDArray, k: number): NDArray => np.pow(x, k);
  const falls: readonly [name: string, f: Of2, lowest: number][] = [
    ["a^4 + b^3", (a, b) => power(a, 4).add(power(b, 3)), -Infinity],
    ["a^2 + b^7", (a, b) => a.square().add(power(b, 7)), -Infinity],
    [
      "(a + 2 b)^2 + (2 a - b)^5",
      (a, b) => a.add(b.mul(2)).square().add(power(a.mul(2).sub(b), 5)),
      -Infinity,
    ],
    [
      "(a + b)^4 + (a - b)^3",
      (a, b) => power(a.add(b), 4).add(power(a.sub(b), 3)),
      -Infinity,
    ],
    [
      "100 (b - a^2)^2 + a^3",
      (a, b) => b.sub(a.square()).square().mul(100).add(power(a, 3)),
      -Infinity,
    ],
    ["1e12 a^2 + exp b", (a, b) => a.sub(1).square().mul(1e12).add(np.exp(b)), 0],
    ["a^2 + 1e-12 exp b", (a, b) => a.sub(1).square().add(np.exp(b).mul(1e-12)), 0],
  ];
  for (const [name, f, lowest] of falls) {
    for (const dtype of ["float64", "float32"] as const) {
      for (const solver of [lbfgs(), bfgs(), newtonCg(), nonlinearCg()]) {
        const solve = jit((x: NDArray) => minimise((x) => f(x.at(0), x.at(1)), x, { solver }));
        for (const x0 of [[0.1, 0.2], [1, -1], [3, 2], [-2, 0.5]]) {
          const s = solve(np.array(x0, { dtype }));
          // What the rounding of `a` alone makes of the values.
          const rounding = (dtype === "float32" ? 2 ** -42 : 2 ** -100) *
            (name.startsWith("1e12") ? 1e12 : 1);
          const above = s.cost!.item() - lowest;
          assert(!s.converged || above <= rounding, `${name}, ${dtype}: ${above}, ${s.message}`);
        }
      }
    }
  }
});

Deno.test("a minimum that is one as far as it is looked at is claimed, whatever is lower far off", () => {
  for (const dtype of ["float64", "float32"] as const) {
    for (const solver of [lbfgs(), bfgs(), newtonCg()]) {
      const waves = (x: NDArray): NDArray => x.mul(np.sin(x));
      const s = jit((x: NDArray) => minimise(waves, x, { solver }))(np.array(5, { dtype }));
      assert(s.converged && Math.abs(s.value.item() - 4.9132) < 1e-3, `${dtype}: ${s.message}`);
    }
  }
});
