/**
 * The program that is run to find out whether a runtime can run programs: `y = -x`.
 *
 * @module
 */
import { encodeModel } from "../onnx/model.ts";

const port = (name: string) => ({ name, type: "float32", shape: [1] }) as const;

/** Its bytes. */
export const trial: Uint8Array = encodeModel({
  opset: 21,
  graph: {
    name: "trial",
    nodes: [{ op: "Neg", inputs: ["x"], outputs: ["y"] }],
    initializers: [],
    inputs: [port("x")],
    outputs: [port("y")],
  },
});

/** What to give it. */
export const trialInput: Float32Array<ArrayBuffer> = /* @__PURE__ */ new Float32Array([3]);

/** What it must give. */
export const trialOutput = -3;
