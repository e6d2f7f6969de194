"""The kernels behind ``layers/conv.py``: canonical arrays of one dtype in, the same out.

Each file is one idea, derived above its code. All of them compute

    Y[n,o,i] = sum over c, p of X_padded[n, c, i*s + p*d] * W[o, c, p]

or the two sums that are its gradients, for X (N, C, *in), W (K, C // groups, *kernel),
dY (N, K, *out) and a ConvGeometry that says everything about sizes and offsets. Which of them:

    windows   small layers
    dense     large layers of float32 and float64: matrix products (lines, stack, gather, filters,
              products, tiles, pieces, sweep; phases: tall for few channels, depthwise for one;
              workers share it out)
    taps      the definition: every other dtype, and non-finite numbers, since the others multiply
              padded zeros, and 0 * inf would be a term that the sum does not have
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convgrad_cli.layers.kernels import dense, taps, windows
from convgrad_cli.layers.kernels.finite import finite

if TYPE_CHECKING:
    from convgrad_cli.geometry import ConvGeometry
    from convgrad_cli.layers.numbers import Array

FAST = (np.dtype(np.float32), np.dtype(np.float64))


@np.errstate(over="ignore", invalid="ignore")
def forward(X: Array, W: Array, b: Array | None, geometry: ConvGeometry, Y: Array) -> None:
    """Fill Y: the convolution of X with W, plus b (K,)."""
    usual = finite(W)
    if usual and X.dtype in FAST and not windows.small(geometry):
        dense.forward(X, W, b, geometry, Y)
        return
    kernel = windows if usual and windows.small(geometry) and X.dtype != object else taps
    Y[...] = kernel.forward(X, W, geometry)
    if b is not None:
        Y += b.reshape(-1, *(1,) * geometry.dims)


@np.errstate(over="ignore", invalid="ignore")
def backward(
    X: Array | None,
    W: Array | None,
    dY: Array,
    geometry: ConvGeometry,
    dX: Array | None,
    dW: Array | None,
) -> None:
    """Fill dX (from W and dY) and dW (from X and dY), whichever is given."""
    if dX is None and dW is None:
        return
    usual = W is None or finite(W)
    if dY.dtype in FAST and not windows.small(geometry):
        if usual or dW is not None:
            dense.backward(X, W, dY, geometry, dX if usual else None, dW)
        if dX is not None and W is not None and not usual:
            dX[...] = taps.grad_input(W, dY, geometry)
    else:
        kernel = windows if windows.small(geometry) and dY.dtype != object else taps
        if dX is not None and W is not None:
            dX[...] = (kernel if usual else taps).grad_input(W, dY, geometry)
        if dW is not None and X is not None:
            dW[...] = kernel.grad_weight(X, dY, geometry)
    if X is not None and dW is not None and not finite(dW):
        # Padded zeros may have met infinities: again, by the definition.
        dW[...] = taps.grad_weight(X, dY, geometry)
