/**
 * Arguments of the functions of `tree` whose arguments are not arrays.
 *
 * @module
 */
import * as tree from "../../lib/api/tree.ts";

const [some, def] = [{ a: 1, b: [2] }, tree.structure([0, 0])];
const same = (x: unknown): unknown => x;
const first = (x: unknown, _: unknown): unknown => x;

/** Arguments with which they may be called, by name. */
export const treeCalls: Readonly<Record<string, readonly unknown[]>> = {
  "tree.DictKey": ["a"],
  "tree.FlattenedIndexKey": [0],
  "tree.GetAttrKey": ["a"],
  "tree.SequenceKey": [0],
  "tree.all": [[true]],
  "tree.allLeaves": [[1, 2]],
  "tree.broadcast": [1, some],
  "tree.flattenOneLevel": [some],
  "tree.flattenOneLevelWithKeys": [some],
  "tree.flatten": [some],
  "tree.fromJson": [some, some],
  "tree.flattenWithPath": [some],
  "tree.isTreeNode": [some],
  "tree.keystr": [[new tree.DictKey("a")]],
  "tree.leaves": [some],
  "tree.leavesWithPath": [some],
  "tree.ravelPytree": [some],
  "tree.reduce": [first, some, 0],
  "tree.reduceAssociative": [first, some],
  "tree.structure": [some],
  "tree.transpose": [def, null, [some, some]],
  "tree.treedefChildren": [def],
  "tree.treedefIsLeaf": [def],
  "tree.treedefTuple": [[def]],
  "tree.unflatten": [def, [1, 2]],
};

/** The same of those that take any number of trees. */
export const openTreeCalls: Readonly<Record<string, readonly unknown[]>> = {
  "tree.map": [same, some],
  "tree.mapWith": [{}, same, some],
  "tree.mapWithPath": [first, some],
};

/** What is not called, and why. */
export const treeNotCalled: Readonly<Record<string, string>> = {
  "tree.registerDataclass": "a class can be registered once; it has a test of its own",
  "tree.registerPytreeWithKeys": "a class can be registered once; it has a test of its own",
  "tree.registerStatic": "a class can be registered once; it has a test of its own",
};
