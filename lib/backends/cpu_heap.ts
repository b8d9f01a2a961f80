/**
 * The heap of the cpu backend: one WebAssembly memory that all programs share, handed out in blocks.
 *
 * Owns which bytes are free, and the views of the memory. Who holds a block, and for how long, is
 * `cpu_memory.ts`'s.
 *
 * Free neighbours become one block at once, and a request takes from the smallest class of blocks that
 * can serve it; so what is freed can be used again for other sizes. The memory grows and never shrinks.
 *
 * @module
 */
import type { DType, TypedArray } from "../core/mod.ts";

/** A part of the memory, free or handed out. */
export class Block {
  /** Whether nobody has it. */
  free = false;
  /** The blocks before and behind it in memory. */
  before: Block | null = null;
  behind: Block | null = null;
  /** Its neighbours in the list of free blocks of its class. */
  previous: Block | null = null;
  next: Block | null = null;

  /** A block; its address and bytes are multiples of `UNIT`. */
  constructor(
    /** Where it begins. */
    public address: number,
    /** How long it is, slack included. */
    public bytes: number,
  ) {}
}

/** What the views of a memory are called by: the position of a dtype. */
export const viewOf: Readonly<Record<DType, number>> = {
  float32: 0,
  float64: 1,
  int32: 2,
  uint32: 3,
  bool: 4,
};

/** log2 of the bytes of an element, in the order of `viewOf`. */
export const shiftOf: readonly number[] = [2, 3, 2, 2, 0];

/** See the top of the file. */
export class Heap {
  /** What modules import. */
  readonly memory: WebAssembly.Memory;
  /** The whole memory as elements of each dtype, by `viewOf`. Made anew when it grows. */
  views: readonly TypedArray[];
  /**
   * For tests: what is handed out and what is taken back is filled with bytes that are NaN in every
   * dtype that has it, so that what reads unwritten memory shows.
   */
  poison = false;
  #used = 0;
  /** The first block of each list of free ones. */
  readonly #lists: (Block | null)[] = new Array(classOf(MAX_BYTES) + 1).fill(null);
  #last: Block;

  /** A memory of a few pages, which may grow to `limit` bytes. */
  constructor(readonly limit: number = MAX_BYTES) {
    this.memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: limit / PAGE });
    this.views = viewsOf(this.memory.buffer as ArrayBuffer);
    // No block is at address 0, so that a forgotten pointer is seen.
    this.#last = new Block(UNIT, this.bytes - UNIT);
    this.#insert(this.#last);
  }

  /** Bytes of the whole memory. */
  get bytes(): number {
    return this.memory.buffer.byteLength;
  }

  /** Bytes that are handed out, slack included. */
  get used(): number {
    return this.#used;
  }

  /**
   * A block with room for so many bytes and `SLACK` more; null where the memory cannot grow so far.
   */
  allocate(bytes: number): Block | null {
    const needed = Math.ceil((bytes + SLACK) / UNIT) * UNIT;
    const block = this.#find(needed) ?? this.#grow(needed);
    if (block === null) return null;
    this.#take(block);
    const rest = block.bytes - needed;
    if (rest > 0) {
      const tail = new Block(block.address + needed, rest);
      block.bytes = needed;
      tail.before = block;
      tail.behind = block.behind;
      if (block.behind === null) this.#last = tail;
      else block.behind.before = tail;
      block.behind = tail;
      this.#insert(tail);
    }
    this.#used += needed;
    if (this.poison) this.spoil(block.address, needed);
    return block;
  }

  /** Takes a block back. */
  release(block: Block): void {
    if (block.free) return;
    this.#used -= block.bytes;
    if (this.poison) this.spoil(block.address, block.bytes);
    const { before, behind } = block;
    if (behind !== null && behind.free) {
      this.#take(behind);
      this.#swallow(block, behind);
    }
    if (before !== null && before.free) {
      this.#take(before);
      this.#swallow(before, block);
      // The block object that was handed out is dead, and must not come back to life.
      block.free = true;
      this.#insert(before);
    } else this.#insert(block);
  }

  /** Fills memory with what is NaN, or the largest number, in every dtype. */
  spoil(address: number, bytes: number): void {
    this.views[viewOf.bool]!.fill(0xff, address, address + bytes);
  }

  /** The smallest of some free blocks that is long enough; null where there is none. */
  #find(bytes: number): Block | null {
    const own = classOf(bytes);
    let tries = TRIES;
    for (let b = this.#lists[own] ?? null; b !== null && tries-- > 0; b = b.next) {
      if (b.bytes >= bytes) return b;
    }
    for (let k = own + 1; k < this.#lists.length; k++) {
      const block = this.#lists[k]!;
      if (block !== null) return block;
    }
    return null;
  }

  /** Makes the memory longer by so much that its last block has `bytes`; null where that cannot be. */
  #grow(bytes: number): Block | null {
    const present = this.bytes;
    const tail = this.#last.free ? this.#last.bytes : 0;
    const missing = Math.ceil((bytes - tail) / PAGE);
    const room = Math.floor((this.limit - present) / PAGE);
    if (missing > room) return null;
    const wanted = Math.min(room, Math.max(missing, Math.ceil(present / PAGE / 4)));
    const pages = growBy(this.memory, wanted) ? wanted : missing;
    if (pages !== wanted && !growBy(this.memory, missing)) return null;
    this.views = viewsOf(this.memory.buffer as ArrayBuffer);
    const grown = pages * PAGE;
    if (this.#last.free) {
      this.#take(this.#last);
      this.#last.bytes += grown;
    } else {
      const block = new Block(present, grown);
      block.before = this.#last;
      this.#last.behind = block;
      this.#last = block;
    }
    this.#insert(this.#last);
    return this.#last;
  }

  /** Makes one block of two neighbours. */
  #swallow(block: Block, behind: Block): void {
    block.bytes += behind.bytes;
    block.behind = behind.behind;
    if (behind.behind === null) this.#last = block;
    else behind.behind.before = block;
  }

  #insert(block: Block): void {
    const k = classOf(block.bytes);
    const first = this.#lists[k]!;
    block.free = true;
    block.previous = null;
    block.next = first;
    if (first !== null) first.previous = block;
    this.#lists[k] = block;
  }

  #take(block: Block): void {
    const { previous, next } = block;
    if (previous === null) this.#lists[classOf(block.bytes)] = next;
    else previous.next = next;
    if (next !== null) next.previous = previous;
    block.free = false;
    block.previous = block.next = null;
  }
}

/** The list of a length: four for each power of two, so that a class spans a quarter of its length. */
function classOf(bytes: number): number {
  const units = bytes / UNIT;
  const log = 31 - Math.clz32(units);
  return log < 2 ? units : (log << 2) + (units >>> (log - 2) & 3) - 4;
}

function growBy(memory: WebAssembly.Memory, pages: number): boolean {
  try {
    memory.grow(pages);
    return true;
  } catch {
    return false;
  }
}

function viewsOf(buffer: ArrayBuffer): TypedArray[] {
  return [
    new Float32Array(buffer),
    new Float64Array(buffer),
    new Int32Array(buffer),
    new Uint32Array(buffer),
    new Uint8Array(buffer),
  ];
}

/** Bytes that vector code may read and write behind the elements of an array. */
export const SLACK = 64;

/** Blocks begin at multiples of this and are multiples of it long: a line of the cache. */
const UNIT = 64;

const PAGE = 65_536;

/** What 32-bit addresses reach. */
const MAX_BYTES = 65_536 * PAGE;

/** 1 MiB. */
const INITIAL_PAGES = 16;

/** How many free blocks of its own class a request looks at, before one of a larger class is cut. */
const TRIES = 8;
