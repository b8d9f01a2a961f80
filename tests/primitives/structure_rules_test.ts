/**
 * Rules of the structural primitives at the places that samples do not show: gradients recorded from
 * JAX (ties, zeros, clamped and dropped indices), lanes that each have their own starts, and what
 * users are told about wrong arguments. Every rule on every sample is in the conformance suite.
 */
import type { NDArray } from "../../lib/core/array.ts";
import { shaped, type ShapedArray, sizeOf } from "../../lib/core/dtype.ts";
import type { ConcreteArray } from "../../lib/core/concrete.ts";

import { AxisError, DTypeError, ShapeError } from "../../lib/core/errors.ts";
import { Linear } from "../../lib/core/primitive.ts";
import { batchFlat } from "../../lib/interpreters/batch.ts";
import { linearizeFlat } from "../../lib/interpreters/partial.ts";
import { backwardPass } from "../../lib/interpreters/transpose.ts";
import { onesLike, zerosLike } from "../../lib/primitives/constants/constants.ts";
import { dotGeneral } from "../../lib/primitives/dot/dot_general.ts";
import { sin } from "../../lib/primitives/elementwise/elementary.ts";
import { dynamicSlice, dynamicUpdateSlice } from "../../lib/primitives/indexing/dynamic_slice.ts";
import { gather, scatterAdd } from "../../lib/primitives/indexing/gather.ts";
import { solve } from "../../lib/linalg/solve.ts";
import { threefry2x32 } from "../../lib/primitives/random/threefry.ts";
import { argmax, reduceAnd, reduceMax, reduceProd } from "../../lib/primitives/reduce/extremes.ts";
import { cumsum } from "../../lib/primitives/reduce/cumsum.ts";
import { reshape } from "../../lib/primitives/shape/shape.ts";
import { concatenate, rev } from "../../lib/primitives/slicing/concatenate.ts";
import { pad, slice } from "../../lib/primitives/slicing/slice.ts";
import { sort } from "../../lib/primitives/sort/sort.ts";
import { reduceSum } from "../../lib/primitives/sum/broadcast.ts";
import { difference, make, ulps } from "../support/arrays.ts";
import { assertEquals, assertMatch, assertThrows } from "../support/assert.ts";

function total(x: NDArray): NDArray {
  return reduceSum(x, x.shape.map((_, i) => i));
}

/** Gradients of a scalar function. */
function gradients(f: (xs: NDArray[]) => NDArray, args: readonly NDArray[]): NDArray[] {
  const { jaxpr, consts, outs } = linearizeFlat("gradient", (xs) => [f(xs)], args);
  const inputs = jaxpr.inputs.map((v, i) => i < consts.length ? consts[i]! : new Linear(v.aval));
  const cts = backwardPass(jaxpr, inputs, [onesLike(outs[0]!)]).slice(consts.length);
  return args.map((x, i) => cts[i] ?? zerosLike(x));
}

// ---------------------------------------------------------------- lanes

/** Numbers that look random. */
function pseudo(aval: ShapedArray, seed: number): ConcreteArray {
  const wave = (i: number): number => Math.sin(seed + 12.9898 * (i + 1));
  const integer = aval.dtype === "int32";
  return make(
    aval,
    Array.from(
      { length: sizeOf(aval.shape) },
      (_, i) => integer ? Math.round(5 * wave(i)) : wave(i),
    ),
  );
}

const LANES = 3;

/** Checks a function on lanes, for every choice of inputs that have them, against a loop. */
function checkLanes(
  what: string,
  f: (xs: NDArray[]) => NDArray[],
  avals: readonly ShapedArray[],
): void {
  for (let mask = 1; mask < 1 << avals.length; mask++) {
    const mapped = avals.map((_, i) => (mask >> i & 1) === 1);
    const args = avals.map((a, i) =>
      pseudo(mapped[i] ? shaped([...a.shape, LANES], a.dtype) : a, i + mask)
    );
    // Lanes are along the last axis, where no rule expects them.
    const [outs, dims] = batchFlat(
      what,
      f,
      args,
      avals.map((a, i) => mapped[i] ? a.shape.length : null),
      LANES,
    );
    for (let lane = 0; lane < LANES; lane++) {
      const own = args.map((x, i) =>
        mapped[i] ? make(avals[i]!, x.values.filter((_, k) => k % LANES === lane)) : x
      );
      f(own).forEach((expected, k) => {
        const dim = dims[k] ?? null;
        const out = outs[k]!;
        const starts = out.shape.map((_, i) => i === dim ? lane : 0);
        const limits = out.shape.map((n, i) => i === dim ? lane + 1 : n);
        const actual = dim === null ? out : reshape(slice(out, starts, limits), expected.shape);
        const found = difference(actual, expected, ulps(expected, 8));
        assertEquals(found, null, `${what}, mask ${mask}, lane ${lane}, output ${k}`);
      });
    }
  }
}

const f64 = (...shape: number[]): ShapedArray => shaped(shape, "float64");
const i32 = (...shape: number[]): ShapedArray => shaped(shape, "int32");

Deno.test("lanes with their own starts and indices", () => {
  checkLanes(
    "dynamic_slice of two of three axes",
    ([x, i, j, k]) => [dynamicSlice(x!, [i!, j!, k!], [2, 3, 1])],
    [f64(4, 3, 5), i32(), i32(), i32()],
  );
  checkLanes(
    "dynamic_update_slice of two of three axes",
    ([x, u, i, j, k]) => [dynamicUpdateSlice(x!, u!, [i!, j!, k!])],
    [f64(4, 3, 5), f64(2, 3, 1), i32(), i32(), i32()],
  );
  checkLanes(
    "dynamic_update_slice with nothing, and with everything",
    ([x, u, v, i]) => [dynamicUpdateSlice(x!, u!, [i!]), dynamicUpdateSlice(x!, v!, [i!])],
    [f64(3), f64(0), f64(3), i32()],
  );
  checkLanes("gather", ([x, i]) => [gather(x!, i!)], [f64(4, 3, 2), i32(2, 2, 2)]);
  checkLanes("scatter_add", ([x, i, u]) => [scatterAdd(x!, i!, u!)], [
    f64(4, 3, 2),
    i32(5, 2),
    f64(5, 2),
  ]);
  checkLanes("pad", ([x, c]) => [pad(x!, c!, [-1, 2], [1, 0], [1, 0])], [f64(3, 2), f64()]);
  checkLanes("solve", ([a, b]) => [solve(a!, b!)], [f64(2, 3, 3), f64(2, 3, 2)]);
});

Deno.test("gradients in lanes with their own starts and indices", () => {
  const gradient = (f: (xs: NDArray[]) => NDArray, floats: number) => (xs: NDArray[]): NDArray[] =>
    gradients((ys) => total(sin(f([...ys, ...xs.slice(floats)]))), xs.slice(0, floats));
  checkLanes(
    "dynamic_slice",
    gradient(([x, i, j]) => dynamicSlice(x!, [i!, j!], [2, 2]), 1),
    [f64(4, 3), i32(), i32()],
  );
  checkLanes(
    "dynamic_update_slice",
    gradient(([x, u, i, j]) => dynamicUpdateSlice(x!, u!, [i!, j!]), 2),
    [f64(4, 3), f64(1, 2), i32(), i32()],
  );
  checkLanes("gather", gradient(([x, i]) => gather(x!, i!), 1), [f64(4, 3), i32(5, 2)]);
  checkLanes(
    "scatter_add",
    gradient(([x, u, i]) => scatterAdd(x!, i!, u!), 2),
    [f64(4, 3), f64(5, 3), i32(5, 1)],
  );
  checkLanes("reduce_prod", gradient(([x]) => reduceProd(x!, [0, 2]), 1), [f64(3, 2, 2)]);
  checkLanes("sort", gradient(([x]) => sort(x!, 0)[0], 1), [f64(5, 2)]);
  checkLanes("solve", gradient(([a, b]) => solve(a!, b!), 2), [f64(3, 3), f64(3, 2)]);
});

Deno.test("a gradient of zero size has its operand's shape", () => {
  const x = pseudo(f64(0, 3), 1);
  const [g] = gradients(([y]) => total(slice(y!, [0, 1], [0, 2])), [x]);
  assertEquals(g!.shape, [0, 3]);
});

// ---------------------------------------------------------------- errors

Deno.test("errors name the operation, the argument and the shapes", () => {
  const x = pseudo(f64(3, 4), 1);
  const v = pseudo(f64(3), 2);
  const b = make(shaped([2], "bool"), [0, 1]);
  const i = make(shaped([], "int32"), [0]);
  const one = make(shaped([], "float64"), [1]);
  const word = make(shaped([], "uint32"), [1]);
  const wrong: [() => unknown, new (message?: string) => Error, RegExp][] = [
    [() => slice(x, [0, 0], [3, 5]), AxisError, /slice: from 0 to 5 on axis 1.*\[3,4\]/],
    [() => slice(x, [0], [3]), ShapeError, /slice: starts \[0\].*2 axes/],
    [() => slice(v, [0], [3], [-1]), AxisError, /slice: stride -1.*Use rev/],
    [() => pad(v, one, [-2], [-2]), AxisError, /pad: -2 before and -2 behind.*\[3\]/],
    [() => pad(v, v, [1], [1]), ShapeError, /pad: the padding value must be a scalar/],
    [() => pad(v, i, [1], [1]), DTypeError, /pad: .*float64\[3\] and int32\[\]/],
    [() => concatenate([x, v], 0), ShapeError, /concatenate: arrays 0 and 1.*\[3,4\] and \[3\]/],
    [() => concatenate([v, b], 0), DTypeError, /concatenate: .*different dtypes/],
    [() => concatenate([], 0), ShapeError, /concatenate: there are no arrays/],
    [() => rev(x, [2]), AxisError, /rev: axes \[2\]/],
    [() => dynamicSlice(x, [i, i], [4, 1]), AxisError, /dynamic_slice: sizes \[4,1\].*\[3,4\]/],
    [() => dynamicSlice(x, [i], [1, 1]), ShapeError, /dynamic_slice: 1 starts/],
    [() => dynamicSlice(v, [one], [1]), DTypeError, /dynamic_slice: start 0.*int32.*float64\[\]/],
    [
      () => dynamicUpdateSlice(v, pseudo(f64(4), 1), [i]),
      ShapeError,
      /dynamic_update_slice: update of shape \[4\].*\[3\]/,
    ],
    [() => gather(x, v), DTypeError, /gather: indices must be an int32.*float64\[3\]/],
    [() => gather(v, pseudo(i32(1, 2), 1)), ShapeError, /gather: .*\[1,2\].*1 axes/],
    [() => gather(pseudo(f64(0), 1), pseudo(i32(1, 1), 1)), AxisError, /gather: .*no elements/],
    [
      () => scatterAdd(x, pseudo(i32(2, 1), 1), v),
      ShapeError,
      /scatter_add: updates have shape \[3\].*takes \[2,4\]/,
    ],
    [() => scatterAdd(b, pseudo(i32(1, 1), 1), b), DTypeError, /scatter_add: .*bool\[2\]/],
    [() => reduceMax(x, [2]), AxisError, /reduce_max: axes \[2\].*\[3,4\]/],
    [() => reduceProd(b, [0]), DTypeError, /reduce_prod: x is bool\[2\].*astype/],
    [() => reduceAnd(v, [0]), DTypeError, /reduce_and: x is float64\[3\]/],
    [() => argmax(pseudo(f64(0), 1), 0), ShapeError, /argmax: .*\[0\].*no elements/],
    [() => cumsum(v, 1), AxisError, /cumsum: axis 1 is out of range.*\[3\]/],
    [() => sort(one, 0), AxisError, /sort: axis 0 is out of range/],
    [
      () => dotGeneral(x, v, { contract: [[1], [0]], batch: [[], []] }),
      ShapeError,
      /dot_general: contracted axes 1 of x and 0 of y have lengths 4 and 3.*\[3,4\].*\[3\]/,
    ],
    [
      () => dotGeneral(v, v, { contract: [[0], [0]], batch: [[0], [0]] }),
      AxisError,
      /dot_general: an axis of x is used twice/,
    ],
    [
      () => dotGeneral(b, pseudo(i32(2), 1), { contract: [[0], [0]], batch: [[], []] }),
      DTypeError,
      /dot_general: x is bool\[2\]/,
    ],
    [() => threefry2x32(word, word, i, word), DTypeError, /threefry2x32: count 0 is int32/],
    [() => solve(x, x), ShapeError, /solve: the matrix must be square.*\[3,4\]/],
    [
      () => solve(pseudo(f64(3, 3), 1), v),
      ShapeError,
      /solve: a right-hand side of shape \[3\].*\[3,3\].*\[3,m\]/,
    ],
  ];
  for (const [call, type, pattern] of wrong) {
    assertMatch(assertThrows(call, type).message, pattern);
  }
});
