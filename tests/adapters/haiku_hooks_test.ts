/**
 * What users put round entries and methods: creators, getters, setters, interceptors; entries that are
 * not stored; state that is a tree; what is listed at a point.
 *
 * @module
 */
import { type NDArray, numpy as np, random, StateError } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { plain } from "../support/arrays.ts";

const key = random.key(7);
const x = np.array([1, 2]);
const zeros = hk.initializers.constant(0);
const one = hk.initializers.constant(1);
const param = (): NDArray => hk.getParameter("w", [], { init: one });

Deno.test("creators make initial values: the outermost first, each may skip the next", () => {
  const seen: string[] = [];
  const creator =
    (tag: string, value: number | null): hk.Creator => (next, shape, dtype, init, c) => {
      seen.push(
        `${tag} ${c.fullName} ${c.moduleName} ${c.name} ${c.originalShape} ${c.originalDtype}`,
      );
      return value === null ? next(shape, dtype, init) : np.full(shape, value, { dtype });
    };
  const f = (a: hk.Creator, b: hk.Creator) =>
    hk.transform(() => hk.customCreator(a, () => hk.customCreator(b, param)));
  assertEquals(plain(f(creator("a", null), creator("b", null)).init(null)), { "~": { w: 1 } });
  assertEquals(seen.splice(0), ["a ~/w ~ w  float32", "b ~/w ~ w  float32"]);
  assertEquals(plain(f(creator("a", 5), creator("b", 6)).init(null)), { "~": { w: 5 } });
  assertEquals(seen.splice(0).length, 1);
  assertEquals(plain(f(creator("a", null), creator("b", 6)).init(null)), { "~": { w: 6 } });
  // An entry that exists is not made.
  seen.length = 0;
  assertEquals(
    plain(f(creator("a", 5), creator("b", 6)).apply({ "~": { w: np.array(3) } }, null)),
    3,
  );
  assertEquals(seen, []);
});

Deno.test("creators may change shape, dtype and initialiser, and make other parameters", () => {
  const factored: hk.Creator = (_next, shape, dtype, init) => {
    const [n, m] = shape as [number, number];
    const u = hk.getParameter("u", [n, 1], { dtype, init });
    return u.mul(hk.getParameter("v", [1, m], { dtype, init }));
  };
  const model = hk.transform(() =>
    hk.customCreator(
      (next, shape, dtype, init, c) =>
        c.name === "w" ? factored(next, shape, dtype, init, c) : next(shape, dtype, init),
      () => hk.getParameter("w", [2, 3], { init: hk.initializers.constant(2) }),
    )
  );
  const params = model.init(null);
  assertEquals(plain(params), {
    "~": { u: [[2], [2]], v: [[2, 2, 2]], w: [[4, 4, 4], [4, 4, 4]] },
  });
  const transposed = hk.transform(() =>
    hk.customCreator(
      (next, shape, dtype, init) => next([...shape].reverse(), dtype, init),
      () =>
        hk.customGetter(
          (next, value) => next(value.transpose()),
          () => hk.getParameter("w", [2, 3], { init: one }),
        ),
    )
  );
  const stored = transposed.init(null);
  assertEquals(stored["~"]!.w!.shape, [3, 2]);
  assertEquals(transposed.apply(stored, null).shape, [2, 3]);
});

Deno.test("creators and getters are for parameters, state or both", () => {
  const calls: string[] = [];
  const run = (options?: hk.HookOptions): string[] => {
    calls.length = 0;
    hk.transformWithState(() =>
      hk.customCreator(
        (
          next,
          shape,
          dtype,
          init,
          { name },
        ) => (calls.push(`create ${name}`), next(shape, dtype, init)),
        () =>
          hk.customGetter(
            (next, value, { name }) => (calls.push(`get ${name}`), next(value)),
            () => [param(), hk.getState("s", [], { init: zeros })],
            options,
          ),
        options,
      )
    ).init(null);
    return [...calls];
  };
  assertEquals(run(), ["create w", "get w"]);
  assertEquals(run({ params: false, state: true }), ["create s", "get s"]);
  assertEquals(run({ state: true }), ["create w", "get w", "create s", "get s"]);
  assertThrows(() => run({ params: false }), StateError, "it is for params, state or both");
  assertThrows(
    () => hk.customCreator((n, s, d, i) => n(s, d, i), () => 0),
    StateError,
    "hk.transform",
  );
});

Deno.test("getters change what is read, not what is stored; the outermost first", () => {
  const model = hk.transform(() =>
    hk.customGetter(
      (next, value) => next(value.add(1)),
      () => hk.customGetter((next, value) => next(value.mul(10)), param),
    )
  );
  const params = model.init(null);
  assertEquals(plain(params), { "~": { w: 1 } });
  assertEquals(model.apply(params, null).item(), 20);
  const wrong = hk.transform(() => hk.customGetter(() => np.ones([3]), param));
  assertThrows(() => wrong.init(null), Error, "~/w has shape [3], but [] was asked for");
  const none = hk.transform(() => hk.customGetter(() => null as unknown as NDArray, param));
  assertThrows(() => none.init(null), StateError, "the getters of ~/w gave no array");
});

Deno.test("what DO_NOT_STORE is returned for is not stored, and a getter gives it", () => {
  const unstored = (f: () => NDArray): NDArray =>
    hk.customCreator(
      (_n, _s, _d, _i, { name }) => name === "w" ? hk.DO_NOT_STORE : _n(_s, _d, _i),
      f,
    );
  const given = hk.transform(() =>
    unstored(() =>
      hk.customGetter(
        (next, value, { originalShape, name }) =>
          name === "w" ? np.full(originalShape!, 4) : next(value),
        () => param().add(hk.getParameter("v", [], { init: one })),
      )
    )
  );
  const params = given.init(null);
  assertEquals(plain(params), { "~": { v: 1 } });
  assertEquals(given.apply(params, null).item(), 5);
  assertThrows(
    () => hk.transform(() => unstored(param)).init(null),
    StateError,
    "hk.getParameter: ~/w is not stored (DO_NOT_STORE): give it by a getter, hk.customGetter",
  );
  const state = hk.transformWithState(() => {
    hk.customSetter((next, value) => value.ndim === 0 ? hk.DO_NOT_STORE : next(value), () => {
      hk.setState("scalar", 3);
      hk.setState("vector", x);
    });
    return 0;
  });
  assertEquals(plain(state.init(null)[1]), { "~": { vector: [1, 2] } });
});

Deno.test("setters change what is stored, the outermost first", () => {
  const seen: unknown[] = [];
  const model = hk.transformWithState(() => {
    hk.customSetter(
      (
        next,
        value,
        { fullName, originalShape },
      ) => (seen.push(fullName, originalShape), next(value.add(1))),
      () => hk.customSetter((next, value) => next(value.mul(10)), () => hk.setState("n", 2)),
    );
    return hk.getState("n");
  });
  assertEquals(model.apply({}, {}, null)[0].item(), 30);
  assertEquals(seen, ["~/n", []]);
});

Deno.test("interceptors see each method of each module, and may change all of it", () => {
  const calls: string[] = [];
  class Base extends hk.Module {
    call(x: NDArray): NDArray {
      return this.twice(x);
    }
    twice(x: NDArray): NDArray {
      return x.mul(2);
    }
  }
  class Derived extends Base {
    override call(x: NDArray): NDArray {
      return super.call(x).add(1);
    }
    get w(): NDArray {
      return param();
    }
  }
  const log: hk.Interceptor = (next, args, { module, methodName, origClass }) => {
    calls.push(`${module.moduleName} ${methodName} ${origClass.name} ${args.length}`);
    return next(...args);
  };
  const model = hk.transform((x: NDArray) =>
    hk.interceptMethods(log, () => {
      const m = new Derived();
      return m.call(x).add(m.w);
    })
  );
  assertEquals(plain(model.apply(model.init(null, x), null, x)), [4, 6]);
  assertEquals(calls.slice(calls.length / 2), [
    "derived call Derived 1",
    "derived call Base 1",
    "derived twice Base 1",
    "derived w Derived 0",
  ]);
  // The outermost is first; one may skip the rest.
  const order: string[] = [];
  const tagged = (tag: string, skip: boolean): hk.Interceptor => (next, args, { origMethod }) => {
    order.push(tag);
    return skip ? origMethod(...args) : next(...args);
  };
  const nested = hk.transform((x: NDArray) =>
    hk.interceptMethods(
      tagged("b", true),
      () => hk.interceptMethods(tagged("c", false), () => new hk.Linear(1).call(x)),
    )
  );
  const init = (): unknown => hk.interceptMethods(tagged("a", false), () => nested.init(key, x));
  init();
  assertEquals(order.splice(0), ["a", "b"]);
  nested.init(key, x);
  assertEquals(order.splice(0), ["b"]);
  assertThrows(
    () =>
      hk.interceptMethods(log, () => {
        throw new Error("mine");
      }),
    Error,
    "mine",
  );
  calls.length = 0;
  nested.init(key, x);
  assertEquals(calls, []);
});

Deno.test("what is put in force decides which compiled program is right", () => {
  const t = hk.transforms;
  class Block extends hk.Module {
    call(x: NDArray): NDArray {
      return x.mul(param());
    }
  }
  let traces = 0;
  const ten: hk.Getter = (next, value) => next(value.mul(10));
  const step = t.jit((x: NDArray) => (traces++, new Block("b").call(x)), {
    backend: "interpreter",
  });
  const model = hk.transform((x: NDArray) => {
    hk.transforms.initialize(() => new Block("b").call(x));
    return hk.nameScope("s", () => [step(x), hk.customGetter(ten, () => step(x))] as const)
      .map((y) => y.sum().item());
  });
  const params = { "s/b": { w: np.array(1) }, b: { w: np.array(1) }, "s/b_1": { w: np.array(1) } };
  assertEquals(model.apply(params, null, x) as unknown, [3, 30]);
  const before = traces;
  assertEquals(model.apply(params, null, x) as unknown, [3, 30]);
  assertEquals(traces, before);
});

Deno.test("handlers hold inside lifted transforms, and where initial values are made", () => {
  const t = hk.transforms;
  const model = hk.transform((x: NDArray) =>
    hk.customCreator(
      (_n, shape) => np.full(shape, 3),
      () =>
        hk.customGetter((next, value) => next(value.mul(2)), () =>
          t.scan(
            (c: NDArray) => [t.checkpoint((c: NDArray) => c.mul(param()))(c), null],
            x,
            null,
            {
              length: 2,
            },
          )[0]),
    )
  );
  const params = model.init(null, x);
  assertEquals(plain(params), { "~": { w: 3 } });
  assertEquals(plain(model.apply(params, null, x)), [36, 72]);
});

Deno.test("state may be any tree of arrays", () => {
  type Moments = { readonly mean: NDArray; readonly counts: readonly NDArray[] };
  const model = hk.transformWithState((x: NDArray) => {
    const before = hk.getState("m", [2], {
      init: (shape): Moments => ({
        mean: np.zeros(shape),
        counts: [np.array(0, { dtype: "int32" })],
      }),
    });
    hk.setState("m", { mean: before.mean.add(x), counts: [before.counts[0]!.add(1)] });
    return before.mean;
  });
  const [params, state] = model.init(null, x);
  assertEquals(plain(state), { "~": { m: { mean: [0, 0], counts: [0] } } });
  const [, after] = model.apply(params, state, null, x);
  const [out, last] = model.apply(params, after, null, x);
  assertEquals(plain([out, last]), [[1, 2], { "~": { m: { mean: [2, 4], counts: [2] } } }]);
  // In loops as well; numbers take the dtypes of what they replace.
  const loop = hk.transformWithState(() => {
    hk.setState("pair", { a: np.array(0, { dtype: "int32" }), b: np.array(1) });
    return hk.transforms.foriLoop(0, 3, (_, n) => {
      const { a, b } = hk.getState<{ a: NDArray; b: NDArray }>("pair");
      hk.setState("pair", { a: a.add(1), b: b.mul(2) });
      return n.add(a);
    }, np.array(0, { dtype: "int32" }));
  });
  const [sum, end] = loop.apply({}, {}, null);
  assertEquals(plain([sum, end]), [3, { "~": { pair: { a: 3, b: 8 } } }]);
  const numbers = hk.transformWithState(() => {
    hk.setState("pair", { a: 7, b: 0.5 });
    return hk.getState<{ a: NDArray }>("pair").a.dtype;
  });
  assertEquals(numbers.apply({}, end, null)[0] as unknown, "int32");
  const bad = hk.transformWithState(() => (hk.setState("s", { a: "text" }), 0));
  assertThrows(
    () => bad.init(null),
    StateError,
    'hk.setState: the value of ~/s holds the string "text", not an array',
  );
  assertThrows(
    () => model.apply(params, { "~": { m: { a: 3 } } } as never, null, x),
    StateError,
    "~.m holds number 3",
  );
});

Deno.test("parameters and state are listed as they are at a point", () => {
  const model = hk.transformWithState((x: NDArray) => {
    const before = Object.keys(hk.getParams());
    const linear = new hk.Linear(1);
    linear.call(x);
    hk.setState("n", hk.getState("n", [], { init: zeros }).add(1));
    return [before, plain(hk.getCurrentState()), plain(hk.getInitialState())];
  });
  const [params, state] = model.init(key, x);
  assertEquals(plain(state), { "~": { n: 0 } });
  const [seen] = model.apply(params, { "~": { n: np.array(4) } }, null, x);
  assertEquals(seen as unknown, [["linear"], { "~": { n: 5 } }, { "~": { n: 4 } }]);
});
