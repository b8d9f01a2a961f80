/**
 * Indices of all kinds, drawn at random by `reference/record_indexing.py`: what is read and what is changed.
 *
 * @module
 */
import { numpy as np } from "../../../mod.ts";
import { testFamily } from "../../support/families.ts";

const KEEP = np.array([[true, false, true], [false, false, true]]);
const ROWS = np.array([false, true]);

await testFamily("indexing", { KEEP, ROWS });
