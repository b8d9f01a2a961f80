"""Recorder of fixed_point_values.json: the solutions of tests/solvers/truth/fixed_point_problems.ts.

    python tests/reference/record_fixed_points.py [OUT_DIR]; deno fmt tests/reference/fixed_point_values.json

The maps are written here once more, on numbers of 40 digits (mpmath), and solved by Newton's method from the
starts below, which are near the solutions; linear maps of 500 unknowns by float64 factors, refined with
residuals of 64 bits. The "condition" is the norm of (I - J)^-1 there, in relative terms: |x - x'| / |x| for
a change of f by 1 / |x|. No solution is listed for which I - J has not an inverse, but for the power method, whose
condition is that across its line.
"""

import json
import os
import sys

import mpmath as mp
import numpy as np

mp.mp.dps = 40
one = mp.mpf(1)


def fn(g):
    f = np.frompyfunc(g, 1, 1)
    return lambda x: f(x)


sin, cos, exp, log, tanh, sqrt, asinh = map(fn, [mp.sin, mp.cos, mp.exp, mp.log, mp.tanh, mp.sqrt, mp.asinh])


def m(x):
    """Exact numbers of 40 digits from floats."""
    return np.frompyfunc(lambda v: mp.mpf(float(v)), 1, 1)(np.asarray(x, dtype=float))


def lcg(seed):
    s = [seed]

    def step():
        s[0] = (1664525 * s[0] + 1013904223) % 2**32
        return s[0] / 2**32 - 0.5

    return step


def draw(step, n):
    return [step() for _ in range(n)]


def random_matrix(n, seed):
    step = lcg(seed)
    return [draw(step, n) for _ in range(n)]


def newton(f, x, flat=None):
    """A solution near x, and the norm of (I - J)^-1 in the units of the solution."""
    x = np.array([mp.mpf(v) for v in x], dtype=object)
    n = len(x)
    h = mp.mpf(10) ** -18
    for _ in range(60):
        scale = max(abs(v) for v in x) or one
        columns = []
        for i in range(n):
            e = np.zeros(n, dtype=object) + mp.mpf(0)
            e[i] = h * scale
            columns.append((f(x + e) - f(x - e)) / (2 * h * scale))
        j = mp.matrix([[columns[c][r] for c in range(n)] for r in range(n)])
        step = mp.lu_solve(mp.eye(n) - j, mp.matrix(list(f(x) - x)))
        x = x + np.array([step[i] for i in range(n)], dtype=object)
        if max(abs(v) for v in step) < mp.mpf(10) ** -32 * scale:
            break
    else:
        raise ValueError("Newton's method has not converged")
    inverse = np.linalg.inv(np.array((mp.eye(n) - j).tolist(), dtype=float))
    return x, float(np.linalg.norm(inverse, 2))


def chandrasekhar(n, c):
    mu = [(mp.mpf(i) + mp.mpf("0.5")) / n for i in range(n)]
    a = np.array([[mp.mpf(c) * p / (2 * n * (p + q)) for q in mu] for p in mu], dtype=object)
    return lambda h: 1 / (1 - a.dot(h))


def bratu(n, lam):
    h = one / (n + 1)
    t = [(i + 1) * h for i in range(n)]
    g = np.array(
        [[mp.mpf(lam) * h * (s * (1 - u) if s <= u else u * (1 - s)) for u in t] for s in t], dtype=object
    )
    return lambda u: g.dot(exp(u))


def decisions(n, d):
    def chances(seed):
        rows = [[(mp.mpf(v) + mp.mpf("0.5")) ** 4 for v in row] for row in random_matrix(n, seed)]
        return np.array([[mp.mpf(d) * v / mp.fsum(row) for v in row] for row in rows], dtype=object)

    p, q = chances(3), chances(5)
    r, s = m(random_matrix(n, 9)[0]), m(random_matrix(n, 11)[0])
    return lambda v: np.maximum(p.dot(v) + r, q.dot(v) + s)


def exponentials():
    data = np.array(
        [-mp.log(1 - (mp.mpf(i) + mp.mpf("0.5")) / 60) * (5 if i % 3 == 0 else 1) for i in range(60)], dtype=object
    )

    def f(x):
        w, a, b = x[0], mp.exp(x[1]), mp.exp(x[2])
        first, second = exp(-data / a) / a * w, exp(-data / b) / b * (1 - w)
        share = first / (first + second)

        def mean(s):
            return mp.log((s * data).sum() / s.sum())

        return np.array([share.sum() / 60, mean(share), mean(1 - share)], dtype=object)

    return f


def normals():
    step = lcg(17)
    noise = [draw(step, 12) for _ in range(80)]
    data = np.array(
        [mp.fsum(m(v)) + (2 if i % 4 == 0 else 0) for i, v in enumerate(noise)], dtype=object
    )

    def f(x):
        w, a, b = x
        first, second = exp((data - a) ** 2 / -2) * w, exp((data - b) ** 2 / -2) * (1 - w)
        share = first / (first + second)

        def mean(s):
            return (s * data).sum() / s.sum()

        return np.array([share.sum() / 80, mean(share), mean(1 - share)], dtype=object)

    return f


def sinkhorn(n, entropy):
    step = lcg(23)
    a, b = m(draw(step, n)) + mp.mpf("0.5"), m(draw(step, n)) + mp.mpf("0.5")
    kernel = np.array([[-((s - t) ** 2) / mp.mpf(entropy) for t in b] for s in a], dtype=object)

    def fit(k, v):
        sums = np.array([mp.fsum(exp(row + v / mp.mpf(entropy))) for row in k], dtype=object)
        return -(log(sums) + mp.log(n)) * mp.mpf(entropy)

    def f(v):
        x = fit(kernel, fit(kernel.T, v))
        return x - x.sum() / n

    return f


def lorenz(h):
    def f(v):
        x, y, z = v
        h_ = mp.mpf(h)
        return np.array(
            [1 + h_ * 10 * (y - x), 1 + h_ * (x * (28 - z) - y), 20 + h_ * (x * y - z * mp.mpf(8) / 3)], dtype=object
        )

    return f


def van_der_pol(y):
    x, v = (y[0] + 2) / 2, y[1] / 2
    h = mp.mpf("0.1")
    return np.array([2 + h * v, h * (5 * (1 - x * x) * v - x)], dtype=object)


def robertson(h):
    def f(y):
        a, b, c = y
        slow, fast = mp.mpf("0.04") * a - 10**4 * b * c, 3 * 10**7 * b * b
        return np.array([1 - h * slow, h * (slow - fast), h * fast], dtype=object)

    return f


def condensate(n):
    at = [6 * (mp.mpf(i + 1) / (n + 1) - mp.mpf("0.5")) for i in range(n)]
    d = mp.mpf(6) / (n + 1)
    h = np.array(
        [
            [1 / d**2 + s * s / 2 if i == j else (-1 / (2 * d**2) if abs(i - j) == 1 else mp.mpf(0)) for j in range(n)]
            for i, s in enumerate(at)
        ],
        dtype=object,
    )

    def f(p):
        x = p - (h.dot(p) + 4 * p**3) / 10
        return x / mp.sqrt((x * x).sum())

    return f


def power():
    w = m(random_matrix(8, 31))
    a = w.dot(w.T)

    def f(x):
        y = a.dot(x)
        return y / mp.sqrt((y * y).sum())

    return f


def shift(x, by):
    end = np.array([mp.mpf(0)], dtype=object)
    return np.concatenate([x[1:], end]) if by == 1 else np.concatenate([end, x[:-1]])


def tridiagonal(x):
    return x - ((3 - 2 * x) * x - shift(x, -1) - 2 * shift(x, 1) + 1)


def banded(x):
    n = len(x)
    t = x * (x + 1)
    near = [mp.fsum(t[j] for j in range(max(0, i - 5), min(n, i + 2)) if j != i) for i in range(n)]
    return x - (x * (2 + 5 * x**2) + 1 - np.array(near, dtype=object))


def boundary_value(x):
    n = len(x)
    h = one / (n + 1)
    t = np.array([(i + 1) * h + 1 for i in range(n)], dtype=object)
    return x - (2 * x - shift(x, -1) - shift(x, 1) + h * h / 2 * (x + t) ** 3)


def bench():
    step = lcg(12345)
    w = np.array([draw(step, 64) for _ in range(64)])
    return w, 2 * np.array(draw(step, 64))


def layer(kind, size):
    w, x = bench()
    a = m((w + w.T) / 2) * (mp.mpf(size) / mp.mpf(3.006394760135543)) if kind.endswith("-sym") else m(w) * (
        mp.mpf(size) / mp.mpf(4.522911865310671)
    )
    b = m(x)
    return (lambda z: a.dot(z) + b) if kind.startswith("linear") else (lambda z: tanh(a.dot(z) + b))


def shrinkage(n):
    step = lcg(41)
    rows = m([draw(step, n) for _ in range(30)])
    y = np.array([3 * r[1] - 2 * r[4] + mp.mpf("0.1") * mp.mpf(step()) for r in rows], dtype=object)

    def f(x):
        z = x - rows.T.dot(rows.dot(x) - y) / 8
        return np.array([mp.sign(v) * max(abs(v) - mp.mpf("0.025"), mp.mpf(0)) for v in z], dtype=object)

    return f


def isoelastic(q):
    return np.array([mp.sqrt(q[1]) - q[1], mp.sqrt(q[0] / 2) - q[0]], dtype=object)


def pagerank(n, d):
    """By factors of float64, refined."""
    step = lcg(7)
    links = np.array([[1 if step() > 0.35 else 0 for _ in range(n)] for _ in range(n)])
    for i in range(n):
        links[i, (i + 1) % n] = 1
    a = np.longdouble(d) * (links / links.sum(1, keepdims=True).astype(np.longdouble)).T
    b = np.full(n, (1 - np.longdouble(d)) / n)
    system = np.eye(n) - a.astype(float)
    x = np.linalg.solve(system, b.astype(float)).astype(np.longdouble)
    for _ in range(5):
        x = x + np.linalg.solve(system, (b - (x - a @ x)).astype(float))
    return x, float(np.linalg.norm(np.linalg.inv(system), 2))


def chain(n):
    drive = np.sin(np.arange(n)).astype(np.longdouble)
    x = np.zeros(n, np.longdouble)
    for _ in range(400):
        y = np.zeros(n, np.longdouble)
        y[:-1] += x[1:]
        y[1:] += x[:-1]
        x = np.tanh(np.longdouble("0.45") * y) + drive
    return x, 10.0


def polish(f, start, steps):
    """Plain steps in float64-like precision, to come near."""
    x = np.array([mp.mpf(v) for v in start], dtype=object)
    with mp.workdps(20):
        for _ in range(steps):
            x = f(x)
    return x


def each(g):
    return np.frompyfunc(g, 1, 1)


problems = {}


def record(name, *found):
    out = []
    for x, _ in found:
        x = [mp.mpf(str(v)) if isinstance(v, np.longdouble) else mp.mpf(v) for v in x]
        n = len(x)
        out.append([float(v) for v in (x if n <= 20 else [x[0], x[n // 2], x[-1], mp.fsum(x) / n])])
    problems[name] = {"solutions": out, "condition": float("%.3g" % max(c for _, c in found))}


def solve(name, f, *starts, steps=0):
    record(name, *[newton(f, polish(f, s, steps) if steps else s) for s in starts])


def logistic(r):
    return lambda x: mp.mpf(r) * x * (1 - x)


solve("cosine", cos, [1])
solve("cosine from afar", cos, [1])
solve("omega", lambda x: exp(-x), [1])
solve("Kepler, e = 0.9", lambda x: 1 + mp.mpf("0.9") * sin(x), [2])
solve("Kepler, hyperbolic", lambda x: asinh((x + 2) / mp.mpf("1.5")), [1], [-10], [0])
solve("logarithm from 0.1", lambda x: log(x) + 2, [0.16], [3.1])
for slope, name in ((mp.mpf("-5.7"), "-5.7"), (mp.mpf(2), "2"), (1 - mp.mpf("1e-3"), "1 - 1e-3")):
    record("slope " + name, ([1 / (1 - slope)], float(abs(1 / (1 - slope)))))
record("slope 1 - 1e-9", ([1 / (1 - mp.mpf(1 - 1e-9))], 1e9))
for unit in ("1e-12", "1e12"):
    u = mp.mpf(float(unit))
    solve(f"cosine in units of {unit}", lambda x, u=u: cos(x / u) * u, [u])
solve("logistic, r = 2.8", logistic(2.8), [0.6], [0])
solve("cycle of 2: logistic, r = 3.2", logistic(3.2), [0.6], [0])
solve("cycle of 4: logistic, r = 3.5", logistic(3.5), [0.6], [0])
solve("chaos: logistic, r = 3.9", logistic(3.9), [0.7], [0])
record("discontinuous", ([mp.mpf("1.5")], 2.0), ([mp.mpf("0.4")], 2.0))
solve(
    "van der Waals",
    lambda v: mp.mpf("8.314462618") * 300 / (mp.mpf("0.364") / v**2 + 5 * 10**6) + mp.mpf("4.267e-5"),
    ["3.7e-4"],
)
solve("Colebrook", lambda y: log(y * mp.mpf("2.51") / 10**5 + mp.mpf("1e-4") / mp.mpf("3.7")) * -2 / mp.log(10), [7])
solve("acid", lambda h: mp.mpf("1e-14") / h + mp.mpf("1e-7"), ["1.6e-7"], ["-6e-8"])
solve("Ising", lambda x: tanh(x * mp.mpf("1.2") + mp.mpf("0.1")), [0.8], [-0.5], [-0.3])
solve("epidemic, R = 2", lambda z: 1 - exp(-2 * z), [0.8], [0])
solve("epidemic, R = 1.001", lambda z: 1 - exp(-z * mp.mpf("1.001")), [0.002], [0])
record("solution at 0", ([0, 0], 2.0))
for n in (3, 5):
    record(f"Cournot of {n}", ([mp.mpf(90) / (n + 1)] * n, 2.0))
record("Cournot, isoelastic", newton(isoelastic, ["0.22", "0.11"]), ([0, 0], 1.0))
for name, r, angle in (("rotation that expands", "1.5", "2"), ("rotation, radius 0.99", "0.99", "0.3")):
    c, s = mp.mpf(r) * mp.cos(mp.mpf(angle)), mp.mpf(r) * mp.sin(mp.mpf(angle))
    a = np.array([[c, -s], [s, c]], dtype=object)
    solve(name, lambda x, a=a: a.dot(x) + 1, [0, 0])
a4 = m([[0, 0, 1, 0], [0.5, 0, 0, 0], [0.5, 1, 0, 1], [0, 0, 0, 0]])
solve("PageRank of 4", lambda p: mp.mpf("0.85") * a4.dot(p) + mp.mpf("0.15") / 4, [0.25] * 4)
record("PageRank, d = 0.85", pagerank(500, "0.85"))
record("PageRank, d = 0.99", pagerank(500, "0.99"))
g = mp.mpf("0.905")
record("two states", ([g * 3 / (1 - g), 3 / (1 - g)], 1 / (1 - 0.905)))
solve("decisions, discount 0.9", decisions(6, "0.9"), [0] * 6, steps=200)
solve("decisions, discount 0.99", decisions(12, "0.99"), [0] * 12, steps=1500)
solve("Robertson, h = 1", robertson(1), ["0.97", "3e-5", "0.03"])
solve("Lorenz, h = 0.01", lorenz("0.01"), [1, 1, 20])
solve("Lorenz, h = 0.1", lorenz("0.1"), [1, 1, 20], [0, 0, 15], [5, 8, 20], [-3, -3, 15], [10, 20, 40])
solve("van der Pol, midpoint", van_der_pol, [2, 0])
em = newton(exponentials(), polish(exponentials(), [0.5, 1, 0], 3000))
record("mixture of exponentials", em)
em = newton(normals(), polish(normals(), [0.5, 1.5, -0.5], 3000))
record("mixture of normals", em)
solve("Sinkhorn, entropy 0.1", sinkhorn(10, "0.1"), [0] * 10, steps=60)
solve("Sinkhorn, entropy 0.02", sinkhorn(10, "0.02"), [0] * 10, steps=300)
ground = newton(condensate(12), polish(condensate(12), [1] * 12, 200))
record("condensate", ground, (-ground[0], ground[1]))
first = newton(power(), polish(power(), [1] * 8, 200))
record("power method", first, (-first[0], first[1]))
a2 = np.array(
    [["0.75", "-0.25"], ["-0.25", "0.75"]], dtype=object
)
near = m([[0.75 - 5e-10, -0.25 + 5e-10], [-0.25 + 5e-10, 0.75 - 5e-10]])
solve("eigenvalue 1 - 1e-9", lambda x: near.dot(x) + m([0.5, 1.5]), [0, 0])
hump = [4 * mp.sin(mp.pi * (i + 1) / 21) for i in range(20)]
lower, upper = newton(bratu(20, 1), [0] * 20), newton(bratu(20, 1), hump)
record("Bratu, lambda = 1", lower)
record("Bratu, lambda = 1, upper", lower, upper)
high = newton(bratu(20, "3.4"), [0.5 * v / 4 for v in hump]), newton(bratu(20, "3.4"), [2 * v / 4 for v in hump])
record("Bratu, lambda = 3.4", *high)
solve("H-equation, c = 0.9", chandrasekhar(100, "0.9"), [1] * 100, steps=40)
solve("H-equation, c = 0.99", chandrasekhar(100, "0.99"), [1] * 100, steps=120)
solve("Broyden tridiagonal", tridiagonal, [-1] * 10)
solve("Broyden banded", banded, [-1] * 10)
solve("boundary value", boundary_value, [mp.mpf(i + 1) / 11 * (mp.mpf(i + 1) / 11 - 1) for i in range(10)])
solve("layer, norm 0.9", layer("tanh", 0.9), [0] * 64, steps=50)
solve("layer, norm 2", layer("tanh", 2), [0] * 64, steps=150)
solve("layer, norm 4", layer("tanh", 4), polish(layer("tanh", 4), [0] * 64, 5000))
solve("symmetric layer, radius 0.99", layer("tanh-sym", 0.99), [0] * 64, steps=100)
for size in (0.9, 0.99, 0.999):
    solve(f"symmetric linear, radius {size}", layer("linear-sym", size), [0] * 64)
h = one / 16
record("Jacobi", ([(i + 1) * h * (1 - (i + 1) * h) / 2 for i in range(15)], 52.0))
solve("shrinkage", shrinkage(20), [0] * 20, steps=3000)
record("chain of 5000", chain(5000))

out = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(out, "fixed_point_values.json"), "w") as file:
    json.dump({"versions": {"mpmath": mp.__version__, "numpy": np.__version__}, "problems": problems}, file, indent=1)
print(len(problems), "problems")
