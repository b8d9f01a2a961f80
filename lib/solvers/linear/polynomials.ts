/**
 * Approximate inverses that are polynomials of the operator, and so made of products alone: constants to derivatives,
 * as those of `preconditioners.ts`.
 *
 * @module
 */
import {
  checkCall,
  checkCount,
  describeValue,
  type NDArray,
  type OptionTable,
} from "../../core/mod.ts";
import { convert, div, full, iota, select } from "../../primitives/mod.ts";
import { pure } from "../../transforms/pure.ts";
import type { FloatTree } from "../fixed_point.ts";
import { norm } from "../norms.ts";
import { constant, type Form } from "./form.ts";
import { LinearOperator } from "./operator.ts";
import { diagonalOf, square, squareOperator } from "./preconditioners.ts";

/** Options of `neumann`. */
export interface NeumannOptions {
  /** Terms of the series (default 3). An even number needs `2 D - A` to be positive definite for `cg()`. */
  readonly terms?: number | undefined;
}

const neumannTable: OptionTable<NeumannOptions> = { terms: "count" };

/**
 * The first terms of Neumann's series, `(I + K + K^2 + ...) D^-1` with `K = I - D^-1 A`: for operators whose
 * diagonal D outweighs the rest, by products alone (Dubois, Greenbaum and Rodrigue, Computing 22, 1979). Of one term
 * it is `jacobi`.
 *
 * @throws {ShapeError} where `a` is not square.
 * @throws {RangeError} where `terms` is no number of terms.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { cg, LinearOperator, linearSolve, neumann } from "@injax/injax/linear";
 *
 * const [side, middle, b] = [np.full([50], -1), np.full([50], 2.1), np.ones([50])];
 * const a = LinearOperator.tridiagonal(side, middle, side, { positiveDefinite: true });
 * const steps = (options: object) => linearSolve(a, b, { solver: cg(), ...options }).steps.item();
 * console.log(steps({ preconditioner: neumann(a) }) < steps({})); // true
 * ```
 */
export function neumann(a: NDArray | LinearOperator, options?: NeumannOptions): LinearOperator;
/** Of an operator on trees. */
export function neumann<X extends FloatTree>(
  a: LinearOperator<X>,
  options?: NeumannOptions,
): LinearOperator<X>;
export function neumann<X extends FloatTree>(
  a: NDArray | LinearOperator<X>,
  options: NeumannOptions = {},
): LinearOperator<X> {
  if (arguments.length > 1) checkCall("neumann(a, options)", arguments, neumannTable);
  const { operator, matrix, tags } = square("neumann", a);
  const terms = atLeastOne("neumann", "terms", options.terms ?? 3);
  const inverse = div(full([matrix.shape[0]!], 1, matrix.dtype), diagonalOf(matrix));
  const still = constant(operator.form, pure);
  return LinearOperator.between(
    (v) => {
      const first = v.mul(inverse);
      let x = first;
      for (let i = 1; i < terms; i++) x = x.sub(still.apply(x, pure).mul(inverse)).add(first);
      return x;
    },
    operator.domain,
    operator.domain,
    terms % 2 === 1 ? tags : { symmetric: tags.symmetric },
  );
}

/** Options of `chebyshev`. */
export interface ChebyshevOptions {
  /** Products with A in an application, at least 1 (default 4). */
  readonly degree?: number | undefined;
  /**
   * The least and the largest eigenvalue; by default a hundredth of the largest, and the largest as 20 products
   * show it.
   */
  readonly bounds?: readonly [number, number] | undefined;
}

const chebyshevTable: OptionTable<ChebyshevOptions> = { degree: "count", bounds: "object" };

/**
 * The polynomial of A that is nearest to its inverse where the eigenvalues are: for symmetric and positive
 * definite operators, by products alone, so that nothing is written out (Saad, _Iterative Methods for Sparse Linear
 * Systems_, 12.3). It takes `degree` products and no sums over all unknowns, which steps of `cg()` take.
 *
 * @throws {ShapeError} where `a` is not square.
 * @throws {RangeError} where `degree` is no number of products, or `bounds` are not `0 < least < largest`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { cg, chebyshev, LinearOperator, linearSolve } from "@injax/injax/linear";
 *
 * const sizes = np.linspace(1, 100, 60);
 * const a = LinearOperator.of((x: np.NDArray) => x.mul(sizes), sizes, { positiveDefinite: true });
 * const b = np.ones([60]);
 * const steps = (options: object) => linearSolve(a, b, { solver: cg(), ...options }).steps.item();
 * const preconditioner = chebyshev(a, { bounds: [1, 100] });
 * console.log(2 * steps({ preconditioner }) < steps({})); // true
 * ```
 */
export function chebyshev(a: NDArray | LinearOperator, options?: ChebyshevOptions): LinearOperator;
/** Of an operator on trees. */
export function chebyshev<X extends FloatTree>(
  a: LinearOperator<X>,
  options?: ChebyshevOptions,
): LinearOperator<X>;
export function chebyshev<X extends FloatTree>(
  a: NDArray | LinearOperator<X>,
  options: ChebyshevOptions = {},
): LinearOperator<X> {
  if (arguments.length > 1) checkCall("chebyshev(a, options)", arguments, chebyshevTable);
  const { operator, tags } = squareOperator("chebyshev", a);
  const degree = atLeastOne("chebyshev", "degree", options.degree ?? 4);
  const { bounds } = options;
  const still = constant(operator.form, pure);
  const { dtype, columns: n } = operator.form;
  const [low, high] = bounds === undefined ? spectrum(still) : boundsOf(bounds, dtype);
  const [theta, delta] = [high.add(low).mul(0.5), high.sub(low).mul(0.5)];
  const sigma = theta.div(delta);
  return LinearOperator.between(
    (v) => {
      // The letters are those of the book: x solves A x = v up to T(degree + 1).
      let [r, rho, d] = [v, delta.div(theta), v.div(theta)];
      let x = full([n], 0, dtype).add(d);
      for (let i = 0; i < degree; i++) {
        r = r.sub(still.apply(d, pure));
        const next = div(full([], 1, dtype), sigma.mul(2).sub(rho));
        d = d.mul(next.mul(rho)).add(r.mul(next.mul(2).div(delta)));
        rho = next;
        x = x.add(d);
      }
      return x;
    },
    operator.domain,
    operator.domain,
    tags,
  );
}

function boundsOf(bounds: unknown, dtype: NDArray["dtype"]): readonly [NDArray, NDArray] {
  const [low, high] = Array.isArray(bounds) && bounds.length === 2 ? bounds : [NaN, NaN];
  if (!(low > 0 && high > low && high < Infinity)) {
    throw new RangeError(
      `chebyshev: bounds must be [least, largest] eigenvalues with 0 < least < largest, not ${
        Array.isArray(bounds) ? `[${bounds.join(", ")}]` : describeValue(bounds)
      }`,
    );
  }
  return [full([], low, dtype), full([], high, dtype)];
}

/** The largest eigenvalue as the power method comes to see it, and a hundredth of it. */
function spectrum(a: Form): readonly [NDArray, NDArray] {
  const { columns: n, dtype } = a;
  // No eigenvector of what one meets.
  const at = convert(iota([n], 0, "int32"), dtype);
  const first = at.mul(2.399963).sin().add(1.25);
  const { size } = pure.foriLoop(
    0,
    powerSteps,
    (_: unknown, { v }: Readonly<Record<"v" | "size", NDArray>>) => {
      const next = a.apply(v, pure);
      const size = norm(next);
      return { v: next.div(select(size.equal(0), full([], 1, dtype), size)), size };
    },
    { v: first.div(norm(first)), size: full([], 1, dtype) },
  );
  // What is seen is less than what there is, and an eigenvalue beyond the bounds may change the sign.
  const high = select(size.greater(0), size.mul(1.2), full([], 1, dtype));
  return [high.mul(0.01), high];
}

function atLeastOne(op: string, name: string, value: number): number {
  checkCount(op, name, value);
  if (value < 1) throw new RangeError(`${op}: ${name} must be at least 1, not 0`);
  return value;
}

/** Products by which the largest eigenvalue is estimated. */
const powerSteps = 20;
