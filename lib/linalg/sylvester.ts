/**
 * Equations `A X + X B = C` with complex matrices, by Schur forms (Bartels and Stewart 1972). Complex matrices
 * are pairs of real and imaginary parts.
 *
 * Equations with triangular matrices on both sides, and square roots of triangular matrices, all complex, on
 * the CPU. What is known of a row of the solution is taken from the rest of it as soon as it is known.
 *
 * @module
 */
import {
  allocate,
  bind,
  definePrimitive,
  InternalError,
  Linear,
  type NDArray,
  type Primitive,
  sameShape,
  type Sample,
  type SampleInput,
  type ShapedArray,
  sizeOf,
  stationary,
  type Tangent,
} from "../core/mod.ts";
import {
  add,
  batchAxisInFront,
  eq,
  expandDims,
  neg,
  reshape,
  scalarLike,
  select,
  stopGradient,
  sub,
  zeros,
  zerosLike,
} from "../primitives/mod.ts";
import { type Routine, routine } from "../routine/routine.ts";
import { compileAsProgram, lowerAsProgram, steps } from "./decomposition.ts";
import {
  adjoint,
  both,
  columnNumbers,
  complexMatmul,
  diagonalOf,
  difference,
  type Pair,
  pairs,
  parts,
  quotient,
  rowNumbers,
  sum,
  tangentOf,
  upperPart,
} from "./matrices.ts";
import { complexSchur } from "./schur.ts";

/** x[at] / (c + d i), for arrays of real and imaginary parts. */
const divided = (x: string, y: string, at: string): string => `
          let size = max(abs(c), abs(d))
          let p = c / size
          let q = d / size
          let square = p * p + q * q
          let a = ${x}[${at}] / size
          let b = ${y}[${at}] / size
          let u = (a * p + b * q) / square
          let w = (b * p - a * q) / square
          ${x}[${at}] = u
          ${y}[${at}] = w`;

/** \`R Y + Y S = F\` with upper triangular R and S. */
export const sylvesterRoutine: Routine = /* @__PURE__ */ routine(() => `
sylvester(in rRe: T[count, m, m], in rIm: T[count, m, m], in sRe: T[count, n, n], in sIm: T[count, n, n],
          in fRe: T[count, m, n], in fIm: T[count, m, n], out x: T[count, m, n], out y: T[count, m, n],
          count, m, n) {
  for t in 0..count {
    for i in 0..m down {
      vector j in 0..n {
        x[t, i, j] = fRe[t, i, j]
        y[t, i, j] = fIm[t, i, j]
      }
      for k in i + 1..m {
        let c = rRe[t, i, k]
        let d = rIm[t, i, k]
        vector j in 0..n {
          x[t, i, j] = x[t, i, j] - (c * x[t, k, j] - d * y[t, k, j])
          y[t, i, j] = y[t, i, j] - (c * y[t, k, j] + d * x[t, k, j])
        }
      }
      for j in 0..n {
        let c = rRe[t, i, i] + sRe[t, j, j]
        let d = rIm[t, i, i] + sIm[t, j, j]${divided("x", "y", "t, i, j")}
        vector l in j + 1..n {
          x[t, i, l] = x[t, i, l] - (u * sRe[t, j, l] - w * sIm[t, j, l])
          y[t, i, l] = y[t, i, l] - (u * sIm[t, j, l] + w * sRe[t, j, l])
        }
      }
    }
  }
}`);

/** \`R^H Y + Y S^H = F\` with upper triangular R and S. */
export const adjointSylvesterRoutine: Routine = /* @__PURE__ */ routine(() => `
adjointSylvester(in rRe: T[count, m, m], in rIm: T[count, m, m], in sRe: T[count, n, n], in sIm: T[count, n, n],
                 in fRe: T[count, m, n], in fIm: T[count, m, n], out x: T[count, m, n], out y: T[count, m, n],
                 count, m, n) {
  for t in 0..count {
    for i in 0..m {
      vector j in 0..n {
        x[t, i, j] = fRe[t, i, j]
        y[t, i, j] = fIm[t, i, j]
      }
      for k in 0..i {
        let c = rRe[t, k, i]
        let d = -rIm[t, k, i]
        vector j in 0..n {
          x[t, i, j] = x[t, i, j] - (c * x[t, k, j] - d * y[t, k, j])
          y[t, i, j] = y[t, i, j] - (c * y[t, k, j] + d * x[t, k, j])
        }
      }
      for j in 0..n down {
        x[t, i, j] = x[t, i, j] -
          sum(l in j + 1..n: x[t, i, l] * sRe[t, j, l] + y[t, i, l] * sIm[t, j, l])
        y[t, i, j] = y[t, i, j] -
          sum(l in j + 1..n: y[t, i, l] * sRe[t, j, l] - x[t, i, l] * sIm[t, j, l])
        let c = rRe[t, i, i] + sRe[t, j, j]
        let d = -rIm[t, i, i] - sIm[t, j, j]${divided("x", "y", "t, i, j")}
      }
    }
  }
}`);

/** The upper triangular principal roots: \`R R = T\`, by Björck and Hammarling (1983). */
export const rootRoutine: Routine = /* @__PURE__ */ routine(() => `
root(in re: T[count, n, n], in im: T[count, n, n], out x: T[count, n, n], out y: T[count, n, n], count, n) {
  for t in 0..count {
    for i in 0..n down {
      for j in 0..i {
        x[t, i, j] = 0
        y[t, i, j] = 0
      }
      vector j in i..n {
        x[t, i, j] = re[t, i, j]
        y[t, i, j] = im[t, i, j]
      }
      let r = re[t, i, i]
      let s = im[t, i, i]
      let length = hypot(r, s)
      let large = sqrt(0.5 * length + 0.5 * abs(r))
      let other: T = 0
      if large != 0 { other = 0.5 * abs(s) / large }
      x[t, i, i] = select(r < 0, other, large)
      y[t, i, i] = copysign(select(r < 0, large, other), s)
      if length != length {
        x[t, i, i] = length
        y[t, i, i] = length
      }
      for j in i + 1..n {
        if x[t, i, j] != 0 or y[t, i, j] != 0 {
          let c = x[t, i, i] + x[t, j, j]
          let d = y[t, i, i] + y[t, j, j]${divided("x", "y", "t, i, j")}
          vector l in j + 1..n {
            x[t, i, l] = x[t, i, l] - (u * x[t, j, l] - w * y[t, j, l])
            y[t, i, l] = y[t, i, l] - (u * y[t, j, l] + w * x[t, j, l])
          }
        }
      }
    }
  }
}`);

/** Parameters of an equation. */
export interface SylvesterParams {
  /** Whether conjugate transposes stand in place of the matrices. */
  readonly adjoint: boolean;
}

/** Matrices of shape `[..., k, k]`, all with the same leading axes. */
export function checkSquares(op: string, xs: readonly ShapedArray[]): void {
  for (const x of xs) {
    if (x.shape.length < 2 || x.shape.at(-1) !== x.shape.at(-2)) {
      throw new InternalError(`${op}: matrices must be square`);
    }
    if (!sameShape(x.shape.slice(0, -2), xs[0]!.shape.slice(0, -2))) {
      throw new InternalError(`${op}: leading axes differ`);
    }
  }
}

// ---------------------------------------------------------------- triangular equations

/**
 * Elements of the solution along a diagonal in each step: they need those to the left of and below them, or
 * with adjoints those to the right of and above them.
 */
function triangularProgram(inputs: readonly NDArray[], params: SylvesterParams): NDArray[] {
  const f = pairs(inputs)[2]!;
  const [m, n] = f.re.shape.slice(-2) as [number, number];
  const systems = sizeOf(f.re.shape.slice(0, -2));
  const flat = (x: NDArray): NDArray => reshape(x, [systems, ...x.shape.slice(-2)]);
  const [r, s, side] = pairs(inputs).map((x) => both(flat, x)) as [Pair, Pair, Pair];
  const turned = (x: Pair): Pair => params.adjoint ? adjoint(x) : x;
  const [p, q] = [r, s].map((x) => turned(both((y) => upperPart(y, 1), x))) as [Pair, Pair];
  const [down, across] = [turned(r), turned(s)].map((x) => both(diagonalOf, x)) as [Pair, Pair];
  const divisor = sum(
    both((x) => expandDims(x, [2]), down),
    both((x) => expandDims(x, [1]), across),
  );
  const [rows, columns] = [rowNumbers(m), columnNumbers(n)];
  const number = params.adjoint
    ? add(rows, sub(scalarLike(n - 1, columns), columns))
    : add(sub(scalarLike(m - 1, rows), rows), columns);
  const { carry } = steps(Math.max(0, m + n - 1), parts(both(zerosLike, side)), (i, known) => {
    const [y] = pairs(known) as [Pair];
    const rest = difference(side, sum(complexMatmul(p, y), complexMatmul(y, q)));
    const next = quotient(rest, divisor);
    const isNext = eq(number, i);
    return { carry: [select(isNext, next.re, y.re), select(isNext, next.im, y.im)] };
  });
  return carry.map((x) => reshape(x, f.re.shape));
}

/** `R Y + Y S = F` with upper triangular R and S. Inputs: parts of R, S and F. */
export const triangularSylvesterP: Primitive<SylvesterParams> = /* @__PURE__ */ definePrimitive<
  SylvesterParams
>({
  name: "triangular_sylvester",
  abstractEval(inputs) {
    checkSquares("triangular_sylvester", inputs.slice(0, 4));
    return inputs.slice(4);
  },
  impl(inputs, params, avals) {
    const outs = avals.map(({ shape, dtype }) => allocate(dtype, sizeOf(shape)));
    const { shape, dtype } = avals[0]!;
    const [m, n] = shape.slice(-2) as [number, number];
    routineOf(params).runLong(
      dtype,
      [...inputs.map((x) => x.values), ...outs],
      sizeOf(shape.slice(0, -2)),
      m,
      n,
    );
    return outs;
  },
  jvp(inputs, tangents, params) {
    const [r, s, f] = pairs(inputs) as [Pair, Pair, Pair];
    const y = triangularSylvester(r, s, f, params);
    const [dr, ds, df] = [r, s, f].map((x, k) => tangentOf(x, tangents.slice(2 * k, 2 * k + 2)));
    const own = (x: Pair | null | undefined): Pair | null =>
      x ? both((z) => upperPart(z), x) : null;
    const side = sideOf(y, own(dr), own(ds), df ?? null, params);
    const dy = side === null ? null : triangularSylvester(r, s, side, params);
    return [parts(y), dy === null ? [null, null] : parts(dy)];
  },
  transpose(cotangents, inputs, params) {
    return transposedBy(
      cotangents,
      inputs,
      4,
      (ct, [r, s]) => triangularSylvester(r!, s!, ct, { adjoint: !params.adjoint }),
    );
  },
  batch: (inputs, dims, size, params) =>
    lanesInFront(triangularSylvesterP, inputs, dims, size, params),
  // The matrices would be needed for all steps at once.
  passes: stationary,
  lower: /* @__PURE__ */ lowerAsProgram(triangularProgram),
  kernel(b, inputs, params, avals, outs) {
    const { shape, dtype } = avals[4]!;
    const scalars = [sizeOf(shape.slice(0, -2)), ...shape.slice(-2)];
    return b.call(routineOf(params), dtype, inputs, outs, scalars);
  },
  samples: triangularSamples,
});

function routineOf(params: SylvesterParams) {
  return params.adjoint ? adjointSylvesterRoutine : sylvesterRoutine;
}

/** The solutions Y of `R Y + Y S = F`, or of that with adjoints. */
export function triangularSylvester(r: Pair, s: Pair, f: Pair, params: SylvesterParams): Pair {
  return pairs(bind(triangularSylvesterP, [r, s, f].flatMap(parts), params))[0]!;
}

/** `dC - dA X - X dB`, the side of the equation for the tangent of X. */
function sideOf(
  x: Pair,
  da: Pair | null,
  db: Pair | null,
  dc: Pair | null,
  params: SylvesterParams,
): Pair | null {
  const turned = (y: Pair): Pair => params.adjoint ? adjoint(y) : y;
  const shifts = [
    ...da ? [complexMatmul(turned(da), x)] : [],
    ...db ? [complexMatmul(x, turned(db))] : [],
  ];
  return shifts.reduce<Pair | null>(
    (side, shift) => side === null ? both(neg, shift) : difference(side, shift),
    dc,
  );
}

/** The transpose of a solution, which is linear in its last pair of inputs. */
function transposedBy(
  cotangents: readonly Tangent[],
  inputs: readonly (NDArray | Linear)[],
  count: number,
  solve: (ct: Pair, known: Pair[]) => Pair,
): Tangent[] {
  const sides = inputs.slice(count);
  const none = inputs.map(() => null);
  const isLinear = sides.map((x) => x instanceof Linear);
  const given = cotangents.find((ct) => ct !== null && ct !== undefined);
  if (!given || !isLinear.includes(true)) return none;
  const [re, im] = cotangents.map((ct) => ct ?? zeros(given.aval));
  const known = pairs(inputs.slice(0, count) as NDArray[]);
  const back = parts(solve({ re: re!, im: im! }, known));
  return [...none.slice(0, count), ...back.map((x, k) => isLinear[k] ? x : null)];
}

/** The outputs for all lanes of inputs, which are in front. */
export function lanesInFront<P>(
  primitive: Primitive<P>,
  inputs: readonly NDArray[],
  dims: readonly (number | null)[],
  size: number,
  params: P,
): [NDArray[], number[]] {
  const lanes = inputs.map((x, i) => batchAxisInFront(x, dims[i]!, size));
  const outs = bind(primitive, lanes, params);
  return [outs, outs.map(() => 0)];
}

function triangularSamples(): Sample<SylvesterParams>[] {
  const input = (
    shape: readonly number[],
    values: readonly number[],
    dtype = "float64",
  ): SampleInput => ({ shape, values, dtype }) as SampleInput;
  const r = [2, 1, -1, 0, 1, 0.5, 0, 0, 3];
  const rIm = [1, 0.5, 2, 0, -1, 1, 0, 0, 0];
  const s = [1, -2, 0, 0.5];
  const sIm = [0.25, 1, 0, -0.5];
  const f = [1, 2, -1, 0.5, 3, -2];
  const fIm = [0, 1, 0.5, -1, 2, 0.25];
  const inputs = [
    input([3, 3], r),
    input([3, 3], rIm),
    input([2, 2], s),
    input([2, 2], sIm),
    input([3, 2], f),
    input([3, 2], fIm),
  ];
  const several = [
    input([2, 1, 1], [1, 2], "float32"),
    input([2, 1, 1], [0.5, 0], "float32"),
    input([2, 2, 2], [1, 2, 0, 3, 0.5, 1, 0, 2], "float32"),
    input([2, 2, 2], [0, 1, 0, 1, 1, 0, 0, -1], "float32"),
    input([2, 1, 2], [1, 2, 3, 4], "float32"),
    input([2, 1, 2], [0, 1, -1, 2], "float32"),
  ];
  const none = (m: number, n: number): SampleInput[] =>
    [[m, m], [m, m], [n, n], [n, n], [m, n], [m, n]].map((shape) => ({ shape, dtype: "float32" }));
  return [
    { name: "three rows, two columns", inputs, params: { adjoint: false } },
    { name: "of adjoints", inputs, params: { adjoint: true } },
    { name: "several", inputs: several, params: { adjoint: false } },
    { name: "several, of adjoints", inputs: several, params: { adjoint: true } },
    { name: "no rows", inputs: none(0, 2), params: { adjoint: false } },
    { name: "no columns", inputs: none(2, 0), params: { adjoint: true } },
  ];
}

// ---------------------------------------------------------------- equations

/** A triangular matrix and a unitary one: `a = q t q^H`. */
export interface ComplexForm {
  /** Upper triangular. */
  readonly t: Pair;
  /** Unitary. */
  readonly q: Pair;
}

function byForms(inputs: readonly NDArray[], params: SylvesterParams): NDArray[] {
  const [, , r, u, s, v, c] = pairs(inputs) as [Pair, Pair, Pair, Pair, Pair, Pair, Pair];
  const f = complexMatmul(complexMatmul(adjoint(u), c), v);
  const y = triangularSylvester(r, s, f, params);
  return parts(complexMatmul(complexMatmul(u, y), adjoint(v)));
}

/**
 * Solutions of `A X + X B = C`. Inputs: parts of A and B, of T and Q of their Schur forms, and of C. It is a
 * function of A, B and C: the forms, which are the matrices once more, have no tangents.
 */
export const sylvesterP: Primitive<SylvesterParams> = /* @__PURE__ */ definePrimitive<
  SylvesterParams
>({
  name: "sylvester",
  abstractEval(inputs) {
    checkSquares("sylvester", inputs.slice(0, 12));
    return inputs.slice(12);
  },
  impl: { evaluate: byForms },
  jvp(inputs, tangents, params) {
    // A X + X B = C, so A dX + dX B = dC - dA X - X dB.
    const solve = (c: Pair): Pair =>
      pairs(bind(sylvesterP, [...inputs.slice(0, 12), ...parts(c)], params))[0]!;
    const all = pairs(inputs);
    const [da, db, dc] = [0, 1, 6].map((k) => tangentOf(all[k]!, tangents.slice(2 * k, 2 * k + 2)));
    const x = solve(all[6]!);
    const side = sideOf(x, da ?? null, db ?? null, dc ?? null, params);
    return [parts(x), side === null ? [null, null] : parts(solve(side))];
  },
  transpose(cotangents, inputs, params) {
    return transposedBy(cotangents, inputs, 12, (ct, known) =>
      pairs(
        bind(sylvesterP, [...known.flatMap(parts), ...parts(ct)], { adjoint: !params.adjoint }),
      )[0]!);
  },
  batch: (inputs, dims, size, params) => lanesInFront(sylvesterP, inputs, dims, size, params),
  // The matrices would be needed for all steps at once.
  passes: stationary,
  lower: /* @__PURE__ */ lowerAsProgram(byForms),
  kernel: /* @__PURE__ */ compileAsProgram(byForms),
  samples() {
    const own = "its inputs must agree with each other; the laws test solveSylvester";
    const skip = { jvp: own, slope: own, transpose: own };
    const f64 = (shape: readonly number[], values: readonly number[]): SampleInput => ({
      shape,
      dtype: "float64",
      values,
    });
    const zero = f64([2, 2], [0, 0, 0, 0]);
    const unit = f64([2, 2], [1, 0, 0, 1]);
    const [a, b] = [f64([2, 2], [1, 2, 0, 3]), f64([2, 2], [2, -1, 0, 1])];
    const aIm = f64([2, 2], [0.5, 1, 0, -1]);
    const inputs = [a, aIm, b, zero, a, aIm, unit, zero, b, zero, unit, zero];
    const sides = [f64([2, 2], [1, 2, 3, 4]), f64([2, 2], [0, 1, 0.5, 2])];
    return [
      { name: "by forms", inputs: [...inputs, ...sides], params: { adjoint: false }, skip },
      { name: "of adjoints", inputs: [...inputs, ...sides], params: { adjoint: true }, skip },
    ];
  },
});

/** The solutions X of `A X + X B = C`, given Schur forms of A and B. */
export function sylvester(a: Pair, b: Pair, formA: ComplexForm, formB: ComplexForm, c: Pair): Pair {
  const inputs = [a, b, formA.t, formA.q, formB.t, formB.q, c].flatMap(parts);
  return pairs(bind(sylvesterP, inputs, { adjoint: false }))[0]!;
}

/** The complex Schur form of real matrices, as constants. */
export function constantForm(a: NDArray): ComplexForm {
  return complexSchur(stopGradient(a));
}
