/**
 * The transforms of pure functions under their own names, for users; library code takes the
 * dictionary `pure`, or another, as an argument instead. Each stands for itself, so that a page gets
 * those that it uses.
 *
 * @module
 */
import * as autodiff from "./autodiff.ts";
import * as branches from "./branches.ts";
import * as recomputing from "./checkpoint.ts";
import * as custom from "./custom.ts";
import * as implicit from "./implicit.ts";
import * as inspect from "./inspect.ts";
import * as compiling from "./jit.ts";
import * as loops from "./loops.ts";
import * as prefixes from "./unroll.ts";
import * as lanes from "./vmap.ts";
import { checkedMember } from "./members.ts";
import type { Transforms } from "./types.ts";

/**
 * Compiles a function: traced once per shapes, dtypes, tree structure and static arguments, and run
 * as one program of a backend. By default that is a WebAssembly module, which runs at once and needs
 * nothing loaded; `"interpreter"` runs at once too. Results of `"onnx"` are in flight until that is
 * loaded, and those of `"webgpu"` always.
 *
 * Numbers and booleans among the arguments are float32 and bool arrays inside; list in `staticArgnums`
 * what must stay a number. A function that takes a branch on values it cannot know raises
 * `ConcretizationError`, one that returns no tree of arrays `TreeError`.
 *
 * @example
 * ```ts
 * import { jit, numpy as np } from "@injax/injax";
 *
 * const f = jit((x: np.NDArray) => np.tanh(x).sum());
 * console.log(f(np.zeros([3])).item()); // 0
 * ```
 */
export const jit: Transforms["jit"] = /* @__PURE__ */ checkedMember("jit", compiling.jit);

/**
 * The gradient of a scalar function with respect to some of its arguments, by reverse mode. The others
 * may be anything, strings and functions too.
 *
 * @throws {ShapeError} where the function does not return a scalar.
 * @throws {DTypeError} where an argument is not floating-point.
 *
 * @example
 * ```ts
 * import { grad, numpy as np } from "@injax/injax";
 *
 * console.log(grad((x: np.NDArray) => x.mul(x).sum())(np.array([1, 2])).toArray()); // [ 2, 4 ]
 * ```
 */
export const grad: Transforms["grad"] = /* @__PURE__ */ checkedMember("grad", autodiff.grad);

/**
 * Value and gradient of a scalar function.
 *
 * @example
 * ```ts
 * import { numpy as np, valueAndGrad } from "@injax/injax";
 *
 * const [value, gradient] = valueAndGrad((x: np.NDArray) => x.square().sum())(np.array([3, 4]));
 * console.log(value.item(), gradient.toArray()); // 25 [ 6, 8 ]
 * ```
 */
export const valueAndGrad: Transforms["valueAndGrad"] = /* @__PURE__ */ checkedMember(
  "valueAndGrad",
  autodiff.valueAndGrad,
);

/**
 * Value and directional derivative, by forward mode.
 *
 * @example
 * ```ts
 * import { jvp, numpy as np } from "@injax/injax";
 *
 * const [y, dy] = jvp((x: np.NDArray) => x.square(), [np.array(3)], [np.array(1)]);
 * console.log(y.item(), dy.item()); // 9 6
 * ```
 */
export const jvp: Transforms["jvp"] = /* @__PURE__ */ checkedMember("jvp", autodiff.jvp);

/**
 * Value, and the function that pulls cotangents back to the arguments.
 *
 * @example
 * ```ts
 * import { numpy as np, vjp } from "@injax/injax";
 *
 * const [y, pull] = vjp((x: np.NDArray) => x.square(), [np.array([1, 2])]);
 * console.log(pull(np.onesLike(y))[0].toArray()); // [ 2, 4 ]
 * ```
 */
export const vjp: Transforms["vjp"] = /* @__PURE__ */ checkedMember("vjp", autodiff.vjp);

/**
 * Value, and the derivative at the arguments as a linear function to be applied many times.
 *
 * @example
 * ```ts
 * import { linearize, numpy as np } from "@injax/injax";
 *
 * const [, push] = linearize((x: np.NDArray) => x.square(), [np.array(3)]);
 * console.log(push(np.array(1)).item(), push(np.array(2)).item()); // 6 12
 * ```
 */
export const linearize: Transforms["linearize"] = /* @__PURE__ */ checkedMember(
  "linearize",
  autodiff.linearize,
);

/**
 * The Jacobian by forward mode: shape `[...out, ...in]`. Best for few inputs.
 *
 * @example
 * ```ts
 * import { jacfwd, numpy as np } from "@injax/injax";
 *
 * console.log(jacfwd((x: np.NDArray) => x.mul(x.sum()))(np.array([1, 2])).toArray());
 * // [ [ 4, 1 ], [ 2, 5 ] ]
 * ```
 */
export const jacfwd: Transforms["jacfwd"] = /* @__PURE__ */ checkedMember(
  "jacfwd",
  autodiff.jacfwd,
);

/**
 * The Jacobian by reverse mode: shape `[...out, ...in]`. Best for few outputs.
 *
 * @example
 * ```ts
 * import { jacrev, numpy as np } from "@injax/injax";
 *
 * console.log(jacrev((x: np.NDArray) => x.mul(x.sum()))(np.array([1, 2])).toArray());
 * // [ [ 4, 1 ], [ 2, 5 ] ]
 * ```
 */
export const jacrev: Transforms["jacrev"] = /* @__PURE__ */ checkedMember(
  "jacrev",
  autodiff.jacrev,
);

/** Another name of {@linkcode jacrev}, as `jax.jacobian`. */
export const jacobian: Transforms["jacrev"] = /* @__PURE__ */ checkedMember(
  "jacrev",
  autodiff.jacrev,
);

/**
 * The second derivatives of a function: shape `[...out, ...in, ...in]`.
 *
 * @example
 * ```ts
 * import { hessian, numpy as np } from "@injax/injax";
 *
 * console.log(hessian((x: np.NDArray) => x.pow(3).sum())(np.array([1, 2])).toArray());
 * // [ [ 6, 0 ], [ 0, 12 ] ]
 * ```
 */
export const hessian: Transforms["hessian"] = /* @__PURE__ */ checkedMember(
  "hessian",
  autodiff.hessian,
);

/**
 * Maps a function over axes of its arguments, as one vectorised computation. Where the axis is `null`,
 * arguments may be anything, strings and functions too.
 *
 * @throws {ShapeError} where the mapped axes have different lengths.
 *
 * @example
 * ```ts
 * import { numpy as np, vmap } from "@injax/injax";
 *
 * const dot = (x: np.NDArray, y: np.NDArray) => x.mul(y).sum();
 * console.log(vmap(dot, { inAxes: [0, null] })(np.ones([3, 2]), np.array([1, 2])).toArray()); // [ 3, 3, 3 ]
 * ```
 */
export const vmap: Transforms["vmap"] = /* @__PURE__ */ checkedMember("vmap", lanes.vmap);

/**
 * A function whose intermediate values are computed again in the backward pass, to save memory.
 *
 * @example
 * ```ts
 * import { checkpoint, grad, numpy as np } from "@injax/injax";
 *
 * console.log(grad(checkpoint((x: np.NDArray) => x.sin().sin()))(np.array(0)).item()); // 1
 * ```
 */
export const checkpoint: Transforms["checkpoint"] = /* @__PURE__ */ checkedMember(
  "checkpoint",
  recomputing.checkpoint,
);

/** Another name of {@linkcode checkpoint}, as `jax.remat`. */
export const remat: Transforms["checkpoint"] = /* @__PURE__ */ checkedMember(
  "checkpoint",
  recomputing.checkpoint,
);

/**
 * A function with its own forward derivative.
 *
 * @example
 * ```ts
 * import { customJvp, grad, numpy as np } from "@injax/injax";
 *
 * const clippedLog = customJvp(
 *   (x: np.NDArray) => x.log(),
 *   ([x], [dx]) => [x.log(), dx.mul(np.div(1, x).minimum(10))],
 * );
 * console.log(grad(clippedLog)(np.array(0.01)).item()); // 10
 * ```
 */
export const customJvp: Transforms["customJvp"] = /* @__PURE__ */ checkedMember(
  "customJvp",
  custom.customJvp,
);

/**
 * A function with its own backward derivative.
 *
 * @example
 * ```ts
 * import { customVjp, grad, numpy as np } from "@injax/injax";
 *
 * const clipGradient = customVjp(
 *   (x: np.NDArray) => x,
 *   (x: np.NDArray): [np.NDArray, null] => [x, null],
 *   (_, ct) => [np.clip(ct, -1, 1)],
 * );
 * console.log(grad((x: np.NDArray) => clipGradient(x).mul(5))(np.array(2)).item()); // 1
 * ```
 */
export const customVjp: Transforms["customVjp"] = /* @__PURE__ */ checkedMember(
  "customVjp",
  custom.customVjp,
);

/**
 * The root that `solve` finds, differentiated by the implicit function theorem.
 *
 * @example
 * ```ts
 * import { customRoot, grad, numpy as np, whileLoop } from "@injax/injax";
 *
 * // The square root of a, by Newton's method.
 * const root = (a: np.NDArray) =>
 *   customRoot(
 *     (x) => x.square().sub(a),
 *     np.array(1),
 *     (f, x) => whileLoop((x) => f(x).abs().greater(1e-5), (x) => x.sub(f(x).div(x.mul(2))), x),
 *     (g, y) => y.div(g(np.array(1))),
 *   );
 * console.log(grad(root)(np.array(4)).item().toFixed(3)); // 0.250
 * ```
 */
export const customRoot: Transforms["customRoot"] = /* @__PURE__ */ checkedMember(
  "customRoot",
  implicit.customRoot,
);

/**
 * The solution of a linear system that `solve` finds, differentiated as such.
 *
 * @example
 * ```ts
 * import { customLinearSolve, grad, numpy as np } from "@injax/injax";
 *
 * const halve = (a: np.NDArray, b: np.NDArray) =>
 *   customLinearSolve((x) => x.mul(a), b, (matvec, b) => b.div(matvec(np.onesLike(b))), {
 *     symmetric: true,
 *   });
 * console.log(grad(halve)(np.array(2), np.array(1)).item()); // -0.25
 * ```
 */
export const customLinearSolve: Transforms["customLinearSolve"] = /* @__PURE__ */ checkedMember(
  "customLinearSolve",
  implicit.customLinearSolve,
);

/**
 * Loops over the first axis of arrays with a carry. Differentiable in both modes.
 *
 * @throws {TreeError} where the carry changes its structure, shapes or dtypes.
 *
 * @example
 * ```ts
 * import { numpy as np, scan } from "@injax/injax";
 *
 * const [sum, prefixes] = scan((c, x) => [c.add(x), c.add(x)], np.array(0), np.array([1, 2, 3]));
 * console.log(sum.item(), prefixes.toArray()); // 6 [ 1, 3, 6 ]
 * ```
 */
export const scan: Transforms["scan"] = /* @__PURE__ */ checkedMember("scan", loops.scan);

/**
 * Applies a function to each slice of the first axis, one after the other.
 *
 * @example
 * ```ts
 * import { map, numpy as np } from "@injax/injax";
 *
 * console.log(map((x) => x.mul(2), np.array([1, 2])).toArray()); // [ 2, 4 ]
 * ```
 */
export const map: Transforms["map"] = /* @__PURE__ */ checkedMember("map", loops.map);

/**
 * Repeats a body while a condition holds. Forward mode only, without `maxSteps`.
 *
 * With `maxSteps` it stops after so many steps, whether the condition holds or not: ask it of the result where
 * that matters. Then there is reverse mode: the carries of `sqrt(maxSteps)` steps are kept, from which the steps
 * between two of them are made again, with what their derivatives need. What is not done takes no time.
 *
 * @throws {TreeError} where the condition is no bool scalar, or the carry changes its type.
 * @throws {RangeError} where `maxSteps` or `checkpoints` is no number of steps.
 * @throws {DifferentiationError} where it is differentiated backwards without `maxSteps`.
 *
 * @example
 * ```ts
 * import { grad, numpy as np, whileLoop } from "@injax/injax";
 *
 * console.log(whileLoop((x) => x.less(100), (x) => x.mul(2), np.array(3)).item()); // 192
 *
 * const f = (x: np.NDArray) => whileLoop((x) => x.less(100), (x) => x.mul(2), x, { maxSteps: 20 });
 * console.log(grad(f)(np.array(3)).item()); // 64
 * ```
 */
export const whileLoop: Transforms["whileLoop"] = /* @__PURE__ */ checkedMember(
  "whileLoop",
  loops.whileLoop,
);

/**
 * Repeats a body for `i` from `lower` up to `upper`. With constant bounds differentiable in both modes.
 *
 * @example
 * ```ts
 * import { foriLoop, numpy as np } from "@injax/injax";
 *
 * console.log(foriLoop(0, 5, (i, x) => x.add(i.astype("float32")), np.array(0)).item()); // 10
 * ```
 */
export const foriLoop: Transforms["foriLoop"] = /* @__PURE__ */ checkedMember(
  "foriLoop",
  loops.foriLoop,
);

/**
 * One of two functions, by a bool scalar that may be traced.
 *
 * @example
 * ```ts
 * import { cond, numpy as np } from "@injax/injax";
 *
 * const x = np.array(-2);
 * console.log(cond(x.less(0), (x) => x.neg(), (x) => x, x).item()); // 2
 * ```
 */
export const cond: Transforms["cond"] = /* @__PURE__ */ checkedMember("cond", branches.cond);

/**
 * One of several functions, by an index that is clamped into range.
 *
 * @example
 * ```ts
 * import { numpy as np, switchCase } from "@injax/injax";
 *
 * console.log(switchCase(1, [(x) => x, (x) => x.mul(2)], np.array(3)).item()); // 6
 * ```
 */
export const switchCase: Transforms["switchCase"] = /* @__PURE__ */ checkedMember(
  "switchCase",
  branches.switchCase,
);

/**
 * All prefixes of an associative operation, in a logarithmic number of steps.
 *
 * @example
 * ```ts
 * import { associativeScan, numpy as np } from "@injax/injax";
 *
 * console.log(associativeScan((a, b) => a.mul(b), np.array([1, 2, 3, 4])).toArray()); // [ 1, 2, 6, 24 ]
 * ```
 */
export const associativeScan: Transforms["associativeScan"] = /* @__PURE__ */ checkedMember(
  "associativeScan",
  prefixes.associativeScan,
);

/**
 * Shapes and dtypes of a function's result, without computing it.
 *
 * @example
 * ```ts
 * import { evalShape, numpy as np } from "@injax/injax";
 *
 * console.log(String(evalShape((x: np.NDArray) => x.sum(0), np.ones([2, 3])))); // float32[3]
 * ```
 */
export const evalShape: Transforms["evalShape"] = /* @__PURE__ */ checkedMember(
  "evalShape",
  inspect.evalShape,
);
