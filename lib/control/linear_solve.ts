/**
 * Linear solves by a function of the user's, differentiated as the solution of `A x = b` and not
 * through the solver's steps.
 *
 * @module
 */
import {
  bind,
  type Contained,
  definePrimitive,
  DifferentiationError,
  evalJaxpr,
  type Jaxpr,
  Linear,
  type NDArray,
  type Primitive,
  type Tangent,
} from "../core/mod.ts";
import { batchAxesInFront, batchJaxpr } from "../interpreters/batch.ts";
import { jvpJaxpr } from "../interpreters/jvp.ts";
import { batchAxisInFront, div, mul, sub, zeros } from "../primitives/mod.ts";
import { once, program, vec3 } from "./jaxprs.ts";

/** A program whose leading inputs are its own constants. */
export interface WithConsts {
  /** From constants, then the vector. */
  readonly jaxpr: Jaxpr;
  /** Number of constants. */
  readonly numConsts: number;
}

/** Parameters of `linear_solve`. The inputs are the constants of each program in turn, then `b`. */
export interface LinearSolveParams {
  /** `x -> A x`. */
  readonly matvec: WithConsts;
  /** `x -> A^T x`, where a transposed solve is given. */
  readonly vecmat: WithConsts | null;
  /** `b -> A^-1 b`, and after that whatever the solver says about it. */
  readonly solve: WithConsts;
  /** `b -> A^-T b`, and whatever is said about that. */
  readonly transposeSolve: WithConsts | null;
  /** As `solve`, of the systems of derivatives, where they are solved in another way. */
  readonly tangentSolve: WithConsts | null;
  /** Why there is no transposed solve although one was given. */
  readonly noTranspose: DifferentiationError | null;
}

const roles = ["matvec", "vecmat", "solve", "transposeSolve", "tangentSolve"] as const;
type Role = typeof roles[number];

/** Splits inputs into the constants of each program and `b`. */
function split<T>(inputs: readonly T[], params: LinearSolveParams): Record<Role | "b", T[]> {
  let at = 0;
  const take = (n: number): T[] => inputs.slice(at, at += n);
  const out = {} as Record<Role | "b", T[]>;
  for (const role of roles) out[role] = take(params[role]?.numConsts ?? 0);
  out.b = take(inputs.length - at);
  return out;
}

/** Number of arrays in `b`, and in the solution. */
function numUnknowns(params: LinearSolveParams): number {
  return params.matvec.jaxpr.outputs.length;
}

/** Number of inputs. */
function numInputs(params: LinearSolveParams): number {
  const consts = roles.reduce((n, role) => n + (params[role]?.numConsts ?? 0), 0);
  return consts + numUnknowns(params);
}

/** Where the constants of the program that solves are among the inputs. */
function solveConsts({ matvec, vecmat, solve }: LinearSolveParams): Contained["consts"] {
  return { first: matvec.numConsts + (vecmat?.numConsts ?? 0), count: solve.numConsts };
}

function join<T>(p: Record<Role | "b", T[]>): T[] {
  return [...roles.flatMap((role) => p[role]), ...p.b];
}

/** Solves `A x = b` for `x`, where programs give the action of `A` and of its inverse. */
export const linearSolveP: Primitive<LinearSolveParams> = /* @__PURE__ */ definePrimitive<
  LinearSolveParams
>({
  name: "linear_solve",
  abstractEval: (_, { solve }) => solve.jaxpr.outputs.map((a) => a.aval),
  impl: {
    evaluate(args, params) {
      const p = split(args, params);
      return evalJaxpr(params.solve.jaxpr, [...p.solve, ...p.b], bind);
    },
  },
  jvp(primals, tangents, params) {
    // A dx = db - dA x
    const p = split(primals, params);
    const t = split<Tangent>(tangents, params);
    const outs = bind(linearSolveP, primals, params);
    const x = outs.slice(0, numUnknowns(params));
    let rhs: Tangent[] = t.b;
    if (t.matvec.some((d) => d !== null)) {
      const { jaxpr, active } = jvpJaxpr(params.matvec.jaxpr, [
        ...t.matvec.map((d) => d !== null),
        ...x.map(() => false),
      ]);
      const outs = evalJaxpr(
        jaxpr,
        [...p.matvec, ...x, ...t.matvec.filter((d) => d !== null)],
        bind,
      );
      let next = x.length;
      rhs = active.map((a, i) => {
        const db = rhs[i] ?? null;
        if (!a) return db;
        return sub(db ?? zeros(x[i]!.aval), outs[next++]!);
      });
    }
    const still = outs.map(() => null);
    if (rhs.every((d) => d === null)) return [outs, still];
    const b = rhs.map((d, i) => d ?? zeros(x[i]!.aval));
    const { tangentSolve } = params;
    const dx = (tangentSolve === null
      ? bind(linearSolveP, join({ ...p, b }), params)
      : bind(linearSolveP, join({ ...p, solve: p.tangentSolve, tangentSolve: [], b }), {
        ...params,
        solve: tangentSolve,
        tangentSolve: null,
      })).slice(0, x.length);
    // What is said about the solution has no derivative.
    return [outs, [...dx, ...still.slice(x.length)]];
  },
  transpose(cts, inputs, params) {
    if (params.noTranspose !== null) {
      throw params.noTranspose;
    }
    if (params.transposeSolve === null || params.vecmat === null) {
      throw new DifferentiationError(
        "customLinearSolve: reverse-mode differentiation needs transposeSolve (or symmetric: true)",
      );
    }
    const p = split(inputs, params);
    const consts = p as Record<Role, NDArray[]>;
    const b = p.b.map((x, i) =>
      cts[i] ?? zeros(x instanceof Linear ? x.aval : x.aval)
    );
    const { solve, tangentSolve } = params;
    const back = bind(
      linearSolveP,
      join({
        matvec: consts.vecmat,
        vecmat: consts.matvec,
        solve: consts.transposeSolve,
        transposeSolve: tangentSolve === null ? consts.solve : consts.tangentSolve,
        tangentSolve: [],
        b,
      }),
      {
        matvec: params.vecmat,
        vecmat: params.matvec,
        solve: params.transposeSolve,
        transposeSolve: tangentSolve ?? solve,
        tangentSolve: null,
        noTranspose: null,
      },
    );
    return [...roles.flatMap((role) => p[role].map(() => null)), ...back.slice(0, b.length)];
  },
  batch(args, dims, size, params, axisName) {
    const p = split(args, params);
    const d = split(dims, params);
    // Every entry of the solution may depend on every lane-dependent input, so all are mapped.
    const all = p.b.map(() => true);
    const vectorized = (role: Role): WithConsts | null => {
      const own = params[role];
      if (own === null) return null;
      const mask = [...d[role].map((x) => x !== null), ...all];
      const outs = own.jaxpr.outputs.map(() => true);
      return { ...own, jaxpr: batchJaxpr(own.jaxpr, size, mask, outs, axisName).jaxpr };
    };
    const front = batchAxesInFront(args, dims, size);
    const f = split(front, params);
    f.b = f.b.map((x, i) => d.b[i] === null ? batchAxisInFront(x, null, size) : x);
    const outs = bind(linearSolveP, join(f), {
      matvec: vectorized("matvec")!,
      vecmat: vectorized("vecmat"),
      solve: vectorized("solve")!,
      transposeSolve: vectorized("transposeSolve"),
      tangentSolve: vectorized("tangentSolve"),
      noTranspose: params.noTranspose,
    });
    return [outs, outs.map(() => 0)];
  },
  passes: {
    mobile: false,
    cheap: false,
    effect: null,
    algebra: null,
    programs: {
      list: (params) => [once("call", params.solve.jaxpr, solveConsts(params))],
      forRules: ({ matvec, vecmat, transposeSolve, tangentSolve }) =>
        [matvec, vecmat, transposeSolve, tangentSolve].flatMap((p) => p === null ? [] : [p.jaxpr]),
      replace: (params, [jaxpr]) => ({ ...params, solve: { ...params.solve, jaxpr: jaxpr! } }),
      extend: (params, _, jaxpr, count) => ({
        ...params,
        solve: { jaxpr, numConsts: params.solve.numConsts + count },
      }),
      inline(params, inputs) {
        const p = split(inputs, params);
        return { jaxpr: params.solve.jaxpr, inputs: [...p.solve, ...p.b] };
      },
      // Every entry of the solution depends on every equation.
      narrow: (params) => ({
        params,
        inputs: new Array(numInputs(params)).fill(true),
        outputs: params.solve.jaxpr.outputs.map(() => true),
      }),
      partial: null,
      loop: null,
      mayNotEnd: false,
      within: null,
    },
  },
  lower(g, inputs, params) {
    const p = split(inputs, params);
    return g.inline(params.solve.jaxpr, [...p.solve, ...p.b]);
  },
  kernel(b, inputs, params) {
    const p = split(inputs, params);
    return b.inline(params.solve.jaxpr, [...p.solve, ...p.b]);
  },
  samples: () => {
    const diagonal = program([vec3, vec3], (a, x) => [mul(a, x)]);
    const inverse = program([vec3, vec3], (a, b) => [div(b, a)]);
    const one = { numConsts: 1 };
    const a = { shape: [3], dtype: "float64", values: [2, -1, 0.5] } as const;
    return [{
      name: "diagonal system",
      inputs: [a, a, a, a, { shape: [3], dtype: "float64" }],
      params: {
        matvec: { jaxpr: diagonal, ...one },
        vecmat: { jaxpr: diagonal, ...one },
        solve: { jaxpr: inverse, ...one },
        transposeSolve: { jaxpr: inverse, ...one },
        tangentSolve: null,
        noTranspose: null,
      },
      skip: {
        jvp: "its constants must agree with each other; the laws test customLinearSolve",
        slope: "its constants must agree with each other",
        transpose: "linear in b alone; the laws test customLinearSolve",
      },
    }];
  },
});
