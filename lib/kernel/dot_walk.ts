/**
 * The order in which the tiles of a matrix product are computed: small products whole, many in one
 * call; large ones in blocks that fit the caches, copied to where they are in order.
 *
 * What takes time is in functions of their own, which are called again and again: V8 optimises a
 * function while it runs, but goes on in the optimised code only with the next call.
 *
 * @module
 */
import { Fn, I32, type Module } from "./encoder.ts";
import { LANES, type LaneType, VECTOR } from "./lanes.ts";
import {
  advance,
  type Copy,
  copyKernel,
  moving,
  parameters,
  pieces,
  type Pointers,
  push,
  settle,
  type Strides,
} from "./dot_pack.ts";
import { type Plan, roundUp } from "./dot_plan.ts";
import {
  ADD,
  emitTile,
  type Factor,
  LAST,
  type Target,
  type Tile,
  type TileEpilogue,
} from "./dot_tile.ts";

/** What the walk needs beside the plan. */
export interface WalkOptions {
  readonly dtype: LaneType;
  readonly fma: boolean;
  readonly epilogue: (TileEpilogue & { readonly key: string }) | null;
}

/** Distances between neighbouring parts, in bytes, and other numbers that follow from a plan. */
interface Layout {
  readonly size: number;
  readonly lanes: number;
  /** Columns of a tile. */
  readonly width: number;
  /** Steps of the depth that one round of a tile's loop takes. */
  readonly quantum: number;
  /** Room for the depth of a block, in elements. */
  readonly depth: number;
  /** Of each target. */
  readonly targets: readonly Target[];
  /** Members of the batch that are computed together. */
  readonly members: number;
}

/** Bytes of scratch memory that a plan takes: for a block of `x`, then one of `y`. */
export function scratchOf(plan: Plan, dtype: LaneType): { x: number; y: number } {
  const { size, depth } = layoutOf(plan, dtype);
  const bytes = (copy: boolean, lines: number): number =>
    copy ? roundUp(lines * depth * size + VECTOR, 64) : 0;
  return { x: bytes(plan.copyX, plan.rowBlock), y: bytes(plan.copyY, plan.columnBlock) };
}

/**
 * Emits the product into a function, given locals that hold the addresses of the factors, of the
 * scratch memory and of the targets.
 */
export function emitProduct(
  module: Module,
  f: Fn,
  plan: Plan,
  options: WalkOptions,
  at: Pointers,
  scratch: number,
): void {
  const walk = new Walk(module, plan, options);
  if (plan.whole) walk.products(f, at);
  else walk.blocks(f, at, scratch);
}

function layoutOf(plan: Plan, dtype: LaneType): Layout {
  const { size, count } = LANES[dtype];
  const along = plan.along;
  return {
    size,
    lanes: count,
    width: along === "columns" ? plan.columns * count : plan.columns,
    quantum: along === "depth" ? plan.unroll * count : plan.unroll,
    // Lines that are copied do not lie at a power of two, where they drive each other from the cache.
    depth: roundUp(plan.depthBlock, count) + (along === "depth" ? count : 0),
    targets: plan.form.targets.map((t) => ({
      batch: t.batch * size,
      row: t.row * size,
      column: t.column * size,
    })),
    members: along === "batch" ? count : 1,
  };
}

class Walk {
  readonly #module: Module;
  readonly #plan: Plan;
  readonly #options: WalkOptions;
  readonly #layout: Layout;

  constructor(module: Module, plan: Plan, options: WalkOptions) {
    this.#module = module;
    this.#plan = plan;
    this.#options = options;
    this.#layout = layoutOf(plan, options.dtype);
  }

  /** All members of the batch; `body` gets how many of a vector they are. */
  #batch(
    f: Fn,
    at: Pointers,
    group: number,
    body: (items: number, lanes: number, at: Pointers) => void,
  ): void {
    const { form } = this.#plan;
    const { members, size, targets } = this.#layout;
    const strides = {
      x: form.x.batch * size * members,
      y: form.y.batch * size * members,
      targets: targets.map((t) => t.batch * members),
    };
    const whole = Math.floor(form.batch / members);
    const lanes = form.batch % members;
    pieces(f, whole + (lanes > 0 ? 1 : 0), group, at, strides, (items, inner) => {
      body(items, members, inner);
    }, lanes > 0 ? (inner) => body(1, lanes, inner) : null);
  }

  /** Small products, as many in a call as make it worth one. */
  products(f: Fn, at: Pointers): void {
    const { form, work } = this.#plan;
    const { members } = this.#layout;
    const each = Math.max(1, form.m * form.n * form.k * members);
    const group = Math.max(1, Math.floor(work / each));
    this.#batch(f, at, group, (items, lanes, inner) => {
      push(f, inner).i32(items).call(this.#cell(lanes));
    });
  }

  /** A function (x, y, targets, count): that many products, one after another. */
  #cell(lanes: number): Fn {
    const { form, along, rows, columns, unroll } = this.#plan;
    const { size, members, targets, quantum } = this.#layout;
    const { dtype, fma, epilogue } = this.#options;
    const strides = [form.x, form.y, ...form.targets].map((v) => [v.batch, v.row, v.column]);
    const key = JSON.stringify([
      "cell",
      [dtype, fma, epilogue?.key, along, rows, columns, unroll, lanes],
      [form.m, form.n, form.k],
      strides,
    ]);
    return this.#module.shared(key, () => {
      const f = new Fn([I32, I32, ...targets.map(() => I32), I32]);
      const at = parameters(targets.length);
      const count = 2 + targets.length;
      f.block("loop");
      this.#columns(f, form.n, at, false, (columns, across) => {
        this.#rows(f, form.m, across, (rows, inner) => {
          const tile = this.#tile(rows, columns, lanes, form.k % quantum, false);
          const whole = Math.floor(form.k / quantum);
          emitTile(f, tile, { ...inner, rounds: { count: whole }, flags: null });
        });
      });
      f.get(at.x).plus(form.x.batch * size * members).set(at.x);
      f.get(at.y).plus(form.y.batch * size * members).set(at.y);
      at.targets.forEach((t, i) => f.get(t).plus(targets[i]!.batch * members).set(t));
      f.get(count).plus(-1).tee(count).branch(0, true).end();
      return f;
    });
  }

  /** Large products in blocks. */
  blocks(f: Fn, at: Pointers, scratch: number): void {
    const { form, copyX, copyY, depthBlock, columnBlock, rowBlock } = this.#plan;
    const { size, targets } = this.#layout;
    const room = scratchOf(this.#plan, this.#options.dtype);
    const blocks = Math.max(1, Math.ceil(form.k / Math.max(1, depthBlock)));
    const last = form.k - (blocks - 1) * depthBlock;
    const flags = f.local(I32);
    const fixed = targets.map(() => 0);
    const block = (lanes: number, columns: number, steps: number, from: Pointers): void => {
      let y = from.y;
      if (copyY) {
        y = f.local(I32);
        f.get(scratch).plus(room.x).set(y);
        this.#copyLines(f, "y", columns, steps, from.y, y);
      }
      const strides = { x: form.x.row * size, y: 0, targets: targets.map((t) => t.row) };
      pieces(f, form.m, rowBlock, { ...from, y }, strides, (rows, inner) => {
        if (copyX) this.#copyLines(f, "x", rows, steps, inner.x, scratch);
        const here = copyX ? { ...inner, x: scratch } : inner;
        this.#columns(f, columns, here, copyY, (width, across) => {
          this.#panels(f, rows, width, lanes, steps, blocks > 1 ? flags : null, across);
        });
      });
      if (copyY) f.release(y);
    };
    this.#batch(f, at, 1, (_, lanes, member) => {
      const strides = { x: 0, y: form.y.column * size, targets: targets.map((t) => t.column) };
      pieces(f, form.n, columnBlock, member, strides, (columns, inner) => {
        const along = { x: form.x.column * size, y: form.y.row * size, targets: fixed };
        f.i32(0).set(flags);
        const walked = moving(f, inner);
        f.repeat(blocks - 1, () => {
          block(lanes, columns, depthBlock, walked);
          advance(f, walked, along, depthBlock);
          f.i32(ADD).set(flags);
        });
        f.get(flags).i32(LAST).op(0x72).set(flags);
        block(lanes, columns, last, walked);
        settle(f, walked);
      });
    });
    f.release(flags);
  }

  /** Copies a block of a factor, tile by tile. */
  #copyLines(
    f: Fn,
    which: "x" | "y",
    lines: number,
    steps: number,
    from: number,
    to: number,
  ): void {
    const { form, rows } = this.#plan;
    const { size, width, depth } = this.#layout;
    const { row, column } = form[which];
    const [line, step] = which === "x" ? [row, column] : [column, row];
    const strides = { x: line * size, y: depth * size, targets: [] };
    const at = { x: from, y: to, targets: [] };
    pieces(f, lines, which === "x" ? rows : width, at, strides, (count, inner) => {
      const copy: Copy = {
        dtype: this.#options.dtype,
        lines: count,
        steps,
        from: { line: line * size, step: step * size },
        to: this.#copied(which, count),
      };
      f.get(inner.x).get(inner.y).call(copyKernel(this.#module, copy));
    });
  }

  /** How a copied factor lies: in order of the steps, or each line in order. Elements, not vectors. */
  #copied(which: "x" | "y", lines: number): { line: number; step: number } {
    const { size, lanes, depth } = this.#layout;
    if (this.#plan.along === "depth") return { line: depth * size, step: size };
    return { line: size, step: (which === "x" ? lines : roundUp(lines, lanes)) * size };
  }

  /** Calls for a block of rows and the columns of one tile. */
  #panels(
    f: Fn,
    rows: number,
    columns: number,
    lanes: number,
    steps: number,
    flags: number | null,
    at: Pointers,
  ): void {
    const { quantum } = this.#layout;
    const call = (height: number, count: number): Fn => {
      const panel = this.#panel(height, columns, lanes, steps, flags !== null);
      f.i32(count);
      if (flags !== null) f.i32(Math.floor(steps / quantum)).get(flags);
      return f.call(panel);
    };
    const height = this.#plan.rows;
    const whole = Math.floor(rows / height);
    if (whole > 0) {
      push(f, at);
      call(height, whole);
    }
    if (rows % height > 0) {
      push(f, at, this.#rowStrides(height), whole);
      call(rows % height, 1);
    }
  }

  /**
   * A function (x, y, targets, count, and in blocks rounds, flags): that many tiles, one below the
   * other.
   */
  #panel(rows: number, columns: number, lanes: number, steps: number, blocks: boolean): Fn {
    const { quantum, targets } = this.#layout;
    const tile = this.#tile(rows, columns, lanes, steps % quantum, blocks);
    const strides = this.#rowStrides(rows);
    const whole = Math.floor(steps / quantum);
    const key = JSON.stringify(["panel", tile, strides, blocks ? null : whole]);
    return this.#module.shared(key, () => {
      const f = new Fn([I32, I32, ...targets.map(() => I32), I32, ...(blocks ? [I32, I32] : [])]);
      const at = parameters(targets.length);
      const count = 2 + targets.length;
      f.block("loop");
      emitTile(f, tile, {
        ...at,
        rounds: blocks ? { local: count + 1 } : { count: whole },
        flags: blocks ? count + 2 : null,
      });
      advance(f, at, strides, 1);
      f.get(count).plus(-1).tee(count).branch(0, true).end();
      return f;
    });
  }

  #tile(rows: number, columns: number, lanes: number, rest: number, blocks: boolean): Tile {
    const { form, along, unroll, copyX, copyY } = this.#plan;
    const layout = this.#layout;
    const { size } = layout;
    const factor = (which: "x" | "y"): Factor => {
      const view = form[which];
      const [line, step] = which === "x" ? [view.row, view.column] : [view.column, view.row];
      const copied = which === "x" ? copyX : copyY;
      const at = copied
        ? this.#copied(which, which === "x" ? rows : columns)
        : { line: line * size, step: step * size };
      if (along === "depth") return { line: at.line, step: VECTOR, splat: false };
      if (along === "batch") return { ...at, splat: view.batch === 0 };
      return which === "x" ? { ...at, splat: true } : { line: VECTOR, step: at.step, splat: false };
    };
    const vectors = along === "columns";
    return {
      dtype: this.#options.dtype,
      along,
      fma: this.#options.fma,
      rows,
      columns: vectors ? Math.ceil(columns / layout.lanes) : columns,
      lanes: vectors ? (columns - 1) % layout.lanes + 1 : lanes,
      unroll,
      rest,
      x: factor("x"),
      y: factor("y"),
      targets: layout.targets,
      epilogue: this.#options.epilogue,
      blocks,
    };
  }

  /** From one tile to the one below it. */
  #rowStrides(rows: number): Strides {
    const { form, copyX } = this.#plan;
    const { size, depth, targets } = this.#layout;
    return {
      x: rows * (copyX ? depth : form.x.row) * size,
      y: 0,
      targets: targets.map((t) => rows * t.row),
    };
  }

  /** Pieces of the width of a tile. */
  #columns(
    f: Fn,
    count: number,
    at: Pointers,
    copied: boolean,
    body: (columns: number, at: Pointers) => void,
  ): void {
    const { form } = this.#plan;
    const { size, width, depth, targets } = this.#layout;
    const strides = {
      x: 0,
      y: (copied ? depth : form.y.column) * size,
      targets: targets.map((t) => t.column),
    };
    pieces(f, count, width, at, strides, body);
  }

  /** Pieces of the height of a tile, of factors that are not copied. */
  #rows(f: Fn, count: number, at: Pointers, body: (rows: number, at: Pointers) => void): void {
    const { size, targets } = this.#layout;
    const strides = { x: this.#plan.form.x.row * size, y: 0, targets: targets.map((t) => t.row) };
    pieces(f, count, this.#plan.rows, at, strides, body);
  }
}
