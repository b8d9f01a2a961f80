/**
 * Makes dictionaries of third parties safe to initialise: the rule of `liftTransforms`, that a
 * function runs once to create its entries, for systems that have transforms of their own already.
 *
 * @module
 */
import { checkCall, isPlain, scalarArray, treeMap, treeUnflatten } from "../core/mod.ts";
import { zeros } from "../primitives/mod.ts";
import type { LinearSolveOptions, RootOptions } from "../transforms/options.ts";
import { scanLength } from "../transforms/unroll.ts";
import { sliceAlong } from "../transforms/loops.ts";
import { checkedMembers, type ImmediateName, type MakerName } from "../transforms/members.ts";
import { ShapeDtype } from "../transforms/shape_dtype.ts";
import { positionsOf } from "../transforms/jit.ts";
import { flattenArrays } from "../transforms/trees.ts";
import type {
  Argnums,
  CheckpointOptions,
  JitOptions,
  RuleOptions,
  ScanOptions,
  Transforms,
  VmapOptions,
} from "../transforms/types.ts";
import { mappedArguments } from "../transforms/vmap.ts";
import { asArrays, type Fn, pure } from "./engine.ts";
import { originOf, registerOrigin } from "./lift.ts";

/** What stands for a member while initialising; makers give a function of the arguments. */
type StandIn = (...params: unknown[]) => unknown;

/** Runs a function once; what stands for it afterwards gives that outcome whenever it is called. */
function once(f: unknown, ...args: unknown[]): Fn {
  const out = (f as Fn)(...args);
  return () => out;
}

/** Runs a function on arrays, but for the arguments that are static. */
const onArguments = (f: unknown, argnums?: Argnums, named: string | readonly string[] = []) =>
(
  ...args: unknown[]
) => {
  const statics = positionsOf(argnums);
  const names = typeof named === "string" ? [named] : named;
  const isStatic = (i: number): boolean => statics.includes(i) || statics.includes(i - args.length);
  const given = args.map((x, i) => isStatic(i) ? x : asArrays(x));
  const last = args.at(-1);
  if (names.length > 0 && isPlain(last)) {
    const fixed = Object.entries(last).filter(([name]) => names.includes(name));
    given[args.length - 1] = { ...given.at(-1) as object, ...Object.fromEntries(fixed) };
  }
  return once(f, ...given)();
};

const derivative =
  (name: "grad" | "valueAndGrad" | "jacfwd" | "jacrev" | "hessian"): StandIn =>
  (f, options) =>
  (...args: unknown[]) => (pure[name](once(f, ...asArrays(args)), options) as Fn)(...args);

const atPoint = (name: "jvp" | "vjp" | "linearize"): StandIn => (f, primals, ...rest) =>
  pure[name](once(f, ...asArrays(primals as unknown[])), primals, ...rest);

const makers: Readonly<Record<MakerName, StandIn>> = {
  jit(f, options = {}) {
    const { staticArgnums, staticArgnames } = options as JitOptions;
    return onArguments(f, staticArgnums, staticArgnames);
  },
  checkpoint(f, options = {}) {
    const { staticArgnums, staticArgnames } = options as CheckpointOptions;
    return onArguments(f, staticArgnums, staticArgnames);
  },
  customJvp: (f, _, options = {}) => onArguments(f, (options as RuleOptions).nondiffArgnums),
  customVjp: (f, _, __, options = {}) => onArguments(f, (options as RuleOptions).nondiffArgnums),
  grad: /* @__PURE__ */ derivative("grad"),
  valueAndGrad: /* @__PURE__ */ derivative("valueAndGrad"),
  jacfwd: /* @__PURE__ */ derivative("jacfwd"),
  jacrev: /* @__PURE__ */ derivative("jacrev"),
  hessian: /* @__PURE__ */ derivative("hessian"),
  vmap: (f, options = {}) => (...args: unknown[]) => {
    const { inAxes = 0, outAxes = 0, axisSize } = options as VmapOptions;
    const { arrays, def, dims, size, leaves } = mappedArguments(
      f as never,
      args,
      inAxes,
      axisSize,
    );
    const lane = arrays.map((x, i) => dims[i] === null ? x : sliceAlong(x, dims[i]!));
    const constant = once(f, ...treeUnflatten(def, leaves(lane)) as unknown[]);
    return (pure.vmap(constant, { inAxes: null, outAxes, axisSize: size }) as Fn)();
  },
};

function firstSlice(xs: unknown, options: unknown): unknown {
  const { length, reverse = false } = options as ScanOptions;
  const [slices, def] = flattenArrays("scan", xs, "xs");
  scanLength(slices, def, length);
  return treeUnflatten(def, slices.map((x) => sliceAlong(x, 0, reverse)));
}

const immediate: Readonly<Record<Exclude<ImmediateName, "isInitializing">, StandIn>> = {
  jvp: /* @__PURE__ */ atPoint("jvp"),
  vjp: /* @__PURE__ */ atPoint("vjp"),
  linearize: /* @__PURE__ */ atPoint("linearize"),
  scan: (f, init, xs, options = {}) =>
    pure.scan(once(f, asArrays(init), firstSlice(xs, options)), init, xs, options),
  map: (f, xs) => pure.map(once(f, firstSlice(xs, {})), xs),
  foriLoop: (lower, upper, body, init) => {
    const i = typeof lower === "number" ? scalarArray(lower, "int32") : lower;
    return pure.foriLoop(lower, upper, once(body, i, asArrays(init)), init);
  },
  whileLoop: (cond, body, init) => {
    const start = asArrays(init);
    const goOn = once(cond, start)();
    return pure.cond(goOn, once(body, start), () => start);
  },
  cond: (pred, ifTrue, ifFalse, ...operands) => {
    const args = asArrays(operands);
    const no = once(ifFalse, ...args);
    return pure.cond(pred, once(ifTrue, ...args), no);
  },
  switchCase: (index, branches, ...operands) => {
    const args = asArrays(operands);
    return pure.switchCase(index, (branches as unknown[]).map((b) => once(b, ...args)));
  },
  associativeScan: (f, elems) => {
    const tree = asArrays(elems);
    once(f, tree, tree);
    return tree;
  },
  customRoot: (f, guess, solve, _, options = {}) => {
    const start = asArrays(guess);
    const value = once(f, start)();
    const { hasAux = false, functionHasAux = false } = options as RootOptions;
    if (!functionHasAux) return once(solve, f, start)();
    const residual: Fn = (x) => ((f as Fn)(x) as unknown[])[0];
    const found = once(solve, residual, start)();
    return [...hasAux ? found as unknown[] : [found], (value as unknown[])[1]];
  },
  customLinearSolve: (matvec, b, solve, options = {}) => {
    const tree = asArrays(b);
    once(matvec, tree);
    const { hasAux = false } = options as LinearSolveOptions;
    return hasAux ? once(solve, matvec, tree)() : tree;
  },
  evalShape: (f, ...args) => {
    const concrete = args.map((arg) =>
      treeMap((x: unknown) => x instanceof ShapeDtype ? zeros(x) : x, arg)
    );
    return pure.evalShape(once(f, ...asArrays(concrete)), ...args);
  },
  initialize: (f, ...args) => void once(f, ...asArrays(args)),
};

/**
 * A dictionary that is safe to use while its system initialises. Then no function is transformed:
 * each runs once, on the first slice or lane, so that it creates its entries where the system looks
 * for them, and what it gives stands for all slices, lanes and steps. Results have the right
 * structure, shapes and dtypes; derivatives are zero. `evalShape` and `initialize` run it too. Once
 * `isInitializing()` is false the members are those of `dictionary`.
 *
 * This is `init_safe_scan` (S. Hoyer, dm-haiku issue 100) for all members. Dictionaries made by
 * `liftTransforms` do not need it: they give init's true output.
 *
 * @example
 * ```ts
 * import { initSafe, numpy as np, pure, type Transforms } from "@injax/injax";
 *
 * const weights = new Map<string, np.NDArray>();
 * let initializing = true;
 * const theirs: Transforms = { ...pure, isInitializing: () => initializing };
 * const step = (x: np.NDArray) => {
 *   if (initializing) weights.set("w", np.array(2));
 *   return x.mul(weights.get("w")!);
 * };
 * const run = () => initSafe(theirs).foriLoop(0, 3, (_, x) => step(x), np.array(1));
 * run(); // creates w, which theirs.foriLoop would have made a traced value
 * initializing = false;
 * console.log(run().item()); // 8
 * ```
 */
export function initSafe<D extends Transforms>(dictionary: D): D {
  if (arguments.length > 1) checkCall("initSafe(dictionary)", arguments);
  const own = dictionary as unknown as Record<string, Fn>;
  const safe: Record<string, Fn> = { ...own };
  for (const [name, standIn] of Object.entries(immediate)) {
    safe[name] = (...params) =>
      dictionary.isInitializing() ? standIn(...params) : own[name]!(...params);
  }
  for (const [name, standIn] of Object.entries(makers)) {
    safe[name] = (...params) => {
      const made = own[name]!(...params) as Fn;
      const call: Fn = (...args) =>
        dictionary.isInitializing() ? (standIn(...params) as Fn)(...args) : made(...args);
      return Object.defineProperty(call, "name", { value: made.name });
    };
  }
  const checked = checkedMembers<D>(safe);
  // Lifted ones create their entries by themselves, so composing takes them as they are.
  return originOf(dictionary) === undefined
    ? checked
    : registerOrigin(checked, () => originOf(dictionary));
}
