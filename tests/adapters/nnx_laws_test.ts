/**
 * The adapter in the manner of NNX under the laws of `tests/laws`: each library function, alone and nested
 * two and three deep, x each kind of effect on what is there, against the program with explicit state; or
 * it is refused by name, and nothing has changed. NNX has no `init`, random streams are variables, and what
 * changes the structure of a model is tested in `nnx_test.ts`.
 *
 * @module
 */
import { type NDArray, numpy as np, pure, random, StateError } from "../../mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import { assert, assertThrows } from "../support/assert.ts";
import { assertClose } from "../support/arrays.ts";
import { Random } from "../support/random.ts";
import { type Effect, effects } from "../laws/effects.ts";
import { memberOf, members, nestPurified } from "../laws/members.ts";
import { Keys, type State } from "../laws/purified.ts";
import type { World } from "../laws/world.ts";
import { keyStreams } from "../../lib/extend.ts";
import { derivative, modesOf, nest } from "../lift/library.ts";

const names = Object.keys(members);
const point = np.array([0.6, -0.4], { dtype: "float64" });

class Model extends nnx.Module {
  readonly w: nnx.Param;
  readonly w2: nnx.Param;
  readonly n: nnx.Variable = new nnx.Variable(np.array(0.5));
  readonly c: nnx.Variable = new nnx.Variable(np.array(2));
  readonly stream: nnx.RngStream = new nnx.RngStream(33);
  constructor(w: NDArray, w2: NDArray) {
    super();
    this.w = new nnx.Param(w);
    this.w2 = new nnx.Param(w2);
  }
  entry(name: string): nnx.Variable {
    return (this as unknown as Record<string, nnx.Variable>)[name]!;
  }
}

const first = new Model(
  random.normal(random.key(1), [2, 2]).mul(0.4),
  random.normal(random.key(2), [2, 2]).mul(0.4),
);
const fresh = (): Model => nnx.clone(first);

/** What effects ask of a system, of a model. */
function worldOf(model: Model): World {
  return {
    transforms: nnx.transformsFor(model),
    param: (name: string) => model.entry(name).value,
    state: (name: string) => model.entry(name).value,
    set: (name: string, value: NDArray) => model.entry(name).value = value,
    path: (name: string) => name,
    refuses: {},
  } as unknown as World;
}

const key = random.key(33);
const noise = (k: NDArray): NDArray => random.uniform(k, []).mul(0.1);

/** A draw is a write of a counter. */
const draw: Effect = {
  phases: ["apply"],
  entries: () => ["w", "n"],
  step: (a) => (z) => {
    const y = np.tanh(z.matmul(a.param("w")));
    return y.add(noise((a as unknown as { next(): NDArray }).next()));
  },
  explicit: (s, _, z) => {
    const y = np.tanh(z.matmul(s.w!)).add(noise(random.foldIn(key, s.count!)));
    return [{ ...s, count: s.count!.add(1) }, y];
  },
  refusals: (world, nest) =>
    effects.write!.refusals(world, nest, "apply").map((r) => ({ ...r, says: "count" })),
};

const kinds: Readonly<Record<string, Effect>> = {
  "read": effects["read or create"]!,
  "write": effects.write!,
  "write what depends on x": effects["write what depends on x"]!,
  "write in one branch": effects["write in one branch"]!,
  "in a body without trips": effects["in a body without trips"]!,
  "in a condition": effects["create in a condition"]!,
  "draw": draw,
};

/** The nests of a kind: each function alone, and in a place of nests of two and three. */
function nestsOf(kind: string, { modes }: Effect): string[][] {
  const draw = new Random(`nnx laws, ${kind}`);
  const other = (): string => names[draw.integer(0, names.length)]!;
  const works = (nested: readonly string[]): boolean => modesOf(nested, members, modes) !== null;
  return names.flatMap((name) => {
    if (!works([name])) return [];
    return [1, 2, 3].map((depth) => {
      const place = draw.integer(0, depth);
      let nested: string[];
      do {
        nested = Array.from({ length: depth }, (_, i) => i === place ? name : other());
      } while (!works(nested));
      return nested;
    });
  });
}

function stateOf(m: Model): State {
  const count = m.stream.count.value;
  return { w: m.w.value, w2: m.w2.value, n: m.n.value, c: m.c.value, count };
}

function stepOf(model: Model, nested: readonly string[], effect: Effect): (z: NDArray) => NDArray {
  const world = { ...worldOf(model), next: () => model.stream.next() };
  return nest(nested, effect.step(world), world.transforms, members);
}

function check(nested: readonly string[], effect: Effect): "equal" | "refused" {
  const model = fresh();
  const before = stateOf(model);
  const refusals = effect.refusals(worldOf(model), nested, "apply");
  if (refusals.length > 0) {
    let error: unknown;
    try {
      stepOf(model, nested, effect)(point);
    } catch (caught) {
      error = caught;
    }
    assert(error instanceof StateError, `not refused, but ${error}`);
    const { message } = error;
    const fits = refusals.some(({ at, says, by }) => {
      const member = at === null ? "" : `.${by ?? memberOf(nested[at]!)}`;
      return message.includes(member) &&
        (typeof says === "string" ? message.includes(says) : says.test(message));
    });
    assert(fits, `refused in other words: ${message}`);
    for (const [name, value] of Object.entries(stateOf(model))) {
      assert(value === before[name], `${name} is another`);
    }
    return "refused";
  }
  const source = { rules: keyStreams, drawn: () => key };
  const explicit = (s: State): [State, NDArray] =>
    nestPurified(nested, effect.explicit)(
      s,
      new Keys(source, { key, count: 0 }, () => {}),
      point,
    );
  const [after, wanted] = explicit(before);
  // Compiled, nests of three say no more than those of two, and take long.
  const runs = nested.length < 3 ? ["plainly", "compiled"] : ["plainly"];
  for (const run of runs) {
    const model = fresh();
    const f = stepOf(model, nested, effect);
    const out = run === "plainly" ? f(point) : nnx.transformsFor(model).jit(f)(point);
    assertClose(out.astype(wanted.dtype), wanted, 2e-5, `the result, ${run}`);
    assertClose(stateOf(model), after, 2e-5, `variables afterwards, ${run}`);
  }
  if (effect.derivative) {
    const modes = modesOf(nested, members, effect.modes)!;
    const given = { w: before.w!, w2: before.w2! };
    const f = (p: State): NDArray => {
      const model = new Model(p.w!, p.w2!);
      return stepOf(model, nested, effect)(point);
    };
    assertClose(
      derivative(modes, f, given),
      derivative(modes, (p) => explicit({ ...before, ...p })[1], given),
      1e-4,
      "the derivative",
    );
  }
  return "equal";
}

for (const [kind, effect] of Object.entries(kinds)) {
  Deno.test(`${kind}: as with explicit state, or refused by name`, () => {
    const seen = { equal: 0, refused: 0 };
    for (const nested of nestsOf(kind, effect)) {
      try {
        seen[check(nested, effect)]++;
      } catch (cause) {
        throw new Error(`${kind}: ${nested.join(" over ")}: ${(cause as Error).message}`, {
          cause,
        });
      }
    }
    assert(seen.equal + seen.refused > 60, `${seen.equal} equal, ${seen.refused} refused`);
  });
}

Deno.test("a variable may be read inside every raw transform, and written inside none", () => {
  // These call no function, or leave it to the library to call it where it stands.
  const harmless = ["initialize", "isInitializing"];
  const touches: Record<string, (m: Model) => void> = {
    write: (m) => m.n.value = np.array(7),
    draw: (m) => m.stream.next(),
    update: (m) => nnx.update(m, { n: np.array(7) }),
  };
  for (const name of names.filter((name) => !harmless.includes(name))) {
    const model = fresh();
    const before = stateOf(model);
    const reads = (z: NDArray): NDArray => np.tanh(z.matmul(model.w.value)).mul(model.n.value);
    const { use } = members[name]!;
    assert(use(reads, point, pure).shape.length >= 0, name);
    for (const [what, touch] of Object.entries(touches)) {
      const f = (z: NDArray): NDArray => {
        touch(model);
        return np.tanh(z);
      };
      assertThrows(
        () => use(f, point, pure),
        StateError,
        "was written inside",
        `${what} in ${name}`,
      );
      for (const [entry, value] of Object.entries(stateOf(model))) {
        assert(value === before[entry], `${what} in ${name}: ${entry} is another`);
      }
    }
  }
});
