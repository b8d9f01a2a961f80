/**
 * Random numbers of continuous distributions that are functions of a few uniform or normal numbers, from
 * the bits of a key as JAX makes them.
 *
 * @module
 */
import type { Named } from "../core/method_options.ts";
import {
  broadcastShapes,
  type DType,
  epsilon,
  expectFloat,
  type NDArray,
  type Operand,
  readOptions,
  scalarArray,
  smallestNormal,
} from "../core/mod.ts";
import {
  add,
  broadcastTo,
  div,
  le,
  log,
  log1p,
  lt,
  mul,
  not,
  select,
  sqrt,
  sub,
  tan,
} from "../primitives/mod.ts";
import type { DTypeOptions, ShapeLike } from "./arguments.ts";
import {
  between,
  centred,
  drawing,
  exponentialOf,
  fractions,
  type Halves,
  halves,
  normals,
  signs,
  subkeys,
} from "./draws.ts";
import { expectShape, isNamed } from "./operands.ts";
import { dtypeOptions } from "./options.ts";

// ---------------------------------------------------------------- without parameters

/**
 * Numbers of the standard Cauchy distribution, as `jax.random.cauchy`; float32 where no dtype is given.
 *
 * @throws {TypeError} where `key` is not a key, or the dtype not a float type.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 *
 * const x = random.cauchy(random.key(0), [1001]);
 * console.log(Math.abs(np.median(x).item()) < 0.1); // true
 * ```
 */
export function cauchy(
  key: NDArray,
  shape: ShapeLike | Named<DTypeOptions, { shape: ShapeLike }> = [],
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("cauchy(key, shape, options)", arguments, dtypeOptions, 1);
  }
  if (isNamed(shape)) return cauchy(key, shape.shape, shape);
  const op = "cauchy";
  const dtype = expectFloat(op, options.dtype);
  const c = constants(dtype);
  const u = between(op, halves(op, key), expectShape(op, shape), c(epsilon(dtype)), c(1));
  return tan(mul(c(Math.PI), sub(u, c(0.5))));
}

/**
 * Numbers of the standard Laplace distribution, as `jax.random.laplace`: exponential to both sides of 0;
 * float32 where no dtype is given.
 *
 * @throws {TypeError} where `key` is not a key, or the dtype not a float type.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.laplace(random.key(0), [4000]).var().item().toFixed(0)); // 2
 * ```
 */
export function laplace(
  key: NDArray,
  shape: ShapeLike | Named<DTypeOptions, { shape: ShapeLike }> = [],
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("laplace(key, shape, options)", arguments, dtypeOptions, 1);
  }
  if (isNamed(shape)) return laplace(key, shape.shape, shape);
  const op = "laplace";
  const dtype = expectFloat(op, options.dtype);
  const u = centred(fractions(op, halves(op, key), expectShape(op, shape), dtype));
  // log1p(-|u|) with the sign of u, which is 0 where u is.
  const size = log1p(u.abs().neg());
  return select(lt(u, constants(dtype)(0)), size.neg(), size);
}

/**
 * Numbers of the standard logistic distribution, as `jax.random.logistic`; float32 where no dtype is given.
 *
 * @throws {TypeError} where `key` is not a key, or the dtype not a float type.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.logistic(random.key(0), [4000]).std().item().toFixed(1)); // 1.8
 * ```
 */
export function logistic(
  key: NDArray,
  shape: ShapeLike | Named<DTypeOptions, { shape: ShapeLike }> = [],
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("logistic(key, shape, options)", arguments, dtypeOptions, 1);
  }
  if (isNamed(shape)) return logistic(key, shape.shape, shape);
  const op = "logistic";
  const dtype = expectFloat(op, options.dtype);
  const tiny = scalarArray(smallestNormal(dtype), dtype);
  const u = add(fractions(op, halves(op, key), expectShape(op, shape), dtype), tiny);
  return sub(log(u), log1p(u.neg()));
}

/**
 * Numbers of the standard Maxwell distribution, as `jax.random.maxwell`: lengths of normal vectors in
 * space; float32 where no dtype is given.
 *
 * @throws {TypeError} where `key` is not a key, or the dtype not a float type.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.maxwell(random.key(0), [4000]).mean().item().toFixed(1)); // 1.6
 * ```
 */
export function maxwell(
  key: NDArray,
  shape: ShapeLike | Named<DTypeOptions, { shape: ShapeLike }> = [],
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("maxwell(key, shape, options)", arguments, dtypeOptions, 1);
  }
  if (isNamed(shape)) return maxwell(key, shape.shape, shape);
  const op = "maxwell";
  return lengths(op, halves(op, key), expectShape(op, shape), expectFloat(op, options.dtype));
}

/** Lengths of normal vectors in space. */
function lengths(op: string, key: Halves, shape: readonly number[], dtype: DType): NDArray {
  return sqrt(normals(op, key, [...shape, 3], dtype).square().sum(-1));
}

const constants = (dtype: DType) => (value: number): NDArray => scalarArray(value, dtype);

// ---------------------------------------------------------------- with parameters

/**
 * Numbers `loc + scale m`, where `m` is of the Maxwell distribution with either sign, as
 * `jax.random.double_sided_maxwell`.
 *
 * @param shape In front of the shape to which `loc` and `scale` broadcast; none where left out.
 * @throws {ShapeError} where `loc` and `scale` do not broadcast.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.doubleSidedMaxwell(random.key(0), 1, 2, [4000]).mean().item().toFixed(0)); // 1
 * ```
 */
export function doubleSidedMaxwell(
  key: NDArray,
  loc: Operand,
  scale: Operand,
  shape: ShapeLike | Named<DTypeOptions, { shape: ShapeLike }> = [],
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 4) {
    options = readOptions(
      "doubleSidedMaxwell(key, loc, scale, shape, options)",
      arguments,
      dtypeOptions,
      3,
    );
  }
  if (isNamed(shape)) return doubleSidedMaxwell(key, loc, scale, shape.shape, shape);
  const op = "doubleSidedMaxwell";
  const { key: from, to, dtype, p } = drawing(op, key, { loc, scale }, undefined, options.dtype);
  const all = [...expectShape(op, shape), ...to];
  const [size, side] = subkeys(from, 2);
  const x = mul(signs(op, side!, all, dtype), lengths(op, size!, all, dtype));
  return add(mul(x, p.scale), p.loc);
}

/**
 * Log-normal numbers, `exp(sigma z)` of normal `z`, as `jax.random.lognormal`. The shape is that of `sigma`
 * where it is left out.
 *
 * @throws {ShapeError} where `sigma` does not broadcast to the shape.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.lognormal(random.key(0), 0.5, [4000]).log().std().item().toFixed(1)); // 0.5
 * ```
 */
export function lognormal(
  key: NDArray,
  sigma: Operand | Named<DTypeOptions, { sigma: Operand; shape: ShapeLike }> = 1,
  shape?: ShapeLike | null | Named<DTypeOptions, { shape: ShapeLike | null }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("lognormal(key, sigma, shape, options)", arguments, dtypeOptions, 1);
  }
  if (isNamed(sigma)) return lognormal(key, sigma.sigma, sigma.shape, sigma);
  if (isNamed(shape)) return lognormal(key, sigma, shape.shape, shape);
  const op = "lognormal";
  const { key: from, to, dtype, p } = drawing(op, key, { sigma }, shape, options.dtype);
  return mul(normals(op, from, to, dtype), p.sigma).exp();
}

/**
 * Numbers from 1 on of the Pareto distribution with exponent `b`, as `jax.random.pareto`. The shape is that
 * of `b` where it is left out.
 *
 * @throws {ShapeError} where `b` does not broadcast to the shape.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.pareto(random.key(0), 5, [4000]).mean().item().toFixed(2)); // 1.25
 * ```
 */
export function pareto(
  key: NDArray,
  b: Operand,
  shape?: ShapeLike | null | Named<DTypeOptions, { shape: ShapeLike | null }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("pareto(key, b, shape, options)", arguments, dtypeOptions, 2);
  }
  if (isNamed(shape)) return pareto(key, b, shape.shape, shape);
  const op = "pareto";
  const { key: from, to, dtype, p } = drawing(op, key, { b }, shape, options.dtype);
  return div(exponentialOf(fractions(op, from, to, dtype)), p.b).exp();
}

/**
 * Numbers of the Rayleigh distribution, as `jax.random.rayleigh`: lengths of vectors in the plane whose
 * elements are normal with standard deviation `scale`. The shape is that of `scale` where it is left out.
 *
 * @throws {ShapeError} where `scale` does not broadcast to the shape.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.rayleigh(random.key(0), 2, [4000]).mean().item().toFixed(1)); // 2.5
 * ```
 */
export function rayleigh(
  key: NDArray,
  scale: Operand,
  shape?: ShapeLike | null | Named<DTypeOptions, { shape: ShapeLike | null }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("rayleigh(key, scale, shape, options)", arguments, dtypeOptions, 2);
  }
  if (isNamed(shape)) return rayleigh(key, scale, shape.shape, shape);
  const op = "rayleigh";
  const { key: from, to, dtype, p } = drawing(op, key, { scale }, shape, options.dtype);
  return mul(p.scale, sqrt(mul(log(fractions(op, from, to, dtype)), scalarArray(-2, dtype))));
}

/**
 * Numbers between `left` and `right` whose density rises to `mode` and falls from there in straight lines,
 * as `jax.random.triangular`. The shape is that of the parameters where it is left out.
 *
 * @throws {ShapeError} where the parameters do not broadcast to the shape.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.triangular(random.key(0), 0, 1, 5, [4000]).mean().item().toFixed(0)); // 2
 * ```
 */
export function triangular(
  key: NDArray,
  left: Operand,
  mode: Operand,
  right: Operand,
  shape?: ShapeLike | null | Named<DTypeOptions, { shape: ShapeLike | null }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 5) {
    options = readOptions(
      "triangular(key, left, mode, right, shape, options)",
      arguments,
      dtypeOptions,
      4,
    );
  }
  if (isNamed(shape)) return triangular(key, left, mode, right, shape.shape, shape);
  const op = "triangular";
  const { key: from, to, dtype, p } = drawing(
    op,
    key,
    { left, mode, right },
    shape,
    options.dtype,
  );
  const u = fractions(op, from, to, dtype);
  const [width, rise, fall] = [
    sub(p.right, p.left),
    sub(p.mode, p.left),
    sub(p.right, p.mode),
  ];
  const rising = lt(u, div(rise, width));
  const one = scalarArray(1, dtype);
  // Of 1 where it is the other that counts: roots of 0 have no derivative.
  const root = (x: NDArray, counts: NDArray): NDArray => sqrt(select(counts, x, one));
  const [up, down] = [mul(mul(u, width), rise), mul(mul(sub(one, u), width), fall)];
  return select(
    rising,
    add(p.left, root(up, rising)),
    sub(p.right, root(down, not(rising))),
  );
}

/**
 * Numbers of the Wald distribution, the inverse Gaussian one of scale 1, as `jax.random.wald`. The shape is
 * that of `mean` where it is left out.
 *
 * @throws {ShapeError} where `mean` does not broadcast to the shape.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.wald(random.key(0), 0.5, [4000]).mean().item().toFixed(1)); // 0.5
 * ```
 */
export function wald(
  key: NDArray,
  mean: Operand,
  shape?: ShapeLike | null | Named<DTypeOptions, { shape: ShapeLike | null }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("wald(key, mean, shape, options)", arguments, dtypeOptions, 2);
  }
  if (isNamed(shape)) return wald(key, mean, shape.shape, shape);
  const op = "wald";
  const { key: from, to, dtype, p } = drawing(op, key, { mean }, shape, options.dtype);
  const [first, second] = subkeys(from, 2);
  const c = constants(dtype);
  const y = normals(op, first!, to, dtype).square();
  const z = fractions(op, second!, to, dtype);
  const m = broadcastTo(p.mean, to);
  const square = m.square();
  // The smaller root of the equation of Michael, Schucany and Haas (1976), or the other one, m^2 / x.
  const root = sqrt(add(mul(mul(c(4), m), y), mul(square, y.square())));
  const x = sub(add(m, div(mul(square, y), c(2))), mul(div(m, c(2)), root));
  return select(le(z, div(m, add(m, x))), x, div(square, x));
}

/**
 * Numbers of the Weibull distribution, `scale e^(1 / concentration)` of exponential `e`, as
 * `jax.random.weibull_min`. The shape is that of the parameters where it is left out.
 *
 * @throws {ShapeError} where the parameters do not broadcast with the shape.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.weibullMin(random.key(0), 3, 1, [4000]).mean().item().toFixed(0)); // 3
 * ```
 */
export function weibullMin(
  key: NDArray,
  scale: Operand,
  concentration: Operand,
  shape?: ShapeLike | null | Named<DTypeOptions, { shape: ShapeLike | null }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 4) {
    options = readOptions(
      "weibullMin(key, scale, concentration, shape, options)",
      arguments,
      dtypeOptions,
      3,
    );
  }
  if (isNamed(shape)) return weibullMin(key, scale, concentration, shape.shape, shape);
  const op = "weibullMin";
  const params = { scale, concentration };
  const { key: from, to, dtype, p } = drawing(op, key, params, undefined, options.dtype);
  const own = (shape ?? null) === null ? to : expectShape(op, shape);
  broadcastShapes(op, own, to);
  const e = exponentialOf(fractions(op, from, own, dtype));
  return mul(e.pow(div(scalarArray(1, dtype), p.concentration)), p.scale);
}
