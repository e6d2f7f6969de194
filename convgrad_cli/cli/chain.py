"""``convgrad chain``: several layers and a loss, forward and backward through all (L17)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from convgrad_cli.cli.options import NonfiniteOption, OutputOptions, RateOption, SymbolicOptions
from convgrad_cli.cli.signature import command

if TYPE_CHECKING:
    import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "chain", example="convgrad chain samples/cnn.json --learning-rate 0.1")(chain)


def chain(
    output: OutputOptions,
    symbolic: SymbolicOptions,
    net: Annotated[
        str | None,
        Argument(metavar="[NET]", help='A chain: {"input": …, "layers": […], "loss": …}, or -.'),
    ] = None,
    sample: Annotated[
        str | None, Option("--sample", help="A built-in chain: cnn, tutorial-chain or two-layer.")
    ] = None,
    learning_rate: RateOption = None,
    layer: Annotated[
        int | None,
        Option(
            "--layer",
            help="Print this conv or pool layer alone, as a bundle for derive, check and explore.",
            metavar="N",
        ),
    ] = None,
    allow_nonfinite: NonfiniteOption = False,
) -> None:
    """Several layers and a loss, forward and backward.

    Every layer's output, and on the way back every layer's gradients: the dX of one layer is the
    dY of the one before it. Arrays in the file are nested lists or paths beside it. With
    -o page.html: a page with all layers, to point at and edit.
    """
    from convgrad_cli.cli.chain_file import read_net
    from convgrad_cli.cli.chain_output import emit_chain, emit_chain_page, emit_layer_bundle
    from convgrad_cli.layers.chain import run

    opened = read_net(net, sample, allow_nonfinite=allow_nonfinite)
    spec = opened.chain
    rate = spec.learning_rate if learning_rate is None else learning_rate
    done = opened.locating(lambda: run(spec.nodes, spec.X, spec.ending, learning_rate=rate))
    if layer is None and output.output is not None and output.output.endswith((".html", ".htm")):
        emit_chain_page(done, opened, output, symbolic.notation)
    elif layer is not None:
        emit_layer_bundle(done, layer, opened, output)
    else:
        emit_chain(done, opened, output, symbolic)
