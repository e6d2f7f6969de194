"""Convolution: forward and its three gradients side by side.

    Y[n,o,i,j] = b[o] + sum over c, p, q of X_padded[n, c, i*s + p*d, j*s + q*d] * W[o, c, p, q]

in 1, 2 and 3 spatial dimensions. ``conv_forward`` and ``conv_backward`` take arrays in any rank
and layout of the contract; ``forward``, ``grad_input``, ``grad_weight`` and ``grad_bias`` take
canonical ones, X (N, C, *in), W (K, C // groups, *kernel), dY (N, K, *out), b (K,), and their
geometry. The numbers follow :mod:`convgrad_cli.layers.numbers`. A padded position makes no
product, so that non-finite numbers spread exactly along the terms of the derivation.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from convgrad_cli.geometry import plan_conv
from convgrad_cli.layers.kernels import taps
from convgrad_cli.layers.numbers import numeric, sum_of_products

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import ArrayLike

    from convgrad_cli.geometry import ConvGeometry, ConvPlan, Padding
    from convgrad_cli.layers.numbers import Array

GRADIENTS = ("dX", "dW", "db")


class ConvGradients(NamedTuple):
    """The gradients of a convolution, each in the shape of its array; None where not asked for."""

    dX: Array | None
    dW: Array | None
    db: Array | None


def conv_forward(
    X: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    dims: int | None = None,
    layout: str = "nchw",
    filter_layout: str = "oihw",
    output_size: int | Sequence[int] | None = None,
) -> Array:
    """Y of the convolution of X with W, plus b where given.

    Y has a batch axis iff X has one, a channel axis iff it has that or W has a K axis.
    Raises ShapeError, GeometryError, UsageError, or DataError for arrays that hold no numbers.

    >>> conv_forward([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 0], [0, -1]])
    array([[-4, -4],
           [-4, -4]])
    """
    X, W = numeric(X, "X"), numeric(W, "W")
    plan = plan_conv(
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
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    dims: int | None = None,
    layout: str = "nchw",
    filter_layout: str = "oihw",
    output_size: int | Sequence[int] | None = None,
    only: Collection[str] = GRADIENTS,
) -> ConvGradients:
    """dX, dW and db from the upstream gradient dY: dX like X, dW like W, db (K,).

    ``only`` names the gradients to compute; the others come back as None.
    Raises ShapeError, GeometryError, UsageError, or DataError for arrays that hold no numbers.
    """
    X, W, dY = numeric(X, "X"), numeric(W, "W"), numeric(dY, "dY")
    plan = plan_conv(
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
    """Y for arrays in the plan's ranks and layouts."""
    if b is not None:
        plan.check_bias(b.shape)
        b = b.reshape(-1)
    Y = forward(plan.X.to_canonical(X), plan.W.to_canonical(W), b, plan.geometry)
    return cast("Array", plan.Y.from_canonical(Y))


def planned_backward(
    plan: ConvPlan, X: Array, W: Array, dY: Array, *, only: Collection[str] = GRADIENTS
) -> ConvGradients:
    """The gradients named in ``only``, for arrays in the plan's ranks and layouts."""
    dY = plan.canonical_upstream(dY)
    dX = dW = db = None
    if "dX" in only:
        dX = plan.X.from_canonical(grad_input(plan.W.to_canonical(W), dY, plan.geometry))
    if "dW" in only:
        dW = plan.W.from_canonical(grad_weight(plan.X.to_canonical(X), dY, plan.geometry))
    if "db" in only:
        db = grad_bias(dY)
    return ConvGradients(dX, dW, db)


def forward(X: Array, W: Array, b: Array | None, geometry: ConvGeometry) -> Array:
    """Y[n,o,i] = b[o] + sum over c, p of X_padded[n, c, i*s + p*d] * W[o, c, p].

    X: (N, C, *in)   W: (K, C // groups, *kernel)   b: (K,) or None   ->   (N, K, *out)
    """
    terms = geometry.channels_per_group * prod(geometry.kernel)
    if b is None:
        return sum_of_products(lambda X, W: taps.forward(X, W, geometry), X, W, terms=terms)
    column = b.reshape(-1, *(1,) * geometry.dims)
    return sum_of_products(
        lambda X, W, b: taps.forward(X, W, geometry) + b, X, W, column, terms=terms
    )


def grad_input(W: Array, dY: Array, geometry: ConvGeometry) -> Array:
    """dX[n,c,x] = sum over o and all (i, p) with i*s + p*d - before = x of dY[n,o,i] * W[o,c,p].

    W: (K, C // groups, *kernel)   dY: (N, K, *out)   ->   (N, C, *in)
    """
    terms = geometry.filters_per_group * prod(geometry.kernel)
    return sum_of_products(lambda W, dY: taps.grad_input(W, dY, geometry), W, dY, terms=terms)


def grad_weight(X: Array, dY: Array, geometry: ConvGeometry) -> Array:
    """dW[o,c,p] = sum over n, i of dY[n,o,i] * X_padded[n, c, i*s + p*d].

    X: (N, C, *in)   dY: (N, K, *out)   ->   (K, C // groups, *kernel)
    """
    terms = geometry.batch * prod(geometry.output_size)
    return sum_of_products(lambda X, dY: taps.grad_weight(X, dY, geometry), X, dY, terms=terms)


def grad_bias(dY: Array) -> Array:
    """db[o] = sum over n, i of dY[n,o,i].   dY: (N, K, *out)   ->   (K,)"""
    one = np.ones((), dY.dtype)
    axes = (0, *range(2, dY.ndim))
    return sum_of_products(lambda dY, one: dY.sum(axis=axes), dY, one, terms=dY.size // dY.shape[1])
