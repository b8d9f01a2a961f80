/**
 * What there is of JAX's names, from the exports and from the list of names in `names.json`. As a program it
 * writes `COMPATIBILITY.md`.
 *
 * @module
 */
import * as injax from "../../mod.ts";
import list from "./names.json" with { type: "json" };
import { settings } from "./exports.ts";
import { type OptionRow, optionsOf, optionsSection } from "./options.ts";
import { never, otherNames } from "./reasons.ts";

type Space = Readonly<Record<string, unknown>>;

/** What a subpath exports, or nothing where there is no such subpath. */
async function subpath(name: string): Promise<Space> {
  const path = settings.exports[`./${name}`];
  return path === undefined ? {} : await import(new URL(`../../${path}`, import.meta.url).href);
}

const root: Space = injax;
const lax = await subpath("lax");
const tree = await subpath("tree");

/** Where the names of a module are looked for, each with what it is called here. */
const spaces: Readonly<Record<string, readonly (readonly [name: string, space: Space])[]>> = {
  "jax": [["", root], ["lax", lax], ["tree", tree]],
  "jax.flatten_util": [["tree", tree]],
  "jax.image": [["image", await subpath("image")]],
  "jax.lax": [["lax", lax]],
  "jax.nn": [["nn", injax.nn]],
  "jax.nn.initializers": [["initializers", await subpath("initializers")]],
  "jax.numpy": [["numpy", injax.numpy], ["linalg", injax.linalg]],
  "jax.numpy.fft": [["fft", await subpath("fft")]],
  "jax.numpy.linalg": [["linalg", injax.linalg], ["numpy", injax.numpy]],
  "jax.ops": [["ops", await subpath("ops")]],
  "jax.random": [["random", injax.random]],
  "jax.scipy.cluster.vq": [["cluster", await subpath("cluster")]],
  "jax.scipy.fft": [["fft", await subpath("fft")]],
  "jax.scipy.integrate": [["numpy", injax.numpy]],
  "jax.scipy.interpolate": [["interpolate", await subpath("interpolate")]],
  "jax.scipy.linalg": [["linalg", injax.linalg]],
  "jax.scipy.ndimage": [["ndimage", await subpath("ndimage")]],
  "jax.scipy.optimize": [["", root]],
  "jax.scipy.signal": [["signal", await subpath("signal")]],
  "jax.scipy.spatial.transform": [["spatial", await subpath("spatial")]],
  "jax.scipy.special": [["special", injax.special], ["nn", injax.nn]],
  "jax.scipy.stats": [["stats", await subpath("stats")]],
  "jax.test_util": [["testing", await subpath("testing")]],
  "jax.tree": [["tree", tree]],
  "jax.tree_util": [["tree", tree], ["", root]],
};

/** A name of JAX, and what there is of it. */
export interface Row {
  /** Its module. */
  readonly module: string;
  /** The name there. */
  readonly name: string;
  /** The name here, where there is one. */
  readonly here?: string;
  /** Why there is none, where it has no meaning here. */
  readonly reason?: string;
}

const camel = (name: string): string =>
  name.replace(/_+([a-z0-9])/g, (_, c: string) => c.toUpperCase()).replaceAll("_", "");

/** The names that lead to a value, whatever their case, as `isfinite` to `isFinite`. */
function within(space: unknown, path: readonly string[]): string[] | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return [];
  if (typeof space !== "object" || space === null) return undefined;
  const names = Object.keys(space);
  const name = names.find((n) => n === first) ??
    names.find((n) => n.toLowerCase() === first.toLowerCase());
  if (name === undefined) return undefined;
  const behind = within((space as Record<string, unknown>)[name], rest);
  return behind === undefined ? undefined : [name, ...behind];
}

function find(module: string, name: string): string | undefined {
  const renamed = otherNames[module]?.[name];
  const short = name.replace(/^tree_?/, "");
  const candidates = [
    ...[renamed, name, name.split(".").map(camel).join(".")],
    ...(module === "jax.tree_util" ? [camel(short), camel(`tree_${short}`)] : []),
  ].filter((c) => c !== undefined && c !== "") as string[];
  for (const [label, space] of spaces[module]!) {
    for (const candidate of candidates) {
      const path = within(space, candidate.split("."));
      if (path !== undefined) return [...(label === "" ? [] : [label]), ...path].join(".");
    }
  }
  return undefined;
}

/** All names of JAX that are held against. */
export const rows: readonly Row[] = Object.entries(list.names).flatMap(([module, names]) =>
  names.map((name): Row => {
    const here = find(module, name);
    if (here !== undefined) return { module, name, here };
    const fits = never.find((r) => (r.modules?.test(module) ?? true) && r.names.test(name));
    return fits === undefined ? { module, name } : { module, name, reason: fits.reason };
  })
);

/** The options of the functions that are there. */
export const options: readonly OptionRow[] = await optionsOf(rows);

/** Of some rows: present, and those that have a meaning here. */
export function counted(
  some: readonly Pick<Row, "here" | "reason">[],
): { present: number; applicable: number } {
  const present = some.filter(({ here }) => here !== undefined).length;
  const applicable = some.filter(({ reason }) => reason === undefined).length;
  return { present, applicable };
}

const share = ({ present, applicable }: { present: number; applicable: number }): string =>
  `${present} | ${applicable} | ${Math.floor((100 * present) / applicable)} %`;

/** The text of `COMPATIBILITY.md`. */
export function compatibility(): string {
  const modules = Object.keys(list.names);
  const of = (module: string): readonly Row[] => rows.filter((row) => row.module === module);
  const summary = modules.map((module) => `| \`${module}\` | ${share(counted(of(module)))} |`);
  const sections = modules.map((module) => section(module, of(module)));
  return [
    "# Names of JAX",
    "",
    `What there is of the public names of JAX ${list.jax}, written by \`deno task compatibility\` from the`,
    "exports. A name counts where it has a meaning here; of the others the tables say why they have none.",
    "Names are JAX's in camelCase, and arguments mean the same; options come last, as an object.",
    "",
    "| module | present | names that apply | |",
    "| --- | --: | --: | --: |",
    ...summary,
    `| all | ${share(counted(rows))} |`,
    "",
    ...sections,
    ...optionsSection(options),
  ].join("\n");
}

function section(module: string, own: readonly Row[]): string {
  const open = own.filter(({ here, reason }) => here === undefined && reason === undefined);
  const reasons = [...new Set(own.flatMap(({ reason }) => reason ?? []))];
  const present = own.flatMap(({ name, here }) =>
    here === undefined ? [] : [[name, here] as const]
  );
  const quoted = (names: readonly string[]): string => names.map((n) => `\`${n}\``).join(", ");
  return [
    `## \`${module}\``,
    "",
    present.length === 0 ? "" : present.map(([name, here]) => {
      const last = here.split(".").slice(1).join(".") || here;
      return last === name || here === name ? `\`${here}\`` : `\`${name}\` as \`${here}\``;
    }).join(", ") + ".",
    "",
    ...(open.length === 0 ? [] : [`Not there: ${quoted(open.map(({ name }) => name))}.`, ""]),
    ...reasons.map((why) =>
      `- ${why}: ${quoted(own.filter(({ reason }) => reason === why).map(({ name }) => name))}`
    ),
    "",
  ].join("\n");
}

if (import.meta.main) {
  await Deno.writeTextFile(new URL("../../COMPATIBILITY.md", import.meta.url), compatibility());
  for (const module of Object.keys(list.names)) {
    console.log(module, share(counted(rows.filter((row) => row.module === module))));
  }
  console.log("all", share(counted(rows)));
}
