/**
 * Files that keep their large constants in two bytes an element compute with the rounded constants, in
 * float32.
 *
 * @module
 */
import { exportOnnx, exportOnnxWith, type NDArray, numpy as np, ShapeDtype } from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { openFile } from "../support/files.ts";
import { any } from "../support/mistakes.ts";
import { Random } from "../support/random.ts";

/** Significant bits and the smallest normal exponent of each type. */
const FORMATS = { float16: [11, -14], bfloat16: [8, -126] } as const;
type Half = keyof typeof FORMATS;

/** The nearest number of a format, ties to even, by division and rounding instead of by bits. */
function rounded(value: number, storage: Half): number {
  const [digits, lowest] = FORMATS[storage];
  if (value === 0 || !Number.isFinite(value)) return value;
  let exponent = Math.floor(Math.log2(Math.abs(value)));
  if (2 ** exponent > Math.abs(value)) exponent--;
  if (2 ** (exponent + 1) <= Math.abs(value)) exponent++;
  const quantum = 2 ** (Math.max(exponent, lowest) - digits + 1);
  const [whole, down] = [value / quantum, Math.floor(value / quantum)];
  const rest = whole - down;
  const up = rest > 0.5 || (rest === 0.5 && down % 2 !== 0);
  const result = (down + (up ? 1 : 0)) * quantum;
  return result === 0 ? 0 * value : result;
}

/** Values of all magnitudes that the type has, halfway cases and their neighbours among them. */
function samples(storage: Half): Float32Array<ArrayBuffer> {
  const random = new Random(`storage ${storage}`);
  const values: number[] = [
    0,
    -0,
    Infinity,
    -Infinity,
    NaN,
    1,
    -1,
    65504,
    65519,
    2 ** -24,
    2 ** -25,
  ];
  const [digits, lowest] = FORMATS[storage];
  const highest = storage === "float16" ? 14 : 126;
  for (let i = 0; i < 2000; i++) {
    const [a, b] = [random.next(), random.integer(0, 2 ** (digits - 1))];
    const exponent = Math.floor(a * (highest - lowest + digits + 1)) + lowest - digits;
    const significand = 2 ** (digits - 1) + b;
    const tie = (significand + 0.5) * 2 ** (exponent - digits + 1);
    values.push(tie, -tie, tie * (1 + 2 ** -22), tie * (1 - 2 ** -22), (1 + a) * 2 ** exponent);
  }
  return Float32Array.from(values);
}

for (const storage of ["float16", "bfloat16"] as const) {
  Deno.test(`constants kept as ${storage} are the nearest of that type`, async () => {
    const values = samples(storage);
    const constant = np.array(values);
    const file = await openFile(exportOnnxWith({ storage }, (x) => constant.mul(x), np.ones([])));
    const [found] = await file.run([np.array(1)]);
    await file.release();
    const expected = values.map((value) => rounded(value, storage));
    const wrong = [...expected].flatMap((want, i) => {
      const got = found!.dataSync()[i]!;
      return Object.is(got, want) ? [] : [`${values[i]} gives ${got} and not ${want}`];
    });
    assertEquals(wrong.slice(0, 5), []);
  });

  Deno.test(`a file with its weights as ${storage} has half the size, small constants as they are`, async () => {
    const w = np.arange(4096).reshape([64, 64]).div(4096);
    const b = np.arange(64).mul(0.1);
    const f = (x: NDArray): NDArray => np.tanh(x.matmul(w)).add(b);
    const x = np.ones([3, 64]).mul(0.01);
    const [whole, half] = [exportOnnx(f, x), exportOnnxWith({ storage }, f, x)];
    assert(half.length < whole.length - 2 * 4096 + 200, `${half.length} of ${whole.length} bytes`);
    const kept = np.array(w.dataSync().map((value) => rounded(value, storage))).reshape([64, 64]);
    const run = async (bytes: Uint8Array): Promise<NDArray> => {
      const file = await openFile(bytes);
      const [y] = await file.run([x]);
      await file.release();
      return y!;
    };
    const same = await run(exportOnnx((x: NDArray) => np.tanh(x.matmul(kept)).add(b), x));
    assertEquals([...(await run(half)).dataSync()], [...same.dataSync()]);
  });

  Deno.test(`open lengths, and results that are constants know ${storage}`, async () => {
    const w = np.arange(1024).reshape([32, 32]).div(1024);
    const f = (x: NDArray): NDArray[] => [x.matmul(w), w];
    const bytes = exportOnnxWith({ storage }, any(f), new ShapeDtype(["n", 32]));
    const file = await openFile(bytes);
    const [y, kept] = await file.run([np.ones([5, 32])]);
    await file.release();
    assertEquals(y!.shape, [5, 32]);
    const nearest = w.dataSync().map((value) => rounded(value, storage));
    assertEquals([...kept!.dataSync()], [...nearest]);
  });
}

Deno.test("what a type of two bytes has not is refused with the value", () => {
  const large = np.ones([16, 16]).mul(1e5);
  assertThrows(
    () => exportOnnxWith({ storage: "float16" }, (x) => large.add(x), np.ones([])),
    RangeError,
    'exportOnnx: 100000 in a constant of shape [16,16] is beyond float16. Scale the array, or use storage: "bfloat16"',
  );
  assertThrows(
    () => exportOnnxWith({ storage: any("half") }, (x) => large.add(x), np.ones([])),
    TypeError,
    'exportOnnx: storage is the string "half", not one of "float32", "float16", "bfloat16"',
  );
});
