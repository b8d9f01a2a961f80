/**
 * The graphs that somebody who knows ONNX Runtime well would write by hand for the problems: what
 * the library's own graphs are measured against.
 *
 * Invariant work is outside of loops, products that belong together are one product, additions to
 * a product are Gemm's, loops carry what they must and no more, and a step of gradient descent is
 * the epilogue of the product that gives the gradient.
 *
 * @module
 */
import {
  type Attribute,
  encodeModel,
  type Graph,
  type Node,
  type OnnxType,
  type Tensor,
  type ValueInfo,
} from "../lib/onnx/model.ts";
import { deq, loop, mlp, rnn } from "./problems.ts";

/** A model, ready for the runtime. */
export interface HandModel {
  /** The protobuf bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Shapes of the inputs by name. All are float32. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
}

type Attributes = Readonly<Record<string, Attribute>>;

/** A graph being written down. Names are unique over a graph and its bodies. */
class Sketch {
  readonly nodes: Node[] = [];
  readonly initializers: Tensor[] = [];
  readonly #count: { value: number };

  constructor(parent?: Sketch) {
    this.#count = parent === undefined ? { value: 0 } : parent.#count;
  }

  /** A new name. */
  name(): string {
    return `t${this.#count.value++}`;
  }

  /** Adds a node of several outputs. */
  many(op: string, inputs: readonly string[], count: number, attributes?: Attributes): string[] {
    const outputs = Array.from({ length: count }, () => this.name());
    this.nodes.push({ op, inputs, outputs, ...(attributes !== undefined && { attributes }) });
    return outputs;
  }

  /** Adds a node of one output. */
  add(op: string, inputs: readonly string[], attributes?: Attributes): string {
    return this.many(op, inputs, 1, attributes)[0]!;
  }

  constant(type: OnnxType, shape: readonly number[], data: ArrayBufferView): string {
    const name = this.name();
    this.initializers.push({ name, type, shape, data });
    return name;
  }

  float(value: number): string {
    return this.constant("float32", [], Float32Array.of(value));
  }

  ints(...values: readonly number[]): string {
    return this.constant("int64", [values.length], BigInt64Array.from(values.map(BigInt)));
  }

  /** The body of a loop. `build` gives the outputs' names for the inputs' names. */
  body(
    inputs: readonly (readonly [OnnxType, readonly number[]])[],
    outputs: readonly (readonly [OnnxType, readonly number[]])[],
    build: (g: Sketch, inputs: string[]) => readonly string[],
  ): Attribute {
    const g = new Sketch(this);
    const names = inputs.map(() => this.name());
    const results = build(g, names);
    return { graph: g.graph(ports(inputs, names), ports(outputs, results)) };
  }

  graph(inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): Graph {
    const { nodes, initializers } = this;
    return { name: this.name(), nodes, initializers, inputs, outputs };
  }

  /** A model with float32 inputs and outputs. */
  model(
    inputs: Readonly<Record<string, readonly number[]>>,
    outputs: readonly (readonly [string, readonly number[]])[],
  ): HandModel {
    const bytes = encodeModel({
      graph: this.graph(
        Object.entries(inputs).map(([name, shape]) => ({ name, type: "float32", shape })),
        outputs.map(([name, shape]) => ({ name, type: "float32", shape })),
      ),
      opset: 21,
    });
    return { bytes, inputs };
  }
}

function ports(
  types: readonly (readonly [OnnxType, readonly number[]])[],
  names: readonly string[],
): ValueInfo[] {
  return types.map(([type, shape], i) => ({ name: names[i]!, type, shape }));
}

const COUNTER = ["int64", []] as const;
const FLAG = ["bool", []] as const;

/** From `a`, `b` of four elements to their sum. */
export function addModel(): HandModel {
  const g = new Sketch();
  return g.model({ a: [4], b: [4] }, [[g.add("Add", ["a", "b"]), [4]]]);
}

/** From two square matrices to their product. */
export function matmulModel(n: number): HandModel {
  const g = new Sketch();
  return g.model({ a: [n, n], b: [n, n] }, [[g.add("MatMul", ["a", "b"]), [n, n]]]);
}

/** A convolution over `x` with the kernel `w`, along two axes, with zeros around. */
export function convolutionModel(
  x: readonly number[],
  w: readonly number[],
  groups: number,
): HandModel {
  const g = new Sketch();
  const around = w.slice(2).map((n) => (n - 1) / 2);
  const y = g.add("Conv", ["x", "w"], {
    group: { int: groups },
    pads: { ints: [...around, ...around] },
  });
  return g.model({ x, w }, [[y, [x[0]!, w[0]!, ...x.slice(2)]]]);
}

/** The largest of each 2 x 2 elements of `x`. */
export function poolingModel(x: readonly number[]): HandModel {
  const g = new Sketch();
  const y = g.add("MaxPool", ["x"], { kernel_shape: { ints: [2, 2] }, strides: { ints: [2, 2] } });
  return g.model({ x }, [[y, [x[0]!, x[1]!, x[2]! / 2, x[3]! / 2]]]);
}

/** Shapes of the parameters of `mlpModel`, weight and bias of each layer. */
export function mlpShapes(): [string, readonly number[]][] {
  const [d, h, k, c] = mlp.sizes;
  return [["w0", [d, h]], ["b0", [h]], ["w1", [h, k]], ["b1", [k]], ["w2", [k, c]], ["b2", [c]]];
}

/** One step of gradient descent: from parameters, `x` and `y` to new parameters and the loss. */
export function mlpModel(): HandModel {
  const g = new Sketch();
  const { batch, sizes, rate } = mlp;
  const [d, , , c] = sizes;
  const zero = g.float(0);
  const first = g.ints(0);
  const h0 = g.add("Relu", [g.add("Gemm", ["x", "w0", "b0"])]);
  const h1 = g.add("Relu", [g.add("Gemm", [h0, "w1", "b1"])]);
  const logits = g.add("Gemm", [h1, "w2", "b2"]);
  const logp = g.add("LogSoftmax", [logits], { axis: { int: -1 } });
  const entropy = g.add("ReduceSum", [g.add("Mul", ["y", logp])], { keepdims: { int: 0 } });
  const loss = g.add("Mul", [entropy, g.float(-1 / batch)]);
  const step = g.float(rate / batch);

  // Cotangents come out scaled by -rate already, so that a gradient adds to its parameter.
  const p = g.add("Exp", [logp]);
  const d2 = g.add("Mul", [g.add("Sub", ["y", p]), step]);
  const back = (delta: string, w: string, h: string): string => {
    const full = g.add("Gemm", [delta, w], { transB: { int: 1 } });
    return g.add("Where", [g.add("Greater", [h, zero]), full, zero]);
  };
  const d1 = back(d2, "w2", h1);
  const d0 = back(d1, "w1", h0);
  const outputs = [["x", d0], [h0, d1], [h1, d2]].flatMap(([h, delta], i) => [
    g.add("Gemm", [h!, delta!, `w${i}`], { transA: { int: 1 } }),
    g.add("Add", [
      `b${i}`,
      g.add("ReduceSum", [delta!, first], { keepdims: { int: 0 } }),
    ]),
  ]);
  const shapes = mlpShapes();
  return g.model({ ...Object.fromEntries(shapes), x: [batch, d], y: [batch, c] }, [
    ...shapes.map(([, shape], i) => [outputs[i]!, shape] as const),
    [loss, []],
  ]);
}

const deqInputs = {
  w: [deq.d, deq.d],
  u: [deq.d, deq.d],
  b: [deq.d],
  x: [deq.batch, deq.d],
} as const;

/** The fixed point of the layer, as a Loop that tests the change on every iteration. */
export function deqModel(): HandModel {
  const g = new Sketch();
  const shape = [deq.batch, deq.d];
  const c = g.add("Gemm", ["x", "u", "b"]);
  const bound = g.float(deq.tolerance ** 2);
  const z0 = g.constant("float32", shape, new Float32Array(deq.batch * deq.d));
  const state = ["float32", shape] as const;
  const body = g.body([COUNTER, FLAG, state], [FLAG, state], (g, [, , z]) => {
    const next = g.add("Tanh", [g.add("Gemm", [z!, "w", c])]);
    const change = g.add("ReduceSumSquare", [g.add("Sub", [next, z!])], { keepdims: { int: 0 } });
    return [g.add("Greater", [change, bound]), next];
  });
  const z = g.add(
    "Loop",
    [g.constant("int64", [], BigInt64Array.of(BigInt(deq.maxSteps))), "", z0],
    {
      body,
    },
  );
  return g.model(deqInputs, [[z, shape]]);
}

/**
 * The gradient of the sum of squares after `maxSteps` steps, with respect to `w`, `u` and `b`, and
 * that sum; unrolled. The products that give the gradients are one product over all steps.
 */
export function deqGradientModel(): HandModel {
  const g = new Sketch();
  const { d, maxSteps } = deq;
  const c = g.add("Gemm", ["x", "u", "b"]);
  const one = g.float(1);
  const states: string[] = [g.add("Tanh", [c])];
  while (states.length < maxSteps) {
    states.push(g.add("Tanh", [g.add("Gemm", [states.at(-1)!, "w", c])]));
  }
  const value = g.add("ReduceSumSquare", [states.at(-1)!], { keepdims: { int: 0 } });
  const transposed = g.add("Transpose", ["w"]);
  const deltas: string[] = new Array(maxSteps);
  let dz = g.add("Add", [states.at(-1)!, states.at(-1)!]);
  for (let k = maxSteps - 1; k >= 0; k--) {
    const z = states[k]!;
    deltas[k] = g.add("Mul", [dz, g.add("Sub", [one, g.add("Mul", [z, z])])]);
    if (k > 0) dz = g.add("MatMul", [deltas[k]!, transposed]);
  }
  const before = g.add("Concat", states.slice(0, -1), { axis: { int: 0 } });
  const after = g.add("Concat", deltas.slice(1), { axis: { int: 0 } });
  const dw = g.add("Gemm", [before, after], { transA: { int: 1 } });
  const dc = g.add("Sum", deltas);
  const du = g.add("Gemm", ["x", dc], { transA: { int: 1 } });
  const db = g.add("ReduceSum", [dc, g.ints(0)], { keepdims: { int: 0 } });
  return g.model(deqInputs, [[value, []], [dw, [d, d]], [du, [d, d]], [db, [d]]]);
}

const rnnInputs = {
  w: [rnn.hidden, rnn.hidden],
  u: [rnn.inputs, rnn.hidden],
  b: [rnn.hidden],
  x: [rnn.steps, rnn.inputs],
} as const;

const rnnState = ["float32", [1, rnn.hidden]] as const;

/** The last state of the network, as a Scan over inputs that are projected all at once. */
export function rnnModel(): HandModel {
  const g = new Sketch();
  const { hidden, steps } = rnn;
  const projected = g.add("Reshape", [
    g.add("Gemm", ["x", "u", "b"]),
    g.ints(steps, 1, hidden),
  ]);
  const body = g.body([rnnState, rnnState], [rnnState], (g, [h, x]) => {
    return [g.add("Tanh", [g.add("Gemm", [h!, "w", x!])])];
  });
  const h0 = g.constant("float32", [1, hidden], new Float32Array(hidden));
  const h = g.add("Scan", [h0, projected], { body, num_scan_inputs: { int: 1 } });
  return g.model(rnnInputs, [[h, [1, hidden]]]);
}

/**
 * The mean over steps of the sum of squares of the states, and its gradient with respect to `w`,
 * `u` and `b`: a Scan forwards, one backwards, and one product for each gradient.
 */
export function rnnGradientModel(): HandModel {
  const g = new Sketch();
  const { hidden, steps, inputs } = rnn;
  const projected = g.add("Reshape", [
    g.add("Gemm", ["x", "u", "b"]),
    g.ints(steps, 1, hidden),
  ]);
  const forward = g.body([rnnState, rnnState], [rnnState, rnnState], (g, [h, x]) => {
    const next = g.add("Tanh", [g.add("Gemm", [h!, "w", x!])]);
    return [next, g.add("Identity", [next])];
  });
  const h0 = g.constant("float32", [1, hidden], new Float32Array(hidden));
  const [, hs] = g.many("Scan", [h0, projected], 2, {
    body: forward,
    num_scan_inputs: { int: 1 },
  });
  const total = g.add("ReduceSumSquare", [hs!], { keepdims: { int: 0 } });
  const value = g.add("Mul", [total, g.float(1 / steps)]);
  const direct = g.add("Mul", [hs!, g.float(2 / steps)]);
  const slope = g.add("Sub", [g.float(1), g.add("Mul", [hs!, hs!])]);
  const transposed = g.add("Transpose", ["w"]);
  // The carry is all that arrives at a state: what comes from later steps is added by the product.
  const last = g.add("Slice", [direct, g.ints(steps - 1), g.ints(steps), g.ints(0)]);
  const earlier = g.add("Concat", [
    g.constant("float32", [1, 1, hidden], new Float32Array(hidden)),
    g.add("Slice", [direct, g.ints(0), g.ints(steps - 1), g.ints(0)]),
  ], { axis: { int: 0 } });
  const backward = g.body(
    [rnnState, rnnState, rnnState],
    [rnnState, rnnState],
    (g, [arriving, earlier, slope]) => {
      const delta = g.add("Mul", [arriving!, slope!]);
      return [g.add("Gemm", [delta, transposed, earlier!]), delta];
    },
  );
  const start = g.add("Reshape", [last, g.ints(1, hidden)]);
  const [, stacked] = g.many("Scan", [start, earlier, slope], 2, {
    body: backward,
    num_scan_inputs: { int: 2 },
    scan_input_directions: { ints: [1, 1] },
    scan_output_directions: { ints: [1] },
  });
  const deltas = g.add("Reshape", [stacked!, g.ints(steps, hidden)]);
  const flat = g.add("Reshape", [hs!, g.ints(steps, hidden)]);
  const before = g.add("Slice", [flat, g.ints(0), g.ints(steps - 1), g.ints(0)]);
  const after = g.add("Slice", [deltas, g.ints(1), g.ints(steps), g.ints(0)]);
  const dw = g.add("Gemm", [before, after], { transA: { int: 1 } });
  const du = g.add("Gemm", ["x", deltas], { transA: { int: 1 } });
  const db = g.add("ReduceSum", [deltas, g.ints(0)], { keepdims: { int: 0 } });
  return g.model(rnnInputs, [
    [value, []],
    [dw, [hidden, hidden]],
    [du, [inputs, hidden]],
    [db, [hidden]],
  ]);
}

/** `z = tanh(z W + b)`, many times, as a Loop. */
export function loopModel(): HandModel {
  const g = new Sketch();
  const { n, steps } = loop;
  const state = ["float32", [n, n]] as const;
  const body = g.body([COUNTER, FLAG, state], [FLAG, state], (g, [, go, z]) => {
    return [go!, g.add("Tanh", [g.add("Gemm", [z!, "w", "b"])])];
  });
  const z = g.add("Loop", [g.constant("int64", [], BigInt64Array.of(BigInt(steps))), "", "z"], {
    body,
  });
  return g.model({ w: [n, n], b: [n], z: [n, n] }, [[z, [n, n]]]);
}
