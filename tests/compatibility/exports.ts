/**
 * What `deno.json` exports.
 *
 * @module
 */

/** The paths of the entries. */
export const settings: { readonly exports: Readonly<Record<string, string>> } = JSON.parse(
  await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
);
