"""What a written derivation consists of, for the forms (table, text, LaTeX, Markdown) to lay out.

Every symbol is already text in one script; nothing is left to compute. Rows come lazily.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Math(NamedTuple):
    """A symbol or formula within words."""

    text: str


class Heading(NamedTuple):
    """The title of a part: words, then a symbol."""

    words: str
    symbol: str = ""


class Sentence(NamedTuple):
    """Words with symbols among them."""

    parts: tuple[str | Math, ...]


class Side(NamedTuple):
    """One right side: its terms, how many more were left out, and what stands between them."""

    terms: Sequence[str]
    more: int = 0


class Row(NamedTuple):
    """One element: its left side, its right sides by step, and its value."""

    left: str
    sides: dict[str, Side]
    value: str | None = None


@dataclass
class Rows:
    """Elements' equations. ``more`` is set once the rows have been taken: elements left out."""

    columns: tuple[str, ...]
    rows: Iterator[Row]
    more: int = 0


class Formula(NamedTuple):
    """A general formula: left side and its successive right sides, each one piece."""

    left: str
    sides: tuple[str, ...]


class Local(NamedTuple):
    """The local gradients of one element: ``∂O11/∂F11 = X11``, one after the other."""

    pairs: Sequence[tuple[str, str]]
    more: int = 0


@dataclass(frozen=True)
class Grid:
    """A matrix of symbols or numbers; ``marked`` cells are a window or deleted padding."""

    cells: Sequence[Sequence[str]]
    marked: frozenset[tuple[int, int]] = field(default_factory=frozenset)


class Picture(NamedTuple):
    """Matrices with text between them: ``z′_1 [ … ] + z′_2 [ … ]``."""

    parts: tuple[str | Grid, ...]


Block: TypeAlias = "Heading | Sentence | Rows | Formula | Local | Picture"


def sentence(*parts: str | Math) -> Sentence:
    """A sentence of its parts."""
    return Sentence(parts)
