"""Pools of random geometry against plain loops, exactly; linearity, adjoint and differences."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli import avg_pool, avg_pool_backward, max_pool, max_pool_backward
from convgrad_cli.errors import GeometryError
from convgrad_cli.geometry import plan_pool
from convgrad_cli.layers import pool_blocks, pool_max, pool_planes
from tests import reference
from tests.pool_cases import WHOLE, is_layer, pool_options, pools

DIMENSIONS = pytest.mark.parametrize("dims", [1, 2, 3])
TIES = pytest.mark.parametrize("ties", ["first", "last", "split"])
# The number of elements from which the fast route is taken: always, or never here.
ROUTES = pytest.mark.parametrize("phases_from", [0, 2**30], ids=["phases", "segments"])


@DIMENSIONS
@TIES
@ROUTES
@given(data=st.data())
@settings(max_examples=30)
def test_max_pool_and_its_gradient_are_those_of_the_loops(data, dims, ties, phases_from):
    X, window, options, dY = data.draw(pools(dims))
    with patch.object(pool_max, "PHASES_FROM", phases_from):
        Y, switches = max_pool(X, window, ties=ties, dims=dims, **options)
    expected, places = reference.max_pool(X, window, ties=ties, **options)
    assert np.array_equal(Y, expected)
    assert np.array_equal(switches, places)
    # Multiples of every number of ties, so that equal parts are whole numbers.
    dX = max_pool_backward(X, dY * WHOLE, window, ties=ties, dims=dims, **options)
    assert np.array_equal(
        dX, reference.max_pool_backward(X, dY * WHOLE, window, ties=ties, **options)
    )


@DIMENSIONS
@pytest.mark.parametrize("counted", [False, True], ids=["real", "padding-counted"])
@given(data=st.data())
@settings(max_examples=40)
def test_average_pool_and_its_gradient_are_those_of_the_loops(data, dims, counted):
    X, window, options, dY = data.draw(pools(dims, low=-50, high=50))
    options["count_include_pad"] = counted
    Y = avg_pool(X, window, dims=dims, **options)
    assert np.array_equal(Y, reference.avg_pool(X, window, **options))
    dX = avg_pool_backward(X, dY * WHOLE, window, dims=dims, **options)
    assert np.array_equal(dX, reference.avg_pool_backward(X, dY * WHOLE, window, **options))


@DIMENSIONS
@given(data=st.data())
@settings(max_examples=30)
def test_a_difference_with_step_one_is_the_average_gradient_exactly(data, dims):
    X, window, options, dY = data.draw(pools(dims, low=-50, high=50))
    options["count_include_pad"] = data.draw(st.booleans())
    at = tuple(data.draw(st.integers(0, size - 1)) for size in X.shape)
    step = np.zeros_like(X)
    step[at] = WHOLE
    there = avg_pool(X * WHOLE + step, window, dims=dims, **options)
    here = avg_pool(X * WHOLE, window, dims=dims, **options)
    dX = avg_pool_backward(X, dY * WHOLE, window, dims=dims, **options)
    assert (dY * (there - here)).sum() == dX[at]


@DIMENSIONS
@pytest.mark.parametrize("ties", ["first", "last"])
@given(data=st.data())
@settings(max_examples=30)
def test_the_max_gradient_is_the_adjoint_of_taking_the_switches(data, dims, ties):
    X, window, options, dY = data.draw(pools(dims))
    V = np.random.default_rng(dims).integers(-99, 100, X.shape)
    Y, switches = max_pool(X, window, ties=ties, dims=dims, **options)
    dX = max_pool_backward(X, dY, window, ties=ties, dims=dims, **options)

    def taken(array):
        flat = array.reshape(*array.shape[:2], -1)
        return np.take_along_axis(flat, switches.reshape(*Y.shape[:2], -1), 2).reshape(Y.shape)

    assert np.array_equal(taken(X), Y)
    assert (dY * taken(V)).sum() == (dX * V).sum()


@DIMENSIONS
@given(data=st.data())
@settings(max_examples=40)
def test_what_is_no_pool_is_refused_and_nothing_else(data, dims):
    size, window, options = data.draw(pool_options(dims))
    if is_layer(size, window, options):
        plan_pool((1, 1, *size), window, dims=dims, **options)
    else:
        with pytest.raises(GeometryError):
            plan_pool((1, 1, *size), window, dims=dims, **options)


@DIMENSIONS
@given(data=st.data())
@settings(max_examples=30)
def test_tied_windows_are_counted(data, dims):
    X, window, options, _ = data.draw(pools(dims))
    geometry = plan_pool(X.shape, window, dims=dims, **options).geometry
    assert pool_planes.count_ties(X, geometry) == reference.tied_windows(X, window, **options)


@TIES
@ROUTES
@given(data=st.data())
@settings(max_examples=40)
def test_infinities_nan_and_the_lowest_numbers_never_lose_to_the_padding(data, ties, phases_from):
    X, window, options, dY = data.draw(pools(2, low=0, high=4))
    values = data.draw(
        st.sampled_from(
            [
                np.array([-np.inf, -np.inf, -np.inf, 0.5, 2.0]),
                np.array([-np.inf, np.nan, np.inf, 1.0, -1.0]),
                np.array([np.nan, -np.inf, -np.inf, -np.inf, np.nan], np.float32),
                np.array([-128, -128, -127, -128, 127], np.int8),
                np.array([0, 0, 1, 0, 0], np.uint8),
            ]
        )
    )
    X = values[X]
    with patch.object(pool_max, "PHASES_FROM", phases_from):
        Y, switches = max_pool(X, window, ties=ties, **options)
    expected, places = reference.max_pool(X, window, ties=ties, **options)
    assert np.array_equal(Y.astype(float), expected.astype(float), equal_nan=True)
    assert np.array_equal(switches, places)
    dX = max_pool_backward(X, dY * WHOLE, window, ties=ties, **options)
    assert np.array_equal(
        dX, reference.max_pool_backward(X, dY * WHOLE, window, ties=ties, **options)
    )


def test_the_fast_route_is_taken_by_a_layer_of_some_size():
    X = np.random.default_rng(4).standard_normal((2, 3, 40, 41))
    assert X.size >= pool_max.PHASES_FROM
    with patch.object(pool_max, "segment_max", side_effect=AssertionError("the slow route")):
        Y, switches = max_pool(X, 3, stride=2, padding=1)
    expected, places = reference.max_pool(X, 3, stride=2, padding=1)
    assert np.array_equal(Y, expected)
    assert np.array_equal(switches, places)


@pytest.mark.parametrize("ties", ["first", "last"])
def test_windows_longer_than_a_code_can_say(ties):
    X = np.random.default_rng(0).integers(0, 9, (2, 3, 700))
    options = {"stride": 90, "padding": 40, "ties": ties}
    with patch.object(pool_max, "PHASES_FROM", 0):
        Y, switches = max_pool(X, (300,), dims=1, **options)
    expected, places = reference.max_pool(X, (300,), **options)
    assert np.array_equal(Y, expected)
    assert np.array_equal(switches, places)


@pytest.mark.parametrize("window", [8, 9], ids=["64-phases", "81-phases"])
def test_windows_of_many_phases(window):
    X = np.random.default_rng(2).integers(-99, 100, (2, 3, 40, 41))
    Y, switches = max_pool(X, window, padding=2)
    expected, places = reference.max_pool(X, window, padding=2)
    assert np.array_equal(Y, expected)
    assert np.array_equal(switches, places)


@pytest.mark.parametrize("block_bytes", [1, 400, 3000], ids=["plane", "channels", "samples"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_blocks_and_threads_change_nothing(monkeypatch, block_bytes, order):
    monkeypatch.setattr(pool_blocks, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(pool_blocks, "THREADED_BYTES", 0)
    monkeypatch.setattr(pool_blocks, "worker_count", lambda: 2)
    monkeypatch.setattr(pool_max, "PHASES_FROM", 0)
    chance = np.random.default_rng(3)
    X = np.asarray(chance.integers(-3, 4, (5, 7, 4, 6)), order=order)
    options = {"stride": (1, 2), "padding": ((1, 0), (1, 1))}
    Y, switches = max_pool(X, (3, 3), **options)
    dY = np.asarray(chance.integers(-9, 10, Y.shape) * WHOLE, order=order)
    expected, places = reference.max_pool(X, (3, 3), **options)
    assert np.array_equal(Y, expected)
    assert np.array_equal(switches, places)
    for ties in pool_planes.TIES:
        found = max_pool_backward(X, dY, (3, 3), ties=ties, **options)
        loops = reference.max_pool_backward(X, dY, (3, 3), ties=ties, **options)
        assert np.array_equal(found, loops), ties
    assert np.array_equal(avg_pool(X, (3, 3), **options), reference.avg_pool(X, (3, 3), **options))
    assert np.array_equal(
        avg_pool_backward(X, dY, (3, 3), **options),
        reference.avg_pool_backward(X, dY, (3, 3), **options),
    )
    geometry = plan_pool(X.shape, (3, 3), **options).geometry
    assert pool_planes.count_ties(X, geometry) == reference.tied_windows(X, (3, 3), **options)
