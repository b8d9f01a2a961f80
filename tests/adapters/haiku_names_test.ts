/**
 * Names of modules by their classes: fixed names, and classes whose names a bundler may have changed.
 * That real bundles keep names is tested in `tests/bundles`.
 *
 * @module
 */
import { type NDArray, numpy as np, random, StateError } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

type ModuleClass = new (name?: string) => hk.Module;

/** The class that some JavaScript evaluates to, as a bundler may have written it. */
function classOf(text: string): ModuleClass {
  return new Function("Module", `${text}`)(hk.Module);
}

/** The name of an instance. */
function nameOf(made: ModuleClass, name?: string): string {
  let found = "";
  hk.transform(() => {
    found = new made(name).moduleName;
    return 0;
  }).init(null);
  return found;
}

Deno.test("a module is named after its class as the author wrote it", () => {
  const table: readonly [string, string][] = [
    ["class ResidualBlock extends Module {} return ResidualBlock", "residual_block"],
    ["class MLP extends Module {} return MLP", "mlp"],
    ["class GRUCell extends Module {} return GRUCell", "gru_cell"],
    ["class ResNet50 extends Module {} return ResNet50", "res_net50"],
    ["class Conv2D extends Module {} return Conv2D", "conv2_d"],
    ["const Net = class extends Module {}; return Net", "net"],
    ["return class extends Module {}", "module"],
    // What esbuild makes of a class that names itself.
    ["var _Block = class _Block extends Module {}; let Block = _Block; return Block", "block"],
  ];
  for (const [text, name] of table) assertEquals(nameOf(classOf(text)), name, text);
});

Deno.test("a class that a bundler may have renamed needs a name that stays", () => {
  const texts = [
    "class a extends Module{call(){}} return a",
    "var t=class extends Module{};return t",
    "class Xt extends Module {} return Xt",
    "class abc extends Module{call(){}} return abc",
    "var abc=class extends Module{call(){}};return abc",
    "return class extends Module{call(){}}",
    "var Block2 = class extends Module {}; return Block2",
    "class Block$1 extends Module {} return Block$1",
    "class Block_1 extends Module {} return Block_1",
  ];
  for (const text of texts) {
    const error = assertThrows(() => nameOf(classOf(text)), StateError, "hk.Module", text);
    assert(/static moduleName = "my_block"/.test(error.message), error.message);
    assertEquals(nameOf(classOf(text), "given"), "given");
    const fixed = classOf(
      `const made = (() => { ${text} })(); made.moduleName = "enc"; return made`,
    );
    assertEquals(nameOf(fixed), "enc");
  }
});

Deno.test("a class's static moduleName names its modules, and not those of derived classes", () => {
  class Encoder extends hk.Module {
    static readonly moduleName = "enc";
    call(x: NDArray): NDArray {
      return new hk.Linear(2).call(x);
    }
  }
  class WideEncoder extends Encoder {}
  class Dense extends hk.Linear {}
  const model = hk.transform((x: NDArray) =>
    new Dense(3).call(new WideEncoder().call(new Encoder("first").call(new Encoder().call(x))))
  );
  const params = model.init(random.key(1), np.ones([2]));
  assertEquals(Object.keys(params), [
    "enc/linear",
    "first/linear",
    "wide_encoder/linear",
    "dense",
  ]);
  for (const bad of [3, "", "a/b", "__proto__"]) {
    const made = class Bad extends hk.Module {};
    Object.defineProperty(made, "moduleName", { value: bad });
    assertThrows(() => nameOf(made), StateError, "the static moduleName of class Bad is");
  }
  const unicode = class Größe extends hk.Module {};
  assertThrows(() => nameOf(unicode), StateError, 'static moduleName = "my_block"');
});

Deno.test("methods of two classes of one name have names of their own", () => {
  // Minifiers give a class and its base one name where each has a scope of its own.
  const bases = classOf(`
    return (() => { return class Layer extends Module { call(x) { return this.make(x); } } })()
  `);
  const text =
    "return class Layer extends Module { call(x) { return super.call(super.call(x)); } }";
  const derived = new Function("Module", text)(bases) as typeof bases;
  Object.assign(bases.prototype, {
    make(x: NDArray): NDArray {
      return new hk.Linear(2).call(x);
    },
  });
  const model = hk.transform((x: NDArray) =>
    (new derived() as unknown as { call(x: NDArray): NDArray }).call(x)
  );
  const params = model.init(random.key(1), np.ones([2]));
  assertEquals(Object.keys(params), ["layer/~make/linear"]);
});
