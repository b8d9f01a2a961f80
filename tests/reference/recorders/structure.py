"""Reductions, sorting, indexing, products, padding and linear algebra, and every other operation."""

import jax
import jax.numpy as jnp
import numpy as np

from .common import (
    F32, F64, I32, I32_MAX, I32_MIN, INF, NAN, OPERATIONS, U32_MAX, arr, arrs, flat, function,
    params, pseudo, variables, x64,
)


class Cases:
    def __init__(self):
        self.cases = {}

    def add(self, name, op, inputs, **static):
        """inputs: dict of arrays; op of them, with static for p, gives one array or a tuple."""
        assert name not in self.cases, name
        ins = {k: jnp.asarray(v) for k, v in inputs.items()}
        y = function(BY_NAME[op], list(ins), {"p": static})(*ins.values())
        y = [narrow(v) for v in y] if isinstance(y, (tuple, list)) else narrow(y)
        ys = list(y) if isinstance(y, (tuple, list)) else [y]
        self.cases[name] = {
            "op": op,
            "inputs": arrs(ins),
            "order": list(ins),
            "params": params(static),
            "outputs": [arr(v) for v in ys],
        }


BY_NAME = {entry["name"]: entry for entry in OPERATIONS["structure"]}


def narrow(y):
    """Indices are int32 here, whether or not x64 is on."""
    return y.astype(I32) if y.dtype == jnp.int64 else y


def structure(dtype, cases):
    t = {"float32": "f32", "float64": "f64"}[np.dtype(dtype).name]
    A = lambda v: np.array(v, np.dtype(dtype))

    def add(name, f, inputs, **static):
        cases.add(f"{name}_{t}", f, inputs, **static)

    def add_int(name, f, inputs, **static):
        # No float64 involved: recorded once, in the default configuration.
        if dtype == F32:
            cases.add(name, f, inputs, **static)

    # argmax, argmin
    for f in ("argmax", "argmin"):
        add(f"{f}_ties", f, {"x": A([1, 3, 3, 0, 0])})
        add(f"{f}_nan", f, {"x": A([1, 5, NAN, 7, NAN, -INF])})
        add(f"{f}_inf", f, {"x": A([-INF, INF, INF, -INF])})
        add(f"{f}_signed_zero", f, {"x": A([0.0, -0.0, 0.0, -0.0])})
        add(f"{f}_2d_flat", f, {"x": A([[1, 4, 4], [4, 0, 0]])})
        add(f"{f}_2d_axis0", f, {"x": A([[1, 4, NAN], [4, 0, 0], [4, 0, NAN]])}, axis=0)
        add(f"{f}_2d_axis1", f, {"x": A([[1, 4, NAN], [4, 0, 0], [4, 0, NAN]])}, axis=1)
        add_int(f"{f}_int32", f, {"x": np.array([3, -2, 3, -2], np.int32)})

    # reductions
    m = A([[1.5, -2, 4], [0.25, 3, -1]])
    for f in ("max", "min", "sum", "prod", "mean"):
        add(f"{f}_2d_all", f, {"x": m})
        add(f"{f}_2d_axis0", f, {"x": m}, axis=0)
        add(f"{f}_2d_axis1_keepdims", f, {"x": m}, axis=1, keepdims=True)
        add(f"{f}_nan", f, {"x": A([1, NAN, 3])})
        add(f"{f}_nan_inf_axis1", f, {"x": A([[1, NAN, INF], [-INF, 2, 3], [INF, -INF, 0]])}, axis=1)
    add("reduce_max_signed_zero", "max", {"x": A([-0.0, 0.0, -0.0])})
    add("reduce_min_signed_zero", "min", {"x": A([0.0, -0.0, 0.0])})
    add("sum_empty", "sum", {"x": A([])})
    add("prod_empty", "prod", {"x": A([])})
    add("mean_empty", "mean", {"x": A([])})
    add("sum_empty_axis0", "sum", {"x": np.zeros((0, 3), np.dtype(dtype))}, axis=0)
    add_int("sum_int32_wrap", "sum",
            {"x": np.array([I32_MAX, 1, 5], np.int32)})
    add_int("prod_int32_wrap", "prod",
            {"x": np.array([65536, 65536, 3], np.int32)})
    add_int("sum_bool", "sum", {"x": np.array([1, 0, 1, 1], bool)})
    add_int("mean_int32", "mean", {"x": np.array([1, 2, 4], np.int32)})
    add_int("all", "all", {"x": np.array([[1, 1, 0], [1, 1, 1]], bool)}, axis=1)
    add_int("any", "any", {"x": np.array([[0, 1, 0], [0, 0, 0]], bool)}, axis=1)

    # cumulative
    c1 = A([1, 2.5, -3, 0.5, 4])
    c2 = A([[1, 2, 3], [-4, 5, 0.5]])
    for f in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp"):
        add(f"{f}_1d", f, {"x": c1}, axis=0, reverse=False)
        add(f"{f}_1d_reverse", f, {"x": c1}, axis=0, reverse=True)
        add(f"{f}_2d_axis0", f, {"x": c2}, axis=0, reverse=False)
        add(f"{f}_2d_axis1_reverse", f, {"x": c2}, axis=1, reverse=True)
        add(f"{f}_nan", f, {"x": A([1, 3, NAN, 2])}, axis=0, reverse=False)

    # sorting
    s = A([NAN, 0.0, -0.0, INF, -INF, 1, -1, NAN, 2, 0.0, -0.0])
    add("sort_special", "sort", {"x": s})
    add("sort_special_descending", "sort",
        {"x": s}, descending=True)
    add("argsort_special", "argsort", {"x": s})
    add("argsort_special_descending",
        "argsort",
        {"x": s}, descending=True)
    add("argsort_stable_ties", "argsort", {"x": A([2, 1, 2, 1, 0, 2, 1])})
    add("argsort_stable_ties_descending",
        "argsort",
        {"x": A([2, 1, 2, 1, 0, 2, 1])}, descending=True)
    add("sort_2d_axis0", "sort", {"x": A([[3, -1, NAN], [1, 5, 0], [2, 0, -0.0]])}, axis=0)
    add("sort_2d_axis1", "sort", {"x": A([[3, -1, NAN], [1, 5, 0], [2, 0, -0.0]])}, axis=1)
    add("sort_key_val", "sort_key_val",
        {"keys": A([3, 1, 2, 1]), "values": np.array([10, 20, 30, 40], np.int32)}, dimension=0)
    add("sort_two_keys", "lax_sort",
        {"a": A([1, 0, 1, 0]), "b": A([5, 2, 3, 2]), "c": np.array([0, 1, 2, 3], np.int32)}, num_keys=2)
    add("top_k", "top_k", {"x": A([[3, 1, 3, 2], [NAN, 0, -1, 5]])}, k=3)
    add_int("sort_int32", "sort", {"x": np.array([3, I32_MIN, -1, I32_MAX, 0], np.int32)})
    add_int("sort_uint32", "sort", {"x": np.array([3, U32_MAX, 1, 2**31, 0], np.uint32)})
    add_int("sort_bool", "sort", {"x": np.array([1, 0, 1, 0], bool)})
    ss = A([1, 2, 2, 3, 5])
    for side in ("left", "right"):
        add(f"searchsorted_{side}", "searchsorted",
            {"a": ss, "v": A([0, 1, 2, 2.5, 5, 6, NAN, INF, -INF])}, side=side)

    # dynamic slices
    x34 = A(np.arange(12).reshape(3, 4) + 1)
    ds = "dynamic_slice"
    dus = "dynamic_update_slice"
    starts = {"inside": [1, 2], "too_large": [2, 3], "huge": [100, 100], "minus_1": [-1, -1],
              "minus_3": [-3, -3], "very_negative": [-100, 1]}
    for nm, st in starts.items():
        add(f"dynamic_slice_{nm}", ds, {"x": x34, "start": np.array(st, np.int32)}, sizes=(2, 2))
        add(f"dynamic_update_slice_{nm}", dus,
            {"x": x34, "update": A([[-1, -2], [-3, -4]]), "start": np.array(st, np.int32)})
    add("slice_strided", "slice",
        {"x": x34}, start=(0, 1), limit=(3, 4), strides=(2, 2))

    # take
    v5 = A([10, 20, 30, 40, 50])
    idx = np.array([0, 4, 5, 100, -1, -5, -6, -100, 2], np.int32)
    take = "take"
    for mode in ("clip", "wrap", "fill"):
        add(f"take_{mode}_1d", take, {"x": v5, "indices": idx}, mode=mode)
        add(f"take_{mode}_2d_axis0", take, {"x": x34, "indices": np.array([[2, 0], [3, -1]], np.int32)},
            mode=mode, axis=0)
        add(f"take_{mode}_2d_axis1", take, {"x": x34, "indices": np.array([3, 9, -9], np.int32)},
            mode=mode, axis=1)
    add("index_default_1d", "getitem", {"x": v5, "indices": idx})
    add("take_along_axis_1", "take_along_axis",
        {"x": x34, "indices": np.array([[0, 3], [1, 1], [2, 0]], np.int32)}, axis=1)

    # scatter through .at (negative indices wrap once, the rest out of range is dropped)
    sidx = np.array([1, 1, 4, 0, 5, 7, -1, -6, 1], np.int32)
    sval = A([1, 2, 4, 8, 16, 32, 64, 128, 256])
    for nm in ("add", "mul", "min", "max"):
        add(f"scatter_{nm}_1d", f"at_{nm}", {"x": v5, "indices": sidx, "v": sval})
    add("scatter_set_1d", "at_set",
        {"x": v5, "indices": np.array([3, 0, 9, -1], np.int32), "v": A([-1, -2, -3, -4])})
    add("scatter_add_rows", "at_add",
        {"x": x34, "indices": np.array([2, 2, 0, 3], np.int32),
         "v": A([[1, 1, 1, 1], [10, 20, 30, 40], [0.5, 0.5, 0.5, 0.5], [99, 99, 99, 99]])})
    add("scatter_add_pairs", "at_add_2d",
        {"x": x34, "i": np.array([0, 0, 2, 5, 1], np.int32), "j": np.array([1, 1, 3, 0, -1], np.int32),
         "v": A([1, 2, 3, 4, 5])})
    add("scatter_add_clip", "at_add_clip",
        {"x": v5, "indices": sidx, "v": sval})
    add("segment_sum", "segment_sum",
        {"v": A([1, 2, 3, 4, 5]), "segment_ids": np.array([0, 2, 0, 3, 1], np.int32)}, num_segments=3)

    # dot_general, einsum, matmul
    dg = "dot_general"
    a234, b243, b235 = A(pseudo(1, (2, 3, 4), digits=2)), A(pseudo(2, (2, 4, 3), digits=2)), A(pseudo(3, (2, 3, 5), digits=2))
    add("dot_general_batched", dg, {"a": a234, "b": b243}, contract=((2,), (1,)), batch=((0,), (0,)))
    add("dot_general_batched_mid", dg, {"a": a234, "b": A(pseudo(4, (3, 5, 2), digits=2))},
        contract=((1,), (0,)), batch=((0,), (2,)))
    add("dot_general_two_contract", dg, {"a": a234, "b": b243}, contract=((1, 2), (2, 1)), batch=((0,), (0,)))
    add("dot_general_outer", dg, {"a": A([1, 2, 3]), "b": A([4, 5])}, contract=((), ()), batch=((), ()))
    add("dot_general_batch_only", dg, {"a": a234, "b": b235}, contract=((), ()), batch=((0, 1), (0, 1)))
    add("dot_general_empty_contract_dim", dg, {"a": np.zeros((2, 0), np.dtype(dtype)), "b": np.zeros((0, 3), np.dtype(dtype))},
        contract=((1,), (0,)), batch=((), ()))
    add("matmul_2d", "matmul",
        {"a": A(pseudo(5, (3, 4), digits=2)), "b": A(pseudo(6, (4, 2), digits=2))})
    add("matmul_broadcast", "matmul", {"a": a234, "b": A(pseudo(7, (4, 3), digits=2))})
    add("matmul_vec", "matmul", {"a": a234, "b": A([1, -1, 2, 0.5])})
    add("einsum_trace_like", "einsum", {"a": a234, "b": b243}, eq="bij,bji->b")
    add("einsum_outer", "einsum", {"a": a234, "b": b235}, eq="bik,bij->kj")

    # pad
    pad = "pad"
    one = A(-9)
    p5, p23 = A([1, 2, 3, 4, 5]), A([[1, 2, 3], [4, 5, 6]])
    for nm, x, cfg in [
        ("plain", p5, ((2, 1, 0),)),
        ("interior", p5, ((0, 0, 2),)),
        ("low_high_interior", p5, ((1, 2, 1),)),
        ("negative_low", p5, ((-2, 0, 0),)),
        ("negative_high", p5, ((0, -3, 0),)),
        ("negative_interior", p5, ((-1, 2, 1),)),
        ("negative_both_interior", p5, ((-2, -3, 2),)),
        ("all_removed", p5, ((-3, -2, 0),)),
        ("2d", p23, ((1, 0, 1), (-1, 2, 0))),
        ("2d_interior", p23, ((0, 0, 2), (-1, -1, 1))),
        ("empty_interior", A([]), ((1, 1, 3),)),
    ]:
        add(f"pad_{nm}", pad, {"x": x, "value": one}, config=cfg)

    # linear algebra
    solve = "solve"
    m4 = A(pseudo(11, (4, 4)) + 2 * np.eye(4))
    pivot = A([[0, 2, 1, 0], [1, 0, 0, 3], [0, 0, 0, 1], [2, 1, 3, 0]])
    add("solve_4x4_vec", solve, {"a": m4, "b": A(pseudo(12, (4,)))})
    add("solve_4x4_mat", solve, {"a": m4, "b": A(pseudo(13, (4, 3)))})
    add("solve_4x4_pivot", solve, {"a": pivot, "b": A([1, 2, 3, 4])})
    add("solve_batched", solve, {"a": A(pseudo(14, (3, 4, 4)) + 3 * np.eye(4)), "b": A(pseudo(15, (3, 4, 2)))})
    add("solve_1x1", solve, {"a": A([[4]]), "b": A([2])})
    add("solve_singular", solve, {"a": A([[1, 2], [2, 4]]), "b": A([1, 1])})
    add("inv_4x4", "inv", {"a": m4})
    add("det_4x4", "det", {"a": m4})
    add("det_4x4_pivot", "det", {"a": pivot})
    add("slogdet_4x4", "slogdet", {"a": m4})
    r4 = pseudo(16, (4, 4), digits=2)
    spd = A(np.round(r4 @ r4.T + np.eye(4), 4))
    add("cholesky_4x4", "cholesky", {"a": spd})
    add("cholesky_not_pd", "cholesky", {"a": A([[1, 2], [2, 1]])})
    tri = "solve_triangular"
    for lower in (True, False):
        for trans in (0, 1):
            add(f"solve_triangular_{'lower' if lower else 'upper'}_t{trans}", tri,
                {"a": m4, "b": A(pseudo(17, (4, 2)))}, lower=lower, trans=trans)

    # logsumexp, softmax
    lse = "logsumexp"
    for nm, x in {
        "plain": [1, 2, 3], "large": [1000, 1000.5, 999], "small": [-1000, -1000.5], "one_neg_inf": [-INF, 0, 1],
        "all_neg_inf": [-INF, -INF], "pos_inf": [INF, 0, 1], "both_inf": [INF, -INF], "two_pos_inf": [INF, INF], "nan": [NAN, 0],
    }.items():
        add(f"logsumexp_{nm}", lse, {"x": A(x)})
    add("logsumexp_axis1", lse, {"x": A([[1, 2, -INF], [-INF, -INF, -INF], [100, 200, 300]])}, axis=1)
    add("logsumexp_axis0_keepdims", lse, {"x": A([[1, 2, -INF], [-INF, -INF, -INF], [100, 200, 300]])}, axis=0, keepdims=True)
    for nm in ("softmax", "log_softmax"):
        for cn, x in {
            "plain": [1, 2, 3], "extreme": [1000, 0, -1000], "one_neg_inf": [-INF, 0, 1], "all_neg_inf": [-INF, -INF],
            "pos_inf": [INF, 0], "nan": [NAN, 0], "equal_large": [1e30, 1e30, -1e30],
        }.items():
            add(f"{nm}_{cn}", nm, {"x": A(x)})
        add(f"{nm}_axis0", nm, {"x": A([[1, -50, 3], [4, 50, 0]])}, axis=0)

    # variance
    for f in ("var", "std"):
        add(f"{f}_1d", f, {"x": A([1, 2, 4, 8.5])})
        add(f"{f}_1d_ddof1", f, {"x": A([1, 2, 4, 8.5])}, ddof=1)
        add(f"{f}_single_ddof1", f, {"x": A([3])}, ddof=1)
        add(f"{f}_constant", f, {"x": A([0.1, 0.1, 0.1])})
        add(f"{f}_offset", f, {"x": A([10001, 10002, 10004])})
        add(f"{f}_2d_axis0", f, {"x": m}, axis=0)
        add(f"{f}_2d_axis1_keepdims", f, {"x": m}, axis=1, keepdims=True)
        add(f"{f}_nan", f, {"x": A([1, NAN])})

    # odds and ends
    add("clip_bounds", "clip",
        {"x": A([-5, 0, 1, 2, 5, NAN, INF, -INF]), "lo": A(-1), "hi": A(2)})
    add("clip_lo_above_hi", "clip", {"x": A([-5, 0, 5]), "lo": A(2), "hi": A(-1)})
    add("norm_2", "norm", {"x": A([3, -4, 12])})
    add("linspace", "linspace", {"a": A(-1), "b": A(2)}, num=7)
    add("where_broadcast", "where",
        {"c": np.array([[1], [0]], bool), "x": A([1, 2, 3]), "y": A(-1)})


def record_structure():
    cases = Cases()
    with x64(False):
        structure(F32, cases)
    with x64(True):
        structure(F64, cases)
    return {"cases": cases.cases}


# ---------------------------------------------------------------- arrays


def leaves(y):
    """The results of an operation, in a list, with booleans that are Python's as arrays."""
    return [jnp.asarray(narrow(v)) for v in (y if isinstance(y, (tuple, list)) else [y])]


def record_arrays():
    """
    Every operation of the list on its inputs: what it gives, and in float64 the gradients of the sum
    of its results times 1, 1/2, 1/3, ...
    """
    out = {}
    for dtype, on in ((F32, False), (F64, True)):
        with x64(on):
            inputs = {k: np.array(v) for k, v in OPERATIONS["inputs"].items()}
            inputs = {
                k: jnp.asarray(v, dtype if v.dtype == np.float64 else I32 if v.dtype == np.int64 else v.dtype)
                for k, v in inputs.items()
            }
            table = out[np.dtype(dtype).name] = {}
            for entry in OPERATIONS["arrays"]:
                # JAX computes some in float32, whatever it is given.
                if on and entry.get("single"):
                    continue
                names = variables(entry, inputs)
                args = [inputs[n] for n in names]
                floats = [i for i, x in enumerate(args) if x.dtype == dtype]
                if on and not floats:
                    continue
                f = function(entry, names)
                ys = leaves(f(*args))
                case = table[entry["here"]] = {"outputs": [arr(y) for y in ys]}
                if not on or not any(y.dtype == dtype for y in ys):
                    continue

                def weighted(*args):
                    total = 0.0
                    for y in leaves(f(*args)):
                        if y.dtype == dtype:
                            total += jnp.sum(y.ravel() / jnp.arange(1.0, y.size + 1))
                    return total

                grads = jax.grad(weighted, floats)(*args)
                case["gradients"] = {names[i]: arr(g) for i, g in zip(floats, grads)}
    return out
