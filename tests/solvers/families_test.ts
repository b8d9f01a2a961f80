/** Each solver with the methods of all of them: it takes its own, and says of others what they are. */
import * as I from "../../mod.ts";
import { assert, assertEquals } from "../support/assert.ts";

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

/** What each solver takes, and a problem of it, of which so many evaluations may be made. */
type Solve = (solver: never, maxSteps?: number) => unknown;
const solvers: Record<string, readonly [readonly Family[], Solve]> = {
  fixedPoint: [
    ["fixedPoints", "squares"],
    (solver, maxSteps) => I.fixedPoint((x) => np.cos(x), scalar(1), { solver, maxSteps }),
  ],
  // A function may be taken for a step in the unknowns.
  rootFind: [
    ["squares", "fixedPoints"],
    (solver, maxSteps) => I.rootFind(gap, scalar(1), { solver, maxSteps }),
  ],
  bracketRoot: [
    ["brackets"],
    (solver, maxSteps) => I.bracketRoot(gap, [0, 1], { solver, maxSteps }),
  ],
  leastSquares: [
    ["squares"],
    (solver, maxSteps) => I.leastSquares(gap, scalar(1), { solver, maxSteps }),
  ],
  curveFit: [
    ["squares"],
    (solver, maxSteps) =>
      I.curveFit(({ a }, x) => x.mul(a), { x: np.ones([2]), y: np.ones([2]) }, { a: 2 }, {
        solver,
        maxSteps,
      }).solution,
  ],
  minimise: [
    ["minima"],
    (solver, maxSteps) =>
      I.minimise((x) => gap(x).square().add(1), scalar(1), { solver, maxSteps }),
  ],
  minimiseScalar: [
    ["scalarMinima"],
    (solver, maxSteps) =>
      I.minimiseScalar((x) => gap(x).square(), [scalar(0), scalar(2)], { solver, maxSteps }),
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

Deno.test("no method of any solver makes more evaluations than maxSteps allows", () => {
  for (const [name, [own, solve]] of Object.entries(solvers)) {
    if (name === "linearSolve" || name === "implicit") continue;
    // The two ends of a bracket are evaluated in any case.
    const least = name === "bracketRoot" ? 2 : 0;
    for (
      const method of own.flatMap((family) => methods[family] as readonly { description: string }[])
    ) {
      for (let maxSteps = least; maxSteps < 12; maxSteps++) {
        const { steps, evaluations, converged, statusName } = solve(
          method as never,
          maxSteps,
        ) as I.Solution<NDArray>;
        const what = `${name} by ${method.description}, maxSteps ${maxSteps}`;
        assert(steps.item() <= maxSteps, `${what}: ${steps} steps`);
        // What verifies a claim comes on top.
        if (converged) break;
        assert(evaluations.f.item() <= maxSteps, `${what}: ${evaluations.f} evaluations`);
        assertEquals(statusName, "maxSteps", what);
      }
    }
  }
});
