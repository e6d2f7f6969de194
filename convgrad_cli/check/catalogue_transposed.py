"""The catalogue for a transposed convolution: the convolution's by duality, and what it adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from convgrad_cli.check.catalogue_bias import bias_mistakes
from convgrad_cli.check.catalogue_input import input_mistakes
from convgrad_cli.check.catalogue_output import bias_readings, output_mistakes
from convgrad_cli.check.catalogue_weight import weight_mistakes
from convgrad_cli.check.duality import FIXES, as_transposed
from convgrad_cli.check.mistake import Row, row_table
from convgrad_cli.check.mistake_of import mistake
from convgrad_cli.check.recipes import Span
from convgrad_cli.check.rows import CONV_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.check.mistake import Mistake
    from convgrad_cli.geometry import Axis, ConvGeometry
    from convgrad_cli.geometry.transposed import TransposedGeometry

_SHARED: Final = (
    Row("X10", "height and width exchanged", ("Y", "dX", "dW"), ("two axes",)),
    Row("X11", "stride and dilation exchanged", ("Y", "dX", "dW"), ("stride is not dilation",)),
    Row("X12", "uneven padding on the wrong side", ("Y", "dX", "dW"), ("uneven",)),
    Row("X13", "groups ignored, or wrong blocks", ("Y", "dX"), ("groups",)),
    *(CONV_ROWS[id] for id in ("W2", "W3")),
    Row("W6", "a too large dW not cropped where there is output padding", ("dW",), ()),
    *(CONV_ROWS[id] for id in ("W7", "W8")),
    Row("W9", "a sum over channels too many, or missing", ("dW",), ("channels or filters",)),
    *(CONV_ROWS[id] for id in ("B1", "B2", "B3", "B4", "B5", "B6")),
    Row("F2", "filter layout confused (IOHW, OIHW, HWOI)", ("Y", "dX"), ("channels or filters",)),
)
TRANSPOSED_ROWS: Final = row_table(
    [
        Row("T1", "filter rotated where it is not (or not where it is)", ("Y", "dX"), ("kernel",)),
        Row("T2", "only one axis of the filter flipped", ("Y",), ("kernel2",)),
        Row("T3", "channel axis flipped as well", ("Y",), ("channels or filters",)),
        Row(
            "T4",
            "in- and out-channel axes of the filter exchanged, or summed over the wrong one",
            ("Y", "dX"),
            ("channels or filters",),
        ),
        Row("T5", "stride > 1 but X not dilated", ("Y", "dX", "dW"), ("stride",)),
        Row("T6", "output padding left out, or on the wrong side", ("Y",), ("leftover",)),
        Row(
            "T7",
            "padding added as a convolution's, not cropped, or cropped wrongly",
            ("Y", "dX", "dW"),
            ("padding",),
        ),
        Row("T8", "= for += where windows overlap", ("Y",), ()),
        Row("T10", "dilation of the filter left out", ("Y", "dX"), ("dilation",)),
        Row("T9", "roles of X and dY exchanged (rotated by 180°)", ("dW",), ("kernel",)),
        *_SHARED,
    ]
)


def transposed_mistakes(target: str, geometry: TransposedGeometry, *, bias: bool) -> list[Mistake]:
    """Every reading of every row for ``target`` that this geometry has room for."""
    below = geometry.convolution
    match target:
        case "Y":
            found = [*as_transposed("Y", input_mistakes(below)), *_padded(below)]
            return [*found, *bias_readings(geometry)] if bias else found
        case "dX":
            found = list(as_transposed("dX", output_mistakes(below, bias=False)))
            return [*found, *_not_strided(below), *_not_spaced(below)]
        case "dW":
            return list(as_transposed("dW", weight_mistakes(below)))
        case _:
            return bias_mistakes(geometry)


def _padded(below: ConvGeometry) -> Iterator[Mistake]:
    """Padding that makes the output larger, as a convolution's does."""
    if not any(axis.before or axis.after for axis in below.axes):
        return
    fix = FIXES["Y", "T7"]
    phrase = "the padding added around the output instead of cropped from it"
    yield mistake("T7", phrase, fix, crop=lambda _, a, t: _grown(a, t, 1))
    phrase = "X padded by p, as a convolution's input, and nothing cropped"
    if any(axis.stride > 1 for axis in below.axes):
        yield mistake("T7", phrase, fix, crop=lambda _, a, t: _grown(a, t, a.stride))
    phrase = "the padding taken off once, not on both sides"
    if any(axis.before and axis.after for axis in below.axes):
        yield mistake("T7", phrase, fix, crop=_once)


def _grown(axis: Axis, touched: int, times: int) -> Span:
    length = touched + axis.leftover + times * (axis.before + axis.after)
    return Span(-times * axis.before, length, length)


def _once(_: int, axis: Axis, touched: int) -> Span:
    length = touched + axis.leftover - axis.before
    return Span(axis.before, length, length)


def _not_strided(below: ConvGeometry) -> Iterator[Mistake]:
    """dX taken at every place of dY, not at every stride-th."""
    if all(axis.stride == 1 for axis in below.axes):
        return
    fix = "dX[i] meets dY from i·s − p on: a convolution with the transposed layer's stride"
    once = (1,) * below.dims

    def every(_: int, axis: Axis) -> Span:
        count = axis.padded - axis.extent + 1
        return Span(0, count, count)

    phrase = "dX computed with stride 1 instead of the layer's stride"
    yield mistake("T5", f"{phrase}, the result too large for it", fix, step=once, count=every)
    if any(axis.output > 1 for axis in below.axes):
        yield mistake("T5", f"{phrase} and cut to X's size", fix, step=once)


def _not_spaced(below: ConvGeometry) -> Iterator[Mistake]:
    """dX of a filter that is not dilated."""
    if all(axis.dilation == 1 or axis.kernel == 1 for axis in below.axes):
        return
    once = (1,) * below.dims

    def natural(_: int, axis: Axis) -> Span:
        count = (axis.padded - axis.kernel) // axis.stride + 1
        return Span(0, count, count)

    fix, phrase = FIXES["dX", "T10"], "the dilation left out: filter not dilated"
    yield mistake("T10", f"{phrase}, the result too large for it", fix, spacing=once, count=natural)
    yield mistake("T10", f"{phrase}, the result cut to X's size", fix, spacing=once)
