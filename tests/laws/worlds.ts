/**
 * The worlds that the laws are held to.
 *
 * @module
 */
import type { World } from "./world.ts";
import { equinoxWorld } from "./worlds/equinox.ts";
import { flaxWorld } from "./worlds/flax.ts";
import { haikuWorld } from "./worlds/haiku.ts";
import { nnxWorld } from "./worlds/nnx.ts";
import { objectsWorld } from "./worlds/objects.ts";
import { toyWorld } from "./worlds/toy.ts";
import { traxWorld } from "./worlds/trax.ts";

/** All of them. */
export const worlds: readonly World[] = [
  toyWorld,
  objectsWorld,
  haikuWorld,
  flaxWorld,
  nnxWorld,
  traxWorld,
  equinoxWorld,
];
