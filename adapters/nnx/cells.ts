/**
 * Where the value of a variable is: in the variable itself, or, inside of transforms, in the contexts
 * of the system that is running. A variable is an entry there from the first time that it is touched,
 * so that a transform costs what its function uses.
 *
 * Knows nothing of modules and paths; `system.ts` says which entries have which names.
 *
 * @module
 */
import { currentTrace, describeValue } from "../../lib/extend.ts";
import { type Context, NDArray, StateError, traceIdentity, treeLeaves } from "../../mod.ts";

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
  readonly trace: object = traceIdentity();
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
    this.key = `${type}:~${Cell.#count++}`;
  }
}

const known = new Map<string, WeakRef<Cell>>();
const forgotten = new FinalizationRegistry((key: string) => known.delete(key));

/** The variables that contexts over one root know. */
export class Frame {
  /** The entries of variables. */
  readonly keys: Map<Cell, string> = new Map();
  /** The variables of entries that are at the root. */
  readonly cells: Map<string, Cell> = new Map();
  /** How many contexts were open when this came to be: those below have the values outside of it. */
  readonly level: number = open.length;

  /** Makes a variable from outside an entry. */
  bind(cell: Cell, key: string): void {
    this.keys.set(cell, key);
    this.cells.set(key, cell);
  }

  /** The value of an entry outside. */
  outside(key: string): unknown {
    const cell = this.cells.get(key) ?? known.get(key)?.deref();
    // A program that was recorded before may know a variable without a path that has one now.
    if (cell === undefined || (this.keys.get(cell) ?? key) !== key) return undefined;
    this.bind(cell, key);
    return valueBelow(cell, this.level);
  }
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

/** Where a variable's value is, seen from the innermost of the first `n` open contexts. */
function locate(cell: Cell, n: number): { context: Context; key: string } | null {
  const top = open[n - 1];
  if (top === undefined) return null;
  // Frames that were opened together, by a composed dictionary, are beside each other.
  const beside = new Set<Frame>();
  for (let i = n - 1; i >= 0 && open[i]!.frame.level === top.frame.level; i--) {
    const { frame, context } = open[i]!;
    const key = frame.keys.get(cell);
    if (key !== undefined) return { context, key };
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
    top.frame.bind(cell, cell.key);
    return { context: top.context, key: cell.key };
  }
  // Made further out in the same frame: an entry of the context that it was made in, for those within
  // that. One that was made in a pure transform there cannot be.
  if (cell.trace !== made.context.trace) return null;
  made.context.keep(cell.key, cell.held);
  made.frame.keys.set(cell, cell.key);
  return locate(cell, n);
}

function valueBelow(cell: Cell, level: number): unknown {
  const at = locate(cell, level);
  return at === null ? cell.held : at.context.get(at.key) ?? cell.held;
}

/** The value of a variable. */
export function read(cell: Cell): unknown {
  return open.length === 0 ? cell.held : valueBelow(cell, open.length);
}

/** Raises where a variable may not be written by the code that is running. */
export function checkWritable(cell: Cell): void {
  const at = locate(cell, open.length);
  const trace = at === null ? cell.trace : at.context.trace;
  if (trace === traceIdentity()) return;
  throw new StateError(
    `nnx: ${
      nameOf(cell)
    } was written inside ${currentTrace().what}, a pure transform, but it was made ` +
      "outside: the value would be lost, or leak. Use the transform of nnx of that name, with the module " +
      "among the arguments, or that of nnx.transformsFor(model); give library code " +
      "{ transforms: nnx.transformsFor(model) }",
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
    const key = open[i]!.frame.keys.get(cell);
    if (key !== undefined && key !== cell.key) {
      return `the ${cell.type} ${key.slice(key.indexOf(":") + 1)}`;
    }
  }
  return `a ${cell.type}`;
}
