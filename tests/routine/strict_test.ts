/**
 * Routines where a policy forbids to make code from strings.
 *
 * @module
 */
import { assert, assertEquals } from "../support/assert.ts";

Deno.test("where code from strings is forbidden, routines give the same", async () => {
  const run = async (...flags: readonly string[]): Promise<[out: string, said: string]> => {
    const program = new URL("results.ts", import.meta.url).pathname;
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--allow-read", "--allow-env", ...flags, program],
      stdout: "piped",
      stderr: "piped",
    }).output();
    const [out, said] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(code, 0, said);
    return [out!, said!];
  };
  const [free, strict] = await Promise.all([
    run(),
    run("--v8-flags=--disallow-code-generation-from-strings"),
  ]);
  assert(!free[1].includes("no code from strings") && strict[1].includes("no code from strings"));
  assert(free[0].split("\n").length > 6, free[0]);
  assertEquals(strict[0], free[0]);
});
