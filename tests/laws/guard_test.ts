/**
 * The guards: whatever reaches the context of a system is refused inside every raw transform, by the
 * name of the dictionary to use instead, and nothing has changed after it.
 *
 * @module
 */
import { jit, type NDArray, numpy as np, pure, StateError } from "../../mod.ts";
import { assertClose } from "../support/arrays.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { members } from "./members.ts";
import type { World } from "./world.ts";
import { worlds } from "./worlds.ts";

// The raw ones call no function, or leave it to the library to call it where it stands.
const harmless: readonly string[] = ["initialize", "isInitializing"];
const raw = Object.keys(members).filter((name) => !harmless.includes(name));

/** Each way to reach the context. */
function reaches(world: World): Readonly<Record<string, (x: NDArray) => unknown>> {
  const { remove, draw } = world;
  return {
    "read a parameter": () => world.param("w"),
    "read state": () => world.state("n"),
    "set state": () => world.set("n", np.array(7)),
    "set new state": () => world.set("late", np.array(7)),
    "create state": () => world.state("m"),
    "create a parameter": () => world.param("w2"),
    ...(remove === null ? {} : { "remove state": () => remove("n") }),
    ...(draw === null ? {} : { "draw a key": () => draw() }),
    ...world.touches,
  };
}

const x = np.array([0.6, -0.4]);

for (const world of worlds) {
  Deno.test(`${world.name}: every effect inside every raw transform is refused by name`, () => {
    let cases = 0;
    for (const phase of world.phases) {
      for (const [reach, touch] of Object.entries(reaches(world))) {
        if (world.unguarded.includes(reach)) continue;
        for (const name of raw) {
          const what = `${world.name}, ${phase}: ${reach} in ${name}`;
          const f = (): void => {
            world.param("w");
            world.state("n");
            const before = world.held();
            const use = (z: NDArray): NDArray => {
              touch(z);
              return np.tanh(z);
            };
            const error = assertThrows(() => members[name]!.use(use, x, pure), StateError);
            assert(world.guard.test(error.message), `${what}: ${error.message}`);
            assertEquals(world.held(), before, what);
            cases++;
          };
          const entries = world.init(() => (world.param("w"), world.state("n")));
          if (phase === "init") world.init(f);
          else world.apply(entries, f);
        }
      }
    }
    assert(cases >= raw.length * world.phases.length, `${cases} cases`);
  });
}

/** Where a value is read in a raw `jit`: at once, or in each member of the raw dictionary, or of the system's own. */
function* readers(world: World): Generator<[where: string, use: (x: NDArray) => NDArray]> {
  const read = (z: NDArray): NDArray => z.add(world.state("n"));
  yield ["at once", read];
  const inner = ["grad", "vmap", "scan", "jit", "checkpoint"];
  for (const name of inner) {
    yield [name, (x) => members[name]!.use(read, x, pure)];
    yield [`${world.dictionary}.${name}`, (x) => members[name]!.use(read, x, world.transforms)];
  }
}

for (const world of worlds) {
  Deno.test(`${world.name}: a raw jit refuses to read, or gives what an uncompiled call gives, each time`, () => {
    const entries = world.init(() => world.state("n"));
    let refused = 0;
    let cases = 0;
    world.apply(entries, () => {
      for (const [where, use] of readers(world)) {
        const compiled = jit(use);
        for (const value of [2, 2, 5, 2]) {
          world.set("n", np.array(value));
          cases++;
          try {
            assertClose(compiled(x), use(x), 1e-6, `${world.name}: ${where}, ${value}`);
          } catch (error) {
            if (!(error instanceof StateError) || !world.guard.test(error.message)) throw error;
            refused++;
          }
        }
      }
    });
    assert(refused === 0 || refused === cases, `${refused} of ${cases} refused`);
    assertEquals(refused === 0, world.unguarded.includes("read state"));
  });
}
