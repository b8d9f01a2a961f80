/**
 * The user namespaces compiled for WebAssembly, and mapped over lanes, against the interpreter: what
 * they compose from primitives has to mean the same there, and random streams have to be the same
 * bit for bit.
 */
import type { NDArray } from "../../lib/core/array.ts";
import { isFloat } from "../../lib/core/dtype.ts";
import { linalg, nn, numpy as np, random, special } from "../../mod.ts";
import { loadBackend } from "../../lib/backends/mod.ts";
import * as debug from "../../lib/debug/mod.ts";
import { grad } from "../../lib/transforms/autodiff.ts";
import { jit } from "../../lib/transforms/jit.ts";
import { vmap } from "../../lib/transforms/vmap.ts";
import { difference, ulps } from "../support/arrays.ts";
import { assert, assertEquals } from "../support/assert.ts";

await loadBackend("onnx");

type F = (...args: NDArray[]) => NDArray;

function compare(name: string, f: F, args: NDArray[], rounding: number): void {
  const expected = f(...args);
  const actual = (jit(f) as unknown as F)(...args);
  const allowed = isFloat(expected.dtype) ? ulps(expected, rounding) : 0;
  const problem = difference(actual, expected, allowed);
  if (problem !== null) throw new Error(`${name} ${problem}`);
}

const streams: Record<string, (key: NDArray) => NDArray> = {
  split: (key) => random.split(key, 5),
  foldIn: (key) => random.foldIn(key, 7),
  bits: (key) => random.bits(key, [7]),
  uniform: (key) => random.uniform(key, [6]),
  uniform64: (key) => random.uniform(key, [6], { dtype: "float64" }),
  "uniform between": (key) => random.uniform(key, [20], { minval: -2, maxval: 3 }),
  "uniform64 between": (key) =>
    random.uniform(key, [20], { minval: -0.1, maxval: 0.3, dtype: "float64" }),
  bernoulli: (key) => random.bernoulli(key, 0.3, [20]),
  randint: (key) => random.randint(key, [10], -5, 17),
  "randint of a full range": (key) => random.randint(key, [10], -2147483648, 2147483648),
  permutation: (key) => random.permutation(key, 30),
  categorical: (key) => random.categorical(key, np.array([0.1, 2, 1]), { shape: [20] }),
};

Deno.test("compiled: random streams are the same bit for bit", () => {
  for (const [name, f] of Object.entries(streams)) compare(name, f as F, [random.key(7)], 0);
});

Deno.test("compiled: random floats agree to the rounding of functions", () => {
  const key = [random.key(7)];
  compare("normal", (k) => random.normal(k!, [20]), key, 8);
  compare("normal64", (k) => random.normal(k!, [20], { dtype: "float64" }), key, 64);
  compare("truncatedNormal", (k) => random.truncatedNormal(k!, -2, 2, [20]), key, 8);
  compare("truncatedNormal far out", (k) => random.truncatedNormal(k!, 5, 9, [20]), key, 8);
  compare("gumbel", (k) => random.gumbel(k!, [20]), key, 4);
  compare("exponential", (k) => random.exponential(k!, [20]), key, 4);
});

const i32 = (...values: number[]): NDArray => np.array(values, { dtype: "int32" });

/** Functions of a matrix `[4, 4]` and a vector `[4]`. */
const functions: Record<string, F> = {
  softmax: (x) => nn.softmax(x!),
  logsumexp: (x) => nn.logsumexp(x!, 0),
  gelu: (x) => nn.gelu(x!),
  "gelu by erf": (x) => nn.gelu(x!, { approximate: false }),
  softplus: (x) => nn.softplus(x!),
  elu: (x) => nn.elu(x!),
  oneHot: (x) => nn.oneHot(np.argmax(x!, 0), 4),
  xlogy: (x, v) => special.xlogy(np.abs(x!), np.abs(v!)),
  solve: (x, v) => linalg.solve(x!, v!),
  inv: (x) => linalg.inv(x!),
  det: (x) => linalg.det(x!),
  norm: (x) => linalg.norm(x!, { ord: 1 }),
  matmul: (x, v) => np.matmul(x!, v!),
  einsum: (x, v) => np.einsum("ij,j,i->", x!, v!, v!),
  trace: (x) => np.trace(x!),
  std: (x) => np.std(x!, 0),
  median: (x) => np.median(x!, 1),
  cumprod: (x) => np.cumprod(x!, 0),
  sort: (x) => np.sort(x!, 0, { descending: true }),
  searchsorted: (x, v) => np.searchsorted(np.sort(v!), x!),
  take: (x) => np.take(x!, i32(0, 9, -1), 1),
  takeAlongAxis: (x) => np.takeAlongAxis(x!, np.argsort(x!, 1), 1),
  setAt: (x, v) => np.setAt(x!, i32(0, 0, 7), v!),
  addAt: (x, v) => np.addAt(x!, i32(0, 0, 7, -1), v!),
  roll: (x) => np.roll(x!, np.array(1, { dtype: "int32" }), 0),
  pad: (x) => np.pad(x!, 2, { mode: "reflect" }),
  mod: (x, v) => np.mod(x!, v!),
  floorDivide: (x, v) => np.floorDivide(x!, v!),
  pow: (x) => np.pow(x!, 3),
  rightShift: (x) => np.rightShift(np.astype(x!.mul(100), "int32"), 2),
  hypot: (x, v) => np.hypot(x!, v!),
  logaddexp: (x, v) => np.logaddexp(x!, v!),
  linspace: (_, v) => np.linspace(v!, v!.add(1), 5),
  nanToNum: (x) => np.nanToNum(x!.log()),
  diag: (_, v) => np.diag(v!),
  tril: (x) => np.tril(x!),
  round: (x) => np.round(x!, 2),
  isClose: (x, v) => np.isClose(x!, v!),
};

const x = random.normal(random.key(1), [4, 4]);
const v = random.normal(random.key(2), [4]);

Deno.test("compiled: functions mean the same", () => {
  for (const [name, f] of Object.entries(functions)) compare(name, f, [x, v], 32);
});

Deno.test("compiled: so do their gradients", () => {
  for (const [name, f] of Object.entries(functions)) {
    if (!isFloat(f(x, v).dtype)) continue;
    // NaN is replaced in nanToNum, so its gradient has no meaning where the logarithm has none.
    if (name === "nanToNum") continue;
    const slope = grad((x: NDArray) => f(x, v).square().sum()) as unknown as F;
    compare(`gradient of ${name}`, slope, [x], 128);
  }
});

Deno.test("mapped: functions mean the same in each lane", () => {
  const xs = random.normal(random.key(3), [3, 4, 4]);
  const vs = random.normal(random.key(4), [3, 4]);
  for (const [name, f] of Object.entries(functions)) {
    for (const inAxes of [[0, 0], [0, null], [null, 0]]) {
      const [ax, av] = inAxes;
      const lanes = [0, 1, 2].map((i) => f(ax === 0 ? xs.at(i) : x, av === 0 ? vs.at(i) : v));
      const mapped = (vmap(f, { inAxes }) as unknown as F)(
        ax === 0 ? xs : x,
        av === 0 ? vs : v,
      );
      const expected = np.stack(lanes);
      const problem = difference(
        mapped,
        expected,
        isFloat(expected.dtype) ? ulps(expected, 16) : 0,
      );
      if (problem !== null) throw new Error(`vmap of ${name} over ${inAxes} ${problem}`);
    }
  }
});

Deno.test("compiled operations on long columns work on vectors", () => {
  // Beside a column of [n, 1], onnxruntime takes a number for each of n rows: 12 times as long.
  const chain = (x: NDArray): NDArray => np.where(x.greater(0), x.mul(2).add(1), x.mul(0.5)).sub(1);
  const text = debug.program(chain as F, [np.ones([300, 1])], { stage: "onnx" });
  const flat = new Set(
    [...text.matchAll(/(\w+): (?:float32\[\]|int64\[1\]) constant/g)].map((m) => m[1]!),
  );
  const nodes = [...text.matchAll(/(\w+) = (\w+)\(([^)]*)\)/g)];
  assert(nodes.filter(([, , op]) => op !== "Reshape").length >= 6, text);
  for (const [line, output, op, list] of nodes) {
    const inputs = list!.split(", ");
    const isVector = op === "Reshape"
      ? flat.has(inputs[1]!)
      : inputs.every((name) => flat.has(name));
    if (isVector) flat.add(output!);
    assert(isVector || op === "Reshape", `${line} works on columns:\n${text}`);
  }
  const x = np.arange(300).reshape([300, 1]).sub(150);
  assertEquals(difference((jit(chain) as unknown as F)(x), chain(x), 0), null);
});
