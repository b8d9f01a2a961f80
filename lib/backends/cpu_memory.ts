/**
 * Books of the cpu backend's heap: results that stay on it, copies of arguments, constants of programs,
 * and the scratch memory of runs; and what goes when memory is short.
 *
 * Copies of host arrays in a backend's memory, made when an array first enters a program and kept
 * for the next time. So weights that are passed on every call are copied once.
 *
 * Owns when a copy is dropped: with its array, or when room is needed, since the host still has the
 * elements. How a copy is made and freed is the backend's.
 *
 * @module
 */
import {
  bytesOf,
  type ConcreteArray,
  type DeviceBuffer,
  formatAval,
  type ShapedArray,
  sizeOf,
  type TypedArray,
} from "../core/mod.ts";
import { type Block, type Heap, shiftOf, SLACK, viewOf } from "./cpu_heap.ts";

/** A copy that can be freed. */
interface Upload<T> {
  readonly copy: T;
  readonly bytes: number;
  live: boolean;
}

/** Remembers copies of arrays. */
export class Uploads<T> {
  /** Bytes that all copies together may take, unless one run needs more. */
  budget: number;
  #used = 0;
  readonly #free: (copy: T) => void;
  readonly #byArray = new WeakMap<ConcreteArray, Upload<T>>();
  /** The least recently used first. */
  readonly #live = new Set<Upload<T>>();
  readonly #finalizer = new FinalizationRegistry<Upload<T>>((upload) => this.#drop(upload));

  /** No copies yet. */
  constructor(budget: number, free: (copy: T) => void) {
    this.budget = budget;
    this.#free = free;
  }

  /** Bytes that the copies take. */
  get used(): number {
    return this.#used;
  }

  /**
   * The copy of `x`, from `make` where there is none. `held` are the copies that the run being
   * prepared has got already, which must not be dropped to make room.
   */
  get(x: ConcreteArray, bytes: number, make: () => T, held: readonly T[]): T {
    const known = this.#byArray.get(x);
    if (known !== undefined && known.live) {
      this.#live.delete(known);
      this.#live.add(known);
      return known.copy;
    }
    this.shrink(this.budget - bytes, held);
    const upload = { copy: make(), bytes, live: true };
    this.#used += bytes;
    this.#live.add(upload);
    this.#byArray.set(x, upload);
    if (known !== undefined) this.#finalizer.unregister(x);
    this.#finalizer.register(x, upload, x);
    return upload.copy;
  }

  /** Drops copies, those not used for longest first, until they take no more than `bytes`. */
  shrink(bytes: number, held: readonly T[]): void {
    if (this.#used <= bytes) return;
    const keep = new Set(held);
    for (const upload of this.#live) {
      if (this.#used <= bytes) return;
      if (!keep.has(upload.copy)) this.#drop(upload);
    }
  }

  #drop(upload: Upload<T>): void {
    if (!upload.live) return;
    upload.live = false;
    this.#live.delete(upload);
    this.#used -= upload.bytes;
    this.#free(upload.copy);
  }
}

/** Thrown where a block cannot be had even after all that can be made again has gone. */
export class OutOfMemory extends Error {
  override readonly name = "OutOfMemory";
}

/** A result that stays on the heap. */
export class CpuBuffer implements DeviceBuffer {
  /** The backend that it belongs to. */
  readonly backend = "cpu";
  /** The heap can be read at any time. */
  readonly synchronous = true;
  /** The memory that it is part of. */
  readonly memory: CpuMemory;
  readonly #aval: ShapedArray;
  #block: Block | null;

  /** For `CpuMemory.keep`. */
  constructor(memory: CpuMemory, block: Block, aval: ShapedArray) {
    this.memory = memory;
    this.#block = block;
    this.#aval = aval;
  }

  /** Where it is, for the next program's input. */
  get block(): Block {
    if (this.#block === null) {
      throw new TypeError(`${formatAval(this.#aval)} array: used after it was released`);
    }
    return this.#block;
  }
  /** The elements, copied. */
  readSync(): TypedArray {
    return this.memory.read(this.block, this.#aval);
  }
  /** The elements, copied. */
  read(): Promise<TypedArray> {
    return Promise.resolve(this.readSync());
  }
  /** Frees the block; where a run reads it, after that. */
  release(): void {
    const block = this.#block;
    if (block === null) return;
    this.#block = null;
    this.memory.freed(block, bytesOf(this.#aval));
  }
}

/** The constants of a program: a block, until there is more need of its room. */
export class Constants {
  /** Where they are; null where the program has to be instantiated again. */
  block: Block | null = null;
  /** When the program last ran, by `CpuMemory.clock`. */
  lastUse = 0;
  /** How many runs of it are under way. */
  running = 0;

  /** None yet. */
  constructor(readonly memory: CpuMemory) {}

  /** Gives the block back. */
  close(): void {
    if (this.block === null) return;
    this.memory.closed(this, this.block);
    this.block = null;
  }
}

/** See the top of the file; one for each heap. */
export class CpuMemory {
  /** Blocks that runs under way read, those of outer runs first. */
  readonly pinned: Block[] = [];
  /** Ticks with each run. */
  clock = 0;
  #depth = 0;
  /** Scratch memory by depth of runs. */
  readonly #arenas: (Block | null)[] = [];
  /** Blocks that were given back while a run read them. */
  readonly #doomed: Block[] = [];
  #results = 0;
  #resultBudget = 0;
  readonly #uploads: Uploads<Block>;
  readonly #constants = new Set<Constants>();
  #constantBytes = 0;

  /** Books for one heap. */
  constructor(readonly heap: Heap, budget: number) {
    this.#uploads = new Uploads(0, (block) => this.heap.release(block));
    this.budget = budget;
  }

  /**
   * How many bytes may live on the heap, half of them results and half copies of arguments. Beyond,
   * results are copied to the host at once, where the garbage collector takes care of them even in
   * a loop that never awaits: finalizers, which free results on the heap, do not run in such a loop.
   */
  get budget(): number {
    return this.#resultBudget + this.#uploads.budget;
  }
  set budget(bytes: number) {
    this.#resultBudget = this.#uploads.budget = bytes / 2;
  }

  /** Bytes in use by results and copies of arguments. */
  get used(): number {
    return this.#results + this.#uploads.used;
  }

  /**
   * Begins a run: the address of `bytes` of scratch memory, which is another one's as soon as the run
   * has ended. Every call has its `leave`, also where a run fails.
   *
   * @throws {OutOfMemory} with nothing to leave.
   */
  enter(bytes: number): number {
    const arena = this.#arenas[this.#depth];
    const address = arena != null && arena.bytes - SLACK >= bytes
      ? arena.address
      : this.#newArena(bytes);
    if (this.heap.poison) this.heap.spoil(address, bytes + SLACK);
    this.#depth++;
    return address;
  }

  #newArena(bytes: number): number {
    this.#dropArena(this.#depth);
    const block = this.allocate(bytes);
    this.#arenas[this.#depth] = block;
    return block.address;
  }

  /** Ends a run; `pinned` is how many blocks were pinned before it. */
  leave(pinned: number): void {
    const depth = --this.#depth;
    this.pinned.length = pinned;
    if (this.#arenas[depth]!.bytes > KEPT_ARENA) this.#dropArena(depth);
    if (depth === 0 && this.#doomed.length > 0) {
      for (const block of this.#doomed) this.heap.release(block);
      this.#doomed.length = 0;
    }
  }

  #dropArena(depth: number): void {
    const arena = this.#arenas[depth];
    if (arena == null) return;
    this.#arenas[depth] = null;
    this.heap.release(arena);
  }

  /**
   * A block. Where there is no room, copies of arguments, scratch memory and constants that no run
   * needs go first.
   */
  allocate(bytes: number): Block {
    let block = this.heap.allocate(bytes);
    if (block !== null) return block;
    this.#uploads.shrink(0, this.pinned);
    for (let k = this.#depth; k < this.#arenas.length; k++) this.#dropArena(k);
    block = this.heap.allocate(bytes);
    if (block !== null) return block;
    for (const constants of this.#constants) if (constants.running === 0) constants.close();
    block = this.heap.allocate(bytes);
    if (block === null) throw new OutOfMemory(`no block of ${bytes} bytes`);
    return block;
  }

  /** The elements of an array, copied. */
  read(block: Block, aval: ShapedArray): TypedArray {
    const view = viewOf[aval.dtype];
    const from = block.address >>> shiftOf[view]!;
    return this.heap.views[view]!.slice(from, from + sizeOf(aval.shape));
  }

  /** Whether a result of so many bytes may stay on the heap. */
  hasRoom(bytes: number): boolean {
    return this.#results + bytes <= this.#resultBudget;
  }

  /** Takes charge of a result. */
  keep(block: Block, aval: ShapedArray): CpuBuffer {
    this.#results += bytesOf(aval);
    return new CpuBuffer(this, block, aval);
  }

  /** Books the release of a result of so many bytes. */
  freed(block: Block, bytes: number): void {
    this.#results -= bytes;
    if (this.pinned.includes(block)) this.#doomed.push(block);
    else this.heap.release(block);
  }

  /** The copy of an argument on the heap, for a run that has begun. */
  upload(x: ConcreteArray, values: TypedArray): Block {
    return this.#uploads.get(x, values.byteLength, () => {
      const block = this.allocate(values.byteLength);
      const view = viewOf[x.aval.dtype];
      this.heap.views[view]!.set(values, block.address >>> shiftOf[view]!);
      return block;
    }, this.pinned);
  }

  /** Gives a program its block of constants. Where all together take much, those long unused go. */
  open(constants: Constants, bytes: number): Block {
    const block = this.allocate(bytes);
    constants.block = block;
    constants.lastUse = ++this.clock;
    this.#constants.add(constants);
    this.#constantBytes += block.bytes;
    if (this.#constantBytes > CONSTANT_BYTES) {
      const idle = [...this.#constants].filter((c) => c.running === 0 && c !== constants)
        .sort((a, b) => a.lastUse - b.lastUse);
      for (const oldest of idle.slice(0, Math.ceil(idle.length / 2))) oldest.close();
    }
    return block;
  }

  /** For `Constants.close`. */
  closed(constants: Constants, block: Block): void {
    this.#constants.delete(constants);
    this.#constantBytes -= block.bytes;
    if (constants.running > 0) this.#doomed.push(block);
    else this.heap.release(block);
  }
}

/** Scratch memory beyond this is given back after each run, so that other programs and results have it. */
const KEPT_ARENA = 16 * 1024 * 1024;

/**
 * Bytes of constants beyond which those go that were not used for longest. A program that nothing
 * refers to is freed by a finalizer, but finalizers do not run in code that never awaits, however many
 * functions it compiles and drops.
 */
const CONSTANT_BYTES = 256 * 1024 * 1024;
