"""Option texts to values: ``2,1``, ``1:0,2:1``, and the words of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.errors import UsageError
from convgrad_cli.geometry import PADDING_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.geometry import Padding


def whole_numbers(text: str, option: str) -> tuple[int, ...]:
    """``2`` → (2,), ``2,1`` → (2, 1); an error names the option."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"{option} takes whole numbers, separated by commas.",
            expected="for example 2 or 2,1",
            found=text,
        ) from None


def padding(text: str) -> Padding:
    """``1``, ``1,2``, ``1:0,2:1`` or one of the padding words."""
    if text in PADDING_WORDS:
        return text
    try:
        return [_sides(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(
            "--padding cannot be read.",
            expected=f"1, 1,2, before:after pairs as 1:0,2:1, or {', '.join(PADDING_WORDS)}",
            found=text,
        ) from None


def names(text: str, allowed: Sequence[str], option: str) -> tuple[str, ...]:
    """``dX,dW`` → ("dX", "dW"), each one of ``allowed``, in the order of ``allowed``."""
    given = [part.strip() for part in text.split(",")]
    unknown = [name for name in given if name not in allowed]
    if unknown:
        raise UsageError(
            f"{option} does not know {unknown[0]!r}.", expected=f"some of {', '.join(allowed)}"
        )
    return tuple(name for name in allowed if name in given)


def _sides(part: str) -> int | tuple[int, int]:
    before, colon, after = part.partition(":")
    return (int(before), int(after)) if colon else int(before)
