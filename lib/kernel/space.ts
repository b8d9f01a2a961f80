/**
 * Nests of loops as they are described: the loops, and how each array is walked through in them; and what
 * nests that are alike share.
 *
 * The plan of a program's memory: which bytes of its arena each array gets, and when they are free
 * again. Nothing in an arena outlives a run.
 *
 * @module
 */
import type { DType } from "../core/mod.ts";
import type { Reducer } from "../core/kernel.ts";
import { type Expr, Exprs, reachable } from "../scalar/expr.ts";

/** Bytes in an arena. */
export interface Block {
  /** The first one, from the beginning of the arena on. */
  readonly offset: number;
  /** How many, with the room behind that vectors need. */
  readonly bytes: number;
}

/** Room behind an array, in which vectors may end. */
const SLACK = 16;
const ALIGNMENT = 16;

/** Bytes of a run. */
export class Arena {
  /** How many bytes a run needs. */
  bytes = 0;
  /** Free blocks by offset, never next to each other. */
  readonly #free: Block[] = [];

  /** Room for this many bytes: the first that is large enough. */
  take(bytes: number): Block {
    const need = Math.ceil((bytes + SLACK) / ALIGNMENT) * ALIGNMENT;
    const at = this.#free.findIndex((b) => b.bytes >= need);
    if (at >= 0) {
      const { offset, bytes } = this.#free[at]!;
      if (bytes === need) this.#free.splice(at, 1);
      else this.#free[at] = { offset: offset + need, bytes: bytes - need };
      return { offset, bytes: need };
    }
    const last = this.#free.at(-1);
    let offset = this.bytes;
    if (last !== undefined && last.offset + last.bytes === offset) {
      offset = last.offset;
      this.#free.pop();
    }
    this.bytes = offset + need;
    return { offset, bytes: need };
  }

  /** Gives room back. */
  free(block: Block): void {
    let { offset, bytes } = block;
    let at = this.#free.findIndex((b) => b.offset > offset);
    if (at < 0) at = this.#free.length;
    const after = this.#free[at];
    if (after !== undefined && offset + bytes === after.offset) {
      bytes += after.bytes;
      this.#free.splice(at, 1);
    }
    const before = this.#free[at - 1];
    if (before !== undefined && before.offset + before.bytes === offset) {
      this.#free[at - 1] = { offset: before.offset, bytes: before.bytes + bytes };
    } else this.#free.splice(at, 0, { offset, bytes });
  }
}

/**
 * How a nest walks through an array, from an element whose address it is given: what instructions add
 * to an address of their own accord does not wrap around, and memory in front of an array may be none.
 */
export interface Slot {
  /** Element type. */
  readonly dtype: DType;
  /** Elements from one step to the next, for each loop. */
  readonly strides: readonly number[];
  /** Whether memory behind the elements written is somebody else's. */
  readonly exact: boolean;
}

/** What a nest does. */
export interface Nest {
  /** Length of each loop, at least 1. */
  readonly dims: readonly number[];
  /** Which loops the reductions run over. */
  readonly reduced: readonly boolean[];
  /** Its expressions. */
  readonly exprs: Exprs;
  /** What `input` stands for, by number; `null` for what is not read after all. */
  readonly loads: readonly (Slot | null)[];
  /** What is stored of each element. */
  readonly stores: readonly { readonly slot: Slot; readonly expr: Expr }[];
  /** What is reduced; the strides of reduced loops do not count. */
  readonly reductions: readonly {
    readonly slot: Slot;
    readonly expr: Expr;
    readonly op: Reducer;
  }[];
}

/** What a reduction of nothing gives. */
export function identityOf(op: Reducer, dtype: DType): number {
  switch (op) {
    case "add":
      return 0;
    case "mul":
      return 1;
    case "and":
      return dtype === "bool" ? 1 : -1;
    case "or":
      return 0;
  }
  const sign = op === "max" ? -1 : 1;
  if (dtype === "bool") return op === "max" ? 0 : 1;
  if (dtype === "int32") return op === "max" ? -2147483648 : 2147483647;
  if (dtype === "uint32") return op === "max" ? 0 : 4294967295;
  return sign * Infinity;
}

/** Bytes of an element. */
export const bytesPerElement: Readonly<Record<DType, number>> = {
  float32: 4,
  float64: 8,
  int32: 4,
  uint32: 4,
  bool: 1,
};

/** A number in a key: both zeros are told apart. */
export function distinct(n: number): string {
  return Object.is(n, -0) ? "-0" : String(n);
}

/** Nodes, operands first, as a key has them, and the place of each by its number in its graph. */
export interface Listing {
  /** The nodes. */
  readonly order: readonly Expr[];
  /** The part of a key. */
  readonly text: string;
  /** Places. */
  readonly places: Int32Array;
}

/** The listing of nodes. */
export function listingOf(order: readonly Expr[]): Listing {
  const places = new Int32Array((order.at(-1)?.id ?? -1) + 1);
  // Made for many nests of a program: a plain loop.
  let text = "";
  for (let i = 0; i < order.length; i++) {
    const { id, op, ty, imm, args, table, apart } = order[i]!;
    places[id] = i;
    text += `${op}${ty}${imm === 0 ? distinct(imm) : imm}`;
    for (let k = 0; k < args.length; k++) text += `,${places[args[k]!.id]}`;
    if (apart !== null) text += `@${apart.id}`;
    text += table === null ? ";" : `[${table.map(distinct)}];`;
  }
  return { order, text, places };
}

/**
 * What a loop computes so far, and what that became where more was added: loops that are made alike, of which long
 * programs have many, are made once, and share their graph.
 */
export class Grown {
  /** What was added, latest last. */
  #next: Growth[] | null = null;
  #listings: { readonly of: readonly Expr[]; readonly listing: Listing }[] | null = null;

  /** The first `length` nodes of a graph; nothing by itself. */
  constructor(readonly exprs: Exprs = new Exprs(), readonly length: number = 0) {}

  /** The nodes that roots are made of. */
  listing(roots: readonly Expr[]): Listing {
    const known = this.#listings ??= [];
    for (const { of, listing } of known) if (sameItems(of, roots)) return listing;
    const listing = listingOf(reachable(this.exprs, roots));
    if (known.length < MANY) known.push({ of: roots, listing });
    return listing;
  }

  /** The graph so far, for one loop alone, or where others have gone on from it otherwise. */
  apart(): Exprs {
    return this.exprs.upTo(this.length);
  }

  /** With what `add` adds, which follows from `of` and `operands`, and that. */
  with(of: object, operands: string, add: (e: Exprs) => readonly Expr[]): Growth {
    const next = this.#next ??= [];
    for (let i = next.length - 1; i >= 0; i--) {
      if (next[i]!.of === of && next[i]!.operands === operands) return next[i]!;
    }
    const { exprs, length } = this;
    const e = exprs.nodes.length === length ? exprs : this.apart();
    const made = add(e);
    const growth = { of, operands, made, grown: new Grown(e, e.nodes.length) };
    if (next.length < MANY) next.push(growth);
    return growth;
  }
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}

/** What a graph became. */
interface Growth {
  readonly of: object;
  readonly operands: string;
  readonly made: readonly Expr[];
  readonly grown: Grown;
}

/** Gives loops of a program what they go on from: graphs of their own at first, and one in common in long programs. */
export class Alike {
  #loops = 0;
  readonly #nothing = new Grown();

  /** Where the next loop begins; `null` where it is not to be shared. */
  begin(): Grown | null {
    return ++this.#loops > FIRST ? this.#nothing : null;
  }
}

/** So many loops are made each by itself: to note what they add takes longer than a few that are alike save. */
const FIRST = 24;

/** Of more ways to go on from a graph, which have to be looked through, none is kept. */
const MANY = 64;

/** The key under which equal nests are shared. */
export function keyOf(nest: Nest, { text, places }: Listing): string {
  const slot = (s: Slot | null): string =>
    s === null ? "-" : `${s.dtype}${s.strides}${s.exact ? "!" : ""}`;
  return [
    "nest",
    nest.dims,
    nest.reduced.map(Number),
    text,
    nest.loads.map(slot).join(";"),
    nest.stores.map((s) => `${slot(s.slot)}=${places[s.expr.id]}`).join(";"),
    nest.reductions.map((r) => `${slot(r.slot)}${r.op}${places[r.expr.id]}`).join(";"),
  ].join("|");
}

/** Joins neighbouring loops of one kind where all arrays allow it; drops those of one step. */
export function collapse(
  dims: readonly number[],
  reduced: readonly boolean[],
  slots: readonly (readonly number[])[],
): { dims: number[]; reduced: boolean[]; strides: number[][] } {
  const out: number[] = [];
  const kinds: boolean[] = [];
  const strides: number[][] = slots.map(() => []);
  dims.forEach((n, i) => {
    if (n === 1) return;
    const k = out.length - 1;
    const joins = k >= 0 && kinds[k] === reduced[i]! &&
      slots.every((s, j) => strides[j]![k] === s[i]! * n);
    if (joins) {
      out[k]! *= n;
      slots.forEach((s, j) => strides[j]![k] = s[i]!);
    } else {
      out.push(n);
      kinds.push(reduced[i]!);
      slots.forEach((s, j) => strides[j]!.push(s[i]!));
    }
  });
  return { dims: out, reduced: kinds, strides };
}

/** Strides of the numbers of elements, in the order of loops. */
export function rowMajor(dims: readonly number[], order: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  for (let i = dims.length - 1, s = 1; i >= 0; i--) {
    strides[i] = s;
    s *= dims[i]!;
  }
  return order.map((a) => strides[a]!);
}

/**
 * Cuts loops in which an array is turned into loops over tiles, in place. In what is turned, elements lie near
 * each other along another loop than the last one, and along that so that they drive each other out of the
 * cache: by whole rows, each of its lines would be read again for each of its elements. It takes 0.3 to 0.8 of
 * the time; at other distances, tiles gain nothing.
 */
export function cutIntoTiles(
  { dims, reduced, strides }: ReturnType<typeof collapse>,
  loads: readonly Slot[],
): void {
  const last = dims.length - 1;
  const turned = loads.findIndex(({ dtype }, i) =>
    strides[i]![last] && strides[i]![last]! * bytesPerElement[dtype] % FAR === 0
  );
  const near = strides[turned]?.findIndex((s) => s === 1 || s === -1) ?? -1;
  const axes = [near, last];
  if (axes.some((i) => i < 0 || reduced[i] || dims[i]! % TILE > 0)) return;
  for (const i of axes) {
    for (const xs of strides) {
      xs.push(xs[i]!);
      xs[i]! *= TILE;
    }
    dims[i]! /= TILE;
    dims.push(TILE);
    reduced.push(false);
  }
}

/** Elements that are multiples of so many bytes apart share few places in the cache: each takes the other's. */
const FAR = 1024;
/** Elements along both sides of a tile. */
const TILE = 16;
