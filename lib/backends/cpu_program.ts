/**
 * Programs of the cpu backend: instances of a module, and arrays in and out of it. Small ones are copied
 * to and from the scratch memory of the run, large ones are on the heap and passed by address.
 *
 * A run may be entered again from a callback within it, even one of the same program: each has its own
 * scratch memory, and its own instance.
 *
 * @module
 */
import {
  allocate,
  BackendError,
  bytesOf,
  ConcreteArray,
  deferUntilReady,
  type Executable,
  formatAval,
  formatBytes,
  InternalError,
  type Jaxpr,
  messageOf,
  type ShapedArray,
  sizeOf,
  type TypedArray,
} from "../core/mod.ts";
import { type Block, shiftOf, viewOf } from "./cpu_heap.ts";
import { Constants, CpuBuffer, type CpuMemory, OutOfMemory } from "./cpu_memory.ts";
import { formatSized, largestArrays, workOnParts } from "./cpu_host.ts";

/** Where an input or output is during a run: in the scratch memory, or at an address that is passed. */
export type Place =
  | { readonly kind: "arena"; readonly offset: number }
  | { readonly kind: "pointer" };

/** Constants in a program's block. */
export interface PlacedValues {
  /** Bytes from the beginning of the block. */
  readonly offset: number;
  /** The elements. */
  readonly values: TypedArray;
}

/** A function of the host that a program calls. */
export interface Callback {
  /** The types of its arguments. */
  readonly avals: readonly ShapedArray[];
  /** The types of its results. */
  readonly outs: readonly ShapedArray[];
  /** Calls it. */
  call(values: readonly ConcreteArray[]): readonly ConcreteArray[];
}

/** What the compiler makes of a jaxpr. */
export interface CpuProgram {
  /**
   * The module. It imports `env.memory`, `env.constants` (an immutable i32: where the block of constants
   * is) and its callbacks as `env.callback0`, ..., with an address for each argument and result. It exports `run`,
   * which takes the address of the scratch memory, and those of inputs and outputs that are passed so.
   */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes of scratch memory, for one run. */
  readonly arenaBytes: number;
  /** What the block of constants has to be filled with. */
  readonly constants: readonly PlacedValues[];
  /** Bytes of that block. */
  readonly constantBytes: number;
  /** Where inputs have to be. */
  readonly inputs: readonly Place[];
  /** Where outputs will be. */
  readonly outputs: readonly Place[];
  /** What it calls. */
  readonly callbacks?: readonly Callback[];
}

/** The function that a module exports. */
type Run = (arena: number, ...addresses: number[]) => void;

/** An input or output. */
interface Port {
  readonly aval: ShapedArray;
  /** Bytes from the beginning of the scratch memory; -1 where it is passed by address. */
  readonly offset: number;
  readonly bytes: number;
  readonly size: number;
  /** Which view of the heap has it, and the shift of an address for that view. */
  readonly view: number;
  readonly shift: number;
}

const finalizer = new FinalizationRegistry<Constants>((constants) => constants.close());

/** A compiled program. */
export class CpuExecutable implements Executable {
  readonly #memory: CpuMemory;
  readonly #jaxpr: Jaxpr;
  readonly #name: string;
  readonly #program: CpuProgram;
  readonly #module: WebAssembly.Module;
  readonly #inputs: readonly Port[];
  readonly #outputs: readonly Port[];
  readonly #hasPointers: boolean;
  /** Apart from the program, so that a finalizer can free it. */
  readonly #constants: Constants;
  /** `run` of an instance for each run of this program that may be under way at once. */
  readonly #runs: Run[] = [];
  #released = false;

  /** The program of a module that has been compiled. */
  constructor(
    memory: CpuMemory,
    jaxpr: Jaxpr,
    name: string,
    program: CpuProgram,
    module: WebAssembly.Module,
  ) {
    this.#memory = memory;
    this.#jaxpr = jaxpr;
    this.#name = name;
    this.#program = program;
    this.#module = module;
    this.#inputs = program.inputs.map((place, i) => port(place, jaxpr.inputs[i]!.aval));
    this.#outputs = program.outputs.map((place, i) => port(place, jaxpr.outputs[i]!.aval));
    this.#hasPointers = [...this.#inputs, ...this.#outputs].some(({ offset }) => offset < 0);
    this.#constants = new Constants(memory);
    if (program.constantBytes > 0) finalizer.register(this, this.#constants, this);
  }

  run(args: readonly ConcreteArray[]): ConcreteArray[] {
    if (this.#released) throw new BackendError(`cpu: program ${this.#name} has been released`);
    const inputs = this.#inputs;
    if (args.length !== inputs.length) {
      throw new BackendError(
        `cpu: program ${this.#name} takes ${inputs.length} inputs, ${args.length} were given`,
      );
    }
    const memory = this.#memory;
    const constants = this.#constants;
    const pinned = memory.pinned.length;
    let entered = false;
    try {
      const arena = memory.enter(this.#program.arenaBytes);
      entered = true;
      const run = this.#instance();
      constants.running++;
      constants.lastUse = ++memory.clock;
      if (this.#hasPointers) return this.#runOnHeap(run, arena, args);
      // The rest is for programs on small arrays alone, where each step counts.
      for (let i = 0; i < inputs.length; i++) {
        const values = args[i]!.peek();
        if (values === null) return this.#defer(args);
        copyIn(memory, inputs[i]!, arena, values);
      }
      run(arena);
      const outputs = this.#outputs;
      const results: ConcreteArray[] = new Array(outputs.length);
      for (let i = 0; i < outputs.length; i++) {
        const port = outputs[i]!;
        results[i] = ConcreteArray.fromHost(port.aval, copyOut(memory, port, arena));
      }
      return results;
    } catch (cause) {
      throw this.#failure(cause);
    } finally {
      if (entered) {
        constants.running--;
        memory.leave(pinned);
      }
    }
  }

  /** A run with arrays that are passed by address. */
  #runOnHeap(run: Run, arena: number, args: readonly ConcreteArray[]): ConcreteArray[] {
    const memory = this.#memory;
    const inputs = this.#inputs;
    const addresses: number[] = [];
    for (let i = 0; i < inputs.length; i++) {
      const port = inputs[i]!;
      const x = args[i]!;
      if (port.offset >= 0) {
        const values = x.peek();
        if (values === null) return this.#defer(args);
        copyIn(memory, port, arena, values);
        continue;
      }
      let block: Block;
      const { device } = x;
      if (device instanceof CpuBuffer && device.memory === memory) block = device.block;
      else {
        const values = x.peek();
        if (values === null) return this.#defer(args);
        block = memory.upload(x, values);
      }
      memory.pinned.push(block);
      addresses.push(block.address);
    }
    const blocks: (Block | null)[] = [];
    try {
      for (const { offset, bytes } of this.#outputs) {
        const block = offset < 0 ? memory.allocate(bytes) : null;
        blocks.push(block);
        if (block !== null) addresses.push(block.address);
      }
      run(arena, ...addresses);
      return this.#outputs.map((port, i) => {
        const block = blocks[i]!;
        if (block === null) return ConcreteArray.fromHost(port.aval, copyOut(memory, port, arena));
        if (!memory.hasRoom(port.bytes)) {
          return ConcreteArray.fromHost(port.aval, memory.read(block, port.aval));
        }
        blocks[i] = null;
        return ConcreteArray.fromDevice(port.aval, memory.keep(block, port.aval));
      });
    } finally {
      for (const block of blocks) if (block !== null) memory.heap.release(block);
    }
  }

  /** Runs once all inputs have arrived. */
  #defer(args: readonly ConcreteArray[]): ConcreteArray[] {
    const avals = this.#jaxpr.outputs.map((out) => out.aval);
    return deferUntilReady(args, avals, (held) => this.run(held)) as ConcreteArray[];
  }

  /** An instance that no run is in, made where there is none. */
  #instance(): Run {
    const { running, block } = this.#constants;
    const { constantBytes } = this.#program;
    if (constantBytes > 0 && block === null) this.#runs.length = 0;
    return this.#runs[running] ?? this.#instantiate(constantBytes);
  }

  #instantiate(constantBytes: number): Run {
    const memory = this.#memory;
    let { block } = this.#constants;
    if (constantBytes > 0 && block === null) {
      block = memory.open(this.#constants, constantBytes);
      const bytes = memory.heap.views[viewOf.bool]!;
      for (const { offset, values } of this.#program.constants) {
        const { buffer, byteOffset, byteLength } = values;
        bytes.set(new Uint8Array(buffer, byteOffset, byteLength), block.address + offset);
      }
    }
    const env: Record<string, WebAssembly.ImportValue> = {
      memory: memory.heap.memory,
      constants: block?.address ?? 0,
    };
    for (const [k, callback] of (this.#program.callbacks ?? []).entries()) {
      env[`callback${k}`] = (...addresses: number[]) => {
        const given = callback.call(this.#arrays(callback, addresses));
        callback.outs.forEach((aval, i) => {
          const at = addresses[callback.avals.length + i]! >>> 0;
          copyIn(memory, port(inArena, aval), at, given[i]!.values);
        });
      };
    }
    const { run } = new WebAssembly.Instance(this.#module, { env }).exports;
    this.#runs[this.#constants.running] = run as Run;
    return run as Run;
  }

  /** The arguments of a callback, copied out. */
  #arrays({ avals }: Callback, addresses: readonly number[]): ConcreteArray[] {
    return avals.map((aval, i) =>
      ConcreteArray.fromHost(aval, copyOut(this.#memory, port(inArena, aval), addresses[i]! >>> 0))
    );
  }

  /** What is said of a run that failed. An exception of a callback's is the caller's own. */
  #failure(cause: unknown): unknown {
    if (cause instanceof OutOfMemory) {
      return new BackendError(
        `cpu: program ${this.#name} failed: out of memory. WebAssembly can address 4 GiB, of which ${
          formatBytes(this.#memory.heap.used)
        } are taken; the program's largest arrays are ${
          formatSized(largestArrays(this.#jaxpr))
        }. ${workOnParts}`,
        { cause },
      );
    }
    if (cause instanceof WebAssembly.RuntimeError || cause instanceof WebAssembly.LinkError) {
      return new BackendError(
        `cpu: program ${this.#name} failed: ${messageOf(cause)}. ` +
          "This is a fault of the library: please report it with the program that jit was given",
        { cause },
      );
    }
    return cause;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    finalizer.unregister(this);
    this.#constants.close();
    this.#runs.length = 0;
  }
}

const inArena: Place = { kind: "arena", offset: 0 };

function port(place: Place, aval: ShapedArray): Port {
  const view = viewOf[aval.dtype];
  return {
    aval,
    offset: place.kind === "arena" ? place.offset : -1,
    bytes: bytesOf(aval),
    size: sizeOf(aval.shape),
    view,
    shift: shiftOf[view]!,
  };
}

function copyIn(memory: CpuMemory, port: Port, arena: number, values: TypedArray): void {
  const { size } = port;
  if (values.length !== size) {
    throw new InternalError(`${values.length} elements for ${formatAval(port.aval)}`);
  }
  const view = memory.heap.views[port.view]!;
  const at = (arena + port.offset) >>> port.shift;
  if (size > FEW) view.set(values, at);
  else for (let k = 0; k < size; k++) view[at + k] = values[k]!;
}

function copyOut(memory: CpuMemory, port: Port, arena: number): TypedArray {
  const { size } = port;
  const view = memory.heap.views[port.view]!;
  const at = (arena + port.offset) >>> port.shift;
  if (size > FEW) return view.slice(at, at + size);
  const values = allocate(port.aval.dtype, size);
  for (let k = 0; k < size; k++) values[k] = view[at + k]!;
  return values;
}

/** An array of so few elements is copied faster one by one. */
const FEW = 32;
