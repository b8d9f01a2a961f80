/**
 * Derivative rules as programs that are given what they close over. A rule runs when derivatives are
 * taken: by then the transform whose traced values it captured may be over (a jitted function that is
 * differentiated), or be one inside (a lane of a `vmap`). So where derivatives or lanes are being
 * computed when the function is called, its rules are recorded at once, and what they captured becomes
 * an input.
 *
 * Rules that capture nothing traced stay the functions that they are, and so may look at values where
 * these are known.
 *
 * @module
 */
import { spread } from "../control/call.ts";
import type { BwdRule, FwdRule, JvpRule } from "../control/custom.ts";
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { evalJaxpr } from "../core/jaxpr.ts";
import type { Tangent } from "../core/primitive.ts";
import { bind, currentTrace, evalTrace, type Trace } from "../core/trace.ts";
import { BatchTrace } from "../interpreters/batch.ts";
import { JvpTrace } from "../interpreters/jvp.ts";
import { stage, type Staged } from "../interpreters/staging.ts";
import { notZero } from "../interpreters/transpose.ts";
import { zeros } from "../primitives/constants/full.ts";

/** Rules whose first arguments are the values that they need beyond the user's. */
export interface Closed<R> extends Readonly<{ rules: R }> {
  /** These values; none where the rules are as they were. */
  readonly held: readonly NDArray[];
}

/**
 * What is being recorded of a function with rules, if anything: the function or a rule. What is
 * around it does not count for those inside of it, whose rules would otherwise be recorded a number
 * of times that is exponential in their depth.
 */
let recording: Trace | undefined;
/** How often what is being recorded is going to be differentiated afterwards. */
let later = 0;
let leftOpen = 0;

/** Number of calls in programs so far whose rules were left as they are. */
export function rulesLeftOpen(): number {
  return leftOpen;
}

/**
 * How many derivatives are taken of what is called now, of which the last may be after the transform
 * around the call is over; at least 1 for the lanes of a `vmap`. Where it is not 0, rules of functions
 * that are called now have to be recorded with what they capture.
 */
export function derivativesToCome(): number {
  type Inner = Trace & { readonly parent?: Inner };
  let order = later;
  let lanes = 0;
  for (let t: Inner | undefined = currentTrace(); t !== undefined; t = t.parent) {
    if (t === recording) break;
    if (t instanceof JvpTrace) order++;
    if (t instanceof BatchTrace) lanes = 1;
  }
  return Math.max(order, lanes);
}

/** Runs `f` with other circumstances, and restores them. */
function within<T>(program: Trace | undefined, derivatives: number, f: () => T): T {
  const before = [recording, later] as const;
  [recording, later] = [program, derivatives];
  try {
    return f();
  } finally {
    [recording, later] = before;
  }
}

/**
 * Records a function with rules, or a rule, of whose program so many derivatives are going to be
 * taken: of the function none, as it has rules.
 */
export function stageRuled(
  what: string,
  f: (args: NDArray[]) => readonly NDArray[],
  avals: readonly ShapedArray[],
  derivatives = 0,
): Staged {
  return stage(what, (args) => within(currentTrace(), derivatives, () => f(args)), avals);
}

/** Runs `f`, which records a program that is differentiated afterwards even in eager code. */
export function beforeDifferentiation<T>(f: () => T): T {
  return within(recording, later + 1, f);
}

/** Whether rules may stay as they are: nothing traced can be captured, or nobody will need it. */
function mayStayOpen(): boolean {
  if (currentTrace() === evalTrace) return true;
  if (derivativesToCome() > 0) return false;
  leftOpen++;
  return true;
}

/**
 * Whether a rule stays the function that it is though it was recorded. In a program that is being
 * recorded there are no values to look at, and to run rules twice at each depth would be exponential.
 */
function staysAFunction(held: readonly NDArray[], openBefore: number): boolean {
  // Rules inside of it that were left open may capture what it does not.
  return held.length === 0 && recording === undefined && leftOpen === openBefore;
}

/**
 * Records a rule, or gives null where that fails: the rule reports it when it is needed. The first
 * derivative runs the rule, and those after it differentiate what it is made of.
 */
function attempt(
  what: string,
  f: (args: NDArray[]) => readonly NDArray[],
  avals: readonly ShapedArray[],
): Staged | null {
  try {
    return stageRuled(what, f, avals, derivativesToCome() - 1);
  } catch {
    return null;
  }
}

/** A jvp rule for arguments and tangents of these types. */
export function closedJvpRule(
  what: string,
  rule: JvpRule,
  avals: readonly ShapedArray[],
  numRuled: number,
): Closed<JvpRule> {
  const asItIs = { rules: rule, held: [] };
  if (mayStayOpen()) return asItIs;
  const open = leftOpen;
  let numOuts = 0;
  let active: readonly boolean[] = [];
  const staged = attempt(what, (args) => {
    const [outs, dots] = rule(args.slice(0, avals.length), args.slice(avals.length));
    const [mask, given] = notZero(dots);
    [numOuts, active] = [outs.length, mask];
    return [...outs, ...given];
  }, [...avals, ...avals.slice(0, numRuled)]);
  if (staged === null || staysAFunction(staged.consts, open)) return asItIs;
  const { jaxpr, consts } = staged;
  return {
    held: consts,
    rules: (primals, tangents) => {
      const dots = tangents.map((t, i): NDArray => t ?? zeros(avals[i]!));
      const outs = evalJaxpr(jaxpr, [...primals, ...dots], bind);
      return [outs.slice(0, numOuts), spread(active, outs.slice(numOuts))];
    },
  };
}

/** Forward and backward rules for arguments and results of these types. */
export function closedVjpRules(
  what: string,
  rules: readonly [fwd: FwdRule, bwd: BwdRule],
  avals: readonly ShapedArray[],
  outAvals: readonly ShapedArray[],
): Closed<readonly [fwd: FwdRule, bwd: BwdRule]> {
  const asItIs = { rules, held: [] };
  if (mayStayOpen()) return asItIs;
  const open = leftOpen;
  const [fwd, bwd] = rules;
  const numOuts = outAvals.length;
  const forward = attempt(what, (args) => fwd(args).flat(), avals);
  if (forward === null) return asItIs;
  const residuals = forward.jaxpr.outputs.slice(numOuts).map((a) => a.aval);
  let active: readonly boolean[] = [];
  const backward = attempt(what, (args) => {
    const [mask, given] = notZero(
      bwd(args.slice(0, residuals.length), args.slice(residuals.length)),
    );
    active = mask;
    return given;
  }, [...residuals, ...outAvals]);
  if (backward === null || staysAFunction([...forward.consts, ...backward.consts], open)) {
    return asItIs;
  }
  const numForward = forward.consts.length;
  const numHeld = numForward + backward.consts.length;
  return {
    held: [...forward.consts, ...backward.consts],
    rules: [
      (args) => {
        const inputs = [...args.slice(0, numForward), ...args.slice(numHeld)];
        const outs = evalJaxpr(forward.jaxpr, inputs, bind);
        // The backward rule gets what it needs through the residuals.
        return [outs.slice(0, numOuts), [
          ...args.slice(numForward, numHeld),
          ...outs.slice(numOuts),
        ]];
      },
      (kept, cts): Tangent[] => spread(active, evalJaxpr(backward.jaxpr, [...kept, ...cts], bind)),
    ],
  };
}
