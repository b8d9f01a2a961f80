/**
 * Derivative rules and solvers over stateful functions: rules that run late, outside of the context
 * that they were made in, and the one evaluation of a solve that leaves a trace.
 *
 * @module
 */
import {
  anderson,
  damped,
  DifferentiationError,
  fixedPoint,
  grad,
  implicit,
  jit,
  loadBackend,
  type NDArray,
  numpy as np,
  oneStep,
  pure,
  random,
  vjp,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "../support/assert.ts";
import * as toy from "./toy.ts";
import { assertClose, plain } from "../support/arrays.ts";

await loadBackend("onnx");

const t = hk.transforms;
const key = random.key(11);
const point = np.array([0.6, -0.4], { dtype: "float64" });

/** Adds one to an integer entry. */
function count(): void {
  const n = hk.getState("n", [], { init: (s) => np.zeros(s, { dtype: "int32" }) });
  hk.setState("n", n.add(1));
}

Deno.test("what vjp and linearize give may be used after apply has finished", () => {
  const layer = (x: NDArray): NDArray => np.tanh(new hk.Linear(2, { name: "layer" }).call(x));
  const { init, apply } = hk.transform((x: NDArray) => {
    const [, pull] = t.vjp(layer, [x]);
    const [, push] = t.linearize(layer, [x]);
    return [pull, push];
  });
  const bare = hk.transform((x: NDArray) => [layer(x), layer(x)]);
  const params = bare.init(key, point);
  assertEquals(Object.keys(params).length, 2);
  const own = init(key, point);
  assertEquals(Object.keys(own).length, 2);
  const [pull, push] = apply(own, null, point) as unknown as ((x: NDArray) => NDArray)[];
  const one = hk.transform(layer);
  const [, pull1] = vjp((x: NDArray) => one.apply({ layer: own.layer! }, null, x), [point]);
  assertClose((pull!(point) as unknown as NDArray[])[0], pull1(point)[0]);
  const [, push2] = pure.linearize(
    (x: NDArray) => one.apply({ layer: own.layer_1! }, null, x),
    [point],
  );
  assertClose(push!(point), push2(point));
});

Deno.test("a custom backward rule sees the forward pass's parameters, whenever it runs", () => {
  const { init, apply } = hk.transform((x: NDArray) => {
    const layer = new hk.Linear(2, { withBias: false });
    return t.customVjp(
      (x: NDArray) => layer.call(x),
      (x: NDArray): [NDArray, NDArray] => [layer.call(x), x],
      // Uses a module, and a transform over a module.
      (_, ct) => [t.scan((c: NDArray) => [layer.call(c), null], ct, null, { length: 2 })[0]],
    )(x).sum();
  });
  const x = point.astype("float32");
  const params = init(key, x);
  const w = params.linear!.w!;
  const expected = np.matmul(np.matmul(np.ones([2]), w), w);
  for (const k of [null, key]) {
    const [, pull] = vjp((x: NDArray) => apply(params, k, x), [x]);
    assertClose(pull(np.array(1))[0], expected, 1e-6, "outside of any context");
    const other = { linear: { w: w.mul(100) } };
    const late = hk.transform(() => {
      // A context with other parameters under the same names is open.
      hk.getParameter("w", [2, 2]);
      return pull(np.array(1))[0];
    });
    assertClose(late.apply({ "~": other.linear }, null), expected, 1e-6, "in another context");
    assertClose(grad(jit((x: NDArray) => apply(params, k, x)))(x), expected, 1e-6, "grad of jit");
    assertClose(jit(grad((x: NDArray) => apply(params, k, x)))(x), expected, 1e-6, "jit of grad");
    const twice = grad((x: NDArray) => grad((x: NDArray) => apply(params, k, x))(x).sum())(x);
    assertClose(twice, np.zeros([2]), 1e-6, "second order");
  }
});

Deno.test("custom rules: results differentiate through state that was read, not through writes", () => {
  const program = hk.transformWithState((a: NDArray, x: NDArray) => {
    hk.setState("s", a.mul(3));
    const f = (x: NDArray): NDArray => {
      const y = x.mul(hk.getState("s"));
      hk.setState("out", y);
      return y;
    };
    hk.getState("out", [], { init: (s) => np.zeros(s) });
    const viaVjp = t.customVjp(f, (x: NDArray) => [f(x), x], (_, ct) => [ct.mul(100)])(x);
    const viaJvp = t.customJvp(f, ([x], [dx]) => [f(x), dx.mul(100)])(x);
    return [viaVjp, viaJvp, hk.getState("out")];
  });
  const [a, x] = [np.array(2), np.array(5)];
  const [params, state] = program.init(key, a, x);
  const [outs, after] = program.apply(params, state, null, a, x);
  assertEquals([plain(outs), plain(after)], [[30, 30, 30], { "~": { out: 30, s: 6 } }]);
  const jacobian = pure.jacrev(
    (a: NDArray, x: NDArray) => program.apply(params, state, null, a, x)[0],
    { argnums: [0, 1] },
  )(a, x);
  assertEquals(plain(jacobian), [[15, 100], [15, 100], [0, 0]]);
});

Deno.test("rules nest: by parameters, functions with rules differentiate as others do", () => {
  const { init, apply } = hk.transform((x: NDArray) => {
    const layer = new hk.Linear(2);
    const inner = t.customVjp(
      (x: NDArray) => np.tanh(layer.call(x)),
      (x: NDArray): [NDArray, NDArray] => [np.tanh(layer.call(x)), x],
      (_, ct) => [ct.mul(7)],
    );
    // Forward mode, where nothing that inner depends on moves.
    const still = t.jvp((y: NDArray) => inner(np.ones([2])).add(y), [x], [x])[1];
    const outer = t.customJvp(inner, ([x], [dx]) => [inner(x), dx.mul(5)]);
    return [t.grad((x: NDArray) => outer(x).sum())(x), still, outer(x)];
  });
  const x = point.astype("float32");
  const params = init(key, x);
  const [byRule, still, out] = apply(params, null, x);
  assertEquals([plain(byRule), plain(still)], [[5, 5], plain(x)]);
  const plainly = hk.transform((x: NDArray) => np.tanh(new hk.Linear(2).call(x)));
  assertClose(out, plainly.apply(params, null, x), 1e-6);
  assertClose(
    grad((p: typeof params) => apply(p, null, x)[2]!.sum())(params),
    grad((p: typeof params) => plainly.apply(p, null, x).sum())(params),
    1e-6,
  );
});

Deno.test("a solve commits state once, as if the evaluation at the solution alone had run", () => {
  const solvers = {
    anderson: { solver: anderson() },
    damped: { solver: damped({ damping: 0.1 }) },
    iterative: { adjoint: implicit({ linearSolver: "iterative" }) },
    "no steps": { maxSteps: 0 },
  };
  for (const [name, options] of Object.entries(solvers)) {
    const { init, apply } = hk.transformWithState((a: NDArray) => {
      const { value } = fixedPoint(
        (z) => {
          count();
          const next = z.mul(a).cos();
          hk.setState("last", next);
          return next;
        },
        np.array(0.5),
        { transforms: t, ...options },
      );
      return value;
    });
    const a = np.array(0.8);
    const [params, state] = init(key, a);
    for (const compiled of [false, true]) {
      const [out, after] = (compiled ? jit(apply) : apply)(params, state, null, a);
      assertEquals(after["~"]!.n!.item(), 1, name);
      assertClose(after["~"]!.last, np.cos(out.mul(a)), 1e-6, name);
    }
    // What was committed differentiates like the solution that it was evaluated at.
    if (name === "no steps") continue;
    const d = grad((a: NDArray) => apply(params, state, null, a)[1]["~"]!.last!)(a);
    const dz = grad((a: NDArray) => apply(params, state, null, a)[0])(a);
    assertClose(d, dz, 1e-4, name);
  }
});

Deno.test("a solve differentiated by one step commits state once", () => {
  const { init, apply } = hk.transformWithState(() =>
    fixedPoint(
      (z) => {
        count();
        return z.cos();
      },
      0.5,
      { transforms: t, adjoint: oneStep() },
    ).value
  );
  const [params, state] = init(null);
  assertEquals(plain(apply(params, state, null)[1]), { "~": { n: 1 } });
});

Deno.test("customRoot(): tangentSolve may call modules, under every order of jit and grad", () => {
  // The root of z - layer(x) = 0; the tangent solver scales by a parameter and back.
  const { init, apply } = hk.transform((x: NDArray) => {
    const layer = new hk.Linear(2);
    const scale = new hk.Linear(1, { name: "scale", withBias: false });
    scale.call(np.ones([1]));
    return t.customRoot(
      (z: NDArray) => z.sub(layer.call(x)),
      np.zeros([2]),
      (f, z) => z.sub(f(z)),
      (g, y) => {
        const s = scale.call(np.ones([1]));
        return y.mul(s).mul(g(np.ones([2]))).div(s);
      },
    ).sum();
  });
  const plainly = hk.transform((x: NDArray) => new hk.Linear(2).call(x).sum());
  const x = point.astype("float32");
  const params = init(key, x);
  const { scale: _, ...own } = params;
  const expected = grad((p: typeof own) => plainly.apply(p, null, x))(own);
  const found = [
    grad((p: typeof params) => apply(p, null, x))(params),
    jit(grad((p: typeof params) => apply(p, null, x)))(params),
    grad(jit((p: typeof params) => apply(p, null, x)))(params),
  ];
  for (const { scale, ...rest } of found) {
    assertClose(rest, expected, 1e-6);
    assertEquals(plain(scale!.w), [[0]], "how the system is solved does not move the root");
  }
});

/** Adds one to an entry where `z` is positive. */
function countPositive(z: NDArray): NDArray {
  return t.cond(
    z.greater(0),
    (z) => {
      count();
      return z;
    },
    (z) => z,
    z,
  );
}

Deno.test("what the real run of a function with rules or of a root leaves alone keeps its value", () => {
  const programs: Record<string, (x: NDArray) => NDArray> = {
    customVjp: (x) => t.customVjp(countPositive, (z) => [countPositive(z), z], (_, c) => [c])(x),
    customJvp: (x) => t.customJvp(countPositive, ([z], [d]) => [countPositive(z), d])(x),
    customRoot: (x) =>
      t.customRoot((z) => countPositive(z.sub(x.mul(2))), x, (_, z) => z.add(x), (_, y) => y.neg()),
    customLinearSolve: (x) =>
      t.customLinearSolve(
        (z) => countPositive(z.sum()).mul(0).add(z),
        x,
        (_, b) => b,
        { symmetric: true },
      ),
    fixedPoint: (x) =>
      fixedPoint((z) => countPositive(z.cos().mul(0.1).add(x)), x, { transforms: t }).value,
    "scan without trips": (x) =>
      t.customVjp(
        (z: NDArray) => t.scan((c: NDArray) => [countPositive(c), null], z, null, { length: 0 })[0],
        (z: NDArray) => [z, null],
        (_, c) => [c],
      )(x),
  };
  for (const [name, f] of Object.entries(programs)) {
    for (const v of [2, -2]) {
      const { init, apply } = hk.transformWithState((x: NDArray) => {
        const y = f(x);
        // Entries are usable afterwards, in init as well.
        return y.add(hk.getState("n").mul(0));
      });
      const [params, state] = init(null, np.array(v));
      assertEquals(plain(state), { "~": { n: 0 } }, name);
      const [, after] = apply(params, state, null, np.array(v));
      const [, compiled] = jit(apply)(params, state, null, np.array(v));
      // The root of the function is where it is zero, so not positive.
      const counted = v > 0 && !["customRoot", "scan without trips"].includes(name);
      assertEquals(plain(after), { "~": { n: counted ? 1 : 0 } }, `${name} at ${v}`);
      assertEquals(plain(compiled), plain(after), `${name} at ${v}, compiled`);
    }
  }
});

Deno.test("functions with rules inside of others cost no more than others", () => {
  const depth = 8;
  type Step = (z: NDArray) => NDArray;
  const kinds: Record<string, (g: Step) => Step> = {
    none: (g) => g,
    customVjp: (g) =>
      t.customVjp(g, (z: NDArray) => [g(z), z], (z: NDArray, ct) => t.vjp(g, [z])[1](ct)),
    customJvp: (g) => t.customJvp(g, ([z], [d]) => t.jvp(g, [z], [d])),
  };
  const x = point.astype("float32");
  let expected: unknown;
  for (const [name, ruled] of Object.entries(kinds)) {
    let calls = 0;
    const { init, apply } = hk.transformWithState((x: NDArray) => {
      let f: Step = (z) => {
        calls++;
        return np.tanh(z);
      };
      for (let i = 0; i < depth; i++) {
        const inner = f;
        const layer = new hk.Linear(2);
        f = ruled((z) => {
          count();
          return np.tanh(layer.call(inner(z)));
        });
      }
      return f(x).sum();
    });
    const [params, state] = init(key, x);
    assert(calls <= depth + 1, `${name}: init called the innermost function ${calls} times`);
    calls = 0;
    const [, after] = jit(apply)(params, state, null, x);
    assertEquals([calls, plain(after)], [1, { "~": { n: depth } }], name);
    calls = 0;
    const found = grad((p: typeof params, x: NDArray) => apply(p, state, null, x)[0], {
      argnums: [0, 1],
    })(params, x);
    // Each level's rule is asked once for each level around it, and differentiates by its argument;
    // the outermost is asked twice, the first time for what it closes over.
    assert(calls <= 2 * depth * (depth + 1), `${name}: grad called it ${calls} times`);
    assertClose(found, expected ??= found, 1e-5, name);
  }
});

Deno.test("a loop that parameters cannot be differentiated through says how rules do not help", () => {
  const { init, apply } = hk.transform((x: NDArray) => {
    const layer = new hk.Linear(2);
    const settle = (z: NDArray): NDArray =>
      t.whileLoop((z) => z.sum().less(-9), (z) => layer.call(z), z);
    const inScan = (z: NDArray): NDArray =>
      t.scan((c: NDArray) => [settle(c), null], z, null, { length: 1 })[0];
    return [settle, inScan].map((f) =>
      t.customVjp(f, (z: NDArray) => [f(z), null], (_, ct) => [ct])(x).sum()
    );
  });
  const x = point.astype("float32");
  const params = init(key, x);
  for (const [i, name] of ["settle", "inScan"].entries()) {
    assertEquals(plain(grad((x: NDArray) => apply(params, null, x)[i]!)(x)), [1, 1]);
    const error = assertThrows(
      () => grad((p: typeof params) => apply(p, null, x)[i]!)(params),
      DifferentiationError,
      `The loop is in customVjp(${name}): its rules are for derivatives by its arguments`,
    );
    assertStringIncludes(error.message, "Use customRoot or fixedPoint in its place");
  }
  // A loop outside of any such function has no part in that.
  const bare = assertThrows(
    () => grad((x: NDArray) => pure.whileLoop((z) => z.less(0), (z) => z.mul(2), x))(np.array(1)),
    DifferentiationError,
  );
  assert(!bare.message.includes("rules"));
});

Deno.test("rules find the names and entries that their function found, whenever they run", () => {
  const step = (x: NDArray): NDArray => {
    const n = hk.getState("n", [], { init: (s) => np.ones(s) });
    hk.setState("n", n.mul(10));
    return new hk.Linear(2).call(x).mul(n);
  };
  const { init, apply } = hk.transformWithState((x: NDArray) =>
    hk.transforms.customVjp(
      step,
      (x: NDArray) => [step(x), x],
      (x, ct) => [step(x).mul(ct)],
    )(x)
  );
  const x = np.array([1, 2]);
  const [params, state] = init(random.key(0), x);
  assertEquals(Object.keys(params), ["linear"]);
  const f = (x: NDArray): NDArray => apply(params, state, null, x)[0].sum();
  const wanted = np.matmul(x, params.linear!.w!);
  for (const g of [grad(f), grad(jit(f, { backend: "interpreter" })), jit(grad(f))]) {
    assertClose(g(x), wanted, 1e-6);
  }
});

Deno.test("a function that is kept compiled follows what its rules alone look at", () => {
  // The rule reads an entry, whose size differs, and a flag that decides what it computes.
  const square = toy.transforms.customVjp(
    (x: NDArray) => x.square(),
    (x: NDArray) => [x.square(), x] as [NDArray, NDArray],
    (x: NDArray, ct: NDArray) => {
      const w = toy.param("w", [1]).sum();
      const context = toy.protocol.need("the rule");
      return [ct.mul(x).mul(context.names.get("flags", "twice") === true ? w.mul(2) : w)];
    },
  );
  for (const backend of ["cpu", "onnx", "interpreter"] as const) {
    const f = toy.transforms.jit((x: NDArray) => square(x), { backend });
    const slope = (w: NDArray, twice = false): unknown =>
      toy.apply({ params: { w }, stats: {} }, null, () => {
        toy.protocol.need("the test").names.set("flags", "twice", twice);
        return plain([
          f(np.array(3)),
          toy.transforms.grad((x: NDArray) => f(x))(np.array(3)),
          toy.transforms.grad(toy.transforms.grad((x: NDArray) => f(x)))(np.array(3)),
        ]);
      })[0];
    assertEquals(slope(np.array([2])), [9, 6, 2]);
    assertEquals(slope(np.array([5])), [9, 15, 5]);
    assertEquals(slope(np.array([5, 1])), [9, 18, 6]);
    assertEquals(slope(np.array([5, 1]), true), [9, 36, 12]);
    assertEquals(slope(np.array([2])), [9, 6, 2]);
  }
});
