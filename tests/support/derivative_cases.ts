/**
 * The functions of the cases in `reference/derivatives.json`, written as their formulas there say,
 * and the derivatives that were recorded of them.
 *
 * Owns the formulas. Comparing with what JAX gave is left to `transforms/derivatives_test.ts`.
 *
 * @module
 */
import { rem } from "../../lib/primitives/elementwise/arithmetic.ts";
import { pad } from "../../lib/primitives/slicing/slice.ts";
import {
  associativeScan,
  cond,
  foriLoop,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linalg,
  type NDArray,
  nn,
  numpy as np,
  scan,
  switchCase,
  valueAndGrad,
  vjp,
  vmap,
  whileLoop,
} from "../../mod.ts";

/** The arrays of a case by name. */
export type Named = Readonly<Record<string, NDArray>>;
/** From a case's inputs to its outputs. */
export type Formula = (inputs: Named) => Named;

type Unary = (x: NDArray) => NDArray;
type Binary = (x: NDArray, y: NDArray) => NDArray;

const el = (f: Unary): Unary => vmap(grad(f)) as Unary;
const tree = (g: unknown): NDArray[] => g as NDArray[];

/** Value and gradient of a function of `x`. */
const one = (f: (x: NDArray, inputs: Named) => NDArray): Formula => (inputs) => {
  const [value, g] = valueAndGrad((x: NDArray) => f(x, inputs))(inputs.x!);
  return { value, grad: g };
};

/** Value and gradients of a function of several inputs, by their names. */
const several = (names: readonly string[], f: (inputs: Named) => NDArray): Formula => (inputs) => {
  const chosen = Object.fromEntries(names.map((n) => [n, inputs[n]!]));
  const [value, g] = valueAndGrad((own: Named) => f({ ...inputs, ...own }))(chosen);
  return { value, ...Object.fromEntries(names.map((n) => [`grad_${n}`, g[n]])) };
};

/** Elementwise value and gradients of a function of `a` and `b`. */
const pairwise = (f: Binary, first = "a", second = "b"): Formula => (inputs) => {
  const [a, b] = [inputs[first]!, inputs[second]!];
  const [da, db] = tree(vmap(grad(f, { argnums: [0, 1] }))(a, b));
  return { value: f(a, b), [`grad_${first}`]: da!, [`grad_${second}`]: db! };
};

const weighted = (f: Unary): Formula => one((x, { w }) => f(x).mul(w!).sum());

const withHessian = (f: Unary): Formula => (inputs) => ({
  ...one(f)(inputs),
  hess: hessian(f)(inputs.x!),
});
const logsumexp: Unary = (x) => nn.logsumexp(x);

const dense = (W: NDArray, b: NDArray, x: NDArray): NDArray =>
  np.tanh(np.matmul(W, x).add(b)).square().sum();

const mlp = ({ W1, b1, W2, b2, X, y }: Named): NDArray => {
  const h = nn.relu(np.matmul(X!, W1!).add(b1!));
  const logp = nn.logSoftmax(np.matmul(h, W2!).add(b2!));
  return np.takeAlongAxis(logp, np.expandDims(y!, 1), 1).mean().neg();
};

const rnn = (W: NDArray, U: NDArray, h0: NDArray, xs: NDArray): [NDArray, [NDArray, NDArray]] => {
  const [hT, hs] = scan(
    (h: NDArray, x: NDArray) => {
      const next = np.tanh(np.matmul(W, h).add(np.matmul(U, x)));
      return [next, next] as const;
    },
    h0,
    xs,
  );
  return [hs.square().sum().add(hT.sum()), [hT, hs]];
};

const backwards = (c0: NDArray, xs: NDArray): NDArray => {
  const [c, ys] = scan(
    (c: NDArray, x: NDArray) => {
      const next = np.sin(c).mul(x).add(c);
      return [next, next.mul(x)] as const;
    },
    c0,
    xs,
    { reverse: true },
  );
  return c.mul(ys.sum());
};

const newton = (a: NDArray): [NDArray, NDArray] => {
  type State = [NDArray, NDArray];
  const out = whileLoop(
    ([x]: State) => x.mul(x).sub(a).abs().greater(a.mul(1e-9)),
    ([x, n]: State): State => [x.add(a.div(x)).mul(0.5), n.add(1)],
    [a, np.zeros([], { dtype: "int32" })] as State,
  );
  return out as State;
};

const newtonCase = (f: (a: NDArray) => [NDArray, NDArray]): Formula => ({ a }) => {
  const [value, iterations] = f(a!);
  const [, tangent] = jvp((a: NDArray) => f(a)[0], [a!], [np.onesLike(a!)]);
  return { value, iterations, tangent };
};

const fori = (x: NDArray): NDArray =>
  foriLoop(0, 4, (i, v) => v.mul(np.cos(v)).add(i.astype("float64").mul(x)), x);

const choice = (x: NDArray, y: NDArray): NDArray =>
  cond(
    x.greater(0),
    (x: NDArray, y: NDArray) => np.sin(x).mul(y),
    (x: NDArray, y: NDArray) => x.square().mul(np.exp(y)),
    x,
    y,
  );
const chosen = several(["x", "y"], ({ x, y }) => choice(x!, y!));

const threeWays = (i: NDArray, x: NDArray): NDArray =>
  switchCase(i, [(x: NDArray) => x.square(), np.exp, (x: NDArray) => x.mul(-3)], x);

const r3r2 = (x: NDArray): NDArray => {
  const [a, b, c] = [x.at(0), x.at(1), x.at(2)];
  return np.stack([a.mul(b).add(np.sin(c)), np.exp(a).mul(c.square()).sub(b)]);
};
const rosenbrock = (x: NDArray): NDArray => {
  const n = x.shape[0]!;
  const [head, tail] = [x.slice([0], [n - 1]), x.slice([1], [n])];
  return tail.sub(head.square()).square().mul(100).add(head.mul(-1).add(1).square()).sum();
};
const rowsAndSines = (A: NDArray): NDArray =>
  np.stack([A.at(0).mul(A.at(1)).sum(), np.sin(A).sum()]);

/** Derivatives of a function at a scalar, of orders 0 to `n`. */
const orders = (f: Unary, n: number): Formula => ({ x }) => {
  const out: Record<string, NDArray> = {};
  let d = f;
  for (let k = 0; k <= n; k++) {
    out[`d${k}`] = d(x!);
    d = grad(d) as Unary;
  }
  return out;
};

const integerPower = (n: number): Formula => ({ x }) => {
  const f: Unary = (x) => np.pow(x, n);
  return { value: f(x!), d1: el(f)(x!), d2: el(grad(f) as Unary)(x!) };
};

const perExample = (w: NDArray, b: NDArray, x: NDArray, y: NDArray): NDArray =>
  np.tanh(np.dot(w, x).add(b)).sub(y).square();
const rows = { inAxes: [null, null, 0, 0] };

/** `take` with 0 for what is out of range, where the library fills with NaN. */
const takeOrZero = (x: NDArray, i: NDArray): NDArray => {
  const found = np.take(x, i);
  return np.where(np.isNaN(found), 0, found);
};
const unsafe: Unary = (x) => np.where(x.greater(0), np.sqrt(x), 0);
const safe: Unary = (x) => np.where(x.greater(0), np.sqrt(np.where(x.greater(0), x, 1)), 0);
const prefixes = (f: Binary, reverse = false): Unary => (x) => associativeScan(f, x, { reverse });
const slope = (f: Unary): Formula => ({ x }) => ({ grad: el(f)(x!) });
const both = (f: Unary): Formula => ({ x }) => ({ value: f(x!), grad: el(f)(x!) });

const dynamicSlice = one((x, { w, start }) =>
  np.dynamicSlice(x, [start!], [3]).square().mul(w!).sum()
);
const dynamicUpdate = several(
  ["x", "u"],
  ({ x, u, start, w }) => np.dynamicUpdateSlice(x!, u!, [start!]).square().mul(w!).sum(),
);

/** The formula of each case. */
export const formulas: Readonly<Record<string, Formula>> = {
  dense: (c) => {
    const { W, b, x, tW, tb, tx } = c;
    const [value, g] = valueAndGrad(dense, { argnums: [0, 1, 2] })(W!, b!, x!);
    const inX = grad(dense, { argnums: 2 });
    return {
      value,
      grad_W: g[0],
      grad_b: g[1],
      grad_x: g[2],
      jvp: jvp(dense, [W!, b!, x!], [tW!, tb!, tx!])[1],
      hess_x: hessian(dense, { argnums: 2 })(W!, b!, x!),
      hvp_x: jvp((x: NDArray) => inX(W!, b!, x), [x!], [tx!])[1],
      jac_W_of_grad_x: jacrev(inX, { argnums: 0 })(W!, b!, x!),
    };
  },
  mlp_cross_entropy: several(["W1", "b1", "W2", "b2"], mlp),
  logsumexp: (c) => ({
    ...withHessian(logsumexp)(c),
    third: jacfwd(hessian(logsumexp))(c.x!),
  }),
  logsumexp_neg_inf: one(logsumexp),
  logsumexp_large: withHessian(logsumexp),
  softmax_jacobian: ({ x }) => ({
    value: nn.softmax(x!),
    J: jacrev((x: NDArray) => nn.softmax(x))(x!),
    logJ: jacfwd((x: NDArray) => nn.logSoftmax(x))(x!),
  }),
  scan_rnn: ({ W, U, h0, xs, tW }) => {
    const options = { argnums: [0, 1, 2, 3], hasAux: true } as const;
    const [[value, [hT, hs]], g] = valueAndGrad(rnn, options)(W!, U!, h0!, xs!);
    const f = (W: NDArray, h0: NDArray): NDArray => rnn(W, U!, h0, xs!)[0];
    const inW = (W: NDArray): NDArray => grad((W: NDArray) => f(W, h0!))(W);
    return {
      value,
      hT,
      hs,
      grad_W: g[0],
      grad_U: g[1],
      grad_h0: g[2],
      grad_xs: g[3],
      jvp_W: jvp((W: NDArray) => f(W, h0!), [W!], [tW!])[1],
      hvp_W: jvp(inW, [W!], [tW!])[1],
      hess_h0: hessian((h: NDArray) => f(W!, h))(h0!),
    };
  },
  scan_reverse: several(["c0", "xs"], ({ c0, xs }) => backwards(c0!, xs!)),
  while_newton_sqrt: newtonCase(newton),
  while_newton_sqrt_vmap: newtonCase((a) => vmap(newton)(a)),
  fori_loop: ({ x }) => ({
    value: fori(x!),
    grad: grad(fori)(x!),
    second: grad(grad(fori))(x!),
  }),
  cond_true: chosen,
  cond_false: chosen,
  cond_zero: chosen,
  cond_vmap: ({ x, y }) => {
    const [gx, gy] = tree(vmap(grad(choice, { argnums: [0, 1] }))(x!, y!));
    return { value: vmap(choice)(x!, y!), grad_x: gx!, grad_y: gy! };
  },
  switch: ({ i, x }) => ({
    value: vmap(threeWays, { inAxes: [0, null] })(i!, x!),
    grad: vmap(grad(threeWays, { argnums: 1 }), { inAxes: [0, null] })(i!, x!),
  }),
  max: one((x) => x.max()),
  max_ties: one((x) => x.max()),
  max_axis1_ties: one((x, { w }) => x.max(1).mul(w!).sum()),
  min: one((x) => x.min()),
  min_ties: one((x) => x.min()),
  maximum_ties: several(["a", "b"], ({ a, b }) => np.maximum(a!, b!).sum()),
  minimum_ties: several(["a", "b"], ({ a, b }) => np.minimum(a!, b!).sum()),
  clip_at_bounds: one((x) => np.clip(x, -1, 1).sum()),
  sort: weighted((x) => np.sort(x)),
  sort_ties: weighted((x) => np.sort(x)),
  cumsum: weighted((x) => np.cumsum(x)),
  cumsum_reverse: weighted((x) => np.cumsum(x, 0, { reverse: true })),
  cumprod: weighted((x) => np.cumprod(x)),
  cumprod_reverse: weighted((x) => np.cumprod(x, 0, { reverse: true })),
  cumprod_zero: weighted((x) => np.cumprod(x)),
  cummax: weighted(prefixes(np.maximum)),
  cummax_reverse: weighted(prefixes(np.maximum, true)),
  cumlogsumexp: weighted(prefixes(np.logaddexp)),
  cumlogsumexp_reverse: weighted(prefixes(np.logaddexp, true)),
  prod: withHessian((x) => x.prod()),
  prod_one_zero: withHessian((x) => x.prod()),
  prod_two_zeros: withHessian((x) => x.prod()),
  var: ({ x }) => ({
    var: np.variance(x!),
    std: np.std(x!),
    grad_var: grad((x: NDArray) => np.variance(x))(x!),
    grad_std: grad((x: NDArray) => np.std(x))(x!),
    hess_var: hessian((x: NDArray) => np.variance(x))(x!),
  }),
  std_constant: one((x) => np.std(x)),
  norm: one((x) => linalg.norm(x)),
  norm_zero: one((x) => linalg.norm(x)),
  jacobian_r3_r2: ({ x, t, ct }) => ({
    value: r3r2(x!),
    jacfwd: jacfwd(r3r2)(x!),
    jacrev: jacrev(r3r2)(x!),
    hess: hessian(r3r2)(x!),
    jvp: jvp(r3r2, [x!], [t!])[1],
    vjp: vjp(r3r2, [x!])[1](ct!)[0],
  }),
  jacobian_matrix_input: ({ A }) => ({
    value: rowsAndSines(A!),
    J: jacrev(rowsAndSines)(A!),
    J_fwd: jacfwd(rowsAndSines)(A!),
    hess: hessian(rowsAndSines)(A!),
  }),
  jacobian_matrix_output: ({ x }) => {
    const f: Unary = (x) => np.outer(x, np.sin(x));
    return { value: f(x!), J: jacfwd(f)(x!) };
  },
  rosenbrock_2: withHessian(rosenbrock),
  rosenbrock_4: withHessian(rosenbrock),
  sin_exp_orders: orders((x) => np.sin(x).mul(np.exp(x)), 5),
  tanh_orders: orders(np.tanh, 4),
  perturbation_confusion: ({ x }) => {
    const inner = (x: NDArray) => (y: NDArray): NDArray => x.add(y.mul(y).mul(x));
    const at = np.array(1.5, { dtype: "float64" });
    const one = np.array(1, { dtype: "float64" });
    const f: Unary = (x) => x.mul(grad(inner(x))(at));
    const g: Unary = (x) => x.mul(jvp(inner(x), [at], [one])[1]);
    return { value: f(x!), grad: grad(f)(x!), jvp: jvp(g, [x!], [one])[1] };
  },
  jvp_of_grad_mixed: ({ x, y }) => {
    const f: Binary = (x, y) => np.pow(x, 3).mul(y.square()).add(np.sin(x.mul(y)));
    const [inX, inY] = [grad(f, { argnums: 0 }) as Binary, grad(f, { argnums: 1 }) as Binary];
    return {
      value: f(x!, y!),
      dxdy: grad(inX, { argnums: 1 })(x!, y!),
      dydx: grad(inY, { argnums: 0 })(x!, y!),
    };
  },
  pow: pairwise((x, y) => np.pow(x, y), "x", "y"),
  ...Object.fromEntries([0, 1, 2, 3, -1, -2].map((n) => [`integer_pow_${n}`, integerPower(n)])),
  linalg_solve: (c) => {
    const { A, b, w, tA, tb } = c;
    const f: Binary = (A, b) => linalg.solve(A, b).mul(w!).sum();
    return {
      ...several(["A", "b"], ({ A, b }) => f(A!, b!))(c),
      solution: linalg.solve(A!, b!),
      jvp: jvp(linalg.solve, [A!, b!], [tA!, tb!])[1],
      hess_A: hessian(f)(A!, b!),
    };
  },
  linalg_solve_matrix: several(["A", "B"], ({ A, B, w }) => linalg.solve(A!, B!).mul(w!).sum()),
  linalg_inv: several(["A"], ({ A, w }) => linalg.inv(A!).mul(w!).sum()),
  linalg_logdet: ({ A }) => ({
    ...several(["A"], ({ A }) => linalg.slogdet(A!).logabsdet)({ A: A! }),
    det: linalg.det(A!),
    grad_det: grad(linalg.det)(A!),
  }),
  dynamic_slice: dynamicSlice,
  dynamic_slice_clamped_high: dynamicSlice,
  dynamic_slice_negative: dynamicSlice,
  dynamic_update_slice: dynamicUpdate,
  dynamic_update_slice_clamped_high: dynamicUpdate,
  dynamic_update_slice_negative: dynamicUpdate,
  gather_clip: one((x, { indices, w }) =>
    np.take(x, indices!, null, { mode: "clip" }).mul(w!).sum()
  ),
  gather_fill: one((x, { indices, w }) => takeOrZero(x, indices!).mul(w!).sum()),
  scatter_add: several(
    ["x", "v"],
    ({ x, v, indices, w }) => np.addAt(x!, indices!, v!).square().mul(w!).sum(),
  ),
  scatter_set: several(
    ["x", "v"],
    ({ x, v, indices, w }) => np.setAt(x!, indices!, v!).square().mul(w!).sum(),
  ),
  pad: several(
    ["x", "c"],
    ({ x, c }) => pad(x!, c!, [-1], [2], [1]).mul(np.arange(1, 11)).sum(),
  ),
  reshape_transpose_rev: one((x) =>
    np.flip(x.reshape([2, 3]).T, 0).square().mul(np.arange(6).reshape([3, 2])).sum()
  ),
  concatenate: several(
    ["a", "b"],
    ({ a, b, w }) => np.concatenate([a!, b!, a!]).square().mul(w!).sum(),
  ),
  broadcast: several(["a", "b"], ({ a, b }) => np.sin(a!.mul(b!).add(a!)).sum()),
  batched_matmul: several(["a", "b"], ({ a, b }) => np.sin(np.matmul(a!, b!)).sum()),
  abs_edges: slope(np.abs),
  sign_floor_round_edges: ({ x }) => ({
    sign: el(np.sign)(x!),
    floor: el(np.floor)(x!),
    round: el((x) => np.round(x))(x!),
  }),
  relu_edges: ({ x }) => ({ relu: el(nn.relu)(x!), maximum: el((x) => np.maximum(x, 0))(x!) }),
  sqrt_edges: both(np.sqrt),
  log_edges: both(np.log),
  where_sqrt: ({ x }) => ({
    unsafe: unsafe(x!),
    safe: safe(x!),
    grad_unsafe: el(unsafe)(x!),
    grad_safe: el(safe)(x!),
  }),
  atan2: pairwise(np.atan2),
  rem_mod: (c) => {
    const [remOf, modOf] = [pairwise(rem)(c), pairwise((a, b) => np.mod(a, b))(c)];
    return {
      rem: remOf.value!,
      rem_grad_a: remOf.grad_a!,
      rem_grad_b: remOf.grad_b!,
      mod: modOf.value!,
      mod_grad_a: modOf.grad_a!,
      mod_grad_b: modOf.grad_b!,
    };
  },
  stop_gradient: one((x) => x.square().add(np.stopGradient(np.sin(x)).mul(x))),
  logaddexp: pairwise(np.logaddexp),
  softplus: ({ x }) => ({
    value: nn.softplus(x!),
    grad: el(nn.softplus)(x!),
    second: el(grad(nn.softplus) as Unary)(x!),
  }),
  per_example_grad: ({ w, b, X, Y }) => {
    const args = [w!, b!, X!, Y!] as const;
    const [gw, gb] = tree(vmap(grad(perExample, { argnums: [0, 1] }), rows)(...args));
    return {
      value: vmap(perExample, rows)(...args),
      grad_w: gw!,
      grad_b: gb!,
      hess_w: vmap(hessian(perExample), rows)(...args),
    };
  },
  grad_through_vmap: ({ w, b, X, Y }) => ({
    grad_w: grad((w: NDArray) => vmap(perExample, rows)(w, b!, X!, Y!).sum())(w!),
  }),
};

/** Cases that are not written here, and why. */
export const notExpressible: Readonly<Record<string, string>> = {
  linalg_cholesky: "there is no Cholesky factorisation",
};
