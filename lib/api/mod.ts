/**
 * The namespaces that users call; importing this also gives arrays their methods.
 *
 * @module
 */
import "./methods.ts";

export * as linalg from "./linalg.ts";
export * as nn from "./nn.ts";
export * as numpy from "./numpy.ts";
export * as random from "./random.ts";
export * as special from "./special.ts";
