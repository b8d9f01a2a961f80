/**
 * The sessions that the wasm backend keeps on the runtime's heap.
 *
 * Owns how many there are. A program that nothing refers to is freed by a finalizer, but finalizers
 * do not run in code that never awaits, however many functions it compiles and drops. So where the
 * heap has to grow for a new session, those that were not used for longest go; a program that has lost
 * its session gets another when it next runs.
 *
 * @module
 */
import type { OrtSession, OrtTensor } from "./ort_direct.ts";
import type { HeapMemory } from "./wasm_memory.ts";

/** What a program holds on the heap: a session, and tensors for its small inputs and outputs. */
export class Holdings {
  /** When it last ran, by `SessionPool.clock`. */
  lastUse = 0;

  /** Takes over the session and the tensors. */
  constructor(
    /** Whose heap it is. */
    readonly memory: HeapMemory,
    /** The session; null once released. */
    public session: OrtSession | null,
    /** A tensor for each small input. */
    readonly inputs: readonly (OrtTensor | null)[],
    /** A tensor for each small output. */
    readonly outputs: readonly (OrtTensor | null)[],
  ) {}

  /** Frees all of it. */
  release(): void {
    const { session } = this;
    if (session === null) return;
    this.session = null;
    session.release();
    for (const tensor of this.inputs) tensor?.release();
    for (const tensor of this.outputs) tensor?.release();
  }
}

/** All holdings on one heap. */
export class SessionPool {
  /** Ticks with each run. */
  clock = 0;
  readonly #live = new Set<Holdings>();

  /** Counts holdings in. `grown` says that the heap had to grow for them. */
  add(holdings: Holdings, grown: boolean): void {
    holdings.lastUse = ++this.clock;
    this.#live.add(holdings);
    const { runtime, used } = holdings.memory;
    if (grown && runtime.heapBytes - used > SESSION_BYTES) this.#dropOldest(this.#live.size >> 1);
  }

  /** Frees holdings. */
  drop(holdings: Holdings): void {
    this.#live.delete(holdings);
    holdings.release();
  }

  /** Frees all holdings but one; whether there were any. */
  dropOthers(kept: Holdings | null): boolean {
    const others = [...this.#live].filter((holdings) => holdings !== kept);
    for (const holdings of others) this.drop(holdings);
    return others.length > 0;
  }

  #dropOldest(count: number): void {
    const byUse = [...this.#live].sort((a, b) => a.lastUse - b.lastUse);
    for (const holdings of byUse.slice(0, count)) this.drop(holdings);
  }
}

/**
 * Bytes of the heap, arrays aside, beyond which a new session has to do with the room of old ones. A
 * session takes some 16 KiB, 1.5 KiB for each node, and its constants.
 */
const SESSION_BYTES = 512 * 1024 * 1024;
