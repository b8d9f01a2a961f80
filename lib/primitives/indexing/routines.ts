/**
 * Looking up and adding at computed positions on the CPU. The indexed axes come first: their lengths are
 * an array, and what is behind them is a block.
 *
 * @module
 */
import { type Routine, routine } from "../../routine/routine.ts";

/** Blocks at indices, which are clamped into range. */
export const gatherRoutine: Routine = routine(`
gather(in x: T[any, block], in indices: i32[rows, depth], in lengths: i32[depth],
       out y: T[rows, block], rows, depth, block) {
  for r in 0..rows {
    let at = 0
    for k in 0..depth {
      at = at * lengths[k] + max(0, min(indices[r, k], lengths[k] - 1))
    }
    if block == 1 { y[r] = x[at] }
    else { vector j in 0..block { y[r, j] = x[at, j] } }
  }
}`);

/** An array of `size` elements with blocks added at indices; what is out of range is dropped. */
export const scatterAddRoutine: Routine = routine(`
scatterAdd(in x: T[size], in indices: i32[rows, depth], in updates: T[rows, block],
           in lengths: i32[depth], out y: T[size], size, rows, depth, block) {
  vector i in 0..size { y[i] = x[i] }
  for r in 0..rows {
    let at = 0
    let inside = 0
    for k in 0..depth {
      let index = indices[r, k]
      inside += i32(index >= 0 and index < lengths[k])
      at = at * lengths[k] + index
    }
    if inside == depth {
      if block == 1 { y[at] += updates[r] }
      else { vector j in 0..block { y[at * block + j] += updates[r, j] } }
    }
  }
}`);
