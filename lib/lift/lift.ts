/**
 * One engine that lifts all transforms: given a protocol, it derives a dictionary whose members may
 * be applied to stateful functions.
 *
 * Each lifted transform does the same. It opens a context within that of the system, which keeps
 * account of what is done. Members that record their function (`jit`, loops, branches, custom rules,
 * implicit functions) record it there: an entry becomes an input of the program when it is first read,
 * so that the program says what is read, created, written, removed and drawn, and it is that program
 * which is looped, chosen or compiled. The others (derivatives, `vmap`, `checkpoint`) run the function
 * there, and what it wrote leaves as an auxiliary output. At the end the account is joined to the
 * context outside. An exception anywhere leaves that as it was.
 *
 * Several stateful systems in one computation, lifted by the one engine.
 *
 * @module
 */
import { checkCall, type OptionTable, StateError } from "../core/mod.ts";
import type { LiftedTransforms } from "../transforms/lifted_types.ts";
import {
  checkDictionary,
  checkedMembers,
  type ImmediateName,
  type MakerName,
} from "../transforms/members.ts";
import { pure as purely } from "../transforms/pure.ts";
import type { Transforms } from "../transforms/types.ts";
import { associativeScan, cond, foriLoop, map, scan, switchCase, whileLoop } from "./carrier.ts";
import type { StateProtocol } from "./context.ts";
import { delegating } from "./protocol.ts";
import { checkpoint, create, derivative, jvp, linearize, vjp } from "./derivatives.ts";
import { Engine, type Fn } from "./engine.ts";
import { jit } from "./jit.ts";
import { customJvp, customLinearSolve, customRoot, customVjp, evalShape } from "./rules.ts";
import { vmap } from "./vmap.ts";

/** Options of `liftTransforms`. */
export interface LiftOptions {
  /**
   * Whether `whileLoop` raises `StateChangedError` where its condition or body creates an entry, rather
   * than create it.
   */
  readonly strict?: boolean | undefined;
}

const liftOptions: OptionTable<LiftOptions> = { strict: "boolean" };

/** What a dictionary was made from. */
export interface Origin {
  /** The systems whose state it threads. */
  readonly protocols: readonly StateProtocol[];
  /** As in `LiftOptions`. */
  readonly strict: boolean;
}

type Origins = () => Origin | undefined;

const origins = new WeakMap<Transforms, Origins>();
/** For each member of a dictionary that has an origin, that dictionary. */
const owners = new WeakMap<object, Transforms>();

/** What a dictionary was made from, if it was made by `liftTransforms` or `compose`; of `pure` nothing. */
export function originOf(transforms: Transforms): Origin | undefined {
  return transforms === purely ? { protocols: [], strict: false } : origins.get(transforms)?.();
}

/** Notes how to tell what a dictionary was made from; gives it back. */
export function registerOrigin<T extends Transforms>(transforms: T, origin: Origins): T {
  origins.set(transforms, origin);
  for (const member of Object.values(transforms)) owners.set(member as object, transforms);
  return transforms;
}

/** The names of the members in which a copy of a dictionary is not that dictionary; `null` for no copy. */
export function replacedMembers(transforms: Transforms): string[] | null {
  const members = Object.entries(transforms);
  const original = members.map(([, member]) => owners.get(member)).find((t) => t !== undefined);
  if (original === undefined) return null;
  return members.filter(([name, f]) => original[name as keyof Transforms] !== f).map(([n]) => n);
}

/**
 * Derives a dictionary of transforms for a stateful system.
 *
 * @example
 * ```ts
 * import { Context, contextStack, liftTransforms, type NDArray, numpy as np } from "@injax/injax";
 *
 * const stack = contextStack("Counter", { dictionary: "counter.transforms" });
 * const transforms = liftTransforms(stack);
 * const bump = () => {
 *   const context = stack.need("bump");
 *   context.set("n", (context.get("n") as NDArray).add(1));
 * };
 * const context = Context.open(stack, { entries: { n: np.array(0) } });
 * stack.run(context, () =>
 *   transforms.foriLoop(0, 5, (_, x) => {
 *     bump();
 *     return x;
 *   }, 0));
 * console.log((context.get("n") as NDArray).item()); // 5
 * ```
 */
export function liftTransforms(
  protocol: StateProtocol,
  options: LiftOptions = {},
): LiftedTransforms {
  if (arguments.length > 1) checkCall("liftTransforms(protocol, options)", arguments, liftOptions);
  return liftAll([protocol], options);
}

/** As `liftTransforms`, for several systems at once. */
export function liftAll(
  protocols: readonly StateProtocol[],
  { strict = false }: LiftOptions = {},
): LiftedTransforms {
  const lifted = checkedMembers<LiftedTransforms>(dictionary(new Engine(protocols, strict)));
  return registerOrigin(lifted, () => ({ protocols, strict }));
}

function dictionary(e: Engine): Record<keyof Transforms, Fn> {
  const makers: Record<MakerName, Fn> = {
    jit: jit(e),
    grad: derivative(e, "grad"),
    valueAndGrad: derivative(e, "valueAndGrad"),
    jacfwd: derivative(e, "jacfwd"),
    jacrev: derivative(e, "jacrev"),
    hessian: derivative(e, "hessian"),
    vmap: vmap(e),
    checkpoint: checkpoint(e),
    customJvp: customJvp(e),
    customVjp: customVjp(e),
  };
  const immediate: Record<Exclude<ImmediateName, "isInitializing">, Fn> = {
    jvp: jvp(e),
    vjp: vjp(e),
    linearize: linearize(e),
    customRoot: customRoot(e),
    customLinearSolve: customLinearSolve(e),
    scan: scan(e),
    map: map(e),
    associativeScan: associativeScan(e),
    whileLoop: whileLoop(e),
    foriLoop: foriLoop(e),
    cond: cond(e),
    switchCase: switchCase(e),
    evalShape: evalShape(e),
    initialize(f, ...args) {
      const app = e.begin("initialize");
      // What is not a function is left to whoever calls it to report.
      if (!app.initializing || typeof f !== "function") return;
      create(app, f as Fn, args);
      app.commit();
    },
  };
  const atOnce = Object.entries(immediate).map(([name, member]) => [
    name,
    e.now(name as ImmediateName, member),
  ]);
  return {
    ...makers,
    ...Object.fromEntries(atOnce) as typeof immediate,
    isInitializing: () => e.systems.some((s) => s.current()?.initializing === true),
  };
}

/**
 * A dictionary for functions that use several stateful systems at once. The arguments are dictionaries
 * made by `liftTransforms` or `compose`, `ambient`, or `pure`. Systems whose context is not open take no
 * part.
 *
 * @throws {StateError} where one was made in another way, or is a copy with members of its own.
 *
 * @example
 * ```ts
 * import { compose, fixedPoint, type NDArray, type Transforms } from "@injax/injax";
 *
 * // A solve in whose function modules of two systems meet.
 * const solve = (f: (x: NDArray) => NDArray, a: Transforms, b: Transforms) =>
 *   fixedPoint(f, 0, { transforms: compose(a, b) }).value;
 * ```
 */
export function compose(...dictionaries: readonly Transforms[]): LiftedTransforms {
  dictionaries.forEach((dictionary, i) => {
    checkDictionary("compose", dictionary);
    if (originOf(dictionary) === undefined) {
      throw unknownOrigin(`dictionary ${i + 1} of ${dictionaries.length}`, dictionary);
    }
  });
  // What `ambient` stands for is asked when it is needed.
  const origin = (): Origin => {
    const parts = dictionaries.map((dictionary) => originOf(dictionary));
    if (parts.includes(undefined)) throw unknownOrigin("what ambient stands for", dictionaries[0]!);
    const known = parts as readonly Origin[];
    return {
      protocols: [...new Set(known.flatMap((o) => o.protocols))],
      strict: known.some((o) => o.strict),
    };
  };
  const lifted: {
    readonly used: readonly StateProtocol[];
    readonly transforms: LiftedTransforms;
  }[] = [];
  const pick = (): Transforms => {
    const { protocols, strict } = origin();
    const used = protocols.filter((s) => s.current() !== null);
    if (used.length === 0) return purely;
    const known = lifted.find((l) =>
      l.used.length === used.length && l.used.every((s, i) => s === used[i])
    );
    if (known !== undefined) return known.transforms;
    const transforms = liftAll(used, { strict });
    lifted.push({ used, transforms });
    return transforms;
  };
  return registerOrigin(delegating<LiftedTransforms>(pick), origin);
}

/** The error for a dictionary of which it cannot be told whose state it threads. */
function unknownOrigin(what: string, dictionary: Transforms): StateError {
  const replaced = replacedMembers(dictionary);
  return new StateError(
    replaced === null
      ? `compose: ${what} was not made by liftTransforms, so its state cannot be told. A system's own ` +
        "transforms can be used alone; to be composed it needs a protocol (contextStack, liftTransforms)"
      : `compose: ${what} is a copy of a dictionary with members of its own (${
        replaced.join(", ") || "none"
      }), which a product would leave out. Compose the dictionary itself, and replace the members in ` +
        "what compose gives",
  );
}
