"""Transposed convolution against plain loops, exact differences and onnx's own cases."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli.errors import GeometryError, ShapeError
from convgrad_cli.geometry.transposed import plan_transposed
from convgrad_cli.layers.conv import conv_backward, conv_forward
from convgrad_cli.layers.transposed import (
    by_convolution,
    transposed_backward,
    transposed_forward,
)
from tests import reference_layers


@st.composite
def layers(draw):
    """A small transposed layer: shapes, options as keyword arguments, a seed."""
    dims = draw(st.integers(1, 3))
    each = [
        {
            "size": draw(st.integers(1, 3)),
            "kernel": draw(st.integers(1, 3)),
            "stride": draw(st.integers(1, 3)),
            "dilation": draw(st.integers(1, 2)),
        }
        for _ in range(dims)
    ]
    padding, added = [], []
    for axis in each:
        room = (axis["size"] - 1) * axis["stride"] + axis["dilation"] * (axis["kernel"] - 1)
        before = draw(st.integers(0, min(2, room)))
        padding.append((before, draw(st.integers(0, min(2, room - before)))))
        added.append(draw(st.integers(0, max(axis["stride"], axis["dilation"]) - 1)))
    groups, c, k = (draw(st.integers(1, 2)) for _ in range(3))
    options = {
        "stride": [axis["stride"] for axis in each],
        "padding": padding,
        "dilation": [axis["dilation"] for axis in each],
        "output_padding": added,
        "groups": groups,
    }
    x_shape = (draw(st.integers(1, 2)), c * groups, *(axis["size"] for axis in each))
    w_shape = (c * groups, k, *(axis["kernel"] for axis in each))
    return x_shape, w_shape, options, draw(st.integers(0, 2**32 - 1))


def integers(rng, shape):
    return rng.integers(-9, 10, shape)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(layers())
def test_every_array_equals_the_plain_loops(layer):
    x_shape, w_shape, options, seed = layer
    rng = np.random.default_rng(seed)
    X, W = integers(rng, x_shape), integers(rng, w_shape)
    b = integers(rng, w_shape[1] * options["groups"])
    dims = len(x_shape) - 2
    Y = transposed_forward(X, W, b, dims=dims, **options)
    expected = reference_layers.transposed_forward(X, W, b, **options)
    assert Y.dtype == np.int64
    assert Y.shape == expected.shape
    assert (expected == Y).all()
    plan = plan_transposed(x_shape, w_shape, dims=dims, **options)
    road = by_convolution(X, W, plan.geometry)
    assert (road.Y + b.reshape(-1, *(1,) * dims) == Y).all()
    dY = integers(rng, Y.shape)
    got = transposed_backward(X, W, dY, dims=dims, **options)
    for name, wanted in zip(
        ("dX", "dW", "db"), reference_layers.transposed_backward(X, W, dY, **options), strict=True
    ):
        assert getattr(got, name).shape == wanted.shape, name
        assert (getattr(got, name) == wanted).all(), name


@settings(max_examples=25, deadline=None, derandomize=True)
@given(layers())
def test_a_step_of_one_changes_the_loss_by_exactly_the_gradient(layer):
    """L = Σ dY·Y is linear in X, in W and in b, so the difference is the derivative, exactly."""
    x_shape, w_shape, options, seed = layer
    rng = np.random.default_rng(seed)
    X, W = integers(rng, x_shape), integers(rng, w_shape)
    b = integers(rng, w_shape[1] * options["groups"])
    dims = len(x_shape) - 2
    dY = integers(rng, transposed_forward(X, W, b, dims=dims, **options).shape)

    def loss(X, W, b):
        return int((dY * transposed_forward(X, W, b, dims=dims, **options)).sum())

    gradients = transposed_backward(X, W, dY, dims=dims, **options)
    here = loss(X, W, b)
    for place, (array, gradient) in enumerate(zip((X, W, b), gradients, strict=True)):
        index = tuple(int(rng.integers(size)) for size in array.shape)
        moved = [a.copy() for a in (X, W, b)]
        moved[place][index] += 1
        assert loss(*moved) - here == gradient[index]


def test_forward_is_a_convolutions_dx_and_back():
    """The statement of lecture 12, on a layer with unequal axes: each is the other's transpose."""
    rng = np.random.default_rng(5)
    X, W = integers(rng, (2, 3, 4, 3)), integers(rng, (3, 2, 3, 2))
    options = {"stride": (2, 3), "padding": [(1, 0), (0, 1)]}
    Y = transposed_forward(X, W, output_padding=(1, 2), **options)
    zeros = np.zeros(Y.shape, int)
    np.testing.assert_array_equal(Y, conv_backward(zeros, W, X, **options).dX)
    dY = integers(rng, Y.shape)
    dX, dW, _ = transposed_backward(X, W, dY, output_padding=(1, 2), **options)
    np.testing.assert_array_equal(dX, conv_forward(dY, W, **options))
    np.testing.assert_array_equal(dW, conv_backward(dY, W, X, **options).dW)


def onnx_cases():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        cases = collect_testcases("ConvTranspose")
    return [case for case in cases if case.name.startswith("test_convtranspose")]


@pytest.mark.parametrize("case", onnx_cases(), ids=lambda case: case.name)
def test_onnx_cases(case):
    attributes = {a.name: list(a.ints) or a.s or a.i for a in case.model.graph.node[0].attribute}
    (X, W), (expected,) = case.data_sets[0]
    pads = attributes.get("pads")
    options = {
        "stride": attributes.get("strides", 1),
        "dilation": attributes.get("dilations", 1),
        "groups": attributes.get("group", 1),
    }
    if "output_shape" in attributes:
        options["output_size"] = attributes["output_shape"]
    else:
        options["output_padding"] = attributes.get("output_padding", 0)
    if pads:
        half = len(pads) // 2
        options["padding"] = list(zip(pads[:half], pads[half:], strict=True))
    if attributes.get("auto_pad") == b"SAME_UPPER":
        options["padding"] = "same-upper"
    got = transposed_forward(X, W, dims=X.ndim - 2, **options)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_eleven_onnx_cases_were_found():
    assert len(onnx_cases()) == 11


def test_float16_is_rounded_once():
    """1025·1.5 = 1537.5 rounds to 1538, and 1538 − 1.25 to 1537; the exact 1536.25 to 1536."""
    X = np.array([[1025.0, 3.0]], np.float16)
    W = np.array([[1.5]], np.float16)
    b = np.array([-1.25], np.float16)
    got = transposed_forward(X, W, b)
    expected = (X.astype(np.float64) * 1.5 - 1.25).astype(np.float16)
    assert (X * np.float16(1.5) + b).tolist() != expected.tolist()  # two roundings would differ
    assert got.dtype == np.float16
    np.testing.assert_array_equal(got, expected)


def test_integers_beyond_doubles_stay_exact():
    X = np.array([[2**40 + 1, 3]], dtype=np.int64)
    W = np.array([[2**20 + 1, -1]], dtype=np.int64)
    Y = transposed_forward(X, W, np.array([7]))
    big = (2**40 + 1) * (2**20 + 1)
    assert Y.tolist() == [[big + 7, 3 * (2**20 + 1) - (2**40 + 1) + 7, -3 + 7]]


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "y_shape"),
    [
        ((4,), (3,), (6,)),
        ((2, 4), (2, 5, 3), (5, 6)),
        ((4, 5), (3, 2), (6, 6)),
        ((1, 4, 5), (1, 2, 3, 2), (2, 6, 6)),
        ((2, 1, 4, 5), (3, 2), (2, 1, 6, 6)),
        ((2, 3, 2, 3, 4), (3, 1, 2, 2, 2), (2, 1, 3, 4, 5)),
    ],
)
def test_ranks(x_shape, w_shape, y_shape):
    X = np.arange(np.prod(x_shape)).reshape(x_shape)
    W = np.arange(np.prod(w_shape)).reshape(w_shape)
    Y = transposed_forward(X, W)
    assert Y.shape == y_shape
    dX, dW, db = transposed_backward(X, W, Y)
    assert (dX.shape, dW.shape, db.ndim) == (x_shape, w_shape, 1)


def test_channels_last():
    rng = np.random.default_rng(2)
    X, W = integers(rng, (2, 3, 4, 5)), integers(rng, (3, 2, 3, 2))
    first = transposed_forward(X, W, stride=2)
    last = transposed_forward(X.transpose(0, 2, 3, 1), W, stride=2, layout="nhwc")
    np.testing.assert_array_equal(last, first.transpose(0, 2, 3, 1))


@pytest.mark.parametrize(
    ("shapes", "options", "error", "text"),
    [
        (((2, 4, 4), (3, 1, 2, 2)), {}, ShapeError, "channels of X and W do not match"),
        (((3, 4, 4), (3, 1, 2, 2)), {"groups": 2}, GeometryError, "divide the channels of X"),
        (((4, 4), (2, 2)), {"output_padding": 1}, GeometryError, "smaller than the stride"),
        (((4, 4), (2, 2)), {"output_padding": -1}, GeometryError, "Output padding"),
        (((4, 4), (2, 2)), {"stride": 0}, GeometryError, "Stride"),
        (((2, 2), (2, 2)), {"padding": 2}, GeometryError, "takes away the whole output"),
        (((4, 4), (2, 2)), {"output_size": 9}, GeometryError, "No output padding"),
        (((4, 4), (2, 2)), {"stride": 3, "padding": "same"}, GeometryError, "shorter than the"),
        (((4, 4), (2, 2, 2)), {}, ShapeError, "channels of X and W"),
        (((4,), (2, 2)), {}, ShapeError, "ranks of X and W"),
        (((0, 4), (2, 2)), {}, ShapeError, "X holds no numbers"),
        (((4, 4), (2, 2)), {"groups": 0}, GeometryError, "Groups must be"),
    ],
)
def test_bad_layers(shapes, options, error, text):
    with pytest.raises(error, match=text):
        plan_transposed(*shapes, **options)


def test_wrong_bias_and_upstream():
    X, W = np.ones((2, 3, 3)), np.ones((2, 4, 2, 2))
    with pytest.raises(ShapeError, match="b has the wrong shape"):
        transposed_forward(X, W, np.ones(2))
    with pytest.raises(ShapeError, match="dY has the wrong shape"):
        transposed_backward(X, W, np.ones((4, 3, 3)))
