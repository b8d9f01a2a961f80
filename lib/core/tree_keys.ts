/**
 * The steps of a path into a pytree, as in `jax.tree_util`, and paths as text. They are written as one writes
 * them in JavaScript: `.layers[0].w`, `["odd key"]`.
 *
 * @module
 */
import { Shown } from "./display.ts";
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
