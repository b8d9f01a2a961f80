/**
 * Copies of blocks of a matrix: `width` lines beside each other, step by step, as tiles read them.
 *
 * Loops over parts of a matrix product: pointers to the same part of the factors and the results,
 * which move together.
 *
 * @module
 */
import { Fn, I32, type Module, V128 } from "./encoder.ts";
import {
  address,
  LANES,
  type LaneType,
  LOAD,
  scatter,
  STORE,
  transpose,
  VECTOR,
  type VectorType,
} from "./lanes.ts";

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

/** Bytes from one line to the next, and from one step to the next. */
interface Distances {
  readonly line: number;
  readonly step: number;
}

/** A copy. */
export interface Copy {
  readonly dtype: LaneType;
  /** Lines, and steps of each. */
  readonly lines: number;
  readonly steps: number;
  readonly from: Distances;
  readonly to: Distances;
}

/** A function (from, to) that copies; may read up to a vector past the last line of a step. */
export function copyKernel(module: Module, copy: Copy): Fn {
  return module.shared(`copy ${JSON.stringify(copy)}`, () => {
    const f = new Fn([I32, I32]);
    emitCopy(f, copy);
    return f;
  });
}

function emitCopy(f: Fn, copy: Copy): void {
  const type = LANES[copy.dtype];
  // Lines and steps are interchangeable. What is written lies in order along the lines from here on.
  const turned = copy.to.step === type.size && copy.to.line !== type.size;
  const turn = ({ line, step }: Distances): Distances => ({ line: step, step: line });
  const { lines, steps, from, to } = turned
    ? { lines: copy.steps, steps: copy.lines, from: turn(copy.from), to: turn(copy.to) }
    : copy;
  if (from.line === type.size) copyLines(f, type, lines, steps, from, to);
  else if (from.step === type.size) copyTurned(f, type, lines, steps, from, to);
  else {
    walk(f, steps, [0, 1], from.step, to.step, (a, b) => {
      walk(f, lines, [a, b], from.line, to.line, (a, b) => copyElement(f, type, a, b, 0, 0));
    });
  }
}

/** Vectors to vectors. */
function copyLines(
  f: Fn,
  type: VectorType,
  lines: number,
  steps: number,
  from: Distances,
  to: Distances,
): void {
  const whole = Math.floor(lines / type.count);
  const rest = lines % type.count;
  const v = f.local(V128);
  walk(f, steps, [0, 1], from.step, to.step, (a, b) => {
    const [x, y] = walk(f, whole, [a, b], VECTOR, VECTOR, (a, b) => {
      f.get(b).get(a).memory(LOAD, 0).memory(STORE, 0);
    });
    if (rest === 0) return;
    f.get(x).memory(LOAD, 0).set(v);
    scatter(f, type, y, range(rest).map((lane) => lane * type.size), v);
  });
  f.release(v);
}

/** Squares of as many lines as a vector has lanes, turned over in registers. */
function copyTurned(
  f: Fn,
  type: VectorType,
  lines: number,
  steps: number,
  from: Distances,
  to: Distances,
): void {
  const { count, size } = type;
  const vectors = range(count).map(() => f.local(V128));
  const [a, b] = walk(
    f,
    Math.floor(lines / count),
    [0, 1],
    count * from.line,
    count * size,
    (a, b) => {
      const square = Math.floor(steps / count);
      const [x, y] = walk(f, square, [a, b], VECTOR, count * to.step, (a, b) => {
        vectors.forEach((v, i) => f.memory(LOAD, address(f, a, i * from.line)).set(v));
        transpose(f, type, vectors);
        vectors.forEach((v, i) => f.get(b).get(v).memory(STORE, i * to.step));
      });
      for (const step of range(steps % count)) {
        for (const line of range(count)) {
          copyElement(f, type, x, y, line * from.line + step * size, line * size + step * to.step);
        }
      }
    },
  );
  walk(f, lines % count, [a, b], from.line, size, (a, b) => {
    walk(f, steps, [a, b], size, to.step, (a, b) => copyElement(f, type, a, b, 0, 0));
  });
  vectors.forEach((v) => f.release(v));
}

function copyElement(
  f: Fn,
  type: VectorType,
  a: number,
  b: number,
  from: number,
  to: number,
): void {
  const [load, store] = type.size === 8 ? [0x29, 0x37] : [0x28, 0x36];
  f.get(b).scalar(load!, address(f, a, from)).scalar(store!, to);
}

/** A loop with copies of two pointers that move; they are behind the last round afterwards. */
function walk(
  f: Fn,
  count: number,
  pointers: readonly [from: number, to: number],
  fromStep: number,
  toStep: number,
  body: (from: number, to: number) => void,
): readonly [from: number, to: number] {
  const a = f.local(I32);
  const b = f.local(I32);
  f.get(pointers[0]).set(a).get(pointers[1]).set(b);
  f.repeat(count, () => {
    body(a, b);
    f.get(a).plus(fromStep).set(a).get(b).plus(toStep).set(b);
  });
  return [a, b];
}

/** 0, 1, ... below a number. */
function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
