/**
 * Mistakes that one can make with every solver, against all of them: what is said is an error of the library that begins
 * with the solver's name and shows none of its insides, and it is the same under transforms and inside modules.
 */
import * as hk from "../../adapters/haiku/mod.ts";
import * as I from "../../mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { any } from "../support/mistakes.ts";

type NDArray = I.NDArray;
type Function = (x: NDArray) => unknown;
const np = I.numpy;

interface Family {
  /** A solve of a function from a start, or of one that is right. */
  readonly solve: (f?: Function, x0?: unknown, options?: object) => unknown;
  readonly right: Function;
  /** What it can be given, beside what all take. */
  readonly takes: readonly ("start" | "bounds" | "aux" | "trees" | "history")[];
}

const points = { x: np.array([0, 1, 2]), y: np.array([1, 2, 4]) };
const gap: Function = (x) => np.cos(x).sub(x);
const square: Function = (x) => x.sub(1).square().add(1);
const solver = (
  solve: unknown,
  right: Function,
  start: unknown,
  ...takes: Family["takes"]
): Family => ({
  solve: (f = right, x0 = start, options = {}) => any(solve)(f, x0, options),
  right,
  takes,
});
const families: Record<string, Family> = {
  fixedPoint: solver(I.fixedPoint, (x) => np.cos(x), 1, "start", "aux", "history"),
  rootFind: solver(I.rootFind, gap, 1, "start", "bounds", "aux", "history"),
  leastSquares: solver(I.leastSquares, gap, 1, "start", "bounds", "aux", "trees", "history"),
  minimise: solver(I.minimise, square, 1, "start", "bounds", "aux", "history"),
  bracketRoot: solver(I.bracketRoot, gap, [0, 2]),
  minimiseScalar: solver(I.minimiseScalar, square, [0, 3]),
  curveFit: {
    solve: (f = (a) => points.x.mul(a), x0 = 1, options = {}) =>
      any(I.curveFit)(f, points, x0, options),
    right: (a) => points.x.mul(a),
    takes: ["bounds", "history"],
  },
};

const results: Record<string, (y: NDArray) => unknown> = {
  "a promise": async (y) => await y,
  "a generator": function* (y) {
    yield y;
  },
  "nothing": () => undefined,
  "text": () => "3",
  "a function": () => Math.cos,
  "another shape": () => np.ones([7, 2]),
  "whole numbers": (y) => y.astype("int32"),
  "a condition": (y) => y.greater(0),
};
const trees: Record<string, (y: NDArray) => unknown> = {
  "a list": (y) => [y],
  "a record": (y) => ({ y }),
  "two": (y) => [y, y],
};
const starts: Record<string, unknown> = {
  "null": null,
  "an empty list": [],
  "an empty record": {},
  "text": "1",
  "a bigint": 1n,
  "a date": new Date(0),
  "bigints": new BigInt64Array(1),
  "whole numbers": np.array([1, 2], { dtype: "int32" }),
  "conditions": true,
};
const bounds: Record<string, unknown> = {
  "a list": [0, 1],
  "other names": { low: 0 },
  "another name beside": { lower: 0, max: 1 },
  "nothing": {},
  "upside down": { lower: 2, upper: 1 },
  "NaN": { lower: NaN },
  "text": { lower: "0" },
  "another shape": { upper: np.zeros([5]) },
};

/** What is said, as `TypeError: message`, of a mistake that is made where a wrapper calls it. */
function said(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert(error instanceof Error, `${error} is no error`);
    return `${error.constructor.name}: ${error.message}`;
  }
  return "nothing";
}

const one = np.ones([2]);
const places: Record<string, (mistake: () => unknown) => () => unknown> = {
  "jit": (mistake) => () => I.jit((x: NDArray) => (mistake(), x))(one),
  "vmap": (mistake) => () => I.vmap((x: NDArray) => (mistake(), x))(one),
  "a module": (mistake) => () =>
    hk.transform((x: NDArray) => (mistake(), x)).init(I.random.key(0), one),
};

const kinds = ["TypeError", "TreeError", "DTypeError", "ShapeError", "RangeError"];
// What solvers are made of, and do not speak of.
const insides =
  /valueAt|\bboth\b|customRoot|evalShape|\bvjp\b|broadcast|undefined \(|is not a function|\[object/;

function refused(op: string, what: string, mistake: () => unknown): void {
  const plain = said(mistake);
  const [kind, rest = ""] = plain.split(/: (.*)/s);
  assert(kinds.includes(kind!), `${op}, ${what}: ${plain}`);
  assert(rest.startsWith(`${op}: `), `${op}, ${what}: ${plain}`);
  assert(!insides.test(rest), `${op}, ${what}: ${plain}`);
  for (const [place, inside] of Object.entries(places)) {
    assertEquals(said(inside(mistake)), plain, `${op}, ${what}, in ${place}`);
  }
}

Deno.test("functions that give what they should not are told so in the same words by every solver and everywhere", () => {
  for (const [op, { solve, right, takes }] of Object.entries(families)) {
    for (const [what, wrong] of Object.entries(results)) {
      // Any number of residuals will do.
      if (what === "another shape" && op === "leastSquares") continue;
      // A model of whole numbers is compared with the data as they are.
      if (op === "curveFit" && ["whole numbers", "a condition"].includes(what)) continue;
      refused(op, `a function that gives ${what}`, () => solve((x) => wrong(right(x) as NDArray)));
    }
    if (takes.includes("trees")) continue;
    for (const [what, wrong] of Object.entries(trees)) {
      refused(op, `a function that gives ${what}`, () => solve((x) => wrong(right(x) as NDArray)));
    }
  }
});

Deno.test("starts and bounds that are none are refused in the same words by every solver and everywhere", () => {
  for (const [op, { solve, takes }] of Object.entries(families)) {
    if (takes.includes("start")) {
      for (const [what, x0] of Object.entries(starts)) {
        refused(op, what, () => solve(undefined, x0));
      }
    }
    if (takes.includes("bounds")) {
      for (const [what, wrong] of Object.entries(bounds)) {
        refused(
          op,
          `bounds that are ${what}`,
          () => solve(undefined, undefined, { bounds: wrong }),
        );
      }
    }
  }
  // By the name that the unknown has.
  const upsideDown = () =>
    I.leastSquares(({ a, b }) => a.add(b), { a: 1, b: np.ones([2]) }, {
      bounds: { lower: { b: np.array([0, 3]) }, upper: { b: 2 } },
    });
  assertEquals(
    said(upsideDown),
    "RangeError: leastSquares: the lower bound 3 is above the upper bound 2 of element 1 of b",
  );
});

Deno.test("what is given beside the value is a tree of arrays, or refused by the solver's name", () => {
  for (const [op, { solve, right, takes }] of Object.entries(families)) {
    if (!takes.includes("aux")) continue;
    const wrong: Record<string, (y: unknown) => unknown> = {
      "nothing beside": (y) => y,
      "three": (y) => [y, y, y],
      "a function beside": (y) => [y, () => 1],
      "text beside": (y) => [y, { note: "text" }],
    };
    for (const [what, give] of Object.entries(wrong)) {
      refused(op, what, () => solve((x) => give(right(x)), undefined, { hasAux: true }));
    }
  }
});

Deno.test("a function that reads its unknowns is told in which solver", () => {
  for (const [op, { solve }] of Object.entries(families)) {
    const read: Function = (x) => np.array(x.item());
    const message = said(() => solve((x) => np.array(x.item())));
    assert(message.startsWith("ConcretizationError: item()"), `${op}: ${message}`);
    assert(message.includes(`of the function of ${op}: there only`), `${op}: ${message}`);
    // One with a name is called by that.
    const own = said(() => solve(read));
    assert(own.includes(" of read: there only"), `${op}: ${own}`);
  }
});

Deno.test("a history that no array holds is refused before the solve, everywhere", () => {
  for (const [op, { solve, takes }] of Object.entries(families)) {
    if (!takes.includes("history")) continue;
    const mistake = () => solve(undefined, undefined, { history: true, maxSteps: 2 ** 31 - 1 });
    const plain = said(mistake);
    assert(
      /^RangeError: .*: the history of maxSteps, .* 8.0 GiB.* smaller maxSteps/.test(plain),
      `${op}: ${plain}`,
    );
    for (const [place, inside] of Object.entries(places)) {
      assertEquals(said(inside(mistake)), plain, `${op} in ${place}`);
    }
  }
});

Deno.test("what a fit is not given is said, with where it belongs", () => {
  const line = (a: NDArray, x: NDArray): NDArray => x.mul(a);
  const fit = I.curveFit(line, points, 1);
  const cases: readonly (readonly [() => unknown, string])[] = [
    [
      () => any(I.curveFit)(line, { ...points, sigma: points.y }, 1),
      "TypeError: curveFit: the data are { x, y } and have no sigma, which is an option: " +
      "curveFit(model, { x, y }, params, { sigma })",
    ],
    [
      () => any(I.curveFit)(line, { x: [0, 1], y: [1, 2] }, 1),
      "TypeError: curveFit: the data must be { x, y } of arrays, not { x: a JavaScript array of length 2, y: a " +
      "JavaScript array of length 2 }. Make arrays of lists with np.array(...)",
    ],
    [
      () => I.curveFit((p, x) => x.mul(p.a), points, { a: np.array(1, { dtype: "int32" }) }),
      'DTypeError: curveFit: params.a is int32[], but must be floating-point. Convert with astype("float32")',
    ],
    [
      () => I.curveFit(line, points, 1, { lossScale: 0.1 }),
      "TypeError: curveFit: lossScale is the size from which on a loss departs from squares, but there is no loss. " +
      'Give it too, { loss: "huber", lossScale: 0.1 }',
    ],
    [
      () => any(fit).predict(),
      "TypeError: predict: x must be an array like the data's, not undefined",
    ],
    [
      () => any(fit).predict([1]),
      "TypeError: predict: x must be an array like the data's, not a JavaScript array of length 1. Make an array of a " +
      "list with np.array(...)",
    ],
    [
      () => fit.predict(points.x, { sigma: -1 }),
      "RangeError: predict: sigma must be positive and finite, but has -1",
    ],
  ];
  for (const [mistake, message] of cases) assertEquals(said(mistake), message);
  const mapped = I.vmap((k: NDArray) => I.curveFit(line, { ...points, y: points.y.mul(k) }, 1))(
    one,
  );
  assert(
    said(() => mapped.predict(points.x)).startsWith(
      "TypeError: predict: the fit is of several lanes",
    ),
  );
  assertEquals(fit.predict(2).y.item(), fit.predict(np.array([2])).y.item());
});

Deno.test("bounds, ends and deviations that are computed and cannot be end as nonfinite, lane by lane", () => {
  const shift = (x: NDArray): NDArray => x.sub(1);
  const line = (a: NDArray, x: NDArray): NDArray => x.mul(a);
  const twice = (x: NDArray): NDArray => np.stack([x, x.mul(2)]);
  // Of each, what can be at 1 and cannot at 5.
  const cases: Record<
    string,
    (lower: NDArray) => { readonly value: NDArray; readonly status: NDArray }
  > = {
    rootFind: (lower) => I.rootFind(shift, 1.5, { bounds: { lower, upper: 2 } }),
    leastSquares: (lower) => I.leastSquares(shift, 1.5, { bounds: { lower, upper: 2 } }),
    "leastSquares of several": (lower) =>
      I.leastSquares(shift, np.ones([2]), { bounds: { lower: twice(lower), upper: 2 } }),
    minimise: (lower) => I.minimise((x) => x.sub(1).square(), 1.5, { bounds: { lower, upper: 2 } }),
    minimiseScalar: (end) => I.minimiseScalar((x) => x.sub(2).square(), [end, 5]),
    bracketRoot: (end) => I.bracketRoot(shift, [np.divide(end.sub(1), end.sub(5)), 5]),
    "bounds of curveFit": (lower) =>
      I.curveFit(line, points, 1, { bounds: { lower, upper: 2 } }).solution,
    "sigma of curveFit": (end) =>
      I.curveFit(line, points, 1, { sigma: end.neg().add(2), absoluteSigma: true }).solution,
    "sigmas of curveFit": (end) =>
      I.curveFit(line, points, 1, { sigma: np.stack([end, end, end.neg().add(5)]) }).solution,
  };
  const [can, cannot] = [1, 5].map((v) => np.array(v)) as [NDArray, NDArray];
  for (const [what, solve] of Object.entries(cases)) {
    const statuses = (s: { readonly status: NDArray }) =>
      Array.from(s.status.dataSync(), (code) => I.statuses[code]);
    const compiled = I.jit(solve);
    assertEquals(statuses(compiled(can)), ["converged"], what);
    assertEquals(statuses(compiled(cannot)), ["nonfinite"], what);
    const lanes = I.vmap(solve)(np.stack([can, cannot]));
    assertEquals(statuses(lanes), ["converged", "nonfinite"], what);
  }
});

Deno.test("a matrix that no array holds is refused before the solve, with what does without, everywhere", () => {
  const many = np.ones([1e5]);
  const mean = (x: NDArray): NDArray => np.cos(x).mul(0.5);
  const sum = (x: NDArray): NDArray => x.sub(2).square().sum();
  const slope = (adjoint: I.Adjoint) => (a: NDArray) =>
    I.fixedPoint((x) => mean(x.mul(a)), many, { adjoint }).value.sum();
  const cases: Record<string, readonly [() => unknown, string]> = {
    ...Object.fromEntries(
      [I.newton(), I.dogleg(), I.levenbergMarquardt({ jacobian: "broyden" })].map((solver) => [
        `rootFind by ${solver.description}`,
        [() => I.rootFind((x) => mean(x).sub(x), many, { solver }), "broyden()"],
      ]),
    ),
    fixedPoint: [() => I.fixedPoint(mean, many, { solver: I.newton() }), "broyden()"],
    "a Newton step": [() => I.fixedPoint(mean, many, { polish: true }), "no polish"],
    leastSquares: [() => I.leastSquares((x) => mean(x).sub(x), many), "lbfgs()"],
    bfgs: [() => I.minimise(sum, many, { solver: I.bfgs() }), "lbfgs()"],
    nelderMead: [() => I.minimise(sum, many, { solver: I.nelderMead() }), "lbfgs()"],
    "a derivative": [
      () => I.grad(slope(I.implicit({ linearSolver: "dense" })))(1),
      "implicit({ linearSolver: gmres() })",
    ],
  };
  for (const [what, [mistake, instead]] of Object.entries(cases)) {
    const plain = said(mistake);
    assert(
      /^RangeError: .*float32\[10000[01],100000\], takes 37.3 GiB/.test(plain),
      `${what}: ${plain}`,
    );
    assert(plain.includes(instead) && !insides.test(plain), `${what}: ${plain}`);
    assertEquals(said(places.jit!(mistake)), plain, `${what} in jit`);
  }
});
