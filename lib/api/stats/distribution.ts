/**
 * What distributions are made of: functions of a number and parameters, brought to one dtype of floats,
 * and how those with a place and a size come of the standard ones.
 *
 * @module
 */
import { checkCall, type NDArray, type Operand } from "../../core/mod.ts";
import {
  add,
  div,
  exp,
  expm1,
  gt,
  log,
  log1p,
  lt,
  mul,
  neg,
  or,
  scalarLike,
  select,
  sub,
} from "../../primitives/mod.ts";
import { floatsOf, isNamed } from "../operands.ts";

/** A function of a distribution: of a number, elementwise, and of the parameters, which broadcast. */
export type Law<Parameters extends readonly unknown[]> = (
  x: Operand,
  ...parameters: Parameters
) => NDArray;

/** The functions of a distribution, by their names in `jax.scipy.stats`. */
export type Laws<Names extends string, Parameters extends readonly unknown[]> = {
  readonly [Name in Names]: Law<Parameters>;
};

/** The parameters of distributions that have a place and a size, 0 and 1 where they are left out. */
export type Placed =
  | [loc?: Operand, scale?: Operand]
  | [named: { readonly loc?: Operand | undefined; readonly scale?: Operand | undefined }]
  | [loc: Operand, named: { readonly scale?: Operand | undefined }];

/** What is computed of operands of one dtype of floats. */
export type Rule = (x: NDArray, ...parameters: NDArray[]) => NDArray;

// ---------------------------------------------------------------- calls

/** Parameters that may be left out, and what they are then. */
const defaults: Readonly<Record<string, number>> = { loc: 0, scale: 1 };

/** What the first operand is called: a count, a probability, or a number. */
function nameOfFirst(law: string): string {
  if (law === "entropy") return "mu";
  if (law.endsWith("pmf")) return "k";
  return law === "ppf" || law === "isf" ? "q" : "x";
}

/** The functions of a distribution, with their parameters in order. */
export function distribution<Names extends string, Parameters extends readonly unknown[]>(
  name: string,
  parameters: readonly string[],
  rules: Readonly<Record<Names, Rule>>,
): Laws<Names, Parameters> {
  const laws = Object.entries<Rule>(rules).map(([law, rule]) => {
    const op = `${name}.${law}`;
    const names = [nameOfFirst(law), ...parameters];
    const call = (...values: unknown[]): NDArray => {
      const at = values.findIndex(isNamed);
      if (values.length > names.length || at > 0) {
        checkCall(`${op}(${names.join(", ")})`, values, {}, 1);
      }
      // Parameters may stand in an object in the place of the first of them.
      const named = at > 0 ? values[at] as Readonly<Record<string, unknown>> : {};
      const given = names.map((p, i) => (at > 0 && i >= at ? named[p] : values[i]) ?? defaults[p]);
      return rule(...floatsOf(op, given, names) as [NDArray, ...NDArray[]]);
    };
    return [law, call];
  });
  return Object.fromEntries(laws) as Laws<Names, Parameters>;
}

// ---------------------------------------------------------------- rules of rules

/** A number as a scalar of the dtype of an array. */
export function number(value: number, x: NDArray): NDArray {
  return scalarLike(value, x);
}

/** `e^f`: a density of its logarithm. */
export function expOf(f: Rule): Rule {
  return (...args) => exp(f(...args));
}

/** The logarithm. */
export function logOf(f: Rule): Rule {
  return (...args) => log(f(...args));
}

/** `log(1 - e^-x)` for positive `x`, with all digits. */
export function log1mexp(x: NDArray): NDArray {
  const isSmall = lt(x, number(Math.LN2, x));
  // Each side is kept away from where its slope is infinite.
  const small = select(isSmall, x, number(1, x)), large = select(isSmall, number(1, x), x);
  return select(isSmall, log(neg(expm1(neg(small)))), log1p(neg(exp(neg(large)))));
}

/** Where numbers lie outside of an interval; NaN does not. */
export function outside(x: NDArray, low: number, high: number): NDArray {
  const below = lt(x, number(low, x));
  return high === Infinity ? below : or(below, gt(x, number(high, x)));
}

/** An interval, and a number within. */
export interface Support {
  /** Its lower end. */
  readonly low: number;
  /** Its upper end. */
  readonly high: number;
}

/** The positive numbers. */
export const positive: Support = { low: 0, high: Infinity };
/** From 0 to 1. */
export const unit: Support = { low: 0, high: 1 };

/**
 * `f` on a support, and elsewhere a number, or one on either side of it. The derivative is 0 there, also
 * where that of `f` is not: `f` does not see what lies outside.
 */
export function within(
  { low, high }: Support,
  f: Rule,
  below: number,
  above: number = below,
): Rule {
  const inner = low + (high === Infinity ? 1 : (high - low) / 2);
  return (x, ...rest) => {
    const isOutside = outside(x, low, high);
    const value = f(select(isOutside, number(inner, x), x), ...rest);
    const other = below === above
      ? number(below, value)
      : select(lt(x, number(low, x)), number(below, value), number(above, value));
    return select(isOutside, other, value);
  };
}

/** Splits what a rule is given in `x`, the shapes of the distribution, `loc` and `scale`. */
function placed(
  x: NDArray,
  parameters: readonly NDArray[],
): {
  readonly y: NDArray;
  readonly shapes: readonly NDArray[];
  readonly loc: NDArray;
  readonly scale: NDArray;
} {
  const [loc, scale] = parameters.slice(-2) as [NDArray, NDArray];
  return { y: div(sub(x, loc), scale), shapes: parameters.slice(0, -2), loc, scale };
}

/** The logarithm of a density: that of the standard distribution less the logarithm of the scale. */
export function density(f: Rule, support?: Support): Rule {
  const placedDensity: Rule = (y, scale, ...shapes) => sub(f(y, ...shapes), log(scale));
  const whole = support === undefined ? placedDensity : within(support, placedDensity, -Infinity);
  return (x, ...parameters) => {
    const { y, shapes, scale } = placed(x, parameters);
    return whole(y, scale, ...shapes);
  };
}

/** A function of where the number is in the standard distribution: a probability or its logarithm. */
export function standard(f: Rule): Rule {
  return (x, ...parameters) => {
    const { y, shapes } = placed(x, parameters);
    return f(y, ...shapes);
  };
}

/** A quantile: that of the standard distribution, moved; NaN where `q` is no probability, if asked. */
export function quantile(f: Rule, checked = true): Rule {
  const onUnit = checked ? within(unit, f, NaN) : f;
  return (q, ...parameters) => {
    const [loc, scale] = parameters.slice(-2) as [NDArray, NDArray];
    return add(mul(onUnit(q, ...parameters.slice(0, -2)), scale), loc);
  };
}

/** `f`, and NaN where a scale is not positive, as in JAX. */
export function withPositiveScale(f: Rule): Rule {
  return (x, ...parameters) => {
    const scale = parameters.at(-1)!;
    const value = f(x, ...parameters);
    return select(gt(scale, number(0, scale)), value, number(NaN, value));
  };
}
