/**
 * Functions on pytrees with derivative rules of the user's own.
 *
 * Functions on pytrees with a rule of the user's own for the lanes of a `vmap`.
 *
 * @module
 */
import {
  type BwdRule,
  customJvpP,
  customVjpP,
  type FwdRule,
  type JvpRule,
  type Reach,
} from "../control/custom.ts";
import { customVmapP, type LaneRule } from "../control/custom_vmap.ts";
import { loopsWithin } from "../control/while.ts";
import {
  bind,
  checkCall,
  ConcreteArray,
  describeTreeDifference,
  describeValue,
  evalTrace,
  formatAval,
  type Jaxpr,
  type NDArray,
  sameAval,
  shaped,
  type ShapedArray,
  sited,
  structureOf,
  type TreeDef,
  TreeError,
  treeFlatten,
  treePaths,
  treeUnflatten,
  Var,
  withTrace,
} from "../core/mod.ts";
import type { MapLeaves } from "../core/tree_types.ts";
import { JvpTracer } from "../interpreters/jvp.ts";
import { stage, stageIn } from "../interpreters/staging.ts";
import { zeros } from "../primitives/mod.ts";
import { asksForValues, closedJvpRule, closedVjpRules, ruledTrace } from "./closed_rules.ts";
import { positionsOf, splitStatic } from "./jit.ts";
import { map } from "./loops.ts";
import { plainly, type Recorder, type Recording } from "./recorder.ts";
import type { Arguments, Arrays, Tree, TreeLike } from "./tree_types.ts";
import {
  checkFunction,
  checkSameType,
  flatFunction,
  flattenArrays,
  nameOf,
  withName,
} from "./trees.ts";
import type { AnyFunction, RuleOptions } from "./types.ts";

const sameType = "A derivative rule must give what the function gives";

/** Splits what a rule returned. */
function pair(op: string, rule: string, f: AnyFunction, result: unknown, names: string): unknown[] {
  if (!Array.isArray(result) || result.length !== 2) {
    throw new TreeError(`${op}: the ${rule} rule of ${nameOf(f)} must return ${names}`);
  }
  return result;
}

/** A function on trees with rules, recorded. */
interface Recorded {
  /** Leaves of the arguments, and what goes through beyond them. */
  readonly xs: readonly NDArray[];
  /** Structure of the arguments. */
  readonly def: TreeDef;
  /** Structure of the result. */
  readonly outDef: TreeDef;
  /** Values that the function captured. */
  readonly consts: readonly NDArray[];
  /** What a primitive has to know. */
  readonly reach: Reach;
  /** Leaves of what a rule gave that has to be like the result. */
  likeResult(tree: unknown, what: string, whose: string): NDArray[];
  /** The result from the outputs of the program. */
  result(outs: readonly NDArray[]): unknown;
}

function recorded(
  recorder: Recorder,
  op: "customJvp" | "customVjp",
  f: AnyFunction,
  args: readonly unknown[],
): Recorded {
  const [own, def] = flattenArrays(op, args, `an argument of ${nameOf(f)}`);
  const types = own.map((x) => x.aval);
  const record = () => recorder.record(op, f, def, types, { first: () => own, trace: ruledTrace });
  const recording = recorder === plainly ? recordedOrRun(op, f, def, own, record) : record();
  const { outDef, outAvals: avals } = recording;
  const { jaxpr, consts } = recording.program();
  const through = recorder.carried();
  const numOuts = outDef.numLeaves;
  return {
    xs: [...own, ...through],
    def,
    outDef,
    consts,
    reach: {
      jaxpr: through.length === 0 ? jaxpr : loopsWithin(jaxpr, `${op}(${nameOf(f)})`),
      numHeld: 0,
      open: false,
      numConsts: consts.length,
      numThrough: through.length,
      numAux: jaxpr.outputs.length - numOuts,
      name: nameOf(f),
    },
    likeResult(tree, what, whose) {
      const [leaves, given] = flattenArrays(op, tree, what, { def: outDef, avals });
      checkSameType(
        op,
        `the results of ${nameOf(f)} and ${whose}`,
        avals,
        outDef,
        leaves.map((x) => x.aval),
        given,
        sameType,
      );
      return leaves;
    },
    result(outs) {
      recorder.finish(outs.slice(numOuts), []);
      return treeUnflatten(outDef, outs.slice(0, numOuts));
    },
  };
}

/** An array's value, without the tangents that go with it; `null` where it is not known. */
function valueOf(x: NDArray): ConcreteArray | null {
  let value = x;
  while (value instanceof JvpTracer) value = value.primal;
  return value instanceof ConcreteArray ? value : null;
}

/**
 * What `record` gives for a function of `args`. Where it looks at values, and these are known, it is run on
 * them, and stands for what it gives: it is not differentiated itself.
 */
function recordedOrRun(
  op: string,
  f: AnyFunction,
  def: TreeDef,
  args: readonly NDArray[],
  record: () => Recording,
): Recording {
  try {
    return record();
  } catch (error) {
    const values = asksForValues(error) ? args.map(valueOf) : [null];
    if (values.includes(null)) throw error;
    const flat = flatFunction(op, f, def);
    const outs = withTrace(evalTrace, () => flat.call(values));
    const staged = stageIn(ruledTrace(op), () => outs, args.map((x) => x.aval));
    const outAvals = outs.map((x) => x.aval);
    return { outDef: flat.outDef(), outAvals, program: () => staged };
  }
}

/** The program with further first inputs that it does not read. */
function ignoring(held: readonly NDArray[], jaxpr: Jaxpr): Jaxpr {
  if (held.length === 0) return jaxpr;
  const unread = held.map((x, i) => new Var(x.aval, jaxpr.numVars + i));
  return {
    ...jaxpr,
    inputs: [...unread, ...jaxpr.inputs],
    numVars: jaxpr.numVars + unread.length,
  };
}

/** How a call of a function with rules is recorded: by what, and the rules to use in it. */
export interface Ruled<Rules extends readonly AnyFunction[]> {
  /** Records the function. */
  readonly recorder: Recorder;
  /** Its rules. */
  readonly rules: Rules;
}

/** See `Transforms.customJvp`. */
export function customJvp(
  f: AnyFunction,
  rule: AnyFunction,
  options: RuleOptions = {},
): AnyFunction {
  return customJvpBy(() => ({ recorder: plainly, rules: [rule] }), f, rule, options);
}

/** `customJvp`, where each call says how it is recorded. */
export function customJvpBy(
  begin: () => Ruled<readonly [AnyFunction]>,
  f: AnyFunction,
  given: AnyFunction,
  { nondiffArgnums }: RuleOptions = {},
): AnyFunction {
  checkFunction("customJvp", f);
  checkFunction("customJvp", given, "the rule");
  const list = positionsOf(nondiffArgnums);
  return withName("customJvp", f, (...args: unknown[]) => {
    const { recorder, rules: [rule] } = begin();
    const [own, dynamic, fixed] = splitStatic("customJvp", "nondiffArgnums", f, args, list);
    const call = recorded(recorder, "customJvp", own, dynamic);
    const { xs, def, consts, reach, likeResult, result } = call;
    const flatRule: JvpRule = (primals, tangents) => {
      const given = sited(rule)(
        ...fixed,
        treeUnflatten(def, primals.slice(0, def.numLeaves)),
        treeUnflatten(def, tangents.map((t, i) => t ?? zeros(xs[i]!.aval))),
      );
      const [out, dot] = pair("customJvp", "jvp", f, given, "[out, tangent]");
      return [
        likeResult(out, "the primal output of the rule", "the primal output of its rule"),
        likeResult(dot, "the tangent of the rule", "the tangent of its rule"),
      ];
    };
    const { rules, held, open } = closedJvpRule(
      `the rule of ${reach.name}`,
      flatRule,
      xs.map((x) => x.aval),
      def.numLeaves,
    );
    const params = {
      ...reach,
      rule: rules,
      numHeld: held.length,
      open,
      jaxpr: ignoring(held, reach.jaxpr),
    };
    return result(bind(customJvpP, [...held, ...consts, ...xs], params));
  });
}

/** See `Transforms.customVjp`. */
export function customVjp(
  f: AnyFunction,
  fwd: AnyFunction,
  bwd: AnyFunction,
  options: RuleOptions = {},
): AnyFunction {
  return customVjpBy(() => ({ recorder: plainly, rules: [fwd, bwd] }), f, fwd, bwd, options);
}

/** `customVjp`, where each call says how it is recorded. */
export function customVjpBy(
  begin: () => Ruled<readonly [AnyFunction, AnyFunction]>,
  f: AnyFunction,
  givenFwd: AnyFunction,
  givenBwd: AnyFunction,
  { nondiffArgnums }: RuleOptions = {},
): AnyFunction {
  const list = positionsOf(nondiffArgnums);
  checkFunction("customVjp", f);
  checkFunction("customVjp", givenFwd, "the forward rule");
  checkFunction("customVjp", givenBwd, "the backward rule");
  return withName("customVjp", f, (...args: unknown[]) => {
    const { recorder, rules: [fwd, bwd] } = begin();
    const split = (g: AnyFunction) => splitStatic("customVjp", "nondiffArgnums", g, args, list);
    const [own, dynamic, fixed] = split(f);
    const call = recorded(recorder, "customVjp", own, dynamic);
    const [forwardRule] = split(fwd);
    const { xs, def, outDef, consts, reach, likeResult, result } = call;
    let residualDef: TreeDef | undefined;
    const flatFwd: FwdRule = (primals) => {
      const given = sited(forwardRule)(
        ...treeUnflatten(def, primals.slice(0, def.numLeaves)) as unknown[],
      );
      const [out, residuals] = pair("customVjp", "forward", f, given, "[out, residuals]");
      const outs = likeResult(out, "the output of the forward rule", "of its forward rule");
      const [kept, keptDef] = flattenArrays("customVjp", residuals, "a residual");
      residualDef = keptDef;
      return [outs, kept];
    };
    const flatBwd: BwdRule = (residuals, cotangents) => {
      const given = sited(bwd)(
        ...fixed,
        treeUnflatten(residualDef!, residuals),
        treeUnflatten(outDef, cotangents),
      );
      return checkCotangents(f, given, def, xs);
    };
    const { rules: [forward, backward], held, open } = closedVjpRules(
      `the rules of ${reach.name}`,
      [flatFwd, flatBwd],
      xs.map((x) => x.aval),
      reach.jaxpr.outputs.slice(0, outDef.numLeaves).map((a) => a.aval),
    );
    const params = {
      ...reach,
      fwd: forward,
      bwd: backward,
      numHeld: held.length,
      open,
      jaxpr: ignoring(held, reach.jaxpr),
    };
    return result(bind(customVjpP, [...held, ...consts, ...xs], params));
  });
}

/** A cotangent for each leaf of the arguments, from what a backward rule returned. */
function checkCotangents(
  f: AnyFunction,
  result: unknown,
  def: TreeDef,
  args: readonly NDArray[],
): (NDArray | null)[] {
  if (!Array.isArray(result) || result.length !== def.children.length) {
    throw new TreeError(
      `customVjp: the backward rule of ${
        nameOf(f)
      } must return an array of ${def.children.length} ` +
        `cotangents, one for each argument, not ${
          Array.isArray(result) ? `${result.length}` : describeValue(result)
        }`,
    );
  }
  return def.children.flatMap((child, i) => {
    const before = def.children.slice(0, i).reduce((n, c) => n + c.numLeaves, 0);
    const avals = args.slice(before, before + child.numLeaves).map((x) => x.aval);
    const [tree, isZero] = withZeros(result[i], child, avals);
    const due = { def: child, avals };
    const [cts, ctDef] = flattenArrays("customVjp", tree, `cotangent ${i}`, due);
    checkSameType(
      "customVjp",
      `argument ${i} of ${nameOf(f)} and the cotangent that its backward rule gave`,
      avals,
      child,
      cts.map((x) => x.aval),
      ctDef,
      "A cotangent has the shape and dtype of the argument",
    );
    return cts.map((ct, k) => isZero?.[k] ? null : ct);
  });
}

/** A cotangent with zeros where `null` stands for a part of the argument, and which leaves these are. */
function withZeros(
  cotangent: unknown,
  def: TreeDef,
  avals: readonly ShapedArray[],
): [tree: unknown, isZero: readonly boolean[] | null] {
  const [leaves, own] = treeFlatten(cotangent);
  const isZero = own === def ? null : gaps(def, own);
  if (isZero === null) return [cotangent, null];
  let next = 0;
  return [treeUnflatten(def, avals.map((a, k) => isZero[k] ? zeros(a) : leaves[next++])), isZero];
}

/** Which leaves of a structure are below a `null` of another; `null` where they differ in more than that. */
function gaps(def: TreeDef, other: TreeDef): boolean[] | null {
  if (def === other) return new Array(def.numLeaves).fill(false);
  if (other.kind === "null" || other.kind === "undefined") {
    return new Array(def.numLeaves).fill(true);
  }
  const isAlike = def.children.length === other.children.length &&
    structureOf({ ...other, children: [] }, def.children) === def;
  if (!isAlike) return null;
  const below = def.children.map((child, i) => gaps(child, other.children[i]!));
  return below.includes(null) ? null : (below as boolean[][]).flat();
}

/** For each argument a tree like it, of what says whether a leaf differs by lane. */
export type Batched<A extends unknown[]> = { readonly [K in keyof A]: MapLeaves<A[K], boolean> };

/**
 * A function with its own rule for the lanes of a `vmap`, as `jax.custom_batching.custom_vmap`:
 * `rule(axisSize, inBatched, ...args)` gives `[out, outBatched]`. Arguments that differ by lane have the lanes
 * along their first axis, and `inBatched` says which these are; `outBatched` says the same of the result: a
 * boolean, or a tree of them. Everywhere else the function is what it is.
 *
 * Forward derivatives of the function have the derivative of the rule for a rule. Reverse mode outside of the
 * `vmap` differentiates the rule; inside of it, what is computed with tangents has none.
 *
 * @throws {TreeError} where the rule gives something else than the function for lanes.
 * @throws {TypeError} where the function closes over a value that differs by lane.
 *
 * @example
 * ```ts
 * import { customVmap, type NDArray, numpy as np, vmap } from "@injax/injax";
 *
 * const norm = customVmap(
 *   (x: NDArray) => x.square().sum().sqrt(),
 *   (size, [batched], x) => {
 *     console.log(size, batched, x.shape);
 *     return [x.square().sum(1).sqrt(), true];
 *   },
 * );
 * console.log(vmap(norm)(np.array([[3, 4], [6, 8]])).toArray());
 * // 2 true [ 2, 2 ]
 * // [ 5, 10 ]
 * ```
 */
export function customVmap<A extends unknown[] = NDArray[], R extends Tree = Tree>(
  f: (...args: A) => R,
  rule: (
    axisSize: number,
    inBatched: Batched<A>,
    ...args: A
  ) => readonly [TreeLike<R>, boolean | MapLeaves<R, boolean>],
): (...args: Arguments<A>) => Arrays<R> {
  const op = "customVmap";
  if (arguments.length > 2) checkCall("customVmap(f, rule)", arguments);
  checkFunction(op, f);
  checkFunction(op, rule, "the rule");
  const call = rule as unknown as (...args: unknown[]) => unknown;
  return withName(op, f, (...args: unknown[]): unknown => {
    const [xs, def] = flattenArrays(op, args, `an argument of ${nameOf(f)}`);
    const flat = flatFunction(op, f, def);
    const what = `${op} of ${nameOf(f)}`;
    const { jaxpr, consts } = stage(what, (xs) => flat.call(xs), xs.map((x) => x.aval));
    const outDef = flat.outDef();
    const types = jaxpr.outputs.map((a) => a.aval);
    const flatRule: LaneRule = (size, batched, lanes) => {
      const given = call(
        size,
        treeUnflatten(def, batched),
        ...treeUnflatten(def, lanes) as unknown[],
      );
      if (!Array.isArray(given) || given.length !== 2) {
        throw new TreeError(
          `${op}: the rule of ${nameOf(f)} must return [out, outBatched], not ${
            describeValue(given)
          }`,
        );
      }
      const [outs, own] = flattenArrays(op, given[0], `the result of the rule of ${nameOf(f)}`);
      const flags = flagsOf(given[1], outs.length);
      const differs = own !== outDef ? own : flags === null ? treeFlatten(given[1])[1] : null;
      if (differs !== null || flags === null) {
        throw new TreeError(
          `${op}: ${
            own !== outDef ? "what the rule gives" : "outBatched, of booleans,"
          } and the result ` +
            `of ${nameOf(f)} differ ${describeTreeDifference(outDef, differs!)}`,
        );
      }
      outs.forEach((x, i) => {
        const { shape, dtype } = types[i]!;
        const want = shaped(flags[i] ? [size, ...shape] : shape, dtype);
        if (sameAval(x.aval, want)) return;
        throw new TreeError(
          `${op}: the rule of ${nameOf(f)} gives ${formatAval(x.aval)}${
            treePaths(outDef)[i] === "" ? "" : ` at ${treePaths(outDef)[i]}`
          } for ${size} lanes, and should give ${formatAval(want)}`,
        );
      });
      return [outs, flags];
    };
    const params = { jaxpr, rule: flatRule, numConsts: consts.length, name: nameOf(f) };
    return treeUnflatten(outDef, bind(customVmapP, [...consts, ...xs], params));
  }) as (...args: Arguments<A>) => Arrays<R>;
}

/** One boolean for each leaf; `null` where they are none. */
function flagsOf(batched: unknown, count: number): readonly boolean[] | null {
  if (typeof batched === "boolean") return new Array(count).fill(batched);
  const flags = treeFlatten(batched)[0];
  const fits = flags.length === count && flags.every((x) => typeof x === "boolean");
  return fits ? flags as boolean[] : null;
}

/**
 * A function whose lanes are computed one after the other, by `map`, instead of all at once, as
 * `jax.custom_batching.sequential_vmap`: for what needs much memory, and for loops that end at different times.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, sequentialVmap, vmap } from "@injax/injax";
 *
 * const f = sequentialVmap((x: NDArray) => x.square().sum());
 * console.log(vmap(f)(np.array([[1, 2], [3, 4]])).toArray()); // [ 5, 25 ]
 * ```
 */
export function sequentialVmap<A extends unknown[] = NDArray[], R extends Tree = Tree>(
  f: (...args: A) => R,
): (...args: Arguments<A>) => Arrays<R> {
  if (arguments.length > 1) checkCall("sequentialVmap(f)", arguments);
  checkFunction("sequentialVmap", f);
  return customVmap(
    f,
    ((_: number, inBatched: unknown, ...args: unknown[]) => {
      const [flags] = treeFlatten(inBatched) as [boolean[], unknown];
      const [leaves, def] = treeFlatten(args);
      const step = (lanes: unknown): unknown => {
        let next = 0;
        const all = leaves.map((x, i) => flags[i] ? (lanes as unknown[])[next++] : x);
        return f(...treeUnflatten(def, all) as A);
      };
      Object.defineProperty(step, "name", { value: f.name });
      return [map(step, leaves.filter((_, i) => flags[i])), true];
    }) as never,
  );
}
