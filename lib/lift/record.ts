/**
 * Recording a function over contexts. The program that this gives is the account of what the function
 * does: each entry becomes an input when it is first read, and what was written is an output. It is
 * also what transforms loop over, choose or compile, so that nothing runs twice.
 *
 * @module
 */
import {
  type Atom,
  bind,
  currentTrace,
  evalJaxpr,
  type Jaxpr,
  NDArray,
  neededFor,
  scalarArray,
  shaped,
  type ShapedArray,
  type TreeDef,
  treeFlatten,
  treeUnflatten,
  type Var,
  withoutEffects,
  withTrace,
} from "../core/mod.ts";
import { type Staged, StagingTrace } from "../interpreters/staging.ts";
import { add, scalarLike } from "../primitives/mod.ts";
import { called, flattenResult, nameOf } from "../transforms/trees.ts";
import type { AnyFunction } from "../transforms/types.ts";
import type { Names } from "./names.ts";
import { arraysOf } from "./streams.ts";
import {
  childrenOf,
  type Effects,
  effectsOf,
  inside,
  type Values,
  type World,
  type WorldOptions,
} from "./world.ts";

/** How a function is recorded. */
export interface RecordingOptions {
  /** The part that the function plays in the transform, which has streams of its own for each. */
  readonly role: number;
  /** Whether it is a branch, whose streams are chosen when a program is assembled. */
  readonly isBranch?: boolean | undefined;
  /** The names to begin with, where these are not those around. */
  readonly names?: readonly Names[] | undefined;
  /** The number of the first step (default 0) and what is added for the next one (default 1). */
  readonly count?: { readonly from: number; readonly by: number } | undefined;
  /** Which streams are split by the number of the step, an input that is there where one is drawn from. */
  readonly splitsByStep?: ((name: string) => boolean) | undefined;
  /** Whether streams are inputs, and not captured. */
  readonly liftStreams?: boolean | undefined;
  /** Types of entries inside, where they are others than outside. */
  readonly typeInside?: ((name: string, x: NDArray) => ShapedArray) | undefined;
  /** Entries that are made inside. */
  readonly makesHere?: ((name: string) => boolean) | undefined;
  /** Whether the function may return anything. */
  readonly anyResult?: boolean | undefined;
  /** Makes the trace in which it is recorded, where that is a special one. */
  readonly trace?: ((what: string) => StagingTrace) | undefined;
}

/** An entry that was read, or a stream that was lifted. */
export interface Read {
  /** Its value outside. */
  readonly outer: unknown;
  /** Its arrays outside. */
  readonly arrays: readonly NDArray[];
  /** What they are in the program. */
  readonly vars: readonly Var[];
  /** Of a branch's stream: its arrays outside, for the branch of that number. */
  readonly inBranch?: (branch: number) => readonly NDArray[];
}

/** An entry that was written. */
export interface Write {
  /** Its structure. */
  readonly def: TreeDef;
  /** Its arrays in the program. */
  readonly atoms: readonly Atom[];
}

/** A function that was recorded. */
export interface Recorded {
  /** All equations; what are inputs and outputs is chosen by `assemble`. */
  readonly jaxpr: Jaxpr;
  /** Values that the function captured, the program's first inputs. */
  readonly consts: readonly NDArray[];
  /** Its arguments. */
  readonly args: readonly Var[];
  /** Structure of its result. */
  readonly outDef: TreeDef;
  /** Its result. */
  readonly outs: readonly Atom[];
  /** Entries that it read. */
  readonly reads: ReadonlyMap<string, Read>;
  /** Streams that it drew from, where they were lifted. */
  readonly streams: ReadonlyMap<string, Read>;
  /** Entries that it wrote. */
  readonly writes: ReadonlyMap<string, Write>;
  /** First values of those that were not there. */
  readonly births: ReadonlyMap<string, Write>;
  /** The number of the step, and the next one, where a stream is split by it. */
  readonly step: { readonly now: Var; readonly next: Atom; readonly from: number } | null;
  /** What it did. */
  readonly effects: Effects;
  /** The contexts that it ran in. */
  readonly world: World;
}

const stepType = /* @__PURE__ */ shaped([], "int32");

/** Records a function of the list of arguments with structure `def`, over contexts within `world`. */
export function record(
  where: string,
  op: string,
  f: AnyFunction,
  def: TreeDef,
  avals: readonly ShapedArray[],
  world: World,
  options: RecordingOptions,
): Recorded {
  const { role, isBranch = false, splitsByStep, liftStreams, typeInside } = options;
  const { count = { from: 0, by: 1 } } = options;
  const outerTrace = currentTrace();
  const what = `${op} of ${nameOf(f)}`;
  const trace = options.trace?.(what) ?? new StagingTrace(what);
  const reads = new Map<string, Read>(), streams = new Map<string, Read>();
  try {
    const args = avals.map((aval) => trace.input(aval));
    const lifting = (into: Map<string, Read>, typed: typeof typeInside) => {
      return (name: string, outer: unknown, inBranch?: Read["inBranch"]): unknown => {
        const [leaves, own] = treeFlatten(outer);
        const arrays: NDArray[] = [], vars: Var[] = [];
        const inner = leaves.map((x) => {
          if (!(x instanceof NDArray)) return x;
          const input = trace.input(typed === undefined ? x.aval : typed(name, x));
          arrays.push(x);
          vars.push(input.variable);
          return input;
        });
        into.set(name, { outer, arrays, vars, ...(inBranch && { inBranch }) });
        return treeUnflatten(own, inner);
      };
    };
    const liftStream = lifting(streams, undefined);
    let now: ReturnType<typeof trace.input> | null = null;
    const stream: WorldOptions["stream"] = (s, { rules }, name) => {
      const given = withTrace(outerTrace, () => rules.part(s, role));
      if (liftStreams) return liftStream(name, given);
      if (isBranch) {
        const inBranch = (branch: number): readonly NDArray[] =>
          withTrace(outerTrace, () => arraysOf(rules.part(given, branch)));
        return liftStream(name, withTrace(outerTrace, () => rules.part(given, 0)), inBranch);
      }
      if (splitsByStep?.(name) !== true) return given;
      return rules.part(given, now ??= trace.input(stepType));
    };
    return withTrace(trace, () => {
      const { makesHere } = options;
      const lift = lifting(reads, typeInside);
      const inner = childrenOf(world, {
        lift: (name, outer) => lift(name, outer),
        stream,
        makesHere,
        names: options.names,
      });
      const call = (): unknown =>
        inside(inner, () => called(f, treeUnflatten(def, args) as unknown[]));
      const result = call();
      const [outs, outDef] = options.anyResult
        ? [[], treeFlatten(null)[1]] as [NDArray[], TreeDef]
        : flattenResult(op, f, result);
      const effects = effectsOf(where, inner);
      const entries = (values: Values) =>
        Object.entries(values).map(([name, value]) => {
          const [arrays, own] = treeFlatten(value) as [NDArray[], TreeDef];
          return { name, def: own, atoms: arrays.map((x) => trace.atom(x)) };
        });
      const table = (values: Values) =>
        new Map(entries(values).map(({ name, ...write }) => [name, write] as const));
      const [writes, births] = [table(effects.written), table(effects.born)];
      const first = now as ReturnType<typeof trace.input> | null;
      const step = first === null ? null : {
        now: first.variable,
        next: trace.atom(add(first, scalarLike(count.by, first))),
        from: count.from,
      };
      const { jaxpr, consts } = trace.finish(outs);
      return {
        jaxpr,
        consts,
        args: args.map((x) => x.variable),
        outDef,
        outs: jaxpr.outputs,
        reads,
        streams,
        writes,
        births,
        step,
        effects,
        world: inner,
      };
    });
  } finally {
    trace.alive = false;
  }
}

/** What of a recording becomes a program. */
export interface Assembly {
  /** Entries and streams that are inputs after the arguments. All others that are read are captured. */
  readonly inputs: readonly Var[];
  /** What it gives. */
  readonly outputs: readonly Atom[];
  /** Number of variables, where there are new ones among the inputs. */
  readonly numVars?: number;
  /** Which branch it is to be. */
  readonly branch?: number | undefined;
  /** Whether it is to compute alone, since what it does beside is done elsewhere. */
  readonly quiet?: boolean;
}

/**
 * A program of what was recorded. Inputs: captured values, the arguments, `inputs`. Reads that are not
 * among these are captured as far as outputs need them, and what only others need is left out.
 */
export function assemble(
  r: Recorded,
  { inputs, outputs, numVars, branch, quiet = false }: Assembly,
): Staged {
  const count = numVars ?? r.jaxpr.numVars;
  const needed = neededFor({ eqns: r.jaxpr.eqns, numVars: count }, outputs, !quiet);
  const given = new Set(inputs);
  const vars: Var[] = [], consts: NDArray[] = [];
  let isWhole = !quiet;
  for (const read of [...r.reads.values(), ...r.streams.values()]) {
    const arrays = branch === undefined ? read.arrays : read.inBranch?.(branch) ?? read.arrays;
    read.vars.forEach((v, i) => {
      if (given.has(v)) return;
      if (needed.vars[v.id] !== 1) {
        isWhole = false;
        return;
      }
      vars.push(v);
      consts.push(arrays[i]!);
    });
  }
  if (r.step !== null && !given.has(r.step.now)) isWhole = false;
  const eqns = isWhole ? r.jaxpr.eqns : needed.eqns;
  return {
    jaxpr: {
      inputs: [...r.jaxpr.inputs.slice(0, r.consts.length), ...vars, ...r.args, ...inputs],
      eqns,
      outputs,
      numVars: count,
    },
    consts: [...r.consts, ...consts],
  };
}

/** Evaluates, in the current trace, a part of what was recorded for the first step, or a branch. */
export function evaluate(
  r: Recorded,
  writes: ReadonlyMap<string, Write>,
  args: readonly NDArray[],
  branch?: number,
): Values {
  const outputs = [...writes.values()].flatMap((w) => w.atoms);
  const step = r.step === null ? [] : [r.step.now];
  const { jaxpr, consts } = assemble(r, { inputs: step, outputs, branch, quiet: true });
  const start = step.map(() => scalarArray(r.step!.from, "int32"));
  const outs = evalJaxpr(withoutEffects(jaxpr), [...consts, ...args, ...start], bind);
  let next = 0;
  return Object.fromEntries(
    [...writes].map(([name, { def, atoms }]) => [
      name,
      treeUnflatten(def, outs.slice(next, next += atoms.length)),
    ]),
  );
}
