/**
 * `vmap` and `scan` of functions that have modules among their arguments, with axes for variables.
 *
 * @module
 */
import { called, describeValue } from "../../lib/extend.ts";
import { type InAxes, numpy as np, StateError, treeMap } from "../../mod.ts";
import type { NDArray } from "../../mod.ts";
import {
  type Axis,
  Calls,
  Carry,
  CarryMark,
  checkSameNodes,
  type Fn,
  named,
  StateAxes,
  type VariableAxes,
  variableAxes,
} from "./arguments.ts";
import { graphOf } from "./graph.ts";
import type { Sown, SownAxis } from "./sown.ts";
import { hasNodes, withNodes, withoutNodes } from "./system.ts";
import { typeName } from "./variable.ts";

/** Options of `vmap`. */
export interface VmapOptions {
  /**
   * Axes of the arguments: one for all (default 0), or a list. For a module the axis is that of all of
   * its variables; `null` shares them; `StateAxes` says it by filter. Variables that are shared may not
   * become different in lanes.
   */
  readonly inAxes?: number | null | StateAxes | readonly (InAxes | StateAxes)[] | undefined;
  /** Axes of the results (default 0). The variables of modules that are made have axis 0. */
  readonly outAxes?: InAxes | undefined;
  /** What the axis is called, for operations between lanes such as `psum` of `@injax/injax/lax`. */
  readonly axisName?: string | undefined;
  /** Number of lanes, where neither an array nor a variable says it. */
  readonly axisSize?: number | undefined;
}

/** What the engine takes for the axis of an argument, of which variables may have others. */
function arrayAxis(arg: unknown, axis: unknown): unknown {
  return axis instanceof StateAxes || (hasNodes(arg) && withoutNodes(arg) === null) ? null : axis;
}

/**
 * Maps a function over axes of arrays and of variables, as one vectorised computation.
 *
 * @throws {StateError} where lanes write different values to a variable that they share; where filters
 * leave a variable out; where arguments that share a variable say different axes.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * // An ensemble: three layers in one, each with weights of its own.
 * const create = nnx.vmap((rngs: nnx.Rngs) => new nnx.Linear(2, 1, { rngs }));
 * const ensemble = create(new nnx.Rngs(0).split(3));
 * console.log(ensemble.kernel.value.shape); // [ 3, 2, 1 ]
 * const call = nnx.vmap((m: nnx.Linear, x: NDArray) => m.call(x), { inAxes: [0, null] });
 * console.log(call(ensemble, np.ones([2])).shape); // [ 3, 1 ]
 * ```
 */
export function vmap<A extends unknown[], R>(
  f: (...args: A) => R,
  { inAxes = 0, outAxes = 0, axisName, axisSize }: VmapOptions = {},
): (...args: A) => R {
  const calls = new Calls("vmap");
  return (...args) =>
    calls.over(args, (call) => {
      const { system } = call;
      const axes = Array.isArray(inAxes) ? inAxes as unknown[] : args.map(() => inAxes);
      if (axes.includes(Carry)) {
        throw new StateError("nnx.vmap: Carry is for scan: give an axis or null");
      }
      const { axisOf, size } = variableAxes("vmap", call, axes as (Axis | StateAxes)[]);
      const body: Fn = (...arrays) =>
        system.give(
          called(f, withNodes<unknown[]>(args, arrays)),
          sownAxis(args, axes),
        ) as never;
      const arrays = args.map((arg, i) => arrayAxis(arg, axes[i] ?? null)) as InAxes[];
      const lanes = axisSize ?? size;
      const fn = system.transforms.vmap(named(f, body) as never, {
        inAxes: arrays,
        outAxes: [outAxes, 0, 0],
        axisName,
        stateAxes: axisOf,
        ...(lanes === null ? {} : { axisSize: lanes }),
      }) as Fn;
      return system.receive(fn(...withoutNodes<unknown[]>(args)) as never) as R;
    });
}

/** The axes of what is sown in the modules of arguments, by those of these. */
function sownAxis(args: readonly unknown[], axes: readonly unknown[]): SownAxis {
  return (module, name, type) => {
    const at = (arg: unknown): string | undefined =>
      hasNodes(arg)
        ? graphOf(arg as object).records.find((r) => r.node === module)?.path
        : undefined;
    const i = args.findIndex((arg) => at(arg) !== undefined);
    const given = axes[i];
    const path = at(args[i]);
    const axis = given instanceof StateAxes
      ? given.axisOf(path === "" ? name : `${path}/${name}`, new type([]))
      : given;
    return typeof axis === "number" ? axis : null;
  };
}

/** Steps are one program: what is sown in them is for each of them. */
function ofSteps(axisOf: SownAxis): SownAxis {
  return (module, name, type) => {
    const axis = axisOf(module, name, type);
    if (axis !== null) return axis;
    throw new StateError(
      `nnx.scan: ${name} of ${module.constructor.name} was sown in the steps, of which each has a value, but ` +
        `its axis is null, or Carry. Give it one: new nnx.StateAxes([[nnx.${
          typeName(type)
        }, 0], [true, null]])`,
    );
  };
}

/** Options of `scan`. */
export interface ScanOptions {
  /**
   * What becomes of each argument: `Carry`, which goes from step to step (one argument); an axis, along
   * which each step has a slice; `null`, which all steps share. For a module: an axis for all of its
   * variables; `null` or `Carry`, by which what is written goes from step to step; `StateAxes`, by
   * filter. Default `[Carry, 0]`.
   */
  readonly inAxes?: Axis | StateAxes | readonly (Axis | StateAxes)[] | undefined;
  /** What becomes of the results: `Carry`, or an axis along which steps are stacked. Default `[Carry, 0]`. */
  readonly outAxes?: Axis | readonly Axis[] | undefined;
  /** Number of steps, where neither an array nor a variable says it. */
  readonly length?: number | undefined;
  /** Whether to go from the last slice to the first. */
  readonly reverse?: boolean | undefined;
}

/**
 * Loops over slices of arrays and variables, as one program: `f` gives what `outAxes` says, a list where
 * that is one. Layers in one module, whose variables are stacked, are applied one after the other.
 *
 * @throws {StateError} where carries do not fit each other, filters leave a variable out, or arguments
 * that share a variable say different axes.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const create = nnx.vmap((rngs: nnx.Rngs) => new nnx.Linear(2, 2, { rngs }));
 * const layers = create(new nnx.Rngs(0).split(5));
 * const forward = nnx.scan((x: NDArray, layer: nnx.Linear) => np.tanh(layer.call(x)), {
 *   inAxes: [nnx.Carry, 0],
 *   outAxes: nnx.Carry,
 * });
 * console.log(forward(np.ones([2]), layers).shape); // [ 2 ]
 * ```
 */
export function scan<A extends unknown[], R>(
  f: (...args: A) => R,
  options: ScanOptions = {},
): (...args: A) => R {
  const { inAxes = [Carry, 0], outAxes = [Carry, 0], reverse = false } = options;
  const calls = new Calls("scan");
  const outs: readonly Axis[] = Array.isArray(outAxes) ? outAxes : [outAxes as Axis];
  const carryOut = outs.indexOf(Carry);
  return (...args) =>
    calls.over(args, (call) => {
      const { system } = call;
      const axes = Array.isArray(inAxes)
        ? inAxes as (Axis | StateAxes)[]
        : args.map(() => inAxes as Axis | StateAxes);
      const carryIn = axes.findIndex((a) => a instanceof CarryMark);
      checkCarries(args, axes, outs, carryIn, carryOut);
      const vars = variableAxes("scan", call, axes);
      const init = carryIn < 0 ? null : args[carryIn];
      const sliced = args.map((arg, i) => {
        const axis = axes[i];
        return typeof axis !== "number"
          ? null
          : treeMap((x: NDArray) => axis === 0 ? x : np.moveaxis(x, axis, 0), withoutNodes(arg));
      });
      const body: Fn = (carry, slices) => {
        const arrays = args.map((arg, i) =>
          i === carryIn
            ? carry
            : typeof axes[i] === "number"
            ? (slices as unknown[])[i]
            : withoutNodes(arg)
        );
        const out = called(f, withNodes<unknown[]>(args, arrays));
        const give = (ys: unknown): unknown => system.give(ys, ofSteps(sownAxis(args, axes)));
        return taken(give, out, outs, Array.isArray(outAxes), init);
      };
      const length = lengthOf(options, sliced, vars);
      const [last, stacked] = system.transforms.scan(
        named(f, body) as never,
        withoutNodes(init) as never,
        sliced as never,
        { reverse, stateAxes: vars.axisOf, ...(length === null ? {} : { length }) },
      ) as [unknown, [unknown[], Record<string, unknown>, Sown]];
      const ys = system.receive(stacked) as unknown[];
      let next = 0;
      const results = outs.map((axis) => {
        if (axis instanceof CarryMark) return withNodes(init, last);
        const y = ys[next++];
        return typeof axis === "number" && axis !== 0
          ? treeMap((x: NDArray) => np.moveaxis(x, 0, axis), y)
          : y;
      });
      return (Array.isArray(outAxes) ? results : results[0]) as R;
    });
}

function lengthOf(
  { length }: ScanOptions,
  sliced: readonly unknown[],
  { size }: VariableAxes,
): number | null {
  if (length !== undefined) return length;
  let found: number | null = null;
  for (const own of sliced) {
    treeMap((x: NDArray) => (found ??= x.shape[0] ?? null, x), own as NDArray);
  }
  return found ?? size;
}

/** What a step gives: the carry, and what is stacked. */
function taken(
  give: (out: unknown) => unknown,
  out: unknown,
  outs: readonly Axis[],
  isList: boolean,
  init: unknown,
): [unknown, unknown] {
  const list = isList ? out : [out];
  if (!Array.isArray(list) || list.length !== outs.length) {
    throw new StateError(
      `nnx.scan: the function must return a list of ${outs.length}, as outAxes says, not ${
        describeValue(out)
      }`,
    );
  }
  let carry: unknown = null;
  const ys: unknown[] = [];
  list.forEach((value, i) => {
    if (!(outs[i] instanceof CarryMark)) ys.push(value);
    else {
      checkSameNodes("scan", "the carry", init, value);
      carry = withoutNodes(value);
    }
  });
  return [carry, give(ys)];
}

function checkCarries(
  args: readonly unknown[],
  axes: readonly (Axis | StateAxes)[],
  outs: readonly Axis[],
  carryIn: number,
  carryOut: number,
): void {
  const wrong = (message: string): StateError => new StateError(`nnx.scan: ${message}`);
  const count = (list: readonly unknown[]): number =>
    list.filter((a) => a instanceof CarryMark).length;
  if (axes.length !== args.length) {
    throw wrong(`inAxes has ${axes.length} items, but there are ${args.length} arguments`);
  }
  if (count(axes) > 1) throw wrong("inAxes has more than one Carry: put them into one list");
  if (count(outs) > 1) throw wrong("outAxes has more than one Carry: return them in one list");
  if ((carryIn < 0) !== (carryOut < 0)) {
    throw wrong(
      `Carry is in ${carryIn < 0 ? "outAxes" : "inAxes"} but not in ${
        carryIn < 0 ? "inAxes" : "outAxes"
      }: what goes from step to step must be both an argument and a result`,
    );
  }
  if (outs.includes(null)) {
    throw wrong("outAxes has null, but a result of each step is stacked: give its axis");
  }
  axes.forEach((axis, i) => {
    if (!(axis instanceof StateAxes) || withoutNodes(args[i]) === null) return;
    throw wrong(`StateAxes are for modules, but argument ${i} is ${describeValue(args[i])}`);
  });
}
