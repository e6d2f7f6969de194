"""The process of the command ``convgrad``: how it starts and how it ends, which both cost time.

A small command is over in the time that numpy takes to load, so what the interpreter does around
it counts. Only the console script and ``python -m convgrad_cli`` come through here; the commands
themselves (:func:`convgrad_cli.cli.main.main`) know nothing of it.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn

COLLECTED_FROM = 100_000
"""New objects after which Python looks for garbage. Loading modules makes none to speak of, yet
the usual 700 would have it search a hundred times before the command begins."""


def run() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    gc.set_threshold(COLLECTED_FROM, *gc.get_threshold()[1:])
    try:
        from convgrad_cli.cli.main import main

        main()
    except KeyboardInterrupt:  # before the commands' own boundary stands
        _end(130)
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise  # a text: the interpreter prints it
        _end(end.code or 0)
    _end(0)


def _end(code: int) -> NoReturn:
    """Leave without taking the interpreter apart object by object: its memory goes anyway.

    What was put off to the end of the process (temporary directories, say) is done first. Errors
    of stdout were told by ``main``, which flushed it; a closed stderr is no error.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # None, or closed by the caller
            stream.flush()
    os._exit(code)
