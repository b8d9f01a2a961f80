/**
 * What it costs that a transform carries the state of a module system: lifted transforms beside the pure
 * ones on the same function, a compiled model beside its purified function, and `init` of models with
 * many modules.
 *
 * @module
 */
import {
  Context,
  contextStack,
  jit,
  liftTransforms,
  makeJaxpr,
  type NDArray,
  numpy as np,
  pure,
  random,
  type Transforms,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import type { Case, Contender } from "../harness.ts";

/** What the pure side is called. */
export const PURE = "pure";

const stack = contextStack("Bench", { dictionary: "bench.transforms" });
const lifted = liftTransforms(stack);

type Step = (x: NDArray) => NDArray;

/** A function of many equations. */
const equations = (n: number): Step => (x) => {
  let y = x;
  for (let i = 0; i < n; i++) y = np.sin(y);
  return y;
};

/** Members around a function. */
const uses: Readonly<Record<string, (t: Transforms, f: Step, x: NDArray) => NDArray>> = {
  scan: (t, f, x) => t.scan((c: NDArray) => [f(c), null], x, null, { length: 2 })[0],
  foriLoop: (t, f, x) => t.foriLoop(0, 2, (_, c) => f(c), x),
  whileLoop: (t, f, x) =>
    t.whileLoop(([i]) => i.less(2), ([i, c]) => [i.add(1), f(c)], [np.array(0), x])[1]!,
  cond: (t, f, x) => t.cond(x.sum().greater(-1e9), f, (y: NDArray) => y, x),
  jit: (t, f, x) => t.jit(f, { backend: "interpreter" })(x),
  grad: (t, f, x) => t.grad((x: NDArray) => f(x).sum())(x),
  vmap: (t, f, x) => t.vmap(f)(x),
  checkpoint: (t, f, x) => t.checkpoint(f)(x),
  customVjp: (t, f, x) => t.customVjp(f, (x: NDArray) => [f(x), x], (_, ct) => [ct])(x),
  customRoot: (t, f, x) =>
    t.customRoot((z: NDArray) => f(z).sub(x), x, (g, z) => z.sub(g(z)), (_, y) => y),
};

const x = np.array([0.1, 0.2]);

/** Runs `f` over and over, in a context where `t` is the lifted dictionary. */
function repeated(t: Transforms, f: (x: NDArray) => NDArray, traced: boolean): Contender {
  const work = (): unknown => traced ? makeJaxpr(f)(x) : f(x);
  const once = t === pure
    ? work
    : () => stack.run(Context.open(stack, { entries: { unused: x } }), work);
  return {
    run(n) {
      for (let i = 0; i < n; i++) once();
    },
    check: () =>
      (t === pure ? f(x) : stack.run(Context.open(stack), () => f(x))).sum().item() as number,
  };
}

function beside(
  name: string,
  title: string,
  f: (t: Transforms) => Step,
  traced: boolean,
): Case {
  return {
    name,
    title,
    entries: [
      { library: "injax", prepare: () => repeated(lifted, f(lifted), traced) },
      { library: PURE, prepare: () => repeated(pure, f(pure), traced) },
    ],
  };
}

const sizes = [20, 200] as const;
const kinds = [["eager", false], ["traced", true]] as const;

/** Names of the cases of one kind, for the bars: those with many equations, where the body counts. */
export const besideNames = (kind: "eager" | "traced"): string[] =>
  Object.keys(uses).map((name) => `lift-${kind}-200-${name}`);

const members: readonly Case[] = sizes.flatMap((n) =>
  kinds.flatMap(([kind, traced]) =>
    Object.entries(uses).map(([name, use]) =>
      beside(
        `lift-${kind}-${n}-${name}`,
        `${name} of ${n} equations inside a context, ${kind}`,
        (t) => (x) => use(t, equations(n), x),
        traced,
      )
    )
  )
);

/** Members that nest, in turn. */
const nested = ["scan", "cond", "whileLoop", "customRoot", "jit", "customVjp"] as const;
const DEPTH = 6;

/** Names of the cases by depth. */
export const depthNames: readonly string[] = Array.from(
  { length: DEPTH },
  (_, i) => `lift-depth-${i + 1}`,
);

const depths: readonly Case[] = depthNames.map((name, i) =>
  beside(
    name,
    `${i + 1} transforms around 200 equations, traced`,
    (t) => {
      let f: Step = equations(200);
      for (let d = 0; d <= i; d++) {
        const [use, inner] = [uses[nested[d]!]!, f];
        f = (x) => use(t, inner, x);
      }
      return f;
    },
    true,
  )
);

const LAYERS = 8;
const WIDTH = 64;

const model = hk.transform((x: NDArray) => {
  let y = x;
  for (let i = 0; i < LAYERS; i++) y = np.tanh(new hk.Linear(WIDTH).call(y));
  return y;
});

type Params = ReturnType<typeof model.init>;

/** The model without modules. */
function purified(params: Params, x: NDArray): NDArray {
  let y = x;
  for (let i = 0; i < LAYERS; i++) {
    const { w, b } = params[i === 0 ? "linear" : `linear_${i}`]!;
    y = np.tanh(np.matmul(y, w!).add(b!));
  }
  return y;
}

function compiledCalls(f: (params: Params, x: NDArray) => NDArray): Contender {
  const batch = np.ones([16, WIDTH]);
  const params = model.init(random.key(0), batch);
  const compiled = jit(f);
  let last = compiled(params, batch);
  return {
    run(n) {
      for (let i = 0; i < n; i++) last = compiled(params, batch);
      last.dataSync();
    },
    check: () => last.sum().item() as number,
  };
}

const compiled: Case = {
  name: "lift-jit-apply",
  title: `jit(model.apply) of ${LAYERS} layers, per call`,
  entries: [
    { library: "injax", prepare: () => compiledCalls((p, x) => model.apply(p, null, x)) },
    { library: PURE, prepare: () => compiledCalls(purified) },
  ],
};

/** Numbers of modules, of which `init` is measured, and what those lines are called. */
export const modules = { few: 250, many: 1000, name: (n: number): string => `injax, ${n} modules` };

class Scale extends hk.Module {
  call(x: NDArray): NDArray {
    return x.mul(hk.getParameter("s", [], { init: hk.initializers.constant(1) }));
  }
}

const inits: Case = {
  name: "lift-init",
  title: "init of a model with many modules",
  entries: [modules.many, modules.few].map((count) => ({
    library: modules.name(count),
    prepare() {
      const { init } = hk.transform((x: NDArray) => {
        let y = x;
        for (let i = 0; i < count; i++) y = new Scale().call(y);
        return y;
      });
      return {
        run(n) {
          for (let i = 0; i < n; i++) init(null, x);
        },
        check: () => Object.keys(init(null, x)).length / count,
      };
    },
  })),
};

/** All cases. */
export const liftCases: readonly Case[] = [compiled, inits, ...members, ...depths];
