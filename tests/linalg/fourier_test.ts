/**
 * Transforms of many lengths against sums in double precision, on all ways to compute them, and laws that
 * hold for any signal.
 *
 * @module
 */
import { grad, jit, type NDArray, numpy as np, random, ShapeError, vmap } from "../../mod.ts";
import { loadBackend } from "../../lib/backends/mod.ts";
import * as fft from "../../lib/api/fft.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { any, mistake } from "../support/mistakes.ts";

await loadBackend("onnx");

/** The sums of the definition, in double precision: `[re, im]`. */
function sums(re: ArrayLike<number>, im: ArrayLike<number>): [number[], number[]] {
  const n = re.length;
  const [a, b]: [number[], number[]] = [[], []];
  for (let k = 0; k < n; k++) {
    let [x, y] = [0, 0];
    for (let j = 0; j < n; j++) {
      const angle = -2 * Math.PI * ((j * k) % n) / n;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      x += re[j]! * c - im[j]! * s;
      y += re[j]! * s + im[j]! * c;
    }
    a.push(x);
    b.push(y);
  }
  return [a, b];
}

/** The distance of a result from sums, relative to their size, in rounding errors. */
function distance(y: fft.Complex, [re, im]: readonly [number[], number[]]): number {
  const [a, b] = [y.re.dataSync(), y.im.dataSync()];
  let [off, size] = [0, 0];
  re.forEach((x, k) => {
    off += (a[k]! - x) ** 2 + (b[k]! - im[k]!) ** 2;
    size += x ** 2 + im[k]! ** 2;
  });
  return Math.sqrt(off / size) / (y.re.dtype === "float64" ? 2 ** -52 : 2 ** -23);
}

/** Lengths: all small ones, products of all primes that have steps of their own or none, large primes. */
const lengths = [
  ...Array.from({ length: 32 }, (_, i) => i + 1),
  ...[48, 49, 60, 61, 64, 67, 77, 100, 121, 128, 169, 210, 243, 251, 256, 625, 1009, 1024, 1500],
];

for (const dtype of ["float32", "float64"] as const) {
  Deno.test(`${dtype}: transforms of any length are those of the definition, however computed`, () => {
    const [onCpu, onOnnx] = [jit(fft.fft), jit(fft.fft, { backend: "onnx" })];
    for (const n of lengths) {
      const x = {
        re: random.normal(random.key(n), [n], { dtype }),
        im: random.normal(random.key(n + 5000), [n], { dtype }),
      };
      const want = sums(x.re.dataSync(), x.im.dataSync());
      const ways = {
        eager: fft.fft(x),
        cpu: onCpu(x),
        onnx: onOnnx(x),
      };
      for (const [way, y] of Object.entries(ways)) {
        assertEquals([y.re.dtype, y.im.dtype, y.re.shape], [dtype, dtype, [n]]);
        // Errors grow with the number of steps; the sums have some of their own.
        const off = distance(y, want);
        assert(off <= 4 + n / 50, `${way}, length ${n}: off by ${off} rounding errors`);
      }
      const back = fft.ifft(ways.eager);
      const home = distance(back, [Array.from(x.re.dataSync()), Array.from(x.im.dataSync())]);
      assert(home <= 8, `there and back, length ${n}: off by ${home} rounding errors`);
    }
  });
}

Deno.test("errors grow with the logarithm of the length", () => {
  const n = 2 ** 16;
  const x = random.normal(random.key(0), [n]);
  const exact = fft.fft(x.astype("float64"));
  const want = [exact.re, exact.im].map((y) => Array.from(y.dataSync())) as [number[], number[]];
  const off = distance(fft.fft(x), want);
  assert(off < 2, `off by ${off} rounding errors`);
});

Deno.test("transforms along any axis, of several at once, and mapped ones are those of vectors", () => {
  const x = random.normal(random.key(1), [3, 10, 4], { dtype: "float64" });
  const y = fft.rfft(x, { axis: 1 });
  const mapped = vmap(vmap((v: NDArray) => fft.rfft(v), { inAxes: 1, outAxes: 1 }))(x);
  assertEquals(mapped.re.shape, y.re.shape);
  assert(np.allClose(mapped.re, y.re).item() && np.allClose(mapped.im, y.im).item());
});

Deno.test("the gradient of the energy is that of the signal, times the length", () => {
  for (const n of [8, 15, 71]) {
    const x = random.normal(random.key(n), [n], { dtype: "float64" });
    const energy = (v: NDArray): NDArray => {
      const { re, im } = fft.fft(v);
      return re.square().add(im.square()).sum();
    };
    for (const slope of [grad(energy), jit(grad(energy))]) {
      assert(
        np.allClose(slope(x), x.mul(2 * n), { rtol: 1e-12, atol: 1e-12 }).item(),
        `${n}`,
      );
    }
  }
});

const x = np.ones([2, 3]);
mistake("a list", () => fft.fft(any([1, 2])), TypeError, "fft: x is | np.array(...)");
mistake("other names of parts", () => fft.fft(any({ real: x })), TypeError, "fft: | { re, im }");
mistake(
  "parts of two shapes",
  () => fft.fft({ re: x, im: np.ones([2]) }),
  ShapeError,
  "x.re has shape [2,3] and x.im [2]",
);
mistake("no elements", () => fft.fft(x, { n: 0 }), RangeError, "fft: n must be an integer | 0");
mistake("a norm", () => fft.fft(x, { norm: any("unitary") }), TypeError, '"unitary" | "ortho"');
mistake("complex for real", () => fft.rfft(any({ re: x, im: x })), TypeError, "are for fft");
mistake("one axis", () => fft.fft2(x, { axes: [0] }), ShapeError, "fft2: axes is [0] | two axes");
mistake("an axis twice", () => fft.fftn(x, { axes: [0, 0] }), ShapeError, "fftn: | twice | [0,0]");
mistake(
  "lengths of other axes",
  () => fft.fftn(x, { s: [1], axes: [0, 1] }),
  ShapeError,
  "1 lengths for the 2 axes",
);
mistake("below 0", () => fft.fftfreq(-1), RangeError, "fftfreq: n must be an integer, 0 or more");
