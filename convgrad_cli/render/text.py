"""Plain text, for pipes and files: stable, exact, and easy to take apart.

One block per plane, blank lines between. A block is a line ``# dX[0, 1] (2, 2, 5, 5) float64``,
then rows of numbers separated by spaces; every line that is not numbers starts with ``#``. So a
file with one array of at most two axes reads back as that array (numpy.loadtxt, or convgrad).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

from convgrad_cli.errors import UsageError
from convgrad_cli.render.numbers import (
    aligned,
    display_tokens,
    exact_json,
    exact_tokens,
    rounded_tokens,
)
from convgrad_cli.render.planes import planes, sections
from convgrad_cli.render.words import verify_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.render.planes import Plane, Section
    from convgrad_cli.render.result import Array, Display, Result

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
    whole = [plane for plane in planes(result, section, limit=array.size) if plane is not None]
    if array.size > _ALIGNED_NUMBERS:
        bodies: Iterator[str] = (
            _quick_rows(np.atleast_2d(plane.values), display) for plane in whole
        )
    else:
        bodies = _aligned_rows(whole, display)
    for plane, body in zip(whole, bodies, strict=True):
        yield f"# {plane.code(section.title)} {array.shape} {array.dtype}\n{body}\n"


def _aligned_rows(whole: Sequence[Plane], display: Display) -> Iterator[str]:
    """Each plane's rows, the numbers of all planes padded alike."""
    values = np.concatenate([plane.values.reshape(-1) for plane in whole])
    if display.precision:
        cells = iter(aligned(display_tokens(values, display.precision)))
    else:
        cells = iter(aligned(exact_tokens(values)))
    for plane in whole:
        rows, columns = np.atleast_2d(plane.values).shape
        lines = (" ".join(islice(cells, columns)).rstrip() for _ in range(rows))
        yield "\n".join(lines)


def _quick_rows(rows: Array, display: Display) -> str:
    """Rows without padding; exact ones straight from the JSON library."""
    if display.precision:
        lines = (rounded_tokens(row, display.precision) for row in rows)
        return "\n".join(map(" ".join, lines))
    text = exact_json(rows).replace(b'"', b"").decode()
    return text[2:-2].replace("],[", "\n").replace(",", " ")
