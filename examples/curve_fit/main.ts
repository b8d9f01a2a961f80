/**
 * Fits a curve to measurements of NIST, compares it with what NIST certifies, asks what would be measured in between,
 * and draws it with its bands: `thurber.svg`, in the current folder.
 *
 * @module
 */
import { numpy as np } from "@injax/injax";
import { certified } from "./data.ts";
import { fitted, type Params } from "./model.ts";

const fit = fitted();
console.log(fit.report());

console.log("\n      certified    deviation");
certified.value.forEach((value, k) => {
  const name = `b${k + 1}` as keyof Params;
  const [found, error] = [fit.value[name].item(), fit.standardErrors[name].item()];
  const digits = -Math.log10(Math.abs(found / value - 1));
  const cells = [value.toPrecision(11), certified.deviation[k]!.toPrecision(6)];
  const match = Math.abs(error / certified.deviation[k]! - 1) < 1e-6
    ? ""
    : ", the deviation is not";
  console.log(`  ${name}  ${cells.join("  ")}  right to ${digits.toFixed(1)} digits${match}`);
});

const { y, confidence, prediction } = fit.predict(np.array([0.5], { dtype: "float64" }));
const between = (b: typeof confidence): string =>
  `${b.lower.item().toFixed(1)} to ${b.upper.item().toFixed(1)}`;
console.log(`\nMobility at 0.5: ${y.item().toFixed(1)}`);
console.log(`  the curve, 95 %: ${between(confidence)}`);
console.log(`  a measurement, 95 %: ${between(prediction)}`);

const picture = fit.plot({
  title: "Electron mobility (NIST, Thurber)",
  xLabel: "logarithm of density",
  yLabel: "mobility",
});
Deno.writeTextFileSync("thurber.svg", picture);
console.log(`Wrote thurber.svg (${picture.length} bytes)`);
