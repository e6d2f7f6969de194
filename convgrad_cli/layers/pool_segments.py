"""A pool along one axis, as slices: which places of the source meet in each place of the target.

The place k of window o is input o*s + k*d - before, a straight line in o. So along a run of windows
that have the same real places (all of them, but for the first and last few, which hang into the
padding), the inputs of one place k are one slice, and a whole axis is a handful of segments:

    target[segment.target]  =  source[sources[0]] (+) source[sources[1]] (+) ...

with (+) a maximum or a sum. Seen from the inputs, every s-th input has the same places k of as
many consecutive windows, so that the adjoint of the sum is made of segments too. Padding appears
in neither, and nothing is multiplied by zero.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.geometry import Axis


class Segment(NamedTuple):
    """The target's places, and for each term of them the source's."""

    target: slice
    sources: tuple[slice, ...]


def window_segments(axis: Axis) -> Iterator[Segment]:
    """Windows from their inputs, in the order of the window's places."""
    spans = [axis.outputs_of_kernel(k) for k in range(axis.kernel)]
    for start, stop in _runs(spans, axis.output):
        places = [k for k, span in enumerate(spans) if start in span]
        starts = (axis.position(start, k) for k in places)
        yield Segment(
            slice(start, stop), tuple(_strided(at, stop - start, axis.stride) for at in starts)
        )


def input_segments(axis: Axis) -> Iterator[Segment]:
    """Inputs from the windows that hold them, in the windows' order; no sources: unreached.

    Input r + m*s is place k of window m + (r + before - k*d) / s where that is a whole number.
    """
    for residue in range(min(axis.stride, axis.size)):
        count = len(range(residue, axis.size, axis.stride))
        lines = [
            divmod(residue + axis.before - k * axis.dilation, axis.stride)
            for k in reversed(range(axis.kernel))
        ]
        shifts = [shift for shift, off in lines if off == 0]
        spans = [range(max(0, -shift), min(count, axis.output - shift)) for shift in shifts]
        for start, stop in _runs(spans, count):
            yield Segment(
                _strided(residue + start * axis.stride, stop - start, axis.stride),
                tuple(
                    slice(start + shift, stop + shift)
                    for shift, span in zip(shifts, spans, strict=True)
                    if start in span
                ),
            )


def at(place: slice, dim: int) -> tuple[Any, ...]:
    """The index that takes ``place`` along axis ``dim``."""
    return (*(slice(None),) * dim, place)


def _runs(spans: Sequence[range], count: int) -> Iterator[tuple[int, int]]:
    """0..count cut wherever a span begins or ends."""
    ends = (end for span in spans if span for end in (span.start, span.stop))
    return pairwise(sorted({0, count, *ends}))


def _strided(start: int, count: int, stride: int) -> slice:
    return slice(start, start + (count - 1) * stride + 1, stride)
