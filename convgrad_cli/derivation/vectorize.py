"""The symbols of the vectorised convolution (Diba, eq. 31 to 35; L16): Q, the filter, T.

Made from the taps, apart from the numbers of :mod:`convgrad_cli.layers.vectorize`, so that each
checks the other. An entry is the canonical index of what stands there, or None for a zero.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from convgrad_cli.geometry import input_taps, output_taps, weight_taps

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def output_matrix(geometry: ConvGeometry, sample: int = 0, group: int = 0) -> SymbolMatrix:
    """Z (or dZ) of one sample and group: a row per window, a column per filter of the group."""
    rows = tuple(product(*map(range, geometry.output_size)))
    first = group * geometry.filters_per_group
    filters = tuple((o,) for o in range(first, first + geometry.filters_per_group))
    entries = tuple(tuple((sample, *filter_, *row) for filter_ in filters) for row in rows)
    return SymbolMatrix("Y", rows, filters, entries)


def window_gradients(
    geometry: ConvGeometry, sample: int = 0, group: int = 0
) -> list[list[list[tuple[Index, Index]]]]:
    """dQ = dZ·Wᵀ: like Q, each entry the (dY, W) pairs that are multiplied and added."""
    dZ, W = output_matrix(geometry, sample, group), filter_matrix(geometry, group)
    return [
        [
            [(y, w) for y, w in zip(row, column, strict=True) if y is not None and w is not None]
            for column in W.entries
        ]
        for row in dZ.entries
    ]


def gathered_places(
    geometry: ConvGeometry, sample: int = 0, group: int = 0
) -> dict[Index, list[tuple[int, int]]]:
    """col2im: for every entry of X in the group, the places of dQ that are added there."""
    channels = geometry.channels_per_group
    found: dict[Index, list[tuple[int, int]]] = {
        (sample, group * channels + c, *place): []
        for c in range(channels)
        for place in product(*map(range, geometry.input_size))
    }
    for row, entries in enumerate(window_matrix(geometry, sample, group).entries):
        for column, index in enumerate(entries):
            if index is not None:
                found[index].append((row, column))
    return found


def toeplitz_matrix(geometry: ConvGeometry) -> SymbolMatrix:
    """T with Y = T·x: a row per output (channel, place), a column per input (channel, place)."""
    rows = tuple(product(range(geometry.out_channels), *map(range, geometry.output_size)))
    columns = tuple(product(range(geometry.in_channels), *map(range, geometry.input_size)))
    entries = []
    for row in rows:
        taps = {tap.input[1:]: tap.filter for tap in output_taps(geometry, (0, *row))}
        entries.append(tuple(taps.get(column) for column in columns))
    return SymbolMatrix("W", rows, columns, tuple(entries))


def agrees(geometry: ConvGeometry) -> bool:
    """Whether Q·W, Qᵀ·dZ and col2im(dZ·Wᵀ) multiply exactly the pairs of the convolution."""
    for n in range(geometry.batch):
        for group in range(geometry.groups):
            if not all(found == own for found, own in _compared(geometry, n, group)):
                return False
    return True


def toeplitz_agrees(geometry: ConvGeometry) -> bool:
    """Whether every column of T multiplies exactly the pairs of that entry of dX."""
    T = toeplitz_matrix(geometry)
    for column, x in enumerate(T.columns):
        own = Counter((t.output[1:], t.filter) for t in input_taps(geometry, (0, *x)))
        met = ((y, row[column]) for y, row in zip(T.rows, T.entries, strict=True))
        if Counter((y, w) for y, w in met if w is not None) != own:
            return False
    return True


def _compared(
    geometry: ConvGeometry, n: int, group: int
) -> Iterator[tuple[Counter[object], Counter[object]]]:
    """Entry by entry of Z, dW and dX: the pairs of the products, and the convolution's own."""
    Q, W = window_matrix(geometry, n, group), filter_matrix(geometry, group)
    Z, dQ = output_matrix(geometry, n, group), window_gradients(geometry, n, group)
    for row, outputs in zip(Q.entries, Z.entries, strict=True):
        for column, y in enumerate(outputs):
            pairs = ((x, own[column]) for x, own in zip(row, W.entries, strict=True))
            taps = output_taps(geometry, y) if y is not None else ()
            yield _known(pairs), Counter((t.input, t.filter) for t in taps)
    for l, weights in enumerate(W.entries):
        for column, w in enumerate(weights):
            lines = zip(Q.entries, Z.entries, strict=True)
            pairs = ((row[l], outputs[column]) for row, outputs in lines)
            taps = weight_taps(geometry, w) if w is not None else ()
            own = ((t.input, t.output) for t in taps if t.output[0] == n)
            yield _known(pairs), Counter(own)
    for x, places in gathered_places(geometry, n, group).items():
        found: Counter[object] = Counter(pair for row, column in places for pair in dQ[row][column])
        yield found, Counter((t.output, t.filter) for t in input_taps(geometry, x))


def _known(pairs: Iterator[tuple[Index | None, Index | None]]) -> Counter[object]:
    """The pairs without those that multiply the padding."""
    return Counter(pair for pair in pairs if None not in pair)


def _filter_places(geometry: ConvGeometry) -> list[Index]:
    offsets = list(product(*map(range, geometry.kernel)))
    return [(c, *offset) for c in range(geometry.channels_per_group) for offset in offsets]
