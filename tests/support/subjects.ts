/**
 * Functions from R^3 to R that use every kind of control flow and custom derivative, for tests that
 * put transforms together. All are smooth near the points that the tests use.
 *
 * @module
 */
import {
  associativeScan,
  checkpoint,
  cond,
  customJvp,
  customLinearSolve,
  customRoot,
  customVjp,
  foriLoop,
  grad,
  jit,
  jvp,
  linalg,
  map,
  type NDArray,
  numpy as np,
  scan,
  switchCase,
  vmap,
  whileLoop,
} from "../../mod.ts";
import { arr } from "./arrays.ts";

/** A function of one array. */
export type Fn = (x: NDArray) => NDArray;

/** Which modes can differentiate a subject. */
export type Mode = "any" | "forward" | "reverse";

/** A function and what can be done with it. */
export interface Subject {
  /** From R^3 to R. */
  readonly f: Fn;
  /** Which modes can differentiate it. */
  readonly mode: Mode;
}

const W = arr([[0.3, -0.5, 0.2], [0.7, 0.1, -0.4], [-0.2, 0.6, 0.9]]);
const inputs = arr([[0.1, 0.2, -0.3], [0.5, -0.4, 0.3], [-0.2, 0.7, 0.4], [0.6, 0.1, -0.5]]);

const trueSine = customJvp(
  (x: NDArray) => np.sin(x),
  ([x]: [NDArray], [t]: [NDArray]) => [np.sin(x), np.cos(x).mul(t)],
);
const product = customVjp(
  (x: NDArray, y: NDArray) => np.sin(x).mul(y),
  (x: NDArray, y: NDArray) => [np.sin(x).mul(y), { x, y }],
  ({ x, y }, ct: NDArray) => [np.cos(x).mul(y).mul(ct), np.sin(x).mul(ct)],
);

/** Newton's method, elementwise, with a fixed number of steps. */
function newton(f: Fn, x: NDArray): NDArray {
  return foriLoop(0, 30, (_, x) => {
    const [y, slope] = jvp(f, [x], [np.onesLike(x)]);
    return x.sub(y.div(slope));
  }, x);
}

/** The subjects by name. */
export const subjects: Readonly<Record<string, Subject>> = {
  elementwise: { mode: "any", f: (x) => np.sin(x).mul(x).mul(x.sum()).sum() },
  matmul: { mode: "any", f: (x) => np.tanh(np.matmul(W, x)).square().sum() },
  "indexing and sorting": {
    mode: "any",
    f: (x) =>
      np.sort(x).mul(np.take(x, np.array([2, 0, 0], { dtype: "int32" }))).sum().add(x.max()),
  },
  scan: {
    mode: "any",
    f: (x) => {
      const [h, ys] = scan(
        (h: NDArray, u: NDArray) => {
          const next = np.tanh(np.matmul(W, h).add(u.mul(x)));
          return [next, next.square().sum()] as const;
        },
        x,
        inputs,
      );
      return h.sum().add(ys.sum());
    },
  },
  "scan in reverse over what depends on x": {
    mode: "any",
    f: (x) => {
      const [, ys] = scan(
        (c: { a: NDArray; n: NDArray }, u: NDArray) => {
          const a = np.sin(c.a).mul(u.sum()).add(x.at(1));
          return [{ a, n: c.n.add(1) }, a.mul(c.n.astype("float64"))] as const;
        },
        { a: x.at(0), n: np.zeros([], { dtype: "int32" }) },
        inputs.mul(x),
        { reverse: true },
      );
      return ys.square().sum();
    },
  },
  foriLoop: { mode: "any", f: (x) => foriLoop(0, 3, (i, v) => np.sin(v).mul(x).add(i), x).sum() },
  map: { mode: "any", f: (x) => map((u: NDArray) => u.mul(x).sum().square(), inputs).sum() },
  cond: {
    mode: "any",
    f: (x) =>
      cond(x.at(0).greater(0), (v: NDArray) => np.exp(v).sum(), (v: NDArray) => v.mul(x).sum(), x),
  },
  switchCase: {
    mode: "any",
    f: (x) =>
      switchCase(
        np.argmax(x),
        [(v: NDArray) => v.sum(), (v: NDArray) => np.sin(v).sum(), (v: NDArray) => v.prod()],
        x.mul(2),
      ),
  },
  whileLoop: {
    mode: "forward",
    // It ends from 0 too: in a cond whose predicate differs between lanes, branches not taken run on
    // zeros in place of what they would have kept (as in JAX).
    f: (x) =>
      whileLoop(
        (v: NDArray) => v.square().sum().less(9),
        (v: NDArray) => v.mul(1.5).add(x.mul(0.1)).add(0.2),
        x,
      ).square().sum(),
  },
  checkpoint: { mode: "any", f: checkpoint((x: NDArray) => np.exp(np.sin(x)).mul(x).sum()) },
  "checkpointed steps": {
    mode: "any",
    f: (x) => foriLoop(0, 3, checkpoint((_: NDArray, v: NDArray) => np.sin(v).mul(x)), x).sum(),
  },
  "jit inside": {
    mode: "any",
    f: (x) => jit((v: NDArray) => np.sin(v).mul(x), { backend: "interpreter" })(x.mul(2)).sum(),
  },
  customJvp: { mode: "any", f: (x) => trueSine(x.mul(x)).sum() },
  customVjp: { mode: "reverse", f: (x) => product(x, x.square()).sum() },
  "custom rules in a scan": {
    mode: "any",
    f: (x) =>
      scan((c: NDArray, u: NDArray) => [trueSine(c.mul(u)).add(x), null], x, inputs)[0].sum(),
  },
  customRoot: {
    mode: "any",
    // z with z^3 + z = x^2 + W x, elementwise
    f: (x) => {
      const target = x.square().add(np.matmul(W, x));
      const z = customRoot(
        (z: NDArray) => z.mul(z).mul(z).add(z).sub(target),
        np.zerosLike(x),
        (g, z0) => newton(g as Fn, z0),
        (g, y) => y.div(g(np.onesLike(y))),
      );
      return np.sin(z).sum();
    },
  },
  customLinearSolve: {
    mode: "any",
    f: (x) => {
      const A = W.add(np.eye(3, { dtype: "float64" }).mul(x.square().sum().add(2)));
      const solve = (M: NDArray) => (_: unknown, b: NDArray) => linalg.solve(M, b);
      const z = customLinearSolve((v: NDArray) => np.matmul(A, v), x, solve(A), {
        transposeSolve: solve(A.T),
      });
      return z.mul(z).sum();
    },
  },
  associativeScan: {
    mode: "any",
    f: (x) => associativeScan((a: NDArray, b: NDArray) => a.mul(b), np.exp(x)).sum(),
  },
  "vmap inside": {
    mode: "any",
    f: (x) =>
      vmap((u: NDArray, v: NDArray) => np.sin(u).mul(x).mul(v).sum())(inputs.slice([0], [3]), x)
        .sum(),
  },
  "grad inside": {
    mode: "any",
    f: (x) => grad((v: NDArray) => np.exp(v).mul(x).sum())(x.square()).mul(x).sum(),
  },
};
