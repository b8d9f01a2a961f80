/**
 * Library code that knows of no module system, in all worlds: a deep equilibrium model from the same
 * parameters, and the Fisher information of a family; each with the values and gradients of the pure
 * program, eager, compiled and in files.
 *
 * @module
 */
import {
  compose,
  exportOnnx,
  fixedPoint,
  grad,
  jit,
  loadBackend,
  type NDArray,
  numpy as np,
  pure,
  ready,
  type Transforms,
  treeLeaves,
  vmap,
} from "../../mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { assertClose } from "../support/arrays.ts";
import { openFile } from "../support/files.ts";
import { gpuTest } from "../support/gpu.ts";
import { haikuWorld } from "./worlds/haiku.ts";
import { toyWorld } from "./worlds/toy.ts";
import type { World } from "./world.ts";
import { worlds } from "./worlds.ts";

await loadBackend("onnx");

type Params = { readonly w: NDArray; readonly b: NDArray };

const params: Params = { w: np.array([[0.3, -0.2], [0.1, 0.4]]), b: np.array([0.05, -0.1]) };
const x = np.array([0.6, -0.4]);

/** A deep equilibrium layer: z = tanh(z w + b + x). */
function equilibrium(
  dense: (z: NDArray) => NDArray,
  x: NDArray,
  transforms: Transforms,
): NDArray {
  return fixedPoint((z) => np.tanh(dense(z).add(x)), np.zerosLike(x), { transforms, atol: 1e-7 })
    .value;
}

/** What `f` gives in a world with these parameters for the dense layer. */
function within<R>(world: World, { w, b }: Params, f: () => R): R {
  let out!: R;
  world.apply(world.denseEntries({ w, b }), () => {
    out = f();
  });
  return out;
}

type Model = (p: Params, x: NDArray) => NDArray;

const explicit: Model = ({ w, b }, x) => equilibrium((z) => z.matmul(w).add(b), x, pure);
const inWorld = (world: World): Model => (p, x) =>
  within(world, p, () => equilibrium((z) => world.dense(z), x, world.transforms));

const loss = (model: Model) => (p: Params, x: NDArray): NDArray => model(p, x).square().sum();
const gradients = (model: Model) => grad(loss(model), { argnums: [0, 1] });
const tolerance = 1e-6;

for (const world of worlds) {
  const model = inWorld(world);
  Deno.test(`${world.name}: a deep equilibrium model has the values and gradients of the pure one`, () => {
    assertClose(model(params, x), explicit(params, x), tolerance, "eager");
    const wanted = gradients(explicit)(params, x);
    assertClose(gradients(model)(params, x), wanted, tolerance, "gradients");
    for (const backend of ["cpu", "interpreter", "onnx"] as const) {
      assertClose(jit(model, { backend })(params, x), explicit(params, x), tolerance, backend);
      const both = [
        jit(gradients(model), { backend }),
        grad(jit(loss(model), { backend }), {
          argnums: [0, 1],
        }),
      ];
      for (const g of both) assertClose(g(params, x), wanted, tolerance, `${backend}: gradients`);
    }
    // A batch at once, which stops when all of it is solved, and by lanes.
    const batch = np.array([[0.6, -0.4], [0.1, 0.9], [-1, 0.3]]);
    const lanes = { inAxes: [null, 0] };
    assertClose(model(params, batch), explicit(params, batch), tolerance, "a batch");
    assertClose(
      vmap(model, lanes)(params, batch),
      vmap(explicit, lanes)(params, batch),
      tolerance,
      "mapped",
    );
    assertClose(
      jit(vmap(gradients(model), lanes))(params, batch),
      vmap(gradients(explicit), lanes)(params, batch),
      tolerance,
      "mapped gradients",
    );
  });

  Deno.test(`${world.name}: a file of a deep equilibrium model and its gradient`, async () => {
    for (const f of [model, gradients(model)] as ((p: Params, x: NDArray) => unknown)[]) {
      const flat = (w: NDArray, b: NDArray, x: NDArray): NDArray[] =>
        treeLeaves(f({ w, b }, x)) as NDArray[];
      const args = [params.w, params.b, x] as const;
      const file = await openFile(exportOnnx(flat, ...args), "all");
      try {
        const expected = flat(...args);
        const outs = await file.run(args);
        assertClose(outs.slice(0, expected.length), expected, tolerance, "the file");
        // A gradient has a further output that says whether its linear system was solved.
        for (const failed of outs.slice(expected.length)) assertEquals(failed.item(), 0);
      } finally {
        await file.release();
      }
    }
  });

  gpuTest(`${world.name}: a deep equilibrium model on a GPU`, async () => {
    const backend = "webgpu";
    const [value, slopes] = [jit(model, { backend }), jit(gradients(model), { backend })];
    assertClose(await ready(value(params, x)), explicit(params, x), 1e-5);
    assertClose(await ready(slopes(params, x)), gradients(explicit)(params, x), 1e-5);
  });

  Deno.test(`${world.name}: state that a solve writes comes out of it once, in compiled code too`, () => {
    const run = (w: NDArray): NDArray[] => {
      let out!: NDArray;
      const entries = { ...world.denseEntries(params), n: np.array(5), w };
      const after = world.apply(entries, () => {
        out = fixedPoint(
          (z: NDArray) => {
            const n = world.state("n");
            world.set("n", n.add(1));
            return np.tanh(z.matmul(world.param("w")).add(x)).mul(0.5);
          },
          np.zeros([2]),
          { transforms: world.transforms },
        ).value;
      });
      return [out, after.n!];
    };
    const [value, n] = run(params.w);
    assertEquals(n!.item(), 6);
    assertClose(jit(run)(params.w), [value, n], tolerance);
  });
}

Deno.test("two systems in one solve: the values and gradients of the pure program", () => {
  const transforms = compose(toyWorld.transforms, haikuWorld.transforms);
  const second: Params = { w: np.array([[0.2, 0.1], [-0.3, 0.2]]), b: np.array([0.1, 0.2]) };
  const model = (p: Params, q: Params, x: NDArray): NDArray[] => {
    let counts: readonly NDArray[] = [];
    const out = within(toyWorld, p, () =>
      within(haikuWorld, q, () => {
        const value = equilibrium(
          (z) => {
            for (const world of [toyWorld, haikuWorld]) world.set("n", world.state("n").add(1));
            return haikuWorld.dense(np.tanh(toyWorld.dense(z)));
          },
          x,
          transforms,
        );
        counts = [toyWorld.state("n"), haikuWorld.state("n")];
        return value;
      }));
    return [out, ...counts];
  };
  const plain = (p: Params, q: Params, x: NDArray): NDArray =>
    equilibrium(
      (z) => np.tanh(z.matmul(p.w).add(p.b)).matmul(q.w).add(q.b),
      x,
      pure,
    );
  const wanted = [plain(params, second, x), np.array(1), np.array(1)];
  assertClose(model(params, second, x), wanted, tolerance);
  assertClose(jit(model)(params, second, x), wanted, tolerance, "compiled");
  const argnums = [0, 1, 2];
  const slopes = grad((p: Params, q: Params, x: NDArray) => plain(p, q, x).sum(), { argnums });
  const found = grad((p: Params, q: Params, x: NDArray) => model(p, q, x)[0]!.sum(), { argnums });
  assertClose(found(params, second, x), slopes(params, second, x), tolerance, "gradients");
});

/**
 * The Fisher information of an exponential family at natural parameters: the derivative of the mean,
 * which is the gradient of the log-normaliser. It has never heard of modules.
 */
function fisherInformation(
  logNormalizer: (natural: NDArray) => NDArray,
  natural: NDArray,
  { jacfwd, grad }: Transforms = pure,
): NDArray {
  return jacfwd(grad(logNormalizer))(natural);
}

/** A log-normaliser with parameters: log(sum(exp(q w + b))). */
const normalizer = (dense: (q: NDArray) => NDArray) => (q: NDArray): NDArray =>
  np.log(np.exp(dense(q)).sum());

for (const world of worlds) {
  Deno.test(`${world.name}: Fisher information, by a library that knows nothing of modules`, () => {
    const information: Model = (p, q) =>
      within(
        world,
        p,
        () => fisherInformation(normalizer((q) => world.dense(q)), q, world.transforms),
      );
    const wanted: Model = ({ w, b }, q) =>
      fisherInformation(normalizer((q) => q.matmul(w).add(b)), q);
    const points = np.array([[0.6, -0.4], [0.1, 0.9], [-1, 0.3]]);
    assertClose(information(params, x), wanted(params, x), tolerance, "eager");
    for (const backend of ["cpu", "interpreter", "onnx"] as const) {
      assertClose(jit(information, { backend })(params, x), wanted(params, x), tolerance, backend);
    }
    const lanes = { inAxes: [null, 0] };
    assertClose(
      vmap(information, lanes)(params, points),
      vmap(wanted, lanes)(params, points),
      tolerance,
      "vmap outside",
    );
    const slopes = (f: Model) =>
      grad((p: Params, q: NDArray) => f(p, q).sum(), { argnums: [0, 1] });
    assertClose(slopes(information)(params, x), slopes(wanted)(params, x), 1e-5, "grad outside");
    // The world's own transforms around it, within.
    const nested: Model = (p, q) =>
      within(world, p, () => {
        const t = world.transforms;
        const at = (q: NDArray): NDArray =>
          fisherInformation(normalizer((q) => world.dense(q)), q, t);
        const compiled = t.jit((q: NDArray) => t.vmap(at)(np.stack([q, q.neg()])));
        return t.grad((q: NDArray) => compiled(q).sum())(q);
      });
    const program: Model = (p, q) => {
      const at = (q: NDArray): NDArray => wanted(p, q);
      return grad((q: NDArray) => vmap(at)(np.stack([q, q.neg()])).sum())(q);
    };
    assertClose(nested(params, x), program(params, x), 1e-5, "jit, vmap and grad of the world");
    assert([...nested(params, x).dataSync()].every(Number.isFinite));
  });
}
