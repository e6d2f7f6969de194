"""``convgrad schema``: the JSON Schema of everything ``--json`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.cli.signature import command

if TYPE_CHECKING:
    import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "schema", example="convgrad schema > convgrad.schema.json")(schema)


def schema() -> None:
    """The JSON Schema of what --json prints."""
    import orjson

    from convgrad_cli.cli.output import write_stdout
    from convgrad_cli.render.schema import schema as document

    write_stdout(orjson.dumps(document(), option=orjson.OPT_INDENT_2) + b"\n")
