/**
 * Loops over typed arrays that compute scalar expressions, in JavaScript: the eager operations.
 *
 * A loop is code made from the expression, which the engine compiles as if it had been written by
 * hand. Where a content security policy forbids code from strings, `interpret.ts` gives the same
 * results. Owns the text of such loops; how elements of broadcast operands are walked belongs to
 * the caller.
 *
 * @module
 */
import type { DType, TypedArray } from "../core/dtype.ts";
import { type Elementwise, type Expr, type Graph, type Loop, reachable, scalarOf } from "./expr.ts";
import { float64Words, interpreted, nearestEven, saturate } from "./interpret.ts";

/** A loop that computes an elementwise operation on operands of these element types. */
export function elementwiseLoop(f: Elementwise, operands: readonly DType[]): Loop {
  const scalar = scalarOf(f, operands);
  return compiled(scalar) ?? interpreted(scalar);
}

let allowed = true;

/** The loop as code; `null` where that is forbidden. */
function compiled(scalar: Graph): Loop | null {
  if (!allowed) return null;
  const { source, tables } = loopSource(scalar);
  try {
    const make = new Function("tables", "nearest", "toI32", "toU32", "powers", source);
    const lookup = source.includes("powers[") ? powers() : null;
    return make(tables, nearestEven, toI32, toU32, lookup) as Loop;
  } catch (error) {
    if (error instanceof SyntaxError) throw error;
    allowed = false;
    return null;
  }
}

const toI32 = /* @__PURE__ */ saturate("i32");
const toU32 = /* @__PURE__ */ saturate("u32");

let powersOfTwo: Float64Array | null = null;

/** The float64 whose upper word is `i << 20` and whose lower word is 0, at `i`. */
function powers(): Float64Array {
  if (powersOfTwo === null) {
    powersOfTwo = new Float64Array(4096);
    const words = new Int32Array(powersOfTwo.buffer);
    for (let i = 0; i < 4096; i++) words[2 * i + float64Words.high] = i << 20;
  }
  return powersOfTwo;
}

// ---------------------------------------------------------------- text

/** Operations with fewer nodes have a loop for each way of broadcasting. */
const SHORT = 8;

/** The body of a function that gives the loop, and the tables that it reads. */
export function loopSource(scalar: Graph): {
  readonly source: string;
  readonly tables: readonly TypedArray[];
} {
  const { e, inputs, results } = scalar;
  const live = reachable(e, results);
  const tables: TypedArray[] = [];
  const outs = results.map((_, i) => `y${i}`);
  const params = inputs.flatMap((_, i) => [`a${i}`, `i${i}`, `s${i}`]);
  const apart = new Map<Graph, FunctionApart>();
  const body = statements(live, results, tables, apart);
  const stores = (at: string): string =>
    results.map((r, i) => `y${i}[${at}]=${nameOf(r)}${r.ty === "bool" ? "?1:0" : ""};`).join("");
  const loop = (steps: readonly (0 | 1 | null)[], origin = false): string => {
    const load = inputs.map((ty, i) => {
      const at = steps[i] === 1
        ? `a${i}[${origin ? "" : `i${i}+`}k]`
        : steps[i] === 0
        ? `b${i}`
        : `a${i}[p${i}]`;
      return `const x${i}=${ty === "bool" && steps[i] !== 0 ? `${at}!==0` : at};`;
    });
    const once = inputs.map((ty, i) =>
      steps[i] === 0 ? `const b${i}=a${i}[i${i}]${ty === "bool" ? "!==0" : ""};` : ""
    );
    const walk = inputs.map((_, i) => steps[i] === null ? `,p${i}=i${i}` : "").join("");
    const next = inputs.map((_, i) => steps[i] === null ? `,p${i}+=s${i}` : "").join("");
    return `${once.join("")}for(let k=0${walk};k<n;k++${next}){${load.join("")}${body}${
      stores(origin ? "k" : "o+k")
    }}`;
  };
  let text: string;
  if (inputs.length === 1) text = loop([1]);
  else if (inputs.length !== 2 || live.length > SHORT) text = loop(inputs.map(() => null));
  else {
    // Without additions in the addresses the loop is faster.
    text = `if(s0===1&&s1===1){if(o===0&&i0===0&&i1===0){${loop([1, 1], true)}}else{${
      loop([1, 1])
    }}}else if(s0===1){${loop([1, 0])}}else if(s1===1){${loop([0, 1])}}else{${loop([0, 0])}}`;
  }
  const prelude = "const F=new Float64Array(1),W=new Int32Array(F.buffer)," +
    "S=new Float32Array(1),B=new Int32Array(S.buffer);";
  const constants = tables.map((_, i) => `const T${i}=tables[${i}];`).join("");
  const head = `function(o,n,${[...outs, ...params].join()})`;
  const functions = [...apart.values()].map(({ text }) => text).join("");
  return {
    source: `"use strict";${prelude}${constants}${functions}return ${head}{${text}}`,
    tables,
  };
}

/** A function that is seldom called, which leaves its results in variables. */
interface FunctionApart {
  readonly name: string;
  text: string;
}

/** The function of a graph; where it was called with these operands just before, its results are there. */
function functionApart(
  graph: Graph,
  tables: TypedArray[],
  apart: Map<Graph, FunctionApart>,
): FunctionApart {
  const known = apart.get(graph);
  if (known !== undefined) return known;
  const { e, inputs, results } = graph;
  const f = { name: `A${apart.size}`, text: "" };
  apart.set(graph, f);
  const { name } = f;
  const body = statements(reachable(e, results), results, tables, apart);
  const variables = [
    ...inputs.map((_, i) => `${name}x${i}`),
    ...results.map((_, i) => `${name}y${i}`),
  ];
  const same = inputs.map((_, i) => `Object.is(x${i},${name}x${i})`).join("&&");
  const keep = inputs.map((_, i) => `${name}x${i}=x${i};`).join("");
  const leave = results.map((r, i) => `${name}y${i}=${nameOf(r)};`).join("");
  const parameters = inputs.map((_, i) => `x${i}`).join();
  f.text = `let ${variables.join()};function ${name}(${parameters})` +
    `{if(${same})return;${keep}${body}${leave}}`;
  return f;
}

/** Exclusive nodes from which on a side of a choice is computed only where it is chosen. */
const COSTLY = 6;

/** A part of the code that runs under a condition. */
interface Block {
  readonly parent: Block | null;
  readonly depth: number;
  readonly nodes: Expr[];
}

function common(a: Block | undefined, b: Block): Block {
  if (a === undefined) return b;
  while (a !== b) {
    if (a!.depth >= b.depth) a = a!.parent!;
    else b = b.parent!;
  }
  return b;
}

/** Choices under one condition that are made together, and the blocks of their sides. */
interface Choice {
  readonly members: Expr[];
  readonly sides: readonly [Block, Block];
}

/**
 * For each choice, the first under its condition after all that either reads: they can be made
 * there.
 */
function leaders(live: readonly Expr[]): ReadonlyMap<Expr, Expr> {
  const leader = new Map<Expr, Expr>();
  const latest = new Map<Expr, Expr>();
  for (const node of live) {
    if (node.op !== "select") continue;
    const condition = node.args[0]!;
    const first = latest.get(condition);
    if (first !== undefined && node.args.every((a) => a.id < first.id)) leader.set(node, first);
    else {
      latest.set(condition, node);
      leader.set(node, node);
    }
  }
  return leader;
}

/** Puts nodes that only one side of choices reads into a block of that side. */
function placed(live: readonly Expr[], results: readonly Expr[]): {
  readonly top: Block;
  readonly choices: ReadonlyMap<Expr, Choice>;
} {
  const leader = leaders(live);
  if (leader.size === 0) {
    return { top: { parent: null, depth: 0, nodes: live.toReversed() }, choices: new Map() };
  }
  const place = (lazy: (node: Expr) => boolean): ReturnType<typeof placed> => {
    const top: Block = { parent: null, depth: 0, nodes: [] };
    const choices = new Map<Expr, Choice>();
    const home = new Map<Expr, Block>(results.map((r) => [r, top]));
    const members = new Map<Expr, Expr[]>();
    const use = (node: Expr, block: Block): void => {
      home.set(node, common(home.get(node), block));
    };
    // Users come after what they use.
    for (const node of live.toReversed()) {
      const first = leader.get(node);
      if (first === undefined || !lazy(first)) {
        const block = home.get(node)!;
        block.nodes.push(node);
        for (const a of node.args) use(a, block);
        continue;
      }
      const group = members.get(first) ?? [];
      members.set(first, [node, ...group]);
      if (node !== first) {
        use(first, home.get(node)!);
        continue;
      }
      const block = home.get(node)!;
      block.nodes.push(node);
      const side = (): Block => ({ parent: block, depth: block.depth + 1, nodes: [] });
      const sides = [side(), side()] as const;
      choices.set(node, { members: members.get(first)!, sides });
      use(node.args[0]!, block);
      for (const member of members.get(first)!) {
        use(member.args[1]!, sides[0]);
        use(member.args[2]!, sides[1]);
      }
    }
    return { top, choices };
  };
  const { choices } = place(() => true);
  const weight = (block: Block): number =>
    block.nodes.reduce((n, node) => {
      const inner = choices.get(node)?.sides;
      return n + 1 + (inner ? weight(inner[0]) + weight(inner[1]) : 0);
    }, 0);
  const worth = new Set(
    [...choices].filter(([, { sides: [a, b] }]) => weight(a) >= COSTLY || weight(b) >= COSTLY)
      .map(([node]) => node),
  );
  return place((node) => worth.has(node));
}

/** Statements that compute the results. */
function statements(
  live: readonly Expr[],
  results: readonly Expr[],
  tables: TypedArray[],
  apart: Map<Graph, FunctionApart>,
): string {
  const { top, choices } = placed(live, results);
  const known = new Map<readonly number[], number>();
  const tableOf = (node: Expr): number => {
    let i = known.get(node.table!);
    if (i === undefined) {
      i = tables.length;
      tables.push(
        node.ty === "f64" ? new Float64Array(node.table!) : new Float32Array(node.table!),
      );
      known.set(node.table!, i);
    }
    return i;
  };
  const rare = (node: Expr): string => {
    const [condition, usual, ...operands] = node.args as [Expr, Expr, ...Expr[]];
    const graph = node.apart!.graph(operands.map(({ ty }) => ty));
    const { name } = functionApart(graph, tables, apart);
    const call = `${name}(${operands.map(nameOf)})`;
    const [own, result] = [`v${node.id}`, `${name}y${node.imm}`];
    return `let ${own}=${nameOf(usual)};if(${nameOf(condition)}){${call};${own}=${result};}`;
  };
  const emit = (block: Block): string =>
    block.nodes.toReversed().map((node) => {
      const choice = choices.get(node);
      if (node.op === "rare") return rare(node);
      if (choice === undefined) {
        return isLeaf(node) ? "" : `const v${node.id}=${rounded(node, textOf(node, tableOf))};`;
      }
      const { members, sides } = choice;
      const side = (i: 0 | 1): string =>
        `{${emit(sides[i])}${members.map((m) => `v${m.id}=${nameOf(m.args[i + 1]!)};`).join("")}}`;
      const names = members.map((m) => `v${m.id}`).join();
      return `let ${names};if(${nameOf(node.args[0]!)})${side(0)}else${side(1)}`;
    }).join("");
  return emit(top);
}

function isLeaf({ op }: Expr): boolean {
  return op === "input" || op === "const" || op === "index";
}

function nameOf(node: Expr): string {
  if (node.op === "input") return `x${node.imm}`;
  if (node.op === "index") return "(o+k)";
  if (node.op !== "const") return `v${node.id}`;
  if (node.ty === "bool") return node.imm ? "true" : "false";
  const text = Object.is(node.imm, -0) ? "-0" : String(node.imm);
  return text.startsWith("-") ? `(${text})` : text;
}

/** Operations whose result in double precision is not one in single precision yet. */
const INEXACT = new Set(["add", "sub", "mul", "div", "sqrt"]);

/** A value of the node's type from that of the operation in double precision. */
function rounded(node: Expr, text: string): string {
  if (node.ty === "f32" && INEXACT.has(node.op)) return `Math.fround(${text})`;
  if (node.ty === "i32" && (INEXACT.has(node.op) || node.op === "neg")) return `(${text})|0`;
  if (node.ty === "u32" && WRAPPING.has(node.op)) return `(${text})>>>0`;
  return text;
}

const WRAPPING = new Set(["add", "sub", "mul", "div", "neg", "not", "and", "or", "xor", "shl"]);

const SIGNS: Readonly<Record<string, string>> = {
  add: "+",
  sub: "-",
  eq: "===",
  ne: "!==",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
  shl: "<<",
};

function textOf(node: Expr, tableOf: (node: Expr) => number): string {
  const [a, b, c] = node.args.map(nameOf) as [string, string, string];
  const from = node.args[0]!.ty;
  const isBool = from === "bool";
  const isFloat = node.ty === "f32" || node.ty === "f64";
  switch (node.op) {
    case "table":
      return `T${tableOf(node)}[${a}]`;
    case "neg":
      return `-${a}`;
    case "abs":
      return node.ty === "i32" ? `Math.abs(${a})|0` : `Math.abs(${a})`;
    case "sqrt":
    case "ceil":
    case "floor":
    case "trunc":
      return `Math.${node.op}(${a})`;
    case "nearest":
      return `nearest(${a})`;
    case "not":
      return isBool ? `!${a}` : `~${a}`;
    case "mul":
      return isFloat ? `${a}*${b}` : `Math.imul(${a},${b})`;
    case "div":
      return isFloat ? `${a}/${b}` : `${b}===0?-1:${a}/${b}`;
    case "rem":
      return isFloat ? `${a}%${b}` : `${b}===0?${a}:${a}%${b}${node.ty === "i32" ? "|0" : ""}`;
    case "min":
    case "max":
      return isBool ? `${a}${node.op === "min" ? "&&" : "||"}${b}` : `Math.${node.op}(${a},${b})`;
    case "and":
      return isBool ? `${a}&&${b}` : `${a}&${b}`;
    case "or":
      return isBool ? `${a}||${b}` : `${a}|${b}`;
    case "xor":
      return isBool ? `${a}!==${b}` : `${a}^${b}`;
    case "shr":
      return `${a}${node.ty === "u32" ? ">>>" : ">>"}${b}`;
    case "select":
      return `${a}?${b}:${c}`;
    case "convert":
      if (isBool) return `${a}?1:0`;
      if (isFloat) return node.ty === "f32" && from !== "f32" ? `Math.fround(${a})` : a;
      if (from === "f32" || from === "f64") return `${node.ty === "i32" ? "toI32" : "toU32"}(${a})`;
      return node.ty === "i32" ? `${a}|0` : `${a}>>>0`;
    case "bits":
      return `(S[0]=${a},B[0])`;
    case "fromBits":
      return `(B[0]=${a},S[0])`;
    case "high":
    case "low":
      return `(F[0]=${a},W[${float64Words[node.op]}])`;
    case "fromWords": {
      const [high, low] = node.args as [Expr, Expr];
      // A word stored and a number read is slow; powers of two are looked up.
      if (low.op === "const" && low.imm === 0 && high.op === "shl") {
        const [value, count] = high.args as [Expr, Expr];
        if (count.op === "const" && count.imm === 20) return `powers[${nameOf(value)}&4095]`;
      }
      return `(W[${float64Words.high}]=${a},W[${float64Words.low}]=${b},F[0])`;
    }
    default:
      return `${a}${SIGNS[node.op]}${b}`;
  }
}

/** The loop without code from strings, for tests. */
export function interpretedLoop(f: Elementwise, operands: readonly DType[]): Loop {
  return interpreted(scalarOf(f, operands));
}
