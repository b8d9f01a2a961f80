/**
 * What `exportWasm` is for, as files that know nothing of the library: solvers, models with their parameters, a step
 * of training, decompositions. Every engine runs them, and compares with what eager code gives here.
 *
 * @module
 */
import * as esbuild from "esbuild";
import {
  check,
  curveFit,
  exportWasm,
  leastSquares,
  linalg,
  linearSolve,
  lu,
  minimise,
  type NDArray,
  nn,
  numpy as np,
  random,
  rootFind,
  scan,
  type Tree,
  treeLeaves,
  treeStructure,
  valueAndGrad,
  vmap,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { treePaths } from "../../lib/core/mod.ts";
import { adam, applyUpdates } from "../../lib/optim/mod.ts";
import { ulps } from "../support/arrays.ts";

/** A function of trees, and arguments. */
type Case = readonly [f: (...args: never[]) => unknown, ...args: unknown[]];

const f64 = { dtype: "float64" } as const;
const drawn = random.normal(random.key(3), [6, 6], f64);
const times = np.linspace(0, 3, 12, f64);
const decay = np.exp(times.mul(-0.7)).mul(2).add(np.sin(times.mul(20)).mul(0.01));

const mlp = hk.transform((x: NDArray) => new hk.Linear(2).call(np.tanh(new hk.Linear(5).call(x))));
const flowers = { x: drawn.slice([0, 0], [4, 3]).astype("float32"), kind: np.array([0, 1, 1, 0]) };
const params = mlp.init(random.key(0), flowers.x);
const optimiser = adam(0.01);
type Params = typeof params;
const loss = (p: Params, { x, kind }: typeof flowers): NDArray =>
  nn.logSoftmax(mlp.apply(p, null, x)).mul(nn.oneHot(kind.astype("int32"), 2)).sum().neg();
const state = { params, moments: optimiser.init(params) };

const rosenbrock = ({ a, b }: { a: NDArray; b: NDArray }): NDArray =>
  a.sub(1).square().add(b.sub(a.square()).square().mul(100));

const cases: Readonly<Record<string, Case>> = {
  "a loop": [
    (w: NDArray, xs: NDArray) =>
      scan(
        (h, x: NDArray) => {
          const next = np.tanh(np.matmul(w, h).add(x));
          return [next, next.sum()];
        },
        np.zeros([3]),
        xs,
      )[1],
    np.arange(9).reshape([3, 3]).div(9),
    np.sin(np.arange(15)).reshape([5, 3]),
  ],
  "a minimum, with its status": [
    (x: { a: NDArray; b: NDArray }) => {
      const { value, status, steps } = minimise(rosenbrock, x);
      return { value, status, moved: steps.greater(3) };
    },
    { a: np.array(-1.2, f64), b: np.array(1, f64) },
  ],
  "a root, in each of several lanes": [
    vmap((c: NDArray) =>
      rootFind((x: NDArray) => x.square().mul(x).sub(c), np.array(1, f64)).value
    ),
    np.array([0.5, 2, 8, 27], f64),
  ],
  "least squares": [
    (p: NDArray, y: NDArray) =>
      leastSquares((p: NDArray) => np.exp(times.mul(p.at(1))).mul(p.at(0)).sub(y), p).value,
    np.array([1, -0.5], f64),
    decay,
  ],
  "a fit with its errors": [
    (y: NDArray) => {
      const model = ({ a, k }: { a: NDArray; k: NDArray }, t: NDArray) => np.exp(t.mul(k)).mul(a);
      const fit = curveFit(model, { x: times, y }, { a: 1, k: -0.5 });
      return [fit.value, fit.standardErrors, fit.status];
    },
    decay,
  ],
  "a linear system, and one that is singular": [
    (a: NDArray, b: NDArray) =>
      [a, a.mul(0).add(1)].map((a) => {
        const { value, status } = linearSolve(a, b, { solver: lu() });
        return [status, np.where(status.equal(0), value, 0)];
      }),
    drawn,
    drawn.at(0),
  ],
  "decompositions": [
    (a: NDArray) => {
      const spd = a.matmul(a.T).add(np.eye(6, f64));
      const { q, r } = linalg.qr(a);
      return {
        cholesky: linalg.cholesky(spd),
        qr: q.matmul(r),
        values: linalg.eigvalsh(spd),
        singular: linalg.svdvals(a),
        det: linalg.det(a),
        solved: linalg.solve(a.astype("float32"), spd.astype("float32")),
      };
    },
    drawn,
  ],
  "a model with its parameters": [
    (x: NDArray) => nn.softmax(mlp.apply(params, null, x)),
    flowers.x,
  ],
  "a step of training": [
    ({ params, moments }: typeof state, data: typeof flowers) => {
      const [value, slopes] = valueAndGrad((p: Params) => loss(p, data))(params);
      const [updates, next] = optimiser.update(slopes, moments, params);
      return { state: { params: applyUpdates(params, updates), moments: next }, loss: value };
    },
    state,
    flowers,
  ],
  "a condition that holds": [(x: NDArray) => {
    check(x.greater(0), "{} is not positive", x);
    return np.log(x);
  }, np.array(3)],
  "numbers of all kinds, none, and random ones": [
    (x: { i: NDArray; u: NDArray; b: NDArray; none: NDArray }, key: NDArray) => [
      np.sort(x.i),
      np.bitwiseXor(x.u, np.array(5, { dtype: "uint32" })),
      np.logicalNot(x.b),
      x.none.mul(2),
      random.normal(key, [5]),
      x.i.argmax(),
    ],
    {
      i: np.array([3, -1, 2], { dtype: "int32" }),
      u: np.array([4000000000, 7], { dtype: "uint32" }),
      b: np.array([true, false]),
      none: np.zeros([0, 2]),
    },
    random.key(9),
  ],
};

/** Numbers of a tree by their names, as the files have them. */
function named(name: string, tree: unknown): Record<string, NDArray> {
  const paths = treePaths(treeStructure(tree));
  return Object.fromEntries(
    (treeLeaves(tree) as NDArray[]).map((x, i) => [`${name}${paths[i]}`, x]),
  );
}

const lists = (arrays: Record<string, NDArray>): Record<string, number[]> =>
  Object.fromEntries(Object.entries(arrays).map(([k, x]) => [k, [...x.dataSync()].map(Number)]));

/** Rounding errors, relative to the largest element, that other orders of operations add up to. */
const ROUNDING = 2000;

/** Files of all of these, by name, and `files.js`, which tries them. */
export async function exportedFiles(): Promise<Record<string, string>> {
  const scripts: Record<string, string> = {};
  const tried: string[] = [];
  for (const [k, [name, [f, ...args]]] of Object.entries(cases).entries()) {
    const { wasm, typescript } = exportWasm(f as (...args: unknown[]) => Tree, ...args);
    const { code } = await esbuild.transform(typescript, { loader: "ts" });
    scripts[`file${k}.js`] = code;
    const given = lists(Object.assign({}, ...args.map((a, i) => named(`arg${i}`, a))));
    const expected = named("out", (f as (...args: unknown[]) => unknown)(...args));
    const near = Object.fromEntries(
      Object.entries(expected).map(([k, x]) => [k, ulps(x, ROUNDING)]),
    );
    const bytes = btoa(Array.from(wasm, (b) => String.fromCharCode(b)).join(""));
    tried.push(
      JSON.stringify({
        name,
        file: `./file${k}.js`,
        bytes,
        given,
        expected: lists(expected),
        near,
      }),
    );
    console.log(`  ${name}: ${(wasm.length / 1000).toFixed(1)} kB`);
  }
  scripts["files.js"] = `
    ${tried.map((_, k) => `import { instantiate as open${k} } from "./file${k}.js";`).join("\n")}
    const tried = [${tried.map((t, k) => `{ open: open${k}, ...${t} }`).join(",\n")}];
    export function tryFiles() {
      const failures = [];
      for (const { name, open, bytes, given, expected, near } of tried) {
        const out = open(Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0)))(given);
        for (const [k, wanted] of Object.entries(expected)) {
          const found = out[k] === undefined ? ["nothing"] : Array.from(out[k]);
          const far = found.length !== wanted.length ||
            wanted.some((y, i) => !(Object.is(found[i], y) || Math.abs(found[i] - y) <= near[k]));
          if (far) failures.push(name + " in files: " + k + " is " + found + " and not " + wanted);
        }
        if (out.check?.[0]) failures.push(name + " in files: condition " + out.check[0] + " failed");
      }
      return { compared: tried.length, failures };
    }
  `;
  return scripts;
}
