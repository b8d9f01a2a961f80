/**
 * Every solver in the system `objects`: what `laws.ts` says.
 *
 * @module
 */
import { objectsWorld } from "../../laws/worlds/objects.ts";
import { testSolvers } from "./laws.ts";

testSolvers(objectsWorld);
