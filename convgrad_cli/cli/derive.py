"""``convgrad derive``: every equation of a layer, step by step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from convgrad_cli.cli.derive_options import DeriveArrays, DeriveLayer
from convgrad_cli.cli.options import BaseOption, NotationOption, OutputOptions, SymbolsOption
from convgrad_cli.cli.signature import command

if TYPE_CHECKING:
    import typer

    from convgrad_cli.cli.derive_planned import Traced
    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.cli.options import SymbolicOptions
    from convgrad_cli.derivation import Derivation
    from convgrad_cli.derivation.stages import Stage
    from convgrad_cli.geometry import Plan
    from convgrad_cli.render.derivation import Document
    from convgrad_cli.render.result import Result

BUNDLE_SUFFIXES = (".json", ".npz", ".safetensors")


@dataclass(eq=False, repr=False)
class DeriveOptions:
    """What is derived and how it is written."""

    with_bias: Annotated[
        bool, Option("--with-bias", help="A bias in the forward equations (shapes alone).")
    ] = False
    steps: Annotated[
        str | None,
        Option(
            "--steps",
            help="Some of forward, chain, local, substituted, numbers, convolution (all of these); "
            "and padding, stride, vectorized, toeplitz: the lectures' other roads.",
            metavar="STEPS",
        ),
    ] = None
    notation: NotationOption = None
    symbols: SymbolsOption = None
    base: BaseOption = None
    everything: Annotated[bool, Option("--all", help="Print every term, however many.")] = False
    standalone: Annotated[
        bool, Option("--standalone", help="LaTeX: the whole document, ready to compile.")
    ] = False


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "derive", example="convgrad derive dW 'dX[2,2]' --sample recitation-2")(derive)


def derive(
    arrays: DeriveArrays,
    layer: DeriveLayer,
    options: DeriveOptions,
    output: OutputOptions,
    targets: Annotated[
        list[str] | None,
        Argument(
            metavar="[TARGET]...",
            help="dW, dX, db, Y (A and dY with an activation; V, dV, dD, dP of a separable layer), "
            "an element as 'dX[2,2]' or F11; - or a bundle file.",
        ),
    ] = None,
) -> None:
    """Why each gradient element is what it is: its equation, step by step.

    The steps are the lectures': forward equations, chain rule, local gradients, substituted, with
    your numbers, and the whole as a convolution. Shapes alone are enough.
    """
    from convgrad_cli.cli.derive_layer import given_layer
    from convgrad_cli.cli.derive_planned import traced_layer
    from convgrad_cli.cli.output import put
    from convgrad_cli.derivation.steps import checked_steps

    asked, bundle = _without_bundle(targets or [])
    steps = checked_steps(options.steps)
    given, kind = given_layer(arrays, layer, bundle)
    traced = traced_layer(given, kind, arrays, with_bias=options.with_bias, ones=True)
    document = _document(traced, asked, options, given, steps)
    result = _envelope(traced, given, document)
    output = _as_latex(output, options)

    def form(name: str, **display: Any) -> str | bytes:
        return _form(result, document, name, output.precision, display)

    put(form, {}, output, inputs=given.sources, notes=given.notes)


def _document(
    traced: Traced,
    targets: list[str],
    options: DeriveOptions,
    given: Given,
    steps: tuple[str, ...],
) -> Document:
    """Every stage's derivation of what was asked for, and the views after them."""
    from convgrad_cli.derivation import parse_symbols
    from convgrad_cli.derivation.stages import derivations
    from convgrad_cli.render.derivation import Document, Written

    symbols = None if options.symbols is None else parse_symbols(options.symbols)
    name = options.notation or given.notation or "slides"
    found = derivations(traced.stages, targets, name, symbols, options.base)
    parts = {
        field: Written(each, steps, options.everything, options.standalone)
        for field, each in found.items()
    }
    views = [*_activation_numbers(traced, given, steps), *_roads(traced, steps, found)]
    return Document(parts, tuple(views), options.standalone)


def _activation_numbers(traced: Traced, given: Given, steps: tuple[str, ...]) -> list[Any]:
    """z, σ(z), σ′(z), dA and dz as matrices, where there is an activation and z is known."""
    from convgrad_cli.cli.activation import activation_view
    from convgrad_cli.layers import activation
    from convgrad_cli.tracing.activation import activation_of

    chosen, last = activation_of(traced.layer.options), traced.stages[-1]
    if chosen is None or "Y" not in last.values:
        return []
    arrays = _as_given(last, "Y", "dA")
    if note := activation.kink_note(chosen, arrays["Y"]):
        given.notes.append(note)
    if "numbers" not in steps:
        return []
    A = activation.forward(chosen, arrays["Y"])
    return [activation_view(chosen, arrays["Y"], A, arrays.get("dA"))]


def _as_given(stage: Stage, *names: str) -> dict[str, Any]:
    """Those of the stage's numbers that are known, in the user's rank and layout."""
    frames, upstream = stage.traced.frames, f"d{stage.traced.upstream}"
    found = {}
    for name in names:
        if name in stage.values:
            layout = frames[name[1:] if name == upstream else name].layout
            found[name] = layout.from_canonical(stage.values[name])
    return found


def _roads(traced: Traced, steps: tuple[str, ...], found: dict[str, Derivation]) -> list[Any]:
    """The lectures' other roads that are among the steps, in the derivation's letters."""
    from convgrad_cli.derivation import TracedConv
    from convgrad_cli.derivation.steps import VIEWS
    from convgrad_cli.errors import UsageError

    asked = [step for step in steps if step in VIEWS]
    if not asked:
        return []
    from convgrad_cli.cli.lecture_views import conv_views

    stage = traced.stages[0]
    if stage.key != "derivation" or type(stage.traced) is not TracedConv:
        raise UsageError(
            f"The step {asked[0]} is a convolution's.",
            remedy="leave it out of --steps for this layer",
        )
    notation = next(iter(found.values())).notation
    return conv_views(traced.layer.plan, asked, notation, **_as_given(stage, "X", "W", "b", "dY"))


def symbolic_result(
    result: Result,
    given: Given,
    plan: Plan,
    symbolic: SymbolicOptions,
    *,
    targets: tuple[str, ...],
    upstream: Any = None,
) -> None:
    """Add the steps *substituted* and *numbers* to a numeric result (``--symbolic``)."""
    from convgrad_cli.cli.layer_output import stage_derivations
    from convgrad_cli.tracing import KINDS, PlannedLayer

    kind = KINDS[result.operation.partition("_")[0]]
    layer = PlannedLayer(kind, plan, {}, kind.own_options(given.options))
    arrays = {name: given[name] for name in kind.arrays if name in given}
    arrays |= {} if upstream is None else {"dY": upstream}
    found = stage_derivations(layer.stages(arrays), targets, symbolic, given.notation)
    result.derivation = found["derivation"]


def _without_bundle(texts: list[str]) -> tuple[list[str], str | None]:
    """The targets, and the one positional that is a bundle, if any."""
    from convgrad_cli.errors import UsageError

    bundles = [t for t in texts if t == "-" or t.lower().endswith(BUNDLE_SUFFIXES)]
    if len(bundles) > 1:
        raise UsageError("Two bundles are given.", found=" and ".join(bundles))
    return [text for text in texts if text not in bundles], bundles[0] if bundles else None


def _envelope(traced: Traced, given: Given, document: Document) -> Result:
    """The contract's envelope; ``derivation`` is the one stage's, or the convolution's."""
    from convgrad_cli.cli.described import layer_described
    from convgrad_cli.render.result import Result

    geometry, extra = layer_described(traced.layer)
    return Result(
        operation="derive",
        geometry=geometry,
        arrays={},
        shapes=_shapes(traced),
        notes=list(given.notes),
        derivation=document.parts.get("derivation"),
        extra=extra,
    )


def _shapes(traced: Traced) -> dict[str, Any]:
    """The arrays' shapes under the envelope's names."""
    names = {"X": "input", "W": "filter"}
    shapes = {names.get(name, name): shape for name, shape in traced.layer.shapes.items()}
    first = traced.stages[0].traced
    if getattr(first, "bias", False):
        shapes["bias"] = first.frames["b"].given_shape
    if traced.kind != "activation":
        shapes["upstream"] = traced.layer.last.output_shape
    return shapes


def _form(
    result: Result, document: Document, name: str, precision: int | None, display: dict[str, Any]
) -> str | bytes:
    if name != "json":
        from convgrad_cli.render.derivation import render_derivation

        return render_derivation(document, name, precision=precision, **display)
    from convgrad_cli.render.result import render

    result.extra |= document.fields()
    return render(result, "json")


def _as_latex(output: OutputOptions, options: DeriveOptions) -> OutputOptions:
    """``--standalone`` means LaTeX."""
    from convgrad_cli.errors import UsageError

    if not options.standalone or output.format == "latex" or output.output is not None:
        return output
    if output.json or output.format is not None:
        raise UsageError("--standalone prints a LaTeX document.", remedy="add --format latex")
    return replace(output, format="latex")
