/**
 * Which layers are running, with which keys.
 *
 * @module
 */
import {
  type Context,
  type KeyStream,
  type NDArray,
  random,
  StateError,
  traceIdentity,
} from "../../mod.ts";
import { type KeyOf, type Kind, type LayerNode, protocol, stream } from "./context.ts";
import { shown } from "./tensors.ts";
import type { Values } from "./values.ts";

/** A layer that is running, or making its values. */
export interface Frame {
  readonly layer: LayerNode;
  /** Gives the layer's key. */
  readonly key: KeyOf | null;
  /** Keys that were drawn for it, by context. */
  readonly drawn: { readonly context: Context; readonly key: NDArray }[];
  /** What it makes, where it makes its values. */
  readonly made: Partial<Record<Kind, Values>> | null;
  /** Weights in the place of its own. */
  readonly weights?: Values;
}

const frames: Frame[] = [];

/** The innermost run of a layer. */
export function frameOf(layer: LayerNode): Frame | undefined {
  return frames.findLast((f) => f.layer === layer);
}

/** Runs `f` as part of a layer's run. */
export function running<T>(frame: Frame, f: () => T): T {
  frames.push(frame);
  try {
    return f();
  } finally {
    frames.pop();
  }
}

const annotated = new WeakSet<Error>();

/** Keys of initial values: split by sublayer, so that the last place of a layer counts. */
export function keysOf(layer: LayerNode, key: KeyOf, keys: Map<LayerNode, KeyOf>): void {
  keys.set(layer, key);
  const part = partsOf(key, layer.sublayers.length);
  layer.sublayers.forEach((sub, i) => keysOf(sub, part(i), keys));
}

/** The keys into which a key is split, when the first of them is asked for: once in each trace. */
export function partsOf(key: KeyOf, n: number): (i: number) => KeyOf {
  let trace: object | null = null;
  let keys: NDArray | null = null;
  return (i) => (op) => {
    const now = traceIdentity();
    if (keys === null || trace !== now) [keys, trace] = [random.split(key(op), n), now];
    return keys.at(i);
  };
}

/** For layers that are initialised without a key. */
export function missingKey(op: string): NDArray {
  throw new StateError(
    `${op}: initial values are random, so a key is needed. Write layer.init(signature, random.key(0))`,
  );
}

/** A key for a run that was given none: drawn once, in the context where it was asked for first. */
export function drawn(op: string, frame: Frame): NDArray {
  const context = protocol.need(op);
  const within: Context[] = [];
  for (let at: Context | null = context; at !== null; at = at.parent) {
    const known = frame.drawn.find((d) => d.context === at);
    if (known === undefined) {
      within.push(at);
      continue;
    }
    // Rules that run later have those within, and no longer what is further out.
    for (const inner of within) frame.drawn.push({ context: inner, key: known.key });
    return known.key;
  }
  const s = context.draw(stream) as KeyStream | undefined;
  if (s === undefined) {
    throw new StateError(
      `${op}: a key is needed. Pass it to layer.call(x, { rng }), layer.pureFn(x, weights, state, rng) or ` +
        "tl.withLayers(layers, f, { rng })",
    );
  }
  const key = random.foldIn(s.key, s.count);
  frame.drawn.push({ context, key });
  return key;
}

/** Runs `f`; an error says in which layer it happened. */
export function explaining<T>(path: string, what: string, inputs: unknown, f: () => T): T {
  try {
    return f();
  } catch (error) {
    if (error instanceof Error && !annotated.has(error)) {
      annotated.add(error);
      error.message += `\n  in ${what} of the layer ${path}, for ${shown(inputs)}`;
    }
    throw error;
  }
}
