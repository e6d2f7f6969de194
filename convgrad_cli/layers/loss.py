"""Losses at the end of a chain: one number L, and dL/dY beside it.

    sum             L = Σ Y                                    dY = 1
    mse             L = mean of (Y − T)²                       dY = 2(Y − T)/n
    cross-entropy   L = mean over samples of −Σ T log softmax  dY = (softmax · ΣT − T)/N
    neg-log         L = Σ −log Y   (tutorial)                  dY = −1/Y

Cross-entropy takes (N, classes) or (classes,) and a target of class numbers or of one
distribution per sample; n is the number of elements of Y, N of samples.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from convgrad_cli.errors import DataError, ShapeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from convgrad_cli.layers.numbers import Array

LOSSES: Final = ("sum", "mse", "cross-entropy", "neg-log")
FORMULAS: Final = {
    "sum": ("L = Σ Y", "dY = 1"),
    "mse": ("L = mean of (Y − T)²", "dY = 2(Y − T)/n"),
    "cross-entropy": ("L = mean over samples of −Σ T·log softmax(Y)", "dY = (softmax(Y) − T)/N"),
    "neg-log": ("L = Σ −log Y", "dY = −1/Y"),
}
_SPELLINGS: Final = {
    "softmax-cross-entropy": "cross-entropy", "softmax_cross_entropy": "cross-entropy",
    "cross_entropy": "cross-entropy", "mean-squared-error": "mse", "neg_log": "neg-log",
    "neg-log-sum": "neg-log",
}  # fmt: skip


class Loss(NamedTuple):
    """The loss and its gradient, the first upstream of the way back."""

    value: float | int
    gradient: Array


def loss_name(name: str) -> str:
    """The one name of a loss. Raises UsageError naming the nearest known word."""
    known = {**dict.fromkeys(LOSSES), **_SPELLINGS}
    if name not in known:
        near = difflib.get_close_matches(name.lower(), known, n=1)
        raise UsageError(
            f"Unknown loss {name!r}.",
            expected=f"one of {', '.join(LOSSES)}",
            remedy=f"did you mean {near[0]!r}?" if near else None,
        )
    return known[name] or name


def needs_target(name: str) -> bool:
    """Whether the loss compares Y with a target."""
    return name in ("mse", "cross-entropy")


def loss(name: str, Y: Array, target: Array | None = None) -> Loss:
    """L and dL/dY.

    Raises UsageError for an unknown loss or a missing or superfluous target, ShapeError for one
    that does not fit Y, DataError where the loss is not defined (log of a number not above 0, a
    class that does not exist).
    """
    name = loss_name(name)
    if needs_target(name) != (target is not None):
        raise UsageError(
            f"The loss {name} needs a target." if target is None else f"{name} takes no target.",
            expected="a target beside the loss" if target is None else None,
        )
    if name == "sum":
        return Loss(_number(Y.sum(dtype=object if Y.dtype.kind in "iu" else None)), np.ones_like(Y))
    working = Y.astype(np.float64)
    value, gradient = _COMPUTE[name](working, target)
    dtype = Y.dtype if Y.dtype.kind == "f" else np.dtype(np.float64)
    return Loss(value, gradient.astype(dtype, copy=False))


def _number(total: object) -> float | int:
    return total if isinstance(total, int) else float(total)  # type: ignore[arg-type]


def _mse(Y: Array, target: Array | None) -> tuple[float, Array]:
    assert target is not None
    if target.shape != Y.shape:
        raise ShapeError(
            "The target has the wrong shape.",
            expected=f"{Y.shape}   the shape of the last layer's output",
            found=str(target.shape),
            array="target",
        )
    difference = Y - target
    return float(np.mean(difference**2)), 2.0 * difference / Y.size


def _neg_log(Y: Array, target: Array | None) -> tuple[float, Array]:
    if (Y <= 0).any():
        place = tuple(int(i) for i in np.argwhere(Y <= 0)[0])
        raise DataError(
            "−log is taken of a number that is not above 0.",
            expected="a last layer whose output is positive",
            found=f"{Y[place]:g} at {list(place)}",
            array="Y",
        )
    return float(-np.log(Y).sum()), -1.0 / Y


def _cross_entropy(Y: Array, target: Array | None) -> tuple[float, Array]:
    assert target is not None
    rows = Y.reshape(-1, Y.shape[-1])
    if Y.ndim not in (1, 2):
        raise ShapeError(
            "Cross-entropy needs one row of scores per sample.",
            expected="(N, classes) or (classes,)",
            found=str(Y.shape),
            array="Y",
            remedy="put a flatten layer before the loss",
        )
    wanted = _distributions(target, rows.shape)
    shifted = rows - rows.max(axis=1, keepdims=True)  # the largest exponent is 0: no overflow
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    samples = rows.shape[0]
    gradient = (np.exp(log_softmax) * wanted.sum(axis=1, keepdims=True) - wanted) / samples
    return float(-(wanted * log_softmax).sum() / samples), gradient.reshape(Y.shape)


def _distributions(target: Array, shape: tuple[int, int]) -> Array:
    """The target as one row of weights per sample."""
    if target.size == shape[0] * shape[1] and target.shape[-1] == shape[1]:
        return target.reshape(shape).astype(np.float64)
    if target.size != shape[0] or target.dtype.kind not in "iu":
        raise ShapeError(
            "The target has the wrong shape.",
            expected=f"{shape[0]} class numbers (integers), or a distribution {shape}",
            found=f"{target.shape} of {target.dtype}",
            array="target",
        )
    classes = target.reshape(-1)
    if classes.min() < 0 or classes.max() >= shape[1]:
        raise DataError(
            "The target names a class that does not exist.",
            expected=f"numbers from 0 to {shape[1] - 1}",
            found=str(classes[(classes < 0) | (classes >= shape[1])][0]),
            array="target",
        )
    return np.eye(shape[1])[classes]


_COMPUTE: Final[dict[str, Callable[[Array, Array | None], tuple[float, Array]]]] = {
    "mse": _mse,
    "neg-log": _neg_log,
    "cross-entropy": _cross_entropy,
}
