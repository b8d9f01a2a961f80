/**
 * What a stranger can add through the published entry points alone: an elementwise operation, and an
 * operation that contains a program. Every transform knows them, alone and over each other.
 *
 * @module
 */
import {
  checkpoint,
  debug,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  loadBackend,
  makeJaxpr,
  type NDArray,
  numpy as np,
  scan,
  vmap,
} from "../mod.ts";
import {
  batchAxesInFront,
  batchJaxpr,
  bind,
  bind1,
  calls,
  definePrimitive,
  evalJaxpr,
  floats,
  type Jaxpr,
  jvpJaxpr,
  keepInputs,
  Linear,
  merge,
  notZero,
  ordinary,
  partialEvalJaxpr,
  partition,
  type Primitive,
  splitTangents,
  spread,
  stageClosed,
  transposeJaxpr,
  unary,
  usedInputs,
  withoutDead,
} from "../lib/extend.ts";
import { arr, assertClose, plain } from "./support/arrays.ts";
import { assert, assertEquals } from "./support/assert.ts";

await loadBackend("onnx");

const cubeP = unary({
  name: "test_cube",
  expr: floats((e, x) => e.mul(x, e.mul(x, x))),
  jvp: (t, x) => t.mul(x.square()).mul(3),
  lower: (g, x) => g.node("Mul", [x, g.node("Mul", [x, x])]),
});
const cube = (x: NDArray): NDArray => bind1(cubeP, [x], null);

interface Labelled {
  readonly jaxpr: Jaxpr;
  readonly label: string;
}

/** A part of a program under a label, which stays on it through all transforms. */
const labelledP: Primitive<Labelled> = definePrimitive<Labelled>({
  name: "test_labelled",
  abstractEval: (_, { jaxpr }) => jaxpr.outputs.map((a) => a.aval),
  impl: { evaluate: (args, { jaxpr }) => evalJaxpr(jaxpr, args, bind) },
  jvp(primals, tangents, params) {
    const { jaxpr, active } = jvpJaxpr(params.jaxpr, tangents.map((t) => t !== null));
    const args = [...primals, ...tangents.filter((t) => t !== null)];
    return splitTangents(bind(labelledP, args, { ...params, jaxpr }), active);
  },
  transpose(cts, inputs, params) {
    const [given, outCts] = notZero(cts);
    const linear = inputs.map((x) => x instanceof Linear);
    const { jaxpr, active } = transposeJaxpr(params.jaxpr, linear, given);
    const known = inputs.filter((x) => !(x instanceof Linear)) as NDArray[];
    return spread(active, bind(labelledP, [...known, ...outCts], { ...params, jaxpr }));
  },
  batch(args, dims, size, params) {
    const { jaxpr, batched } = batchJaxpr(params.jaxpr, size, dims.map((d) => d !== null));
    const outs = bind(labelledP, batchAxesInFront(args, dims, size), { ...params, jaxpr });
    return [outs, batched.map((b) => b ? 0 : null)];
  },
  passes: {
    ...ordinary,
    mobile: false,
    programs: calls({
      partial(context, args, params) {
        const unknown = args.map((x) => context.isUnknown(x));
        const { known, staged, unknownOut, numResiduals } = partialEvalJaxpr(params.jaxpr, unknown);
        const [knownArgs, unknownArgs] = partition(args, unknown);
        const now = context.known(labelledP, knownArgs, { ...params, jaxpr: known });
        const numKnown = now.length - numResiduals;
        const later = context.stage(labelledP, [...now.slice(numKnown), ...unknownArgs], {
          ...params,
          jaxpr: staged,
        });
        return merge(unknownOut, now.slice(0, numKnown), later);
      },
      narrow(params, used) {
        const live = withoutDead(params.jaxpr, used);
        const inputs = usedInputs(live);
        return { params: { ...params, jaxpr: keepInputs(live, inputs) }, inputs, outputs: used };
      },
      within: null,
    }),
  },
  lower: (g, inputs, { jaxpr }) => g.inline(jaxpr, inputs),
  kernel: (b, inputs, { jaxpr }) => b.inline(jaxpr, inputs),
  samples: () => [],
});

/** `f`, a function of two arrays, as a labelled part. */
function labelled(f: (x: NDArray, y: NDArray) => NDArray) {
  return (x: NDArray, y: NDArray): NDArray => {
    const jaxpr = stageClosed("labelled", ([x, y]) => [f(x!, y!)], [x.aval, y.aval]);
    return bind1(labelledP, [x, y], { jaxpr, label: "part" });
  };
}

type Fn = (x: NDArray) => NDArray;

/** Every way to compute with a function of a vector, alone and over another. */
const ways: Readonly<Record<string, (f: Fn) => Fn>> = {
  eager: (f) => f,
  interpreter: (f) => jit(f, { backend: "interpreter" }),
  cpu: (f) => jit(f, { backend: "cpu" }),
  onnx: (f) => jit(f, { backend: "onnx" }),
  grad: (f) => grad((x: NDArray) => f(x).sum()),
  jvp: (f) => (x) => jvp(f, [x], [np.onesLike(x)])[1],
  jacfwd: (f) => (x) => jacfwd(f)(x).sum(0),
  jacrev: (f) => (x) => jacrev(f)(x).sum(0),
  hessian: (f) => (x) => hessian((x: NDArray) => f(x).sum())(x).sum(0),
  vmap: (f) => (x) => vmap(f)(np.stack([x, x.mul(2)])).sum(0),
  checkpoint: (f) => grad((x: NDArray) => checkpoint(f)(x).sum()),
  scan: (f) => (x) => scan((c, _: null) => [f(c).mul(0.5), null], x, null, { length: 2 })[0],
};

const strange: Readonly<Record<string, readonly [own: Fn, known: Fn]>> = {
  "an elementwise operation": [cube, (x) => x.mul(x).mul(x)],
  "an operation with a program": [
    (x) => labelled((x, y) => cube(x).add(y.sin()))(x, x.mul(2)),
    (x) => x.mul(x).mul(x).add(x.mul(2).sin()),
  ],
};

for (const [what, [own, known]] of Object.entries(strange)) {
  Deno.test(`${what} of a stranger's is known to every transform, two deep`, () => {
    const x = arr([0.3, -0.7, 1.1], "float64");
    for (const [outer, over] of Object.entries(ways)) {
      for (const [inner, under] of Object.entries(ways)) {
        const f = (f: Fn): NDArray => over(under(f))(x);
        assertClose(f(own), f(known), 1e-9, `${outer} of ${inner}`);
      }
    }
  });
}

Deno.test("what it contains is found by name, and dissolved before it runs", () => {
  const f = (x: NDArray): NDArray => labelled((x, y) => x.mul(y))(x, np.exp(x));
  const x = arr([1, 2]);
  assertEquals(plain(makeJaxpr(f)(x).primitives), ["exp", "test_labelled", "mul"]);
  assert(!debug.program(f, [x], { stage: "simplified" }).includes("test_labelled"));
});

Deno.test("without a kernel rule it runs on onnxruntime, function and all, which is said once", () => {
  const doubleP = definePrimitive<null>({
    ...cubeP,
    name: "test_double_node",
    impl: ([x]) => [x!.values.map((v) => v * 2)],
    lower: (g, [x]) => [g.node("Add", [x!, x!])],
    kernel: null,
  });
  const warnings: string[] = [];
  const { warn } = console;
  console.warn = (message: string) => warnings.push(message);
  try {
    for (const k of [1, 2]) {
      const f = jit((x: NDArray) => bind1(doubleP, [x.add(k)], null), { backend: "cpu" });
      assertClose(f(arr([1, 2])), [2 + 2 * k, 4 + 2 * k]);
    }
  } finally {
    console.warn = warn;
  }
  assertEquals(warnings, [
    'injax: "cpu" cannot compile the primitive test_double_node, so functions with it run on "onnx"',
  ]);
});
