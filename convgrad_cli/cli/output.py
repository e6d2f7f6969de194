"""Where a result goes: stdout in the chosen form, or files whole or not at all; notes to stderr."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.boundary import say
from convgrad_cli.cli.bundles import result_options
from convgrad_cli.cli.progress import hidden
from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from convgrad_cli.cli.options import OutputOptions
    from convgrad_cli.render.result import Result

FORMATS = ("table", "text", "latex", "markdown", "json")


def chosen_format(options: OutputOptions) -> str | None:
    """The form asked for; without one a table in a terminal, text in a pipe, none with a file.

    Raises UsageError for an unknown form, or two.
    """
    asked = "json" if options.json else options.format
    if options.json and options.format not in (None, "json"):
        raise UsageError(f"--json and --format {options.format} contradict each other.")
    if asked is None:
        if options.output is not None:
            return None
        return "table" if in_terminal() else "text"
    if asked not in FORMATS:
        raise UsageError(f"Unknown format {asked!r}.", expected=f"one of {', '.join(FORMATS)}")
    return asked


def emit(result: Result, options: OutputOptions, *, inputs: Iterable[str]) -> None:
    """Print and write a numeric result as the options say; its notes go to stderr."""
    from convgrad_cli.render.result import render

    def form(name: str, **display: Any) -> str | bytes:
        return render(
            result,
            name,
            precision=options.precision,
            derivation=partial(_derivation, precision=options.precision, **display),
            **display,
        )

    written = {**_own(result, options), **_prefixed(result.updated)}
    if (options.output or "").endswith(".npz"):
        if "X" in result.arrays:  # a layer that pipes on
            written |= result_options(result)
        if result.derivation is not None:
            result.notes.append("The equations are not in the .npz file: it holds arrays only.")
    put(form, written, options, inputs=inputs, notes=result.notes)


def _own(result: Result, options: OutputOptions) -> Mapping[str, Any]:
    """The arrays to write: a bundle keeps the inputs a result carries, single arrays are new."""
    if (options.output or "").endswith((".npz", ".json")):
        return result.arrays
    return {name: array for name, array in result.arrays.items() if name not in ("X", "W", "b")}


def _derivation(written: Any, name: str, **display: Any) -> str:
    from convgrad_cli.render.derivation import render_derivation

    return render_derivation(written, name, **display)


def put(
    form: Callable[..., str | bytes],
    arrays: Mapping[str, Any],
    options: OutputOptions,
    *,
    inputs: Iterable[str] = (),
    notes: Iterable[str] = (),
) -> None:
    """Write ``form(format)`` and the arrays where the options say.

    ``form`` makes the text of one form (``width``, ``color``, ``ascii_only`` for the display).
    """
    asked = chosen_format(options)
    if options.precision is not None and not 1 <= options.precision <= 17:
        raise UsageError(
            "--precision takes 1 to 17 significant digits.", found=str(options.precision)
        )
    tell(notes, options)
    if options.output is not None:
        from convgrad_cli.arrays import write_results

        write_results(
            options.output,
            arrays,
            form,
            inputs=inputs,
        )
    if asked is not None:
        write_stdout(form(asked, **display()))


def tell(notes: Iterable[str], options: OutputOptions) -> None:
    """Notes to stderr, unless --quiet."""
    if not options.quiet:
        for note in notes:
            say(note)


def display() -> dict[str, Any]:
    """Width, colour and character set of stdout."""
    terminal = in_terminal()
    colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    return {
        "width": shutil.get_terminal_size().columns,
        "color": colour,
        "ascii_only": encoding != "utf8",
    }


def write_stdout(content: str | bytes) -> None:
    """The result, and nothing else, to stdout; OSError where it is closed (``>&-``)."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    with hidden():
        _write_stdout(content)


def _write_stdout(content: str | bytes) -> None:
    if isinstance(content, str):
        text = content if content.endswith("\n") else content + "\n"
        content = text.encode(sys.stdout.encoding or "utf-8", errors="replace")
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:
        sys.stdout.write(content.decode())
    else:
        sys.stdout.flush()
        rest = memoryview(content)
        while rest:  # an unbuffered stdout (PYTHONUNBUFFERED) may take a part at a time
            rest = rest[stream.write(rest) :]
        stream.flush()


def in_terminal() -> bool:
    """Whether stdout is a terminal; a closed one is None in Python."""
    return sys.stdout is not None and sys.stdout.isatty()


def _prefixed(updated: Mapping[str, Any] | None) -> dict[str, Any]:
    return {f"updated_{name}": array for name, array in (updated or {}).items()}
