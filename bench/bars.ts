/**
 * The bars that the library has set itself, and whether this run clears them.
 *
 * @module
 */
import type { ColdFailure, ColdStart } from "./cases/cold.ts";
import { compileEntries, firstCallNames } from "./cases/compile.ts";
import { besideNames, depthNames, modules, PURE } from "./cases/lift.ts";
import type { PageFailure, PageSize } from "./cases/page.ts";
import { lines } from "./entries.ts";
import type { Measurement } from "./harness.ts";

/** A bar and what came of it. */
export interface Verdict {
  /** What is asked for. */
  readonly bar: string;
  /** What was measured. */
  readonly measured: string;
  /** `null` where the run did not measure it. */
  readonly pass: boolean | null;
}

/** All that a run has measured. */
export interface Run {
  readonly measurements: readonly Measurement[];
  readonly cold: readonly (ColdStart | ColdFailure)[];
  readonly page: PageSize | PageFailure | null;
}

const BY_HAND = "onnx by hand";

/** What compiled functions may take at most, as a multiple of what they take on onnxruntime. */
const besideOnnx: Readonly<Record<string, number>> = {
  "jit-add": 0.3,
  "kepler-f32": 0.1,
  "kepler-unrolled": 0.13,
  "kepler-f64": 0.2,
  "chain-30": 0.25,
  "deq-while": 0.63,
  "deq-wide": 0.75,
  "rnn-forward": 0.24,
  "rnn-gradient": 0.12,
  "mlp-step": 0.75,
  "transformer": 0.85,
  "matmul-256": 0.82,
  "matmul-512": 0.82,
  "matmul-1024": 0.82,
  "matmul-first": 1.1,
  "lm-f32": 0.015,
  "lm-f64": 0.03,
  "lm-vmap": 0.15,
  "lbfgs": 0.01,
  "minimise": 0.01,
  "while-small": 0.003,
  "scan-10000": 0.005,
  "scan-inputs": 0.005,
  "softmax": 0.4,
  "layer-norm": 0.4,
};

/** The most that operations on a million elements may take, and GMRES with 100 unknowns, in milliseconds. */
const milliseconds: Readonly<Record<string, number>> = {
  "sort": 90,
  "random-normal": 15,
  "take": 4,
  "add-at": 6,
  "gmres": 1.5,
};

const decomposed = ["solve-10", "solve-100", "solve-300", "cholesky", "qr", "eigh", "svd"] as const;

/**
 * Judges one run: the fastest rounds, and the medians of ratios where two are close to each other.
 */
export function judge({ measurements, cold, page }: Run): Verdict[] {
  const min = (name: string, library: string): number =>
    measurements.find((m) => m.case === name && m.library === library)?.minUs ?? NaN;

  const atMost = (bar: string, value: number, limit: number, unit: string): Verdict => ({
    bar: `${bar} <= ${limit} ${unit}`,
    measured: Number.isNaN(value) ? "not measured" : `${value.toPrecision(3)} ${unit}`,
    pass: Number.isNaN(value) ? null : value <= limit,
  });
  const ratio = (name: string, limit: number, peer: string): Verdict =>
    atMost(name, min(name, lines.cpu) / min(name, peer), limit, `x ${peer}`);

  const besidePure = (name: string): number =>
    measurements.find((m) => m.case === name && m.library === lines.cpu)?.medianRatio ?? NaN;
  /** The worst of several ratios, where all were measured. */
  const worst = (names: readonly string[]): number => Math.max(...names.map(besidePure));
  const perModule = (n: number): number => min("lift-init", modules.name(n)) / n;
  const start = (library: string): number => {
    const found = cold.find((c) => c.library === library);
    return found !== undefined && "minMs" in found ? found.minMs : NaN;
  };

  const first = min("compile-loop", compileEntries.first);
  const later = min("compile-loop", compileEntries.later);
  return [
    atMost("eager-add", min("eager-add", lines.cpu), 3, "us"),
    ...Object.entries(besideOnnx).map(([name, limit]) => ratio(name, limit, lines.onnx)),
    ...Object.entries(milliseconds).map(([name, limit]) =>
      atMost(name, min(name, lines.cpu) / 1000, limit, "ms")
    ),
    ...decomposed.map((name) => ratio(name, 1, lines.eager)),
    ...[100, 2000, 20_000].flatMap((count) =>
      firstCallNames(count).map((name) => ratio(name, 0.5, lines.onnx))
    ),
    atMost("1000-step loop compiles in", (first - later) / 1000, 50, "ms"),
    atMost("process start to jit's first result", start("injax jit"), 100, "ms"),
    atMost("process start to jit's first result, core", start("injax jit, core"), 100, "ms"),
    atMost("process start to jit's first result, bundled", start("injax jit, bundled"), 100, "ms"),
    atMost("page, gzip", page !== null && "gzipKB" in page ? page.gzipKB : NaN, 130, "kB"),
    ratio("matmul-512", 1.05, BY_HAND),
    ratio("deq-while", 1.3, BY_HAND),
    ratio("deq-while", 1, "jax-js"),
    ratio("rnn-forward", 1.5, BY_HAND),
    ...["convolution", "depthwise", "max-pool"].map((name) => ratio(name, 1.2, BY_HAND)),
    atMost("jit(model.apply)", besidePure("lift-jit-apply"), 1.05, `x ${PURE}`),
    atMost(
      `a module of ${modules.many} is initialised`,
      perModule(modules.many) / perModule(modules.few),
      1.25,
      `x one of ${modules.few}`,
    ),
    atMost("transforms in a context, eager", worst(besideNames("eager")), 1.3, `x ${PURE}`),
    atMost("transforms in a context, traced", worst(besideNames("traced")), 1.2, `x ${PURE}`),
    atMost("up to 6 of them nested, traced", worst(depthNames), 1.6, `x ${PURE}`),
  ];
}
