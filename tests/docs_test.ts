/**
 * The documentation that is generated from the sources: everything that a program can import is on a
 * page of it, described. And the written one: what it links to and the files it names exist.
 *
 * @module
 */
import { assert, assertEquals } from "./support/assert.ts";

const root = new URL("../", import.meta.url);

interface Declaration {
  readonly kind: string;
  readonly jsDoc?: { readonly doc?: string };
  readonly def?: {
    readonly elements?: readonly Page[];
    readonly tsType?: { readonly kind: string };
  };
}

interface Page {
  readonly name: string;
  readonly declarations: readonly Declaration[];
}

async function documented(path: string): Promise<readonly Page[]> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", path],
    cwd: root,
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await command.output();
  assertEquals(code, 0, `deno doc ${path}: ${new TextDecoder().decode(stderr)}`);
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout)) as {
    nodes: Record<string, { symbols: readonly Page[] }>;
  };
  return Object.values(nodes).flatMap((node) => node.symbols);
}

/** What a module gives at run time, and is on no page or has no description there. */
function undescribed(module: object, symbols: readonly Page[], prefix: string): string[] {
  return Object.entries(module).flatMap(([name, value]) => {
    const found = symbols.filter((s) => s.name === name).flatMap((s) => s.declarations);
    // A reference is a line that points to another page: the name and its types are not there.
    const own = found.filter(({ kind }) => kind !== "reference");
    const path = prefix + name;
    if (own.length === 0) return [`${path}: on no page`];
    if (own.every(({ jsDoc }) => !jsDoc?.doc)) return [`${path}: without a description`];
    // A constant whose type is that of a function of another file has a page without its arguments.
    if (own.some(({ def }) => def?.tsType?.kind === "typeQuery")) {
      return [`${path}: without its arguments`];
    }
    if (
      value === null ||
      (value as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] !== "Module"
    ) return [];
    // What is in two places has its pages at one: `linalg` beside `numpy`, `fft` at `./fft`.
    if (path === "numpy.linalg" || path === "numpy.fft") return [];
    return undescribed(
      value as object,
      own.flatMap(({ def }) => def?.elements ?? []),
      `${path}.`,
    );
  });
}

const { exports } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root))) as {
  exports: Record<string, string>;
};

for (const [entry, path] of Object.entries(exports)) {
  Deno.test(`everything that ${entry} gives has a page with a description`, async () => {
    const module = await import(new URL(path, root).href) as object;
    assert(Object.keys(module).length > 0 || entry === "./types");
    assertEquals(undescribed(module, await documented(path), ""), []);
  });
}

Deno.test("what is on no page is found", async () => {
  const { numpy } = await import("../mod.ts");
  const symbols = await documented("mod.ts");
  assertEquals(undescribed({ numpy, nowhere: 1 }, symbols, ""), ["nowhere: on no page"]);
});

Deno.test("the contents at the head of mod.ts name what there is, and nothing else", async () => {
  const [head] = Deno.readTextFileSync(new URL("mod.ts", root)).split("@example");
  const named = new Set(Array.from(head!.matchAll(/`(\w+)`/g), (m) => m[1]!));
  const module = await import("../mod.ts") as Record<string, unknown>;
  const pages = new Set((await documented("mod.ts")).map(({ name }) => name));
  assertEquals([...named].filter((name) => !pages.has(name)), []);
  // Families end in "...": the rest of what users call is there by name.
  const families = ["tree", "currentTransforms", "overrideTransforms", "registerStatefulLibrary"];
  const left = ["statuses", "traceIdentity", ...families];
  const missing = Object.entries(module).filter(([name, value]) =>
    !named.has(name) && !left.some((family) => name.startsWith(family)) &&
    !((value as { prototype?: unknown })?.prototype instanceof Error) && !/^[A-Z]/.test(name)
  );
  assertEquals(missing.map(([name]) => name), []);
});

Deno.test("every member of the dictionary is a function of its own in the main module", async () => {
  const module = await import("../mod.ts");
  // These two mean something in the dictionaries of module systems alone.
  const { initialize: _, isInitializing: __, ...members } = module.pure;
  const named = module as unknown as Record<string, unknown>;
  assertEquals(Object.entries(members).filter(([k, v]) => named[k] !== v).map(([k]) => k), []);
});

/** The Markdown files, as paths from the root. */
function pages(folder = ""): string[] {
  return [...Deno.readDirSync(new URL(`./${folder}`, root))].flatMap(({ name, isDirectory }) => {
    if (isDirectory) {
      return /^(node_modules|out|\.git)$/.test(name) ? [] : pages(`${folder}${name}/`);
    }
    return name.endsWith(".md") ? [folder + name] : [];
  });
}

function exists(url: URL): boolean {
  try {
    return Deno.statSync(url) !== null;
  } catch {
    return false;
  }
}

/** The anchors of a page's headings. */
const anchors = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replace(/[^\w\s-]/g, "").replace(/\s+/g, "-")
  );

/** Links that lead nowhere, and files named in code that are not there. */
function broken(path: string, text: string): string[] {
  const page = new URL(path, root);
  const links = [...text.matchAll(/\]\(([^)#\s]*)(?:#([^)]*))?\)/g)].flatMap(
    ([, to, anchor]): string[] => {
      if (/^\w+:/.test(to!)) return [];
      const target = new URL(to!, page);
      if (!exists(target)) return [`${path}: a link to ${to}`];
      if (anchor === undefined || anchors(Deno.readTextFileSync(target)).includes(anchor)) {
        return [];
      }
      return [`${path}: a link to ${to}#${anchor}`];
    },
  );
  const names = [...text.matchAll(/`([\w.]+\/[\w./]+\.(?:ts|md|py|json|yml))`/g)]
    .map(([, name]) => name!)
    .filter((name) => !exists(new URL(name, root)) && !exists(new URL(name, page)));
  return [...links, ...names.map((name) => `${path}: the file ${name}`)];
}

Deno.test("links in the documents lead somewhere, and the files that they name exist", () => {
  const documents = pages();
  assert(documents.length > 10);
  const read = (path: string) => Deno.readTextFileSync(new URL(path, root));
  assertEquals(documents.flatMap((path) => broken(path, read(path))), []);
  const text =
    "[a](lib/none.md) [b](mod.ts) [c](lib/README.md#nothing) `lib/none.ts` `lib/core/tree.ts`";
  assertEquals(broken("README.md", text), [
    "README.md: a link to lib/none.md",
    "README.md: a link to lib/README.md#nothing",
    "README.md: the file lib/none.ts",
  ]);
});
