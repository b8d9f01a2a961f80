/**
 * The barrier to derivatives: stop_gradient.
 *
 * Names of values for the policies of `checkpoint`.
 *
 * @module
 */
import { bind1, definePrimitive, type NDArray, ordinary, type Primitive } from "../../core/mod.ts";

/** The identity, with a derivative of zero. */
export const stopGradientP: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "stop_gradient",
  abstractEval: (inputs) => inputs,
  impl: ([x]) => [x!.values],
  jvp: ([x]) => [[stopGradient(x!)], [null]],
  // Of a tangent, as in rules of functions that stop gradients, it is the identity still.
  transpose: ([ct]) => [ct ?? null],
  batch: ([x], [dim]) => [[stopGradient(x!)], [dim!]],
  passes: ordinary,
  lower: (_, [x]) => [x!],
  kernel: (_, [x]) => [x!],
  samples: () => [
    {
      name: "matrix",
      inputs: [{ shape: [2, 3], dtype: "float32" }],
      params: null,
      skip: { jvp: "its derivative is zero by definition" },
    },
    {
      name: "zero size",
      inputs: [{ shape: [0], dtype: "float64" }],
      params: null,
    },
    { name: "int32", inputs: [{ shape: [2], dtype: "int32" }], params: null },
  ],
});

/** `x`, taken for a constant by derivatives, as `lax.stop_gradient`. */
export function stopGradient(x: NDArray): NDArray {
  return bind1(stopGradientP, [x], null);
}

/** The identity, which says what its value is called. */
export const checkpointNameP: Primitive<{ readonly name: string }> =
  /* @__PURE__ */ definePrimitive<{ readonly name: string }>({
    name: "checkpoint_name",
    abstractEval: (inputs) => inputs,
    impl: ([x]) => [x!.values],
    // The value is what is kept; its tangent has no name.
    jvp: ([x], [t], { name }) => [[withName(x!, name)], [t!]],
    transpose: ([ct]) => [ct ?? null],
    batch: ([x], [dim], _, { name }) => [[withName(x!, name)], [dim!]],
    passes: ordinary,
    lower: (_, [x]) => [x!],
    kernel: (_, [x]) => [x!],
    samples: () => [
      {
        name: "matrix",
        inputs: [{ shape: [2, 3], dtype: "float32" }],
        params: { name: "a" },
      },
      { name: "int32", inputs: [{ shape: [2], dtype: "int32" }], params: { name: "a" } },
    ],
  });

/** `x` under a name. */
export function withName(x: NDArray, name: string): NDArray {
  return bind1(checkpointNameP, [x], { name });
}
