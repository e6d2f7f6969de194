"""Views: further ways of seeing a layer, as blocks that every form of a derivation can lay out.

A view is words, matrices of numbers and matrices of symbols, all computed elsewhere; a :class:`Pen`
writes them in the script of the form (Unicode, ASCII, LaTeX).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, Final

from convgrad_cli.derivation.blocks import Formula, Grid, Heading, Picture, sentence
from convgrad_cli.derivation.figures import Digits
from convgrad_cli.derivation.plain_math import in_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from convgrad_cli.derivation.blocks import Block
    from convgrad_cli.render.result import Array

MOST_CELLS: Final = 40
"""Rows or columns of a matrix that an eye can read; a larger one is only described."""

MOST_PLANES: Final = 6
"""Planes of one array that are shown; the rest is counted."""

MOST_SYMBOLS: Final = 10_000
"""Symbols of one array that JSON holds."""


@dataclass(frozen=True)
class Symbols:
    """An array of written symbols: its shape, and the text of any place."""

    shape: tuple[int, ...]
    cell: Callable[[tuple[int, ...]], str | None]

    def plane(self, place: tuple[int, ...], rows: int, columns: int) -> list[list[str]]:
        """The symbols of one plane, row by row; a vector is one row."""
        vector = len(self.shape) == 1
        return [
            [self.cell((c,) if vector else (*place, r, c)) or "" for c in range(columns)]
            for r in range(rows)
        ]

    def nested(self) -> Any:
        """All of them as nested lists, for JSON; a sentence where they are too many."""
        if prod(self.shape) > MOST_SYMBOLS:
            size = "×".join(map(str, self.shape))
            return f"left out: {size} is larger than {MOST_SYMBOLS:,} cells"
        cells: list[Any] = [self.cell(place) for place in product(*map(range, self.shape))]
        for length in reversed(self.shape[1:]):
            cells = [cells[i : i + length] for i in range(0, len(cells), length)]
        return cells


class Pen:
    """Writes labels, numbers and matrices in one script."""

    def __init__(self, script: str, digits: int | None) -> None:
        self.script = script
        self.figures = Digits(script, digits)

    def label(self, text: str) -> str:
        """``dY ∘ σ′(z)`` in the script; LaTeX sets words as text."""
        return in_script(text, self.script)

    def sentence(self, text: str) -> Block:
        """Words, which every form escapes for itself."""
        return sentence(text)

    def grid(self, matrix: Array, marked: Sequence[tuple[int, int]] = ()) -> Grid:
        """A matrix of numbers; a vector is one row. ``marked`` cells stand out."""
        rows = matrix.reshape(1, -1) if matrix.ndim < 2 else matrix
        cells = [[self.figures.number(value) for value in row] for row in rows.tolist()]
        return Grid(cells, frozenset(marked))

    def matrices(
        self, label: str, array: Array, marked: Callable[[int, int], bool] | None = None
    ) -> Iterator[Block]:
        """``label = [ … ]``, plane by plane; a plane too large to read is described."""
        yield from self.both(label, None, array, marked)

    def both(
        self,
        label: str,
        symbols: Symbols | None,
        array: Array | None,
        marked: Callable[[int, int], bool] | None = None,
    ) -> Iterator[Block]:
        """``label = [symbols] = [numbers]``, plane by plane; whichever of the two there is."""
        found: Any = array if symbols is None else symbols
        shape: tuple[int, ...] = found.shape
        outer = shape[:-2]
        rows, columns = (1, *shape)[-2:]
        if max(rows, columns) > MOST_CELLS:
            words = "×".join(map(str, shape))
            yield sentence(f"{label} has the shape {words}, which is too large to be shown here.")
            return
        cells = [
            (r, c)
            for r, c in product(range(rows), range(columns))
            if marked is not None and marked(r, c)
        ]
        places = list(product(*map(range, outer)))
        for place in places[:MOST_PLANES]:
            at = f"[{','.join(map(str, place))}]" if place else ""
            parts: list[str | Grid] = [f"{self.label(label)}{at} = "]
            if symbols is not None:
                parts.append(Grid(symbols.plane(place, rows, columns), frozenset(cells)))
            if array is not None:
                parts += [" = "] * (symbols is not None)
                parts.append(self.grid(array[place], cells))
            yield Picture(tuple(parts))
        if len(places) > MOST_PLANES:
            yield sentence(f"… and {len(places) - MOST_PLANES} more planes of {label}.")

    def equation(self, left: str, *sides: str) -> Block:
        """``left = side = side`` in plain mathematics."""
        return Formula(self.label(left), tuple(map(self.label, sides)))


@dataclass(frozen=True)
class View:
    """One way of seeing a layer: a title, the blocks in a given pen, and the same for JSON."""

    name: str
    title: str
    write: Callable[[Pen], Iterator[Block]]
    data: dict[str, Any] = field(default_factory=dict)
    standalone: bool = False
    """A view is a part of a document, never a whole one."""

    def report(self, script: str, digits: int | None, *, capped: bool = True) -> _Pages:
        """What the forms of a derivation ask for: something with blocks."""
        return _Pages(self, Pen(script, digits))


@dataclass(frozen=True)
class _Pages:
    """A view in one script."""

    view: View
    pen: Pen

    def blocks(self) -> Iterator[Block]:
        """The title and the view's blocks."""
        yield Heading(self.view.title)
        yield from self.view.write(self.pen)
