/**
 * Programs whose sizes a file leaves open: at which sizes they are recorded, and whether they are the
 * same program at all of them. Making one model of the models at these sizes is `generalize.ts`'s.
 *
 * A length is a plain number to the user's function, which may do with it what it likes. So the
 * function is recorded at several sizes near each other, from which all numbers are understood, and
 * at some far from these, where they must come out as understood.
 *
 * @module
 */
import {
  allocate,
  type Atom,
  bind,
  ConcreteArray,
  ConcretizationError,
  DTypeError,
  evalJaxpr,
  evalTrace,
  InternalError,
  isFloat,
  isJaxpr,
  type Jaxpr,
  JaxprBuilder,
  Literal,
  type NDArray,
  sameAval,
  type ShapedArray,
  ShapeError,
  sizeOf,
  type Var,
  withTrace,
} from "../core/mod.ts";
import { type Quantity, quantity, quantityAt, type Sizes, sizesNeeded } from "./lengths.ts";

/** A function that is to be exported, recorded at some sizes of its symbols. */
export interface OpenProgram {
  /** The function's name. */
  readonly name: string;
  /** The symbols that stand for lengths. */
  readonly symbols: readonly string[];
  /** The program at the sizes. */
  readonly at: (sizes: Sizes) => Jaxpr;
}

/**
 * The sizes at which to compare. They have a large prime factor, so that no length of the user's is
 * likely to be among them or a multiple of one; `attempt` gives others each time.
 */
export function nearbySizes(symbols: number, attempt: number): Sizes[] {
  const count = sizesNeeded(symbols);
  const pool: number[] = [];
  for (let n = FIRST_SIZE[attempt]!; pool.length < symbols * count; n++) {
    if (largestPrimeFactor(n) >= 23) pool.push(n);
  }
  // Each symbol has a run of them in an order of its own, so that no two symbols move together.
  const runs = Array.from({ length: symbols }, (_, k) => {
    const rank = (n: number): number => Math.imul(n, 0x9e3779b1 * (2 * k + 1)) >>> 0;
    return pool.slice(k * count, (k + 1) * count).sort((a, b) => rank(a) - rank(b));
  });
  return Array.from({ length: count }, (_, i) => runs.map((run) => run[i]!));
}

/** Whether a length is one of the open ones at these sizes, or a multiple of one. */
export function isOpenAt(sizes: Sizes): (length: number) => boolean {
  return (length) => length > 0 && sizes.some((n) => length % n === 0);
}

/** How sizes read: `batch = 2, time = 5`. */
export function describeSizes(symbols: readonly string[], sizes: Sizes): string {
  return symbols.map((s, k) => `${s} = ${sizes[k]}`).join(", ");
}

/**
 * The programs at these sizes.
 *
 * @throws {ConcretizationError} where they, or those at sizes far from these, are not one program;
 * the message names the operation where they part.
 */
export function recordAt(program: OpenProgram, sizes: readonly Sizes[]): Jaxpr[] {
  const jaxprs = sizes.map(program.at);
  const facts = jaxprs.map(factsOf);
  for (let i = 1; i < sizes.length; i++) {
    const at = difference(facts[0]!, facts[i]!);
    if (at !== null) throw otherProgram(program, at, sizes[0]!, sizes[i]!);
  }
  const known = facts[0]!.map(({ value, dtype }, k): Quantity | null => {
    const values = facts.map((f) => f[k]!.value as number);
    if (typeof value !== "number" || values.every((v) => Object.is(v, value))) return null;
    return quantity(sizes, values, dtype === "float32" ? Math.fround : (v) => v);
  });
  for (const far of farSizes(program.symbols.length)) {
    let there: Jaxpr;
    try {
      there = program.at(far);
    } catch (error) {
      // The function itself is not made for such sizes, and says so in whatever words it has.
      if (error instanceof InternalError) throw error;
      continue;
    }
    compareFar(program, facts, known, sizes, far, [jaxprs[0]!, there]);
  }
  return jaxprs;
}

/** Compares the program at sizes far from the others with what is known of it. */
function compareFar(
  program: OpenProgram,
  facts: readonly (readonly Fact[])[],
  known: readonly (Quantity | null)[],
  sizes: readonly Sizes[],
  far: Sizes,
  jaxprs: readonly [here: Jaxpr, there: Jaxpr],
): void {
  const here = facts[0]!;
  const other = factsOf(jaxprs[1]);
  const expected = here.map(({ value, dtype }, k) => {
    const exact = known[k] ? quantityAt(known[k], far) : value;
    return typeof exact === "number" && dtype === "float32" ? Math.fround(exact) : exact;
  });
  const part = difference(here, other);
  if (part !== null) {
    // Where a length is small, steps may be left out that do nothing then.
    const small = far.every((n) => n <= FEW);
    if (small && agree(withNumbers(jaxprs[0], expected), jaxprs[1])) return;
    throw otherProgram(program, part, sizes[0]!, far);
  }
  const at = here.findIndex(({ value }, k) => {
    // What is not understood may not matter; the models will show.
    const understood = known[k] || !facts.some((f) => !Object.is(f[k]!.value, value));
    return typeof value === "number" && understood && !Object.is(other[k]!.value, expected[k]);
  });
  if (at < 0) return;
  const { operation, value } = here[at]!;
  throw new ConcretizationError(
    `exportOnnx: ${operation || "the result"} in ${program.name} depends on ${
      quoted(program.symbols)
    } in a way that a file has no means for: it uses ${value} where ${
      describeSizes(program.symbols, sizes[0]!)
    }, and ${other[at]!.value} where ${describeSizes(program.symbols, far)}. ${INSTEAD}`,
  );
}

/** A program with other numbers in the places of its facts, or `null` where that is not a program. */
function withNumbers(jaxpr: Jaxpr, facts: readonly (number | string | null)[]): Jaxpr | null {
  let next = 0;
  try {
    return visit(jaxpr, "", (value) => {
      const replacement = facts[next++];
      if (replacement === null) throw new NoSuchProgram("there is no such number");
      return typeof value === "number" ? replacement as typeof value : value;
    });
  } catch (error) {
    if (doesNotFit(error)) return null;
    throw error;
  }
}

/** Whether two programs compute the same, tried on some inputs. */
function agree(a: Jaxpr | null, b: Jaxpr): boolean {
  if (a === null || a.outputs.some((x, i) => !sameAval(x.aval, b.outputs[i]!.aval))) return false;
  const inputs = b.inputs.map(({ aval }, k): NDArray => {
    const values = allocate(aval.dtype, sizeOf(aval.shape));
    for (let i = 0; i < values.length; i++) {
      values[i] = isFloat(aval.dtype) ? Math.sin(1 + i + 17 * k) : (i + k) % 2;
    }
    return ConcreteArray.fromHost(aval, values);
  });
  try {
    const [x, y] = [a, b].map((jaxpr) =>
      withTrace(evalTrace, () => evalJaxpr(jaxpr, inputs, bind))
    );
    return x!.every((array, i) => {
      const [ours, theirs] = [array.dataSync(), y![i]!.dataSync()];
      return ours.every((v, j) =>
        Object.is(v, theirs[j]) || Math.abs(v - theirs[j]!) <= 1e-4 * (1 + Math.abs(v))
      );
    });
  } catch (error) {
    if (doesNotFit(error)) return false;
    throw error;
  }
}

/** Numbers that no program has in their places. */
class NoSuchProgram extends Error {}

/** Whether an error says that numbers, put in the places of others, make no program that runs. */
function doesNotFit(error: unknown): boolean {
  return [NoSuchProgram, ShapeError, DTypeError, RangeError].some((kind) => error instanceof kind);
}

function otherProgram(
  { name, symbols }: OpenProgram,
  operation: string,
  one: Sizes,
  other: Sizes,
): ConcretizationError {
  return new ConcretizationError(
    `exportOnnx: ${name} is another program where ${describeSizes(symbols, other)} than where ${
      describeSizes(symbols, one)
    }: they part at ${operation}, which needs the number that ${quoted(symbols)} stands for, or ` +
      `comes from a branch on it. ${INSTEAD}`,
  );
}

/** Symbols for a message. */
export function quoted(symbols: readonly string[]): string {
  return symbols.map((s) => JSON.stringify(s)).join(" or ");
}

/** What to do where a length must be known. */
export const INSTEAD =
  "Export with a number in its place, or compute that part from the elements (a mask, a sum of ones)";

/** Something that is fixed in a program: a number, a name, a type. */
interface Fact {
  readonly value: number | string;
  /** The operation that has it; empty for the results. */
  readonly operation: string;
  /** The dtype of a constant. */
  readonly dtype?: string | undefined;
}

/** All facts about a program, in the order in which it is written. */
function factsOf(jaxpr: Jaxpr): Fact[] {
  const facts: Fact[] = [];
  visit(jaxpr, "", (value, operation, dtype) => {
    facts.push({ value, operation, dtype });
    return value;
  });
  return facts;
}

type Visitor = <T extends number | string>(value: T, operation: string, dtype?: string) => T;

/** Shows all facts about a program to `fact`; gives the program with what that returns. */
function visit(jaxpr: Jaxpr, around: string, fact: Visitor): Jaxpr {
  const builder = new JaxprBuilder();
  const env: Var[] = new Array(jaxpr.numVars);
  const type = ({ dtype, shape }: ShapedArray, operation: string): ShapedArray => {
    fact(`${dtype} of rank ${shape.length}`, operation);
    return { dtype, shape: shape.map((n) => fact(n, operation)) };
  };
  const atom = (a: Atom, operation: string): Atom => {
    if (!(a instanceof Literal)) {
      fact(`variable ${a.id}`, operation);
      return env[a.id]!;
    }
    const aval = type(a.aval, operation);
    if (sizeOf(a.aval.shape) > SMALL) {
      if (sameAval(aval, a.aval)) return a;
      throw new NoSuchProgram("an array of constants of another size");
    }
    const values = allocate(aval.dtype, a.value.values.length);
    a.value.values.forEach((v, i) => values[i] = fact(v, operation, aval.dtype));
    return new Literal(ConcreteArray.fromHost(aval, values));
  };
  jaxpr.inputs.forEach((v) => env[v.id] = builder.input(type(v.aval, around)));
  for (const { primitive, inputs, params, outputs } of jaxpr.eqns) {
    const { name } = primitive;
    fact(`primitive ${name}`, name);
    const ins = inputs.map((a) => atom(a, name));
    const own = visitParams(params, name, fact);
    const outs = primitive.abstractEval(ins.map((a) => a.aval), own);
    builder.equation(primitive, ins, own, outs).forEach((v, i) => env[outputs[i]!.id] = v);
  }
  const outs = jaxpr.outputs.map((a) => atom(a, around));
  jaxpr.outputs.forEach((a) => type(a.aval, around));
  return builder.build(outs);
}

function visitParams(value: unknown, operation: string, fact: Visitor): unknown {
  if (typeof value === "number" || typeof value === "string") return fact(value, operation);
  if (typeof value === "boolean") fact(String(value), operation);
  if (isJaxpr(value)) return visit(value, operation, fact);
  if (Array.isArray(value)) {
    fact(`list of ${value.length}`, operation);
    return value.map((item) => visitParams(item, operation, fact));
  }
  if (typeof value !== "object" || value === null) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, v]) => [key, visitParams(v, operation, fact)]),
  );
}

/** The operation where two programs part in other things than numbers. */
function difference(a: readonly Fact[], b: readonly Fact[]): string | null {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [a[i]?.value, b[i]?.value];
    if (x === y || (typeof x === "number" && typeof y === "number")) continue;
    return a[i]?.operation || b[i]?.operation || "the result";
  }
  return null;
}

/** Sizes far from those that are compared: small ones, of which users think, and a few up to large. */
function farSizes(symbols: number): Sizes[] {
  return [1, 2, 3, 4, 5, 8, 11, 31, 61, 257, 1021].map((n) =>
    Array.from({ length: symbols }, (_, k) => n === 1 ? 1 : n + 3 * k)
  );
}

function largestPrimeFactor(n: number): number {
  let rest = n;
  let largest = 1;
  for (let p = 2; p <= rest; p++) {
    while (rest % p === 0) {
      largest = p;
      rest /= p;
    }
  }
  return largest;
}

/** Lengths up to which programs are run to compare them. */
const FEW = 12;

/** Constants up to this many elements are compared. */
const SMALL = 64;

/** Where sizes are looked for, attempt by attempt. Beyond 64, as short sequences become constants. */
const FIRST_SIZE = [101, 307] as const;

/** How often other sizes are tried where the models at the first do not agree. */
export const attempts = (): number => FIRST_SIZE.length;
