/**
 * Models as text.
 *
 * @module
 */
import { checkCall, formatAval, type OptionTable } from "../../lib/extend.ts";
import { NDArray, ShapeDtype } from "../../mod.ts";
import { innerOf, staticsOf } from "./module.ts";

/** Options of `treePformat`. */
export interface PrintOptions {
  /** How long lines may be (default 80). */
  readonly width?: number | undefined;
  /** By how much what is inside is indented (default 2). */
  readonly indent?: number | undefined;
  /** Whether to show the elements of arrays, not their shapes alone (default false). */
  readonly values?: boolean | undefined;
}

const printOptions: OptionTable<PrintOptions> = {
  width: "count",
  indent: "count",
  values: "boolean",
};

/**
 * A tree as text: modules by the names of their classes and fields, arrays by dtype and shape.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * console.log(eqx.treePformat(new eqx.nn.Linear(2, 3, { key: random.key(0) }), { width: 40 }));
 * // Linear(
 * //   weight=float32[3,2],
 * //   bias=float32[3],
 * //   inFeatures=2,
 * //   outFeatures=3,
 * //   useBias=true
 * // )
 * ```
 */
export function treePformat(tree: unknown, options: PrintOptions = {}): string {
  if (arguments.length > 1) checkCall("eqx.treePformat(tree, options)", arguments, printOptions);
  const { width = 80, indent = 2, values = false } = options;
  const show = (node: unknown, before: number): string => {
    if (node instanceof NDArray) return values ? String(node) : formatAval(node.aval);
    if (node instanceof ShapeDtype) return String(node);
    if (typeof node === "string") return JSON.stringify(node);
    if (typeof node === "function") return node.name === "" ? "function" : `function ${node.name}`;
    const inner = innerOf(node);
    if (inner === null) return String(node);
    const isList = Array.isArray(node);
    const name = isList || isPlain(node) ? "" : (node as object).constructor.name;
    const [open, close] = isList ? ["[", "]"] : name === "" ? ["{", "}"] : [`${name}(`, ")"];
    const fields = Object.entries({ ...inner.children, ...staticsOf(node as object) });
    const label = (key: string): string => isList ? "" : name === "" ? `${key}: ` : `${key}=`;
    const line = fields.map(([key, x]) => label(key) + show(x, 0)).join(", ");
    if (before + open.length + line.length + close.length <= width && !line.includes("\n")) {
      return open + line + close;
    }
    const pad = " ".repeat(indent);
    const lines = fields.map(([key, x]) =>
      pad + (label(key) + show(x, before + indent + label(key).length)).replaceAll("\n", `\n${pad}`)
    );
    return `${open}\n${lines.join(",\n")}\n${close}`;
  };
  return show(tree, 0);
}

/** Prints a tree, as `treePformat` shows it. */
export function treePprint(tree: unknown, options: PrintOptions = {}): void {
  if (arguments.length > 1) checkCall("eqx.treePprint(tree, options)", arguments, printOptions);
  console.log(treePformat(tree, options));
}

function isPlain(node: unknown): boolean {
  const prototype = Object.getPrototypeOf(node);
  return prototype === Object.prototype || prototype === null;
}
