"""Making a mistake of a convolution: its stages follow from what it changes."""

from __future__ import annotations

from typing import Any

from convgrad_cli.check.mistake import Mistake
from convgrad_cli.check.recipes import stages_of

AXIS_NAMES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def mistake(id: str, phrase: str, fix: str, *, common: bool = True, **changes: Any) -> Mistake:
    """A mistake whose stages follow from what it changes."""
    return Mistake(id, phrase, fix, changes, stages_of(changes), common)
