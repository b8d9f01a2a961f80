/** `minimiseScalar`: minima of functions of one number between two. */
import {
  brentMinimum,
  DTypeError,
  goldenSection,
  grad,
  jit,
  lbfgs,
  minimise,
  minimiseScalar,
  type NDArray,
  numpy as np,
  ShapeError,
  vmap,
} from "../../mod.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../support/assert.ts";

const scalar = (x: number): NDArray => np.array(x, { dtype: "float64" });

/** Functions, brackets, the minimum, and evaluations by `minimize_scalar(method="bounded")` of SciPy 1.17.1. */
const problems: readonly {
  readonly name: string;
  readonly f: (x: NDArray) => NDArray;
  readonly bracket: readonly [number, number];
  readonly at: number;
  readonly evaluations: number;
}[] = [
  { name: "cos x", f: (x) => np.cos(x), bracket: [2, 4], at: Math.PI, evaluations: 9 },
  {
    name: "x^3 - x",
    f: (x) => x.pow(3).sub(x),
    bracket: [2, 0],
    at: 1 / Math.sqrt(3),
    evaluations: 11,
  },
  {
    name: "|x - 0.3|",
    f: (x) => x.sub(0.3).abs(),
    bracket: [0, 1],
    at: 0.3,
    evaluations: 21,
  },
  { name: "x^2", f: (x) => x.square(), bracket: [-1, 3], at: 0, evaluations: 6 },
  {
    name: "x - log x",
    f: (x) => x.sub(np.log(x)),
    bracket: [-1, 3],
    at: 1,
    evaluations: Infinity, // not defined in part of the bracket
  },
  // Nor finite at the start of the search.
  { name: "e^x - x", f: (x) => np.exp(x).sub(x), bracket: [-3, 1e6], at: 0, evaluations: Infinity },
  {
    name: "the lower half of a circle",
    f: (x) => np.sqrt(x.square().neg().add(1)).neg(),
    bracket: [20, -30],
    at: 0,
    evaluations: Infinity,
  },
  {
    name: "-x - log(0.001 - x)",
    f: (x) => x.neg().sub(np.log(np.subtract(1e-3, x))),
    bracket: [-1e4, 1e6],
    at: 1e-3 - 1,
    evaluations: Infinity,
  },
];

for (const { name, f, bracket, at, evaluations } of problems) {
  Deno.test(`the minimum of ${name} is found, eagerly and compiled alike`, () => {
    for (
      const [solver, most] of [[brentMinimum(), evaluations + 3], [goldenSection(), 100]] as const
    ) {
      const solve = (a: NDArray, b: NDArray) => minimiseScalar(f, [a, b], { solver });
      const ends = [scalar(bracket[0]), scalar(bracket[1])] as const;
      const eager = solve(...ends);
      // onnxruntime rounds cosines in its own way.
      assertAlmostEquals(jit(solve)(...ends).value.item(), at, 3e-8);
      const compiled = jit(solve, { backend: "cpu" })(...ends);
      assertEquals(eager.statusName, "converged", eager.message);
      assertAlmostEquals(eager.value.item(), at, 3e-8);
      assertEquals(compiled.value.item(), eager.value.item());
      assert(eager.steps.item() <= most, eager.message);
    }
  });
}

Deno.test("where there is no minimum inside, the better end is come close to", () => {
  const found = minimiseScalar((x) => x, [scalar(1), scalar(2)]);
  assertEquals(found.statusName, "converged", found.message);
  assertAlmostEquals(found.value.item(), 1, 1e-7);
});

Deno.test("a function that is defined nowhere has no minimum, and its search an end", () => {
  const found = minimiseScalar((x) => np.sqrt(x.square().neg().sub(1)), [scalar(-2), scalar(3)]);
  assertEquals(found.statusName, "nonfinite", found.message);
  assert(found.steps.item() <= 40, found.message);
  // An end of which the function overflows is no wall.
  const end = minimiseScalar((x) => np.exp(x), [scalar(-3), scalar(1e6)]);
  assertEquals(end.statusName, "converged", end.message);
  assertAlmostEquals(end.value.item(), -3, 1e-7);
});

Deno.test("nothing is evaluated outside of the bracket", () => {
  const f = (x: NDArray): NDArray =>
    np.where(x.less(0), NaN, np.where(x.greater(1), NaN, x.sub(1).square()));
  const found = minimiseScalar(f, [scalar(0), scalar(1)]);
  assertEquals(found.statusName, "converged", found.message);
  assertAlmostEquals(found.value.item(), 1, 1e-7);
});

Deno.test("a minimum of one number has derivatives, and lanes", () => {
  const at = (a: NDArray): NDArray =>
    minimiseScalar((x) => np.exp(x).sub(x.mul(a)), [scalar(-1), scalar(3)]).value;
  assertAlmostEquals(grad(at)(scalar(2)).item(), 0.5, 1e-7);
  assertAlmostEquals(grad(grad(at))(scalar(2)).item(), -0.25, 1e-7);
  const all = vmap(at)(np.array([1, 2, 4], { dtype: "float64" })).dataSync();
  [1, 2, 4].forEach((a, i) => assertAlmostEquals(all[i]!, Math.log(a), 3e-8));
});

Deno.test("mistakes in the use of minimiseScalar are explained", () => {
  const f = (x: NDArray): NDArray => x.square();
  assertThrows(
    () => minimiseScalar(f, [1, 1]),
    RangeError,
    "must be finite and differ, not 1 and 1",
  );
  assertThrows(() => minimiseScalar(f, [0, Infinity]), RangeError, "Infinity");
  assertThrows(() => minimiseScalar(f, [1] as never), TypeError, "a list of two scalars");
  assertThrows(() => minimiseScalar(f, [np.array([1]), 2]), ShapeError, "[1]");
  assertThrows(() => minimiseScalar(f, [np.array(1, { dtype: "int32" }), 2]), DTypeError, "int32");
  assertThrows(() => minimiseScalar(f, [0, 1], { tol: 1 } as never), TypeError, "tol");
  assertThrows(
    () => minimiseScalar(f, [0, 1], { solver: lbfgs() as never }),
    TypeError,
    "brentMinimum()",
  );
});

Deno.test("no minimum is claimed where a function ends while it falls, or falls to a pole", () => {
  for (const dtype of ["float64", "float32"] as const) {
    for (const solver of [brentMinimum(), goldenSection()]) {
      const falls: readonly ((x: NDArray) => NDArray)[] = [
        (x) => np.where(x.less(0.3), x.neg(), NaN) as NDArray,
        (x) => np.log(x.sub(0.3)),
        (x) => np.div(1, x.sub(0.3)).sub(np.exp(x)),
      ];
      for (const f of falls) {
        const ends = [np.array(-1, { dtype }), np.array(1.5, { dtype })] as const;
        const s = minimiseScalar(f, ends, { solver });
        assert(!s.converged, `${f}, ${dtype}: ${s.message}`);
      }
      // Kinks, roots and plateaus are no such falls.
      const minima: readonly ((x: NDArray) => NDArray)[] = [
        (x) => np.abs(x.sub(0.3)),
        (x) => np.sqrt(np.abs(x.sub(0.3))),
        (x) => np.maximum(np.abs(x.sub(0.3)).sub(0.5), 0),
        (x) => np.exp(x),
      ];
      for (const f of minima) {
        const ends = [np.array(-1, { dtype }), np.array(1.5, { dtype })] as const;
        const s = minimiseScalar(f, ends, { solver });
        assert(s.converged, `${f}, ${dtype}: ${s.message}`);
      }
    }
  }
});

Deno.test("poles are told from cusps in brackets of any width", () => {
  const off = (x: NDArray): NDArray => x.sub(0.3);
  const poles: readonly ((x: NDArray) => NDArray)[] = [
    (x) => np.log(np.abs(off(x))),
    (x) => np.power(np.abs(off(x)), -0.1).neg(),
    (x) => np.div(1, off(x)).add(x.square()),
  ];
  const cusps: readonly ((x: NDArray) => NDArray)[] = [
    (x) => np.sqrt(np.abs(off(x))),
    (x) => np.power(np.abs(off(x)), 0.25),
    (x) => off(x).square().square().add(1e6),
  ];
  for (const dtype of ["float64", "float32"] as const) {
    for (const solver of [brentMinimum(), goldenSection()]) {
      for (const [a, b] of [[-10, 7], [-1e4, 1e4]] as const) {
        const ends = [np.array(a, { dtype }), np.array(b, { dtype })] as const;
        for (const f of poles) {
          const s = minimiseScalar(f, ends, { solver });
          assert(!s.converged, `${f} in [${a}, ${b}], ${dtype}: ${s.value}, ${s.message}`);
        }
        for (const f of cusps) {
          const s = minimiseScalar(f, ends, { solver });
          assert(s.converged, `${f} in [${a}, ${b}], ${dtype}: ${s.value}, ${s.message}`);
        }
      }
    }
  }
});

Deno.test("a bracket that is wide beside the minimum makes it no less precise", () => {
  // Functions, their minima, and errors beside half the digits of those.
  const minima: readonly [f: (x: NDArray) => NDArray, at: number, more: number][] = [
    [(x) => x.sub(1).square(), 1, 1],
    [(x) => x.sub(1e-3).square(), 1e-3, 1],
    [(x) => x.square().sub(x.mul(0.02)), 0.01, 1],
    [(x) => x.sub(1).square().add(1), 1, 4],
    [(x) => np.sqrt(x.sub(1.3).square().add(1)), 1.3, 4],
    [(x) => x.square().sub(2).square(), Math.SQRT2, 4],
    [(x) => np.abs(x.sub(1)), 1, 1],
    [(x) => np.log(x.sub(1).square().add(1)), 1, 4],
    // Flat where it is looked at first.
    [(x) => np.square(x.sub(1)).div(np.square(x.sub(1)).add(1)), 1, 4],
    [(x) => x.square(), 0, 0],
    [(x) => np.abs(x), 0, 0],
  ];
  for (const solver of [brentMinimum(), goldenSection()]) {
    for (const [at, [f, minimum, more]] of minima.entries()) {
      const solve = jit((a: NDArray, b: NDArray) => minimiseScalar(f, [a, b], { solver }));
      for (const dtype of ["float32", "float64"] as const) {
        const half = dtype === "float32" ? 2 ** -11.5 : 2 ** -26;
        for (const width of [10, 1e6]) {
          for (const [a, b] of [[-0.7, 1], [-1, 1], [-0.013, 0.8]] as const) {
            const ends = [a, b].map((end) => np.array(end * width, { dtype }));
            const s = solve(ends[0]!, ends[1]!);
            const x = Math.abs(minimum) > 1.4 ? Math.abs(s.value.item()) : s.value.item();
            const where = `function ${at} in [${a}, ${b}] times ${width} in ${dtype}`;
            assert(s.converged, `${where}: ${s.message}`);
            const off = Math.abs(x - Math.abs(minimum));
            assert(off <= 4 * half * more * Math.abs(minimum), `${where}: ${x}, ${s.message}`);
          }
        }
      }
    }
  }
});

Deno.test("starts and ends that are numbers are as precise as the values", () => {
  const third = (x: NDArray): NDArray => x.sub(scalar(1 / 3)).square();
  const between = minimiseScalar(third, [0, 2]).value;
  const { value } = minimise(({ a }: { a: NDArray }) => third(a), { a: 1 });
  for (const found of [between, value.a]) {
    assertEquals(found.dtype, "float64");
    assertAlmostEquals(found.item(), 1 / 3, 1e-8);
  }
  const told = jit((x: NDArray) =>
    minimise((y) => [third(y), y.add(x)], 1, { hasAux: true }).value
  );
  assertEquals(told(scalar(0)).dtype, "float64");
  assertEquals(minimise((x: NDArray) => x.sub(2).square(), 1).value.dtype, "float32");
});
