/**
 * Library functions for the laws: each uses a member of the dictionary, or a solver, on a function
 * of R^2 that it is given, and gives a function of R^2 again, so that they nest in any order.
 *
 * @module
 */
import {
  anderson,
  damped,
  fixedPoint,
  type FixedPointOptions,
  implicit,
  type NDArray,
  numpy as np,
  oneStep,
  pure,
  type Transforms,
  treeMap,
} from "../../mod.ts";

/** A function of R^2. */
export type Step = (x: NDArray) => NDArray;

/** Parameters, as pure programs have them. */
export type Params = { readonly [name: string]: NDArray };

/** A library function. */
export interface Library {
  /** What it makes of `f`. */
  readonly use: (f: Step, x: NDArray, t: Transforms) => NDArray;
  /**
   * The same where `f` depends on parameters, as a pure program: for members that take only what is
   * an argument to be differentiated. Left out where `use` says it.
   */
  readonly explicit?: (f: (p: Params) => Step, p: Params, x: NDArray) => NDArray;
  /** Modes of differentiation that it asks of `f`. */
  readonly needs?: readonly Mode[];
  /** Modes in which its result cannot be differentiated, whatever `f` is. */
  readonly lacks?: readonly Mode[];
  /** Its result can be differentiated only where `f` can be in both modes. */
  readonly implicit?: true;
}

/** A mode of differentiation. */
export type Mode = "forward" | "reverse";

const ones = (x: NDArray): NDArray => np.onesLike(x);
const loss = (f: Step) => (x: NDArray): NDArray => f(x).square().sum();
const half = (x: NDArray): NDArray => x.mul(0.5);

function solved(options: FixedPointOptions): Library {
  return {
    use: (f, x, transforms) =>
      fixedPoint((z) => half(f(z)).add(half(x)), x, {
        transforms,
        rtol: 1e-3,
        atol: 1e-3,
        ...options,
      }).value,
    implicit: true,
  };
}

/** A rule that is not the true derivative, so that using it is seen. */
const bent = (f: Step) => (x: NDArray, dx: NDArray): NDArray => f(x).mul(dx).mul(0.3);

/** Library functions by name. */
export type Table = Readonly<Record<string, Library>>;

/** Each member of the dictionary in use, and the solvers. */
export const library: Table = {
  jit: { use: (f, x, t) => t.jit(f, { backend: "interpreter" })(x) },
  grad: { use: (f, x, t) => t.grad(loss(f))(x), needs: ["reverse"] },
  valueAndGrad: {
    use: (f, x, t) => {
      const [v, g] = t.valueAndGrad(loss(f))(x);
      return g.add(v);
    },
    needs: ["reverse"],
  },
  jvp: {
    use: (f, x, t) => {
      const [y, dy] = t.jvp(f, [x], [ones(x)]);
      return y.add(dy);
    },
    needs: ["forward"],
  },
  vjp: {
    use: (f, x, t) => {
      const [y, pull] = t.vjp(f, [x]);
      return y.add(pull(y)[0]);
    },
    needs: ["reverse"],
  },
  linearize: {
    use: (f, x, t) => {
      const [y, push] = t.linearize(f, [x]);
      return y.add(push(ones(x)));
    },
    needs: ["forward"],
  },
  jacfwd: { use: (f, x, t) => t.jacfwd(f)(x).sum(0), needs: ["forward"] },
  jacrev: { use: (f, x, t) => t.jacrev(f)(x).sum(1), needs: ["reverse"] },
  hessian: {
    use: (f, x, t) => np.matmul(t.hessian(loss(f))(x), x),
    needs: ["forward", "reverse"],
  },
  vmap: { use: (f, x, t) => t.vmap(f)(np.stack([x, half(x)])).sum(0) },
  checkpoint: { use: (f, x, t) => t.checkpoint(f)(x) },
  customJvp: {
    use: (f, x, t) =>
      t.customJvp(f, ([x], [dx]) => {
        // Once: a rule that called it twice would make two of each module in it.
        const y = f(x);
        return [y, bent(() => y)(x, dx)];
      })(x),
    explicit: (f, p, x) =>
      pure.customJvp((p: Params, x: NDArray) => f(p)(x), ([p, x], [dp, dx]) => {
        const [, viaParams] = pure.jvp((p: Params) => f(p)(x), [p], [dp]);
        return [f(p)(x), bent(f(p))(x, dx).add(viaParams)];
      })(p, x),
    // For the pure program's sake; `rules_test.ts` has it around a function without.
    needs: ["forward"],
  },
  customVjp: {
    use: (f, x, t) =>
      t.customVjp(
        f,
        (x: NDArray): [NDArray, NDArray] => [f(x), x],
        (x, ct) => [bent(f)(x, ct)],
      )(x),
    explicit: (f, p, x) =>
      pure.customVjp(
        (p: Params, x: NDArray) => f(p)(x),
        (p: Params, x: NDArray): [NDArray, [Params, NDArray]] => [f(p)(x), [p, x]],
        ([p, x], ct) => [pure.vjp((p: Params) => f(p)(x), [p])[1](ct)[0], bent(f(p))(x, ct)],
      )(p, x),
    lacks: ["forward"],
  },
  customRoot: {
    // x + f(z)/2 - z has a derivative close to -1, so that z + g(z) is a good step. Solves need not
    // converge: they are compared with the same steps of a pure program.
    use: (f, x, t) =>
      t.customRoot(
        (z: NDArray) => half(f(z)).add(x).sub(z),
        x,
        (g, z0) => t.foriLoop(0, 5, (_, z) => z.add(g(z)), z0),
        (g, y) => t.foriLoop(0, 5, (_, v) => v.add(g(v)).sub(y), y.neg()),
      ),
    implicit: true,
  },
  customLinearSolve: {
    use: (f, x, t) => {
      const solve = (a: Step, b: NDArray): NDArray =>
        t.foriLoop(0, 5, (_, v) => v.add(half(b.sub(a(v)))), half(b));
      return t.customLinearSolve(
        (v: NDArray) => v.mul(2).add(half(t.linearize(f, [x])[1](v))),
        x,
        solve,
        { transposeSolve: solve },
      );
    },
    needs: ["forward", "reverse"],
    implicit: true,
  },
  scan: {
    use: (f, x, t) => {
      const xs = np.stack([x, half(x), x.neg()]);
      const [last, all] = t.scan((c: NDArray, y: NDArray) => [f(c.add(y)), c], x, xs);
      return last.add(all.sum(0));
    },
  },
  map: { use: (f, x, t) => t.map(f, np.stack([x, half(x)])).sum(0) },
  whileLoop: {
    use: (f, x, t) =>
      t.whileLoop(
        ([i, z]) => np.logicalAnd(i.less(3), f(z).sum().less(1e6)),
        ([i, z]) => [i.add(1), f(z).add(half(z))],
        [0, x],
      )[1],
    lacks: ["reverse"],
  },
  foriLoop: { use: (f, x, t) => t.foriLoop(1, 4, (i, z) => f(z).add(i.astype(z.dtype)), x) },
  cond: {
    use: (f, x, t) => t.cond(x.sum().greater(0), (x) => f(x), (x) => f(x.neg()).neg(), x),
  },
  switchCase: {
    use: (f, x, t) => t.switchCase(1, [(x) => x, (x) => f(x), (x) => f(x).neg()], x),
  },
  associativeScan: {
    use: (f, x, t) =>
      t.associativeScan(
        (a, b) => t.vmap(f)(a.add(b)),
        np.stack([x, half(x), x.neg()]),
      ).sum(0),
  },
  evalShape: {
    use: (f, x, t) => {
      const { shape, dtype } = t.evalShape(f, x);
      return f(x).add(np.ones(shape, { dtype }));
    },
  },
  initialize: {
    use: (f, x, t) => {
      t.initialize(f, x);
      return f(x);
    },
  },
  isInitializing: { use: (f, x, t) => t.isInitializing() ? f(x) : f(x) },
  "fixedPoint by anderson": solved({ solver: anderson({ memory: 2 }) }),
  "fixedPoint by damped": solved({ solver: damped() }),
  "fixedPoint, iterative adjoint": solved({
    adjoint: implicit({ linearSolver: "iterative", memory: 2, rtol: 1e-3 }),
  }),
  "fixedPoint, one step": solved({ adjoint: oneStep() }),
};

/** Library functions around a function, the first outermost. */
export function nest(
  names: readonly string[],
  f: Step,
  t: Transforms,
  from: Table = library,
): Step {
  return names.reduceRight<Step>((f, name) => (x) => from[name]!.use(f, x, t), f);
}

/** The same as a pure program of its parameters. */
export function nestExplicit(
  names: readonly string[],
  f: (p: Params) => Step,
): (p: Params) => Step {
  return names.reduceRight<(p: Params) => Step>((f, name) => {
    const { use, explicit } = library[name]!;
    return (p) => (x) => explicit === undefined ? use(f(p), x, pure) : explicit(f, p, x);
  }, f);
}

/**
 * How a nest around a function can be differentiated with respect to parameters, by how that can be;
 * `null` where it asks too much.
 */
export function modesOf(
  names: readonly string[],
  from: Table = library,
  own: readonly Mode[] = ["forward", "reverse"],
): readonly Mode[] | null {
  let modes = own;
  for (const name of names.toReversed()) {
    const { needs = [], lacks = [], implicit } = from[name]!;
    if (!needs.every((m) => modes.includes(m))) return null;
    if (implicit && modes.length < 2) modes = [];
    modes = modes.filter((m) => !lacks.includes(m));
  }
  return modes;
}

/** Derivative of the sum of a result with respect to parameters, in whatever mode there is. */
export function derivative(
  modes: readonly Mode[],
  f: (p: Params) => NDArray,
  p: Params,
): unknown {
  if (modes.includes("reverse")) return pure.grad((p: Params) => f(p).sum())(p);
  if (modes.includes("forward")) return pure.jvp(f, [p], [treeMap(ones, p)])[1];
  return null;
}
