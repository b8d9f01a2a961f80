/**
 * The programs that one jitted function is kept compiled for, by the signature of the call: structure,
 * shapes, dtypes and static arguments. Owns which are dropped, and the warning for a function that is
 * compiled again and again. Tracing is in `jit.ts`.
 *
 * @module
 */
import {
  allPrograms,
  bytesOf,
  formatAval,
  type Jaxpr,
  Literal,
  type NDArray,
  sameAval,
  type ShapedArray,
  type TreeDef,
  treePaths,
} from "../core/mod.ts";
import { areAxes, type NamedAxes } from "../interpreters/batch.ts";
import { derivativesToCome } from "./closed_rules.ts";
import { areAsRead, type Sources } from "./sources.ts";

/** What a program was traced for. */
export interface Signature {
  /** Structure of the arguments that are not static. */
  readonly def: TreeDef;
  /** Types of their leaves. */
  readonly avals: readonly ShapedArray[];
  /** The static arguments; lists among them compare by value. */
  readonly statics: readonly unknown[];
}

/** A program that is kept. */
interface Kept extends Signature {
  /** What it was compiled from. */
  readonly params: { readonly jaxpr: Jaxpr };
  /** What it depends on beyond its signature, for `Fit`. */
  readonly beyond: unknown;
  /** Whether derivative rules in it may hold values of the trace that is over: see closed_rules.ts. */
  readonly open: boolean;
  /** Number of derivatives for which its rules were closed. */
  readonly derivatives: number;
  /** The named axes that it asked for; `null` for none. */
  readonly axes: NamedAxes | null;
  /** What objects held that it was recorded with; `null` for nothing. */
  readonly sources: Sources | null;
}

/** Says whether a program holds for what is around a call. */
interface Fit {
  fits(beyond: unknown): boolean;
}

/**
 * Whether a program holds for a call: for what is around it, named axes too, for the derivatives that are taken
 * of it, and for what objects hold.
 */
function holds({ open, derivatives, beyond, axes, sources }: Kept, around: Fit | null): boolean {
  if (axes !== null && !areAxes(axes)) return false;
  if (open && derivativesToCome() > derivatives) return false;
  if (sources !== null && !areAsRead(sources)) return false;
  return around === null || around.fits(beyond);
}

/** Programs by signature. */
export class Programs<P extends Kept> {
  /** The programs used last, the latest first: a call is mostly like one of the last few. */
  readonly #recent: P[] = [];
  /** All others by key, those used last at the end; several differ in what they depend on beyond it. */
  readonly #older = new Map<string, P[]>();
  #numOlder = 0;
  readonly #sizes = new Map<P, number>();
  #size = 0;
  /** Keys of programs that were dropped. */
  readonly #dropped = new Set<string>();
  #compilations = 0;
  #outdated = 0;
  #warned = false;

  /**
   * For a function, by its `name`; `positions` are those of its static arguments, and `entries` the names of
   * static ones in the last.
   */
  constructor(
    readonly f: WeakKey,
    readonly name: string,
    readonly positions: readonly number[],
    readonly entries: readonly string[] = [],
  ) {}

  /** The program for a call. */
  find(
    def: TreeDef,
    arrays: readonly NDArray[],
    statics: readonly unknown[],
    around: Fit | null = null,
  ): P | undefined {
    const recent = this.#recent;
    for (let i = 0; i < recent.length; i++) {
      const program = recent[i]!;
      if (!matches(program, def, arrays, statics) || !holds(program, around)) continue;
      if (i > 0) {
        recent.splice(i, 1);
        recent.unshift(program);
      }
      return program;
    }
    if (this.#older.size === 0) return undefined;
    const key = keyOf({ def, avals: arrays.map((x) => x.aval), statics });
    const alike = this.#older.get(key) ?? [];
    const at = alike.findIndex((p) => holds(p, around));
    if (at < 0) return undefined;
    const [program] = alike.splice(at, 1) as [P];
    if (alike.length === 0) this.#older.delete(key);
    this.#numOlder--;
    this.#use(program);
    return program;
  }

  /** Keeps a new program, drops those that there is no room for, and warns if this goes on and on. */
  add(program: P): void {
    const size = sizeOfProgram(program.params.jaxpr);
    this.#sizes.set(program, size);
    this.#size += size;
    if (program.sources !== null) this.#dropOutdated();
    this.#use(program);
    while (this.#numOlder > 0) {
      const kept = this.#recent.length + this.#numOlder;
      if (kept <= ALWAYS_KEPT || (kept <= MOST_KEPT && this.#size <= MOST_BYTES)) break;
      const [key, alike] = this.#older.entries().next().value!;
      const oldest = alike.shift()!;
      if (alike.length === 0) this.#older.delete(key);
      this.#numOlder--;
      this.#size -= this.#sizes.get(oldest)!;
      this.#sizes.delete(oldest);
      if (this.#dropped.size < MOST_KEPT) this.#dropped.add(key);
    }
    if (this.#compilations++ === 0) this.#warnOfRepetition();
    this.#warn(program);
  }

  /** What objects held when these were recorded, they do not hold again. */
  #dropOutdated(): void {
    for (let i = this.#recent.length - 1; i >= 0; i--) {
      const program = this.#recent[i]!;
      if (program.sources === null || areAsRead(program.sources)) continue;
      this.#recent.splice(i, 1);
      this.#size -= this.#sizes.get(program)!;
      this.#sizes.delete(program);
      if (++this.#outdated !== MANY_OUTDATED) continue;
      console.warn(
        `jit: ${this.name} has been compiled again ${MANY_OUTDATED} times, since the module that it uses has ` +
          "other values than when it was compiled, which are constants of the program. Use the jit of the " +
          "module system, for which they are inputs (this is said once)",
      );
    }
  }

  #use(program: P): void {
    this.#recent.unshift(program);
    if (this.#recent.length <= RECENT) return;
    const last = this.#recent.pop()!;
    const key = keyOf(last);
    const alike = this.#older.get(key) ?? [];
    this.#older.delete(key); // and put at the end
    this.#older.set(key, [...alike, last]);
    this.#numOlder++;
  }

  /** Each call of `jit` starts anew, and so one in a loop compiles in each step. */
  #warnOfRepetition(): void {
    const times = (firstCompilations.get(this.f) ?? 0) + 1;
    firstCompilations.set(this.f, times);
    if (times !== MANY) return;
    console.warn(
      `jit: jit(${this.name}) has been called and compiled ${times} times, and each keeps its own ` +
        "programs. Call jit once, outside of the loop, and use what it gives (this is said once)",
    );
  }

  #warn(latest: P): void {
    if (this.#warned) return;
    const again = this.#dropped.size > 0 && this.#dropped.has(keyOf(latest));
    if (!again && this.#compilations < MANY) return;
    this.#warned = true;
    const kept = this.#recent.length + this.#numOlder;
    const why = again
      ? `${this.name} is being compiled again for arguments that it was compiled for before: it is called ` +
        `with more signatures than the ${kept} programs that there is room for`
      : `${this.name} has been compiled ${this.#compilations} times`;
    console.warn(
      `jit: ${why}. ${this.#variation()} Compiling takes far longer than a call (this is said once)`,
    );
  }

  /** What of the arguments varies most, and what to do about it. */
  #variation(): string {
    const programs = [...this.#recent, ...[...this.#older.values()].flat()];
    const ways = (texts: readonly string[]): readonly string[] => [...new Set(texts)];
    const def = this.#recent[0]!.def;
    const alike = programs.filter((p) => p.def === def);
    const candidates = [
      {
        what: "its arguments come in different structures",
        seen: ways(programs.map((p) => String(p.def))),
        advice: "Pass trees that have the same keys and lengths each time.",
      },
      ...[...this.positions, ...this.entries].map((position, i) => ({
        what: `static argument ${position} takes different values`,
        seen: ways(programs.map((p) => short(p.statics[i]))),
        advice:
          "Leave it out of staticArgnums if it can be an array, and if it is a function or an " +
          "object, make it once outside.",
      })),
      ...treePaths(def).map((path, i) => ({
        what: `argument${path.replace(/^\[(\d+)\]/, (_, n) => ` ${this.#position(Number(n))}`)} ` +
          "comes in different shapes or dtypes",
        seen: ways(alike.map((p) => formatAval(p.avals[i]!))),
        advice: "Pad it to a few sizes, or leave that part of the work out of jit.",
      })),
    ];
    const most = candidates.reduce((a, b) => b.seen.length > a.seen.length ? b : a);
    const { what, seen, advice } = most;
    return `Most of all, ${what}: ${seen.slice(0, 3).join(", ")}${
      seen.length > 3 ? ` and ${seen.length - 3} more` : ""
    }. ${advice}`;
  }

  /** Position among all arguments, of which some are static, of argument `n` of the others. */
  #position(n: number): number {
    const fixed = [...this.positions].filter((p) => p >= 0).sort((a, b) => a - b);
    return fixed.reduce((at, p) => p <= at ? at + 1 : at, n);
  }
}

/** Whether two static arguments are the same: identical, or arrays of the same. */
function sameStatic(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return Object.is(a, b);
  return a.length === b.length && a.every((x, i) => sameStatic(x, b[i]));
}

function matches(
  p: Signature,
  def: TreeDef,
  arrays: readonly NDArray[],
  statics: readonly unknown[],
): boolean {
  if (p.def !== def) return false;
  for (let i = 0; i < arrays.length; i++) {
    if (!sameAval(p.avals[i]!, arrays[i]!.aval)) return false;
  }
  for (let i = 0; i < statics.length; i++) {
    if (!sameStatic(p.statics[i], statics[i])) return false;
  }
  return true;
}

/** A text that two signatures have in common where `matches` holds of them, and only there. */
function keyOf({ def, avals, statics }: Signature): string {
  let key = String(def.id);
  for (const { dtype, shape } of avals) {
    key += `|${dtype}`;
    for (let k = 0; k < shape.length; k++) key += ` ${shape[k]}`;
  }
  for (const value of statics) key += `|${staticKey(value)}`;
  return key;
}

/** How many results of `jit` have compiled something, by function. */
const firstCompilations = new WeakMap<WeakKey, number>();

const objectNumbers = new WeakMap<WeakKey, number>();
let objects = 0;

function staticKey(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(staticKey).join(",")}]`;
  if (typeof value === "string") return JSON.stringify(value);
  // A registered symbol cannot be kept weakly, and is told by its text.
  const isKey = (typeof value === "object" && value !== null) || typeof value === "function" ||
    (typeof value === "symbol" && Symbol.keyFor(value) === undefined);
  if (!isKey) return `${typeof value} ${Object.is(value, -0) ? "-0" : String(value)}`;
  let number = objectNumbers.get(value as WeakKey);
  if (number === undefined) objectNumbers.set(value as WeakKey, number = ++objects);
  return `#${number}`;
}

/** A static argument for a message. */
function short(value: unknown): string {
  if (typeof value === "function") return `the function ${value.name || "(anonymous)"}`;
  if (Array.isArray(value)) return `[${value.map(short).join(",")}]`;
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

/** Bytes that a compiled program takes, roughly: its constants are copied to the backend. */
function sizeOfProgram(jaxpr: Jaxpr): number {
  let bytes = BYTES_PER_PROGRAM;
  const constants = new Set<unknown>();
  for (const { eqns } of allPrograms(jaxpr)) {
    bytes += eqns.length * BYTES_PER_EQUATION;
    for (const { inputs } of eqns) {
      for (const a of inputs) {
        if (!(a instanceof Literal) || constants.has(a.value)) continue;
        constants.add(a.value);
        bytes += bytesOf(a.aval);
      }
    }
  }
  return bytes;
}

/** Programs that are looked through one by one. */
const RECENT = 8;
/** Programs that are kept, whatever they take: the functions of a model with large constants. */
const ALWAYS_KEPT = 64;
/** Programs that are kept at most; the least recently used is dropped beyond that. */
const MOST_KEPT = 4096;
/** Bytes that the programs of one function may take together beyond `ALWAYS_KEPT`. */
const MOST_BYTES = 2 ** 29;
// A session of onnxruntime 1.30 for `tanh(x).sum()` takes about 40 KiB, and 2 KiB for each further node.
const BYTES_PER_PROGRAM = 40 * 2 ** 10;
const BYTES_PER_EQUATION = 2 * 2 ** 10;
/** Compilations of one function after which a warning is due. */
const MANY = 128;
/** Compilations of one function for other values of objects after which a warning is due. */
const MANY_OUTDATED = 16;
