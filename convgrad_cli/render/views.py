"""Views: further ways of seeing a layer, as blocks that every form of a derivation can lay out.

A view is words, matrices of numbers and matrices of symbols, all computed elsewhere; a :class:`Pen`
writes them in the script of the form (Unicode, ASCII, LaTeX).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
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
        outer = array.shape[:-2]
        rows, columns = array.shape[-2:] if array.ndim > 1 else (1, array.shape[-1])
        if max(rows, columns) > MOST_CELLS:
            shape = "×".join(map(str, array.shape))
            yield sentence(f"{label} has the shape {shape}, which is too large to be shown here.")
            return
        chosen = [] if marked is None else list(product(range(rows), range(columns)))
        cells = [(r, c) for r, c in chosen if marked is not None and marked(r, c)]
        places = list(product(*map(range, outer)))
        for place in places[:MOST_PLANES]:
            at = f"[{','.join(map(str, place))}]" if place else ""
            yield Picture((f"{self.label(label)}{at} = ", self.grid(array[place], cells)))
        if len(places) > MOST_PLANES:
            yield sentence(f"… and {len(places) - MOST_PLANES} more planes of {label}.")

    def symbols(self, label: str, cells: Sequence[Sequence[str]]) -> Block:
        """A matrix of symbols that are written already."""
        if max(len(cells), len(cells[0])) > MOST_CELLS:
            return sentence(f"{label} is too large to be shown here.")
        return Picture((f"{self.label(label)} = ", Grid(cells)))

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
