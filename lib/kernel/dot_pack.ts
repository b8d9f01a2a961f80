/**
 * Copies of blocks of a matrix: `width` lines beside each other, step by step, as tiles read them.
 *
 * @module
 */
import { Fn, I32, type Module, V128 } from "./encoder.ts";
import { address, LANES, type LaneType, LOAD, STORE, transpose, type VectorType } from "./lanes.ts";

/** A copy. Distances are in bytes. */
export interface Copy {
  readonly dtype: LaneType;
  /** Lines, and steps of each. */
  readonly lines: number;
  readonly steps: number;
  readonly from: { readonly line: number; readonly step: number };
  readonly to: { readonly line: number; readonly step: number };
}

/** A function (from, to) that copies; may read up to a vector past the last line of a step. */
export function copyKernel(module: Module, copy: Copy): Fn {
  return module.shared(`copy ${JSON.stringify(copy)}`, () => {
    const f = new Fn([I32, I32]);
    emitCopy(f, copy);
    return f;
  });
}

function emitCopy(f: Fn, { dtype, lines, steps, from, to }: Copy): void {
  const type = LANES[dtype];
  const { size, count } = type;
  if (to.line === size && from.line === size) {
    walk(f, steps, from.step, to.step, (a, b) => emitLine(f, type, lines, a, b));
  } else if (to.line === size && from.step === size && lines >= count) {
    const whole = Math.floor(steps / count);
    walk(f, whole, from.step * count, to.step * count, (a, b) => {
      for (let line = 0; line + count <= lines; line += count) {
        emitBlock(f, type, line, from.line, to.step, a, b);
      }
      emitElements(f, type, lines - lines % count, lines, count, from, to, a, b);
    });
    if (steps % count === 0) return;
    const a = f.local(I32);
    const b = f.local(I32);
    f.get(0).plus(whole * count * from.step).set(a).get(1).plus(whole * count * to.step).set(b);
    emitElements(f, type, 0, lines, steps % count, from, to, a, b);
  } else {
    walk(f, steps, from.step, to.step, (a, b) => {
      emitElements(f, type, 0, lines, 1, from, to, a, b);
    });
  }
}

/** A loop of steps with two pointers. */
function walk(
  f: Fn,
  count: number,
  fromStep: number,
  toStep: number,
  body: (from: number, to: number) => void,
): void {
  const a = f.local(I32);
  const b = f.local(I32);
  f.get(0).set(a).get(1).set(b);
  f.repeat(count, () => {
    body(a, b);
    f.get(a).plus(fromStep).set(a).get(b).plus(toStep).set(b);
  });
  f.release(a);
  f.release(b);
}

/** Neighbours to neighbours. The copy has room for whole vectors only where its lines fill them. */
function emitLine(f: Fn, type: VectorType, lines: number, a: number, b: number): void {
  const v = f.local(V128);
  let line = 0;
  for (; line + type.count <= lines; line += type.count) {
    f.get(b).get(a).memory(LOAD, line * type.size).memory(STORE, line * type.size);
  }
  if (line < lines) f.get(a).memory(LOAD, line * type.size).set(v);
  for (let lane = 0; line < lines; line++, lane++) {
    f.get(b).get(v).memory(type.storeLane, line * type.size, lane);
  }
  f.release(v);
}

/** A square of as many lines as a vector has lanes. */
function emitBlock(
  f: Fn,
  type: VectorType,
  line: number,
  fromLine: number,
  toStep: number,
  a: number,
  b: number,
): void {
  const vectors = Array.from({ length: type.count }, () => f.local(V128));
  vectors.forEach((v, i) => {
    f.memory(LOAD, address(f, a, (line + i) * fromLine)).set(v);
  });
  transpose(f, type, vectors);
  vectors.forEach((v, i) => {
    f.get(b).get(v).memory(STORE, i * toStep + line * type.size);
    f.release(v);
  });
}

/** One by one. */
function emitElements(
  f: Fn,
  type: VectorType,
  firstLine: number,
  lines: number,
  steps: number,
  from: Copy["from"],
  to: Copy["to"],
  a: number,
  b: number,
): void {
  const [load, store] = type.size === 8 ? [0x2b, 0x39] : [0x28, 0x36];
  for (let step = 0; step < steps; step++) {
    for (let line = firstLine; line < lines; line++) {
      f.get(b);
      f.scalar(load, address(f, a, line * from.line + step * from.step));
      f.scalar(store, line * to.line + step * to.step);
    }
  }
}
