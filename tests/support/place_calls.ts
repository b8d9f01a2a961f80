/**
 * The modules of segments, images and signals, and arguments of their functions.
 *
 * @module
 */
import * as cluster from "../../lib/api/cluster.ts";
import * as image from "../../lib/api/image.ts";
import * as interpolate from "../../lib/api/interpolate.ts";
import * as ndimage from "../../lib/api/ndimage.ts";
import * as ops from "../../lib/api/ops.ts";
import * as signal from "../../lib/api/signal.ts";
import * as spatial from "../../lib/api/spatial.ts";
import * as testing from "../../lib/debug/testing.ts";
import { jvp, NDArray, numpy as np, vjp } from "../../mod.ts";

/** The modules, by the names under which they are exported. */
export const placeModules: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  cluster,
  image,
  interpolate,
  ndimage,
  ops,
  signal,
  spatial,
  testing,
};

const m = np.array([[2, 1], [1, 3]]);
const x = np.array([1, 2]);
const ids = np.array([0, 1], { dtype: "int32" });
const square = (y: unknown): NDArray => np.square(y instanceof NDArray ? y : m);
const pushed = (xs: [NDArray], dxs: [NDArray]) => jvp(square, xs, dxs);
const pulled = (xs: [NDArray]) => vjp(square, xs);

/** Arguments with which they may be called, by name. */
export const placeCalls: Readonly<Record<string, readonly unknown[]>> = {
  "cluster.vq": [m, m],
  "image.resize": [m, [3, 3], "linear"],
  "image.scaleAndTranslate": [m, [2, 2], [0], [1], [0.5], "linear"],
  "interpolate.regularGridInterpolator": [[x], x],
  "ndimage.mapCoordinates": [x, [x], 1],
  "ops.segmentMax": [x, ids, 2],
  "ops.segmentMin": [x, ids, 2],
  "ops.segmentProd": [x, ids, 2],
  "ops.segmentSum": [x, ids, 2],
  "signal.convolve": [x, x, "full"],
  "signal.convolve2d": [m, m, "full"],
  "signal.correlate": [x, x, "full"],
  "signal.correlate2d": [m, m, "full"],
  "signal.csd": [x, x],
  "signal.detrend": [x, 0],
  "signal.fftconvolve": [x, x, "full"],
  "signal.istft": [{ re: m, im: m }],
  "signal.stft": [x],
  "signal.welch": [x],
  "spatial.Rotation": [np.array([0, 0, 0, 1])],
  "spatial.slerp": [x, spatial.Rotation.identity(2)],
  "testing.checkGrads": [square, [x], 1],
  "testing.checkJvp": [square, pushed, [x]],
  "testing.checkVjp": [square, pulled, [x]],
};
