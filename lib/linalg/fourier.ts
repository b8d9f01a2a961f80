/**
 * Discrete Fourier transforms along an axis. Complex numbers are two arrays, of real and imaginary parts.
 *
 * The routine is in `fourier_routine.ts`. The program is the same steps as products with small matrices,
 * which is what graphs are good at. A length with a large prime factor is transformed as a convolution,
 * by two transforms of a length without (Bluestein).
 *
 * @module
 */
import {
  allocate,
  bind,
  checkDType,
  checkSameDType,
  ConcreteArray,
  definePrimitive,
  type DType,
  floating,
  formatShape,
  type NDArray,
  ordinary,
  type Primitive,
  sameShape,
  type Sample,
  shaped,
  ShapeError,
  sizeOf,
  type TypedArray,
} from "../core/mod.ts";
import {
  add,
  aroundAxis,
  type AxisParams,
  batchAxisInFront,
  broadcastTo,
  checkAxis,
  concatenate,
  dotGeneral,
  instantiate,
  mul,
  pad,
  reshape,
  scalarLike,
  slice,
  sub,
  transpose,
} from "../primitives/mod.ts";
import { fourierRoutine, rootsRoutine } from "./fourier_routine.ts";
import { lowerAsProgram } from "./decomposition.ts";

/** Real and imaginary parts, of one shape and dtype. */
export interface Parts {
  /** Real parts. */
  readonly re: NDArray;
  /** Imaginary parts. */
  readonly im: NDArray;
}

/**
 * Sums of `x[j] exp(-2 pi i j k / n)` along an axis of length n. In a graph they are products with matrices,
 * in which 0 times NaN or an infinity is NaN: of numbers that are not finite, more results are NaN there.
 */
export const fourierP: Primitive<AxisParams> = /* @__PURE__ */ definePrimitive<AxisParams>({
  name: "fourier",
  abstractEval([re, im], { axis }) {
    checkDType("fourier", "the real part", re!, floating);
    checkSameDType("fourier", re!, im!, "real and imaginary parts");
    if (!sameShape(re!.shape, im!.shape)) {
      throw new ShapeError(
        `fourier: real parts of shape ${
          formatShape(re!.shape)
        } do not fit imaginary parts of shape ${formatShape(im!.shape)}`,
      );
    }
    checkAxis("fourier", re!, axis);
    return [re!, im!];
  },
  impl([re, im], { axis }, avals) {
    const outs = avals.map(({ shape, dtype }) => allocate(dtype, sizeOf(shape)));
    const arrays = [re!.values, im!.values, ...outs];
    fourierRoutine.runLong(re!.dtype, arrays, ...aroundAxis(re!.shape, axis));
    return outs;
  },
  jvp([re, im], tangents, params) {
    const [dre, dim] = tangents.map((t) => instantiate(t, re!.aval));
    return [bind(fourierP, [re!, im!], params), bind(fourierP, [dre!, dim!], params)];
  },
  // The matrix of the transform is symmetric, but it is not of real numbers: what goes back to the real
  // parts is that of the conjugate one, which is the transform with both parts exchanged.
  transpose([re, im], _, params) {
    if (!re && !im) return [null, null];
    const aval = (re ?? im)!.aval;
    const [b, a] = bind(fourierP, [instantiate(im, aval), instantiate(re, aval)], params);
    return [a!, b!];
  },
  batch(inputs, dims, size, { axis }) {
    const [re, im] = inputs.map((x, i) => batchAxisInFront(x, dims[i]!, size));
    return [bind(fourierP, [re!, im!], { axis: axis + 1 }), [0, 0]];
  },
  passes: ordinary,
  lower: /* @__PURE__ */ lowerAsProgram(([re, im], { axis }) => {
    const [count, n, inner] = aroundAxis(re!.shape, axis);
    const whole = (x: NDArray): NDArray => reshape(x, [1, count, n, inner]);
    const out = stepsFrom(concatenate([whole(re!), whole(im!)], 0));
    return [0, 1].map((k) => reshape(plane(out, k), re!.shape));
  }),
  kernel: (b, inputs, { axis }, [aval], outs) =>
    b.call(fourierRoutine, aval!.dtype, inputs, outs, aroundAxis(aval!.shape, axis)),
  samples: fourierSamples,
});

// ---------------------------------------------------------------- as products

/** Real (0) or imaginary (1) parts of `[2, ...]`. */
function plane(z: NDArray, k: number): NDArray {
  return slice(z, z.shape.map((_, i) => i === 0 ? k : 0), z.shape.with(0, k + 1));
}

/** A constant of a dtype. */
function constant(values: ArrayLike<number>, shape: readonly number[], dtype: DType): NDArray {
  const rounded = allocate(dtype, values.length);
  rounded.set(values);
  return ConcreteArray.fromHost(shaped(shape, dtype), rounded);
}

/** Cosines and sines of `-2 pi k / n`, of all k below n. */
function rootsOf(n: number): [cosines: TypedArray, sines: TypedArray] {
  const [c, s] = [allocate("float64", n), allocate("float64", n)];
  rootsRoutine.run("float64", [c, s], n);
  return [c, s];
}

/** Longest transform that is one product with its matrix. */
const LONGEST_PRODUCT = 16;

/** The largest divisor that is no longer than that; of numbers without one, the least. */
function stepOf(n: number): number {
  for (let r = LONGEST_PRODUCT; r > 1; r--) if (n % r === 0) return r;
  return primeFactors(n)[0]!;
}

/** The transform of `[2, count, n, inner]` along the axis of n, as in the routine. */
function stepsFrom(z: NDArray): NDArray {
  const [, count, n, inner] = z.shape as [number, number, number, number];
  if (n === 1) return z;
  const r = stepOf(n);
  const m = n / r;
  const numbers = Array.from({ length: r }, (_, k) => k);
  const [c, s] = rootsOf(r);
  const row = (x: TypedArray, k: number, sign: number): number[] =>
    numbers.map((j) => sign * x[j * k % r]!);
  const matrix = constant(
    // Real parts are C re - S im, and imaginary ones S re + C im.
    [
      ...numbers.flatMap((k) => [...row(c, k, 1), ...row(s, k, -1)]),
      ...numbers.flatMap((k) => [...row(s, k, 1), ...row(c, k, 1)]),
    ],
    [2, r, 2, r],
    z.dtype,
  );
  const product = dotGeneral(matrix, reshape(z, [2, count, r, m * inner]), {
    contract: [[2, 3], [0, 2]],
    batch: [[], []],
  });
  const first = reshape(product, [2, r, count, m, inner]);
  if (m === 1) return reshape(transpose(first, [0, 2, 3, 1, 4]), [2, count, r, inner]);
  const [re, im] = rootsOf(n).map((x) => {
    const values = x.map((_, i) => x[Math.floor(i / m) * (i % m)]!);
    return broadcastTo(constant(values, [1, r, 1, m, 1], z.dtype), [1, r, count, m, inner]);
  }) as [NDArray, NDArray];
  const turned = times({ re: plane(first, 0), im: plane(first, 1) }, { re, im });
  const left = transpose(concatenate([turned.re, turned.im], 0), [0, 2, 3, 1, 4]);
  return reshape(stepsFrom(reshape(left, [2, count, m, r * inner])), z.shape);
}

// ---------------------------------------------------------------- any length

/** The primes of which n is the product, ascending. */
function primeFactors(n: number): number[] {
  const out: number[] = [];
  let rest = n;
  for (let p = 2; p * p <= rest; p++) {
    for (; rest % p === 0; rest /= p) out.push(p);
  }
  return rest > 1 ? [...out, rest] : out;
}

/** Largest prime by whose square the routine is not worse than two longer transforms. */
const LARGEST_PRIME = 61;

/** Products of complex numbers. */
function times(x: Parts, y: Parts): Parts {
  return {
    re: sub(mul(x.re, y.re), mul(x.im, y.im)),
    im: add(mul(x.re, y.im), mul(x.im, y.re)),
  };
}

/** Both parts changed alike. */
export function onParts(x: Parts, f: (part: NDArray) => NDArray): Parts {
  return { re: f(x.re), im: f(x.im) };
}

/** Real and imaginary parts exchanged, before and after, make the inverse of the transform, but for n. */
function exchanged({ re, im }: Parts): Parts {
  return { re: im, im: re };
}

/**
 * Sums of `x[j] exp(-2 pi i j k / n)` along an axis, or with `inverse` of `x[j] exp(2 pi i j k / n)`. There
 * is no factor.
 */
export function fourier(x: Parts, axis: number, inverse = false): Parts {
  if (inverse) return exchanged(fourier(exchanged(x), axis));
  if ((primeFactors(x.re.shape[axis]!).at(-1) ?? 1) > LARGEST_PRIME) return asConvolution(x, axis);
  const [re, im] = bind(fourierP, [x.re, x.im], { axis });
  return { re: re!, im: im! };
}

/**
 * With `j k = (j^2 + k^2 - (k - j)^2) / 2` the transform is a convolution with the chirp
 * `b_j = exp(i pi j^2 / n)`: `y_k = conj(b_k) sum_j (x_j conj(b_j)) b_{k - j}`.
 */
function asConvolution(x: Parts, axis: number): Parts {
  const { shape, dtype } = x.re;
  const n = shape[axis]!;
  let length = 1;
  while (length < 2 * n - 1) length *= 2;
  const angles = Array.from({ length: n }, (_, j) => Math.PI * ((j * j) % (2 * n)) / n);
  const [re, im] = [allocate("float64", length), allocate("float64", length)];
  angles.forEach((angle, j) => {
    for (const at of [j, (length - j) % length]) {
      re[at] = Math.cos(angle) / length;
      im[at] = Math.sin(angle) / length;
    }
  });
  const spectrum: [TypedArray, TypedArray] = [
    allocate("float64", length),
    allocate("float64", length),
  ];
  fourierRoutine.runLong("float64", [re, im, ...spectrum], 1, length, 1);
  const along = (values: ArrayLike<number>, size: number): NDArray => {
    const own = shape.map((_, i) => i === axis ? size : 1);
    return broadcastTo(constant(values, own, dtype), shape.with(axis, size));
  };
  const conjugate = {
    re: along(angles.map(Math.cos), n),
    im: along(angles.map((angle) => -Math.sin(angle)), n),
  };
  const only = (size: number): number[] => shape.map((_, i) => i === axis ? size : 0);
  const padded = onParts(
    times(x, conjugate),
    (part) => pad(part, scalarLike(0, part), only(0), only(length - n)),
  );
  const filter = { re: along(spectrum[0], length), im: along(spectrum[1], length) };
  const convolved = fourier(times(fourier(padded, axis), filter), axis, true);
  return times(onParts(convolved, (part) => slice(part, shape.map(() => 0), shape)), conjugate);
}

function fourierSamples(): Sample<AxisParams>[] {
  const sample = (
    name: string,
    shape: readonly number[],
    axis: number,
    dtype: "float32" | "float64",
  ): Sample<AxisParams> => ({
    name,
    inputs: [{ shape, dtype }, { shape, dtype }],
    params: { axis },
  });
  const relative = "errors are relative to the largest element";
  return [
    sample("of length 1", [1], 0, "float32"),
    sample("of length 2", [2], 0, "float32"),
    sample("of length 3, middle axis, float64", [2, 3, 2], 1, "float64"),
    sample("of length 4", [4], 0, "float32"),
    sample("of length 5, several", [3, 5], 1, "float64"),
    sample("of length 7, first axis", [7, 2], 0, "float32"),
    { ...sample("of length 60", [60], 0, "float64"), skip: { onnx: relative } },
    { ...sample("of length 22", [22], 0, "float32"), skip: { onnx: relative } },
    sample("none", [0, 4], 1, "float32"),
  ];
}
