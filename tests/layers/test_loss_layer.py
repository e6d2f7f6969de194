"""Losses: the value from plain loops, the gradient by central differences with a stated bound."""

from __future__ import annotations

import numpy as np
import pytest

from convgrad_cli.errors import DataError, ShapeError, UsageError
from convgrad_cli.layers.loss import loss
from tests import reference_layers

Y = np.array([[1.5, -0.25, 0.75], [2.0, 0.5, -1.0]])
TARGETS = {
    "sum": None,
    "mse": np.array([[1.0, 0.0, 0.5], [2.5, 0.5, 1.0]]),
    "cross-entropy": np.array([[0.2, 0.5, 0.3], [0.0, 1.0, 1.0]]),
    "neg-log": None,
}


@pytest.mark.parametrize("name", TARGETS)
def test_value_and_gradient(name):
    at, target = (np.exp(Y), None) if name == "neg-log" else (Y, TARGETS[name])
    got = loss(name, at, target)
    assert got.value == pytest.approx(reference_layers.loss(name, at, target), rel=1e-14)
    step = 1e-5
    for index in np.ndindex(*at.shape):
        up, down = at.copy(), at.copy()
        up[index] += step
        down[index] -= step
        difference = reference_layers.loss(name, up, target) - reference_layers.loss(
            name, down, target
        )
        # h²/6 times a third derivative of at most 100 here, and 1e-15/h of rounding.
        assert got.gradient[index] == pytest.approx(difference / (2 * step), abs=5e-9)


def test_class_numbers_are_one_hot_rows():
    by_number = loss("cross-entropy", Y, np.array([2, 0]))
    one_hot = loss("softmax-cross-entropy", Y, np.array([[0, 0, 1], [1, 0, 0]]))
    assert by_number.value == one_hot.value
    np.testing.assert_array_equal(by_number.gradient, one_hot.gradient)


def test_onnx_computes_the_same_cross_entropy():
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    scores = np.random.default_rng(1).normal(scale=4, size=(5, 7))
    classes = np.array([3, 0, 6, 2, 3])
    node = helper.make_node("SoftmaxCrossEntropyLoss", ["x", "t"], ["l"], reduction="mean")
    graph = helper.make_graph(
        [node],
        "one",
        [
            helper.make_tensor_value_info("x", TensorProto.DOUBLE, scores.shape),
            helper.make_tensor_value_info("t", TensorProto.INT64, classes.shape),
        ],
        [helper.make_tensor_value_info("l", TensorProto.DOUBLE, ())],
    )
    (expected,) = ReferenceEvaluator(helper.make_model(graph)).run(
        None, {"x": scores, "t": classes}
    )
    assert loss("cross-entropy", scores, classes).value == pytest.approx(float(expected), rel=1e-12)


def test_large_scores_do_not_overflow():
    got = loss("cross-entropy", np.array([1000.0, -1000.0]), np.array([1]))
    assert got.value == 2000.0
    np.testing.assert_array_equal(got.gradient, [1.0, -1.0])


def test_the_sum_of_integers_is_exact():
    huge = np.array([2**62, 2**62, 2**62, 1])
    assert loss("sum", huge).value == 3 * 2**62 + 1
    assert loss("sum", huge).gradient.dtype == np.int64


@pytest.mark.parametrize(
    ("name", "at", "target", "error", "text"),
    [
        ("mae", Y, None, UsageError, "Unknown loss 'mae'"),
        ("mse", Y, None, UsageError, "needs a target"),
        ("sum", Y, Y, UsageError, "takes no target"),
        ("mse", Y, Y[:1], ShapeError, "target has the wrong shape"),
        ("neg-log", Y, None, DataError, "not above 0"),
        ("cross-entropy", Y, np.array([0, 3]), DataError, "class that does not exist"),
        ("cross-entropy", Y, np.array([0.5, 1.0]), ShapeError, "target has the wrong shape"),
        ("cross-entropy", np.ones((2, 3, 4)), np.array([1] * 6), ShapeError, "one row of scores"),
    ],
)
def test_bad_losses(name, at, target, error, text):
    with pytest.raises(error, match=text):
        loss(name, at, target)


def test_nearest_loss_is_named():
    with pytest.raises(UsageError, match="Unknown loss") as caught:
        loss("cross_entopy", Y)
    assert "did you mean 'cross_entropy'?" in str(caught.value)
