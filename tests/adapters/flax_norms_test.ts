/**
 * Normalisation, chains of layers and further cells against those of flax.
 *
 * @module
 */
import {
  loadBackend,
  type NDArray,
  nn,
  numpy as np,
  random,
  ShapeError,
  StateError,
} from "../../mod.ts";
import * as flax from "../../adapters/flax/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { assertClose } from "../support/arrays.ts";
import { assertAsFlax, recorded } from "./flax_recorded.ts";

await loadBackend("onnx");

const { GRUCell, RNN } = flax;
const { normal } = flax.initializers;

Deno.test("normalisation by root mean square, by groups and by channels is that of flax", () => {
  assertAsFlax("rms_norm", new flax.RMSNorm({ scaleInit: normal(0.5) }));
  assertAsFlax(
    "rms_norm_axes",
    new flax.RMSNorm({ reductionAxes: [0, 2], featureAxes: [1, 2], epsilon: 1e-3 }),
  );
  assertAsFlax("group_norm", new flax.GroupNorm({ numGroups: 3, biasInit: normal(0.5) }));
  assertAsFlax(
    "group_norm_size",
    new flax.GroupNorm({ numGroups: null, groupSize: 2, useFastVariance: false }),
  );
  assertAsFlax("instance_norm", new flax.InstanceNorm({ scaleInit: normal(0.5) }));
  assertAsFlax("instance_norm_axes", new flax.InstanceNorm({ featureAxes: 1, useBias: false }));
});

Deno.test("elements that a mask leaves out do not count", () => {
  const mask = recorded("norm_mask").mask as NDArray;
  class Masked extends flax.Module {
    constructor(readonly norm: flax.Module & { call(x: NDArray, o: flax.NormCall): NDArray }) {
      super();
    }
    call(x: NDArray): NDArray {
      return this.norm.call(x, { mask });
    }
  }
  const axes = { reductionAxes: [1, 2] };
  assertAsFlax("masked_layer", new Masked(new flax.LayerNorm(axes)));
  assertAsFlax("masked_rms", new Masked(new flax.RMSNorm(axes)));
  assertAsFlax("masked_group", new Masked(new flax.GroupNorm({ numGroups: 2 })));
});

Deno.test("weights divided by lengths and by largest singular values are those of flax", () => {
  class MLP extends flax.Module {
    static readonly moduleName = "MLP";
    call(x: NDArray): NDArray {
      const h = np.tanh(new flax.Dense(4).call(x));
      return new flax.Dense(2).call(h.mul(this.param("scale", normal(0.5), [4])));
    }
  }
  const conv = () => new flax.Conv(2, [2]);
  class Lengths extends flax.Module {
    call(x: NDArray): NDArray {
      const all = { variableFilter: null, scaleInit: normal(1) };
      const h = new flax.WeightNorm(new flax.Dense(4), all).call(x);
      const y = new flax.WeightNorm(new MLP(), { featureAxes: null }).call(h);
      const z = new flax.WeightNorm(conv(), { featureAxes: [0, 2], epsilon: 1e-2 }).call(y);
      const last = { useScale: false, featureAxes: 0, name: "last" };
      return new flax.WeightNorm(new flax.Dense(2), last).call(z);
    }
  }
  assertAsFlax("weight_norm", new Lengths());
  class Spectral extends flax.Module {
    constructor(readonly updateStats: boolean) {
      super();
    }
    call(x: NDArray): NDArray {
      const { updateStats } = this;
      const h = new flax.SpectralNorm(new flax.Dense(4), { nSteps: 2 }).call(x, { updateStats });
      const y = new flax.SpectralNorm(new MLP(), { epsilon: 1e-3, updateStats }).call(h);
      return new flax.SpectralNorm(conv(), { collectionName: "power", updateStats }).call(y);
    }
  }
  assertAsFlax("spectral_norm", new Spectral(true), { mutable: ["batch_stats", "power"] });
  assertAsFlax("spectral_norm_kept", new Spectral(false));
});

Deno.test("layers around layers say what they lack", () => {
  const { SpectralNorm, WeightNorm } = flax;
  assertThrows(() => new WeightNorm(np.tanh as never), StateError, "must be a module");
  const init = (layer: flax.Module & { call(x: NDArray): NDArray }, shape: number[]) => () =>
    layer.init(random.key(0), np.ones(shape));
  const dense = () => new flax.Dense(2);
  assertThrows(init(new SpectralNorm(dense()), [3]), StateError, "say updateStats");
  assertThrows(
    init(
      new SpectralNorm(new flax.Conv(2, [2]), { errorOnNonMatrix: true, updateStats: true }),
      [3, 1],
    ),
    ShapeError,
    "layer_instance.kernel is no matrix, but [2,1,2]",
  );
  assertThrows(init(new WeightNorm(dense(), { featureAxes: 2 }), [3]), ShapeError, "no axis 2");
});

Deno.test("groups and channels that an array does not have are refused", () => {
  const init = (norm: flax.Module & { call(x: NDArray): NDArray }, shape: number[]) => () =>
    norm.init(random.key(0), np.ones(shape));
  const { GroupNorm, InstanceNorm } = flax;
  assertThrows(
    init(new GroupNorm(), [2, 30]),
    ShapeError,
    "30 channels of [2,30] do not make 32 groups",
  );
  assertThrows(
    init(new GroupNorm({ numGroups: null, groupSize: 4 }), [2, 6]),
    ShapeError,
    "do not make groups of 4",
  );
  assertThrows(() => new GroupNorm({ groupSize: 4 }), ShapeError, "not both");
  assertThrows(() => new GroupNorm({ numGroups: null }), ShapeError, "not neither");
  assertThrows(
    init(new GroupNorm({ numGroups: 1, reductionAxes: 1 }), [2, 3, 4]),
    ShapeError,
    "must have the last axis, 2",
  );
  assertThrows(init(new InstanceNorm({ featureAxes: 0 }), [2, 3]), ShapeError, "that of examples");
});

Deno.test("layers one after another have the names and values of flax", () => {
  const layers = [new flax.Dense(4), np.tanh, new flax.Dense(2)];
  assertAsFlax("sequential", new flax.Sequential(layers));
  // A list is handed on as arguments.
  const swap = (a: NDArray, b: NDArray) => [b, a];
  const model = new flax.Sequential([swap, (a: NDArray, b: NDArray) => a.sub(b), nn.relu]);
  assertEquals(model.apply({}, np.array(1), np.array(5)).item(), 4);
  const inline = new flax.Sequential([(x: NDArray) => new flax.Dense(x.shape[0]!).call(x)]);
  const { params } = inline.init(random.key(0), np.ones([3]));
  assertEquals(Object.keys(params!), ["Dense_0"]);
  assertThrows(() => new flax.Sequential([]), StateError, "not an empty one");
  assertThrows(() => new flax.Sequential([3 as never]), StateError, "modules and functions");
});

Deno.test("stacks of layers that are computed again have the names and values of flax", () => {
  const Deep = flax.rematScan(flax.Dense, { lengths: [2, 3] });
  const Short = flax.rematScan(flax.Dense, { lengths: [2] });
  class DeepStack extends flax.Module {
    call(x: NDArray): NDArray {
      const y = new Deep(4).call(x);
      return new Short(4).call(y);
    }
  }
  assertAsFlax("remat_scan", new DeepStack());
  class ByFunction extends flax.Module {
    call(x: NDArray): NDArray {
      const layer = (_: flax.Module, x: NDArray): NDArray => np.tanh(new flax.Dense(3).call(x));
      return flax.rematScan(layer, { lengths: [2, 2] })(this, x);
    }
  }
  const { params } = new ByFunction().init(random.key(0), np.ones([3]));
  assertEquals((params!.Dense_0!.kernel as NDArray).shape, [2, 2, 3, 3]);
  assertThrows(() => flax.rematScan(flax.Dense, { lengths: [] }), ShapeError, "not []");
  assertThrows(() => flax.rematScan(flax.Dense, { lengths: [0] }), ShapeError, "not [0]");
});

Deno.test("further cells over sequences are those of flax", () => {
  assertAsFlax("simple_cell", new RNN(new flax.SimpleCell(4)));
  assertAsFlax("simple_cell_residual", new RNN(new flax.SimpleCell(4, { residual: true })));
  assertAsFlax("mgu", new RNN(new flax.MGUCell(4)));
  assertAsFlax("mgu_no_reset", new RNN(new flax.MGUCell(4, { resetGate: false })));
  assertAsFlax("optimized_lstm", new RNN(new flax.OptimizedLSTMCell(4)));
});

Deno.test("sequences from both ends: outputs and carries of both, in the order of the input", () => {
  const both = (options: flax.BidirectionalOptions = {}) =>
    new flax.Bidirectional(new RNN(new GRUCell(3)), new RNN(new flax.SimpleCell(2)), options);
  assertAsFlax("bidirectional", both());
  const x = random.normal(random.key(1), [2, 3, 5]);
  const model = both();
  const variables = model.init(random.key(0), x);
  const timeFirst = both({ timeMajor: true }).apply(variables, np.swapaxes(x, 0, 1));
  const apply = model.apply as unknown as (
    ...args: unknown[]
  ) => [carry: [NDArray, NDArray], y: NDArray];
  const [[forward, backward], y] = apply(variables, x, { returnCarry: true });
  assertClose(np.swapaxes(timeFirst, 0, 1), y, 1e-6);
  assertEquals([forward.shape, backward.shape, y.shape], [[2, 3], [2, 2], [2, 3, 5]]);
  const last = np.slice(y, [0, 2, 0], [2, 3, 3]).reshape([2, 3]);
  const first = np.slice(y, [0, 0, 3], [2, 1, 5]).reshape([2, 2]);
  assertClose([forward, backward], [last, first], 1e-6);
  const same = new flax.Bidirectional(new RNN(new GRUCell(3)), new RNN(new GRUCell(3)), {
    mergeFn: (a, b) => a.add(b),
  });
  assertEquals(same.apply(same.init(random.key(0), x), x).shape, [2, 3, 3]);
  assertThrows(() => new flax.Bidirectional({} as never, {} as never), StateError, "flax.RNN");
});
