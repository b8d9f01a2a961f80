/**
 * Runs of the cpu backend that do not go straight through: callbacks that call programs or throw, memory
 * that runs out, hosts that cannot run modules, and primitives that cannot be compiled.
 *
 * @module
 */
import type { Engine } from "../../lib/backends/cpu_host.ts";
import { SLACK } from "../../lib/backends/cpu_heap.ts";
import type { CpuBuffer } from "../../lib/backends/cpu_memory.ts";
import type { Callback } from "../../lib/backends/cpu_program.ts";
import type { Backend, Executable } from "../../lib/core/backend.ts";
import type { ConcreteArray } from "../../lib/core/concrete.ts";
import { BackendError } from "../../lib/core/errors.ts";
import { interpreter } from "../../lib/backends/deferred.ts";
import { add, mul, neg } from "../../lib/primitives/elementwise/arithmetic.ts";
import { Fn, I32, Module } from "../../lib/kernel/encoder.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { compileSums, sumsBackend } from "../support/cpu_modules.ts";
import { array, elements, f32, program } from "../support/programs.ts";

const LARGE = 100_000;

/** A backend whose programs call back with their first input, and what they call. */
function callingBack(n: number) {
  const hook: { act: (x: ConcreteArray) => void } = { act: () => {} };
  const callback: Callback = {
    avals: [f32(n)],
    outs: [],
    call([x]) {
      hook.act(x!);
      return [];
    },
  };
  return { cpu: sumsBackend({}, callback), hook };
}

for (const n of [3, LARGE]) {
  const what = `arrays of ${n} elements`;

  Deno.test(`a callback sees the values, and may call programs, its own too: ${what}`, () => {
    const { cpu, hook } = callingBack(n);
    const constant = array(10, [n]);
    const f = cpu.compile(
      program((x) => [add(mul(x, x), constant), mul(x, constant)], f32(n)),
      "f",
    );
    const other = cpu.compile(program((x) => [add(add(x, x), x)], f32(n)), "other");
    const seen: number[] = [];
    let inner: number[] = [];
    hook.act = (x) => {
      seen.push(x.values[n - 1]!);
      if (seen.length >= 4) return;
      const [y] = f.run([array(seen.length + 1, [n])]);
      const depth = seen.length;
      hook.act = () => {};
      const [z] = other.run([x]);
      inner = [depth, y!.values[n - 1]!, z!.values[0]!, ...inner];
    };
    const outs = f.run([array(1, [n])]);
    assertEquals(seen, [1, 2, 3, 4]);
    assertEquals(outs.map((o) => o.values[0]), [11, 10]);
    assert(outs.every((o) => new Set(o.values).size === 1));
    assertEquals(inner.slice(1, 3), [14, 3]);
    assertEquals(f.run([array(5, [n])])[0]!.values[n - 1], 35);
  });

  Deno.test(`an exception of a callback arrives as it is, and the backend goes on: ${what}`, () => {
    const { cpu, hook } = callingBack(n);
    const f = cpu.compile(program((x) => [add(x, x)], f32(n)), "f");
    const x = array(1, [n]);
    f.run([x])[0]!.dispose();
    const { used } = cpu.memory.heap;
    const error = new Error("stop");
    const throwing = (): void => {
      throw error;
    };
    hook.act = throwing;
    for (let i = 0; i < 100; i++) {
      try {
        f.run([x]);
        assert(false, "nothing was thrown");
      } catch (e) {
        assertEquals(e, error);
      }
    }
    // Out of a run within a run.
    hook.act = () => {
      hook.act = throwing;
      assertThrows(() => f.run([x]), Error, "stop");
    };
    assertEquals(f.run([x])[0]!.values[n - 1], 2);
    hook.act = () => {};
    f.run([x])[0]!.dispose();
    // The scratch memory of the inner run stays, for the next one.
    assert(cpu.memory.heap.used - used < 2 ** 20 + 4 * n);
    assertEquals(cpu.memory.pinned.length, 0);
  });
}

Deno.test("what a run reads may be disposed of within it, and is freed after it", () => {
  const { cpu, hook } = callingBack(LARGE);
  const f = cpu.compile(program((x) => [add(x, x)], f32(LARGE)), "f");
  const x = f.run([array(1, [LARGE])])[0]!;
  const before = cpu.memoryInUse;
  hook.act = () => {
    x.dispose();
    hook.act = () => {};
    // A copy of an argument and a result that would be put where the argument was.
    assertEquals(f.run([array(7, [LARGE])])[0]!.values[5], 14);
  };
  assertEquals(f.run([x])[0]!.values[LARGE - 1], 4);
  assert(cpu.memoryInUse <= before + 12 * LARGE);
});

Deno.test("what a run reads is not dropped by a run within it that needs room", () => {
  const { cpu, hook } = callingBack(LARGE);
  cpu.memoryBudget = 0;
  const f = cpu.compile(program((x) => [add(x, x)], f32(LARGE)), "f");
  hook.act = () => {
    hook.act = () => {};
    for (let i = 0; i < 5; i++) assertEquals(f.run([array(i, [LARGE])])[0]!.values[9], 2 * i);
  };
  assertEquals(f.run([array(3, [LARGE])])[0]!.values[LARGE - 1], 6);
});

Deno.test("programs beyond 4 GiB are refused, with function, bytes and shapes; the next one runs", () => {
  const cpu = sumsBackend();
  cpu.memory.heap.poison = false;
  const n = 2 ** 29;
  const jaxpr = program((x) => [add(x, x), mul(x, x)], f32(n));
  // The arena of the program alone takes 4 GiB; nothing is computed.
  const f = cpu.compile(jaxpr, "squares");
  const error = assertThrows(() => f.run([array([], [0]) as never]), BackendError) as Error;
  assert(
    error.message.startsWith(
      "cpu: program squares failed: out of memory. WebAssembly can address 4 GiB, of which ",
    ),
    error.message,
  );
  assert(error.message.includes("float32[536870912] (2.0 GiB"), error.message);
  const small = cpu.compile(program((x) => [add(x, x)], f32(2)), "small");
  assertEquals(small.run([array([1, 2], [2])])[0]!.toArray(), [2, 4]);
});

Deno.test("where memory is short, copies of arguments, constants and idle scratch memory go", () => {
  const cpu = sumsBackend();
  const { heap } = cpu.memory;
  heap.poison = false;
  const double = cpu.compile(program((x) => [add(x, x)], f32(LARGE)), "twice");
  const constant = array(4, [LARGE]);
  const plus = cpu.compile(program((x) => [add(x, constant)], f32(LARGE)), "plus");
  const [x, y] = [array(1, [LARGE]), array(3, [LARGE])];
  const kept = double.run([x])[0]!;
  plus.run([y])[0]!.dispose();
  assertEquals(cpu.memoryInUse, 3 * 4 * LARGE);
  // All that is behind the result, whose elements are nowhere else, up to the end of the memory.
  const { block: { address, bytes } } = kept.device as CpuBuffer;
  const block = cpu.memory.allocate(2 ** 32 - address - bytes - SLACK);
  assertEquals(block.address + block.bytes, 2 ** 32);
  assertEquals(cpu.memoryInUse, 4 * LARGE);
  assertThrows(() => plus.run([y]), BackendError, "out of memory");
  heap.release(block);
  assertEquals(plus.run([kept])[0]!.values[LARGE - 1], 6);
});

Deno.test("a module that the engine refuses, and one that breaks down, are faults of the library", () => {
  const jaxpr = program((x) => [add(x, x)], f32(2));
  const broken = sumsBackend({
    compiler: (jaxpr, { large }) => ({
      ...compileSums(jaxpr, large),
      bytes: Uint8Array.of(0, 0x61, 0x73, 0x6d, 2, 0, 0, 0),
    }),
  });
  assertThrows(() => broken.compile(jaxpr, "f"), BackendError, "a fault of the library");
  const cpu = sumsBackend({
    compiler: (jaxpr, { large }) => {
      const module = new Module();
      const run = module.add(new Fn([I32]).op(UNREACHABLE));
      return { ...compileSums(jaxpr, large), bytes: module.encode({ run }) };
    },
  });
  const f = cpu.compile(jaxpr, "f");
  for (let i = 0; i < 2; i++) {
    assertThrows(() => f.run([array([1, 2], [2])]), BackendError, "a fault of the library");
  }
});

const UNREACHABLE = 0x00;

/** An engine that differs from the one there is. */
function engine(changes: Partial<Engine>): Engine {
  const { validate, Module, Instance, Memory } = WebAssembly;
  return { validate, Module, Instance, Memory, ...changes };
}

/** Runs `f` and gives what it warned of. */
function warnings(f: () => void): string[] {
  const said: string[] = [];
  const { warn } = console;
  console.warn = (message: string) => said.push(message);
  try {
    f();
  } finally {
    console.warn = warn;
  }
  return said;
}

const forbidden = class {
  constructor() {
    throw new WebAssembly.CompileError("Wasm code generation disallowed by embedder");
  }
} as unknown as typeof WebAssembly.Module;

const hosts: Readonly<Record<string, readonly [Engine | null, string]>> = {
  "no WebAssembly": [null, "this host has no WebAssembly"],
  "WebAssembly without SIMD": [
    engine({ validate: () => false }),
    "this host's WebAssembly has no SIMD instructions",
  ],
  "a policy that forbids to compile": [engine({ Module: forbidden }), "'wasm-unsafe-eval'"],
};

for (const [what, [host, missing]] of Object.entries(hosts)) {
  Deno.test(`on a host with ${what}, functions are interpreted, which is said once`, async () => {
    const cpu = sumsBackend({ engine: host });
    const said = warnings(() => {
      for (let i = 0; i < 3; i++) {
        const f = cpu.compile(program((x) => [neg(x)], f32(2)), "f");
        assertEquals(f.run([array([1, 2], [2])])[0]!.toArray(), [-1, -2]);
      }
    });
    assertEquals(said.length, 1);
    assert(said[0]!.startsWith('injax: "cpu" interprets functions'), said[0]!);
    assert(said[0]!.includes(missing), said[0]!);
    const error = await assertRejects(() => cpu.load(), BackendError);
    assert(error.message.includes('"cpu" cannot be loaded'), error.message);
    assert(error.message.includes(missing), error.message);
  });
}

/** The interpreter, not loaded at first. */
function sleeping(): Backend & { loads: number } {
  return {
    ...interpreter,
    name: "other",
    loads: 0,
    ready: false,
    compile: (jaxpr, name): Executable => interpreter.compile(jaxpr, name),
    load(this: { loads: number; ready: boolean }) {
      this.loads++;
      return new Promise((resolve) =>
        setTimeout(() => {
          this.ready = true;
          resolve();
        }, 5)
      );
    },
  };
}

Deno.test("a program with a primitive that cannot be compiled runs elsewhere, which is said once", async () => {
  const other = sleeping();
  const cpu = sumsBackend({ other });
  const jaxpr = program((x) => [neg(add(x, x))], f32(2));
  let f!: Executable;
  const said = warnings(() => {
    f = cpu.compile(jaxpr, "f");
    cpu.compile(jaxpr, "f");
  });
  assertEquals(said, [
    'injax: "cpu" cannot compile the primitive neg, so functions with it run on "other"',
  ]);
  const [late] = f.run([array([1, 2], [2])]);
  assert(!late!.ready);
  assertEquals(await elements([late!]), [[-2, -4]]);
  assertEquals(f.run([array([2, 3], [2])])[0]!.toArray(), [-4, -6]);
  assertEquals(other.loads, 1);
});

Deno.test("an error of the compiler that is about no primitive is thrown as it is", () => {
  const cpu = sumsBackend({
    compiler: () => {
      throw new RangeError("too deep");
    },
  });
  assertThrows(() => cpu.compile(program((x) => [x], f32(2)), "f"), RangeError, "too deep");
});

Deno.test("where a module is too long to be compiled at once, results are in flight until it is", async () => {
  const { Module } = WebAssembly;
  const short = class {
    constructor(bytes: Uint8Array<ArrayBuffer>) {
      if (bytes.length > 120) {
        throw new RangeError("WebAssembly.Compile is disallowed on the main thread");
      }
      return new Module(bytes);
    }
  } as unknown as typeof WebAssembly.Module;
  const cpu = sumsBackend({ engine: engine({ Module: short }) });
  const f = cpu.compile(program((x) => [add(x, x), mul(x, x)], f32(2)), "f");
  const outs = f.run([array([1, 3], [2])]);
  assertEquals(await elements(outs), [[2, 6], [1, 9]]);
  assertEquals(f.run([array([2, 2], [2])])[0]!.toArray(), [4, 4]);
});
