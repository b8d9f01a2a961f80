/**
 * Loops on the GPU, driven by the host: the body runs as a session once a step, and what it carries
 * stays on the GPU.
 *
 * A `while` asks only now and then whether to go on, since an answer takes longer to read than a
 * step takes to run. Steps beyond the last are masked, so the result is as if it had asked each time.
 *
 * @module
 */
import type * as Ort from "onnxruntime-web";
import {
  bytesOf,
  isLoopless,
  type Jaxpr,
  type Loop,
  shaped,
  type ShapedArray,
  type TypedArray,
} from "../core/mod.ts";
import { download, gpuTensor, uploadToGpu } from "./gpu_buffer.ts";
import type { Gpu } from "./gpu_device.ts";
import { dispose, GraphProgram, type Program } from "./gpu_graph.ts";

/** Compiles a part of a loop, which may have loops in it; `what` goes into messages. */
export type Compile = (jaxpr: Jaxpr, what: string) => Program;

type While = Extract<Loop, { kind: "while" }>;
type Scan = Extract<Loop, { kind: "scan" }>;

/** The most steps between two looks at the condition. */
const MAX_STEPS = 32;

/** Inputs of a loop on the GPU, so that they are not copied in each step. */
class Residents {
  readonly tensors: readonly Ort.Tensor[];
  readonly #gpu: Gpu;
  readonly #copies: Ort.Tensor[] = [];

  constructor(gpu: Gpu, inputs: readonly Ort.Tensor[]) {
    this.#gpu = gpu;
    this.tensors = inputs.map((tensor) => {
      if (tensor.location !== "cpu" || tensor.size === 0) return tensor;
      const aval = { shape: tensor.dims, dtype: tensor.type } as ShapedArray;
      const copy = uploadToGpu(gpu, aval, tensor.data as TypedArray);
      this.#copies.push(copy);
      return copy;
    });
  }
  release(): void {
    dispose(this.#gpu, this.#copies);
  }
}

/** The carry of a loop: tensors that belong to the loop once it has made a step. */
class Carry {
  readonly #gpu: Gpu;
  tensors: readonly Ort.Tensor[];
  #own = false;

  constructor(gpu: Gpu, init: readonly Ort.Tensor[]) {
    this.#gpu = gpu;
    this.tensors = init;
  }
  replace(next: readonly Ort.Tensor[]): void {
    this.release();
    this.tensors = next;
    this.#own = true;
  }
  release(): void {
    if (this.#own) dispose(this.#gpu, this.tensors);
    this.#own = false;
  }
}

async function readFlag(gpu: Gpu, tensor: Ort.Tensor): Promise<boolean> {
  const value = new Uint8Array(1);
  await download(gpu, tensor, value);
  return value[0] !== 0;
}

/** A loop that stops on a condition. */
export class WhileProgram implements Program {
  readonly #gpu: Gpu;
  readonly #params: While;
  /** A masked step, or one with loops in it, which is not safe to make once too often. */
  readonly #step: Program;
  /** The condition, where steps are not masked. */
  readonly #test: Program | null;
  /** Copies the carry, for a loop of no steps. */
  readonly #copy: Program | null;

  /** Compiles condition and body. */
  constructor(gpu: Gpu, params: While, name: string, compile: Compile) {
    this.#gpu = gpu;
    this.#params = params;
    const { cond, body, condConsts, bodyConsts } = params;
    const carry = body.outputs.map((a) => a.aval);
    const consts = [
      ...cond.inputs.slice(0, condConsts),
      ...body.inputs.slice(0, bodyConsts),
    ].map((v) => v.aval);
    if (isLoopless(body) && isLoopless(cond)) {
      this.#test = this.#copy = null;
      const flag = shaped([], "bool");
      this.#step = new GraphProgram(
        gpu,
        `${name} (loop)`,
        [...consts, ...carry],
        [...carry, flag],
        (g, inputs) => {
          const [forCond, forBody, now] = this.#parts(inputs);
          const [goOn] = g.inline(cond, [...forCond, ...now]);
          const next = g.inline(body, [...forBody, ...now]);
          return [...next.map((v, i) => g.where(goOn!, v, now[i]!, carry[i]!.dtype)), goOn!];
        },
      );
    } else {
      this.#step = compile(body, "loop");
      this.#test = compile(cond, "condition");
      this.#copy = new GraphProgram(gpu, `${name} (copy)`, carry, carry, (_, inputs) => inputs);
    }
  }

  #parts<T>(inputs: readonly T[]): [T[], T[], T[]] {
    const { condConsts, bodyConsts } = this.#params;
    return [
      inputs.slice(0, condConsts),
      inputs.slice(condConsts, condConsts + bodyConsts),
      inputs.slice(condConsts + bodyConsts),
    ];
  }

  /** Runs the loop. */
  async run(inputs: readonly Ort.Tensor[]): Promise<Ort.Tensor[]> {
    const gpu = this.#gpu;
    const residents = new Residents(gpu, inputs);
    const [forCond, forBody, init] = this.#parts(residents.tensors);
    const carry = new Carry(gpu, init);
    try {
      if (this.#test === null) await this.#masked([...forCond, ...forBody], carry);
      else await this.#stepwise(this.#test, forCond, forBody, carry);
      if (carry.tensors === init) carry.replace(await this.#copy!.run(init));
      return [...carry.tensors];
    } catch (error) {
      carry.release();
      throw error;
    } finally {
      residents.release();
    }
  }

  async #masked(consts: readonly Ort.Tensor[], carry: Carry): Promise<void> {
    for (let steps = 1;; steps = Math.min(2 * steps, MAX_STEPS)) {
      let flag: Ort.Tensor | undefined;
      for (let i = 0; i < steps; i++) {
        if (flag !== undefined) dispose(this.#gpu, [flag]);
        const results = await this.#step.run([...consts, ...carry.tensors]);
        flag = results.pop()!;
        carry.replace(results);
      }
      const goOn = await readFlag(this.#gpu, flag!);
      dispose(this.#gpu, [flag!]);
      if (!goOn) return;
    }
  }

  async #stepwise(
    test: Program,
    forCond: readonly Ort.Tensor[],
    forBody: readonly Ort.Tensor[],
    carry: Carry,
  ): Promise<void> {
    for (;;) {
      const flag = await test.run([...forCond, ...carry.tensors]);
      const goOn = await readFlag(this.#gpu, flag[0]!);
      dispose(this.#gpu, flag);
      if (!goOn) return;
      carry.replace(await this.#step.run([...forBody, ...carry.tensors]));
    }
  }

  /** Frees the sessions. */
  release(): void {
    this.#step.release();
    this.#test?.release();
    this.#copy?.release();
  }
}

/** A loop of a known number of steps. */
export class ScanProgram implements Program {
  readonly #gpu: Gpu;
  readonly #params: Scan;
  readonly #body: Program;
  readonly #slices: readonly ShapedArray[];
  readonly #stacks: readonly ShapedArray[];

  /** Compiles the body; `inAvals` are the types of the scan's inputs. */
  constructor(gpu: Gpu, params: Scan, inAvals: readonly ShapedArray[], compile: Compile) {
    const { jaxpr, numConsts, numCarry, length } = params;
    this.#gpu = gpu;
    this.#params = params;
    this.#body = compile(jaxpr, "loop");
    this.#slices = inAvals.slice(numConsts + numCarry)
      .map(({ shape, dtype }) => shaped(shape.slice(1), dtype));
    this.#stacks = jaxpr.outputs.slice(numCarry)
      .map(({ aval }) => shaped([length, ...aval.shape], aval.dtype));
  }

  /** Runs the loop. */
  async run(inputs: readonly Ort.Tensor[]): Promise<Ort.Tensor[]> {
    const gpu = this.#gpu;
    const { numConsts, numCarry, length, reverse } = this.#params;
    const residents = new Residents(gpu, inputs);
    const consts = residents.tensors.slice(0, numConsts);
    const xs = residents.tensors.slice(numConsts + numCarry);
    const carry = new Carry(gpu, residents.tensors.slice(numConsts, numConsts + numCarry));
    const into = this.#slices.map((aval) => gpuTensor(gpu, aval));
    const stacks = this.#stacks.map((aval) => gpuTensor(gpu, aval));
    try {
      for (let i = 0; i < length; i++) {
        const at = reverse ? length - 1 - i : i;
        // Commands run in the order of their submission, so that these buffers can be used again.
        this.#copy(xs, at, into, 0, this.#slices);
        const results = await this.#body.run([...consts, ...carry.tensors, ...into]);
        const ys = results.splice(numCarry);
        carry.replace(results);
        this.#copy(ys, 0, stacks, at, this.#stacks.map((a) => shaped(a.shape.slice(1), a.dtype)));
        dispose(gpu, ys);
      }
      return [...carry.tensors, ...stacks];
    } catch (error) {
      carry.release();
      dispose(gpu, stacks);
      throw error;
    } finally {
      dispose(gpu, into);
      residents.release();
    }
  }

  /** Copies slice `from` of each source to slice `to` of each target. */
  #copy(
    sources: readonly Ort.Tensor[],
    from: number,
    targets: readonly Ort.Tensor[],
    to: number,
    slices: readonly ShapedArray[],
  ): void {
    if (sources.length === 0) return;
    const { device } = this.#gpu;
    const encoder = device.createCommandEncoder();
    sources.forEach((source, i) => {
      const bytes = bytesOf(slices[i]!);
      encoder.copyBufferToBuffer(
        source.gpuBuffer as GPUBuffer,
        from * bytes,
        targets[i]!.gpuBuffer as GPUBuffer,
        to * bytes,
        bytes,
      );
    });
    device.queue.submit([encoder.finish()]);
  }

  /** Frees the sessions. */
  release(): void {
    this.#body.release();
  }
}
