/**
 * Examples in documentation, run as their reader would run them, and held to what they show: the
 * comment behind or below a `console.log` is what it prints, and a block marked `ts ignore` stops
 * with the error in its last comment.
 *
 * `deno test --doc` checks the types of the same blocks; it does not look at comments.
 *
 * @module
 */
import { stripTypeScriptTypes } from "node:module";

/** One block of code in a documentation. */
export interface Example {
  /** Line of its first line of code in its file, from 1. */
  readonly line: number;
  /** Its code. */
  readonly code: string;
  /** Whether it shows an error. */
  readonly fails: boolean;
}

/** What a program shows that it prints. */
interface Shown {
  /** Line of the comment, from 0. */
  readonly line: number;
  /** The comment, without its slashes. */
  readonly text: string;
}

const fence = /^```(.*)$/;

/** The TypeScript blocks of a Markdown file, or of the JSDoc comments of a source file. */
export function examplesOf(path: string, text: string): readonly Example[] {
  const lines = text.split("\n").map((line) =>
    // In a source file only the lines of comments count.
    path.endsWith(".md") ? line : /^\s*\*( |$)/.test(line) ? line.replace(/^\s*\* ?/, "") : null
  );
  const found: Example[] = [];
  let open: { info: string; line: number; code: string[] } | null = null;
  lines.forEach((line, i) => {
    const [, info] = line === null ? [] : fence.exec(line) ?? [];
    if (info === undefined || line === null) open?.code.push(line ?? "");
    else if (open === null) open = { info, line: i + 2, code: [] };
    else {
      const [language, ...words] = open.info.split(" ");
      if (language === "ts" && !words.includes("fragment")) {
        found.push({
          line: open.line,
          code: open.code.join("\n"),
          fails: words.includes("ignore"),
        });
      }
      open = null;
    }
  });
  return found;
}

/** Where the call that begins at a parenthesis ends, past its closing parenthesis. */
function callEnd(code: string, from: number): number {
  let depth = 0;
  for (let i = from; i < code.length; i++) {
    const c = code[i]!;
    if (c === '"' || c === "'" || c === "`") {
      for (i++; code[i] !== c; i++) if (code[i] === "\\") i++;
    } else if (c === "(") depth++;
    else if (c === ")" && --depth === 0) return i + 1;
  }
  throw new Error(`a parenthesis that is not closed: ${code.slice(from)}`);
}

/** The comments behind, or else below, the program's calls of `console.log`. */
function shownBy(code: string): readonly Shown[] {
  const shown: Shown[] = [];
  for (const { index } of code.matchAll(/console\.log\(/g)) {
    const end = callEnd(code, index + "console.log".length);
    const [rest, ...below] = code.slice(end).split("\n");
    const line = code.slice(0, end).split("\n").length - 1;
    const behind = /^;?\s*\/\/ ?(.*)$/.exec(rest!);
    if (behind !== null) shown.push({ line, text: behind[1]! });
    else if (/^;?$/.test(rest!)) {
      const more = below.findIndex((l) => !/^\s*\/\//.test(l));
      const comments = below.slice(0, more < 0 ? below.length : more);
      if (comments.length > 0) {
        const text = comments.map((l) => l.replace(/^\s*\/\/ ?/, "")).join("\n");
        shown.push({ line: line + comments.length, text });
      }
    }
  }
  return shown;
}

/** The lines of comments that a program ends with, or the comment behind its last line. */
function lastComment(code: string): string {
  const lines = code.trim().split("\n");
  const from = lines.findLastIndex((l) => !/^\s*\/\//.test(l)) + 1;
  return lines.slice(Math.min(from, lines.length - 1)).map((l) => l.replace(/^.*?\/\/ ?/, ""))
    .join(" ");
}

const plain = (text: string): string => text.trim().replace(/\s+/g, " ");

/**
 * Whether a comment shows a text: it is the text, in which `...` stands for what is left out, and
 * remarks may follow behind a comma, a colon or a semicolon.
 */
export function shows(comment: string, text: string): boolean {
  const whole = plain(comment);
  const cuts = [...whole.matchAll(/[,:;] (?=[A-Za-z`(])/g)].map(({ index }) => index);
  return [...cuts, whole.length].some((cut) => {
    const claim = whole.slice(0, cut);
    if (claim.replaceAll("...", "").trim() === "") return plain(text) === "" && claim === "";
    const parts = claim.split("...").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
    return new RegExp(`^${parts.join(".*")}$`).test(plain(text));
  });
}

/** As `console.log` writes. */
const written = (values: readonly unknown[]): string =>
  values.map((v) => typeof v === "string" ? v : Deno.inspect(v, { colors: false })).join(" ");

/** What a program printed with the line of each call, and what it threw. */
interface Outcome {
  readonly printed: readonly Shown[];
  readonly error: unknown;
}

const printer = "printOfExample";

/** The program as a module to import, which prints by way of `printer`. */
function moduleOf(code: string): string {
  const program = code.split("\n")
    .map((text, line) => text.replaceAll("console.log(", `${printer}(${line})(`))
    .join("\n");
  // The time makes each run of the same text a module of its own.
  const end = `\n// ${performance.now()}\nexport {};`;
  // What takes out types leaves decorators, which engines do not know yet.
  if (/^\s*@/m.test(program)) {
    return `data:application/typescript,${encodeURIComponent(program + end)}`;
  }
  // Without its types, since these would be checked for each program by itself, which takes seconds.
  const source = stripTypeScriptTypes(program, { mode: "transform" }) + end;
  return `data:application/javascript,${encodeURIComponent(source)}`;
}

/** Runs a program. */
async function run(code: string): Promise<Outcome> {
  const printed: Shown[] = [];
  const scope = globalThis as unknown as Record<string, unknown>;
  // What the library prints comes before what the program prints next.
  const before: string[] = [];
  const take = (): string[] => before.splice(0);
  scope[printer] = (line: number) => (...values: readonly unknown[]) =>
    void printed.push({ line, text: [...take(), written(values)].join("\n") });
  const { log } = console;
  console.log = (...values: readonly unknown[]) => void before.push(written(values));
  const outcome = (error: unknown): Outcome => {
    const rest = take();
    if (rest.length > 0) printed.push({ line: Infinity, text: rest.join("\n") });
    return { printed, error };
  };
  try {
    await import(moduleOf(code));
    return outcome(undefined);
  } catch (error) {
    return outcome(error);
  } finally {
    delete scope[printer];
    console.log = log;
  }
}

/** What is wrong with an example; empty where it does what it shows. */
export async function faults({ code, fails, line }: Example): Promise<readonly string[]> {
  const at = (i: number): string => `line ${line + i}: `;
  const { printed, error } = await run(code);
  const shown = shownBy(code);
  const found: string[] = [];
  let done = -1;
  for (const { line: end, text } of shown) {
    const actual = printed.filter(({ line }) => line > done && line <= end).map(({ text }) => text);
    if (!shows(text, actual.join("\n"))) {
      found.push(`${at(end)}shows ${text}\nbut prints ${actual.join("\n")}`);
    }
    done = end;
  }
  for (const { line, text } of printed) {
    if (line > done) found.push(`${at(line)}prints this, and does not show it: ${text}`);
  }
  const last = code.trim().split("\n").length - 1;
  if (fails) {
    const claim = lastComment(code);
    if (error === undefined) found.push(`${at(last)}shows an error, and none is thrown`);
    else if (!/^\w+Error: /.test(claim)) found.push(`${at(last)}shows no error; it is ${error}`);
    else if (!shows(claim, String(error))) {
      found.push(`${at(last)}shows ${claim}\nbut throws ${error}`);
    }
  } else if (error !== undefined) {
    found.push(`${at(last)}throws ${error instanceof Error ? error.stack : error}`);
  }
  return found;
}
