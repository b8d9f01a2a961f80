/**
 * Loops over parts of a matrix product: pointers to the same part of the factors and the results,
 * which move together.
 *
 * @module
 */
import { type Fn, I32 } from "./encoder.ts";

/** Pointers to the same part of everything. */
export interface Pointers {
  readonly x: number;
  readonly y: number;
  readonly targets: readonly number[];
}

/** Bytes from one element to the next along some axis. */
export interface Strides {
  readonly x: number;
  readonly y: number;
  readonly targets: readonly number[];
}

/** The first parameters of panels and cells. */
export function parameters(targets: number): Pointers {
  return { x: 0, y: 1, targets: Array.from({ length: targets }, (_, i) => 2 + i) };
}

/** Puts pointers on the stack, moved by some times their strides. */
export function push(f: Fn, at: Pointers, strides?: Strides, times = 0): Fn {
  f.get(at.x).plus((strides?.x ?? 0) * times).get(at.y).plus((strides?.y ?? 0) * times);
  at.targets.forEach((t, i) => f.get(t).plus((strides?.targets[i] ?? 0) * times));
  return f;
}

/** Copies of pointers, to be moved. */
export function moving(f: Fn, at: Pointers): Pointers {
  const copy = (p: number): number => {
    const local = f.local(I32);
    f.get(p).set(local);
    return local;
  };
  return { x: copy(at.x), y: copy(at.y), targets: at.targets.map(copy) };
}

/** Gives them back. */
export function settle(f: Fn, at: Pointers): void {
  [at.x, at.y, ...at.targets].forEach((p) => f.release(p));
}

/** Moves pointers on. */
export function advance(f: Fn, at: Pointers, strides: Strides, times: number): void {
  const move = (p: number, bytes: number): void => {
    if (bytes !== 0) f.get(p).plus(bytes).set(p);
  };
  move(at.x, strides.x * times);
  move(at.y, strides.y * times);
  at.targets.forEach((t, i) => move(t, strides.targets[i]! * times));
}

/**
 * Does `total` in pieces of a size, then what is left; pointers move along. `last`, if given, does
 * the last one of all in its own way.
 */
export function pieces(
  f: Fn,
  total: number,
  size: number,
  at: Pointers,
  strides: Strides,
  body: (count: number, at: Pointers) => void,
  last: ((at: Pointers) => void) | null = null,
): void {
  const count = last === null ? total : total - 1;
  if (last === null && count <= size) {
    if (count > 0) body(count, at);
    return;
  }
  const inner = moving(f, at);
  f.repeat(Math.floor(count / size), () => {
    body(size, inner);
    advance(f, inner, strides, size);
  });
  if (count % size > 0) {
    body(count % size, inner);
    advance(f, inner, strides, count % size);
  }
  last?.(inner);
  settle(f, inner);
}
