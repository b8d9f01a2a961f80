/**
 * Transforms put together in any order: for functions with every kind of control flow, gradients and
 * second derivatives by every route agree with finite differences, whatever they are wrapped in.
 *
 * @module
 */
import {
  checkpoint,
  cond,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  loadBackend,
  type NDArray,
  numpy as np,
  scan,
  vjp,
  vmap,
} from "../../mod.ts";
import { arr, difference, make } from "../support/arrays.ts";
import { assert } from "../support/assert.ts";
import { Random, seedNote } from "../support/random.ts";
import { type Fn, type Mode, type Subject, subjects } from "../support/subjects.ts";

await loadBackend("onnx");

const identity = arr([[1, 0, 0], [0, 1, 0], [0, 0, 1]]);

/** Derivatives: from a function of R^3 to its Jacobian, by different routes. */
interface Route {
  readonly mode: "forward" | "reverse";
  /** For functions whose result is a scalar alone. */
  readonly scalarOnly?: true;
  readonly d: (f: Fn) => Fn;
}

const routes: Readonly<Record<string, Route>> = {
  grad: { mode: "reverse", scalarOnly: true, d: (f) => grad(f) as Fn },
  jacrev: { mode: "reverse", d: (f) => jacrev(f) as Fn },
  jacfwd: { mode: "forward", d: (f) => jacfwd(f) as Fn },
  "vjp, one cotangent at a time": {
    mode: "reverse",
    d: (f) => (x) => {
      const [y, pull] = vjp(f, [x]);
      if (y.ndim === 0) return pull(np.onesLike(y))[0];
      return np.stack([0, 1, 2].map((i) => pull(identity.at(i))[0]));
    },
  },
  "jvp, vmapped over tangents": {
    mode: "forward",
    d: (f) => (x) => np.moveaxis(vmap((t: NDArray) => jvp(f, [x], [t])[1])(identity), 0, -1),
  },
  "linearize, one tangent at a time": {
    mode: "forward",
    d: (f) => (x) => {
      const [, push] = linearize(f, [x]);
      return np.stack([0, 1, 2].map((i) => push(identity.at(i))), -1);
    },
  },
};

/** What a function can be wrapped in without changing it. */
const wrappers: Readonly<Record<string, (f: Fn) => Fn>> = {
  nothing: (f) => f,
  jit: (f) => jit(f, { backend: "interpreter" }),
  checkpoint: (f) => checkpoint(f),
  "a lane of vmap": (f) => (x) => vmap(f)(np.stack([x.mul(0.5), x])).at(1),
  "one step of scan that captures x": (f) => (x) =>
    scan(() => [null, f(x)], null, null, { length: 1 })[1].at(0),
  "cond that captures x": (f) => (x) =>
    cond(
      x.sum().greater(-100),
      (v: NDArray) => f(v.add(x).mul(0.5)),
      (v: NDArray) => f(x.add(v)),
      x,
    ),
};

const fits = (mode: Mode, route: Route): boolean => mode === "any" || route.mode === mode;

/** Derivative of `f` at `x` by central differences of fourth order; the input's axis comes last. */
function differences(f: Fn, x: NDArray): NDArray {
  const step = 2 ** -9;
  const at = (i: number, k: number): NDArray =>
    f(make(x.aval, Array.from(x.dataSync(), (v, j) => j === i ? v + k * step : v)));
  const columns = [0, 1, 2].map((i) => {
    const [a, b, c, d] = [-2, -1, 1, 2].map((k) => at(i, k).dataSync());
    return Array.from(a!, (_, j) => (8 * (c![j]! - b![j]!) - (d![j]! - a![j]!)) / (12 * step));
  });
  const shape = [...f(x).shape, 3];
  return make(
    { shape, dtype: "float64" },
    columns[0]!.flatMap((_, j) => columns.map((column) => column[j]!)),
  );
}

const points = [arr([0.4, -0.7, 0.9]), arr([-0.6, 0.8, 0.3])];

/** Truncation of the differences, for third and fourth derivatives of size 100 or so. */
const ALLOWED = 1e-7;

function check(what: string, actual: NDArray, expected: NDArray): void {
  const scale = Math.max(1, ...Array.from(expected.dataSync(), Math.abs));
  // Differences know no sign of zero.
  const found = difference(actual, expected, ALLOWED * scale, { anyZero: true });
  assert(found === null, `${what}: ${found} (${seedNote})`);
}

/** One of a table's entries. */
function pick<T>(random: Random, table: Readonly<Record<string, T>>): [string, T] {
  const entries = Object.entries(table);
  return entries[random.integer(0, entries.length)]!;
}

for (const [name, { f, mode }] of Object.entries(subjects) as [string, Subject][]) {
  Deno.test(`first derivatives by every route: ${name}`, () => {
    const random = new Random(`first ${name}`);
    for (const x of points) {
      const expected = differences(f, x);
      for (const [inside, wrapInside] of Object.entries(wrappers)) {
        for (const [route, r] of Object.entries(routes)) {
          if (!fits(mode, r)) continue;
          for (const [outside, wrapOutside] of [pick(random, wrappers), pick(random, wrappers)]) {
            const g = wrapOutside(r.d(wrapInside(f)));
            check(`${outside} of ${route} of ${inside} of ${name}`, g(x), expected);
          }
        }
      }
    }
  });

  Deno.test(`second derivatives by many routes: ${name}`, () => {
    const random = new Random(`second ${name}`);
    const x = points[1]!;
    const first = mode === "forward" ? jacfwd(f) as Fn : grad(f) as Fn;
    check(`gradient of ${name}`, first(x), differences(f, x));
    const expected = differences(first, x);
    if (mode === "any") check(`hessian of ${name}`, hessian(f)(x), expected);
    let tried = 0;
    while (tried < 40) {
      const [w1, wrap1] = pick(random, wrappers);
      const [w2, wrap2] = pick(random, wrappers);
      const [w3, wrap3] = pick(random, wrappers);
      const [d1, r1] = pick(random, routes);
      const [d2, r2] = pick(random, routes);
      // Forward over reverse is fine where forward alone is not, but not the other way round.
      if (!fits(mode, r1) || (mode === "forward" && r2.mode === "reverse") || r2.scalarOnly) {
        continue;
      }
      tried++;
      const g = wrap3(r2.d(wrap2(r1.d(wrap1(f)))));
      check(`${w3} of ${d2} of ${w2} of ${d1} of ${w1} of ${name}`, g(x), expected);
    }
  });

  Deno.test(`one graph on onnx: value, gradient, hessian and lanes: ${name}`, () => {
    const d = mode === "forward" ? jacfwd : jacrev;
    const all = (x: NDArray): NDArray[] => {
      const second = mode === "reverse" ? jacrev(d(f)) : jacfwd(d(f));
      return [
        f(x),
        d(f)(x),
        second(x),
        vmap(f)(np.stack([x, x.mul(0.9)])),
        vmap(d(f))(np.stack([x, x])),
      ];
    };
    const compiled = jit(all);
    for (const x of points) {
      const expected = all(x);
      compiled(x).forEach((y, k) => {
        const scale = Math.max(1, ...Array.from(expected[k]!.dataSync(), Math.abs));
        const found = difference(y, expected[k]!, 1e-13 * scale);
        assert(found === null, `output ${k} of ${name} on onnx: ${found}`);
      });
    }
  });
}
