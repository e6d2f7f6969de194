"""Options that ``forward`` and ``backward`` take from the lectures' other layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from typer import Option


@dataclass(eq=False, repr=False)
class LectureOptions:
    """An activation after the convolution, transforms of the filter, and views."""

    activation: Annotated[
        str | None,
        Option(
            "--activation",
            help="A = σ(Y): relu, leaky-relu, sigmoid, tanh, softplus, gelu, silu, identity. "
            "The upstream gradient is then dA.",
        ),
    ] = None
    slope: Annotated[
        float | None, Option("--slope", help="leaky-relu's slope for z < 0 (0.01 unless given).")
    ] = None
    transforms: Annotated[
        str | None,
        Option(
            "--transforms",
            help="One filter, a map for each of identity,rot90,rot180,rot270,fliplr,flipud,"
            "transpose,scale2.",
            metavar="NAMES",
        ),
    ] = None
    view: Annotated[
        str | None,
        Option(
            "--view",
            help="Further ways to see it: padding, stride, vectorized, toeplitz.",
            metavar="NAMES",
        ),
    ] = None
