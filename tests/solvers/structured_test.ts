/** Operators that are made of others stand for their matrices, and are solved with by parts. */
import {
  cg,
  CheckError,
  gmres,
  grad,
  hessian,
  jit,
  jvp,
  linalg,
  lu,
  type NDArray,
  numpy as np,
  ShapeError,
  TreeError,
  vmap,
} from "../../mod.ts";
import {
  blockDiagonal,
  blockMatrix,
  factorise,
  kronecker,
  LinearOperator,
  linearSolve,
  lowRankUpdate,
} from "../../lib/solvers/linear/systems.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { arr, assertClose } from "../support/arrays.ts";

type Tree = NDArray | readonly NDArray[] | Readonly<Record<string, NDArray>>;

const p = arr([[4, 1, 0], [2, 5, 1], [0, -1, 3]]);
const q = arr([[3, 1], [-1, 2]]);
const s = arr([[5, 1, 0], [1, 4, 1], [0, 1, 3]]);
const u = arr([[1, 0], [2, 1], [0, -1]]);
const v = arr([[0.5, 1], [0, 2], [1, 0]]);
const zeros = (m: number, n: number): NDArray => np.zeros([m, n], { dtype: "float64" });
const matrix = (a: NDArray, tags: object = {}) => LinearOperator.matrix(a, tags);
const functionOf = (a: NDArray) =>
  LinearOperator.of((x: NDArray) => a.matmul(x), np.ones([a.shape[1]!], { dtype: "float64" }));

/** An operator made of a matrix [3, 3], the matrix it stands for, and how a vector is laid out as its trees. */
interface Case {
  readonly name: string;
  readonly make: (m: NDArray) => LinearOperator<never, never>;
  readonly dense: (m: NDArray) => NDArray;
  readonly tree: (v: NDArray) => Tree;
  readonly method: string;
}

const cases: readonly Case[] = [
  {
    name: "a list of blocks",
    make: (m) => blockDiagonal([matrix(m), functionOf(q)]) as never,
    dense: (m) => np.block([[m, zeros(3, 2)], [zeros(2, 3), q]]),
    tree: (v) => [v.slice([0], [3]), v.slice([3], [5])],
    method: "methods of the blocks",
  },
  {
    name: "a record of blocks, of several kinds",
    make: (m) =>
      blockDiagonal({
        z: matrix(m),
        a: LinearOperator.diagonal(arr([2, -3])),
        b: LinearOperator.tridiagonal(arr([0, 1, 1]), arr([4, 5, 6]), arr([1, 2, 0])),
      }) as never,
    dense: (m) =>
      np.block([
        [arr([[2, 0], [0, -3]]), zeros(2, 3), zeros(2, 3)],
        [zeros(3, 2), arr([[4, 1, 0], [1, 5, 2], [0, 1, 6]]), zeros(3, 3)],
        [zeros(3, 2), zeros(3, 3), m],
      ]),
    tree: (v) => ({ a: v.slice([0], [2]), b: v.slice([2], [5]), z: v.slice([5], [8]) }),
    method: "methods of the blocks",
  },
  {
    name: "a matrix of blocks with zeros",
    make: (m) => blockMatrix([[matrix(m), matrix(u)], [matrix(v.T), null]] as never) as never,
    dense: (m) => np.block([[m, u], [v.T, zeros(2, 2)]]),
    tree: (v) => [v.slice([0], [3]), v.slice([3], [5])],
    method: "LU factors",
  },
  {
    name: "a Kronecker product",
    make: (m) => kronecker(matrix(m), functionOf(q)) as never,
    dense: (m) => np.kron(m, q),
    tree: (v) => v,
    method: "methods of the factors",
  },
  {
    name: "a Kronecker product with a diagonal before",
    make: (m) => kronecker(LinearOperator.diagonal(arr([2, -1])), matrix(m)) as never,
    dense: (m) => np.kron(np.diag(arr([2, -1])), m),
    tree: (v) => v,
    method: "methods of the factors",
  },
  {
    name: "an update of rank two",
    make: (m) => lowRankUpdate(matrix(m), u, v) as never,
    dense: (m) => m.add(u.matmul(v.T)),
    tree: (v) => v,
    method: "the formula of Woodbury",
  },
  {
    name: "an update of an update",
    make: (m) => lowRankUpdate(lowRankUpdate(matrix(m), u), v) as never,
    dense: (m) => m.add(u.matmul(u.T)).add(v.matmul(v.T)),
    tree: (v) => v,
    method: "the formula of Woodbury",
  },
  {
    name: "blocks of products and updates",
    make: (m) =>
      blockDiagonal([kronecker(functionOf(q), matrix(m)), lowRankUpdate(matrix(s), u, v)]) as never,
    dense: (m) => np.block([[np.kron(q, m), zeros(6, 3)], [zeros(3, 6), s.add(u.matmul(v.T))]]),
    tree: (v) => [v.slice([0], [6]), v.slice([6], [9])],
    method: "methods of the blocks",
  },
];

const flatten = (tree: Tree): NDArray =>
  tree instanceof Object && "dtype" in tree
    ? tree as NDArray
    : np.concatenate(Object.values(tree as Record<string, NDArray>));

for (const { name, make, dense, tree, method } of cases) {
  const n = dense(p).shape[0]!;
  const b = np.sin(np.arange(n).astype("float64").mul(2)).add(0.5);
  const w = np.cos(np.arange(n).astype("float64"));
  const operator = (m: NDArray) => make(m) as unknown as LinearOperator;
  const side = (b: NDArray) => tree(b) as unknown as NDArray;
  const solve = (m: NDArray, b: NDArray): NDArray =>
    flatten(linearSolve(operator(m), side(b)).value as unknown as Tree);
  const want = (m: NDArray, b: NDArray): NDArray => linalg.solve(dense(m), b);

  Deno.test(`${name}: stands for its matrix, and solves by its parts`, () => {
    const a = operator(p);
    // Zeros may have a sign.
    assertClose(a.toMatrix().add(0), dense(p).add(0), 1e-13);
    assertClose(flatten(a.apply(side(b)) as unknown as Tree), dense(p).matmul(b), 1e-13);
    const back = a.transpose();
    assertClose(flatten(back.apply(side(b)) as unknown as Tree), dense(p).T.matmul(b), 1e-13);
    const found = linearSolve(a, side(b));
    assertEquals(found.statusName, "converged", found.message);
    assert(found.description.includes(method), found.description);
    assertClose(solve(p, b), want(p, b), 1e-11);
    const factors = factorise(a);
    assertClose(flatten(factors.solve(side(b)).value as unknown as Tree), want(p, b), 1e-11);
    assertClose(
      flatten(factors.solveTransposed(side(b)).value as unknown as Tree),
      linalg.solve(dense(p).T, b),
      1e-11,
    );
    for (const solver of [lu(), gmres()]) {
      const other = linearSolve(a, side(b), { solver, rtol: 1e-13 });
      assertClose(flatten(other.value as unknown as Tree), want(p, b), 1e-9, solver.description);
    }
    const turned = linearSolve(back, side(b)).value as unknown as Tree;
    assertClose(flatten(turned), linalg.solve(dense(p).T, b), 1e-11);
  });

  Deno.test(`${name}: derivatives, compiled code and lanes`, () => {
    const loss = (f: typeof solve) => (m: NDArray, b: NDArray) => f(m, b).mul(w).sum();
    const both = { argnums: [0, 1] };
    const slopes = (f: typeof solve) => grad(loss(f), both);
    assertClose(slopes(solve)(p, b), slopes(want)(p, b), 1e-10);
    const along = (f: typeof solve) => (t: NDArray) => loss(f)(p.add(s.mul(t)), b.add(w.mul(t)));
    assertClose(hessian(along(solve))(arr(0)), hessian(along(want))(arr(0)), 1e-9);
    const push = (f: typeof solve) => jvp(f, [p, b], [s, w])[1];
    assertClose(push(solve), push(want), 1e-10);
    for (const backend of ["interpreter", "cpu"]) {
      assertClose(jit(solve, { backend })(p, b), want(p, b), 1e-11, backend);
      assertClose(jit(slopes(solve), { backend })(p, b), slopes(want)(p, b), 1e-10, backend);
      // The operator itself as an argument.
      const value = jit((a: LinearOperator, b: NDArray) => linearSolve(a, b).value, { backend });
      const given = value(operator(p), side(b) as never) as unknown as Tree;
      assertClose(flatten(given), want(p, b), 1e-11, backend);
    }
    const ps = np.stack([p, s]);
    assertClose(vmap(solve, { inAxes: [0, null] })(ps, b).at(1), want(s, b), 1e-11);
  });

  Deno.test(`${name}: a part that is singular is told, with its derivative`, () => {
    const singular = arr([[1, 2, 3], [2, 4, 6], [0, 1, 1]]);
    if (name.includes("update") || name.includes("zeros")) return;
    const found = linearSolve(operator(singular), side(b));
    assertEquals(found.statusName, "singular", found.message);
    assertThrows(
      () => jvp((b: NDArray) => solve(singular, b), [b], [w]),
      CheckError,
      "could not be solved",
    );
  });
}

Deno.test("an update that makes a matrix singular, or mends one, is told", () => {
  const down = lowRankUpdate(
    LinearOperator.matrix(np.eye(3, { dtype: "float64" })),
    arr([[1], [0], [0]]),
    arr([[-1], [0], [0]]),
  );
  assertEquals(linearSolve(down, arr([1, 1, 1])).statusName, "singular");
  const low = lowRankUpdate(LinearOperator.diagonal(arr([0, 1, 1])), arr([[1], [0], [0]]));
  const told = linearSolve(low, arr([1, 1, 1]));
  assert(!told.converged && told.message.includes("lu() or gmres()"), told.message);
  assertClose(linearSolve(low, arr([1, 1, 1]), { solver: lu() }).value, arr([1, 1, 1]));
});

Deno.test("tags of operators that are made of others follow from theirs", () => {
  const pd = matrix(s, { positiveDefinite: true });
  const lower = matrix(np.tril(p), { triangular: "lower" });
  const d = LinearOperator.diagonal(arr([1, 2]), { positiveDefinite: true });
  assertEquals(blockDiagonal([pd, d]).tags.positiveDefinite, true);
  assertEquals(blockDiagonal([lower, d]).tags.triangular, "lower");
  assertEquals(blockDiagonal([lower, pd]).tags.triangular, undefined);
  assertEquals(kronecker(pd, d).tags.positiveDefinite, true);
  assertEquals(kronecker(lower, lower).tags.triangular, "lower");
  assertEquals(lowRankUpdate(pd, u).tags.positiveDefinite, true);
  assertEquals(lowRankUpdate(pd, u, v).tags.positiveDefinite, false);
  assertEquals(blockMatrix([[pd]], { positiveDefinite: true }).tags.positiveDefinite, true);
});

Deno.test("blocks that are functions of many unknowns are solved by their iterations, and say so", () => {
  const n = 300;
  const sizes = np.arange(n).astype("float64").div(n).add(1);
  const many = LinearOperator.of((x: NDArray) => x.mul(sizes).add(x.mean()), sizes, {
    positiveDefinite: true,
  });
  const a = blockDiagonal({ many, few: matrix(q) });
  const b = { many: np.ones([n], { dtype: "float64" }), few: arr([1, 2]) };
  const found = linearSolve(a, b);
  assertEquals(found.statusName, "converged");
  assert(found.steps.item() > 1 && found.steps.item() < 40, `${found.steps}`);
  assertClose(found.value.many, linearSolve(many, b.many, { solver: cg() }).value, 1e-10);
  assertEquals(linearSolve(a, b, { maxSteps: 2 }).statusName, "maxSteps");
});

Deno.test("what operators cannot be made of is refused, with what does not fit", () => {
  const bare = (f: unknown) => f as (...args: unknown[]) => unknown;
  const [a, b] = [matrix(p), matrix(q)];
  const refused: readonly [() => unknown, new (...args: never[]) => Error, string][] = [
    [() => bare(blockDiagonal)([p]), TypeError, "block 0 must be a LinearOperator"],
    [() => bare(blockDiagonal)({ u: 3 }), TypeError, "the block u must be a LinearOperator"],
    [() => bare(blockDiagonal)([]), TypeError, "there are no blocks"],
    [() => bare(blockDiagonal)(a), TypeError, "a list or a record"],
    [() => bare(blockDiagonal)([a], { size: 2 }), TypeError, "no option size"],
    [() => bare(blockMatrix)([a]), TypeError, "[[A, B], [C, D]]"],
    [() => bare(blockMatrix)([[a, null], [null, 3]]), TypeError, "block [1][1]"],
    [() => blockMatrix([[a], [a, a]]), ShapeError, "as many blocks, and one at least, not 1, 2"],
    [() => blockMatrix([[a, null], [null, null]]), ShapeError, "column 1 has no operator"],
    [() => blockMatrix([[a, null], [b, b]]), TreeError, "block [1][0] and others of its column"],
    [() => bare(kronecker)(a, q), TypeError, "b must be a LinearOperator"],
    [() => lowRankUpdate(a, arr([1, 2, 3])), ShapeError, "[3] with one more axis"],
    [() => lowRankUpdate(a, u, arr([[1], [2], [3]])), ShapeError, "not [3,2] and [3,1]"],
  ];
  for (const [call, Kind, text] of refused) assertThrows(call, Kind as typeof TypeError, text);
});
