/**
 * The accurate functions under one name. The files export nothing else, since what is re-exported
 * by name is on no page of the documentation.
 *
 * @module
 */
export * from "./error.ts";
export * from "./elementary.ts";
export * from "./trigonometry.ts";
