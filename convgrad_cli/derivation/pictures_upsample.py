"""Upsampling seen as the transposed convolution that it is (lecture 12; L13)."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from convgrad_cli.derivation import routes
from convgrad_cli.derivation.blocks import sentence
from convgrad_cli.derivation.canvas import Canvas, crossed
from convgrad_cli.derivation.pictures import fits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.derivation.blocks import Block
    from convgrad_cli.derivation.dense import TracedUpsample
    from convgrad_cli.derivation.model import Index
    from convgrad_cli.derivation.steps import Report


def upsample_blocks(report: Report, traced: TracedUpsample, target: str) -> Iterator[Block]:
    """What the layer does in words, and the first plane's matrices."""
    x, y = traced.frames["X"], traced.frames["Y"]
    lead = len(x.shape) - len(traced.scale)
    canvas = Canvas(report, {"X": (0,) * lead, "Y": (0,) * lead}, len(traced.scale))
    size, grown = x.shape[lead:], y.shape[lead:]
    block = "×".join(map(str, traced.scale))
    if target == "Y":
        yield sentence(_forward_words(traced, block))
        symbol = canvas.writer.atom(canvas.names.plane("Y", canvas.first("Y")))
        yield canvas.picture(symbol, "X", grown, _source(traced, size))
    else:
        yield sentence(_backward_words(traced, block))
        kept = crossed([[i * s for i in range(n)] for n, s in zip(size, traced.scale, strict=True)])
        marked = frozenset() if traced.nearest else kept
        symbol = canvas.symbol_of("dY")
        yield canvas.picture(symbol, "dY", grown, lambda place: place, marked)
        yield from _result(canvas, traced, size)
    if lead and max(x.shape[:lead]) > 1:
        yield sentence("The matrices show one plane of each array; the others go alike.")


def _forward_words(traced: TracedUpsample, block: str) -> str:
    if traced.nearest:
        return (
            f"Every entry is repeated over a block of {block}: the transposed convolution with a "
            f"filter of ones, {block}, and that stride."
        )
    return (
        f"Zeros are inserted between the entries (stride {block}): the transposed convolution with "
        "the filter 1 and that stride. It is what a stride does on the "
        "way back."
    )


def _backward_words(traced: TracedUpsample, block: str) -> str:
    if traced.nearest:
        return (
            f"Each entry's gradient is the sum over its block of {block}: the convolution of the "
            f"upstream gradient with a filter of ones, {block}, and that stride."
        )
    return (
        "The gradients of the entries (marked) are kept, those of the inserted zeros dropped: "
        "downsampling, which is what a stride does on the way forward."
    )


def _source(traced: TracedUpsample, size: Index) -> routes.Sources:
    """What of X stands at a place of Y."""
    if not traced.nearest:
        axes = (routes.Stretched(n, s) for n, s in zip(size, traced.scale, strict=True))
        return routes.Map(tuple(axes)).source
    return lambda place: tuple(at // s for at, s in zip(place, traced.scale, strict=True))


def _result(canvas: Canvas, traced: TracedUpsample, size: Index) -> Iterator[Block]:
    """dX's first plane in numbers, summed over blocks of dY."""
    values = canvas.report.derivation.values
    if "dY" not in values or not fits(size, canvas.report.limits.cells):
        return
    plane = canvas.planes["Y"]

    def cell(place: Index) -> int | float:
        reach = [
            range(at * s, at * s + (s if traced.nearest else 1))
            for at, s in zip(place, traced.scale, strict=True)
        ]
        return sum(values.entry("dY", (*plane, *at)) for at in product(*reach))

    symbol = canvas.writer.atom(canvas.names.plane_gradient("X", canvas.first("X")))
    yield canvas.numbers(symbol, size, cell)
