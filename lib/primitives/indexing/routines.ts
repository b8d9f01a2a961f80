/**
 * Looking up and adding at computed positions on the CPU. The indexed axes come first, and their lengths
 * last among the scalars; what is behind these axes is a block.
 *
 * @module
 */
import { type Routine, routine } from "../../routine/routine.ts";

/** One routine for each number of indexed axes, made when first asked for. */
function perDepth(make: (axes: readonly number[]) => Routine): (depth: number) => Routine {
  const made: Routine[] = [];
  return (depth) => made[depth] ??= make(Array.from({ length: depth }, (_, k) => k));
}

const lengths = (axes: readonly number[]): string => axes.map((k) => `n${k}`).join(", ");

/** Blocks at indices, which are clamped into range. */
export const gatherRoutine: (depth: number) => Routine = /* @__PURE__ */ perDepth((axes) =>
  routine(`
gather${axes.length}(in x: T[any, block], in indices: i32[rows, ${axes.length}], out y: T[rows, block],
        rows, block, ${lengths(axes)}) {
  for r in 0..rows {
    let at = 0
    ${axes.map((k) => `at = at * n${k} + max(0, min(indices[r, ${k}], n${k} - 1))`).join("\n    ")}
    if block == 1 { y[r] = x[at] }
    else { vector j in 0..block { y[r, j] = x[at, j] } }
  }
}`)
);

/** How an update is put to what is at its place. */
export type Combining = "set" | "add" | "mul" | "min" | "max";

const combined: Readonly<Record<Combining, (to: string, update: string) => string>> = {
  set: (to, update) => `${to} = ${update}`,
  add: (to, update) => `${to} += ${update}`,
  mul: (to, update) => `${to} *= ${update}`,
  min: (to, update) => `${to} = min(${to}, ${update})`,
  max: (to, update) => `${to} = max(${to}, ${update})`,
};

/**
 * An array of `size` elements with blocks put to it at indices, in their order; what is out of range is
 * dropped.
 */
const scatterRoutine = (how: Combining): (depth: number) => Routine =>
  perDepth((axes) =>
    routine(`
scatter_${how}${axes.length}(in x: T[size], in indices: i32[rows, ${axes.length}],
        in updates: T[rows, block], out y: T[size], size, rows, block, ${lengths(axes)}) {
  vector i in 0..size { y[i] = x[i] }
  for r in 0..rows {
    ${axes.map((k) => `let i${k} = indices[r, ${k}]`).join("\n    ")}
    if ${axes.map((k) => `i${k} >= 0 and i${k} < n${k}`).join(" and ")} {
      let at = 0
      ${axes.map((k) => `at = at * n${k} + i${k}`).join("\n      ")}
      if block == 1 { ${combined[how]("y[at]", "updates[r]")} }
      else { vector j in 0..block { ${combined[how]("y[at * block + j]", "updates[r, j]")} } }
    }
  }
}`)
  );

/** By how updates are put to what is there, and the number of indexed axes. */
export const scatterRoutines: Readonly<Record<Combining, (depth: number) => Routine>> = {
  set: /* @__PURE__ */ scatterRoutine("set"),
  add: /* @__PURE__ */ scatterRoutine("add"),
  mul: /* @__PURE__ */ scatterRoutine("mul"),
  min: /* @__PURE__ */ scatterRoutine("min"),
  max: /* @__PURE__ */ scatterRoutine("max"),
};

/** An array with blocks added at indices. */
export const scatterAddRoutine: (depth: number) => Routine = scatterRoutines.add;
