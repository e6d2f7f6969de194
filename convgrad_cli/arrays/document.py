"""What every opened source looks like: one array, or several under names.

``npy`` and ``table_text`` give a :class:`SingleArray`; ``npz``, ``json_text`` and ``safetensors``
have a class each with these same members.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from convgrad_cli.arrays.numeric import Array


class Document(Protocol):
    """An opened file, stream or text."""

    @property
    def named(self) -> bool:
        """Whether it holds arrays under names, and not just one array."""

    def keys(self) -> list[str]:
        """The names, where it has names."""

    def array(self, key: str | None, name: str, *, allow_nonfinite: bool = False) -> Array:
        """One array as stored. key: its name there, None for the only one; name: for errors."""

    def value(self, key: str) -> object:
        """What stands under a name as plain Python: a number, a text, lists."""

    def is_null(self, key: str) -> bool:
        """Whether nothing stands there: JSON's null."""

    def close(self) -> None:
        """Release the file."""


@dataclass(frozen=True)
class SingleArray:
    """A source that is one array."""

    content: Array

    @property
    def named(self) -> bool:
        return False

    def keys(self) -> list[str]:
        return []

    def array(self, key: str | None, name: str, *, allow_nonfinite: bool = False) -> Array:
        return self.content

    def value(self, key: str) -> object:
        raise KeyError(key)

    def is_null(self, key: str) -> bool:
        return False

    def close(self) -> None:
        """Nothing to do."""
