/**
 * A sample of the tests on the other backends that `jit` can have by default: the files in which a backend
 * that is not named is noticed first, and some that are drawn. All files are run on them by
 * `deno task test:onnx` and `deno task test:interpreter`, which take too long for each change.
 *
 * @module
 */
import { assert, assertEquals } from "../support/assert.ts";
import { Random, seedNote } from "../support/random.ts";

const root = new URL("../../", import.meta.url);

/** What not every backend does, how values are rounded, and programs of strangers. */
const always = [
  "tests/api/families/random_more_test.ts",
  "tests/backends/unloaded_test.ts",
  "tests/compile/new_primitive_test.ts",
  "tests/debug/debug_test.ts",
  "tests/effects/pure_callback_test.ts",
  "tests/extend_test.ts",
  "tests/transforms/jit_test.ts",
];

/** Folders with files of a few seconds at most, of which some are drawn. */
const folders = ["tests/effects", "tests/optim", "tests/transforms"];
const DRAWN = 2;

/** Those that take longer, for `deno task test:onnx` and `test:interpreter` alone. */
const long = [
  "tests/effects/order_test.ts",
  "tests/transforms/bounded_loops_test.ts",
  "tests/transforms/closure_test.ts",
  "tests/transforms/composition_test.ts",
];

for (const backend of ["onnx", "interpreter"]) {
  Deno.test(`a sample of the tests passes where functions run on ${backend} by default`, async () => {
    const found = folders.flatMap((folder) =>
      [...Deno.readDirSync(new URL(`${folder}/`, root))].map(({ name }) => `${folder}/${name}`)
    ).filter((path) => path.endsWith("_test.ts"));
    assertEquals(long.filter((path) => !found.includes(path)), []);
    const all = found.filter((path) => !always.includes(path) && !long.includes(path)).sort();
    const random = new Random(`a sample on ${backend}`);
    const drawn = Array.from(
      { length: DRAWN },
      () => all.splice(random.integer(0, all.length), 1)[0]!,
    );
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["test", "--no-check", "--preload", "tests/support/on_backend.ts"],
        ...["--allow-read", "--allow-write", "--allow-env", "--allow-net", "--allow-run"],
        "--allow-sys",
        ...always,
        ...drawn,
      ],
      cwd: root,
      env: { INJAX_BACKEND: backend, NO_COLOR: "1" },
    }).output();
    const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("\n");
    const [, passed] = /^ok \| (\d+) passed/m.exec(text) ?? [];
    const failures = text.slice(Math.max(0, text.lastIndexOf("\n ERRORS")));
    assert(code === 0, `${backend}, ${drawn.join(" ")} (${seedNote})\n${failures}`);
    assert(Number(passed) > 50, `${backend}: ${passed} tests passed`);
  });
}
