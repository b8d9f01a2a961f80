/**
 * Random programs that change what models are made of: objects attached, exchanged, shared and removed, flags
 * set, inside of transforms that carry that out, nested. Afterwards the model is what it is after the same
 * program step by step.
 *
 * @module
 */
import { type NDArray, numpy as np } from "../../mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import { assertEquals } from "../support/assert.ts";
import { plain } from "../support/arrays.ts";
import { Random } from "../support/random.ts";

type F = (x: NDArray) => NDArray;

class Node extends nnx.Module {
  [name: string]: unknown;
}

function model(): Node {
  const root = new Node();
  const child = new Node();
  child.v = new nnx.Param(np.array(1));
  child.flag = 0;
  root.child = child;
  root.list = [new nnx.BatchStat(np.array(2)), child];
  root.w = new nnx.Param(np.array(3));
  return root;
}

/** What a model is made of: objects by number, where they are first, and what is in them. */
function shape(root: Node): unknown {
  const seen = new Map<object, number>();
  const visit = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    const known = seen.get(value);
    if (known !== undefined) return `object ${known}`;
    seen.set(value, seen.size);
    if (value instanceof nnx.Variable) return [value.type, plain(value.value)];
    const entries = Object.entries(value).map(([name, x]) => [name, visit(x)]);
    return [Array.isArray(value) ? "list" : value.constructor.name, entries];
  };
  return visit(root);
}

/** The modules that are reached. */
function nodes(root: Node): Node[] {
  const found = new Set<Node>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null || found.has(value as Node)) return;
    if (value instanceof Node) found.add(value);
    if (value instanceof Node || Array.isArray(value)) Object.values(value).forEach(visit);
  };
  visit(root);
  return [...found];
}

/** One change, of those that numbers choose. */
function change(root: Node, [kind, a, b, c]: readonly number[], x: NDArray): NDArray {
  const all = nodes(root);
  const [node, other] = [all[a! % all.length]!, all[b! % all.length]!];
  const names = Object.keys(node);
  const name = names[c! % Math.max(1, names.length)];
  const own = Object.values(node).find((v) => v instanceof nnx.Variable) as
    | nnx.Variable
    | undefined;
  switch (kind) {
    case 0:
      node[`n${c! % 3}`] = new nnx.BatchStat(x.mul(2));
      return x;
    case 1:
      node.flag = c;
      return x.add(c! % 2);
    case 2:
      if (name !== undefined && node[name] instanceof nnx.Variable) delete node[name];
      return x;
    case 3: {
      const made = new Node();
      made.inner = new nnx.Param(x);
      made.flag = b;
      node[`m${c! % 2}`] = made;
      return x;
    }
    case 4:
      // Shared from now on, or a cycle.
      node[`s${c! % 2}`] = other;
      return x;
    case 5:
      [node.v, other.v] = [other.v, node.v];
      return x;
    case 6:
      if (own !== undefined) own.value = own.value.mul(0.5).add(x);
      return x.add(own === undefined ? 0 : own.value);
    default:
      (root.list as unknown[]).push(own ?? c);
      return x.mul(0.5);
  }
}

type Wrap = (root: Node, f: F) => F;

const wraps: Record<string, Wrap> = {
  nothing: (_, f) => f,
  jit: (m, f) => nnx.transformsFor(m).jit(f),
  "nnx.jit": (m, f) => {
    const g = nnx.jit((_: Node, x: NDArray) => f(x));
    return (x) => g(m, x);
  },
  checkpoint: (m, f) => nnx.transformsFor(m).checkpoint(f),
  "nnx.remat": (m, f) => (x) => nnx.remat((_: Node, x: NDArray) => f(x))(m, x),
  grad: (m, f) => (x) => {
    const loss = (_: Node, x: NDArray): [NDArray, NDArray] => {
      const y = f(x);
      return [y.sum(), y];
    };
    return nnx.grad(loss, { argnums: 1, hasAux: true })(m, x)[1];
  },
  vmap: (m, f) => (x) => nnx.transformsFor(m).vmap(f, { inAxes: null, axisSize: 2 })(x).at(0),
  jvp: (m, f) => (x) => nnx.transformsFor(m).jvp(f, [x], [x])[0],
};

type Program = (root: Node, plainly: boolean) => F;

function program(draw: Random, depth: number): Program {
  if (depth === 0) {
    const numbers = [draw.integer(0, 8), ...[0, 0, 0].map(() => draw.integer(0, 100))];
    return (root) => (x) => change(root, numbers, x);
  }
  const names = Object.keys(wraps);
  const parts = Array.from({ length: 1 + draw.integer(0, 3) }, () => ({
    wrap: wraps[names[draw.integer(0, names.length)]!]!,
    part: program(draw, depth - 1),
  }));
  return (root, plainly) => (x) =>
    parts.reduce((x, { wrap, part }) => {
      const f = part(root, plainly);
      return (plainly ? f : wrap(root, f))(x);
    }, x);
}

Deno.test("models are after random changes inside transforms what they are after these alone", () => {
  for (let seed = 0; seed < 100; seed++) {
    const draw = new Random(`structure ${seed}`);
    const parts = program(draw, 3);
    const [a, b] = [model(), model()];
    // Compiled functions are called again, with what is there then.
    const f = wraps["nnx.jit"]!(a, parts(a, false));
    const g = parts(b, true);
    for (let call = 0; call < 2; call++) {
      const x = np.array(0.5 + call);
      let found: unknown, wanted: unknown;
      try {
        found = [plain(f(x)), shape(a)];
        wanted = [plain(g(x)), shape(b)];
      } catch (cause) {
        throw new Error(`program ${seed}, call ${call}: ${(cause as Error).message}`, { cause });
      }
      assertEquals(rounded(found), rounded(wanted), `program ${seed}, call ${call}`);
    }
  }
});

/** Numbers in any structure, to four digits. */
function rounded(value: unknown): unknown {
  if (typeof value === "number") return Number(value.toPrecision(4));
  return Array.isArray(value) ? value.map(rounded) : value;
}

Deno.test("a variable from outside that is attached inside is itself there afterwards", () => {
  const [root, own] = [model(), new nnx.Param(np.array(5))];
  const f = nnx.jit((m: Node, x: NDArray) => {
    m.late = own;
    own.value = own.value.add(x);
    return x;
  });
  for (const total of [6, 7]) {
    f(root, np.array(1));
    assertEquals([root.late === own, own.value.item()], [true, total]);
  }
});

Deno.test("a variable that is taken out of a model keeps what was written to it", () => {
  const root = model();
  const w = root.w as nnx.Param;
  const f = nnx.jit((m: Node, x: NDArray) => {
    (m.w as nnx.Param).value = x;
    delete m.w;
    return x;
  });
  f(root, np.array(4));
  assertEquals([w.value.item(), "w" in root], [4, false]);
});
