/**
 * A compiler for tests of the cpu backend's own part: sums and products of float32 arrays of one shape,
 * one loop after another, so that what is tried is how arrays go in and out and not how code is made.
 *
 * @module
 */
import { bytesOf, type ShapedArray } from "../../lib/core/dtype.ts";
import { type Atom, type Jaxpr, Var } from "../../lib/core/primitive.ts";
import { CpuBackend, type CpuParts } from "../../lib/backends/cpu.ts";
import type { Callback, CpuProgram, Place, PlacedValues } from "../../lib/backends/cpu_program.ts";
import { interpreter } from "../../lib/backends/deferred.ts";
import { Fn, I32, Module } from "../../lib/kernel/encoder.ts";

/** Says what cannot be compiled. */
export class Refusal extends Error {
  constructor(readonly primitive: string) {
    super(primitive);
  }
}

const opcodes: Readonly<Record<string, number>> = { add: 0x92, mul: 0x94 };

/** Where something is: an address in a local, and bytes behind it. */
interface Spot {
  readonly base: number;
  readonly offset: number;
}

/** Compiles a program; with `callback`, that is called with the first input before anything is computed. */
export function compileSums(
  jaxpr: Jaxpr,
  large: number,
  callback: Callback | null = null,
): CpuProgram {
  const module = new Module(callback === null ? 0 : 1);
  const imported = callback === null ? null : module.import([I32]);
  const places = [...jaxpr.inputs, ...jaxpr.outputs].map((a) => bytesOf(a.aval) > large);
  const fn = new Fn([I32, ...places.filter((far) => far).map(() => I32)]);
  const [counter, constantsBase] = [fn.local(I32), fn.local(I32)];
  fn.getGlobal(0).set(constantsBase);
  // A variable of the instance, as compiled programs may have: no two runs can be in one instance.
  const arena = module.global();
  fn.get(0).setGlobal(arena);

  let arenaBytes = 0;
  let pointers = 0;
  const inArena = (aval: ShapedArray): Spot => {
    const offset = arenaBytes;
    arenaBytes += padded(aval);
    return { base: 0, offset };
  };
  const spotOf = (aval: ShapedArray): Spot =>
    bytesOf(aval) > large ? { base: ++pointers, offset: 0 } : inArena(aval);
  const place = ({ base, offset }: Spot): Place =>
    base === 0 ? { kind: "arena", offset } : { kind: "pointer" };

  const known = new Map<Var, Spot>();
  const inputs = jaxpr.inputs.map((v) => {
    const spot = spotOf(v.aval);
    known.set(v, spot);
    return spot;
  });
  const outputs = jaxpr.outputs.map((a) => spotOf(a.aval));

  const constants: PlacedValues[] = [];
  let constantBytes = 0;
  const read = (atom: Atom): Spot => {
    if (atom instanceof Var) return known.get(atom)!;
    const offset = constantBytes;
    constantBytes += padded(atom.aval);
    constants.push({ offset, values: atom.value.values });
    return { base: constantsBase, offset };
  };
  const address = ({ base, offset }: Spot): Fn =>
    (base === 0 ? fn.getGlobal(arena) : fn.get(base)).plus(offset);

  if (imported !== null) address(inputs[0]!).call(imported);
  for (const { primitive, inputs, outputs: [out] } of jaxpr.eqns) {
    const op = opcodes[primitive.name];
    if (op === undefined) throw new Refusal(primitive.name);
    const [a, b] = inputs.map(read) as [Spot, Spot];
    const to = inArena(out!.aval);
    known.set(out!, to);
    const bytes = bytesOf(out!.aval);
    if (bytes === 0) continue;
    const at = (spot: Spot): Fn => address(spot).get(counter).op(0x6a);
    fn.i32(0).set(counter).block("loop");
    at(to);
    at(a).scalar(0x2a, 0);
    at(b).scalar(0x2a, 0);
    fn.op(op).scalar(0x38, 0);
    fn.get(counter).plus(4).tee(counter).i32(bytes).op(0x49).branch(0, true).end();
  }
  jaxpr.outputs.forEach((atom, i) => {
    address(outputs[i]!);
    address(read(atom)).i32(bytesOf(atom.aval)).op(0xfc, 0x0a, 0, 0);
  });
  module.add(fn);
  return {
    bytes: module.encode({ run: fn }),
    arenaBytes,
    constants,
    constantBytes,
    inputs: inputs.map(place),
    outputs: outputs.map(place),
    callbacks: callback === null ? [] : [callback],
  };
}

/** A backend with that compiler. Freed and fresh memory is poisoned. */
export function sumsBackend(
  parts: Partial<CpuParts> = {},
  callback: Callback | null = null,
): CpuBackend {
  const backend = new CpuBackend({
    compiler: (jaxpr, { large }) => compileSums(jaxpr, large, callback),
    uncompilable: (error) => error instanceof Refusal ? error.primitive : null,
    other: interpreter,
    ...parts,
  });
  if (parts.engine === undefined) backend.memory.heap.poison = true;
  return backend;
}

/** Bytes of an array with the slack behind it. */
function padded(aval: ShapedArray): number {
  return Math.ceil(bytesOf(aval) / 64 + 1) * 64;
}
