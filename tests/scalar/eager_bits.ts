/**
 * Prints the bits of what primitives of numbers give for their samples: a program, run with and without code
 * from strings.
 *
 * @module
 */
import "../../mod.ts";
import { primitives } from "../../lib/core/primitive.ts";
import { make } from "../support/arrays.ts";
import { shaped } from "../../lib/core/aval.ts";
import { generator } from "../support/random.ts";
