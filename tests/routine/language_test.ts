/**
 * The language of routines: JavaScript, closures and WebAssembly do the same, for each dtype and for
 * lengths around those of vectors.
 *
 * @module
 */
import { allocate, type DType, dtypes, isFloat, type TypedArray } from "../../lib/core/dtype.ts";
import { InternalError } from "../../lib/core/errors.ts";
import { Module } from "../../lib/kernel/encoder.ts";
import { routineFn } from "../../lib/kernel/routine.ts";
import { type Routine, routine } from "../../lib/routine/routine.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { inWasm, outputs } from "../support/routines.ts";

/** Elements of all kinds: for floats, among them NaN, both zeros, infinities and the largest. */
function elements(dtype: DType, n: number, seed: number): TypedArray {
  const out = allocate(dtype, n);
  const special = isFloat(dtype)
    ? [NaN, 0, -0, Infinity, -Infinity, 1e38, -1e-38, 0.5, -1.5, 2.5]
    : [
      0,
      1,
      -1,
      2147483647,
      -2147483648,
      3,
    ];
  let state = seed * 2654435761 >>> 0;
  for (let i = 0; i < n; i++) {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    const x = state % 4 === 0
      ? special[(state >>> 8) % special.length]!
      : (state / 2 ** 32 - 0.5) * 9;
    out[i] = dtype === "bool" ? state >>> 13 & 1 : x;
  }
  return out;
}

const floats: readonly DType[] = ["float32", "float64"];
const numbers: readonly DType[] = [...floats, "int32", "uint32"];

/** Programs `f(in x, in y, out z, n)` on arrays of n elements, and the dtypes that they fit. */
const programs: Readonly<Record<string, readonly [of: readonly DType[], text: string]>> = {
  "copies": [dtypes, "vector i in 0..n { z[i] = x[i] }"],
  "arithmetic": [numbers, "for i in 0..n { z[i] = x[i] * y[i] - (x[i] + y[i]) }"],
  "arithmetic in vectors": [numbers, "vector i in 0..n { z[i] = x[i] * y[i] - (x[i] + y[i]) }"],
  "vectors that start anywhere": [
    numbers,
    `
    // From a third on: every place is reached, x[0] first.
    let k = n / 3 // Rounded down.
    vector i in 0..n { z[i] = 0 }
    vector i in k..n { z[i] = x[i - k] + 1 }`,
  ],
  "declared vectors": [
    numbers,
    `
    let c = T(3)
    vector i in 0..n {
      let s = x[i] + c * y[i]
      z[i] = s * s
    }`,
  ],
  "rotated rows": [
    floats,
    `
    let h = n / 2
    let c = T(0.6)
    let s = T(0.8)
    vector i in 0..n { z[i] = x[i] }
    vector i in 0..h {
      let a = z[i]
      let b = z[h + i]
      z[i] = c * a + s * b
      z[h + i] = c * b - s * a
    }`,
  ],
  "functions": [
    floats,
    `
    for i in 0..n {
      let a = sqrt(abs(x[i])) + floor(y[i]) * ceil(y[i])
      z[i] = select(i % 2 == 0, a - trunc(x[i]), nearest(y[i]))
    }`,
  ],
  "functions in vectors": [
    floats,
    `
    vector i in 0..n {
      let a = sqrt(abs(x[i])) + floor(y[i]) * ceil(y[i])
      z[i] = select(x[i] < y[i], a - trunc(x[i]), nearest(-y[i]))
    }`,
  ],
  "conditions": [
    dtypes,
    `
    for i in 0..n {
      if x[i] < y[i] and not (x[i] == 0) { z[i] = x[i] }
      else if x[i] > y[i] or y[i] != y[i] { z[i] = y[i] }
      else { z[i] = select(x[i] <= y[i], T(1), 0) }
    }`,
  ],
  "conditions in vectors": [
    numbers,
    `
    vector i in 0..n { z[i] = select(x[i] >= y[i] and not (x[i] == y[i]), x[i], y[i]) }`,
  ],
  "extremes": [numbers, "for i in 0..n { z[i] = min(x[i], max(y[i], T(1))) }"],
  "extremes in vectors": [
    numbers,
    `
    let one = T(1)
    vector i in 0..n { z[i] = min(x[i], max(y[i], one)) }`,
  ],
  "signs": [floats, "for i in 0..n { z[i] = copysign(x[i], y[i]) }"],
  "lengths of vectors": [floats, "for i in 0..n { z[i] = hypot(x[i], y[i]) }"],
  "bits of integers": [
    ["int32", "uint32"],
    `
    for i in 0..n { z[i] = ((x[i] & y[i]) | 3) ^ (x[i] << T(5)) + (y[i] >> T(3)) }`,
  ],
  "division of integers": [
    ["int32", "uint32"],
    `
    for i in 0..n { z[i] = x[i] / (y[i] & 7 | 1) + x[i] % 7 }`,
  ],
  "negation and size of integers": [["int32"], "for i in 0..n { z[i] = -x[i] + abs(y[i]) }"],
  "conversions": [
    dtypes,
    `
    for i in 0..n {
      let a = Wide(x[i])
      z[i] = T(a) + T(i32(x[i] == y[i]))
    }`,
  ],
  "wide vectors": [floats, "vector i in 0..n { z[i] = T(f64(x[i]) * f64(y[i])) }"],
  "wide choices": [
    floats,
    `
    let zero = f64(0)
    vector i in 0..n { z[i] = T(select(x[i] < y[i], f64(x[i]), zero)) }`,
  ],
  "words of floats": [["float64"], "for i in 0..n { z[i] = f64(high(x[i])) + f64(low(x[i])) }"],
  "bits of floats": [["float32"], "for i in 0..n { z[i] = f32(bits(x[i])) }"],
  "loops down": [
    numbers,
    `
    let total = T(0)
    for i in 0..n down {
      total += x[i]
      z[i] = total
    }`,
  ],
  "loops by steps": [
    dtypes,
    `
    for i in 0..n { z[i] = 0 }
    for i in 1..n by 3 { z[i] = x[i] }
    for i in 0..n down by 4 { z[i] = y[i] }`,
  ],
  "breaks": [
    dtypes,
    `
    for i in 0..n {
      z[i] = 0
      for j in i..n {
        if x[j] == 0 { if i > 0 { break } }
        z[i] = x[j]
      }
      let k = 0
      while k < n {
        if y[k] != 0 { break }
        k += 1
      }
      if k < n { z[i] = y[k] }
    }`,
  ],
  "matrices": [
    dtypes,
    `
    let m = n / 4
    for i in 0..n { z[i] = x[i] }
    for i in 0..m { for j in 0..4 { z[j * m + i] = x[i * 4 + j] } }`,
  ],
};

const lengths = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 70];

for (const [name, [fits, text]] of Object.entries(programs)) {
  Deno.test(`the same in JavaScript, closures and WebAssembly: ${name}`, () => {
    const r = routine(`f(in x: T[n], in y: T[n], out z: T[n], n) {${text}}`);
    for (const dtype of fits) {
      for (const n of lengths) {
        const inputs = [elements(dtype, n, n + 1), elements(dtype, n, n + 2)];
        const results = outputs(r, dtype, inputs, [[dtype, n]], n);
        for (const [way, result] of Object.entries(results)) {
          // As numbers: NaN has many bits.
          const expected = Array.from(results.closures![0]!);
          assertEquals(Array.from(result[0]!), expected, `${way}, ${dtype}[${n}]`);
        }
      }
    }
  });
}

Deno.test("vector loops and sums use vectors", () => {
  const usesVectors = (text: string, dtype: DType): boolean => {
    const r = routine(`f(in x: T[n], in y: T[n], out z: T[n], n) {${text}}`);
    const fn = routineFn(new Module(), r, dtype, { fma: false });
    // Loads of vectors and of halves: prefix, number and alignment.
    return /253,(0|93),0,/.test(Array.from(fn.code.view(), String).join());
  };
  const loops = Object.entries(programs).filter(([, [, text]]) => text.includes("vector"));
  for (const [name, [fits, text]] of loops) {
    for (const dtype of fits) {
      // Bytes are no vectors, and a choice between doubles by floats is none of two elements.
      const expected = dtype !== "bool" && !(name === "wide choices" && dtype === "float32");
      assertEquals(usesVectors(text, dtype), expected, `${name}, ${dtype}`);
    }
  }
  const product = "z[0] = sum(i in 0..n: x[i] * y[i])";
  for (const dtype of numbers) assertEquals(usesVectors(product, dtype), true, dtype);
});

const dot: Routine = routine(`
dot(in x: T[n], in y: T[n], out z: T[2], n) {
  z[0] = sum(i in 0..n: x[i] * y[i])
  if sum(i in 0..n: x[i]) > 0 { z[1] = T(sum(i in 1..n: Wide(x[i]) - Wide(y[i - 1]))) }
  else { z[1] = 0 }
}`);

Deno.test("sums are right to rounding, with fused multiplication too", () => {
  for (const dtype of numbers) {
    for (const n of lengths) {
      const inputs = [0, 1].map((k) => allocate(dtype, n).map((_, i) => (i * 7 + k) % 5 + 1));
      const [x, y] = inputs as [TypedArray, TypedArray];
      let [product, difference] = [0, 0];
      for (let i = 0; i < n; i++) product += x[i]! * y[i]!;
      for (let i = 1; i < n; i++) difference += x[i]! - y[i - 1]!;
      const expected = allocate(dtype, 2);
      expected.set([product, difference]);
      const results = outputs(dot, dtype, inputs, [[dtype, 2]], n);
      const fused = allocate(dtype, 2);
      inWasm(dot, dtype, true)(x, y, fused, n);
      for (const [way, [z]] of Object.entries({ ...results, fused: [fused] })) {
        assertEquals(z, expected, `${way}, ${dtype}[${n}]`);
      }
    }
  }
});

Deno.test("sums run along rows, columns and diagonals, and may read one element in all rounds", () => {
  const sums = routine(`
sums(in x: T[n, n], out rows: T[n], out columns: T[n], out both: T[2], n) {
  for k in 0..n {
    rows[k] = sum(i in 0..n: x[k, i] * x[k, 0])
    columns[k] = sum(i in 0..n: x[i, k])
  }
  both[0] = sum(i in 0..n: x[i, i] + x[0, 0])
  both[1] = sum(i in 0..n: x[i, n - 1 - i])
}`);
  for (const dtype of numbers) {
    for (const n of [1, 2, 5, 17]) {
      const x = allocate(dtype, n * n).map((_, i) => (i * 5 + 3) % 7);
      const [rows, columns, both] = [n, n, 2].map((size) => allocate(dtype, size));
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          rows![i]! += x[i * n + j]! * x[i * n]!;
          columns![j]! += x[i * n + j]!;
        }
        both![0]! += x[i * n + i]! + x[0]!;
        both![1]! += x[i * n + n - 1 - i]!;
      }
      const outs = [n, n, 2].map((size) => [dtype, size] as const);
      for (const [way, results] of Object.entries(outputs(sums, dtype, [x], outs, n))) {
        assertEquals(results, [rows!, columns!, both!], `${way}, ${dtype}, ${n}`);
      }
    }
  }
});

Deno.test("a routine calls others, on parts of arrays", () => {
  const row = routine("row(in x: T[n], out y: T[n], n) { for i in 0..n { y[n - 1 - i] = x[i] } }");
  const rows = routine(
    `rows(in x: T[m, n], out y: T[m, n], scratch w: T[n], m, n) {
      for i in 0..m {
        row(x[i, 0], w, n)
        for j in 0..n { y[i, j] = w[j] + 1 }
      }
    }`,
    { row },
  );
  const x = Float32Array.of(1, 2, 3, 4, 5, 6);
  for (const [y] of Object.values(outputs(rows, "float32", [x], [["float32", 6]], 2, 3))) {
    assertEquals(y, Float32Array.of(4, 3, 2, 7, 6, 5));
  }
});

Deno.test("routines of one name are told apart", () => {
  const named = (sum: string): Routine =>
    routine(`part(in x: T[n], out y: T[n], n) {
    for i in 0..n { y[i] = x[i] ${sum} }
  }`);
  const both = routine(
    `both(in x: T[n], out y: T[n], scratch w: T[n], n) {
      first(x, w, n)
      second(w, y, n)
    }`,
    { first: named("+ 1"), second: named("* 3") },
  );
  const x = Float64Array.of(1, 2);
  for (const [y] of Object.values(outputs(both, "float64", [x], [["float64", 2]], 2))) {
    assertEquals(y, Float64Array.of(6, 9));
  }
});

Deno.test("scratch is measured by scalars", () => {
  const r = routine("f(out x: T[n], scratch a: T[n, 2 * m], scratch b: i32[m + 1], n, m) {}");
  assertEquals(r.scratch("float64", [3, 5]), [
    { dtype: "float64", size: 30 },
    { dtype: "int32", size: 6 },
  ]);
});

Deno.test("a branch for floats alone need not fit integers", () => {
  const r = routine(`f(in x: T[n], out y: T[n], n) {
    for i in 0..n {
      if isFloat { y[i] = sqrt(x[i]) } else { y[i] = x[i] | 1 }
    }
  }`);
  for (const [y] of Object.values(outputs(r, "int32", [Int32Array.of(4)], [["int32", 1]], 1))) {
    assertEquals(y, Int32Array.of(5));
  }
  for (
    const [y] of Object.values(outputs(r, "float32", [Float32Array.of(4)], [["float32", 1]], 1))
  ) {
    assertEquals(y, Float32Array.of(2));
  }
});

const mistakes: Readonly<Record<string, readonly [text: string, message: string]>> = {
  "an unknown variable": ["x[0] = y", "line 1: no variable y"],
  "types that differ": ["let a = 1\nx[a] = a", "line 2: i32 where f32 is needed"],
  "a number without a type": ["let a = 0.5", "line 1: of which type is 0.5?"],
  "a condition that is none": ["if n { }", "line 1: i32 where bool is needed"],
  "bits of floats": ["x[0] = x[0] & x[1]", "line 1: & of f32"],
  "an accumulator in a vector loop": [
    "let s = T(0)\nvector i in 0..n { s += x[i] }",
    "line 2: a vector loop declares values and stores elements",
  ],
  "a sum in the condition of a loop": [
    "while sum(i in 0..n: x[i]) > 0 { }",
    "line 1: no sum in the condition of a loop",
  ],
  "too many indices": ["x[0, 0] = 1", "line 1: x takes 1 indices"],
  "a missing bracket": ["x[0 = 1", "line 1: , expected, not ="],
  "a strange sign": ["x[0] = #", "line 1: #"],
};

for (const [name, [text, message]] of Object.entries(mistakes)) {
  Deno.test(`refused with its line: ${name}`, () => {
    const r = routine(`f(out x: T[n], n) { ${text} }`);
    assertThrows(() => r.typed("float32"), InternalError, message);
  });
}

Deno.test("a vector loop that does not go element by element is refused", () => {
  for (const body of ["x[2 * i] = 0", "x[n - i] = 0", "x[n] = 0", "let k = n\nx[i + k] = 0"]) {
    const r = routine(`f(out x: T[n], n) { vector i in 0..n { ${body} } }`);
    assertThrows(
      () => routineFn(new Module(), r, "float32", { fma: false }),
      InternalError,
      "x moves by other steps than a vector loop",
    );
  }
});

Deno.test("closures find what is outside of an array", () => {
  const r = routine("f(out x: T[n], n) { for i in 0..n + 1 { x[i] = 0 } }");
  assertThrows(
    () => outputs(r, "float32", [], [["float32", 3]], 3),
    InternalError,
    "a routine touches x[3] of 3 elements",
  );
});
