/**
 * Random programs: chains of operations of every family on small arrays of a float type, with loops,
 * branches and calls among them, for tests that compare ways to run and transform a program.
 *
 * All results are brought into [-1, 1] again, so that programs of any length stay well conditioned.
 *
 * @module
 */
import {
  associativeScan,
  checkpoint,
  cond,
  foriLoop,
  grad,
  jit,
  linalg,
  map,
  type NDArray,
  nn,
  numpy as np,
  scan,
  switchCase,
  vmap,
} from "../../mod.ts";
import type { DType } from "../../lib/core/dtype.ts";
import { arr } from "./arrays.ts";
import { Random } from "./random.ts";
import { unreadSteepness } from "./random_unread.ts";

/** One operation: from the values so far to the next. */
export type Step = (values: readonly NDArray[]) => NDArray;

/** Picks one of the values so far. */
export type Pick = (accepts?: (x: NDArray) => boolean) => number | null;
/** Chooses operands, and gives a step or `null` where there are none that fit. */
export type Maker = (pick: Pick, random: Random, values: readonly NDArray[]) => Step | null;

/** An operation on any value. */
export const unary = (f: (x: NDArray) => NDArray): Maker => (pick) => {
  const i = pick()!;
  return (v) => f(v[i]!);
};
/** An operation on values of some kind. */
export const unaryOf =
  (accepts: (x: NDArray) => boolean, f: (x: NDArray) => NDArray): Maker => (pick) => {
    const i = pick(accepts);
    return i === null ? null : (v) => f(v[i]!);
  };
const fits = (a: NDArray, b: NDArray): boolean => {
  const n = Math.min(a.ndim, b.ndim);
  return Array.from({ length: n }, (_, k) => [a.shape.at(-1 - k)!, b.shape.at(-1 - k)!])
    .every(([p, q]) => p === q || p === 1 || q === 1);
};
const binary = (f: (x: NDArray, y: NDArray) => NDArray): Maker => (pick, _, values) => {
  const i = pick()!;
  const j = pick((y) => fits(values[i]!, y))!;
  return (v) => f(v[i]!, v[j]!);
};
/** An operation along an axis. */
const along = (f: (x: NDArray, axis: number) => NDArray): Maker => (pick, random, values) => {
  const i = pick((x) => x.ndim > 0);
  if (i === null) return null;
  const axis = random.integer(0, values[i]!.ndim);
  return (v) => f(v[i]!, axis);
};
/** Whether a value has a first axis with something along it. */
export const vector = (x: NDArray): boolean => x.ndim >= 1 && x.shape[0]! > 0;
/** The first element or row. */
export const first = (x: NDArray): NDArray => x.at(0);

/** Keeps sums that are 0 or whole numbers but for rounding away from where a choice changes. */
const OFFSET = 0.1372;

const makers: Readonly<Record<string, Maker>> = {
  sin: unary(np.sin),
  tanh: unary((x) => np.tanh(x.mul(2))),
  exp: unary((x) => np.exp(x).mul(0.3)),
  log: unary((x) => np.log(x.square().add(0.5))),
  sqrt: unary((x) => np.sqrt(x.square().add(1)).sub(1)),
  abs: unary((x) => x.abs().sub(0.3)),
  sigmoid: unary(nn.sigmoid),
  gelu: unary(nn.gelu),
  power: unary((x) => np.pow(x, 3)),
  round: unary((x) => np.round(x.mul(3).add(OFFSET)).div(3)),
  add: binary((x, y) => x.add(y)),
  sub: binary((x, y) => x.sub(y)),
  mul: binary((x, y) => x.mul(y)),
  div: binary((x, y) => x.div(y.square().add(1))),
  maximum: binary((x, y) => np.maximum(x, y)),
  atan2: binary((x, y) => np.atan2(x, y.add(1.5)).mul(0.5)),
  where: binary((x, y) => np.where(x.greater(y), x.mul(0.5), y)),
  logaddexp: binary((x, y) => np.logaddexp(x, y).sub(1)),
  sum: along((x, axis) => x.sum(axis)),
  mean: along((x, axis) => x.mean(axis, { keepDims: true })),
  max: along((x, axis) => x.max(axis)),
  softmax: along((x, axis) => nn.softmax(x, axis)),
  logsumexp: along((x, axis) => nn.logsumexp(x, axis).sub(1)),
  cumsum: along((x, axis) => np.cumsum(x, axis).mul(0.4)),
  sort: along((x, axis) => np.sort(x, axis)),
  flip: along((x, axis) => np.flip(x, axis)),
  concatenate: along((x, axis) => np.concatenate([x, x.mul(-1)], axis)),
  stack: along((x, axis) => np.stack([x, x.mul(0.5)], axis)),
  transpose: unary((x) => x.T),
  ravel: unary((x) => x.ravel()),
  "split off": along((x, axis) => np.split(x, [1], axis)[0]!),
  roll: along((x, axis) => np.roll(x, 1, axis)),
  "pick the largest": unaryOf(vector, (x) => x.ravel().at(np.argmax(x))),
  take: unaryOf(vector, (x) => np.take(x, np.array([0, -1, 0], { dtype: "int32" }), 0)),
  "slice at a traced place": unaryOf(vector, (x) => {
    const at = np.floor(x.sum().square().add(OFFSET)).astype("int32");
    return np.dynamicSlice(x, x.shape.map((_, k) => k === 0 ? at : 0), [1, ...x.shape.slice(1)]);
  }),
  "update at a traced place": unaryOf(vector, (x) => {
    const at = np.floor(x.sum().square().add(OFFSET)).astype("int32");
    return np.setAt(x, np.clip(at, 0, x.shape[0]! - 1), first(x).mul(0.5));
  }),
  matmul: unaryOf((x) => x.ndim === 2, (x) => np.matmul(x, x.T).mul(0.3)),
  matvec: unaryOf(
    (x) => x.ndim === 2,
    (x) => np.matmul(np.matmul(x, x.sum(0)), x).sub(np.matmul(x.T, x.mean(1))).mul(0.3),
  ),
  solve: unaryOf(
    (x) => x.ndim === 2,
    (x) => linalg.solve(np.matmul(x, x.T).add(np.eye(x.shape[0]!, { dtype: x.dtype }).mul(2)), x),
  ),
  cholesky: unaryOf(
    (x) => x.ndim === 2,
    (x) => {
      const a = np.matmul(x, x.T).add(np.eye(x.shape[0]!, { dtype: x.dtype }).mul(2));
      return np.matmul(linalg.cholesky(a), x).mul(0.3);
    },
  ),
  scan: unaryOf(vector, (x) => {
    const f = (c: NDArray, u: NDArray) => [np.tanh(c.add(u)), c.mul(u)] as const;
    const [c, ys] = scan(f, np.zerosLike(first(x)), x);
    return ys.add(c);
  }),
  "scan in reverse": unaryOf(vector, (x) => {
    const f = (c: NDArray, u: NDArray) => [c.mul(0.5).add(u), np.sin(c)] as const;
    return scan(f, first(x), x, { reverse: true })[1];
  }),
  map: unaryOf(vector, (x) => map((u: NDArray) => np.sin(u).mul(first(x)), x)),
  associativeScan: unaryOf(vector, (x) => associativeScan((a: NDArray, b: NDArray) => a.mul(b), x)),
  foriLoop: unary((x) => foriLoop(0, 3, (i, v) => np.sin(v.add(i)).mul(x), x)),
  cond: unary((x) =>
    cond(x.sum().greater(OFFSET), (v: NDArray) => np.sin(v), (v: NDArray) => v.mul(x), x.mul(0.7))
  ),
  switchCase: unary((x) => {
    const i = np.floor(x.sum().square().mul(3).add(OFFSET)).astype("int32");
    return switchCase(
      i,
      [(v: NDArray) => v, (v: NDArray) => np.cos(v), (v: NDArray) => v.mul(x)],
      x,
    );
  }),
  jit: unary((x) => jit((v: NDArray) => np.sin(v).mul(x))(x.mul(0.5))),
  checkpoint: unary((x) => checkpoint((v: NDArray) => np.sin(np.sin(v)))(x)),
  vmap: unaryOf(vector, (x) => vmap((u: NDArray) => u.mul(u.sum()))(x).mul(0.3)),
  grad: unary((x) => grad((v: NDArray) => np.sin(v).mul(x).sum())(x.mul(0.5))),
  unread: (pick, random) => {
    const i = pick()!;
    const hidden = unreadSteepness(random);
    return (v) => hidden(v[i]!);
  },
};

/** Shapes of the inputs of a random program. */
export const inputShapes: readonly (readonly number[])[] = [[], [3], [2, 3]];

/** A program and what it is made of. */
export interface RandomProgram {
  /** From three inputs to a scalar and the last few values. */
  readonly f: (inputs: readonly NDArray[]) => NDArray[];
  /** The names of its operations. */
  readonly steps: readonly string[];
  /** Inputs to try it on. */
  readonly inputs: NDArray[];
}

const MOST_ELEMENTS = 24;

/** Inputs for a program. */
export function drawInputs(random: Random, dtype: DType = "float64"): NDArray[] {
  return inputShapes.map((shape) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return arr(random.list(size), dtype).reshape(shape);
  });
}

/** A program of `length` operations, half of them of `more` where there are any. */
export function randomProgram(
  name: string,
  length: number,
  more: Readonly<Record<string, Maker>> = {},
  dtype: DType = "float64",
): RandomProgram {
  const random = new Random(name);
  const inputs = drawInputs(random, dtype);
  const names = Object.keys(makers);
  const others = Object.keys(more);
  const steps: Step[] = [];
  const labels: string[] = [];
  const values = [...inputs];
  const pick: Pick = (accepts = () => true) => {
    const fitting = values.flatMap((x, i) => accepts(x) ? [i] : []);
    if (fitting.length === 0) return null;
    // Later values more often, so that programs become deep.
    const at = Math.max(random.next(), random.next());
    return fitting[Math.floor(at * fitting.length)]!;
  };
  while (steps.length < length) {
    const list = others.length > 0 && random.next() < 0.5 ? others : names;
    const label = list[random.integer(0, list.length)]!;
    const step = (more[label] ?? makers[label]!)(pick, random, values);
    if (step === null) continue;
    const value = step(values);
    if (value.size === 0 || value.size > MOST_ELEMENTS || value.ndim > 3) continue;
    steps.push(step);
    labels.push(`${label}:[${value.shape}]`);
    values.push(value);
  }
  const f = (inputs: readonly NDArray[]): NDArray[] => {
    const values = [...inputs];
    for (const step of steps) values.push(step(values));
    let total: NDArray = np.zeros([], { dtype });
    for (const v of values) total = total.add(np.tanh(v).mean());
    return [total, ...values.slice(-3)];
  };
  return { f, steps: labels, inputs };
}
