"""What an array must be before it is computed with: real numbers, finite, not empty, few axes.

Every reader ends here, so each rule on *contents* stands once. Nothing copies an array that is
already fine: a memory-mapped file stays mapped, and the search for NaN goes block by block.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from convgrad_cli.arrays.names import VECTORS
from convgrad_cli.errors import DataError

Array = npt.NDArray[Any]

MAX_RANK: Final = 5  # (N, C, D, H, W): a three-dimensional layer with batch and channels
_BLOCK: Final = 1 << 20  # elements looked at together when searching for NaN

_REFUSED_KINDS: Final = {
    "b": ("booleans", "write 0 and 1 instead"),
    "c": ("complex numbers", "pass the real and the imaginary part as two arrays"),
    "O": ("Python objects", "save it with a numeric dtype"),
    "U": ("text", "save it with a numeric dtype"),
    "S": ("text", "save it with a numeric dtype"),
    "T": ("text", "save it with a numeric dtype"),
    "V": ("records or raw bytes", "save it as float32 or another dtype that numpy itself has"),
    "M": ("dates", "save it with a numeric dtype"),
    "m": ("time spans", "save it with a numeric dtype"),
}
_AXES: Final = f"at most {MAX_RANK} axes: (N, C, D, H, W)"
_REAL_DTYPES: Final = frozenset(
    ["float16", "float32", "float64"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
)
_NUMBERS: Final = "real numbers (float16/32/64 or integers)"


def as_numbers(array: Array, name: str, *, allow_nonfinite: bool = False) -> Array:
    """``array`` in native byte order, once it is known to hold usable numbers.

    name: the array as errors call it ("X", "dY"). A bias may be a lone number: it becomes (1,).
    Raises DataError: not real numbers, no elements, no axes or too many, or (unless
    ``allow_nonfinite``) a NaN or an infinity.
    """
    check_dtype(array.dtype, name)
    check_shape(array.shape, name)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if not allow_nonfinite:
        check_finite(array, name)
    return array.reshape(1) if array.ndim == 0 else array


def restored(array: Array, word: object) -> Array:
    """The array in the dtype it had when it was written, where that takes nothing from it.

    word: the dtype's name, from ``dtypes`` of one of our JSON results. A float32 is written with
    the digits that single it out among the float32s, so the float64 they parse to is rounded back
    to just that float32. Everything else must survive unchanged, or the array stays as it is.
    """
    if not isinstance(word, str) or word not in _REAL_DTYPES or word == array.dtype.name:
        return array
    with np.errstate(all="ignore"):
        cast = array.astype(word)
    if array.dtype.kind == cast.dtype.kind == "f":
        same = np.isfinite(cast) == np.isfinite(array)
    else:
        same = cast.astype(array.dtype) == array
    return cast if bool(same.all()) else array


def check_dtype(dtype: np.dtype[Any], name: str) -> None:
    """DataError unless the dtype is one of the real ones that convgrad computes in."""
    if dtype.kind in "iu" or (dtype.kind == "f" and dtype.itemsize <= 8):
        return
    if dtype.kind == "f":
        what, remedy = "extended-precision numbers", "save it as float64"
    else:
        what, remedy = _REFUSED_KINDS.get(dtype.kind, ("values", "save it with a numeric dtype"))
    raise DataError(
        f"{name} holds {what}, not real numbers.",
        expected=_NUMBERS,
        found=f"dtype {dtype}",
        remedy=remedy,
        array=name,
    )


def check_shape(shape: tuple[int, ...], name: str) -> None:
    """DataError for a shape that no array of a layer can have."""
    check_extent(shape, name)
    if not shape and name not in VECTORS:
        raise DataError(
            f"{name} is a single number, not an array.",
            expected="an array with one to five axes",
            found="a number",
            remedy="write a lone number as [[3]]",
            array=name,
        )


def check_extent(shape: tuple[int, ...], name: str) -> None:
    """DataError for a shape without elements, or with more axes than any array of a layer has."""
    if 0 in shape:
        raise DataError(
            f"{name} is empty: axis {shape.index(0)} has size 0.",
            expected="at least one element along every axis",
            found=f"shape {shape}",
            array=name,
        )
    if len(shape) > MAX_RANK:
        raise DataError(
            f"{name} has too many axes.",
            expected=_AXES,
            found=f"{len(shape)} axes",
            array=name,
        )


def check_finite(array: Array, name: str) -> None:
    """DataError that names the first NaN or infinity (in row-major order), if there is one."""
    if array.dtype.kind != "f":
        return
    flat = _flat_view(array)
    for start in range(0, flat.size, _BLOCK):
        if not np.isfinite(flat[start : start + _BLOCK]).all():
            index = _first_nonfinite(array)
            raise not_finite(name, index, float(array[index]))


def not_finite(name: str, index: tuple[int, ...], value: float) -> DataError:
    """The error for a NaN or an infinity at ``index``."""
    word = "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")
    return DataError(
        f"{name} holds a value that is not finite.",
        expected="finite numbers",
        found=f"{word} at {list(index)}",
        remedy="pass --allow-nonfinite to compute with NaN and infinities",
        array=name,
    )


def too_deep(name: str, found: str) -> DataError:
    """The error for lists nested deeper than any array of a layer."""
    return DataError(f"{name} is nested too deep.", expected=_AXES, found=found, array=name)


def too_big(name: str, literal: str, place: str) -> DataError:
    """The error for an integer literal that int64 cannot hold and a float would round."""
    return DataError(
        f"{name} holds an integer beyond 64 bits, which would have to be rounded.",
        expected="integers from -2**63 to 2**63 - 1",
        found=f"{literal if len(literal) <= 40 else literal[:40] + '…'}{place}",
        remedy="write it with a decimal point if a rounded value will do",
        array=name,
    )


def _flat_view(array: Array) -> Array:
    """All elements along one axis in memory order, as a view wherever the array is contiguous."""
    return array.T.reshape(-1) if array.flags.f_contiguous else array.reshape(-1)


def _first_nonfinite(array: Array) -> tuple[int, ...]:
    """The index of the first NaN or infinity in row-major order (there must be one).

    Descends axis by axis, so that a large array needs no large mask.
    """
    index: tuple[int, ...] = ()
    for _ in range(array.ndim):
        size = array.shape[len(index)]
        index += (next(i for i in range(size) if _has_nonfinite(array[(*index, i)])),)
    return index


def _has_nonfinite(part: Array) -> bool:
    return not bool(np.isfinite(part).all())
