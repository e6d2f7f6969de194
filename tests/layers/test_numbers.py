"""The dtype policy: floats, float16, and integers at the edges of 2^53 and 2^63."""

from __future__ import annotations

import numpy as np
import pytest

from convgrad_cli.errors import DataError
from convgrad_cli.layers.conv import conv_backward, conv_forward
from convgrad_cli.layers.numbers import (
    Magnitudes,
    arithmetic,
    narrowed,
    numeric,
    result_dtype,
    sum_of_products,
)

FLOATS = [np.float16, np.float32, np.float64]
INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64]


@pytest.mark.parametrize("first", [*FLOATS, *INTEGERS])
@pytest.mark.parametrize("second", [*FLOATS, *INTEGERS])
def test_results_have_the_operands_result_type(first, second) -> None:
    X = np.array([[1, 2, 0], [0, 1, 3], [2, 1, 1]], first)
    W = np.array([[1, 2], [0, 1]], second)
    dY = np.array([[1, 0], [2, 1]], second)
    expected = np.result_type(first, second)
    gradients = conv_backward(X, W, dY)
    assert conv_forward(X, W).dtype == expected
    assert gradients.dW.dtype == expected
    assert gradients.dX.dtype == gradients.db.dtype == second
    assert conv_forward(X, W).tolist() == [[6, 5], [3, 8]]


@pytest.mark.parametrize("dtype", [*FLOATS, np.int16, np.int64])
def test_big_endian_comes_back_native(dtype) -> None:
    X, W = np.arange(9.0).reshape(3, 3), np.array([[1.0, 2.0], [3.0, 4.0]])
    swapped = np.dtype(dtype).newbyteorder(">")
    Y = conv_forward(X.astype(swapped), W.astype(swapped))
    assert Y.dtype == np.dtype(dtype)
    assert Y.tolist() == conv_forward(X, W).tolist()


def test_float16_is_rounded_once() -> None:
    """2048 + 1 + 1: in float16 each 1 is lost; in float32, rounded at the end, both count."""
    X = np.array([2048, 1, 1], np.float16)
    assert conv_forward(X, np.ones(3, np.float16)).tolist() == [2050]
    # A large layer: in float16 each of the eight would be lost in 2048.
    W = np.ones((3, 3), np.float16)
    W[0, 0] = 2048
    assert set(conv_forward(np.ones((100, 100), np.float16), W).ravel().tolist()) == {2056}
    # Each of the 3000 products is lost in a float16 sum beyond 2048.
    ones = np.ones((1, 1, 3000), np.float16)
    _, dW, db = conv_backward(ones, np.ones((1, 1, 1), np.float16), ones, dims=1)
    assert dW.item() == db.item() == 3000


def test_float16_overflows_to_infinity_without_a_warning() -> None:
    X = np.full(4, 60000, np.float16)
    assert conv_forward(X, np.ones(4, np.float16)).tolist() == [np.inf]


def exact(X: list[int], W: list[int]) -> int:
    return sum(x * w for x, w in zip(X, W, strict=True))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("X", "W"),
    [
        ([2**26, 2**26 - 1, 1], [2**26, 2**26, 1]),
        ([2**53 - 1, 1], [1, 0]),
        ([2**53, 1], [1, 1]),
        ([2**52, 2**52, 1], [1, 1, 1]),
        ([2**31, 2**31 - 1], [2**31, 2**31 + 1]),
        ([2**62, 2**61, 2**61 - 1], [1, 1, 1]),
        ([2**62, -(2**62), 5], [2, 2, 1]),
        ([2**63 - 1, 2**63 - 1, 7], [3, -3, 1]),
    ],
)
def test_integers_are_exact_at_the_edges(X, W, sign) -> None:
    """Just below, at and above 2^53 and 2^63; the last two only pass through Python integers."""
    W = [sign * w for w in W]
    Y = conv_forward(np.array(X), np.array(W))
    assert Y.dtype == np.int64
    assert Y.tolist() == [exact(X, W)]


@pytest.mark.parametrize(
    ("bound", "dtype"),
    [
        (2**53 - 1, np.float64),
        (2**53, np.int64),
        (2**63 - 1, np.int64),
        (2**63, object),
    ],
)
def test_the_way_is_chosen_by_the_bound(bound, dtype) -> None:
    one, big = np.array([1]), np.array([bound], np.uint64)
    assert arithmetic((big, one), 1, Magnitudes()).working == dtype
    assert arithmetic((big // 2, one, big - big // 2), 1, Magnitudes()).working == dtype


def test_a_coarse_bound_is_refined() -> None:
    """One large number meets only small ones: the sum of |a||b| stays below 2^53."""
    X, W = np.array([2**50, 1, 1, 1]), np.array([1, 2**50, 0, 0])
    used = []

    def compute(X, W):
        used.append(X.dtype)
        return (X * W).sum(keepdims=True)

    assert sum_of_products(compute, X, W, terms=4).tolist() == [2**51]
    assert used == [np.float64, np.float64]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_result_beyond_int64_is_an_error(sign) -> None:
    X, W = np.array([2**62, 2**62]), np.array([sign, sign])
    if sign < 0:
        assert conv_forward(X, W).tolist() == [-(2**63)]
        W = W * 2
    with pytest.raises(DataError, match="does not fit 64-bit integers"):
        conv_forward(X, W)


def test_uint64_stays_an_integer() -> None:
    """NumPy would make float64 of uint64 with int64."""
    X, W = np.array([2**53 + 1, 3], np.uint64), np.array([1, -1])
    Y = conv_forward(X, W)
    assert Y.dtype == np.int64
    assert Y.tolist() == [2**53 - 2]
    assert conv_forward(X, X[1:]).dtype == np.uint64
    with pytest.raises(DataError):
        conv_forward(np.array([2**64 - 1], np.uint64), np.array([1], np.uint64))


def test_small_integer_types_widen_where_they_must() -> None:
    X, W = np.array([100, 100], np.int8), np.array([1, 1], np.int8)
    assert conv_forward(X, W).tolist() == [200]
    assert conv_forward(X, W).dtype == np.int64
    assert conv_forward(X, W[:1]).dtype == np.int8
    minimum = conv_forward(np.array([-128], np.int8), W[:1])
    assert minimum.dtype == np.int8
    assert minimum.tolist() == [-128]


def test_the_bias_counts_in_the_bound() -> None:
    X, W, b = np.array([2**53 - 1]), np.array([1]), np.array([2])
    assert conv_forward(X, W, b).tolist() == [2**53 + 1]


@pytest.mark.parametrize(
    "value",
    [
        [[True, False]],
        np.array([1 + 2j]),
        np.array([1, None]),
        ["a", "b"],
        [2**64, 1],
        [[1, 2], [3]],
    ],
    ids=["bool", "complex", "object", "text", "beyond 64 bits", "ragged"],
)
def test_what_holds_no_numbers_is_refused(value) -> None:
    with pytest.raises(DataError) as caught:
        numeric(value, "W")
    assert caught.value.array == "W"
    with pytest.raises(DataError):
        conv_forward([1, 2], value)


def test_narrowed_keeps_what_fits() -> None:
    assert narrowed(np.array([1.0, -3.0]), np.dtype(np.int8)).dtype == np.int8
    assert narrowed(np.array([200]), np.dtype(np.int8)).dtype == np.int64
    assert narrowed(np.array([-1]), np.dtype(np.uint8)).tolist() == [-1]
    assert result_dtype(np.array([1], np.int32)) == np.int32
