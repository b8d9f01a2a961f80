/**
 * Matrix products in WebAssembly: batches of x y, with factors and result anywhere in memory, at any
 * strides. `dot_plan.ts` chooses the way by shape, `dot_walk.ts` goes through the tiles,
 * `dot_tile.ts` has the arithmetic and `dot_pack.ts` the copies.
 *
 * Floats are added up in their own precision: several sums side by side, in blocks of at most 256
 * vectors. Integers wrap.
 *
 * @module
 */
import { Fn, I32, type Module } from "./encoder.ts";
import { LANES } from "./lanes.ts";
import type { Epilogue, MatrixView, OuterAxis, Product } from "./product.ts";
import { planProduct } from "./dot_plan.ts";
import { pieces, type Pointers } from "./dot_pack.ts";
import { emitProduct, scratchOf } from "./dot_walk.ts";

export type { Epilogue, MatrixView, OuterAxis, Product };

/** How products are computed. */
export interface DotOptions {
  /** Whether floats are multiplied and added with one rounding: {@linkcode detectFma}. */
  readonly fma: boolean;
}

/** A function that computes products. */
export interface DotKernel {
  /**
   * Takes addresses of x, y, out, scratch memory and each operand of the epilogue. Reads up to 15
   * bytes past the end of x, y and the operands.
   */
  readonly fn: Fn;
  /** Bytes of scratch memory. */
  readonly scratchBytes: number;
}

/** The function of a product, one for all of the same shapes and strides. */
export function dotKernel(module: Module, product: Product, options: DotOptions): DotKernel {
  const { outer = [] } = product;
  const empty = [product.batch, product.m, product.n, ...outer.map((o) => o.n)].includes(0);
  const operands = product.epilogue?.operands ?? [];
  if (empty) {
    const fn = module.shared(
      `dot of nothing ${operands.length}`,
      () => new Fn([I32, I32, I32, I32, ...operands.map(() => I32)]),
    );
    return { fn, scratchBytes: 0 };
  }
  const plan = planProduct(product);
  const room = scratchOf(plan, product.dtype);
  const fn = module.shared(`dot ${options.fma} ${JSON.stringify(product)}`, () => {
    const f = new Fn([I32, I32, I32, I32, ...operands.map(() => I32)]);
    const { form } = plan;
    const { size } = LANES[product.dtype];
    const start = (parameter: number, offset: number): number => {
      f.get(parameter).plus(offset * size).set(parameter);
      return parameter;
    };
    const at = {
      x: start(form.turned ? 1 : 0, form.x.offset),
      y: start(form.turned ? 0 : 1, form.y.offset),
      targets: form.targets.map((t, i) => start(i === 0 ? 2 : 3 + i, t.offset)),
    };
    const { dtype, epilogue = null } = product;
    const products = (axes: readonly OuterAxis[], at: Pointers): void => {
      const [axis, ...rest] = axes;
      if (axis === undefined) {
        emitProduct(module, f, plan, { dtype, fma: options.fma, epilogue }, at, 3);
        return;
      }
      const [x, y] = form.turned ? [axis.y, axis.x] : [axis.x, axis.y];
      const strides = { x: x * size, y: y * size, targets: axis.targets.map((t) => t * size) };
      pieces(f, axis.n, 1, at, strides, (_, inner) => products(rest, inner));
    };
    products(outer, at);
    return f;
  });
  return { fn, scratchBytes: room.x + room.y };
}

let fma: boolean | undefined;

/** Whether this engine has `f32x4.relaxed_madd` and its like. */
export function detectFma(): boolean {
  return fma ??= WebAssembly.validate(probe());
}

/** A module with one function: v128.const 0, three times, f32x4.relaxed_madd, drop. */
function probe(): Uint8Array<ArrayBuffer> {
  const zero = [0xfd, 12, ...new Array(16).fill(0)];
  const body = [0, ...zero, ...zero, ...zero, 0xfd, 0x85, 0x02, 0x1a, 0x0b];
  return Uint8Array.of(
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, 4, 1, 0x60, 0, 0],
    ...[3, 2, 1, 0],
    ...[10, body.length + 2, 1, body.length, ...body],
  );
}
