/**
 * Every solver in the system `flax`: what `laws.ts` says.
 *
 * @module
 */
import { flaxWorld } from "../../laws/worlds/flax.ts";
import { testSolvers } from "./laws.ts";

testSolvers(flaxWorld);
