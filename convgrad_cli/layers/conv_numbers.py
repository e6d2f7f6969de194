"""Which arithmetic a convolution's results need: the dtype policy, applied to its sums.

Y   sums C // groups * kernel products of X and W, plus b
dX  at most K // groups * kernel products of W and dY
dW  at most N * outputs products of X and dY
db  N * outputs elements of dY
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from convgrad_cli.layers import kernels
from convgrad_cli.layers.numbers import Magnitudes, arithmetic

if TYPE_CHECKING:
    from collections.abc import Collection

    from convgrad_cli.geometry import ConvGeometry
    from convgrad_cli.layers.numbers import Arithmetic, Array

# Integer arrays up to this size are worth a second pass for a finer bound.
FINE_BOUND = 2**22


def forward_arithmetic(X: Array, W: Array, b: Array | None, geometry: ConvGeometry) -> Arithmetic:
    """The arithmetic of Y."""

    def bounded(X: Array, W: Array, *b: Array) -> Array:
        Y = np.empty(geometry.output_shape)
        kernels.forward(X, W, b[0] if b else None, geometry, Y)
        return Y

    terms = geometry.channels_per_group * prod(geometry.kernel)
    operands = (X, W) if b is None else (X, W, b)
    return arithmetic(operands, terms, Magnitudes(), bounded if X.size <= FINE_BOUND else None)


def gradient_arithmetic(
    X: Array | None, W: Array | None, dY: Array, geometry: ConvGeometry, only: Collection[str]
) -> dict[str, Arithmetic]:
    """The arithmetic of each gradient asked for."""

    def input_bounded(W: Array, dY: Array) -> Array:
        dX = np.empty(geometry.input_shape)
        kernels.backward(None, W, dY, geometry, dX, None)
        return dX

    def weight_bounded(X: Array, dY: Array) -> Array:
        dW = np.empty(geometry.filter_shape)
        kernels.backward(X, None, dY, geometry, None, dW)
        return dW

    magnitude = Magnitudes()
    positions = geometry.batch * prod(geometry.output_size)
    products = geometry.filters_per_group * prod(geometry.kernel)
    fine = max(prod(geometry.input_shape), dY.size) <= FINE_BOUND
    kinds = {}
    if "dX" in only and W is not None:
        kinds["dX"] = arithmetic((W, dY), products, magnitude, input_bounded if fine else None)
    if "dW" in only and X is not None:
        kinds["dW"] = arithmetic((X, dY), positions, magnitude, weight_bounded if fine else None)
    if "db" in only:
        kinds["db"] = arithmetic((dY, np.ones((), dY.dtype)), positions, magnitude)
    return kinds
