/**
 * Options of sums of exponentials, and the tables of their names.
 *
 * @module
 */
import type { Operand } from "../core/array.ts";
import type { MaskedOptions } from "../core/method_options.ts";

/** Options of `logsumexp`. */
export interface LogsumexpOptions extends MaskedOptions<Operand> {
  /** Factors of the exponentials, which broadcast against `x`; where they are 0, `x` does not matter. */
  readonly b?: Operand | undefined;
  /** Whether the sum's sign is given too, and the logarithm of its size: sums below 0 are NaN otherwise. */
  readonly returnSign?: boolean | undefined;
}

/** Options of `softmax` and `logSoftmax`. */
export interface SoftmaxOptions {
  /** Which elements count, a mask that broadcasts against `x`: the share of the others is 0. */
  readonly where?: Operand | undefined;
}
