/**
 * The usual ways to take part in a case: this library on its backends, jax-js, TensorFlow.js, and loops
 * that somebody would write without a library.
 *
 * @module
 */
import { jit, type NDArray } from "../mod.ts";
import type { Contender, Entry } from "./harness.ts";
import { type JaxArray, type JaxJs, loadJaxJs, loadTf, type Tf, type TfTensor } from "./peers.ts";
import { fingerprint } from "./problems.ts";

/** What the table calls this library's lines, and loops without a library. */
export const lines = {
  cpu: "injax",
  onnx: "injax on onnx",
  eager: "injax eager",
  plain: "plain JavaScript",
} as const;

/** A way to compute with this library. */
export type Way = "cpu" | "onnx" | "eager";

/** Work for this library. */
export interface Work {
  /** The arguments, made when the case begins. */
  readonly args: () => readonly NDArray[];
  /** What is computed. */
  readonly f: (...args: NDArray[]) => readonly NDArray[];
  /** In which ways: compiled for both backends where not said. */
  readonly ways?: readonly Way[];
  /** Whether results stay where the library keeps them; else each call reads them. */
  readonly keep?: boolean;
  /** Whether each call compiles the function anew. */
  readonly fresh?: boolean;
  /** Relative difference allowed in the check value, where it is not the usual one. */
  readonly tolerance?: number;
}

/** This library's entries. */
export function injax({ args, f, ways = ["cpu", "onnx"], keep, fresh, tolerance }: Work): Entry[] {
  return ways.map((way) => ({
    library: lines[way],
    ...(tolerance !== undefined && { tolerance }),
    prepare() {
      const make = (): typeof f => way === "eager" ? f : jit(f, { backend: way });
      const values = args();
      let g = make();
      const once = (): readonly NDArray[] => {
        if (fresh) g = make();
        return g(...values);
      };
      const read = (): ArrayLike<number>[] => once().map((y) => y.dataSync());
      return {
        run(n) {
          for (let i = 0; i < n; i++) {
            if (keep) once().forEach((y) => y.dispose());
            else read();
          }
        },
        check: () => fingerprint(...read()),
      };
    },
  }));
}

function reading(read: () => readonly ArrayLike<number>[]): Contender {
  return {
    run(n) {
      for (let i = 0; i < n; i++) read();
    },
    check: () => fingerprint(...read()),
  };
}

/** Loops without a library: `prepare` makes the data, and what it gives does the work once. */
export function plain(
  prepare: () => () => readonly ArrayLike<number>[],
  tolerance?: number,
): Entry {
  return {
    library: lines.plain,
    ...(tolerance !== undefined && { tolerance }),
    prepare: () => reading(prepare()),
  };
}

/** jax-js's entry: the arrays, and a compiled function of them, which uses each of its arguments once. */
export function jaxJs(
  args: (jax: JaxJs) => readonly JaxArray[],
  f: (jax: JaxJs, ...args: JaxArray[]) => JaxArray[],
  { keep = false, tolerance }: { keep?: boolean; tolerance?: number } = {},
): Entry {
  return {
    library: "jax-js",
    ...(tolerance !== undefined && { tolerance }),
    async prepare() {
      const jax = await loadJaxJs();
      const values = args(jax);
      const compiled = jax.jit((...args: JaxArray[]) => f(jax, ...args));
      const once = (): JaxArray[] => compiled(...values.map((x) => x.ref));
      const read = (): Float32Array[] => once().map((y) => y.dataSync());
      if (!keep) return reading(read);
      return {
        async run(n) {
          for (let i = 0; i < n; i++) {
            for (const y of once()) (await y.blockUntilReady()).dispose();
          }
        },
        check: () => fingerprint(...read()),
      };
    },
  };
}

/** TensorFlow.js's entry on its WebAssembly backend. */
export function tfjs(
  args: (tf: Tf) => readonly TfTensor[],
  f: (tf: Tf, ...args: TfTensor[]) => TfTensor[],
  keep = false,
): Entry {
  return {
    library: "tfjs wasm",
    async prepare() {
      const tf = await loadTf();
      await tf.setBackend("wasm");
      const values = args(tf);
      const read = (): Float32Array[] => tf.tidy(() => f(tf, ...values).map((y) => y.dataSync()));
      const once = (): void => tf.tidy(() => void f(tf, ...values));
      return {
        enter: async () => void await tf.setBackend("wasm"),
        run(n) {
          for (let i = 0; i < n; i++) {
            if (keep) once();
            else read();
          }
        },
        check: () => fingerprint(...read()),
      };
    },
  };
}
