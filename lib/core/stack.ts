/**
 * What an error's stack says of the code that led to it: the user's line, and whether that is code of
 * a person at all.
 *
 * @module
 */

/** Where this library's files are, to tell its lines from the user's in a stack. */
const root = new URL("../../", import.meta.url).href;

/** The line of user code from which an error was made, as far as it can be told. */
export function userLine(error: Error | null): string {
  for (const line of (error?.stack ?? "").split("\n").slice(1)) {
    const place = /\(?((?:file|https?):\/\/[^\s)]+)\)?$/.exec(line)?.[1];
    const own = place?.startsWith(`${root}lib/`) || place?.startsWith(`${root}adapters/`);
    if (place !== undefined && !own) return place;
  }
  return "an unknown place";
}

/** The line of user code that is running, however deep inside the library it is asked for. */
export function runningLine(): string {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 100;
  try {
    return userLine(new Error());
  } finally {
    Error.stackTraceLimit = before;
  }
}

/**
 * Throws an error just made, unless the code that called the line that made it is a tool's. Tools ask
 * any object for a length, to tell lists from others (Lodash's `isEqual`), Node's console asks what is
 * in a `Proxy` for element 0, and matchers go through all that can be iterated over (Jest, Vitest).
 */
export function refuseByHand(error: Error): void {
  const places = (error.stack ?? "").split("\n").filter((line) => PLACE.test(line));
  const caller = places[1];
  if (caller === undefined || caller.includes(root) || !TOOL.test(caller)) throw error;
}

/** The end of a line of a stack that says where; native functions are nowhere. */
const PLACE = /:\d+:\d+\)?$/;

/** Places in runtimes, in installed packages, and in those that are loaded by a version. */
const TOOL = /\b(?:node|ext):|\/node_modules\/|[@/]\d+\.\d+\.\d+\//;
