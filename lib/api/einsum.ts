/**
 * Sums of products with axes named by letters. Terms are contracted two at a time from the left, each
 * as soon as possible, so that no intermediate array has axes that nothing needs any more.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { promoteDTypes } from "../core/dtype.ts";
import { describeValue, formatShape, ShapeError } from "../core/errors.ts";
import { checkCall, isPlain } from "../core/signature.ts";
import { dotGeneral } from "../primitives/dot/dot_general.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { transpose } from "../primitives/shape/transpose.ts";
import { reduceSum } from "../primitives/sum/broadcast.ts";
import { diagonal } from "./indexing.ts";
import type { ProductOptions } from "./arguments.ts";
import { boolToInt, expectArray, expectPreferred } from "./operands.ts";
import { productOptions } from "./options.ts";

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

/** Sums over the axes that are not needed. */
function summed({ x, labels }: Term, needed: ReadonlySet<string>): Term {
  const axes = labels.map((_, i) => i).filter((i) => !needed.has(labels[i]!));
  return { x: reduceSum(x, axes), labels: labels.filter((l) => needed.has(l)) };
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

/**
 * Sums of products by Einstein's convention, as `jax.numpy.einsum`: `"ij,jk->ik"` is a matrix product. A
 * letter names an axis; axes that the result does not name are summed over. `...` stands for axes
 * that broadcast. Without `->`, the result has the letters that occur once, in alphabetical order.
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
 * ```
 */
export function einsum(subscripts: string, ...operands: readonly NDArray[]): NDArray;
/** With options behind the operands. */
export function einsum(
  subscripts: string,
  ...operands: readonly [...NDArray[], ProductOptions]
): NDArray;
export function einsum(
  subscripts: string,
  ...given: readonly (NDArray | ProductOptions)[]
): NDArray {
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
  const own = boolToInt(arrays.map((x) => x.dtype).reduce(promoteDTypes));
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
