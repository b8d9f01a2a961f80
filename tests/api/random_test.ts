/**
 * Random numbers against JAX's: bits, integers and choices have to be the same, floats agree to a few
 * rounding errors. Then the same under transforms, and what happens with things that are no keys.
 */
import type { NDArray } from "../../lib/core/array.ts";
import type { DType } from "../../lib/core/dtype.ts";
import { numpy as np, random, special } from "../../mod.ts";
import { jit } from "../../lib/transforms/jit.ts";
import { grad } from "../../lib/transforms/public.ts";
import { vmap } from "../../lib/transforms/vmap.ts";
import { registerBackend } from "../../lib/core/backend.ts";
import { interpreter } from "../../lib/backends/deferred.ts";
import recorded from "../reference/random.json" with { type: "json" };
import limits from "../reference/limits.json" with { type: "json" };
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { draws, functionOf } from "../support/operations.ts";
import { assertEach, load, type Recorded } from "../support/recorded.ts";

registerBackend(interpreter);

type Draws = Readonly<Record<string, Recorded>>;
type Array1 = (...args: NDArray[]) => NDArray;

const f64 = { dtype: "float64" } as const;

/** What the list draws with. */
const words = {
  logits1: load(recorded.logits_1d),
  logits2: load(recorded.logits_2d),
  /** `key, sub = split(key)`, three times: the subs. */
  chain(key: NDArray): NDArray[] {
    const subs: NDArray[] = [];
    for (let i = 0; i < 3; i++) {
      const keys = random.split(key);
      key = keys.at(0);
      subs.push(keys.at(1));
    }
    return subs;
  },
};
const drawn = new Map(draws.map((entry) => [
  entry.name,
  entry.here === undefined ? null : functionOf(entry.here, ["key"], words),
]));

/** Rounding errors of a distribution: those of the functions that it is made with. */
function allowed(name: string): readonly [ulps: number, absolute: number] {
  const eps = name.includes("f64") ? 2 ** -52 : 2 ** -23;
  if (/normal/.test(name)) return [24, 8 * eps];
  if (/gumbel|exponential/.test(name)) return [8, 4 * eps];
  return [0, 0];
}

function check(name: string, seed: number, expected: Recorded): void {
  const draw = drawn.get(name);
  assert(draw !== undefined, `${name} is not in the list`);
  if (draw === null) return;
  assertEach(`${name} of seed ${seed}`, draw(random.key(seed)), expected, ...allowed(name));
}

for (const [seed, entries] of Object.entries(recorded.seeds as unknown as Record<string, Draws>)) {
  Deno.test(`random: seed ${seed} gives JAX's stream`, () => {
    for (const [name, expected] of Object.entries(entries)) check(name, Number(seed), expected);
  });
}

Deno.test("random: seed -1 gives JAX's stream", () => {
  for (const [name, expected] of Object.entries(recorded.seed_minus_1 as unknown as Draws)) {
    check(name, -1, expected);
  }
});

Deno.test("random: seeds out of the range of 32 bits give JAX's keys", () => {
  const keys = recorded.odd_seed_keys.x64_off as unknown as Draws;
  for (const [seed, expected] of Object.entries(keys)) {
    assertEquals(random.key(Number(seed)).toArray(), load(expected).toArray(), seed);
  }
});

Deno.test("random: sizes at the boundary", () => {
  const more = recorded.key_0_more as unknown as Draws;
  const key = random.key(0);
  assertEquals(random.split(key, 1).toArray(), load(more.split_1!).toArray());
  assertEquals(random.bits(key, 1).toArray(), load(more.bits_1!).toArray());
  assertEquals(random.bits(key, 0).toArray(), []);
  assertEquals(random.bits(key, [2, 3, 2]).toArray(), load(more.bits_2x3x2!).toArray());
  assertEquals(random.uniform(key, [0, 2]).shape, [0, 2]);
  assertEquals(random.permutation(key, 0).toArray(), []);
  assertEquals(random.permutation(key, 1).toArray(), [0]);
});

Deno.test("random: uniform numbers between any bounds have JAX's bits", () => {
  for (const { seed, min, max, x } of limits.uniform) {
    const want = load(x);
    const options = { minval: min, maxval: max, dtype: want.dtype };
    const got = random.uniform(random.key(seed), want.shape, options);
    assertEquals(got.toArray(), want.toArray(), `${want.dtype} from ${min} to ${max}`);
  }
});

// ---------------------------------------------------------------- tails

/** Bounds far out, and the mean of normal numbers between them, from 50 digits. */
const tails: readonly (readonly [lower: number, upper: number, mean: number])[] = [
  [3, 3.1, 3.0474631086506943],
  [4, 1e6, 4.225607144489471],
  [5, 1e6, 5.186503967125842],
  [5.25, Infinity, 5.428655388386098],
  [5.5, Infinity, 5.671410313897305],
  [6, 6.2, 6.080179116279971],
  [8, Infinity, 8.121368112236112],
  [30, Infinity, 30.033259667433676],
];

/** Draws between bounds, above and below 0, with bounds that are numbers and that are arrays. */
const ways: Record<string, (lower: number, upper: number, dtype: DType) => NDArray> = {
  numbers: (lower, upper, dtype) =>
    random.truncatedNormal(random.key(1), lower, upper, [4000], { dtype }),
  mirrored: (lower, upper, dtype) =>
    random.truncatedNormal(random.key(1), -upper, -lower, [4000], { dtype }).neg(),
  arrays(lower, upper, dtype) {
    const [low, high] = [lower, upper].map((x) => np.array(x, { dtype }));
    return random.truncatedNormal(random.key(1), low!, high!, [4000], { dtype });
  },
};

Deno.test("truncatedNormal: far out, draws have the tail's distribution", () => {
  for (const dtype of ["float32", "float64"] as const) {
    for (const [lower, upper, mean] of tails) {
      for (const [way, draw] of Object.entries(ways)) {
        const what = `${dtype} from ${lower} to ${upper}, ${way}`;
        const x = draw(lower, upper, dtype);
        const found = np.mean(x).item() as number;
        // Four standard errors; the deviation is below 1 / lower.
        assert(Math.abs(found - mean) < 4 / lower / Math.sqrt(4000), `${what}: mean ${found}`);
        const [least, most] = [x.min().item() as number, x.max().item() as number];
        assert(least > lower && most < upper && most < lower + 10 / lower, `${what}: ${most}`);
      }
    }
  }
});

Deno.test("truncatedNormal: far out, each draw is the quantile of JAX's fraction", () => {
  const complement = (x: NDArray): NDArray => special.erfc(x.mul(Math.SQRT1_2));
  for (const [lower, upper] of [[7, 7.5], [8, 30], [20, 21]] as const) {
    const x = random.truncatedNormal(random.key(3), lower, upper, [100], f64);
    const u = random.uniform(random.key(3), [100], f64);
    const [most, least] = [lower, upper].map((b) => complement(np.array(b, f64)));
    const want = most!.sub(u.mul(most!.sub(least!)));
    // A rounding error of x is lower times as large in the complement.
    const off = np.abs(complement(x).div(want).sub(1)).max().item() as number;
    assert(off < 8 * lower ** 2 * 2 ** -52, `from ${lower} to ${upper}: ${off}`);
  }
});

Deno.test("truncatedNormal: no draw is the bound where the error function is rounded to 1", () => {
  const x = random.truncatedNormal(random.key(2), 2.9, 1e6, [200000]);
  assert((x.max().item() as number) < 6);
});

Deno.test("truncatedNormal: derivatives with respect to bounds are those of quantiles", () => {
  const key = random.key(5);
  const step = 2 ** -12;
  for (const [low, high] of [[7.5, 9], [8, 8.125], [-9, -7.5], [-1, 2], [-8.125, -8]] as const) {
    for (const by of [0, 1]) {
      const f = (t: NDArray): NDArray => {
        const [a, b] = [low, high].map((x, i) => i === by ? t.add(x) : np.array(x, f64));
        return random.truncatedNormal(key, a!, b!, [20], f64).square().sum();
      };
      const at = (t: number): number => f(np.array(t, f64)).item() as number;
      const slope = grad(f)(np.array(0, f64)).item() as number;
      const want = (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step);
      const near = Math.abs(slope - want) <= 1e-6 * Math.max(1, Math.abs(want));
      assert(near, `between ${low} and ${high}, by ${by}: ${slope} and ${want}`);
    }
  }
  // Of what is one-sided, and in float32.
  for (const lower of [2, 5, 30]) {
    const f = (a: NDArray): NDArray => random.truncatedNormal(key, a, Infinity, [50]).mean();
    const slope = grad(f)(np.array(lower)).item() as number;
    assert(slope > 0 && slope < 1.01, `above ${lower}: ${slope}`);
  }
});

Deno.test("random: vmap over keys gives each key's numbers", () => {
  const keys = random.split(random.key(42), 3);
  const lanes = vmap((key: NDArray) => random.uniform(key, [4]))(keys as never) as NDArray;
  assertEquals(lanes.toArray(), load(recorded.vmap_uniform_over_split_42_3).toArray());
});

Deno.test("random: every function can be traced and mapped", () => {
  const keys = random.split(random.key(7), 3);
  const functions: Record<string, (key: NDArray) => NDArray> = {};
  for (const [name, draw] of drawn) if (draw !== null) functions[name] = draw;
  functions.seed_array = (key) => random.key(key.at(1));
  functions.fold_in_array = (key) => random.foldIn(key, key.at(0));
  for (const [name, draw] of Object.entries(functions)) {
    const eager = [0, 1, 2].map((i) => draw(keys.at(i)).toArray());
    const traced = jit(draw, { backend: "interpreter" }) as unknown as Array1;
    assertEquals(traced(keys.at(1)).toArray(), eager[1]!, `jit of ${name}`);
    if (name === "permutation_2000_first_20") continue;
    const mapped = vmap(draw) as unknown as Array1;
    assertEquals(mapped(keys).toArray(), eager, `vmap of ${name}`);
  }
});

Deno.test("random: parameters may be arrays", () => {
  const key = random.key(3);
  const p = np.array([0, 1, 0.5]);
  assertEquals(random.bernoulli(key, p).slice([0], [2]).toArray(), [false, true]);
  assertEquals(random.bernoulli(key, p, [4, 3]).shape, [4, 3]);
  const high = np.array([1, 10, 1000], { dtype: "int32" });
  const draws = random.randint(key, [50, 3], 0, high);
  assertEquals(draws.less(high).all().item(), 1);
  assertEquals(random.randint(key, [50, 3], 0, high).at(0).shape, [3]);
  // A computed range without an integer gives its start, as in JAX.
  const none = random.randint(key, [4], np.array(5, { dtype: "int32" }), 5);
  assertEquals(none.toArray(), [5, 5, 5, 5]);
  const bounds = np.array([-1, 0, 2]);
  const cut = random.truncatedNormal(key, bounds, bounds.add(0.5), [100, 3]);
  assertEquals(cut.greaterEqual(bounds).all().item(), 1);
  assertEquals(cut.lessEqual(bounds.add(0.5)).all().item(), 1);
  const scaled = random.uniform(key, [2, 3], { minval: bounds, maxval: np.array([0, 1, 3]) });
  assertEquals(scaled.shape, [2, 3]);
});

Deno.test("random: the largest integers can be drawn", () => {
  const key = random.key(0);
  const all = random.randint(key, [4], -2147483648, 2147483648);
  assertEquals(all.dtype, "int32");
  const words = random.randint(key, [1000], 0, 4294967296, { dtype: "uint32" });
  assert(words.max().item() > 4e9 && words.min().item() < 1e8);
  assertEquals(random.randint(key, [9], 2147483647, 2147483648).min().item(), 2147483647);
});

Deno.test("random: derivatives flow through parameters", () => {
  const key = random.key(0);
  const f = (low: NDArray) => random.uniform(key, [8], { minval: low, maxval: 3 }).sum();
  const u = random.uniform(key, [8]);
  const slope = (grad(f) as unknown as Array1)(np.array(1)).item();
  assert(Math.abs(slope - np.sub(1, u).sum().item()) < 1e-5);
});

Deno.test("random: what is no key is refused, saying how to make one", () => {
  const bad = (key: unknown): () => unknown => () => random.normal(key as NDArray, [2]);
  for (const value of [0, undefined, "key", [0, 1]]) {
    assertThrows(bad(value), TypeError, "normal: the key is");
    assertThrows(bad(value), TypeError, "random.key(seed)");
  }
  assertThrows(bad(np.zeros([2])), TypeError, "the key is float32[2], not uint32[2]");
  assertThrows(bad(random.key(0).at(0)), TypeError, "random.split");
  const keys = random.split(random.key(0), 3);
  assertThrows(bad(keys), TypeError, "map over them with vmap");
});

Deno.test("random: bad parameters are refused", () => {
  const key = random.key(0);
  assertThrows(() => random.key(0.5), RangeError, "the seed must be an integer");
  assertThrows(() => random.key(2 ** 60), RangeError, "53 bits");
  assertThrows(() => random.key(np.zeros([])), TypeError, "integer scalar");
  assertThrows(() => random.foldIn(key, "a" as never), TypeError, "foldIn: the data");
  assertThrows(() => random.normal(key, [-1]), TypeError, "non-negative integers");
  assertThrows(() => random.normal(key, [2], { dtype: "int32" }), TypeError, "not int32");
  assertThrows(() => random.randint(key, [2], 3, 3), RangeError, "no integer from 3");
  assertThrows(() => random.randint(key, [2], 0.5, 3), RangeError, "minval must be an integer");
  assertThrows(() => random.randint(key, [2], 0, np.ones([])), TypeError, "maxval must be");
  assertThrows(() => random.randint(key, [2], 0, 9, f64), TypeError, "int32 or uint32");
  assertThrows(() => random.bernoulli(key, np.zeros([3]), [2]), TypeError, "do not broadcast");
  assertThrows(
    () => random.categorical(key, words.logits2, { shape: [5] }),
    TypeError,
    "must end in",
  );
  assertThrows(() => random.permutation(key, np.zeros([])), TypeError, "at least one axis");
  assertThrows(() => random.permutation(key, 2.5), RangeError, "must be an integer");
});
