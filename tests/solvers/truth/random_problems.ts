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

/** Functions without a minimum, with their infimum. */
const bottomless: readonly (Scalar & { readonly infimum: number })[] = [
  { name: "exp z", f: (z) => np.exp(z), infimum: 0 },
  { name: "log(1 + exp z)", f: (z) => np.log1p(np.exp(z)), infimum: 0 },
  { name: "-z", f: (z) => z.neg(), infimum: -Infinity },
  { name: "z^3", f: (z) => z.square().mul(z), infimum: -Infinity },
  { name: "-log(1 + (z - 3)^2)", f: (z) => np.log1p(z.sub(3).square()).neg(), infimum: -Infinity },
  { name: "atan z", f: (z) => np.atan(z), infimum: -Math.PI / 2 },
  { name: "sigmoid z", f: sigmoid, infimum: 0 },
];

/** Functions with one minimum, of value 0. The last is flat there. */
const bowls: readonly Scalar[] = [
  { name: "z^2", f: (z) => z.square() },
  { name: "cosh z - 1", f: (z) => np.sinh(z.mul(0.5)).square().mul(2) },
  { name: "log(1 + z^2)", f: (z) => np.log1p(z.square()) },
  { name: "z^2 + z^4", f: (z) => z.square().add(z.square().square()) },
  { name: "z^4", f: (z) => z.square().square() },
];

/** Each function of a list at its coordinate. */
function each(fs: readonly Scalar[], z: NDArray): NDArray {
  return np.concatenate(fs.map(({ f }, i) => f(z.slice([i], [i + 1]))));
}

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
  const sums = Array.from({ length: n }, (_, i) => i === 0 && !solvable ? floor : pick(bowls));
  const value = 10 ** (6 * next() - 3);
  const at = (m: number): number[] => Array.from({ length: m }, () => 2 * next() - 1);
  const own = (v: number[], s: number): NDArray => np.array(v.map((x) => x * s), { dtype });
  const coordinates = ({ u, v }: Point): NDArray => {
    const x = np.concatenate([u.div(scales[0]), v.div(scales[1])]);
    return np.matmul(inwards, x.add(np.tanh(x).mul(bend)));
  };
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

/** What has no minimum where two coordinates meet, with its infimum. */
interface Meeting {
  readonly name: string;
  readonly f: (a: NDArray, b: NDArray, weight: number) => NDArray;
  readonly infimum: number;
}

const power = (z: NDArray, k: number): NDArray => np.pow(z, k);

/** Saddles where derivatives vanish up to some order, lines of kinks, and curved valleys. */
const meetings: readonly Meeting[] = [
  { name: "a^3 + b^4", f: (a, b) => power(a, 3).add(power(b, 4)), infimum: -Infinity },
  { name: "a^5 + b^2", f: (a, b) => power(a, 5).add(b.square()), infimum: -Infinity },
  { name: "a^7 + b^2", f: (a, b) => power(a, 7).add(b.square()), infimum: -Infinity },
  { name: "a^5 + b^4", f: (a, b) => power(a, 5).add(power(b, 4)), infimum: -Infinity },
  {
    name: "a^3 - 3 a b^2",
    f: (a, b) => power(a, 3).sub(a.mul(b.square()).mul(3)),
    infimum: -Infinity,
  },
  {
    name: "b^2 - a^4 + a^6",
    f: (a, b) => b.square().sub(power(a, 4)).add(power(a, 6)),
    infimum: -4 / 27,
  },
  {
    name: "(b - a^2) (b - 3 a^2)",
    f: (a, b) => b.sub(a.square()).mul(b.sub(a.square().mul(3))),
    infimum: -Infinity,
  },
  { name: "exp a + 5 |b|", f: (a, b) => np.exp(a).add(np.abs(b).mul(5)), infimum: 0 },
  { name: "a^3 + 5 |b|", f: (a, b) => power(a, 3).add(np.abs(b).mul(5)), infimum: -Infinity },
  {
    name: "a^3 + w (b - a^2)^2",
    f: (a, b, w) => power(a, 3).add(b.sub(a.square()).square().mul(w)),
    infimum: -Infinity,
  },
  {
    name: "exp a + w (b - a^2)^2",
    f: (a, b, w) => np.exp(a).add(b.sub(a.square()).square().mul(w)),
    infimum: 0,
  },
  {
    name: "atan a + w (b - sin a)^2",
    f: (a, b, w) => np.atan(a).add(b.sub(np.sin(a)).square().mul(w)),
    infimum: -Math.PI / 2,
  },
  { name: "exp a + w b^2", f: (a, b, w) => np.exp(a).add(b.square().mul(w)), infimum: 0 },
  { name: "sigmoid a + w b^2", f: (a, b, w) => sigmoid(a).add(b.square().mul(w)), infimum: 0 },
];

/** A function without a minimum, where there are points that look like one. */
export interface Deceit {
  readonly name: string;
  readonly start: Point;
  readonly scalar: (x: Point) => NDArray;
  /** Whether `scalar` has nothing lower at any place than at a point but what is rounding there. */
  readonly isLeast: (x: Point) => boolean;
}

/**
 * A function of a seed that has no minimum: two coordinates meet in something that looks like one, the others are in
 * bowls. Coordinates are turned, bent and shifted, unknowns scaled by up to 1e6 and a constant is added, or nothing of
 * that is.
 */
export function deceit(seed: number, dtype: DType): Deceit {
  const next = numbersFrom(seed * 6271 + 29);
  for (let i = 0; i < 5; i++) next();
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  const some = (value: number, none: number): number => next() < 0.5 ? value : none;
  const [k, l] = [1 + Math.floor(2 * next()), 1 + Math.floor(2 * next())];
  const n = k + l;
  const scales = [10 ** some(12 * next() - 6, 0), 10 ** some(12 * next() - 6, 0)] as const;
  const turned = some(1, 0) === 1;
  const turn = np.array(rotation(n, turned ? next : () => 0), { dtype });
  const bend = some(0.8 * next(), 0);
  const shift = some(4 * next() - 2, 0);
  const meeting = meetings[seed % meetings.length]!;
  const weight = 10 ** (6 * next() - 1);
  const others = Array.from({ length: n - 2 }, () => pick(bowls));
  const value = 10 ** (6 * next() - 3);
  const constant = some(10 ** (9 * next() - 4), 0);
  const at = (m: number, s: number): NDArray =>
    np.array(Array.from({ length: m }, () => (shift + 4 * next() - 2) * s), { dtype });
  const unscaled = ({ u, v }: Point): NDArray =>
    np.concatenate([u.div(scales[0]), v.div(scales[1])]);
  return {
    name: `deceit ${seed}, ${dtype}: ${k} + ${l} unknowns in units of ${
      scales.map((s) => s.toExponential(0))
    }, shift ${shift.toFixed(1)}, ${meeting.name}, w ${weight.toExponential(0)}; ${
      others.map((o) => o.name).join("; ")
    }; + ${constant.toExponential(0)}`,
    start: { u: at(k, scales[0]), v: at(l, scales[1]) },
    scalar(x) {
      const y = unscaled(x).sub(shift);
      const z = np.matmul(turn, y.add(np.tanh(y).mul(bend)));
      const met = meeting.f(z.slice([0], [1]), z.slice([1], [2]), weight).sum();
      const rest = n === 2 ? met : met.add(each(others, z.slice([2], [n])).sum());
      return rest.add(constant).mul(value);
    },
    isLeast(x) {
      const eps = dtype === "float32" ? 2 ** -23 : 2 ** -52;
      const above = this.scalar(x).item() - (meeting.infimum + constant) * value;
      const size = 8 * eps * linalg.norm(unscaled(x)).item();
      const stiffness = meeting.name.includes("w") ? weight : 5;
      const flat = Number.isFinite(meeting.infimum) ? Math.abs(meeting.infimum) : 0;
      // To a kink along no axis rounding does what it does to the coordinate.
      const hidden = stiffness * (meeting.name.includes("|") && turned ? size : size ** 2);
      return above <= value * (hidden + 32 * eps * (constant + flat));
    },
  };
}
