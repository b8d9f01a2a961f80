/**
 * The sessions that the onnx backend keeps on the runtime's heap.
 *
 * Owns how many there are. A program that nothing refers to is freed by a finalizer, but finalizers
 * do not run in code that never awaits, however many functions it compiles and drops. So where the
 * heap has to grow for a new session, those that were not used for longest go; a program that has lost
 * its session gets another when it next runs.
 *
 * @module
 */
import type { OrtRuntime, OrtSession, OrtTensor } from "./ort_direct.ts";

/** A heap that programs are open on, as far as their sessions are concerned: see `onnx_memory.ts`. */
export interface Heap {
  /** The runtime. */
  readonly runtime: OrtRuntime;
  /** Bytes that arrays take. */
  readonly used: number;
  /** The sessions on it. */
  readonly sessions: SessionPool;
}

/** What an open program has on a heap: a session, and tensors for its small inputs and outputs. */
export interface Opened<H extends Heap = Heap> {
  /** Whose heap it is. */
  readonly memory: H;
  /** The session. */
  readonly session: OrtSession;
  /** A tensor for each small input. */
  readonly inputs: readonly (OrtTensor | null)[];
  /** A tensor for each small output. */
  readonly outputs: readonly (OrtTensor | null)[];
  /** Room for the inputs of a run. */
  readonly feeds: OrtTensor[];
}

/** What a program holds. Once closed, nothing that would keep the heap itself in memory. */
export class Holdings<H extends Heap = Heap> {
  /** When it last ran, by `SessionPool.clock`. */
  lastUse = 0;

  /** Takes over what is open. */
  constructor(
    /** What is open; null once closed. */
    public open: Opened<H> | null,
  ) {}

  /** Frees all of it. */
  close(): void {
    const { open } = this;
    if (open === null) return;
    this.open = null;
    open.memory.sessions.forget(this);
    open.session.release();
    for (const tensor of open.inputs) tensor?.release();
    for (const tensor of open.outputs) tensor?.release();
  }
}

/** All holdings on one heap. */
export class SessionPool {
  /** Ticks with each run. */
  clock = 0;
  readonly #live = new Set<Holdings>();

  /** Counts holdings in, whose heap is `memory`. `grown` says that it had to grow for them. */
  add(holdings: Holdings, memory: Heap, grown: boolean): void {
    holdings.lastUse = ++this.clock;
    this.#live.add(holdings);
    const { runtime, used } = memory;
    if (!grown || runtime.heapBytes - used <= SESSION_BYTES) return;
    const byUse = [...this.#live].sort((a, b) => a.lastUse - b.lastUse);
    for (const oldest of byUse.slice(0, byUse.length >> 1)) oldest.close();
  }

  /** Counts holdings out. */
  forget(holdings: Holdings): void {
    this.#live.delete(holdings);
  }

  /** Closes all holdings but one; whether there were any. */
  closeOthers(kept: Holdings | null): boolean {
    const others = [...this.#live].filter((holdings) => holdings !== kept);
    for (const holdings of others) holdings.close();
    return others.length > 0;
  }
}

/**
 * Bytes of the heap, arrays aside, beyond which a new session has to do with the room of old ones. A
 * session takes some 16 KiB, 1.5 KiB for each node, and its constants.
 */
const SESSION_BYTES = 512 * 1024 * 1024;
