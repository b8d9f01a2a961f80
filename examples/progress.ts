/**
 * How far a training is, as a bar on a terminal; where output goes to a file, lines follow anyway.
 *
 * @module
 */

const width = 30;

/** Draws the bar; at the end it goes away. */
export function showProgress(done: number, total: number, label: string): void {
  if (!Deno.stderr.isTerminal()) return;
  const filled = Math.round(done / total * width);
  const bar = "#".repeat(filled) + "-".repeat(width - filled);
  const text = done === total ? "\r\x1b[K" : `\r[${bar}] ${label}\x1b[K`;
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
