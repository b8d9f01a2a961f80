/**
 * Cofactors on the CPU, in double precision: `determinant.ts` has the formulas.
 *
 * @module
 */
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
const inner = [
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

function cofactors(order: 0 | 1 | 2): Routine {
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
    }${inner[order]!()}
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
  /* @__PURE__ */ cofactors(0),
  /* @__PURE__ */ cofactors(1),
  /* @__PURE__ */ cofactors(2),
];
