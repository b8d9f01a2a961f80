/**
 * Cofactors on the CPU, in double precision: `determinant.ts` has the formulas.
 *
 * Cofactors in the graph: elimination as a Loop, one pivot a step, so that a program is as long for any
 * size of the matrix. Formulas of cofactors are in `determinant.ts`.
 *
 * The sign of zeros among the eliminated does not matter, so a choice is one node.
 *
 * Rows stay where they are; each step picks among those that are free. Values have the shape
 * `[systems, n, n]`, with one system for each matrix.
 *
 * @module
 */
import type { DType } from "../core/mod.ts";
import type { Lowering, SubgraphInput, Value } from "../core/lowering.ts";
import { filled, Formula } from "../primitives/mod.ts";
import { type Routine, routine } from "../routine/routine.ts";

/**
 * Eliminates by rows and columns with complete pivoting: pivots that are 0 come last. What is done to rows
 * is kept in `rows`, what is done to columns in `columns`, transposed. `signs[0]` is that of the exchanges.
 */
const diagonalise: Routine = /* @__PURE__ */ routine(`
diagonalise(out w: Wide[n, n], out rows: Wide[n, n], out columns: Wide[n, n], out pivots: Wide[n],
            out signs: Wide[1], n) {
  signs[0] = 1
  for i in 0..n {
    pivots[i] = 0
    vector j in 0..n {
      rows[i, j] = 0
      columns[i, j] = 0
    }
    rows[i, i] = 1
    columns[i, i] = 1
  }
  for k in 0..n {
    let row = k
    let column = k
    let largest: Wide = -1
    for i in k..n {
      for j in k..n {
        let size = abs(w[i, j])
        if size > largest or size != size { largest = size  row = i  column = j }
      }
    }
    if row != k {
      vector j in 0..n {
        let x = w[k, j]
        w[k, j] = w[row, j]
        w[row, j] = x
        let y = rows[k, j]
        rows[k, j] = rows[row, j]
        rows[row, j] = y
      }
      signs[0] = -signs[0]
    }
    if column != k {
      for i in 0..n {
        let x = w[i, k]
        w[i, k] = w[i, column]
        w[i, column] = x
      }
      vector j in 0..n {
        let y = columns[k, j]
        columns[k, j] = columns[column, j]
        columns[column, j] = y
      }
      signs[0] = -signs[0]
    }
    let top = w[k, k]
    pivots[k] = top
    if top == 0 { break }
    for i in k + 1..n {
      let across = w[k, i] / top
      if across != 0 {
        vector j in 0..n { columns[i, j] = columns[i, j] - across * columns[k, j] }
      }
      let down = w[i, k] / top
      if down != 0 {
        vector j in k..n { w[i, j] = w[i, j] - down * w[k, j] }
        vector j in 0..n { rows[i, j] = rows[i, j] - down * rows[k, j] }
      }
    }
  }
}`);

/** `z = x y`, or with `turned` 1 `z = x^T y`. */
const multiply: Routine = /* @__PURE__ */ routine(`
multiply(in x: Wide[n, n], in y: Wide[n, n], out z: Wide[n, n], n, turned) {
  for i in 0..n {
    vector j in 0..n { z[i, j] = 0 }
    for k in 0..n {
      let factor = select(turned == 1, x[k, i], x[i, k])
      vector j in 0..n { z[i, j] = z[i, j] + factor * y[k, j] }
    }
  }
}`);

/** `z = x y^T`. */
const multiplyTurned: Routine = /* @__PURE__ */ routine(`
multiplyTurned(in x: Wide[n, n], in y: Wide[n, n], out z: Wide[n, n], n) {
  for i in 0..n {
    for j in 0..n { z[i, j] = sum(k in 0..n: x[i, k] * y[j, k]) }
  }
}`);

/**
 * The product of all pivots but those at some positions, which are different: only pivots from `first` on
 * may be 0 without every such product being 0, so that dividing serves for the others.
 */
const weight = (positions: readonly string[]): string => `
        let weight = all
        ${positions.map((p) => `if ${p} < first { weight = weight * inverses[${p}] }`).join("\n")}
        for t in first..n {
          if ${positions.map((p) => `t != ${p}`).join(" and ")} { weight = weight * pivots[t] }
        }`;

/** The cofactors of a diagonal matrix, or their derivatives along one or two others. */
const innerTexts = [
  () => `
      for i in 0..n {${weight(["i"])}
        inner[i, i] = weight
      }`,
  () => `
      for i in 0..n {
        for j in 0..n {
          if j != i {${weight(["i", "j"])}
            inner[i, i] = inner[i, i] + weight * m[j, j]
            inner[i, j] = -weight * m[j, i]
          }
        }
      }`,
  () => `
      for i in 0..n {
        for j in 0..n {
          for k in 0..n {
            if j != i and k != i and k != j {${weight(["i", "j", "k"])}
              inner[i, i] = inner[i, i] + weight * (m[j, j] * o[k, k] - m[j, k] * o[k, j])
              inner[i, j] = inner[i, j] - weight * (m[j, i] * o[k, k] - m[j, k] * o[k, i] +
                o[j, i] * m[k, k] - o[j, k] * m[k, i])
            }
          }
        }
      }`,
];

/** A change of the matrix, in terms of the pivots. */
const change = (name: string, to: string): string => `
      for i in 0..n {
        for j in 0..n { w[i, j] = Wide(${name}[s, i, j]) }
      }
      multiply(rows, w, x, n, 0)
      multiplyTurned(x, columns, ${to}, n)`;

function routineOfOrder(order: 0 | 1 | 2): Routine {
  const changes = ["e", "f"].slice(0, order);
  const own = ["m", "o"].slice(0, order);
  return routine(
    () => `
cofactors(in a: T[count, n, n], ${changes.map((name) => `in ${name}: T[count, n, n], `).join("")}
    out c: T[count, n, n], scratch w: Wide[n, n], scratch rows: Wide[n, n],
    scratch columns: Wide[n, n], ${own.map((name) => `scratch ${name}: Wide[n, n], `).join("")}
    scratch x: Wide[n, n], scratch inner: Wide[n, n], scratch pivots: Wide[n],
    scratch inverses: Wide[n], scratch signs: Wide[1], count, n) {
  for s in 0..count {
    for i in 0..n {
      for j in 0..n { w[i, j] = Wide(a[s, i, j]) }
    }
    diagonalise(w, rows, columns, pivots, signs, n)${
      changes.map((name, i) => change(name, own[i]!)).join("")
    }
    let first = max(0, n - ${order + 1})
    let all: Wide = 1
    for i in 0..n {
      inverses[i] = select(pivots[i] == 0, 0, 1 / pivots[i])
      if i < first { all = all * pivots[i] }
      vector j in 0..n { inner[i, j] = 0 }
    }${innerTexts[order]!()}
    multiply(rows, inner, x, n, 1)
    multiply(x, columns, inner, n, 0)
    // Zeros have no sign: that of exchanges would be by chance.
    for i in 0..n {
      for j in 0..n {
        c[s, i, j] = T(select(signs[0] < 0, 0 - inner[i, j], inner[i, j]))
      }
    }
  }
}`,
    { diagonalise, multiply, multiplyTurned },
  );
}

/** Cofactors of `count` matrices, and their derivatives along one and two others. */
export const cofactorRoutines: readonly Routine[] = [
  /* @__PURE__ */ routineOfOrder(0),
  /* @__PURE__ */ routineOfOrder(1),
  /* @__PURE__ */ routineOfOrder(2),
];

/** Matrices in the graph. */
export interface Matrices {
  /** How many there are. */
  readonly systems: number;
  /** Their size. */
  readonly n: number;
  /** Their element type. */
  readonly dtype: DType;
}

const CONDITION: SubgraphInput = { dtype: "bool", shape: [] };

/** 0 to n - 1 along one axis. */
function positions(g: Lowering, n: number, shape: readonly number[]): Value {
  return g.reshape(g.node("Range", [0, n, 1].map((v) => g.scalar(v, "int64"))), shape);
}

/** Where an element of a matrix is on its diagonal. */
function onDiagonal(g: Lowering, n: number): Value {
  return g.node("Equal", [positions(g, n, [1, n, 1]), positions(g, n, [1, 1, n])]);
}

/** `x` along `axis` at one place for each system, which stays as an axis of length 1. */
function pick(
  g: Lowering,
  x: Value,
  place: Value,
  axis: 1 | 2,
  { systems, n }: Matrices,
  other: number = n,
): Value {
  const at = filled(g, place, axis === 1 ? [systems, 1, other] : [systems, other, 1]);
  return g.node("GatherElements", [x, at], { axis });
}

/**
 * The factor that taking `place` out of the free ones brings to the sign: -1 where an odd number of
 * free ones comes before it.
 */
function signOf(g: Lowering, used: Value, place: Value, all: Value, dtype: DType): Value {
  const before = g.node("And", [g.node("Not", [used]), g.node("Less", [all, place])]);
  const count = g.node("ReduceSum", [g.cast(before, "bool", "int32"), g.int64([1])], {
    keepdims: 1,
  });
  const half = g.node("Div", [count, g.scalar(2, "int32")]);
  const odd = g.node("Sub", [count, g.node("Mul", [half, g.scalar(2, "int32")])]);
  const f = new Formula(g, dtype);
  return f.sub(1, f.mul(g.cast(odd, "int32", dtype), 2));
}

/** Sizes of what may be the next pivot, below 0 where used; NaN is larger than all. */
function candidates(f: Formula, x: Value, used: Value): Value {
  return f.choose(used, -1, f.choose(f.equal(x, x), f.op("Abs", x), Infinity));
}

/** Quotients by pivots; those by pivots that are 0 have nothing to eliminate. */
function factors(f: Formula, column: Value, pivot: Value, keep: Value): Value {
  const divisor = f.choose(f.equal(pivot, 0), 1, pivot);
  return f.choose(keep, 0, f.div(column, divisor));
}

/** What `diagonalise` of the routine gives; `pivots` is `[systems, n]`. */
interface Diagonal {
  readonly pivots: Value;
  /** `[systems, 1, 1]` */
  readonly sign: Value;
  readonly rows: Value;
  readonly columns: Value;
}

function lowerDiagonal(g: Lowering, a: Value, at: Matrices): Diagonal {
  const { systems, n, dtype } = at;
  const square = { dtype, shape: [systems, n, n] };
  const mask: SubgraphInput = { dtype: "bool", shape: [systems, n, 1] };
  const carries: readonly SubgraphInput[] = [
    square,
    square,
    square,
    mask,
    mask,
    { dtype, shape: [systems, 1, 1] },
  ];
  const all = positions(g, n, [1, n, 1]);
  const body = g.subgraph(
    "diagonal",
    [{ dtype: "int64", shape: [] }, CONDITION, ...carries],
    (s, [, condition, before, rows, columns, usedRows, usedColumns, sign]) => {
      const f = new Formula(s, dtype);
      const across = (x: Value): Value => s.reshape(x, [systems, 1, n]);
      const down = (x: Value): Value => s.reshape(x, [systems, n, 1]);
      const used = s.node("Or", [usedRows!, across(usedColumns!)]);
      const sizes = candidates(f, before!, used);
      const flat = s.node("ArgMax", [s.reshape(sizes, [systems, n * n])], { axis: 1, keepdims: 1 });
      const width = s.scalar(n, "int64");
      const p = s.reshape(s.node("Div", [flat, width]), [systems, 1, 1]);
      const start = s.node("Mul", [p, width]);
      const q = s.node("Sub", [s.reshape(flat, [systems, 1, 1]), start]);
      const row = pick(s, before!, p, 1, at);
      const column = pick(s, before!, q, 2, at);
      const pivot = pick(s, row, q, 2, at, 1);
      const takenRows = s.node("Or", [usedRows!, s.node("Equal", [all, p])]);
      const takenColumns = s.node("Or", [usedColumns!, s.node("Equal", [all, q])]);
      const below = factors(f, column, pivot, takenRows);
      const beside = factors(f, down(row), pivot, takenColumns);
      return [
        condition!,
        f.sub(before!, f.mul(below, row)),
        f.sub(rows!, f.mul(below, pick(s, rows!, p, 1, at))),
        f.sub(columns!, f.mul(beside, pick(s, columns!, q, 1, at))),
        takenRows,
        takenColumns,
        f.mul(
          sign!,
          f.mul(signOf(s, usedRows!, p, all, dtype), signOf(s, usedColumns!, q, all, dtype)),
        ),
        ...[pivot, p, q].map((v) => s.reshape(v, [systems])),
      ];
    },
    [
      CONDITION,
      ...carries,
      { dtype, shape: [systems] },
      { dtype: "int64", shape: [systems] },
      { dtype: "int64", shape: [systems] },
    ],
  );
  const eye = filled(g, g.cast(onDiagonal(g, n), "bool", dtype), [systems, n, n]);
  const none = filled(g, g.scalar(0, "bool"), [systems, n, 1]);
  const one = filled(g, g.scalar(1, dtype), [systems, 1, 1]);
  const [, rows, columns, , , sign, pivots, ps, qs] = g.nodes(
    "Loop",
    [g.scalar(n, "int64"), g.scalar(1, "bool"), a, eye, eye, none, none, one],
    9,
    { body },
  );
  const turn = (x: Value): Value => g.node("Transpose", [x], { perm: [1, 0] });
  const ordered = (x: Value, places: Value): Value =>
    g.node("GatherND", [x, g.reshape(turn(places), [systems, n, 1])], { batch_dims: 1 });
  return {
    pivots: turn(pivots!),
    sign: sign!,
    rows: ordered(rows!, ps!),
    columns: ordered(columns!, qs!),
  };
}

/**
 * Products of all pivots but those at `count` positions, an axis of length n for each position, and 0
 * where two positions are the same; as in the routine.
 */
function productsBut(f: Formula, pivots: Value, count: number, at: Matrices): Value {
  const { g } = f;
  const { systems, n, dtype } = at;
  const first = Math.max(0, n - count);
  const part = (from: number, to: number): Value =>
    g.node("Slice", [pivots, g.int64([from]), g.int64([to]), g.int64([1])]);
  const axes = Array.from({ length: count }, (_, k) => k + 1);
  const along = (x: Value, axis: number, length: number, lanes: number): Value =>
    g.reshape(x, [lanes, ...axes.map((k) => k === axis ? length : 1)]);
  const place = (axis: number): Value => along(positions(g, n, [n]), axis, n, 1);
  let result = filled(g, g.scalar(1, dtype), [systems, ...axes.map(() => n)]);
  if (first > 0) {
    const head = part(0, first);
    const zero = f.equal(head, 0);
    const inverse = f.choose(zero, 0, f.div(1, f.choose(zero, 1, head)));
    const ones = filled(g, g.scalar(1, dtype), [systems, n - first]);
    const each = g.node("Concat", [inverse, ones], { axis: 1 });
    const all = g.node("ReduceProd", [head, g.int64([1])], { keepdims: 1 });
    for (const k of axes) result = f.mul(result, along(each, k, n, systems));
    result = f.mul(result, along(all, 0, 1, systems));
  }
  for (let t = first; t < n; t++) {
    const hits = axes.map((k) => g.node("Equal", [place(k), g.scalar(t, "int64")]));
    const left = along(part(t, t + 1), 0, 1, systems);
    result = f.mul(result, f.choose(hits.reduce((a, b) => g.node("Or", [a, b])), 1, left));
  }
  for (const k of axes) {
    for (const l of axes.slice(k)) {
      result = f.choose(g.node("Equal", [place(k), place(l)]), 0, result);
    }
  }
  return result;
}

/** As the routine, for all systems. */
export function lowerCofactors(
  g: Lowering,
  a: Value,
  changes: readonly Value[],
  at: Matrices,
): Value {
  const { systems, n, dtype } = at;
  const f = new Formula(g, dtype);
  const { pivots, sign, rows, columns } = lowerDiagonal(g, a, at);
  const transposed = (x: Value): Value => g.node("Transpose", [x], { perm: [0, 2, 1] });
  const matmul = (x: Value, y: Value): Value => f.op("MatMul", x, y);
  const [m, o] = changes.map((e) => matmul(matmul(rows, e), transposed(columns)));
  const weights = productsBut(f, pivots, changes.length + 1, at);
  const sum = (x: Value, ...over: number[]): Value =>
    g.node("ReduceSum", [x, g.int64(over)], { keepdims: 0 });
  const isDiagonal = onDiagonal(g, n);
  const diagonal = (x: Value): Value => sum(f.choose(isDiagonal, x, 0), 2);
  const asDiagonal = (x: Value): Value => f.choose(isDiagonal, g.reshape(x, [systems, n, 1]), 0);
  /** `x[j, k]` as a function of i, j and k, whichever of them the axes are. */
  const spread = (x: Value, ...axes: readonly [number, number]): Value => {
    const shape = [1, 2, 3].map((k) => axes.includes(k) ? n : 1);
    return g.reshape(axes[0] < axes[1] ? x : transposed(x), [systems, ...shape]);
  };
  let inner: Value;
  if (m === undefined) inner = asDiagonal(weights);
  else if (o === undefined) {
    const rest = g.reshape(diagonal(m), [systems, 1, n]);
    inner = f.sub(asDiagonal(sum(f.mul(weights, rest), 2)), f.mul(weights, transposed(m)));
  } else {
    // Axes 1, 2 and 3 of the weights are i, j and k.
    const ends = (x: Value): Value => g.reshape(diagonal(x), [systems, 1, 1, n]);
    const pairs = (x: Value, y: Value): Value =>
      f.sub(
        f.mul(spread(x, 2, 1), ends(y)),
        f.mul(spread(x, 2, 3), spread(y, 3, 1)),
      );
    const across = sum(f.mul(weights, f.add(pairs(m, o), pairs(o, m))), 3);
    const minors = f.sub(
      f.mul(g.reshape(diagonal(m), [systems, 1, n, 1]), ends(o)),
      f.mul(spread(m, 2, 3), spread(o, 3, 2)),
    );
    inner = f.sub(asDiagonal(sum(f.mul(weights, minors), 2, 3)), across);
  }
  // Zeros have no sign, as in det.
  return f.add(f.mul(sign, matmul(matmul(transposed(rows), inner), columns)), 0);
}
