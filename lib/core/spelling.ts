/**
 * Which name a user meant: by edit distance, by another way of writing it, or because other
 * libraries call it so.
 *
 * @module
 */

/** What other libraries (JAX, NumPy, SciPy, PyTorch, Haiku) call options and backends that have other names here. */
const elsewhere: Readonly<Record<string, readonly string[]>> = {
  absolute: ["atol"],
  alpha: ["damping", "beta"],
  approx: ["approximate"],
  axes: ["inAxes", "axis"],
  axis: ["inAxes", "axis1"],
  batchdim: ["inAxes"],
  budget: ["memoryBudget"],
  correction: ["ddof"],
  damp: ["damping"],
  device: ["backend"],
  diagonal: ["offset"],
  dim: ["axis", "inAxes"],
  dims: ["axis", "inAxes"],
  dim1: ["axis1"],
  dim2: ["axis2"],
  fillvalue: ["value", "mode"],
  gpu: ["webgpu"],
  graphname: ["name"],
  high: ["maxval"],
  history: ["memory"],
  historysize: ["memory"],
  indims: ["inAxes"],
  inputnames: ["argumentNames"],
  argnames: ["argumentNames"],
  iterations: ["maxSteps"],
  iters: ["maxSteps"],
  k: ["offset"],
  kind: ["side", "mode"],
  low: ["minval"],
  m: ["memory"],
  max: ["maxval"],
  maxiter: ["maxSteps"],
  maxiters: ["maxSteps"],
  maxiterations: ["maxSteps"],
  method: ["solver", "mode", "linearSolver"],
  min: ["minval"],
  mixing: ["damping", "beta"],
  mode: ["side"],
  n: ["length"],
  niter: ["maxSteps"],
  numlanes: ["axisSize"],
  outdims: ["outAxes"],
  platform: ["backend"],
  reduce: ["reduceState"],
  relative: ["rtol"],
  relax: ["damping", "beta"],
  relaxation: ["damping", "beta"],
  reverse: ["descending"],
  rng: ["splitRng"],
  size: ["axisSize", "shape"],
  static: ["staticArgnums"],
  staticargnames: ["staticArgnums"],
  steps: ["maxSteps", "length"],
  symmetry: ["symmetric"],
  tol: ["rtol", "atol"],
  tolerance: ["rtol", "atol"],
  transpose: ["transposeSolve"],
  type: ["dtype"],
  usebias: ["withBias"],
  bias: ["withBias", "bInit"],
  weights: ["wInit"],
  wrt: ["argnums"],
};

/** A name without the marks by which styles differ: `in_axes` and `inAxes` are one. */
const plain = (name: string): string => name.replaceAll(/[_\-\s]/g, "").toLowerCase();

/** Insertions, deletions, replacements and exchanges of neighbours that lead from one word to the other. */
function distance(a: string, b: string): number {
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, before[j - 2]! + 1);
      }
      row.push(cost);
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}

/** Whether a word is another one cut short. */
const isPart = (short: string, long: string): boolean =>
  short.length >= 3 && long.startsWith(short);

/** Letters that may be wrong, by the length of the word; a word of two is another one then. */
const tolerated = (name: string): number =>
  name.length < 3 ? 0 : Math.max(1, Math.floor(name.length / 3));

/** Those of `names` that `given` was meant for: the best ones alone, none where nothing is near. */
export function nearest(given: string, names: readonly string[]): string[] {
  const word = plain(given);
  const same = names.filter((name) => plain(name) === word);
  if (same.length > 0) return same;
  const synonyms = Object.hasOwn(elsewhere, word) ? elsewhere[word]! : [];
  const known = synonyms.filter((name) => names.includes(name));
  if (known.length > 0) return known;
  const parts = names.filter((name) => isPart(word, plain(name)) || isPart(plain(name), word));
  if (parts.length > 0) return parts;
  const far = names.map((name) => distance(word, plain(name)));
  const least = Math.min(...far);
  return least <= tolerated(word) ? names.filter((_, i) => far[i] === least) : [];
}
