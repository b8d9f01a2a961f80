/**
 * Fusion of neighbouring nodes into single operators, which save a pass over memory and the cost of a
 * node in each step of a loop. The runtime's own optimiser does not see the shapes inside bodies.
 *
 * - a 2-D product and an addition become one Gemm, which reads transposed operands as they were: the
 *   runtime's own fusion of these loses results that more than one node reads (onnxruntime 1.30)
 * - a square and a sum become one ReduceSumSquare
 *
 * Whole-graph operations on a graph under construction: dropping nodes that nothing reads, finding
 * what a body captures, and renaming values. Building graphs is in `builder.ts`.
 *
 * @module
 */
import { isFloat, type ShapedArray } from "../core/mod.ts";
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

/** The nodes with neighbours fused. `outputs` are read from outside, and `avalOf` knows some types. */
export function fuse(
  nodes: readonly BuiltNode[],
  outputs: readonly string[],
  avalOf: (name: string) => ShapedArray | undefined,
): BuiltNode[] {
  const uses = new Map<string, number>();
  const use = (name: string): void => void uses.set(name, (uses.get(name) ?? 0) + 1);
  outputs.forEach(use);
  const producers = new Map<string, BuiltNode>();
  for (const node of nodes) {
    node.inputs.forEach(use);
    node.captures.forEach(use);
    for (const name of node.outputs) producers.set(name, node);
  }
  /** The node that computes a value for this one reader alone. */
  const only = (name: string): BuiltNode | undefined =>
    uses.get(name) === 1 ? producers.get(name) : undefined;

  const absorbed = new Set<BuiltNode>();
  const fused = nodes.map((node): BuiltNode => {
    if (node.domain !== undefined) return node;
    if (node.op === "Add") {
      for (const side of [0, 1] as const) {
        const product = only(node.inputs[side]!);
        if (product === undefined || absorbed.has(product)) continue;
        const gemm = asGemm(product, node, node.inputs[1 - side]!, avalOf);
        if (gemm === null) continue;
        absorbed.add(product);
        return gemm;
      }
    }
    if (node.op === "ReduceSum") {
      const square = only(node.inputs[0]!);
      const [x, y] = square?.inputs ?? [];
      const aval = x === undefined ? undefined : avalOf(x);
      if (square?.op === "Mul" && x === y && aval !== undefined && isFloat(aval.dtype)) {
        absorbed.add(square);
        return { ...node, op: "ReduceSumSquare", inputs: [x!, ...node.inputs.slice(1)] };
      }
    }
    return node;
  });
  const rest = fused.filter((_, i) => !absorbed.has(nodes[i]!)).map((node) =>
    node.op === "Gemm" && node.domain === undefined ? untransposed(node, producers) : node
  );
  return live(rest, outputs).nodes;
}

/** A Gemm that reads what was transposed for it, if anything was. */
function untransposed(gemm: BuiltNode, producers: ReadonlyMap<string, BuiltNode>): BuiltNode {
  const inputs = [...gemm.inputs];
  const attributes: Record<string, Attribute> = { ...gemm.attributes };
  ["transA", "transB"].forEach((flag, i) => {
    const given = attributes[flag];
    let turned = given !== undefined && "int" in given && given.int === 1;
    for (;;) {
      const source = producers.get(inputs[i]!);
      // A matrix has but one other order of axes.
      if (source?.op !== "Transpose" || source.domain !== undefined) break;
      inputs[i] = source.inputs[0]!;
      turned = !turned;
    }
    attributes[flag] = { int: turned ? 1 : 0 };
  });
  return { ...gemm, inputs, attributes };
}

/** `product + addend` as one node, where both are such as Gemm takes. */
function asGemm(
  product: BuiltNode,
  sum: BuiltNode,
  addend: string,
  avalOf: (name: string) => ShapedArray | undefined,
): BuiltNode | null {
  if (product.domain !== undefined || product.inputs.length !== 2) return null;
  if (product.op !== "MatMul" && product.op !== "Gemm") return null;
  const [a, b] = product.inputs.map(avalOf);
  const c = avalOf(addend), out = avalOf(sum.outputs[0]!), own = avalOf(product.outputs[0]!);
  if (!a || !b || !c || !out || !own || !isFloat(out.dtype)) return null;
  // The product itself must have the shape of the sum, or Gemm would have to broadcast it.
  const flat = a.shape.length === 2 && b.shape.length === 2 && out.shape.length === 2;
  const same = own.shape.length === 2 && own.shape.every((n, i) => n === out.shape[i]);
  const nonEmpty = [...a.shape, ...b.shape].every((n) => n > 0);
  if (!flat || !same || !nonEmpty) return null;
  return { ...product, op: "Gemm", inputs: [...product.inputs, addend], outputs: sum.outputs };
}
