"""What reading ends in: an array, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convgrad_cli.arrays.numeric import Array


@dataclass(frozen=True)
class Loaded:
    """One array and where it came from: ``source`` for messages, ``path`` for the file itself.

    The array may be read-only (a mapped file, a buffer); it is in native byte order.
    """

    array: Array
    source: str
    path: str | None = None
