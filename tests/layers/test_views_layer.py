"""The lectures' other roads to the same numbers: stride as downsampling, windows as rows, T."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli.errors import UsageError
from convgrad_cli.geometry import plan_conv
from convgrad_cli.layers import strided, vectorize
from tests import reference


@st.composite
def layers(draw):
    dims = draw(st.integers(1, 2))
    groups, c, k = (draw(st.integers(1, 2)) for _ in range(3))
    kernel = [draw(st.integers(1, 3)) for _ in range(dims)]
    dilation = [draw(st.integers(1, 2)) for _ in range(dims)]
    size = [
        d * (n - 1) + 1 + draw(st.integers(0, 3)) for n, d in zip(kernel, dilation, strict=True)
    ]
    padding = [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(dims)]
    options = {
        "stride": [draw(st.integers(1, 3)) for _ in range(dims)],
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
    }
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = rng.integers(-9, 10, (draw(st.integers(1, 2)), c * groups, *size))
    W = rng.integers(-9, 10, (k * groups, c, *kernel))
    b = rng.integers(-9, 10, k * groups)
    geometry = plan_conv(X.shape, W.shape, dims=dims, **options).geometry
    dY = rng.integers(-9, 10, geometry.output_shape)
    return X, W, b, dY, geometry, options


@settings(max_examples=40, deadline=None, derandomize=True)
@given(layers())
def test_all_roads_give_the_plain_loops_numbers(layer):
    X, W, b, dY, geometry, options = layer
    Y = reference.conv_forward(X, W, b, **options)
    dX, dW, _ = reference.conv_backward(X, W, dY, **options)

    road = strided.forward(X, W, b, geometry)
    assert (road.Y == Y).all()
    back = strided.backward(X, W, dY, geometry)
    assert back.upsampled.shape == road.stride_one.shape
    assert back.padded_gradient.shape == road.padded.shape
    assert (back.dX == dX).all()
    assert (back.dW == dW).all()

    view = vectorize.vectorized(X, W, geometry)
    dZ = dY.reshape(*dY.shape[:2], -1)
    assert (vectorize.forward(view, b).reshape(Y.shape) == Y).all()
    assert (vectorize.grad_weight(view, dZ).reshape(W.shape) == dW).all()
    assert (vectorize.col2im(view, vectorize.grad_windows(view, dZ)) == dX).all()

    T = vectorize.toeplitz(W, geometry)
    column = b.reshape(-1, *(1,) * geometry.dims)
    assert (vectorize.times(T, X).reshape(Y.shape) + column == Y).all()
    assert (vectorize.times(T.T, dY).reshape(X.shape) == dX).all()


def test_the_shape_of_q_is_the_notes():
    """(n_b, ch_in, h_out², f²), the window (i, j) in row i·h_out + j (Diba, eq. 34)."""
    X = np.arange(2 * 3 * 16).reshape(2, 3, 4, 4)
    W = np.ones((5, 3, 2, 2), int)
    view = vectorize.vectorized(X, W, plan_conv(X.shape, W.shape).geometry)
    assert view.Q.shape == (2, 3, 9, 4)
    assert view.index_map[0].tolist() == [0, 1, 4, 5]
    assert view.index_map[5].tolist() == [6, 7, 10, 11]
    assert view.Q[1, 2, 5].tolist() == X[1, 2].reshape(-1)[[6, 7, 10, 11]].tolist()


def test_padding_is_minus_one_in_the_index_map():
    geometry = plan_conv((2, 2), (2, 2), padding=1).geometry
    places = vectorize.index_map(geometry)
    assert places[0].tolist() == [-1, -1, -1, 0]
    assert places[4].tolist() == [0, 1, 2, 3]
    assert places[8].tolist() == [3, -1, -1, -1]


def test_toeplitz_rows_are_the_filter_shifted():
    """The slides' 3×3 input and 2×2 filter: every row holds F11 F12 · F21 F22, moved along."""
    W = np.array([[[[1, 2], [3, 4]]]])
    T = vectorize.toeplitz(W, plan_conv((1, 1, 3, 3), W.shape).geometry)
    assert T.tolist() == [
        [1, 2, 0, 3, 4, 0, 0, 0, 0],
        [0, 1, 2, 0, 3, 4, 0, 0, 0],
        [0, 0, 0, 1, 2, 0, 3, 4, 0],
        [0, 0, 0, 0, 1, 2, 0, 3, 4],
    ]


def test_integers_beyond_doubles_stay_exact():
    X = np.full((1, 1, 2, 2), 2**31 + 1)
    W = np.full((1, 1, 2, 2), 2**29 + 1)
    geometry = plan_conv(X.shape, W.shape).geometry
    exact = 4 * (2**31 + 1) * (2**29 + 1)
    assert vectorize.forward(vectorize.vectorized(X, W, geometry)).tolist() == [[[exact]]]
    assert vectorize.times(vectorize.toeplitz(W, geometry), X).tolist() == [[exact]]


def test_a_matrix_too_large_to_look_at_is_refused():
    geometry = plan_conv((1, 64, 64, 64), (64, 64, 3, 3)).geometry
    with pytest.raises(UsageError, match="matrix T of this layer is too large"):
        vectorize.toeplitz(np.zeros((64, 64, 3, 3)), geometry)
    geometry = plan_conv((8, 64, 64, 64), (1, 64, 3, 3)).geometry
    with pytest.raises(UsageError, match="matrix Q of this layer is too large"):
        vectorize.vectorized(np.zeros((8, 64, 64, 64)), np.zeros((1, 64, 3, 3)), geometry)
