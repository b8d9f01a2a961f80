/**
 * The ONNX graph under construction: what primitives' lowering rules see as `Lowering`.
 *
 * Owns sharing of equal nodes, moving out of loops what does not change there, and the rules for what
 * may be an output of a graph or body. Names and constants are `shared.ts`'s, choices that keep the sign
 * of zeros `zeros.ts`'s, and bytes `model.ts`'s. What an operation becomes is each primitive's own
 * business.
 *
 * @module
 */
import {
  type Atom,
  InternalError,
  isTypedArray,
  type Jaxpr,
  type ProgramLowering,
  sameShape,
  type ShapedArray,
  type TypedArray,
  Var,
} from "../core/mod.ts";
import type {
  LowerAttribute,
  OnnxDType,
  Subgraph,
  SubgraphInput,
  Value,
} from "../core/lowering.ts";
import { type ChoiceContext, chooseFloats, extremumOfFloats } from "./zeros.ts";
import { type BuiltNode, finishNodes, fuse, live } from "./fusion.ts";
import { decidingInput, lacks, resultTypes, standIn, type Target } from "./kernels.ts";
import { type Attribute, type Graph, type Model, onnxTypeCode, type ValueInfo } from "./model.ts";
import { isFloatType, Shared } from "./shared.ts";

/** An input or output of the whole model; a name left out, or empty, is made up. */
export interface Port extends ShapedArray {
  /** The name to give it; changed where another value has it already. */
  readonly name?: string | undefined;
}

/** Version of the operator set that lowerings write. */
export const opset = 21;

/** A finished body, and what it reads of the graphs around it. */
interface Body extends Subgraph {
  readonly subgraph: Graph;
  readonly captures: readonly string[];
}

/** Avals of atoms. */
function avalsOf(atoms: readonly Atom[]): ShapedArray[] {
  return atoms.map((a) => a.aval);
}

/** A graph or body under construction. */
class GraphBuilder implements ProgramLowering {
  readonly built: BuiltNode[] = [];
  readonly #equal = new Map<string, readonly Value[]>();
  /** Values defined by this graph's own nodes. */
  readonly #own = new Set<Value>();
  readonly #inputs: ReadonlySet<Value>;
  /** The graph that takes the nodes which need nothing of this one: of a loop's body, not a branch. */
  readonly #outside: GraphBuilder | null;

  constructor(
    readonly shared: Shared,
    readonly parent: GraphBuilder | null,
    inputs: readonly Value[],
  ) {
    this.#inputs = new Set(inputs);
    // Bodies of loops have inputs and branches have none. What a branch computes stays in it, since
    // the other branch may be the one taken.
    this.#outside = inputs.length > 0 ? parent : null;
  }

  get target(): Target {
    return this.shared.target;
  }

  isOpen(length: number): boolean {
    return this.shared.isOpen(length);
  }

  node(
    op: string,
    inputs: readonly Value[],
    attributes?: Readonly<Record<string, LowerAttribute>>,
  ): Value {
    const dtype = this.shared.types.get(inputs[decidingInput(op)] ?? "");
    const instead = standIn(this.target, op, dtype);
    if (instead !== undefined) return instead(this, inputs, attributes, op, dtype!);
    return this.nodes(op, inputs, 1, attributes)[0]!;
  }

  lacks(op: string, dtype: OnnxDType): boolean {
    return lacks(this.target, op, dtype);
  }

  nodes(
    op: string,
    inputs: readonly Value[],
    outputs: number,
    attributes?: Readonly<Record<string, LowerAttribute>>,
  ): Value[] {
    const captures: string[] = [];
    let converted: Record<string, Attribute> | undefined;
    let shareable = true;
    if (attributes !== undefined) {
      converted = {};
      for (const [key, value] of Object.entries(attributes)) {
        if (typeof value === "object" && "subgraph" in value) {
          const body = value as Body;
          for (const name of body.captures) captures.push(name);
          converted[key] = { graph: body.subgraph };
          shareable = false;
        } else converted[key] = toAttribute(op, key, value);
      }
    }
    if (!shareable) return this.#append(op, inputs, outputs, converted, captures);
    let key = `${op} ${outputs}`;
    for (const input of inputs) key += "\0" + input;
    if (converted !== undefined) key += "\0\0" + JSON.stringify(converted);
    const known = this.#find(key);
    if (known !== undefined) return [...known];
    const home = this.#home(inputs);
    const names = home.#append(op, inputs, outputs, converted, captures);
    home.#equal.set(key, names);
    this.shared.zeros.node(op, inputs, names[0]!);
    return [...names];
  }

  /** The outermost loop level at which all of a node's inputs are known. */
  #home(inputs: readonly Value[]): GraphBuilder {
    const here = inputs.some((name) => this.#own.has(name) || this.#inputs.has(name));
    return here || this.#outside === null ? this : this.#outside.#home(inputs);
  }

  /** Outputs of an equal node of this graph or of one around it. */
  #find(key: string): readonly Value[] | undefined {
    let names = this.#equal.get(key);
    for (let at = this.parent; at !== null && names === undefined; at = at.parent) {
      names = at.#equal.get(key);
    }
    return names;
  }

  #append(
    op: string,
    inputs: readonly Value[],
    count: number,
    attributes: Record<string, Attribute> | undefined,
    captures: readonly string[],
  ): Value[] {
    const outputs: Value[] = [];
    for (let i = 0; i < count; i++) {
      const name = this.shared.fresh(op);
      outputs.push(name);
      this.#own.add(name);
    }
    const { types } = this.shared;
    const known = resultTypes(op, inputs.map((name) => types.get(name)), count, attributes);
    outputs.forEach((name, i) => {
      if (known[i] !== undefined) types.set(name, known[i]);
    });
    const dot = op.lastIndexOf(".");
    const domain = op.slice(0, Math.max(dot, 0));
    if (dot >= 0) this.shared.domains.add(domain);
    this.built.push({
      op: dot < 0 ? op : op.slice(dot + 1),
      ...(dot >= 0 && { domain }),
      inputs,
      outputs,
      ...(attributes !== undefined && { attributes }),
      captures,
      operation: this.shared.operation,
    });
    return outputs;
  }

  scalar(value: number, dtype: OnnxDType): Value {
    return this.shared.scalar(value, dtype);
  }

  constant(
    data: TypedArray | readonly number[],
    shape: readonly number[],
    dtype: OnnxDType,
  ): Value {
    return this.shared.constant(data, shape, dtype);
  }

  int64(values: readonly number[]): Value {
    return this.shared.constant(values, [values.length], "int64");
  }

  cast(x: Value, from: OnnxDType, to: OnnxDType): Value {
    if (from === to) return x;
    const out = this.node("Cast", [x], { to: onnxTypeCode[to] });
    const { zeros } = this.shared;
    // What is not 0 in float64 may become -0 in float32.
    const exact = from === "float32" && zeros.never(x);
    if (exact || !isFloatType(from)) zeros.whole(out);
    return out;
  }

  reshape(x: Value, shape: readonly number[]): Value {
    const { avals, reshaped } = this.shared;
    const source = reshaped.get(x)?.source ?? x;
    const own = avals.get(source)?.shape;
    if (own !== undefined && sameShape(own, shape)) return source;
    // A 0 would otherwise mean "as in the input".
    const attributes = shape.includes(0) ? { allowzero: 1 } : undefined;
    const result = this.node("Reshape", [source, this.int64(shape)], attributes);
    reshaped.set(result, { source, shape });
    return result;
  }

  where(condition: Value, a: Value, b: Value, dtype: OnnxDType): Value {
    const inputs = [condition, a, b];
    const instead = standIn(this.target, "Where", dtype);
    if (instead !== undefined) return instead(this, inputs, undefined, "Where", dtype);
    return isFloatType(dtype) && this.target !== "webgpu"
      ? chooseFloats(this.#choices(), condition, a, b, dtype)
      : this.node("Where", inputs);
  }

  extremum(op: "Max" | "Min", x: Value, y: Value, out: ShapedArray): Value {
    return isFloatType(out.dtype)
      ? extremumOfFloats(this.#choices(), op, x, y, out)
      : this.node(op, [x, y]);
  }

  shapeOf(value: Value): readonly number[] | undefined {
    const { avals, reshaped, tensors } = this.shared;
    return reshaped.get(value)?.shape ?? avals.get(value)?.shape ?? tensors.get(value)?.shape;
  }

  elementsOf(value: Value): TypedArray | undefined {
    const data = this.shared.tensors.get(value)?.data;
    return isTypedArray(data) ? data : undefined;
  }

  #choices(): ChoiceContext {
    return { g: this, zeros: this.shared.zeros, shapeOf: (value) => this.shapeOf(value) };
  }

  inline(jaxpr: Jaxpr, inputs: readonly Value[]): Value[] {
    if (inputs.length !== jaxpr.inputs.length) {
      throw new InternalError(
        `lowering: a program of ${jaxpr.inputs.length} inputs was given ${inputs.length}`,
      );
    }
    const env: Value[] = new Array(jaxpr.numVars);
    const read = (atom: Atom): Value => {
      if (atom instanceof Var) return env[atom.id]!;
      const { value } = atom;
      return this.constant(value.values, value.shape, value.dtype);
    };
    jaxpr.inputs.forEach((v, i) => env[v.id] = inputs[i]!);
    const around = this.shared.operation;
    for (const { primitive, inputs, params, outputs } of jaxpr.eqns) {
      const args = inputs.map(read);
      args.forEach((name, i) => this.shared.avals.set(name, inputs[i]!.aval));
      this.shared.operation = primitive.name;
      const values = primitive.lower(this, args, params, avalsOf(inputs), avalsOf(outputs));
      if (values.length !== outputs.length) {
        throw new InternalError(
          `lowering of ${primitive.name}: ${values.length} outputs, not ${outputs.length}`,
        );
      }
      outputs.forEach((v, i) => {
        env[v.id] = values[i]!;
        this.shared.avals.set(values[i]!, v.aval);
      });
    }
    this.shared.operation = around;
    return jaxpr.outputs.map(read);
  }

  subgraph(
    name: string,
    inputs: readonly SubgraphInput[],
    build: (body: ProgramLowering, inputs: Value[]) => Value[],
    outputs: readonly SubgraphInput[],
  ): Body {
    const names = inputs.map(({ dtype }) => {
      const name = this.shared.fresh("in");
      this.shared.types.set(name, dtype);
      return name;
    });
    const body = new GraphBuilder(this.shared, this, names);
    const results = build(body, [...names]);
    if (results.length !== outputs.length) {
      throw new InternalError(
        `lowering: body ${name} has ${results.length} outputs, not ${outputs.length}`,
      );
    }
    // ONNX allows a body to give its inputs, but onnxruntime 1.30's Scan then gives whatever the
    // memory held. Bodies of Loop, which start with a step number and a flag, are right.
    const final = body.separate(results, inputs[0]?.dtype === "int64");
    const { nodes: alive, needed } = live(body.built, final);
    const nodes = fuse(alive, final, (value) => this.shared.avals.get(value));
    for (const input of names) needed.delete(input);
    for (const node of alive) for (const output of node.outputs) needed.delete(output);
    return {
      subgraph: {
        name: this.shared.fresh(name),
        nodes: finishNodes(nodes, new Map()),
        initializers: [],
        inputs: names.map((name, i) => valueInfo(name, inputs[i]!)),
        outputs: final.map((name, i) => valueInfo(name, outputs[i]!)),
      },
      captures: [...needed],
    };
  }

  /**
   * Outputs that the runtime gets right: each the output of a node of this graph, or one of its
   * inputs where `direct` says so, and none given twice. Others go through an Identity.
   */
  separate(outputs: readonly Value[], direct: boolean): Value[] {
    const used = new Set<Value>();
    return outputs.map((name) => {
      const plain = this.#own.has(name) || (direct && this.#inputs.has(name));
      if (!plain || used.has(name)) {
        name = this.#append("Identity", [name], 1, undefined, [])[0]!;
      }
      used.add(name);
      return name;
    });
  }
}

function valueInfo(name: string, { dtype, shape }: SubgraphInput): ValueInfo {
  return { name, type: dtype, shape };
}

function toAttribute(
  op: string,
  key: string,
  value: Exclude<LowerAttribute, Subgraph>,
): Attribute {
  if (typeof value === "string") return { string: value };
  if (typeof value === "number") {
    if (!Number.isInteger(value)) {
      throw new InternalError(
        `lowering: attribute ${key} of ${op} is ${value}: a float is { float }`,
      );
    }
    return { int: value };
  }
  return "float" in value ? value : { ints: value };
}

/**
 * Builds a model: `build` adds the nodes and gives the outputs.
 *
 * Values that nothing reads are dropped; inputs all stay, in order.
 */
export function buildModel(options: {
  /** Where it is going to run. */
  readonly target: Target;
  /** Name of the main graph. */
  readonly name: string;
  /** The inputs. */
  readonly inputs: readonly Port[];
  /** The outputs that `build` gives. */
  readonly outputs: readonly Port[];
  /** Free-form notes to store in the model. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** See `Lowering.isOpen`; no length is where left out. */
  readonly isOpen?: ((length: number) => boolean) | undefined;
  /** Adds the nodes. */
  readonly build: (g: ProgramLowering, inputs: Value[]) => Value[];
}): Model {
  const shared = new Shared(options.target, options.isOpen ?? (() => false));
  const inputs = options.inputs.map((p, i) => shared.reserve(p.name, `input_${i}`));
  const wanted = options.outputs.map((p, i) => shared.reserve(p.name, `output_${i}`));
  inputs.forEach((name, i) => shared.types.set(name, options.inputs[i]!.dtype));
  const g = new GraphBuilder(shared, null, inputs);
  const results = options.build(g, [...inputs]);
  if (results.length !== wanted.length) {
    throw new InternalError(`lowering: ${results.length} outputs, not ${wanted.length}`);
  }
  const outputs = g.separate(results, false);
  const { nodes: alive, needed } = live(g.built, outputs);
  const nodes = fuse(alive, outputs, (value) => shared.avals.get(value));
  const renamed = new Map(outputs.map((name, i) => [name, wanted[i]!]));
  return {
    graph: {
      name: options.name === "" ? "program" : options.name,
      nodes: finishNodes(nodes, renamed),
      initializers: [...shared.tensors.values()].filter((t) => needed.has(t.name)),
      inputs: inputs.map((name, i) => valueInfo(name, options.inputs[i]!)),
      outputs: wanted.map((name, i) => valueInfo(name, options.outputs[i]!)),
    },
    opset,
    producer: "injax",
    ...(shared.domains.size > 0 && { domains: [...shared.domains] }),
    ...(options.metadata !== undefined && { metadata: options.metadata }),
  };
}
