/**
 * Random streams under transforms: every draw has a key of its own, and which keys there are does not
 * depend on how a function is run.
 *
 * @module
 */
import { grad, jit, type NDArray, numpy as np, random, StateError, treeLeaves } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { assertClose } from "../support/arrays.ts";
import { library, type Step } from "./library.ts";

const t = hk.transforms;
const key = random.key(5);
const point = np.array([0.6, -0.4]);

/** The bits of a key as one number, to compare keys by. */
const draw = (): NDArray => random.bits(hk.nextRngKey(), []);

/** Elements of all leaves. */
function elements(tree: unknown): number[] {
  return treeLeaves(tree).flatMap((x) => [...(x as NDArray).dataSync()]);
}

function allDifferent(tree: unknown, what = ""): void {
  const values = elements(tree);
  assertEquals(new Set(values).size, values.length, what);
}

/** Result of `f` in `apply`, which has to be that in `init`. */
function run<R>(f: () => R): R {
  const outs: R[] = [];
  const { init, apply } = hk.transform(() => {
    const out = f();
    outs.push(out);
    return out;
  });
  apply(init(key), key);
  assertClose(outs[0], outs[1], 0, "init and apply");
  return outs[1]!;
}

/** Draws in all kinds of places, three deep. */
function everywhere(): NDArray[] {
  const two = (): NDArray => np.stack([draw(), draw()]);
  const once = (): NDArray =>
    t.whileLoop(([i]) => i.less(1), ([i]) => [i.add(1), draw()], [
      0,
      np.zeros([], { dtype: "uint32" }),
    ])[1];
  const [, scanned] = t.scan(
    (c: null) => {
      const own = draw();
      const [, inner] = t.scan((c: null) => [c, draw()], null, null, { length: 2 });
      const branch = t.cond(true, two, two);
      return [c, np.concatenate([np.stack([own, once(), t.jit(draw)()]), inner, branch, two()])];
    },
    null,
    null,
    { length: 3 },
  );
  const looped = t.foriLoop(
    0,
    4,
    (i, all) => np.where(np.arange(4).equal(i), draw(), all),
    np.zeros([4], { dtype: "uint32" }),
  );
  const mapped = t.map(() => draw(), np.zeros([3]));
  const lanes = t.vmap(() => np.stack([draw(), once()]), { axisSize: 3, splitRng: true })();
  const branches = [0, 1, 2].map((i) => t.switchCase(i, [draw, draw, draw]));
  const calls = [t.checkpoint(draw)(), t.jit(draw)(), t.jit(draw)()];
  return [draw(), scanned, draw(), looped, mapped, lanes, ...branches, ...calls, draw()];
}

Deno.test("every draw has a key of its own, wherever it is made", () => {
  allDifferent(run(everywhere));
});

Deno.test("keys do not depend on whether apply is compiled", () => {
  const { apply } = hk.transform(everywhere);
  assertEquals(elements(jit(apply)({}, key)), elements(apply({}, key)));
});

Deno.test("keys do not depend on whether a function is differentiated", () => {
  const noisy: Step = (z) => np.tanh(z).add(random.uniform(hk.nextRngKey(), []));
  for (const name of Object.keys(library)) {
    // Their functions may not draw.
    if (["whileLoop", "associativeScan"].includes(name)) continue;
    const { apply } = hk.transform((x: NDArray) => {
      const out = library[name]!.use(noisy, x, t).sum();
      return [out, random.uniform(hk.nextRngKey(), [])];
    });
    const values = apply({}, key, point);
    grad((x: NDArray) => {
      const [out, next] = apply({}, key, x);
      return [out!, [out!, next!]];
    }, { hasAux: true })(point)[1].forEach((x: NDArray, i: number) =>
      assertClose(x, values[i], 1e-6, name)
    );
  }
});

Deno.test("transforms that draw nothing leave the stream where it was", () => {
  const next = run(draw).item();
  for (const name of Object.keys(library)) {
    const after = run(() => {
      library[name]!.use((z) => np.tanh(z), point, t);
      return draw();
    });
    assertEquals(after.item(), next, name);
  }
});

Deno.test("what is drawn after a loop does not depend on its number of trips", () => {
  const after = (length: number): number =>
    run(() => {
      t.scan((c: null) => [c, draw()], null, null, { length });
      return draw();
    }).item();
  assertEquals([after(0), after(1)], [after(5), after(7)]);
});

Deno.test("lanes share a key, or have their own where that is asked for", () => {
  const { shared, split, nested, next } = run(() => ({
    shared: t.vmap(() => draw(), { axisSize: 3 })(),
    split: t.vmap((_: NDArray) => draw(), { splitRng: true })(np.zeros([3])),
    nested: t.vmap(() => t.vmap(() => draw(), { axisSize: 2, splitRng: true })(), {
      axisSize: 3,
      splitRng: true,
    })(),
    next: draw(),
  }));
  assertEquals(new Set(elements(shared)).size, 1);
  allDifferent([shared.at(0), split, nested, next]);
  assertEquals(nested.shape, [3, 2]);
});

Deno.test("branches draw apart, and so do a body and what follows it", () => {
  const [a, b, after] = run(() => [t.cond(true, draw, draw), t.cond(false, draw, draw), draw()]);
  allDifferent([a, b, after]);
  // The same place with the other branch: the keys of branches differ.
  const taken = (yes: boolean): number => run(() => t.cond(yes, draw, draw)).item();
  allDifferent([np.array(taken(true)), np.array(taken(false))]);
});

Deno.test("a function is recomputed with the keys that it drew", () => {
  const x = np.ones([4]);
  const dropout: Step = (x) => x.mul(random.bernoulli(hk.nextRngKey(), 0.5, [4]).astype("float32"));
  const mask = (f: Step): NDArray => {
    const { apply } = hk.transform((x: NDArray) => f(x).sum());
    return grad((x: NDArray) => apply({}, key, x))(x);
  };
  const kept = hk.transform((x: NDArray) => t.checkpoint(dropout)(x)).apply({}, key, x);
  assertClose(mask(t.checkpoint(dropout)), kept, 0, "checkpoint");
  // A forward rule stands in for the function and draws its keys. What a backward rule is to draw again
  // it is given with the residuals.
  const drop = (x: NDArray, k: NDArray): NDArray =>
    x.mul(random.bernoulli(k, 0.5, [4]).astype("float32"));
  const byRule = t.customVjp(
    dropout,
    (x: NDArray): [NDArray, NDArray] => {
      const k = hk.nextRngKey();
      return [drop(x, k), k];
    },
    (k, ct) => [drop(ct, k)],
  );
  const kept2 = hk.transform((x: NDArray) => byRule(x)).apply({}, key, x);
  assertClose(mask(byRule), kept2, 0, "customVjp");
});

Deno.test("functions, solvers, their transforms and backward rules never draw the same key", () => {
  const x = np.array([2, 1]);
  const keyOf = (k: NDArray): NDArray => k.astype("float32").at(1);
  const { apply } = hk.transform((x: NDArray) => {
    const inner: Step = (z) => t.checkpoint((_: NDArray) => hk.nextRngKey())(z);
    const [, fromSolver] = t.customRoot(
      (z) => {
        hk.nextRngKey();
        inner(z);
        return z.sub(x);
      },
      x,
      (f, z) => [z.sub(f(z)), [hk.nextRngKey(), inner(z)]],
      (_, y) => y,
      { hasAux: true },
    );
    const noisy = t.customVjp(
      (x: NDArray) => x.add(keyOf(hk.nextRngKey())),
      (x: NDArray) => [x.add(keyOf(hk.nextRngKey())), null],
      (_, ct) => [ct.mul(keyOf(hk.nextRngKey()))],
    );
    const [value, back] = t.valueAndGrad(noisy)(np.array(0));
    return [fromSolver, [value, back], [hk.nextRngKey(), inner(x)]];
  });
  const [solver, rule, direct] = apply({}, key, x) as [NDArray[], NDArray[], NDArray[]];
  allDifferent([...solver.map(keyOf), ...rule, ...direct.map(keyOf)]);
});

Deno.test("without a key, draws are errors and transforms that draw nothing are not", () => {
  for (const name of Object.keys(library)) {
    const quiet = hk.transform((x: NDArray) => library[name]!.use((z) => np.tanh(z), x, t));
    quiet.apply(quiet.init(null, point), null, point);
  }
  const { apply } = hk.transform(() => t.scan((c: null) => [c, draw()], null, null, { length: 2 }));
  assertThrows(() => apply({}, null), StateError, "no random key");
});

Deno.test("a compiled function follows the presence of a key", () => {
  const step = t.jit((x: NDArray) => {
    const k = hk.maybeNextRngKey();
    return k === null ? x : x.add(random.uniform(k, []));
  });
  const { apply } = hk.transform((x: NDArray) => step(x));
  const x = np.array(0);
  assertEquals(apply({}, null, x).item(), 0);
  const drawn = apply({}, key, x).item();
  assertEquals(drawn > 0, true);
  assertEquals([apply({}, null, x).item(), apply({}, key, x).item()], [0, drawn]);
});

Deno.test("conditions and associative functions may not draw", () => {
  const x = np.arange(4);
  const { init: loop } = hk.transform(() =>
    t.whileLoop((x) => random.uniform(hk.nextRngKey(), []).add(x).less(10), (x) => x.mul(2), 1)
  );
  assertThrows(() => loop(key), StateError, "it drew a random key");
  const { init: scanned } = hk.transform(() =>
    t.associativeScan((a, b) => {
      hk.nextRngKey();
      return a.add(b);
    }, x)
  );
  assertThrows(() => scanned(key), StateError, "the function of hk.transforms.associativeScan");
});
