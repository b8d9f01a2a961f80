/**
 * Installs the operations behind the methods of arrays: the functions of `np` under the same names, each
 * by its own import, so that a page does not carry what it does not call. Imported for this effect by
 * `mod.ts`.
 *
 * @module
 */
import { installMethods } from "../core/mod.ts";
import {
  abs,
  add,
  astype,
  clip,
  div,
  maximum,
  minimum,
  mod,
  mul,
  neg,
  pow,
  round,
  square,
  sub,
} from "./arithmetic.ts";
import { cos, exp, log, sin, sqrt, tanh } from "./elementary.ts";
import { at, get } from "./set_at.ts";
import { diagonal, slice, take } from "./indexing.ts";
import { repeated as repeat } from "./indices.ts";
import { equal, greater, greaterEqual, less, lessEqual, notEqual } from "./logic.ts";
import { dot, matmul } from "./matrices.ts";
import { all, any, argmax, argmin, max, mean, min, prod, sum } from "./reductions.ts";
import { runningProduct as cumprod, runningSum as cumsum } from "./reducing.ts";
import { ravel, reshape, squeeze, swapaxes, transpose } from "./shaping.ts";
import { argsort, sort } from "./sorting.ts";
import { std, variance } from "./statistics.ts";

installMethods({
  abs,
  add,
  all,
  any,
  argmax,
  argmin,
  argsort,
  astype,
  at,
  clip,
  cos,
  cumprod,
  cumsum,
  diagonal,
  div,
  dot,
  equal,
  exp,
  get,
  greater,
  greaterEqual,
  less,
  lessEqual,
  log,
  matmul,
  max,
  maximum,
  mean,
  min,
  minimum,
  mod,
  mul,
  neg,
  notEqual,
  pow,
  prod,
  ravel,
  repeat,
  reshape,
  round,
  sin,
  slice,
  sort,
  sqrt,
  square,
  squeeze,
  std,
  sub,
  sum,
  swapaxes,
  take,
  tanh,
  transpose,
  var: variance,
});
