"""Matrices of symbols: a plane, or what stands in one, row by row."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from convgrad_cli.derivation.blocks import Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from convgrad_cli.derivation.model import Index


def grids(
    shape: Index, cell: Callable[[Index], str], marked: Container[Index] = ()
) -> tuple[Grid, ...]:
    """The matrices of an array of spatial ``shape``: one, or one per slice in three dimensions."""
    *depth, rows, columns = (1, *shape) if len(shape) == 1 else shape
    found = []
    for outer in product(*map(range, depth)):
        places = [
            [_place(shape, outer, row, column) for column in range(columns)] for row in range(rows)
        ]
        marks = frozenset(
            (r, c)
            for r, line in enumerate(places)
            for c, place in enumerate(line)
            if place in marked
        )
        found.append(Grid([[cell(place) for place in line] for line in places], marks))
    return tuple(found)


def side_by_side(matrices: tuple[Grid, ...]) -> tuple[str | Grid, ...]:
    """Slices of one array, separated."""
    parts: list[str | Grid] = []
    for matrix in matrices:
        parts += ["; ", matrix] if parts else [matrix]
    return tuple(parts)


def fits(shape: Index, limit: int) -> bool:
    """Whether a matrix of this shape is small enough to print."""
    return all(size <= limit for size in shape)


def _place(shape: Index, outer: Index, row: int, column: int) -> Index:
    return (column,) if len(shape) == 1 else (*outer, row, column)
