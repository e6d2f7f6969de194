"""Symbols of the lecture's roads through padding and stride (L10, L11): what stands where.

    forward    pad X, convolve with stride 1, keep every s-th entry
    backward   upsample dY, go back with stride 1, delete the padding's gradient

Made from the geometry alone, apart from the numbers of :mod:`convgrad_cli.layers.strided`. Indices
are canonical; a place that has no name of its own (it is thrown away) is :data:`DELETED`.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice, product
from typing import TYPE_CHECKING, Final, Literal

from convgrad_cli.derivation.routes import dilated_upstream, padded_input
from convgrad_cli.geometry import input_taps, output_taps, weight_taps
from convgrad_cli.geometry.strided import stride_one_geometry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.derivation.model import Index
    from convgrad_cli.geometry import ConvGeometry

DELETED: Final = "deleted"
MOST_COMPARED: Final = 20_000
"""Elements of a gradient that are compared with the strided layer's own terms."""


def padded(geometry: ConvGeometry, index: Index) -> Index | None:
    """The entry of X at a place of the padded X; None for a padding's zero."""
    source = padded_input(geometry.axes).source(index[2:])
    return None if source is None else (*index[:2], *source)


def padded_gradient(geometry: ConvGeometry, index: Index) -> Index | Literal["deleted"]:
    """The entry of dX at a place of the padded X's gradient; the padding's own is deleted."""
    found = padded(geometry, index)
    return DELETED if found is None else found


def stride_one(geometry: ConvGeometry, index: Index) -> Index | Literal["deleted"]:
    """The entry of Y that a place of the stride-1 map is kept as; the others are thrown away."""
    places = [divmod(at, axis.stride) for at, axis in zip(index[2:], geometry.axes, strict=True)]
    outputs = zip(places, geometry.axes, strict=True)
    if any(rest or place >= axis.output for (place, rest), axis in outputs):
        return DELETED
    return (*index[:2], *(place for place, _ in places))


def upsampled(geometry: ConvGeometry, index: Index) -> Index | None:
    """The entry of dY at a place of the upsampled dY; None for an inserted zero."""
    source = dilated_upstream(geometry.axes).source(index[2:])
    return None if source is None else (*index[:2], *source)


def agrees(geometry: ConvGeometry) -> bool:
    """Whether the road multiplies exactly the pairs of the strided layer, in Y, dW and dX."""
    return all(found == own for found, own in islice(_compared(geometry), MOST_COMPARED))


def _compared(geometry: ConvGeometry) -> Iterator[tuple[Counter[object], Counter[object]]]:
    """Element by element: the road's pairs, and those of the strided layer."""
    plain = stride_one_geometry(geometry)
    road: Iterator[tuple[Index | None, Index | None]]
    for index in product(*map(range, geometry.output_shape)):
        at = (*index[:2], *(i * a.stride for i, a in zip(index[2:], geometry.axes, strict=True)))
        road = ((padded(geometry, t.input), t.filter) for t in output_taps(plain, at))
        yield _known(road), Counter((t.input, t.filter) for t in output_taps(geometry, index))
    for index in product(*map(range, geometry.filter_shape)):
        road = (
            (padded(geometry, t.input), upsampled(geometry, t.output))
            for t in weight_taps(plain, index)
        )
        yield _known(road), Counter((t.input, t.output) for t in weight_taps(geometry, index))
    for index in product(*map(range, geometry.input_shape)):
        at = (*index[:2], *(x + a.before for x, a in zip(index[2:], geometry.axes, strict=True)))
        road = ((t.filter, upsampled(geometry, t.output)) for t in input_taps(plain, at))
        yield _known(road), Counter((t.filter, t.output) for t in input_taps(geometry, index))


def _known(pairs: Iterator[tuple[Index | None, Index | None]]) -> Counter[object]:
    """The pairs without those that multiply a zero."""
    return Counter(pair for pair in pairs if None not in pair)
