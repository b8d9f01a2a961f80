/**
 * The library functions that the matrix is over: those of `tests/lift/library.ts`, those with auxiliary
 * outputs, and loops whose condition does nothing.
 *
 * @module
 */
import { fixedPoint, implicit, type NDArray, numpy as np, pure } from "../../mod.ts";
import { type Library, library, type Step } from "../lift/library.ts";
import {
  type Explicit,
  hasAux,
  once,
  type Purified,
  purified as basic,
  type State,
} from "./purified.ts";

// In nests drawn at random the system of a derivative may be singular: then both sides are NaN.
const unsaid = implicit({ throw: false });

const half = (x: NDArray): NDArray => x.mul(0.5);

const withLoss = (f: Step) => (x: NDArray): [NDArray, NDArray] => {
  const y = f(x);
  return [y.square().sum(), y];
};
const withAux = (f: Step) => (x: NDArray): [NDArray, NDArray] => {
  const y = f(x);
  return [y, y.mul(2)];
};

type Inner = (x: NDArray) => [State, NDArray];
type Aux = [State, NDArray];

const lossOf = (f: Inner) => (x: NDArray): [NDArray, Aux] => {
  const [s, y] = f(x);
  return [y.square().sum(), [s, y]];
};
const auxOf = (f: Inner) => (x: NDArray): [NDArray, Aux] => {
  const [s, y] = f(x);
  return [y, [s, y.mul(2)]];
};

const further: Readonly<Record<string, Library>> = {
  "whileLoop, body alone": {
    use: (f, x, t) =>
      t.whileLoop(
        ([i]) => i.less(3),
        ([i, z]) => [i.add(1), f(z).add(half(z))],
        [np.array(0, { dtype: "int32" }), x] as [NDArray, NDArray],
        { maxSteps: 5 },
      )[1],
  },
  "grad with aux": {
    use: (f, x, t) => {
      const [g, aux] = t.grad(withLoss(f), hasAux)(x);
      return g.add(aux);
    },
    needs: ["reverse"],
  },
  "valueAndGrad with aux": {
    use: (f, x, t) => {
      const [[v, aux], g] = t.valueAndGrad(withLoss(f), hasAux)(x);
      return g.add(v).add(aux);
    },
    needs: ["reverse"],
  },
  "vjp with aux": {
    use: (f, x, t) => {
      const [y, pull, aux] = t.vjp(withAux(f), [x], hasAux);
      return y.add(pull(aux)[0]);
    },
    needs: ["reverse"],
  },
  "jacfwd with aux": {
    use: (f, x, t) => {
      const [j, aux] = t.jacfwd(withAux(f), hasAux)(x);
      return j.sum(0).add(aux);
    },
    needs: ["forward"],
  },
  "jacrev with aux": {
    use: (f, x, t) => {
      const [j, aux] = t.jacrev(withAux(f), hasAux)(x);
      return j.sum(1).add(aux);
    },
    needs: ["reverse"],
  },
  "hessian with aux": {
    use: (f, x, t) => {
      const [h, aux] = t.hessian(withLoss(f), hasAux)(x);
      return np.matmul(h, x).add(aux);
    },
    needs: ["forward", "reverse"],
  },
  "fixedPoint with aux": {
    use: (f, x, t) => {
      const { value, aux } = fixedPoint(
        (z: NDArray): [NDArray, NDArray] => {
          const y = f(z);
          return [half(y).add(half(x)), y];
        },
        x,
        { transforms: t, rtol: 1e-3, atol: 1e-3, hasAux: true, adjoint: unsaid },
      );
      return value.add(aux as NDArray);
    },
    implicit: true,
  },
};

const furtherPurified: Readonly<Record<string, Purified>> = {
  "whileLoop, body alone": (f) => (s, keys, x) =>
    keys.fork((own) => {
      const given = own.part(0);
      const [, after, y] = pure.whileLoop(
        ([i]) => i.less(3),
        ([i, s, z]): [NDArray, State, NDArray] => {
          const [after, y] = f(s, given.part(i), z);
          return [i.add(1), after, y.add(half(z))];
        },
        [np.array(0, { dtype: "int32" }), s, x] as [NDArray, State, NDArray],
        { maxSteps: 5 },
      );
      return [after, y];
    }),
  "grad with aux": once((f, x) => {
    const [g, [s, aux]] = pure.grad(lossOf(f), hasAux)(x);
    return [s, g.add(aux)];
  }),
  "valueAndGrad with aux": once((f, x) => {
    const [[v, [s, aux]], g] = pure.valueAndGrad(lossOf(f), hasAux)(x);
    return [s, g.add(v).add(aux)];
  }),
  "vjp with aux": once((f, x) => {
    const [y, pull, [s, aux]] = pure.vjp(auxOf(f), [x], hasAux);
    return [s, y.add(pull(aux)[0])];
  }),
  "jacfwd with aux": once((f, x) => {
    const [j, [s, aux]] = pure.jacfwd(auxOf(f), hasAux)(x);
    return [s, j.sum(0).add(aux)];
  }),
  "jacrev with aux": once((f, x) => {
    const [j, [s, aux]] = pure.jacrev(auxOf(f), hasAux)(x);
    return [s, j.sum(1).add(aux)];
  }),
  "hessian with aux": once((f, x) => {
    const [h, [s, aux]] = pure.hessian(lossOf(f), hasAux)(x);
    return [s, np.matmul(h, x).add(aux)];
  }),
  "fixedPoint with aux": (f) => (s, keys, x) =>
    keys.fork((own) => {
      const { value, aux } = fixedPoint(
        (z: NDArray): [NDArray, Aux] => {
          const [s2, y] = f(s, own.part(0), z);
          return [half(y).add(half(x)), [s2, y]];
        },
        x,
        { rtol: 1e-3, atol: 1e-3, hasAux: true, adjoint: unsaid },
      );
      const [after, y] = aux as Aux;
      return [after, value.add(y)];
    }),
};

/** All of them, by name. */
export const members: Readonly<Record<string, Library>> = { ...library, ...further };

/** The same with explicit state. */
export const purified: Readonly<Record<string, Purified>> = { ...basic, ...furtherPurified };

/** Library functions around a function with explicit state, the first outermost. */
export function nestPurified(names: readonly string[], f: Explicit): Explicit {
  return names.reduceRight<Explicit>((f, name) => purified[name]!(f), f);
}

/** The member of the dictionary that a library function is of. */
export function memberOf(name: string): string {
  return name.startsWith("fixedPoint") ? "customRoot" : name.split(/[ ,]/)[0]!;
}
