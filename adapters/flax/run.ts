/**
 * `init` and `apply`: running a module over variables.
 *
 * @module
 */
import { deferred, describeValue } from "../../lib/extend.ts";
import { Context, NDArray, StateError, type Stream } from "../../mod.ts";
import { beginRun, type Bindable, type Run } from "./binding.ts";
import { protocol, type Statics, streamOf } from "./context.ts";
import { checkFilter, type Filter } from "./filters.ts";
import {
  entriesOf,
  type GivenVariables,
  isPlain,
  type Variables,
  variablesIn,
} from "./variables.ts";

/** Keys of random streams by name, or one key, which is that of `params` and serves for all. */
export type Rngs = NDArray | Readonly<Record<string, NDArray>>;

interface Options {
  readonly rngs?: unknown;
  readonly mutable?: unknown;
  readonly method?: unknown;
}

const optionNames: readonly string[] = ["rngs", "mutable", "method"];

/** The arguments of a method, and the options after them. */
function splitOptions(args: readonly unknown[]): [args: readonly unknown[], options: Options] {
  const last = args.at(-1);
  if (!isPlain(last)) return [args, {}];
  const keys = Object.keys(last);
  const known = keys.filter((key) => optionNames.includes(key));
  if (known.length > 0 && known.length < keys.length) {
    throw new StateError(
      `init and apply: the last argument has the option ${known[0]}, and ${
        keys.find((key) => !known.includes(key))
      }, which is none. The options are ${optionNames.join(", ")}`,
    );
  }
  const isOptions = known.length > 0;
  return isOptions ? [args.slice(0, -1), last] : [args, {}];
}

function isKey(x: unknown): x is NDArray {
  return x instanceof NDArray && x.dtype === "uint32" && x.ndim === 1 && x.shape[0] === 2;
}

/** Random streams of a run. */
export function streamsOf(op: string, rngs: unknown): Record<string, Stream> {
  if (isKey(rngs)) return { params: streamOf(rngs) };
  if (!isPlain(rngs)) {
    throw new StateError(
      `${op}: rngs must be random.key(seed) or keys by stream, { params: random.key(0), dropout: ` +
        `random.key(1) }, not ${describeValue(rngs)}`,
    );
  }
  return Object.fromEntries(
    Object.entries(rngs).map(([name, key]) => {
      if (isKey(key)) return [name, streamOf(key)];
      throw new StateError(
        `${op}: the key of the stream ${name} must be random.key(seed), not ${describeValue(key)}`,
      );
    }),
  );
}

/** Runs a method of a module in a context. */
function run(
  op: string,
  module: Bindable,
  method: unknown,
  context: Context,
  given: GivenVariables,
  args: readonly unknown[],
  onCall?: Run["onCall"],
): unknown {
  const name = method ?? "call";
  const f: unknown = (module as unknown as Record<string, unknown>)[name as string];
  if (typeof name !== "string" || typeof f !== "function") {
    throw new StateError(
      `${op}: ${module.constructor.name} has no method ${
        typeof name === "string" ? name : describeValue(name)
      }. Give the name of one, { method: "encode" }`,
    );
  }
  beginRun(context, module, given, onCall);
  const out = protocol.run(context, () => f.apply(module, args));
  const later = deferred(out);
  if (later !== null) {
    throw new StateError(`${op}: ${name} returned ${later}; it must be synchronous`);
  }
  return out;
}

const beside: Filter = { deny: "intermediates" };

/** As `Module.initWithOutput`. */
export function initModule(
  module: Bindable,
  rngs: unknown,
  rest: readonly unknown[],
  onCall?: Run["onCall"],
): [out: unknown, variables: Variables] {
  const op = `${module.constructor.name}.init(rngs, ...args)`;
  const [args, { mutable = beside, method }] = splitOptions(rest);
  checkFilter(op, "mutable", mutable);
  const context = Context.open(protocol, {
    streams: streamsOf(op, rngs),
    statics: { mutable } satisfies Statics,
    initializing: true,
  });
  const out = run(op, module, method, context, {}, args, onCall);
  return [out, variablesIn(context, {}, mutable)];
}

/** As `Module.apply`. */
export function applyModule(
  module: Bindable,
  variables: GivenVariables,
  rest: readonly unknown[],
): unknown {
  const op = `${module.constructor.name}.apply(variables, ...args)`;
  const [args, { mutable = false, method, rngs = {} }] = splitOptions(rest);
  checkFilter(op, "mutable", mutable);
  const context = Context.open(protocol, {
    entries: entriesOf(op, variables),
    streams: streamsOf(op, rngs),
    statics: { mutable } satisfies Statics,
  });
  const out = run(op, module, method, context, variables, args);
  return mutable === false ? out : [out, variablesIn(context, variables, mutable)];
}
