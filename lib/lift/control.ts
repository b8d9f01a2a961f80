/**
 * Lifted loops and branches: state is part of the carry, keys are folded with the iteration.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { scalarArray } from "../core/concrete.ts";
import { StateChangedError } from "../core/errors.ts";
import { treeMap, treeUnflatten } from "../core/tree.ts";
import { scanLength } from "../transforms/loops.ts";
import { flattenArrays } from "../transforms/trees.ts";
import type { AnyFunction } from "../transforms/types.ts";
import type { Entries } from "./protocol.ts";
import { Engine, flatTree, type Fn, folded, laneZero, newKeys, pure, scanPair } from "./engine.ts";

export const scan = (e: Engine): Fn => (f, init, xs, options = {}) => {
  const { length, reverse = false } = options as { length?: number; reverse?: boolean };
  const [slices, xsDef] = flattenArrays("scan", xs, "xs");
  const steps = scanLength(slices, xsDef, length);
  e.initialize(() => {
    const first = slices.map((x) => laneZero(x, 0, reverse));
    return (f as Fn)(init, treeUnflatten(xsDef, first));
  });
  const { outer, inner } = e.begin();
  const fn = e.purify(e.label("scan"), inner, f as Fn);
  const step = (carry: unknown, x: unknown): unknown => {
    const [c, state, i] = carry as [unknown, Entries, NDArray];
    const { out, after } = fn.call(state, [c, x], { rng: folded(inner.rng, i) });
    const [next, y] = scanPair(out);
    return [[next, after.state, i.add(1)], y];
  };
  Object.defineProperty(step, "name", { value: (f as AnyFunction).name });
  const [[carry, state], ys] = pure.scan(
    step,
    [init, inner.state, scalarArray(0, "int32")],
    xs,
    { length: steps, reverse },
  ) as [[unknown, unknown], unknown];
  e.commit(outer, state, fn.names());
  return [carry, ys];
};

export const map = (e: Engine): Fn => (f, xs) => {
  const step = (_: unknown, x: unknown): unknown => [null, (f as Fn)(x)];
  return (scan(e)(step, null, xs) as unknown[])[1];
};

export const associativeScan = (e: Engine): Fn => (f, elems, options = {}) => {
  const [leaves, def] = flattenArrays("associativeScan", elems, "elems");
  const tree = treeUnflatten(def, leaves);
  e.initialize(() => (f as Fn)(tree, tree));
  const { outer, inner } = e.begin();
  const where = `the function of ${e.label("associativeScan")}`;
  let names = inner.names;
  const out = pure.associativeScan(
    (a: unknown, b: unknown) => {
      const { out, after } = e.run(inner, () => (f as Fn)(a, b));
      e.unchanged(where, inner, after);
      names = after.names;
      return out;
    },
    elems,
    options,
  );
  e.commit(outer, inner.state, names);
  return out;
};

export const whileLoop = (e: Engine): Fn => (cond, body, init) => {
  const before = e.protocol.snapshot();
  const [leaves, def] = flattenArrays("whileLoop", init, "init");
  const start = treeUnflatten(def, leaves);
  const afterCond = e.initialize(() => (cond as Fn)(start));
  e.initialize(() => (body as Fn)(start), afterCond);
  const { outer, inner } = e.begin();
  if (e.strict) {
    const created = [
      ...newKeys(before.params, outer.params),
      ...newKeys(before.state, outer.state),
    ];
    if (created.length > 0) {
      throw new StateChangedError(
        `${e.label("whileLoop")}: initialising the loop creates ${
          created.join(", ")
        }, which strict: true forbids. Create it before the loop, for example with initialize`,
      );
    }
  }
  const where = e.label("whileLoop");
  let bodyNames: unknown = afterCond;
  const test = (carry: unknown): unknown => {
    const [x, state] = carry as [unknown, Entries];
    const bundle = { ...inner, state };
    const { out, after } = e.run(bundle, () => (cond as Fn)(x));
    e.unchanged(`the condition of ${where}`, bundle, after);
    bodyNames = after.names;
    return out;
  };
  let names: unknown = inner.names;
  const step = (carry: unknown): unknown => {
    const [x, state, i] = carry as [unknown, Entries, NDArray];
    const { out, after } = e.run(inner, () => (body as Fn)(x), {
      state,
      rng: folded(inner.rng, i),
      names: bodyNames,
    });
    e.state(where, state, after);
    names = after.names;
    return [out, after.state, i.add(1)];
  };
  const [x, state] = pure.whileLoop(test, step, [
    start,
    inner.state,
    scalarArray(0, "int32"),
  ]) as [unknown, unknown];
  e.commit(outer, state, names);
  return x;
};

export const foriLoop = (e: Engine): Fn => (lower, upper, body, init) => {
  const first = typeof lower === "number" ? scalarArray(lower, "int32") : lower;
  e.initialize(() => (body as Fn)(first, treeMap((x) => x, flatTree(init))));
  const { outer, inner } = e.begin();
  const fn = e.purify(e.label("foriLoop"), inner, body as Fn);
  const [x, state] = pure.foriLoop(lower, upper, (i: unknown, carry: unknown) => {
    const [x, state] = carry as [unknown, Entries];
    const { out, after } = fn.call(state, [i, x], { rng: folded(inner.rng, i as NDArray) });
    return [out, after.state];
  }, [init, inner.state]) as [unknown, unknown];
  e.commit(outer, state, fn.names());
  return x;
};

export function branches(
  e: Engine,
  name: "cond" | "switchCase",
  branches: readonly AnyFunction[],
  operands: unknown[],
  choose: (branches: readonly Fn[], state: unknown) => unknown,
): unknown {
  const args = flatTree(operands) as unknown[];
  let initNames: unknown;
  for (const f of branches) initNames = e.initialize(() => (f as Fn)(...args), initNames);
  const { outer, inner } = e.begin();
  let names: unknown = inner.names;
  const runs = branches.map((f, k) => (state: unknown, ...xs: unknown[]): unknown => {
    const { out, after } = e.run(inner, () => (f as Fn)(...xs), {
      state: state as Entries,
      rng: folded(inner.rng, scalarArray(k, "int32")),
      names,
    });
    names = after.names;
    return [out, e.state(e.label(name), state as Entries, after)];
  });
  const [out, state] = choose(runs, inner.state) as [unknown, unknown];
  e.commit(outer, state, names);
  return out;
}
