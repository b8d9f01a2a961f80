/** Linear operators and factors are trees: arguments, carries and lanes. */
import {
  cg,
  cholesky,
  DTypeError,
  factorise,
  gmres,
  grad,
  jit,
  type LinearMethod,
  LinearOperator,
  linearSolve,
  lsmr,
  lu,
  type NDArray,
  numpy as np,
  qr,
  scan,
  svd,
  treeFlatten,
  treeLeaves,
  treeStructure,
  treeUnflatten,
  vmap,
} from "../../mod.ts";
import { lowRankUpdate } from "../../lib/solvers/linear/systems.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { arr, assertClose } from "../support/arrays.ts";

const m = arr([[4, 1, 0], [1, 5, -1], [0, -1, 3]]);
const b = arr([1, -2, 3]);
const d = arr([0.5, 1, 2]);
const matrix = (a: NDArray): LinearOperator => LinearOperator.matrix(a);
const double = (v: NDArray): NDArray => v.mul(2);

/** Operators of a matrix, of each kind, with the numbers of their arrays. */
const kinds: Readonly<Record<string, readonly [(a: NDArray) => LinearOperator, number]>> = {
  "a matrix": [matrix, 1],
  "a matrix of which more is known": [
    (a) => LinearOperator.matrix(a.add(a.T), { positiveDefinite: true }),
    1,
  ],
  "a diagonal": [(a) => LinearOperator.diagonal(np.diagonal(a)), 1],
  "bands": [(a) => LinearOperator.tridiagonal(d, np.diagonal(a), d), 3],
  "a sum": [(a) => matrix(a).add(LinearOperator.diagonal(d)), 2],
  "a product": [(a) => matrix(a).compose(matrix(a)), 2],
  "a transposed product": [
    (a) => matrix(a).compose(LinearOperator.diagonal(d)).transpose(),
    2,
  ],
  "a multiple of a sum": [(a) => matrix(a).add(LinearOperator.diagonal(d)).scale(d.at(0)), 3],
  "a sum with a function": [(a) => matrix(a).add(LinearOperator.of(double, b)), 1],
};

for (const [name, [make, count]] of Object.entries(kinds)) {
  Deno.test(`${name} is a tree of its arrays`, () => {
    const a = make(m);
    const [leaves, def] = treeFlatten(a);
    assertEquals(leaves.length, count);
    assert(leaves.every((x) => [m.dtype].includes((x as NDArray).dtype)));
    const same = treeUnflatten(def, leaves) as LinearOperator;
    assertEquals(String(same), String(a));
    assertClose(same.toMatrix(), a.toMatrix());
    assertEquals(same.tags.positiveDefinite, a.tags.positiveDefinite);
    assert(treeStructure(same) === def);
    const solve = (a: LinearOperator, b: NDArray): NDArray => linearSolve(a, b).value;
    const wanted = solve(a, b);
    const compiled = jit(solve);
    assertClose(compiled(a, b), wanted, 1e-12, "an argument");
    assertClose(compiled(a.scale(1), b), wanted, 1e-12, "another argument");
    const [end] = scan(
      ([a, x]: [LinearOperator, NDArray]): [[LinearOperator, NDArray], null] => [
        [a, a.apply(x)],
        null,
      ],
      [a, b] as [LinearOperator, NDArray],
      null,
      { length: 2 },
    );
    assertClose(end[1], a.apply(a.apply(b)), 1e-12, "a carry");
    const several = jit(vmap(make))(np.stack([m, m.mul(2)]));
    const lanes = vmap(solve, { inAxes: [0, null] })(several, b);
    assertClose(lanes, np.stack([wanted, solve(make(m.mul(2)), b)]), 1e-12, "lanes");
  });
}

for (const solver of [lu(), cholesky(), qr(), svd(), gmres(), cg()] as LinearMethod[]) {
  Deno.test(`factors by ${solver.description} are an argument, a carry, and mapped over`, () => {
    const factors = factorise(m, { solver });
    const wanted = linearSolve(m, b, { solver }).value;
    const solve = jit((f: typeof factors, b: NDArray) => f.solve(b).value);
    assertClose(solve(factors, b), wanted, 1e-10);
    assertClose(solve(factorise(m.mul(2), { solver }), b), wanted.mul(0.5), 1e-10);
    // Old factors are kept for two steps, then there are new ones.
    const [[kept]] = scan(
      ([f, x]: [typeof factors, NDArray], a: NDArray): [[typeof factors, NDArray], null] => [
        [factorise(a, { solver }), f.solve(x).value],
        null,
      ],
      [factors, b] as [typeof factors, NDArray],
      np.stack([m, m.mul(3)]),
    );
    assertClose(kept.solve(b).value, wanted.mul(1 / 3), 1e-10);
    const lanes = vmap((a: NDArray) => factorise(a, { solver }))(np.stack([m, m.mul(2)]));
    const found = vmap((f: typeof factors) => f.solveTransposed(b).value)(lanes);
    assertClose(found, np.stack([wanted, wanted.mul(0.5)]), 1e-10);
    const slope = grad((a: NDArray) => solve(factorise(a, { solver }), b).sum())(m);
    assertClose(slope, grad((a: NDArray) => linearSolve(a, b).value.sum())(m), 1e-9);
    assert(treeLeaves(factors).length > 0);
  });
}

Deno.test("factors say in consoles what they are", () => {
  assertEquals(String(factorise(m)), "Factorisation(LU factors, float64[3,3])");
});

Deno.test("of unlike precision operators are the wider one's together, and unknowns are what they are found in", () => {
  const single = arr([[4, 1], [1, 3]], "float32");
  const narrow: readonly LinearOperator[] = [
    matrix(single),
    LinearOperator.diagonal(arr([4, 3], "float32")),
    LinearOperator.tridiagonal(...[[0, 1], [4, 3], [1, 0]].map((v) => arr(v, "float32")) as [
      NDArray,
      NDArray,
      NDArray,
    ]),
  ];
  // What float32 does not hold.
  const shift = LinearOperator.diagonal(arr([1 / 3, 2 / 3]));
  const b = arr([0.1, 0.7]);
  for (const a of narrow) {
    const all = [
      a,
      a.scale(2),
      a.add(shift),
      shift.sub(a),
      a.compose(shift),
      shift.compose(a),
      lowRankUpdate(a, arr([[0.1], [0.2]])),
    ];
    for (const operator of all) {
      for (const solver of [undefined, gmres(), qr(), lsmr()]) {
        const { value } = linearSolve(operator, b, { solver, rtol: 1e-14 });
        assertEquals(value.dtype, "float64");
        const given = operator.toMatrix().astype("float64").matmul(value);
        assertClose(given, b, 1e-13, `${operator} by ${solver?.description}`);
      }
    }
  }
  const f = LinearOperator.of(double, arr([1, 1], "float32"));
  for (const put of [() => f.add(shift), () => shift.compose(f)]) {
    assertThrows(put, DTypeError, "an operator is a function of float32. Convert one of them");
  }
  assertEquals(linearSolve(single, arr([1, 1], "float32")).value.dtype, "float32");
});

Deno.test("what is no operator, and arguments that changed places, are told by the name of what was called", () => {
  const bare = linearSolve as unknown as (...args: unknown[]) => unknown;
  const made = LinearOperator as never as new (a: NDArray) => unknown;
  const refused: readonly [() => unknown, string][] = [
    [() => linearSolve(b, m), "linearSolve: a must have shape [m, n], not [3]"],
    [() => linearSolve(np.array(2), b), "LinearOperator.diagonal(d)"],
    [() => linearSolve(np.stack([m, m]), b), "Map over more with vmap"],
    [() => bare(m), "b must be an array or a tree of arrays, not undefined"],
    [
      () => bare(m, b, { solver: gmres(), preconditioner: "jacobi" }),
      'the preconditioner must be a matrix, a LinearOperator or a linear function, not the string "jacobi"',
    ],
    [() => matrix(m).scale("2" as never), 'a number or an array of shape [], not the string "2"'],
    [() => new made(m), "LinearOperator.matrix(a)"],
    [
      () => linearSolve((x: NDArray) => x.mul(2), np.ones([100_000]), { solver: lu() }),
      "linearSolve by LU factors: the matrix, float32[100000,100000], takes 37.3 GiB",
    ],
  ];
  for (const [call, text] of refused) assertThrows(call, Error, text);
});
