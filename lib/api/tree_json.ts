/**
 * Trees from files. See `tree.ts`.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  type DType,
  formatShape,
  isPlain,
  type KeyPath,
  keyPaths,
  nameOfKey,
  NDArray,
  sameShape,
  ShapeError,
  TreeError,
  treeFlatten,
  treeUnflatten,
} from "../core/mod.ts";
import { array, type ArrayData } from "./array.ts";
import { reshape } from "./shaping.ts";

/** What a leaf is to be like. */
interface Like {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/**
 * A tree like another, with the numbers that a file has: what `JSON.parse` gives of `JSON.stringify(tree)`.
 * Arrays get the dtypes of `like`, whose leaves may be shapes and dtypes alone, as of `evalShape`. What JSON
 * does not have, such as functions in modules of Equinox, is that of `like`.
 *
 * @throws {TreeError} where a leaf is missing, or has `null`, which JSON writes for NaN and infinities; where
 * objects have other keys, or lists another length.
 * @throws {ShapeError} where a leaf has another shape.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as tree from "@injax/injax/tree";
 *
 * const params = { layer: [{ w: np.array([[1, 2]]), n: np.array(3, { dtype: "int32" }) }] };
 * const text = JSON.stringify(params); // {"layer":[{"w":[[1,2]],"n":3}]}
 * const back = tree.fromJson(params, JSON.parse(text));
 * console.log(back.layer[0]!.w.shape, back.layer[0]!.n.dtype); // [ 1, 2 ] int32
 * ```
 */
export function fromJson<T>(like: T, parsed: unknown): T {
  if (arguments.length > 2) checkCall("fromJson(like, parsed)", arguments);
  if (typeof parsed === "string") {
    throw new TypeError("fromJson: the second argument is a text: write JSON.parse(text)");
  }
  const [leaves, def] = treeFlatten(like);
  refuseOthers(like, parsed, "");
  const paths = keyPaths(def);
  return treeUnflatten(def, leaves.map((leaf, i) => leafOf(leaf, parsed, paths[i]!))) as T;
}

const shown = (path: KeyPath): string => path.join("") || "the top";

function leafOf(like: unknown, parsed: unknown, path: KeyPath): unknown {
  const isPlainLeaf = ["number", "boolean", "string"].includes(typeof like);
  if (!isLike(like) && !isPlainLeaf) return like;
  let found = parsed;
  for (const key of path) {
    const name = nameOfKey(key);
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) {
      throw new TreeError(`fromJson: there is nothing at ${shown(path)}`);
    }
    found = (found as Record<string, unknown>)[name];
  }
  if (!isLike(like)) {
    if (typeof found === typeof like) return found;
    throw new TreeError(
      `fromJson: at ${shown(path)} there is ${
        describeValue(found)
      }, but it must be a ${typeof like}`,
    );
  }
  const { shape, dtype } = like;
  const problem = problemOf(found);
  if (problem !== null) throw new TreeError(`fromJson: at ${shown(path)} there is ${problem}`);
  const x = array(found as ArrayData, { dtype });
  if (x.size === 0 && shape.includes(0)) return reshape(x, shape);
  if (sameShape(x.shape, shape)) return x;
  throw new ShapeError(
    `fromJson: at ${shown(path)} there is an array of shape ${
      formatShape(x.shape)
    }, but it must be ${formatShape(shape)}. Is it of another model?`,
  );
}

function isLike(leaf: unknown): leaf is Like {
  return leaf instanceof NDArray ||
    (typeof leaf === "object" && leaf !== null && "shape" in leaf && "dtype" in leaf);
}

/** What is in nested lists that is no number; `null` where there is nothing of that kind. */
function problemOf(found: unknown): string | null {
  if (typeof found === "number" || typeof found === "boolean") return null;
  if (Array.isArray(found)) {
    for (const x of found) {
      const problem = problemOf(x);
      if (problem !== null) return problem;
    }
    return null;
  }
  if (found !== null) return `${describeValue(found)}, which is no number or list of such`;
  return "null, which JSON has for NaN and infinities: write arrays that have such as bytes, x.dataSync()";
}

/** Raises where objects or lists have what the tree has not. */
function refuseOthers(like: unknown, parsed: unknown, path: string): void {
  const isList = Array.isArray(like);
  if (!isList && !isPlain(like)) return;
  if (typeof parsed !== "object" || parsed === null || isList !== Array.isArray(parsed)) return;
  const own = like as Record<string, unknown>;
  for (const [name, value] of Object.entries(parsed)) {
    const at = isList ? `${path}[${name}]` : `${path}.${name}`;
    if (!Object.hasOwn(own, name)) {
      throw new TreeError(
        `fromJson: at ${at} there is ${
          describeValue(value)
        }, but the tree has nothing there. Is it of another ` +
          "model?",
      );
    }
    refuseOthers(own[name], value, at);
  }
}
