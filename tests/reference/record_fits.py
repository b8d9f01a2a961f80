"""Records fits of curves by SciPy 1.x (`curve_fit`, tolerances 1e-14): parameters, standard errors and chi-square.

Puromycin (Treloar 1974) and DNase (Davidian and Giltinan 1995) are of R's datasets, the pasture of Ratkowsky (1983), the
population of the USA in millions of its census of 1790 to 1880; the others are drawn here. The models stand in
tests/solvers/outside_test.ts by the same names. Run from the root: python3 tests/reference/record_fits.py
"""
import json

import numpy as np
from scipy.optimize import curve_fit

rng = np.random.default_rng(7)
fits = []


def fit(name, model, x, y, start, sigma=None, absolute=False, bounds=None):
    tight = dict(xtol=1e-14, ftol=1e-14, gtol=1e-14)
    limits = dict(bounds=([lower for lower, _ in bounds], [upper for _, upper in bounds])) if bounds else {}
    names = list(start)
    p, covariance = curve_fit(
        lambda x, *p: model(x, **dict(zip(names, p))), x, y, p0=list(start.values()), sigma=sigma,
        absolute_sigma=absolute, **tight, **limits, **({} if bounds else dict(maxfev=100_000)),
    )
    weight = 1 if sigma is None else sigma
    chi = float(np.sum(((y - model(x, **dict(zip(names, p)))) / weight) ** 2))
    fits.append(dict(
        name=name, x=list(map(float, x)), y=list(map(float, y)), start=start,
        sigma=None if sigma is None else list(map(float, np.broadcast_to(sigma, y.shape))), absolute=absolute,
        bounds=None if bounds is None else [list(pair) for pair in bounds],
        value=dict(zip(names, map(float, p))), errors=dict(zip(names, map(float, np.sqrt(np.diag(covariance))))),
        chi=chi,
    ))


michaelis = lambda x, vmax, km: vmax * x / (km + x)
logistic = lambda x, top, mid, scale: top / (1 + np.exp((mid - x) / scale))
hill = lambda x, bottom, top, ec50, slope: bottom + (top - bottom) / (1 + np.exp(-slope * np.log(x / ec50)))
decay = lambda x, a, k, b: a * np.exp(-k * x) + b
peak = lambda x, a, m, s, c: a * np.exp(-0.5 * ((x - m) / s) ** 2) + c
lorentz = lambda x, a, m, s, b, n, u: a / (1 + ((x - m) / s) ** 2) + b / (1 + ((x - n) / u) ** 2)
wave = lambda x, a, k, w, phi: a * np.exp(-k * x) * np.sin(w * x + phi)
line = lambda x, a, b: a + b * x
quintic = lambda x, **c: sum(v * x**i for i, v in enumerate(c.values()))
arrhenius = lambda x, a, e: np.exp(a - e / 8.314 / x)
growth = lambda x, a, b, c: a / (1 + np.exp(b - c * x))
weibull = lambda x, a, b, c, d: a - b * np.exp(-np.exp(c + d * np.log(x)))
gompertz = lambda x, a, b, c: a * np.exp(-np.exp(b - c * x))
two = lambda x, a, k, b, l: a * np.exp(-k * x) + b * np.exp(-l * x)
power = lambda x, a, b, c: a * x**b + c

concentration = np.repeat([0.02, 0.06, 0.11, 0.22, 0.56, 1.1], 2)
rate = np.array([76, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200.0])
fit("michaelis", michaelis, concentration, rate, dict(vmax=200.0, km=0.1))
dilution = np.log(np.repeat([0.04882812, 0.1953125, 0.390625, 0.78125, 1.5625, 3.125, 6.25, 12.5], 2))
density = np.array([
    0.017, 0.018, 0.121, 0.124, 0.206, 0.215, 0.377, 0.374, 0.614, 0.609, 1.019, 1.001, 1.334, 1.364, 1.730, 1.710,
])
fit("logistic", logistic, dilution, density, dict(top=3.0, mid=0.0, scale=1.0))
fit("logistic", logistic, dilution, density, dict(top=1.0, mid=1.0, scale=0.5))
dose = np.array([0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30])
response = hill(dose, 2, 100, 0.25, 1.3) + rng.normal(0, 2, 10)
begin = dict(bottom=0.0, top=100.0, ec50=1.0, slope=1.0)
fit("hill", hill, dose, response, begin)
fit("hill", hill, dose, response, begin, sigma=2 + 0.01 * response, absolute=True)
fit("hill", hill, dose, response, begin, sigma=2 + 0.01 * response)
t = np.arange(40.0)
fit("decay", decay, t, decay(t, 5, 0.1, 1) + rng.normal(0, 0.1, 40), dict(a=1.0, k=0.0, b=0.0), sigma=np.full(40, 0.1), absolute=True)
t = np.linspace(0, 10, 80)
fit("decay", decay, t, decay(t, 2.5, 1.3, 0.5) + rng.normal(0, 0.2, 80), dict(a=1.0, k=1.0, b=0.4), bounds=[(0, 3), (0, 1), (0, 0.5)])
x = np.linspace(-5, 5, 60)
fit("peak", peak, x, peak(x, 3, 0.7, 0.9, 0.2) + rng.normal(0, 0.05, 60), dict(a=1.0, m=0.0, s=1.0, c=0.0))
fit("lorentz", lorentz, x, lorentz(x, 2, 0.3, 0.5, 1, -2, 0.4) + rng.normal(0, 0.03, 60), dict(a=1.0, m=0.0, s=1.0, b=1.0, n=-1.5, u=1.0))
fit("wave", wave, t, wave(t, 1.5, 0.2, 2.1, 0.4) + rng.normal(0, 0.05, 80), dict(a=1.0, k=0.1, w=2.0, phi=0.0))
fit("line", line, np.arange(1.0, 9), np.array([3.1, 4.9, 7.2, 9.1, 10.8, 13.2, 15.1, 16.8]), dict(a=0.0, b=0.0))
x = np.linspace(-1, 1, 30)
fit("quintic", quintic, x, np.cos(3 * x) + rng.normal(0, 0.01, 30), {f"c{i}": 0.0 for i in range(6)})
kelvin = np.arange(288.15, 319, 5)
fit("arrhenius", arrhenius, kelvin, arrhenius(kelvin, np.log(3e10), 6.2e4) * np.exp(rng.normal(0, 0.02, 7)), dict(a=20.0, e=5e4))
census = np.array([3.929, 5.308, 7.240, 9.638, 12.866, 17.069, 23.192, 31.443, 38.558, 50.156])
fit("growth", growth, np.arange(10.0), census, dict(a=200.0, b=4.0, c=0.3))
days = np.array([9, 14, 21, 28, 42, 57, 63, 70, 79.0])
pasture = np.array([8.93, 10.8, 18.59, 22.33, 39.35, 56.11, 61.73, 64.62, 67.08])
fit("weibull", weibull, days, pasture, dict(a=70.0, b=60.0, c=-9.0, d=2.4))
fit("gompertz", gompertz, days, pasture, dict(a=80.0, b=1.0, c=0.05))
t = np.linspace(0, 8, 50)
fit("two", two, t, two(t, 3, 2, 1, 0.3) + rng.normal(0, 0.01, 50), dict(a=2.0, k=1.0, b=2.0, l=0.1))
x = np.linspace(1, 10, 25)
fit("power", power, x, power(x, 0.7, 1.8, 2) + rng.normal(0, 0.2, 25), dict(a=1.0, b=1.0, c=1.0))

with open("tests/reference/fits.json", "w") as file:
    json.dump(fits, file)
