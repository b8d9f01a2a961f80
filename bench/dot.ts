/**
 * Matrix products: the generated kernels beside onnxruntime, in one process, in turns. Minima.
 * `deno run -A bench/dot.ts [part of a name]`
 *
 * @module
 */
import { jit, loadBackend, type NDArray, numpy as np } from "../mod.ts";
import { Module } from "../lib/kernel/encoder.ts";
import { detectFma, dotKernel, type MatrixView } from "../lib/kernel/dot.ts";
import { planProduct } from "../lib/kernel/dot_plan.ts";

type Layout = "plain" | "turned";

interface Case {
  readonly name: string;
  readonly dtype: "float32" | "float64";
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly x: Layout;
  readonly y: Layout;
  /** Whether all members have the same y. */
  readonly sameY?: boolean;
}

function square(n: number, dtype: Case["dtype"], x: Layout = "plain", y: Layout = "plain"): Case {
  const name = `${dtype} ${x === "plain" ? "x" : "xT"} ${y === "plain" ? "y" : "yT"} ${n}`;
  return { name, dtype, batch: 1, m: n, n, k: n, x, y };
}

function shaped(dims: readonly number[], x: Layout = "plain", y: Layout = "plain"): Case {
  const [batch, m, k, n] = dims as [number, number, number, number];
  const t = (l: Layout): string => l === "plain" ? "" : "T";
  return {
    name: `${batch} x [${m},${k}]${t(x)} [${k},${n}]${t(y)}`,
    ...{ dtype: "float32", batch, m, n, k, x, y },
  };
}

const cases: readonly Case[] = [
  square(256, "float32"),
  square(512, "float32"),
  square(1024, "float32"),
  square(512, "float32", "turned"),
  square(512, "float32", "plain", "turned"),
  square(512, "float32", "turned", "turned"),
  square(256, "float64"),
  square(512, "float64"),
  square(64, "float32"),
  square(128, "float32"),
  shaped([1, 64, 64, 1]),
  shaped([1, 64, 64, 1], "turned"),
  shaped([1, 32, 64, 64]),
  shaped([1, 32, 64, 64], "plain", "turned"),
  shaped([1, 32, 64, 64], "turned"),
  shaped([1, 64, 512, 512]),
  shaped([1, 64, 512, 512], "plain", "turned"),
  shaped([1, 1000, 1000, 1]),
  shaped([1, 1000, 1000, 1], "turned"),
  shaped([1, 1, 256, 256]),
  shaped([1, 1, 100000, 1]),
  shaped([1, 500, 1, 500]),
  shaped([1000, 3, 100, 3]),
  shaped([1000, 3, 100, 3], "turned"),
  shaped([1000, 3, 3, 1]),
  shaped([1000, 3, 100, 1], "turned"),
  shaped([100, 32, 32, 32]),
  shaped([16, 128, 32, 128], "plain", "turned"),
];

function view(layout: Layout, rows: number, columns: number): MatrixView {
  const batch = rows * columns;
  return layout === "plain"
    ? { offset: 0, batch, row: columns, column: 1 }
    : { offset: 0, batch, row: 1, column: rows };
}

function minimum(run: () => void, rounds: number): number {
  const t = performance.now();
  for (let i = 0; i < rounds; i++) run();
  return (performance.now() - t) / rounds;
}

const text = (ms: number): string =>
  ms < 0.1 ? `${(ms * 1000).toFixed(2)} us` : `${ms.toFixed(3)} ms`;

await loadBackend("onnx");
for (const c of cases) {
  if (Deno.args[0] !== undefined && !c.name.includes(Deno.args[0])) continue;
  const { dtype, batch, m, n, k } = c;
  const size = dtype === "float32" ? 4 : 8;
  const array = dtype === "float32" ? Float32Array : Float64Array;
  const xs = new array(batch * m * k).map((_, i) => Math.sin(i));
  const ys = new array(batch * k * n).map((_, i) => Math.cos(i * 3));
  const shape = (l: Layout, rows: number, columns: number): number[] =>
    l === "plain" ? [batch, rows, columns] : [batch, columns, rows];
  const turned = (l: Layout, a: NDArray): NDArray => l === "plain" ? a : a.transpose([0, 2, 1]);
  const flat = (a: NDArray): NDArray => batch === 1 ? a.reshape(a.shape.slice(1)) : a;
  const x = np.array(xs, { dtype }).reshape(shape(c.x, m, k));
  const y = np.array(ys, { dtype }).reshape(shape(c.y, k, n));
  const product = jit(
    (x: NDArray, y: NDArray) => np.matmul(flat(turned(c.x, x)), flat(turned(c.y, y))),
    { backend: "onnx" },
  );
  let t = performance.now();
  let out = product(x, y);
  const firstOrt = performance.now() - t;

  t = performance.now();
  const p = {
    ...{ dtype, batch, m, n, k, x: view(c.x, m, k), y: view(c.y, k, n) },
    out: view("plain", m, n),
  };
  const module = new Module();
  const { fn, scratchBytes } = dotKernel(module, p, { fma: detectFma() });
  const bytes = module.encode({ run: fn });
  const at = [64, xs.byteLength, ys.byteLength, batch * m * n * size, scratchBytes];
  at.forEach((_, i) => at[i] = Math.ceil(((at[i - 1] ?? 0) + at[i]!) / 64) * 64 + 64);
  const memory = new WebAssembly.Memory({ initial: Math.ceil((at[4]! + 64) / 65536) });
  const buffer = memory.buffer as ArrayBuffer;
  const constants = new WebAssembly.Global({ value: "i32" }, 0);
  const { run } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    env: { memory, constants },
  }).exports as { run: (...pointers: number[]) => void };
  const emitted = performance.now() - t;
  new array(buffer, at[0]!, xs.length).set(xs);
  new array(buffer, at[1]!, ys.length).set(ys);
  const own = (): void => run(at[0]!, at[1]!, at[2]!, at[3]!);
  t = performance.now();
  own();
  const firstOwn = performance.now() - t + emitted;
  const second = minimum(own, 1);

  const flops = 2 * batch * m * n * k;
  const rounds = Math.max(1, Math.ceil(2e6 / flops));
  let ort = Infinity;
  let best = Infinity;
  const end = performance.now() + 1500;
  for (let r = 0; r < 300 && (r < 5 || performance.now() < end); r++) {
    ort = Math.min(ort, minimum(() => void (out = product(x, y)), rounds));
    best = Math.min(best, minimum(own, rounds));
  }
  const want = await out.data();
  const got = new array(buffer, at[2]!, batch * m * n);
  let worst = 0;
  got.forEach((v, i) => {
    const error = Math.abs(v - want[i]!) / Math.sqrt(k);
    if (!(error <= worst)) worst = error;
  });
  const { along, rows, columns, unroll, copyX, copyY, whole, form } = planProduct(p);
  console.log(
    c.name.padEnd(26),
    `ort ${text(ort).padStart(10)}  own ${text(best).padStart(10)}  own/ort ${
      (best / ort).toFixed(2)
    }  ${(flops / best / 1e6).toFixed(1).padStart(5)} GFLOP/s`,
    `| first ort ${text(firstOrt)} own ${text(firstOwn)} (emit ${text(emitted)}) second ${
      text(second)
    } | ${bytes.length} B, scratch ${scratchBytes}, difference ${worst.toExponential(1)}`,
    `| ${along} ${rows}x${columns}x${unroll}${form.turned ? " turned" : ""}${
      whole ? " whole" : ""
    }${copyX ? " copy x" : ""}${copyY ? " copy y" : ""}`,
  );
}
