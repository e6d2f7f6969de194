"""Results written while they are computed: mapped .npy files in a directory, whole or not at all.

For arrays larger than memory. Each is a temporary file beside its target, mapped for writing, and
renamed only when all are complete.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext, suppress
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.arrays.write import check_target, made_folder, refusals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from convgrad_cli.arrays.numeric import Array


class OutputArrays:
    """Arrays under construction; see :func:`output_arrays`."""

    def __init__(self, place: Path, inputs: Iterable[str | Path]) -> None:
        self._place = place
        self._inputs = list(inputs)
        self._arrays: dict[Path, tuple[Path, Any]] = {}

    def array(self, name: str, shape: Sequence[int], dtype: Any) -> Array:
        """A zeroed array to be filled, which becomes ``name.npy`` (or the one .npy file asked for).

        The disk space is reserved at once, so that a full disk is an error here and not a crash of
        the mapping later.
        """
        single = self._place.suffix == ".npy"
        target = Path(os.path.realpath(self._place if single else self._place / f"{name}.npy"))
        check_target(target, self._inputs)
        temporary = target.parent / f".convgrad-{os.urandom(6).hex()}.tmp"
        self._arrays[temporary] = (target, None)
        with open(temporary, "xb") as stream:
            np.lib.format.write_array_header_2_0(stream, _header(shape, dtype))
            offset = stream.tell()
            stream.flush()
            _reserve(stream.fileno(), offset, prod(shape) * np.dtype(dtype).itemsize)
        mapped = np.memmap(temporary, dtype, mode="r+", offset=offset, shape=tuple(shape))
        self._arrays[temporary] = (target, mapped)
        return mapped

    def finish(self) -> None:
        """Everything is computed: give the files their names."""
        for _, mapped in self._arrays.values():
            mapped.flush()
        for temporary, (target, _) in self._arrays.items():
            os.replace(temporary, target)

    def discard(self) -> None:
        """Remove what has not been renamed."""
        for temporary in self._arrays:
            with suppress(OSError):
                temporary.unlink()


@contextmanager
def output_arrays(path: str | Path, inputs: Iterable[str | Path]) -> Iterator[OutputArrays]:
    """A directory, or one .npy file, whose arrays appear when the block ends without an error.

    Raises FileError for what the system refuses, and for a target that is one of ``inputs``.
    """
    place = Path(path)
    with refusals(place), nullcontext() if place.suffix == ".npy" else made_folder(place):
        under_way = OutputArrays(place, inputs)
        try:
            yield under_way
            under_way.finish()
        finally:
            under_way.discard()


def _header(shape: Sequence[int], dtype: Any) -> dict[str, Any]:
    return {
        "descr": np.lib.format.dtype_to_descr(np.dtype(dtype)),
        "fortran_order": False,
        "shape": tuple(shape),
    }


def _reserve(file: int, offset: int, size: int) -> None:
    """Take the disk space now; where the system cannot, only set the size."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, offset, size)
    else:
        os.truncate(file, offset + size)
