/**
 * Layers: objects with weights and state, which `init` makes and `pureFn` takes as arguments.
 *
 * @module
 */
import {
  checkCall,
  currentTrace,
  describeValue,
  type OptionTable,
  reader,
  type Trace,
} from "../../lib/extend.ts";
import {
  type NDArray,
  random,
  type ShapeDtype,
  ShapeError,
  StateError,
  treeLeaves,
} from "../../mod.ts";
import { ofInputs } from "../inputs.ts";
import { type BackwardArguments, withBackward } from "./backward.ts";
import {
  entryOf,
  type KeyOf,
  type Kind,
  open,
  placeOf,
  placesOf,
  protocol,
  type Scope,
  scopeNow,
  streamsOf,
  synchronous,
  transforms,
  within,
} from "./context.ts";
import { drawn, explaining, type Frame, frameOf, keysOf, missingKey, running } from "./frames.ts";
import {
  checkSignature,
  listOf,
  packaged,
  shown,
  type Signature,
  type Tensors,
} from "./tensors.ts";
import { asArrays, gathered, sameValues, spread, type Values } from "./values.ts";

/** Options of `Layer`. */
export interface LayerOptions {
  /** Number of inputs (default 1). */
  readonly nIn?: number | undefined;
  /** Number of outputs (default 1). */
  readonly nOut?: number | undefined;
  /** Name, for places and messages (default: that of the class). */
  readonly name?: string | undefined;
  /** The layers that it uses. One that is used in two places has one set of weights. */
  readonly sublayers?: readonly AnyLayer[] | undefined;
}

const layerOptions: OptionTable<LayerOptions> = {
  nIn: "count",
  nOut: "count",
  name: "string",
  sublayers: "object",
};

/** A layer, whatever it takes and gives. */
export type AnyLayer = Layer<Tensors, Tensors>;

/** What to run a layer with, in place of what it holds. */
export interface CallOptions {
  /** Weights. */
  readonly weights?: Values;
  /** State before. */
  readonly state?: Values;
  /** The key of all that is random. */
  readonly rng?: NDArray | undefined;
}

const callOptions: OptionTable<CallOptions> = { rng: "object", weights: "object", state: "object" };

/**
 * A layer. A class of one's own has `forward`, and `initWeightsAndState` where it has weights or state:
 * there it assigns them, to `this.weights` and `this.state`, and elsewhere it reads them; `this.rng` is a
 * key of its own. Layers that it uses are given as `sublayers`, called with `layer.call(x)`, and initialised
 * with `layer.init(signature)`.
 *
 * `I` is what it takes and `O` what it gives: an array, or a list of arrays.
 *
 * @example
 * ```ts
 * import { fixedPoint, type NDArray, numpy as np, random, type ShapeDtype } from "@injax/injax";
 * import * as tl from "@injax/injax/adapters/trax";
 *
 * class Deq extends tl.Layer {
 *   readonly cell: tl.Layer;
 *   constructor(units: number) {
 *     const cell = tl.Dense(units);
 *     super({ sublayers: [cell] });
 *     this.cell = cell;
 *   }
 *   override initWeightsAndState(x: ShapeDtype): void {
 *     this.cell.init(x);
 *   }
 *   override forward(x: NDArray): NDArray {
 *     const step = (z: NDArray) => np.tanh(this.cell.call(z).mul(0.5).add(x));
 *     return fixedPoint(step, np.zerosLike(x), { transforms: tl.transforms }).value;
 *   }
 * }
 * const x = np.ones([4]);
 * const model = new Deq(4);
 * const [weights, state] = model.init(tl.signature(x), random.key(0));
 * console.log(model.pureFn(x, weights, state)[0].shape); // [ 4 ]
 * ```
 */
export abstract class Layer<I extends Tensors = NDArray, O extends Tensors = NDArray> {
  /** Number of inputs. */
  readonly nIn: number;
  /** Number of outputs. */
  readonly nOut: number;
  /** Name, for places and messages. */
  readonly name: string;
  /** The layers that it uses. */
  readonly sublayers: readonly AnyLayer[];
  readonly #home: Trace = currentTrace();
  #own: Readonly<Record<Kind, Values>> = { weights: [], state: [] };

  /** Makes a layer without weights. */
  constructor(options: LayerOptions = {}) {
    checkCall("new tl.Layer(options)", arguments, layerOptions);
    const { nIn = 1, nOut = 1, name = new.target.name, sublayers = [] } = options;
    for (const [what, n] of [["nIn", nIn], ["nOut", nOut]] as const) {
      if (Number.isInteger(n) && n >= 0) continue;
      throw new ShapeError(`tl.Layer: ${what} must be a number of arrays, not ${describeValue(n)}`);
    }
    sublayers.forEach((layer, i) => {
      if (layer instanceof Layer) return;
      throw new TypeError(`${name}: sublayer ${i} must be a layer, not ${describeValue(layer)}`);
    });
    this.nIn = nIn;
    this.nOut = nOut;
    this.name = name;
    this.sublayers = [...sublayers];
  }

  /** What the layer computes. */
  abstract forward(inputs: I): O;

  /** Makes weights and state for inputs like these, by assigning them. */
  initWeightsAndState(_signature: Signature): void {}

  /** Whether the layer has a gradient of its own, `backward`. */
  get hasBackward(): boolean {
    return false;
  }

  /** The gradient by inputs and weights, of the same structures, from that by the output. */
  backward(_args: BackwardArguments<I, O>): readonly [inputs: I, weights: Values] {
    throw new StateError(`${this.name}: a layer with hasBackward needs a method backward`);
  }

  /** The weights, as they are. */
  get weights(): Values {
    return this.#read("weights");
  }

  set weights(values: Values) {
    this.#write("weights", values);
  }

  /** The state, as it is. */
  get state(): Values {
    return this.#read("state");
  }

  set state(values: Values) {
    this.#write("state", values);
  }

  /**
   * The key of this run of the layer, the same one each time.
   *
   * @throws {StateError} where there is none.
   */
  get rng(): NDArray {
    const frame = frameOf(this);
    if (frame === undefined) {
      throw new StateError(
        `${this.name}.rng: a layer has a key while it runs or is initialised; none is running`,
      );
    }
    const op = `${this.name}.rng`;
    return frame.key === null ? drawn(op, frame) : frame.key(op);
  }

  #read(kind: Kind): Values {
    const frame = frameOf(this);
    if (frame !== undefined && frame.made !== null) return frame.made[kind] ?? [];
    if (kind === "weights" && frame !== undefined && "weights" in frame) return frame.weights!;
    if (this.sublayers.length > 0) return gathered(this as AnyLayer, (layer) => layer.#leaf(kind));
    return this.#leaf(kind);
  }

  #leaf(kind: Kind): Values {
    const path = placeOf(this);
    if (path === undefined) return this.#held()[kind];
    return protocol.need(`${kind} of ${path}`).get(entryOf(kind, path)) ?? [];
  }

  #write(kind: Kind, values: Values): void {
    const frame = frameOf(this);
    if (frame !== undefined && frame.made !== null) frame.made[kind] = values;
    else spread(this as AnyLayer, kind, values, (layer, own) => layer.#assign(kind, own));
  }

  #assign(kind: Kind, values: Values): void {
    const path = placeOf(this);
    if (path !== undefined) {
      const context = protocol.need(`${kind} of ${path}`);
      if (kind === "weights" && scopeNow()!.keeps === "pure" && !context.initializing) {
        throw new StateError(
          `${path}: weights are set inside pureFn or call, which give the state alone, so that they would ` +
            "be lost. Use tl.withLayers, or return them",
        );
      }
      const key = entryOf(kind, path);
      const arrays = asArrays(`${kind} of ${path}`, values);
      if (treeLeaves(arrays).length > 0 || context.has(key)) context.set(key, arrays);
      return;
    }
    this.#keep(kind, values);
  }

  #keep(kind: Kind, values: Values): void {
    if (sameValues(this.#own[kind], values)) return;
    if (currentTrace() !== this.#home) {
      throw new StateError(
        `${this.name}: the ${kind} would be set inside a transform, and keep a traced value when that is over. ` +
          "Take state from layer.pureFn, call layer.init outside, or run with tl.withLayers(layer, () => ...) " +
          "and tl.transforms",
      );
    }
    this.#own = { ...this.#own, [kind]: asArrays(`${kind} of ${this.name}`, values) };
  }

  /** What the object holds: a program of a pure `jit` depends on it. */
  #held(): Readonly<Record<Kind, Values>> {
    return reader()?.(this, () => this.#own, this.#home) ?? this.#own;
  }

  /**
   * Makes weights and state for inputs of a signature: of this layer and all of its sublayers, each once.
   * Inside of another layer's `initWeightsAndState`, for that.
   *
   * @param rng The key from which random values are drawn: split by sublayer, as the layers are.
   * @throws {StateError} where it would be lost, inside `pureFn`; where a random value needs a key.
   */
  init(signature: Signature, rng?: NDArray): [weights: Values, state: Values] {
    if (arguments.length > 2) checkCall("layer.init(signature, rng)", arguments);
    checkSignature(this.name, signature);
    const layer = this as AnyLayer;
    const scope = scopeNow();
    if (scope !== null && placeOf(layer) !== undefined) {
      this.#initHere(signature, scope, rng);
      return [this.weights, this.state];
    }
    const keys = new Map<AnyLayer, KeyOf>();
    if (rng !== undefined) keysOf(layer, () => rng, keys);
    const paths = placesOf([layer]);
    const context = open({ paths, keeps: "pure", keys }, {
      initializing: true,
      streams: streamsOf(rng),
    });
    protocol.run(context, () => this.#initHere(signature, scopeNow()!, rng));
    const made = protocol.run(context, (): [Values, Values] => [this.weights, this.state]);
    for (const [own, path] of paths) {
      if (own.sublayers.length > 0) continue;
      own.#keep("weights", context.get(entryOf("weights", path)) ?? []);
      own.#keep("state", context.get(entryOf("state", path)) ?? []);
    }
    return made;
  }

  /** Makes what is not there yet, in the open context. */
  #initHere(signature: Signature, scope: Scope, rng: NDArray | undefined): void {
    const path = placeOf(this)!;
    const context = protocol.need(`${path}.init`);
    const given = scope.keys?.get(this as AnyLayer);
    const key = rng !== undefined ? () => rng : given ?? null;
    const frame = (made: Frame["made"]): Frame => ({
      layer: this as AnyLayer,
      key: context.initializing ? key ?? missingKey : key,
      drawn: [],
      made,
    });
    const make = (made: Frame["made"]): void =>
      running(
        frame(made),
        () =>
          explaining(
            path,
            "init",
            signature,
            () =>
              synchronous(`${this.name}.initWeightsAndState`, this.initWeightsAndState(signature)),
          ),
      );
    if (this.sublayers.length > 0) return make(null);
    if (this.initWeightsAndState === Layer.prototype.initWeightsAndState) return;
    if (context.has(entryOf("weights", path))) return;
    if (!context.initializing && scope.keeps === "pure") {
      throw new StateError(
        `${path}.init: weights that are made inside pureFn or call would be lost, since these give the state ` +
          "alone. Initialise the layer before, or use tl.withLayers",
      );
    }
    // Once, for both entries, wherever their initial values are made.
    let made: Partial<Record<Kind, Values>> | null = null;
    const value = (kind: Kind) => (): unknown => {
      if (made === null) make(made = {});
      return asArrays(`${kind} of ${path}`, made[kind] ?? []);
    };
    context.create(entryOf("weights", path), value("weights"));
    context.create(entryOf("state", path), value("state"));
  }

  /**
   * The layer as a pure function: `[outputs, state after]`. What the object holds is not looked at, and
   * stays what it was.
   *
   * @throws {StateError} where weights or state do not fit the layers.
   */
  pureFn(inputs: I, weights: Values, state: Values, rng?: NDArray): [outputs: O, state: Values] {
    if (arguments.length > 4) checkCall("layer.pureFn(inputs, weights, state, rng)", arguments);
    const layer = this as AnyLayer;
    const paths = placesOf([layer]);
    const entries: Record<string, unknown> = {};
    const put = (kind: Kind) => (own: AnyLayer, values: Values): void => {
      const key = entryOf(kind, paths.get(own)!);
      if (treeLeaves(values).length > 0 && !Object.hasOwn(entries, key)) entries[key] = values;
    };
    spread(layer, "weights", weights, put("weights"));
    spread(layer, "state", state, put("state"));
    const context = open({ paths, keeps: "pure", keys: null }, {
      entries,
      streams: streamsOf(rng),
    });
    return protocol.run(context, () => {
      const outputs = this.run(inputs, rng === undefined ? null : () => rng);
      return [outputs, this.state];
    });
  }

  /**
   * Runs the layer. Inside of another one that has it as a sublayer: with the weights and state that are
   * current there. Else with those that the object holds, which then holds the state after.
   *
   * @throws {StateError} where its state would be set inside a transform of somebody else; where it is used
   * inside a layer that does not have it as a sublayer.
   */
  call(inputs: I, options: CallOptions = {}): O {
    if (arguments.length > 1) checkCall("layer.call(inputs, options)", arguments, callOptions);
    const { rng } = options;
    const isOwn = options.weights === undefined && options.state === undefined;
    const scope = scopeNow();
    if (isOwn && placeOf(this) !== undefined) {
      return this.run(inputs, rng === undefined ? null : () => rng);
    }
    const { weights = this.weights, state = this.state } = options;
    if (scope !== null && isOwn && treeLeaves([weights, state]).length > 0) {
      throw new StateError(
        `${this.name}: it is used inside ${
          [...scope.paths.values()][0]
        }, but is none of its sublayers, so that its weights would not be among those of the model. Pass it to the ` +
          "constructor of that layer, super({ sublayers: [...] }), or run with tl.withLayers",
      );
    }
    const [outputs, after] = this.pureFn(inputs, weights, state, rng);
    spread(this as AnyLayer, "state", after, (layer, values) => layer.#keep("state", values));
    return outputs;
  }

  /** Runs the layer in the open context. For combinators; `key` gives what is `this.rng` then. */
  run(inputs: I, key: KeyOf | null): O {
    const path = placeOf(this) ?? this.name;
    return explaining(path, "forward", inputs, () => {
      const given = listOf(inputs as Tensors);
      if (given.length !== this.nIn) {
        throw new ShapeError(
          `${this.name} takes ${this.nIn} array${
            this.nIn === 1 ? "" : "s"
          }, but was given ${given.length}`,
        );
      }
      const layer = this as AnyLayer;
      const frame: Frame = { layer, key, drawn: [], made: null };
      const out = running(
        frame,
        () => this.hasBackward ? withBackward(this, inputs, frame) : this.#forward(inputs),
      );
      if (listOf(synchronous(`${this.name}.forward`, out) as Tensors).length !== this.nOut) {
        throw new ShapeError(
          `${this.name} promises ${this.nOut} array${
            this.nOut === 1 ? "" : "s"
          } (nOut), but forward gave ${shown(out)}`,
        );
      }
      return out;
    });
  }

  #forward(inputs: I): O {
    try {
      return this.forward(inputs);
    } catch (error) {
      throw ofInputs(`${this.name}.forward`, [inputs], error);
    }
  }

  /** Shapes and dtypes of what the layer gives for inputs of a signature. */
  outputSignature(signature: Signature): Signature {
    if (arguments.length > 1) checkCall("layer.outputSignature(signature)", arguments);
    checkSignature(this.name, signature);
    const layer = this as AnyLayer;
    const shapes = (): Signature =>
      packaged(
        transforms.evalShape(
          (...xs: NDArray[]) => listOf(layer.run(packaged(xs), () => random.key(0))) as NDArray[],
          ...listOf(signature),
        ) as ShapeDtype[],
      );
    if (placeOf(layer) !== undefined) return shapes();
    const paths = placesOf([layer]);
    const entries: Record<string, unknown> = {};
    for (const [own, path] of paths) {
      if (own.sublayers.length > 0) continue;
      for (const kind of ["weights", "state"] as const) {
        entries[entryOf(kind, path)] = own.#held()[kind];
      }
    }
    return protocol.run(open({ paths, keeps: "pure", keys: null }, { entries }), shapes);
  }

  /** The layer with its sublayers. */
  toString(): string {
    const io = `${this.nIn === 1 ? "" : `_in${this.nIn}`}${
      this.nOut === 1 ? "" : `_out${this.nOut}`
    }`;
    if (this.sublayers.length === 0) return this.name + io;
    const inner = this.sublayers.map((l) => `  ${String(l).replaceAll("\n", "\n  ")}`);
    return `${this.name}${io}[\n${inner.join("\n")}\n]`;
  }

  /** Runs `f` with what layers hold in an open context, and has them keep what is there afterwards. */
  static within<T>(layers: readonly AnyLayer[], f: () => T, rng: NDArray | undefined): T {
    const paths = placesOf(layers);
    const entries: Record<string, unknown> = {};
    for (const [layer, path] of paths) {
      if (layer.sublayers.length > 0) continue;
      for (const kind of ["weights", "state"] as const) {
        const values = layer.#held()[kind];
        if (treeLeaves(values).length > 0) entries[entryOf(kind, path)] = values;
      }
    }
    const context = open({ paths, keeps: "objects", keys: null }, {
      entries,
      streams: streamsOf(rng),
    });
    const out = within("tl.withLayers", context, f);
    for (const [layer, path] of paths) {
      if (layer.sublayers.length > 0) continue;
      for (const kind of ["weights", "state"] as const) {
        layer.#keep(kind, context.get(entryOf(kind, path)) ?? []);
      }
    }
    return out;
  }
}
