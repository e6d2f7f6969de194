"""What the views share: whether two roads lead to the same numbers, and how that is said."""

from __future__ import annotations

from typing import Any


def without_ones(array: Any) -> Any:
    """The array without leading axes of size 1."""
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    return array


def same(one: Any, other: Any) -> bool:
    """Equal; for floats up to the rounding of sums in another order (float16 rounds once)."""
    import numpy as np

    if one.dtype.kind in "iu":
        return bool((one == other).all())
    scale = float(np.abs(other).max()) or 1.0
    units = 4 if one.dtype.itemsize == 2 else 1e3
    allowed = units * float(np.finfo(one.dtype).eps) * scale
    return bool(np.allclose(one, other, rtol=0, atol=allowed, equal_nan=True))


def verdict(pen: Any, agrees: bool, other: str) -> Any:
    """The sentence that says so."""
    words = "the same numbers as" if agrees else "OTHER numbers than"
    return pen.sentence(f"Checked: this road leads to {words} {other}.")
