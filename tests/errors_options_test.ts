/**
 * What users are told about options and arguments that functions do not take. That nothing of the kind
 * is taken in silence, by any function, is tested in `calls_test.ts`.
 *
 * @module
 */
import {
  anderson,
  compose,
  ConcretizationError,
  cond,
  customVjp,
  damped,
  evalShape,
  exportOnnx,
  exportOnnxWith,
  fixedPoint,
  grad,
  implicit,
  jacfwd,
  jit,
  liftTransforms,
  linalg,
  loadBackend,
  makeJaxpr,
  NDArray,
  numpy as np,
  pure,
  random,
  scan,
  ShapeDtype,
  ShapeError,
  TreeError,
  valueAndGrad,
  vmap,
} from "../mod.ts";
import * as lax from "../lib/api/lax.ts";
import * as hk from "../adapters/haiku/mod.ts";
import { DTypeError } from "../lib/core/errors.ts";
import { assertEquals, assertRejects, assertThrows } from "./support/assert.ts";
import { any, mistake, named } from "./support/mistakes.ts";
import { interpreter } from "./support/everywhere.ts";

const x = np.array([1, 2, 3]);
const m = np.ones([2, 3]);
const mask = np.array([true, false, true]);
const key = random.key(0);
const sum = any((x: NDArray) => x.sum());
const cos = any((x: NDArray) => x.cos());

// Options that do not exist
mistake(
  "keepdims as in NumPy",
  () => np.sum(m, 0, any({ keepdims: true })),
  TypeError,
  "sum: there is no option keepdims. Did you mean keepDims? Write sum(x, axis, { keepDims: true })",
);
mistake(
  "in_axes as in JAX",
  () => any(vmap)(sum, { in_axes: [0, null] }),
  TypeError,
  "vmap: there is no option in_axes. Did you mean inAxes? Write vmap(f, { inAxes: [0, null] })",
);
mistake(
  "argnum",
  () => any(grad)(sum, { argnum: 1 }),
  TypeError,
  "grad: there is no option argnum. Did you mean argnums? Write grad(f, { argnums: 1 })",
);
mistake(
  "argNums",
  () => any(jacfwd)(sum, { argNums: [0, 1] }),
  TypeError,
  "Write jacfwd(f, { argnums: [0, 1] })",
);
mistake(
  "static_argnames",
  () => jit(sum, any({ static_argnames: ["n"] })),
  TypeError,
  "jit: there is no option static_argnames. Did you mean staticArgnames?",
);
mistake(
  "tol",
  () => fixedPoint(cos, 1, any({ tol: 0.5 })),
  TypeError,
  "fixedPoint: there is no option tol. Did you mean rtol or atol? Write fixedPoint(f, x0, { rtol: 0.5 })",
);
mistake(
  "maxiter",
  () => fixedPoint(cos, 1, any({ maxiter: 2 })),
  TypeError,
  "Did you mean maxSteps? Write fixedPoint(f, x0, { maxSteps: 2 })",
);
mistake(
  "a misspelt option",
  () => fixedPoint(cos, 1, any({ trasforms: pure })),
  TypeError,
  "there is no option trasforms. Did you mean transforms?",
);
mistake(
  "a letter too many",
  () => np.variance(x, null, any({ ddoff: 1 })),
  TypeError,
  "variance: there is no option ddoff. Did you mean ddof? Write variance(x, axis, { ddof: 1 })",
);
mistake(
  "where, which no option is near",
  () => np.median(x, null, any({ where: mask })),
  TypeError,
  "median: there is no option where; there is keepDims | np.where",
);
mistake(
  "where, of a function without options",
  () => any(np.flip)(x, -1, { where: mask }),
  TypeError,
  "flip: there are no options, and so no where. Write flip(x, axis) | np.where",
);
mistake(
  "a short name that is near to nothing",
  () => np.ptp(x, null, any({ b: x })),
  TypeError,
  "ptp: there is no option b; there is keepDims",
);
mistake(
  "an argument before the options and in them",
  () => any(random.normal)(key, [], { dtype: "float64", shape: [2] }),
  TypeError,
  "normal: shape is given twice, before the options and in them",
);
mistake(
  "an option of a method",
  () => x.sum(0, any({ keepdims: 1 })),
  TypeError,
  "sum: there is no option keepdims. Did you mean keepDims?",
);
mistake(
  "a flag that is a number",
  () => x.sum(0, any({ keepDims: 1 })),
  TypeError,
  "sum: the option keepDims must be true or false, not number 1",
);
mistake(
  "an option of a lifted transform",
  () => hk.transform(() => any(hk.transforms.scan)(sum, 0, null, { len: 3 })).init(null),
  TypeError,
  "scan: there is no option len. Did you mean length? Write scan(f, init, xs, { length: 3 })",
);
mistake(
  "an option of a composed dictionary",
  () => any(compose(hk.transforms).vmap)(sum, { axis: 1 }),
  TypeError,
  "vmap: there is no option axis. Did you mean inAxes?",
);
mistake(
  "an option of liftTransforms",
  () => liftTransforms(hk.protocol, any({ Strict: true })),
  TypeError,
  "Did you mean strict? Write liftTransforms(protocol, { strict: true })",
);
mistake(
  "an option of a layer",
  () => hk.transform(() => new hk.Linear(2, any({ with_bias: false }))).init(null),
  TypeError,
  "new hk.Linear: there is no option with_bias. Did you mean withBias?",
);
mistake(
  "an option of an export",
  () => exportOnnxWith(any({ inputNames: ["x"] }), sum, x),
  TypeError,
  "exportOnnxWith: there is no option inputNames. Did you mean argumentNames?",
);

// Values in the place of options
mistake(
  "argnums by itself",
  () => any(valueAndGrad)(sum, 1),
  TypeError,
  "valueAndGrad: the options are an object, not number 1. Write valueAndGrad(f, { argnums: 1 })",
);
mistake(
  "inAxes by itself",
  () => any(vmap)(sum, [0, null]),
  TypeError,
  "vmap: the options are an object, not a JavaScript array of length 2. Write vmap(f, { inAxes: [0, null] })",
);
mistake(
  "a backend by itself",
  () => any(jit)(sum, "interpreter"),
  TypeError,
  'jit: the options are an object, not the string "interpreter". Write jit(f, { backend: "interpreter" })',
);
mistake(
  "a dtype by itself",
  () => any(random.normal)(key, [1], "float64"),
  TypeError,
  'Write normal(key, shape, { dtype: "float64" })',
);
mistake(
  "bounds by themselves",
  () => any(random.uniform)(key, [2], 5, 10),
  TypeError,
  "uniform: the options are an object, not number 5. Write uniform(key, shape, { minval: 5, maxval: 10 })",
);
mistake(
  "a length by itself",
  () => any(scan)(sum, 0, null, 5),
  TypeError,
  "Write scan(f, init, xs, { length: 5 })",
);
mistake("a memory by itself", () => any(anderson)(2), TypeError, "Write anderson({ memory: 2 })");
mistake(
  "a damping by itself",
  () => any(damped)(0.9),
  TypeError,
  "Write damped({ damping: 0.9 })",
);
mistake(
  "an array in the place of options",
  () => np.sum(m, 0, any(x)),
  TypeError,
  "sum: the options are an object, not an array float32[3]. | Write sum(x, axis, { keepDims, where, dtype, initial })",
);

// Arguments too many
mistake(
  "lengths one by one",
  () => any(np.zeros)(2, 3),
  TypeError,
  "zeros: the options are an object, not number 3. Write zeros([2, 3])",
);
mistake(
  "axes one by one",
  () => any(m).transpose(1, 0),
  TypeError,
  "x.transpose takes 1 argument, not 2 | Write x.transpose([1, 0])",
);
mistake(
  "a shape one by one, of a method",
  () => any(np.arange(6)).reshape(2, 3),
  ShapeError,
  "Write x.reshape([2, 3])",
);
mistake(
  "a sine of two",
  () => any(np.sin)(x, x),
  TypeError,
  "sin takes 1 argument, not 2 | Write sin(x)",
);
mistake(
  "a sine of a number, its position and a list that has another there",
  () => any(np.sin)(0.5, 1, [0.5, 2]),
  TypeError,
  "sin takes 1 argument, not 3 | Write sin(x)",
);
mistake(
  "sizes of layers one by one",
  () => hk.transform(() => new (any(hk.MLP))(8, 1)).init(null),
  TypeError,
  "new hk.MLP: the options are an object, not number 1. Write new hk.MLP([8, 1])",
);

// What must be made or called first
mistake(
  "anderson, not called",
  () => fixedPoint(cos, 1, any({ solver: anderson })),
  TypeError,
  "solver must be anderson(), damped() or another Stepper | Call it: { solver: anderson() }",
);
mistake(
  "implicit, not called",
  () => fixedPoint(cos, 1, any({ adjoint: implicit })),
  TypeError,
  "Call it: { adjoint: implicit() }",
);
mistake(
  "a module system in the place of its dictionary",
  () => fixedPoint(cos, 1, any({ transforms: hk })),
  TypeError,
  "fixedPoint: transforms must be a dictionary of transforms | Write hk.transforms in the place of hk",
);
mistake(
  "a size that is text",
  () => hk.transform(() => new hk.Linear(any("3"))).init(null),
  ShapeError,
  'hk.Linear: the output size must be a positive integer, not the string "3"',
);
mistake(
  "a predicate that is text",
  () => cond(any("yes"), () => 1, () => 2),
  TypeError,
  'cond: the predicate must be a boolean, a number or a scalar array, not the string "yes" | Compare first',
);
for (
  const [name, f] of Object.entries({
    exportOnnx,
    evalShape,
    makeJaxpr: (f: NDArray) => makeJaxpr(any(f))(),
  })
) {
  mistake(
    `no examples for ${name}`,
    () => any(f)(named("loss", (a: NDArray, b: NDArray) => a.mul(b))),
    TypeError,
    `${name}: loss takes 2 arguments, but there is no example | ShapeDtype`,
  );
}
mistake(
  "a dtype of ShapeDtype among options",
  () => new ShapeDtype([2], any({ dtype: "int32" })),
  DTypeError,
  'ShapeDtype: a plain object is not a dtype; the dtypes are "bool" | Write "int32" itself',
);
mistake("a new NDArray", () => new (any(NDArray))(), TypeError, "np.array(...)");

// What looks like a JavaScript array
mistake("an element by brackets", () => any(x)[0], TypeError, "x[0] | x.at(0)");
mistake("a changed element", () => any(x)[2] = 5, TypeError, "x[2] | np.setAt(x, 2, value)");
mistake("a length", () => any(x).length, TypeError, "x.shape[0] | x.size");
mistake("a new shape", () => any(x).shape = [3, 1], TypeError, "do not change | x.reshape(shape)");
mistake("a new dtype", () => any(x).dtype = "int32", TypeError, "do not change | x.astype(dtype)");
mistake(
  "a scalar taken apart",
  () => {
    const [value] = np.array(1);
    return value;
  },
  ShapeError,
  "a scalar array cannot be | taken apart | x.item()",
);
mistake("a method of lists", () => any(x).map(Math.sin), TypeError, "x.map: | vmap(f)(x)");
mistake("JAX's update", () => any(x).at(0).set(1), TypeError, "x.set: | np.setAt(x, index, value)");
mistake(
  "numbers for slice",
  () => any(x).slice(0, 1),
  TypeError,
  "number 0 | Write x.slice([0], [2])",
);
mistake(
  "a list for scan",
  () => scan((c: NDArray) => [c, c], np.array(0), [1, 2, 3]),
  ShapeError,
  "xs[0] is a scalar | np.array(...) | np.stack([...])",
);
mistake(
  "a copy by structuredClone",
  () => np.add(any(structuredClone(x)), 1),
  TypeError,
  "structuredClone or postMessage | x.dataSync()",
);
mistake(
  "an array in the place of a function",
  () => any(cond)(true, x, Math.sin, Math.cos),
  TypeError,
  "not an array float32[3]. | Write cond(pred, ifTrue, ifFalse, ...operands)",
);
mistake(
  "no rules",
  () => any(customVjp)((x: NDArray) => x),
  TypeError,
  "the forward rule must be a function, not undefined. Write customVjp(f, fwd, bwd)",
);
mistake(
  "a cotangent that is not in a list",
  () => grad(customVjp((x: NDArray) => x, (x: NDArray) => [x, x], any((x: NDArray) => x)))(1),
  TreeError,
  "an array of 1 cotangents | not an array float32[]",
);
mistake(
  "lengths as text and null",
  () => new ShapeDtype(any([null, "4", 2])),
  ShapeError,
  'not [null,the string "4",2]; | ["batch", 4]',
);

// Numbers and memory that would be lost
mistake(
  "a whole number that float32 does not hold, in jit",
  () => jit((n: NDArray) => n, interpreter)(16777217),
  RangeError,
  'jit: an argument of an anonymous function at [0] is 16777217 | holds 16777216 instead | np.array(16777217, { dtype: "int32" })',
);
mistake(
  "a whole number that int32 does not hold either, in a tree",
  () => grad((p: { n: NDArray }) => p.n)({ n: 4294967295 }),
  RangeError,
  'at [0].n is 4294967295 | { dtype: "uint32" }',
);
Deno.test("numbers that float32 holds, or that are rounded like all fractions, become float32", () => {
  const same = jit((n: NDArray) => n, interpreter);
  for (const n of [16777216, -(2 ** 24), 2 ** 31, 1e10, 6.02214076e23, 0.1, Infinity, -0]) {
    assertEquals(same(n).item(), Math.fround(n));
  }
});

const gone = new Float32Array([1, 2]);
structuredClone(gone, { transfer: [gone.buffer] });
mistake(
  "a typed array whose buffer was transferred",
  () => np.array(gone),
  TypeError,
  "array: data is an instance of Float32Array without elements | transferred | slice()",
);
mistake(
  "such a typed array in a tree",
  () => grad((p: { w: NDArray }) => p.w.sum())({ w: any(gone) }),
  TypeError,
  "grad: an argument of an anonymous function at [0].w is | transferred",
);

Deno.test("functions that are awaited are rejected with what is wrong", async () => {
  await assertRejects(
    () => loadBackend("interpreter", any({ memory: 1 })),
    TypeError,
    "loadBackend: there is no option memory",
  );
  await assertRejects(() => any(x).data(1), TypeError, "x.data takes 0 arguments, not 1");
});

Deno.test("options that stand in the place of what is left out end the call", () => {
  assertEquals(np.arange(3, { dtype: "float32" }).dtype, "float32");
  assertThrows(
    () => any(np.arange)(3, { dtype: "int32" }, 1),
    TypeError,
    "arange: the options come last, but number 1 follows them",
  );
  assertThrows(() => any(np.eye)(3, { ofset: 1 }), TypeError, "Did you mean offset?");
});

Deno.test("residuals that depend on the rank need a rank that is known", () => {
  const a = np.array([[1, 0.5], [0.25, -1.5], [0.75, 2]]);
  const residuals = (a: NDArray) => linalg.lstsq(a, a.at(np.slice(null), 0), { numpyResid: true });
  assertEquals(residuals(a).residuals.shape, [1]);
  assertThrows(
    () => jit(residuals, interpreter)(a),
    ConcretizationError,
    "lstsq: the rank of the traced float32[3,2] is not known here, and so whether numpyResid leaves " +
      "residuals is not. Leave it out, and there always are",
  );
});

Deno.test("functions without options take what may be left out by name, and no other names", () => {
  const cases: readonly (readonly [() => unknown, string])[] = [
    [
      () => any(np.flip)(x, { axs: 0 }),
      "flip: there is no option axs. Did you mean axis? Write flip(x, { axis: 0 })",
    ],
    [
      () => any(np.flip)(x, { where: x }),
      "flip: there is no option where; there is axis. Write flip(x, { axis })",
    ],
    [
      () => any(np.flip)(x, { axis: 0 }, 1),
      "flip takes 2 arguments, not 3: number 1 is too much",
    ],
    [() => any(np.clip)(x, 0, { min: 1 }), "clip: min is given twice"],
    [() => any(np.tri)(3, 5, 2, { k: 1 }), "tri: k is given twice, before the options and in them"],
    [() => any(np.tril)(x, { offset: 1 }), "tril: there is no option offset; there is k"],
    [() => any(np.meshgrid)(x, "ij"), "meshgrid"],
    [() => any(np.pad)(x, 1, { mode: "linear-ramp" }), 'mode must be "constant"'],
  ];
  for (const [call, message] of cases) assertThrows(call, TypeError, message);
});

Deno.test("what an option cannot mean where it stands is refused, not passed over", () => {
  const sums = [np.sum, np.prod, np.mean, np.var, np.nansum, np.any, np.nanmax];
  for (const f of sums) {
    assertThrows(
      () => any(f)(x, { where: np.array([1, 0, 1]), initial: f === np.nanmax ? 0 : undefined }),
      DTypeError,
      "where is float32[3], and must be bool: compare, as in x.greater(0)",
    );
  }
  const cases: readonly (readonly [() => unknown, string])[] = [
    [
      () => np.var(x, { ddof: 1, correction: 0 }),
      "ddof is 1 and correction 0, which are two names of one number. Write variance(x, axis, { ddof: 1 })",
    ],
    [
      () => np.cov(m, { dtype: "int32" }),
      'cov: dtype is int32, and must be "float32" or "float64"',
    ],
    [
      () => np.pad(x, 1, { mode: "edge", constantValues: 2 }),
      'pad: the mode "edge" has no option constantValues, which is of "constant"',
    ],
    [
      () => np.pad(x, 1, { reflectType: "odd" }),
      'pad: the mode "constant" has no option reflectType, which is of "reflect", "symmetric"',
    ],
    [() => lax.argmax(x, 0, "bool"), 'argmax: indexDtype is bool, and must be "int32" or "uint32"'],
    [() => any(np.arange)(np.array(3)), "Write stop.item() where the array is not traced"],
    [
      () => any(np.gradient)(m, x, x),
      "The spacing of several axes is a list: gradient(x, [dx, dy])",
    ],
  ];
  for (const [call, message] of cases) assertThrows(call, TypeError, message);
});
