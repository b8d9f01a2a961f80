/**
 * Optimisers and schedules give what Optax's give, in float64 and float32; compiled, mapped and in loops they give
 * the same.
 *
 * @module
 */
import { jit, type NDArray, numpy as np, random, scan, treeLeaves } from "../../mod.ts";
import * as optim from "../../lib/optim/mod.ts";
import { assertClose } from "../support/arrays.ts";
import { assert, assertEquals } from "../support/assert.ts";
import recorded from "../reference/optim.json" with { type: "json" };
import { optimisers, type Params, schedules, train, trainByScan } from "./cases.ts";

/** The largest distance of a leaf from the recorded one, as a share of its largest element. */
function distance(params: Params, leaves: readonly unknown[]): number {
  const own = treeLeaves(params) as NDArray[];
  assertEquals(own.length, leaves.length);
  return Math.max(...own.map((x, i) => {
    const want = [leaves[i]].flat(3) as number[];
    const got = [...x.dataSync()];
    assertEquals(got.length, want.length);
    const apart = Math.max(...got.map((v, k) => Math.abs(v - want[k]!)));
    assert(!Number.isNaN(apart));
    return apart / Math.max(...want.map(Math.abs));
  }));
}

const bits = (params: Params): number[][] =>
  (treeLeaves(params) as NDArray[]).map((x) => [...x.dataSync()]);

Deno.test("each optimiser and schedule that is tested is recorded, and the other way round", () => {
  assertEquals(Object.keys(optimisers), recorded.cases.map(({ name }) => name));
  assertEquals(Object.keys(schedules), recorded.schedules.map(({ name }) => name));
});

/** What rounding in another order may do to float32 parameters in 20 steps. */
const allowed = (float32: number): number => Math.max(2 * float32, 4e-6);

for (const { name, first, last, float32 } of recorded.cases) {
  Deno.test(`${name} trains as Optax's does`, () => {
    const make = optimisers[name]!;
    const wide = train(make(), "float64");
    assert(distance(wide[0], first) <= 1e-13, `the first step: ${distance(wide[0], first)}`);
    assert(distance(wide[1], last) <= 1e-11, `the last step: ${distance(wide[1], last)}`);
    // As near to the truth as Optax comes in float32, within a factor.
    const narrow = train(make(), "float32");
    const apart = Math.max(distance(narrow[0], first), distance(narrow[1], last));
    assert(apart <= allowed(float32), `float32: ${apart}, more than ${allowed(float32)}`);
  });

  Deno.test(`${name} is the same compiled, and with its state as a carry`, () => {
    const make = optimisers[name]!;
    for (const dtype of ["float32", "float64"] as const) {
      const [, eager] = train(make(), dtype);
      const close = dtype === "float32" ? allowed(float32) : 1e-13;
      const want = bits(eager);
      for (const other of [train(make(), dtype, true)[1], trainByScan(make(), dtype)]) {
        // Products of matrices, and so gradients, may differ in the last place.
        const apart = distance(other, want);
        assert(apart <= close, `${dtype}: ${apart}`);
      }
    }
  });
}

for (const { name, values } of recorded.schedules) {
  Deno.test(`${name} gives what Optax's gives, for numbers, arrays and integers`, () => {
    const rate = schedules[name]!;
    const check = (rates: ArrayLike<number>, close: number): void => {
      values.forEach((want, i) => {
        const apart = Math.abs(rates[i]! - want);
        assert(
          apart <= close * Math.max(1, Math.abs(want)),
          `at ${recorded.at[i]}: ${rates[i]}, not ${want}`,
        );
      });
    };
    check(rate(np.array(recorded.at, { dtype: "float64" })).dataSync(), 1e-14);
    check(rate(np.array(recorded.at, { dtype: "int32" })).dataSync(), 1e-6);
    check(recorded.at.map((step) => rate(step).item()), 1e-6);
  });
}

for (const dtype of ["float32", "float64"] as const) {
  Deno.test(`addNoise draws what Optax's draws, ${dtype}`, () => {
    const zeros = { w: np.zeros([2, 3], { dtype }), b: np.zeros([4], { dtype }) };
    const part = optim.addNoise(0.02, 0.55, random.key(7));
    const step = jit((s: optim.NoiseState) => part.update(zeros, s));
    for (const update of [(s: optim.NoiseState) => part.update(zeros, s), step]) {
      let state = part.init(zeros);
      for (const { w, b } of recorded.noise[dtype]) {
        const [noise, next] = update(state) as [typeof zeros, optim.NoiseState];
        state = next;
        const close = dtype === "float32" ? 1e-6 : 1e-13;
        assertClose(noise.w, np.array(w, { dtype }), close);
        assertClose(noise.b, np.array(b, { dtype }), close);
      }
    }
  });
}

const plateaus: Readonly<Record<string, optim.PlateauOptions>> = {
  patience: { factor: 0.5, patience: 2 },
  cooldown: { factor: 0.3, patience: 1, cooldown: 2, rtol: 0.05 },
  mean: { factor: 0.5, patience: 2, accumulationSize: 2, rtol: 0, atol: 0.01, minScale: 0.2 },
};

for (const [name, scales] of Object.entries(recorded.plateaus.scales)) {
  Deno.test(`reduceOnPlateau reduces when Optax's does: ${name}`, () => {
    const { init, update } = optim.reduceOnPlateau(plateaus[name]!);
    const losses = np.array(recorded.plateaus.losses);
    let state = init();
    recorded.plateaus.losses.forEach((loss, i) => {
      const [scale, next] = update(loss, state);
      state = next;
      assertClose(scale, np.array(scales[i]!), 1e-7, `value ${i}`);
    });
    const [, compiled] = jit(() =>
      scan(
        (s: optim.PlateauState, loss: NDArray) => {
          const [scale, next] = update(loss, s);
          return [next, scale];
        },
        init(),
        losses,
      )
    )() as unknown as [unknown, NDArray];
    assertClose(compiled, np.array(scales), 1e-7, "in a loop");
  });
}
