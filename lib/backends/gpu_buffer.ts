/**
 * Arrays on the GPU: results that stay there, and copies of host arrays.
 *
 * Owns how long a buffer lives, which is until its array is gone and no run needs it any more, and
 * moving elements between host and device.
 *
 * @module
 */
import type * as Ort from "onnxruntime-web";
import {
  allocate,
  BackendError,
  bytesOf,
  type DeviceBuffer,
  formatAval,
  messageOf,
  type ShapedArray,
  sizeOf,
  type TypedArray,
} from "../core/mod.ts";
import type { Gpu } from "./gpu_device.ts";

/** Elements in a GPU buffer, perhaps not computed yet. */
export class GpuBuffer implements DeviceBuffer {
  /** The backend that it belongs to. */
  readonly backend = "webgpu";
  /** A GPU is read asynchronously. */
  readonly synchronous = false;
  readonly #gpu: Gpu;
  readonly #aval: ShapedArray;
  readonly #tensor: Promise<Ort.Tensor>;
  #users = 0;
  #released = false;
  #freed = false;

  /** Takes over the tensor. */
  constructor(gpu: Gpu, aval: ShapedArray, tensor: Promise<Ort.Tensor>) {
    this.#gpu = gpu;
    this.#aval = aval;
    this.#tensor = tensor;
  }

  /** The device that it is on. */
  get gpu(): Gpu {
    return this.#gpu;
  }

  /** Resolves to the buffer itself once its elements are computed. */
  async settled(): Promise<GpuBuffer> {
    await this.#tensor;
    return this;
  }

  /** The tensor; it lives until `done` is called as often as `use`. */
  use(): Promise<Ort.Tensor> {
    if (this.#released) {
      throw new TypeError(`${formatAval(this.#aval)} array: used after it was released`);
    }
    const { loss } = this.#gpu;
    if (loss !== null) throw new BackendError(`${formatAval(this.#aval)} array: ${loss.message}`);
    this.#users++;
    return this.#tensor;
  }

  /** Ends a use. */
  done(): void {
    this.#users--;
    this.#freeIfUnused();
  }

  /** The host must wait. */
  readSync(): null {
    return null;
  }

  /** The elements, copied. */
  async read(): Promise<TypedArray> {
    const tensor = await this.use();
    try {
      const values = allocate(this.#aval.dtype, sizeOf(this.#aval.shape));
      await download(this.#gpu, tensor, values);
      return values;
    } catch (cause) {
      const message = `webgpu: ${formatAval(this.#aval)} array cannot be read: ${messageOf(cause)}`;
      throw await this.#gpu.failure(new BackendError(message, { cause }));
    } finally {
      this.done();
    }
  }

  /** Frees the buffer as soon as no run needs it. */
  release(): void {
    this.#released = true;
    this.#freeIfUnused();
  }

  #freeIfUnused(): void {
    if (!this.#released || this.#users > 0 || this.#freed) return;
    this.#freed = true;
    // A failed computation has nothing to free.
    this.#tensor.then((tensor) => this.#gpu.enqueue(() => tensor.dispose())).catch(() => {});
  }
}

/** The size of a buffer for so many bytes: the runtime copies multiples of 16 bytes. */
function padded(bytes: number): number {
  return Math.ceil(bytes / 16) * 16;
}

/** Copies the elements of a tensor to the host. */
export async function download(gpu: Gpu, tensor: Ort.Tensor, into: TypedArray): Promise<void> {
  // The runtime makes no GPU buffers for arrays without elements.
  if (tensor.location !== "gpu-buffer") {
    into.set(tensor.data as TypedArray);
    return;
  }
  const { device } = gpu;
  const size = padded(into.byteLength);
  const staging = device.createBuffer({
    size,
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
  });
  try {
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(tensor.gpuBuffer as GPUBuffer, 0, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    await gpu.whileAlive(staging.mapAsync(GPUMapMode.READ));
    const bytes = new Uint8Array(staging.getMappedRange(), 0, into.byteLength);
    new Uint8Array(into.buffer, into.byteOffset, into.byteLength).set(bytes);
  } finally {
    staging.destroy();
  }
}

/** A tensor in a GPU buffer of its own. */
export function gpuTensor(gpu: Gpu, aval: ShapedArray): Ort.Tensor {
  const buffer = gpu.device.createBuffer({
    size: padded(bytesOf(aval)),
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
  });
  return gpu.ort.Tensor.fromGpuBuffer(buffer, {
    dataType: aval.dtype as "float32",
    dims: aval.shape,
    dispose: () => buffer.destroy(),
  });
}

/** A tensor on the GPU with the given elements. */
export function uploadToGpu(gpu: Gpu, aval: ShapedArray, values: TypedArray): Ort.Tensor {
  const tensor = gpuTensor(gpu, aval);
  let bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const size = padded(bytes.length);
  if (size !== bytes.length) {
    const whole = new Uint8Array(size);
    whole.set(bytes);
    bytes = whole;
  }
  gpu.device.queue.writeBuffer(
    tensor.gpuBuffer as GPUBuffer,
    0,
    bytes as Uint8Array<ArrayBuffer>,
  );
  return tensor;
}
