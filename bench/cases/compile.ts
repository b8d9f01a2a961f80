/**
 * How long it takes to compile a loop of a thousand steps, and programs of many equations: what is new on
 * each call here is the function, so that tracing, lowering and the session all happen.
 *
 * @module
 */
import { foriLoop, jit, type NDArray, numpy as np } from "../../mod.ts";
import { loadOrt } from "../../lib/backends/ort_direct.ts";
import { injax as onBackends, type Work } from "../entries.ts";
import type { Case, Entry } from "../harness.ts";
import { loopModel } from "../onnx_graphs.ts";
import { byHand, floats, type JaxArray, loadJaxJs } from "../peers.ts";
import { fingerprint, loop } from "../problems.ts";

const { n, steps } = loop;
const data = { w: loop.w, b: loop.b, z: loop.z };
/** What jax-js unrolls: it takes minutes for a thousand, and the fixed point is reached anyway. */
const UNROLLED = 100;

/** Names that the bars go by. */
export const compileEntries = {
  first: "injax: new jit, first call",
  later: "injax: later call",
} as const;

function injax(library: string, fresh: boolean, backend: "cpu" | "onnx" = "cpu"): Entry {
  return {
    library,
    prepare() {
      const compile = (): (w: NDArray, b: NDArray, z: NDArray) => NDArray =>
        jit(
          (w: NDArray, b: NDArray, z: NDArray) =>
            foriLoop(0, steps, (_, z) => np.tanh(z.matmul(w).add(b)), z),
          { backend },
        );
      const args = [
        np.array(loop.w).reshape([n, n]),
        np.array(loop.b),
        np.array(loop.z).reshape([n, n]),
      ] as const;
      let f = compile();
      const read = (): ArrayLike<number> => f(...args).dataSync();
      return {
        run(count) {
          for (let i = 0; i < count; i++) {
            if (fresh) f = compile();
            read();
          }
        },
        check: () => fingerprint(read()),
      };
    },
  };
}

/** Programs of about `count` equations, of the kinds that compilers find easy and hard. */
const kinds: Readonly<Record<string, (count: number) => Work["f"]>> = {
  elementwise: (count) => (w, b, z) => {
    let y = z!;
    for (let i = 0; i < count / 4; i++) y = np.sin(y.mul(w!)).add(b!).mul(0.5);
    return [y];
  },
  layers: (count) => (w, b, z) => {
    let y = z!;
    for (let i = 0; i < count / 3; i++) y = np.tanh(y.matmul(w!).add(b!));
    return [y];
  },
  rows: (count) => (_, b, z) => {
    let y = z!;
    for (let i = 0; i < count / 4; i++) y = y.sub(y.sum(-1, { keepDims: true }).mul(0.1)).add(b!);
    return [y];
  },
};

/** Names of the cases, by number of equations. */
export const firstCallNames = (count: number): string[] =>
  Object.keys(kinds).map((kind) => `first-${kind}-${count}`);

/** First calls by number of equations; the largest take seconds. */
export function firstCalls(slow: boolean): Case[] {
  const args = (): NDArray[] => [
    np.array(loop.w).reshape([n, n]),
    np.array(loop.b),
    np.array(loop.z).reshape([n, n]),
  ];
  return [100, 2000, ...(slow ? [20_000] : [])].flatMap((count) =>
    Object.entries(kinds).map(([kind, f]) => ({
      name: `first-${kind}-${count}`,
      title: `new jit and first call, ${count} equations on [${n},${n}], ${kind}`,
      entries: onBackends({ args, f: f(count), fresh: true }),
    }))
  );
}

/** Compiling, with a call, beside a call alone. */
export const compileLoop: Case = {
  name: "compile-loop",
  title: "compiling a loop of 1000 steps, z = tanh(zW + b) on [16,16]",
  entries: [
    injax(compileEntries.first, true),
    injax(compileEntries.later, false),
    injax("injax on onnx: new jit, first call", true, "onnx"),
    {
      library: "onnx by hand: new session, first call",
      async prepare() {
        const { feeds, outputs } = await byHand(loopModel(), data);
        const ort = await loadOrt();
        const first = (): Float32Array => {
          const session = ort.createSession(loopModel().bytes);
          const result = floats(session.run(feeds, outputs)[0]!);
          session.release();
          return result;
        };
        return {
          run(count) {
            for (let i = 0; i < count; i++) first();
          },
          check: () => fingerprint(first()),
        };
      },
    },
    {
      library: "onnx by hand: later call",
      async prepare() {
        const { session, feeds, outputs } = await byHand(loopModel(), data);
        const read = (): Float32Array => floats(session.run(feeds, outputs)[0]!);
        return {
          run(count) {
            for (let i = 0; i < count; i++) read();
          },
          check: () => fingerprint(read()),
        };
      },
    },
    {
      // It keeps compiled kernels by their code, so that only the very first call tells.
      library: `jax-js: unrolled ${UNROLLED}, later call`,
      async prepare() {
        const jax = await loadJaxJs();
        const np = jax.numpy;
        const f = jax.jit((w: JaxArray, b: JaxArray, z: JaxArray) => {
          for (let k = 0; k < UNROLLED; k++) z = np.tanh(np.matmul(z, w.ref).add(b.ref));
          w.dispose();
          b.dispose();
          return z;
        });
        const args = [
          np.array(loop.w).reshape([n, n]),
          np.array(loop.b),
          np.array(loop.z).reshape([n, n]),
        ] as const;
        const read = (): Float32Array => f(args[0].ref, args[1].ref, args[2].ref).dataSync();
        return {
          run(count) {
            for (let i = 0; i < count; i++) read();
          },
          check: () => fingerprint(read()),
        };
      },
    },
  ],
};
