/**
 * Methods that are taken from their objects and given to transforms, pure ones and those of each system:
 * they run without `this`, and where they need it the error says what to pass instead.
 *
 * @module
 */
import {
  bracketRoot,
  curveFit,
  fixedPoint,
  leastSquares,
  LinearOperator,
  linearSolve,
  minimise,
  minimiseScalar,
  type NDArray,
  numpy as np,
  proximalGradient,
  pure,
  rootFind,
  type Transforms,
} from "../../mod.ts";
import * as eqx from "../../adapters/equinox/mod.ts";
import * as flax from "../../adapters/flax/mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import * as trax from "../../adapters/trax/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

const x = np.array(2);
const xs = np.array([1, 2]);

/** Calls of each member with a function of scalars. */
const members: Record<string, (t: Transforms, f: Any) => unknown> = {
  jit: (t, f) => t.jit(f, { backend: "interpreter" })(x),
  grad: (t, f) => t.grad(f)(x),
  valueAndGrad: (t, f) => t.valueAndGrad(f)(x),
  jvp: (t, f) => t.jvp(f, [x], [x]),
  vjp: (t, f) => t.vjp(f, [x]),
  linearize: (t, f) => t.linearize(f, [x]),
  jacfwd: (t, f) => t.jacfwd(f)(x),
  jacrev: (t, f) => t.jacrev(f)(x),
  hessian: (t, f) => t.hessian(f)(x),
  vmap: (t, f) => t.vmap(f)(xs),
  checkpoint: (t, f) => t.checkpoint(f)(x),
  map: (t, f) => t.map(f, xs),
  scan: (t, f) => t.scan(f, x, null, { length: 2 }),
  whileLoop: (t, f) => t.whileLoop((x: NDArray) => x.less(0), f, x),
  condition: (t, f) => t.whileLoop(f, (x: NDArray) => x, x),
  bounded: (t, f) => t.whileLoop((x: NDArray) => x.less(0), f, x, { maxSteps: 2 }),
  foriLoop: (t, f) => t.foriLoop(0, 2, f, x),
  cond: (t, f) => t.cond(np.array(true), f, f, x),
  switchCase: (t, f) => t.switchCase(0, [f, f], x),
  evalShape: (t, f) => t.evalShape(f, x),
};

const results: Record<string, (x: NDArray) => unknown> = {
  scan: (x) => [x, null],
  condition: () => np.array(false),
  foriLoop: () => x,
};

/** Runs a test with each dictionary, inside of its system too. */
function everywhere(run: (t: Transforms) => void): void {
  for (const { transforms } of [{ transforms: pure }, hk, flax, nnx, trax, eqx] as Any[]) {
    run(transforms ?? pure);
  }
  hk.transform(() => {
    run(hk.transforms);
    return x;
  }).init(null);
}

Deno.test("transforms call functions without this, and say so where a method needs its object", () => {
  const thrown = "call is a method that was taken from its object | Pass (x) => object.call(x)";
  for (const [name, use] of Object.entries(members)) {
    const give = results[name] ?? ((x: NDArray) => x.mul(x));
    everywhere((t) => {
      const seen = new Set<unknown>();
      const loose = {
        f(x: NDArray): unknown {
          seen.add(this);
          return give(x);
        },
      };
      use(t, loose.f);
      assertEquals([...seen], [undefined], name);
      class Layer {
        readonly give = give;
        call(x: NDArray): unknown {
          return this.give(x);
        }
      }
      for (const part of thrown.split(" | ")) {
        assertThrows(() => use(t, new Layer().call), TypeError, part);
      }
    });
  }
});

Deno.test("solvers say it, too", () => {
  const points = np.array([1, 2, 3]);
  const all: Record<string, (f: Any) => unknown> = {
    fixedPoint: (f) => fixedPoint(f, points),
    comparand: (f) => fixedPoint((x: NDArray) => x.mul(0.5), points, { comparand: f }),
    rootFind: (f) => rootFind(f, points),
    bracketRoot: (f) => bracketRoot(f, [-1, 2]),
    leastSquares: (f) => leastSquares(f, points),
    curveFit: (f) => curveFit(f, { x: points, y: points }, points),
    minimise: (f) => minimise(f, points),
    minimiseScalar: (f) => minimiseScalar(f, [0, 1]),
    linearSolve: (f) => linearSolve(f, points),
    jacobian: (f) => LinearOperator.jacobian(f, points),
    prox: (f) =>
      minimise((x: NDArray) => x.square().sum(), points, { solver: proximalGradient(f) } as Any),
  };
  class Layer {
    readonly weight = np.array(2);
    call(x: NDArray): NDArray {
      return x.mul(this.weight);
    }
  }
  for (const [name, use] of Object.entries(all)) {
    try {
      assertThrows(() => use(new Layer().call), TypeError, "Pass (x) => object.call(x)");
    } catch (error) {
      throw new Error(name, { cause: error });
    }
  }
});

Deno.test("the transforms of NNX and Equinox say it, too, and leave other errors as they are", () => {
  const layer = new nnx.Linear(1, 1, { rngs: new nnx.Rngs(0) });
  const own = new eqx.nn.Identity();
  class Mine extends eqx.Module {
    readonly w = x;
    call(x: NDArray): NDArray {
      return this.w.mul(x).sum();
    }
  }
  assertEquals(own.call(x), x);
  const all: Record<string, (f: Any) => unknown> = {
    jit: (f) => nnx.jit(f)(xs),
    grad: (f) => nnx.grad(f)(xs),
    vmap: (f) => nnx.vmap(f)(xs),
    remat: (f) => nnx.remat(f)(xs),
    scan: (f) => nnx.scan(f, { inAxes: nnx.Carry, outAxes: nnx.Carry, length: 2 })(xs),
    cond: (f) => nnx.cond(true, f, f, xs as Any),
    foriLoop: (f) => nnx.foriLoop(0, 2, f, xs),
    vjp: (f) => nnx.vjp(f, [xs]),
    filterJit: (f) => eqx.filterJit(f)(xs),
    filterGrad: (f) => eqx.filterGrad(f)(xs as Any),
    filterVmap: (f) => eqx.filterVmap(f)(xs),
    filterJvp: (f) => eqx.filterJvp(f, [xs], [xs]),
  };
  for (const [name, use] of Object.entries(all)) {
    for (const { call } of [layer, new Mine()] as Any[]) {
      assertThrows(() => use(call), TypeError, "(x) => object.call(x)", name);
    }
    const mistaken = (x: Any): unknown => x.nothing.here;
    assertThrows(() => use(mistaken), TypeError, "reading 'here'", name);
  }
  for (
    const use of [() => nnx.vjp(xs as Any, xs as Any), () => nnx.jvp(xs as Any, xs as Any, [])]
  ) {
    assertThrows(use, TypeError, "must be a list, as in nnx.");
  }
});
