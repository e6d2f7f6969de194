"""The .npz format: a zip file of .npy files, read member by member and never beyond its claims.

Limits: a file may unpack to ``FREE`` bytes in all, or to ``MAX_RATIO`` times its own size,
whichever is more. Ordinary data stays far below (zeros reach 1000 : 1, but not with a gigabyte of
them); a zip bomb does not, and is refused before anything is unpacked.
"""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections import Counter
from typing import IO, TYPE_CHECKING, Final

from convgrad_cli.arrays import npy
from convgrad_cli.arrays.names import shown
from convgrad_cli.errors import ConvgradError, FileError

if TYPE_CHECKING:
    from convgrad_cli.arrays.numeric import Array

FREE: Final = 1 << 30
MAX_RATIO: Final = 100

_ZIP_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the two that numpy writes


class NpzFile:
    """The members of a .npz file, each read when it is asked for."""

    def __init__(self, file: str | IO[bytes], name: str) -> None:
        """file: a path or a binary stream. name: whom to blame, an array or "The bundle"."""
        try:
            self._zip = zipfile.ZipFile(file)
        except _ZIP_ERRORS as error:
            raise _damaged(name, error) from None
        try:
            self._members = _checked_members(self._zip, _size(file), name)
        except BaseException:
            self._zip.close()
            raise

    @property
    def named(self) -> bool:
        return True

    def keys(self) -> list[str]:
        """The arrays' names, in the file's order."""
        return list(self._members)

    def array(self, key: str | None, name: str, *, allow_nonfinite: bool = False) -> Array:
        """The raw array of one member; its contents are not checked here."""
        member = self._members[key or ""]
        try:
            with self._zip.open(member) as stream:
                return npy.from_stream(stream, member.file_size, name)
        except ConvgradError:
            raise
        except _ZIP_ERRORS as error:
            raise _damaged(name, error) from None

    def value(self, key: str) -> object:
        """A member as the plain Python value an option has."""
        return self.array(key, key).tolist()

    def is_null(self, key: str) -> bool:
        """Never: an array is there or it is not."""
        return False

    def close(self) -> None:
        self._zip.close()


def _checked_members(archive: zipfile.ZipFile, size: int, name: str) -> dict[str, zipfile.ZipInfo]:
    members = archive.infolist()
    names = [member.filename.removesuffix(".npy") for member in members]
    if not members:
        raise FileError(f"{name} cannot be read: the .npz file holds no arrays.", array=name)
    for key, count in Counter(names).items():
        if count > 1:
            raise FileError(
                f"{name} cannot be read: the .npz file holds {shown(key)} {count} times.",
                expected="every name once",
                remedy="save the arrays again with numpy.savez",
                array=name,
            )
    unpacked = sum(member.file_size for member in members)
    if unpacked > max(FREE, MAX_RATIO * size):
        raise FileError(
            f"{name} cannot be read: the .npz file would unpack to far more than it is.",
            expected=f"at most {max(FREE, MAX_RATIO * size)} bytes",
            found=f"{unpacked} bytes, packed into {size}",
            remedy="if it is no zip bomb, save the arrays with numpy.save",
            array=name,
        )
    for member in members:
        _check_member(member, name)
    return dict(zip(names, members, strict=True))


def _check_member(member: zipfile.ZipInfo, name: str) -> None:
    fault = None
    if member.flag_bits & 0x1:
        fault = "is encrypted"
    elif not member.filename.endswith(".npy"):
        fault = "is not a .npy array"
    elif member.compress_type not in _METHODS:
        fault = "is packed in a way that numpy does not use"
    if fault is not None:
        raise FileError(
            f"{name} cannot be read: {shown(member.filename)} in the .npz file {fault}.",
            remedy="save the arrays again with numpy.savez",
            array=name,
        )


def _size(file: str | IO[bytes]) -> int:
    if isinstance(file, str):
        return os.path.getsize(file)
    return file.seek(0, os.SEEK_END)


def _damaged(name: str, error: BaseException) -> FileError:
    return FileError(
        f"{name} cannot be read: the .npz file is truncated or damaged.",
        found=str(error) or type(error).__name__,
        remedy="save or copy the file again",
        array=name,
    )
