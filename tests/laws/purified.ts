/**
 * Purified programs: what each library function of `tests/lift/library.ts` does to a function with
 * explicit state, written with pure transforms alone. State is a tree of arrays that goes in and comes
 * out; random streams are split by hand, as the rules of the system say.
 *
 * @module
 */
import {
  anderson,
  damped,
  fixedPoint,
  type FixedPointOptions,
  implicit,
  type NDArray,
  numpy as np,
  oneStep,
  pure,
  type Stream,
  type StreamRules,
  treeMap,
} from "../../mod.ts";
import { isParam } from "./world.ts";

/** Explicit state. */
export type State = { readonly [name: string]: NDArray };

/** A function of R^2 with explicit state and a stream to draw from. */
export type Explicit = (s: State, keys: Keys, x: NDArray) => [State, NDArray];

/** What a stream is made of. */
export interface Source {
  /** How it is split. */
  readonly rules: StreamRules;
  /** The key that is drawn from a stream as it is. */
  drawn(s: Stream): NDArray;
}

/** A random stream that is passed along. */
export class Keys {
  #used = false;

  constructor(readonly source: Source, public stream: Stream, readonly onUse: () => void) {}

  /** The key for a count, where streams are entries. */
  counted(count: NDArray): NDArray {
    return this.source.drawn(count);
  }

  /** The next key. */
  draw(): NDArray {
    const key = this.source.drawn(this.stream);
    this.#advance();
    return key;
  }

  #advance(): void {
    this.stream = this.source.rules.advance(this.stream);
    this.#used = true;
    this.onUse();
  }

  /** A part of it, by number. */
  part(number: number | NDArray): Keys {
    return new Keys(this.source, this.source.rules.part(this.stream, number), () => {
      this.#used = true;
      this.onUse();
    });
  }

  /** What `f` makes of a fork, which counts as a draw where it was drawn from. */
  fork<T>(f: (keys: Keys) => T): T {
    const inner = new Keys(this.source, this.source.rules.fork(this.stream), () => {});
    const out = f(inner);
    if (inner.#used) this.#advance();
    return out;
  }

  /** The same stream, of which nobody is told what is drawn from it. */
  apart(): Keys {
    return new Keys(this.source, this.stream, () => {});
  }
}

/** What a library function makes of a function with explicit state. */
export type Purified = (f: Explicit) => Explicit;

const BODY = 0, BACKWARD = 3;

const ones = (x: NDArray): NDArray => np.onesLike(x);
const half = (x: NDArray): NDArray => x.mul(0.5);
const back = <A, B>([a, b]: [A, B]): [B, A] => [b, a];

type Once = (f: (x: NDArray) => [State, NDArray], x: NDArray) => [State, NDArray];

/** A transform that is applied to a function once. */
export function once(use: Once): Purified {
  return (f) => (s, keys, x) => keys.fork((own) => use((x) => f(s, own.part(BODY), x), x));
}

/** The loss of a function, with its state as auxiliary output. */
const loss = (f: (x: NDArray) => [State, NDArray]) => (x: NDArray): [NDArray, State] => {
  const [s, y] = f(x);
  return [y.square().sum(), s];
};
const flipped = (f: (x: NDArray) => [State, NDArray]) => (x: NDArray): [NDArray, State] =>
  back(f(x));

/** The option that asks for auxiliary outputs. */
export const hasAux = { hasAux: true } as const;

/** Steps with numbered streams. */
function steps(
  f: Explicit,
  own: Keys,
  s: State,
  x: NDArray,
  length: number,
  step: (f: (x: NDArray) => NDArray, c: NDArray, i: NDArray) => [NDArray, NDArray],
): [State, NDArray, NDArray] {
  const given = own.part(BODY);
  const [[last, out], all] = pure.scan(
    ([s, c]: [State, NDArray], i: NDArray): [[State, NDArray], NDArray] => {
      let after = s;
      const [next, y] = step(
        (z) => {
          const [s2, y] = f(after, given.part(i), z);
          after = s2;
          return y;
        },
        c,
        i,
      );
      return [[after, next], y];
    },
    [s, x] as [State, NDArray],
    np.arange(length, { dtype: "int32" }),
  );
  return [last, out, all];
}

/**
 * A function with a rule: the rule governs its argument, the state that it reads has true derivatives,
 * and what it writes has none.
 */
function ruled(
  use: (f: Explicit, own: Keys) => (s: State, x: NDArray) => [State, NDArray],
): Purified {
  return (f) => (s, keys, x) =>
    keys.fork((own) => {
      let written: readonly string[] = [];
      const noted: Explicit = (s, keys, x) => {
        const [after, y] = f(s, keys, x);
        // Branches give parameters back too, which are nevertheless not written.
        written = Object.keys(after).filter((name) => !isParam(name) && after[name] !== s[name]);
        return [after, y];
      };
      const [after, y] = use(noted, own)(s, x);
      const values = written.map((name) => [name, np.stopGradient(after[name]!)] as const);
      return [{ ...s, ...Object.fromEntries(values) }, y];
    });
}

/** A rule that is not the true derivative, as in the library. */
const bent = (y: NDArray, dx: NDArray): NDArray => y.mul(dx).mul(0.3);

function solved(options: FixedPointOptions): Purified {
  return (f) => (s, keys, x) =>
    keys.fork((own) => {
      const { value, aux } = fixedPoint(
        (z: NDArray): [NDArray, State] => {
          const [s2, y] = f(s, own.part(BODY), z);
          return [half(y).add(half(x)), s2];
        },
        x,
        { rtol: 1e-3, atol: 1e-3, ...options, hasAux: true },
      );
      return [aux as State, value];
    });
}

/** All library functions, purified. */
export const purified: Readonly<Record<string, Purified>> = {
  jit: once((f, x) => pure.jit(f, { backend: "interpreter" })(x)),
  grad: once((f, x) => back(pure.grad(loss(f), hasAux)(x))),
  valueAndGrad: once((f, x) => {
    const [[v, s], g] = pure.valueAndGrad(loss(f), hasAux)(x);
    return [s, g.add(v)];
  }),
  jvp: once((f, x) => {
    const [[s, y], [, dy]] = pure.jvp(f, [x], [ones(x)]);
    return [s, y.add(dy)];
  }),
  vjp: once((f, x) => {
    const [y, pull, s] = pure.vjp(flipped(f), [x], hasAux);
    return [s, y.add(pull(y)[0])];
  }),
  linearize: once((f, x) => {
    const [[s, y], push] = pure.linearize(f, [x]);
    return [s, y.add(push(ones(x))[1])];
  }),
  jacfwd: once((f, x) => {
    const [j, s] = pure.jacfwd(flipped(f), hasAux)(x);
    return [s, j.sum(0)];
  }),
  jacrev: once((f, x) => {
    const [j, s] = pure.jacrev(flipped(f), hasAux)(x);
    return [s, j.sum(1)];
  }),
  hessian: once((f, x) => {
    const [h, s] = pure.hessian(loss(f), hasAux)(x);
    return [s, np.matmul(h, x)];
  }),
  vmap: once((f, x) => {
    const [s, y] = pure.vmap(f)(np.stack([x, half(x)]));
    return [treeMap((a: NDArray) => a.at(0), s), y.sum(0)];
  }),
  checkpoint: once((f, x) => pure.checkpoint(f)(x)),
  customJvp: (f) =>
    ruled((f, own) =>
      pure.customJvp(
        (s: State, x: NDArray) => f(s, own.part(BODY), x),
        ([s, x], [ds, dx]) => {
          const [after, y] = f(s, own.apart().part(BODY), x);
          const [, [dAfter, dy]] = pure.jvp(
            (s: State) => f(s, own.apart().part(BODY), x),
            [s],
            [ds],
          );
          return [[after, y], [dAfter, bent(y, dx).add(dy)]];
        },
      )
    )(f),
  customVjp: (f) =>
    ruled((f, own) =>
      pure.customVjp(
        (s: State, x: NDArray) => f(s, own.part(BODY), x),
        (s: State, x: NDArray): [[State, NDArray], [State, NDArray]] => [
          f(s, own.apart().part(BODY), x),
          [s, x],
        ],
        ([s, x], ct) => [
          pure.vjp((s: State) => f(s, own.apart().part(BODY), x), [s])[1](ct)[0],
          bent(f(s, own.apart().part(BACKWARD), x)[1], ct[1]),
        ],
      )
    )(f),
  customRoot: (f) => (s, keys, x) =>
    keys.fork((own) =>
      back(
        pure.customRoot(
          (z: NDArray): [NDArray, State] => {
            const [after, y] = f(s, own.part(BODY), z);
            return [half(y).add(x).sub(z), after];
          },
          x,
          (g, z0) => pure.foriLoop(0, 5, (_, z) => z.add(g(z)), z0),
          (g, y) => pure.foriLoop(0, 5, (_, v) => v.add(g(v)).sub(y), y.neg()),
          { functionHasAux: true },
        ),
      )
    ),
  customLinearSolve: (f) => (s, keys, x) =>
    keys.fork((own) => {
      const solve = (a: (v: NDArray) => NDArray, b: NDArray): NDArray =>
        pure.foriLoop(0, 5, (_, v) => v.add(half(b.sub(a(v)))), half(b));
      // The linearisation within is a transform of its own.
      const linear = (): [State, (v: NDArray) => NDArray] =>
        own.part(BODY).fork((inner) => {
          const [[after], push] = pure.linearize((x) => f(s, inner.part(BODY), x), [x]);
          return [after, (v) => push(v)[1]];
        });
      const y = pure.customLinearSolve(
        (v: NDArray) => v.mul(2).add(half(linear()[1](v))),
        x,
        solve,
        { transposeSolve: solve },
      );
      return [linear()[0], y];
    }),
  scan: (f) => (s, keys, x) =>
    keys.fork((own) => {
      const xs = np.stack([x, half(x), x.neg()]);
      const [after, last, all] = steps(f, own, s, x, 3, (f, c, i) => [f(c.add(xs.at(i))), c]);
      return [after, last.add(all.sum(0))];
    }),
  map: (f) => (s, keys, x) =>
    keys.fork((own) => {
      const xs = np.stack([x, half(x)]);
      const [after, , all] = steps(f, own, s, x, 2, (f, c, i) => [c, f(xs.at(i))]);
      return [after, all.sum(0)];
    }),
  whileLoop: (f) => (s, keys, x) => [
    s,
    // Its condition uses the function, which may therefore only read.
    pure.whileLoop(
      ([i, z]: [NDArray, NDArray]) => np.logicalAnd(i.less(3), f(s, keys, z)[1].sum().less(1e6)),
      ([i, z]) => [i.add(1), f(s, keys, z)[1].add(half(z))],
      [np.array(0), x] as [NDArray, NDArray],
    )[1],
  ],
  foriLoop: (f) => (s, keys, x) =>
    keys.fork((own) => {
      const [after, last] = steps(f, own, s, x, 3, (f, c, i) => {
        const next = f(c).add(i.add(1).astype(c.dtype));
        return [next, next];
      });
      return [after, last];
    }),
  cond: (f) => (s, keys, x) =>
    keys.fork((own) => {
      const given = own.part(BODY);
      return pure.cond(
        x.sum().greater(0),
        (s: State, x: NDArray): [State, NDArray] => f(s, given.part(1), x),
        (s: State, x: NDArray): [State, NDArray] => {
          const [after, y] = f(s, given.part(0), x.neg());
          return [after, y.neg()];
        },
        s,
        x,
      );
    }),
  switchCase: (f) => (s, keys, x) =>
    keys.fork((own) => {
      const given = own.part(BODY);
      return pure.switchCase(
        1,
        [
          (s: State, x: NDArray): [State, NDArray] => [s, x],
          (s: State, x: NDArray): [State, NDArray] => f(s, given.part(1), x),
          (s: State, x: NDArray): [State, NDArray] => {
            const [after, y] = f(s, given.part(2), x);
            return [after, y.neg()];
          },
        ],
        s,
        x,
      );
    }),
  associativeScan: (f) => (s, keys, x) => [
    s,
    pure.associativeScan(
      (a, b) => pure.vmap((x: NDArray) => f(s, keys, x)[1])(a.add(b)),
      np.stack([x, half(x), x.neg()]),
    ).sum(0),
  ],
  evalShape: (f) => (s, keys, x) => {
    const [after, y] = f(s, keys, x);
    return [after, y.add(ones(y))];
  },
  initialize: (f) => f,
  isInitializing: (f) => f,
  "fixedPoint by anderson": solved({ solver: anderson({ memory: 2 }) }),
  "fixedPoint by damped": solved({ solver: damped() }),
  "fixedPoint, iterative adjoint": solved({
    adjoint: implicit({ linearSolver: "iterative", memory: 2, rtol: 1e-3 }),
  }),
  "fixedPoint, one step": solved({ adjoint: oneStep() }),
};
