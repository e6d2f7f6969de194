"""Step *convolution*: a result seen as a convolution, whatever the layer, and the check of it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from convgrad_cli.derivation.agreement import agrees, has_route
from convgrad_cli.derivation.blocks import sentence
from convgrad_cli.derivation.conv import TracedConv
from convgrad_cli.derivation.dense import TracedUpsample
from convgrad_cli.derivation.pictures_conv import conv_blocks
from convgrad_cli.derivation.pictures_transforms import transforms_blocks
from convgrad_cli.derivation.pictures_transposed import transposed_blocks
from convgrad_cli.derivation.pictures_upsample import upsample_blocks
from convgrad_cli.derivation.transforms import TracedTransforms
from convgrad_cli.derivation.transposed import TracedTransposed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.derivation.blocks import Block
    from convgrad_cli.derivation.equation import Equation
    from convgrad_cli.derivation.steps import Report
    from convgrad_cli.derivation.targets import Selected

MOST_CHECKED = 200_000
"""Terms up to which both ways are compared element by element."""


def convolution_blocks(report: Report, target: str, chosen: Sequence[Selected]) -> Iterator[Block]:
    """The recipe, the formula, the matrices, and whether both ways multiply the same terms."""
    traced = report.derivation.traced
    match traced:
        case TracedConv():
            yield from conv_blocks(report, traced, target, chosen)
        case TracedTransposed():
            yield from transposed_blocks(report, traced, target, chosen)
        case TracedTransforms():
            yield from transforms_blocks(report, traced, target)
        case TracedUpsample():
            yield from upsample_blocks(report, traced, target)
    if has_route(traced, target):
        yield from _verdict(report, target, chosen)


def _verdict(report: Report, target: str, chosen: Sequence[Selected]) -> Iterator[Block]:
    """Compare the convolution's terms with the equations', and say how far that went."""
    compared = terms = 0
    for equation in _equations(report, chosen):
        products = equation.term_count
        if products > MOST_CHECKED:
            yield sentence(f"Not compared term by term: {equation.name} has {products:,} products.")
            return
        if not agrees(report.derivation.traced, target, equation.index):
            yield sentence(f"The two ways DIFFER in {equation.name}: this is a bug in convgrad.")
            return
        compared += 1
        terms += products
        if terms > MOST_CHECKED:
            yield sentence(
                f"Checked in the first {compared} elements: both ways multiply the same."
            )
            return
    elements = "this element" if compared == 1 else f"all {compared} elements"
    yield sentence(
        f"Checked: the convolution multiplies exactly the terms of the equations, in {elements}."
    )


def _equations(report: Report, chosen: Sequence[Selected]) -> Iterator[Equation]:
    for selected in chosen:
        yield from islice(report.derivation.equations(selected), MOST_CHECKED)
