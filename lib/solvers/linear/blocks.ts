/**
 * Operators side by side, and matrices of operators. A diagonal of blocks is solved block by block.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  NDArray,
  type OptionTable,
  promoteDTypes,
  scalarArray,
  ShapeError,
  treeFlatten,
  treeUnflatten,
} from "../../core/mod.ts";
import { concatenate, full } from "../../primitives/mod.ts";
import type { Arrays } from "../../transforms/tree_types.ts";
import { checkSameType } from "../../transforms/trees.ts";
import type { FloatTree } from "../fixed_point.ts";
import { converted, isSymmetric, type LinearTags, type Made, part } from "./form.ts";
import { type LinearMethod, once } from "./method.ts";
import { LinearOperator } from "./operator.ts";
import type { Space } from "./space.ts";
import {
  checkOperator,
  explain,
  factorsOf,
  isSquare,
  made,
  type PartFactors,
  together,
  within,
} from "./within.ts";

const tagsTable: OptionTable<LinearTags> = {
  symmetric: "boolean",
  positiveDefinite: "boolean",
  triangular: "string",
};

/** Places at which parts of these sizes begin, and where the last ends. */
function placesOf(sizes: readonly number[]): number[] {
  const at = [0];
  for (const size of sizes) at.push(at.at(-1)! + size);
  return at;
}

function joinAll(parts: readonly NDArray[], axis = 0): NDArray {
  return parts.length === 1 ? parts[0]! : concatenate(parts, axis);
}

/** A matrix of operators; a place without one is 0. */
const buildBlocks: Made["build"] = (of, _, layout, tags) => {
  const [heights, widths, grid] = layout as readonly [
    readonly number[],
    readonly number[],
    readonly (readonly number[])[],
  ];
  const [tops, lefts] = [placesOf(heights), placesOf(widths)];
  const { dtype } = of[0]!;
  const sum = (terms: readonly NDArray[], size: number): NDArray =>
    terms.length === 0 ? full([size], 0, dtype) : terms.reduce((a, b) => a.add(b));
  const diagonal = grid.every((row, i) => row.every((k, j) => (i === j) === (k >= 0))) &&
    of.every(isSquare);
  return made(buildBlocks, of, {}, layout, {
    rows: tops.at(-1)!,
    columns: lefts.at(-1)!,
    dtype,
    tags,
    own: diagonal ? blockByBlock : undefined,
    apply: (v, d) =>
      joinAll(grid.map((row, i) =>
        sum(
          row.flatMap((k, j) => k < 0 ? [] : [of[k]!.apply(part(v, lefts[j]!, lefts[j + 1]!), d)]),
          heights[i]!,
        )
      )),
    pull: (u, d) =>
      joinAll(widths.map((width, j) =>
        sum(
          grid.flatMap((row, i) =>
            row[j]! < 0 ? [] : [of[row[j]!]!.pull(part(u, tops[i]!, tops[i + 1]!), d)]
          ),
          width,
        )
      )),
    matrix: (d) =>
      joinAll(grid.map((row, i) =>
        joinAll(
          row.map((k, j) => k < 0 ? full([heights[i]!, widths[j]!], 0, dtype) : of[k]!.matrix(d)),
          1,
        )
      )),
  });
};

const blockByBlock: LinearMethod = /* @__PURE__ */ once<readonly PartFactors[]>({
  description: "methods of the blocks",
  solves: "square",
  direct: true,
  explain,
  factor: ({ parts: { of } }, transforms) => of.map((a) => factorsOf(a, transforms)),
  solve(problem) {
    const { form, factors, b, transposed } = problem;
    const { of } = form.parts;
    const at = placesOf(of.map((a) => a.rows));
    const all = of.map((a, i) =>
      within(a, factors[i]!, part(b, at[i]!, at[i + 1]!), transposed, problem as never)
    );
    return { ...together(all), x: joinAll(all.map(({ x }) => x)) };
  },
});

/** Several kinds of trees as one, in a list or a record. */
function spaceOfAll<S>(shape: S, spaces: readonly Space[]): Space {
  // Marks say in which order a record has its entries.
  const [marks, outer] = treeFlatten(shape);
  const ordered = (marks as NDArray[]).map((mark) => spaces[mark.item()]!);
  const dtype = spaces.map((s) => s.dtype).reduce(promoteDTypes);
  const tree = treeUnflatten(
    outer,
    ordered.map(({ def, avals }) => treeUnflatten(def, avals.map(() => scalarArray(0, dtype)))),
  );
  const [, def] = treeFlatten(tree);
  const avals = ordered.flatMap((s) => s.avals);
  return { def, avals, dtype, size: spaces.reduce((n, s) => n + s.size, 0) };
}

/** An operator, whatever its trees. */
export type AnyOperator = Pick<LinearOperator, "form" | "domain" | "codomain" | "tags">;

/** Operators, each by its place or name. */
export type Blocks =
  | readonly AnyOperator[]
  | Readonly<Record<string, AnyOperator>>;

/** The trees that the blocks of a diagonal take. */
export type BlockTree<B> = {
  -readonly [K in keyof B]: B[K] extends LinearOperator<infer X, infer _> ? Arrays<X> : never;
};

/** A diagonal of blocks, as an operator on their trees. */
export type BlockOperator<B> = BlockTree<B> extends infer T extends FloatTree ? LinearOperator<T>
  : never;

/**
 * Operators side by side, each on a tree of its own: a list or a record of operators is one on lists or records.
 * Where all of them are square, systems are solved block by block, each by the method that suits it.
 *
 * @throws {TypeError} where a block is no operator, or there are none.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { blockDiagonal, LinearOperator, linearSolve } from "@injax/injax/linear";
 *
 * const a = blockDiagonal({
 *   u: LinearOperator.diagonal(np.array([2, 4])),
 *   v: LinearOperator.matrix(np.array([[1, 1], [0, 1]])),
 * });
 * const { value } = linearSolve(a, { u: np.array([2, 4]), v: np.array([3, 2]) });
 * console.log(value.u.toArray(), value.v.toArray()); // [ 1, 1 ] [ 1, 2 ]
 * ```
 */
export function blockDiagonal<const B extends Blocks>(
  blocks: B,
  tags: LinearTags = {},
): BlockOperator<B> {
  const op = "blockDiagonal";
  if (arguments.length > 1) checkCall(`${op}(blocks, options)`, arguments, tagsTable);
  const isList = Array.isArray(blocks);
  if (
    typeof blocks !== "object" || blocks === null || blocks instanceof NDArray ||
    blocks instanceof LinearOperator
  ) {
    throw new TypeError(
      `${op}: blocks must be a list or a record of LinearOperators, not ${describeValue(blocks)}`,
    );
  }
  const names = Object.keys(blocks);
  const given = names.map((name) => (blocks as Record<string, unknown>)[name]);
  if (names.length === 0) throw new TypeError(`${op}: there are no blocks`);
  given.forEach((a, i) => checkOperator(op, isList ? `block ${i}` : `the block ${names[i]}`, a));
  const marked = names.map((name, i) => [name, scalarArray(i, "int32")] as const);
  const shape = isList ? marked.map(([, mark]) => mark) : Object.fromEntries(marked);
  const operators = given as LinearOperator[];
  // Blocks stand in the order in which the tree has them.
  const order = (treeFlatten(shape)[0] as NDArray[]).map((mark) => mark.item());
  const dtype = operators.map((a) => a.form.dtype).reduce(promoteDTypes);
  const of = order.map((i) => converted(op, operators[i]!.form, dtype));
  const grid = of.map((_, i) => of.map((_, j) => i === j ? i : -1));
  const all = (holds: (tags: LinearTags) => boolean): boolean => of.every((a) => holds(a.tags));
  const lower = of.every((a) => a.stored.kind === "diagonal" || a.tags.triangular === "lower");
  const upper = of.every((a) => a.stored.kind === "diagonal" || a.tags.triangular === "upper");
  const known: LinearTags = {
    symmetric: all(isSymmetric),
    positiveDefinite: all((t) => t.positiveDefinite === true),
    ...lower ? { triangular: "lower" } : upper ? { triangular: "upper" } : {},
  };
  const form = buildBlocks(of, {}, [of.map((a) => a.rows), of.map((a) => a.columns), grid], known);
  const spaces = (of: "domain" | "codomain"): Space =>
    spaceOfAll(shape, operators.map((a) => a[of]));
  const made = LinearOperator.made(form, spaces("domain"), spaces("codomain"));
  return (Object.keys(tags).length > 0 ? made.tagged(tags) : made) as never;
}

/**
 * A matrix of operators, `[[A, B], [C, D]]`, on lists of trees, of which the types may be said: `null` stands for zeros. What stands in a row gives the
 * same trees, and what stands in a column takes the same; each row and column has at least one operator.
 *
 * @throws {TypeError} where a block is neither an operator nor `null`.
 * @throws {ShapeError} where rows have different lengths, or a row or column has no operator.
 * @throws {TreeError} where operators in a row or column do not fit.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { blockMatrix, LinearOperator, linearSolve } from "@injax/injax/linear";
 *
 * // Least squares under a condition: [[I, B^T], [B, 0]] [x, y] = [c, d].
 * const b = LinearOperator.matrix(np.array([[1, 1]]));
 * const eye = LinearOperator.identity(np.ones([2]));
 * const a = blockMatrix([[eye, b.transpose()], [b, null]], { symmetric: true });
 * const { value } = linearSolve(a, [np.array([1, 2]), np.array([1])]);
 * console.log(np.round(value[0]!).toArray(), np.round(value[1]!).toArray()); // [ 0, 1 ] [ 1 ]
 * ```
 */
export function blockMatrix<X extends FloatTree = NDArray[], Y extends FloatTree = X>(
  blocks: readonly (readonly (AnyOperator | null)[])[],
  tags: LinearTags = {},
): LinearOperator<X, Y> {
  const op = "blockMatrix";
  if (arguments.length > 1) checkCall(`${op}(blocks, options)`, arguments, tagsTable);
  if (!Array.isArray(blocks) || blocks.length === 0 || !blocks.every(Array.isArray)) {
    throw new TypeError(
      `${op}: blocks must be rows of operators, as [[A, B], [C, D]], not ${describeValue(blocks)}`,
    );
  }
  const width = blocks[0]!.length;
  if (width === 0 || blocks.some((row) => row.length !== width)) {
    throw new ShapeError(
      `${op}: all rows must have as many blocks, and one at least, not ${
        blocks.map((row) => row.length).join(", ")
      }. null stands for zeros`,
    );
  }
  const grid: (LinearOperator | null)[][] = blocks.map((row, i) =>
    row.map((a, j) => {
      if (a !== null) checkOperator(op, `block [${i}][${j}]`, a);
      return a as LinearOperator | null;
    })
  );
  const first = (line: readonly (LinearOperator | null)[], what: string): LinearOperator => {
    const a = line.find((a) => a !== null);
    if (a) return a;
    throw new ShapeError(`${op}: ${what} has no operator, so that its size is not known`);
  };
  const columns = blocks[0]!.map((_, j) => first(grid.map((row) => row[j]!), `column ${j}`).domain);
  const rows = grid.map((row, i) => first(row, `row ${i}`).codomain);
  const listed = grid.flatMap((row, i) => row.flatMap((a, j) => a === null ? [] : [{ a, i, j }]));
  for (const { a, i, j } of listed) {
    checkFits(op, `what block [${i}][${j}] and others of its column take`, columns[j]!, a.domain);
    checkFits(op, `what block [${i}][${j}] and others of its row give`, rows[i]!, a.codomain);
  }
  const dtype = listed.map(({ a }) => a.form.dtype).reduce(promoteDTypes);
  const of = listed.map(({ a }) => converted(op, a.form, dtype));
  const places = grid.map((row, i) =>
    row.map((_, j) => listed.findIndex((own) => own.i === i && own.j === j))
  );
  const layout = [rows.map((s) => s.size), columns.map((s) => s.size), places];
  const form = buildBlocks(of, {}, layout, {});
  const marks = (n: number): NDArray[] =>
    Array.from({ length: n }, (_, i) => scalarArray(i, "int32"));
  const made = LinearOperator.made(
    form,
    spaceOfAll(marks(columns.length), columns),
    spaceOfAll(marks(rows.length), rows),
  );
  return (Object.keys(tags).length > 0 ? made.tagged(tags) : made) as never;
}

function checkFits(op: string, what: string, wanted: Space, given: Space): void {
  checkSameType(
    op,
    what,
    wanted.avals,
    wanted.def,
    given.avals,
    given.def,
    "They must have the same structure, shapes and dtypes",
  );
}
