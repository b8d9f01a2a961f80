/**
 * Every solver in the system `toy`: what `laws.ts` says.
 *
 * @module
 */
import { toyWorld } from "../../laws/worlds/toy.ts";
import { testSolvers } from "./laws.ts";

testSolvers(toyWorld);
