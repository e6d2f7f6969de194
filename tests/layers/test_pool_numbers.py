"""The dtypes of pools, and how exact they are."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from convgrad_cli import avg_pool, avg_pool_backward, max_pool, max_pool_backward
from convgrad_cli.errors import DataError

REALS = [np.float16, np.float32, np.float64]
WHOLE_NUMBERS = [np.int8, np.uint8, np.int32, np.int64, np.uint64]


@pytest.mark.parametrize("dtype", [*REALS, *WHOLE_NUMBERS, ">f4", ">i2", np.longdouble])
def test_a_max_pool_keeps_the_dtype_and_the_very_numbers(dtype):
    X = np.array([[3, 1, 4], [1, 5, 9], [2, 6, 5]], dtype)
    Y, switches = max_pool(X, (2, 2), stride=1)
    assert Y.dtype == np.dtype(dtype).newbyteorder("=")
    assert Y.tolist() == [[5, 9], [6, 9]]
    assert switches.dtype == np.int64
    assert switches.tolist() == [[4, 5], [7, 5]]


@pytest.mark.parametrize("x_dtype", [np.int8, np.float64])
@pytest.mark.parametrize("dtype", [*REALS, *WHOLE_NUMBERS, ">f8", np.longdouble])
def test_a_max_gradient_has_the_upstream_dtype(dtype, x_dtype):
    X = np.array([[3, 1, 4], [1, 5, 9], [2, 6, 5]], x_dtype)
    dY = np.array([[1, 2], [3, 4]], dtype)
    dX = max_pool_backward(X, dY, (2, 2), stride=1)
    assert dX.dtype == np.dtype(dtype).newbyteorder("=")
    assert dX.tolist() == [[0, 0, 0], [0, 1, 6], [0, 3, 0]]


@pytest.mark.parametrize("dtype", [*REALS, *WHOLE_NUMBERS, ">f8", np.longdouble])
def test_averages_and_split_gradients_are_real(dtype):
    expected = dtype if np.dtype(dtype).kind == "f" else np.float64
    expected = np.dtype(expected).newbyteorder("=")
    X, dY = np.array([[1, 2], [4, 4]], dtype), np.array([[6]], dtype)
    results = {
        "Y": (avg_pool(X, (2, 2)), [[2.75]]),
        "dX": (avg_pool_backward(X, dY, (2, 2)), [[1.5, 1.5], [1.5, 1.5]]),
        "split": (max_pool_backward(X, dY, (2, 2), ties="split"), [[0, 0], [3, 3]]),
    }
    for name, (found, values) in results.items():
        assert found.dtype == expected, name
        assert found.tolist() == values, name


def test_integers_beyond_2_to_the_53_pass_exactly():
    large = 2**62 + 1
    X = np.array([[large - 1, large, 5]])
    assert max_pool(X, (1, 2), stride=1).Y.tolist() == [[large, large]]
    dX = max_pool_backward(X, np.array([[2**61 + 1, 2**61]]), (1, 2), stride=1)
    assert dX.tolist() == [[0, 2**62 + 1, 0]]


def test_a_sum_that_a_small_dtype_cannot_hold_is_not_wrapped():
    X, dY = np.array([[0, 9, 0]]), np.array([[100, 100]], np.int8)
    dX = max_pool_backward(X, dY, (1, 2), stride=1)
    assert dX.tolist() == [[0, 200, 0]]
    assert dX.dtype == np.int64


def test_a_sum_beyond_64_bits_is_refused():
    X, dY = np.array([[0, 9, 0]]), np.full((1, 2), 2**62)
    with pytest.raises(DataError) as caught:
        max_pool_backward(X, dY, (1, 2), stride=1)
    assert str(caught.value) == (
        "The exact result does not fit 64-bit integers.\n"
        "  expected  numbers between -9223372036854775808 and 9223372036854775807\n"
        "  found     9223372036854775808\n"
        "  remedy    give the arrays as floating-point numbers"
    )


def test_half_precision_is_summed_in_single_and_rounded_once():
    chance = np.random.default_rng(5)
    X = (chance.random((1, 1, 40, 40)) * 60_000).astype(np.float16)
    Y = avg_pool(X, (7, 7), stride=3)
    exact = avg_pool(X.astype(np.float64), (7, 7), stride=3)
    assert np.isfinite(Y).all()  # the sums are far beyond the largest half
    assert np.array_equal(Y, exact.astype(np.float16))

    dY = (chance.random((1, 1, 12, 12)) * 100).astype(np.float16)
    for found, real in (
        (avg_pool_backward(X, dY, (7, 7), stride=3), avg_pool_backward),
        (max_pool_backward(X, dY, (7, 7), stride=3), max_pool_backward),
    ):
        exact = real(X.astype(np.float64), dY.astype(np.float64), (7, 7), stride=3)
        assert np.array_equal(found, exact.astype(np.float16)), real


def test_the_max_gradient_of_singles_is_summed_in_doubles():
    X = np.array([[0, 0, 9, 0, 0]], np.float32)
    dY = np.array([[2**24, 1, 1]], np.float32)
    assert max_pool_backward(X, dY, (1, 3), stride=1).tolist() == [[0, 0, 2**24 + 2, 0, 0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_averages_are_within_a_few_roundings_of_the_exact_ones(dtype):
    chance = np.random.default_rng(6)
    X, dY = chance.standard_normal((9, 9)).astype(dtype), chance.standard_normal((4, 4))
    dY = dY.astype(dtype)
    Y, dX = avg_pool(X, (3, 3), stride=2), avg_pool_backward(X, dY, (3, 3), stride=2)
    exact_dX = np.full((9, 9), Fraction(0))
    for i, j in np.ndindex(4, 4):
        window = X[2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
        exact = sum(map(Fraction, window.ravel().tolist())) / 9
        assert (
            abs(Fraction(Y[i, j].item()) - exact) <= 8 * np.finfo(dtype).eps * np.abs(window).max()
        )
        exact_dX[2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += Fraction(dY[i, j].item()) / 9
    off = np.abs(dX.astype(object) - exact_dX).max()
    assert off <= 4 * np.finfo(dtype).eps * np.abs(dY).max()
