"""The one error boundary: what a user can cause becomes one text on stderr and an exit code.

    0 done    1 check found a difference    2 bad usage, data, files, memory
    3 --verify failed    130 interrupted    141 closed pipe

Anything else is a bug and keeps its traceback.
"""

from __future__ import annotations

import os
import sys
from enum import IntEnum
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn

from convgrad_cli.cli.progress import hidden, watched
from convgrad_cli.errors import ConvgradError

if TYPE_CHECKING:
    from collections.abc import Callable


class ExitCode(IntEnum):
    """The contract's exit codes."""

    DONE = 0
    DIFFERENCE = 1
    BAD_INPUT = 2
    NOT_VERIFIED = 3
    INTERRUPTED = 130
    CLOSED_PIPE = 141


def bounded(function: Callable[..., None]) -> Callable[..., None]:
    """``function`` with every error a user can cause turned into its text and exit code."""

    @wraps(function)
    def call(*args: Any, **options: Any) -> None:
        try:
            with watched(quiet=bool(options.get("quiet"))):
                function(*args, **options)
                flush_stdout()
        except ConvgradError as error:
            leave(error.exit_code, str(error))
        except BrokenPipeError:
            leave_closed_pipe()
        except KeyboardInterrupt:
            leave(ExitCode.INTERRUPTED)
        except MemoryError as error:
            leave(ExitCode.BAD_INPUT, _out_of_memory(error))
        except OSError as error:
            leave_unwritable(error)

    # The wrapper must show its own signature, not the wrapped function's annotations.
    del call.__wrapped__
    call.__signature__ = function.__signature__  # type: ignore[attr-defined]
    return call


def leave(code: int, text: str | None = None) -> NoReturn:
    """End the process with ``code``, ``text`` on stderr; stdout is flushed as far as it goes."""
    if text is not None:
        say(text)
    try:
        flush_stdout()
    except OSError:
        _discard_stdout()
    raise SystemExit(int(code))


def leave_unwritable(error: OSError) -> NoReturn:
    """stdout took no more (a full disk): one sentence. An error of some other file is a bug."""
    if error.filename is not None or error.errno is None:
        raise error
    _discard_stdout()
    leave(ExitCode.BAD_INPUT, f"Cannot write the result: {os.strerror(error.errno)}.")


def leave_closed_pipe() -> NoReturn:
    """The reader went away: end quietly, as programs in a pipe do."""
    _discard_stdout()
    raise SystemExit(int(ExitCode.CLOSED_PIPE))


def say(text: str) -> None:
    """One line or block for the person: stderr, never stdout; a closed stderr is no error."""
    if sys.stderr is None:  # closed by the caller: print would take stdout instead
        return
    try:
        encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
        if encoding.lower().replace("-", "") != "utf8":
            from convgrad_cli.render.plain_text import plain_ascii

            text = plain_ascii(text)
        safe = text.encode(encoding, errors="backslashreplace").decode(encoding)
        with hidden():
            print(safe, file=sys.stderr)
    except (OSError, ValueError):
        pass


def flush_stdout() -> None:
    """Hand over what Python still holds. Raises OSError where the other side takes no more."""
    if sys.stdout is not None:  # closed by the caller: >&-
        sys.stdout.flush()


def _discard_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush cannot complain."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)


def _out_of_memory(error: MemoryError) -> str:
    detail = str(error)
    return (
        "Not enough memory for this layer."
        + (f"\n  found     {detail}" if detail else "")
        + "\n  remedy    use --only to compute less, or .npy files with -o DIRECTORY/, which stream"
    )
