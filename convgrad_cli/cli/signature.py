"""Shared options, declared once: a command takes whole option groups as parameters.

Typer reads a function's signature, one parameter an option. :func:`command` lets a command be
written as ``def backward(arrays: ArrayOptions, output: OutputOptions)`` with dataclasses as groups:
it shows Typer the fields of the groups and hands the function the groups again. It is also where
the error boundary goes around every command.
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any, get_type_hints

from convgrad_cli.cli.boundary import bounded

if TYPE_CHECKING:
    from collections.abc import Callable

    import typer


def command(
    app: typer.Typer, name: str, *, example: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function with option groups as the command ``name`` of ``app``.

    ``example`` is a command line shown at the end of the command's help.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        flat = bounded(_flattened(function))
        app.command(name, help=f"{inspect.getdoc(function)}\n\nExample: {example}")(flat)
        return function

    return register


def _flattened(function: Callable[..., None]) -> Callable[..., None]:
    """The function with the fields of its option groups in place of the groups."""
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, Any] = {
        name: hint for name, hint in hints.items() if dataclasses.is_dataclass(hint)
    }
    parameters: dict[str, inspect.Parameter] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name in groups:
            parameters |= _fields(groups[name])
        else:
            parameters[name] = parameter.replace(
                annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY
            )

    def call(**values: Any) -> None:
        grouped = {
            name: group(**{f.name: values.pop(f.name) for f in dataclasses.fields(group)})
            for name, group in groups.items()
        }
        function(**grouped, **values)

    call.__name__ = function.__name__
    call.__doc__ = function.__doc__
    call.__signature__ = inspect.Signature(list(parameters.values()))  # type: ignore[attr-defined]
    call.__annotations__ = {name: p.annotation for name, p in parameters.items()}
    return call


def _fields(group: Any) -> dict[str, inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return {
        field.name: inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hints[field.name],
        )
        for field in dataclasses.fields(group)
    }
