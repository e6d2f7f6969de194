"""Opening a file by its suffix, once it is known to be a file, and of the kind it says it is.

A reader loads when a file of its kind is met: zipfile alone takes 10 ms, for .npz only.
"""

from __future__ import annotations

import os
import stat
from typing import IO, TYPE_CHECKING, Final

from convgrad_cli.arrays import npy
from convgrad_cli.arrays.document import SingleArray
from convgrad_cli.arrays.names import nearest, shown
from convgrad_cli.errors import FileError

if TYPE_CHECKING:
    from convgrad_cli.arrays.document import Document

TABLES: Final = (".csv", ".tsv", ".txt")
BUNDLES: Final = (".npz", ".json", ".safetensors")
SUFFIXES: Final = (".npy", *BUNDLES, *TABLES)

ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")  # the second: a zip file with nothing in it
_SIGNATURES: Final = (
    (npy.MAGIC, "a .npy file"),
    (ZIP[0], "a zip file, as .npz is"),
    (ZIP[1], "a zip file, as .npz is"),
    (b"\x80", "a Python pickle, which is never loaded"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x89PNG", "a picture"),
    (b"%PDF", "a PDF document"),
)
_STARTS: Final = {".npy": (npy.MAGIC,), ".npz": ZIP}


def is_stream(path: str, subject: str) -> bool:
    """Whether a path is a pipe (read from front to back) and not a file. Raises FileError, OSError.

    A redirected standard input (/dev/stdin, /dev/fd/0) is a file without a suffix: a stream too.
    Devices such as /dev/zero have no end and are refused.
    """
    try:
        mode = os.stat(path).st_mode
    except ValueError:  # a NUL in the name
        raise FileNotFoundError(path) from None
    if stat.S_ISFIFO(mode):
        return True
    if stat.S_ISREG(mode):
        return path.startswith(("/dev/", "/proc/")) and suffix_of(path) not in SUFFIXES
    what = "a directory" if stat.S_ISDIR(mode) else "a device, not a file"
    raise FileError(f"{subject} cannot be read: the path is {what}.", expected="a file")


def open_file(path: str, subject: str) -> Document:
    """The document in a regular file. Raises FileError, DataError, OSError."""
    suffix = suffix_of(path)
    if suffix not in SUFFIXES:
        raise FileError(
            f"{subject} cannot be read: the file's suffix names no format that convgrad reads.",
            expected=" ".join(SUFFIXES),
            found=suffix or "no suffix",
            remedy="give the file the suffix of its format",
        )
    with open(path, "rb", buffering=0) as stream:  # a buffer would cost a copy of a large text
        _check_kind(stream.read(16), suffix, subject)
        stream.seek(0)
        if suffix in TABLES:
            from convgrad_cli.arrays import table_text

            return SingleArray(table_text.from_bytes(stream.read(), subject))
        if suffix == ".json":
            return open_json(stream.read(), subject)
    if suffix == ".npy":
        return SingleArray(npy.from_file(path, subject))
    if suffix == ".npz":
        return open_npz(path, subject)
    from convgrad_cli.arrays.safetensors import SafetensorsFile

    return SafetensorsFile(path, subject)


def open_json(text: bytes, subject: str) -> Document:
    """A JSON text."""
    from convgrad_cli.arrays.json_text import JsonText

    return JsonText(text, subject)


def open_npz(file: str | IO[bytes], subject: str) -> Document:
    """A .npz file or stream."""
    from convgrad_cli.arrays.npz import NpzFile

    return NpzFile(file, subject)


def suffix_of(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def missing(path: str, subject: str) -> FileError:
    """The error for a path where nothing is, with the file that may have been meant."""
    folder, name = os.path.split(path)
    try:
        near = nearest(name, os.listdir(folder or "."))
    except (OSError, ValueError):
        near = None
    return FileError(
        f"{subject} cannot be read: there is no such file.",
        expected="a path, FILE.npz:name, - for standard input, or JSON text",
        found=shown(path),
        remedy=f"did you mean {shown(os.path.join(folder, near))}?" if near else None,
    )


def _check_kind(first: bytes, suffix: str, subject: str) -> None:
    """FileError when the first bytes show a file to be empty, or of another kind than it says."""
    if not first:
        raise FileError(f"{subject} cannot be read: the file is empty.", found="0 bytes")
    kind = next((text for mark, text in _SIGNATURES if first.startswith(mark)), None)
    if suffix in _STARTS:
        right = any(first.startswith(mark[: len(first)]) for mark in _STARTS[suffix])
    else:
        right = kind is None or suffix == ".safetensors"
    if not right:
        raise FileError(
            f"{subject} cannot be read: the file is not what its suffix {suffix} says.",
            expected=f"a {suffix} file",
            found=kind or f"data that starts with {first[:8]!r}",
            remedy="give the file the suffix of its format",
        )
