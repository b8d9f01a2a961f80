/**
 * Lifted custom derivatives and implicit functions.
 *
 * @module
 */
import {
  type NDArray,
  neededFor,
  type ShapedArray,
  type TreeDef,
  treeUnflatten,
} from "../core/mod.ts";
import { asksOpenRules } from "../control/custom.ts";
import { derivativesToCome, ruledTrace } from "../transforms/closed_rules.ts";
import { customJvpBy, customVjpBy } from "../transforms/custom.ts";
import { customLinearSolveBy, customRootBy } from "../transforms/implicit.ts";
import type { Recorder, Recording, RecordOptions } from "../transforms/recorder.ts";
import type { AnyFunction, RuleOptions } from "../transforms/types.ts";
import { type Application, type Engine, type Fn, instead, pure, roles } from "./engine.ts";
import { assemble, evaluate, type Recorded } from "./record.ts";
import { childrenOf, inside, type Values, type World } from "./world.ts";

/** Records one function, which is recorded again where entries came to be by being set. */
function recordOne(
  app: Application,
  f: AnyFunction,
  def: TreeDef,
  avals: readonly ShapedArray[],
  { first, trace }: RecordOptions,
  inAnotherTrace?: (r: Recorded) => RecordOptions["trace"] | null,
): Recorded {
  let own = trace;
  const go = (): Recorded => app.record(f, def, avals, { role: roles.body, trace: own });
  let r = go();
  if (r.births.size > 0) {
    app.set(evaluate(r, r.births, first?.() ?? []));
    r = go();
  }
  app.refuseSettings([r.effects], "inside the transform, which may run it again or not at all");
  const other = inAnotherTrace?.(r) ?? null;
  if (other !== null) {
    own = other;
    r = go();
  }
  // What was removed is there for rules and solvers until the transform is over.
  app.note({ ...r.effects, removed: [] });
  return r;
}

/** Joins what was written and removed to the contexts around. */
function commit(app: Application, { effects }: Recorded, written: Values): void {
  app.set(written);
  app.note({ drawn: [], names: [], removed: effects.removed });
  app.commit();
}

/**
 * By the entries that it reads a function with rules is differentiated as usual. Where that asks for
 * rules of functions inside, these must be closed.
 */
function closedWithin(r: Recorded): RecordOptions["trace"] | null {
  const derivatives = derivativesToCome();
  if (r.reads.size === 0 || derivatives === 0) return null;
  const inputs = [...r.reads.values()].flatMap(({ vars }) => vars);
  const program = { ...r.jaxpr, inputs };
  if (!asksOpenRules(program, inputs.map(() => true))) return null;
  return (what) => ruledTrace(what, derivatives);
}

/**
 * Records a function with derivative rules. These govern its arguments; by the entries that it reads,
 * which are arguments beyond those, it is differentiated as usual.
 */
class Ruled implements Recorder {
  #recorded: Recorded | null = null;
  #through: readonly NDArray[] = [];

  constructor(readonly app: Application) {}

  record(
    _op: string,
    f: AnyFunction,
    def: TreeDef,
    avals: readonly ShapedArray[],
    options: RecordOptions = {},
  ): Recording {
    const r = this.#recorded = recordOne(this.app, f, def, avals, options, closedWithin);
    const outputs = [...r.outs, ...[...r.writes.values()].flatMap((w) => w.atoms)];
    const needed = neededFor(r.jaxpr, outputs, true).vars;
    const inputs = [...r.reads.values()].flatMap(({ vars, arrays }) =>
      vars.flatMap((v, i) => needed[v.id] === 1 ? [{ v, x: arrays[i]! }] : [])
    );
    this.#through = inputs.map(({ x }) => x);
    const program = assemble(r, { inputs: inputs.map(({ v }) => v), outputs });
    return { outDef: r.outDef, outAvals: r.outs.map((a) => a.aval), program: () => program };
  }

  carried(): readonly NDArray[] {
    return this.#through;
  }

  sliced(): readonly NDArray[] {
    return [];
  }

  finish(written: readonly NDArray[]): void {
    let next = 0;
    const values: Values = {};
    for (const [name, { def, atoms }] of this.#recorded!.writes) {
      values[name] = treeUnflatten(def, written.slice(next, next += atoms.length));
    }
    commit(this.app, this.#recorded!, values);
  }
}

/**
 * A derivative rule over contexts of its own, which leaves no trace in those around, and sees what the
 * function saw: entries and names before that did anything. It may run when the transform is over: what
 * was looked at when the function or the rule was recorded is kept, and no more than that.
 */
function late(app: Application, role: number, rule: Fn): Fn {
  const held: World = childrenOf(app.world, {
    stream: (s, { rules }) => rules.part(s, role),
    early: true,
  });
  return instead(rule, (...args) => {
    const inner = childrenOf(held, {});
    const out = inside(inner, () => rule(...args));
    // What it created is kept where that is still possible.
    inner.forEach(({ account }, i) => {
      for (const [key, value] of account.made) held[i]!.adopt(key, value);
    });
    held.forEach(({ account }, i) => {
      for (const [key, value] of account.made) app.world[i]!.adopt(key, value);
    });
    return out;
  });
}

export const customJvp = (e: Engine): Fn =>
  e.member("customJvp", (f, rule, options) =>
    customJvpBy(
      () => {
        const app = e.begin("customJvp");
        return { recorder: new Ruled(app), rules: [late(app, roles.body, rule as Fn)] };
      },
      f as AnyFunction,
      rule as AnyFunction,
      options as RuleOptions,
    ) as Fn);

export const customVjp = (e: Engine): Fn =>
  e.member("customVjp", (f, fwd, bwd, options) =>
    customVjpBy(
      () => {
        const app = e.begin("customVjp");
        // The forward rule draws the function's keys, in whose place it runs.
        return {
          recorder: new Ruled(app),
          rules: [late(app, roles.body, fwd as Fn), late(app, roles.backward, bwd as Fn)],
        };
      },
      f as AnyFunction,
      fwd as AnyFunction,
      bwd as AnyFunction,
      options as RuleOptions,
    ) as Fn);

/** Records the function of an implicit one. What it writes is what it writes at the solution. */
class Implicit implements Recorder {
  #recorded: Recorded | null = null;

  constructor(readonly app: Application) {}

  record(
    _op: string,
    f: AnyFunction,
    def: TreeDef,
    avals: readonly ShapedArray[],
    options: RecordOptions = {},
  ): Recording {
    const r = this.#recorded = recordOne(this.app, f, def, avals, options);
    const program = assemble(r, { inputs: [], outputs: r.outs });
    return { outDef: r.outDef, outAvals: r.outs.map((a) => a.aval), program: () => program };
  }

  carried(): readonly NDArray[] {
    return [];
  }

  sliced(): readonly NDArray[] {
    return [];
  }

  finish(solution: readonly NDArray[]): void {
    const r = this.#recorded!;
    commit(this.app, r, r.writes.size > 0 ? evaluate(r, r.writes, solution) : {});
  }
}

/** A solver: what it draws and creates counts, what it writes does not. */
function solver(app: Application, role: number, solve: unknown): unknown {
  return instead(solve, (...xs) => {
    const { out, effects } = app.run(role, solve as Fn, xs);
    app.note({ drawn: effects.drawn, names: [], removed: [] });
    return out;
  });
}

export const customRoot = (e: Engine): Fn => (f, guess, solve, tangentSolve, options = {}) => {
  const app = e.begin("customRoot");
  return customRootBy(
    new Implicit(app),
    f as AnyFunction,
    guess,
    solver(app, roles.test, solve) as AnyFunction,
    solver(app, roles.tangent, tangentSolve) as AnyFunction,
    options as never,
  );
};

export const customLinearSolve = (e: Engine): Fn => (matvec, b, solve, options = {}) => {
  const app = e.begin("customLinearSolve");
  const { transposeSolve, tangentSolve, ...rest } = options as Record<string, unknown>;
  const others = Object.entries({ transposeSolve, tangentSolve }).filter(([, f]) => f !== undefined)
    .map(([name, f]) => [name, solver(app, roles.tangent, f)]);
  return customLinearSolveBy(
    new Implicit(app),
    matvec as AnyFunction,
    b,
    solver(app, roles.test, solve) as AnyFunction,
    { ...rest, ...Object.fromEntries(others) } as never,
  );
};

export const evalShape = (e: Engine): Fn => (f, ...args) => {
  const app = e.begin("evalShape");
  const run: Fn = (...xs) => app.run(roles.body, f as Fn, xs).out;
  return pure.evalShape(instead(f, run), ...args);
};
