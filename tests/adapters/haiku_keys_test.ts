/**
 * Sequences of random keys in the Haiku adapter: those of a part of the code, those that are put back,
 * and those that stand alone.
 *
 * @module
 */
import { jit, type NDArray, numpy as np, random, StateError } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { plain } from "../support/arrays.ts";

const key = random.key(3);
const other = random.key(4);
const t = hk.transforms;
const draw = (): NDArray => hk.nextRngKey();
const run = <R>(f: () => R, key: NDArray | null = random.key(3)): R =>
  plain(hk.transform(f).apply({}, key)) as R;

Deno.test("a sequence is put in for a part of the code, and what it was goes on after it", () => {
  const [a, b] = run(() => [draw(), draw()]);
  const within = (f: () => unknown) => run(() => [draw(), hk.withRng(other, f), draw()]);
  const [c, d] = run(() => [draw(), draw()], other);
  assertEquals(within(() => [draw(), draw()]), [a, [c, d], b]);
  assertEquals(within(() => hk.withRng(key, draw)), [a, a, b]);
  assertEquals(run(() => [hk.withRng(other, draw), hk.maybeNextRngKey()], null) as unknown, [
    c,
    null,
  ]);
  assertThrows(
    () =>
      run(() => (hk.withRng(other, () => {
        throw new Error("mine");
      }))),
    Error,
    "mine",
  );
});

Deno.test("sequences put in inside transforms: steps, lanes and compiled programs have their own", () => {
  const steps = (): NDArray =>
    t.scan(
      (c: NDArray, k: NDArray) => [c, hk.withRng(k, draw)],
      np.array(0),
      random.split(other, 3),
    )[1];
  const direct = Array.from({ length: 3 }, (_, i) => run(draw, random.split(other, 3).at(i)));
  assertEquals(run(steps), direct as unknown);
  // Under a sequence that is put in outside, each step has keys of its own.
  const around = (seed: number): NDArray =>
    hk.withRng(
      random.key(seed),
      () => t.scan((c: NDArray) => [c, draw()], np.array(0), null, { length: 3 })[1],
    );
  const keys = run(() => around(1)) as unknown as number[][];
  assertEquals(new Set(keys.map(String)).size, 3);
  assertEquals(run(() => around(1), null) as unknown, keys);
  assert(String(run(() => around(2))) !== String(keys));
  // And one compiled program serves all of them.
  let traces = 0;
  const compiled = t.jit(() => (traces++, draw()), { backend: "interpreter" });
  const both = run(() => [1, 2, 1].map((seed) => hk.withRng(random.key(seed), compiled)));
  assertEquals(traces, 1);
  assertEquals([String(both[0]) === String(both[2]), String(both[0]) === String(both[1])], [
    true,
    false,
  ]);
  const outside = jit((k: NDArray) => hk.transform(() => hk.withRng(k, draw)).apply({}, null), {
    backend: "interpreter",
  });
  assertEquals(plain(outside(other)), run(draw, other) as unknown);
});

Deno.test("initial parameters are drawn from the key of init, or from one that is put in", () => {
  const model = (k: NDArray | null) =>
    hk.transform((x: NDArray) =>
      k === null ? new hk.Linear(2).call(x) : hk.withRng(k, () => new hk.Linear(2).call(x))
    );
  const x = np.ones([2]);
  const w = (k: NDArray | null, init: NDArray | null): unknown =>
    plain(model(k).init(init, x).linear!.w!);
  assertEquals(w(other, key), w(null, key));
  assertEquals(w(other, null), w(null, other));
});

Deno.test("a sequence goes on from where it was", () => {
  const pairs = run(() => {
    const before = hk.maybeGetRngSequenceState()!;
    const first = [draw(), draw()];
    hk.replaceRngSequenceState(before);
    return [first, [draw(), draw()]];
  });
  assertEquals(pairs[0], pairs[1]);
  assertEquals(run(() => hk.maybeGetRngSequenceState(), null), null);
  assertEquals(run(() => hk.nextRngKeys(2)), run(() => [draw(), draw()]) as unknown);
  assertEquals(run(() => hk.nextRngKeys(0)), [] as unknown);
  assertThrows(
    () => run(() => hk.nextRngKeys(2), null),
    StateError,
    "hk.nextRngKey: no random key",
  );
  assertThrows(() => run(() => hk.nextRngKeys(-1)), RangeError, "hk.nextRngKeys: the count");
  assertThrows(
    () => run(() => hk.replaceRngSequenceState(null as never)),
    StateError,
    "expected what hk.maybeGetRngSequenceState gave",
  );
  assertThrows(
    () => run(() => hk.withRng(3 as never, draw)),
    StateError,
    "hk.withRng: expected random.key",
  );
});

Deno.test("PRNGSequence gives the keys that dm-haiku's gives", () => {
  const keys = new hk.PRNGSequence(42);
  const next = (): unknown => plain(keys.next().value);
  assertEquals([next(), next()], [[64467757, 2916123636], [1705926158, 899080142]]);
  keys.reserve(2);
  assertEquals([next(), next(), next()], [
    [1712723395, 2526649282],
    [91349104, 926951219],
    [2232176465, 33846082],
  ]);
  assertEquals(plain(keys.take(2)), [[767915537, 735759787], [3374067896, 3621954194]]);
  const seeds = [42, np.array(42, { dtype: "int32" }), random.key(42)];
  for (const seed of seeds) {
    assertEquals(plain(new hk.PRNGSequence(seed).take(1)), [[64467757, 2916123636]]);
  }
  const listed: unknown[] = [];
  for (const k of new hk.PRNGSequence(1)) if (listed.push(plain(k)) === 3) break;
  assertEquals(new Set(listed.map(String)).size, 3);
  for (const bad of [1.5, np.ones([2]), "a" as never]) {
    assertThrows(
      () => new hk.PRNGSequence(bad),
      StateError,
      "hk.PRNGSequence: expected random.key(seed)",
    );
  }
});

Deno.test("hk.vmap asks whether lanes have keys of their own, and initialises either way", () => {
  const lanes = (splitRng: boolean) =>
    hk.transform((xs: NDArray) =>
      hk.vmap((x: NDArray) => hk.dropout(hk.nextRngKey(), 0.5, new hk.Linear(20).call(x)), {
        splitRng,
      })(xs)
    );
  const xs = np.ones([3, 4]);
  const params = lanes(true).init(key, xs);
  assertEquals(plain(lanes(false).init(key, xs)), plain(params));
  const different = (splitRng: boolean): number =>
    new Set((plain(lanes(splitRng).apply(params, key, xs)) as unknown[]).map(String)).size;
  assertEquals([different(false), different(true)], [1, 3]);
  assertEquals(plain(hk.vmap((x: NDArray) => x.sum(), { splitRng: false })(xs)), [4, 4, 4]);
  for (const options of [undefined, {}, { splitRng: null }]) {
    assertThrows(
      () => hk.vmap((x: NDArray) => x, options as never)(xs),
      TypeError,
      "Write hk.vmap(f, { splitRng: true })",
    );
  }
  // Names as in dm-haiku are those of the dictionary.
  const { vmap: _, ...rest } = { ...hk } as Record<string, unknown>;
  const same = Object.entries(hk.transforms).filter(([name, f]) => rest[name] === f);
  assertEquals(same.length, 9);
  assertEquals(hk.remat, hk.transforms.checkpoint);
});
