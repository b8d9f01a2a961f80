/**
 * Which module is where: in each run of a model a module object has a path, that of its variables. Those
 * in fields are named after the field, those that a method makes after their class, `Dense_0`.
 *
 * A module that a method makes gets its name when it is first needed, or when something is about to
 * run that could need it: by then it is known whether it is in a field of another one.
 *
 * @module
 */
import { describeValue } from "../../lib/extend.ts";
import { type Context, StateError } from "../../mod.ts";
import { beforeTransforms, protocol } from "./context.ts";
import type { GivenVariables } from "./variables.ts";

/** What is seen of a module here. */
export interface Bindable {
  /** The name that it was given, if any. */
  readonly givenName: string | undefined;
}

/** Whether something is a module; set by the module that defines the class. */
type IsModule = (x: unknown) => x is Bindable;
let test: IsModule = (_): _ is Bindable => false;

/** Says what modules are. */
export function modulesAre(given: IsModule): void {
  test = given;
}

/** Whether something is a module. */
export function isModule(x: unknown): x is Bindable {
  return test(x);
}

/** The place of a module in a run. */
export interface Scope {
  /** Names from the root, separated by slashes; `""` for the root. */
  readonly path: string;
  /** Names of submodules in fields, and of what `setup` declared. */
  readonly fields: Set<string>;
  /** How many of its methods are running. */
  active: number;
}

/** One `init` or `apply`. */
export interface Run {
  /** The places of modules. */
  readonly scopes: Map<Bindable, Scope>;
  /** Methods that are running, or were, by the place of their module. */
  readonly frames: Map<string, Frame>;
  /** The variables that it was given. */
  readonly given: GivenVariables;
  /** Is told of each method that has run. */
  readonly onCall: ((call: Call) => void) | undefined;
}

/** A method that has run. */
export interface Call {
  /** The module. */
  readonly module: Bindable;
  /** Its place. */
  readonly scope: Scope;
  /** The method. */
  readonly method: string;
  /** What it was given. */
  readonly args: readonly unknown[];
  /** What it gave. */
  readonly out: unknown;
  /** Whether no other method of the module called it. */
  readonly isOutermost: boolean;
}

const runs = new WeakMap<object, Run>();

/** Begins a run in a context, with a module as the root. */
export function beginRun(
  context: Context,
  root: Bindable,
  given: GivenVariables,
  onCall?: Run["onCall"],
): void {
  const run: Run = { scopes: new Map(), frames: new Map(), given, onCall };
  runs.set(context.root, run);
  bind(run, root, newScope(""));
}

/** The run of a context. */
export function runOf(context: Context): Run {
  return runs.get(context.root)!;
}

/** A method that is running. */
export interface Frame {
  readonly module: Bindable;
  readonly run: Run;
  /** `null` for a module that has no place in the run. */
  readonly scope: Scope | null;
  readonly method: string;
  /** Modules that it made and that have no name yet. */
  readonly pending: Bindable[];
  /** Whether it is running. */
  isRunning: boolean;
}

/** In which frame a module was made. */
const makers = new WeakMap<Bindable, Frame>();

const frameGroup = "frame";

/**
 * The innermost method that is running, as the context knows: a derivative rule may run when all methods
 * are over, and belongs to that which made it.
 */
export function currentFrame(): Frame | null {
  const context = protocol.top();
  const id = context?.names.get(frameGroup, "") as string | null | undefined;
  return typeof id === "string" ? runOf(context!).frames.get(id) ?? null : null;
}

/**
 * Notes that a module was made.
 *
 * @throws {StateError} inside a pure transform of a method.
 */
export function noteMade(module: Bindable): void {
  const frame = currentFrame();
  if (frame === null) return;
  protocol.need(`new ${module.constructor.name}()`);
  makers.set(module, frame);
  frame.pending.push(module);
}

/** Runs `f` as a method of a module, in a context. */
export function inFrame<T>({ names }: Context, frame: Frame, f: () => T): T {
  const { run, scope, method } = frame;
  const id = scope === null ? null : `${scope.path} ${method}`;
  const before = names.get(frameGroup, "");
  const around = id === null ? undefined : run.frames.get(id);
  names.set(frameGroup, "", id);
  if (id !== null) run.frames.set(id, frame);
  frame.isRunning = true;
  try {
    return f();
  } finally {
    frame.isRunning = false;
    names.set(frameGroup, "", before);
    if (around?.isRunning) run.frames.set(id!, around);
  }
}

/** The place of a module in the run of a context, or `null`. */
export function scopeOf(context: Context, module: Bindable): Scope | null {
  const run = runOf(context);
  const found = run.scopes.get(module);
  if (found !== undefined) return found;
  const maker = makers.get(module);
  if (maker === undefined || maker.run !== run) return null;
  settle(maker, context);
  return run.scopes.get(module) ?? null;
}

/**
 * The place of a module in the run of a context.
 *
 * @throws {StateError} where it has none.
 */
export function needScope(context: Context, module: Bindable, what: string): Scope {
  const scope = scopeOf(context, module);
  if (scope !== null) return scope;
  throw new StateError(
    `${what}: this ${module.constructor.name} is not a part of the model that is running, so that nothing ` +
      "says where its variables are. Make it in a method of the model, or give it to a constructor that " +
      "keeps it in a field (not a #private one), itself, in a list or in a plain object",
  );
}

/** Gives names to the modules that a method made so far. */
export function settle(frame: Frame, context: Context): void {
  const { module: maker, pending, run, scope, method } = frame;
  if (scope === null) return;
  // What setup makes is named by the field that it will be in.
  if (method === "setup") return bindFields(run, maker, scope);
  while (pending.length > 0) {
    const module = pending.shift()!;
    if (run.scopes.has(module)) continue;
    const name = module.givenName ?? autoName(context, scope, nameOfClass(module.constructor));
    reserve(context, frame, name, null);
    bind(run, module, newScope(within(scope.path, name)));
  }
}

beforeTransforms(() => {
  const context = protocol.top();
  if (context === null) return;
  for (const frame of runOf(context).frames.values()) {
    if (frame.pending.length > 0) settle(frame, context);
  }
});

/** A path within another. */
export function within(path: string, name: string): string {
  return path === "" ? name : `${path}/${name}`;
}

function newScope(path: string): Scope {
  return { path, fields: new Set(), active: 0 };
}

/** Gives a module its place, and those in its fields theirs. */
export function bind(run: Run, module: Bindable, scope: Scope): void {
  run.scopes.set(module, scope);
  bindFields(run, module, scope);
}

/** Gives the modules in the fields of a module their places. */
export function bindFields(run: Run, module: Bindable, scope: Scope): void {
  for (const [field, value] of Object.entries(module)) {
    for (const [name, child] of modulesIn(field, value)) {
      if (run.scopes.has(child)) continue;
      const own = child.givenName ?? name;
      checkName(own, module);
      scope.fields.add(own);
      bind(run, child, newScope(within(scope.path, own)));
    }
  }
}

/** The modules in a value, with names after the field that it is in: `layers_0`, `heads_policy`. */
function modulesIn(name: string, value: unknown): [name: string, module: Bindable][] {
  if (isModule(value)) return [[name, value]];
  if (typeof value !== "object" || value === null) return [];
  const prototype = Object.getPrototypeOf(value);
  const holds = Array.isArray(value) || prototype === Object.prototype || prototype === null;
  if (!holds) return [];
  return Object.entries(value).flatMap(([key, item]) => modulesIn(`${name}_${key}`, item));
}

const groupOf = (scope: Scope): string => `scope ${scope.path}`;

/** Runs a method of a module. The outermost one begins to count the names of what it makes. */
export function inScope<T>({ names }: Context, scope: Scope, f: () => T): T {
  scope.active++;
  try {
    return scope.active === 1 ? names.within(groupOf(scope), f) : f();
  } finally {
    scope.active--;
  }
}

/** Runs `f` as if the methods of a module that are running had not made anything yet. */
export function afresh<T>(module: Bindable, f: () => T): T {
  const context = protocol.top();
  const scope = context === null ? null : scopeOf(context, module);
  return scope === null ? f() : context!.names.within(groupOf(scope), f);
}

/** The first free one of the names of a class: `Dense_0`, `Dense_1`, ... */
function autoName({ names }: Context, scope: Scope, base: string): string {
  const group = groupOf(scope), counter = `${base}_`;
  const n = names.get(group, counter) as number | undefined ?? 0;
  names.set(group, counter, n + 1);
  return `${base}_${n}`;
}

/** The methods that gave names, by module: a name stands for one place in the source. */
const givers = new WeakMap<Bindable, Map<string, string>>();

/**
 * Takes a name in a scope: for a submodule, or for a variable of a collection.
 *
 * @throws {StateError} where the name is taken.
 */
export function reserve(
  context: Context,
  { module, scope, method }: Frame,
  name: string,
  collection: string | null,
): void {
  if (scope === null) return;
  checkName(name, module);
  const what = collection === null ? "submodule" : collection === "params" ? "param" : "variable";
  const who = module.constructor.name;
  const taken = (how: string): StateError =>
    new StateError(
      `Could not create ${what} "${name}" in ${who}${
        scope.path === "" ? "" : ` (${scope.path})`
      }: ${how}`,
    );
  if (method === "setup") {
    scope.fields.add(name);
    return;
  }
  if (scope.fields.has(name)) {
    throw taken(`the name is that of a field, or was used in setup. Give it another one`);
  }
  const group = groupOf(scope);
  const before = context.names.get(group, name) as readonly (string | null)[] | undefined ?? [];
  if (
    before.includes(null) || before.includes(collection) ||
    (collection === null && before.length > 0)
  ) {
    throw taken(
      "the name is in use. To use something twice, keep it in a constant; to have two of them, give them " +
        "different names",
    );
  }
  context.names.set(group, name, [...before, collection]);
  let own = givers.get(module);
  if (own === undefined) givers.set(module, own = new Map());
  const key = `${name} ${collection}`;
  const giver = own.get(key);
  if (giver === undefined) own.set(key, method);
  else if (giver !== method) {
    throw taken(
      `both ${who}.${giver} and ${who}.${method} make one, which would be one and the same. Make it in the ` +
        "constructor or in setup, and use it in both",
    );
  }
}

/** Raises where a name is none. */
function checkName(name: unknown, module: Bindable): void {
  if (typeof name === "string" && name !== "" && !/[/:]/.test(name) && name !== "__proto__") return;
  throw new StateError(
    `${module.constructor.name}: a name is a non-empty string without "/" and ":", not ${
      typeof name === "string" ? JSON.stringify(name) : describeValue(name)
    }`,
  );
}

/** The name of a class: its own `static moduleName`, or that which it has in the source. */
export function nameOfClass(
  made: { readonly name: string; readonly moduleName?: unknown },
): string {
  if (Object.hasOwn(made, "moduleName") && typeof made.moduleName === "string") {
    return made.moduleName;
  }
  return made.name === "" ? "Module" : made.name;
}
