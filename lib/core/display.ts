/**
 * How values look: numbers with the fewest digits that give them back, arrays with their corners,
 * and the hooks by which consoles and notebooks ask objects for their text.
 *
 * What a class says of itself is its `toString`; here is what they share.
 *
 * @module
 */
import type { DType, ShapedArray, TypedArray } from "./dtype.ts";

/** What a notebook can show of a value: texts by MIME type. */
export type MediaBundle = Readonly<Record<string, string>>;

/**
 * Lets the consoles of Deno and Node show instances of a class by their `toString`, and Jupyter notebooks
 * too, which also get what `media` gives.
 */
export function showAsText<T extends object>(
  { prototype }: { readonly prototype: T },
  media: (value: T) => MediaBundle = () => ({}),
): void {
  // A computed symbol cannot be declared inside a class, hence this way.
  const define = (symbol: string, value: (this: T) => unknown): void => {
    Object.defineProperty(prototype, Symbol.for(symbol), { value });
  };
  for (const symbol of ["Deno.customInspect", "nodejs.util.inspect.custom"]) {
    define(symbol, function () {
      // Consoles that show prototypes ask these too.
      return Object.hasOwn(this, "constructor") ? `${this.constructor.name} {}` : this.toString();
    });
  }
  define("Jupyter.display", function () {
    return { "text/plain": String(this), ...media(this) };
  });
}

/**
 * What classes extend that are shown by their `toString` and that programs may be without: a call for a
 * class keeps it in bundles where nothing uses it.
 */
export abstract class Shown {}

// An abstract class cannot be made, which is all that its type has against it.
showAsText(Shown as unknown as { readonly prototype: Shown });

// ---------------------------------------------------------------- numbers

/**
 * A number as one would write it: the fewest digits that give back the same element of that dtype
 * (`0.1` and not `0.10000000149011612`), and -0, which JavaScript's own conversion writes as 0.
 */
export function formatNumber(value: number, dtype: DType): string {
  if (dtype === "bool") return String(value !== 0);
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  // Whole numbers below 2^24 are floats of either width, and have no shorter form.
  if (
    dtype !== "float32" || !Number.isFinite(value) ||
    (value | 0) === value && Math.abs(value) < 1 << 24
  ) {
    return String(value);
  }
  // Floats below a power of two are closer together than those above it. So the decimal nearest to it
  // may be too far below, where the next one up is near enough.
  single[0] = value;
  const lopsided = (bits[0]! & 0x7fffff) === 0;
  // Nine digits are always enough.
  for (let digits = 1; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    const nearest = Number(text);
    if (Math.fround(nearest) === value) return String(nearest);
    if (!lopsided) continue;
    const next = nextUp(text);
    if (Math.fround(next) === value) return String(next);
  }
  return String(Number(value.toPrecision(9)));
}

const single = /* @__PURE__ */ new Float32Array(1);
const bits = /* @__PURE__ */ new Uint32Array(single.buffer);

/** The decimal of as many digits that is next in absolute value. */
function nextUp(text: string): number {
  const [mantissa = "", exponent = "0"] = text.split("e");
  const decimals = mantissa.includes(".") ? mantissa.length - mantissa.indexOf(".") - 1 : 0;
  const step = mantissa.startsWith("-") ? -(10 ** -decimals) : 10 ** -decimals;
  return Number(`${(Number(mantissa) + step).toFixed(decimals)}e${exponent}`);
}

// ---------------------------------------------------------------- arrays

/** Texts of elements as the axes nest them; `...` stands for those left out. */
type Cells = string | readonly Cells[];

const REST = "...";

/**
 * The elements of an array as nested lists, in one line where they fit, else row by row in columns: all
 * of up to 1000 elements, otherwise the first and last three along each axis, as NumPy. `null` where
 * there are so many axes that even these are too many.
 */
export function formatElements(values: TypedArray, aval: ShapedArray): string | null {
  const cells = cellsOf(values, aval);
  if (cells === null) return null;
  const line = inLine(cells);
  return line.length <= SHORT ? line : inRows(cells, widest(cells), 2);
}

function cellsOf(values: TypedArray, { shape, dtype }: ShapedArray): Cells | null {
  if (values.length === 0) return [];
  if (shape.length > AXES) return null;
  const all = values.length <= MOST;
  const edge = all ? Infinity : [3, 1].find((edge) => {
    return shape.reduce((n, length) => n * Math.min(length, 2 * edge + 1), 1) <= MOST;
  });
  if (edge === undefined) return null;
  const build = (axis: number, start: number, size: number): Cells => {
    if (axis === shape.length) return formatNumber(values[start]!, dtype);
    const length = shape[axis]!;
    const step = size / length;
    const cells: Cells[] = [];
    for (let i = 0; i < length; i++) {
      if (i === edge && length > 2 * edge) {
        cells.push(REST);
        i = length - edge;
      }
      cells.push(build(axis + 1, start + i * step, step));
    }
    return cells;
  };
  return build(0, 0, values.length);
}

function inLine(cells: Cells): string {
  return typeof cells === "string" ? cells : `[${cells.map(inLine).join(",")}]`;
}

function widest(cells: Cells): number {
  if (typeof cells === "string") return cells === REST ? 0 : cells.length;
  return cells.reduce((most, c) => Math.max(most, widest(c)), 0);
}

function inRows(cells: Cells, width: number, indent: number): string {
  if (typeof cells === "string") return cells;
  const margin = " ".repeat(indent + 1);
  if (cells.some((c) => typeof c !== "string")) {
    return `[${cells.map((c) => inRows(c, width, indent + 1)).join(`,\n${margin}`)}]`;
  }
  const perLine = Math.max(1, Math.floor((LINE - indent) / (width + 2)));
  const lines: string[] = [];
  for (let i = 0; i < cells.length; i += perLine) {
    const row = cells.slice(i, i + perLine) as readonly string[];
    lines.push(row.map((c) => c === REST ? c : c.padStart(width)).join(", "));
  }
  return `[${lines.join(`,\n${margin}`)}]`;
}

/** A vector or matrix as an HTML table, by its corners where it is large; `null` for others. */
export function formatTable(values: TypedArray, aval: ShapedArray, caption: string): string | null {
  const { shape } = aval;
  const cells = shape.length === 1 || shape.length === 2 ? cellsOf(values, aval) : null;
  if (cells === null || values.length === 0) return null;
  const rows = (shape.length === 1 ? [cells] : cells) as readonly (string | readonly string[])[];
  const body = rows.map((row) => {
    const texts = typeof row === "string" ? [row] : row;
    return `<tr>${texts.map((text) => `<td>${text}</td>`).join("")}</tr>`;
  });
  return `<table><caption>${caption}</caption>${body.join("")}</table>`;
}

// ---------------------------------------------------------------- curves

/**
 * Positive numbers by step on a logarithmic scale, as an SVG picture; `null` where there are less than
 * two. It ends at the first that is not finite.
 */
export function formatCurve(values: ArrayLike<number>, title: string): string | null {
  const all = Array.from(values);
  const end = all.findIndex((v) => !Number.isFinite(v));
  const known = end < 0 ? all : all.slice(0, end);
  const smallest = known.reduce((least, v) => v > 0 && v < least ? v : least, Infinity);
  if (known.length < 2 || smallest === Infinity) return null;
  // What is 0 is drawn where the smallest other number is.
  const heights = known.map((v) => Math.log10(Math.max(v, smallest)));
  const [top, bottom] = [Math.max(...heights), Math.min(...heights)];
  const [width, height, margin] = [360, 160, 24];
  const points = heights.map((h, i) => {
    const x = margin + (width - 2 * margin) * i / (heights.length - 1);
    const y = margin + (height - 2 * margin) * (top - h) / (top - bottom || 1);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  const label = (x: number, y: number, text: string): string =>
    `<text x="${x}" y="${y}" font-size="11" font-family="sans-serif">${text}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
    `<polyline points="${points.join(" ")}" fill="none" stroke="currentColor"/>` +
    label(margin, 14, `${title}, from ${(10 ** top).toPrecision(3)}`) +
    label(margin, height - 6, `to ${(10 ** bottom).toPrecision(3)} in ${known.length} steps`) +
    `</svg>`;
}

/** Longest text in one line; rows of a matrix read better below each other. */
const SHORT = 72;

/** Most axes for which there are brackets, as in NumPy. */
const AXES = 64;

/** Longest row. */
const LINE = 100;

/** Most elements that are all shown, as in NumPy. */
const MOST = 1000;
