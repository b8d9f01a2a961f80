/**
 * Problems made at random that have a minimum, in valleys so flat that it is hard to tell from a fall without end: what
 * refuses claims there has lost true minima.
 *
 * @module
 */
import { type DType, type NDArray, numpy as np } from "../../../mod.ts";
import { numbersFrom } from "./random_problems.ts";

/** A problem: a function of points and data, its data, and where to start. */
export interface FlatMinimum {
  readonly name: string;
  readonly f: (x: NDArray, data: NDArray) => NDArray;
  /** Numbers that differ from problem to problem of a kind, whose shape does not. */
  readonly data: NDArray;
  readonly start: NDArray;
  /** What `f` is at its minimum at most, by what is known of it. */
  readonly least: number;
}

/** What a kind makes of a seed's numbers in [0, 1). */
export interface Kind {
  readonly name: string;
  readonly f: (x: NDArray, data: NDArray) => NDArray;
  readonly data: (next: () => number) => readonly number[];
  readonly unknowns: number;
  /** The value at the minimum: 0 where it is left out. */
  readonly least?: (data: readonly number[]) => number;
}

/** Numbers in [-1, 1). */
const some = (n: number, next: () => number): number[] =>
  Array.from({ length: n }, () => 2 * next() - 1);

/** `(x - c)^T H (x - c)` of Hilbert's matrix, whose least eigenvalue is lost in the rounding of float64 from n = 11 on. */
export const hilbert = (n: number): Kind => ({
  name: `Hilbert's quadratic of ${n}`,
  unknowns: n,
  data: (next) => some(n, next),
  f(x, c) {
    const i = np.arange(n, { dtype: x.dtype });
    const matrix = np.div(1, np.expandDims(i, 1).add(np.expandDims(i, 0)).add(1));
    const d = x.sub(c);
    return np.matmul(matrix, d).mul(d).sum();
  },
});

/** A power across a valley whose floor is a line of minima. */
export const power = (k: number): Kind => ({
  name: `z^${k} + w (y1 + y2)^2`,
  unknowns: 3,
  data: (next) => [2 * next() - 1, 10 ** (8 * next() - 4)],
  f: (x, d) => np.pow(x.at(0).sub(d.at(0)), k).add(x.at(1).add(x.at(2)).square().mul(d.at(1))),
});

const rows = 8;

/** Squares of what margins lack: none lacks anything in a cone of minima. */
export const hinge: Kind = {
  name: "squared hinges of what can be separated",
  unknowns: 3,
  data: (next) =>
    Array.from({ length: rows }, () => {
      const [a, b] = some(2, next) as [number, number];
      const side = a + 0.5 * b > 0 ? 1 : -1;
      return [side * a, side * b, side];
    }).flat(),
  f: (x, d) => np.maximum(np.matmul(np.reshape(d, [rows, 3]), x).neg().add(1), 0).square().sum(),
};

/** Powers of what is beyond a kink, along no axis: what is level ahead beside a bowl of another curvature. */
export const ramp = (k: number): Kind => ({
  name: `max(0, a)^${k} + w (b - c)^2, turned`,
  unknowns: 2,
  data: (next) => [6 * next(), 2 * next() - 1, 10 ** (4 * next() - 2)],
  f(x, d) {
    const [cos, sin] = [np.cos(d.at(0)), np.sin(d.at(0))];
    const a = x.at(0).mul(cos).sub(x.at(1).mul(sin));
    const b = x.at(0).mul(sin).add(x.at(1).mul(cos));
    return np.pow(np.maximum(a, 0), k).add(b.sub(d.at(1)).square().mul(d.at(2)));
  },
});

/** `|X Y - A|^2`, whose minima are a manifold: any `X G`, `G^-1 Y`. */
export const factors: Kind = {
  name: "|X Y - A|^2 of rank 2",
  unknowns: 14,
  data(next) {
    const [x, y] = [some(6, next), some(8, next)];
    return Array.from({ length: 12 }, (_, k) => {
      const [i, j] = [Math.floor(k / 4), k % 4];
      return x[2 * i]! * y[j]! + x[2 * i + 1]! * y[4 + j]!;
    });
  },
  f(x, a) {
    const left = np.reshape(x.slice([0], [6]), [3, 2]);
    const right = np.reshape(x.slice([6], [14]), [2, 4]);
    return np.matmul(left, right).sub(np.reshape(a, [3, 4])).square().sum();
  },
};

/** Exponentials that fall on one side, held on the other by a small weight: `exp(-a t) + w exp(b t)`, of three `t`. */
export const held: Kind = {
  name: "exp(-a t) + w exp(b t)",
  unknowns: 3,
  data: (next) => [
    ...some(3, next).map((v) => 1 + v / 2),
    ...some(3, next).map((v) => 10 ** (-3 - 3 * v)),
    ...some(3, next).map((v) => 0.6 + v / 2),
  ],
  f(x, d) {
    const part = (i: number): NDArray => d.slice([i], [i + 3]);
    const [falls, rises] = [np.exp(part(0).mul(x).neg()), np.exp(part(6).mul(x))];
    return falls.add(part(3).mul(rises)).sum();
  },
  least: (d) =>
    [0, 1, 2].reduce((sum, i) => {
      const [a, w, b] = [d[i]!, d[i + 3]!, d[i + 6]!];
      const t = Math.log(a / (w * b)) / (a + b);
      return sum + Math.exp(-a * t) + w * Math.exp(b * t);
    }, 0),
};

/** A problem of a kind and a seed. */
export function flatMinimum(kind: Kind, seed: number, dtype: DType): FlatMinimum {
  const next = numbersFrom(seed * 4801 + 11);
  for (let i = 0; i < 5; i++) next();
  const data = kind.data(next);
  return {
    name: `${kind.name}, seed ${seed}, ${dtype}`,
    f: kind.f,
    data: np.array([...data], { dtype }),
    start: np.array(some(kind.unknowns, next), { dtype }).mul(3),
    least: kind.least?.(data) ?? 0,
  };
}
