/**
 * Simplification of a whole program before it is compiled: calls are inlined, what nothing reads is
 * dropped (inside loops too: unread results, and carries that feed only themselves), and what does
 * not change from step to step, or does not need the carry, is moved out of loops. Small
 * constants are computed, and a choice by a constant is its branch. Sharing of equal nodes and folding
 * of larger constants are done on the ONNX graph.
 *
 * @module
 */
import { type Atom, type Eqn, type Jaxpr, JaxprBuilder, Literal, Var } from "../core/jaxpr.ts";
import { sizeOf } from "../core/aval.ts";
import type { ConcreteArray } from "../core/concrete.ts";
import type { Primitive } from "../core/primitive.ts";
import { bind, evalTrace, withTrace } from "../core/trace.ts";
import { type CallParams, checkpointCall, jitCall } from "./call.ts";
import { chosenBranch, condP, type CondParams } from "./cond.ts";
import { emitScan } from "./fission.ts";
import { customJvpP, customVjpP } from "./custom.ts";
import { linearSolveP, type LinearSolveParams } from "./linear_solve.ts";
import { scanP, type ScanParams } from "./scan.ts";
import { mayNotEnd, whileP, type WhileParams } from "./while.ts";

type AnyPrimitive = Primitive<unknown>;

const is = (eqn: Eqn, primitive: unknown): boolean => eqn.primitive === primitive;

/** The program that an application amounts to, and which of its inputs that takes; null for none. */
function callee(
  { primitive, params }: Eqn,
  inputs: readonly Atom[],
): { readonly jaxpr: Jaxpr; readonly inputs: readonly Atom[] } | null {
  const isOne = (...list: readonly unknown[]): boolean => list.includes(primitive);
  if (isOne(jitCall, checkpointCall, customJvpP, customVjpP)) {
    return { jaxpr: (params as CallParams).jaxpr, inputs };
  }
  if (isOne(condP) && inputs[0] instanceof Literal) {
    const jaxpr = chosenBranch((params as CondParams).branches, inputs[0].value);
    return { jaxpr, inputs: inputs.slice(1) };
  }
  if (isOne(linearSolveP)) {
    const { matvec, vecmat, solve, transposeSolve } = params as LinearSolveParams;
    const skip = matvec.numConsts + (vecmat?.numConsts ?? 0);
    const after = skip + solve.numConsts;
    return {
      jaxpr: solve.jaxpr,
      inputs: [
        ...inputs.slice(skip, after),
        ...inputs.slice(after + (transposeSolve?.numConsts ?? 0)),
      ],
    };
  }
  return null;
}

/** Constants of at most this many elements are computed with; beyond that they would only grow files. */
const SMALL = 16;

/**
 * What an equation gives that reads small constants alone, computed as eager code does; null where
 * it reads more or is not small. Left to onnxruntime, a choice by a computed constant inside another
 * makes a model that cannot run (1.30.0: "IsTensor() was false").
 */
function folded({ primitive, params, outputs }: Eqn, inputs: readonly Atom[]): Literal[] | null {
  const known = (a: Atom): boolean =>
    a instanceof Literal && a.value.ready && sizeOf(a.aval.shape) <= SMALL;
  if (inputs.length === 0 || typeof primitive.impl !== "function" || !inputs.every(known)) {
    return null;
  }
  if (outputs.some((v) => sizeOf(v.aval.shape) > SMALL)) return null;
  const values = inputs.map((a) => (a as Literal).value);
  const outs = withTrace(evalTrace, () => bind(primitive, values, params));
  return outs.map((x) => new Literal(x as ConcreteArray));
}

/** Copies equations into a new program, inlining calls and computing what is constant. */
class Inliner {
  constructor(readonly builder: JaxprBuilder = new JaxprBuilder()) {}

  /** Adds the equations of `jaxpr` for these inputs; gives its outputs. */
  add(jaxpr: Jaxpr, inputs: readonly Atom[]): Atom[] {
    const env: Atom[] = new Array(jaxpr.numVars);
    jaxpr.inputs.forEach((v, i) => env[v.id] = inputs[i]!);
    const read = (a: Atom): Atom => a instanceof Literal ? a : env[a.id]!;
    for (const eqn of jaxpr.eqns) {
      const outs = this.#equation(eqn, eqn.inputs.map(read));
      eqn.outputs.forEach((v, i) => env[v.id] = outs[i]!);
    }
    return jaxpr.outputs.map(read);
  }

  #equation(eqn: Eqn, inputs: readonly Atom[]): readonly Atom[] {
    const call = callee(eqn, inputs);
    if (call !== null) return this.add(call.jaxpr, call.inputs);
    const constant = folded(eqn, inputs);
    if (constant !== null) return constant;
    const avals = eqn.outputs.map((v) => v.aval);
    return this.builder.equation(eqn.primitive, inputs, eqn.params, avals);
  }
}

function inlineCalls(jaxpr: Jaxpr): Jaxpr {
  const inliner = new Inliner();
  const inputs = jaxpr.inputs.map((v) => inliner.builder.input(v.aval));
  return inliner.builder.build(inliner.add(jaxpr, inputs));
}

/** An equation with another parameter set and fewer inputs and outputs. */
function replaced<P>(
  primitive: Primitive<P>,
  inputs: readonly Atom[],
  params: P,
  outputs: readonly Var[],
): Eqn {
  return { primitive: primitive as unknown as AnyPrimitive, inputs, params, outputs };
}

function usedInputs(jaxpr: Jaxpr): boolean[] {
  const used = new Set<Atom>(jaxpr.eqns.flatMap((e) => e.inputs));
  jaxpr.outputs.forEach((a) => used.add(a));
  return jaxpr.inputs.map((v) => used.has(v));
}

/** Drops equations that the wanted outputs do not need. */
function eliminate(jaxpr: Jaxpr, wanted: readonly boolean[]): Jaxpr {
  const live = new Set<Atom>(jaxpr.outputs.filter((_, i) => wanted[i]));
  const eqns: Eqn[] = [];
  for (let i = jaxpr.eqns.length - 1; i >= 0; i--) {
    const used = jaxpr.eqns[i]!.outputs.map((v) => live.has(v));
    if (!used.some((u) => u)) continue;
    const eqn = narrowed(jaxpr.eqns[i]!, used);
    eqn.inputs.forEach((a) => live.add(a));
    eqns.push(eqn);
  }
  return { ...jaxpr, eqns: eqns.reverse(), outputs: jaxpr.outputs.filter((_, i) => wanted[i]) };
}

/** A loop or choice without the results that nothing reads. */
function narrowed(eqn: Eqn, used: readonly boolean[]): Eqn {
  if (is(eqn, scanP)) return narrowedScan(eqn, used);
  if (is(eqn, whileP)) return narrowedWhile(eqn, used);
  if (is(eqn, condP)) {
    const branches = (eqn.params as CondParams).branches.map((b) => eliminate(b, used));
    const needed = branches.map(usedInputs).reduce((a, b) => a.map((x, i) => x || b[i]!));
    return replaced(
      condP,
      [eqn.inputs[0]!, ...eqn.inputs.slice(1).filter((_, i) => needed[i])],
      { branches: branches.map((b) => ({ ...b, inputs: b.inputs.filter((_, i) => needed[i]) })) },
      eqn.outputs.filter((_, i) => used[i]),
    );
  }
  return eqn;
}

/** Which carries are needed: those that are read after the loop, or by what is needed. */
function neededCarries(
  start: readonly boolean[],
  reads: (needed: readonly boolean[]) => readonly boolean[],
): boolean[] {
  let needed = [...start];
  for (;;) {
    const more = reads(needed);
    const next = needed.map((n, i) => n || more[i]!);
    if (next.every((n, i) => n === needed[i])) return needed;
    needed = next;
  }
}

function narrowedScan(eqn: Eqn, used: readonly boolean[]): Eqn {
  const params = eqn.params as ScanParams;
  const { numConsts, numCarry } = params;
  const ys = used.slice(numCarry);
  const carry = neededCarries(
    used.slice(0, numCarry),
    (needed) =>
      usedInputs(eliminate(params.jaxpr, [...needed, ...ys])).slice(
        numConsts,
        numConsts + numCarry,
      ),
  );
  const body = eliminate(params.jaxpr, [...carry, ...ys]);
  const keep = usedInputs(body).map((u, i) =>
    i >= numConsts && i < numConsts + numCarry ? carry[i - numConsts]! : u
  );
  const firstX = numConsts + numCarry;
  return replaced(scanP, eqn.inputs.filter((_, i) => keep[i]), {
    ...params,
    jaxpr: { ...body, inputs: body.inputs.filter((_, i) => keep[i]) },
    numConsts: keep.slice(0, numConsts).filter((k) => k).length,
    numCarry: keep.slice(numConsts, firstX).filter((k) => k).length,
    sums: carry.slice(0, params.sums).filter((c) => c).length,
  }, eqn.outputs.filter((_, i) => i < numCarry ? carry[i] : ys[i - numCarry]));
}

function narrowedWhile(eqn: Eqn, used: readonly boolean[]): Eqn {
  const params = eqn.params as WhileParams;
  const { cond, body, condConsts, bodyConsts } = params;
  const tested = usedInputs(cond);
  const carry = neededCarries(
    used.map((u, i) => u || tested[condConsts + i]!),
    (needed) => usedInputs(eliminate(body, needed)).slice(bodyConsts),
  );
  const small = eliminate(body, carry);
  const constUsed = usedInputs(small).slice(0, bodyConsts);
  const first = condConsts + bodyConsts;
  return replaced(
    whileP,
    eqn.inputs.filter((_, i) =>
      i < condConsts ? tested[i] : i < first ? constUsed[i - condConsts] : carry[i - first]
    ),
    {
      cond: {
        ...cond,
        inputs: cond.inputs.filter((_, i) => i < condConsts ? tested[i] : carry[i - condConsts]),
      },
      body: {
        ...small,
        inputs: small.inputs.filter((_, i) =>
          i < bodyConsts ? constUsed[i] : carry[i - bodyConsts]
        ),
      },
      condConsts: tested.slice(0, condConsts).filter((t) => t).length,
      bodyConsts: constUsed.filter((u) => u).length,
    },
    eqn.outputs.filter((_, i) => carry[i]),
  );
}

/** Primitives that are cheaper to repeat than to keep the result of. */
const cheap = new Set(["broadcast", "iota", "reshape"]);

/**
 * Splits a loop body: the equations that depend on its constants alone, and the rest with their
 * results as further constants.
 */
function invariantEqns(body: Jaxpr, numConsts: number): { moved: Eqn[]; rest: Eqn[] } {
  const fixed = new Set<Atom>(body.inputs.slice(0, numConsts));
  const moved: Eqn[] = [], rest: Eqn[] = [];
  for (const eqn of body.eqns) {
    const invariant = eqn.inputs.length > 0 &&
      eqn.inputs.every((a) => a instanceof Literal || fixed.has(a)) &&
      eqn.inputs.some((a) => a instanceof Var) && !cheap.has(eqn.primitive.name) &&
      !mayNotEnd(eqn); // else a loop that never ran might run for ever
    if (invariant) eqn.outputs.forEach((v) => fixed.add(v));
    (invariant ? moved : rest).push(eqn);
  }
  return { moved, rest };
}

/** Moves invariant equations of loops in front of them. */
function hoist(jaxpr: Jaxpr): Jaxpr {
  const builder = new JaxprBuilder();
  const env: Atom[] = new Array(jaxpr.numVars);
  const read = (a: Atom): Atom => a instanceof Literal ? a : env[a.id]!;
  const inputs = jaxpr.inputs.map((v) => env[v.id] = builder.input(v.aval));
  const emit = (eqn: Eqn, ins: readonly Atom[], params: unknown): readonly Var[] =>
    builder.equation(eqn.primitive, ins, params, eqn.outputs.map((v) => v.aval));

  /** Emits what can leave the body; gives the new body and the values of its further constants. */
  const lift = (body: Jaxpr, numConsts: number, consts: readonly Atom[]) => {
    const { moved, rest } = invariantEqns(body, numConsts);
    if (moved.length === 0) return { body, extra: [] as Atom[] };
    const inner = new Map<Atom, Atom>(
      body.inputs.slice(0, numConsts).map((v, i) => [v, consts[i]!]),
    );
    for (const eqn of moved) {
      const outs = emit(
        eqn,
        eqn.inputs.map((a) => a instanceof Literal ? a : inner.get(a)!),
        eqn.params,
      );
      eqn.outputs.forEach((v, i) => inner.set(v, outs[i]!));
    }
    const read = new Set<Atom>([...rest.flatMap((e) => e.inputs), ...body.outputs]);
    const crossing = moved.flatMap((e) => e.outputs).filter((v) => read.has(v));
    return {
      body: {
        ...body,
        inputs: [
          ...body.inputs.slice(0, numConsts),
          ...crossing,
          ...body.inputs.slice(numConsts),
        ],
        eqns: rest,
      },
      extra: crossing.map((v) => inner.get(v)!),
    };
  };

  const inliner = new Inliner(builder);
  for (const eqn of jaxpr.eqns) {
    let ins = eqn.inputs.map(read);
    let params = eqn.params;
    if (is(eqn, scanP)) {
      const p = params as ScanParams;
      const { body, extra } = lift(p.jaxpr, p.numConsts, ins);
      const lifted = { ...p, jaxpr: body, numConsts: p.numConsts + extra.length };
      params = lifted;
      ins = [...ins.slice(0, p.numConsts), ...extra, ...ins.slice(p.numConsts)];
      const parts = emitScan(builder, (j, xs) => inliner.add(j, xs), lifted, ins);
      if (parts !== null) {
        eqn.outputs.forEach((v, i) => env[v.id] = parts[i]!);
        continue;
      }
    } else if (is(eqn, whileP)) {
      const p = params as WhileParams;
      const at = p.condConsts + p.bodyConsts;
      const { body, extra } = lift(p.body, p.bodyConsts, ins.slice(p.condConsts, at));
      params = { ...p, body, bodyConsts: p.bodyConsts + extra.length };
      ins = [...ins.slice(0, at), ...extra, ...ins.slice(at)];
    }
    const outs = emit(eqn, ins, params);
    eqn.outputs.forEach((v, i) => env[v.id] = outs[i]!);
  }
  return builder.build(jaxpr.outputs.map(read), inputs as Var[]);
}

/** Applies `pass` to the programs inside loops and choices, innermost first. */
function inside(jaxpr: Jaxpr, pass: (inner: Jaxpr) => Jaxpr): Jaxpr {
  const eqns = jaxpr.eqns.map((eqn): Eqn => {
    const { params } = eqn;
    if (is(eqn, scanP)) {
      const p = params as ScanParams;
      return { ...eqn, params: { ...p, jaxpr: pass(p.jaxpr) } };
    }
    if (is(eqn, whileP)) {
      const p = params as WhileParams;
      return { ...eqn, params: { ...p, cond: pass(p.cond), body: pass(p.body) } };
    }
    if (is(eqn, condP)) {
      const p = params as CondParams;
      return { ...eqn, params: { branches: p.branches.map(pass) } };
    }
    return eqn;
  });
  return { ...jaxpr, eqns };
}

function prepare(jaxpr: Jaxpr): Jaxpr {
  return hoist(inside(inlineCalls(jaxpr), prepare));
}

/** The same program, simpler. Inputs and outputs stay as they are. */
export function simplify(jaxpr: Jaxpr): Jaxpr {
  const flat = prepare(jaxpr);
  return eliminate(flat, flat.outputs.map(() => true));
}
