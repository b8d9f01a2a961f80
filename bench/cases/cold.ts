/**
 * Cold starts: from starting a process to its first result, importing included. One of them is that of a program
 * bundled by esbuild, as `deno bundle` makes it.
 *
 * @module
 */
import * as esbuild from "esbuild";
import { type ColdReport, programNames } from "../cold_child.ts";
import { messageOf } from "../harness.ts";

/** One library's cold start; the JSON line. */
export interface ColdStart {
  readonly case: "cold-start";
  readonly library: string;
  /** Fastest run, milliseconds from starting the process to the result. */
  readonly minMs: number;
  /** Median run. */
  readonly medianMs: number;
  /** Resident memory of the fastest run, MiB. */
  readonly rssMiB: number;
  readonly runs: number;
  readonly threads: number;
  readonly load: number;
}

/** A library that did not start. */
export interface ColdFailure {
  readonly case: "cold-start";
  readonly library: string;
  readonly error: string;
}

/** Bundles what a program imports of the main module into a file. */
async function bundleTo(file: string): Promise<void> {
  const main = new URL("../../mod.ts", import.meta.url).pathname;
  await esbuild.build({
    stdin: {
      contents: `export { jit, loadBackend, numpy } from ${JSON.stringify(main)};`,
      resolveDir: ".",
    },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    external: ["onnxruntime-web", "webgpu", "node:*", "npm:*"],
    outfile: file,
    logLevel: "error",
  });
  await esbuild.stop();
}

async function startOnce(library: string, bundle: string): Promise<{ ms: number; rss: number }> {
  const child = new URL("../cold_child.ts", import.meta.url).href;
  const begin = performance.timeOrigin + performance.now();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", child, library, `file://${bundle}`],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  if (code !== 0) throw new Error(decode(stderr).trim());
  const { at, rss, value }: ColdReport = JSON.parse(decode(stdout).trim().split("\n").at(-1)!);
  if (value !== 2) throw new Error(`${library} says that 1 + 1 is ${value}`);
  return { ms: at - begin, rss };
}

/** Starts each library several times, in turns; the first, which fills caches, does not count. */
export async function coldStarts(runs: number): Promise<(ColdStart | ColdFailure)[]> {
  const load = Deno.build.os === "windows" ? 0 : Deno.loadavg()[0]!;
  const results = new Map<string, { ms: number; rss: number }[]>();
  const failures = new Map<string, string>();
  const folder = await Deno.makeTempDir();
  const bundle = `${folder}/bundle.js`;
  await bundleTo(bundle);
  for (let run = -1; run < runs; run++) {
    for (const library of programNames) {
      if (failures.has(library)) continue;
      try {
        const result = await startOnce(library, bundle);
        if (run >= 0) results.set(library, [...results.get(library) ?? [], result]);
      } catch (error) {
        failures.set(library, messageOf(error));
      }
    }
  }
  await Deno.remove(folder, { recursive: true });
  return programNames.map((library): ColdStart | ColdFailure => {
    const error = failures.get(library);
    if (error !== undefined) return { case: "cold-start", library, error };
    const sorted = results.get(library)!.sort((a, b) => a.ms - b.ms);
    return {
      case: "cold-start",
      library,
      minMs: Math.round(sorted[0]!.ms),
      medianMs: Math.round(sorted[sorted.length >> 1]!.ms),
      rssMiB: Math.round(sorted[0]!.rss / 2 ** 20),
      runs,
      threads: 1,
      load: Math.round(100 * load) / 100,
    };
  });
}
