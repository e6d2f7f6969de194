"""The command ``convgrad``: the commands in their order, and the entry point.

Commands import what they need when they run: ``--help`` must not pay for numpy.
"""

from __future__ import annotations

from typing import Annotated

import typer

from convgrad_cli import __version__
from convgrad_cli.cli import (
    activation,
    backward,
    chain,
    check,
    derive,
    explore,
    figure,
    forward,
    pools,
    samples,
    schema,
    separable,
    transposed,
)
from convgrad_cli.cli.boundary import ExitCode, leave, leave_closed_pipe

app = typer.Typer(
    name="convgrad",
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


for module in (
    forward,
    backward,
    pools,
    derive,
    activation,
    transposed,
    separable,
    chain,
    check,
    figure,
    explore,
    samples,
    schema,
):
    module.register(app)


def main() -> None:
    """Run the command line; what escapes the commands' own boundary is ended here."""
    try:
        app()
    except KeyboardInterrupt:
        leave(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        leave_closed_pipe()


if __name__ == "__main__":
    main()
