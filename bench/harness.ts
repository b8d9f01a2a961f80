/**
 * Timing: libraries take turns, round by round, so that whatever else the machine does hits all
 * alike, and each must arrive at the same values. The order changes from round to round: garbage and
 * cold caches are left to whoever comes next.
 *
 * @module
 */

/** One library's way to do the work of a case, made ready. */
export interface Contender {
  /** Prepares for the work that follows, outside of the timing; called before every batch. */
  enter?(): void | Promise<void>;
  /** Does the work `n` times. The first call, with `n = 1`, includes compiling. */
  run(n: number): void | Promise<void>;
  /** A number that all libraries must agree on. */
  check(): number | Promise<number>;
}

/** One library in a case. */
export interface Entry {
  /** What the table calls it. */
  readonly library: string;
  /** Relative difference allowed in the check value, where it is not the usual one. */
  readonly tolerance?: number;
  /** Makes it ready; an error means that the library is not there. */
  prepare(): Contender | Promise<Contender>;
}

/** Work that several libraries do. */
export interface Case {
  /** Short name, for `--only` and the JSON lines. */
  readonly name: string;
  /** What the work is. */
  readonly title: string;
  /** Who takes part. */
  readonly entries: readonly Entry[];
  /** Length of a timed batch, a few milliseconds where not said. */
  readonly minBatchMs?: number;
}

/** What came of one library in a case; the JSON line. */
export interface Measurement {
  readonly case: string;
  readonly library: string;
  /** Fastest round, microseconds for one piece of work. */
  readonly minUs: number;
  /** Median round. */
  readonly medianUs: number;
  /**
   * Median over the rounds of what it took, as a multiple of what the last library of the case took in the
   * same round: where two are close, the fastest rounds of each may be of different minutes.
   */
  readonly medianRatio: number;
  /** The first call, compiling included. */
  readonly firstUs?: number;
  /** The value that the libraries agree on. */
  readonly check: number;
  /** Rounds taken. */
  readonly rounds: number;
  readonly threads: number;
  /** Load average when the case began. */
  readonly load: number;
}

/** A library that could not take part. */
export interface Absence {
  readonly case: string;
  readonly library: string;
  readonly error: string;
}

/** How long to take. */
export interface Pace {
  /** Most rounds that a library takes in a case. */
  readonly rounds: number;
  /** Time that a library may take for them, in milliseconds. */
  readonly budgetMs: number;
  /** What tells the time, in milliseconds. */
  readonly clock: () => number;
}

/** Relative difference allowed in check values. */
const TOLERANCE = 1e-4;
/** Rounds that even a slow library takes. */
const FEWEST_ROUNDS = 3;
const WARM_UP_MS = 150;
/** A batch is long beside the clock's resolution and short beside what else the machine does. */
const BATCH_MS = 5;

/** An error that the whole run must fail on: libraries that disagree, or our own failure. */
export class BenchError extends Error {
  override name = "BenchError";
}

interface Running {
  readonly entry: Entry;
  readonly contender: Contender;
  readonly firstUs: number;
  readonly check: number;
  /** Pieces of work in a batch. */
  readonly size: number;
  /** Rounds that it takes part in, spread evenly over all. */
  readonly rounds: number;
  readonly times: number[];
  /** The same by round, where it took part. */
  readonly byRound: (number | undefined)[];
}

/** Runs a case. Libraries that fail are told of and left out. */
export async function measure(
  { name, entries, minBatchMs = BATCH_MS }: Case,
  pace: Pace,
): Promise<{ measurements: Measurement[]; absences: Absence[] }> {
  const load = Deno.build.os === "windows" ? 0 : Deno.loadavg()[0]!;
  const running: Running[] = [];
  const absences: Absence[] = [];
  for (const entry of entries) {
    try {
      running.push(await start(entry, minBatchMs, pace));
    } catch (error) {
      absences.push({ case: name, library: entry.library, error: messageOf(error) });
    }
  }
  agree(name, running);
  for (let round = 0; round < pace.rounds; round++) {
    for (const r of shuffled(running, round)) {
      const due = Math.floor((round + 1) * r.rounds / pace.rounds);
      if (r.times.length >= due) continue;
      const time = await timed(pace.clock, r.contender, r.size, r.size > 1) / r.size;
      r.times.push(time);
      r.byRound[round] = time;
    }
  }
  const last = running.at(-1);
  const measurements = running.map(({ entry, times, byRound, firstUs, check }) => {
    times.sort((a, b) => a - b);
    const ratios = byRound.flatMap((time, round) => {
      const other = last!.byRound[round];
      return time === undefined || other === undefined ? [] : [time / other];
    }).sort((a, b) => a - b);
    return {
      case: name,
      library: entry.library,
      minUs: round3(1000 * times[0]!),
      medianUs: round3(1000 * times[times.length >> 1]!),
      medianRatio: round3(ratios[ratios.length >> 1] ?? NaN),
      firstUs: round3(firstUs),
      check,
      rounds: times.length,
      threads: 1,
      load: Math.round(100 * load) / 100,
    };
  });
  return { measurements, absences };
}

/** The items in an order that depends on `seed` alone. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const order = [...items];
  let state = Math.imul(seed + 1, 2654435761);
  for (let i = order.length - 1; i > 0; i--) {
    state = Math.imul(state, 1664525) + 1013904223;
    const j = (state >>> 8) % (i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** First call, check value, warming up, and the size of a batch. */
async function start(entry: Entry, batchMs: number, pace: Pace): Promise<Running> {
  const contender = await entry.prepare();
  const firstUs = 1000 * await timed(pace.clock, contender, 1);
  await contender.enter?.();
  const check = await contender.check();
  let size = 1;
  let spent = 0;
  let best = Infinity;
  while (spent < WARM_UP_MS) {
    const ms = await timed(pace.clock, contender, size);
    spent += ms;
    best = Math.min(best, ms / size);
    if (ms < batchMs) size = Math.min(2 * size, Math.ceil(batchMs / Math.max(best, 1e-6)));
  }
  size = Math.max(1, Math.ceil(batchMs / best));
  const affordable = Math.floor(pace.budgetMs / (size * best));
  const rounds = Math.min(pace.rounds, Math.max(FEWEST_ROUNDS, affordable));
  return { entry, contender, firstUs, check, size, rounds, times: [], byRound: [] };
}

/** Milliseconds for a batch; `warm` does one piece beforehand that is not timed. */
async function timed(
  clock: () => number,
  contender: Contender,
  n: number,
  warm = false,
): Promise<number> {
  await contender.enter?.();
  if (warm) await contender.run(1);
  const begin = clock();
  const running = contender.run(n);
  if (running !== undefined) await running;
  return clock() - begin;
}

function agree(name: string, running: readonly Running[]): void {
  const reference = running[0];
  if (reference === undefined) return;
  for (const { entry, check } of running) {
    const difference = Math.abs(check / reference.check - 1);
    if (!(difference <= (entry.tolerance ?? TOLERANCE))) {
      throw new BenchError(
        `${name}: ${entry.library} arrives at ${check}, ` +
          `${reference.entry.library} at ${reference.check}`,
      );
    }
  }
}

function round3(x: number): number {
  return Math.round(1000 * x) / 1000;
}

/** The message of whatever was thrown, on one line. */
export function messageOf(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n")[0]!;
}
