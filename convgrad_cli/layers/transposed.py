"""Transposed convolution (lecture 12): the convolution from its Y back to its X, run backwards.

Let ``conv`` be the convolution that TransposedGeometry holds. Then

    Y  = dX of conv, for the upstream gradient X  (+ b)      grad_input  of conv
    dX = forward of conv, for the input dY                   forward     of conv
    dW = dW of conv, for the input dY and upstream X         grad_weight of conv
    db = sum of dY over samples and positions

Arrays are canonical: X (N, C, *in), W (C, K // groups, *kernel), b (K,), dY (N, K, *out). Rows
beyond the convolution's input (``surplus``) carry the bias alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convgrad_cli.geometry.planning import plan_conv
from convgrad_cli.geometry.transposed import plan_transposed
from convgrad_cli.layers import conv, upsample
from convgrad_cli.layers.numbers import numeric
from convgrad_cli.layers.sums import rounded_once, total

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from convgrad_cli.geometry.transposed import TransposedGeometry, TransposedPlan
    from convgrad_cli.layers.numbers import Array


class TransposedGradients(NamedTuple):
    """The gradients of a transposed convolution, each in the shape of its array."""

    dX: Array
    dW: Array
    db: Array


def forward(X: Array, W: Array, b: Array | None, geometry: TransposedGeometry) -> Array:
    """Y[n,k,i*s + p*d - before] += X[n,c,i] W[c,k,p], plus b[k] everywhere."""

    def compute(X: Array, W: Array, *bias: Array) -> Array:
        Y = _with_surplus(conv.grad_input(W, X, geometry.convolution), geometry)
        return total(Y, *(each.reshape(-1, *(1,) * geometry.dims) for each in bias))

    return rounded_once(compute, X, W, *([] if b is None else [b]))


def grad_input(W: Array, dY: Array, geometry: TransposedGeometry) -> Array:
    """dX[n,c,i] = sum over k, p of dY[n,k,i*s + p*d - before] W[c,k,p]: conv's forward."""
    return conv.forward(_without_surplus(dY, geometry), W, None, geometry.convolution)


def grad_weight(X: Array, dY: Array, geometry: TransposedGeometry) -> Array:
    """dW[c,k,p] = sum over n, i of X[n,c,i] dY[n,k,i*s + p*d - before]: conv's dW."""
    return conv.grad_weight(_without_surplus(dY, geometry), X, geometry.convolution)


def grad_bias(dY: Array) -> Array:
    """db[k] = sum over n and positions of dY[n,k,i]."""
    return conv.grad_bias(dY)


class AsConvolution(NamedTuple):
    """The transposed convolution as a stride-1 convolution: its arrays, canonical."""

    inserted: Array
    padded: Array
    rotated: Array
    Y: Array


def by_convolution(X: Array, W: Array, geometry: TransposedGeometry) -> AsConvolution:
    """A second road to Y, the lecture's picture: zeros between X's entries, padding, rot180(W).

    The padding is d(k-1) - before, and d(k-1) - after + output padding; a negative one crops.
    """
    inserted = upsample.zeros(X, geometry.convolution.stride)
    padded = inserted
    for axis, along in enumerate(geometry.convolution.axes, start=2):
        sides, extra = geometry.padding[axis - 2], geometry.output_padding[axis - 2]
        reach = along.extent - 1
        padded = _widened(padded, axis, reach - sides.before, reach - sides.after + extra)
    rotated = _rotated(W, geometry.groups)
    plan = plan_conv(
        padded.shape,
        rotated.shape,
        dilation=geometry.convolution.dilation,
        groups=geometry.groups,
        dims=geometry.dims,
    )
    return AsConvolution(
        inserted, padded, rotated, conv.forward(padded, rotated, None, plan.geometry)
    )


def planned_forward(plan: TransposedPlan, X: Array, W: Array, b: Array | None = None) -> Array:
    """Y for arrays in the plan's ranks and layouts."""
    if b is not None:
        plan.check_bias(b.shape)
        b = b.reshape(-1)
    Y = forward(plan.X.to_canonical(X), plan.W.to_canonical(W), b, plan.geometry)
    result: Array = plan.Y.from_canonical(Y)
    return result


def planned_backward(plan: TransposedPlan, X: Array, W: Array, dY: Array) -> TransposedGradients:
    """dX, dW and db for arrays in the plan's ranks and layouts."""
    dY = plan.canonical_upstream(dY)
    X, W = plan.X.to_canonical(X), plan.W.to_canonical(W)
    dX = plan.X.from_canonical(grad_input(W, dY, plan.geometry))
    dW = plan.W.from_canonical(grad_weight(X, dY, plan.geometry))
    return TransposedGradients(dX, dW, grad_bias(dY))


def transposed_forward(
    X: ArrayLike, W: ArrayLike, b: ArrayLike | None = None, **options: Any
) -> Array:
    """Y of the transposed convolution of X (C, *in) with W (C, K // groups, *kernel), plus b.

    ``options``: stride, padding, dilation, output_padding, groups, dims, layout, output_size, as
    :func:`convgrad_cli.geometry.transposed.plan_transposed` describes them. Raises ShapeError,
    GeometryError, or DataError for arrays that hold no numbers.

    >>> transposed_forward([[1, 2]], [[1, 10]], stride=(1, 2))
    array([[ 1, 10,  2, 20]])
    """
    X, W = numeric(X, "X"), numeric(W, "W")
    plan = plan_transposed(X.shape, W.shape, **options)
    return planned_forward(plan, X, W, None if b is None else numeric(b, "b"))


def transposed_backward(
    X: ArrayLike, W: ArrayLike, dY: ArrayLike, **options: Any
) -> TransposedGradients:
    """dX, dW and db of :func:`transposed_forward` from the upstream gradient dY."""
    X, W, dY = numeric(X, "X"), numeric(W, "W"), numeric(dY, "dY")
    return planned_backward(plan_transposed(X.shape, W.shape, **options), X, W, dY)


def _rotated(W: Array, groups: int) -> Array:
    """(C, K // groups, *kernel) rotated by 180°, as a convolution's (K, C // groups, *kernel)."""
    flipped = np.flip(W, axis=tuple(range(2, W.ndim)))
    grouped = flipped.reshape(groups, -1, *W.shape[1:]).swapaxes(1, 2)
    return np.ascontiguousarray(grouped.reshape(-1, *grouped.shape[2:]))


def _widened(array: Array, axis: int, before: int, after: int) -> Array:
    """Zeros added on both sides of an axis; a negative amount crops."""
    pads = [(0, 0)] * array.ndim
    pads[axis] = (max(before, 0), max(after, 0))
    inside: list[slice] = [slice(None)] * array.ndim
    inside[axis] = slice(max(-before, 0), array.shape[axis] - max(-after, 0))
    return np.pad(array[tuple(inside)], pads)


def _with_surplus(Y: Array, geometry: TransposedGeometry) -> Array:
    if not any(geometry.surplus):
        return Y
    return np.pad(Y, [(0, 0), (0, 0), *((0, extra) for extra in geometry.surplus)])


def _without_surplus(dY: Array, geometry: TransposedGeometry) -> Array:
    inside: Any = (..., *(slice(size) for size in geometry.convolution.input_size))
    cropped: Array = dY[inside]
    return cropped
