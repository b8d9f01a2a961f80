/**
 * Bundles for browsers: they need no settings, carry no runtime that they may not use, and compute what
 * the library computes by itself, under the same names.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { VERSION } from "../../lib/backends/ort_package.ts";
import { type Bundle, gzippedPage, LIBRARY, pageProgram, runScript, withSite } from "./site.ts";
import { root } from "../support/sources.ts";

const lib = LIBRARY;

const programs = {
  "eager.js": `
    import { numpy as np } from "${lib}";
    console.log(JSON.stringify(np.array([1, 2]).add(1).toArray()));
  `,
  "compiled.js": `
    import { jit, loadBackend, numpy as np } from "${lib}";
    await loadBackend("onnx");
    console.log(JSON.stringify(jit((x) => np.floor(x).sum())(np.array([1.5, 2.5])).toArray()));
  `,
  "page.js": pageProgram,
  "network.js": `
    import { grad, jit, loadBackend, nn, numpy as np, random, registerPytreeNode } from "${lib}";
    import * as hk from "${lib}/adapters/haiku";
    import { adam, applyUpdates } from "${lib}/optim";
    import { Block as Encoder } from "./encoder.js";
    import { Block as Decoder } from "./decoder.js";
    class Pair { constructor(a, b) { this.a = a; this.b = b; } }
    class Triple { constructor(a, b) { this.a = a; this.b = b; } }
    for (const c of [Pair, Triple]) {
      registerPytreeNode(c, (p) => [{ a: p.a, b: p.b }, null], ({ a, b }) => new c(a, b));
    }
    await loadBackend("onnx");
    const model = hk.transform((x) => {
      const h = new Decoder().call(new Encoder().call(x));
      return new hk.MLP([5, 2]).call(new Encoder().call(h)).add(random.normal(hk.nextRngKey(), [2]));
    });
    const x = np.ones([3, 4]);
    const params = model.init(random.key(7), x);
    const flat = Object.entries(params).flatMap(([m, own]) =>
      Object.entries(own).map(([n, w]) => [m + "/" + n, w.shape, w.ravel().toArray()]));
    const out = model.apply(params, random.key(3), x).toArray();
    const loss = (p) => nn.softmax(model.apply(p, random.key(3), x)).square().sum();
    const gradient = Object.values(grad(loss)(params)).map((own) => own.b.toArray());
    const optimiser = adam(0.1);
    const [updates] = optimiser.update(grad(loss)(params), optimiser.init(params), params);
    const trained = Object.values(applyUpdates(params, updates)).map((own) => own.b.toArray());
    const tree = jit((p) => new Triple(p.b, p.a))(new Pair(np.ones([1]), np.zeros([1])));
    console.log(JSON.stringify({ flat, out, gradient, trained, tree: [tree instanceof Triple, tree.b.toArray()] }));
  `,
  // Two files that call their classes alike: a bundler renames one of them.
  "encoder.js": `
    import { nn } from "${lib}";
    import * as hk from "${lib}/adapters/haiku";
    export class Block extends hk.Module {
      static moduleName = "encoder";
      call(x) { return nn.relu(new hk.Linear(4).call(x)); }
    }
  `,
  "decoder.js": `
    import { numpy as np } from "${lib}";
    import * as hk from "${lib}/adapters/haiku";
    export class Block extends hk.Module {
      static moduleName = "decoder";
      inner = this.submodules(() => new hk.Linear(4));
      call(x) { return np.tanh(this.inner.call(x)); }
    }
  `,
  "nameless.js": `
    import { random } from "${lib}";
    import * as hk from "${lib}/adapters/haiku";
    class Scale extends hk.Module {
      call(x) { return x.mul(hk.getParameter("s", [], { init: hk.initializers.constant(2) })); }
    }
    const model = hk.transform((x) => new Scale().call(x));
    try { console.log(Object.keys(model.init(random.key(0), random.uniform(random.key(1), [2]))).join()); }
    catch (e) { console.log(e.name + ": " + e.message); }
  `,
};

/** Bytes after gzip that a page may load to begin with. */
const LARGEST_PAGE = 130_000;

/** The ways to bundle that matter. */
const ways = [
  { splitting: true, minify: true },
  { splitting: false, minify: true },
  { splitting: false, minify: false },
  // Older browsers: fields and private members become something else. The program awaits at its top.
  { splitting: false, minify: true, target: "es2020", supported: { "top-level-await": true } },
];

function carried(bundle: Bundle): string[] {
  return bundle.files.flatMap((file) => file.inputs.filter((i) => /onnxruntime/.test(i)));
}

/** Variables of a script that stand there once, where they get their values. */
async function unusedValues(path: string): Promise<string[]> {
  const script = await Deno.readTextFile(path);
  const counts = new Map<string, number>();
  for (const [name] of script.matchAll(/[\w$]+/g)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...script.matchAll(/(?<=(?:^|[;{}])var |,)([A-Za-z_$][\w$]{0,2})=(?![=>])/g)]
    .flatMap(([, name]) => counts.get(name!) === 1 ? [name!] : []);
}

Deno.test("a bundle needs no settings, and does not carry onnxruntime", async () => {
  await withSite(programs, async (site) => {
    for (const [name, gives] of [["eager.js", "[2,3]"], ["compiled.js", "3"]] as const) {
      const bundle = await site.bundle(name, ways[0]!);
      assertEquals([bundle.warnings, carried(bundle)], [[], []]);
      assertEquals(await runScript(bundle.entry), gives);
    }
  });
});

Deno.test("a page that computes eagerly and compiles loads what these take, of a size that is watched", async () => {
  await withSite(programs, async (site) => {
    const page = await site.bundle("page.js", { minify: true, splitting: true });
    const bytes = await gzippedPage(page);
    assert(bytes < LARGEST_PAGE, `${bytes} bytes after gzip`);
    const others = page.files.filter(({ name }) => !page.first.some((path) => path.endsWith(name)));
    // Other backends, decompositions and module systems are not among them.
    const carried = page.files.filter((file) => !others.includes(file)).flatMap((f) => f.inputs);
    const unused = /lib\/(backends\/(onnx|ort_|gpu_|webgpu)|linalg\/|lift\/engine|optim)/;
    assertEquals(carried.filter((path) => unused.test(path)), []);
    // Of a file of primitives, those alone that something uses: see `@__PURE__` there.
    const text = (await Promise.all(page.first.map((path) => Deno.readTextFile(path)))).join("\n");
    const records = ["exp", "acosh", "asinh", "atan2", "log1p", "is_finite", "logistic", "erf"];
    assertEquals(records.filter((name) => text.includes(`name:"${name}"`)), ["exp"]);
    // Nor values that nothing uses: a bundler keeps what is computed, as `2 ** 31` or `list.length`.
    assertEquals(await Promise.all(page.first.map(unusedValues)), page.first.map(() => []));
    assertEquals(await runScript(page.entry), "[[2,3],2]");
    for (const { name } of others) await Deno.remove(`${site.folder}/${name}`);
    assertEquals(await runScript(page.entry), "[[2,3],2]");
  });
});

Deno.test("a bundle of each kind has the names, weights and results of the program itself, and no more", async () => {
  await withSite(programs, async (site) => {
    const map = `${site.folder}/map.json`;
    const { imports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
    imports[lib] = new URL("mod.ts", root).href;
    imports[`${lib}/adapters/haiku`] = new URL("adapters/haiku/mod.ts", root).href;
    imports[`${lib}/optim`] = new URL("lib/optim/mod.ts", root).href;
    await Deno.writeTextFile(map, JSON.stringify({ imports }));
    const itself = await runScript(
      `${site.folder}/network.js`,
      "--no-config",
      `--import-map=${map}`,
    );
    const names = (JSON.parse(itself).flat as [string][]).map(([name]) => name);
    assertEquals(names, [
      "encoder/linear/w",
      "encoder/linear/b",
      "decoder/~/linear/w",
      "decoder/~/linear/b",
      "encoder_1/linear/w",
      "encoder_1/linear/b",
      "mlp/~/linear_0/w",
      "mlp/~/linear_0/b",
      "mlp/~/linear_1/w",
      "mlp/~/linear_1/b",
    ]);
    for (const way of ways) {
      const bundle = await site.bundle("network.js", way);
      assertEquals([bundle.warnings, carried(bundle)], [[], []]);
      assertEquals(
        JSON.parse(await runScript(bundle.entry)),
        JSON.parse(itself),
        JSON.stringify(way),
      );
    }
  });
});

Deno.test("the runtime is asked for by the version that the project names", async () => {
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  assertEquals(imports["onnxruntime-web"], `npm:onnxruntime-web@${VERSION}`);
});

Deno.test("a class that a bundler has renamed is told what to add", async () => {
  await withSite(programs, async (site) => {
    const plain = await site.bundle("nameless.js", { minify: false });
    assertEquals(await runScript(plain.entry), "scale");
    const kept = await site.bundle("nameless.js", { minify: true, keepNames: true });
    assertEquals(await runScript(kept.entry), "scale");
    const minified = await site.bundle("nameless.js", { minify: true });
    const told = await runScript(minified.entry);
    assert(/^StateError: hk.Module: .*static moduleName = "my_block"/.test(told), told);
    await assertRejects(() => site.bundle("absent.js", {}), Error);
  });
});
