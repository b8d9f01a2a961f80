/**
 * What a program does beside giving results, it does as often and in the order in which eager code does
 * it, whatever is made of the program. Random programs that leave marks are run eagerly, jitted, simplified
 * by all passes, differentiated in both modes, and for several lanes at once.
 *
 * `INJAX_PROGRAMS` sets how many are tried, `INJAX_SEED` which.
 *
 * @module
 */
import {
  CheckError,
  checkpoint,
  grad,
  jit,
  jvp,
  loadBackend,
  type NDArray,
  numpy as np,
  scan,
  vmap,
} from "../../mod.ts";
import { bind, evalJaxpr, registerBackend, simplify } from "../../lib/extend.ts";
import { checkJaxpr } from "../../lib/core/jaxpr.ts";
import { evalTrace, withTrace } from "../../lib/core/trace.ts";
import type { ConcreteArray } from "../../lib/core/concrete.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { Random, seedNote } from "../support/random.ts";
import { checking, doing, type Mark, marking, marksOf } from "../support/random_marks.ts";
import { drawInputs, randomProgram } from "../support/random_programs.ts";

await loadBackend("onnx");

/** Runs programs as all passes leave them. */
const simplified = "simplified for effects";
registerBackend({
  name: simplified,
  ready: true,
  load: () => Promise.resolve(),
  compile(jaxpr) {
    const program = simplify(jaxpr, (_, p) => checkJaxpr(p));
    return {
      run: (args) => withTrace(evalTrace, () => evalJaxpr(program, args, bind)) as ConcreteArray[],
      release() {},
    };
  },
});

const zero = np.array(0);
const PROGRAMS = Number(Deno.env.get("INJAX_PROGRAMS") ?? 12);
const LENGTH = 8;
const ways = [{ backend: "interpreter" }, { backend: simplified }, { backend: "cpu" }];

function compare(what: string, actual: readonly Mark[], expected: readonly Mark[]): void {
  const places = (marks: readonly Mark[]): string[] => marks.map((m) => m.place);
  assertEquals(places(actual), places(expected), `${what}: other marks`);
  actual.forEach(({ place, values }, k) => {
    const want = expected[k]!.values;
    const isNear = values.length === want.length &&
      values.every((v, i) => Math.abs(v - want[i]!) < 1e-9);
    assert(isNear, `${what}: ${place} on ${values}, not on ${want}`);
  });
}

/** A program with marks, which says in which lane it runs. */
function marked(n: number) {
  const { f, steps, inputs } = randomProgram(`marks ${n}`, LENGTH, marking);
  const inLane = (lane: NDArray, inputs: readonly NDArray[]): NDArray[] => {
    doing.lane = lane;
    try {
      return f(inputs);
    } finally {
      doing.lane = zero;
    }
  };
  const loss = (inputs: readonly NDArray[], lane: NDArray): NDArray => inLane(lane, inputs)[0]!;
  return { loss, steps, inputs };
}

for (let n = 0; n < PROGRAMS; n++) {
  Deno.test(`a random program does what eager code does, once and in order: ${n}`, () => {
    const { loss, steps, inputs } = marked(n);
    const others = drawInputs(new Random(`others ${n}`));
    try {
      const expected = marksOf(() => loss(inputs, zero));
      const elsewhere = marksOf(() => loss(others, zero));
      const tangents = drawInputs(new Random(`tangents ${n}`));
      compare("gradient", marksOf(() => grad(loss)(inputs, zero)), expected);
      compare("jvp", marksOf(() => jvp(loss, [inputs, zero], [tangents, zero])), expected);
      compare("checkpoint", marksOf(() => grad(checkpoint(loss))(inputs, zero)), expected);
      const stacked = inputs.map((x, i) => np.stack([x, others[i]!]));
      const lanes = np.array([0, 1]);
      const inLanes = (what: string, run: () => unknown): void => {
        const marks = marksOf(run);
        compare(`${what}, lane 0`, marks.filter((m) => m.lane === 0), expected);
        compare(`${what}, lane 1`, marks.filter((m) => m.lane === 1), elsewhere);
      };
      inLanes("vmap", () => vmap(loss)(stacked, lanes));
      inLanes("vmap of the gradient", () => vmap(grad(loss))(stacked, lanes));
      inLanes(
        "gradient of vmap",
        () => grad((x: readonly NDArray[]) => vmap(loss)(x, lanes).sum())(stacked),
      );
      for (const way of ways) {
        const on = (what: string): string => `${what} on ${way.backend}`;
        compare(on("jit"), marksOf(() => jit(loss, way)(inputs, zero)), expected);
        compare(
          on("jit of the gradient"),
          marksOf(() => jit(grad(loss), way)(inputs, zero)),
          expected,
        );
        compare(on("gradient of jit"), marksOf(() => grad(jit(loss, way))(inputs, zero)), expected);
        compare(
          on("jit of the gradient of checkpoint"),
          marksOf(() => jit(grad(checkpoint(loss)), way)(inputs, zero)),
          expected,
        );
        inLanes(on("jit of vmap"), () => jit(vmap(loss), way)(stacked, lanes));
        inLanes(
          on("jit of vmap of the gradient"),
          () => jit(vmap(grad(loss)), way)(stacked, lanes),
        );
        const steps = (xs: readonly NDArray[], lanes: NDArray): NDArray =>
          scan(
            (_: null, [x, lane]: readonly [readonly NDArray[], NDArray]) => [null, loss(x, lane)],
            null,
            [xs, lanes] as const,
          )[1];
        inLanes(on("jit of a scan"), () => jit(steps, way)(stacked, lanes));
      }
    } catch (e) {
      const { message, stack } = e as Error;
      throw new Error(`${message}\nof the program ${steps.join(" ")}\n(${seedNote})\n${stack}`);
    }
  });

  Deno.test(`a random program raises the first check that fails: ${n}`, () => {
    const { loss, steps, inputs } = marked(n);
    const message = (bound: number, run: () => unknown): string => {
      try {
        checking(bound, run);
        return "";
      } catch (error) {
        if (error instanceof CheckError) return error.message.split(" (in lane")[0]!;
        throw error;
      }
    };
    // Bounds between the values that are there, so that rounding makes no difference.
    const seen = [...new Set(marksOf(() => loss(inputs, zero)).flatMap((m) => m.values))]
      .sort((a, b) => a - b);
    const bounds = [0.1, 0.5, 0.9].flatMap((part) => {
      const k = Math.floor(part * seen.length);
      return seen[k + 1]! - seen[k]! > 1e-6 ? [(seen[k]! + seen[k + 1]!) / 2] : [];
    });
    try {
      for (const bound of [...bounds, Infinity]) {
        const expected = message(bound, () => loss(inputs, zero));
        for (const way of [...ways, { backend: "onnx" }]) {
          const on = (what: string): string => `${what} on ${way.backend}, bound ${bound}`;
          assertEquals(message(bound, () => jit(loss, way)(inputs, zero)), expected, on("jit"));
          const slope = () => jit(grad(loss), way)(inputs, zero);
          assertEquals(message(bound, slope), expected, on("gradient"));
          const lane = () => jit(vmap(loss), way)(inputs.map((x) => np.stack([x])), np.array([0]));
          assertEquals(message(bound, lane), expected, on("vmap"));
        }
      }
    } catch (e) {
      const { message, stack } = e as Error;
      throw new Error(`${message}\nof the program ${steps.join(" ")}\n(${seedNote})\n${stack}`);
    }
  });
}
