/**
 * The flax adapter against flax itself: the keys that scopes draw, initial values, and models with the
 * parameters of flax.
 *
 * @module
 */
import {
  fixedPoint,
  grad,
  jit,
  loadBackend,
  type NDArray,
  numpy as np,
  random,
} from "../../mod.ts";
import * as flax from "../../adapters/flax/mod.ts";
import { assertEquals } from "../support/assert.ts";
import { assertAsFlax, assertTree, recorded } from "./flax_recorded.ts";

await loadBackend("onnx");

class Leaf extends flax.Module {
  call(): NDArray[] {
    return [this.makeRng("noise"), this.makeRng("noise")];
  }
}

class Inner extends flax.Module {
  call(): unknown {
    return [this.makeRng("noise"), new Leaf().call(), this.makeRng("other")];
  }
}

class Draws extends flax.Module {
  call(): unknown {
    const both = () => [this.makeRng("params"), this.makeRng("noise")];
    return {
      first: both(),
      inner: new Inner().call(),
      named: new Inner("ab").call(),
      again: both(),
    };
  }
}

Deno.test("scopes draw the keys that those of flax draw", () => {
  const rngs = { params: random.key(3), noise: random.key(4) };
  const drawn = new Draws().apply({}, { rngs });
  assertTree("keys", drawn, recorded("keys").drawn!, 0);
});

class MLP extends flax.Module {
  call(x: NDArray): NDArray {
    const h = np.tanh(new flax.Dense(4).call(x));
    const scale = this.param("scale", flax.initializers.normal(0.5), [4]);
    return new flax.Dense(2).call(h.mul(scale));
  }
}

Deno.test("modules made in methods are named, drawn and differentiated as flax's compact ones", () => {
  assertAsFlax("mlp", new MLP());
});

class Fields extends flax.Module {
  readonly layers = [new flax.Dense(4), new flax.Dense(3)];
  readonly heads = { a: new flax.Dense(2) };
  readonly deep = [[new flax.Dense(2)]];
  call(x: NDArray): NDArray {
    const [first, second] = this.layers as [flax.Dense, flax.Dense];
    const cut = np.slice(second.call(first.call(x)), [0, 0], [x.shape[0]!, 2]);
    return this.heads.a.call(x).add(this.deep[0]![0]!.call(x)).add(cut);
  }
}

class Setup extends flax.Module {
  declare layers: flax.Dense[];
  declare heads: { a: flax.Dense };
  declare deep: flax.Dense[][];
  setup(): void {
    this.layers = [new flax.Dense(4), new flax.Dense(3)];
    this.heads = { a: new flax.Dense(2) };
    this.deep = [[new flax.Dense(2)]];
  }
  call(x: NDArray): NDArray {
    return Fields.prototype.call.call(this as unknown as Fields, x);
  }
}

Deno.test("modules in fields are named after them, whether the constructor or setup makes them", () => {
  assertAsFlax("fields", new Fields());
  assertAsFlax("fields", new Setup());
});

class Equilibrium extends flax.Module {
  readonly out = new flax.Dense(1);
  call(x: NDArray): NDArray {
    const cell = new flax.Dense(3, { kernelInit: flax.initializers.normal(0.2) });
    const f = (z: NDArray): NDArray => np.tanh(cell.call(z).add(x));
    const { value } = fixedPoint(f, np.zeros([3]), { transforms: flax.transforms });
    return this.out.call(value);
  }
}

Deno.test("a module in a solve has one set of weights, and the gradient of the equilibrium", () => {
  const x = np.array([0.3, -0.2, 0.5]);
  const model = new Equilibrium();
  const variables = model.init(random.key(0), x);
  assertEquals(Object.keys(variables.params!).sort(), ["Dense_0", "out"]);
  const kernel = variables.params!.Dense_0!.kernel!, bias = variables.params!.Dense_0!.bias!;
  const pure = (kernel: NDArray): NDArray => {
    const f = (z: NDArray): NDArray => np.tanh(np.matmul(z, kernel).add(bias).add(x));
    const { value } = fixedPoint(f, np.zeros([3]));
    return np.matmul(value, variables.params!.out!.kernel!).sum();
  };
  const applied = (kernel: NDArray): NDArray => {
    const params = { ...variables.params, Dense_0: { kernel, bias } };
    return model.apply({ params }, x).sum();
  };
  const compiled = jit(grad(applied), { backend: "onnx" });
  const wanted = { value: pure(kernel), grad: grad(pure)(kernel) };
  assertTree("eager", { value: applied(kernel), grad: grad(applied)(kernel) }, wanted, 64);
  assertTree("compiled", { value: applied(kernel), grad: compiled(kernel) }, wanted, 64);
});

class Normed extends flax.Module {
  constructor(readonly training: boolean) {
    super();
  }
  call(x: NDArray): NDArray {
    const norm = new flax.BatchNorm({ useRunningAverage: !this.training, momentum: 0.9 });
    return new flax.LayerNorm().call(new flax.Dense(3).call(norm.call(x)));
  }
}

Deno.test("normalisation and its running statistics are those of flax", () => {
  assertAsFlax("batch_norm", new Normed(true), { mutable: ["batch_stats"] });
  assertAsFlax("batch_norm_running", new Normed(false));
});

class Dropped extends flax.Module {
  call(x: NDArray): NDArray {
    const h = new flax.Dropout(0.3, { deterministic: false }).call(x);
    const out = new flax.Dense(4).call(h);
    return new flax.Dropout(0.5, { broadcastDims: [0] }).call(out, { deterministic: false });
  }
}

Deno.test("dropout drops what flax drops", () => {
  assertAsFlax("dropout", new Dropped(), { rngs: { dropout: random.key(9) } });
});

class Tokens extends flax.Module {
  call(ids: NDArray): NDArray {
    const table = new flax.Embed(7, 3);
    return table.attend(table.call(ids));
  }
}

Deno.test("embeddings look up and attend as those of flax", () => {
  const { x, variables, out } = recorded("embed");
  const model = new Tokens();
  assertTree("initial values", model.init(random.key(0), x as NDArray), variables!, 4);
  assertTree("output", model.apply(variables as flax.Variables, x as NDArray), out!, 8);
});

Deno.test("initialisers draw what those of flax draw", () => {
  const key = random.key(5), shape = [4, 6];
  const i = flax.initializers;
  const drawn = {
    normal: i.normal(0.3)(key, shape),
    truncatedNormal: i.truncatedNormal(0.3)(key, shape),
    uniform: i.uniform(0.3)(key, shape),
    lecunNormal: i.lecunNormal()(key, shape),
    lecunUniform: i.lecunUniform()(key, shape),
    heNormal: i.heNormal()(key, shape),
    heUniform: i.heUniform()(key, shape),
    xavierNormal: i.xavierNormal()(key, shape),
    xavierUniform: i.xavierUniform()(key, shape),
    orthogonal: i.orthogonal(2)(key, shape),
    constant: i.constant(2.5)(key, shape),
    zeros: i.zeros(key, shape),
    ones: i.ones(key, shape),
    tall: i.orthogonal()(key, [7, 3]),
    fans: i.varianceScaling(2, "fanGeoAvg", "normal", { inAxis: 0, outAxis: [1, 2] })(key, [
      2,
      3,
      4,
    ]),
  };
  assertTree("initialisers", drawn, recorded("initializers"), 8);
});

class Residual extends flax.Module {
  call(x: NDArray): NDArray {
    return x.add(new flax.Dense(4).call(x));
  }
}

class Net extends flax.Module {
  readonly norm = new flax.BatchNorm({ useRunningAverage: false });
  call(x: NDArray): NDArray {
    const block = new Residual();
    return block.call(block.call(this.norm.call(x)));
  }
}

Deno.test("a table shows the modules in their order, what goes in and out, and variables once", () => {
  const table = new Net().tabulate(random.key(0), np.ones([2, 4]));
  const rows = table.split("\n").map((line) => line.trim().split(/ {2,}/));
  const stats = "mean: float32[4], var: float32[4]";
  assertEquals(rows, [
    ["path", "module", "inputs", "outputs", "batch_stats", "params"],
    rows[1]!,
    ["Net", "float32[2,4]", "float32[2,4]"],
    ["norm", "BatchNorm", "float32[2,4]", "float32[2,4]", stats, rows[3]!.at(-1)!],
    ["Residual_0", "Residual", "float32[2,4]", "float32[2,4]"],
    ["Residual_0", "Residual", "float32[2,4]", "float32[2,4]"],
    ["Residual_0/Dense_0", "Dense", "float32[2,4]", "float32[2,4]", rows[6]!.at(-1)!],
    ["Residual_0/Dense_0", "Dense", "float32[2,4]", "float32[2,4]"],
    ["Total batch_stats: 8 (32 bytes), params: 28 (112 bytes)"],
  ]);
  const own = (row: number): string[] => rows[row]!.at(-1)!.split(", ").sort();
  assertEquals(own(3), ["bias: float32[4]", "scale: float32[4]"]);
  assertEquals(own(6), ["bias: float32[4]", "kernel: float32[4,4]"]);
});
