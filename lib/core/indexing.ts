/**
 * What stands between the brackets of `x[...]` in NumPy, as arguments, and what can be done with the place
 * that it names. `X` is what arrays are, which this file does not know: their methods take these.
 *
 * @module
 */
/** A range of an axis, as Python's `slice`; made by `np.slice`. */
export class Slice {
  /** From `start` up to `stop` in steps of `step`; `null` stands for what Python leaves out. */
  constructor(
    /** The first position; negative ones count from the end. */
    readonly start: number | null,
    /** The position in front of which it ends. */
    readonly stop: number | null,
    /** How far one position is from the next; a negative one goes backwards. */
    readonly step: number | null,
  ) {}

  /** As in brackets, `1:3`. */
  toString(): string {
    const ends = `${this.start ?? ""}:${this.stop ?? ""}`;
    return this.step === null ? ends : `${ends}:${this.step}`;
  }
}

/**
 * One index of several: a position, an array of positions or a mask, a range by `np.slice`, `null` for a
 * new axis, or `"..."` for all axes that the others leave.
 */
export type IndexOf<X> = number | X | Slice | null | "...";

/**
 * What becomes of computed positions that are out of range: `"fill"` (or `"drop"`) reads a fixed value and
 * drops updates, `"clip"` takes the nearest position, and `"promise"` says that there are none.
 */
export type IndexMode = "fill" | "drop" | "clip" | "promise";

/** Options of what is done at computed positions. */
export interface IndexOptions {
  /** What becomes of positions out of range: reading clips and updates drop where it is left out. */
  readonly mode?: IndexMode | undefined;
  /** Whether positions are all different. */
  readonly uniqueIndices?: boolean | undefined;
  /** Whether positions ascend. */
  readonly indicesAreSorted?: boolean | undefined;
  /** Whether negative positions count from the end, which is the default. */
  readonly wrapNegativeIndices?: boolean | undefined;
}

/** Options of reading at computed positions. */
export interface GetOptions extends IndexOptions {
  /** What `"fill"` reads: NaN, or the limit of an integer type, where it is left out. */
  readonly fillValue?: number | boolean | undefined;
}

/** A place in an array: what it is changed to gives a new array. `X` are arrays, `V` operands. */
export interface PlaceOf<X, V> {
  /** The array with `value` there; of several values for one element the last one stays. */
  set(value: V, options?: IndexOptions): X;
  /** The array with `value` added there, several of one element one after another. */
  add(value: V, options?: IndexOptions): X;
  /** The array with `value` subtracted there. */
  sub(value: V, options?: IndexOptions): X;
  /** The array multiplied by `value` there. */
  mul(value: V, options?: IndexOptions): X;
  /** The array divided by `value` there; integers become float32. */
  div(value: V, options?: IndexOptions): X;
  /** The array with the lesser of what is there and `value`. */
  min(value: V, options?: IndexOptions): X;
  /** The array with the greater of what is there and `value`. */
  max(value: V, options?: IndexOptions): X;
  /** The array with what is there to the power of `value`. */
  power(value: V, options?: IndexOptions): X;
  /** The array with `f` of what is there: an elementwise function, applied once to each element. */
  apply(f: (x: X) => X, options?: IndexOptions): X;
  /** What is there. */
  get(options?: GetOptions): X;
}
