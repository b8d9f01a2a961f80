/** What goes wrong with layers in the manner of Trax is said by name, with what to do. */
import {
  AxisError,
  fixedPoint,
  jit,
  type NDArray,
  numpy as np,
  random,
  scan,
  type ShapeDtype,
  StateError,
  type Transforms,
  vmap,
} from "../../mod.ts";
import * as tl from "../../adapters/trax/mod.ts";
import { assertClose } from "../support/arrays.ts";
import { assertEquals, assertStrictEquals, assertThrows } from "../support/assert.ts";

const key = random.key(0);
const tight = { rtol: 1e-7, atol: 1e-7 };

/** z = 0.5 tanh(cell(z) + x). */
class Deq extends tl.Layer {
  constructor(readonly cell: tl.AnyLayer, readonly transforms: Transforms = tl.transforms) {
    super({ sublayers: [cell] });
  }
  override initWeightsAndState(x: ShapeDtype): void {
    this.cell.init(x);
  }
  override forward(x: NDArray): NDArray {
    const step = (z: NDArray): NDArray => np.tanh((this.cell.call(z) as NDArray).add(x)).mul(0.5);
    return fixedPoint(step, np.zerosLike(x), { ...tight, transforms: this.transforms }).value;
  }
}

Deno.test("what would be lost, leak or belong elsewhere is refused by name", () => {
  const x = np.ones([4, 3]);
  const dense = tl.Dense(3), norm = tl.BatchNorm({ axis: 0 });
  assertThrows(() => dense.call(x), StateError, "Dense_3 has no weights yet");
  assertThrows(
    () => dense.call(x),
    StateError,
    "in forward of the layer Dense_3, for float32[4,3]",
  );
  assertThrows(
    () => dense.init(tl.signature(x)),
    StateError,
    "Dense_3.rng: initial values are random, so a key is needed",
  );
  norm.init(tl.signature(x));
  dense.init(tl.signature(x), key);
  // A raw transform may read weights, but not have state change.
  assertClose(
    jit((x: NDArray) => dense.call(x), { backend: "interpreter" })(x),
    dense.call(x),
    1e-6,
  );
  const state = norm.state;
  assertThrows(
    () => jit((x: NDArray) => norm.call(x), { backend: "interpreter" })(x),
    StateError,
    "BatchNorm: the state would be set inside a transform",
  );
  assertThrows(
    () => scan((c: NDArray) => [norm.call(c), null], x, null, { length: 2 }),
    StateError,
    "tl.withLayers",
  );
  assertStrictEquals(norm.state, state);
  class Raw extends Deq {
    override forward(x: NDArray): NDArray {
      return vmap((x: NDArray) => this.cell.call(x) as NDArray)(x);
    }
  }
  const leaking = new Raw(tl.Dense(3) as tl.AnyLayer);
  leaking.init(tl.signature(x), key);
  assertThrows(() => leaking.call(x), StateError, "Use tl.transforms instead");
  assertThrows(() => leaking.call(x), StateError, "weights of Raw/0_Dense_3");
  class Foreign extends tl.Layer {
    override forward(x: NDArray): NDArray {
      return dense.call(x);
    }
  }
  assertThrows(
    () => new Foreign().call(x),
    StateError,
    "Dense_3: it is used inside Foreign, but is none of its sublayers",
  );
  class Late extends Deq {
    override forward(x: NDArray): NDArray {
      this.cell.init(tl.signature(x), key);
      return this.cell.call(x) as NDArray;
    }
  }
  const late = new Late(tl.Dense(3) as tl.AnyLayer);
  assertThrows(
    () => late.pureFn(x, [[]], [[]]),
    StateError,
    "weights that are made inside pureFn or call would be lost",
  );
  assertClose(tl.withLayers(late as unknown as tl.AnyLayer, () => late.call(x)).shape[1]!, 3, 0);
  assertEquals((late.weights as NDArray[][])[0]![0]!.shape, [3, 3]);
  const serial = tl.Serial(tl.Dense(3), tl.Tanh());
  assertThrows(
    () => serial.pureFn(x, [1, 2, 3], [[], []]),
    StateError,
    "one item for each of its 2 sublayers, not a list of 3",
  );
  const [w] = tl.Dense(3).init(tl.signature(x), key)[0] as NDArray[];
  assertThrows(
    () => tl.Dense(3).pureFn(x, [w!], []),
    StateError,
    "Dense_3: its weights must be [w, b], not a list of 1. Were they made for another model",
  );
  assertThrows(() => tl.Dense(3).pureFn(x, w!, []), StateError, "must be [w, b], not an array");
  assertThrows(
    () => tl.Dense(3, { useBias: false }).pureFn(x, [w!, w!], []),
    StateError,
    "must be w, not a list of 2",
  );
  assertThrows(() => tl.LayerNorm().pureFn(x, [w!], []), StateError, "must be [scale, bias]");
  assertThrows(() => tl.Add().call([x]), Error, "Add takes 2 arrays, but was given 1");
  assertThrows(
    () => tl.Fn("Bad", () => [x], 2).call([]),
    Error,
    "Bad promises 2 arrays (nOut), but forward gave [float32[4,3]]",
  );
  assertThrows(
    () => tl.Fn("Rest", (...xs: NDArray[]) => xs[0]!),
    TypeError,
    "none may be optional or take the rest",
  );
  assertThrows(() => tl.Serial(tl.Relu as never), TypeError, "Call it: tl.Relu(...)");
  assertThrows(
    () => serial.init(x as never, key),
    TypeError,
    "Write layer.init(tl.signature(x), random.key(0))",
  );
  assertThrows(() => dense.rng, StateError, "a layer has a key while it runs");
  assertThrows(
    () => tl.Cond(tl.Dup() as unknown as tl.AnyLayer, tl.Tanh() as tl.AnyLayer),
    Error,
    "Dup must give one array",
  );
  assertThrows(
    () => tl.Cond(tl.Tanh() as tl.AnyLayer, tl.Add() as unknown as tl.AnyLayer),
    Error,
    "must have the same nIn, but Add has 2 and Serial 1",
  );
  class Async extends tl.Layer {
    // deno-lint-ignore require-await
    override forward = (async () => x) as never;
  }
  assertThrows(
    () => new Async().call(x),
    StateError,
    "Async.forward: the function returned a promise",
  );
  const later = async () => await Promise.resolve(x);
  assertThrows(
    () => tl.withLayers(dense as tl.AnyLayer, later),
    StateError,
    "tl.withLayers: the function returned",
  );
  assertThrows(
    () =>
      jit((key: NDArray) => (dense.init(tl.signature(x), key), key), { backend: "interpreter" })(
        key,
      ),
    StateError,
    "call layer.init outside",
  );
});

Deno.test("BatchNorm says which axes a batch of rows has, and counts axes from the end", () => {
  const x = np.array([[1, 5], [3, 11]]);
  assertThrows(
    () => tl.BatchNorm().init(tl.signature(x)),
    AxisError,
    "over the axes 0, 1, 2, but x is [2,2]. By default they are those of a batch of images; for rows write " +
      "tl.BatchNorm({ axis: 0 })",
  );
  const out = ([axis, state]: [number, number]): unknown => {
    const layer = tl.BatchNorm({ axis });
    layer.init(tl.signature(x));
    return [layer.call(x), (layer.state as NDArray[])[state]];
  };
  assertClose(out([-2, 0]) as never, out([0, 0]) as never, 0);
  assertClose(out([-1, 1]) as never, out([1, 1]) as never, 0);
});
