/**
 * Systems of linear equations whose matrix is tridiagonal.
 *
 * Tridiagonal systems on the CPU.
 *
 * @module
 */
import {
  allocate,
  bind1,
  checkDType,
  checkSameDType,
  definePrimitive,
  floating,
  formatShape,
  Linear,
  type NDArray,
  type Primitive,
  sameShape,
  type Sample,
  shaped,
  type ShapedArray,
  ShapeError,
  sizeOf,
  stationary,
  type Tangent,
} from "../core/mod.ts";
import {
  abs,
  add,
  batchAxisInFront,
  concatenate,
  div,
  dynamicSlice,
  eq,
  expandDims,
  ge,
  moveAxis,
  mul,
  neg,
  pad,
  reshape,
  scalarLike,
  select,
  slice,
  sub,
  zeros,
} from "../primitives/mod.ts";
import { type Routine, routine } from "../routine/routine.ts";
import { lowerAsProgram, steps } from "./decomposition.ts";
import { lanesAsSides } from "./triangular_solve.ts";

/**
 * Elimination with exchanges of neighbouring rows. After step i, row i of U is kept in \`u\`: its diagonal
 * and the two elements to the right of that. What is left of row i is p, q, and its right-hand side.
 */
export const tridiagonalRoutine: Routine = /* @__PURE__ */ routine(`
tridiagonal(in lower: T[count, n], in diagonal: T[count, n], in upper: T[count, n],
            in b: T[count, n, m], out x: T[count, n, m], scratch u: T[n, 3], count, n, m) {
  for s in 0..count {
    for i in 0..n {
      vector j in 0..m { x[s, i, j] = b[s, i, j] }
    }
    let p: T = 0
    let q: T = 0
    if n > 0 { p = diagonal[s, 0] }
    if n > 1 { q = upper[s, 0] }
    for i in 0..n - 1 {
      let below = lower[s, i + 1]
      let right: T = 0
      if i + 2 < n { right = upper[s, i + 1] }
      if abs(p) >= abs(below) {
        let factor: T = 0
        if below != 0 { factor = below / p }
        u[i, 0] = p
        u[i, 1] = q
        u[i, 2] = 0
        vector j in 0..m { x[s, i + 1, j] = x[s, i + 1, j] - factor * x[s, i, j] }
        p = diagonal[s, i + 1] - factor * q
        q = right
      } else {
        let factor = p / below
        u[i, 0] = below
        u[i, 1] = diagonal[s, i + 1]
        u[i, 2] = right
        vector j in 0..m {
          let next = x[s, i + 1, j]
          x[s, i + 1, j] = x[s, i, j] - factor * next
          x[s, i, j] = next
        }
        p = q - factor * diagonal[s, i + 1]
        q = -factor * right
      }
    }
    for i in 0..n down {
      if i < n - 1 {
        p = u[i, 0]
        let near = u[i, 1]
        vector j in 0..m { x[s, i, j] = x[s, i, j] - near * x[s, i + 1, j] }
        let far = u[i, 2]
        if far != 0 {
          vector j in 0..m { x[s, i, j] = x[s, i, j] - far * x[s, i + 2, j] }
        }
      }
      let last = p
      vector j in 0..m { x[s, i, j] = x[s, i, j] / last }
    }
  }
}`);

/** `x` moved along its axis `axis` by `by` places, with zeros coming in. */
function shifted(x: NDArray, axis: number, by: 1 | -1): NDArray {
  const only = (n: number): number[] => x.shape.map((_, k) => k === axis ? n : 0);
  return pad(x, scalarLike(0, x), only(by), only(-by));
}

/** Diagonals below and above the main one, of which nobody reads the first and the last element. */
function outerDiagonals(lower: NDArray, upper: NDArray): [lower: NDArray, upper: NDArray] {
  const axis = lower.ndim - 1;
  return [shifted(shifted(lower, axis, -1), axis, 1), shifted(shifted(upper, axis, 1), axis, -1)];
}

/** The product of tridiagonal matrices with columns `[..., n, m]`. */
function product(lower: NDArray, diagonal: NDArray, upper: NDArray, x: NDArray): NDArray {
  const axis = x.ndim - 2;
  const times = (d: NDArray, y: NDArray): NDArray => mul(expandDims(d, [d.ndim]), y);
  const [below, above] = outerDiagonals(lower, upper);
  const beside = add(times(below, shifted(x, axis, 1)), times(above, shifted(x, axis, -1)));
  return add(times(diagonal, x), beside);
}

/**
 * Rows are `[diagonal, right of it, right of that, ...right-hand sides]`. In each step what is left of
 * one row meets the next one: the larger becomes a row of U, the other one what is left.
 */
function solveProgram([lower, diagonal, upper, b]: readonly NDArray[]): NDArray {
  const [n, m] = b!.shape.slice(-2) as [number, number];
  const systems = sizeOf(b!.shape.slice(0, -2));
  const width = 3 + m;
  const diagonals = [...outerDiagonals(lower!, upper!), diagonal!]
    .map((x) => reshape(x, [systems, n, 1]));
  const [below, above, own] = diagonals as [NDArray, NDArray, NDArray];
  const sides = reshape(b!, [systems, n, m]);
  const nextRows = shifted(concatenate([below, own, above, sides], 2), 1, -1);
  const zero = scalarLike(0, sides);
  const parts = (row: NDArray, from: number, to: number): NDArray =>
    slice(row, [0, from], [systems, to]);
  const behind = zeros(shaped([systems, 1], b!.dtype));
  const first = slice(concatenate([own, above, zeros(own.aval), sides], 2), [0, 0, 0], [
    systems,
    1,
    width,
  ]);
  const { stacked: [rows] } = steps(n, [reshape(first, [systems, width])], (i, [left]) => {
    const at = dynamicSlice(nextRows, [scalarLike(0, i), i, scalarLike(0, i)], [systems, 1, width]);
    const next = reshape(at, [systems, width]);
    const stays = ge(abs(parts(left!, 0, 1)), abs(parts(next, 0, 1)));
    const [pivot, other] = [select(stays, left!, next), select(stays, next, left!)];
    const isZero = eq(parts(other, 0, 1), zero);
    const divisor = select(isZero, scalarLike(1, zero), parts(pivot, 0, 1));
    const rest = sub(other, mul(div(parts(other, 0, 1), divisor), pivot));
    const moved = concatenate([parts(rest, 1, 3), behind, parts(rest, 3, width)], 1);
    return { carry: [moved], stacked: [pivot] };
  });
  const none = zeros(shaped([systems, m], b!.dtype));
  const { stacked: [x] } = steps(n, [none, none], (i, carry) => {
    const [near, far] = carry as [NDArray, NDArray];
    const at = dynamicSlice(rows!, [i, scalarLike(0, i), scalarLike(0, i)], [1, systems, width]);
    const row = reshape(at, [systems, width]);
    const farther = parts(row, 2, 3);
    const known = add(
      mul(parts(row, 1, 2), near),
      select(eq(farther, zero), zero, mul(farther, far)),
    );
    const own = div(sub(parts(row, 3, width), known), parts(row, 0, 1));
    return { carry: [own, near], stacked: [own] };
  }, true);
  return reshape(moveAxis(x!, 0, 1), b!.shape);
}

/** Tridiagonal systems. Inputs: the diagonals from below to above, right-hand sides. */
export const tridiagonalSolveP: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "tridiagonal_solve",
  abstractEval(inputs) {
    checkDiagonals(inputs);
    return [inputs[3]!];
  },
  impl([lower, diagonal, upper, b]) {
    const [n, m] = b!.shape.slice(-2) as [number, number];
    const out = allocate(b!.dtype, b!.values.length);
    const inputs = [lower!, diagonal!, upper!, b!].map((x) => x.values);
    tridiagonalRoutine.run(b!.dtype, [...inputs, out], sizeOf(b!.shape.slice(0, -2)), n, m);
    return [out];
  },
  jvp(inputs, tangents) {
    // A x = b, so A dx = db - dA x.
    const [lower, diagonal, upper, b] = inputs as [NDArray, NDArray, NDArray, NDArray];
    const x = tridiagonalSolve(lower, diagonal, upper, b);
    let side: Tangent = tangents[3] ?? null;
    if (tangents.slice(0, 3).some((t) => t !== null)) {
      const [dl, d, du] = tangents.slice(0, 3).map((t, k) => t ?? zeros(inputs[k]!.aval));
      const shift = product(dl!, d!, du!, x);
      side = side === null ? neg(shift) : sub(side, shift);
    }
    return [[x], [tridiagonalSolve(lower, diagonal, upper, side!)]];
  },
  transpose([ct], [lower, diagonal, upper, b]) {
    if (!ct || !(b instanceof Linear)) return [null, null, null, null];
    const [dl, d, du] = [lower, diagonal, upper] as NDArray[];
    const axis = d!.ndim - 1;
    const [below, above] = [shifted(du!, axis, 1), shifted(dl!, axis, -1)];
    return [null, null, null, tridiagonalSolve(below, d!, above, ct)];
  },
  batch(inputs, dims, size) {
    const [lower, diagonal, upper, b] = inputs as [NDArray, NDArray, NDArray, NDArray];
    if (dims.slice(0, 3).every((dim) => dim === null)) {
      const solve = (sides: NDArray): NDArray => tridiagonalSolve(lower, diagonal, upper, sides);
      return [[lanesAsSides(solve, b, dims[3]!, size)], [b.ndim - 1]];
    }
    const [dl, d, du, sides] = inputs.map((x, i) => batchAxisInFront(x, dims[i]!, size));
    return [[tridiagonalSolve(dl!, d!, du!, sides!)], [0]];
  },
  // The diagonals would be needed for all steps at once.
  passes: stationary,
  lower: /* @__PURE__ */ lowerAsProgram((inputs) => [solveProgram(inputs)]),
  kernel(b, inputs, _, [, , , side], outs) {
    const { shape, dtype } = side!;
    const scalars = [sizeOf(shape.slice(0, -2)), ...shape.slice(-2)];
    return b.call(tridiagonalRoutine, dtype, inputs, outs, scalars);
  },
  samples: tridiagonalSamples,
});

function checkDiagonals(inputs: readonly ShapedArray[]): void {
  const [lower, diagonal, upper, b] = inputs as [
    ShapedArray,
    ShapedArray,
    ShapedArray,
    ShapedArray,
  ];
  const op = "tridiagonalSolve";
  checkDType(op, "the diagonal", diagonal, floating);
  checkSameDType(op, diagonal, lower, "the diagonal and that below it");
  checkSameDType(op, diagonal, upper, "the diagonal and that above it");
  checkSameDType(op, diagonal, b, "the diagonal and the right-hand side");
  const { shape } = diagonal;
  const others = [lower, upper].every((x) => sameShape(x.shape, shape));
  if (!others || shape.length === 0) {
    throw new ShapeError(
      `${op}: the diagonals must have one shape [..., n], but theirs are ${
        [lower, diagonal, upper].map((x) => formatShape(x.shape)).join(", ")
      }: lower[0] and upper[n - 1] are there too, and not read`,
    );
  }
  if (b.shape.length !== shape.length + 1 || !sameShape(b.shape.slice(0, -1), shape)) {
    throw new ShapeError(
      `${op}: a right-hand side of shape ${formatShape(b.shape)} does not fit diagonals of shape ${
        formatShape(shape)
      }: it must have the shape ${formatShape(shape).replace("]", ",m]")}`,
    );
  }
}

function tridiagonalSamples(): Sample<null>[] {
  const system = (
    name: string,
    dtype: "float32" | "float64",
    lead: readonly number[],
    diagonals: readonly (readonly number[])[],
    m: number,
    more: Partial<Sample<null>> = {},
  ): Sample<null> => {
    const n = diagonals[0]!.length / sizeOf(lead);
    const inputs = diagonals.map((values) => ({ shape: [...lead, n], dtype, values }));
    return { name, inputs: [...inputs, { shape: [...lead, n, m], dtype }], params: null, ...more };
  };
  const singular = "singular";
  return [
    system("four unknowns", "float32", [], [[9, 1, -1, 2], [4, 3, 5, -4], [1, 2, 0.5, 9]], 2),
    system("needs exchanges", "float64", [], [[9, 3, -2, 4], [0, 1, 1, -2], [1, 2, 5, 9]], 1),
    system("several", "float64", [2], [
      [9, 1, 0, 9, 2, 5],
      [2, 3, 4, 1, -2, 3],
      [1, 1, 9, 4, 1, 9],
    ], 1),
    system("two unknowns", "float32", [], [[9, 3], [1, 2], [1, 9]], 1),
    system("one unknown", "float32", [], [[9], [4], [9]], 2),
    system("graded", "float64", [], [[9, 1e-3, 2e-6], [1, 1e-3, -3e-6], [0.5, 1e-4, 9]], 1, {
      skip: { jvp: "differences of such sizes have no digits", slope: "as for jvp" },
    }),
    system("singular", "float32", [], [[9, 0, 1], [1, 0, 1], [0, 0, 9]], 1, {
      skip: { jvp: singular, slope: singular, transpose: singular },
    }),
    system("no unknowns", "float32", [], [[], [], []], 2),
    system("no right-hand sides", "float32", [], [[9, 1], [2, 2], [1, 9]], 0),
  ];
}

/**
 * The solutions x of tridiagonal systems, by elimination with exchanges of neighbouring rows, as
 * `jax.lax.linalg.tridiagonal_solve`: `lower[i] x[i - 1] + diagonal[i] x[i] + upper[i] x[i + 1] = b[i]`
 * for diagonals `[..., n]`, of which `lower[0]` and `upper[n - 1]` are not read, and right-hand sides
 * `[..., n, m]`. A singular matrix gives infinities or NaN.
 *
 * @throws {ShapeError} where the shapes do not fit.
 */
export function tridiagonalSolve(
  lower: NDArray,
  diagonal: NDArray,
  upper: NDArray,
  b: NDArray,
): NDArray {
  return bind1(tridiagonalSolveP, [lower, diagonal, upper, b], null);
}
