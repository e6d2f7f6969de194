"""Depthwise separable convolution (L15), dense layer and upsampling (L13)."""

from __future__ import annotations

import numpy as np
import pytest

from convgrad_cli.errors import GeometryError, ShapeError
from convgrad_cli.geometry.separable import plan_separable
from convgrad_cli.layers import dense, upsample
from convgrad_cli.layers.conv import conv_backward, conv_forward
from convgrad_cli.layers.separable import separable_backward, separable_forward
from tests import reference_layers


def integers(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.integers(-9, 10, shape) for shape in shapes]


def test_forward_equals_the_triple_sum():
    X, D, P, b = integers(1, (2, 3, 6, 7), (3, 2, 3), (5, 3), 5)
    V, Y = separable_forward(X, D, P, b, stride=2)
    assert V.shape == (2, 3, 3, 3)
    wanted = reference_layers.separable_forward(X, D, P, b, stride=2)
    assert (wanted == Y).all()


def test_a_step_of_one_changes_the_loss_by_exactly_the_gradient():
    """The loss is linear in each of the four arrays while the others stand still."""
    arrays = integers(2, (2, 3, 5, 6), (6, 1, 2, 3), (4, 6, 1, 1), 4)
    options = {"stride": (1, 2), "padding": [(1, 0), (0, 1)], "dilation": (2, 1)}
    (dY,) = integers(3, separable_forward(*arrays, **options).Y.shape)

    def loss(X, D, P, b):
        return int((dY * separable_forward(X, D, P, b, **options).Y).sum())

    gradients = separable_backward(*arrays[:3], dY, **options)
    here = loss(*arrays)
    for place, gradient in enumerate(gradients[:4]):
        assert gradient.shape == arrays[place].shape
        for index in np.ndindex(*gradient.shape):
            moved = [array.copy() for array in arrays]
            moved[place][index] += 1
            assert loss(*moved) - here == gradient[index], (place, index)


def test_one_filter_per_channel_is_groups():
    X, D = integers(4, (3, 6, 5), (3, 1, 2, 2))
    P = np.eye(3, dtype=int)
    np.testing.assert_array_equal(separable_forward(X, D, P).Y, conv_forward(X, D, groups=3))
    (dY,) = integers(5, (3, 5, 4))
    got, plain = separable_backward(X, D, P, dY), conv_backward(X, D, dY, groups=3)
    np.testing.assert_array_equal(got.dX, plain.dX)
    np.testing.assert_array_equal(got.dDepthwise, plain.dW)
    np.testing.assert_array_equal(got.dV, dY)


def test_counts_of_the_lecture():
    """I·O·K·K against I·O + I·K·K, times the output positions for the multiply-adds."""
    counts = plan_separable((2, 5, 8, 9), (5, 3, 3), (7, 5)).counts.as_dict()
    I, O, KK, positions = 5, 7, 9, 2 * 6 * 7
    assert counts["parameters"] == {
        "conventional": I * O * KK,
        "depthwise": I * KK,
        "pointwise": I * O,
        "separable": I * O + I * KK,
    }
    assert counts["multiply_adds"] == {
        "conventional": I * O * KK * positions,
        "depthwise": I * KK * positions,
        "pointwise": I * O * positions,
        "separable": (I * O + I * KK) * positions,
    }


def test_channels_last_and_one_dimension():
    X, D, P = integers(6, (2, 3, 5, 4), (3, 2, 2), (4, 3))
    first = separable_forward(X, D, P).Y
    last = separable_forward(X.transpose(0, 2, 3, 1), D, P, layout="nhwc").Y
    np.testing.assert_array_equal(last, first.transpose(0, 2, 3, 1))
    X, D, P = integers(7, (3, 9), (3, 4), (2, 3))
    assert separable_forward(X, D, P, dims=1).Y.shape == (2, 6)


@pytest.mark.parametrize(
    ("shapes", "text"),
    [
        (((3, 5, 5), (2, 2, 2), (4, 3)), "depthwise filter has the wrong shape"),
        (((3, 5, 5), (3, 2, 2, 2), (4, 3)), "depthwise filter has the wrong shape"),
        (((3, 5, 5), (3, 2, 2), (4, 2)), "pointwise filter has the wrong shape"),
        (((3, 5, 5), (3, 2, 2), (4, 3, 2, 2)), "pointwise filter has the wrong shape"),
        (((5, 5), (1, 2, 2), (4, 1)), "needs an X with a channel axis"),
    ],
)
def test_shapes_that_do_not_fit(shapes, text):
    with pytest.raises(ShapeError, match=text):
        plan_separable(*shapes)


def test_dense_is_the_matrix_product():
    X, W, b, dY = integers(8, (4, 5), (3, 5), 3, (4, 3))
    np.testing.assert_array_equal(dense.forward(X, W, b), X @ W.T + b)
    got = dense.backward(X, W, dY)
    np.testing.assert_array_equal(got.dX, dY @ W)
    np.testing.assert_array_equal(got.dW, dY.T @ X)
    np.testing.assert_array_equal(got.db, dY.sum(axis=0))
    np.testing.assert_array_equal(dense.forward(X[0], W), W @ X[0])
    with pytest.raises(ShapeError, match="dense layer do not fit"):
        dense.forward(X, W[:, :4])


@pytest.mark.parametrize("mode", ["nearest", "zeros"])
@pytest.mark.parametrize("scale", [(2, 3), (1, 4), (3, 1)])
def test_upsampling_and_its_gradient(mode, scale):
    (X,) = integers(9, (2, 3, 4, 5))
    wanted = reference_layers.upsample(X, scale, mode)
    Y = upsample.nearest(X, scale) if mode == "nearest" else upsample.zeros(X, scale)
    assert Y.shape == wanted.shape
    assert (wanted == Y).all()
    (dY,) = integers(10, Y.shape)
    dX = (
        upsample.grad_nearest(dY, scale)
        if mode == "nearest"
        else upsample.grad_zeros(dY, scale, X.shape[2:])
    )
    for index in np.ndindex(*X.shape):
        unit = np.zeros(X.shape, int)
        unit[index] = 1
        assert dX[index] == (reference_layers.upsample(unit, scale, mode) * dY).sum()


def test_zeros_after_the_last_element():
    Y = upsample.zeros(np.array([1, 2]), (3,), (6,))
    assert Y.tolist() == [1, 0, 0, 2, 0, 0]
    assert upsample.grad_zeros(np.arange(6), (3,), (2,)).tolist() == [0, 3]
    with pytest.raises(GeometryError, match="too small"):
        upsample.zeros(np.array([1, 2]), (3,), (3,))
    with pytest.raises(ShapeError, match="dY has the wrong shape"):
        upsample.grad_nearest(np.ones((3, 3)), (2, 2))
