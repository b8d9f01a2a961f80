/**
 * Every function that users can call, found by walking what is exported, with arguments that it takes.
 * Most functions of arrays take one of a few lists that are tried in turn, so that a new one is in the
 * walk as soon as it is exported; what takes none of them needs an entry here, or a reason to be left
 * out, and the test that walks says so.
 *
 * @module
 */
import * as injax from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { haikuCalls, haikuNotCalled, haikuOpen, inModel } from "./haiku_calls.ts";
import { inLanes, laneCalls } from "./lane_calls.ts";
import * as fft from "../../lib/api/fft_whole.ts";
import { placeCalls, placeModules } from "./place_calls.ts";
import { openTreeCalls, treeCalls, treeNotCalled } from "./tree_calls.ts";
import * as linear from "../../lib/solvers/linear/systems.ts";
import * as expfam from "../../lib/expfam/mod.ts";
import * as lax from "../../lib/api/lax.ts";
import * as tree from "../../lib/api/tree.ts";
import * as solvers from "../../lib/solvers/mod.ts";
import * as initializers from "../../lib/api/initializers.ts";
import * as stats from "../../lib/api/stats.ts";

const { numpy: np, pure, random } = injax;

type Fn = (...args: unknown[]) => unknown;

/** A function that users can call. */
export interface Callable {
  /** Where it is exported, such as `numpy.sum`. */
  readonly path: string;
  /** The names under which it is exported, of which an error may have any. */
  readonly names: readonly string[];
  /** Whether it takes any number of operands. */
  readonly open: boolean;
  /** Arguments that it takes. */
  readonly good: readonly unknown[];
  /** Calls it. */
  readonly run: (...args: unknown[]) => unknown;
  /** Calls it with arguments after those that it takes. */
  readonly call: (...extra: unknown[]) => unknown;
}

const m = np.array([[2, 1], [1, 3]]);
const x = np.array([1, 2]);
const ints = np.array([0, 1], { dtype: "int32" });
const places = ints.reshape([2, 1]);
const onRows = { updateWindowDims: [], insertedWindowDims: [0], scatterDimsToOperandDims: [0] };
const key = random.key(0);
const line = np.ones([1, 2, 4]);
const kernel = np.ones([3, 2, 2]);
const eta = expfam.natural(expfam.normal, { mean: 0, variance: 1 });

/** What functions of arrays are tried with: the first that works is taken. */
const usual: readonly (readonly unknown[])[] = [
  [],
  [m],
  [m, m],
  [m, m, m],
  [m, 1],
  [m, [1, 0]],
  [m, [2, 2]],
  [m, [0], [1]],
  [m, ints],
  [m, ints, x],
  [[m, m]],
  [[2, 2]],
  [[2, 2], 1],
  [ints],
  [ints, 2],
  [x, m],
  [m, [0, 0], [1, 1]],
  [m, m, [0, 0]],
  [m, np.zeros([2, 2], { dtype: "int32" }), 0],
  [key],
  [key, 1],
  [key, [2]],
  [key, [2], 0, 5],
  [key, -1, 1],
  [key, x],
  [key, 0, 1, 2],
  [0, 1],
];

// Written with functions, which say what is wrong with what they are given, where methods cannot.
const solving = (options: injax.LegOptions) =>
  injax.fixedPoint((y: injax.NDArray) => np.cos(y), 1, options);
const square = (x: injax.NDArray) => np.square(x);
const total = (x: injax.NDArray) => np.sum(np.square(x));

/** Arguments by the name of the member, for all dictionaries. */
const members: Readonly<Record<string, readonly unknown[]>> = {
  jit: [square],
  grad: [total],
  valueAndGrad: [total],
  jacfwd: [square],
  jacrev: [square],
  hessian: [total],
  vmap: [square],
  checkpoint: [square],
  jvp: [square, [x], [x]],
  vjp: [square, [x]],
  linearize: [square, [x]],
  customJvp: [square, () => [x, x]],
  customVjp: [square, () => [x, null], () => [x]],
  customRoot: [(y: injax.NDArray) => np.sub(y, x), x, () => x, (_: unknown, y: unknown) => y],
  customLinearSolve: [(y: unknown) => y, x, (_: unknown, y: unknown) => y],
  scan: [(c: unknown, u: unknown) => [c, u], x, m],
  map: [square, m],
  whileLoop: [(y: injax.NDArray) => np.less(y, 0), (y: injax.NDArray) => np.add(y, 1), np.array(0)],
  foriLoop: [0, 2, (_: unknown, y: unknown) => y, x],
  associativeScan: [np.add, x],
  isInitializing: [],
};

/** What has no place among arguments, or not in every place. */
export const junk: readonly unknown[] = [
  undefined,
  null,
  "text",
  true,
  NaN,
  -1,
  0.5,
  1e99,
  1n,
  Symbol("s"),
  {},
  { a: "b" },
  { length: 2 },
  [],
  [null],
  [undefined],
  ["a"],
  [NaN],
  [[]],
  () => 1,
  new Date(0),
  new Map(),
  Promise.resolve(1),
  new Float32Array(2),
];

/** Arrays that are not of a shape, or of a dtype, that every function takes. */
export const odd: readonly injax.NDArray[] = [
  np.array(1),
  np.ones([3]),
  np.ones([2, 3]),
  np.ones([2, 2, 2]),
  np.zeros([0]),
  np.array([true, false]),
  np.array([1, 2, 3], { dtype: "int32" }),
];

/** Arguments of other functions, by path. */
const special: Readonly<Record<string, readonly unknown[]>> = {
  "linalg.cond": [m],
  "linalg.funm": [m, (w: injax.linalg.Complex) => w],
  "linalg.choSolve": [{ c: np.eye(2), lower: true }, x],
  "linalg.luSolve": [injax.linalg.luFactor(np.eye(2)), x],
  "linalg.tridiagonalSolve": [x, x, x, m],
  convolutionMatrix: [x, 2],
  eighTridiagonal: [x, np.array([1])],
  leslie: [x, np.array([1])],
  dft: [2],
  hadamard: [2],
  helmert: [2],
  hilbert: [2],
  invhilbert: [2],
  invpascal: [2],
  pascal: [2],
  "numpy.meshgrid": [[x, x]],
  "special.bernoulli": [3],
  "numpy.astype": [m, "int32"],
  "lax.convertElementType": [m, "int32"],
  "lax.bitcastConvertType": [m, "int32"],
  "lax.broadcastInDim": [x, [2, 3], [0]],
  "lax.broadcastedIota": ["int32", [2, 3], 1],
  "lax.iota": ["int32", 3],
  "lax.empty": [[2], "int32"],
  "lax.select": [true, m, m],
  "lax.indexTake": [x, [ints], [0]],
  "lax.gather": [x, places, { offsetDims: [], collapsedSliceDims: [0], startIndexMap: [0] }, [1]],
  ...Object.fromEntries(
    ["", "Add", "Sub", "Mul", "Min", "Max"].map((
      how,
    ) => [`lax.scatter${how}`, [x, places, x, onRows]]),
  ),
  "lax.scatterApply": [x, places, np.sin, onRows],
  "lax.pad": [x, 0, [[1, 0, 1]]],
  "lax.reduce": [m, 0, np.add, [0]],
  "lax.reduceAnd": [ints, [0]],
  "lax.reduceOr": [ints, [0]],
  "lax.reduceXor": [ints, [0]],
  "lax.reducePrecision": [m, 5, 10],
  "lax.squeeze": [np.ones([1, 2]), [0]],
  "linear.blockDiagonal": [[linear.LinearOperator.matrix(m)]],
  "linear.blockMatrix": [[[linear.LinearOperator.matrix(m)]]],
  "linear.kronecker": [linear.LinearOperator.matrix(m), linear.LinearOperator.matrix(m)],
  "linear.lowRankUpdate": [linear.LinearOperator.matrix(m), m],
  "expfam.natural": [expfam.normal, { mean: 0, variance: 1 }],
  ...Object.fromEntries(
    ["parameters", "toExpectation", "entropy", "fisherInformation"].map((name) => [
      `expfam.${name}`,
      [expfam.normal, eta],
    ]),
  ),
  "expfam.toNatural": [expfam.normal, { x: 0, xSquared: 1 }],
  "expfam.logDensity": [expfam.normal, eta, x],
  "expfam.crossEntropy": [expfam.normal, eta, eta],
  "expfam.klDivergence": [expfam.normal, eta, eta],
  "expfam.maximumLikelihood": [expfam.normal, x],
  "expfam.sample": [key, expfam.normal, eta],
  "expfam.categorical": [3],
  "expfam.vonMisesFisher": [3],
  ...laneCalls,
  ...placeCalls,
  "lax.conv": [line, kernel, [1], "SAME"],
  "lax.convWithGeneralPadding": [line, kernel, [1], "SAME", null, [2]],
  "lax.convGeneralDilated": [line, kernel, [1], [[1, 0]]],
  "lax.convTranspose": [np.ones([1, 4, 2]), np.ones([2, 2, 3]), [2], "SAME"],
  "lax.convGeneralDilatedPatches": [line, [2], [1], "VALID"],
  "lax.convGeneralDilatedLocal": [line, np.ones([3, 4, 3]), [1], "VALID", [2]],
  "lax.reduceWindow": [m, 0, "add", [2, 1], [1, 1], "SAME"],
  "lax.dotGeneral": [m, m, [[[1], [0]], [[], []]]],
  "lax.raggedDot": [m, np.ones([2, 2, 3]), ints],
  "lax.raggedDotGeneral": [
    m,
    np.ones([2, 2, 3]),
    ints,
    {
      dotDimensionNumbers: [[[1], [1]], [[], []]],
      lhsRaggedDimensions: [0],
      rhsGroupDimensions: [0],
    },
  ],
  "lax.convDimensionNumbers": [[1, 2, 4], [3, 2, 2], ["NCH", "OIH", "NHC"]],
  ...treeCalls,
  "initializers.varianceScaling": [1, "fanIn", "normal"],
  "stats.multinomial.logpmf": [ints, 1, x],
  "stats.multinomial.pmf": [ints, 1, x],
  "numpy.identity": [2],
  "numpy.swapaxes": [m, 0, 1],
  "random.key": [0],
  "random.multinomial": [key, 5, x],
  "random.multivariateNormal": [key, x, m],
  "numpy.setAt": [x, 0, 1],
  "numpy.arange": [3],
  "array.matmul": [m],
  "array.reshape": [[4]],
  "array.astype": ["int32"],
  "array.slice": [[0], [1]],
  makeJaxpr: [square],
  jacobian: [square],
  remat: [square],
  customGradient: [(y: injax.NDArray) => [y, (ct: unknown) => ct]],
  fwdAndBwd: [square, 0],
  checkpointName: [x, "a"],
  saveFromBothPolicies: [() => true, () => true],
  sequentialVmap: [square],
  customVmap: [square, (_: number, __: unknown, y: unknown) => [y, true]],
  pureCallback: [() => 1, new injax.ShapeDtype([]), [x]],
  loadBackend: ["interpreter"],
  ready: [x],
  ShapeDtype: [[2]],
  treeFlatten: [[x]],
  treeLeaves: [[x]],
  treeStructure: [[x]],
  treeUnflatten: [injax.treeStructure([1]), [x]],
  liftTransforms: [hk.protocol],
  contextStack: ["Mine"],
  initSafe: [pure],
  overrideTransforms: [pure],
  withTransforms: [pure, () => 1],
  registerStatefulLibrary: [{ when: () => false, transforms: pure }],
  fixedPoint: [(y: injax.NDArray) => np.cos(y), 1],
  bracketRoot: [(y: injax.NDArray) => np.cos(y), [1, 2]],
  phantom: [2],
  curveFit: [(p: injax.NDArray, x: injax.NDArray) => x.mul(p), { x, y: x }, 1],
  leastSquares: [(y: injax.NDArray) => np.cos(y), 1],
  minimise: [(y: injax.NDArray) => np.cos(y), 1],
  minimiseScalar: [(y: injax.NDArray) => np.cos(y), [1, 4]],
  proximalGradient: [(y: injax.NDArray) => y],
  projectBox: [x, 0, 1],
  projectL1Ball: [x],
  projectL2Ball: [x],
  projectNonNegative: [x],
  projectSimplex: [x],
  softThreshold: [x, 1],
  first: [{ init: () => null, update: (g: unknown) => [g, null] }],
  linearSolve: [m, x],
  factorise: [m],
  rootFind: [(y: injax.NDArray) => np.cos(y), 1],
  start: [solving],
  advance: [injax.start(solving), 1],
  finish: [injax.start(solving)],
  progress: [injax.start(solving)],
  "nn.dotProductAttention": [np.ones([2, 1, 2]), np.ones([3, 1, 2]), np.ones([3, 1, 2])],
  applyAlongAxis: [square, 0, m],
  applyOverAxes: [(y: injax.NDArray, axis: number) => np.sum(y, axis), m, 0],
  bartlett: [4],
  blackman: [4],
  hamming: [4],
  hanning: [4],
  dsplit: [np.ones([1, 1, 2]), 2],
  polyfit: [x, x, 1],
  putAlongAxis: [m, np.zeros([2, 2], { dtype: "int32" }), 0, 0],
  ravelMultiIndex: [[ints, ints], [2, 2]],
  "numpy.select": [[m], [m]],
  maskIndices: [2, np.triu],
  vectorize: [square],
  fromfunction: [square, [2]],
  promoteTypes: ["int32", "bool"],
  "debug.program": [square, [x]],
  "debug.nans": [square],
  ...haikuCalls,
};

/** What takes any number of operands, so that nothing is one too many; with arguments, by name. */
const open: Readonly<Record<string, readonly unknown[]>> = {
  cond: [true, square, square, x],
  switchCase: [0, [square, square], x],
  evalShape: [square, x],
  saveOnlyTheseNames: ["a"],
  saveAnyNamesButThese: ["a"],
  saveAnythingExceptTheseNames: ["a"],
  closureConvert: [square, x],
  linearTranspose: [(y: injax.NDArray) => np.mul(y, 2), x],
  initialize: [square, x],
  einsum: ["ij->i", m],
  "array.at": [0],
  "array.get": [0],
  at: [m, 0],
  selectN: [true, m, m],
  get: [m, 0],
  updateAt: [m, 0],
  broadcastArrays: [m, x],
  blockDiag: [m, x],
  resultType: [m],
  isScalar: [m],
  broadcastShapes: [[2, 1], [3]],
  ...haikuOpen,
  ...openTreeCalls,
  compose: [hk.transforms],
  treeMap: [(y: unknown) => y, [x]],
  exportOnnx: [square, x],
  exportOnnxWith: [{}, square, x],
  exportWasm: [square, x],
  exportWasmWith: [{}, square, x],
  check: [true, "fine"],
  print: [""],
  callback: [() => {}],
  whereJitDiffers: [square, x],
  whereJitDiffersWith: [{ backend: "interpreter" }, square, x],
};

/** What users do not call, and why. */
const notCalled: Readonly<Record<string, string>> = {
  NDArray: "a type; arrays are made by functions",
  GaussianKde: "made by gaussianKde",
  TreeDef: "made by treeStructure",
  ClosedJaxpr: "made by makeJaxpr",
  Solution: "made by solvers",
  Factorisation: "made by factorise",
  everythingSaveable: "checkpoint asks it",
  nothingSaveable: "checkpoint asks it",
  dotsSaveable: "checkpoint asks it",
  dotsWithNoBatchDimsSaveable: "checkpoint asks it",
  LinearOperator: "made by its static functions",
  LinearSolution: "made by solvers",
  Context: "made by Context.open",
  registerPytreeNode: "a class can be registered once; it has a test of its own",
  "array.settled": "of arrays in flight, for backends",
  "array.load": "of arrays on a device, for backends",
  "array.peek": "for backends",
  "array.surrender": "for backends",
  "array.toJSON": "JSON.stringify gives it a key",
  "array.toString": "JavaScript calls it",
  "array.dispose": "as a callback it is given what there is",
  "debug.Differences": "made by whereJitDiffers",
  ...haikuNotCalled,
  ...treeNotCalled,
};

/** Whether a function is a class, which is called with `new`. */
const isClass = (f: Fn): boolean => /^class\b/.test(Function.prototype.toString.call(f));

/** Whether an exported value is a group of functions: a namespace or a dictionary. */
function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    [null, Object.prototype].includes(Object.getPrototypeOf(value));
}

/** The functions below a path. */
function* functionsOf(
  group: Readonly<Record<string, unknown>>,
  path: string,
): Generator<[string, string, Fn]> {
  for (const [name, value] of Object.entries(group)) {
    const at = path === "" ? name : `${path}.${name}`;
    if (typeof value === "function") yield [at, name, value as Fn];
    else if (isGroup(value) && name !== "protocol") yield* functionsOf(value, at);
  }
}

/** The methods of arrays, called on `m`. */
function* methods(): Generator<[string, string, Fn]> {
  const names = new Set<string>();
  for (let p = Object.getPrototypeOf(m); p !== Object.prototype; p = Object.getPrototypeOf(p)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(p))) {
      if (typeof value === "function" && name !== "constructor") names.add(name);
    }
  }
  const on = (name: string): injax.NDArray => name === "item" ? m.sum() : m;
  for (const name of names) {
    const receiver = on(name) as unknown as Record<string, Fn>;
    yield [`array.${name}`, name, (...args) => receiver[name]!(...args)];
  }
}

/** Whether a call with these arguments works, also once it is awaited. */
async function works(f: Fn, args: readonly unknown[]): Promise<boolean> {
  try {
    await f(...args);
    return true;
  } catch {
    return false;
  }
}

/** Names of functions that no arguments are known for. */
export const unknown: string[] = [];

/** The functions, in every place from which they are exported. */
export async function callables(): Promise<Callable[]> {
  const found: Callable[] = [];
  const all = [
    // Beside themselves, `linalg` and `fft` are in `numpy`.
    ...[...functionsOf(injax, "")].filter(([path]) => !/^numpy\.(linalg|fft)\./.test(path)),
    ...functionsOf(fft, "fft"),
    ...functionsOf(lax, "lax"),
    ...functionsOf(initializers, "initializers"),
    ...functionsOf(stats, "stats"),
    ...functionsOf(tree, "tree"),
    // What families hold is called by the functions beside them.
    ...[...functionsOf(expfam, "expfam")].filter(([path]) => path.split(".").length === 2),
    ...functionsOf(solvers, "solvers"),
    ...functionsOf(linear, "linear"),
    ...Object.entries(placeModules).flatMap(([name, space]) => [...functionsOf(space, name)]),
    ...functionsOf(hk, "haiku"),
    ...functionsOf({ composed: injax.compose(hk.transforms), safe: injax.initSafe(pure) }, ""),
    ...methods(),
  ];
  const namesOf = new Map<Fn, Set<string>>();
  for (const [, name, f] of all) namesOf.set(f, (namesOf.get(f) ?? new Set()).add(name));
  for (const [path, name, f] of all) {
    if (Object.hasOwn(notCalled, path) || Object.hasOwn(notCalled, name)) {
      continue;
    }
    if (isClass(f) && f.prototype instanceof Error) continue; // as JavaScript's errors
    const made: Fn = isClass(f) ? (...args) => Reflect.construct(f, args) : f;
    const run: Fn = path.startsWith("haiku.")
      ? (...args) => inModel(() => made(...args))
      : Object.hasOwn(laneCalls, path)
      ? (...args) => inLanes(() => made(...args))
      : made;
    const known = open[path] ?? special[path] ?? special[name] ?? members[name] ?? open[name];
    let good: readonly unknown[] | undefined = known;
    for (const list of known === undefined ? usual : []) {
      if (await works(run, list)) {
        good = list;
        break;
      }
    }
    if (good === undefined || !await works(run, good)) unknown.push(path);
    else {
      const call: Fn = (...extra) => run(...good, ...extra);
      found.push({
        path,
        names: [...namesOf.get(f)!],
        open: Object.hasOwn(open, name) || Object.hasOwn(open, path),
        good,
        run,
        call,
      });
    }
  }
  return found;
}

/** Names that the tables have and nothing exports. */
export function unused(paths: readonly string[]): string[] {
  const known = (name: string): boolean => paths.some((p) => p === name || p.endsWith(`.${name}`));
  return [members, special, open].flatMap((table) => Object.keys(table)).filter((name) =>
    !known(name)
  );
}
