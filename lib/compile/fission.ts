/**
 * Loop fission: what a scan computes in each step without the carry is computed for all steps at once,
 * before the loop where the carry needs it and after the loop where nothing but results does. Sums of
 * cotangents become one reduction, or one matrix product, after the loop. A step of a recurrent network
 * then is the recurrence alone, and the gradient of its weights one product. Sums that a user wrote
 * stay in the order in which they were written, but for addends of a matrix product.
 *
 * @module
 */
import {
  type Atom,
  type Eqn,
  InternalError,
  type Jaxpr,
  Literal,
  shaped,
  type ShapedArray,
  type Var,
} from "../core/mod.ts";
import { batchJaxpr } from "../interpreters/batch.ts";
import { stageClosed } from "../interpreters/staging.ts";
import { concatenate, reduceSum, reshape, slice } from "../primitives/mod.ts";
import { Inliner } from "./inline.ts";
import { type Accumulator, type Parts, partsOf, type Scan } from "./parts.ts";

/** The program with its scans in parts, where that gains something. */
export function fission(jaxpr: Jaxpr): Jaxpr {
  const inliner = new Inliner();
  const { builder } = inliner;
  const env: Atom[] = new Array(jaxpr.numVars);
  const read = (a: Atom): Atom => a instanceof Literal ? a : env[a.id]!;
  const inputs = jaxpr.inputs.map((v) => env[v.id] = builder.input(v.aval));
  for (const eqn of jaxpr.eqns) {
    const ins = eqn.inputs.map(read);
    const outs = inParts(inliner, eqn, ins) ??
      builder.equation(eqn.primitive, ins, eqn.params, eqn.outputs.map((v) => v.aval));
    eqn.outputs.forEach((v, i) => env[v.id] = outs[i]!);
  }
  return builder.build(jaxpr.outputs.map(read), inputs);
}

/** Adds a scan in parts; gives its outputs, or `null` where there is nothing to gain. */
function inParts(inliner: Inliner, eqn: Eqn, inputs: readonly Atom[]): Atom[] | null {
  const scan = eqn.primitive.passes.programs?.loop?.of(eqn.params);
  if (scan?.kind !== "scan" || scan.length < 2) return null;
  const parts = partsOf(scan);
  return parts === null ? null : new Emission(inliner, eqn, scan, parts, inputs).outputs();
}

/** The parts of one scan being added to a program. */
class Emission {
  /** Values by variable of the body: what is the same in each step. */
  readonly #value: Map<Var, Atom>;
  /** And what differs, for all steps. */
  readonly #stacked: Map<Var, Atom>;
  /** The carries at the start. */
  readonly #init: readonly Atom[];

  constructor(
    readonly inliner: Inliner,
    readonly eqn: Eqn,
    readonly scan: Scan,
    readonly parts: Parts,
    inputs: readonly Atom[],
  ) {
    const { consts, slices } = parts;
    const { numConsts, numCarry } = scan;
    this.#value = new Map(consts.map((v, i) => [v, inputs[i]!]));
    this.#init = inputs.slice(numConsts, numConsts + numCarry);
    this.#stacked = new Map(slices.map((v, i) => [v, inputs[numConsts + numCarry + i]!]));
  }

  /** Adds all parts; gives the outputs of the scan. */
  outputs(): Atom[] {
    const { carries, sums } = this.parts;
    this.#before();
    const ends = this.#loop();
    const results = this.#after();
    const numYs = this.scan.jaxpr.outputs.length - this.scan.numCarry;
    const addends = results.splice(numYs);
    const totals = new Map(sums.map((sum) => {
      const terms = addends.splice(0, sum.product === null ? 1 : 2);
      return [sum.carry, this.#sum(sum, terms)];
    }));
    return [...carries.map((_, i) => totals.get(i) ?? ends.shift()!), ...results];
  }

  /** A part as a program of its own. */
  #program(inputs: readonly Var[], eqns: readonly Eqn[], outputs: readonly Atom[]): Jaxpr {
    return { inputs, eqns, outputs, numVars: this.parts.body.numVars };
  }

  /** Of what a part reads, what is the same in each step, and what differs. */
  #reads(reads: ReadonlySet<Atom>): { same: Var[]; own: Var[] } {
    const read = (v: Var): boolean => reads.has(v);
    return {
      same: [...this.#value.keys()].filter(read),
      own: [...this.#stacked.keys()].filter(read),
    };
  }

  /** Adds equations for all steps at once; says of each output whether it differs by step. */
  #allAtOnce(
    { eqns, reads }: Parts["before"],
    outputs: readonly Atom[],
    force: boolean,
  ): { outs: Atom[]; differs: readonly boolean[] } {
    const { same, own } = this.#reads(reads);
    const program = this.#program([...same, ...own], eqns, outputs);
    const mask = [...same.map(() => false), ...own.map(() => true)];
    const forced = force ? outputs.map(() => true) : [];
    const { jaxpr, batched } = batchJaxpr(program, this.scan.length, mask, forced);
    const ins = [...same.map((v) => this.#value.get(v)!), ...own.map((v) => this.#stacked.get(v)!)];
    return { outs: this.inliner.add(jaxpr, ins), differs: batched };
  }

  #before(): void {
    const { before, early } = this.parts;
    const { outs, differs } = this.#allAtOnce(before, early, false);
    early.forEach((v, i) => (differs[i] ? this.#stacked : this.#value).set(v, outs[i]!));
  }

  /** Adds the recurrence; gives the carries at the end. */
  #loop(): Atom[] {
    const { body, carries, kept, recurrence, stacked, shifted, sums } = this.parts;
    const { eqn, scan } = this;
    if (kept.length + stacked.length + recurrence.eqns.length === 0) return [];
    const { same, own } = this.#reads(recurrence.reads);
    const keptCarries = kept.map((i) => carries[i]!);
    const jaxpr = this.#program([...same, ...keptCarries, ...own], recurrence.eqns, [
      ...kept.map((i) => body.outputs[i]!),
      ...stacked,
    ]);
    const outs = this.inliner.builder.equation(
      eqn.primitive,
      [
        ...same.map((v) => this.#value.get(v)!),
        ...kept.map((i) => this.#init[i]!),
        ...own.map((v) => this.#stacked.get(v)!),
      ],
      eqn.primitive.passes.programs!.loop!.with(eqn.params, {
        ...scan,
        jaxpr,
        numConsts: same.length,
        numCarry: kept.length,
        sums: scan.sums - sums.length,
      }),
      [
        ...keptCarries.map((v) => v.aval),
        ...stacked.map(({ aval }) => shaped([scan.length, ...aval.shape], aval.dtype)),
      ],
    );
    stacked.forEach((v, i) => this.#stacked.set(v, outs[kept.length + i]!));
    for (const i of shifted) {
      const program = previous(carries[i]!.aval, scan.length, scan.reverse);
      const after = this.#stacked.get(body.outputs[i] as Var)!;
      const [before] = this.inliner.add(program, [this.#init[i]!, after]);
      this.#stacked.set(carries[i]!, before!);
    }
    return outs.slice(0, kept.length);
  }

  #after(): Atom[] {
    return this.#allAtOnce(this.parts.after, this.parts.results, true).outs;
  }

  /** Adds a sum: one reduction or product. */
  #sum({ carry, add, addend, product, chain }: Accumulator, terms: readonly Atom[]): Atom {
    const { builder } = this.inliner;
    const apply = ({ primitive, outputs }: Eqn, params: unknown, ins: readonly Atom[]): Atom =>
      builder.equation(primitive, ins, params, [outputs[0]!.aval])[0]!;
    let total: Atom;
    if (product === null) {
      [total] = this.inliner.add(summedSteps(addend.aval, this.scan.length), terms) as [Atom];
    } else {
      const { algebra } = product.primitive.passes;
      if (algebra?.kind !== "product") throw new InternalError("fission: not a product");
      total = apply(product, algebra.summed(product.params), terms);
      for (const eqn of [...chain].reverse()) total = apply(eqn, eqn.params, [total]);
    }
    const { primitive, params } = add;
    const { aval } = this.parts.carries[carry]!;
    return builder.equation(primitive, [this.#init[carry]!, total], params, [aval])[0]!;
  }
}

/** From a carry at the start and the carries after each step to the carries before each step. */
function previous(aval: ShapedArray, length: number, reverse: boolean): Jaxpr {
  const { shape, dtype } = aval;
  return stageClosed("scan", ([init, after]) => {
    const from = reverse ? 1 : 0;
    const rest = slice(
      after!,
      [from, ...shape.map(() => 0)],
      [from + length - 1, ...shape],
    );
    const first = reshape(init!, [1, ...shape]);
    return [concatenate(reverse ? [rest, first] : [first, rest], 0)];
  }, [aval, shaped([length, ...shape], dtype)]);
}

/** From what all steps gave to its sum. */
function summedSteps({ shape, dtype }: ShapedArray, length: number): Jaxpr {
  return stageClosed("scan", ([x]) => [reduceSum(x!, [0])], [shaped([length, ...shape], dtype)]);
}
