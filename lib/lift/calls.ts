/**
 * Lifted calls: `jit`, `checkpoint`, `vmap`.
 *
 * @module
 */
import { NDArray } from "../core/array.ts";
import { formatAval, sameAval, shaped, sizeOf } from "../core/aval.ts";
import { AxisError, describeValue, StateError } from "../core/errors.ts";
import { currentTrace } from "../core/trace.ts";
import { registerPytreeNode, treeFlatten, treeMap, treeUnflatten } from "../core/tree.ts";
import { BatchTracer } from "../interpreters/batch.ts";
import { zeros } from "../primitives/constants/full.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { moveAxis } from "../primitives/shape/transpose.ts";
import { slice } from "../primitives/slicing/slice.ts";
import { nameOf } from "../transforms/trees.ts";
import type { JitOptions, VmapOptions } from "../transforms/types.ts";
import { mappedArguments } from "../transforms/vmap.ts";
import { asArrays, type Engine, type Fn, instead, pure } from "./engine.ts";
import type { Entries, StateBundle } from "./protocol.ts";
import { laneKeys, mapStreams, withKeys } from "./streams.ts";

/**
 * What a function did besides computing, as part of the structure of its result: a compiled program
 * keeps it for the calls that do not trace the function again.
 */
class Traced {
  constructor(readonly json: string) {}
}

registerPytreeNode(Traced, (t) => [{}, t.json], (_, json) => new Traced(json as string));

/** Arguments of the compiled function beyond the user's: parameters, state, keys. */
const hidden = 3;

export function jit(e: Engine): Fn {
  return e.member("jit", (f, options = {}) => {
    const { staticArgnums = [], ...rest } = options as JitOptions;
    const statics = typeof staticArgnums === "number" ? [staticArgnums] : staticArgnums;
    // A program is kept for each state of the names, since they decide which entries it reads.
    const programs = new Map<string, Fn>();
    const compile = (phase: StateBundle["phase"], names: unknown): Fn => {
      const where = e.label("jit");
      const run = (...all: unknown[]): unknown => {
        const xs = all.slice(0, -hidden);
        const [params, state, keys] = all.slice(-hidden) as [
          Entries,
          Entries,
          Record<string, NDArray>,
        ];
        const rng = mapStreams(keys, (key) => ({ key, count: 0, root: key }));
        const bundle = { params, state, initial: {}, rng, phase, names };
        const outcome = e.execute(where, bundle, () => f(...xs));
        const { out, written, drawn, names: next } = outcome;
        return [out, written, new Traced(JSON.stringify([drawn, next]))];
      };
      return pure.jit(instead(f, run), {
        ...rest,
        staticArgnums: statics.map((n) => n < 0 ? n - hidden : n),
      }) as Fn;
    };
    return (args) => {
      for (const n of statics) {
        if (n >= -args.length && n < args.length) continue;
        throw new AxisError(
          `jit: staticArgnums ${n} is out of range: ${
            nameOf(f)
          } was called with ${args.length} arguments`,
        );
      }
      const isStatic = (i: number): boolean =>
        statics.includes(i) || statics.includes(i - args.length);
      e.initialize(f, () => args.map((x, i) => isStatic(i) ? x : asArrays(x)));
      const app = e.begin("jit");
      const { params, state, rng, phase, names } = app.inner;
      const signature = JSON.stringify([phase, names]);
      let program = programs.get(signature);
      if (program === undefined) programs.set(signature, program = compile(phase, names));
      const keys = mapStreams(rng, (s) => s.key);
      const [out, written, traced] = program(...args, params, state, keys) as [
        unknown,
        Entries,
        Traced,
      ];
      const [drawn, next] = JSON.parse(traced.json) as [string[], unknown];
      app.record({ written, drawn, names: next });
      app.commit(written);
      return out;
    };
  });
}

export function checkpoint(e: Engine): Fn {
  return e.member(
    "checkpoint",
    (f) => (args) =>
      e.threaded(
        "checkpoint",
        f,
        args,
        (call) => (pure.checkpoint(call) as Fn)(...args) as [unknown, unknown],
      ),
  );
}

export function vmap(e: Engine): Fn {
  return e.member("vmap", (f, options = {}) => (args) => {
    const { inAxes = 0, outAxes = 0, axisSize, splitRng, reduceState } = options as VmapOptions;
    const { arrays, def, dims, size } = mappedArguments(f as never, args, inAxes, axisSize);
    // The entries are shared, so one lane creates them.
    e.initialize(f, () => {
      const lane = arrays.map((x, i) => dims[i] === null ? x : sliceAlong(x, dims[i]!));
      return treeUnflatten(def, lane) as unknown[];
    });
    const app = e.begin("vmap");
    const { rng } = app.inner;
    // What lanes share is written as it is; what differs leaves the vmap to be reduced.
    const written: Record<string, unknown> = {};
    const run: Fn = (keys, xs) => {
      const outcome = app.run(() => f(...xs as unknown[]), {
        rng: keys === null ? rng : withKeys(rng, keys as Record<string, NDArray>),
      });
      const differing: Record<string, unknown> = {};
      for (const [name, value] of Object.entries(outcome.written)) {
        const differs = treeFlatten(value)[0].some(differsByLane);
        if (differs) laneReduction(app.where, name, reduceState); // raises where there is none
        (differs ? differing : written)[name] = value;
      }
      return [outcome.out, differing];
    };
    const [out, lanes] = (pure.vmap(instead(f, run), {
      inAxes: [splitRng ? 0 : null, inAxes],
      outAxes: [outAxes, 0],
      axisSize: size,
    }) as Fn)(splitRng ? laneKeys(rng, size) : null, args) as [unknown, Entries];
    for (const [name, value] of Object.entries(lanes)) {
      const reduce = laneReduction(app.where, name, reduceState);
      // Where there are no lanes, none has written.
      written[name] = size === 0
        ? app.inner.state[name]
        : treeMap((x: NDArray) => reduced(app.where, name, reduce, x), value);
    }
    app.commit(written);
    return out;
  });
}

const reductions = {
  mean: (x: NDArray) => x.mean(0),
  sum: (x: NDArray) => x.sum(0),
  max: (x: NDArray) => x.max(0),
  min: (x: NDArray) => x.min(0),
} as const;

type Reduce = (lanes: NDArray) => NDArray;

/**
 * How the values of an entry are reduced over lanes.
 *
 * @throws {StateError} where nothing says how.
 */
function laneReduction(
  where: string,
  name: string,
  reduceState: VmapOptions["reduceState"],
): Reduce {
  const wanted = typeof reduceState === "object" && reduceState !== null
    ? reduceState[name]
    : reduceState;
  if (typeof wanted === "function") return wanted;
  if (wanted === undefined) {
    throw new StateError(
      `${where}: the state entry ${name} would get a different value in each lane. ` +
        `Say how to reduce it, reduceState: { ${
          JSON.stringify(name)
        }: "mean" }, or return it as a result`,
    );
  }
  if (Object.hasOwn(reductions, wanted)) return reductions[wanted];
  throw new StateError(
    `${where}: reduceState for ${name} must be ${
      Object.keys(reductions).map((r) => JSON.stringify(r)).join(", ")
    } or a function, not ${describeValue(wanted)}`,
  );
}

/** Values of an entry reduced over lanes, which must leave it its type. */
function reduced(where: string, name: string, reduce: Reduce, lanes: NDArray): NDArray {
  const value = reduce(lanes);
  const wanted = shaped(lanes.shape.slice(1), lanes.dtype);
  if (value instanceof NDArray && sameAval(value.aval, wanted)) return value;
  const found = value instanceof NDArray ? formatAval(value.aval) : describeValue(value);
  throw new StateError(
    `${where}: reduceState for ${name} made ${found} of lanes that are ${
      formatAval(lanes.aval)
    }; the ` +
      `entry is ${formatAval(wanted)} and must stay so`,
  );
}

/** Whether a value inside a vmap is one for each lane. */
function differsByLane(x: unknown): boolean {
  return x instanceof BatchTracer && x.trace === currentTrace();
}

/** The first (or last) element along an axis, or zeros where there is none. */
export function sliceAlong(x: NDArray, axis: number, last = false): NDArray {
  const front = moveAxis(x, axis, 0);
  const rest = front.shape.slice(1);
  const n = front.shape[0]!;
  if (n === 0 || sizeOf(rest) === 0) return zeros({ shape: rest, dtype: x.dtype });
  const at = last ? n - 1 : 0;
  return reshape(slice(front, [at, ...rest.map(() => 0)], [at + 1, ...rest]), rest);
}
