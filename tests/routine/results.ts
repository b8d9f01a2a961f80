/**
 * A program that prints results of routines: for `strict_test.ts`, which runs it with and without leave
 * to make code from strings.
 *
 * @module
 */
import { linalg, numpy as np } from "../../mod.ts";

const x = np.array([[3, -1, NaN, 0.5], [2, 2, -0, 7], [1e38, 3e38, 3e38, -1]]);
const a = np.array([[4, 2, 1], [2, 5, 3], [1, 3, 6]]);
const results = {
  sorted: np.sort(x),
  order: np.argsort(x, 0),
  places: np.argmax(x, 1),
  sums: np.cumsum(x, 1),
  taken: np.take(x, np.array([2, 0, 1]).astype("int32"), 0),
  cholesky: linalg.cholesky(a),
};
for (const [name, value] of Object.entries(results)) console.log(name, String(value));

let allowed = true;
try {
  new Function("");
} catch {
  allowed = false;
}
console.error(allowed ? "code from strings" : "no code from strings");
