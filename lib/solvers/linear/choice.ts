/**
 * Which method solves a system where the user names none, and what a method has no use for.
 *
 * @module
 */
import { type Adjoint, checkAdjoint } from "../adjoint.ts";
import { cg, minres } from "./short_recurrences.ts";
import { gmres } from "./gmres.ts";
import { cholesky, diagonal, lu, qr, triangular, tridiagonal } from "./direct.ts";
import { lsmr } from "./lsmr.ts";
import { type Form, isStored, isSymmetric } from "./form.ts";
import type { LinearMethod } from "./method.ts";

/**
 * The method for an operator, by its shape and by what is stored and known of it: what it costs is known
 * without looking at a value, so that compiled programs have one method in them.
 */
export function chosen(form: Form): LinearMethod {
  if (form.own !== undefined) return form.own as LinearMethod;
  const { rows, columns, stored, tags } = form;
  if (rows !== columns) {
    return isStored(form) || Math.min(rows, columns) <= denseLimit ? qr() : lsmr();
  }
  if (stored.kind === "diagonal") return diagonal();
  if (stored.kind === "tridiagonal") return tridiagonal();
  const small = isStored(form) || columns <= denseLimit;
  if (tags.triangular !== undefined && small) return triangular();
  if (small) return (tags.positiveDefinite ? cholesky() : lu());
  if (tags.positiveDefinite) return cg();
  return (isSymmetric(tags) ? minres() : gmres());
}

/** Unknowns up to which the matrix of a function is written out. */
const denseLimit = 256;

/** Refuses what a method has no use for. */
export function checkUse(
  op: string,
  name: "preconditioner" | "x0" | "history",
  { description, direct, refuses = {} }: LinearMethod<unknown>,
): void {
  if (direct) {
    throw new TypeError(
      `${op}: ${description} have no steps, and so no use for ${
        name === "preconditioner" ? "a preconditioner" : name
      }. Take cg(), gmres(), bicgstab() or minres() as the solver, or leave it out`,
    );
  }
  const reason = name === "history" ? undefined : refuses[name];
  if (reason !== undefined) {
    throw new TypeError(`${op}: ${description} takes no ${name}: it ${reason}`);
  }
}

/**
 * Checks the adjoint of a linear system.
 *
 * @throws {TypeError} where it is not `implicit()`, or says what has no meaning here.
 */
export function checkDerivatives(op: string, adjoint: Adjoint | undefined): void {
  checkAdjoint(op, adjoint, ["implicit"]);
  if (adjoint?.kind !== "implicit") return;
  const { linearSolver = "auto", memory } = adjoint.options;
  if (linearSolver === "auto" && memory === undefined) return;
  throw new TypeError(
    `${op}: the systems of derivatives are solved by the method of the solve, so that implicit() has no use for ` +
      `${
        memory === undefined ? "linearSolver" : "memory"
      } here. Give rtol, maxSteps or throw, or another solver`,
  );
}
