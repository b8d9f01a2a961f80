/**
 * Every solver in the system `equinox`: what `laws.ts` says.
 *
 * @module
 */
import { equinoxWorld } from "../../laws/worlds/equinox.ts";
import { testSolvers } from "./laws.ts";

testSolvers(equinoxWorld);
