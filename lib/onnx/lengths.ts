/**
 * Lengths that a file leaves open, as polynomials in its symbols: found from the numbers that a
 * program has at several sizes, and exactly so, since all are integers.
 *
 * What the sizes are and what becomes of the polynomials is in `open.ts` and `generalize.ts`.
 *
 * @module
 */

/** A number for each symbol. */
export type Sizes = readonly number[];

/** A product of powers of the symbols, with a coefficient. */
export interface Term {
  /** The coefficient's numerator; the denominator is the polynomial's. */
  readonly factor: bigint;
  /** The power of each symbol. */
  readonly powers: readonly number[];
}

/** An integer for all sizes: the sum of the terms, divided by the divisor without remainder. */
export interface Polynomial {
  /** Terms that are not 0, highest degree first. */
  readonly terms: readonly Term[];
  /** What their sum is divided by. */
  readonly divisor: bigint;
}

/** Highest degree of a polynomial: a batch of square matrices, flattened, has 3. */
const DEGREE = 3;

/** How many sizes it takes to find a polynomial in `symbols` symbols, and to see that it is one. */
export function sizesNeeded(symbols: number): number {
  return powersUpTo(symbols, DEGREE).length + 2;
}

/**
 * The polynomial of the lowest degree that has these values at these sizes, if there is one that the
 * sizes leave no choice about.
 */
export function fit(sizes: readonly Sizes[], values: readonly number[]): Polynomial | null {
  if (!values.every(Number.isSafeInteger)) return null;
  const symbols = sizes[0]!.length;
  for (let degree = 0; degree <= DEGREE; degree++) {
    const basis = powersUpTo(symbols, degree);
    const rows = sizes.map((s, i) => [...basis.map((p) => monomial(s, p)), BigInt(values[i]!)]);
    const solution = solve(rows, basis.length);
    if (solution === null) continue;
    const terms = basis.map((powers, i) => ({ factor: solution.numerators[i]!, powers }))
      .filter((t) => t.factor !== 0n)
      .reverse();
    return { terms, divisor: solution.divisor };
  }
  return null;
}

/** The value at some sizes, or `null` where it is not an integer. */
export function valueAt({ terms, divisor }: Polynomial, sizes: Sizes): number | null {
  const sum = terms.reduce((a, t) => a + t.factor * monomial(sizes, t.powers), 0n);
  return sum % divisor === 0n ? Number(sum / divisor) : null;
}

/** Whether the value is the same for all sizes. */
export function isConstant({ terms }: Polynomial): boolean {
  return terms.every((t) => t.powers.every((p) => p === 0));
}

/** As text, such as `2*batch + 1`; what a symbol alone stands for is its name. */
export function formatPolynomial(
  { terms, divisor }: Polynomial,
  symbols: readonly string[],
): string {
  const text = terms.map(({ factor, powers }, i) => {
    const names = powers.flatMap((p, k) => new Array<string>(p).fill(symbols[k]!));
    const size = factor < 0n ? -factor : factor;
    const product = (size === 1n && names.length > 0 ? names : [String(size), ...names]).join("*");
    const sign = factor < 0n ? "-" : "+";
    return i === 0 ? (factor < 0n ? `-${product}` : product) : ` ${sign} ${product}`;
  }).join("");
  if (divisor !== 1n) return `(${text})/${divisor}`;
  return text === "" ? "0" : text;
}

/** The powers of all products of degree at most `degree`, lowest degree first. */
function powersUpTo(symbols: number, degree: number): number[][] {
  const of = (left: number, total: number): number[][] =>
    left === 0
      ? (total === 0 ? [[]] : [])
      : Array.from({ length: total + 1 }, (_, p) => p).flatMap((p) =>
        of(left - 1, total - p).map((rest) => [p, ...rest])
      );
  return Array.from({ length: degree + 1 }, (_, d) => d).flatMap((d) => of(symbols, d));
}

function monomial(sizes: Sizes, powers: readonly number[]): bigint {
  return powers.reduce((product, p, k) => product * BigInt(sizes[k]!) ** BigInt(p), 1n);
}

/**
 * The solution of linear equations, rows of coefficients and a right-hand side, over a common divisor:
 * Gauss's elimination without fractions (Bareiss). `null` where there is none, or more than one.
 */
function solve(
  equations: readonly (readonly bigint[])[],
  unknowns: number,
): { numerators: bigint[]; divisor: bigint } | null {
  const rows = equations.map((row) => [...row]);
  let last = 1n;
  for (let k = 0; k < unknowns; k++) {
    const pivot = rows.findIndex((row, i) => i >= k && row[k] !== 0n);
    if (pivot < 0) return null;
    [rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!];
    const own = rows[k]!;
    for (let i = 0; i < rows.length; i++) {
      if (i === k) continue;
      const row = rows[i]!;
      const factor = row[k]!;
      for (let j = 0; j <= unknowns; j++) row[j] = (row[j]! * own[k]! - factor * own[j]!) / last;
    }
    last = own[k]!;
  }
  if (rows.slice(unknowns).some((row) => row[unknowns] !== 0n)) return null;
  const numerators = rows.slice(0, unknowns).map((row) => row[unknowns]!);
  const common = [...numerators, last].reduce(divisorOf);
  const sign = last < 0n ? -1n : 1n;
  return { numerators: numerators.map((n) => sign * n / common), divisor: sign * last / common };
}

/** The greatest common divisor; 0 where both are. */
function divisorOf(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

/** A number that depends on the sizes through a polynomial. */
export interface Quantity {
  /** The polynomial, P. */
  readonly polynomial: Polynomial;
  /** What of P it is: P / factor, factor / P, the root of either, or the logarithm of P. */
  readonly form: "quotient" | "reciprocal" | "root" | "inverse root" | "logarithm";
  /** The factor. */
  readonly factor: number;
}

/** How each form is computed from P and the factor, and P from a value. */
const forms: readonly {
  readonly form: Quantity["form"];
  readonly factors: readonly number[];
  readonly compute: (p: number, factor: number) => number;
  readonly invert: (value: number, factor: number) => number;
}[] = [
  {
    form: "quotient",
    factors: [1, 2, 3, 4, 5, 6, 8, 10],
    compute: (p, c) => p / c,
    invert: (v, c) => v * c,
  },
  {
    form: "reciprocal",
    factors: [1, 2, 3, 4, 5, 6, 8, 10],
    compute: (p, c) => c / p,
    invert: (v, c) => c / v,
  },
  { form: "root", factors: [1], compute: (p) => Math.sqrt(p), invert: (v) => v * v },
  {
    form: "inverse root",
    factors: [1],
    compute: (p) => 1 / Math.sqrt(p),
    invert: (v) => 1 / (v * v),
  },
  { form: "logarithm", factors: [1], compute: (p) => Math.log(p), invert: (v) => Math.exp(v) },
];

/**
 * How numbers come from the sizes, where `round` is how the program rounds numbers of their type;
 * `null` where they do so in no way that is known.
 */
export function quantity(
  sizes: readonly Sizes[],
  values: readonly number[],
  round: (value: number) => number,
): Quantity | null {
  for (const { form, factors, compute, invert } of forms) {
    for (const factor of factors) {
      const whole = values.map((v) => Math.round(invert(v, factor)));
      if (!values.every((v, i) => Object.is(round(compute(whole[i]!, factor)), v))) continue;
      const polynomial = fit(sizes, whole);
      if (polynomial !== null) return { polynomial, form, factor };
    }
  }
  return null;
}

/** The number at some sizes. */
export function quantityAt({ polynomial, form, factor }: Quantity, sizes: Sizes): number | null {
  const p = valueAt(polynomial, sizes);
  return p === null ? null : forms.find((f) => f.form === form)!.compute(p, factor);
}
