/**
 * Random loops: bodies in which carries are summed up, swapped, passed on, read before and after
 * they change, and mixed with what does not change, so that everything that can leave a loop is
 * tried in some combination.
 *
 * @module
 */
import { cond, type NDArray, numpy as np, scan, whileLoop } from "../../mod.ts";
import { arr } from "./arrays.ts";
import { Random } from "./random.ts";
import { steep } from "./random_unread.ts";

type Values = readonly NDArray[];
type Choose = (values: Values) => NDArray;

/** A loop over trees of arrays. */
export interface RandomLoop {
  /** From constants, initial carries and slices to last carries and results. */
  readonly f: (inputs: Inputs) => NDArray[];
  /** The same, computed beside carries, results and slices of infinite slope that nothing reads. */
  readonly watched: (inputs: Inputs) => NDArray[];
  /** Inputs for it. */
  readonly inputs: Inputs;
  /** What it does, for messages. */
  readonly text: string;
}

/** The inputs of a loop: all float64. */
export type Inputs = { consts: NDArray[]; carry: NDArray[]; xs: NDArray[] };

const shapes = { s: [], v: [3], m: [3, 3] } as const;
type Kind = keyof typeof shapes;
const kindOf = (x: NDArray): Kind => x.ndim === 0 ? "s" : x.ndim === 1 ? "v" : "m";

/** A value of one kind from a value of another. */
function fit(x: NDArray, kind: Kind): NDArray {
  if (kindOf(x) === kind) return x;
  if (kind === "s") return x.sum().mul(0.3);
  if (kind === "m") return x.ndim === 0 ? np.eye(3, { dtype: "float64" }).mul(x) : np.outer(x, x);
  return x.ndim === 0 ? np.stack([x, x.mul(2), x.mul(-1)]) : x.sum(1);
}

/** Operations on any values; the result is of the kind that comes out. */
const operations: Readonly<Record<string, (a: NDArray, b: NDArray) => NDArray>> = {
  add: (a, b) => a.add(b),
  sub: (a, b) => a.sub(b),
  mul: (a, b) => a.mul(np.sin(b)),
  "add twice": (a, b) => a.add(b).add(b.mul(0.5)),
  sin: (a) => np.sin(a),
  tanh: (a, b) => np.tanh(a.add(b)),
  matvec: (a, b) => np.matmul(fit(a, "m"), fit(b, "v")).mul(0.3),
  matmul: (a, b) => np.matmul(fit(a, "m"), fit(b, "m")).mul(0.2),
  outer: (a, b) => np.outer(np.tanh(fit(a, "v")), np.sin(fit(b, "v"))),
  transposed: (a) => fit(a, "m").T,
  negated: (a) => a.neg(),
  largest: (a, b) => np.maximum(a, b),
  flipped: (a) => np.flip(fit(a, "v"), 0),
  chosen: (a, b) => cond(a.sum().greater(0.1372), () => b, () => b.mul(a.sum())),
  "inner scan": (a, b) =>
    scan(
      (c: NDArray, x: NDArray) => [c.mul(np.sin(x)).add(np.tanh(a.sum())), null],
      b,
      fit(a, "v"),
    )[0],
  "inner while": (a, b) =>
    whileLoop(
      (v: NDArray) => v.square().sum().less(4.5),
      (v: NDArray) => v.mul(1.7).add(0.3),
      np.stopGradient(fit(a, "v")),
    ).mul(b.sum().mul(0.1)),
};

/** A loop by its name. */
export function randomLoop(name: string): RandomLoop {
  const random = new Random(name);
  const draw = (kind: Kind, lead: readonly number[] = []): NDArray => {
    const shape = [...lead, ...shapes[kind]];
    return arr(random.list(shape.reduce((a, b) => a * b, 1))).reshape(shape);
  };
  const oneOf = <T>(items: readonly T[]): T => items[random.integer(0, items.length)]!;
  const kinds = (n: number): Kind[] => Array.from({ length: n }, () => oneOf(["s", "v", "m"]));
  const length = oneOf([0, 1, 2, 3, 5]);
  const reverse = random.next() < 0.4;
  const carryKinds = kinds(random.integer(1, 4));
  const inputs: Inputs = {
    consts: kinds(random.integer(0, 3)).map((k) => draw(k)),
    carry: carryKinds.map((k) => draw(k)),
    xs: kinds(random.integer(0, 3)).map((k) => draw(k, [length])),
  };
  const text = [`${length} steps${reverse ? " backwards" : ""}, carries ${carryKinds}`];

  // Indices are into a growing list: constants, carries, slices, then results of operations.
  const numBase = inputs.consts.length + inputs.carry.length + inputs.xs.length;
  const steps: Choose[] = [];
  for (let n = random.integer(2, 7); n > 0; n--) {
    const op = oneOf(Object.keys(operations));
    const [i, j] = [
      random.integer(0, numBase + steps.length),
      random.integer(0, numBase + steps.length),
    ];
    text.push(`${numBase + steps.length} = ${op} ${i} ${j}`);
    steps.push((v) => {
      const [a, b] = [v[i]!, v[j]!];
      const kind = kindOf(a) === "s" ? kindOf(b) : kindOf(a);
      return operations[op]!(fit(a, kind), fit(b, kind));
    });
  }
  const numAll = numBase + steps.length;
  const nextCarry = carryKinds.map((kind, k): Choose => {
    const own = inputs.consts.length + k;
    const [i, j] = [random.integer(0, numAll), random.integer(0, numAll)];
    const how = oneOf(["new", "sum", "sum", "sum of two", "sum from the left", "same", "other"]);
    text.push(`carry ${k}: ${how} ${i} ${j}`);
    switch (how) {
      case "new":
        return (v) => np.tanh(fit(v[i]!, kind).add(v[own]!));
      case "sum":
        return (v) => v[own]!.add(np.tanh(fit(v[i]!, kind)));
      case "sum of two":
        return (v) => v[own]!.add(np.tanh(fit(v[i]!, kind))).add(np.sin(fit(v[j]!, kind)));
      case "sum from the left":
        return (v) => np.sin(fit(v[i]!, kind)).add(v[own]!);
      case "same":
        return (v) => v[own]!;
      default:
        return (v) => fit(v[inputs.consts.length + (k + 1) % carryKinds.length]!, kind);
    }
  });
  const results = Array.from({ length: random.integer(0, 4) }, (): Choose => {
    if (random.next() < 0.3) {
      const k = random.integer(0, nextCarry.length);
      text.push(`result: next carry ${k}`);
      return (v) => nextCarry[k]!(v);
    }
    const i = random.integer(0, numAll);
    text.push(`result: ${i}`);
    return (v) => v[i]!;
  });

  const f = ({ consts, carry, xs }: Inputs): NDArray[] => {
    const step = (c: NDArray[], x: NDArray[]): [NDArray[], NDArray[]] => {
      const values = [...consts, ...c, ...x];
      for (const s of steps) values.push(s(values));
      return [nextCarry.map((next) => next(values)), results.map((r) => r(values))];
    };
    const options = xs.length === 0 ? { length, reverse } : { reverse };
    const [last, ys] = scan(step, carry, xs, options);
    return [...last, ...ys];
  };
  const [p, q] = [random.integer(0, numAll), random.integer(0, numAll)];
  const [hidden, kept] = [oneOf(Object.values(steep)), oneOf(Object.values(steep))];
  const watched = ({ consts, carry, xs }: Inputs): NDArray[] => {
    type Watched = [own: NDArray[], seen: NDArray];
    const step = ([c, seen]: Watched, [x, unread]: Watched): [Watched, Watched] => {
      const values = [...consts, ...c, ...x];
      for (const s of steps) values.push(s(values));
      const next = kept(values[p]!).sum().add(seen).add(unread);
      return [
        [nextCarry.map((next) => next(values)), next],
        [results.map((r) => r(values)), hidden(values[q]!)],
      ];
    };
    const unread = hidden(np.stack(new Array(length + 1).fill(consts[0] ?? carry[0]!)));
    const seen = np.zeros([], { dtype: "float64" });
    const slices = unread.ndim === 0 ? np.full([length], unread) : unread.slice([0], [length]);
    const flat = slices.reshape([length, slices.size / Math.max(length, 1)]);
    const [[last], [ys]] = scan(step, [[...carry], seen] as Watched, [xs, flat.sum(1)] as Watched, {
      length,
      reverse,
    });
    return [...last, ...ys];
  };
  return { f, watched, inputs, text: text.join("; ") };
}
