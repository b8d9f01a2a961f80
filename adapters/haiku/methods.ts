/**
 * How what a module does runs inside of it: its methods, its property getters and setters, and functions
 * in its fields. The marks by which methods choose the names of what they make.
 *
 * @module
 */
import { describeValue } from "../../lib/extend.ts";
import { type Context, StateError } from "../../mod.ts";
import { ofInputs } from "../inputs.ts";
import { inScope, protocol, scopeIn } from "./context.ts";
import { type NamedModule, runInterceptors } from "./handlers.ts";
import { underPolicy } from "./policies.ts";

type Func = (this: unknown, ...args: unknown[]) => unknown;
type Class = abstract new (...args: never[]) => unknown;

/** What was marked of a method: the name under which it makes things; `null` for that of its caller. */
const marks = new WeakMap<object, string | null>();

/** Marks a method. */
export function mark(method: object, name: string | null): void {
  marks.set(method, name);
}

/** A method, or an accessor, of a class. */
interface Method {
  readonly name: string;
  /** The method under whose name it makes things; `null` for that of its caller. */
  readonly like: string | null;
  /** Its own name where others are named alike. */
  readonly by: string | undefined;
  /** How many classes its class is away from `Module`, which tells it from its bases. */
  readonly owner: number;
  readonly origClass: Class;
  readonly f: Func;
}

/** Runs a method inside its module. */
function callMethod(module: NamedModule, method: Method, args: readonly unknown[]): unknown {
  const { moduleName } = module;
  const context = protocol.top() ?? protocol.need(`${moduleName}.${method.name}`);
  if (unsettled > 0) settle(module);
  const scope = scopeIn(context);
  const { interceptors, policies, boundary } = scope.handlers;
  if (boundary !== undefined) checkInside(module, boundary);
  noteCall(context, scope.module, moduleName);
  const { like, owner, by } = method;
  const body = (args: readonly unknown[]): unknown =>
    interceptors.length === 0 ? method.f.apply(module, args as unknown[]) : runInterceptors(
      interceptors,
      args,
      {
        module,
        methodName: method.name,
        origMethod: (...args) => method.f.apply(module, args),
        origClass: method.origClass,
      },
    );
  const run = (): unknown =>
    policies === undefined ? body(args) : underPolicy(context, module, args, body);
  // The same method of a base class (super.call(...)) goes on counting, or the modules that both make
  // would share their weights.
  if (
    like === null ||
    (scope.module === moduleName && scope.method === like && scope.owner !== owner)
  ) return run();
  return inScope({ module: moduleName, method: like, owner, by }, run);
}

// ---------------------------------------------------------------- modules from elsewhere

/** Notes that a module, and so those that it is in, calls one that is not in it. */
function noteCall({ names }: Context, caller: string, called: string): void {
  if (caller === "" || isIn(called, caller)) return;
  for (let at = caller.length; at > 0; at = caller.lastIndexOf("/", at - 1)) {
    const module = caller.slice(0, at);
    if (isIn(called, module)) return;
    // What was noted before is not looked up: compiled programs would depend on it.
    names.set(CALLED, `${module} ${called}`, true);
  }
}

/** Whether a module is another one, or in it. */
function isIn(inner: string, outer: string): boolean {
  return inner.startsWith(outer) &&
    (inner.length === outer.length || inner[outer.length] === "/");
}

const CALLED = "modules that a module calls";

/** The modules that each module called and that are not in it. */
export function calledModules({ names }: Context): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (let at: typeof names | null = names; at !== null; at = at.outer) {
    for (const [pair] of at.own(CALLED)) {
      const [caller, called] = pair.split(" ") as [string, string];
      if (!found.has(caller)) found.set(caller, []);
      found.get(caller)!.push(called);
    }
  }
  return found;
}

// ---------------------------------------------------------------- models inside of others

/** In how many models a module was made, where that is one or more. */
const depths = new WeakMap<object, number>();

/** Notes in how many models a module was made. */
export function madeAt(module: NamedModule, depth: number): void {
  depths.set(module, depth);
}

/** Raises where a module was made outside of a model that may not close over modules. */
function checkInside(module: NamedModule, boundary: number): void {
  if ((depths.get(module) ?? 0) >= boundary) return;
  throw new StateError(
    `hk.transparentLift: the lifted function closes over the module ${module.moduleName}, which was made ` +
      "outside of it: its parameters would be made again, under names that those of the lifted function " +
      "may have. Make the module inside, or use it before and pass on what it gives",
  );
}

// ---------------------------------------------------------------- what classes have

/** What is known of a class of modules. */
interface Kind {
  /** Whether instances have functions in fields. */
  hasFunctions: boolean;
  /** Whether an instance was seen that is made. */
  isSettled: boolean;
}

const kinds = new WeakMap<object, Kind>();
const wrapped = new WeakSet<object>();
/** How many classes are not settled. */
let unsettled = 0;

/**
 * Makes the methods and accessors of a module's class and its bases, up to `base`, run inside the
 * module. Gives the module, or what stands in for it where functions in its fields are watched: the
 * first instances of each class are, and all where one has some. (Watching takes 6 us a module.)
 */
export function adopt<M extends NamedModule>(module: M, base: Class): M {
  const proto = Object.getPrototypeOf(module);
  let kind = kinds.get(proto);
  if (kind === undefined) {
    kinds.set(proto, kind = { hasFunctions: false, isSettled: false });
    unsettled++;
    wrapMethods(proto, base);
  }
  return kind.hasFunctions || !kind.isSettled ? watched(module, kind) : module;
}

/** Notes that instances of a module's class are made: one runs a method. */
function settle(module: NamedModule): void {
  const kind = kinds.get(Object.getPrototypeOf(module));
  if (kind === undefined || kind.isSettled) return;
  kind.isSettled = true;
  unsettled--;
}

function wrapMethods(start: object, base: Class): void {
  for (
    let proto = start;
    proto !== base.prototype && !wrapped.has(proto);
    proto = Object.getPrototypeOf(proto)
  ) {
    wrapped.add(proto);
    const owner = depth(proto, base);
    const all = Object.entries(Object.getOwnPropertyDescriptors(proto));
    const likes = new Set(all.map(([, { value }]) => marks.get(value)));
    for (const [name, descriptor] of all) {
      if (name === "constructor") continue;
      const wrap = (f: unknown): Func | undefined => {
        if (typeof f !== "function") return undefined;
        const marked = marks.get(f);
        const like = marked === undefined ? name : marked;
        const by = like !== null && likes.has(like) ? name : undefined;
        const origClass = proto.constructor as Class;
        const method: Method = { name, like, by, owner, origClass, f: f as Func };
        return function (this: unknown, ...args: unknown[]): unknown {
          if (!(this instanceof base)) throw unbound(method, this);
          try {
            return callMethod(this as NamedModule, method, args);
          } catch (error) {
            throw ofInputs(`${(this as NamedModule).constructor.name}.${name}`, args, error);
          }
        };
      };
      const { value, get, set } = descriptor;
      if (typeof value === "function") {
        Object.defineProperty(proto, name, { ...descriptor, value: wrap(value) });
      } else if (get !== undefined || set !== undefined) {
        // Outside of transformed functions an accessor may tell what is plain in a module.
        const inside = (own: unknown): Func | undefined => {
          const run = wrap(own);
          return run && function (this: unknown, ...args): unknown {
            const isInside = protocol.top() !== null && this instanceof base;
            return (isInside ? run : own as Func).apply(this, args);
          };
        };
        const { configurable = true, enumerable = false } = descriptor;
        Object.defineProperty(proto, name, {
          configurable,
          enumerable,
          ...(get && { get: inside(get)! }),
          ...(set && { set: inside(set)! }),
        });
      }
    }
  }
}

function depth(proto: object, base: Class): number {
  let n = 0;
  for (let at = proto; at !== base.prototype; at = Object.getPrototypeOf(at)) n++;
  return n;
}

/** The error for a method that was taken off its module. */
function unbound({ origClass, name }: Method, found: unknown): StateError {
  return new StateError(
    `${origClass.name}.${name} was called on ${
      describeValue(found)
    }, not on a module: a method that is passed ` +
      `as a function loses its module. Pass (x) => layer.${name}(x) instead of layer.${name}`,
  );
}

// ---------------------------------------------------------------- functions in fields

/** A stand-in for a module under construction, which makes functions in its fields run inside of it. */
function watched<M extends NamedModule>(module: M, kind: Kind): M {
  return new Proxy(module, {
    defineProperty(target, name, descriptor) {
      const { value } = descriptor;
      if (typeof value !== "function" || typeof name === "symbol" || isClass(value)) {
        return Reflect.defineProperty(target, name, descriptor);
      }
      kind.hasFunctions = true;
      return Reflect.defineProperty(target, name, {
        ...descriptor,
        value: fieldFunction(target, name, value),
      });
    },
  });
}

function isClass(f: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(f));
}

/**
 * A function in a field of a module. Called from elsewhere it is a method. Inside the module it is a
 * function like another: it may have come from there, as an activation does.
 */
function fieldFunction(module: NamedModule, name: string, f: Func): Func {
  const origClass = module.constructor as Class;
  return new Proxy(f, {
    apply(target, self, args) {
      const { moduleName } = module;
      const context = protocol.top();
      const inside = context === null ? moduleName : scopeIn(context).module;
      if (inside === moduleName || inside.startsWith(`${moduleName}/`)) {
        return Reflect.apply(target, self, args);
      }
      const bound: Func = (...args) => Reflect.apply(target, self, args);
      const method = { name, like: name, by: undefined, owner: 0, origClass, f: bound };
      return callMethod(module, method, args);
    },
  });
}
