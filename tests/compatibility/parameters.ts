/**
 * What the functions here take, by the documentation that is generated from the sources: the names of
 * arguments and of what options hold.
 *
 * @module
 */
import { settings } from "./exports.ts";

/** A type, as the documentation tells it. */
interface Type {
  readonly kind: string;
  readonly value?: unknown;
}

interface Parameter {
  readonly kind: string;
  readonly name?: string;
  readonly left?: Parameter;
  readonly arg?: Parameter;
  readonly tsType?: Type;
}

interface Call {
  readonly params: readonly Parameter[];
}

interface Property {
  readonly name: string;
  readonly tsType?: Type;
}

interface Declaration {
  readonly kind: string;
  readonly def?: {
    readonly params?: readonly Parameter[];
    readonly properties?: readonly Property[];
    readonly extends?: readonly Type[];
    readonly methods?: readonly (Call & { readonly name: string })[];
    readonly callSignatures?: readonly Call[];
    readonly tsType?: Type;
  };
}

interface Page {
  readonly name: string;
  readonly declarations: readonly Declaration[];
}

type Pages = ReadonlyMap<string, readonly Declaration[]>;

const root = new URL("../../", import.meta.url);

/** The pages of an entry: a run for each, since of several at once all but one only point to a page. */
async function pagesOf(path: string): Promise<Pages> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", path],
    cwd: root,
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await command.output();
  if (code !== 0) throw new Error(`deno doc ${path}: ${new TextDecoder().decode(stderr)}`);
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout)) as {
    nodes: Record<string, { symbols: readonly Page[] }>;
  };
  const symbols = Object.values(nodes).flatMap((node) => node.symbols);
  return new Map(symbols.map(({ name, declarations }) => [name, declarations]));
}

const documentation = new Map<string, Promise<Pages>>();

function pagesFor(entry: string): Promise<Pages> {
  let pages = documentation.get(entry);
  if (pages === undefined) {
    pages = pagesOf(settings.exports[entry]!);
    documentation.set(entry, pages);
  }
  return pages;
}

/** The properties of a type, through the interfaces that it names. */
function keysOf(type: Type | undefined, types: Pages, seen: ReadonlySet<string>): string[] {
  if (type === undefined) return [];
  const each = (list: unknown): string[] =>
    (Array.isArray(list) ? list as Type[] : []).flatMap((t) => keysOf(t, types, seen));
  if (["union", "intersection", "tuple"].includes(type.kind)) return each(type.value);
  if (type.kind === "rest") return keysOf(type.value as Type, types, seen);
  if (type.kind === "parenthesized") return keysOf(type.value as Type, types, seen);
  if (type.kind === "typeOperator") {
    return keysOf((type.value as { tsType: Type }).tsType, types, seen);
  }
  if (type.kind === "typeLiteral") {
    return (type.value as { properties: readonly Property[] }).properties.map(({ name }) => name);
  }
  if (type.kind !== "typeRef") return [];
  const { typeName: path, typeParams } = type.value as { typeName: string; typeParams?: Type[] };
  const typeName = path.split(".").at(-1)!;
  // Arrays, and what is no set of options, are named by classes.
  if (seen.has(typeName)) return [];
  const within = new Set([...seen, typeName]);
  return [
    ...each(typeParams),
    ...(types.get(typeName) ?? []).flatMap(({ kind, def }) =>
      kind === "interface"
        ? [
          ...(def?.properties ?? []).map(({ name }) => name),
          ...(def?.extends ?? []).flatMap((t) => keysOf(t, types, within)),
        ]
        : kind === "typeAlias"
        ? keysOf(def?.tsType, types, within)
        : []
    ),
  ];
}

/** The calls of a type that is a function's. */
function callsOf(type: Type | undefined, types: Pages): readonly Call[] {
  if (type?.kind === "fnOrConstructor") return [type.value as Call];
  if (type?.kind === "typeLiteral") {
    return (type.value as { callSignatures?: readonly Call[] }).callSignatures ?? [];
  }
  if (type?.kind === "indexedAccess") {
    const { objType, indexType } = type.value as { objType: Type; indexType: Type };
    const { typeName } = objType.value as { typeName: string };
    const key = (indexType.value as { string: string }).string;
    return (types.get(typeName) ?? []).flatMap(({ def }) => [
      ...(def?.properties ?? []).filter(({ name }) => name === key).flatMap(({ tsType }) =>
        callsOf(tsType, types)
      ),
      ...(def?.methods ?? []).filter(({ name }) => name === key),
    ]);
  }
  if (type?.kind === "typeRef") {
    const { typeName } = type.value as { typeName: string };
    return (types.get(typeName) ?? []).flatMap(({ def }) => [
      ...callsOf(def?.tsType, types),
      ...(def?.callSignatures ?? []),
    ]);
  }
  return [];
}

function namesIn(parameter: Parameter, types: Pages): string[] {
  const inner = parameter.left ?? parameter.arg ?? parameter;
  const type = parameter.tsType ?? inner.tsType;
  return [inner.name ?? "", ...keysOf(type, types, new Set(["NDArray"]))];
}

/** The names of what a function of an entry of `deno.json` takes. */
export async function parametersOf(entry: string, name: string): Promise<readonly string[]> {
  // Types may be on the pages of another entry.
  const pages = await Promise.all(["./numpy", "./nn", ".", "./types", entry].map(pagesFor));
  const types = new Map(pages.flatMap((of) => [...of]));
  const own = pages.at(-1);
  const all = (own!.get(name) ?? []).flatMap(({ def }) => [
    ...(def?.params ?? []),
    ...callsOf(def?.tsType, types).flatMap(({ params }) => params),
  ]);
  return [...new Set(all.flatMap((p) => namesIn(p, types)))];
}
