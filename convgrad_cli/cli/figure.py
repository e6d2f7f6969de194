"""``convgrad figure``: a picture of a layer for slides and papers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from convgrad_cli.cli.lecture_options import LayerOptions, TransformsOption
from convgrad_cli.cli.options import ConvArrays, QuietOption
from convgrad_cli.cli.picture import NamingOptions
from convgrad_cli.cli.signature import command

if TYPE_CHECKING:
    import typer

    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.derivation import Index
    from convgrad_cli.render.layer import Layer

CELLS = ("numbers", "symbols")
_ABOUT = {
    "forward": ("Forward pass of",),
    "dX": ("Gradient of the input of",),
    "dW": ("Gradient of the filter of",),
    "dilate": ("Dilating and padding in",),
    "flip": ("Turning the filter of",),
}
"""What a figure's title says before the layer."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "figure", example="convgrad figure --kind dX --stride 2 -o dX.svg")(figure)


def figure(
    arrays: ConvArrays,
    options: LayerOptions,
    naming: NamingOptions,
    layer: Annotated[
        str | None,
        Option(
            "--layer",
            help="conv, maxpool, avgpool, transposed, activation or upsample (default: "
            "the bundle's, else conv).",
        ),
    ] = None,
    kind: Annotated[
        str | None,
        Option(
            "--kind",
            help="forward, dW, dX, dilate, flip, summary (default) or heatmap; of the other layers "
            "maxpool, avgpool, activation, upsample; transforms, with --transforms.",
        ),
    ] = None,
    transforms: TransformsOption = None,
    element: Annotated[
        str | None,
        Option("--element", help="What is highlighted: 'dX[2,2]', F11 …", metavar="ELEMENT"),
    ] = None,
    cells: Annotated[str, Option("--cells", help="numbers or symbols.")] = "numbers",
    output: Annotated[
        str | None,
        Option("--output", "-o", help="FILE.svg, FILE.png or FILE.pdf.", metavar="FILE"),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """A figure for slides and papers: a convolution, its gradients, a pool.

    By matplotlib (pip install 'convgrad[figures]').
    """
    from io import BytesIO

    from convgrad_cli.arrays import write_content
    from convgrad_cli.cli.boundary import say
    from convgrad_cli.errors import UsageError
    from convgrad_cli.render import figure as figures

    form = _form(output)
    if cells not in CELLS:
        raise UsageError(f"--cells does not know {cells!r}.", expected=" or ".join(CELLS))
    figures.load_matplotlib()
    if transforms is not None or kind == "transforms":
        from convgrad_cli.cli.figure_transforms import (
            refuse_beside_transforms,
            transforms_drawn,
        )

        refuse_beside_transforms(kind, layer, element, cells)
        given, sheet = transforms_drawn(arrays, options, transforms, naming)
    else:
        given, shown = _layer(arrays, options, naming, layer)
        sheet = _drawn(given, shown, naming, kind, element, symbols=cells == "symbols")
    stream = BytesIO()
    figures.save(sheet, stream, form)
    for note in [] if quiet else given.notes:
        say(note)
    assert output is not None
    write_content(output, stream.getvalue(), inputs=given.sources)


def _drawn(
    given: Given,
    shown: Layer,
    naming: NamingOptions,
    kind: str | None,
    element: str | None,
    *,
    symbols: bool,
) -> Any:
    """The layer's figure of the kind asked for."""
    from convgrad_cli.cli.picture import heading
    from convgrad_cli.render.facts import facts
    from convgrad_cli.render.figure import figure as draw

    chosen_kind = _kind(kind, shown)
    chosen = _element(shown, element, chosen_kind)
    title = lettered(given, heading(shown, naming, *_ABOUT.get(chosen_kind, ())))
    return draw(
        shown, chosen_kind, element=chosen, symbols=symbols, title=title, facts=facts(shown)
    )


def _layer(
    arrays: ConvArrays, options: LayerOptions, naming: NamingOptions, layer: str | None
) -> tuple[Given, Layer]:
    """What was given, and its layer with everything it gives."""
    from convgrad_cli.cli.picture import (
        gather_picture,
        given_arrays,
        layer_of,
        planned,
        results,
    )

    given, of = gather_picture(arrays, options, layer)
    plan = planned(given, of)
    held = given_arrays(given, of, plan)
    shown = layer_of(given, of, plan, held, naming)
    held |= given.locating(lambda: results(shown))
    return given, shown


def lettered(given: Given, title: str) -> str:
    """The figure's title; a note where the font lacks some of its letters."""
    from convgrad_cli.render.figure import missing_letters, shown_text

    if missing := missing_letters(shown_text(title)):
        given.notes.append(f"The figure's font lacks {missing}: only a viewer's own may show it.")
    return title


def _form(output: str | None) -> str:
    """The file's format, by its suffix."""
    from convgrad_cli.errors import UsageError
    from convgrad_cli.render.figure import FORMATS

    suffix = (output or "").rpartition(".")[2].lower()
    if output is None or suffix not in FORMATS:
        raise UsageError(
            "The figure needs a file of a known format.",
            expected=", ".join(f".{form}" for form in FORMATS),
            found=output,
            remedy="-o figure.svg",
        )
    return suffix


def _kind(kind: str | None, layer: Layer) -> str:
    """The kind of figure asked for, or the layer's usual one."""
    from convgrad_cli.cli.picture_kinds import KINDS
    from convgrad_cli.errors import UsageError
    from convgrad_cli.render.figure import kinds_of

    allowed = kinds_of(layer)
    if kind is None:
        return allowed[0]
    if kind not in allowed:
        raise UsageError(
            f"There is no figure {kind!r} of {KINDS[layer.kind].called}.",
            expected=f"one of {', '.join(allowed)}",
        )
    return kind


def _element(layer: Layer, text: str | None, kind: str) -> tuple[str, Index] | None:
    """The element asked for; its array must be one that the kind shows."""
    from convgrad_cli.derivation import Names
    from convgrad_cli.derivation.targets import select
    from convgrad_cli.errors import UsageError
    from convgrad_cli.render.figure import targets_of

    if text is None:
        return None
    allowed = targets_of(layer, kind)
    layer = layer.pointwise if kind == "activation" else layer
    selected = select(Names(layer.notation, layer.traced), [text])[0]
    if selected.index is None or selected.target not in allowed:
        traced = layer.traced
        rank = len(traced.frames[traced.targets[allowed[0]]].given_shape)
        raise UsageError(
            f"--kind {kind} highlights an element of {' or '.join(allowed)}.",
            expected=f"for example {allowed[0]}[{','.join('0' * rank)}]",
            found=text,
        )
    return selected.target, selected.index
