"""The command ``convgrad``: the commands in their order, and the entry point.

Commands import what they need when they run: ``--help`` must not pay for numpy.
"""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from convgrad_cli import __version__
from convgrad_cli.cli.boundary import (
    ExitCode,
    flush_stdout,
    leave,
    leave_closed_pipe,
    leave_unwritable,
)
from convgrad_cli.cli.lazy import Command, lazy_group

_ROOM = "convgrad_cli.cli"

COMMANDS = {
    "forward": Command(f"{_ROOM}.forward", "The output Y of a convolution."),
    "backward": Command(f"{_ROOM}.backward", "The gradients dX, dW and db of a convolution."),
    "maxpool": Command(f"{_ROOM}.pools", "Max pool: output, switches and gradient."),
    "avgpool": Command(f"{_ROOM}.pools", "Average pool: output and gradient."),
    "derive": Command(
        f"{_ROOM}.derive", "Why each gradient element is what it is: its equation, step by step."
    ),
    "check": Command(f"{_ROOM}.check", "Is my gradient right, and if not, which mistake is it?"),
    "figure": Command(
        f"{_ROOM}.figure", "A figure for slides and papers: a convolution, its gradients, a pool."
    ),
    "explore": Command(
        f"{_ROOM}.explore", "A page to point at a layer's gradients and play them in."
    ),
    "activation": Command(f"{_ROOM}.activation", "A pointwise activation and its gradient."),
    "transposed": Command(
        f"{_ROOM}.transposed", "The transposed convolution, forward and backward."
    ),
    "separable": Command(
        f"{_ROOM}.separable", "A depthwise separable convolution, forward and backward."
    ),
    "chain": Command(f"{_ROOM}.chain", "Several layers and a loss, forward and backward."),
    "samples": Command(f"{_ROOM}.samples", "List or save the built-in examples."),
    "schema": Command(f"{_ROOM}.schema", "The JSON Schema of what --json prints."),
}
"""Every command, in the order of the help; a test holds each line equal to the command's own."""

app = typer.Typer(
    name="convgrad",
    cls=lazy_group(COMMANDS),
    help="Gradients of convolutional layers from your files, and why they are what they are.\n\n"
    "Example: convgrad backward --stride 2",
    no_args_is_help=True,
    # Rich help doubles its cost, and pretty tracebacks hide bugs behind frames.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _version(asked: bool) -> None:
    if asked:
        print(f"convgrad {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def _say_in_any_encoding() -> None:
    """Help is typer's to print: what an encoding lacks is then a question mark, and no crash."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


def main() -> None:
    """Run the command line; what escapes the commands' own boundary is ended here."""
    try:
        _say_in_any_encoding()
        try:
            app()
        finally:
            flush_stdout()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # typer's own answer is exit code 1
            leave_closed_pipe()
        raise
    except KeyboardInterrupt:
        leave(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        leave_closed_pipe()
    except OSError as error:
        leave_unwritable(error)


if __name__ == "__main__":
    main()
