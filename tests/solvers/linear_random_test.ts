/**
 * Linear systems made at random: what is claimed to be solved is, by residuals of twice the digits; what is said of an
 * operator and does not hold is never believed, forwards or backwards. Names of failures hold the seed.
 */
import {
  bicgstab,
  cg,
  CheckError,
  cholesky,
  gmres,
  grad,
  linalg,
  type LinearMethod,
  LinearOperator,
  linearSolve,
  type LinearTags,
  lsmr,
  lu,
  minres,
  type NDArray,
  numpy as np,
  qr,
  svd,
  triangular,
} from "../../mod.ts";
import { blockDiagonal, lowRankUpdate } from "../../lib/solvers/linear/systems.ts";
import { epsilon } from "../../lib/core/dtype.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { arr, assertClose } from "../support/arrays.ts";
import { Random, seedNote } from "../support/random.ts";
import {
  lengthOf,
  randomMatrix,
  randomSystems,
  residualOf,
  transposedRows,
} from "../support/random_systems.ts";

const squares = [lu(), gmres(), gmres({ restart: 3 }), bicgstab(), cg(), cholesky()];

Deno.test("what is claimed to be solved is, whatever the system and by whatever method", () => {
  let claims = 0;
  for (const { name, operator, rows, symmetric, b, dtype } of randomSystems("claims", 34, 7)) {
    const isSquare = rows.length === rows[0]!.length;
    const solvers = [
      undefined,
      qr(),
      svd(),
      lsmr(),
      ...isSquare ? squares : [],
      ...isSquare && symmetric ? [minres()] : [],
    ];
    for (const solver of solvers) {
      const told = solver === minres() ? operator.tagged({ symmetric: true }) : operator;
      const s = linearSolve(told, arr(b, dtype), { solver });
      const x = Array.from(s.value.dataSync() as Iterable<number>);
      const where = `${name}: ${s.message}; ${seedNote}`;
      // Of numbers no method makes something else in silence.
      assert(s.statusName !== "nonfinite", where);
      if (!s.converged) continue;
      claims++;
      assert(x.every(Number.isFinite), where);
      const eps = epsilon(dtype);
      const r = residualOf(rows, x, b);
      const [left, side] = [lengthOf(r), lengthOf(b)];
      const size = lengthOf(rows.flat());
      const rounding = rows.length * eps * (size * lengthOf(x) + side);
      const rtol = dtype === "float32" ? 6e-6 : 2e-12;
      if (s.explanation.leastSquares) {
        // No x makes it smaller: what is left is at right angles to all that A gives.
        const slope = lengthOf(residualOf(transposedRows(rows), r, rows[0]!.map(() => 0))) / size;
        const limit = s.explanation.direct
          ? 20 * rounding
          : 2 * rtol * Math.max(left, side) + 60 * rounding;
        assert(slope <= limit, `a slope of ${slope}, ${limit} allowed: ${where}`);
      } else if (s.explanation.direct) {
        assert(left <= 8 * rounding, `${left} is left, ${8 * rounding} allowed: ${where}`);
      } else {
        // To the tolerance, or to rounding of the terms while that is less than half the digits, as a product tells.
        const floor = Math.min(6 * rounding, 1.1 * Math.sqrt(eps) * side);
        const limit = 1.01 * rtol * side + floor;
        const told = s.residualNorm.item();
        assert(told <= limit, `${told} is left, ${limit} allowed: ${where}`);
        assert(left <= told + 2 * rounding, `${left} is left, and not ${told}: ${where}`);
      }
    }
  }
  assert(claims > 100, `${claims} claims`);
});

const tags: readonly LinearTags[] = [
  { symmetric: true },
  { positiveDefinite: true },
  { triangular: "lower" },
  { triangular: "upper" },
];
/** Operators of which something is said, by what they are made of. */
const said: Readonly<Record<string, (a: NDArray, tags: LinearTags) => LinearOperator>> = {
  matrix: (a, tags) => LinearOperator.matrix(a, tags),
  function: (a, tags) => LinearOperator.of((x) => a.matmul(x), a.at(0), tags),
  sum: (a, tags) =>
    LinearOperator.matrix(a).add(LinearOperator.of((x) => x.mul(0), a.at(0))).tagged(tags),
  "block by its own method": (a, tags) => {
    const { form } = blockDiagonal([LinearOperator.matrix(a, tags)]);
    const { domain } = LinearOperator.matrix(a);
    return LinearOperator.made(form, domain, domain);
  },
  "block that is a function": (a, tags) => {
    const { form } = blockDiagonal([LinearOperator.of((x) => a.matmul(x), a.at(0), tags)]);
    const { domain } = LinearOperator.matrix(a);
    return LinearOperator.made(form, domain, domain);
  },
  "updated matrix": (a, tags) =>
    lowRankUpdate(LinearOperator.matrix(a, tags), np.zeros([a.shape[0]!, 1], { dtype: a.dtype })),
};

Deno.test("what is said of an operator and does not hold is not believed, forwards or backwards", () => {
  let [refused, right] = [0, 0];
  for (let i = 0; i < 12; i++) {
    const random = new Random(`tags ${i}`);
    const dtype = i % 3 === 0 ? "float32" : "float64";
    const n = random.integer(2, 7);
    // Of no kind at all; symmetric and not definite; and nearly so.
    const base = i % 2 === 0
      ? randomMatrix(random, [n, n], 30)
      : randomMatrix(random, [n, n], 30, { signs: "+-" });
    const by = i % 4 === 3 ? 0.01 : 0;
    const rows = base.map((row) => row.map((x) => Math.fround(x + by * random.uniform(-1, 1))));
    const [b, w] = [random.list(n).map(Math.fround), random.list(n).map(Math.fround)];
    const a = arr(rows, dtype);
    const want = linalg.solve(arr(transposedRows(rows)), arr(w)).toArray() as number[];
    for (const [j, [kind, make]] of Object.entries(said).entries()) {
      for (const held of [tags[(i + j) % 4]!]) {
        const operator = make(a, held);
        const isSaid = held.triangular === undefined;
        const solvers: (LinearMethod | undefined)[] = [
          undefined,
          gmres(),
          ...i < 4 ? [bicgstab(), cg(), cholesky()] : [],
          ...isSaid && operator.tags.symmetric === true ? [minres()] : [],
          ...!isSaid && operator.tags.triangular !== undefined ? [triangular()] : [],
        ];
        for (const solver of solvers) {
          const solve = (b: NDArray) => linearSolve(operator, b, { solver });
          const s = solve(arr(b, dtype));
          const where = `${i}: ${kind}, ${JSON.stringify(held)}: ${s.message}; ${seedNote}`;
          const x = Array.from(s.value.dataSync() as Iterable<number>);
          const share = dtype === "float32" ? 1e-3 : 1e-9;
          const solved = lengthOf(residualOf(rows, x, b)) <= share * lengthOf(b);
          assert(solved || !s.converged, where);
          let slope: number[];
          try {
            slope = grad((b: NDArray) => solve(b).value.mul(arr(w, dtype)).sum())(arr(b, dtype))
              .toArray() as number[];
          } catch (error) {
            assert(error instanceof CheckError, where);
            refused++;
            continue;
          }
          const miss = lengthOf(slope.map((x, j) => x - want[j]!)) / lengthOf(want);
          assert(miss < 100 * share, `the derivative is off by ${miss} of itself: ${where}`);
          right++;
        }
      }
    }
  }
  assert(refused > 40 && right > 40, `${refused} refused, ${right} right`);
});

Deno.test("a tag that holds but for rounding is believed backwards, and one that does not is named", () => {
  const a = arr([[4, 1, 0], [1, 3, 1], [0, 1, 5]]);
  const skew = arr([[0, 1, 0], [-1, 0, 2], [0, -2, 0]]);
  const slope = (by: number, unit: number) => {
    const told = LinearOperator.of(
      (x: NDArray) => a.add(skew.mul(by)).matmul(x).mul(unit),
      a.at(0),
      {
        positiveDefinite: true,
      },
    );
    return grad((b: NDArray) => linearSolve(told, b, { solver: cg() }).value.sum())(arr([1, 2, 3]));
  };
  for (const unit of [1e-150, 1, 1e150]) {
    const want = linalg.solve(a, arr([1, 1, 1])).div(unit);
    assertClose(slope(1e-12, unit).mul(unit), want.mul(unit), 1e-10);
    assertThrows(() => slope(1e-3, unit), CheckError, "by the tag symmetric or positiveDefinite");
  }
});

Deno.test("what is not linear in a part of an operator is found out", () => {
  const bent = LinearOperator.of((x: NDArray) => x.mul(2).add(1), arr([0, 0]));
  const a = blockDiagonal({ u: LinearOperator.diagonal(arr([1])), v: bent });
  const s = linearSolve(a, { u: arr([1]), v: arr([3, 5]) });
  assertEquals(s.statusName, "breakdown", s.message);
});

Deno.test("a system without a solution leaves nothing huge along what the operator takes to 0", () => {
  for (const dtype of ["float32", "float64"] as const) {
    for (const d of [[1, -2, 0], [1, 2, 0]]) {
      const a = LinearOperator.matrix(np.diag(arr(d, dtype)), { symmetric: true });
      const s = linearSolve(a, arr([1, 1, 1], dtype), { solver: minres() });
      assert(!s.converged, s.message);
      assert(np.abs(s.value).lessEqual(2).all().item(), `${s.value}`);
    }
    const a = arr([[1, 1, 0], [1, 1, 0], [0, 0, 3]], dtype);
    const s = linearSolve(a, arr([1, 0, 1], dtype), { solver: gmres() });
    assert(!s.converged, s.message);
    // Where there is, what is said is why.
    assert(np.abs(s.value).lessEqual(9).all().item() || s.statusName === "singular", `${s.value}`);
  }
});
