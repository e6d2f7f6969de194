"""The symbols of the vectorised convolution (Diba, eq. 31 to 35; L16): Q, the filter, T.

Made from the taps, apart from the numbers of :mod:`convgrad_cli.layers.vectorize`, so that each
checks the other. An entry is the canonical index of what stands there, or None for a zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from convgrad_cli.geometry import output_taps

if TYPE_CHECKING:
    from convgrad_cli.derivation.model import Index
    from convgrad_cli.geometry import ConvGeometry


@dataclass(frozen=True)
class SymbolMatrix:
    """A matrix of entries of one array, with the index that each row and column stands for."""

    operand: str
    rows: tuple[Index, ...]
    columns: tuple[Index, ...]
    entries: tuple[tuple[Index | None, ...], ...]


def window_matrix(geometry: ConvGeometry, sample: int = 0, group: int = 0) -> SymbolMatrix:
    """Q of one sample and group: a row per window, a column per (channel, offset)."""
    outputs = tuple(product(*map(range, geometry.output_size)))
    columns = tuple(_filter_places(geometry))
    first = group * geometry.filters_per_group
    rows = []
    for place in outputs:
        taps = {tap.filter[1:]: tap.input for tap in output_taps(geometry, (sample, first, *place))}
        rows.append(tuple(taps.get(column) for column in columns))
    return SymbolMatrix("X", outputs, columns, tuple(rows))


def filter_matrix(geometry: ConvGeometry, group: int = 0) -> SymbolMatrix:
    """W of one group reshaped: a row per (channel, offset), a column per filter."""
    rows = tuple(_filter_places(geometry))
    first = group * geometry.filters_per_group
    filters = tuple((o,) for o in range(first, first + geometry.filters_per_group))
    entries = tuple(tuple((*filter_, *row) for filter_ in filters) for row in rows)
    return SymbolMatrix("W", rows, filters, entries)


def toeplitz_matrix(geometry: ConvGeometry) -> SymbolMatrix:
    """T with Y = T·x: a row per output (channel, place), a column per input (channel, place)."""
    rows = tuple(product(range(geometry.out_channels), *map(range, geometry.output_size)))
    columns = tuple(product(range(geometry.in_channels), *map(range, geometry.input_size)))
    entries = []
    for row in rows:
        taps = {tap.input[1:]: tap.filter for tap in output_taps(geometry, (0, *row))}
        entries.append(tuple(taps.get(column) for column in columns))
    return SymbolMatrix("W", rows, columns, tuple(entries))


def entry_count(geometry: ConvGeometry) -> int:
    """Entries of the largest of these matrices, so that a caller may refuse before making one."""
    columns = geometry.channels_per_group * prod(geometry.kernel)
    outputs, inputs = prod(geometry.output_size), prod(geometry.input_size)
    return max(outputs * columns, geometry.out_channels * outputs * geometry.in_channels * inputs)


def _filter_places(geometry: ConvGeometry) -> list[Index]:
    offsets = list(product(*map(range, geometry.kernel)))
    return [(c, *offset) for c in range(geometry.channels_per_group) for offset in offsets]
