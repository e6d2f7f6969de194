"""Whether numbers are finite, at the speed of a sum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convgrad_cli.layers.numbers import Array


@np.errstate(over="ignore", invalid="ignore")
def finite(array: Array) -> bool:
    """Whether no element is infinite or NaN.

    A sum is finite only if all its terms are; where it is not (it may have overflowed), each
    element is looked at.
    """
    if array.dtype.kind != "f":
        return True
    return bool(np.isfinite(array.sum()) or np.isfinite(array).all())
