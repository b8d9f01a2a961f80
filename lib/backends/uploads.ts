/**
 * Copies of host arrays in a backend's memory, made when an array first enters a program and kept
 * for the next time. So weights that are passed on every call are copied once.
 *
 * Owns when a copy is dropped: with its array, or when room is needed, since the host still has the
 * elements. How a copy is made and freed is the backend's.
 *
 * @module
 */
import type { ConcreteArray } from "../core/concrete.ts";

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
