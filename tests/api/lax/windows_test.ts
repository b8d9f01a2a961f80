/**
 * What reductions over windows promise beyond single values: lanes, derivatives, trees, backends, and what users
 * are told about arguments that do not go together.
 *
 * @module
 */
import {
  grad,
  hessian,
  jit,
  jvp,
  loadBackend,
  type NDArray,
  numpy as np,
  ready,
  vmap,
} from "../../../mod.ts";
import * as lax from "../../../lib/api/lax.ts";
import { ShapeError, TreeError } from "../../../lib/core/errors.ts";
import { assertClose } from "../../support/arrays.ts";
import { assertEquals } from "../../support/assert.ts";
import { backends } from "../../support/everywhere.ts";
import { gpuTest } from "../../support/gpu.ts";
import { any, mistake } from "../../support/mistakes.ts";

await loadBackend("onnx");

const wave = (...shape: number[]): NDArray => {
  const n = shape.reduce((a, b) => a * b, 1);
  return np.sin(np.arange(n, { dtype: "float64" }).mul(1.7)).reshape(shape);
};
const starts = { add: 0, mul: 1, max: -Infinity, min: Infinity } as const;
const reducers = Object.keys(starts) as (keyof typeof starts)[];
const reduced = (reducer: keyof typeof starts) => (x: NDArray): NDArray =>
  lax.reduceWindow(x, starts[reducer], reducer, [3, 2], [2, 1], [[1, 2], [0, 1]]);
const x = wave(7, 5);

for (const reducer of reducers) {
  const f = reduced(reducer);
  const loss = (x: NDArray): NDArray => np.sin(f(x)).sum();

  Deno.test(`${reducer} over windows of lanes is that of single arrays`, () => {
    const xs = wave(3, 7, 5);
    assertClose(vmap(f)(xs).at(1), f(xs.at(1)), 1e-12);
    assertClose(
      vmap(grad(loss), { inAxes: 2 })(np.moveaxis(xs, 0, 2)).at(2),
      grad(loss)(xs.at(2)),
      1e-12,
    );
  });

  Deno.test(`${reducer} over windows has derivatives of second order`, () => {
    const t = np.cos(x);
    const along = jvp(grad(loss), [x], [t])[1];
    const h = 1e-5;
    const at = (s: number): NDArray => grad(loss)(x.add(t.mul(s * h)));
    assertClose(along, at(1).sub(at(-1)).div(2 * h), 1e-7);
    const few = x.slice([0, 0], [3, 2]);
    const H = hessian((y: NDArray) =>
      np.square(lax.reduceWindow(y, starts[reducer], reducer, [2, 2])).sum()
    )(few);
    assertClose(H, np.transpose(H, [2, 3, 0, 1]), 1e-12);
  });

  Deno.test(`${reducer} over windows and its gradient are on all backends those of eager code`, () => {
    for (const backend of backends) {
      assertClose(jit(f, backend)(x), f(x), 1e-12, backend.backend);
      assertClose(jit(grad(loss), backend)(x), grad(loss)(x), 1e-12, backend.backend);
    }
  });

  gpuTest(`${reducer} over windows and its gradient on a GPU are those of eager code`, async () => {
    const y = x.astype("float32");
    const gpu = { backend: "webgpu" };
    assertClose(await ready(jit(f, gpu)(y)), f(y), 1e-5);
    assertClose(await ready(jit(grad(loss), gpu)(y)), grad(loss)(y), 1e-5);
  });
}

Deno.test("any function may combine the elements of windows, and has derivatives", () => {
  const hypot = (x: NDArray): NDArray =>
    lax.reduceWindow(x, 0, (a, b) => np.sqrt(np.square(a).add(np.square(b))), [3], [2], "SAME");
  const norms = (x: NDArray): NDArray =>
    np.sqrt(lax.reduceWindow(np.square(x), 0, "add", [3], [2], "SAME"));
  const v = wave(8).add(2);
  assertClose(hypot(v), norms(v), 1e-12);
  for (const backend of backends) assertClose(jit(hypot, backend)(v), norms(v), 1e-12);
});

Deno.test("what is combined may be a tree: the largest element and where it is", () => {
  type Found = { value: NDArray; at: NDArray };
  const larger = (a: Found, b: Found): Found => {
    const second = np.greater(b.value, a.value);
    return { value: np.where(second, b.value, a.value), at: np.where(second, b.at, a.at) };
  };
  const operand = { value: np.array([3, 1, 4, 1, 5]), at: np.arange(5) };
  const { value, at } = lax.reduceWindow(operand, { value: -Infinity, at: -1 }, larger, [2], null, [
    [1, 0],
  ]);
  assertEquals(value.toArray(), [3, 3, 4, 4, 5]);
  assertEquals(at.toArray(), [0, 0, 2, 2, 4]);
});

Deno.test("of equal elements the first one has the gradient, and NaN where it wins", () => {
  const slope = grad((x: NDArray) => lax.reduceWindow(x, -Infinity, "max", [4], [4]).sum());
  assertEquals(slope(np.array([1, 2, 2, 0, NaN, 1, NaN, 3])).toArray(), [0, 1, 0, 0, 1, 0, 0, 0]);
});

Deno.test("sums over large windows, along one axis after another, are those over all elements", () => {
  const y = wave(2, 20, 21);
  const f = (y: NDArray): NDArray =>
    lax.reduceWindow(y, 0, "add", [2, 9, 8], [1, 3, 2], [[1, 0], [4, 4], [0, 3]], {
      baseDilation: [1, 2, 1],
      windowDilation: [1, 1, 2],
    });
  const all = (y: NDArray): NDArray =>
    lax.reduceWindow(y, 0, (a, b) => a.add(b), [2, 9, 8], [1, 3, 2], [[1, 0], [4, 4], [0, 3]], {
      baseDilation: [1, 2, 1],
      windowDilation: [1, 1, 2],
    });
  assertClose(f(y), all(y), 1e-12);
  assertClose(
    grad((y: NDArray) => np.sin(f(y)).sum())(y),
    grad((y: NDArray) => np.sin(all(y)).sum())(y),
    1e-12,
  );
});

const v = np.ones([5]);
mistake(
  "windows of another number of axes",
  () => lax.reduceWindow(v, 0, "add", [2, 2]),
  TypeError,
  "reduceWindow: windowDimensions must be a list of 1 integers of at least 1 | not [2,2]",
);
mistake(
  "a reducer that there is not",
  () => lax.reduceWindow(v, 0, any("mean"), [2]),
  TypeError,
  'reduceWindow: the computation must be "add", "mul", "max", "min" or a function of two arrays, not the string "mean"',
);
mistake(
  "a reducer that gives something else",
  () => lax.reduceWindow(v, 0, any((a: NDArray) => a.sum()), [2]),
  TreeError,
  "reduceWindow: the computation must give what it takes",
);
mistake(
  "a start that is an array",
  () => lax.reduceWindow(v, v, "add", [2]),
  ShapeError,
  "reduceWindow: initValue must be a number, but has shape [5]",
);
mistake(
  "axes that do not pair up",
  () => lax.dotGeneral(np.ones([2, 3]), np.ones([4, 5]), [[[1], [0]], [[], []]]),
  ShapeError,
  "dotGeneral: the summed axes 1 of lhs, of shape [2,3], and 0 of rhs, of shape [4,5], have different lengths",
);
mistake(
  "lists that are not nested",
  () => lax.dotGeneral(np.ones([2, 3]), np.ones([3, 5]), any([[1], [0]])),
  TypeError,
  "dotGeneral: the summed axes must be two lists | [[[1], [0]], [[], []]]",
);
