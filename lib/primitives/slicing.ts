/**
 * The primitives that take arrays apart and put them together, under one roof. Each is defined in
 * the file that it is exported from here.
 *
 * @module
 */
export { concatenate, concatenateP, rev, revP } from "./concatenate.ts";
export {
  dynamicSlice,
  dynamicSliceP,
  dynamicUpdateSlice,
  dynamicUpdateSliceP,
} from "./dynamic_slice.ts";
export { pad, padP, type PadParams, slice, sliceP, type SliceParams } from "./slice.ts";
