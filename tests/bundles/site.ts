/**
 * A web site under construction, as users of npm have one: a folder with the library as the registry
 * serves it, with what it depends on, and programs that are bundled by esbuild.
 *
 * @module
 */
import * as esbuild from "esbuild";
import { root } from "../support/sources.ts";

/** What the library is called for users of npm. */
export const LIBRARY = "@jsr/injax__injax";

/** A page that computes eagerly and compiles. */
export const pageProgram: string = `
  import { jit } from "${LIBRARY}";
  import * as np from "${LIBRARY}/numpy";
  const x = np.array([1, 2]);
  console.log(JSON.stringify([x.add(1), jit((x) => np.exp(x).sum())(x.mul(0))].map((y) => y.toArray())));
`;

/** A folder with programs to bundle. */
export interface Site {
  /** Its path. */
  readonly folder: string;
  /** Bundles a program of it for browsers. */
  readonly bundle: (entry: string, options: esbuild.BuildOptions) => Promise<Bundle>;
}

/** What a bundler made. */
export interface Bundle {
  /** Path of the script that a page loads. */
  readonly entry: string;
  /** Names and sizes of all files made, and what went into them. */
  readonly files: readonly { name: string; bytes: number; inputs: readonly string[] }[];
  /** Paths of those that a page loads to begin with: its script, and what that imports. */
  readonly first: readonly string[];
  /** What it warned of. */
  readonly warnings: readonly string[];
}

/** Makes a site with these programs, by file name, for as long as `use` takes. */
export async function withSite(
  programs: Readonly<Record<string, string>>,
  use: (site: Site) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await installLibrary(`${folder}/node_modules/${LIBRARY}`);
    await installRuntime(`${folder}/node_modules`);
    for (const [name, text] of Object.entries(programs)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    let builds = 0;
    await use({
      folder,
      async bundle(entry, options) {
        const outdir = `${folder}/out${builds++}`;
        const { metafile, warnings } = await esbuild.build({
          ...options,
          entryPoints: [entry.startsWith("/") ? entry : `${folder}/${entry}`],
          absWorkingDir: folder,
          nodePaths: [`${folder}/node_modules`],
          bundle: true,
          format: "esm",
          platform: "browser",
          outdir,
          metafile: true,
          logLevel: "silent",
        });
        const script = `${outdir}/${entry.replace(/^.*\//, "").replace(/\.ts$/, ".js")}`;
        const outputs = metafile!.outputs;
        const first = new Set([script.slice(folder.length + 1)]);
        for (const name of first) {
          for (const { path, kind } of outputs[name]!.imports) {
            if (kind === "import-statement" && path in outputs) first.add(path);
          }
        }
        return {
          entry: script,
          first: [...first].map((name) => `${folder}/${name}`),
          files: Object.entries(outputs).map(([name, { bytes, inputs }]) => ({
            name,
            bytes,
            inputs: Object.keys(inputs).filter((path) => inputs[path]!.bytesInOutput > 0),
          })),
          warnings: warnings.map((w) => w.text),
        };
      },
    });
  } finally {
    await esbuild.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

/** The library in JavaScript, as the registry gives it to users of npm. */
async function installLibrary(target: string): Promise<void> {
  const copy = async (path: string): Promise<void> => {
    const source = await Deno.readTextFile(new URL(path, root));
    const { code } = await esbuild.transform(source, { loader: "ts", target: "esnext" });
    const file = `${target}/${path.replace(/\.ts$/, ".js")}`;
    await Deno.mkdir(file.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(file, code.replace(/((?:from|import)[ (]*"\.[^"]*)\.ts"/g, '$1.js"'));
  };
  const walk = async (path: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(new URL(path, root))) {
      if (isDirectory) await walk(`${path}${name}/`);
      else if (name.endsWith(".ts")) await copy(path + name);
    }
  };
  await copy("mod.ts");
  await walk("lib/");
  await walk("adapters/");
  const { exports, version } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const scripts = Object.entries(exports as Record<string, string>)
    .map(([name, path]) => [name, path.replace(/\.ts$/, ".js")]);
  const description = { name: LIBRARY, version, type: "module" };
  await Deno.writeTextFile(
    `${target}/package.json`,
    JSON.stringify({ ...description, exports: Object.fromEntries(scripts) }),
  );
}

/** The package that the library names, from where Deno keeps it. */
async function installRuntime(target: string): Promise<void> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout)) as { npmCache: string };
  const [host] = [...Deno.readDirSync(npmCache)].filter((entry) => entry.isDirectory);
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const [, name, version] = /^npm:([^@]+)@([\d.]+)/.exec(imports["onnxruntime-web"])!;
  await Deno.symlink(`${npmCache}/${host!.name}/${name}/${version}`, `${target}/${name}`);
}

/** Runs a script in a process of its own; gives what it prints. */
export async function runScript(path: string, ...flags: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-lock", "--allow-read", "--allow-env", ...flags, path],
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  if (code !== 0) throw new Error(`${path}: ${text(stderr)}`);
  return text(stdout).trim();
}

/** Bytes after gzip of what a page loads to begin with. */
export async function gzippedPage({ first }: Bundle): Promise<number> {
  const sizes = await Promise.all(first.map(async (path) => gzipped(await Deno.readFile(path))));
  return sizes.reduce((total, size) => total + size, 0);
}

/** Bytes after gzip. */
export async function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(stream).arrayBuffer()).byteLength;
}
