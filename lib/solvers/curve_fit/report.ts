/**
 * A fit in words: what to look out for, and all its numbers as text.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { ConcreteArray } from "../../core/concrete.ts";
import { treeFlatten, treeLeaves, treePaths } from "../../core/tree.ts";
import { shareOf } from "./errors.ts";
import type { FitArrays, FitNumbers, FitSettings } from "./parts.ts";

/** Whether all values of some arrays of one fit are known here. */
export function areKnown(arrays: readonly NDArray[]): boolean {
  return arrays.every((x) => x instanceof ConcreteArray && x.peek() !== null);
}

/** Names of the elements of a tree's leaves: the path without a dot in front, and an index where there are several. */
export function elementNames(paths: readonly string[], leaves: readonly NDArray[]): string[][] {
  return leaves.map((leaf, i) => {
    const name = paths[i]!.replace(/^\./, "") || "parameter";
    return leaf.ndim === 0 ? [name] : Array.from({ length: leaf.size }, (_, k) => `${name}[${k}]`);
  });
}

const listed = (names: readonly string[]): string =>
  names.length < 2 ? `${names[0]}` : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

/** What to know before the numbers of a fit are believed. */
export function notesOf<T>(
  fit: FitNumbers,
  { uncertainty, atBounds, free, y, points }: FitArrays<T>,
  { names }: FitSettings,
): string[] {
  const { undetermined } = uncertainty;
  if (atBounds.ndim !== 1 || !areKnown([undetermined, atBounds, free, points])) return [];
  const notes: string[] = [];
  if (!fit.solution.converged) {
    notes.push(
      `the fit ended as ${fit.solution.statusName}: its numbers are those of the best point`,
    );
  }
  const [sides, values] = [atBounds.dataSync(), free.dataSync()];
  names.forEach((name, i) => {
    const side = sides[i]!;
    if (side === 0) return;
    notes.push(
      `${name} at its ${side < 0 ? "lower" : "upper"} bound, ${
        Number(values[i]!.toPrecision(6))
      }: ` +
        "standard errors do not allow for that. Fix it there, or widen the bound",
    );
  });
  const [lost, share] = [undetermined.dataSync(), shareOf(undetermined.dtype)];
  const n = names.length;
  const seen = new Set<number>();
  for (let i = 0; i < n; i++) {
    if (seen.has(i) || !(lost[i * n + i]! > share)) continue;
    const group = [i];
    for (const k of group) {
      seen.add(k);
      for (let j = 0; j < n; j++) {
        const tied = Math.abs(lost[k * n + j]!) > share && lost[j * n + j]! > share;
        if (tied && !seen.has(j) && !group.includes(j)) group.push(j);
      }
    }
    const those = listed(group.sort((a, b) => a - b).map((k) => names[k]!));
    notes.push(
      group.length === 1
        ? `${those} not identifiable: the data do not determine it`
        : `${those} not identifiable: the data do not determine each of them, only a combination`,
    );
  }
  const related = fit.correlations.dataSync();
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const r = related[i * n + j]!;
      if (Math.abs(r) > almost) {
        notes.push(
          `${names[j]} and ${names[i]} have correlation ${r.toFixed(5)}: they are known together ` +
            "much better than one by one",
        );
      }
    }
  }
  const used = points.item();
  if (used < y.size) notes.push(`${y.size - used} of ${y.size} points left out: y is not finite`);
  if (used <= n) {
    notes.push(
      `${used} points for ${n} parameters: they say nothing of the size of errors`,
    );
  }
  return notes;
}

/** The report, a line each. */
export function reportOf(
  fit: FitNumbers,
  { names, fixed, absoluteSigma }: FitSettings,
): string {
  const { solution } = fit;
  const [errors, def] = treeFlatten(fit.standardErrors) as [NDArray[], never];
  const values = treeLeaves(fit.value) as NDArray[];
  if (!areKnown([...values, ...errors, solution.status]) || solution.status.ndim > 0) {
    return solution.message;
  }
  const elements = elementNames(treePaths(def), values);
  const width = Math.max(...elements.flat().map((name) => name.length)) + 2;
  const rows = values.flatMap((v, i) => {
    const e = errors[i]!.dataSync();
    return [...v.dataSync()].map((value, k) => {
      const name = elements[i]![k]!;
      const shown = `  ${name.padEnd(Math.max(8, width))}${value.toPrecision(7)}`;
      if (fixed.includes(name)) return `${shown} (fixed)`;
      const error = e[k]!;
      const share = value !== 0 && error < Infinity
        ? `  (${(100 * Math.abs(error / value)).toPrecision(2)} %)`
        : "";
      return `${shown} ± ${error.toPrecision(3)}${share}`;
    });
  });
  const n = names.length;
  const related = fit.correlations.dataSync();
  const pairs = names.flatMap((a, i) =>
    names.slice(0, i).map((b, j) => [b, a, related[i * n + j]!] as const)
  )
    .filter(([, , r]) => Math.abs(r) >= mentioned)
    .sort((a, b) => Math.abs(b[2]) - Math.abs(a[2]))
    .slice(0, 10)
    .map(([a, b, r]) => `  correlation of ${a} and ${b}: ${r.toFixed(3)}`);
  const number = (x: NDArray): string => x.item().toPrecision(5);
  return [
    solution.message,
    ...rows,
    ...pairs,
    `  ${fit.points.item()} points, ${fit.degreesOfFreedom.item()} degrees of freedom; errors ` +
    (absoluteSigma ? "by the sigma of the data" : "by the scatter about the curve"),
    `  chi-square ${number(fit.chiSquare)}, reduced ${number(fit.reducedChiSquare)}, R squared ` +
    number(fit.rSquared),
    `  AIC ${number(fit.aic)}, BIC ${number(fit.bic)}`,
    ...fit.notes.map((note) => `  note: ${note}`),
  ].join("\n");
}

/** Correlations from which two parameters are noted, and from which they are listed. */
const almost = 0.9999;
const mentioned = 0.1;
