/**
 * The programs that a jitted function keeps: how many, which are dropped first, when users are told,
 * and when all go.
 *
 * @module
 */
import { evalShape, jit, type NDArray, numpy as np, ShapeDtype } from "../../mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { arr, assertClose } from "../support/arrays.ts";
import { counted } from "../support/counted.ts";
import { named } from "../support/mistakes.ts";
import { interpreter } from "../support/everywhere.ts";

/** What `run` says on the console. */
function warnings(run: () => void): string[] {
  const said: string[] = [];
  const { warn } = console;
  console.warn = (...args: unknown[]) => void said.push(args.join(" "));
  try {
    run();
  } finally {
    console.warn = warn;
  }
  return said;
}

Deno.test("jit() keeps thousands of programs, and drops the one used least recently", () => {
  const kept = 4096;
  const c = counted((x: NDArray, n: number) => x.mul(n));
  const f = jit(c.f, { ...interpreter, staticArgnums: 1 });
  const call = (n: number, traces: number): void => {
    assertClose(f(arr(2), n), 2 * n);
    assertEquals(c.calls(), traces, `traces up to the call with ${n}`);
  };
  warnings(() => {
    for (let n = 0; n < kept; n++) call(n, n + 1);
    for (let n = 0; n < kept; n++) call(n, kept);
    // Programs 0 and 40 are old and in use; one more displaces 1, the next one 2.
    call(0, kept);
    call(40, kept);
    call(kept, kept + 1);
    call(kept + 1, kept + 2);
    for (const n of [0, 40, 3, kept, kept + 1]) call(n, kept + 2);
    call(1, kept + 3);
    call(2, kept + 4);
  });
});

Deno.test("jit() drops programs with large constants earlier, but keeps those in use", () => {
  const w = np.zeros([1 << 23]); // 32 MiB
  const c = counted((x: NDArray, n: number) => (n < 1000 ? x.add(w) : x).sum());
  const f = jit(c.f, { ...interpreter, staticArgnums: 1 });
  // Traced only: nothing of this size needs to run.
  const touch = (n: number): void =>
    void evalShape((x: NDArray) => f(x, n), new ShapeDtype([1 << 23]));
  for (let n = 0; n < 64; n++) touch(n);
  touch(0);
  assertEquals(c.calls(), 64);
  touch(64);
  touch(0);
  assertEquals(c.calls(), 65, "the program used last is still there");
  assertEquals(warnings(() => touch(1)).length, 1);
  assertEquals(c.calls(), 66, "the one used least recently is not");
  // Those that are dropped leave room for many small ones.
  warnings(() => {
    for (let n = 1000; n < 1200; n++) touch(n);
  });
  assertEquals(c.calls(), 266);
  for (let n = 1000; n < 1200; n++) touch(n);
  assertEquals(c.calls(), 266, "small ones stay");
});

Deno.test("jit() drops programs by their last use, also among the few used last of all", () => {
  const w = np.zeros([1 << 23]); // 32 MiB: there is room for the 64 that are always kept.
  const c = counted((x: NDArray, _: number) => x.add(w).sum());
  const f = jit(c.f, { ...interpreter, staticArgnums: 1 });
  const touch = (n: number): void =>
    void evalShape((x: NDArray) => f(x, n), new ShapeDtype([1 << 23]));
  warnings(() => {
    for (let n = 0; n < 64; n++) touch(n);
    touch(56); // The eighth last.
    for (let n = 64; n < 127; n++) touch(n);
    assertEquals(c.calls(), 127);
    touch(56);
    assertEquals(c.calls(), 127, "the one used after 63 is still there");
    touch(63);
    assertEquals(c.calls(), 128, "63 is not");
  });
});

Deno.test("jit() says once which argument makes it compile again and again", () => {
  const long = named("smooth", (p: { w: NDArray }, x: NDArray) => x.mul(p.w).sum());
  const f = jit(long, interpreter);
  const said = warnings(() => {
    for (let n = 1; n <= 300; n++) f({ w: arr(1) }, np.ones([n]));
  });
  assertEquals(said.length, 1);
  for (const part of ["jit: smooth", "128 times", "argument 1 comes", "float32[127]", "Pad it"]) {
    assert(said[0]!.includes(part), `${part} is not in: ${said[0]}`);
  }
  const power = jit(named("power", (n: number, x: NDArray) => x.mul(n)), {
    ...interpreter,
    staticArgnums: [0],
  });
  const values = warnings(() => {
    for (let n = 1; n <= 300; n++) power(n, arr(1));
  });
  assertEquals(values.length, 1);
  for (const part of ["jit: power", "static argument 0", "staticArgnums"]) {
    assert(values[0]!.includes(part), `${part} is not in: ${values[0]}`);
  }
  const few = jit((x: NDArray) => x.sum(), interpreter);
  const none = warnings(() => {
    for (let round = 0; round < 5; round++) for (let n = 1; n <= 100; n++) few(np.ones([n]));
  });
  assertEquals(none, []);
});

Deno.test("jit() in a loop over one function is told about", () => {
  const double = named("double", (x: NDArray) => x.mul(2));
  const said = warnings(() => {
    for (let i = 0; i < 300; i++) assertClose(jit(double, interpreter)(arr(i)), 2 * i);
  });
  assertEquals(said.length, 1);
  assert(/jit\(double\) .* 128 times.* outside of the loop/.test(said[0]!), said[0]);
  const functions = Array.from({ length: 300 }, (_, i) => (x: NDArray) => x.add(i));
  const silent = warnings(() =>
    functions.forEach((f, i) => assertClose(jit(f, interpreter)(arr(0)), i))
  );
  assertEquals(silent, []);
});

Deno.test("static arguments that look alike are told apart among many programs", () => {
  const twins: unknown[] = [1, "1", true, "true", null, "null", [1], ["1"], [[1]], [], 0, -0, NaN];
  twins.push({}, {}, Symbol("a"), Symbol("a"), Symbol.for("a"), (): number => 1, (): number => 1);
  const c = counted((_: NDArray, n: unknown) => arr(twins.findIndex((t) => Object.is(t, n))));
  const f = jit(c.f, { ...interpreter, staticArgnums: 1 });
  for (let round = 0; round < 3; round++) {
    twins.forEach((t, i) => {
      if (Array.isArray(t)) f(arr(0), [...t]);
      else assertClose(f(arr(0), t), i);
    });
    assertEquals(c.calls(), twins.length);
  }
});

Deno.test("the programs of a jitted function go when it goes", async () => {
  const program = `
    import { jit, loadBackend, numpy as np } from ${
    JSON.stringify(import.meta.resolve("../../mod.ts"))
  };
    await loadBackend("onnx");
    const refs = [];
    (() => {
      const w = np.ones([1000]);
      refs.push(new WeakRef(w));
      const f = jit((x) => x.add(w).sum());
      for (let n = 0; n < 20; n++) f(np.ones([n + 1, 1]));
      refs.push(new WeakRef(f));
    })();
    for (let i = 0; i < 20 && refs.some((r) => r.deref()); i++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      gc();
    }
    console.log(refs.map((r) => r.deref() === undefined).join());
  `;
  const run = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--v8-flags=--expose-gc", "--ext=ts", "--no-check", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = run.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { stdout, stderr } = await run.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals(out!.trim(), "true,true", err);
});
