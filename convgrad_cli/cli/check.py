"""``convgrad check``: the sub-app; each of its commands is a module beside this one."""

from __future__ import annotations

import typer

from convgrad_cli.cli import check_arrays, check_equations, check_function, check_power

COMMANDS = (check_arrays, check_equations, check_function, check_power)


def register(app: typer.Typer) -> None:
    """Add ``check`` with its commands."""
    check = typer.Typer(
        name="check",
        help="Is my gradient right, and if not, which mistake is it?\n\n"
        "Example: convgrad check arrays --stride 2 --dX mine.npy",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    for module in COMMANDS:
        module.register(check)
    app.add_typer(check)
