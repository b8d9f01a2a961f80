/**
 * Memory of the onnx backend: results and copies of inputs that live on ONNX Runtime's heap.
 *
 * Owns who holds a heap tensor and when it is freed. Running programs is `onnx.ts`'s.
 *
 * @module
 */
import {
  bytesOf,
  type ConcreteArray,
  type DeviceBuffer,
  formatAval,
  type ShapedArray,
  type TypedArray,
} from "../core/mod.ts";
import type { OrtRuntime, OrtTensor } from "./ort_direct.ts";
import { Uploads } from "./cpu_memory.ts";
import { SessionPool } from "./onnx_sessions.ts";

/** A result that stays on the heap. */
export class HeapBuffer implements DeviceBuffer {
  /** The backend that it belongs to. */
  readonly backend = "onnx";
  /** The heap can be read at any time. */
  readonly synchronous = true;
  /** The memory that it is part of. */
  readonly memory: HeapMemory;
  readonly #tensor: OrtTensor;
  readonly #aval: ShapedArray;

  /** For `HeapMemory.keep`. */
  constructor(memory: HeapMemory, tensor: OrtTensor, aval: ShapedArray) {
    this.memory = memory;
    this.#tensor = tensor;
    this.#aval = aval;
  }

  /** The tensor, for the next program's input. */
  get tensor(): OrtTensor {
    if (this.#tensor.handle === 0) {
      throw new TypeError(`${formatAval(this.#aval)} array: used after it was released`);
    }
    return this.#tensor;
  }
  /** The elements, copied. */
  readSync(): TypedArray {
    return this.tensor.read() as TypedArray;
  }
  /** The elements, copied. */
  read(): Promise<TypedArray> {
    return Promise.resolve(this.readSync());
  }
  /** Frees the tensor. */
  release(): void {
    if (this.#tensor.handle === 0) return;
    this.#tensor.release();
    this.memory.freed(bytesOf(this.#aval));
  }
}

/** Books of what lives on the heap. */
export class HeapMemory {
  /** The sessions of programs. */
  readonly sessions: SessionPool = new SessionPool();
  #results = 0;
  #resultBudget = 0;
  readonly #uploads: Uploads<OrtTensor> = new Uploads(0, (tensor) => tensor.release());

  /** Books for one runtime. */
  constructor(readonly runtime: OrtRuntime, budget: number) {
    this.budget = budget;
  }

  /**
   * How many bytes may live on the heap, half of them results and half copies of inputs. Beyond,
   * results are copied to the host at once, where the garbage collector takes care of them even in
   * a loop that never awaits: finalizers, which free results on the heap, do not run in such a loop.
   */
  get budget(): number {
    return this.#resultBudget + this.#uploads.budget;
  }
  set budget(bytes: number) {
    this.#resultBudget = this.#uploads.budget = bytes / 2;
  }

  /** Bytes in use by results and uploads. */
  get used(): number {
    return this.#results + this.#uploads.used;
  }

  /** Whether a result of so many bytes may stay on the heap. */
  hasRoom(bytes: number): boolean {
    return this.#results + bytes <= this.#resultBudget;
  }

  /** Takes charge of a result's tensor. */
  keep(tensor: OrtTensor, aval: ShapedArray): HeapBuffer {
    this.#results += bytesOf(aval);
    return new HeapBuffer(this, tensor, aval);
  }

  /** Books the release of a result. */
  freed(bytes: number): void {
    this.#results -= bytes;
  }

  /** Drops copies of inputs, except those in `held`; whether there were any. */
  dropUploads(held: readonly OrtTensor[]): boolean {
    const before = this.#uploads.used;
    this.#uploads.shrink(0, held);
    return this.#uploads.used < before;
  }

  /** The copy of an input on the heap; `held` are the tensors that the run has got already. */
  upload(x: ConcreteArray, values: TypedArray, held: readonly OrtTensor[]): OrtTensor {
    const { dtype, shape } = x.aval;
    return this.#uploads.get(x, values.byteLength, () => {
      try {
        return this.runtime.tensor(dtype, shape, values);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        // Out of memory: once more without the copies of other arrays.
        this.dropUploads(held);
        return this.runtime.tensor(dtype, shape, values);
      }
    }, held);
  }
}
