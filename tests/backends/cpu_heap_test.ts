/**
 * The heap of the cpu backend: what is handed out does not overlap, what is freed is used again whatever
 * its size, and the memory grows to its limit and no further.
 *
 * @module
 */
import { type Block, Heap, SLACK, viewOf } from "../../lib/backends/cpu_heap.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { Random } from "../support/random.ts";

const MIB = 2 ** 20;

/** The blocks that are out, checked to be apart and in the memory. */
function assertApart(heap: Heap, blocks: readonly Block[]): void {
  const sorted = [...blocks].sort((a, b) => a.address - b.address);
  sorted.forEach((block, i) => {
    assertEquals(block.address % 64, 0);
    const end = block.address + block.bytes;
    assert(block.address > 0 && end <= (sorted[i + 1]?.address ?? heap.bytes), `block ${i}`);
  });
  assertEquals(heap.used, blocks.reduce((sum, b) => sum + b.bytes, 0));
}

Deno.test("blocks are apart, aligned, and have slack behind them, through any order of requests", () => {
  const heap = new Heap();
  heap.poison = true;
  const random = new Random("heap");
  const live: { block: Block; bytes: number; mark: number }[] = [];
  for (let step = 0; step < 5000; step++) {
    if (live.length > 0 && random.next() < 0.5) {
      const [{ block, bytes, mark }] = live.splice(Math.floor(random.next() * live.length), 1) as [
        typeof live[number],
      ];
      const content = heap.views[viewOf.bool]!.subarray(block.address, block.address + bytes);
      assert(content.every((b) => b === mark), `block of step ${mark} was overwritten`);
      heap.release(block);
    } else {
      const bytes = Math.floor(2 ** (random.next() * 17));
      const block = heap.allocate(bytes)!;
      assert(block.bytes >= bytes + SLACK);
      const mark = step % 251;
      heap.views[viewOf.bool]!.fill(mark, block.address, block.address + bytes);
      live.push({ block, bytes, mark });
    }
    if (step % 250 === 0) assertApart(heap, live.map(({ block }) => block));
  }
  for (const { block } of live) heap.release(block);
  assertEquals(heap.used, 0);
});

Deno.test("all that is freed becomes one block again", () => {
  const heap = new Heap();
  const all = Array.from({ length: 1000 }, (_, i) => heap.allocate(1000 + i)!);
  const { bytes } = heap;
  for (const k of [0, 2, 1]) all.filter((_, i) => i % 3 === k).forEach((b) => heap.release(b));
  const whole = heap.allocate(bytes - 64 - SLACK)!;
  assertEquals(whole.address, 64);
  assertEquals(heap.bytes, bytes, "it did not have to grow");
});

Deno.test("a long run of arrays of changing sizes does not make the memory grow without bound", () => {
  const heap = new Heap();
  const random = new Random("sizes");
  const live: Block[] = [];
  let peak = 0;
  for (let step = 0; step < 20_000; step++) {
    live.push(heap.allocate(Math.floor(random.next() * MIB))!);
    if (live.length > 20) heap.release(live.splice(Math.floor(random.next() * 20), 1)[0]!);
    peak = Math.max(peak, heap.used);
  }
  assert(heap.bytes < 2 * peak, `${heap.bytes} bytes for ${peak} in use at most`);
});

Deno.test("a block that is freed twice is free once", () => {
  const heap = new Heap();
  const [a, b] = [heap.allocate(100)!, heap.allocate(100)!];
  heap.release(a);
  heap.release(a);
  const c = heap.allocate(100)!;
  const d = heap.allocate(100)!;
  assertApart(heap, [b, c, d]);
});

Deno.test("the memory grows to its limit, says no, and goes on", () => {
  const heap = new Heap(8 * MIB);
  const first = heap.allocate(3 * MIB)!;
  const { buffer } = heap.memory;
  const second = heap.allocate(4 * MIB)!;
  assert(
    heap.memory.buffer !== buffer && heap.views[viewOf.float32]!.buffer === heap.memory.buffer,
  );
  assertEquals(heap.allocate(2 * MIB), null);
  assertEquals(heap.allocate(2 ** 40), null);
  heap.release(first);
  const third = heap.allocate(2 * MIB)!;
  assertApart(heap, [second, third]);
  assert(heap.bytes <= 8 * MIB);
});

Deno.test("the whole address space can be handed out, and addresses beyond 2 GiB work", () => {
  const heap = new Heap();
  const low = heap.allocate(2 ** 31)!;
  const high = heap.allocate(2 ** 31 - 65_536 - 1024)!;
  assertEquals(heap.allocate(MIB), null);
  const floats = heap.views[viewOf.float32]!;
  const last = (high.address >>> 2) + 2 ** 29 - 17_000;
  floats[last] = 1.5;
  assertEquals(floats.slice(last, last + 1)[0], 1.5);
  heap.release(low);
  assert(heap.allocate(2 ** 31 - 1024) !== null);
  heap.release(high);
});

Deno.test("poisoned memory reads as NaN, before it is written to and after it is freed", () => {
  const heap = new Heap();
  heap.poison = true;
  const block = heap.allocate(64)!;
  const at = block.address >>> 2;
  const read = (): number => heap.views[viewOf.float32]![at]!;
  assert(Number.isNaN(read()));
  heap.views[viewOf.float32]![at] = 1;
  heap.release(block);
  assert(Number.isNaN(read()) && Number.isNaN(heap.views[viewOf.float64]![block.address >>> 3]!));
});
