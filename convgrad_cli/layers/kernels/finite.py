"""Whether numbers are finite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convgrad_cli.layers.kernels.workers import Scratch, share_out, shares

if TYPE_CHECKING:
    from convgrad_cli.layers.numbers import Array

# Numbers looked at in the time of copying one.
LOOKED_AT = 8


def finite(array: Array) -> bool:
    """Whether no element is infinite or NaN."""
    if array.dtype.kind != "f":
        return True
    flat = array.reshape(-1)
    found = []

    def look(some: slice, _worker: int, _scratch: Scratch) -> None:
        found.append(bool(np.isfinite(flat[some]).all()))

    share_out(look, shares(array.size, array.size // LOOKED_AT))
    return all(found)
