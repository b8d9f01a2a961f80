/**
 * Loop fission: what a scan computes in each step without the carry is computed for all steps at once,
 * before the loop where the carry needs it and after the loop where nothing but results does. Sums of
 * cotangents become one reduction, or one matrix product, after the loop. A step of a recurrent network
 * then is the recurrence alone, and the gradient of its weights one product. Sums that a user wrote
 * stay in the order in which they were written, but for addends of a matrix product.
 *
 * @module
 */
import { broadcastShapes, bytesOf, shaped, type ShapedArray, sizeOf } from "../core/aval.ts";
import { isFloat } from "../core/dtype.ts";
import { InternalError } from "../core/errors.ts";
import { type Atom, type Eqn, type Jaxpr, Literal, type Loop, Var } from "../core/primitive.ts";
import { batchJaxpr } from "../interpreters/batch.ts";
import { stageClosed } from "../interpreters/staging.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { concatenate } from "../primitives/slicing/concatenate.ts";
import { slice } from "../primitives/slicing/slice.ts";
import { reduceSum } from "../primitives/sum/broadcast.ts";
import { Inliner } from "./inline.ts";

/** A loop over an axis. */
type Scan = Extract<Loop, { kind: "scan" }>;

/** The program with its scans in parts, where that gains something. */
export function fission(jaxpr: Jaxpr): Jaxpr {
  const inliner = new Inliner();
  const { builder } = inliner;
  const env: Atom[] = new Array(jaxpr.numVars);
  const read = (a: Atom): Atom => a instanceof Literal ? a : env[a.id]!;
  const inputs = jaxpr.inputs.map((v) => env[v.id] = builder.input(v.aval));
  for (const eqn of jaxpr.eqns) {
    const ins = eqn.inputs.map(read);
    const outs = emitScan(inliner, eqn, ins) ??
      builder.equation(eqn.primitive, ins, eqn.params, eqn.outputs.map((v) => v.aval));
    eqn.outputs.forEach((v, i) => env[v.id] = outs[i]!);
  }
  return builder.build(jaxpr.outputs.map(read), inputs);
}

/** Memory that values for all steps may take, or this many times what the scan itself takes and gives. */
const budget = 64 * 1024 * 1024;
const growth = 4;

/** What an operation is to sums over steps. */
function kind(
  { primitive }: Eqn,
): NonNullable<typeof primitive.passes.algebra>["kind"] | undefined {
  return primitive.passes.algebra?.kind;
}

/** A sum of cotangents: `out = in + addend`, where nothing else reads either. */
interface Accumulator {
  /** Position among the carries. */
  readonly carry: number;
  /** The addition. */
  readonly add: Eqn;
  /** What is added in each step. */
  readonly addend: Var;
  /** Linear equations from the product to the addend, last first. */
  readonly chain: readonly Eqn[];
  /** The product at the start of the chain. */
  readonly product: Eqn | null;
}

class Analysis {
  readonly definition = new Map<Var, Eqn>();
  readonly uses = new Map<Atom, number>();

  constructor(readonly body: Jaxpr) {
    for (const eqn of body.eqns) {
      eqn.outputs.forEach((v) => this.definition.set(v, eqn));
      eqn.inputs.forEach((a) => this.uses.set(a, (this.uses.get(a) ?? 0) + 1));
    }
    body.outputs.forEach((a) => this.uses.set(a, (this.uses.get(a) ?? 0) + 1));
  }

  /** The equation that defines an atom read once. */
  single(a: Atom): Eqn | undefined {
    return a instanceof Var && this.uses.get(a) === 1 ? this.definition.get(a) : undefined;
  }
}

function accumulators(info: Analysis, params: Scan): Accumulator[] {
  const { jaxpr: body, numConsts, sums } = params;
  const found: Accumulator[] = [];
  for (let i = 0; i < sums; i++) {
    const before = body.inputs[numConsts + i]!;
    const add = info.single(body.outputs[i]!);
    if (add === undefined || kind(add) !== "sum" || info.uses.get(before) !== 1) continue;
    const addend = add.inputs.find((a) => a !== before);
    if (!add.inputs.includes(before) || !(addend instanceof Var)) continue;
    if (sizeOf(addend.aval.shape) !== sizeOf(before.aval.shape)) continue;
    const chain: Eqn[] = [];
    let product: Eqn | null = null;
    for (let eqn = info.single(addend); eqn !== undefined; eqn = info.single(eqn.inputs[0]!)) {
      if (kind(eqn) === "product") {
        product = eqn;
        break;
      }
      if (kind(eqn) !== "rearrangement" && kind(eqn) !== "negation") break;
      chain.push(eqn);
    }
    found.push({ carry: i, add, addend, chain: product === null ? [] : chain, product });
  }
  return found;
}

/** Whether a value is a matrix product, as it is or rearranged. */
function isProduct(info: Analysis, a: Atom): boolean {
  for (let eqn = info.single(a); eqn !== undefined; eqn = info.single(eqn.inputs[0]!)) {
    if (kind(eqn) === "product") return true;
    if (kind(eqn) !== "rearrangement") return false;
  }
  return false;
}

/**
 * Addends of a matrix product that depends on the carry, joined before they meet it: `(h w + a) + b`
 * becomes `h w + (a + b)`, so that `a + b` can leave the loop. In which order a product adds up its
 * terms is the kernel's affair, and these are further terms of its sums. Other sums stay as they are.
 */
function reassociated(body: Jaxpr, carries: readonly Var[]): Jaxpr {
  const info = new Analysis(body);
  const isSum = (eqn: Eqn | undefined): eqn is Eqn => eqn !== undefined && kind(eqn) === "sum";
  const tied = new Set<Atom>(carries);
  const replaced = new Map<Eqn, readonly Eqn[]>();
  let { numVars } = body;
  for (const eqn of body.eqns) {
    if (!eqn.inputs.some((a) => tied.has(a))) continue;
    eqn.outputs.forEach((v) => tied.add(v));
    if (!isSum(eqn) || !isFloat(eqn.outputs[0]!.aval.dtype)) continue;
    const [inner, free] = tied.has(eqn.inputs[0]!) ? eqn.inputs : [...eqn.inputs].reverse();
    if (tied.has(free!)) continue;
    const first = info.single(inner!);
    if (!isSum(first) || replaced.has(first)) continue;
    const [bound, other] = tied.has(first.inputs[0]!) ? first.inputs : [...first.inputs].reverse();
    if (tied.has(other!) || !isProduct(info, bound!)) continue;
    const shape = broadcastShapes("add", other!.aval.shape, free!.aval.shape);
    const early = new Var(shaped(shape, eqn.outputs[0]!.aval.dtype), numVars++);
    replaced.set(first, []);
    replaced.set(eqn, [
      { ...eqn, inputs: [other!, free!], outputs: [early] },
      { ...eqn, inputs: [bound!, early] },
    ]);
  }
  if (replaced.size === 0) return body;
  return { ...body, eqns: body.eqns.flatMap((eqn) => replaced.get(eqn) ?? [eqn]), numVars };
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

/** A part of a body as a program of its own. */
function part(
  body: Jaxpr,
  inputs: readonly Var[],
  eqns: readonly Eqn[],
  outputs: readonly Atom[],
): Jaxpr {
  return { inputs, eqns, outputs, numVars: body.numVars };
}

/**
 * Emits a scan in parts. `inputs` are the scan's; gives its outputs, or `null` where there is nothing
 * to gain.
 */
function emitScan(
  inliner: Inliner,
  eqn: Eqn,
  inputs: readonly Atom[],
): Atom[] | null {
  const loop = eqn.primitive.passes.programs?.loop ?? null;
  const params = loop?.of(eqn.params);
  if (loop === null || params?.kind !== "scan") return null;
  const { builder } = inliner;
  const { numConsts, numCarry, length } = params;
  if (length < 2) return null;
  const carried = params.jaxpr.inputs.slice(numConsts, numConsts + numCarry);
  const body = reassociated(params.jaxpr, carried);
  const info = new Analysis(body);
  const sums = accumulators(info, { ...params, jaxpr: body });
  const summed = new Set(sums.map((s) => s.carry));
  const dropped = new Set(
    sums.flatMap((s) => [s.add, ...s.chain, ...(s.product ? [s.product] : [])]),
  );
  const consts = body.inputs.slice(0, numConsts);
  const carries = body.inputs.slice(numConsts, numConsts + numCarry);
  const slices = body.inputs.slice(numConsts + numCarry);
  const kept = carries.map((_, i) => i).filter((i) => !summed.has(i));

  // What does not depend on the carry comes before the loop.
  const tied = new Set<Atom>(kept.map((i) => carries[i]!));
  const before: Eqn[] = [], during: Eqn[] = [];
  for (const eqn of body.eqns) {
    if (dropped.has(eqn)) continue;
    const stays = !eqn.primitive.passes.mobile || eqn.inputs.some((a) => tied.has(a));
    if (stays) eqn.outputs.forEach((v) => tied.add(v));
    (stays ? during : before).push(eqn);
  }

  // What the next carry does not need comes after it.
  const needed = new Set<Atom>(kept.map((i) => body.outputs[i]!));
  const recurrence: Eqn[] = [], after: Eqn[] = [];
  for (const eqn of [...during].reverse()) {
    const inside = !eqn.primitive.passes.mobile || eqn.outputs.some((v) => needed.has(v));
    if (inside) eqn.inputs.forEach((a) => needed.add(a));
    (inside ? recurrence : after).unshift(eqn);
  }

  const results: Atom[] = [
    ...body.outputs.slice(numCarry),
    ...sums.flatMap((s) => s.product === null ? [s.addend] : s.product.inputs),
  ];
  const early = new Set<Atom>(before.flatMap((e) => e.outputs));
  const defined = new Set<Atom>(recurrence.flatMap((e) => e.outputs));
  const readLater = new Set<Atom>([...after.flatMap((e) => e.inputs), ...results]);
  // Carries before each step are those after the step before, where these can be kept instead.
  const shifted = kept.filter((i) => readLater.has(carries[i]!) && defined.has(body.outputs[i]!));
  shifted.forEach((i) => {
    readLater.delete(carries[i]!);
    readLater.add(body.outputs[i]!);
  });
  const fromLoop = [...defined, ...kept.map((i) => carries[i]!)]
    .filter((a): a is Var => readLater.has(a));
  const readInLoop = new Set<Atom>([
    ...recurrence.flatMap((e) => e.inputs),
    ...kept.map((i) => body.outputs[i]!),
  ]);
  const earlyUsed = [...early].filter((a): a is Var => readInLoop.has(a) || readLater.has(a));
  if (before.length + after.length + sums.length === 0) return null;
  const total = (values: readonly Atom[]): number =>
    values.reduce((n, a) => n + bytesOf(a.aval) * length, 0);
  const own = total([...slices, ...body.outputs.slice(numCarry)]);
  const made = [...before, ...after].flatMap((e) => e.outputs);
  if (total([...made, ...fromLoop]) > Math.max(budget, growth * own)) return null;

  const batched = (mask: readonly boolean[], jaxpr: Jaxpr, force: boolean) =>
    batchJaxpr(jaxpr, length, mask, force ? jaxpr.outputs.map(() => true) : []);
  const value = new Map<Atom, Atom>();
  consts.forEach((v, i) => value.set(v, inputs[i]!));
  const xs = inputs.slice(numConsts + numCarry);

  // Before the loop: all steps at once.
  const first = batched(
    [...consts.map(() => false), ...slices.map(() => true)],
    part(body, [...consts, ...slices], before, earlyUsed),
    false,
  );
  const firstOuts = inliner.add(first.jaxpr, [...inputs.slice(0, numConsts), ...xs]);
  const stacked = new Map<Atom, Atom>(slices.map((v, i) => [v, xs[i]!]));
  earlyUsed.forEach((v, i) => (first.batched[i] ? stacked : value).set(v, firstOuts[i]!));

  // The loop: the recurrence.
  const loopConsts = [...value.keys()].filter((a): a is Var => readInLoop.has(a));
  const loopXs = [...stacked.keys()].filter((a): a is Var => readInLoop.has(a));
  const keptCarries = kept.map((i) => carries[i]!);
  const loopOuts = kept.length === 0 && fromLoop.length === 0 ? [] : builder.equation(
    eqn.primitive,
    [
      ...loopConsts.map((v) => value.get(v)!),
      ...kept.map((i) => inputs[numConsts + i]!),
      ...loopXs.map((v) => stacked.get(v)!),
    ],
    loop.with(eqn.params, {
      ...params,
      jaxpr: part(body, [...loopConsts, ...keptCarries, ...loopXs], recurrence, [
        ...kept.map((i) => body.outputs[i]!),
        ...fromLoop,
      ]),
      numConsts: loopConsts.length,
      numCarry: kept.length,
      sums: params.sums - sums.length,
    }),
    [
      ...keptCarries.map((v) => v.aval),
      ...fromLoop.map((v) => shaped([length, ...v.aval.shape], v.aval.dtype)),
    ],
  );
  fromLoop.forEach((v, i) => stacked.set(v, loopOuts[kept.length + i]!));
  for (const i of shifted) {
    const program = previous(carries[i]!.aval, length, params.reverse);
    const stack = stacked.get(body.outputs[i]!)!;
    stacked.set(carries[i]!, inliner.add(program, [inputs[numConsts + i]!, stack])[0]!);
  }

  // After the loop: results, all steps at once.
  const lastIns = [...value.keys(), ...stacked.keys()] as Var[];
  const last = batched(
    [...[...value.keys()].map(() => false), ...[...stacked.keys()].map(() => true)],
    part(body, lastIns, after, results),
    true,
  );
  const lastOuts = inliner.add(last.jaxpr, [...value.values(), ...stacked.values()]);
  const numYs = body.outputs.length - numCarry;

  // Sums: one reduction or product each.
  const totals = new Map<number, Atom>();
  let next = numYs;
  for (const s of sums) {
    let total: Atom;
    if (s.product === null) {
      [total] = inliner.add(summedSteps(s.addend.aval, length), [lastOuts[next++]!]) as [Atom];
    } else {
      const { primitive, params, outputs } = s.product;
      const { algebra } = primitive.passes;
      if (algebra?.kind !== "product") throw new InternalError("fission: not a product");
      const operands = [lastOuts[next++]!, lastOuts[next++]!];
      [total] = builder.equation(primitive, operands, algebra.summed(params), [
        outputs[0]!.aval,
      ]) as [Var];
      for (const { primitive, params, outputs } of [...s.chain].reverse()) {
        [total] = builder.equation(primitive, [total], params, [outputs[0]!.aval]) as [Var];
      }
    }
    const [sum] = builder.equation(
      s.add.primitive,
      [inputs[numConsts + s.carry]!, total],
      s.add.params,
      [carries[s.carry]!.aval],
    );
    totals.set(s.carry, sum!);
  }
  let k = 0;
  return [
    ...carries.map((_, i) => totals.get(i) ?? loopOuts[k++]!),
    ...lastOuts.slice(0, numYs),
  ];
}
