/**
 * Sine and cosine integrals, by minimax polynomials of our own.
 *
 * Far from 0 they are put together by the auxiliary functions f and g, which do not oscillate (M.
 * Abramowitz and I. Stegun, Handbook of Mathematical Functions, 5.2).
 *
 * Dawson's integral, by minimax polynomials of our own.
 *
 * Spence's function, which is the dilogarithm, by minimax polynomials of our own.
 *
 * @module
 */
import { type Arithmetic, around, type Exact, log1pOf, type Piece, piece } from "./arithmetic.ts";

/** Where Ci is 0. */
const ZERO: Exact = {
  value: 0.6165054856207163,
  more: -4.209920321433186e-17,
  logarithm: -0.4836880584112971,
};

/** Si(x) / x in x^2, to x = 4. */
const SINE_NEAR: Piece = {
  middle: 8.0,
  scale: 0.125,
  above: [
    -2.4560884661086514e-06,
    0.0001569168873792809,
    -0.0038082650037594553,
    0.04342685660102583,
    -0.1963662599617976,
    0.6488924209268717,
  ],
  below: [
    5.932758873626029e-08,
    4.970757650290666e-06,
    0.00022107569821154394,
    0.006324272478479721,
    0.11345493274102975,
    1.0,
  ],
};

/** (Ci(x) - log(x / x0)) / (x^2 - x0^2) in x^2, to x = 4. */
const COSINE_NEAR: Piece = {
  middle: 8.0,
  scale: 0.125,
  above: [
    1.4985604842190338e-07,
    -1.1752270696393336e-05,
    0.0003663376310753386,
    -0.005657293904144318,
    0.039499103217451266,
    -0.17670588667145753,
  ],
  below: [
    3.015732721970781e-08,
    2.9873794141737523e-06,
    0.000154064772595338,
    0.005031400650095452,
    0.10173562611266009,
    1.0,
  ],
};

/** x f(x) in 1 / x^2, from 4 to 8. */
const F_4: Piece = {
  middle: 0.0390625,
  scale: 42.666666666666664,
  above: [
    -3.398687689967212e-11,
    7.324897817551488e-11,
    2.768216064442794e-11,
    -5.336671807171728e-11,
    -3.431780705497037e-10,
    7.731796993306893e-10,
    -1.1712294218035724e-09,
    2.819978961751382e-09,
    -7.41291998032537e-09,
    1.839400839216643e-08,
    -4.6514038735177596e-08,
    1.2185236674760798e-07,
    -3.30232872501347e-07,
    9.315114947769412e-07,
    -2.7607573762929487e-06,
    8.70718483750446e-06,
    -2.9775809914546347e-05,
    0.00011368354129887867,
    -0.0005093313348891317,
    0.0029468430581018877,
    -0.027569764262193073,
    0.9418119807878753,
  ],
  below: null,
};

/** The same from 8. */
const F_8: Piece = {
  middle: 0.0078125,
  scale: 128.0,
  above: [
    5.256360809927616e-10,
    -7.138009141917309e-10,
    -2.570938563277102e-09,
    3.469083879297745e-09,
    5.928636782372948e-09,
    -7.994380411439495e-09,
    -7.839177672392793e-09,
    1.0516525440881774e-08,
    7.143159620681322e-09,
    -9.679607181839665e-09,
    -3.3380433886611583e-09,
    4.1658631614634255e-09,
    3.9348556522540395e-09,
    -6.560696291966052e-09,
    8.201526104276177e-09,
    -1.7104374364843642e-08,
    3.8093032486617556e-08,
    -8.660750099555029e-08,
    2.1070855275152387e-07,
    -5.577789532310762e-07,
    1.6383738447557205e-06,
    -5.503309890449883e-06,
    2.2134969526512715e-05,
    -0.00011493614901177445,
    0.0008826900462610286,
    -0.013381738359286419,
    0.9855904297170983,
  ],
  below: null,
};

/** x^2 g(x) in 1 / x^2, from 4 to 8. */
const G_4: Piece = {
  middle: 0.0390625,
  scale: 42.666666666666664,
  above: [
    -8.72844180865416e-11,
    1.8204170991598514e-10,
    1.4155018426864838e-10,
    -2.843293229091922e-10,
    -8.028899962305066e-10,
    1.716536629212914e-09,
    -1.6323894779893309e-09,
    3.761123537511866e-09,
    -1.0757461463224829e-08,
    2.4896597399134473e-08,
    -5.733183662312475e-08,
    1.378550087093785e-07,
    -3.3914536617411227e-07,
    8.536047709287033e-07,
    -2.211235324990071e-06,
    5.928671582365006e-06,
    -1.657130017238255e-05,
    4.877573430917394e-05,
    -0.0001533901893318806,
    0.0005268883729618607,
    -0.0020495387945518146,
    0.009640901941620093,
    -0.06306367239922107,
    0.849912766580565,
  ],
  below: null,
};

/** The same from 8. */
const G_8: Piece = {
  middle: 0.0078125,
  scale: 128.0,
  above: [
    7.861754393752673e-09,
    -1.0148751539247924e-08,
    -4.775793373393901e-08,
    6.146416604132853e-08,
    1.3374411532317007e-07,
    -1.7188895369982275e-07,
    -2.2351505961358855e-07,
    2.868360071890713e-07,
    2.489048572242248e-07,
    -3.1932943997262683e-07,
    -1.904060055884594e-07,
    2.435790352497004e-07,
    1.0855863184088792e-07,
    -1.4030993935527593e-07,
    -3.166680387810545e-08,
    3.622720014214429e-08,
    4.0792326720339996e-08,
    -6.835500713859021e-08,
    9.939673782512293e-08,
    -1.96708552527419e-07,
    4.0953876302728236e-07,
    -8.836277671890578e-07,
    2.025069213986927e-06,
    -4.9953521737562265e-06,
    1.3489793604096705e-05,
    -4.0875922612448826e-05,
    0.00014418163368637592,
    -0.0006274732868615472,
    0.0037238333371203552,
    -0.03661445489281532,
    0.9588269529985257,
  ],
  below: null,
};

/** Where the auxiliary functions begin. */
const FROM = 4;

/** The auxiliary functions at a positive number. */
function auxiliary<V>(m: Arithmetic<V>, a: V): { readonly cosine: V; readonly sine: V } {
  const r = m.div(1, a);
  const u = m.mul(r, r);
  const isNear = m.less(a, 8);
  const first = m.mul(r, m.where(isNear, piece(m, u, F_4), piece(m, u, F_8)));
  const second = m.mul(u, m.where(isNear, piece(m, u, G_4), piece(m, u, G_8)));
  const [sin, cos] = [m.sin(a), m.cos(a)];
  return {
    sine: m.add(m.mul(first, cos), m.mul(second, sin)),
    cosine: m.sub(m.mul(first, sin), m.mul(second, cos)),
  };
}

/** The integral of `sin(t) / t` from 0 to `x`. */
export function sineIntegral<V>(m: Arithmetic<V>, x: V): V {
  const a = m.abs(x);
  const far = m.where(m.less(a, Infinity), m.sub(Math.PI / 2, auxiliary(m, a).sine), Math.PI / 2);
  const signed = m.where(m.less(x, 0), m.neg(far), far);
  const isFar = m.less(FROM, a);
  return m.where(isFar, signed, m.mul(x, piece(m, m.mul(x, x), SINE_NEAR)));
}

/** Euler's constant plus `log|x|` plus the integral of `(cos(t) - 1) / t` from 0 to `x`. */
export function cosineIntegral<V>(m: Arithmetic<V>, x: V): V {
  const a = m.abs(x);
  const { distance, logarithm } = around(m, a, ZERO);
  const slope = m.mul(m.add(a, ZERO.value), piece(m, m.mul(a, a), COSINE_NEAR));
  const far = m.where(m.less(a, Infinity), auxiliary(m, a).cosine, m.where(m.less(x, 0), NaN, 0));
  return m.where(m.less(FROM, a), far, m.add(logarithm, m.mul(distance, slope)));
}

/** The integral divided by x, in x^2, to x = 3/2. */
const NEAR: Piece = {
  middle: 1.125,
  scale: 0.8888888888888888,
  above: [
    2.49242714875196e-07,
    -9.222583896624242e-06,
    0.00023943457104057232,
    -0.001734551604243057,
    0.02740322185211422,
    -0.04458299104367171,
    0.5014241400133203,
  ],
  below: [
    2.157543113537804e-06,
    8.709256528176844e-05,
    0.001655294601329388,
    0.018719942109329857,
    0.13147085008654588,
    0.5389274566453759,
    1.0,
  ],
};

/** The same from 3/2 to 13/4. */
const MIDDLE: Piece = {
  middle: 6.40625,
  scale: 0.24060150375939848,
  above: [
    1.5467232705781687e-11,
    -8.565713491719878e-11,
    3.656246976294432e-10,
    -1.8151465251450728e-09,
    8.796317115608951e-09,
    -3.966052134297317e-08,
    1.691474532121153e-07,
    -6.825136849580873e-07,
    2.5938621984179935e-06,
    -9.250384510671829e-06,
    3.083721638823644e-05,
    -9.567789011376643e-05,
    0.00027497378869930614,
    -0.0007281967153261007,
    0.001767112462290088,
    -0.003907210571690794,
    0.007830301073262857,
    -0.01417216904194754,
    0.023175175058934683,
    -0.034534171300569905,
    0.047932534493579655,
    -0.06429138045021741,
    0.08674689401399742,
  ],
  below: null,
};

/** The integral times x, in 1 / x^2, from 13/4 to 25/4. */
const FAR: Piece = {
  middle: 0.060137278106508874,
  scale: 28.95422149122807,
  above: [
    -1.3319309559899994e-10,
    2.9490168672539417e-10,
    5.805337151036345e-10,
    -2.1665566843007193e-09,
    5.392091614843015e-10,
    5.838090780895097e-09,
    -9.94252034136868e-09,
    -3.7258051212234793e-10,
    3.040201901301326e-08,
    -4.9524576449934054e-08,
    -2.4411079690443903e-08,
    2.0178433061698945e-07,
    -1.5778228177162797e-07,
    -5.455596810121659e-07,
    9.413055077108081e-07,
    1.5851066983843256e-06,
    -3.37742538628971e-06,
    -7.84075241761391e-06,
    2.78425551266297e-06,
    3.829884336420482e-05,
    0.00014281883902115807,
    0.0008217271725633376,
    0.010703185993112497,
    0.5166558994376412,
  ],
  below: null,
};

/** The same from 25/4. */
const TAIL: Piece = {
  middle: 0.0128,
  scale: 78.125,
  above: [
    -1.0569285782813583e-07,
    4.204530806510017e-05,
    -0.0023865751852362197,
    0.041825634242567265,
    -0.2623760786787509,
    0.5032634996239069,
  ],
  below: [
    -5.202777681151296e-07,
    0.00010884480296043727,
    -0.0052476522817228605,
    0.08646640970188085,
    -0.5279644503984363,
    1.0,
  ],
};

/** `e^(-x^2)` times the integral of `e^(t^2)` from 0 to `x`. */
export function dawsn<V>(m: Arithmetic<V>, x: V): V {
  const a = m.abs(x);
  const square = m.mul(x, x);
  const r = m.div(1, a);
  const u = m.mul(r, r);
  const within = m.where(m.less(a, 1.5), piece(m, square, NEAR), piece(m, square, MIDDLE));
  const beyond = m.where(m.less(6.25, a), piece(m, u, TAIL), piece(m, u, FAR));
  const size = m.where(m.less(3.25, a), m.mul(r, beyond), m.mul(x, within));
  return m.mul(size, m.where(m.less(x, -3.25), -1, 1));
}

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
