/**
 * Lifted `vmap`: the function runs once for all lanes. Entries are shared by them, unless options say
 * that each lane has its own; keys are shared, or split by lane.
 *
 * @module
 */
import { NDArray } from "../core/array.ts";
import { formatAval, sameAval, shaped } from "../core/aval.ts";
import { describeValue, StateError } from "../core/errors.ts";
import { currentTrace } from "../core/trace.ts";
import { treeFlatten, treeMap } from "../core/tree.ts";
import { type BatchTrace, BatchTracer } from "../interpreters/batch.ts";
import { iota } from "../primitives/constants/iota.ts";
import { moveAxis } from "../primitives/shape/transpose.ts";
import type { LaneReduction, VmapOptions } from "../transforms/types.ts";
import { mappedArguments } from "../transforms/vmap.ts";
import { ByEntry, checkLaneOptions, checkSlices, OwnAxes, splitsStream } from "./axes.ts";
import { type Application, type Engine, type Fn, instead, pure, roles } from "./engine.ts";
import { type Effects, pathIn, type Values } from "./world.ts";

/** What lanes did, by what becomes of it. */
interface Lanes {
  /** Entries that all lanes wrote alike. */
  readonly shared: Values;
  /** Their first values, where they were not there. */
  readonly born: Values;
  /** The names of those born that differ by lane. */
  readonly bornByLane: Set<string>;
}

export function vmap(e: Engine): Fn {
  return e.member("vmap", (f, options = {}) => (...args) => {
    const { inAxes = 0, outAxes = 0, axisName, axisSize, splitRng, reduceState, stateAxes } =
      options as VmapOptions;
    const { size } = mappedArguments(f as never, args, inAxes, axisSize);
    const app = e.begin("vmap");
    checkLaneOptions(app, stateAxes, splitRng);
    const axes = new OwnAxes(app, stateAxes);
    const axis = (name: string): number | null => axes.of(name);
    const reductions = reductionsOf(app, reduceState);
    const lanes: Lanes = { shared: {}, born: {}, bornByLane: new Set() };
    let did: Effects | null = null;
    const run: Fn = (lane, xs) => {
      const trace = currentTrace() as BatchTrace;
      const differs = (value: unknown): boolean =>
        treeFlatten(value)[0].some((x) => x instanceof BatchTracer && x.trace === trace);
      const { out, effects } = app.run(roles.body, f as Fn, xs as unknown[], {
        stream: (s, { rules }, name) => {
          const own = rules.part(s, roles.body);
          return splitsStream(splitRng, name, false) ? rules.part(own, lane as NDArray) : own;
        },
        makesHere: (name) => axis(name) !== null,
        lift: (name, outer) => {
          const at = axis(name);
          if (at === null) return outer;
          return treeMap((x: NDArray) => {
            checkSlices(app, name, x, at, size, "lanes");
            return new BatchTracer(trace, x, at);
          }, outer);
        },
      });
      did = effects;
      const differing: Values = {}, stacked: Values = {}, first: Values = {};
      for (const [name, value] of Object.entries(effects.written)) {
        const isBorn = Object.hasOwn(effects.born, name);
        if (axis(name) !== null) {
          stacked[name] = value;
          if (isBorn) first[name] = effects.born[name];
          continue;
        }
        if (differs(value)) {
          laneReduction(app.where, name, reductions); // raises where there is none
          differing[name] = value;
        } else lanes.shared[name] = value;
        if (!isBorn) continue;
        if (differs(effects.born[name])) lanes.bornByLane.add(name);
        else lanes.born[name] = effects.born[name];
      }
      return [out, differing, stacked, first];
    };
    const [out, differing, stacked, first] = (pure.vmap(instead(f, run), {
      inAxes: [0, inAxes],
      outAxes: [outAxes, 0, 0, 0],
      axisName,
      axisSize: size,
    }) as Fn)(iota([size], 0, "int32"), args) as [unknown, Values, Values, Values];
    if (did !== null) app.note(did);
    const placed = (values: Values): Values =>
      Object.fromEntries(
        Object.entries(values).map(([name, value]) => [
          name,
          treeMap((x: NDArray) => moveAxis(x, 0, axis(name)!), value),
        ]),
      );
    const reduced: Values = {};
    for (const [name, value] of Object.entries(differing)) {
      const reduce = laneReduction(app.where, name, reductions);
      const before = app.get(name);
      // Where there are no lanes, none has written.
      if (size === 0 && before !== undefined) continue;
      reduced[name] = treeMap((x: NDArray) => reducedLanes(app.where, name, reduce, x), value);
    }
    // Its first values may differ by lane and the last one not.
    for (const name of lanes.bornByLane) lanes.born[name] = reduced[name] ?? lanes.shared[name];
    app.set(lanes.born);
    app.set(placed(first));
    app.set({ ...lanes.shared, ...placed(stacked), ...reduced });
    axes.finish();
    if (reductions instanceof ByEntry) reductions.finish();
    app.commit();
    return out;
  });
}

const known = {
  mean: (x: NDArray) => x.mean(0),
  sum: (x: NDArray) => x.sum(0),
  max: (x: NDArray) => x.max(0),
  min: (x: NDArray) => x.min(0),
} as const;

type Reduce = (lanes: NDArray) => NDArray;

/** How entries are reduced: all in one way, or each as is said of it. */
type Reductions = LaneReduction | ByEntry<LaneReduction> | undefined;

function reductionsOf(app: Application, reduceState: VmapOptions["reduceState"]): Reductions {
  return typeof reduceState === "object" && reduceState !== null
    ? new ByEntry(app, "reduceState", reduceState)
    : reduceState;
}

/**
 * How the values of an entry are reduced over lanes.
 *
 * @throws {StateError} where nothing says how.
 */
function laneReduction(
  where: string,
  name: string,
  reductions: Reductions,
): Reduce {
  const path = pathIn(name);
  const wanted = reductions instanceof ByEntry ? reductions.get(name) : reductions;
  if (typeof wanted === "function") return wanted;
  if (wanted === undefined) {
    throw new StateError(
      `${where}: the state entry ${path} would get a different value in each lane. ` +
        `Say how to reduce it, reduceState: { ${
          JSON.stringify(path)
        }: "mean" }, give each lane its own, ` +
        `stateAxes: { ${JSON.stringify(path)}: 0 }, or return it as a result`,
    );
  }
  if (Object.hasOwn(known, wanted)) return known[wanted];
  throw new StateError(
    `${where}: reduceState for ${path} must be ${
      Object.keys(known).map((r) => JSON.stringify(r)).join(", ")
    } or a function, not ${describeValue(wanted)}`,
  );
}

/** Values of an entry reduced over lanes, which must leave it its type. */
function reducedLanes(where: string, name: string, reduce: Reduce, lanes: NDArray): NDArray {
  const value = reduce(lanes);
  const wanted = shaped(lanes.shape.slice(1), lanes.dtype);
  if (value instanceof NDArray && sameAval(value.aval, wanted)) return value;
  const found = value instanceof NDArray ? formatAval(value.aval) : describeValue(value);
  throw new StateError(
    `${where}: reduceState for ${pathIn(name)} made ${found} of lanes that are ${
      formatAval(lanes.aval)
    }; the entry is ${formatAval(wanted)} and must stay so`,
  );
}
