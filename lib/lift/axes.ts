/**
 * Which entries lanes and layers have for themselves, by path or by collection.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { AxisError, describeValue, formatShape, ShapeError } from "../core/errors.ts";
import type { EntryAxes } from "../transforms/options.ts";
import { collectionIn, pathIn, placeOf } from "./world.ts";

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

/** The axis of an entry, or `null` where it is shared. */
export function entryAxis(axes: EntryAxes | undefined, name: string): number | null {
  if (axes === undefined) return null;
  const [path, collection] = [pathIn(name), collectionIn(name)];
  const own = (key: string): number | null | undefined =>
    Object.hasOwn(axes, key) ? (axes as Readonly<Record<string, number | null>>)[key] : undefined;
  const given = typeof axes === "function" ? axes(path, collection) : own(path) ?? own(collection);
  const axis = given ?? null;
  if (axis !== null && (!Number.isInteger(axis) || axis < 0)) {
    throw new AxisError(
      `stateAxes: the axis of ${path} must be a non-negative integer or null, not ${
        describeValue(axis)
      }`,
    );
  }
  return axis;
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
