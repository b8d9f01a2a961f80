/**
 * `init` and `apply`: running a module over variables.
 *
 * @module
 */
import { deferred, describeValue } from "../../lib/extend.ts";
import { Context, NDArray, StateError, type Stream } from "../../mod.ts";
import { beginRun, type Bindable, type Run } from "./binding.ts";
import { protocol, type Statics, streamOf } from "./context.ts";
import { sow } from "./entries.ts";
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
  readonly captureIntermediates?: unknown;
}

const optionNames: readonly string[] = ["rngs", "mutable", "method", "captureIntermediates"];

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

/** Runs a function as a method of a module; set by the module that defines the class. */
type AsMethod = (module: Bindable, f: Method, args: readonly unknown[]) => unknown;
type Method = (module: Bindable, ...args: unknown[]) => unknown;
let asMethod: AsMethod = (module, f, args) => f(module, ...args);

/** Says how a function is run as a method. */
export function functionsRunBy(given: AsMethod): void {
  asMethod = given;
}

/** What is to run: a method of a module, or a function in its place. */
function chosenMethod(op: string, module: Bindable, method: unknown): Method {
  if (typeof method === "function") return (m, ...args) => asMethod(m, method as Method, args);
  const name = method ?? "call";
  const f: unknown = Reflect.get(module, name as string);
  if (typeof name === "string" && typeof f === "function") return (m, ...args) => f.apply(m, args);
  throw new StateError(
    `${op}: ${module.constructor.name} has no method ${
      typeof name === "string" ? name : describeValue(name)
    }. Give the name of one, { method: "encode" }, or a function of the module`,
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
  const f = chosenMethod(op, module, method);
  beginRun(context, module, given, onCall);
  const out = protocol.run(context, () => f(module, ...args));
  const later = deferred(out);
  if (later !== null) {
    throw new StateError(
      `${op}: ${
        typeof method === "string" ? method : "call"
      } returned ${later}; it must be synchronous`,
    );
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

/** Stores what methods give, where that is asked for. */
function capturing(op: string, wanted: unknown): Run["onCall"] {
  if (wanted === false) return undefined;
  if (wanted !== true && typeof wanted !== "function") {
    throw new StateError(
      `${op}: captureIntermediates must be true, or a function of a module and the name of a method, not ${
        describeValue(wanted)
      }`,
    );
  }
  return ({ module, method, out }) => {
    const isWanted = wanted === true ? method === "call" : wanted(module, method);
    if (isWanted) sow(module, "intermediates", method, out as NDArray, {});
  };
}

/** As `Module.apply`. */
export function applyModule(
  module: Bindable,
  variables: GivenVariables,
  rest: readonly unknown[],
): unknown {
  const op = `${module.constructor.name}.apply(variables, ...args)`;
  const [args, options] = splitOptions(rest);
  const { mutable = false, method, rngs = {}, captureIntermediates = false } = options;
  checkFilter(op, "mutable", mutable);
  const context = Context.open(protocol, {
    entries: entriesOf(op, variables),
    streams: streamsOf(op, rngs),
    statics: { mutable } satisfies Statics,
  });
  const capture = capturing(op, captureIntermediates);
  const out = run(op, module, method, context, variables, args, capture);
  return mutable === false ? out : [out, variablesIn(context, variables, mutable)];
}
