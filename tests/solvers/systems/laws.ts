/**
 * The law of solvers in a module system, eager and compiled, differentiated, over lanes and in files: the
 * values and gradients of the pure program, and state that is written once. Each system has a test file of
 * its own, which run beside each other.
 *
 * @module
 */
import {
  exportOnnx,
  exportWasm,
  grad,
  jit,
  loadBackend,
  type NDArray,
  numpy as np,
  pure,
  random,
  ready,
  type Transforms,
  treeLeaves,
  vmap,
} from "../../../mod.ts";
import { defaultBackend } from "../../../lib/core/backend.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { assertClose } from "../../support/arrays.ts";
import { openFile } from "../../support/files.ts";
import { loadModule } from "../../support/wasm_files.ts";
import type { World } from "../../laws/world.ts";
import { type Model, type Solve, solves, stepwise } from "./solves.ts";

await loadBackend("onnx");

/** What a model reads. */
interface Numbers {
  readonly w: NDArray;
  readonly b: NDArray;
  /** Of the linear function. */
  readonly w2: NDArray;
  /** State that is read. */
  readonly c: NDArray;
}

const numbers: Numbers = {
  w: np.array([[0.3, -0.2], [0.1, 0.4]]),
  b: np.array([0.05, -0.1]),
  w2: np.array([[0.6, -0.2], [-0.4, 0.3]]),
  c: np.array(2),
};
const x = np.array([0.6, -0.4]);

/** The model's functions of what they read and of the noise in them. */
const cell = (dense: NDArray, c: NDArray, noise: NDArray): NDArray =>
  np.tanh(dense.add(noise)).mul(c.mul(0.35));
const linear = (v: NDArray, w: NDArray, c: NDArray, noise: NDArray): NDArray =>
  v.mul(c.add(noise)).add(v.matmul(w.add(w.T)));

/** What a solve gives, and what state there is after it: how often it was written, and the noise. */
type Result = { readonly y: NDArray; readonly n: NDArray; readonly noise: NDArray };

/** A solve in a system, in `wrap` of whose transforms it is. */
function within(
  world: World,
  solve: Solve,
  wrap: (f: (x: NDArray) => NDArray, t: Transforms) => (x: NDArray) => NDArray = (f) => f,
  /** Whether the model is called once for each step: noises differ then, and are not heard. */
  isStepwise = false,
) {
  return ({ w, b, w2, c }: Numbers, x: NDArray): Result => {
    /** The noise, which state tells of, and a count of what was written. */
    const noise = (): NDArray => {
      const key = (world.fresh ?? world.draw)?.();
      const noise = key === undefined ? np.array(0.03) : random.uniform(key, []).mul(0.1);
      world.set("n", world.state("n").add(1));
      world.set("m", noise);
      return noise;
    };
    let dense: (z: NDArray) => NDArray = (z) => world.dense(z);
    const model: Model = {
      cell: (z) => cell(dense(z), world.state("c"), noise().mul(isStepwise ? 0 : 1)),
      linear: (v) => linear(v, world.param("w2"), world.state("c"), noise()),
    };
    let y!: NDArray;
    const entries = { ...world.denseEntries({ w, b }), w2, c, n: np.array(5), m: np.array(0) };
    const after = world.apply(entries, () => {
      const t = world.transforms;
      if (isStepwise && world.layer !== undefined) dense = world.layer();
      y = wrap((x) => solve(model, x, t), t)(x);
      const key = (world.fresh ?? world.draw)?.();
      // The stream has gone on: what comes next is something else.
      if (key !== undefined) world.set("late", random.uniform(key, []).mul(0.1));
    });
    return { y, n: after.n!, noise: after.m! };
  };
}

/** The same, of which the model's numbers are explicit. */
const explicit =
  (solve: Solve, noise: NDArray) => ({ w, b, w2, c }: Numbers, x: NDArray): NDArray =>
    solve(
      {
        cell: (z) => cell(z.matmul(w).add(b), c, noise),
        linear: (v) => linear(v, w2, c, noise),
      },
      x,
      pure,
    );

type Program = (p: Numbers, x: NDArray) => NDArray;
/** What a program gives, and its slopes, of one solve; what else it gives is passed on. */
const valueAnd =
  <R extends { readonly y: NDArray }>(f: (p: Numbers, x: NDArray) => R) =>
  (p: Numbers, x: NDArray) => {
    const loss = (p: Numbers, x: NDArray): [NDArray, R] => {
      const found = f(p, x);
      return [found.y.square().sum(), found];
    };
    const [slopes, found] = grad(loss, { argnums: [0, 1], hasAux: true })(p, x);
    return { ...found, slopes };
  };
const alone = (f: Program) => (p: Numbers, x: NDArray) => ({ y: f(p, x) });

/**
 * What two solves may differ by. A minimum that is found by values alone is known to `sqrt(2 eps f / f'')`, here 3e-4 in
 * float32, and slopes at it to 1.4 times that; which of these points is found hangs on the last places of the values,
 * and two solves may be off to either side.
 */
const toleranceOf = (name: string): number => name === "minimiseScalar" ? 1e-3 : 2e-4;

/**
 * What is tried on a GPU too, in one system, since programs for it take long to compile. Fixed points are
 * in `laws/solve_test.ts` there, for every system; least squares would take as long as all of these: what
 * it has beside, decompositions, is in `gpu_kernels_test.ts`.
 */
const onGpu: readonly string[] = ["bracketRoot", "linearSolve by cg()"];

/** Defines the tests of every solver in a system; those on a GPU by what defines one there. */
export function testSolvers(
  world: World,
  gpuTest: ((name: string, fn: () => Promise<void>) => void) | null = null,
): void {
  for (const [name, solve] of Object.entries(stepwise)) {
    const tolerance = toleranceOf(name);
    Deno.test(`${world.name}, ${name}: what the pure program gives, with its gradients, eager and compiled`, () => {
      const inWorld = within(world, solve, undefined, true);
      const program = explicit(solve, np.array(0));
      const wanted = valueAnd(alone(program))(numbers, x);
      const eager = valueAnd(inWorld)(numbers, x);
      assertClose({ y: eager.y, slopes: eager.slopes }, wanted, tolerance, "eager");
      const compiled = jit(valueAnd(inWorld))(numbers, x);
      assertClose({ y: compiled.y, slopes: compiled.slopes }, wanted, tolerance, "compiled");
      const { n } = inWorld(numbers, x);
      assert(n.item() > 7, `${n.item()}`);
      assertEquals(eager.n.item(), n.item(), "times that state was written");
      // Another runtime rounds otherwise, so that a solve may end a few steps later.
      const due = defaultBackend === "onnx" ? jit(inWorld)(numbers, x).n : n;
      assertEquals(compiled.n.item(), due.item(), "times that state was written, compiled");
    });
  }

  for (const [name, solve] of Object.entries(solves)) {
    const tolerance = toleranceOf(name);
    const inWorld = within(world, solve);
    const value: Program = (p, x) => inWorld(p, x).y;
    const says = `${world.name}, ${name}`;

    Deno.test(`${says}: what the pure program gives, eager, compiled and over lanes`, () => {
      const { y, n, noise } = inWorld(numbers, x);
      const program = alone(explicit(solve, noise));
      const wanted = valueAnd(program)(numbers, x);
      assertClose(y, wanted.y, tolerance, "eager");
      assertEquals(n.item(), 6, "times that state was written");
      assert(world.draw === null || noise.item() > 0);
      assertClose(valueAnd(inWorld)(numbers, x), { ...wanted, n, noise }, tolerance, "gradients");
      const compiled = jit(valueAnd(inWorld))(numbers, x);
      assertClose(compiled, { ...wanted, n, noise }, tolerance, "compiled");
      const lanes = np.stack([x, x.mul(-0.5), x.add(0.3)]);
      const over = { inAxes: [null, 0] };
      assertClose(
        jit(vmap(valueAnd(alone(value)), over))(numbers, lanes),
        vmap(valueAnd(program), over)(numbers, lanes),
        tolerance,
        "lanes",
      );
    });

    if (onGpu.includes(name)) {
      gpuTest?.(`${says}: on a GPU`, async () => {
        const { noise } = inWorld(numbers, x);
        const found = await ready(jit(value, { backend: "webgpu" })(numbers, x));
        // Division and square roots of GPUs are less accurate.
        assertClose(found, explicit(solve, noise)(numbers, x), 1e-3);
      });
    }

    // These two are no adapters.
    if (world.name === "toy" || world.name === "objects") continue;
    Deno.test(`${says}: under the system's own jit, vmap and grad`, () => {
      const pair = (x: NDArray): NDArray => np.stack([x, x.mul(-0.5)]);
      const nested = (f: (x: NDArray) => NDArray, t: Transforms) =>
        t.grad((x: NDArray) => t.jit((x: NDArray) => t.vmap(f)(pair(x)))(x).square().sum());
      const { y, n, noise } = within(world, solve, nested)(numbers, x);
      const eagerly = { ...pure, jit: ((f: unknown) => f) as Transforms["jit"] };
      const wanted = nested((x) => explicit(solve, noise)(numbers, x), eagerly)(x);
      assertClose(y, wanted, tolerance);
      assertEquals(n.item(), 6, "times that state was written");
    });

    Deno.test(`${says}: a file that onnxruntime runs, and one of WebAssembly`, async () => {
      // Gradients are compiled in each system above; in files those of one are enough, and that the runtime
      // optimises them as it does for users, since that takes it a second.
      const program = world.name === "haiku" ? valueAnd(alone(value)) : value;
      const flat = (w: NDArray, b: NDArray, w2: NDArray, c: NDArray, x: NDArray): NDArray[] =>
        treeLeaves(program({ w, b, w2, c }, x)) as NDArray[];
      const args = [numbers.w, numbers.b, numbers.w2, numbers.c, x] as const;
      const expected = flat(...args);
      const file = await openFile(
        exportOnnx(flat, ...args),
        world.name === "haiku" ? "all" : "disabled",
      );
      try {
        const outs = await file.run(args);
        assertClose(outs.slice(0, expected.length), expected, tolerance, "ONNX");
        // Further outputs say whether what derivatives need was solved.
        for (const failed of outs.slice(expected.length)) assertEquals(failed.item(), 0);
      } finally {
        await file.release();
      }
      const run = await loadModule(exportWasm(flat, ...args));
      const outs = run(Object.fromEntries(args.map((a, i) => [`arg${i}`, a.dataSync()])));
      expected.forEach((e, i) =>
        assertClose(
          np.array(Array.from(outs[`out[${i}]`]!)).reshape(e.shape),
          e,
          tolerance,
          "WebAssembly",
        )
      );
    });
  }
}
