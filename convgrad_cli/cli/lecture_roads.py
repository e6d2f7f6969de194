"""What the views share: whether two roads lead to the same numbers, and how that is said."""

from __future__ import annotations

from typing import Any


def without_ones(array: Any) -> Any:
    """The array without leading axes of size 1."""
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    return array


def same(one: Any, other: Any) -> bool:
    """Equal; for floats up to rounding."""
    import numpy as np

    if one.dtype.kind in "iu":
        return bool((one == other).all())
    scale = float(np.abs(other).max()) or 1.0
    allowed = 1e3 * float(np.finfo(one.dtype).eps) * scale
    return bool(np.allclose(one, other, rtol=1e-3 if one.dtype.itemsize == 2 else 0, atol=allowed))


def verdict(pen: Any, agrees: bool, other: str) -> Any:
    """The sentence that says so."""
    words = "the same numbers as" if agrees else "OTHER numbers than"
    return pen.sentence(f"Checked: this road leads to {words} {other}.")
