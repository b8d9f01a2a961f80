/**
 * What the compiler says where it cannot go on.
 *
 * @module
 */

/** A program that generated code cannot run; another backend takes it whole. */
export class Uncompilable extends Error {
  /** Says which operation, and why. */
  constructor(
    /** Name of the primitive. */
    readonly primitive: string,
    /** What about it. */
    readonly reason: string,
  ) {
    super(`${primitive}: ${reason}`);
    this.name = "Uncompilable";
  }
}
