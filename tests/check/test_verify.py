"""``--verify``: passes every right gradient, catches a planted error in any element."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli.check.verify import verify_average_pool, verify_conv, verify_max_pool
from convgrad_cli.geometry import plan_conv, plan_pool
from tests import reference


@st.composite
def conv_layers(draw, dims: int):
    """A random convolution with integer arrays, and its gradients from plain loops."""
    groups = draw(st.integers(1, 2))
    batch, per_group, filters = (draw(st.integers(1, 2)) for _ in range(3))
    kernel = [draw(st.integers(1, 3)) for _ in range(dims)]
    options = {
        "stride": [draw(st.integers(1, 3)) for _ in range(dims)],
        "padding": [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(dims)],
        "dilation": [draw(st.integers(1, 2)) for _ in range(dims)],
        "groups": groups,
    }
    size = [
        d * (k - 1) + 1 + draw(st.integers(0, 3))
        for k, d in zip(kernel, options["dilation"], strict=True)
    ]
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    X = chance.integers(-9, 10, (batch, per_group * groups, *size))
    W = chance.integers(-9, 10, (filters * groups, per_group, *kernel))
    plan = plan_conv(X.shape, W.shape, dims=dims, **options)
    dY = chance.integers(-9, 10, plan.output_shape)
    found = reference.conv_backward(X, W, dY, **options)
    return (
        plan,
        X,
        W,
        dY,
        {n: a.astype(np.int64) for n, a in zip(("dX", "dW", "db"), found, strict=True)},
    )


@pytest.mark.parametrize("dims", [1, 2, 3])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_right_gradients_pass_and_one_wrong_element_does_not(dims: int, data) -> None:
    plan, X, W, dY, gradients = data.draw(conv_layers(dims))
    verdict = verify_conv(X, W, dY, gradients, plan.geometry)
    assert verdict.passed
    assert all(deviation.largest == 0 for deviation in verdict.deviations.values())
    floats = {name: array.astype(np.float32) for name, array in gradients.items()}
    single = (array.astype(np.float32) for array in (X, W, dY))
    assert verify_conv(*single, floats, plan.geometry).passed
    for name, array in gradients.items():
        wrong = array.copy()
        wrong.flat[data.draw(st.integers(0, array.size - 1))] += 1
        deviations = verify_conv(X, W, dY, {**gradients, name: wrong}, plan.geometry).deviations
        assert {n for n, deviation in deviations.items() if not deviation.passed} == {name}


@pytest.mark.parametrize("ties", ["first", "last", "split"])
@pytest.mark.parametrize("ceil_mode", [False, True])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_max_pool(ties: str, ceil_mode: bool, data) -> None:
    size = [data.draw(st.integers(4, 8)) for _ in range(2)]
    window = [data.draw(st.integers(2, 3)) for _ in range(2)]
    options = {
        "stride": [data.draw(st.integers(1, 3)) for _ in range(2)],
        "padding": [(data.draw(st.integers(0, 1)), data.draw(st.integers(0, 1))) for _ in window],
        "ceil_mode": ceil_mode,
    }
    chance = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    X = chance.integers(-3, 4, (2, 2, *size))
    plan = plan_pool(X.shape, window, **options)
    dY = chance.integers(1, 10, plan.output_shape)
    dX = reference.max_pool_backward(X, dY, window, ties=ties, **options)
    dX = dX.astype(float if ties == "split" else np.int64)
    assert verify_max_pool(X, dY, dX, plan.geometry, ties).passed
    dX[1, 0, 2, 2] += 1
    assert not verify_max_pool(X, dY, dX, plan.geometry, ties).passed


@pytest.mark.parametrize("counting", [False, True])
@pytest.mark.parametrize("ceil_mode", [False, True])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_average_pool(counting: bool, ceil_mode: bool, data) -> None:
    size = [data.draw(st.integers(4, 8)) for _ in range(2)]
    window = [data.draw(st.integers(2, 3)) for _ in range(2)]
    options = {
        "stride": [data.draw(st.integers(1, 3)) for _ in range(2)],
        "padding": [(data.draw(st.integers(0, 1)), data.draw(st.integers(0, 1))) for _ in window],
        "ceil_mode": ceil_mode,
    }
    chance = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    X = chance.normal(size=(2, 2, *size))
    plan = plan_pool(X.shape, window, **options)
    dY = chance.normal(size=plan.output_shape)
    dX = reference.avg_pool_backward(X, dY, window, count_include_pad=counting, **options)
    dX = np.asarray(dX, dtype=float)
    assert verify_average_pool(dY, dX, plan.geometry, count_include_pad=counting).passed
    dX[1, 0, 2, 2] += 1e-6
    assert not verify_average_pool(dY, dX, plan.geometry, count_include_pad=counting).passed


def test_integers_beyond_doubles_are_verified_exactly() -> None:
    X = np.array([[[[2**40 + 1, 3], [5, 2**41 + 7]]]])
    W, dY = np.array([[[[2**20 + 3]]]]), np.array([[[[1, -2], [3, 2**10 + 1]]]])
    gradients = dict(zip(("dX", "dW", "db"), reference.conv_backward(X, W, dY), strict=True))
    gradients = {name: array.astype(np.int64) for name, array in gradients.items()}
    geometry = plan_conv(X.shape, W.shape).geometry
    assert verify_conv(X, W, dY, gradients, geometry).passed
    gradients["dW"][0, 0, 0, 0] += 1
    assert not verify_conv(X, W, dY, gradients, geometry).passed


def test_a_nan_never_passes() -> None:
    X = W = dY = np.ones((1, 1, 2, 2))
    dY = np.ones((1, 1, 1, 1))
    dX = np.full((1, 1, 2, 2), np.nan)
    assert not verify_conv(X, W, dY, {"dX": dX}, plan_conv(X.shape, W.shape).geometry).passed
