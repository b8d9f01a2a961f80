/**
 * Which equations are better computed again than kept: the one answer for all passes that move
 * equations out of loops.
 *
 * @module
 */
import { bytesOf } from "../core/aval.ts";
import { type Atom, type Eqn, Literal } from "../core/primitive.ts";

/**
 * Whether what an equation gives is better computed again where it is read: it is cheap, and takes more
 * room than what it is made of. One that is cheap but takes no more room, as a reshape, may as well be
 * kept, and is a step of the loop less.
 */
export function isBetterAgain({ primitive, inputs, outputs }: Eqn): boolean {
  const bytes = (atoms: readonly Atom[]): number =>
    atoms.reduce((n, a) => a instanceof Literal ? n : n + bytesOf(a.aval), 0);
  return primitive.passes.cheap && bytes(outputs) > bytes(inputs);
}
