"""``convgrad check equations``: is this hand derivation right, and if not, which term is wrong?"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from convgrad_cli.cli.boundary import ExitCode, leave
from convgrad_cli.cli.check_layer import LongOption
from convgrad_cli.cli.derive_options import DeriveArrays, DeriveLayer
from convgrad_cli.cli.options import BaseOption, OutputOptions, SymbolsOption
from convgrad_cli.cli.signature import command

if TYPE_CHECKING:
    import typer

    from convgrad_cli.check.equations_report import EquationsReport

_NO_LAYER = ("dims", "layout", "filter_layout", "allow_nonfinite")
"""Options of the arrays that name none."""
MOST_BYTES = 16_000_000
"""More is no derivation: a file or stream is read this far and no further."""


@dataclass(eq=False, repr=False)
class WritingOptions:
    """How the equations are written."""

    notation: Annotated[
        str | None,
        Option(
            "--notation",
            help="slides, recitation, tutorial, diba, lecture12 or plain; default: found out.",
        ),
    ] = None
    symbols: SymbolsOption = None
    base: BaseOption = None


def register(check: typer.Typer) -> None:
    """Add the command."""
    command(
        check,
        "equations",
        example="convgrad check equations 'dL/dX21 = dL/dO12*F21 + dL/dO21*F11' --sample slides",
    )(equations)


def equations(
    arrays: DeriveArrays,
    layer: DeriveLayer,
    writing: WritingOptions,
    output: OutputOptions,
    source: Annotated[
        str,
        Argument(metavar="EQUATIONS", help="A file, the text itself, or -: one equation a line."),
    ],
    bundle: Annotated[
        str | None,
        Argument(metavar="[BUNDLE]", help="A .npz or .json file that holds the layer's arrays."),
    ] = None,
    long: LongOption = False,
) -> None:
    """A derivation by hand, term by term, against the right one.

    Each equation is right, or the wrong, missing, doubled or superfluous term is named, with the
    nearest right one. Exit code 0 right, 1 wrong, 2 not checkable.
    """
    from convgrad_cli.check.equations import check_stages
    from convgrad_cli.cli.derive_layer import given_layer
    from convgrad_cli.cli.derive_planned import traced_layer
    from convgrad_cli.cli.output import put
    from convgrad_cli.derivation import parse_symbols
    from convgrad_cli.render.check_equations import equations_output

    _one_reader_of_stdin(source, arrays, bundle)
    _must_have_layer(arrays, bundle)
    text = read_equations(source)
    given, kind = given_layer(arrays, layer, bundle)
    traced = traced_layer(given, kind, arrays, with_bias=False, ones=False)
    report = check_stages(
        text,
        traced.stages,
        kind,
        notation=writing.notation,
        preferred=given.notation,
        symbols=None if writing.symbols is None else parse_symbols(writing.symbols),
        base=writing.base,
    )

    def form(name: str, **display: Any) -> str | bytes:
        return equations_output(report, name, long=long, **display)

    files = [*given.sources, *([source] if os.path.isfile(source) else [])]
    put(form, {}, output, inputs=files, notes=given.notes)
    _leave(report)


def _leave(report: EquationsReport) -> None:
    if report.verdict == "wrong":
        leave(ExitCode.DIFFERENCE)
    if report.verdict != "right":
        leave(ExitCode.BAD_INPUT)


def read_equations(source: str) -> str:
    """The text: standard input for ``-``, a file that exists, else the argument itself.

    Raises FileError for a file that cannot be read or holds no text.
    """
    from convgrad_cli.errors import FileError

    if source == "-":
        return _decoded(_standard_input(), "standard input")
    if not _is_file_name(source):
        # An argument is UTF-8 whatever the locale says.
        return _decoded(os.fsencode(source), "the text")
    try:
        with open(source, "rb") as stream:
            return _decoded(stream.read(MOST_BYTES + 1), source)
    except IsADirectoryError:
        raise FileError("The equations cannot be read: a directory.", source=source) from None
    except OSError as error:
        remedy = None
        if isinstance(error, FileNotFoundError):
            remedy = "name a file, or give the equations themselves (they have an = sign)"
        raise FileError(
            f"The equations cannot be read: {os.strerror(error.errno or 0)}.",
            remedy=remedy,
            source=source,
        ) from None


def _is_file_name(source: str) -> bool:
    """Whether the argument names a file: it exists, or it holds nothing that equations hold."""
    if "\0" in source or "\n" in source:
        return False
    return "=" not in source or os.path.exists(source)


def _standard_input() -> bytes:
    from convgrad_cli.arrays import Stdin

    stream = Stdin(getattr(sys.stdin, "buffer", None)).take("the equations")
    return stream.read(MOST_BYTES + 1)


def _decoded(content: bytes, source: str) -> str:
    from convgrad_cli.errors import FileError

    if len(content) > MOST_BYTES:
        raise FileError(
            "The equations are too many to check.",
            expected=f"at most {MOST_BYTES // 1_000_000} MB of text",
            source=source,
        )
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise FileError(
            "The equations are not text.",
            expected="text in UTF-8",
            remedy="save it as plain text, one equation a line",
            source=source,
        ) from None


def _one_reader_of_stdin(source: str, arrays: DeriveArrays, bundle: str | None) -> None:
    from convgrad_cli.errors import UsageError

    named = {f"--{n}": getattr(arrays, n) for n in ("input", "filter", "bias", "upstream")}
    readers = [name for name, spec in (named | {"the bundle": bundle}).items() if spec == "-"]
    if source == "-" and readers:
        raise UsageError(
            f"The equations and {readers[0]} both read standard input.",
            remedy="give one of them as a file",
        )


def _must_have_layer(arrays: DeriveArrays, bundle: str | None) -> None:
    """A verdict about a layer that nobody named would be worth nothing."""
    from convgrad_cli.errors import UsageError

    own = {f.name: getattr(arrays, f.name) for f in fields(arrays)}
    if not any(own[name] for name in own if name not in _NO_LAYER) and bundle is None:
        raise UsageError(
            "There is no layer to check the equations against.",
            expected="--input-shape and --filter-shape, arrays, a bundle, or --sample NAME",
            remedy="for example --input-shape 3,3 --filter-shape 2,2, or --sample slides",
        )
