/**
 * Derivatives of what the user namespaces compose from primitives, against values recorded from JAX in
 * float64: sums of exponentials at infinities, kinks, indexing, powers, norms.
 */
import type { NDArray } from "../../lib/core/array.ts";
import { linalg, nn, numpy as np, special } from "../../lib/api/mod.ts";
import { grad, hessian, jacfwd, jacrev, jvp } from "../../lib/transforms/autodiff.ts";
import { vmap } from "../../lib/transforms/vmap.ts";
import recorded from "../reference/derivatives.json" with { type: "json" };
import { assertRecorded, load, type Recorded } from "./recorded.ts";

type F = (...args: NDArray[]) => NDArray;
type Arrays = Readonly<Record<string, NDArray>>;

interface Case {
  readonly inputs: Readonly<Record<string, Recorded>>;
  readonly outputs: Readonly<Record<string, Recorded>>;
}

const cases = recorded.cases as unknown as Readonly<Record<string, Case>>;

const d = (f: F, argnums = 0): F => grad(f as never, { argnums }) as unknown as F;
const hess = (f: F): F => hessian(f as never) as unknown as F;
const each = (f: F): F => vmap(f as never) as unknown as F;
/** The derivative of an elementwise function. */
const slope = (f: F): F => each(d(f));

/** Compares all outputs of a case that are computed here. */
function check(name: string, compute: (x: Arrays) => Readonly<Record<string, NDArray>>): void {
  Deno.test(`derivatives: ${name} as JAX has it`, () => {
    const { inputs, outputs } = cases[name]!;
    const arrays = Object.fromEntries(Object.entries(inputs).map(([k, v]) => [k, load(v)]));
    for (const [key, value] of Object.entries(compute(arrays))) {
      const expected = outputs[key];
      if (expected === undefined) throw new Error(`${name} has no ${key}`);
      assertRecorded(`${name}.${key}`, value, expected, 64);
    }
  });
}

// ---------------------------------------------------------------- sums of exponentials

const lse: F = (x) => nn.logsumexp(x!);
check("logsumexp", ({ x }) => ({
  value: lse(x!),
  grad: d(lse)(x!),
  hess: hess(lse)(x!),
  third: (jacfwd(hess(lse) as never) as unknown as F)(x!),
}));
check("logsumexp_neg_inf", ({ x }) => ({ value: lse(x!), grad: d(lse)(x!) }));
check("logsumexp_large", ({ x }) => ({
  value: lse(x!),
  grad: d(lse)(x!),
  hess: hess(lse)(x!),
}));
check("softmax_jacobian", ({ x }) => ({
  value: nn.softmax(x!),
  J: (jacrev(nn.softmax as never) as unknown as F)(x!),
  logJ: (jacfwd(nn.logSoftmax as never) as unknown as F)(x!),
}));
check("softplus", ({ x }) => ({
  value: nn.softplus(x!),
  grad: slope(nn.softplus as F)(x!),
  second: slope(d(nn.softplus as F))(x!),
}));
check("logaddexp", ({ a, b }) => ({
  value: np.logaddexp(a!, b!),
  grad_a: each(d(np.logaddexp as F, 0))(a!, b!),
  grad_b: each(d(np.logaddexp as F, 1))(a!, b!),
}));
check("mlp_cross_entropy", ({ W1, b1, W2, b2, X, y }) => {
  const loss: F = (W1, b1, W2, b2) => {
    const h = nn.relu(np.matmul(X!, W1!).add(b1!));
    const logp = nn.logSoftmax(np.matmul(h, W2!).add(b2!));
    return np.takeAlongAxis(logp, np.expandDims(y!, 1), 1).mean().neg();
  };
  const args = [W1!, b1!, W2!, b2!];
  return {
    value: loss(...args),
    grad_W1: d(loss, 0)(...args),
    grad_b1: d(loss, 1)(...args),
    grad_W2: d(loss, 2)(...args),
    grad_b2: d(loss, 3)(...args),
  };
});

// ---------------------------------------------------------------- kinks and powers

check("relu_edges", ({ x }) => ({
  relu: slope(nn.relu as F)(x!),
  maximum: slope((x) => x!.maximum(0))(x!),
}));
check("clip_at_bounds", ({ x }) => {
  const f: F = (x) => np.clip(x!, -1, 1).sum();
  return { value: f(x!), grad: d(f)(x!) };
});
check("rem_mod", ({ a, b }) => ({
  mod: np.mod(a!, b!),
  mod_grad_a: each(d(np.mod as F, 0))(a!, b!),
  mod_grad_b: each(d(np.mod as F, 1))(a!, b!),
}));
check("atan2", ({ a, b }) => ({
  grad_a: each(d(np.atan2 as F, 0))(a!, b!),
  grad_b: each(d(np.atan2 as F, 1))(a!, b!),
}));
// The derivative by x at 0^0 is 0 here and NaN in JAX, so grad_x is left to the primitive's tests.
check("pow", ({ x, y }) => ({
  value: np.pow(x!, y!),
  grad_y: each(d(np.pow as F, 1))(x!, y!),
}));
for (const n of [0, 1, 2, 3, -1, -2]) {
  const f: F = (x) => x!.pow(n);
  check(`integer_pow_${n}`, ({ x }) => ({
    value: f(x!),
    d1: slope(f)(x!),
    d2: slope(d(f))(x!),
  }));
}
check("where_sqrt", ({ x }) => {
  const unsafe: F = (x) => np.where(x!.greater(0), x!.sqrt(), 0);
  const safe: F = (x) => {
    const positive = x!.greater(0);
    return np.where(positive, np.where(positive, x!, 1).sqrt(), 0);
  };
  return {
    unsafe: unsafe(x!),
    grad_unsafe: slope(unsafe)(x!),
    safe: safe(x!),
    grad_safe: slope(safe)(x!),
  };
});
check("stop_gradient", ({ x }) => {
  const f: F = (x) => x!.square().add(np.stopGradient(x!.sin()).mul(x!));
  return { value: f(x!), grad: d(f)(x!) };
});

// ---------------------------------------------------------------- reductions

check("var", ({ x }) => {
  const variance: F = (x) => np.variance(x!);
  const std: F = (x) => np.std(x!);
  return {
    var: variance(x!),
    std: std(x!),
    grad_var: d(variance)(x!),
    grad_std: d(std)(x!),
    hess_var: hess(variance)(x!),
  };
});
check("norm", ({ x }) => ({
  value: linalg.norm(x!),
  grad: d((x) => linalg.norm(x!))(x!),
}));
check("norm_zero", ({ x }) => ({ grad: d((x) => linalg.norm(x!))(x!) }));
for (const reverse of [false, true]) {
  for (const op of ["cumsum", "cumprod"] as const) {
    check(`${op}${reverse ? "_reverse" : ""}`, ({ x, w }) => {
      const f: F = (x) => np[op](x!, 0, { reverse }).mul(w!).sum();
      return { value: f(x!), grad: d(f)(x!) };
    });
  }
}
check("cumprod_zero", ({ x, w }) => {
  const f: F = (x) => np.cumprod(x!).mul(w!).sum();
  return { value: f(x!), grad: d(f)(x!) };
});
check("max_axis1_ties", ({ x, w }) => {
  const f: F = (x) => x!.max(1).mul(w!).sum();
  return { value: f(x!), grad: d(f)(x!) };
});

// ---------------------------------------------------------------- shapes and indexing

check("rosenbrock_4", ({ x }) => {
  const f: F = (x) => {
    const head = x!.slice([0], [-1]);
    const tail = x!.slice([1], [Infinity]);
    return np.sum(tail.sub(head.square()).square().mul(100).add(np.sub(1, head).square()));
  };
  return { value: f(x!), grad: d(f)(x!), hess: hess(f)(x!) };
});
check("gather_clip", ({ x, w, indices }) => {
  const f: F = (x) => np.take(x!, indices!, null, { mode: "clip" }).mul(w!).sum();
  return { value: f(x!), grad: d(f)(x!) };
});
check("scatter_add", ({ x, v, w, indices }) => {
  const f: F = (x, v) => np.addAt(x!, indices!, v!).square().mul(w!).sum();
  return { value: f(x!, v!), grad_x: d(f, 0)(x!, v!), grad_v: d(f, 1)(x!, v!) };
});
check("scatter_set", ({ x, v, w, indices }) => {
  const f: F = (x, v) => np.setAt(x!, indices!, v!).square().mul(w!).sum();
  return { value: f(x!, v!), grad_x: d(f, 0)(x!, v!), grad_v: d(f, 1)(x!, v!) };
});
check("reshape_transpose_rev", ({ x }) => {
  const weights = np.reshape(np.arange(6, { dtype: "float64" }), [3, 2]);
  const f: F = (x) => np.flip(x!.reshape([2, 3]).T, 0).square().mul(weights).sum();
  return { value: f(x!), grad: d(f)(x!) };
});
check("concatenate", ({ a, b, w }) => {
  const f: F = (a, b) => np.concatenate([a!, b!, a!]).square().mul(w!).sum();
  return { value: f(a!, b!), grad_a: d(f, 0)(a!, b!), grad_b: d(f, 1)(a!, b!) };
});
check("sort", ({ x, w }) => {
  const f: F = (x) => np.sort(x!).mul(w!).sum();
  return { value: f(x!), grad: d(f)(x!) };
});

// ---------------------------------------------------------------- products

check("batched_matmul", ({ a, b }) => {
  const f: F = (a, b) => np.matmul(a!, b!).sin().sum();
  return { value: f(a!, b!), grad_a: d(f, 0)(a!, b!), grad_b: d(f, 1)(a!, b!) };
});
check("jacobian_matrix_output", ({ x }) => {
  const f: F = (x) => np.outer(x!, x!.sin());
  return { value: f(x!), J: (jacfwd(f as never) as unknown as F)(x!) };
});
check("linalg_solve", ({ A, b, w, tA, tb }) => {
  const f: F = (A, b) => linalg.solve(A!, b!).mul(w!).sum();
  const [, tangent] = jvp(linalg.solve as never, [A!, b!], [tA!, tb!]);
  return {
    value: f(A!, b!),
    solution: linalg.solve(A!, b!),
    grad_A: d(f, 0)(A!, b!),
    grad_b: d(f, 1)(A!, b!),
    jvp: tangent as NDArray,
    hess_A: hess(f)(A!, b!),
  };
});
check("linalg_inv", ({ A, w }) => {
  const f: F = (A) => linalg.inv(A!).mul(w!).sum();
  return { value: f(A!), grad_A: d(f)(A!) };
});
check("linalg_logdet", ({ A }) => {
  const f: F = (A) => linalg.slogdet(A!).logabsdet;
  return {
    value: f(A!),
    grad_A: d(f)(A!),
    det: linalg.det(A!),
    grad_det: d(linalg.det as F)(A!),
  };
});

// ---------------------------------------------------------------- tables

const table: Record<string, F> = {
  gelu_tanh: nn.gelu as F,
  silu: nn.silu as F,
  logistic: nn.sigmoid as F,
  reciprocal: np.reciprocal as F,
  square: np.square as F,
  erf: special.erf as F,
  erf_inv: special.erfInv as F,
  rsqrt: np.rsqrt as F,
};
for (const [name, f] of Object.entries(table)) {
  Deno.test(`derivatives: ${name} to second order as JAX has them`, () => {
    const { x, d0, d1, d2 } = recorded.unary[name as keyof typeof recorded.unary];
    const as = (data: readonly number[]): Recorded => ({
      dtype: "float64",
      shape: [data.length],
      data,
    });
    const at = load(as(x));
    assertRecorded(name, f(at), as(d0), 64);
    assertRecorded(`${name}'`, slope(f)(at), as(d1), 256);
    assertRecorded(`${name}''`, slope(d(f))(at), as(d2), 1024);
  });
}
