/**
 * Arguments of the operations between the lanes of a `vmap`, and such a `vmap` to call them in.
 *
 * @module
 */
import { numpy as np, vmap } from "../../mod.ts";

const x = np.array([1, 2]);

/** Arguments with which they may be called, by name. */
export const laneCalls: Readonly<Record<string, readonly unknown[]>> = {
  "lax.allGather": [x, "i"],
  "lax.allToAll": [x, "i", 0, 0],
  "lax.axisIndex": ["i"],
  "lax.axisSize": ["i"],
  "lax.pbroadcast": [x, "i", 0],
  "lax.pmax": [x, "i"],
  "lax.pmean": [x, "i"],
  "lax.pmin": [x, "i"],
  "lax.ppermute": [x, "i", [[0, 1], [1, 0]]],
  "lax.pshuffle": [x, "i", [1, 0]],
  "lax.psum": [x, "i"],
  "lax.psumScatter": [x, "i"],
  "lax.pswapaxes": [x, "i", 0],
};

/** What `f` gives in the two lanes of an axis `i`. */
export function inLanes(f: () => unknown): unknown {
  let result: unknown;
  vmap(() => {
    result = f();
    return 0;
  }, { axisName: "i", axisSize: 2 })();
  return result;
}
