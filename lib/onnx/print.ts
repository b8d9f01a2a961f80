/**
 * ONNX models as text, one node a line.
 *
 * @module
 */
import type { Attribute, Graph, Model, Node, ValueInfo } from "./model.ts";

/** The graph of a model: inputs, constants by name and type, nodes in order, outputs. */
export function formatModel({ graph, opset, domains = [] }: Model): string {
  const sets = [`opset ${opset}`, ...domains].join(", ");
  return `${formatGraph(graph, "")} (${sets})`;
}

function formatGraph(graph: Graph, indent: string): string {
  const inner = `${indent}  `;
  const constants = graph.initializers.map(({ name, type, shape }) =>
    `${inner}${name}: ${type}[${shape}] constant`
  );
  const nodes = graph.nodes.map((node) => `${inner}${formatNode(node, inner)}`);
  return [
    `graph ${graph.name}(${graph.inputs.map(formatValue).join(", ")}) {`,
    ...constants,
    ...nodes,
    `${inner}return ${graph.outputs.map(formatValue).join(", ")}`,
    `${indent}}`,
  ].join("\n");
}

function formatValue({ name, type, shape }: ValueInfo): string {
  return `${name}: ${type}${shape === undefined ? "" : `[${shape}]`}`;
}

function formatNode(node: Node, indent: string): string {
  const attributes = Object.entries(node.attributes ?? {})
    .map(([key, value]) => `${key}=${formatAttribute(value, indent)}`);
  const given = [...node.inputs.map((name) => name === "" ? "_" : name), ...attributes];
  return `${node.outputs.join(", ")} = ${node.op}(${given.join(", ")})`;
}

function formatAttribute(value: Attribute, indent: string): string {
  if ("graph" in value) return formatGraph(value.graph, indent);
  if ("tensor" in value) return `${value.tensor.type}[${value.tensor.shape}]`;
  if ("string" in value) return JSON.stringify(value.string);
  return String(Object.values(value)[0]);
}
