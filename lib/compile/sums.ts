/**
 * Sums over the steps of a loop, as its body makes them: carries that only add up, which leave the loop
 * as one reduction or one matrix product, and addends of a matrix product, which are joined before they
 * meet it. What loop fission does with both is `fission.ts`'s.
 *
 * @module
 */
import { broadcastShapes, shaped, sizeOf } from "../core/aval.ts";
import { isFloat } from "../core/dtype.ts";
import { type Atom, type Eqn, type Jaxpr, Var } from "../core/primitive.ts";

/** What an operation is to sums over steps. */
function kind(
  { primitive }: Eqn,
): NonNullable<typeof primitive.passes.algebra>["kind"] | undefined {
  return primitive.passes.algebra?.kind;
}

/** A sum of cotangents: `out = in + addend`, where nothing else reads either. */
export interface Accumulator {
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

/** Definitions and uses of what a body computes. */
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

/** The sums among the first carries, of which `carries` are the inputs. */
export function accumulators(body: Jaxpr, carries: readonly Var[]): Accumulator[] {
  const info = new Analysis(body);
  const found: Accumulator[] = [];
  for (const [i, before] of carries.entries()) {
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
export function reassociated(body: Jaxpr, carries: readonly Var[]): Jaxpr {
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
