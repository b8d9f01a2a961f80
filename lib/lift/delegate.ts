/**
 * Dictionaries that stand for others, chosen when they are used.
 *
 * @module
 */
import { pure } from "../transforms/pure.ts";
import { transformNames, type Transforms } from "../transforms/types.ts";

type Fn = (...args: unknown[]) => unknown;

/** Members that give a function, which may be called in another context than it was made in. */
const makers: ReadonlySet<keyof Transforms> = new Set([
  "jit",
  "grad",
  "valueAndGrad",
  "jacfwd",
  "jacrev",
  "hessian",
  "vmap",
  "checkpoint",
  "customJvp",
  "customVjp",
]);

/**
 * A dictionary whose members are those of `pick()` at the time of the call. A transformed function
 * that is called where `pick()` gives `pure` is that of the dictionary with which it was made.
 */
export function delegating(pick: () => Transforms): Transforms {
  const member = (dictionary: Transforms, name: keyof Transforms): Fn => dictionary[name] as Fn;
  const delegate = (name: keyof Transforms): Fn => {
    if (!makers.has(name)) return (...args) => member(pick(), name)(...args);
    return (...args) => {
      const maker = pick();
      const made = new Map([[maker, member(maker, name)(...args) as Fn]]);
      const call: Fn = (...xs) => {
        const now = pick();
        const chosen = now === pure ? maker : now;
        let f = made.get(chosen);
        if (f === undefined) made.set(chosen, f = member(chosen, name)(...args) as Fn);
        return f(...xs);
      };
      return Object.defineProperty(call, "name", { value: made.get(maker)!.name });
    };
  };
  return Object.fromEntries(
    transformNames.map((name) => [name, delegate(name)]),
  ) as unknown as Transforms;
}
