/**
 * What a row of a truth table is: something that is known from elsewhere, measured here. `table.ts` prints
 * the rows, and a test asks each of them to be met.
 *
 * @module
 */

/** A row. */
export interface TruthRow {
  /** Problems, dtype and setting, as a sentence of a test. */
  readonly truth: string;
  /** What is asked. */
  readonly bar: string;
  /** What the best peer does, where that was measured. */
  readonly peer?: string | undefined;
  /** Solves the problems. */
  readonly measure: () => Measured;
}

/** What came of it. */
export interface Measured {
  /** The numbers that the bar is about. */
  readonly found: string;
  readonly met: boolean;
  /** Problems that fell short, each with what happened. */
  readonly short: readonly string[];
}
