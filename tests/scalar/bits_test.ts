/**
 * Elementwise operations give the same bits however they are computed: by code, where code from
 * strings is forbidden, and compiled to WebAssembly. And the laws that hold of all their values.
 *
 * @module
 */
import { simplify } from "../../lib/compile/pipeline.ts";
import { allocate, type DType, type TypedArray } from "../../lib/core/dtype.ts";
import { bind } from "../../lib/core/trace.ts";
import type { Elementwise } from "../../lib/scalar/expr.ts";
import * as scalar from "../../lib/scalar/functions.ts";
import { elementwiseLoop, interpretedLoop } from "../../lib/scalar/javascript.ts";
import { stageClosed } from "../../lib/interpreters/staging.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { runProgram } from "../support/cpu_program.ts";
import { Random } from "../support/random.ts";
import { filesBelow, root } from "../support/sources.ts";
import { apply, operations } from "./operations.ts";

function assertSame(actual: TypedArray, expected: TypedArray, what: string): void {
  assertEquals(actual.length, expected.length, what);
  actual.forEach((y, i) =>
    assert(Object.is(y, expected[i]), `${what}: element ${i} is ${y} and not ${expected[i]}`)
  );
}

Deno.test("compiled to WebAssembly, elementwise operations give the bits that they give eagerly", () => {
  let count = 0;
  for (const operation of operations()) {
    const { name, primitive, operands } = operation;
    const jaxpr = simplify(
      stageClosed(name, (xs) => bind(primitive, xs, null), operands.map((x) => x.aval)),
    );
    const actual = runProgram(jaxpr, operands.map((x) => x.values));
    apply(operation).forEach((y, i) => assertSame(actual[i]!, y, name));
    count++;
  }
  assert(count > 120, `only ${count} operations were compared`);
});

Deno.test("where code from strings is forbidden, operations give the same bits", async () => {
  const run = async (...flags: readonly string[]): Promise<string> => {
    const program = new URL("operations.ts", import.meta.url).pathname;
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--allow-read", "--allow-env", ...flags, program],
      stdout: "piped",
      stderr: "piped",
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  };
  const [free, strict] = await Promise.all([
    run(),
    run("--v8-flags=--disallow-code-generation-from-strings"),
  ]);
  assert(free.split("\n").length > 120, free);
  assertEquals(strict, free);
});

const functions = scalar as unknown as Readonly<Record<string, Elementwise>>;

Deno.test("loops begin anywhere, take steps of 0 and 1, and are the same without code from strings", () => {
  const random = new Random("steps");
  const draw = (n: number): Float64Array =>
    Float64Array.from({ length: n }, () => random.uniform(-2, 2));
  const [a, b, c] = [draw(700), draw(700), draw(700)];
  for (const name of ["atan2", "pow", "mulAdd", "logaddexp"]) {
    const count = name === "mulAdd" ? 3 : 2;
    const operands = new Array<DType>(count).fill("float64");
    for (const steps of [[1, 1, 1], [0, 1, 0], [1, 0, 1], [0, 0, 0]]) {
      const args = [a, 5, steps[0]!, b, 17, steps[1]!, c, 1, steps[2]!].slice(0, 3 * count);
      const [x, y] = [new Float64Array(650), new Float64Array(650)];
      elementwiseLoop(functions[name]!, operands)(20, 600, x, ...args);
      interpretedLoop(functions[name]!, operands)(20, 600, y, ...args);
      assertSame(x, y, `${name} with steps ${steps}`);
      assert(x.subarray(0, 20).every((v) => v === 0) && x.subarray(620).every((v) => v === 0));
    }
  }
});

// ---------------------------------------------------------------- laws

for (const dtype of ["float32", "float64"] as const) {
  const random = new Random(`laws ${dtype}`);
  const range = dtype === "float32" ? 140 : 1060;
  const fill = (f: (i: number) => number): TypedArray => allocate(dtype, 5000).map((_, i) => f(i));
  const x = fill((i) =>
    random.uniform(-1, 1) * 2 ** (i % 2 === 0 ? random.uniform(-range, range) : 3)
  );
  const minus = x.map((v) => -v);
  const of = (f: Elementwise, ...operands: TypedArray[]): TypedArray => {
    const out = x.slice();
    elementwiseLoop(f, operands.map(() => dtype))(
      0,
      out.length,
      out,
      ...operands.flatMap((v) => [v, 0, 1]),
    );
    return out;
  };

  Deno.test(`${dtype}: odd functions are odd, even ones even, to the last bit`, () => {
    for (const name of ["sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh", "erf"]) {
      const f = functions[name]!;
      assertSame(of(f, minus), of(f, x).map((v) => -v), name);
    }
    for (const name of ["cos", "cosh"]) {
      assertSame(of(functions[name]!, minus), of(functions[name]!, x), name);
    }
  });

  Deno.test(`${dtype}: powers with small exponents are what one would write`, () => {
    assertSame(of(scalar.pow as Elementwise, x, fill(() => 1)), x, "x^1");
    assertSame(of(scalar.pow as Elementwise, x, fill(() => 0)), fill(() => 1), "x^0");
    assertSame(of(scalar.pow as Elementwise, fill(() => 1), x), fill(() => 1), "1^x");
  });

  Deno.test(`${dtype}: results stay in the range of their function`, () => {
    const within = (name: string, low: number, high: number): void => {
      of(functions[name]!, x).forEach((y, i) =>
        assert(!(y < low || y > high), `${name}(${x[i]}) is ${y}`)
      );
    };
    for (const name of ["sin", "cos", "tanh", "erf"]) within(name, -1, 1);
    within("logistic", 0, 1);
    within("exp", 0, Infinity);
    within("cosh", 1, Infinity);
    within("erfc", 0, 2);
    within("acos", 0, Math.PI + 1e-6);
  });
}

Deno.test("no engine's own functions are in the constants of scalar functions: each rounds them in its way", () => {
  const inexact =
    /\bMath\.(a?(sin|cos|tan)h?|atan2|exp|expm1|log|log1p|log2|log10|pow|cbrt|hypot)\b/g;
  const known: Readonly<Record<string, string>> = {
    "lib/scalar/gamma.ts: Math.log2":
      "a whole number is made of it; up to order 400 it is 0.0008 from a half at least",
  };
  const found = filesBelow("lib/scalar").flatMap((path) =>
    [...Deno.readTextFileSync(new URL(path, root)).matchAll(inexact)].map(([f]) => `${path}: ${f}`)
  );
  assertEquals(found, Object.keys(known));
});
