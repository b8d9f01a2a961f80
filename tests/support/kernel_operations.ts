/**
 * The operations of random programs for the compiler (`random_kernels.ts`): how each is used on some of the
 * values that there are.
 *
 * Sums are taken of numbers of few bits, so that their order makes no difference, and results can be
 * compared bit for bit.
 *
 * @module
 */
import {
  cond,
  foriLoop,
  type NDArray,
  nn,
  numpy as np,
  scan,
  switchCase,
  vmap,
  whileLoop,
} from "../../mod.ts";
import type { DType } from "../../lib/core/dtype.ts";
import { make } from "./arrays.ts";
import type { Random } from "./random.ts";

/** All dtypes. */
export const dtypes: readonly ["float32", "float64", "int32", "uint32", "bool"] = [
  "float32",
  "float64",
  "int32",
  "uint32",
  "bool",
];
const specials: Readonly<Record<DType, readonly number[]>> = {
  float32: [0, -0, NaN, Infinity, -Infinity, 1e-45, -1e-40, 3.4e38, -3.4e38, 2 ** 31, 1.5, -2.5],
  float64: [
    0,
    -0,
    NaN,
    Infinity,
    -Infinity,
    5e-324,
    -1e-310,
    1.7e308,
    2 ** 32,
    -(2 ** 31) - 1,
    0.5,
  ],
  int32: [0, 1, -1, 2147483647, -2147483648, 31, 32, 65536],
  uint32: [0, 1, 4294967295, 2147483648, 31, 65536],
  bool: [0, 1],
};

/** Whether an array is of floats. */
export const isFloat = (x: NDArray): boolean => x.dtype === "float32" || x.dtype === "float64";
/** Whether an array is of integers. */
export const isWhole = (x: NDArray): boolean => x.dtype === "int32" || x.dtype === "uint32";
/** Whether an array is of truth values. */
export const isBool = (x: NDArray): boolean => x.dtype === "bool";

/** Floats of few bits: sums and products of those are exact. */
export function coarse(x: NDArray): NDArray {
  return isFloat(x) ? np.round(np.clip(x, -16, 16).mul(8)).div(8) : x;
}

/** Zeros without sign: a sum of nothing but -0 is 0 where it is begun with 0. */
export function unsigned(x: NDArray): NDArray {
  return np.where(x.equal(0), np.zerosLike(x), x);
}

/** A program within, when it has made its steps. */
export interface Inner {
  /** For choices of its own. */
  readonly random: Random;
  /** Some of its values. */
  some(count: number): NDArray[];
  /** A value of the shape and dtype of another, which is one of its own. */
  like(x: NDArray): NDArray;
  /** The same for several. */
  likes(list: readonly NDArray[]): NDArray[];
}

/** What an operation may ask for. */
export interface Choices {
  readonly random: Random;
  /** One of some things. */
  readonly one: <T>(items: readonly T[]) => T;
  /** A value that fits; throws `Skip` where there is none. */
  readonly pick: (accepts?: (x: NDArray) => boolean) => NDArray;
  /** Another that broadcasts with one. */
  readonly mate: (x: NDArray, accepts?: (y: NDArray) => boolean) => NDArray;
  /** An `int32` scalar. */
  readonly whole: () => NDArray;
  /** One of its axes. */
  readonly axis: (x: NDArray) => number;
  /**
   * A program within, of some steps on what it is given and on this one's values. Whenever it is
   * called, it makes the same choices.
   */
  readonly program: <R>(
    steps: number,
    finish: (b: Inner, own: readonly NDArray[]) => R,
  ) => (...own: NDArray[]) => R;
}

/** There is nothing that an operation could be used on. */
export class Skip extends Error {}

/** Uses an operation. */
export type Operation = (c: Choices) => NDArray | readonly NDArray[];

/** Whether two arrays broadcast. */
export const fits = (a: NDArray, b: NDArray): boolean => {
  const n = Math.min(a.ndim, b.ndim);
  for (let k = 1; k <= n; k++) {
    const [p, q] = [a.shape[a.ndim - k]!, b.shape[b.ndim - k]!];
    if (p !== q && p !== 1 && q !== 1) return false;
  }
  return true;
};
/** Whether an array has axes. */
export const ranked = (x: NDArray): boolean => x.ndim > 0;
/** Whether an array has axes and elements. */
export const along = (x: NDArray): boolean => x.ndim > 0 && x.size > 0;

const unary = (accepts: (x: NDArray) => boolean, fs: readonly ((x: NDArray) => NDArray)[]) =>
(
  { pick, one }: Choices,
): NDArray => one(fs)(pick(accepts));
const binary = (
  accepts: (x: NDArray) => boolean,
  fs: readonly ((x: NDArray, y: NDArray) => NDArray)[],
) =>
({ pick, mate, one }: Choices): NDArray => {
  const x = pick(accepts);
  return one(fs)(x, mate(x, (y) => y.dtype === x.dtype));
};

/** An index of any value, within an axis. */
const within = (i: NDArray, n: number): NDArray => np.mod(i, n).astype("int32");

/** The operations by name. */
export const operations: Readonly<Record<string, Operation>> = {
  // ------------------------------------------------------------ elementwise
  unary: unary(isFloat, [
    np.abs,
    np.neg,
    np.sign,
    np.floor,
    np.ceil,
    np.round,
    np.trunc,
    np.sqrt,
    np.square,
    np.reciprocal,
    np.isNaN,
    np.isFinite,
    (x) => x.mul(-0),
  ]),
  function: unary(isFloat, [
    np.exp,
    np.log,
    np.tanh,
    np.sin,
    np.cos,
    np.log1p,
    np.expm1,
    nn.sigmoid,
  ]),
  "unary of integers": unary(isWhole, [np.abs, np.neg, np.sign, np.bitwiseNot, np.square]),
  not: unary(isBool, [np.logicalNot]),
  add: binary((x) => !isBool(x), [np.add, np.sub]),
  binary: binary(() => true, [np.maximum, np.minimum, np.mul]),
  divide: binary((x) => !isBool(x), [np.mod, np.floorDivide, np.div]),
  "of two floats": binary(isFloat, [np.pow, np.atan2]),
  bits: binary(isWhole, [np.bitwiseAnd, np.bitwiseOr, np.bitwiseXor]),
  shift: binary(isWhole, [
    (x, y) => np.leftShift(x, np.bitwiseAnd(y, 31)),
    (x, y) => np.rightShift(x, np.bitwiseAnd(y, 31)),
  ]),
  logic: binary(isBool, [np.logicalAnd, np.logicalOr, np.logicalXor]),
  compare: binary(() => true, [np.equal, np.notEqual, np.less, np.lessEqual, np.greater]),
  where: ({ pick, mate }) => {
    const x = pick();
    const y = mate(x, (y) => y.dtype === x.dtype);
    return np.where(mate(x, (m) => isBool(m) && fits(m, y)), x, y);
  },
  "as another dtype": ({ pick, one }) => pick().astype(one(dtypes)),
  "with a number": ({ pick, one }) => {
    const x = pick((x) => !isBool(x));
    const n = one(specials[x.dtype]);
    return one([np.add, np.mul, np.maximum])(x, np.array(n, { dtype: x.dtype }));
  },
  constant: ({ pick, one, random }) => {
    const { shape, dtype } = pick();
    const values = drawn(random, shape.reduce((a, b) => a * b, 1), dtype);
    return one([
      () => make({ shape, dtype }, values),
      () => np.full(shape, values[0] ?? 0, { dtype }),
    ])();
  },
  "numbers of elements": ({ pick, one }) => {
    const { shape, size } = pick();
    return np.arange(size, { dtype: one(["int32", "float32", "float64"] as const) }).reshape(shape);
  },

  // ------------------------------------------------------------ views and copies
  transpose: ({ pick, random }) => {
    const x = pick((x) => x.ndim > 1);
    return np.transpose(x, shuffled(random, x.ndim));
  },
  flip: ({ pick, axis }) => {
    const x = pick(ranked);
    return np.flip(x, axis(x));
  },
  reshape: ({ pick, random }) => {
    const x = pick();
    const shape = [x.size];
    for (let k = random.integer(0, 3); k > 0; k--) {
      const n = shape.pop()!;
      const divisors = [1, 2, 3, 4, 5, 8, n].filter((d) => n > 0 && n % d === 0);
      if (divisors.length === 0) return x.ravel();
      const d = divisors[random.integer(0, divisors.length)]!;
      shape.push(d, n / d);
    }
    return x.reshape(shape);
  },
  stride: ({ pick, random }) => {
    const x = pick(along);
    const starts = x.shape.map((n) => random.integer(0, n));
    const stops = x.shape.map((n, k) => random.integer(starts[k]!, n + 1));
    return np.slice(x, starts, stops, x.shape.map(() => random.integer(1, 4)));
  },
  part: ({ pick, random, axis }) => {
    const x = pick(along);
    const a = axis(x);
    const [start, stop] = [random.integer(0, 2), x.shape[a]! - random.integer(0, 2)];
    if (stop < start) throw new Skip();
    return np.slice(
      x,
      x.shape.map((_, k) => k === a ? start : 0),
      x.shape.map((n, k) => k === a ? stop : n),
    );
  },
  broadcast: ({ pick, one }) => {
    const x = pick();
    return np.broadcastTo(x, [one([1, 2, 3]), ...x.shape]);
  },
  "with an axis": ({ pick, random }) => {
    const x = pick();
    return np.expandDims(x, random.integer(0, x.ndim + 1));
  },
  row: ({ pick, random }) => {
    const x = pick(along);
    return x.at(random.integer(0, x.shape[0]!));
  },
  concatenate: ({ pick, axis }) => {
    const x = pick(ranked);
    const a = axis(x);
    const y = pick((y) =>
      y.dtype === x.dtype && y.ndim === x.ndim &&
      y.shape.every((n, k) => k === a || n === x.shape[k])
    );
    return np.concatenate([x, y, x], a);
  },
  stack: ({ pick, random }) => {
    const x = pick();
    const y = pick((y) => y.dtype === x.dtype && String(y.shape) === String(x.shape));
    return np.stack([x, y], random.integer(0, x.ndim + 1));
  },
  pad: ({ pick, random }) => {
    const x = pick(ranked);
    return np.pad(x, x.shape.map(() => [random.integer(0, 3), random.integer(0, 2)]));
  },
  roll: ({ pick, axis, random }) => {
    const x = pick(along);
    return np.roll(x, random.integer(-3, 4), axis(x));
  },
  repeat: ({ pick, axis }) => {
    const x = pick(ranked);
    return np.repeat(x, 2, axis(x));
  },

  // ------------------------------------------------------------ along axes
  sum: ({ pick, axis, one }) => {
    const x = pick((x) => ranked(x) && !isBool(x));
    return coarse(x).sum(one([axis(x), x.shape.map((_, k) => k)]), {
      keepDims: one([true, false]),
    });
  },
  "sum of all but one": ({ pick, axis }) => {
    const x = pick((x) => x.ndim > 1 && !isBool(x));
    const a = axis(x);
    return coarse(x).sum(x.shape.flatMap((_, k) => k === a ? [] : [k]));
  },
  largest: ({ pick, axis, one }) => {
    const x = pick(along);
    return one([np.max, np.min])(x, axis(x), { keepDims: one([true, false]) });
  },
  "any or all": ({ pick, axis, one }) => {
    const x = pick((x) => ranked(x) && isBool(x));
    return one([np.any, np.all])(x, one([axis(x), null]));
  },
  "product of integers": ({ pick, axis }) => {
    const x = pick((x) => ranked(x) && isWhole(x));
    return np.prod(x, axis(x));
  },
  "where the largest is": ({ pick, axis, one }) => {
    const x = pick(along);
    return one([np.argmax, np.argmin])(x, axis(x));
  },
  cumsum: ({ pick, axis }) => {
    const x = pick((x) => ranked(x) && !isBool(x));
    return np.cumsum(coarse(x), axis(x));
  },
  sort: ({ pick, axis, one }) => {
    const x = pick((x) => ranked(x) && !isBool(x));
    return one([np.sort, np.argsort])(x, axis(x));
  },
  product: ({ pick }) => {
    const x = pick((x) => x.ndim === 2 && !isBool(x));
    const y = pick((y) =>
      y.dtype === x.dtype && y.ndim > 0 && y.shape.at(-2 % y.ndim) === x.shape[1]
    );
    return unsigned(np.matmul(coarse(x), coarse(y)));
  },
  "product with itself": ({ pick, one }) => {
    const x = pick((x) => x.ndim === 2 && !isBool(x));
    const subscripts = one(["ij,kj->ik", "ij,ik->jk", "ij,ij->i", "ij,kj->ki"]);
    return unsigned(np.einsum(subscripts, coarse(x), coarse(x)));
  },

  // ------------------------------------------------------------ places that are computed
  "slice at a place": ({ pick, whole, random }) => {
    const x = pick(along);
    const sizes = x.shape.map((n) => random.integer(random.next() < 0.1 ? 0 : 1, n + 1));
    return np.dynamicSlice(x, x.shape.map(() => whole()), sizes);
  },
  "write at a place": ({ pick, whole }) => {
    const x = pick(along);
    const y = pick((y) =>
      y.dtype === x.dtype && y.ndim === x.ndim && y.shape.every((n, k) => n <= x.shape[k]!)
    );
    return np.dynamicUpdateSlice(x, y, x.shape.map(() => whole()));
  },
  "write a part of it into it": ({ pick, whole, random }) => {
    const x = pick(along);
    const sizes = x.shape.map((n) => random.integer(1, n + 1));
    const part = np.dynamicSlice(x, x.shape.map(() => whole()), sizes);
    return [part, np.dynamicUpdateSlice(x, part, x.shape.map(() => whole()))];
  },
  take: ({ pick, axis }) => {
    const x = pick(along);
    const a = axis(x);
    return np.take(x, within(pick(isWhole), x.shape[a]!), a);
  },
  scatter: ({ pick, whole }) => {
    const x = pick(along);
    const y = pick((y) => y.dtype === x.dtype && y.ndim === 0);
    return np.setAt(x, within(whole(), x.shape[0]!), y);
  },
  "add at places": ({ pick }) => {
    const x = pick((x) => along(x) && !isBool(x));
    const i = pick((i) => isWhole(i) && i.ndim === 1);
    return np.addAt(coarse(x), within(i, x.shape[0]!), np.array(1, { dtype: x.dtype }));
  },

  // ------------------------------------------------------------ programs within
  scan: ({ pick, one, random, program }) => {
    const init = Array.from({ length: random.integer(1, 4) }, () => pick());
    const rows = random.next() < 0.6 ? pick((x) => x.ndim > 0 && x.shape[0]! < 10) : null;
    const length = rows === null ? one([0, 1, 2, 3, 5]) : rows.shape[0]!;
    const body = program(4, (b, own) => {
      const next = b.likes(own.slice(0, init.length));
      return [next, b.some(b.random.integer(0, 3))] as const;
    });
    const step = (carry: NDArray[], row: NDArray | null) =>
      row === null ? body(...carry) : body(...carry, row);
    const [last, ys] = scan(step, init, rows, { length, reverse: one([true, false]) });
    return [...last, ...ys];
  },
  "windows of a carry": ({ pick, random, one, whole }) => {
    const x = pick(along);
    const outer = x.shape.map((n) => random.integer(1, n + 1));
    const sizes = outer.map((n) => random.integer(1, n + 1));
    const [first, second] = [random.integer(0, 3), random.integer(0, 3)];
    const change = one<(c: NDArray, w: NDArray, i: NDArray[]) => NDArray>([
      (c, w, i) => np.dynamicUpdateSlice(c, w, i.map((n) => n.add(1))),
      (c, w, i) => np.dynamicUpdateSlice(np.flip(c, 0), w, i),
      (c) => np.flip(c, 0),
      (c) => np.maximum(c, np.flip(c)),
      (c) => c,
    ]);
    const axes = x.shape.map((_, k) => k);
    const window = (c: NDArray, i: NDArray): NDArray => {
      const w = np.dynamicSlice(c, axes.map(() => i), outer);
      return np.dynamicSlice(first === 0 ? np.flip(w, 0) : w, axes.map(() => i.sub(first)), sizes);
    };
    const turned = one([true, false]);
    const step = (carry: NDArray[]): [NDArray[], NDArray[]] => {
      const [c, kept, i] = turned
        ? [carry[1]!, carry[0]!, carry[2]!]
        : carry as [NDArray, NDArray, NDArray];
      const w = window(c, i);
      const next = change(c, second === 0 ? w : kept, axes.map(() => i));
      const list = [next, second === 1 ? window(next, i) : w];
      return [[...turned ? list.reverse() : list, i.add(1)], [w, kept, c].slice(0, second)];
    };
    const init: NDArray[] = [x, np.slice(x, axes.map(() => 0), sizes)];
    const start: NDArray[] = [...turned ? init.reverse() : init, within(whole(), 3)];
    const [last, ys] = scan(step, start, null, { length: 3 });
    return [...last, ...ys];
  },
  while: ({ pick, random, program, whole }) => {
    const init = Array.from({ length: random.integer(1, 4) }, () => pick());
    const limit = within(whole(), 4);
    const body = program(4, (b, own) => b.likes(own));
    const [, ...last] = whileLoop(
      ([n]: NDArray[]) => n!.less(limit),
      ([n, ...carry]: NDArray[]) => [n!.add(1), ...body(...carry)],
      [np.array(0, { dtype: "int32" }), ...init],
    );
    return last;
  },
  "loop of numbers": ({ pick, random, program }) =>
    foriLoop(0, random.integer(0, 4), program(3, (b, own) => b.like(own[1]!)), pick()),
  branch: ({ pick, one, program }) => {
    const like = [pick(), pick()];
    const branch = () => program(3, (b) => b.likes(like));
    const index = pick((x) => x.ndim === 0 && (isBool(x) || x.dtype === "int32"));
    const own = [pick(), pick()];
    if (isBool(index)) return cond(index, branch(), branch(), ...own);
    return switchCase(index, Array.from({ length: one([1, 2, 4]) }, branch), ...own);
  },
  vmap: ({ pick, random, program }) => {
    const x = pick((x) => x.ndim > 0 && x.shape[0]! > 0 && x.shape[0]! < 10);
    const other = pick((y) => y.ndim > 0 && y.shape[0] === x.shape[0]);
    const count = random.integer(1, 3);
    return vmap(program(4, (b) => b.some(count)))(x, other);
  },
};

/** The numbers below n in some order. */
export function shuffled(random: Random, n: number): number[] {
  const list = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = random.integer(0, i + 1);
    [list[i], list[j]] = [list[j]!, list[i]!];
  }
  return list;
}

/** Elements, half or a tenth of them special. */
export function drawn(random: Random, n: number, dtype: DType): number[] {
  const list = specials[dtype];
  const often = random.next() < 0.5 ? 0.5 : 0.1;
  const [low, high] = dtype === "uint32" ? [0, 9] : dtype === "bool" ? [0, 2] : [-5, 5];
  return Array.from({ length: n }, () => {
    if (random.next() < often) return list[random.integer(0, list.length)]!;
    const x = random.uniform(low, high);
    return dtype.startsWith("float") ? x : Math.floor(x);
  });
}
