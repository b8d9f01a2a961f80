/**
 * The name that a module has by its class. Parameters are saved under it and drawn by it, so it must
 * be the same in every build of a program, which the name that a class has at run time is not:
 * minifiers shorten it, and bundlers change it where two files use it.
 *
 * @module
 */
import { describeValue } from "../../lib/extend.ts";
import { StateError } from "../../mod.ts";

/** What is seen of a class. */
type Class = abstract new (...args: never[]) => unknown;

const names = new WeakMap<Class, string>();

/**
 * The class's own `static moduleName`, or its name in snake case. A base class's `moduleName` does not
 * count.
 *
 * @throws {StateError} where the static name is not an identifier, and where there is no static name and
 * the class's name looks as if a bundler or minifier had given it.
 */
export function classModuleName(made: Class): string {
  let name = names.get(made);
  if (name === undefined) names.set(made, name = fixedName(made) ?? nameOfClass(made));
  return name;
}

/**
 * The name of modules that are made of a function: the function's, in snake case.
 *
 * @throws {StateError} where that is none, or so short that a minifier may have given it.
 */
export function functionModuleName({ name }: { readonly name: string }): string {
  const base = snakeCase(name);
  if (name.length > 2 && !name.includes("$") && isModuleName(base)) return base;
  throw new StateError(
    `hk.toModule: a function has the name ${JSON.stringify(name)}, which ${
      name.length > 2 ? "is not one for a module" : "may be one that a minifier gave"
    }. Parameters are saved by the names of modules: give it, new Block("block")`,
  );
}

/** Whether a string can be part of a path. */
export function isModuleName(name: unknown): name is string {
  return typeof name === "string" && /^[A-Za-z_]\w*$/.test(name) && name !== "__proto__";
}

function fixedName(made: Class): string | undefined {
  if (!Object.hasOwn(made, "moduleName")) return undefined;
  const { moduleName } = made as { moduleName?: unknown };
  if (moduleName === undefined || isModuleName(moduleName)) return moduleName;
  throw new StateError(
    `hk.Module: the static moduleName of class ${made.name} is ${
      describeValue(moduleName)
    }, which is not a name: use letters, digits and underscores`,
  );
}

function nameOfClass(made: Class): string {
  if (looksChanged(made.name, Function.prototype.toString.call(made))) {
    throw new StateError(
      `hk.Module: a class has the name ${
        JSON.stringify(made.name)
      }, which looks as if a minifier or a bundler had given it. Parameters are saved by the names of ` +
        "modules, and these must be the same in every build: give the class a name that stays, as in " +
        'static moduleName = "my_block", or give each module one, super("my_block")',
    );
  }
  if (made.name === "") return "module";
  // esbuild calls a class _Block inside where it refers to itself.
  const base = snakeCase(made.name.replace(/^_/, ""));
  if (!isModuleName(base)) {
    throw new StateError(
      `hk.Module: the class's name ${
        JSON.stringify(made.name)
      } is not a name for a module, which has ` +
        'letters, digits and underscores: add one to the class, as in static moduleName = "my_block"',
    );
  }
  return base;
}

/** Whether a class's name may be another than the one that its author wrote. `text` is its source. */
function looksChanged(name: string, text: string): boolean {
  // Minifiers give out one and two characters first, and drop names that nothing reads. By the time
  // they need three, as "MLP" has, the text shows them: it has no space before its brace.
  const minified = /^class\b[^{\n]*[^\s{]\{\S/.test(text);
  if (name.length <= 3 && minified) return true;
  if (name.length === 1 || name.length === 2) return true;
  // Two classes of one name are Block and Block2 in esbuild's bundles, Block$1 in Rollup's; Babel and
  // TypeScript have Block_1. esbuild makes all its classes expressions, so that one which the author
  // numbered is told by its declaration.
  if (/\$|_\d+$/.test(name)) return true;
  return /\d$/.test(name) && /^class\s*(?:extends\b|\{)/.test(text);
}

function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1_$2")
    .toLowerCase();
}
