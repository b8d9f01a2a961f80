/**
 * Random programs over models: under the transforms of the adapter in the manner of NNX they give, and
 * leave in the objects, what the same program does step by step, without any transform.
 *
 * @module
 */
import { type NDArray, numpy as np, random } from "../../mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import { assert } from "../support/assert.ts";
import { assertClose } from "../support/arrays.ts";

type F = (x: NDArray) => NDArray;

/** What programs are made of: functions of a function of arrays, and of the objects that it uses. */
interface Members {
  readonly call: (f: F, x: NDArray) => NDArray;
  readonly loop: (n: number, f: F, x: NDArray) => NDArray;
  readonly scan: (n: number, f: F, x: NDArray) => NDArray;
  readonly until: (n: number, f: F, x: NDArray) => NDArray;
  readonly choose: (taken: boolean, f: F, g: F, x: NDArray) => NDArray;
  readonly derive: (f: F, x: NDArray) => NDArray;
  readonly again: (f: F, x: NDArray) => NDArray;
  readonly lanes: (f: F, x: NDArray) => NDArray;
}

/** Step by step. */
const plainly: Members = {
  call: (f, x) => f(x),
  loop: (n, f, x) => {
    for (let i = 0; i < n; i++) x = f(x);
    return x;
  },
  scan: (n, f, x) => plainly.loop(n, f, x),
  until: (n, f, x) => plainly.loop(n, f, x),
  choose: (taken, f, g, x) => taken ? f(x) : g(x),
  derive: (f, x) => f(x),
  again: (f, x) => f(x),
  lanes: (f, x) => f(x),
};

/** By a dictionary. */
function by(t: typeof nnx.transforms): Members {
  return {
    call: (f, x) => t.jit(f)(x),
    loop: (n, f, x) => t.foriLoop(0, n, (_, x) => f(x), x),
    scan: (n, f, x) => t.scan((c: NDArray) => [f(c), null], x, null, { length: n })[0],
    until: (n, f, x) =>
      t.whileLoop(
        ([i]) => i.less(n),
        ([i, x]) => [i.add(1), f(x)] as [NDArray, NDArray],
        [np.array(0), x] as [NDArray, NDArray],
      )[1],
    choose: (taken, f, g, x) => t.cond(taken, f, g, x),
    derive: (f, x) => t.jvp(f, [x], [x])[0],
    again: (f, x) => t.checkpoint(f)(x),
    lanes: (f, x) => t.vmap(f, { inAxes: null, axisSize: 2 })(x).at(1),
  };
}

/** With the models as arguments. */
function through(model: Model): Members {
  const held = (f: F) => (_: Model, x: NDArray): NDArray => f(x);
  return {
    call: (f, x) => nnx.jit(held(f))(model, x),
    loop: (n, f, x) =>
      nnx.foriLoop(0, n, (_, [m, x]): [Model, NDArray] => [m, f(x)], [model, x] as [
        Model,
        NDArray,
      ])[1],
    scan: (n, f, x) =>
      nnx.scan((x: NDArray, _: Model) => f(x), {
        inAxes: [nnx.Carry, null],
        outAxes: nnx.Carry,
        length: n,
      })(x, model),
    until: (n, f, x) =>
      nnx.whileLoop(
        ([, i]) => i.less(n),
        ([m, i, x]): [Model, NDArray, NDArray] => [m, i.add(1), f(x)],
        [model, np.array(0), x] as [Model, NDArray, NDArray],
      )[2],
    choose: (taken, f, g, x) => nnx.cond(taken, held(f), held(g), model, x),
    derive: (f, x) => {
      const loss = (m: Model, x: NDArray): [NDArray, NDArray] => {
        const y = held(f)(m, x);
        return [y.sum(), y];
      };
      return nnx.grad(loss, { argnums: 1, hasAux: true })(model, x)[1];
    },
    again: (f, x) => nnx.remat(held(f))(model, x),
    lanes: (f, x) => nnx.vmap(held(f), { inAxes: [null, null], axisSize: 2 })(model, x).at(1),
  };
}

class Model extends nnx.Module {
  readonly a = new nnx.Param(np.array([0.5, -0.25]));
  readonly b = new nnx.BatchStat(np.array([1, 2]));
  readonly c = new nnx.Variable({ n: np.array(0), sum: np.array([0, 0]) });
  readonly inner = { same: this.a, list: [this.b] };
  readonly rngs = new nnx.Rngs(3);
  call(kind: number, x: NDArray): NDArray {
    if (kind === 0) {
      this.inner.same.value = this.a.value.mul(0.9).add(x.mul(0.01));
      return np.tanh(x.add(this.a.value));
    }
    if (kind === 1) {
      const { n, sum } = this.c.value;
      this.c.value = { n: n.add(1), sum: sum.mul(0.5).add(x) };
      return x.mul(0.5).add(this.c.value.sum.mul(0.1));
    }
    if (kind === 2) return x.add(random.uniform(this.rngs.next(), [2])).mul(0.5);
    // The two change places.
    [this.a.value, this.b.value] = [this.b.value.mul(0.5), this.a.value.add(x)];
    return np.sin(x);
  }
}

interface Rand {
  (n: number): number;
}

function randomOf(seed: number): Rand {
  let s = seed * 2654435761 >>> 0;
  return (n) => {
    s = Math.imul(s ^ (s >>> 15), 0x2c1b3c6d) + 0x9e3779b9 >>> 0;
    return (s >>> 8) % n;
  };
}

/** A random function of members and a model. */
function program(rand: Rand, depth: number): (t: Members, m: Model, other: nnx.Variable) => F {
  if (depth === 0) {
    const kind = rand(6);
    return (_, m, other) => (x) => {
      if (kind < 4) return m.call(kind, x);
      if (kind === 4) {
        other.value = other.value.add(1);
        return x.add(other.value.mul(0.1));
      }
      const own = new nnx.Variable(x);
      own.value = own.value.mul(2);
      return own.value.mul(0.25);
    };
  }
  const parts = [0, 1].map(() => program(rand, depth - 1 - rand(depth)));
  const [kind, n, taken] = [rand(10), 1 + rand(3), rand(2) === 0];
  return (t, m, other) => (x) => {
    const [f, g] = parts.map((p) => p(t, m, other)) as [F, F];
    switch (kind) {
      case 0:
        return t.call(f, g(x));
      case 1:
        return t.loop(n, f, x);
      case 2:
        return t.scan(n, (x) => g(f(x)), x);
      case 3:
        return t.until(n, f, x);
      case 4:
        return t.choose(taken, f, g, x);
      case 5:
        return t.derive(f, g(x));
      case 6:
        return t.again(f, x);
      case 7:
        return t.lanes(f, x);
      case 8: {
        // Made here, used in a transform, and gone.
        const own = new nnx.Variable(np.array([0, 0]));
        t.loop(n, (y) => {
          own.value = own.value.add(f(y));
          return y;
        }, x);
        return own.value.mul(0.2);
      }
      default:
        return t.call((x) => t.call(f, x), t.call(g, x));
    }
  };
}

/** Keys are shared by lanes, but a derivative by jvp in reverse mode is none of a loop that may not end. */
function runs(make: (m: Model) => Members, seed: number): unknown {
  const [model, other] = [new Model(), new nnx.Variable(np.array([0, 0]))];
  const f = program(randomOf(seed), 3);
  const out = [f(make(model), model, other)(np.array([0.3, -0.6]))];
  out.push(f(make(model), model, other)(out[0]!));
  return [out, other.value, nnx.variables(model).map(([, v]) => v.value)];
}

const worlds: Record<string, (m: Model) => Members> = {
  "transformsFor(model)": (m) => by(nnx.transformsFor(m)),
  "transforms": () => by(nnx.transforms),
  "the model as an argument": through,
};

for (const [name, make] of Object.entries(worlds)) {
  Deno.test(`random programs do to models what they do step by step: ${name}`, () => {
    let done = 0;
    for (let seed = 1; seed <= 50; seed++) {
      let found: unknown;
      try {
        found = runs(make, seed);
      } catch (error) {
        // No reverse mode through a while loop, in pure programs neither.
        if (/reverse-mode differentiation of whileLoop/.test(String(error))) continue;
        throw new Error(`program ${seed}: ${error}`, { cause: error });
      }
      assertClose(found, runs(() => plainly, seed), 1e-4, `program ${seed}`);
      done++;
    }
    assert(done > 38, `only ${done} programs`);
  });
}
