"""Indices of NumPy, put together from parts."""

from __future__ import annotations

from typing import Any


def at(*parts: Any) -> Any:
    """``array[at(..., *slices)]`` is ``array[..., *slices]``, whatever the parts' types."""
    return parts
