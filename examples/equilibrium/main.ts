/**
 * Trains an equilibrium model on Fisher's irises, shows how that goes, and tests it with flowers that it has not seen.
 * Writes the trained model to the current folder: `iris.wasm` and `iris.ts`, which need no library.
 *
 * @module
 */
import { exportWasmWith, type NDArray, numpy as np } from "@injax/injax";
import { showProgress } from "../progress.ts";
import { species } from "./data.ts";
import { chances, correct, predict, testSet, train, trainSet } from "./model.ts";

const steps = 200;
const begun = performance.now();

console.log("step     loss  learning rate  evaluations");
const params = train(0, steps, ({ step, loss, evaluations, rate }) => {
  showProgress(step, steps, `step ${step}, loss ${loss.toFixed(4)}`);
  if (step !== 1 && step % 25 !== 0) return;
  const cells = [
    String(step).padStart(4),
    loss.toFixed(4).padStart(8),
    rate.toFixed(4).padStart(14),
    String(evaluations).padStart(12),
  ];
  console.log(cells.join(" "));
});

const [learned, known] = [correct(params, trainSet), correct(params, testSet)];
console.log(`Right of those it learned from: ${learned} of ${trainSet.x.shape[0]}`);
console.log(`Right of those it has not seen: ${known} of ${testSet.x.shape[0]}`);
console.log(predict(params, testSet.x).solution.report());

const name = "iris";
const files = exportWasmWith(
  { name, argumentNames: ["flower"] },
  (flower: NDArray) => chances(params, flower),
  np.zeros([4]),
);
Deno.writeFileSync(`${name}.wasm`, files.wasm);
Deno.writeTextFileSync(`${name}.ts`, files.typescript);
console.log(
  `Wrote ${name}.wasm (${files.wasm.length} bytes) and ${name}.ts: chances of ${
    species.join(", ")
  }`,
);
console.log(`Done in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
if (known < 46) {
  console.error("Fewer than 46 right: the bar for this data");
  Deno.exit(1);
}
