/**
 * Where the value of a variable is: in the variable itself, or, inside of transforms, in the contexts
 * of the system that is running. A variable is an entry there from the first time that it is touched,
 * so that a transform costs what its function uses.
 *
 * Knows nothing of modules and paths; `system.ts` says which entries have which names.
 *
 * @module
 */
import { currentTrace, describeValue, type Reader, reader, type Trace } from "../../lib/extend.ts";
import { type Context, NDArray, StateError, treeLeaves } from "../../mod.ts";

/** A context that is open, with the frame that it is in. */
interface Open {
  readonly frame: Frame;
  readonly context: Context;
}

const open: Open[] = [];

/** The value of a variable, and where that variable was made. */
export class Cell {
  static #count = 0;
  /** The trace that was running when it was made. */
  readonly trace: Trace = currentTrace();
  /** The innermost context then. */
  readonly context: Context | null = open.at(-1)?.context ?? null;
  /** The entry that it is where nothing gives it a path. */
  readonly key: string;

  constructor(
    /** The value, where no context has it. */
    public held: unknown,
    /** The type of the variable, for messages and as the collection of its entry. */
    readonly type: string,
  ) {
    this.key = `${type}:${type}~${Cell.#count++}`;
  }
}

const known = new Map<string, WeakRef<Cell>>();
const forgotten = new FinalizationRegistry((key: string) => known.delete(key));

/** Variables and their entries. */
export class Entries {
  readonly #keys = new Map<Cell, string>();
  readonly #cells = new Map<string, Cell>();

  /** Adds one. */
  add(cell: Cell, key: string): void {
    this.#keys.set(cell, key);
    this.#cells.set(key, cell);
  }

  /** The entry of a variable. */
  keyOf(cell: Cell): string | undefined {
    return this.#keys.get(cell);
  }

  /** The variable of an entry. */
  cellOf(key: string): Cell | undefined {
    return this.#cells.get(key);
  }

  /** All entries. */
  keys(): Iterable<string> {
    return this.#cells.keys();
  }
}

/** The variables that contexts over one root know. */
export class Frame {
  /** Those that have paths. */
  rooted: Entries = new Entries();
  /** Those that were touched and have none. */
  readonly #touched = new Entries();
  /** How many contexts were open when this came to be: those below have the values outside of it. */
  readonly level: number = open.length;
  /** Reads for programs that were being recorded then. */
  readonly reader: Reader | null = reader();

  /** The entry of a variable. */
  keyOf(cell: Cell): string | undefined {
    return this.rooted.keyOf(cell) ?? this.#touched.keyOf(cell);
  }

  /** The variable of an entry. */
  cellOf(key: string): Cell | undefined {
    return this.rooted.cellOf(key) ?? this.#touched.cellOf(key);
  }

  /** Makes a variable without a path an entry. */
  bind(cell: Cell): void {
    this.#touched.add(cell, cell.key);
  }

  /** All entries that are known. */
  keys(): string[] {
    return [...this.rooted.keys(), ...this.#touched.keys()];
  }

  /** The value of an entry outside. */
  outside(key: string): unknown {
    let cell = this.cellOf(key);
    if (cell === undefined) {
      cell = known.get(key)?.deref();
      // A program that was recorded before may know a variable without a path that has one now.
      if (cell === undefined || this.keyOf(cell) !== undefined) return undefined;
      this.bind(cell);
    }
    const { level } = this;
    const now = (): unknown => valueBelow(cell, level);
    return this.reader === null ? now() : this.reader(cell, now, homeOf(cell, level));
  }
}

/** How many contexts are open. */
export function depth(): number {
  return open.length;
}

/**
 * The innermost context of a frame of some kind, among those that are innermost: frames that were opened
 * together are beside each other.
 */
export function innermost(wanted: (frame: Frame) => boolean): Context | null {
  const level = open.at(-1)?.frame.level;
  for (let i = open.length - 1; i >= 0 && open[i]!.frame.level === level; i--) {
    if (wanted(open[i]!.frame)) return open[i]!.context;
  }
  return null;
}

/** Runs `f` with a context as the innermost one. */
export function within<T>(frame: Frame, context: Context, f: () => T): T {
  open.push({ frame, context });
  try {
    return f();
  } finally {
    open.pop();
  }
}

/** The group of names that says what is computed. */
export const group = "graph";

/** The name, in that, of the objects themselves. */
export const objects = "objects";

interface Place {
  readonly context: Context;
  readonly key: string;
}

function found(cell: Cell, context: Context, key: string): Place {
  // A variable without a path is a certain one, which other objects of the same structure need not have:
  // a program that uses it is for these objects alone.
  if (key === cell.key) context.names.get(group, objects);
  return { context, key };
}

/** Where a variable's value is, seen from the innermost of the first `n` open contexts. */
function locate(cell: Cell, n: number): Place | null {
  const top = open[n - 1];
  if (top === undefined) return null;
  // Frames that were opened together, by a composed dictionary, are beside each other.
  const beside = new Set<Frame>();
  for (let i = n - 1; i >= 0 && open[i]!.frame.level === top.frame.level; i--) {
    const { frame, context } = open[i]!;
    const key = frame.keyOf(cell);
    if (key !== undefined) return found(cell, context, key);
    // One that was made in the innermost context of its frame holds its value itself.
    if (!beside.has(frame) && context === cell.context) return null;
    beside.add(frame);
  }
  const at = open.findIndex(({ context }) => context === cell.context);
  const made = at >= 0 && at < n ? open[at]! : null;
  if (made === null || made.frame.level < top.frame.level) {
    if (!known.has(cell.key)) {
      known.set(cell.key, new WeakRef(cell));
      forgotten.register(cell, cell.key);
    }
    top.frame.bind(cell);
    return found(cell, top.context, cell.key);
  }
  // Made further out in the same frame: an entry of the context that it was made in, for those within
  // that. One that was made in a pure transform there cannot be.
  if (cell.trace !== made.context.trace) return null;
  made.context.keep(cell.key, cell.held);
  made.frame.bind(cell);
  return locate(cell, n);
}

function valueBelow(cell: Cell, level: number): unknown {
  const at = locate(cell, level);
  return at === null ? cell.held : at.context.get(at.key) ?? cell.held;
}

/** The value of a variable, whatever became of the transform that it was made in. */
export function peek(cell: Cell): unknown {
  return open.length === 0 ? cell.held : valueBelow(cell, open.length);
}

/** The trace that the value of a variable is of. */
function homeOf(cell: Cell, n = open.length): Trace {
  return locate(cell, n)?.context.trace ?? cell.trace;
}

/** How often flags of modules were set outside of programs: those that saw them are over then. */
const flags = { changes: 0, now: (): number => flags.changes };

/** Says that a flag of a module was set. */
export function noteFlag(): void {
  if (reader() === null) flags.changes++;
}

/** The value of a variable: a program of a pure `jit` depends on it. */
export function read(cell: Cell): unknown {
  checkAlive(cell, "read");
  const known = reader();
  if (known === null) return peek(cell);
  // Of the models in a frame, their structure is what counts, flags included.
  if (open.every(({ frame }) => frame.rooted.keyOf(cell) === undefined)) known(flags, flags.now);
  return known(cell, () => peek(cell), homeOf(cell));
}

/**
 * Raises where a variable was made in a transform that is over: what is in it is of that transform, and
 * another call would make another one.
 */
export function checkAlive(cell: Cell, done: string, path?: string): void {
  // A derivative rule may run when that is over, with values that are its own.
  if (!cell.trace.alive && open.length === 0) throw isOver(cell, cell.trace, done, path);
}

function isOver(cell: Cell, trace: Trace, done: string, path = nameOf(cell)): StateError {
  return new StateError(
    `nnx: ${path} was made inside ${trace.what}, which is over, and ${done} after that: its value is of ` +
      "that transform. Return the module that has it from the function, or attach it to one of the " +
      "arguments; in a pure transform neither is possible: use the one of nnx of that name",
  );
}

/** Raises where a variable may not be written by the code that is running. */
export function checkWritable(cell: Cell): void {
  const trace = homeOf(cell);
  const now = currentTrace();
  if (trace === now) return;
  if (!trace.alive) throw isOver(cell, trace, "written");
  throw new StateError(
    `nnx: ${
      nameOf(cell)
    } was written inside ${now.what}, a pure transform, but it was made outside: the value would be lost, ` +
      "or leak. Use the transform of nnx of that name, with the module among the arguments, or that of " +
      "nnx.transformsFor(model); give library code { transforms: nnx.transformsFor(model) }",
  );
}

/** Sets the value of a variable. */
export function write(cell: Cell, value: unknown): void {
  checkWritable(cell);
  for (const leaf of treeLeaves(value)) {
    if (leaf instanceof NDArray) continue;
    throw new TypeError(
      `nnx: the value of ${nameOf(cell)} must be an array or a tree of arrays, not ${
        describeValue(leaf)
      }. Write np.array(...)`,
    );
  }
  const at = locate(cell, open.length);
  if (at === null) cell.held = value;
  else at.context.set(at.key, value);
}

/** A name for a variable: its path in the model that is being transformed, where there is one. */
function nameOf(cell: Cell): string {
  for (let i = open.length - 1; i >= 0; i--) {
    const key = open[i]!.frame.keyOf(cell);
    if (key !== undefined && key !== cell.key) {
      return `the ${cell.type} ${key.slice(key.indexOf(":") + 1)}`;
    }
  }
  return `a ${cell.type}`;
}
