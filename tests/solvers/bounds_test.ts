/** Bounds of unknowns: how they are given. */
import {
  type Bounds,
  curveFit,
  fixedPoint,
  leastSquares,
  minimise,
  type NDArray,
  numpy as np,
  rootFind,
  ShapeError,
  treeLeaves,
} from "../../mod.ts";
import { assertClose } from "../support/arrays.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const f64 = (xs: readonly number[]): NDArray => np.array([...xs], { dtype: "float64" });
const scalar = (x: number): NDArray => np.array(x, { dtype: "float64" });

Deno.test("bounds of a part of the unknowns leave the others free", () => {
  type Unknowns = { a: { x: NDArray; y: NDArray }; b: NDArray[] };
  const f = ({ a, b }: Unknowns): NDArray =>
    a.x.sub(3).square().add(a.y.sub(3).square().sum()).add(b[0]!.sub(5).square())
      .add(b[1]!.add(5).square());
  const x0 = { a: { x: scalar(0), y: f64([0, 0]) }, b: [scalar(0), scalar(0)] };
  // The same by its three faces: f is the sum of squares of r, of which the gradient is 2 r.
  const r = ({ a, b }: Unknowns): Unknowns => ({
    a: { x: a.x.sub(3), y: a.y.sub(3) },
    b: [b[0]!.sub(5), b[1]!.add(5)],
  });
  const found = (bounds: Bounds) => {
    const { a, b } = minimise(f, x0, { bounds }).value;
    const fit = leastSquares(r as never, x0, { bounds }).value;
    treeLeaves(fit).forEach((v, i) =>
      assertClose(v as NDArray, treeLeaves({ a, b })[i] as NDArray)
    );
    return [a.x, a.y, ...b].flatMap((v) => [...v.dataSync()].map((e) => Number(e.toFixed(6))));
  };
  assertEquals(found({ upper: { a: 2 } }), [2, 2, 2, 5, -5]);
  assertEquals(found({ upper: { a: { y: f64([1, 2]) } }, lower: { b: [null, -1] } }), [
    3,
    1,
    2,
    5,
    -1,
  ]);
  assertEquals(found({ upper: { b: [4] } }), [3, 3, 3, 4, -5]);
  assertEquals(found({ upper: scalar(1), lower: { b: 0 } }), [1, 1, 1, 1, 0]);
  for (const upper of [{ c: 2 }, { a: { y: [1] } }, {}]) {
    assertThrows(() => found({ upper }), ShapeError, "or a part of it, not {");
  }
  assertThrows(() => found({ lower: { b: 2 }, upper: { b: [1] } }), RangeError, "lower bound 2");
});

Deno.test("a root is looked for within bounds of one unknown", () => {
  const f = ({ x, y }: { x: NDArray; y: NDArray }) => ({ x: np.log(x).add(y), y: y.sub(2) });
  const s = rootFind(f, { x: scalar(0.5), y: scalar(0) }, { bounds: { lower: { x: 1e-6 } } });
  assertEquals(s.statusName, "converged", s.message);
  assert(Math.abs(s.value.x.item() / Math.exp(-2) - 1) < 1e-12);
});

Deno.test("numbers among starts and bounds are rounded once, to what the unknowns are, whole ones too", () => {
  const n = 123456789; // float32 holds 123456792
  const above = f64([n + 3, n + 4]);
  const solves: Record<
    string,
    (x0: number | NDArray, bounds?: Bounds) => { readonly value: { a: NDArray } }
  > = {
    rootFind: (a, bounds) => rootFind(({ a }) => ({ a: a.sub(n + 3) }), { a }, { bounds }),
    leastSquares: (a, bounds) => leastSquares(({ a }) => a.sub(above), { a }, { bounds }),
    minimise: (a, bounds) => minimise(({ a }) => above.sub(a).square().sum(), { a }, { bounds }),
    curveFit: (a, bounds) => {
      const data = { x: f64([1, 1]), y: above };
      return curveFit(({ a }: { a: NDArray }, x) => x.mul(a), data, { a }, { bounds });
    },
  };
  for (const [name, solve] of Object.entries(solves)) {
    // A number is as precise as what the function gives; of `rootFind` it is float32.
    const found = solve(n).value.a;
    assertEquals(found.dtype, name === "rootFind" ? "float32" : "float64", name);
    assert(
      Math.abs(found.item() - n - 3.5) < (name === "rootFind" ? 8 : 1e-6),
      `${name}: ${found}`,
    );
    // Bounds in a tree are those of numbers by themselves, and no float32 between.
    for (const upper of [n + 0.1, n + 1]) {
      const [one, tree] = [upper, { a: upper }].map((upper) =>
        solve(scalar(n), { upper }).value.a.item()
      );
      assertEquals([one, tree], [upper, upper], name);
    }
  }
  const single = fixedPoint((x) => x.mul(0.5).add(n / 2), n);
  assert(single.converged, single.message);
});
