/**
 * Random numbers for tests: reproducible, and the same whatever order the tests run in.
 *
 * Owns: the seed and the generator. `INJAX_SEED` sets another seed than the fixed one; failures
 * print the seed they were found with.
 *
 * @module
 */

/** The seed of this run. */
export const seed: number =
  Number((globalThis as { Deno?: typeof Deno }).Deno?.env.get("INJAX_SEED") ?? 20261122) >>> 0;

/** What to say in a failure, so that it can be had again. */
export const seedNote: string = `seed ${seed}; run again with INJAX_SEED=${seed}`;

/** A generator with a state of 32 bits (mulberry32), which is plenty for test inputs. */
export class Random {
  #state: number;

  /** `name` tells apart the generators of one run. */
  constructor(name: string) {
    // FNV-1a of the name, started from the seed.
    let h = (0x811c9dc5 ^ seed) >>> 0;
    for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193) >>> 0;
    this.#state = h;
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Uniform in [low, high). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** An integer in [low, high). */
  integer(low: number, high: number): number {
    return low + Math.floor((high - low) * this.next());
  }

  /** Numbers in [low, high). */
  list(count: number, low = -1, high = 1): number[] {
    return Array.from({ length: count }, () => this.uniform(low, high));
  }
}
