/**
 * The laws as a matrix: each world x each library function, alone and nested x `init` and `apply` x kind
 * of effect. Inside a context a nest does what the purified program does, to its result, to the entries
 * and to the random stream; or it is refused by name, and nothing has changed.
 *
 * @module
 */
import { keyStreams } from "../../lib/extend.ts";
import { jit, type NDArray, numpy as np, random, StateError } from "../../mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { assertClose } from "../support/arrays.ts";
import { Random, seedNote } from "../support/random.ts";
import { derivative, type Mode, modesOf, nest, type Params, type Step } from "../lift/library.ts";
import { type Effect, effects, given } from "./effects.ts";
import { memberOf, members, nestPurified } from "./members.ts";
import { type Explicit, Keys, type State } from "./purified.ts";
import {
  cellWeight,
  type Entries,
  isParam,
  type Phase,
  type Refusal,
  type World,
} from "./world.ts";

/** One case. */
export interface Case {
  readonly world: World;
  readonly effect: string;
  readonly phase: Phase;
  /** Library functions, the first outermost. */
  readonly nest: readonly string[];
}

/** A stream that nothing is drawn from. */
const unused = { key: random.key(0), count: 0 };

/** What came of a case. */
export type Outcome = "equal" | "refused" | "restored";

/** The kind of effect that is none of a result: an exception in the middle. */
export const RAISE = "raise midway";

/** The kind that is not about entries that the laws name, but about those that the system names. */
export const MODULE = "make a module";

/** Names of all kinds. */
export const kinds: readonly string[] = [...Object.keys(effects), MODULE, RAISE];

const names = Object.keys(members);

/** These call a function themselves, and not under a transform that could take back what it did. */
const bare: readonly string[] = ["evalShape", "initialize", "isInitializing"];

const point = np.array([0.6, -0.4], { dtype: "float64" });

/** What a nest costs at most in everyday tests: a solver or second derivatives in one of the others. */
const EVERYDAY = 3.5;

/** About what a function multiplies the work of its body by, as a power of four. */
function weightOf(name: string): number {
  if (/^(fixedPoint|hessian)/.test(name)) return 2;
  if (/^custom(Root|LinearSolve)$/.test(name)) return 1.5;
  return memberOf(name).startsWith("custom") ? 0.5 : 1;
}

/** What a case is, for messages. */
export function describe({ world, effect, phase, nest }: Case): string {
  return `${world.name}, ${phase}, ${effect}: ${nest.join(" over ")}`;
}

/**
 * All cases of a world: each function alone, and in `sampled` nests of two or three that are not heavier
 * than `heaviest`. Derivatives of solvers within solvers within solvers take most of the time otherwise.
 */
export function casesOf(world: World, sampled = 1, heaviest: number = EVERYDAY): Case[] {
  const draw = new Random(`laws, ${world.name}`);
  const other = (): string => names[draw.integer(0, names.length)]!;
  const cases: Case[] = [];
  for (const effect of kinds) {
    const { phases, has, modes } = effects[effect] ?? others[effect]!;
    if (has?.(world) === false || world.lacks.includes(effect)) continue;
    const works = (nested: readonly string[]): boolean =>
      modesOf(nested, members, modes) !== null &&
      (effect !== RAISE || !nested.some((name) => bare.includes(name))) &&
      nested.reduce((sum, name) => sum + weightOf(name), 0) <= heaviest;
    for (const phase of phases.filter((p) => world.phases.includes(p))) {
      for (const name of names) {
        if (!works([name])) continue;
        cases.push({ world, effect, phase, nest: [name] });
        for (let k = 0; k < sampled; k++) {
          const depth = draw.integer(2, 4);
          const place = draw.integer(0, depth);
          let nested: string[];
          do {
            nested = Array.from({ length: depth }, (_, i) => i === place ? name : other());
          } while (!works(nested));
          cases.push({ world, effect, phase, nest: nested });
        }
      }
    }
  }
  return cases;
}

/** Kinds that have checks of their own. */
const others: Readonly<Record<string, Pick<Effect, "phases" | "has" | "modes">>> = {
  [MODULE]: { phases: ["apply"], has: (world) => world.modules !== null },
  [RAISE]: { phases: ["init", "apply"] },
};

/** Checks a case. */
export function check(c: Case): Outcome {
  try {
    if (c.effect === RAISE) return checkRaise(c);
    if (c.effect === MODULE) return checkModule(c);
    const effect = effects[c.effect]!;
    const refusals = [
      ...effect.refusals(c.world, c.nest, c.phase),
      ...c.world.refuses(c.effect, c.nest, c.phase),
    ];
    return refusals.length > 0 ? checkRefused(c, effect, refusals) : checkEqual(c, effect);
  } catch (cause) {
    throw new Error(`${describe(c)} (${seedNote}): ${(cause as Error).message}`, { cause });
  }
}

/** Runs `f` in a phase of a world; gives what that gives, and what it holds when `f` is done. */
function run<R>(
  world: World,
  phase: Phase,
  entries: Entries,
  f: () => R,
): { out: R; gives: Entries; now: Entries; next: NDArray | null } {
  let out!: R, now!: Entries, next: NDArray | null = null;
  const inside = (): void => {
    out = f();
    const counts = world.counted === null ? [] : ["count"];
    const all = [...Object.keys(given), "w", "w2", "late", ...counts];
    now = Object.fromEntries(
      all.flatMap((name) => {
        const value = world.read(name);
        return value === undefined ? [] : [[name, value]];
      }),
    );
    if (world.streams !== null) next = world.draw!();
  };
  const gives = phase === "init" ? world.init(inside) : world.apply(entries, inside);
  return { out, gives, now, next };
}

const made = new Map<World, Entries>();

/** All entries as `init` makes them, without any transform. */
function entriesOf(world: World): Entries {
  let entries = made.get(world);
  if (entries === undefined) {
    entries = world.init(() => {
      for (const name of ["w", "w2"]) world.param(name);
      for (const name of Object.keys(given)) world.state(name);
    });
    made.set(world, entries);
  }
  return entries;
}

const plain = new Map<World, Map<Effect, Entries>>();

/** The parameters that a function makes under no transform: what it makes under any. */
function plainly(world: World, effect: Effect): Entries {
  let known = plain.get(world);
  if (known === undefined) plain.set(world, known = new Map());
  let entries = known.get(effect);
  if (entries === undefined) {
    const made = world.init(() => void effect.step(world)(point));
    entries = Object.fromEntries(Object.entries(made).filter(([name]) => isParam(name)));
    known.set(effect, entries);
  }
  return entries;
}

function checkEqual({ world, phase, nest: nested }: Case, effect: Effect): "equal" {
  const initial = { ...entriesOf(world), ...(phase === "init" ? plainly(world, effect) : {}) };
  const value = (name: string): NDArray =>
    phase === "apply" && name in given
      ? np.array(given[name]!).astype(initial[name]!.dtype)
      : initial[name]!;
  const entries = Object.fromEntries(effect.entries(phase).map((name) => [name, value(name)]));
  const absent = np.array(0);
  const start: State = {
    ...entries,
    ...(effect.created === undefined ? {} : { [effect.created]: absent }),
    ...(effect.born === undefined ? {} : { [effect.born]: absent }),
  };
  const source = world.streams;
  const counted = {
    rules: keyStreams,
    drawn: (n: unknown) => random.foldIn(world.counted!, n as NDArray),
  };
  const explicit = (s: State): { out: NDArray; after: State; next: NDArray | null } => {
    const keys = new Keys(source ?? counted, source?.first(phase) ?? unused, () => {});
    const [after, out] = nestPurified(nested, effect.explicit)(s, keys, point);
    return { out, after, next: source === null ? null : keys.draw() };
  };
  const lifted = (entries: Entries) =>
    run(
      world,
      phase,
      entries,
      () => nest(nested, effect.step(world), world.transforms, members)(point),
    );
  const wanted = explicit(start);
  const found = lifted(entries);
  assertClose(found.out, wanted.out, tolerance, "the result");
  assert([...found.out.dataSync()].every(Number.isFinite), "the result is finite");
  const { [effect.removed ?? ""]: _, ...after } = wanted.after;
  assertClose(found.now, after, tolerance, "entries afterwards");
  if (source !== null) assertClose(found.next, wanted.next, 0, "the next key");
  const gives = phase === "init" && world.initGives === "initial"
    ? { ...start, ...(effect.born && { [effect.born]: found.gives[effect.born]! }) }
    : after;
  assertClose(found.gives, gives, tolerance, `what ${phase} gives`);
  if (effect.derivative && phase === "apply") {
    const modes = modesOf(nested, members, effect.modes)!;
    const params = Object.fromEntries(Object.entries(entries).filter(([name]) => isParam(name)));
    sameDerivative(
      nested,
      modes,
      (p) => lifted({ ...entries, ...p }).out,
      (p) => explicit({ ...start, ...p }).out,
      params,
    );
  }
  return "equal";
}

/** Compares derivatives, and those of a compiled function, whose rules run when all else is over. */
function sameDerivative(
  nested: readonly string[],
  modes: readonly Mode[],
  f: (p: Params) => NDArray,
  explicit: (p: Params) => NDArray,
  at: Params,
): void {
  const wanted = derivative(modes, explicit, at);
  assertClose(derivative(modes, f, at), wanted, 100 * tolerance, "the derivative");
  if (nested.length > 1) return;
  const compiled = jit(f, { backend: "interpreter" });
  assertClose(
    derivative(modes, compiled, at),
    wanted,
    100 * tolerance,
    "the derivative of the compiled function",
  );
}

/** Modules made inside: named in `apply` and in derivative rules as in `init`. */
function checkModule({ world, nest: nested }: Case): "equal" {
  const { model, cell } = world.modules!;
  const { init, apply } = model((x) =>
    nest(nested, (z) => np.tanh(cell(z)), world.transforms, members)(x)
  );
  const variables = init(point);
  const step: Explicit = (s, _, z) => [s, np.tanh(z.matmul(cellWeight))];
  const f = ({ x }: Params): NDArray => apply(variables, x!);
  const explicit = ({ x }: Params): NDArray => {
    const source = { rules: keyStreams, drawn: (): NDArray => x! };
    const keys = new Keys(source, unused, () => {});
    return nestPurified(nested, step)({}, keys, x!)[1];
  };
  const at = { x: point };
  assertClose(f(at), explicit(at), tolerance, "the result");
  sameDerivative(nested, modesOf(nested, members)!, f, explicit, at);
  return "equal";
}

/** What is expected of values: they come from the same operations in other programs. */
const tolerance = 1e-6;

/** Runs a nest that must raise, and sees that nothing has changed; gives the error. */
function failure(c: Case, names: readonly string[], step: Step): unknown {
  const { world, phase, nest: nested } = c;
  const initial = entriesOf(world);
  const entries = Object.fromEntries(names.map((name) => [name, initial[name]!]));
  let error: unknown;
  run(world, phase, entries, () => {
    world.param("w");
    world.state("n");
    const before = world.held();
    try {
      nest(nested, step, world.transforms, members)(point);
    } catch (caught) {
      error = caught;
    }
    if (error === undefined) return;
    const after = world.held();
    assertEquals(after, before, "what the context holds");
    after.values.forEach((value, i) => assert(value === before.values[i], after.keys[i]));
    assertEquals(world.state("n").item(), initial.n!.item());
  });
  return error;
}

function checkRefused(c: Case, effect: Effect, refusals: readonly Refusal[]): "refused" {
  const error = failure(c, effect.entries(c.phase), effect.step(c.world));
  assert(error instanceof StateError, `not refused, but ${error}`);
  const { message } = error;
  const fits = refusals.some(({ at, says, by }) => {
    const member = at === null ? "" : `${c.world.dictionary}.${by ?? memberOf(c.nest[at]!)}`;
    const isSaid = typeof says === "string" ? message.includes(says) : says.test(message);
    return isSaid && message.includes(member);
  });
  assert(fits, `refused in other words: ${message}`);
  return "refused";
}

class Stop extends Error {}

function checkRaise(c: Case): "restored" {
  const { world } = c;
  let stopped = 0;
  for (const at of [1, 2]) {
    let calls = 0;
    const error = failure(c, ["w", "n"], (z) => {
      const n = world.state("n");
      world.set("n", n.add(1));
      if (c.phase === "init") world.param("w2");
      world.draw?.();
      if (++calls === at) throw new Stop();
      return np.tanh(z.matmul(world.param("w"))).mul(n.add(1));
    });
    if (error === undefined) continue;
    assert(error instanceof Stop || error instanceof StateError, `${error}`);
    stopped++;
  }
  assert(stopped > 0, "nothing was raised");
  return "restored";
}
