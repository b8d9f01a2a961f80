/**
 * Several stateful systems in one computation: a product of their protocols, lifted by the one engine.
 *
 * @module
 */
import { StateError } from "../core/errors.ts";
import { pure } from "../transforms/pure.ts";
import type { LiftedTransforms } from "../transforms/lifted_types.ts";
import type { Transforms } from "../transforms/types.ts";
import { delegating } from "./delegate.ts";
import { liftTransforms, type Origin, originOf, registerOrigin } from "./lift.ts";
import type { Phase, StateBundle, StateProtocol } from "./protocol.ts";

/** The entries of all systems, told apart by a prefix. */
function joined<T>(parts: readonly Readonly<Record<string, T>>[]): Record<string, T> {
  return Object.fromEntries(
    parts.flatMap((part, i) => Object.entries(part).map(([k, v]) => [`${i}:${k}`, v])),
  );
}

function part<T>(entries: Readonly<Record<string, T>>, i: number): Record<string, T> {
  const prefix = `${i}:`;
  return Object.fromEntries(
    Object.entries(entries)
      .filter(([k]) => k.startsWith(prefix))
      .map(([k, v]) => [k.slice(prefix.length), v]),
  );
}

/** Anything to be created makes it `"init"`. */
function jointPhase(phases: readonly Phase[]): Phase {
  return phases.includes("init") ? "init" : phases.includes("settled") ? "settled" : "apply";
}

function product(systems: readonly StateProtocol[]): StateProtocol {
  const join = (bundles: readonly StateBundle[]): StateBundle => ({
    params: joined(bundles.map((b) => b.params)),
    state: joined(bundles.map((b) => b.state)),
    initial: joined(bundles.map((b) => b.initial)),
    rng: joined(bundles.map((b) => b.rng)),
    phase: jointPhase(bundles.map((b) => b.phase)),
    names: bundles.map((b) => [b.phase, b.names]),
  });
  const separate = (bundle: StateBundle): StateBundle[] =>
    (bundle.names as [Phase, unknown][]).map(([phase, names], i) => ({
      params: part(bundle.params, i),
      state: part(bundle.state, i),
      initial: part(bundle.initial, i),
      rng: part(bundle.rng, i),
      phase: phase === "init" && bundle.phase !== "init" ? "settled" : phase,
      names,
    }));
  const dictionaries = systems.map((s) => s.dictionary).join(", ");
  return {
    system: systems.map((s) => s.system).join(" and "),
    dictionary: `compose(${dictionaries})`,
    active: () => systems.every((s) => s.active()),
    snapshot: () => join(systems.map((s) => s.snapshot())),
    commit(bundle) {
      // The joint names say in which phase each system was when the bundle was made, which may have been
      // in a context further in; what is committed to stays in its own.
      separate(bundle).forEach((b, i) => {
        const system = systems[i]!;
        system.commit({ ...b, phase: system.snapshot().phase });
      });
    },
    run<T>(bundle: StateBundle, f: () => T): [T, StateBundle] {
      const parts = separate(bundle);
      const after: StateBundle[] = new Array(systems.length);
      const from = (i: number): T => {
        if (i === systems.length) return f();
        const [result, held] = systems[i]!.run(parts[i]!, () => from(i + 1));
        after[i] = held;
        return result;
      };
      const result = from(0);
      return [result, join(after)];
    },
  };
}

/**
 * A dictionary for functions that use several stateful systems at once. The arguments must have been
 * made by `liftTransforms` or `compose`. Systems whose context is not open take no part.
 *
 * @throws {StateError} where one of them was not.
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
  const origins = dictionaries.map((dictionary, i): Origin => {
    const origin = originOf(dictionary);
    if (origin !== undefined) return origin;
    throw new StateError(
      `compose: dictionary ${
        i + 1
      } of ${dictionaries.length} was not made by liftTransforms, so its ` +
        "state cannot be told",
    );
  });
  const systems = [...new Set(origins.flatMap((o) => o.protocols))];
  const strict = origins.some((o) => o.strict);
  const lifted = new Map<string, Transforms>();
  const pick = (): Transforms => {
    const open = systems.map((s) => s.active());
    if (!open.includes(true)) return pure;
    const key = open.join();
    let dictionary = lifted.get(key);
    if (dictionary === undefined) {
      const used = systems.filter((_, i) => open[i]);
      dictionary = liftTransforms(used.length === 1 ? used[0]! : product(used), { strict });
      lifted.set(key, dictionary);
    }
    return dictionary;
  };
  return registerOrigin(delegating<LiftedTransforms>(pick), { protocols: systems, strict });
}
