/**
 * Values that a program of `jit` was recorded with and that are not its arguments: what objects hold that
 * may hold something else later, such as variables of module systems. The program holds as long as they do.
 *
 * @module
 */
import { currentTrace, evalTrace, type Trace } from "../core/mod.ts";

/** Where a value came from, and which one it was. */
interface Source {
  readonly now: () => unknown;
  readonly seen: unknown;
  /** The interpreter that it is of. */
  readonly home: Trace;
}

/** What a program was recorded with. */
export type Sources = readonly Source[];

/** A recording in progress: the interpreter around it, and what was read in it, by object. */
interface Open {
  readonly around: Trace;
  readonly sources: Map<object, Source>;
}

let open: readonly Open[] = [];

/** Gives the value `now()` of an object: see `reader`. */
export type Reader = <T>(owner: object, now: () => T, home?: Trace) => T;

/**
 * A function that gives the value `now()` of an object, `owner`, that may have another one later; `null`
 * where that does not matter, since no program of `jit` is being recorded. Those that are being recorded
 * are used as long as `now()` gives the same, and recorded again where it does not.
 *
 * `home` is the interpreter that the value is of, where that may be a transform: a recording does not
 * depend on what is of its own.
 *
 * @example
 * ```ts
 * import { jit, numpy as np } from "@injax/injax";
 * import { reader } from "@injax/injax/extend";
 *
 * const box = { value: np.array(1) };
 * const read = () => reader()?.(box, () => box.value) ?? box.value;
 * const add = jit((x: np.NDArray) => x.add(read()));
 * add(np.array(1));
 * box.value = np.array(10);
 * console.log(add(np.array(1)).item()); // 11
 * ```
 */
export function reader(): Reader | null {
  const recordings = open;
  if (recordings.length === 0) return null;
  return (owner, now, home = evalTrace) => {
    const seen = now();
    note(recordings, owner, { now, seen, home });
    return seen;
  };
}

function note(recordings: readonly Open[], owner: object, source: Source): void {
  for (const { around, sources } of recordings) {
    if (!sources.has(owner) && isAround(around, source.home)) sources.set(owner, source);
  }
}

type Inner = Trace & { readonly parent?: Inner };

/** Whether a trace is one, or around it. */
function isAround(trace: Inner, other: Trace): boolean {
  for (let t: Inner | undefined = trace; t !== undefined; t = t.parent) {
    if (t === other) return true;
  }
  return other === evalTrace;
}

/** Runs `f`; also what was read in it, `null` for nothing. */
export function withSources<T>(f: () => T): [result: T, sources: Sources | null] {
  const sources = new Map<object, Source>();
  const before = open;
  open = [...before, { around: currentTrace(), sources }];
  try {
    const result = f();
    return [result, sources.size === 0 ? null : [...sources.values()]];
  } finally {
    open = before;
  }
}

/** Whether all is what it was. Recordings in progress then depend on it too. */
export function areAsRead(sources: Sources): boolean {
  for (const { now, seen } of sources) if (now() !== seen) return false;
  for (const source of sources) note(open, source, source);
  return true;
}
