/**
 * Trax as the lifting engine sees it, and what is known of the layers in an open context.
 *
 * @module
 */
import { deferred, keyStreams } from "../../lib/extend.ts";
import {
  Context,
  type ContextOptions,
  type ContextStack,
  contextStack,
  type LiftedTransforms,
  liftTransforms,
  type NDArray,
  StateError,
  type Stream,
} from "../../mod.ts";

/**
 * The protocol: for `registerStatefulLibrary`, and for dictionaries of one's own by `liftTransforms`. A
 * context is open while a layer runs or is initialised; its entries are weights and state, in the
 * collections `weights` and `state`, by the place of each layer.
 */
export const protocol: ContextStack = contextStack("Trax", {
  dictionary: "tl.transforms",
  opener: "layer.pureFn, layer.call or tl.withLayers",
  collections: ["weights", "state"],
});

/**
 * The transforms to use inside of layers, and to pass to library functions called there. Outside of
 * layers they are the pure ones.
 */
export const transforms: LiftedTransforms = liftTransforms(protocol);

/** The name of the one random stream. */
export const stream = "rng";

/** A layer, as far as its place is concerned. */
export interface LayerTree<L> {
  /** Its name. */
  readonly name: string;
  /** The layers that it uses. */
  readonly sublayers: readonly L[];
}

/** Any layer. */
export interface LayerNode extends LayerTree<LayerNode> {}

/** The two things that layers have. */
export type Kind = "weights" | "state";

/** What an open context is about. */
export interface Scope {
  /** The place of each layer that belongs to it. */
  readonly paths: ReadonlyMap<LayerNode, string>;
  /** What becomes of it: `"pure"`: state is a result; `"objects"`: layers keep all that they get. */
  readonly keeps: "pure" | "objects";
  /** Keys of initial values, by layer, where a key was given for all of them. */
  readonly keys: ReadonlyMap<LayerNode, KeyOf> | null;
}

/** Gives a key where it is asked for. */
export type KeyOf = (op: string) => NDArray;

const scopes = new WeakMap<object, Scope>();

/** Opens a context. */
export function open(scope: Scope, options: ContextOptions): Context {
  const context = Context.open(protocol, options);
  scopes.set(context.root, scope);
  for (const [layer, path] of scope.paths) context.names.set(places, idOf(layer), path);
  return context;
}

/**
 * Runs a function in a context.
 *
 * @throws {StateError} where it is asynchronous: a context cannot span an await.
 */
export function within<T>(op: string, context: Context, f: () => T): T {
  return protocol.run(context, () => synchronous(op, f()));
}

/** What a function gave, which must have happened. */
export function synchronous<T>(op: string, result: T): T {
  const later = deferred(result);
  if (later === null) return result;
  throw new StateError(`${op}: the function returned ${later}; it must be synchronous`);
}

/** The group of names that says where layers are. */
const places = "places";
const ids = new WeakMap<LayerNode, string>();
let made = 0;

/** What tells a layer from all others. */
function idOf(layer: LayerNode): string {
  let id = ids.get(layer);
  if (id === undefined) ids.set(layer, id = String(made++));
  return id;
}

/**
 * Where a layer is in the innermost context; `undefined` where it does not belong to it. It is looked up
 * among the names, so that a compiled program holds where its layers are in the same places.
 */
export function placeOf(layer: LayerNode): string | undefined {
  return protocol.top()?.names.get(places, idOf(layer)) as string | undefined;
}

/** What the innermost context is about, whatever trace is running; `null` where none is open. */
export function scopeNow(): Scope | null {
  const context = protocol.top();
  return context === null ? null : scopes.get(context.root)!;
}

/** The key of an entry. */
export function entryOf(kind: Kind, path: string): string {
  return `${kind}:${path}`;
}

/** The places of layers under some: the first one of a layer that is in several. */
export function placesOf<L extends LayerTree<L>>(roots: readonly L[]): Map<L, string> {
  const paths = new Map<L, string>();
  const visit = (layer: L, path: string): void => {
    if (paths.has(layer)) return;
    paths.set(layer, path);
    layer.sublayers.forEach((sub, i) => visit(sub, `${path}/${i}_${sub.name}`));
  };
  if (roots.length === 1) visit(roots[0]!, roots[0]!.name);
  else roots.forEach((root, i) => visit(root, `${i}_${root.name}`));
  return paths;
}

/** The stream of runs that are given no key: apart from the key of the outermost layer, which it splits. */
export function streamsOf(rng: NDArray | undefined): Record<string, Stream> {
  return rng === undefined ? {} : { [stream]: keyStreams.named({ key: rng, count: 0 }, "calls") };
}
