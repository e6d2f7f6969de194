"""Matrix products in tiles, where the BLAS has kernels for small ones.

A BLAS first copies (packs) what it multiplies, which pays where every number is used some hundred
times; the products of a convolution have only as many rows as the layer has channels. OpenBLAS for
AVX-512 multiplies small matrices as they lie, up to M*N*K = 10^6, and on such tiles runs faster
than on a whole product. A tile is a view: one call of ``matmul`` makes them all.

Elsewhere tiles would only be slower, so there the products stay whole.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from convgrad_cli.layers.kernels.workers import blas_architectures

if TYPE_CHECKING:
    from convgrad_cli.layers.numbers import Array

# What OpenBLAS (sgemm and dgemm for SkylakeX) takes for small: products, and, where the second
# matrix is transposed, numbers of the result.
SMALL = 10**6
SMALL_TRANSPOSED = 1200
# Its kernels are whole steps of 16 (float32) or 8 wide; below that the edges cost too much.
WIDTHS = (64, 48, 32)
MOST_ROWS = 32
FEWEST_ROWS = 6
# Sums shorter than this are better made whole.
LONG = 300
TILED = frozenset({"SkylakeX", "Cooperlake", "SapphireRapids"})


def product(A: Array, B: Array, out: Array) -> Array:
    """out = A @ B for matrices (..., M, K) and (..., K, N)."""
    rows, width = _tile(*A.shape[-2:], B.shape[-1]) if tiled() else (0, 0)
    if not width:
        np.matmul(A, B, out=out)
        return out
    whole = B.shape[-1] // width * width
    np.matmul(
        _split(A, -2, rows)[..., None, :, :, :],
        _split(B[..., :whole], -1, width).swapaxes(-3, -2)[..., None, :, :],
        out=_split(_split(out[..., :whole], -1, width).swapaxes(-3, -2), -2, rows),
    )
    if whole < B.shape[-1]:
        np.matmul(A, B[..., whole:], out=out[..., whole:])
    return out


def product_transposed(A: Array, B: Array, out: Array | None = None) -> Array:
    """A @ B^T for matrices (..., M, K) and (..., N, K)."""
    if out is None:
        out = np.empty((*A.shape[:-1], B.shape[-2]), A.dtype)
    rows, width = _tile_transposed(*A.shape[-2:], B.shape[-2]) if tiled() else (0, 0)
    if not width:
        np.matmul(A, B.swapaxes(-1, -2), out=out)
        return out
    np.matmul(
        _split(A, -2, rows)[..., :, None, :, :],
        _split(B, -2, width).swapaxes(-1, -2)[..., None, :, :, :],
        out=_split(_split(out, -1, width), -3, rows).swapaxes(-3, -2),
    )
    return out


@cache
def tiled() -> bool:
    """Whether NumPy multiplies with a BLAS whose small kernels are known to be faster."""
    return bool(TILED & blas_architectures())


@cache
def _tile(M: int, K: int, N: int) -> tuple[int, int]:
    """Rows and columns of a tile of the result; (0, 0) for none."""
    rows = _divisor(M, MOST_ROWS)
    if rows >= min(M, FEWEST_ROWS):
        for width in WIDTHS:
            if rows * K * width <= SMALL and width <= N:
                return rows, width
    return 0, 0


@cache
def _tile_transposed(M: int, K: int, N: int) -> tuple[int, int]:
    """The same for sums over long rows."""
    width = _divisor(N, 16)
    rows = _divisor(M, max(1, min(SMALL // K, SMALL_TRANSPOSED) // width))
    if K < LONG or rows < min(M, FEWEST_ROWS) or width < min(N, FEWEST_ROWS):
        return 0, 0
    return rows, width


def _divisor(number: int, most: int) -> int:
    """The largest divisor up to ``most``."""
    return next(part for part in range(min(number, most), 0, -1) if number % part == 0)


def _split(array: Array, axis: int, length: int) -> Array:
    """A view with that axis (counted from the end) as pieces of a length, then their places."""
    axis += array.ndim
    shape = (*array.shape[:axis], array.shape[axis] // length, length, *array.shape[axis + 1 :])
    return array.reshape(shape)
