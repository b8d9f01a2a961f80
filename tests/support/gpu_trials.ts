/**
 * Tries of random programs on a GPU: each is compared with the interpreter, and where results differ, equation
 * by equation, each by what the GPU itself gave it. A GPU's functions have larger errors than a program's
 * results may show.
 *
 * The backend "webgpu" must have been loaded.
 *
 * @module
 */
import { grad, jit, type NDArray } from "../../mod.ts";
import { epsilon, formatAval, isFloat } from "../../lib/core/dtype.ts";
import { allPrograms, evalJaxpr, formatJaxpr } from "../../lib/core/jaxpr.ts";
import type { Jaxpr, Primitive } from "../../lib/core/primitive.ts";
import { bind } from "../../lib/core/trace.ts";
import { difference, make } from "./arrays.ts";
import { type Staged, staged } from "./compiled.ts";
import { exactTrial } from "./kernel_trials.ts";
import { functions } from "./random_functions.ts";
import { randomProgram } from "./random_programs.ts";

/** A result without what a GPU does not keep: the sign of zero. */
function unsigned(x: NDArray): NDArray {
  return isFloat(x.dtype) ? make(x.aval, Array.from(x.dataSync(), (v) => v === 0 ? 0 : v)) : x;
}

/** What is different between arrays, in words; `null` where nothing is. */
function differ(
  got: readonly NDArray[],
  want: readonly NDArray[],
  errors: number,
): string | null {
  for (const [k, y] of want.entries()) {
    const finite = Array.from(y.dataSync(), Math.abs).filter(Number.isFinite);
    const scale = Math.max(1, ...finite) * errors * epsilon("float32");
    const found = difference(unsigned(got[k]!), unsigned(y), isFloat(y.dtype) ? scale : 0);
    if (found !== null) return `output ${k} ${found}`;
  }
  return null;
}

/**
 * Whether results are anybody's guess: of numbers that GPUs may take for 0; and of NaN and infinities in
 * products, loops and convolutions, in which they may meet a 0 or not.
 */
function isOpen(primitive: Primitive<unknown>, inputs: readonly NDArray[]): boolean {
  const values = inputs.filter((x) => isFloat(x.dtype)).map((x) => x.dataSync());
  const mixes = primitive.passes.programs !== null || MIXING.has(primitive.name);
  return values.some((v) => v.some((e) => e !== 0 && Math.abs(e) < 2 ** -126)) ||
    mixes && values.some((v) => !v.every(Number.isFinite));
}

const MIXING: ReadonlySet<string> = new Set(["fourier", "conv_general_dilated"]);

/** Whether an equation makes such differences of the last bits of what it is given. */
function steep(
  primitive: Primitive<unknown>,
  inputs: readonly NDArray[],
  params: unknown,
  want: readonly NDArray[],
): boolean {
  return [1 + 2 ** -22, 1 - 2 ** -22].some((factor) => {
    const nudged = inputs.map((x) => isFloat(x.dtype) ? x.mul(factor) : x);
    return differ(bind(primitive, nudged, params), want, EQUATION / 100) !== null;
  });
}

/** Rounding errors of one equation on a GPU: exponentials and tangents have thousands. */
const EQUATION = 10_000;

async function onGpu(f: (...args: NDArray[]) => NDArray[], args: readonly NDArray[]) {
  const results = jit(f, { backend: "webgpu" })(...args) as NDArray[];
  for (const y of results) await y.data();
  return results;
}

/**
 * The first equation that is wrong by what the GPU itself gave it, or what `whole`, the program's results, is otherwise
 * than they are by its equations; `null` where nothing is wrong.
 */
async function wrongEquation(
  jaxpr: Jaxpr,
  args: readonly NDArray[],
  whole: readonly NDArray[],
): Promise<string | null> {
  const all = await onGpu((...xs) => {
    const found: NDArray[] = [];
    evalJaxpr(jaxpr, xs, (primitive, inputs, params) => {
      const outs = bind(primitive, inputs, params);
      found.push(...outs);
      return outs;
    });
    return found;
  }, args);
  let at = 0;
  let wrong: string | null = null;
  let open = false;
  const outs = evalJaxpr(jaxpr, args, (primitive, inputs, params) => {
    const want = bind(primitive, inputs, params);
    const got = all.slice(at, at += want.length);
    const found = wrong === null ? differ(got, want, EQUATION) : null;
    if (found !== null) {
      if (isOpen(primitive, inputs) || steep(primitive, inputs, params, want)) open = true;
      else {
        wrong = `${primitive.name} of ${
          inputs.map((x) => formatAval(x.aval)).join(", ")
        }: ${found}`;
      }
    }
    return got;
  });
  return wrong ?? (open ? null : differ(whole, outs, EQUATION));
}

/** The `n`th program in float32, or its slopes; or one of arrays of all dtypes. */
function gpuTrial(n: number): [Staged, () => string] | null {
  const trial = n % 2 === 1 ? exactTrial(n) : smoothTrial(n);
  const has64 = [...allPrograms(trial[0].recorded)].some(({ inputs, eqns }) =>
    inputs.some((a) => a.aval.dtype === "float64") ||
    eqns.some((e) => e.outputs.some((a) => a.aval.dtype === "float64"))
  );
  return has64 ? null : trial;
}

/** Programs in float32, or their slopes. */
function smoothTrial(n: number): [Staged, () => string] {
  const { f, steps, inputs } = randomProgram(
    `gpu ${n}`,
    8,
    n % 4 === 0 ? {} : functions,
    "float32",
  );
  const slope = grad((xs: NDArray[]) => f(xs)[0]!);
  return [staged((...xs) => n % 3 === 0 ? slope(xs) : f(xs), inputs), () => steps.join("\n")];
}

/** Tries the `n`th program. What is wrong with it; `null` where nothing is, `undefined` where there is none. */
export async function wrongOnGpu(n: number): Promise<string | null | undefined> {
  const trial = gpuTrial(n);
  if (trial === null) return undefined;
  const [{ recorded, args }, text] = trial;
  let found: string | null;
  try {
    const got = await onGpu((...xs) => evalJaxpr(recorded, xs, bind), args);
    found = differ(got, evalJaxpr(recorded, args, bind), EQUATION);
    if (found !== null) found = await wrongEquation(recorded, args, got);
  } catch (error) {
    found = String((error as Error).stack);
    // A constant of a loop, say.
    if (found.includes("float64 is not available")) return undefined;
  }
  return found === null ? null : `program ${n}: ${found}\n${text()}\n${formatJaxpr(recorded)}`;
}
