"""Refuse a layer whose arrays cannot fit before the machine starts to swap or kill."""

from __future__ import annotations

import os
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def ensure_fits(shape: Sequence[int], itemsize: int, name: str) -> None:
    """Raise MemoryError if an array of that shape is larger than the memory that is free.

    The system would promise the memory and end the process when it is touched.
    """
    needed, free = prod(shape) * itemsize, free_memory()
    if free is not None and needed > free:
        raise MemoryError(
            f"{name} {tuple(shape)} takes {_spell(needed)}, and {_spell(free)} are free"
        )


def free_memory() -> int | None:
    """Bytes that can be used without swapping; None where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _spell(size: int) -> str:
    for unit, scale in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if size >= scale:
            return f"{size / scale:,.3g} {unit}" if size < 10**15 else f"{size / scale:.1e} {unit}"
    return f"{size} bytes"
