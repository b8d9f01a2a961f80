/**
 * NNX: derivatives with modules among what they are by, derivative rules of functions of modules, and
 * shapes. The behaviours are those that Flax's own tests of these ask for.
 *
 * @module
 */
import { grad, type NDArray, numpy as np, pure, random, StateError } from "../../mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import { assertClose, plain } from "../support/arrays.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

/** A function of two parameters, which counts its calls. */
class Wave extends nnx.Module {
  readonly x = new nnx.Param(np.array(1));
  readonly y = new nnx.Param(np.array(2));
  readonly count = new nnx.BatchStat(np.array(0));
}

const wave = (m: Wave): NDArray => {
  m.count.value = m.count.value.add(1);
  return np.sin(m.x.value).mul(m.y.value);
};

Deno.test("vjp: cotangents of modules and arrays, and what the function writes", () => {
  const layer = new nnx.Linear(3, 2, { rngs: new nnx.Rngs(0) });
  const x = random.normal(random.key(1), [4, 3]);
  const call = (m: nnx.Linear, x: NDArray): NDArray => m.call(x);
  const [out, pull] = nnx.vjp(call, [layer, x]);
  assertClose(out, layer.call(x), 0);
  const [slopes, byX] = pull(np.onesLike(out));
  const loss = (m: nnx.Linear, x: NDArray): NDArray => m.call(x).sum();
  assertClose(slopes, nnx.grad(loss)(layer, x), 1e-6);
  assertClose(byX, nnx.grad(loss, { argnums: 1 })(layer, x), 1e-6);

  const m = new Wave();
  const [value, back, aux] = nnx.vjp((m: Wave): [NDArray, NDArray] => [wave(m), m.y.value.mul(3)], [
    m,
  ], {
    hasAux: true,
  });
  assertEquals([m.count.value.item(), aux.item()], [1, 6]);
  assertClose(value, 2 * Math.sin(1), 1e-6);
  assertClose(back(np.array(1))[0], { x: 2 * Math.cos(1), y: Math.sin(1) }, 1e-6);
  // A variable by itself, and variables of another type.
  const [, byVariable] = nnx.vjp((v: nnx.Param) => v.value.mul(4), [m.x]);
  assertEquals(plain(byVariable(np.array(1))), [4]);
  const [, byCount] = nnx.vjp((m: Wave) => m.count.value.mul(m.x.value), [m], {
    wrt: nnx.BatchStat,
  });
  assertEquals(plain(byCount(np.array(1))), [{ count: 1 }]);
});

Deno.test("jvp: tangents of some variables, the others standing still", () => {
  const m = new Wave();
  const [value, tangent] = nnx.jvp(wave, [m], [{ x: np.array(1) }]);
  assertClose([value, tangent], [2 * Math.sin(1), 2 * Math.cos(1)], 1e-6);
  assertEquals(m.count.value.item(), 1);
  const scaled = (m: Wave, x: NDArray): [NDArray, NDArray] => [wave(m).mul(x), x];
  const [, both, aux] = nnx.jvp(scaled, [m, np.array(3)], [{ y: np.array(1) }, np.array(1)], {
    hasAux: true,
  });
  assertClose(both, 3 * Math.sin(1) + 2 * Math.sin(1), 1e-6);
  assertEquals([aux.item(), m.count.value.item()], [3, 2]);
  const [, still] = nnx.jvp(scaled, [m, np.array(3)], [null, null], { hasAux: true });
  assertEquals(still.item(), 0);
  assertThrows(
    () => nnx.jvp(wave, [m], [{ z: np.array(1) }]),
    StateError,
    "the state has z, but there is no variable",
  );
  assertThrows(
    () => nnx.jvp(wave, [m], [] as never),
    StateError,
    "a list of 1, one for each argument",
  );
});

Deno.test("derivatives of derivatives, compiled and mapped", () => {
  const m = new Wave();
  const slope = (m: Wave): NDArray => nnx.vjp(wave, [m])[1](np.array(1))[0]!.x as NDArray;
  assertClose(nnx.grad(slope)(m), { x: -2 * Math.sin(1), y: Math.cos(1) }, 1e-6);
  assertClose(nnx.jit(slope)(m), 2 * Math.cos(1), 1e-6);
  assertEquals(m.count.value.item(), 2);
  const along = (m: Wave, t: NDArray): NDArray => nnx.jvp(wave, [m], [{ x: t }])[1];
  const axes = { inAxes: [null, 0] as const };
  assertClose(nnx.vmap(along, axes)(m, np.array([1, 2])), [2 * Math.cos(1), 4 * Math.cos(1)], 1e-6);
  assertEquals(m.count.value.item(), 3);
  const twice = nnx.scan(
    (c: NDArray, m: Wave) => c.add(nnx.jvp(wave, [m], [{ x: c }])[1]),
    { inAxes: [nnx.Carry, null], outAxes: nnx.Carry, length: 2 },
  );
  const k = 1 + 2 * Math.cos(1);
  assertClose(twice(np.array(1), m), k * k, 1e-5);
  assertEquals(m.count.value.item(), 5);
});

/** A wave whose rule gives three times the slope by `x`. */
const ruled = nnx.customVjp(
  wave,
  (m: Wave) => [wave(m), { cos: np.cos(m.x.value), sin: np.sin(m.x.value), m }],
  ({ cos, sin, m }, ct: NDArray) => [{ x: cos.mul(ct).mul(m.y.value).mul(3), y: sin.mul(ct) }],
);
const expected = { x: 6 * Math.cos(1), y: Math.sin(1) };

Deno.test("customVjp: the rule gives the slopes, under grad, jit, remat, vmap and scan", () => {
  const m = new Wave();
  assertClose(ruled(m), 2 * Math.sin(1), 1e-6);
  assertEquals(m.count.value.item(), 1);
  assertClose(nnx.grad(ruled)(m), expected, 1e-6);
  assertEquals(m.count.value.item(), 2);
  const compiled = nnx.jit((m: Wave) => ruled(m));
  for (let i = 0; i < 2; i++) assertClose(nnx.grad(compiled)(m), expected, 1e-6);
  assertClose(nnx.jit(nnx.grad((m: Wave) => ruled(m)))(m), expected, 1e-6);
  assertClose(nnx.grad(nnx.remat((m: Wave) => ruled(m)))(m), expected, 1e-6);
  assertEquals(m.count.value.item(), 6);
  const lanes = nnx.vmap((m: Wave, s: NDArray) => ruled(m).mul(s), { inAxes: [null, 0] });
  const sum = (m: Wave): NDArray => lanes(m, np.array([1, 2])).sum();
  assertClose(nnx.grad(sum)(m), { x: 3 * expected.x, y: 3 * expected.y }, 1e-5);
  const steps = nnx.scan((c: NDArray, m: Wave) => c.add(ruled(m)), {
    inAxes: [nnx.Carry, null],
    outAxes: nnx.Carry,
    length: 2,
  });
  assertClose(
    nnx.grad((m: Wave) => steps(np.array(0), m))(m),
    { x: 2 * expected.x, y: 2 * expected.y },
    1e-5,
  );
  assertEquals(m.count.value.item(), 9);
  // Another model of the same structure, later.
  const other = new Wave();
  other.x.value = np.array(0);
  assertClose(nnx.grad(compiled)(other), { x: 6, y: 0 }, 1e-6);
  // By a whole module in the place of its derivatives; what is left out is zero.
  const byModule = nnx.customVjp(wave, (m: Wave) => [wave(m), m], (m, ct: NDArray) => {
    const slopes = nnx.clone(m);
    slopes.x.value = ct.mul(5);
    slopes.y.value = ct.mul(7);
    return [slopes as never];
  });
  assertEquals(plain(nnx.grad(byModule)(new Wave())), { x: 5, y: 7 });
  const one = nnx.customVjp(wave, (m: Wave) => [wave(m), m], (_, ct: NDArray) => [{ y: ct }]);
  assertEquals(plain(nnx.grad(one)(new Wave())), { x: 0, y: 1 });
});

Deno.test("customVjp: two modules, arrays and variables; what is no Param is differentiated as usual", () => {
  const [a, b] = [0, 1].map((seed) => new nnx.Linear(1, 1, { rngs: new nnx.Rngs(seed) }));
  const shared = new nnx.BatchStat(np.array(2));
  const product = nnx.customVjp(
    (a: nnx.Linear, b: nnx.Linear, x: NDArray) =>
      a.kernel.value.mul(b.kernel.value).mul(x).mul(shared.value).sum(),
    (a, b, x) => [
      a.kernel.value.mul(b.kernel.value).mul(x).mul(shared.value).sum(),
      [a, b, x] as [nnx.Linear, nnx.Linear, NDArray],
    ],
    ([a, b, x], ct: NDArray) => [
      { kernel: b.kernel.value.mul(ct).mul(x) },
      { kernel: a.kernel.value.mul(ct).mul(x) },
      null,
    ],
  );
  const x = np.array(3);
  const [, pull] = nnx.vjp(product, [a!, b!, x]);
  assertClose(
    pull(np.array(1)),
    [
      { kernel: b!.kernel.value.mul(3), bias: [0] },
      { kernel: a!.kernel.value.mul(3), bias: [0] },
      0,
    ],
    1e-6,
  );
  const loss = (a: nnx.Linear, s: nnx.BatchStat): NDArray => product(a, b!, x).mul(s.value);
  const [bySelf, byStat] = nnx.grad(loss, { argnums: [0, new nnx.DiffState(1, true)] })(a!, shared);
  assertClose((bySelf as nnx.State).kernel, b!.kernel.value.mul(6), 1e-6);
  // Once as usual, through the function, and once beside it.
  const whole = a!.kernel.value.mul(b!.kernel.value).mul(3).item();
  assertClose(byStat, 4 * whole, 1e-5);
});

Deno.test("customVjp: what the rules write is lost, and what the function writes is not", () => {
  const m = new Wave();
  const step = nnx.customVjp(
    (m: Wave) => {
      m.x.value = m.x.value.add(1);
      return m.x.value.mul(m.y.value);
    },
    (m) => {
      m.x.value = m.x.value.add(1);
      return [m.x.value.mul(m.y.value), m];
    },
    (m, ct) => {
      m.count.value = np.array(99);
      return [{ x: ct.mul(m.y.value), y: ct.mul(m.x.value) }];
    },
  );
  assertEquals(plain(nnx.grad(step)(m)), { x: 2, y: 2 });
  assertEquals([m.x.value.item(), m.count.value.item()], [2, 0]);
});

Deno.test("customVjp: rules that give something else are told so", () => {
  const m = new Wave();
  const rule = (bwd: unknown, fwd: unknown = (m: Wave) => [wave(m), null]) =>
    nnx.grad(nnx.customVjp(wave, fwd as never, bwd as never));
  assertThrows(() => rule(() => [])(m), StateError, "a list of 1, one for each argument");
  assertThrows(
    () => rule(() => ({ x: 1 }))(m),
    StateError,
    "one for each argument, not a plain object",
  );
  assertThrows(() => rule(() => [{ z: np.array(1) }])(m), StateError, "There is x, y");
  assertThrows(() => rule(() => [null], wave)(m), StateError, "must return [value, residuals]");
  assertThrows(
    () => nnx.vjp((p: [Wave, NDArray]) => wave(p[0]), [[m, np.array(1)]]),
    StateError,
    "argument 0 has both modules and arrays",
  );
  assertThrows(
    () => nnx.vjp((m: Wave) => [m] as never, [m]),
    StateError,
    "the function returned a module",
  );
  assertEquals(m.count.value.item(), 0);
});

Deno.test("evalShape: models and results by their shapes, and nothing happens", () => {
  let made = 0;
  class Counted extends nnx.Linear {
    constructor(rngs: nnx.Rngs) {
      super(3, 5, { rngs });
      made++;
    }
  }
  const rngs = new nnx.Rngs(0);
  const shapes = nnx.evalShape((rngs: nnx.Rngs) => new Counted(rngs), rngs);
  assert(shapes instanceof Counted && made === 1);
  assertEquals([shapes.kernel.value.shape, shapes.bias!.value.dtype], [[3, 5], "float32"]);
  assertEquals(Object.keys(nnx.state(shapes, nnx.Param)), ["kernel", "bias"]);
  // No key was drawn, and the model is filled from elsewhere.
  const real = new Counted(rngs);
  assertClose(real.kernel.value, new Counted(new nnx.Rngs(0)).kernel.value, 0);
  nnx.update(shapes, nnx.state(real));
  assertClose(shapes.call(np.ones([3])), real.call(np.ones([3])), 0);

  const m = new Wave();
  const out = nnx.evalShape((m: Wave, x: NDArray) => ({ y: wave(m).mul(x), m }), m, np.ones([2]));
  assertEquals([out.y.shape, out.m.x.value.shape, m.count.value.item()], [[2], [], 0]);
  assert(out.m !== m && out.m instanceof Wave);
});

Deno.test("functions of modules have derivatives by pure transforms as well", () => {
  const m = new Wave();
  const [graphdef, params, rest] = nnx.split(m, nnx.Param, true);
  const f = (p: nnx.State): NDArray => ruled(nnx.merge(graphdef, p, rest!));
  assertClose(grad(f)(params!), expected, 1e-6);
  assertClose(pure.jit(grad(f))(params!), expected, 1e-6);
});

Deno.test("branches may be there for what they do to variables alone", () => {
  const m = new Wave();
  const count = (by: number) => (m: Wave): void => {
    m.count.value = m.count.value.add(by);
  };
  nnx.cond(np.array(true), count(1), () => {}, m);
  nnx.cond(np.array(false), count(10), () => {}, m);
  nnx.switchCase(2, [count(100), () => {}, count(1000)], m);
  assertEquals(m.count.value.item(), 1001);
});
