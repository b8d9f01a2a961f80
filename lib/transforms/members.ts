/**
 * How the members of dictionaries are called, and the check of that: every dictionary, whoever made
 * it, takes the same arguments and refuses the same ones.
 *
 * @module
 */
import { checkCall, type OptionKind, type OptionTable } from "../core/signature.ts";
import type { LinearSolveOptions } from "./implicit.ts";
import type {
  AssociativeScanOptions,
  DiffOptions,
  HasAux,
  JitOptions,
  ScanOptions,
  VmapOptions,
} from "./options.ts";
import type { Transforms } from "./types.ts";

const jitOptions: OptionTable<JitOptions> = { backend: "string", staticArgnums: "axes" };
const diffOptions: OptionTable<DiffOptions> = {
  argnums: "axes",
  hasAux: "boolean",
  entries: "list",
};
const vmapOptions: OptionTable<VmapOptions> = {
  inAxes: "axes",
  outAxes: "axes",
  axisSize: "amount",
  splitRng: "boolean",
  reduceState: "value",
};
const auxOptions: OptionTable<HasAux> = { hasAux: "boolean" };
const linearSolveOptions: OptionTable<LinearSolveOptions> = {
  transposeSolve: "function",
  symmetric: "boolean",
};
const scanOptions: OptionTable<ScanOptions> = { length: "amount", reverse: "boolean" };
const prefixOptions: OptionTable<AssociativeScanOptions> = { reverse: "boolean", axis: "amount" };

type Table = Readonly<Record<string, OptionKind>>;

/** Each member as users call it, with what its options hold. */
const calls: Readonly<Record<keyof Transforms, readonly [call: string, options?: Table]>> = {
  jit: ["jit(f, options)", jitOptions],
  grad: ["grad(f, options)", diffOptions],
  valueAndGrad: ["valueAndGrad(f, options)", diffOptions],
  jvp: ["jvp(f, primals, tangents)"],
  vjp: ["vjp(f, primals, options)", auxOptions],
  linearize: ["linearize(f, primals)"],
  jacfwd: ["jacfwd(f, options)", diffOptions],
  jacrev: ["jacrev(f, options)", diffOptions],
  hessian: ["hessian(f, options)", diffOptions],
  vmap: ["vmap(f, options)", vmapOptions],
  checkpoint: ["checkpoint(f)"],
  customJvp: ["customJvp(f, rule)"],
  customVjp: ["customVjp(f, fwd, bwd)"],
  customRoot: ["customRoot(f, initialGuess, solve, tangentSolve, options)", auxOptions],
  customLinearSolve: ["customLinearSolve(matvec, b, solve, options)", linearSolveOptions],
  scan: ["scan(f, init, xs, options)", scanOptions],
  map: ["map(f, xs)"],
  whileLoop: ["whileLoop(cond, body, init)"],
  foriLoop: ["foriLoop(lower, upper, body, init)"],
  cond: ["cond(pred, ifTrue, ifFalse, ...operands)"],
  switchCase: ["switchCase(index, branches, ...operands)"],
  associativeScan: ["associativeScan(f, elems, options)", prefixOptions],
  evalShape: ["evalShape(f, ...args)"],
  initialize: ["initialize(f, ...args)"],
  isInitializing: ["isInitializing()"],
};

type Member = (...args: unknown[]) => unknown;

/**
 * A dictionary whose members check how they are called. What it is given, and what is passed on, is
 * untyped: members of various makers meet the types of `Transforms` in this one place.
 */
export function checkedMembers(members: object): Transforms {
  const wrapped = Object.entries(members as Record<string, Member>).map(([name, member]) => {
    if (!Object.hasOwn(calls, name)) return [name, member];
    const [call, options] = calls[name as keyof Transforms];
    const checked: Member = (...args) => {
      checkCall(call, args, options);
      return member(...args);
    };
    return [name, Object.defineProperty(checked, "name", { value: name })];
  });
  return Object.fromEntries(wrapped) as Transforms;
}
