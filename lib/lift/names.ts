/**
 * What decides how entries to come are called: counters of modules and such, plain data in groups.
 *
 * Plain data: numbers, strings, lists, objects, maps and sets, compared by what is in them.
 *
 * @module
 */

/** Applies `f` to each item; `null` where that gives `undefined` for one. */
function each<T>(items: readonly T[], f: (item: T) => unknown): unknown[] | null {
  const out = items.map(f);
  return out.includes(undefined) ? null : out;
}

/** A copy of plain data, wrapped so that it is never `undefined`; `null` for what is none. */
export function copied(value: unknown): { readonly value: unknown } | null {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) {
    return { value };
  }
  if (typeof value === "function") return null;
  if (Array.isArray(value)) {
    const items = each(value, (x) => copied(x) ?? undefined);
    return items && { value: unwrapped(items) };
  }
  if (value instanceof Set) {
    return copied([...value]) && { value: new Set(value) };
  }
  if (value instanceof Map) {
    const items = copied([...value]);
    return items && { value: new Map(items.value as [unknown, unknown][]) };
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return null;
  const items = copied(Object.entries(value));
  return items && { value: Object.fromEntries(items.value as [string, unknown][]) };
}

function unwrapped(items: readonly unknown[]): unknown[] {
  return items.map((x) => (x as { value: unknown }).value);
}

/** Whether two pieces of plain data are the same. */
export function sameData(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((x, i) => sameData(x, b[i]));
  }
  if (a instanceof Map) {
    return b instanceof Map && a.size === b.size &&
      [...a].every(([key, value]) => b.has(key) && sameData(value, b.get(key)));
  }
  if (a instanceof Set) {
    return b instanceof Set && a.size === b.size && [...a].every((x) => b.has(x));
  }
  const isPlain = (x: object): boolean =>
    !(x instanceof Map || x instanceof Set || Array.isArray(x)) &&
    [Object.prototype, null].includes(Object.getPrototypeOf(x));
  if (!isPlain(a) || !isPlain(b)) return false;
  const [own, other] = [Object.entries(a), b as Readonly<Record<string, unknown>>];
  return own.length === Object.keys(other).length &&
    own.every(([key, value]) => Object.hasOwn(other, key) && sameData(value, other[key]));
}

/** The part of a group that was changed. */
interface Part {
  readonly own: Map<string, unknown>;
  /** Whether that is all of it, so that nothing further out counts. */
  whole: boolean;
}

/**
 * Plain data by group and key: an overlay over the names of the context further out. What is looked up
 * is kept account of, since a compiled program holds for these names alone.
 */
export class Names {
  // Most have neither.
  #parts: Map<string, Part> | null = null;
  #looked: Map<string, Map<string, unknown>> | null = null;

  /** Names over others. */
  constructor(readonly outer: Names | null) {}

  /** What stands under a key, or `undefined`. */
  get(group: string, key: string): unknown {
    const part = this.#parts?.get(group);
    if (part !== undefined) {
      if (part.own.has(key)) return part.own.get(key);
      if (part.whole) return undefined;
    }
    const value = this.outer?.get(group, key);
    this.#looked ??= new Map();
    let looked = this.#looked.get(group);
    if (looked === undefined) this.#looked.set(group, looked = new Map());
    // As it is now: whoever put it there may still change it.
    if (!looked.has(key)) looked.set(key, copied(value)?.value ?? value);
    return value;
  }

  /** As `get`, where nothing that is recorded here depends on what it gives: no account is kept. */
  peek(group: string, key: string): unknown {
    const part = this.#parts?.get(group);
    if (part !== undefined && (part.whole || part.own.has(key))) return part.own.get(key);
    return this.outer?.get(group, key);
  }

  /** The same names as they were before any was put here. */
  early(): Names {
    return new EarlyNames(this);
  }

  /** What stood under a key when it was first looked up further out. */
  protected static first(names: Names, group: string, key: string): unknown {
    const looked = names.#looked?.get(group);
    return looked !== undefined && looked.has(key) ? looked.get(key) : names.outer?.get(group, key);
  }

  /** Puts plain data under a key. */
  set(group: string, key: string, value: unknown): void {
    this.#parts ??= new Map();
    let part = this.#parts.get(group);
    if (part === undefined) this.#parts.set(group, part = { own: new Map(), whole: false });
    part.own.set(key, value);
  }

  /** Runs `f` with a group that is empty at first; afterwards it is what it was. */
  within<T>(group: string, f: () => T): T {
    const parts = this.#parts ??= new Map();
    const before = parts.get(group);
    parts.set(group, { own: new Map(), whole: true });
    try {
      return f();
    } finally {
      if (before === undefined) parts.delete(group);
      else parts.set(group, before);
    }
  }

  /** What was put here under keys of a group. */
  own(group: string): [key: string, value: unknown][] {
    return [...this.#parts?.get(group)?.own ?? []];
  }

  /** What was looked up further out: the account of it. */
  looked(): [group: string, key: string, value: unknown][] {
    return [...this.#looked ?? []].flatMap(([group, keys]) =>
      [...keys].map(([key, value]): [string, string, unknown] => [group, key, value])
    );
  }

  /** What was put here and nowhere further out. */
  changes(): NameChange[] {
    return this.#parts === null
      ? []
      : [...this.#parts].map(([group, { own, whole }]) => ({ group, whole, own: [...own] }));
  }

  /** Names like these, apart from which they change. */
  copy(): Names {
    const names = new Names(this.outer);
    names.apply(this.changes());
    return names;
  }

  /** Makes changes that were made to names over these. */
  apply(changes: readonly NameChange[]): void {
    for (const { group, whole, own } of changes) {
      if (whole) (this.#parts ??= new Map()).set(group, { own: new Map(), whole: true });
      for (const [key, value] of own) this.set(group, key, value);
    }
  }
}

/** Names without what was put over them. */
class EarlyNames extends Names {
  constructor(readonly names: Names) {
    super(null);
  }

  override get(group: string, key: string): unknown {
    return Names.first(this.names, group, key);
  }
}

/** A group whose names changed. */
export interface NameChange {
  /** The group. */
  readonly group: string;
  /** Whether all that was in it before is gone. */
  readonly whole: boolean;
  /** Its new names. */
  readonly own: readonly (readonly [key: string, value: unknown])[];
}

/**
 * Names that decide what is computed, such as flags of objects. Where a function in a transform changes
 * one, that is carried out after it; loops and rules refuse it, and so do branches that differ in it.
 */
export interface Settings {
  /** The group of names. */
  readonly group: string;
  /** Says what was changed, for messages: `"Dropout drop: deterministic was changed"`. */
  readonly describe: (before: unknown, after: unknown) => string;
}
