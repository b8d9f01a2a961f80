/**
 * Training and inference.
 *
 * @module
 */
import { checkCall } from "../../../lib/extend.ts";
import { innerOf, Module, staticsOf, withStatics } from "../module.ts";

/**
 * A model like another, with the field `inference` of all of its modules (`Dropout`, `BatchNorm`, and
 * those of one's own that have such a field) set.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const model = new eqx.nn.Sequential([new eqx.nn.Dropout(0.5)]);
 * console.log(eqx.nn.inferenceMode(model).call(np.array([1, 2])).toArray()); // [ 1, 2 ]
 * ```
 */
export function inferenceMode<T>(tree: T, value = true): T {
  if (arguments.length > 2) checkCall("eqx.nn.inferenceMode(tree, value)", arguments);
  const go = (node: unknown): unknown => {
    const inner = innerOf(node);
    if (inner === null) return node;
    const children = Object.fromEntries(
      Object.entries(inner.children).map((
        [name, x],
      ) => [name, name === "inference" ? value : go(x)]),
    );
    const made = inner.rebuild(children);
    return made instanceof Module && "inference" in staticsOf(made)
      ? withStatics(made, { inference: value } as Partial<Module>)
      : made;
  };
  return go(tree) as T;
}
