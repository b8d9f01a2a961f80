/**
 * Lifted loops and branches: what is written is part of the carry, keys are split by step and branch.
 *
 * @module
 */
import { condBy, switchBy } from "../transforms/branches.ts";
import { mapInBatches } from "../transforms/batches.ts";
import { scanLength } from "../transforms/lengths.ts";
import { foriBy, mapBy, scanBy, whileBy } from "../transforms/loops.ts";
import type { ForiOptions, MapOptions, ScanOptions, WhileOptions } from "../transforms/options.ts";
import { prefixesBy } from "../transforms/prefixes.ts";
import { flattenArrays } from "../transforms/trees.ts";
import type { AnyFunction } from "../transforms/types.ts";
import { checkLaneOptions, splitsStream } from "./axes.ts";
import { Carrier } from "./carrier.ts";
import type { Engine, Fn } from "./engine.ts";
import { vmap } from "./vmap.ts";

type F = AnyFunction;

export const scan = (e: Engine): Fn => (f, init, xs, options = {}) => {
  const { stateAxes, splitRng, length, reverse = false } = options as ScanOptions;
  const app = e.begin("scan");
  checkLaneOptions(app, stateAxes, splitRng);
  const steps = stateAxes === undefined && !reverse
    ? 0
    : scanLength(...flattenArrays("scan", xs, "xs"), length);
  const carrier = new Carrier(app, {
    axes: stateAxes,
    splits: (name) => splitsStream(splitRng, name, true),
    // A step has the number of its slice, whichever comes first.
    count: reverse ? { from: steps - 1, by: -1 } : undefined,
  });
  carrier.steps = steps;
  return scanBy(carrier, f as F, init, xs, options as ScanOptions);
};

export const map = (e: Engine): Fn => (f, xs, options = {}) => {
  const { batchSize } = options as MapOptions;
  if (batchSize === undefined) return mapBy(new Carrier(e.begin("map")), f as F, xs);
  // Each element has keys of its own, as one after the other has.
  const lanes: Fn = (g) => vmap(e)(g, { splitRng: true });
  return mapInBatches({ map: map(e), vmap: lanes }, f as F, xs, batchSize);
};

export const whileLoop = (e: Engine): Fn => (cond, body, init, options) => {
  const app = e.begin("whileLoop");
  const reader = `the condition of ${app.where}`;
  const carrier = new Carrier(app, { reader });
  return whileBy(carrier, cond as F, body as F, init, options as WhileOptions);
};

export const foriLoop = (e: Engine): Fn => (lower, upper, body, init, options = {}) =>
  foriBy(new Carrier(e.begin("foriLoop")), lower, upper, body as F, init, options as ForiOptions);

/** Branches are recorded in the order ifFalse, ifTrue; names follow that order. */
export const cond = (e: Engine): Fn => (pred, ifTrue, ifFalse, ...operands) =>
  condBy(new Carrier(e.begin("cond")), pred as never, ifTrue as F, ifFalse as F, operands);

export const switchCase = (e: Engine): Fn => (index, branches, ...operands) =>
  switchBy(new Carrier(e.begin("switchCase")), index as never, branches as F[], operands);

export const associativeScan = (e: Engine): Fn => (f, elems, options) => {
  const app = e.begin("associativeScan");
  const carrier = new Carrier(app, { reader: `the function of ${app.where}` });
  const out = prefixesBy(carrier, f as F, elems, options as never);
  carrier.finish([], []);
  return out;
};
