/**
 * Installs the operations behind the methods of arrays. Imported for this effect by `mod.ts`.
 *
 * @module
 */
import {
  type ArrayMethods,
  type BinaryMethod,
  installMethods,
  type NDArray,
  type Operand,
  type ReduceMethod,
  type UnaryMethod,
} from "../core/array.ts";
import * as arithmetic from "./arithmetic.ts";
import * as functions from "./functions.ts";
import { at, slice } from "./indexing.ts";
import { matmul } from "./linear.ts";
import * as logic from "./logic.ts";
import * as reductions from "./reductions.ts";
import { reshape, transpose } from "./shaping.ts";

const unary: Readonly<Record<UnaryMethod, (x: Operand) => NDArray>> = {
  neg: arithmetic.neg,
  abs: arithmetic.abs,
  exp: functions.exp,
  log: functions.log,
  sqrt: functions.sqrt,
  tanh: functions.tanh,
  sin: functions.sin,
  cos: functions.cos,
  square: arithmetic.square,
};

const binary: Readonly<Record<BinaryMethod, (x: Operand, y: Operand) => NDArray>> = {
  add: arithmetic.add,
  sub: arithmetic.sub,
  mul: arithmetic.mul,
  div: arithmetic.div,
  pow: arithmetic.pow,
  mod: arithmetic.mod,
  maximum: arithmetic.maximum,
  minimum: arithmetic.minimum,
  equal: logic.equal,
  notEqual: logic.notEqual,
  less: logic.less,
  lessEqual: logic.lessEqual,
  greater: logic.greater,
  greaterEqual: logic.greaterEqual,
};

const reduce: Readonly<Record<ReduceMethod, typeof reductions.sum>> = {
  sum: reductions.sum,
  mean: reductions.mean,
  max: reductions.max,
  min: reductions.min,
  prod: reductions.prod,
  any: reductions.any,
  all: reductions.all,
};

const table: ArrayMethods = {
  unary: (op, x) => unary[op](x),
  binary: (op, x, y) => binary[op](x, y),
  reduce: (op, x, axis, options) =>
    options === undefined ? reduce[op](x, axis) : reduce[op](x, axis, options),
  arg: (op, x, axis) => op === "argmax" ? reductions.argmax(x, axis) : reductions.argmin(x, axis),
  matmul,
  reshape,
  transpose,
  astype: arithmetic.astype,
  slice,
  at,
};

installMethods(table);
