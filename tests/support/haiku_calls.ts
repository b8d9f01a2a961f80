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
const x = np.array([1, 2]);
const core = (x: np.NDArray, s: np.NDArray) => [np.add(x, s), np.add(x, s)];

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
  "haiku.vmap": [square],
  "haiku.nextRngKeys": [2],
  "haiku.replaceRngSequenceState": [{ key, count: 0 }],
  "haiku.PRNGSequence": [0],
  "haiku.Linear": [2],
  "haiku.MLP": [[2, 1]],
  "haiku.initializers.constant": [1],
  "haiku.dropout": [key, 0.5, x],
  "haiku.BatchNorm": [0.9],
  "haiku.LayerNorm": [-1],
  "haiku.RMSNorm": [-1],
  "haiku.GroupNorm": [2],
  "haiku.Embed": [3, 2],
  "haiku.BatchApply": [square],
  "haiku.expandApply": [square],
  "haiku.Deferred": [() => new hk.Linear(2)],
  "haiku.toModule": [square],
  "haiku.toDot": [square],
  "haiku.mixedPrecision.getPolicy": [hk.Linear],
  "haiku.Sequential": [[square]],
  "haiku.ExponentialMovingAverage": [0.5],
  "haiku.EMAParamsTree": [0.5],
  "haiku.VanillaRNN": [2],
  "haiku.LSTM": [2],
  "haiku.GRU": [2],
  "haiku.DeepRNN": [[square]],
  "haiku.deepRnnWithSkipConnections": [[]],
  "haiku.MultiHeadAttention": [2, 2, hk.initializers.constant(1)],
  "haiku.dynamicUnroll": [core, x, np.array(0)],
  "haiku.withoutState": [hk.transformWithState(square)],
  "haiku.withEmptyState": [hk.transform(square)],
  "haiku.withoutApplyRng": [hk.transform(square)],
  "haiku.multiTransform": [() => [square, [square]]],
  "haiku.multiTransformWithState": [() => [square, [square]]],
  "haiku.evalSummary": [square],
  "haiku.tabulate": [square],
  "haiku.lift": [() => ({})],
  "haiku.transparentLift": [() => ({})],
  "haiku.layerStack": [2, square],
  "haiku.layerStackWithInputs": [2, square],
  "haiku.dataStructures.traverse": [{}],
  "haiku.dataStructures.partition": [one, {}],
  "haiku.dataStructures.partitionN": [one, {}, 2],
  "haiku.dataStructures.filter": [one, {}],
  "haiku.dataStructures.map": [one, {}],
  "haiku.dataStructures.isSubset": [{}, {}],
  "haiku.dataStructures.treeSize": [{}],
  "haiku.dataStructures.treeBytes": [{}],
  "haiku.ConvND": [2, 3, 3],
  "haiku.ConvNDTranspose": [2, 3, 3],
  "haiku.DepthwiseConvND": [2, 3, 2],
  ...Object.fromEntries([1, 2, 3].flatMap((n) => [
    [`haiku.Conv${n}D`, [2, 3]],
    [`haiku.Conv${n}DTranspose`, [2, 3]],
    [`haiku.DepthwiseConv${n}D`, [2, 3]],
  ])),
  "haiku.SeparableDepthwiseConv2D": [2, 3],
  "haiku.maxPool": [np.ones([1, 2]), 1, 1, "SAME"],
  "haiku.avgPool": [np.ones([1, 2]), 1, 1, "SAME"],
  "haiku.MaxPool": [2, 2, "VALID"],
  "haiku.AvgPool": [2, 2, "VALID"],
  ...Object.fromEntries(
    ["valid", "same", "full", "causal", "reverseCausal"].map((f) => [`haiku.pad.${f}`, [3]]),
  ),
  "haiku.staticUnroll": [core, x, np.array(0)],
};

/** What takes any number of operands, with arguments. */
export const haikuOpen: Readonly<Record<string, readonly unknown[]>> = {
  merge: [{}, {}],
  mergeChecked: [{}, {}],
};

/** What users do not call, and why. */
export const haikuNotCalled: Readonly<Record<string, string>> = {
  "haiku.Module": "a base class, made by subclasses",
  "haiku.RNNCore": "a base class, made by subclasses",
  "haiku.liftWithState": "what updates the state has to be used in the same model",
  "haiku.transparentLiftWithState": "what updates the state has to be used in the same model",
  "haiku.mixedPrecision.setPolicy": "changes what is in force outside of models",
  "haiku.mixedPrecision.clearPolicy": "changes what is in force outside of models",
  "haiku.mixedPrecision.pushPolicy": "its options stand before the function that it runs",
  "haiku.ResetCore": "takes a core, which is made in a model",
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
