/**
 * The examples in the README, the guides and the descriptions of everything exported print what
 * their comments show, to a reader who has set nothing: on "cpu", whatever the other tests run on.
 *
 * @module
 */
import { debug, grad, type NDArray, numpy as np, scan } from "../../mod.ts";
import { setDefaultBackend } from "../../lib/core/backend.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { testOn } from "../support/everywhere.ts";
import { examplesOf, faults, shows } from "../support/shown.ts";

const root = new URL("../../", import.meta.url);

/** The files with examples below a folder, or the file itself. */
function documents(path: string): string[] {
  if (!Deno.statSync(new URL(path, root)).isDirectory) return [path];
  return [...Deno.readDirSync(new URL(`${path}/`, root))]
    .flatMap(({ name, isDirectory }) =>
      isDirectory
        ? documents(`${path}/${name}`)
        : /\.(ts|md)$/.test(name)
        ? [`${path}/${name}`]
        : []
    )
    .sort();
}

const files = ["README.md", "lib", "adapters", "mod.ts", "examples"].flatMap(documents).map(
  (path) => ({ path, examples: examplesOf(path, Deno.readTextFileSync(new URL(path, root))) }),
);

const backends = ["cpu", "onnx", "interpreter"];

function testExamples(fails: boolean, promise: string): void {
  for (const { path, examples } of files) {
    const mine = examples.filter((example) => example.fails === fails);
    if (mine.length === 0) continue;
    const on = fails && path === "lib/core/errors.ts" ? ["cpu", "interpreter"] : backends;
    const reason = "one is of a backend that is not loaded yet";
    testOn(on, reason, `the examples in ${path} ${promise}`, async () => {
      const found: string[] = [];
      setDefaultBackend("cpu");
      for (const example of mine) found.push(...await faults(example));
      assertEquals(found.length, 0, `${path}:\n${found.join("\n")}`);
    });
  }
}

// Errors first: a backend that another example has loaded would spare some of them.
testExamples(true, "fail as they show");
testExamples(false, "print what they show");

Deno.test("there are examples of both kinds", () => {
  const all = files.flatMap(({ examples }) => examples);
  const failing = all.filter(({ fails }) => fails).length;
  assert(failing > 10, `only ${failing} show an error`);
  assert(all.length > 200, `only ${all.length} were found`);
});

Deno.test("the programs printed in lib/README.md are those of its example, at each stage", () => {
  const text = Deno.readTextFileSync(new URL("lib/README.md", root));
  const blocks = [...text.matchAll(/^```(.*)\n([^]*?)^```$/gm)]
    .flatMap(([, language, block]) => language === "" ? [block!] : []);
  const f = (x: NDArray) =>
    scan((c: NDArray, u: NDArray) => [np.tanh(c.add(u)), null], np.zeros([]), x)[0];
  const stages = ["traced", "simplified", "onnx"] as const;
  assertEquals(blocks.length, stages.length);
  stages.forEach((stage, i) => {
    const printed = debug.program(grad(f), [np.ones([3])], { stage });
    assert(shows(blocks[i]!, printed), `${stage}: ${printed}`);
  });
});

const program = (code: string, fails = false) => faults({ line: 1, code, fails });

Deno.test("an output that differs from what an example shows is found", async () => {
  assertEquals(await program("console.log(1 + 1); // 2"), []);
  assertEquals(await program("console.log(1 + 1); // 3"), ["line 1: shows 3\nbut prints 2"]);
  assertEquals(await program("const two = 2;\nconsole.log(\n  two,\n);\n// 2"), []);
  assertEquals((await program("console.log(\n  1,\n);\n// 2")).length, 1);
  assertEquals(await program("for (const i of [1, 2]) console.log(i);\n// 1\n// 2"), []);
  assertEquals((await program("for (const i of [1, 2]) console.log(i);\n// 1")).length, 1);
  assertEquals(await program('console.log("(", [[1]]); // ( [ [ 1 ] ]'), []);
});

Deno.test("an output that an example does not show is found", async () => {
  assertEquals(await program("console.log(7);"), [
    "line 1: prints this, and does not show it: 7",
  ]);
  assertEquals(await program("const f = () => console.log(7);\nf();"), [
    "line 1: prints this, and does not show it: 7",
  ]);
  assertEquals((await program("if (false) console.log(7); // 7")).length, 1);
});

Deno.test("an example of an error has to throw it", async () => {
  const thrown = 'throw new RangeError("n: must be positive, not -1");';
  assertEquals(await program(`${thrown} // RangeError: n: must be positive, not -1`, true), []);
  assertEquals(
    await program(`${thrown}\n// RangeError: n: must\n// be positive, not -1`, true),
    [],
  );
  assertEquals(await program(`${thrown} // RangeError: n: ... -1`, true), []);
  assertEquals((await program(`${thrown} // TypeError: n: must be positive`, true)).length, 1);
  assertEquals((await program(`${thrown} // RangeError: n: must be even`, true)).length, 1);
  assertEquals((await program(thrown, true)).length, 1);
  assertEquals((await program("// RangeError: n", true)).length, 1);
  assertEquals((await program(thrown)).length, 1);
});

Deno.test("a remark may follow what a comment shows, and digits are no remark", () => {
  assert(shows("3", "3") && shows("3, as it should be", "3") && shows("[ 3 ]: one", "[ 3 ]"));
  assert(shows("0.73...", "0.7390851") && shows("0.73...: the cosine's", "0.7390851"));
  assert(!shows("30", "3") && !shows("3, 4", "3") && !shows("3.5", "3") && !shows("3", "3.5"));
  assert(!shows("...", "3") && !shows("", "3") && !shows("three", "3"));
});
