"""The .npy format: the header is believed only where the file's real size bears it out.

Layout (numpy's NEP 1): magic ``\\x93NUMPY``, version, header length, a Python literal with
``descr``, ``fortran_order`` and ``shape``, then the elements and nothing else. Bytes after the
elements are refused: such a file is two files run together, and which was meant cannot be known.
Nothing is ever unpickled.
"""

from __future__ import annotations

import io
import math
import tokenize
import warnings
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from convgrad_cli.arrays import numeric
from convgrad_cli.errors import DataError, FileError

if TYPE_CHECKING:
    from convgrad_cli.arrays.numeric import Array

MAGIC: Final = b"\x93NUMPY"
MAP_FROM: Final = 16 << 20  # bytes; a larger file is mapped into memory, not copied

_HEADER_ERRORS: Final = (
    ValueError,
    TypeError,
    SyntaxError,
    KeyError,
    EOFError,
    RecursionError,
    MemoryError,
    tokenize.TokenError,
)


class Header(NamedTuple):
    """What the header claims, and where the elements start."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]
    offset: int

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"shape {self.shape}, {self.dtype}"


def read_header(stream: IO[bytes], name: str) -> Header:
    """The header at the start of ``stream``, which is left at the first element.

    Raises FileError for a damaged header, DataError for objects and records.
    """
    try:
        with warnings.catch_warnings():  # numpy warns of headers that Python 2 wrote; they are fine
            warnings.simplefilter("ignore")
            version = np.lib.format.read_magic(stream)
            if version not in ((1, 0), (2, 0), (3, 0)):
                raise ValueError(f"format version {version}")
            # Version 3 differs from 2 in the encoding of record names only, and those are refused.
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, fortran_order, dtype = read(stream)
    except _HEADER_ERRORS as error:
        raise FileError(
            f"{name} cannot be read: the header of the .npy file is damaged.",
            found=_first_line(error),
            remedy="save the array again with numpy.save",
            array=name,
        ) from None
    _check_claims(shape, dtype, name)
    return Header(tuple(int(size) for size in shape), fortran_order, dtype, stream.tell())


def from_bytes(data: bytes, name: str) -> Array:
    """The array that the bytes of a .npy file hold, without a copy (so it cannot be written to)."""
    header = read_header(io.BytesIO(data), name)
    check_size(header, len(data) - header.offset, name)
    flat = np.frombuffer(data, header.dtype, math.prod(header.shape), header.offset)
    return _shaped(flat, header)


def from_file(path: str, name: str) -> Array:
    """The array of a .npy file: read whole, or mapped read-only from ``MAP_FROM`` bytes on."""
    with open(path, "rb") as stream:
        first = stream.read(len(MAGIC))
        if first != MAGIC:
            raise FileError(f"{name} is not a .npy file.", array=name)
        stream.seek(0)
        header = read_header(stream, name)
        size = stream.seek(0, io.SEEK_END) - header.offset
        check_size(header, size, name)
        if size >= MAP_FROM:
            flat = np.memmap(path, header.dtype, "r", header.offset, math.prod(header.shape))
            return _shaped(flat, header)
        stream.seek(0)
        return from_bytes(stream.read(), name)


def from_stream(stream: IO[bytes], size: int, name: str) -> Array:
    """The array of a stream that is known to hold ``size`` bytes (a member of a .npz file)."""
    header = read_header(stream, name)
    check_size(header, size - header.offset, name)
    flat = np.empty(math.prod(header.shape), header.dtype)
    if flat.size:
        _fill(flat.view(np.uint8).data, stream, name)
    return _shaped(flat, header)


def check_size(header: Header, found: int, name: str) -> None:
    """FileError unless ``found`` bytes of elements are just what the header claims."""
    if found == header.nbytes:
        return
    kind = "is truncated" if found < header.nbytes else "goes on after its array"
    raise FileError(
        f"{name} cannot be read: the .npy data {kind}.",
        expected=f"{header.nbytes} bytes of elements   from its header ({header})",
        found=f"{found} bytes",
        remedy="save or copy the file again",
        array=name,
    )


def _check_claims(shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> None:
    if dtype.hasobject:
        raise DataError(
            f"{name} holds pickled Python objects, which are never loaded.",
            expected="real numbers (float16/32/64 or integers)",
            found=f"dtype {dtype}",
            remedy="save the array with a numeric dtype: numpy.save(path, array.astype(float))",
            array=name,
        )
    if any(size < 0 for size in shape) or dtype.itemsize == 0:
        raise FileError(
            f"{name} cannot be read: the header of the .npy file is damaged.",
            found=f"shape {shape}, {dtype}",
            remedy="save the array again with numpy.save",
            array=name,
        )
    if dtype.kind == "V":  # records, and arrays within the elements: numpy would add axes
        numeric.check_dtype(dtype, name)
    numeric.check_extent(shape, name)


def _fill(target: memoryview, stream: IO[bytes], name: str) -> None:
    """Reads the elements straight into their place; memory is touched only as data arrives."""
    done = 0
    while done < len(target):
        chunk = stream.read(min(1 << 20, len(target) - done))
        if not chunk:
            raise FileError(
                f"{name} cannot be read: the .npy data is truncated.",
                expected=f"{len(target)} bytes of elements",
                found=f"{done} bytes",
                array=name,
            )
        target[done : done + len(chunk)] = chunk
        done += len(chunk)


def _shaped(flat: Array, header: Header) -> Array:
    if header.fortran_order:
        return flat.reshape(header.shape[::-1]).T
    return flat.reshape(header.shape)


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:120]
