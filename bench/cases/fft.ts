/**
 * Fourier transforms of real signals, beside the plain loops that one would write: radix 2, in place, with
 * a table of sines.
 *
 * @module
 */
import * as fft from "../../lib/api/fft.ts";
import { type NDArray, numpy as np } from "../../mod.ts";
import { injax, plain } from "../entries.ts";
import type { Case } from "../harness.ts";
import { noise64 } from "../problems.ts";

const signal = (n: number): Float32Array<ArrayBuffer> => Float32Array.from(noise64(n, 71, 1));

/** Cooley and Tukey's algorithm on a copy; the table is made before. */
function radix2(n: number): () => () => Float32Array[] {
  return () => {
    const input = signal(n);
    const angles = Array.from({ length: n / 2 }, (_, k) => -2 * Math.PI * k / n);
    const [c, s] = [Float32Array.from(angles, Math.cos), Float32Array.from(angles, Math.sin)];
    return () => {
      const [re, im] = [input.slice(), new Float32Array(n)];
      for (let i = 1, j = 0; i < n; i++) {
        let bit = n >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
        if (i < j) [re[i], re[j]] = [re[j]!, re[i]!];
      }
      for (let half = 1; half < n; half *= 2) {
        const step = n / (2 * half);
        for (let start = 0; start < n; start += 2 * half) {
          for (let k = 0; k < half; k++) {
            const [p, q] = [start + k, start + k + half];
            const [u, v] = [c[k * step]!, s[k * step]!];
            const x = re[q]! * u - im[q]! * v;
            const y = re[q]! * v + im[q]! * u;
            re[q] = re[p]! - x;
            im[q] = im[p]! - y;
            re[p]! += x;
            im[p]! += y;
          }
        }
      }
      return [re, im];
    };
  };
}

/** All of them. */
export const fftCases: readonly Case[] = [2 ** 10, 2 ** 16, 2 ** 20].map((n) => ({
  name: `fft-${n}`,
  title: `fft of ${n} real numbers, float32`,
  entries: [
    ...injax({
      args: () => [np.array(signal(n))],
      f: (x: NDArray | undefined) => {
        const { re, im } = fft.fft(x!);
        return [re, im];
      },
      ways: ["cpu", "onnx", "eager"],
      tolerance: 1e-3,
    }),
    plain(radix2(n), 1e-3),
  ],
}));
