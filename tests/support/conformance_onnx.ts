/**
 * Graphs against the interpreter: each sample's equation, and the program of its gradients, are
 * lowered, run by ONNX Runtime, and compared. Besides the graphs for the CPU, those for export and for
 * WebGPU run here too, the latter with float32 alone and on the CPU: that tests their compositions,
 * though not the kernels of a GPU.
 *
 * Integers and booleans agree exactly. Floats may differ by `ROUNDING` units in the last place of
 * the result, and of what one unit in the last place of the inputs amounts to in the result (the
 * condition, measured by the jvp along the inputs themselves with random signs).
 *
 * @module
 */
import type { NDArray } from "../../lib/core/array.ts";
import { loadOrt } from "../../lib/backends/ort_direct.ts";
import { getBackend } from "../../lib/core/backend.ts";
import type { ConcreteArray } from "../../lib/core/concrete.ts";
import { type DType, epsilon, isFloat, type TypedArray } from "../../lib/core/dtype.ts";
import { checkJaxpr, evalJaxpr, formatJaxpr } from "../../lib/core/jaxpr.ts";
import { type Jaxpr, Linear, type Tangent } from "../../lib/core/primitive.ts";
import { bind } from "../../lib/core/trace.ts";
import { jvpFlat } from "../../lib/interpreters/jvp.ts";
import { linearizeFlat } from "../../lib/interpreters/partial.ts";
import { stageClosed } from "../../lib/interpreters/staging.ts";
import { backwardPass } from "../../lib/interpreters/transpose.ts";
import { lowerJaxpr } from "../../lib/onnx/export.ts";
import { encodeModel } from "../../lib/onnx/model.ts";
import { difference, make } from "./arrays.ts";
import { type Case, programOf, type Report } from "./conformance.ts";
import { floatMask, randomLike } from "./conformance_derivatives.ts";
import type { Random } from "./random.ts";

/**
 * Units in the last place. ONNX Runtime's float32 kernels of tanh, exp, erf and others are rational
 * approximations good to a few units; the interpreter rounds the double precision result.
 */
const ROUNDING = 8;

/** Below this, results are subnormal, which kernels may flush to zero. */
const TINY: Readonly<Partial<Record<DType, number>>> = { float32: 1.2e-38, float64: 2.3e-308 };

/** How far each element may be off: see the top of the file. */
function allowedErrors(
  jaxpr: Jaxpr,
  inputs: readonly ConcreteArray[],
  expected: readonly NDArray[],
  random: Random,
  rounding: number,
): ((i: number, y: number) => number)[] {
  const condition = expected.map((y) => new Float64Array(y.size));
  for (let trial = 0; trial < 3; trial++) {
    let dots: readonly Tangent[];
    try {
      const tangents = inputs.map((x) =>
        isFloat(x.dtype)
          ? make(x.aval, Array.from(x.values, (v) => random.next() < 0.5 ? v : -v))
          : null
      );
      dots = jvpFlat("condition", (xs) => evalJaxpr(jaxpr, xs, bind), inputs, tangents)[1];
    } catch {
      break; // Reverse mode alone: the results' own size has to do.
    }
    dots.forEach((d, k) =>
      d?.dataSync().forEach((v, i) => {
        if (Number.isFinite(v)) condition[k]![i] = Math.max(condition[k]![i]!, Math.abs(v));
      })
    );
  }
  return expected.map((y, k) => {
    if (!isFloat(y.dtype)) return () => 0;
    const unit = rounding * epsilon(y.dtype);
    return (i, v) => unit * (Math.abs(v) + condition[k]![i]!) + TINY[y.dtype]!;
  });
}

const ort = await loadOrt();

/** Something that runs a program. */
interface Runner {
  readonly run: (inputs: readonly ConcreteArray[]) => readonly NDArray[];
  readonly release: () => void;
}

/** The program as jit on onnx runs it. */
function onOnnx(jaxpr: Jaxpr, name: string): Runner {
  return getBackend("onnx").compile(jaxpr, name);
}

/** The graph for another target, on the CPU. */
function onCpu(jaxpr: Jaxpr, target: "portable" | "webgpu"): Runner {
  const session = ort.createSession(encodeModel(lowerJaxpr(jaxpr, { target })), {
    graphOptimization: "basic",
  });
  return {
    run(inputs) {
      const feeds = inputs.map((x) => ort.tensor(x.dtype, x.shape, x.values));
      const results = session.run(feeds);
      // Behind the results comes what checks say.
      const outs = jaxpr.outputs.map((a, k) => make(a.aval, results[k]!.read() as TypedArray));
      [...feeds, ...results].forEach((t) => t.release());
      return outs;
    },
    release: () => session.release(),
  };
}

/** How closely to compare. */
export interface Closeness {
  /** Units in the last place. */
  readonly rounding: number;
  /** Whether a zero may have either sign. */
  readonly anyZero?: boolean;
}

/** Runs a program on onnx and compares with the interpreter: `null`, or what is different. */
export function differenceOnOnnx(
  jaxpr: Jaxpr,
  inputs: readonly ConcreteArray[],
  random: Random,
  closeness: Closeness = { rounding: ROUNDING },
): string | null {
  return compare(jaxpr, inputs, onOnnx(jaxpr, "program"), random, closeness);
}

/** Runs a program and compares with the interpreter. */
function compare(
  jaxpr: Jaxpr,
  inputs: readonly ConcreteArray[],
  runner: Runner,
  random: Random,
  closeness: Closeness,
): string | null {
  try {
    const expected = evalJaxpr(jaxpr, inputs, bind);
    const allowed = allowedErrors(jaxpr, inputs, expected, random, closeness.rounding);
    // Twice: a program must not keep anything from one run to the next.
    for (let run = 0; run < 2; run++) {
      const outs = runner.run(inputs);
      if (outs.length !== expected.length) {
        return `gave ${outs.length} outputs and not ${expected.length}`;
      }
      for (let k = 0; k < outs.length; k++) {
        const found = difference(outs[k]!, expected[k]!, allowed[k]!, closeness);
        if (found !== null) {
          return `run ${run}, output ${k} ${found}\n      of ${formatJaxpr(jaxpr)}`;
        }
      }
    }
    return null;
  } finally {
    runner.release();
  }
}

/** Whether a GPU could run the case, in that nothing of it is float64, and it has floats. */
function isFloat32(c: Case, outs: readonly NDArray[]): boolean {
  const types = [...c.inputs, ...outs].map((x) => x.dtype);
  return types.includes("float32") && !types.includes("float64");
}

/** The sample's equation as a graph. */
export function checkOnnx(c: Case, report: Report): void {
  if (report.skips("onnx", c)) return;
  const { inputs, random } = c;
  const jaxpr = programOf(c);
  const check = (kind: string, runner: () => Runner, closeness: Closeness): void =>
    report.check(kind, c, "", () => compare(jaxpr, inputs, runner(), random, closeness));
  const exact = { rounding: ROUNDING, anyZero: report.skips("zeros", c) };
  check("onnx", () => onOnnx(jaxpr, c.primitive.name), exact);
  check("onnx for export", () => onCpu(jaxpr, "portable"), exact);
  if (isFloat32(c, c.apply(inputs))) {
    // Compositions from what WGSL promises of its functions are a little coarser, and use Where as it
    // is on a GPU: the CPU's makes 0 of a -0 from its first branch.
    const closeness = { rounding: 2 * ROUNDING, anyZero: true };
    check("onnx for webgpu", () => onCpu(jaxpr, "webgpu"), closeness);
  }
}

/** The program from inputs and cotangents to the outputs and the inputs' cotangents. */
export function gradientProgram(c: Case): Jaxpr {
  const outs = c.apply(c.inputs);
  const active = outs.map((y) => isFloat(y.dtype));
  const n = c.inputs.length;
  return stageClosed("gradient", (args) => {
    const cts = args.slice(n);
    const lin = linearizeFlat("gradient", (xs) => c.apply(xs), args.slice(0, n));
    let next = 0;
    const outCts = active.map((a) => a ? cts[next++]! : null);
    const inputs = lin.jaxpr.inputs.map((v, i) => lin.consts[i] ?? new Linear(v.aval));
    const back = backwardPass(lin.jaxpr, inputs, outCts.filter((_, k) => lin.activeOut[k]));
    return [...lin.outs, ...back.slice(lin.consts.length).filter((ct) => ct !== null)];
  }, [
    ...c.inputs.map((x) => x.aval),
    ...outs.filter((_, k) => active[k]).map((y) => y.aval),
  ]);
}

/** The sample's gradients as a graph: what jit of grad runs. */
export function checkGradientOnnx(c: Case, report: Report): void {
  if (!floatMask(c.inputs).some((m) => m)) return;
  if (report.skips("onnx", c) || report.skips("transpose", c)) return;
  const outs = c.apply(c.inputs);
  if (!outs.some((y) => isFloat(y.dtype))) return;
  report.check("onnx of gradient", c, "", () => {
    const jaxpr = gradientProgram(c);
    checkJaxpr(jaxpr);
    const cts = outs.filter((y) => isFloat(y.dtype)).map((y) => randomLike(y, c.random));
    // A composition of some operations: the errors of each add up. What broadcasts is summed, and of
    // sums of -0 the sign is the kernel's (see `sumOf` in the tests of sums).
    const runner = onOnnx(jaxpr, `${c.primitive.name}_grad`);
    const closeness = { rounding: 4 * ROUNDING, anyZero: true };
    return compare(jaxpr, [...c.inputs, ...cts], runner, c.random, closeness);
  });
}
