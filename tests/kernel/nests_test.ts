/**
 * What shares a loop, and how many elements its vectors hold: what is seldom needed, such as the
 * reduction of large angles, counts for neither.
 *
 * @module
 */
import { grad, type NDArray, numpy as np, special } from "../../mod.ts";
import { simplify } from "../../lib/compile/pipeline.ts";
import { sizeOf } from "../../lib/core/dtype.ts";
import { graphOf, lanesOf } from "../../lib/kernel/evaluate.ts";
import { compileProgram } from "../../lib/kernel/program.ts";
import { Scheduler } from "../../lib/kernel/schedule.ts";
import type { LoopStep } from "../../lib/kernel/steps.ts";
import { Buffer, whole } from "../../lib/kernel/values.ts";
import { reachable } from "../../lib/scalar/expr.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { ulps } from "../support/arrays.ts";
import { compiledDifference, staged } from "../support/compiled.ts";

type Step = (x: NDArray, y: NDArray) => NDArray;

/** The loops of a function of two arrays. */
function loopsOf(f: Step, dtype: "float32" | "float64"): LoopStep[] {
  const jaxpr = simplify(staged(f, [np.ones([100], { dtype }), np.ones([100], { dtype })]).jaxpr);
  const inputs = jaxpr.inputs.map(({ aval }) =>
    whole(new Buffer(aval.dtype, sizeOf(aval.shape), -1), aval.shape)
  );
  const { steps } = new Scheduler(() => assert(false) as never).schedule(jaxpr, inputs);
  return steps.filter((s) => s.kind === "loop");
}

const newton: Step = (E, e) =>
  E.sub(E.sub(e.mul(np.sin(E))).sub(1).div(e.mul(np.cos(E)).neg().add(1)));

Deno.test("sine and cosine of an angle are computed in one loop", () => {
  for (const dtype of ["float32", "float64"] as const) {
    assertEquals(loopsOf(newton, dtype).length, 1, dtype);
  }
});

Deno.test("what several choices seldom need does not make vectors narrower", () => {
  const [{ exprs, stores }] = loopsOf((x, y) => np.sin(np.sin(x).add(np.tan(y))), "float32") as [
    LoopStep,
  ];
  const roots = [stores.at(-1)!.expr!];
  assertEquals(lanesOf(graphOf(reachable(exprs, roots), roots).nodes, roots), 4);
});

Deno.test("large angles among others are reduced, wherever they arise", () => {
  const angles = [1e-40, -0, 1, 6399, 6401, -1e10, 3e38, 0.5, 1e5, 2, 1e6, 3, 1e7, NaN, Infinity];
  for (const dtype of ["float32", "float64"] as const) {
    const x = np.array(angles, { dtype });
    const f = (x: NDArray) => [
      np.sin(np.sin(x).mul(x)).add(np.tan(x.mul(x))),
      np.cos(np.tan(x).mul(1e4)).mul(np.sin(x)),
      newton(x, np.cos(x)),
    ];
    const allowed = (want: NDArray) => ulps(want, 0);
    assertEquals(compiledDifference(staged(f, [x]), { large: Infinity, allowed }), null);
  }
});

Deno.test("extremes of short rows are those of long ones, however many rows there are", () => {
  const kinds = ["float32", "float64", "int32", "uint32"] as const;
  for (const dtype of kinds) {
    const special = dtype.startsWith("float")
      ? [NaN, -0, 0, Infinity, -Infinity, 5, -7]
      : [0, 5, 7];
    for (const rows of [15, 16, 17, 35]) {
      for (const length of [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17]) {
        const at = (i: number): number =>
          i % 5 === 0 ? special[i % special.length]! : i * 7919 % 97;
        const x = np.array(Array.from({ length: rows * length }, (_, i) => at(i)), { dtype })
          .reshape([rows, length]);
        const f = (x: NDArray): NDArray[] => [
          np.max(x, 1),
          np.min(x.reshape([rows, length, 1]), [1, 2]),
          np.max(x.add(np.max(x, 1, { keepDims: true })), -1),
        ];
        const allowed = (want: NDArray) => ulps(want, 0);
        assertEquals(compiledDifference(staged(f, [x]), { large: Infinity, allowed }), null);
      }
    }
  }
});

Deno.test("what is turned by tiles is what is turned by rows", () => {
  // Rows of a multiple of 1,024 bytes, and sides that tiles divide or do not.
  const shapes = [[16, 256], [32, 512], [48, 1024], [24, 256], [20, 256], [2, 16, 256], [
    16,
    3,
    256,
  ]];
  for (const dtype of ["float32", "float64", "int32", "bool"] as const) {
    for (const shape of shapes) {
      const count = shape.reduce((n, d) => n * d, 1);
      const x = np.arange(count).mul(7919).mod(97).astype(dtype).reshape(shape);
      const f = (x: NDArray): NDArray[] => {
        const number = np.arange(count).reshape(np.transpose(x).shape);
        return [
          np.transpose(x),
          np.flip(np.swapaxes(x, -1, -2)),
          np.transpose(x).astype("float64").add(number),
          np.transpose(x).astype("int32").add(np.transpose(np.flip(x)).astype("int32")).mul(2),
        ];
      };
      const allowed = (want: NDArray) => ulps(want, 0);
      assertEquals(compiledDifference(staged(f, [x]), { large: Infinity, allowed }), null);
    }
  }
});

Deno.test("long programs of loops that are alike, and of some that are not, have one function for each kind", () => {
  const w = np.arange(36).reshape([6, 6]).mul(0.02).sub(0.3);
  const layers = (x: NDArray, b: NDArray): NDArray => {
    let y = x;
    for (let k = 0; k < 90; k++) {
      y = np.tanh(y.matmul(w.matmul(w)).add(b));
      // Begun alike, gone on otherwise: by what is known, by what is not, and by a reduction.
      if (k % 9 === 4) y = np.sin(y).mul(k % 2);
      if (k % 9 === 6) y = y.mul(100).astype("int32").astype("float32");
      if (k % 9 === 8) y = y.sub(y.max());
    }
    return y;
  };
  const program = staged(layers, [np.ones([6, 6]), np.arange(6)]);
  assertEquals(compiledDifference(program), null);
  const { kernels } = compileProgram(program.jaxpr, { large: 64, fma: false });
  assert(kernels < 30, `${kernels} functions`);
});

/** Bytes of the longest function of a module. */
function longestFunction(bytes: Uint8Array): number {
  let at = 8;
  const number = (): number => {
    let value = 0;
    for (let shift = 0;; shift += 7) {
      const byte = bytes[at++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (bytes[at] !== 10) {
    at++;
    const size = number();
    at += size;
  }
  at++;
  number();
  let longest = 0;
  for (let left = number(); left > 0; left--) {
    const size = number();
    longest = Math.max(longest, size);
    at += size;
  }
  return longest;
}

Deno.test("no block is repeated to more code than engines take at once", () => {
  const long = { zeta: special.zeta, randomGammaGrad: special.randomGammaGrad };
  for (const [name, f] of Object.entries(long)) {
    const slopes = grad((x: NDArray, y: NDArray) => f(x, y).sum(), { argnums: [0, 1] });
    const { jaxpr } = staged(slopes, [np.ones([64]), np.ones([64])]);
    const { bytes } = compileProgram(jaxpr, { large: 64, fma: false });
    const longest = longestFunction(bytes);
    // JavaScriptCore takes 350 kB, and aborts from 430 kB on.
    assert(longest > 20_000 && longest < 350_000, `a function of ${name} has ${longest} bytes`);
  }
});
