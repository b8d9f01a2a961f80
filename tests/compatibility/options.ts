/**
 * What there is of the options of JAX's functions, the parameters that may be left out: from the
 * signatures in `signatures.json` and from what the functions here take.
 *
 * @module
 */
import list from "./signatures.json" with { type: "json" };
import { never, otherNames } from "./option_reasons.ts";
import { parametersOf } from "./parameters.ts";
import type { Row } from "./table.ts";

/** An option of a function of JAX that is there, and what there is of it. */
export interface OptionRow {
  /** The module of the function. */
  readonly module: string;
  /** The function. */
  readonly name: string;
  /** The option. */
  readonly option: string;
  /** What it is in JAX where it is left out, if that is a number, a flag, a name, or None. */
  readonly otherwise?: number | boolean | string | null;
  /** The name here, where there is one. */
  readonly here?: string;
  /** Why there is none, where it has no meaning here. */
  readonly reason?: string;
}

const signatures: Readonly<Record<string, Readonly<Record<string, string>>>> = list.signatures;

const plain = (name: string): string => name.replaceAll("_", "").toLowerCase();

/** A function with its module, as `numpy.sum`. */
export function nameOf({ module, name }: Pick<Row, "module" | "name">): string {
  return `${module}.${name}`.replace(/^jax\./, "");
}

function optionRow(
  { module, name }: Row,
  option: string,
  parameters: readonly string[],
): OptionRow {
  const called = nameOf({ module, name });
  const renamed = otherNames.find((r) => r.functions.test(called) && r.option === option)?.here;
  const here = parameters.find((p) => plain(p) === plain(option)) ??
    parameters.find((p) => p === renamed);
  if (here !== undefined) return { module, name, option, here };
  const fits = never.find((r) => (r.functions?.test(called) ?? true) && r.options.test(option));
  return { module, name, option, ...(fits === undefined ? {} : { reason: fits.reason }) };
}

/** The options of the functions of some rows. */
export async function optionsOf(rows: readonly Row[]): Promise<readonly OptionRow[]> {
  const found = await Promise.all(rows.map(async (row) => {
    const path = row.here?.split(".") ?? [];
    const signature = signatures[row.module]?.[row.name];
    // The distributions of `stats` are objects, whose functions have options in one form.
    if (signature === undefined || path.length === 0 || path.length > 2) return [];
    const parameters = await parametersOf(path.length === 1 ? "." : `./${path[0]}`, path.at(-1)!);
    return signature.split(" ").filter((p) => p.includes("?")).map((p) => {
      const [option = "", otherwise = ""] = p.split("?");
      const found = optionRow(row, option, parameters);
      return otherwise === "" ? found : { ...found, otherwise: JSON.parse(otherwise) };
    });
  }));
  return found.flat();
}

/** What the table says about options. */
export function optionsSection(rows: readonly OptionRow[]): string[] {
  const present = rows.filter(({ here }) => here !== undefined);
  const open = rows.filter(({ here, reason }) => here === undefined && reason === undefined);
  const renamed = present.filter(({ option, here }) => plain(option) !== plain(here!));
  const reasons = [...new Set(rows.flatMap(({ reason }) => reason ?? []))];
  return [
    "## Options",
    "",
    `Of the functions that are there, the parameters that may be left out: ${present.length} of ` +
    `${present.length + open.length} that have a meaning here.`,
    "",
    ...(open.length === 0 ? [] : [`Not there: ${byFunction(open)}.`, ""]),
    `Under another name: ${
      grouped(renamed, ({ option, here }) => `\`${option}\` as \`${here}\``)
    }.`,
    "",
    ...reasons.map((why) =>
      `- ${why}: ${
        grouped(rows.filter(({ reason }) => reason === why), ({ option }) => `\`${option}\``)
      }`
    ),
    "",
  ];
}

/** The options of each function. */
function byFunction(rows: readonly OptionRow[]): string {
  const names = Map.groupBy(rows, nameOf);
  return [...names].map(([name, of]) =>
    `\`${name}\` (${of.map(({ option }) => option).join(", ")})`
  ).join(", ");
}

/** The functions of each option; where they are more than a few, how many. */
function grouped(rows: readonly OptionRow[], key: (row: OptionRow) => string): string {
  return [...Map.groupBy(rows, key)].map(([option, of]) =>
    of.length > 6
      ? `${option} (${of.length} functions)`
      : `${option} (${of.map(nameOf).join(", ")})`
  ).join("; ");
}
