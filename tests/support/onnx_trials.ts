/**
 * Tries of random programs of arrays on onnxruntime: each is compared with the interpreter, and where results
 * differ, equation by equation, since a sort or a sum of what is rounded elsewhere may be far off and right.
 *
 * The backend "onnx" must have been loaded.
 *
 * @module
 */
import { jit, type NDArray } from "../../mod.ts";
import { formatAval, isFloat } from "../../lib/core/dtype.ts";
import { allPrograms, evalJaxpr, formatJaxpr } from "../../lib/core/jaxpr.ts";
import type { Jaxpr, Primitive } from "../../lib/core/primitive.ts";
import { bind } from "../../lib/core/trace.ts";
import { difference, ulps } from "./arrays.ts";
import { exactTrial } from "./kernel_trials.ts";

/** Rounding errors, relative to the largest element, of functions and sums. */
const ROUNDING = 2000;

/** What is different between arrays, in words; `null` where nothing is. */
function differ(got: readonly NDArray[], want: readonly NDArray[]): string | null {
  for (const [k, y] of want.entries()) {
    const found = difference(got[k]!, y, ulps(y, ROUNDING));
    if (found !== null) return `output ${k} ${found}`;
  }
  return null;
}

/** What onnxruntime computes. */
function onOnnx(f: (...args: NDArray[]) => NDArray[], args: readonly NDArray[]): NDArray[] {
  return jit(f, { backend: "onnx" })(...args) as NDArray[];
}

/** What all equations of a program give, one after the other. */
function everything(jaxpr: Jaxpr, args: readonly NDArray[]): NDArray[] {
  const found: NDArray[] = [];
  evalJaxpr(jaxpr, args, (primitive, inputs, params) => {
    const outs = bind(primitive, inputs, params);
    found.push(...outs);
    return outs;
  });
  return found;
}

/**
 * Whether NaN and infinities are anybody's guess: Fourier transforms, which loops may hold, are products with
 * matrices there, in which they meet 0.
 */
function isOpen(
  primitive: Primitive<unknown>,
  inputs: readonly NDArray[],
  params: unknown,
): boolean {
  const inner = primitive.passes.programs?.list(params) ?? [];
  const transforms = primitive.name === "fourier" ||
    inner.some(({ jaxpr }) =>
      [...allPrograms(jaxpr)].some(({ eqns }) => eqns.some((e) => e.primitive.name === "fourier"))
    );
  return transforms && inputs.some((x) => !x.dataSync().every(Number.isFinite));
}

/** Whether a loop makes such differences of the last bits of what it is given. */
function amplifies(
  primitive: Primitive<unknown>,
  inputs: readonly NDArray[],
  params: unknown,
): boolean {
  if (primitive.passes.programs === null) return false;
  const want = bind(primitive, inputs, params);
  return [1 + 2 ** -50, 1 - 2 ** -50].some((factor) =>
    differ(
      bind(primitive, inputs.map((x) => isFloat(x.dtype) ? x.mul(factor) : x), params),
      want,
    ) !== null
  );
}

/** The first equation that is wrong by what the runtime itself gave it; `null` where none is. */
function wrongEquation(jaxpr: Jaxpr, args: readonly NDArray[]): string | null {
  const all = onOnnx((...xs) => everything(jaxpr, xs), args);
  let at = 0;
  let wrong: string | null = null;
  const outs = evalJaxpr(jaxpr, args, (primitive, inputs, params) => {
    const want = bind(primitive, inputs, params);
    const got = all.slice(at, at += want.length);
    if (wrong === null && !isOpen(primitive, inputs, params)) {
      const found = differ(got, want);
      if (found !== null && !amplifies(primitive, inputs, params)) {
        wrong = `${primitive.name} of ${
          inputs.map((x) => formatAval(x.aval)).join(", ")
        }, ${found}`;
      }
    }
    return got;
  });
  const whole = onOnnx((...xs) => evalJaxpr(jaxpr, xs, bind), args);
  return wrong ?? differ(whole, outs);
}

/**
 * Tries the `n`th program. What is wrong with it, with its text; `null` where nothing is.
 */
export function wrongOnOnnx(n: number): string | null {
  const [{ recorded, args }, text] = exactTrial(n);
  let found: string | null;
  try {
    const got = onOnnx((...xs) => evalJaxpr(recorded, xs, bind), args);
    found = differ(got, evalJaxpr(recorded, args, bind));
    if (found !== null) found = wrongEquation(recorded, args);
  } catch (error) {
    found = String((error as Error).stack);
  }
  return found === null
    ? null
    : `program ${n} on onnx: ${found}\n${text()}\n${formatJaxpr(recorded)}`;
}
