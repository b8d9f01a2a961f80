/**
 * The bars that the library has set itself, and whether this run clears them.
 *
 * @module
 */
import { compileEntries } from "./cases/compile.ts";
import { besideNames, depthNames, modules, PURE } from "./cases/lift.ts";
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

const BY_HAND = "onnx by hand";

/**
 * Judges one run: the fastest rounds, and the medians of ratios where two are close to each other.
 */
export function judge(measurements: readonly Measurement[]): Verdict[] {
  const min = (name: string, library: string): number =>
    measurements.find((m) => m.case === name && m.library === library)?.minUs ?? NaN;

  const atMost = (bar: string, value: number, limit: number, unit: string): Verdict => ({
    bar: `${bar} <= ${limit} ${unit}`,
    measured: Number.isNaN(value) ? "not measured" : `${value.toPrecision(3)} ${unit}`,
    pass: Number.isNaN(value) ? null : value <= limit,
  });
  const ratio = (bar: string, name: string, peer: string, limit: number): Verdict =>
    atMost(bar, min(name, "injax") / min(name, peer), limit, `x ${peer}`);

  const besidePure = (name: string): number =>
    measurements.find((m) => m.case === name && m.library === "injax")?.medianRatio ?? NaN;
  /** The worst of several ratios, where all were measured. */
  const worst = (names: readonly string[]): number => Math.max(...names.map(besidePure));
  const perModule = (n: number): number => min("lift-init", modules.name(n)) / n;

  const first = min("compile-loop", compileEntries.first);
  const later = min("compile-loop", compileEntries.later);
  return [
    atMost("eager add", min("eager-add", "injax"), 3, "us"),
    atMost("jitted add", min("jit-add", "injax"), 10, "us"),
    ratio("matmul 512", "matmul-512", BY_HAND, 1.05),
    ratio("DEQ-64 while", "deq-while", BY_HAND, 1.3),
    ratio("DEQ-64 while", "deq-while", "jax-js", 1),
    ratio("RNN-1000 forward", "rnn-forward", BY_HAND, 1.5),
    atMost("RNN-1000 gradient", min("rnn-gradient", "injax") / 1000, 20, "ms"),
    atMost("1000-step loop compiles in", (first - later) / 1000, 50, "ms"),
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
