"""A result as the renderers take it, and the one entry that turns it into text.

Everything a renderer prints is in here; nothing is computed on the way. Each format is a module of
its own and loads only when asked for: rich comes in with the table alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Array = npt.NDArray[Any]

FORMATS: Final = ("table", "text", "latex", "markdown", "json")


class Derivation(Protocol):
    """What a result may carry of the tracer: something that can write itself as JSON."""

    def as_json(self) -> object:
        """The contract's ``derivation`` object; non-finite numbers as their JSON words."""
        ...


@dataclass
class Result:
    """What an operation found, in the contract's words.

    arrays: results and (forward) inputs in printing order, in the user's rank and layout.
    geometry: the contract's object; a ``layout`` or ``filter_layout`` in it (given only where they
        are not the default) says which axes are channels.
    shapes: of what went in, by the contract's long names (``input``, ``filter``, ``upstream``).
    extra: further JSON fields of the operation, printed by JSON alone.
    """

    operation: str
    geometry: dict[str, Any]
    arrays: dict[str, Array]
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    verify: dict[str, Any] | None = None
    updated: dict[str, Array] | None = None
    derivation: Derivation | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Display:
    """How a person wants to see a result; JSON needs none of it.

    precision: significant digits; None is 6 for reading, and every digit in text.
    top: at most so many planes of an array.
    """

    precision: int | None = None
    width: int = 80
    color: bool = False
    ascii_only: bool = False
    top: int | None = None


def render(
    result: Result,
    format: str,
    *,
    precision: int | None = None,
    width: int = 80,
    color: bool = False,
    ascii_only: bool = False,
    top: int | None = None,
    derivation: Callable[[Any, str], str] | None = None,
) -> str | bytes:
    """``result`` in one of :data:`FORMATS`, ending in a newline: bytes for JSON, else text.

    derivation: writes ``result.derivation`` in a format that is not JSON; it stands at the end.
    Raises UsageError for an unknown format, a precision below 1, and text too large to be whole.
    """
    if format not in FORMATS:
        raise UsageError(
            f"Unknown format {format!r}.", expected=f"one of {', '.join(FORMATS)}", found=format
        )
    if precision is not None and precision < 1:
        raise UsageError(
            "--precision is a number of significant digits.",
            expected="at least 1",
            found=str(precision),
        )
    if format == "json":
        from convgrad_cli.render.json_output import json_output

        return json_output(result)
    display = Display(precision, width, color, ascii_only, top)
    writer = import_module(f"convgrad_cli.render.{format}")
    text: str = getattr(writer, f"{format}_output")(result, display)
    if result.derivation is not None and derivation is not None:
        parts = (text.rstrip("\n"), derivation(result.derivation, format).rstrip("\n"))
        text = "\n\n".join(part for part in parts if part) + "\n"
    return text
