"""A convolution that is viewed: its arrays in symbols and numbers, and the verdict about a road."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from convgrad_cli.cli.lecture_roads import verdict, without_ones

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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


class Road:
    """A second road to a layer: its numbers and symbols by the same names, and how it is told."""

    key: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.geometry = seen.plan.geometry
        self.data: dict[str, Any] = self.numbers()

    def numbers(self) -> dict[str, Any]:
        """Every step, as far as the arrays go, and whether the road leads to the same."""
        raise NotImplementedError

    def symbols(self, script: str) -> dict[str, Symbols]:
        """Every step in symbols; the way back only where it is shown."""
        raise NotImplementedError

    def write(self, pen: Any) -> Iterator[Any]:
        """The blocks: sentences, equations, and the steps."""
        raise NotImplementedError

    def view(self) -> Any:
        """The road as a view: its blocks, and its data with the symbols as SymPy reads them."""
        from convgrad_cli.render.views import View

        written = self.symbols("expression")
        symbols = {name: each.nested() for name, each in written.items()}
        return View(self.key, self.title, self.write, {**self.data, "symbols": symbols})

    def drawer(self, pen: Any) -> Callable[..., Any]:
        """``drawn(label, name)``: a step in symbols and numbers, with the cells to be marked."""
        written = self.symbols(pen.script)

        def drawn(label: str, name: str, marked: Any = None) -> Any:
            numbers = without_ones(self.data[name]) if name in self.data else None
            return pen.both(label, written.get(name), numbers, marked)

        return drawn


def itself(index: Index) -> Index:
    return index
