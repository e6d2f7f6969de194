"""The .safetensors format, through the optional package of that name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from convgrad_cli.errors import DataError, FileError, UsageError

if TYPE_CHECKING:
    from convgrad_cli.arrays.numeric import Array

_NUMPY_HAS: Final = frozenset(
    ["BOOL", "F16", "F32", "F64", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64"]
)


class SafetensorsFile:
    """The tensors of a .safetensors file, each read when it is asked for."""

    def __init__(self, path: str, name: str) -> None:
        """Raises UsageError without the package, FileError for a file that is not this format."""
        try:
            from safetensors import SafetensorError, safe_open
        except ImportError:
            raise UsageError(
                f"{name} is a .safetensors file, and the package that reads those is missing.",
                remedy="pip install 'convgrad[safetensors]'",
                array=name,
            ) from None
        try:
            self._file: Any = safe_open(path, framework="np")
        except SafetensorError as error:
            raise FileError(
                f"{name} cannot be read: the .safetensors file is truncated or damaged.",
                found=str(error),
                remedy="save or copy the file again",
                array=name,
            ) from None

    @property
    def named(self) -> bool:
        return True

    def keys(self) -> list[str]:
        """The tensors' names."""
        return list(self._file.keys())

    def array(self, key: str | None, name: str, *, allow_nonfinite: bool = False) -> Array:
        """The raw array of one tensor. Raises DataError for a dtype that numpy does not have."""
        dtype = self._file.get_slice(key).get_dtype()
        if dtype not in _NUMPY_HAS:
            raise DataError(
                f"{name} holds numbers of a kind that numpy does not have.",
                expected="real numbers (float16/32/64 or integers)",
                found=f"dtype {dtype}",
                remedy="save it as float32",
                array=name,
            )
        array: Array = self._file.get_tensor(key)
        return array

    def value(self, key: str) -> object:
        """A tensor as the plain Python value an option has."""
        return self.array(key, key).tolist()

    def is_null(self, key: str) -> bool:
        """Never: an array is there or it is not."""
        return False

    def close(self) -> None:
        """Nothing to do: the file is released with the object."""
