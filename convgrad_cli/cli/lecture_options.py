"""Options that several commands take from the lectures' other layers, each declared once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from typer import Option

from convgrad_cli.cli.options import (
    CeilOption,
    ConvOptions,
    CountPadOption,
    TiesOption,
    WindowOption,
)

ActivationOption = Annotated[
    str | None,
    Option(
        "--activation",
        help="A = σ(Y): relu, leaky-relu, sigmoid, tanh, softplus, gelu, silu, identity. "
        "The upstream gradient is then dA.",
    ),
]
SlopeOption = Annotated[
    float | None, Option("--slope", help="leaky-relu's slope for z < 0 (0.01 unless given).")
]
TransformsOption = Annotated[
    str | None,
    Option(
        "--transforms",
        help="One filter, a map for each of identity,rot90,rot180,rot270,fliplr,flipud,"
        "transpose,scale2.",
        metavar="NAMES",
    ),
]
UpsampleOption = Annotated[
    str | None,
    Option("--upsample", help="nearest or zeros, by --stride: upsampling, without a filter."),
]
OutputPaddingOption = Annotated[
    str | None,
    Option(
        "--output-padding",
        help="A transposed layer's rows added after the output: 1, or 1,0.",
        metavar="N[,N]",
    ),
]
DepthwiseOption = Annotated[
    str | None,
    Option("--depthwise", help="One filter per channel: (I, …) or (I, 1, …).", metavar="ARRAY"),
]
PointwiseOption = Annotated[
    str | None, Option("--pointwise", help="The mixture: (O, I).", metavar="ARRAY")
]


@dataclass(eq=False, repr=False)
class LayerOptions(ConvOptions):
    """The options of any layer, for the commands that take ``--layer``."""

    window: WindowOption = None
    ceil_mode: CeilOption = None
    ties: TiesOption = None
    count_include_pad: CountPadOption = None
    output_padding: OutputPaddingOption = None
    activation: ActivationOption = None
    slope: SlopeOption = None
    upsample: UpsampleOption = None


@dataclass(eq=False, repr=False)
class LectureOptions:
    """An activation after the convolution, transforms of the filter, and views."""

    activation: ActivationOption = None
    slope: SlopeOption = None
    transforms: TransformsOption = None
    view: Annotated[
        str | None,
        Option(
            "--view",
            help="Further ways to see it: padding, stride, vectorized, toeplitz.",
            metavar="NAMES",
        ),
    ] = None
