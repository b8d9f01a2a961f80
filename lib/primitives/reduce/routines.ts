/**
 * Running sums and places of extremes on the CPU: along the middle axis of three.
 *
 * @module
 */
import { type Routine, routine } from "../../routine/routine.ts";

/**
 * Running sums, from the end where `reverse` is 1: in double precision, infinite from where they
 * overflow; of integers modulo 2^32.
 */
export const cumsumRoutine: Routine = /* @__PURE__ */ routine(`
cumsum(in x: T[outer, n, inner], out y: T[outer, n, inner], scratch totals: Wide[inner],
       outer, n, inner, reverse) {
  for p in 0..outer {
    let total = Wide(0)
    vector q in 0..inner { totals[q] = 0 }
    for k in 0..n {
      let i = select(reverse != 0, n - 1 - k, k)
      if inner == 1 {
        total += Wide(x[p * n + i])
        if isFloat and abs(total) >= overflow { total *= Infinity }
        y[p * n + i] = T(total)
      } else {
        vector q in 0..inner {
          let sum = totals[q] + Wide(x[p, i, q])
          let next = select(isFloat and abs(sum) >= overflow, sum * Infinity, sum)
          totals[q] = next
          y[p, i, q] = T(next)
        }
      }
    }
  }
}`);

/** The first place of the element before which no other comes, or of the first NaN. */
function extreme(name: string, before: "<" | ">"): Routine {
  return routine(`
${name}(in x: T[outer, n, inner], out places: i32[outer, inner], outer, n, inner) {
  for p in 0..outer {
    for q in 0..inner {
      let best = x[p, 0, q]
      let place = 0
      for i in 1..n {
        let next = x[p, i, q]
        if next ${before} best or next != next {
          if best != best { break }
          best = next
          place = i
        }
      }
      places[p, q] = place
    }
  }
}`);
}

/** The first place of the largest element, or of the first NaN. */
export const argmaxRoutine: Routine = /* @__PURE__ */ extreme("argmax", ">");
/** The first place of the smallest element, or of the first NaN. */
export const argminRoutine: Routine = /* @__PURE__ */ extreme("argmin", "<");
