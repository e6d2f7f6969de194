"""The one error family: everything a user can cause, told as fact, expected, found, remedy.

Floor 0 of the house: this file imports nothing of convgrad. Library code raises the bare fact;
the code that knows the array's file adds it with :meth:`ConvgradError.located`; the command line
prints the whole once and exits with ``exit_code``. Anything else that escapes is a bug.
"""

from __future__ import annotations

import re
from typing import Self


class ConvgradError(ValueError):
    """A mistake in what the user gave: one sentence, then what was expected, found, the way out.

    ``array`` names the array concerned (``"X"``, ``"dY"`` …) so that a caller who knows the file
    it came from can add it; ``source`` is that file.
    """

    exit_code = 2

    def __init__(
        self,
        summary: str,
        *,
        expected: str | None = None,
        found: str | None = None,
        remedy: str | None = None,
        array: str | None = None,
        source: str | None = None,
    ) -> None:
        super().__init__(summary)
        self.summary = summary
        self.expected = expected
        self.found = found
        self.remedy = remedy
        self.array = array
        self.source = source

    def located(self, source: str | None) -> Self:
        """The same error, with the file (or option) the array came from filled in once."""
        if self.source is None:
            self.source = source
        return self

    def renamed(self, old: str, new: str) -> Self:
        """The same error about an array that the user knows by another name."""

        def renamed(text: str | None) -> str | None:
            return None if text is None else re.sub(rf"\b{re.escape(old)}\b", new, text)

        return type(self)(
            renamed(self.summary) or "",
            expected=renamed(self.expected),
            found=renamed(self.found),
            remedy=renamed(self.remedy),
            array=renamed(self.array),
            source=self.source,
        )

    def __str__(self) -> str:
        found = self.found
        if self.source is not None:
            found = f"{found}   in {self.source}" if found is not None else f"in {self.source}"
        rows = (("expected", self.expected), ("found", found), ("remedy", self.remedy))
        lines = [f"  {label:<8}  {text}" for label, text in rows if text is not None]
        return "\n".join([self.summary, *lines])


class UsageError(ConvgradError):
    """The command or call itself is wrong: options that clash, unknown words, missing arrays."""


class GeometryError(ConvgradError):
    """Stride, padding, dilation, groups or a window that describe no layer."""


class ShapeError(ConvgradError):
    """An array whose shape does not fit the layer."""


class DataError(ConvgradError):
    """An array whose contents cannot be used: dtype, NaN, ragged, too large for the result type."""


class FileError(ConvgradError):
    """A file that cannot be read or written: missing, truncated, pickled, full disk."""


class VerificationError(ConvgradError):
    """``--verify`` found the result and the independent route to differ (exit code 3)."""

    exit_code = 3
