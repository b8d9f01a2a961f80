/**
 * What programs with effects mean, said without any of the engine: state is a `Map`, loops are
 * JavaScript's, a choice is an `if`, `jit` is the call. Derivatives are those of the pure transforms, of
 * the program as it stands there, with state that is put back.
 *
 * Owns what else the engine promises: names are those of one run of a body, all branches of a choice
 * are recorded in turn, what is created in something that does not run is created all the same.
 *
 * @module
 */
import { type NDArray, numpy as np, pure, treeMap } from "../../mod.ts";
import { stopGradient } from "../../lib/api/arithmetic.ts";

type Fn = (...args: never[]) => unknown;
/** A result, and the log of what was drawn. */
export interface Out {
  /** The value, float64 [2]. */
  readonly x: NDArray;
  /** One number for each place of a draw: 0 where it was not reached. */
  readonly log: NDArray;
}
/** A part of a program. */
export type Part = (x: NDArray) => Out;

/** The transforms that programs use, at the types that they use them at. */
export interface Dictionary {
  scan(
    f: (c: NDArray, x: NDArray) => [NDArray, Out],
    init: NDArray,
    xs: NDArray,
    options: { reverse: boolean },
  ): [NDArray, Out];
  map(f: Part, xs: NDArray): Out;
  fori(n: NDArray | number, f: (i: NDArray, c: Out) => Out, init: Out): Out;
  while(test: (c: [NDArray, Out]) => NDArray, f: (c: [NDArray, Out]) => [NDArray, Out], init: [
    NDArray,
    Out,
  ]): [NDArray, Out];
  choose(index: NDArray, branches: readonly Part[], x: NDArray): Out;
  cond(pred: NDArray, yes: Part, no: Part, x: NDArray): Out;
  jit(f: Part): Part;
  checkpoint(f: Part): Part;
  grad(f: (x: NDArray) => [NDArray, Out]): (x: NDArray) => [NDArray, Out];
  hessian(f: (x: NDArray) => [NDArray, Out]): (x: NDArray) => [NDArray, Out];
  vjp(f: (x: NDArray) => [NDArray, Out], x: NDArray): [NDArray, (ct: NDArray) => NDArray, Out];
  jvp(f: Part, x: NDArray, dot: NDArray): [Out, NDArray];
  linearize(f: Part, x: NDArray): [Out, (dot: NDArray) => NDArray];
  /** Entries that lanes write differently are averaged. */
  vmap(f: Part, splitRng: boolean): (xs: NDArray) => Out;
  /** With the cotangent tripled. */
  tripled(f: Part): Part;
  /** With the tangent doubled. */
  doubled(f: Part): Part;
  /** The root of `z - f(x)`, with what `f` logs as aux. */
  root(f: Part): Part;
  prefixes(f: (a: NDArray, b: NDArray) => NDArray, xs: NDArray): NDArray;
}

/** What programs do to state. */
export interface State {
  get(key: string): unknown;
  set(key: string, value: unknown): void;
  delete(key: string): void;
  create(key: string, make: () => unknown): unknown;
  /** Creates an entry from values that are computed there: it is as if set. */
  createHere(key: string, make: () => unknown): unknown;
  /** A number that tells the key that was drawn. */
  draw(): NDArray;
  /** How often it was asked for this name, by the count of names. */
  name(key: string): number;
  /** What is static. */
  readonly scale: number;
}

/** Where a program runs. */
export interface Place {
  readonly state: State;
  readonly t: Dictionary;
  /** Jitted parts: one for each, wherever it is called. */
  readonly jitted: Map<object, Part>;
  /** Runs something to the point where it throws, within a transform, and catches that. */
  failing(f: Part, within: number, x: NDArray): void;
}

/** State in a map. */
class Plain implements State {
  entries: Map<string, unknown>;
  names = new Map<string, number>();
  /** Initial values of what was created. */
  created = new Map<string, unknown>();
  /** Entries that a step set, or something would have set that did not run. */
  touched = new Set<string>();
  constructor(entries: Readonly<Record<string, unknown>>, readonly scale: number) {
    this.entries = new Map(Object.entries(entries));
  }
  get(key: string): unknown {
    return this.entries.get(key);
  }
  set(key: string, value: unknown): void {
    this.entries.set(key, value);
  }
  delete(key: string): void {
    this.entries.delete(key);
  }
  create(key: string, make: () => unknown): unknown {
    const value = make();
    this.entries.set(key, value);
    this.created.set(key, value);
    return value;
  }
  createHere(key: string, make: () => unknown): unknown {
    const value = make();
    this.entries.set(key, value);
    return value;
  }
  draw(): NDArray {
    return np.array(1, { dtype: "float64" });
  }
  name(key: string): number {
    const n = this.names.get(key) ?? 0;
    this.names.set(key, n + 1);
    return n;
  }

  /** What there is now; gives a function that puts it back. */
  save(): () => void {
    const [entries, names, created] = [this.entries, this.names, this.created].map((m) =>
      new Map<string, unknown>(m)
    );
    return () => {
      this.entries = new Map(entries);
      this.names = new Map(names) as Map<string, number>;
      this.created = new Map(created);
    };
  }
  /** Runs what leaves nothing behind. */
  aside<T>(f: () => T): T {
    const restore = this.save();
    try {
      return f();
    } finally {
      restore();
    }
  }
  /** Runs what is recorded and not run: names and what is created remain. */
  phantom<T>(f: () => T): T {
    const restore = this.save();
    const out = f();
    const { entries, names, created } = this;
    restore();
    for (const [key, value] of entries) if (this.get(key) !== value) this.touched.add(key);
    this.names = names;
    for (const [key, value] of created) {
      if (this.created.has(key)) continue;
      this.created.set(key, value);
      this.entries.set(key, value);
    }
    return out;
  }
  /** Runs a body again and again: names are as after one run. */
  repeat<C>(init: C, goOn: (c: C, n: number) => boolean, body: (c: C, n: number) => C): C {
    const [names, before] = [new Map(this.names), new Map(this.entries)];
    let [c, n] = [init, 0];
    for (; goOn(c, n); n++) {
      this.names = new Map(names);
      c = body(c, n);
      for (const [key, value] of this.entries) {
        if (before.get(key) !== value) this.touched.add(key);
      }
    }
    if (n === 0) this.phantom(() => body(init, 0));
    return c;
  }
}

/** What a state in a map was made into. */
export interface Finished {
  readonly out: Out;
  readonly entries: Record<string, unknown>;
  readonly created: readonly string[];
}

/** Runs a program. */
export function runPlainly(
  program: (place: Place, x: NDArray) => Out,
  entries: Readonly<Record<string, unknown>>,
  scale: number,
  x: NDArray,
): Finished {
  const s = new Plain(entries, scale);
  // What fails leaves nothing behind.
  const place: Place = { state: s, t: dictionary(s), jitted: new Map(), failing() {} };
  const out = program(place, x);
  return { out, entries: Object.fromEntries(s.entries), created: [...s.created.keys()] };
}

const stacked = (outs: readonly Out[]): Out =>
  treeMap((...xs: NDArray[]) => np.stack(xs), ...outs as [Out, ...Out[]]) as unknown as Out;

function dictionary(s: Plain): Dictionary {
  const call = <R>(f: Fn, ...args: unknown[]): R => f(...args as never[]) as R;
  const branch = (chosen: number, branches: readonly Part[], x: NDArray): Out => {
    let out: Out | null = null;
    for (const f of new Set(branches)) {
      if (branches[chosen] === f) out = f(x);
      else s.phantom(() => f(x));
    }
    return out!;
  };
  const scan: Dictionary["scan"] = (f, init, xs, { reverse }) => {
    const ys: Out[] = [];
    const n = xs.shape[0]!;
    const c = s.repeat(init, (_, k) => k < n, (c, k) => {
      const i = reverse ? n - 1 - k : k;
      const [next, y] = f(c, n === 0 ? np.zeros([2], { dtype: "float64" }) : xs.at(i));
      ys.push(y);
      return next;
    });
    if (n > 0) return [c, stacked(reverse ? ys.reverse() : ys)];
    const none = treeMap((y: NDArray) => np.zeros([0, ...y.shape], { dtype: y.dtype }), ys[0]!);
    return [c, none as unknown as Out];
  };
  // Rules govern the result; what is written has no derivative.
  const ruled = (f: Part, by: number): Part => (x) => {
    const [before, entries] = [s.touched, new Map(s.entries)];
    s.touched = new Set();
    const { x: y, log } = f(stopGradient(x));
    for (const [key, value] of s.entries) {
      if (s.touched.has(key) || entries.get(key) !== value) {
        s.entries.set(key, treeMap(stopGradient, value));
      }
    }
    for (const key of before) s.touched.add(key);
    return { x: y.add(x.sub(stopGradient(x)).mul(by)), log };
  };
  return {
    scan,
    map: (f, xs) =>
      scan((c, x) => [c, f(x)], np.zeros([], { dtype: "float64" }), xs, { reverse: false })[1],
    fori: (n, f, init) => {
      const times = typeof n === "number" ? n : n.item();
      return s.repeat(init, (_, k) => k < times, (c, k) => f(np.array(k, { dtype: "int32" }), c));
    },
    while: (test, f, init) => s.repeat(init, (c) => Boolean(test(c).item()), (c) => f(c)),
    choose: (index, branches, x) => branch(index.item(), branches, x),
    cond: (pred, yes, no, x) => branch(Number(pred.item()), [no, yes], x),
    jit: (f) => f,
    checkpoint: (f) => f,
    grad: (f) => (x) => {
      const g = s.aside(() => pure.grad((x: NDArray) => f(x)[0])(x));
      return [g, f(x)[1]];
    },
    hessian: (f) => (x) => {
      const h = s.aside(() => {
        const restore = s.save();
        return pure.hessian((x: NDArray) => {
          restore();
          return f(x)[0];
        })(x);
      });
      return [h as NDArray, f(x)[1]];
    },
    vjp: (f, x) => {
      const pull = s.aside(() => pure.vjp((x: NDArray) => f(x)[0], [x])[1]);
      const [value, aux] = f(x);
      return [value, (ct) => (pull(ct) as unknown as [NDArray])[0], aux];
    },
    jvp: (f, x, dot) => {
      const dots = s.aside(() => pure.jvp((x: NDArray) => f(x).x, [x], [dot])[1]);
      return [f(x), dots];
    },
    linearize: (f, x) => {
      const push = s.aside(() => pure.linearize((x: NDArray) => f(x).x, [x])[1]);
      return [f(x), push as unknown as (dot: NDArray) => NDArray];
    },
    vmap: (f) => (xs) => {
      const before = new Map(s.entries);
      const restore = s.save();
      const lanes = Array.from({ length: xs.shape[0]! }, (_, i) => {
        restore();
        return { out: f(xs.at(i)), entries: s.entries };
      });
      s.entries = new Map(lanes[0]!.entries);
      for (const key of [...s.entries.keys()]) {
        if (lanes.every((lane) => lane.entries.get(key) === before.get(key))) continue;
        const all = lanes.map((lane) => lane.entries.get(key)) as [unknown, ...unknown[]];
        if (all.every((value) => value === all[0])) continue;
        s.entries.set(key, treeMap((...xs: NDArray[]) => np.stack(xs).mean(0), ...all));
      }
      return stacked(lanes.map((lane) => lane.out));
    },
    tripled: (f) => ruled(f, 3),
    doubled: (f) => ruled(f, 2),
    root: (f) => f,
    prefixes: (f, xs) => {
      const out = [xs.at(0)];
      for (let i = 1; i < xs.shape[0]!; i++) out.push(call(f as Fn, out[i - 1], xs.at(i)));
      return np.stack(out);
    },
  };
}
