/**
 * Where programs are cut for a GPU, seen in the plan alone: this needs no GPU.
 *
 * @module
 */
import { makePlan, type Plan } from "../../lib/backends/gpu_plan.ts";
import { simplify } from "../../lib/compile/pipeline.ts";
import { checkpointCall } from "../../lib/control/call.ts";
import type { NDArray } from "../../lib/core/array.ts";
import { shaped } from "../../lib/core/dtype.ts";
import { isLoopless } from "../../lib/core/dead_code.ts";
import { checkJaxpr } from "../../lib/core/jaxpr.ts";
import { type Jaxpr, Var } from "../../lib/core/primitive.ts";
import { bind } from "../../lib/core/trace.ts";
import { add, mul } from "../../lib/primitives/elementwise/arithmetic.ts";
import { not } from "../../lib/primitives/elementwise/compare.ts";
import { sin } from "../../lib/primitives/elementwise/elementary.ts";
import { cond } from "../../lib/transforms/branches.ts";
import { scan } from "../../lib/transforms/loops.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { array, chain, f32, loop, loops, program } from "../support/programs.ts";

function kinds(plan: Plan | null): string[] {
  return plan!.stages.map((stage) => stage.work.kind);
}

/** Each value defined once and before it is read, graphs well formed, outputs the caller's own. */
function check(plan: Plan, jaxpr: Jaxpr): void {
  const defined = new Set<Var>(plan.inputs);
  const freed = new Set<Var>();
  const made = new Set<Var>();
  for (const stage of plan.stages) {
    for (const a of stage.inputs) {
      if (a instanceof Var) assert(defined.has(a) && !freed.has(a));
    }
    if (stage.work.kind === "graph") {
      checkJaxpr(stage.work.jaxpr);
      assertEquals(stage.work.jaxpr.inputs.length, stage.inputs.length);
      assertEquals(stage.work.jaxpr.outputs.length, stage.outputs.length);
    }
    for (const v of stage.outputs) {
      assert(!defined.has(v));
      defined.add(v);
      made.add(v);
    }
    for (const v of stage.dead) freed.add(v);
  }
  assertEquals(new Set(plan.outputs).size, plan.outputs.length);
  for (const v of plan.outputs) assert(made.has(v) && !freed.has(v));
  for (const v of made) assert(freed.has(v) || plan.outputs.includes(v));
  assertEquals(plan.outputs.map((v) => v.aval), jaxpr.outputs.map((a) => a.aval));
}

Deno.test("a program without loops has no plan", () => {
  assertEquals(makePlan(chain(10, f32(3))), null);
  const empty = program(
    (x) => [scan(((c: NDArray) => [c, c]) as never, x, null, { length: 0 })[1] as NDArray],
    f32(3),
  );
  assertEquals(makePlan(empty), null);
});

Deno.test("a program is cut at its loops, and every value is freed in time", () => {
  const jaxpr = loops(f32(3));
  const plan = makePlan(jaxpr)!;
  check(plan, jaxpr);
  assertEquals(kinds(plan).filter((k) => k !== "graph"), ["while", "scan", "scan"]);
});

Deno.test("outputs that are inputs, constants, or given twice are copied", () => {
  const base = loop(3, f32(2));
  const jaxpr = {
    ...base,
    outputs: [base.inputs[0]!, base.outputs[0]!, base.outputs[0]!],
  };
  const plan = makePlan(jaxpr)!;
  check(plan, jaxpr);
  assertEquals(kinds(plan).at(-1), "graph");
});

Deno.test("loops inside calls are found, once calls are inlined", () => {
  const body = loop(3, f32(2));
  const plain = program((x) => [sin(x)], f32(2));
  const jaxpr = program((x) => {
    const call = (jaxpr: Jaxpr, x: NDArray): NDArray =>
      bind(checkpointCall, [x], { jaxpr, name: "call", backend: "" })[0]!;
    return [call(plain, call(body, call(plain, x)))];
  }, f32(2));
  assertEquals(makePlan(jaxpr), null);
  const plan = makePlan(simplify(jaxpr))!;
  check(plan, jaxpr);
  const names = plan.stages.flatMap(({ work }) =>
    work.kind === "graph" ? work.jaxpr.eqns.map((e) => e.primitive.name) : [work.kind]
  );
  assertEquals(names.filter((n) => n === "sin" || n === "scan"), ["sin", "scan", "sin"]);
});

Deno.test("what cannot be copied in units of 4 bytes stays with the runtime", () => {
  const flags = shaped([3], "bool");
  const jaxpr = program((xs) => {
    const [, ys] = scan(
      ((c: NDArray, x: NDArray) => [add(c, c), not(x)]) as never,
      array(1, []),
      xs,
    ) as [NDArray, NDArray];
    return [ys];
  }, flags);
  assertEquals(makePlan(jaxpr), null);
});

Deno.test("a loop within a branch counts when it is asked what may not end", () => {
  assert(isLoopless(chain(3, f32(2))));
  assert(!isLoopless(loop(3, f32(2))));
  const branch = program((x) => [
    cond(
      array([1], [], "bool"),
      (x: NDArray) => mul(x, x),
      (x: NDArray) => scan(((c: NDArray) => [add(c, c), null]) as never, x, null, { length: 2 })[0],
      x,
    ) as NDArray,
  ], f32(2));
  assert(!isLoopless(branch));
  assertEquals(makePlan(branch), null);
});
