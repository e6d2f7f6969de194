"""The line on stderr that shows that a command is at work, and how far; in a terminal only.

It appears when a command has lasted :data:`PATIENCE` and goes when it ends. A thread draws it, so
that it moves while reading, computing or writing has the main thread; a layer that knows how far it
is says so through :func:`progress_bar`. Whoever writes to the terminal meanwhile does it in
:func:`hidden`.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 2.0
"""Seconds before the line appears."""
EVERY = 0.2
"""Seconds from one drawing to the next."""

_BAR = 30
_ERASE = "\r\x1b[K"


class _Line:
    """What is drawn, and the thread that draws it."""

    def __init__(self) -> None:
        self.terminal = Lock()
        self._over = Event()
        self.about("working")
        self._start = self._since
        self._drawn = False
        self._thread = Thread(target=self._keep_drawing, daemon=True)
        self._thread.start()

    def about(self, label: str) -> None:
        """What is done now, so far without a measure."""
        self._label, self._done, self._total, self._since = label, 0, 0, time.monotonic()

    def report(self, done: int, total: int) -> None:
        """How much of it is done."""
        self._done, self._total = done, total

    def erase(self) -> None:
        """Take the line off the screen; the caller holds ``terminal``."""
        if self._drawn:
            self._write(_ERASE)
            self._drawn = False

    def close(self) -> None:
        """Draw no more, and leave no line; a second time does no harm."""
        self._over.set()
        self._thread.join()
        self.erase()

    def _keep_drawing(self) -> None:
        wait = PATIENCE
        while not self._over.wait(wait):
            with self.terminal:
                self._write(_ERASE + self._text())
                self._drawn = True
            wait = EVERY

    def _text(self) -> str:
        """``gradients ━━━━━━──── 60%, 4 s left``, or ``working, 7 s`` where nothing is known."""
        now, done, total = time.monotonic(), self._done, self._total
        if not done or done > total:
            text = f"{self._label}, {now - self._start:.0f} s"
        else:
            left = (now - self._since) * (total - done) / done
            full, empty = "━─" if _takes_unicode() else "#-"
            part = _BAR * done // total
            bar = full * part + empty * (_BAR - part)
            text = f"{self._label} {bar} {done / total:.0%}, {left:.0f} s left"
        return text[: _columns() - 1]

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):  # the terminal went away: no reason to stop
            sys.stderr.write(text)
            sys.stderr.flush()


_line: _Line | None = None


@contextmanager
def watched(*, quiet: bool) -> Iterator[None]:
    """A command at work: the line is there for as long as it lasts."""
    global _line
    if quiet or not _in_terminal():
        yield
        return
    line = _line = _Line()
    try:
        yield
    finally:
        _line = None
        try:
            line.close()
        except KeyboardInterrupt:  # Ctrl-C at the very end, or while the main thread could not hear
            line.close()
            raise


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A function ``(done, total)`` for work that knows how far it is."""
    line = _line
    if line is None:
        yield lambda done, total: None
        return
    line.about(label)
    try:
        yield line.report
    finally:
        line.about("working")


@contextmanager
def hidden() -> Iterator[None]:
    """No line, while something else is written to the terminal."""
    if _line is None:
        yield
        return
    with _line.terminal:
        _line.erase()
        yield


def _in_terminal() -> bool:
    """Whether stderr is a terminal that can erase a line; a closed one (``2>&-``) is None."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _takes_unicode() -> bool:
    return (sys.stderr.encoding or "ascii").lower().replace("-", "") == "utf8"


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
