/**
 * Arguments with which the functions of the Haiku adapter may be called, by path.
 *
 * @module
 */
import { numpy as np, random } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";

const square = (x: np.NDArray): np.NDArray => np.square(x);
const one = (): number => 1;
const key = random.key(0);

/** Arguments. */
export const haikuCalls: Readonly<Record<string, readonly unknown[]>> = {
  "haiku.transform": [square],
  "haiku.transformWithState": [square],
  "haiku.getParameter": ["w", []],
  "haiku.getState": ["s", []],
  "haiku.setState": ["t", 1],
  "haiku.customCreator": [one, one],
  "haiku.customGetter": [one, one],
  "haiku.customSetter": [one, one],
  "haiku.interceptMethods": [one, one],
  "haiku.nameScope": ["a", one],
  "haiku.nameLike": ["call"],
  "haiku.transparent": [square],
  "haiku.forceName": ["a"],
  "haiku.withRng": [key, one],
  "haiku.nextRngKeys": [2],
  "haiku.replaceRngSequenceState": [{ key, count: 0 }],
  "haiku.PRNGSequence": [0],
  "haiku.Linear": [2],
  "haiku.MLP": [[2, 1]],
  "haiku.initializers.constant": [1],
};

/** What users do not call, and why. */
export const haikuNotCalled: Readonly<Record<string, string>> = {
  "haiku.Module": "a base class, made by subclasses",
};

/** Runs something where modules, parameters and state can be used. */
export function inModel(f: () => unknown): unknown {
  let result: unknown;
  const one = { init: hk.initializers.constant(1) };
  hk.transformWithState(() => {
    hk.getParameter("w", [], one);
    hk.getState("s", [], one);
    result = f();
    return 0;
  }).init(key);
  return result;
}
