"""What ``figure`` and ``explore`` share: the layer to look at, and where its picture goes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from convgrad_cli.cli.options import BaseOption, NotationOption, SymbolsOption

if TYPE_CHECKING:
    import numpy as np

    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.cli.lecture_options import LayerOptions
    from convgrad_cli.cli.options import ConvArrays
    from convgrad_cli.derivation import Notation
    from convgrad_cli.geometry import Plan
    from convgrad_cli.render.layer import Layer


@dataclass(eq=False, repr=False)
class NamingOptions:
    """How the picture names things."""

    notation: NotationOption = None
    symbols: SymbolsOption = None
    base: BaseOption = None
    title: Annotated[str | None, Option("--title", help="The picture's heading.")] = None


def gather_picture(
    arrays: ConvArrays, options: LayerOptions, layer: str | None, further: tuple[str, ...] = ()
) -> tuple[Given, str]:
    """What was given, and the kind of layer: as asked, else what the options, the bundle or the
    sample say. Of an activation z is X there, and what arrives from above dY. ``further``: layers
    that the command takes by another way.

    Raises UsageError for an unknown layer, and for an option that the layer does not have.
    """
    from convgrad_cli.cli.check_layer import gather_layer
    from convgrad_cli.cli.picture_kinds import KINDS
    from convgrad_cli.errors import UsageError

    if layer is not None and layer not in KINDS:
        raise UsageError(
            f"Unknown layer {layer!r}.", expected=f"one of {', '.join((*KINDS, *further))}"
        )
    if layer == "upsample" or (layer is None and options.upsample is not None):
        return _upsampled(arrays, options), "upsample"
    given, kind = gather_layer(arrays, options, layer)
    named = (given.operation or "").partition("_")[0]
    kind = named if layer is None and named in KINDS else kind
    if kind not in (*KINDS, *further):
        raise UsageError(
            f"A bundle of the layer {kind} cannot be taken here.",
            expected=f"a bundle of one of {', '.join(KINDS)}",
            found=given.operation,
            remedy=f"convgrad explore --layer {kind}, each array by its option",
        )
    if kind == "activation" and given.options.get("activation") is None:
        raise UsageError("Which activation is it?", expected="--activation NAME, such as relu")
    return given, kind


def _upsampled(arrays: ConvArrays, options: LayerOptions) -> Given:
    """The arrays and options of upsampling, as ``convgrad transposed --upsample`` reads them."""
    from convgrad_cli.cli.check_layer import own_options
    from convgrad_cli.cli.transposed import gathered
    from convgrad_cli.errors import UsageError

    typed = {field.name: getattr(options, field.name) for field in fields(options)}
    typed |= {key: getattr(arrays, key) for key in ("filter", "bias", "filter_layout")}
    for name, value in typed.items():
        if value is not None and name not in ("stride", "upsample"):
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(
                f"Upsampling does not take {flag}.", expected="--stride, --upsample", found=flag
            )
    return gathered(arrays, options, own_options(options), filtered=False)


def planned(given: Given, kind: str) -> Plan:
    """The layer's plan."""
    from convgrad_cli.cli.picture_kinds import KINDS

    return KINDS[kind].plan(given)


def given_arrays(given: Given, kind: str, plan: Plan) -> dict[str, np.ndarray[Any, Any]]:
    """X, W, b and dY of the layer, b flat; dY is 1 everywhere where none is given.

    With an activation also z as Y, A, σ′(z) as ``derivative``, dA, and dY = dA ∘ σ′(z).
    """
    from convgrad_cli.cli.picture_kinds import KINDS

    return KINDS[kind].arrays(given, plan)


def results(layer: Layer) -> dict[str, Any]:
    """What the layer gives, in the user's own rank."""
    from convgrad_cli.cli.picture_kinds import KINDS

    return KINDS[layer.kind].results(layer)


def layer_of(
    given: Given, kind: str, plan: Plan, arrays: dict[str, Any], naming: NamingOptions
) -> Layer:
    """The layer with its arrays and names."""
    from convgrad_cli.cli.picture_kinds import activation_of
    from convgrad_cli.derivation.pool import TIES
    from convgrad_cli.errors import UsageError
    from convgrad_cli.render.layer import Layer

    ties = str(given.options.get("ties") or "first")
    if ties not in TIES:
        raise UsageError(f"Unknown tie rule {ties!r}.", expected=f"one of {', '.join(TIES)}")
    counting = bool(given.options.get("count_include_pad"))
    chosen = activation_of(given) if kind in ("conv", "activation") else None
    return Layer(kind, plan, arrays, notation_of(given, naming), ties, counting, chosen)


def heading(layer: Layer, naming: NamingOptions, of: str = "Forward and backward of") -> str:
    """The title asked for, or the layer's, after ``of``."""
    from convgrad_cli.cli.picture_kinds import KINDS

    if naming.title is not None:
        return naming.title
    called = KINDS[layer.kind].called
    if layer.activation is not None:
        name = layer.activation.name
        called = f"the activation {name}" if layer.kind == "activation" else f"{called} with {name}"
    return f"{of} {called}"


def notation_of(given: Given, naming: NamingOptions) -> Notation:
    """The notation asked for, or the sample's, or the slides'."""
    from convgrad_cli.derivation import notation_named, parse_symbols

    symbols = None if naming.symbols is None else parse_symbols(naming.symbols)
    return notation_named(naming.notation or given.notation or "slides", symbols, naming.base)
