/**
 * The members of dictionaries, in one table: how each is called, what it takes and what it gives.
 * Every dictionary, whoever made it, takes the same arguments and refuses the same ones; what stands
 * for a member (delegation, lifting, initialising) is checked against the table by the compiler.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  type OptionKind,
  type OptionTable,
  readOptions,
} from "../core/mod.ts";
import type {
  AssociativeScanOptions,
  CheckpointOptions,
  ForiOptions,
  HasAux,
  JitOptions,
  LinearSolveOptions,
  MapOptions,
  RootOptions,
  RuleOptions,
  ScanOptions,
  VmapOptions,
  WhileOptions,
} from "./options.ts";
import type { EntryOptions } from "./lifted_types.ts";
import type { Transforms } from "./types.ts";

const jitOptions: OptionTable<JitOptions> = {
  backend: "string",
  staticArgnums: "argnums",
  staticArgnames: "object",
  donateArgnums: "argnums",
  donateArgnames: "object",
};
const checkpointOptions: OptionTable<CheckpointOptions> = {
  policy: "function",
  staticArgnums: "argnums",
  staticArgnames: "object",
};
const ruleOptions: OptionTable<RuleOptions> = { nondiffArgnums: "argnums" };
const mapOptions: OptionTable<MapOptions> = { batchSize: "count" };
const foriOptions: OptionTable<ForiOptions> = { unroll: "object" };
const diffOptions: OptionTable<EntryOptions> = {
  argnums: "argnums",
  hasAux: "boolean",
  entries: "names",
};
const vmapOptions: OptionTable<VmapOptions> = {
  inAxes: "axes",
  outAxes: "axes",
  axisName: "string",
  axisSize: "number",
  splitRng: "object",
  stateAxes: "object",
  reduceState: "object",
};
const auxOptions: OptionTable<HasAux> = { hasAux: "boolean" };
const rootOptions: OptionTable<RootOptions> = { hasAux: "boolean", functionHasAux: "boolean" };
const linearSolveOptions: OptionTable<LinearSolveOptions> = {
  transposeSolve: "function",
  tangentSolve: "function",
  symmetric: "boolean",
  hasAux: "boolean",
};
const scanOptions: OptionTable<ScanOptions> = {
  length: "number",
  reverse: "boolean",
  unroll: "object",
  stateAxes: "object",
  splitRng: "object",
};
const whileOptions: OptionTable<WhileOptions> = { maxSteps: "count", checkpoints: "count" };
const prefixOptions: OptionTable<AssociativeScanOptions> = { reverse: "boolean", axis: "number" };

type Table = Readonly<Record<string, OptionKind>>;

/** What is known of a member. */
interface Member {
  /** How it is called. */
  readonly call: string;
  /** What its options hold. */
  readonly options?: Table;
  /** Of a maker: whether its functions after the first are rules, asked when derivatives are. */
  readonly rules?: true;
}

type Gives<K extends keyof Transforms> = ReturnType<Transforms[K]>;
type AnyFn = (...args: never[]) => unknown;

/** Members that give a function, which may be called in another context than it was made in. */
export type MakerName = {
  // The type of a tree of shapes is too deep for the compiler, which then takes it for anything.
  [K in keyof Transforms]: 0 extends 1 & Gives<K> ? never : Gives<K> extends AnyFn ? K : never;
}[keyof Transforms];

/** Members that give a result at once. */
export type ImmediateName = Exclude<keyof Transforms, MakerName>;

const makers: Readonly<Record<MakerName, Member>> = {
  jit: { call: "jit(f, options)", options: jitOptions },
  grad: { call: "grad(f, options)", options: diffOptions },
  valueAndGrad: { call: "valueAndGrad(f, options)", options: diffOptions },
  jacfwd: { call: "jacfwd(f, options)", options: diffOptions },
  jacrev: { call: "jacrev(f, options)", options: diffOptions },
  hessian: { call: "hessian(f, options)", options: diffOptions },
  vmap: { call: "vmap(f, options)", options: vmapOptions },
  checkpoint: { call: "checkpoint(f, options)", options: checkpointOptions },
  customJvp: { call: "customJvp(f, rule, options)", options: ruleOptions, rules: true },
  customVjp: { call: "customVjp(f, fwd, bwd, options)", options: ruleOptions, rules: true },
};

const immediate: Readonly<Record<ImmediateName, Member>> = {
  jvp: { call: "jvp(f, primals, tangents, options)", options: auxOptions },
  vjp: { call: "vjp(f, primals, options)", options: auxOptions },
  linearize: { call: "linearize(f, primals, options)", options: auxOptions },
  customRoot: {
    call: "customRoot(f, initialGuess, solve, tangentSolve, options)",
    options: rootOptions,
  },
  customLinearSolve: {
    call: "customLinearSolve(matvec, b, solve, options)",
    options: linearSolveOptions,
  },
  scan: { call: "scan(f, init, xs, options)", options: scanOptions },
  map: { call: "map(f, xs, options)", options: mapOptions },
  whileLoop: { call: "whileLoop(cond, body, init, options)", options: whileOptions },
  foriLoop: { call: "foriLoop(lower, upper, body, init, options)", options: foriOptions },
  cond: { call: "cond(pred, ifTrue, ifFalse, ...operands)" },
  switchCase: { call: "switchCase(index, branches, ...operands)" },
  associativeScan: { call: "associativeScan(f, elems, options)", options: prefixOptions },
  evalShape: { call: "evalShape(f, ...args)" },
  initialize: { call: "initialize(f, ...args)" },
  isInitializing: { call: "isInitializing()" },
};

const table: Readonly<Record<keyof Transforms, Member>> = { ...makers, ...immediate };

/** The names of the members of a dictionary. */
export const transformNames: readonly (keyof Transforms)[] = /* @__PURE__ */ Object.keys(
  table,
) as readonly (keyof Transforms)[];

/** Whether a member gives a function. */
export function isMaker(name: keyof Transforms): name is MakerName {
  return Object.hasOwn(makers, name);
}

/** Whether a member's functions after the first are derivative rules. */
export function takesRules(name: keyof Transforms): boolean {
  return table[name].rules === true;
}

/** How a member is called, without its options; nothing for what is no member. */
export function callOf(name: string): string {
  return Object.hasOwn(table, name)
    ? table[name as keyof Transforms].call.replace(/, options\)$/, ")")
    : "";
}

type Call = (...args: unknown[]) => unknown;

/**
 * A dictionary whose members check how they are called. What it is given, and what is passed on, is
 * untyped: members of various makers meet the types of `Transforms` in this one place.
 */
export function checkedMembers<D extends Transforms = Transforms>(members: object): D {
  const wrapped = Object.entries(members).map(([name, member]) => [
    name,
    Object.hasOwn(table, name) ? checkedMember(name as keyof Transforms, member) : member,
  ]);
  return Object.fromEntries(wrapped) as D;
}

/** One of them. */
export function checkedMember<N extends keyof Transforms>(name: N, member: unknown): Transforms[N] {
  const { call, options } = table[name];
  const last = call.split(", ").length - 1;
  const checked: Call = (...args) => {
    if (options === undefined || args[last] === undefined) checkCall(call, args, options);
    else args[last] = readOptions(call, args, options);
    return (member as Call)(...args);
  };
  return Object.defineProperty(checked, "name", { value: name }) as never;
}

/** The first member that an object lacks as a dictionary; `null` for what is not an object. */
function missingMember(value: unknown): keyof Transforms | null | undefined {
  return typeof value === "object" && value !== null
    ? transformNames.find((name) => typeof (value as Partial<Transforms>)[name] !== "function")
    : null;
}

/**
 * Checks that a value is a dictionary.
 *
 * @throws {TypeError} naming the operation that was given it, and the member that it lacks.
 */
export function checkDictionary(op: string, value: unknown): asserts value is Transforms {
  const missing = missingMember(value);
  if (missing === undefined) return;
  // A module system's namespace, in whose place its dictionary was meant.
  const module = missing !== null &&
    missingMember((value as { transforms?: unknown }).transforms) === undefined;
  throw new TypeError(
    `${op}: transforms must be a dictionary of transforms, such as hk.transforms or pure, but ${
      missing === null
        ? `it is ${describeValue(value)}`
        : module
        ? "it is the module that has one. Write hk.transforms in the place of hk"
        : `it has no function ${missing}`
    }`,
  );
}
