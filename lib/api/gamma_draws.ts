/**
 * Gamma numbers and what is made of them, from the bits of a key as JAX makes them: the same trials are
 * accepted, and results agree to a few rounding errors. They are differentiable in their parameters.
 *
 * G. Marsaglia and W. W. Tsang, "A simple method for generating gamma variables", ACM Transactions on
 * Mathematical Software 26 (2000).
 *
 * @module
 */
import type { Named } from "../core/method_options.ts";
import {
  type DType,
  expectInteger,
  type NDArray,
  type Operand,
  readOptions,
  scalarArray,
  ShapeError,
  sizeOf,
  smallestNormal,
} from "../core/mod.ts";
import {
  add,
  and,
  broadcastTo,
  div,
  eq,
  exp,
  ge,
  le,
  log,
  log1p,
  maximum,
  mul,
  neg,
  onesLike,
  or,
  pow,
  randomGammaGrad,
  reshape,
  scalarLike,
  select,
  sqrt,
  sub,
  zerosLike,
} from "../primitives/mod.ts";
import { customJvp, whileLoop } from "../transforms/public.ts";
import type { DTypeOptions, ShapeLike } from "./arguments.ts";
import {
  drawing,
  exponentialOf,
  fractions,
  fractionsOf,
  type Halves,
  normalOf,
  normals,
  signs,
  subkeys,
  words,
} from "./draws.ts";
import { asFloat, expectShape, isNamed } from "./operands.ts";
import { dtypeOptions } from "./options.ts";
import { softmax } from "./softmax.ts";

// ---------------------------------------------------------------- the method

/** A fraction for each lane of keys. */
function laneFractions(keys: Halves, dtype: DType): NDArray {
  return fractionsOf(subkeys(keys, 1)[0]!, dtype);
}

/** Whether a trial fails: the quick test of the paper's, then the exact one. */
function fails(u: NDArray, x2: NDArray, v: NDArray, d: NDArray): NDArray {
  const c = (value: number): NDArray => scalarLike(value, u);
  const quick = ge(u, sub(c(1), mul(c(0.0331), mul(x2, x2))));
  const bound = add(mul(x2, c(0.5)), mul(d, add(sub(c(1), v), log(v))));
  return and(quick, ge(log(u), bound));
}

/**
 * The v of an accepted trial for each lane, which is d v = d (1 + c x)^3 of a normal x. Lanes that are
 * done wait for the others.
 */
function accepted(keys: Halves, d: NDArray): NDArray {
  const zero = zerosLike(d);
  const one = onesLike(d);
  const c = div(scalarLike(1 / 3, d), sqrt(d));
  const normalAt = (key: Halves): { next: Halves; x: NDArray; v: NDArray } => {
    const [next, own] = subkeys(key, 2);
    const x = normalOf(laneFractions(own!, d.dtype));
    return { next: next!, x, v: add(one, mul(x, c)) };
  };
  const start = {
    key: keys,
    v: one,
    // NaN where d is, and so done at once.
    going: fails(add(one, one), zero, one, d),
  };
  const end = whileLoop(
    ({ going }: typeof start) => going.any(),
    ({ key, v, going }: typeof start) => {
      const [next, forX, forU] = subkeys(key, 3);
      const trial = whileLoop(
        (t: ReturnType<typeof normalAt>) => and(going, le(t.v, zero)).any(),
        (t: ReturnType<typeof normalAt>) => {
          const again = normalAt(t.next);
          const bad = le(t.v, zero);
          return {
            next: again.next,
            x: select(bad, again.x, t.x),
            v: select(bad, again.v, t.v),
          };
        },
        normalAt(forX!),
      );
      const cube = mul(mul(trial.v, trial.v), trial.v);
      const u = laneFractions(forU!, d.dtype);
      return {
        key: next!,
        v: select(going, cube, v),
        going: and(going, fails(u, mul(trial.x, trial.x), cube, d)),
      };
    },
    start,
  );
  return end.v;
}

/**
 * Gamma numbers of shapes `a` for lanes of keys, or their logarithms, which have no smallest one. Of shapes
 * below 1 they are those of 1 more, times a power of a uniform number.
 */
function drawn(keys: Halves, a: NDArray, logarithms: boolean): NDArray {
  const one = onesLike(a);
  const large = ge(a, one);
  const d = sub(select(large, a, add(a, one)), scalarLike(1 / 3, a));
  const [forTrials, forBoost] = subkeys(keys, 2);
  const v = accepted(forTrials!, d);
  const u = laneFractions(forBoost!, a.dtype);
  if (!logarithms) {
    return mul(mul(d, v), select(large, one, pow(sub(one, u), div(one, a))));
  }
  const logU = log1p(neg(u));
  const none = or(large, eq(logU, zerosLike(u)));
  return add(add(log(d), log(v)), select(none, zerosLike(u), mul(logU, div(one, a))));
}

/**
 * The draws with their derivative by the shapes, from that of the distribution function: the number keeps
 * its place among all.
 */
function differentiable(logarithms: boolean): (key: Halves, a: NDArray) => NDArray {
  const draw: (key: Halves, a: NDArray) => NDArray = customJvp(
    (key: Halves, a: NDArray) => drawn(key, a, logarithms),
    ([key, a]: [Halves, NDArray], [, da]: [unknown, NDArray]): [NDArray, NDArray] => {
      const y = draw(key, a);
      if (!logarithms) return [y, mul(da, randomGammaGrad(a, y))];
      const tiny = scalarArray(smallestNormal(a.dtype), a.dtype);
      const x = exp(y);
      const sample = select(eq(x, zerosLike(x)), broadcastTo(tiny, x.shape), x);
      return [y, mul(da, div(randomGammaGrad(a, sample), sample))];
    },
  );
  return draw;
}

/** Gamma numbers, or their logarithms, of shapes `a`, which broadcast to the shape of the result. */
function gammas(
  op: string,
  key: Halves,
  a: NDArray,
  shape: readonly number[],
  logarithms = false,
): NDArray {
  const n = sizeOf(shape);
  const flat = reshape(broadcastTo(a, shape), [n]);
  return reshape(differentiable(logarithms)(words(op, key, n), flat), shape);
}

// ---------------------------------------------------------------- gamma

/**
 * Numbers of the gamma distribution with shape `a` and scale 1, as `jax.random.gamma`. The shape of the
 * result is that of `a` where it is left out. For small `a`, where many are 0, take {@linkcode loggamma}.
 *
 * @throws {ShapeError} where `a` does not broadcast to the shape.
 *
 * @example
 * ```ts
 * import { grad, type NDArray, numpy as np, random } from "@injax/injax";
 *
 * const key = random.key(0);
 * console.log(random.gamma(key, 3, [4000]).mean().item().toFixed(1)); // 3.0
 *
 * // The mean of the numbers is a, and so its derivative is 1.
 * const mean = (a: NDArray) => random.gamma(key, a, [4000]).mean();
 * console.log(grad(mean)(np.array(3)).item().toFixed(1)); // 1.0
 * ```
 */
export function gamma(
  key: NDArray,
  a: Operand,
  shape?: ShapeLike | null | Named<DTypeOptions, { shape: ShapeLike | null }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("gamma(key, a, shape, options)", arguments, dtypeOptions, 2);
  }
  if (isNamed(shape)) return gamma(key, a, shape.shape, shape);
  const { key: from, to, p } = drawing("gamma", key, { a }, shape, options.dtype);
  return gammas("gamma", from, p.a, to);
}

/**
 * Logarithms of numbers of the gamma distribution with shape `a` and scale 1, as `jax.random.loggamma`:
 * they do not underflow for small `a`. The shape of the result is that of `a` where it is left out.
 *
 * @throws {ShapeError} where `a` does not broadcast to the shape.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 *
 * const x = random.loggamma(random.key(0), 0.001, [1000]);
 * console.log(np.isFinite(x).all().item(), np.exp(x).min().item()); // 1 0
 * ```
 */
export function loggamma(
  key: NDArray,
  a: Operand,
  shape?: ShapeLike | null | Named<DTypeOptions, { shape: ShapeLike | null }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("loggamma(key, a, shape, options)", arguments, dtypeOptions, 2);
  }
  if (isNamed(shape)) return loggamma(key, a, shape.shape, shape);
  const { key: from, to, p } = drawing("loggamma", key, { a }, shape, options.dtype);
  return gammas("loggamma", from, p.a, to, true);
}

// ---------------------------------------------------------------- ratios

/**
 * Numbers of the beta distribution, as `jax.random.beta`. The shape is that of the parameters where it is
 * left out.
 *
 * @throws {ShapeError} where the parameters do not broadcast to the shape.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.beta(random.key(0), 1, 3, [4000]).mean().item().toFixed(2)); // 0.25
 * ```
 */
export function beta(
  key: NDArray,
  a: Operand,
  b: Operand,
  shape?: ShapeLike | null | Named<DTypeOptions, { shape: ShapeLike | null }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 4) {
    options = readOptions("beta(key, a, b, shape, options)", arguments, dtypeOptions, 3);
  }
  if (isNamed(shape)) return beta(key, a, b, shape.shape, shape);
  const op = "beta";
  const { key: from, to, p } = drawing(op, key, { a, b }, shape, options.dtype);
  const [first, second] = subkeys(from, 2);
  const x = gammas(op, first!, p.a, to, true);
  const y = gammas(op, second!, p.b, to, true);
  const most = maximum(x, y);
  const [ex, ey] = [exp(sub(x, most)), exp(sub(y, most))];
  return div(ex, add(ex, ey));
}

/**
 * Probabilities of the Dirichlet distribution, as `jax.random.dirichlet`: along the last axis, which is
 * that of `alpha`, they sum to 1.
 *
 * @param shape The shape in front of that axis; that of `alpha` where it is left out.
 * @throws {ShapeError} where `alpha` is a scalar, or does not broadcast to the shape.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 *
 * const p = random.dirichlet(random.key(0), np.array([1, 2, 5]), [4000]);
 * console.log(p.shape, p.at(0).sum().item().toFixed(3)); // [ 4000, 3 ] 1.000
 * ```
 */
export function dirichlet(
  key: NDArray,
  alpha: NDArray,
  shape?: ShapeLike | null | Named<DTypeOptions, { shape: ShapeLike | null }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("dirichlet(key, alpha, shape, options)", arguments, dtypeOptions, 2);
  }
  if (isNamed(shape)) return dirichlet(key, alpha, shape.shape, shape);
  const op = "dirichlet";
  const given = asFloat(op, alpha, "alpha");
  if (given.ndim === 0) {
    throw new ShapeError(`${op}: alpha is a scalar, but must have an axis of categories`);
  }
  const n = given.shape.at(-1)!;
  const whole = (shape ?? null) === null ? given.shape : [...expectShape(op, shape), n];
  const { key: from, to, p } = drawing(op, key, { alpha: given }, whole, options.dtype);
  return softmax(gammas(op, from, p.alpha, to, true), -1);
}

/**
 * Numbers of the chi-square distribution with `df` degrees of freedom, as `jax.random.chisquare`. The shape
 * is that of `df` where it is left out.
 *
 * @throws {ShapeError} where `df` does not broadcast to the shape.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.chisquare(random.key(0), 2, [4000]).mean().item().toFixed(0)); // 2
 * ```
 */
export function chisquare(
  key: NDArray,
  df: Operand,
  shape?: ShapeLike | null | Named<DTypeOptions, { shape: ShapeLike | null }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("chisquare(key, df, shape, options)", arguments, dtypeOptions, 2);
  }
  if (isNamed(shape)) return chisquare(key, df, shape.shape, shape);
  const { key: from, to, p } = drawing("chisquare", key, { df }, shape, options.dtype);
  return chisquares("chisquare", from, p.df, to);
}

function chisquares(op: string, key: Halves, df: NDArray, shape: readonly number[]): NDArray {
  const two = scalarLike(2, df);
  return mul(exp(gammas(op, key, div(df, two), shape, true)), two);
}

/**
 * Numbers of the F distribution with `dfnum` and `dfden` degrees of freedom, as `jax.random.f`. The shape is
 * that of the parameters where it is left out.
 *
 * @throws {ShapeError} where the parameters do not broadcast to the shape.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.f(random.key(0), 4, 20, [4000]).mean().item().toFixed(1)); // 1.1
 * ```
 */
export function f(
  key: NDArray,
  dfnum: Operand,
  dfden: Operand,
  shape?: ShapeLike | null | Named<DTypeOptions, { shape: ShapeLike | null }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 4) {
    options = readOptions("f(key, dfnum, dfden, shape, options)", arguments, dtypeOptions, 3);
  }
  if (isNamed(shape)) return f(key, dfnum, dfden, shape.shape, shape);
  const { key: from, to, p } = drawing("f", key, { dfnum, dfden }, shape, options.dtype);
  const [forDen, forNum] = subkeys(from, 2);
  return div(
    div(chisquares("f", forNum!, p.dfnum, to), p.dfnum),
    div(chisquares("f", forDen!, p.dfden, to), p.dfden),
  );
}

/**
 * Numbers of Student's t distribution with `df` degrees of freedom, as `jax.random.t`. The shape is that of
 * `df` where it is left out.
 *
 * @throws {ShapeError} where `df` does not broadcast to the shape.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.t(random.key(0), 10, [4000]).var().item().toFixed(1)); // 1.3
 * ```
 */
export function t(
  key: NDArray,
  df: Operand,
  shape?: ShapeLike | null | Named<DTypeOptions, { shape: ShapeLike | null }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("t(key, df, shape, options)", arguments, dtypeOptions, 2);
  }
  if (isNamed(shape)) return t(key, df, shape.shape, shape);
  const { key: from, to, dtype, p } = drawing("t", key, { df }, shape, options.dtype);
  const [first, second] = subkeys(from, 2);
  const half = div(p.df, scalarLike(2, p.df));
  return mul(normals("t", first!, to, dtype), sqrt(div(half, gammas("t", second!, half, to))));
}

// ---------------------------------------------------------------- powers

/**
 * Numbers whose density is as `exp(-|x|^p)`, as `jax.random.generalized_normal`: p = 1 is the Laplace
 * distribution, p = 2 the normal one with variance 1/2.
 *
 * @throws {ShapeError} where `p` does not broadcast to the shape.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.generalizedNormal(random.key(0), 2, [4000]).var().item().toFixed(1)); // 0.5
 * ```
 */
export function generalizedNormal(
  key: NDArray,
  p: Operand,
  shape: ShapeLike | Named<DTypeOptions, { shape: ShapeLike }> = [],
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("generalizedNormal(key, p, shape, options)", arguments, dtypeOptions, 2);
  }
  if (isNamed(shape)) return generalizedNormal(key, p, shape.shape, shape);
  const op = "generalizedNormal";
  const { key: from, to, p: { p: power } } = drawing(op, key, { p }, shape, options.dtype);
  return powered(op, from, power, to);
}

function powered(op: string, key: Halves, p: NDArray, shape: readonly number[]): NDArray {
  const [first, second] = subkeys(key, 2);
  const inverse = div(scalarLike(1, p), p);
  const size = pow(gammas(op, first!, inverse, shape), inverse);
  return mul(signs(op, second!, shape, p.dtype), size);
}

/**
 * Points in the unit ball of `d` dimensions with the p-norm, evenly distributed, as `jax.random.ball`:
 * along the last axis.
 *
 * @param shape The shape in front of that axis.
 * @throws {RangeError} where `d` is not an integer from 0.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 *
 * const x = random.ball(random.key(0), 3, 2, [4000]);
 * // A half of the volume is within half of the radius, cubed: 1/8.
 * const near = np.sqrt(x.square().sum(-1)).less(0.5).mean();
 * console.log(x.shape, near.item().toFixed(1)); // [ 4000, 3 ] 0.1
 * ```
 */
export function ball(
  key: NDArray,
  d: number,
  p: Operand | Named<DTypeOptions, { p: Operand; shape: ShapeLike }> = 2,
  shape: ShapeLike | Named<DTypeOptions, { shape: ShapeLike }> = [],
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 4) {
    options = readOptions("ball(key, d, p, shape, options)", arguments, dtypeOptions, 2);
  }
  if (isNamed(p)) return ball(key, d, p.p, p.shape, p);
  if (isNamed(shape)) return ball(key, d, p, shape.shape, shape);
  const op = "ball";
  expectInteger(op, d, "d", 0, 2 ** 31 - 1);
  const drawn = drawing(op, key, { p }, shape, options.dtype);
  const { key: from, to, dtype, p: { p: power } } = drawn;
  const [first, second] = subkeys(from, 2);
  const whole = [...to, d];
  const inner = power.ndim === 0 ? power : reshape(broadcastTo(power, to), [...to, 1]);
  const g = powered(op, first!, inner, whole);
  const e = exponentialOf(fractions(op, second!, to, dtype));
  const norm = pow(add(pow(g.abs(), inner).sum(-1), e), div(scalarLike(1, power), power));
  return div(g, reshape(norm, [...to, 1]));
}
