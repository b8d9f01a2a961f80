/**
 * Arrays of a million elements, in numbers that no vector divides, and short rows, many of them: compiled,
 * they give what plain loops give.
 *
 * @module
 */
import { jit, type NDArray, numpy as np } from "../../mod.ts";
import { assertEquals } from "../support/assert.ts";
import { Random, seedNote } from "../support/random.ts";

type DType = "float32" | "float64" | "int32";
const dtypes: readonly DType[] = ["float32", "float64", "int32"];
/** Just above 2^20, in one row, long rows, short rows, and no multiples of vectors either way. */
const shapes: readonly (readonly [number, number])[] = [
  [1, 1_048_579],
  [3, 349_527],
  [349_527, 3],
  [1027, 1021],
];

/** Small whole numbers, whose squares any order adds up exactly. */
function whole(random: Random, [rows, columns]: readonly [number, number], dtype: DType): NDArray {
  const values = Float64Array.from(
    { length: rows * columns },
    () => Math.floor(random.next() * 7) - 3,
  );
  return np.array(values, { dtype }).reshape([rows, columns]);
}

/** The rows of an array, or its columns, one after the other. */
function* lines(x: NDArray, axis: 0 | 1): Generator<readonly number[]> {
  const [rows, columns] = x.shape as [number, number];
  const values = Array.from(x.dataSync());
  const [count, length] = axis === 1 ? [rows, columns] : [columns, rows];
  const step = axis === 1 ? 1 : columns;
  for (let i = 0; i < count; i++) {
    const from = axis === 1 ? i * columns : i;
    yield axis === 1
      ? values.slice(from, from + length)
      : Array.from({ length }, (_, k) => values[from + k * step]!);
  }
}

/** A function of each row, or of each column, by its definition. */
const along = (x: NDArray, axis: 0 | 1, f: (line: readonly number[]) => number): number[] =>
  Array.from(lines(x, axis), f);

Deno.test(`large arrays: reductions of rows and columns, also of the transpose (${seedNote})`, () => {
  const random = new Random("large reductions");
  const each = (x: NDArray, axis: number) => [x.sum(axis), x.max(axis), x.mul(x).sum(axis)];
  for (const dtype of dtypes) {
    for (const shape of shapes) {
      const x = whole(random, shape, dtype);
      for (const axis of [0, 1] as const) {
        const want: number[][] = [[], [], []];
        for (const line of lines(x, axis)) {
          let [sum, max, squares] = [0, -Infinity, 0];
          for (const v of line) {
            sum += v;
            squares += v * v;
            if (v > max) max = v;
          }
          [sum, max, squares].forEach((v, i) => want[i]!.push(v));
        }
        const f = (x: NDArray) => [...each(x, axis), ...each(x.transpose(), 1 - axis)];
        jit(f)(x).forEach((out, i) => {
          const wrong = out.dataSync().findIndex((v, k) => v !== want[i % 3]![k]);
          assertEquals(wrong, -1, `${dtype} [${shape}] over axis ${axis}, result ${i}`);
        });
      }
    }
  }
});

Deno.test(`large arrays: copies of transposes, flips and every third column (${seedNote})`, () => {
  const random = new Random("large views");
  for (const dtype of dtypes) {
    for (const shape of shapes) {
      const x = whole(random, shape, dtype);
      const [rows, columns] = shape;
      const values = x.dataSync();
      const got = jit((x: NDArray) => [
        x.transpose().add(1),
        np.flip(x, 1),
        np.at(x, np.slice(null), np.slice(1, null, 3)),
      ])(x);
      const at: readonly ((i: number) => number)[] = [
        (i) => values[(i % rows) * columns + Math.floor(i / rows)]! + 1,
        (i) => values[i - i % columns + columns - 1 - i % columns]!,
        (i) => {
          const kept = Math.ceil((columns - 1) / 3);
          return values[Math.floor(i / kept) * columns + 1 + 3 * (i % kept)]!;
        },
      ];
      got.forEach((out, k) => {
        const wrong = out.dataSync().findIndex((v, i) => v !== at[k]!(i));
        assertEquals(wrong, -1, `${dtype} [${shape}], result ${k}`);
      });
    }
  }
});

/** The first place of the largest number, or of the first NaN. */
function firstLargest(line: readonly number[]): number {
  const nan = line.findIndex(Number.isNaN);
  return nan >= 0 ? nan : line.reduce((at, v, i) => v > line[at]! ? i : at, 0);
}

Deno.test(`the first extreme is found wherever it is in a row or a column, and the first NaN (${seedNote})`, () => {
  const random = new Random("first extremes");
  for (const dtype of [...dtypes, "uint32", "bool"] as const) {
    for (const n of [1, 2, 63, 64, 65, 66, 128, 129, 130, 193, 1000]) {
      for (const width of [1, 2, 7, 8, 9, 33]) {
        const values = Float64Array.from({ length: n * width }, () => {
          const v = Math.floor(random.next() * 9);
          return dtype === "bool" ? v & 1 : dtype === "uint32" ? v : v - 4;
        });
        // Extremes are rare in the rows, or come twice; a few rows have NaN in front of or behind them.
        const places = [0, 1, 63, 64, 65, n - 2, n - 1].filter((i) => i >= 0 && i < n);
        for (let q = 0; q < width && dtype !== "bool"; q++) {
          const at = places[q % places.length]!;
          values[at * width + q] = dtype === "uint32" ? 4e9 : 100;
          if (q % 3 === 1) values[(n - 1) * width + q] = values[at * width + q]!;
          if (q % 3 === 2 && dtype.startsWith("float")) {
            values[Math.floor(random.next() * n) * width + q] = NaN;
            values[Math.floor(random.next() * n) * width + q] = NaN;
          }
        }
        const data = dtype === "bool" ? Array.from(values, (v) => v === 1) : values;
        const x = np.array(data, { dtype }).reshape([n, width]);
        const want = along(x, 0, firstLargest);
        const least = along(x, 0, (line) => firstLargest(line.map((v) => -v)));
        const f = (x: NDArray) => [
          np.argmax(x, 0),
          np.argmax(x.transpose().add(x.dtype === "bool" ? false : 0).astype(x.dtype), 1),
          np.argmin(x, 0),
        ];
        for (const g of [f, jit(f)]) {
          const [columns, rows, smallest] = g(x).map((out) => Array.from(out.dataSync()));
          assertEquals(columns, want, `${dtype} [${n}, ${width}], columns`);
          assertEquals(rows, want, `${dtype} [${n}, ${width}], rows`);
          assertEquals(smallest, least, `${dtype} [${n}, ${width}], smallest`);
        }
      }
    }
  }
});
