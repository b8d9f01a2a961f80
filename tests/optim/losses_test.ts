/**
 * Losses and their gradients are those of Optax, in float64 and float32, compiled and mapped too; what they cannot
 * be asked for is refused by name.
 *
 * @module
 */
import { grad, jit, type NDArray, numpy as np, vmap } from "../../mod.ts";
import { DTypeError, ShapeError } from "../../mod.ts";
import * as optim from "../../lib/optim/mod.ts";
import { arr } from "../support/arrays.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { any, mistake } from "../support/mistakes.ts";
import recorded from "../reference/losses.json" with { type: "json" };

type Loss = (...args: unknown[]) => NDArray;
type Kept = { readonly dtype: string; readonly values: unknown[]; readonly shape: number[] };

const losses = optim as unknown as Readonly<Record<string, Loss>>;
const isKept = (x: unknown): x is Kept => typeof x === "object" && x !== null && "dtype" in x;

/** An argument or option as it was recorded, its floats in `dtype`. */
const given = (x: unknown, dtype: "float32" | "float64"): unknown =>
  isKept(x)
    ? np.array(x.values as number[], { dtype: x.dtype === "float64" ? dtype : any(x.dtype) })
      .reshape(x.shape)
    : x;

/** The largest distance from what was recorded, as a share of the largest element of that, or of 1. */
function distance(actual: NDArray, want: Kept): number {
  assertEquals(actual.shape, want.shape);
  const [got, own] = [[...actual.dataSync()], want.values as number[]];
  const apart = Math.max(...got.map((x, i) => Math.abs(x - own[i]!)));
  assert(!Number.isNaN(apart));
  return apart / Math.max(1, ...own.map(Math.abs));
}

for (const [i, { name, args, options, value, slope }] of recorded.cases.entries()) {
  Deno.test(`${name}, case ${i}, is Optax's, and so is its gradient`, () => {
    for (const [dtype, close] of [["float64", 1e-14], ["float32", 1e-6]] as const) {
      const own = args.map((x) => given(x, dtype));
      const last = Object.entries(options).map(([key, x]) => [key, given(x, dtype)]);
      const rest = last.length === 0
        ? []
        : [...own.length < 2 ? [null] : [], Object.fromEntries(last)];
      const f = (x: NDArray): NDArray => losses[name]!(x, ...own.slice(1), ...rest);
      const x = own[0] as NDArray;
      const slopes = grad((x: NDArray) => f(x).sum());
      for (const run of [(g: typeof f) => g(x), (g: typeof f) => jit(g)(x)]) {
        const [y, dy] = [run(f), run(slopes)];
        assertEquals([y.dtype, dy.dtype], [dtype, dtype]);
        assert(distance(y, value) <= close, `${dtype}: ${distance(y, value)}`);
        assert(distance(dy, slope) <= close, `the gradient, ${dtype}: ${distance(dy, slope)}`);
      }
      const twice = vmap(f)(np.stack([x, x]));
      assert(distance(twice.at(1), value) <= close, "mapped");
    }
  });
}

Deno.test("all losses are recorded", () => {
  const names = new Set(recorded.cases.map(({ name }) => name));
  const own = Object.keys(optim).filter((name) =>
    /(Error|Loss|CrossEntropy\w*|Labels|Divergence|Similarity|Distance|Cosh)$/.test(name)
  );
  assertEquals([...names].sort(), own.sort());
});

Deno.test("numbers stand for arrays, integers are classes of any width, and no class is NaN", () => {
  assertEquals(optim.l2Loss(3, 1).item(), 2);
  assertEquals(optim.huberLoss(arr(9), null, { delta: np.array(2) }).item(), 16);
  const logits = np.array([[1, 2, 3]]);
  const by = (label: NDArray) => optim.softmaxCrossEntropyWithIntegerLabels(logits, label).item();
  assertEquals(
    by(np.array([2], { dtype: "uint32" })),
    by(np.array([2], { dtype: "int32" })),
  );
  assert(Number.isNaN(by(np.array([3], { dtype: "int32" }))));
});

const x = np.ones([3, 4]);
mistake(
  "targets of another shape than the predictions",
  () => optim.l2Loss(x, np.ones([3])),
  ShapeError,
  "l2Loss: the predictions have shape [3,4], and the targets [3]",
);
mistake(
  "classes as floats",
  () => optim.softmaxCrossEntropyWithIntegerLabels(x, np.array([0, 1, 2])),
  DTypeError,
  'softmaxCrossEntropyWithIntegerLabels: the labels must be | not float32[3] | astype("int32") | softmaxCrossEntropy',
);
mistake(
  "one-hot rows in the place of classes",
  () => optim.softmaxCrossEntropyWithIntegerLabels(x, np.ones([3, 4], { dtype: "int32" })),
  ShapeError,
  "of logits of shape [3,4] with classes along axis 1 the labels must have shape [3], not [3,4]",
);
mistake(
  "a bend of a loss that is none",
  () => optim.huberLoss(x, x, { delta: 0 }),
  RangeError,
  "huberLoss: delta must be positive and finite, not 0",
);
mistake(
  "more smoothing than there is",
  () => optim.smoothLabels(x, 2),
  RangeError,
  "smoothLabels: alpha must be in [0, 1], not 2",
);
mistake(
  "an option that losses do not have",
  () => optim.softmaxCrossEntropy(x, x, any({ axes: 0 })),
  TypeError,
  "softmaxCrossEntropy: there is no option axes. Did you mean axis",
);
