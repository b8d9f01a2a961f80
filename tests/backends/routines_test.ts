/**
 * Long calls of routines in eager code run in WebAssembly, and give what they give in JavaScript.
 *
 * @module
 */
import "../../mod.ts";
import { wasmRoutine } from "../../lib/backends/eager.ts";
import { routine } from "../../lib/routine/routine.ts";
import { assert, assertEquals } from "../support/assert.ts";

const twice = routine(`
twice(in x: T[n], out y: T[n], out places: i32[n], scratch w: T[n], n) {
  vector i in 0..n { w[i] = x[i] + x[i] }
  for i in 0..n {
    y[i] = w[n - 1 - i]
    places[i] = n - 1 - i
  }
}`);

Deno.test("arrays of a long call go to WebAssembly and back, whatever their sizes", () => {
  const run = wasmRoutine(twice, "float64")!;
  for (const n of [0, 1, 3, 70000, 5, 200001]) {
    const x = Float64Array.from({ length: n }, (_, i) => i);
    const [y, places] = [new Float64Array(n), new Int32Array(n)];
    assert(run([x, y, places], [n]));
    assertEquals(y, x.map((_, i) => 2 * (n - 1 - i)));
    assertEquals(places, Int32Array.from(y, (v) => v / 2));
  }
});

Deno.test("a call that would take too much memory is left to JavaScript", () => {
  const huge = routine("huge(out y: T[1], scratch w: T[n], n) { y[0] = T(n) }");
  assertEquals(wasmRoutine(huge, "float64")!([new Float64Array(1)], [2 ** 28]), false);
});

Deno.test("long calls do what others do", () => {
  for (const n of [2, 3000]) {
    const x = Float32Array.from({ length: n }, (_, i) => i % 7);
    const results = (["run", "runLong"] as const).map((how) => {
      const outs = [new Float32Array(n), new Int32Array(n)];
      twice[how]("float32", [x, ...outs], n);
      return outs;
    });
    assertEquals(results[0], results[1]);
  }
});
