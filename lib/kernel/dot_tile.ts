/**
 * One tile of a matrix product: a few rows by a few columns of `out`, held in registers while the
 * depth is walked. Owns the instructions between loads and stores; which tiles there are and where
 * they lie is up to `dot_walk.ts`.
 *
 * The lanes of a vector are neighbouring columns of `out`, or neighbouring members of the batch, or
 * neighbouring steps of the depth, whose sums are folded at the end.
 *
 * @module
 */
import { type Fn, I32, V128 } from "./encoder.ts";
import {
  address,
  clear,
  fold,
  gather,
  LANES,
  type LaneType,
  LOAD,
  maskTail,
  scatter,
  type VectorType,
} from "./lanes.ts";

/** What runs along the lanes of a vector. */
export type Along = "columns" | "batch" | "depth";

/** How a tile reads a factor. All distances are in bytes. */
export interface Factor {
  /** From one row of the tile (of `x`) or one vector of columns (of `y`) to the next. */
  readonly line: number;
  /** From one step of the depth, or one vector of steps, to the next. */
  readonly step: number;
  /** Whether one element fills all lanes. */
  readonly splat: boolean;
}

/** Strides of `out`, or of an operand of the epilogue, in bytes. */
export interface Target {
  readonly batch: number;
  readonly row: number;
  readonly column: number;
}

/** What is done to sums before they are stored. */
export interface TileEpilogue {
  /** Changes a vector of finished sums in place, given the vectors of its operands. */
  emit(f: Fn, value: number, operands: readonly number[]): void;
}

/** All that the instructions of a tile depend on. */
export interface Tile {
  readonly dtype: LaneType;
  readonly along: Along;
  /** Fused multiply-add. */
  readonly fma: boolean;
  /** Rows. */
  readonly rows: number;
  /** Columns; vectors of them where the lanes run along them. */
  readonly columns: number;
  /** Lanes in use of the last vector of columns, or of the vector of members of the batch. */
  readonly lanes: number;
  /** Steps that the loop takes in one round, with sums of their own. */
  readonly unroll: number;
  /** Steps behind the last round; elements of the depth where the lanes run along it. */
  readonly rest: number;
  readonly x: Factor;
  readonly y: Factor;
  /** `out`, then the operands of the epilogue. */
  readonly targets: readonly Target[];
  readonly epilogue: TileEpilogue | null;
  /** Whether the depth comes in blocks, which the flags tell apart. */
  readonly blocks: boolean;
}

/** Flag of a block: `out` has the sum of those before. */
export const ADD = 1;
/** Flag of a block: it is the last. */
export const LAST = 2;

/** Locals of a tile. It changes none of them. */
export interface TileLocals {
  /** First row at the first step. */
  readonly x: number;
  /** First column at the first step. */
  readonly y: number;
  /** First row and column of each target. */
  readonly targets: readonly number[];
  /** How many rounds the loop takes: a number known now, or a local. */
  readonly rounds: { readonly count: number } | { readonly local: number };
  /** {@linkcode ADD} and {@linkcode LAST}, if the depth comes in blocks. */
  readonly flags: number | null;
}

/** A place in a tile. */
interface Place {
  readonly row: number;
  readonly column: number;
  readonly batch: number;
}

/** A vector of sums, and where each of its lanes belongs. */
interface Sums {
  readonly value: number;
  readonly places: readonly Place[];
}

/** Emits the tile at these places. */
export function emitTile(f: Fn, tile: Tile, at: TileLocals): void {
  const type = LANES[tile.dtype];
  const rows = range(tile.rows);
  const columns = range(tile.columns);
  const sums = range(tile.unroll).map(() => rows.map(() => columns.map(() => f.local(V128))));
  for (const acc of sums.flat(2)) clear(f, acc);
  const kx = f.local(I32);
  const ky = f.local(I32);
  f.get(at.x).set(kx).get(at.y).set(ky);
  rounds(f, at.rounds, () => {
    for (let u = 0; u < tile.unroll; u++) emitStep(f, tile, type, kx, ky, u, sums[u]!, 0);
    f.get(kx).plus(tile.unroll * tile.x.step).set(kx);
    f.get(ky).plus(tile.unroll * tile.y.step).set(ky);
  });
  const per = tile.along === "depth" ? type.count : 1;
  const whole = Math.floor(tile.rest / per);
  for (let u = 0; u < whole; u++) {
    emitStep(f, tile, type, kx, ky, u, sums[u % tile.unroll]!, 0);
  }
  if (tile.rest % per > 0) {
    emitStep(f, tile, type, kx, ky, whole, sums[whole % tile.unroll]!, tile.rest % per);
  }
  f.release(kx);
  f.release(ky);
  // Sums of the unrolled steps, pairwise.
  for (let width = tile.unroll; width > 1; width = Math.ceil(width / 2)) {
    const half = Math.ceil(width / 2);
    for (let u = half; u < width; u++) {
      for (const r of rows) {
        for (const c of columns) {
          const to = sums[u - half]![r]![c]!;
          f.get(to).get(sums[u]![r]![c]!).simd(type.add).set(to);
        }
      }
    }
  }
  finish(f, tile, type, at, arrange(f, tile, type, sums[0]!));
  for (const acc of sums.flat(2)) f.release(acc);
}

/** A loop of rounds. */
function rounds(f: Fn, count: TileLocals["rounds"], body: () => void): void {
  if ("count" in count) {
    f.repeat(count.count, body);
    return;
  }
  const left = f.local(I32);
  f.get(count.local).tee(left).block("if").block("loop");
  body();
  f.get(left).plus(-1).tee(left).branch(0, true).end().end();
  f.release(left);
}

/**
 * Adds the products of one step. The factor with fewer lines stays in registers, the other passes by:
 * there are 16, and twelve of them hold sums. `used` lanes count, all for 0: what lies behind a row
 * may be NaN, which times 0 is NaN, so that both factors are masked.
 */
function emitStep(
  f: Fn,
  tile: Tile,
  type: VectorType,
  kx: number,
  ky: number,
  step: number,
  sums: readonly (readonly number[])[],
  used: number,
): void {
  const load = (factor: Factor, pointer: number, line: number): void => {
    const bytes = line * factor.line + step * factor.step;
    f.memory(factor.splat ? type.splat : LOAD, address(f, pointer, bytes));
    if (used > 0) maskTail(f, type, used);
  };
  const holdX = tile.rows < tile.columns;
  const held = range(Math.min(tile.rows, tile.columns)).map(() => f.local(V128));
  held.forEach((v, i) => {
    if (holdX) load(tile.x, kx, i);
    else load(tile.y, ky, i);
    f.set(v);
  });
  const passing = f.local(V128);
  for (let p = 0; p < (holdX ? tile.columns : tile.rows); p++) {
    if (holdX) load(tile.y, ky, p);
    else load(tile.x, kx, p);
    f.set(passing);
    held.forEach((v, i) => {
      const acc = holdX ? sums[i]![p]! : sums[p]![i]!;
      if (tile.fma && type.madd !== null) f.get(passing).get(v).get(acc).simd(type.madd);
      else f.get(passing).get(v).simd(type.mul).get(acc).simd(type.add);
      f.set(acc);
    });
  }
  f.release(passing);
  held.forEach((v) => f.release(v));
}

/** Which lanes of which vectors are the sums of which places. */
function arrange(
  f: Fn,
  tile: Tile,
  type: VectorType,
  sums: readonly (readonly number[])[],
): readonly Sums[] {
  const vectors = sums.flatMap((line, row) =>
    line.map((value, column) => ({ value, row, column }))
  );
  if (tile.along === "batch") {
    return vectors.map(({ value, row, column }) => ({
      value,
      places: range(tile.lanes).map((batch) => ({ row, column, batch })),
    }));
  }
  if (tile.along === "columns") {
    return vectors.map(({ value, row, column }) => ({
      value,
      places: range(column === tile.columns - 1 ? tile.lanes : type.count).map((lane) => ({
        row,
        column: column * type.count + lane,
        batch: 0,
      })),
    }));
  }
  // Neighbours in `out` are folded into one vector.
  const { row, column } = tile.targets[0]!;
  const ordered = vectors.toSorted((a, b) =>
    a.row * row + a.column * column - (b.row * row + b.column * column)
  );
  const groups: Sums[] = [];
  for (let i = 0; i < ordered.length; i += type.count) {
    const group = ordered.slice(i, i + type.count);
    groups.push({
      value: fold(f, type, group.map((v) => v.value)),
      places: group.map(({ row, column }) => ({ row, column, batch: 0 })),
    });
  }
  return groups;
}

/** Adds what `out` has, applies the epilogue, stores. */
function finish(f: Fn, tile: Tile, type: VectorType, at: TileLocals, sums: readonly Sums[]): void {
  const offsets = (target: Target, places: readonly Place[]): number[] =>
    places.map((p) => p.row * target.row + p.column * target.column + p.batch * target.batch);
  const [out, ...operands] = tile.targets;
  const onFlag = (flag: number, body: () => void): void => {
    if (!tile.blocks) return flag === LAST ? body() : undefined;
    f.get(at.flags!).i32(flag).op(0x71).block("if");
    body();
    f.end();
  };
  onFlag(ADD, () => {
    const before = f.local(V128);
    for (const { value, places } of sums) {
      gather(f, type, at.targets[0]!, offsets(out!, places), before);
      f.get(before).get(value).simd(type.add).set(value);
    }
    f.release(before);
  });
  if (tile.epilogue !== null) {
    onFlag(LAST, () => {
      const vectors = operands.map(() => f.local(V128));
      for (const { value, places } of sums) {
        operands.forEach((operand, i) =>
          gather(f, type, at.targets[i + 1]!, offsets(operand, places), vectors[i]!)
        );
        tile.epilogue!.emit(f, value, vectors);
      }
      vectors.forEach((v) => f.release(v));
    });
  }
  for (const { value, places } of sums) {
    scatter(f, type, at.targets[0]!, offsets(out!, places), value);
  }
}

/** 0, 1, ... below a number. */
function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
