/**
 * Which values of a graph are never -0, as far as their nodes tell. onnxruntime's Where (1.30, and the
 * same in native builds) adds up two halves, in which a -0 chosen from its first branch becomes 0: the
 * builder gives it a branch that has none, and pays for more nodes only where neither is such.
 *
 * @module
 */
import type { Value } from "../core/lowering.ts";

/** Whether an input of a node, by its position, is known to be such. */
type Known = (input: number) => boolean;
/** Whether the result of a node is, given which of its inputs are. Others may be. */
type Rules = Readonly<Record<string, (known: Known, inputs: readonly Value[]) => boolean>>;

const always = (): boolean => true;
const asFirst = (known: Known): boolean => known(0);
const both = (known: Known): boolean => known(0) && known(1);

/** What moves elements, and adds none. */
const moving: Rules = {
  Identity: asFirst,
  Reshape: asFirst,
  Transpose: asFirst,
  Expand: asFirst,
  Slice: asFirst,
  Gather: asFirst,
  Concat: (known, inputs) => inputs.every((_, i) => known(i)),
};

/** Of which operators the result has no sign: neither -0 nor any negative number. */
const unsigned: Rules = {
  ...moving,
  Abs: always,
  Exp: always,
  Add: both,
  Mul: (known, [x, y]) => x === y || both(known),
  Div: both,
  Max: both,
  Min: both,
  ReduceSum: asFirst,
  ReduceSumSquare: always,
};

/** Of which operators the result is never -0, beside those of which it has no sign. */
const neverMinusZero: Rules = {
  ...moving,
  Cos: always,
  Log: always,
  // A sum is -0 only where both are, a difference where the first is.
  Add: (known) => known(0) || known(1),
  Sub: asFirst,
  Max: both,
  Min: both,
  // Of the first branch, -0 is lost.
  Where: (known) => known(2),
};

/** Keeps account of values that are never -0. */
export class Zeros {
  readonly #never = new Set<Value>();
  readonly #unsigned = new Set<Value>();
  /** Constants without zeros. */
  readonly #none = new Set<Value>();
  /** For conditions such as `x > 0`: the value that is not 0 where they hold. */
  readonly #guarded = new Map<Value, Value>();
  /** What is negated, in arithmetic or logic, to give a value. */
  readonly #negated = new Map<Value, Value>();

  /** `rankOf` gives the number of axes of a value, where it is known. */
  constructor(readonly rankOf: (value: Value) => number | undefined) {}

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

  /** Whether a value is known to have no sign: neither -0 nor a negative number is in it. */
  unsigned(value: Value): boolean {
    return this.#unsigned.has(value);
  }

  /** Whether a value is known to have no zeros in it. */
  none(value: Value): boolean {
    return this.#none.has(value);
  }

  /** Notes a constant. */
  constant(value: Value, elements: ArrayLike<number | bigint>): void {
    let isUnsigned = true, hasZeros = false;
    for (let i = 0; i < elements.length; i++) {
      const x = elements[i]!;
      if (Object.is(x, -0)) return;
      if (x < 0) isUnsigned = false;
      if (x === 0) hasZeros = true;
    }
    if (!hasZeros) this.#none.add(value);
    this.#never.add(value);
    if (isUnsigned) this.#unsigned.add(value);
  }

  /** Notes a value that was an integer or a bool. */
  whole(value: Value): void {
    this.#never.add(value);
  }

  /** Notes the result of a node. */
  node(op: string, inputs: readonly Value[], output: Value): void {
    const [x, y] = inputs as [Value, Value];
    if (op === "Neg" || op === "Not") this.#negated.set(output, x);
    else if (op === "Greater" && this.#unsigned.has(y)) this.#guarded.set(output, x);
    else if (op === "Less" && this.#unsigned.has(x)) this.#guarded.set(output, y);
    else if (this.#isUnsigned(op, inputs)) {
      this.#unsigned.add(output);
      this.#never.add(output);
    } else if (neverMinusZero[op]?.((i) => this.#never.has(inputs[i]!), inputs)) {
      this.#never.add(output);
    }
  }

  #isUnsigned(op: string, inputs: readonly Value[]): boolean {
    const [x, y] = inputs as [Value, Value];
    // The square root of -0 is -0, that of other negative numbers is NaN.
    if (op === "Sqrt") return this.#never.has(x);
    // The product of a vector with itself adds up squares.
    if (op === "MatMul" && x === y) return this.rankOf(x) === 1;
    return unsigned[op]?.((i) => this.#unsigned.has(inputs[i]!), inputs) ?? false;
  }
}
