/**
 * Products in a wider dtype than that of the operands: JAX's numbers have no such pair without its 64-bit
 * mode, so that they are held against operands that were converted.
 */
import { linalg, type NDArray, numpy as np } from "../../mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

const x = np.array([[0.1, 0.2, -0.3], [1.5, 2.5, 0.7]]);
const wide = x.astype("float64");
const asked = { preferredElementType: "float64" } as const;

const products: Record<string, (a: NDArray, options?: typeof asked) => NDArray> = {
  dot: (a, options) => np.dot(a, a.transpose(), options),
  matmul: (a, options) => np.matmul(a, a.transpose(), options),
  inner: (a, options) => np.inner(a, a, options),
  vdot: (a, options) => np.vdot(a, a, options),
  tensordot: (a, options) => np.tensordot(a, a, [[0, 1], [0, 1]], options),
  vecdot: (a, options) => np.vecdot(a, a, -1, options),
  convolve: (a, options) => np.convolve(a.at(0), a.at(1), options),
  correlate: (a, options) => np.correlate(a.at(0), a.at(1), options),
  einsum: (a, options) =>
    options === undefined ? np.einsum("ij,kj->ik", a, a) : np.einsum("ij,kj->ik", a, a, options),
};

for (const [name, product] of Object.entries(products)) {
  Deno.test(`${name} is computed in the dtype that is asked for`, () => {
    const out = product(x, asked);
    assertEquals(out.dtype, "float64");
    assertEquals(out.toArray(), product(wide).toArray());
  });

  Deno.test(`${name} refuses a narrower dtype, and one of another kind`, () => {
    for (const dtype of ["float32", "int32"]) {
      assertThrows(
        () => product(wide, { preferredElementType: dtype } as never),
        TypeError,
        `${name}: preferredElementType is ${dtype}`,
      );
    }
  });
}

Deno.test("einsum refuses options that do not exist", () => {
  assertThrows(
    () => np.einsum("i,i->", x.at(0), x.at(0), { dtype: "float64" } as never),
    TypeError,
    "einsum",
  );
});

Deno.test("the trace of matrices is in the dtype that is asked for", () => {
  const trace = linalg.trace(np.array([[1, 2], [3, 4]], { dtype: "int32" }), { dtype: "float64" });
  assertEquals([trace.dtype, trace.item()], ["float64", 5]);
});
