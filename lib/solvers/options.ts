/**
 * Checks of the options that solvers share.
 *
 * Bounds of unknowns: as users give them, and as vectors.
 *
 * What a method may ask at a point, by derivatives of the problem there.
 *
 * @module
 */
import {
  checkRoom,
  ConcreteArray,
  describeValue,
  DifferentiationError,
  type DType,
  DTypeError,
  formatShape,
  isFloat,
  type NDArray,
  type OptionKind,
  sameAval,
  scalarArray,
  shaped,
  type ShapedArray,
  ShapeError,
  type TreeDef,
  TreeError,
  treeFlatten,
  treeLeaves,
  treePaths,
  treeStructure,
  treeUnflatten,
} from "../core/mod.ts";
import {
  broadcastTo,
  convert,
  eq,
  full,
  iota,
  isFinite,
  or,
  select,
  select as where,
  stopGradient,
  transpose,
  zerosLike,
} from "../primitives/mod.ts";
import type { Transforms } from "../transforms/types.ts";
import { flattenArrays, flattenResult, nameOf, toArray } from "../transforms/trees.ts";
import type { Local, Problem } from "./method.ts";
import { norm } from "./norms.ts";

/**
 * Checks a tolerance.
 *
 * @throws {RangeError} where it is not a finite number that is not negative.
 */
export function checkTolerance(op: string, name: string, value: number): number {
  if (typeof value === "number" && value >= 0 && value < Infinity) return value;
  throw new RangeError(
    `${op}: ${name} must be a finite number that is not negative, not ${describeValue(value)}`,
  );
}

/**
 * Checks that an option holds what a function of that name makes.
 *
 * @throws {TypeError} showing what to write.
 */
export function checkMade(
  op: string,
  name: string,
  value: unknown,
  has: (value: Record<string, unknown>) => boolean,
  examples: string,
): void {
  if (typeof value === "object" && value !== null && has(value as Record<string, unknown>)) return;
  // The function that makes it in its place is the usual mistake.
  const uncalled = typeof value === "function" && examples.includes(`${value.name}()`)
    ? `. Call it: { ${name}: ${value.name}() }`
    : "";
  // A method of another family says what it is.
  const { description } = (value ?? {}) as { readonly description?: unknown };
  const given = typeof description === "string" ? description : describeValue(value);
  throw new TypeError(`${op}: ${name} must be ${examples}, not ${given}${uncalled}`);
}

type Shared =
  | "maxSteps"
  | "rtol"
  | "atol"
  | "solver"
  | "transforms"
  | "throw"
  | "history"
  | "bounds"
  | "adjoint"
  | "leg";

/** What the options hold that all methods in a trust region have. */
export const trustRegionOptions: Readonly<Record<Shared, OptionKind>> = {
  maxSteps: "count",
  rtol: "tolerance",
  atol: "tolerance",
  solver: "object",
  transforms: "object",
  throw: "boolean",
  history: "boolean",
  bounds: "object",
  adjoint: "object",
  leg: "object",
};

/** Checks the option `leg` of a solver, if it is there. */
export function checkLeg(op: string, leg: unknown): void {
  if (leg === undefined) return;
  checkMade(op, "leg", leg, (l) => typeof l.take === "function", "what start() gives");
}

/** Checks the option `warmStart` of a solver, if it is there. */
export function checkWarmStart(op: string, warmStart: unknown): void {
  if (warmStart === undefined) return;
  const made = "a solution of the same solver that was made with keepMemory: true";
  checkMade(op, "warmStart", warmStart, (s) => Boolean(s.memory), made);
}

/**
 * Checks that the memory of an earlier solve is one that a method can go on with, such as `like`.
 *
 * @throws {TypeError} where it is that of another method, or of other unknowns.
 */
export function checkMemory(description: string, memory: unknown, like: unknown): void {
  const [given, own] = [memory, like].map((tree) => treeFlatten(tree) as [NDArray[], TreeDef]) as [
    [NDArray[], TreeDef],
    [NDArray[], TreeDef],
  ];
  const fits = given[1] === own[1] && given[0].every((x, i) => sameAval(x.aval, own[0][i]!.aval));
  if (fits) return;
  throw new TypeError(
    `warmStart: what an earlier solve has kept does not fit ${description} here. It must be of the same solver with the ` +
      "same settings, and of as many unknowns and residuals of the same dtypes",
  );
}

/**
 * What a function with an auxiliary output returned, `[what, aux]`.
 *
 * @throws {TreeError} where that is no list of two, or the second is no tree of arrays.
 */
export function withAux(
  op: string,
  f: unknown,
  result: unknown,
  what: string,
): readonly [unknown, unknown] {
  if (Array.isArray(result) && result.length === 2) {
    flattenArrays(op, result[1], `the aux output of ${nameOf(f)}`);
    return result as [unknown, unknown];
  }
  throw new TreeError(
    `${op}: with hasAux, ${nameOf(f)} must return [${what}, aux], not ${
      Array.isArray(result) ? `a list of ${result.length}` : describeValue(result)
    }`,
  );
}

/** What to do about a function that returned no scalar but an array, or a tree. */
export interface ScalarHints {
  readonly array: string;
  readonly tree: string;
}

/**
 * The scalar that a function returned.
 *
 * @throws {TreeError} where it returned a tree, as `grad` does.
 * @throws {ShapeError} where it returned an array.
 * @throws {DTypeError} where that is not floating-point.
 */
export function scalarOf(op: string, f: unknown, result: unknown, hints: ScalarHints): NDArray {
  const [leaves, def] = flattenResult(op, f, result);
  const value = leaves[0];
  if (value === undefined || def !== oneLeaf) {
    throw new TreeError(
      `${op}: ${nameOf(f)} must return a scalar, but it returned the tree ${def}. ${hints.tree}`,
    );
  }
  if (value.ndim !== 0) {
    throw new ShapeError(
      `${op}: ${nameOf(f)} must return a scalar, not an array of shape ${
        formatShape(value.shape)
      }. ${hints.array}`,
    );
  }
  if (!isFloat(value.dtype)) {
    throw new DTypeError(`${op}: ${nameOf(f)} must return a float, not ${value.dtype}`);
  }
  return value;
}

/** The structure of an array by itself. */
export const oneLeaf: TreeDef = /* @__PURE__ */ treeStructure(0);

/** Names what is made of a user's function after it, or after what it is the function of: so messages say what they are about. */
export function named<F extends (...args: never[]) => unknown>(
  op: string,
  f: { readonly name: string },
  made: F,
): F {
  return Object.defineProperty(made, "name", { value: f.name || `the function of ${op}` });
}

/**
 * The ends of a bracket as scalars of one dtype. Plain numbers are as precise as what `valueAt` gives.
 *
 * @throws {TypeError} where they are no list of two numbers or arrays.
 * @throws {ShapeError} where an end is not a scalar.
 * @throws {DTypeError} where an end is not floating-point.
 */
export function endsOf(
  op: string,
  bracket: unknown,
  valueAt: (x: NDArray) => NDArray,
  transforms: Transforms,
): readonly [NDArray, NDArray] {
  const given = bracketOf(op, bracket);
  const plain = (bracket as unknown[]).some((end) => typeof end === "number");
  if (!plain || given[0].dtype === "float64") return given;
  const dtype = toldDType(transforms.evalShape(valueAt, given[0]));
  return bracketOf(op, inPrecisionOf(dtype, bracket));
}

/** The same as they are given. */
export function bracketOf(op: string, bracket: unknown): readonly [NDArray, NDArray] {
  if (!Array.isArray(bracket) || bracket.length !== 2) {
    throw new TypeError(
      `${op}: the bracket must be a list of two scalars, not ${describeValue(bracket)}. Write ` +
        `${op}(f, [a, b])`,
    );
  }
  const [first, second] = bracket.map((end) => {
    const x = toArray(end);
    if (x === null) {
      throw new TypeError(
        `${op}: the ends of the bracket must be numbers or arrays, not ${describeValue(end)}`,
      );
    }
    if (x.ndim !== 0) {
      throw new ShapeError(
        `${op}: an end of the bracket has shape ${formatShape(x.shape)}, not []`,
      );
    }
    if (!isFloat(x.dtype)) {
      throw new DTypeError(`${op}: an end of the bracket is ${x.dtype}, not a float`);
    }
    return x;
  }) as [NDArray, NDArray];
  const wide = first.dtype === "float64" ? first.dtype : second.dtype;
  return [first.astype(wide), second.astype(wide)];
}

/**
 * Checks that the matrix [rows, columns] that a method makes can be held, before anything is computed.
 *
 * @throws {RangeError} with its size, and what to do without.
 */
export function checkMatrixRoom(
  by: string,
  what: string,
  [rows, columns]: readonly [number, number],
  dtype: DType,
  instead: string,
): void {
  checkRoom(by, shaped([rows, columns], dtype), what, instead);
}

/** The dtype of what `evalShape` gives for one array. */
export const toldDType = (told: unknown): DType => (told as ShapedArray).dtype;

/**
 * The leaves of a start. Plain numbers are rounded to float32, whole ones too, until it is known how precise they are to be.
 *
 * @throws as `flattenArrays` does.
 */
export function startOf(op: string, x0: unknown, what = "x0"): [NDArray[], TreeDef] {
  return flattenArrays(op, withNumbersAs("float32", x0), what);
}

/** A tree whose plain numbers are arrays of a dtype. */
function withNumbersAs(dtype: DType, tree: unknown): unknown {
  const [leaves, def] = treeFlatten(tree) as [unknown[], TreeDef];
  if (!leaves.some((x) => typeof x === "number")) return tree;
  return treeUnflatten(def, leaves.map((x) => typeof x === "number" ? scalarArray(x, dtype) : x));
}

/** A start, of which plain numbers are as precise as the data: float64 where these are. */
export function inPrecisionOf(dtype: DType, start: unknown): unknown {
  return dtype === "float64" ? withNumbersAs(dtype, start) : start;
}

/** Bounds of the unknowns; what is left out is unbounded. */
export interface Bounds {
  /**
   * A number for all unknowns, or a tree like the start, in which a number may stand for whole arrays and records,
   * and what is left out is unbounded.
   */
  readonly lower?: unknown;
  /** The same above. */
  readonly upper?: unknown;
}

/**
 * Bounds as trees like the unknowns `leaves`.
 *
 * @throws {TypeError} where they are not `{ lower, upper }`.
 * @throws {ShapeError} where a bound fits no unknown.
 * @throws {RangeError} where a lower bound is above an upper one, or NaN.
 */
export function boundTrees(
  op: string,
  given: Bounds,
  leaves: readonly NDArray[],
  def: TreeDef,
): { readonly lower: unknown; readonly upper: unknown } {
  const sides = ["lower", "upper"];
  const has = (b: Record<string, unknown>): boolean => sides.some((side) => side in b);
  checkMade(op, "bounds", given, has, "{ lower, upper }");
  const other = Object.keys(given).find((key) => !sides.includes(key));
  if (other !== undefined) {
    throw new TypeError(`${op}: bounds have no ${other}; there are lower and upper`);
  }
  const { lower = -Infinity, upper = Infinity } = given;
  const paths = treePaths(def);
  const side = (given: unknown, what: string, nothing: number): NDArray[] => {
    if (typeof given === "number") return leaves.map((x) => full(x.shape, given, x.dtype));
    // Numbers are rounded once, to what their unknown is.
    const [bounds, own] = flattenArrays(op, withNumbersAs("float64", given), what);
    const places = treePaths(own);
    // The bound of a leaf is what stands at its place, or at that of something it is in.
    const holds = (i: number, place: string): boolean =>
      place === "" || paths[i] === place ||
      (paths[i]!.startsWith(place) && /^[.[]/.test(paths[i]!.slice(place.length)));
    const idle = places.find((place) => !leaves.some((_, i) => holds(i, place)));
    if (idle !== undefined || bounds.length === 0) {
      const list = def === oneLeaf && Array.isArray(given)
        ? ". Make an array of a list with np.array(...)"
        : "";
      throw new ShapeError(
        `${op}: ${what} must be a number or a tree like the start, ${def}, or a part of it, not ${own}${list}`,
      );
    }
    return leaves.map((leaf, i) => {
      const { shape, dtype } = leaf;
      const b = bounds[places.findIndex((place) => holds(i, place))];
      if (b === undefined) return full(shape, nothing, dtype);
      if (b.ndim > 0 && formatShape(b.shape) !== formatShape(shape)) {
        throw new ShapeError(
          `${op}: a bound in ${what} has shape ${formatShape(b.shape)}, its unknown has ${
            formatShape(shape)
          }`,
        );
      }
      return broadcastTo(convert(b, dtype), shape);
    });
  };
  const [lo, hi] = [
    side(lower, "bounds.lower", -Infinity),
    side(upper, "bounds.upper", Infinity),
  ];
  lo.forEach((l, i) => {
    const h = hi[i]!;
    if (isOpen(l) || isOpen(h)) return;
    const [a, b] = [l.dataSync(), h.dataSync()];
    for (let k = 0; k < a.length; k++) {
      if (a[k]! <= b[k]!) continue;
      const place = paths[i]!.replace(/^\./, "") || "the unknown";
      const which = l.ndim === 0 ? place : `element ${k} of ${place}`;
      throw new RangeError(
        a[k]! > b[k]!
          ? `${op}: the lower bound ${a[k]} is above the upper bound ${b[k]} of ${which}`
          : `${op}: a bound of ${which} is not a number. Leave out what is unbounded`,
      );
    }
  });
  return { lower: treeUnflatten(def, lo), upper: treeUnflatten(def, hi) };
}

/** Whether an array is traced or in flight, so that its elements are known when the program runs. */
const isOpen = (x: NDArray): boolean => !(x instanceof ConcreteArray) || x.peek() === null;

/**
 * A start brought within bounds, of which `boundTrees` has checked those that are known. Between bounds that are computed
 * and upside down there is no start: it is NaN, of which every solve says so.
 */
export function clipped(x: unknown, lower: unknown, upper: unknown, def: TreeDef): unknown {
  const [lo, hi] = [treeLeaves(lower) as NDArray[], treeLeaves(upper) as NDArray[]];
  const xs = treeLeaves(x) as NDArray[];
  return treeUnflatten(
    def,
    xs.map((v, i) => {
      const [l, h] = [lo[i]!, hi[i]!];
      const inside = between(v, l, h);
      return isOpen(l) || isOpen(h) ? orNaN(l.lessEqual(h), inside) : inside;
    }),
  );
}

/** Whether an element is such, where they are known, else `null`. */
export function someKnown(x: NDArray, is: (element: number) => boolean): boolean | null {
  return isOpen(x) ? null : Array.from(x.dataSync(), Number).some(is);
}

/** `x` where that holds, and NaN elsewhere. */
export function orNaN(holds: NDArray, x: NDArray): NDArray {
  return where(holds, x, full(x.shape, NaN, x.dtype));
}

/** `x` brought between two others. */
export function between(x: NDArray, lower: NDArray, upper: NDArray): NDArray {
  const low = where(x.less(lower), lower, x);
  return where(low.greater(upper), upper, low);
}

/** A step [n] from `x` to be differentiated: where it ends at a bound or beyond, that is where it ends, whatever `x` is. */
export function heldWithin(
  x: NDArray,
  step: NDArray,
  bounds: { readonly lower: NDArray; readonly upper: NDArray } | null,
): NDArray {
  if (bounds === null) return step;
  const { lower, upper } = bounds;
  const end = stopGradient(x.add(step));
  const rests = or(end.lessEqual(lower), end.greaterEqual(upper));
  return where(rests, between(end, lower, upper).sub(x), step);
}

/** What needs a derivative, and where there is none, what is lacking and what to do. */
export function toldWhy<T>(lacking: string | undefined, derivative: () => T): T {
  try {
    return derivative();
  } catch (error) {
    if (!(error instanceof DifferentiationError) || lacking === undefined) throw error;
    throw new DifferentiationError(`${lacking}. ${error.message}`);
  }
}

/** A problem's `Local` at `x` [n]. */
export function localAt<Given extends Pick<Local, "transforms">>(
  { evaluate, lacking }: Pick<Problem, "evaluate" | "lacking">,
  x: NDArray,
  given: Given,
): Given & Pick<Local, "evaluate" | "jacobian" | "push" | "pull"> {
  const { transforms } = given;
  const residual = (x: NDArray): NDArray => evaluate(x).r;
  const jacobian = (): NDArray => {
    const [r, push] = transforms.linearize(residual, [x]);
    const [m, n] = [r.size, x.size];
    const identity = (k: number): NDArray =>
      eq(iota([k, k], 0, "int32"), iota([k, k], 1, "int32")).astype(x.dtype);
    // The fewer products.
    if (n <= m) return transpose(transforms.vmap(push)(identity(n)) as NDArray, [1, 0]);
    const [, pull] = transforms.vjp(residual, [x]);
    return transforms.vmap((w: NDArray) => pull(w)[0])(identity(m)) as NDArray;
  };
  return {
    ...given,
    evaluate,
    jacobian: () => toldWhy(lacking, jacobian),
    push: (v) => toldWhy(lacking, () => transforms.jvp(residual, [x], [v])[1] as NDArray),
    pull: (w) => toldWhy(lacking, () => transforms.vjp(residual, [x])[1](w)[0] as NDArray),
  };
}

/**
 * What a step [n] from `x` answers to changes of what it is computed of: 0 with the derivatives of `x + step`, and
 * without any where that is not finite.
 */
export function answerOf(x: NDArray, step: NDArray): NDArray {
  const line = x.add(step);
  const answer = line.sub(stopGradient(line));
  return select(isFinite(norm(stopGradient(line))), answer, zerosLike(answer));
}
