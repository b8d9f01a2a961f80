/**
 * Every solver in the system `nnx`: what `laws.ts` says.
 *
 * @module
 */
import { nnxWorld } from "../../laws/worlds/nnx.ts";
import { testSolvers } from "./laws.ts";

testSolvers(nnxWorld);
