/**
 * Loops over typed arrays that compute scalar expressions without code from strings: node by node,
 * on blocks of elements, whose storage rounds and wraps as the node's type says.
 *
 * What JavaScript lacks of the scalar operations: the words of floats, rounding to even, and
 * conversion to integers with saturation.
 *
 * @module
 */
import type { TypedArray } from "../core/dtype.ts";
import { InternalError } from "../core/errors.ts";
import { type Expr, type Graph, isFloatTy, type Loop, reachable, type Ty } from "./expr.ts";

const little = /* @__PURE__ */ new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** Where the words of a float64 are among the int32 of its memory. */
export const float64Words: { readonly high: number; readonly low: number } = little
  ? { high: 1, low: 0 }
  : { high: 0, low: 1 };

/** The nearest integer, the even one of two. Keeps the sign of zeros. */
export function nearestEven(x: number): number {
  const size = Math.abs(x);
  // Beyond are no fractions; NaN stays.
  if (!(size < 4503599627370496)) return x;
  const y = size + 4503599627370496 - 4503599627370496;
  return x < 0 || Object.is(x, -0) ? -y : y;
}

/** Conversion of floats towards zero: to the limits beyond them, NaN to 0. */
export function saturate(ty: "i32" | "u32"): (x: number) => number {
  return ty === "i32"
    ? (x) => x >= 2147483647 ? 2147483647 : x <= -2147483648 ? -2147483648 : x | 0
    : (x) => x >= 4294967295 ? 4294967295 : x > 0 ? x >>> 0 : 0;
}

/** Elements at a time. */
const BLOCK = 256;

const storage = {
  f32: Float32Array,
  f64: Float64Array,
  i32: Int32Array,
  u32: Uint32Array,
  bool: Uint8Array,
} as const;

/** A loop that computes the results of an operation. */
export function interpreted({ e, inputs, results }: Graph): Loop {
  const live = reachable(e, results);
  const values = new Map<Expr, TypedArray>();
  for (const node of live) {
    const block = new storage[node.ty](BLOCK);
    if (node.op === "const") block.fill(node.imm);
    values.set(node, block);
  }
  const operands = inputs.map((_, i) => live.find((n) => n.op === "input" && n.imm === i));
  const steps = live.filter((n) => n.op !== "const" && n.op !== "input" && n.op !== "index")
    .map((node) => node.op === "rare" ? rareStep(node, values) : step(node, values));
  const index = live.find((n) => n.op === "index");
  return (o, n, ...arrays) => {
    const outs = arrays.slice(0, results.length) as TypedArray[];
    const rest = arrays.slice(results.length);
    for (let from = 0; from < n; from += BLOCK) {
      const count = Math.min(BLOCK, n - from);
      operands.forEach((node, i) => {
        if (node === undefined) return;
        const block = values.get(node)!;
        const [a, start, stride] = rest.slice(3 * i) as [TypedArray, number, number];
        for (let k = 0; k < count; k++) block[k] = a[start + (from + k) * stride]!;
      });
      if (index !== undefined) {
        const block = values.get(index)!;
        for (let k = 0; k < count; k++) block[k] = o + from + k;
      }
      for (const run of steps) run(count);
      results.forEach((r, i) => outs[i]!.set(values.get(r)!.subarray(0, count), o + from));
    }
  };
}

function step(node: Expr, values: ReadonlyMap<Expr, TypedArray>): (n: number) => void {
  const f = numericOf(node);
  const out = values.get(node)!;
  const [a, b, c] = node.args.map((x) => values.get(x)!) as [TypedArray, TypedArray, TypedArray];
  const { length } = node.args;
  if (length === 1) {
    return (n) => {
      for (let k = 0; k < n; k++) out[k] = f(a[k]!, 0, 0);
    };
  }
  if (length === 2) {
    return (n) => {
      for (let k = 0; k < n; k++) out[k] = f(a[k]!, b[k]!, 0);
    };
  }
  return (n) => {
    for (let k = 0; k < n; k++) out[k] = f(a[k]!, b[k]!, c[k]!);
  };
}

/** A rare choice: the function apart computes whole blocks in which an element needs it. */
function rareStep(node: Expr, values: ReadonlyMap<Expr, TypedArray>): (n: number) => void {
  const [condition, usual, ...operands] = node.args.map((x) => values.get(x)!) as [
    TypedArray,
    TypedArray,
    ...TypedArray[],
  ];
  const graph = node.apart!.graph(node.args.slice(2).map(({ ty }) => ty));
  const seldom = interpreted(graph);
  const results = graph.results.map(({ ty }) => new storage[ty](BLOCK));
  const own = results[node.imm]!;
  const out = values.get(node)!;
  return (n) => {
    out.set(usual);
    if (!condition.subarray(0, n).includes(1)) return;
    seldom(0, n, ...results, ...operands.flatMap((x) => [x, 0, 1]));
    for (let k = 0; k < n; k++) if (condition[k] !== 0) out[k] = own[k]!;
  };
}

const single = /* @__PURE__ */ new Float32Array(1);
const singleBits = /* @__PURE__ */ new Int32Array(single.buffer);
const double = /* @__PURE__ */ new Float64Array(1);
const words = /* @__PURE__ */ new Int32Array(double.buffer);

type Numeric = (x: number, y: number, z: number) => number;

/** What an operation computes, before its result is stored in its type. */
function numericOf(node: Expr): Numeric {
  const ty: Ty = node.args[0]!.ty;
  const float = isFloatTy(ty);
  switch (node.op) {
    case "table":
      return (i) => node.table![i] ?? 0;
    case "neg":
      return (x) => -x;
    case "abs":
      return Math.abs;
    case "sqrt":
      return Math.sqrt;
    case "ceil":
      return Math.ceil;
    case "floor":
      return Math.floor;
    case "trunc":
      return Math.trunc;
    case "nearest":
      return nearestEven;
    case "not":
      return ty === "bool" ? (x) => 1 - x : (x) => ~x;
    case "add":
      return (x, y) => x + y;
    case "sub":
      return (x, y) => x - y;
    case "mul":
      return float ? (x, y) => x * y : Math.imul;
    case "div":
      return float ? (x, y) => x / y : (x, y) => y === 0 ? -1 : Math.trunc(x / y);
    case "rem":
      return float ? (x, y) => x % y : (x, y) => y === 0 ? x : x % y;
    case "min":
      return (x, y) => Math.min(x, y);
    case "max":
      return (x, y) => Math.max(x, y);
    case "and":
      return (x, y) => x & y;
    case "or":
      return (x, y) => x | y;
    case "xor":
      return (x, y) => x ^ y;
    case "shl":
      return (x, y) => x << y;
    case "shr":
      return ty === "u32" ? (x, y) => x >>> y : (x, y) => x >> y;
    case "eq":
      return (x, y) => x === y ? 1 : 0;
    case "ne":
      return (x, y) => x !== y ? 1 : 0;
    case "lt":
      return (x, y) => x < y ? 1 : 0;
    case "le":
      return (x, y) => x <= y ? 1 : 0;
    case "gt":
      return (x, y) => x > y ? 1 : 0;
    case "ge":
      return (x, y) => x >= y ? 1 : 0;
    case "select":
      return (c, x, y) => c !== 0 ? x : y;
    case "convert":
      return float && (node.ty === "i32" || node.ty === "u32") ? saturate(node.ty) : (x) => x;
    case "bits":
      return (x) => (single[0] = x, singleBits[0]!);
    case "fromBits":
      return (x) => (singleBits[0] = x, single[0]!);
    case "high":
    case "low": {
      const at = float64Words[node.op];
      return (x) => (double[0] = x, words[at]!);
    }
    case "fromWords":
      return (high, low) => (
        words[float64Words.high] = high, words[float64Words.low] = low, double[0]!
      );
    default:
      throw new InternalError(`no function for ${node.op}`);
  }
}
