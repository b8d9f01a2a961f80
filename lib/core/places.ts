/**
 * Calls whose arguments stand in an object by their names: of what modules are made with, which other
 * languages give by keyword. Pages that compute alone do without.
 *
 * @module
 */
import { checkCall, isPlain, type OptionTable, parsed, written } from "./signature.ts";

/**
 * As `checkCall`, and raises where arguments that have places stand in an object by their names.
 *
 * @throws {TypeError} showing the right call.
 */
export function checkPlaces(
  text: string,
  args: ArrayLike<unknown>,
  table?: OptionTable<Record<string, unknown>>,
  from?: number,
): void {
  if (table !== undefined && args.length === 1 && from === undefined) {
    refuseNames(text, args[0], table);
  }
  checkCall(text, args, table, from);
}

function refuseNames(text: string, given: unknown, table: object): void {
  const { name, params, options } = parsed(text);
  const before = params.slice(0, options);
  if (!isPlain(given) || before.length === 0 || !Object.hasOwn(given, before[0]!)) return;
  const rest = Object.keys(given).filter((key) => !before.includes(key));
  if (!rest.every((key) => Object.hasOwn(table, key))) return;
  const args = before.map((key) => Object.hasOwn(given, key) ? written(given[key]) : key);
  const own = rest.map((key) => `${key}: ${written(given[key])}`).join(", ");
  throw new TypeError(
    `${name}: ${before.join(", ")} stand${
      before.length === 1 ? "s" : ""
    } before the options, not in them. Write ${name}(${
      [...args, ...own === "" ? [] : [`{ ${own} }`]].join(", ")
    })`,
  );
}
