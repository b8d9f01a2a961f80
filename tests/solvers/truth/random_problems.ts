/**
 * Problems made at random of functions of one variable, of which it is known whether they have a root, a minimum, or a
 * value of 0: in coordinates that are turned and bent, of leaves in different units. One component without a solution
 * leaves the whole without one.
 *
 * @module
 */
import { type DType, linalg, type NDArray, numpy as np } from "../../../mod.ts";

/** Unknowns in two leaves. */
export type Point = { readonly u: NDArray; readonly v: NDArray };

/** A problem: a function of points, and where to start. */
export interface RandomProblem {
  readonly name: string;
  readonly start: Point;
  /** Whose root, fixed point of `x + f(x)`, or least sum of squares is sought. */
  readonly vector: (x: Point) => Point;
  /** Whose minimum is sought. */
  readonly scalar: (x: Point) => NDArray;
  /** The infimum of `scalar`. */
  readonly infimum: number;
  /** What rounding of the coordinates alone makes of `scalar` at a point. */
  readonly rounding: (x: Point) => number;
}

type Scalar = { readonly name: string; readonly f: (z: NDArray) => NDArray };

const sigmoid = (z: NDArray): NDArray => np.div(1, np.exp(z.neg()).add(1));

/** Functions without a root. */
const rootless: readonly Scalar[] = [
  { name: "exp z", f: (z) => np.exp(z) },
  { name: "log(1 + exp z)", f: (z) => np.log1p(np.exp(z)) },
  { name: "z^2 + 1/2", f: (z) => z.square().add(0.5) },
  { name: "1 / (1 + z^2)", f: (z) => np.div(1, z.square().add(1)) },
  { name: "cosh z", f: (z) => np.cosh(z) },
  { name: "2 + sin z", f: (z) => np.sin(z).add(2) },
  { name: "sigmoid z", f: sigmoid },
];

/** Functions with one root. */
const rooted: readonly Scalar[] = [
  { name: "z - 1/2", f: (z) => z.sub(0.5) },
  { name: "tanh z", f: (z) => np.tanh(z).add(z.mul(0.1)) },
  { name: "z + z^3 + 1", f: (z) => z.add(z.square().mul(z)).add(1) },
  { name: "exp z - 2", f: (z) => np.exp(z.mul(0.5)).sub(2) },
  { name: "sinh z - 1", f: (z) => np.sinh(z).sub(1) },
];

/**
 * Functions without a minimum, with their infimum. Without `z^5`: in bent coordinates what is lower beyond it lies on a
 * curve, and on all lines to it is something higher.
 */
const bottomless: readonly (Scalar & { readonly infimum: number })[] = [
  { name: "exp z", f: (z) => np.exp(z), infimum: 0 },
  { name: "log(1 + exp z)", f: (z) => np.log1p(np.exp(z)), infimum: 0 },
  { name: "-z", f: (z) => z.neg(), infimum: -Infinity },
  { name: "z^3", f: (z) => z.square().mul(z), infimum: -Infinity },
  { name: "-log(1 + (z - 3)^2)", f: (z) => np.log1p(z.sub(3).square()).neg(), infimum: -Infinity },
  { name: "atan z", f: (z) => np.atan(z), infimum: -Math.PI / 2 },
  { name: "sigmoid z", f: sigmoid, infimum: 0 },
];

/** Functions with one minimum, of value 0. The last is flat there, and beside `z^3` hides it on curves likewise. */
const bowls: readonly Scalar[] = [
  { name: "z^2", f: (z) => z.square() },
  { name: "cosh z - 1", f: (z) => np.sinh(z.mul(0.5)).square().mul(2) },
  { name: "log(1 + z^2)", f: (z) => np.log1p(z.square()) },
  { name: "z^2 + z^4", f: (z) => z.square().add(z.square().square()) },
  { name: "z^4", f: (z) => z.square().square() },
];

/** Numbers in [0, 1) from a seed. */
export function numbersFrom(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(1664525, s) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

/** A rotation of n coordinates, as a product of rotations of two. */
function rotation(n: number, next: () => number): number[][] {
  const q = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => +(i === j)));
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const angle = 6 * next();
      for (const row of q) {
        const [a, b] = [row[i]!, row[j]!];
        row[i] = a * Math.cos(angle) - b * Math.sin(angle);
        row[j] = a * Math.sin(angle) + b * Math.cos(angle);
      }
    }
  }
  return q;
}

/** A problem of a seed: with a solution, or without one. */
export function randomProblem(seed: number, solvable: boolean, dtype: DType): RandomProblem {
  const next = numbersFrom(seed * 7919 + 17);
  for (let i = 0; i < 5; i++) next();
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  const [k, l] = [1 + Math.floor(3 * next()), 1 + Math.floor(2 * next())];
  const n = k + l;
  const scales = [10 ** (8 * next() - 4), 10 ** (8 * next() - 4)] as const;
  const matrix = (q: number[][]): NDArray => np.array(q, { dtype });
  const [inwards, outwards] = [matrix(rotation(n, next)), matrix(rotation(n, next))];
  const bend = 0.8 * next();
  const parts = Array.from(
    { length: n },
    (_, i) => i === 0 && !solvable ? pick(rootless) : pick(rooted),
  );
  const floor = pick(bottomless);
  const around = !solvable && floor.name === "z^3" ? bowls.slice(0, -1) : bowls;
  const sums = Array.from({ length: n }, (_, i) => i === 0 && !solvable ? floor : pick(around));
  const value = 10 ** (6 * next() - 3);
  const at = (m: number): number[] => Array.from({ length: m }, () => 2 * next() - 1);
  const own = (v: number[], s: number): NDArray => np.array(v.map((x) => x * s), { dtype });
  const coordinates = ({ u, v }: Point): NDArray => {
    const x = np.concatenate([u.div(scales[0]), v.div(scales[1])]);
    return np.matmul(inwards, x.add(np.tanh(x).mul(bend)));
  };
  const each = (fs: readonly Scalar[], z: NDArray): NDArray =>
    np.concatenate(fs.map(({ f }, i) => f(z.slice([i], [i + 1]))));
  return {
    name: `seed ${seed}, ${dtype}: ${k} + ${l} unknowns, ` +
      `${parts.map((p) => p.name).join("; ")} | ${sums.map((p) => p.name).join("; ")}`,
    start: { u: own(at(k), scales[0]), v: own(at(l), scales[1]) },
    vector(x) {
      const y = np.matmul(outwards, each(parts, coordinates(x)));
      return { u: y.slice([0], [k]).mul(scales[0]), v: y.slice([k], [n]).mul(scales[1]) };
    },
    scalar: (x) => each(sums, coordinates(x)).sum().mul(value),
    infimum: solvable ? 0 : floor.infimum * value,
    rounding(x) {
      const eps = dtype === "float32" ? 2 ** -23 : 2 ** -52;
      return value * (8 * eps * linalg.norm(coordinates(x)).item()) ** 2;
    },
  };
}
