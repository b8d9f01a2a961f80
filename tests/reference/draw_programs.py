"""Draws random programs of the namespaces, in this library and in JAX.

    python tests/reference/draw_programs.py [COUNT [SEED]]

writes families/random_programs.json, for record_families.py: each program is a chain of
operations with drawn arguments, on arrays, whole numbers, booleans, and special values.
What JAX refuses, what is longer than it is worth, and what turns one rounding error into
many, is drawn again.
"""

import json
import os
import random as py
import sys
import warnings

import jax

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
from recorders.common import HERE, NAMES, pseudo, variables

warnings.filterwarnings("ignore")


def listed(seed, *shape):
    return pseudo(seed, shape).tolist()


INPUTS = {
    "s": 0.75,
    "v": listed(1, 5),
    "w": listed(2, 4),
    "m": listed(3, 3, 4),
    "q": listed(4, 3, 3),
    "c": listed(5, 2, 3, 4),
    "odd": [0.5, "NaN", -1.5, "Infinity", 2.25, "-Infinity"],
    "ties": [[1.5, 0.5, 1.5, -2.5], [0.5, 0.5, 3.5, 1.5]],
    "empty": np.zeros((2, 0)).tolist(),
    "i": [3, -1, 0, 2, -2],
    "j": [[2, 0, 1], [1, 7, -3]],
    "b": [True, False, True, True, False],
}
MOST = 60


def value(name):
    a = np.array(INPUTS[name])
    if a.dtype.kind in "UO":
        a = np.vectorize(float)(a)
    return jnp.asarray(a, {"f": jnp.float64, "i": jnp.int32, "b": jnp.bool_}[a.dtype.kind])


class Node:
    """An expression here, the same in JAX, and what it gives."""

    def __init__(self, here, jax_, value):
        self.here, self.jax, self.value = here, jax_, value
        self.shape, self.ndim = value.shape, value.ndim
        self.kind = {"f": "f", "i": "i", "b": "b", "u": "u"}[np.dtype(value.dtype).kind]


class Unfit(Exception):
    pass


def evaluate(text, inputs):
    return eval(text, {**NAMES, **inputs})


class Drawer:
    def __init__(self, seed):
        self.r = py.Random(seed)
        self.inputs = {k: value(k) for k in INPUTS}
        self.seen = set()

    # ---------------------------------------------------------------- what is drawn

    def one(self, *items):
        return self.r.choice(items)

    def leaf(self, kinds="f"):
        names = [k for k, v in self.inputs.items()
                 if {"f": "f", "i": "i", "b": "b"}[np.dtype(v.dtype).kind] in kinds]
        n = self.r.choice(names)
        return Node(n, n, self.inputs[n])

    def axis(self, x):
        if x.ndim == 0:
            raise Unfit
        return self.r.randrange(-x.ndim, x.ndim)

    def ints(self, n, low, high):
        return [self.r.randint(low, high) for _ in range(n)]

    def cut(self, n):
        """A slice here and there."""
        start, stop = self.one(None, 0, 1, -2, -n), self.one(None, n, -1, 2, n + 3)
        step = self.one(None, None, 1, 2, -1, -2)
        if step is not None and step < 0:
            start, stop = stop if stop is not None and stop < n else None, None
        names = ["null" if k is None else str(k) for k in (start, stop, step)]
        texts = ["" if k is None else str(k) for k in (start, stop, step)]
        return f"np.slice({', '.join(names)})", ":".join(texts)

    def index(self, x):
        """Several indices here and there."""
        here, there = [], []
        for n in x.shape[: self.r.randint(1, x.ndim)] if x.ndim else []:
            kind = self.r.randrange(6)
            if kind == 0:
                k = self.r.randrange(-n, n) if n else 0
                here.append(str(k)); there.append(str(k))
            elif kind == 1:
                here.append("null"); there.append("None")
            elif kind == 2:
                here.append("i"); there.append("i")
            elif kind == 3 and n == 5:
                here.append("'...'"); there.append("...")
            else:
                a, b = self.cut(n)
                here.append(a); there.append(b)
        if here.count("'...'") > 1 or not here:
            raise Unfit
        return ", ".join(here), ", ".join(there)

    # ---------------------------------------------------------------- operations

    def elementwise(self, x):
        inside = {
            "unit": ("np.tanh(%s).mul(0.8)", "(jnp.tanh(%s)*0.8)"),
            "above": ("np.abs(%s).add(0.5)", "(jnp.abs(%s)+0.5)"),
            "share": ("nn.sigmoid(%s)", "nn.sigmoid(%s)"),
            "any": ("%s", "%s"),
        }
        table = [
            ("any", n, m) for n, m in [
                ("np.sinc", "jnp.sinc"), ("np.exp2", "jnp.exp2"), ("np.square", "jnp.square"),
                ("np.sign", "jnp.sign"), ("np.rint", "jnp.rint"), ("np.floor", "jnp.floor"),
                ("np.trunc", "jnp.trunc"), ("np.fabs", "jnp.fabs"), ("np.nanToNum", "jnp.nan_to_num"),
                ("np.signbit", "jnp.signbit"), ("np.isFinite", "jnp.isfinite"),
                ("np.deg2rad", "jnp.deg2rad"), ("np.arctan", "jnp.arctan"), ("np.arcsinh", "jnp.arcsinh"),
                ("nn.gelu", "nn.gelu"), ("nn.silu", "nn.silu"), ("nn.elu", "nn.elu"), ("nn.mish", "nn.mish"),
                ("nn.softplus", "nn.softplus"), ("nn.softSign", "nn.soft_sign"), ("nn.relu6", "nn.relu6"),
                ("nn.hardSigmoid", "nn.hard_sigmoid"), ("nn.hardSwish", "nn.hard_swish"), ("nn.celu", "nn.celu"),
                ("nn.selu", "nn.selu"), ("nn.logSigmoid", "nn.log_sigmoid"),
                ("nn.squareplus", "nn.squareplus"), ("special.erf", "special.erf"),
                ("special.erfc", "special.erfc"), ("special.ndtr", "special.ndtr"),
                ("special.logNdtr", "special.log_ndtr"), ("special.i0e", "special.i0e"),
                ("special.i1e", "special.i1e"), ("special.i0", "special.i0"), ("special.i1", "special.i1"),
                ("special.entr", "special.entr"), ("special.expit", "special.expit"),
                ("lax.rsqrt", "lax.rsqrt"), ("lax.logistic", "lax.logistic"),
                ("stats.norm.pdf", "stats.norm.pdf"), ("stats.norm.logcdf", "stats.norm.logcdf"),
                ("stats.cauchy.logpdf", "stats.cauchy.logpdf"), ("stats.laplace.cdf", "stats.laplace.cdf"),
                ("stats.logistic.logpdf", "stats.logistic.logpdf"), ("stats.expon.logpdf", "stats.expon.logpdf"),
                ("stats.uniform.pdf", "stats.uniform.pdf"), ("stats.norm.sf", "stats.norm.sf"),
            ]
        ] + [
            ("unit", n, m) for n, m in [
                ("special.erfInv", "special.erfinv"), ("np.arcsin", "jnp.arcsin"), ("np.arctanh", "jnp.arctanh"),
                ("np.arccos", "jnp.arccos"),
            ]
        ] + [
            ("above", n, m) for n, m in [
                ("special.gammaln", "special.gammaln"), ("special.digamma", "special.digamma"),
                ("np.log1p", "jnp.log1p"), ("np.log2", "jnp.log2"), ("np.log10", "jnp.log10"),
                ("special.gamma", "special.gamma"), ("special.exp1", "special.exp1"),
                ("special.expi", "special.expi"), ("special.spence", "special.spence"),
                ("lax.cbrt", "lax.cbrt"), ("np.reciprocal", "jnp.reciprocal"),
            ]
        ] + [
            ("share", n, m) for n, m in [
                ("special.ndtri", "special.ndtri"), ("special.logit", "special.logit"),
                ("stats.norm.ppf", "stats.norm.ppf"), ("stats.logistic.ppf", "stats.logistic.ppf"),
                ("special.entr", "special.entr"),
            ]
        ]
        where, here, there = self.one(*table)
        a, b = inside[where]
        return f"{here}({a % x.here})", f"{there}({b % x.jax})"

    def binary(self, x):
        y = self.r.choice([self.leaf, self.leaf, lambda: Node("2.5", "2.5", jnp.asarray(2.5))])()
        return self.one(
            (f"np.hypot({x.here}, {y.here})", f"jnp.hypot({x.jax}, {y.jax})"),
            (f"np.logaddexp({x.here}, {y.here})", f"jnp.logaddexp({x.jax}, {y.jax})"),
            (f"np.fmax({x.here}, {y.here})", f"jnp.fmax({x.jax}, {y.jax})"),
            (f"np.fmin({x.here}, {y.here})", f"jnp.fmin({x.jax}, {y.jax})"),
            (f"np.copysign({x.here}, {y.here})", f"jnp.copysign({x.jax}, {y.jax})"),
            (f"np.heaviside({x.here}, {y.here})", f"jnp.heaviside({x.jax}, {y.jax})"),
            (f"np.mod({x.here}, {y.here})", f"jnp.mod({x.jax}, {y.jax})"),
            (f"np.fmod({x.here}, {y.here})", f"jnp.fmod({x.jax}, {y.jax})"),
            (f"np.floorDivide({x.here}, {y.here})", f"jnp.floor_divide({x.jax}, {y.jax})"),
            (f"np.atan2({x.here}, {y.here})", f"jnp.arctan2({x.jax}, {y.jax})"),
            (f"np.minimum({x.here}, {y.here})", f"jnp.minimum({x.jax}, {y.jax})"),
            (f"np.maximum({x.here}, {y.here})", f"jnp.maximum({x.jax}, {y.jax})"),
            (f"np.pow(np.abs({x.here}), {y.here})", f"jnp.power(jnp.abs({x.jax}), {y.jax})"),
            (f"special.xlogy({x.here}, np.abs({y.here}))", f"special.xlogy({x.jax}, jnp.abs({y.jax}))"),
            (f"special.betaln(np.abs({x.here}).add(1), np.abs({y.here}).add(1))",
             f"special.betaln(jnp.abs({x.jax})+1, jnp.abs({y.jax})+1)") if y.here != "2.5" else
            (f"special.zeta(np.abs({x.here}).add(2), {y.here})", f"special.zeta(jnp.abs({x.jax})+2, {y.jax})"),
            (f"special.relEntr(np.abs({x.here}), np.exp({y.here}))",
             f"special.rel_entr(jnp.abs({x.jax}), jnp.exp({y.jax}))"),
            (f"stats.norm.logpdf({x.here}, {y.here}, 1.5)", f"stats.norm.logpdf({x.jax}, {y.jax}, 1.5)"),
            (f"stats.gamma.logpdf(np.abs({x.here}), 2.5)", f"stats.gamma.logpdf(jnp.abs({x.jax}), 2.5)"),
            (f"stats.beta.logpdf(nn.sigmoid({x.here}), 1.5, 2.5)",
             f"stats.beta.logpdf(nn.sigmoid({x.jax}), 1.5, 2.5)"),
            (f"stats.t.logpdf({x.here}, 3.5)", f"stats.t.logpdf({x.jax}, 3.5)"),
            (f"np.where({x.here}.greater({y.here}), {x.here}, {y.here})",
             f"jnp.where({x.jax} > {y.jax}, {x.jax}, {y.jax})") if y.here != "2.5" else
            (f"np.clip({x.here}, -1, {y.here})", f"jnp.clip({x.jax}, -1, {y.jax})"),
        )

    def reducing(self, x):
        axis = self.axis(x)
        keep = self.one(True, False)
        k, kk = ("true", "True") if keep else ("false", "False")
        name, theirs = self.one(
            ("sum", "sum"), ("mean", "mean"), ("max", "max"), ("min", "min"), ("prod", "prod"), ("var", "var"),
            ("std", "std"), ("median", "median"), ("nansum", "nansum"), ("nanmean", "nanmean"),
            ("nanmax", "nanmax"), ("nanvar", "nanvar"), ("nanmedian", "nanmedian"), ("ptp", "ptp"),
            ("argmax", "argmax"), ("nanargmin", "nanargmin"), ("countNonzero", "count_nonzero"), ("any", "any"))
        plain = (f"np.{name}({x.here}, {axis}, {{ keepDims: {k} }})",
                 f"jnp.{theirs}({x.jax}, {axis}, keepdims={kk})")
        q = self.one(0.25, 0.5, 0.9)
        method = self.one("linear", "lower", "higher", "nearest", "midpoint")
        return self.one(
            plain, plain,
            (f"nn.logsumexp({x.here}, {axis})", f"nn.logsumexp({x.jax}, {axis})"),
            (f"np.quantile({x.here}, {q}, {axis}, {{ method: '{method}' }})",
             f"jnp.quantile({x.jax}, {q}, axis={axis}, method='{method}')"),
            (f"np.average({x.here}, {axis})", f"jnp.average({x.jax}, axis={axis})"),
            (f"np.trapezoid({x.here}, {axis})", f"jnp.trapezoid({x.jax}, axis={axis})"),
            (f"lax.reduceMax({x.here}, [{axis % x.ndim}])", f"lax.reduce_max({x.jax}, ({axis % x.ndim},))"),
            (f"linalg.norm({x.here}, {{ axis: {axis}, ord: 3 }})", f"jnp.linalg.norm({x.jax}, axis={axis}, ord=3)"),
            (f"linalg.norm({x.here}, {{ axis: {axis}, ord: Infinity }})",
             f"jnp.linalg.norm({x.jax}, axis={axis}, ord=jnp.inf)"),
        )

    def along(self, x):
        axis = self.axis(x)
        p = axis % x.ndim
        rev, rrev = self.one(("true", "True"), ("false", "False"))
        kind = self.one("cummax", "cummin", "cumprod", "cumlogsumexp", "cumsum")
        k = self.r.randint(0, x.shape[p])
        shift = self.r.randint(-3, 3)
        width = self.ints(2 * x.ndim, 0, 2)
        pairs = [width[2 * n: 2 * n + 2] for n in range(x.ndim)]
        mode = self.one("edge", "reflect", "wrap", "symmetric")
        return self.one(
            (f"lax.{kind}({x.here}, {p}, {{ reverse: {rev} }})", f"lax.{kind}({x.jax}, {p}, reverse={rrev})"),
            (f"lax.{kind}({x.here}, {p}, {{ reverse: {rev} }})", f"lax.{kind}({x.jax}, {p}, reverse={rrev})"),
            (f"np.sort({x.here}, {axis})", f"jnp.sort({x.jax}, {axis})"),
            (f"np.argsort({x.here}, {axis}, {{ descending: true }})",
             f"jnp.argsort({x.jax}, {axis}, descending=True).astype(I32)"),
            (f"lax.topK({x.here}, {k}, {axis})", f"lax.top_k({x.jax}, {k}, axis={axis})"),
            (f"lax.sort([np.floor({x.here}), {x.here}], {{ dimension: {p}, numKeys: 1 }})",
             f"lax.sort([jnp.floor({x.jax}), {x.jax}], dimension={p}, num_keys=1)"),
            (f"np.diff({x.here}, 1, {axis})", f"jnp.diff({x.jax}, 1, {axis})"),
            (f"np.roll({x.here}, {shift}, {axis})", f"jnp.roll({x.jax}, {shift}, {axis})"),
            (f"np.flip({x.here}, {axis})", f"jnp.flip({x.jax}, {axis})"),
            (f"np.pad({x.here}, {pairs}, {{ mode: '{mode}' }})", f"jnp.pad({x.jax}, {pairs}, mode='{mode}')"),
            (f"lax.pad({x.here}, 1.5, [{', '.join(str([a, b - 1, (a + b) % 2]) for a, b in pairs)}])",
             f"lax.pad({x.jax}, jnp.asarray(1.5, {x.jax}.dtype), {[(a, b - 1, (a + b) % 2) for a, b in pairs]})"),
            (f"nn.softmax({x.here}, {axis})", f"nn.softmax({x.jax}, axis={axis})"),
            (f"nn.logSoftmax({x.here}, {axis})", f"nn.log_softmax({x.jax}, axis={axis})"),
            (f"np.repeat({x.here}, 2, {axis})", f"jnp.repeat({x.jax}, 2, axis={axis})"),
            (f"np.cumsum({x.here}, {axis})", f"jnp.cumsum({x.jax}, {axis})"),
            (f"np.unwrap({x.here}, {axis})", f"jnp.unwrap({x.jax}, axis={axis})"),
            (f"np.gradient({x.here})", f"jnp.gradient({x.jax})"),
            (f"np.moveaxis({x.here}, {axis}, 0)", f"jnp.moveaxis({x.jax}, {axis}, 0)"),
            (f"np.rollaxis({x.here}, {axis})", f"jnp.rollaxis({x.jax}, {axis})"),
            (f"np.tile({x.here}, [2, 1])", f"jnp.tile({x.jax}, (2, 1))"),
            (f"np.arraySplit({x.here}, 2, {axis})[0]", f"jnp.array_split({x.jax}, 2, {axis})[0]"),
        )

    def places(self, x):
        a, b = self.index(x)
        how, theirs = self.one(("add", "add"), ("set", "set"), ("mul", "multiply"), ("max", "max"), ("min", "min"))
        update = self.one("0.5", "s")
        axis = self.axis(x)
        mode = self.one("fill", "clip", "drop")
        take = self.one("fill", "clip", "wrap")
        return self.one(
            (f"np.at({x.here}, {a})", f"{x.jax}[{b}]"),
            (f"np.get({x.here}, {a}, {{ mode: '{mode}' }})", f"{x.jax}.at[{b}].get(mode='{mode}')"),
            (f"np.updateAt({x.here}, {a}).{how}({update})", f"{x.jax}.at[{b}].{theirs}({update})"),
            (f"np.updateAt({x.here}, {a}).{how}({update}, {{ mode: '{mode}' }})",
             f"{x.jax}.at[{b}].{theirs}({update}, mode='{mode}')"),
            (f"np.take({x.here}, j, {axis}, {{ mode: '{take}' }})", f"jnp.take({x.jax}, j, axis={axis}, mode='{take}')"),
            (f"np.takeAlongAxis({x.here}, np.argsort({x.here}, {axis}), {axis})",
             f"jnp.take_along_axis({x.jax}, jnp.argsort({x.jax}, {axis}), {axis})"),
            (f"np.where({x.here}.greater(0), {x.here}, np.flip({x.here}, {axis}))",
             f"jnp.where({x.jax} > 0, {x.jax}, jnp.flip({x.jax}, {axis}))"),
            (f"np.extract({x.here}.greater(0), {x.here}, {{ size: 4 }})",
             f"jnp.extract({x.jax} > 0, {x.jax}, size=4, fill_value=0)"),
            (f"np.nonzero({x.here}.greater(0), {{ size: 3 }})", f"[k.astype(I32) for k in jnp.nonzero({x.jax} > 0, size=3)]"),
            (f"np.searchsorted(np.sort({x.here}.ravel()), v, {{ side: 'right' }})",
             f"jnp.searchsorted(jnp.sort({x.jax}.ravel()), v, side='right').astype(I32)"),
            (f"np.digitize({x.here}, np.sort(w))", f"jnp.digitize({x.jax}, jnp.sort(w)).astype(I32)"),
            (f"np.interp({x.here}, np.sort(w), np.sin(w))", f"jnp.interp({x.jax}, jnp.sort(w), jnp.sin(w))"),
            (f"np.insert({x.here}, 1, 0.5, {axis})", f"jnp.insert({x.jax}, 1, 0.5, axis={axis})"),
            (f"np.delete({x.here}, 0, {axis})", f"jnp.delete({x.jax}, 0, axis={axis})"),
        )

    def gathered(self, x):
        """A gather or scatter with axes of all kinds."""
        if x.ndim == 0 or 0 in x.shape:
            raise Unfit
        sizes = [self.one(1, 1, self.r.randint(1, n), n) for n in x.shape]
        dropped = [k for k, n in enumerate(sizes) if n == 1 and self.r.random() < 0.6]
        map_ = self.r.sample(range(x.ndim), self.r.randint(1, x.ndim))
        shape = self.one([], [2], [1, 3])
        count = int(np.prod(shape + [len(map_)]))
        starts = np.reshape(self.ints(count, -1, 4), shape + [len(map_)]).tolist()
        windows = x.ndim - len(dropped)
        rank = len(shape) + windows
        dims = sorted(self.r.sample(range(rank), windows))
        mode = self.one("fill", "clip", "drop")
        i = f"np.array({starts}, {{ dtype: 'int32' }})", f"jnp.array({starts}, I32)"
        if self.one(True, False):
            return (f"lax.gather({x.here}, {i[0]}, {{ offsetDims: {dims}, collapsedSliceDims: {dropped}, "
                    f"startIndexMap: {map_} }}, {sizes}, {{ mode: '{mode}' }})",
                    f"lax.gather({x.jax}, {i[1]}, lax.GatherDimensionNumbers({tuple(dims)}, {tuple(dropped)}, "
                    f"{tuple(map_)}), {tuple(sizes)}, mode='{mode}')")
        own = [n for k, n in enumerate(sizes) if k not in dropped]
        rest, wins = list(shape), list(own)
        out = [wins.pop(0) if k in dims else rest.pop(0) for k in range(rank)]
        how, theirs = self.one(("scatter", "scatter"), ("scatterAdd", "scatter_add"), ("scatterMul", "scatter_mul"),
                               ("scatterMin", "scatter_min"), ("scatterMax", "scatter_max"),
                               ("scatterSub", "scatter_sub"))
        n = int(np.prod(out))
        # Updates at one place come in no order in JAX, where the last one stays here.
        if how == "scatter" and count > len(map_):
            how, theirs = "scatterAdd", "scatter_add"
        u = f"np.resize(v, {[n]}).reshape({out})", f"jnp.resize(v, ({n},)).reshape({tuple(out)})"
        return (f"lax.{how}({x.here}, {i[0]}, {u[0]}, {{ updateWindowDims: {dims}, insertedWindowDims: {dropped}, "
                f"scatterDimsToOperandDims: {map_} }}, {{ mode: '{mode}' }})",
                f"lax.{theirs}({x.jax}, {i[1]}, {u[1]}, lax.ScatterDimensionNumbers({tuple(dims)}, {tuple(dropped)}, "
                f"{tuple(map_)}), mode='{mode}')")

    def windows(self, x):
        if x.ndim == 0:
            raise Unfit
        d = x.ndim
        how, init = self.one(("add", "0.0"), ("max", "-jnp.inf"), ("min", "jnp.inf"), ("mul", "1.0"))
        ours = {"-jnp.inf": "-Infinity", "jnp.inf": "Infinity"}.get(init, init)
        sizes, strides = self.ints(d, 1, 3), self.ints(d, 1, 2)
        pad = self.one("'SAME'", "'VALID'", "'SAME_LOWER'", str([[self.r.randint(0, 2), self.r.randint(0, 2)] for _ in range(d)]))
        base, own = self.ints(d, 1, 2), self.ints(d, 1, 2)
        more = pad.startswith("[") and self.one(True, False)
        return (f"lax.reduceWindow({x.here}, {ours}, '{how}', {sizes}, {strides}, {pad}"
                + (f", {{ baseDilation: {base}, windowDilation: {own} }}" if more else "") + ")",
                f"lax.reduce_window({x.jax}, jnp.asarray({init}, {x.jax}.dtype), lax.{how}, {sizes}, {strides}, {pad}"
                + (f", base_dilation={base}, window_dilation={own}" if more else "") + ")")

    def convolution(self, x):
        if x.ndim == 0 or x.value.size == 0:
            raise Unfit
        n = self.one(1, 2)
        groups, per = self.one((1, 1), (2, 1), (1, 2), (2, 2))
        outs = groups * self.r.randint(1, 2)
        space, kernel = self.ints(n, 2, 5), self.ints(n, 1, 3)
        lhs = [self.r.randint(1, 2), groups * per, *space]
        rhs = [outs, per, *kernel]
        a = f"np.resize({x.here}.ravel(), [{int(np.prod(lhs))}]).reshape({lhs})"
        aa = f"jnp.resize({x.jax}, {tuple(lhs)})"
        b = f"np.resize(v, [{int(np.prod(rhs))}]).reshape({rhs})"
        bb = f"jnp.resize(v, {tuple(rhs)})"
        strides = self.ints(n, 1, 2)
        pairs = [[self.r.randint(0, 2), self.r.randint(-1, 2)] for _ in range(n)]
        pad = self.one("'SAME'", "'VALID'", str(pairs))
        l, r = self.ints(n, 1, 2), self.ints(n, 1, 2)
        dil = pad.startswith("[")
        return (f"lax.convGeneralDilated({a}, {b}, {strides}, {pad}, {{ "
                + (f"lhsDilation: {l}, " if dil else "") + f"rhsDilation: {r}, featureGroupCount: {groups} }})",
                f"lax.conv_general_dilated({aa}, {bb}, {strides}, {pad}, "
                + (f"lhs_dilation={l}, " if dil else "") + f"rhs_dilation={r}, feature_group_count={groups})")

    def fourier(self, x):
        axis = self.axis(x)
        n = self.one(None, 3, 6, 7)
        norm = self.one("backward", "ortho", "forward")
        o = f"{{ axis: {axis}, norm: '{norm}'" + (f", n: {n} }}" if n else " }")
        oo = f"axis={axis}, norm='{norm}'" + (f", n={n}" if n else "")
        name = self.one("fft", "ifft", "rfft", "ihfft")
        back = self.one("irfft", "hfft")
        part = self.one("re", "im")
        theirs = {"re": "jnp.real", "im": "jnp.imag"}[part]
        return self.one(
            (f"fft.{name}({x.here}, {o}).{part}", f"{theirs}(jnp.fft.{name}({x.jax}, {oo}))"),
            (f"fft.{back}({x.here}, {o})", f"jnp.fft.{back}({x.jax}, {oo})"),
            (f"fft.irfft(fft.rfft({x.here}, {{ axis: {axis} }}), {o})",
             f"jnp.fft.irfft(jnp.fft.rfft({x.jax}, axis={axis}), {oo})"),
            (f"fft.fftn({x.here}).{part}", f"{theirs}(jnp.fft.fftn({x.jax}))"),
            (f"fft.rfftn({x.here}).{part}", f"{theirs}(jnp.fft.rfftn({x.jax}))"),
            (f"fft.fftshift({x.here}, [{axis}])", f"jnp.fft.fftshift({x.jax}, axes=[{axis}])"),
        )

    def products(self, x):
        if x.ndim == 0:
            raise Unfit
        axis = self.axis(x)
        return self.one(
            (f"np.tensordot({x.here}, {x.here}, [[{axis}], [{axis}]])",
             f"jnp.tensordot({x.jax}, {x.jax}, axes=[[{axis}], [{axis}]])"),
            (f"np.outer({x.here}, w)", f"jnp.outer({x.jax}, w)"),
            (f"np.inner({x.here}, {x.here})", f"jnp.inner({x.jax}, {x.jax})"),
            (f"np.kron({x.here}, w)", f"jnp.kron({x.jax}, w)"),
            (f"np.convolve({x.here}.ravel(), v, {{ mode: 'same' }})",
             f"jnp.convolve({x.jax}.ravel(), v, mode='same', precision='highest')"),
            (f"np.correlate({x.here}.ravel(), w, {{ mode: 'full' }})",
             f"jnp.correlate({x.jax}.ravel(), w, mode='full', precision='highest')"),
            (f"np.polyval({x.here}.ravel(), 0.5)", f"jnp.polyval({x.jax}.ravel(), 0.5)"),
            (f"np.vander({x.here}.ravel(), 3)", f"jnp.vander({x.jax}.ravel(), 3)"),
            (f"np.cov({x.here}.reshape([2, -1]))", f"jnp.cov({x.jax}.reshape(2, -1))"),
            (f"np.trace({x.here})", f"jnp.trace({x.jax})"),
            (f"np.tril({x.here}, {self.r.randint(-1, 1)})", f"jnp.tril({x.jax}, 0)"),
            (f"np.diag({x.here}.ravel(), 1)", f"jnp.diag({x.jax}.ravel(), 1)"),
            (f"linalg.expm(q.mul(0.3)).add({x.here}.sum())", f"jax.scipy.linalg.expm(q*0.3)+{x.jax}.sum()"),
            (f"linalg.det(q).mul({x.here})", f"jnp.linalg.det(q)*{x.jax}"),
            (f"linalg.solve(q, q.T).mul({x.here}.sum())", f"jnp.linalg.solve(q, q.T)*{x.jax}.sum()"),
        )

    def whole(self, x):
        y = self.one("i", "j", "np.flip(i, 0)")
        z = y.replace("np.", "jnp.")
        return self.one(
            (f"lax.populationCount({y})", f"lax.population_count({z})"),
            (f"lax.clz({y})", f"lax.clz({z})"),
            (f"np.gcd({y}, 6)", f"jnp.gcd({z}, 6)"),
            (f"np.lcm({y}, 6)", f"jnp.lcm({z}, 6)"),
            (f"lax.shiftRightArithmetic({y}, 1)", f"lax.shift_right_arithmetic({z}, jnp.int32(1))"),
            (f"lax.shiftRightLogical({y}, 1)", f"lax.shift_right_logical({z}, jnp.int32(1))"),
            (f"np.floorDivide({y}, -2)", f"jnp.floor_divide({z}, -2)"),
            (f"np.mod({y}, -3)", f"jnp.mod({z}, -3)"),
            (f"lax.rem({y}, 3)", f"lax.rem({z}, jnp.int32(3))"),
            (f"lax.cummax({y}, 0)", f"lax.cummax({z}, 0)"),
            (f"np.bincount(np.abs({y}).ravel(), {{ length: 9 }})", f"jnp.bincount(jnp.abs({z}).ravel(), length=9)"),
            (f"np.unique({y}, {{ size: 4 }})", f"jnp.unique({z}, size=4)"),
            (f"np.bitwiseXor({y}, 5)", f"jnp.bitwise_xor({z}, 5)"),
            (f"np.sort({y}, 0, {{ descending: true }})", f"jnp.sort({z}, 0, descending=True)"),
            (f"nn.oneHot({y}, 4)", f"nn.one_hot({z}, 4)"),
            (f"np.cumprod({y}, 0)", f"jnp.cumprod({z}, 0)"),
            (f"lax.reduceWindow({y}, 0, 'add', [{', '.join(['2'] * (2 if y == 'j' else 1))}])",
             f"lax.reduce_window({z}, jnp.int32(0), lax.add, [{', '.join(['2'] * (2 if y == 'j' else 1))}], None, 'VALID')"),
        )

    KINDS = ["elementwise"] * 4 + ["binary"] * 2 + ["reducing"] * 2 + ["along"] * 3 + ["places"] * 3 + \
        ["gathered"] * 2 + ["windows"] * 2 + ["convolution", "fourier", "fourier", "products", "products"]

    # ---------------------------------------------------------------- programs

    def program(self):
        if self.r.random() < 0.08:
            x = self.leaf("i")
            here, there = self.whole(x)
            y = evaluate(there, self.inputs)
            return Node(here, there, y)
        x = self.leaf()
        for _ in range(self.r.randint(1, 3)):
            here, there = getattr(self, self.r.choice(self.KINDS))(x)
            y = evaluate(there, self.inputs)
            if isinstance(y, (list, tuple)):
                if any(k.size > MOST for k in y):
                    raise Unfit
                return Program(here, there, list(y))
            x = Node(here, there, y)
            if x.kind != "f":
                break
            if y.size > MOST or y.ndim > 4:
                raise Unfit
        return x

    def draw(self):
        p = self.program()
        if p.jax in self.seen or len(p.here) > 420 or not variables({"jax": p.jax}, INPUTS):
            raise Unfit
        if any(text in p.here for text in LEFT_OUT) or not steady(p.jax):
            raise Unfit
        self.seen.add(p.jax)
        return {"here": p.here, "jax": p.jax}


class Program:
    def __init__(self, here, jax_, values):
        self.here, self.jax, self.values = here, jax_, values


# What is not drawn, by what stands in it: numbers without an array are of this library's default
# dtype; XLA's transforms and grouped convolutions spread NaN as they are computed; the slope of
# numbers beside NaN is what a mask makes of it; the slope of scatter_max at one place twice is not
# that of its value in JAX; and so is that of a norm at 0, NaN.
LEFT_OUT = ["np.exp(2.5)", "odd.ravel(), [", "np.kron(odd", ".mul(odd)", "[[-1], [-1]]",
            "linalg.norm(fft.ihfft"]

AMPLIFIED = 4


def steady(text):
    """Whether values and gradients change by no more than a few times what the inputs do, relative to the largest."""
    names = variables({"jax": text}, INPUTS)
    f = eval(f"lambda {', '.join(names)}: {text}", NAMES)
    args = [value(n) for n in names]
    floats = [k for k, a in enumerate(args) if a.dtype == jnp.float64]

    def outputs(args):
        y = f(*args)
        return [k for k in (y if isinstance(y, (list, tuple)) else [y])]

    def weighted(*args):
        total = 0.0
        for y in outputs(args):
            if y.dtype == jnp.float64:
                total += jnp.sum(y.ravel() / jnp.arange(1.0, y.size + 1))
        return total

    def everything(args):
        out = [np.asarray(y) for y in outputs(args)]
        if floats and any(y.dtype == np.float64 for y in out):
            out += [np.asarray(g) for g in jax.grad(weighted, floats)(*args)]
        return out

    base = everything(args)
    for sign in (1, -1):
        eps = 2.0**-36
        r = np.random.RandomState(7)
        near = [a * (1 + sign * eps * r.uniform(0.5, 1, a.shape)) if k in floats else a for k, a in enumerate(args)]
        for a, b in zip(base, everything(near)):
            if a.dtype.kind != "f":
                if not np.array_equal(a, b):
                    return False
                continue
            same = (a == b) | (np.isnan(a) & np.isnan(b))
            if not np.all(np.isfinite(a) == np.isfinite(b)):
                return False
            size = np.max(np.abs(a[np.isfinite(a)]), initial=0.0)
            off = np.where(same, 0, np.abs(np.where(same, 0, a) - np.where(same, 0, b)))
            if np.any(off > AMPLIFIED * eps * size):
                return False
    return True


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 360
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    name = sys.argv[3] if len(sys.argv) > 3 else "random_programs"
    drawer = Drawer(seed)
    programs, refused = [], {}
    while len(programs) < count:
        if len(programs) % 50 == 49:
            jax.clear_caches()
        try:
            programs.append(drawer.draw())
        except Unfit:
            pass
        except Exception as error:
            key = str(error).split("\n")[0][:90]
            refused[key] = refused.get(key, 0) + 1
    with open(os.path.join(HERE, "families", name + ".json"), "w", encoding="utf-8") as file:
        any_zero = "conjugates, and slopes outside of what a distribution is on, are zeros of either sign"
        body = {"inputs": INPUTS, "programs": programs, "anyZero": any_zero}
        json.dump(body, file, indent=1)
        file.write("\n")
    if "-v" in sys.argv:
        for key, n in sorted(refused.items(), key=lambda p: -p[1]):
            print(n, key)


if __name__ == "__main__":
    main()
