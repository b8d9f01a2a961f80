/**
 * The conformance suite finds wrong operations: of each kind of mistake one is planted in a record
 * that keeps its promises otherwise, and the report names the check that fails and what it saw.
 *
 * What the suite cannot see is an eager value that is wrong in all rules alike: it has no second
 * opinion on these. They are held against JAX's (`api/recorded_test.ts`).
 *
 * @module
 */
import { loadBackend } from "../lib/backends/mod.ts";
import { condP } from "../lib/control/cond.ts";
import { scanP } from "../lib/control/scan.ts";
import { whileP } from "../lib/control/while.ts";
import type { NDArray } from "../lib/core/array.ts";
import { shaped } from "../lib/core/dtype.ts";
import type { Jaxpr } from "../lib/core/primitive.ts";
import type { Primitive } from "../lib/core/primitive.ts";
import { bind1 } from "../lib/core/trace.ts";
import { add, div, mul, neg, sub } from "../lib/primitives/elementwise/arithmetic.ts";
import { eq } from "../lib/primitives/elementwise/compare.ts";
import { floats } from "../lib/primitives/elementwise/factory.ts";
import { Formula } from "../lib/primitives/graph/nodes.ts";
import { convert } from "../lib/primitives/elementwise/convert.ts";
import { stopGradient } from "../lib/primitives/elementwise/marks.ts";
import { scalarLike } from "../lib/primitives/constants/constants.ts";
import { reduceSum } from "../lib/primitives/sum/broadcast.ts";
import { assert, assertEquals, assertMatch } from "./support/assert.ts";
import { reportOf } from "./support/conformance_suite.ts";
import {
  difference,
  holding,
  larger,
  minus,
  softplus,
  square,
  truth,
  type Turn,
  turn,
} from "./support/planted.ts";

await loadBackend("onnx");

const sound: Readonly<Record<string, () => Primitive<never>>> = {
  square: () => square({}),
  minus: () => minus({}),
  softplus: () => softplus({}),
  larger: () => larger({}),
  difference: () => difference({}),
  truth: () => truth({}),
  turn: () => turn(() => ({})),
  cond: () => holding(condP, {}),
  scan: () => holding(scanP, {}),
  while: () => holding(whileP, {}),
} as unknown as Record<string, () => Primitive<never>>;

for (const [name, make] of Object.entries(sound)) {
  Deno.test(`nothing is found where nothing is planted: ${name}`, () => {
    const { checks, failures } = reportOf(make());
    assertEquals(failures, []);
    assert(checks > 20, `only ${checks} checks`);
  });
}

// ---------------------------------------------------------------- what is planted

/** 1 where `x` is 0. */
const isZero = (x: NDArray): NDArray => convert(eq(x, scalarLike(0, x)), x.dtype);
/** A program with its results in the other order. */
const reversed = (jaxpr: Jaxpr): Jaxpr => ({ ...jaxpr, outputs: [...jaxpr.outputs].reverse() });
/** The transpose rule of a primitive that has one. */
const ruleOf = <P>({ transpose }: Primitive<P>): Exclude<typeof transpose, "nonlinear"> => {
  if (transpose === "nonlinear") throw new Error("it has no transpose rule");
  return transpose;
};

/** What is wrong, and a line of the report that says so. */
type Plant = readonly [what: string, plant: () => Primitive<never>, found: RegExp];

function planted<P>(what: string, plant: () => Primitive<P>, found: RegExp): Plant {
  return [what, plant as unknown as () => Primitive<never>, found];
}

const plants: readonly Plant[] = [
  // Derivatives.
  planted(
    "a derivative of the wrong sign",
    () => square({ jvp: (t, x) => neg(mul(t, add(x, x))) }),
    /float64 scalar" .*\n +jvp, along inputs 0: output 0, element 0: the rule gives .*, finite differences/,
  ),
  planted(
    "a derivative that is NaN at 0 alone",
    () => square({ jvp: (t, x, y) => mul(t, div(add(y, y), x)) }),
    /limits" .*\n +jvp where smooth, along inputs 0: output 0, element 0: the rule gives NaN/,
  ),
  planted(
    "a derivative that is wrong at 0 alone",
    () => square({ jvp: (t, x) => mul(t, add(add(x, x), isZero(x))) }),
    /limits" .*\n +jvp where smooth, along inputs 0: output 0, element 0: the rule gives -?0\.\d+, finite differences 0/,
  ),
  planted(
    "a derivative that is right, and that of it wrong",
    () => square({ jvp: (t, x) => mul(t, add(x, stopGradient(x))) }),
    /vector" .*\n +jvp of jvp, along inputs 0: output 0, element 0: the rule gives/,
  ),
  planted(
    "a rule that forgets one of two tangents",
    () => difference({ jvp: (tx, ty, x) => tx ?? sub(mul(x, scalarLike(0, x)), ty!) }),
    /jvp, along inputs 0, 1: output 0/,
  ),
  planted(
    "a rule whose value is another",
    () => turn((self) => ({ jvp: ([x], [t], p) => [[x!], [bind1(self(), [t!], p)]] })),
    /jvp, along inputs 0: output 0 of the rule is \[.*\], but the primitive gives \[/,
  ),
  planted(
    "a rule whose value loses the sign of a zero",
    () => {
      const p = minus({});
      return { ...p, jvp: ([x], [t]) => [[sub(scalarLike(0, x!), x!)], [neg(t!)]] };
    },
    /jvp where smooth, .*: output 0 of the rule is \[0, .*, but the primitive gives \[-0, /,
  ),
  planted(
    "a tangent of the wrong shape",
    () => turn(() => ({ jvp: ([x], [t]) => [[x!], [reduceSum(t!, [0])]] })),
    /jvp, along inputs 0: (output 0 of the rule is|the tangent of output 0 is float64\[4\], not float64\[2,4\])/,
  ),
  planted(
    "a tangent of the wrong dtype",
    () => square({ jvp: (t, x) => convert(mul(t, add(x, x)), "float32") }),
    /jvp, along inputs 0: the tangent of output 0 is float32\[\], not float64\[\]/,
  ),
  planted(
    "a tangent for what is no float",
    () => truth({ jvp: (t) => t }),
    /jvp, along inputs 0: output 0 is bool but has a tangent/,
  ),
  // Transposes.
  planted(
    "a transpose that moves elements the same way",
    () => turn((self) => ({ transpose: ([ct], _, p) => [ct ? bind1(self(), [ct], p) : null] })),
    /transpose, linear inputs 0: <ct, f\(x\)> is .*, but <f\^T\(ct\), x> is/,
  ),
  planted(
    "a transpose of the wrong sign in one operand",
    () => difference({ transpose: (ct) => [ct, ct] }),
    /transpose, linear inputs 0, 1: <ct, f\(x\)> is .*, but <f\^T\(ct\), x> is/,
  ),
  planted(
    "a cotangent of the wrong shape",
    () => turn(() => ({ transpose: ([ct]) => [ct ? reduceSum(ct, [0]) : null] })),
    /the cotangent of input 0 is float64\[4\], not float64\[2,4\]/,
  ),
  planted(
    "a transpose that does not know a zero that is not written out",
    () => ({
      ...condP,
      transpose: (cts, inputs, params) =>
        ruleOf(condP)(cts.map((ct) => ct ?? cts.find((other) => other)!), inputs, params),
    }),
    /transpose, of zero cotangents: from output 0 alone: <ct, f\(x\)> is/,
  ),
  planted(
    "a transpose that no sample reaches",
    () => square({ transpose: (ct) => ct }),
    /^no sample reaches the transpose rule of planted_\d+$/,
  ),
  // Batching.
  planted(
    "a batching rule that does not move the axis",
    () =>
      turn((self) => ({
        batch: ([x], [dim], _, params) => [[bind1(self(), [x!], params)], [dim!]],
      })),
    /batch, all in front \(input 0 at 0; 3 lanes\): output 0, lane 0: element/,
  ),
  planted(
    "a batching rule that is right for lanes in front alone",
    () =>
      turn((self) => ({
        batch: ([x], [dim], _, { axis, by }) => [
          [bind1(self(), [x!], { axis: axis + 1, by })],
          [dim!],
        ],
      })),
    /batch, all last \(input 0 at 2; 2 lanes\): threw|batch, all last \(input 0 at 2; 2 lanes\): output 0, lane 0/,
  ),
  planted(
    "a batching rule that says the wrong axis",
    () => {
      const p = difference({});
      return { ...p, batch: (args, dims, n, q) => [p.batch(args, dims, n, q)[0], [0]] };
    },
    /batch, all last .*: output 0 is float32\[.*\], said to be mapped along axis 0|with the lanes along axis 0/,
  ),
  planted(
    "a batching rule that loses the sign of a zero",
    () => {
      const p = minus({});
      return { ...p, batch: ([x], dims) => [[sub(scalarLike(0, x!), x!)], dims] };
    },
    /limits" .*\n +batch, .*: output 0, lane 0: element 0 of .* is 0 and not -0/,
  ),
  // Compiled code.
  planted(
    "compiled code that loses the sign of a zero",
    () => minus({ lower: (g, x, dtype) => g.node("Sub", [g.scalar(0, dtype), x]) }),
    /limits" .*\n +onnx: run 0, output 0 element 0 of float32\[21\] is 0 and not -0/,
  ),
  planted(
    "compiled code that overflows",
    () =>
      softplus({
        lower(g, x, dtype) {
          const f = new Formula(g, dtype);
          return f.op("Log", f.add(f.op("Exp", x), 1));
        },
      }),
    /limits" .*\n +onnx: run 0, output 0 element \d+ of float32\[21\] is Infinity and not 3.4/,
  ),
  planted(
    "compiled code that makes a number of NaN",
    () =>
      larger({
        lower(g, x, y, dtype) {
          return g.where(g.node("Less", [x, y]), y, x, dtype);
        },
      }),
    /limits" .*\n +onnx: run 0, output 0 element \d+ of float32\[441\] is .* and not NaN/,
  ),
  planted(
    "compiled code that makes NaN of a number",
    () =>
      square({
        lower(g, x) {
          const root = g.node("Sqrt", [x]);
          const y = g.node("Mul", [root, root]);
          return g.node("Mul", [y, y]);
        },
      }),
    /onnx: run 0, output 0 element \d+ of .* is NaN and not/,
  ),
  planted(
    "compiled code of half the digits",
    () =>
      square({
        lower(g, x, dtype) {
          const half = g.cast(x, dtype, "float32");
          return g.cast(g.node("Mul", [half, half]), "float32", dtype);
        },
      }),
    /float64 .*\n +onnx: run 0, output 0 element \d+ of float64\[.*\] is .* \(off by .*, allowed/,
  ),
  planted(
    "compiled code that is right for integers without their limits",
    () =>
      larger({
        lower(g, x, y, dtype) {
          if (dtype !== "int32") return g.node("Max", [x, y]);
          const float = (v: string): string => g.cast(v, "int32", "float32");
          return g.cast(g.node("Max", [float(x), float(y)]), "float32", "int32");
        },
      }),
    /int32 and its limits" .*\n +onnx: run 0, output 0 element \d+ of int32/,
  ),
  planted(
    "compiled code of the wrong shape",
    () => turn(() => ({ lower: (g, [x]) => [g.node("Transpose", [x!], { perm: [1, 0] })] })),
    /onnx: (run 0, output 0 is float32\[4,2\] and not float32\[2,4\]|threw)/,
  ),
  planted(
    "compiled code of the wrong dtype",
    () => square({ lower: (g, x) => g.node("Greater", [x, x]) }),
    /onnx: (run 0, output 0 is|threw)/,
  ),
  planted(
    "compiled code that takes no parameters",
    () => turn(() => ({ lower: (_, [x]) => [x!] })),
    /onnx: run 0, output 0 element \d+ of float32\[2,4\]/,
  ),
  planted(
    "files that are wrong where jit is right",
    () => square({ lower: (g, x) => g.node(g.target === "portable" ? "Add" : "Mul", [x, x]) }),
    /onnx for export: run 0, output 0 element/,
  ),
  planted(
    "GPU programs that are wrong where jit is right",
    () => square({ lower: (g, x) => g.node(g.target === "webgpu" ? "Add" : "Mul", [x, x]) }),
    /onnx for webgpu: run 0, output 0 element/,
  ),
  planted(
    "compiled gradients alone that are wrong",
    () => {
      // Wrong where it works on what it is given back.
      const p: Primitive<Turn> = turn(() => ({
        lower: (g, inputs, params, ins, outs) =>
          params.by === 3 || params.axis === 0
            ? [inputs[0]!]
            : right.lower(g, inputs, params, ins, outs),
      }));
      const right = turn(() => ({}));
      const [columns] = p.samples();
      return { ...p, samples: () => [columns!] };
    },
    /onnx of gradient: run 0, output 1 element/,
  ),
  // Types and values.
  planted(
    "a value of another shape than said",
    () => turn(() => ({ abstractEval: ([x]) => [shaped([x!.shape[0]!], x!.dtype)] })),
    /abstract evaluation: output 0 of impl is a Float32Array of length 8, but abstractEval says float32\[2\]/,
  ),
  planted(
    "a value of another dtype than said",
    () => turn(() => ({ impl: ([x]) => [Int32Array.from(x!.values)] })),
    /abstract evaluation: output 0 of impl is a Int32Array of length 8, but abstractEval says float32\[2,4\]/,
  ),
  planted(
    "a result too many",
    () => turn(() => ({ impl: ([x]) => [x!.values, x!.values] })),
    /abstract evaluation: impl gave 2 outputs, but abstractEval says 1/,
  ),
  planted(
    "a bool that is 2",
    () => truth({ expr: floats((e, x) => e.select(e.gt(x, 0), e.constant(2, x.ty), 0)) }),
    /abstract evaluation: output 0 is bool and has elements other than 0 and 1/,
  ),
  planted(
    "an operation that writes to its operand",
    () =>
      turn(() => ({
        impl([x]) {
          x!.values.reverse();
          return [x!.values.slice()];
        },
      })),
    /abstract evaluation: impl wrote to input 0/,
  ),
  planted(
    "an operation that gives something else each time",
    () => {
      let calls = 0;
      return turn(() => ({ impl: ([x]) => [x!.values.map((v) => v + calls++)] }));
    },
    /program: output 0 element 0/,
  ),
  planted(
    "an operation without samples",
    () => turn(() => ({ samples: () => [] })),
    /has no samples/,
  ),
  planted(
    "samples of one name",
    () => {
      const p = turn(() => ({}));
      return { ...p, samples: () => [...p.samples(), p.samples()[0]!] };
    },
    /has samples of the same name/,
  ),
  // What passes are told.
  planted(
    "a difference that says that it is a sum",
    () => difference({ algebra: { kind: "sum" } }),
    /algebra, it is a sum: output 0 element/,
  ),
  planted(
    "a square that says that it is a negation",
    () => square({ algebra: { kind: "negation" } }),
    /algebra, it is a negation: output 0 element/,
  ),
  planted(
    "a negation that says that it moves elements",
    () => minus({ algebra: { kind: "rearrangement" } }),
    /algebra, it is a rearrangement: its elements are not the operand's/,
  ),
  planted(
    "a choice narrowed to another result",
    () =>
      holding(condP, {
        narrow: (params, used) => ({
          params: { branches: params.branches.map((b) => reversed(b)) },
          inputs: [true, true, true],
          outputs: used.map(() => true),
        }),
      }),
    /cond, .*\n +passes, narrowed to output 0: output 0 element/,
  ),
  planted(
    "a choice with its branches put in the wrong places",
    () => holding(condP, { replace: (_, branches) => ({ branches: [...branches].reverse() }) }),
    /cond, .*\n +passes, other programs in place: (replace did not put them in|output 0 element)/,
  ),
  planted(
    "a choice that is always taken for its first branch",
    () =>
      holding(condP, {
        inline: ({ branches }, [, ...inputs]) => ({ jaxpr: branches[0]!, inputs }),
      }),
    /cond, .*\n +passes, simplified: output 0 element/,
  ),
  planted(
    "a choice of which everything is taken for known",
    () =>
      holding(condP, {
        partial: (context, args, params) =>
          context.stage(condP, args, {
            branches: [...params.branches].reverse(),
          }),
      }),
    /cond, .*\n +partial evaluation, inputs .* unknown: output 0 element/,
  ),
  planted(
    "a scan that gets further constants before its own",
    () =>
      holding(scanP, {
        extend: (params, _, jaxpr) => ({ ...params, jaxpr }),
      }),
    /scan, .*\n +passes, a further constant for program 0: /,
  ),
  planted(
    "a scan that runs forwards whatever it is told",
    () =>
      holding(scanP, {
        loop: {
          of: scanP.passes.programs!.loop!.of,
          with: (params, loop) => ({
            ...scanP.passes.programs!.loop!.with(params, loop),
            reverse: false,
          }),
        },
      }),
    /backwards" .*\n +passes, simplified: output 0 element/,
  ),
  planted(
    "a loop that does not say which programs it has",
    () => holding(whileP, { list: (params) => whileP.passes.programs!.list(params).slice(1) }),
    /while, .*\n +passes, /,
  ),
];

for (const [what, plant, found] of plants) {
  Deno.test(`the suite finds ${what}`, () => {
    const { failures } = reportOf(plant());
    assertMatch(failures.join("\n") || "nothing", found);
  });
}
