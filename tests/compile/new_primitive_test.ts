/**
 * A primitive of somebody else's that contains a program is treated as those of the library from its
 * first day: what is in it is inlined, dropped, hoisted and found, by its record alone.
 *
 * @module
 */
import { grad, jit, type NDArray, numpy as np, whileLoop } from "../../mod.ts";
import {
  bind,
  checkJaxpr,
  definePrimitive,
  evalJaxpr,
  type Jaxpr,
  ordinary,
  type Primitive,
  simplify,
  stageClosed,
  usedInputs,
  withoutDead,
} from "../../lib/extend.ts";
import { arr, assertClose } from "../support/arrays.ts";
import { assert, assertEquals } from "../support/assert.ts";

interface Params {
  /** From constants and a carry to the next carry. */
  readonly body: Jaxpr;
  readonly numConsts: number;
  readonly times: number;
}

const unwanted = (): never => {
  throw new Error("not needed here");
};

/** Applies a program to what it gave, a number of times. */
const repeatP: Primitive<Params> = definePrimitive<Params>({
  name: "test_repeat",
  abstractEval: (_, { body }) => body.outputs.map((a) => a.aval),
  impl: {
    evaluate(args, { body, numConsts, times }) {
      const consts = args.slice(0, numConsts);
      let carry = args.slice(numConsts);
      for (let i = 0; i < times; i++) carry = evalJaxpr(body, [...consts, ...carry], bind);
      return [...carry];
    },
  },
  jvp: unwanted,
  transpose: "nonlinear",
  batch: unwanted,
  passes: {
    ...ordinary,
    mobile: false,
    programs: {
      list: ({ body, numConsts }) => [{
        role: "step",
        jaxpr: body,
        consts: { first: 0, count: numConsts },
      }],
      forRules: () => [],
      replace: (params, [body]) => ({ ...params, body: body! }),
      extend: (params, _, body, count) => ({
        ...params,
        body,
        numConsts: params.numConsts + count,
      }),
      inline: () => null,
      // Carries make each other: all stay, and the constants that are read.
      narrow(params, used) {
        const body = withoutDead(params.body);
        const inputs = usedInputs(body).map((u, i) => u || i >= params.numConsts);
        return {
          params: {
            ...params,
            body: { ...body, inputs: body.inputs.filter((_, i) => inputs[i]) },
            numConsts: inputs.slice(0, params.numConsts).filter((u) => u).length,
          },
          inputs,
          outputs: used.map(() => true),
        };
      },
      partial: null,
      loop: null,
      mayNotEnd: false,
      within: null,
    },
  },
  lower: unwanted,
  kernel(b, inputs, { body, numConsts, times }) {
    const consts = inputs.slice(0, numConsts);
    let carry = inputs.slice(numConsts);
    for (let i = 0; i < times; i++) carry = b.inline(body, [...consts, ...carry]);
    return carry;
  },
  samples: () => [],
});

const { aval } = np.ones([3], { dtype: "float64" });
const square = jit((x: NDArray) => x.mul(x), { backend: "interpreter" });

function repeated(f: (w: NDArray, x: NDArray) => NDArray): Jaxpr {
  const body = stageClosed("body", ([w, x]) => [f(w!, x!)], [aval, aval]);
  return stageClosed(
    "program",
    ([w, x]) => bind(repeatP, [w!, x!], { body, numConsts: 1, times: 3 }),
    [aval, aval],
  );
}

const inner = (program: Jaxpr): Jaxpr =>
  (program.eqns.find((e) => e.primitive as unknown === repeatP)!.params as Params).body;
const names = (jaxpr: Jaxpr): string[] => jaxpr.eqns.map((e) => e.primitive.name);

function simplified(program: Jaxpr): Jaxpr {
  const simple = simplify(program, (_, p) => checkJaxpr(p));
  const args = [arr([0.3, 0.2, -0.5]), arr([0.7, 0.1, 0.9])];
  assertClose(evalJaxpr(simple, args, bind), evalJaxpr(program, args, bind));
  return simple;
}

Deno.test("calls in it are inlined, and what nothing reads is dropped", () => {
  const simple = simplified(repeated((_, x) => {
    np.exp(x);
    return square(x);
  }));
  assertEquals(names(inner(simple)), ["mul"]);
  assertEquals(inner(simple).inputs.length, 1);
});

Deno.test("it is compiled by its kernel rule", () => {
  const body = stageClosed("body", ([w, x]) => [np.sin(w!).mul(x!).add(1)], [aval, aval]);
  const f = (w: NDArray, x: NDArray) => bind(repeatP, [w, x], { body, numConsts: 1, times: 3 })[0]!;
  const args = [arr([0.3, 0.2, -0.5]), arr([0.7, 0.1, 0.9])] as const;
  assertClose(jit(f, { backend: "cpu" })(...args), f(...args));
});

Deno.test("what does not change from step to step is moved out of it", () => {
  const simple = simplified(repeated((w, x) => np.sin(w).mul(square(x))));
  assertEquals(names(inner(simple)), ["mul", "mul"]);
  assertEquals(names(simple)[0], "sin");
});

Deno.test("a loop in it that may not end stays where it is", () => {
  const simple = simplified(
    repeated((w, x) =>
      whileLoop((v: NDArray) => v.sum().less(5), (v: NDArray) => v.add(2), w).add(x)
    ),
  );
  assert(names(inner(simple)).includes("while"));
});

Deno.test("equations that it gives nothing to are not differentiated", () => {
  const body = stageClosed("body", ([w, x]) => [x!.add(w!)], [aval, aval]);
  // Its derivative rule throws.
  const f = jit((x: NDArray) => {
    bind(repeatP, [x, x], { body, numConsts: 1, times: 2 });
    return x.mul(x).sum();
  }, { backend: "interpreter" });
  assertClose(grad(f)(arr([1, 2, 3])), [2, 4, 6]);
});
