/**
 * PageRank and an implicit graph network on Zachary's karate club: one solver, written once, run as a
 * pure function, inside a Haiku-style model, and through the ambient dictionary; eagerly, and compiled
 * for each backend: a WebAssembly module of the library's own, onnxruntime, a GPU where there is one,
 * and the interpreter.
 *
 * Writes `karate.svg` and `karate.onnx` to the current folder. With `--webgpu` a GPU is used even where
 * it is emulated on the CPU.
 *
 * @module
 */
import {
  ambient,
  BackendError,
  jit,
  loadBackend,
  type NDArray,
  ready,
  type Transforms,
  withTransforms,
} from "@injax/injax";
import * as hk from "@injax/injax/adapters/haiku";
import { showProgress } from "../progress.ts";
import { factions, knownRanks, size } from "./data.ts";
import {
  exportNetwork,
  features,
  network,
  type Output,
  plainNetwork,
  train,
  type Trained,
} from "./model.ts";
import { rankMembers } from "./pagerank.ts";
import { draw } from "./svg.ts";

const seeds = [0, 1, 2, 3, 4];
const trainingSteps = 150;

let failures = 0;

/** Prints a line about a number and the bar that it has to meet. */
function check(what: string, ok: boolean): void {
  if (!ok) failures++;
  console.log(`  ${ok ? "ok  " : "FAIL"} ${what}`);
}

const gap = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a, (x, i) => Math.abs(x - b[i]!)).reduce((m, d) => Math.max(m, d), 0);

async function pageRankSection(): Promise<void> {
  console.log("\nPageRank as a fixed point, and its derivative with respect to the damping factor");
  for (const backend of [null, "cpu"]) {
    const r = await rankMembers(0.85, backend);
    const name = backend ?? "eager";
    console.log(`  ${name}: ${r.message}`);
    const error = gap(r.ranks, knownRanks);
    check(
      `${name}: ranks within ${error.toExponential(1)} of the known ones (bar 1e-6)`,
      error < 1e-6,
    );
    for (const mode of ["forward", "reverse"] as const) {
      const d = gap(r[mode], r.difference);
      check(
        `${name}: ${mode}-mode derivative within ${
          d.toExponential(1)
        } of a finite difference (bar 1e-6)`,
        d < 1e-6,
      );
    }
  }
}

async function trainingSection(): Promise<Trained> {
  console.log("\nImplicit graph network, told the sides of members 0, 1, 32 and 33 alone");
  const results: Trained[] = [];
  for (const [k, seed] of seeds.entries()) {
    const result = await train(seed, trainingSteps, (step, loss) =>
      showProgress(
        k * trainingSteps + step,
        seeds.length * trainingSteps,
        `seed ${seed}, loss ${loss.toFixed(3)}`,
      ));
    results.push(result);
    console.log(
      `  seed ${seed}: loss ${result.loss.toFixed(4)}, ${result.correct} of ${size} sides right`,
    );
  }
  const sorted = [...results].sort((a, b) => a.correct - b.correct);
  const median = sorted[Math.floor(sorted.length / 2)]!;
  check(
    `median of ${seeds.length} seeds: ${median.correct} of ${size} right (bar 30)`,
    median.correct >= 30,
  );
  return median;
}

/**
 * The name of a GPU that is none: a program for the CPU, whose shaders may take a minute to compile
 * where its driver is OpenGL.
 */
async function softwareGpu(): Promise<string | null> {
  const adapter = await globalThis.navigator?.gpu?.requestAdapter();
  return adapter?.info.isFallbackAdapter ? adapter.info.description : null;
}

/** The backends to compare; a GPU only where there is one, or with `--webgpu` in any case. */
async function availableBackends(): Promise<string[]> {
  const names = ["cpu"];
  await addLoaded(names, "onnx");
  const software = Deno.args.includes("--webgpu") ? null : await softwareGpu();
  if (software !== null) {
    console.log(
      `  no row of webgpu: ${software} is no GPU; \`deno task demo --webgpu\` has it run there`,
    );
  } else await addLoaded(names, "webgpu");
  return [...names, "interpreter"];
}

/** Adds a backend to those that can be used here, or says why it is not one of them. */
async function addLoaded(names: string[], backend: string): Promise<void> {
  try {
    await loadBackend(backend);
    names.push(backend);
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    console.log(`  no row of ${backend}: ${error.message}`);
  }
}

async function comparisonSection({ params }: Trained, backends: string[]): Promise<void> {
  console.log(
    "\nThe same solver in three worlds (sum of the scores, evaluations, largest difference)",
  );
  const forward = (transforms: Transforms) => {
    const model = network(transforms);
    return (p: typeof params, x: NDArray): Output => model.apply(p, null, x);
  };
  // Outside of any module system the parameters are plain arguments.
  const worlds: Record<string, (p: typeof params, x: NDArray) => Output> = {
    "pure": plainNetwork,
    "hk.transforms": forward(hk.transforms),
    "ambient": (p, x) => withTransforms(hk.transforms, () => forward(ambient)(p, x)),
  };
  const reference = worlds["pure"]!(params, features).logits.dataSync();
  console.log(
    `  ${"world".padEnd(14)} ${"backend".padEnd(12)} ${"value".padStart(12)} steps difference`,
  );
  for (const [world, f] of Object.entries(worlds)) {
    for (const backend of [null, ...backends]) {
      const run = backend === null ? f : jit(f, { backend });
      const out = run(params, features) as Output;
      await ready(out);
      const logits = out.logits.dataSync();
      const difference = gap(logits, reference);
      const sum = Array.from(logits).reduce((s, v) => s + v, 0);
      const row = `${world.padEnd(14)} ${(backend ?? "eager").padEnd(12)} ${
        sum.toFixed(6).padStart(12)
      } ${String(out.solution.steps.item()).padStart(5)} ${difference.toExponential(1)}`;
      check(row, difference < 1e-4);
    }
  }
}

async function filesSection({ params, predicted }: Trained): Promise<void> {
  const model = network(hk.transforms, true);
  const { solution } = model.apply(params, null, features);
  const history = Array.from(await solution.history!.data()).filter((r) => !Number.isNaN(r));
  await Deno.writeTextFile("karate.svg", draw(predicted, history));
  const bytes = exportNetwork(params);
  await Deno.writeFile("karate.onnx", bytes);
  console.log(`\nWrote karate.svg (open it in a browser) and karate.onnx (${bytes.length} bytes)`);
}

// Without this the graphics driver of a machine without a desktop complains on the terminal.
if (Deno.env.get("XDG_RUNTIME_DIR") === undefined) Deno.env.set("XDG_RUNTIME_DIR", Deno.cwd());

const begun = performance.now();
console.log(
  `Zachary's karate club: ${size} members, two sides of ${
    factions.filter((f) => f === 0).length
  } and ${factions.filter((f) => f === 1).length}`,
);
await pageRankSection();
const trained = await trainingSection();
await comparisonSection(trained, await availableBackends());
await filesSection(trained);
console.log(`Done in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
if (failures > 0) {
  console.error(`${failures} of the numbers above missed their bars`);
  Deno.exit(1);
}
