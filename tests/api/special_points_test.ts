/**
 * Derivatives at special points (zeros of either sign, kinks, ties, overflow, infinities, NaN) of every
 * elementwise operation and every reduction: forward and reverse mode agree, first and second
 * derivatives are JAX's, and what is constant piece by piece has no tangent at all.
 *
 * JAX's are recorded where its own modes agree with each other. So they are of random expressions that
 * meet such points.
 */
import {
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  loadBackend,
  type NDArray,
  numpy,
  vmap,
  whileLoop,
} from "../../mod.ts";
import { jvpFlat } from "../../lib/interpreters/jvp.ts";
import recorded from "../reference/special_points.json" with { type: "json" };
import drawn from "../reference/special_programs.json" with { type: "json" };
import { make } from "../support/arrays.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { elementwise, type Entry, functionOf, nameOf, vectors } from "../support/operations.ts";

await loadBackend("onnx");

type F = (x: NDArray) => NDArray;
type Elements = readonly (number | string | null)[];

/** What is recorded of a case; `null` where JAX's modes disagree. */
interface Case {
  readonly value: Elements;
  readonly first: Elements;
  readonly second: Elements;
}

/** A kind of operations, with the length of the vectors that their functions take. */
interface Kind {
  readonly size: number;
  readonly functions: Readonly<Record<string, F>>;
  readonly points: Elements;
  readonly cases: Readonly<Record<string, Case>>;
}

/** The result as one float: steps as floats, and what has three elements weighted. */
function number(y: NDArray): NDArray {
  const float = y.astype("float64");
  return y.ndim === 0
    ? float
    : float.mul(make({ shape: [3], dtype: "float64" }, [1, -2, 0.5])).sum();
}

/** The functions of the list that were recorded, by name. */
function functionsOf(
  entries: readonly Entry[],
  cases: object,
  variables: readonly string[],
  take: (x: NDArray) => readonly NDArray[],
): Readonly<Record<string, F>> {
  return Object.fromEntries(
    entries.filter((entry) => nameOf(entry) in cases).map((entry) => {
      const f = functionOf(entry.here!, variables);
      return [nameOf(entry), (x: NDArray) => number(f(...take(x)))];
    }),
  );
}

const kinds: readonly Kind[] = [
  {
    size: 1,
    functions: functionsOf(elementwise, recorded.unary, ["x"], (x) => [x.at(0)]),
    points: recorded.points.unary,
    cases: recorded.unary as Readonly<Record<string, Case>>,
  },
  {
    size: 2,
    functions: functionsOf(elementwise, recorded.binary, ["x", "y"], (x) => [x.at(0), x.at(1)]),
    points: recorded.points.binary,
    cases: recorded.binary as Readonly<Record<string, Case>>,
  },
  {
    size: 3,
    functions: functionsOf(vectors, recorded.lanes, ["v"], (x) => [x]),
    points: recorded.points.lanes,
    cases: recorded.lanes as Readonly<Record<string, Case>>,
  },
];

// ---------------------------------------------------------------- where we differ, and why

/** First derivatives that are meant to differ from JAX's, by the points at which they do. */
const other: Readonly<Record<string, { readonly at: (x: number[]) => boolean; why: string }>> = {
  acosh: { at: ([x]) => x! < 1, why: "there is no value, so there is no slope" },
  relu: { at: ([x]) => x !== x, why: "NaN has no side; it keeps its slope as it keeps its value" },
  relu6: { at: ([x]) => x !== x, why: "NaN has no side; it keeps its slope as it keeps its value" },
  pow: { at: ([x, y]) => (x === 0 || x !== x) && y === 0, why: "the slope of x^0 is 0 everywhere" },
  logaddexp: {
    at: ([x, y]) => x === Infinity || y === Infinity,
    why: "the infinite operand alone counts",
  },
  xlogy: {
    at: ([x, y]) => x === 0 && !(y! > 0 && y! < Infinity),
    why: "where x is 0 the product is, so that entropies have finite slopes",
  },
  cumprod: {
    at: (x) => x.some((v) => Math.abs(v) === Infinity),
    why: "products with infinities depend on the order of the factors",
  },
};

/** Second derivatives that are meant to be other than JAX's finite ones. */
const otherSecond: typeof other = {
  ...other,
  atanh: { at: ([x]) => Math.abs(x!) === Infinity, why: "there is no value, so there is no slope" },
  pow: {
    at: ([x, y]) => (x === 0 || x !== x) && (y === 0 || y === 1),
    why: "x^(y-1) (1 + y log x) is infinite at (0, 1)",
  },
};

// ---------------------------------------------------------------- the laws

const rowsOf = (data: Elements, length: number): number[][] =>
  Array.from(
    { length: data.length / length },
    (_, i) => data.slice(i * length, (i + 1) * length).map((v) => v === null ? NaN : Number(v)),
  );

/** Equal but for rounding: relative to the largest element of the row. */
function near(x: number, y: number, scale: number): boolean {
  return Object.is(x, y) || x === y || (Number.isNaN(x) && Number.isNaN(y)) ||
    Math.abs(x - y) <= 1e-11 * scale;
}

const evaluated = (f: F, x: NDArray): number[] => Array.from((vmap(f) as F)(x).dataSync());
const shown = (x: readonly number[]): string =>
  `[${x.map((v) => Object.is(v, -0) ? "-0" : v).join(", ")}]`;

/** Asserts rows equal wherever `counts` says so. */
function compare(
  what: string,
  points: readonly number[][],
  actual: readonly number[],
  expected: Elements,
  counts: (want: number | string | null, row: number) => boolean,
): void {
  const width = expected.length / points.length;
  const problems: string[] = [];
  points.forEach((point, i) => {
    const want = expected.slice(i * width, (i + 1) * width);
    const got = actual.slice(i * width, (i + 1) * width);
    const scale = Math.max(...want.map((v) => Math.abs(Number(v))).filter(Number.isFinite), 1e-2);
    if (want.every((v, k) => !counts(v, i) || near(got[k]!, Number(v), scale))) return;
    problems.push(`at ${shown(point)}: ${shown(got)}, not ${shown(want.map(Number))}`);
  });
  assert(problems.length === 0, `${what}:\n    ${problems.slice(0, 5).join("\n    ")}`);
}

for (const { size, functions, points, cases } of kinds) {
  const rows = rowsOf(points, size);
  const at = make({ shape: [rows.length, size], dtype: "float64" }, rows.flat());

  Deno.test(`every recorded function of ${size} numbers is tried at special points`, () => {
    assertEquals(Object.keys(functions).sort(), Object.keys(cases).sort());
  });

  for (const [name, f] of Object.entries(functions)) {
    const { value, first, second } = cases[name]!;

    Deno.test(`at special points, forward and reverse derivatives are JAX's: ${name}`, () => {
      compare(name, rows, evaluated(f, at), value, () => true);
      const differs = other[name]?.at ?? (() => false);
      const ours = evaluated(jacfwd(f) as F, at);
      compare(name, rows, ours, first, (v, i) => v !== null && !differs(rows[i]!));
      // Two operands at once: a zero for the one times an infinite slope is NaN in one mode alone.
      const width = first.length / rows.length;
      const agree = rows.map((row, i) =>
        !differs(row) && !first.slice(i * width, (i + 1) * width).includes(null)
      );
      for (const [how, d] of [["reverse", jacrev(f)], ["onnx", jit(grad(f))]] as [string, F][]) {
        compare(`${name}, ${how} and forward`, rows, evaluated(d, at), ours, (_, i) => agree[i]!);
      }
    });

    Deno.test(`at special points, second derivatives are symmetric and JAX's: ${name}`, () => {
      const differs = otherSecond[name]?.at ?? (() => false);
      const orders: Readonly<Record<string, F>> = {
        "forward over reverse": hessian(f) as F,
        "reverse over forward": jacrev(jacfwd(f)) as F,
        "forward over forward": jacfwd(jacfwd(f)) as F,
        "reverse over reverse": jacrev(jacrev(f)) as F,
      };
      // An infinite slope times a zero is NaN in one order and not in another, in JAX too.
      const counts = (v: number | string | null, i: number): boolean =>
        typeof v === "number" && !differs(rows[i]!);
      for (const [order, d] of Object.entries(orders)) {
        compare(`${name}, ${order}`, rows, evaluated(d, at), second, counts);
      }
    });

    // Not chosen by name: what JAX has no slope of anywhere has none here.
    if (!first.every((v) => v === 0)) continue;
    Deno.test(`piecewise constant, it has no tangent: ${name}`, () => {
      const ones = make({ shape: [size], dtype: "float64" }, new Array(size).fill(1));
      for (const row of rows) {
        const x = make({ shape: [size], dtype: "float64" }, row);
        const [, [tangent]] = jvpFlat("law", ([x]) => [f(x!)], [x], [ones]);
        assert(tangent === null, `${name} at ${shown(row)} has the tangent ${tangent}`);
      }
    });
  }
}

/** Where JAX's derivative is NaN by a zero for what was not chosen, times its infinite slope, ours need not be. */
const CHOOSES = /np\.(?:max|sort)\(/;

for (const { here, value, first, second } of drawn.programs) {
  Deno.test(`at special points, derivatives of a random expression are JAX's: ${here}`, () => {
    const g = functionOf(here, ["x", "y"]);
    const f = (x: NDArray): NDArray => g(x.at(0), x.at(1));
    const rows = rowsOf(drawn.points, 2);
    const at = make({ shape: [rows.length, 2], dtype: "float64" }, rows.flat());
    const counts = (v: number | string | null): boolean =>
      v !== null && !(v === "NaN" && CHOOSES.test(here));
    const ways: readonly (readonly [how: string, d: F, want: Elements])[] = [
      ["value", f, value],
      ["forward", jacfwd(f), first],
      ["reverse", jacrev(f), first],
      ["compiled", jit(grad(f)), first],
      ["forward over reverse", hessian(f) as F, second],
      ["reverse over forward", jacrev(jacfwd(f)) as F, second],
      ["forward over forward", jacfwd(jacfwd(f)) as F, second],
      ["reverse over reverse", jacrev(jacrev(f)) as F, second],
    ];
    for (const [how, d, want] of ways) {
      compare(`${here}, ${how}`, rows, evaluated(d, at), want, counts);
    }
  });
}

Deno.test("what is constant piece by piece does not stop reverse mode through whileLoop", () => {
  let steps = 0;
  for (const { size, functions, cases } of kinds) {
    for (const [name, f] of Object.entries(functions)) {
      if (!cases[name]!.first.every((v) => v === 0)) continue;
      const last = (x: NDArray): NDArray => {
        const state = whileLoop(
          (s: { n: NDArray; sum: NDArray }) => s.n.less(2),
          ({ n, sum }) => ({ n: n.add(1), sum: sum.add(f(x)) }),
          { n: numpy.array(0, { dtype: "int32" }), sum: numpy.zeros([], { dtype: "float64" }) },
        );
        return state.sum.mul(x.at(0));
      };
      const x = make({ shape: [size], dtype: "float64" }, [2.25, -1.5, 0.5].slice(0, size));
      const slopes = grad(last)(x).toArray() as number[];
      assertEquals(slopes, [2 * (f(x).item() as number), ...slopes.slice(1).map(() => 0)], name);
      steps++;
    }
  }
  assert(steps > 10, `only ${steps} functions are constant piece by piece`);
});
