/**
 * Two stateful systems in one computation: a product of their protocols, lifted by the one engine.
 *
 * @module
 */
import { StateError } from "../core/errors.ts";
import type { Transforms } from "../transforms/types.ts";
import { liftTransforms, protocolOf } from "./lift.ts";
import type { Entries, StateBundle, StateProtocol } from "./protocol.ts";

/** Entries of both systems, told apart by a prefix. */
function joined(a: Entries, b: Entries): Entries {
  const out: Record<string, unknown> = {};
  for (const [k, v] of Object.entries(a)) out[`0:${k}`] = v;
  for (const [k, v] of Object.entries(b)) out[`1:${k}`] = v;
  return out;
}

function part(entries: Entries, which: 0 | 1): Entries {
  const prefix = `${which}:`;
  return Object.fromEntries(
    Object.entries(entries).filter(([k]) => k.startsWith(prefix)).map(([k, v]) => [k.slice(2), v]),
  );
}

function product(a: StateProtocol, b: StateProtocol): StateProtocol {
  const join = (x: StateBundle, y: StateBundle): StateBundle => ({
    params: joined(x.params, y.params),
    state: joined(x.state, y.state),
    initial: joined(x.initial, y.initial),
    rng: x.rng ?? y.rng,
    phase: x.phase === "init" || y.phase === "init"
      ? "init"
      : x.phase === "settled" || y.phase === "settled"
      ? "settled"
      : "apply",
    names: [x.names, y.names, x.rng !== null, y.rng !== null, x.phase, y.phase],
  });
  const halves = (z: StateBundle): [StateBundle, StateBundle] => {
    const [nx, ny, hasX, hasY, px, py] = z.names as [
      unknown,
      unknown,
      boolean,
      boolean,
      StateBundle["phase"],
      StateBundle["phase"],
    ];
    const phase = (p: StateBundle["phase"]): StateBundle["phase"] =>
      p === "init" && z.phase !== "init" ? "settled" : p;
    const half = (which: 0 | 1, names: unknown, has: boolean, p: StateBundle["phase"]) => ({
      params: part(z.params, which),
      state: part(z.state, which),
      initial: part(z.initial, which),
      rng: has ? z.rng : null,
      phase: phase(p),
      names,
    });
    return [half(0, nx, hasX, px), half(1, ny, hasY, py)];
  };
  return {
    system: `${a.system} and ${b.system}`,
    dictionary: `compose(${a.dictionary}, ${b.dictionary})`,
    active: () => a.active() && b.active(),
    snapshot: () => join(a.snapshot(), b.snapshot()),
    commit(bundle) {
      const [x, y] = halves(bundle);
      a.commit(x);
      b.commit(y);
    },
    run(bundle, f) {
      const [x, y] = halves(bundle);
      const [[result, afterY], afterX] = a.run(x, () => b.run(y, f));
      return [result, join(afterX, afterY)];
    },
  };
}

/**
 * A dictionary for functions that use two stateful systems at once. Both arguments must have been
 * made by `liftTransforms`. Where only one system's context is open, that system's dictionary acts.
 *
 * @throws {StateError} where one of them was not.
 */
export function compose(a: Transforms, b: Transforms): Transforms {
  const [pa, pb] = [a, b].map((t, i) => {
    const p = protocolOf(t);
    if (p === undefined) {
      throw new StateError(
        `compose: ${
          i === 0 ? "the first" : "the second"
        } dictionary was not made by liftTransforms, ` +
          "so its state cannot be told",
      );
    }
    return p;
  }) as [StateProtocol, StateProtocol];
  const both = liftTransforms(product(pa, pb));
  return Object.fromEntries(
    Object.keys(both).map((key) => {
      const name = key as keyof Transforms;
      const member = (t: Transforms) => t[name] as (...args: unknown[]) => unknown;
      const pickNow = (): Transforms => pa.active() && pb.active() ? both : pa.active() ? a : b;
      return [name, (...args: unknown[]) => {
        const result = member(pickNow())(...args);
        if (typeof result !== "function" || typeof args[0] !== "function") return result;
        // A transformed function may be called in another context than it was made in.
        const made = new Map([[pickNow(), result as (...xs: unknown[]) => unknown]]);
        return (...xs: unknown[]) => {
          const now = pickNow();
          let f = made.get(now);
          if (f === undefined) made.set(now, f = member(now)(...args) as typeof f & {});
          return f!(...xs);
        };
      }];
    }),
  ) as unknown as Transforms;
}
