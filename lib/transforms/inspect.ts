/**
 * Programs and shapes of functions, without running them.
 *
 * Functions that go to files: they are recorded once, capture nothing that is not known yet, and their
 * inputs and outputs have names.
 *
 * @module
 */
import {
  type Atom,
  describeValue,
  type DType,
  formatJaxpr,
  type Jaxpr,
  NDArray,
  type OptionTable,
  programsIn,
  readOptions,
  type ShapedArray,
  ShapeError,
  Shown,
  type TreeDef,
  TreeError,
  treeFlatten,
  treePaths,
  treeUnflatten,
} from "../core/mod.ts";
import { stage } from "../interpreters/staging.ts";
import { ShapeDtype } from "./shape_dtype.ts";
import type { Tree } from "./tree_types.ts";
import { checkFunction, flatFunction, flattenArrays, nameOf, withName } from "./trees.ts";
import { positionsOf, splitStatic } from "./jit.ts";
import type { AnyFunction, Argnums, Examples } from "./types.ts";

/** A program as those see it who transform programs. */
export interface OpenJaxpr {
  /** The program; its inputs are those of `consts`, then the leaves of the arguments. */
  readonly jaxpr: Jaxpr;
  /**
   * What the function captured and has no elements yet: values of enclosing transforms, and arrays in
   * flight. Other arrays are literals of the program.
   */
  readonly consts: readonly NDArray[];
  /** Structure of the result. */
  readonly outDef: TreeDef;
}

/**
 * A function's program, as text and in numbers: the program itself is for those who extend the
 * library, `openJaxpr` in `@injax/injax/extend`.
 *
 * @example
 * ```ts
 * import { makeJaxpr, type NDArray, numpy as np, ShapeDtype } from "@injax/injax";
 *
 * const program = makeJaxpr((x: NDArray) => np.sin(x).mul(2))(new ShapeDtype([3]));
 * console.log(program.primitives); // [ "sin", "mul" ]
 * console.log(String(program.inputs), String(program.outputs)); // float32[3] float32[3]
 * console.log(String(program));
 * // { lambda a:float32[3] ; let
 * //   b:float32[3] = sin a
 * //   c:float32[3] = mul b 2:float32[]
 * // in (c) }
 * ```
 */
export class ClosedJaxpr extends Shown {
  // Not a `#open`: tools that compare values look into it.
  private readonly open!: OpenJaxpr;

  private constructor() {
    super();
  }

  /** Shapes and dtypes of the leaves of the arguments. */
  get inputs(): readonly ShapeDtype[] {
    const { jaxpr, consts } = this.open;
    return jaxpr.inputs.slice(consts.length).map(typeOf);
  }
  /** Shapes and dtypes of the leaves of the result. */
  get outputs(): readonly ShapeDtype[] {
    return this.open.jaxpr.outputs.map(typeOf);
  }
  /**
   * The operations by name, in the order of the program: each as often as it stands there, programs
   * inside of loops, branches and calls included, each behind the operation that it belongs to.
   */
  get primitives(): readonly string[] {
    return primitivesIn(this.open.jaxpr);
  }
  /** The program in JAX's notation. */
  override toString(): string {
    return formatJaxpr(this.open.jaxpr);
  }
}

function typeOf({ aval: { shape, dtype } }: Atom): ShapeDtype {
  return new ShapeDtype(shape, dtype);
}

function primitivesIn(jaxpr: Jaxpr): string[] {
  return jaxpr.eqns.flatMap((eqn) => [
    eqn.primitive.name,
    ...programsIn(eqn).flatMap(primitivesIn),
  ]);
}

function closed(open: OpenJaxpr): ClosedJaxpr {
  return Object.assign(Object.create(ClosedJaxpr.prototype), { open });
}

/** The program of a function, to be worked on: see `makeJaxpr`. */
export function openJaxpr(closed: ClosedJaxpr): OpenJaxpr {
  return closed["open"];
}

/**
 * Types of the leaves of arguments of which some may be `ShapeDtype`s. Only `exportOnnx` takes `open`
 * lengths.
 *
 * @throws {ShapeError} where a length is open.
 * @throws {TypeError} where the function takes arguments and there are none.
 */
export function argumentTypes(
  op: string,
  f: AnyFunction,
  args: readonly unknown[],
): [ShapedArray[], TreeDef] {
  const [types, def] = openArgumentTypes(op, f, args);
  types.forEach(({ shape }, i) => {
    const open = shape.find((n) => typeof n === "string");
    if (open === undefined) return;
    throw new ShapeError(
      `${op}: the shape of arguments${treePaths(def)[i]} has the open length ${
        JSON.stringify(open)
      }, which only exportOnnx knows what to do with. Put a number there`,
    );
  });
  return [types as ShapedArray[], def];
}

/** The same, with open lengths as their names. */
export function openArgumentTypes(
  op: string,
  f: AnyFunction,
  args: readonly unknown[],
): [OpenType[], TreeDef] {
  if (args.length === 0 && f.length > 0) {
    throw new TypeError(
      `${op}: ${nameOf(f)} takes ${f.length} argument${
        f.length === 1 ? "" : "s"
      }, but there is no ` +
        "example. Give arrays or ShapeDtypes like its arguments",
    );
  }
  const [leaves, def] = treeFlatten(args);
  const given = (x: unknown): x is NDArray | ShapeDtype<number | string> =>
    x instanceof NDArray || x instanceof ShapeDtype;
  if (leaves.every(given)) return [leaves.map(bare), def];
  const real = leaves.map((x) => x instanceof ShapeDtype ? 0 : x);
  const [arrays] = flattenArrays(op, treeUnflatten(def, real), `an argument of ${nameOf(f)}`);
  return [
    arrays.map((x, i) => {
      const leaf = leaves[i];
      return bare(given(leaf) ? leaf : x);
    }),
    def,
  ];
}

function bare({ shape, dtype }: OpenType): OpenType {
  return { shape, dtype };
}

/** A type of an array in which lengths may be open. */
export interface OpenType {
  /** Length of each axis, or its name. */
  readonly shape: readonly (number | string)[];
  /** Element type. */
  readonly dtype: DType;
}

/** Options of {@linkcode makeJaxpr}. */
export interface MakeJaxprOptions {
  /** Arguments that are part of the program: any values. */
  readonly staticArgnums?: Argnums | undefined;
  /** Whether the types of the results are given too, as `evalShape` gives them. */
  readonly returnShape?: boolean | undefined;
}

const jaxprOptions: OptionTable<MakeJaxprOptions> = {
  staticArgnums: "argnums",
  returnShape: "boolean",
};

/**
 * The program that `f` amounts to, for arguments (or `ShapeDtype`s) like those given.
 *
 * @example
 * ```ts
 * import { makeJaxpr, numpy as np } from "@injax/injax";
 *
 * console.log(String(makeJaxpr((x) => np.sin(x).mul(2))(np.ones([3]))));
 * // { lambda a:float32[3] ; let
 * //   b:float32[3] = sin a
 * //   c:float32[3] = mul b 2:float32[]
 * // in (c) }
 * ```
 */
export function makeJaxpr<A extends unknown[] = NDArray[]>(
  f: (...args: A) => Tree,
  options: MakeJaxprOptions & { readonly returnShape: true },
): (...args: Examples<A>) => [jaxpr: ClosedJaxpr, shapes: unknown];
/** The program alone. */
export function makeJaxpr<A extends unknown[] = NDArray[]>(
  f: (...args: A) => Tree,
  options?: MakeJaxprOptions,
): (...args: Examples<A>) => ClosedJaxpr;
export function makeJaxpr<A extends unknown[] = NDArray[]>(
  f: (...args: A) => Tree,
  options: MakeJaxprOptions = {},
): (...args: Examples<A>) => ClosedJaxpr | [jaxpr: ClosedJaxpr, shapes: unknown] {
  const op = "makeJaxpr";
  if (arguments.length > 1) options = readOptions(`${op}(f, options)`, arguments, jaxprOptions);
  checkFunction(op, f);
  const list = positionsOf(options.staticArgnums);
  return withName(op, f, (...args: Examples<A>) => {
    const [call, dynamic] = splitStatic(op, "staticArgnums", f as AnyFunction, args, list);
    const [avals, def] = argumentTypes(op, f, dynamic);
    const flat = flatFunction(op, call, def);
    const { jaxpr, consts } = stage(`makeJaxpr of ${nameOf(f)}`, (xs) => flat.call(xs), avals);
    const program = closed({ jaxpr, consts, outDef: flat.outDef() });
    return options.returnShape ? [program, shapesOf(flat.outDef(), jaxpr)] : program;
  });
}

/** The types of what a program gives, in its structure. */
function shapesOf(outDef: TreeDef, { outputs }: Jaxpr): unknown {
  return treeUnflatten(outDef, outputs.map((a) => new ShapeDtype(a.aval.shape, a.aval.dtype)));
}

/** See `Transforms.evalShape`. */
export function evalShape(f: AnyFunction, ...args: unknown[]): unknown {
  checkFunction("evalShape", f);
  const [avals, def] = argumentTypes("evalShape", f, args);
  const flat = flatFunction("evalShape", f, def);
  const { jaxpr } = stage(`evalShape of ${nameOf(f)}`, (xs) => flat.call(xs), avals);
  return shapesOf(flat.outDef(), jaxpr);
}

/** A recorded function. */
export interface Recorded {
  /** Its program. */
  readonly jaxpr: Jaxpr;
  /** The structure of its result. */
  readonly outDef: TreeDef;
}

/** The program of `f`, which must capture nothing that is not known yet. */
export function recordFile(
  op: string,
  f: AnyFunction,
  def: TreeDef,
  avals: readonly ShapedArray[],
): Recorded {
  const flat = flatFunction(op, f, def);
  const { jaxpr, consts } = stage(`${op} of ${nameOf(f)}`, (xs) => flat.call(xs), avals);
  if (consts.length > 0) {
    throw new TreeError(
      `${op}: ${
        nameOf(f)
      } uses a value that is being traced by an enclosing transform or is still in ` +
        "flight. Export outside of transforms, and await ready(...) first",
    );
  }
  if (jaxpr.outputs.length === 0) {
    throw new TreeError(
      `${op}: ${nameOf(f)} returned no arrays, and a file without outputs is none that runs`,
    );
  }
  return { jaxpr, outDef: flat.outDef() };
}

/** Names of inputs: the argument's own or its number, and the path in it. */
export function inputNamesOf(def: TreeDef, names: readonly string[]): string[] {
  const taken = new Set<string>();
  return treePaths(def).map((path) => {
    const stem = path.replace(/^\[(\d+)\]/, (_, i) => names[Number(i)] ?? `arg${i}`);
    let name = stem;
    for (let n = 2; taken.has(name); n++) name = `${stem}_${n}`;
    taken.add(name);
    return name;
  });
}

/** Names of outputs: the path in the result. */
export function outputNamesOf(def: TreeDef): string[] {
  return treePaths(def).map((path) => `out${path}`);
}

/** Checks names for arguments. */
export function checkNames(
  op: string,
  argumentNames: readonly string[] | undefined,
  args: number,
): readonly string[] {
  if (argumentNames === undefined) return [];
  if (argumentNames.length > args) {
    throw new TreeError(
      `${op}: argumentNames has ${argumentNames.length} names, but there are ${args} example arguments`,
    );
  }
  argumentNames.forEach((name, i) => {
    // deno-lint-ignore no-control-regex -- runtimes take names for C strings
    if (typeof name === "string" && name.isWellFormed() && !/[\0-\x1f]/.test(name)) return;
    throw new TypeError(
      `${op}: argumentNames[${i}] must be a string without control characters, not ${
        describeValue(name)
      }`,
    );
  });
  return argumentNames;
}
