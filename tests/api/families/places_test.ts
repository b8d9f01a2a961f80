/**
 * Segments, images of other sizes, and what is between the elements of arrays, as JAX has them: the programs
 * of `reference/families/places.json`.
 *
 * @module
 */
import * as cluster from "../../../lib/api/cluster.ts";
import * as image from "../../../lib/api/image.ts";
import * as interpolate from "../../../lib/api/interpolate.ts";
import * as ndimage from "../../../lib/api/ndimage.ts";
import * as ops from "../../../lib/api/ops.ts";
import { testFamily } from "../../support/families.ts";

await testFamily("places", { cluster, image, interpolate, ndimage, ops });
