/**
 * The elementwise primitives with operands of many kinds, and the bits of what they give.
 *
 * @module
 */
import "../../mod.ts";
import {
  allocate,
  type DType,
  dtypes,
  isFloat,
  shaped,
  type TypedArray,
} from "../../lib/core/dtype.ts";
import { ConcreteArray } from "../../lib/core/concrete.ts";
import { type Primitive, primitives } from "../../lib/core/primitive.ts";
import { bind } from "../../lib/core/trace.ts";
import { Random } from "../support/random.ts";

/** An elementwise primitive and operands for it. */
export interface Operation {
  /** Its name and the element type of the last operand. */
  readonly name: string;
  /** The primitive. */
  readonly primitive: Primitive<null>;
  /** What it is applied to. */
  readonly operands: readonly ConcreteArray[];
}

/** Vectors and what is left over behind them. */
const LENGTH = 1003;

/** Each elementwise primitive with each element type that it knows. */
export function* operations(): Generator<Operation> {
  for (const [name, record] of primitives()) {
    const primitive = record as unknown as Primitive<null>;
    const [sample] = primitive.samples();
    if (sample === undefined || sample.params !== null) continue;
    const count = sample.inputs.length;
    for (const dtype of dtypes) {
      const types = Array.from(
        { length: count },
        (_, i): DType => sample.inputs[i]!.dtype === "bool" && count === 3 ? "bool" : dtype,
      );
      const avals = types.map((t) => shaped([LENGTH], t));
      let outs;
      try {
        outs = primitive.abstractEval(avals, null);
      } catch {
        continue;
      }
      if (outs.some(({ shape }) => shape.length !== 1 || shape[0] !== LENGTH)) continue;
      const random = new Random(`${name} ${dtype}`);
      const operands = types.map((t) =>
        ConcreteArray.fromHost(shaped([LENGTH], t), drawn(t, random))
      );
      yield { name: `${name} of ${dtype}`, primitive, operands };
    }
  }
}

/** What it gives eagerly. */
export function apply({ primitive, operands }: Operation): TypedArray[] {
  return bind(primitive, operands, null).map((y) => (y as ConcreteArray).values);
}

const special = [0, -0, 1, -1, 0.5, 2, Infinity, -Infinity, NaN, 2 ** -149, -(2 ** -1074), 1e300];

/** Numbers of moderate size, of all sizes, and special ones. */
function drawn(dtype: DType, random: Random): TypedArray {
  const out = allocate(dtype, LENGTH);
  for (let i = 0; i < LENGTH; i++) {
    const kind = random.next();
    if (dtype === "bool") out[i] = kind < 0.5 ? 0 : 1;
    else if (!isFloat(dtype)) {
      out[i] = kind < 0.3 ? random.uniform(-40, 40) : random.uniform(-(2 ** 31), 2 ** 32);
    } else if (kind < 0.1) out[i] = special[Math.floor(random.next() * special.length)]!;
    else if (kind < 0.6) out[i] = random.uniform(-4, 4);
    else {
      const range = dtype === "float32" ? 140 : 1060;
      out[i] = random.uniform(-1, 1) * 2 ** random.uniform(-range, range);
    }
  }
  return out;
}

if (import.meta.main) {
  for (const operation of operations()) {
    // There are many NaN.
    const canonical = apply(operation).map((y) => y.map((v) => v === v ? v : NaN));
    const bytes = canonical.map((y) => new Uint8Array(y.buffer));
    // FNV-1a.
    let hash = 0x811c9dc5;
    for (const part of bytes) for (const byte of part) hash = Math.imul(hash ^ byte, 0x01000193);
    console.log(operation.name, hash >>> 0);
  }
}
