/**
 * The benchmarks: Injax compiling by itself beside Injax on onnxruntime, hand-written ONNX graphs,
 * jax-js, TensorFlow.js, onnxruntime-web's public interface and plain loops, all on one thread and in
 * one run.
 *
 *     deno task bench [--only NAME[,NAME...]] [--quick] [--slow] [--no-cold] [--cpu-time]
 *
 * Prints a JSON line for each case and library as it goes, then a table, then the bars. Minimum and
 * median are over rounds in which the libraries take turns. Where a package cannot be fetched the
 * table says so. The exit status is 1 where libraries disagree on a value or Injax itself fails; a
 * bar that is missed does not change it.
 *
 * `--only` runs the cases whose names contain one of these, `--quick` takes fewer rounds, `--slow`
 * adds what takes minutes to compile, and `--no-cold` leaves out the cold starts and the page.
 * `--cpu-time` takes the processor time of the process in place of the time of day (cold starts
 * excepted), which tells more where other processes share the machine.
 *
 * @module
 */
import process from "node:process";
import { loadBackend } from "../mod.ts";
import { judge } from "./bars.ts";
import { eagerAdd, jittedAdd } from "./cases/add.ts";
import { arrayCases } from "./cases/arrays.ts";
import { transformerBlock } from "./cases/blocks.ts";
import { type ColdFailure, type ColdStart, coldStarts } from "./cases/cold.ts";
import { compileLoop, firstCalls } from "./cases/compile.ts";
import { deqGradient, deqWhile, deqWide } from "./cases/deq.ts";
import { fftCases } from "./cases/fft.ts";
import { liftCases } from "./cases/lift.ts";
import { linalgCases } from "./cases/linalg.ts";
import { loopCases } from "./cases/loops.ts";
import { matmulCases } from "./cases/matmul.ts";
import { mlpStep } from "./cases/mlp.ts";
import { type PageFailure, type PageSize, pageSize } from "./cases/page.ts";
import { rnnForward, rnnGradient } from "./cases/rnn.ts";
import { solverCases } from "./cases/solvers.ts";
import { windowCases } from "./cases/windows.ts";
import { type Absence, BenchError, type Case, measure, type Measurement } from "./harness.ts";

interface Arguments {
  readonly only: readonly string[];
  readonly quick: boolean;
  readonly slow: boolean;
  readonly cold: boolean;
  readonly cpuTime: boolean;
}

function parse(args: readonly string[]): Arguments {
  const parsed = { only: [] as string[], quick: false, slow: false, cold: true, cpuTime: false };
  for (let i = 0; i < args.length; i++) {
    const [flag, value] = args[i]!.split("=", 2);
    if (flag === "--only") parsed.only.push(...(value ?? args[++i] ?? "").split(","));
    else if (flag === "--quick") parsed.quick = true;
    else if (flag === "--slow") parsed.slow = true;
    else if (flag === "--no-cold") parsed.cold = false;
    else if (flag === "--cpu-time") parsed.cpuTime = true;
    else {throw new BenchError(
        `unknown argument ${args[i]}: --only NAME, --quick, --slow, --no-cold, --cpu-time`,
      );}
  }
  return parsed;
}

/** Processor time of this process, in milliseconds. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function duration(us: number): string {
  const [value, unit] = us < 1e3 ? [us, "us"] : us < 1e6 ? [us / 1e3, "ms"] : [us / 1e6, "s "];
  return `${value >= 100 ? value.toFixed(0) : value.toPrecision(3)} ${unit}`;
}

/** One block of the table. */
function block(
  { title }: Case,
  measurements: readonly Measurement[],
  absences: readonly Absence[],
): string[] {
  const own = measurements.find((m) => m.library.startsWith("injax"))?.minUs;
  const row = (...[name, ...cells]: string[]): string =>
    `  ${name!.padEnd(42)}${cells.map((c) => c.padStart(12)).join("")}`;
  return [
    title,
    row("", "min", "median", "first", "min/injax"),
    ...measurements.map((m) =>
      row(
        m.library,
        duration(m.minUs),
        duration(m.medianUs),
        m.firstUs === undefined ? "" : duration(m.firstUs),
        own === undefined ? "" : (m.minUs / own).toPrecision(3),
      )
    ),
    ...absences.map(({ library, error }) => `  ${library.padEnd(42)}  not available: ${error}`),
    "",
  ];
}

function coldBlock(results: readonly (ColdStart | ColdFailure)[]): string[] {
  return [
    "cold start: from starting a process to its first result",
    `  ${"".padEnd(42)}${["min", "median", "memory"].map((c) => c.padStart(12)).join("")}`,
    ...results.map((r) =>
      "error" in r
        ? `  ${r.library.padEnd(42)}  not available: ${r.error}`
        : `  ${r.library.padEnd(42)}` +
          [`${r.minMs} ms`, `${r.medianMs} ms`, `${r.rssMiB} MiB`].map((c) => c.padStart(12))
            .join("")
    ),
    "",
  ];
}

function pageBlock(result: PageSize | PageFailure): string[] {
  return [
    "a page that computes eagerly and compiles, bundled",
    "error" in result
      ? `  not available: ${result.error}`
      : `  ${result.kB} kB, after gzip ${result.gzipKB} kB, in ${result.files} scripts`,
    "",
  ];
}

async function main(args: Arguments): Promise<void> {
  const wanted = (name: string): boolean =>
    args.only.length === 0 || args.only.some((part) => name.includes(part));
  const cases = [
    eagerAdd,
    jittedAdd,
    ...matmulCases,
    mlpStep,
    transformerBlock,
    deqWhile,
    deqWide,
    deqGradient,
    rnnForward(args.slow),
    rnnGradient(args.slow),
    ...loopCases,
    ...solverCases,
    ...arrayCases,
    ...linalgCases,
    ...fftCases,
    ...windowCases,
    compileLoop,
    ...firstCalls(args.slow),
    ...liftCases,
  ];
  const clock = args.cpuTime ? processorTime : () => performance.now();
  const pace = args.quick
    ? { rounds: 40, budgetMs: 500, clock }
    : { rounds: 300, budgetMs: 1500, clock };
  const all: Measurement[] = [];
  const table: string[] = [];
  let failed = false;
  let cold: readonly (ColdStart | ColdFailure)[] = [];
  let page: PageSize | PageFailure | null = null;

  await loadBackend("onnx");
  for (const c of cases) {
    if (!wanted(c.name)) continue;
    const { measurements, absences } = await measure(c, pace);
    for (const line of [...measurements, ...absences]) console.log(JSON.stringify(line));
    all.push(...measurements);
    table.push(...block(c, measurements, absences));
    failed ||= absences.some((a) => a.library.startsWith("injax"));
  }
  if (args.cold && wanted("cold-start")) {
    const results = await coldStarts(args.quick ? 1 : 3);
    for (const line of results) console.log(JSON.stringify(line));
    table.push(...coldBlock(results));
    failed ||= results.some((r) => "error" in r && r.library.startsWith("injax"));
    cold = results;
  }
  if (args.cold && wanted("page-size")) {
    page = await pageSize();
    console.log(JSON.stringify(page));
    table.push(...pageBlock(page));
  }

  console.log("\n" + table.join("\n"));
  console.log("bars, by the fastest rounds of this run");
  for (const { bar, measured, pass } of judge({ measurements: all, cold, page })) {
    const verdict = pass === null ? "----" : pass ? "PASS" : "FAIL";
    console.log(`  ${verdict}  ${bar}: ${measured}`);
  }
  if (failed) throw new BenchError("injax failed in a case: see the table");
}

try {
  await main(parse(Deno.args));
} catch (error) {
  if (!(error instanceof BenchError)) throw error;
  console.error(`\nbench: ${error.message}`);
  Deno.exit(1);
}
