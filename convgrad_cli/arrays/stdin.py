"""Standard input, which one array or bundle can have, once."""

from __future__ import annotations

import sys
from typing import IO, Final

from convgrad_cli.errors import FileError, UsageError

_FIRST: Final = 1 << 16
_FORMATS: Final = "JSON, .npy or .npz data"
_STARTS: Final = b'[{"-0123456789tfnNI\x93P'  # of a JSON value, of .npy, of .npz


class Stdin:
    """The process's binary standard input (or ``stream``), to be taken at most once."""

    def __init__(self, stream: IO[bytes] | None = None) -> None:
        self._stream = stream
        self._taken_by: str | None = None

    def take(self, user: str) -> IO[bytes]:
        """The stream, for ``user`` as the command line names it ("--input", "the bundle").

        Raises UsageError when it was taken before or is a terminal, FileError when it is closed.
        """
        if self._taken_by is not None:
            raise UsageError(
                _sentence(f"{self._taken_by} and {user} both read standard input."),
                expected="standard input used once",
                remedy="give one of them as a file, or both in one bundle",
            )
        self._taken_by = user
        return self._open(user)

    def _open(self, user: str) -> IO[bytes]:
        stream = self._stream
        if stream is None and sys.stdin is not None:
            stream = sys.stdin.buffer
        if stream is None or stream.closed:
            raise FileError(
                _sentence(f"{user} reads standard input, but that is closed."),
                expected=_FORMATS,
                remedy="pipe the data in, or name a file",
            )
        if stream.isatty():
            raise UsageError(
                _sentence(f"{user} reads standard input, but that is a terminal."),
                expected=_FORMATS,
                remedy="pipe the data in (convgrad … < layer.json), or name a file",
            )
        return stream


def read_stream(stream: IO[bytes], subject: str) -> bytes:
    """All bytes of a stream; FileError as soon as the first begin nothing that convgrad reads.

    So a stream without end (``yes |``) is refused and not read for ever.
    """
    first = stream.read(_FIRST)
    if not first:
        raise FileError(
            f"{subject} cannot be read: there is nothing in it.",
            expected=_FORMATS,
            found="0 bytes",
        )
    start = first.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start and start not in _STARTS:
        raise FileError(
            f"{subject} cannot be read: it is none of the formats read from a stream.",
            expected=f"{_FORMATS}, told apart by the first bytes",
            found=f"data that starts with {first[:8]!r}",
        )
    return first + stream.read()


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
