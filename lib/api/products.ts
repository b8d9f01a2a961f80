/**
 * Products of vectors and matrices. Systems of equations are in `linalg.ts`.
 *
 * Floats are added up in double precision, integers wrap; of bools, whether any product is true.
 *
 * Sums of products with axes named by letters. Terms are contracted two at a time from the left, each
 * as soon as possible, so that no intermediate array has axes that nothing needs any more.
 *
 * @module
 */
import {
  AxisError,
  checkCall,
  describeValue,
  expectInteger,
  formatShape,
  isPlain,
  NDArray,
  type Operand,
  promoteDTypes,
  readOptions,
  ShapeError,
} from "../core/mod.ts";
import type { Named } from "../core/method_options.ts";
import { convert, dotGeneral, reduceOr, reduceSum, reshape, transpose } from "../primitives/mod.ts";
import type { ProductOptions } from "./arguments.ts";
import { diagonal } from "./indexing.ts";

import {
  arrays,
  contracted,
  dot as dotOf,
  matmul as matmulOf,
  misaligned,
  NAMES,
  NONE,
} from "./matrices.ts";
import {
  expectArray,
  expectAxis,
  expectPreferred,
  expectRoom,
  isNamed,
  promote,
  times,
} from "./operands.ts";
import { productOptions } from "./options.ts";

/** Two operands in the dtype that is asked for; as they are where none is. */
function preferred<T extends Operand>(
  op: string,
  x: T,
  y: T,
  { preferredElementType }: ProductOptions,
): [T | NDArray, T | NDArray] {
  if (preferredElementType === undefined) return [x, y];
  const [a, b] = promote(op, x, y, undefined, NAMES);
  const dtype = expectPreferred(op, preferredElementType, a.dtype);
  return [convert(a, dtype), convert(b, dtype)];
}

/** Two arrays of one dtype, that which is asked for; numbers are refused. */
function operands(op: string, x: NDArray, y: NDArray, options: ProductOptions): [NDArray, NDArray] {
  const [a, b] = arrays(op, x, y);
  const dtype = expectPreferred(op, options.preferredElementType, a.dtype);
  return [convert(a, dtype), convert(b, dtype)];
}

/**
 * Matrix product, as `jax.numpy.matmul`: of `[..., n, k]` and `[..., k, m]`, leading axes broadcasting. A
 * vector counts as a row on the left and a column on the right, and the added axis is removed.
 *
 * @throws {ShapeError} where the inner lengths differ, leading axes do not broadcast, or an operand
 * is a scalar.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const a = np.array([[1, 2], [3, 4]]);
 * console.log(np.matmul(a, np.array([1, 1])).toArray()); // [ 3, 7 ]
 * ```
 */
export function matmul(x: NDArray, y: NDArray, options: ProductOptions = {}): NDArray {
  if (arguments.length > 2) {
    options = readOptions("matmul(x, y, options)", arguments, productOptions);
  }
  return matmulOf(...preferred("matmul", x, y, options));
}

/**
 * Product as `jax.numpy.dot`: of scalars and arrays elementwise, of vectors the inner product, otherwise
 * the sum over the last axis of `x` and the last but one of `y`.
 *
 * @throws {ShapeError} where the lengths of these axes differ.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.dot(np.array([1, 2]), np.array([3, 4])).item()); // 11
 * ```
 */
export function dot(x: Operand, y: Operand, options: ProductOptions = {}): NDArray {
  if (arguments.length > 2) options = readOptions("dot(x, y, options)", arguments, productOptions);
  return dotOf(...preferred("dot", x, y, options));
}

/**
 * Inner product of the flat arrays, as `jax.numpy.vdot`.
 *
 * @throws {ShapeError} where the numbers of elements differ.
 */
export function vdot(x: NDArray, y: NDArray, options: ProductOptions = {}): NDArray {
  if (arguments.length > 2) options = readOptions("vdot(x, y, options)", arguments, productOptions);
  const [a, b] = operands("vdot", x, y, options);
  if (a.size !== b.size) {
    throw new ShapeError(
      `vdot: arrays of shapes ${formatShape(a.shape)} and ${
        formatShape(b.shape)
      } have ${a.size} and ${b.size} elements, which must be equal`,
    );
  }
  return contracted("vdot", reshape(a, [a.size]), 0, reshape(b, [b.size]), 0);
}

/**
 * Sums over the last axes of both, as `jax.numpy.inner`.
 *
 * @throws {ShapeError} where their lengths differ.
 */
export function inner(x: NDArray, y: NDArray, options: ProductOptions = {}): NDArray {
  if (arguments.length > 2) {
    options = readOptions("inner(x, y, options)", arguments, productOptions);
  }
  const [a, b] = operands("inner", x, y, options);
  if (a.ndim === 0 || b.ndim === 0) return times(a, b);
  return contracted("inner", a, a.ndim - 1, b, b.ndim - 1);
}

/**
 * Products of all pairs of elements of the flat arrays, a matrix, as `jax.numpy.outer`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.outer(np.array([1, 2]), np.array([3, 4])).toArray()); // [ [ 3, 4 ], [ 6, 8 ] ]
 * ```
 */
export function outer(x: NDArray, y: NDArray): NDArray {
  if (arguments.length > 2) checkCall("outer(x, y)", arguments);
  const [a, b] = arrays("outer", x, y);
  expectRoom("outer", [a.size, b.size], a.dtype);
  return times(reshape(a, [a.size, 1]), reshape(b, [1, b.size]));
}

/**
 * Sums of products over pairs of axes, as `jax.numpy.tensordot`.
 *
 * @param axes How many of the last axes of `x` and the first of `y`, or lists of those to pair.
 * @throws {ShapeError} where paired axes differ in length.
 * @throws {AxisError} where an axis is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.tensordot(np.ones([2, 3]), np.ones([3, 4]), 1).shape); // [ 2, 4 ]
 * ```
 */
export function tensordot(
  x: NDArray,
  y: NDArray,
  axes:
    | number
    | readonly [number | readonly number[], number | readonly number[]]
    | Named<
      ProductOptions,
      { axes: number | readonly [number | readonly number[], number | readonly number[]] }
    > = 2,
  options: ProductOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("tensordot(x, y, axes, options)", arguments, productOptions, 2);
  }
  if (isNamed(axes)) return tensordot(x, y, axes.axes, axes);
  const op = "tensordot";
  const [a, b] = operands(op, x, y, options);
  let pairs: [number[], number[]];
  if (typeof axes === "number") {
    if (!Number.isInteger(axes) || axes < 0 || axes > Math.min(a.ndim, b.ndim)) {
      throw new AxisError(
        `${op}: ${axes} axes cannot be paired of arrays of shapes ${formatShape(a.shape)} and ${
          formatShape(b.shape)
        }`,
      );
    }
    const count = Array.from({ length: axes }, (_, i) => i);
    pairs = [count.map((i) => a.ndim - axes + i), count];
  } else {
    if (!Array.isArray(axes) || axes.length !== 2) {
      throw new TypeError(
        `${op}: axes are a number or two lists, [axes of x, axes of y], not ${
          Array.isArray(axes) ? formatShape(axes) : describeValue(axes)
        }`,
      );
    }
    const list = (side: unknown, rank: number): number[] => {
      const own: unknown = typeof side === "number" ? [side] : side;
      if (Array.isArray(own)) return own.map((k) => expectAxis(op, k, rank));
      throw new TypeError(
        `${op}: axes are a number or two lists, [axes of x, axes of y], of which one is ${
          describeValue(side)
        }`,
      );
    };
    pairs = [list(axes[0]!, a.ndim), list(axes[1]!, b.ndim)];
    if (pairs[0].length !== pairs[1].length) {
      throw new AxisError(
        `${op}: ${pairs[0].length} axes of x cannot be paired with ${pairs[1].length} of y`,
      );
    }
  }
  pairs[0].forEach((i, k) => {
    const j = pairs[1][k]!;
    if (a.shape[i] !== b.shape[j]) throw misaligned(op, a, i, b, j);
  });
  return dotGeneral(a, b, { contract: pairs, batch: NONE });
}

/** An operand with the name of each axis. */
interface Term {
  readonly x: NDArray;
  readonly labels: readonly string[];
}

/** A subscript, with the axes that "..." stands for named by their distance from the last one. */
function labelsOf(subscript: string, rank: number, describe: () => string): string[] {
  const [before, after, ...more] = subscript.split("...") as [string, string | undefined];
  const letters = [...before, ...(after ?? "")];
  if (more.length > 0 || !letters.every((c) => /[a-zA-Z]/.test(c))) {
    throw new SyntaxError(
      `einsum: ${
        JSON.stringify(subscript)
      } in ${describe()} may contain only letters and one "..."`,
    );
  }
  const rest = rank - letters.length;
  if (after === undefined ? rest !== 0 : rest < 0) {
    throw new ShapeError(
      `einsum: ${JSON.stringify(subscript)} in ${describe()} names ${letters.length} axes${
        after === undefined ? "" : " or more"
      }, but the operand has ${rank}`,
    );
  }
  const dots = after === undefined ? [] : Array.from({ length: rest }, (_, i) => `.${rest - i}`);
  return [...before, ...dots, ...(after ?? "")];
}

/** The labels of the result: as given, or those that occur once, in alphabetical order. */
function outputLabels(
  output: string | undefined,
  inputs: readonly (readonly string[])[],
  describe: () => string,
): string[] {
  const all = inputs.flat();
  // The longest "..." has the most axes; labels count down to 1.
  const dots = [...new Set(all.filter((l) => l[0] === "."))]
    .sort((a, b) => Number(b.slice(1)) - Number(a.slice(1)));
  if (output === undefined) {
    const once = [...new Set(all)].filter((l) => l[0] !== "." && l.length === 1)
      .filter((l) => all.indexOf(l) === all.lastIndexOf(l)).sort();
    return [...dots, ...once];
  }
  const letters = output.replace("...", "").length;
  const rank = letters + (output.includes("...") ? dots.length : 0);
  const labels = labelsOf(output, rank, describe);
  labels.forEach((l, i) => {
    if (labels.indexOf(l) !== i) {
      throw new SyntaxError(`einsum: the result of ${describe()} has the axis ${l} twice`);
    }
    if (!all.includes(l)) {
      throw new SyntaxError(
        `einsum: the result of ${describe()} has the axis ${l}, which no operand has`,
      );
    }
  });
  if (!output.includes("...") && dots.length > 0) {
    throw new SyntaxError(
      `einsum: operands of ${describe()} have "...", but the result does not. ` +
        "Sum over these axes first, or keep them",
    );
  }
  return labels;
}

/** The common length of each label; 1 broadcasts. */
function lengthsOf(terms: readonly Term[], describe: () => string): Map<string, number> {
  const lengths = new Map<string, number>();
  for (const { x, labels } of terms) {
    labels.forEach((label, i) => {
      const n = x.shape[i]!;
      const known = lengths.get(label) ?? 1;
      if (known !== 1 && n !== 1 && known !== n) {
        throw new ShapeError(
          `einsum: in ${describe()}, axis ${
            label[0] === "." ? "-" + label.slice(1) + ' of "..."' : label
          } has lengths ${known} and ${n}; the operands have shapes ${
            terms.map((t) => formatShape(t.x.shape)).join(", ")
          }`,
        );
      }
      lengths.set(label, known === 1 ? n : known);
    });
  }
  return lengths;
}

/** A term without repeated labels, and without axes of length 1 that broadcast. */
function simplified({ x, labels }: Term, lengths: ReadonlyMap<string, number>): Term {
  const kept = labels.map((_, i) => i)
    .filter((i) => x.shape[i] !== 1 || lengths.get(labels[i]!) === 1);
  let array = reshape(x, kept.map((i) => x.shape[i]!));
  let names = kept.map((i) => labels[i]!);
  for (;;) {
    const second = names.findIndex((l, i) => names.indexOf(l) !== i);
    if (second < 0) return { x: array, labels: names };
    const first = names.indexOf(names[second]!);
    array = diagonal(array, { axis1: first, axis2: second });
    names = [...names.filter((_, i) => i !== first && i !== second), names[second]!];
  }
}

/** Sums over the axes that are not needed; of bools, whether any is true. */
function summed({ x, labels }: Term, needed: ReadonlySet<string>): Term {
  const axes = labels.map((_, i) => i).filter((i) => !needed.has(labels[i]!));
  return {
    x: (x.dtype === "bool" ? reduceOr : reduceSum)(x, axes),
    labels: labels.filter((l) => needed.has(l)),
  };
}

/** Multiplies two terms and sums over the axes that both have and nothing else needs. */
function multiplied(a: Term, b: Term, needed: ReadonlySet<string>): Term {
  const common = a.labels.filter((l) => b.labels.includes(l));
  const batch = common.filter((l) => needed.has(l));
  const contract = common.filter((l) => !needed.has(l));
  const axes = (names: readonly string[]): [number[], number[]] => [
    names.map((l) => a.labels.indexOf(l)),
    names.map((l) => b.labels.indexOf(l)),
  ];
  return {
    x: dotGeneral(a.x, b.x, { contract: axes(contract), batch: axes(batch) }),
    labels: [
      ...batch,
      ...a.labels.filter((l) => !common.includes(l)),
      ...b.labels.filter((l) => !common.includes(l)),
    ],
  };
}

/** The call with letters for one with numbers of axes. */
function inLetters(given: readonly unknown[]): [string, ...NDArray[]] {
  const operands: NDArray[] = [];
  const terms: string[] = [];
  const rest = [...given];
  const term = (list: unknown): string => {
    if (!Array.isArray(list)) {
      throw new TypeError(
        "einsum: the subscripts come first, as text, or behind each operand the list of numbers of its " +
          `axes, not ${describeValue(list)}`,
      );
    }
    return list.map((axis: unknown) =>
      axis === "..." ? axis : LETTERS[expectInteger("einsum", axis, "the number of an axis", 0, 51)]
    ).join("");
  };
  while (rest[0] instanceof NDArray) {
    operands.push(rest.shift() as NDArray);
    terms.push(term(rest.shift()));
  }
  const output = Array.isArray(rest[0]) ? `->${term(rest.shift())}` : "";
  return [terms.join(",") + output, ...operands, ...rest as NDArray[]];
}

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/**
 * Sums of products by Einstein's convention, as `jax.numpy.einsum`: `"ij,jk->ik"` is a matrix product. A
 * letter names an axis; axes that the result does not name are summed over. `...` stands for axes
 * that broadcast. Without `->`, the result has the letters that occur once, in alphabetical order. In the place
 * of letters each operand may be followed by a list of numbers, and the last list be that of the result.
 *
 * @throws {SyntaxError} where the subscripts have no meaning.
 * @throws {ShapeError} where they do not fit the operands.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const a = np.array([[1, 2], [3, 4]]);
 * console.log(np.einsum("ij,j->i", a, np.array([1, 1])).toArray()); // [ 3, 7 ]
 * console.log(np.einsum("ii", a).item()); // 5
 * console.log(np.einsum(a, [0, 1], [1]).toArray()); // [ 4, 6 ]
 * ```
 */
export function einsum(subscripts: string, ...operands: readonly NDArray[]): NDArray;
/** With the numbers of its axes behind each operand. */
export function einsum(
  operand: NDArray,
  axes: readonly (number | "...")[],
  ...more: readonly (NDArray | readonly (number | "...")[] | ProductOptions)[]
): NDArray;
/** With options behind the operands. */
export function einsum(
  subscripts: string,
  ...operands: readonly [...NDArray[], ProductOptions]
): NDArray;
export function einsum(
  subscripts: string | NDArray,
  ...given: readonly (NDArray | ProductOptions | readonly (number | "...")[])[]
): NDArray {
  if (subscripts instanceof NDArray) {
    return einsum(...inLetters([subscripts, ...given]));
  }
  const last = given.at(-1);
  const options = isPlain(last) ? last as ProductOptions : {};
  const operands = (isPlain(last) ? given.slice(0, -1) : given) as readonly NDArray[];
  if (isPlain(last)) {
    checkCall(
      "einsum(subscripts, operands, options)",
      [subscripts, operands, last],
      productOptions,
    );
  }
  if (typeof subscripts !== "string") {
    throw new TypeError(
      `einsum: the subscripts come first, as a string such as "ij,jk->ik", not ${
        describeValue(subscripts)
      }`,
    );
  }
  const describe = (): string => JSON.stringify(subscripts);
  const [left, output, ...more] = subscripts.replace(/\s+/g, "").split("->") as [string, string?];
  const inputs = left.split(",");
  if (more.length > 0 || inputs.length !== operands.length || operands.length === 0) {
    throw new SyntaxError(
      more.length > 0
        ? `einsum: ${describe()} has more than one "->"`
        : `einsum: ${describe()} is for ${inputs.length} operand${
          inputs.length === 1 ? "" : "s"
        }, but ${operands.length} were given`,
    );
  }
  let arrays = operands.map((x, i) => expectArray("einsum", x, `operand ${i}`));
  const own = arrays.map((x) => x.dtype).reduce(promoteDTypes);
  const dtype = expectPreferred("einsum", options.preferredElementType, own);
  arrays = arrays.map((x) => convert(x, dtype));
  const inputTerms: Term[] = arrays.map((x, i) => ({
    x,
    labels: labelsOf(inputs[i]!, x.ndim, describe),
  }));
  const result = outputLabels(output, inputTerms.map((t) => t.labels), describe);
  const lengths = lengthsOf(inputTerms, describe);
  const terms = inputTerms.map((t) => simplified(t, lengths));

  let product: Term | null = null;
  for (let i = 0; i < terms.length; i++) {
    const later = new Set([...result, ...terms.slice(i + 1).flatMap((t) => t.labels)]);
    const own = summed(terms[i]!, new Set([...later, ...(product?.labels ?? [])]));
    product = product === null
      ? own
      : multiplied(summed(product, new Set([...later, ...own.labels])), own, later);
  }
  const { x, labels } = summed(product!, new Set(result));
  return transpose(x, result.map((l) => labels.indexOf(l)));
}
