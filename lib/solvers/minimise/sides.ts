/**
 * Whether a point is a minimum, asked of values on both sides of it, where the Hessian alone does not tell: to 0 of
 * `x^3` Newton's steps come by halves, as they come to a minimum of higher order, and all that is left there is nothing
 * beside what was gained.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { scalarArray } from "../../core/concrete.ts";
import { zerosLike } from "../../primitives/constants/full.ts";
import { and, not } from "../../primitives/elementwise/compare.ts";
import { select } from "../../primitives/elementwise/select.ts";
import type { Transforms } from "../../transforms/types.ts";

/** What is asked. */
export interface Question {
  /** The point [n], and the value there. */
  readonly x: NDArray;
  readonly value: NDArray;
  /** The step that is left, a descent [n]: `x - step` is better. */
  readonly step: NDArray;
  /** The value at another point. */
  readonly valueAt: (x: NDArray) => NDArray;
  /** How much lower is lower. */
  readonly noise: NDArray;
  /** Whether it is asked: a bool. */
  readonly asked: NDArray;
}

/** What came out. */
export interface Sides {
  /** Whether there is something lower: a bool. */
  readonly lower: NDArray;
  /** Where: `x - step`; 0 where there is nothing. */
  readonly step: NDArray;
  /** The gain there, not positive. */
  readonly slope: NDArray;
  /** Evaluations. */
  readonly looks: NDArray;
}

/** Looks at most twice: first ahead, beyond where the step leads, then back. Nothing where it is not asked. */
export function sides(
  { x, value, step, valueAt, noise, asked }: Question,
  transforms: Transforms,
): Sides {
  const [zero, one] = [scalarArray(0, "int32"), scalarArray(1, "int32")];
  const far = step.mul(beyond);
  const { lower, looks, slope, there } = transforms.whileLoop(
    (c) => c.open,
    ({ looks }) => {
      const there = select(looks.equal(0), far, far.neg());
      const gain = valueAt(x.sub(there)).sub(value);
      const lower = gain.less(noise.neg());
      return {
        lower,
        looks: looks.add(one),
        slope: select(lower, gain, zerosLike(gain)),
        there: select(lower, there, zerosLike(there)),
        open: and(not(lower), looks.equal(0)),
      };
    },
    {
      lower: scalarArray(0, "bool"),
      looks: zero,
      slope: zerosLike(value),
      there: zerosLike(far),
      open: asked,
    },
  );
  return { lower, looks, slope, step: there };
}

/**
 * How far to look, in steps that are left: Newton's step to a minimum of order m is the distance over `m - 1`, and what
 * lies nearer than twice the distance is lower in any case.
 */
const beyond = 32;
