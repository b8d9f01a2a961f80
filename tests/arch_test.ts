/**
 * The order of the layers: imports point to lower layers only, without cycles; onnxruntime is
 * behind `lib/backends`; files stay small; the published entry points exist.
 *
 * @module
 */
import { assert, assertEquals } from "./support/assert.ts";
import { filesBelow, root } from "./support/sources.ts";

/** For each layer, the layers that it may import besides itself. */
const core = ["core"];
const scalar = [...core, "scalar"];
const routine = [...scalar, "routine"];
const primitives = [...routine, "primitives"];
const interpreters = [...primitives, "interpreters"];
const control = [...interpreters, "control"];
const linalg = [...control, "linalg"];
const transforms = [...linalg, "transforms"];
const api = [...transforms, "api"];
const lift = [...api, "lift"];
const optim = [...api, "optim"];
const solvers = [...lift, "optim", "solvers"];
const expfam = [...solvers, "expfam"];
const compile = [...control, "compile"];
const kernel = [...compile, "kernel"];
const backends = [...kernel, "onnx", "backends"];
const adapters = [...solvers, "compile", "kernel", "onnx", "backends", "adapters", "doors"];
const allowed: Readonly<Record<string, readonly string[]>> = {
  core,
  scalar,
  routine,
  primitives,
  interpreters,
  control,
  linalg,
  transforms,
  api,
  lift,
  optim,
  solvers,
  expfam,
  compile,
  kernel,
  onnx: [...compile, "onnx"],
  backends,
  adapters,
  debug: [...adapters, "debug"].filter((layer) => layer !== "adapters" && layer !== "doors"),
  loaded: [...adapters, "debug"].filter((layer) => layer !== "adapters" && layer !== "doors"),
  doors: [...adapters, "debug", "loaded"].filter((layer) =>
    layer !== "adapters" && layer !== "doors"
  ),
};

/** The entry points of the package, beside those of the solvers and the adapters. */
const doors = ["mod.ts", "lib/essentials.ts", "lib/extend.ts", "lib/types.ts"];

/** Files that the root may load when a program starts. */
const MOST_LOADED = 340;

/** Imports between them that are followed when a program runs. */
const MOST_IMPORTS = 1_950;

/** Files with more reach than their layer, and why. */
const exceptions: Readonly<Record<string, { readonly also: readonly string[] }>> = {
  // The door for users: it records their functions before it hands programs to its layer.
  "lib/onnx/mod.ts": { also: ["interpreters", "transforms"] },
  "lib/kernel/mod.ts": { also: ["interpreters", "transforms"] },
  // Kernel rules are stated in scalar expressions, and call routines.
  "lib/core/kernel.ts": { also: ["scalar", "routine"] },
};

interface Dependency {
  readonly specifier: string;
  readonly code?: { readonly specifier?: string; readonly error?: string };
  readonly type?: { readonly specifier?: string; readonly error?: string };
  readonly isDynamic?: boolean;
}

interface Module {
  readonly specifier: string;
  readonly error?: string;
  readonly dependencies?: readonly Dependency[];
}

interface Import {
  /** What the source says. */
  readonly specifier: string;
  /** Whether types alone are imported, so that the program that runs does not load the file. */
  readonly types: boolean;
  /** Loaded when a function asks for it, by `import()`. */
  readonly later: boolean;
  /** Path from the root, or the full specifier of something else. */
  readonly target: string;
}

const sources: readonly string[] = [
  "mod.ts",
  ...filesBelow("lib"),
  ...filesBelow("adapters"),
];

async function moduleInfo(path: string): Promise<readonly Module[]> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", path],
    cwd: root,
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await command.output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 0, `deno info ${path}: ${new TextDecoder().decode(stderr)}`);
  return (JSON.parse(text) as { modules: readonly Module[] }).modules;
}

function relative(specifier: string): string {
  return specifier.startsWith(root.href) ? specifier.slice(root.href.length) : specifier;
}

const missing = new Set<string>();

/** What each source file imports: from the entry points, then from each file they do not reach. */
async function importGraph(): Promise<Map<string, Import[]>> {
  const graph = new Map<string, Import[]>();
  for (const path of [...doors, ...sources]) {
    if (graph.has(path)) continue;
    for (const m of await moduleInfo(path)) {
      const name = relative(m.specifier);
      if (m.error !== undefined) missing.add(`${name}: ${m.error}`);
      if (!sources.includes(name)) continue;
      graph.set(
        name,
        (m.dependencies ?? []).map((d) => ({
          specifier: d.specifier,
          types: d.code === undefined,
          later: d.isDynamic === true,
          target: relative(d.code?.specifier ?? d.type?.specifier ?? d.specifier),
        })),
      );
    }
  }
  return graph;
}

const graph = await importGraph();

function layerOf(path: string): string {
  if (doors.includes(path)) return "doors";
  const parts = path.split("/");
  return parts[0] === "lib" ? parts[1]! : parts[0]!;
}

Deno.test("every import can be loaded", () => {
  assertEquals([...missing], []);
});

Deno.test("every source file is in a known layer", () => {
  assert(sources.length > 60, `only ${sources.length} source files were found`);
  assertEquals(sources.filter((path) => !graph.has(path)), []);
  assertEquals(sources.filter((path) => allowed[layerOf(path)] === undefined), []);
});

Deno.test("imports point to lower layers, those of types too", () => {
  const wrong: string[] = [];
  for (const [path, imports] of graph) {
    const reach = [...allowed[layerOf(path)]!, ...exceptions[path]?.also ?? []];
    for (const { target } of imports) {
      if (sources.includes(target) && !reach.includes(layerOf(target))) {
        wrong.push(
          `${path} imports ${target}, but ${layerOf(path)} reaches only ${reach.join(", ")}`,
        );
      }
    }
  }
  assertEquals(wrong, []);
});

/** The ways round in a graph, as texts. */
function cyclesOf(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const state = new Map<string, "open" | "done">();
  const cycles: string[] = [];
  const visit = (node: string, trail: readonly string[]): void => {
    if (state.get(node) === "done") return;
    if (state.get(node) === "open") {
      cycles.push([...trail.slice(trail.indexOf(node)), node].join(" -> "));
      return;
    }
    state.set(node, "open");
    for (const next of edges.get(node) ?? []) visit(next, [...trail, node]);
    state.set(node, "done");
  };
  for (const node of edges.keys()) visit(node, []);
  return cycles;
}

Deno.test("imports have no cycles, those of types neither", () => {
  const edges = [...graph].map(([path, imports]) => [path, imports.map((i) => i.target)] as const);
  assertEquals(cyclesOf(new Map(edges)), []);
});

/** The files that a file loads, itself among them, the lists of files aside. */
function loadedBy(start: string): ReadonlySet<string> {
  const loaded = new Set<string>();
  const load = (path: string): void => {
    if (loaded.has(path) || !sources.includes(path) || layerOf(path) === "loaded") return;
    loaded.add(path);
    for (const { target, types, later } of graph.get(path)!) if (!types && !later) load(target);
  };
  load(start);
  return loaded;
}

Deno.test("a program that imports the root loads few files, since each takes its time", () => {
  const loaded = loadedBy("mod.ts");
  assert(loaded.size > 200, `only ${loaded.size} files were found`);
  assert(loaded.size <= MOST_LOADED, `mod.ts loads ${loaded.size} files`);
  const imports = [...loaded].flatMap((path) => graph.get(path)!.filter(({ types }) => !types));
  assert(imports.length <= MOST_IMPORTS, `mod.ts follows ${imports.length} imports`);
});

Deno.test("the lists of files name what the entry points load, before anything else", () => {
  const listed = (path: string): string[] => graph.get(path)!.map(({ target }) => target);
  const lists: Readonly<Record<string, readonly string[]>> = {
    "lib/essentials.ts": ["lib/loaded/essentials.ts"],
    "mod.ts": ["lib/loaded/essentials.ts", "lib/loaded/others.ts"],
  };
  for (const [door, files] of Object.entries(lists)) {
    const named = files.flatMap(listed);
    const loaded = [...loadedBy(door)].filter((path) => path !== door);
    assertEquals(loaded.filter((path) => !named.includes(path)), [], `missing in ${files.at(-1)}`);
    assertEquals(named.filter((path) => !loaded.includes(path)), [], `too much in ${files.at(-1)}`);
    assertEquals(listed(door).slice(0, files.length), files, `${door} imports its lists first`);
  }
});

Deno.test("what a layer's mod.ts has is imported from there, since each import takes its time", () => {
  // The types of a kernel rule are in the core, and name those of the scalar functions and routines.
  const below: Readonly<Record<string, readonly string[]>> = {
    core: ["core", "scalar", "routine"],
    primitives: ["primitives"],
  };
  // Entry points re-export what they show from where it is written.
  const { exports } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));
  const entries = [...doors, ...Object.values(exports as Record<string, string>)]
    .map((path) => path.replace(/^\.\//, ""));
  for (const [layer, own] of Object.entries(below)) {
    const face = `lib/${layer}/mod.ts`;
    const shown = graph.get(face)!.map(({ target }) => target);
    assert(shown.length > 10, `${face} has ${shown.length} files`);
    const past = [...graph.keys()]
      .filter((path) => !own.includes(layerOf(path)) && !entries.includes(path))
      .flatMap((path) => {
        // A namespace, `import * as`, is what a function of the same name is made of.
        const named = /^import (?:type )?\{[^}]*\} from "([^"]+)";/gm;
        return [...Deno.readTextFileSync(new URL(path, root)).matchAll(named)]
          .map(([, specifier]) => relative(new URL(specifier!, new URL(path, root)).href))
          .filter((target) => shown.includes(target))
          .map((target) => `${path} imports from ${target}, which ${face} shows`);
      });
    assertEquals(past, []);
  }
});

Deno.test("families of primitives have an order: rules use operations of lower families", () => {
  const family = (path: string): string => path.split("/").slice(0, 3).join("/");
  const edges = new Map<string, string[]>();
  for (const [path, imports] of graph) {
    if (layerOf(path) !== "primitives") continue;
    const others = imports.map((i) => family(i.target))
      .filter((name) => name.startsWith("lib/primitives/") && name !== family(path));
    edges.set(family(path), [...edges.get(family(path)) ?? [], ...others]);
  }
  assert(edges.size > 10, `only ${edges.size} families were found`);
  assertEquals(cyclesOf(edges), []);
});

Deno.test("only lib/backends knows onnxruntime", () => {
  const outside = sources.filter((path) => {
    if (path.startsWith("lib/backends/")) return false;
    // Comments may name it; imports and strings that could be imported may not.
    const code = Deno.readTextFileSync(new URL(path, root))
      .replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
    return /["'`][^"'`\n]*onnxruntime/.test(code) ||
      (graph.get(path) ?? []).some((i) => /onnxruntime/.test(i.target));
  });
  assertEquals(outside, []);
});

Deno.test("passes over programs know no primitive by name: its record says what they need", () => {
  const passes = [
    ...filesBelow("lib/compile"),
    "lib/interpreters/partial.ts",
    "lib/core/dead_code.ts",
    "lib/backends/gpu_plan.ts",
    "lib/backends/gpu_loops.ts",
    "lib/backends/deferred.ts",
  ];
  const naming = passes.filter((path) => {
    const code = Deno.readTextFileSync(new URL(path, root)).replace(/\/\*[\s\S]*?\*\//g, "");
    return /primitive\.name|primitive\s*[!=]==|\b[a-z]\w*P\b|\b(jit|checkpoint)Call\b/.test(code);
  });
  assertEquals(naming, []);
});

Deno.test("what comes from outside is imported where it belongs", () => {
  // The package itself depends on nothing but the runtime.
  const known: Readonly<Record<string, RegExp>> = {
    backends: /onnxruntime|node:|npm:webgpu/,
  };
  const wrong: string[] = [];
  for (const [path, imports] of graph) {
    for (const { specifier, target } of imports) {
      if (sources.includes(target) || known[layerOf(path)]?.test(target)) continue;
      wrong.push(`${path} imports ${specifier} (${target})`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("files have at most 500 lines", () => {
  const lengths = [...sources, ...filesBelow("tests")].map((path) => {
    const text = Deno.readTextFileSync(new URL(path, root));
    return { path, lines: text.split("\n").length - 1 };
  });
  const over = lengths.filter(({ lines }) => lines > 500);
  assertEquals(over.map(({ path, lines }) => `${path}: ${lines} lines`), []);
});

Deno.test("files begin with what they own, and names are snake_case", () => {
  const files = [...sources, ...filesBelow("tests")];
  assertEquals(
    files.filter((path) => !Deno.readTextFileSync(new URL(path, root)).startsWith("/**")),
    [],
  );
  const odd = files.filter((path) => !/^[a-z0-9_]+\.ts$/.test(path.split("/").at(-1)!));
  assertEquals(odd, []);
});

Deno.test("the published entry points exist and are what is published", async () => {
  const config = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));
  const { exports, publish, tasks } = config as {
    exports: Record<string, string>;
    publish: { include: string[] };
    tasks: Record<string, { command: string }>;
  };
  const described = tasks["check:doc"]!.command.split(" ");
  assertEquals(Object.keys(exports).sort(), [
    ".",
    "./adapters/equinox",
    "./adapters/flax",
    "./adapters/haiku",
    "./adapters/nnx",
    "./adapters/trax",
    "./cluster",
    "./core",
    "./expfam",
    "./extend",
    "./fft",
    "./image",
    "./initializers",
    "./interpolate",
    "./lax",
    "./linalg",
    "./linear",
    "./ndimage",
    "./nn",
    "./numpy",
    "./ops",
    "./optim",
    "./random",
    "./signal",
    "./solvers",
    "./spatial",
    "./special",
    "./stats",
    "./testing",
    "./tree",
    "./types",
  ]);
  for (const [name, path] of Object.entries(exports)) {
    const plain = path.replace(/^\.\//, "");
    assert(sources.includes(plain), `${name} is exported from ${path}, which does not exist`);
    assert(described.includes(plain), `the task check:doc leaves ${path} out`);
    assert(
      publish.include.some((p) => plain === p || plain.startsWith(p)),
      `${path} is exported but not published`,
    );
    const names = Object.keys(await import(new URL(path, root).href));
    assert(names.length > 0 || name === "./types", `${path} exports nothing`);
  }
});

Deno.test("entry points re-export and do nothing else", () => {
  for (const path of doors) {
    const code = Deno.readTextFileSync(new URL(path, root)).replace(
      /\/\*[\s\S]*?\*\/|^\/\/.*$/gm,
      "",
    );
    const rest = code.replace(/import "\.\/(lib\/)?loaded\/\w+\.ts";/g, "").replace(
      /export\s+(type\s+)?(\*|\{[^}]*\})(\s+as\s+\w+)?\s+from\s+"[^"]+";/g,
      "",
    );
    assertEquals(rest.trim(), "", path);
  }
});

Deno.test("adapters, and systems and primitives of strangers, come in by the published doors", () => {
  // What a stranger can import: adapters are libraries on top, and may use `./lax` as these may.
  const { exports } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root))) as {
    exports: Record<string, string>;
  };
  const published = Object.values(exports).map((path) => path.replace("./", ""));
  const outside = [
    ...filesBelow("adapters"),
    "tests/lift/toy.ts",
    "tests/extend_test.ts",
    "tests/compile/new_primitive_test.ts",
  ];
  const wrong = outside.flatMap((path) => {
    const code = Deno.readTextFileSync(new URL(path, root)).replace(/\/\*[\s\S]*?\*\//g, "");
    const specifiers = Array.from(code.matchAll(/from\s+"(\.[^"]*)"/g), (m) => m[1]!);
    return specifiers
      .map((specifier) => relative(new URL(specifier, new URL(path, root)).href))
      .filter((target) => target.startsWith("lib/") && !published.includes(target))
      .map((target) => `${path} imports ${target}`);
  });
  assertEquals(wrong, []);
});
