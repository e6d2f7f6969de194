"""The equations of a convolution, from its taps.

Y[n,o,i]  = sum of X W (+ b[o])      recitation, slides, Diba eq. 6
dW[o,c,p] = sum of dY X              slides, recitation (stride > 1), Diba eq. 14
dX[n,c,x] = sum of dY W              slides, recitation (stride > 1), Diba eq. 23, lecture 12
db[o]     = sum of dY                slides, Diba eq. 16
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

from convgrad_cli.derivation.products import TracedProducts
from convgrad_cli.geometry import ConvPlan, input_taps, output_taps, weight_taps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.derivation.model import Index
    from convgrad_cli.geometry import Axis, Product

_TAPS = {"Y": output_taps, "dW": weight_taps, "dX": input_taps}


@dataclass(frozen=True)
class TracedConv(TracedProducts):
    """A convolution as :class:`~convgrad_cli.derivation.model.Traced`."""

    plan: ConvPlan

    operation: ClassVar[str] = "conv"
    filter_kinds: ClassVar[str] = "kc"

    def products(self, target: str, index: Index) -> Iterator[Product]:
        """The convolution's taps."""
        return _TAPS[target](self.plan.geometry, index)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The convolution's own."""
        return self.plan.geometry.axes

    def count_of(self, target: str, index: Index) -> int:
        """Number of terms of one element, without listing them: the taps along each axis."""
        g, place = self.plan.geometry, index[2:]
        match target:
            case "Y":
                along = [len(a.taps_of_output(i)) for a, i in zip(g.axes, place, strict=True)]
                return g.in_channels // g.groups * prod(along) + self.bias
            case "dW":
                along = [len(a.outputs_of_kernel(k)) for a, k in zip(g.axes, place, strict=True)]
                return g.batch * prod(along)
            case "dX":
                along = [len(a.taps_of_input(x)) for a, x in zip(g.axes, place, strict=True)]
                return g.out_channels // g.groups * prod(along)
        return g.batch * prod(axis.output for axis in g.axes)
