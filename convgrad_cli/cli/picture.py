"""What ``figure`` and ``explore`` share: the layer to look at, and where its picture goes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from convgrad_cli.cli.check_layer import LayerOptions

if TYPE_CHECKING:
    import numpy as np

    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.cli.options import ConvArrays
    from convgrad_cli.derivation import Notation
    from convgrad_cli.geometry import Plan
    from convgrad_cli.render.layer import Layer

PictureLayerOption = Annotated[
    str | None,
    Option(
        "--layer",
        help="conv, maxpool, avgpool, transposed, activation or upsample (default: the bundle's, "
        "else conv).",
    ),
]
QuietOption = Annotated[bool, Option("--quiet", "-q", help="No notes on stderr.")]


@dataclass(eq=False, repr=False)
class PictureOptions(LayerOptions):
    """The geometry of any layer that can be pictured."""

    output_padding: Annotated[
        str | None,
        Option("--output-padding", help="Of a transposed layer: 1, or 1,0.", metavar="N[,N]"),
    ] = None
    activation: Annotated[
        str | None,
        Option(
            "--activation",
            help="relu, leaky-relu, sigmoid, tanh, softplus, gelu, silu or identity: of "
            "--layer activation, or after a convolution, whose -g is then dA.",
        ),
    ] = None
    slope: Annotated[
        float | None, Option("--slope", help="leaky-relu's slope for z < 0 (0.01 unless given).")
    ] = None
    upsample: Annotated[
        str | None,
        Option("--upsample", help="nearest or zeros, by --stride: of --layer upsample."),
    ] = None


@dataclass(eq=False, repr=False)
class NamingOptions:
    """How the picture names things."""

    notation: Annotated[
        str | None,
        Option("--notation", help="slides, recitation, tutorial, diba, lecture12 or plain."),
    ] = None
    symbols: Annotated[
        str | None, Option("--symbols", help="Own letters: X=A,W=K,Y=Z,b=c.", metavar="LETTERS")
    ] = None
    base: Annotated[int | None, Option("--base", help="Indices count from 0 or 1.")] = None
    title: Annotated[str | None, Option("--title", help="The picture's heading.")] = None


def gather_picture(
    arrays: ConvArrays, options: PictureOptions, layer: str | None
) -> tuple[Given, str]:
    """What was given, and the kind of layer: as asked, else what the options, the bundle or the
    sample say.

    Raises UsageError for an unknown layer, and for an option that the layer does not have.
    """
    from convgrad_cli.cli.check_layer import gather_layer
    from convgrad_cli.cli.picture_kinds import KINDS
    from convgrad_cli.errors import UsageError

    if layer is not None and layer not in KINDS:
        raise UsageError(f"Unknown layer {layer!r}.", expected=f"one of {', '.join(KINDS)}")
    kind = layer or ("upsample" if options.upsample is not None else None)
    if kind in ("transposed", "activation", "upsample"):
        given = _further(arrays, options, kind)
    else:
        given, kind = gather_layer(arrays, options, kind)
        named = (given.operation or "").partition("_")[0]
        kind = named if layer is None and named in KINDS else kind
        typed = {"activation": options.activation, "slope": options.slope}
        given.options |= {key: value for key, value in typed.items() if value is not None}
    _only_its_options(arrays, options, kind)
    if kind == "activation" and given.options.get("activation") is None:
        raise UsageError("Which activation is it?", expected="--activation NAME, such as relu")
    return given, kind


def _further(arrays: ConvArrays, options: PictureOptions, kind: str) -> Given:
    """The arrays and options of the lectures' further layers, as their own commands read them."""
    from convgrad_cli.cli import activation, transposed, words

    if kind == "activation":
        _no_samples(arrays, "an activation")
        given = activation.gathered(
            arrays.bundle, arrays.input, arrays.upstream, arrays.allow_nonfinite
        )
        typed: dict[str, Any] = {key: getattr(arrays, key) for key in ("dims", "layout")}
        typed |= {"activation": options.activation, "slope": options.slope}
    else:
        typed = {"mode": options.upsample}
        if options.output_padding is not None:
            typed["output_padding"] = words.whole_numbers(
                options.output_padding, "--output-padding"
            )
        typed = {key: value for key, value in typed.items() if value is not None}
        given = transposed.gathered(arrays, options, typed, filtered=kind == "transposed")
    given.options |= {key: value for key, value in typed.items() if value is not None}
    return given


def _no_samples(arrays: ConvArrays, called: str) -> None:
    from convgrad_cli.errors import UsageError

    if arrays.sample is not None:
        raise UsageError(
            f"No built-in example is {called}.",
            found=f"--sample {arrays.sample}",
            remedy="give z with --input, or nothing for a built-in z",
        )


def _only_its_options(arrays: ConvArrays, options: PictureOptions, kind: str) -> None:
    """Raise UsageError for an option of another layer."""
    from convgrad_cli.cli.picture_kinds import KINDS
    from convgrad_cli.errors import UsageError

    typed = {field.name: getattr(options, field.name) for field in fields(options)}
    typed |= {key: getattr(arrays, key) for key in ("filter", "bias", "filter_layout")}
    for name, value in typed.items():
        if value is not None and name not in KINDS[kind].options:
            called, flag = KINDS[kind].called, f"--{name.replace('_', '-')}"
            takes = ", ".join(f"--{key.replace('_', '-')}" for key in sorted(KINDS[kind].options))
            raise UsageError(
                f"{called[0].upper()}{called[1:]} does not take {flag}.", expected=takes, found=flag
            )


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
    return Layer(kind, plan, arrays, _notation(given, naming), ties, counting, chosen)


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


def _notation(given: Given, naming: NamingOptions) -> Notation:
    from convgrad_cli.derivation import notation_named, parse_symbols

    symbols = None if naming.symbols is None else parse_symbols(naming.symbols)
    return notation_named(naming.notation or given.notation or "slides", symbols, naming.base)
