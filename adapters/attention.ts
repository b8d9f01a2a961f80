/**
 * What the attention layers of several systems share.
 *
 * @module
 */
import { NDArray } from "../mod.ts";

/**
 * Keys, values and options of a call of attention: keys are the queries where they are left out, values the
 * keys, and options may stand in the place of either.
 */
export function attended<Options extends object>(
  queries: NDArray,
  rest: readonly (NDArray | Options | undefined)[],
): { readonly keys: NDArray; readonly values: NDArray; readonly options: Partial<Options> } {
  const at = rest.findIndex((x) => x !== undefined && !(x instanceof NDArray));
  const [keys = queries, values = keys] = (at < 0 ? rest : rest.slice(0, at)) as NDArray[];
  return { keys, values, options: at < 0 ? {} : rest[at] as Options };
}
