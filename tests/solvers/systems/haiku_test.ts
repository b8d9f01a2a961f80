/**
 * Every solver in the system `haiku`: what `laws.ts` says.
 *
 * @module
 */
import { haikuWorld } from "../../laws/worlds/haiku.ts";
import { gpuTest } from "../../support/gpu.ts";
import { testSolvers } from "./laws.ts";

testSolvers(haikuWorld, gpuTest);
