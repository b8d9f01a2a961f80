/**
 * How a matrix product is computed: which axis runs along the lanes, the size of tiles and blocks,
 * and which factors are copied first. Pure arithmetic on shapes and strides, by a rough count of
 * cycles.
 *
 * @module
 */
import { LANES } from "./lanes.ts";
import type { Along } from "./dot_tile.ts";
import type { MatrixView, Product } from "./product.ts";

/** A product in the form that the walk takes: axes merged, and turned over where that is better. */
export interface Form {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly x: MatrixView;
  readonly y: MatrixView;
  /** `out`, then the operands of the epilogue. */
  readonly targets: readonly MatrixView[];
  /** Whether `x` is the caller's `y`: out^T = y^T x^T. */
  readonly turned: boolean;
}

/** The chosen way. */
export interface Plan {
  readonly form: Form;
  readonly along: Along;
  /** Rows of a tile. */
  readonly rows: number;
  /** Columns of a tile, in vectors where the lanes run along them. */
  readonly columns: number;
  /** Steps of the depth that a tile takes at once, with sums of their own. */
  readonly unroll: number;
  /** Whether a block of the factor is copied to where it is in order. */
  readonly copyX: boolean;
  readonly copyY: boolean;
  /** Whether one call does whole products, rather than a part of one. */
  readonly whole: boolean;
  /** Extent of blocks: of the depth, ... */
  readonly depthBlock: number;
  /** ... of rows, a multiple of the tile's, ... */
  readonly rowBlock: number;
  /** ... of columns, a multiple of the tile's. */
  readonly columnBlock: number;
  /** Multiplications that one call is to do at least, if there are so many. */
  readonly work: number;
}

/** Chooses how to compute a product. It has elements. */
export function planProduct(product: Product): Plan {
  const form = merge(product);
  const plans = [form, turn(form)].flatMap((f) => [
    candidate(product, f, "columns"),
    candidate(product, f, "depth"),
    ...(product.m * product.n * product.k >= LARGE ? [candidate(product, f, "depth", true)] : []),
    ...(lanesAlongBatch(f, LANES[product.dtype].count) ? [candidate(product, f, "batch")] : []),
  ]);
  return plans.reduce((best, plan) => plan.cost < best.cost ? plan : best);
}

/** Makes the batch rows or columns where its strides go on like theirs: fewer and larger products. */
function merge(p: Product): Form {
  const targets = [p.out, ...p.epilogue?.operands ?? []];
  let { batch, m, n, x, y } = p;
  let outs: readonly MatrixView[] = targets;
  const joins = (v: MatrixView, extent: number, stride: number): boolean =>
    extent === 1 || v.batch === extent * stride;
  if (batch > 1) {
    if (y.batch === 0 && [x, ...outs].every((v) => joins(v, m, v.row))) {
      const join = (v: MatrixView): MatrixView => ({
        ...v,
        row: m === 1 ? v.batch : v.row,
        batch: 0,
      });
      x = join(x);
      outs = outs.map(join);
      m *= batch;
      batch = 1;
    } else if (x.batch === 0 && [y, ...outs].every((v) => joins(v, n, v.column))) {
      const join = (v: MatrixView): MatrixView => ({
        ...v,
        column: n === 1 ? v.batch : v.column,
        batch: 0,
      });
      y = join(y);
      outs = outs.map(join);
      n *= batch;
      batch = 1;
    }
  }
  // The stride of one is as one likes: that of neighbours suits.
  const tidy = (v: MatrixView, rows: number, columns: number): MatrixView => ({
    offset: v.offset,
    batch: batch === 1 ? 0 : v.batch,
    row: rows === 1 ? 1 : v.row,
    column: columns === 1 ? 1 : v.column,
  });
  return {
    batch,
    m,
    n,
    k: p.k,
    x: tidy(x, m, p.k),
    y: tidy(y, p.k, n),
    targets: outs.map((v) => tidy(v, m, n)),
    turned: false,
  };
}

function turnView({ offset, batch, row, column }: MatrixView): MatrixView {
  return { offset, batch, row: column, column: row };
}

function turn(f: Form): Form {
  return {
    ...f,
    m: f.n,
    n: f.m,
    x: turnView(f.y),
    y: turnView(f.x),
    targets: f.targets.map(turnView),
    turned: !f.turned,
  };
}

function lanesAlongBatch(f: Form, lanes: number): boolean {
  return f.batch >= lanes && [f.x, f.y].every((v) => v.batch === 0 || v.batch === 1);
}

/** Rows and columns of tiles: 8 to 12 sums, so that no addition waits for the one before. */
function tileSize(along: Along, m: number, columns: number): [rows: number, columns: number] {
  if (along === "columns") {
    if (columns === 1) return [Math.min(m, 8), 1];
    const rows = Math.min(m, 6);
    return [rows, Math.min(columns, [8, 6, 3, 2, 2, 2][rows - 1]!)];
  }
  const rows = Math.min(m, 4);
  const across = Math.min(columns, [8, 4, 3, 2][rows - 1]!);
  // Few columns leave room for rows, but each row is a stream of its own to the cache.
  return [rows, across];
}

/**
 * A plan with these lanes, and its cost in cycles; `copy` where lines are to be copied although they
 * lie in order.
 */
function candidate(
  product: Product,
  form: Form,
  along: Along,
  copy = false,
): Plan & { readonly cost: number } {
  const { size, count } = LANES[product.dtype];
  const { batch, m, n, k, x, y, targets } = form;
  const units = along === "columns" ? Math.ceil(n / count) : n;
  const [rows, columns] = tileSize(along, m, units);
  const width = along === "columns" ? columns * count : columns;
  const steps = along === "depth" ? Math.ceil(k / count) : k;
  const chains = rows * columns;
  let unroll = chains >= 7 ? 1 : chains >= 3 ? 2 : 4;
  while (unroll > 1 && steps < 2 * unroll) unroll /= 2;

  const quantum = along === "depth" ? unroll * count : unroll;
  const most = along === "depth"
    ? DEPTH_BLOCK / 2 * count
    : rows === 1 && k * n * size > STREAMED
    ? STREAM_BLOCK
    : DEPTH_BLOCK;
  const blocks = Math.ceil(k / most);
  const depthBlock = blocks <= 1 ? k : roundUp(Math.ceil(k / blocks), quantum);

  // What a tile touches of a factor has to stay in the first cache from one tile to the next.
  const footprint = (v: number): number => Math.min(k, depthBlock) * Math.abs(v) * size;
  const large = m * n * k >= LARGE;
  let copyY: boolean;
  let copyX = false;
  if (along === "columns") {
    copyY = y.column !== 1 || (large && m >= 16 && footprint(y.row) > FIRST_CACHE / 2);
    copyX = large && n >= 4 * width &&
      (x.column === 1 ? copyY && n >= 64 : footprint(x.column) > FIRST_CACHE / 2);
  } else if (along === "depth") {
    copyX = copy || x.column !== 1;
    copyY = copy || y.row !== 1;
  } else copyY = false;
  if (k === 0) copyX = copyY = false;

  // Fitted to 250 products of up to 3 million multiplications, each computed in all ways that come to
  // mind: what is chosen takes 2 % longer than the fastest of them on average, 1.6 times at worst.
  const multiply = product.dtype === "float32" || product.dtype === "float64" ? 1 : 2;
  const bound = Math.max(chains * multiply / 2, (rows + columns) / 2, 4 / unroll);
  const step = (along === "depth" ? 0.4 : 0.77) * bound + 2.4 / unroll;
  const streams = along !== "depth" ? 1 : streaming(copyX, m * k * size, x.row * size) *
    streaming(copyY, n * k * size, y.column * size);
  const high = Math.ceil(m / rows);
  const across = Math.ceil(units / columns);
  const lane = along === "columns" ? "column" : along === "batch" ? "batch" : null;
  const scattered = lane !== null && targets[0]![lane] !== 1;
  const store = along === "depth" ? 4 * chains / count : chains * (scattered ? 0.65 * count : 0.5);
  const order = along === "depth" ? "step" : "line";
  const copying =
    (copyX
      ? m * k * copyCost({ line: x.row, step: x.column }, order, rows, count) + CALLING * high
      : 0) +
    (copyY
      ? n * k * copyCost({ line: y.column, step: y.row }, order, width, count) + CALLING * across
      : 0);
  const work = m * n * k * (along === "batch" ? count : 1);
  const whole = !copyX && !copyY && blocks <= 1 && work <= LARGE;
  const items = along === "batch" ? Math.ceil(batch / count) : batch;
  const calls = whole ? 0 : CALLING * across;
  const cost = items *
    (high * across * (steps * step * streams + store) + copying + calls + 1.8);
  return {
    form,
    along,
    rows,
    columns,
    unroll,
    copyX,
    copyY,
    whole,
    depthBlock,
    rowBlock: copyX
      ? Math.min(roundUp(m, rows), roundUp(along === "depth" ? 64 : 192, rows))
      : Math.min(roundUp(m, rows), roundUp(Math.ceil(CALL / (depthBlock * width)), rows)),
    columnBlock: copyY
      ? Math.min(roundUp(n, width), roundUp(along === "depth" ? 256 : 512, width))
      : roundUp(n, width),
    work: CALL,
    cost,
  };
}

/**
 * How much longer it takes to read lines where they are than from a copy, unless the first cache holds
 * them all: the next line is not known in advance, and lines at a power of two drive each other out.
 */
function streaming(copied: boolean, bytes: number, line: number): number {
  return copied || bytes <= FIRST_CACHE ? 1 : line % 1024 === 0 ? 1.2 : 1.08;
}

/** Cycles for each element of lines that are copied, to where they are in order along an axis. */
function copyCost(
  from: { line: number; step: number },
  to: "line" | "step",
  lines: number,
  lanes: number,
): number {
  if (from[to] === 1) return 0.5;
  return (from.line === 1 || from.step === 1) && lines >= lanes ? 0.6 : 1.5;
}

/** The next multiple. */
export function roundUp(n: number, quantum: number): number {
  return Math.ceil(n / quantum) * quantum;
}

/** Vectors of steps that are added up before they join the sum: float32 errors grow with this. */
const DEPTH_BLOCK = 256;
/**
 * The same for a vector times a matrix of more than so many bytes: it is read once, fastest a few whole
 * rows at a time. 0.34 to 0.20 ms at 1000 x 1000.
 */
const STREAM_BLOCK = 16;
const STREAMED = 1 << 19;
/** Multiplications from which on one product is worth several calls. */
const LARGE = 32768;
/**
 * Multiplications of one call, at most: some 10 microseconds. V8 replaces a function by its optimised
 * code between calls, never within one.
 */
const CALL = 262144;
/** Bytes of the first cache. */
const FIRST_CACHE = 32768;
/** Cycles of a call with what is around it. */
const CALLING = 9;
