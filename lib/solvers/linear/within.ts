/**
 * Operators that are made of others, and systems within systems: what blocks, Kronecker products and updates have in
 * common.
 *
 * @module
 */
import { describeValue, type NDArray, scalarArray } from "../../core/mod.ts";
import {
  full,
  maximum,
  minimum,
  reduceMax,
  reduceMin,
  reduceSum,
  select,
} from "../../primitives/mod.ts";
import type { Transforms } from "../../transforms/types.ts";
import { chosen } from "./plan.ts";
import { constant, type Form, isStored, type Made } from "./form.ts";
import {
  contradiction,
  denied,
  ifLinear,
  type LinearOutcome,
  type LinearProblem,
  type LinearReport,
  whole,
  writtenOut,
} from "./method.ts";
import { LinearOperator } from "./operator.ts";

/** What the method of a part makes of it. */
export interface PartFactors {
  readonly factors: unknown;
  /** What is not linear in it, where it was looked at. */
  readonly offset: NDArray | null;
  /** How much it contradicts what it is taken for. */
  readonly contradiction: NDArray | null;
}

/** What the method of an operator makes of it. */
export function factorsOf(a: Form, transforms: Transforms): PartFactors {
  const method = chosen(a);
  const { form, offset } = method.direct && !isStored(a) && method !== a.own
    ? writtenOut(a, transforms)
    : { form: a, offset: null };
  const still = constant(form, transforms);
  return {
    factors: method.factor(still, transforms),
    offset,
    contradiction: contradiction(still, method),
  };
}

/** The solution of a system with a part, or its transpose, by the part's own method. */
export function within(
  a: Form,
  { factors, offset, contradiction }: PartFactors,
  b: NDArray,
  back: boolean,
  { limits, derivatives, transforms }: LinearProblem<unknown>,
): LinearOutcome {
  const form = constant(a, transforms);
  const [forth, other] = back ? [form.pull, form.apply] : [form.apply, form.pull];
  const { x, ...report } = chosen(a).solve({
    apply: (v) => forth(v, transforms),
    pull: (u) => other(u, transforms),
    precondition: (v) => v,
    preconditioned: false,
    factors,
    tags: a.tags,
    transposed: back,
    b,
    start: null,
    history: false,
    form,
    limits,
    derivatives,
    transforms,
  });
  return { x, ...ifLinear(offset, true, denied(contradiction, report)) };
}

/** What is said of several systems together: the worst of each. */
export function together(reports: readonly LinearReport[]): LinearReport {
  const all = (key: "status" | "steps" | "products", of: typeof maximum): NDArray =>
    reports.map((r) => r[key]).reduce(of);
  const none = scalarArray(Infinity, reports[0]!.detail.dtype);
  const growths = reports.flatMap(({ growth }) => growth === undefined ? [] : [growth]);
  const detail = reports.map((r) => select(r.detail.equal(r.detail), r.detail, none)).reduce(
    minimum,
  );
  return {
    status: all("status", maximum),
    steps: all("steps", (a, b) => a.add(b)),
    products: all("products", (a, b) => a.add(b)),
    growth: growths.length === 0 ? undefined : growths.reduce(maximum),
    detail: select(detail.equal(none), scalarArray(NaN, detail.dtype), detail),
    rank: whole(-1),
  };
}

/** What failures mean. */
export const explain = {
  singular: "a part of the operator is singular to working precision",
  stagnated:
    "elements of a part grew by a factor of {} in elimination, and their rounding with them. Take qr() or svd() for all of it",
  breakdown:
    "the method of a part broke down. Give that part a tag that holds, or take lu() for all of it",
};

/** Solves `f` for each row of `b`, as lanes, and says the worst of what is said of them. */
export function byRows(
  f: (b: NDArray) => LinearOutcome,
  b: NDArray,
  transforms: Transforms,
): LinearOutcome {
  const { x, status, steps, products, detail, growth } = transforms.vmap((row: NDArray) => {
    const { x, status, steps, products, detail, growth } = f(row);
    return { x, status, steps, products, detail, ...growth === undefined ? {} : { growth } };
  })(b) as
    & Record<"x" | "status" | "steps" | "products" | "detail", NDArray>
    & Pick<LinearReport, "growth">;
  const none = full(detail.shape, Infinity, detail.dtype);
  const least = reduceMin(select(detail.equal(detail), detail, none), [0]);
  return {
    x,
    status: reduceMax(status, [0]),
    steps: reduceSum(steps, [0]),
    products: reduceSum(products, [0]),
    growth: growth === undefined ? undefined : reduceMax(growth, [0]),
    detail: select(least.equal(Infinity), scalarArray(NaN, detail.dtype), least),
    rank: whole(-1),
  };
}

/** An operator that `build` puts together. */
export function made(
  build: Made["build"],
  of: readonly Form[],
  arrays: Readonly<Record<string, NDArray>>,
  layout: readonly unknown[],
  rest: Pick<Form, "rows" | "columns" | "dtype" | "tags" | "apply" | "pull" | "matrix" | "own">,
): Form {
  return {
    ...rest,
    stored: { kind: "products" },
    parts: { kind: "made", arrays, of, f: null, made: { build, layout } },
  };
}

/** Whether it gives as many numbers as it takes. */
export const isSquare = ({ rows, columns }: Form): boolean => rows === columns;

/** Refuses what is no operator. */
export function checkOperator(op: string, what: string, a: unknown): asserts a is LinearOperator {
  if (a instanceof LinearOperator) return;
  throw new TypeError(
    `${op}: ${what} must be a LinearOperator, not ${describeValue(a)}. Make one of a matrix by ` +
      "LinearOperator.matrix(a), and of a function by LinearOperator.of(f, x)",
  );
}
