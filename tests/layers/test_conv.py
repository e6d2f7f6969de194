"""The public convolution: its equations, ranks, layouts, options and inputs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli import conv_backward, conv_forward
from convgrad_cli.errors import DataError, GeometryError, ShapeError, UsageError
from convgrad_cli.geometry import plan_conv
from convgrad_cli.layers.conv import (
    forward,
    grad_bias,
    grad_input,
    grad_weight,
    planned_backward,
    planned_forward,
)
from tests import reference
from tests.layers.conv_layers import layer, layers

SETTINGS = settings(max_examples=120, deadline=None, derandomize=True)


def given_arguments(case) -> dict:
    return {**case.options, "dims": case.geometry.dims}


@SETTINGS
@given(case=layers())
def test_equals_plain_loops(case) -> None:
    """Integers: values exactly, and as int64."""
    Y = conv_forward(case.X, case.W, case.b, **given_arguments(case))
    gradients = conv_backward(case.X, case.W, case.dY, **given_arguments(case))
    expected = reference.conv_backward(case.X, case.W, case.dY, **case.options)
    assert Y.dtype == np.int64
    np.testing.assert_array_equal(Y, reference.conv_forward(case.X, case.W, case.b, **case.options))
    for name, found, truth in zip(("dX", "dW", "db"), gradients, expected, strict=True):
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, truth, err_msg=name)


@SETTINGS
@given(case=layers(), seed=st.integers(0, 2**16))
def test_adjoint(case, seed) -> None:
    """<dY, conv(V, W)> = <dX, V> and <dY, conv(X, V)> = <dW, V>, exactly."""
    chance = np.random.default_rng(seed)
    options = given_arguments(case)
    dX, dW, db = conv_backward(case.X, case.W, case.dY, **options)
    V, U = chance.integers(-9, 10, case.X.shape), chance.integers(-9, 10, case.W.shape)
    assert (case.dY * conv_forward(V, case.W, **options)).sum() == (dX * V).sum()
    assert (case.dY * conv_forward(case.X, U, **options)).sum() == (dW * U).sum()
    b = chance.integers(-9, 10, db.shape)
    only_bias = conv_forward(case.X, 0 * case.W, b, **options)
    assert (case.dY * only_bias).sum() == (db * b).sum()


@settings(SETTINGS, max_examples=40)
@given(case=layers(), data=st.data())
def test_differences_of_step_one_are_exact(case, data) -> None:
    """L = sum of dY * Y is linear in X and in W: one step in one element changes L by its entry."""
    options = given_arguments(case)
    gradients = conv_backward(case.X, case.W, case.dY, **options)
    arrays = {"dX": case.X, "dW": case.W}
    for name, array in arrays.items():
        index = data.draw(st.tuples(*(st.integers(0, n - 1) for n in array.shape)), label=name)
        stepped = array.copy()
        stepped[index] += 1
        pair = (stepped, case.W) if name == "dX" else (case.X, stepped)
        change = conv_forward(*pair, **options) - conv_forward(case.X, case.W, **options)
        assert (case.dY * change).sum() == getattr(gradients, name)[index]


@settings(SETTINGS, max_examples=30)
@given(case=layers(), factors=st.tuples(st.integers(-5, 5), st.integers(-5, 5)))
def test_linear_in_the_upstream_gradient(case, factors) -> None:
    options = given_arguments(case)
    other = np.random.default_rng(7).integers(-9, 10, case.dY.shape)
    a, b = factors
    both = conv_backward(case.X, case.W, a * case.dY + b * other, **options)
    one = conv_backward(case.X, case.W, case.dY, **options)
    two = conv_backward(case.X, case.W, other, **options)
    for sum_of, first, second in zip(both, one, two, strict=True):
        np.testing.assert_array_equal(sum_of, a * first + b * second)
    for gradient in conv_backward(case.X, case.W, 0 * case.dY, **options):
        assert not gradient.any()


@SETTINGS
@given(case=layers(), dtype=st.sampled_from([np.float16, np.float32, np.float64]))
def test_whole_numbers_are_exact_in_floats(case, dtype) -> None:
    X, W, b, dY = case.floats(dtype)
    options = given_arguments(case)
    expected = (
        reference.conv_forward(case.X, case.W, case.b, **case.options),
        *reference.conv_backward(case.X, case.W, case.dY, **case.options),
    )
    found = (conv_forward(X, W, b, **options), *conv_backward(X, W, dY, **options))
    for value, truth in zip(found, expected, strict=True):
        assert value.dtype == dtype
        np.testing.assert_array_equal(value, truth.astype(np.float64).astype(dtype))


CASE = layer((2, 3, 5, 7), (4, 3, 3, 2), stride=(2, 1), padding=((1, 0), (0, 2)))


@pytest.mark.parametrize("filter_layout", ["oihw", "hwio", "iohw"])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_layouts(layout, filter_layout) -> None:
    to_last = (0, 2, 3, 1) if layout == "nhwc" else (0, 1, 2, 3)
    orders = {"oihw": (0, 1, 2, 3), "hwio": (2, 3, 1, 0), "iohw": (1, 0, 2, 3)}
    order = orders[filter_layout]
    options = {**CASE.options, "layout": layout, "filter_layout": filter_layout}
    X, dY, W = CASE.X.transpose(to_last), CASE.dY.transpose(to_last), CASE.W.transpose(order)
    expected = conv_backward(CASE.X, CASE.W, CASE.dY, **CASE.options)
    found = conv_backward(X, W, dY, **options)
    np.testing.assert_array_equal(found.dX, expected.dX.transpose(to_last))
    np.testing.assert_array_equal(found.dW, expected.dW.transpose(order))
    np.testing.assert_array_equal(found.db, expected.db)
    Y = conv_forward(CASE.X, CASE.W, CASE.b, **CASE.options)
    np.testing.assert_array_equal(conv_forward(X, W, CASE.b, **options), Y.transpose(to_last))


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "y_shape", "options"),
    [
        ((5, 7), (3, 2), (3, 6), {}),
        ((3, 5, 7), (3, 3, 2), (3, 6), {"dims": 2}),
        ((3, 5, 7), (4, 3, 3, 2), (4, 3, 6), {}),
        ((2, 3, 5, 7), (3, 3, 2), (2, 1, 3, 6), {}),
        ((2, 3, 5, 7), (4, 3, 3, 2), (2, 4, 3, 6), {}),
        ((7,), (3,), (5,), {}),
        ((3, 7), (3, 3), (5,), {"dims": 1}),
        ((3, 7), (4, 3, 3), (4, 5), {}),
        ((2, 3, 7), (4, 3, 3), (2, 4, 5), {"dims": 1}),
        ((4, 5, 6), (2, 3, 2), (3, 3, 5), {"dims": 3}),
        ((2, 3, 4, 5, 6), (4, 3, 2, 3, 2), (2, 4, 3, 3, 5), {}),
    ],
)
def test_ranks(x_shape, w_shape, y_shape, options) -> None:
    """Every gradient in the rank of its array, with the values of the canonical layer."""
    chance = np.random.default_rng(3)
    X, W, dY = (chance.integers(-9, 10, shape) for shape in (x_shape, w_shape, y_shape))
    plan = plan_conv(x_shape, w_shape, **options)
    Y = conv_forward(X, W, **options)
    dX, dW, db = conv_backward(X, W, dY, **options)
    assert (Y.shape, dX.shape, dW.shape) == (y_shape, x_shape, w_shape)
    geometry = plan.geometry
    assert db.shape == (geometry.out_channels,)
    canonical = (
        X.reshape(geometry.input_shape),
        W.reshape(geometry.filter_shape),
        dY.reshape(geometry.output_shape),
    )
    expected = reference.conv_backward(*canonical)
    np.testing.assert_array_equal(dX.reshape(geometry.input_shape), expected[0])
    np.testing.assert_array_equal(dW.reshape(geometry.filter_shape), expected[1])
    np.testing.assert_array_equal(
        Y.reshape(geometry.output_shape), reference.conv_forward(*canonical[:2])
    )


def test_upstream_may_have_leading_ones() -> None:
    X, W, dY = np.arange(25).reshape(5, 5), np.arange(9).reshape(3, 3), np.arange(9).reshape(3, 3)
    expected = conv_backward(X, W, dY)
    for found in (conv_backward(X, W, dY[None, None]), conv_backward(X[None], W, dY, dims=2)):
        np.testing.assert_array_equal(found.dX.reshape(5, 5), expected.dX)
        np.testing.assert_array_equal(found.dW, expected.dW)


def test_lists_and_positions_as_in_the_contract() -> None:
    X, W, b, dY = [[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 0], [0, -1]], [10], [[1, 2], [3, 4]]
    assert conv_forward(X, W, b).tolist() == [[6, 6], [6, 6]]
    dX, dW, db = conv_backward(X, W, dY)
    assert dX.tolist() == [[1, 2, 0], [3, 3, -2], [0, -3, -4]]
    assert dW.tolist() == [[37, 47], [67, 77]]
    assert db.tolist() == [10]


def test_padding_words_and_output_size() -> None:
    X, W = np.arange(1, 26).reshape(5, 5), np.array([[1, 2, 3], [4, 0, -1], [2, 5, 7]])
    assert conv_forward(X, W, padding="same").shape == (5, 5)
    assert conv_forward(X, W, padding="full").shape == (7, 7)
    wanted = conv_forward(X, W, stride=2, output_size=(3, 2))
    assert wanted.shape == (3, 2)
    np.testing.assert_array_equal(wanted, conv_forward(X, W, stride=2, padding=[(1, 1), (0, 0)]))


@pytest.mark.parametrize("only", [["dX"], ["dW"], ["db"], ["dW", "db"], []])
def test_only(only) -> None:
    expected = conv_backward(CASE.X, CASE.W, CASE.dY, **CASE.options)
    found = conv_backward(CASE.X, CASE.W, CASE.dY, **CASE.options, only=only)
    for name in ("dX", "dW", "db"):
        if name in only:
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        else:
            assert getattr(found, name) is None


def test_canonical_functions_and_plans_agree_with_the_api() -> None:
    plan = plan_conv(CASE.X.shape, CASE.W.shape, **CASE.options)
    Y = conv_forward(CASE.X, CASE.W, CASE.b, **CASE.options)
    dX, dW, db = conv_backward(CASE.X, CASE.W, CASE.dY, **CASE.options)
    np.testing.assert_array_equal(forward(CASE.X, CASE.W, CASE.b, CASE.geometry), Y)
    np.testing.assert_array_equal(grad_input(CASE.W, CASE.dY, CASE.geometry), dX)
    np.testing.assert_array_equal(grad_weight(CASE.X, CASE.dY, CASE.geometry), dW)
    np.testing.assert_array_equal(grad_bias(CASE.dY), db)
    np.testing.assert_array_equal(planned_forward(plan, CASE.X, CASE.W, CASE.b), Y)
    assert (planned_backward(plan, CASE.X, CASE.W, CASE.dY).dX == dX).all()


@pytest.mark.parametrize("large", [False, True])
def test_inputs_are_never_changed(large) -> None:
    """Read-only, non-contiguous and overlapping inputs are as good as any."""
    case = layer((4, 24, 23, 22), (24, 24, 3, 3), padding=1) if large else CASE
    X, W, b, dY = case.floats(np.float32)
    expected = conv_backward(X, W, dY, **case.options)
    held = [array.copy() for array in (X, W, dY, b)]
    strided = [np.asfortranarray(array) for array in (X, W, dY, b)]
    for array in strided:
        array.flags.writeable = False
    for one, two in zip(conv_backward(*strided[:3], **case.options), expected, strict=True):
        np.testing.assert_array_equal(one, two)
    conv_forward(strided[0], strided[1], strided[3], **case.options)
    for array, before in zip(strided, held, strict=True):
        np.testing.assert_array_equal(array, before)


def test_errors_name_what_is_wrong() -> None:
    X, W, dY = np.zeros((5, 5)), np.ones((3, 3)), np.ones((3, 3))
    with pytest.raises(ShapeError, match="dY has the wrong shape") as caught:
        conv_backward(X, W, dY, stride=2)
    assert "(2, 2)" in str(caught.value)
    with pytest.raises(ShapeError, match="b has the wrong shape"):
        conv_forward(X, W, [1, 2])
    with pytest.raises(GeometryError):
        conv_forward(X, W, stride=0)
    with pytest.raises(GeometryError):
        conv_forward(X, W, groups=True)
    with pytest.raises(UsageError, match="no gradient 'dx'"):
        conv_backward(X, W, dY, only=["dx"])
    with pytest.raises(DataError) as refused:
        conv_backward(X, W, dY > 0)
    assert refused.value.array == "dY"
