/**
 * Loading of backends: what is missing is said at `loadBackend`, and nothing else is printed; once it is
 * there, loading works. Each program is a process of its own, with the permissions that it is about.
 *
 * @module
 */
import { notInstalled, VERSION } from "../../lib/backends/ort_package.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { root } from "../support/sources.ts";

interface Outcome {
  readonly out: string[];
  readonly err: string;
}

/** Runs a program with some permissions; it prints lines. */
async function run(program: string, permissions: readonly string[]): Promise<Outcome> {
  const folder = await Deno.makeTempDir();
  try {
    const main = `${folder}/main.ts`;
    await Deno.writeTextFile(main, `${PRELUDE}\n${program}`);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "--no-check", "--config", new URL("deno.json", root).pathname],
        ...permissions,
        main,
      ],
      env: { NO_COLOR: "1" },
    }).output();
    const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).trim();
    return { out: text(stdout).split("\n"), err: text(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const PRELUDE = `
import { jit, loadBackend, numpy as np } from ${JSON.stringify(new URL("mod.ts", root).href)};
const sum = (backend) => jit((x) => x.sum(), { backend })(np.ones([2])).data().then((d) => d[0]);
const attempt = async (f) => {
  try { console.log(await f()); } catch (e) { console.log(e.name + ": " + e.message); }
};
`;

const FILES = {
  onnx: "ort-wasm-simd-threaded.wasm",
  webgpu: "ort-wasm-simd-threaded.asyncify.wasm",
};

Deno.test("jit needs no permission and nothing loaded, and reads no file of onnxruntime", async () => {
  const { out, err } = await run(
    `const f = jit((x) => np.tanh(x).mul(2).sum());
     console.log(f(np.zeros([3])).item());
     await attempt(() => loadBackend("cpu"));
     await attempt(() => sum("cpu"));`,
    [],
  );
  assertEquals(out, ["0", "undefined", "2"]);
  assertEquals(err, "");
});

Deno.test("without permission to read, onnx names the file and the flag, loaded or used", async () => {
  const { out, err } = await run(
    `await attempt(() => loadBackend("onnx"));
     await attempt(() => sum("onnx"));
     await attempt(() => loadBackend("onnx"));`,
    [],
  );
  assertEquals(out.length, 3);
  for (const line of out) {
    assert(/^BackendError: the backend "onnx" cannot be loaded: there is no permission/.test(line));
    assert(line.includes(FILES.onnx) && line.endsWith("run the program with --allow-read"), line);
  }
  assertEquals(err, "");
});

Deno.test("without permission to read, webgpu names the file and the flag, or that there is no GPU", async () => {
  const { out, err } = await run(
    `await attempt(() => loadBackend("webgpu"));
     await attempt(() => sum("webgpu"));`,
    ["--allow-env"],
  );
  assertEquals(out[0], out[1]);
  assert(out[0]!.startsWith('BackendError: the backend "webgpu" cannot be loaded: there is no '));
  assert(
    out[0]!.includes("adapter") ||
      out[0]!.endsWith(`${FILES.webgpu}: run the program with --allow-read`),
  );
  assertEquals(err, "");
});

Deno.test("a wrong place says what is wrong with it, and a right one works after that", async () => {
  const folder = await packageFolder();
  const files: Record<string, (name: string) => Promise<BodyInit | null>> = {
    good: (name) => Deno.readFile(folder + name),
    text: () => Promise.resolve("no WebAssembly"),
  };
  const server = Deno.serve({ port: 0, onListen: () => {} }, async (request) => {
    const [, from, name] = new URL(request.url).pathname.split("/");
    const body = await files[from!]?.(name!);
    const type = name!.endsWith(".mjs") ? "text/javascript" : "application/wasm";
    return body == null
      ? new Response("", { status: 404 })
      : new Response(body, { headers: { "content-type": type } });
  });
  const host = `localhost:${server.addr.port}`;
  try {
    const { out, err } = await run(
      `const at = (url) => attempt(() => loadBackend("onnx", { url }));
       await at("http://${host}/absent/${FILES.onnx}");
       await attempt(() => sum("onnx"));
       await at("file:///nowhere/${FILES.onnx}");
       await at("http://${host}/text/${FILES.onnx}");
       await at("http://${host}/absent/");
       await at("file:///nowhere/");
       await at("a/path");
       await at("http://${host}/good");
       await attempt(() => sum("onnx"));`,
      ["--allow-read", "--allow-net"],
    );
    const why = (line: string): string => line.replace(/^.*cannot be loaded: /, "");
    assertEquals(why(out[0]!), why(out[1]!));
    assertEquals(
      why(out[0]!),
      `http://${host}/absent/${FILES.onnx} answers with status 404; ` +
        "say where the file is with loadBackend(name, { url })",
    );
    assert(why(out[2]!).startsWith(`there is no file file:///nowhere/${FILES.onnx}`), out[2]!);
    assert(
      why(out[3]!).startsWith(`http://${host}/text/${FILES.onnx} is not a WebAssembly module`),
    );
    assert(why(out[4]!).startsWith(`http://${host}/absent/${FILES.onnx} answers with status 404`));
    assert(
      why(out[5]!).startsWith("file:///nowhere/ort-wasm-simd-threaded.mjs cannot be imported"),
    );
    assert(out[6]!.startsWith("TypeError: loadBackend: url must be the URL of a folder"), out[6]!);
    assertEquals(out.slice(7), ["undefined", "2"]);
    assertEquals(err, "");
  } finally {
    await server.shutdown();
  }
});

Deno.test("a folder on the disk gives the module and its file", async () => {
  const { out, err } = await run(
    `await attempt(() => loadBackend("onnx", { url: "file://${await packageFolder()}" }));
     await attempt(() => sum("onnx"));`,
    ["--allow-read"],
  );
  assertEquals(out, ["undefined", "2"]);
  assertEquals(err, "");
});

Deno.test("a backend that loads no files takes no url", async () => {
  const { out } = await run(
    `await attempt(() => loadBackend("interpreter", { url: "file:///files/" }));`,
    [],
  );
  assertEquals(out, ['TypeError: loadBackend: "interpreter" loads no files, so it takes no url']);
});

/** The folder of the package: the file that cannot be read without permission is in it. */
async function packageFolder(): Promise<string> {
  const { out } = await run(`await attempt(() => loadBackend("onnx"));`, []);
  return /(\/\S*\/)ort-wasm/.exec(out[0]!)![1]!;
}

Deno.test("where the package is not installed, the command that installs it is said", () => {
  // As Node 20 and Bun 1.3 say it.
  const cause = Object.assign(
    new Error("Cannot find package 'onnxruntime-web' imported from /app/lib/ort_package.js"),
    { code: "ERR_MODULE_NOT_FOUND" },
  );
  assert(notInstalled(cause)!.message.includes(`npm install onnxruntime-web@${VERSION}`));
  assertEquals(notInstalled(new Error("Cannot find package 'onnxruntime-web'")), null);
  const inside = Object.assign(
    new Error("Cannot find module '/app/node_modules/onnxruntime-web/dist/ort.mjs'"),
    { code: "ERR_MODULE_NOT_FOUND" },
  );
  assertEquals(notInstalled(inside), null);
});
