/**
 * Functions with derivative rules of their own, and solutions differentiated implicitly: alone,
 * with trees, and under every other transform.
 *
 * @module
 */
import {
  checkpoint,
  customJvp,
  customLinearSolve,
  customRoot,
  customVjp,
  DifferentiationError,
  foriLoop,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linalg,
  linearize,
  loadBackend,
  makeJaxpr,
  type NDArray,
  numpy as np,
  scan,
  TreeError,
  vjp,
  vmap,
  whileLoop,
} from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { arr, assertClose, plain } from "../support/arrays.ts";
import { backends } from "../support/everywhere.ts";

await loadBackend("onnx");

type Fn = (x: NDArray) => NDArray;

/** Sine with a slope of 7, to tell the rule from the function. */
const marked = customJvp(
  (x: NDArray) => np.sin(x),
  ([x]: [NDArray], [t]: [NDArray]) => [np.sin(x), t.mul(7)],
);
/** A product whose backward rule scales by 10 and 100. */
const scaled = customVjp(
  (x: NDArray, y: NDArray) => x.mul(y),
  (x: NDArray, y: NDArray) => [x.mul(y), { x, y }],
  ({ x, y }, ct: NDArray) => [ct.mul(y).mul(10), ct.mul(x).mul(100)],
);

Deno.test("customJvp(): the rule decides, in both modes and under every transform", () => {
  assertClose(marked(arr(1)), Math.sin(1));
  assertClose(grad(marked)(arr(1)), 7);
  assertClose(jvp(marked, [arr(1)], [arr(2)])[1], 14);
  assertClose(linearize(marked, [arr(1)])[1](arr(2)), 14);
  assertClose(vmap(marked)(arr([1, 2])), [Math.sin(1), Math.sin(2)]);
  assertClose(vmap(grad(marked))(arr([1, 2])), [7, 7]);
  assertClose(grad((x: NDArray) => vmap(marked)(x).sum())(arr([1, 2])), [7, 7]);
  assertClose(grad(checkpoint(marked))(arr(1)), 7);
  assertClose(jacfwd((x: NDArray) => marked(x))(arr([1, 2])), [[7, 0], [0, 7]]);
  for (const b of backends) {
    assertClose(jit(marked, b)(arr(1)), Math.sin(1));
    assertClose(grad(jit(marked, b))(arr(1)), 7);
    assertClose(jit(grad(marked), b)(arr(1)), 7);
    assertClose(jit(vmap(grad(jit(marked, b))), b)(arr([1, 2])), [7, 7]);
  }
  const loop = (x: NDArray): NDArray => foriLoop(0, 3, (_, v) => marked(v), x);
  assertClose(grad(loop)(arr(1)), 343);
  assertClose(jit(grad(loop))(arr(1)), 343);
  const shrink = (x: NDArray): NDArray =>
    whileLoop((v: NDArray) => v.greater(0.7), (v: NDArray) => marked(v), x);
  assertClose(jvp(shrink, [arr(1)], [arr(1)])[1], 7 ** 3);
});

Deno.test("customJvp(): the rule itself is differentiated for second derivatives", () => {
  const f = customJvp(
    (x: NDArray) => x.mul(x),
    ([x]: [NDArray], [t]: [NDArray]) => [x.mul(x), t.mul(x).mul(x).mul(x)],
  );
  assertClose(grad(f)(arr(2)), 8);
  assertClose(grad(grad(f))(arr(2)), 12);
  assertClose(hessian(f)(arr(2)), 12);
  assertClose(vmap(grad(grad(f)))(arr([1, 2])), [3, 12]);
});

Deno.test("customJvp(): trees, several arguments, tangents of arguments that have none", () => {
  const f = customJvp(
    (p: { a: NDArray; b: NDArray }, n: NDArray) => ({ y: p.a.mul(p.b), n }),
    (
      [p, n]: [{ a: NDArray; b: NDArray }, NDArray],
      [t]: [{ a: NDArray; b: NDArray }, NDArray],
    ) => [
      { y: p.a.mul(p.b), n },
      { y: t.a.mul(2).add(t.b.mul(3)), n: np.zerosLike(n) },
    ],
  );
  const p = { a: arr([1, 2]), b: arr([3, 4]) };
  const n = arr(5, "int32");
  const g = grad((p: { a: NDArray; b: NDArray }) => f(p, n).y.sum())(p);
  assertEquals(plain(g), { a: [2, 2], b: [3, 3] });
  const only = grad((a: NDArray) => f({ a, b: p.b }, n).y.sum())(p.a);
  assertClose(only, [2, 2]);
});

Deno.test("customJvp(): a captured value that is being differentiated is an error that says so", () => {
  const f = (w: NDArray): NDArray =>
    customJvp((x: NDArray) => x.mul(w), ([x]: [NDArray], [t]: [NDArray]) => [x.mul(w), t])(arr(2));
  const e = assertThrows(() => grad(f)(arr(3)), DifferentiationError, "customJvp");
  assert(e.message.includes("Pass the value as an argument"), e.message);
  assertClose(vmap(f)(arr([3, 4])), [6, 8]);
});

Deno.test("customVjp(): the rule decides in reverse mode, under every transform", () => {
  const both = { argnums: [0, 1] };
  assertClose(scaled(arr(2), arr(3)), 6);
  assertClose(grad(scaled, both)(arr(2), arr(3)), [30, 200]);
  assertClose(vjp(scaled, [arr(2), arr(3)])[1](arr(2)), [60, 400]);
  assertClose(vmap(grad(scaled, both))(arr([2, 1]), arr([3, 4])), [[30, 40], [200, 100]]);
  assertClose(
    grad((x: NDArray, y: NDArray) => vmap(scaled)(x, y).sum(), both)(arr([2, 1]), arr([3, 4])),
    [
      [30, 40],
      [200, 100],
    ],
  );
  // An argument that all lanes share gets the sum of their cotangents.
  const shared = (x: NDArray, y: NDArray): NDArray =>
    vmap(scaled, { inAxes: [0, null] })(x, y).sum();
  assertClose(grad(shared, both)(arr([2, 1]), arr(3)), [[30, 30], 300]);
  assertClose(grad(checkpoint(scaled), both)(arr(2), arr(3)), [30, 200]);
  for (const b of backends) {
    assertClose(jit(scaled, b)(arr(2), arr(3)), 6);
    assertClose(grad(jit(scaled, b), both)(arr(2), arr(3)), [30, 200]);
    assertClose(jit(grad(scaled, both), b)(arr(2), arr(3)), [30, 200]);
    assertClose(jit(vmap(grad(scaled)), b)(arr([2, 1]), arr([3, 4])), [30, 40]);
  }
  const loop = (x: NDArray): NDArray =>
    scan((c: NDArray, k: NDArray) => [scaled(c, k), c], x, arr([2, 3]))[0];
  assertClose(loop(arr(5)), 30);
  assertClose(grad(loop)(arr(5)), 600);
  assertClose(jit(grad(loop))(arr(5)), 600);
});

Deno.test("customVjp(): the backward rule is differentiated for second derivatives", () => {
  const f = customVjp(
    (x: NDArray) => x,
    (x: NDArray) => [x, x],
    (x, ct: NDArray) => [ct.mul((x as NDArray).square())],
  );
  assertClose(grad(f)(arr(3)), 9);
  assertClose(grad(grad(f))(arr(3)), 6);
  assertClose(jacfwd(grad(f))(arr(3)), 6);
  assertClose(jit(grad(grad(f)))(arr(3)), 6);
});

Deno.test("customVjp(): cotangents may be left out with null, residuals may be trees and integers", () => {
  const f = customVjp(
    (x: NDArray, y: NDArray) => ({ s: x.add(y), k: [y] }),
    (
      x: NDArray,
      y: NDArray,
    ) => [{ s: x.add(y), k: [y] }, { n: arr(4, "int32"), none: null, x: [x] }],
    (r, ct: { s: NDArray; k: NDArray[] }) => [
      ct.s.mul((r as { n: NDArray }).n.astype("float64")).add(ct.k[0]!),
      null,
    ],
  );
  const g = grad((x: NDArray, y: NDArray) => {
    const out = f(x, y);
    return out.s.sum().add(out.k[0]!.sum().mul(2));
  }, { argnums: [0, 1] });
  assertEquals(plain(g(arr([1, 2]), arr([3, 4]))), [[6, 6], [0, 0]]);
});

Deno.test("custom functions under vmap: results that are the same in all lanes", () => {
  const j = customJvp(
    (x: NDArray, w: NDArray) => ({ y: x.mul(w), w: w.mul(2), c: arr([1, 2]) }),
    ([x, w]: [NDArray, NDArray], [tx, tw]: [NDArray, NDArray]) => [
      { y: x.mul(w), w: w.mul(2), c: arr([1, 2]) },
      { y: tx.mul(w).add(x.mul(tw)), w: tw.mul(2), c: arr([0, 0]) },
    ],
  );
  const inAxes = { inAxes: [0, null] };
  const want = { y: [3, 6], w: [6, 6], c: [[1, 2], [1, 2]] };
  assertEquals(plain(vmap(j, inAxes)(arr([1, 2]), arr(3))), want);
  const [, dots] = jvp((w: NDArray) => vmap(j, inAxes)(arr([1, 2]), w), [arr(3)], [arr(1)]);
  assertEquals(plain(dots), { y: [1, 2], w: [2, 2], c: [[0, 0], [0, 0]] });
  const v = customVjp(
    (x: NDArray, w: NDArray) => [x.mul(w), w.mul(2)],
    (x: NDArray, w: NDArray) => [[x.mul(w), w.mul(2)], { x, w }],
    ({ x, w }, [a, b]: NDArray[]) => [a!.mul(w), a!.mul(x).add(b!.mul(2))],
  );
  assertEquals(plain(vmap(v, inAxes)(arr([1, 2]), arr(3))), [[3, 6], [6, 6]]);
  const loss = (w: NDArray): NDArray => {
    const [y, z] = vmap(v, inAxes)(arr([1, 2]), w) as [NDArray, NDArray];
    return y.sum().add(z.sum());
  };
  assertClose(grad(loss)(arr(3)), 1 + 2 + 2 + 2);
  assertClose(jit(grad(loss))(arr(3)), 7);
});

Deno.test("customVjp() in forward mode, and with a captured traced value, says what to do", () => {
  const named = customVjp(
    function area(x: NDArray) {
      return x.mul(x);
    },
    (x: NDArray) => [x.mul(x), x],
    (x, ct: NDArray) => [ct.mul(x as NDArray)],
  );
  for (const forward of [() => jvp(named, [arr(1)], [arr(1)]), () => jacfwd(named)(arr(1))]) {
    const e = assertThrows(forward, DifferentiationError, "area");
    assert(/reverse mode/.test(e.message) && /customJvp/.test(e.message), e.message);
  }
  const f = (w: NDArray): NDArray =>
    customVjp((x: NDArray) => x.mul(w), (x: NDArray) => [x.mul(w), null], () => [null])(arr(2));
  assertThrows(() => grad(f)(arr(3)), DifferentiationError, "Pass the value as an argument");
});

Deno.test("customVjp(): a backward rule that raises does not keep the forward rule from running", () => {
  // The forward rule captures a value of a recording that is over when it runs.
  const root = customRoot(
    (z: NDArray) => {
      const three = z.mul(0).add(3);
      const twice = customVjp(
        (x: NDArray) => x.mul(2),
        (x: NDArray) => [x.mul(2), three],
        () => {
          throw new RangeError("no way back");
        },
      );
      return twice(z).sub(three);
    },
    arr(1),
    (g, z) => z.sub(g(z).div(2)),
    (_, y) => y,
  );
  assertEquals(root.item(), 1.5);
});

Deno.test("rules that give the wrong thing are named", () => {
  const x = arr([1, 2]);
  const rule = (out: unknown) => customJvp((x: NDArray) => x, () => out as never);
  assertThrows(() => jvp(rule(x), [x], [x]), TypeError, "[out, tangent]");
  assertThrows(() => jvp(rule([x, arr(1)]), [x], [x]), TreeError, "float64[2] and float64[]");
  const bwd = (cts: unknown) =>
    customVjp((x: NDArray) => x, (x: NDArray) => [x, null], () => cts as never);
  const pull = (f: Fn): unknown => vjp(f, [x])[1](x);
  assertThrows(() => pull(bwd(x)), TreeError, "array of 1");
  assertThrows(() => pull(bwd([x, x])), TreeError, "not 2");
  assertThrows(() => pull(bwd([arr(1)])), TreeError, "float64[2] and float64[]");
  const fwd = customVjp((x: NDArray) => x, (x: NDArray) => [x.sum(), null], () => [null]);
  assertThrows(() => pull(fwd), TreeError, "forward rule");
});

Deno.test("a custom rule that is not linear in the tangent is reported in reverse mode", () => {
  const f = customJvp((x: NDArray) => x, ([x]: [NDArray], [t]: [NDArray]) => [x, t.mul(t)]);
  assertClose(jvp(f, [arr(1)], [arr(3)])[1], 9);
  assertThrows(() => grad(f)(arr(1)), DifferentiationError, "linear");
});

/** z with f(z, theta) = z - cos(theta z), by fixed-point iteration. */
function dottie(theta: NDArray): NDArray {
  return customRoot(
    (z: NDArray) => np.cos(theta.mul(z)).sub(z),
    np.onesLike(theta),
    (f, z0) =>
      whileLoop(
        (z: NDArray) => f(z).abs().max().greater(1e-15),
        (z: NDArray) => z.add(f(z)),
        z0 as NDArray,
      ),
    (g, y) => y.div(g(np.onesLike(y))),
  );
}

Deno.test("customRoot(): derivatives of the solution, through whatever is captured", () => {
  const z = 0.7390851332151607;
  const slope = -z * Math.sin(z) / (1 + Math.sin(z));
  const by = 1e-4;
  const at = (t: number): number => grad(dottie)(arr(t)).item();
  const second = (at(1 + by) - at(1 - by)) / (2 * by);
  assertClose(dottie(arr(1)), z);
  assertClose(grad(dottie)(arr(1)), slope);
  assertClose(jvp(dottie, [arr(1)], [arr(2)])[1], 2 * slope);
  assertClose(jacrev(dottie)(arr(1)), slope);
  assertClose(grad(grad(dottie))(arr(1)), second, 1e-7);
  assertClose(jacfwd(grad(dottie))(arr(1)), second, 1e-7);
  assertClose(vmap(grad(dottie))(arr([1, 1])), [slope, slope]);
  assertClose(grad((t: NDArray) => vmap(dottie)(t).sum())(arr([1, 1])), [slope, slope]);
  for (const b of backends) {
    assertClose(jit(dottie, b)(arr(1)), z);
    assertClose(jit(grad(dottie), b)(arr(1)), slope);
    assertClose(grad(jit(dottie, b))(arr(1)), slope);
    assertClose(jit(vmap(grad(dottie)), b)(arr([1, 1])), [slope, slope]);
  }
  const inScan = grad((t: NDArray) =>
    scan((c: NDArray) => [c.add(dottie(t)), null], arr(0), null, { length: 3 })[0]
  );
  assertClose(inScan(arr(1)), 3 * slope);
});

Deno.test("customRoot(): neither the guess nor the steps of the solver are differentiated", () => {
  const f = (a: NDArray, guess: NDArray): NDArray =>
    customRoot(
      (z: NDArray) => z.mul(z).sub(a),
      guess,
      (_, z0) => np.sqrt(np.stopGradient(a)).add((z0 as NDArray).mul(0)),
      (g, y) => y.div(g(np.onesLike(y))),
    );
  assertClose(grad(f, { argnums: [0, 1] })(arr(4), arr(1)), [0.25, 0]);
});

Deno.test("customRoot(): trees, and auxiliary outputs of the solver", () => {
  type Pair = { u: NDArray; v: NDArray };
  const solve = (a: NDArray): [Pair, NDArray] =>
    customRoot(
      (s: Pair) => ({ u: s.u.mul(2).sub(a), v: s.v.sub(s.u.mul(a)) }),
      { u: arr(0), v: arr(0) },
      () => [{ u: a.mul(0.5), v: a.mul(a).mul(0.5) }, arr(17, "int32")],
      // The system's matrix is [[2, 0], [-a, 1]]: g of the first unknown alone gives what to subtract.
      (g, y) => {
        const u = (y as Pair).u.mul(0.5);
        const rest = g({ u, v: np.zerosLike(u) } as never) as unknown as Pair;
        return { u, v: (y as Pair).v.sub(rest.v) };
      },
      { hasAux: true },
    ) as unknown as [Pair, NDArray];
  const [root, steps] = solve(arr(3));
  assertEquals(plain([root, steps]), [{ u: 1.5, v: 4.5 }, 17]);
  assertClose(jacfwd((a: NDArray) => solve(a)[0])(arr(3)), { u: 0.5, v: 3 });
  assertClose(jacrev((a: NDArray) => solve(a)[0])(arr(3)), { u: 0.5, v: 3 });
});

Deno.test("customRoot(): tangentSolve may use values from outside, traced and differentiated ones too", () => {
  // z a = 6, so that dz/da = -6 / a^2; the system's slope a is known from outside.
  const root = (a: NDArray): NDArray =>
    customRoot((z: NDArray) => z.mul(a).sub(6), arr(0), () => arr(6).div(a), (_, y) => y.div(a));
  for (const wrap of [(f: typeof root) => f, (f: typeof root) => jit(f)]) {
    assertClose(grad(wrap(root))(arr(2)), -1.5);
    assertClose(wrap(grad(root))(arr(2)), -1.5);
    assertClose(jvp(wrap(root), [arr(2)], [arr(1)]), [3, -1.5]);
    assertClose(wrap(vmap(grad(root)))(arr([1, 2, 4])), [-6, -1.5, -0.375]);
  }
});

Deno.test("customRoot(): unknowns that are integers neither move nor disturb the others", () => {
  type Root = { z: NDArray; n: NDArray };
  const root = (a: NDArray): Root =>
    customRoot(
      ({ z, n }: Root) => ({ z: z.sub(a.mul(a)), n: n.sub(4) }),
      { z: arr(0), n: arr(0, "int32") },
      () => ({ z: a.mul(a), n: arr(4, "int32") }),
      (_, y) => y,
    ) as Root;
  assertEquals(plain(root(arr(3))), { z: 9, n: 4 });
  assertClose(grad((a: NDArray) => root(a).z)(arr(3)), 6);
});

Deno.test("customLinearSolve(): a loop in matvec is no obstacle but to reverse mode", () => {
  // Doubles until 8 is reached: x -> 8 x.
  const eightfold = (x: NDArray): NDArray =>
    whileLoop(
      ([n]: [NDArray, NDArray]) => n.less(8),
      ([n, x]: [NDArray, NDArray]) => [n.mul(2), x.mul(2)] as [NDArray, NDArray],
      [arr(1), x] as [NDArray, NDArray],
    )[1];
  const eighth = (_: unknown, b: NDArray): NDArray => b.div(8);
  const solve = (b: NDArray): NDArray =>
    customLinearSolve(eightfold, b, eighth, { transposeSolve: eighth });
  assertClose(solve(arr([8, 16])), [1, 2]);
  assertClose(jvp(solve, [arr([8, 16])], [arr([1, 0])])[1], [0.125, 0]);
  assertThrows(
    () => grad((b: NDArray) => solve(b).sum())(arr([8, 16])),
    DifferentiationError,
    "whileLoop",
  );
});

const A = arr([[4, 1, 0], [2, 5, 1], [0, -1, 3]]);
const direct = (M: NDArray) => (_: unknown, b: NDArray): NDArray => linalg.solve(M, b);

function solveBy(M: NDArray, b: NDArray): NDArray {
  return customLinearSolve((x: NDArray) => np.matmul(M, x), b, direct(M), {
    transposeSolve: direct(M.T),
  });
}

Deno.test("customLinearSolve(): gradients in matrix and right-hand side, of a system that is not symmetric", () => {
  const b = arr([1, 2, -1]);
  const w = arr([1, -2, 3]);
  const ours = (M: NDArray, b: NDArray): NDArray => solveBy(M, b).mul(w).sum();
  const theirs = (M: NDArray, b: NDArray): NDArray => linalg.solve(M, b).mul(w).sum();
  const both = { argnums: [0, 1] };
  assertClose(ours(A, b), theirs(A, b));
  assertClose(grad(ours, both)(A, b), grad(theirs, both)(A, b));
  assertClose(jacfwd(ours, both)(A, b), grad(theirs, both)(A, b));
  assertClose(hessian(ours)(A, b), hessian(theirs)(A, b));
  assertClose(jvp(ours, [A, b], [A, w])[1], jvp(theirs, [A, b], [A, w])[1]);
  const bs = arr([[1, 2, -1], [0, 1, 0]]);
  assertClose(
    vmap(grad(ours, both), { inAxes: [null, 0] })(A, bs),
    vmap(grad(theirs, both), { inAxes: [null, 0] })(A, bs),
  );
  assertClose(
    vmap(solveBy)(np.stack([A, A.mul(2)]), bs),
    vmap(linalg.solve)(np.stack([A, A.mul(2)]), bs),
  );
  for (const backend of backends) {
    assertClose(jit(grad(ours, both), backend)(A, b), grad(theirs, both)(A, b));
    assertClose(grad(jit(ours, backend), both)(A, b), grad(theirs, both)(A, b));
  }
});

Deno.test("customLinearSolve(): an iterative solver, with a symmetric system and no transpose", () => {
  const S = arr([[4, 1], [1, 3]]);
  const conjugateGradients = (matvec: (x: NDArray) => NDArray, b: NDArray): NDArray => {
    type State = { x: NDArray; r: NDArray; p: NDArray };
    const out = whileLoop(
      ({ r }: State) => r.square().sum().greater(1e-28),
      ({ x, r, p }: State): State => {
        const Ap = matvec(p);
        const alpha = r.square().sum().div(p.mul(Ap).sum());
        const next = r.sub(Ap.mul(alpha));
        const beta = next.square().sum().div(r.square().sum());
        return { x: x.add(p.mul(alpha)), r: next, p: next.add(p.mul(beta)) };
      },
      { x: np.zerosLike(b), r: b, p: b },
    );
    return out.x;
  };
  const f = (S: NDArray, b: NDArray): NDArray =>
    customLinearSolve((x: NDArray) => np.matmul(S, x), b, conjugateGradients as never, {
      symmetric: true,
    }).square().sum();
  const want = (S: NDArray, b: NDArray): NDArray => linalg.solve(S, b).square().sum();
  const b = arr([1, 2]);
  const both = { argnums: [0, 1] };
  assertClose(f(S, b), want(S, b));
  assertClose(grad(f, both)(S, b), grad(want, both)(S, b));
  assertClose(jit(grad(f, both))(S, b), grad(want, both)(S, b));
});

Deno.test("customLinearSolve() without transposeSolve: forward mode alone, and reverse says why", () => {
  const f = (b: NDArray): NDArray =>
    customLinearSolve((x: NDArray) => np.matmul(A, x), b, direct(A)).sum();
  assertClose(jvp(f, [arr([1, 2, 3])], [arr([1, 0, 0])])[1], linalg.inv(A).sum(0).at(0));
  assertThrows(() => grad(f)(arr([1, 2, 3])), DifferentiationError, "transposeSolve");
});

Deno.test("customLinearSolve(): what a solver says comes out beside, under all transforms, without a derivative", () => {
  const say = (M: NDArray) => (_: unknown, b: NDArray) =>
    [linalg.solve(M, b), { largest: b.abs().max(), places: np.argsort(b) }] as const;
  const solve = (M: NDArray, b: NDArray) =>
    customLinearSolve((x: NDArray) => np.matmul(M, x), b, say(M), {
      transposeSolve: say(M.T),
      hasAux: true,
    });
  const b = arr([1, 2, -4]);
  const [x, said] = solve(A, b);
  assertClose(x, linalg.solve(A, b));
  assertEquals([said.largest.item(), said.places.toArray()], [4, [2, 0, 1]]);
  const loss = (M: NDArray, b: NDArray): NDArray => {
    const [x, said] = solve(M, b);
    return x.square().sum().mul(said.largest);
  };
  const want = (M: NDArray, b: NDArray): NDArray => linalg.solve(M, b).square().sum().mul(4);
  const both = { argnums: [0, 1] };
  for (
    const wrap of [
      (f: typeof loss) => f,
      ...backends.map((o) => (f: typeof loss) => jit(f, o)),
    ]
  ) {
    assertClose(wrap(loss)(A, b), want(A, b));
    assertClose(grad(wrap(loss), both)(A, b), grad(want, both)(A, b));
    assertClose(jacfwd(wrap(loss), both)(A, b), grad(want, both)(A, b));
  }
  assertClose(hessian(loss)(A, b), hessian(want)(A, b));
  const bs = np.stack([b, b.mul(-2)]);
  const [xs, all] = vmap(solve, { inAxes: [null, 0] })(A, bs);
  assertClose(xs, vmap(linalg.solve, { inAxes: [null, 0] })(A, bs));
  assertEquals([all.largest.toArray(), all.places.toArray()], [[4, 8], [[2, 0, 1], [1, 0, 2]]]);
  const bare = customLinearSolve as unknown as (...args: unknown[]) => unknown;
  assertThrows(
    () => bare((x: NDArray) => x, b, (_: unknown, b: NDArray) => b, { hasAux: true }),
    TreeError,
    "customLinearSolve: solve must return [result, aux]",
  );
});

Deno.test("makeJaxpr() shows custom functions as one equation", () => {
  const text = String(makeJaxpr((x: NDArray) => marked(x).mul(2))(arr(1)));
  assert(/= custom_jvp\[/.test(text) && /name=/.test(text), text);
});
