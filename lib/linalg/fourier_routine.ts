/**
 * Discrete Fourier transforms on the CPU: Stockham's algorithm, which needs no permutation, in steps of
 * 4, 2, 3, 5 and whatever primes are left.
 *
 * Before a step, what is left to transform has length `r m`, and element `[q, p, t]` of `[r, m, w]` is
 * number `q m + p` of it, for each of `w` transforms. After it, element `[p, k, t]` of `[m, r, w]` is number
 * p of `r w` transforms of length m. The last axis grows, so that all steps but the first work on vectors.
 *
 * @module
 */
import { type Routine, routine } from "../routine/routine.ts";

/** The sum of `(-x)^k / (first (first + 1) ... )`, from the innermost term on. */
function series(first: number, terms: number): string {
  let text = "1";
  for (let k = terms - 1; k >= 0; k--) {
    const at = first + 2 * k;
    text = `(1 - z * ${1 / (at * (at + 1))} * ${text})`;
  }
  return text;
}

/**
 * The roots of unity `c + i s = exp(-2 pi i k / n)`, to a rounding error: sine and cosine of at most an
 * eighth of a turn, and reflections of these, which are exact.
 */
export const rootsRoutine: Routine = /* @__PURE__ */ routine(() => `
roots(out c: T[n], out s: T[n], n) {
  let known = n / 2 + 1
  if n % 4 == 0 { known = n / 8 + 1 }
  for k in 0..min(known, n) {
    let quarters = 4 * k / n
    let rest = 4 * k - quarters * n
    let beyond = 2 * rest > n
    let x = f64(select(beyond, n - rest, rest)) * ${Math.PI / 2} / f64(n)
    let z = x * x
    let sine = x * ${series(2, 8)}
    let cosine = ${series(1, 9)}
    let a = T(select(beyond, sine, cosine))
    let b = T(select(beyond, cosine, sine))
    if quarters == 0 {
      c[k] = a
      s[k] = 0 - b
    } else if quarters == 1 {
      c[k] = 0 - b
      s[k] = 0 - a
    } else {
      c[k] = 0 - a
      s[k] = b
    }
  }
  if n % 4 == 0 {
    let quarter = n / 4
    for k in 0..n / 8 + 1 {
      let a = c[k]
      let b = s[k]
      c[quarter - k] = 0 - b
      s[quarter - k] = 0 - a
    }
    for k in 0..quarter {
      c[quarter + k] = s[k]
      s[quarter + k] = 0 - c[k]
    }
    for k in 0..2 * quarter {
      c[2 * quarter + k] = 0 - c[k]
      s[2 * quarter + k] = 0 - s[k]
    }
  } else {
    for k in 1..(n + 1) / 2 {
      c[n - k] = c[k]
      s[n - k] = 0 - s[k]
    }
  }
}`);

/** What a step does with elements `x0r + i x0i`, ...: declarations, and real and imaginary parts of results. */
interface Butterfly {
  readonly declared: readonly string[];
  readonly results: readonly (readonly [re: string, im: string])[];
}

// Functions, so that a program without Fourier transforms makes no text of them, and a bundle has none.
const two = (): Butterfly => ({
  declared: [],
  results: [["x0r + x1r", "x0i + x1i"], ["x0r - x1r", "x0i - x1i"]],
});

const three = (): Butterfly => ({
  declared: [
    "ar = x1r + x2r",
    "ai = x1i + x2i",
    "mr = x0r - 0.5 * ar",
    "mi = x0i - 0.5 * ai",
    `dr = (x1r - x2r) * ${Math.sqrt(3) / 2}`,
    `di = (x1i - x2i) * ${Math.sqrt(3) / 2}`,
  ],
  results: [["x0r + ar", "x0i + ai"], ["mr + di", "mi - dr"], ["mr - di", "mi + dr"]],
});

const four = (): Butterfly => ({
  declared: [
    "ar = x0r + x2r",
    "ai = x0i + x2i",
    "br = x0r - x2r",
    "bi = x0i - x2i",
    "cr = x1r + x3r",
    "ci = x1i + x3i",
    "dr = x1r - x3r",
    "di = x1i - x3i",
  ],
  results: [
    ["ar + cr", "ai + ci"],
    ["br + di", "bi - dr"],
    ["ar - cr", "ai - ci"],
    ["br - di", "bi + dr"],
  ],
});

const five = (): Butterfly => {
  const [C1, S1] = [Math.cos(2 * Math.PI / 5), Math.sin(2 * Math.PI / 5)];
  const [C2, S2] = [Math.cos(4 * Math.PI / 5), Math.sin(4 * Math.PI / 5)];
  return {
    declared: [
      ...["r", "i"].flatMap((p) => [
        `a${p} = x1${p} + x4${p}`,
        `b${p} = x2${p} + x3${p}`,
        `u${p} = x1${p} - x4${p}`,
        `v${p} = x2${p} - x3${p}`,
        `m${p} = x0${p} + ${C1} * a${p} - ${-C2} * b${p}`,
        `n${p} = x0${p} - ${-C2} * a${p} + ${C1} * b${p}`,
        `d${p} = ${S1} * u${p} + ${S2} * v${p}`,
        `e${p} = ${S2} * u${p} - ${S1} * v${p}`,
      ]),
    ],
    results: [
      ["x0r + (ar + br)", "x0i + (ai + bi)"],
      ["mr + di", "mi - dr"],
      ["nr + ei", "ni - er"],
      ["nr - ei", "ni + er"],
      ["mr - di", "mi + dr"],
    ],
  };
};

const arrays = `in xr: T[any], in xi: T[any], in c: T[any], in s: T[any],
  out yr: T[any], out yi: T[any]`;

/** A step: one loop for the first elements, whose factors are 1, and one for the others. */
function step(name: string, butterfly: () => Butterfly): Routine {
  return routine(() => stepText(name, butterfly()));
}

function stepText(name: string, { declared, results }: Butterfly): string {
  const r = results.length;
  const numbers = results.map((_, k) => k);
  const loop = (vector: string, turned: boolean): string =>
    `${vector} {
        ${numbers.map((q) => `let x${q}r = xr[from + ${q} * block + t]`).join("\n")}
        ${numbers.map((q) => `let x${q}i = xi[from + ${q} * block + t]`).join("\n")}
        ${declared.map((line) => `let ${line}`).join("\n")}
        ${
      results.map(([re, im], k) =>
        !turned || k === 0
          ? `yr[to + ${k} * w + t] = ${re}
           yi[to + ${k} * w + t] = ${im}`
          : `let y${k}r = ${re}
           let y${k}i = ${im}
           yr[to + ${k} * w + t] = y${k}r * c${k} - y${k}i * s${k}
           yi[to + ${k} * w + t] = y${k}r * s${k} + y${k}i * c${k}`
      ).join("\n")
    }
      }`;
  return `
${name}(${arrays}, m, w, stride) {
  let block = m * w
  for p in 0..m {
    let from = p * w
    let to = ${r} * p * w
    if p == 0 {
      ${loop("vector t in 0..w", false)}
    } else {
      ${
    numbers.slice(1).map((k) =>
      `let c${k} = c[${k} * p * stride]
      let s${k} = s[${k} * p * stride]`
    ).join("\n")
  }
      if w == 1 {
        ${loop("for t in 0..1", true)}
      } else {
        ${loop("vector t in 0..w", true)}
      }
    }
  }
}`;
}

/** A step of any length r, by its definition. */
const other: Routine = /* @__PURE__ */ routine(() => `
other(${arrays}, m, w, stride, r, n) {
  for p in 0..m {
    for k in 0..r {
      let to = (r * p + k) * w
      let first = p * w
      let a = c[k * p * stride]
      let b = s[k * p * stride]
      vector t in 0..w {
        yr[to + t] = xr[first + t] * a - xi[first + t] * b
        yi[to + t] = xr[first + t] * b + xi[first + t] * a
      }
      for q in 1..r {
        let from = (q * m + p) * w
        let at = ((q * k % r) * (n / r) + k * p * stride) % n
        let u = c[at]
        let v = s[at]
        vector t in 0..w {
          yr[to + t] = yr[to + t] + (xr[from + t] * u - xi[from + t] * v)
          yi[to + t] = yi[to + t] + (xr[from + t] * v + xi[from + t] * u)
        }
      }
    }
  }
}`);

/** The least of 4, 2, 3, 5, 7, 9, ... that divides n. */
const factor = (n: string, r: string): string => `
  let ${r} = 5
  if ${n} % 4 == 0 { ${r} = 4 } else if ${n} % 2 == 0 { ${r} = 2 } else if ${n} % 3 == 0 { ${r} = 3 }
  while ${n} % ${r} != 0 { ${r} += 2 }`;

/** One step of length r, whichever that is. */
const next: Routine = /* @__PURE__ */ routine(
  () => `
next(${arrays}, m, w, stride, r, n) {
  if r == 4 { four(xr, xi, c, s, yr, yi, m, w, stride) }
  else if r == 2 { two(xr, xi, c, s, yr, yi, m, w, stride) }
  else if r == 3 { three(xr, xi, c, s, yr, yi, m, w, stride) }
  else if r == 5 { five(xr, xi, c, s, yr, yi, m, w, stride) }
  else { other(xr, xi, c, s, yr, yi, m, w, stride, r, n) }
}`,
  {
    two: /* @__PURE__ */ step("two", two),
    three: /* @__PURE__ */ step("three", three),
    four: /* @__PURE__ */ step("four", four),
    five: /* @__PURE__ */ step("five", five),
    other,
  },
);

/**
 * The sums of `x[j] exp(-2 pi i j k / n)` along the middle axis. Steps go to and fro between the result
 * and the scratch arrays, from the one that lets the last step end in the result.
 */
export const fourierRoutine: Routine = /* @__PURE__ */ routine(
  () => `
fourier(in re: T[count, n, v], in im: T[count, n, v], out yr: T[count, n, v], out yi: T[count, n, v],
        scratch c: T[n], scratch s: T[n], scratch zr: T[n, v], scratch zi: T[n, v], count, n, v) {
  roots(c, s, n)
  let steps = 0
  let rest = n
  while rest > 1 {
    ${factor("rest", "r")}
    rest = rest / r
    steps += 1
  }
  for b in 0..count {
    if steps == 0 {
      vector t in 0..v {
        yr[b, 0, t] = re[b, 0, t]
        yi[b, 0, t] = im[b, 0, t]
      }
    }
    let left = n
    let stride = 1
    for i in 0..steps {
      ${factor("left", "r")}
      let m = left / r
      let w = v * stride
      let back = (steps - i) % 2 == 0
      if i == 0 and back { next(re[b, 0, 0], im[b, 0, 0], c, s, zr, zi, m, w, stride, r, n) }
      else if i == 0 { next(re[b, 0, 0], im[b, 0, 0], c, s, yr[b, 0, 0], yi[b, 0, 0], m, w, stride, r, n) }
      else if back { next(yr[b, 0, 0], yi[b, 0, 0], c, s, zr, zi, m, w, stride, r, n) }
      else { next(zr, zi, c, s, yr[b, 0, 0], yi[b, 0, 0], m, w, stride, r, n) }
      left = m
      stride = stride * r
    }
  }
}`,
  { roots: rootsRoutine, next },
);
