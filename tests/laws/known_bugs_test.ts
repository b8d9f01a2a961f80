/**
 * What went wrong in state-aware transforms elsewhere, in every world: escaped tracers, state written in
 * one branch, counters of loops that show, keys of loops, shifted argument numbers, state that a failure
 * leaves behind, masks of lanes, rules that run when a frame is gone. The names say where it was found.
 *
 * @module
 */
import {
  anderson,
  fixedPoint,
  grad,
  jit,
  jvp,
  type NDArray,
  numpy as np,
  pure,
  random,
  StateError,
  type Transforms,
} from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { assertClose, plain } from "../support/arrays.ts";
import type { World } from "./world.ts";
import { worlds } from "./worlds.ts";

const x = np.array([0.6, -0.4]);
const w = np.array([[0.3, -0.2], [0.1, 0.4]]);
const given = { w, n: np.array(0) };

/** The result of `f` in a world that holds `w` and `n`, and `n` afterwards. */
function run<R>(world: World, f: (t: Transforms) => R, entries = given): [out: R, n: NDArray] {
  let out!: R;
  const after = world.apply(entries, () => {
    out = f(world.transforms);
  });
  return [out, after.n!];
}

const bump = (world: World, by: NDArray | number = 1): void =>
  world.set("n", world.state("n").add(by));
const layer = (world: World, z: NDArray): NDArray => np.tanh(z.matmul(world.param("w")));
const explicit = (z: NDArray): NDArray => np.tanh(z.matmul(w));

/** Each bug as a program of one world. */
const bugs: Readonly<Record<string, (world: World) => void>> = {
  "state written in one branch alone passes through the other (brainstate 206; dm-haiku 205)"(
    world,
  ) {
    const choose = (yes: boolean) =>
      run(world, (t) =>
        t.cond(
          yes,
          (z: NDArray) => {
            bump(world, 5);
            return layer(world, z);
          },
          (z: NDArray) => z,
          x,
        ));
    assertClose(choose(true), [explicit(x), np.array(5)], 1e-6);
    assertClose(choose(false), [x, np.array(0)], 0);
  },
  "what loops count does not show in what they carry (brainstate 206)"(world) {
    const [out] = run(world, (t) => {
      const step = (z: NDArray): NDArray => (bump(world), z.mul(2));
      return {
        scan: t.scan((c: NDArray) => [step(c), null], np.array(1), null, { length: 3 }),
        fori: t.foriLoop(0, 3, (_, z) => step(z), np.array(1)),
        loop: t.whileLoop(({ a }) => a.less(5), ({ a }) => ({ a: step(a) }), { a: np.array(1) }),
      };
    });
    assertEquals(plain(out), { scan: [8, null], fori: 8, loop: { a: 8 } });
  },
  "one step is one step, and a condition counts before it (brainstate 206)"(world) {
    const [solution, n] = run(
      world,
      (transforms) =>
        fixedPoint((z: NDArray) => (bump(world), z.add(1)), np.array(0), {
          transforms,
          maxSteps: 1,
          solver: anderson(),
        }),
    );
    assertEquals([solution.steps.item(), solution.statusName, n.item()], [1, "maxSteps", 1]);
    const [none, still] = run(
      world,
      (t) => t.whileLoop((z) => z.less(0), (z) => (bump(world), z.add(1)), np.array(3)),
    );
    assertEquals([none.item(), still.item()], [3, 0]);
  },
  "lanes that are done keep what they have, and loops do not overshoot (brainstate 206)"(world) {
    const [out] = run(
      world,
      (t) =>
        t.vmap((start: NDArray) =>
          t.whileLoop((z) => z.less(5), (z) => z.add(world.param("w").sum().mul(0).add(2)), start)
        )(np.array([0, 3, 9])),
    );
    assertEquals(plain(out), [6, 5, 9]);
  },
  "argument numbers are the user's, negative ones too (brainstate 206)"(world) {
    const f = (a: NDArray, b: NDArray): NDArray => {
      bump(world);
      return a.mul(a).mul(b);
    };
    const [a, b] = [np.array(3), np.array(5)];
    const [found] = run(world, (t) => [
      t.grad(f, { argnums: -1 })(a, b),
      t.grad(f, { argnums: -2 })(a, b),
      t.jacrev(f, { argnums: 1 })(a, b),
      t.vmap(f, { inAxes: [null, 0] })(a, np.array([5, 6])),
      t.jit((n: number, a: NDArray) => f(a, np.array(n)), {
        staticArgnums: -2,
        backend: "interpreter",
      })(5, a),
    ]);
    assertEquals(plain(found), [9, 30, 9, [45, 54], 45]);
  },
  "blocks of a hessian are in their places (brainstate 206)"(world) {
    const f = (a: NDArray, b: NDArray): NDArray => {
      bump(world);
      return a.mul(a).mul(b);
    };
    const [blocks, n] = run(
      world,
      (t) => t.hessian(f, { argnums: [0, 1] })(np.array(3), np.array(5)),
    );
    assertEquals([plain(blocks), n.item()], [[[10, 6], [6, 0]], 1]);
  },
  "axes of arguments are not those of hidden state (brainstate 206)"(world) {
    const [out, n] = run(world, (t) => {
      const f = (a: NDArray, { b }: { b: NDArray }): NDArray[] => {
        bump(world);
        return [a.add(b), b.mul(2)];
      };
      return t.vmap(f, { inAxes: [1, { b: null }], outAxes: [1, 0] as never })(
        np.array([[1, 2, 3], [4, 5, 6]]),
        { b: np.array([10, 20]) },
      );
    });
    const rows = [[11, 12, 13], [24, 25, 26]];
    assertEquals([plain(out), n.item()], [[rows, [[20, 40], [20, 40], [20, 40]]], 1]);
  },
  "a trace that fails leaves neither tracers nor state nor keys (brainstate 206)"(world) {
    const noise = (): number | null =>
      world.draw === null ? null : random.uniform(world.draw(), []).item() as number;
    const [[first]] = run(world, () => [noise()]);
    const [[caught, next], n] = run(world, (t) => {
      const fail = (): unknown =>
        t.scan(
          (c: NDArray) => {
            bump(world, c.sum());
            world.draw?.();
            throw new RangeError("stop");
          },
          x,
          null,
          { length: 2 },
        );
      const error = assertThrows(fail, RangeError);
      // It is an array that can be read, not a tracer.
      assertEquals(world.state("n").item(), 0);
      return [error.message, noise()];
    });
    assertEquals([caught, next, n.item()], ["stop", first, 0]);
  },
  "rules may use modules, and run when all else is over (dm-haiku 78, jax 4520, brainstate 164)"(
    world,
  ) {
    const model = (x: NDArray): NDArray =>
      run(world, (t) => {
        const byVjp = t.customVjp(
          (z: NDArray) => layer(world, z),
          (z: NDArray) => [layer(world, z), z],
          (z, ct) => [ct.matmul(world.param("w")).mul(z)],
        );
        const byJvp = t.customJvp(
          (z: NDArray) => layer(world, z),
          ([z], [dz]) => [layer(world, z!), dz!.matmul(world.param("w")).mul(z!)],
        );
        return byVjp(x).add(byJvp(x).mul(2));
      })[0];
    const loss = (x: NDArray): NDArray => model(x).sum();
    const ones = np.onesLike(x);
    const wanted = ones.matmul(w).mul(x).add(x.mul(2).matmul(w.T));
    for (const g of [grad(loss), grad(jit(loss)), jit(grad(loss))]) {
      assertClose(g(x), wanted, 1e-6);
    }
  },
  "vjp, jvp, hessian and the like are there, and differentiate by parameters (dm-haiku 101)"(
    world,
  ) {
    const model = (w: NDArray, x: NDArray): NDArray =>
      run(world, (t) => {
        const [y, pull] = t.vjp((z: NDArray) => layer(world, z), [x]);
        const [, dy] = t.jvp((z: NDArray) => layer(world, z), [x], [y]);
        const h = t.hessian((z: NDArray) => layer(world, z).sum())(x);
        return pull(dy)[0].add(h.sum(0));
      }, { ...given, w })[0];
    const program = (w: NDArray, x: NDArray): NDArray => {
      const f = (z: NDArray): NDArray => np.tanh(z.matmul(w));
      const [y, pull] = pure.vjp(f, [x]);
      const [, dy] = pure.jvp(f, [x], [y]);
      return pull(dy)[0].add(pure.hessian((z: NDArray) => f(z).sum())(x).sum(0));
    };
    const slope = (f: typeof model) => jvp((w: NDArray) => f(w, x), [w], [w]);
    assertClose(slope(model), slope(program), 1e-6);
    const sum = (f: typeof model) => grad((w: NDArray) => f(w, x).sum())(w);
    assertClose(sum(model), sum(program), 1e-6);
  },
  "the transforms of a system are the pure ones outside of it (dm-haiku 14)"(world) {
    if (world.name === "nnx") return; // its dictionary is a model's, which is there or not
    const { grad, jit, scan } = world.transforms;
    assertEquals(grad((a: NDArray) => a.mul(a))(np.array(3)).item(), 6);
    assertEquals(jit((a: NDArray) => a.add(1), { backend: "interpreter" })(np.array(3)).item(), 4);
    assertEquals(scan((c: NDArray, a: NDArray) => [c.add(a), c], 0, x.mul(10))[0].item(), 2);
  },
  "a transform that hides in a library is an error that says what to pass (dm-haiku 84, 176, 214)"(
    world,
  ) {
    const hidden = (): unknown =>
      run(world, () =>
        fixedPoint((z: NDArray) => {
          bump(world);
          return layer(world, z).mul(0.5);
        }, x));
    const error = assertThrows(hidden, StateError);
    assert(world.guard.test(error.message), error.message);
  },
  "state that lanes write differently is an error, or reduced (dm-haiku 785)"(world) {
    const lanes = (more: object) =>
      run(world, (t) =>
        t.vmap((a: NDArray) => {
          t.switchCase(a.greater(0).astype("int32"), [
            () => np.array(0),
            () => (bump(world), np.array(1)),
          ]);
          return a;
        }, more)(np.array([-1, 2, 3])));
    const error = assertThrows(() => lanes({}), StateError, world.path("n"));
    assert(error.message.includes(`${world.dictionary}.vmap`), error.message);
    assertEquals(lanes({ reduceState: "sum" })[1].item(), 2);
  },
  "keys in loops are each their own (dm-haiku 632)"(world) {
    const draw = world.fresh ?? world.draw;
    if (draw === null) return; // nothing is drawn in it
    const bits = (): NDArray => random.bits(draw(), []).astype("float64");
    const [all] = run(world, (t) => {
      const looped = t.scan((c: null) => [c, np.stack([bits(), bits()])], null, null, {
        length: 4,
      });
      return [bits(), looped[1], bits()].map((a) => [...a.dataSync()]).flat();
    });
    assertEquals(new Set(all).size, 10);
  },
  "statistics in a solver need no plumbing (diffrax 115, flax 2887, flax 3665, equinox 394)"(
    world,
  ) {
    const [out, n] = run(world, (t) =>
      t.scan(
        (z: NDArray) => {
          const { value } = fixedPoint(
            (y: NDArray) => {
              bump(world, y.sum());
              return layer(world, y).mul(0.5).add(z);
            },
            z,
            { transforms: t },
          );
          return [value.mul(0.1), value];
        },
        x,
        null,
        { length: 3 },
      ));
    let z = x;
    let sum = 0;
    for (let i = 0; i < 3; i++) {
      const { value } = fixedPoint((y: NDArray) => explicit(y).mul(0.5).add(z), z);
      sum += value.sum().item() as number;
      z = value.mul(0.1);
    }
    assertClose([out[0], n], [z, np.array(sum)], 1e-5);
  },
  "implicit derivatives go through what the function closes over (jaxopt 31, 198; jax 2520)"(
    world,
  ) {
    const solve = (w: NDArray): NDArray =>
      run(
        world,
        (transforms) =>
          fixedPoint((z: NDArray) => layer(world, z).mul(0.5).add(x), x, { transforms }).value,
        { ...given, w },
      )[0];
    const program = (w: NDArray): NDArray =>
      fixedPoint((z: NDArray) => np.tanh(z.matmul(w)).mul(0.5).add(x), x).value;
    const slope = (f: typeof solve) => grad((w: NDArray) => f(w).square().sum())(w);
    assertClose(slope(solve), slope(program), 1e-5);
  },
};

for (const world of worlds) {
  for (const [bug, program] of Object.entries(bugs)) {
    Deno.test(`${world.name}: ${bug}`, () => program(world));
  }
}
