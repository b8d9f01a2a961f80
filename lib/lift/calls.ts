/**
 * Lifted calls: `jit`, `checkpoint`, `vmap`.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { StateError } from "../core/errors.ts";
import { currentTrace } from "../core/trace.ts";
import { treeFlatten, treeUnflatten } from "../core/tree.ts";
import { split } from "../api/random.ts";
import { BatchTracer } from "../interpreters/batch.ts";
import type { AnyFunction, VmapOptions } from "../transforms/types.ts";
import { mappedArguments } from "../transforms/vmap.ts";
import type { Entries } from "./protocol.ts";
import { Engine, type Fn, laneZero, pure } from "./engine.ts";

export function jit(e: Engine): Fn {
  return (...params) => {
    const [f, options = {}] = params as [AnyFunction, { staticArgnums?: number | number[] }];
    const outside = pure.jit(...params) as Fn;
    const { staticArgnums = [] } = options;
    const shifted = (typeof staticArgnums === "number" ? [staticArgnums] : staticArgnums)
      .map((n) => n < 0 ? n : n + 3);
    // A program is kept for each state of the names, since they decide which entries it reads.
    const programs = new Map<string, { readonly call: Fn; names: unknown }>();
    const lifted = (...args: unknown[]): unknown => {
      if (!e.protocol.active()) return outside(...args);
      e.initialize(() => (f as Fn)(...args));
      const { outer, inner } = e.begin();
      const key = JSON.stringify([inner.phase, inner.names]);
      let program = programs.get(key);
      if (program === undefined) {
        const run = (
          params: unknown,
          state: unknown,
          rng: unknown,
          ...xs: unknown[]
        ): unknown => {
          const fn = e.purify(e.label("jit"), inner, f as Fn);
          const { out, after } = fn.call(state, xs, {
            params: params as Entries,
            rng: inner.rng === null
              ? null
              : { key: rng as NDArray, count: 0, root: rng as NDArray },
          });
          program!.names = fn.names();
          return [out, after.state];
        };
        Object.defineProperty(run, "name", { value: f.name });
        program = {
          call: pure.jit(run, { ...options, staticArgnums: shifted }) as Fn,
          names: inner.names,
        };
        programs.set(key, program);
      }
      const [out, state] = program.call(
        inner.params,
        inner.state,
        inner.rng?.key ?? null,
        ...args,
      ) as [unknown, unknown];
      e.commit(outer, state, program.names);
      return out;
    };
    return Object.defineProperty(lifted, "name", { value: outside.name });
  };
}

export function checkpoint(e: Engine): Fn {
  return e.member(
    "checkpoint",
    (f, args) =>
      e.threaded("checkpoint", f, args, (call) => {
        return (pure.checkpoint(call) as Fn)(...args) as [unknown, unknown];
      }),
  );
}

export function vmap(e: Engine): Fn {
  return e.member("vmap", (f, args, options = {}) => {
    const { inAxes = 0, outAxes = 0, axisSize, splitRng } = options as VmapOptions;
    const { arrays, def, dims, size } = mappedArguments(f, args, inAxes, axisSize);
    // The entries are shared, so one lane creates them.
    e.initialize(() => {
      const lane = arrays.map((x, i) => dims[i] === null ? x : laneZero(x, dims[i]!));
      return (f as Fn)(...treeUnflatten(def, lane) as unknown[]);
    });
    const { outer, inner } = e.begin();
    const where = e.label("vmap");
    const fn = e.purify(where, inner, f as Fn);
    const keys = splitRng && inner.rng !== null ? split(inner.rng.key, size) : null;
    let state: Entries = inner.state;
    const run = (key: unknown, xs: unknown[]): unknown => {
      const rng = inner.rng === null || key === null
        ? inner.rng
        : { ...inner.rng, key: key as NDArray, count: 0 };
      const { out, after } = fn.call(inner.state, xs, { rng });
      for (const [name, value] of Object.entries(after.state)) {
        for (const leaf of treeFlatten(value)[0]) {
          if (leaf instanceof BatchTracer && leaf.trace === currentTrace()) {
            throw new StateError(
              `${where}: the state entry ${name} would get a different value in each lane. ` +
                "Reduce it over the lanes outside the vmap, or return it as a result",
            );
          }
        }
      }
      state = after.state;
      return out;
    };
    Object.defineProperty(run, "name", { value: f.name });
    const out = (pure.vmap(run, {
      inAxes: [keys === null ? null : 0, inAxes],
      outAxes,
      axisSize: size,
    }) as Fn)(keys, args);
    e.commit(outer, state, fn.names());
    return out;
  });
}
