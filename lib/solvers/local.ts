/**
 * What a method may ask at a point, by derivatives of the problem there.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { iota } from "../primitives/constants/iota.ts";
import { zerosLike } from "../primitives/constants/full.ts";
import { eq } from "../primitives/elementwise/compare.ts";
import { isFinite } from "../primitives/elementwise/elementary.ts";
import { select } from "../primitives/elementwise/select.ts";
import { stopGradient } from "../primitives/elementwise/stop_gradient.ts";
import { transpose } from "../primitives/shape/transpose.ts";
import type { Evaluation, Local } from "./method.ts";
import { norm } from "./norms.ts";

/** A problem's `Local` at `x` [n]. */
export function localAt<Given extends Pick<Local, "transforms">>(
  evaluate: (x: NDArray) => Evaluation,
  x: NDArray,
  given: Given,
): Given & Pick<Local, "evaluate" | "jacobian" | "push" | "pull"> {
  const { transforms } = given;
  const residual = (x: NDArray): NDArray => evaluate(x).r;
  return {
    ...given,
    evaluate,
    jacobian() {
      const [r, push] = transforms.linearize(residual, [x]);
      const [m, n] = [r.size, x.size];
      const identity = (k: number): NDArray =>
        eq(iota([k, k], 0, "int32"), iota([k, k], 1, "int32")).astype(x.dtype);
      // The fewer products.
      if (n <= m) return transpose(transforms.vmap(push)(identity(n)) as NDArray, [1, 0]);
      const [, pull] = transforms.vjp(residual, [x]);
      return transforms.vmap((w: NDArray) => pull(w)[0])(identity(m)) as NDArray;
    },
    push: (v) => transforms.jvp(residual, [x], [v])[1] as NDArray,
    pull: (w) => transforms.vjp(residual, [x])[1](w)[0] as NDArray,
  };
}

/**
 * What a step [n] from `x` answers to changes of what it is computed of: 0 with the derivatives of `x + step`, and
 * without any where that is not finite.
 */
export function answerOf(x: NDArray, step: NDArray): NDArray {
  const line = x.add(step);
  const answer = line.sub(stopGradient(line));
  return select(isFinite(norm(stopGradient(line))), answer, zerosLike(answer));
}
