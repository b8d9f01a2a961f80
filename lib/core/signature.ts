/**
 * Which name a user meant: by edit distance, by another way of writing it, or because other
 * libraries call it so.
 *
 * How functions are called: whatever the types would refuse is refused at run time too, since many
 * programs run without a check of types. One place for unknown options, values in the place of
 * options, and arguments too many.
 *
 * A function says how it is called by a text such as `"sum(x, axis, options)"`, and what its options
 * hold by a table beside their interface, which the compiler keeps complete. It looks at
 * `arguments.length` itself, which costs nothing, and comes here only where there is something to
 * check.
 *
 * @module
 */
import { describeValue, ShapeError } from "./errors.ts";

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

/**
 * What an option holds. The first line is checked here; the others say only which option a bare value
 * was meant for, and are checked where they are used.
 */
export type OptionKind =
  | ("boolean" | "number" | "string" | "function" | "argnums")
  | ("dtype" | "url" | "count" | "tolerance" | "order" | "operand" | "axes" | "shape" | "names")
  | "object";

/** What each option of a function holds, by name; the most used one first. */
export type OptionTable<Options> = Readonly<Record<keyof Options & string, OptionKind>>;

type Table = Readonly<Record<string, OptionKind>>;

/**
 * A table with the options of others. A call that is marked as pure goes where nothing needs it, which a
 * bundler cannot say of a literal with `...`.
 */
export function tableOf<const A extends Table, const B extends Table>(first: A, second: B): A & B {
  return { ...first, ...second };
}

const isNumber = (x: unknown): boolean => typeof x === "number";

const isString = (x: unknown): boolean => typeof x === "string";
const areNumbers = (x: unknown): boolean => isNumber(x) || (Array.isArray(x) && x.every(isNumber));

/** Whether a bare value can be what an option holds. */
const fits: Readonly<Record<OptionKind, (x: unknown) => boolean>> = {
  boolean: (x) => typeof x === "boolean",
  number: isNumber,
  string: isString,
  function: (x) => typeof x === "function",
  argnums: areNumbers,
  dtype: isString,
  url: isString,
  count: isNumber,
  tolerance: isNumber,
  order: isNumber,
  operand: isNumber,
  axes: (x) => x === null || isNumber(x) || Array.isArray(x),
  shape: areNumbers,
  names: Array.isArray,
  object: () => false,
};

/** The kinds of options that may be `null` and mean something by it, or that no library leaves out so. */
const meaningful: ReadonlySet<OptionKind> = new Set(["axes", "argnums"]);

/** The kinds that are checked here, and what they are called. */
const checked: { readonly [K in OptionKind]?: string } = {
  boolean: "true or false",
  number: "a number",
  string: "a string",
  function: "a function",
  argnums: "the position of an argument, or a list of positions",
};

/** Options that other libraries have and this one does not, and what to do without them. */
const advice: Readonly<Record<string, string>> = {
  where: "Choose elements with np.where first",
  initial: "Combine the result with it afterwards",
  dtype: "Convert with astype",
  out: "Arrays never change: use the result",
  name: "Results have no names",
};

/** Parameters that are lists, which users may write as several arguments. */
const lists: ReadonlySet<string> = new Set([
  "shape",
  "axes",
  "axis",
  "outputSizes",
  "starts",
  "stops",
  "sizes",
]);

/** A call as it is written. */
export interface Call {
  /** What is called. */
  readonly name: string;
  /** Its parameters. */
  readonly params: readonly string[];
  /** The place of the options, behind the others where there are none. */
  readonly options: number;
  /** Whether the last one takes all that follow. */
  readonly open: boolean;
}

const calls = new Map<string, Call>();

/** A call taken apart; each text is once. */
export function parsed(text: string): Call {
  let call = calls.get(text);
  if (call === undefined) {
    const at = text.indexOf("(");
    const inner = text.slice(at + 1, -1);
    const params = inner === "" ? [] : inner.split(", ");
    const options = params.indexOf("options");
    call = {
      name: text.slice(0, at),
      params,
      options: options < 0 ? params.length : options,
      open: params.at(-1)?.startsWith("...") ?? false,
    };
    calls.set(text, call);
  }
  return call;
}

/**
 * Checks the arguments of a call of a public function.
 *
 * @param text The call as users write it, with the options under the name `options`.
 * @param args What was given.
 * @param table What the options hold, for functions that have any.
 * @param from The first parameter in whose place the options may stand, where that is not their own. They
 * may then have it in them, and those that follow it. Of a function without options, with a table that is
 * empty, they hold nothing else: `flip(x, { axis: 0 })`.
 * @throws {TypeError} saying what is wrong and showing the right call.
 */
export function checkCall(
  text: string,
  args: ArrayLike<unknown>,
  table?: OptionTable<Record<string, unknown>>,
  from?: number,
): void {
  lookAt(text, args, table, from);
}

/**
 * As {@linkcode checkCall}, for functions of which options that are `null` count as left out, as None
 * does in NumPy and JAX. Axes stay, of which `null` may mean all or none.
 *
 * @returns The options without those that are `null`.
 */
export function readOptions<Options>(
  text: string,
  args: ArrayLike<unknown>,
  table: Table,
  from?: number,
): Options {
  return (lookAt(text, args, table, from, true) ?? {}) as Options;
}

function lookAt(
  text: string,
  args: ArrayLike<unknown>,
  table?: Table,
  from?: number,
  nulls?: boolean,
): unknown {
  const call = parsed(text);
  let arity = call.params.length;
  let options: unknown;
  if (table !== undefined) {
    let at = call.options;
    // Options in the place of what is left out end the call.
    for (let i = from ?? at; i < at && i < args.length; i++) {
      if (isPlain(args[i])) arity = (at = i) + 1;
    }
    // Options that come first have to be there: nothing can be left out in front of the others.
    const needed = call.options < call.params.length - 1;
    if (needed || (at < call.params.length && args[at] !== undefined)) {
      options = checkOptions(call, args, at, table, nulls);
    }
  }
  if (args.length > arity && !call.open) checkExtra(text, call, args, arity);
  return options;
}

/**
 * Checks the value in the place of the options: an object with known options alone, whose flags,
 * numbers, strings and functions have the right type. Gives it without what is `null`, where that is
 * left out.
 */
function checkOptions(
  call: Call,
  args: ArrayLike<unknown>,
  at: number,
  table: Table,
  nulls?: boolean,
): unknown {
  let options = args[at];
  // Of instances of classes, those with a known option are taken for options.
  if (!isPlain(options) && !knownIn(options, table)) throw notOptions(call, args, at, table);
  const given = options;
  for (const key in given) {
    const value = given[key];
    if (value === undefined) continue; // left out, as by a function that passes on what it may be given
    const known = Object.hasOwn(table, key);
    if (known && value === null && nulls && !meaningful.has(table[key]!)) {
      options = { ...(options as object), [key]: undefined };
      continue;
    }
    if (!known) {
      // Arguments that may be left out can stand in options in their place, by name.
      const before = call.params.indexOf(key);
      if (before >= 0 && before < call.options) {
        if (before >= at || Object.is(args[before], value) || (nulls && value === null)) continue;
        if (args[before] !== undefined) {
          throw new TypeError(
            `${call.name}: ${key} is given twice, before the options and in them`,
          );
        }
      }
      throw unknownOption(call, given, key, table, at);
    }
    const what = checked[table[key]!];
    if (what !== undefined && !fits[table[key]!](value)) {
      throw new TypeError(
        `${call.name}: the option ${key} must be ${what}, not ${describeValue(value)}`,
      );
    }
  }
  return options;
}

/** Whether a value is an object that no class made, of whatever realm. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const proto = Object.getPrototypeOf(value);
  return proto === null || proto === Object.prototype || Object.getPrototypeOf(proto) === null;
}

function knownIn(value: unknown, table: Table): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.keys(table).some((key) => Object.hasOwn(value, key));
}

// ---------------------------------------------------------------- messages

/** A value as users write it, where that is short. */
export function written(value: unknown): string {
  if (value === null || typeof value !== "object") {
    return typeof value === "function" ? value.name || "f" : JSON.stringify(value) ?? "...";
  }
  const short = Array.isArray(value) && value.length <= 4 &&
    value.every((v) => v === null || typeof v !== "object");
  return short ? `[${value.map(written).join(", ")}]` : "...";
}

/** The call with the options spelt out. */
function shown({ name, params }: Call, options: string): string {
  return `${name}(${params.map((p) => p === "options" ? options : p).join(", ")})`;
}

/** The options as one may write them. */
function named(table: Table): string {
  return `{ ${Object.keys(table).join(", ")} }`;
}

/** The error for a value that cannot be the options. */
function notOptions(call: Call, args: ArrayLike<unknown>, at: number, table: Table): TypeError {
  // Each value was meant for the first option that can hold it and is not taken.
  const meant = new Map<string, string>();
  const values = Array.from(args).slice(at);
  for (const value of values) {
    const key = Object.keys(table).find((k) => !meant.has(k) && fits[table[k]!](value));
    if (key !== undefined) meant.set(key, written(value));
  }
  const options = meant.size === values.length
    ? `{ ${Array.from(meant, (entry) => entry.join(": ")).join(", ")} }`
    : named(table);
  return new TypeError(
    `${call.name}: the options are an object, not ${describeValue(values[0])}. Write ${
      asList(call, args, at) ?? shown(call, options)
    }${ofCallback(call, args)}`,
  );
}

/** The error for an option that the function does not have. */
function unknownOption(
  call: Call,
  options: Record<string, unknown>,
  key: string,
  table: Table,
  at: number,
): TypeError {
  if (call.options === call.params.length) {
    const names = call.params.slice(at).map((name) => [name, "operand"] as const);
    const named = { ...call, params: [...call.params.slice(0, at), "options"], options: at };
    return unknownOption(named, options, key, Object.fromEntries(names), at);
  }
  const names = Object.keys(table);
  const near = nearest(key, names);
  const start = `${call.name}: there is no option ${key}`;
  if (near.length > 0) {
    const value = fits[table[near[0]!]!](options[key]) ? written(options[key]) : "...";
    return new TypeError(
      `${start}. Did you mean ${near.join(" or ")}? Write ${
        shown(call, `{ ${near[0]}: ${value} }`)
      }`,
    );
  }
  const [argument] = nearest(key, call.params.filter((p) => p !== "options"));
  if (argument !== undefined) {
    return new TypeError(
      `${start}: ${argument} is an argument. Write ${shown(call, named(table))}`,
    );
  }
  const instead = Object.hasOwn(advice, key) ? `. ${advice[key]}` : "";
  return new TypeError(
    `${start}; there ${names.length === 1 ? "is" : "are"} ${names.join(", ")}. Write ${
      shown(call, named(table))
    }${instead}`,
  );
}

/** Refuses arguments that the function does not take. */
function checkExtra(text: string, call: Call, args: ArrayLike<unknown>, arity: number): void {
  const extra = Array.from(args).slice(arity);
  if (extra.every((x) => x === undefined) || isCallback(args, arity)) return;
  const { name, params } = call;
  const first = extra.find((x) => x !== undefined);
  const keys = isPlain(first) ? Object.keys(first) : [];
  if (keys.length > 0 && !params.includes("options")) {
    const [argument] = keys.flatMap((key) => nearest(key, params));
    const instead = keys.filter((key) => Object.hasOwn(advice, key)).map((key) => advice[key]);
    throw new TypeError(
      `${name}: there are no options, and so no ${keys.join(", ")}${
        argument === undefined ? "" : `: ${argument} is an argument`
      }. Write ${[text, ...instead].join(". ")}`,
    );
  }
  if (arity < params.length) {
    throw new TypeError(
      `${name}: the options come last, but ${describeValue(first)} follows them. Write ${text}`,
    );
  }
  const list = asList(call, args, arity);
  const Kind = list !== null && params[arity - 1] === "shape" ? ShapeError : TypeError;
  const most = params.length === 1 ? "1 argument" : `${params.length} arguments`;
  throw new Kind(
    `${name} takes ${most}, not ${args.length}: ${
      keys.length > 0 ? `{ ${keys.join(", ")} }` : describeValue(first)
    } is too much. Write ${list ?? text}${ofCallback(call, args)}`,
  );
}

/** The call with numbers that were given one by one as the list that they should be. */
function asList({ name, params }: Call, args: ArrayLike<unknown>, at: number): string | null {
  const list = at - 1;
  if (!lists.has(params[list] ?? "")) return null;
  const numbers = Array.from(args).slice(list).filter((x) => x !== undefined);
  if (numbers.length < 2 || !numbers.every(isNumber)) return null;
  return `${name}(${[...params.slice(0, list), `[${numbers.join(", ")}]`].join(", ")})`;
}

/**
 * Whether the arguments too many are what `map`, `reduce` and the like of JavaScript's lists append,
 * the index and the list: `xs.map(np.sin)` and `xs.reduce(np.add)` mean what they say.
 */
function isCallback(args: ArrayLike<unknown>, arity: number): boolean {
  const [index, list] = [args[arity], args[arity + 1]];
  return args.length === arity + 2 && arity > 0 && typeof index === "number" &&
    Array.isArray(list) && Object.is(list[index], args[arity - 1]);
}

/** What to write where a list's method has given its index and itself in the place of other arguments. */
function ofCallback({ name, params }: Call, args: ArrayLike<unknown>): string {
  const [x, index, list] = [args[0], args[1], args[2]];
  const passed = typeof index === "number" && Array.isArray(list) && Object.is(list[index], x);
  return passed ? `; as a callback, (${params[0]}) => ${name}(${params[0]})` : "";
}
