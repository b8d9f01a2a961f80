/**
 * Compiled programs read and write what they should, wherever it lies: backwards, in parts of parts,
 * in memory that is written to again, and in more arrays than a function has parameters.
 *
 * @module
 */
import { type NDArray, numpy as np, scan, switchCase } from "../../mod.ts";
import { Arena } from "../../lib/kernel/space.ts";
import { assert } from "../support/assert.ts";
import { type Comparison, compiledDifference, staged } from "../support/compiled.ts";

const whole = (n: number): NDArray => np.array(n, { dtype: "int32" });

function agrees(
  name: string,
  f: (...args: NDArray[]) => unknown,
  inputs: () => NDArray[],
  more: Comparison = {},
): void {
  Deno.test(name, () => {
    const program = staged(f, inputs());
    for (const large of [0, Infinity]) {
      const found = compiledDifference(program, { large, ...more });
      assert(found === null, `large ${large}: ${found}`);
    }
  });
}

// In front of the first array there is less memory than it is long.
const square = (dtype: "float32" | "float64" | "int32" = "float32"): NDArray =>
  np.arange(1860, { dtype }).reshape([60, 31]);

for (const dtype of ["float32", "float64", "int32", "bool"] as const) {
  agrees(`arrays of ${dtype} are read backwards at any address`, (x) => {
    const y = np.flip(x, 1);
    return [
      np.flip(x.ravel(), 0).equal(x.ravel()),
      [np.flip(x), np.flip(x, 0), y.T],
      [y.max(0), y.max(1), y.min(), y.T.max(0), np.flip(y, 0).max(0)],
    ];
  }, () => [dtype === "bool" ? square().greater(400) : square(dtype)]);
}

agrees("products, loops and branches read backwards at any address", (x, i) => {
  const y = np.flip(x, 0);
  const byRow = (c: NDArray, u: NDArray) => [c.add(u.sum()), u.mul(2)] as const;
  const byElement = (c: NDArray, u: NDArray) => {
    const at = u.greater(3).astype("int32");
    return [switchCase(at, [(c: NDArray) => c.mul(2), (c: NDArray) => c.add(1)], c), u] as const;
  };
  return [
    np.matmul(np.flip(x, 1), y.T),
    scan(byRow, np.array(0), y),
    scan(byElement, np.array(0), np.flip(x.ravel(), 0)),
    [np.dynamicSlice(y, [i, 0], [1, 1]), np.dynamicSlice(np.flip(x, 1), [i, i], [5, 5]).sum(0)],
  ];
}, () => [square(), whole(3)]);

agrees("a part of a part of a carry is kept while the carry changes", (x, i, j) => {
  const step = ([c, , i, j]: NDArray[]) => {
    const part = np.dynamicSlice(np.dynamicSlice(c!, [i!], [4]), [j!], [2]);
    return [[c!.mul(2).add(np.flip(c!, 0)), part, i!.add(1), j!], null] as const;
  };
  return scan(step, [x, np.zeros([2]), i!, j!], null, { length: 3 })[0];
}, () => [np.arange(8, { dtype: "float32" }), whole(1), whole(0)]);

agrees("a part of a part of an array is written over it in one piece", (x, i, j) => {
  const step = ([c, i, j]: NDArray[]) => {
    const part = np.dynamicSlice(np.dynamicSlice(c!, [i!], [40]), [j!], [30]);
    return [[np.dynamicUpdateSlice(c!, part, [i!.add(1)]), i!.add(1), j!], null] as const;
  };
  return scan(step, [x, i!, j!], null, { length: 3 })[0];
}, () => [np.arange(64), whole(1), whole(0)]);

const many = (n: number): () => NDArray[] => () =>
  Array.from({ length: n }, (_, i) => np.arange(5).add(i));

agrees("one loop reads and writes two hundred arrays", (...xs) => {
  const pairs = Array.from({ length: 70 }, (_, i) => xs[2 * i]!.add(xs[2 * i + 1]!));
  return pairs;
}, many(140));

agrees("a thousand results are computed of the same elements", (x) => {
  const often = (f: () => NDArray) => Array.from({ length: 1100 }, f);
  return [often(() => x.add(1)), often(() => x.sum()), often(() => x.max(1))];
}, () => [np.arange(20).reshape([4, 5])]);

agrees("a thousand large arrays go in and out", (...xs) => xs.map((x) => x.mul(2)), many(600));

for (const dtype of ["float32", "float64"] as const) {
  const some = [1, 3, 0, -1, 1e-320, Infinity];
  agrees(
    `functions of what is seldom needed tell zeros apart in ${dtype}`,
    (x, y) => [np.log(x).mul(0), np.log(y).mul(-0)],
    () => [np.array(some, { dtype }), np.array([...some, 5], { dtype })],
  );
}

Deno.test("arenas have room for arrays of more than 2 GiB", () => {
  const arena = new Arena();
  const long = arena.take(2 ** 31);
  assert(long.bytes >= 2 ** 31 && arena.take(64).offset >= long.offset + long.bytes);
});
