"""Results out, whole or not at all.

Everything is written to a temporary file beside its target and renamed at the end, so that a full
disk, Ctrl-C or a crash leaves what was there before. A file that is read is never written to.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import IO, TYPE_CHECKING, Final, NoReturn, cast

import numpy as np

from convgrad_cli.arrays.names import shown
from convgrad_cli.arrays.table_text import to_text
from convgrad_cli.errors import FileError, UsageError

if TYPE_CHECKING:
    from convgrad_cli.arrays.numeric import Array

TEXT_FORMATS: Final = {".json": "json", ".tex": "latex", ".md": "markdown", ".txt": "text"}
_SEPARATORS: Final = {".csv": ",", ".tsv": "\t"}
_REMEDIES: Final = {
    errno.ENOSPC: "nothing was written: free some space, or choose another --output",
    errno.EDQUOT: "nothing was written: free some space, or choose another --output",
}
SUFFIXES: Final = (".npz", ".npy", *TEXT_FORMATS, *_SEPARATORS)

Writer = Callable[[IO[bytes]], object]
Text = Callable[[str], str | bytes]


def write_results(
    path: str | Path,
    arrays: Mapping[str, Array],
    text: Text | None,
    *,
    inputs: Iterable[str | Path],
) -> None:
    """Write the arrays as the suffix of ``path`` says; a directory gets one .npy for each.

    text: gives the result in a format ("json", "latex", "markdown", "text"), for the suffixes that
    show it. inputs: the files that were read, which are never written over.
    Raises UsageError for a suffix or a number of arrays that does not fit, FileError for all that
    the system refuses.
    """
    spelled = os.fspath(path)
    target = Path(spelled)
    if spelled.endswith(("/", os.sep)) or os.path.isdir(spelled):
        writers = {target / f"{name}.npy": _npy(array) for name, array in arrays.items()}
        with refusals(target), made_folder(target):
            _replace_all(writers, inputs)
    else:
        writer = _writer(target, arrays, text)
        with refusals(target):
            _replace_all({target: writer}, inputs)


def write_content(path: str | Path, content: bytes, *, inputs: Iterable[str | Path]) -> None:
    """One file with this content (a page, a figure), whole or not at all.

    inputs: the files that were read, which are never written over.
    Raises FileError for all that the system refuses.
    """
    target = Path(path)
    with refusals(target):
        _replace_all({target: lambda stream: stream.write(content)}, inputs)


def _writer(target: Path, arrays: Mapping[str, Array], text: Text | None) -> Writer:
    """What puts the result into a file with this suffix."""
    suffix = target.suffix.lower()
    if suffix == ".npz":
        return lambda stream: np.savez(stream, **arrays)  # type: ignore[arg-type]
    if suffix == ".npy":
        return _npy(_only(arrays, target))
    if suffix in _SEPARATORS:
        lines = to_text(_only(arrays, target), _SEPARATORS[suffix]).encode()
        return lambda stream: stream.write(lines)
    if suffix in TEXT_FORMATS and text is not None:
        content = text(TEXT_FORMATS[suffix])
        data = content.encode() if isinstance(content, str) else content
        return lambda stream: stream.write(data)
    raise UsageError(
        f"The suffix of {shown(target.name)} names no format that can be written.",
        expected=" ".join(s for s in SUFFIXES if text is not None or s not in TEXT_FORMATS)
        + ", or a directory",
        found=suffix or "no suffix",
        remedy="give the output a suffix, or end a directory with /",
    )


def _npy(array: Array) -> Writer:
    """The writer of one .npy file.

    numpy is shown no real file: it would write past Python and report a full disk without saying
    that the disk is full.
    """

    def write(stream: IO[bytes]) -> None:
        sink = cast("IO[bytes]", SimpleNamespace(write=stream.write))
        np.lib.format.write_array(sink, array, allow_pickle=False)

    return write


def _only(arrays: Mapping[str, Array], target: Path) -> Array:
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    raise UsageError(
        f"A {target.suffix} file holds one array, and the result has {len(arrays)}.",
        expected="one array",
        found=", ".join(arrays) or "none",
        remedy=f"pick one with --only {next(iter(arrays), 'dX')}, or write .npz or a directory",
    )


def _replace_all(writers: Mapping[Path, Writer], inputs: Iterable[str | Path]) -> None:
    """Write every file to a temporary one first; only when all are whole are they renamed."""
    read = list(inputs)
    targets = {Path(os.path.realpath(path)): writer for path, writer in writers.items()}
    for target in targets:
        check_target(target, read)
    written: dict[Path, Path] = {}
    try:
        for target, writer in targets.items():
            temporary = target.parent / f".convgrad-{os.urandom(6).hex()}.tmp"
            written[temporary] = target
            _write(temporary, target, writer)
        for temporary, target in written.items():
            os.replace(temporary, target)
    finally:
        for temporary in written:
            with suppress(OSError):
                temporary.unlink()


def _write(temporary: Path, target: Path, writer: Writer) -> None:
    """One temporary file, with the permissions of the file it will replace (else the umask's)."""
    with open(temporary, "xb") as stream:
        with suppress(FileNotFoundError):
            os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
        writer(stream)


def check_target(target: Path, inputs: Iterable[str | Path]) -> None:
    """FileError for a target that is read from, or that is no plain, writable file."""
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return
    for given in inputs:
        with suppress(OSError):
            if os.path.samefile(given, target):
                raise FileError(
                    "The output would overwrite an input.",
                    expected="a file that is not read from",
                    found=shown(str(target)),
                    remedy="choose another --output",
                )
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a directory")
    if not stat.S_ISREG(mode):
        raise FileError("The output is a device or a pipe, not a file.", found=shown(str(target)))
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "the file is read-only")


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """The directory to write into, made if only it is missing, and unmade if nothing came of it."""
    made = not folder.exists()
    if made:
        folder.mkdir()
    try:
        yield
    except BaseException:
        if made:
            with suppress(OSError):
                folder.rmdir()
        raise


@contextmanager
def refusals(target: Path) -> Iterator[None]:
    """What the system refuses, as one error about the output."""
    try:
        yield
    except OSError as error:
        _refuse(target, error)


def _refuse(target: Path, error: OSError) -> NoReturn:
    parent = target.parent
    if isinstance(error, FileNotFoundError) and not parent.is_dir():
        raise FileError(
            f"The output cannot be written: the directory {shown(str(parent))} does not exist.",
            remedy=f"mkdir -p {parent}",
            source=str(target),
        ) from None
    reason = (error.strerror or str(error)).lower()
    raise FileError(
        f"The output cannot be written: {reason}.",
        remedy=_REMEDIES.get(error.errno or 0, "choose another --output"),
        source=str(target),
    ) from None
