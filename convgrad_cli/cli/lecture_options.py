"""Options that several commands take from the lectures' other layers, each declared once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from typer import Option

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
DepthwiseOption = Annotated[
    str | None,
    Option("--depthwise", help="One filter per channel: (I, …) or (I, 1, …).", metavar="ARRAY"),
]
PointwiseOption = Annotated[
    str | None, Option("--pointwise", help="The mixture: (O, I).", metavar="ARRAY")
]


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
