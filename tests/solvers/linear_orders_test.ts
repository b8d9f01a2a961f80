/**
 * Second derivatives of the solutions of linear systems by each method, against those of the inverse: in both dtypes,
 * eager and compiled, in lanes, and in every module system.
 */
import {
  bicgstab,
  cg,
  cholesky,
  diagonal,
  gmres,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  linalg,
  type LinearMethod,
  LinearOperator,
  linearSolve,
  lsmr,
  lu,
  minres,
  type NDArray,
  numpy as np,
  qr,
  svd,
  triangular,
  tridiagonal,
  vmap,
} from "../../mod.ts";
import { worlds } from "../laws/worlds.ts";
import { arr, assertClose } from "../support/arrays.ts";

/** A positive definite matrix of two parameters, and one that is not symmetric. */
const definiteOf = (p: NDArray): NDArray => {
  const { dtype } = p;
  const x = p.at(0).mul(np.array([[1, 0, 0], [0, 2, 0], [0, 0, 0.5]], { dtype }));
  const y = np.sin(p.at(1)).mul(np.array([[0, 1, 0], [1, 0, -1], [0, -1, 0]], { dtype }));
  return x.add(y).add(np.array([[4, 0.5, 0], [0.5, 3, 1], [0, 1, 5]], { dtype }));
};
const skewOf = (p: NDArray): NDArray =>
  definiteOf(p).add(
    p.at(0).mul(p.at(1)).mul(np.array([[0, 1, 2], [0, 0, 1], [-1, 0, 0]], { dtype: p.dtype })),
  );
const sideOf = (p: NDArray): NDArray => np.stack([p.at(0), p.at(1).square(), np.exp(p.at(0))]);

interface Case {
  readonly solver: LinearMethod;
  readonly matrix: (p: NDArray) => NDArray;
  readonly operator?: (m: NDArray) => LinearOperator;
}

const band = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]]);
const table: Readonly<Record<string, Case>> = {
  "lu()": { solver: lu(), matrix: skewOf },
  "qr()": { solver: qr(), matrix: skewOf },
  "svd()": { solver: svd(), matrix: skewOf },
  "cholesky()": { solver: cholesky(), matrix: definiteOf },
  "triangular()": {
    solver: triangular(),
    matrix: (p) => np.tril(skewOf(p)),
    operator: (m) => LinearOperator.matrix(m, { triangular: "lower" }),
  },
  "tridiagonal()": {
    solver: tridiagonal(),
    matrix: (p) => skewOf(p).mul(band.astype(p.dtype)),
    operator: (m) => {
      const none = np.zeros([1], { dtype: m.dtype });
      return LinearOperator.tridiagonal(
        np.concatenate([none, np.diagonal(m, { offset: -1 })]),
        np.diagonal(m),
        np.concatenate([np.diagonal(m, { offset: 1 }), none]),
      );
    },
  },
  "diagonal()": {
    solver: diagonal(),
    matrix: (p) => np.diag(np.diagonal(definiteOf(p))),
    operator: (m) => LinearOperator.diagonal(np.diagonal(m)),
  },
  "cg()": { solver: cg(), matrix: definiteOf },
  "minres()": {
    solver: minres(),
    matrix: definiteOf,
    operator: (m) => LinearOperator.matrix(m, { symmetric: true }),
  },
  "gmres()": { solver: gmres(), matrix: skewOf },
  "bicgstab()": { solver: bicgstab(), matrix: skewOf },
  "lsmr()": { solver: lsmr(), matrix: skewOf },
};

const at = [0.7, -0.4];
const plain = (m: NDArray): LinearOperator => LinearOperator.matrix(m);

for (
  const [name, { solver, matrix, operator = plain }] of Object.entries(
    table,
  )
) {
  for (
    const [dtype, tolerance, rtol] of [["float64", 1e-8, 1e-13], ["float32", 2e-3, 1e-6]] as const
  ) {
    const p = arr(at, dtype);
    const weights = arr([1, -2, 0.5], dtype);
    const solve = (p: NDArray) =>
      linearSolve(operator(matrix(p)), sideOf(p), { solver, rtol }).value;
    const value = (p: NDArray): NDArray => solve(p).square().mul(weights).sum();
    const want = (p: NDArray): NDArray =>
      linalg.inv(matrix(p)).matmul(sideOf(p)).square().mul(weights).sum();
    // In double precision, whatever is tried.
    const right = hessian(want)(arr(at));

    Deno.test(`${name} in ${dtype}: second derivatives in every order of modes, compiled, and in lanes`, () => {
      const near = (x: unknown, of = right): void =>
        assertClose((x as NDArray).astype("float64"), of, tolerance, name);
      near(hessian(value)(p));
      near(jacrev(jacfwd(value))(p));
      near(jacrev(grad(value))(p));
      near(jacfwd(jacfwd(value))(p));
      for (const backend of ["interpreter", "cpu"]) near(jit(hessian(value), { backend })(p));
      const ps = np.stack([p, p.mul(0.5), p.neg()]);
      const lanes = jit(vmap(hessian(value)))(ps) as NDArray;
      near(lanes.at(1), hessian(want)(arr(at).mul(0.5)));
      near(lanes.at(2), hessian(want)(arr(at).neg()));
    });
  }
}

for (const world of worlds) {
  Deno.test(`${world.name}: second derivatives of a system of modules, by its own transforms`, () => {
    const w = arr([[0.3, -0.2], [0.1, 0.4]], "float32");
    const side = arr([0.6, -0.4], "float32");
    const bias = arr([0, 0], "float32");
    const want = hessian((b: NDArray) =>
      linalg.inv(np.eye(2, { dtype: "float64" }).sub(w.astype("float64").T)).matmul(b).pow(3).sum()
    )(side.astype("float64"));
    for (const solver of [undefined, gmres(), bicgstab(), qr()]) {
      let out!: NDArray;
      world.apply(world.denseEntries({ w, b: bias }), () => {
        const { transforms } = world;
        const value = (b: NDArray): NDArray => {
          const shifted = (x: NDArray): NDArray => x.sub(world.dense(x));
          return linearSolve(shifted, b, { solver, transforms }).value.pow(3).sum();
        };
        out = transforms.hessian(value)(side) as NDArray;
      });
      assertClose(out.astype("float64"), want, 2e-3);
    }
  });
}
