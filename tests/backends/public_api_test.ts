/**
 * The onnx backend on a runtime whose module is not the one that can be driven directly: the same
 * programs on the documented interface. Each test is a process of its own, with an import map that puts
 * another module in the place of that one.
 *
 * @module
 */
import { assert, assertEquals } from "../support/assert.ts";
import { root } from "../support/sources.ts";

/** Runs a program in which `module` stands for the runtime's. */
async function withModule(module: string, program: string): Promise<{ out: string; err: string }> {
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const source = `data:text/javascript,${encodeURIComponent(module)}`;
  imports["onnxruntime-web/ort-wasm-simd-threaded.mjs"] = source;
  imports["injax"] = new URL("mod.ts", root).href;
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/map.json`, JSON.stringify({ imports }));
    await Deno.writeTextFile(`${folder}/main.ts`, program);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--allow-read", "--allow-env", "--no-check", "--no-lock", "--no-config"],
        ...["--import-map", "map.json", "main.ts"],
      ],
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
    assertEquals(code, 0, text(stderr));
    return { out: text(stdout), err: text(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("programs run on the documented interface, with results in flight", async () => {
  const { out, err } = await withModule(
    "export default () => ({})",
    `import { grad, jit, loadBackend, numpy as np, ready, scan } from "injax";
    await loadBackend("onnx");
    const onnx = { backend: "onnx" };
    const f = (x) => scan((c, x) => [np.tanh(c.add(x)), c], np.zeros([]), x);
    const x = np.array([0.5, 1, -2]);
    const [last, all] = jit(f, onnx)(x);
    const read = (g) => { try { return g(); } catch (e) { return e.name; } };
    console.log(read(() => last.item()), last.shape, all.shape);
    const [c, cs] = f(x);
    const close = (a, b) => a.sub(b).abs().max().item() < 1e-6;
    await ready([last, all]);
    console.log(close(last, c), close(all, cs));
    // One after the other, an operation in between, and what is no float.
    const twice = jit((x) => [x.mul(2), x.greater(0), x.astype("int32")], onnx);
    const [y, mask, ints] = twice(twice(x)[0].add(1));
    console.log(JSON.stringify(await Promise.all([y, mask, ints].map(async (a) => [...await a.data()]))));
    const g = jit(grad((x) => f(x)[0]), onnx)(x);
    await ready(g);
    console.log(close(g, grad((x) => f(x)[0])(x)));`,
  );
  assertEquals(out.trim().split("\n"), [
    "InFlightError [] [ 3 ]",
    "true true",
    "[[4,6,-6],[1,1,0],[2,3,-3]]",
    "true",
  ]);
  assert(err.includes('injax: "onnx" runs on onnxruntime-web\'s documented interface'), err);
});
