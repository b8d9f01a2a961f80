/**
 * Which entries lanes and layers have for themselves, by path or by collection.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { AxisError, describeValue, formatShape, ShapeError, StateError } from "../core/errors.ts";
import type { EntryAxes } from "../transforms/options.ts";
import { collectionOf, pathOf } from "./context.ts";
import { collectionIn, homeOf, pathIn, placeOf, systemIn, type World } from "./world.ts";

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
