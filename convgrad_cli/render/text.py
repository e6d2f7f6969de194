"""Plain text, for pipes and files: stable, exact, and easy to take apart.

One block per plane, blank lines between. A block is a line ``# dX[0, 1] (2, 2, 5, 5) float64``,
then rows of numbers separated by spaces; every line that is not numbers starts with ``#``. So a
file with one array of at most two axes reads back as that array (numpy.loadtxt, or convgrad).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from convgrad_cli.errors import UsageError
from convgrad_cli.render.numbers import aligned, display_tokens, exact_json, exact_tokens
from convgrad_cli.render.planes import Plane, Section, planes, sections
from convgrad_cli.render.words import verify_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.render.result import Display, Result

MOST_NUMBERS: Final = 10_000_000
"""Text is whole or refused; this many numbers are some 150 MB."""

_ALIGNED_NUMBERS: Final = 10_000  # beyond, nobody reads it by eye and the padding only costs


def text_output(result: Result, display: Display) -> str:
    """The result's arrays, whole. Raises UsageError beyond :data:`MOST_NUMBERS` numbers."""
    whole = sections(result)
    count = sum(section.array.size for section in whole)
    if count > MOST_NUMBERS:
        raise UsageError(
            "The result is too large to print as text.",
            expected=f"at most {MOST_NUMBERS} numbers",
            found=str(count),
            remedy="write it to a file with -o FILE.npz, or take --format json",
        )
    blocks = [block for section in whole for block in _blocks(result, section, display)]
    if result.verify is not None:
        blocks.append(f"# {verify_words(result.verify, display)}\n")
    return "\n".join(blocks)


def _blocks(result: Result, section: Section, display: Display) -> Iterator[str]:
    array = section.array
    tail = f" {array.shape} {array.dtype}\n"
    large = array.size > _ALIGNED_NUMBERS
    whole = list(planes(result, section, limit=array.size))
    cells = None if large and not display.precision else iter(_cells(whole, display))
    for plane in whole:
        assert plane is not None
        rows = np.atleast_2d(plane.values)
        if cells is None:
            body = _fast_rows(rows)
        else:
            lines = [" ".join(next(cells) for _ in range(rows.shape[1])) for _ in rows]
            body = "\n".join(line.rstrip() for line in lines)
        yield f"# {plane.code(section.title)}{tail}{body}\n"


def _cells(whole: list[Plane | None], display: Display) -> list[str]:
    """The numbers of all planes of an array, padded alike."""
    values = np.concatenate([plane.values.reshape(-1) for plane in whole if plane is not None])
    if display.precision:
        return aligned(display_tokens(values, display.precision))
    return aligned(exact_tokens(values))


def _fast_rows(rows: np.ndarray) -> str:
    """Exact rows without padding, by the JSON library."""
    text = exact_json(rows).replace(b'"', b"").decode()
    return text[2:-2].replace("],[", "\n").replace(",", " ")
