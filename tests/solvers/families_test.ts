/** Each solver with the methods of all of them: it takes its own, and says of others what they are. */
import * as I from "../../mod.ts";
import { assert } from "../support/assert.ts";

type NDArray = I.NDArray;
const np = I.numpy;
const scalar = (v: number): NDArray => np.array(v, { dtype: "float64" });
const gap = (x: NDArray): NDArray => np.cos(x).sub(x);

const methods = {
  fixedPoints: [
    I.anderson(),
    I.anderson({ memory: 0 }),
    I.broyden(),
    I.aitken(),
    I.steffensen(),
    I.damped(),
    I.averaged(),
  ],
  squares: [
    I.levenbergMarquardt(),
    I.dogleg(),
    I.gaussNewton(),
    I.newton(),
    I.chord(),
  ],
  minima: [
    I.bfgs(),
    I.lbfgs(),
    I.nonlinearCg(),
    I.newtonCg(),
    I.nelderMead(),
    I.proximalGradient((x: NDArray) => x),
  ],
  scalarMinima: [I.brentMinimum(), I.goldenSection()],
  brackets: [I.chandrupatla(), I.toms748(), I.brent(), I.bisection()],
  systems: [I.lu(), I.cg(), I.gmres(), I.lsmr()],
};

type Family = keyof typeof methods;

/** What each solver takes, and a problem of it. */
const solvers: Record<string, readonly [readonly Family[], (solver: never) => unknown]> = {
  fixedPoint: [
    ["fixedPoints", "squares"],
    (solver) => I.fixedPoint((x) => np.cos(x), scalar(1), { solver }),
  ],
  // A function may be taken for a step in the unknowns.
  rootFind: [["squares", "fixedPoints"], (solver) => I.rootFind(gap, scalar(1), { solver })],
  bracketRoot: [["brackets"], (solver) => I.bracketRoot(gap, [0, 1], { solver })],
  leastSquares: [["squares"], (solver) => I.leastSquares(gap, scalar(1), { solver })],
  curveFit: [
    ["squares"],
    (solver) =>
      I.curveFit(({ a }, x) => x.mul(a), { x: np.ones([2]), y: np.ones([2]) }, { a: 1 }, {
        solver,
      }),
  ],
  minimise: [["minima"], (solver) => I.minimise((x) => gap(x).square(), scalar(1), { solver })],
  minimiseScalar: [
    ["scalarMinima"],
    (solver) => I.minimiseScalar((x) => gap(x).square(), [scalar(0), scalar(2)], { solver }),
  ],
  linearSolve: [["systems"], (solver) => I.linearSolve(np.eye(2), np.ones([2]), { solver })],
  implicit: [["systems"], (linearSolver) => I.implicit({ linearSolver })],
};

Deno.test("solvers take the methods of their own family, and say of others what they are", () => {
  for (const [name, [own, solve]] of Object.entries(solvers)) {
    for (const [family, list] of Object.entries(methods)) {
      for (const method of list) {
        const what = `${name} by ${method.description}`;
        const taken = own.includes(family as Family);
        try {
          solve(method as never);
        } catch (error) {
          assert(error instanceof TypeError, `${what}: ${error}`);
          assert(!taken, `${what}: ${error.message}`);
          const [begin, end] = [`${name}: `, `, not ${method.description}`];
          assert(error.message.startsWith(begin), `${what}: ${error.message}`);
          assert(error.message.endsWith(end), `${what}: ${error.message}`);
          continue;
        }
        assert(taken, `${what} is no mistake`);
      }
    }
  }
});
