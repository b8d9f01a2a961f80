/**
 * What is held against JAX's values fails where it is wrong: of each kind of mistake one is planted in what
 * was recorded.
 *
 * @module
 */
import { numpy as np } from "../../mod.ts";
import type { Recorded } from "../support/recorded.ts";
import {
  type Checked,
  checkRecorded,
  familyNames,
  inputsOf,
  loadFamily,
  type RecordedProgram,
} from "../support/families.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const floats = ["float32", "float64"] as const;
const inputs = { x: [0.5, -1.25, 2], k: [1, 2, 3], zero: [0.5, 0] };

/** `x x k`, and its gradient: `2 x k / (1, 2, 3)`. */
function sound(dtype: "float32" | "float64"): RecordedProgram {
  const of = (data: readonly number[]): Recorded => ({ dtype, shape: [3], data });
  return { outputs: [of([0.25, 3.125, 12])], gradients: { x: of([1, -2.5, 4]) } };
}
const check = (
  dtype: "float32" | "float64",
  recorded: RecordedProgram,
  expression = "x.mul(x).mul(k)",
  how: Checked = {},
) => checkRecorded(expression, recorded, inputsOf(inputs, dtype), {}, how);

const changed = (r: Recorded, data: readonly (number | string)[]): Recorded => ({ ...r, data });

for (const dtype of floats) {
  const right = sound(dtype);
  const [value] = right.outputs as [Recorded];
  const slope = right.gradients!.x!;
  const other = dtype === "float32" ? "float64" : "float32";

  Deno.test(`${dtype}: nothing is found where nothing is planted`, () => check(dtype, right));

  const planted: Readonly<Record<string, readonly [RecordedProgram, string]>> = {
    "a wrong value": [
      { ...right, outputs: [changed(value, [0.25, 3.126, 12])] },
      "is 3.125 and not 3.12",
    ],
    "NaN for a number": [
      { ...right, outputs: [changed(value, [0.25, "NaN", 12])] },
      "eager, result 0: element 1",
    ],
    "an infinity for a number": [
      { ...right, outputs: [changed(value, [0.25, 3.125, "Infinity"])] },
      "is 12 and not Infinity",
    ],
    "a wrong dtype": [
      { ...right, outputs: [{ ...value, dtype: other }] },
      `result 0: is ${dtype}[3] and not ${other}[3]`,
    ],
    "a wrong shape": [
      { ...right, outputs: [{ ...value, shape: [3, 1] }] },
      `result 0: is ${dtype}[3] and not ${dtype}[3,1]`,
    ],
    "a result too many": [{ ...right, outputs: [value, value] }, "eager"],
    "a wrong gradient": [
      { ...right, gradients: { x: changed(slope, [1, -2.5, -4]) } },
      "eager gradient by x: element 2",
    ],
    "a gradient of a wrong dtype": [
      { ...right, gradients: { x: { ...slope, dtype: other } } },
      `eager gradient by x: is ${dtype}[3]`,
    ],
  };
  for (const [what, [recorded, message]] of Object.entries(planted)) {
    Deno.test(`${dtype}: ${what} is found`, () => {
      assertThrows(() => check(dtype, recorded), Error, message);
    });
  }

  Deno.test(`${dtype}: a value off by more than its own rounding errors is found where these count`, () => {
    const off = changed(value, [0.25 * (1 + (dtype === "float32" ? 1e-6 : 1e-15)), 3.125, 12]);
    check(dtype, { ...right, outputs: [off] });
    assertThrows(
      () => check(dtype, { ...right, outputs: [off] }, undefined, { ulps: 2 }),
      Error,
      "result 0: element 0",
    );
  });

  Deno.test(`${dtype}: the sign of a zero is found, but where it does not count`, () => {
    const zeros = { outputs: [{ dtype, shape: [2], data: [-0.5, 0] }] };
    assertThrows(() => check(dtype, zeros, "zero.mul(-1)"), Error, "is -0 and not 0");
    check(dtype, zeros, "zero.mul(-1)", { anyZero: true });
  });

  Deno.test(`${dtype}: what is wrong compiled alone is found`, () => {
    const own = inputsOf(inputs, dtype);
    const isStaged = (x: unknown): boolean => "values" in (x as object) === false;
    const lib = { twice: (x: typeof own.x) => isStaged(x) ? np.mul(x!, 3) : np.mul(x!, 2) };
    const outputs = [{ dtype, shape: [3], data: [1, -2.5, 4] }];
    assertThrows(
      () => checkRecorded("own.twice(x)", { outputs }, own, { own: lib }),
      Error,
      "compiled, result 0",
    );
  });
}

Deno.test("every family has gradients, or says why not", async () => {
  for (const name of familyNames()) {
    const { family, values } = await loadFamily(name);
    const recorded = Object.values(values.float64);
    const reasons = family.programs.every((p) => p.noGradients !== undefined || p.single === true);
    const whole = !Object.values(family.inputs).some((v) =>
      ([v] as unknown[]).flat(Infinity).some((n) => typeof n === "number" && !Number.isInteger(n))
    );
    assert(
      reasons || whole || recorded.some((r) => Object.keys(r.gradients ?? {}).length > 0),
      `${name} compares no gradient`,
    );
    assertEquals(recorded.length > 0 || reasons, true, name);
  }
});
