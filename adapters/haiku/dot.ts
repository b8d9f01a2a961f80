/**
 * Models as graphs: the operations of a program, in a box for each module, as text for Graphviz.
 *
 * @module
 */
import {
  type Atom,
  checkCall,
  describeValue,
  type Eqn,
  formatAval,
  type Jaxpr,
  Literal,
  openJaxpr,
  programsIn,
  type Var,
} from "../../lib/extend.ts";
import {
  evalShape,
  makeJaxpr,
  NDArray,
  numpy as np,
  random,
  StateError,
  treeLeaves,
} from "../../mod.ts";
import { splitArguments } from "./arguments.ts";
import { interceptMethods } from "./hooks.ts";
import {
  hasState,
  type Transformed,
  type TransformedWithState,
  transformWithState,
} from "./transform.ts";

/** Where a call of a module begins, and where it ends (`null`). */
type Marks = Map<unknown, string | null>;

/**
 * A function that gives the graph of a model, for arguments like these, in the language of Graphviz:
 * operations as nodes, in a box for each call of a module and for each loop, branch and compiled
 * function. Nothing is computed. Where derivatives are taken of loops and compiled functions, the boxes
 * of modules inside of these are not drawn. To look at it, give it to a notebook, or to `dot -Tsvg` of
 * https://graphviz.org.
 *
 * @param f A function that uses modules, or what `hk.transform` or `hk.transformWithState` gave.
 * @throws {StateError} where it is neither.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const dot = hk.toDot((x: NDArray) => np.tanh(new hk.Linear(2).call(x)))(np.ones([3]));
 * console.log(dot.startsWith("digraph"), dot.includes('label="linear"'), dot.includes("tanh"));
 * // true true true
 * ```
 */
export function toDot<A extends unknown[]>(
  f: ((...args: A) => unknown) | Transformed<A, unknown> | TransformedWithState<A, unknown>,
): (...args: A) => string {
  if (arguments.length > 1) checkCall("hk.toDot(f)", arguments);
  if (typeof f !== "function" && hasState(f) === undefined) {
    throw new StateError(
      `hk.toDot: expected a function, or what hk.transform gave, not ${describeValue(f)}`,
    );
  }
  const model = typeof f === "function" ? transformWithState(f as (...args: A) => unknown) : f;
  return (...args) => {
    const marks: Marks = new Map();
    const key = random.key(0);
    const { traced, join } = splitArguments(args);
    const entries = evalShape((traced: unknown[]) => {
      const made = model.init(key, ...join(traced));
      return (Array.isArray(made) ? made : [made]) as never;
    }, traced as never) as unknown[];
    const run = (entries: unknown[], key: NDArray, traced: unknown[]): unknown => {
      const apply = model.apply as (...all: unknown[]) => unknown;
      const out = marked(marks, () => apply(...entries, key, ...join(traced)));
      return treeLeaves(out as never).filter((x: unknown) => x instanceof NDArray);
    };
    const { jaxpr } = openJaxpr(
      makeJaxpr(run as never)(entries as never, key as never, traced as never),
    );
    const inputs = [
      ...namesOf(entries[0], "params"),
      ...(entries.length > 1 ? namesOf(entries[1], "state") : []),
      "key",
      ...traced.flatMap((x, i) => treeLeaves(x as never).map(() => `argument ${i + 1}`)),
    ];
    return new Drawing(marks).program(jaxpr, inputs);
  };
}

function namesOf(entries: unknown, what: string): string[] {
  const nested = entries as Record<string, Record<string, unknown>>;
  return Object.entries(nested).flatMap(([module, own]) =>
    Object.entries(own).flatMap(([name, value]) =>
      treeLeaves(value as never).map(() => `${what} ${module}/${name}`)
    )
  );
}

/** Runs `f`, where operations on arrays that nothing reads say which calls of modules are around. */
function marked<R>(marks: Marks, f: () => R): R {
  const mark = (what: string | null): void => {
    const array = np.array(marks.size);
    marks.set(array, what);
    np.negative(array);
  };
  return interceptMethods((next, args, { module, methodName }) => {
    mark(methodName === "call" ? module.moduleName : `${module.moduleName} (${methodName})`);
    try {
      return next(...args);
    } finally {
      mark(null);
    }
  }, f);
}

/** A box in a drawing. */
interface Box {
  readonly title: string;
  readonly nodes: string[];
  readonly boxes: Box[];
}

const quoted = (text: string): string => JSON.stringify(text);

class Drawing {
  readonly #edges: string[] = [];
  /** Inputs by the number of their node; they are drawn where something reads them. */
  readonly #inputs = new Map<string, string>();
  #count = 0;

  constructor(readonly marks: Marks) {}

  program(jaxpr: Jaxpr, names: readonly string[]): string {
    const root: Box = { title: "", nodes: [], boxes: [] };
    const from = new Map<Var, string>();
    jaxpr.inputs.forEach((v, i) => {
      const node = this.#node();
      from.set(v, node);
      this.#inputs.set(
        node,
        this.#text(node, [names[i] ?? "captured", formatAval(v.aval)], "ellipse"),
      );
    });
    this.#draw(jaxpr, from, root);
    jaxpr.outputs.forEach((atom, i) => {
      const node = this.#node();
      const name = jaxpr.outputs.length === 1 ? "result" : `result ${i + 1}`;
      root.nodes.push(this.#text(node, [name, formatAval(atom.aval)], "ellipse"));
      this.#edge(from, atom, node);
    });
    const used = [...this.#inputs].filter(([node]) =>
      this.#edges.some((edge) => edge.startsWith(`${node} `))
    ).map(([, text]) => text);
    const lines = [...used, ...this.#lines(root), ...this.#edges];
    return `digraph {\n${lines.map((line) => `  ${line}\n`).join("")}}\n`;
  }

  #node(): string {
    return `n${this.#count++}`;
  }

  #text(node: string, label: readonly string[], shape = "box"): string {
    return `${node} [label=${quoted(label.join("\n"))}, shape=${shape}];`;
  }

  #edge(from: ReadonlyMap<Var, string>, atom: Atom, to: string): void {
    const node = atom instanceof Literal ? undefined : from.get(atom);
    if (node !== undefined) this.#edges.push(`${node} -> ${to};`);
  }

  /** Draws a program into a box. `from` is where its values come from. */
  #draw(jaxpr: Jaxpr, from: Map<Var, string>, box: Box): void {
    const around = [box];
    for (const eqn of jaxpr.eqns) {
      const mark = this.#markOf(eqn);
      if (mark === null) around.pop();
      else if (mark !== undefined) {
        const inner: Box = { title: mark, nodes: [], boxes: [] };
        around.at(-1)!.boxes.push(inner);
        around.push(inner);
      } else this.#equation(eqn, from, around.at(-1)!);
    }
  }

  /** What an equation marks, or `undefined`. */
  #markOf({ inputs: [first] }: Eqn): string | null | undefined {
    return first instanceof Literal ? this.marks.get(first.value) : undefined;
  }

  #equation(eqn: Eqn, from: Map<Var, string>, box: Box): void {
    const { name } = eqn.primitive;
    const programs = programsIn(eqn);
    const [only] = programs;
    // What takes and gives what its one program does is drawn as that: calls, steps of loops.
    if (
      programs.length === 1 && only!.inputs.length === eqn.inputs.length &&
      only!.outputs.length === eqn.outputs.length
    ) {
      const inner: Box = { title: name, nodes: [], boxes: [] };
      box.boxes.push(inner);
      const own = new Map<Var, string>();
      only!.inputs.forEach((v, i) => take(own, v, from, eqn.inputs[i]!));
      this.#draw(only!, own, inner);
      eqn.outputs.forEach((v, i) => take(from, v, own, only!.outputs[i]!));
      return;
    }
    const node = this.#node();
    box.nodes.push(this.#text(node, [name, ...eqn.outputs.map((v) => formatAval(v.aval))]));
    for (const atom of eqn.inputs) this.#edge(from, atom, node);
    for (const v of eqn.outputs) from.set(v, node);
    programs.forEach((program, i) => {
      const inner: Box = { title: `${name}, part ${i + 1}`, nodes: [], boxes: [] };
      box.boxes.push(inner);
      const own = new Map<Var, string>();
      this.#draw(program, own, inner);
      const last = new Set(
        program.outputs.flatMap((a) => a instanceof Literal ? [] : own.get(a) ?? []),
      );
      for (const end of last) this.#edges.push(`${end} -> ${node} [style=dashed];`);
    });
  }

  #lines({ title, nodes, boxes }: Box): string[] {
    const inner = [...nodes, ...boxes.flatMap((box) => this.#lines(box))];
    if (title === "") return inner;
    return [
      `subgraph cluster${this.#count++} {`,
      ...[`label=${quoted(title)};`, "style=rounded;", ...inner].map((line) => `  ${line}`),
      "}",
    ];
  }
}

/** Has a variable come from where a value of another program comes from. */
function take(
  to: Map<Var, string>,
  v: Var,
  from: ReadonlyMap<Var, string>,
  atom: Atom,
): void {
  const node = atom instanceof Literal ? undefined : from.get(atom);
  if (node !== undefined) to.set(v, node);
}
