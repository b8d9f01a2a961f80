"""Recorder of linear.json: solutions of linear systems by NumPy and SciPy, for tests of linearSolve.

    python tests/reference/record_linear.py [OUT_DIR]; deno fmt tests/reference/linear.json

The file in the repository was recorded with NumPy and SciPy of the versions that it names. "exact" solutions
are those of rational arithmetic.
"""

import json
import os
import sys
from fractions import Fraction

import numpy as np
import scipy
import scipy.linalg
import scipy.sparse.linalg as ssl

rng = np.random.default_rng(20261126)


def case(name, solvers, a, b, x, rank=None, tags=None):
    return {
        "name": name,
        "solvers": solvers,
        "a": np.asarray(a).tolist(),
        "b": np.asarray(b).tolist(),
        "x": np.asarray(x).tolist(),
        "rank": rank,
        "tags": tags or {},
        "condition": float(np.linalg.cond(a)) if rank is None else None,
    }


def exact(a, b):
    """By elimination on fractions."""
    n = len(b)
    rows = [[Fraction(v) for v in row] + [Fraction(w)] for row, w in zip(a, b)]
    for i in range(n):
        p = next(k for k in range(i, n) if rows[k][i] != 0)
        rows[i], rows[p] = rows[p], rows[i]
        for k in range(n):
            if k != i:
                f = rows[k][i] / rows[i][i]
                rows[k] = [u - f * v for u, v in zip(rows[k], rows[i])]
    return [float(rows[i][n] / rows[i][i]) for i in range(n)]


def main(out):
    cases = []
    hilbert = scipy.linalg.hilbert(6)
    b = np.ones(6)
    direct = ["lu", "qr", "svd"]
    cases.append(
        case("Hilbert 6", direct + ["cholesky"], hilbert, b, exact(hilbert, b), tags={"positiveDefinite": True})
    )
    a = rng.normal(size=(12, 12))
    b = rng.normal(size=12)
    cases.append(case("normal 12", direct + ["gmres", "lsmr"], a, b, exact(a, b)))
    scales = 10.0 ** np.arange(-6, 6)
    cases.append(case("rows in other units", ["lu"], a * scales[:, None], b * scales, exact(a * scales[:, None], b * scales)))
    spd = a @ a.T / 12 + np.eye(12)
    x = ssl.cg(spd, b, rtol=1e-14)[0]
    tags = {"positiveDefinite": True}
    cases.append(case("definite 12", ["cg", "minres", "cholesky", "gmres", "bicgstab"], spd, b, x, tags=tags))
    poisson = 2 * np.eye(30) - np.eye(30, k=1) - np.eye(30, k=-1)
    b = rng.normal(size=30)
    x = scipy.linalg.solveh_banded(np.array([np.full(30, -1.0), np.full(30, 2.0)]), b)
    cases.append(case("Poisson 30", ["lu", "cg", "minres", "cholesky", "gmres"], poisson, b, x, tags=tags))
    saddle = np.block([[np.eye(6) * 2, a[:6, :3]], [a[:6, :3].T, np.zeros((3, 3))]])
    b = rng.normal(size=9)
    cases.append(
        case("saddle point", ["minres", "lu", "gmres"], saddle, b, exact(saddle, b), tags={"symmetric": True})
    )
    for name, (m, n, r) in {"tall": (9, 4, 4), "wide": (4, 9, 4), "deficient": (8, 6, 3), "deficient square": (6, 6, 5)}.items():
        a = rng.normal(size=(m, r)) @ rng.normal(size=(r, n))
        b = rng.normal(size=m)
        x, _, rank, _ = np.linalg.lstsq(a, b, rcond=None)
        cases.append(case(name, ["qr", "svd", "lsmr"], a, b, x, int(rank)))
    tri = np.tril(a[:6, :6]) + 3 * np.eye(6)
    b = rng.normal(size=6)
    x = scipy.linalg.solve_triangular(tri, b, lower=True)
    cases.append(case("lower triangle", ["triangular", "lu"], tri, b, x, tags={"triangular": "lower"}))
    with open(os.path.join(out, "linear.json"), "w") as f:
        versions = {"numpy": np.__version__, "scipy": scipy.__version__}
        json.dump({"versions": versions, "cases": cases}, f)
        f.write("\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
