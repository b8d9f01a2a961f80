/**
 * Linear systems made at random, as operators and as the matrices that these stand for, and what is left of their
 * equations by twice the digits of float64: what a solver says is held against that, not against another solver.
 *
 * @module
 */
import { linalg, LinearOperator, type LinearTags } from "../../mod.ts";
import { blockDiagonal, kronecker, lowRankUpdate } from "../../lib/solvers/linear/systems.ts";
import { arr } from "./arrays.ts";
import { Random } from "./random.ts";

export type Rows = readonly (readonly number[])[];

/** A system on vectors. */
export interface RandomSystem {
  readonly name: string;
  readonly dtype: "float32" | "float64";
  readonly operator: LinearOperator;
  /** What the operator stands for. */
  readonly rows: Rows;
  readonly symmetric: boolean;
  readonly b: readonly number[];
}

/** A matrix with singular values from 1 down to `1 / condition`, and `lost` of them 0; where `signs` is given, symmetric. */
export function randomMatrix(
  random: Random,
  [m, n]: readonly [number, number],
  condition: number,
  { lost = 0, signs = null }: { lost?: number; signs?: "+" | "+-" | null } = {},
): Rows {
  const k = Math.max(1, Math.min(m, n) - lost);
  const turn = (n: number): Rows =>
    linalg.qr(arr(Array.from({ length: n }, () => random.list(n)))).q.toArray() as number[][];
  const u = turn(m);
  const v = signs === null ? turn(n) : u;
  const sizes = Array.from({ length: k }, (_, i) => condition ** (k === 1 ? 0 : -i / (k - 1)))
    .map((s) => signs === "+-" && random.next() < 0.5 ? -s : s);
  return u.map((row, i) =>
    v.map((other, j) => {
      // Of a symmetric one, both halves are the same sums.
      const [p, q] = signs !== null && i > j ? [u[j]!, v[i]!] : [row, other];
      return sizes.reduce((sum, s, l) => sum + p[l]! * s * q[l]!, 0);
    })
  );
}

const rounded = (a: Rows, dtype: string): Rows =>
  dtype === "float32" ? a.map((row) => row.map(Math.fround)) : a;
const product = (a: Rows, b: Rows): Rows =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, x, k) => sum + x * b[k]![j]!, 0)));
const diagonalOf = (d: readonly number[]): Rows =>
  d.map((x, i) => d.map((_, j) => i === j ? x : 0));
const plus = (a: Rows, b: Rows): Rows => a.map((row, i) => row.map((x, j) => x + b[i]![j]!));

/** Rows and columns exchanged. */
export const transposedRows = (a: Rows): Rows => a[0]!.map((_, j) => a.map((row) => row[j]!));

type Drawn = Omit<RandomSystem, "name" | "dtype" | "b">;
type Draw = (random: Random, n: number, condition: number, dtype: "float32" | "float64") => Drawn;

const stored = (
  shape: (random: Random, n: number) => readonly [number, number],
  tags: LinearTags,
  signs: "+" | "+-" | null,
  by: (rows: Rows, dtype: "float32" | "float64") => LinearOperator,
): Draw =>
(random, n, condition, dtype) => {
  const lost = random.next() < 0.2 ? 1 : 0;
  const rows = rounded(randomMatrix(random, shape(random, n), condition, { lost, signs }), dtype);
  return { rows, symmetric: signs !== null, operator: by(rows, dtype).tagged(tags) };
};
const square = (_: Random, n: number): readonly [number, number] => [n, n];
const matrix = (rows: Rows, dtype: "float32" | "float64"): LinearOperator =>
  LinearOperator.matrix(arr(rows, dtype));
const applied = (rows: Rows, dtype: "float32" | "float64"): LinearOperator => {
  const a = arr(rows, dtype);
  return LinearOperator.of((x) => a.matmul(x), arr(rows[0]!, dtype));
};

/** Operators by what they are made of. */
const structures: Readonly<Record<string, Draw>> = {
  matrix: stored(square, {}, null, matrix),
  "symmetric matrix": stored(square, { symmetric: true }, "+-", matrix),
  "definite matrix": stored(square, { positiveDefinite: true }, "+", matrix),
  tall: stored((random, n) => [n + random.integer(1, 4), n], {}, null, matrix),
  wide: stored((random, n) => [n, n + random.integer(1, 4)], {}, null, matrix),
  function: stored(square, {}, null, applied),
  "symmetric function": stored(square, { symmetric: true }, "+-", applied),
  "definite function": stored(square, { positiveDefinite: true }, "+", applied),
  diagonal(random, n, condition, dtype) {
    const d = random.list(n).map((x, i) => Math.sign(x) * condition ** (-i / n));
    const rows = rounded(diagonalOf(d), dtype);
    return { rows, symmetric: true, operator: LinearOperator.diagonal(arr(d, dtype)) };
  },
  tridiagonal(random, n, condition, dtype) {
    const [lower, diagonal, upper] = [0, 1, 2].map(() =>
      random.list(n).map((x) => x * condition ** (-0.2 * random.next()))
    ) as [number[], number[], number[]];
    const rows = rounded(
      diagonal.map((d, i) =>
        diagonal.map((_, j) => i === j ? d : j === i - 1 ? lower[i]! : j === i + 1 ? upper[i]! : 0)
      ),
      dtype,
    );
    const bands = [lower, diagonal, upper].map((x) => arr(x, dtype));
    const operator = LinearOperator.tridiagonal(bands[0]!, bands[1]!, bands[2]!);
    return { rows, symmetric: false, operator };
  },
  units(random, n, condition, dtype) {
    const a = randomMatrix(random, [n, n], Math.min(condition, 1e3));
    const most = dtype === "float32" ? 6 : 12;
    const units = () => random.list(n).map((x) => 10 ** Math.round(most * x));
    const [left, right] = [units(), units()];
    const rows = rounded(a.map((row, i) => row.map((x, j) => x * left[i]! * right[j]!)), dtype);
    return { rows, symmetric: false, operator: matrix(rows, dtype) };
  },
  sum(random, n, condition, dtype) {
    const a = rounded(randomMatrix(random, [n, n], condition), dtype);
    const d = random.list(n).map(Math.fround);
    const operator = matrix(a, dtype).add(LinearOperator.diagonal(arr(d, dtype)));
    return { rows: plus(a, diagonalOf(d)), symmetric: false, operator };
  },
  product(random, n, condition, dtype) {
    const [a, b] = [0, 1].map(() =>
      rounded(randomMatrix(random, [n, n], Math.sqrt(condition)), dtype)
    ) as [Rows, Rows];
    const operator = matrix(a, dtype).compose(matrix(b, dtype).transpose().transpose());
    return { rows: product(a, b), symmetric: false, operator };
  },
  blocks(random, n, condition, dtype) {
    const a = rounded(randomMatrix(random, [n, n], condition), dtype);
    const b = rounded(randomMatrix(random, [2, 2], condition, { signs: "+" }), dtype);
    const rows = [
      ...a.map((row) => [...row, 0, 0]),
      ...b.map((row) => [...a.map(() => 0), ...row]),
    ];
    const both = blockDiagonal([
      matrix(a, dtype),
      matrix(b, dtype).tagged({ positiveDefinite: true }),
    ]);
    const { domain } = LinearOperator.diagonal(arr(rows[0]!, dtype));
    return { rows, symmetric: false, operator: LinearOperator.made(both.form, domain, domain) };
  },
  kronecker(random, n, condition, dtype) {
    const a = rounded(randomMatrix(random, [2, 2], Math.sqrt(condition)), dtype);
    const b = rounded(randomMatrix(random, [n, n], Math.sqrt(condition)), dtype);
    const rows = a.flatMap((row) => b.map((other) => row.flatMap((x) => other.map((y) => x * y))));
    return { rows, symmetric: false, operator: kronecker(matrix(a, dtype), matrix(b, dtype)) };
  },
  update(random, n, condition, dtype) {
    const d = random.list(n).map((_, i) => Math.fround(condition ** (-i / n)));
    const [u, v] = [random.list(n).map(Math.fround), random.list(n).map(Math.fround)];
    const rows = plus(diagonalOf(d), u.map((x) => v.map((y) => x * y)));
    const column = (x: number[]) => arr(x.map((y) => [y]), dtype);
    const operator = lowRankUpdate(LinearOperator.diagonal(arr(d, dtype)), column(u), column(v));
    return { rows, symmetric: false, operator };
  },
};

/** So many systems, of each structure in turn. */
export function randomSystems(name: string, count: number, largest = 9): RandomSystem[] {
  const kinds = Object.keys(structures);
  return Array.from({ length: count }, (_, i) => {
    const kind = kinds[i % kinds.length]!;
    const random = new Random(`${name} ${i}`);
    const dtype = random.next() < 0.5 ? "float32" : "float64";
    const condition = 10 ** random.integer(0, dtype === "float32" ? 9 : 17);
    const drawn = structures[kind]!(random, random.integer(1, largest), condition, dtype);
    // What has a solution, what may have none, zeros, and numbers far from 1.
    const own = random.list(drawn.rows[0]!.length);
    const sides: readonly (() => readonly number[])[] = [
      () => drawn.rows.map((row) => row.reduce((sum, x, j) => sum + x * own[j]!, 0)),
      () => random.list(drawn.rows.length),
      () => random.list(drawn.rows.length).map((x) => x * 1e15),
      () => random.list(drawn.rows.length).map((x) => x * 1e-15),
      () => drawn.rows.map(() => 0),
    ];
    const pick = random.next();
    const side = sides[pick < 0.4 ? 0 : pick < 0.8 ? 1 : pick < 0.88 ? 2 : pick < 0.96 ? 3 : 4]!();
    const b = dtype === "float32" ? side.map(Math.fround) : side;
    return { ...drawn, b, dtype, name: `${name} ${i}: ${kind}, ${dtype}, condition ${condition}` };
  });
}

/** `a + b` and `a b`, each with what is lost of it by rounding (Dekker, 1971). */
function twoSum(a: number, b: number): [number, number] {
  const s = a + b;
  const t = s - a;
  return [s, (a - (s - t)) + (b - t)];
}
function twoProduct(a: number, b: number): [number, number] {
  const split = (x: number): [number, number] => {
    const c = 134217729 * x;
    const high = c - (c - x);
    return [high, x - high];
  };
  const [p, [ah, al], [bh, bl]] = [a * b, split(a), split(b)];
  return [p, ((ah * bh - p) + ah * bl + al * bh) + al * bl];
}

/** `b - A x` by twice the digits. */
export function residualOf(a: Rows, x: readonly number[], b: readonly number[]): number[] {
  return a.map((row, i) => {
    let [high, low] = [b[i]!, 0];
    row.forEach((y, j) => {
      const [p, lost] = twoProduct(-y, x[j]!);
      const [s, rest] = twoSum(high, p);
      [high, low] = [s, low + rest + lost];
    });
    return high + low;
  });
}

/** The 2-norm, wherever it is in the range of float64. */
export const lengthOf = (x: readonly number[]): number => Math.hypot(...x);
