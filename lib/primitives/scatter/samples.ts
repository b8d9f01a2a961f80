/**
 * What the scatters are tried on, alike for all ways of combining.
 *
 * @module
 */
import type { DType } from "../../core/dtype.ts";
import type { Sample } from "../../core/primitive.ts";
import { counting } from "../samples.ts";

type Scatter = Sample<Record<never, never>>;

const TIES = "kinks at ties";

/** Samples for updates that are put in one way, to arrays of some dtypes. */
export function samplesOf(how: "set" | "mul" | "min" | "max", on: readonly DType[]): Scatter[] {
  const extreme = how === "min" || how === "max";
  const samples: Scatter[] = [
    {
      name: "rows, out of range and repeated",
      inputs: [
        { shape: [3, 2], dtype: "float32", values: [1, -2, 3, 4, -5, 6] },
        { shape: [5, 1], dtype: "int32", values: [2, 2, -1, 3, 0] },
        {
          shape: [5, 2],
          dtype: "float32",
          values: [1.5, -2.5, 0.5, 7, 9, 9, 8, 8, -0.25, 2.25],
        },
      ],
      params: {},
    },
    {
      name: "elements, float64, three at one place",
      inputs: [
        { shape: [2, 3], dtype: "float64" },
        { shape: [2, 3, 2], dtype: "int32", values: [0, 0, 1, 2, 1, 3, 1, 2, 0, 1, 1, 2] },
        { shape: [2, 3], dtype: "float64" },
      ],
      params: {},
    },
    {
      name: "with zeros",
      inputs: [
        { shape: [3], dtype: "float64", values: [2, 0, 3] },
        { shape: [6, 1], dtype: "int32", values: [0, 1, 0, 0, 2, 2] },
        { shape: [6], dtype: "float64", values: [0, 3, 5, -1, 0, 0] },
      ],
      params: {},
      ...(extreme ? { skip: { jvp: TIES, transpose: TIES } } : {}),
    },
    {
      name: "what is not finite",
      inputs: [
        { shape: [6], dtype: "float32", values: [NaN, 1, 2, Infinity, -Infinity, 3] },
        { shape: [8, 1], dtype: "int32", values: [0, 1, 2, 2, 3, 4, 5, 9] },
        {
          shape: [8],
          dtype: "float32",
          values: [1, NaN, Infinity, -Infinity, 2, 5, -Infinity, NaN],
        },
      ],
      params: {},
      skip: { jvp: "not finite", transpose: "not finite" },
    },
    {
      name: "one index of all axes",
      inputs: [
        counting([2, 2]),
        { shape: [2], dtype: "int32", values: [1, 0] },
        { shape: [], dtype: "float32", values: [5] },
      ],
      params: {},
    },
    {
      name: "no updates",
      inputs: [counting([2]), { shape: [0, 1], dtype: "int32", values: [] }, counting([0])],
      params: {},
    },
    {
      name: "int32 and its limits",
      inputs: [
        { shape: [3], dtype: "int32", values: [2147483647, -2147483648, 7] },
        { shape: [4, 1], dtype: "int32", values: [0, 1, 0, 2] },
        { shape: [4], dtype: "int32", values: [-3, 65537, 46341, 2147483647] },
      ],
      params: {},
    },
    {
      name: "uint32 above 2^31",
      inputs: [
        { shape: [2, 2], dtype: "uint32", values: [4294967295, 1, 5, 2147483648] },
        { shape: [3, 1], dtype: "int32", values: [0, 5, 1] },
        { shape: [3, 2], dtype: "uint32", values: [3, 4000000000, 1, 1, 4294967291, 9] },
      ],
      params: {},
    },
  ];
  if (on.includes("bool")) {
    samples.push({
      name: "bool",
      inputs: [
        { shape: [4], dtype: "bool", values: [1, 0, 1, 0] },
        { shape: [3, 1], dtype: "int32", values: [0, 3, 0] },
        { shape: [3], dtype: "bool", values: [1, 1, 0] },
      ],
      params: {},
    });
  }
  return samples;
}
