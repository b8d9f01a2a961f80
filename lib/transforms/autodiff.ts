/**
 * Derivatives of functions on pytrees, made from the interpreters.
 *
 * @module
 */
import {
  AxisError,
  bind,
  ConcreteArray,
  describeTreeDifference,
  DTypeError,
  evalJaxpr,
  formatAval,
  isFloat,
  Linear,
  NDArray,
  sameAval,
  type ShapedArray,
  ShapeError,
  StateError,
  type Tangent,
  type TreeDef,
  TreeError,
  treePaths,
  treeUnflatten,
} from "../core/mod.ts";
import { batchFlat } from "../interpreters/batch.ts";
import { jvpFlat } from "../interpreters/jvp.ts";
import { type Linearized, linearizeFlat } from "../interpreters/partial.ts";
import { backwardPass } from "../interpreters/transpose.ts";
import {
  batchAxisInFront,
  convert,
  eq,
  iota,
  moveAxis,
  reshape,
  scalarLike,
  zeros,
} from "../primitives/mod.ts";
import {
  adviceOf,
  called,
  checkFunction,
  flattenArrays,
  flattenMixed,
  flattenResult,
  nameOf,
  withName,
} from "./trees.ts";
import type { AnyFunction, DiffOptions, HasAux } from "./types.ts";

/** Which arguments to differentiate, checked. */
export function checkArgnums(
  op: string,
  f: AnyFunction,
  argnums: number | readonly number[],
  count: number,
): number[] {
  const positions = (typeof argnums === "number" ? [argnums] : [...argnums]).map((n) => {
    if (!Number.isInteger(n) || n < -count || n >= count) {
      throw new AxisError(
        `${op}: argnums ${n} is out of range: ${nameOf(f)} was called with ${count} argument${
          count === 1 ? "" : "s"
        }`,
      );
    }
    return n < 0 ? n + count : n;
  });
  const twice = positions.find((n, i) => positions.indexOf(n) < i);
  if (twice === undefined) return positions;
  throw new AxisError(`${op}: argnums names argument ${twice} twice. Name each argument once`);
}

/** Where a leaf of a tree is, for messages: nothing where it is the tree. */
function placeIn(def: TreeDef, leaf: number): string {
  const path = treePaths(def)[leaf]!;
  return path === "" ? "" : ` at ${path}`;
}

function checkFloat(
  op: string,
  arrays: readonly NDArray[],
  def: TreeDef,
  what: string,
  tree?: unknown,
): void {
  arrays.forEach((x, i) => {
    if (isFloat(x.dtype)) return;
    const own = adviceOf(tree);
    throw new DTypeError(
      `${op}: ${what}${placeIn(def, i)} is ${
        formatAval(x.aval)
      }, and only floating-point values have derivatives. ` +
        'Convert it with astype("float32"), or differentiate with respect to other arguments (argnums)' +
        (own === undefined ? "" : `; ${own}`),
    );
  });
}

/** A user's function as a function of the leaves of the chosen arguments alone. */
export class Restricted {
  /** Leaves of the chosen arguments. */
  readonly primals: NDArray[];
  /** Structure of each chosen argument. */
  readonly defs: TreeDef[];
  #outDef: TreeDef | undefined;
  #aux: { readonly leaves: readonly unknown[]; readonly def: TreeDef } | undefined;
  readonly #args: unknown[];

  constructor(
    readonly op: string,
    readonly f: AnyFunction,
    args: readonly unknown[],
    readonly argnums: readonly number[],
    readonly hasAux: boolean,
    allowIntegers = false,
  ) {
    const [leaves, def] = flattenMixed(op, args, `an argument of ${nameOf(f)}`);
    this.#args = treeUnflatten(def, leaves) as unknown[];
    const chosen = argnums.map((n) => {
      const what = `argument ${n} of ${nameOf(f)}`;
      const [xs, d] = flattenArrays(op, this.#args[n], what);
      if (!allowIntegers) checkFloat(op, xs, d, what, this.#args[n]);
      return [xs, d] as const;
    });
    this.primals = chosen.flatMap(([xs]) => xs);
    this.defs = chosen.map(([, d]) => d);
  }

  /** The leaves of the value, then those of the auxiliary output. */
  call(xs: readonly NDArray[]): NDArray[] {
    const inputs = [...this.#args];
    let next = 0;
    this.defs.forEach((d, k) => {
      inputs[this.argnums[k]!] = treeUnflatten(d, xs.slice(next, next += d.numLeaves));
    });
    const result = called(this.f, inputs);
    if (!this.hasAux) {
      const [outs, def] = flattenResult(this.op, this.f, result);
      this.#outDef = def;
      return outs;
    }
    if (!Array.isArray(result) || result.length !== 2) {
      throw new TreeError(`${this.op}: with hasAux, ${nameOf(this.f)} must return [value, aux]`);
    }
    const [outs, def] = flattenResult(this.op, this.f, result[0]);
    const what = `the aux output of ${nameOf(this.f)}`;
    const [aux, auxDef] = flattenMixed(this.op, result[1], what, true);
    this.#outDef = def;
    this.#aux = { leaves: aux, def: auxDef };
    return [...outs, ...aux.filter((x) => x instanceof NDArray)];
  }

  /** Structure of the value. */
  get outDef(): TreeDef {
    return this.#outDef!;
  }

  /** Value, or `[value, aux]`, from the outputs of `call`. */
  result(outs: readonly NDArray[]): unknown {
    const n = this.outDef.numLeaves;
    const value = treeUnflatten(this.outDef, outs.slice(0, n));
    if (!this.hasAux) return value;
    const { leaves, def } = this.#aux!;
    let next = n;
    return [value, treeUnflatten(def, leaves.map((x) => x instanceof NDArray ? outs[next++] : x))];
  }

  /** Derivatives with respect to the chosen arguments, as trees. */
  derivatives(leaves: readonly unknown[], single: boolean): unknown {
    let next = 0;
    const trees = this.defs.map((d) => treeUnflatten(d, leaves.slice(next, next += d.numLeaves)));
    return single ? trees[0] : trees;
  }
}

function restrict(op: string, f: AnyFunction, args: readonly unknown[], options: DiffOptions) {
  const { argnums = 0, entries } = options as { argnums?: number | number[]; entries?: unknown };
  if (entries !== undefined) {
    throw new StateError(
      `${op}: entries are parameters and state of a module system, and here is none. Pass that ` +
        "system's dictionary, and use it inside of its context",
    );
  }
  const fn = new Restricted(
    op,
    f,
    args,
    checkArgnums(op, f, argnums, args.length),
    options.hasAux ?? false,
  );
  return { fn, single: typeof argnums === "number" };
}

/** See `Transforms.valueAndGrad`. */
export function valueAndGrad(f: AnyFunction, options: DiffOptions = {}): AnyFunction {
  return gradient("valueAndGrad", f, options, (value, g) => [value, g]);
}

/** See `Transforms.grad`. */
export function grad(f: AnyFunction, options: DiffOptions = {}): AnyFunction {
  return gradient(
    "grad",
    f,
    options,
    (value, g) => options.hasAux ? [g, (value as unknown[])[1]] : g,
  );
}

function gradient(
  op: string,
  f: AnyFunction,
  options: DiffOptions,
  finish: (value: unknown, gradient: unknown) => unknown,
): AnyFunction {
  checkFunction(op, f);
  return withName(op, f, (...args: unknown[]) => {
    const { fn, single } = restrict(op, f, args, options);
    const lin = linearizeFlat(`${op} of ${nameOf(f)}`, (xs) => fn.call(xs), fn.primals);
    const out = lin.outs[0];
    if (fn.outDef.kind !== "leaf" || out!.ndim !== 0) {
      throw new ShapeError(
        `${op}: ${nameOf(f)} must return a scalar, but it returned ${
          fn.outDef.kind === "leaf" ? formatAval(out!.aval) : `the tree ${fn.outDef}`
        }. Reduce it (for example with sum or mean), or use jacrev or vjp`,
      );
    }
    checkFloat(op, [out!], fn.outDef, `the result of ${nameOf(f)}`);
    const cts = pullBack(lin, [convert(scalarLike(1, out!), out!.dtype)]);
    const leaves = fn.primals.map((p, i) => cts[i] ?? zeros(p.aval));
    return finish(fn.result(lin.outs), fn.derivatives(leaves, single));
  });
}

type Lin = Pick<Linearized, "jaxpr" | "consts" | "activeIn" | "activeOut">;

/** Cotangents of the primals from those of the first outputs. */
export function pullBack(lin: Lin, cts: readonly Tangent[]): Tangent[] {
  const { jaxpr, consts, activeIn, activeOut } = lin;
  const args = jaxpr.inputs.map((v, i) => consts[i] ?? new Linear(v.aval));
  const outCts = activeOut.flatMap((a, i) => a ? [cts[i] ?? null] : []);
  const back = backwardPass(jaxpr, args, outCts).slice(consts.length);
  let next = 0;
  return activeIn.map((a) => a ? back[next++]! : null);
}

const avalsOf = (xs: readonly NDArray[]): ShapedArray[] => xs.map((x) => x.aval);

/** Checks that tangents or cotangents match values; gives them with `null` where not differentiable. */
export function checkTangents(
  op: string,
  what: string,
  values: readonly ShapedArray[],
  def: TreeDef,
  tangents: readonly NDArray[],
  tangentDef: TreeDef,
): Tangent[] {
  if (def !== tangentDef) {
    throw new TreeError(
      `${op}: the ${what} must have the structure of the values: they differ ${
        describeTreeDifference(def, tangentDef)
      }`,
    );
  }
  return values.map((x, i) => {
    const t = tangents[i]!;
    if (!isFloat(x.dtype)) {
      if (t instanceof ConcreteArray && t.peek()?.some((v) => v !== 0)) {
        throw new DTypeError(
          `${op}: the ${what}${placeIn(def, i)} is not 0, but the value is ${
            formatAval(x)
          }, and only ` +
            'floating-point values change by little. Pass zeros for it, or convert the value with astype("float32")',
        );
      }
      return null;
    }
    if (sameAval(x, t.aval)) return t;
    if (t.dtype !== x.dtype && isFloat(t.dtype) && x.shape.length === 0 && t.ndim === 0) {
      return convert(t, x.dtype);
    }
    throw new ShapeError(
      `${op}: the ${what}${placeIn(def, i)} is ${formatAval(t.aval)}, but the value is ${
        formatAval(x)
      }. They must have the same shape and dtype`,
    );
  });
}

/**
 * Checks that primals or tangents are a list.
 *
 * @throws {TreeError} showing the right call.
 */
export function checkList(
  op: string,
  what: string,
  primals: unknown,
): asserts primals is unknown[] {
  if (!Array.isArray(primals)) {
    throw new TreeError(
      `${op}: ${what} must be an array with one entry for each argument of the function, as in ` +
        `${op}(f, [x])`,
    );
  }
}

/** A function of all of a list of primals, which may have an auxiliary output. */
function overPrimals(op: string, f: AnyFunction, primals: unknown, { hasAux = false }: HasAux) {
  checkFunction(op, f);
  checkList(op, "the primals", primals);
  const [xs, def] = flattenArrays(op, primals, "the primals");
  const lists = treeUnflatten(def, xs) as unknown[];
  const fn = new Restricted(op, f, lists, primals.map((_, i) => i), hasAux, true);
  return { xs, def, fn };
}

/** See `Transforms.jvp`. */
export function jvp(
  f: AnyFunction,
  primals: unknown,
  tangents: unknown,
  options: HasAux = {},
): unknown[] {
  checkFunction("jvp", f);
  checkList("jvp", "the primals", primals);
  checkList("jvp", "the tangents", tangents);
  const { xs, def, fn } = overPrimals("jvp", f, primals, options);
  const [ts, tDef] = flattenArrays("jvp", tangents, "the tangents");
  const dots = checkTangents("jvp", "tangent", avalsOf(xs), def, ts, tDef);
  const [outs, outDots] = jvpFlat(`jvp of ${nameOf(f)}`, (a) => fn.call(a), xs, dots);
  const { outDef } = fn;
  const change = outDots.slice(0, outDef.numLeaves).map((d, i) => d ?? zeros(outs[i]!.aval));
  return withAux(fn, outs, treeUnflatten(outDef, change));
}

/** A value, what goes with it, and the auxiliary output where there is one. */
function withAux(fn: Restricted, outs: readonly NDArray[], second: unknown): unknown[] {
  const result = fn.result(outs);
  if (!fn.hasAux) return [result, second];
  const [value, aux] = result as [unknown, unknown];
  return [value, second, aux];
}

/** See `Transforms.linearize`. */
export function linearize(f: AnyFunction, primals: unknown, options: HasAux = {}): unknown[] {
  const { xs, def, fn } = overPrimals("linearize", f, primals, options);
  const lin = linearizeFlat(`linearize of ${nameOf(f)}`, (a) => fn.call(a), xs);
  const { outDef } = fn;
  const push = (...tangents: unknown[]): unknown => {
    const [ts, tDef] = flattenArrays("linearize", tangents, "the tangents");
    const dots = checkTangents("linearize", "tangent", avalsOf(xs), def, ts, tDef);
    const outs = evalJaxpr(lin.jaxpr, [...lin.consts, ...dots.filter((d) => d !== null)], bind);
    let next = 0;
    const all = lin.outs.map((x, i) => lin.activeOut[i] ? outs[next++]! : zeros(x.aval));
    return treeUnflatten(outDef, all.slice(0, outDef.numLeaves));
  };
  return withAux(fn, lin.outs, push);
}

/** See `Transforms.vjp`. */
export function vjp(f: AnyFunction, primals: unknown, options: HasAux = {}): unknown[] {
  const { xs, def, fn } = overPrimals("vjp", f, primals, options);
  const lin = linearizeFlat(`vjp of ${nameOf(f)}`, (a) => fn.call(a), xs);
  const numOuts = fn.outDef.numLeaves;
  const outs = lin.outs.slice(0, numOuts);
  const outDef = fn.outDef;
  const pull = (cotangent: unknown): unknown => {
    const [cts, ctDef] = flattenArrays("vjp", cotangent, "the cotangent");
    const back = pullBack(
      lin,
      checkTangents("vjp", "cotangent", avalsOf(outs), outDef, cts, ctDef),
    );
    return treeUnflatten(def, xs.map((x, i) => back[i] ?? zeros(x.aval)));
  };
  return withAux(fn, lin.outs, pull);
}

/** See `Transforms.jacfwd`. */
export function jacfwd(f: AnyFunction, options: DiffOptions = {}): AnyFunction {
  checkFunction("jacfwd", f);
  return withName("jacfwd", f, (...args: unknown[]) => {
    const { fn, single } = restrict("jacfwd", f, args, options);
    const lin = linearizeFlat(`jacfwd of ${nameOf(f)}`, (xs) => fn.call(xs), fn.primals);
    const numOuts = fn.outDef.numLeaves;
    const outs = lin.outs.slice(0, numOuts);
    checkFloat("jacfwd", outs, fn.outDef, `the result of ${nameOf(f)}`);
    // Column blocks: for each input leaf, the derivatives of all outputs along its unit tangents.
    const columns = fn.primals.map((p, k) => {
      const units = standardBasis(p);
      const size = p.size;
      const [dots, dims] = batchFlat(
        "jacfwd",
        ([unit]) => {
          const ts = fn.primals.map((q, j) => j === k ? unit! : zeros(q.aval));
          return evalJaxpr(lin.jaxpr, [...lin.consts, ...ts], bind);
        },
        [units],
        [0],
        size,
      );
      let next = 0;
      return outs.map((out, i) => {
        if (!lin.activeOut[i]) return zeros({ ...out.aval, shape: [...out.shape, ...p.shape] });
        const at = next++;
        const last = moveAxis(batchAxisInFront(dots[at]!, dims[at]!, size), 0, out.ndim);
        return reshape(last, [...out.shape, ...p.shape]);
      });
    });
    return finishJacobian(fn, single, lin.outs, (i, k) => columns[k]![i]!);
  });
}

/** See `Transforms.jacrev`. */
export function jacrev(f: AnyFunction, options: DiffOptions = {}): AnyFunction {
  checkFunction("jacrev", f);
  return withName("jacrev", f, (...args: unknown[]) => {
    const { fn, single } = restrict("jacrev", f, args, options);
    const lin = linearizeFlat(`jacrev of ${nameOf(f)}`, (xs) => fn.call(xs), fn.primals);
    const numOuts = fn.outDef.numLeaves;
    const outs = lin.outs.slice(0, numOuts);
    checkFloat("jacrev", outs, fn.outDef, `the result of ${nameOf(f)}`);
    const rows = outs.map((out, i) => {
      const [cts, dims] = batchFlat(
        "jacrev",
        ([unit]) => {
          const back = pullBack(lin, outs.map((_, j) => j === i ? unit! : null));
          return fn.primals.map((p, k) => back[k] ?? zeros(p.aval));
        },
        [standardBasis(out)],
        [0],
        out.size,
      );
      return fn.primals.map((p, k) =>
        reshape(batchAxisInFront(cts[k]!, dims[k]!, out.size), [...out.shape, ...p.shape])
      );
    });
    return finishJacobian(fn, single, lin.outs, (i, k) => rows[i]![k]!);
  });
}

/** The unit vectors of an array's space, stacked: shape `[size, ...shape]`. */
function standardBasis(x: NDArray): NDArray {
  const shape = [x.size, x.size];
  const identity = eq(iota(shape, 0, "int32"), iota(shape, 1, "int32"));
  return reshape(convert(identity, x.dtype), [x.size, ...x.shape]);
}

/** A tree like the output whose leaves are trees like the chosen arguments. */
function finishJacobian(
  fn: Restricted,
  single: boolean,
  outs: readonly NDArray[],
  block: (out: number, primal: number) => NDArray,
): unknown {
  const blocks = Array.from(
    { length: fn.outDef.numLeaves },
    (_, i) => fn.derivatives(fn.primals.map((_, k) => block(i, k)), single),
  );
  const jacobian = treeUnflatten(fn.outDef, blocks);
  return fn.hasAux ? [jacobian, (fn.result(outs) as unknown[])[1]] : jacobian;
}

/** See `Transforms.hessian`. */
export function hessian(f: AnyFunction, options: DiffOptions = {}): AnyFunction {
  checkFunction("hessian", f);
  return withName("hessian", f, jacfwd(jacrev(f, options), options));
}
