/**
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
