"""Fully connected layer, Y = X Wᵀ + b: a convolution whose filter covers one position.

    dX = dY W        dW = dYᵀ X        db = sum of dY over samples

X (N, in) or (in,), W (out, in) as PyTorch's, b (out,), Y (N, out) or (out,). Computed as a 1×1
convolution, so that the numbers (exact integers, float16) follow the same policy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from convgrad_cli.errors import ShapeError
from convgrad_cli.geometry.planning import plan_conv
from convgrad_cli.layers import conv

if TYPE_CHECKING:
    from convgrad_cli.geometry import ConvGeometry
    from convgrad_cli.layers.numbers import Array


class DenseGradients(NamedTuple):
    """The gradients, each in the shape of its array."""

    dX: Array
    dW: Array
    db: Array


def output_shape(x_shape: tuple[int, ...], w_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of Y. Raises ShapeError where X and W do not fit."""
    if len(w_shape) != 2 or len(x_shape) not in (1, 2) or x_shape[-1] != w_shape[1]:
        raise ShapeError(
            "X and W of a dense layer do not fit.",
            expected="X (N, in) or (in,) and W (out, in)",
            found=f"X {x_shape}, W {w_shape}",
            array="W",
            remedy="put a flatten layer before it" if len(x_shape) > 2 else None,
        )
    return (*x_shape[:-1], w_shape[0])


def forward(X: Array, W: Array, b: Array | None = None) -> Array:
    """Y[n,o] = b[o] + sum over i of X[n,i] W[o,i]."""
    shape = output_shape(X.shape, W.shape)
    geometry = _geometry(X.shape, W.shape)
    if b is not None and b.size != W.shape[0]:
        raise ShapeError(
            "b has the wrong shape.", expected=f"({W.shape[0]},)", found=str(b.shape), array="b"
        )
    bias = None if b is None else b.reshape(-1)
    return conv.forward(_columns(X), W[..., None], bias, geometry).reshape(shape)


def backward(X: Array, W: Array, dY: Array) -> DenseGradients:
    """dX = dY W, dW = dYᵀ X, db = the sum of dY over samples."""
    geometry = _geometry(X.shape, W.shape)
    upstream = _columns(dY)
    return DenseGradients(
        conv.grad_input(W[..., None], upstream, geometry).reshape(X.shape),
        conv.grad_weight(_columns(X), upstream, geometry)[..., 0],
        conv.grad_bias(upstream),
    )


def _columns(X: Array) -> Array:
    return X.reshape(-1, X.shape[-1], 1)


def _geometry(x_shape: tuple[int, ...], w_shape: tuple[int, ...]) -> ConvGeometry:
    batch = x_shape[0] if len(x_shape) == 2 else 1
    return plan_conv((batch, x_shape[-1], 1), (*w_shape, 1), dims=1).geometry
