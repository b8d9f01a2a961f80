/**
 * From a schedule to code: where each buffer lies, when its memory is free again, and the calls of
 * kernels in the main function. A buffer whose last reader goes through it element by element hands its
 * memory on to what that computes.
 *
 * @module
 */
import { type Jaxpr, stridesOf } from "../core/mod.ts";
import { Exprs, reachable, scalarType } from "../scalar/expr.ts";
import { type Fn, I32 } from "./encoder.ts";
import { nestFn } from "./nest.ts";
import { bytesPerElement, listingOf, type Slot } from "./space.ts";
import { Scheduler } from "./schedule.ts";
import type { ActStep, Destination, Emission, Emitted, LoopStep, Unit } from "./steps.ts";
import { Buffer, isFlat, type Place, type Target, type Val, type View, whole } from "./values.ts";

/** Buffers no larger than this are not worth being handed on. */
const TINY = 64;

/** Emits a program into the main function. */
export function emit(
  unit: Unit,
  jaxpr: Jaxpr,
  inputs: readonly Val[],
  targets: readonly (Target | null)[],
): Emitted & { readonly emitter: Emitter } {
  const { steps, outs } = new Scheduler(unit.constants, unit.alike).schedule(jaxpr, inputs);
  outs.forEach((v, i) => {
    const target = targets[i];
    if (!target || v.kind !== "view" || !isFlat(v)) return;
    const { buffer } = v;
    if (buffer.step >= 0 && buffer.root === null && buffer.target === null) buffer.target = target;
  });
  const emitter = new Emitter(unit);
  const deaths = new Map<number, Buffer[]>();
  for (const s of steps) {
    const made = s.kind === "loop" ? [...s.stores, ...s.reductions.map((r) => r.buffer)] : s.outs;
    for (const b of made) {
      const end = Math.max(b.lastUse, s.index);
      if (end === Infinity) continue;
      const list = deaths.get(end);
      if (list === undefined) deaths.set(end, [b]);
      else list.push(b);
    }
  }
  for (const s of steps) {
    if (s.kind === "loop") emitter.loop(s);
    else emitter.act(s);
    for (const b of deaths.get(s.index) ?? []) emitter.free(b);
  }
  return { outs, emitter, release: () => emitter.release() };
}

/** The state of memory while a program is emitted. */
export class Emitter implements Emission {
  /** The main function. */
  readonly f: Fn;
  /** Buffers whose memory is taken from the arena. */
  readonly #held = new Set<Buffer>();
  #temporary: Place[] = [];

  /** Nothing is held at the beginning. */
  constructor(readonly unit: Unit) {
    this.f = unit.main;
  }

  /** Gives a buffer's memory back, if it has any of its own. */
  free(b: Buffer): void {
    if (this.#held.delete(b)) this.#give(b.place!);
  }
  /** Gives all memory back. */
  release(): void {
    for (const b of this.#held) this.#give(b.place!);
    this.#held.clear();
  }

  #give(place: Place): void {
    const block = place.block!;
    this.unit.arena.free(block);
    if (!this.unit.poison) return;
    this.address(place);
    // memory.fill: as floats, NaN.
    this.f.i32(255).i32(block.bytes).op(0xfc, 0x0b, 0);
  }

  #take(bytes: number): Place {
    const block = this.unit.arena.take(bytes);
    return { base: 0, offset: block.offset, exact: false, block };
  }

  /** Memory until the end of the step. */
  temporary(bytes: number): Place {
    const place = this.#take(bytes);
    this.#temporary.push(place);
    return place;
  }

  run(jaxpr: Jaxpr, inputs: readonly Val[], targets: readonly (Target | null)[]): Emitted {
    return emit(this.unit, jaxpr, inputs, targets);
  }

  /** Finds memory for what step `step` computes; that of `dying` may be written to. */
  place(b: Buffer, step: number, dying: Buffer[] = []): Place {
    const { target } = b;
    if (target !== null && !target.taken) {
      const { carry } = target;
      if (
        carry === null || carry.lastUse < step ||
        (carry.lastUse === step && dying.includes(carry))
      ) {
        target.taken = true;
        return b.place = target.place;
      }
    }
    const donor = dying.findIndex((d) =>
      this.#held.has(d) && d.bytes === b.bytes && b.bytes > TINY
    );
    if (donor >= 0) {
      const d = dying.splice(donor, 1)[0]!;
      this.#held.delete(d);
      this.#held.add(b);
      return b.place = d.place!;
    }
    b.place = this.#take(b.bytes);
    this.#held.add(b);
    return b.place;
  }

  /** Lets `out` take over the memory of `x`, whose last reader step `step` is; says whether it can. */
  takeOver(out: Buffer, x: View, step: number): boolean {
    const { buffer } = x;
    if (buffer.lastUse !== step || !isFlat(x) || buffer.root !== null) return false;
    if (this.#held.delete(buffer)) this.#held.add(out);
    else {
      const { target } = out;
      const own = buffer.mutable && target !== null && target.carry === buffer && !target.taken;
      if (!own) return false;
      target.taken = true;
    }
    out.place = buffer.place;
    return true;
  }

  // ---------------------------------------------------------------- code

  /** Pushes an address, so many bytes behind that of a place. */
  address(place: Place, bytes = 0): void {
    this.f.get(place.base).plus(place.offset + bytes);
  }

  /** Pushes the address of the first element of a view. */
  #start({ buffer, offset, dtype }: View): void {
    this.address(buffer.place!, offset * bytesPerElement[dtype]);
  }

  /** Pushes an `int32` or bool scalar. */
  scalar(v: Val): void {
    if (v.kind === "constant") {
      this.f.i32(v.value);
      return;
    }
    const isBool = v.dtype === "bool";
    this.#start(v);
    this.f.op(isBool ? 0x2d : 0x28, isBool ? 0 : 2).u(0);
  }

  /** Emits a step of its own kind. */
  act(s: ActStep): void {
    s.act(this, s);
    for (const p of this.#temporary) this.#give(p);
    this.#temporary = [];
  }

  /** Emits the call of a nest of loops. */
  loop(s: LoopStep): void {
    const stores = s.stores.filter((b) => b.stored);
    if (stores.length === 0 && s.reductions.length === 0) return;
    const dims = s.dims === null ? (s.size === 1 ? [] : [s.size]) : [...s.dims];
    const contiguous = stridesOf(dims);
    const roots = [...stores.map((b) => b.expr!), ...s.reductions.map((r) => r.expr)];
    const listing = s.grown === null
      ? listingOf(reachable(s.exprs, roots))
      : s.grown.listing(roots);
    const used = new Set(listing.order.filter((n) => n.op === "input").map((n) => n.imm));
    const loads = s.loads.map(({ view, flat }, i): Slot | null => {
      if (!used.has(i)) return null;
      const strides = view.strides.filter((_, k) => view.shape[k] !== 1);
      return {
        dtype: view.dtype,
        strides: flat ? contiguous : strides.every((n) => n === 0) ? dims.map(() => 0) : strides,
        exact: false,
      };
    });
    // Where every element is read before it is written, and read by nothing else.
    const dying = s.dims !== null
      ? []
      : [...new Set(s.loads.map((l) => l.view.buffer))].filter((b) =>
        b.lastUse === s.index && b.root === null &&
        s.loads.every((l) => (l.view.buffer !== b && l.view.buffer.root !== b) || l.flat)
      );
    const slot = (b: Buffer, strides: readonly number[], may: Buffer[]): Slot => ({
      dtype: b.dtype,
      strides,
      exact: this.place(b, s.index, may).exact,
    });
    const nest = {
      dims,
      reduced: s.reduced === null
        ? dims.map(() => false)
        : s.reduced === "all"
        ? dims.map(() => true)
        : s.reduced,
      exprs: s.exprs,
      loads,
      stores: stores.map((b) => ({ slot: slot(b, contiguous, dying), expr: b.expr! })),
      reductions: s.reductions.map(({ buffer, expr, op }) => ({
        slot: slot(buffer, keptStrides(dims, s.reduced), []),
        expr,
        op,
      })),
    };
    const fn = nestFn(this.unit.module, nest, this.unit.pool, listing);
    s.loads.forEach(({ view }, i) => loads[i] !== null && this.#start(view));
    for (const b of stores) this.address(b.place!);
    for (const { buffer } of s.reductions) this.address(buffer.place!);
    this.f.call(fn);
  }

  /** Copies a value of a shape. */
  copy(v: Val, to: Destination): void {
    const { shape, dtype } = v;
    if (shape.includes(0)) return;
    const exprs = new Exprs();
    const ty = scalarType[dtype];
    const isConstant = v.kind === "constant";
    const fn = nestFn(this.unit.module, {
      dims: shape,
      reduced: shape.map(() => false),
      exprs,
      loads: isConstant ? [] : [{ dtype, strides: v.strides, exact: false }],
      stores: [{
        slot: { dtype, strides: to.strides, exact: to.place.exact },
        expr: isConstant ? exprs.constant(v.value, ty) : exprs.input(0, ty),
      }],
      reductions: [],
    }, this.unit.pool);
    if (!isConstant) this.#start(v);
    this.address(to.place, to.offset * bytesPerElement[dtype]);
    this.f.call(fn);
  }

  /** Copies a value to where it lies one element after another. */
  copyTo(v: Val, place: Place): void {
    this.copy(v, { place, offset: 0, strides: stridesOf(v.shape) });
  }

  /** The value in memory, one element after another; in temporary memory where it is not yet. */
  inMemory(v: Val): View {
    if (v.kind === "view" && isFlat(v)) return v;
    const place = this.temporary(v.shape.reduce((a, b) => a * b, bytesPerElement[v.dtype]));
    this.copyTo(v, place);
    return whole(bufferAt(place, v), v.shape);
  }

  /** A new local for an address. */
  pointer(): number {
    return this.f.local(I32);
  }
}

function bufferAt(place: Place, v: Val): Buffer {
  const b = new Buffer(v.dtype, v.shape.reduce((a, n) => a * n, 1), -1);
  b.place = place;
  b.stored = true;
  return b;
}

/** Strides of results of reductions over loops. */
function keptStrides(
  dims: readonly number[],
  reduced: readonly boolean[] | "all" | null,
): number[] {
  const strides = new Array<number>(dims.length).fill(0);
  for (let i = dims.length - 1, step = 1; i >= 0; i--) {
    if (reduced === null || reduced === "all" || reduced[i]) continue;
    strides[i] = step;
    step *= dims[i]!;
  }
  return strides;
}
