"""Large arrays kept for the next candidates, which come in runs that share them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from convgrad_cli.check.planes import Array

#: Numbers kept at most; the last array is kept however large it is.
ROOM = 8_000_000


class Kept:
    """What a function of a part of a mistake gave, by that part's identity."""

    def __init__(self) -> None:
        self._arrays: dict[int, tuple[Any, Array]] = {}

    def of(self, part: Any, make: Callable[[], Array]) -> Array:
        """The array of ``part``, made where it is not known."""
        if id(part) not in self._arrays:
            made = make()
            if sum(array.size for _, array in self._arrays.values()) + made.size > ROOM:
                self._arrays.clear()
            self._arrays[id(part)] = (part, made)
        return self._arrays[id(part)][1]
