/**
 * What layers say of inputs that are no arrays: lists of numbers, typed arrays, text, nothing. It is looked
 * for only where a method has failed in the way of something that is no array.
 *
 * @module
 */
import { badOperand } from "../lib/extend.ts";
import { treeLeaves } from "../mod.ts";

/** What engines say where a property or a method of an array is asked of something else. */
const native =
  /^(Cannot (read|destructure)|can't access|undefined is not|null is not|.{1,80} is not (a function|iterable))/;

const places = ["first", "second", "third"] as const;

/** Whether an argument is numbers that somebody has not made an array of, text, or was left out. */
function isLoose(x: unknown, place: number): boolean {
  if (x === undefined || x === null) return place === 0;
  if (typeof x === "number" || typeof x === "string") return place === 0;
  if (ArrayBuffer.isView(x)) return true;
  return Array.isArray(x) && treeLeaves(x as never).some((leaf) => typeof leaf === "number");
}

/** The error of a method, or, where it came of an argument that is no array, one that says so. */
export function ofInputs(method: string, args: readonly unknown[], error: unknown): unknown {
  const isNative = error instanceof TypeError && error.constructor === TypeError &&
    native.test(error.message);
  if (!isNative) return error;
  const place = args.length === 0 ? 0 : args.findIndex(isLoose);
  if (place < 0 || place >= places.length) return error;
  const told = badOperand(method, `the ${places[place]} argument`, args[place], "an array");
  return Object.assign(told, { cause: error });
}

const watched = new WeakSet<object>();

/** Makes `call` of a class and its bases, up to `base`, say what is wrong with its inputs. */
export function watchInputs(own: { readonly prototype: object }, base: object): void {
  for (
    let proto = own.prototype;
    proto !== base && !watched.has(proto);
    proto = Object.getPrototypeOf(proto)
  ) {
    watched.add(proto);
    const descriptor = Object.getOwnPropertyDescriptor(proto, "call");
    const method: unknown = descriptor?.value;
    if (typeof method !== "function") continue;
    const { call } = {
      call(this: object, ...args: unknown[]): unknown {
        try {
          return method.apply(this, args);
        } catch (error) {
          throw ofInputs(`${this?.constructor.name}.call`, args, error);
        }
      },
    };
    Object.defineProperty(proto, "call", { ...descriptor, value: call });
  }
}
