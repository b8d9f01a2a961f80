/**
 * Random routines: loops, vector loops, choices and arithmetic on arrays, with indices in range.
 *
 * @module
 */
import { type DType, isFloat } from "../../lib/core/dtype.ts";
import type { Random } from "./random.ts";

/** The text of a routine `f(in x: T[n], in y: T[n], out z: T[n], out t: Wide[n], n)`. */
export function randomRoutine(random: Random, dtype: DType): string {
  return new Writer(random, dtype).text();
}

class Writer {
  /** Locals in sight, with their types. */
  #scope: { readonly name: string; readonly type: string }[] = [];
  #count = 0;

  constructor(readonly random: Random, readonly dtype: DType) {}

  text(): string {
    const body = this.#block(3, "for", []);
    return `f(in x: T[n], in y: T[n], out z: T[n], out t: Wide[n], n) {
  for i in 0..n {
    z[i] = x[i]
    t[i] = Wide(y[i])
  }
${body}
}`;
  }

  #pick<E>(list: readonly E[]): E {
    return list[Math.floor(this.random.next() * list.length)]!;
  }

  #fresh(): string {
    return `v${this.#count++}`;
  }

  /** Statements; `counters` are locals in the range of the arrays. */
  #block(depth: number, kind: "for" | "vector", counters: readonly string[]): string {
    const outer = this.#scope;
    this.#scope = [...outer];
    const statements = Array.from(
      { length: 1 + Math.floor(this.random.next() * 3) },
      () => this.#statement(depth, kind, counters),
    );
    this.#scope = outer;
    return statements.join("\n");
  }

  #statement(depth: number, kind: "for" | "vector", counters: readonly string[]): string {
    const choices = ["let"];
    if (counters.length > 0) choices.push("store", "store", "store");
    if (kind === "for" && depth > 0) choices.push("for", "vector", "if", "sum");
    if (kind === "for" && this.#scope.length > 0) choices.push("set");
    const type = this.#pick(["T", "Wide"]);
    const at = this.#pick(counters);
    switch (this.#pick(choices)) {
      case "let": {
        const value = this.#value(type, 3, counters);
        const name = this.#fresh();
        this.#scope.push({ name, type });
        return `let ${name}: ${type} = ${value}`;
      }
      case "set": {
        const local = this.#pick(this.#scope);
        return `${local.name} = ${this.#value(local.type, 3, counters)}`;
      }
      case "store":
        return type === "T"
          ? `z[${at}] ${this.#pick(["=", "=", "+="])} ${this.#value("T", 3, counters)}`
          : `t[${at}] = ${this.#value("Wide", 3, counters)}`;
      case "for": {
        const i = this.#fresh();
        const range = this.#pick(["0..n", "0..n down", "0..n by 2", "n / 3..n", "0..n down by 3"]);
        return `for ${i} in ${range} {\n${this.#block(depth - 1, "for", [...counters, i])}\n}`;
      }
      case "vector": {
        const i = this.#fresh();
        const from = this.#pick(["0", "n / 2", "1"]);
        return `vector ${i} in ${from}..n {\n${this.#block(depth - 1, "vector", [i])}\n}`;
      }
      case "if": {
        const test = this.#test(counters, 2);
        const otherwise = this.#pick(["", ` else {\n${this.#block(depth - 1, kind, counters)}\n}`]);
        return `if ${test} {\n${this.#block(depth - 1, kind, counters)}\n}${otherwise}`;
      }
      default: {
        // Sums of integers are the same in any order, of floats where there is one element.
        const [i, name] = [this.#fresh(), this.#fresh()];
        const end = isFloat(this.dtype) ? "min(n, 1)" : "n";
        const value = this.#value("T", 2, [i]);
        this.#scope.push({ name, type: "T" });
        return `let ${name} = sum(${i} in 0..${end}: ${value})`;
      }
    }
  }

  #test(counters: readonly string[], depth: number): string {
    const type = this.#pick(["T", "Wide"]);
    const pair = [this.#value(type, 1, counters), this.#value(type, 1, counters)];
    const simple = `(${pair.join(` ${this.#pick(["<", "<=", ">", ">=", "==", "!="])} `)})`;
    if (depth === 0 || this.random.next() < 0.5) return simple;
    const other = this.#test(counters, depth - 1);
    return this.#pick([`(${simple} and ${other})`, `(${simple} or ${other})`, `not ${other}`]);
  }

  #value(type: string, depth: number, counters: readonly string[]): string {
    if (depth === 0 || this.random.next() < 0.2) return this.#leaf(type, counters);
    const value = (): string => this.#value(type, depth - 1, counters);
    const float = isFloat(this.dtype);
    const forms = [
      () => `(${value()} ${this.#pick(["+", "-", "*"])} ${value()})`,
      () => `select(${this.#test(counters, 1)}, ${value()}, ${value()})`,
      () => `${this.#pick(["min", "max"])}(${value()}, ${value()})`,
      () =>
        type === "T"
          ? `T(${this.#value("Wide", depth - 1, counters)})`
          : this.#leaf(type, counters),
      () => type === "Wide" ? `Wide(${this.#value("T", depth - 1, counters)})` : value(),
    ];
    if (float) {
      forms.push(() =>
        `${this.#pick(["sqrt", "abs", "floor", "ceil", "nearest", "-"])}(${value()})`
      );
      forms.push(() => `(${value()} / ${value()})`);
    } else {
      forms.push(() => `(${value()} ${this.#pick(["&", "|", "^"])} ${value()})`);
    }
    return this.#pick(forms)();
  }

  #leaf(type: string, counters: readonly string[]): string {
    const at = this.#pick(counters);
    const locals = this.#scope.filter((l) => l.type === type).map((l) => l.name);
    const choices = [`${type}(${Math.floor(this.random.next() * 5)})`, ...locals];
    if (at !== undefined) {
      choices.push(...type === "T" ? [`x[${at}]`, `y[${at}]`, `z[${at}]`] : [`t[${at}]`]);
    }
    return this.#pick(choices);
  }
}
