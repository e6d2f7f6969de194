"""Depthwise separable convolution (lecture 12): one filter per channel, then a 1×1 mixture.

    V = conv(X, D, groups = I)     Y = conv(V, P) + b
    dP, dV, db  from Y's convolution     dX, dD  from V's, with dV as its upstream

The two layers are ordinary convolutions, so the chain rule is the whole of the backward pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convgrad_cli.geometry.separable import plan_separable
from convgrad_cli.layers import conv
from convgrad_cli.layers.numbers import numeric

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from convgrad_cli.geometry.separable import SeparablePlan
    from convgrad_cli.layers.numbers import Array


class SeparableMaps(NamedTuple):
    """The map between the two steps, and the output."""

    V: Array
    Y: Array


class SeparableGradients(NamedTuple):
    """All gradients, each in the shape of its array; dV is what passes between the steps."""

    dX: Array
    dDepthwise: Array
    dPointwise: Array
    db: Array
    dV: Array


def planned_forward(
    plan: SeparablePlan, X: Array, depthwise: Array, pointwise: Array, b: Array | None = None
) -> SeparableMaps:
    """V and Y for arrays in the plan's ranks and layouts."""
    V = conv.planned_forward(plan.depthwise, X, depthwise.reshape(plan.depthwise_shape))
    return SeparableMaps(
        V, conv.planned_forward(plan.pointwise, V, pointwise.reshape(plan.pointwise_shape), b)
    )


def planned_backward(
    plan: SeparablePlan, X: Array, depthwise: Array, pointwise: Array, dY: Array
) -> SeparableGradients:
    """All gradients, for arrays in the plan's ranks and layouts."""
    deep = depthwise.reshape(plan.depthwise_shape)
    V = conv.planned_forward(plan.depthwise, X, deep)
    after = conv.planned_backward(plan.pointwise, V, pointwise.reshape(plan.pointwise_shape), dY)
    dV, dPointwise, db = after.dX, after.dW, after.db
    assert dV is not None
    assert dPointwise is not None
    assert db is not None
    before = conv.planned_backward(plan.depthwise, X, deep, dV, only=("dX", "dW"))
    assert before.dX is not None
    assert before.dW is not None
    return SeparableGradients(
        before.dX,
        before.dW.reshape(depthwise.shape),
        dPointwise.reshape(pointwise.shape),
        db,
        dV,
    )


def separable_forward(
    X: ArrayLike,
    depthwise: ArrayLike,
    pointwise: ArrayLike,
    b: ArrayLike | None = None,
    **options: Any,
) -> SeparableMaps:
    """V and Y; ``options`` as :func:`convgrad_cli.geometry.separable.plan_separable` takes them."""
    X = numeric(X, "X")
    depthwise, pointwise = numeric(depthwise, "depthwise"), numeric(pointwise, "pointwise")
    plan = plan_separable(X.shape, depthwise.shape, pointwise.shape, **options)
    return planned_forward(plan, X, depthwise, pointwise, None if b is None else numeric(b, "b"))


def separable_backward(
    X: ArrayLike, depthwise: ArrayLike, pointwise: ArrayLike, dY: ArrayLike, **options: Any
) -> SeparableGradients:
    """All gradients of :func:`separable_forward` from the upstream gradient dY."""
    X, dY = numeric(X, "X"), numeric(dY, "dY")
    depthwise, pointwise = numeric(depthwise, "depthwise"), numeric(pointwise, "pointwise")
    plan = plan_separable(X.shape, depthwise.shape, pointwise.shape, **options)
    return planned_backward(plan, X, depthwise, pointwise, dY)
