/**
 * Reductions, sorting, indexing, products, padding and linear algebra as users call them, against
 * values recorded from JAX. What JAX has and Injax does not is listed, so that nothing is forgotten.
 */
import type { NDArray } from "../../lib/core/array.ts";
import { linalg, nn, numpy as np } from "../../lib/api/mod.ts";
import type { TakeMode } from "../../lib/core/method_options.ts";
import recorded from "../reference/structure.json" with { type: "json" };
import { assert, assertEquals } from "../support/assert.ts";
import { assertRecorded, load, type Recorded } from "./recorded.ts";

interface Params {
  readonly axis?: number;
  readonly keepdims?: boolean;
  readonly reverse?: boolean;
  readonly descending?: boolean;
  readonly ddof?: number;
  readonly mode?: TakeMode;
  readonly side?: "left" | "right";
  readonly sizes?: readonly number[];
  readonly start?: readonly number[];
  readonly limit?: readonly number[];
  readonly strides?: readonly number[];
  readonly config?: readonly (readonly [number, number, number])[];
  readonly eq?: string;
  readonly num?: number;
  readonly num_segments?: number;
}

interface Case {
  readonly op: string;
  readonly order: readonly string[];
  readonly inputs: Readonly<Record<string, Recorded>>;
  readonly params: Params;
  readonly outputs: readonly Recorded[];
}

type Call = (x: NDArray[], params: Params) => NDArray | readonly NDArray[] | null;
type Reduction = (
  x: NDArray,
  axis?: number,
  options?: { keepDims?: boolean; ddof?: number },
) => NDArray;

function reduction(f: Reduction): Call {
  return ([x], { axis, keepdims = false, ddof = 0 }) =>
    f(x!, axis, { keepDims: keepdims, ...ddof === 0 ? {} : { ddof } });
}

/** Pads only as NumPy does: no gaps, nothing removed. */
const pad: Call = ([x, value], { config }) =>
  config!.some(([low, high, gap]) => low < 0 || high < 0 || gap > 0)
    ? null
    : np.pad(x!, config!.map(([low, high]) => [low, high]), { value: value! });

const calls: Record<string, Call> = {
  argmax: ([x], { axis }) => np.argmax(x!, axis),
  argmin: ([x], { axis }) => np.argmin(x!, axis),
  max: reduction(np.max),
  min: reduction(np.min),
  sum: reduction(np.sum),
  prod: reduction(np.prod),
  mean: reduction(np.mean),
  var: reduction(np.var),
  std: reduction(np.std),
  all: reduction(np.all),
  any: reduction(np.any),
  logsumexp: reduction(nn.logsumexp),
  softmax: ([x], { axis }) => nn.softmax(x!, axis),
  log_softmax: ([x], { axis }) => nn.logSoftmax(x!, axis),
  cumsum: ([x], { axis, reverse }) => np.cumsum(x!, axis, { reverse: reverse! }),
  cumprod: ([x], { axis, reverse }) => np.cumprod(x!, axis, { reverse: reverse! }),
  sort: ([x], { axis, descending = false }) => np.sort(x!, axis, { descending }),
  argsort: ([x], { axis, descending = false }) => np.argsort(x!, axis, { descending }),
  searchsorted: ([a, v], { side }) => np.searchsorted(a!, v!, { side: side! }),
  dynamic_slice: ([x, start], { sizes }) => np.dynamicSlice(x!, start!, sizes!),
  dynamic_update_slice: ([x, update, start]) => np.dynamicUpdateSlice(x!, update!, start!),
  slice: ([x], { start, limit, strides }) => np.slice(x!, start!, limit!, strides!),
  take: ([x, i], { axis, mode }) => np.take(x!, i!, axis, { mode: mode! }),
  take_along_axis: ([x, i], { axis }) => np.takeAlongAxis(x!, i!, axis!),
  getitem: ([x, i]) => np.at(x!, i!),
  at_add: ([x, i, v]) => np.addAt(x!, i!, v!),
  at_set: ([x, i, v]) => np.setAt(x!, i!, v!),
  segment_sum: ([v, i], { num_segments }) =>
    np.addAt(np.zeros([num_segments!], { dtype: v!.dtype }), i!, v!),
  matmul: ([a, b]) => np.matmul(a!, b!),
  einsum: ([a, b], { eq }) => np.einsum(eq!, a!, b!),
  pad,
  solve: ([a, b]) => linalg.solve(a!, b!),
  inv: ([a]) => linalg.inv(a!),
  det: ([a]) => linalg.det(a!),
  slogdet: ([a]) => {
    const { sign, logabsdet } = linalg.slogdet(a!);
    return [sign, logabsdet];
  },
  clip: ([x, lo, hi]) => np.clip(x!, lo!, hi!),
  norm: ([x]) => linalg.norm(x!),
  linspace: ([a, b], { num }) => np.linspace(a!, b!, num!),
  where: ([c, x, y]) => np.where(c!, x!, y!),
};

/** What the namespaces do not have; `lax` operations among them are tested with the primitives. */
const missing = new Set([
  "cummax",
  "cummin",
  "cumlogsumexp",
  "sort_key_val",
  "lax_sort",
  "top_k",
  "at_mul",
  "at_min",
  "at_max",
  "at_add_clip",
  "at_add_2d",
  "dot_general",
  "cholesky",
  "solve_triangular",
]);

/** Elimination decides what comes of singular matrices; variances of constants are 0 here, not near it. */
const exempt = /^(solve_singular|var_constant|std_constant)/;

const allowed: Record<string, number> = { inv: 64, solve: 64, det: 32, slogdet: 32 };

const cases = Object.entries(recorded.cases as unknown as Record<string, Case>);

Deno.test("structure: every recorded operation is called or known to be missing", () => {
  for (const [name, { op }] of cases) {
    assertEquals(calls[op] === undefined, missing.has(op), `${name}: ${op}`);
  }
});

for (const op of Object.keys(calls)) {
  Deno.test(`structure: ${op} as JAX has it`, () => {
    const own = cases.filter(([, c]) => c.op === op);
    assert(own.length > 0, "nothing was recorded");
    for (const [name, { inputs, order, params, outputs }] of own) {
      if (exempt.test(name)) continue;
      const found = calls[op]!(order.map((k) => load(inputs[k]!)), params);
      if (found === null) continue;
      const list = Array.isArray(found) ? found : [found];
      assertEquals(list.length, outputs.length, name);
      outputs.forEach((o, i) => assertRecorded(name, list[i], o, allowed[op] ?? 4));
    }
  });
}
