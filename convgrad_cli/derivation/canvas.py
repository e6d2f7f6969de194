"""A canvas: matrices of symbols and of numbers, drawn for one derivation in one script.

What dX and dW of a convolution, a transposed convolution and a filter under transforms need alike:
a plane of an array after it was dilated, padded, rotated or copied, with the cells that a single
element meets marked, and the operations' names around its symbol.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from convgrad_cli.derivation.blocks import Math, Picture, sentence
from convgrad_cli.derivation.pictures import fits, grids, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from convgrad_cli.derivation import routes
    from convgrad_cli.derivation.blocks import Block, Grid
    from convgrad_cli.derivation.model import Index
    from convgrad_cli.derivation.steps import Report

NOTHING: frozenset[tuple[int, ...]] = frozenset()


class Canvas:
    """Draws planes of X, W and dY; ``planes`` says which plane of each array is shown."""

    def __init__(self, report: Report, planes: Mapping[str, Index], dims: int) -> None:
        self.report = report
        self.writer = report.writer
        self.names = report.writer.names
        self.latex = report.script == "latex"
        self.planes = planes
        self.dims = dims

    def call(self, name: str, *inside: str) -> str:
        """``pad(…)``, in the script; the inside alone where there is no name."""
        if not name:
            return inside[0]
        if self.latex:
            word = (
                r"\operatorname{rot}_{180^\circ}"
                if name == "rot180"
                else rf"\operatorname{{{name}}}"
            )
            return rf"{word}\left({', '.join(inside)}\right)"
        return f"{name}({', '.join(inside)})"

    def symbol_of(self, array: str) -> str:
        """The shown plane's symbol; of ``dY`` the gradient's."""
        if array == "dY":
            return self.writer.atom(self.names.plane_gradient("Y", self.first("Y")))
        return self.writer.atom(self.names.plane(array, self.first(array)))

    def first(self, role: str) -> Index:
        """The plane of an array that is shown, as an index."""
        return (*self.planes[role], *(0 for _ in range(self.dims)))

    def letters(self, *kinds: str) -> tuple[str, ...]:
        """The running letters of the leading axes, with nothing for the spatial ones."""
        variables = self.names.notation.variables
        letters = {"n": variables.sample, "c": variables.channel, "k": variables.filter, "t": "t"}
        return tuple(letters[kind] for kind in kinds) + ("",) * self.dims

    def maps(
        self, array: str, maps: list[tuple[routes.Map, str]], marks: frozenset[Index] = NOTHING
    ) -> Iterator[Block]:
        """The array's plane after each of the maps, in symbols and in numbers."""
        symbol = self.symbol_of(array)
        for at, (plane, name) in enumerate(maps):
            symbol = self.call(name, symbol)
            marked = marks if at == len(maps) - 1 else NOTHING
            yield self.picture(symbol, array, plane.shape, plane.source, marked)

    def picture(
        self,
        symbol: str,
        array: str,
        shape: Index,
        source: Callable[[Index], Index | None],
        marked: frozenset[Index] = NOTHING,
    ) -> Block:
        """``X = [symbols] = [numbers]``, or a sentence where that is too large."""
        if not fits(shape, self.report.limits.cells):
            low = [min(places) for places in zip(*marked, strict=True)]
            span = [max(p) - m + 1 for p, m in zip(zip(*marked, strict=True), low, strict=True)]
            if not marked or not fits(tuple(span), self.report.limits.cells):
                size = "×".join(map(str, shape))
                return sentence(Math(symbol), f" is {size}: --all shows the matrix.")
            return self._cut_out(symbol, array, source, low, tuple(span))
        cells = [self._symbol(array)]
        if array in self.report.derivation.values:
            cells.append(self._number(array))
        parts: list[str | Grid] = []
        for cell in cells:
            matrix = grids(shape, _cell_of(source, cell), marked)
            parts += [" = " if parts else f"{symbol} = ", *side_by_side(matrix)]
        return Picture(tuple(parts))

    def numbers(
        self,
        symbol: str,
        shape: Index,
        cell: Callable[[Index], int | float],
        marked: frozenset[Index] = NOTHING,
    ) -> Block:
        """``symbol = [numbers]``."""
        figures = self.report.figures
        return Picture(
            (
                f"{symbol} = ",
                *side_by_side(grids(shape, lambda at: figures.number(cell(at)), marked)),
            )
        )

    def _cut_out(
        self,
        symbol: str,
        array: str,
        source: Callable[[Index], Index | None],
        low: Sequence[int],
        span: Index,
    ) -> Block:
        """The window alone, where the whole would be too large: rows and columns from 0."""

        def shifted(place: Index) -> Index | None:
            return source(tuple(at + start for at, start in zip(place, low, strict=True)))

        places = ",".join(f"{start}:{start + size}" for start, size in zip(low, span, strict=True))
        return self.picture(f"{symbol}[{places}]", array, span, shifted)

    def _symbol(self, array: str) -> Callable[[Index], str]:
        role = "Y" if array == "dY" else array
        write = self.writer.gradient if array == "dY" else self.writer.entry
        return lambda place: write(role, (*self.planes[role], *place))

    def _number(self, array: str) -> Callable[[Index], str]:
        values, figures = self.report.derivation.values, self.report.figures
        plane = self.planes["Y" if array == "dY" else array]
        return lambda place: figures.number(values.entry(array, (*plane, *place)))


def crossed(along: list[list[int]]) -> frozenset[Index]:
    """Every place of these rows and columns."""
    return frozenset(product(*along))


def _cell_of(
    source: Callable[[Index], Index | None], cell: Callable[[Index], str]
) -> Callable[[Index], str]:
    def text(place: Index) -> str:
        found = source(place)
        return "0" if found is None else cell(found)

    return text
