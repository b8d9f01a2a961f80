/**
 * threefry2x32, the counter-based generator behind all random numbers: JAX's, bit for bit.
 *
 * Keys, splitting and distributions are built from it in `lib/api`.
 *
 * Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 *
 * @module
 */
import {
  bind,
  broadcastShapes,
  checkDType,
  definePrimitive,
  type HostValue,
  type NDArray,
  ordinary,
  type Primitive,
  shaped,
  sizeOf,
  stridesOf,
  type TypedArray,
} from "../../core/mod.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import type { Expr, Exprs } from "../../scalar/expr.ts";
import { elementwiseBatch, perOperands } from "../elementwise/factory.ts";
import { emptyOutput } from "../graph/nodes.ts";
import { broadcastStrides, copyStrided } from "../loops/loops.ts";

/** Bits by which the rounds rotate: four rounds of the first row, then of the second, and so on. */
const ROTATIONS = [[13, 15, 26, 6], [17, 29, 16, 24]] as const;
/** Groups of four rounds; a part of the key is added after each. */
const GROUPS = 5;
const PARITY = 0x1BD11BDA;

/** What it computes of a pair of words under the key `k0`, `k1`, all `u32`. */
export function threefryExpr(e: Exprs, k0: Expr, k1: Expr, x0: Expr, x1: Expr): [Expr, Expr] {
  const keys = [k0, k1, e.xor(e.xor(k0, k1), PARITY)];
  let a = e.add(x0, k0);
  let b = e.add(x1, k1);
  for (let group = 0; group < GROUPS; group++) {
    for (const bits of ROTATIONS[group % 2]!) {
      a = e.add(a, b);
      b = e.xor(e.or(e.shl(b, bits), e.shr(b, 32 - bits)), a);
    }
    a = e.add(a, keys[(group + 1) % 3]!);
    b = e.add(b, e.add(keys[(group + 2) % 3]!, group + 1));
  }
  return [a, b];
}

const loopOf = /* @__PURE__ */ perOperands(threefryExpr, 4);

/** Elements broadcast to `shape`; those of a scalar are left alone. */
function spread(x: HostValue, shape: readonly number[]): TypedArray {
  const n = sizeOf(shape);
  if (x.values.length === n || x.values.length === 1) return x.values;
  const out = new Uint32Array(n);
  copyStrided(x.values, 0, broadcastStrides(x.shape, shape), out, 0, stridesOf(shape), shape);
  return out;
}

function lowerHash(g: Lowering, [k0, k1, x0, x1]: readonly Value[]): [Value, Value] {
  const word = (value: number): Value => g.scalar(value, "uint32");
  const add = (a: Value, b: Value): Value => g.node("Add", [a, b]);
  const xor = (a: Value, b: Value): Value => g.node("BitwiseXor", [a, b]);
  const keys = [k0!, k1!, xor(xor(k0!, k1!), word(PARITY))];
  let a = add(x0!, k0!);
  let b = add(x1!, k1!);
  for (let group = 0; group < GROUPS; group++) {
    for (const bits of ROTATIONS[group % 2]!) {
      a = add(a, b);
      const left = g.node("BitShift", [b, word(bits)], { direction: "LEFT" });
      const right = g.node("BitShift", [b, word(32 - bits)], { direction: "RIGHT" });
      b = xor(g.node("BitwiseOr", [left, right]), a);
    }
    a = add(a, keys[(group + 1) % 3]!);
    b = add(b, add(keys[(group + 2) % 3]!, word(group + 1)));
  }
  return [a, b];
}

/** Hashes pairs of words under keys. Inputs: both halves of the keys, both words. */
export const threefry2x32P: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "threefry2x32",
  abstractEval(inputs) {
    ["key half 0", "key half 1", "count 0", "count 1"].forEach((what, i) =>
      checkDType("threefry2x32", what, inputs[i]!, ["uint32"])
    );
    const shape = broadcastShapes("threefry2x32", ...inputs.map((x) => x.shape));
    return [shaped(shape, "uint32"), shaped(shape, "uint32")];
  },
  impl(inputs, _, [out]) {
    const n = sizeOf(out!.shape);
    const y0 = new Uint32Array(n);
    const y1 = new Uint32Array(n);
    const [k0, k1, x0, x1] = inputs.map((x) => spread(x, out!.shape));
    const [s0, s1, s2, s3] = [k0!, k1!, x0!, x1!].map((x) => x.length === 1 ? 0 : 1);
    const loop = loopOf("uint32");
    loop(0, n, y0, y1, k0!, 0, s0!, k1!, 0, s1!, x0!, 0, s2!, x1!, 0, s3!);
    return [y0, y1];
  },
  jvp: (inputs) => [bind(threefry2x32P, inputs, null), [null, null]],
  transpose: "nonlinear",
  batch(args, dims) {
    let outs: NDArray[] = [];
    const [, [dim]] = elementwiseBatch(args, dims, (aligned) => {
      outs = bind(threefry2x32P, aligned, null);
      return outs[0]!;
    });
    return [outs, [dim!, dim!]];
  },
  passes: ordinary,
  lower(g, inputs, _, __, [out]) {
    const empty = emptyOutput(g, out!);
    return empty === null ? lowerHash(g, inputs) : [empty, empty];
  },
  kernel: (b, inputs, _, __, outs) =>
    b.mapMany(
      inputs,
      outs[0]!.shape,
      outs.map((o) => o.dtype),
      (e, [k0, k1, x0, x1]) => threefryExpr(e, k0!, k1!, x0!, x1!),
    ),
  samples: () => {
    const scalar = (value: number) => ({ shape: [], dtype: "uint32" as const, values: [value] });
    const all = 4294967295;
    return [
      {
        name: "zeros",
        inputs: [scalar(0), scalar(0), scalar(0), scalar(0)],
        params: null,
      },
      {
        name: "all bits set",
        inputs: [scalar(all), scalar(all), scalar(all), scalar(all)],
        params: null,
      },
      {
        name: "one key, many words",
        inputs: [
          scalar(0x13198A2E),
          scalar(0x03707344),
          { shape: [3], dtype: "uint32", values: [0, 1, 0x243F6A88] },
          { shape: [3], dtype: "uint32", values: [5, all, 0x85A308D3] },
        ],
        params: null,
      },
      {
        name: "keys against words",
        inputs: [
          { shape: [2, 1], dtype: "uint32", values: [1, 2] },
          { shape: [2, 1], dtype: "uint32", values: [3, all] },
          { shape: [3], dtype: "uint32", values: [0, 1, 2] },
          { shape: [1], dtype: "uint32", values: [7] },
        ],
        params: null,
      },
      {
        name: "no words",
        inputs: [scalar(0), scalar(1), { shape: [0], dtype: "uint32" }, {
          shape: [0],
          dtype: "uint32",
        }],
        params: null,
      },
    ];
  },
});

/**
 * The words `x0`, `x1` hashed under the key `k0`, `k1`: Threefry-2x32 with 20 rounds, as
 * `jax.extend.random.threefry_2x32`. All are uint32 and broadcast.
 */
export function threefry2x32(
  k0: NDArray,
  k1: NDArray,
  x0: NDArray,
  x1: NDArray,
): [y0: NDArray, y1: NDArray] {
  const [y0, y1] = bind(threefry2x32P, [k0, k1, x0, x1], null);
  return [y0!, y1!];
}
