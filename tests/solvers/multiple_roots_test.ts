/** `rootFind` where roots are not simple, lie at 0, or are no roots to the precision of each equation. */
import {
  broyden,
  jit,
  type NDArray,
  newton,
  numpy as np,
  rootFind,
  type Stepper,
} from "../../mod.ts";
import { assert, assertEquals } from "../support/assert.ts";

const dtypes = ["float64", "float32"] as const;
/** Equations of the unknowns, which are scalars. */
const system = (f: (...x: NDArray[]) => NDArray[]) => (v: NDArray): NDArray =>
  np.stack(f(...Array.from({ length: v.size }, (_, i) => v.at(i))));

/** Where, how far from the root an answer may be beside the start, and in how many evaluations. */
const multiple: Record<string, [ReturnType<typeof system>, number[], number[], number]> = {
  "x^2": [system((x) => [x!.square()]), [1], [0], 80],
  "x sin x": [system((x) => [x!.mul(np.sin(x!))]), [1], [0], 80],
  "the root of x, which is infinitely steep at 0": [
    system((x) => [np.sign(x!).mul(np.sqrt(np.abs(x!)))]),
    [0.7],
    [0],
    80,
  ],
  // Decker and Kelley, "Newton's method at singular points", SIAM J. Numer. Anal. 17 (1980).
  "Decker's and Kelley's system": [
    system((
      x,
      y,
    ) => [x!.add(x!.mul(y!)).add(y!.square()), x!.square().sub(x!.mul(2)).add(y!.square())]),
    [0.1, 0.1],
    [0, 0],
    55,
  ],
  "(x - 1) (1, y - 2), where all y solve": [
    system((x, y) => [x!.sub(1), y!.sub(2).mul(x!.sub(1))]),
    [3, 5],
    [1, 5],
    5,
  ],
  "1 - cos x, from where a step leads to 0 exactly": [
    system((x) => [np.cos(x!).neg().add(1)]),
    [3],
    [0],
    5,
  ],
};

for (const [name, [f, x0, root, most]] of Object.entries(multiple)) {
  Deno.test(`a multiple root ends as one: ${name}`, () => {
    for (const dtype of dtypes) {
      for (const unit of [1, 2 ** 20]) {
        const start = np.array(x0, { dtype }).mul(unit);
        const solve = jit((x: NDArray) =>
          rootFind(
            (v) => f(v.div(unit)).mul(unit),
            x,
            name.startsWith("1 - cos") ? { solver: newton() } : {},
          )
        );
        const s = solve(start);
        assertEquals(s.statusName, "converged", s.message);
        assert(s.steps.item() <= most, s.message);
        [...s.value.dataSync()].forEach((x, i) =>
          assert(
            Math.abs(x / unit - root[i]!) < (dtype === "float32" ? 1e-5 : 1e-10),
            `${x / unit}`,
          )
        );
      }
    }
  });
}

Deno.test("what dies out is no root, though it is 0 where numbers end", () => {
  const falls = [
    (x: NDArray) => np.exp(x.square().neg()).mul(x),
    (x: NDArray) => np.exp(x.neg()),
    (x: NDArray) => np.div(1, x.square()),
  ];
  // Newton's method as one's own: the loop says when it ends.
  const plain: Stepper<null> = {
    description: "plain Newton",
    init: () => null,
    step: (x, r, memory, local) => [x.sub(r.div(local.jacobian().reshape([1]))), memory],
  };
  for (const solver of [newton(), broyden(), plain]) {
    for (const dtype of dtypes) {
      for (const f of falls) {
        const solve = jit((x: NDArray) => rootFind(f, x, { solver }));
        // From 0.5 a secant leads far into a tail at once; Newton's method to 0, which is a root of the first.
        for (const start of [2, 0.5, 0.6]) {
          const s = solve(np.array([start], { dtype }));
          const root = f === falls[0] && start < 1 && Math.abs(s.value.item()) < 1e-5;
          assertEquals(s.converged && !root, false, s.message);
        }
      }
      // A long step to a root is one to a root.
      const line = rootFind((x: NDArray) => x.sub(100), np.array([1], { dtype }), { solver });
      assertEquals(line.statusName, "converged", line.message);
      assert(line.evaluations.f.item() <= 8, line.message);
      const cubic = (x: NDArray) => x.pow(3).sub(x).sub(2);
      const s = rootFind(cubic, np.array([1.5], { dtype }), { solver });
      assertEquals(s.statusName, "converged", s.message);
    }
  }
});

Deno.test("the concentrations of phosphoric acid are claimed only if each equation holds", () => {
  // Equilibria, the total, and the charges with 0.15 mol/l of sodium: the amounts differ by up to 10^5.
  const f = system((h, a, b, c, d, oh) => [
    h!.mul(a!).sub(b!.mul(0.0071)),
    h!.mul(c!).sub(a!.mul(6.3e-8)),
    h!.mul(d!).sub(c!.mul(4.2e-13)),
    a!.add(b!).add(c!).add(d!).sub(0.1),
    h!.mul(oh!).sub(1e-14),
    h!.sub(oh!).sub(a!).sub(c!.mul(2)).sub(d!.mul(3)).add(0.15),
  ]);
  // By mpmath, 40 digits.
  const known = [
    6.2999824213717931e-8,
    0.04999954174958043,
    4.436566677450730e-7,
    0.04999968126161334,
    3.333321384935701e-7,
    1.587306016295605e-7,
  ];
  for (const dtype of dtypes) {
    const start = np.array([1e-7, 0.05, 1e-8, 0.05, 1e-7, 1e-7], { dtype });
    const s = jit((x: NDArray) => rootFind(f, x))(start);
    const error = Math.max(...known.map((k, i) => Math.abs(s.value.dataSync()[i]! / k - 1)));
    assert(dtype === "float32" || s.converged, s.message);
    assert(!s.converged || error < (dtype === "float32" ? 1e-3 : 1e-10), `${error}, ${s.message}`);
  }
});
