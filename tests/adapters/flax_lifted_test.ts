/**
 * The lifted transforms of flax against flax itself: stacked layers, ensembles, shared cells, descent in a
 * loop, derivatives by variables, mapped variables.
 *
 * @module
 */
import { grad, jit, loadBackend, type NDArray, numpy as np, random, treeMap } from "../../mod.ts";
import * as flax from "../../adapters/flax/mod.ts";
import { assertAsFlax, assertTree, recorded, type Tree } from "./flax_recorded.ts";

await loadBackend("onnx");

class Leaf extends flax.Module {
  call(): NDArray[] {
    return [this.makeRng("noise"), this.makeRng("noise")];
  }
}

class ScanDraws extends flax.Module {
  call(): unknown {
    const draw = (m: ScanDraws): NDArray => m.makeRng("noise");
    const body = (m: ScanDraws, c: NDArray, _: null): [NDArray, unknown] => [c, [
      draw(m),
      new Leaf("leaf").call(),
    ]];
    const [, scanned] = flax.scan(body, { splitRngs: { noise: true }, length: 3 })(
      this,
      np.array(0),
      null,
    );
    const lanes = (splitRngs: flax.SplitRngs, n: number): NDArray =>
      flax.vmap((m: ScanDraws, _: NDArray) => draw(m), { splitRngs })(this, np.zeros([n]));
    return {
      scan: scanned,
      lanes: lanes({ noise: true }, 3),
      shared: lanes({ noise: false }, 2),
      remat: flax.remat(draw)(this),
      after: draw(this),
      branch: flax.cond(true, draw, draw, this as ScanDraws),
    };
  }
}

Deno.test("transforms draw the keys that those of flax draw", () => {
  const drawn = new ScanDraws().apply({}, { rngs: { noise: random.key(4) } });
  assertTree("keys", drawn, recorded("keys_in_transforms").drawn!, 0);
});

class Block extends flax.Module {
  call(x: NDArray, _: null): [NDArray, NDArray] {
    const dense = np.tanh(new flax.Dense(3).call(x));
    const h = new flax.Dropout(0.25, { deterministic: false }).call(dense);
    this.sow("intermediates", "h", h);
    return [x.add(h), h.sum()];
  }
}

class Layers extends flax.Module {
  call(x: NDArray): NDArray {
    const Stack = flax.scan(Block, {
      variableAxes: { params: 0, intermediates: 0 },
      splitRngs: { params: true, dropout: true },
      length: 4,
    });
    const [y, sums] = new Stack().call(x, null);
    return y.add(sums.sum());
  }
}

Deno.test("layers in a scan have stacked parameters, and keys and intermediates of their own", () => {
  const rngs = { dropout: random.key(1) };
  assertAsFlax("scan_layers", new Layers(), {
    rngs,
    mutable: ["intermediates"],
  });
});

class Backwards extends flax.Module {
  readonly stack = new (flax.scan(Block, {
    variableAxes: { params: 0, intermediates: 0 },
    splitRngs: { params: true, dropout: true },
    length: 3,
    reverse: true,
  }))();
  call(x: NDArray): NDArray {
    const [y, sums] = this.stack.call(x, null);
    return y.mul(sums.at(0)).add(sums.at(1));
  }
}

Deno.test("from the last layer to the first, each has the parameters and keys of its place", () => {
  assertAsFlax("scan_reverse", new Backwards(), {
    rngs: { dropout: random.key(1) },
    mutable: ["intermediates"],
  });
});

class MLP extends flax.Module {
  call(x: NDArray): NDArray {
    const h = np.tanh(new flax.Dense(4).call(x));
    const scale = this.param("scale", flax.initializers.normal(0.5), [4]);
    return new flax.Dense(2).call(h.mul(scale));
  }
}

class Ensemble extends flax.Module {
  call(x: NDArray): NDArray {
    const Members = flax.vmap(MLP, {
      variableAxes: { params: 1 },
      splitRngs: { params: true },
      inAxes: null,
      outAxes: 1,
      axisSize: 3,
    });
    return new Members().call(x);
  }
}

Deno.test("members of an ensemble have parameters of their own, drawn as flax draws them", () => {
  assertAsFlax("vmap_ensemble", new Ensemble());
});

class Cell extends flax.Module {
  call(c: NDArray, x: NDArray): [NDArray, NDArray] {
    const norm = new flax.BatchNorm({ useRunningAverage: false, momentum: 0.5 });
    const h = norm.call(new flax.Dense(3).call(c.add(x)));
    const out = new flax.Dropout(0.5, { deterministic: false }).call(np.tanh(h));
    return [out, out];
  }
}

class Shared extends flax.Module {
  readonly cell = new (flax.scan(Cell, {
    variableBroadcast: "params",
    variableCarry: "batch_stats",
    splitRngs: { params: false, dropout: true },
    inAxes: 1,
    outAxes: 1,
  }))();
  call(xs: NDArray): NDArray {
    return this.cell.call(np.zeros([xs.shape[0]!, 3]), xs)[1];
  }
}

Deno.test("a cell in a scan has one set of parameters, and hands on its statistics", () => {
  assertAsFlax("scan_shared", new Shared(), {
    rngs: { dropout: random.key(2) },
    mutable: ["batch_stats"],
  }, ["init"]);
});

class Descent extends flax.Module {
  readonly dense = new flax.Dense(2, { name: "Dense_0" });
  call(x: NDArray, y: NDArray): NDArray {
    const names = ["kernel", "bias"];
    const loss = (m: flax.Dense, x: NDArray): NDArray => m.call(x).sub(y).square().mean();
    if (this.isInitializing()) {
      this.dense.call(x);
      this.dense.putVariable("velocity", "kernel", np.zeros([3, 2]));
      this.dense.putVariable("velocity", "bias", np.zeros([2]));
      return np.zeros([5]);
    }
    const step = (m: flax.Dense, c: NDArray, _: null): [NDArray, NDArray] => {
      const [value, pull] = flax.vjp(loss, m, [x]);
      const grads = pull(np.array(1))[0].params!;
      for (const name of names) {
        const before = m.getVariable("velocity", name) as NDArray;
        const v = before.mul(0.5).add(grads[name]!);
        m.putVariable("velocity", name, v);
        const weight = m.getVariable("params", name) as NDArray;
        m.putVariable("params", name, weight.sub(v.mul(0.1)));
      }
      return [c, value];
    };
    const options = { variableCarry: ["params", "velocity"], length: 5 };
    return flax.scan(step, options)(this.dense, np.array(0), null)[1];
  }
}

Deno.test("steps of an optimiser in a scan change the parameters", () => {
  const { x, y, variables, losses, changed } = recorded("descent");
  const model = new Descent();
  const made = model.init(random.key(0), x as NDArray, y as NDArray);
  assertTree("initial values", made, variables!, 4);
  const run = (v: flax.GivenVariables): unknown =>
    model.apply(v, x as NDArray, y as NDArray, { mutable: ["params", "velocity"] });
  const compiled = jit(run as (v: Tree) => NDArray[], { backend: "onnx" }) as unknown;
  for (const f of [run, compiled] as ((v: unknown) => unknown)[]) {
    assertTree("descent", f(variables), [losses!, changed!], 32);
  }
});

class Words extends flax.Module {
  call(x: NDArray): Record<string, unknown> {
    const dense = new flax.Dense(3);
    const plain = dense.call(x);
    const square = (m: flax.Dense, x: NDArray): NDArray => m.call(x).square().sum();
    const [y, pull] = flax.vjp(square, dense, [x]);
    const [byVariables, byX] = pull(np.array(1));
    const along = treeMap((v: NDArray) => np.onesLike(v), {
      kernel: dense.getVariable("params", "kernel") as NDArray,
      bias: dense.getVariable("params", "bias") as NDArray,
    });
    const tanh = (m: flax.Dense, x: NDArray): NDArray => np.tanh(m.call(x));
    const transposed = (v: object): object => treeMap((x: NDArray) => np.transpose(x), v);
    const call = (m: flax.Dense, x: NDArray): NDArray => m.call(x);
    const custom = flax.customVjp(
      square,
      (m, x) => [square(m, x), x],
      (x: NDArray, ct: NDArray) => {
        const [variables, ...inputs] = flax.vjp(square, dense, [x])[1](ct);
        return [treeMap((g: NDArray) => g.mul(10), variables as never) as object, ...inputs];
      },
    );
    const n = this.variable("state", "n", () => np.array(0));
    const count = (by: number) => (_: flax.Module, x: NDArray): NDArray => {
      n.value = n.value.add(by);
      return x.mul(by);
    };
    return {
      plain,
      vjp: [y, byVariables.params!, byX],
      jvp: flax.jvp(square, dense, [x], [x.mul(2)], { params: along }),
      remat: flax.remat(tanh)(dense, x),
      jit: flax.jit(tanh, { backend: "interpreter" })(dense, x),
      map: flax.mapVariables(call, "params", { transIn: transposed })(dense, x),
      custom: custom(dense, x),
      while: flax.whileLoop(
        () => n.value.less(4),
        (_, c: NDArray) => {
          n.value = n.value.add(1);
          return c.mul(0.5);
        },
        this,
        x,
        { carryVariables: "state" },
      ),
      cond: flax.cond(x.sum().greater(100), count(10), count(20), this as Words, x),
      switch: flax.switch(2, [count(1), count(2), count(3)], this as Words, x),
      n: n.value,
    };
  }
}

Deno.test("derivatives by variables, rules, mapped variables, loops and branches are those of flax", () => {
  const { x, variables, out, changed, custom_grads } = recorded("words");
  const model = new Words();
  const options = { mutable: ["state"] };
  const result = model.apply(variables as flax.Variables, x as NDArray, options);
  assertTree("words", result, [out!, changed!], 32);
  const custom = (params: unknown): NDArray =>
    model.apply({ ...variables as flax.Variables, params } as never, x as NDArray, options)[0]
      .custom as NDArray;
  const { params } = variables as flax.Variables;
  assertTree("by the rule", grad(custom as never)(params as never), custom_grads!, 32);
  const compiled = jit(grad(custom as never), { backend: "onnx" });
  assertTree("by the rule, compiled", compiled(params as never), custom_grads!, 32);
});

class Triangle extends flax.Module {
  call(x: NDArray): NDArray {
    const Masked = flax.mapVariables(flax.Dense, "params", {
      transIn: (v) => treeMap((x: NDArray) => np.triu(x), v),
      init: this.isInitializing(),
    });
    return new Masked(4, { useBias: false, name: "masked" }).call(x);
  }
}

class Tied extends flax.Module {
  call(x: NDArray): NDArray {
    const encoder = new flax.Dense(2, { useBias: false, name: "encoder" });
    const h = encoder.call(new Triangle("triangle").call(x));
    const decode = flax.mapVariables(
      (m: flax.Dense, h: NDArray) => np.matmul(h, m.getVariable("params", "kernel") as NDArray),
      "params",
      { transIn: (v) => treeMap((x: NDArray) => np.transpose(x), v) },
    );
    return decode(encoder, h);
  }
}

Deno.test("weights that are tied, or masked, through mapped variables", () => {
  assertAsFlax("tied", new Tied());
});

class Perturbed extends flax.Module {
  call(x: NDArray): NDArray {
    const h = this.perturb("h", new flax.Dense(3).call(x));
    return new flax.Dense(2).call(np.tanh(h));
  }
}

Deno.test("a perturbation has the gradient of what it was added to", () => {
  const { x, variables, grads } = recorded("perturb");
  const model = new Perturbed();
  assertTree("initial values", model.init(random.key(0), x as NDArray), variables!, 4);
  const loss = (v: flax.Variables): NDArray => model.apply(v, x as NDArray).square().sum();
  assertTree("gradients", grad(loss)(variables as flax.Variables), grads!, 32);
});

class Lora extends flax.Module {
  declare child: flax.Dense;
  setup(): void {
    this.child = new flax.Dense(2);
    flax.shareScope(this, this.child);
  }
  call(x: NDArray): NDArray {
    const normal = flax.initializers.normal(1);
    const a = this.param("A", normal, [x.shape.at(-1)!, 1]);
    const b = this.param("B", normal, [1, 2]);
    return this.child.call(x).add(np.matmul(np.matmul(x, a), b));
  }
}

class Adapted extends flax.Module {
  call(x: NDArray): NDArray {
    return new Lora().call(x);
  }
}

Deno.test("a submodule that shares the scope has its parameters beside those of the module", () => {
  assertAsFlax("share_scope", new Adapted());
});
