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
import type { Expr } from "../scalar/expr.ts";
import { Fn, V128 } from "./encoder.ts";
import { isRare, type Item, plan, type Rare } from "./rare.ts";
import { distinct } from "./space.ts";
import { type Lanes, VectorCode, words } from "./vector.ts";

/** How deep expressions are nested on the stack. */
const DEEP = 24;

/** Nodes to be computed, operands first, and how often each is read. */
export interface Graph {
  /** In which order. */
  readonly items: readonly Item[];
  /** How often a node is read. */
  readonly uses: ReadonlyMap<Expr, number>;
  /** Length of the longest way to an input. */
  readonly depth: ReadonlyMap<Expr, number>;
}

/** Orders nodes for what `roots` are read for. */
export function graphOf(nodes: readonly Expr[], roots: readonly Expr[]): Graph {
  const counter = (): [Map<Expr, number>, (n: Expr) => void] => {
    const counts = new Map<Expr, number>();
    return [counts, (n) => void counts.set(n, (counts.get(n) ?? 0) + 1)];
  };
  const [all, count] = counter();
  const depth = new Map<Expr, number>();
  for (const n of nodes) {
    depth.set(n, 1 + Math.max(0, ...n.args.map((a) => depth.get(a) ?? 0)));
    n.args.forEach(count);
  }
  roots.forEach(count);
  const items = plan(nodes, all);
  // Choices that are made together read what their function takes, and each thing once.
  const [uses, read] = counter();
  for (const i of items) {
    if (!isRare(i)) i.args.forEach(read);
    else [i.members[0]!.args[0]!, ...i.inputs, ...i.members.map((m) => m.args[2]!)].forEach(read);
  }
  roots.forEach(read);
  return { items, uses, depth };
}

/** How many lanes there can be, where vectors hold `roots` and all that is not seldom needed. */
export function lanesOf(items: readonly Item[], roots: readonly Expr[]): Lanes {
  const wide = (x: Expr): boolean => x.ty === "f64";
  // Constants that only functions of what is seldom needed read are made there.
  const some = items.some((i) =>
    isRare(i) ? i.members.some(wide) : i.op !== "const" && [i, ...i.args].some(wide)
  );
  return some || roots.some(wide) ? 2 : 4;
}

/** Computes the nodes of a graph for some vectors in turn. */
export class Evaluation {
  readonly #values: Map<Expr, number>[];
  readonly #left: Map<Expr, number>[];

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
  }

  /** Computes what more than one reader needs, or would be nested too deep. */
  run(): void {
    const { f } = this.code;
    const { items, uses, depth } = this.graph;
    for (const x of items) {
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
    for (const map of this.#values) for (const v of map.values()) this.code.f.release(v);
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

  #choose(rare: Rare, copy: number): void {
    const { members, inputs } = rare;
    const { code, doubt } = this;
    const { f } = code;
    const outs = members.map((m) => {
      const out = f.local(V128);
      this.push(m.args[2]!, copy);
      f.set(out);
      return out;
    });
    const condition = members[0]!.args[0]!;
    if (doubt !== null) {
      for (const x of inputs) this.#read(x, copy);
      this.push(condition, copy);
      f.get(doubt).simd(80).set(doubt);
      members.forEach((m, i) => this.#values[copy]!.set(m, outs[i]!));
      return;
    }
    const mask = f.local(V128);
    this.push(condition, copy);
    f.set(mask);
    const given = inputs.map((x) => {
      const v = f.local(V128);
      this.push(x, copy);
      if (x.ty === "bool") code.widen(x, 32);
      f.set(v);
      return v;
    });
    f.get(mask).simd(83).block("if");
    for (const v of given) f.get(v);
    f.call(rareFn(code, rare));
    for (let i = members.length - 1; i >= 0; i--) {
      const m = members[i]!;
      const seldom = f.local(V128);
      f.set(seldom).get(seldom).get(outs[i]!);
      f.get(mask);
      const width = m.ty === "bool" ? code.maskOf(m) : m.ty === "f64" ? 64 : 32;
      code.widen(condition, width);
      code.choose(width);
      f.set(outs[i]!);
      f.release(seldom);
    }
    f.end();
    for (const v of [mask, ...given]) f.release(v);
    members.forEach((m, i) => this.#values[copy]!.set(m, outs[i]!));
  }
}

/** Names nodes by what they are and what they read, for keys of functions. */
function describe(nodes: readonly Expr[], given: readonly Expr[], roots: readonly Expr[]): string {
  const number = new Map([...given, ...nodes].map((n, i) => [n, i]));
  const name = (n: Expr): string =>
    n.op === "const" ? `${n.ty}${distinct(n.imm)}` : `#${number.get(n)}`;
  const text = nodes.map((n) =>
    `${n.op}${n.ty}${n.imm}(${n.args.map(name)})[${n.table?.map(distinct) ?? ""}]`
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

/** The function of what is seldom needed: from `inputs` to the first sides of the choices. */
function rareFn(code: VectorCode, { members, own, inputs }: Rare): Fn {
  const roots = members.map((m) => m.args[1]!);
  const wide = [...own, ...inputs].some((n) => n.ty === "f64");
  const lanes: Lanes = wide ? 2 : code.lanes;
  const halves = code.lanes / lanes;
  const key = `rare|${lanes}|${halves}|${describe(own, inputs, roots)}`;
  return code.module.shared(key, () => {
    const f = new Fn(inputs.map(() => V128), roots.map(() => V128));
    const inner = new VectorCode(f, lanes, code.module, code.pool);
    const graph = graphOf(own, roots);
    const results = Array.from({ length: halves }, (_, half) => {
      const fixed = new Map(inputs.map((x, i): [Expr, number] => {
        if (half === 0) return [x, i];
        // The upper lanes come to where the lower ones were.
        const v = f.local(V128);
        f.get(i).get(i);
        words(f, 2, 3, 2, 3);
        f.set(v);
        return [x, v];
      }));
      for (const x of inputs) inner.isNarrow(x);
      const evaluation = new Evaluation(inner, graph, fixed, () => {}, 1);
      evaluation.run();
      const outs = roots.map((x) => {
        const v = f.local(V128);
        evaluation.push(x, 0);
        if (x.ty === "bool") inner.widen(x, 32);
        f.set(v);
        return v;
      });
      evaluation.end();
      return outs;
    });
    roots.forEach((_, i) => {
      f.get(results[0]![i]!);
      if (halves === 1) return;
      f.get(results[1]![i]!);
      words(f, 0, 1, 4, 5);
    });
    return f;
  });
}
