/** Layers with weights and state in the manner of Trax. */
import {
  fixedPoint,
  grad,
  jit,
  type NDArray,
  numpy as np,
  random,
  type ShapeDtype,
  StateError,
  type Transforms,
  treeLeaves,
} from "../../mod.ts";
import * as tl from "../../adapters/trax/mod.ts";
import { assertClose } from "../support/arrays.ts";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "../support/assert.ts";

const key = random.key(0);
const tight = { rtol: 1e-7, atol: 1e-7 };
const everywhere = <A extends NDArray[], R>(f: (...args: A) => R): ((...args: A) => R)[] => [
  f,
  jit(f as never) as never,
  jit(f as never, { backend: "interpreter" }) as never,
];

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

Deno.test("a DEQ whose cell is a layer is that of the pure function of its weights, and so is its gradient", () => {
  const x = np.array([0.3, -0.2, 0.4]);
  const model = new Deq(tl.Dense(3) as tl.AnyLayer);
  const [weights, state] = model.init(tl.signature(x), key) as [[[NDArray, NDArray]], tl.Values];
  const plain = (w: NDArray, b: NDArray): NDArray =>
    fixedPoint((z) => np.tanh(np.matmul(z, w).add(b).add(x)).mul(0.5), np.zeros([3]), tight).value
      .square().sum();
  const own = (w: NDArray, b: NDArray): NDArray =>
    model.pureFn(x, [[w, b]], state)[0].square().sum();
  const [[w, b]] = weights;
  assertEquals(w.shape, [3, 3]);
  const expected = grad(plain, { argnums: [0, 1] })(w, b);
  for (const f of everywhere(own)) assertClose(f(w, b), plain(w, b), 1e-6);
  for (const f of everywhere((w: NDArray, b: NDArray) => grad(own, { argnums: [0, 1] })(w, b))) {
    assertClose([...f(w, b)], [...expected], 1e-5);
  }
  // The object holds what init made, and nothing traced.
  assertClose(model.call(x).square().sum(), plain(w, b), 1e-6);
  assertStrictEquals((model.weights as [[NDArray]])[0][0], w);
});

Deno.test("a BatchNorm in a solve is updated once, with the statistics at the solution", () => {
  const x = np.array([[0.3, -0.2], [0.4, 1], [2, 0.1]]);
  const shift = tl.Fn("Shift", (z: NDArray) => z.mul(0.1).add(x));
  const body = tl.Serial(shift, tl.BatchNorm({ axis: 0, momentum: 0.5 }), tl.Dense(2));
  const model = new Deq(body as tl.AnyLayer);
  const [weights, state] = model.init(tl.signature(x), key);
  const run = (x: NDArray) => model.pureFn(x, weights, state);
  const [z, after] = run(x);
  const [h, once] = body.pureFn(z, (weights as tl.Values[])[0]!, (state as tl.Values[])[0]!);
  assertClose(np.tanh(h.add(x)).mul(0.5), z, 1e-5);
  assertClose(treeLeaves(after), treeLeaves(once), 1e-5);
  assertEquals((treeLeaves(after)[2] as NDArray).item(), 1);
  for (const f of everywhere(run)) {
    const [y, s] = f(x);
    assertClose(y, z, 1e-5);
    assertClose(treeLeaves(s), treeLeaves(after), 1e-5);
  }
  // call keeps the state in the object.
  model.call(x);
  model.call(x);
  assertEquals((treeLeaves(model.state)[2] as NDArray).item(), 2);
});

Deno.test("combinators work on a stack", () => {
  const f = tl.Fn("F", (a: NDArray) => a.mul(2));
  const g = tl.Fn("G", (b: NDArray, c: NDArray, d: NDArray) => b.add(c).add(d));
  const h = tl.Fn("H", (e: NDArray, f: NDArray) => [f, e], 2);
  const layers = [f, g, h] as unknown as tl.AnyLayer[];
  const numbers = (xs: tl.Tensors): number[] => [xs].flat(2).map((x) => (x as NDArray).item());
  const six = [1, 2, 3, 4, 5, 6].map((n) => np.array(n));
  const parallel = tl.Parallel(...layers);
  assertEquals([parallel.nIn, parallel.nOut], [6, 4]);
  assertEquals(numbers(parallel.call(six)), [2, 9, 6, 5]);
  const branch = tl.Branch<readonly NDArray[]>(...layers);
  assertEquals([branch.nIn, branch.nOut], [3, 4]);
  assertEquals(numbers(branch.call(six.slice(0, 3))), [2, 6, 2, 1]);
  const serial = tl.Serial<readonly NDArray[], readonly NDArray[]>(
    tl.Add(),
    tl.Dup(),
    tl.Swap(),
    tl.Multiply(),
    tl.Drop(),
  );
  assertEquals([serial.nIn, serial.nOut], [2, 0]);
  const model = tl.Serial<readonly NDArray[], tl.Tensors>(tl.Select([1, 0, 1]), [
    tl.SubtractTop(),
    null,
  ]);
  assertEquals([model.nIn, model.nOut], [2, 2]);
  assertEquals(numbers(model.call([np.array(5), np.array(3)])), [2, 3]);
  const same = tl.Serial();
  assertEquals(numbers(same.call(np.array(4))), [4]);
  assertEquals(
    numbers(tl.Residual(tl.Negate(), { shortcut: tl.Exp() as tl.AnyLayer }).call(np.array(0))),
    [1],
  );
  assertEquals(
    numbers(tl.Serial(tl.Split(2) as tl.AnyLayer, tl.Concatenate(2)).call(np.array([1, 2])).at(1)),
    [2],
  );
  const side = tl.SerialWithSideOutputs([h, h] as unknown as tl.AnyLayer[], [1, 1]);
  assertEquals(side.nIn, 3);
  assertEquals(numbers(tl.Gate().call([np.array(1), np.array(0.25), np.array(3)])), [2.5]);
  assertEquals(String(tl.Serial(tl.Dense(2), tl.Add())), "Serial_in2[\n  Dense_2\n  Add_in2\n]");
});

Deno.test("a layer in two places has one set of weights", () => {
  const dense = tl.Dense(3);
  const model = tl.Serial(dense, tl.Tanh(), dense);
  const x = np.array([0.3, -0.2, 0.4]);
  const [weights, state] = model.init(tl.signature(x), key) as [
    [NDArray[], [], typeof tl.shared],
    tl.Values,
  ];
  assertEquals(weights[2], tl.shared);
  const [w, b] = weights[0] as [NDArray, NDArray];
  const plain = (w: NDArray): NDArray =>
    np.tanh(x.matmul(w).add(b)).matmul(w).add(b).square().sum();
  const own = (w: NDArray): NDArray =>
    model.pureFn(x, [[w, b], [], tl.shared], state)[0].square().sum();
  for (const f of everywhere((w: NDArray) => grad(own)(w))) assertClose(f(w), grad(plain)(w), 1e-5);
  assertEquals(treeLeaves(weights).length, 2);
});

Deno.test("keys: combinators split them, loops of a library have one each step, and none is drawn twice", () => {
  const x = np.ones([64]);
  const keys = random.split(key, 2);
  const model = tl.Serial(tl.Dropout(0.5), tl.Dropout(0.25));
  const [y] = model.pureFn(x, [[], []], [[], []], key);
  const mask = (key: NDArray, keep: number): NDArray =>
    random.bernoulli(key, keep, [64]).astype("float32").div(keep);
  assertClose(y, mask(keys.at(0), 0.5).mul(mask(keys.at(1), 0.75)), 1e-6);
  // In a loop that a library makes.
  class Loop extends tl.Layer<NDArray, NDArray> {
    readonly drop = tl.Dropout(0.5);
    constructor(readonly body: tl.AnyLayer, readonly kind: "map" | "unrolled") {
      super({ sublayers: [body] });
    }
    override forward(x: NDArray): NDArray {
      const one = (): NDArray => this.body.call(x) as NDArray;
      return this.kind === "map"
        ? tl.transforms.map(() => one(), np.arange(4))
        : np.stack([one(), one(), one(), one()]);
    }
  }
  for (const kind of ["map", "unrolled"] as const) {
    for (const body of [tl.Dropout(0.5), tl.Serial(tl.Dropout(0.5), tl.Negate())]) {
      const layer = new Loop(body as tl.AnyLayer, kind);
      const run = (key: NDArray): NDArray => layer.pureFn(x, [[]], [[]], key)[0];
      for (const f of kind === "map" ? everywhere(run) : [run]) {
        const rows = f(key).toArray() as number[][];
        assertEquals(new Set(rows.map(String)).size, 4);
        assertEquals(f(key).toArray(), rows);
      }
    }
  }
  assertThrows(() => tl.Dropout(0.5).call(x), StateError, "Dropout.rng: a key is needed");
  assertClose(tl.Dropout(0.5, { mode: "eval" }).call(x), x, 0);
});

Deno.test("a backward pass of one's own replaces the gradient, by inputs and by weights", () => {
  class Straight extends tl.Layer {
    constructor() {
      super();
    }
    override get hasBackward(): boolean {
      return true;
    }
    override initWeightsAndState(x: ShapeDtype): void {
      this.weights = np.full(x.shape, 2);
      this.state = np.array(0);
    }
    override forward(x: NDArray): NDArray {
      this.state = (this.state as NDArray).add(1);
      return np.round(x.mul(this.weights as NDArray));
    }
    override backward(
      { inputs, grad, weights, state, newState }: tl.BackwardArguments,
    ): readonly [NDArray, tl.Values] {
      const count = (newState as NDArray).sub(state as NDArray);
      return [grad.mul(weights as NDArray).mul(count), grad.mul(inputs).mul(10)];
    }
  }
  const model = tl.Serial(new Straight() as unknown as tl.AnyLayer, tl.Negate());
  const x = np.array([0.3, 1.4]);
  const [weights, state] = model.init(tl.signature(x)) as [[NDArray, []], tl.Values];
  const loss = (x: NDArray, w: NDArray): [NDArray, tl.Values] => {
    const [y, after] = model.pureFn(x, [w, []], state);
    return [y.sum(), after];
  };
  const slopes = (x: NDArray, w: NDArray) => grad(loss, { argnums: [0, 1], hasAux: true })(x, w);
  for (const f of everywhere(slopes)) {
    const [[byX, byW], after] = f(x, weights[0]) as [[NDArray, NDArray], tl.Values];
    assertClose([byX, byW], [[-2, -2], [-3, -14]], 1e-6);
    assertClose(treeLeaves(after), [1], 0);
  }
});

Deno.test("state goes through loops, branches and derivatives of a library that knows nothing", () => {
  const norm = (): tl.AnyLayer => tl.BatchNorm({ axis: 0, momentum: 0.5 }) as tl.AnyLayer;
  class Program extends tl.Layer<NDArray, NDArray> {
    constructor(readonly a: tl.AnyLayer, readonly b: tl.AnyLayer, readonly t: Transforms | null) {
      super({ sublayers: [a, b] });
    }
    override initWeightsAndState(x: ShapeDtype): void {
      this.a.init(x);
      this.b.init(x);
    }
    override forward(x: NDArray): NDArray {
      const [f, g] = [this.a, this.b].map((l) => (x: NDArray): NDArray => l.call(x) as NDArray);
      const { t } = this;
      if (t === null) {
        let y = x;
        for (let i = 0; i < 3; i++) y = g!(f!(y)).add(x);
        y = f!(y);
        // The derivative of f along ones, and its value.
        const [w] = [this.a.weights as NDArray[]];
        void w;
        return y.add(f!(y));
      }
      let y = t.foriLoop(0, 3, (_, y) => t.jit((y: NDArray) => g!(f!(y)).add(x))(y), x);
      y = t.cond(y.sum().greater(-1e9), (y) => f!(y), (y) => g!(y), y);
      return t.checkpoint((y: NDArray) =>
        y.add(t.scan((c: NDArray) => [f!(c), null], y, null, { length: 1 })[0])
      )(y);
    }
  }
  const x = np.array([[0.3, -0.2], [0.4, 1], [2, 0.1]]);
  const [plain, lifted] = [null, tl.transforms].map((t) => new Program(norm(), norm(), t));
  const [weights, state] = plain!.init(tl.signature(x));
  const other = lifted!.init(tl.signature(x));
  assertClose(treeLeaves(other), treeLeaves([weights, state]), 0);
  const [y, after] = plain!.pureFn(x, weights, state);
  const slope = grad((x: NDArray) => plain!.pureFn(x, weights, state)[0].square().sum())(x);
  for (const f of everywhere((x: NDArray) => lifted!.pureFn(x, weights, state))) {
    const [own, moved] = f(x);
    assertClose(own, y, 1e-5);
    assertClose(treeLeaves(moved), treeLeaves(after), 1e-5);
  }
  const own = grad((x: NDArray) => lifted!.pureFn(x, weights, state)[0].square().sum());
  for (const f of everywhere((x: NDArray) => own(x))) assertClose(f(x), slope, 1e-4);
  assertEquals(
    treeLeaves(after).map((v) => (v as NDArray).shape),
    treeLeaves(state).map((v) => (v as NDArray).shape),
  );
});

Deno.test("Scan and Cond carry the state of their layers", () => {
  const counter = tl.BatchNorm({ axis: 0, momentum: 0.5 });
  const step = tl.Serial<readonly NDArray[], readonly NDArray[]>(tl.Add(), counter, tl.Dup());
  const layer = tl.Scan(step as unknown as tl.AnyLayer);
  const xs = random.normal(key, [4, 3, 2]);
  const start = np.zeros([3, 2]);
  const [weights, state] = layer.init(tl.signature([xs, start])) as [tl.Values, tl.Values[]];
  const [[ys, last], after] = layer.pureFn([xs, start], weights, state) as [NDArray[], tl.Values];
  let [c, s] = [start, state[0]];
  for (let i = 0; i < 4; i++) {
    const [out, next] = step.pureFn([xs.at(i), c], (weights as tl.Values[])[0]!, s!) as [
      NDArray[],
      tl.Values,
    ];
    [c, s] = [out[1]!, next];
    assertClose(ys!.at(i), out[0], 1e-5);
  }
  assertClose([last, ...treeLeaves(after)], [c, ...treeLeaves(s)], 1e-5);
  for (const f of everywhere((xs: NDArray) => layer.pureFn([xs, start], weights, state))) {
    assertClose(f(xs)[0], [ys, last], 1e-5);
  }
  const remat = tl.Scan(step as unknown as tl.AnyLayer, { remat: true });
  const slope = (l: tl.AnyLayer) =>
    grad((xs: NDArray) =>
      (l.pureFn([xs, start], weights, state)[0] as NDArray[])[1]!.square().sum()
    );
  assertClose(slope(remat)(xs), slope(layer)(xs), 1e-5);

  const isLarge = tl.Fn("IsLarge", (x) => x.sum().greater(10));
  const cond = tl.Cond(
    isLarge as tl.AnyLayer,
    tl.BatchNorm({ axis: 0 }) as tl.AnyLayer,
    tl.BatchNorm({ axis: 0 }) as tl.AnyLayer,
  );
  const two = (x: NDArray): [NDArray, NDArray] => [x, x];
  const [w, s0] = cond.init(tl.signature(two(np.ones([3, 1])))) as [tl.Values, tl.Values];
  for (const f of everywhere((x: NDArray) => cond.pureFn(two(x), w, s0)[1])) {
    const counts = (x: NDArray) => (f(x) as NDArray[][]).slice(1).map((s) => s[2]!.item());
    assertEquals([counts(np.full([3, 1], 9)), counts(np.ones([3, 1]))], [[1, 0], [0, 1]]);
  }
  const rows = tl.Chunk(tl.Dense(2) as tl.AnyLayer, 2);
  const x = random.normal(key, [6, 3]);
  rows.init(tl.signature(x), key);
  const [[kernel, bias]] = (rows.weights as [unknown, [[NDArray, NDArray]]])[1];
  assertClose(rows.call(x), x.matmul(kernel).add(bias), 1e-5);
});

Deno.test("in withLayers objects keep what loops make of them: state, weights, and weights that come to be there", () => {
  const dense = tl.Dense(3), norm = tl.BatchNorm({ axis: 0, momentum: 0.5 });
  const x = random.normal(key, [5, 3]);
  const both = [dense, norm] as unknown as tl.AnyLayer[];
  norm.init(tl.signature(x));
  const run = (t: Transforms) =>
    t.foriLoop(0, 3, (_, z) => {
      dense.init(tl.signature(z)); // made at the first step, once
      return norm.call(dense.call(z));
    }, x);
  const y = tl.withLayers(both, () => run(tl.transforms), { rng: key });
  const [w, b] = dense.weights as [NDArray, NDArray];
  assertEquals(
    [w.shape, (w.toArray() as number[][]).length, (norm.state as NDArray[])[2]!.item()],
    [[3, 3], 3, 3],
  );
  const again = tl.BatchNorm({ axis: 0, momentum: 0.5 });
  again.init(tl.signature(x));
  let z = x;
  for (let i = 0; i < 3; i++) z = again.call(z.matmul(w).add(b));
  assertClose(y, z, 1e-5);
  assertClose(norm.state, again.state, 1e-5);
  // Steps of an optimiser in a compiled scan.
  const loss = () => (dense.call(x)).square().mean();
  const before = loss().item();
  const train = () =>
    tl.transforms.jit((x: NDArray) =>
      tl.transforms.scan(
        (c: NDArray) => {
          const [value, [, slopes]] = tl.transforms.valueAndGrad(
            () => dense.call(x).square().mean(),
            {
              entries: (path: string) => path.endsWith("Dense_3"),
              argnums: [],
            },
          )() as unknown as [NDArray, [unknown, Record<string, NDArray[]>]];
          const [own] = Object.values(slopes);
          dense.weights = (dense.weights as NDArray[]).map((w, i) => w.sub(own![i]!.mul(0.1)));
          return [c.add(1), value];
        },
        np.array(0),
        null,
        { length: 20 },
      )
    )(x);
  const [, losses] = tl.withLayers(both, train);
  assertClose(losses.at(0), before, 1e-5);
  assert(loss().item() < before / 4);
  // An exception leaves them as they were.
  const kept = dense.weights;
  assertThrows(
    () =>
      tl.withLayers(both, () => {
        dense.weights = [w, b];
        run(tl.transforms);
        throw new Error("midway");
      }),
    Error,
    "midway",
  );
  assertStrictEquals((dense.weights as NDArray[])[0], (kept as NDArray[])[0]);
  assertEquals((norm.state as NDArray[])[2]!.item(), 3);
});

Deno.test("initial values depend neither on transforms around, nor on a branch being taken", () => {
  const x = np.array([0.3, -0.2, 0.4]);
  class Branched extends tl.Layer<NDArray, NDArray> {
    constructor(readonly cell: tl.AnyLayer, readonly t: Transforms | null) {
      super({ sublayers: [cell] });
    }
    override initWeightsAndState(x: ShapeDtype): void {
      const make = (): number => (this.cell.init(x), 0);
      if (this.t === null) make();
      else {
        const { t } = this;
        t.foriLoop(
          0,
          2,
          (_, c) => t.cond(false, (c) => c.add(make()), (c) => t.vmap((c: NDArray) => c)(c), c),
          np.zeros([2]),
        );
      }
    }
    override forward(x: NDArray): NDArray {
      return this.cell.call(x) as NDArray;
    }
  }
  const cell = (): tl.AnyLayer => tl.Serial(tl.Dense(3), tl.Dense(2)) as tl.AnyLayer;
  const [plain] = new Branched(cell(), null).init(tl.signature(x), key);
  const [lifted] = new Branched(cell(), tl.transforms).init(tl.signature(x), key);
  assertClose(treeLeaves(lifted), treeLeaves(plain), 0);
  const shapes = tl.Serial(tl.Dense(3), tl.Dense(2));
  shapes.init(tl.signature(x), key);
  assertEquals(String(shapes.outputSignature(tl.signature(x))), "float32[2]");
});

Deno.test("a compiled function that is kept holds where its layers are in the same place", () => {
  const scale = (factor: number): tl.Layer => {
    const [layer] = [
      tl.Dense(1, { useBias: false, kernelInitializer: tl.ConstantInitializer(factor) }),
    ];
    return layer!;
  };
  const a = scale(2), b = scale(3);
  const kept = tl.transforms.jit((x: NDArray) => a.call(x), { backend: "interpreter" });
  class Uses extends tl.Layer {
    constructor(sublayers: readonly tl.Layer[]) {
      super({ name: "Uses", sublayers: sublayers as unknown as tl.AnyLayer[] });
    }
    override initWeightsAndState(x: ShapeDtype): void {
      for (const layer of this.sublayers) layer.init(x);
    }
    override forward(x: NDArray): NDArray {
      return kept(x);
    }
  }
  const x = np.array([1]);
  const value = (layers: readonly tl.Layer[]): number => {
    const model = new Uses(layers);
    model.init(tl.signature(x), key);
    return model.call(x).item();
  };
  assertEquals([value([a, b]), value([b, a]), value([a, b])], [2, 2, 2]);
  assertThrows(() => value([b]), StateError, "is none of its sublayers");
});
