/** `bracketRoot` against known roots and derivatives. */
import {
  bisection,
  type BracketMethod,
  bracketRoot,
  brent,
  chandrupatla,
  CheckError,
  ConvergenceError,
  DTypeError,
  grad,
  implicit,
  jit,
  type NDArray,
  numpy as np,
  oneStep,
  ShapeError,
  special,
  toms748,
  vmap,
} from "../../mod.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../support/assert.ts";

const f64 = (x: number): np.NDArray => np.array(x, { dtype: "float64" });

Deno.test("the cubic is solved to the last digit in 12 evaluations, and has its derivative", () => {
  // x^3 - x = 2, by mpmath.
  const known = 1.52137970680456756960408083225;
  const solve = (a: np.NDArray) => bracketRoot((x) => x.pow(3).sub(x).sub(a), [f64(1), f64(2)]);
  const { value, steps, statusName } = solve(f64(2));
  assertEquals(statusName, "converged");
  assertAlmostEquals(value.item(), known, 1e-15);
  assert(steps.item() <= 12, `${steps.item()} evaluations`);
  const slope = 1 / (3 * known ** 2 - 1);
  assertAlmostEquals(grad((a) => solve(a).value)(f64(2)).item(), slope, 1e-13);
  assertAlmostEquals(jit(grad((a) => solve(a).value))(f64(2)).item(), slope, 1e-13);
  const lanes = vmap((a: np.NDArray) => solve(a).value)(np.array([1, 2, 3], { dtype: "float64" }));
  assertAlmostEquals(lanes.dataSync()[1]!, known, 1e-15);
});

Deno.test("steep, flat and multiple roots, and ends that are roots", () => {
  const root = (f: (x: np.NDArray) => np.NDArray, a: number, b: number): number => {
    const { value, statusName } = bracketRoot(f, [f64(a), f64(b)]);
    assertEquals(statusName, "converged");
    return value.item();
  };
  assertAlmostEquals(root((x) => x.sub(1).pow(3), 0, 3), 1, 1e-4);
  assertAlmostEquals(root((x) => np.exp(x.mul(50)).sub(1e10), -5, 5), Math.log(1e10) / 50, 1e-13);
  assertAlmostEquals(root((x) => np.atan(x.sub(0.3)), 100, -90), 0.3, 1e-14);
  assertEquals(root((x) => x.sub(2), 2, 3), 2);
  assertEquals(root((x) => x.sub(3), 2, 3), 3);
});

Deno.test("no change of sign, and values that are not finite, are said", () => {
  assertEquals(bracketRoot((x) => x.square().add(1), [-1, 1]).statusName, "breakdown");
  assertEquals(bracketRoot((x) => np.log(x), [-1, 2]).statusName, "nonfinite");
  assertEquals(bracketRoot((x) => x.sub(0.3), [-1, 2], { maxSteps: 2 }).converged, false);
});

interface Known {
  readonly name: string;
  readonly f: (x: NDArray) => NDArray;
  readonly ends: readonly [number, number];
  readonly root: number;
  /** Evaluations of SciPy 1.17.1 to the last digit: toms748, brentq, bisect. */
  readonly scipy: readonly [number, number, number];
}

const problems: readonly Known[] = [
  {
    name: "a cubic",
    f: (x) => x.pow(3).sub(x).sub(2),
    ends: [1, 2],
    root: 1.5213797068045675696,
    scipy: [8, 9, 52],
  },
  {
    name: "a sine and a line",
    f: (x) => np.sin(x).sub(x.div(2)),
    ends: [Math.PI / 2, Math.PI],
    root: 1.8954942670339809471,
    scipy: [10, 9, 52],
  },
  {
    name: "a steep exponential",
    f: (x) => np.exp(x.mul(50)).sub(1e10),
    ends: [-5, 5],
    root: 0.46051701859880913680,
    scipy: [15, 21, 57],
  },
  {
    name: "an arc tangent",
    f: (x) => np.atan(x.sub(0.3)),
    ends: [-90, 100],
    root: 0.3,
    scipy: [14, 12, 62],
  },
  {
    name: "a power of 20",
    f: (x) => x.pow(20).sub(0.1),
    ends: [0, 5],
    root: 0.89125093813374552995,
    scipy: [22, 18, 55],
  },
  {
    name: "a triple root",
    f: (x) => x.sub(1).pow(3),
    ends: [0, 3.1],
    root: 1,
    scipy: [109, 156, 54],
  },
];

/** Each method, and the column of SciPy that it may exceed by a fifth. */
const methods: readonly (readonly [BracketMethod, number])[] = [
  [chandrupatla(), 1],
  [toms748(), 0],
  [brent(), 1],
  [bisection(), 2],
];

for (const [solver, column] of methods) {
  Deno.test(`${solver.description} finds known roots at the price that it should have`, () => {
    for (const { name, f, ends: [a, b], root, scipy } of problems) {
      const solve = jit((a: NDArray, b: NDArray) => bracketRoot(f, [a, b], { solver }));
      const found = solve(f64(a), f64(b));
      const told = `${name}: ${found.message}, ${found.value.item()}`;
      assertEquals(found.statusName, "converged", told);
      assert(Math.abs(found.value.item() / root - 1) < 1e-14, told);
      assert(found.steps.item() <= 1.25 * scipy[column]! + 1, told);
      // The order of the ends does not matter, and eager evaluation is the same.
      const other = bracketRoot(f, [f64(b), f64(a)], { solver });
      assert(Math.abs(other.value.item() / root - 1) < 1e-14, other.message);
      const single = bracketRoot(f, [a, b], { solver });
      assert(Math.abs(single.value.item() / root - 1) < 1e-6, `float32: ${single.message}`);
    }
  });

  Deno.test(`${solver.description} works in lanes, one without a change of sign, and has derivatives`, () => {
    const solve = (a: NDArray) => bracketRoot((x) => x.pow(3).sub(a), [f64(0), f64(3)], { solver });
    const { value, status } = vmap(solve)(np.array([1, 64, 8], { dtype: "float64" }));
    assertEquals([...status.dataSync()].map((s) => s === 0), [true, false, true]);
    assertAlmostEquals(value.dataSync()[2]!, 2, 1e-14);
    assertAlmostEquals(grad((a: NDArray) => solve(a).value)(f64(8)).item(), 1 / 12, 1e-14);
  });
}

Deno.test("a bracket without a change of sign is widened, as far as the function is defined", () => {
  const find = (f: (x: NDArray) => NDArray, a: number, b: number) =>
    bracketRoot(f, [f64(a), f64(b)], { expand: true, solver: toms748() });
  assertAlmostEquals(find((x) => np.exp(x).sub(1e4), 0, 1).value.item(), Math.log(1e4), 1e-13);
  assertAlmostEquals(find((x) => np.exp(x).sub(1e-4), 0, 1).value.item(), Math.log(1e-4), 1e-13);
  assertAlmostEquals(find((x) => np.log(x).add(5), 1, 2).value.item(), Math.exp(-5), 1e-15);
  assertAlmostEquals(find((x) => x.sub(7), 1, 1).value.item(), 7, 1e-14);
  // An infinite value has a sign.
  assertAlmostEquals(find((x) => np.log(x).add(5), 0, 2).value.item(), Math.exp(-5), 1e-15);
  assertAlmostEquals(find((x) => x.sub(7), 6, 9).value.item(), 7, 1e-14);
  const none = find((x) => x.square().add(1), -1, 1);
  assert(!none.converged && none.steps.item() <= 200, none.message);
  // What dies out is 0 far away, and has no root there; what was not small before is 0 at a root.
  for (const f of [np.exp, (x: NDArray) => np.exp(x.square().neg()), special.erfc]) {
    const dies = find(f, 0, 1);
    assert(!dies.converged && dies.message.includes(") = 0"), dies.message);
  }
  assertEquals(find((x) => np.maximum(x.sub(3), 0), 5, 6).converged, true);
});

Deno.test("ends that are numbers are as precise as the function", () => {
  const third = bracketRoot((x) => x.sub(f64(1 / 3)), [0, 1]).value;
  assertEquals([third.dtype, third.item()], ["float64", 1 / 3]);
  assertEquals(bracketRoot((x) => x.sub(1 / 3), [0, 1]).value.dtype, "float32");
});

Deno.test("what is no bracket is refused or said, with the numbers", () => {
  const f = (x: NDArray): NDArray => x.square().add(1);
  const { message } = bracketRoot(f, [-1, 2]);
  for (const part of ["f(-1) = 2", "f(2) = 5", "expand: true"]) {
    assert(message.includes(part), message);
  }
  assertThrows(() => bracketRoot(f, [-1, 2], { throw: true }), ConvergenceError, "f(2) = 5");
  const jump = bracketRoot((x) => np.where(x.less(0.3), -Infinity, Infinity), [0, 1]);
  assertEquals(jump.statusName, "nonfinite");
  assertEquals(bracketRoot(f, [NaN, 2]).statusName, "nonfinite");
  assertThrows(() => bracketRoot(f, [1] as never), TypeError, "two scalars");
  assertThrows(() => bracketRoot(f, ["1", 2] as never), TypeError, "ends of the bracket");
  assertThrows(() => bracketRoot(f, [np.array([1, 2]), 2]), ShapeError, "shape [2]");
  assertThrows(() => bracketRoot(f, [np.array(1, { dtype: "int32" }), 2]), DTypeError, "int32");
  assertThrows(() => bracketRoot(() => np.array([1, 2]), [0, 1]), ShapeError, "scalar");
  assertThrows(() => bracketRoot(f, [0, 1], { solver: brent as never }), TypeError, "brent()");
  assertThrows(() => bracketRoot(f, [0, 1], { tol: 1 } as never), TypeError, "tol");
});

Deno.test("a sign that changes by a jump or at a pole is no root", () => {
  const jump = (low: number, high: number) => (x: NDArray) =>
    np.where(x.greater(0.3), x.add(high), x.add(low));
  const leaps: Record<string, readonly [(x: NDArray) => NDArray, number, number]> = {
    "1 / (x - 0.3)": [(x) => np.divide(1, x.sub(0.3)), -1, 1],
    "tan x": [(x) => np.tan(x), 1, 2],
    "1 / x": [(x) => np.divide(1, x), -1, 2],
    "the sign": [(x) => np.sign(x.sub(0.3)), -1, 1],
    "a tiny sign": [(x) => np.sign(x.sub(0.3)).mul(1e-30), -1, 1],
    "steps": [(x) => np.floor(x.sub(0.3)).add(0.5), -3.1, 2],
    "a jump with slopes": [jump(-1, 1), -1, 1],
    "a small jump": [jump(-0.301, -0.299), -1, 1],
    "a jump between steep ends": [(x) => jump(-1, 1)(x).mul(np.exp(x.square().mul(4))), -4, 4],
  };
  for (const [name, [f, a, b]] of Object.entries(leaps)) {
    for (const dtype of ["float64", "float32"] as const) {
      for (const solver of [chandrupatla(), toms748(), brent(), bisection()]) {
        const ends = [np.array(a, { dtype }), np.array(b, { dtype })] as const;
        const found = bracketRoot(f, ends, { solver });
        assertEquals(found.statusName, "stagnated", `${name}, ${dtype}: ${found.message}`);
        const compiled = jit((a: NDArray, b: NDArray) => bracketRoot(f, [a, b], { solver }));
        assertEquals(compiled(...ends).statusName, "stagnated", `${name}, ${dtype}, compiled`);
      }
    }
  }
  const { message } = bracketRoot((x) => np.sign(x.sub(0.3)), [f64(-1), f64(1)]);
  assert(message.includes("by a jump or at a pole, f(0.3) = 1 and f(0.3) = -1"), message);
});

Deno.test("a root at 0 ends, whatever its order", () => {
  const f: Record<string, (x: NDArray) => NDArray> = {
    "x exp x": (x) => x.mul(np.exp(x)),
    "x^9": (x) => x.pow(9),
    "the cube root": (x) => np.cbrt(x),
    "the square root": (x) => np.sign(x).mul(np.sqrt(np.abs(x))),
  };
  for (const [name, g] of Object.entries(f)) {
    for (const solver of [chandrupatla(), toms748(), brent(), bisection()]) {
      const { value, message, converged } = bracketRoot(g, [f64(-1), f64(2)], { solver });
      assert(converged && Math.abs(value.item()) < 1e-30, `${name}: ${value.item()}, ${message}`);
    }
  }
});

Deno.test("a root without a slope has the derivative that its adjoint says: an error, or NaN", () => {
  const root = (options: object) => (a: NDArray): NDArray =>
    bracketRoot((x) => x.sub(a).pow(3), [f64(-1), f64(3)], options).value;
  const cubes = (a: NDArray): NDArray =>
    bracketRoot((x) => x.pow(3).sub(a), [f64(-1), f64(3)], {
      adjoint: implicit({ throw: false }),
    }).value;
  assertThrows(() => grad(root({}))(f64(1)), CheckError, "implicit({ throw: false })");
  assertEquals(grad(root({ adjoint: implicit({ throw: false }) }))(f64(1)).item(), NaN);
  for (const g of [vmap(grad(cubes)), jit(vmap(grad(cubes)))]) {
    const [first, second, third] = g(np.array([1, 0, 8], { dtype: "float64" }))
      .toArray() as number[];
    assertEquals([second, Math.abs(first! - 1 / 3) < 1e-9, Math.abs(third! - 1 / 12) < 1e-9], [
      NaN,
      true,
      true,
    ]);
  }
  assertThrows(() => root({ adjoint: oneStep() })(f64(1)), TypeError, "implicit()");
});
