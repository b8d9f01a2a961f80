"""Recorder of optim.json: parameters after steps of Optax's optimisers, and values of its schedules.

    python tests/reference/record_optim.py [OUT_DIR]; deno fmt tests/reference/optim.json

Each optimiser trains a small network of two layers on fixed data for 20 steps, in float64 and in float32. Of
float32, the largest distance from float64 is kept, as a share of the largest element of each leaf: what another
implementation may be off by, too. The names are those of the table in tests/optim/cases.ts.
"""

import json
import os
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib

STEPS = 20
rng = np.random.default_rng(20261127)
DATA = {"x": rng.normal(size=(6, 3)), "y": rng.normal(size=(6,))}
START = {
    "layers": [
        {"w": rng.normal(size=(3, 4)) * 0.7, "b": rng.normal(size=(4,)) * 0.1},
        {"w": rng.normal(size=(4,)), "b": np.array(0.3)},
    ],
    "scale": np.array(1.5),
}
WEIGHTS = {"layers": [{"w": True, "b": False}, {"w": True, "b": False}], "scale": False}
LABELS = {"layers": ["fast", "slow"], "scale": "fixed"}



def exact(schedule):
    """Of integer steps Optax's schedules are float32 whatever the parameters are; ours are as wide as these."""

    def at(step):
        return schedule(step.astype(np.float64) if jax.config.jax_enable_x64 else step)

    return at


OPTIMISERS = {
    "sgd": lambda: optax.sgd(0.05),
    "sgd momentum": lambda: optax.sgd(0.03, momentum=0.9),
    "sgd nesterov": lambda: optax.sgd(0.03, momentum=0.9, nesterov=True),
    "sgd scheduled": lambda: optax.sgd(exact(optax.exponential_decay(0.1, 5, 0.5))),
    "signSgd": lambda: optax.sign_sgd(0.01),
    "adam": lambda: optax.adam(0.05),
    "adam settings": lambda: optax.adam(0.05, b1=0.8, b2=0.95, eps=1e-3, eps_root=1e-4),
    "adam cosine": lambda: optax.adam(exact(optax.warmup_cosine_decay_schedule(0.0, 0.1, 5, 18, 0.01))),
    "nadam": lambda: optax.nadam(0.05),
    "adamw": lambda: optax.adamw(0.05, weight_decay=0.1),
    "adamw mask": lambda: optax.adamw(0.05, weight_decay=0.1, mask=WEIGHTS),
    "adamw scheduled decay": lambda: optax.adamw(
        0.05, weight_decay=exact(optax.linear_schedule(0.5, 0.0, 12)), mask=WEIGHTS
    ),
    "addDecayedWeights scheduled": lambda: optax.chain(
        optax.add_decayed_weights(exact(optax.exponential_decay(0.3, 4, 0.5))), optax.sgd(0.05)
    ),
    "adamax": lambda: optax.adamax(0.05),
    "amsgrad": lambda: optax.amsgrad(0.05, b2=0.9),
    "adabelief": lambda: optax.adabelief(0.05),
    "radam": lambda: optax.radam(0.05),
    "radam nesterov": lambda: optax.radam(0.05, b2=0.9, nesterov=True),
    "yogi": lambda: optax.yogi(0.05),
    "lamb": lambda: optax.lamb(0.05, weight_decay=0.01),
    "lars": lambda: optax.lars(1.0, weight_decay=0.01, trust_coefficient=0.05),
    "lion": lambda: optax.lion(0.02, weight_decay=0.1),
    "adagrad": lambda: optax.adagrad(0.3),
    "adadelta": lambda: optax.adadelta(1.0, weight_decay=0.01),
    "rmsprop": lambda: optax.rmsprop(0.02),
    "rmsprop centered": lambda: optax.rmsprop(0.02, centered=True, momentum=0.5, initial_scale=0.1),
    "rmsprop nesterov": lambda: optax.rmsprop(0.01, decay=0.8, momentum=0.9, nesterov=True),
    "clipByGlobalNorm": lambda: optax.chain(optax.clip_by_global_norm(0.7), optax.sgd(0.2)),
    "clip": lambda: optax.chain(optax.clip(0.1), optax.sgd(0.2)),
    "clipByBlockRms": lambda: optax.chain(optax.clip_by_block_rms(0.1), optax.sgd(0.2)),
    "ema": lambda: optax.chain(optax.ema(0.8), optax.scale(-0.1)),
    "ema biased": lambda: optax.chain(optax.ema(0.8, debias=False), optax.scale(-0.1)),
    "centralize": lambda: optax.chain(optax.centralize(), optax.adam(0.05)),
    "scaleBySchedule": lambda: optax.chain(
        optax.scale_by_rms(), optax.scale_by_schedule(exact(optax.linear_schedule(-0.1, 0.0, 15)))
    ),
    "partition": lambda: optax.partition(
        {"fast": optax.adam(0.1), "slow": optax.sgd(0.01, momentum=0.9), "fixed": optax.set_to_zero()}, LABELS
    ),
    "masked": lambda: optax.chain(optax.masked(optax.trace(0.9), WEIGHTS), optax.scale(-0.02)),
    "multiSteps": lambda: optax.MultiSteps(optax.adam(0.1), 3, accumulator_dtype=None),
    "lookahead": lambda: optax.lookahead(optax.adam(0.1), 4, 0.6),
    "applyIfFinite": lambda: optax.apply_if_finite(optax.adam(0.05), 2),
}

SCHEDULES = {
    "constantSchedule": optax.constant_schedule(0.3),
    "linearSchedule": optax.linear_schedule(0.1, 1.0, 10, 3),
    "polynomialSchedule": optax.polynomial_schedule(1.0, 0.1, 2.5, 12),
    "exponentialDecay": optax.exponential_decay(0.5, 4, 0.3, transition_begin=2),
    "exponentialDecay staircase": optax.exponential_decay(0.5, 4, 0.3, staircase=True, end_value=0.02),
    "exponentialDecay growth": optax.exponential_decay(0.5, 4, 1.7, end_value=3.0),
    "cosineDecaySchedule": optax.cosine_decay_schedule(0.7, 15, alpha=0.1, exponent=1.5),
    "warmupCosineDecaySchedule": optax.warmup_cosine_decay_schedule(0.01, 0.5, 5, 20, end_value=0.05),
    "sgdrSchedule": optax.sgdr_schedule(
        [
            {"init_value": 0.1, "peak_value": 1.0, "warmup_steps": 2, "decay_steps": 8},
            {"init_value": 0.2, "peak_value": 0.5, "warmup_steps": 3, "decay_steps": 12, "end_value": 0.1},
        ]
    ),
    "piecewiseConstantSchedule": optax.piecewise_constant_schedule(2.0, {5: 0.5, 12: 0.1}),
    "piecewiseInterpolateSchedule linear": optax.piecewise_interpolate_schedule("linear", 1.0, {5: 3.0, 15: 0.2}),
    "piecewiseInterpolateSchedule cosine": optax.piecewise_interpolate_schedule("cosine", 1.0, {5: 3.0, 15: 0.2}),
    "cosineOnecycleSchedule": optax.cosine_onecycle_schedule(20, 1.0),
    "linearOnecycleSchedule": optax.linear_onecycle_schedule(20, 1.0, pct_start=0.25),
    "joinSchedules": optax.join_schedules([optax.linear_schedule(0.0, 1.0, 4), optax.exponential_decay(1.0, 3, 0.5)], [4]),
}
AT = [0, 1, 2, 3, 4, 5, 6, 8, 11, 12, 14, 17, 19, 20, 25, 100]


def loss(params, data):
    hidden = jnp.tanh(data["x"] @ params["layers"][0]["w"] + params["layers"][0]["b"])
    out = (hidden @ params["layers"][1]["w"] + params["layers"][1]["b"]) * params["scale"]
    return jnp.mean((out - data["y"]) ** 2)


def train(name, make, dtype):
    params, data = jax.tree.map(lambda x: jnp.asarray(x, dtype), (START, DATA))
    optimiser = make()
    # Of lookahead, Optax has fast and slow parameters as a pair.
    pair = name == "lookahead"
    fast = (lambda p: p.fast) if pair else (lambda p: p)
    if pair:
        params = optax.LookaheadParams.init_synced(params)
    state = optimiser.init(params)
    kept = []
    for i in range(STEPS):
        updates, state = optimiser.update(jax.grad(loss)(fast(params), data), state, params)
        params = optax.apply_updates(params, updates)
        if i in (0, STEPS - 1):
            kept.append([np.asarray(x, np.float64) for x in jax.tree.leaves(fast(params))])
    return kept


def noise():
    """What add_noise adds to zeros in the first three steps, of each dtype its own draws."""
    out = {}
    for dtype, wide in ((np.float32, False), (np.float64, True)):
        with jax.enable_x64(wide):
            zeros = {"w": jnp.zeros((2, 3), dtype), "b": jnp.zeros((4,), dtype)}
            part = optax.add_noise(0.02, 0.55, 7)
            state = part.init(zeros)
            steps = []
            for _ in range(3):
                updates, state = part.update(zeros, state)
                steps.append({k: np.asarray(v, np.float64).tolist() for k, v in updates.items()})
            out[np.dtype(dtype).name] = steps
    return out


PLATEAUS = {
    "patience": dict(factor=0.5, patience=2),
    "cooldown": dict(factor=0.3, patience=1, cooldown=2, rtol=0.05),
    "mean": dict(factor=0.5, patience=2, accumulation_size=2, rtol=0.0, atol=0.01, min_scale=0.2),
}
LOSSES = [3.0, 2.0, 2.0, 1.99, 2.1, 2.0, 1.5, 1.6, 1.5, 1.5, 1.49, 1.5, 1.5, 1.5, 1.2, 1.3, 1.25, 1.2, 1.2, 1.2, 1.2]


def plateaus():
    out = {}
    for name, options in PLATEAUS.items():
        part = optax.contrib.reduce_on_plateau(**options)
        state = part.init(jnp.zeros((), np.float32))
        scales = []
        for value in LOSSES:
            _, state = part.update(jnp.ones(()), state, value=value)
            scales.append(float(state.scale))
        out[name] = scales
    return {"losses": LOSSES, "scales": out}


def main(out):
    cases = []
    for name, make in OPTIMISERS.items():
        with jax.enable_x64(True):
            wide = train(name, make, np.float64)
        narrow = train(name, make, np.float32)
        apart = max(
            float(np.max(np.abs(a - b)) / np.max(np.abs(b)))
            for x, y in zip(narrow, wide)
            for a, b in zip(x, y)
        )
        first, last = ([leaf.tolist() for leaf in leaves] for leaves in wide)
        cases.append({"name": name, "first": first, "last": last, "float32": apart})
    with jax.enable_x64(True):
        schedules = [
            {"name": name, "values": [float(f(jnp.asarray(t, np.float64))) for t in AT]} for name, f in SCHEDULES.items()
        ]
    start, data = jax.tree.map(lambda x: np.asarray(x).tolist(), (START, DATA))
    text = {
        "versions": {"optax": optax.__version__, "jax": jax.__version__},
        "steps": STEPS,
        "start": start,
        "data": data,
        "cases": cases,
        "at": AT,
        "schedules": schedules,
        "noise": noise(),
        "plateaus": plateaus(),
    }
    with open(os.path.join(out, "optim.json"), "w") as file:
        json.dump(text, file)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(__file__))
