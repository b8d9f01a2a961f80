/**
 * For those who extend the library: new primitives, passes and backends, and module systems.
 *
 * A primitive is one record with all its rules, given to `definePrimitive`; `unary` and `binary` make
 * the record of an elementwise operation from what is its own. Its rules are written with the
 * functions of the main module. `bind` applies it. From then on every transform knows it: nothing
 * else has to be told.
 *
 * - an elementwise operation: `unary`, `binary`, `floats`, `numbers`; what it computes of an element is
 *   written with `Exprs` and the functions in `scalar`
 * - any other operation: `definePrimitive`, `ordinary`, `bind`, `bind1`; its rule `kernel` is written
 *   against a `KernelBuilder`, and an algorithm that is more than loops over elements is a `routine`
 * - recording programs: `stage`, `stageClosed`, `openJaxpr`
 * - transforming them: `jvpJaxpr`, `partialEvalJaxpr`, `transposeJaxpr`, `batchJaxpr`
 * - running and reading them: `evalJaxpr`, `checkJaxpr`, `formatJaxpr`, `programsIn`, `simplify`
 * - the rules of such a call: `calls`, `withoutDead`, `usedInputs`, `keepInputs`, `batchAxesInFront`
 * - masks of zeros, unknowns: `notZero`, `spread`, `splitTangents`, `partition`, `merge`
 * - running programs anywhere: `registerBackend`, `ConcreteArray`
 * - random streams of module systems: `keyStreams`
 * - arguments and messages: `checkCall`, `checkShape`, `expectDType`, `toArray`, `describeValue`, ...
 *
 * These are the innards: they change more often than what is in the main module.
 *
 * @example An operation with its derivative, on all backends, under all transforms
 * ```ts
 * import { grad, type NDArray, numpy as np, vmap } from "@injax/injax";
 * import { bind1, floats, unary } from "@injax/injax/extend";
 *
 * const cubeP = unary({
 *   name: "example_cube",
 *   expr: floats((e, x) => e.mul(x, e.mul(x, x))),
 *   jvp: (t, x) => t.mul(x.square()).mul(3),
 *   lower: (g, x) => g.node("Mul", [x, g.node("Mul", [x, x])]),
 * });
 * const cube = (x: NDArray): NDArray => bind1(cubeP, [x], null);
 *
 * console.log(cube(np.array([1, 2])).toArray()); // [ 1, 8 ]
 * console.log(vmap(grad(cube))(np.array([1, 2])).toArray()); // [ 3, 12 ]
 * ```
 *
 * @module
 */
export { type Inspect, simplify } from "./compile/pipeline.ts";
export { keyStreams } from "./lift/streams.ts";
export type { AxesOfAdapter } from "./lift/vmap.ts";
export { formatAval, sameAval, sameShape, shaped, type ShapedArray, sizeOf } from "./core/dtype.ts";
export { type Backend, type Executable, registerBackend } from "./core/backend.ts";
export { checkShape, expectDType, expectInteger } from "./core/checks.ts";
export { type Arrival, ConcreteArray, type DeviceBuffer } from "./core/concrete.ts";
export { merge, partition, splitTangents, spread } from "./control/call.ts";
export { pmean } from "./api/collectives.ts";
export type { AxisName } from "./api/named_axes.ts";
export { calls } from "./control/jaxprs.ts";
export { keepInputs, usedInputs, withoutDead } from "./core/dead_code.ts";
export { isDType, isFloat, isInteger } from "./core/dtype.ts";
export { badOperand } from "./api/operands.ts";
export { describeValue, formatShape } from "./core/errors.ts";
export { checkJaxpr, evalJaxpr, formatJaxpr, programsIn } from "./core/jaxpr.ts";
export type {
  Heavy,
  KernelBuilder,
  KernelValue,
  KernelWindow,
  Part,
  Reducer,
} from "./core/kernel.ts";
export type {
  LowerAttribute,
  Lowering,
  OnnxDType,
  Subgraph,
  SubgraphInput,
  Value,
} from "./core/lowering.ts";
export {
  type Algebra,
  type Application,
  type Atom,
  type BatchResult,
  type Check,
  type Contained,
  definePrimitive,
  type Effect,
  type Eqn,
  type HostValue,
  type Jaxpr,
  type JvpResult,
  type KernelRule,
  type KernelScan,
  type KernelWhile,
  Linear,
  Literal,
  type Loop,
  type LowerRule,
  type Narrowed,
  ordinary,
  type PartialContext,
  type Passes,
  type Primitive,
  type ProgramKernelBuilder,
  type ProgramLowering,
  type Programs,
  type Sample,
  type SampleInput,
  type Tangent,
  Var,
} from "./core/primitive.ts";
export { checkPlaces as checkCall } from "./core/places.ts";
export type { OptionKind, OptionTable } from "./core/signature.ts";
export { bind, bind1, currentTrace, type Trace } from "./core/trace.ts";
export { type Reader, reader } from "./transforms/sources.ts";
export { batchAxesInFront, type BatchedJaxpr, batchJaxpr } from "./interpreters/batch.ts";
export { type JvpJaxpr, jvpJaxpr } from "./interpreters/jvp.ts";
export { partialEvalJaxpr, type PartialJaxpr } from "./interpreters/partial.ts";
export { stage, stageClosed, type Staged } from "./interpreters/staging.ts";
export { notZero, type TransposedJaxpr, transposeJaxpr } from "./interpreters/transpose.ts";
export {
  binary,
  type BinaryRules,
  type ByDType,
  type Domain,
  floats,
  numbers,
  unary,
  type UnaryRules,
} from "./primitives/elementwise/factory.ts";
export { Routine, routine, type Scratch } from "./routine/routine.ts";
export * as scalar from "./scalar/functions.ts";
export {
  Apart,
  type Expr,
  Exprs,
  type Graph,
  type Op,
  type Operand,
  type Scalar1,
  type Scalar2,
  type Ty,
} from "./scalar/expr.ts";
export { type OpenJaxpr, openJaxpr } from "./transforms/inspect.ts";
export { advise, called, deferred, toArray } from "./transforms/trees.ts";
