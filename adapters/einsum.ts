/**
 * Equations of layers that multiply an input by weights, as Flax's `Einsum` takes them.
 *
 * @module
 */
import { describeValue, formatShape } from "../lib/extend.ts";
import { ShapeError } from "../mod.ts";

/** What is said of the bias by an equation. */
export interface BiasShapes {
  /** Of the axes of the weights that the result has, in the order of the result. */
  readonly own: readonly number[];
  /** The same, with as many axes as the result. */
  readonly broadcast: readonly number[];
}

/**
 * An equation of an input and weights, without spaces.
 *
 * @throws {ShapeError} where it has no result, or not two operands.
 */
export function checkEquation(op: string, equation: unknown): string {
  if (typeof equation !== "string") {
    throw new TypeError(
      `${op}: the equation must be a string such as "...a,ab->...b", not ${
        describeValue(equation)
      }. Give it to the constructor or to call`,
    );
  }
  const text = equation.replaceAll(" ", "");
  if (text.includes("->") && text.split(",").length === 2) return text;
  throw new ShapeError(
    `${op}: the equation ${
      JSON.stringify(equation)
    } must have two operands, the input and the weights, ` +
      'and name the axes of the result: "...a,ab->...b"',
  );
}

/** Names for the axes of a term; those that dots stand for are counted from the right. */
function axesOf(term: string, dots: number): readonly string[] {
  const [before, after] = term.split("...");
  if (after === undefined) return [...term];
  return [...before!, ...Array.from({ length: dots }, (_, i) => `.${dots - i}`), ...after];
}

/** The shapes of a bias: the axes of the result that the weights have. */
export function biasShapes(
  op: string,
  equation: string,
  inputAxes: number,
  shape: readonly number[],
): BiasShapes {
  const [operands, result] = equation.split("->") as [string, string];
  const [input, weights] = operands.split(",") as [string, string];
  const dotsOf = (term: string, count: number): number =>
    term.includes("...") ? count - term.length + 3 : 0;
  const [ofInput, ofWeights] = [dotsOf(input, inputAxes), dotsOf(weights, shape.length)];
  const own = axesOf(weights, ofWeights);
  if (own.length !== shape.length) {
    throw new ShapeError(
      `${op}: the equation ${
        JSON.stringify(equation)
      } names ${own.length} axes of the weights, which are ${formatShape(shape)}`,
    );
  }
  const sizes = axesOf(result, Math.max(ofInput, ofWeights)).map((a) => own.indexOf(a));
  return {
    own: sizes.flatMap((i) => i < 0 ? [] : [shape[i]!]),
    broadcast: sizes.map((i) => i < 0 ? 1 : shape[i]!),
  };
}
