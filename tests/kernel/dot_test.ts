/**
 * Matrix products in WebAssembly against plain loops: any shape and stride, every way to compute
 * them, and nothing touched around them.
 *
 * @module
 */
import { Module } from "../../lib/kernel/encoder.ts";
import type { Fn } from "../../lib/kernel/encoder.ts";
import { LANES, type LaneType } from "../../lib/kernel/lanes.ts";
import {
  detectFma,
  dotKernel,
  type Epilogue,
  type MatrixView,
  type Product,
} from "../../lib/kernel/dot.ts";
import { planProduct } from "../../lib/kernel/dot_plan.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { Random, seedNote } from "../support/random.ts";

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
};

/** Numbers in [0, 1) for the case of a number. */
function uniform(number: number): () => number {
  const random = new Random(`products ${number}`);
  return () => random.next();
}

/** What stands everywhere except in operands: NaN, or a number that no sum is. */
function poison(dtype: LaneType): number {
  return dtype.startsWith("float") ? NaN : dtype === "int32" ? -1234567891 : 3141592653;
}

/** Byte pattern of the poison, to compare with. */
function same(a: number, b: number): boolean {
  return Object.is(a, b);
}

interface Placed {
  readonly view: MatrixView;
  /** Smallest and largest offset of an element. */
  readonly low: number;
  readonly high: number;
}

type Extents = readonly [batch: number, rows: number, columns: number];

function place(extents: Extents, strides: readonly number[], offset: number): Placed {
  let low = offset;
  let high = offset;
  extents.forEach((n, i) => {
    const reach = (n - 1) * strides[i]!;
    if (reach < 0) low += reach;
    else high += reach;
  });
  const [batch, row, column] = strides as [number, number, number];
  return { view: { offset, batch, row, column }, low, high };
}

/** A view with axes in any order, apart or not, backwards or not; repeated ones if allowed. */
function randomView(random: () => number, extents: Extents, repeats: boolean): Placed {
  const order = [0, 1, 2].sort(() => random() - 0.5);
  const strides = [0, 0, 0];
  let stride = random() < 0.8 ? 1 : 2 + Math.floor(random() * 3);
  for (const axis of order) {
    if (repeats && random() < 0.12) continue;
    strides[axis] = random() < 0.15 ? -stride : stride;
    stride *= Math.max(1, extents[axis]!);
    if (random() < 0.3) stride += Math.floor(random() * 5);
  }
  return place(extents, strides, Math.floor(random() * 10));
}

function at(v: MatrixView, b: number, i: number, j: number): number {
  return v.offset + b * v.batch + i * v.row + j * v.column;
}

interface Case {
  readonly dtype: LaneType;
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly x: Placed;
  readonly y: Placed;
  readonly out: Placed;
  readonly epilogue?: Epilogue;
  readonly operands?: readonly Placed[];
}

function product({ dtype, batch, m, n, k, x, y, out, epilogue }: Case): Product {
  return {
    ...{ dtype, batch, m, n, k, x: x.view, y: y.view, out: out.view },
    ...(epilogue === undefined ? {} : { epilogue }),
  };
}

/** out = sum * operands[0] + operands[1] + ..., lane by lane. */
function scaleAndAdd(dtype: LaneType, operands: readonly Placed[]): Epilogue {
  return {
    key: "scale and add",
    operands: operands.map((o) => o.view),
    emit(f: Fn, value: number, [scale, ...terms]: readonly number[]): void {
      f.get(value).get(scale!).simd(LANES[dtype].mul);
      for (const term of terms) f.get(term).simd(LANES[dtype].add);
      f.set(value);
    },
  };
}

/** Runs a case twice, checks every element and everything around; gives the largest error. */
function check(c: Case, fma: boolean, random: () => number): number {
  const { dtype, batch, m, n, k } = c;
  const { size } = LANES[dtype];
  const module = new Module();
  const { fn, scratchBytes } = dotKernel(module, product(c), { fma });
  const bytes = module.encode({ run: fn });

  // One after another, with room around; the last ends 16 bytes before the memory does.
  const placed = [c.out, c.x, c.y, ...c.operands ?? []];
  const slack = 64;
  let top = 64;
  const pointers: number[] = [];
  for (const p of placed) {
    top += slack;
    pointers.push(top - Math.min(0, p.low) * size);
    top = pointers.at(-1)! + (p.high + 1) * size;
  }
  const scratch = Math.ceil((top + slack) / 64) * 64;
  const pages = Math.ceil((scratch + scratchBytes + slack) / 65536);
  const memory = new WebAssembly.Memory({ initial: pages });
  const last = placed.length - 1;
  const end = pages * 65536 - 16 - (placed[last]!.high + 1) * size;
  if (end + placed[last]!.low * size >= scratch + scratchBytes) pointers[last] = end;
  const all = new arrays[dtype](memory.buffer as ArrayBuffer);
  all.fill(poison(dtype));
  const float = dtype.startsWith("float");
  placed.forEach((p, which) => {
    const extents = which === 1 ? [batch, m, k] : which === 2 ? [batch, k, n] : [batch, m, n];
    if (which === 0) return;
    for (let b = 0; b < extents[0]!; b++) {
      for (let i = 0; i < extents[1]!; i++) {
        for (let j = 0; j < extents[2]!; j++) {
          const value = float ? random() * 2 - 1 : Math.floor((random() - 0.5) * 2 ** 32);
          all[pointers[which]! / size + at(p.view, b, i, j)] = value;
        }
      }
    }
  });
  const before = all.slice();
  const constants = new WebAssembly.Global({ value: "i32" }, 0);
  const { run } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    env: { memory, constants },
  }).exports as { run: (...pointers: number[]) => void };
  for (let time = 0; time < 2; time++) {
    run(pointers[1]!, pointers[2]!, pointers[0]!, scratch, ...pointers.slice(3));
  }

  const value = (which: number, v: MatrixView, b: number, i: number, j: number): number =>
    before[pointers[which]! / size + at(v, b, i, j)]!;
  let worst = 0;
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        let wrapped = 0;
        let norm = 0;
        for (let q = 0; q < k; q++) {
          const p = value(1, c.x.view, b, i, q);
          const r = value(2, c.y.view, b, q, j);
          sum += p * r;
          norm += Math.abs(p * r);
          wrapped = (wrapped + Math.imul(p, r)) | 0;
        }
        (c.operands ?? []).forEach((o, which) => {
          const e = value(which + 3, o.view, b, i, j);
          sum = which === 0 ? sum * e : sum + e;
          norm += Math.abs(e);
          wrapped = which === 0 ? Math.imul(wrapped, e) : (wrapped + e) | 0;
        });
        const place = pointers[0]! / size + at(c.out.view, b, i, j);
        const got = all[place]!;
        if (float) {
          const error = Math.abs(got - sum) / Math.max(norm, 1e-30);
          if (!(error <= worst)) worst = error;
        } else {
          assertEquals(got, dtype === "int32" ? wrapped : wrapped >>> 0);
        }
        all[place] = poison(dtype);
      }
    }
  }
  before.forEach((v, i) => {
    const place = i * size;
    if (place >= scratch && place < scratch + scratchBytes) return;
    if (!same(v, all[i]!)) {
      throw new Error(`element ${i} is ${all[i]}, was ${v}; out is at ${pointers[0]! / size}`);
    }
  });
  return worst;
}

const TOLERANCE = { float32: 2e-6, float64: 4e-15, int32: 0, uint32: 0 };
const dtypes: readonly LaneType[] = ["float32", "float64", "int32", "uint32"];

function describe(c: Case): string {
  return JSON.stringify({ ...c, epilogue: c.epilogue?.key });
}

function checked(c: Case, fma: boolean, random: () => number, name: string): void {
  let error: number;
  try {
    error = check(c, fma, random);
  } catch (e) {
    throw new Error(`${name}: ${describe(c)}`, { cause: e });
  }
  assert(error <= TOLERANCE[c.dtype], `${name}: error ${error} in ${describe(c)}`);
}

/** A random extent: mostly small, around the sizes of vectors and tiles. */
function extent(random: () => number, most: number): number {
  return random() < 0.15 ? 1 : Math.ceil(random() ** 2 * most);
}

const ways = new Map<string, number>();

function count(c: Case): void {
  const { along, whole, copyX, copyY, form, depthBlock } = planProduct(product(c));
  const way = [
    along,
    whole ? "whole" : "in blocks",
    copyX ? "x copied" : "",
    copyY ? "y copied" : "",
    depthBlock < form.k ? "deep" : "",
  ].filter((s) => s !== "").join(", ");
  ways.set(way, (ways.get(way) ?? 0) + 1);
}

function randomCase(random: () => number, sizes: Extents & { readonly length: 3 }): Case {
  const dtype = dtypes[Math.floor(random() * 4)]!;
  const [most, deepest, batches] = sizes;
  const batch = extent(random, batches);
  const m = extent(random, most);
  const n = extent(random, most);
  const k = random() < 0.03 ? 0 : extent(random, deepest);
  const operands = random() < 0.3
    ? [0, 1].map(() => randomView(random, [batch, m, n], true))
    : undefined;
  const c: Case = {
    ...{ dtype, batch, m, n, k },
    x: randomView(random, [batch, m, k], true),
    y: randomView(random, [batch, k, n], true),
    out: randomView(random, [batch, m, n], false),
    ...(operands === undefined ? {} : { operands, epilogue: scaleAndAdd(dtype, operands) }),
  };
  count(c);
  return c;
}

for (
  const [name, rounds, sizes] of [
    ["small", 600, [12, 20, 8]],
    ["middling", 150, [50, 60, 20]],
    ["deep", 60, [6, 1500, 3]],
    ["large", 40, [150, 400, 2]],
  ] as const
) {
  Deno.test(`${name} products of any strides are those of plain loops`, () => {
    for (let seed = 1; seed <= rounds; seed++) {
      const random = uniform(seed * 7919 + name.length);
      const c = randomCase(random, sizes);
      checked(c, detectFma() && random() < 0.5, random, `case ${seed} (${seedNote})`);
    }
  });
}

/** A dense array, its last two axes in order or turned. */
function dense([batch, rows, columns]: Extents, turned: boolean): Placed {
  const strides = turned ? [rows * columns, 1, rows] : [rows * columns, columns, 1];
  return place([batch, rows, columns], strides, 0);
}

Deno.test("products of whole arrays, either of them turned, are those of plain loops", () => {
  const random = uniform(2718);
  for (
    const [batch, m, k, n] of [
      ...[[1, 64, 64, 64], [1, 70, 300, 90], [1, 199, 520, 65], [1, 300, 33, 530]],
      ...[[1, 1, 300, 200], [1, 200, 300, 1], [1, 1, 3000, 1], [1, 100, 1, 100]],
      ...[[100, 3, 100, 3], [100, 3, 3, 1], [100, 1, 3, 1], [7, 40, 40, 40], [5, 3, 300, 70]],
    ] as const
  ) {
    for (const ways of [0, 1, 2, 3, 4, 5, 6, 7]) {
      const [x, y, out] = [(ways & 1) > 0, (ways & 2) > 0, (ways & 4) > 0] as const;
      const dtype = dtypes[(ways + m + n) % 4]!;
      const c: Case = {
        ...{ dtype, batch, m, n, k },
        x: dense([batch, m, k], x),
        y: dense([batch, k, n], y),
        out: dense([batch, m, n], out),
      };
      count(c);
      checked(c, detectFma(), random, "dense");
    }
  }
});

Deno.test("members of a batch that lie beside each other are computed together", () => {
  const random = uniform(31415);
  for (const batch of [4, 5, 33]) {
    for (const [m, k, n] of [[3, 3, 1], [3, 100, 3], [5, 700, 9], [60, 60, 3]] as const) {
      const beside = (rows: number, columns: number): Placed =>
        place([batch, rows, columns], [1, columns * batch, batch], 0);
      const c: Case = {
        ...{ dtype: dtypes[batch % 4]!, batch, m, n, k },
        x: beside(m, k),
        y: beside(k, n),
        out: dense([batch, m, n], false),
      };
      count(c);
      checked(c, detectFma(), random, "beside");
    }
  }
});

Deno.test("axes of the batch may be walked through one within another", () => {
  // Heads of attention: [2, 5, 3, 8] and [2, 7, 3, 8], of which the first and third axis are in common.
  const [batch, heads, m, n, k] = [2, 3, 5, 7, 8];
  const module = new Module();
  const { fn, scratchBytes } = dotKernel(module, {
    ...{ dtype: "float64", batch: heads, m, n, k },
    outer: [{ n: batch, x: m * heads * k, y: n * heads * k, targets: [heads * m * n] }],
    x: { offset: 0, batch: k, row: heads * k, column: 1 },
    y: { offset: 0, batch: k, row: 1, column: heads * k },
    out: { offset: 0, batch: m * n, row: n, column: 1 },
  }, { fma: false });
  const memory = new WebAssembly.Memory({ initial: 1 });
  const constants = new WebAssembly.Global({ value: "i32" }, 0);
  const { run } = new WebAssembly.Instance(new WebAssembly.Module(module.encode({ run: fn })), {
    env: { memory, constants },
  }).exports as { run: (...pointers: number[]) => void };
  const all = new Float64Array(memory.buffer as ArrayBuffer);
  const [x, y, out, scratch] = [0, 1000, 2000, 4000];
  assert(scratch * 8 + scratchBytes < 65536);
  for (let i = 0; i < 2000; i++) all[i] = i % 17 - 8;
  run(x * 8, y * 8, out * 8, scratch * 8);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let q = 0; q < k; q++) {
            sum += all[x + ((b * m + i) * heads + h) * k + q]! *
              all[y + ((b * n + j) * heads + h) * k + q]!;
          }
          assertEquals(all[out + ((b * heads + h) * m + i) * n + j], sum);
        }
      }
    }
  }
});

Deno.test("these products take every way there is", () => {
  for (
    const way of [
      "columns, whole",
      "columns, in blocks",
      "columns, in blocks, y copied",
      "columns, in blocks, x copied, y copied",
      "depth, in blocks, x copied, y copied, deep",
      "depth, whole",
      "depth, in blocks",
      "depth, in blocks, deep",
      "batch, whole",
      "batch, in blocks",
    ]
  ) {
    assert(ways.has(way), `${way} is none of ${JSON.stringify([...ways])}`);
  }
});
