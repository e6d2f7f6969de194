"""From what the user wrote (a path, FILE.npz:name, ``-``, JSON text) to an opened document.

The format of a file follows from its suffix, that of a stream (standard input, a pipe) from its
first bytes. What is in the array is judged in ``numeric``, and names in ``names``.
"""

from __future__ import annotations

import io
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from convgrad_cli.arrays import files, npy, numeric
from convgrad_cli.arrays.document import SingleArray
from convgrad_cli.arrays.loaded import Loaded
from convgrad_cli.arrays.names import (
    ARRAY_OF_KEY,
    METADATA,
    OPTIONS,
    STRUCTURE,
    nearest,
    option_of,
    shown,
    two_names,
)
from convgrad_cli.arrays.stdin import Stdin, read_stream
from convgrad_cli.errors import ConvgradError, FileError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.arrays.document import Document

_INLINE: Final = re.compile(r"\s*([\[{]|-?\d[\d.eE+-]*\s*$)")  # JSON lists, objects, numbers


@dataclass(frozen=True)
class Opened:
    """An open document, what to call it in messages, and the name asked for with FILE.npz:name."""

    document: Document
    source: str
    path: str | None = None
    key: str | None = None

    def load(self, key: str | None, name: str, *, allow_nonfinite: bool) -> Loaded:
        """One array of the document, checked."""
        source = self.source if key is None else f"{self.source}:{key}"
        with reading(name, source):
            array = self.document.array(key, name, allow_nonfinite=allow_nonfinite)
            array = numeric.as_numbers(array, name, allow_nonfinite=allow_nonfinite)
        return Loaded(array, source, self.path)


def read_array(spec: str, name: str, stdin: Stdin, *, allow_nonfinite: bool = False) -> Loaded:
    """The array that ``spec`` gives for ``name`` ("X", "W", "b", "dY", …).

    spec: a path, FILE.npz:name (a .json or .safetensors file too), "-", or JSON text itself.
    A file with several arrays gives the one that carries one of the array's names.
    Raises FileError, DataError or UsageError with the array and its source named.
    """
    opened = open_source(spec, name, option_of(name), stdin)
    try:
        return opened.load(_key(opened, name), name, allow_nonfinite=allow_nonfinite)
    finally:
        opened.document.close()


def open_source(spec: str, subject: str, user: str, stdin: Stdin) -> Opened:
    """The document behind ``spec``.

    subject: whom errors are about ("dY", "The bundle"). user: who asks, as the command line
    names it ("--upstream", "the bundle").
    """
    if spec == "-":
        stream = stdin.take(user)
        with reading(subject, "stdin"):
            return Opened(from_stream(read_stream(stream, subject), subject), "stdin")
    path, key = _split(spec)
    if _INLINE.match(spec) and not os.path.lexists(path):
        source = f"{user} (text)"
        with reading(subject, source):
            return Opened(files.open_json(spec.encode(errors="surrogateescape"), subject), source)
    with reading(subject, path):
        if files.is_stream(path, subject):
            with open(path, "rb") as stream:
                data = read_stream(stream, subject)
            return Opened(from_stream(data, subject), path, None, key)
        return Opened(files.open_file(path, subject), path, path, key)


def from_stream(data: bytes, subject: str) -> Document:
    """The document in bytes without a file name, told by how they start."""
    if data.startswith(npy.MAGIC):
        return SingleArray(npy.from_bytes(data, subject))
    if data.startswith(files.ZIP):
        return files.open_npz(io.BytesIO(data), subject)
    return files.open_json(data, subject)


@contextmanager
def reading(subject: str, source: str) -> Iterator[None]:
    """The one place where reading errors get their source, and the system's become the user's."""
    try:
        yield
    except ConvgradError as error:
        if error.array is None and subject in ARRAY_OF_KEY.values():
            error.array = subject
        error.located(source)
        raise
    except FileNotFoundError:
        raise files.missing(source, subject) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FileError(f"{subject} cannot be read: {reason}.", source=source) from None
    except MemoryError:
        raise FileError(
            f"{subject} cannot be read: it does not fit into memory.",
            remedy="save it as .npy, which is mapped and not copied",
            source=source,
        ) from None


def _split(spec: str) -> tuple[str, str | None]:
    """The path and the name of FILE.npz:name; a file whose own name has a colon is just a path."""
    path, colon, key = spec.rpartition(":")
    if colon and files.suffix_of(path) in files.BUNDLES and not os.path.lexists(spec):
        return path, key
    return spec, None


def _key(opened: Opened, name: str) -> str | None:
    """The name under which a document holds the array ``name``; None in one without names."""
    keys = opened.document.keys()
    if not opened.document.named and opened.key is None:
        return None
    if opened.key is not None:
        if opened.key in keys:
            return opened.key
        raise _no_such_key(opened.key, keys, name).located(opened.source)
    own = [key for key in keys if ARRAY_OF_KEY.get(key) == name]
    if len(own) > 1:
        raise two_names(name, own[0], own[1]).located(opened.source)
    arrays = [key for key in keys if key not in OPTIONS | METADATA | STRUCTURE]
    if own or len(arrays) == 1:
        return (own or arrays)[0]
    raise UsageError(
        f"{name} is given as a file of several arrays, and none of them is called {name}.",
        expected=f"one array, or one that is named {name}",
        found=", ".join(map(shown, arrays[:8])) or "no arrays",
        remedy="say which: FILE.npz:name",
        array=name,
        source=opened.source,
    )


def _no_such_key(key: str, keys: list[str], name: str) -> UsageError:
    near = nearest(key, keys)
    return UsageError(
        f"{name} cannot be read: the file holds nothing called {shown(key)}.",
        expected="one of " + ", ".join(map(shown, keys[:8])) if keys else "no name: one array",
        found=shown(key),
        remedy=f"did you mean {shown(near)}?" if near else None,
        array=name,
    )
