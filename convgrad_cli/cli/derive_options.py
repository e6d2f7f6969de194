"""The options of ``convgrad derive`` and ``convgrad check equations`` that say which layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from typer import Option

from convgrad_cli.cli.lecture_options import (
    ActivationOption,
    DepthwiseOption,
    PointwiseOption,
    SlopeOption,
    TransformsOption,
    UpsampleOption,
)
from convgrad_cli.cli.options import (
    BiasOption,
    CountPadOption,
    DilationOption,
    DimsOption,
    FilterLayoutOption,
    FilterOption,
    InputOption,
    LayoutOption,
    NonfiniteOption,
    PaddingOption,
    SampleOption,
    StrideOption,
    TiesOption,
    UpstreamOption,
)


@dataclass(eq=False, repr=False)
class DeriveArrays:
    """Where the arrays come from, or their shapes alone."""

    input: InputOption = None
    filter: FilterOption = None
    bias: BiasOption = None
    upstream: UpstreamOption = None
    sample: SampleOption = None
    depthwise: DepthwiseOption = None
    pointwise: PointwiseOption = None
    input_shape: Annotated[
        str | None, Option("--input-shape", help="X's shape alone, e.g. 5,5.", metavar="N,N")
    ] = None
    filter_shape: Annotated[
        str | None, Option("--filter-shape", help="W's shape alone, e.g. 3,3.", metavar="N,N")
    ] = None
    depthwise_shape: Annotated[
        str | None,
        Option("--depthwise-shape", help="A separable layer's, e.g. 2,3,3.", metavar="N,N"),
    ] = None
    pointwise_shape: Annotated[
        str | None,
        Option("--pointwise-shape", help="A separable layer's, e.g. 4,2.", metavar="N,N"),
    ] = None
    dims: DimsOption = None
    layout: LayoutOption = None
    filter_layout: FilterLayoutOption = None
    allow_nonfinite: NonfiniteOption = False


@dataclass(eq=False, repr=False)
class DeriveLayer:
    """Which layer, and its geometry."""

    layer: Annotated[
        str | None,
        Option(
            "--layer",
            help="conv (default, or the bundle's), maxpool, avgpool, transposed, activation, "
            "upsample or separable.",
        ),
    ] = None
    stride: StrideOption = None
    padding: PaddingOption = None
    dilation: DilationOption = None
    groups: Annotated[int | None, Option("--groups", help="Groups of channels.")] = None
    output_size: Annotated[
        str | None,
        Option("--output-size", help="Pick the padding that gives this output.", metavar="N[,N]"),
    ] = None
    window: Annotated[
        str | None, Option("--window", "-k", help="A pool's window: 2, or 2,3.", metavar="N[,N]")
    ] = None
    ceil_mode: Annotated[
        bool | None, Option("--ceil-mode/--floor-mode", help="Keep a last, partly filled window.")
    ] = None
    ties: TiesOption = None
    count_include_pad: CountPadOption = None
    output_padding: Annotated[
        str | None,
        Option("--output-padding", help="Of a transposed layer: 1, or 1,0.", metavar="N[,N]"),
    ] = None
    activation: ActivationOption = None
    slope: SlopeOption = None
    transforms: TransformsOption = None
    upsample: UpsampleOption = None
