/** The example with irises: its data, its derivative, its training. */
import { grad, type NDArray, numpy as np, treeMap } from "../../mod.ts";
import { flowers, species } from "../../examples/equilibrium/data.ts";
import {
  correct,
  init,
  loss,
  predict,
  type Report,
  testSet,
  train,
  trainSet,
} from "../../examples/equilibrium/model.ts";
import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";

Deno.test("the flowers have the published means", () => {
  // Of setosa, versicolor and virginica, in cm.
  const means = [[5.006, 3.428, 1.462, 0.246], [5.936, 2.77, 4.26, 1.326], [
    6.588,
    2.974,
    5.552,
    2.026,
  ]];
  species.forEach((name, k) => {
    assertEquals(flowers[name].length, 50);
    const sums = [0, 1, 2, 3].map((i) => flowers[name].reduce((sum, f) => sum + f[i]!, 0));
    assertEquals(sums.map((sum) => sum / 500), means[k]);
  });
});

Deno.test("training tells apart flowers that it has not seen, and reports each step", () => {
  const reports: Report[] = [];
  const params = train(0, 120, (report) => reports.push(report));
  assertEquals(reports.map(({ step }) => step), Array.from({ length: 120 }, (_, i) => i + 1));
  assert(correct(params, testSet) >= 46, `${correct(params, testSet)} of 48`);
  assert(correct(params, trainSet) >= 98, `${correct(params, trainSet)} of 102`);
  const [first, last] = [reports[0]!, reports.at(-1)!];
  assert(last.loss < 0.1 * first.loss, `${first.loss} became ${last.loss}`);
  // The rate warms up for 12 steps, and then falls to nearly 0.
  const rates = reports.map(({ rate }) => rate);
  assertEquals([rates[0], rates.indexOf(Math.max(...rates))], [0, 12]);
  assert(rates.at(-1)! < 1e-4);
  assert(reports.every(({ evaluations }) => evaluations > 2 && evaluations < 40));
  const { solution } = predict(params, testSet.x);
  assertEquals(solution.statusName, "converged", solution.message);
});

Deno.test("the derivative of the loss, through the equilibrium, is that of differences", () => {
  const params = treeMap((x: NDArray) => x.astype("float64"), init(1));
  const sample = { x: testSet.x.astype("float64"), y: testSet.y };
  const implicit = grad((p: typeof params) => loss(p, sample)[0])(params).layer;
  const h = 1e-6;
  const along = (t: number): number => {
    const w = params.layer.w.add(np.eye(8, { dtype: "float64" }).mul(t));
    return loss({ ...params, layer: { ...params.layer, w } }, sample)[0].item();
  };
  const difference = (along(h) - along(-h)) / (2 * h);
  const trace = implicit.w.diagonal().sum().item();
  assert(Math.abs(trace - difference) < 1e-7, `${trace}, ${difference}`);
});

Deno.test("the program trains, and writes a model that names flowers without the library", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const main = new URL("../../examples/equilibrium/main.ts", import.meta.url).pathname;
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--allow-env", "--allow-write", "--config", config, main],
      cwd: folder,
    }).output();
    const text = new TextDecoder().decode(stdout);
    assertEquals(code, 0, text + new TextDecoder().decode(stderr));
    assertStringIncludes(text, "step     loss  learning rate  evaluations");
    assertStringIncludes(text, "Right of those it has not seen: 4");
    const { instantiate } = await import(`file://${folder}/iris.ts`);
    const run = instantiate(await Deno.readFile(`${folder}/iris.wasm`));
    species.forEach((name, k) => {
      const found: number[] = Array.from(run({ flower: flowers[name][2]! }).out);
      assertEquals(found.indexOf(Math.max(...found)), k, `${name}: ${found}`);
      assert(Math.abs(found.reduce((a, b) => a + b) - 1) < 1e-5);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
