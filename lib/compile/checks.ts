/**
 * Checks as data: a program that raises becomes one that says whether it would have, in outputs beside its
 * results. For targets where nothing can be done in the middle of a program. A loop carries what its
 * checks say, and a branch gives it; loops that may not end do so at the first check that fails.
 *
 * Printing and calling functions cannot be put off like this, and stay as they are.
 *
 * @module
 */
import {
  BackendError,
  bind,
  type Check,
  type ConcreteArray,
  describeValue,
  type Eqn,
  evalJaxpr,
  hasEffects,
  InternalError,
  type Jaxpr,
  type Loop,
  type NDArray,
  type Primitive,
  scalarArray,
  shaped,
  type ShapedArray,
  withoutDead,
} from "../core/mod.ts";
import { stageClosed } from "../interpreters/staging.ts";
import { and, eq, select, zeros } from "../primitives/mod.ts";
import { simplify } from "./pipeline.ts";

/** A check in a program. */
export interface Site {
  /** What is wrong where it fails, in short. */
  readonly message: string;
  /** Types of its inputs. */
  readonly avals: readonly ShapedArray[];
  /** Raises what it raises for these inputs. */
  readonly raise: (inputs: readonly ConcreteArray[]) => void;
}

/** A program whose checks are outputs. */
export interface Checked {
  /**
   * The program. Behind its results come the number of the first check that failed, an int32 that is 0
   * where none did, and the inputs of each check, those of the one that failed as they were then.
   */
  readonly jaxpr: Jaxpr;
  /** Its checks, which are numbered from 1. */
  readonly sites: readonly Site[];
}

/** The program with its checks as outputs, or as it is where it has none. */
export function checksAsOutputs(jaxpr: Jaxpr): Checked {
  const sites = sitesIn(jaxpr);
  if (sites.length === 0) return { jaxpr, sites };
  const n = jaxpr.inputs.length;
  const program = stageClosed("checks", (args) => {
    const start = [zero, ...sites.flatMap((s) => s.avals.map(zeros))];
    const { outs, state } = run(jaxpr, args.slice(0, n), start, 1);
    return [...outs, ...state];
  }, jaxpr.inputs.map((v) => v.aval));
  return { jaxpr: withoutDead(program), sites };
}

/** The program without its checks. */
export function withoutChecks(jaxpr: Jaxpr): Jaxpr {
  if (sitesIn(jaxpr).length === 0) return jaxpr;
  const eqns = jaxpr.eqns.flatMap((eqn): readonly Eqn[] => {
    const { primitive, params } = eqn;
    if (checkOf(primitive) !== null) return [];
    const inner = programsOf(primitive, params);
    if (inner.flatMap(sitesIn).length === 0) return [eqn];
    return [{
      ...eqn,
      params: primitive.passes.programs!.replace(params, inner.map(withoutChecks)),
    }];
  });
  return { ...jaxpr, eqns };
}

/** What becomes of the checks of a function in a file: a further output, or nothing. */
export type FileChecks = "output" | "none";

/** The program of a file. */
export interface FileProgram {
  /** The program; its last output is the number of the first check that failed, where there are any. */
  readonly jaxpr: Jaxpr;
  /** What each check says, in short; none where the file does not tell. */
  readonly messages: readonly string[];
}

/**
 * The program of a file for that of a function.
 *
 * @throws {TypeError} where `checks` is something else.
 */
export function fileProgram(op: string, jaxpr: Jaxpr, checks: FileChecks): FileProgram {
  if (checks !== "output" && checks !== "none") {
    throw new TypeError(`${op}: checks must be "output" or "none", not ${describeValue(checks)}`);
  }
  if (checks === "none" || !hasEffects(jaxpr)) return { jaxpr: withoutChecks(jaxpr), messages: [] };
  const { jaxpr: program, sites } = checksAsOutputs(simplify(jaxpr));
  // The values are for those who make messages of them.
  const told = jaxpr.outputs.length + (sites.length > 0 ? 1 : 0);
  return {
    jaxpr: withoutDead(program, program.outputs.map((_, i) => i < told)),
    messages: sites.map((s) => s.message),
  };
}

/**
 * Raises what a check raised in a run, from what the program gave behind its results.
 *
 * @throws {CheckError} or what else the first check that failed raises.
 */
export function raiseFailed(sites: readonly Site[], status: readonly ConcreteArray[]): void {
  const failed = status[0]!.values[0]!;
  if (failed === 0) return;
  const before = sites.slice(0, failed - 1).reduce((n, s) => n + s.avals.length, 1);
  const { avals, raise } = sites[failed - 1]!;
  raise(status.slice(before, before + avals.length));
  throw new InternalError("a check failed in a graph and holds outside of it");
}

const zero = /* @__PURE__ */ scalarArray(0, "int32");

/** The checks of a program, in the order of its equations, those inside of others in their places. */
function sitesIn(jaxpr: Jaxpr): Site[] {
  if (!hasEffects(jaxpr)) return [];
  return jaxpr.eqns.flatMap(({ primitive, params, inputs }): readonly Site[] => {
    const check = checkOf(primitive);
    if (check === null) return programsOf(primitive, params).flatMap(sitesIn);
    return [{
      message: check.message(params),
      avals: inputs.map((a) => a.aval),
      raise: (inputs) => check.raise(inputs, params),
    }];
  });
}

function checkOf<P>({ passes }: Primitive<P>): Check<P> | null {
  return passes.effect?.check ?? null;
}

function programsOf<P>({ passes }: Primitive<P>, params: P): Jaxpr[] {
  return passes.programs?.list(params).map((c) => c.jaxpr) ?? [];
}

/** How many arrays are kept for the checks of programs. */
function sizeOfState(programs: readonly Jaxpr[]): number {
  return programs.flatMap(sitesIn).reduce((n, s) => n + s.avals.length, 0);
}

interface Outcome {
  readonly outs: readonly NDArray[];
  /** The number of the first check that failed, then the inputs of all checks of the program. */
  readonly state: readonly NDArray[];
}

/** Evaluates a program in the current trace, its checks into the state; they are numbered from `number`. */
function run(
  jaxpr: Jaxpr,
  args: readonly NDArray[],
  state: readonly NDArray[],
  number: number,
): Outcome {
  let [first, ...kept] = state as [NDArray, ...NDArray[]];
  let at = 0;
  const outs = evalJaxpr(jaxpr, args, (primitive, args, params) => {
    const check = checkOf(primitive);
    if (check !== null) {
      const isFirst = and(eq(first, zero), check.fails(args, params));
      first = select(isFirst, scalarArray(number++, "int32"), first);
      args.forEach((x, i) => kept[at + i] = select(isFirst, x, kept[at + i]!));
      at += args.length;
      return [];
    }
    const programs = programsOf(primitive, params);
    const sites = programs.flatMap(sitesIn).length;
    if (sites === 0) return bind(primitive, args, params);
    const count = sizeOfState(programs);
    const own = [first, ...kept.slice(at, at + count)];
    const outcome = inside(primitive, args, params, own, number);
    first = outcome.state[0]!;
    kept = [...kept.slice(0, at), ...outcome.state.slice(1), ...kept.slice(at + count)];
    at += count;
    number += sites;
    return [...outcome.outs];
  });
  return { outs, state: [first, ...kept] };
}

/** Evaluates an operation that contains checks. */
function inside<P>(
  primitive: Primitive<P>,
  args: readonly NDArray[],
  params: P,
  state: readonly NDArray[],
  number: number,
): Outcome {
  const { name, passes } = primitive;
  const programs = passes.programs!;
  const list = programs.list(params);
  const loop = programs.loop?.of(params) ?? null;
  if (loop !== null) {
    const rule = loop.kind === "scan" ? scanned : repeated;
    const { loop: other, inputs, take } = rule(loop as never, args, state, number);
    return take(bind(primitive, inputs, programs.loop!.with(params, other)));
  }
  const call = programs.inline(params, args, () => null);
  if (call !== null) return run(call.jaxpr, call.inputs, state, number);
  if (list.some(({ role }) => role !== "branch")) {
    throw new BackendError(
      `${name} contains checks, and graphs cannot say how they went`,
    );
  }
  let before = 1;
  const branches = list.map(({ jaxpr }) => {
    const [from, size, own] = [before, sizeOfState([jaxpr]), number];
    before += size;
    number += sitesIn(jaxpr).length;
    const n = jaxpr.inputs.length;
    return stageClosed(name, (args) => {
      const all = args.slice(n);
      const mine = [all[0]!, ...all.slice(from, from + size)];
      const { outs, state } = run(jaxpr, args.slice(0, n), mine, own);
      const [first, ...kept] = state;
      return [...outs, first!, ...all.slice(1, from), ...kept, ...all.slice(from + size)];
    }, [...jaxpr.inputs.map((v) => v.aval), ...state.map((x) => x.aval)]);
  });
  const outs = bind(primitive, [...args, ...state], programs.replace(params, branches));
  const n = outs.length - state.length;
  return { outs: outs.slice(0, n), state: outs.slice(n) };
}

/** A loop that carries the state, its inputs, and what its outputs are. */
interface Carrying {
  readonly loop: Loop;
  readonly inputs: readonly NDArray[];
  readonly take: (outs: readonly NDArray[]) => Outcome;
}

const types = (xs: readonly { readonly aval: ShapedArray }[]): ShapedArray[] =>
  xs.map((x) => x.aval);

function scanned(
  loop: Extract<Loop, { kind: "scan" }>,
  args: readonly NDArray[],
  state: readonly NDArray[],
  number: number,
): Carrying {
  const { jaxpr, numConsts, numCarry } = loop;
  const firstX = numConsts + numCarry;
  const behind = firstX + state.length;
  const body = stageClosed("scan", (args) => {
    const own = [...args.slice(0, firstX), ...args.slice(behind)];
    const { outs, state } = run(jaxpr, own, args.slice(firstX, behind), number);
    return [...outs.slice(0, numCarry), ...state, ...outs.slice(numCarry)];
  }, [
    ...types(jaxpr.inputs.slice(0, firstX)),
    ...types(state),
    ...types(jaxpr.inputs.slice(firstX)),
  ]);
  const end = numCarry + state.length;
  return {
    loop: { ...loop, jaxpr: body, numCarry: end },
    inputs: [...args.slice(0, firstX), ...state, ...args.slice(firstX)],
    take: (outs) => ({
      outs: [...outs.slice(0, numCarry), ...outs.slice(end)],
      state: outs.slice(numCarry, end),
    }),
  };
}

/**
 * A loop that stops at the first check that fails. Whether it goes on is asked at the end of each step, and
 * once before the first: the condition may have checks, and gives a bool alone.
 */
function repeated(
  loop: Extract<Loop, { kind: "while" }>,
  args: readonly NDArray[],
  state: readonly NDArray[],
  number: number,
): Carrying {
  const { cond, body, condConsts, bodyConsts } = loop;
  const consts = condConsts + bodyConsts;
  const inTest = sizeOfState([cond]);
  const numTests = sitesIn(cond).length;
  /** Whether to go on, and the state after asking. */
  const ask = (own: readonly NDArray[], carry: readonly NDArray[], all: readonly NDArray[]) => {
    const mine = [all[0]!, ...all.slice(1, 1 + inTest)];
    const { outs, state } = run(cond, [...own.slice(0, condConsts), ...carry], mine, number);
    return [and(outs[0]!, eq(state[0]!, zero)), ...state, ...all.slice(1 + inTest)];
  };
  const step = (own: readonly NDArray[], carry: readonly NDArray[], all: readonly NDArray[]) => {
    const mine = [all[0]!, ...all.slice(1 + inTest)];
    const inputs = [...own.slice(condConsts), ...carry];
    const { outs, state } = run(body, inputs, mine, number + numTests);
    return { next: outs, after: [state[0]!, ...all.slice(1, 1 + inTest), ...state.slice(1)] };
  };
  const numCarry = body.outputs.length;
  const carried = [shaped([], "bool"), ...types(state), ...types(body.outputs)];
  const own = args.slice(0, consts);
  const firstCarry = 1 + state.length;
  return {
    loop: {
      kind: "while",
      cond: stageClosed("whileLoop", ([goOn]) => [goOn!], carried),
      body: stageClosed("whileLoop", (args) => {
        const own = args.slice(0, consts);
        const [, ...rest] = args.slice(consts);
        const [all, carry] = [rest.slice(0, state.length), rest.slice(state.length)];
        const { next, after } = step(own, carry, all);
        return [...ask(own, next, after), ...next];
      }, [...types(own), ...carried]),
      condConsts: 0,
      bodyConsts: consts,
    },
    inputs: [...own, ...ask(own, args.slice(consts), state), ...args.slice(consts)],
    take: (outs) => ({
      outs: outs.slice(firstCarry, firstCarry + numCarry),
      state: outs.slice(1, firstCarry),
    }),
  };
}
