/**
 * Sums of products over any axes against the definition: every element of the batch of products has
 * the right pairs of elements.
 *
 * @module
 */
import { contractionOf, type StridedView } from "../../lib/kernel/contraction.ts";
import type { MatrixView, OuterAxis } from "../../lib/kernel/product.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { Random, seedNote } from "../support/random.ts";

/** Numbers in [0, 1) for the case of a number. */
function uniform(number: number): () => number {
  const random = new Random(`products ${number}`);
  return () => random.next();
}

function shuffled<T>(random: () => number, items: readonly T[]): T[] {
  return items.map((item) => ({ item, key: random() })).sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** Dense, permuted, with gaps, backwards or repeated along some axes. */
function randomStrides(random: () => number, shape: readonly number[]): StridedView {
  const strides = shape.map(() => 0);
  const order = random() < 0.5
    ? shape.map((_, i) => shape.length - 1 - i)
    : shuffled(random, shape.map((_, i) => i));
  let stride = 1;
  for (const axis of order) {
    if (random() < 0.05) continue;
    strides[axis] = random() < 0.05 ? -stride : stride;
    stride *= shape[axis]!;
    if (random() < 0.05) stride += 3;
  }
  return { shape, strides, offset: Math.floor(random() * 20) };
}

/** All indices of a shape, in order. */
function indices(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (all, n) => all.flatMap((index) => Array.from({ length: n }, (_, i) => [...index, i])),
    [[]],
  );
}

function offsetOf(v: StridedView, index: readonly number[]): number {
  return index.reduce((at, i, axis) => at + i * v.strides[axis]!, v.offset);
}

/** Offsets of elements in `v`, in the order of a dense copy with its axes permuted. */
function copied(v: StridedView, perm: readonly number[]): number[] {
  return indices(perm.map((a) => v.shape[a]!)).map((index) => {
    const original = v.shape.map((_, axis) => index[perm.indexOf(axis)]!);
    return offsetOf(v, original);
  });
}

Deno.test("sums of products over any axes are batches of matrix products", () => {
  const seen = { copyX: 0, copyY: 0, neither: 0, several: 0, outer: 0 };
  for (let seed = 1; seed <= 500; seed++) {
    const random = uniform(seed);
    const lengths = (most: number): number[] =>
      Array.from({ length: Math.floor(random() * (most + 1)) }, () => 1 + Math.floor(random() * 3));
    const [batch, contract, xFree, yFree] = [lengths(2), lengths(2), lengths(2), lengths(2)];
    const layOut = (free: readonly number[]): { view: StridedView; at: number[][] } => {
      const all = [...batch, ...contract, ...free];
      const axes = all.map((_, i) => i);
      const order = random() < 0.4 ? axes : shuffled(random, axes);
      const paired = batch.length + contract.length;
      // Axes of an array alone keep their order.
      const places = [...order.slice(0, paired), ...order.slice(paired).sort((a, b) => a - b)];
      const shape: number[] = [];
      places.forEach((axis, i) => shape[axis] = all[i]!);
      return {
        view: randomStrides(random, shape),
        at: [
          places.slice(0, batch.length),
          places.slice(batch.length, paired),
          places.slice(paired),
        ],
      };
    };
    const x = layOut(xFree);
    const y = layOut(yFree);
    const { product, copyX, copyY } = contractionOf("float32", x.view, y.view, {
      batch: [x.at[0]!, y.at[0]!],
      contract: [x.at[1]!, y.at[1]!],
    });
    if (copyX !== null) seen.copyX++;
    if (copyY !== null) seen.copyY++;
    if (copyX === null && copyY === null) {
      seen.neither++;
      if (Math.max(batch.length, contract.length, xFree.length, yFree.length) > 1) seen.several++;
    }
    // What the product pairs up: for each element of `out`, offsets in x and y.
    const fromX = copyX === null ? null : copied(x.view, copyX);
    const fromY = copyY === null ? null : copied(y.view, copyY);
    const at = (v: MatrixView, b: number, i: number, j: number): number =>
      v.offset + b * v.batch + i * v.row + j * v.column;
    const got: string[] = [];
    const { outer = [] } = product;
    for (const index of indices([...outer.map((o) => o.n), product.batch, product.m, product.n])) {
      const [b, i, j] = index.slice(outer.length) as [number, number, number];
      const far = (of: (o: OuterAxis) => number): number =>
        outer.reduce((sum, o, axis) => sum + index[axis]! * of(o), 0);
      const pairs = Array.from({ length: product.k }, (_, k) => {
        const p = at(product.x, b, i, k) + far((o) => o.x);
        const q = at(product.y, b, k, j) + far((o) => o.y);
        return `${fromX?.[p] ?? p} ${fromY?.[q] ?? q}`;
      });
      const place = at(product.out, b, i, j) + far((o) => o.targets[0]!);
      assertEquals(got[place], undefined);
      got[place] = pairs.sort().join();
    }
    if (outer.length > 0) seen.outer++;
    const want: string[] = [];
    for (const b of indices(batch)) {
      for (const i of indices(xFree)) {
        for (const j of indices(yFree)) {
          const pairs = indices(contract).map((k) => {
            const place = (
              v: { view: StridedView; at: number[][] },
              free: readonly number[],
            ): number => {
              const index: number[] = [];
              [b, k, free].forEach((part, kind) =>
                part.forEach((value, n) => index[v.at[kind]![n]!] = value)
              );
              return offsetOf(v.view, index);
            };
            return `${place(x, i)} ${place(y, j)}`;
          });
          want.push(pairs.sort().join());
        }
      }
    }
    assertEquals(got, want, `case ${seed} (${seedNote})`);
  }
  assert(Object.values(seen).every((n) => n > 20), JSON.stringify(seen));
});

Deno.test("arrays that lie in order are not copied, whatever the order of the summed axes", () => {
  const dense = (...shape: number[]): StridedView => ({
    shape,
    strides: shape.map((_, i) => shape.slice(i + 1).reduce((n, d) => n * d, 1)),
    offset: 0,
  });
  const { product, copyX, copyY } = contractionOf("float32", dense(5, 2, 3), dense(2, 3, 7), {
    contract: [[2, 1], [1, 0]],
    batch: [[], []],
  });
  assertEquals([copyX, copyY], [null, null]);
  assertEquals([product.batch, product.m, product.n, product.k], [1, 5, 7, 6]);
});

Deno.test("rows of two kinds are a batch of products with one factor", () => {
  // [a, b, k] of which a and b changed places: strides go on like those of no single axis.
  const x = { shape: [3, 4, 5], strides: [5, 15, 1], offset: 0 };
  const y = { shape: [5, 6], strides: [6, 1], offset: 0 };
  const { product, copyX } = contractionOf("float32", x, y, {
    contract: [[2], [0]],
    batch: [[], []],
  });
  assertEquals(copyX, null);
  assertEquals([product.batch, product.m, product.n, product.k], [3, 4, 6, 5]);
});
