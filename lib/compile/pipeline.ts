/**
 * Simplification of a whole program before it is compiled: calls are inlined, what nothing reads is
 * dropped (inside loops too: unread results, and carries that feed only themselves), and what does
 * not change from step to step, or does not need the carry, is moved out of loops, and what only a loop of
 * at most one step needs, into it. Small constants
 * are computed, and a choice by a constant is its branch. Sharing of equal nodes is left to what is made
 * of the program: scalar expressions in `lib/kernel`, nodes in `lib/onnx`, which folds larger constants too.
 *
 * The passes know no primitive by name: its record says what they have to know (`Passes`).
 *
 * @module
 */
import { type Eqn, type Jaxpr, withoutDead } from "../core/mod.ts";
import { fission } from "./fission.ts";
import { hoist, sink } from "./hoist.ts";
import { inlineCalls } from "./inline.ts";

/** A pass: the same program, put otherwise. Inputs and outputs stay as they are. */
export type Pass = (jaxpr: Jaxpr) => Jaxpr;

/** Called with what each pass made of a program, those inside of others included. */
export type Inspect = (pass: string, jaxpr: Jaxpr) => void;

/** The same program, simpler. Inputs and outputs stay as they are. */
export function simplify(jaxpr: Jaxpr, inspect: Inspect = () => {}): Jaxpr {
  const passes: Readonly<Record<string, Pass>> = {
    inline: inlineCalls,
    inside: (outer) => inside(outer, prepare),
    hoist,
    fission,
  };
  const step = (name: string, pass: Pass, jaxpr: Jaxpr): Jaxpr => {
    const result = pass(jaxpr);
    inspect(name, result);
    return result;
  };
  function prepare(jaxpr: Jaxpr): Jaxpr {
    return Object.entries(passes).reduce((p, [name, pass]) => step(name, pass, p), jaxpr);
  }
  // Once nothing leaves a loop any more: a loop in a loop has given what it could to those around it.
  function sunk(jaxpr: Jaxpr): Jaxpr {
    return inside(step("sink", sink, jaxpr), sunk);
  }
  return step("dead code", withoutDead, sunk(step("dead code", withoutDead, prepare(jaxpr))));
}

/** Applies `pass` to the programs inside of equations. */
function inside(jaxpr: Jaxpr, pass: Pass): Jaxpr {
  const eqns = jaxpr.eqns.map((eqn): Eqn => {
    const { programs } = eqn.primitive.passes;
    if (programs === null) return eqn;
    const inner = programs.list(eqn.params).map((c) => pass(c.jaxpr));
    return { ...eqn, params: programs.replace(eqn.params, inner) };
  });
  return { ...jaxpr, eqns };
}
