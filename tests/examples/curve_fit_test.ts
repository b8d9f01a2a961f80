/** The example with mobilities: certified parameters from both starts, bands that hold the points, its picture. */
import { certified } from "../../examples/curve_fit/data.ts";
import { cubics, data, fitted, type Params, start } from "../../examples/curve_fit/model.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { regressions } from "../solvers/truth/nist.ts";

Deno.test("the data are those of NIST", () => {
  const thurber = regressions.find((p) => p.name === "Thurber")!;
  assertEquals([...data.x.dataSync()], [...thurber.x]);
  assertEquals([...data.y.dataSync()], [...thurber.y]);
  assertEquals([...certified.value], [...thurber.certified]);
});

Deno.test("parameters and deviations are the certified ones, from both starts", () => {
  const near: Params<number> = { b1: 1300, b2: 1500, b3: 500, b4: 75, b5: 1, b6: 0.4, b7: 0.05 };
  for (const from of [start, near]) {
    const fit = fitted(from);
    assertEquals(fit.solution.statusName, "converged");
    certified.value.forEach((value, k) => {
      const name = `b${k + 1}` as keyof Params;
      assert(Math.abs(fit.value[name].item() / value - 1) < 1e-9, name);
      const deviation = fit.standardErrors[name].item() / certified.deviation[k]!;
      assert(Math.abs(deviation - 1) < 1e-7, name);
    });
    assertEquals(fit.degreesOfFreedom.item(), 30);
    // b1 is nearly the only one that the points at 0 know; the others are tied to each other.
    assert(fit.report().includes("b1") && fit.report().includes("correlation of b2 and b5"));
  }
});

Deno.test("the bands hold the points, and the picture shows all of them", () => {
  const fit = fitted();
  const { y, confidence, prediction } = fit.predict(data.x);
  assertEquals([...y.dataSync()], [...cubics(fit.value, data.x).dataSync()]);
  const [low, high] = [prediction.lower.dataSync(), prediction.upper.dataSync()];
  const inside = [...data.y.dataSync()].filter((v, i) => v > low[i]! && v < high[i]!).length;
  assert(inside >= 34, `${inside} of 37`); // 95 % are 35
  const [narrow, wide] = [confidence, prediction].map((b) => b.upper.sub(b.lower).dataSync());
  assert([...narrow!].every((w, i) => w < wide![i]!));
  const svg = fit.plot({ title: "Thurber" });
  assertEquals(svg.match(/<circle/g)?.length, 37);
  assertEquals(svg.match(/<polygon/g)?.length, 2);
  assert(!/NaN|Infinity/.test(svg));
});
