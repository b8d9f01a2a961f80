/**
 * Random programs that leave marks while they run, in every place where a program can: beside what is read
 * and what is not, in loops, conditions, branches, lanes, calls and derivatives.
 *
 * @module
 */
import {
  check,
  checkpoint,
  cond,
  debug,
  foriLoop,
  grad,
  jit,
  type NDArray,
  numpy as np,
  scan,
  vmap,
  whileLoop,
} from "../../mod.ts";
import { first, type Maker, unary, unaryOf, vector } from "./random_programs.ts";

/** A mark that a program left. */
export interface Mark {
  /** Where. */
  readonly place: string;
  /** In which of the programs that run side by side. */
  readonly lane: number;
  /** On what. */
  readonly values: readonly number[];
}

/** Something done with a value at a place in a program. */
type Action = (place: string, x: NDArray) => void;

/** What is done at each place, and the lane that it is done in: set before a program runs. */
export const doing: { action: Action; lane: NDArray } = {
  action: () => {},
  lane: np.array(0),
};

const mark: Action = (place, x) => doing.action(place, x);

/** Runs `run`, whose programs leave marks; gives these in order. */
export function marksOf(run: () => unknown): Mark[] {
  const marks: Mark[] = [];
  doing.action = (place, x) =>
    debug.callback(
      (lane: NDArray, x: NDArray) =>
        marks.push({ place, lane: lane.item(), values: [...x.ravel().dataSync()] }),
      doing.lane,
      x,
    );
  try {
    run();
    return marks;
  } finally {
    doing.action = () => {};
  }
}

/** Runs `run`, whose programs check at each place that no element exceeds `bound`. */
export function checking<T>(bound: number, run: () => T): T {
  doing.action = (place, x) => check(np.all(x.lessEqual(bound)), place);
  try {
    return run();
  } finally {
    doing.action = () => {};
  }
}

let count = 0;
/** A place of one operation's. */
function at(what: string): string {
  return `${what} ${count++}`;
}

const placed = (what: string, f: (place: string, x: NDArray) => NDArray): Maker => (...args) => {
  const place = at(what);
  return unary((x) => f(place, x))(...args);
};
const placedOf = (
  what: string,
  accepts: (x: NDArray) => boolean,
  f: (place: string, x: NDArray) => NDArray,
): Maker =>
(...args) => {
  const place = at(what);
  return unaryOf(accepts, (x) => f(place, x))(...args);
};

/** Operations that leave marks. */
export const marking: Readonly<Record<string, Maker>> = {
  "a mark": placed("mark", (place, x) => {
    mark(place, x);
    return x.mul(0.9);
  }),
  "a mark on what nothing reads": placed("unread", (place, x) => {
    mark(place, np.sin(x));
    return x;
  }),
  "marks in a scan": placedOf("scan", vector, (place, x) => {
    const f = (c: NDArray, u: NDArray) => {
      mark(`${place} carry`, c);
      mark(`${place} slice`, np.cos(u));
      mark(`${place} constant`, np.sin(x));
      const next = np.tanh(c.add(u));
      mark(`${place} next`, next);
      return [next, c.mul(u)] as const;
    };
    return scan(f, np.zerosLike(first(x)), x)[1];
  }),
  "marks in a scan that nothing reads": placedOf("unread scan", vector, (place, x) => {
    scan(
      (_: null, u: NDArray) => {
        mark(place, np.cos(u));
        return [null, u.mul(2)];
      },
      null,
      x,
    );
    return x;
  }),
  "marks in a scan in a scan": placedOf("deep", vector, (place, x) => {
    const inner = (c: NDArray) => {
      mark(`${place} inner`, c);
      return [c.mul(0.5), null] as const;
    };
    const outer = (c: NDArray, u: NDArray) => {
      mark(`${place} outer`, u);
      return [scan(inner, c.add(u), null, { length: 2 })[0], c] as const;
    };
    return scan(outer, first(x), x, { reverse: true })[1];
  }),
  "marks in a whileLoop": placed("while", (place, x) => {
    // Its number of steps differs by lane; it has no derivative.
    const size = np.floor(np.abs(np.sin(x.sum().mul(7))).mul(4)).astype("int32");
    const n = whileLoop(
      (i: NDArray) => {
        mark(`${place} test`, i);
        return i.less(size);
      },
      (i: NDArray) => {
        mark(`${place} step`, i);
        return i.add(1);
      },
      np.array(0, { dtype: "int32" }),
    );
    return x.add(n.astype("float64").mul(0.01));
  }),
  "marks in branches": placed("cond", (place, x) =>
    cond(
      x.sum().greater(0.1372),
      (v: NDArray) => {
        mark(`${place} true`, v);
        return np.sin(v);
      },
      (v: NDArray) => {
        mark(`${place} false`, v);
        return foriLoop(0, 2, (_: unknown, v: NDArray) => {
          mark(`${place} loop`, v);
          return jit((v: NDArray) => {
            mark(`${place} call`, v);
            return v.mul(0.7);
          }, { backend: "interpreter" })(v);
        }, v);
      },
      x,
    )),
  "marks in lanes": placedOf("lanes", vector, (place, x) =>
    vmap((u: NDArray) => {
      mark(place, u);
      return u.mul(0.6);
    })(x)),
  "marks in a call": placed("call", (place, x) =>
    jit((v: NDArray) => {
      mark(place, v);
      return np.sin(v);
    }, { backend: "interpreter" })(x)),
  "marks in a checkpoint": placed("checkpoint", (place, x) =>
    checkpoint((v: NDArray) => {
      mark(place, np.sin(v));
      return np.sin(np.sin(v));
    })(x)),
  "marks in a gradient": placed("gradient", (place, x) =>
    grad((v: NDArray) => {
      mark(place, v);
      return np.sin(v).sum();
    })(x)),
};
