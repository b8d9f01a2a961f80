/**
 * Functions of scalars, vectors and matrices, applied to arrays of them.
 *
 * @module
 */
import {
  broadcastShapes,
  checkCall,
  defaultFloat,
  describeValue,
  expectInteger,
  formatShape,
  NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  ShapeError,
  sizeOf,
  treeMap,
} from "../core/mod.ts";
import { broadcastTo, expandDims, iota, moveAxis, reshape } from "../primitives/mod.ts";
import { vmap } from "../transforms/public.ts";
import type { Arrays, Tree } from "../transforms/tree_types.ts";
import type { DTypeOptions } from "./arguments.ts";
import {
  asOperand,
  dtypeOption,
  expectArray,
  expectAxis,
  expectRoom,
  expectShape,
} from "./operands.ts";
import { dtypeOptions } from "./options.ts";

/** Options of {@linkcode vectorize}. */
export interface VectorizeOptions {
  /**
   * Shapes that the function takes and gives, as in `"(m,n),(n)->(m)"`; where left out, it takes and gives
   * scalars.
   */
  readonly signature?: string | undefined;
  /** Positions of arguments that are handed on as they are, whatever they are; the signature has none. */
  readonly excluded?: number | readonly number[] | undefined;
}

const vectorizeOptions: OptionTable<VectorizeOptions> = {
  signature: "string",
  excluded: "argnums",
};

/** Names of axes, of each argument and each result. */
interface Signature {
  readonly inputs: readonly (readonly string[])[];
  readonly outputs: readonly (readonly string[])[];
}

function parsed(text: string): Signature {
  const shape = String.raw`\(\s*(?:\w+\s*(?:,\s*\w+\s*)*)?\)`;
  const side = String.raw`\s*${shape}\s*(?:,\s*${shape}\s*)*`;
  if (!new RegExp(`^${side}->${side}$`).test(text)) {
    throw new TypeError(
      `vectorize: the signature ${JSON.stringify(text)} is none. Write it as in "(m,n),(n)->(m)"`,
    );
  }
  const [inputs, outputs] = text.split("->").map((half) =>
    [...half.matchAll(/\(([^)]*)\)/g)].map(([, names]) => names!.match(/\w+/g) ?? [])
  );
  return { inputs: inputs!, outputs: outputs! };
}

/**
 * A function of scalars, or of arrays of the shapes that a signature says, as one of arrays of them, as
 * `jax.numpy.vectorize`: axes in front of those broadcast, and the function is mapped over them.
 *
 * @throws {ShapeError} where arguments do not have the axes that the signature says, or do not broadcast.
 * @throws {TypeError} where the signature is none, or has another number of arguments.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const dot = np.vectorize((x, y) => np.dot(x, y), { signature: "(n),(n)->()" });
 * console.log(dot(np.array([[1, 2], [3, 4]]), np.array([1, 1])).toArray()); // [ 3, 7 ]
 * ```
 */
export function vectorize<R extends NDArray | readonly NDArray[]>(
  f: (...args: NDArray[]) => R,
  options?: VectorizeOptions & { readonly excluded?: undefined },
): (...args: Operand[]) => R;
/** A function of which some arguments are handed on as they are. */
export function vectorize<A extends readonly unknown[], R extends NDArray | readonly NDArray[]>(
  f: (...args: A) => R,
  options: VectorizeOptions,
): (...args: { [K in keyof A]: A[K] | Operand }) => R;
export function vectorize(
  // deno-lint-ignore no-explicit-any -- unknown would refuse functions of arrays
  f: (...args: any[]) => NDArray | readonly NDArray[],
  options: VectorizeOptions = {},
): (...args: unknown[]) => NDArray | readonly NDArray[] {
  if (arguments.length > 1) {
    options = readOptions("vectorize(f, options)", arguments, vectorizeOptions);
  }
  if (typeof f !== "function") {
    throw new TypeError(`vectorize: f must be a function, not ${describeValue(f)}`);
  }
  const signature = options.signature === undefined ? null : parsed(options.signature);
  const excluded = new Set(
    [options.excluded ?? []].flat().map((i) =>
      expectInteger("vectorize", i, "a position in excluded", 0)
    ),
  );
  return (...all) => {
    const args = all.filter((_, i) => !excluded.has(i));
    const given = (own: readonly NDArray[]): unknown[] => {
      let next = 0;
      return all.map((x, i) => excluded.has(i) ? x : own[next++]);
    };
    const call = (...own: NDArray[]): NDArray | readonly NDArray[] => {
      const made = f(...given(own));
      const count = made instanceof NDArray ? 1 : made.length;
      if (signature !== null && signature.outputs.length !== count) {
        throw new TypeError(
          `vectorize: the signature ${
            JSON.stringify(options.signature)
          } has ${signature.outputs.length} results, but the function gave ${count}`,
        );
      }
      return made;
    };
    const arrays = args.map((x, i) => asOperand("vectorize", x, `argument ${i}`));
    const names = signature?.inputs ?? arrays.map(() => []);
    if (names.length !== arrays.length) {
      throw new TypeError(
        `vectorize: the signature has ${names.length} arguments, but there are ${arrays.length}`,
      );
    }
    const lengths = new Map<string, number>();
    const leads = arrays.map((x, i) => {
      const own = names[i]!;
      if (x.ndim < own.length) {
        throw new ShapeError(
          `vectorize: argument ${i} has shape ${
            formatShape(x.shape)
          }, but the signature has the axes (${own.join(", ")})`,
        );
      }
      const lead = x.ndim - own.length;
      own.forEach((name, k) => {
        const n = x.shape[lead + k]!;
        const known = lengths.get(name);
        if (known !== undefined && known !== n) {
          throw new ShapeError(
            `vectorize: the axis ${name} has length ${known}, but in argument ${i}, of shape ${
              formatShape(x.shape)
            }, length ${n}`,
          );
        }
        lengths.set(name, n);
      });
      return x.shape.slice(0, lead);
    });
    const lead = broadcastShapes("vectorize", ...leads);
    if (lead.length === 0) return call(...arrays);
    const size = sizeOf(lead);
    const flat = arrays.map((x, i) => {
      const core = x.shape.slice(leads[i]!.length);
      return reshape(broadcastTo(x, [...lead, ...core]), [size, ...core]);
    });
    const whole = (out: NDArray): NDArray => reshape(out, [...lead, ...out.shape.slice(1)]);
    const made = vmap(call)(...flat);
    return made instanceof NDArray ? whole(made) : made.map(whole);
  };
}

/**
 * An array, or several, of a shape, of the indices of each element: a function of scalars, one for each axis,
 * as `jax.numpy.fromfunction`. Axes of its results stand behind those of the shape.
 *
 * @param options The `dtype` of the indices; float32 where left out, as in JAX.
 * @throws {ShapeError} where a length is not a non-negative integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const table = np.fromfunction((i, j) => i.mul(j), [3, 4]);
 * console.log(table.toArray()); // [ [ 0, 0, 0, 0 ], [ 0, 1, 2, 3 ], [ 0, 2, 4, 6 ] ]
 * ```
 */
export function fromfunction<R extends Tree>(
  f: (...indices: NDArray[]) => R,
  shape: readonly number[],
  options: DTypeOptions = {},
): Arrays<R> {
  if (arguments.length > 2) {
    options = readOptions("fromfunction(f, shape, options)", arguments, dtypeOptions);
  }
  const op = "fromfunction";
  if (typeof f !== "function") {
    throw new TypeError(`${op}: f must be a function, not ${describeValue(f)}`);
  }
  const lengths = expectShape(op, shape);
  const dtype = dtypeOption(op, options, defaultFloat);
  expectRoom(op, lengths, dtype);
  if (lengths.length === 0) {
    return treeMap((y) => asOperand(op, y as Operand, "a result"), f()) as Arrays<R>;
  }
  // Lane by lane from the last axis to the first, each mapping its own index.
  let mapped: (...indices: NDArray[]) => Tree = f;
  for (let axis = lengths.length - 1; axis >= 0; axis--) {
    const inAxes = lengths.map((_, i) => i === axis ? 0 : null);
    mapped = vmap(mapped, { inAxes }) as typeof mapped;
  }
  return mapped(...lengths.map((n) => iota([n], 0, dtype))) as Arrays<R>;
}

/**
 * A function of vectors, applied to those along an axis, as `jax.numpy.apply_along_axis`: the axes of its
 * result take the place of that axis.
 *
 * @throws {AxisError} where the axis is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([[3, 1], [2, 4]]);
 * console.log(np.applyAlongAxis((v) => np.sort(v), 0, x).toArray()); // [ [ 2, 1 ], [ 3, 4 ] ]
 * ```
 */
export function applyAlongAxis(f: (x: NDArray) => NDArray, axis: number, x: NDArray): NDArray {
  if (arguments.length > 3) checkCall("applyAlongAxis(f, axis, x)", arguments);
  const op = "applyAlongAxis";
  if (typeof f !== "function") {
    throw new TypeError(`${op}: f must be a function, not ${describeValue(f)}`);
  }
  const a = expectArray(op, x);
  const along = expectAxis(op, axis, a.ndim);
  const others = a.shape.toSpliced(along, 1);
  const n = a.shape[along]!;
  const lanes = reshape(moveAxis(a, along, a.ndim - 1), [sizeOf(others), n]);
  const out = others.length === 0 ? f(reshape(lanes, [n])) : vmap(f)(lanes);
  const made = others.length === 0 ? out.shape : out.shape.slice(1);
  let whole = reshape(out, [...others, ...made]);
  // Each new axis from behind the others to where the old one was.
  made.forEach((_, k) => {
    whole = moveAxis(whole, others.length + k, along + k);
  });
  return whole;
}

/**
 * A function of an array and an axis, applied over several axes in turn, as
 * `jax.numpy.apply_over_axes`: an axis that it reduces stays with length 1.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where the function gives an array of another rank.
 */
export function applyOverAxes(
  f: (x: NDArray, axis: number) => NDArray,
  x: NDArray,
  axes: number | readonly number[],
): NDArray {
  if (arguments.length > 3) checkCall("applyOverAxes(f, x, axes)", arguments);
  const op = "applyOverAxes";
  if (typeof f !== "function") {
    throw new TypeError(`${op}: f must be a function, not ${describeValue(f)}`);
  }
  if (typeof axes !== "number" && !Array.isArray(axes)) {
    throw new TypeError(
      `${op}: axes are a number or a list of numbers, not ${describeValue(axes)}`,
    );
  }
  let a = expectArray(op, x);
  for (const axis of typeof axes === "number" ? [axes] : axes) {
    const along = expectAxis(op, axis, a.ndim);
    const out = f(a, along);
    if (!(out instanceof NDArray) || (out.ndim !== a.ndim && out.ndim !== a.ndim - 1)) {
      throw new ShapeError(
        `${op}: f must give an array with ${a.ndim} axes, or one less, not ${
          out instanceof NDArray ? `one of shape ${formatShape(out.shape)}` : describeValue(out)
        }`,
      );
    }
    a = out.ndim === a.ndim ? out : expandDims(out, [along]);
  }
  return a;
}
