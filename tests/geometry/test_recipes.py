"""The gradients as convolutions: the recipes, done step by step on plain lists, give dX and dW.

dX = dilate dY by s; pad by d(k-1) - p_before and d(k-1) - p_after + r, negative: crop;
     correlate with rot180(W) at dilation d
dW = correlate padded X with dY dilated by s, take every d-th output, keep the first k
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli.geometry import plan_conv
from tests import reference


@st.composite
def layers(draw, dims):
    kernel = [draw(st.integers(1, 4 if dims == 1 else 3)) for _ in range(dims)]
    options = {
        "stride": [draw(st.integers(1, 4)) for _ in range(dims)],
        "dilation": [draw(st.integers(1, 3)) for _ in range(dims)],
        "padding": [(draw(st.integers(0, 4)), draw(st.integers(0, 4))) for _ in range(dims)],
    }
    size = [
        max(1, d * (k - 1) + 1 - sum(p) + draw(st.integers(0, 6)))
        for k, d, p in zip(kernel, options["dilation"], options["padding"], strict=True)
    ]
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X, W = (chance.integers(-9, 10, (1, 1, *shape)) for shape in (size, kernel))
    dY = chance.integers(-9, 10, reference.conv_forward(X, W, **options).shape)
    return X, W, dY, options


def dilated(array, strides):
    """``array`` with stride - 1 zeros between neighbours."""
    spread = np.zeros([(n - 1) * s + 1 for n, s in zip(array.shape, strides, strict=True)], int)
    for index in np.ndindex(*array.shape):
        spread[tuple(i * s for i, s in zip(index, strides, strict=True))] = array[index]
    return spread


def padded(array, sides):
    """``array`` between zeros; negative sides crop."""
    shape = [n + before + after for n, (before, after) in zip(array.shape, sides, strict=True)]
    result = np.zeros(shape, int)
    for index in np.ndindex(*shape):
        source = tuple(i - before for i, (before, _) in zip(index, sides, strict=True))
        if all(0 <= i < n for i, n in zip(source, array.shape, strict=True)):
            result[index] = array[source]
    return result


def correlated(array, kernel, dilation):
    """The valid correlation, stride 1."""
    shape = [n - d * (k - 1) for n, k, d in zip(array.shape, kernel.shape, dilation, strict=True)]
    result = np.zeros(shape, int)
    for out, place in product(np.ndindex(*shape), np.ndindex(*kernel.shape)):
        at = tuple(o + d * k for o, k, d in zip(out, place, dilation, strict=True))
        result[out] += array[at] * kernel[place]
    return result


@pytest.mark.parametrize("dims", [1, 2])
@given(data=st.data())
@settings(max_examples=120)
def test_dx_is_the_full_correlation_of_the_dilated_gradient(data, dims):
    X, W, dY, options = data.draw(layers(dims))
    axes = plan_conv(X.shape, W.shape, dims=dims, **options).geometry.axes
    spread = padded(dilated(dY[0, 0], options["stride"]), [axis.full_padding for axis in axes])
    dX = correlated(spread, np.flip(W[0, 0]), options["dilation"])
    assert dX.shape == X.shape[2:]
    assert np.array_equal(dX, reference.conv_backward(X, W, dY, **options)[0][0, 0])


@pytest.mark.parametrize("dims", [1, 2])
@given(data=st.data())
@settings(max_examples=120)
def test_dw_is_the_correlation_with_the_dilated_gradient(data, dims):
    X, W, dY, options = data.draw(layers(dims))
    axes = plan_conv(X.shape, W.shape, dims=dims, **options).geometry.axes
    around = padded(X[0, 0], [(axis.before, axis.after) for axis in axes])
    every = correlated(around, dilated(dY[0, 0], options["stride"]), [1] * dims)
    dW = every[tuple(slice(None, None, d) for d in options["dilation"])]
    dW = dW[tuple(slice(k) for k in W.shape[2:])]
    assert np.array_equal(dW, reference.conv_backward(X, W, dY, **options)[1][0, 0])


def test_the_lectures_case_pads_by_k_minus_1_on_both_sides():
    (axis,) = plan_conv((7,), (3,), stride=2).geometry.axes
    assert axis.full_padding == (2, 2)


def test_leftover_uneven_padding_and_dilation_by_hand():
    # extent 5 in 1 + 9 + 2 = 12 cells at stride 3: windows at 0, 3, 6, one cell left over.
    (axis,) = plan_conv((9,), (3,), stride=3, dilation=2, padding=[(1, 2)]).geometry.axes
    assert axis.leftover == 1
    assert axis.full_padding == (4 - 1, 4 - 2 + 1)


def test_more_padding_than_the_filter_reaches_crops():
    (axis,) = plan_conv((4,), (2,), padding=3).geometry.axes
    assert axis.full_padding == (-2, -2)
