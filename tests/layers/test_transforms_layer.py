"""One filter under transforms (L14): plain loops, exact differences, and the adjoint of each."""

from __future__ import annotations

import numpy as np
import pytest

from convgrad_cli.errors import GeometryError, ShapeError, UsageError
from convgrad_cli.geometry.transforms import TRANSFORMS, copies, plan_transforms, source
from convgrad_cli.layers import transforms as layer
from convgrad_cli.layers.conv import conv_backward, conv_forward
from tests import reference_layers

ALL = ",".join(TRANSFORMS)


def integers(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.integers(-9, 10, shape) for shape in shapes]


@pytest.mark.parametrize("kernel", [2, 3])
def test_forward_and_gradients_equal_the_plain_loops(kernel):
    X, W, b = integers(1, (2, 2, 5, 6), (3, 2, kernel, kernel), 3)
    Y = layer.transforms_forward(X, W, b, transforms=ALL, padding="same")
    assert Y.shape == (2, 8, 3, 5, 6)
    (dY,) = integers(2, Y.shape)
    got = layer.transforms_backward(X, W, dY, transforms=ALL, padding="same")
    dX, dW = np.zeros(X.shape, object), np.zeros(W.shape, object)
    for s, name in enumerate(TRANSFORMS):
        TW = reference_layers.transformed(name, W)
        wanted = reference_layers.same_convolution(X, TW) + b.reshape(-1, 1, 1)
        assert (Y[:, s] == wanted).all(), name
        share_x, share_w = reference_layers.same_convolution(X, TW, dY[:, s])
        dX = dX + share_x
        # The adjoint by definition: the weight w is worth what every unit change of it moves.
        for index in np.ndindex(*W.shape):
            unit = np.zeros(W.shape, int)
            unit[index] = 1
            dW[index] += (reference_layers.transformed(name, unit) * share_w).sum()
    assert (got.dX == dX).all()
    assert (got.dW == dW).all()
    assert (got.db == dY.sum(axis=(0, 1, 3, 4))).all()


@pytest.mark.parametrize("name", TRANSFORMS)
def test_each_transform_is_the_arrangement_the_lecture_means(name):
    W = np.arange(1, 10).reshape(1, 1, 3, 3)
    got = layer.TRANSFORM[name].apply(W)
    assert got.tolist() == reference_layers.transformed(name, W).tolist()
    size = got.shape[-1]
    told = [[int(W[0, 0][source(name, (p, q), 3)]) for q in range(size)] for p in range(size)]
    assert got[0, 0].tolist() == told


@pytest.mark.parametrize("name", TRANSFORMS)
def test_pull_back_is_the_adjoint(name):
    """⟨T W, V⟩ = ⟨W, T* V⟩, exactly, and ``copies`` says the same."""
    W, V = integers(4, (2, 3, 3, 3), (2, 3, 6, 6) if name == "scale2" else (2, 3, 3, 3))
    applied, pulled = layer.TRANSFORM[name].apply(W), layer.TRANSFORM[name].pull_back(V)
    assert (applied * V).sum() == (W * pulled).sum()
    told = [sum(V[1, 2][at] for at in copies(name, (p, q), 3)) for p in range(3) for q in range(3)]
    assert pulled[1, 2].reshape(-1).tolist() == told


def test_numpys_rot90():
    W = np.arange(9).reshape(3, 3)
    np.testing.assert_array_equal(layer.TRANSFORM["rot90"].apply(W), np.rot90(W))


def test_a_step_of_one_changes_the_loss_by_exactly_the_gradient():
    X, W, b = integers(6, (2, 7, 5), (3, 2, 2, 2), 3)
    options = {"transforms": ALL, "padding": "same", "stride": 2}
    (dY,) = integers(7, layer.transforms_forward(X, W, b, **options).shape)

    def loss(X, W, b):
        return int((dY * layer.transforms_forward(X, W, b, **options)).sum())

    gradients = layer.transforms_backward(X, W, dY, **options)
    here = loss(X, W, b)
    for place, gradient in enumerate(gradients[:3]):
        for index in np.ndindex(*gradient.shape):
            moved = [X.copy(), W.copy(), b.copy()]
            moved[place][index] += 1
            assert loss(*moved) - here == gradient[index], (place, index)


def test_identity_alone_is_the_plain_convolution():
    X, W = integers(8, (3, 6, 5), (2, 3, 3, 3))
    Y = layer.transforms_forward(X, W, transforms="identity", stride=2)
    assert Y.shape == (1, 2, 2, 2)
    np.testing.assert_array_equal(Y[0], conv_forward(X, W, stride=2))
    (dY,) = integers(9, Y.shape)
    got = layer.transforms_backward(X, W, dY, transforms="identity", stride=2)
    plain = conv_backward(X, W, dY[0], stride=2)
    np.testing.assert_array_equal(got.dX, plain.dX)
    np.testing.assert_array_equal(got.dW, plain.dW)


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "y_shape"),
    [
        ((5, 5), (2, 2), (3, 5, 5)),
        ((2, 5, 5), (2, 2, 2), (3, 5, 5)),
        ((2, 5, 5), (4, 2, 2, 2), (3, 4, 5, 5)),
        ((6, 2, 5, 5), (4, 2, 2, 2), (6, 3, 4, 5, 5)),
        ((6, 2, 5, 5), (2, 2, 2), (6, 3, 1, 5, 5)),
    ],
)
def test_the_s_axis_stands_after_n(x_shape, w_shape, y_shape):
    X, W = integers(3, x_shape, w_shape)
    options = {"transforms": "rot90,fliplr,scale2", "padding": "same"}
    Y = layer.transforms_forward(X, W, **options)
    assert Y.shape == y_shape
    dX, dW, _, shares = layer.transforms_backward(X, W, Y, **options)
    assert (dX.shape, dW.shape, len(shares)) == (x_shape, w_shape, 3)


def test_channels_last():
    X, W = integers(3, (2, 3, 5, 4), (4, 3, 2, 2))
    first = layer.transforms_forward(X, W, transforms="rot90,transpose")
    last = layer.transforms_forward(
        X.transpose(0, 2, 3, 1), W, transforms="rot90,transpose", layout="nhwc"
    )
    assert last.shape == (2, 2, 4, 3, 4)
    np.testing.assert_array_equal(last, first.transpose(0, 1, 3, 4, 2))


def test_float16_sums_over_the_transforms_round_once():
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(9, 9)).astype(np.float16), rng.normal(size=(3, 3)).astype(np.float16)
    names = "identity,rot90,rot180,rot270,fliplr"
    dY = rng.normal(size=(5, 7, 7)).astype(np.float16)
    got = layer.transforms_backward(X, W, dY, transforms=names)
    wide = layer.transforms_backward(*(a.astype(np.float64) for a in (X, W, dY)), transforms=names)
    for name in ("dX", "dW"):
        one, exact = getattr(got, name), getattr(wide, name)
        assert one.dtype == np.float16
        # Half a unit of float16, and what float32 may add to it.
        assert (np.abs(one - exact) <= 0.5001 * np.spacing(np.abs(exact).astype(np.float16))).all()


@pytest.mark.parametrize(
    ("words", "options", "error", "text"),
    [
        ("rot91", {}, UsageError, "Unknown transform 'rot91'"),
        ("rot90,rot90", {}, UsageError, "given twice"),
        ("identity,scale2", {}, GeometryError, "do not stack"),
    ],
)
def test_bad_transforms(words, options, error, text):
    X, W = integers(0, (5, 5), (2, 2))
    with pytest.raises(error, match=text):
        layer.transforms_forward(X, W, transforms=words, **options)


def test_filter_must_be_square():
    with pytest.raises(GeometryError, match="Transforms need a square filter"):
        plan_transforms((5, 5), (2, 3), ["rot90"])
    with pytest.raises(GeometryError, match="Transforms need a square filter"):
        plan_transforms((1, 5), (1, 1, 3), ["identity"], dims=1)


def test_wrong_upstream_names_the_axis():
    X, W = integers(0, (5, 5), (2, 2))
    with pytest.raises(ShapeError, match="dY has the wrong shape") as caught:
        layer.transforms_backward(X, W, np.ones((4, 4)), transforms="identity,rot90")
    assert "(2, 4, 4)" in str(caught.value)
    assert "one map per transform (identity,rot90)" in str(caught.value)
