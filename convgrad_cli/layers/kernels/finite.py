"""Whether numbers are finite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convgrad_cli.layers.numbers import Array


def finite(array: Array) -> bool:
    """Whether no element is infinite or NaN."""
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())
