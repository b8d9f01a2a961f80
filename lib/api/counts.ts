/**
 * Random whole numbers: counts of events, successes and trials, from the bits of a key as JAX makes them.
 * The same trials are accepted, but for those that rounding decides.
 *
 * W. Hörmann, "The transformed rejection method for generating Poisson random variables", Insurance:
 * Mathematics and Economics 12 (1993), and "The generation of binomial random variates", Journal of
 * Statistical Computation and Simulation 46 (1993).
 *
 * @module
 */
import type { Named } from "../core/method_options.ts";
import {
  type DType,
  DTypeError,
  expectFloat,
  formatShape,
  isInteger,
  type NDArray,
  type Operand,
  type OptionTable,
  promoteDTypes,
  readOptions,
  ShapeError,
  tableOf,
} from "../core/mod.ts";
import {
  add,
  and,
  broadcastTo,
  ceil,
  concatenate,
  convert,
  cumsum,
  div,
  eq,
  floor,
  full,
  ge,
  gt,
  le,
  log,
  log1p,
  lt,
  moveAxis,
  mul,
  ne,
  neg,
  not,
  onesLike,
  or,
  reshape,
  scalarLike,
  select,
  sqrt,
  stopGradient,
  sub,
  zerosLike,
} from "../primitives/mod.ts";
import { scan, whileLoop } from "../transforms/public.ts";
import type { DTypeOptions, ShapeLike } from "./arguments.ts";
import { type Drawing, drawing, fractions, type Halves, halves, subkeys, words } from "./draws.ts";
import { takeInRange } from "./indices.ts";
import { array } from "./array.ts";
import { asFloat, dtypeOption, expectShape, isNamed } from "./operands.ts";
import { dtypeOptions } from "./options.ts";
import { gammaln } from "./special/gamma.ts";

/** The integer dtype of counts. */
function countDType(op: string, options: DTypeOptions): DType {
  const dtype = dtypeOption(op, options, "int32");
  if (isInteger(dtype)) return dtype;
  throw new DTypeError(`${op}: the dtype must be int32 or uint32, not ${dtype}`);
}

/** Parameters that fill the shape of the result. What is drawn does not change with them bit by bit. */
function filled<Names extends string>(drawn: Drawing<Names>): Drawing<Names> {
  const p = Object.fromEntries(
    Object.entries<NDArray>(drawn.p).map(([name, x]) => [
      name,
      stopGradient(broadcastTo(x, drawn.to)),
    ]),
  ) as Record<Names, NDArray>;
  return { ...drawn, p };
}

/** A formula's numbers in the dtype of an array. */
const inDType = (like: NDArray) => (value: number): NDArray => scalarLike(value, like);

// ---------------------------------------------------------------- geometric

/**
 * Numbers of trials up to the first success, each with probability `p`, as `jax.random.geometric`: 1 or
 * more; int32 where no dtype is given. The shape is that of `p` where it is left out.
 *
 * @throws {ShapeError} where `p` does not broadcast to the shape.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.geometric(random.key(0), 0.25, [4000]).mean().item().toFixed(0)); // 4
 * ```
 */
export function geometric(
  key: NDArray,
  p: Operand,
  shape?: ShapeLike | null | Named<DTypeOptions, { shape: ShapeLike | null }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("geometric(key, p, shape, options)", arguments, dtypeOptions, 2);
  }
  if (isNamed(shape)) return geometric(key, p, shape.shape, shape);
  const op = "geometric";
  const to = countDType(op, options);
  const drawn = filled(drawing(op, key, { p }, shape, undefined));
  const u = fractions(op, drawn.key, drawn.to, drawn.dtype);
  const one = scalarLike(1, u);
  const positive = select(eq(u, zerosLike(u)), broadcastTo(one, u.shape), u);
  const trials = floor(div(log(positive), log1p(neg(drawn.p.p))));
  return convert(add(trials, one), to);
}

// ---------------------------------------------------------------- Poisson

/**
 * Numbers of events of which `lam` are expected, as `jax.random.poisson`; int32 where no dtype is given.
 * -1 where `lam` is negative or NaN. The shape is that of `lam` where it is left out. They are drawn in
 * float32.
 *
 * @throws {ShapeError} where `lam` does not broadcast to the shape.
 * @throws {DTypeError} where the dtype is not an integer type.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.poisson(random.key(0), 3, [4000]).mean().round().item()); // 3
 * ```
 */
export function poisson(
  key: NDArray,
  lam: Operand,
  shape?: ShapeLike | null | Named<DTypeOptions, { shape: ShapeLike | null }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("poisson(key, lam, shape, options)", arguments, dtypeOptions, 2);
  }
  if (isNamed(shape)) return poisson(key, lam, shape.shape, shape);
  const op = "poisson";
  const dtype = countDType(op, options);
  const { key: from, to, p } = filled(drawing(op, key, { lam }, shape, "float32"));
  const c = inDType(p.lam);
  const few = or(ne(p.lam, p.lam), lt(p.lam, c(10)));
  // The loops run where a lane is theirs, and then with a stand-in for those of the other, as JAX's do.
  const byProducts = poissonByProducts(op, from, select(few, p.lam, c(0)), to);
  const byRejection = poissonByRejection(op, from, select(few, c(LARGE), p.lam), to, few.all());
  const count = select(few, byProducts, byRejection);
  return convert(select(eq(p.lam, c(0)), zerosLike(count), count), dtype);
}

/** How many uniform numbers can be multiplied until the product is below `exp(-lam)`, after Knuth. */
function poissonByProducts(
  op: string,
  key: Halves,
  lam: NDArray,
  shape: readonly number[],
): NDArray {
  const start = { key, k: zerosLike(lam), sum: zerosLike(lam) };
  type State = typeof start;
  const goesOn = ({ sum }: State): NDArray => gt(sum, neg(lam));
  const end = whileLoop(
    (s: State) => goesOn(s).any(),
    (s: State) => {
      const [next, own] = subkeys(s.key, 2);
      const k = select(goesOn(s), add(s.k, scalarLike(1, s.k)), s.k);
      return { key: next!, k, sum: add(s.sum, log(fractions(op, own!, shape, lam.dtype))) };
    },
    start,
  );
  return sub(end.k, scalarLike(1, lam));
}

/** Where rounding in float32 begins to decide what is accepted: probabilities there are off by a tenth. */
const LARGE = 1e5;

/**
 * The logarithm of the probability of k events, as JAX computes it; for large lam, where its terms are of
 * the size of lam, with Stirling's formula for k!. That gives
 *
 *     k log lam - lam - log k! = w - k log(1 + w / lam) - log(2 pi (k + 1)) / 2 - tail(k)
 *
 * with w = k + 1 - lam, whose terms are of the size of the square root of lam.
 */
function logPoisson(k: NDArray, lam: NDArray): NDArray {
  const c = inDType(lam);
  const next = add(k, c(1));
  const plain = sub(add(neg(lam), mul(k, log(lam))), gammaln(next));
  const w = sub(next, lam);
  const away = sub(w, mul(k, log1p(div(w, lam))));
  const close = sub(sub(away, mul(c(0.5), log(mul(c(2 * Math.PI), next)))), tailOf(k));
  return select(gt(lam, c(LARGE)), close, plain);
}

/** Hörmann's method PTRS. */
function poissonByRejection(
  op: string,
  key: Halves,
  lam: NDArray,
  shape: readonly number[],
  done: NDArray,
): NDArray {
  const c = inDType(lam);
  const b = add(c(0.931), mul(c(2.53), sqrt(lam)));
  const a = add(c(-0.059), mul(c(0.02483), b));
  const inverse = add(c(1.1239), div(c(1.1328), sub(b, c(3.4))));
  const quick = sub(c(0.9277), div(c(3.6224), sub(b, c(2))));
  return rejected(op, key, shape, done, lam, (u, us, v) => {
    const k = floor(add(add(mul(add(div(mul(c(2), a), us), b), u), lam), c(0.43)));
    const s = log(div(mul(v, inverse), add(div(a, mul(us, us)), b)));
    const surely = and(ge(us, c(0.07)), le(v, quick));
    const never = or(lt(k, c(0)), and(lt(us, c(0.013)), gt(v, us)));
    return [k, or(surely, and(not(never), le(s, logPoisson(k, lam))))];
  });
}

/**
 * A loop of trials, unless it is `done`, each made of a `u` of (-1/2, 1/2) with its distance `us` from the
 * ends, and a `v` of [0, 1): until each lane has accepted one. Of several, the last one counts.
 */
function rejected(
  op: string,
  key: Halves,
  shape: readonly number[],
  done: NDArray,
  like: NDArray,
  trial: (u: NDArray, us: NDArray, v: NDArray) => [k: NDArray, accept: NDArray],
): NDArray {
  const c = inDType(like);
  const start = { key, k: full(shape, -1, like.dtype), done: broadcastTo(done, shape) };
  const end = whileLoop(
    ({ done }: typeof start) => not(done.all()),
    ({ key, k, done }: typeof start) => {
      const [next, first, second] = subkeys(key, 3);
      const u = sub(fractions(op, first!, shape, like.dtype), c(0.5));
      const v = fractions(op, second!, shape, like.dtype);
      const [found, accept] = trial(u, sub(c(0.5), u.abs()), v);
      return { key: next!, k: select(accept, found, k), done: or(done, accept) };
    },
    start,
  );
  return end.k;
}

// ---------------------------------------------------------------- binomial

/**
 * Numbers of successes in `n` trials of probability `p`, as `jax.random.binomial`: whole numbers as floats,
 * NaN where the parameters are none. The shape is that of the parameters where it is left out.
 *
 * @throws {ShapeError} where the parameters do not broadcast to the shape.
 * @throws {DTypeError} where the dtype is not a float type.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.binomial(random.key(0), 10, 0.3, [4000]).mean().item().toFixed(1)); // 3.0
 * ```
 */
export function binomial(
  key: NDArray,
  n: Operand,
  p: Operand,
  shape?: ShapeLike | null | Named<DTypeOptions, { shape: ShapeLike | null }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 4) {
    options = readOptions("binomial(key, n, p, shape, options)", arguments, dtypeOptions, 3);
  }
  if (isNamed(shape)) return binomial(key, n, p, shape.shape, shape);
  const op = "binomial";
  const drawn = filled(drawing(op, key, { n, p }, shape, options.dtype));
  return binomials(op, drawn.key, drawn.p.n, drawn.p.p);
}

/** Binomial numbers for parameters of one shape. */
function binomials(op: string, key: Halves, n: NDArray, p: NDArray): NDArray {
  const c = inDType(p);
  // Successes or failures, whichever are fewer.
  const fewer = lt(p, c(0.5));
  const given = select(fewer, p, sub(c(1), p));
  const noCount = or(ne(n, n), lt(n, c(0)));
  const noChance = or(ne(given, given), lt(given, c(0)));
  const q = select(noChance, c(0.01), given);
  const endless = eq(n, c(Infinity));
  // What has no trials to be made, which for an infinite count would have no end, is with the first ones.
  const inversion = or(or(noCount, endless), le(mul(n, q), c(10)));
  const whole = floor(n);
  const few = select(endless, c(0), select(inversion, whole, c(0)));
  const byInversion = binomialByInversion(op, key, few, q);
  const byRejection = binomialByRejection(
    op,
    key,
    select(inversion, c(1e4), whole),
    select(inversion, c(0.5), q),
    inversion.all(),
  );
  const invalid = or(noChance, noCount);
  const count = select(invalid, c(NaN), select(inversion, byInversion, byRejection));
  const bounded = select(and(endless, not(invalid)), c(Infinity), count);
  const asIs = or(or(fewer, noCount), or(ne(given, given), endless));
  return select(asIs, bounded, sub(whole, bounded));
}

/** How many geometric numbers fit into the count. */
function binomialByInversion(op: string, key: Halves, n: NDArray, q: NDArray): NDArray {
  const start = { key, k: zerosLike(q), sum: zerosLike(q) };
  type State = typeof start;
  const slope = log1p(neg(q));
  const end = whileLoop(
    ({ sum }: State) => le(sum, n).any(),
    (s: State) => {
      const [own, next] = subkeys(s.key, 2);
      const k = select(le(s.sum, n), add(s.k, scalarLike(1, q)), s.k);
      const u = fractions(op, own!, q.shape, q.dtype);
      return { key: next!, k, sum: add(s.sum, ceil(div(log(u), slope))) };
    },
    start,
  );
  return sub(end.k, scalarLike(1, q));
}

/** Hörmann's method BTRS. */
function binomialByRejection(
  op: string,
  key: Halves,
  n: NDArray,
  q: NDArray,
  done: NDArray,
): NDArray {
  const c = inDType(q);
  const one = c(1);
  const deviation = sqrt(mul(mul(n, q), sub(one, q)));
  const b = add(c(1.15), mul(c(2.53), deviation));
  const a = add(add(c(-0.0873), mul(c(0.0248), b)), mul(c(0.01), q));
  const centre = add(mul(n, q), c(0.5));
  const quick = sub(c(0.92), div(c(4.2), b));
  const odds = div(q, sub(one, q));
  const alpha = mul(add(c(2.83), div(c(5.1), b)), deviation);
  const mode = floor(mul(add(n, one), q));
  const failures = add(sub(n, mode), one);
  const atMode = mul(add(mode, c(0.5)), log(div(add(mode, one), mul(odds, failures))));
  // As in JAX for all counts beyond 9 alike: of the four tails, what that changes is 3e-3 or less.
  const tails = add(tabulated(mode), tabulated(sub(n, mode)));
  return rejected(op, key, q.shape, done, q, (u, us, v) => {
    const k = floor(add(mul(add(div(mul(c(2), a), us), b), u), centre));
    const s = log(div(mul(v, alpha), add(div(a, mul(us, us)), b)));
    const rest = add(sub(n, k), one);
    const most = sub(
      sub(
        add(
          add(
            add(atMode, mul(add(n, one), log(div(failures, rest)))),
            mul(add(k, c(0.5)), log(div(mul(odds, rest), add(k, one)))),
          ),
          tails,
        ),
        tabulated(k),
      ),
      tabulated(sub(n, k)),
    );
    const surely = and(ge(us, c(0.07)), le(v, quick));
    const never = or(lt(k, c(0)), gt(k, n));
    return [k, or(surely, and(not(never), le(s, most)))];
  });
}

/** log k! less Stirling's formula for it, (k + 1/2) log(k + 1) - (k + 1) + log(2 pi) / 2, for k up to 9. */
const TAILS = [
  0.0810614667953272,
  0.0413406959554092,
  0.0276779256849983,
  0.02079067210376509,
  0.0166446911898211,
  0.0138761288230707,
  0.0118967099458917,
  0.010411265261972,
  0.00925546218271273,
  0.00833056343336287,
];

/** The same for large k, by the first terms of its series. */
function seriesOf(k: NDArray): NDArray {
  const c = inDType(k);
  const next = add(k, c(1));
  const square = next.square();
  const inner = sub(c(1 / 360), div(c(1 / 1260), square));
  return div(sub(c(1 / 12), div(inner, square)), next);
}

/** From the table; for larger k, the series at k = 9. */
function tabulated(k: NDArray): NDArray {
  const last = seriesOf(scalarLike(9, k));
  const table = concatenate([array(TAILS, { dtype: k.dtype }), reshape(last, [1])], 0);
  return takeInRange(table, convert(k.clip(0, TAILS.length), "int32"), 0);
}

/** What Stirling's formula lacks, for whole k. */
function tailOf(k: NDArray): NDArray {
  return select(lt(k, scalarLike(TAILS.length, k)), tabulated(k), seriesOf(k));
}

// ---------------------------------------------------------------- multinomial

/** Options of {@linkcode multinomial}. */
export interface MultinomialOptions extends DTypeOptions {
  /** The shape of the result, which ends in the axis of categories; that of `p` where left out. */
  readonly shape?: ShapeLike | undefined;
}

const multinomialOptions: OptionTable<MultinomialOptions> = /* @__PURE__ */ tableOf(dtypeOptions, {
  shape: "shape",
});

/**
 * How often each category comes up in `n` trials of probabilities `p`, along the last axis, as
 * `jax.random.multinomial`: whole numbers as floats, which sum to `n`.
 *
 * @param n A number of trials, for the axes of `p` in front of the last one.
 * @throws {ShapeError} where `p` is a scalar, or does not broadcast to the shape.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 *
 * const x = random.multinomial(random.key(0), 100, np.array([0.2, 0.3, 0.5]));
 * console.log(x.shape, x.sum().item()); // [ 3 ] 100
 * ```
 */
export function multinomial(
  key: NDArray,
  n: Operand,
  p: Operand,
  options: MultinomialOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("multinomial(key, n, p, options)", arguments, multinomialOptions);
  }
  const op = "multinomial";
  const chances = asFloat(op, p, "p");
  const shape = (options.shape ?? null) === null ? chances.shape : expectShape(op, options.shape);
  if (chances.ndim === 0 || shape.length === 0) {
    throw new ShapeError(
      `${op}: p of shape ${formatShape(chances.shape)} and the result of shape ${
        formatShape(shape)
      } must have an axis of categories`,
    );
  }
  const front = shape.slice(0, -1);
  const own = filled(drawing(op, key, { p: chances }, shape, undefined));
  const trials = filled(drawing(op, key, { n }, front, undefined)).p.n;
  const dtype = promoteDTypes(own.dtype, trials.dtype);
  const by = moveAxis(convert(own.p.p, dtype), shape.length - 1, 0);
  // The chance of each category among those that are left.
  const left = cumsum(by, 0, true);
  const ratios = div(by, select(eq(left, zerosLike(left)), onesLike(left), left));
  const keys = concatenate(
    words(op, own.key, by.shape[0]!).map((w) => reshape(w, [by.shape[0]!, 1])),
    1,
  );
  const [, counts] = scan(
    (rest: NDArray, [ratio, k]: [NDArray, NDArray]) => {
      const count = binomials(op, halves(op, k), rest, ratio.clip(0, 1));
      return [sub(rest, count), count];
    },
    convert(trials, dtype),
    [ratios, keys],
  );
  const out = moveAxis(counts as NDArray, 0, shape.length - 1);
  return convert(out, expectFloat(op, options.dtype, dtype));
}
