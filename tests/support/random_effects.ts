/**
 * Random programs with effects: transforms in each other around functions that read, write, create,
 * remove, draw and count names. A program is run in a `Place`, which says what all that means there.
 *
 * @module
 */
import { type NDArray, numpy as np, treeLeaves } from "../../mod.ts";
import { stopGradient } from "../../lib/api/arithmetic.ts";
import type { Out, Part, Place } from "./plain_effects.ts";
import type { Random } from "./random.ts";

/** A program, or a part of one. */
export interface Program {
  /** How long its log is. */
  readonly draws: number;
  /** How it is written. */
  readonly text: string;
  run(place: Place, x: NDArray): Out;
}

const f64 = { dtype: "float64" } as const;
const vector = (a: number, b: number): NDArray => np.array([a, b], f64);
const noLog = (): NDArray => np.zeros([0], f64);
const plain = (x: NDArray): Out => ({ x, log: noLog() });

/** What an entry is, given a vector: arrays and trees. */
function valueOf(key: string, x: NDArray): unknown {
  if (key === "tree" || key === "n2") return { p: x, q: [x.sum()] };
  return key === "pair" ? [x, x.mul(2)] : x;
}
const sumOf = (value: unknown): NDArray =>
  (treeLeaves(value) as NDArray[]).reduce((a, b) => a.add(b), vector(0, 0));
const initial = (key: string): unknown => valueOf(key, vector(0.3, keys.indexOf(key) / 10));

/** Entries that are there at first; two of them share an array. */
export function firstEntries(): Record<string, unknown> {
  const shared = vector(0.2, -0.4);
  return {
    a: shared,
    b: shared,
    tree: valueOf("tree", vector(0.5, 0.1)),
    pair: valueOf("pair", vector(-0.3, 0.7)),
  };
}
const keys = ["a", "b", "tree", "pair", "n0", "n1", "n2"];

/** What may be made where. */
interface Around {
  readonly depth: number;
  /** Whether it runs for sure, so that entries may come to be by being set. */
  readonly sure: boolean;
  /** Whether reverse mode has to go through. */
  readonly reverse: boolean;
  /** Whether forward mode has to go through. */
  readonly forward: boolean;
  readonly mayRemove: boolean;
  /** Whether lanes differ: an entry that is made in one way by each would be read as another. */
  readonly inLanes: boolean;
}

/** What programs throw and catch. */
export class Failure extends Error {}

/** Makes programs. */
export class Generator {
  /** Jitted parts, to be called in several places. */
  #pool: { readonly part: Program; readonly around: string }[] = [];
  #used = new Set<string>();
  constructor(readonly random: Random) {}

  /** Transforms that occurred, for the test's own sake. */
  get used(): ReadonlySet<string> {
    return this.#used;
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.random.integer(0, items.length)]!;
  }
  #chance(p: number): boolean {
    return this.random.next() < p;
  }

  /** A program, with how it may be differentiated. */
  program(): { program: Program; reverse: boolean; forward: boolean } {
    this.#pool = [];
    const mode = this.#pick(["reverse", "forward", "both", "none"]);
    const [reverse, forward] = ["reverse", "forward"].map((m) => mode === m || mode === "both") as [
      boolean,
      boolean,
    ];
    const around = { depth: 3, sure: true, reverse, forward, mayRemove: true, inLanes: false };
    return { program: this.#sequence(around, 3), reverse, forward };
  }

  #sequence(around: Around, most: number): Program {
    const parts = Array.from({ length: 1 + this.random.integer(0, most) }, () => this.#one(around));
    return {
      draws: parts.reduce((n, p) => n + p.draws, 0),
      text: parts.map((p) => p.text).join("; "),
      run(place, x) {
        const logs: NDArray[] = [];
        for (const part of parts) {
          const out = part.run(place, x);
          x = out.x;
          logs.push(out.log);
        }
        return { x, log: np.concatenate(logs) };
      },
    };
  }

  #one(around: Around): Program {
    return around.depth === 0 || this.#chance(0.45)
      ? this.#effect(around)
      : this.#transform(around);
  }

  #effect({ sure, mayRemove, inLanes }: Around): Program {
    const key = this.#pick(keys);
    const of = (text: string, draws: number, run: Program["run"]): Program => ({
      text,
      draws,
      run,
    });
    const read = ({ state }: Place): unknown =>
      state.get(key) ?? state.create(key, () => initial(key));
    const kinds: (() => Program)[] = [
      () => of("math", 0, ({ state }, x) => plain(np.sin(x.mul(1.3)).mul(state.scale))),
      () => of(`read ${key}`, 0, (p, x) => plain(x.mul(0.6).add(sumOf(read(p)).mul(0.3)))),
      () =>
        of(`add ${key}`, 0, (p, x) => {
          const old = sumOf(read(p));
          p.state.set(key, valueOf(key, np.tanh(x.add(old.mul(0.5)))));
          return plain(x);
        }),
      () =>
        of(`write ${key}`, 0, (p, x) => {
          if (!sure) read(p);
          p.state.set(key, valueOf(key, np.cos(x)));
          return plain(x);
        }),
      () =>
        of(`rewrite ${key}`, 0, (p, x) => {
          p.state.set(key, read(p));
          return plain(x);
        }),
      () =>
        of("swap", 0, ({ state }, x) => {
          const [a, b] = ["a", "b"].map((k) => state.get(k) ?? state.create(k, () => initial(k)));
          state.set("a", b);
          state.set("b", a);
          return plain(x);
        }),
      () => of("draw", 1, ({ state }, x) => ({ x: x.mul(0.9), log: state.draw().reshape([1]) })),
      () => of("name", 0, ({ state }, x) => plain(x.add(0.01 * state.name("count")))),
    ];
    if (sure && !inLanes) {
      kinds.push(() =>
        of(`create ${key} here`, 0, ({ state }, x) => {
          const value = state.get(key) ??
            state.createHere(key, () => valueOf(key, stopGradient(x.mul(0.7))));
          return plain(x.mul(0.5).add(sumOf(value).mul(0.2)));
        })
      );
    }
    if (mayRemove) {
      kinds.push(() =>
        of(`remove ${key}`, 0, ({ state }, x) => {
          state.delete(key);
          return plain(x);
        })
      );
    }
    return this.#pick(kinds)();
  }

  #transform(around: Around): Program {
    const inner = { ...around, depth: around.depth - 1 };
    const { reverse, forward } = around;
    const steps = { ...inner, mayRemove: false };
    const unsure = { ...steps, sure: false };
    const rev = { ...inner, reverse: true }, fwd = { ...inner, forward: true };
    const both = { ...inner, reverse: true, forward: true };
    const kinds: Record<string, () => Program> = {
      scan: () => this.#scan(steps),
      map: () => this.#map(steps),
      foriKnown: () => this.#fori(steps, true),
      cond: () => this.#cond(unsure),
      switch: () => this.#switch(unsure),
      jit: () => this.#jit({ ...inner, mayRemove: false }),
      checkpoint: () => this.#wrap("checkpoint", inner, (p, f) => p.t.checkpoint(f)),
      root: () => this.#wrap("root", inner, (p, f) => p.t.root(f)),
      vmap: () => this.#vmap({ ...inner, inLanes: true }),
      grad: () => this.#derivative("grad", rev),
      vjp: () => this.#vjp(rev),
      jvp: () => this.#forward("jvp", fwd),
      linearize: () => this.#forward("linearize", both),
      hessian: () => this.#derivative("hessian", both),
      prefixes: () => this.#prefixes(),
      failing: () => this.#failing(inner),
    };
    if (!reverse) {
      kinds.foriTraced = () => this.#fori(unsure, false);
      kinds.while = () => this.#while(unsure);
    }
    if (!forward) {
      kinds.tripled = () =>
        this.#wrap("customVjp", { ...inner, reverse: true }, (p, f) => p.t.tripled(f));
    }
    kinds.doubled = () => this.#wrap("customJvp", both, (p, f) => p.t.doubled(f));
    const kind = this.#pick(Object.keys(kinds));
    this.#used.add(kind);
    return kinds[kind]!();
  }

  #body(around: Around): Program {
    return this.#sequence(around, 2);
  }

  #wrap(name: string, around: Around, wrap: (p: Place, f: Part) => Part): Program {
    const body = this.#body(around);
    return {
      draws: body.draws,
      text: `${name}(${body.text})`,
      run: (p, x) => wrap(p, (x) => body.run(p, x))(x),
    };
  }

  #jit(around: Around): Program {
    const known = this.#pool.filter((k) => k.around === JSON.stringify(around));
    const again = known.length > 0 && this.#chance(0.6);
    const body = again ? this.#pick(known).part : this.#body(around);
    if (!again) this.#pool.push({ part: body, around: JSON.stringify(around) });
    return {
      draws: body.draws,
      text: `jit${this.#pool.findIndex((k) => k.part === body)}(${body.text})`,
      run(p, x) {
        let f = p.jitted.get(body);
        if (f === undefined) p.jitted.set(body, f = p.t.jit((x) => body.run(p, x)));
        return f(x);
      },
    };
  }

  #scan(around: Around): Program {
    const length = this.random.integer(0, 4);
    const reverse = this.#chance(0.3);
    const body = this.#body(length === 0 ? { ...around, sure: false } : around);
    const draws = length * body.draws;
    return {
      draws,
      text: `scan${reverse ? "Back" : ""} ${length}(${body.text})`,
      run: (p, x) => {
        const xs = np.stack([x, x.mul(0.5), x.mul(-1)]).slice([0, 0], [length, 2]);
        const [c, ys] = p.t.scan(
          (c, x) => {
            const out = body.run(p, c.add(x.mul(0.1)));
            return [out.x, out];
          },
          x,
          xs,
          { reverse },
        );
        return { x: c.add(ys.x.sum(0).mul(0.1)), log: ys.log.reshape([draws]) };
      },
    };
  }

  #map(around: Around): Program {
    const body = this.#body(around);
    return {
      draws: 2 * body.draws,
      text: `map(${body.text})`,
      run: (p, x) => {
        const ys = p.t.map((x) => body.run(p, x), np.stack([x, np.sin(x)]));
        return { x: ys.x.mean(0), log: ys.log.reshape([2 * body.draws]) };
      },
    };
  }

  /** The log of `most` steps, of which step `i` has been made. */
  #logged(log: NDArray, own: NDArray, i: NDArray): NDArray {
    if (own.shape[0] === 0) return log;
    const at = np.arange(log.shape[0]!).equal(i).reshape([log.shape[0]!, 1]);
    return np.where(at, own.reshape([1, own.shape[0]!]), log);
  }

  #fori(around: Around, known: boolean): Program {
    const times = this.random.integer(0, 4);
    const body = this.#body(times === 0 ? { ...around, sure: false } : around);
    const draws = times * body.draws;
    return {
      draws,
      text: `fori ${known ? times : `to ${times}`}(${body.text})`,
      run: (p, x) => {
        const n = known ? times : x.sum().mul(0).astype("int32").add(times);
        const init = { x, log: np.zeros([times, body.draws], f64) };
        const { x: out, log } = p.t.fori(n, (i, c) => {
          const out = body.run(p, c.x);
          return { x: out.x, log: times === 0 ? c.log : this.#logged(c.log, out.log, i) };
        }, init);
        return { x: out, log: log.reshape([draws]) };
      },
    };
  }

  #while(around: Around): Program {
    const times = this.random.integer(0, 4);
    const body = this.#body(around);
    const draws = times * body.draws;
    const key = this.#pick(["a", "b", "tree"]);
    return {
      draws,
      text: `while ${times} reads ${key}(${body.text})`,
      run: (p, x) => {
        const init = { x, log: np.zeros([times, body.draws], f64) };
        const [, { x: out, log }] = p.t.while(
          ([i]) => {
            const value = p.state.get(key);
            const go = i.less(times);
            return value === undefined ? go : np.logicalAnd(go, sumOf(value).sum().less(1.5));
          },
          ([i, c]) => {
            const out = body.run(p, c.x);
            return [i.add(1), {
              x: out.x,
              log: times === 0 ? c.log : this.#logged(c.log, out.log, i),
            }];
          },
          [np.array(0, { dtype: "int32" }), init],
        );
        return { x: out, log: log.reshape([draws]) };
      },
    };
  }

  #padded(body: Program, draws: number): (p: Place) => Part {
    return (p) => (x) => {
      const out = body.run(p, x);
      const missing = draws - body.draws;
      return { x: out.x, log: np.concatenate([out.log, np.zeros([missing], f64)]) };
    };
  }

  #cond(around: Around): Program {
    const [no, yes] = [this.#body(around), this.#body(around)];
    const draws = Math.max(no.draws, yes.draws);
    const flip = this.#chance(0.5);
    return {
      draws,
      text: `cond ${flip}(${yes.text} | ${no.text})`,
      run: (p, x) => {
        const pred = flip ? x.sum().greater(0.1) : x.sum().less(10);
        return p.t.cond(pred, this.#padded(yes, draws)(p), this.#padded(no, draws)(p), x);
      },
    };
  }

  #switch(around: Around): Program {
    const own = [this.#body(around), this.#body(around)];
    const draws = Math.max(...own.map((b) => b.draws));
    const order = Array.from({ length: 3 }, () => this.random.integer(0, 2));
    const shift = this.random.integer(-1, 4);
    return {
      draws,
      text: `switch ${shift}(${order.map((i) => own[i]!.text).join(" | ")})`,
      run: (p, x) => {
        const index = x.sum().greater(0).astype("int32").add(shift);
        const fs = own.map((body) => this.#padded(body, draws)(p));
        return p.t.choose(np.clip(index, 0, 2), order.map((i) => fs[i]!), x);
      },
    };
  }

  #vmap(around: Around): Program {
    const body = this.#body(around);
    const split = this.#chance(0.6);
    const draws = split ? 2 * body.draws : body.draws;
    return {
      draws,
      text: `vmap${split ? " split" : ""}(${body.text})`,
      run: (p, x) => {
        const ys = p.t.vmap((x) => body.run(p, x), split)(np.stack([x, x.mul(0.5)]));
        const log = split ? ys.log.reshape([draws]) : ys.log.at(0);
        return { x: ys.x.mean(0), log };
      },
    };
  }

  #weighted(p: Place, body: Program): (x: NDArray) => [NDArray, Out] {
    return (x) => {
      const out = body.run(p, x);
      return [out.x.mul(vector(1, 2)).sum(), out];
    };
  }

  #derivative(name: "grad" | "hessian", around: Around): Program {
    const body = this.#body(around);
    return {
      draws: body.draws,
      text: `${name}(${body.text})`,
      run: (p, x) => {
        const [g, { x: y, log }] = p.t[name](this.#weighted(p, body))(x);
        const d = name === "hessian" ? g.sum(0) : g;
        return { x: y.mul(0.5).add(np.tanh(d).mul(0.3)), log };
      },
    };
  }

  #vjp(around: Around): Program {
    const body = this.#body(around);
    return {
      draws: body.draws,
      text: `vjp(${body.text})`,
      run: (p, x) => {
        const [value, pull, { x: y, log }] = p.t.vjp(this.#weighted(p, body), x);
        const g = np.tanh(pull(np.array(0.5, f64)));
        return { x: y.mul(0.5).add(g.mul(0.3)).add(np.sin(value).mul(0.1)), log };
      },
    };
  }

  #forward(name: "jvp" | "linearize", around: Around): Program {
    const body = this.#body(around);
    return {
      draws: body.draws,
      text: `${name}(${body.text})`,
      run: (p, x) => {
        const f: Part = (x) => body.run(p, x);
        const dot = vector(1, -0.5);
        let y: Out, d: NDArray;
        if (name === "jvp") [y, d] = p.t.jvp(f, x, dot);
        else {
          const [out, push] = p.t.linearize(f, x);
          [y, d] = [out, push(dot)];
        }
        return { x: y.x.mul(0.5).add(np.tanh(d).mul(0.3)), log: y.log };
      },
    };
  }

  #failing(around: Around): Program {
    const body = this.#body(around);
    const within = this.random.integer(0, 1000);
    return {
      draws: 0,
      text: `failing ${within}(${body.text})`,
      run(p, x) {
        const f: Part = (x) => {
          body.run(p, x);
          throw new Failure();
        };
        p.failing(f, within, x);
        return plain(x);
      },
    };
  }

  #prefixes(): Program {
    const key = this.#pick(keys);
    return {
      draws: 0,
      text: `prefixes(read ${key})`,
      run: (p, x) => {
        const xs = np.stack([x, x.mul(0.5), x.mul(0.2), x]);
        const out = p.t.prefixes((a, b) => {
          const value = p.state.get(key) ?? p.state.create(key, () => initial(key));
          return a.add(b).add(sumOf(value).mul(0.1));
        }, xs);
        return plain(np.sin(out).mean(0));
      },
    };
  }
}
