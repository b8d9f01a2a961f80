/**
 * The laws of `laws_test.ts` three library functions deep, and for compiled programs.
 *
 * @module
 */
import { grad, jit, loadBackend, type NDArray, random, treeMap } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assertClose } from "../support/arrays.ts";
import { Random, seedNote } from "../support/random.ts";
import { library, modesOf } from "./library.ts";
import { check, key, model, type ModelParams, point } from "./model.ts";

await loadBackend("onnx");

const names = Object.keys(library);

Deno.test("three library functions deep, the purified program", () => {
  // All members take part: each is outermost, in the middle and innermost with others drawn by lot.
  const draw = new Random("laws, depth 3");
  const other = (): string => names[draw.integer(0, names.length)]!;
  for (const name of names) {
    for (const place of [0, 1, 2]) {
      let nested: string[];
      do nested = [0, 1, 2].map((i) => i === place ? name : other()); while (!modesOf(nested));
      try {
        check(nested);
      } catch (error) {
        throw new Error(`${nested.join(" over ")} (${seedNote})`, { cause: error });
      }
    }
  }
  check(["scan", "cond", "whileLoop"]);
  check(["fixedPoint by anderson", "scan", "customVjp"]);
  check(["hessian", "scan", "fixedPoint by damped"]);
  check(["vmap", "whileLoop", "cond"]);
  check(["foriLoop", "fixedPoint, iterative adjoint", "vmap"]);
});

Deno.test("compiled by onnx: apply, its gradient, and the gradient of what was compiled", () => {
  const x = point.astype("float32");
  const nests = [
    ...names.map((name) => [name]),
    ["scan", "fixedPoint by anderson"],
    ["vmap", "cond"],
    ["foriLoop", "customVjp"],
    ["checkpoint", "scan", "switchCase"],
    ["jit", "customRoot"],
  ];
  for (const nested of nests) {
    const what = `${nested.join(" over ")}, compiled`;
    const modes = modesOf(nested)!;
    const { init, apply } = model(nested);
    const [params, state] = init(key, x);
    const run = (p: typeof params, k: NDArray): NDArray => apply(p as ModelParams, state, k, x)[0];
    const expected = run(params, key);
    assertClose(jit(run)(params, key), expected, 2e-5, what);
    if (!modes.includes("reverse")) continue;
    const loss = (p: typeof params, k: NDArray): NDArray => run(p, k).sum();
    const gradient = grad(loss)(params, key);
    assertClose(jit(grad(loss))(params, key), gradient, 2e-4, `jit(grad) of ${what}`);
    assertClose(grad(jit(loss))(params, key), gradient, 2e-4, `grad(jit) of ${what}`);
  }
});

Deno.test("init may be compiled, and vectorised over keys", () => {
  for (const name of ["scan", "whileLoop", "vmap", "fixedPoint by anderson", "customVjp"]) {
    const { init } = model([name]);
    const x = point.astype("float32");
    assertClose(jit(init)(key, x), init(key, x), 1e-6, name);
  }
  const keys = random.split(key, 3);
  const { init } = model(["scan"]);
  const [many] = hk.transforms.vmap((k: NDArray) => init(k, point))(keys);
  const [single] = init(keys.at(1), point);
  assertClose(treeMap((a: NDArray) => a.at(1), many), single, 0);
});
