/**
 * Everything on the GPU is computed there, by the runtime's own account of where it puts the nodes, and
 * gives the interpreter's results: each primitive's samples, and programs that solvers run.
 *
 * @module
 */
import { interpreter } from "../../lib/backends/mod.ts";
import { webgpu } from "../../lib/backends/webgpu.ts";
import type { NDArray } from "../../lib/core/array.ts";
import { isFloat, shaped, type ShapedArray } from "../../lib/core/dtype.ts";
import { allPrograms } from "../../lib/core/jaxpr.ts";
import { type Jaxpr, primitives } from "../../lib/core/primitive.ts";
import { bind } from "../../lib/core/trace.ts";
import { stageClosed } from "../../lib/interpreters/staging.ts";
import { dynamicUpdateSlice } from "../../lib/primitives/indexing/dynamic_slice.ts";
import {
  anderson,
  cond,
  damped,
  debug,
  fixedPoint,
  foriLoop,
  grad,
  jit,
  nn,
  numpy as np,
  oneStep,
  random,
  whileLoop,
} from "../../mod.ts";
import { difference, make } from "../support/arrays.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { type AnyPrimitive, type Case, casesOf } from "../support/conformance.ts";
import { gpuTest, onCpu, withoutCpu } from "../support/gpu.ts";

/** What runs on the CPU in part, by primitive and dtype of the first input, and why. */
const ON_CPU: Readonly<Record<string, string>> = {
  "and int32": "no bitwise logic on a GPU",
  "and uint32": "no bitwise logic on a GPU",
  "or int32": "no bitwise logic on a GPU",
  "or uint32": "no bitwise logic on a GPU",
  "xor int32": "no bitwise logic on a GPU",
  "xor uint32": "no bitwise logic on a GPU",
  "threefry2x32 uint32": "no bitwise logic on a GPU",
  "cholesky float32": "elimination is a loop in the graph",
  "triangular_solve float32": "elimination is a loop in the graph",
  "lu float32": "elimination is a loop in the graph",
  "qr float32": "elimination is a loop in the graph",
  "eigh float32": "elimination is a loop in the graph",
  "svd float32": "elimination is a loop in the graph",
  "tridiagonal_solve float32": "elimination is a loop in the graph",
  "solve float32": "elimination is a loop in the graph",
  "least_squares float32": "elimination is a loop in the graph",
  "det float32": "elimination is a loop in the graph",
  "slogdet float32": "elimination is a loop in the graph",
  "cofactors float32": "elimination is a loop in the graph",
  "hessenberg float32": "elimination is a loop in the graph",
  "schur float32": "the sweeps are a loop in the graph",
  "eig float32": "the sweeps are a loop in the graph",
  "triangular_sylvester float32": "elimination is a loop in the graph",
  "triangular_root float32": "elimination is a loop in the graph",
  "sylvester float32": "elimination is a loop in the graph",
};

/** Samples whose results the kernels of a GPU do not give, and why; besides float32 at its limits. */
const OTHERWISE: Readonly<Record<string, string>> = {
  "reduce_sum/overflow on the way, over 0": "a GPU adds up in another order",
  "reduce_sum/overflow on the way, over 1": "a GPU adds up in another order",
  'zeta/float32 special {"order":0}':
    "what a GPU makes of NaN is not defined: smaller and larger ones drop it",
};

/** Of these, what some GPUs get right. */
const ON_SOME: ReadonlySet<string> = new Set(['zeta/float32 special {"order":0}']);

/** How many samples are tried of what runs on the CPU in part, in a program that goes to and fro. */
const ON_HOST = 1;

/** Functions have errors up to 4e-4 there. */
const allowed = (y: NDArray): (i: number, v: number) => number =>
  isFloat(y.dtype) ? (_, v) => 1e-3 * Math.abs(v) + 1e-4 : () => 0;

function narrowed({ shape, dtype }: ShapedArray): ShapedArray {
  return shaped(shape, dtype === "float64" ? "float32" : dtype);
}

function hasFloat64(jaxpr: Jaxpr): boolean {
  return [...allPrograms(jaxpr)].some(({ inputs, outputs, eqns }) =>
    [...inputs, ...outputs, ...eqns.flatMap((e) => e.outputs)]
      .some((a) => a.aval.dtype === "float64")
  );
}

/** Kernels of a GPU do not all keep the sign of zero. */
function unsigned(x: NDArray): NDArray {
  return isFloat(x.dtype) ? make(x.aval, Array.from(x.dataSync(), (v) => v === 0 ? 0 : v)) : x;
}

/** Runs a program on the GPU; what is wrong with its results, if anything. */
async function compare(jaxpr: Jaxpr, name: string, inputs: Case["inputs"]): Promise<string | null> {
  const expected = interpreter.compile(jaxpr, name).run(inputs);
  const executable = webgpu.compile(jaxpr, name);
  try {
    for (const [k, y] of executable.run(inputs).entries()) {
      await y.load();
      const found = difference(unsigned(y), unsigned(expected[k]!), allowed(y));
      if (found !== null) return `output ${k}: ${found}`;
    }
    return null;
  } finally {
    executable.release();
  }
}

/** In so many tests all primitives are tried. */
const PARTS = 5;

/** The part in which a primitive is tried; what is none counts for the first. */
function partOf(name: string): number {
  return Math.max([...primitives().keys()].indexOf(name), 0) % PARTS;
}

/** Tries the primitives of a part. */
async function checkPart(part: number): Promise<void> {
  const wrong: string[] = [];
  const excused = new Set<string>();
  const onHost = new Map<string, number>();
  let checked = 0;
  for (const primitive of [...primitives().values()] as unknown as AnyPrimitive[]) {
    if (partOf(primitive.name) !== part) continue;
    const cases = casesOf(primitive);
    const names = new Set(cases.map((c) => c.sample.name));
    for (const c of cases) {
      const { name, skip } = c.sample;
      // In float64 it is the sample in float32 once more.
      const twin = name.replace("float64", "float32");
      if (skip?.onnx !== undefined || (twin !== name && names.has(twin))) continue;
      const inputs = c.inputs.map((x) => make(narrowed(x.aval), [...x.values]));
      const jaxpr = stageClosed(
        "gpu",
        (xs) => bind(primitive, xs, c.sample.params),
        inputs.map((x) => x.aval),
      );
      if (hasFloat64(jaxpr)) continue;
      const where = `${primitive.name}/${c.sample.name}`;
      const kind = `${primitive.name} ${inputs[0]?.dtype}`;
      // The conformance suite has them all in the graph for a GPU, which the CPU runs alone.
      if ((onHost.get(kind) ?? 0) >= ON_HOST) continue;
      const run = (): Promise<string | null> => compare(jaxpr, where, inputs);
      let found: string | null;
      try {
        found = await withoutCpu(run);
      } catch (error) {
        found = (error as Error).message;
        if (found.includes(onCpu) && ON_CPU[kind] !== undefined) {
          excused.add(kind);
          onHost.set(kind, (onHost.get(kind) ?? 0) + 1);
          found = await run();
        }
      }
      checked++;
      if (found === null || (name === "float32 limits" && !found.includes(onCpu))) continue;
      if (OTHERWISE[where] !== undefined && !found.includes(onCpu)) excused.add(where);
      else wrong.push(`${where} (${inputs.map((x) => x.dtype)}): ${found.slice(0, 200)}`);
    }
  }
  assertEquals(wrong, []);
  assert(checked > 150, `only ${checked} samples`);
  // Each exception is still one.
  assertEquals(
    [...Object.keys(ON_CPU), ...Object.keys(OTHERWISE)].filter((key) =>
      partOf(key.split(/[ /]/)[0]!) === part && !excused.has(key) && !ON_SOME.has(key)
    ),
    [],
  );
}

for (let part = 0; part < PARTS; part++) {
  gpuTest(
    `each primitive runs on the GPU alone and gives the interpreter's results: part ${
      part + 1
    } of ${PARTS}`,
    () => checkPart(part),
  );
}

const tanhLayer = (x: NDArray) => (z: NDArray): NDArray => np.tanh(z.mul(0.5).add(x));

/** Programs whose loops the host drives, and in whose steps nothing may wait for the CPU. */
const PROGRAMS: Readonly<Record<string, (x: NDArray) => NDArray>> = {
  "fixedPoint, anderson": (x) => fixedPoint(tanhLayer(x), np.zeros([3])).value,
  "fixedPoint, anderson of memory 2": (x) =>
    fixedPoint(tanhLayer(x), np.zeros([3]), { solver: anderson({ memory: 2 }) }).value,
  "fixedPoint, damped": (x) => fixedPoint(tanhLayer(x), np.zeros([3]), { solver: damped() }).value,
  "its status": (x) => fixedPoint(tanhLayer(x), np.zeros([3]), { maxSteps: 2 }).status as NDArray,
  // The implicit gradient solves one small system, see `ON_CPU`; no step of its loops does.
  "its gradient by one step": grad((x: NDArray) =>
    fixedPoint(tanhLayer(x), np.zeros([3]), { adjoint: oneStep() }).value.sum()
  ),
  "of two leaves": (x) => {
    const { value } = fixedPoint(
      ({ a, b }: { a: NDArray; b: NDArray }) => ({ a: np.cos(b).mul(x), b: a.mul(0.3) }),
      { a: np.zeros([3]), b: np.ones([3]) },
    );
    return value.a.add(value.b);
  },
  "a loop on conditions joined by or and xor": (x) =>
    whileLoop(
      ([i, y]: [NDArray, NDArray]) =>
        np.logicalOr(i.less(3), np.logicalXor(y.max().less(2), i.greater(20))),
      ([i, y]: [NDArray, NDArray]): [NDArray, NDArray] => [i.add(1), y.mul(1.25)],
      [np.array(0, { dtype: "int32" }), x],
    )[1],
  "a loop that rounds, divides whole and takes remainders": (x) =>
    foriLoop(0, 5, (i, y) => {
      const parity = np.mod(i, 2).equal(0);
      const step = np.floorDivide(y.mul(10), 3).add(np.round(y)).add(np.mod(y, 0.3));
      return np.where(parity, step.mul(0.1), y.add(np.abs(i.sub(3))));
    }, x),
  "a loop that looks for the largest and writes there": (x) =>
    foriLoop(0, 4, (i, y) => {
      const at = np.argmax(y);
      return dynamicUpdateSlice(y, y.min().sub(i.astype("float32")).reshape([1]), [at]);
    }, x),
  "a loop over a stack of flags": (x) =>
    foriLoop(
      0,
      4,
      (i, seen) => np.concatenate([seen.slice([1], [3]), i.equal(1).reshape([1])]),
      x.greater(0.4),
    ).astype("float32"),
  "a loop that sorts": (x) => foriLoop(0, 3, (_, y) => np.sort(y.mul(-1.5)), x),
  "a loop with products of integers": (x) =>
    foriLoop(0, 3, (_, m) => m.matmul(m), np.array([[1, 1], [1, 0]], { dtype: "int32" })).sum()
      .astype("float32").add(x),
  "a loop with a choice": (x) =>
    foriLoop(
      0,
      3,
      (i, y) => cond(i.equal(1), (y: NDArray) => nn.relu(y), (y: NDArray) => y.sub(0.5), y),
      x,
    ),
};

for (const [name, f] of Object.entries(PROGRAMS)) {
  gpuTest(`nothing of it waits for the CPU: ${name}`, async () => {
    const x = np.array([0.5, 1.25, -0.75]);
    const expected = f(x);
    const y = jit(f, { backend: "webgpu" })(x);
    const found = await withoutCpu(async () => {
      const again = jit((x: NDArray) => f(x), { backend: "webgpu" })(x);
      await again.data();
      return again;
    });
    await y.data();
    for (const result of [y, found]) {
      assertEquals(difference(result, expected, allowed(expected)), null);
    }
  });
}

gpuTest(
  "long products with a vector are sums that many threads share, with the same result",
  async () => {
    const shapes: readonly (readonly [x: number[], y: number[]])[] = [
      [[5, 3000], [3000]],
      [[3000], [3000, 7]],
      [[3000], [3000]],
      [[3, 4, 1000], [3, 1000, 1]],
      [[5, 3000], [3000, 2]],
    ];
    for (const [a, b] of shapes) {
      const [x, y] = [random.normal(random.key(1), a), random.normal(random.key(2), b)];
      const product = (x: NDArray, y: NDArray): NDArray => np.matmul(x, y);
      const result = jit(product, { backend: "webgpu" })(x, y);
      await result.data();
      const scale = np.matmul(np.abs(x), np.abs(y)).max().item();
      const off = np.abs(result.sub(product(x, y))).max().item();
      assert(off <= 2e-6 * scale, `[${a}] times [${b}]: off by ${off}, of ${scale}`);
      const graph = await debug.program(product, [x, y], { stage: "onnx", backend: "webgpu" });
      const isThin = b.length === 1 || b.at(-1) === 1 || a.length === 1;
      assertEquals(/ReduceSum/.test(graph) && !/MatMul/.test(graph), isThin, graph);
    }
  },
);
