/**
 * Products of arrays: which of the kernels does it, and how the arrays have to lie for it.
 *
 * @module
 */
import { shaped, sizeOf } from "../core/aval.ts";
import type { StepBuilder } from "./steps.ts";
import { constant, type Val } from "./values.ts";

/** See `KernelBuilder.dot`. */
export function dotStep(
  b: StepBuilder,
  x: Val,
  y: Val,
  { contract, batch }: {
    readonly contract: readonly [readonly number[], readonly number[]];
    readonly batch: readonly [readonly number[], readonly number[]];
  },
): Val {
  const free = (v: Val, side: 0 | 1): number[] =>
    v.shape.map((_, i) => i).filter((i) => !contract[side].includes(i) && !batch[side].includes(i));
  const [fx, fy] = [free(x, 0), free(y, 1)];
  const lengths = (v: Val, axes: readonly number[]): number[] => axes.map((a) => v.shape[a]!);
  const out = [...lengths(x, batch[0]), ...lengths(x, fx), ...lengths(y, fy)];
  const { dtype } = x;
  if (sizeOf(out) === 0 || sizeOf(lengths(x, contract[0])) === 0) {
    return constant(0, shaped(out, dtype));
  }
  // Products of all pairs, summed up while they are computed.
  const inner = fy.length > 0 && isContiguous(y, fy);
  const [nb, nx, ny, nk] = [batch[0].length, fx.length, fy.length, contract[0].length];
  const ones = (n: number): number[] => new Array<number>(n).fill(1);
  const px = b.transpose(x, [...batch[0], ...fx, ...contract[0]]);
  const py = inner
    ? b.transpose(y, [...batch[1], ...contract[1], ...fy])
    : b.transpose(y, [...batch[1], ...fy, ...contract[1]]);
  const [sb, sx, sk, sy] = [
    lengths(x, batch[0]),
    lengths(x, fx),
    lengths(x, contract[0]),
    lengths(y, fy),
  ];
  const vx = b.reshape(px, [
    ...sb,
    ...sx,
    ...(inner ? [...sk, ...ones(ny)] : [...ones(ny), ...sk]),
  ]);
  const vy = b.reshape(py, [...sb, ...ones(nx), ...(inner ? [...sk, ...sy] : [...sy, ...sk])]);
  const space = [...sb, ...sx, ...(inner ? [...sk, ...sy] : [...sy, ...sk])];
  const product = b.map([vx, vy], shaped(space, dtype), (e, [p, q]) => e.mul(p!, q!));
  const first = nb + nx + (inner ? 0 : ny);
  return b.reduce(product, Array.from({ length: nk }, (_, i) => first + i), "add") as Val;
}

/** Whether the last of some axes that is longer than 1 has its elements next to each other. */
function isContiguous(v: Val, axes: readonly number[]): boolean {
  const last = axes.findLast((a) => v.shape[a] !== 1);
  return v.kind === "view" && last !== undefined && v.strides[last] === 1;
}
