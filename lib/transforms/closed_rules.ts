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
import { type BwdRule, type FwdRule, holdsOpenRules, type JvpRule } from "../control/custom.ts";
import {
  bind,
  ConcretizationError,
  currentTrace,
  evalJaxpr,
  evalTrace,
  InternalError,
  type NDArray,
  type ShapedArray,
  type Trace,
} from "../core/mod.ts";
import { BatchTrace } from "../interpreters/batch.ts";
import { JvpTrace } from "../interpreters/jvp.ts";
import { type Staged, stageIn, StagingTrace } from "../interpreters/staging.ts";
import { notZero } from "../interpreters/transpose.ts";
import { zeros } from "../primitives/mod.ts";

/** Rules whose first arguments are the values that they need beyond the user's. */
export interface Closed<R> extends Readonly<{ rules: R }> {
  /** These values; none where the rules are as they were. */
  readonly held: readonly NDArray[];
  /** Whether the rules, or those inside of them, may hold values of traces around them all the same. */
  readonly open: boolean;
}

/** The recording of a program that derivatives are going to be taken of when it is done. */
class ForeseenTrace extends StagingTrace {
  /**
   * `derivatives` are how many. With `alone`, what is around does not count for functions with rules
   * inside: theirs would otherwise be recorded a number of times that is exponential in their depth.
   */
  constructor(what: string, readonly derivatives: number, readonly alone: boolean) {
    super(what);
  }
}

/** What is around a call, up to the innermost recording of a function with rules, or of a rule. */
function surroundings(): { readonly derivatives: number; readonly inRuled: boolean } {
  type Inner = Trace & { readonly parent?: Inner };
  let order = 0;
  let lanes = 0;
  let inRuled = false;
  for (let t: Inner | undefined = currentTrace(); t !== undefined && !inRuled; t = t.parent) {
    if (t instanceof JvpTrace) order++;
    if (t instanceof BatchTrace) lanes = 1;
    if (t instanceof ForeseenTrace) {
      order += t.derivatives;
      inRuled = t.alone;
    }
  }
  return { derivatives: Math.max(order, lanes), inRuled };
}

/**
 * How many derivatives are taken of what is called now, of which the last may be after the transform
 * around the call is over; at least 1 for the lanes of a `vmap`. Where it is not 0, rules of functions
 * that are called now have to be recorded with what they capture.
 */
export function derivativesToCome(): number {
  return surroundings().derivatives;
}

/**
 * A trace to record a function with rules, or a rule, of whose program so many derivatives are going to
 * be taken: of the function none, as it has rules.
 */
export function ruledTrace(what: string, derivatives = 0): StagingTrace {
  return new ForeseenTrace(what, derivatives, true);
}

/** A trace to record a program that is differentiated once more than what is around, even in eager code. */
export function traceBeforeDerivative(what: string): StagingTrace {
  return new ForeseenTrace(what, 1, false);
}

/** Rules that stay the functions that they are. */
function asItIs<R>(rules: R, open: boolean): Closed<R> {
  return { rules, held: [], open };
}

/** Rules left as they are, where nothing traced can be captured, or nobody is going to need it yet. */
function leftOpen<R>(rules: R): Closed<R> | null {
  if (currentTrace() === evalTrace) return asItIs(rules, false);
  return derivativesToCome() > 0 ? null : asItIs(rules, true);
}

/**
 * Whether a rule stays the function that it is though it was recorded. In a program that is being
 * recorded there are no values to look at, and to run rules twice at each depth would be exponential.
 */
function staysAFunction(recorded: readonly Staged[]): boolean {
  // Rules inside of it that were left open may capture what it does not.
  return recorded.every(({ jaxpr, consts }) => consts.length === 0 && !holdsOpenRules(jaxpr)) &&
    !surroundings().inRuled;
}

/** A rule that looks at values: they are there when it runs, if they are, but not when it is recorded. */
const needsValues = Symbol("needs values");

/** An error of the rule's own, which is for those who ask for the rule. */
class Failed {
  constructor(readonly error: unknown) {}
  /** The rule from now on. */
  readonly rule = (): never => {
    throw this.error;
  };
}

/**
 * Records a rule. The first derivative runs the rule, and those after it differentiate what it is
 * made of.
 */
function attempt(
  what: string,
  f: (args: NDArray[]) => readonly NDArray[],
  avals: readonly ShapedArray[],
): Staged | Failed | typeof needsValues {
  try {
    return stageIn(ruledTrace(what, derivativesToCome() - 1), f, avals);
  } catch (error) {
    if (error instanceof InternalError) throw error;
    return asksForValues(error) ? needsValues : new Failed(error);
  }
}

/** Whether a recording failed because a value was looked at. */
export function asksForValues(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause) {
    if (e instanceof ConcretizationError) return true;
  }
  return false;
}

/** A jvp rule for arguments and tangents of these types. */
export function closedJvpRule(
  what: string,
  rule: JvpRule,
  avals: readonly ShapedArray[],
  numRuled: number,
): Closed<JvpRule> {
  const open = leftOpen(rule);
  if (open !== null) return open;
  let numOuts = 0;
  let active: readonly boolean[] = [];
  const staged = attempt(what, (args) => {
    const [outs, dots] = rule(args.slice(0, avals.length), args.slice(avals.length));
    const [mask, given] = notZero(dots);
    [numOuts, active] = [outs.length, mask];
    return [...outs, ...given];
  }, [...avals, ...avals.slice(0, numRuled)]);
  if (staged instanceof Failed) return asItIs(staged.rule, false);
  if (staged === needsValues || staysAFunction([staged])) return asItIs(rule, false);
  const { jaxpr, consts } = staged;
  return {
    held: consts,
    open: holdsOpenRules(jaxpr),
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
  const open = leftOpen(rules);
  if (open !== null) return open;
  const [fwd, bwd] = rules;
  const numOuts = outAvals.length;
  const forward = attempt(what, (args) => fwd(args).flat(), avals);
  if (forward instanceof Failed) return asItIs([forward.rule, bwd], false);
  if (forward === needsValues) return asItIs(rules, false);
  const residuals = forward.jaxpr.outputs.slice(numOuts).map((a) => a.aval);
  let active: readonly boolean[] = [];
  const backward = attempt(what, (args) => {
    const [mask, given] = notZero(
      bwd(args.slice(0, residuals.length), args.slice(residuals.length)),
    );
    active = mask;
    return given;
  }, [...residuals, ...outAvals]);
  if (backward === needsValues) return asItIs(rules, false);
  const isFailed = backward instanceof Failed;
  const needed = isFailed ? [] : backward.consts;
  if (staysAFunction(isFailed ? [forward] : [forward, backward])) {
    return asItIs([fwd, isFailed ? backward.rule : bwd], false);
  }
  const numForward = forward.consts.length;
  const numHeld = numForward + needed.length;
  return {
    held: [...forward.consts, ...needed],
    open: [forward, ...isFailed ? [] : [backward]].some(({ jaxpr }) => holdsOpenRules(jaxpr)),
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
      isFailed
        ? backward.rule
        : (kept, cts) => spread(active, evalJaxpr(backward.jaxpr, [...kept, ...cts], bind)),
    ],
  };
}
