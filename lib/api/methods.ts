/**
 * Installs the operations behind the methods of arrays: the functions of `np` under the same names.
 * Imported for this effect by `mod.ts`.
 *
 * @module
 */
import { installMethods } from "../core/array.ts";
import * as numpy from "./numpy.ts";

installMethods(numpy);
