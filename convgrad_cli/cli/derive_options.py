"""The options of ``convgrad derive`` and ``convgrad check equations`` that say which layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from typer import Option

from convgrad_cli.cli.lecture_options import (
    DepthwiseOption,
    LayerOptions,
    PointwiseOption,
    TransformsOption,
)
from convgrad_cli.cli.options import (
    BiasOption,
    DimsOption,
    FilterLayoutOption,
    FilterOption,
    InputOption,
    LayoutOption,
    NonfiniteOption,
    SampleOption,
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
class DeriveLayer(LayerOptions):
    """Which layer, and its geometry."""

    layer: Annotated[
        str | None,
        Option(
            "--layer",
            help="conv (default, or the bundle's), maxpool, avgpool, transposed, activation, "
            "upsample or separable.",
        ),
    ] = None
    transforms: TransformsOption = None
