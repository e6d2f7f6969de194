"""The figure of one filter under several transforms (lecture 12): a row for each of them.

    z_s = conv(X, T_s W) + b        dW = Σ_s T_s* (gradient of T_s W)

One plane of each array is shown, and the row's share of dW already pulled back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convgrad_cli.errors import UsageError
from convgrad_cli.render.figure_ink import Cell
from convgrad_cli.render.figure_layout import Column, Row, Table
from convgrad_cli.render.figure_scene import number
from convgrad_cli.render.figure_sheet import Arrow, Block, Box, Label, Sign

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_SIDE = 40
"""Cells along a side: more would be too small even alone on the sheet."""


@dataclass(frozen=True)
class Transformed:
    """What the figure shows, canonical: ``filters``, ``maps``, ``upstream`` and ``shares`` have
    an array per transform, each (rows, columns)."""

    names: Sequence[str]
    X: Any
    W: Any
    dW: Any
    filters: Sequence[Any]
    maps: Sequence[Any]
    upstream: Sequence[Any]
    shares: Sequence[Any]


def transforms_figure(shown: Transformed) -> list[list[Box]]:
    """X and W, the rows, and dW as their sum; the rows in one column, or in two with less said.

    The fullest form first: with the gradient of each map, then without. Raises UsageError for
    planes that no sheet has room for.
    """
    if max(max(plane.shape) for plane in (shown.X, *shown.filters, *shown.maps)) > MOST_SIDE:
        raise UsageError(
            "The planes are too large for a figure with a number in every cell.",
            expected=f"at most {MOST_SIDE}×{MOST_SIDE} positions, and fewer of several transforms",
            remedy="convgrad backward --transforms writes all numbers",
        )
    return [[_sheet(shown, columns, full) for columns in (1, 2)] for full in (True, False)]


def _sheet(shown: Transformed, columns: int, full: bool) -> Box:
    """The rows stand in one table, so that those beside each other are level."""
    count = len(shown.names)
    high = -(-count // columns)
    width = len(_row(shown, 0, full))
    rows: list[list[Box]] = []
    for r in range(high):
        row: list[Box] = []
        for place in range(r, count, high):
            row += _row(shown, place, full, titled=r == 0, wordy=columns == 1)
        rows.append(row + [Sign("")] * (width * -(-count // high) - len(row)))
    given = Column([_block("X", shown.X), _block("W", shown.W)], gap=0.4, centred=True)
    return Row([given, Table(rows, gap=(0.18, 0.2)), _block("dW", shown.dW, "the sum")], gap=0.45)


def _row(
    shown: Transformed, place: int, full: bool, *, titled: bool = True, wordy: bool = True
) -> list[Box]:
    """One transform; the columns' titles stand over the first row."""

    def block(title: str, plane: Any, about: str = "") -> Block:
        return _block(title, plane, about) if titled else _block("", plane)

    upstream: list[Box] = [block("dz", shown.upstream[place])] if full else []
    return [
        Label(shown.names[place]),
        block("T·W", shown.filters[place]),
        Arrow("over X" if wordy else ""),
        block("z", shown.maps[place]),
        *upstream,
        Arrow("back to W" if wordy else ""),
        block("its dW", shown.shares[place]),
    ]


def _block(title: str, plane: Any, about: str = "") -> Block:
    rows = [[Cell(number(value).replace("-", "−")) for value in row] for row in plane]
    return Block(title, rows, about, narrow=0.8)
