/**
 * Padding by the length of a kernel with its gaps: pairs [in front, behind].
 *
 * @module
 */
import { checkCall, describeValue } from "../../../lib/extend.ts";

/** What is put in front and behind, by the length of a kernel with its gaps. */
export type PadFn = (effectiveKernelSize: number) => readonly [before: number, after: number];

function expectSize(op: string, size: unknown): number {
  if (Number.isInteger(size) && (size as number) >= 1) return size as number;
  throw new TypeError(
    `${op}: effectiveKernelSize must be a positive integer, not ${describeValue(size)}`,
  );
}

/** Nothing. */
export function valid(effectiveKernelSize: number): [before: number, after: number] {
  if (arguments.length > 1) checkCall("hk.pad.valid(effectiveKernelSize)", arguments);
  expectSize("hk.pad.valid", effectiveKernelSize);
  return [0, 0];
}

/** So that with windows one apart the result is as long as the input. */
export function same(effectiveKernelSize: number): [before: number, after: number] {
  if (arguments.length > 1) checkCall("hk.pad.same(effectiveKernelSize)", arguments);
  const size = expectSize("hk.pad.same", effectiveKernelSize);
  return [(size - 1) >> 1, size >> 1];
}

/** So much that each window still holds an element. */
export function full(effectiveKernelSize: number): [before: number, after: number] {
  if (arguments.length > 1) checkCall("hk.pad.full(effectiveKernelSize)", arguments);
  const size = expectSize("hk.pad.full", effectiveKernelSize);
  return [size - 1, size - 1];
}

/** In front, so that results do not depend on what comes later. */
export function causal(effectiveKernelSize: number): [before: number, after: number] {
  if (arguments.length > 1) checkCall("hk.pad.causal(effectiveKernelSize)", arguments);
  return [expectSize("hk.pad.causal", effectiveKernelSize) - 1, 0];
}

/** Behind, so that results do not depend on what came earlier. */
export function reverseCausal(effectiveKernelSize: number): [before: number, after: number] {
  if (arguments.length > 1) checkCall("hk.pad.reverseCausal(effectiveKernelSize)", arguments);
  return [0, expectSize("hk.pad.reverseCausal", effectiveKernelSize) - 1];
}
