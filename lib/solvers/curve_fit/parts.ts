/**
 * What a fit is made of, and what it gives.
 *
 * @module
 */
import type { NDArray } from "../../core/mod.ts";
import type { Arrays } from "../../transforms/tree_types.ts";
import type { Transforms } from "../../transforms/types.ts";
import type { Solution } from "../solution.ts";
import type { Uncertainty } from "./errors.ts";

/** What a fit holds that is arrays. */
export interface FitArrays<T> {
  readonly solution: Solution<T>;
  readonly standardErrors: Arrays<T>;
  readonly covariance: NDArray;
  readonly correlations: NDArray;
  readonly chiSquare: NDArray;
  /** Its root, which is in the dtype's range where that is not. */
  readonly size: NDArray;
  readonly points: NDArray;
  /** The same of what is left by a constant in place of the curve. */
  readonly aboutMean: NDArray;
  /** The parameters that were free [n]. */
  readonly free: NDArray;
  readonly uncertainty: Uncertainty;
  /** By parameter that was free [n]: -1 at its lower bound, 1 at its upper one, else 0. */
  readonly atBounds: NDArray;
  readonly x: NDArray;
  readonly y: NDArray;
  readonly sigma: NDArray | null;
}

/** What is known of a fit before there are values. */
export interface FitSettings {
  /** The curve by the parameters that were free [n]. */
  readonly curve: (free: NDArray, x: NDArray) => NDArray;
  readonly transforms: Transforms;
  readonly absoluteSigma: boolean;
  /** Names of the parameters that were free, by element. */
  readonly names: readonly string[];
  /** Those that were not. */
  readonly fixed: readonly string[];
}

/** A curve at some points, and how well it is known there. */
export interface Prediction {
  /** The curve. */
  readonly y: NDArray;
  /** Its standard error, from those of the parameters. */
  readonly standardError: NDArray;
  /** Where the curve is, at each point by itself, at the level of confidence. */
  readonly confidence: Band;
  /** Where a new measurement is. */
  readonly prediction: Band;
}

/** A lower and an upper limit. */
export interface Band {
  /** The lower one. */
  readonly lower: NDArray;
  /** The upper one. */
  readonly upper: NDArray;
}

/** Options of `CurveFit.predict`. */
export interface PredictOptions {
  /** Level of confidence of the bands (default 0.95). */
  readonly level?: number | undefined;
  /** Standard deviation of new measurements in the units of the fit's `sigma`; by default its root mean square. */
  readonly sigma?: number | NDArray | undefined;
}

/** Options of `CurveFit.plot`. */
export interface FitPlotOptions {
  /** A heading. */
  readonly title?: string | undefined;
  /** What x is, with its unit. */
  readonly xLabel?: string | undefined;
  /** What y is, with its unit. */
  readonly yLabel?: string | undefined;
  /** Level of confidence of the bands (default 0.95). */
  readonly level?: number | undefined;
  /** Width in pixels (default 640). */
  readonly width?: number | undefined;
  /** Height in pixels (default 420). */
  readonly height?: number | undefined;
}

/** What the report and the picture need of a fit. */
export interface FitNumbers {
  readonly solution: Pick<Solution<unknown>, "message" | "status" | "statusName" | "converged">;
  readonly value: unknown;
  readonly standardErrors: unknown;
  readonly points: NDArray;
  readonly degreesOfFreedom: NDArray;
  readonly chiSquare: NDArray;
  readonly reducedChiSquare: NDArray;
  readonly correlations: NDArray;
  readonly rSquared: NDArray;
  readonly aic: NDArray;
  readonly bic: NDArray;
  readonly notes: readonly string[];
  predict(x: NDArray, options: PredictOptions): Prediction;
}
