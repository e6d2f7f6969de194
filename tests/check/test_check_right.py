"""The right gradient is never accused: random layers, naive sums in float32 and float64, integers.

CONVGRAD_LAYERS sets how many layers are tried (default 150).
"""

from __future__ import annotations

import os
import random

import numpy as np
import pytest

from convgrad_cli.check import check_arrays
from convgrad_cli.errors import GeometryError
from tests import reference
from tests.check import mutants
from tests.check.mutants import Layer

LAYERS = int(os.environ.get("CONVGRAD_LAYERS", "150"))
BLOCKS = 6


def random_layer(seed: int) -> Layer:
    r = random.Random(seed)
    while True:
        dims, groups = r.choice([1, 2, 2]), r.choice([1, 1, 2])
        made = Layer(
            r.randint(1, 3),
            groups * r.randint(1, 3),
            groups * r.randint(1, 2),
            tuple(r.randint(2, 7) for _ in range(dims)),
            tuple(r.randint(1, 3) for _ in range(dims)),
            tuple(r.randint(1, 3) for _ in range(dims)),
            tuple((r.randint(0, 2), r.randint(0, 2)) for _ in range(dims)),
            tuple(r.randint(1, 2) for _ in range(dims)),
            groups,
        )
        if min(made.out) > 0 and min(o for o in made.out) >= 1:
            reach = zip(made.size, made.pads, made.extent, strict=True)
            if all(h + b + a >= e for h, (b, a), e in reach):
                return made


def answers(spec: Layer, arrays: dict) -> dict:
    """Right gradients summed naively in the arrays' own dtype."""
    return {
        "dX": mutants.right_dx(spec, arrays["W"], arrays["dY"]),
        "dW": mutants.right_dw(spec, arrays["X"], arrays["dY"]),
        "db": arrays["dY"].sum(axis=(0, *mutants.spatial(spec)), dtype=arrays["dY"].dtype),
        "Y": mutants.right_y(spec, arrays["X"], arrays["W"], arrays["b"]),
    }


@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_right_gradient_is_never_accused(block: int) -> None:
    for seed in range(block, LAYERS, BLOCKS):
        spec = random_layer(seed)
        rng = np.random.default_rng(seed)
        dtype = (np.float32, np.float64, np.int64)[seed % 3]
        shapes = {
            "X": (spec.N, spec.C, *spec.size),
            "W": (spec.K, spec.C // spec.groups, *spec.kernel),
            "b": (spec.K,),
            "dY": (spec.N, spec.K, *spec.out),
        }
        scale = 10.0 ** (seed % 7 - 3)
        arrays = {
            name: rng.integers(-9, 10, shape)
            if dtype is np.int64
            else (rng.normal(size=shape) * scale).astype(dtype)
            for name, shape in shapes.items()
        }
        report = check_arrays(
            **arrays,
            **answers(spec, arrays),
            stride=spec.stride,
            padding=spec.pads,
            dilation=spec.dilation,
            groups=spec.groups,
            dims=spec.dims,
        )
        assert report, f"seed {seed}: {spec}\n{report}"


@pytest.mark.parametrize("layer", ["maxpool", "avgpool"])
def test_the_right_pool_gradient_is_never_accused(layer: str) -> None:
    tried = 0
    for seed in range(LAYERS // 3):
        spec = random_layer(seed)
        pads = tuple(
            (min(b, e // 2), min(a, e // 2))
            for (b, a), e in zip(spec.pads, spec.extent, strict=True)
        )
        options = {"stride": spec.stride, "padding": pads, "dilation": spec.dilation}
        rng = np.random.default_rng(seed)
        X = rng.integers(-2, 3, (spec.N, spec.C, *spec.size)).astype(np.float32)
        try:
            if layer == "maxpool":
                Y, _ = reference.max_pool(X, spec.kernel, **options)
            else:
                Y = reference.avg_pool(X, spec.kernel, **options)
        except (ValueError, ZeroDivisionError, IndexError, AssertionError):
            continue
        dY = rng.normal(size=Y.shape).astype(np.float32)
        backward = getattr(reference, f"{layer.removesuffix('pool')}_pool_backward")
        dX = backward(X, dY, spec.kernel, **options).astype(np.float32)
        try:
            report = check_arrays(
                X, dY=dY, dX=dX, Y=Y, layer=layer, window=spec.kernel, dims=spec.dims, **options
            )
        except GeometryError:  # a window wholly in the padding: no layer
            continue
        tried += 1
        assert report, f"seed {seed}: {spec}\n{report}"
    assert tried > LAYERS // 6


def long_sum(dtype: type) -> dict:
    """A dW of 2·60·60 terms: the rounding of a naive float32 sum is many ε."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2, 1, 61, 61)).astype(dtype)
    dY = rng.normal(size=(2, 1, 60, 60)).astype(dtype)
    return {"X": X, "W": np.ones((1, 1, 2, 2), dtype), "dY": dY}


def test_a_long_naive_float32_sum_passes() -> None:
    arrays = long_sum(np.float32)
    dW = np.zeros((1, 1, 2, 2), np.float32)
    for p in range(2):
        for q in range(2):
            total = np.float32(0)
            seen = arrays["X"][:, 0, p : p + 60, q : q + 60] * arrays["dY"][:, 0]
            for value in seen.ravel():
                total += value
            dW[0, 0, p, q] = total
    assert check_arrays(**arrays, dW=dW)


def test_an_error_above_the_noise_is_seen() -> None:
    arrays = long_sum(np.float64)
    right = check_arrays(**arrays, dW=np.zeros((1, 1, 2, 2))).gradients["dW"]
    assert right.verdict == "wrong"
    dW = mutants.right_dw(
        Layer(2, 1, 1, (61, 61), (2, 2), (1, 1), ((0, 0),) * 2, (1, 1)), arrays["X"], arrays["dY"]
    )
    assert check_arrays(**arrays, dW=dW)
    off = dW.copy()
    off[0, 0, 1, 0] *= 1 + 1e-9
    report = check_arrays(**arrays, dW=off)
    assert not report
    assert report.gradients["dW"].worst_index == (0, 0, 1, 0)
    assert report.gradients["dW"].differing == 1


def test_float16_answers_are_held_to_float16() -> None:
    spec = random_layer(4)
    rng = np.random.default_rng(4)
    W = rng.normal(size=(spec.K, spec.C // spec.groups, *spec.kernel)).astype(np.float16)
    dY = rng.normal(size=(spec.N, spec.K, *spec.out)).astype(np.float16)
    X = np.zeros((spec.N, spec.C, *spec.size), np.float16)
    right = mutants.right_dx(spec, W.astype(np.float64), dY.astype(np.float64))
    keywords = {
        "stride": spec.stride,
        "padding": spec.pads,
        "dilation": spec.dilation,
        "groups": spec.groups,
        "dims": spec.dims,
    }
    assert check_arrays(X, W, dY, dX=right.astype(np.float16), **keywords)
    assert not check_arrays(X, W, dY, dX=(right * 1.2).astype(np.float16), **keywords)
