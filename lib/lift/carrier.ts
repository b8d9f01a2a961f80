/**
 * The recorder of lifted loops, branches and the like: entries that are written go round with the
 * user's values, those that are only read are captured, all others do not exist.
 *
 * Lifted loops and branches: what is written is part of the carry, keys are split by step and branch.
 *
 * @module
 */
import {
  type Atom,
  type NDArray,
  scalarArray,
  shaped,
  type ShapedArray,
  StateChangedError,
  StateError,
  type TreeDef,
  treeFlatten,
  treeMap,
  treeUnflatten,
  Var,
} from "../core/mod.ts";
import type { Staged } from "../interpreters/staging.ts";
import { moveAxis } from "../primitives/mod.ts";
import { condBy, switchBy } from "../transforms/branches.ts";
import { foriBy, mapBy, scanBy, whileBy } from "../transforms/loops.ts";
import type { ForiOptions, MapOptions, ScanOptions, WhileOptions } from "../transforms/options.ts";
import { prefixesBy, scanLength } from "../transforms/unroll.ts";
import type {
  Part as PartKind,
  Recorder,
  Recording,
  RecordOptions,
} from "../transforms/recorder.ts";
import { flattenArrays } from "../transforms/trees.ts";
import type { AnyFunction } from "../transforms/types.ts";
import { mapInBatches } from "../transforms/vmap.ts";
import { type Application, arraysIn, type Engine, type Fn, roles } from "./engine.ts";
import { assemble, evaluate, type Recorded, type RecordingOptions } from "./record.ts";
import {
  checkLaneOptions,
  checkSlices,
  type EntryAxes,
  OwnAxes,
  splitsStream,
  vmap,
} from "./vmap.ts";
import { pathIn, type Values } from "./world.ts";

/** How a transform carries entries. */
export interface CarryOptions {
  /** Entries of which each step has a slice along an axis. */
  readonly axes?: EntryAxes | undefined;
  /** Which streams are split by step. */
  readonly splits?: ((name: string) => boolean) | undefined;
  /** How steps are numbered: from 0 on, where left out. */
  readonly count?: RecordingOptions["count"];
  /** What functions that may only read are called in messages. */
  readonly reader?: string | undefined;
}

interface Part {
  recorded: Recorded;
  /** How many entries there were when it was recorded. */
  known: number;
  /** Records it again, since there are new entries. */
  readonly again: () => Recorded;
}

/** An entry that goes round. */
interface Carried {
  readonly name: string;
  readonly arrays: readonly NDArray[];
  readonly def: TreeDef;
}

/** Records functions of one application. */
export class Carrier implements Recorder {
  readonly #parts: { readonly kind: PartKind; readonly part: Part }[] = [];
  readonly #branches = new Map<AnyFunction, Part>();
  /** Entries that came to be by being set, in something that may not run. */
  readonly #bornMaybe = new Set<string>();
  #carried: readonly Carried[] | null = null;

  readonly #axes: OwnAxes;

  constructor(readonly app: Application, readonly options: CarryOptions = {}) {
    this.#axes = new OwnAxes(app, options.axes);
  }

  record(
    op: string,
    f: AnyFunction,
    def: TreeDef,
    avals: readonly ShapedArray[],
    { first, part: kind = "body", mayHaveNoSteps = false, trace }: RecordOptions = {},
  ): Recording {
    const { app } = this;
    const { splits = () => true } = this.options;
    // Where it is recorded again, it finds the names that it found before.
    const names = kind === "test" ? app.world.map((context) => context.names.copy()) : undefined;
    const record = (): Recorded =>
      app.record(f, def, avals, {
        role: kind === "test" ? roles.test : roles.body,
        isBranch: typeof kind === "number",
        names,
        splitsByStep: kind === "body" ? splits : undefined,
        count: this.options.count,
        typeInside: (name, x) => this.#typeInside(name, x),
        makesHere: (name) => this.#axis(name) !== null,
        trace,
      });
    const again = (): Recorded => {
      const r = record();
      if (kind === "test") app.refuseEffects(this.options.reader ?? `${op}'s function`, r.effects);
      if (typeof kind !== "number") {
        app.refuseRemovals(r.effects);
        app.refuseSettings([r.effects], "inside the transform, whose steps are one program");
      }
      return r;
    };
    // One function in several branches is recorded once.
    const alike = typeof kind === "number" ? this.#branches.get(f) : undefined;
    const part: Part = alike ?? { recorded: again(), known: 0, again };
    if (alike === undefined) {
      const births = new Map(
        [...part.recorded.births].filter(([name]) => this.#axis(name) === null),
      );
      if (births.size > 0) {
        const branch = typeof kind === "number" ? kind : undefined;
        const unsure = branch !== undefined || mayHaveNoSteps;
        this.#bear(part.recorded, births, first?.() ?? [], unsure, branch);
        part.recorded = again();
      }
      const { effects } = part.recorded;
      app.note({ drawn: effects.drawn, names: app.plainNames(effects), removed: [] });
      part.known = app.created().length;
      if (typeof kind === "number") this.#branches.set(f, part);
    }
    this.#parts.push({ kind, part });
    return {
      outDef: part.recorded.outDef,
      outAvals: part.recorded.outs.map((a) => a.aval),
      program: () => this.#program(kind, part),
    };
  }

  /** The axis along which steps have slices of an entry. */
  #axis(name: string): number | null {
    return this.#axes.of(name);
  }

  #typeInside(name: string, x: NDArray): ShapedArray {
    const axis = this.#axis(name);
    return axis === null ? x.aval : shaped(x.shape.filter((_, d) => d !== axis), x.dtype);
  }

  /**
   * Makes entries that came to be by being set, with the values that they were set to first. Those that each
   * step has for itself are made by the steps.
   */
  #bear(
    r: Recorded,
    births: Recorded["births"],
    args: readonly NDArray[],
    unsure: boolean,
    branch?: number,
  ): void {
    this.app.set(evaluate(r, births, args, branch));
    if (unsure) { for (const name of births.keys()) this.#bornMaybe.add(name); }
  }

  /** Number of steps, where entries are stacked by step. */
  steps = 0;

  #writers(): Part[] {
    return this.#parts.filter((p) => p.kind !== "test").map((p) => p.part);
  }

  /** The entries that go round. */
  #entries(): readonly Carried[] {
    if (this.#carried !== null) return this.#carried;
    const names = new Set(this.#writers().flatMap((p) => [...p.recorded.writes.keys()]));
    return this.#carried = [...names].filter((name) => this.#axis(name) === null).map((name) => {
      const [arrays, def] = treeFlatten(this.app.get(name)) as [NDArray[], TreeDef];
      return { name, arrays, def };
    });
  }

  #counts(): boolean {
    return this.#writers().some((p) => p.recorded.step !== null);
  }

  carried(): readonly NDArray[] {
    const values = this.#entries().flatMap((e) => e.arrays);
    const { from } = this.options.count ?? { from: 0 };
    return this.#counts() ? [...values, scalarArray(from, "int32")] : values;
  }

  /** Names of entries of which steps read slices, and of those that they make and give some of. */
  #layered(): { read: string[]; born: string[]; written: string[] } {
    const r = this.#parts[0]?.part.recorded;
    if (r === undefined || this.options.axes === undefined) {
      return { read: [], born: [], written: [] };
    }
    const layered = (name: string): boolean => this.#axis(name) !== null;
    return {
      read: [...r.reads.keys()].filter(layered),
      born: [...r.births.keys()].filter(layered),
      written: [...r.writes.keys()].filter(layered),
    };
  }

  sliced(): readonly NDArray[] {
    return this.#layered().read.flatMap((name) =>
      arraysIn(this.app.get(name)).map((x) => {
        const axis = this.#axis(name)!;
        checkSlices(this.app, name, x, axis, this.steps, "steps");
        return moveAxis(x, axis, 0);
      })
    );
  }

  /** The program of a part: captured values, arguments, what is carried, slices. */
  #program(kind: PartKind, part: Part): Staged {
    this.#check();
    const { app } = this;
    if (kind === "test" && part.known !== app.created().length) {
      // It sees what the body created, as it does from the second step on.
      part.recorded = part.again();
      part.known = app.created().length;
    }
    const r = part.recorded;
    let { numVars } = r.jaxpr;
    const entries = this.#entries().map(({ name, arrays }) => ({
      name,
      vars: r.reads.get(name)?.vars ?? arrays.map((x) => new Var(x.aval, numVars++)),
    }));
    const { read, born, written } = this.#layered();
    const slices = kind === "body" ? read.flatMap((name) => r.reads.get(name)!.vars) : [];
    const counter = this.#counts() ? r.step?.now ?? new Var(shaped([], "int32"), numVars++) : null;
    const inputs = [...entries.flatMap((e) => e.vars), ...(counter === null ? [] : [counter])];
    const outputs: Atom[] = [...r.outs];
    if (kind !== "test") {
      for (const { name, vars } of entries) outputs.push(...r.writes.get(name)?.atoms ?? vars);
      if (counter !== null) outputs.push(r.step?.next ?? counter);
      for (const name of born) outputs.push(...r.births.get(name)!.atoms);
      for (const name of written) outputs.push(...r.writes.get(name)!.atoms);
    }
    const branch = typeof kind === "number" ? kind : undefined;
    return assemble(r, { inputs: [...inputs, ...slices], outputs, numVars, branch });
  }

  /** Raises where something happens only if a part runs, of which it is not known whether it does. */
  #check(): void {
    const { app } = this;
    if (app.engine.strict && app.op === "whileLoop") {
      const created = app.created();
      if (created.length > 0) {
        throw new StateChangedError(
          `${app.where}: initialising the loop creates ${
            created.map(pathIn).join(", ")
          }, which strict: true forbids. Create it before the loop, for example with initialize`,
        );
      }
    }
    const branches = this.#writers().map((p) => p.recorded);
    const isChoice = typeof this.#parts[0]?.kind === "number";
    const everywhere = (name: string): boolean => branches.every((r) => r.writes.has(name));
    for (const name of app.initializing ? [] : this.#bornMaybe) {
      if (isChoice && everywhere(name)) continue;
      throw new StateError(
        `${app.where}: the state entry ${pathIn(name)} does not exist before, and is set ${
          isChoice ? "in some of the branches only" : "in a body that may not run at all"
        }, so that it is not known whether it exists after. Create it before, or during init`,
      );
    }
    if (!isChoice) return;
    app.refuseSettings(branches.map((r) => r.effects), "in some of the branches only");
    for (const { effects } of branches) {
      app.refuseRemovals({
        removed: effects.removed.filter((name) =>
          !branches.every((r) => r.effects.removed.includes(name))
        ),
      });
    }
  }

  finish(carried: readonly NDArray[], stacked: readonly NDArray[]): void {
    let next = 0;
    const values: Values = {};
    for (const { name, def } of this.#entries()) {
      values[name] = treeUnflatten(def, carried.slice(next, next += def.numLeaves));
    }
    next = 0;
    const { born, written } = this.#layered();
    const taken = (names: readonly string[], writes: Recorded["writes"]): Values =>
      Object.fromEntries(names.map((name) => {
        const { def } = writes.get(name)!;
        const layers = treeUnflatten(def, stacked.slice(next, next += def.numLeaves));
        return [name, treeMap((x: NDArray) => moveAxis(x, 0, this.#axis(name)!), layers)];
      }));
    if (born.length + written.length > 0) {
      const { births, writes } = this.#parts[0]!.part.recorded;
      this.app.set(taken(born, births));
      Object.assign(values, taken(written, writes));
    }
    this.app.set(values);
    const [first] = this.#writers();
    if (first !== undefined) {
      const { effects } = first.recorded;
      this.app.note({ drawn: [], names: this.app.settings(effects), removed: effects.removed });
    }
    this.#axes.finish();
    this.app.commit();
  }
}

type F = AnyFunction;

export const scan = (e: Engine): Fn => (f, init, xs, options = {}) => {
  const { stateAxes, splitRng, length, reverse = false } = options as ScanOptions;
  const app = e.begin("scan");
  checkLaneOptions(app, stateAxes, splitRng);
  const steps = stateAxes === undefined && !reverse
    ? 0
    : scanLength(...flattenArrays("scan", xs, "xs"), length);
  const carrier = new Carrier(app, {
    axes: stateAxes,
    splits: (name) => splitsStream(splitRng, name, true),
    // A step has the number of its slice, whichever comes first.
    count: reverse ? { from: steps - 1, by: -1 } : undefined,
  });
  carrier.steps = steps;
  return scanBy(carrier, f as F, init, xs, options as ScanOptions);
};

export const map = (e: Engine): Fn => (f, xs, options = {}) => {
  const { batchSize } = options as MapOptions;
  if (batchSize === undefined) return mapBy(new Carrier(e.begin("map")), f as F, xs);
  // Each element has keys of its own, as one after the other has.
  const lanes: Fn = (g) => vmap(e)(g, { splitRng: true });
  return mapInBatches({ map: map(e), vmap: lanes }, f as F, xs, batchSize);
};

export const whileLoop = (e: Engine): Fn => (cond, body, init, options) => {
  const app = e.begin("whileLoop");
  const reader = `the condition of ${app.where}`;
  const carrier = new Carrier(app, { reader });
  return whileBy(carrier, cond as F, body as F, init, options as WhileOptions);
};

export const foriLoop = (e: Engine): Fn => (lower, upper, body, init, options = {}) =>
  foriBy(new Carrier(e.begin("foriLoop")), lower, upper, body as F, init, options as ForiOptions);

/** Branches are recorded in the order ifFalse, ifTrue; names follow that order. */
export const cond = (e: Engine): Fn => (pred, ifTrue, ifFalse, ...operands) =>
  condBy(new Carrier(e.begin("cond")), pred as never, ifTrue as F, ifFalse as F, operands);

export const switchCase = (e: Engine): Fn => (index, branches, ...operands) =>
  switchBy(new Carrier(e.begin("switchCase")), index as never, branches as F[], operands);

export const associativeScan = (e: Engine): Fn => (f, elems, options) => {
  const app = e.begin("associativeScan");
  const carrier = new Carrier(app, { reader: `the function of ${app.where}` });
  const out = prefixesBy(carrier, f as F, elems, options as never);
  carrier.finish([], []);
  return out;
};
