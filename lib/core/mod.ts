/**
 * What other layers use of the core, in one place: a file that imports from it has one import, not ten.
 * Deno takes as long to follow two hundred imports as to read twenty files, and nearly every file of the
 * library needs several parts of the core.
 *
 * Files of the core import each other; so do those of `scalar` and `routine`, whose types kernel rules
 * name.
 *
 * @module
 */
export { type Axes, installMethods, NDArray, type Operand } from "./array.ts";
export {
  type Backend,
  defaultBackend,
  type Executable,
  getBackend,
  notLoaded,
  registerBackend,
  renamedBackend,
} from "./backend.ts";
export {
  checkCount,
  checkDType,
  checkSameDType,
  checkShape,
  expectDType,
  expectFloat,
  expectInteger,
  floating,
  numeric,
} from "./checks.ts";
export {
  ConcreteArray,
  deferUntilReady,
  type DeviceBuffer,
  isReadable,
  retained,
  scalarArray,
} from "./concrete.ts";
export {
  isLoopless,
  keepInputs,
  mayNotEnd,
  narrowed,
  neededFor,
  usedInputs,
  withoutDead,
} from "./dead_code.ts";
export {
  formatCurve,
  formatElements,
  formatNumber,
  type MediaBundle,
  showAsText,
  Shown,
} from "./display.ts";
export {
  allocate,
  broadcastShapes,
  bytesOf,
  checkRoom,
  convertElement,
  defaultFloat,
  type DType,
  dtypeOf,
  dtypes,
  epsilon,
  formatAval,
  isDetached,
  isDType,
  isFloat,
  isInteger,
  isTypedArray,
  limits,
  normalizeAxes,
  normalizeAxis,
  promoteDTypes,
  promoteScalar,
  sameAval,
  sameShape,
  shaped,
  type ShapedArray,
  sizeOf,
  smallestNormal,
  stridesOf,
  type TypedArray,
} from "./dtype.ts";
export {
  callsHost,
  CheckError,
  hasEffect,
  hasEffects,
  NanError,
  needsHost,
  withoutEffects,
} from "./effects.ts";
export {
  AxisError,
  BackendError,
  ConcretizationError,
  ConvergenceError,
  describeValue,
  detached,
  DifferentiationError,
  DTypeError,
  formatBytes,
  formatLengths,
  formatShape,
  InFlightError,
  InternalError,
  messageOf,
  OuterTraceError,
  ShapeError,
  StateChangedError,
  StateError,
  TreeError,
} from "./errors.ts";
export {
  type GetOptions,
  type IndexMode,
  type IndexOf,
  type IndexOptions,
  type PlaceOf,
  Slice,
} from "./indexing.ts";
export { allPrograms, evalJaxpr, formatJaxpr, isJaxpr, JaxprBuilder, programsIn } from "./jaxpr.ts";
export { memoize } from "./memo.ts";
export {
  type Algebra,
  type Atom,
  type BatchResult,
  type Check,
  type Contained,
  definePrimitive,
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
  stationary,
  type Tangent,
  Var,
} from "./primitive.ts";
export { checkCall, isPlain, type OptionKind, type OptionTable, tableOf } from "./signature.ts";
export { runningLine } from "./subscripts.ts";
export {
  bind,
  bind1,
  currentTrace,
  eagerKernels,
  evalTrace,
  isKnownIn,
  type KernelRunner,
  leaked,
  Trace,
  Tracer,
  withTrace,
} from "./trace.ts";
export {
  describeTreeDifference,
  flattenUpTo,
  isRegistered,
  isTreeNode,
  leafDef,
  oneLevel,
  register,
  registerPytreeNode,
  structureOf,
  TreeDef,
  treeFlatten,
  treeLeaves,
  treeMap,
  treePaths,
  type TreeRegistration,
  treeStructure,
  treeUnflatten,
} from "./tree.ts";
export {
  DictKey,
  entriesOf,
  FlattenedIndexKey,
  GetAttrKey,
  isKeyEntry,
  type KeyEntry,
  type KeyPath,
  keyPaths,
  nameOfKey,
  SequenceKey,
} from "./tree_def.ts";
