/**
 * The model that the laws are checked with: library functions around a small Haiku module.
 *
 * @module
 */
import { type NDArray, numpy as np, random } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assert } from "../support/assert.ts";
import { assertClose } from "../support/arrays.ts";
import { derivative, modesOf, nest, nestExplicit, type Params, type Step } from "./library.ts";

/** Where parameters are drawn from. */
export const key: NDArray = random.key(7);
/** Weights of either sign, of a size that keeps steps contractions. */
export const wInit: hk.Initializer = hk.initializers.randomNormal(0.4);
/** Biases that are not zero. */
export const bInit: hk.Initializer = hk.initializers.randomNormal(0.3);
const scale = 0.75;
/** Where nests are evaluated. */
export const point: NDArray = np.array([0.6, -0.4], { dtype: "float64" });

/** A function of R^2 that uses a module, and reads but never writes state. */
function cell(): Step {
  const linear = new hk.Linear(2, { wInit, bInit });
  const read = (z: NDArray): NDArray =>
    hk.getState("scale", [], { dtype: z.dtype, init: (s, dtype) => np.full(s, scale, { dtype }) });
  hk.getState("steps", [], { init: (s) => np.zeros(s, { dtype: "int32" }) });
  return (z) => np.tanh(linear.call(z)).mul(read(z));
}

/** The same with its parameters for arguments. */
const pureCell = ({ w, b }: Params): Step => (z) => np.tanh(np.matmul(z, w!).add(b!)).mul(scale);

/** A nest of library functions around the cell. */
export const model = (names: readonly string[]): hk.TransformedWithState<[NDArray], NDArray> =>
  hk.transformWithState((x: NDArray) => nest(names, cell(), hk.transforms)(x));

const plain = hk.transformWithState((x: NDArray) => cell()(x));

const [plainParams, plainState] = plain.init(key, point);

/** Parameters of a model. */
export type ModelParams = { linear: Params };

/** Checks for one nest that inside a transformed function it is what the purified program is. */
export function check(names: readonly string[], tolerance = 1e-9): void {
  const what = names.join(" over ");
  const modes = modesOf(names);
  if (modes === null) return;
  const { init, apply } = model(names);
  const [params, state] = init(key, point);
  assertClose(params, plainParams, 0, `${what}: initial parameters`);
  assertClose(state, plainState, 0, `${what}: initial state`);
  const expected = nestExplicit(names, pureCell)(params.linear!)(point);
  for (const k of names.length === 1 ? [null, key] : [key]) {
    const [out, after] = apply(params, state, k, point);
    assertClose(out, expected, tolerance, what);
    assert([...out.dataSync()].every(Number.isFinite), `${what}: not finite`);
    assertClose(after, state, 0, `${what}: state afterwards`);
  }
  const wanted = derivative(modes, (p) => nestExplicit(names, pureCell)(p)(point), params.linear!);
  const found = derivative(
    modes,
    (linear) => apply({ linear }, state, key, point)[0],
    params.linear!,
  );
  assertClose(found, wanted, 100 * tolerance, `${what}: derivative`);
}
