/**
 * The plan of a program's memory: which bytes of its arena each array gets, and when they are free
 * again. Nothing in an arena outlives a run.
 *
 * @module
 */

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
