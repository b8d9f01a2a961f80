/**
 * Programs with checks on backends that run a program as a whole: what the checks say comes out beside
 * the results, and is raised when it is there.
 *
 * @module
 */
import { ConcreteArray, type Executable, hasEffects, isReadable, type Jaxpr } from "../core/mod.ts";
import { checksAsOutputs, raiseFailed } from "../compile/checks.ts";
import { simplify } from "../compile/pipeline.ts";

/**
 * Compiles a program by `compile`, which is given one without checks. Where the run is over when it returns, it
 * throws what a check raises; else the results reject with that.
 */
export function compileChecked(jaxpr: Jaxpr, compile: (jaxpr: Jaxpr) => Executable): Executable {
  if (!hasEffects(jaxpr)) return compile(jaxpr);
  const { jaxpr: program, sites } = checksAsOutputs(simplify(jaxpr));
  const inner = compile(program);
  if (sites.length === 0) return inner;
  const numResults = jaxpr.outputs.length;
  return {
    run(args) {
      const outs = inner.run(args);
      const [results, status] = [outs.slice(0, numResults), outs.slice(numResults)];
      const raise = (): void => {
        raiseFailed(sites, status);
        for (const x of status) x.dispose();
      };
      if (status.every(isReadable)) {
        raise();
        return results;
      }
      const verified = Promise.all(status.map((x) => x.load())).then(raise);
      return results.map((x) =>
        ConcreteArray.inFlight(x.aval, verified.then(() => x.settled()).then(() => x.surrender()))
      );
    },
    release: () => inner.release(),
  };
}
