/**
 * The order in which the nodes of an expression are computed, where some are seldom needed: choices by
 * one condition are made together, and what only their first sides need is computed behind a branch.
 *
 * @module
 */
import type { Expr } from "../scalar/expr.ts";

/** Choices by one condition. */
export interface Rare {
  /** The choices. */
  readonly members: readonly Expr[];
  /** What only their first sides need, in order. */
  readonly own: readonly Expr[];
  /** What the first sides read of other nodes, constants left out. */
  readonly inputs: readonly Expr[];
}

/** A node, or choices that are made together. */
export type Item = Expr | Rare;

/** Whether an item is a group of choices. */
export function isRare(item: Item): item is Rare {
  return "members" in item;
}

/** Puts nodes, which are in order, into an order in which choices by one condition follow each other. */
export function plan(
  nodes: readonly Expr[],
  uses: ReadonlyMap<Expr, number>,
): readonly Item[] {
  if (!nodes.some((n) => n.op === "rare")) return nodes;
  const inside = new Set(nodes);
  const groups: Expr[][] = [];
  const groupOf = new Map<Expr, Expr[]>();
  for (const n of nodes) {
    if (n.op !== "rare") continue;
    const below = ancestors([n], inside);
    let group = groups.find((g) =>
      g[0]!.args[0] === n.args[0] && !g.some((m) => m !== n && below.has(m))
    );
    if (group === undefined) groups.push(group = []);
    group.push(n);
    groupOf.set(n, group);
  }
  const hidden = seldomRead(groups, nodes, uses);
  const items: Item[] = [];
  const done = new Set<Expr>();
  const add = (n: Expr): void => {
    if (done.has(n) || hidden.has(n)) return;
    const group = groupOf.get(n);
    if (group === undefined) {
      done.add(n);
      items.push(n);
      return;
    }
    for (const m of group) done.add(m);
    // What the other choices need comes first.
    const needed = ancestors(group, inside);
    for (const a of nodes) if (needed.has(a) && !group.includes(a)) add(a);
    const first = group.map((m) => m.args[1]!);
    const own = ancestors(first, hidden);
    const read = [...own].flatMap((n) => [...n.args]).concat(first);
    const inputs = new Set(read.filter((n) => !own.has(n) && n.op !== "const"));
    items.push({
      members: group,
      own: nodes.filter((a) => own.has(a)),
      inputs: [...inputs].sort((a, b) => a.id - b.id),
    });
  };
  for (const n of nodes) add(n);
  return items;
}

/** The nodes that some nodes depend on, themselves included. */
function ancestors(roots: readonly Expr[], inside: ReadonlySet<Expr>): Set<Expr> {
  const found = new Set<Expr>();
  const stack = [...roots];
  for (let n = stack.pop(); n !== undefined; n = stack.pop()) {
    if (found.has(n) || !inside.has(n)) continue;
    found.add(n);
    stack.push(...n.args);
  }
  return found;
}

/**
 * The nodes all of whose readers are first sides of choices, or such nodes themselves. What several
 * choices read is computed for each: seldom twice is less than always once.
 */
function seldomRead(
  groups: readonly (readonly Expr[])[],
  nodes: readonly Expr[],
  uses: ReadonlyMap<Expr, number>,
): Set<Expr> {
  const seldom = new Set<Expr>();
  const found = new Map<Expr, number>();
  const count = (n: Expr): void => void found.set(n, (found.get(n) ?? 0) + 1);
  for (const m of groups.flat()) count(m.args[1]!);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const n = nodes[i]!;
    if (n.args.length === 0 || found.get(n) !== uses.get(n)) continue;
    seldom.add(n);
    n.args.forEach((a, k) => {
      if (n.op !== "rare" || k !== 1) count(a);
    });
  }
  return seldom;
}
