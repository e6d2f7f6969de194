"""``convgrad forward``: the convolution's output Y."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from convgrad_cli.cli.lecture_options import LectureOptions
from convgrad_cli.cli.options import ConvArrays, ConvOptions, OutputOptions, SymbolicOptions
from convgrad_cli.cli.signature import command

if TYPE_CHECKING:
    import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "forward", example="convgrad forward -x X.npy -w W.npy --padding 1")(forward)


def forward(
    arrays: ConvArrays,
    options: ConvOptions,
    output: OutputOptions,
    symbolic: SymbolicOptions,
    lecture: LectureOptions,
) -> None:
    """The output Y of a convolution.

    Y is the cross-correlation of X with W, plus b where there is one.
    """
    from convgrad_cli.cli.inputs import conv_plan, gather, only_bundles_of
    from convgrad_cli.cli.lecture import forward_with
    from convgrad_cli.cli.lecture_layer import asked_of
    from convgrad_cli.cli.memory import ensure_fits
    from convgrad_cli.cli.progress import progress_bar
    from convgrad_cli.cli.results import conv_result, finish
    from convgrad_cli.cli.streams import is_streamed, stream_forward
    from convgrad_cli.layers.stream import forward_into

    given = gather(arrays, options, {})
    only_bundles_of(given, "conv")
    if (asked := asked_of(lecture, given)) is not None:
        forward_with(asked, given, output, symbolic)
        return
    plan = conv_plan(given)
    X, W, b = given["X"], given["W"], given.get("b")
    if not symbolic.symbolic and is_streamed(given, output, prod(plan.output_shape)):
        stream_forward(plan, given, output)
        return
    ensure_fits(plan.output_shape, max(X.itemsize, W.itemsize), "Y")
    with progress_bar("forward pass") as progress:
        Y = given.locating(lambda: forward_into(plan, X, W, b, progress=progress))
    result = conv_result("conv_forward", plan, given, {"Y": Y})
    result.arrays |= {name: given[name] for name in ("X", "W", "b") if name in given}
    finish(result, given, plan, output, symbolic, targets=("Y",))
