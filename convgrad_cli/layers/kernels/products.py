"""Matrix products in parts, which keeps the rounding of long sums small.

A BLAS adds up several hundred products one after the other, and the error of such a sum grows with
its length; sums of sums stay as exact as their parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.layers.kernels.tiles import product

if TYPE_CHECKING:
    from convgrad_cli.layers.kernels.workers import Scratch
    from convgrad_cli.layers.numbers import Array

# Most products added up in one go; PyTorch's float32 convolutions round like sums of this length.
LONGEST = 256
# In float64 it adds over the channels first, then over the taps; fewer make small products slow.
SHORTEST = 150


def longest_sum(dtype: np.dtype[Any], channels: int) -> int:
    """How many products to add up in one go, for a sum over ``channels`` and taps."""
    if dtype.itemsize < 8:
        return LONGEST
    return min(LONGEST, max(SHORTEST, channels * 3 // 2))


def add_product(
    total: Array,
    factor: Array,
    seen: Array,
    scratch: Scratch,
    *,
    longest: int,
    empty: bool,
    near: bool = True,
) -> None:
    """total = factor @ seen, or total += it, at most ``longest`` rows of ``seen`` at a time.

    near: whether ``seen`` lies in a cache, so that it may be read in tiles.
    """
    rows = factor.shape[2]
    parts = -(-rows // longest)
    # A product over one row is slow in NumPy's matmul.
    multiply = np.multiply if rows == 1 else product if near else np.matmul
    for part in range(parts):
        some = slice(part * rows // parts, (part + 1) * rows // parts)
        if empty:
            multiply(factor[:, :, some], seen[:, some], out=total)
        else:
            more = scratch.matrices("part", total.shape, total.dtype)
            total += multiply(factor[:, :, some], seen[:, some], out=more)
        empty = False
