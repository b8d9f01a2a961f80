/**
 * Ways to supply a dictionary without passing it, where it matters when functions run and how they
 * were declared: rules that run late, methods, asynchronous functions; bad dictionaries; and several
 * systems at once.
 *
 * @module
 */
import {
  ambient,
  compose,
  Context,
  contextStack,
  grad,
  initSafe,
  jit,
  liftTransforms,
  type NDArray,
  numpy as np,
  overrideTransforms,
  pure,
  random,
  registerStatefulLibrary,
  ShapeDtype,
  StateError,
  type Transforms,
  withTransforms,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assertEquals, assertStringIncludes, assertThrows } from "../support/assert.ts";
import { assertClose, plain } from "../support/arrays.ts";

const t = hk.transforms;
const key = random.key(29);
const x = np.array([0.3, -0.2]);

type Step = (x: NDArray) => NDArray;

/** Library code whose derivative rules and solvers use transforms over what they are given. */
const libraries: Record<string, (f: Step, x: NDArray, d: Transforms) => NDArray> = {
  customVjp: (f, x, d) =>
    d.customVjp(f, (x: NDArray) => [f(x), x], (x: NDArray, ct) => d.vjp(f, [x])[1](ct))(x),
  customJvp: (f, x, d) => d.customJvp(f, ([x], [dx]) => d.jvp(f, [x], [dx]))(x),
  customRoot: (f, x, d) =>
    d.customRoot(
      (z) => z.sub(f(x)),
      x,
      (g, z) => z.sub(d.jvp(g, [z], [z])[0]),
      (g, y) => d.foriLoop(0, 1, (_, y) => g(y).mul(f(np.ones([2])).mul(0).add(1)), y),
    ),
  customLinearSolve: (f, x, d) =>
    d.customLinearSolve(
      (z) => z.mul(2),
      f(x),
      (_, b) => d.foriLoop(0, 1, (_, b) => b.add(f(b).mul(0)).div(2), b),
      { symmetric: true },
    ),
};

Deno.test("derivative rules run under the dictionary that was chosen for the function", () => {
  const choices: Record<string, (library: (d: Transforms) => NDArray) => NDArray> = {
    explicit: (library) => library(t),
    withTransforms: (library) => withTransforms(t, () => library(ambient)),
    overrideTransforms: (library) => overrideTransforms(t)(library)(ambient),
    compose: (library) => withTransforms(compose(t), () => library(ambient)),
  };
  for (const [name, library] of Object.entries(libraries)) {
    let expected: unknown;
    for (const [how, choose] of Object.entries(choices)) {
      const { init, apply } = hk.transform((x: NDArray) => {
        const layer = new hk.Linear(2);
        layer.call(x);
        return choose((d) => library((z) => np.tanh(layer.call(z)), x, d)).sum();
      });
      const params = init(key, x);
      const f = (p: typeof params, x: NDArray): NDArray => apply(p, null, x);
      const found = [
        f(params, x),
        grad(f, { argnums: [0, 1] })(params, x),
        jit(grad(f, { argnums: [0, 1] }))(params, x),
      ];
      assertClose(found, expected ??= found, 1e-6, `${name}, ${how}`);
    }
  }
});

Deno.test("a function with rules that was made before the choice runs its rules under it", () => {
  let layer: hk.Linear | undefined;
  const f = (z: NDArray): NDArray => np.tanh(layer!.call(z));
  const made = ambient.customVjp(
    f,
    (z: NDArray) => [f(z), z],
    (z: NDArray, ct) => ambient.vjp(f, [z])[1](ct),
  );
  const { init, apply } = hk.transform((x: NDArray) => {
    layer = new hk.Linear(2);
    return withTransforms(t, () => made(x)).sum();
  });
  const plainly = hk.transform((x: NDArray) => np.tanh(new hk.Linear(2).call(x)).sum());
  const params = init(key, x);
  assertClose(
    grad((x: NDArray) => apply(params, null, x))(x),
    grad((x: NDArray) => plainly.apply(params, null, x))(x),
    1e-6,
  );
});

Deno.test("overrideTransforms decorates methods", () => {
  class Net extends hk.Module {
    readonly layer = this.submodules(() => new hk.Linear(2));

    @overrideTransforms(t)
    call(x: NDArray, steps: number): NDArray {
      return ambient.foriLoop(0, steps, (_, z) => this.layer.call(z), x);
    }
  }
  const { init, apply } = hk.transform((x: NDArray) => new Net().call(x, 2));
  const params = init(key, x);
  assertEquals(Object.keys(params), ["net/~/linear"]);
  const { w } = params["net/~/linear"]!;
  assertClose(apply(params, null, x), np.matmul(np.matmul(x, w!), w!), 1e-6);
});

/** Waits until promises that nobody handles would have ended the process. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

Deno.test("asynchronous functions are errors, and what becomes of them is not", async () => {
  const later = async (x: NDArray): Promise<NDArray> => {
    const layer = new hk.Linear(2);
    await null;
    return layer.call(x);
  };
  const failing = async (): Promise<never> => {
    await null;
    throw new RangeError("later");
  };
  const model = hk.transform(later);
  assertThrows(() => model.init(key, x), StateError, "returned a promise");
  assertThrows(() => withTransforms(t, failing), StateError, "cannot span an await");
  for (const f of [jit(failing as never), pure.checkpoint(failing as never)] as (() => unknown)[]) {
    assertThrows(f, TypeError, "returned a promise");
  }
  await settle();
  // Promises of other realms and libraries are told by what they can do.
  const thenable = () => ({ then: (resolve: (x: number) => void) => resolve(1) });
  assertThrows(() => withTransforms(t, thenable), StateError, "cannot span an await");
  assertThrows(
    () => hk.transform(thenable as never).init(key),
    StateError,
    "returned a promise",
  );
  assertThrows(() => jit(thenable as never)(), TypeError, "returned a promise");
  await settle();
});

Deno.test("what is not a dictionary is refused where it is given", () => {
  const { scan: _, ...partial } = pure;
  const wrong: [unknown, string][] = [
    [undefined, "it is undefined"],
    [null, "it is null"],
    [() => pure, "it is a function"],
    [partial, "it has no function scan"],
  ];
  for (const [bad, message] of wrong) {
    const dictionary = bad as Transforms;
    const uses: Record<string, () => unknown> = {
      withTransforms: () => withTransforms(dictionary, () => 0),
      overrideTransforms: () => overrideTransforms(dictionary),
      registerStatefulLibrary: () =>
        registerStatefulLibrary({ when: () => true, transforms: dictionary }),
    };
    for (const [op, use] of Object.entries(uses)) {
      const error = assertThrows(use, TypeError, `${op}: transforms must be a dictionary`);
      assertStringIncludes(error.message, message);
    }
  }
  for (const library of [{}, undefined, { transforms: t, when: true }]) {
    assertThrows(
      () => registerStatefulLibrary(library as never),
      StateError,
      "registerStatefulLibrary: when must be a function",
    );
  }
  assertEquals(ambient.isInitializing(), false, "nothing was registered or chosen");
});

/** A second system, whose parameters are all 2. */
function twos() {
  const protocol = contextStack("Twos", { dictionary: "transforms" });
  const transforms = liftTransforms(protocol);
  const param = (name: string): NDArray => {
    const context = protocol.need("param");
    if (!context.has(name) && !context.initializing) throw new StateError(`${name} cannot be made`);
    return (context.get(name) ?? context.create(name, () => np.array(2))) as NDArray;
  };
  return { protocol, transforms, param };
}

Deno.test("composing leaves each system in its phase", () => {
  const { protocol, transforms, param } = twos();
  const both = compose(transforms, t);
  const model = hk.transform((x: NDArray) => {
    const step = (z: NDArray): NDArray => {
      const y = both.cond(true, (z) => z.mul(param("inner")), (z) => z, z);
      return new hk.Linear(2).call(y.mul(param("after inner")));
    };
    const y = both.foriLoop(0, 2, (_, z) => step(z), x);
    return y.mul(param("after"));
  });
  const first = Context.open(protocol, { initializing: true });
  const params = protocol.run(first, () => model.init(key, x));
  assertEquals(first.keys(), ["inner", "after inner", "after"]);
  assertEquals(Object.keys(params), ["linear"]);
  const entries = Object.fromEntries(first.keys().map((k) => [k, first.get(k)]));
  const out = protocol.run(Context.open(protocol, { entries }), () => model.apply(params, null, x));
  const layer = (z: NDArray): NDArray => np.matmul(z.mul(4), params.linear!.w!);
  assertClose(out, layer(layer(x)).mul(2), 1e-5);
  // One of them initialises while the other applies.
  const again = Context.open(protocol, { initializing: true });
  protocol.run(again, () => model.apply(params, null, x));
  assertEquals(again.keys(), first.keys());
  assertThrows(
    () => protocol.run(again, () => model.apply({}, null, x)),
    StateError,
    "linear/w is not among the parameters",
  );
});

Deno.test("entries of a third party's system must be arrays", () => {
  const { protocol, transforms } = twos();
  const step = (z: NDArray): NDArray => {
    protocol.need("step").set("n", 2);
    return z;
  };
  for (
    const [name, use] of Object.entries({
      vmap: () => transforms.vmap(step)(x),
      foriLoop: () => transforms.foriLoop(0, 2, (_, z) => step(z), x),
    })
  ) {
    assertThrows(
      () => protocol.run(Context.open(protocol, { entries: { n: 1 } }), use),
      StateError,
      `transforms.${name}: the state entry n holds number`,
    );
  }
});

Deno.test("initSafe covers evalShape and initialize", () => {
  for (const how of ["evalShape", "evalShape of shapes", "initialize"]) {
    const weights = new Map<string, NDArray>();
    let initializing = true;
    const theirs: Transforms = { ...pure, isInitializing: () => initializing };
    const step = (x: NDArray): NDArray => {
      if (initializing) weights.set("w", x.mul(0).add(2));
      return np.stack([x.mul(weights.get("w")!), x]);
    };
    const safe = initSafe(theirs);
    const use = (): unknown =>
      how === "initialize"
        ? safe.initialize(step, x)
        : safe.evalShape(step, how === "evalShape" ? x : new ShapeDtype([2]));
    const shape = use();
    assertEquals(plain(weights.get("w")), [2, 2], how);
    if (how !== "initialize") assertEquals(String(shape), "float32[2,2]", how);
    initializing = false;
    weights.set("w", np.array([3, 3]));
    assertEquals(String(use()), String(shape), how);
    assertClose(step(x), np.stack([x.mul(3), x]), 1e-6, how);
  }
});
