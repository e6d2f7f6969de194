"""How a geometry's numbers are said: as short as the options they were given by."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def one_or_each(values: Sequence[object]) -> str:
    """``2`` for (2, 2), ``2,1`` for (2, 1)."""
    return str(values[0]) if len(set(values)) == 1 else ",".join(map(str, values))


def sides(padding: Iterable[Sequence[int]]) -> str:
    """``1`` for ((1, 1), (1, 1)), ``1:0,2`` for ((1, 0), (2, 2))."""
    return one_or_each([str(b) if b == a else f"{b}:{a}" for b, a in padding])
