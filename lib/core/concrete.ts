/**
 * Concrete arrays: elements in a typed array, in a device buffer, or still being computed. An array
 * never changes once made; what it holds may move from a device to the host.
 *
 * @module
 */
import { NDArray } from "./array.ts";
import {
  allocate,
  type DType,
  formatAval,
  shaped,
  type ShapedArray,
  type TypedArray,
} from "./dtype.ts";
import { formatElements, formatTable, type MediaBundle, showAsText } from "./display.ts";
import { InFlightError } from "./errors.ts";
import { checkCall } from "./signature.ts";

/** Memory on a backend that holds an array's elements. */
export interface DeviceBuffer {
  /** Name of the backend that it belongs to. */
  readonly backend: string;
  /** Whether `readSync` gives the elements. */
  readonly synchronous: boolean;
  /** The elements as a fresh typed array, or null where they can only be read asynchronously. */
  readSync(): TypedArray | null;
  /** The elements as a fresh typed array. */
  read(): Promise<TypedArray>;
  /** Frees the memory. May be called more than once. */
  release(): void;
}

/** Where the elements of an array in flight turn up. */
export type Arrival = TypedArray | DeviceBuffer;

const finalizer = new FinalizationRegistry<DeviceBuffer>((buffer) => buffer.release());

/** What becomes of elements that are not simply there: on a device, in flight, failed or disposed. */
class Source {
  host: TypedArray | null = null;
  device: DeviceBuffer | null = null;
  pending: Promise<void> | null = null;
  failure: { readonly error: unknown } | null = null;
  disposed = false;

  constructor(readonly aval: ShapedArray) {
    // Reactive frameworks make proxies of what is extensible; buffers have `#` fields.
    Object.preventExtensions(this);
  }

  check(): void {
    if (this.failure !== null) throw this.failure.error;
    if (this.disposed) {
      throw new TypeError(`${formatAval(this.aval)} array: used after dispose()`);
    }
  }

  peek(): TypedArray | null {
    if (this.host !== null) return this.host;
    this.check();
    return this.host = this.device === null ? null : this.device.readSync();
  }

  get values(): TypedArray {
    const values = this.peek();
    if (values === null) {
      throw new InFlightError(
        `the values of this ${
          formatAval(this.aval)
        } array are still in flight and cannot be read synchronously: ` +
          "use `await x.data()`, or `await ready(tree)` first",
      );
    }
    return values;
  }
}

/**
 * An array whose elements exist, or are being computed.
 *
 * Its own enumerable properties are its type and its elements, and nothing is in `#` fields. So tools
 * that know no arrays compare what they hold (`deepStrictEqual`, `assertEquals`, `isEqual`); otherwise
 * they would take all arrays of one shape for equal. And proxies of arrays, as reactive frameworks
 * make them, are arrays.
 */
export class ConcreteArray extends NDArray {
  /**
   * The elements, not a copy: for implementations, which never write to them. A plain property where
   * they lie in host memory, else an accessor, which throws while they are in flight.
   */
  declare readonly values: TypedArray;

  /** Where elements are that are not simply there; null on the prototype. */
  declare private readonly source: Source | null;

  /** Use `fromHost`, `fromDevice` or `inFlight`. */
  private constructor(readonly aval: ShapedArray, values: TypedArray | null) {
    super();
    if (values !== null) this.values = values;
  }

  static {
    Object.defineProperty(this.prototype, "source", { value: null });
  }

  /** An array over `values`, which the caller gives up. */
  static fromHost(aval: ShapedArray, values: TypedArray): ConcreteArray {
    return new ConcreteArray(aval, values);
  }

  /** An array over device memory; freed by `dispose` or the garbage collector. */
  static fromDevice(aval: ShapedArray, buffer: DeviceBuffer): ConcreteArray {
    const array = new ConcreteArray(aval, null);
    adopt(array, divert(array), buffer);
    return array;
  }

  /** An array whose elements arrive later. */
  static inFlight(aval: ShapedArray, arrival: Promise<Arrival>): ConcreteArray {
    const array = new ConcreteArray(aval, null);
    const source = divert(array);
    source.pending = arrival.then((value) => {
      if (source.disposed) {
        if ("release" in value) value.release();
      } else if ("release" in value) adopt(array, source, value);
      else source.host = value;
    }, (error) => {
      source.failure = { error };
    }).then(() => {
      source.pending = null;
    });
    return array;
  }

  /** Whether the elements can be had now. */
  get ready(): boolean {
    return this.source === null || this.source.pending === null;
  }

  /** Resolves once the elements exist; rejects where computing them failed. */
  async settled(): Promise<void> {
    const { source } = this;
    if (source === null) return;
    if (source.pending !== null) await source.pending;
    source.check();
  }

  /** The device memory that holds the elements, if any. */
  get device(): DeviceBuffer | null {
    return this.source === null ? null : this.source.device;
  }

  /** The elements if they can be had now, else null. Not a copy. */
  peek(): TypedArray | null {
    return this.source === null ? this.values : this.source.peek();
  }

  /** The elements where they can be shown; null in flight, after `dispose` and after a failure. */
  get shown(): TypedArray | null {
    const { source } = this;
    if (source !== null && (source.failure !== null || source.disposed)) return null;
    return isReadable(this) ? this.peek() : null;
  }

  /** The elements as a fresh typed array, now. An error where they are in flight. */
  override dataSync(): TypedArray {
    if (arguments.length > 0) checkCall("x.dataSync()", arguments);
    return this.values.slice();
  }

  /** The elements, row-major, as a fresh typed array. */
  override async data(): Promise<TypedArray> {
    if (arguments.length > 0) checkCall("x.data()", arguments);
    await this.load();
    return this.values.slice();
  }

  /** Brings the elements to host memory. */
  async load(): Promise<void> {
    await this.settled();
    const { source } = this;
    if (source === null || source.host !== null || source.device === null) return;
    source.host = await source.device.read();
  }

  /** What holds the elements, for another array; this one cannot be used afterwards. */
  surrender(): Arrival {
    const device = this.device;
    if (device === null) return this.values;
    const source = this.source!;
    finalizer.unregister(source);
    source.device = null;
    source.disposed = true;
    return device;
  }

  /** Frees device memory held by this array; it cannot be used afterwards. */
  override dispose(): void {
    const source = this.source ?? divert(this);
    if (source.disposed) return;
    source.disposed = true;
    source.host = null;
    if (source.device !== null) {
      finalizer.unregister(source);
      source.device.release();
      source.device = null;
    }
  }

  /** `Array(float32[2], [1,2])`: type and values, of large arrays those at the corners. */
  override toString(): string {
    const type = formatAval(this.aval);
    if (this.source?.disposed) return `Array(${type}, disposed)`;
    if (this.source !== null && this.source.failure !== null) return `Array(${type}, failed)`;
    const values = this.shown;
    if (values === null) return `Array(${type}, in flight)`;
    const elements = formatElements(values, this.aval);
    if (elements === null) return `Array(${type})`;
    return `Array(${type},${elements.includes("\n") ? "\n  " : " "}${elements})`;
  }
}

/** Gives an array a source, from which its elements are read from now on. */
function divert(array: ConcreteArray): Source {
  const source = new Source(array.aval);
  // Of a frozen array this changes nothing, and it keeps its elements.
  // Proxies may show what is configurable as they like.
  const configurable = true;
  Reflect.defineProperty(array, "source", { value: source, configurable, writable: true });
  Reflect.defineProperty(array, "values", {
    get: () => source.values,
    enumerable: true,
    configurable,
  });
  return source;
}

/** Gives device memory to an array, with which it is freed. */
function adopt(array: ConcreteArray, source: Source, buffer: DeviceBuffer): void {
  source.device = buffer;
  finalizer.register(array, buffer, source);
}

showAsText(ConcreteArray, (x): MediaBundle => {
  const values = x.shown;
  const table = values === null ? null : formatTable(values, x.aval, formatAval(x.aval));
  return table === null ? {} : { "text/html": table };
});

/** A concrete scalar. */
export function scalarArray(value: number, dtype: DType): ConcreteArray {
  const values = allocate(dtype, 1);
  values[0] = dtype === "bool" && value !== 0 ? 1 : value;
  return ConcreteArray.fromHost(scalarAvals[dtype], values);
}

const scalarAvals: Readonly<Record<DType, ShapedArray>> = {
  float32: shaped([], "float32"),
  float64: shaped([], "float64"),
  int32: shaped([], "int32"),
  uint32: shaped([], "uint32"),
  bool: shaped([], "bool"),
};

/** Whether the elements can be read now, without waiting for a computation or a device. */
export function isReadable(x: ConcreteArray): boolean {
  return x.ready && (x.device === null || x.device.synchronous || x.peek() !== null);
}

/** What can be read of an array now, for a use later on: the array itself may be disposed till then. */
export function retained(x: ConcreteArray): ConcreteArray {
  return isReadable(x) ? ConcreteArray.fromHost(x.aval, x.values) : x;
}

/**
 * Runs `compute` now if all inputs can be read, else once they have arrived and `before` has
 * resolved; the outputs are then in flight.
 */
export function deferUntilReady(
  inputs: readonly NDArray[],
  outAvals: readonly ShapedArray[],
  compute: (inputs: readonly ConcreteArray[]) => NDArray[],
  before: Promise<unknown> | null = null,
): NDArray[] {
  const arrays = inputs as readonly ConcreteArray[];
  if (before === null && arrays.every(isReadable)) return compute(arrays);
  const held = arrays.map(retained);
  const done = Promise.all([before, ...held.map((x) => x.load())])
    .then(() => compute(held) as ConcreteArray[]);
  return outAvals.map((aval, i) =>
    ConcreteArray.inFlight(
      aval,
      done.then(async (outs) => {
        await outs[i]!.load();
        return outs[i]!.values;
      }),
    )
  );
}
