"""A convolution that is viewed: its arrays in symbols and numbers, and the verdict about a road."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.lecture_roads import verdict, without_ones

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from convgrad_cli.derivation import Notation
    from convgrad_cli.render.views import Symbols

    Index = tuple[int, ...]

_DOTS = {"unicode": "·", "ascii": ".", "latex": r"\cdot"}
"""An entry that is thrown away; JSON has null."""
MOST_COMPARED = 200_000
"""Entries of a matrix up to which its terms are compared with the equations'."""


@dataclass(frozen=True)
class Seen:
    """A convolution to be viewed: its plan, its letters, and the canonical arrays there are.

    back: whether the way back is shown too; without numbers it always can be.
    """

    plan: Any
    notation: Notation
    X: Any = None
    W: Any = None
    b: Any = None
    dY: Any = None
    back: bool = True

    @property
    def forward(self) -> bool:
        """Whether Y can be computed."""
        return self.X is not None and self.W is not None

    @property
    def backward(self) -> bool:
        """Whether the gradients can be computed."""
        return self.forward and self.dY is not None

    def writer(self, script: str) -> Any:
        """Spells the layer's entries in a script."""
        from convgrad_cli.derivation import Names, TracedConv, Writer

        return Writer(Names(self.notation, TracedConv(self.plan)), script)

    def symbols(
        self,
        script: str,
        role: str,
        shape: Sequence[int],
        source: Callable[[Index], Any],
        *,
        gradient: bool = False,
    ) -> Symbols:
        """An array of which ``source`` tells the entry of ``role`` that stands at a place.

        Leading axes of one entry are left out, as in the numbers beside it.
        """
        from convgrad_cli.derivation.roads import DELETED
        from convgrad_cli.render.views import Symbols

        writer = self.writer(script)
        write = writer.gradient if gradient else writer.entry
        full = tuple(shape)
        while len(full) > 2 and full[0] == 1:
            full = full[1:]
        lead = (0,) * (len(shape) - len(full))

        def cell(place: Index) -> str | None:
            found = source((*lead, *place))
            if found == DELETED:
                return _DOTS.get(script)
            return "0" if found is None else str(write(role, found))

        return Symbols(full, cell)


def compared(
    pen: Any, data: dict[str, Any], terms: Callable[[], bool], other: str, size: int = 0
) -> Any:
    """The verdict about the numbers; without them, about the terms, if they are not too many."""
    if "agrees" in data:
        return verdict(pen, data["agrees"], other)
    if size > MOST_COMPARED:
        return pen.sentence("The terms are too many to be compared with the equations' here.")
    words = "exactly the terms of" if terms() else "OTHER terms than"
    return pen.sentence(f"Checked: this road multiplies {words} {other}.")


def with_symbols(
    data: dict[str, Any], symbols: Callable[[str], dict[str, Symbols]]
) -> dict[str, Any]:
    """The data with the symbols, in names that SymPy reads."""
    written = symbols("expression")
    return {**data, "symbols": {name: each.nested() for name, each in written.items()}}


def shown(data: dict[str, Any], name: str) -> Any:
    return without_ones(data[name]) if name in data else None


def itself(index: Index) -> Index:
    return index
