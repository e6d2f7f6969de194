"""Which gradients are asked for never changes the numbers, on layers that take the fast kernel."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from convgrad_cli import conv_backward
from tests import reference

NAMES = ("dX", "dW", "db")
SUBSETS = [names for size in (1, 2, 3) for names in combinations(NAMES, size)]


def layer(*dtypes: type) -> list[np.ndarray]:
    chance = np.random.default_rng(11)
    shapes = (2, 8, 28, 27), (8, 8, 3, 3), (2, 8, 26, 25)
    arrays = (chance.integers(-4, 5, shape) for shape in shapes)
    return [array.astype(dtype) for array, dtype in zip(arrays, dtypes, strict=True)]


@pytest.fixture(scope="module")
def expected() -> dict[str, np.ndarray]:
    found = reference.conv_backward(*layer(np.int64, np.int64, np.int64))
    return {name: array.astype(float) for name, array in zip(NAMES, found, strict=True)}


@pytest.mark.parametrize("only", SUBSETS, ids=lambda names: ",".join(names))
@pytest.mark.parametrize(
    "dtypes",
    [(np.float32,) * 3, (np.float64, np.float64, np.float32), (np.float32, np.int64, np.float64)],
    ids=lambda dtypes: "-".join(np.dtype(d).name for d in dtypes),
)
def test_every_subset(expected: dict[str, np.ndarray], only: tuple[str, ...], dtypes) -> None:
    found = conv_backward(*layer(*dtypes), only=only)
    for name in NAMES:
        if name in only:
            assert np.array_equal(getattr(found, name), expected[name]), name
        else:
            assert getattr(found, name) is None


def test_a_nan_in_the_filter_spreads_along_its_terms_alone() -> None:
    X, W, dY = layer(np.float32, np.float32, np.float32)
    W[3, 2, 1, 1] = np.nan
    for only in (("dX",), NAMES):
        dX = conv_backward(X, W, dY, only=only).dX
        assert np.isnan(dX[:, 2, 1:-1, 1:-1]).all()
        assert not np.isnan(np.delete(dX, 2, axis=1)).any()
        assert not np.isnan(dX[:, 2, 0]).any()


def test_the_contracts_positional_order() -> None:
    X, W, dY = np.arange(25).reshape(5, 5), np.arange(9).reshape(3, 3) - 3, np.arange(4) + 1
    from convgrad_cli import conv_forward

    Y = conv_forward(X, W, np.array([2]), 2, 1, 1, 1, 2)
    assert np.array_equal(Y, conv_forward(X, W, [2], stride=2, padding=1, dims=2))
    found = conv_backward(X, W, dY.reshape(2, 2), 2, 0)
    assert np.array_equal(found.dW, conv_backward(X, W, dY.reshape(2, 2), stride=2).dW)
