/**
 * One engine that lifts all transforms: given a protocol, it derives a dictionary whose members may
 * be applied to stateful functions.
 *
 * Each lifted transform does the same four things. While initialising, it runs the function once to
 * create the missing entries and keeps only those. It takes a snapshot. It applies the pure
 * transform to a function from state to state, which runs the user's function in a context of its
 * own; parameters are captured like any other value, so derivatives and loops see them. It commits
 * the outcome. An exception anywhere leaves the context as it was.
 *
 * @module
 */
import { NDArray } from "../core/array.ts";
import { formatAval, sameAval, sizeOf } from "../core/aval.ts";
import { scalarArray } from "../core/concrete.ts";
import { StateChangedError, StateError } from "../core/errors.ts";
import { currentTrace } from "../core/trace.ts";
import { treeFlatten, treeMap, treeUnflatten } from "../core/tree.ts";
import { BatchTracer } from "../interpreters/batch.ts";
import { foldIn, split } from "../api/random.ts";
import { moveAxis, reshape, zeros } from "../primitives/shape.ts";
import { slice } from "../primitives/slicing.ts";
import { pure as pureTransforms } from "../transforms/pure.ts";
import type { AnyFunction, DiffOptions, Transforms, VmapOptions } from "../transforms/types.ts";
import { flattenArrays } from "../transforms/trees.ts";
import { scanLength } from "../transforms/loops.ts";
import { mappedArguments } from "../transforms/vmap.ts";
import type { Entries, RngState, StateBundle, StateProtocol } from "./protocol.ts";

/** Options of `liftTransforms`. */
export interface LiftOptions {
  /**
   * Whether `whileLoop` raises `StateChangedError` where initialising its condition or body creates an
   * entry, rather than running them once to create it.
   */
  readonly strict?: boolean;
}

type Fn = (...args: unknown[]) => unknown;

// The pure members by their untyped signatures: what is lifted has types of its own.
const pure = pureTransforms as unknown as Record<keyof Transforms, Fn>;

const protocols = new WeakMap<Transforms, StateProtocol>();

/** The protocol behind a dictionary made by `liftTransforms`. */
export function protocolOf(transforms: Transforms): StateProtocol | undefined {
  return protocols.get(transforms);
}

/** Derives a dictionary of transforms for a stateful system. */
export function liftTransforms(protocol: StateProtocol, options: LiftOptions = {}): Transforms {
  const engine = new Engine(protocol, options.strict ?? false);
  const lifted = engine.dictionary() as unknown as Transforms;
  protocols.set(lifted, protocol);
  return lifted;
}

/** The outcome of running a user's function in a context of its own. */
interface Outcome {
  readonly out: unknown;
  readonly after: StateBundle;
}

class Engine {
  constructor(readonly protocol: StateProtocol, readonly strict: boolean) {}

  // Running user functions.

  /** Runs `f` with some state and stream in place of the bundle's. */
  #run(
    bundle: StateBundle,
    f: () => unknown,
    change: Partial<StateBundle> = {},
  ): Outcome {
    const [out, after] = this.protocol.run({ ...bundle, ...change }, f);
    return { out, after };
  }

  /** The bundle for the real run: all entries exist, and the stream is one of its own. */
  #begin(): { readonly outer: StateBundle; readonly inner: StateBundle } {
    const outer = this.protocol.snapshot();
    return {
      outer,
      inner: {
        ...outer,
        phase: outer.phase === "init" ? "settled" : outer.phase,
        rng: forked(outer.rng),
      },
    };
  }

  /** Puts the state that a transform gave into the context. */
  #commit(outer: StateBundle, state: unknown, names: unknown): void {
    const rng = outer.rng === null ? null : { ...outer.rng, count: outer.rng.count + 1 };
    this.protocol.commit({ ...outer, state: state as Entries, rng, names });
  }

  /** Creates the entries that `f` needs, and nothing else; gives the names in force after it. */
  #initialize(f: () => unknown, names?: unknown): unknown {
    const before = this.protocol.snapshot();
    if (before.phase !== "init") return names ?? before.names;
    const { after } = this.#run(before, f, {
      rng: forked(before.rng),
      names: names ?? before.names,
    });
    const created = newKeys(before.state, after.state);
    this.protocol.commit({
      ...before,
      params: after.params,
      state: { ...before.state, ...pick(after.initial, created) },
      initial: { ...before.initial, ...pick(after.initial, created) },
    });
    return after.names;
  }

  /** State after a run that may write but not create; names entries that changed type. */
  #state(where: string, before: Entries, after: StateBundle): Entries {
    for (const [name, value] of Object.entries(after.state)) {
      if (!(name in before)) {
        throw new StateError(
          `${where}: the state entry ${name} was created inside the transform outside of initialisation. ` +
            "Create it before, or during init",
        );
      }
      checkSameTypes(where, name, before[name], value);
    }
    return after.state;
  }

  /** Checks that a function wrote nothing and drew no keys. */
  #unchanged(where: string, before: StateBundle, after: StateBundle): void {
    const changed = changedKeys(before.state, after.state);
    if (changed.length > 0) {
      throw new StateError(
        `${where} may only read state, but it wrote ${
          changed.join(", ")
        }. Write it in the body instead`,
      );
    }
    if ((before.rng?.count ?? 0) !== (after.rng?.count ?? 0)) {
      throw new StateError(
        `${where} may only read state, but it drew a random key. Draw it in the body, or before the loop`,
      );
    }
  }

  /**
   * A pure function from state and arguments to result and state. `after` gives the names after the
   * last run.
   */
  #purify(where: string, inner: StateBundle, f: Fn) {
    let names: unknown = inner.names;
    return {
      call: (state: unknown, args: unknown[], change: Partial<StateBundle> = {}): Outcome => {
        const before = state as Entries;
        const outcome = this.#run(inner, () => f(...args), { state: before, ...change });
        names = outcome.after.names;
        this.#state(where, before, outcome.after);
        return outcome;
      },
      names: () => names,
    };
  }

  /** `transform` applied with the state of an open context threaded through, else the pure one. */
  #threaded(
    name: keyof Transforms,
    f: AnyFunction,
    args: unknown[],
    run: (call: (...args: unknown[]) => [unknown, Entries]) => [unknown, unknown],
  ): unknown {
    this.#initialize(() => (f as Fn)(...args));
    const { outer, inner } = this.#begin();
    const fn = this.#purify(this.#label(name), inner, f as Fn);
    const [result, state] = run((...xs) => {
      const { out, after } = fn.call(inner.state, xs);
      return [out, after.state];
    });
    this.#commit(outer, state, fn.names());
    return result;
  }

  #label(name: string): string {
    return `${this.protocol.dictionary}.${name}`;
  }

  /** Lifts a member that gives a function: outside of a context it is the pure member's. */
  #member(
    name: keyof Transforms,
    lifted: (f: AnyFunction, args: unknown[], ...rest: unknown[]) => unknown,
  ): Fn {
    return (...params: unknown[]) => {
      const outside = pure[name](...params) as Fn;
      const f = params[0] as AnyFunction;
      const wrapped = (...args: unknown[]): unknown =>
        this.protocol.active() ? lifted(f, args, ...params.slice(1)) : outside(...args);
      return Object.defineProperty(wrapped, "name", { value: outside.name });
    };
  }

  /** Lifts a member that runs at once. */
  #now(name: keyof Transforms, lifted: Fn): Fn {
    return (...params) => this.protocol.active() ? lifted(...params) : pure[name](...params);
  }

  // Derivatives. Written state leaves as an auxiliary output.

  #derivative(name: "grad" | "valueAndGrad" | "jacfwd" | "jacrev" | "hessian"): Fn {
    return this.#member(name, (f, args, options = {}) => {
      const { hasAux = false, ...rest } = options as DiffOptions;
      return this.#threaded(name, f, args, (call) => {
        const withState = (...xs: unknown[]): unknown => {
          const [out, state] = call(...xs);
          const [value, aux] = hasAux ? out as [unknown, unknown] : [out, null];
          return [value, [aux, state]];
        };
        Object.defineProperty(withState, "name", { value: f.name });
        const result = (pure[name](withState, { ...rest, hasAux: true }) as Fn)(...args);
        if (name === "valueAndGrad") {
          const [[value, [aux, state]], g] = result as [[unknown, [unknown, unknown]], unknown];
          return [[hasAux ? [value, aux] : value, g], state];
        }
        const [derivative, [aux, state]] = result as [unknown, [unknown, unknown]];
        return [hasAux ? [derivative, aux] : derivative, state];
      });
    });
  }

  #jvp: Fn = (f, primals, tangents) =>
    this.#threaded("jvp", f as AnyFunction, primals as unknown[], (call) => {
      const [[out, state], [dot]] = pure.jvp(call, primals, tangents) as [
        [unknown, unknown],
        [unknown],
      ];
      return [[out, dot], state];
    });

  #linearize: Fn = (f, primals) =>
    this.#threaded("linearize", f as AnyFunction, primals as unknown[], (call) => {
      const [[out, state], push] = pure.linearize(call, primals) as [[unknown, unknown], Fn];
      return [[out, (...dots: unknown[]) => (push(...dots) as unknown[])[0]], state];
    });

  #vjp: Fn = (f, primals, options = {}) =>
    this.#threaded("vjp", f as AnyFunction, primals as unknown[], (call) => {
      const { hasAux } = options as { hasAux?: boolean };
      const withState = (...xs: unknown[]): unknown => {
        const [out, state] = call(...xs);
        const [value, aux] = hasAux ? out as [unknown, unknown] : [out, null];
        return [value, [aux, state]];
      };
      const [value, pull, [aux, state]] = pure.vjp(withState, primals, { hasAux: true }) as [
        unknown,
        Fn,
        [unknown, unknown],
      ];
      return [hasAux ? [value, pull, aux] : [value, pull], state];
    });

  // Calls.

  #jit(): Fn {
    return (...params) => {
      const [f, options = {}] = params as [AnyFunction, { staticArgnums?: number | number[] }];
      const outside = pure.jit(...params) as Fn;
      const { staticArgnums = [] } = options;
      const shifted = (typeof staticArgnums === "number" ? [staticArgnums] : staticArgnums)
        .map((n) => n < 0 ? n : n + 3);
      // A program is kept for each state of the names, since they decide which entries it reads.
      const programs = new Map<string, { readonly call: Fn; names: unknown }>();
      const lifted = (...args: unknown[]): unknown => {
        if (!this.protocol.active()) return outside(...args);
        this.#initialize(() => (f as Fn)(...args));
        const { outer, inner } = this.#begin();
        const key = JSON.stringify([inner.phase, inner.names]);
        let program = programs.get(key);
        if (program === undefined) {
          const run = (
            params: unknown,
            state: unknown,
            rng: unknown,
            ...xs: unknown[]
          ): unknown => {
            const fn = this.#purify(this.#label("jit"), inner, f as Fn);
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
        this.#commit(outer, state, program.names);
        return out;
      };
      return Object.defineProperty(lifted, "name", { value: outside.name });
    };
  }

  #checkpoint(): Fn {
    return this.#member(
      "checkpoint",
      (f, args) =>
        this.#threaded("checkpoint", f, args, (call) => {
          return (pure.checkpoint(call) as Fn)(...args) as [unknown, unknown];
        }),
    );
  }

  #vmap(): Fn {
    return this.#member("vmap", (f, args, options = {}) => {
      const { inAxes = 0, outAxes = 0, axisSize, splitRng } = options as VmapOptions;
      const { arrays, def, dims, size } = mappedArguments(f, args, inAxes, axisSize);
      // The entries are shared, so one lane creates them.
      this.#initialize(() => {
        const lane = arrays.map((x, i) => dims[i] === null ? x : laneZero(x, dims[i]!));
        return (f as Fn)(...treeUnflatten(def, lane) as unknown[]);
      });
      const { outer, inner } = this.#begin();
      const where = this.#label("vmap");
      const fn = this.#purify(where, inner, f as Fn);
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
      this.#commit(outer, state, fn.names());
      return out;
    });
  }

  // Custom derivatives: the rule governs the arguments, parameters differentiate as usual.

  #customJvp(): Fn {
    return this.#member("customJvp", (f, args, rule) => {
      this.#initialize(() => (f as Fn)(...args));
      const { outer, inner } = this.#begin();
      const fn = this.#purify(this.#label("customJvp"), inner, f as Fn);
      const call = (params: unknown, state: unknown, xs: unknown[]): unknown[] => {
        const { out, after } = fn.call(state, xs, { params: params as Entries });
        return [out, after.state];
      };
      const ruled = pure.customJvp(
        (params: unknown, state: unknown, xs: unknown) => call(params, state, xs as unknown[]),
        (primals: unknown, tangents: unknown) => {
          const [params, state, xs] = primals as [Entries, Entries, unknown[]];
          const [paramDots, , dots] = tangents as [Entries, Entries, unknown[]];
          const { out: pair } = this.#run(inner, () => (rule as Fn)(xs, dots), { params, state });
          const [out, dot] = pair as [unknown, unknown];
          const [, [viaParams]] = pure.jvp(
            (p: unknown) => call(p, state, xs),
            [params],
            [paramDots],
          ) as [unknown, [unknown]];
          const [, next] = call(params, state, xs);
          const sum = treeMap((a: NDArray, b: NDArray) => a.add(b), dot, viaParams);
          const still = treeMap((x: NDArray) => zeros(x.aval), next);
          return [[out, next], [sum, still]];
        },
      ) as Fn;
      const [out, state] = ruled(inner.params, inner.state, args) as [unknown, unknown];
      this.#commit(outer, state, fn.names());
      return out;
    });
  }

  #customVjp(): Fn {
    return this.#member("customVjp", (f, args, fwd, bwd) => {
      this.#initialize(() => (f as Fn)(...args));
      const { outer, inner } = this.#begin();
      const fn = this.#purify(this.#label("customVjp"), inner, f as Fn);
      const call = (params: unknown, state: unknown, xs: unknown[]): unknown[] => {
        const { out, after } = fn.call(state, xs, { params: params as Entries });
        return [out, after.state];
      };
      const ruled = pure.customVjp(
        (params: unknown, state: unknown, xs: unknown) => call(params, state, xs as unknown[]),
        (params: unknown, state: unknown, xs: unknown) => {
          const { out: pair, after } = this.#run(inner, () => (fwd as Fn)(...xs as unknown[]), {
            params: params as Entries,
            state: state as Entries,
          });
          const [out, residuals] = pair as [unknown, unknown];
          return [[out, after.state], [residuals, params, state, xs]];
        },
        (kept: unknown, cts: unknown) => {
          const [residuals, params, state, xs] = kept as [unknown, Entries, Entries, unknown[]];
          const [ct] = cts as [unknown];
          // The backward rule sees the parameters that the forward pass saw, and may call modules.
          const { out: argCts } = this.#run(inner, () => (bwd as Fn)(residuals, ct), {
            params,
            state,
          });
          const [, pull] = pure.vjp((p: unknown) => call(p, state, xs)[0], [params]) as [
            unknown,
            Fn,
          ];
          const filled = (argCts as unknown[]).map((c, i) =>
            c ?? treeMap((x: NDArray) => zeros(x.aval), flatTree(xs[i]))
          );
          return [(pull(ct) as unknown[])[0], null, filled];
        },
      ) as Fn;
      const [out, state] = ruled(inner.params, inner.state, args) as [unknown, unknown];
      this.#commit(outer, state, fn.names());
      return out;
    });
  }

  // Implicit functions: the steps of the solver leave no trace, one evaluation at the root does.

  #customRoot: Fn = (f, guess, solve, tangentSolve, options = {}) => {
    this.#initialize(() => (f as Fn)(guess));
    const { outer, inner } = this.#begin();
    const fn = this.#purify(this.#label("customRoot"), inner, f as Fn);
    const inside = (g: Fn): Fn => (...xs) => this.#run(inner, () => g(...xs)).out;
    const call = (x: unknown): unknown => fn.call(inner.state, [x]).out;
    Object.defineProperty(call, "name", { value: (f as AnyFunction).name });
    const result = pure.customRoot(
      call,
      guess,
      inside(solve as Fn),
      inside(tangentSolve as Fn),
      options,
    );
    let state: unknown = inner.state;
    if (Object.keys(inner.state).length > 0) {
      const root = (options as { hasAux?: boolean }).hasAux ? (result as unknown[])[0] : result;
      state = fn.call(inner.state, [root]).after.state;
    }
    this.#commit(outer, state, fn.names());
    return result;
  };

  #customLinearSolve: Fn = (matvec, b, solve, options = {}) => {
    this.#initialize(() => (matvec as Fn)(b));
    const { outer, inner } = this.#begin();
    const fn = this.#purify(this.#label("customLinearSolve"), inner, matvec as Fn);
    const inside = (g: Fn): Fn => (...xs) => this.#run(inner, () => g(...xs)).out;
    const { transposeSolve, ...rest } = options as { transposeSolve?: Fn };
    const out = pure.customLinearSolve(
      (x: unknown) => fn.call(inner.state, [x]).out,
      b,
      inside(solve as Fn),
      transposeSolve === undefined ? rest : { ...rest, transposeSolve: inside(transposeSolve) },
    );
    this.#commit(outer, inner.state, fn.names());
    return out;
  };

  // Loops and branches: state is part of the carry, keys are folded with the iteration.

  #scan: Fn = (f, init, xs, options = {}) => {
    const { length, reverse = false } = options as { length?: number; reverse?: boolean };
    const [slices, xsDef] = flattenArrays("scan", xs, "xs");
    const steps = scanLength(slices, xsDef, length);
    this.#initialize(() => {
      const first = slices.map((x) => laneZero(x, 0, reverse));
      return (f as Fn)(init, treeUnflatten(xsDef, first));
    });
    const { outer, inner } = this.#begin();
    const fn = this.#purify(this.#label("scan"), inner, f as Fn);
    const step = (carry: unknown, x: unknown): unknown => {
      const [c, state, i] = carry as [unknown, Entries, NDArray];
      const { out, after } = fn.call(state, [c, x], { rng: folded(inner.rng, i) });
      const [next, y] = scanPair(out);
      return [[next, after.state, i.add(1)], y];
    };
    Object.defineProperty(step, "name", { value: (f as AnyFunction).name });
    const [[carry, state], ys] = pure.scan(
      step,
      [init, inner.state, scalarArray(0, "int32")],
      xs,
      { length: steps, reverse },
    ) as [[unknown, unknown], unknown];
    this.#commit(outer, state, fn.names());
    return [carry, ys];
  };

  #map: Fn = (f, xs) => {
    const step = (_: unknown, x: unknown): unknown => [null, (f as Fn)(x)];
    return (this.#scan(step, null, xs) as unknown[])[1];
  };

  #associativeScan: Fn = (f, elems, options = {}) => {
    const [leaves, def] = flattenArrays("associativeScan", elems, "elems");
    const tree = treeUnflatten(def, leaves);
    this.#initialize(() => (f as Fn)(tree, tree));
    const { outer, inner } = this.#begin();
    const where = `the function of ${this.#label("associativeScan")}`;
    let names = inner.names;
    const out = pure.associativeScan(
      (a: unknown, b: unknown) => {
        const { out, after } = this.#run(inner, () => (f as Fn)(a, b));
        this.#unchanged(where, inner, after);
        names = after.names;
        return out;
      },
      elems,
      options,
    );
    this.#commit(outer, inner.state, names);
    return out;
  };

  #whileLoop: Fn = (cond, body, init) => {
    const before = this.protocol.snapshot();
    const [leaves, def] = flattenArrays("whileLoop", init, "init");
    const start = treeUnflatten(def, leaves);
    const afterCond = this.#initialize(() => (cond as Fn)(start));
    this.#initialize(() => (body as Fn)(start), afterCond);
    const { outer, inner } = this.#begin();
    if (this.strict) {
      const created = [
        ...newKeys(before.params, outer.params),
        ...newKeys(before.state, outer.state),
      ];
      if (created.length > 0) {
        throw new StateChangedError(
          `${this.#label("whileLoop")}: initialising the loop creates ${
            created.join(", ")
          }, which strict: true forbids. Create it before the loop, for example with initialize`,
        );
      }
    }
    const where = this.#label("whileLoop");
    let bodyNames: unknown = afterCond;
    const test = (carry: unknown): unknown => {
      const [x, state] = carry as [unknown, Entries];
      const bundle = { ...inner, state };
      const { out, after } = this.#run(bundle, () => (cond as Fn)(x));
      this.#unchanged(`the condition of ${where}`, bundle, after);
      bodyNames = after.names;
      return out;
    };
    let names: unknown = inner.names;
    const step = (carry: unknown): unknown => {
      const [x, state, i] = carry as [unknown, Entries, NDArray];
      const { out, after } = this.#run(inner, () => (body as Fn)(x), {
        state,
        rng: folded(inner.rng, i),
        names: bodyNames,
      });
      this.#state(where, state, after);
      names = after.names;
      return [out, after.state, i.add(1)];
    };
    const [x, state] = pure.whileLoop(test, step, [
      start,
      inner.state,
      scalarArray(0, "int32"),
    ]) as [unknown, unknown];
    this.#commit(outer, state, names);
    return x;
  };

  #foriLoop: Fn = (lower, upper, body, init) => {
    const first = typeof lower === "number" ? scalarArray(lower, "int32") : lower;
    this.#initialize(() => (body as Fn)(first, treeMap((x) => x, flatTree(init))));
    const { outer, inner } = this.#begin();
    const fn = this.#purify(this.#label("foriLoop"), inner, body as Fn);
    const [x, state] = pure.foriLoop(lower, upper, (i: unknown, carry: unknown) => {
      const [x, state] = carry as [unknown, Entries];
      const { out, after } = fn.call(state, [i, x], { rng: folded(inner.rng, i as NDArray) });
      return [out, after.state];
    }, [init, inner.state]) as [unknown, unknown];
    this.#commit(outer, state, fn.names());
    return x;
  };

  #branches(
    name: "cond" | "switchCase",
    branches: readonly AnyFunction[],
    operands: unknown[],
    choose: (branches: readonly Fn[], state: unknown) => unknown,
  ): unknown {
    const args = flatTree(operands) as unknown[];
    let initNames: unknown;
    for (const f of branches) initNames = this.#initialize(() => (f as Fn)(...args), initNames);
    const { outer, inner } = this.#begin();
    let names: unknown = inner.names;
    const runs = branches.map((f, k) => (state: unknown, ...xs: unknown[]): unknown => {
      const { out, after } = this.#run(inner, () => (f as Fn)(...xs), {
        state: state as Entries,
        rng: folded(inner.rng, scalarArray(k, "int32")),
        names,
      });
      names = after.names;
      return [out, this.#state(this.#label(name), state as Entries, after)];
    });
    const [out, state] = choose(runs, inner.state) as [unknown, unknown];
    this.#commit(outer, state, names);
    return out;
  }

  dictionary(): Record<keyof Transforms, Fn> {
    return {
      jit: this.#jit(),
      grad: this.#derivative("grad"),
      valueAndGrad: this.#derivative("valueAndGrad"),
      jacfwd: this.#derivative("jacfwd"),
      jacrev: this.#derivative("jacrev"),
      hessian: this.#derivative("hessian"),
      jvp: this.#now("jvp", this.#jvp),
      vjp: this.#now("vjp", this.#vjp),
      linearize: this.#now("linearize", this.#linearize),
      vmap: this.#vmap(),
      checkpoint: this.#checkpoint(),
      customJvp: this.#customJvp(),
      customVjp: this.#customVjp(),
      customRoot: this.#now("customRoot", this.#customRoot),
      customLinearSolve: this.#now("customLinearSolve", this.#customLinearSolve),
      scan: this.#now("scan", this.#scan),
      map: this.#now("map", this.#map),
      associativeScan: this.#now("associativeScan", this.#associativeScan),
      whileLoop: this.#now("whileLoop", this.#whileLoop),
      foriLoop: this.#now("foriLoop", this.#foriLoop),
      // Branches are recorded in the order ifFalse, ifTrue or 0, 1, ...; names follow that order.
      cond: this.#now("cond", (pred, ifTrue, ifFalse, ...operands) =>
        this.#branches(
          "cond",
          [ifFalse, ifTrue] as AnyFunction[],
          operands,
          ([no, yes], state) => pure.cond(pred, yes, no, state, ...operands),
        )),
      switchCase: this.#now("switchCase", (index, branches, ...operands) =>
        this.#branches(
          "switchCase",
          branches as AnyFunction[],
          operands,
          (runs, state) => pure.switchCase(index, runs, state, ...operands),
        )),
      evalShape: this.#now("evalShape", (f, ...args) => {
        const bundle = this.protocol.snapshot();
        return pure.evalShape(
          (...xs: unknown[]) => this.#run(bundle, () => (f as Fn)(...xs)).out,
          ...args,
        );
      }),
      initialize: this.#now("initialize", (f, ...args) => {
        this.#initialize(() => (f as Fn)(...args));
      }),
      isInitializing: () => this.protocol.active() && this.protocol.snapshot().phase !== "apply",
    };
  }
}

/** A stream that does not overlap with what is drawn later. */
function forked(rng: RngState | null): RngState | null {
  return rng === null ? null : { ...rng, key: foldIn(rng.key, rng.count), count: 0 };
}

/** The stream of one iteration or branch. */
function folded(rng: RngState | null, i: NDArray): RngState | null {
  return rng === null ? null : { ...rng, key: foldIn(rng.key, i), count: 0 };
}

function newKeys(before: Entries, after: Entries): string[] {
  return Object.keys(after).filter((k) => !(k in before));
}

function changedKeys(before: Entries, after: Entries): string[] {
  return Object.keys(after).filter((k) => after[k] !== before[k]);
}

function pick(entries: Entries, keys: readonly string[]): Entries {
  return Object.fromEntries(keys.map((k) => [k, entries[k]]));
}

function flatTree(tree: unknown): unknown {
  const [leaves, def] = flattenArrays("init", tree, "an argument");
  return treeUnflatten(def, leaves);
}

/** A step's `[carry, y]`; anything else is left to the pure scan to report. */
function scanPair(out: unknown): [unknown, unknown] {
  if (Array.isArray(out) && out.length === 2) return out as [unknown, unknown];
  throw new StateError("scan: the function must return [carry, y]; return [carry, null] without y");
}

/** The first (or last) element along an axis, or zeros where there is none. */
function laneZero(x: NDArray, axis: number, last = false): NDArray {
  const front = moveAxis(x, axis, 0);
  const rest = front.shape.slice(1);
  const n = front.shape[0]!;
  if (n === 0) return zeros({ shape: rest, dtype: x.dtype });
  const at = last ? n - 1 : 0;
  const lane = slice(front, [at, ...rest.map(() => 0)], [at + 1, ...rest]);
  return sizeOf(rest) === sizeOf(lane.shape) ? reshape(lane, rest) : lane;
}

function checkSameTypes(where: string, name: string, before: unknown, after: unknown): void {
  if (before === after) return;
  const [a, aDef] = treeFlatten(before);
  const [b, bDef] = treeFlatten(after);
  const type = (x: unknown): string => x instanceof NDArray ? formatAval(x.aval) : typeof x;
  const same = aDef === bDef && a.every((x, i) => {
    const y = b[i];
    return x instanceof NDArray && y instanceof NDArray && sameAval(x.aval, y.aval);
  });
  if (same) return;
  throw new StateError(
    `${where}: the state entry ${name} changed its type from ${a.map(type).join(", ")} to ${
      b.map(type).join(", ")
    }. Inside a transform an entry keeps its shape and dtype`,
  );
}
