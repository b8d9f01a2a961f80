/**
 * Spence's function, which is the dilogarithm, by minimax polynomials of our own.
 *
 * @module
 */
import type { Arithmetic } from "./arithmetic.ts";
import { log1pOf, type Piece, piece } from "./pieces.ts";

/** spence(1 + w) / -w, for |w| <= 1/2. */
const DILOGARITHM: Piece = {
  middle: 0.0,
  scale: 2.0,
  above: [
    4.1777774705487687e-10,
    -8.985977231562245e-10,
    -6.728498194490063e-10,
    1.422626721108451e-09,
    4.169905164856587e-09,
    -9.068228982623995e-09,
    8.376826328960145e-09,
    -1.885740876143425e-08,
    5.435789691814087e-08,
    -1.2254776981805127e-07,
    2.7052584233386273e-07,
    -6.212203533453334e-07,
    1.4448539611971743e-06,
    -3.3913447660484664e-06,
    8.070716165787539e-06,
    -1.9531146628777784e-05,
    4.8225314752176444e-05,
    -0.0001220703255771165,
    0.0003188775505891522,
    -0.0008680555546326103,
    0.0025000000000140726,
    -0.007812500000030117,
    0.02777777777777764,
    -0.12499999999999971,
    1.0,
  ],
  below: null,
};

/** The integral of `log(t) / (1 - t)` from 1 to `x`; NaN for negative numbers. */
export function spence<V>(m: Arithmetic<V>, x: V): V {
  // Beyond 2, spence(x) = -log(x)^2 / 2 - spence(1 / x).
  const isLarge = m.less(1.5, x);
  const y = m.where(isLarge, m.div(1, x), x);
  // Below 1/2, spence(y) = pi^2 / 6 - log(y) log(1 - y) - spence(1 - y).
  const isSmall = m.less(y, 0.5);
  const w = m.where(isSmall, m.neg(y), m.where(isLarge, m.div(m.sub(1, x), x), m.sub(y, 1)));
  const series = m.sub(0, m.mul(w, piece(m, w, DILOGARITHM)));
  // At 0 the product is 0.
  const logs = m.where(m.less(0, y), m.mul(m.log(y), log1pOf(m, m.neg(y))), 0);
  const near = m.where(isSmall, m.sub(m.sub(Math.PI ** 2 / 6, logs), series), series);
  const log = m.log(x);
  const value = m.where(isLarge, m.sub(m.mul(m.mul(log, log), -0.5), near), near);
  return m.where(m.less(x, 0), NaN, m.where(m.less(x, Infinity), value, m.neg(x)));
}
