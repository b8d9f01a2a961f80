/**
 * The structure of a pytree, and the paths to its leaves. Structures are made and interned by `tree.ts`.
 *
 * The steps of a path into a pytree, as in `jax.tree_util`, and paths as text. They are written as one writes
 * them in JavaScript: `.layers[0].w`, `["odd key"]`.
 *
 * @module
 */
import { showAsText, Shown } from "./display.ts";
import { checkCall } from "./signature.ts";

/** A step into a plain object, by key. */
export class DictKey extends Shown {
  /** Makes the step to `key`. */
  constructor(
    /** The key. */
    readonly key: string,
  ) {
    super();
    if (arguments.length > 1) checkCall("new DictKey(key)", arguments);
  }
  /** `.key`, or `["odd key"]`. */
  override toString(): string {
    return member(this.key);
  }
}

/** A step into an array, by position. */
export class SequenceKey extends Shown {
  /** Makes the step to position `idx`. */
  constructor(
    /** The position. */
    readonly idx: number,
  ) {
    super();
    if (arguments.length > 1) checkCall("new SequenceKey(idx)", arguments);
  }
  /** `[0]`. */
  override toString(): string {
    return `[${this.idx}]`;
  }
}

/** A step into an instance of a registered class, by the name of a child. */
export class GetAttrKey extends Shown {
  /** Makes the step to `name`. */
  constructor(
    /** The name. */
    readonly name: string,
  ) {
    super();
    if (arguments.length > 1) checkCall("new GetAttrKey(name)", arguments);
  }
  /** `.name`. */
  override toString(): string {
    return member(this.name);
  }
}

/** A step into a node whose children have numbers alone. */
export class FlattenedIndexKey extends Shown {
  /** Makes the step to child `key`. */
  constructor(
    /** The number of the child. */
    readonly key: number,
  ) {
    super();
    if (arguments.length > 1) checkCall("new FlattenedIndexKey(key)", arguments);
  }
  /** `[<flat index 0>]`. */
  override toString(): string {
    return `[<flat index ${this.key}>]`;
  }
}

/** A step of a path into a tree. */
export type KeyEntry = DictKey | SequenceKey | GetAttrKey | FlattenedIndexKey;

/** A path into a tree, from the top; `[]` is the tree itself. */
export type KeyPath = readonly KeyEntry[];

/** Whether a value is a step of a path. */
export function isKeyEntry(value: unknown): value is KeyEntry {
  return value instanceof DictKey || value instanceof SequenceKey || value instanceof GetAttrKey ||
    value instanceof FlattenedIndexKey;
}

/** What a step names, without brackets and dots. */
export function nameOfKey(entry: KeyEntry): string {
  if (entry instanceof SequenceKey) return String(entry.idx);
  return entry instanceof GetAttrKey ? entry.name : String(entry.key);
}

function member(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** The sorts of node in a tree. */
export type TreeKind = "leaf" | "null" | "undefined" | "array" | "object" | "class";

/** How instances of a class are taken apart and rebuilt. */
export interface TreeRegistration {
  /** The class's name. */
  readonly name: string;
  /** Children by name, and what else `unflatten` needs. */
  readonly flatten: (node: unknown) => readonly [Record<string, unknown>, unknown];
  /** Rebuilds an instance. */
  readonly unflatten: (children: Record<string, unknown>, aux: unknown) => unknown;
  /** The steps of paths to the children, where these are not their names. */
  readonly entries?: ((aux: unknown, keys: readonly string[]) => readonly KeyEntry[]) | undefined;
}

/** The structure of a pytree; equal structures are the same object. */
export class TreeDef {
  /** Number of leaves below this node. */
  readonly numLeaves: number;
  /** Position in the table of interned structures. */
  readonly id: number;

  /** For this module alone: structures come from `treeFlatten` and `treeStructure`. */
  constructor(
    /** What sort of node this is. */
    readonly kind: TreeKind,
    /** Keys of an object's or class's children, sorted. */
    readonly keys: readonly string[],
    /** Structures of the children. */
    readonly children: readonly TreeDef[],
    /** How to rebuild a registered class. */
    readonly registration: TreeRegistration | null,
    /** What a registered class keeps besides its children. */
    readonly aux: unknown,
    id: number,
  ) {
    this.id = id;
    let n = kind === "leaf" ? 1 : 0;
    for (const child of children) n += child.numLeaves;
    this.numLeaves = n;
  }

  /** The structure with `*` for each leaf. */
  toString(): string {
    switch (this.kind) {
      case "leaf":
        return "*";
      case "null":
      case "undefined":
        return this.kind;
      case "array":
        return `[${this.children.join(", ")}]`;
      default: {
        const names = entriesOf(this).map(nameOfKey);
        const inner = names.map((k, i) => `${k}: ${this.children[i]}`).join(", ");
        return `${this.registration?.name ?? ""}{${inner}}`;
      }
    }
  }
}

showAsText(TreeDef);

/** The steps of paths to the children of a node. */
export function entriesOf(
  { kind, keys, children, registration, aux }:
    & Pick<TreeDef, "kind" | "keys" | "registration" | "aux">
    & { readonly children: readonly unknown[] },
): readonly KeyEntry[] {
  if (kind === "array") return children.map((_, i) => new SequenceKey(i));
  if (registration === null) return keys.map((key) => new DictKey(key));
  return registration.entries?.(aux, keys) ?? keys.map((key) => new GetAttrKey(key));
}

/** The path to each leaf, in the order of the leaves. */
export function keyPaths(def: TreeDef): KeyPath[] {
  const paths: KeyPath[] = [];
  const visit = (node: TreeDef, path: KeyPath): void => {
    if (node.kind === "leaf") {
      paths.push(path);
      return;
    }
    const steps = entriesOf(node);
    node.children.forEach((child, i) => visit(child, [...path, steps[i]!]));
  };
  visit(def, []);
  return paths;
}

/** The path of each leaf, in the order of the leaves: `.layers[0].w`; a lone leaf has path `""`. */
export function treePaths(def: TreeDef): string[] {
  return keyPaths(def).map((path) => path.join(""));
}

/** The first place where two structures differ, for an error message. */
export function describeTreeDifference(a: TreeDef, b: TreeDef, path = ""): string {
  const where = path === "" ? "at the top" : `at ${path}`;
  if (a.kind !== b.kind || a.registration !== b.registration) return `${where}: ${a} and ${b}`;
  if (a.kind === "array" && a.children.length !== b.children.length) {
    return `${where}: arrays of length ${a.children.length} and ${b.children.length}`;
  }
  if (a.keys.join("\0") !== b.keys.join("\0")) {
    const names = (def: TreeDef): string => entriesOf(def).map(nameOfKey).join(", ");
    return `${where}: keys {${names(a)}} and {${names(b)}}`;
  }
  for (let i = 0; i < a.children.length; i++) {
    if (a.children[i] !== b.children[i]) {
      return describeTreeDifference(a.children[i]!, b.children[i]!, `${path}${entriesOf(a)[i]}`);
    }
  }
  return `${where}: what ${a.registration?.name ?? "the node"} keeps besides its children`;
}
