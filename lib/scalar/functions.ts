/**
 * All accurate functions under one name.
 *
 * @module
 */
export { exp, expm1, logistic } from "./exp.ts";
export { log, log1p } from "./log.ts";
export { cos, sin, tan } from "./trig.ts";
export { acos, asin, atan, atan2 } from "./inverse.ts";
export { acosh, asinh, atanh, cosh, sinh, tanh } from "./hyperbolic.ts";
export { erf, erfc, erfcx, erfInv } from "./error.ts";
export { pow, powInteger } from "./power.ts";
export { logaddexp, mulAdd } from "./sums.ts";
