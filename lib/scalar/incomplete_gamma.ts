/**
 * The incomplete gamma function, regularised: the lower one P(a, x), the upper one Q(a, x), their density, and
 * how a sample of the distribution moves with a.
 *
 * In terms of D = x^a e^-x / Gamma(a + 1): the series P = D (1 + x / (a + 1) (1 + x / (a + 2) (1 + ...))) for
 * small x, a continued fraction for large x, and for a from 16 on and x near a the uniform expansion of N. M.
 * Temme, A set of algorithms for the incomplete gamma functions, Probability in the Engineering and
 * Informational Sciences 8 (1994). NIST Digital Library of Mathematical Functions, 8.7, 8.9, 8.12. The number
 * of terms is that of the worst case, so that there is no loop.
 *
 * Coefficients of the expansion of the incomplete gamma function for large parameters: computed from the series of mu in eta with 60 digits.
 *
 * @module
 */
import { type Arithmetic, Part, polynomialOf } from "./arithmetic.ts";
import { stirlingRest } from "./beta.ts";
import { derivative } from "./dual.ts";
import { gamma } from "./gamma.ts";
import { LOG_GAMMA_ONE } from "./gamma_tables.ts";

/**
 * Rows of Temme's expansion, for a^-1, a^-2, ...: coefficients in eta, highest first.
 */
export const TEMME: readonly (readonly number[])[] = [
  [
    8.099521156704561e-16,
    -1.9752288294349442e-15,
    -5.139111834242572e-16,
    2.8534893807047445e-14,
    -1.392388722418162e-13,
    3.371763262400985e-13,
    1.1004392031956135e-13,
    -5.0276692801141755e-12,
    2.4361948020667415e-11,
    -5.830772132550426e-11,
    -2.5514193994946248e-11,
    9.14769958223679e-10,
    -4.382036018453353e-09,
    1.0261809784240309e-08,
    6.707853543401498e-09,
    -1.7665952736826078e-07,
    8.296711340953087e-07,
    -1.85406221071516e-06,
    -2.185448510679992e-06,
    3.919263178522438e-05,
    -0.0001787551440329218,
    0.0003527336860670194,
    0.0011574074074074073,
    -0.014814814814814815,
    0.08333333333333333,
    -0.3333333333333333,
  ],
  [
    2.0291628823713425e-14,
    -4.978339972369262e-14,
    -2.1671786527323313e-16,
    5.996696365683689e-13,
    -2.933186643771437e-12,
    7.1624989648114856e-12,
    6.067215101604758e-14,
    -8.56390702649298e-11,
    4.162792991842583e-10,
    -1.0091543710600413e-09,
    -1.7543241719747647e-11,
    1.1951628599778148e-08,
    -5.752545603517705e-08,
    1.378633446915721e-07,
    4.647127802807434e-09,
    -1.6120900894563446e-06,
    7.64916091608111e-06,
    -1.8098550334489977e-05,
    -4.018775720164609e-07,
    0.00020576131687242798,
    -0.0009902263374485596,
    0.0026455026455026454,
    -0.003472222222222222,
    -0.001851851851851852,
  ],
  [
    4.662239946390136e-13,
    -1.0940640427884595e-12,
    -4.1689782251838634e-15,
    1.197593554636698e-11,
    -5.5645956134363323e-11,
    1.2872252400089318e-10,
    9.428356159014678e-13,
    -1.3670488396617114e-09,
    6.228974084922022e-09,
    -1.409252991086752e-08,
    -2.0477098421990866e-10,
    1.4280614206064242e-07,
    -6.298992138380055e-07,
    1.3721957309062934e-06,
    3.423578734096138e-08,
    -1.2760635188618728e-05,
    5.2923448829120125e-05,
    -0.0001073665322636516,
    2.0093878600823047e-06,
    0.0007716049382716049,
    -0.0026813271604938273,
    0.004133597883597883,
  ],
  [
    9.790998951171684e-12,
    -2.1894761681963938e-11,
    -1.388823336813903e-14,
    2.1541049775774907e-10,
    -9.460496661855133e-10,
    2.0620131815488797e-09,
    2.3928620439808118e-12,
    -1.9111168485973655e-08,
    8.099464905388083e-08,
    -1.6958404091930278e-07,
    -2.7861080291528143e-11,
    1.4230900732435883e-06,
    -5.6749528269915965e-06,
    1.1082654115347302e-05,
    -2.396505113867297e-07,
    -7.561801671883977e-05,
    0.00026772063206283885,
    -0.0004691894943952557,
    0.00022947209362139917,
    0.0006494341563786008,
  ],
  [
    1.86023389685045e-10,
    -3.9409233028046403e-10,
    -2.3024517174528067e-13,
    3.4463580499464896e-09,
    -1.4189739437803219e-08,
    2.8865829742708783e-08,
    2.956794137544049e-11,
    -2.292934834000805e-07,
    8.907507532205309e-07,
    -1.6954149536558305e-06,
    2.507497226237533e-10,
    1.1375726970678419e-05,
    -3.968365047179435e-05,
    6.641498215465122e-05,
    -1.4638452578843418e-06,
    -0.0002990724803031902,
    0.0007840392217200666,
    -0.0008618882909167117,
  ],
  [
    3.162417628774568e-09,
    -6.306194500013523e-09,
    -1.7989466721743514e-14,
    4.8240967037894184e-08,
    -1.8447187191171344e-07,
    3.4652846491085265e-07,
    -3.252473551298454e-10,
    -2.291481176508095e-06,
    8.018470256334202e-06,
    -1.3594048189768693e-05,
    1.419062920643967e-07,
    6.797780477937208e-05,
    -0.00019932570516188847,
    0.0002772753244959392,
    -6.972813758365857e-05,
    -0.00033679855336635813,
  ],
  [
    4.7435958880408125e-08,
    -8.828600746330484e-08,
    2.338630673826657e-13,
    5.788792863149004e-07,
    -2.0291327396058603e-06,
    3.465155368803609e-06,
    -3.0796134506033047e-09,
    -1.8329116582843375e-05,
    5.61168275310625e-05,
    -8.153969367561969e-05,
    7.902353232660328e-07,
    0.0002708782096718045,
    -0.0005921664373536939,
    0.0005313079364639922,
  ],
  [
    6.166714376110408e-07,
    -1.0595367014026043e-06,
    4.93875893393627e-10,
    5.7876949497350525e-06,
    -1.8263488805711332e-05,
    2.7744451511563645e-05,
    -1.2741009095484485e-07,
    -0.00010976582244684731,
    0.0002812695154763237,
    -0.00033493161081142234,
    5.171790908260592e-05,
    0.00034436760689237765,
  ],
  [
    6.783342904865167e-06,
    -1.0595271125805195e-05,
    4.557909867922708e-09,
    4.629953263691304e-05,
    -0.00012783517679769218,
    0.00016644846642067547,
    -6.969091458420552e-07,
    -0.000438297098541721,
    0.0008394987206720873,
    -0.0006526239185953094,
  ],
  [
    6.105192082501531e-05,
    -8.479507117068503e-05,
    1.819700838046515e-07,
    0.00027750107634328704,
    -0.0006401475260262758,
    0.0006782308837667328,
    -7.204895416020011e-05,
    -0.0005967612901927463,
  ],
  [
    0.00042735056665392886,
    -0.0005087450129309319,
    9.9324041226423e-07,
    0.0011089369134596636,
    -0.0019144384985654776,
    0.0013324454494800656,
  ],
  [
    -3.99127055299192e-07,
    -0.0010108559391263003,
    0.00213896861856891,
    -0.0020633421035543276,
    0.00016251626278391583,
    0.001579727660730835,
  ],
];

/** Where the expansions of large a begin, and between which x / a Temme's serves. */
const LARGE = 16;
const FROM = 0.31;
const TO = 2.35;
/** Below, and right of a, Q is computed from what 1 - P lacks. */
const SMALL = 2;
/** Numbers of terms: to double precision in the worst case. */
const SERIES = 50;
const FRACTION = 60;
const ALTERNATING = 28;

/** 2 (log(1 + mu) - 2 s) / (-4 s^3) with s = mu / (2 + mu), in s^2: 1/3 + s^2 / 5 + ... */
const ARTANH: readonly number[] = /* @__PURE__ */ Array.from(
  { length: 16 },
  (_, i) => 1 / (2 * (15 - i) + 3),
);

/** (-1)^n / n!, highest first, from n = 28 to 1. */
const EXPONENTIAL: readonly number[] = /* @__PURE__ */ Array.from(
  { length: ALTERNATING },
  (_, i) => {
    let value = 1;
    for (let n = 1; n <= ALTERNATING - i; n++) value *= -1 / n;
    return value;
  },
);

/** What all the functions are made of. */
interface Parts<V> {
  /** x^a e^-x / Gamma(a + 1). */
  readonly power: V;
  /** Gamma(a + 1) for a below 16. */
  readonly factorial: V;
  /** (x - a) / a. */
  readonly mu: V;
  /** 2 (mu - log(1 + mu)) / mu^2. */
  readonly bend: V;
  /** a mu^2 bend / 2, of which e^-that is the main factor. */
  readonly exponent: V;
  /** Whether a is 16 or more. */
  readonly large: V;
}

function partsOf<V>(m: Arithmetic<V>, a: V, x: V): Parts<V> {
  const large = m.not(m.less(a, LARGE));
  const most = m.digits === 53 ? 1000 : 90;
  const bounded = m.where(m.less(most, x), most, x);
  const few = m.where(large, LARGE, a);
  const factorial = gamma(m, m.add(few, 1));
  const small = m.div(m.mul(m.pow(bounded, few), m.exp(m.neg(bounded))), factorial);
  const mu = m.div(m.sub(x, a), a);
  const s = m.div(mu, m.add(mu, 2)), square = m.mul(s, s);
  const below = m.add(mu, 2);
  // mu - log(1 + mu) = s mu - 2 s^3 (1/3 + s^2 / 5 + ...)
  const cube = m.mul(m.mul(below, below), below);
  const series = m.sub(
    m.div(1, below),
    m.div(m.mul(m.mul(mu, 2), polynomialOf(m, square, ARTANH)), cube),
  );
  const plain = m.div(m.sub(mu, m.log(m.div(x, a))), m.mul(mu, mu));
  const bend = m.mul(m.where(m.less(m.abs(mu), 0.5), series, plain), 2);
  const exponent = m.mul(a, m.mul(m.mul(mu, mu), m.mul(bend, 0.5)));
  const root = m.sqrt(m.mul(a, 2 * Math.PI));
  const far = m.div(m.exp(m.neg(m.add(exponent, stirlingRest(m, a)))), root);
  return { power: m.where(large, far, small), factorial, mu, bend, exponent, large };
}

/** P and Q for positive a and x. */
function both<V>(m: Arithmetic<V>, a: V, x: V): { readonly lower: V; readonly upper: V } {
  const { power, factorial, mu, bend, exponent, large } = partsOf(m, a, x);
  // The series.
  let sum = m.number(1);
  for (let n = SERIES; n > 0; n--) sum = m.add(m.mul(sum, m.div(x, m.add(a, n))), 1);
  const left = m.mul(power, sum);
  // The continued fraction of Q Gamma(a) x^-a e^x.
  const base = m.sub(m.add(x, 1), a);
  let fraction = m.add(base, 2 * FRACTION);
  for (let n = FRACTION; n > 0; n--) {
    const above = m.mul(m.sub(a, n), n);
    fraction = m.add(m.add(base, 2 * n - 2), m.div(above, fraction));
  }
  const right = m.div(m.mul(power, a), fraction);
  // x^a / Gamma(a + 1) (1 + a t), which near a = 0 is near 1.
  const logarithm = m.where(
    m.less(m.abs(a), 0.25),
    m.mul(a, polynomialOf(m, a, LOG_GAMMA_ONE)),
    m.log(factorial),
  );
  const near = m.sub(m.mul(a, m.log(x)), logarithm);
  let alternating = m.number(0);
  EXPONENTIAL.forEach((c, i) => {
    alternating = m.mul(m.add(alternating, m.div(c, m.add(a, ALTERNATING - i))), x);
  });
  const more = m.mul(m.mul(a, alternating), m.exp(near));
  const rest = m.neg(m.add(m.expm1(near), more));
  // Temme's expansion.
  const eta = m.mul(mu, m.sqrt(bend));
  const r = m.div(1, a);
  let expansion = m.number(0);
  for (let k = TEMME.length - 1; k >= 0; k--) {
    expansion = m.add(m.mul(expansion, r), polynomialOf(m, eta, TEMME[k]!));
  }
  const y = m.mul(eta, m.sqrt(m.mul(a, 0.5)));
  const correction = m.div(
    m.mul(m.exp(m.neg(exponent)), expansion),
    m.sqrt(m.mul(a, 2 * Math.PI)),
  );
  const ratio = m.div(x, a);
  const uniform = m.and(large, m.and(m.less(FROM, ratio), m.less(ratio, TO)));
  const small = m.and(m.less(a, x), m.less(x, SMALL));
  // Of the two, the smaller one is computed.
  const isLeft = m.not(m.less(a, x));
  const own = m.where(
    uniform,
    m.add(m.mul(m.erfc(y), 0.5), correction),
    m.where(small, rest, right),
  );
  const other = m.where(uniform, m.sub(m.mul(m.erfc(m.neg(y)), 0.5), correction), left);
  return {
    lower: m.where(isLeft, other, m.sub(1, own)),
    upper: m.where(isLeft, m.sub(1, other), own),
  };
}

/** NaN outside of the domain, and the values at its borders. */
function bordered<V>(m: Arithmetic<V>, a: V, x: V, value: V, atZero: number, atEnd: number): V {
  const zeroA = m.equal(a, 0), zeroX = m.equal(x, 0);
  const inside = m.and(m.not(m.less(x, 0)), m.not(m.less(a, 0)));
  const wrong = m.or(m.not(inside), m.and(zeroA, zeroX));
  const known = m.and(m.equal(a, a), m.equal(x, x));
  const end = m.or(zeroA, m.equal(x, Infinity));
  const y = m.where(zeroX, atZero, m.where(end, atEnd, value));
  return m.where(m.and(known, m.not(wrong)), y, NaN);
}

/** P(a, x), the lower incomplete gamma function over Gamma(a). */
export function igamma<V>(m: Arithmetic<V>, a: V, x: V): V {
  return bordered(m, a, x, both(m, a, x).lower, 0, 1);
}

/** Q(a, x) = 1 - P(a, x), to full relative precision. */
export function igammac<V>(m: Arithmetic<V>, a: V, x: V): V {
  return bordered(m, a, x, both(m, a, x).upper, 1, 0);
}

/** `igammaDensity` at 0, where its parts are 0 / 0. */
const densityAtZero = /* @__PURE__ */ new Part((m, a, x) =>
  m.div(m.pow(x, m.sub(a, 1)), gamma(m, a))
);

/** The derivative of P by x: x^(a - 1) e^-x / Gamma(a). */
export function igammaDensity<V>(m: Arithmetic<V>, a: V, x: V): V {
  const isZero = m.equal(x, 0);
  const inside = m.where(isZero, 1, x);
  const usual = m.div(m.mul(partsOf(m, a, inside).power, a), inside);
  return m.seldom(isZero, densityAtZero, [a, x], usual);
}

/** The derivative by a of a sample x of the distribution: minus that of P by a over the density. */
export function sampleSlope<V>(m: Arithmetic<V>, a: V, x: V): V {
  const slope = derivative((m, a, x) => both(m, a!, x!).lower, 0)(m, a, x);
  return m.neg(m.div(slope, igammaDensity(m, a, x)));
}
