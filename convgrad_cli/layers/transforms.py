"""One filter scanned under several transforms, a map for each (lecture 12, "Transform invariance").

    forward   Z[n,s] = conv(X[n], T_s W) + b
    dW        sum over s of T_s* (gradient of the filter T_s W)
    dX        sum over s of the map's own dX
    db        sum over every map

T_s is linear in the weights, so its pull-back is its adjoint T_s*: for a rotation or a reflection
the inverse, for scale2 the sum over each 2×2 block. Arrays are canonical: X (N, C, H, W_in),
W (K, C // groups, k, k), Y and dY (N, S, K, oH, oW).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from convgrad_cli.geometry.transforms import plan_transforms, transform_names
from convgrad_cli.layers import conv
from convgrad_cli.layers.numbers import numeric
from convgrad_cli.layers.sums import rounded_once, total

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from convgrad_cli.geometry.transforms import TransformedGeometry, TransformedPlan
    from convgrad_cli.layers.numbers import Array


class Transform(NamedTuple):
    """A linear map of the last two axes, and its adjoint."""

    apply: Callable[[Array], Array]
    pull_back: Callable[[Array], Array]


class TransformGradients(NamedTuple):
    """The gradients, and each transform's share of dW before and after it is pulled back."""

    dX: Array
    dW: Array
    db: Array
    shares: list[tuple[Array, Array]]


def transformed_filters(W: Array, geometry: TransformedGeometry) -> list[Array]:
    """T_s W for every transform."""
    return [np.ascontiguousarray(TRANSFORM[name].apply(W)) for name in geometry.names]


def forward(X: Array, W: Array, b: Array | None, geometry: TransformedGeometry) -> Array:
    """Z (N, S, K, oH, oW): the maps stacked on the axis after N."""
    filters = zip(transformed_filters(W, geometry), geometry.maps, strict=True)
    return np.stack([conv.forward(X, TW, b, each) for TW, each in filters], axis=1)


def grad_input(W: Array, dY: Array, geometry: TransformedGeometry) -> Array:
    """dX: the sum of the maps' own."""

    def compute(W: Array, dY: Array) -> Array:
        filters = transformed_filters(W, geometry)
        return total(
            *(
                conv.grad_input(TW, dY[:, s], each)
                for s, (TW, each) in enumerate(zip(filters, geometry.maps, strict=True))
            )
        )

    return rounded_once(compute, W, dY)


def grad_weight(X: Array, dY: Array, geometry: TransformedGeometry) -> Array:
    """dW: the sum of every transform's gradient, pulled back through it."""

    def compute(X: Array, dY: Array) -> Array:
        return total(*(pulled for _, pulled in shares(X, dY, geometry)))

    return rounded_once(compute, X, dY)


def shares(X: Array, dY: Array, geometry: TransformedGeometry) -> list[tuple[Array, Array]]:
    """Per transform: the gradient of T_s W, and that gradient pulled back to W."""
    found = []
    for s, (name, each) in enumerate(zip(geometry.names, geometry.maps, strict=True)):
        share = conv.grad_weight(X, dY[:, s], each)
        found.append((share, np.ascontiguousarray(TRANSFORM[name].pull_back(share))))
    return found


def grad_bias(dY: Array) -> Array:
    """db[k] = sum over n, s, i, j of dY[n,s,k,i,j]: the maps share the bias."""
    return conv.grad_bias(dY.swapaxes(1, 2))


def planned_forward(plan: TransformedPlan, X: Array, W: Array, b: Array | None = None) -> Array:
    """Y for arrays in the plan's ranks and layouts."""
    if b is not None:
        plan.check_bias(b.shape)
        b = b.reshape(-1)
    Y = forward(plan.X.to_canonical(X), plan.W.to_canonical(W), b, plan.geometry)
    result: Array = plan.Y.from_canonical(Y)
    return result


def planned_backward(plan: TransformedPlan, X: Array, W: Array, dY: Array) -> TransformGradients:
    """dX, dW, db and the shares of dW, for arrays in the plan's ranks and layouts."""
    dY = plan.canonical_upstream(dY)
    X, W = plan.X.to_canonical(X), plan.W.to_canonical(W)
    dW = plan.W.from_canonical(grad_weight(X, dY, plan.geometry))
    dX = plan.X.from_canonical(grad_input(W, dY, plan.geometry))
    each = [
        (plan.W.from_canonical(share), plan.W.from_canonical(pulled))
        for share, pulled in shares(X, dY, plan.geometry)
    ]
    return TransformGradients(dX, dW, grad_bias(dY), each)


def transforms_forward(
    X: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    *,
    transforms: str | Sequence[str],
    **options: Any,
) -> Array:
    """The stack of maps of one filter under ``transforms``; ``options`` as for conv_forward."""
    X, W = numeric(X, "X"), numeric(W, "W")
    plan = plan_transforms(X.shape, W.shape, transform_names(transforms), **options)
    return planned_forward(plan, X, W, None if b is None else numeric(b, "b"))


def transforms_backward(
    X: ArrayLike,
    W: ArrayLike,
    dY: ArrayLike,
    *,
    transforms: str | Sequence[str],
    **options: Any,
) -> TransformGradients:
    """dX, dW and db of :func:`transforms_forward` from the upstream gradient dY."""
    X, W, dY = numeric(X, "X"), numeric(W, "W"), numeric(dY, "dY")
    plan = plan_transforms(X.shape, W.shape, transform_names(transforms), **options)
    return planned_backward(plan, X, W, dY)


def _turned(quarters: int) -> Transform:
    return Transform(
        lambda W: np.rot90(W, quarters, axes=(-2, -1)),
        lambda dT: np.rot90(dT, -quarters, axes=(-2, -1)),
    )


def _twice(W: Array) -> Array:
    return W.repeat(2, axis=-2).repeat(2, axis=-1)


def _block_sums(dT: Array) -> Array:
    return rounded_once(
        lambda dT: total(*(dT[..., i::2, j::2] for i in range(2) for j in range(2))), dT
    )


def _fliplr(W: Array) -> Array:
    return W[..., :, ::-1]


def _flipud(W: Array) -> Array:
    return W[..., ::-1, :]


def _exchanged(W: Array) -> Array:
    return W.swapaxes(-1, -2)


TRANSFORM: Final[dict[str, Transform]] = {
    "identity": _turned(0),
    "rot90": _turned(1),
    "rot180": _turned(2),
    "rot270": _turned(3),
    "fliplr": Transform(_fliplr, _fliplr),
    "flipud": Transform(_flipud, _flipud),
    "transpose": Transform(_exchanged, _exchanged),
    "scale2": Transform(_twice, _block_sums),
}
