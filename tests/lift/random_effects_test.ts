/**
 * Random programs with effects against plain JavaScript over a map: results, all entries, what is created,
 * what is drawn; as they stand, compiled, differentiated and in lanes.
 *
 * @module
 */
import {
  Context,
  contextStack,
  grad,
  jit,
  jvp,
  type KeyStream,
  liftTransforms,
  type NDArray,
  numpy as np,
  random,
  treeLeaves,
  treeMap,
  vmap,
} from "../../mod.ts";
import { plain } from "../support/arrays.ts";
import { assert, assertEquals } from "../support/assert.ts";
import {
  type Dictionary,
  type Out,
  type Part,
  type Place,
  runPlainly,
} from "../support/plain_effects.ts";
import { Random, seedNote } from "../support/random.ts";
import { Failure, firstEntries, Generator, type Program } from "../support/random_effects.ts";

const stack = contextStack("Random", { dictionary: "random.transforms" });
const t = liftTransforms(stack);
const backend = "interpreter";
const f64 = { dtype: "float64" } as const;

/** A number that tells a key: two words of it, as exact integers of 2^52. */
function number(key: NDArray): NDArray {
  const words = random.bits(key, [2]).astype("float64");
  return words.at(0).mul(2 ** 20).add(np.floor(words.at(1).div(2 ** 12))).add(1);
}

type Loose = (...args: unknown[]) => never;
/** The lifted transforms at the types of programs. */
const dictionary: Dictionary = {
  scan: t.scan as Loose,
  map: t.map as Loose,
  fori: (n, f, init) => (t.foriLoop as Loose)(0, n, f, init),
  while: t.whileLoop as Loose,
  choose: t.switchCase as Loose,
  cond: t.cond as Loose,
  jit: (f) => (t.jit as Loose)(f, { backend }),
  checkpoint: t.checkpoint as Loose,
  grad: (f) => (t.grad as Loose)(f, { hasAux: true }),
  hessian: (f) => (t.hessian as Loose)(f, { hasAux: true }),
  vjp: (f, x) => {
    const [value, pull, aux] = (t.vjp as Loose)(f, [x], { hasAux: true }) as [
      NDArray,
      (ct: NDArray) => [NDArray],
      Out,
    ];
    return [value, (ct) => pull(ct)[0], aux];
  },
  jvp: (f, x, dot) => {
    const [out, d] = (t.jvp as Loose)(f, [x], [dot]) as [Out, Out];
    return [out, d.x];
  },
  linearize: (f, x) => {
    const [out, push] = (t.linearize as Loose)(f, [x]) as [Out, (d: NDArray) => Out];
    return [out, (d) => push(d).x];
  },
  vmap: (f, splitRng) => (t.vmap as Loose)(f, { splitRng, reduceState: "mean" }),
  // Rules call the function with the rules, so that higher derivatives are governed by them too.
  tripled(f) {
    const ruled: Part = (t.customVjp as Loose)(
      f,
      (x: NDArray) => [ruled(x), null],
      (_: null, ct: Out) => [ct.x.mul(3)],
    );
    return ruled;
  },
  doubled(f) {
    const ruled: Part = (t.customJvp as Loose)(f, ([x]: [NDArray], [d]: [NDArray]) => {
      const out = ruled(x);
      return [out, { x: d.mul(2), log: np.zeros(out.log.shape, f64) }];
    });
    return ruled;
  },
  root: (f) => (x) => {
    const solve = (f: (z: NDArray) => NDArray, z: NDArray): NDArray => z.sub(f(z));
    const residual = (z: NDArray): [NDArray, NDArray] => {
      const out = f(x);
      return [z.sub(out.x), out.log];
    };
    const [y, log] = (t.customRoot as Loose)(residual, x, solve, (_: unknown, y: NDArray) => y, {
      functionHasAux: true,
    }) as [NDArray, NDArray];
    return { x: y, log };
  },
  prefixes: t.associativeScan as Loose,
};

/** Transforms for something that throws in them. */
const failures: readonly ((f: Part, x: NDArray) => unknown)[] = [
  (f, x) => dictionary.jit(f)(x),
  (f, x) => dictionary.checkpoint(f)(x),
  (f, x) => dictionary.map(f, np.stack([x, x])),
  (f, x) => dictionary.cond(x.sum().less(9), f, f, x),
  (f, x) => dictionary.vmap(f, true)(np.stack([x, x])),
  (f, x) => dictionary.grad((x) => [f(x).x.sum(), f(x)])(x),
  (f, x) => dictionary.jvp(f, x, x),
  (f, x) => dictionary.tripled(f)(x),
  (f, x) => dictionary.doubled(f)(x),
  (f, x) => dictionary.root(f)(x),
  (f, x) => (t.whileLoop as Loose)((x: NDArray) => x.sum().less(9), (x: NDArray) => f(x).x, x),
];

const place: Omit<Place, "jitted"> = {
  t: dictionary,
  failing(f, within, x) {
    try {
      failures[within % failures.length]!(f, x);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
  },
  state: {
    get: (key) => stack.need("get").get(key),
    set: (key, value) => stack.need("set").set(key, value),
    delete: (key) => stack.need("delete").delete(key),
    create: (key, make) => stack.need("create").create(key, make),
    createHere: (key, make) => stack.need("createHere").create(key, make),
    draw() {
      const { key, count } = stack.need("draw").draw("main") as KeyStream;
      return number(random.foldIn(key, count));
    },
    name(key) {
      const { names } = stack.need("name");
      const n = names.get("counts", key) as number ?? 0;
      names.set("counts", key, n + 1);
      return n;
    },
    get scale() {
      return (stack.need("scale").statics as { scale: number }).scale;
    },
  },
};

type Entries = Record<string, unknown>;

/** Runs a program in the system. What jitted parts there are is kept from run to run. */
function runLifted(program: Program, jitted: Place["jitted"], scale = 0.9, initializing = false) {
  let created: string[] = [];
  const apply = (entries: Entries, x: NDArray): [Out, Entries] => {
    const context = Context.open(stack, {
      entries,
      streams: { main: { key: random.key(3), count: 0 } },
      statics: { scale },
      initializing,
    });
    const out = stack.run(context, () => program.run({ ...place, jitted }, x));
    created = [...context.account.made.keys()];
    return [out, Object.fromEntries(context.keys().map((key) => [key, context.get(key)]))];
  };
  return { apply, created: () => created };
}

/** What a program computes as one number: its result and all that it leaves. */
function loss([{ x }, entries]: [Out, Entries]): NDArray {
  const leaves = Object.keys(entries).sort().flatMap((key) =>
    treeLeaves(entries[key]) as NDArray[]
  );
  return leaves.reduce((sum, leaf, i) => sum.add(leaf.sum().mul(0.1 * (i + 1))), x.sum());
}

/** Raises where numbers in trees are not near those that they should be. */
function assertNear(found: unknown, wanted: unknown, what: string): void {
  const near = (a: unknown, b: unknown): boolean => {
    if (typeof a === "number") return Math.abs(a - (b as number)) <= 1e-8 * (1 + Math.abs(a));
    if (a === null || typeof a !== "object") return a === b;
    const [own, other] = [Object.keys(a).sort(), Object.keys(b as object).sort()];
    return own.join() === other.join() &&
      own.every((k) => near((a as Entries)[k], (b as Entries)[k]));
  };
  const [a, b] = [plain(found), plain(wanted)];
  assert(near(a, b), `${what}\n is ${JSON.stringify(a)}\n but ${JSON.stringify(b)}`);
}

const all = ([out, after]: [Out, Entries]): unknown => ({ x: out.x, after });
const x = np.array([0.4, -0.7], f64);

/** Checks results, entries and draws of a program where it stands. */
function checkRuns(
  program: Program,
  jitted: Place["jitted"],
  entries: Entries,
  scale: number,
): void {
  const { out, entries: after, created: made } = runPlainly(program.run, entries, scale, x);
  const wanted = all([out, after]);
  const { apply, created } = runLifted(program, jitted, scale);
  const result = apply(entries, x);
  assertNear(all(result), wanted, "values");
  const missing = made.filter((key) => !Object.hasOwn(entries, key) && !created().includes(key));
  assertEquals(missing, [], "created");
  const drawn = (log: NDArray): number[] => [...log.dataSync()].filter((k) => k !== 0);
  const keys = drawn(result[0].log);
  assertEquals(keys.length, drawn(out.log).length, "number of draws");
  assertEquals(new Set(keys).size, keys.length, "keys drawn twice");
  // Once more, with jitted parts that are compiled by now; while initialising; compiled; in lanes.
  assertNear(apply(entries, x), result, "again");
  assertNear(runLifted(program, new Map(), scale, true).apply(entries, x), result, "initialising");
  const compiled = jit(apply, { backend });
  assertNear(compiled(entries, x), result, "compiled");
  assertNear(compiled(entries, x), result, "compiled, again");
  const lanes = vmap((x: NDArray) => all(apply(entries, x)) as Entries)(np.stack([x, x.mul(2), x]));
  assertNear(treeMap((a: NDArray) => a.at(2), lanes), wanted, "in lanes");
}

/** Checks derivatives of all that a program computes. */
function checkDerivatives(program: Program, reverse: boolean, forward: boolean): void {
  const entries = firstEntries();
  const { apply } = runLifted(program, new Map());
  const plainly = (entries: Entries, x: NDArray): NDArray => {
    const { out, entries: after } = runPlainly(program.run, entries, 0.9, x);
    return loss([out, after]);
  };
  const lifted = (entries: Entries, x: NDArray): NDArray => loss(apply(entries, x));
  const compiled = jit(lifted, { backend });
  if (reverse) {
    const both = { argnums: [0, 1] } as const;
    const wanted = grad(plainly, both)(entries, x);
    assertNear(grad(lifted, both)(entries, x), wanted, "gradient");
    assertNear(jit(grad(lifted, both), { backend })(entries, x), wanted, "compiled gradient");
    assertNear(grad(compiled, both)(entries, x), wanted, "gradient of the compiled");
  }
  if (forward) {
    const dots = [treeMap((a: NDArray) => np.cos(a), entries), np.array([1, 0.5], f64)];
    const tangent = (f: typeof lifted): NDArray => jvp(f, [entries, x], dots as never)[1];
    const wanted = tangent(plainly);
    assertNear(tangent(lifted), wanted, "tangent");
    assertNear(tangent(compiled), wanted, "tangent of the compiled");
  }
}

/** Programs in a run; more on request. */
const COUNT = Number(Deno.env.get("INJAX_PROGRAMS") ?? 200);

Deno.test("random programs with effects do what plain JavaScript over a map does", () => {
  const generator = new Generator(new Random("effects"));
  for (let n = 0; n < COUNT; n++) {
    const { program, reverse, forward } = generator.program();
    try {
      const entries = firstEntries();
      const jitted = new Map();
      checkRuns(program, jitted, entries, 0.9);
      // With other entries, and other statics: what is compiled may not be stale.
      const { b: _, ...fewer } = entries;
      const others = { ...fewer, n0: np.array([0.9, 0.8], f64), n2: entries.tree };
      checkRuns(program, jitted, others, 0.9);
      checkRuns(program, jitted, entries, 0.7);
      checkDerivatives(program, reverse, forward);
    } catch (error) {
      const { name, message, stack } = error as Error;
      const more = name === "AssertionError" ? "" : stack;
      throw new Error(`program ${n}: ${program.text}\n${message}\n${seedNote}\n${more}`);
    }
  }
  for (const kind of ["scan", "while", "cond", "jit", "vmap", "hessian", "tripled", "root"]) {
    assert(generator.used.has(kind), `no program has ${kind}`);
  }
});
