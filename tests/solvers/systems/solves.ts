/**
 * The solvers that are held to the law of module systems: a solve with what a system holds is that of
 * the pure program with the same numbers. A family or method joins by a row here.
 *
 * @module
 */
import {
  aitken,
  anderson,
  bfgs,
  bicgstab,
  bracketRoot,
  brent,
  broyden,
  cg,
  checkpointed,
  cholesky,
  curveFit,
  damped,
  dogleg,
  factorise,
  first,
  fixedPoint,
  type FixedPointOptions,
  gaussNewton,
  gmres,
  implicit,
  leastSquares,
  type LeastSquaresOptions,
  levenbergMarquardt,
  type LinearMethod,
  LinearOperator,
  linearSolve,
  lsmr,
  lu,
  minimise,
  type MinimiseOptions,
  minimiseScalar,
  minres,
  type NDArray,
  newton,
  newtonCg,
  nonlinearCg,
  numpy as np,
  oneStep,
  phantom,
  projectBox,
  proximalGradient,
  qr,
  rootFind,
  svd,
  type Transforms,
  unrolled,
} from "../../../mod.ts";
import { sgd } from "../../../lib/optim/mod.ts";

/** What is solved: functions that read parameters, write state and draw keys where they are a system's. */
export interface Model {
  /** A contraction of vectors [2], or of each row of [k, 2]. */
  cell(z: NDArray): NDArray;
  /** A symmetric positive definite linear function of vectors [2]. */
  linear(v: NDArray): NDArray;
}

/** A solve that `x` [2] goes into; it gives an array that is differentiable by all that the model reads. */
export type Solve = (model: Model, x: NDArray, transforms: Transforms) => NDArray;

const tight = { rtol: 1e-6 };

const fixed = (options: FixedPointOptions): Solve => ({ cell }, x, transforms) =>
  fixedPoint((z: NDArray) => cell(z).add(x), x, { transforms, ...tight, ...options }).value;

const squares = (options: LeastSquaresOptions): Solve => ({ cell }, x, transforms) =>
  leastSquares(
    (z: NDArray) => ({ fit: cell(z).add(x).sub(z), small: z.mul(0.2) }),
    x,
    { transforms, ...options },
  ).value;

const smallest = (options: MinimiseOptions): Solve => ({ cell }, x, transforms) =>
  minimise((z: NDArray) => cell(z).add(x).sub(z).square().sum().add(z.square().sum().mul(0.1)), x, {
    transforms,
    ...options,
  }).value;

const linear = (solver?: LinearMethod, tags = {}): Solve => ({ linear }, x, transforms) =>
  linearSolve(LinearOperator.of(linear, x, { transforms, ...tags }), x, {
    transforms,
    solver,
    ...tight,
  }).value;

/** Solves that are differentiated through their steps: a loop of the system, each step of which draws and writes. */
export const stepwise: Readonly<Record<string, Solve>> = {
  "rootFind, unrolled()": ({ cell }, x, transforms) =>
    rootFind((z: NDArray) => cell(z).add(x).sub(z), x, {
      transforms,
      adjoint: unrolled(),
      maxSteps: 20,
    }).value,
  "leastSquares, checkpointed()": squares({ adjoint: checkpointed(), maxSteps: 20 }),
  "minimise by bfgs(), checkpointed()": smallest({
    solver: bfgs(),
    adjoint: checkpointed(),
    maxSteps: 30,
  }),
};

/** All others, by family and method. */
export const solves: Readonly<Record<string, Solve>> = {
  "fixedPoint": fixed({}),
  "fixedPoint by damped()": fixed({ solver: damped({ damping: 0.8 }) }),
  "fixedPoint by anderson(), memory 1": fixed({ solver: anderson({ memory: 1 }) }),
  "fixedPoint, parts, trajectory, radius": fixed({
    comparand: (z: NDArray) => [z],
    trajectory: true,
    spectralRadius: true,
    minSteps: 3,
  }),
  "fixedPoint, adjoint by products": fixed({ adjoint: implicit({ linearSolver: "iterative" }) }),
  "fixedPoint, adjoint by gmres()": fixed({ adjoint: implicit({ linearSolver: gmres() }) }),
  "fixedPoint, oneStep()": fixed({ adjoint: oneStep() }),
  "fixedPoint, phantom()": fixed({ adjoint: phantom(3, 0.7) }),
  "fixedPoint by broyden()": fixed({ solver: broyden() }),
  "fixedPoint by aitken()": fixed({ solver: aitken() }),
  "fixedPoint by newton()": fixed({ solver: newton() }),
  "rootFind": ({ cell }, x, transforms) =>
    rootFind((z: NDArray) => cell(z).add(x).sub(z), x, { transforms }).value,
  "rootFind by newton()": ({ cell }, x, transforms) =>
    rootFind((z: NDArray) => cell(z).add(x).sub(z), x, { transforms, solver: newton() }).value,
  "rootFind, bounds": ({ cell }, x, transforms) =>
    rootFind((z: NDArray) => cell(z).add(x).sub(z), x, {
      transforms,
      solver: levenbergMarquardt(),
      bounds: { lower: -5, upper: 5 },
    }).value,
  "bracketRoot": ({ cell }, x, transforms) =>
    bracketRoot((t) => cell(np.stack([t, t.mul(0.5)])).add(x).sum().sub(t.mul(2)), [-4, 4], {
      transforms,
    }).value,
  "bracketRoot by brent()": ({ cell }, x, transforms) =>
    bracketRoot((t) => cell(np.stack([t, t.mul(0.5)])).add(x).sum().sub(t.mul(2)), [-4, 4], {
      transforms,
      solver: brent(),
    }).value,
  "leastSquares": squares({}),
  "leastSquares, bounds": squares({ bounds: { lower: -5, upper: 0.1 } }),
  "leastSquares, a robust loss": squares({ loss: "softL1", lossScale: 0.3 }),
  "leastSquares by dogleg()": squares({ solver: dogleg() }),
  "leastSquares by gaussNewton()": squares({ solver: gaussNewton() }),
  "curveFit": ({ cell }, x, transforms) => {
    const at = np.array([-1, -0.4, 0.2, 0.7, 1.3]);
    const y = np.array([-0.6, -0.1, 0.3, 0.5, 0.8]).add(x.at(0));
    const model = ({ a, b }: { a: NDArray; b: NDArray }, u: NDArray): NDArray =>
      cell(np.stack([a.mul(u), b.sub(u)], 1)).sum(1).add(u.mul(a));
    const { value } = curveFit(model, { x: at, y }, { a: 0.5, b: 0.1 }, { transforms });
    return np.stack([value.a, value.b]);
  },
  "minimise": smallest({}),
  "minimise by bfgs()": smallest({ solver: bfgs() }),
  "minimise by newtonCg()": smallest({ solver: newtonCg() }),
  "minimise by nonlinearCg()": smallest({ solver: nonlinearCg() }),
  "minimise by proximalGradient()": smallest({
    solver: proximalGradient((z: NDArray) => projectBox(z, -5, 0.1)),
  }),
  "minimise by an optimiser": smallest({ solver: first(sgd(0.3)) }),
  "minimise, bounds": smallest({ bounds: { lower: -5, upper: 0.1 } }),
  "minimiseScalar": ({ cell }, x, transforms) =>
    minimiseScalar((t) => cell(np.stack([t, t.mul(0.5)])).sub(x).sub(t).square().sum(), [-3, 3], {
      transforms,
    }).value,
  "linearSolve": ({ linear }, x, transforms) => linearSolve(linear, x, { transforms }).value,
  "linearSolve by lu()": linear(lu()),
  "linearSolve by cholesky()": linear(cholesky(), { positiveDefinite: true }),
  "linearSolve by qr()": linear(qr()),
  "linearSolve by svd()": linear(svd()),
  "linearSolve by lsmr()": linear(lsmr()),
  "linearSolve by cg()": linear(cg(), { positiveDefinite: true }),
  "linearSolve by minres()": linear(minres(), { symmetric: true }),
  "linearSolve by gmres()": linear(gmres()),
  "linearSolve by bicgstab()": linear(bicgstab()),
  "linearSolve with a Jacobian": ({ cell }, x, transforms) => {
    const slope = LinearOperator.jacobian(cell, x, { transforms });
    return linearSolve(LinearOperator.identity(x).sub(slope), x, { transforms, solver: gmres() })
      .value;
  },
  "factorise": ({ linear }, x, transforms) => {
    const factors = factorise(LinearOperator.of(linear, x, { transforms }), { transforms });
    return factors.solve(factors.solveTransposed(x).value).value;
  },
};
