/**
 * Which operations share a loop. Rules of primitives ask this builder for arrays; it puts elementwise
 * work and reductions over the same elements into one nest of loops, and everything else between them,
 * in an order in which it can be run. Memory is decided on afterwards, by `emitter.ts`.
 *
 * @module
 */
import {
  type Atom,
  type ConcreteArray,
  type DType,
  type Jaxpr,
  type KernelScan,
  type KernelWhile,
  Literal,
  type ProgramKernelBuilder,
  sameShape,
  shaped,
  type ShapedArray,
  sizeOf,
  stridesOf,
} from "../core/mod.ts";
import type { KernelValue, KernelWindow, Part, Reducer } from "../core/kernel.ts";
import type { Routine } from "../routine/routine.ts";
import { type Expr, Exprs, scalarType, type Ty } from "../scalar/expr.ts";
import { askStep, callStep, chooseStep, effectStep, scanStep, whileStep } from "./control.ts";
import { Uncompilable } from "./errors.ts";
import { assembleStep, sliceStep, updateStep } from "./parts.ts";
import { dotStep } from "./products.ts";
import { Alike, distinct, identityOf } from "./space.ts";
import type { ActStep, Constants, LoopStep, Schedule, Step, StepBuilder } from "./steps.ts";
import {
  broadcastVal,
  Buffer,
  constant,
  isFlat,
  isSplat,
  reshapeView,
  type Val,
  type View,
  whole,
  windowsOf,
} from "./values.ts";

/** How many steps back an operation looks for a loop to join. */
const REACH = 24;
/** A loop of more nodes takes no more. */
const LARGE = 200;
/** And of more arrays: engines take functions of a thousand parameters. */
const WIDE = 400;

/** What is already an expression, or the node that it is going to be. */
type Operand = Expr | { readonly op: "const" | "input"; readonly imm: number; readonly ty: Ty };

/** A value as it is. */
const reading = (_: Exprs, args: Expr[]): readonly Expr[] => args;

function isFull({ exprs, grown, loads, stores, reductions }: LoopStep): boolean {
  const nodes = grown === null ? exprs.nodes.length : grown.length;
  return nodes > LARGE || loads.length + stores.length + reductions.length > WIDE;
}

/** Puts the equations of a program in order. */
export class Scheduler implements StepBuilder, ProgramKernelBuilder {
  readonly steps: Step[] = [];

  /** A builder that keeps constants where `constants` says, and begins loops as `alike` says. */
  constructor(readonly constants: Constants, readonly alike: Alike = new Alike()) {}

  /** The whole of a program. */
  schedule(jaxpr: Jaxpr, inputs: readonly Val[]): Schedule {
    const outs = this.#run(jaxpr, inputs);
    for (const v of outs) this.use(v, Infinity);
    return { steps: this.steps, outs };
  }

  #run(jaxpr: Jaxpr, inputs: readonly Val[]): Val[] {
    const env: Val[] = new Array(jaxpr.numVars);
    jaxpr.inputs.forEach((v, i) => env[v.id] = inputs[i]!);
    const literals = new Map<Literal, Val>();
    const read = (a: Atom): Val => {
      if (!(a instanceof Literal)) return env[a.id]!;
      let v = literals.get(a);
      if (v === undefined) literals.set(a, v = this.#literal(a));
      return v;
    };
    for (const { primitive, inputs, params, outputs } of jaxpr.eqns) {
      const { kernel } = primitive;
      // A record in JavaScript may lack the key.
      if (!kernel) throw new Uncompilable(primitive.name, "it has no kernel rule");
      const outs = kernel(
        this,
        inputs.map(read),
        params,
        inputs.map((a) => a.aval),
        outputs.map((v) => v.aval),
      ) as Val[];
      outputs.forEach((v, i) => env[v.id] = outs[i]!);
    }
    return jaxpr.outputs.map(read);
  }

  #literal(a: Literal): Val {
    const { shape, dtype } = a.aval;
    const { values } = a.value;
    const first = values[0] ?? 0;
    if (values.every((x) => Object.is(x, first))) {
      return { kind: "constant", value: first, shape, dtype };
    }
    return whole(this.constants(a), shape);
  }

  /** Notes that step `step` reads a value from memory. */
  use(v: Val, step: number): void {
    if (v.kind === "constant") return;
    for (let b: Buffer | null = v.buffer; b !== null; b = b.root) {
      b.stored = true;
      b.lastUse = Math.max(b.lastUse, step);
    }
  }

  /** Adds a step with results of these types that reads `inputs`. */
  act(
    inputs: readonly Val[],
    outs: readonly ShapedArray[],
    act: ActStep["act"],
    root: Buffer | null = null,
  ): Val[] {
    const index = this.steps.length;
    for (const v of inputs) this.use(v, index);
    const buffers = outs.map((o) => {
      const b = new Buffer(o.dtype, sizeOf(o.shape), index, root);
      b.stored = true;
      return b;
    });
    this.steps.push({ kind: "act", index, outs: buffers, act });
    return buffers.map((b, i) => whole(b, outs[i]!.shape));
  }

  // ---------------------------------------------------------------- loops

  /** The loop that work on these views over a shape can join, or a new one. */
  #loopFor(shape: readonly number[], views: readonly View[], flat: boolean): LoopStep {
    const { steps } = this;
    const size = sizeOf(shape);
    const dims = shape.filter((n) => n !== 1);
    const nested = views.some((v) => !isFlat(v) && !isSplat(v));
    let after = 0;
    for (const v of views) after = Math.max(after, v.buffer.step);
    const stop = Math.max(after, steps.length - REACH);
    for (let i = steps.length - 1; i >= stop; i--) {
      const s = steps[i]!;
      if (s.kind !== "loop" || s.size !== size || isFull(s)) continue;
      // What this loop computes has to be read element by element, and results of its reductions not.
      if (
        views.some((v) =>
          v.buffer.step === i && (v.buffer.expr === null || !isFlat(v) || v.buffer.size !== size)
        )
      ) continue;
      if (nested && (s.flat || (s.dims !== null && !sameShape(s.dims, dims)))) continue;
      if (flat && s.dims !== null) continue;
      if (nested) s.dims = dims;
      s.flat ||= flat;
      return s;
    }
    const grown = this.alike.begin();
    const step: LoopStep = {
      kind: "loop",
      index: steps.length,
      size,
      dims: nested ? dims : null,
      flat,
      reduced: null,
      exprs: grown?.exprs ?? new Exprs(),
      grown,
      loads: [],
      stores: [],
      reductions: [],
    };
    steps.push(step);
    return step;
  }

  /** What stands for a value in a loop: an expression of it, or a node to be made. */
  #operand(s: LoopStep, v: Val): Operand {
    const ty = scalarType[v.dtype];
    if (v.kind === "constant") return { op: "const", imm: v.value, ty };
    const { buffer } = v;
    if (buffer.step === s.index && buffer.expr !== null) return buffer.expr;
    this.use(v, s.index);
    const flat = isFlat(v) && buffer.size === s.size;
    let at = s.loads.findIndex((l) =>
      l.view.buffer === buffer && l.flat === flat &&
      (flat || (l.view.offset === v.offset && sameShape(l.view.strides, v.strides) &&
        sameShape(l.view.shape, v.shape)))
    );
    if (at < 0) at = s.loads.push({ view: v, flat }) - 1;
    return { op: "input", imm: at, ty };
  }

  /** Adds to a loop what `f` computes of values; where there is an `of`, as it may have been added before. */
  #grow(
    s: LoopStep,
    values: readonly Val[],
    of: object | null,
    f: (e: Exprs, args: Expr[]) => readonly Expr[],
  ): readonly Expr[] {
    const operands = values.map((v) => this.#operand(s, v));
    const add = (e: Exprs): readonly Expr[] =>
      f(
        e,
        operands.map((x) =>
          "id" in x ? x : x.op === "const" ? e.constant(x.imm, x.ty) : e.input(x.imm, x.ty)
        ),
      );
    if (s.grown !== null && of === null) {
      s.exprs = s.grown.apart();
      s.grown = null;
    }
    if (s.grown === null) return add(s.exprs);
    let key = "";
    for (const x of operands) {
      key += "id" in x ? `#${x.id}` : `${x.op}${x.imm === 0 ? distinct(x.imm) : x.imm}${x.ty}`;
    }
    const { grown, made } = s.grown.with(of!, key, add);
    s.grown = grown;
    s.exprs = grown.exprs;
    return made;
  }

  /** The expression of a value in a loop. */
  #read(s: LoopStep, v: Val): Expr {
    return this.#grow(s, [v], reading, reading)[0]!;
  }

  mapMany(
    inputs: readonly KernelValue[],
    shape: readonly number[],
    dtypes: readonly DType[],
    f: (e: Exprs, args: Expr[]) => readonly Expr[],
    of: object | null = null,
  ): Val[] {
    if (sizeOf(shape) === 0) return dtypes.map((dtype) => constant(0, shaped(shape, dtype)));
    const full = inputs.map((v) => broadcastVal(v as Val, shape));
    const views = full.filter((v) => v.kind === "view");
    const s = this.#loopFor(shape, views, false);
    const results = this.#grow(s, full, of, f);
    return results.map((expr, i): Val => {
      const dtype = dtypes[i]!;
      if (expr.op === "const") return constant(expr.imm, shaped(shape, dtype));
      const b = new Buffer(dtype, sizeOf(shape), s.index);
      b.expr = expr;
      s.stores.push(b);
      return whole(b, shape);
    });
  }

  map(
    inputs: readonly KernelValue[],
    out: ShapedArray,
    f: (e: Exprs, args: Expr[]) => Expr,
    of: object | null = null,
  ): Val {
    return this.mapMany(inputs, out.shape, [out.dtype], (e, args) => [f(e, args)], of)[0]!;
  }

  /** The elements in memory of their own, one after another. */
  dense(v: Val): View {
    if (v.kind === "view" && isFlat(v)) return v;
    const s = this.#loopFor(v.shape, v.kind === "view" ? [v] : [], false);
    const b = new Buffer(v.dtype, sizeOf(v.shape), s.index);
    b.expr = this.#read(s, v);
    s.stores.push(b);
    return whole(b, v.shape);
  }

  constant(value: number, aval: ShapedArray): Val {
    return constant(value, aval);
  }

  reduce(x: KernelValue, axes: readonly number[], op: Reducer): Val {
    const v = x as Val;
    const shape = v.shape.filter((_, i) => !axes.includes(i));
    const out = shaped(shape, v.dtype);
    if (sizeOf(shape) === 0) return constant(0, out);
    if (sizeOf(v.shape) === 0) return constant(identityOf(op, v.dtype), out);
    if (axes.every((a) => v.shape[a] === 1)) return this.reshape(v, shape);
    // A reduction of one number still takes its loop: its result is rounded step by step.
    const view = v.kind === "view" ? v : this.dense(v);
    const all = sizeOf(shape) === 1;
    const kept = view.shape.flatMap((n, i) => n === 1 ? [] : [axes.includes(i)]);
    const s = this.#reductionLoop(view, all ? "all" : kept);
    const b = new Buffer(v.dtype, sizeOf(shape), s.index);
    b.stored = true;
    s.reductions.push({ buffer: b, expr: this.#read(s, view), op });
    return whole(b, shape);
  }

  #reductionLoop(view: View, reduced: readonly boolean[] | "all"): LoopStep {
    const { steps } = this;
    const dims = view.shape.filter((n) => n !== 1);
    const mark = steps.length;
    const s = this.#loopFor(view.shape, [view], false);
    const same = s.reduced === null ||
      (s.reduced === "all" || reduced === "all"
        ? s.reduced === reduced
        : sameShape(s.reduced.map(Number), reduced.map(Number)));
    const fits = reduced === "all" || (!s.flat && (s.dims === null || sameShape(s.dims, dims)));
    if (same && fits) {
      s.reduced = reduced;
      if (reduced !== "all") s.dims = dims;
      return s;
    }
    // The loop that was found goes another way: one of its own.
    if (steps.length > mark) steps.pop();
    const grown = this.alike.begin();
    const own: LoopStep = {
      kind: "loop",
      index: steps.length,
      size: sizeOf(view.shape),
      dims,
      flat: false,
      reduced,
      exprs: grown?.exprs ?? new Exprs(),
      grown,
      loads: [],
      stores: [],
      reductions: [],
    };
    steps.push(own);
    return own;
  }

  // ---------------------------------------------------------------- views

  transpose(x: KernelValue, perm: readonly number[]): Val {
    const v = x as Val;
    const shape = perm.map((a) => v.shape[a]!);
    return v.kind === "constant"
      ? { ...v, shape }
      : { ...v, shape, strides: perm.map((a) => v.strides[a]!) };
  }

  reshape(x: KernelValue, shape: readonly number[]): Val {
    const v = x as Val;
    if (v.kind === "constant" || sizeOf(shape) === 0) {
      return constant(v.kind === "constant" ? v.value : 0, shaped(shape, v.dtype));
    }
    return reshapeView(v, shape) ?? { ...this.dense(v), shape, strides: stridesOf(shape) };
  }

  broadcast(x: KernelValue, shape: readonly number[]): Val {
    return broadcastVal(x as Val, shape);
  }

  slice(
    x: KernelValue,
    starts: readonly number[],
    steps: readonly number[],
    shape: readonly number[],
  ): Val {
    const v = x as Val;
    if (v.kind === "constant" || sizeOf(shape) === 0) {
      return constant(v.kind === "constant" ? v.value : 0, shaped(shape, v.dtype));
    }
    return {
      ...v,
      shape,
      offset: starts.reduce((sum, s, i) => sum + s * v.strides[i]!, v.offset),
      strides: v.strides.map((s, i) => s * steps[i]!),
    };
  }

  windows(x: KernelValue, window: KernelWindow): Val {
    return windowsOf(x as Val, window);
  }

  diagonal(x: KernelValue, first: number, second: number): Val {
    const v = x as Val;
    const n = Math.min(v.shape[first]!, v.shape[second]!);
    const shape = v.shape.with(first, n).toSpliced(second, 1);
    if (v.kind === "constant") return { ...v, shape };
    const step = v.strides[first]! + v.strides[second]!;
    return { ...v, shape, strides: v.strides.with(first, step).toSpliced(second, 1) };
  }

  // ---------------------------------------------------------------- what is no loop over elements

  dynamicSlice(
    x: KernelValue,
    starts: readonly KernelValue[],
    shape: readonly number[],
  ): Val {
    return sliceStep(this, x as Val, starts as Val[], shape);
  }

  dynamicUpdate(
    x: KernelValue,
    block: KernelValue,
    starts: readonly KernelValue[],
  ): Val {
    return updateStep(this, x as Val, block as Val, starts as Val[]);
  }

  assemble(out: ShapedArray, parts: readonly Part[], fill?: KernelValue): Val {
    return assembleStep(this, out, parts, (fill as Val | undefined) ?? null);
  }

  dot(
    x: KernelValue,
    y: KernelValue,
    axes: {
      readonly contract: readonly [readonly number[], readonly number[]];
      readonly batch: readonly [readonly number[], readonly number[]];
    },
  ): Val {
    return dotStep(this, x as Val, y as Val, axes);
  }

  call(
    routine: Routine,
    dtype: DType,
    inputs: readonly KernelValue[],
    outs: readonly ShapedArray[],
    scalars: readonly number[],
  ): Val[] {
    return callStep(this, routine, dtype, inputs as Val[], outs, scalars);
  }

  effect(
    inputs: readonly KernelValue[],
    run: (values: readonly ConcreteArray[]) => void,
    when?: KernelValue,
  ): void {
    effectStep(this, inputs as Val[], run, (when as Val | undefined) ?? null);
  }

  ask(
    inputs: readonly KernelValue[],
    outs: readonly ShapedArray[],
    run: (values: readonly ConcreteArray[]) => readonly ConcreteArray[],
  ): Val[] {
    return askStep(this, inputs as Val[], outs, run);
  }

  inline(jaxpr: Jaxpr, inputs: readonly KernelValue[]): Val[] {
    return this.#run(jaxpr, inputs as Val[]);
  }

  scan(loop: KernelScan): Val[] {
    return scanStep(this, loop);
  }

  while(loop: KernelWhile): Val[] {
    return whileStep(this, loop);
  }

  choose(
    index: KernelValue,
    branches: readonly Jaxpr[],
    inputs: readonly KernelValue[],
  ): Val[] {
    return chooseStep(this, index as Val, branches, inputs as Val[]);
  }
}
