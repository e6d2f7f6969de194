"""Convolution: forward and its three gradients side by side.

    Y[n,o,i,j] = b[o] + sum over c, p, q of X_padded[n, c, i*s + p*d, j*s + q*d] * W[o, c, p, q]

in 1, 2 and 3 spatial dimensions. ``conv_forward`` and ``conv_backward`` take arrays in any rank
and layout of the contract; ``forward``, ``grad_input``, ``grad_weight`` and ``grad_bias`` take
canonical ones, X (N, C, *in), W (K, C // groups, *kernel), dY (N, K, *out), b (K,), and their
geometry. The numbers follow :mod:`convgrad_cli.layers.numbers`. A padded position makes no
product, so that non-finite numbers spread exactly along the terms of the derivation.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from convgrad_cli.geometry import plan_conv
from convgrad_cli.layers import stream
from convgrad_cli.layers.numbers import numeric, sum_of_products
from convgrad_cli.layers.stream import GRADIENTS, ConvGradients

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import ArrayLike

    from convgrad_cli.geometry import ConvGeometry, ConvPlan, Padding
    from convgrad_cli.layers.numbers import Array

__all__ = [
    "GRADIENTS",
    "ConvGradients",
    "conv_backward",
    "conv_forward",
    "forward",
    "grad_bias",
    "grad_input",
    "grad_weight",
    "planned_backward",
    "planned_forward",
]


def conv_forward(
    X: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    dims: int | None = None,
    *,
    layout: str = "nchw",
    filter_layout: str = "oihw",
    output_size: int | Sequence[int] | None = None,
) -> Array:
    """Y of the convolution (cross-correlation) of X with W, plus b where given.

        Y[n,o,i,j] = b[o] + sum over c, p, q of X_padded[n, c, i*s + p*d, j*s + q*d] * W[o, c, p, q]

    (Diba, eq. 6; course slides, forward pass.) In 2-D; likewise in 1-D and 3-D.

    X: (H, W_in), (C, H, W_in) or (N, C, H, W_in)
    W: (kH, kW), (C, kH, kW) or (K, C // groups, kH, kW)
    b: (K,)   ->   Y with a batch axis iff X has one, a channel axis iff it has that or W a K axis.

    stride, dilation: an int, or one per dimension. padding: an int, one per dimension, a
    (before, after) pair per dimension, or "valid", "same-upper" ("same"), "same-lower", "full".
    output_size: the wanted output, from which the padding follows (Diba, eq. 7).
    dims: spatial dimensions, where the ranks leave it open. layout, filter_layout: the axes' order.
    The dtype is np.result_type of the arrays; integers are exact; NaN and infinities spread.

    Raises ShapeError, GeometryError, UsageError, or DataError for arrays that hold no numbers.

    >>> conv_forward([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 0], [0, -1]])
    array([[-4, -4],
           [-4, -4]])
    """
    X, W = numeric(X, "X"), numeric(W, "W")
    plan = _plan(
        X.shape,
        W.shape,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        dims=dims,
        layout=layout,
        filter_order=filter_layout,
        output_size=output_size,
    )
    return planned_forward(plan, X, W, None if b is None else numeric(b, "b"))


def conv_backward(
    X: ArrayLike,
    W: ArrayLike,
    dY: ArrayLike,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    dims: int | None = None,
    *,
    layout: str = "nchw",
    filter_layout: str = "oihw",
    output_size: int | Sequence[int] | None = None,
    only: Collection[str] = GRADIENTS,
) -> ConvGradients:
    """The gradients of the loss with respect to X, W and b, from dY = ∂L/∂Y.

        dX[n,c,x] = sum over o and all (i, p) with i*s + p*d - before = x of dY[n,o,i] * W[o,c,p]
        dW[o,c,p] = sum over n, i of dY[n,o,i] * X_padded[n, c, i*s + p*d]
        db[o]     = sum over n, i of dY[n,o,i]

    (recitation, stride > 1; Diba, eq. 14, 16, 29.) Arrays and options as in :func:`conv_forward`;
    dY has Y's shape. Returns (dX, dW, db): dX like X, dW like W, db (K,).
    ``only`` names the gradients to compute; the others come back as None.
    Raises ShapeError, GeometryError, UsageError, or DataError for arrays that hold no numbers.
    """
    X, W, dY = numeric(X, "X"), numeric(W, "W"), numeric(dY, "dY")
    plan = _plan(
        X.shape,
        W.shape,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        dims=dims,
        layout=layout,
        filter_order=filter_layout,
        output_size=output_size,
    )
    return planned_backward(plan, X, W, dY, only=only)


def planned_forward(plan: ConvPlan, X: Array, W: Array, b: Array | None = None) -> Array:
    """Y for arrays in the plan's ranks and layouts (:func:`stream.forward_into` does more)."""
    return stream.forward_into(plan, X, W, b)


def planned_backward(
    plan: ConvPlan, X: Array, W: Array, dY: Array, *, only: Collection[str] = GRADIENTS
) -> ConvGradients:
    """The gradients named in ``only`` (:func:`stream.backward_into` does more)."""
    return stream.backward_into(plan, X, W, dY, only=only)


def forward(X: Array, W: Array, b: Array | None, geometry: ConvGeometry) -> Array:
    """Y[n,o,i] = b[o] + sum over c, p of X_padded[n, c, i*s + p*d] * W[o, c, p].

    X: (N, C, *in)   W: (K, C // groups, *kernel)   b: (K,) or None   ->   (N, K, *out)
    """
    return stream.forward(X, W, b, geometry)


def grad_input(W: Array, dY: Array, geometry: ConvGeometry) -> Array:
    """dX[n,c,x] = sum over o and all (i, p) with i*s + p*d - before = x of dY[n,o,i] * W[o,c,p].

    W: (K, C // groups, *kernel)   dY: (N, K, *out)   ->   (N, C, *in)
    """
    return cast("Array", stream.backward(None, W, dY, geometry, only=("dX",)).dX)


def grad_weight(X: Array, dY: Array, geometry: ConvGeometry) -> Array:
    """dW[o,c,p] = sum over n, i of dY[n,o,i] * X_padded[n, c, i*s + p*d].

    X: (N, C, *in)   dY: (N, K, *out)   ->   (K, C // groups, *kernel)
    """
    return cast("Array", stream.backward(X, None, dY, geometry, only=("dW",)).dW)


def grad_bias(dY: Array) -> Array:
    """db[o] = sum over n, i of dY[n,o,i].   dY: (N, K, *out)   ->   (K,)"""
    one = np.ones((), dY.dtype)
    axes = (0, *range(2, dY.ndim))
    return sum_of_products(lambda dY, one: dY.sum(axis=axes), dY, one, terms=dY.size // dY.shape[1])


def _plan(x_shape: tuple[int, ...], w_shape: tuple[int, ...], **options: Any) -> ConvPlan:
    """plan_conv, remembered: on small layers planning would cost more than computing."""
    try:
        return _known_plan(x_shape, w_shape, **options)
    except TypeError:  # lists cannot be remembered
        return plan_conv(x_shape, w_shape, **options)


_known_plan = lru_cache(maxsize=256, typed=True)(plan_conv)
