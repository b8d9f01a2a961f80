/**
 * The instructions of expressions, node by node: values that are read once stay on the stack, others
 * are in locals until they are read for the last time. Several vectors may be worked on in turn.
 *
 * What is seldom needed is in functions of its own, where two lanes at a time are enough, whatever
 * they are outside. Loops take choices to be as they mostly are, and ask once for all vectors of a round
 * whether they were; else these are computed again. So nothing has to survive a call that is
 * hardly ever made.
 *
 * @module
 */
import { type Apart, type Expr, reachable, type Ty } from "../scalar/expr.ts";
import { Fn, V128 } from "./encoder.ts";
import { distinct } from "./space.ts";
import { type Lanes, VectorCode, words } from "./vector.ts";

/** How deep expressions are nested on the stack. */
const DEEP = 24;

/** Nodes to be computed, operands first, and how often each is read. */
export interface Graph {
  /** In order. */
  readonly nodes: readonly Expr[];
  /** How often a node is read. */
  readonly uses: ReadonlyMap<Expr, number>;
  /** Length of the longest way to an input. */
  readonly depth: ReadonlyMap<Expr, number>;
}

/** What is to be known of nodes, in order, that `roots` are read of. */
export function graphOf(nodes: readonly Expr[], roots: readonly Expr[]): Graph {
  const uses = new Map<Expr, number>();
  const depth = new Map<Expr, number>();
  const read = (n: Expr): void => void uses.set(n, (uses.get(n) ?? 0) + 1);
  for (const n of nodes) {
    let below = 0;
    for (const a of n.args) {
      below = Math.max(below, depth.get(a) ?? 0);
      read(a);
    }
    depth.set(n, below + 1);
  }
  roots.forEach(read);
  return { nodes, uses, depth };
}

/** Whether a node is computed by a function of its own where it is needed. */
export function isRare({ op }: Expr): boolean {
  return op === "rare";
}

/** How many lanes there can be, where vectors hold all that is not seldom needed. */
export function lanesOf(nodes: readonly Expr[], roots: readonly Expr[]): Lanes {
  const wide = (x: Expr): boolean => x.ty === "f64";
  // Constants that nothing reads are not in any vector.
  return nodes.some((n) => n.op !== "const" && (wide(n) || n.args.some(wide))) || roots.some(wide)
    ? 2
    : 4;
}

/** A call of a function apart: the lanes that need it, and where its results are. */
interface Call {
  readonly mask: number;
  readonly results: readonly number[];
}

/** Computes the nodes of a graph for some vectors in turn. */
export class Evaluation {
  readonly #values: Map<Expr, number>[];
  readonly #left: Map<Expr, number>[];
  /** Conditions that are noted as doubts already. */
  readonly #noted: Set<Expr>[];
  readonly #calls: Map<string, Call>[];

  /**
   * `fixed` are values that lie in locals already, and `leaf` pushes an input or the number of an
   * element for one of the vectors.
   */
  constructor(
    readonly code: VectorCode,
    readonly graph: Graph,
    readonly fixed: ReadonlyMap<Expr, number>,
    readonly leaf: (x: Expr, copy: number) => void,
    readonly copies: number,
    /** If given, where masks of lanes go in which choices were taken to be as they mostly are. */
    readonly doubt: number | null = null,
  ) {
    this.#values = Array.from({ length: copies }, () => new Map());
    this.#left = this.#values.map(() => new Map(graph.uses));
    this.#noted = this.#values.map(() => new Set());
    this.#calls = this.#values.map(() => new Map());
  }

  /** Computes what more than one reader needs, or would be nested too deep. */
  run(): void {
    const { f } = this.code;
    const { nodes, uses, depth } = this.graph;
    for (const x of nodes) {
      if (isRare(x)) {
        for (let c = 0; c < this.copies; c++) this.#choose(x, c);
        continue;
      }
      if (this.fixed.has(x) || !uses.has(x)) continue;
      if (this.copies === 1 && uses.get(x) === 1 && depth.get(x)! % DEEP !== 0) continue;
      for (let c = 0; c < this.copies; c++) {
        this.#compute(x, c);
        const v = f.local(V128);
        f.set(v);
        this.#values[c]!.set(x, v);
      }
    }
  }

  /** Pushes the value of a node. */
  push(x: Expr, copy: number): void {
    const local = this.fixed.get(x) ?? this.#values[copy]!.get(x);
    if (local === undefined) return this.#compute(x, copy);
    this.code.f.get(local);
    this.#read(x, copy);
  }

  /** Gives all locals back. */
  end(): void {
    const { f } = this.code;
    for (const map of this.#values) for (const v of map.values()) f.release(v);
    for (const calls of this.#calls) {
      for (const { mask, results } of calls.values()) {
        [mask, ...results].forEach((v) => f.release(v));
      }
    }
  }

  #read(x: Expr, copy: number): void {
    const left = this.#left[copy]!;
    const rest = left.get(x)! - 1;
    left.set(x, rest);
    const local = this.#values[copy]!.get(x);
    if (rest > 0 || local === undefined) return;
    this.code.f.release(local);
    this.#values[copy]!.delete(x);
  }

  #compute(x: Expr, copy: number): void {
    if (x.op === "input" || x.op === "index") this.leaf(x, copy);
    else this.code.emit(x, (a) => this.push(a, copy));
  }

  #choose(x: Expr, copy: number): void {
    const { code, doubt } = this;
    const { f } = code;
    const [condition, usual, ...operands] = x.args as [Expr, Expr, ...Expr[]];
    const out = f.local(V128);
    if (doubt === null) {
      const call = this.#call(x, copy);
      f.get(call.results[x.imm]!);
      this.push(usual, copy);
      f.get(call.mask);
      const width = x.ty === "f64" ? 64 : 32;
      code.widen(condition, width);
      code.choose(width);
    } else {
      for (const a of operands) this.#read(a, copy);
      if (this.#noted[copy]!.has(condition)) this.#read(condition, copy);
      else {
        this.#noted[copy]!.add(condition);
        this.push(condition, copy);
        f.get(doubt).simd(OR).set(doubt);
      }
      this.push(usual, copy);
    }
    f.set(out);
    this.#values[copy]!.set(x, out);
  }

  /** The call of the function of a choice, made for the first of its results that is asked for. */
  #call(x: Expr, copy: number): Call {
    const { code } = this;
    const { f } = code;
    const [condition, , ...operands] = x.args as [Expr, Expr, ...Expr[]];
    const key = `${x.apart!.id}:${[condition, ...operands].map((a) => a.id)}`;
    const made = this.#calls[copy]!.get(key);
    if (made !== undefined) {
      for (const a of [condition, ...operands]) this.#read(a, copy);
      return made;
    }
    const types = operands.map(({ ty }) => ty);
    const mask = f.local(V128);
    this.push(condition, copy);
    f.set(mask);
    const given = operands.map((a) => {
      const v = f.local(V128);
      this.push(a, copy);
      f.set(v);
      return v;
    });
    const results = x.apart!.graph(types).results.map(() => f.local(V128));
    f.get(mask).simd(ANY_TRUE).block("if");
    for (const v of given) f.get(v);
    f.call(apartFn(code, x.apart!, types));
    for (const v of results.toReversed()) f.set(v);
    f.end();
    for (const v of given) f.release(v);
    const call = { mask, results };
    this.#calls[copy]!.set(key, call);
    return call;
  }
}

/** `v128.or`. */
const OR = 80;
/** `v128.any_true`. */
const ANY_TRUE = 83;

/** Names nodes by what they are and what they read, for keys of functions. */
function describe(nodes: readonly Expr[], given: readonly Expr[], roots: readonly Expr[]): string {
  const number = new Map([...given, ...nodes].map((n, i) => [n, i]));
  const name = (n: Expr): string =>
    n.op === "const" ? `${n.ty}${distinct(n.imm)}` : `#${number.get(n)}`;
  const text = nodes.map((n) =>
    `${n.op}${n.apart?.id ?? ""}${n.ty}${n.imm}(${n.args.map(name)})[${
      n.table?.map(distinct) ?? ""
    }]`
  );
  return [given.map((n) => n.ty), text.join(";"), roots.map(name)].join("|");
}

/** The leaves of a graph: what is neither computed nor constant. */
export function leavesOf(nodes: readonly Expr[]): Expr[] {
  return nodes.filter((n) => n.op === "input" || n.op === "index");
}

/**
 * The function that computes `roots` from the leaves with all choices made: for vectors in which one
 * was not as it mostly is.
 */
export function exactFn(code: VectorCode, nodes: readonly Expr[], roots: readonly Expr[]): Fn {
  const leaves = leavesOf(nodes);
  const own = nodes.filter((n) => n.op !== "const" && !leaves.includes(n));
  return code.module.shared(`exact|${code.lanes}|${describe(own, leaves, roots)}`, () => {
    const f = new Fn(leaves.map(() => V128), roots.map(() => V128));
    const inner = new VectorCode(f, code.lanes, code.module, code.pool);
    const given = new Map(leaves.map((x, i) => [x, i]));
    const evaluation = new Evaluation(inner, graphOf(nodes, roots), given, () => {}, 1);
    evaluation.run();
    const outs = roots.map((x) => {
      const v = f.local(V128);
      evaluation.push(x, 0);
      f.set(v);
      return v;
    });
    for (const v of outs) f.get(v);
    return f;
  });
}

/** A function apart, on vectors of as many lanes as those that it is called with. */
function apartFn(code: VectorCode, apart: Apart, types: readonly Ty[]): Fn {
  const { e, results } = apart.graph(types);
  const nodes = reachable(e, results);
  const lanes = lanesOf(nodes, results);
  const halves = code.lanes > lanes ? 2 : 1;
  const key = `apart|${apart.id}|${types}|${code.lanes}`;
  return code.module.shared(key, () => {
    const f = new Fn(types.map(() => V128), results.map(() => V128));
    const inner = new VectorCode(f, halves === 2 ? 2 : code.lanes, code.module, code.pool);
    const graph = graphOf(nodes, results);
    const given = nodes.filter((n) => n.op === "input");
    const outs = Array.from({ length: halves }, (_, half) => {
      const fixed = new Map(given.map((x): [Expr, number] => {
        if (half === 0) return [x, x.imm];
        // The upper lanes come to where the lower ones were.
        const v = f.local(V128);
        f.get(x.imm).get(x.imm);
        words(f, 2, 3, 2, 3);
        f.set(v);
        return [x, v];
      }));
      const evaluation = new Evaluation(inner, graph, fixed, () => {}, 1);
      evaluation.run();
      const vectors = results.map((x) => {
        const v = f.local(V128);
        evaluation.push(x, 0);
        f.set(v);
        return v;
      });
      evaluation.end();
      return vectors;
    });
    results.forEach((_, i) => {
      f.get(outs[0]![i]!);
      if (halves === 1) return;
      f.get(outs[1]![i]!);
      words(f, 0, 1, 4, 5);
    });
    return f;
  });
}
