/**
 * NNX as the lifting engine sees it: entries are the variables that a graph of objects reaches, by path,
 * and any others that are touched; the structure of the graph, with all flags in it, is what decides
 * what is computed.
 *
 * @module
 */
import { currentTrace, deferred } from "../../lib/extend.ts";
import {
  Context,
  type LiftedTransforms,
  liftTransforms,
  StateError,
  type StateProtocol,
} from "../../mod.ts";
import {
  type Cell,
  checkWritable,
  depth,
  Entries,
  Frame,
  group,
  innermost,
  objects,
  read,
  within,
  write,
} from "./cells.ts";
import {
  build,
  checkPlain,
  difference,
  Graph,
  isNode,
  Numbering,
  type Shape,
  type Structure,
  structureOf,
} from "./graph.ts";
import { once, sowAgain, type Sown, type SownAxis, takeSown } from "./sown.ts";
import { cellOf, typeName, Variable, type VariableType } from "./variable.ts";

/** Objects whose graph is transformed, with the names that begin their paths. */
export type Roots = readonly (readonly [name: string, value: unknown])[];

/** What the objects of some roots are: kept from one application to the next, as long as that is so. */
class Known {
  readonly graph: Graph;
  readonly numbering = new Numbering();
  readonly structure: Structure;
  readonly entries = new Entries();
  readonly modules: readonly unknown[];
  /** The number after those of the objects. */
  readonly next: number;

  constructor(roots: Roots) {
    this.graph = new Graph(roots);
    this.structure = structureOf(this.graph, this.numbering);
    for (const [variable, path] of this.graph.variables) {
      this.entries.add(cellOf(variable), keyOf(variable, path));
    }
    this.modules = this.graph.records.map(({ node }) => node).filter(isNode);
    this.next = this.numbering.next;
  }
}

const nothing = new Graph([]);

/** One root context, with the graph that it is over. */
class Scope extends Frame {
  /** The objects by number: `begin` says it. */
  numbering!: Numbering;
  /** The graph as the objects have it. */
  graph: Graph = nothing;
  /** Its structure; `null` before the context is used. */
  structure: Structure | null = null;

  constructor(readonly system: System, readonly roots: Roots) {
    super();
  }

  /** Begins with what the objects are. */
  begin(context: Context, known: Known): void {
    const { graph, numbering, structure, entries, modules } = known;
    this.reader?.(known, () => graph.isCurrent);
    this.graph = graph;
    this.numbering = numbering;
    this.rooted = entries;
    this.structure = structure;
    context.names.set(group, "", structure);
    context.names.set(group, objects, modules);
  }

  /** The entry by which the value of a variable that is new goes out. */
  keyOfNew({ id, type, path }: Shape): string {
    const key = keyBy(typeName(type as VariableType), path);
    // Another variable may have been there at first, and still be somewhere.
    return this.rooted.cellOf(key) === undefined ? key : `${key}~${id}`;
  }

  /** Gives the objects the structure that a context has. */
  follow(context: Context): void {
    const wanted = context.names.get(group, "") as Structure;
    if (wanted === this.structure) return;
    build(wanted, this.numbering, (shape) => context.get(this.keyOfNew(shape)));
    this.graph = new Graph(this.roots);
    this.structure = wanted;
  }

  /** Gives a context the structure that the objects have, where that is another. */
  note(context: Context): boolean {
    const now = this.graph.now();
    if (now === this.graph) return false;
    checkPlain(this.graph, now);
    this.graph = now;
    this.structure = structureOf(now, this.numbering);
    context.names.set(group, "", this.structure);
    return true;
  }
}

function keyBy(type: string, path: string): string {
  return `${type}:${path}`;
}

/** The entry of a variable at a path. */
export function keyOf(variable: Variable<unknown>, path: string): string {
  return keyBy(variable.type, path);
}

const scopes = new WeakMap<object, Scope>();

function scopeOf(context: Context): Scope {
  return scopes.get(context.root)!;
}

/** Runs `f` in a context; the objects are afterwards as they were, and the context has what changed. */
function run<T>(context: Context, f: () => T): T {
  const scope = scopeOf(context);
  const { structure, graph } = scope;
  const now = graph.now();
  // A derivative rule may run when the transform is over, and the objects are others.
  if (now !== graph) scope.structure = null;
  scope.follow(context);
  const before = scope.graph;
  const { next } = scope.numbering;
  try {
    const result = f();
    const changed = scope.note(context);
    if (changed || !scope.graph.equals(before)) sync(context, scope, before);
    return result;
  } finally {
    now.restore();
    // What was made in there is of that trace: outside, others are built from what it was.
    scope.numbering.forget(next, (object) => isOf(object, context));
    scope.graph = graph;
    scope.structure = structure;
  }
}

/** Whether an object that is new is of the trace of a context, and not from further out. */
function isOf(object: object, context: Context): boolean {
  return !(object instanceof Variable) || cellOf(object).trace === context.trace;
}

/** Gives a context the values of variables that are new in a graph. Others have their entries. */
function sync(context: Context, scope: Scope, before: Graph): void {
  const shapes = scope.structure!.shapes.slice(scope.graph.records.length);
  [...scope.graph.variables.keys()].forEach((variable, i) => {
    const cell = cellOf(variable);
    if (before.variables.has(variable) || !isOf(variable, context)) return;
    context.set(scope.keyOfNew(shapes[i]!), read(cell));
  });
}

/** Gives the objects what a transform did. */
function commit(context: Context): void {
  const scope = scopeOf(context);
  if (context.parent !== null) {
    scope.follow(context);
    return;
  }
  const values = [...context.account.written].flatMap(([key, value]): [Cell, unknown][] => {
    const cell = scope.cellOf(key);
    return cell === undefined ? [] : [[cell, value]];
  });
  for (const [cell] of values) checkWritable(cell);
  scope.follow(context);
  for (const [cell, value] of values) write(cell, value);
}

/** Transforms of functions that use the objects of some roots. */
export class System {
  /** What the engine knows of it. */
  readonly protocol: StateProtocol;
  /** Its dictionary. */
  readonly transforms: LiftedTransforms;
  #known: Known | null = null;
  #last: { readonly scope: Scope; readonly context: Context } | null = null;

  /** `roots` gives the roots at the time of each application. */
  constructor(dictionary: string, roots: () => Roots) {
    this.protocol = {
      system: "nnx",
      dictionary,
      settings: {
        group,
        describe: (before, after) => difference(before as Structure, after as Structure),
      },
      current: () => {
        const own = innermost((frame) => frame instanceof Scope && frame.system === this);
        // Inside of another system's transform, the objects are those of a new root.
        if (own === null) return this.#root(roots());
        return own.trace === currentTrace() ? own : null;
      },
      run: (context, f) => within(scopeOf(context), context, () => run(context, f)),
      pull: (context) => {
        const scope = scopeOf(context);
        if (scope.structure === null) scope.begin(context, this.#look(scope.roots));
        else scope.note(context);
      },
      push: commit,
    };
    this.transforms = liftTransforms(this.protocol);
  }

  /** The variables of some roots, with their paths. */
  variables(roots: Roots): ReadonlyMap<Variable<unknown>, string> {
    return this.#look(roots).graph.variables;
  }

  /** What the objects are. */
  #look(roots: Roots): Known {
    const { graph } = this.#known ?? {};
    if (graph === undefined || !graph.isOver(roots) || !graph.isCurrent) {
      this.#known = new Known(roots);
    }
    return this.#known!;
  }

  #root(roots: Roots): Context {
    const last = this.#last;
    // The engine asks more than once before it begins.
    if (
      last !== null && last.scope.structure === null && last.scope.roots === roots &&
      last.scope.level === depth() && last.context.trace === currentTrace()
    ) return last.context;
    const scope = new Scope(this, roots);
    const source = { get: (key: string) => scope.outside(key), keys: () => scope.keys() };
    const context = Context.open(this.protocol, { source });
    scopes.set(context.root, scope);
    this.#last = { scope, context };
    return context;
  }

  /**
   * Takes a result with objects apart, inside: what is in these is a result beside its arrays, and so is
   * what was sown.
   */
  give(
    out: unknown,
    axisOf: SownAxis = once,
  ): [arrays: unknown, values: Record<string, unknown>, sown: Sown] {
    const later = deferred(out);
    if (later !== null) {
      throw new StateError(
        `${this.protocol.dictionary}: the function returned ${later}; it must be synchronous`,
      );
    }
    const context = this.protocol.current()!;
    const scope = scopeOf(context);
    const outside = (variable: Variable<unknown>): unknown =>
      scope.outside(scope.keyOf(cellOf(variable))!);
    const sown = takeSown(scope.graph, scope.numbering, outside, axisOf);
    const graph = new Graph([["", onlyNodes(out)]]);
    const values: Record<string, unknown> = {};
    if (hasNodes(out)) {
      for (const [variable, path] of graph.variables) {
        if (!scope.graph.variables.has(variable)) values[path] = variable.value;
      }
      context.names.set("result", "", structureOf(graph, scope.numbering));
    }
    return [withoutNodes(out), values, sown];
  }

  /** Puts such a result together, outside. */
  receive([arrays, values, sown]: readonly [unknown, Record<string, unknown>, Sown]): unknown {
    const { scope, context } = this.#last!;
    sowAgain(sown, scope.numbering);
    const structure = context.names.get("result", "") as Structure | undefined;
    if (structure === undefined) return arrays;
    const [nodes] = build(structure, scope.numbering, ({ path }) => values[path]);
    // Another call makes others.
    scope.numbering.forget(this.#known!.next, () => true);
    return withNodes(nodes, arrays);
  }
}

/** Applies `f` to what is in a list or plain object; what is none is left. */
function mapInner(tree: unknown, f: (value: unknown, name: string) => unknown): unknown {
  if (Array.isArray(tree)) return tree.map((x, i) => f(x, String(i)));
  if (typeof tree !== "object" || tree === null) return tree;
  const prototype = Object.getPrototypeOf(tree);
  if (prototype !== Object.prototype && prototype !== null) return tree;
  return Object.fromEntries(Object.entries(tree).map(([name, x]) => [name, f(x, name)]));
}

/** Whether a tree has modules or variables in it. */
export function hasNodes(tree: unknown): boolean {
  if (isNode(tree)) return true;
  let found = false;
  mapInner(tree, (x) => found ||= hasNodes(x));
  return found;
}

/** A tree with `null` for modules and variables. */
export function withoutNodes<T>(tree: T): T {
  return (isNode(tree) ? null : mapInner(tree, withoutNodes)) as T;
}

/** A tree with `null` for all but modules and variables. */
export function onlyNodes(tree: unknown): unknown {
  if (isNode(tree)) return tree;
  const inner = mapInner(tree, onlyNodes);
  return inner === tree ? null : inner;
}

/** A tree with the modules and variables of one, and the arrays of another. */
export function withNodes<T>(nodes: T, arrays: unknown): T {
  if (isNode(nodes)) return nodes;
  const inner = mapInner(
    nodes,
    (x, name) => withNodes(x, (arrays as Record<string, unknown>)[name]),
  );
  return (inner === nodes ? arrays : inner) as T;
}
