/**
 * Whole-graph operations on a graph under construction: dropping nodes that nothing reads, finding
 * what a body captures, and renaming values. Building graphs is in `builder.ts`.
 *
 * @module
 */
import type { Attribute, Graph, Node } from "./model.ts";

/** A node with the values of enclosing graphs that its bodies read. */
export interface BuiltNode extends Node {
  /** Values read by the node's bodies and defined outside of them. */
  readonly captures: readonly string[];
  /** Name of the primitive that the node belongs to, for messages. */
  readonly operation: string;
}

/** The nodes that the outputs need, and every value that those nodes or the outputs read. */
export function live(
  nodes: readonly BuiltNode[],
  outputs: readonly string[],
): { nodes: BuiltNode[]; needed: Set<string> } {
  const needed = new Set(outputs);
  const kept: BuiltNode[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    if (!node.outputs.some((name) => needed.has(name))) continue;
    kept.push(node);
    for (const name of node.inputs) if (name !== "") needed.add(name);
    for (const name of node.captures) needed.add(name);
  }
  return { nodes: kept.reverse(), needed };
}

/** The nodes as the model has them, with values renamed, in bodies too. */
export function finishNodes(
  nodes: readonly BuiltNode[],
  names: ReadonlyMap<string, string>,
): Node[] {
  return nodes.map(({ captures, ...node }) => {
    if (names.size === 0) return node;
    const renamed = renameNode(node, names);
    if (node.attributes === undefined || !captures.some((name) => names.has(name))) return renamed;
    return { ...renamed, attributes: renameBodies(node.attributes, names) };
  });
}

function renameNode(node: Node, names: ReadonlyMap<string, string>): Node {
  const rename = (name: string): string => names.get(name) ?? name;
  return { ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) };
}

/** Bodies nest as deep as the user's loops do, which bounds the recursion. */
function renameBodies(
  attributes: Readonly<Record<string, Attribute>>,
  names: ReadonlyMap<string, string>,
): Record<string, Attribute> {
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]): [string, Attribute] => {
      if (!("graph" in value)) return [key, value];
      const { graph } = value;
      const nodes = graph.nodes.map((node) => {
        const renamed = renameNode(node, names);
        if (node.attributes === undefined) return renamed;
        return { ...renamed, attributes: renameBodies(node.attributes, names) };
      });
      return [key, { graph: { ...graph, nodes } satisfies Graph }];
    }),
  );
}
