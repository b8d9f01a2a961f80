/**
 * Arguments of models that are looked at without computing anything.
 *
 * @module
 */

/** Arguments to be traced, and how the list is put together again from these. */
export interface SplitArguments<A> {
  readonly traced: unknown[];
  readonly join: (traced: readonly unknown[]) => A;
}

/** Numbers, bools and the like stay what they are: they may decide what is computed. */
export function splitArguments<A extends unknown[]>(args: A): SplitArguments<A> {
  const isTraced = args.map((x) => typeof x === "object" && x !== null);
  return {
    traced: args.filter((_, i) => isTraced[i]),
    join(traced) {
      let next = 0;
      return args.map((x, i) => isTraced[i] ? traced[next++] : x) as A;
    },
  };
}
