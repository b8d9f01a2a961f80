/**
 * What consoles and notebooks show.
 *
 * @module
 */
import {
  anderson,
  fixedPoint,
  grad,
  jit,
  makeJaxpr,
  type NDArray,
  numpy as np,
  ShapeDtype,
  treeStructure,
} from "../../mod.ts";
import * as injax from "../../mod.ts";
import { openJaxpr } from "../../lib/extend.ts";
import { formatNumber } from "../../lib/core/display.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { inspect } from "node:util";

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** Decimal digits that a text gives, without zeros at either end. */
function digitsOf(text: string): number {
  return text.replace(/e.*/, "").replace(/[-.]/g, "").replace(/^0+|0+$/g, "").length;
}

/** Whether some decimal of so many digits is nearer to a float32 than to any other. */
function hasShorter(value: number, digits: number): boolean {
  const [mantissa, exponent] = Math.abs(value).toExponential(digits - 1).split("e");
  const whole = BigInt(mantissa!.replace(".", ""));
  return [-1n, 0n, 1n].some((step) => {
    const near = Number(`${whole + step}e${Number(exponent) - digits + 1}`);
    return Math.fround(near) === Math.abs(value);
  });
}

Deno.test("float32 is shown with the fewest digits that give it back", () => {
  let state = 12345;
  for (let i = 0; i < 20000; i++) {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    // Of each kind: any bits, powers of two, subnormals, and numbers of every-day size.
    const kind = i % 4;
    bits[0] = kind === 1
      ? state & 0xff800000
      : kind === 2
      ? state & 0x807fffff
      : kind === 3
      ? state & 0x81ffffff | 0x3e000000
      : state;
    const value = single[0]!;
    if (!Number.isFinite(value)) continue;
    const text = formatNumber(value, "float32");
    assert(Object.is(Math.fround(Number(text)), value), `${value} is shown as ${text}`);
    const digits = digitsOf(text);
    assert(digits < 2 || !hasShorter(value, digits - 1), `${value} has less digits than ${text}`);
  }
});

Deno.test("numbers are shown as one would write them", () => {
  const shown = (values: number[], dtype: np.DType): string =>
    String(np.array(values, { dtype })).replace(/^.*?\[.*?\], /, "");
  assertEquals(shown([0.1, -0, NaN, Infinity, 1e-45], "float32"), "[0.1,-0,NaN,Infinity,1e-45])");
  assertEquals(shown([0.1, 1 / 3], "float64"), "[0.1,0.3333333333333333])");
  assertEquals(
    shown([1e20, 3.4028234663852886e38], "float32"),
    "[100000000000000000000,3.4028235e+38])",
  );
  assertEquals(shown([-5, 7], "int32"), "[-5,7])");
});

Deno.test("a matrix that does not fit into a line is shown in rows and columns", () => {
  assertEquals(
    String(np.arange(40).reshape([4, 10])),
    `Array(int32[4,10],
  [[ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9],
   [10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
   [20, 21, 22, 23, 24, 25, 26, 27, 28, 29],
   [30, 31, 32, 33, 34, 35, 36, 37, 38, 39]])`,
  );
  const [, ...lines] = String(np.linspace(0, 1, 100)).split("\n");
  assert(lines.length > 5 && lines.every((line) => line.length <= 100));
});

Deno.test("of large arrays the corners are shown, at once", () => {
  assertEquals(
    String(np.arange(10000).reshape([100, 100])),
    `Array(int32[100,100],
  [[   0,    1,    2, ...,   97,   98,   99],
   [ 100,  101,  102, ...,  197,  198,  199],
   [ 200,  201,  202, ...,  297,  298,  299],
   ...,
   [9700, 9701, 9702, ..., 9797, 9798, 9799],
   [9800, 9801, 9802, ..., 9897, 9898, 9899],
   [9900, 9901, 9902, ..., 9997, 9998, 9999]])`,
  );
  assertEquals(String(np.zeros([2000000])), "Array(float32[2000000], [0,0,0,...,0,0,0])");
  assertEquals(String(np.zeros([1000000, 0])), "Array(float32[1000000,0], [])");
  // So many axes that even the corners are a million.
  const axes = new Array<number>(20).fill(2);
  assertEquals(String(np.zeros(axes)), `Array(float32[${axes}])`);
  const many = new Array<number>(2000).fill(1);
  assertEquals(String(np.zeros(many)), `Array(float32[${many}])`);
});

const jaxpr = makeJaxpr((x) => x.mul(0.1))(new ShapeDtype([2]));
const solution = fixedPoint((x) => np.cos(x), 1);
const seen: NDArray[] = [];
grad((x: NDArray) => (seen.push(x), x))(1);

const shown: Readonly<Record<string, object>> = {
  "an array": np.array([0.1]),
  "a tracer": seen[0]!,
  "a ClosedJaxpr": jaxpr,
  "a Jaxpr": openJaxpr(jaxpr).jaxpr,
  "a TreeDef": treeStructure({ a: 1, b: [null] }),
  "a ShapeDtype": new ShapeDtype([2, 3]),
  "a Solution": solution,
};

for (const [name, value] of Object.entries(shown)) {
  Deno.test(`consoles and notebooks show ${name} as its text`, () => {
    const text = String(value);
    assert(!text.startsWith("[object"));
    assertEquals(Deno.inspect(value), text);
    assertEquals(inspect(value), text);
    assert(Deno.inspect({ value }).includes(text.split("\n")[0]!));
    assertEquals(media(value)["text/plain"], text);
  });
}

Deno.test("every class that says what it is says so in consoles and notebooks", () => {
  const symbols = ["Deno.customInspect", "nodejs.util.inspect.custom", "Jupyter.display"];
  /** The classes with a text of their own, and whether all ask for it. */
  const texts = (group: object): [name: string, shown: boolean][] =>
    Object.entries(group).flatMap(([name, value]): [string, boolean][] => {
      if (value?.[Symbol.toStringTag] === "Module") return texts(value);
      const prototype = typeof value === "function" ? value.prototype : undefined;
      if (prototype === undefined || prototype instanceof Error) return [];
      if (prototype.toString === Object.prototype.toString) return [];
      return [[name, symbols.every((s) => Symbol.for(s) in prototype)]];
    });
  const found = texts(injax);
  assert(found.length >= 5);
  assertEquals(found.filter(([, shown]) => !shown), []);
});

function media(value: object): Record<string, string> {
  const symbol = Symbol.for("Jupyter.display");
  return (value as Record<symbol, () => Record<string, string>>)[symbol]!();
}

Deno.test("what is gone is shown without an error", () => {
  const x = np.array([0.1, 2]);
  const scale = np.array(3);
  const program = makeJaxpr((y) => y.mul(scale))(x);
  x.dispose();
  scale.dispose();
  assertEquals(media(x), { "text/plain": "Array(float32[2], disposed)" });
  assert(Deno.inspect(program).includes("mul a const:float32[]"));
});

Deno.test("a jaxpr shows its constants with few digits", () => {
  assert(String(jaxpr).includes("mul a 0.1:float32[]"));
});

Deno.test("a notebook shows vectors and matrices as tables", () => {
  assertEquals(
    media(np.array([[0.1, 2], [3, 4]]))["text/html"],
    "<table><caption>float32[2,2]</caption><tr><td>0.1</td><td>2</td></tr>" +
      "<tr><td>3</td><td>4</td></tr></table>",
  );
  const large = media(np.zeros([500, 500]))["text/html"]!;
  assertEquals(large.match(/<td>/g)!.length, 6 * 7 + 1); // "..." stands for rows too
  assertEquals(media(np.zeros([2, 2, 2]))["text/html"], undefined);
});

Deno.test("a notebook shows a solution's residual norms where they were kept", () => {
  const options = { history: true, solver: anderson({ memory: 1 }) };
  const kept = fixedPoint((x) => np.cos(x), 1, options);
  const svg = media(kept)["image/svg+xml"]!;
  const points = /points="([^"]*)"/.exec(svg)![1]!.split(" ");
  assertEquals(points.length, kept.steps.item());
  assertEquals(media(solution)["image/svg+xml"], undefined);
  const inside = jit(() => {
    const { history } = fixedPoint((x) => np.cos(x), 1, options);
    assert(media(fixedPoint((x) => np.cos(x), 1, options))["text/plain"]!.includes("not known"));
    return history!;
  }, { backend: "interpreter" });
  assertEquals(inside().shape, [200]);
});
