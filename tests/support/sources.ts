/**
 * The project's own source files.
 *
 * @module
 */

/** The root of the project. */
export const root: URL = new URL("../../", import.meta.url);

/** All TypeScript files below a folder, as paths from the root. */
export function filesBelow(folder: string): string[] {
  const found: string[] = [];
  for (const entry of Deno.readDirSync(new URL(`${folder}/`, root))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...filesBelow(path));
    else if (path.endsWith(".ts")) found.push(path);
  }
  return found.sort();
}
