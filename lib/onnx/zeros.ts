/**
 * Which values of a graph are never -0, as far as their nodes tell. onnxruntime's Where (1.30, and the
 * same in native builds) adds up two halves, in which a -0 chosen from its first branch becomes 0: the
 * builder gives it a branch that has none, and pays for more nodes only where neither is such.
 *
 * @module
 */
import type { Value } from "../core/lowering.ts";

/** Whether an input of a node, by its position, is known never to be -0. */
type Known = (input: number) => boolean;

const always = (): boolean => true;
const asFirst = (known: Known): boolean => known(0);

/** For each operator: whether its result is never -0, given that of its inputs. Others may be. */
const rules: Readonly<Record<string, (known: Known, inputs: readonly Value[]) => boolean>> = {
  Abs: always,
  Exp: always,
  Cos: always,
  Log: always,
  // A sum is -0 only where both are, a difference where the first is.
  Add: (known) => known(0) || known(1),
  Sub: asFirst,
  // A square; other products of numbers of either sign may be -0.
  Mul: (_, [x, y]) => x === y,
  Max: (known) => known(0) && known(1),
  Min: (known) => known(0) && known(1),
  // Of the first branch, -0 is lost.
  Where: (known) => known(2),
  Sqrt: asFirst,
  Identity: asFirst,
  Reshape: asFirst,
  Transpose: asFirst,
  Expand: asFirst,
  Slice: asFirst,
  Gather: asFirst,
};

/** Keeps account of values that are never -0. */
export class Zeros {
  readonly #never = new Set<Value>();
  /** Constants that are not negative. */
  readonly #atLeast0 = new Set<Value>();
  /** For conditions such as `x > 0`: the value that is not 0 where they hold. */
  readonly #guarded = new Map<Value, Value>();
  /** What is negated, in arithmetic or logic, to give a value. */
  readonly #negated = new Map<Value, Value>();

  /** Whether a value is known not to be -0 where a condition holds. */
  neverWhere(condition: Value, value: Value): boolean {
    if (this.#never.has(value)) return true;
    const guarded = this.#guarded.get(condition);
    return guarded !== undefined && (guarded === value || guarded === this.#negated.get(value));
  }

  /** What a node Neg or Not gave a value of. */
  negated(value: Value): Value | undefined {
    return this.#negated.get(value);
  }

  /** Whether a value is known never to be -0. */
  never(value: Value): boolean {
    return this.#never.has(value);
  }

  /** Notes a constant. */
  constant(value: Value, elements: ArrayLike<number | bigint>): void {
    let least: number | bigint = Infinity;
    for (let i = 0; i < elements.length; i++) {
      const x = elements[i]!;
      if (Object.is(x, -0)) return;
      if (!(x >= least)) least = x;
    }
    this.#never.add(value);
    if (least >= 0) this.#atLeast0.add(value);
  }

  /** Notes a value that was an integer or a bool. */
  whole(value: Value): void {
    this.#never.add(value);
  }

  /** Notes the result of a node. */
  node(op: string, inputs: readonly Value[], output: Value): void {
    const [x, y] = inputs as [Value, Value];
    if (op === "Neg" || op === "Not") this.#negated.set(output, x);
    else if (op === "Greater" && this.#atLeast0.has(y)) this.#guarded.set(output, x);
    else if (op === "Less" && this.#atLeast0.has(x)) this.#guarded.set(output, y);
    else if (rules[op]?.((i) => this.#never.has(inputs[i]!), inputs)) this.#never.add(output);
  }
}
