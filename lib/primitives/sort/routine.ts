/**
 * Sorting on the CPU: short rows by insertion, others by the digits of words that are ordered as the
 * elements are. Both are stable, with -0 equal to 0 and NaN last.
 *
 * @module
 */
import { type Routine, routine } from "../../routine/routine.ts";

/** Moves words and their places in the order of one digit: `bits` bits from `shift` on. */
const byDigit: Routine = /* @__PURE__ */ routine(`
byDigit(in words: u32[n], in places: i32[n], out toWords: u32[n], out toPlaces: i32[n],
        scratch counts: i32[1 << bits], n, shift, bits) {
  let mask = u32((1 << bits) - 1)
  if shift >= 32 { mask = 0 }
  let by = u32(shift & 31)
  vector d in 0..1 << bits { counts[d] = 0 }
  for i in 0..n { counts[i32((words[i] >> by) & mask)] += 1 }
  if n > 0 and counts[i32((words[0] >> by) & mask)] == n {
    // One digit, so that they stay where they are.
    vector i in 0..n {
      toWords[i] = words[i]
      toPlaces[i] = places[i]
    }
  } else {
    let before = 0
    for d in 0..1 << bits {
      let count = counts[d]
      counts[d] = before
      before += count
    }
    for i in 0..n {
      let word = words[i]
      let digit = i32((word >> by) & mask)
      let to = counts[digit]
      counts[digit] = to + 1
      toWords[to] = word
      toPlaces[to] = places[i]
    }
  }
}`);

/** Orders places by their words, of equal words as they come; an even number of times to and fro. */
const byWord: Routine = /* @__PURE__ */ routine(
  `
byWord(in words: u32[n], in places: i32[n], out toWords: u32[n], out toPlaces: i32[n],
       scratch counts: i32[1 << bits], n, bits) {
  for shift in 0..32 by 2 * bits {
    byDigit(words, places, toWords, toPlaces, counts, n, shift, bits)
    byDigit(toWords, toPlaces, words, places, counts, n, shift + bits, bits)
  }
}`,
  { byDigit },
);

/** Bits of a digit: the more there are, the fewer times words are moved, and the more is counted. */
const digitBits = "select(n < 2000, 8, select(n < 200000, 11, 16))";

/** Elements along the middle axis in ascending order, and where they were. */
export const sortRoutine: Routine = /* @__PURE__ */ routine(
  `
sort(in x: T[outer, n, inner], out sorted: T[outer, n, inner], out places: i32[outer, n, inner],
     scratch words: u32[n], scratch at: i32[n], scratch nextWords: u32[n], scratch nextAt: i32[n],
     scratch counts: i32[1 << ${digitBits}], outer, n, inner) {
  let digit = ${digitBits}
  for p in 0..outer {
    for q in 0..inner {
      if n <= 64 {
        for i in 0..n {
          let key = x[p, i, q]
          let j = i
          while j > 0 {
            let other = sorted[p, j - 1, q]
            if other <= key or key != key { break }
            sorted[p, j, q] = other
            places[p, j, q] = places[p, j - 1, q]
            j -= 1
          }
          sorted[p, j, q] = key
          places[p, j, q] = i
        }
      } else {
        // The upper words of doubles nearly always say enough; else the lower ones go first.
        let lower = false
        let ordered = false
        while not ordered {
          ordered = true
          for i in 0..n { at[i] = i }
          if T == f64 and lower {
            for i in 0..n {
              let key = x[p, i, q] + 0
              let word = u32(low(key) ^ (high(key) >> 31))
              words[i] = select(key == key, word, 4294967295)
            }
            byWord(words, at, nextWords, nextAt, counts, n, digit)
          }
          for i in 0..n {
            let key = x[p, at[i], q]
            let word = 0
            // -0 becomes 0; negative numbers go down with their bits.
            if T == f64 { word = high(key + 0) }
            else if T == f32 { word = bits(key + 0) }
            else { word = i32(key) }
            if isFloat { word = select(key == key, word ^ ((word >> 31) & 2147483647), 2147483647) }
            if T == u32 { words[i] = u32(word) } else { words[i] = u32(word ^ -2147483648) }
          }
          byWord(words, at, nextWords, nextAt, counts, n, digit)
          if T == f64 and not lower {
            let equal = 0
            for i in 1..n {
              equal = select(words[i] == words[i - 1], equal + 1, 0)
              if equal > 30 {
                lower = true
                ordered = false
                break
              }
            }
          }
        }
        for i in 0..n {
          sorted[p, i, q] = x[p, at[i], q]
          places[p, i, q] = at[i]
        }
        if T == f64 and not lower {
          for i in 1..n {
            let key = sorted[p, i, q]
            let place = places[p, i, q]
            let j = i
            while j > 0 and sorted[p, j - 1, q] > key {
              sorted[p, j, q] = sorted[p, j - 1, q]
              places[p, j, q] = places[p, j - 1, q]
              j -= 1
            }
            if j < i {
              sorted[p, j, q] = key
              places[p, j, q] = place
            }
          }
        }
      }
    }
  }
}`,
  { byWord },
);
