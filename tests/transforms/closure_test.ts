/**
 * Derivative rules, roots and linear solves that close over traced values of enclosing transforms
 * compute what they do where those values are arguments.
 *
 * @module
 */
import {
  checkpoint,
  ConcretizationError,
  cond,
  customJvp,
  customLinearSolve,
  customRoot,
  customVjp,
  fixedPoint,
  foriLoop,
  grad,
  hessian,
  jit,
  jvp,
  map,
  type NDArray,
  numpy as np,
  scan,
  switchCase,
  vmap,
} from "../../mod.ts";
import { InternalError } from "../../lib/core/errors.ts";
import { arr, assertClose } from "../support/arrays.ts";
import { assert, assertThrows } from "../support/assert.ts";

type G = (p: NDArray, s: NDArray) => NDArray;

/** The rules give what no true derivative gives, so that it shows whether they were asked. */
const slope = (p: NDArray, s: NDArray): NDArray => np.cos(p).mul(s).mul(p);

/** Each function closing over `s`, and with `s` as an argument. */
const pairs: Readonly<Record<string, readonly [closing: G, explicit: G]>> = {
  "a jvp rule": [
    (p, s) =>
      customJvp((p: NDArray) => np.sin(p), ([p], [t]) => [np.sin(p!), slope(p!, s).mul(t!)])(p),
    (p, s) =>
      customJvp(
        (p: NDArray, _: NDArray) => np.sin(p),
        ([p, s], [t]) => [np.sin(p!), slope(p!, np.stopGradient(s!)).mul(t!)],
      )(p, s),
  ],
  "a backward rule": [
    (p, s) =>
      customVjp(
        (p: NDArray) => np.sin(p),
        (p: NDArray) => [np.sin(p), p] as const,
        (p: NDArray, ct: NDArray) => [slope(p, s).mul(ct)],
      )(p),
    (p, s) =>
      customVjp(
        (p: NDArray, _: NDArray) => np.sin(p),
        (p: NDArray, s: NDArray) => [np.sin(p), [p, s]] as const,
        ([p, s]: readonly NDArray[], ct: NDArray) => [slope(p!, s!).mul(ct), null],
      )(p, s),
  ],
  "both rules of reverse mode": [
    (p, s) => {
      const twice = s.mul(2);
      return customVjp(
        (p: NDArray) => np.sin(p),
        (p: NDArray) => [np.sin(p), [p.mul(twice), p]] as const,
        ([r, p]: readonly NDArray[], ct: NDArray) => [np.cos(p!).mul(r!).mul(s).mul(ct)],
      )(p);
    },
    (p, s) =>
      customVjp(
        (p: NDArray, _: NDArray) => np.sin(p),
        (p: NDArray, s: NDArray) => [np.sin(p), [p, s]] as const,
        ([p, s]: readonly NDArray[], ct: NDArray) => [
          np.cos(p!).mul(p!.mul(s!.mul(2))).mul(s!).mul(ct),
          null,
        ],
      )(p, s),
  ],
  "a rule in a rule": [
    (p, s) => {
      const inner = customJvp(
        (p: NDArray) => np.sin(p),
        ([p], [t]) => [np.sin(p!), slope(p!, s).mul(t!)],
      );
      return customJvp(
        (p: NDArray) => inner(p).mul(p),
        ([p], [t]) => {
          const [y, dy] = jvp((p: NDArray) => inner(p).mul(p), [p!], [t!]);
          return [y, dy.mul(s)];
        },
      )(p);
    },
    (p, s) => {
      const inner = customJvp(
        (p: NDArray, _: NDArray) => np.sin(p),
        ([p, s], [t]) => [np.sin(p!), slope(p!, np.stopGradient(s!)).mul(t!)],
      );
      return customJvp(
        (p: NDArray, s: NDArray) => inner(p, s).mul(p),
        ([p, s], [t]) => {
          const held = np.stopGradient(s!);
          const [y, dy] = jvp((p: NDArray) => inner(p, held).mul(p), [p!], [t!]);
          return [y, dy.mul(held)];
        },
      )(p, s);
    },
  ],
  "a rule in a rule, over whose arguments it closes": [
    (p, s) =>
      customJvp((p: NDArray) => np.sin(p), ([p], [t]) => {
        const inner = customJvp(
          (q: NDArray) => q.mul(2),
          ([q], [u]) => [q!.mul(2), slope(p!, s).mul(u!)],
        );
        return [np.sin(p!), np.cos(inner(p!)).mul(s).mul(t!)];
      })(p),
    (p, s) =>
      customJvp((p: NDArray, _: NDArray) => np.sin(p), ([p, s], [t]) => {
        const inner = customJvp(
          (q: NDArray, _p: NDArray, _s: NDArray) => q.mul(2),
          ([q, p, s], [u]) => [q!.mul(2), slope(p!, s!).mul(u!)],
        );
        return [np.sin(p!), np.cos(inner(p!, p!, s!)).mul(s!).mul(t!)];
      })(p, s),
  ],
  "a rule of which a rule in it alone": [
    (p, s) =>
      customJvp((p: NDArray) => np.sin(p), ([p], [t]) => {
        const inner = customJvp(
          (q: NDArray) => q.mul(2),
          ([q], [u]) => [q!.mul(2), slope(q!, s).mul(u!)],
        );
        return [np.sin(p!), np.cos(inner(p!)).mul(t!)];
      })(p),
    (p, s) =>
      customJvp((p: NDArray, _: NDArray) => np.sin(p), ([p, s], [t]) => {
        const inner = customJvp(
          (q: NDArray, _: NDArray) => q.mul(2),
          ([q, s], [u]) => [q!.mul(2), slope(q!, s!).mul(u!)],
        );
        return [np.sin(p!), np.cos(inner(p!, s!)).mul(t!)];
      })(p, s),
  ],
  "a rule in a loop in a rule": [
    (p, s) =>
      customJvp((p: NDArray) => np.sin(p), ([p], [t]) => {
        const looped = (p: NDArray): NDArray =>
          scan(
            (c: NDArray) => {
              const inner = customVjp(
                (q: NDArray) => np.sin(q),
                (q: NDArray) => [np.sin(q), q] as const,
                (q: NDArray, ct: NDArray) => [np.cos(q).mul(np.stopGradient(c)).mul(ct)],
              );
              return [inner(c).mul(s), null];
            },
            p,
            null,
            { length: 2 },
          )[0];
        return [np.sin(p!), grad((p: NDArray) => looped(p).sum())(p!).mul(t!)];
      })(p),
    (p, s) =>
      customJvp((p: NDArray, _: NDArray) => np.sin(p), ([p, s], [t]) => {
        const inner = customVjp(
          (q: NDArray, _: NDArray) => np.sin(q),
          (q: NDArray, c: NDArray) => [np.sin(q), [q, c]] as const,
          ([q, c]: readonly NDArray[], ct: NDArray) => [np.cos(q!).mul(c!).mul(ct), null],
        );
        const step = (c: NDArray): NDArray => inner(c, np.stopGradient(c)).mul(s!);
        return [np.sin(p!), grad((p: NDArray) => step(step(p)).sum())(p!).mul(t!)];
      })(p, s),
  ],
};

/** Ways to run a function under a transform whose values it closes over. */
const around: Readonly<Record<string, (g: G) => G>> = {
  nothing: (g) => g,
  jit: (g) => jit(g, { backend: "interpreter" }),
  checkpoint: (g) => checkpoint(g),
  "a scan": (g) => (p, s) =>
    scan((c: NDArray, u: NDArray) => [g(c, u), c.mul(u)], p, np.stack([s, s.mul(0.5)]))[0],
  "a foriLoop": (g) => (p, s) => foriLoop(0, 2, (i, c: NDArray) => g(c, s.add(i)), p),
  "a map": (g) => (p, s) => map((u: NDArray) => g(p.mul(u), u), np.stack([s, s.mul(0.5)])).sum(0),
  "a branch": (g) => (p, s) =>
    cond(p.sum().greater(-9), (q: NDArray) => g(q, s), (q: NDArray) => q, p),
  "one of three branches": (g) => (p, s) =>
    switchCase(
      p.sum().greater(-9).astype("int32"),
      [(q: NDArray) => q, (q: NDArray) => g(q, s), (q: NDArray) => q.mul(2)],
      p,
    ),
  "vmap over both": (g) => (p, s) =>
    vmap(g)(np.stack([p, p.mul(2)]), np.stack([s, s.add(1)])).sum(0),
  "vmap over what is held": (g) => (p, s) =>
    vmap((u: NDArray) => g(p, u))(np.stack([s, s.add(1)])).sum(0),
  "vmap over the argument": (g) => (p, s) =>
    vmap((q: NDArray) => g(q, s))(np.stack([p, p.mul(2)])).sum(0),
};

const p = arr([0.4, -0.3]);
const s = arr([1.3, 0.7]);

for (const [what, [closing, explicit]] of Object.entries(pairs)) {
  for (const [where, run] of Object.entries(around)) {
    Deno.test(`${what} may close over values of ${where}`, () => {
      for (
        const outer of [(g: G): G => g, around.jit!, around["a scan"]!, around["vmap over both"]!]
      ) {
        const loss = (g: G) => (p: NDArray, s: NDArray) => outer(run(g))(p, s).sum();
        const [f, want] = [loss(closing), loss(explicit)];
        assertClose(f(p, s), want(p, s));
        const expected = grad(want)(p, s);
        assertClose(grad(f)(p, s), expected);
        assertClose(jit(grad(f))(p, s), expected);
        assertClose(vmap(grad(f))(np.stack([p, p]), np.stack([s, s])).at(1), expected);
        const twice = (g: G) => grad((q: NDArray) => grad(g)(q, s).mul(s).sum());
        assertClose(twice(f)(p), twice(want)(p));
        assertClose(jit(twice(f))(p), twice(want)(p));
        // By what is held, the rules say nothing, so that is as where they say zero.
        assertClose(
          grad(f, { argnums: [0, 1] })(p, s),
          grad(want, { argnums: [0, 1] })(p, s),
        );
      }
    });
  }
}

Deno.test("a program compiled before it was differentiated keeps what its rules close over", () => {
  for (const [what, [closing, explicit]] of Object.entries(pairs)) {
    const f = jit(closing, { backend: "interpreter" });
    const inner = jit((p: NDArray, s: NDArray) => f(p, s.mul(2)), { backend: "interpreter" });
    assertClose(inner(p, s), explicit(p, s.mul(2)));
    const want = grad((p: NDArray) => explicit(p, s.mul(2)).sum())(p);
    assertClose(grad((p: NDArray) => inner(p, s).sum())(p), want, undefined, what);
    assertClose(grad((p: NDArray) => inner(p, s).sum())(p), want, undefined, what);
    assertClose(grad((p: NDArray) => f(p, s.mul(2)).sum())(p), want, undefined, what);
    assertClose(inner(p, s), explicit(p, s.mul(2)));
  }
});

Deno.test("a program made of programs compiled before keeps what their rules close over", () => {
  for (const [what, [closing, explicit]] of Object.entries(pairs)) {
    const f = jit(closing, { backend: "interpreter" });
    assertClose(f(p, s), explicit(p, s));
    const outer = jit((p: NDArray, s: NDArray) => f(p, s).mul(2), { backend: "interpreter" });
    assertClose(outer(p, s), explicit(p, s).mul(2));
    const want = grad((p: NDArray) => explicit(p, s).mul(2).sum())(p);
    assertClose(grad((p: NDArray) => outer(p, s).sum())(p), want, undefined, what);
  }
});

Deno.test("what a backward rule closes over has derivatives of second order", () => {
  const [closing, explicit] = pairs["a backward rule"]!;
  const mixed = (g: G) => grad((s: NDArray) => grad((p: NDArray) => g(p, s).sum())(p).sum())(s);
  assertClose(mixed(closing), mixed(explicit));
  assertClose(mixed(jit(closing)), mixed(explicit));
  assertClose(mixed(closing), np.cos(p).mul(p));
  const twice = (g: G) => hessian((p: NDArray) => g(p, s).sum())(p);
  assertClose(twice(jit(closing)), twice(explicit));
});

Deno.test("rules that close over nothing traced may look at values, under grad too", () => {
  const seen: number[] = [];
  const f = customVjp(
    (p: NDArray) => np.sin(p),
    (p: NDArray) => [np.sin(p), p] as const,
    (p: NDArray, ct: NDArray) => {
      seen.push(p.item());
      return [ct.mul(p.item() > 0 ? 2 : 3)];
    },
  );
  assertClose(grad(f)(arr(0.5)), arr(2));
  assertClose(grad(f)(arr(-0.5)), arr(3));
  assert(seen.includes(0.5) && seen.includes(-0.5));
});

Deno.test("a rule that fails is reported by derivatives, as it was thrown, and by nothing else", () => {
  const failure = new RangeError("no derivative here");
  const fail = (): never => {
    throw failure;
  };
  const functions = {
    "a jvp rule": customJvp((p: NDArray) => np.sin(p), fail),
    "a forward rule": customVjp((p: NDArray) => np.sin(p), fail, (_: NDArray, ct) => [ct]),
    "a backward rule": customVjp((p: NDArray) => np.sin(p), (p: NDArray) => [np.sin(p), p], fail),
  };
  for (const [what, f] of Object.entries(functions)) {
    for (const g of [f, jit(f, { backend: "interpreter" })]) {
      assertClose(vmap(g)(p), np.sin(p), undefined, what);
      for (const h of [grad((p: NDArray) => g(p).sum()), vmap(grad(g))]) {
        assert(assertThrows(() => h(p), RangeError) === failure, what);
      }
    }
  }
});

Deno.test("a rule that looks at values has them, though what it is told of it is an error of its own", () => {
  const steep = (p: NDArray): boolean => {
    try {
      return p.item() > 0;
    } catch (cause) {
      throw new Error("whether it is steep is not known", { cause });
    }
  };
  const f = customJvp(
    (p: NDArray) => np.sin(p),
    ([p], [t]) => [np.sin(p!), t!.mul(steep(p!) ? 2 : 3)],
  );
  assertClose(grad(f)(arr(0.5)), arr(2));
  assertClose(grad(f)(arr(-0.5)), arr(3));
});

Deno.test("an inconsistency inside of the library, met while a rule is recorded, is not kept back", () => {
  const broken = customJvp((p: NDArray) => np.sin(p), () => {
    throw new InternalError("broken");
  });
  assertThrows(() => vmap(broken)(p), InternalError, "broken");
});

Deno.test("a function with a rule may not close over what is differentiated: the rule knows nothing of it", () => {
  const f = (p: NDArray, s: NDArray): NDArray =>
    customJvp((p: NDArray) => p.mul(s), ([p], [t]) => [p!.mul(s), t!])(p).sum();
  assertThrows(() => grad(f, { argnums: 1 })(p, s), Error, "Pass the value as an argument");
});

Deno.test("roots and linear solves may close over traced values in every function", () => {
  const root: G = (p, s) =>
    customRoot(
      (x: NDArray) => x.mul(s).sub(p),
      np.zeros([2], { dtype: "float64" }),
      (f: (x: NDArray) => NDArray, x: NDArray) => x.sub(f(x).div(s)),
      (g: (x: NDArray) => NDArray, y: NDArray) => y.div(g(np.onesLike(y))).mul(s).div(s),
    ) as NDArray;
  const linear: G = (p, s) =>
    customLinearSolve(
      (x: NDArray) => x.mul(s),
      p,
      (_: unknown, b: NDArray) => b.div(s),
      { transposeSolve: (_: unknown, b: NDArray) => b.div(s) },
    ) as NDArray;
  const fixed: G = (p, s) =>
    fixedPoint((x: NDArray) => x.mul(np.cos(s).mul(0.1)).add(p.div(s)), np.zerosLike(p), {
      rtol: 1e-14,
      atol: 1e-14,
    }).value.mul(np.cos(s).mul(-0.1).add(1));
  const exact: G = (p, s) => p.div(s);
  for (const [name, g] of Object.entries({ root, linear, fixed })) {
    for (const [where, run] of Object.entries(around)) {
      const loss = (g: G) => (p: NDArray, s: NDArray) => run(g)(p, s).square().sum();
      const both = { argnums: [0, 1] } as const;
      const want = grad(loss(exact), both)(p, s);
      const tolerance = name === "fixed" ? 1e-10 : undefined;
      assertClose(grad(loss(g), both)(p, s), want, tolerance);
      assertClose(jit(grad(loss(g), both))(p, s), want, tolerance);
      assertClose(grad(jit(loss(g)), both)(p, s), want, tolerance, `${name} in ${where}`);
    }
  }
});

Deno.test("rules in rules are run about as often as they are deep, not twice as often for each", () => {
  let runs = 0;
  const nested = (depth: number, s: NDArray): (x: NDArray) => NDArray => {
    if (depth === 0) return (x) => np.sin(x);
    return customJvp(
      (x: NDArray) => nested(depth - 1, s)(x).mul(2),
      ([x], [t]) => {
        runs++;
        const [y, dy] = jvp(nested(depth - 1, x!), [x!], [t!]);
        return [y.mul(2), dy.mul(s)];
      },
    );
  };
  const f = (x: NDArray): NDArray => nested(10, x)(x);
  for (const g of [grad(f), grad(jit(f, { backend: "interpreter" })), grad(grad(f))]) {
    runs = 0;
    g(np.array(0.3));
    assert(runs > 0 && runs <= 100, `${runs} runs of rules that are 10 deep`);
  }
});

Deno.test("functions with rules may look at values, where these are known", () => {
  const isPositive = (x: NDArray): boolean => Boolean(x.greater(0).item());
  const f = (x: NDArray): NDArray => isPositive(x) ? np.sin(x) : np.cos(x);
  const forward: (x: NDArray) => NDArray = customJvp(f, ([x], [t]) => [
    forward(x),
    t.mul(isPositive(x) ? 2 : 3),
  ]);
  const backward: (x: NDArray) => NDArray = customVjp(
    f,
    (x) => [backward(x), x],
    (x, g) => [g.mul(isPositive(x) ? 2 : 3)],
  );
  for (const g of [forward, backward]) {
    for (const [x, y, slope] of [[2, Math.sin(2), 2], [-2, Math.cos(2), 3]] as const) {
      assertClose(g(arr(x)), y);
      assertClose(grad(g)(arr(x)), slope);
      // d/dx (x g)' = d/dx (g + x g')
      assertClose(grad(grad((x: NDArray) => x.mul(g(x))))(arr(x)), 2 * slope);
    }
    for (const run of [jit(g), vmap(g)]) {
      assertThrows(() => run(arr([1, 2])), ConcretizationError, "item()");
    }
  }
});
