/**
 * `fixedPoint` on problems of many fields, and on the benchmark of equilibrium models.
 *
 * @module
 */
import { anderson, damped, type DType, fixedPoint, jit, numpy as np } from "../../../mod.ts";
import deq from "../../reference/deq_bench.json" with { type: "json" };
import {
  fixedPointFree,
  type FixedPointProblem,
  fixedPointProblems,
  relativeError,
} from "./fixed_point_problems.ts";
import { layer } from "./maps.ts";
import type { Measured, TruthRow } from "./row.ts";

const found = new Map<DType, readonly Solved[]>();

interface Solved {
  readonly problem: FixedPointProblem;
  readonly claimed: boolean;
  readonly right: boolean;
  readonly steps: number;
  readonly message: string;
}

/** All problems, solved once with default settings. */
function solved(dtype: DType): readonly Solved[] {
  const known = found.get(dtype);
  if (known !== undefined) return known;
  const all = fixedPointProblems.map((problem): Solved => {
    const f = problem.map(dtype);
    const x0 = np.array([...problem.x0], { dtype });
    const s = jit(() => fixedPoint(f, x0))();
    const right = relativeError(problem, s.value) <= 1;
    return { problem, claimed: s.converged, right, steps: s.steps.item(), message: s.message };
  });
  found.set(dtype, all);
  return all;
}

const told = ({ problem, message }: Solved): string => `${problem.name}: ${message}`;

/** Evaluations of the benchmark by Anderson acceleration, beside those of the table. */
function benchmark(memory: 5 | 10): Measured {
  const rows = deq.rows.filter((row) => row["newton_steps"] < 10);
  const all = rows.map((row) => {
    const f = layer(row.kind, row.rho)("float64");
    const s = fixedPoint(f, np.zeros([64], { dtype: "float64" }), {
      rtol: 1e-8,
      maxSteps: 2000,
      solver: anderson({ memory }),
    });
    const sum = s.value.sum().item();
    const right = s.converged && Math.abs(sum - row.zsum) <= 1e-5 * row.znorm;
    const most = Math.ceil(1.1 * row[`AA${memory}@1e-08`]);
    const steps = s.steps.item();
    return { name: `${row.kind} ${row.rho}`, steps, most, met: right && steps <= most };
  });
  return {
    found: all.map((r) => r.steps).join(", "),
    met: all.every((r) => r.met),
    short: all.filter((r) => !r.met).map((r) => `${r.name}: ${r.steps}, at most ${r.most}`),
  };
}

/** The rows. */
export const fieldRows: readonly TruthRow[] = [
  {
    truth: "problems of many fields are solved with default settings",
    bar: `62 of ${fixedPointProblems.length}`,
    peer: "SciPy: anderson 50, newton_krylov 57, hybr 59 of 61 on like ones",
    measure() {
      const short = solved("float64").filter((s) => !(s.claimed && s.right));
      const count = fixedPointProblems.length - short.length;
      return { found: `${count}`, met: count >= 62, short: short.map(told) };
    },
  },
  {
    truth: "evaluations to the criterion, each problem beside acceleration without safeguards",
    bar: "at most 1.2 times",
    measure() {
      const ratios = solved("float64").flatMap((s) => {
        const { evaluations, map, x0 } = s.problem;
        if (evaluations === null) return [];
        const start = np.array([...x0], { dtype: "float64" });
        const { steps } = fixedPoint(map("float64"), start, { polish: false });
        return [{ s, ratio: steps.item() / evaluations }];
      });
      const short = ratios.filter((r) => r.ratio > 1.2);
      const most = Math.max(...ratios.map((r) => r.ratio));
      return {
        found: `at most ${most.toFixed(2)} times`,
        met: short.length === 0,
        short: short.map((r) => told(r.s)),
      };
    },
  },
  {
    truth: "no fixed point is claimed falsely, in float64 and float32",
    bar: "0",
    peer: "plain Anderson acceleration 2, SciPy anderson 1 in float64",
    measure() {
      const wrong = (["float64", "float32"] as const).flatMap((dtype) => [
        ...solved(dtype).filter((s) => s.claimed && !s.right).map(told),
        ...fixedPointFree.flatMap(({ name, map, x0 }) =>
          [anderson(), damped()].flatMap((solver) => {
            const s = fixedPoint(map(dtype), np.array([...x0], { dtype }), { solver });
            return s.converged ? [`${name}: ${s.message}`] : [];
          })
        ),
      ]);
      return { found: `${wrong.length}`, met: wrong.length === 0, short: wrong };
    },
  },
  ...([5, 10] as const).map((memory): TruthRow => ({
    truth: `equilibrium models to 1e-8, evaluations by a memory of ${memory}`,
    bar: `at most 1.1 times ${
      deq.rows.filter((r) => r["newton_steps"] < 10).map((r) => r[`AA${memory}@1e-08`]).join(", ")
    }`,
    peer: "jaxopt, a memory of 5: 40, 106, 107, 266, 2886, over 3000",
    measure: () => benchmark(memory),
  })),
];
