/**
 * A model as a table: its modules in the order in which they run.
 *
 * @module
 */
import { formatAval, sizeOf } from "../../lib/extend.ts";
import { evalShape, NDArray, ShapeDtype, treeFlatten } from "../../mod.ts";
import { type Bindable, type Call, nameOfClass } from "./binding.ts";
import { initModule } from "./run.ts";
import { isPlain, type Nested } from "./variables.ts";

/** As `Module.tabulate`. */
export function summaryOf(module: Bindable, rngs: unknown, args: readonly unknown[]): string {
  const calls: { path: string; name: string; ins: string; outs: string }[] = [];
  const onCall = ({ module, scope, method, args, out, isOutermost }: Call): void => {
    if (!isOutermost) return;
    const name = nameOfClass(module.constructor);
    calls.push({
      path: scope.path,
      name: method === "call" ? name : `${name}.${method}`,
      ins: args.map(shown).filter((x) => x !== "").join(", "),
      outs: shown(out),
    });
  };
  // Keys are closed over, since they may be given by stream; so are arguments, of which some are no arrays.
  const variables = evalShape(() => initModule(module, rngs, args, onCall)[1] as never);
  const collections = Object.keys(variables);
  // A module's row stands before those of its parts, which are over before it.
  const paths = [...new Set(calls.map((call) => call.path))];
  const order = (path: string): string =>
    path.split("/").map((_, i, names) => {
      const own = names.slice(0, i + 1).join("/");
      const first = paths.findIndex((p) => p === own || p.startsWith(`${own}/`));
      return String(first).padStart(6, "0");
    }).join("/");
  const rows = calls.map((call, i) => ({ call, i })).sort((a, b) => {
    const [x, y] = [a.call.path, b.call.path].map((path) => path === "" ? "" : order(path));
    return x === y ? a.i - b.i : x! < y! ? -1 : 1;
  });
  const seen = new Set<string>();
  const table = rows.map(({ call: { path, name, ins, outs } }) => {
    const isFirst = !seen.has(path);
    seen.add(path);
    const own = collections.map((c) => isFirst ? ownVariables(variables, c, path) : "");
    return [path, name, ins, outs, ...own];
  });
  const totals = collections.map((c) => {
    const leaves = treeFlatten(variables[c as keyof typeof variables])[0] as ShapeDtype[];
    const count = leaves.reduce((n, x) => n + sizeOf(x.shape), 0);
    const bytes = leaves.reduce((n, x) => n + sizeOf(x.shape) * bytesOf(x.dtype), 0);
    return `${c}: ${count} (${bytes} bytes)`;
  });
  return [
    ...lines([["path", "module", "inputs", "outputs", ...collections], ...table]),
    `Total ${totals.join(", ") || "nothing"}`,
  ].join("\n");
}

/** The types of the arrays of a value, in its structure. */
function shown(value: unknown): string {
  if (value instanceof NDArray) return formatAval(value.aval);
  if (Array.isArray(value)) return `[${value.map(shown).join(", ")}]`;
  if (isPlain(value)) {
    return `{ ${Object.entries(value).map(([name, x]) => `${name}: ${shown(x)}`).join(", ")} }`;
  }
  return typeof value === "object" || typeof value === "function" ? "" : String(value);
}

/** The variables of a module, without those of its submodules. */
function ownVariables(variables: object, collection: string, path: string): string {
  let tree: unknown = (variables as Nested)[collection];
  for (const name of path === "" ? [] : path.split("/")) {
    tree = isPlain(tree) ? tree[name] : undefined;
  }
  if (!isPlain(tree)) return "";
  return Object.entries(tree)
    .filter(([, x]) => x instanceof ShapeDtype)
    .map(([name, x]) => `${name}: ${formatAval(x as ShapeDtype)}`)
    .join(", ");
}

function bytesOf(dtype: string): number {
  if (dtype === "bool") return 1;
  return Number(/\d+/.exec(dtype)?.[0] ?? 8) / 8;
}

/** Rows in columns, the first row underlined. */
function lines(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd();
  const [head, ...rest] = rows;
  return [line(head!), line(widths.map((n) => "-".repeat(n))), ...rest.map(line)];
}
