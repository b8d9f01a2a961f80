/**
 * Arrays without the zeros at their ends: the shape depends on values, so that no compiled function has it.
 */
import { jit, numpy as np } from "../../mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

Deno.test("trimZeros leaves out zeros in front, behind, or both", () => {
  const x = np.array([0, 0, 1, 0, 2, 0]);
  assertEquals(np.trimZeros(x).toArray(), [1, 0, 2]);
  assertEquals(np.trimZeros(x, "f").toArray(), [1, 0, 2, 0]);
  assertEquals(np.trimZeros(x, "B").toArray(), [0, 0, 1, 0, 2]);
  assertEquals(np.trimZeros(x, "").toArray(), x.toArray());
  assertEquals(np.trimZeros(np.zeros([3])).shape, [0]);
});

Deno.test("trimZeros trims the axes of a matrix, or one of them", () => {
  const x = np.array([[0, 0, 0], [0, 3, 0], [0, NaN, 0]]);
  assertEquals(np.trimZeros(x).toArray(), [[3], [NaN]]);
  assertEquals(np.trimZeros(x, "fb", 0).shape, [2, 3]);
  assertEquals(np.trimZeros(x, "b", -1).shape, [3, 2]);
});

Deno.test("trimZeros says that it needs values", () => {
  assertThrows(
    () => jit((x) => np.trimZeros(x))(np.ones([2])),
    TypeError,
    "trimZeros: the shape of the result depends on values",
  );
  assertThrows(() => np.trimZeros(np.ones([2]), "x"), TypeError, 'trim must be "f", "b" or "fb"');
});

Deno.test("polymul and polydiv leave out zeros in front where asked to", () => {
  const [p, q] = [np.array([0, 0, 1, 2]), np.array([0, 3])];
  assertEquals(np.polymul(p, q, { trimLeadingZeros: true }).toArray(), [3, 6]);
  assertEquals(np.polymul(p, q).toArray(), [0, 0, 0, 3, 6]);
  assertEquals(
    np.polymul(np.zeros([2]), np.zeros([2]), { trimLeadingZeros: true }).toArray(),
    [0],
  );
  const divided = np.polydiv(np.array([1, 0, -1]), np.array([1, -1]), { trimLeadingZeros: true });
  assertEquals(divided.map((c) => c.toArray()), [[1, 1], []]);
});
