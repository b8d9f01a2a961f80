/**
 * Random functions with parts of infinite slope that nothing reads: results, carries, slices,
 * operands and dead code of every transform that records a program, in one another. What nothing
 * reads must not matter, so their derivatives of all orders are those of the rest.
 *
 * @module
 */
import {
  checkpoint,
  cond,
  foriLoop,
  grad,
  jit,
  linalg,
  map,
  type NDArray,
  numpy as np,
  scan,
  switchCase,
  vmap,
} from "../../mod.ts";
import type { Random } from "./random.ts";

type F = (x: NDArray) => NDArray;

/** Functions whose slope at `x` is infinite, whatever `x` is. */
export const steep: Readonly<Record<string, F>> = Object.fromEntries(
  Object.entries({
    sqrt: (z) => np.sqrt(z),
    "sqrt of a square": (z) => np.sqrt(z.square()),
    log: (z) => np.log(z),
    "power below 1": (z) => np.pow(z, 0.4),
    acos: (z) => np.acos(z.add(1)),
    reciprocal: (z) => np.reciprocal(z),
    norm: (z) => linalg.norm(z.ravel()),
    std: (z) => np.std(z),
  } as Record<string, F>).map(([name, f]) => [name, (x) => f(x.sub(np.stopGradient(x)))]),
);

const twice = (x: NDArray): NDArray => np.stack([x, x.mul(0.5)]);

/** Ways to run `f` with something of `s` in it or beside it that is not read. */
const hosts: Readonly<Record<string, (f: F, s: F) => F>> = {
  "result of jit": (f, s) => (x) => jit((v: NDArray) => [s(v), f(v)])(x)[1]!,
  "argument of jit": (f, s) => (x) => jit((v: NDArray, _: NDArray) => f(v))(x, s(x)),
  "dead code of jit": (f, s) => (x) => jit((v: NDArray) => (s(v), f(v)))(x),
  "result of checkpoint": (f, s) => (x) => checkpoint((v: NDArray) => [s(v), f(v)])(x)[1]!,
  "result of scan": (f, s) => (x) =>
    scan((c: NDArray) => [f(c), [s(c), c]], x, null, { length: 2 })[1][1]!.sum(0),
  "carry of scan": (f, s) => (x) =>
    scan(([a, b]: NDArray[]) => [[f(a!), s(b!).add(b!)], null], [x, x], null, { length: 2 })[0][0]!,
  "slices of scan": (f, s) => (x) =>
    scan(
      (c: NDArray, [u]: NDArray[]) => [f(c).add(u!), null],
      x,
      [twice(x), s(twice(x))].map(lead),
    )[0],
  "dead code of scan": (f, s) => (x) =>
    scan((c: NDArray) => (s(c), [f(c), null]), x, null, { length: 2, reverse: true })[0],
  "carry of foriLoop": (f, s) => (x) =>
    foriLoop(0, 2, (_, [a, b]: NDArray[]) => [f(a!), s(b!).add(b!)], [x, x])[0]!,
  "result of map": (f, s) => (x) => map((u: NDArray) => [s(u), f(u)], twice(x))[1]!.sum(0),
  "result of vmap": (f, s) => (x) => vmap((u: NDArray) => [s(u), f(u)])(twice(x))[1]!.sum(0),
  "result of cond": (f, s) => (x) =>
    cond(
      x.sum().greater(0.1372),
      (v: NDArray) => [s(v), f(v)],
      (v: NDArray) => [s(v).mul(2), v],
      x,
    )[1]!,
  "operand of cond": (f, s) => (x) =>
    cond(x.sum().greater(0.1372), (v: NDArray, _: NDArray) => f(v), (v: NDArray) => v, x, s(x)),
  "dead code of cond": (f, s) => (x) =>
    cond(true, (v: NDArray) => (s(v), f(v)), (v: NDArray) => v, x),
  "result of switchCase": (f, s) => (x) =>
    switchCase(
      1,
      [(v: NDArray) => [v, s(v)], (v: NDArray) => [f(v), s(v)], (v: NDArray) => [v, v.sum()]]
        .map((branch) => (v: NDArray) => [branch(v)[0]!, branch(v)[1]!.sum()]),
      x,
    )[0]!,
  "aux of grad": (f, s) => (x) =>
    grad((v: NDArray) => [f(v).sum(), s(v)] as [NDArray, NDArray], { hasAux: true })(x)[0],
};

/** Gives what is scanned over a first axis of 2. */
function lead(x: NDArray): NDArray {
  return x.ndim > 0 && x.shape[0] === 2 ? x : np.stack([x, x]);
}

/** A smooth function, in two of the hosts. */
export function unreadSteepness(random: Random): F {
  const oneOf = <T>(table: Readonly<Record<string, T>>): T => {
    const names = Object.keys(table);
    return table[names[random.integer(0, names.length)]!]!;
  };
  const inner = oneOf(hosts)(np.sin, oneOf(steep));
  const outer = oneOf(hosts)((x) => np.tanh(inner(x)), oneOf(steep));
  return (x) => outer(x.mul(0.7));
}

/** A function with something steep that is not read, and the same with something harmless there. */
export interface Unread {
  /** The host and what it hides. */
  readonly name: string;
  /** The function. */
  readonly f: F;
  /** The function that it has to equal, derivatives included. */
  readonly plain: F;
}

/** Every host with everything that is steep. */
export const allUnread: readonly Unread[] = Object.entries(hosts).flatMap(([host, run]) =>
  Object.entries(steep).map(([name, s]) => ({
    name: `${host}: ${name}`,
    f: run(np.sin, s),
    plain: run(np.sin, (x) => x),
  }))
);
