/**
 * Lifted loops and branches: state is part of the carry, keys are folded with the iteration.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { scalarArray } from "../core/concrete.ts";
import { StateChangedError } from "../core/errors.ts";
import { treeUnflatten } from "../core/tree.ts";
import { scanLength } from "../transforms/loops.ts";
import { flattenArrays } from "../transforms/trees.ts";
import { sliceAlong } from "./calls.ts";
import { asArrays, type Engine, type Fn, instead, newKeys, pure } from "./engine.ts";
import type { Entries } from "./protocol.ts";
import { atTick, firstTick, folded, nextTick } from "./streams.ts";

export const scan = (e: Engine): Fn => (f, init, xs, options) =>
  scanned(e, "scan", f, init, xs, options);

export const map = (e: Engine): Fn => (f, xs) => {
  if (typeof f !== "function") return pure.map(f, xs); // which reports it
  const step = (_: unknown, x: unknown): unknown => [null, (f as Fn)(x)];
  return (scanned(e, "map", instead(f, step), null, xs) as unknown[])[1];
};

function scanned(
  e: Engine,
  name: "scan" | "map",
  f: unknown,
  init: unknown,
  xs: unknown,
  options: unknown = {},
): unknown {
  const { length, reverse = false } = options as { length?: number; reverse?: boolean };
  const [slices, def] = flattenArrays(name, xs, "xs");
  const steps = scanLength(slices, def, length, name);
  e.initialize(f, () => {
    const first = slices.map((x) => sliceAlong(x, 0, reverse));
    return [asArrays(init), treeUnflatten(def, first)];
  });
  const app = e.begin(name);
  const { rng } = app.inner;
  const step = (carry: unknown, x: unknown): unknown => {
    const [c, before, i] = carry as [unknown, Entries, NDArray | null];
    const { out, state } = app.run(() => (f as Fn)(c, x), { state: before, rng: atTick(rng, i) });
    // What is not a pair is left to the pure scan to report.
    if (!Array.isArray(out) || out.length !== 2) return out;
    return [[out[0], state, nextTick(i)], out[1]];
  };
  const [[carry, state], ys] = pure.scan(
    instead(f, step as Fn),
    [init, app.inner.state, firstTick(rng)],
    xs,
    { length: steps, reverse },
  ) as [[unknown, unknown], unknown];
  app.commit(state);
  return [carry, ys];
}

export const associativeScan = (e: Engine): Fn => (f, elems, options) => {
  e.initialize(f, () => [asArrays(elems), asArrays(elems)]);
  const app = e.begin("associativeScan");
  const what = `the function of ${app.where}`;
  let called = false;
  const combine = (a: unknown, b: unknown): unknown => {
    const { out, names } = app.reading(what, () => (f as Fn)(a, b));
    called = true;
    app.names = names;
    return out;
  };
  const given = instead(f, combine as Fn);
  const out = pure.associativeScan(given, elems, options);
  // Fewer than two elements need no combining, but the names must not depend on that.
  if (!called) pure.evalShape(given, elems, elems);
  app.commit({});
  return out;
};

export const whileLoop = (e: Engine): Fn => (cond, body, init) => {
  const before = e.protocol.snapshot();
  const start = asArrays(init);
  const afterCond = e.initialize(cond, () => [start]);
  e.initialize(body, () => [start], afterCond);
  const app = e.begin("whileLoop");
  if (e.strict) {
    const after = e.protocol.snapshot();
    const created = [
      ...newKeys(before.params, after.params),
      ...newKeys(before.state, after.state),
    ];
    if (created.length > 0) {
      throw new StateChangedError(
        `${app.where}: initialising the loop creates ${
          created.join(", ")
        }, which strict: true forbids. Create it before the loop, for example with initialize`,
      );
    }
  }
  const { rng } = app.inner;
  const what = `the condition of ${app.where}`;
  const test = (carry: unknown): unknown => {
    const [x, state] = carry as [unknown, Entries];
    const { out, names } = app.reading(what, () => (cond as Fn)(x), { state });
    app.names = names;
    return out;
  };
  const step = (carry: unknown): unknown => {
    const [x, before, i] = carry as [unknown, Entries, NDArray | null];
    const { out, state } = app.run(() => (body as Fn)(x), {
      state: before,
      rng: atTick(rng, i),
      names: app.names,
    });
    return [out, state, nextTick(i)];
  };
  const [x, state] = pure.whileLoop(
    instead(cond, test as Fn),
    instead(body, step as Fn),
    [init, app.inner.state, firstTick(rng)],
  ) as [unknown, unknown];
  app.commit(state);
  return x;
};

export const foriLoop = (e: Engine): Fn => (lower, upper, body, init) => {
  e.initialize(body, () => [
    typeof lower === "number" ? scalarArray(lower, "int32") : asArrays(lower),
    asArrays(init),
  ]);
  const app = e.begin("foriLoop");
  const { rng } = app.inner;
  const step = (i: unknown, carry: unknown): unknown => {
    const [x, before] = carry as [unknown, Entries];
    const { out, state } = app.run(() => (body as Fn)(i, x), {
      state: before,
      rng: folded(rng, i as NDArray),
    });
    return [out, state];
  };
  const [x, state] = pure.foriLoop(
    lower,
    upper,
    instead(body, step as Fn),
    [init, app.inner.state],
  ) as [unknown, unknown];
  app.commit(state);
  return x;
};

/** `cond` and `switchCase`: names follow the order of `branches`, and so do keys. */
export function branches(
  e: Engine,
  name: "cond" | "switchCase",
  branches: readonly unknown[],
  operands: unknown[],
  choose: (branches: readonly unknown[], state: unknown) => unknown,
): unknown {
  let names: unknown;
  for (const f of branches) names = e.initialize(f, () => asArrays(operands), names);
  const app = e.begin(name);
  const { rng } = app.inner;
  const runs = branches.map((f, k) =>
    instead(f, (before, ...xs) => {
      const { out, state } = app.run(() => (f as Fn)(...xs), {
        state: before as Entries,
        rng: folded(rng, k),
        names: app.names,
      });
      return [out, state];
    })
  );
  const [out, state] = choose(runs, app.inner.state) as [unknown, unknown];
  app.commit(state);
  return out;
}
