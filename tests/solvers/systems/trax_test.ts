/**
 * Every solver in the system `trax`: what `laws.ts` says.
 *
 * @module
 */
import { traxWorld } from "../../laws/worlds/trax.ts";
import { testSolvers } from "./laws.ts";

testSolvers(traxWorld);
