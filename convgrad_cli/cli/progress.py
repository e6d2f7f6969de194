"""A progress bar on stderr for what takes longer than about two seconds, in a terminal only."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 2.0
"""Seconds before the bar appears."""


@contextmanager
def progress_bar(label: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A function ``(done, total)`` that draws a bar once the work has lasted :data:`PATIENCE`."""
    bar = _Bar(label, visible=not quiet and _in_terminal())
    try:
        yield bar
    finally:
        bar.close()


class _Bar:
    def __init__(self, label: str, *, visible: bool) -> None:
        self._label, self._visible = label, visible
        self._start = time.monotonic()
        self._drawn: Any = None
        self._task: Any = None

    def __call__(self, done: int, total: int) -> None:
        if not self._visible or time.monotonic() - self._start < PATIENCE:
            return
        if self._drawn is None:
            from rich.console import Console
            from rich.progress import Progress

            self._drawn = Progress(console=Console(stderr=True), transient=True)
            self._task = self._drawn.add_task(self._label, total=total)
            self._drawn.start()
        self._drawn.update(self._task, completed=done)

    def close(self) -> None:
        if self._drawn is not None:
            self._drawn.stop()


def _in_terminal() -> bool:
    """Whether stderr is a terminal; a closed one (``2>&-``) is None in Python."""
    return sys.stderr is not None and sys.stderr.isatty()
