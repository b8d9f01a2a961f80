/**
 * Jaxprs: programs as lists of equations, as tracing records them. Here they are built, printed,
 * checked and evaluated; the types are in `primitive.ts`, what transforms jaxprs is in
 * `lib/interpreters` and `lib/control`.
 *
 * A jaxpr is closed: what the traced function captured is a literal or a leading input. Arrays
 * become literals; tracers, arrays in flight and, where programs are recorded anew with other
 * arrays, all arrays but scalars become inputs. So a jaxpr means the same wherever it is evaluated.
 *
 * @module
 */
import type { NDArray } from "./array.ts";
import { formatNumber, showAsText } from "./display.ts";
import { formatAval, sameAval, type ShapedArray } from "./dtype.ts";
import { InternalError } from "./errors.ts";
import { type Atom, type Eqn, type Jaxpr, type Primitive, Var } from "./primitive.ts";

/** Collects equations into a jaxpr. */
export class JaxprBuilder {
  /** The inputs so far. */
  readonly inputs: Var[] = [];
  /** The equations so far. */
  readonly eqns: Eqn[] = [];
  #numVars = 0;

  /** A new variable. */
  variable(aval: ShapedArray): Var {
    return new Var(aval, this.#numVars++);
  }
  /** A new input variable. */
  input(aval: ShapedArray): Var {
    const v = this.variable(aval);
    this.inputs.push(v);
    return v;
  }
  /** Adds an equation and gives its output variables. */
  equation<P>(
    primitive: Primitive<P>,
    inputs: readonly Atom[],
    params: P,
    outAvals: readonly ShapedArray[],
  ): Var[] {
    const outputs = outAvals.map((aval) => this.variable(aval));
    this.eqns.push({
      // Which parameters a primitive has, its record alone knows.
      primitive: primitive as unknown as Primitive<unknown>,
      inputs,
      params,
      outputs,
    });
    return outputs;
  }
  /** The finished jaxpr. */
  build(outputs: readonly Atom[], inputs: readonly Var[] = this.inputs): Jaxpr {
    return new Program(inputs, this.eqns, outputs, this.#numVars);
  }
}

/** A recorded jaxpr, which consoles show in JAX's notation. */
class Program implements Jaxpr {
  constructor(
    readonly inputs: readonly Var[],
    readonly eqns: readonly Eqn[],
    readonly outputs: readonly Atom[],
    readonly numVars: number,
  ) {}
  toString(): string {
    return formatJaxpr(this);
  }
}

showAsText(Program);

/** Whether a value is a jaxpr. */
export function isJaxpr(value: unknown): value is Jaxpr {
  return typeof value === "object" && value !== null && "eqns" in value && "numVars" in value;
}

/** The programs in an equation, but not those inside of them: first those that run, then the others. */
export function programsIn({ primitive, params }: Eqn): Jaxpr[] {
  const { programs } = primitive.passes;
  if (programs === null) return [];
  return [...programs.list(params).map(({ jaxpr }) => jaxpr), ...programs.forRules(params)];
}

/** A program and all programs inside it, at any depth; one that occurs twice comes twice. */
export function* allPrograms(jaxpr: Jaxpr): Generator<Jaxpr> {
  const pending = [jaxpr];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    yield next;
    for (const eqn of next.eqns) pending.push(...programsIn(eqn));
  }
}

/**
 * Prints a jaxpr in JAX's manner:
 * `{ lambda a:float32[3] ; let b:float32[3] = sin a in (b) }`.
 */
export function formatJaxpr(jaxpr: Jaxpr, indent = ""): string {
  const names = new Map<Var, string>();
  const nameOf = (v: Var): string => {
    let name = names.get(v);
    if (name === undefined) names.set(v, name = letters(names.size));
    return name;
  };
  const atom = (a: Atom): string => {
    if (a instanceof Var) return nameOf(a);
    const { shape, dtype } = a.aval;
    const known = shape.length === 0 ? a.value.shown : null;
    return `${known === null ? "const" : formatNumber(known[0]!, dtype)}:${formatAval(a.aval)}`;
  };
  const binder = (v: Var): string => `${nameOf(v)}:${formatAval(v.aval)}`;
  const inputs = jaxpr.inputs.map(binder).join(" ");
  const lines = jaxpr.eqns.map((eqn) => {
    const outs = eqn.outputs.map(binder).join(" ");
    const ins = eqn.inputs.map(atom).join(" ");
    const params = formatParams(eqn.params, indent + "  ");
    return `${indent}  ${outs} = ${eqn.primitive.name}${params}${ins === "" ? "" : " " + ins}`;
  });
  const outputs = `(${jaxpr.outputs.map(atom).join(", ")})`;
  if (lines.length === 0) return `{ lambda ${inputs} ; let in ${outputs} }`;
  return `{ lambda ${inputs} ; let\n${lines.join("\n")}\n${indent}in ${outputs} }`;
}

function formatParams(params: unknown, indent: string): string {
  if (typeof params !== "object" || params === null) return "";
  const parts = Object.entries(params).flatMap(([key, value]) => {
    const text = formatParam(value, indent);
    return text === null ? [] : [`${key}=${text}`];
  });
  return parts.length === 0 ? "" : `[${parts.join(" ")}]`;
}

/** A parameter; `null` for what says nothing on paper, such as a function. */
function formatParam(value: unknown, indent: string): string | null {
  if (value === undefined || typeof value === "function") return null;
  if (isJaxpr(value)) return formatJaxpr(value, indent);
  if (typeof value !== "object" || value === null) return String(value);
  const programs = Object.values(value).filter(isJaxpr).map((j) => formatJaxpr(j, indent));
  if (programs.length === 0) return Array.isArray(value) ? JSON.stringify(value) : null;
  return Array.isArray(value) ? `(${programs.join(", ")})` : programs.join(", ");
}

function letters(n: number): string {
  let name = "";
  do {
    name = String.fromCharCode(97 + n % 26) + name;
    n = Math.floor(n / 26) - 1;
  } while (n >= 0);
  return name;
}

/**
 * Checks that a jaxpr is well formed: each variable defined once and before use, each equation's
 * outputs as its primitive's abstract evaluation gives them; the same for jaxprs in parameters.
 *
 * @throws {InternalError} saying what is wrong.
 */
export function checkJaxpr(jaxpr: Jaxpr): void {
  for (const program of allPrograms(jaxpr)) checkOne(program);
}

function checkOne(jaxpr: Jaxpr): void {
  const defined = new Set<Var>();
  const define = (v: Var): void => {
    if (defined.has(v)) throw new InternalError(`jaxpr: variable ${v.id} is defined twice`);
    if (v.id >= jaxpr.numVars) throw new InternalError(`jaxpr: variable ${v.id} is out of range`);
    defined.add(v);
  };
  const use = (a: Atom, where: string): void => {
    if (a instanceof Var && !defined.has(a)) {
      throw new InternalError(`jaxpr: ${where} reads variable ${a.id} before it is defined`);
    }
  };
  jaxpr.inputs.forEach(define);
  jaxpr.eqns.forEach((eqn, i) => {
    const where = `equation ${i} (${eqn.primitive.name})`;
    eqn.inputs.forEach((a) => use(a, where));
    const avals = eqn.primitive.abstractEval(eqn.inputs.map((a) => a.aval), eqn.params);
    if (
      avals.length !== eqn.outputs.length ||
      !avals.every((aval, k) => sameAval(aval, eqn.outputs[k]!.aval))
    ) {
      throw new InternalError(
        `jaxpr: ${where} gives (${avals.map(formatAval).join(", ")}) but its outputs are (${
          eqn.outputs.map((v) => formatAval(v.aval)).join(", ")
        })`,
      );
    }
    eqn.outputs.forEach(define);
  });
  jaxpr.outputs.forEach((a, i) => use(a, `output ${i}`));
}

let evaluated: Eqn | null = null;

/** The equation for which something is being done, the innermost one; `null` outside of programs. */
export const evaluatedEquation = (): Eqn | null => evaluated;

/**
 * Says for which equation something is done from here on, and gives the one before, to be said again in
 * the end. A plain variable: loops over equations are what eager derivatives and the interpreter do.
 */
export function setEvaluated(eqn: Eqn | null): Eqn | null {
  const before = evaluated;
  evaluated = eqn;
  return before;
}

/** Evaluates a jaxpr: `apply` is called for each equation in order. */
export function evalJaxpr(
  jaxpr: Jaxpr,
  args: readonly NDArray[],
  apply: (primitive: Primitive<unknown>, args: NDArray[], params: unknown) => NDArray[],
): NDArray[] {
  if (args.length !== jaxpr.inputs.length) {
    throw new InternalError(
      `jaxpr takes ${jaxpr.inputs.length} inputs, ${args.length} were given`,
    );
  }
  const env: NDArray[] = new Array(jaxpr.numVars);
  for (let i = 0; i < args.length; i++) env[jaxpr.inputs[i]!.id] = args[i]!;
  const read = (a: Atom): NDArray => a instanceof Var ? env[a.id]! : a.value;
  const before = evaluated;
  try {
    for (const eqn of jaxpr.eqns) {
      evaluated = eqn;
      const outs = apply(eqn.primitive, eqn.inputs.map(read), eqn.params);
      for (let i = 0; i < outs.length; i++) env[eqn.outputs[i]!.id] = outs[i]!;
    }
  } finally {
    evaluated = before;
  }
  return jaxpr.outputs.map(read);
}
