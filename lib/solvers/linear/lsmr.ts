/**
 * LSMR (Fong and Saunders, SIAM J. Sci. Comput. 33, 2011): least squares by products.
 *
 * A problem of least squares is a symmetric system, `r + A x = b, A^T r - damp^2 x = 0`, and as such it is
 * differentiated. Where A has not the full rank, it has more solutions, and the change of the shortest has a part along
 * what A takes to 0, which that does not tell: it is that of the shortest s with `A s = A x`, which is x, by another
 * such system, `s + A^T y = 0, A s = A x`. Of both systems' derivatives no right-hand side is 0.
 *
 * @module
 */
import {
  checkCall,
  ConcreteArray,
  epsilon,
  type NDArray,
  type OptionTable,
  scalarArray,
} from "../../core/mod.ts";
import {
  and,
  div,
  full,
  isFinite,
  lt,
  maximum,
  not,
  or,
  scalarLike,
  select,
  stopGradient,
  zerosLike,
} from "../../primitives/mod.ts";
import type { Transforms } from "../../transforms/types.ts";
import { norm, plainNorm } from "../norms.ts";
import { statusCode } from "../solution.ts";
import { constant, joined, part } from "./form.ts";
import {
  counted,
  type Cycle,
  ended,
  hypotenuse,
  quotient,
  recorded,
  rounding,
  unitOf,
} from "./gmres.ts";
import {
  derived,
  type LinearLimits,
  type LinearMethod,
  type LinearOutcome,
  type LinearProblem,
  type LinearReport,
  once,
  whole,
} from "./method.ts";

/** Options of `lsmr`. */
export interface LsmrOptions {
  /** Adds `damp^2 |x|^2` to what is made small (default 0). */
  readonly damp?: number | undefined;
}

const lsmrOptions: OptionTable<LsmrOptions> = { damp: "number" };

/** A map by its products. */
interface Products {
  readonly rows: number;
  readonly columns: number;
  apply(v: NDArray): NDArray;
  pull(u: NDArray): NDArray;
}

/**
 * LSMR: least squares of operators of any shape by products with them and their transposes. Of several
 * solutions it finds the shortest. Derivatives are right where the rank does not change.
 *
 * @throws {RangeError} where `damp` is negative.
 *
 * @example
 * ```ts
 * import { linearSolve, lsmr, numpy as np } from "@injax/injax";
 *
 * const a = np.array([[1, 1], [1, 2], [1, 3]]);
 * const line = linearSolve(a, np.array([1, 2, 4]), { solver: lsmr() });
 * console.log(np.round(line.value.mul(6)).toArray()); // [ -4, 9 ]
 * ```
 */
export function lsmr(options: LsmrOptions = {}): LinearMethod {
  if (arguments.length > 0) checkCall("lsmr(options)", arguments, lsmrOptions);
  const { damp = 0 } = options;
  if (!(damp >= 0 && damp < Infinity)) {
    throw new RangeError(`lsmr: damp must be a finite number that is not negative, not ${damp}`);
  }
  return once({
    description: damp === 0 ? "LSMR" : `LSMR (damp ${damp})`,
    solves: "leastSquares",
    direct: false,
    refuses: {
      preconditioner:
        "is for operators of any shape, and knows of no inverse to come near to. Scale the unknowns: " +
        "solve with a.compose(m), and apply m to the value",
    },
    factor: () => null,
    solve(problem) {
      const { apply, pull, form, transposed, b, start, history, limits, derivatives, transforms } =
        problem;
      const [rows, columns] = transposed ? [form.columns, form.rows] : [form.rows, form.columns];
      if (start !== null && rows < columns && damp === 0) {
        throw new TypeError(
          "linearSolve: lsmr() finds the shortest solution of an operator with fewer rows than columns, wherever " +
            "it begins. Leave x0 out, or solve a x = b - a x0 for the solution next to x0",
        );
      }
      const { x, report } = system(
        problem,
        { rows, columns, apply, pull },
        damp,
        { r: b, x: full([columns], 0, b.dtype) },
        (map, { r: f }) => {
          const { x, ...report } = shortest(map, f, damp, limits, { start, history }, transforms);
          return [{ r: f.sub(map.apply(x)), x }, report];
        },
        null,
      );
      // Code that runs at once takes no derivatives; with a damp there is no other solution.
      if (damp > 0 || x instanceof ConcreteArray) return { ...report, x };
      const [own, still] = [stopGradient(x), constant(form, transforms)];
      const [forth, back] = transposed ? [still.pull, still.apply] : [still.apply, still.pull];
      const across: Products = {
        rows: columns,
        columns: rows,
        apply: (u) => back(u, transforms),
        pull: (v) => forth(v, transforms),
      };
      const y = shortest(across, own, 0, derivatives.limits, noStart, transforms);
      const { r: held } = system(
        problem,
        { rows: columns, columns: rows, apply: pull, pull: apply },
        0,
        { r: zerosLike(x), x: apply(x) },
        () => [{ r: own, x: y.x.neg() }, report],
        y.status,
      );
      return { ...report, x: held };
    },
  });
}

/** Where to begin, and whether norms are kept. */
type About = Pick<LinearProblem<null>, "start" | "history">;

const noStart: About = { start: null, history: false };

/** The unknowns, or the sides, of a system: one that is read alone is computed alone. */
type Both = Readonly<Record<"r" | "x", NDArray>>;
type Solved = readonly [Both, LinearReport];

/**
 * The solution of `r + B x = f, B^T r - damp^2 x = g` that `solve` finds for the sides f and g, whose derivatives are had
 * by LSMR, where what they rest on was `reached`, too.
 */
function system(
  { derivatives, transforms }: Pick<LinearProblem<null>, "derivatives" | "transforms">,
  { rows: p, columns: q, apply, pull }: Products,
  damp: number,
  side: Both,
  solve: (map: Products, side: Both) => Solved,
  reached: NDArray | null,
): Both & { readonly report: LinearReport } {
  const square = scalarArray(damp * damp, side.r.dtype);
  const matvec = ({ r, x }: Both): Both => {
    const back = pull(r);
    return { r: r.add(apply(x)), x: damp === 0 ? back : back.sub(x.mul(square)) };
  };
  const none = (n: number): NDArray => full([n], 0, side.r.dtype);
  const mapOf = (matvec: (z: Both) => Both): Products => ({
    rows: p,
    columns: q,
    apply: (x) => matvec({ r: none(p), x }).r,
    pull: (r) => matvec({ r, x: none(q) }).x,
  });
  const tangentSolve = (matvec: (z: Both) => Both, { r: f, x: g }: Both): Solved => {
    const [{ r, x }, own] = augmented(mapOf(matvec), damp, f, g, derivatives.limits, transforms);
    const said = reached === null ? own : { ...own, status: maximum(own.status, reached) };
    const what =
      "linearSolve: the problem of least squares of which the derivative is the solution could not be solved: LSMR";
    const z = derived(what, joined(f, g), joined(r, x), said, derivatives);
    return [{ r: part(z, 0, p), x: part(z, p, p + q) }, said];
  };
  const [z, report] = transforms.customLinearSolve(
    matvec as never,
    side,
    ((matvec: (z: Both) => Both, side: Both) => solve(mapOf(matvec), side)) as never,
    { symmetric: true, tangentSolve: tangentSolve as never, hasAux: true },
  ) as unknown as [Both, LinearReport];
  return { ...z, report };
}

/** Solves `r + B x = f, B^T r - damp^2 x = g`. */
function augmented(
  map: Products,
  damp: number,
  f: NDArray,
  g: NDArray,
  limits: LinearLimits,
  transforms: Transforms,
): Solved {
  const { rows: p, columns: q, apply, pull } = map;
  const run = (m: Products, b: NDArray, d: number) =>
    shortest(m, b, d, limits, noStart, transforms);
  const first = run(map, f, damp);
  // y = (B^T B + damp^2)^-1 g, by way of the shortest w with B^T w = g, or B^T w + damp s = g.
  const reversed: Products = damp === 0 ? { rows: q, columns: p, apply: pull, pull: apply } : {
    rows: q,
    columns: p + q,
    apply: (v) => pull(part(v, 0, p)).add(part(v, p, p + q).mul(damp)),
    pull: (u) => joined(apply(u), u.mul(damp)),
  };
  const second = run(reversed, g, 0);
  const third = damp === 0 ? run(map, second.x, 0) : null;
  const y = third === null ? part(second.x, p, p + q).mul(1 / damp) : third.x;
  const x = first.x.sub(y);
  const by = third === null ? apply(y) : second.x;
  const r = f.sub(apply(first.x)).add(by);
  const runs = third === null ? [first, second] : [first, second, third];
  const total = (key: "steps" | "products"): NDArray =>
    runs.map((o) => o[key]).reduce((a, b) => a.add(b));
  // The runs of zeros have converged, with the smallest code.
  const status = runs.map((o) => o.status).reduce(maximum);
  const { x: _, ...rest } = first;
  const report = { ...rest, status, steps: total("steps"), products: total("products") };
  return [{ r, x }, report];
}

/** The shortest x that makes `|B x - b|^2 + damp^2 |x|^2` smallest, in cycles as in `gmres.ts`. */
function shortest(
  map: Products,
  b: NDArray,
  damp: number,
  { rtol, atol, maxSteps }: LinearLimits,
  about: About,
  transforms: Transforms,
): LinearOutcome {
  const { columns, apply, pull } = map;
  const { dtype } = b;
  const code = (s: Parameters<typeof statusCode>[0]): NDArray => whole(statusCode(s));
  const length = norm(b);
  const none = length.equal(0);
  const unit = unitOf(length);
  const right = div(b, unit);
  const bound = div(scalarArray(atol, dtype), unit).add(div(length, unit).mul(rtol));
  const square = scalarArray(damp * damp, dtype);
  const slopeOf = (r: NDArray, x: NDArray): NDArray => pull(r).sub(x.mul(square));
  const begun = begin(
    about.start === null ? null : div(about.start, unit),
    full([columns], 0, dtype),
    right,
    map,
    slopeOf,
  );
  const start = {
    ...begun,
    norms: about.history ? full([maxSteps], NaN, dtype) : null,
    scale: scalarLike(0, length),
    steps: whole(0),
    cycles: whole(0),
    status: select(
      and(isFinite(length), isFinite(begun.slope)),
      select(
        or(begun.slope.equal(0), about.start === null ? none : norm(begun.r).lessEqual(bound)),
        code("converged"),
        maxSteps < 1 ? code("maxSteps") : whole(-1),
      ),
      code("nonfinite"),
    ),
  };
  const end = transforms.whileLoop(
    (c) => c.status.equal(-1),
    (c) => {
      const found = bidiagonal(
        map,
        damp,
        c.r,
        c.x,
        bound,
        rtol,
        whole(maxSteps).sub(c.steps),
        c.norms,
        c.steps,
        transforms,
      );
      const next = c.x.add(found.d);
      const r = right.sub(apply(next));
      const s = slopeOf(r, next);
      const slope = norm(s);
      const better = slope.less(c.slope);
      const x = select(better, next, c.x);
      const rest = select(better, r, c.r);
      const least = select(better, slope, c.slope);
      const size = norm(rest);
      const account = counted(c, found, size);
      const { scale, steps } = account;
      const floor = rounding(norm(x).mul(scale), roundings);
      const stuck = not(slope.less(c.slope.mul(0.9)));
      // The slope of a small residual may be rounding before that is as small as it gets: it is where it falls no
      // more, or where the residual is the one that the steps end at.
      const ends = or(stuck, norm(r).lessEqual(found.left.mul(1.1)));
      const flat = maximum(size.mul(rtol), select(ends, floor, scalarLike(0, floor)));
      const small = or(size.lessEqual(maximum(bound, floor)), least.lessEqual(scale.mul(flat)));
      let status = select(steps.greaterEqual(maxSteps), code("maxSteps"), whole(-1));
      status = select(stuck, select(isFinite(slope), code("stagnated"), code("diverged")), status);
      status = select(and(small, isFinite(least)), code("converged"), status);
      return { x, r: rest, s: select(better, s, c.s), slope: least, status, ...account };
    },
    start,
  );
  return {
    ...ended(end, unit),
    products: end.steps.add(end.cycles).mul(2).add(about.start === null ? 1 : 3),
    detail: scalarLike(NaN, length),
    rank: whole(-1),
  };
}

/** A point, its residual, the slope there and that slope's norm. */
type Point = Readonly<Record<"x" | "r" | "s" | "slope", NDArray>>;

/** Where to begin: at the point that was given, unless 0 is better. */
function begin(
  from: NDArray | null,
  zero: NDArray,
  right: NDArray,
  { apply }: Products,
  slopeOf: (r: NDArray, x: NDArray) => NDArray,
): Point {
  const at = (x: NDArray, r: NDArray): Point => {
    const s = slopeOf(r, x);
    return { x, r, s, slope: norm(s) };
  };
  const plain = at(zero, right);
  if (from === null) return plain;
  const given = at(from, right.sub(apply(from)));
  const better = given.slope.less(plain.slope);
  const either = (of: keyof Point): NDArray => select(better, given[of], plain[of]);
  return { x: either("x"), r: either("r"), s: either("s"), slope: either("slope") };
}

/** What steps found, and the residual norm that they believe to be left at their end; 0 where that was cut short. */
type Bidiagonal = Pick<Cycle, "d" | "steps" | "scale" | "norms"> & { readonly left: NDArray };

/** Steps of LSMR for `B d = r`, from d = 0. The letters are those of the paper. */
function bidiagonal(
  { apply, pull }: Products,
  damp: number,
  r: NDArray,
  x: NDArray,
  bound: NDArray,
  rtol: number,
  limit: NDArray,
  norms: NDArray | null,
  before: NDArray,
  transforms: Transforms,
): Bidiagonal {
  // With damping the problem of the change has a part of its own below: -damp x.
  const lambda = scalarArray(damp, r.dtype);
  const top = plainNorm(r);
  const low = x.mul(damp === 0 ? 0 : -damp);
  const beta = damp === 0 ? top : hypotenuse(top, plainNorm(low));
  const one = scalarLike(1, beta);
  const zero = scalarLike(0, beta);
  const down = quotient(one, beta);
  const forth = (v: NDArray): NDArray => damp === 0 ? apply(v) : joined(apply(v), v.mul(lambda));
  const m = r.size;
  const back = (u: NDArray): NDArray =>
    damp === 0 ? pull(u) : pull(part(u, 0, m)).add(part(u, m, u.size).mul(lambda));
  const u = (damp === 0 ? r : joined(r, low)).mul(down);
  const v = back(u);
  const alpha = plainNorm(v);
  const v1 = v.mul(quotient(one, alpha));
  const start = {
    u,
    v: v1,
    h: v1,
    hbar: zerosLike(v1),
    d: zerosLike(v1),
    alpha,
    alphabar: alpha,
    zetabar: alpha.mul(beta),
    rho: one,
    rhobar: one,
    cbar: one,
    sbar: zero,
    zeta: zero,
    rhodot: one,
    betadd: beta,
    betad: zero,
    thetatilde: zero,
    tautilde: zero,
    left: zero,
    steps: whole(0),
    scale: alpha,
    frobenius: alpha.mul(alpha),
    norms,
    // B h, B hbar and B d, by which the residual is known.
    images: norms === null
      ? null
      : { h: zerosLike(r), hbar: zerosLike(r), d: zerosLike(r), ratio: zero },
    going: and(alpha.greater(0), lt(whole(0), limit)),
  };
  const end = transforms.whileLoop(
    (c) => c.going,
    (c) => {
      const product = forth(c.v);
      const u = product.sub(c.u.mul(c.alpha));
      const beta = plainNorm(u);
      const u1 = u.mul(quotient(one, beta));
      const v = back(u1).sub(c.v.mul(beta));
      const alpha = plainNorm(v);
      const v1 = v.mul(quotient(one, alpha));
      const rho = hypotenuse(c.alphabar, beta);
      const [cos, sin] = [quotient(c.alphabar, rho), quotient(beta, rho)];
      const theta = sin.mul(alpha);
      const thetabar = c.sbar.mul(rho);
      const chi = c.cbar.mul(rho);
      const rhobar = hypotenuse(chi, theta);
      const [cbar, sbar] = [quotient(chi, rhobar), quotient(theta, rhobar)];
      const zeta = cbar.mul(c.zetabar);
      const zetabar = sbar.neg().mul(c.zetabar);
      const share = quotient(thetabar.mul(rho), c.rho.mul(c.rhobar));
      const length = quotient(zeta, rho.mul(rhobar));
      const hbar = c.h.sub(c.hbar.mul(share));
      const d = c.d.add(hbar.mul(length));
      const ratio = quotient(theta, rho);
      let { norms, images } = c;
      if (images !== null) {
        const h = part(product, 0, m).sub(images.h.mul(images.ratio));
        const hbar = h.sub(images.hbar.mul(share));
        const d = images.d.add(hbar.mul(length));
        norms = recorded(norms, before.add(c.steps), plainNorm(r.sub(d)));
        images = { h, hbar, d, ratio };
      }
      // |r|, by further rotations: that of the change is small long before.
      const betahat = cos.mul(c.betadd);
      const betadd = sin.mul(c.betadd);
      const rhotilde = hypotenuse(c.rhodot, thetabar);
      const [ctilde, stilde] = [quotient(c.rhodot, rhotilde), quotient(thetabar, rhotilde)];
      const thetatilde = stilde.mul(rhobar);
      const rhodot = ctilde.mul(rhobar);
      const betad = ctilde.mul(betahat).sub(stilde.mul(c.betad));
      const tautilde = quotient(c.zeta.sub(c.thetatilde.mul(c.tautilde)), rhotilde);
      const taudot = quotient(zeta.sub(thetatilde.mul(tautilde)), rhodot);
      const left = hypotenuse(betad.sub(taudot), betadd);
      const steps = c.steps.add(1);
      const frobenius = c.frobenius.add(beta.mul(beta)).add(alpha.mul(alpha));
      // |r|, or |B^T r| against |B|; where that is rounding there is no further direction.
      const flat = zetabar.abs().lessEqual(frobenius.sqrt().mul(left).mul(rtol * 0.01));
      const closed = or(left.lessEqual(bound.mul(0.1)), flat);
      const ended = alpha.lessEqual(frobenius.sqrt().mul(epsilon(r.dtype)));
      return {
        u: u1,
        v: v1,
        h: v1.sub(c.h.mul(ratio)),
        hbar,
        d,
        alpha,
        alphabar: cos.neg().mul(alpha),
        zetabar,
        rho,
        rhobar,
        cbar,
        sbar,
        zeta,
        rhodot,
        betadd,
        betad,
        thetatilde,
        tautilde,
        left: select(closed, left, zero),
        steps,
        scale: maximum(c.scale, plainNorm(product)),
        frobenius,
        norms,
        images,
        going: and(and(not(closed), not(ended)), and(lt(steps, limit), zetabar.equal(zetabar))),
      };
    },
    start,
  );
  return { d: end.d, left: end.left, steps: end.steps, scale: end.scale, norms: end.norms };
}

/** As in `gmres.ts`; there are two products a step. */
const roundings = 10;
