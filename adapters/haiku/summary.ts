/**
 * What a model consists of: the calls of its modules, with what goes in and comes out, and a table of them.
 *
 * @module
 */
import { checkCall, describeValue, formatAval, type OptionTable } from "../../lib/extend.ts";
import { evalShape, NDArray, random, StateError, treeLeaves } from "../../mod.ts";
import { splitArguments } from "./arguments.ts";
import type { ModuleEntries } from "./collections.ts";
import { interceptMethods } from "./hooks.ts";
import type { Module } from "./module.ts";
import {
  hasState,
  type Transformed,
  type TransformedWithState,
  transformWithState,
} from "./transform.ts";

/** One call of a method of a module. */
export interface MethodInvocation {
  /** Full name of the module, such as `"mlp/~/linear_0"`. */
  readonly moduleName: string;
  /** Name of its class. */
  readonly className: string;
  /** Name of the method. */
  readonly methodName: string;
  /** The arrays that went in, such as `"float32[2,3]"`. */
  readonly inputs: readonly string[];
  /** The arrays that came out. */
  readonly outputs: readonly string[];
  /** The module's own parameters, by name. */
  readonly params: Readonly<Record<string, string>>;
  /** How many numbers are in the parameters of the module, of those in it and of those that it calls. */
  readonly paramsSize: number;
  /** How many bytes they take. */
  readonly paramsBytes: number;
  /** How many calls it is inside of. */
  readonly depth: number;
}

function typesOf(tree: unknown): string[] {
  const leaves = treeLeaves(tree as never) as unknown[];
  return leaves.filter((x): x is NDArray => x instanceof NDArray).map((x) => formatAval(x.aval));
}

/** What is known of a call while the function runs. */
interface Call {
  readonly module: Module;
  readonly methodName: string;
  readonly className: string;
  readonly inputs: readonly string[];
  outputs: readonly string[];
  readonly depth: number;
}

/**
 * A function that gives the calls of modules in a model, for arguments like these, without computing
 * anything.
 *
 * @param f A function that uses modules, or what `hk.transform` or `hk.transformWithState` gave.
 * @throws {StateError} where it is neither.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const calls = hk.evalSummary((x: NDArray) => new hk.MLP([4, 1]).call(x))(np.ones([2, 3]));
 * for (const { moduleName, outputs, paramsSize } of calls) console.log(moduleName, outputs, paramsSize);
 * // mlp [ "float32[2,1]" ] 21
 * // mlp/~/linear_0 [ "float32[2,4]" ] 16
 * // mlp/~/linear_1 [ "float32[2,1]" ] 5
 * ```
 */
export function evalSummary<A extends unknown[]>(
  f: ((...args: A) => unknown) | Transformed<A, unknown> | TransformedWithState<A, unknown>,
): (...args: A) => MethodInvocation[] {
  if (arguments.length > 1) checkCall("hk.evalSummary(f)", arguments);
  if (typeof f !== "function" && hasState(f) === undefined) {
    throw new StateError(
      `hk.evalSummary: expected a function, or what hk.transform gave, not ${describeValue(f)}`,
    );
  }
  const model = typeof f === "function" ? transformWithState(f as (...args: A) => unknown) : f;
  return (...args) => {
    const calls: Call[] = [];
    let depth = 0;
    let params: ModuleEntries = {};
    const { traced, join } = splitArguments(args);
    evalShape((...inner: unknown[]) => {
      const own = join(inner);
      const made = interceptMethods((next, own, { module, methodName }) => {
        const className = (module as Module).constructor.name;
        const call: Call = {
          module: module as Module,
          methodName,
          className,
          inputs: typesOf(own),
          outputs: [],
          depth: depth++,
        };
        calls.push(call);
        try {
          const out = next(...own);
          call.outputs = typesOf(out);
          return out;
        } finally {
          depth--;
        }
      }, () => model.init(random.key(0), ...own));
      params = (Array.isArray(made) ? made[0] : made) as ModuleEntries;
      return [];
    }, ...traced as never[]);
    return calls.map(({ module: { moduleName }, ...call }, i) => {
      // Modules that it calls may have been made elsewhere.
      const end = calls.findIndex(({ depth }, j) => j > i && depth <= call.depth);
      const within = calls.slice(i, end < 0 ? undefined : end).map((c) => c.module.moduleName);
      const all = Object.entries(params).filter(([m]) =>
        within.some((name) => m === name || m.startsWith(`${name}/`))
      )
        .flatMap(([, own]) => Object.values(own));
      const own = Object.entries(params[moduleName] ?? {});
      return {
        moduleName,
        ...call,
        params: Object.fromEntries(own.map(([name, x]) => [name, formatAval(x.aval)])),
        paramsSize: all.reduce((sum, x) => sum + x.size, 0),
        paramsBytes: all.reduce((sum, x) => sum + x.size * bytesOf(x), 0),
      };
    });
  };
}

const bytesOf = ({ dtype }: NDArray): number => dtype === "float64" ? 8 : dtype === "bool" ? 1 : 4;

/** What `tabulate` may show of a call. */
export type SummaryColumn = "module" | "params" | "input" | "output" | "paramsSize" | "paramsBytes";

/** Options of `tabulate`. */
export interface TabulateOptions {
  /** The columns (default: all). */
  readonly columns?: readonly SummaryColumn[] | undefined;
  /** Whether calls of modules without parameters are left out (default false). */
  readonly onlyWithParams?: boolean | undefined;
}

const tabulateOptions: OptionTable<TabulateOptions> = {
  columns: "names",
  onlyWithParams: "boolean",
};

const columns: Readonly<Record<SummaryColumn, (call: MethodInvocation) => string>> = {
  module: ({ moduleName, className, methodName, depth }) =>
    `${"  ".repeat(depth)}${moduleName} (${className}.${methodName})`,
  params: ({ params }) =>
    Object.entries(params).map(([name, type]) => `${name} ${type}`).join(", "),
  input: ({ inputs }) => inputs.join(", "),
  output: ({ outputs }) => outputs.join(", "),
  paramsSize: ({ paramsSize }) => String(paramsSize),
  paramsBytes: ({ paramsBytes }) => String(paramsBytes),
};

/**
 * A function that gives a table of the calls of modules in a model, for arguments like these.
 *
 * @throws {StateError} where `f` is no model, or there is no such column.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = (x: NDArray) => new hk.MLP([4, 1]).call(x);
 * console.log(hk.tabulate(model, { columns: ["module", "output"] })(np.ones([2, 3])));
 * // module                              output
 * // mlp (MLP.call)                      float32[2,1]
 * //   mlp/~/linear_0 (Linear.call)      float32[2,4]
 * //   mlp/~/linear_1 (Linear.call)      float32[2,1]
 * ```
 */
export function tabulate<A extends unknown[]>(
  f: ((...args: A) => unknown) | Transformed<A, unknown> | TransformedWithState<A, unknown>,
  options: TabulateOptions = {},
): (...args: A) => string {
  checkCall("hk.tabulate(f, options)", arguments, tabulateOptions);
  const { columns: shown = Object.keys(columns) as SummaryColumn[], onlyWithParams } = options;
  if (!Array.isArray(shown as unknown)) {
    throw new StateError(`hk.tabulate: columns must be a list, not ${describeValue(shown)}`);
  }
  for (const name of shown) {
    if (Object.hasOwn(columns, name)) continue;
    throw new StateError(
      `hk.tabulate: there is no column ${JSON.stringify(name)}; there are ${
        Object.keys(columns).join(", ")
      }`,
    );
  }
  const summary = evalSummary(f);
  return (...args) => {
    const calls = summary(...args).filter((c) => !onlyWithParams || c.paramsSize > 0);
    const rows = [
      shown as readonly string[],
      ...calls.map((c) => shown.map((name) => columns[name](c))),
    ];
    const widths = shown.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
    return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join("    ").trimEnd())
      .join("\n");
  };
}
