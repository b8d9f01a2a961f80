/**
 * Loaded before a test file by `deno task ok`, leaves out most of those tests of which there are many of
 * a kind, and which take most of the time: other ones every day, so that after some days all have run.
 * They are shown as ignored. `deno task test`, which continuous integration runs, leaves nothing out.
 *
 * @module
 */

/** Of which files one test in how many is run. */
const shares: Readonly<Record<string, number>> = {
  "backends/gpu_kernels_test.ts": 5,
  "backends/others_test.ts": 2,
  "conformance_test.ts": 5,
  "kernel/random_test.ts": 5,
  "kernel/samples_test.ts": 4,
  "laws/matrix_test.ts": 4,
  "laws/solve_test.ts": 4,
  "linalg/accuracy_test.ts": 5,
  "programs_test.ts": 5,
  "solvers/adjoint_test.ts": 4,
  "solvers/no_solution_test.ts": 4,
  "solvers/random_problems_test.ts": 4,
  "solvers/systems/equinox_test.ts": 5,
  "solvers/systems/flax_test.ts": 5,
  "solvers/systems/haiku_test.ts": 5,
  "solvers/systems/nnx_test.ts": 5,
  "solvers/systems/objects_test.ts": 5,
  "solvers/systems/toy_test.ts": 5,
  "solvers/systems/trax_test.ts": 5,
  "solvers/truth_rows_test.ts": 3,
  "solvers/truth_test.ts": 3,
  "solvers/units_test.ts": 3,
};

const file = Deno.mainModule.split("/tests/").at(-1)!;
const share = shares[file];
if (share !== undefined) {
  // INJAX_SAMPLE=3 runs what was run on a day whose number, since 1970, leaves 3 by that division.
  const day = Number(Deno.env.get("INJAX_SAMPLE") ?? Math.floor(Date.now() / 86_400_000));
  const test = Deno.test;
  let count = day;
  const sampled = (...args: Parameters<typeof Deno.test>) => {
    const chosen = count++ % share === 0;
    return chosen ? test(...args) : (test.ignore as typeof test)(...args);
  };
  Object.defineProperty(Deno, "test", { value: Object.assign(sampled, test) });
}
