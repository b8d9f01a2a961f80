/** What proximal gradients claim: minima of random convex problems with known answers, and nothing else. */
import {
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
  softThreshold,
  vmap,
} from "../../mod.ts";
import { assert } from "../support/assert.ts";
import { Random, seedNote } from "../support/random.ts";

type Operator = (x: NDArray, step: NDArray) => NDArray;

const operators: Readonly<Record<string, Operator>> = {
  "everywhere": (x) => x,
  "in a box": (x) => projectBox(x, -1, 1),
  "without negative elements": (x) => projectNonNegative(x),
  "on the simplex": (x) => projectSimplex(x),
  "in a ball": (x) => projectL2Ball(x),
  "in the ball of the 1-norm": (x) => projectL1Ball(x),
  "with a penalty": (x, step) => softThreshold(x, step.mul(0.5)),
};
const dtypes = ["float64", "float32"] as const;

const [count, n] = [12, 4];

/**
 * Parabolas `x^T H x / 2 - b^T x` of which the minimum is known. With `x = prox(u, 1)` it is x, where the gradient there is
 * `x - u`. A third of them have H = 1, so that the minimum is the operator's value at b; as a projection, or a lasso
 * with orthonormal columns.
 */
function problems(prox: Operator, random: Random) {
  const f64 = (size: readonly number[]): NDArray =>
    np.array(random.list(size.reduce((a, b) => a * b), -2, 2), { dtype: "float64" }).reshape([
      ...size,
    ]);
  const a = f64([count, n, n]);
  const eye = np.eye(n, { dtype: "float64" });
  const plain = np.array(Array.from({ length: count }, (_, i) => i % 3 === 0 ? 1 : 0), {
    dtype: "float64",
  }).reshape([count, 1, 1]);
  const h = a.matmul(a.transpose([0, 2, 1])).add(eye.mul(0.05));
  const hessian = np.where(plain.greater(0), eye, h);
  const u = f64([count, n]);
  const x = vmap((u: NDArray) => prox(u, np.array(1, { dtype: "float64" })))(u);
  const b = hessian.matmul(x.reshape([count, n, 1])).reshape([count, n]).sub(x.sub(u));
  return { hessian, b, x, start: f64([count, n]) };
}

for (const [name, prox] of Object.entries(operators)) {
  Deno.test(`minima ${name} are claimed, and are right`, () => {
    const { hessian, b, x, start } = problems(prox, new Random(`minima ${name}`));
    for (const dtype of dtypes) {
      const solve = jit(vmap((h: NDArray, b: NDArray, x: NDArray) => {
        const parabola = (x: NDArray) => x.mul(h.matmul(x)).sum().mul(0.5).sub(x.mul(b).sum());
        const s = minimise(parabola, x, { solver: proximalGradient(prox) });
        return [s.value, s.status.astype(dtype)] as const;
      }));
      const [found, status] = solve(hessian.astype(dtype), b.astype(dtype), start.astype(dtype));
      const off = found.astype("float64").sub(x).abs().max(1).dataSync();
      // A step of the tolerance is left, which beside the least curvature is more by the condition.
      const most = dtype === "float64" ? 1e-8 : 1e-2;
      status.dataSync().forEach((code, i) => {
        assert(code === 0, `${dtype}, problem ${i}: status ${code}, ${seedNote}`);
        assert(off[i]! <= most, `${dtype}, problem ${i}: off by ${off[i]}, ${seedNote}`);
      });
    }
  });
}

Deno.test("a step that leads to the minimum exactly is no standing still", () => {
  for (const dtype of dtypes) {
    const solver = proximalGradient((x: NDArray) => x);
    const solve = jit((x: NDArray, to: NDArray) =>
      minimise((x) => x.sub(to).square().sum(), x, { solver })
    );
    for (const start of [[0, 0], [5, 5]]) {
      for (const to of [0.7, 1, 2, 3]) {
        const s = solve(np.array(start, { dtype }), np.array(to, { dtype }));
        assert(s.converged && s.cost!.item() < 1e-9, `${start} to ${to}, ${dtype}: ${s.message}`);
      }
    }
  }
});

Deno.test("what falls for ever is not claimed to have a minimum", () => {
  const falls: Readonly<Record<string, (x: NDArray) => NDArray>> = {
    "-x^2": (x) => x.square().neg(),
    "x^3": (x) => np.pow(x, 3),
    "exp -x": (x) => np.exp(x.neg()),
  };
  for (const [name, f] of Object.entries(falls)) {
    for (const dtype of dtypes) {
      const solver = proximalGradient((x: NDArray) => x);
      const solve = jit((x: NDArray) => minimise((x) => f(x).sum(), x, { solver }));
      for (const x0 of [[1, 1], [0, 3], [0, 0]]) {
        const s = solve(np.array(x0, { dtype }));
        assert(!s.converged, `${name} from ${x0}, ${dtype}: ${s.value}, ${s.message}`);
      }
    }
  }
  // A long step into a tail, from where values are not yet 0 in the dtype.
  const solver = proximalGradient((x: NDArray) => x);
  const bell = jit((x: NDArray) => minimise((x) => np.exp(x.square().neg()), x, { solver }));
  for (const [x0, dtype] of [[5, "float32"], [5, "float64"], [20, "float64"]] as const) {
    const s = bell(np.array(x0, { dtype }));
    assert(!s.converged, `exp -x^2 from ${x0}, ${dtype}: ${s.value}, ${s.message}`);
  }
  // A power that ends at a bound is steep on the way too, and a minimum.
  const power = jit((x: NDArray) =>
    minimise((x) => np.pow(x.sub(1), 4).sum(), x, {
      solver: proximalGradient((x: NDArray) => projectBox(x, 0, 1)),
    })
  );
  for (const dtype of dtypes) {
    const s = power(np.array([0.1, 0], { dtype }));
    assert(s.converged && s.cost!.item() < 1e-12, `${dtype}: ${s.value}, ${s.message}`);
  }
});

Deno.test("a saddle is no minimum where the operator leaves a way down", () => {
  const saddle = (x: NDArray): NDArray => {
    const [a, b] = [x.at(0), x.at(1)];
    return a.square().sub(b.square()).add(b.square().square());
  };
  // Of fourth order, so that the Hessian says nothing of any direction.
  const quartic = (x: NDArray): NDArray => {
    const [a, b] = [np.pow(x.at(0), 4), x.at(1).square()];
    return a.sub(np.pow(b, 2)).add(np.pow(b, 3));
  };
  const bowl = (x: NDArray): NDArray =>
    x.at(0).square().add(quartic(np.stack([x.at(0).mul(0), x.at(1)])));
  const cubic = (x: NDArray): NDArray => x.at(0).square().add(np.pow(x.at(1), 3));
  const dome = (x: NDArray): NDArray => x.square().sum().neg();
  const cases: readonly [string, (x: NDArray) => NDArray, Operator, number[], number][] = [
    ["everywhere", saddle, operators["everywhere"]!, [1, 0], -0.25],
    ["in a box", saddle, operators["in a box"]!, [1, 0], -0.25],
    ["from the saddle itself", saddle, operators["in a box"]!, [0, 0], -0.25],
    ["from a saddle of fourth order", quartic, operators["everywhere"]!, [0, 0], -4 / 27],
    [
      "from a saddle of fourth order in a corner",
      quartic,
      operators["without negative elements"]!,
      [0, 0],
      -4 / 27,
    ],
    [
      "to a saddle of fourth order at an edge",
      bowl,
      operators["without negative elements"]!,
      [0.5, 0],
      -4 / 27,
    ],
    ["beside a cube", cubic, (x) => projectBox(x, -2, 2), [1, 1], -8],
    [
      "on the simplex, at the centre",
      dome,
      operators["on the simplex"]!,
      [1 / 3, 1 / 3, 1 / 3],
      -1,
    ],
    ["in a box, at the centre", dome, operators["in a box"]!, [0, 0, 0], -3],
    ["in a box, at a face", dome, operators["in a box"]!, [1, 0, 1], -3],
  ];
  for (const [name, f, prox, x0, least] of cases) {
    for (const dtype of dtypes) {
      const solver = proximalGradient(prox);
      const s = jit((x: NDArray) => minimise(f, x, { solver }))(np.array(x0, { dtype }));
      const above = s.cost!.item() - least;
      assert(s.converged && above < 1e-3, `${name}, ${dtype}: ${s.value}, ${s.message}`);
    }
  }
});
