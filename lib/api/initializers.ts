/**
 * Initial values of parameters, as `jax.nn.initializers`: functions of a key, a shape and a dtype. The
 * numbers are those of `random`, and so JAX's. `zeros` and `ones` are such functions themselves; the others
 * make one: `glorotUniform()(key, [3, 4])`.
 *
 * - of one value: `zeros`, `ones`, `constant`
 * - of one distribution: `uniform`, `normal`, `truncatedNormal`
 * - by the numbers of inputs and outputs: `varianceScaling`, and what is made of it, `lecunNormal`,
 *   `lecunUniform`, `heNormal`, `heUniform`, `glorotNormal`, `glorotUniform`, with their other names
 *   `kaimingNormal`, `kaimingUniform`, `xavierNormal`, `xavierUniform`
 * - of orthogonal matrices: `orthogonal`, `deltaOrthogonal`
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 * import { heNormal } from "@injax/injax/initializers";
 *
 * const w = heNormal()(random.key(0), [784, 100]);
 * console.log(w.shape, w.std().item().toFixed(2)); // [ 784, 100 ] 0.05
 * ```
 *
 * @module
 */
import type { Named } from "../core/method_options.ts";
import "./methods.ts";
import {
  checkCall,
  defaultFloat,
  describeValue,
  type DType,
  expectFloat,
  formatShape,
  type NDArray,
  normalizeAxis,
  type Operand,
  type OptionTable,
  readOptions,
  scalarArray,
  ShapeError,
  sizeOf,
  tableOf,
} from "../core/mod.ts";
import { div, moveAxis, mul, pad, reshape, sqrt, zeros as zerosOf } from "../primitives/mod.ts";
import type { DTypeOptions, ShapeLike } from "./arguments.ts";
import { full } from "./creation.ts";
import * as draw from "./distributions.ts";
import { parameter } from "./draws.ts";
import { orthogonal as orthogonalOf } from "./multivariate.ts";
import { asOperand, expectRoom, expectShape, isNamed } from "./operands.ts";
import { dtypeOptions, nameIn } from "./options.ts";

export type { Named } from "../core/method_options.ts";

/**
 * Makes an array of a shape and a dtype from a key. The dtype is that which the initialiser was made with
 * where it is left out, or else float32.
 */
export type Initializer = (key: NDArray, shape: ShapeLike, dtype?: DType) => NDArray;

/** An initialiser from what makes an array of a float dtype. */
function initializer(
  op: string,
  options: DTypeOptions,
  make: (key: NDArray, shape: readonly number[], dtype: DType) => NDArray,
): Initializer {
  const fallback = expectFloat(op, options.dtype, defaultFloat);
  return (key, shape, dtype) => make(key, expectShape(op, shape), expectFloat(op, dtype, fallback));
}

// ---------------------------------------------------------------- one value

/**
 * Zeros, as `jax.nn.initializers.zeros`; of any dtype.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 * import { zeros } from "@injax/injax/initializers";
 *
 * console.log(zeros(random.key(0), [2]).toArray()); // [ 0, 0 ]
 * ```
 */
export function zeros(_key: NDArray, shape: ShapeLike, dtype?: DType): NDArray {
  if (arguments.length > 3) checkCall("zeros(key, shape, dtype)", arguments);
  const to = expectShape("zeros", shape);
  expectRoom("zeros", to, dtype ?? defaultFloat);
  return full(to, 0, { dtype: dtype ?? defaultFloat });
}

/** Ones, as `jax.nn.initializers.ones`; of any dtype. */
export function ones(_key: NDArray, shape: ShapeLike, dtype?: DType): NDArray {
  if (arguments.length > 3) checkCall("ones(key, shape, dtype)", arguments);
  const to = expectShape("ones", shape);
  expectRoom("ones", to, dtype ?? defaultFloat);
  return full(to, 1, { dtype: dtype ?? defaultFloat });
}

/**
 * Makes arrays of one value, or of those of an array that broadcasts, as `jax.nn.initializers.constant`; of
 * any dtype.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 * import { constant } from "@injax/injax/initializers";
 *
 * console.log(constant(0.1)(random.key(0), [2]).shape); // [ 2 ]
 * ```
 */
export function constant(value: Operand, options: DTypeOptions = {}): Initializer {
  if (arguments.length > 1) {
    options = readOptions("constant(value, options)", arguments, dtypeOptions);
  }
  asOperand("constant", value, "the value");
  return (_key, shape, dtype) =>
    full(expectShape("constant", shape), value, { dtype: dtype ?? options.dtype ?? defaultFloat });
}

// ---------------------------------------------------------------- one distribution

/** `x` times a number that was rounded to the dtype of `x` first. */
function scaled(op: string, x: NDArray, scale: Operand): NDArray {
  return scale === 1 ? x : mul(x, parameter(op, "the scale", scale, x.dtype));
}

/**
 * Draws evenly from [0, scale), as `jax.nn.initializers.uniform`.
 *
 * @throws {DTypeError} where the dtype is not a float type.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 * import { uniform } from "@injax/injax/initializers";
 *
 * console.log(uniform(2)(random.key(0), [1000]).max().item().toFixed(1)); // 2.0
 * ```
 */
export function uniform(
  scale: Operand | Named<DTypeOptions, { scale: Operand }> = 0.01,
  options: DTypeOptions = {},
): Initializer {
  if (arguments.length > 1) {
    options = readOptions("uniform(scale, options)", arguments, dtypeOptions, 0);
  }
  if (isNamed(scale)) return uniform(scale.scale, scale);
  parameter("uniform", "scale", scale, defaultFloat);
  return initializer(
    "uniform",
    options,
    (key, shape, dtype) => scaled("uniform", draw.uniform(key, shape, { dtype }), scale),
  );
}

/**
 * Draws from a normal distribution of mean 0, as `jax.nn.initializers.normal`.
 *
 * @throws {DTypeError} where the dtype is not a float type.
 */
export function normal(
  stddev: Operand | Named<DTypeOptions, { stddev: Operand }> = 0.01,
  options: DTypeOptions = {},
): Initializer {
  if (arguments.length > 1) {
    options = readOptions("normal(stddev, options)", arguments, dtypeOptions, 0);
  }
  if (isNamed(stddev)) return normal(stddev.stddev, stddev);
  parameter("normal", "stddev", stddev, defaultFloat);
  return initializer(
    "normal",
    options,
    (key, shape, dtype) => scaled("normal", draw.normal(key, shape, { dtype }), stddev),
  );
}

/**
 * Draws from the standard normal distribution cut off at `lower` and `upper`, times `stddev`, as
 * `jax.nn.initializers.truncated_normal`.
 *
 * @throws {DTypeError} where the dtype is not a float type.
 */
export function truncatedNormal(
  stddev: Operand | Named<DTypeOptions, { stddev: Operand; lower: Operand; upper: Operand }> = 0.01,
  lower: Operand | Named<DTypeOptions, { lower: Operand; upper: Operand }> = -2,
  upper: Operand | Named<DTypeOptions, { upper: Operand }> = 2,
  options: DTypeOptions = {},
): Initializer {
  const op = "truncatedNormal";
  if (arguments.length > 3) {
    options = readOptions(`${op}(stddev, lower, upper, options)`, arguments, dtypeOptions, 0);
  }
  if (isNamed(stddev)) return truncatedNormal(stddev.stddev, stddev.lower, stddev.upper, stddev);
  if (isNamed(lower)) return truncatedNormal(stddev, lower.lower, lower.upper, lower);
  if (isNamed(upper)) return truncatedNormal(stddev, lower, upper.upper, upper);
  for (const [name, value] of Object.entries({ stddev, lower, upper })) {
    parameter(op, name, value, defaultFloat);
  }
  return initializer(
    op,
    options,
    (key, shape, dtype) =>
      scaled(op, draw.truncatedNormal(key, lower, upper, shape, { dtype }), stddev),
  );
}

// ---------------------------------------------------------------- by the numbers of inputs and outputs

/** How `varianceScaling` counts: the inputs, the outputs, their mean, or their geometric mean. */
export type FanMode =
  | ("fanIn" | "fanOut" | "fanAvg" | "fanGeoAvg")
  | ("fan_in" | "fan_out" | "fan_avg" | "fan_geo_avg");

/** What `varianceScaling` draws from. */
export type FanDistribution = "truncatedNormal" | "truncated_normal" | "normal" | "uniform";

/** Options of {@linkcode varianceScaling} and what is made of it. */
export interface FanOptions extends DTypeOptions {
  /** The axis of the inputs, or several (default -2). */
  readonly inAxis?: number | readonly number[] | undefined;
  /** The axis of the outputs, or several (default -1). */
  readonly outAxis?: number | readonly number[] | undefined;
  /** Axes of weights that have nothing to do with each other (default none). */
  readonly batchAxis?: number | readonly number[] | undefined;
}

const fanOptions: OptionTable<FanOptions> = /* @__PURE__ */ tableOf(dtypeOptions, {
  inAxis: "axes",
  outAxis: "axes",
  batchAxis: "axes",
});

/** The numbers of inputs and outputs of a unit; all axes that are neither, nor of a batch, are of both. */
function fans(
  op: string,
  shape: readonly number[],
  { inAxis = -2, outAxis = -1, batchAxis = [] }: FanOptions,
): readonly [ins: number, outs: number] {
  if (inAxis === -2 && shape.length <= 1) {
    throw new ShapeError(
      `${op}: the shape ${
        formatShape(shape)
      } has no axis -2 of inputs. Give a shape of two or more axes, or say which they are, { inAxis }`,
    );
  }
  const over = (axes: number | readonly number[], what: string): number =>
    (typeof axes === "number" ? [axes] : axes).reduce(
      (n, axis) => n * shape[normalizeAxis(op, axis, shape.length, what)]!,
      1,
    );
  const [ins, outs] = [over(inAxis, "inAxis"), over(outAxis, "outAxis")];
  const field = sizeOf(shape) / ins / outs / over(batchAxis, "batchAxis");
  return [ins * field, outs * field];
}

const counts: Readonly<Record<string, (ins: number, outs: number) => number>> = {
  fanIn: (ins) => ins,
  fanOut: (_, outs) => outs,
  fanAvg: (ins, outs) => (ins + outs) / 2,
  fanGeoAvg: (ins, outs) => Math.sqrt(ins * outs),
};

/** The standard deviation of a standard normal distribution cut off at two of them. */
const SPREAD = 0.87962566103423978;

/** Numbers of a distribution with a variance, which is a scalar of the dtype. */
const distributions: Readonly<
  Record<
    string,
    (key: NDArray, shape: readonly number[], variance: NDArray, dtype: DType) => NDArray
  >
> = {
  truncatedNormal: (key, shape, variance, dtype) =>
    mul(
      draw.truncatedNormal(key, -2, 2, shape, { dtype }),
      div(sqrt(variance), scalarArray(SPREAD, dtype)),
    ),
  normal: (key, shape, variance, dtype) => mul(draw.normal(key, shape, { dtype }), sqrt(variance)),
  uniform: (key, shape, variance, dtype) =>
    mul(
      draw.uniform(key, shape, { dtype, minval: -1 }),
      sqrt(mul(scalarArray(3, dtype), variance)),
    ),
};

/** Refuses names that a table does not have. */
function among(op: string, what: string, name: unknown, table: object): void {
  if (typeof name === "string" && Object.hasOwn(table, name)) return;
  throw new TypeError(
    `${op}: the ${what} must be ${Object.keys(table).join(", ")}, not ${describeValue(name)}`,
  );
}

function byFans(
  op: string,
  scale: number,
  mode: FanMode,
  distribution: FanDistribution,
  options: FanOptions,
): Initializer {
  return initializer(op, options, (key, shape, dtype) => {
    const count = counts[mode]!(...fans(op, shape, options));
    return distributions[distribution]!(key, shape, scalarArray(scale / count, dtype), dtype);
  });
}

/**
 * Draws so that the variance is `scale` over the number of inputs, of outputs, or a mean of both, as
 * `jax.nn.initializers.variance_scaling`.
 *
 * @throws {TypeError} where the mode or the distribution is none.
 * @throws {ShapeError} where the shape does not have the axes: in the call of what this gives.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 * import { varianceScaling } from "@injax/injax/initializers";
 *
 * const w = varianceScaling(1, "fanAvg", "normal")(random.key(0), [300, 100]);
 * console.log((w.var().item() * 200).toFixed(1)); // 1.0
 * ```
 */
export function varianceScaling(
  scale: number,
  mode: FanMode,
  distribution: FanDistribution,
  options: FanOptions = {},
): Initializer {
  const op = "varianceScaling";
  if (arguments.length > 3) {
    options = readOptions(`${op}(scale, mode, distribution, options)`, arguments, fanOptions);
  }
  if (typeof scale !== "number") {
    throw new TypeError(`${op}: scale must be a number, not ${describeValue(scale)}`);
  }
  const [by, law] = [nameIn(mode), nameIn(distribution)];
  among(op, "mode", by, counts);
  among(op, "distribution", law, distributions);
  return byFans(op, scale, by, law, options);
}

/** One of those that are made of `varianceScaling`. */
function named(
  op: string,
  scale: number,
  mode: FanMode,
  distribution: FanDistribution,
): (options?: FanOptions) => Initializer {
  return function (options: FanOptions = {}): Initializer {
    if (arguments.length > 0) options = readOptions(`${op}(options)`, arguments, fanOptions);
    return byFans(op, scale, mode, distribution, options);
  };
}

/** What gives an initialiser that counts inputs and outputs. */
export type ByFans = (options?: FanOptions) => Initializer;

/** Variance 1 over the number of inputs, from a normal distribution cut off (LeCun et al., 1998). */
export const lecunNormal: ByFans = /* @__PURE__ */ named(
  "lecunNormal",
  1,
  "fanIn",
  "truncatedNormal",
);
/** Variance 1 over the number of inputs, drawn evenly. */
export const lecunUniform: ByFans = /* @__PURE__ */ named("lecunUniform", 1, "fanIn", "uniform");
/** Variance 2 over the number of inputs, from a normal distribution cut off (He et al., 2015). */
export const heNormal: ByFans = /* @__PURE__ */ named("heNormal", 2, "fanIn", "truncatedNormal");
/** Variance 2 over the number of inputs, drawn evenly. */
export const heUniform: ByFans = /* @__PURE__ */ named("heUniform", 2, "fanIn", "uniform");
/** Variance 1 over the mean of inputs and outputs, from a normal distribution cut off (Glorot, 2010). */
export const glorotNormal: ByFans = /* @__PURE__ */ named(
  "glorotNormal",
  1,
  "fanAvg",
  "truncatedNormal",
);
/** Variance 1 over the mean of inputs and outputs, drawn evenly. */
export const glorotUniform: ByFans = /* @__PURE__ */ named("glorotUniform", 1, "fanAvg", "uniform");
/** {@linkcode heNormal} by its other name. */
export const kaimingNormal: ByFans = heNormal;
/** {@linkcode heUniform} by its other name. */
export const kaimingUniform: ByFans = heUniform;
/** {@linkcode glorotNormal} by its other name. */
export const xavierNormal: ByFans = glorotNormal;
/** {@linkcode glorotUniform} by its other name. */
export const xavierUniform: ByFans = glorotUniform;

// ---------------------------------------------------------------- orthogonal matrices

/** Options of {@linkcode orthogonal} and {@linkcode deltaOrthogonal}. */
export interface OrthogonalOptions extends DTypeOptions {
  /** The axis of columns; all others are taken as one. The last one where left out. */
  readonly columnAxis?: number | undefined;
}

const orthogonalOptions: OptionTable<OrthogonalOptions> = /* @__PURE__ */ tableOf(dtypeOptions, {
  columnAxis: "number",
});

/** A matrix with orthonormal columns, or rows where these are fewer, whose axes are those of a shape. */
function orthogonals(
  op: string,
  key: NDArray,
  shape: readonly number[],
  dtype: DType,
  scale: Operand,
  columnAxis: number,
): NDArray {
  if (shape.length < 2) {
    throw new ShapeError(
      `${op}: the shape must have two or more axes, not ${formatShape(shape)}`,
    );
  }
  const axis = normalizeAxis(op, columnAxis, shape.length, "columnAxis");
  if (sizeOf(shape) === 0) return zerosOf({ shape, dtype });
  const columns = shape[axis]!;
  const q = orthogonalOf(key, sizeOf(shape) / columns, [], { dtype, m: columns });
  const whole = reshape(q, [...shape.toSpliced(axis, 1), columns]);
  return scaled(op, moveAxis(whole, shape.length - 1, axis), scale);
}

/**
 * Makes matrices with orthonormal columns, or rows where these are fewer, times `scale`, evenly distributed
 * over all such, as `jax.nn.initializers.orthogonal`.
 *
 * @throws {ShapeError} where the shape has fewer than two axes: in the call of what this gives.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import { orthogonal } from "@injax/injax/initializers";
 *
 * const w = orthogonal(2)(random.key(0), [5, 3]);
 * const product = np.matmul(w.transpose(), w);
 * console.log(product.sub(np.eye(3).mul(4)).abs().max().item() < 1e-5); // true
 * ```
 */
export function orthogonal(
  scale: Operand | Named<OrthogonalOptions, { scale: Operand }> = 1,
  options: OrthogonalOptions = {},
): Initializer {
  const op = "orthogonal";
  if (arguments.length > 1) {
    options = readOptions(`${op}(scale, options)`, arguments, orthogonalOptions, 0);
  }
  if (isNamed(scale)) return orthogonal(scale.scale, scale);
  parameter(op, "scale", scale, defaultFloat);
  const { columnAxis = -1 } = options;
  return initializer(
    op,
    options,
    (key, shape, dtype) => orthogonals(op, key, shape, dtype, scale, columnAxis),
  );
}

/**
 * Makes kernels of convolutions, `[..., inputs, outputs]`, that are orthogonal at the middle and 0 elsewhere,
 * times `scale`, as `jax.nn.initializers.delta_orthogonal`.
 *
 * @throws {ShapeError} where the shape does not have 3, 4 or 5 axes, or more inputs than outputs: in the
 * call of what this gives.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 * import { deltaOrthogonal } from "@injax/injax/initializers";
 *
 * const w = deltaOrthogonal()(random.key(0), [3, 2, 4]);
 * console.log(w.at(0).abs().sum().item(), w.at(1).square().sum().item().toFixed(3)); // 0 2.000
 * ```
 */
export function deltaOrthogonal(
  scale: Operand | Named<OrthogonalOptions, { scale: Operand }> = 1,
  options: OrthogonalOptions = {},
): Initializer {
  const op = "deltaOrthogonal";
  if (arguments.length > 1) {
    options = readOptions(`${op}(scale, options)`, arguments, orthogonalOptions, 0);
  }
  if (isNamed(scale)) return deltaOrthogonal(scale.scale, scale);
  parameter(op, "scale", scale, defaultFloat);
  const { columnAxis = -1 } = options;
  return initializer(op, options, (key, shape, dtype) => {
    const [ins, outs] = [shape.at(-2) ?? 0, shape.at(-1) ?? 0];
    if (shape.length < 3 || shape.length > 5 || outs < ins) {
      throw new ShapeError(
        `${op}: the shape must be [..., inputs, outputs] with one to three axes in front and no more inputs than outputs, not ${
          formatShape(shape)
        }`,
      );
    }
    const matrix = orthogonals(op, key, [ins, outs], dtype, scale, columnAxis);
    const front = shape.slice(0, -2);
    // In the middle of zeros, or just before it.
    const low = [...front.map((n) => Math.floor((n - 1) / 2)), 0, 0];
    const high = shape.map((n, k) => k < front.length ? n - 1 - low[k]! : 0);
    const inner = reshape(matrix, [...front.map(() => 1), ins, outs]);
    return pad(inner, scalarArray(0, dtype), low, high);
  });
}
