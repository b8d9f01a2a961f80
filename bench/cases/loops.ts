/**
 * Loops over arithmetic: Newton's method for Kepler's equation on a million elements, where a step is
 * much work, and loops over next to nothing, where what counts is what a step costs besides.
 *
 * @module
 */
import { type DType, foriLoop, type NDArray, numpy as np, scan, whileLoop } from "../../mod.ts";
import { injax, jaxJs, plain, tfjs, type Work } from "../entries.ts";
import type { Case } from "../harness.ts";
import { noise, noise64 } from "../problems.ts";

// ---------------------------------------------------------------- Kepler's equation

const COUNT = 1e6;
const NEWTON_STEPS = 10;
const anomalies = (): Float64Array => noise64(COUNT, 31, 6);
/** Between 0.05 and 0.55. */
const eccentricities = (): Float64Array => noise64(COUNT, 32, 0.5).map((e) => e + 0.3);

function kepler(dtype: DType): () => NDArray[] {
  return () => [anomalies(), eccentricities()].map((x) => np.array(x, { dtype }));
}

/** `E - (E - e sin E - M) / (1 - e cos E)` */
const newton = (m: NDArray, e: NDArray, E: NDArray): NDArray =>
  E.sub(E.sub(e.mul(np.sin(E))).sub(m).div(e.mul(np.cos(E)).neg().add(1)));

const looped: Work["f"] = (m, e) => [foriLoop(0, NEWTON_STEPS, (_, E) => newton(m!, e!, E), m!)];

const unrolled: Work["f"] = (m, e) => {
  let E = m!;
  for (let k = 0; k < NEWTON_STEPS; k++) E = newton(m!, e!, E);
  return [E];
};

function keplerPlain(array: typeof Float32Array | typeof Float64Array) {
  return () => {
    const [m, e] = [array.from(anomalies()), array.from(eccentricities())];
    const out = new array(COUNT);
    return () => {
      for (let i = 0; i < COUNT; i++) {
        let E = m[i]!;
        for (let k = 0; k < NEWTON_STEPS; k++) {
          E -= (E - e[i]! * Math.sin(E) - m[i]!) / (1 - e[i]! * Math.cos(E));
        }
        out[i] = E;
      }
      return [out];
    };
  };
}

const keplerTitle = "Kepler's equation, 10 steps of Newton's method on 1e6 elements";

const keplers: readonly Case[] = [
  {
    name: "kepler-f32",
    title: `${keplerTitle}, float32, a loop`,
    entries: [
      ...injax({ args: kepler("float32"), f: looped, keep: true }),
      plain(keplerPlain(Float32Array)),
    ],
  },
  {
    name: "kepler-unrolled",
    title: `${keplerTitle}, float32, written out`,
    entries: [
      ...injax({ args: kepler("float32"), f: unrolled, keep: true }),
      jaxJs(({ numpy: np }) => [
        np.array(Float32Array.from(anomalies())),
        np.array(Float32Array.from(eccentricities())),
      ], ({ numpy: np }, m, e) => {
        let E = m!.ref;
        for (let k = 0; k < NEWTON_STEPS; k++) {
          const residual = E.ref.sub(e!.ref.mul(np.sin(E.ref))).sub(m!.ref);
          const slope = e!.ref.mul(np.cos(E.ref)).mul(-1).add(1);
          E = E.sub(residual.div(slope));
        }
        m!.dispose();
        e!.dispose();
        return [E];
      }, { keep: true }),
      tfjs((tf) => [
        tf.tensor(Float32Array.from(anomalies()), [COUNT]),
        tf.tensor(Float32Array.from(eccentricities()), [COUNT]),
      ], (_, m, e) => {
        let E = m!;
        for (let k = 0; k < NEWTON_STEPS; k++) {
          E = E.sub(E.sub(e!.mul(E.sin())).sub(m!).div(e!.mul(E.cos()).mul(-1).add(1)));
        }
        return [E];
      }, true),
    ],
  },
  {
    name: "kepler-f64",
    title: `${keplerTitle}, float64, written out`,
    entries: [
      ...injax({ args: kepler("float64"), f: unrolled, keep: true, tolerance: 1e-12 }),
      plain(keplerPlain(Float64Array), 1e-12),
    ],
  },
];

// ---------------------------------------------------------------- steps over next to nothing

const WHILE_STEPS = 1000;
const int = (v: number): NDArray => np.array(v, { dtype: "int32" });

/** Forty operations on a number and a vector of three, as a step of a solver has them. */
const small: Work["f"] = (v) =>
  whileLoop(([k]) => k.less(WHILE_STEPS), ([k, a, x]) => {
    let [s, y] = [a, x];
    for (let i = 0; i < 10; i++) {
      s = s.mul(0.9).add(0.05);
      y = y.mul(s).add(x.mul(0.1));
    }
    return [k.add(1), s.add(y.mul(y).sum().mul(1e-3)), y.mul(0.5).add(0.1)];
  }, [int(0), np.array(0.3), v!] as [NDArray, NDArray, NDArray]).slice(1);

function smallPlain(): () => Float64Array[] {
  return () => {
    let a = 0.3;
    const x = Float64Array.of(0.1, 0.2, 0.3);
    const y = new Float64Array(3);
    for (let k = 0; k < WHILE_STEPS; k++) {
      y.set(x);
      for (let i = 0; i < 10; i++) {
        a = a * 0.9 + 0.05;
        for (let j = 0; j < 3; j++) y[j] = y[j]! * a + x[j]! * 0.1;
      }
      let squares = 0;
      for (let j = 0; j < 3; j++) squares += y[j]! * y[j]!;
      a += squares * 1e-3;
      for (let j = 0; j < 3; j++) x[j] = y[j]! * 0.5 + 0.1;
    }
    return [Float64Array.of(a), x];
  };
}

const SCAN_STEPS = 10_000;
const inputs = (): Float32Array<ArrayBuffer> => noise(SCAN_STEPS, 33, 1e-3);

const recurrence: Work["f"] = (c) => [
  scan((c: NDArray) => [c.mul(0.999).add(0.001), null], c!, null, { length: SCAN_STEPS })[0],
];

const filter: Work["f"] = (c, xs) => [
  scan((c: NDArray, x: NDArray) => [c.mul(0.999).add(x), null], c!, xs!)[0],
];

const small40: readonly Case[] = [
  {
    name: "while-small",
    title: "whileLoop of 1,000 steps of 40 operations on a number and three numbers",
    entries: [
      ...injax({ args: () => [np.array([0.1, 0.2, 0.3])], f: small }),
      plain(smallPlain),
    ],
  },
  {
    name: "scan-10000",
    title: "scan of 10,000 steps of a multiplication and an addition",
    entries: [
      ...injax({ args: () => [np.array(0.5)], f: recurrence }),
      plain(() => () => {
        let c = 0.5;
        for (let k = 0; k < SCAN_STEPS; k++) c = Math.fround(Math.fround(c * 0.999) + 0.001);
        return [[c]];
      }),
    ],
  },
  {
    name: "scan-inputs",
    title: "the same over 10,000 inputs",
    entries: [
      ...injax({ args: () => [np.array(0.5), np.array(inputs())], f: filter }),
      plain(() => {
        const xs = inputs();
        return () => {
          let c = 0.5;
          for (let k = 0; k < SCAN_STEPS; k++) c = Math.fround(Math.fround(c * 0.999) + xs[k]!);
          return [[c]];
        };
      }),
    ],
  },
];

/** All of them. */
export const loopCases: readonly Case[] = [...keplers, ...small40];
