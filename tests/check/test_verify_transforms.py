"""``--verify`` under transforms passes the right gradients and no others."""

from __future__ import annotations

import numpy as np
import pytest

from convgrad_cli.check.verify_transforms import verify_transforms
from convgrad_cli.geometry.transforms import TRANSFORMS, plan_transforms
from convgrad_cli.layers import transforms

PLAN = plan_transforms((2, 2, 5, 6), (3, 2, 2, 2), TRANSFORMS, padding="same", stride=2)


def layer(dtype: type) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    shapes = (PLAN.geometry.input_shape, PLAN.geometry.filter_shape, PLAN.geometry.output_shape)
    return tuple(rng.integers(-9, 10, shape).astype(dtype) for shape in shapes)


@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_the_right_gradients_pass(dtype: type) -> None:
    X, W, dY = layer(dtype)
    got = transforms.planned_backward(PLAN, X, W, dY)
    gradients = {"dX": got.dX, "dW": got.dW, "db": got.db}
    verdict = verify_transforms(X, W, dY, gradients, PLAN.geometry)
    assert verdict.passed
    assert set(verdict.deviations) == {"dX", "dW", "db"}


@pytest.mark.parametrize("name", ["dX", "dW", "db"])
def test_one_wrong_number_fails(name: str) -> None:
    X, W, dY = layer(np.int64)
    got = transforms.planned_backward(PLAN, X, W, dY)
    wrong = getattr(got, name).copy()
    wrong[(-1,) * wrong.ndim] += 1
    assert not verify_transforms(X, W, dY, {name: wrong}, PLAN.geometry).passed


def test_a_pull_back_the_wrong_way_fails() -> None:
    """rot90's gradient turned further instead of back."""
    plan = plan_transforms((5, 6), (3, 3), ["rot90"])
    rng = np.random.default_rng(1)
    X, W = rng.integers(-9, 10, (1, 1, 5, 6)), rng.integers(-9, 10, (1, 1, 3, 3))
    dY = rng.integers(-9, 10, plan.geometry.output_shape)
    ((share, pulled),) = transforms.shares(X, dY, plan.geometry)
    assert verify_transforms(X, W, dY, {"dW": pulled}, plan.geometry).passed
    wrong = np.rot90(share, 1, axes=(-2, -1))
    assert not verify_transforms(X, W, dY, {"dW": wrong}, plan.geometry).passed
