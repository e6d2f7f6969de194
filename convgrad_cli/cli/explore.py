"""``convgrad explore``: a page to explore a layer in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Option

from convgrad_cli.cli.check_layer import LayerOption
from convgrad_cli.cli.lecture_options import DepthwiseOption, LayerOptions, PointwiseOption
from convgrad_cli.cli.options import ConvArrays, QuietOption
from convgrad_cli.cli.picture import NamingOptions
from convgrad_cli.cli.signature import command

if TYPE_CHECKING:
    import typer

    from convgrad_cli.cli.inputs import Given


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "explore", example="convgrad explore --stride 2 -o page.html")(explore)


def explore(
    arrays: ConvArrays,
    options: LayerOptions,
    naming: NamingOptions,
    layer: LayerOption = None,
    depthwise: DepthwiseOption = None,
    pointwise: PointwiseOption = None,
    crop: Annotated[
        str | None,
        Option(
            "--crop",
            help="A part of X only: 32, 32,48 or 16:48,0:32 (rows, columns).",
            metavar="SIZE",
        ),
    ] = None,
    output: Annotated[
        str | None, Option("--output", "-o", help="The page to write.", metavar="FILE.html")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """A page to point at a layer's gradients and play them in.

    Point at a cell and what makes it lights up, its equation below; numbers can be edited. The
    page needs no network. A plane has at most 64×64 positions; --crop takes a part of more. A whole
    chain of layers: convgrad chain net.json -o page.html.
    """
    from convgrad_cli.arrays import write_content
    from convgrad_cli.cli.boundary import say
    from convgrad_cli.cli.explore_separable import (
        gather_separable,
        separable_asked,
        separable_page,
    )
    from convgrad_cli.cli.output import in_terminal, write_stdout
    from convgrad_cli.cli.picture import gather_picture
    from convgrad_cli.errors import UsageError

    if output is None and in_terminal():
        raise UsageError("The page needs a file.", remedy="-o page.html")
    _check_suffix(output)
    if separable_asked(layer, depthwise, pointwise):
        given = gather_separable(arrays, options, depthwise, pointwise)
        kind = "separable"
    else:
        given, kind = gather_picture(arrays, options, layer, further=("separable",))
    if kind == "separable":
        if crop is not None:
            raise UsageError("The layer separable does not take --crop.", found=f"--crop {crop}")
        text = separable_page(given, naming)
    else:
        text = _page(given, kind, naming, crop)
    for note in [] if quiet else given.notes:
        say(note)
    if output is None:
        write_stdout(text.encode())
    else:
        write_content(output, text.encode(), inputs=given.sources)


def _check_suffix(output: str | None) -> None:
    """Raise UsageError for the suffix of another format; a name without one is the user's own."""
    from pathlib import PurePath

    from convgrad_cli.errors import UsageError

    suffix = PurePath(output or "").suffix.lower()
    if suffix not in ("", ".html", ".htm"):
        raise UsageError(
            "The page is an HTML file.",
            expected=".html",
            found=output,
            remedy="-o page.html; a picture in another format: convgrad figure",
        )


def _page(given: Given, kind: str, naming: NamingOptions, crop: str | None) -> str:
    """The page of a layer of one step."""
    from convgrad_cli.cli.crop import checked_size, cropped
    from convgrad_cli.cli.picture import given_arrays, heading, layer_of, planned
    from convgrad_cli.render.page import page

    plan = planned(given, kind)
    if crop is None:
        checked_size(plan.geometry)
    held = given_arrays(given, kind, plan)
    if crop is not None:
        plan, held, note = cropped(plan, held, crop)
        given.notes.append(note)
    shown = layer_of(given, kind, plan, held, naming)
    return page(shown, title=heading(shown, naming), notes=given.notes)
