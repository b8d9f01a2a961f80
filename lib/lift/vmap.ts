/**
 * Lifted `vmap`: the function runs once for all lanes. Entries are shared by them, unless options say
 * that each lane has its own; keys are shared, or split by lane.
 *
 * Which entries lanes and layers have for themselves, by path or by collection.
 *
 * @module
 */
import {
  AxisError,
  currentTrace,
  describeValue,
  formatAval,
  formatShape,
  NDArray,
  sameAval,
  shaped,
  ShapeError,
  StateError,
  treeFlatten,
  treeMap,
} from "../core/mod.ts";
import { type BatchTrace, BatchTracer } from "../interpreters/batch.ts";
import { iota, moveAxis } from "../primitives/mod.ts";
import type { EntryAxes } from "../transforms/options.ts";
import type { LaneReduction, VmapOptions } from "../transforms/types.ts";
import { mappedArguments } from "../transforms/vmap.ts";
import { collectionOf, pathOf } from "./context.ts";
import { type Application, type Engine, type Fn, instead, pure, roles } from "./engine.ts";
import {
  collectionIn,
  type Effects,
  homeOf,
  pathIn,
  placeOf,
  systemIn,
  type Values,
  type World,
} from "./world.ts";

export type { EntryAxes } from "../transforms/options.ts";

/** Raises where options that say what lanes and steps have for themselves are none. */
export function checkLaneOptions(
  { where }: { readonly where: string },
  stateAxes: unknown,
  splitRng: unknown,
): void {
  const isRecord = (x: unknown): boolean =>
    typeof x === "object" && x !== null && !Array.isArray(x);
  if (stateAxes !== undefined && typeof stateAxes !== "function" && !isRecord(stateAxes)) {
    throw new TypeError(
      `${where}: stateAxes must give an axis by path or collection, as in { params: 0 }, or be a function ` +
        `of these, not ${describeValue(stateAxes)}`,
    );
  }
  if (splitRng === undefined || typeof splitRng === "boolean") return;
  const wrong = isRecord(splitRng)
    ? Object.entries(splitRng as object).find(([, split]) => typeof split !== "boolean")
    : undefined;
  if (isRecord(splitRng) && wrong === undefined) return;
  throw new TypeError(
    `${where}: splitRng must be true or false, or one of them by stream, as in { dropout: true }, not ${
      wrong === undefined ? describeValue(splitRng) : `${wrong[0]}: ${describeValue(wrong[1])}`
    }`,
  );
}

/** Axes of entries from an adapter that has words of its own for them. */
export interface AxesOfAdapter {
  (path: string, collection: string, system: string): number | null;
  /** What its users write for an entry of which each lane is to have its own. */
  readonly ofLanes?: (path: string, collection: string) => string;
}

/** The application of a transform, as far as its options go. */
interface Applied {
  readonly where: string;
  readonly world: World;
}

/**
 * What an option says of entries, by path or by collection. It keeps account of what its keys named: one
 * that names two entries, or none, would do something else than was meant.
 */
export class ByEntry<T> {
  readonly #named = new Map<string, string>();

  constructor(
    readonly app: Applied,
    readonly option: string,
    readonly given: Readonly<Record<string, T>>,
  ) {}

  /**
   * What is said of an entry: by its path, else by its collection.
   *
   * @throws {StateError} where its path is that of another one, too.
   */
  get(name: string): T | undefined {
    const path = pathIn(name);
    if (!Object.hasOwn(this.given, path)) {
      const collection = collectionIn(name);
      if (!Object.hasOwn(this.given, collection)) return undefined;
      this.#named.set(collection, collection);
      return this.given[collection];
    }
    const other = this.#named.get(path) ?? name;
    if (other !== name) {
      throw new StateError(
        `${this.app.where}: ${this.option}: ${path} is in ${
          [other, name].map((n) => homeOf(this.app.world, n)).join(" and in ")
        }, so that it is not known which is meant. Use a function of path, collection and system, or ` +
          "name one of them otherwise",
      );
    }
    this.#named.set(path, name);
    return this.given[path];
  }

  /**
   * Ends it, when the function has run.
   *
   * @throws {StateError} where a key named nothing.
   */
  finish(): void {
    const unused = Object.keys(this.given).filter((key) => !this.#named.has(key));
    if (unused.length === 0) return;
    const { where, world } = this.app;
    const keys = world.flatMap((context) => context.keys());
    const paths = new Set(keys.map(pathOf));
    const collections = new Set([
      ...keys.map(collectionOf),
      ...world.flatMap(({ protocol }) => protocol.collections ?? []),
    ]);
    collections.delete("");
    const wrong = unused.find((key) => !paths.has(key) && !collections.has(key));
    if (wrong === undefined) return;
    const list = (all: Set<string>): string => [...all].sort().join(", ") || "none";
    throw new StateError(
      `${where}: ${this.option} says something of ${
        JSON.stringify(wrong)
      }, which is neither the path of an ` +
        `entry nor a collection. The entries are ${list(paths)}; the collections are ${
          list(collections)
        }`,
    );
  }
}

/** The axes of entries that lanes or steps have for themselves. */
export class OwnAxes {
  readonly #byEntry: ByEntry<number | null> | null;

  constructor(readonly app: Applied, readonly given: EntryAxes | undefined) {
    this.#byEntry = typeof given === "object" ? new ByEntry(app, "stateAxes", given) : null;
  }

  /** The axis of an entry, or `null` where it is shared. */
  of(name: string): number | null {
    const { app, given } = this;
    if (given === undefined) return null;
    const [path, collection] = [pathIn(name), collectionIn(name)];
    const axis =
      (typeof given === "function"
        ? given(path, collection, systemIn(app.world, name))
        : this.#byEntry!.get(name)) ?? null;
    if (axis !== null && (!Number.isInteger(axis) || axis < 0)) {
      throw new AxisError(
        `stateAxes: the axis of ${path} must be a non-negative integer or null, not ${
          describeValue(axis)
        }`,
      );
    }
    return axis;
  }

  /** Ends it, when the function has run: raises where a key named nothing. */
  finish(): void {
    this.#byEntry?.finish();
  }
}

/** Raises where an entry has not one slice for each lane or step. */
export function checkSlices(
  { where }: { readonly where: string },
  name: string,
  x: NDArray,
  axis: number,
  count: number,
  what: "lanes" | "steps",
): void {
  if (axis < x.ndim && x.shape[axis] === count) return;
  throw new ShapeError(
    `${where}: stateAxes maps the entry ${pathIn(name)} along axis ${axis}, but it has shape ${
      formatShape(x.shape)
    } and there are ${count} ${what}`,
  );
}

/** Whether a stream is to be split, as `splitRng` says; `otherwise` where that says nothing. */
export function splitsStream(
  splitRng: boolean | Readonly<Record<string, boolean>> | undefined,
  name: string,
  otherwise: boolean,
): boolean {
  if (splitRng === undefined || typeof splitRng === "boolean") return splitRng ?? otherwise;
  const stream = placeOf(name)[1];
  return Object.hasOwn(splitRng, stream) ? splitRng[stream]! : otherwise;
}

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
          laneReduction(app.where, name, reductions, stateAxes); // raises where there is none
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
      const reduce = laneReduction(app.where, name, reductions, stateAxes);
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
  axes: EntryAxes | undefined,
): Reduce {
  const path = pathIn(name);
  const wanted = reductions instanceof ByEntry ? reductions.get(name) : reductions;
  if (typeof wanted === "function") return wanted;
  if (wanted === undefined) {
    const own = (axes as AxesOfAdapter | undefined)?.ofLanes?.(path, collectionIn(name));
    const key = JSON.stringify(path);
    throw new StateError(
      `${where}: the state entry ${path} would get a different value in each lane. ${
        own === undefined
          ? `Say how to reduce it, reduceState: { ${key}: "mean" }, give each lane its own, ` +
            `stateAxes: { ${key}: 0 }`
          : `Give each lane its own, ${own}`
      }, or return it as a result`,
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
