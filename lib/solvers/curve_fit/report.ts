/**
 * A fit in words: what to look out for, and all its numbers as text.
 *
 * A fit as a picture: points, curve and bands.
 *
 * @module
 */
import {
  ConcreteArray,
  describeValue,
  type NDArray,
  shaped,
  treeFlatten,
  treeLeaves,
  treePaths,
} from "../../core/mod.ts";
import { shareOf } from "./errors.ts";
import type { FitArrays, FitNumbers, FitPlotOptions, FitSettings } from "./parts.ts";

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
  { uncertainty, atBounds, free, y, points, size }: FitArrays<T>,
  { names }: FitSettings,
): string[] {
  const { undetermined } = uncertainty;
  if (atBounds.ndim !== 1 || !areKnown([undetermined, atBounds, free, points])) return [];
  const notes: string[] = [];
  const [sides, values] = [atBounds.dataSync(), free.dataSync()];
  if (!fit.solution.converged) {
    const whose = values.every(Number.isFinite)
      ? "its numbers are those of the best point"
      : "there was no point to begin with, and so it has no numbers";
    notes.push(`the fit ended as ${fit.solution.statusName}: ${whose}`);
  }
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
  const [squares, root] = [fit.chiSquare.item(), size.item()];
  if (root > 0 && root < Infinity && !(squares > 0 && squares < Infinity)) {
    notes.push(
      `chi-square is out of the range of ${size.dtype}: its root is ${
        root.toPrecision(4)
      }. Measure y in another unit`,
    );
  }
  const used = points.item();
  if (used < y.size) notes.push(`${y.size - used} of ${y.size} points left out: not finite`);
  const several = (count: number, what: string): string =>
    `${count} ${what}${count === 1 ? "" : "s"}`;
  if (used <= n) {
    const why = used < n ? "do not determine them" : "say nothing of the size of errors";
    notes.push(`${several(used, "point")} for ${several(n, "parameter")}: they ${why}`);
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
  // Over no degrees of freedom, or no squares, there is no quotient.
  const number = (x: NDArray): string =>
    Number.isNaN(x.item()) ? "undefined" : x.item().toPrecision(5);
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

/** Why there is no picture of a fit, or `null` where there is one. */
export function whyNoPlot<T>({ x, y, free, chiSquare }: FitArrays<T>): string | null {
  if (!areKnown([x, y, free, chiSquare])) {
    return "its values are not known here: plot outside of jit, vmap and grad";
  }
  if (chiSquare.ndim > 0) return "it is of several lanes: plot a fit of one";
  if (x.ndim !== 1 || y.ndim !== 1 || x.size !== y.size) {
    return `x has shape [${x.shape}] and y [${y.shape}]: both must be [points] and of one length`;
  }
  return null;
}

/** The picture as the text of an SVG image. */
export function drawFit<T>(
  fit: FitNumbers,
  arrays: FitArrays<T>,
  { title, xLabel = "x", yLabel = "y", level = 0.95, width = 640, height = 420 }: FitPlotOptions,
): string {
  const why = whyNoPlot(arrays);
  if (why !== null) throw new TypeError(`plot: there is no picture of the fit, since ${why}`);
  for (const [name, size] of [["width", width], ["height", height]] as const) {
    if (!(size >= 120 && size < Infinity)) {
      throw new RangeError(`plot: ${name} must be at least 120 pixels, not ${describeValue(size)}`);
    }
  }
  const xs = [...arrays.x.dataSync()].map(Number);
  const ys = [...arrays.y.dataSync()].map(Number);
  const points = xs.flatMap((x, i) => Number.isFinite(x + ys[i]!) ? [[x, ys[i]!] as const] : []);
  const [from, to] = extremes(points.map(([x]) => x));
  const grid = Float64Array.from(
    { length: places },
    (_, i) => from + (to - from) * i / (places - 1),
  );
  const at = ConcreteArray.fromHost(shaped([places], "float64"), grid).astype(arrays.x.dtype);
  const { y, confidence, prediction } = fit.predict(at, { level });
  const list = (a: { dataSync(): ArrayLike<number | bigint> }): number[] =>
    Array.from(a.dataSync(), Number);
  const curve = list(y);
  const bands = [prediction, confidence].map(({ lower, upper }) => [list(lower), list(upper)]);

  const top = title === undefined ? 16 : 40;
  const box = { left: 64, right: width - 16, top, bottom: height - 48 };
  const seen = [...curve, ...points.map(([, y]) => y), ...bands.flat(2)].filter(Number.isFinite);
  const [low, high] = extremes(seen);
  const [x0, x1] = padded(from, to);
  const [y0, y1] = padded(low, high);
  const px = (x: number): number => box.left + (x - x0) / (x1 - x0) * (box.right - box.left);
  const py = (y: number): number => box.bottom - (y - y0) / (y1 - y0) * (box.bottom - box.top);
  const pair = (x: number, y: number): string => `${px(x).toFixed(1)},${py(y).toFixed(1)}`;

  const parts: string[] = [];
  for (const x of ticks(x0, x1)) {
    parts.push(line(px(x), box.top, px(x), box.bottom, "#8884"));
    parts.push(text(px(x), box.bottom + 16, label(x, x1 - x0), "middle"));
  }
  for (const y of ticks(y0, y1)) {
    parts.push(line(box.left, py(y), box.right, py(y), "#8884"));
    parts.push(text(box.left - 6, py(y) + 4, label(y, y1 - y0), "end"));
  }
  const percent = Number((100 * level).toPrecision(6));
  const shades = [["#7aa6da", `new points, ${percent} %`], ["#3b6fb6", `curve, ${percent} %`]];
  bands.forEach(([lower, upper], k) => {
    if (![...lower!, ...upper!].every(Number.isFinite)) return;
    const there = [...grid].map((x, i) => pair(x, upper![i]!));
    const back = [...grid].map((x, i) => pair(x, lower![i]!)).reverse();
    parts.push(
      `<polygon points="${[...there, ...back].join(" ")}" fill="${shades[k]![0]}" opacity="0.3">` +
        `<title>${shades[k]![1]}</title></polygon>`,
    );
  });
  const drawn = [...grid].flatMap((x, i) => Number.isFinite(curve[i]!) ? [pair(x, curve[i]!)] : []);
  parts.push(
    `<polyline points="${drawn.join(" ")}" fill="none" stroke="#1f4e8c" stroke-width="2"/>`,
  );
  for (const [x, y] of points) {
    parts.push(
      `<circle cx="${px(x).toFixed(1)}" cy="${py(y).toFixed(1)}" r="3" fill="#d9822b"/>`,
    );
  }
  const frame = `<rect x="${box.left}" y="${box.top}" width="${box.right - box.left}" height="${
    box.bottom - box.top
  }" fill="none" stroke="#888"/>`;
  parts.push(frame);
  if (title !== undefined) parts.push(text(width / 2, 24, title, "middle", 16));
  parts.push(text((box.left + box.right) / 2, height - 12, xLabel, "middle"));
  const middle = (box.top + box.bottom) / 2;
  parts.push(
    `<g transform="rotate(-90 14 ${middle})">${text(14, middle, yLabel, "middle")}</g>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
    `width="${width}" height="${height}" role="img"><title>${
      escaped(title ?? `${yLabel} by ${xLabel}, fitted`)
    }</title>${parts.join("")}</svg>`;
}

/** Smallest and largest of numbers. */
function extremes(values: readonly number[]): readonly [number, number] {
  return [
    values.reduce((a, b) => b < a ? b : a, Infinity),
    values.reduce((a, b) => b > a ? b : a, -Infinity),
  ];
}

/** A range with room on both sides. */
function padded(low: number, high: number): readonly [number, number] {
  const room = high > low ? 0.04 * (high - low) : Math.abs(low) || 1;
  return [low - room, high + room];
}

/** About six round numbers in a range. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough)!;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, i) => (first + i) * step);
}

/** A number beside a range, without digits that are rounding. */
function label(value: number, range: number): string {
  const near = Math.abs(value) < 1e-9 * range ? 0 : Number(value.toPrecision(8));
  return `${near}`;
}

function escaped(words: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  return words.replace(/[&<>"]/g, (c) => entities[c]!);
}

function text(x: number, y: number, words: string, anchor: string, size = 12): string {
  return `<text x="${x.toFixed(1)}" y="${
    y.toFixed(1)
  }" font-size="${size}" font-family="sans-serif" ` +
    `fill="currentColor" text-anchor="${anchor}">${escaped(words)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string): string {
  const [a, b, c, d] = [x1, y1, x2, y2].map((v) => v.toFixed(1));
  return `<line x1="${a}" y1="${b}" x2="${c}" y2="${d}" stroke="${colour}"/>`;
}

/** Places at which the curve is drawn. */
const places = 200;
